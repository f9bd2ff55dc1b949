"""Buckets: where weeks begin, what is dropped as partial, the gap before the plan, the morning to plan for."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning import pipeline
from planning.calendar import WEEKDAYS, Calendar, build_calendar, is_monthly, is_weekly, suggested_as_of
from planning.errors import ParameterError
from planning.params import Params

AS_OF = date(2026, 6, 1)
"""A Monday."""


def on_days(*before: int, as_of: date = AS_OF) -> pd.DataFrame:
    """Sales on the days that many days before the plan."""
    dates = pd.to_datetime([as_of - timedelta(days=int(n)) for n in before])
    return pd.DataFrame({"date": dates.astype("datetime64[s]"), "item_id": "a", "quantity": 1.0})


def daily(first: int, last: int = 1, as_of: date = AS_OF) -> pd.DataFrame:
    """Sales on each day from `first` to `last` days before the plan."""
    return on_days(*range(first, last - 1, -1), as_of=as_of)


def calendar(sales: pd.DataFrame, bucket: str = "week", history: int | None = None, as_of: date = AS_OF) -> Calendar:
    return build_calendar(sales, as_of, bucket, history)


@pytest.mark.parametrize("shift", range(7))
def test_weeks_begin_on_the_weekday_of_the_plan(shift):
    as_of = AS_OF + timedelta(days=shift)
    weeks = calendar(daily(70, as_of=as_of), as_of=as_of)
    assert weeks.periods == 10
    days = pd.to_datetime(weeks.starts())
    assert set(days.day_name()) == {WEEKDAYS[shift]}
    assert days[-1].date() == as_of - timedelta(days=7)
    assert pd.to_datetime(weeks.future_starts(3)).date.tolist() == [as_of + timedelta(days=7 * k) for k in range(3)]


def test_weekly_data_keep_their_weeks_whatever_bucket_was_asked_for():
    weeks = calendar(on_days(28, 21, 14, 7), "day")
    assert (weeks.bucket_days, weeks.periods, weeks.gap_days, weeks.weekly_data) == (7, 4, 0, True)
    assert weeks.starts_on == AS_OF - timedelta(days=28)


def test_weekly_data_refuse_a_plan_on_another_weekday_and_name_both():
    with pytest.raises(ParameterError, match=r"2026-06-02 is a Tuesday.*weeks begin on Monday.*a Monday"):
        calendar(on_days(28, 21, 14), as_of=AS_OF + timedelta(days=1))


@pytest.mark.parametrize(
    ("before", "weekly"), [((21, 14, 7), True), ((7,), False), ((7, 7), False), ((), False), ((15, 7), False)]
)
def test_data_are_weekly_where_at_least_two_dates_fall_on_one_weekday(before, weekly):
    assert is_weekly(on_days(*before)["date"]) is weekly


def test_the_newest_week_of_who_never_sells_on_weekends_is_whole_by_friday():
    workdays = daily(70, 3)
    workdays = workdays[workdays["date"].dt.weekday < 5]
    weeks = calendar(workdays)
    assert (weeks.periods, weeks.gap_days) == (10, 0)
    assert calendar(workdays, "day").gap_days == 0
    # Something was sold on one Sunday, so that this Sunday's sales are missing; or Friday's are; or the past is short.
    assert calendar(pd.concat([workdays, on_days(29)])).gap_days == 7
    assert calendar(workdays[workdays["date"] < "2026-05-29"]).gap_days == 7
    assert calendar(workdays.tail(30)).gap_days == 7


def test_a_first_week_that_is_not_covered_whole_is_dropped():
    # 17 days: two whole weeks, and three days of a third.
    weeks = calendar(daily(17))
    assert (weeks.periods, weeks.starts_on) == (2, AS_OF - timedelta(days=14))


def test_a_last_week_that_the_data_do_not_fill_is_dropped_and_leaves_a_gap():
    # The data end three days before the plan: the week before it has four days only.
    weeks = calendar(daily(70, 4))
    assert (weeks.periods, weeks.gap_days) == (9, 7)
    assert weeks.starts()[-1] == np.datetime64(AS_OF - timedelta(days=14))
    # Ten days before the plan: both last weeks go.
    assert (calendar(daily(70, 11)).periods, calendar(daily(70, 11)).gap_days) == (8, 14)


def test_weekly_data_that_end_early_leave_a_gap_of_whole_weeks():
    weeks = calendar(on_days(42, 35, 28, 21))
    assert (weeks.periods, weeks.gap_days) == (4, 14)
    assert weeks.starts()[-1] == np.datetime64(AS_OF - timedelta(days=21))


def test_days_have_no_partial_bucket_and_keep_every_day():
    days = calendar(daily(40, 4), "day")
    assert (days.periods, days.gap_days, days.starts_on) == (37, 3, AS_OF - timedelta(days=40))


def test_the_history_can_be_cut_to_its_newest_part():
    assert calendar(daily(200), "day", history=28).periods == 28
    weeks = calendar(daily(200), history=30)
    assert (weeks.periods, weeks.starts_on) == (4, AS_OF - timedelta(days=28))


def test_without_sales_before_the_plan_there_is_no_history():
    later = on_days(0, -3)
    for sales in (later, later.iloc[:0]):
        empty = calendar(sales, "day")
        assert (empty.periods, len(empty.starts()), empty.starts_on) == (0, 0, AS_OF)


def test_less_than_two_weeks_of_days_are_counted_in_days():
    assert (calendar(daily(5)).bucket_days, calendar(daily(5)).periods) == (1, 5)
    assert (calendar(daily(14)).bucket_days, calendar(daily(14)).periods) == (7, 2)


@pytest.mark.parametrize("last", [2, 3])
def test_sales_of_less_than_two_weeks_are_inside_the_history_that_is_made_of_them(last):
    sales = daily(last + 4, last)
    weeks = calendar(sales)
    at = weeks.index(sales["date"])
    assert ((at >= 0) & (at < weeks.periods)).any()


def test_sales_from_the_morning_of_the_plan_on_are_outside_the_history():
    with_later = pd.concat([daily(28), on_days(0, -1, -9)])
    weeks = calendar(with_later)
    assert weeks == calendar(daily(28))
    assert (weeks.index(on_days(0, -1, -9)["date"]) >= weeks.periods).all()


@given(
    st.integers(0, 6),
    st.integers(1, 120),
    st.integers(1, 40),
    st.sampled_from(["day", "week"]),
    st.one_of(st.none(), st.integers(28, 150)),
)
def test_the_buckets_of_a_history_are_whole_and_each_day_lies_in_its_own(shift, length, last, bucket, history):
    as_of = AS_OF + timedelta(days=shift)
    sales = daily(last + length, last, as_of)
    found = calendar(sales, bucket, history, as_of)
    starts, size = found.starts(), found.bucket_days
    # Together with the gap the buckets end on the morning of the plan.
    assert found.starts_on + timedelta(days=found.periods * size + found.gap_days) == as_of
    assert found.gap_days % size == 0
    assert found.gap_days >= last - 1 > found.gap_days - size
    # Every day lies in the bucket that a loop finds.
    for day, number in zip(sales["date"], found.index(sales["date"]), strict=True):
        inside = [k for k, s in enumerate(starts) if s <= np.datetime64(day, "D") < s + size]
        assert inside == ([number] if 0 <= number < found.periods else [])
    # What was kept is covered by data on every one of its days, unless nothing is.
    if length >= 2 * size:
        assert starts[0] >= np.datetime64(sales["date"].min(), "D")
        assert starts[-1] + size - 1 <= np.datetime64(sales["date"].max(), "D")


def test_the_morning_to_plan_for_is_the_latest_day_of_the_stock():
    stock = pd.DataFrame({"as_of": pd.to_datetime(["2026-05-30", "2026-06-01", None])})
    assert suggested_as_of(stock, daily(30)) == AS_OF


def test_without_dated_stock_it_is_the_day_or_week_after_the_last_sale():
    stock = pd.DataFrame({"item_id": ["a"]})
    assert suggested_as_of(stock, daily(30)) == AS_OF
    assert suggested_as_of(stock, on_days(21, 14, 7)) == AS_OF
    undated = pd.DataFrame({"as_of": pd.to_datetime([None])})
    assert suggested_as_of(undated, daily(30)) == AS_OF


def test_without_any_date_there_is_no_morning_to_suggest():
    assert suggested_as_of(pd.DataFrame({"item_id": ["a"]}), daily(30).iloc[:0]) is None


def test_the_suggested_morning_of_weekly_data_is_on_their_weekday():
    sales = on_days(21, 14, 7)
    stock = pd.DataFrame({"as_of": pd.to_datetime(["2026-06-03"])})
    assert suggested_as_of(stock, sales).weekday() == AS_OF.weekday()


def test_the_suggested_morning_is_not_before_the_stock_was_counted():
    stock = pd.DataFrame({"as_of": pd.to_datetime(["2026-06-03"])})
    assert suggested_as_of(stock, on_days(21, 14, 7)) == AS_OF + timedelta(days=7)


# Days or weeks.


def bucket(params: Params | None = None, sales: pd.DataFrame | None = None, **more: list[dict]) -> str:
    tables = {name: pd.DataFrame(rows) for name, rows in more.items()}
    stock = pd.DataFrame({"item_id": ["a"], "on_hand": [1.0]})
    return pipeline.resolved_bucket(
        {"sales": daily(60) if sales is None else sales, "stock": stock, **tables}, AS_OF, params or Params()
    )


@pytest.mark.parametrize(("lead", "review", "length"), [(7, 7, "day"), (8, 7, "week"), (7, 8, "week"), (0, 1, "day")])
def test_weeks_are_counted_where_an_order_must_cover_more_than_fourteen_days(lead, review, length):
    assert bucket(Params(lead_time_days=lead, review_period_days=review)) == length
    assert bucket(Params(review_period_days=review), items=[{"item_id": "a", "lead_time_days": float(lead)}]) == length


def test_a_bucket_that_is_asked_for_is_taken_and_weekly_data_have_weeks():
    assert bucket(Params(bucket="day", lead_time_days=90)) == "day"
    assert bucket(Params(bucket="week", lead_time_days=1)) == "week"
    assert bucket(Params(bucket="day", lead_time_days=1), on_days(21, 14, 7)) == "week"


def test_what_ifs_do_not_change_the_length_of_buckets():
    short = {"lead_time_days": 5, "review_period_days": 7}
    assert bucket(Params(**short, lead_time_multiplier=9, lead_time_added_days=99)) == "day"


def test_the_suppliers_lead_time_counts_where_the_item_has_none():
    items = [{"item_id": "a", "supplier_id": "V"}]
    for lead, length in ((3.0, "day"), (30.0, "week")):
        assert bucket(items=items, suppliers=[{"supplier_id": "V", "lead_time_days": lead}]) == length


@pytest.mark.parametrize(
    "more",
    [
        {
            "item_locations": [
                {"item_id": "a", "location_id": p, "lead_time_days": d} for p, d in (("S1", 2.0), ("S2", 90.0))
            ]
        },
        {"suppliers": [{"supplier_id": "V", "lead_time_days": 3.0, "review_period_days": 30.0}]},
    ],
)
def test_the_longest_interval_of_the_plan_decides(more):
    items = [{"item_id": "a", "lead_time_days": 3.0, "supplier_id": "V"}]
    assert bucket(items=items, **more) == "week"


@pytest.mark.parametrize(
    ("days", "monthly"),
    [
        (("2026-01-01", "2026-02-01", "2026-03-01"), True),
        (("2026-01-31", "2026-02-28", "2026-03-31"), True),
        (("2026-01-01", "2026-02-01"), False),
        (("2026-01-01", "2026-02-01", "2026-03-02"), False),
        (("2026-01-01", "2026-01-31", "2026-02-28"), False),
    ],
)
def test_totals_of_months_are_told_apart(days, monthly):
    assert is_monthly(pd.Series(pd.to_datetime(list(days)))) is monthly


def test_a_plan_of_monthly_totals_says_that_it_takes_them_for_single_days():
    months = pd.date_range("2024-01-01", "2026-05-01", freq="MS")
    sales = pd.DataFrame({"date": months, "item_id": "a", "quantity": 30.0})
    stock = pd.DataFrame({"item_id": ["a"], "on_hand": [10.0]})
    said = pipeline.plan({"sales": sales, "stock": stock}, date(2026, 6, 1), Params()).notes
    assert any("totals of months" in note for note in said)
    few = sales.assign(date=months + pd.to_timedelta(7 * (sales.index % 3), unit="D"))
    said = pipeline.plan({"sales": few, "stock": stock}, date(2026, 6, 1), Params()).notes
    assert not any("totals of months" in note for note in said)
