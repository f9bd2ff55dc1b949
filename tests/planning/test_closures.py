"""Closed locations: gaps that are no demand of zero, and those that are the way a location sells."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.closures import closed_buckets, closures_note, total_by_location
from tests.planning.test_demand import built, sold, tables, told

WEEK = 7


def closed(totals: list[float], bucket_days: int = WEEK) -> list[int]:
    """The buckets of one location with one item that count as closed."""
    return np.flatnonzero(alone([totals], bucket_days)[0]).tolist()


def alone(totals: list[list[float]], bucket_days: int = WEEK) -> np.ndarray:
    """Closed buckets of locations with one item each."""
    return closed_buckets(np.array(totals, float), np.arange(len(totals)), bucket_days)


@pytest.mark.parametrize(("usual", "found"), [(6, []), (7, [3]), (400, [3])])
def test_a_week_without_a_sale_is_closed_where_that_is_less_likely_than_one_in_a_thousand(usual, found):
    # exp(-6.9) is 1 in 1,000.
    assert closed([usual, usual, usual, 0, usual, usual, usual, usual]) == found


def test_a_run_is_closed_as_a_whole():
    assert closed([30] * 20 + [0, 0] + [25] * 20) == [20, 21]
    assert closed([30] * 20 + [0] * 8 + [25] * 20) == list(range(20, 28))


def test_before_the_first_sale_and_after_the_last_nothing_is_closed():
    assert closed([0, 0, 30, 30, 30, 0, 0, 0]) == []
    assert closed([0] * 30) == []
    assert closed([]) == []


def test_a_weekday_that_mostly_sells_nothing_is_a_profile():
    # Closed on Sundays but for two; and on one Wednesday.
    days = [20, 20, 20, 20, 20, 30, 0] * 12
    days[6] = days[34] = 15
    days[37] = 0
    assert closed(days, 1) == [37]


def test_a_season_without_sales_is_a_profile_and_a_long_gap_of_one_year_is_closed():
    year = [50.0] * 40 + [0.0] * 12
    assert closed([*year, *year, *year, 50.0]) == []
    assert closed([50.0] * 60 + [0.0] * 12 + [50.0] * 60) == list(range(60, 72))


def test_the_spread_of_a_locations_totals_makes_nothing_likelier():
    # Median 10, robust spread 7.4: negative binomial with variance 5.5 times the mean, chance 2 %; Poisson 5e-5.
    assert closed([10, 5, 15, 3, 17, 10, 0, 10, 5, 15, 10]) == []
    assert closed([10, 9, 11, 8, 12, 10, 0, 10, 9, 11, 10]) == [6]


@given(st.integers(10, 59), st.lists(st.integers(0, 60), min_size=50, max_size=50))
def test_what_is_sold_later_changes_no_flag(known, later):
    rng = np.random.default_rng(known)
    once = np.where(rng.random(60) < 0.1, 0, rng.poisson(12, 60)).astype(float)
    once[known - 1] = once[-1] = 9
    then = np.concatenate([once[:known], later, [9.0]])
    np.testing.assert_array_equal(alone([once])[0, :known], alone([then])[0, :known])


def test_a_location_with_many_gaps_sells_that_way():
    rare = [40, 0, 35, 0, 0, 60] * 10
    assert closed(rare) == []
    one_in_six = ([40.0] * 5 + [0]) * 20 + [40]
    # The first two are no habit yet.
    assert closed(one_in_six) == [5, 11]


def test_each_location_is_judged_alone():
    open_, shut = [50.0] * 12, [50.0] * 5 + [0] + [50.0] * 6
    found = alone([open_, shut, open_])
    assert np.argwhere(found).tolist() == [[1, 5]]
    np.testing.assert_array_equal(alone([shut])[0], found[1])


def test_rare_items_that_happen_to_sell_nothing_together_close_no_location():
    # Six items that sell in two of five weeks, some 6 units: 0.6^6, one week in 21.
    rng = np.random.default_rng(4)
    rare = rng.negative_binomial(3, 1 / 3, (6, 200)) * (rng.random((6, 200)) < 0.4)
    assert (rare.sum(axis=0) == 0).sum() >= 5
    assert not closed_buckets(rare.astype(float), np.zeros(6, int), WEEK).any()
    # Forty of them never do.
    many = rng.negative_binomial(3, 1 / 3, (40, 200)) * (rng.random((40, 200)) < 0.4)
    many[:, 150] = 0
    assert np.flatnonzero(closed_buckets(many.astype(float), np.zeros(40, int), WEEK)).tolist() == [150]


def test_totals_by_location_equal_a_plain_sum():
    rng = np.random.default_rng(0)
    places = rng.permutation(np.repeat([0, 1, 2, 3], [1, 5, 9, 2]))
    values = rng.poisson(5, (17, 6)).astype(float)
    expected = [values[places == k].sum(axis=0) for k in range(4)]
    np.testing.assert_array_equal(total_by_location(values, places), expected)
    assert total_by_location(np.zeros((0, 6)), np.zeros(0, int)).shape == (0, 6)


def test_demand_of_a_closed_week_is_unknown_and_not_an_empty_shelf():
    shut = [5.0] * 10 + [0] + [5.0] * 5
    sales = pd.concat([sold(shut, "a", WEEK), sold(shut, "b", WEEK), sold([5.0] * 16, "a", WEEK, location_id="S2")])
    sales.loc[sales["location_id"].isna(), "location_id"] = "S1"
    notes: list[str] = []
    found = built(tables(sales=sales), "week", notes=notes)
    assert np.argwhere(np.isnan(found.demand)).tolist() == [[0, 10], [2, 10]]
    assert np.argwhere(found.closed).tolist() == [[0, 10], [2, 10]]
    assert not found.censored.any()
    assert notes == [
        "Weeks in which a location sold nothing at all: 1, at S1 (1). It counts as closed: "
        "demand is unknown there, not zero."
    ]


def test_a_shelf_told_to_be_empty_is_that_and_not_a_closure():
    shut = [9.0] * 6 + [0] + [9.0] * 6
    inputs = tables(sales=sold(shut, step=WEEK), availability=told([1.0] * 6 + [0] + [1.0] * 6, step=WEEK))
    found = built(inputs, "week")
    assert not found.closed.any()
    assert found.censored.sum() == 1
    assert not np.isnan(built(inputs, "week", stockout_correction=False).demand).any()


def test_many_locations_are_counted_and_few_are_named():
    found = closures_note(np.eye(9, dtype=bool), pd.Index([f"S{k}" for k in range(9)]), 1)
    assert found.startswith(
        "Days in which a location sold nothing at all: 9, at S0 (1), S1 (1), S2 (1), S3 (1), S4 (1)"
    )
    assert "and 4 more locations" in found
    assert closures_note(np.zeros((2, 3), bool), pd.Index(["S1", "S2"]), 7) == ""
