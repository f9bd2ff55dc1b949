"""Pieces side by side give what one after another gives, in their order, to the last digit."""

import threading

import numpy as np
import pytest

from planning import lanes, pipeline
from planning.params import Params
from tests.planning.test_like_base import assert_same
from tests.planning.test_what_if import AS_OF, company


def test_results_come_in_the_order_of_the_pieces_whichever_is_done_first() -> None:
    second = threading.Event()

    def work(piece: int) -> int:
        # The first waits for the second, so that they must be at work together.
        assert second.wait(30) if piece == 0 else second.set() is None
        return 10 * piece

    assert lanes.side_by_side(work, range(7)) == [0, 10, 20, 30, 40, 50, 60]
    assert lanes.side_by_side(work, []) == []


def test_a_fault_of_one_piece_is_that_of_all() -> None:
    with pytest.raises(ZeroDivisionError):
        lanes.side_by_side(lambda piece: 1 // piece, [1, 0, 2])


@pytest.mark.parametrize("unmet", ["lost", "backordered"])
def test_a_plan_is_the_same_in_one_lane_as_in_many(unmet: str, monkeypatch: pytest.MonkeyPatch) -> None:
    params = Params(bucket="day", unmet_demand=unmet)
    fits = pipeline.fit(company(), AS_OF, params)
    plans = []
    for many in (1, 2, 5):
        monkeypatch.setattr(lanes, "LANES", many)
        base = pipeline.prepare(company(), AS_OF, params, fits=fits)
        plans.append((base, pipeline.finish(base, AS_OF, params)))
    for base, plan in plans[1:]:
        np.testing.assert_array_equal(base.need.need, plans[0][0].need.need)
        np.testing.assert_array_equal(base.demand.variance, plans[0][0].demand.variance)
        assert_same(plan, plans[0][1])
