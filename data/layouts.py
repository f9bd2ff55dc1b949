"""A table of text -> the contract's columns: names recognised, wide tables made long.

A row of the contract is one row of a long file, or one cell of a wide one; it keeps the row and column it came from.
"""

import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from data.cells import is_date, is_month, is_number
from data.headings import Headings, ignored_columns, missing_column, recognise
from data.upload import MAX_CELLS, TextTable, shown
from planning.errors import InputError
from planning.tables import Table

_THREADS = 2

Codes = npt.NDArray[np.int64]
Texts = npt.NDArray[np.object_]


@dataclass(frozen=True)
class WideShape:
    """How a table looks when it is wide: what stands in the headings across, and what in the cells."""

    across: str
    value: str


_WIDE: Mapping[str, WideShape] = MappingProxyType(
    {
        "sales": WideShape("date", "quantity"),
        "forecasts": WideShape("date", "quantity"),
        "availability": WideShape("date", "in_stock"),
        "stock": WideShape("location_id", "on_hand"),
    }
)
_MEASURES = frozenset(
    {
        "available",
        "availability",
        "inventory",
        "total",
        "qty",
        "quantity",
        "units",
        "amount",
        "count",
        "reserved",
        "committed",
        "incoming",
        "transit",
        "sales",
        "sold",
        "price",
        "cost",
        "value",
        "weight",
        "code",
        "days",
        "min",
        "max",
        "minimum",
        "maximum",
    }
)


@dataclass(frozen=True)
class TextColumn:
    """One contract column of a file: each distinct text once, and which of them stands in each row (-1: none).

    `heading` is what the file calls it; empty, where it comes from the headings or cells of a wide file.
    """

    heading: str
    texts: Texts
    codes: Codes

    def at(self, rows: Codes) -> Texts:
        """The texts that stand in these rows; none is None."""
        return np.array([*self.texts, None], dtype=object)[self.codes[rows]]


@dataclass(frozen=True)
class LongTable:
    """A file in the contract's columns, still text.

    name          the file, as shown
    columns       by contract name; a column that the file lacks is absent
    rows          for each row of the contract, its row in the file
    first_cell    what stands first in that row of the file
    headings      the heading of the cell a row came from (a wide file), or None (a long one)
    date_order    "dd/mm/yyyy" or "mm/dd/yyyy" where the mapping says so
    notes         what a person should know
    """

    name: str
    columns: Mapping[str, TextColumn]
    rows: npt.NDArray[np.int64]
    first_cell: TextColumn
    headings: TextColumn | None = None
    date_order: str | None = None
    notes: tuple[str, ...] = ()

    def heading(self, column: str, rows: Codes) -> Texts:
        """In which column of the file these rows stand: that of their cell, if it is wide."""
        if self.headings is not None:
            return self.headings.at(rows)
        return np.full(len(rows), self.columns[column].heading if column in self.columns else column, dtype=object)


def to_contract(table: Table, text: TextTable, mapping: Mapping[str, str] | None = None) -> LongTable:
    """Find the contract's columns in a file, long or wide.

    Parameters
    ----------
    table : what the file should hold.
    text : the file.
    mapping : {heading in the file: contract column}, as in `data.headings.recognise`.

    Returns
    -------
    The file in the contract's columns; empty cells of a wide file say nothing and are no rows.

    Raises
    ------
    InputError : a required column is missing, or two columns could be the same one; one line a fault.
    """
    headings = recognise(table, text, mapping or {})
    shape = _WIDE.get(table.name)
    wide = _wide_columns(text, headings, shape) if shape else []
    there = {*headings.found, shape.across, shape.value} if shape and wide else {*headings.found}
    missing = [name for name in table.required_names if name not in there]
    if missing:
        raise InputError("\n".join(missing_column(table, text, name) for name in missing))
    if shape and wide:
        return _from_wide(shape, text, headings, wide)
    needed = sorted({0, *headings.found.values()})
    with ThreadPoolExecutor(_THREADS) as pool:
        each = dict(zip(needed, pool.map(lambda n: encoded(text.columns[n], text.cells[n]), needed), strict=True))
    return LongTable(
        text.name,
        {name: each[n] for name, n in headings.found.items()},
        text.rows,
        each[0],
        date_order=headings.date_order,
        notes=(*text.notes, *ignored_columns(text, headings.left)),
    )


def encoded(heading: str, cells: pa.ChunkedArray) -> TextColumn:
    """A column of a file, each distinct text once."""
    coded = cells.combine_chunks().dictionary_encode()
    indices = pc.fill_null(coded.indices, -1) if coded.null_count else coded.indices
    codes = indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return TextColumn(heading, np.array(coded.dictionary.to_pylist(), dtype=object), codes)


def _wide_columns(text: TextTable, headings: Headings, shape: WideShape) -> list[int]:
    """Find the columns of a wide table that are one date or one location each; none: it is not wide."""
    if shape.across in headings.found:
        return []
    named = [n for n in headings.left if text.columns[n]]
    if shape.across == "date":
        return [n for n in named if is_date(text.columns[n])]
    if shape.value in headings.found:
        return []
    return [n for n in named if not _is_measure(text.columns[n]) and _holds_numbers(text.cells[n])]


def wide_columns(table: Table, text: TextTable, found: Mapping[str, int]) -> tuple[str, str, list[int]] | None:
    """What stands across a wide file and in its cells, and which columns those are; None: the file is not wide.

    Parameters
    ----------
    table : what the file should hold.
    text : the file.
    found : which column is which of the contract, so far.
    """
    shape = _WIDE.get(table.name)
    if shape is None:
        return None
    left = [n for n in range(len(text.columns)) if n not in found.values()]
    wide = _wide_columns(text, Headings(dict(found), left), shape)
    return (shape.across, shape.value, wide) if wide else None


def _is_measure(heading: str) -> bool:
    """Whether a heading names a quantity, so that it cannot be taken for a location."""
    return not _MEASURES.isdisjoint(re.split(r"[^a-z]+", heading.casefold()))


def _holds_numbers(cells: pa.ChunkedArray) -> bool:
    texts = [t for t in pc.unique(cells).to_pylist() if t and t.strip()]
    return bool(texts) and 2 * sum(is_number(t) for t in texts) >= len(texts)


def _from_wide(shape: WideShape, text: TextTable, headings: Headings, wide: Sequence[int]) -> LongTable:
    """Make one row of each cell that says something, column after column."""
    height = len(text.rows)
    if height * len(wide) > MAX_CELLS:
        msg = f"{text.name} holds {height * len(wide):,} cells, more than {MAX_CELLS:,}; split it"
        raise InputError(msg)
    chunks = [chunk for n in wide for chunk in text.cells[n].chunks]
    cells = encoded("", pa.chunked_array(chunks, pa.string()))
    says = np.array([*(bool(t.strip()) for t in cells.texts), False], dtype=bool)[cells.codes]
    at = np.flatnonzero(says)
    line, cell = at % height, at // height
    across = TextColumn("", np.array([text.columns[n] for n in wide], dtype=object), cell)

    def repeated(n: int) -> TextColumn:
        column = encoded(text.columns[n], text.cells[n])
        return TextColumn(column.heading, column.texts, column.codes[line])

    columns = {name: repeated(n) for name, n in headings.found.items() if name != shape.value}
    ignored = [n for n in range(len(text.columns)) if n not in (*wide, *headings.found.values())]
    ignored += [headings.found[shape.value]] if shape.value in headings.found else []
    return LongTable(
        text.name,
        columns | {shape.across: across, shape.value: TextColumn("", cells.texts, cells.codes[at])},
        text.rows[line],
        repeated(0),
        headings=across,
        date_order=headings.date_order,
        notes=(*text.notes, *ignored_columns(text, ignored), *_wide_notes(text, across.texts.tolist(), shape)),
    )


def _wide_notes(text: TextTable, headings: Sequence[str], shape: WideShape) -> list[str]:
    kind = "date" if shape.across == "date" else "location"
    first, last = shown(headings[0], 30), shown(headings[-1], 30)
    notes = [f"{text.name}: read as a wide table, one column a {kind}: {len(headings)} columns, {first!r} to {last!r}"]
    if kind == "date" and all(is_month(heading) for heading in headings):
        notes.append(f"{text.name}: each column is a month; its quantity counts on the first day of the month")
    return notes
