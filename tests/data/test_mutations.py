"""Valid files, damaged in a thousand ways: told or read, every row accounted for, and nobody dies.

STOCKCAST_MUTATIONS=10000 damages ten times as many.
"""

import io
import os
from datetime import date

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from data.read import read_inputs
from data.upload import Source
from planning.errors import InputError
from planning.tables import INPUT_TABLES
from tests.data.workbooks import ods, ods_row, packed, xlsx

MUTATIONS = int(os.environ.get("STOCKCAST_MUTATIONS", "1000"))
IN_CHILDREN = max(MUTATIONS // 40, 1)
"""How many of them damage a workbook, which starts a process each."""

SALES = [
    ["date", "item_id", "location_id", "quantity", "unit_price", "order_id"],
    *(
        [f"2025-03-{n % 28 + 1:02}", f"{n % 7:05}", f"S {n % 3}", str(n % 5 - 1), f"{n / 4:.2f}", f"O{n // 2}"]
        for n in range(40)
    ),
]
WIDE = [
    ["Item", "Store", *(f"{n:02}.03.2025" for n in range(1, 15))],
    *([f"Ä{n}", "B", *"12034567890123"] for n in range(9)),
]
STOCK = [["SKU", "Lagerort", "On hand"], *([f"A-{n}", "Köln", f"1.{n:03},5"] for n in range(20))]


def text(rows: list[list[str]], delimiter: str = ",", ending: str = "\n", quote: str = "") -> str:
    return "".join(delimiter.join(f"{quote}{cell}{quote}" for cell in row) + ending for row in rows)


def parquet() -> bytes:
    held = io.BytesIO()
    frame = pd.DataFrame(SALES[1:], columns=SALES[0])
    frame.assign(quantity=frame["quantity"].astype(float)).to_parquet(held)
    return held.getvalue()


TEXTS = {
    "sales": text(SALES).encode(),
    "titles": b"\xef\xbb\xbfSales of March\n\n" + text(SALES, ";", "\r\n").encode() + b"TOTAL;;;99;;\r\n",
    "quoted": text(SALES, ",", "\r\n", '"').replace("S 1", 'S ""1\n').encode(),
    "wide": text(WIDE, "\t").encode("utf-16"),
    "stock": text(STOCK, ";").encode("cp1252"),
    "trailing": text(SALES, ",", ",\n").encode(),
    "parquet": parquet(),
    "packed": packed({"a.csv": text(SALES), "b.csv": text(SALES[:1] + SALES[9:])}),
}
WORKBOOKS = {
    "xlsx": xlsx({"Notes": [["of March"]], "Sales": [*SALES[:9], [date(2025, 3, 4), "A", "B", 3, 1.5, "O"]]}),
    "ods": ods("".join(ods_row(*row) for row in SALES[:9])),
}
FRAGMENTS = (
    b'"', b'""', b"\n", b"\r", b"\r\n", b"\0", b",", b";", b"\t", b"|", b"", b" ", b"\x81", b"\xff\xfe",
    b"=cmd()", b"9" * 400, b"1e999", b"-99", b"NaN", b"31/02/2025", b"03/04/2025", b"0000-00-00", b"TOTAL",
    b"<b>", b"'; DROP TABLE x; --", b"date,item_id", b"sep=,\n", b"PAR1", b"PK\x03\x04", b"x" * 5000,
    b"\xe2\x80\xae", b"\xef\xbb\xbf", b"item_id",
)  # fmt: skip


@st.composite
def damaged(draw: st.DrawFn, files: dict[str, bytes]) -> tuple[str, bytes]:
    name = draw(st.sampled_from(sorted(files)))
    held = bytearray(files[name])
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(len(held) - 1, 0)))
        kind = draw(st.sampled_from(("flip", "cut", "drop", "insert", "repeat", "replace", "move")))
        if kind == "flip" and held:
            held[at] ^= draw(st.integers(1, 255))
        elif kind == "cut":
            del held[at:]
        elif kind == "drop":
            del held[at : at + draw(st.integers(1, 60))]
        elif kind == "insert":
            held[at:at] = draw(st.sampled_from(FRAGMENTS))
        elif kind == "repeat":
            held[at:at] = held[at : at + draw(st.integers(1, 200))]
        elif kind == "replace":
            found = draw(st.sampled_from((b",", b";", b"\t", b"\n", b'"', b"\r\n", b"2025", b"-", b".", b"S 1")))
            held = held.replace(found, draw(st.sampled_from(FRAGMENTS)), draw(st.sampled_from((1, -1))))
        else:
            held = held[at:] + held[:at]
    return name, bytes(held)


def check(name: str, payload: bytes) -> None:
    table = "stock" if name == "stock" else "sales"
    try:
        read = read_inputs({table: [Source(f"{name}.csv", payload)]})
    except InputError:
        return
    rows = read.rows[table]
    assert rows["read"] == rows["accepted"] + rows["rejected"]
    assert rows["rejected"] == len(read.rejected)
    assert 0 <= len(read.frames[table]) <= rows["accepted"]
    assert list(read.frames[table]) == list(INPUT_TABLES[table].names)
    assert read.rejected["reason"].str.len().gt(0).all()


@settings(max_examples=MUTATIONS)
@given(damaged(TEXTS))
def test_a_damaged_file_is_read_or_refused_and_every_row_is_counted(file: tuple[str, bytes]) -> None:
    check(*file)


@settings(max_examples=IN_CHILDREN)
@given(damaged(WORKBOOKS))
def test_a_damaged_workbook_is_read_or_refused(file: tuple[str, bytes]) -> None:
    check(*file)


def test_the_files_are_whole_before_they_are_damaged() -> None:
    for name, payload in (TEXTS | WORKBOOKS).items():
        table = "stock" if name == "stock" else "sales"
        mapping = {"stock": {"Lagerort": "location_id"}} if name == "stock" else None
        read = read_inputs({table: [Source(f"{name}.csv", payload)]}, mapping)
        assert read.rows[table]["accepted"] > 0, name
        assert read.rows[table]["rejected"] == (name == "titles"), name
