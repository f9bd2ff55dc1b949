"""A promised fill rate is served: the small form of `tests.benchmarks.promise`."""

import pytest

from tests.benchmarks.promise import MOMENTS, simulate, simulate_lost_lots, simulate_lots


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


@pytest.mark.parametrize("kind", ["normal", "poisson", "lumpy"])
@pytest.mark.parametrize(("lead", "review"), [(0, 1), (8, 2)])
@pytest.mark.parametrize("days", [7, 28])
@pytest.mark.parametrize("whole_lots", [False, True])
def test_a_reorder_point_serves_what_it_promises(kind, lead, review, days, whole_lots):
    lot = float(-(-MOMENTS[kind][0] * days // 1))
    found = simulate_lots(kind, lead, review, 0.95, lot, whole_lots=whole_lots, periods=150_000)
    assert found.came == pytest.approx(found.promised, abs=0.005)
    assert found.promised >= 0.95 - 1e-6


@pytest.mark.parametrize("share", [0.5, 1.0, 1.5])
def test_a_lot_shorter_than_two_reviews_serves_what_it_promises(share):
    lot = float(round(MOMENTS["poisson"][0] * 7 * share))
    found = simulate_lots("poisson", 2, 7, 0.95, lot, whole_lots=False, periods=200_000)
    assert found.came == pytest.approx(found.promised, abs=0.006)
    assert found.came >= 0.95


@pytest.mark.parametrize(
    ("kind", "lead", "review", "lot"), [("lumpy", 8, 2, 23), ("lumpy", 5, 4, 6), ("poisson", 2, 4, 12)]
)
@pytest.mark.parametrize("whole_lots", [False, True])
def test_a_reorder_point_serves_what_it_promises_where_demand_is_lost(kind, lead, review, lot, whole_lots):
    found = simulate_lost_lots(kind, lead, review, 0.95, lot, whole_lots=whole_lots, periods=24_000, paths=200)
    assert found.came == pytest.approx(found.promised, abs=0.012)
    assert found.came >= 0.945
