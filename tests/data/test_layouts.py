"""Headings are recognised when they plainly mean a contract column; wide tables become long, cell by cell."""

import pytest

from data.headings import ALIASES, normalised
from data.layouts import LongTable, encoded, to_contract, wide_columns
from data.upload import Source, read_text_table
from planning.errors import InputError
from planning.tables import INPUT_TABLES


def to_long(table: str, text: str, mapping: dict[str, str] | None = None) -> LongTable:
    return to_contract(INPUT_TABLES[table], read_text_table(Source("a.csv", text.encode())), mapping)


def rows(long: LongTable, *names: str) -> list[tuple[str | None, ...]]:
    texts = [[None if c < 0 else str(long.columns[n].texts[c]) for c in long.columns[n].codes] for n in names]
    return list(zip(*texts, strict=True))


@pytest.mark.parametrize(
    ("table", "header", "columns"),
    [
        ("stock", "SKU,On hand", {"item_id", "on_hand"}),
        ("stock", "sku,warehouse_code,qty_on_hand", {"item_id", "location_id", "on_hand"}),
        ("stock", " Item-Code ,LOCATION,on-hand", {"item_id", "location_id", "on_hand"}),
        ("stock", "Product,Location,Quantity", {"item_id", "location_id", "on_hand"}),
        ("sales", "Date,ItemID,Qty", {"date", "item_id", "quantity"}),
        (
            "sales",
            "Order Date,Store,Article,Units Sold,Price",
            {"date", "location_id", "item_id", "quantity", "unit_price"},
        ),
        (
            "receipts",
            "SKU,Order Date,Receipt Date,Units Received",
            {"item_id", "ordered_on", "received_on", "quantity"},
        ),
    ],
)
def test_plain_other_names_are_recognised(table: str, header: str, columns: set[str]) -> None:
    width = header.count(",")
    assert set(to_long(table, header + "\n" + "1" + ",1" * width + "\n").columns) == columns


@pytest.mark.parametrize("table", INPUT_TABLES)
def test_no_other_name_hides_a_contract_name(table: str) -> None:
    names = {normalised(name) for name in INPUT_TABLES[table].names}
    others = {normalised(other) for column in INPUT_TABLES[table].names for other in ALIASES.get(column, ())}
    assert not names & others


def test_unknown_columns_are_ignored_and_said() -> None:
    long = to_long("stock", "item_id,on_hand,Customer e-mail,\nA,1,a@b.c,\n")
    assert set(long.columns) == {"item_id", "on_hand"}
    assert any("ignored" in note and "Customer e-mail" in note for note in long.notes)
    assert not any("a@b.c" in note for note in long.notes)


def test_the_contract_name_goes_before_another_name() -> None:
    long = to_long("stock", "SKU,item_id,on_hand\nA,B,1\n")
    assert rows(long, "item_id") == [("B",)]


def test_two_columns_that_could_be_the_item_are_asked_about() -> None:
    with pytest.raises(InputError, match="'SKU' and 'Item' could each be 'item_id'; map one"):
        to_long("stock", "SKU,Item,on_hand\nA,B,1\n")


def test_the_mapping_goes_before_every_guess() -> None:
    text = "SKU,Item,on_hand,counted\nA,B,1,2\n"
    long = to_long("stock", text, {"sku": "item_id", "Counted": "on_hand"})
    assert rows(long, "item_id", "on_hand") == [("A", "2")]
    assert rows(to_long("stock", text, {"SKU": ""}), "item_id") == [("B",)]


def test_every_missing_required_column_is_told_with_a_remedy() -> None:
    with pytest.raises(InputError) as fault:
        to_long("sales", "day,foo\n2025-01-01,1\n")
    messages = str(fault.value).splitlines()
    assert [("'item_id'" in m, "'quantity'" in m) for m in messages] == [(True, False), (False, True)]
    assert all("a.csv, row 1" in m and "'foo'" in m and "map it" in m for m in messages)


def test_wide_sales_make_one_row_of_each_filled_cell() -> None:
    long = to_long("sales", "Store,Product,2024-01-01,2024-01-08,Remark\nS1,A,1,2,x\n\nS2,B,,4,y\nS3,C, ,,z\n")
    assert rows(long, "location_id", "item_id", "date", "quantity") == [
        ("S1", "A", "2024-01-01", "1"),
        ("S1", "A", "2024-01-08", "2"),
        ("S2", "B", "2024-01-08", "4"),
    ]
    assert long.rows.tolist() == [2, 2, 4]
    assert long.heading("quantity", long.columns["date"].codes[:0]).tolist() == []
    assert long.headings is not None
    assert any("one column a date" in note for note in long.notes)
    assert any("ignored" in note and "Remark" in note for note in long.notes)


@pytest.mark.parametrize(
    "heading", ["2024-01", "2024-01-31", "31.01.2024", "01/31/2024", "20240131", "2024-01-31 00:00:00"]
)
def test_headings_that_are_dates_are_recognised(heading: str) -> None:
    long = to_long("forecasts", f"item,{heading}\nA,3\n")
    assert rows(long, "item_id", "date", "quantity") == [("A", heading, "3")]
    assert any("month" in note for note in long.notes) == (heading == "2024-01")


def test_a_table_with_a_date_column_is_long_whatever_its_other_headings() -> None:
    long = to_long("sales", "date,item,qty,2024-01-01\n2024-01-08,A,1,5\n")
    assert rows(long, "date", "quantity") == [("2024-01-08", "1")]


def test_a_total_column_of_a_wide_table_is_no_quantity() -> None:
    long = to_long("sales", "item,units,2024-01-01,2024-01-08\nA,3,1,2\n")
    assert rows(long, "quantity") == [("1",), ("2",)]
    assert any("'units'" in note for note in long.notes)


def test_wide_stock_makes_one_row_of_each_location() -> None:
    long = to_long(
        "stock", "SKU,Name,Berlin,München,Available,cost\nA,Cup,1,not stocked,9,2.5\nB,Pot,,3,9,3\nC,Pan,1,2,3,\n"
    )
    assert rows(long, "item_id", "location_id", "on_hand", "unit_cost") == [
        ("A", "Berlin", "1", "2.5"),
        ("C", "Berlin", "1", ""),
        ("A", "München", "not stocked", "2.5"),
        ("B", "München", "3", "3"),
        ("C", "München", "2", ""),
    ]
    assert any("'Name'" in note and "'Available'" in note for note in long.notes)


def test_stock_with_a_location_column_is_not_wide() -> None:
    with pytest.raises(InputError, match="no column 'on_hand'"):
        to_long("stock", "Store,Product,Start,End\n1,A,2,3\n")


def test_what_stands_across_a_wide_file_is_told_before_it_is_made_long() -> None:
    text = read_text_table(Source("a.csv", b"Store,Product,2024-01-01,2024-01-08,Remark\nS1,A,1,2,x\n"))
    assert wide_columns(INPUT_TABLES["sales"], text, {"item_id": 1}) == ("date", "quantity", [2, 3])
    assert wide_columns(INPUT_TABLES["sales"], text, {"item_id": 1, "date": 2}) is None
    assert wide_columns(INPUT_TABLES["items"], text, {}) is None


def test_a_column_holds_each_text_once() -> None:
    text = read_text_table(Source("a.csv", b"a,b\nx,1\ny,2\nx,3\n"))
    column = encoded("a", text.cells[0])
    assert (column.texts.tolist(), column.codes.tolist()) == (["x", "y"], [0, 1, 0])
