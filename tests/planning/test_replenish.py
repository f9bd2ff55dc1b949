"""Netting day by day: the specification's records, stock-out days and days of supply, laws."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning import pipeline
from planning.distribution import CumulativeDemand
from planning.orders import Limits
from planning.params import Params
from planning.replenish import (
    Closed,
    LaterOrders,
    coming_spreads,
    days_of_supply,
    first_shortage,
    net_requirements,
    occasions,
    project,
    receipts_by_day,
    risk,
    safety_by_day,
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


def record(gross, receipts, stock, safety, lead, limits, **more):
    return net_requirements(
        row(*gross), row(*receipts), np.array([float(stock)]), np.array([float(safety)]), np.array([float(lead)]),
        limits, **more,
    )  # fmt: skip


def test_the_record_of_netting_is_that_of_the_specification():
    # science, 4.1: what is missing, what arrives, and what is released two buckets before.
    limits = Limits(np.array([50.0]), np.array([25.0]), np.array([np.inf]))
    found = record([40, 50, 10, 40, 40, 40, 50], [0, 60, 0, 0, 0, 0, 0], 75, 10, 2, limits)
    assert found.net.tolist() == [[0, 0, 0, 15, 5, 0, 45]]
    assert found.receipts.tolist() == [[0, 0, 0, 50, 50, 0, 50]]
    assert found.releases.tolist() == [[0, 50, 50, 0, 50, 0, 0]]
    assert found.available.tolist() == [[35, 45, 35, 45, 55, 15, 15]]
    assert found.past_due.tolist() == [0]


def test_what_should_have_been_released_before_today_is_past_due():
    # science, 4.1: OH 100, lot 200, L 4: 35 are missing in the fourth bucket, and 200 are past due.
    limits = Limits(np.array([200.0]), np.array([200.0]), np.array([np.inf]))
    found = record([50, 125, 100, 60, 40], [0, 200, 0, 0, 0], 100, 0, 4, limits)
    assert found.net.tolist() == [[0, 0, 0, 35, 0]]
    assert found.receipts.tolist() == [[0, 0, 0, 200, 0]]
    assert found.past_due.tolist() == [200]
    assert not found.releases.any()
    found = record([50, 125, 100, 60, 40], [0, 200, 0, 200, 0], 100, 0, 4, limits)
    assert found.available.tolist() == [[50, 125, 25, 165, 125]]
    assert found.past_due.tolist() == [0]


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


def test_a_receipt_at_the_end_of_a_review_covers_no_gap_before_it():
    # L 2, R 5: the order of day 7 must last to day 11; 50 come on day 11 only.
    found = netted([10.0] * 12, 70, [0] * 11 + [50], later(lead=2, review=5))
    assert np.flatnonzero(found.planned[0]).tolist() == [7]
    assert found.planned[0, 7] == 40
    assert not found.lost.any()


def test_a_plan_may_not_pass_the_most_to_hold_nor_the_life_of_what_arrives():
    how = later(lead=1, review=2, coverage=8)
    assert netted([10.0] * 20, 30, [0] * 20, how).planned.max() == 80
    held = LaterOrders(**{**vars(how), "ceiling": np.array([45.0])})
    found = netted([10.0] * 20, 30, [0] * 20, held)
    assert (found.stock[0] + 10 <= 45).all()
    assert found.planned.any()
    fresh = LaterOrders(**{**vars(how), "life": np.array([3.0])})
    assert netted([10.0] * 20, 30, [0] * 20, fresh).planned.max() == 30


def test_the_most_to_hold_is_not_spent_by_todays_stock():
    # 40 are there and 40 are the most: later orders come all the same, once there is room.
    how = LaterOrders(**{**vars(later(lead=1, review=2)), "ceiling": np.array([40.0])})
    assert not netted([10.0] * 20, 40, [0] * 20, how).lost.any()


def test_a_lot_takes_the_place_of_the_coverage():
    how = LaterOrders(**{**vars(later(lead=1, review=1, coverage=9)), "lot": np.array([25.0])})
    found = netted([10.0] * 6, 20, [0] * 6, how)
    assert found.planned.tolist() == [[0, 0, 35, 0, 0, 30]]


def test_what_a_planner_has_set_is_left_alone():
    how = LaterOrders(**{**vars(later(lead=1)), "closed": Closed(np.array([0]), np.array([3]), np.array([5]))})
    found = netted([10.0] * 8, 20, [0] * 8, how, [0, 0, 0, 15, 0, 0, 0, 0], lost=True)
    assert found.planned.tolist() == [[0, 0, 10, 0, 0, 0, 10, 10]]
    assert found.lost.tolist() == [[0, 0, 0, 0, 5, 10, 0, 0]]


@pytest.mark.parametrize(
    ("weekday", "review", "today", "first", "step"),
    [
        (np.nan, 7, 0, 7, 7),
        (np.nan, 1, 3, 1, 1),
        # Monday today, ordered on Wednesdays: the day after tomorrow, then every week.
        (2, 7, 0, 2, 7),
        (0, 7, 0, 7, 7),
        # Every two weeks: the last Wednesday within them.
        (2, 14, 0, 9, 14),
        (0, 14, 0, 14, 14),
        (6, 10, 0, 6, 7),
        # A review shorter than a week waits for the day all the same.
        (4, 2, 0, 4, 7),
    ],
)
def test_later_occasions_fall_on_the_suppliers_day(weekday, review, today, first, step):
    found = occasions(np.array([float(weekday)]), np.array([float(review)]), today)
    assert (found[0][0], found[1][0]) == (first, step)


@given(st.integers(0, 6), st.integers(7, 60), st.integers(0, 6))
def test_occasions_are_on_the_day_and_never_farther_apart_than_the_review(weekday, review, today):
    first, step = (x[0] for x in occasions(np.array([float(weekday)]), np.array([float(review)]), today))
    assert (today + first) % 7 == weekday
    assert 0 < first <= review
    assert step % 7 == 0
    assert 7 <= step <= review


def moving(per_week: list[float], variance: float, *, whole: bool) -> CumulativeDemand:
    daily = np.repeat(np.array(per_week) / 7, 7)
    mean = np.concatenate([[0.0], np.cumsum(daily)])[None, :]
    return CumulativeDemand(mean, mean * variance, np.array([whole]))


def test_the_safety_stock_of_a_gamma_is_the_quantile_of_each_coming_interval_less_its_mean():
    demand = moving([70, 140, 35, 70], 30.0, whole=False)
    interval = np.array([7.0])
    buffer = demand.quantile(0.95, interval) - demand.mean_to(interval)
    found = safety_by_day(coming_spreads(demand, interval, 28), buffer, np.zeros(1), np.full(1, 1.645), 28)[0]
    assert (found[:7] == found[0]).all()
    for week, mean in enumerate([70, 140, 35, 70]):
        # Seen from its own morning each week is as uncertain, for its mean, as the first.
        shape = CumulativeDemand.quantiles(
            demand, np.array([0.95]), np.array([float(mean)]), np.array([70 * 30 * (mean / 70) ** 2])
        )[0, 0]
        assert found[7 * week] == pytest.approx(shape - mean)


def test_the_safety_stock_of_counts_is_near_the_quantile_less_the_mean():
    demand = moving([70, 140, 35, 70], 3.0, whole=True)
    interval = np.array([7.0])
    buffer = demand.quantile(0.95, interval) - demand.mean_to(interval)
    found = safety_by_day(coming_spreads(demand, interval, 28), buffer, np.zeros(1), np.full(1, 1.645), 28)[0]
    for week, mean in enumerate([70, 140, 35, 70]):
        variance = mean + (210 - 70) * (mean / 70) ** 2
        exact = demand.quantiles(np.array([0.95]), np.array([float(mean)]), np.array([variance]))[0, 0] - mean
        assert found[7 * week] == pytest.approx(exact, abs=2)


def test_what_is_out_of_season_keeps_no_safety_stock_but_has_one_in_season():
    demand = moving([0, 0, 70, 0], 4.0, whole=True)
    spreads = coming_spreads(demand, np.array([7.0]), 28)
    found = safety_by_day(spreads, np.zeros(1), np.zeros(1), np.full(1, 2.0), 28)[0, ::7]
    assert found.tolist() == [0, 0, pytest.approx(2 * np.sqrt(280)), 0]
    # What is held in any case is held all along.
    assert (safety_by_day(spreads, np.zeros(1), np.full(1, 5.0), np.full(1, 2.0), 28) >= 5).all()


def test_certain_demand_needs_no_safety_stock_and_a_given_one_follows_its_mean():
    demand = moving([70, 140], 0.0, whole=True)
    spreads = coming_spreads(demand, np.array([7.0]), 14)
    assert safety_by_day(spreads, np.zeros(1), np.zeros(1), np.full(1, 2.0), 14).tolist() == [[0.0] * 14]
    assert safety_by_day(spreads, np.full(1, 6.0), np.zeros(1), np.full(1, 2.0), 14)[0, ::7].tolist() == [6, 12]


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


@given(courses(), st.booleans())
def test_no_later_order_without_a_need_before_the_next_one(course, lost):
    demand, stock, receipts, placed, how = course
    found = netted(demand, stock, receipts, how, placed, lost=lost)
    for t in np.flatnonzero(found.planned[0]):
        # Without this order and any after it stock falls below the buffer on a day that it must cover.
        bare = LaterOrders(**{**vars(how), "closed": Closed(np.array([0]), np.array([t]), np.array([len(demand)]))})
        without = netted(demand, stock, receipts, bare, placed, lost=lost)
        end = min(t + int(how.review[0]), len(demand))
        if end < t + how.review[0]:
            continue
        assert without.stock[0, t:end].min() < how.buffer[0] or without.lost[0, t:end].any()


@given(courses(), st.integers(1, 60).map(float))
def test_a_far_off_receipt_never_counts_as_cover_for_an_earlier_gap(course, units):
    demand, stock, receipts, placed, how = course
    last = len(demand) - 1
    more = [*receipts[:-1], receipts[-1] + units]
    was, now = (netted(demand, stock, some, how, placed, lost=True) for some in (receipts, more))
    # Orders that can still close a gap before the receipt are the same, and so is what is short before it.
    reach = last - int(how.review[0])
    np.testing.assert_allclose(now.planned[0, : reach + 1], was.planned[0, : reach + 1])
    assert (now.lost[0, :last] <= was.lost[0, :last] + 1e-9).all()


@given(courses(), st.booleans())
def test_orders_that_can_come_in_time_leave_no_gap(course, lost):
    demand, stock, receipts, placed, how = course
    free = Limits(np.zeros(1), np.zeros(1), np.full(1, np.inf))
    how = later(int(how.lead_time[0]), int(how.review[0]), None, 0.0, free)
    found = netted(demand, stock, receipts, how, placed, lost=lost)
    first = int(how.lead_time[0] + how.review[0])
    assert found.lost[0, first:].sum() == pytest.approx(0)


@given(courses(), st.booleans())
def test_netting_twice_changes_nothing(course, lost):
    demand, stock, receipts, placed, how = course
    first = netted(demand, stock, receipts, how, placed, lost=lost)
    again = netted(demand, stock, receipts, how, placed, lost=lost)
    np.testing.assert_array_equal(first.stock, again.stock)
    # Once what is planned is placed, nothing more is.
    done = netted(demand, stock, receipts, how, list(first.orders[0]), lost=lost)
    limited = how.limits.most[0] < np.inf
    assert limited or not done.planned.any()


@given(courses(), st.booleans())
def test_the_record_keeps_account_of_stock_and_its_limits(course, lost):
    demand, stock, receipts, _, how = course
    found = record(demand, receipts, stock, how.buffer[0], how.lead_time[0], how.limits, lost=lost)
    before = np.concatenate([[stock], found.available[0, :-1]])
    bare = before + receipts + found.receipts[0] - np.array(demand)
    np.testing.assert_allclose(found.available[0], np.maximum(bare, 0) if lost else bare)
    np.testing.assert_allclose(found.releases.sum() + found.past_due.sum(), found.receipts.sum())
    assert ((found.receipts > 0) <= (found.net > 0)).all()
    if np.isinf(how.limits.most[0]):
        assert (found.available[0] >= how.buffer[0] - 1e-6).all() or not (found.net > 0).any()


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


@pytest.mark.parametrize("coverage", [None, 60])
def test_later_orders_of_an_item_that_ends_leave_less_than_a_pack_over(coverage):
    as_of = date(2026, 6, 1)
    days = pd.date_range(pd.Timestamp(as_of) - pd.Timedelta(days=140), periods=140)
    inputs = {
        "sales": pd.DataFrame({"date": days, "item_id": "a", "quantity": 10.0}),
        "stock": pd.DataFrame({"item_id": ["a"], "on_hand": [100.0]}),
        "items": pd.DataFrame({"item_id": ["a"], "order_multiple": [7.0], "ends_on": [pd.Timestamp(2026, 7, 11)]}),
    }
    params = Params(lead_time_sd_fraction=0, bucket="day", coverage_days=coverage)
    result = pipeline.plan(inputs, as_of, params)
    assert 0 <= result.projection.with_orders[0, -1] < 7
