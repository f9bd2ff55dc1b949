"""Nothing is lost, nothing is guessed: every row is accepted or told with its row, column, value and reason."""

import io
import os
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data import cells
from data.read import Import, read_inputs
from data.upload import Source
from planning.errors import InputError
from planning.tables import INPUT_TABLES, RESULT_TABLES

STOCK = "item_id,on_hand\nA,1\n"
SALES = "date,item_id,quantity\n2025-01-01,A,1\n"


def read(mapping: Mapping[str, Mapping[str, str]] | None = None, **files: str | list[str]) -> Import:
    sources = {
        table: [
            Source(f"{table}{n}.csv", text.encode())
            for n, text in enumerate([texts] if isinstance(texts, str) else texts)
        ]
        for table, texts in files.items()
    }
    return read_inputs(sources, mapping)


def faults(result: Import) -> list[tuple[str, int, str, str]]:
    frame = result.rejected
    return list(zip(frame["file"], frame["row"].tolist(), frame["column"], frame["value"], strict=True))


def column(texts: list[str], name: str = "on_hand") -> Import:
    """Stock with these texts in one column."""
    frame = pd.DataFrame({"item_id": [f"I{n}" for n in range(len(texts))], "on_hand": "1"})
    frame[name] = texts
    held = io.StringIO()
    frame.to_csv(held, index=False)
    return read(stock=held.getvalue())


# --- the frames -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", INPUT_TABLES.values(), ids=INPUT_TABLES)
def test_every_table_comes_with_all_its_columns_in_their_types(table: object) -> None:
    contract = INPUT_TABLES[table.name]  # type: ignore[attr-defined]
    examples = {
        "id": "00012",
        "text": "x",
        "date": "2025-01-02",
        "flag": "yes",
        "share": "0.5",
        "integer": "3",
        "fraction": "0.5",
    }
    row = {c.name: c.choices[0].upper() if c.choices else examples.get(c.kind, "1.5") for c in contract.columns}
    only = {c: row[c] for c in contract.required_names}
    for given_row in (row, only):
        result = read(
            **{contract.name: ",".join(given_row) + "\n" + ",".join(f'"{v}"' for v in given_row.values()) + "\n"}
        )
        frame = result.frames[contract.name]
        assert tuple(frame.columns) == contract.names
        assert result.rows[contract.name] == {"read": 1, "accepted": 1, "rejected": 0}
        for c in contract.columns:
            kind = {"id": "object", "text": "object", "date": "datetime64[s]"}.get(c.kind, "float64")
            assert str(frame[c.name].dtype) == kind
            value = frame[c.name].iat[0]
            assert pd.isna(value) == (c.name not in given_row)
            if c.name not in given_row and kind == "object":
                assert value is None
    assert tuple(result.rejected.columns) == RESULT_TABLES["rejected"].names


def test_flags_and_shares_are_numbers() -> None:
    result = read(
        availability="date,item_id,in_stock\n"
        + "".join(
            f"2025-01-{n:02},A,{text}\n"
            for n, text in enumerate(["True", "no", "1", "0.0", "0.25", "Y", "1.5", "maybe"], 1)
        )
    )
    assert result.frames["availability"]["in_stock"].tolist() == [1.0, 0.0, 1.0, 0.0, 0.25, 1.0]
    assert [value for *_, value in faults(result)] == ["1.5", "maybe"]


def test_identifiers_are_kept_to_the_letter_but_for_spaces_around() -> None:
    ids = ["00012", " 1E5 ", "NA", "1-2", "12", "na"]
    frame = read(stock="item_id,on_hand\n" + "".join(f"{i},1\n" for i in ids)).frames["stock"]
    assert frame["item_id"].tolist() == sorted(i.strip() for i in ids)


def test_two_spellings_are_said_and_kept_apart() -> None:
    result = read(stock=STOCK, sales="date,item_id,quantity\n2025-01-01,a,1\n2025-01-01,B,1\n")
    assert any("'A' and 'a'" in note for note in result.notes)
    assert not any("'B'" in note for note in result.notes)


# --- numbers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "values"),
    [
        (["1", "-2", "+3", "4.5", ".5", "5.", "1e3", "1E5"], [1, -2, 3, 4.5, 0.5, 5, 1000, 100000]),
        (["1,234", "1,234,567", "12"], [1234, 1234567, 12]),
        (["1.234,5", "1.234", "12,5"], [1234.5, 1234, 12.5]),
        (["1 234,5", "1\u00a0234,25", "1'234"], [1234.5, 1234.25, 1234]),
        (["-0", "(5)", "5-", "\u22127"], [0, -5, -5, -7]),
    ],
)
def test_numbers_are_read_as_the_whole_column_writes_them(texts: list[str], values: list[float]) -> None:
    result = column(texts)
    assert result.frames["stock"]["on_hand"].tolist() == values
    assert np.signbit(result.frames["stock"]["on_hand"]).tolist() == [v < 0 for v in values]


def test_money_may_carry_a_sign_and_units_may_not() -> None:
    costs = column(["$1,234.50", "12.00 €", "EUR 3", "£.5"], "unit_cost").frames["stock"]["unit_cost"]
    assert costs.tolist() == [1234.5, 12, 3, 0.5]
    costs = column(["12,50 €", "€ 1.234", "7"], "unit_cost").frames["stock"]["unit_cost"]
    assert costs.tolist() == [12.5, 1234, 7]
    assert faults(column(["$5", "1"])) == [("stock0.csv", 2, "on_hand", "$5")]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "NaN",
        "inf",
        "-Infinity",
        "9" * 400,
        "1e999",
        "0x10",
        "1_000",
        "not stocked",
        "N/A - From RDC",
        "1.2.3",
        "--5",
        "٣",
        "1e13",
    ],
)
def test_what_is_no_number_is_rejected(text: str) -> None:
    assert faults(column([text, "1"])) == [("stock0.csv", 2, "on_hand", text[:200])]


def test_the_file_decides_where_the_column_does_not() -> None:
    result = read(stock="item_id;on_hand;unit_cost\nA;1.234;2,50\n")
    assert result.frames["stock"]["on_hand"].tolist() == [1234]
    result = read(stock="item_id;on_hand\nA;1,234\n")
    assert result.frames["stock"]["on_hand"].tolist() == [1234]
    assert any("was read as 1234" in note for note in result.notes)


def test_the_minority_style_of_a_column_is_rejected_and_not_misread() -> None:
    result = column(["1,5", "2,5", "3.75"])
    assert faults(result) == [("stock0.csv", 4, "on_hand", "3.75")]


def test_bounds_are_kept() -> None:
    result = read(items="item_id,unit_cost,order_multiple,lead_time_days\nA,-1,1,1\nB,1,0,1\nC,1,1,1096\nD,0,0.5,0\n")
    assert [(row, name) for _, row, name, _ in faults(result)] == [
        (2, "unit_cost"),
        (3, "order_multiple"),
        (4, "lead_time_days"),
    ]
    assert all("must be" in reason for reason in result.rejected["reason"])
    assert faults(read(locations="location_id,priority\nA,1.5\nB,1\n")) == [("locations0.csv", 2, "priority", "1.5")]


def test_only_a_rows_first_fault_is_told_and_its_value_is_cut() -> None:
    result = read(stock=f"item_id,on_hand,unit_cost\nA,{'x' * 500},y\nB,1,1\n")
    assert faults(result) == [("stock0.csv", 2, "on_hand", "x" * 200)]


@given(st.lists(st.floats(-1e9, 1e9).map(lambda x: round(x, 3)), min_size=1, max_size=20), st.sampled_from(".,"))
def test_a_number_written_in_either_style_reads_back(values: list[float], sign: str) -> None:
    # A cell with one decimal, which can only be read one way, tells the style of all others.
    texts = [f"{value:,.3f}" for value in [0.5, *values]]
    if sign == ",":
        texts = [text.translate(str.maketrans(",.", ".,")) for text in texts]
    assert cells.decimal_sign(texts) == sign
    assert [cells.number(text, sign) for text in texts] == [0.5, *values]


# --- dates ------------------------------------------------------------------------------------------------------


def dates(texts: list[str], mapping: Mapping[str, Mapping[str, str]] | None = None) -> Import:
    held = io.StringIO()
    pd.DataFrame({"date": texts, "item_id": "A", "quantity": 1}).to_csv(held, index=False)
    return read(mapping, sales=held.getvalue())


@pytest.mark.parametrize(
    "text",
    [
        "2026-09-03",
        "2026-9-3",
        "2026/09/03",
        "20260903",
        "03.09.2026",
        "3.9.26",
        "2026-09-03 10:14:00 -0400",
        "2026-09-03T23:59:59.999Z",
        "2026-09-03 00:00:00+14:00",
        "3-Sep-2026",
        "3 September 2026",
        "Sep 3, 2026",
        "03.09.2026 14:30",
        " 2026-09-03 ",
    ],
)
def test_dates_are_cut_to_the_local_day(text: str) -> None:
    assert dates([text]).frames["sales"]["date"].tolist() == [pd.Timestamp(2026, 9, 3)]


@pytest.mark.parametrize(
    "text", ["", "2026-02-30", "yesterday", "0026-01-01", "9999-12-31", "2026-13-01", "1-2", "45000"]
)
def test_what_is_no_date_is_rejected(text: str) -> None:
    assert faults(dates([text, "2026-01-01"])) == [("sales0.csv", 2, "date", text)]


def test_day_and_month_are_decided_over_the_whole_column() -> None:
    day_first = dates(["03/04/2025", "25/04/2025", "01/01/2025"]).frames["sales"]["date"]
    assert sorted(day_first) == [pd.Timestamp(2025, 1, 1), pd.Timestamp(2025, 4, 3), pd.Timestamp(2025, 4, 25)]
    month_first = dates(["03/04/2025", "04/25/2025 10:00 AM"]).frames["sales"]["date"]
    assert sorted(month_first) == [pd.Timestamp(2025, 3, 4), pd.Timestamp(2025, 4, 25)]
    assert dates(["01/01/2025"]).frames["sales"]["date"].tolist() == [pd.Timestamp(2025, 1, 1)]


def test_ambiguous_dates_are_asked_about_and_can_be_said() -> None:
    with pytest.raises(InputError, match=r"sales0\.csv, row 3, column 'date': '03/04/2025' could be .* or map"):
        dates(["01/01/2025", "03/04/2025"])
    said = dates(["01/01/2025", "03/04/2025"], {"sales": {"date": "date:mm/dd/yyyy"}})
    assert said.frames["sales"]["date"].max() == pd.Timestamp(2025, 3, 4)
    with pytest.raises(InputError, match="dd/mm/yyyy or mm/dd/yyyy"):
        dates(["03/04/2025"], {"sales": {"date": "date:ymd"}})


def test_ambiguous_headings_of_a_wide_table_are_asked_about() -> None:
    with pytest.raises(InputError, match=r"row 1, column '03/04/2025': .* write the dates as yyyy-mm-dd$"):
        read(sales="item,03/04/2025,10/04/2025\nA,1,2\n")
    result = read(sales="item,03/04/2025,17/04/2025\nA,1,2\n")
    assert result.frames["sales"]["date"].tolist() == [pd.Timestamp(2025, 4, 3), pd.Timestamp(2025, 4, 17)]


def test_mixed_orders_are_asked_about_unless_said() -> None:
    with pytest.raises(InputError, match="mixes"):
        dates(["13/01/2025", "01/13/2025"])
    said = dates(["13/01/2025", "01/13/2025"], {"sales": {"date": "date:dd/mm/yyyy"}})
    assert faults(said) == [("sales0.csv", 3, "date", "01/13/2025")]


def test_another_date_column_of_the_file_tells_the_order() -> None:
    result = read(receipts="item_id,ordered_on,received_on,quantity\nA,03/04/2025,25/04/2025,1\n")
    assert result.frames["receipts"]["ordered_on"].tolist() == [pd.Timestamp(2025, 4, 3)]


def test_serial_numbers_are_dates_only_where_the_whole_column_is_such() -> None:
    result = dates(["45658", "45659.5"])
    assert result.frames["sales"]["date"].tolist() == [pd.Timestamp(2025, 1, 1), pd.Timestamp(2025, 1, 2)]
    assert any("serial" in note for note in result.notes)
    assert "serial number" in dates(["45658", "2025-01-02"]).rejected["reason"].iat[0]


def test_dates_in_the_wrong_order_are_rejected() -> None:
    result = read(
        receipts="item_id,ordered_on,received_on,quantity\nA,2025-02-01,2025-01-01,1\nA,2025-01-01,2025-01-01,1\n"
    )
    assert faults(result) == [("receipts0.csv", 2, "received_on", "2025-01-01")]


@given(
    st.lists(
        st.dates(min_value=pd.Timestamp(1900, 1, 1).date(), max_value=pd.Timestamp(2199, 12, 31).date()), min_size=1
    )
)
def test_a_date_reads_back_from_every_form(days: list) -> None:  # type: ignore[type-arg]
    for form, order in (("%Y-%m-%d", None), ("%d.%m.%Y", None), ("%d/%m/%Y", "dd/mm/yyyy"), ("%m/%d/%Y", "mm/dd/yyyy")):
        texts = [d.strftime(form) for d in days]
        assert cells.date_order(texts) in (order, None)
        assert [cells.day(text, order) for text in texts] == [(d - pd.Timestamp(0).date()).days for d in days]


# --- rows -------------------------------------------------------------------------------------------------------


TOTALS = ["TOTAL", "total", "Grand Total", "Total:", " TOTALS ", "Total for Widgets", "Gesamtsumme", "Summe:"]


@pytest.mark.parametrize("text", TOTALS)
def test_a_total_is_no_row(text: str) -> None:
    result = read(stock=f"item_id,on_hand\nA,1\n{text},1\n")
    assert faults(result) == [("stock0.csv", 3, "item_id", text)]
    assert "total" in result.rejected["reason"].iat[0]


def test_a_total_in_a_column_that_is_not_used_is_a_total_too() -> None:
    result = read(stock="Group,item_id,on_hand\nx,A,1\nTOTAL,,1\n")
    assert faults(result) == [("stock0.csv", 3, "Group", "TOTAL")]


def test_a_total_where_the_item_should_stand_is_a_total() -> None:
    result = read(stock="Group,item_id,on_hand\nx,A,1\n,Total,1\n")
    assert faults(result) == [("stock0.csv", 3, "item_id", "Total")]
    assert "total" in result.rejected["reason"].iat[0]


@pytest.mark.parametrize("item", ["Totally", "TOTAL-5", "total 0.5 l", "Subtotalizer"])
def test_an_item_that_only_begins_like_a_total_is_an_item(item: str) -> None:
    assert read(stock=f"item_id,on_hand\n{item},1\n").rows["stock"]["accepted"] == 1


def test_ragged_rows_count_as_rejected_and_show_no_personal_data() -> None:
    result = read(stock="item_id,on_hand,email\nA,1,a@b.c\nB,2\nC,3,d@e.f,x\n")
    assert result.rows["stock"] == {"read": 3, "accepted": 1, "rejected": 2}
    assert [(row, value) for _, row, _, value in faults(result)] == [(3, "2 cells"), (4, "4 cells")]


def test_a_header_that_stands_again_is_rejected() -> None:
    result = read(stock=STOCK + "item_id,on_hand\nB,2\n")
    assert faults(result) == [("stock0.csv", 3, "on_hand", "on_hand")]
    assert result.rejected["reason"].iat[0] == "the header again, not a row of data; leave it out"


def test_a_header_that_stands_again_is_rejected_where_every_cell_is_text() -> None:
    result = read(stock=STOCK, locations="Store,location_name\nA,Abbey\nStore,location_name\n")
    assert faults(result) == [("locations0.csv", 3, "Store", "Store")]


def test_the_fault_of_a_wide_table_stands_at_its_cell() -> None:
    result = read(sales="Store,Product,2024-01-01,2024-01-08\nS1,A,1,x\nS1,,2,\nTOTAL,,3,4\n")
    assert result.rows["sales"] == {"read": 5, "accepted": 1, "rejected": 4}
    assert faults(result) == [
        ("sales0.csv", 2, "2024-01-08", "x"),
        ("sales0.csv", 3, "2024-01-01", ""),
        ("sales0.csv", 4, "2024-01-01", "TOTAL"),
        ("sales0.csv", 4, "2024-01-08", "TOTAL"),
    ]
    assert result.rejected["reason"].iat[1].startswith("Product is empty")


# --- rows that repeat -------------------------------------------------------------------------------------------


def test_an_identical_row_counts_once_and_is_said() -> None:
    result = read(stock="item_id,on_hand\nA,1\nB,2\nA, 1.0\n")
    assert result.rows["stock"] == {"read": 3, "accepted": 3, "rejected": 0}
    assert result.frames["stock"]["on_hand"].tolist() == [1, 2]
    assert "stock: 1 rows repeat another row exactly and count once" in result.notes


def test_the_same_key_with_another_value_is_rejected() -> None:
    result = read(stock="item_id,location_id,Stock\nA,X,1\nA,Y,1\nA,X,7\nA,X,1\n")
    assert faults(result) == [("stock0.csv", 4, "Stock", "7")]
    reason = result.rejected["reason"].iat[0]
    assert "row 2 of stock0.csv with 1" in reason
    assert "keep one" in reason


def test_lots_are_told_apart() -> None:
    result = read(stock="item_id,on_hand,lot_id\nA,1,L1\nA,2,L2\nA,3,\n")
    assert result.frames["stock"]["on_hand"].tolist() == [1, 2, 3]


def test_sales_without_an_order_all_count_and_lines_of_an_order_once() -> None:
    result = read(
        sales=(
            "date,item_id,quantity,order_id\n2025-01-01,A,1,\n2025-01-01,A,1,\n2025-01-01,A,1,O1\n2025-01-01,A,1,O1\n"
            "2025-01-01,A,2,O1\n2025-01-01,B,2,O1\n"
        )
    )
    assert result.rows["sales"] == {"read": 6, "accepted": 5, "rejected": 1}
    assert faults(result) == [("sales0.csv", 6, "quantity", "2")]
    assert result.frames["sales"]["quantity"].sum() == 1 + 1 + 1 + 2


def test_later_sales_replace_earlier_ones_of_their_locations_and_dates() -> None:
    head = "date,item_id,quantity,location_id\n"
    first = head + "2025-01-01,A,1,X\n2025-01-02,A,2,X\n2025-01-02,A,3,Y\n2025-01-05,A,4,X\n"
    second = head + "2025-01-02,A,20,X\n2025-01-03,B,30,X\n"
    result = read(sales=[first, second])
    assert sorted(result.frames["sales"]["quantity"]) == [1, 3, 4, 20, 30]
    assert result.rows["sales"] == {"read": 6, "accepted": 6, "rejected": 0}
    assert any("1 rows of sales0.csv were replaced by sales1.csv" in note for note in result.notes)


def test_later_sales_without_locations_replace_as_well() -> None:
    result = read(sales=[SALES, SALES.replace("A,1", "A,5")])
    assert result.frames["sales"]["quantity"].tolist() == [5]


def test_files_of_other_tables_add_up() -> None:
    result = read(stock=[STOCK, "sku,on_hand\nA,1\nB,2\nA,3\n"])
    assert result.frames["stock"]["item_id"].tolist() == ["A", "B"]
    assert faults(result) == [("stock1.csv", 4, "on_hand", "3")]


# --- what makes an import impossible ----------------------------------------------------------------------------


def test_all_faults_are_told_at_once_one_line_each() -> None:
    with pytest.raises(InputError) as fault:
        read(sales="date,item_id\n2025-01-01,A\n", stock="", items="item_id,item_id\nA,B\n", lanes='source_id,"\n')
    assert [line.split(".csv")[0] for line in str(fault.value).splitlines()] == ["sales0", "stock0", "items0", "lanes0"]


def test_a_required_table_of_which_nothing_is_left_is_refused_with_its_faults() -> None:
    with pytest.raises(InputError) as fault:
        read(stock="item_id,on_hand\nA,x\n,1\n", sales=SALES)
    message = str(fault.value)
    assert "stock0.csv, row 2, column 'on_hand', value 'x': is not a number" in message
    assert "stock0.csv, row 3, column 'item_id', value '': is empty" in message


def test_a_header_alone_is_an_empty_table() -> None:
    assert read(stock="item_id,on_hand\n", sales=SALES).rows["stock"] == {"read": 0, "accepted": 0, "rejected": 0}
    result = read(stock=STOCK, open_orders="item_id,quantity,due_on\n")
    assert result.rows["open_orders"] == {"read": 0, "accepted": 0, "rejected": 0}
    assert list(result.frames["open_orders"].columns) == list(INPUT_TABLES["open_orders"].names)


@pytest.mark.parametrize(
    "mapping",
    [
        {"sale": {}},
        {"stock": {"x": "onhand"}},
        {"stock": ["x"]},
        {"stock": {"nowhere": "on_hand"}},
        {"stock": {"x": 5}},
        [],
    ],
)
def test_a_wrong_mapping_is_refused(mapping: dict) -> None:  # type: ignore[type-arg]
    with pytest.raises(InputError, match="mapping"):
        read(mapping, stock=STOCK)


def test_an_unknown_table_is_refused() -> None:
    with pytest.raises(InputError, match="no table"):
        read(stocks=STOCK)


# --- laws -------------------------------------------------------------------------------------------------------

TEXT = st.sampled_from(["A", "B", "00A", " A", "", "TOTAL", "x,y", 'a"b', "=1+1", "é"])
NUMBER = st.sampled_from(["1", "2.5", "-3", "1,234", "", "x", "NaN", "1e5"])
DAY = st.sampled_from(["2025-01-01", "2025-01-02 10:00", "31.12.2024", "", "45000", "never"])
SALE = st.tuples(DAY, TEXT, NUMBER, TEXT, NUMBER, TEXT)
NAMES = ["date", "item_id", "quantity", "location_id", "unit_price", "order_id"]


def sales_file(rows: list[tuple[str, ...]]) -> Source:
    held = io.StringIO()
    pd.DataFrame(rows, columns=NAMES).to_csv(held, index=False)
    return Source("sales.csv", held.getvalue().encode())


@given(st.lists(SALE, max_size=30), st.lists(SALE, max_size=30))
def test_what_is_read_is_accepted_or_rejected(first: list[tuple[str, ...]], second: list[tuple[str, ...]]) -> None:
    good = ("2025-01-01", "Z", "1", "Z", "1", "Z")
    result = read_inputs({"sales": [sales_file([good, *first]), sales_file([good, *second])]})
    rows = result.rows["sales"]
    assert rows["read"] == rows["accepted"] + rows["rejected"]
    assert rows["read"] == 2 + sum(any(c.strip() for c in row) for row in first + second)
    assert rows["rejected"] == len(result.rejected)
    frame = result.frames["sales"]
    assert len(frame) <= rows["accepted"]
    assert frame[["date", "item_id", "quantity"]].notna().all(axis=None)
    order = ["order_id", "item_id"]
    pd.testing.assert_frame_equal(frame, frame.sort_values(order, kind="stable", ignore_index=True))
    orders = frame.dropna(subset="order_id")
    assert not orders.duplicated(order).any()


@given(st.lists(SALE, max_size=30), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_changes_nothing_that_is_kept(rows: list[tuple[str, ...]], random: object) -> None:
    unordered = [(*row[:-1], "") for row in rows] + [("2025-01-01", "Z", "1", "Z", "1", "")]
    shuffled = list(unordered)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = (read_inputs({"sales": [sales_file(r)]}) for r in (unordered, shuffled))
    pd.testing.assert_frame_equal(one.frames["sales"], other.frames["sales"])
    assert one.rows == other.rows


# --- size -------------------------------------------------------------------------------------------------------


def test_wide_files_of_480_by_912_cells_are_read_in_about_a_second() -> None:
    random = np.random.default_rng(0)
    days = pd.date_range("2022-01-03", periods=912).strftime("%Y-%m-%d")
    sold = pd.DataFrame(random.gamma(1, 5, (480, 912)).round(3), columns=days)
    on_shelf = pd.DataFrame(random.random((480, 912)) > 0.1, columns=days)
    for frame in (sold, on_shelf):
        frame.insert(0, "item_id", [f"I{n}" for n in range(480)])
    files = {"sales": sold, "availability": on_shelf}
    sources = {name: [Source(name, frame.to_csv(index=False).encode())] for name, frame in files.items()}
    started = time.perf_counter()
    result = read_inputs(sources)
    # Four times what it takes on two quiet cores: a guard against a change of order, not a stopwatch.
    assert time.perf_counter() - started < 6
    assert result.rows["sales"] == {"read": 437_760, "accepted": 437_760, "rejected": 0}


def test_real_transactions_are_all_accounted_for() -> None:
    folder = os.environ.get("STOCKCAST_DATA")
    if not folder:
        pytest.skip("STOCKCAST_DATA does not name a folder with real data")
    path = Path(folder) / "uci_online_retail" / "uci_online_retail.parquet"
    names = {"InvoiceNo": "order_id", "StockCode": "item_id", "Quantity": "quantity", "InvoiceDate": "date"}
    mapping = {"sales": {**names, "UnitPrice": "unit_price"}}
    result = read_inputs({"sales": [Source(path.name, path)]}, mapping)
    assert result.rows["sales"] == {"read": 541_909, "accepted": 536_351, "rejected": 5_558}
    negative = result.rejected["reason"].str.contains("at least 0")
    assert result.rejected.loc[negative, "value"].tolist() == ["-11062.06", "-11062.06"]


def test_a_pinned_service_target_is_a_fraction_and_units_are_never_negative() -> None:
    header = "pin_id,item_id,kind,value\n"
    targets = "a,I,service_target,0.97\nb,I,service_target,1\nc,I,service_target,97\n"
    result = read(pins=header + targets + "d,I,safety_stock,97\ne,I,safety_stock,-1\n")
    assert result.frames["pins"]["pin_id"].tolist() == ["a", "d"]
    assert result.rejected["row"].tolist() == [3, 4, 6]
    assert "write 0.95 for 95 %" in result.rejected["reason"].iloc[0]


def test_a_policy_is_written_as_the_contract_writes_it_whatever_the_case() -> None:
    result = read(items='item_id,policy\na,"r,S"\nb,MIN/MAX\nc,"s,q"\nd,"R,s,S"\ne,other\n')
    assert result.frames["items"]["policy"].tolist() == ["R,S", "min/max", "s,Q", "R,s,S"]
    assert "R,S; R,s,S; s,Q; min/max" in result.rejected["reason"].iloc[0]
