"""From contract tables to positions: where rows without a location belong, what counts as stock, what is said."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning import pipeline
from planning.errors import InputError, NothingToPlanError
from planning.inputs import (
    OVERDUE_LIMIT_DAYS,
    Inputs,
    current_stock,
    empty_table,
    read_tables,
    rows_of,
    scheduled_receipts,
    sole_location,
    stock_history,
)
from planning.params import Params
from planning.positions import Positions
from planning.tables import INPUT_TABLES

AS_OF = date(2026, 6, 1)
MORNING = pd.Timestamp(AS_OF)


def day(number: float) -> pd.Timestamp:
    return MORNING + pd.Timedelta(days=number)


def table(*rows: dict) -> pd.DataFrame:
    return pd.DataFrame(list(rows))


def sale(place: str | None = None, item: str = "a", when: float = -3, quantity: float = 2) -> dict:
    return {"date": day(when), "item_id": item, "quantity": float(quantity), "location_id": place}


def held(place: str | None = None, on_hand: float = 5, item: str = "a", **more: object) -> dict:
    return {"item_id": item, "location_id": place, "on_hand": float(on_hand), **more}


def read(sales: list[dict], stock: list[dict], **more: pd.DataFrame) -> Inputs:
    columns = list(sale())
    return read_tables({"sales": pd.DataFrame(sales, columns=columns), "stock": table(*stock), **more}, AS_OF)


def places(inputs: Inputs, name: str) -> list[str]:
    return inputs[name]["location_id"].tolist()


# Tables.


def test_every_table_has_all_its_columns_each_of_its_kind():
    inputs = read([sale()], [held()])
    for name, contract in INPUT_TABLES.items():
        assert tuple(inputs[name].columns) == contract.names
        pd.testing.assert_frame_equal(inputs[name].iloc[:0], empty_table(name).iloc[:0], check_index_type=False)
    assert inputs["items"].empty


@pytest.mark.parametrize("name", ["sales", "stock"])
def test_a_required_table_that_is_missing_is_named(name):
    given_ = {"sales": table(sale()), "stock": table(held())}
    del given_[name]
    with pytest.raises(InputError, match=f"the table {name} is required: give a {name} file"):
        read_tables(given_, AS_OF)


def test_nothing_sold_and_nothing_held_is_nothing_to_plan():
    nothing = {"sales": empty_table("sales"), "stock": empty_table("stock")}
    with pytest.raises(NothingToPlanError, match="nothing to plan"):
        read_tables(nothing, AS_OF)


def test_sales_from_the_morning_of_the_plan_on_are_counted_and_not_used():
    inputs = read([sale(when=-1), sale(when=0), sale(when=9)], [held()])
    assert inputs["sales"]["date"].tolist() == [day(-1)]
    assert inputs.notes == ("Sales rows on or after 2026-06-01: 2. They were accepted, but not used.",)


# Locations.


def test_without_any_location_there_is_one_called_main():
    inputs = read([sale()], [held()])
    assert places(inputs, "sales") == places(inputs, "stock") == ["MAIN"]
    assert inputs.notes == ()


@pytest.mark.parametrize(("sold", "stocked"), [(None, "S1"), ("S1", None)])
def test_where_one_table_names_one_location_it_is_that_of_the_other(sold, stocked):
    inputs = read([sale(sold)], [held(stocked)])
    assert places(inputs, "sales") == places(inputs, "stock") == ["S1"]
    assert inputs.notes == ()


@pytest.mark.parametrize(
    ("sales", "stock", "lacking"),
    [
        ([sale()], [held("S1"), held("S2")], "Sales"),
        ([sale("S1"), sale("S2")], [held()], "Stock"),
        ([sale("S1"), sale("S2"), sale(when=5)], [held()], "Stock"),
    ],
)
def test_where_one_table_names_several_all_is_pooled_and_that_is_said_first(sales, stock, lacking):
    orders = table({"item_id": "a", "quantity": 3.0, "due_on": day(2), "location_id": "S2"})
    lanes = table({"source_id": "S1", "destination_id": "S2"})
    local = table({"item_id": "a", "location_id": "S1", "moq": 5.0})
    inputs = read(sales, stock, open_orders=orders, lanes=lanes, item_locations=local)
    for name in ("sales", "stock", "open_orders"):
        assert set(places(inputs, name)) == {"MAIN"}
    assert inputs["lanes"].empty
    assert inputs["item_locations"].empty
    assert inputs.notes[0].startswith(f"{lacking} name no location while the other table names 2")
    assert "MAIN" in inputs.notes[0]
    plan = pipeline.plan({"sales": table(*sales), "stock": table(*stock)}, AS_OF, Params())
    assert plan.notes[0] == inputs.notes[0]
    assert plan.replenishment["location_id"].tolist() == ["MAIN"]


def test_pooled_stock_adds_up():
    inputs = read([sale()], [held("S1", 5), held("S2", 7), held("S2", 1, "b")])
    assert current_stock(inputs["stock"], AS_OF, [])["on_hand"].tolist() == [12, 1]


def test_pooled_stock_of_locations_that_were_counted_on_different_days_adds_up():
    inputs = read([sale()], [held("S1", 5, as_of=day(0)), held("S2", 7, as_of=day(-1))])
    assert current_stock(inputs["stock"], AS_OF, [])["on_hand"].tolist() == [12]


def test_rows_without_a_location_among_others_with_several_belong_to_main():
    inputs = read([sale("S1"), sale("S2"), sale()], [held("S1"), held()])
    assert places(inputs, "sales") == ["S1", "S2", "MAIN"]
    assert places(inputs, "stock") == ["S1", "MAIN"]


# Stock.


def stock_now(*rows: dict, notes: list[str] | None = None) -> pd.DataFrame:
    inputs = read([sale("S1")], [{"location_id": "S1", **row} for row in rows])
    return current_stock(inputs["stock"], AS_OF, [] if notes is None else notes)


def test_lots_add_up_and_expired_ones_are_not_on_hand():
    notes: list[str] = []
    found = stock_now(
        held("S1", 5, lot_id="x", expiry_date=day(-1)),
        held("S1", 7, lot_id="y", expiry_date=day(0)),
        held("S1", 9, lot_id="z"),
        notes=notes,
    )
    assert found["on_hand"].tolist() == [16]
    assert notes == ["Expired lots: 1, 5 units. They are not counted as on hand."]


def test_only_the_latest_count_of_each_location_speaks_and_none_after_the_plan():
    notes: list[str] = []
    found = stock_now(
        held("S1", 5, as_of=day(-9)), held("S1", 6, as_of=day(-2)), held("S1", 7, as_of=day(1)),
        held("S2", 8, as_of=day(-9)), held("S3", 9, as_of=day(0)),
        notes=notes,
    )  # fmt: skip
    assert found["on_hand"].to_dict() == {("a", "S1"): 6, ("a", "S2"): 8, ("a", "S3"): 9}
    assert notes == ["Stock rows after 2026-06-01: 1. They were not used."]


def test_a_count_below_zero_is_none_and_said():
    notes: list[str] = []
    assert stock_now(held("S1", -4), notes=notes)["on_hand"].tolist() == [0]
    assert notes == ["Stock rows below zero: 1. They count as zero."]


def test_what_is_committed_and_owed_adds_up_and_missing_is_none():
    found = stock_now(
        held("S1", 5, lot_id="x", allocated=2.0, backorders=1.0), held("S1", 5, lot_id="y"), held("S1", 5, "b")
    )
    assert found["allocated"].tolist() == [2, 0]
    assert found["backorders"].tolist() == [1, 0]


def test_earlier_counts_are_history_lots_of_a_day_added_up():
    inputs = read(
        [sale("S1")],
        [held("S1", 5, as_of=day(-3), lot_id="x"), held("S1", 2, as_of=day(-3), lot_id="y"),
         held("S1", 0, as_of=day(-2)), held("S1", 4, as_of=day(0)), held("S1", 9)],
    )  # fmt: skip
    found = stock_history(inputs["stock"], AS_OF)
    assert found[["as_of", "on_hand"]].to_numpy().tolist() == [[day(-3), 7], [day(-2), 0]]


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["S1", "S2"]), st.integers(-6, 2), st.integers(0, 9)),
                min_size=1, max_size=12))  # fmt: skip
def test_the_stock_of_today_equals_a_plain_loop(rows):
    stock = [held(p, q, i, as_of=day(d), lot_id=str(n)) for n, (i, p, d, q) in enumerate(rows)]
    expected: dict[tuple[str, str], float] = {}
    for place in ("S1", "S2"):
        days = [d for _, p, d, _ in rows if p == place and d <= 0]
        for item, p, d, q in rows:
            if p == place and days and d == max(days):
                expected[(item, place)] = expected.get((item, place), 0) + q
    inputs = read([sale("S1"), sale("S2")], stock)
    assert current_stock(inputs["stock"], AS_OF, [])["on_hand"].to_dict() == expected


# Open orders.

ONE = pd.DataFrame({"item_id": ["a"], "location_id": ["S1"]})
TWO = pd.DataFrame({"item_id": ["a", "a", "b"], "location_id": ["S1", "S2", "S1"]})


def order(due: float, quantity: float = 10, **more: object) -> dict:
    return {"item_id": "a", "location_id": "S1", "quantity": float(quantity), "due_on": day(due), **more}


def arriving(
    *orders: dict, keys: pd.DataFrame = ONE, delay: float = 0, receipts: pd.DataFrame | None = None
) -> tuple[pd.DataFrame, list[str]]:
    notes: list[str] = []
    more = {"open_orders": table(*orders)} | ({} if receipts is None else {"receipts": receipts})
    inputs = read([sale("S1")], [held("S1")], **more)
    return scheduled_receipts(inputs, keys, AS_OF, delay, notes), notes


def test_an_open_order_is_cover_on_its_day():
    found, notes = arriving(order(0, 1), order(5, 2), order(400, 3))
    assert found[["row", "day", "quantity"]].to_numpy().tolist() == [[0, 0, 1], [0, 5, 2], [0, 400, 3]]
    assert notes == []


def test_an_overdue_order_comes_today_and_one_long_overdue_never():
    found, notes = arriving(order(-1, 1), order(-OVERDUE_LIMIT_DAYS, 2), order(-OVERDUE_LIMIT_DAYS - 1, 4))
    assert found[["day", "quantity"]].to_numpy().tolist() == [[0, 1], [0, 2]]
    assert notes == [
        "Open orders more than 60 days overdue: 1, 4 units. They count as no cover: close or confirm them.",
        "Overdue open orders: 2, 3 units. They are planned for 2026-06-01.",
    ]


def test_a_delay_moves_what_is_due_and_what_is_overdue():
    found, _ = arriving(order(-3, 1), order(5, 2), delay=10)
    assert found["day"].tolist() == [10, 15]


def received(**more: object) -> pd.DataFrame:
    row = {"item_id": "a", "location_id": "S1", "order_id": "p1", "quantity": 10.0, "ordered_on": day(-20)}
    return table({**row, "received_on": day(-1), **more})


@pytest.mark.parametrize(
    ("receipt", "closed"),
    [
        ({}, True),
        ({"order_id": "p2"}, False),
        ({"item_id": "b"}, False),
        ({"location_id": "S2"}, False),
        ({"received_on": day(0)}, True),
        ({"received_on": day(1)}, False),
    ],
)
def test_an_open_order_that_was_received_is_closed(receipt, closed):
    found, notes = arriving(order(3, order_id="p1"), receipts=received(**receipt))
    assert len(found) == (0 if closed else 1)
    assert notes == (["Open orders that were received already: 1. They count no more."] if closed else [])


def test_orders_without_a_number_are_never_taken_for_one_that_was_received():
    found, _ = arriving(order(3), receipts=received(order_id=None))
    assert len(found) == 1


def test_an_order_for_what_is_not_planned_is_no_cover_and_said():
    found, notes = arriving(order(3, 4, item_id="z"), order(3, 2, location_id="S9"), order(3, 0))
    assert found.empty
    assert notes == ["Open orders for no item and location of the plan: 2, 6 units. They count as no cover."]


def test_an_order_without_a_location_goes_to_the_only_one_or_to_the_items_only_one():
    everywhere = order(3, location_id=None)
    assert arriving(everywhere)[0]["row"].tolist() == [0]
    # "a" is at two locations of the plan, "b" at one.
    found, notes = arriving(everywhere, {**everywhere, "item_id": "b"}, keys=TWO)
    assert found["row"].tolist() == [2]
    assert "10 units" in notes[0]


def test_rows_are_found_by_item_and_location():
    frame = pd.DataFrame(
        {"item_id": ["b", "a", "a", "z", "b", "a"], "location_id": ["S1", "S2", "S9", "S1", None, None]}
    )
    assert rows_of(frame, TWO).tolist() == [2, 1, -1, -1, 2, -1]
    assert sole_location(TWO) is None
    assert sole_location(ONE) == "S1"
    assert rows_of(frame, ONE, "S1").tolist() == [-1, -1, -1, -1, -1, 0]


# The position of the morning.


def position(
    sales: list[dict], stock: list[dict], params: Params | None = None, **more: pd.DataFrame
) -> tuple[Positions, tuple[str, ...]]:
    inputs = {"sales": pd.DataFrame(sales), "stock": table(*stock), **more}
    base = pipeline.prepare(inputs, AS_OF, params or Params())
    return base.positions, base.notes


def test_on_hand_committed_owed_and_on_order_make_the_position():
    row = held("S1", 20, allocated=3.0, backorders=2.0)
    orders = table(order(5, 7), order(9, 4))
    found, _ = position([sale("S1")], [row], open_orders=orders)
    assert found.net_stock.tolist() == [15]
    assert found.column("on_order").tolist() == [11]


def test_an_item_location_without_a_stock_row_holds_none_and_that_is_said():
    found, notes = position([sale("S1"), sale("S1", "b")], [held("S1")])
    assert found.column("on_hand").tolist() == [5, 0]
    assert "Item-locations without a stock row: 1. They are taken to hold none." in notes


def test_the_location_overrides_the_item_and_the_item_the_stock():
    items = table(
        {"item_id": "a", "unit_cost": 3.0, "moq": 10.0, "order_multiple": 6.0, "min_stock": 1.0, "supplier_id": "V"}
    )
    local = table(
        {
            "item_id": "a",
            "location_id": "S1",
            "moq": 4.0,
            "min_stock": 2.0,
            "presentation_stock": 5.0,
            "supplier_id": "W",
        }
    )
    stock = [held("S1", unit_cost=9.0), held("S2", unit_cost=9.0), held("S1", item="b", unit_cost=8.0)]
    found = position([sale("S1"), sale("S2"), sale("S1", "b")], stock, items=items, item_locations=local)[0].table
    assert found["unit_cost"].tolist() == [3, 3, 8]
    assert found["moq"].tolist() == [4, 10, 0]
    assert found["order_multiple"].tolist()[:2] == [6, 6]
    assert found["least_stock"].tolist() == [5, 1, 0]
    assert found["supplier_id"].tolist()[:2] == ["W", "V"]


def test_a_price_that_is_not_told_is_what_was_paid_returns_left_out():
    sales = [{**sale("S1", quantity=q), "unit_price": p} for q, p in ((2, 5.0), (8, 10.0), (-1, 99.0), (3, 0.0))]
    found = position(sales, [held("S1")])[0].column("unit_price")
    # (2 * 5 + 8 * 10) / 10.
    assert found.tolist() == [9]
    told = table({"item_id": "a", "unit_price": 12.0})
    assert position(sales, [held("S1")], items=told)[0].column("unit_price").tolist() == [12]


def test_costs_are_the_margin_and_the_rate_and_unknown_ones_are_not_zero():
    stock = [held("S1", item=i) for i in "abc"]
    items = table(
        {"item_id": "a", "unit_cost": 6.0, "unit_price": 10.0},
        {"item_id": "b", "unit_cost": 12.0, "unit_price": 10.0},
        {"item_id": "c", "unit_cost": 6.0},
    )
    inputs = {"sales": table(*(sale("S1", i) for i in "abc")), "stock": table(*stock), "items": items}
    base = pipeline.prepare(inputs, AS_OF, Params())
    result = pipeline.finish(base, AS_OF, Params(holding_rate_per_year=0.365))
    assert any("Items sold below their cost: 1." in note for note in result.notes)
    assert any("Items without a cost or a price: 1." in note for note in result.notes)
    assert result.replenishment["lost_margin"].isna().tolist() == [False, False, True]


def test_a_lead_time_that_nobody_tells_is_assumed_and_its_money_told():
    stock = [held("S1", 10, unit_cost=4.0), held("S1", 10, "b", unit_cost=1.0)]
    items = table({"item_id": "b", "lead_time_days": 5.0})
    found, notes = position([sale("S1"), sale("S1", "b")], stock, items=items)
    assert found.column("lead_time_days").tolist() == [14, 5]
    assert "Item-locations without a lead time: 1, 40 of stock value. 14 days are assumed." in notes


def test_a_location_that_is_fed_has_the_transit_time_for_certain_and_no_minimum_of_the_supplier():
    items = table({"item_id": "a", "lead_time_days": 20.0, "moq": 50.0, "order_multiple": 12.0})
    found = position([sale("S1")], [held("S1"), held("DC")], items=items)[0].table.set_index("location_id")
    assert found["buys"].to_dict() == {"DC": True, "S1": False}
    assert found["lead_time_days"].to_dict() == {"DC": 20, "S1": 2}
    assert found["lead_time_sd_days"].to_dict() == {"DC": 5, "S1": 0}
    assert found["lead_time_from"].to_dict() == {"DC": "item", "S1": "transit"}
    assert found["moq"].to_dict() == {"DC": 50, "S1": 0}
    assert found.loc["DC", "order_multiple"] == 12
    assert np.isnan(found.loc["S1", "order_multiple"])


def test_a_value_class_counts_all_locations_of_an_item():
    rows = [(p, i, q) for i, q in (("a", 50), ("b", 25), ("c", 12), ("d", 8), ("e", 5)) for p in ("S1", "S2")]
    sales = [sale(p, i, quantity=q) for p, i, q in rows]
    found = position(sales, [held(p, item=i, unit_cost=10.0) for p, i, _ in rows])[0].table
    # science, 1.4: [500, 250, 120, 80, 50] -> A, A, A, B, C.
    assert found.groupby("item_id")["abc_class"].first().to_dict() == dict(zip("abcde", "AAABC", strict=True))
    assert (found.groupby("item_id")["abc_class"].nunique() == 1).all()
