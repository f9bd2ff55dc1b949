"""Every layout of known exports, each with a file made for it: what it gives, what it sets aside, what it says."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.mapping import Choice, NeedsAnswer
from data.read import Import, read_any, read_inputs
from data.upload import Source
from planning.errors import InputError

FOLDER = Path(__file__).parent / "fixtures"

Rows = list[tuple[object, ...]]


def load(name: str, choices: Mapping[str, Choice] | None = None) -> Import:
    """The file under another name than its own: its header alone must tell."""
    return read_any([Source("export", (FOLDER / name).read_bytes())], choices)


def rows(found: Import, table: str, *columns: str) -> Rows:
    frame = found.frames[table][list(columns)].astype(object)
    return list(frame.where(frame.notna(), None).itertuples(index=False, name=None))


def aside(found: Import, table: str) -> Rows:
    frame = found.rejected[found.rejected["table"] == table]
    return list(frame[["row", "column", "value"]].itertuples(index=False, name=None))


def says(found: Import, *words: str) -> bool:
    return any(all(word in note for word in words) for note in found.notes)


def day(text: str) -> pd.Timestamp:
    return pd.Timestamp(text)


EXPORTS = {
    "amazon_manage.txt": ("Amazon FBA inventory", {"stock": 2, "open_orders": 0}),
    "amazon_manage_newer.txt": ("Amazon FBA inventory", {"stock": 1}),
    "amazon_planning.csv": ("Amazon FBA inventory planning", {"stock": 2, "open_orders": 0}),
    "amazon_restock.csv": ("Amazon restock report", {"stock": 2, "items": 2, "open_orders": 0}),
    "channel_forecast.csv": ("forecast by channel", {"forecasts": 3}),
    "channel_sales.csv": ("", {"sales": 2}),
    "cin7_products.csv": ("Cin7 products", {"items": 2}),
    "invoices.csv": ("invoice lines", {"sales": 7}),
    "item_location_stock.csv": ("", {"stock": 2}),
    "netsuite_search.csv": (
        "NetSuite saved search",
        {"stock": 2, "items": 2, "item_locations": 1, "locations": 1, "open_orders": 0},
    ),
    "neutral_stock.csv": ("", {"stock": 2}),
    "odoo_labels.csv": ("Odoo stock", {"stock": 4, "locations": 2}),
    "odoo_technical.csv": ("Odoo stock", {"stock": 1, "locations": 1}),
    "order_history.csv": ("purchase order history", {"receipts": 3}),
    "quickbooks_sales.csv": ("QuickBooks sales by product", {"sales": 3}),
    "quickbooks_valuation.csv": ("QuickBooks inventory valuation", {"stock": 2, "items": 2}),
    "sell_in.csv": ("sell-in", {"receipts": 2}),
    "shopify_inventory.csv": ("Shopify inventory", {"stock": 4, "locations": 2, "open_orders": 0}),
    "shopify_inventory_older.csv": ("Shopify inventory", {"stock": 1, "locations": 1, "open_orders": 0}),
    "shopify_inventory_oldest.csv": ("Shopify inventory", {"stock": 3, "locations": 2}),
    "shopify_inventory_one_option.csv": ("Shopify inventory", {"stock": 2, "locations": 1}),
    "shopify_inventory_spaced.csv": ("Shopify inventory", {"stock": 1, "locations": 1}),
    "shopify_orders.csv": ("Shopify orders", {"sales": 4}),
    "shopify_products.csv": ("Shopify products", {"items": 3, "stock": 3}),
    "shopify_products_new.csv": ("Shopify products", {"items": 2, "stock": 2}),
    "stock_by_location.csv": ("", {"stock": 3}),
    "woocommerce_products.csv": ("WooCommerce products", {"items": 3, "stock": 2}),
}
"""By fixture: the export it is recognised as, and the rows accepted of each table."""


@pytest.mark.parametrize("name", EXPORTS)
def test_a_layout_is_recognised_by_its_header_and_every_row_is_counted(name: str) -> None:
    found = load(name)
    export, accepted = EXPORTS[name]
    assert {u.export for u in found.understood} == {export}
    assert {table: told["accepted"] for table, told in found.rows.items()} == accepted
    assert all(told["read"] == told["accepted"] + told["rejected"] for told in found.rows.values())
    assert sum(told["rejected"] for told in found.rows.values()) == len(found.rejected)


def test_every_fixture_has_its_expectation() -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(EXPORTS)


# --- Shopify ---------------------------------------------------------------------------------------------------------


def test_shopify_stock_is_on_hand_less_unavailable_and_the_key_may_be_handle_and_options() -> None:
    found = load("shopify_inventory.csv")
    assert rows(found, "stock", "item_id", "location_id", "on_hand", "allocated") == [
        ("00012", "Depot", 7, 0),
        ("00012", "Harbour", 18, 3),
        ("mug / Red / L", "Harbour", 5, 1),
        ("plate", "Harbour", -2, 0),
    ]
    assert rows(found, "locations", "location_id") == [("Depot",), ("Harbour",)]
    assert says(found, "'not stocked', which is not zero and gives no stock row: 1")
    assert says(found, "unavailable", "2 units, rows: 1")
    assert says(found, "On hand (new)")


def test_shopify_incoming_has_no_date_until_a_person_tells_it() -> None:
    found = load("shopify_inventory.csv")
    assert "open_orders" not in found.frames
    assert aside(found, "open_orders") == [(2, "Incoming (not editable)", "24"), (6, "Incoming (not editable)", "6")]
    assert says(found, "without a date of arrival: 30 units, rows: 2")
    told = load("shopify_inventory.csv", {"export": Choice(due_on="2026-12-01")})
    assert rows(told, "open_orders", "item_id", "quantity", "location_id", "due_on") == [
        ("00012", 24, "Harbour", day("2026-12-01")),
        ("plate", 6, "Harbour", day("2026-12-01")),
    ]
    assert told.rejected.empty


@pytest.mark.parametrize(
    ("name", "stock"),
    [
        ("shopify_inventory_one_option.csv", [("MUG-B", "Harbour", 9), ("mug / Red", "Harbour", 4)]),
        ("shopify_inventory_spaced.csv", [("mug / Blue / L", "Harbour", 11)]),
        ("shopify_inventory_older.csv", [("MUG-B", "Harbour", 10)]),
        (
            "shopify_inventory_oldest.csv",
            [("MUG-B", "Harbour", 9), ("mug / Red", "Depot", 4), ("mug / Red", "Harbour", 0)],
        ),
        ("stock_by_location.csv", [("00012", "Depot", 4), ("00012", "Harbour", 9), ("1E5", "Harbour", 0)]),
    ],
)
def test_older_shopify_inventories(name: str, stock: Rows) -> None:
    assert rows(load(name), "stock", "item_id", "location_id", "on_hand") == stock


def test_shopify_orders_are_filled_down_and_cancelled_ones_are_no_sales() -> None:
    found = load("shopify_orders.csv")
    # 23:30 -0400 is the next day elsewhere; the shop's own day counts. Order 1003 has two lines of one item.
    assert rows(found, "sales", "date", "item_id", "quantity", "unit_price", "order_id") == [
        (day("2026-09-03"), "00012", 2, 10, "#1001"),
        (day("2026-09-03"), "Plate", 1, 10, "#1001"),
        (day("2026-09-05"), "MUG-R", 3, 11, "#1003"),
    ]
    assert [row[0] for row in aside(found, "sales")] == [4, 5]
    assert says(found, "cancelled orders: 1, lines: 2")
    assert says(found, "refunded in full or in part: 1")
    assert says(found, "lines without a SKU", ": 1")


def test_shopify_products_give_items_and_their_stock_only_where_no_other_file_does() -> None:
    alone = load("shopify_products.csv")
    assert rows(alone, "items", "item_id", "item_name", "category", "unit_cost", "unit_price", "supplier_id") == [
        ("00012", "Mug / Blue", "Tableware", 4.2, 10, "Pottery"),
        ("PLATE", "Plate", "Tableware", None, 12.5, "Kiln"),
        ("mug / Red", "Mug / Red", "Tableware", 4.2, 10, "Pottery"),
    ]
    assert says(alone, "only an image or text of a product, no items: 1")
    files = [Source(n, (FOLDER / n).read_bytes()) for n in ("shopify_products.csv", "shopify_inventory.csv")]
    both = read_any(files)
    assert set(both.frames["stock"]["location_id"]) == {"Harbour", "Depot"}
    assert says(both, "shopify_products.csv", "stock are left out")
    new = load("shopify_products_new.csv")
    assert rows(new, "items", "item_id", "item_name", "unit_cost") == [
        ("00012", "Mug / Blue", 4.2),
        ("MUG-R", "Mug / Red", 4.3),
    ]


def test_bare_locations_do_not_stand_against_told_ones() -> None:
    files = [
        Source("kinds.csv", b"location_id,location_name,kind\nDepot,The depot,warehouse\n"),
        Source("export", (FOLDER / "shopify_inventory.csv").read_bytes()),
    ]
    found = read_any(files)
    assert rows(found, "locations", "location_id", "kind") == [("Depot", "warehouse")]
    assert (found.spare, load("shopify_inventory.csv").spare) == ((), ("locations",))


# --- Amazon ----------------------------------------------------------------------------------------------------------


def test_amazon_fulfillable_is_on_hand_and_shipped_or_receiving_is_on_order() -> None:
    found = load("amazon_manage.txt", {"export": Choice(due_on="2026-12-01")})
    assert rows(found, "stock", "item_id", "on_hand") == [("00012", 11), ("MUG-R", 0)]
    assert rows(found, "open_orders", "item_id", "quantity") == [("00012", 25)]
    assert says(found, "units that the merchant fulfils", ": 3")
    assert says(found, "units that have not left yet", ": 5")
    assert rows(load("amazon_manage_newer.txt"), "stock", "item_id", "on_hand") == [("00012", 11)]


def test_amazon_planning_carries_the_day_of_its_snapshot() -> None:
    found = load("amazon_planning.csv", {"export": Choice(due_on="2026-12-01")})
    assert rows(found, "stock", "item_id", "on_hand", "as_of")[0] == ("00012", 40, day("2026-11-02"))
    assert rows(found, "open_orders", "quantity") == [(20,)]
    assert says(found, "no history of sales")


def test_amazon_restock_gives_stock_items_and_orders() -> None:
    found = load("amazon_restock.csv", {"export": Choice(due_on="2026-12-01")})
    assert rows(found, "stock", "item_id", "on_hand") == [("00012", 36), ("MUG-R", 0)]
    assert rows(found, "items", "item_name", "supplier_id") == [("Mug, blue", "Pottery"), ("Mug, red", "Pottery")]
    assert rows(found, "open_orders", "quantity") == [(20,)]


# --- books and shops -------------------------------------------------------------------------------------------------


def test_quickbooks_items_stand_above_their_sales() -> None:
    found = load("quickbooks_sales.csv")
    assert rows(found, "sales", "date", "item_id", "quantity", "unit_price") == [
        (day("2026-01-14"), "Mug", 2, 10),
        (day("2026-02-03"), "Mug", -1, 10),
        (day("2026-03-30"), "Plate", 5, 12.5),
    ]
    assert says(found, "totals and no sales: 3")
    assert says(found, "dropped as personal data", "Customer full name")


def test_quickbooks_valuation_gives_stock_and_cost() -> None:
    found = load("quickbooks_valuation.csv")
    assert rows(found, "stock", "item_id", "on_hand", "unit_cost") == [("Blue mug", 12, 4.2), ("Plate", -2, 5)]
    assert rows(found, "items", "item_id", "unit_price") == [("Blue mug", 10), ("Plate", 12.5)]


def test_invoice_lines_tell_cancellations_fees_write_offs_and_missing_ids_with_counts() -> None:
    found = load("invoices.csv")
    assert rows(found, "sales", "item_id", "quantity", "unit_price", "order_id") == [
        ("71053", 6, 3.39, "536365"),
        ("85123A", 8, pytest.approx(2.6), "536365"),
        ("71053", 1, 0, "536401"),
        ("85123A", 5, 0, "536404"),
        ("85123A", -1, 2.55, "C536379"),
    ]
    assert aside(found, "sales") == [
        (6, "StockCode", "POST"),
        (8, "Quantity", "-10"),
        (10, "Quantity", "3100"),
        (11, "Quantity", "4000"),
    ]
    for told in (
        "lines of cancelled invoices (C...): 1",
        "returns, lines with a negative quantity: 1",
        "stock written off at price zero (damaged, lost, counted): 1",
        "stock added at price zero for no customer (found, booked anew): 2",
        "samples and vouchers, no products: 1",
        "lines at price zero: 2",
        "lines without an item: 0",
        "lines without a customer, which no plan needs: 5",
        "rows added to another row of the same order_id and item_id: 1",
        "rows that repeat another row exactly and count once: 1",
    ):
        assert says(found, told), told


def test_woocommerce_parents_are_no_items_and_untracked_stock_is_no_zero() -> None:
    found = load("woocommerce_products.csv")
    assert rows(found, "items", "item_id", "category", "unit_price") == [
        ("00012", "Tableware", 10),
        ("13", "Tableware > Plates", 11.5),
        ("PLATE-L", "Tableware > Plates", 12.5),
    ]
    assert rows(found, "stock", "item_id", "on_hand") == [("00012", 9), ("PLATE-L", 4)]


# --- business systems ------------------------------------------------------------------------------------------------


def test_odoo_lots_are_summed_and_only_internal_and_transit_locations_are_stock() -> None:
    found = load("odoo_labels.csv")
    # Two lots of the same size on one shelf are two lots, not one row twice.
    assert rows(found, "stock", "item_id", "location_id", "on_hand", "allocated") == [
        ("00012", "WH", 14, 1),
        ("Plate", "Transit", 3, 0),
    ]
    assert [row[2] for row in aside(found, "stock")] == [
        "Partners/Customers",
        "Virtual Locations/Inventory adjustment",
        "Virtual Locations/Production",
    ]
    assert rows(load("odoo_technical.csv"), "stock", "item_id", "on_hand") == [("00012", 6)]


def test_netsuite_gives_stock_lead_times_and_orders_without_a_date() -> None:
    found = load("netsuite_search.csv")
    assert rows(found, "stock", "item_id", "location_id", "on_hand", "allocated", "backorders") == [
        ("00012", "Main", 20, 3, 0),
        ("PLATE", "Main", 0, 0, 2),
    ]
    assert rows(found, "item_locations", "item_id", "lead_time_days") == [("00012", 14)]
    assert aside(found, "open_orders") == [(2, "On Order", "48")]
    assert says(found, "Reorder Point", "not read")


def test_cin7_gives_items() -> None:
    found = load("cin7_products.csv")
    assert rows(found, "items", "item_id", "item_name", "unit_cost", "supplier_id") == [
        ("00012", "Mug / Blue", 4.2, "Pottery"),
        ("PLATE", "Plate", 5, "Kiln"),
    ]


# --- small and neutral -----------------------------------------------------------------------------------------------


def test_neutral_stock_and_sales_are_guessed_by_their_headings() -> None:
    assert rows(load("neutral_stock.csv"), "stock", "item_id", "location_id", "on_hand") == [
        ("00012", "WH1", 5),
        ("1-2", "WH2", 0.5),
    ]
    assert rows(load("item_location_stock.csv"), "stock", "item_id", "location_id", "on_hand") == [
        ("00012", "Nord", 1234.5),
        ("NA", "Süd", -2),
    ]
    assert rows(load("channel_sales.csv"), "sales", "item_id", "quantity", "location_id", "channel") == [
        ("00012", 3, "S1", "shop"),
        ("00012", 1, "S1", "web"),
    ]


def test_a_forecast_by_channel_is_added_up_and_holds_one_plan() -> None:
    found = load("channel_forecast.csv")
    assert rows(found, "forecasts", "item_id", "date", "quantity") == [
        ("00012", day("2026-12-01"), 15),
        ("00012", day("2027-01-01"), 12),
    ]
    assert aside(found, "forecasts") == [(4, "scenarioPlanId", "high")]


def test_sell_in_gives_receipts_from_shipping_to_receipt() -> None:
    found = load("sell_in.csv")
    assert rows(found, "receipts", "item_id", "ordered_on", "received_on", "quantity", "location_id") == [
        ("00012", day("2026-08-03"), day("2026-08-10"), 48, "Harbour"),
        ("PLATE", day("2026-09-01"), day("2026-09-15"), 20, "Depot"),
    ]
    assert [row[0] for row in aside(found, "receipts")] == [4]
    assert says(found, "no day of order")


def test_an_order_history_sets_its_errors_aside_and_counts_them() -> None:
    found = load("order_history.csv")
    assert rows(found, "receipts", "supplier_id", "ordered_on", "received_on", "quantity", "promised_on") == [
        ("Vendor A", day("2006-11-13"), day("2007-01-05"), 25, day("2007-01-02")),
        ("Vendor B", day("2007-01-30"), day("2007-02-01"), 5, day("2007-03-01")),
    ]
    assert [row[2] for row in aside(found, "receipts")] == ["N/A - From RDC", "Date Not Captured", "1-Jan-07"]
    assert says(found, "delivered from stock", "vendor: 1")
    assert says(found, "without a captured day of order", ": 1")
    assert says(found, "delivered before they were ordered (a negative lead time): 1")


# --- what holds for all ----------------------------------------------------------------------------------------------


def test_a_known_export_is_recognised_where_its_table_was_told_too() -> None:
    source = Source("a.csv", (FOLDER / "invoices.csv").read_bytes())
    told = read_inputs({"sales": [source]})
    pd.testing.assert_frame_equal(told.frames["sales"], load("invoices.csv").frames["sales"])


@pytest.mark.parametrize("name", EXPORTS)
def test_no_person_shows_anywhere(name: str) -> None:
    found = load(name)
    shown = [found.rejected.to_string(), *found.notes, *(frame.to_string() for frame in found.frames.values())]
    for person in ("Ada", "ada@", "bob@", "Test Lane", "0100", "ring twice", "17850"):
        assert not any(person in text for text in shown), person


def test_dates_that_could_be_both_are_asked_and_the_answer_reads_them() -> None:
    text = (FOLDER / "quickbooks_sales.csv").read_text().replace("01/14", "01/04").replace("03/30", "03/10")
    source = Source("detail.csv", text.encode())
    with pytest.raises(NeedsAnswer) as asked:
        read_any([source])
    (question,) = asked.value.questions
    assert (question.file, question.about, question.column) == ("detail.csv", "date_order", "Transaction date")
    assert question.choices == ("dd/mm/yyyy", "mm/dd/yyyy")
    found = read_any([source], {"detail.csv": Choice(date_order="mm/dd/yyyy")})
    assert found.frames["sales"]["date"].min() == day("2026-01-04")
    by_key = read_any([replace(source, name="other.csv")], {question.key: Choice(date_order="dd/mm/yyyy")})
    assert by_key.frames["sales"]["date"].min() == day("2026-03-02")


DIRT = [
    b",",
    b'"',
    b"\n",
    b"\x00",
    b"1e400",
    b"9" * 400,
    b"=1+1",
    b"\xff",
    b"not stocked",
    b"31/12/2025",
    b"TOTAL",
    b"NaN",
]


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(sorted(EXPORTS)),
    st.lists(st.tuples(st.floats(0, 1), st.sampled_from(DIRT), st.integers(0, 20)), min_size=1, max_size=5),
    st.sampled_from([{}, {"x": Choice(due_on="2026-12-01", date_order="mm/dd/yyyy")}]),
)
def test_a_damaged_export_is_read_and_reconciled_or_refused(
    name: str, damage: list[tuple[float, bytes, int]], choices: dict[str, Choice]
) -> None:
    content = (FOLDER / name).read_bytes()
    for where, dirt, gone in damage:
        at = int(where * len(content))
        content = content[:at] + dirt + content[at + gone :]
    try:
        found = read_any([Source("x", content)], choices)
    except InputError:
        return
    assert all(told["read"] == told["accepted"] + told["rejected"] for told in found.rows.values())
    assert sum(told["rejected"] for told in found.rows.values()) == len(found.rejected)
