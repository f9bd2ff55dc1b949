"""A promised fill rate is served: the small form of `tests.benchmarks.promise`."""

import pytest

from tests.benchmarks.promise import simulate


@pytest.mark.parametrize("kind", ["normal", "poisson", "lumpy"])
@pytest.mark.parametrize(("lead", "review"), [(0, 1), (2, 4), (8, 2)])
def test_backordered_demand_is_served_as_promised(kind, lead, review):
    found = simulate(kind, lead, review, 0.95, lost=False, periods=200_000)
    assert found.came == pytest.approx(found.promised, abs=0.005)
    assert found.promised >= 0.95 - 1e-6


@pytest.mark.parametrize(("kind", "lead", "review"), [("normal", 2, 2), ("poisson", 4, 4), ("lumpy", 3, 4)])
def test_lost_demand_is_served_as_promised(kind, lead, review):
    found = simulate(kind, lead, review, 0.95, lost=True, periods=30_000)
    assert found.came == pytest.approx(found.promised, abs=0.01)
    assert found.promised >= 0.95 - 1e-6
