"""What nobody should bring: each thing is told by name within ten seconds, in little memory, and harms nobody."""

import io
import pickle
import resource
import time
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter

from data.read import Import, read_inputs
from data.upload import Source
from planning.errors import InputError
from tests.data.workbooks import ods, ods_row, packed, with_part, xlsx

SECONDS = 10
MEGABYTES = 700
HEAD = "item_id,on_hand\n"


def far_corners() -> bytes:
    held = io.BytesIO()
    book = xlsxwriter.Workbook(held, {"in_memory": True})
    sheet = book.add_worksheet()
    sheet.write("A1", "item_id")
    sheet.write("XFD1048576", "x")
    book.close()
    return held.getvalue()


def hidden_corners() -> bytes:
    """The same, where no look at the cells finds it: attributes in a spelling that only the parser reads."""
    sheet = (
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        '<row r="1"><c t="str" r = "A1"><v>a</v></c></row>'
        '<row r = "1048576"><c t="str" r = "XFD1048576"><v>a</v></c></row>'
        "</sheetData></worksheet>"
    )
    return with_part(xlsx({"Data": [["item_id"]]}), "xl/worksheets/sheet1.xml", sheet.encode())


def entities() -> bytes:
    lines = ['<!ENTITY a0 "aaaaaaaaaa">', *(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))]
    sheet = (
        f"<?xml version='1.0'?><!DOCTYPE w [{''.join(lines)}]>"
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        '<row r="1"><c r="A1" t="inlineStr"><is><t>&a9;</t></is></c></row></sheetData></worksheet>'
    )
    return with_part(xlsx({"Data": [["item_id"]]}), "xl/worksheets/sheet1.xml", sheet.encode())


def repeated_cells() -> bytes:
    wide = '<table:table-cell table:number-columns-repeated="16384" office:value-type="float" office:value="1"/>'
    return ods(ods_row("item_id") + f'<table:table-row table:number-rows-repeated="1048576">{wide}</table:table-row>')


def many_rows() -> bytes:
    held = io.BytesIO()
    rows = 50_000_000
    pq.write_table(pa.table({"item_id": pa.nulls(rows, pa.string()), "on_hand": np.zeros(rows, dtype=np.int8)}), held)
    return held.getvalue()


def lying_archive() -> bytes:
    """A part that claims to be small and is not."""
    honest = bytearray(packed({"a.csv": HEAD + "A,1\n" * 20_000_000}))
    at = honest.rindex(b"PK\x01\x02")
    honest[at + 24 : at + 28] = (1000).to_bytes(4, "little")
    return bytes(honest)


REFUSED = {
    "zip bomb": lambda: packed({"a.csv": b"0" * 300_000_000}),
    "zip in a zip": lambda: packed({"b.zip": packed({"a.csv": HEAD + "A,1\n"})}),
    "zip of 3,000 files": lambda: packed({f"{n}.csv": HEAD for n in range(3_000)}),
    "zip that lies": lying_archive,
    "zip without files": lambda: packed({}),
    "zip cut": lambda: packed({"a.csv": HEAD + "A,1\n" * 1000})[:60],
    "cells at A1 and XFD1048576": far_corners,
    "cells at A1 and XFD1048576, hidden": hidden_corners,
    "entity bomb": entities,
    "cells repeated 17 billion times": repeated_cells,
    "workbook cut": lambda: xlsx({"Data": [["item_id", "on_hand"], ["A", 1]]})[:-900],
    "old workbook of nothing": lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(5000),
    "empty workbook": lambda: xlsx({"Data": []}),
    "Parquet of 50 million rows": many_rows,
    "10,000 columns": lambda: (",".join(f"c{n}" for n in range(10_000)) + "\n" + "1," * 9_999 + "1\n").encode(),
    "10,000 columns in a workbook": lambda: xlsx({"Data": [[f"c{n}" for n in range(10_000)]]}),
    "400-digit number": lambda: (HEAD + "A," + "9" * 400 + "\n").encode(),
    "NUL bytes": lambda: b"item_id,on_hand\nA,1\0\n",
    "torn quote": lambda: (HEAD + '"A,1\n' + "B,2\n" * 100_000).encode(),
    "torn quote in 60 MB": lambda: (HEAD + "A,1\n" * 5 + '"' + "B,2\n" * 15_000_000).encode(),
    "pickle": lambda: pickle.dumps({"item_id": ["A"], "on_hand": [1]}),
    "image": lambda: b"\x89PNG\r\n\x1a\n" + bytes(1000),
    "empty file": lambda: b"",
    "one line of 100 MB": lambda: b"x" * 100_000_000,
    "delimiters only": lambda: b"," * 50_000_000,
}


@pytest.fixture(autouse=True)
def quick_and_small() -> Iterator[None]:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < MEGABYTES * 1024, f"{grown // 1024} MB more than before"


def read(payload: bytes, name: str = "stock.csv") -> Import:
    began = time.perf_counter()
    try:
        return read_inputs({"stock": [Source(name, payload)]})
    finally:
        assert time.perf_counter() - began < SECONDS


@pytest.mark.parametrize("kind", REFUSED)
def test_it_is_refused_in_a_few_words(kind: str) -> None:
    with pytest.raises(InputError) as fault:
        read(REFUSED[kind]())
    message = str(fault.value)
    assert message.startswith("stock.csv")
    assert len(message) < 1_000
    assert "Traceback" not in message


def test_a_header_alone_is_read_as_no_rows() -> None:
    assert read(HEAD.encode()).rows["stock"] == {"read": 0, "accepted": 0, "rejected": 0}


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "a" * 4096 + ".csv", "<b>x</b>.csv", "a\u202evsc.exe", "a\nb.csv"]
)
def test_a_name_is_only_shown_and_only_a_little_of_it(name: str) -> None:
    result = read((HEAD + "A,1\nB,x\n").encode(), name)
    shown = result.rejected["file"].iat[0]
    assert len(shown) <= 80
    assert not {"/", "\n", "\u202e"} & set(shown)


@pytest.mark.parametrize(
    "heading", ["'; DROP TABLE stock; --", "\"x\" FROM read_csv('/etc/passwd')", "=cmd|' /C calc'!A0"]
)
def test_a_heading_is_no_code(heading: str) -> None:
    quoted = heading.replace('"', '""')
    result = read(f'item_id,on_hand,"{quoted}"\nA,1,x\n'.encode())
    assert result.rows["stock"]["accepted"] == 1


def test_cells_with_formulas_are_text() -> None:
    result = read((HEAD + "=1+1,1\n@SUM(A1),2\n+A,3\n").encode())
    assert sorted(result.frames["stock"]["item_id"]) == ["+A", "=1+1", "@SUM(A1)"]


def test_a_formula_of_a_workbook_is_its_value() -> None:
    held = io.BytesIO()
    book = xlsxwriter.Workbook(held, {"in_memory": True})
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, ["item_id", "on_hand"])
    sheet.write_row(1, 0, ["A", 2])
    sheet.write_formula(1, 1, '=WEBSERVICE("http://127.0.0.1")', None, 7)
    book.close()
    assert read(held.getvalue()).frames["stock"]["on_hand"].tolist() == [7]


def test_members_of_an_archive_with_hostile_names_are_only_names() -> None:
    payload = packed({"../../evil.csv": HEAD + "A,1\n", "/etc/cron.d/x.csv": HEAD + "B,x\n"})
    result = read(payload, "a.zip")
    assert result.rows["stock"] == {"read": 2, "accepted": 1, "rejected": 1}
    assert result.rejected["file"].tolist() == ["x.csv"]
