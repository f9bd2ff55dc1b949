"""Netting day by day: the specification's records, stock-out days and days of supply, laws."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.distribution import CumulativeDemand
from planning.orders import Limits
from planning.replenish import (
    LaterOrders,
    days_of_supply,
    first_shortage,
    project,
    receipts_by_day,
    risk,
)

ANY = Limits(np.zeros(1), np.zeros(1), np.full(1, np.inf))


def path(daily: list[float]) -> CumulativeDemand:
    """Demand known to the unit, one value a day."""
    mean = np.concatenate([[0.0], np.cumsum(daily)])[None, :]
    return CumulativeDemand(mean, np.zeros_like(mean), np.array([True]))


def row(*values: float) -> np.ndarray:
    return np.array([values], dtype=float)


def later(
    lead: float, review: float = 1, coverage: float | None = None, buffer: float = 0.0, limits: Limits = ANY,
    *, allowed: bool = True,
) -> LaterOrders:  # fmt: skip
    return LaterOrders(
        np.array([lead]), np.array([review], float), np.array([coverage or review], float), np.array([buffer]), limits,
        np.array([allowed]),
    )  # fmt: skip


def netted(demand, stock, receipts, how=None, placed=None, *, lost=False):
    receipts = row(*receipts)
    placed = np.zeros_like(receipts) if placed is None else row(*placed)
    return project(path(demand), np.array([float(stock)]), receipts, placed, how, lost=lost)


def test_time_phased_netting_is_that_of_the_specification():
    # science, 4.1: OH 75, SS 10, L 2, MOQ 50, multiple 25.
    limits = Limits(np.array([50.0]), np.array([25.0]), np.array([np.inf]))
    found = netted([40, 50, 10, 40, 40, 40, 50], 75, [0, 60, 0, 0, 0, 0, 0], later(lead=2, buffer=10, limits=limits))
    assert found.planned.tolist() == [[0, 0, 0, 50, 50, 0, 50]]
    assert found.stock.tolist() == [[35, 45, 35, 45, 55, 15, 15]]


def test_netting_with_all_receipts_in_time_plans_nothing():
    # science, 4.1: OH 100, lot 200, L 4, SR [0, 200, 0, 200, 0].
    limits = Limits(np.array([200.0]), np.array([200.0]), np.array([np.inf]))
    found = netted([50, 125, 100, 60, 40], 100, [0, 200, 0, 200, 0], later(lead=4, limits=limits))
    assert found.stock.tolist() == [[50, 125, 25, 165, 125]]
    assert not found.planned.any()


def test_no_later_order_can_arrive_before_the_lead_time():
    found = netted([50, 125, 100, 60, 40], 100, [0, 200, 0, 0, 0], later(lead=4))
    assert not found.planned[:, :5].any()
    assert found.stock.tolist() == [[50, 125, 25, -35, -75]]


def test_days_of_supply_and_the_day_of_the_stock_out_are_those_of_the_specification():
    # science, 4.2: OH 40, 6 a day, SR 30 on day 9: 6.667 days, short on day 7 (today is day 1).
    demand = [6.0] * 20
    assert days_of_supply(path(demand), np.array([40.0])) == pytest.approx(6.667, abs=5e-4)
    found = netted(demand, 40, [0] * 8 + [30] + [0] * 11, lost=True)
    assert first_shortage(found) == 6
    assert found.lost[0, 6] == pytest.approx(2)
    # Ordered with L = 5 on day 2 (after one day) it comes on day 7, just in time.
    assert first_shortage(found) - 5 == 1


def test_lost_demand_is_not_owed_and_backordered_demand_is():
    lost, owed = (netted([10, 10, 10, 10], 15, [0, 0, 30, 0], lost=lost) for lost in (True, False))
    assert lost.stock.tolist() == [[5, 0, 20, 10]]
    assert lost.lost.tolist() == [[0, 5, 0, 0]]
    assert owed.stock.tolist() == [[5, -5, 15, 5]]


def test_a_receipt_serves_the_demand_of_its_own_day():
    assert first_shortage(netted([10, 10], 10, [0, 10], lost=True)) == np.inf
    assert first_shortage(netted([10, 10], 10, [0, 9], lost=True)) == 1


def test_later_orders_come_at_reviews_only_and_last_as_long_as_they_must():
    # L 2, R 3, coverage 6: arrivals on days 5, 8, ... each to last 6 days when it is due.
    found = netted([10.0] * 14, 50, [0] * 14, later(lead=2, review=3, coverage=6))
    assert np.flatnonzero(found.planned[0]).tolist() == [5, 11]
    assert found.planned[0, [5, 11]].tolist() == [60, 60]
    assert (found.stock >= 0).all()


def test_an_item_that_may_not_be_ordered_gets_no_later_order():
    assert not netted([10.0] * 9, 0, [0] * 9, later(lead=1, allowed=False)).planned.any()


def test_receipts_lie_on_their_days_and_those_beyond_the_plan_are_left_out():
    found = receipts_by_day(np.array([0, 0, 1, 1]), np.array([2.0, 2.0, 0.0, 9.0]), np.array([5, 7, 1, 99.0]), (2, 4))
    assert found.tolist() == [[0, 0, 12, 0], [1, 0, 0, 0]]


@pytest.mark.parametrize(
    ("shortage", "due", "colour"),
    [
        (4, False, "red"),
        (5, False, "amber"),
        (11, False, "amber"),
        (12, False, "green"),
        (12, True, "amber"),
        (np.inf, True, "amber"),
        (np.inf, False, "green"),
        (0, True, "red"),
    ],
)
def test_risk_by_what_a_normal_order_can_still_do(shortage, due, colour):
    # L 5, R 7: a stock-out before day 5 comes before any normal order, one before day 12 before the next.
    assert risk(np.array([shortage]), np.array([5.0]), np.array([7.0]), np.array([due])) == colour


@pytest.mark.parametrize(
    ("daily", "stock", "days"),
    [
        ([6, 6, 6, 6], 15, 2.5),
        ([6, 0, 0, 6], 6, 3),
        ([6, 6], 0, 0),
        ([6, 6], -5, 0),
        ([6, 6], 12, 2),
        # Beyond what is forecast it goes on at the pace so far.
        ([6, 6], 30, 5),
        ([0, 0], 30, np.nan),
    ],
)
def test_days_of_supply(daily, stock, days):
    assert days_of_supply(path(daily), np.array([float(stock)])) == pytest.approx(days, nan_ok=True)


UNITS = st.integers(0, 60).map(float)


@st.composite
def courses(draw: st.DrawFn):
    days = draw(st.integers(3, 20))
    lists = [draw(st.lists(UNITS, min_size=days, max_size=days)) for _ in range(3)]
    limits = Limits(
        np.array([draw(st.sampled_from([0.0, 12.0, 50.0]))]), np.array([draw(st.sampled_from([0.0, 1.0, 6.0]))]),
        np.array([draw(st.sampled_from([np.inf, 100.0]))]),
    )  # fmt: skip
    how = later(draw(st.integers(0, 8)), draw(st.integers(1, 7)), None, draw(UNITS), limits)
    return lists[0], draw(UNITS), lists[1], lists[2], how


@given(courses(), st.booleans())
def test_stock_is_kept_account_of_each_day(course, lost):
    demand, stock, receipts, placed, how = course
    found = netted(demand, stock, receipts, how, placed, lost=lost)
    before = np.concatenate([[stock], found.stock[0, :-1]])
    served = np.array(demand) - (found.lost[0] if lost else 0)
    np.testing.assert_allclose(found.stock[0], before + receipts + found.orders[0] - served)
    np.testing.assert_allclose(found.orders[0], np.array(placed) + found.planned[0])
    assert ((found.lost >= 0) & (found.lost <= demand)).all()
    if lost:
        assert (found.stock >= 0).all()


@given(courses())
def test_lost_and_owed_demand_run_short_on_the_same_first_day(course):
    demand, stock, receipts, placed, _ = course
    first = [first_shortage(netted(demand, stock, receipts, None, placed, lost=lost))[0] for lost in (True, False)]
    assert first[0] == first[1]


@given(courses())
def test_the_first_shortage_is_where_demand_so_far_exceeds_supply_so_far(course):
    demand, stock, receipts, placed, _ = course
    supplied = stock + np.cumsum(receipts) + np.cumsum(placed)
    short = np.flatnonzero(np.cumsum(demand) > supplied)
    assert first_shortage(netted(demand, stock, receipts, None, placed))[0] == (short[0] if len(short) else np.inf)


@given(courses())
def test_more_stock_never_runs_out_earlier(course):
    demand, stock, receipts, _, _ = course
    less, more = (first_shortage(netted(demand, s, receipts, lost=True))[0] for s in (stock, stock + 7))
    assert more >= less


@given(courses(), st.booleans())
def test_without_demand_and_buffer_nothing_is_ordered(course, lost):
    demand, stock, receipts, _, how = course
    how = later(how.lead_time[0], how.review[0], None, 0.0, how.limits)
    assert not netted([0.0] * len(demand), stock, receipts, how, lost=lost).planned.any()


@given(courses(), st.booleans())
def test_later_orders_keep_their_limits(course, lost):
    demand, stock, receipts, placed, how = course
    planned = netted(demand, stock, receipts, how, placed, lost=lost).planned[0]
    orders = planned[planned > 0]
    assert (orders >= how.limits.least[0]).all()
    assert (orders <= how.limits.most[0]).all()
    if how.limits.multiple[0] > 0:
        assert (orders % how.limits.multiple[0] == 0).all()


@given(st.lists(UNITS, min_size=8, max_size=20), UNITS, st.integers(1, 3))
def test_once_orders_can_arrive_the_buffer_is_kept(demand, buffer, lead):
    stock = sum(demand[: lead + 1]) + buffer
    found = netted(demand, stock, [0] * len(demand), later(lead, buffer=buffer))
    assert (found.stock[0, lead + 1 :] >= buffer - 1e-6).all()


@given(courses(), UNITS)
def test_items_are_netted_as_if_each_stood_alone(course, other):
    demand, stock, receipts, placed, how = course
    two = CumulativeDemand(
        np.vstack([path(demand).mean, path([other] * len(demand)).mean]),
        np.zeros((2, len(demand) + 1)),
        np.ones(2, bool),
    )
    both = LaterOrders(
        *(np.repeat(getattr(how, name), 2) for name in ("lead_time", "review", "coverage", "buffer")),
        Limits(*(np.repeat(getattr(how.limits, name), 2) for name in ("least", "multiple", "most"))),
        np.repeat(how.allowed, 2),
    )
    together = project(
        two, np.array([stock, 5.0]), row(*receipts).repeat(2, 0), row(*placed).repeat(2, 0), both, lost=True
    )
    alone = netted(demand, stock, receipts, how, placed, lost=True)
    np.testing.assert_allclose(together.stock[0], alone.stock[0])
    np.testing.assert_allclose(together.planned[0], alone.planned[0])
