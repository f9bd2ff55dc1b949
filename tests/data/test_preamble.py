"""The table is found below its titles, and its delimiter by the header that it makes."""

import pytest

from data.preamble import delimiter_of, header_at
from data.upload import Source, read_text_table

TITLES = ["My Company", "Sales by Product/Service Detail", "January - March, 2025", ""]
QUICKBOOKS = [
    *(f'"{title}",,,,' for title in TITLES),
    ",Transaction date,Transaction type,Quantity,Amount",
    "Widget,,,,",
    ",2025-01-02,Invoice,3,30.00",
    "Total for Widget,,,3,30.00",
    "TOTAL,,,3,30.00",
]


def test_the_header_is_found_below_titles_and_a_blank_row() -> None:
    table = read_text_table(Source("a.csv", "\n".join(QUICKBOOKS).encode()))
    assert table.columns == ("", "Transaction date", "Transaction type", "Quantity", "Amount")
    assert table.rows.tolist() == [6, 7, 8, 9]
    assert table.notes == ("a.csv: the header was found in row 5; the rows above it are no data",)


@pytest.mark.parametrize(
    ("rows", "header"),
    [
        ([["item_id", "on_hand"], ["A", "1"]], 0),
        ([["Artikel", "Bestand"], ["A", "1"]], 0),
        ([["Stock"], ["item_id", "on_hand"], ["A", "1"]], 1),
        ([["Stock of", "Monday"], [], ["Artikel", "Lager", "Bestand", "Preis"], ["A", "B", "1", "2"]], 2),
        (
            [
                ["Report"],
                ["Printed", "today"],
                ["Code", "Name", "2025-01-01", "2025-01-02", "2025-01-03"],
                list("abcde"),
            ],
            2,
        ),
        ([["item"], ["A"], ["B"]], 0),
        ([["item_id", ""], ["A", "1"], ["B", "2"]], 0),
        ([["a", "b", "c"], ["1", "2"], ["1", "2", "3", "4", "5", "6", "7"]], 0),
        ([["Article", "Menge"], ["item", "quantity"]], 0),
        ([[], ["", " "]], None),
    ],
)
def test_which_row_is_the_header(rows: list[list[str]], header: int | None) -> None:
    assert header_at(rows) == header


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_titles_do_not_hide_the_delimiter(delimiter: str) -> None:
    rows = [["Stock"], [""], ["Artikel", "Lager", "Bestand"], ["A", "B", "1"], ["C", "D", "2"]]
    assert delimiter_of([delimiter.join(row) + "\n" for row in rows]) == (delimiter, 2)


def test_decimal_commas_are_no_delimiter_below_a_title() -> None:
    lines = ["Stock, all stores\n", "\n", "item;qty\n", "A;1,5\n", "B;2,5\n", "C;3,5\n"]
    assert delimiter_of(lines) == (";", 2)
