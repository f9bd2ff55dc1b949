"""Bytes -> a table of text: encoding, delimiter, sizes and row numbers. No type is guessed, no row is dropped."""

import codecs
import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import NoReturn

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from data import duck
from data.archive import is_workbook, members
from data.delimited import Body, Broken, Progress, Shape, as_utf8, is_blank, read_body, records
from data.preamble import SAMPLE_ROWS, delimiter_of, header_at
from data.workbook import Grid, read_workbook
from planning.errors import InputError

MAX_BYTES = 1024**3
MAX_COLUMNS = 4_000
MAX_CELLS = 100_000_000
MAX_ROWS = 20_000_000
MAX_LINE = 4 * 1024**2
ROWS_A_BYTE = 20
"""A large Parquet file that promises more rows for each of its bytes is a bomb: real rows take a byte or more."""

_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_NOT_TABLES = (
    (b"\x89PNG", "an image"),
    (b"\xff\xd8\xff", "an image"),
    (b"GIF8", "an image"),
    (b"%PDF", "a PDF"),
    (b"\x1f\x8b", "a compressed archive"),
    (b"SQLite format 3", "a database"),
)
_ZIP, _OLD_WORKBOOK = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_WAY_OUT = "save the table as CSV (UTF-8) or Parquet and give that"
_MANY_ROWS = 1_000_000
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
# Those, and the marks that turn the direction of the text after them.
_TURNING = re.compile(_CONTROL.pattern + "|[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Source:
    """A file that a person brought.

    name      only ever shown; a folder in it is cut off
    payload   its bytes, or where they lie
    sheet     which sheet of a workbook; None: the one with the most known headings
    progress  is told the bytes read so far, and all bytes, while delimited text is read
    """

    name: str
    payload: bytes | Path = field(repr=False)
    sheet: str | None = None
    progress: Progress | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", shown(PurePosixPath(self.name.replace("\\", "/")).name or "unnamed file"))


@dataclass(frozen=True)
class TextTable:
    """A file as text.

    name     the file, as shown
    columns  the header's cells, trimmed, in order; they may repeat or be empty
    cells    one array of text a column
    rows     for each row its number in a spreadsheet (the header of a plain file is row 1)
    broken   ragged rows, set aside
    notes    what a person should know
    """

    name: str
    columns: tuple[str, ...]
    cells: tuple[pa.ChunkedArray, ...]
    rows: Rows
    broken: tuple[Broken, ...] = ()
    notes: tuple[str, ...] = ()


def shown(text: object, length: int = 80) -> str:
    """User text fit to stand in a one-line message: no control characters, not too long."""
    line = _TURNING.sub("?", re.sub(r"[\t\r\n\x85\u2028\u2029]+", " ", str(text)))
    return line if len(line) <= length else line[: length - 3] + "..."


def read_text_table(source: Source) -> TextTable:
    """Read a CSV, TSV, text, Excel, OpenDocument or Parquet file with every cell as text, kept to the letter.

    Parameters
    ----------
    source : the file; its content, not its name, tells what it is.

    Returns
    -------
    The table; blank rows are left out but counted in the row numbers.

    Raises
    ------
    InputError : the file is empty, too large or no table; the message names it and the way out.
    """
    payload = _payload(source)
    if payload[:4] == b"PAR1":
        return _read_parquet(source, payload)
    if payload.startswith(_OLD_WORKBOOK) or (payload.startswith(_ZIP) and is_workbook(payload)):
        return _read_sheet(source, read_workbook(source.name, payload, source.sheet))
    if payload.startswith(_ZIP):
        parts = members(source.name, payload, MAX_BYTES)
        if len(parts) > 1:
            _refuse(source, f"holds {len(parts)} files; unpack it and bring them one by one")
        return read_text_table(Source(*parts[0], progress=source.progress))
    for magic, kind in _NOT_TABLES:
        if payload.startswith(magic):
            _refuse(source, f"is {kind}, not a table of text; {_WAY_OUT}")
    return _read_delimited(source, payload)


def unpacked(sources: Sequence[Source], faults: list[str]) -> list[Source]:
    """Take ZIP archives apart into their files; any other file is itself.

    Parameters
    ----------
    sources : the files, in the order they were added.
    faults : gets a line for each archive that is damaged, too large, or holds another archive.
    """
    found: list[Source] = []
    for source in sources:
        try:
            found += _members(source)
        except InputError as fault:
            faults.append(str(fault))
    return found


def _members(source: Source) -> list[Source]:
    if not _begins_with(source, _ZIP):
        return [source]
    payload = _payload(source)
    if is_workbook(payload):
        return [source]
    parts = members(source.name, payload, MAX_BYTES)
    return [Source(name, content, progress=source.progress) for name, content in parts]


def _begins_with(source: Source, magic: bytes) -> bool:
    if not isinstance(source.payload, Path):
        return source.payload.startswith(magic)
    try:
        with source.payload.open("rb") as file:
            return file.read(len(magic)) == magic
    except OSError:
        return False  # the reading says why


def _payload(source: Source) -> bytes:
    try:
        if isinstance(source.payload, Path):
            if not source.payload.is_file():
                _refuse(source, "does not exist or is not a file; check the path")
            size = source.payload.stat().st_size
        else:
            size = len(source.payload)
        if size > MAX_BYTES:
            _refuse(source, f"holds {size:,} bytes, more than {MAX_BYTES:,}; split it, or bring fewer columns")
        payload = source.payload.read_bytes() if isinstance(source.payload, Path) else bytes(source.payload)
    except OSError as fault:
        _refuse(source, f"cannot be opened ({fault.strerror}); check that it may be read")
    if not payload or payload.isspace():
        _refuse(source, "is empty; export it again, with a header row")
    return payload


def _refuse(source: Source, what: str) -> NoReturn:
    msg = f"{source.name} {what}"
    raise InputError(msg)


# --- delimited text ---------------------------------------------------------------------------------------------


def _read_delimited(source: Source, payload: bytes) -> TextTable:
    text, encoding = _decoded(source, payload)
    lines = io.TextIOWrapper(io.BytesIO(text), encoding="utf-8", newline="")
    if _longest_line(text) > MAX_LINE:
        _refuse(source, f"begins with a line of more than {MAX_LINE:,} bytes, so it is no table; {_WAY_OUT}")
    start, delimiter, header_row = _dialect(lines)
    lines.seek(start)
    counted = _Counted(lines, start)
    rows = records(source.name, csv.reader(counted, delimiter=delimiter, strict=True))
    number, header = next(((n, row) for n, row in rows if n > header_row), (0, []))
    columns = tuple(cell.strip() for cell in header)
    _check_header(source, columns)
    named = max(n for n, name in enumerate(columns, 1) if name)
    body = Body(Shape(delimiter, len(columns), named), number)
    read_body(
        source.name, text, counted.bytes, body, most_cells=MAX_CELLS, most_rows=MAX_ROWS, progress=source.progress
    )
    foreign = () if encoding.startswith("utf") else (f"{source.name}: read as {encoding}, because it is not UTF-8",)
    notes = (*foreign, *header_note(source, number))
    return TextTable(source.name, columns[:named], body.columns(), body.row_numbers(), tuple(body.broken), notes)


def _longest_line(text: bytes) -> int:
    """The longest of the first lines, in bytes; what follows a very long one is not looked at."""
    at, longest = 0, 0
    for _ in range(SAMPLE_ROWS + 1):
        end = text.find(b"\n", at, at + MAX_LINE + 1)
        if end < 0:
            rest = min(len(text) - at, MAX_LINE + 1)
            return rest if b"\r" not in text[at : at + rest] else longest
        longest, at = max(longest, end - at), end + 1
    return longest


class _Counted(Iterator[str]):
    """Lines, with the bytes read so far."""

    def __init__(self, lines: Iterator[str], start: int) -> None:
        self.lines, self.bytes = lines, start

    def __next__(self) -> str:
        line = next(self.lines)
        self.bytes += len(line.encode())
        return line


def header_note(source: Source, row: int) -> tuple[str, ...]:
    """Say where the header stands, unless it stands where everyone looks."""
    return (f"{source.name}: the header was found in row {row}; the rows above it are no data",) if row > 1 else ()


def _decoded(source: Source, payload: bytes) -> tuple[bytes, str]:
    """The text in UTF-8, and the encoding that it came in."""
    encoding = next((name for bom, name in _BOMS if payload.startswith(bom)), "")
    if not encoding:
        encoding = "utf-8" if b"\0" not in payload[:2] else "utf-16-be" if payload[0] == 0 else "utf-16-le"
    try:
        text = as_utf8(payload, encoding)
    except UnicodeDecodeError:
        encoding = "cp1252"
        try:
            text = as_utf8(payload, encoding)
        except UnicodeDecodeError:
            _refuse(source, f"is neither UTF-8, UTF-16 nor Windows-1252 text; {_WAY_OUT}")
    if b"\0" in text:
        _refuse(source, f"holds NUL bytes, so it is no text; {_WAY_OUT}")
    return text, encoding


def _dialect(lines: io.TextIOWrapper) -> tuple[int, str, int]:
    """The byte at which the table's text begins, the delimiter, and how many rows stand above the header."""
    first = lines.readline()
    declared = re.fullmatch(r"sep=([^\w\s\"]|\t)\s*", first)
    if declared:
        return len(first.encode()), declared[1], _first_filled(lines, declared[1])
    sample = [first, *(lines.readline() for _ in range(SAMPLE_ROWS))]
    delimiter, header = delimiter_of([line for line in sample if line])
    return 0, delimiter, _first_filled(chain(sample, lines), delimiter) if header is None else header


def _first_filled(lines: Iterator[str], delimiter: str) -> int:
    rows = enumerate(csv.reader(lines, delimiter=delimiter))
    try:
        return next((n for n, row in rows if not is_blank(row)), 0)
    except csv.Error:
        return 0


def _check_header(source: Source, columns: Sequence[str]) -> None:
    if len(columns) > MAX_COLUMNS:
        _refuse(source, f"has {len(columns):,} columns, more than {MAX_COLUMNS:,}; bring fewer columns")
    if not any(columns):
        _refuse(source, "has no header row; write the names of the columns in the first row")
    if any(_CONTROL.search(name) for name in columns):
        _refuse(source, f"has control characters in its first row, so it is no table of text; {_WAY_OUT}")


# --- workbooks ------------------------------------------------------------------------------------------------------


def _read_sheet(source: Source, grid: Grid) -> TextTable:
    """The table that stands in a sheet."""
    top = [column.slice(0, SAMPLE_ROWS).to_pylist() for column in grid.columns]
    above = header_at(list(zip(*top, strict=True)))
    if above is None:
        _refuse(source, f"has nothing in its sheet {shown(grid.sheet, 40)!r}; choose another sheet, or fill it")
    columns = tuple(str(column[above]).strip() for column in top)
    _check_header(source, columns)
    named = max(n for n, name in enumerate(columns, 1) if name)
    table = pa.table([column.slice(above + 1) for column in grid.columns], names=[str(n) for n in range(len(columns))])
    full = _filled_rows(table.select(range(named)))
    stray = int(_filled_rows(table.select(range(named, len(columns)))).sum()) if named < len(columns) else 0
    rows = np.flatnonzero(full).astype(np.int64) + above + 2
    notes = [*header_note(source, above + 1)]
    if grid.others:
        notes.append(f"{source.name}: read the sheet {shown(grid.sheet, 40)!r}, not {_listed(grid.others)}")
    if stray:
        notes.append(f"{source.name}: cells to the right of the last heading were left out, in {stray:,} rows")
    cells = tuple(table.select(range(named)).filter(pa.array(full)).columns)
    return TextTable(source.name, columns[:named], cells, rows, notes=tuple(notes))


def _listed(names: Sequence[str], most: int = 6) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(repr(shown(name, 40)) for name in names[:most]) + more


# --- Parquet ----------------------------------------------------------------------------------------------------


def _read_parquet(source: Source, payload: bytes) -> TextTable:
    try:
        with duck.private_copy(payload, ".parquet") as path:
            shape = duck.parquet_shape(path)
            _check_shape(source, shape, len(payload))
            if (size := duck.parquet_text_bytes(path)) > MAX_BYTES:
                _refuse(source, f"would unpack to {size:,} characters, more than {MAX_BYTES:,}; split it")
            table = duck.parquet_text(path)
    except duck.DuckError as fault:
        reason = shown(str(fault).splitlines()[0], 120)
        _refuse(source, f"is a damaged or unknown kind of Parquet file ({reason}); write it again")
    if table.num_rows != shape.rows:
        _refuse(source, f"promises {shape.rows:,} rows but holds {table.num_rows:,}; write it again")
    columns = tuple(name.strip() for name in table.column_names)
    _check_header(source, columns)
    full = _filled_rows(table)
    table = table.filter(pa.array(full))
    rows = np.flatnonzero(full).astype(np.int64) + 2
    return TextTable(source.name, columns, tuple(table.columns), rows)


def _check_shape(source: Source, shape: duck.ParquetShape, size: int) -> None:
    cells = shape.rows * shape.columns
    is_bomb = shape.rows > max(_MANY_ROWS, ROWS_A_BYTE * size)
    is_large = shape.columns > MAX_COLUMNS or shape.rows > MAX_ROWS or cells > MAX_CELLS
    if is_bomb or is_large or shape.unpacked_bytes > MAX_BYTES:
        _refuse(
            source,
            f"would unpack to {shape.columns:,} columns, {shape.rows:,} rows and {shape.unpacked_bytes:,} bytes from "
            f"{size:,}, where {MAX_COLUMNS:,} columns, {MAX_ROWS:,} rows, {MAX_CELLS:,} cells and {MAX_BYTES:,} bytes "
            "are the most; split it",
        )


def _filled_rows(table: pa.Table) -> npt.NDArray[np.bool_]:
    """Which rows hold anything at all."""
    filled = np.zeros(table.num_rows, dtype=bool)
    for column in table.columns:
        if filled.all():
            break
        text = pc.fill_null(pc.utf8_trim_whitespace(column), "")
        filled |= pc.not_equal(text, "").to_numpy(zero_copy_only=False)
    return filled
