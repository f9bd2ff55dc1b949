"""Workbooks become text as it is shown, with the rows of the sheet, whatever stands around the table."""

from datetime import date, datetime
from pathlib import Path

import pytest

from data import workbook
from data.read import read_inputs
from data.upload import Source, TextTable, read_text_table
from planning.errors import InputError
from tests.data.workbooks import ods, ods_row, xlsx

ROWS = [["item_id", "on_hand", "as_of"], ["00012", 12, date(2025, 1, 2)], ["A", 0.1 + 0.2, date(2025, 1, 3)]]


def read(payload: bytes, sheet: str | None = None) -> TextTable:
    return read_text_table(Source("a.xlsx", payload, sheet))


def lines(table: TextTable) -> list[tuple[str, ...]]:
    return list(zip(*(column.to_pylist() for column in table.cells), strict=True))


def test_numbers_dates_and_texts_are_as_shown() -> None:
    table = read(xlsx({"Data": ROWS}))
    assert table.columns == ("item_id", "on_hand", "as_of")
    assert lines(table) == [("00012", "12", "2025-01-02"), ("A", "0.3", "2025-01-03")]
    assert table.rows.tolist() == [2, 3]


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (12.0, "12"), (-0.5, "-0.5"), (1e15, "1000000000000000"), (1 / 3, "0.333333333333333"), (True, "TRUE"),
        (datetime(2025, 1, 2, 3, 4), "2025-01-02 03:04:00"), (datetime(2025, 1, 2), "2025-01-02"),  # noqa: DTZ001
        (" a ", " a "), (None, ""), (7, "7"), (float("1e300"), "1e+300"),
    ],
)  # fmt: skip
def test_each_kind_of_cell_has_one_text(cell: object, text: str) -> None:
    assert workbook._text(cell) == text


def test_the_sheet_with_the_most_known_headings_is_read_and_the_others_are_said() -> None:
    payload = xlsx({"Read me": [["How to use this"]], "Stock": ROWS, "Prices": [["item_id", "colour"], ["A", "red"]]})
    table = read(payload)
    assert table.columns == ("item_id", "on_hand", "as_of")
    assert any("'Stock'" in note and "'Prices'" in note for note in table.notes)
    assert read(payload, "prices").columns == ("item_id", "colour")
    with pytest.raises(InputError, match=r"^a\.xlsx has no sheet 'Other'; its sheets are 'Read me', 'Stock', 'Prices'"):
        read(payload, "Other")


def test_titles_blank_rows_and_columns_keep_the_numbers_of_the_sheet() -> None:
    shifted = [[None, *row] for row in ROWS]
    rows = [["Stock of Monday"], [], [None, "Printed", date(2025, 1, 6)], [], shifted[0], shifted[1], [], shifted[2]]
    table = read(xlsx({"Data": rows}))
    assert table.columns == ("", "item_id", "on_hand", "as_of")
    assert table.rows.tolist() == [6, 8]
    assert any("row 5" in note for note in table.notes)


def test_cells_beside_the_table_are_left_out_and_said() -> None:
    table = read(xlsx({"Data": [ROWS[0], [*ROWS[1], None, "checked by me"], ROWS[2]]}))
    assert len(lines(table)) == 2
    assert any("to the right" in note and "1 rows" in note for note in table.notes)


def test_an_open_document_reads_alike() -> None:
    payload = ods(ods_row("item_id", "on_hand") + ods_row("00012", 12) + ods_row("A", 1.5))
    table = read(payload)
    assert lines(table) == [("00012", "12"), ("A", "1.5")]


def test_an_old_workbook_reads_alike() -> None:
    statsmodels = pytest.importorskip("statsmodels")
    found = sorted(Path(statsmodels.__file__).parent.rglob("test_spec.xls"))
    if not found:
        pytest.skip("no old workbook on this machine")
    table = read(found[0].read_bytes())
    assert table.columns[:3] == ("Model", "SeriesID", "SeriesName")
    assert len(table.rows) == 5


def test_a_workbook_that_takes_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "SECONDS", 0)
    with pytest.raises(InputError, match="takes longer to read"):
        read(xlsx({"Data": ROWS}))


def test_a_child_that_dies_is_told_as_a_damaged_workbook(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook.sys, "executable", "/bin/false")
    with pytest.raises(InputError, match="damaged workbook"):
        read(xlsx({"Data": ROWS}))


def test_a_workbook_is_imported_with_its_row_numbers() -> None:
    rows = [["Stock"], [], ["item_id", "on_hand"], ["A", 1], ["B", "none"], ["TOTAL", 1]]
    result = read_inputs({"stock": [Source("a.xlsx", xlsx({"Data": rows}))]})
    assert result.rows["stock"] == {"read": 3, "accepted": 1, "rejected": 2}
    assert result.rejected["row"].tolist() == [5, 6]
