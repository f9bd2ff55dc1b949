"""What to move: each kind by hand, its units and money, laws."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planning import pipeline
from planning.params import Params
from planning.result import PlanResult

AS_OF = date(2026, 6, 1)
MORNING = pd.Timestamp(AS_OF)
ITEM = {"item_id": "a", "unit_cost": 2.0, "unit_price": 5.0}


def day(number: float) -> pd.Timestamp:
    return MORNING + pd.Timedelta(days=number)


def table(*rows: dict) -> pd.DataFrame:
    return pd.DataFrame(list(rows))


def opened(quantity: float, due: float, order_id: str | None = "x", **more: object) -> dict:
    return {"item_id": "a", "quantity": float(quantity), "due_on": day(due), "order_id": order_id, **more}


def planned(
    on_hand: float, *orders: dict, per_day: float = 10, item: dict | None = None, **params: object
) -> PlanResult:
    sales = pd.DataFrame({"date": pd.date_range(day(-140), day(-1)), "item_id": "a", "quantity": float(per_day)})
    inputs = {
        "sales": sales,
        "stock": table({"item_id": "a", "on_hand": float(on_hand)}),
        "items": table(ITEM | (item or {})),
    }
    if orders:
        inputs["open_orders"] = table(*orders)
    return pipeline.plan(inputs, AS_OF, Params(**{"lead_time_sd_fraction": 0, "bucket": "day", **params}))


def found(result: PlanResult, kind: str) -> pd.DataFrame:
    return result.exceptions[result.exceptions["kind"] == kind].reset_index(drop=True)


def test_an_order_that_comes_after_the_stock_has_run_out_is_expedited_to_the_day_before():
    # 40 last to the end of day 3: 200 on day 9 leave days 4 to 8 short of 50; the margin of a unit is 3.
    told = found(planned(40, opened(200, 9)), "expedite")
    assert len(told) == 1
    line = told.iloc[0]
    assert (line["order_id"], line["quantity"], line["due_on"], line["move_to"]) == ("x", 200, day(9), day(3))
    assert line["units_at_stake"] == pytest.approx(50)
    assert line["value"] == pytest.approx(150)
    assert "5 Jun 2026" in line["reason"]
    assert "4 Jun 2026" in line["reason"]


def test_the_check_value_of_the_specification_is_expedited_and_dated():
    # science, 4.2: on hand 40, 6 a day, 30 on day 9, lead time 5: 6.667 days, short on day 7, order by day 2.
    result = planned(40, opened(30, 8), per_day=6, lead_time_days=5, review_period_days=1)
    line = result.replenishment.iloc[0]
    assert line["days_of_supply"] == pytest.approx(6.667, abs=5e-4)
    assert line["stockout_on"] == day(6)
    assert line["order_by"] == day(1)
    # On day 7 a third of the six is not served.
    assert line["risk"] == "green"
    assert planned(40, opened(30, 8), per_day=6, lead_time_days=6, review_period_days=1).replenishment[
        "risk"
    ].tolist() == ["amber"]
    assert planned(40, opened(30, 8), per_day=6, lead_time_days=7, review_period_days=1).replenishment[
        "risk"
    ].tolist() == ["red"]


def test_an_order_that_only_covers_itself_saves_nothing_by_coming_earlier():
    # 50 on day 9 sell to the end of day 13, the day before a new order comes: moved up they are missing later.
    assert found(planned(40, opened(50, 9)), "expedite").empty


def test_where_a_new_order_comes_in_time_nothing_is_expedited():
    # 140 last to the arrival of a new order on day 14; the open one comes on day 25.
    assert found(planned(140, opened(70, 25)), "expedite").empty


def test_of_several_orders_the_earliest_cover_first():
    told = found(planned(40, opened(30, 9, "late"), opened(300, 8, "soon")), "expedite")
    assert told["order_id"].tolist() == ["soon"]
    assert told["units_at_stake"].tolist() == [pytest.approx(40)]


def test_an_order_that_is_needed_later_is_postponed_to_that_day():
    # 300 last to the end of day 29; 70 due on day 3 are needed on day 30.
    told = found(planned(300, opened(70, 3)), "postpone")
    assert told["move_to"].tolist() == [day(30)]
    assert told["units_at_stake"].tolist() == [70]
    assert told["value"].tolist() == [140]
    assert "not needed before 1 Jul 2026" in told["reason"].iloc[0]


def test_an_order_that_is_never_needed_is_cancelled():
    # 182 days are netted: 1,820 last for all of them.
    assert found(planned(1820, opened(70, 3)), "cancel")["order_id"].tolist() == ["x"]
    assert found(planned(1819, opened(70, 3)), "cancel").empty
    # The last to come goes first: one of the two is enough.
    told = planned(1760, opened(70, 3, "soon"), opened(70, 9, "late"))
    assert found(told, "cancel")["order_id"].tolist() == ["late"]
    assert found(told, "postpone")["order_id"].tolist() == ["soon"]


def test_an_order_that_is_needed_soon_stays():
    # Without it the stock would run out on day 13, before another could come on day 14.
    assert found(planned(130, opened(70, 3)), "postpone").empty
    # It would be needed within a review of its day.
    assert found(planned(160, opened(70, 13)), "postpone").empty


def test_overdue_orders_are_told_whether_they_count_or_not():
    told = found(planned(300, opened(20, -3, "late"), opened(30, -61, "gone")), "past_due")
    by_order = told.set_index("order_id")
    assert by_order.loc["late", "quantity"] == 20
    assert "3 days overdue" in by_order.loc["late", "reason"]
    assert "planned for today" in by_order.loc["late", "reason"]
    assert "no cover" in by_order.loc["gone", "reason"]
    assert told["value"].tolist() == [60, 40]


def test_what_is_short_before_a_new_order_can_come_is_past_due():
    told = found(planned(40), "past_due")
    assert told["units_at_stake"].tolist() == [pytest.approx(100)]
    assert told["value"].tolist() == [pytest.approx(300)]
    assert told["due_on"].tolist() == [day(4)]
    # To be here on 5 June it would have had to be ordered two weeks before.
    assert "22 May 2026" in told["reason"].iloc[0]
    assert found(planned(140), "past_due").empty


def test_stock_above_its_maximum_is_told_with_the_order_that_takes_it_there():
    told = found(planned(150, opened(100, 4), item={"max_stock": 180.0}), "above_maximum")
    assert told["units_at_stake"].tolist() == [30]
    assert (told["order_id"].tolist(), told["due_on"].tolist()) == (["x"], [day(4)])
    told = found(planned(200, item={"max_stock": 180.0}), "above_maximum")
    assert told["units_at_stake"].tolist() == [20]
    assert told["order_id"].isna().all()
    assert found(planned(180, item={"max_stock": 180.0}), "above_maximum").empty


def test_an_order_approved_this_morning_is_not_told_to_be_moved():
    approved = table({
        "order_number": "PO-1", "item_id": "a", "location_id": "MAIN", "quantity": 900.0, "ordered_on": day(0),
        "due_on": day(14),
    })  # fmt: skip
    sales = pd.DataFrame({"date": pd.date_range(day(-140), day(-1)), "item_id": "a", "quantity": 10.0})
    inputs = {"sales": sales, "stock": table({"item_id": "a", "on_hand": 1900.0}), "approved_orders": approved}
    assert pipeline.plan(inputs, AS_OF, Params(bucket="day")).exceptions.empty


def test_without_money_the_units_order_the_exceptions():
    told = planned(300, opened(20, 3, "less"), opened(30, 2, "more"), item={"unit_cost": np.nan}).exceptions
    assert told["value"].isna().all()
    assert told["units_at_stake"].tolist() == sorted(told["units_at_stake"], reverse=True)


def test_a_quiet_plan_has_no_exceptions_but_all_columns():
    told = planned(200).exceptions
    assert told.empty
    assert "units_at_stake" in told


ORDERS = st.lists(
    st.tuples(st.integers(1, 120), st.integers(-70, 60)), min_size=1, max_size=4, unique_by=lambda one: one[1]
)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 400), ORDERS, st.sampled_from(["lost", "backordered"]))
def test_exceptions_never_promise_more_than_is_there(on_hand, orders, unmet):
    rows = [opened(q, due, f"o{k}") for k, (q, due) in enumerate(orders)]
    result = planned(on_hand, *rows, unmet_demand=unmet)
    told = result.exceptions
    assert (told["units_at_stake"] > 0).all()
    assert (told["value"].diff().dropna() <= 1e-9).all()
    moved = told[told["kind"].isin(["expedite", "postpone"])]
    assert (moved.loc[moved["kind"] == "expedite", "move_to"] < moved.loc[moved["kind"] == "expedite", "due_on"]).all()
    late = moved[moved["kind"] == "postpone"]
    assert (late["move_to"] > late["due_on"]).all()
    named = told[told["order_id"].notna() & (told["kind"] != "above_maximum")]
    assert (named["units_at_stake"] <= named["quantity"] + 1e-6).all()
    # An order is never to come both earlier and later.
    earlier, later = (set(told.loc[told["kind"].isin(k), "order_id"]) for k in (["expedite"], ["postpone", "cancel"]))
    assert not earlier & later
    assert (moved["move_to"] >= MORNING).all()
    assert found(result, "expedite")["units_at_stake"].sum() <= result.projection.unmet.sum() + 1e-6


@settings(max_examples=15, deadline=None)
@given(st.integers(50, 400), st.integers(1, 120), st.integers(0, 60))
def test_what_is_postponed_is_not_missed_before_its_new_day(on_hand, quantity, due):
    result = planned(on_hand, opened(quantity, due))
    for line in found(result, "postpone").itertuples():
        again = planned(on_hand, opened(quantity, (line.move_to - MORNING).days))
        assert again.projection.without_orders[0].min() >= 0
        was, now = (one.replenishment["stockout_on"].iloc[0] for one in (result, again))
        assert was == now or (pd.isna(was) and pd.isna(now))


def test_an_overdue_order_that_is_not_needed_yet_is_told_once_with_its_own_day():
    told = planned(300, opened(70, -2)).exceptions
    assert told["kind"].tolist() == ["past_due"]
    assert told["due_on"].tolist() == [day(-2)]
    assert told["move_to"].tolist() == [day(30)]
    assert "2 days overdue. It is planned for today, but not needed before 1 Jul 2026" in told["reason"][0]


def test_an_order_is_not_postponed_by_a_few_days_nor_beyond_the_order_that_would_take_its_place():
    # 300 last to the end of day 29: an order due on day 17 would come 13 days too early, one due on day 16 14 days.
    assert found(planned(300, opened(70, 17)), "postpone").empty
    assert found(planned(300, opened(70, 16)), "postpone")["move_to"].tolist() == [day(30)]
    # Ordered every four weeks for four: the next order comes on day 42, before the last of 500 is sold on day 49.
    result = planned(500, opened(70, 3), review_period_days=28)
    told = found(result, "postpone")
    assert (told["move_to"] <= result.planned_orders["arrives_on"].min()).all()
    assert len(told) == 1


def test_where_an_order_is_placed_today_none_is_postponed():
    # 160 and the 300 of day 60 leave days 16 to 59 to today's order.
    result = planned(160, opened(300, 60), coverage_days=60)
    assert result.replenishment["order_quantity"][0] > 0
    assert found(result, "postpone").empty


def test_what_an_expedite_saves_is_not_told_as_past_due_too():
    told = planned(40, opened(200, 9)).exceptions
    assert told["kind"].tolist() == ["expedite"]


def test_less_than_a_unit_short_is_no_exception_of_whole_goods():
    whole = planned(139.4, per_day=10)
    assert found(whole, "past_due").empty
    assert found(planned(130, per_day=10), "past_due")["units_at_stake"].tolist() == [pytest.approx(10)]
