"""Text + contract -> accepted rows, and rejected rows with reasons. Never silent: read = accepted + rejected."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from data import cells
from data.layouts import DATE_ORDERS, LongTable, TextColumn
from data.upload import Broken, shown
from planning.errors import InputError
from planning.tables import RESULT_TABLES, Column, Table

VALUE_LENGTH = 200
REJECTED_COLUMNS = RESULT_TABLES["rejected"].names

_TOTAL = re.compile(r"\s*(?:grand\s+|sub[\s-]*)?totals?\s*:?\s*", re.IGNORECASE)
_IN_ORDER: Mapping[str, tuple[str, str]] = {
    "receipts": ("ordered_on", "received_on"),
    "events": ("starts_on", "ends_on"),
}

Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Judged:
    """One file, judged against the contract.

    name      the file, as shown
    frame     the accepted rows in the order of the file: all contract columns, in contract order
    rows      the row in the file of each row of `frame`
    headings  by contract column: what the file calls it, for each row of `frame`
    rejected  the rejected rows, with the columns of the result table `rejected`
    counts    read, accepted, rejected
    notes     what a person should know
    """

    name: str
    frame: pd.DataFrame
    rows: Rows
    headings: Callable[[str, Rows], npt.NDArray[np.object_]]
    rejected: pd.DataFrame
    counts: dict[str, int]
    notes: tuple[str, ...]


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
    notes = list(text.notes)
    stripped = {name: _stripped(column) for name, column in text.columns.items()}
    sign = cells.decimal_sign(_texts(table, stripped, _is_numeric))
    orders = _date_orders(table, text, stripped)
    parsed = {}
    for column in table.columns:
        if column.name in stripped:
            own = cells.decimal_sign(stripped[column.name]) if _is_numeric(column) else None
            style = own or sign or "."
            parsed[column.name] = _parse(column, text, stripped[column.name], style, orders.get(column.name), notes)
            if _is_numeric(column) and own is None and sign is None:
                notes += _sign_note(text, column, stripped[column.name])
    first_fault, reasons = _faults(table, text, parsed)
    keep = first_fault < 0
    rejected = pd.concat([_rejected(table, text, first_fault, reasons), _ragged(table, text.name, broken)])
    accepted = np.flatnonzero(keep)
    return Judged(
        text.name,
        _frame(table, parsed, accepted),
        text.rows[accepted],
        lambda column, rows: text.heading(column, accepted[rows]),
        rejected,
        {"read": len(text.rows) + len(broken), "accepted": len(accepted), "rejected": len(rejected)},
        tuple(notes),
    )


def _is_numeric(column: Column) -> bool:
    return column.kind not in ("id", "text", "date", "flag")


def _stripped(column: TextColumn) -> list[str]:
    return [text.strip() for text in column.texts]


def _texts(table: Table, stripped: Mapping[str, list[str]], wanted: Callable[[Column], bool]) -> Iterable[str]:
    return (t for column in table.columns if wanted(column) for t in stripped.get(column.name, ()))


def _date_orders(table: Table, text: LongTable, stripped: Mapping[str, list[str]]) -> dict[str, str]:
    """How each date column writes day and month: said in the mapping, seen in the column, or seen in the file."""
    if text.date_order is not None and text.date_order not in DATE_ORDERS:
        msg = f"{text.name}: the mapping gives the dates as {shown(text.date_order)!r}; write one of {DATE_ORDERS}"
        raise InputError(msg)
    seen: dict[str, str | None] = {}
    faults = []
    for column in table.columns:
        if column.kind == "date" and column.name in stripped:
            try:
                seen[column.name] = text.date_order or cells.date_order(stripped[column.name])
            except cells.CellFault as fault:
                faults.append(f"{text.name}, column {_heading(text, column.name)!r}: {fault}")
    told = {order for order in seen.values() if order}
    of_file = next(iter(told)) if len(told) == 1 else None
    for name, order in seen.items():
        unclear = [t for t in stripped[name] if cells.depends_on_order(t)]
        if order is None and of_file is None and unclear:
            heading = _heading(text, name)
            row = _row_of(text, name, unclear[0])
            faults.append(
                f"{text.name}, row {row}, column {heading!r}: {unclear[0]!r} could be dd/mm/yyyy or mm/dd/yyyy; write the "
                f"dates as yyyy-mm-dd, or map {{{table.name!r}: {{{heading!r}: '{name}:dd/mm/yyyy'}}}}"
            )
    if faults:
        raise InputError("\n".join(faults))
    return {name: order or of_file or "" for name, order in seen.items()}


def _heading(text: LongTable, name: str) -> str:
    return shown(text.columns[name].heading, 40)


def _row_of(text: LongTable, name: str, stripped: str) -> int:
    column = text.columns[name]
    code = next(n for n, t in enumerate(column.texts) if t.strip() == stripped)
    return int(text.rows[np.argmax(column.codes == code)]) if name not in text.cell_columns else 1


def _sign_note(text: LongTable, column: Column, stripped: Sequence[str]) -> list[str]:
    unclear = next((t for t in stripped if cells.depends_on_sign(t)), None)
    if unclear is None:
        return []
    value = cells.number(unclear, money=True)
    return [f"{text.name}, column {_heading(text, column.name)!r}: {shown(unclear)!r} was read as {value:g}"]


def _parse(
    column: Column, text: LongTable, stripped: Sequence[str], sign: str, order: str | None, notes: list[str]
) -> _Parsed:
    """Read each distinct text once."""
    serials = column.kind == "date" and all(cells.is_serial(t) for t in stripped if t) and any(stripped)
    if serials:
        notes.append(f"{text.name}, column {_heading(text, column.name)!r}: read as a spreadsheet's serial numbers of days")
    read = cells.reader(column, sign=sign, order=order, serials=serials)
    is_text = column.kind in ("id", "text")
    values: list[float | str | None] = []
    faults: list[str | None] = []
    for t in (*stripped, ""):  # the last stands for "no cell", which codes of -1 reach
        value: float | str | None = None if is_text else np.nan
        fault = "is empty; fill it in" if not t and column.required else None
        if t:
            try:
                value = read(t)
            except cells.CellFault as unreadable:
                fault = str(unreadable)
        values.append(value)
        faults.append(fault)
    kind = object if is_text else np.float64
    return _Parsed(np.array(values, dtype=kind), np.array(faults, dtype=object), text.columns[column.name].codes)


def _faults(
    table: Table, text: LongTable, parsed: Mapping[str, _Parsed]
) -> tuple[Rows, dict[int, npt.NDArray[np.object_]]]:
    """Find each row's first fault: the number of its column (len(columns): a total), or -1; and the reasons by column."""
    first = np.full(len(text.rows), -1, dtype=np.int64)
    reasons: dict[int, npt.NDArray[np.object_]] = {}
    totals = np.array([*(bool(_TOTAL.fullmatch(t)) for t in text.first_cell.texts), False], dtype=bool)
    first[totals[text.first_cell.codes]] = len(table.columns)
    for n, column in enumerate(table.columns):
        if column.name not in parsed:
            continue
        here = parsed[column.name]
        reasons[n] = here.faults
        bad = np.array([fault is not None for fault in here.faults], dtype=bool)
        if bad.any():
            first[(first < 0) & bad[here.codes]] = n
    if table.name in _IN_ORDER and set(_IN_ORDER[table.name]) <= set(parsed):
        before, after = (parsed[name].values[parsed[name].codes] for name in _IN_ORDER[table.name])
        first[(first < 0) & (after < before)] = len(table.columns) + 1
    return first, reasons


def _rejected(
    table: Table, text: LongTable, first: Rows, reasons: Mapping[int, npt.NDArray[np.object_]]
) -> pd.DataFrame:
    parts = [rejections()]
    total, unordered = len(table.columns), len(table.columns) + 1
    for n in np.unique(first[first >= 0]):
        at = np.flatnonzero(first == n)
        if n == total:
            why = "a total, not a row of data; leave it out"
            part = rejections(table, text.name, text.rows[at], text.first_cell.heading, text.first_cell.at(at), why)
        elif n == unordered:
            earlier, later = _IN_ORDER[table.name]
            why = f"{later} lies before {earlier}; correct one of them"
            part = rejections(
                table, text.name, text.rows[at], text.heading(later, at), text.columns[later].at(at), why
            )
        else:
            name = table.columns[n].name
            column = text.columns[name]
            why = reasons[int(n)][column.codes[at]]
            part = rejections(table, text.name, text.rows[at], text.heading(name, at), column.at(at), why)
        parts.append(part)
    return pd.concat(parts, ignore_index=True) if len(parts) > 1 else parts[0]


def _ragged(table: Table, name: str, broken: Sequence[Broken]) -> pd.DataFrame:
    if not broken:
        return rejections()
    whys = [
        f"the row has {b.cells} cells where the header has {b.expected}; quote cells that hold the delimiter" for b in broken
    ]
    return rejections(table, name, [b.row for b in broken], "", [f"{b.cells} cells" for b in broken], whys)


def rejections(
    table: Table | None = None, file: object = "", rows: object = (), column: object = "", value: object = "", reason: object = ""
) -> pd.DataFrame:
    """Rows of the result table `rejected`; values are cut to `VALUE_LENGTH` characters."""
    frame = pd.DataFrame({
        "table": table.name if table else "",
        "file": file,
        "row": np.asarray(rows, dtype=np.int64),
        "column": column,
        "value": value,
        "reason": reason,
    })
    text = [name for name in REJECTED_COLUMNS if name != "row"]
    frame[text] = frame[text].astype(object)
    frame["value"] = frame["value"].fillna("").str.slice(0, VALUE_LENGTH)
    return frame[list(REJECTED_COLUMNS)]


def _frame(table: Table, parsed: Mapping[str, _Parsed], at: Rows) -> pd.DataFrame:
    return pd.DataFrame({
        column.name: _typed(column, parsed[column.name].values[parsed[column.name].codes[at]])
        if column.name in parsed
        else absent(column, len(at))
        for column in table.columns
    })


def _typed(column: Column, values: npt.NDArray[np.generic]) -> pd.Series:
    if column.kind != "date":
        return pd.Series(values)
    days = values.astype(np.float64)
    known = np.where(np.isnan(days), np.iinfo(np.int64).min, days * 86_400)
    return pd.Series(known.astype(np.int64).view("datetime64[s]"))


def absent(column: Column, length: int) -> pd.Series:
    """A column of which nothing is known, in the type it would have."""
    if column.kind == "date":
        return pd.Series(np.full(length, "NaT", dtype="datetime64[s]"))
    if column.kind in ("id", "text"):
        return pd.Series(np.full(length, None, dtype=object))
    return pd.Series(np.full(length, np.nan))
