"""The contract's tables: the columns, keys and rules that other people's files and programs rely on."""

import re
from typing import get_args

import pytest

from planning.tables import INPUT_TABLES, RESULT_TABLES, WATERFALL_STEPS, Column, Kind, Table

# As published: the columns in their order, the required ones with a star; then the key.
PUBLISHED = {
    "sales": ("date* item_id* quantity* location_id unit_price order_id channel", "order_id item_id"),
    "stock": (
        "item_id* on_hand* location_id allocated backorders as_of unit_cost lot_id expiry_date",
        "item_id location_id as_of lot_id",
    ),
    "items": (
        "item_id* item_name category unit_cost unit_price supplier_id lead_time_days moq order_multiple max_order "
        "max_stock min_stock shelf_life_days volume life_cycle launch_on ends_on like_item_id predecessor_id policy "
        "service_target",
        "item_id",
    ),
    "item_locations": (
        "item_id* location_id* supplier_id source_id lead_time_days moq order_multiple min_stock max_stock "
        "presentation_stock ranged policy service_target",
        "item_id location_id",
    ),
    "locations": ("location_id* location_name kind capacity priority", "location_id"),
    "suppliers": (
        "supplier_id* supplier_name lead_time_days lead_time_sd_days review_period_days order_weekday "
        "min_order_value order_cost container_volume",
        "supplier_id",
    ),
    "open_orders": (
        "item_id* quantity* due_on* location_id supplier_id order_id ordered_on",
        "order_id item_id location_id due_on",
    ),
    "receipts": (
        "item_id* ordered_on* received_on* quantity* location_id supplier_id order_id promised_on",
        "order_id item_id location_id received_on",
    ),
    "availability": ("date* item_id* in_stock* location_id", "date item_id location_id"),
    "customer_orders": ("item_id* quantity* due_on* location_id order_id", "order_id item_id location_id due_on"),
    "forecasts": ("item_id* date* quantity* location_id", "item_id location_id date"),
    "lanes": (
        "source_id* destination_id* transit_days cost_per_unit cost_per_shipment capacity",
        "source_id destination_id",
    ),
    "events": (
        "starts_on* ends_on* uplift* item_id category location_id event_name",
        "starts_on ends_on item_id category location_id event_name",
    ),
    "counts": ("item_id* counted_on* counted* location_id book", "item_id location_id counted_on"),
    "overrides": (
        "override_id* item_id category location_id starts_on* ends_on* kind* value* locked reason made_by made_at",
        "override_id",
    ),
    "pins": ("pin_id* item_id* location_id kind* value* order_on reason made_by made_at", "pin_id"),
    "approved_orders": (
        "order_number* item_id* quantity* ordered_on* due_on* location_id supplier_id unit_cost",
        "order_number item_id location_id",
    ),
    "transfer_pins": (
        "item_id* source_id* destination_id* quantity* planned_on reason made_by made_at",
        "item_id source_id destination_id planned_on made_at",
    ),
    "approved_transfers": (
        "transfer_number* item_id* source_id* destination_id* quantity* ship_on* arrives_on* approved_on shipped "
        "received",
        "transfer_number item_id destination_id",
    ),
}
RESULTS = {
    "forecast": "item_id location_id starts_on mean q50 q80 q90 q95",
    "policy": "item_id location_id abc_class demand_class model demand_mean_per_day lead_time_days "
    "protection_interval_days safety_stock reorder_point order_up_to_level expected_fill_rate "
    "expected_cycle_service_level",
    "replenishment": "item_id location_id supplier_id on_hand on_order order_quantity transfer_quantity order_on "
    "arrives_on risk action stockout_on order_by days_of_supply expected_lost_units excess_units order_value reason",
    "orders": "order_number supplier_id location_id item_id quantity order_on arrives_on unit_cost line_value",
    "planned_orders": "supplier_id location_id item_id quantity order_on arrives_on",
    "allocation": "item_id source_id destination_id quantity ship_on arrives_on value reason",
    "sharing": "method label value_money expected_lost_units lost_margin units_moved fill_rate",
    "limits": "kind place other item_id one_more_worth exact",
    "waterfall": "item_id location_id step units",
    "exceptions": "item_id location_id kind order_id quantity due_on move_to units_at_stake value reason",
    "rejected": "table file row column value reason",
}
ALL = [*INPUT_TABLES.values(), *RESULT_TABLES.values()]
COLUMNS = [(table, column) for table in ALL for column in table.columns]


def _name(value: object) -> str | None:
    return value.name if isinstance(value, Table | Column) else None


def test_the_input_tables_are_the_published_ones():
    assert list(INPUT_TABLES) == list(PUBLISHED)
    assert [name for name, table in INPUT_TABLES.items() if table.required] == ["sales", "stock"]


@pytest.mark.parametrize("name", PUBLISHED)
def test_an_input_table_has_its_published_columns_and_key(name):
    columns, key = PUBLISHED[name]
    table = INPUT_TABLES[name]
    assert " ".join(c.name + "*" * c.required for c in table.columns) == columns
    assert " ".join(table.key) == key


@pytest.mark.parametrize("name", RESULTS)
def test_a_result_table_has_at_least_its_published_columns_in_their_order(name):
    published = RESULTS[name].split()
    assert [column for column in RESULT_TABLES[name].names if column in published] == published


def test_no_result_is_unpublished():
    assert list(RESULT_TABLES) == list(RESULTS)


def test_the_steps_of_the_waterfall_are_the_published_ones():
    assert WATERFALL_STEPS == (
        "expected demand to the end of coverage", "safety stock", "stores' safety stock", "usable on hand",
        "committed and backorders", "receipts counted", "demand lost before arrival", "need", "maximum", "moq",
        "order multiple", "supplier minimum", "container", "budget", "pinned", "order",
    )  # fmt: skip
    assert RESULT_TABLES["waterfall"].by_name["step"].choices == WATERFALL_STEPS


@pytest.mark.parametrize("table", ALL, ids=_name)
def test_a_table_is_whole(table):
    assert len(set(table.names)) == len(table.names)
    assert set(table.key) <= set(table.names)
    assert table.required_names == tuple(c.name for c in table.columns if c.required)
    assert dict(table.by_name) == {c.name: c for c in table.columns}
    assert table.repeats in ("reject", "sum", "keep")
    assert table.meaning


@pytest.mark.parametrize(("table", "column"), COLUMNS, ids=_name)
def test_a_column_is_whole(table, column):
    assert re.fullmatch(r"[a-z][a-z0-9_]*", column.name), table.name
    assert column.kind in get_args(Kind)
    assert column.meaning
    assert column.title
    if column.name.endswith(("_on", "date")) or column.name == "as_of":
        assert column.kind == "date"
    if column.name.endswith("_id"):
        assert column.kind == "id"
    if column.name.endswith("_days"):
        assert column.kind == "days"
    if column.minimum is not None and column.maximum is not None:
        assert column.minimum < column.maximum


def test_names_of_the_same_thing_are_of_the_same_kind_everywhere():
    kinds: dict[str, set[str]] = {}
    for _, column in COLUMNS:
        kinds.setdefault(column.name, set()).add(column.kind)
    # A location's capacity is volume or units and a lane's is units; a rejected value is text, a transfer's a number.
    assert {name for name, found in kinds.items() if len(found) > 1} == {"capacity", "value"}


def test_no_column_has_a_bare_name_that_the_house_forbids():
    assert not {"service_level", "coverage", "safety", "mean_demand"} & {column.name for _, column in COLUMNS}


def test_money_of_the_contract_is_never_negative_and_shares_stay_between_0_and_1():
    for table in INPUT_TABLES.values():
        for column in table.columns:
            if column.kind == "money":
                assert column.minimum == 0, (table.name, column.name)
            if column.kind in ("share", "fraction"):
                assert (column.minimum, column.maximum) == (0, 1), (table.name, column.name)


def test_sales_and_stock_may_be_negative_and_orders_may_not():
    assert INPUT_TABLES["sales"].by_name["quantity"].minimum is None
    assert INPUT_TABLES["stock"].by_name["on_hand"].minimum is None
    assert INPUT_TABLES["open_orders"].by_name["quantity"].minimum == 0


def test_the_contract_cannot_be_changed_by_accident():
    with pytest.raises(TypeError):
        INPUT_TABLES["sales"] = None
    with pytest.raises(AttributeError):
        INPUT_TABLES["sales"].name = "other"
    with pytest.raises(TypeError):
        INPUT_TABLES["sales"].by_name["x"] = None
