"""Text + contract -> accepted rows, and rejected rows with reasons. Never silent: read = accepted + rejected."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import pandas as pd

from data import cells
from data.delimited import Broken
from data.layouts import LongTable, TextColumn
from data.styles import Style, decide_styles
from data.upload import shown
from planning.tables import RESULT_TABLES, Column, Table

VALUE_LENGTH = 200
REJECTED_COLUMNS = RESULT_TABLES["rejected"].names

_TOTAL = re.compile(
    r"\s*(?:(?:grand\s+|sub[\s-]*)?totals?(?:\s+(?:for|of)\s.+)?|gesamt(?:summe)?|(?:zwischen)?summe|totaal|totale)\s*:?\s*",
    re.IGNORECASE,
)
_IN_ORDER: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "receipts": ("ordered_on", "received_on"),
        "events": ("starts_on", "ends_on"),
        "overrides": ("starts_on", "ends_on"),
    }
)

Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Coded:
    """A column of accepted rows: its values, the last one for "no cell", and which of them stands in each row."""

    values: npt.NDArray[np.generic]
    codes: Rows

    def series(self, column: Column, rows: Rows | None = None) -> pd.Series:
        """The values that stand in these rows, in the type of their column."""
        values = _typed(column, self.values)
        # The type is told, because a text that happens to be a date must not be looked at.
        return pd.Series(values[self.codes if rows is None else self.codes[rows]], dtype=values.dtype, copy=False)


@dataclass(frozen=True)
class Judged:
    """One file, judged against the contract.

    name      the file, as shown
    table     the contract
    columns   the accepted rows in the order of the file, by contract column; a column that the file lacks is absent
    rows      the row in the file of each accepted row
    headings  by contract column: what the file calls it, for each accepted row
    rejected  the rejected rows, with the columns of the result table `rejected`
    counts    read, accepted, rejected
    notes     what a person should know
    """

    name: str
    table: Table
    columns: Mapping[str, Coded]
    rows: Rows
    headings: Callable[[str, Rows], npt.NDArray[np.object_]]
    rejected: pd.DataFrame
    counts: dict[str, int]
    notes: tuple[str, ...]

    def column(self, name: str) -> pd.Series:
        """The accepted rows of a contract column."""
        column = self.table.by_name[name]
        return self.columns[name].series(column) if name in self.columns else absent(column, len(self.rows))

    @property
    def frame(self) -> pd.DataFrame:
        """The accepted rows: all contract columns, in contract order."""
        return pd.DataFrame({name: self.column(name) for name in self.table.names}, copy=False)


@dataclass(frozen=True)
class _Parsed:
    """A contract column, read: a value and a fault for each distinct text, and which stands in each row."""

    values: npt.NDArray[np.generic]
    faults: npt.NDArray[np.object_]
    codes: Rows


def judge(table: Table, text: LongTable, broken: Sequence[Broken] = ()) -> Judged:
    """Read every cell of a file by the contract; a row with a fault is set aside with its first one.

    How decimals and dates are written is decided over the whole column, then over the file.

    Parameters
    ----------
    table : the contract.
    text : the file, in the contract's columns.
    broken : rows that had not as many cells as the header.

    Returns
    -------
    The accepted and the rejected rows, and their counts.

    Raises
    ------
    InputError : dates could be read in two ways; one line a column.
    """
    stripped = {name: [t.strip() for t in column.texts] for name, column in text.columns.items()}
    styles, notes = decide_styles(table, text, stripped)
    parsed = {
        column.name: _parse(column, text.columns[column.name], stripped[column.name], styles[column.name])
        for column in table.columns
        if column.name in stripped
    }
    first = _first_faults(table, text, parsed)
    rejected = pd.concat([_rejected(table, text, first, parsed), _ragged(table, text.name, broken)])
    accepted = np.flatnonzero(first < 0)
    return Judged(
        text.name,
        table,
        {name: Coded(here.values, _at(here.codes, accepted)) for name, here in parsed.items()},
        _at(text.rows, accepted),
        lambda column, rows: text.heading(column, accepted[rows]),
        rejected,
        {"read": len(text.rows) + len(broken), "accepted": len(accepted), "rejected": len(rejected)},
        (*text.notes, *notes),
    )


def _parse(column: Column, text: TextColumn, stripped: Sequence[str], style: Style) -> _Parsed:
    """Read each distinct text once."""
    read = _reader(column, style)
    is_text = column.kind in ("id", "text")
    values: list[float | str | None] = []
    faults: list[str | None] = []
    for t in (*stripped, ""):  # the last stands for "no cell", which codes of -1 reach
        value: float | str | None = None if is_text else np.nan
        fault = "is empty; fill it in" if not t and column.required else None
        if t:
            try:
                value = read(t)
            except cells.CellError as unreadable:
                fault = str(unreadable)
        values.append(value)
        faults.append(fault)
    kind = object if is_text else np.float64
    return _Parsed(np.array(values, dtype=kind), np.array(faults, dtype=object), text.codes)


def _reader(column: Column, style: Style) -> Callable[[str], float | str]:
    """Choose the function that reads this column's cells; days come as numbers since 1970-01-01."""
    if column.kind == "date":
        return lambda text: cells.day(text, style.order, serials=style.serials)
    if column.kind == "flag":
        return cells.flag
    if column.kind == "share":
        return lambda text: cells.within(column, cells.share(text, style.sign))
    if column.kind == "id":
        return cells.identifier
    if column.kind == "text":
        return (lambda text: cells.choice(text, column.choices)) if column.choices else str
    return lambda text: cells.within(column, cells.number(text, style.sign, money=column.kind == "money"))


def _first_faults(table: Table, text: LongTable, parsed: Mapping[str, _Parsed]) -> Rows:
    """Find each row's first fault: the number of its column, one of those of the whole row, or -1."""
    first = np.full(len(text.rows), -1, dtype=np.int64)
    for which, word in enumerate(_totals(text)):
        first[(first < 0) & _says_total(word)] = _total(table) + which
    first[(first < 0) & _headers(text)] = _header(table)
    for n, column in enumerate(table.columns):
        if column.name in parsed:
            here = parsed[column.name]
            bad = np.array([fault is not None for fault in here.faults], dtype=bool)
            if bad.any():
                first[(first < 0) & bad[here.codes]] = n
    if table.name in _IN_ORDER and set(_IN_ORDER[table.name]) <= set(parsed):
        before, after = (parsed[name].values[parsed[name].codes].astype(float) for name in _IN_ORDER[table.name])
        first[(first < 0) & (after < before)] = _unordered(table)
    if table.name == "pins" and {"kind", "value"} <= set(parsed):
        kind, told = (parsed[name].values[parsed[name].codes] for name in ("kind", "value"))
        value = told.astype(float)
        first[(first < 0) & (kind == "service_target") & ~((value > 0) & (value < 1))] = _unordered(table)
    return first


def _totals(text: LongTable) -> Iterator[TextColumn]:
    """The columns whose word makes a row a total: what stands first, and the item."""
    yield text.first_cell
    if "item_id" in text.columns:
        yield text.columns["item_id"]


def _says_total(column: TextColumn) -> Mask:
    words = np.array([*(bool(_TOTAL.fullmatch(t)) for t in column.texts), False], dtype=bool)
    return np.asarray(words[column.codes], dtype=bool) if words.any() else np.zeros(len(column.codes), dtype=bool)


def _headers(text: LongTable) -> Mask:
    """Which rows repeat the header: every cell that is used is its own heading."""
    found = np.ones(len(text.rows), dtype=bool)
    named = [column for column in text.columns.values() if column.heading.strip()]
    for column in named:
        same = np.array([*(t.strip() == column.heading.strip() for t in column.texts), False], dtype=bool)
        if not same.any():
            return np.zeros(len(text.rows), dtype=bool)
        found &= same[column.codes]
    return found & bool(named)


def _unordered(table: Table) -> int:
    return len(table.columns)


def _header(table: Table) -> int:
    return len(table.columns) + 1


def _total(table: Table) -> int:
    """The first of the columns whose word makes a total; the others follow."""
    return len(table.columns) + 2


def _rejected(table: Table, text: LongTable, first: Rows, parsed: Mapping[str, _Parsed]) -> pd.DataFrame:
    parts = [rejections()]
    for n in np.unique(first[first >= 0]):
        at = np.flatnonzero(first == n)
        if n >= _total(table):
            column = [*_totals(text)][n - _total(table)]
            why: object = "a total, not a row of data; leave it out"
        elif n == _header(table):
            column = _telling(table, text)
            why = "the header again, not a row of data; leave it out"
        elif n == _unordered(table) and table.name == "pins":
            column = text.columns["value"]
            why = "a service target is a fraction between 0 and 1; write 0.95 for 95 %"
        elif n == _unordered(table):
            earlier, later = _IN_ORDER[table.name]
            column = text.columns[later]
            why = f"{later} lies before {earlier}; correct one of them"
        else:
            column = text.columns[table.columns[n].name]
            why = parsed[table.columns[n].name].faults[column.codes[at]]
            if text.headings is not None and column.heading:
                why = f"{shown(column.heading, 40)} " + why
        heading = text.headings.at(at) if text.headings is not None else column.heading
        parts.append(rejections(table, text.name, text.rows[at], heading, column.at(at), why))
    return pd.concat(parts, ignore_index=True)


def _telling(table: Table, text: LongTable) -> TextColumn:
    """The column in which a heading is least at home: one of numbers or dates."""
    there = [c for c in table.columns if c.name in text.columns and text.columns[c.name].heading]
    return text.columns[next((c.name for c in there if c.kind not in ("id", "text")), there[0].name)]


def _ragged(table: Table, name: str, broken: Sequence[Broken]) -> pd.DataFrame:
    if not broken:
        return rejections()
    whys = [
        f"the row has {b.cells} cells where the header has {b.expected}; quote cells that hold the delimiter"
        for b in broken
    ]
    return rejections(table, name, [b.row for b in broken], "", [f"{b.cells} cells" for b in broken], whys)


def rejections(
    table: Table | None = None,
    file: object = "",
    rows: object = (),
    column: object = "",
    value: object = "",
    reason: object = "",
) -> pd.DataFrame:
    """Rows of the result table `rejected`; values are cut to `VALUE_LENGTH` characters."""
    frame = pd.DataFrame(
        {
            "table": table.name if table else "",
            "file": file,
            "row": np.asarray(rows, dtype=np.int64),
            "column": column,
            "value": value,
            "reason": reason,
        }
    )
    text = [name for name in REJECTED_COLUMNS if name != "row"]
    frame[text] = frame[text].astype(object)
    frame["value"] = frame["value"].fillna("").str.slice(0, VALUE_LENGTH)
    return frame[list(REJECTED_COLUMNS)]


def _at(codes: Rows, rows: Rows) -> Rows:
    """The codes of these rows, which are in order; where that is all, they are not copied."""
    return codes if len(rows) == len(codes) else np.asarray(codes[rows], dtype=np.int64)


def _typed(column: Column, values: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    if column.kind != "date":
        return values
    days = values.astype(np.float64)
    known = np.where(np.isnan(days), np.iinfo(np.int64).min, days * 86_400)
    return known.astype(np.int64).view("datetime64[s]")


def absent(column: Column, length: int) -> pd.Series:
    """A column of which nothing is known, in the type it would have."""
    if column.kind == "date":
        return pd.Series(np.full(length, "NaT", dtype="datetime64[s]"))
    if column.kind in ("id", "text"):
        return pd.Series(np.full(length, None, dtype=object), dtype=object)
    return pd.Series(np.full(length, np.nan))
