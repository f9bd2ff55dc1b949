"""Key figures of service, forecasts, suppliers and records: cases by hand, and what is said without the data."""

import numpy as np
import pandas as pd
import pytest

from planning.kpi import build_kpis
from planning.params import Params
from tests.planning.made_past import (
    AS_OF,
    MORNINGS,
    WEEKS,
    YEAR,
    fits_for,
    lines_of,
    plan_for,
    receipt,
    sales_of,
    stock_of,
    table,
)

ONE = lines_of(("A", "S1"))
TWO = lines_of(("A", "S1"), ("B", "S1"))


def kpis(keys, plan=None, view=None, *, empty=None, **tables):
    given = {"sales": sales_of("A", "S1", 2.0), "stock": stock_of("A", "S1", 1.0, MORNINGS[-1:])} | tables
    fits = fits_for(keys, given["sales"], empty)
    return build_kpis(given, plan or plan_for(keys), fits, as_of=AS_OF, keys=view)


def shelf(item, place, shares, first="2026-05-01"):
    days = pd.date_range(first, periods=len(shares), unit="s")
    return pd.DataFrame({"date": days, "item_id": item, "location_id": place, "in_stock": np.asarray(shares, float)})


# What is due


def test_orders_of_today_and_cash_by_week_by_hand():
    orders = pd.DataFrame({
        "item_id": ["A", "B"], "location_id": "S1", "supplier_id": ["V", "W"], "order_number": ["1", "2"],
        "quantity": [5.0, 7.0], "order_on": pd.Timestamp(AS_OF), "line_value": [50.0, np.nan],
    })  # fmt: skip
    later = pd.DataFrame({
        "item_id": "A", "location_id": "S1", "supplier_id": "V", "quantity": [1.0, 2.0, 4.0],
        "order_on": pd.Timestamp(AS_OF) + pd.to_timedelta([6, 7, 91], unit="D"),
    })  # fmt: skip
    found = kpis(TWO, plan_for(TWO, unit_cost=[10.0, np.nan], orders=orders, planned_orders=later))
    assert found["order_value_today"].value == 50.0
    assert found["order_value_today"].covered == "1 of 2 lines have a cost; the others are 7 units"
    assert (found["orders_due_today"].value, found["orders_due_today"].covered) == (2.0, "2 orders to 2 suppliers")
    # The sixth day is of the first week; the 91st is beyond 13 weeks.
    assert found["cash_out"].value == 80.0
    assert found["cash_out"].trend["value"].tolist() == [60.0, 20.0, *[0.0] * 11]
    only = kpis(TWO, plan_for(TWO, unit_cost=10.0, orders=orders, planned_orders=later), TWO[1:])
    assert (only["orders_due_today"].value, only["cash_out"].value) == (1.0, 70.0)


def test_no_orders_are_zero_and_not_unknown():
    found = kpis(ONE)
    assert [found[key].value for key in ("order_value_today", "orders_due_today", "cash_out")] == [0.0, 0.0, 0.0]


# Service


def test_stockout_rate_by_hand_from_availability():
    # May: 10 days told, of A two empty and one half; of B, ten days on the shelf.
    told = pd.concat([shelf("A", "S1", [1, 0, 0, 0.5, *[1] * 6]), shelf("B", "S1", [1] * 10)])
    found = kpis(TWO, availability=told)["stockout_rate"]
    assert found.value == pytest.approx(2.5 / 20)
    assert found.items[["item_id", "days_empty", "days_told"]].to_numpy().tolist() == [["A", 2.5, 10.0]]
    assert kpis(TWO, view=TWO[1:], availability=told)["stockout_rate"].value == 0.0


def test_an_availability_without_a_location_speaks_of_all():
    keys = lines_of(("A", "S1"), ("A", "S2"))
    told = shelf("A", "S1", [1, 0]).drop(columns="location_id")
    assert kpis(keys, availability=told)["stockout_rate"].items["days_told"].tolist() == [2.0, 2.0]


def test_a_count_stands_for_the_days_until_the_next_and_availability_speaks_first():
    # A is counted on the first of 12 months, empty on 1 June and 1 July: 61 of 365 days.
    units = [0.0, 0.0, *[5.0] * 11]
    held = stock_of("A", "S1", units)
    found = kpis(ONE, stock=held)["stockout_rate"]
    assert found.value == pytest.approx(61 / 365)
    assert "1 of them by counts" in found.covered
    assert kpis(ONE, stock=held, availability=shelf("A", "S1", [1, 0]))["stockout_rate"].value == 0.5


def test_what_a_count_of_its_location_does_not_list_was_not_there():
    # B is listed on the first and the last morning; the 11 counts between tell that it was gone: 335 of 365 days.
    held = pd.concat([stock_of("A", "S1", 5.0), stock_of("B", "S1", 5.0, MORNINGS[[0, -1]])])
    found = kpis(TWO, stock=held, sales=sales_of("B", "S1", 1.0))
    assert found["stockout_rate"].items[["item_id", "days_empty"]].to_numpy().tolist() == [["B", 335.0]]


def test_days_before_the_launch_after_the_end_and_where_it_is_not_ranged_do_not_count():
    keys = lines_of(("A", "S1"), ("B", "S1"), ("C", "S1"))
    items = pd.DataFrame({
        "item_id": ["A", "B"], "launch_on": pd.Series(["2026-05-04", None], dtype="datetime64[s]"),
        "ends_on": pd.Series([None, "2026-05-02"], dtype="datetime64[s]"),
    })  # fmt: skip
    local = pd.DataFrame({"item_id": ["C"], "location_id": ["S1"], "ranged": [False]})
    told = pd.concat([shelf(item, "S1", [0, 0, 0, 0, 1]) for item in "ABC"])
    sold = pd.concat([sales_of(item, "S1", 1.0) for item in "ABC"])
    found = kpis(keys, availability=told, items=items, item_locations=local, sales=sold)["stockout_rate"]
    # Of A the 4th and 5th, of B the 1st and 2nd.
    assert found.value == pytest.approx((1 + 2) / 4)


def test_without_availability_and_stock_history_nothing_is_known_of_the_shelf():
    found = kpis(ONE)
    for key in ("stockout_rate", "fill_rate_achieved"):
        assert found[key].value is None
        assert "availability" in found[key].missing


def test_fill_rate_achieved_is_sold_over_sold_and_estimated_as_lost():
    # 14 a week for 60 weeks, but for one empty week that sold 4 on its first day: 10 or so were lost. The weeks before
    # it are not told by any availability: they do not count.
    days = pd.date_range("2025-04-07", periods=7 * WEEKS, unit="s")
    bare = days.get_loc(pd.Timestamp("2026-02-02"))
    sold = pd.concat([sales_of("A", "S1", 2.0, days[:bare]), sales_of("A", "S1", 4.0, days[bare : bare + 1]),
                      sales_of("A", "S1", 2.0, days[bare + 7 :])])  # fmt: skip
    empty = np.zeros((1, WEEKS), bool)
    empty[0, bare // 7] = True
    told = shelf("A", "S1", [0] * 7 + [1] * 112, "2026-02-02")
    found = kpis(ONE, plan_for(ONE, unit_price=5.0, unit_cost=3.0), sales=sold, availability=told, empty=empty)
    row = found["fill_rate_achieved"].items.iloc[0]
    assert row["sold"] == 4 + 2 * 7 * 16
    assert 8 < row["lost"] < 11
    assert row["lost_margin"] == pytest.approx(2 * row["lost"])
    assert found["fill_rate_achieved"].value == pytest.approx(row["sold"] / (row["sold"] + row["lost"]))


def test_without_the_correction_no_fill_rate_is_told():
    plan = plan_for(ONE, params=Params(stockout_correction=False))
    found = kpis(ONE, plan, availability=shelf("A", "S1", [1] * 20))["fill_rate_achieved"]
    assert found.value is None
    assert "correction" in found.missing


# Forecasts


def record(**columns):
    told = {"demand_units": [100.0, 300.0], "error_units": [20.0, 100.0], "bias_units": [20.0, -60.0],
            "scored": [5.0, 10.0], "error_value": [7.0, 9.0], "drift": ["over", ""],
            "horizon_days": [21.0, 28.0]}  # fmt: skip
    return TWO.assign(**(told | columns))


def test_accuracy_bias_and_tracking_signal_by_hand():
    found = kpis(TWO, plan_for(TWO, accuracy=record()))
    assert found["forecast_accuracy"].value == pytest.approx(1 - 120 / 400)
    assert found["forecast_bias"].value == pytest.approx(-40 / 400)
    assert found["forecast_bias"].period == "over 21 to 28 days, on 1 Jun 2026"
    assert found["drifting_forecasts"].value == 1.0
    # 20 / (20 / 5) and -60 / (100 / 10).
    signal = found["forecast_accuracy"].items.set_index("item_id")["tracking_signal"]
    assert signal.to_dict() == {"A": 5.0, "B": -6.0}


def test_the_forecast_of_a_warehouse_is_not_counted_beside_those_that_it_pools():
    keys = lines_of(("A", "S1"), ("A", "W1"))
    told = record().assign(item_id="A", location_id=["S1", "W1"])
    plan = plan_for(keys, accuracy=told, fed_by=["W1", None])
    assert kpis(keys, plan)["forecast_accuracy"].value == pytest.approx(0.8)
    assert kpis(keys, plan, keys[1:])["forecast_accuracy"].value == pytest.approx(2 / 3)


def test_a_forecast_that_was_never_measured_is_not_known():
    found = kpis(TWO, plan_for(TWO, accuracy=record(scored=0.0)))
    for key in ("forecast_accuracy", "forecast_bias", "drifting_forecasts"):
        assert found[key].value is None
        assert "sales" in found[key].missing


# Suppliers


def came(*more):
    return table([
        receipt("A", "S1", "2026-03-02", "2026-03-12", "2026-03-12", 10.0, order="1"),
        receipt("A", "S1", "2026-03-09", "2026-03-19", "2026-03-18", 6.0, order="2"),
        receipt("A", "S1", "2026-03-09", "2026-03-19", "2026-03-24", 4.0, order="2-B"),
        receipt("B", "S1", "2026-03-02", "2026-03-12", "2026-03-20", 10.0, order="1", supplier="W"),
        *more,
    ])  # fmt: skip


def test_on_time_in_full_and_both_by_hand():
    # Line 1 came whole and in time; line 2 in time but in two parts; line 3 whole but late.
    found = kpis(TWO, receipts=came())
    assert [found[key].value for key in ("supplier_on_time", "supplier_in_full", "supplier_otif")] == [
        pytest.approx(2 / 3), pytest.approx(2 / 3), pytest.approx(1 / 3)
    ]  # fmt: skip
    assert found["supplier_on_time"].items[["supplier_id", "order_lines", "on_time"]].to_numpy().tolist() == [
        ["W", 1, 0.0], ["V", 2, 2.0]
    ]  # fmt: skip
    # Days to receipt 10, 9 and 15, 18 of 10, 10, 10 and 10 promised, one row a number.
    assert found["lead_time_adherence"].value == pytest.approx((10 + 9 + 15 + 18) / 40)
    assert kpis(TWO, view=TWO[1:], receipts=came())["supplier_on_time"].value == 0.0


def test_what_is_overdue_and_open_is_late_and_not_in_full():
    waiting = table([{"item_id": "B", "location_id": "S1", "quantity": 5.0, "order_id": "9", "supplier_id": "W",
                      "due_on": pd.Timestamp("2026-05-20"), "ordered_on": pd.Timestamp("2026-05-01")}])  # fmt: skip
    found = kpis(TWO, receipts=came(), open_orders=waiting)
    assert found["supplier_on_time"].value == pytest.approx(2 / 4)
    assert found["supplier_otif"].value == pytest.approx(1 / 4)


def test_an_approved_order_tells_what_was_ordered():
    approved = pd.DataFrame({
        "order_number": ["1"], "item_id": ["A"], "location_id": ["S1"], "quantity": [12.0],
        "ordered_on": pd.Timestamp("2026-03-02"), "due_on": pd.Timestamp("2026-03-12"),
    })  # fmt: skip
    found = kpis(ONE, receipts=came()[:1], approved_orders=approved)
    assert (found["supplier_on_time"].value, found["supplier_in_full"].value, found["supplier_otif"].value) == (1, 0, 0)


def test_where_nothing_tells_what_was_ordered_in_full_is_not_known():
    found = kpis(ONE, receipts=came()[:1])
    assert found["supplier_on_time"].value == 1.0
    for key in ("supplier_in_full", "supplier_otif"):
        assert found[key].value is None
        assert "ordered" in found[key].missing


def test_without_promises_or_receipts_suppliers_cannot_be_judged():
    bare = came().assign(promised_on=pd.Series(pd.NaT, range(4), "datetime64[s]"))
    for given in ({"receipts": bare}, {}):
        found = kpis(TWO, **given)
        for key in ("supplier_on_time", "supplier_otif", "lead_time_adherence"):
            assert found[key].value is None
            assert "promised_on" in found[key].missing


def test_where_others_were_delivered_to_and_counted_the_view_is_told_to_have_none():
    found = kpis(TWO, view=TWO[:1], receipts=came()[3:], counts=counts()[2:])
    for key in ("supplier_on_time", "supplier_otif", "supplier_in_full", "lead_time_adherence"):
        assert found[key].missing == "No supplier delivered to these lines: look at the locations that buy."
    assert "None of these lines was counted" in found["record_accuracy"].missing


def test_perfect_orders_are_never_guessed():
    found = kpis(TWO, receipts=came())["perfect_order"]
    assert found.value is None
    assert "damage" in found.missing


# Records


def counts():
    told = [("A", "2026-04-01", 100, 100), ("A", "2026-05-01", 90, 100), ("B", "2026-05-01", 52, 50),
            ("B", "2025-05-01", 0, 50)]  # fmt: skip
    names = ["item_id", "counted_on", "counted", "book"]
    frame = pd.DataFrame(told, columns=names).assign(location_id="S1")
    return frame.astype({"counted_on": "datetime64[s]", "counted": float, "book": float})


def test_record_accuracy_value_accuracy_and_shrinkage_by_hand():
    # A is of class A, B of class C: 10 of 100 is off, 2 of 50 is within 5 %. The count of last year does not count.
    items = pd.DataFrame({"item_id": ["A", "B"], "unit_cost": [10.0, 5.0]})
    found = kpis(TWO, plan_for(TWO, unit_cost=[10.0, 5.0]), counts=counts(), items=items)
    assert found["record_accuracy"].value == pytest.approx(2 / 3)
    assert found["value_accuracy"].value == pytest.approx(1 - (100 + 10) / (1000 + 1000 + 250))
    assert found["shrinkage"].value == pytest.approx(100 - 10)
    assert found["shrinkage"].items["item_id"].tolist() == ["A", "B"]
    assert kpis(TWO, plan_for(TWO, unit_cost=[10.0, 5.0]), TWO[1:], counts=counts(), items=items)[
        "shrinkage"
    ].value == pytest.approx(-10.0)


def test_without_costs_records_have_an_accuracy_but_no_money():
    found = kpis(TWO, counts=counts())
    assert found["record_accuracy"].value is not None
    assert (found["value_accuracy"].value, found["shrinkage"].value) == (None, None)
    assert "unit_cost" in found["shrinkage"].missing


def test_a_count_without_a_book_is_held_against_the_stock_of_that_day():
    bare = counts().iloc[1:2].drop(columns=["book", "location_id"])
    found = kpis(ONE, plan_for(ONE, unit_cost=10.0), counts=bare, stock=stock_of("A", "S1", 96.0))
    assert found["shrinkage"].value == pytest.approx(60.0)


def test_without_counts_the_records_are_not_judged():
    found = kpis(TWO)
    for key in ("record_accuracy", "value_accuracy", "shrinkage"):
        assert found[key].value is None
        assert "counts" in found[key].missing


def test_days_of_a_month_without_the_rest_are_the_days_told():
    assert len(YEAR) == 365
    found = kpis(ONE, availability=shelf("A", "S1", [1, 0], "2026-05-31"))["stockout_rate"]
    # The second day is that of the plan: nothing is known of it yet.
    assert found.value == 0.0
