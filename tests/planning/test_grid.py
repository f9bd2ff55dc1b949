"""The grid by week: its identity, what it shows, and what orders set by hand or approved do to it."""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from planning import pipeline
from planning.base import Base
from planning.grid import build_grid
from planning.params import Params
from planning.result import PlanResult
from planning.tables import WATERFALL_STEPS
from planning.timeline import HandOrders, hand_orders

AS_OF = date(2026, 6, 1)
MORNING = pd.Timestamp(AS_OF)
CERTAIN = {"lead_time_sd_fraction": 0, "bucket": "day"}
PLACE = "MAIN"


def day(number: float) -> pd.Timestamp:
    return MORNING + pd.Timedelta(days=number)


def table(*rows: dict) -> pd.DataFrame:
    return pd.DataFrame(list(rows))


def tables(on_hand: float = 40, per_day: float = 10, **more: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Demand for certain, two weeks' lead time, a review a week."""
    sales = pd.DataFrame({"date": pd.date_range(day(-140), day(-1)), "item_id": "a", "quantity": float(per_day)})
    return {"sales": sales, "stock": table({"item_id": "a", "on_hand": float(on_hand)}), **more}


def pin(value: float, on: float | None = None, made_at: str = "2026-05-31T08:00:00", **more: object) -> dict:
    return {
        "pin_id": f"p{value}{on}{made_at}", "item_id": "a", "location_id": PLACE, "kind": "order_quantity",
        "value": float(value), "order_on": pd.NaT if on is None else day(on), "made_at": made_at, **more,
    }  # fmt: skip


def approved(quantity: float, due: float = 14, on: float = 0, **more: object) -> pd.DataFrame:
    return table({
        "order_number": "PO-1", "item_id": "a", "location_id": PLACE, "quantity": float(quantity),
        "ordered_on": day(on), "due_on": day(due), **more,
    })  # fmt: skip


def planned(inputs: dict[str, pd.DataFrame], **params: object) -> PlanResult:
    return pipeline.plan(inputs, AS_OF, Params(**{**CERTAIN, **params}))


def grid(result: PlanResult, weeks: int = 13) -> pd.DataFrame:
    return build_grid(result, "a", PLACE, weeks)


def check_identity(result: PlanResult, told: pd.DataFrame) -> None:
    lost = result.params.unmet_demand == "lost"
    sold = told["demand"] - (told["unmet"] if lost else 0)
    np.testing.assert_allclose(told["sales"], sold)
    np.testing.assert_allclose(
        told["closing_stock"], told["starting_stock"] + told["receipts"] + told["orders"] - told["sales"], atol=1e-6
    )
    np.testing.assert_allclose(told["starting_stock"].iloc[1:], told["closing_stock"].iloc[:-1])
    assert (told["unmet"] >= 0).all()


@pytest.fixture(scope="module")
def base() -> Base:
    return pipeline.prepare(tables(), AS_OF, Params(**CERTAIN))


def by_hand(base: Base, today: float = np.nan, *later: tuple[int, float]) -> PlanResult:
    """The plan with orders set by hand: today's, and those of later days."""
    days, units = (np.array([one[k] for one in later]) for k in (0, 1))
    hand = HandOrders(np.array([today]), np.zeros(len(later), int), days.astype(int), units.astype(float))
    changed = replace(base, hand=hand)
    return pipeline.finish(changed, AS_OF, Params(**CERTAIN))


def test_the_worked_order_week_by_week(base):
    # 40 on hand, 10 a day, 70 arrive on day 14: two weeks short of 30 and 70, then each week is served.
    told = grid(pipeline.finish(base, AS_OF, Params(**CERTAIN)))
    assert told["starts_on"].tolist() == [day(7 * k) for k in range(13)]
    assert told["starting_stock"].tolist()[:3] == [40, 0, 0]
    assert told["demand"].tolist() == [70] * 13
    assert told["orders"].tolist() == [0, 0, *[70] * 11]
    assert told["unmet"].tolist() == [30, 70, *[0] * 11]
    assert told["closing_stock"].tolist() == [0] * 13
    assert told["days_of_supply"].tolist() == [0] * 13
    # What is ordered this week comes in two.
    assert told["placed"].tolist() == [70] * 13
    # To be served all along, 30 and 70 would have had to be ordered before today.
    assert told["past_due"].tolist() == [30, 70, *[0] * 11]


def test_backordered_demand_falls_below_zero_at_its_true_size():
    result = planned(tables(), unmet_demand="backordered")
    told = grid(result)
    check_identity(result, told)
    assert told["closing_stock"].tolist()[:3] == [-30, -100, 0]
    assert told["unmet"].tolist()[:3] == [30, 70, 0]


def test_days_of_supply_look_forward_from_each_week():
    told = grid(planned(tables(on_hand=400)))
    assert told["closing_stock"].tolist()[:3] == [330, 260, 190]
    assert told["days_of_supply"].tolist()[:3] == [33, 26, 19]


def test_overdue_orders_stand_in_the_first_week():
    opened = table(
        {"item_id": "a", "quantity": 60.0, "due_on": day(-3), "order_id": "x"},
        {"item_id": "a", "quantity": 50.0, "due_on": day(8), "order_id": "y"},
        {"item_id": "a", "quantity": 99.0, "due_on": day(-90), "order_id": "z"},
    )
    told = grid(planned(tables(open_orders=opened)))
    assert told["receipts"].tolist()[:3] == [60, 50, 0]
    assert told["overdue"].tolist()[:3] == [60, 0, 0]


def test_an_unknown_item_has_no_grid(base):
    assert build_grid(pipeline.finish(base, AS_OF, Params(**CERTAIN)), "b", PLACE).empty


def test_todays_order_set_by_hand_replaces_the_plans_and_all_after_it_is_planned_anew(base):
    result = by_hand(base, 200)
    line = result.replenishment.iloc[0]
    assert line["order_quantity"] == 200
    assert result.orders["quantity"].tolist() == [200]
    assert "set by hand" in line["reason"]
    assert line["action"] == "order"
    told = grid(result)
    check_identity(result, told)
    # 200 last to the twentieth day after they came: the next order adds 10 to what is left of them.
    assert told["orders"].tolist()[:7] == [0, 0, 200, 0, 10, 70, 70]


def test_no_order_may_be_set_by_hand(base):
    result = by_hand(base, 0)
    assert result.orders.empty
    assert "set by hand" in result.replenishment["reason"].iloc[0]
    assert grid(result)["unmet"].tolist()[:4] == [30, 70, 70, 0]


def test_a_later_order_set_by_hand_replaces_that_of_its_week(base):
    result = by_hand(base, np.nan, (9, 25.0))
    told = grid(result)
    check_identity(result, told)
    # The order of the second week is 25, placed on its third day: it comes on day 23 and 45 are short.
    assert told["placed"].tolist()[:4] == [70, 25, 70, 70]
    assert told["orders"].tolist()[:6] == [0, 0, 70, 25, 70, 70]
    assert told["unmet"].tolist()[3] == 45
    assert result.planned_orders["quantity"].tolist()[:2] == [25, 70]
    assert result.planned_orders["order_on"].tolist()[0] == day(9)


def test_the_waterfall_tells_what_was_set_by_hand(base):
    for units in (0.0, 20.0, 70.0, 200.0):
        steps = by_hand(base, units).waterfall.set_index("step")["units"]
        assert steps["need"] == 70
        assert steps["pinned"] == units - 70
        assert steps["order"] == units


def test_where_nothing_was_due_the_waterfall_begins_with_the_surplus():
    base = pipeline.prepare(tables(on_hand=400), AS_OF, Params(**CERTAIN))
    result = by_hand(base, 50)
    steps = result.waterfall.set_index("step")["units"]
    # 210 are wanted over three weeks and 400 are there.
    assert (steps["need"], steps["pinned"], steps["order"]) == (-190, 240, 50)
    assert "set by hand" in result.replenishment["reason"].iloc[0]
    assert not len(by_hand(base).waterfall)


def test_orders_set_by_hand_are_read_from_the_pins():
    keys = pd.DataFrame({"item_id": ["a", "b"], "location_id": [PLACE, PLACE]})
    rows = [
        pin(5), pin(6, made_at="2026-05-31T09:00:00"), pin(7, 0, "2026-05-31T07:00:00"), pin(8, 10), pin(9, -3),
        pin(10, item_id="c"), pin(11, kind="safety_stock"), pin(12, 3, item_id="b"),
    ]  # fmt: skip
    found = hand_orders(table(*rows), keys, AS_OF)
    # The latest word on one morning counts; a morning gone by, an unknown item and another kind do not.
    np.testing.assert_equal(found.today, [6, np.nan])
    assert (found.row.tolist(), found.day.tolist(), found.units.tolist()) == ([0, 1], [10, 3], [8, 12])
    assert not hand_orders(None, keys, AS_OF).is_set.any()


def test_a_pin_on_a_kept_base_is_the_plan_with_that_pin(base):
    pins = table(pin(90), pin(25, 9))
    kept = pipeline.finish(pipeline.with_order_pins(base, pins), AS_OF, Params(**CERTAIN))
    whole = planned(tables(pins=pins))
    for name in ("replenishment", "planned_orders", "waterfall", "exceptions"):
        pd.testing.assert_frame_equal(getattr(kept, name), getattr(whole, name))
    pd.testing.assert_frame_equal(grid(kept), grid(whole))


def test_pins_reach_the_plan_and_break_limits_only_with_a_note():
    items = table({"item_id": "a", "order_multiple": 12.0, "moq": 24.0})
    result = planned(tables(items=items, pins=table(pin(7))))
    assert result.replenishment["order_quantity"].tolist() == [7]
    assert any("set by hand that break" in note for note in result.notes)
    result = planned(tables(items=items, pins=table(pin(36))))
    assert result.replenishment["order_quantity"].tolist() == [36]
    assert not any("set by hand that break" in note for note in result.notes)


def test_an_order_set_by_hand_counts_against_the_budget_and_is_not_cut():
    items = table({"item_id": "a", "unit_cost": 2.0}, {"item_id": "b", "unit_cost": 2.0})
    both = tables(items=items)
    both["sales"] = pd.concat([both["sales"], both["sales"].assign(item_id="b")], ignore_index=True)
    both["stock"] = table({"item_id": "a", "on_hand": 40.0}, {"item_id": "b", "on_hand": 40.0})
    orders = planned(both | {"pins": table(pin(60))}, budget=150).replenishment.set_index("item_id")["order_quantity"]
    assert orders.to_dict() == {"a": 60, "b": 15}
    orders = planned(both | {"pins": table(pin(90))}, budget=150).replenishment.set_index("item_id")["order_quantity"]
    assert orders.to_dict() == {"a": 90, "b": 0}


@pytest.mark.parametrize("unmet", ["lost", "backordered"])
@pytest.mark.parametrize("spread", [0, 0.25])
def test_an_approved_order_is_not_proposed_again(unmet, spread):
    chance = np.random.default_rng(3)
    given = tables(on_hand=60)
    given["sales"]["quantity"] = chance.poisson(10, len(given["sales"])).astype(float)
    params = {"unmet_demand": unmet, "lead_time_sd_fraction": spread}
    first = planned(given, **params)
    units = first.replenishment["order_quantity"].iloc[0]
    assert units > 0
    again = planned(given | {"approved_orders": approved(units)}, **params)
    assert again.orders.empty
    assert again.replenishment["on_order"].tolist() == [units]
    pd.testing.assert_series_equal(again.policy["order_up_to_level"], first.policy["order_up_to_level"])
    # What it brings stands in the grid as a receipt instead of an order.
    was, told = grid(first), grid(again)
    np.testing.assert_allclose(told["receipts"] + told["orders"], was["receipts"] + was["orders"])
    np.testing.assert_allclose(told["closing_stock"], was["closing_stock"])


def test_what_is_approved_in_part_leaves_the_rest():
    result = planned(tables(approved_orders=approved(30)))
    assert result.replenishment["order_quantity"].tolist() == [40]
    steps = result.waterfall.set_index("step")["units"]
    assert (steps["receipts counted"], steps["need"]) == (-30, 40)


def test_approved_orders_use_up_the_budget():
    given = tables(items=table({"item_id": "a", "unit_cost": 2.0}))
    assert planned(given, budget=100).orders["quantity"].tolist() == [50]
    assert planned(given | {"approved_orders": approved(50)}, budget=100).orders.empty


def test_an_order_approved_earlier_is_an_open_order_and_a_later_one_is_unknown():
    result = planned(tables(approved_orders=approved(200, due=4, on=-10)))
    assert result.replenishment["order_quantity"].tolist() == [0]
    assert planned(tables(approved_orders=approved(200, due=20, on=6))).replenishment["on_order"].tolist() == [0]


def test_later_orders_fall_on_the_suppliers_day():
    # as_of is a Monday; it orders on Wednesdays every two weeks.
    given = tables(
        items=table({"item_id": "a", "supplier_id": "V"}),
        suppliers=table({
            "supplier_id": "V", "lead_time_days": 5.0, "review_period_days": 14.0, "order_weekday": "wednesday",
        }),
    )  # fmt: skip
    result = planned(given)
    later = result.planned_orders["order_on"]
    assert set(later.dt.day_name()) == {"Wednesday"}
    assert later.iloc[0] == day(9)
    assert (later.diff().dropna() == pd.Timedelta(days=14)).all()
    assert result.orders["order_on"].tolist() == [MORNING]
    # From the first arrival on nothing is short.
    assert result.projection.unmet[0, 5:].sum() == 0


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(st.just(np.nan), st.integers(0, 300).map(float)),
    st.lists(st.tuples(st.integers(1, 80), st.integers(0, 200).map(float)), max_size=4, unique_by=lambda one: one[0]),
)
def test_the_stock_identity_and_the_waterfall_hold_whatever_is_set_by_hand(base, today, later):
    result = by_hand(base, today, *later)
    check_identity(result, grid(result))
    order = result.replenishment["order_quantity"].iloc[0]
    assert order == (70 if np.isnan(today) else today)
    steps = result.waterfall.set_index("step")["units"]
    at = WATERFALL_STEPS.index("need")
    assert round(sum(steps[s] for s in WATERFALL_STEPS[:at]), 6) == steps["need"]
    assert round(steps["need"] + sum(steps[s] for s in WATERFALL_STEPS[at + 1 : -1]), 6) == steps["order"] == order
    told = grid(result, 26)
    for number, units in later:
        week = number // 7
        own = sum(q for d, q in later if d // 7 == week)
        placed = told["placed"].iloc[week] - (order if week == 0 else 0)
        assert placed == pytest.approx(own), (number, units)
