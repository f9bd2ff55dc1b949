"""From sales to demand: returns, empty shelves, events, single extreme sales, predecessors; by hand and by loop."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.calendar import build_calendar, is_weekly
from planning.demand import LEAST_SHARE_ON_SHELF, Demand, build_demand, event_factors
from planning.inputs import Inputs, read_tables
from planning.lost_demand import lost_demand
from planning.params import Params
from planning.reason_codes import reason_codes

AS_OF = date(2026, 6, 1)
MORNING = pd.Timestamp(AS_OF)


def day(number: float) -> pd.Timestamp:
    return MORNING + pd.Timedelta(days=number)


def table(*rows: dict) -> pd.DataFrame:
    return pd.DataFrame(list(rows))


def sold(quantities: list[float], item: str = "a", step: int = 1, **more: object) -> pd.DataFrame:
    """Sales that end on the eve of the plan, one row every `step` days; zeros have no row."""
    n = len(quantities)
    rows = pd.DataFrame({"date": [day(-step * (n - k)) for k in range(n)], "item_id": item, "quantity": quantities})
    return rows[rows["quantity"] != 0].assign(location_id="S1").assign(**more)


def told(shares: list[float | None], item: str = "a", step: int = 1, **more: object) -> pd.DataFrame:
    """Availability in the form of `sold`; None: nothing is told."""
    n = len(shares)
    rows = pd.DataFrame({"date": [day(-step * (n - k)) for k in range(n)], "item_id": item, "in_stock": shares})
    return rows.dropna(subset=["in_stock"]).assign(location_id="S1").assign(**more)


def tables(**given_: pd.DataFrame) -> Inputs:
    given_.setdefault("stock", table({"item_id": "a", "on_hand": 1.0, "location_id": "S1"}))
    return read_tables(given_, AS_OF)


def built(
    inputs: Inputs, bucket: str = "day", future: int = 0, notes: list[str] | None = None, **params: object
) -> Demand:
    pairs = pd.concat([inputs["sales"], inputs["stock"]])[["item_id", "location_id"]]
    keys = pairs.drop_duplicates().sort_values(["item_id", "location_id"]).reset_index(drop=True)
    calendar = build_calendar(inputs["sales"], AS_OF, bucket, None)
    params_ = Params(**{"outlier_correction": False, **params})
    return build_demand(inputs, keys, calendar, future, params_, [] if notes is None else notes)


def test_sales_of_a_day_add_up_and_returns_are_no_demand():
    notes: list[str] = []
    back = table({"date": day(-2), "item_id": "a", "quantity": -7.0, "location_id": "S1"})
    inputs = tables(sales=pd.concat([sold([5, 3, 4]), sold([2, 1, 0]), back]))
    found = built(inputs, notes=notes)
    assert found.demand.tolist() == [[7, 4, 4]]
    assert notes == ["Returns: 1, 7 units. They are not demand."]


@pytest.mark.parametrize(
    ("rows", "demand"),
    [
        ([(-2, 5), (-2, -5), (-1, 1)], [0, 1]),
        ([(-2, 5), (-2, 5), (-2, -5), (-1, 1)], [5, 1]),
        # Not whole, or on another day: a return, and what was sold was wanted.
        ([(-2, 5), (-2, -4), (-1, 1)], [5, 1]),
        ([(-2, 5), (-1, -5), (-1, 1)], [5, 1]),
    ],
)
def test_a_sale_that_was_taken_back_whole_on_its_day_was_never_wanted(rows, demand):
    rows = [{"date": day(d), "quantity": float(q)} for d, q in [(-3, 1), *rows]]
    sales = table(*rows).assign(item_id="a", location_id="S1")
    assert built(tables(sales=sales)).demand.tolist() == [[1, *demand]]


@pytest.mark.parametrize(("bucket", "demand"), [("day", [1] * 14), ("week", [7, 7])])
def test_days_are_laid_into_their_buckets(bucket, demand):
    assert built(tables(sales=sold([1.0] * 14)), bucket).demand.tolist() == [demand]


def test_only_whole_quantities_make_an_item_one_of_whole_units():
    sales = pd.concat([sold([1, 2, 3]), sold([1, 2.5, 3], "b"), sold([1, -0.5, 3], "c")])
    assert built(tables(sales=sales)).whole.tolist() == [True, False, False]


# Stock-outs: a shelf that is empty sells nothing, whatever is wanted.


def test_sales_of_18_at_a_share_of_four_sevenths_are_a_demand_of_31_5():
    # science, 1.2: 18 / (4 / 7) = 31.5, here three empty days of a week of daily data.
    sales = sold([1.0] * 7 + [0, 0, 0, 4, 5, 4, 5])
    shelf = told([1.0] * 7 + [0, 0, 0, 1, 1, 1, 1])
    assert built(tables(sales=sales, availability=shelf), "week").demand.tolist() == [[7, 31.5]]
    # And the same week told as one row of weekly data.
    weekly = tables(sales=sold([7, 18], step=7), availability=told([1, 4 / 7], step=7))
    assert built(weekly, "week").demand[0] == pytest.approx([7, 31.5])


def test_days_of_which_nothing_is_told_count_as_on_the_shelf():
    sales = sold([1.0] * 7 + [0, 0, 0, 4, 5, 4, 5])
    shelf = told([None] * 7 + [0, 0, 0, None, None, None, None])
    assert built(tables(sales=sales, availability=shelf), "week").demand.tolist() == [[7, 31.5]]


def test_an_empty_shelf_without_sales_is_unknown_and_not_zero():
    inputs = tables(sales=sold([4, 4, 0, 0, 4]), availability=told([1, 1, 0, None, 1]))
    found = built(inputs)
    assert np.isnan(found.demand[0, 2])
    # The day of which nothing is told was a day without demand.
    assert found.demand[0, [0, 1, 3, 4]].tolist() == [4, 4, 0, 4]
    assert found.censored.tolist() == [[False, False, True, False, False]]
    assert found.sales[0, 2] == 0


@pytest.mark.parametrize(
    ("share", "demand"),
    [(1.0, 6.0), (0.5, 12.0), (LEAST_SHARE_ON_SHELF, 20.0), (LEAST_SHARE_ON_SHELF - 0.01, np.nan), (0.0, np.nan)],
)
def test_sales_are_scaled_up_only_where_the_shelf_tells_enough(share, demand):
    found = built(tables(sales=sold([5, 6, 5]), availability=told([1, share, 1])))
    assert found.demand[0, 1] == pytest.approx(demand, nan_ok=True)


def test_without_the_correction_sales_are_demand():
    inputs = tables(sales=sold([4, 0, 3]), availability=told([1, 0, 0.5]))
    assert built(inputs, stockout_correction=False).demand.tolist() == [[4, 0, 3]]


def test_a_stock_history_of_zero_shows_the_stock_out():
    stock = table(*({"item_id": "a", "location_id": "S1", "on_hand": q, "as_of": day(d)} for d, q in
                    ((-4, 9.0), (-3, 0.0), (-2, -1.0), (-1, 5.0), (0, 7.0))))  # fmt: skip
    found = built(tables(sales=sold([4, 4, 0, 0, 4]), stock=stock))
    assert np.isnan(found.demand).tolist() == [[False, False, True, True, False]]


def test_lots_of_one_count_are_one_stock():
    stock = table(*({"item_id": "a", "location_id": "S1", "on_hand": q, "as_of": day(-2), "lot_id": lot}
                    for lot, q in (("x", 0.0), ("y", 3.0))))  # fmt: skip
    assert built(tables(sales=sold([4, 4, 0, 4]), stock=stock)).demand.tolist() == [[4, 4, 0, 4]]


def test_what_availability_tells_of_a_day_outweighs_the_count_of_that_day():
    stock = table({"item_id": "a", "location_id": "S1", "on_hand": 0.0, "as_of": day(-2)})
    shelf = table({"item_id": "a", "location_id": "S1", "date": day(-2), "in_stock": 0.5})
    assert built(tables(sales=sold([4, 3, 4]), stock=stock, availability=shelf)).demand.tolist() == [[4, 6, 4]]


def test_one_empty_day_of_daily_counts_is_a_seventh_of_a_weekly_bucket():
    counts = [5.0, 5, 5, 0, 5, 5, 5] + [5.0] * 7
    stock = pd.DataFrame(
        {"item_id": "a", "location_id": "S1", "on_hand": counts, "as_of": [day(n - 14) for n in range(14)]}
    )
    weekly = tables(sales=sold([7, 6, 7], step=7), stock=stock)
    assert built(weekly, "week").demand[0] == pytest.approx([7, 7, 7])


def test_availability_without_a_location_speaks_of_all_of_them():
    sales = pd.concat([sold([4, 0, 4]), sold([2, 0, 2], location_id="S2"), sold([3, 0, 3], "b")])
    everywhere = told([1, 0, 1]).assign(location_id=None)
    found = built(tables(sales=sales, availability=everywhere))
    assert np.isnan(found.demand[:, 1]).tolist() == [True, True, False]


def test_an_item_begins_on_its_first_day_on_the_shelf_and_not_before():
    # b: on the shelf from the second day on, sold from the fourth. c: launched on the third. d: sold on the fifth.
    sales = pd.concat(
        [sold([1] * 6), sold([0, 0, 0, 2, 0, 2], "b"), sold([0, 0, 0, 0, 3, 0], "c"), sold([0, 0, 0, 0, 1, 1], "d")]
    )
    items = table({"item_id": "c", "launch_on": day(-4)}, {"item_id": "a", "launch_on": pd.NaT})
    shelf = told([0, 1, 1, 1, 1, 1], "b")
    found = built(tables(sales=sales, items=items, availability=shelf))
    assert found.active.tolist() == [
        [True] * 6,
        [False, True, True, True, True, True],
        [False, False, True, True, True, True],
        [False, False, False, False, True, True],
    ]
    assert (np.isnan(found.demand) == ~found.active).all()
    assert found.demand[1, 1:].tolist() == [0, 0, 2, 0, 2]


def counted(*on_hand: tuple[int, float], item: str = "new") -> pd.DataFrame:
    """Counts of stock, each with the days since."""
    return table(*({"item_id": item, "location_id": "S1", "on_hand": q, "as_of": day(-ago)} for ago, q in on_hand))


def test_a_count_of_zero_and_nothing_else_makes_no_listed_week():
    # Four weeks: a count of zero in the first and the third, nothing told of the others.
    inputs = tables(sales=sold([1.0] * 28), stock=counted((26, 0.0), (12, 0.0), (0, 0.0)))
    found = built(inputs, "week")
    assert not found.active[1].any()
    assert np.isnan(found.demand[1]).all()
    # A unit in the second week puts it on the shelf; of the third, empty when counted, nothing is known.
    found = built(tables(sales=sold([1.0] * 28), stock=counted((26, 0.0), (19, 1.0), (12, 0.0), (0, 0.0))), "week")
    assert found.active[1].tolist() == [False, True, True, True]
    np.testing.assert_array_equal(found.demand[1], [np.nan, 0, np.nan, 0])


def test_what_was_empty_when_counted_but_sold_was_there_on_the_other_days():
    sales = pd.concat([sold([1.0] * 14), sold([0] * 10 + [6.0, 0, 0, 0], "new")])
    found = built(tables(sales=sales, stock=counted((7, 0.0), (0, 0.0))), "week")
    np.testing.assert_allclose(found.demand[1], [np.nan, 7])


@pytest.mark.parametrize(("launch", "active"), [(14, 0), (-14, 2), (None, 3)])
def test_what_lies_in_stock_before_its_launch_is_not_on_the_shelf_yet(launch, active):
    # It was counted in each of the last three of four weeks.
    items = table({"item_id": "new", "launch_on": pd.NaT if launch is None else day(launch)})
    stock = counted((19, 5.0), (12, 5.0), (5, 5.0), (0, 5.0))
    found = built(tables(sales=sold([1.0] * 28), items=items, stock=stock), "week")
    assert found.active[1].sum() == active
    # But what is sold is sold.
    early = pd.concat([sold([1.0] * 28), sold([2.0, *[0.0] * 27], "new")])
    assert built(tables(sales=early, items=items, stock=stock), "week").active[1].all()


def test_an_item_with_stock_and_no_sales_has_no_history():
    stock = table({"item_id": "z", "on_hand": 5.0, "location_id": "S1"})
    found = built(tables(sales=sold([1, 1]), stock=stock))
    assert not found.active[1].any()
    assert np.isnan(found.demand[1]).all()


# Events.


def test_a_past_event_is_taken_out_of_the_mean_and_kept_in_the_demand():
    event = table({"starts_on": day(-3), "ends_on": day(-2), "uplift": 3.0, "item_id": "a"})
    found = built(tables(sales=sold([10, 10, 30, 30, 10]), events=event), future=2)
    assert found.clean.tolist() == [[10] * 5]
    assert found.demand.tolist() == [[10, 10, 30, 30, 10]]
    assert found.events.tolist() == [[1, 1, 3, 3, 1, 1, 1]]


def test_a_future_event_raises_its_days_only():
    event = table({"starts_on": day(1), "ends_on": day(2), "uplift": 1.5})
    assert built(tables(sales=sold([1, 1]), events=event), future=4).events.tolist() == [[1, 1, 1, 1.5, 1.5, 1]]


def test_a_part_of_a_week_takes_its_share_of_an_event():
    # Two of the seven days of the first week ahead, and all of the second: 1 + (3 - 1) * 2 / 7.
    event = table({"starts_on": day(5), "ends_on": day(13), "uplift": 3.0})
    found = built(tables(sales=sold([1.0] * 14), events=event), "week", future=3)
    assert found.events[0] == pytest.approx([1, 1, 1 + 2 * 2 / 7, 3, 1])


def test_an_event_touches_whom_it_names_and_a_missing_name_means_all():
    sales = pd.concat([sold([1, 1], item, location_id=place) for item in "ab" for place in ("S1", "S2")])
    items = table({"item_id": "a", "category": "toys"}, {"item_id": "b", "category": "food"})
    whole = {"starts_on": day(-2), "ends_on": day(-1)}
    events = table(
        {**whole, "uplift": 2.0, "item_id": "a"},
        {**whole, "uplift": 3.0, "category": "food"},
        {**whole, "uplift": 5.0, "location_id": "S2"},
        {**whole, "uplift": 7.0},
    )
    found = built(tables(sales=sales, items=items, events=events))
    assert found.events[:, 0].tolist() == [2 * 7, 2 * 5 * 7, 3 * 7, 3 * 5 * 7]


def test_a_closure_tells_nothing_of_what_is_wanted_on_other_days():
    event = table({"starts_on": day(-3), "ends_on": day(-2), "uplift": 0.0})
    found = built(tables(sales=sold([10, 10, 0, 0, 10]), events=event))
    assert np.nanmean(found.clean) == pytest.approx(10)


@given(st.integers(-20, 10), st.integers(0, 12), st.floats(0, 5), st.sampled_from(["day", "week"]))
def test_the_factor_of_an_event_is_the_mean_over_the_days_of_a_bucket(first, length, uplift, bucket):
    event = table({"starts_on": day(first), "ends_on": day(first + length), "uplift": uplift})
    inputs = tables(sales=sold([1.0] * 14), events=event)
    calendar = build_calendar(inputs["sales"], AS_OF, bucket, None)
    keys = pd.DataFrame({"item_id": ["a"], "location_id": ["S1"]})
    factors = event_factors(inputs, keys, calendar, 2)[0]
    size = calendar.bucket_days
    for k, factor in enumerate(factors):
        days = [-14 + k * size + d for d in range(size)]
        assert factor == pytest.approx(np.mean([uplift if first <= d <= first + length else 1.0 for d in days]))


# Single extreme buckets.


def test_a_single_extreme_bucket_is_cut_for_the_mean_and_kept_in_the_demand():
    quantities = [9, 10, 11, 10, 9, 11, 10, 400, 10, 9, 11, 10]
    found = built(tables(sales=sold(quantities)), outlier_correction=True)
    # Three times the median sale, 10.
    assert found.clean[0].tolist() == [*quantities[:7], 30, *quantities[8:]]
    assert found.demand[0].tolist() == quantities
    assert found.extremes[0].tolist() == [q == 400 for q in quantities]
    assert "Single extreme buckets: 1." in found.extremes_note()
    assert built(tables(sales=sold(quantities[:7]))).extremes_note() == ""


def test_extreme_is_beyond_three_times_the_usual_and_beyond_the_usual_spread():
    steady, spread = [9.0, 10, 11] * 4, [1.0, 4, 40, 12, 2, 30, 7, 90, 3, 18]
    for quantities in ([*steady, 29], spread, [10.0] * 12):
        found = built(tables(sales=sold(quantities)), outlier_correction=True)
        assert found.clean[0].tolist() == quantities


def test_rare_demand_is_measured_by_its_sizes_and_not_by_its_zeros():
    quantities = [0, 0, 2, 0, 0, 3, 0, 0, 2, 0, 0, 1, 0, 0, 90, 0, 0, 3]
    found = built(tables(sales=sold([1, *quantities])), outlier_correction=True)
    # 1, 2, 3, 2, 1, 90, 3: median 2.
    assert found.clean[0].tolist() == [1, *[6.0 if q == 90 else q for q in quantities]]


def test_an_event_is_no_extreme():
    event = table({"starts_on": day(-3), "ends_on": day(-3), "uplift": 20.0})
    quantities = [9, 10, 11, 10, 9, 11, 10, 9, 10, 200, 11, 10]
    found = built(tables(sales=sold(quantities), events=event), outlier_correction=True)
    # 10.2 a day around it: measured 19.7, used (19.7 + 4 x 20) / 5.
    assert found.clean[0] == pytest.approx([*quantities[:9], 10, 11, 10], rel=0.005)


# Predecessors.


def successor(own: list[float], **more: object) -> Demand:
    sales = pd.concat([sold([8, 8, 8, 8, 8, 8], "old"), sold(own, "new")])
    items = table({"item_id": "new", "predecessor_id": "old", **more})
    return built(tables(sales=sales, items=items, stock=table({"item_id": "new", "on_hand": 1.0, "location_id": "S1"})))


def test_an_items_past_is_that_of_its_predecessor_until_it_was_sold_itself():
    # "new" was sold on the last two days only: before them the old item's sales are its own.
    found = successor([0, 0, 0, 0, 5, 6])
    assert found.demand[0].tolist() == [8, 8, 8, 8, 5, 6]
    # And the old item keeps what it sold.
    assert found.demand[1].tolist() == [8] * 6


def test_an_item_that_was_never_sold_has_all_of_its_predecessors_past():
    assert successor([0] * 6).demand[0].tolist() == [8] * 6


def test_an_item_that_precedes_itself_sells_no_more_for_it():
    items = table({"item_id": "a", "predecessor_id": "a"})
    assert built(tables(sales=sold([1, 2, 3]), items=items)).demand.tolist() == [[1, 2, 3]]


# By a plain loop.

DAYS = 21
SHARE = st.one_of(st.none(), st.sampled_from([0.0, 0.25, 0.5, 1.0]))


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[int], list[float | None]]:
    return (
        draw(st.lists(st.integers(0, 9), min_size=DAYS, max_size=DAYS)),
        draw(st.lists(SHARE, min_size=DAYS, max_size=DAYS)),
    )


def demand_by_loop(quantities: list[int], shares: list[float | None], size: int) -> list[float]:
    out, started = [], False
    for first in range(0, DAYS, size):
        units, told_ = sum(quantities[first : first + size]), shares[first : first + size]
        share = None if all(s is None for s in told_) else sum(1.0 if s is None else s for s in told_) / size
        started = started or units > 0 or (share or 0) > 0
        if not started or (share is not None and share < LEAST_SHARE_ON_SHELF):
            out.append(np.nan)
        else:
            out.append(units if share is None else units / share)
    return out


@given(histories(), st.sampled_from(["day", "week"]))
def test_demand_equals_a_plain_loop(history, bucket):
    quantities, shares = history
    # Another item sells every day, so that the calendar is the same whatever this one does.
    inputs = tables(sales=pd.concat([sold(quantities), sold([1.0] * DAYS, "z")]), availability=told(shares))
    assert not is_weekly(inputs["sales"]["date"])
    found = built(inputs, bucket).demand[0]
    np.testing.assert_allclose(found, demand_by_loop(quantities, shares, 1 if bucket == "day" else 7))


@given(histories(), st.sampled_from([0.125, 64.0]))
def test_demand_scales_with_its_unit(history, factor):
    quantities, shares = history
    other = sold([1.0] * DAYS, "z")
    once, then = (
        built(
            tables(sales=pd.concat([sold([q * f for q in quantities]), other]), availability=told(shares)),
        )
        for f in (1.0, factor)
    )
    np.testing.assert_allclose(then.demand[0], once.demand[0] * factor)


@given(histories())
def test_demand_is_never_less_than_what_was_sold_and_clean_never_more_than_demand(history):
    quantities, shares = history
    inputs = tables(sales=pd.concat([sold(quantities), sold([1.0] * DAYS, "z")]), availability=told(shares))
    found = built(inputs, "day", outlier_correction=True)
    known = ~np.isnan(found.demand)
    assert (found.demand[known] >= found.sales[known]).all()
    assert (found.clean[known] <= found.demand[known] + 1e-9).all()
    assert (np.isnan(found.clean) == ~known).all()


@given(histories(), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_changes_nothing(history, random):
    quantities, shares = history
    sales = pd.concat([sold(quantities), sold([1.0] * DAYS, "z")], ignore_index=True)
    order = list(range(len(sales)))
    random.shuffle(order)
    once, then = (built(tables(sales=s, availability=told(shares))) for s in (sales, sales.iloc[order]))
    np.testing.assert_array_equal(once.demand, then.demand)


# Bad input: a value and a reason for each, and none disturbs another.

ODD = {
    "zeros": [0.0] * 60,
    "once": [0.0] * 30 + [4.0] + [0.0] * 29,
    "shift": [2.0] * 40 + [200.0] * 20,
    "spike": [3.0, 4, 5, 4] * 14 + [4e9, 4, 3, 5],
    "tiny": [1e-9] * 60,
    "rest": [5.0, 7, 6] * 20,
}


def odd(*names: str) -> Inputs:
    """Odd items beside a usual one, two years of weeks of which the last 60 are told; and one of no history."""
    always = {"usual": [9.0] * 104, "empty": [1.0] * 60, **{name: ODD[name] for name in names}}
    sales = pd.concat([sold(units, name, step=7) for name, units in always.items()])
    shelf = pd.concat([told([1.0] * 60, "zeros", step=7), told([0.1] * 60, "empty", step=7)])
    event = table({"starts_on": day(-70), "ends_on": day(-64), "uplift": 2.0})
    back = table(*({"date": day(-7 * k), "item_id": "back", "quantity": float(5 - 3 * k), "location_id": "S1"}
                   for k in range(1, 9)))  # fmt: skip
    stock = table(*({"item_id": i, "location_id": "S1", "on_hand": 1.0} for i in ("none", "empty", "zeros", "usual")))
    return tables(sales=pd.concat([sales, back]), stock=stock, availability=shelf, events=event)


def test_odd_items_have_a_value_and_a_reason():
    inputs = odd(*ODD)
    found = built(inputs, "week", outlier_correction=True, future=4)
    for values in (found.demand, found.flat, found.clean, found.sales, found.events):
        assert not np.isinf(values).any()
        assert not (values < 0).any()
    assert np.isfinite(found.sales).all()
    assert np.isfinite(found.events).all()
    names = sorted({*inputs["sales"]["item_id"], *inputs["stock"]["item_id"]})
    codes = dict(zip(names, reason_codes(found.demand, found.active, 7, closed=found.closed), strict=True))
    assert codes == {
        "none": "NO_HISTORY", "zeros": "NO_DEMAND", "once": "ONE_SALE", "empty": "ALL_CENSORED", "back": "ONE_SALE",
        "shift": "", "spike": "", "tiny": "", "rest": "", "usual": "",
    }  # fmt: skip
    assert lost_demand(dict(inputs.tables), AS_OF, Params())["lost_units"].dropna().ge(0).all()


@pytest.mark.parametrize("name", ODD)
def test_one_odd_item_changes_no_other(name):
    with_it, without = (built(odd(*n), "week", outlier_correction=True) for n in (ODD, [o for o in ODD if o != name]))
    others = sorted({"none", "empty", "zeros", "usual", "back", *ODD} - {name})
    every = sorted({"none", "empty", "zeros", "usual", "back", *ODD})
    kept = sorted({"none", "empty", "zeros", "usual", "back", *ODD} - ({name} - {"zeros"}))
    for of in ("demand", "active", "closed"):
        once = dict(zip(every, getattr(with_it, of), strict=True))
        then = dict(zip(kept, getattr(without, of), strict=True))
        for other in others:
            np.testing.assert_array_equal(once[other], then[other])


def test_twenty_years_of_days():
    found = built(tables(sales=pd.concat([sold([1.0, 0, 2] * 2435), sold([0.0] * 7000 + [3.0] * 305, "b")])))
    assert found.demand.shape == (2, 7305)
    assert np.isnan(found.demand).sum() == 7000


def test_five_thousand_items_of_one_category():
    rng = np.random.default_rng(0)
    n = 5000
    sales = pd.DataFrame(
        {
            "date": [day(-7 * k) for k in rng.integers(1, 30, 6 * n)],
            "item_id": [f"i{k}" for k in rng.integers(0, n, 6 * n)],
            "quantity": rng.integers(-2, 9, 6 * n).astype(float),
        }
    ).assign(location_id="S1")
    items = pd.DataFrame({"item_id": [f"i{k}" for k in range(n)], "category": "x"})
    event = table({"starts_on": day(-21), "ends_on": day(-8), "uplift": 1.5, "category": "x"})
    found = built(tables(sales=sales, items=items, events=event), "week", outlier_correction=True)
    assert np.isfinite(found.clean[~np.isnan(found.demand)]).all()
    assert found.effects["observations"].iloc[0] > n
