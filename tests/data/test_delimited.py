"""The fast road through delimited text gives what the row-by-row road gives, to the letter."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data import delimited
from data.delimited import Body, Shape, read_body
from planning.errors import InputError

WHOLE = 1 << 30


def read(text: bytes, shape: Shape, block: int) -> object:
    body = Body(shape, 1)
    try:
        read_body("a.csv", text, 0, body, most_cells=WHOLE, most_rows=WHOLE, block=block)
    except InputError as fault:
        return str(fault)
    return [c.to_pylist() for c in body.columns()], body.row_numbers().tolist(), body.broken, body.number


def read_row_by_row(text: bytes, shape: Shape, monkeypatch: pytest.MonkeyPatch) -> object:
    with monkeypatch.context() as patched:
        patched.setattr(delimited, "_is_regular", lambda *_: False)
        return read(text, shape, WHOLE)


@settings(max_examples=500)
@given(
    st.text(alphabet='a1 ",;\n\r\u00a0\u00e9\x1c', max_size=60),
    st.sampled_from([Shape(",", 1, 1), Shape(",", 2, 2), Shape(";", 3, 3), Shape(",", 3, 2)]),
    st.integers(1, 40),
)
def test_any_text_reads_alike_in_blocks_at_once_and_row_by_row(text: str, shape: Shape, block: int) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        exact = read_row_by_row(text.encode(), shape, monkeypatch)
    assert read(text.encode(), shape, block) == exact
    assert read(text.encode(), shape, WHOLE) == exact


CELL = st.sampled_from(["", " ", "a", "00012", '"q""q"', '"two\nlines"', '"a,b"', "é", '10" plate'])


@settings(max_examples=500)
@given(
    st.lists(st.lists(CELL, min_size=1, max_size=4), max_size=30),
    st.sampled_from(["\n", "\r\n"]),
    st.integers(20, 200),
)
def test_a_table_with_a_few_odd_rows_reads_alike(rows: list[list[str]], ending: str, block: int) -> None:
    text = "".join(",".join([*row, *["x"] * (3 - len(row))]) + ending for row in rows).encode()
    with pytest.MonkeyPatch.context() as monkeypatch:
        exact = read_row_by_row(text, Shape(",", 3, 3), monkeypatch)
    assert read(text, Shape(",", 3, 3), block) == exact


def test_a_regular_file_never_goes_row_by_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited, "_row_by_row", lambda *_: pytest.fail("row by row"))
    text = b'1,"a,b"\r\n\r\n,\r\n2,"say ""x""\r\nand y"\r\n' * 50
    columns, rows, broken, number = read(text, Shape(",", 2, 2), 100)
    assert columns == [["1", "2"] * 50, ["a,b", 'say "x"\r\nand y'] * 50]
    assert rows == [n for k in range(50) for n in (2 + 4 * k, 5 + 4 * k)]
    assert (broken, number) == ([], 201)


def test_only_the_block_of_an_odd_row_goes_row_by_row(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    exact = delimited._row_by_row
    monkeypatch.setattr(delimited, "_row_by_row", lambda *given: (seen.append(given[2:4]), exact(*given)))
    text = b"1,2\n" * 100 + b"1,2,3\n" + b"1,2\n" * 100
    _, rows, broken, _ = read(text, Shape(",", 2, 2), 80)
    assert seen == [(400, 478)]
    assert len(rows) == 200
    assert [b.row for b in broken] == [102]


def test_more_rows_cells_or_odd_rows_than_allowed_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    text = b"1,2\n" * 1000
    for rows, cells in ((999, WHOLE), (WHOLE, 1999)):
        with pytest.raises(InputError, match="split it"):
            read_body("a.csv", text, 0, Body(Shape(",", 2, 2), 1), most_cells=cells, most_rows=rows, block=100)
    monkeypatch.setattr(delimited, "MAX_BROKEN", 10)
    with pytest.raises(InputError, match="the first in row 2"):
        read_body("a.csv", text, 0, Body(Shape(",", 3, 3), 1), most_cells=WHOLE, most_rows=WHOLE)


def test_progress_is_told_block_by_block() -> None:
    told = []
    text = b"1,2\n" * 1000
    body = Body(Shape(",", 2, 2), 1)
    read_body(
        "a.csv", text, 0, body, most_cells=WHOLE, most_rows=WHOLE, block=1000, progress=lambda *at: told.append(at)
    )
    assert told == [(1000, 4000), (2000, 4000), (3000, 4000), (4000, 4000)]
