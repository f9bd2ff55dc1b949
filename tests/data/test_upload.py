"""Bytes become text to the letter, with the row numbers of a spreadsheet, or a message that says what to do."""

import csv
import io
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data import upload
from data.upload import Source, TextTable, read_text_table
from planning.errors import InputError


def read(text: str | bytes, name: str = "a.csv") -> TextTable:
    return read_text_table(Source(name, text.encode() if isinstance(text, str) else text))


def lines(table: TextTable) -> list[tuple[str | None, ...]]:
    return list(zip(*(column.to_pylist() for column in table.cells), strict=True))


PLAIN = "item_id;on_hand\n00012;1,5\nÄ-1;2\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_every_encoding_delimiter_and_line_ending_reads_alike(encoding: str, delimiter: str, ending: str) -> None:
    text = PLAIN.replace("1,5", '"1,5"' if delimiter == "," else "1,5").replace(";", delimiter).replace("\n", ending)
    table = read(text.encode(encoding))
    assert table.columns == ("item_id", "on_hand")
    assert lines(table) == [("00012", "1,5"), ("Ä-1", "2")]
    assert any("cp1252" in note for note in table.notes) == (encoding == "cp1252")


def test_identifiers_stay_to_the_letter() -> None:
    ids = ["00012", "1E5", "NA", "1-2", "#N/A", "null", "None", "NaN", "TRUE", "2024-01-01", "+5", "=1+1"]
    table = read("item_id,on_hand\n" + "".join(f"{i},1\n" for i in ids))
    assert table.cells[0].to_pylist() == ids


def test_rows_are_numbered_as_a_spreadsheet_shows_them() -> None:
    table = read('a,b\n1,"two\nlines"\n\n , \n2,x\n,,\n3,y\n')
    # Row 2 spans two lines of the file, rows 3, 4 and 6 are blank.
    assert lines(table) == [("1", "two\nlines"), ("2", "x"), ("3", "y")]
    assert table.rows.tolist() == [2, 5, 7]


def test_a_blank_line_above_the_header_shifts_the_numbers_and_is_said() -> None:
    table = read("\na,b\n1,2\n")
    assert table.rows.tolist() == [3]
    assert any("row 2" in note for note in table.notes)


@pytest.mark.parametrize("text", ["a,b,\n1,2,\n", "a,b\n1,2,\n", "a,b,\n1,2\n", "a,b,,\n1,2,,,,\n"])
def test_a_trailing_delimiter_shifts_nothing(text: str) -> None:
    table = read(text)
    assert table.columns == ("a", "b")
    assert lines(table) == [("1", "2")]
    assert not table.broken


def test_ragged_rows_are_set_aside_with_their_number() -> None:
    table = read("a,b,c\n1,2,3\n1,2\n\n1,2,3,4\n4,5,6\n")
    assert lines(table) == [("1", "2", "3"), ("4", "5", "6")]
    assert [(b.row, b.cells, b.expected) for b in table.broken] == [(3, 2, 3), (5, 4, 3)]


def test_a_declared_delimiter_is_no_row() -> None:
    table = read("sep=;\na;b,c\n1;2,5\n")
    assert table.columns == ("a", "b,c")
    assert table.rows.tolist() == [2]


def test_the_delimiter_is_decided_on_the_header_and_checked_below() -> None:
    assert read("a;b\n1,5;2,5\n2,5;3,5\n").columns == ("a", "b")
    assert read("a, in units|b, in units\n1|2\n3|4\n").columns == ("a, in units", "b, in units")


NO_TABLES = {
    "empty": b"",
    "only spaces": b" \r\n \n",
    "only delimiters": b",,,\n,,,\n",
    "image": b"\x89PNG\r\n\x1a\n" + bytes(100),
    "photo": b"\xff\xd8\xff\xe0" + bytes(100),
    "workbook": b"PK\x03\x04" + bytes(100),
    "pickle": pickle.dumps({"a": [1, 2, 3]}),
    "NUL bytes": b"item_id,on_hand\nA\0B,1\n",
    "torn quote": b'item_id,on_hand\n"A,1\nB,2\n',
    "text after a quote": b'item_id,on_hand\n"A" b,1\nB,2\n',
    "10,000 columns": (",".join(f"c{n}" for n in range(10_000)) + "\n").encode(),
    "not Parquet": b"PAR1" + bytes(100) + b"PAR1",
    "no known encoding": b"item_id\n\x81\x8d\n",
    "control characters": b"item\x01_id,b\n1,2\n",
}


@pytest.mark.parametrize("payload", NO_TABLES.values(), ids=NO_TABLES)
def test_what_is_no_table_is_refused_by_name_with_a_remedy(payload: bytes) -> None:
    with pytest.raises(InputError, match=r"^stock\.csv ") as fault:
        read(payload, "stock.csv")
    message = str(fault.value)
    assert "\n" not in message
    assert any(word in message for word in ("save", "export", "close", "bring", "write"))


def test_a_torn_quote_is_told_with_its_row() -> None:
    with pytest.raises(InputError, match="row 3"):
        read('a,b\n1,2\n"3,4\n5,"6"\n')


def test_an_inch_sign_inside_a_cell_is_no_torn_quote() -> None:
    assert lines(read('a,b\n10" plate,2\n"10"" plate",3\n')) == [('10" plate', "2"), ('10" plate', "3")]


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.csv"):
        with pytest.raises(InputError, match="check the path"):
            read_text_table(Source(path.name, path))


def test_only_the_base_name_is_shown() -> None:
    assert Source("../../e<b>\n.csv", b"").name == "e<b> .csv"
    assert Source("C:\\data\\sales.csv", b"").name == "sales.csv"


def parquet(frame: pd.DataFrame | pa.Table) -> bytes:
    held = io.BytesIO()
    pq.write_table(frame if isinstance(frame, pa.Table) else pa.Table.from_pandas(frame), held)
    return held.getvalue()


def test_parquet_becomes_text(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "item_id": ["00012", None, "NA"],
            "quantity": [1.5, None, -2.0],
            "date": pd.to_datetime(["2025-01-02 10:00", None, "2025-03-04 00:00"]),
            "in_stock": [True, None, False],
        }
    )
    path = tmp_path / "odd [1]*.parquet"
    path.write_bytes(parquet(frame))
    table = read_text_table(Source(path.name, path))
    assert lines(table) == [
        ("00012", "1.5", "2025-01-02 10:00:00", "true"),
        ("NA", "-2.0", "2025-03-04 00:00:00", "false"),
    ]
    assert table.rows.tolist() == [2, 4]


@pytest.mark.parametrize(
    "table",
    [
        pa.table(
            {"a": pa.array(np.zeros(50_000_000, dtype=np.int8)), "b": pa.nulls(50_000_000), "c": pa.nulls(50_000_000)}
        ),
        pa.table({f"c{n}": [1] for n in range(5_000)}),
        pa.table({"a": pa.DictionaryArray.from_arrays(pa.array(np.zeros(20_000, dtype=np.int32)), ["x" * 100_000])}),
    ],
    ids=["rows", "columns", "text"],
)
def test_a_small_parquet_file_that_unpacks_to_too_much_is_refused_unread(table: pa.Table) -> None:
    payload = parquet(table)
    assert len(payload) < 2_000_000
    with pytest.raises(InputError, match="would unpack to"):
        read(payload, "a.parquet")


def test_a_large_text_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload, "MAX_BYTES", 10)
    with pytest.raises(InputError, match="more than 10"):
        read("a,b\n1,2\n3,4\n")


CELL = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=8)


@given(
    st.lists(st.lists(CELL, min_size=2, max_size=4), max_size=20), st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL])
)
def test_every_row_that_is_written_is_read_or_told(rows: list[list[str]], quoting: int) -> None:
    held = io.StringIO()
    writer = csv.writer(held, quoting=quoting)
    writer.writerows([["a", "b", "c"], *rows])
    table = read(held.getvalue())
    full = {n: row for n, row in enumerate(rows, 2) if any(cell.strip() for cell in row)}
    whole = {n: row for n, row in full.items() if len(row) == 3 or (len(row) > 3 and not row[3].strip())}
    assert table.rows.tolist() == list(whole)
    assert lines(table) == [tuple(row[:3]) for row in whole.values()]
    assert [b.row for b in table.broken] == [n for n in full if n not in whole]


@given(st.binary(max_size=200))
def test_no_bytes_cause_anything_but_a_table_or_an_input_error(payload: bytes) -> None:
    try:
        table = read(payload)
    except InputError:
        return
    assert len(table.rows) == len(lines(table))
