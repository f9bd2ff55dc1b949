"""Rows of delimited text, kept to the letter: whole blocks at once where a block is regular, else row by row.

The two roads give the same cells, row numbers and broken rows. The fast one takes a block only when every quotation
mark opens or closes a cell and every row has as many cells as the header; anything else goes row by row.
"""

import codecs
import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as arrow_csv

from planning.errors import InputError

BLOCK_BYTES = 8 * 1024**2
LONGEST_CELL = 131_072
"""Bytes: a longer cell is a torn quotation mark, not a cell."""
MAX_BROKEN = 1_000_000
"""So many rows with another number of cells than the header are no table with faults, but no table."""

_CHUNK_ROWS = 5_000
_QUOTE, _NEWLINE, _RETURN = b'"\n\r'

Rows = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Broken:
    """A row that has not as many cells as the header: set aside, never lost."""

    row: int
    cells: int
    expected: int


@dataclass(frozen=True)
class Shape:
    """How a delimited file is laid out.

    delimiter  one character
    width      cells of the header
    named      cells of the header up to the last with a name
    """

    delimiter: str
    width: int
    named: int


@dataclass
class Body:
    """What was read so far: chunks of columns, row numbers, broken rows, and the number of the last row."""

    shape: Shape
    number: int
    chunks: list[list[pa.Array]] = field(default_factory=list)
    rows: list[Rows] = field(default_factory=list)
    broken: list[Broken] = field(default_factory=list)

    def add(self, columns: list[pa.Array], rows: Rows) -> None:
        """Take whole rows over."""
        self.chunks.append(columns)
        self.rows.append(rows)

    def columns(self) -> tuple[pa.ChunkedArray, ...]:
        """The named columns, as text."""
        return tuple(
            pa.chunked_array([chunk[n] for chunk in self.chunks], pa.string()) for n in range(self.shape.named)
        )

    def row_numbers(self) -> Rows:
        """For each row its number in the file."""
        return np.concatenate([np.empty(0, dtype=np.int64), *self.rows])


def read_body(
    name: str,
    text: bytes,
    start: int,
    body: Body,
    *,
    most_cells: int,
    most_rows: int,
    block: int = BLOCK_BYTES,
    progress: Progress | None = None,
) -> Body:
    """Read the rows below the header.

    Parameters
    ----------
    name : the file, as shown.
    text : the whole file in UTF-8.
    start : the byte at which the row after the header begins.
    body : an empty one that says how the file is laid out; it is filled.
    most_cells, most_rows : more are refused.
    block : how many bytes to take at once.
    progress : is told the bytes read, and all bytes.

    Returns
    -------
    `body`. Blank rows are left out but counted in the row numbers.

    Raises
    ------
    InputError : a quotation mark is torn, or there are too many cells.
    """
    delimiter = body.shape.delimiter.encode()
    most = most_rows, most_cells
    at = start
    while at < len(text):
        end = _end_of_block(text, at, block)
        if end is None or len(delimiter) != 1 or not _is_regular(text[at:end], delimiter):
            _row_by_row(name, text, at, len(text), body, most)
            break
        if not _at_once(text[at:end], body):
            _row_by_row(name, text, at, end, body, most)
        _check_size(name, body, most)
        at = end
        if progress:
            progress(at, len(text))
    return body


def _check_size(name: str, body: Body, most: tuple[int, int]) -> None:
    rows = sum(len(rows) for rows in body.rows) + len(body.broken)
    if rows > most[0] or rows * body.shape.named > most[1]:
        msg = f"{name} holds more than {most[0]:,} rows or {most[1]:,} cells; split it, or bring fewer columns"
        raise InputError(msg)


# --- the fast road ----------------------------------------------------------------------------------------------------


def _end_of_block(text: bytes, at: int, block: int) -> int | None:
    """After the last line break outside quotation marks; None where there is none in reach."""
    if len(text) - at <= block:
        return len(text)
    part = text[at : at + block]
    if b'"' not in part:
        end = part.rfind(b"\n")
        return at + end + 1 if end >= 0 else None
    held: Bytes = np.frombuffer(part, dtype=np.uint8)
    breaks = np.flatnonzero(held == _NEWLINE)
    outside = breaks[np.searchsorted(np.flatnonzero(held == _QUOTE), breaks) % 2 == 0]
    return at + int(outside[-1]) + 1 if len(outside) else None


def _is_regular(part: bytes, delimiter: bytes) -> bool:
    """Whether every quotation mark opens or closes a cell, or is one of two that stand for one inside a cell."""
    if b'"' not in part:
        return True
    held: Bytes = np.frombuffer(b"\n" + part + b"\n", dtype=np.uint8)
    marks = np.flatnonzero(held == _QUOTE)
    if len(marks) % 2:
        return False
    opening, closing = marks[::2], marks[1::2]
    edges = np.zeros(256, dtype=bool)
    edges[[delimiter[0], _NEWLINE, _RETURN]] = True
    doubled = np.zeros(len(opening), dtype=bool)
    doubled[1:] = opening[1:] == closing[:-1] + 1
    opens = edges[held[opening - 1]] | doubled
    closes = edges[held[closing + 1]]
    closes[:-1] |= doubled[1:]
    return bool(opens.all() and closes.all())


def _at_once(part: bytes, body: Body) -> bool:
    """Read a regular block; False, and nothing read, where a row has more or fewer cells than the header."""
    if part.count(b"\r") != part.count(b"\r\n"):
        return False
    names = [str(n) for n in range(body.shape.width)]
    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(part),
            read_options=arrow_csv.ReadOptions(column_names=names, block_size=1 << 20),
            parse_options=arrow_csv.ParseOptions(
                delimiter=body.shape.delimiter, newlines_in_values=b'"' in part, ignore_empty_lines=False
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False, check_utf8=False
            ),
        )
    except pa.ArrowInvalid:
        return False
    columns = [column.combine_chunks() for column in table.columns]
    if any(_longest(column) > LONGEST_CELL for column in columns):
        return False
    rows = np.arange(body.number + 1, body.number + 1 + table.num_rows, dtype=np.int64)
    body.number += table.num_rows
    blank = blank_rows(columns)
    if len(blank):
        full = np.ones(table.num_rows, dtype=bool)
        full[blank] = False
        columns = [column.filter(pa.array(full)) for column in columns]
        rows = rows[full]
    body.add(columns, rows)
    return True


def _offsets(column: pa.Array) -> Rows:
    held = np.frombuffer(column.buffers()[1], dtype=np.int32)[column.offset : column.offset + len(column) + 1]
    return held.astype(np.int64)


def _longest(column: pa.Array) -> int:
    return int(np.diff(_offsets(column)).max(initial=0))


def blank_rows(columns: Sequence[pa.Array]) -> Rows:
    """Which rows hold nothing but spaces, in the sense of `str.strip`; the columns hold no nulls."""
    suspects: Rows = np.arange(len(columns[0]), dtype=np.int64)
    for column in columns:
        offsets = _offsets(column)
        starts, ends = offsets[:-1][suspects], offsets[1:][suspects]
        text: Bytes = np.frombuffer(column.buffers()[2] or b"", dtype=np.uint8)
        first = np.zeros(len(suspects), dtype=np.uint8)
        filled = ends > starts
        first[filled] = text[starts[filled]]
        # A cell that begins with a visible character of ASCII is not blank; the few others are looked at one by one.
        suspects = suspects[(first <= 0x20) | (first >= 0x7F)]
        if not len(suspects):
            return suspects
    held = [column.take(pa.array(suspects)).to_pylist() for column in columns]
    blank = np.array([not any(cell.strip() for cell in cells) for cells in zip(*held, strict=True)], dtype=bool)
    return np.asarray(suspects[blank], dtype=np.int64)


# --- row by row -------------------------------------------------------------------------------------------------------


def records(name: str, reader: Iterator[list[str]], number: int = 0) -> Iterator[tuple[int, list[str]]]:
    """Number the rows of a reader, counted on from `number`.

    Raises
    ------
    InputError : a quotation mark is torn.
    """
    try:
        for row in reader:
            number += 1
            yield number, row
    except csv.Error as fault:
        msg = (
            f"{name} row {number + 1}: a quotation mark is torn ({fault}), so the rows after it cannot be told apart; "
            'close the quotation, or write a quotation mark inside a cell twice ("")'
        )
        raise InputError(msg) from None


def is_blank(row: Sequence[str]) -> bool:
    """Whether a row holds nothing but spaces."""
    return not any(row) or not any(cell.strip() for cell in row)


def _row_by_row(name: str, text: bytes, start: int, end: int, body: Body, most: tuple[int, int]) -> None:
    """Read rows one by one; those with too few or too many cells are told apart."""
    width, named = body.shape.width, body.shape.named
    held: list[list[str]] = []
    numbers: list[int] = []
    lines = io.TextIOWrapper(io.BytesIO(text[start:end]), encoding="utf-8", newline="")
    for number, row in records(name, csv.reader(lines, delimiter=body.shape.delimiter, strict=True), body.number):
        body.number = number
        if is_blank(row):
            continue
        if len(row) != width:
            if len(row) < named or not is_blank(row[width:]):
                body.broken.append(Broken(number, len(row), width))
                if len(body.broken) > MAX_BROKEN:
                    msg = (
                        f"{name}: more than {MAX_BROKEN:,} rows have not the {width} cells of the header, the first in "
                        f"row {body.broken[0].row:,}; export the table again, with one header and one delimiter"
                    )
                    raise InputError(msg)
                continue
            row += [""] * (width - len(row))
            del row[width:]
        held.append(row)
        numbers.append(number)
        if len(held) == _CHUNK_ROWS:
            body.add(_columns(held, width), np.array(numbers, dtype=np.int64))
            held, numbers = [], []
            _check_size(name, body, most)
    if held:
        body.add(_columns(held, width), np.array(numbers, dtype=np.int64))


def _columns(held: list[list[str]], width: int) -> list[pa.Array]:
    if not held:
        return [pa.array([], pa.string())] * width
    return [pa.array(column, pa.string()) for column in zip(*held, strict=True)]


# --- bytes to UTF-8 ---------------------------------------------------------------------------------------------------

_STEP = 16 * 1024**2


def as_utf8(payload: bytes, encoding: str) -> bytes:
    """Turn a file into UTF-8 without a byte-order mark, a step at a time.

    Raises
    ------
    UnicodeDecodeError : the file is not in that encoding.
    """
    decoder = codecs.getincrementaldecoder(encoding)()
    is_utf8 = encoding.startswith("utf-8")
    parts = []
    for at in range(0, len(payload), _STEP):
        step = decoder.decode(payload[at : at + _STEP], final=at + _STEP >= len(payload))
        if not is_utf8:
            parts.append(step.encode())
    if is_utf8:
        return payload.removeprefix(codecs.BOM_UTF8) if encoding == "utf-8-sig" else payload
    return b"".join(parts)
