"""How a file writes numbers and dates: decided over a whole column, then over the file, never cell by cell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from data import cells
from data.layouts import LongTable
from data.upload import shown
from planning.errors import InputError
from planning.tables import Column, Table

Texts = Mapping[str, Sequence[str]]

_NO_NUMBERS = ("id", "text", "date", "flag")


@dataclass(frozen=True)
class Style:
    """How one column is written: its decimal sign, the order of day and month, whether dates are serial numbers."""

    sign: str = "."
    order: str | None = None
    serials: bool = False


def decide_styles(table: Table, text: LongTable, stripped: Texts) -> tuple[dict[str, Style], list[str]]:
    """Decide how each column of a file is written.

    Parameters
    ----------
    table : the contract.
    text : the file.
    stripped : by contract column, its distinct texts without surrounding spaces.

    Returns
    -------
    A style for each column that the file has; notes on what could have been read otherwise.

    Raises
    ------
    InputError : dates could be read in two ways; one line a column.
    """
    present = [column for column in table.columns if column.name in stripped]
    numbers = [column for column in present if column.kind not in _NO_NUMBERS]
    dates = [column for column in present if column.kind == "date"]
    orders = _date_orders(table, text, dates, stripped)
    signs = {column.name: cells.decimal_sign(stripped[column.name]) for column in numbers}
    of_file = _only(signs)
    styles = {column.name: Style() for column in present}
    notes: list[str] = []
    for column in numbers:
        sign = signs[column.name] or of_file
        styles[column.name] = Style(sign or ".")
        if sign is None:
            notes += _unclear_number(text, column, stripped[column.name])
    for column in dates:
        serials = any(stripped[column.name]) and all(cells.is_serial(t) for t in stripped[column.name] if t)
        styles[column.name] = Style(order=orders[column.name], serials=serials)
        if serials:
            notes.append(f"{_column(text, column.name)}: read as a spreadsheet's serial numbers of days")
    return styles, notes


def _only(told: Mapping[str, str | None]) -> str | None:
    """What all columns that tell anything tell alike."""
    ways = {way for way in told.values() if way}
    return ways.pop() if len(ways) == 1 else None


def _column(text: LongTable, name: str) -> str:
    return f"{text.name}, column {shown(text.columns[name].heading or name, 40)!r}"


def _unclear_number(text: LongTable, column: Column, stripped: Sequence[str]) -> list[str]:
    unclear = next((t for t in stripped if cells.depends_on_sign(t)), None)
    if unclear is None:
        return []
    value = cells.number(unclear, money=True)
    return [f"{_column(text, column.name)}: {shown(unclear)!r} was read as {value:g}, and others like it"]


def _date_orders(table: Table, text: LongTable, dates: Sequence[Column], stripped: Texts) -> dict[str, str | None]:
    """How each date column orders day and month: as the mapping says, the column shows, or the file shows."""
    faults: list[str] = []
    shows: dict[str, str | None] = {}
    if text.date_order not in (None, *cells.DATE_ORDERS):
        allowed = " or ".join(cells.DATE_ORDERS)
        faults.append(f"{text.name}: the mapping says that dates are {shown(text.date_order)!r}; write {allowed}")
    for name in (column.name for column in dates):
        try:
            shows[name] = text.date_order or cells.date_order(stripped[name])
        except cells.CellError as fault:
            faults.append(f"{_column(text, name)}: {fault}; {_remedy(table, text, name)}")
    of_file = _only(shows)
    for name, order in shows.items():
        unclear = next((t for t in stripped[name] if cells.depends_on_order(t)), None)
        if unclear and not (order or of_file):
            faults.append(
                f"{text.name}, row {_row_of(text, name, stripped[name].index(unclear))}, column "
                f"{shown(text.columns[name].heading or unclear, 40)!r}: {unclear!r} could be dd/mm/yyyy or mm/dd/yyyy; "
                f"{_remedy(table, text, name)}"
            )
    if faults:
        raise InputError("\n".join(faults))
    return {name: order or of_file for name, order in shows.items()}


def _remedy(table: Table, text: LongTable, name: str) -> str:
    heading = text.columns[name].heading
    wish = f", or map {{{table.name!r}: {{{shown(heading, 40)!r}: '{name}:dd/mm/yyyy'}}}} (or mm/dd/yyyy)"
    return f"write the dates as yyyy-mm-dd{wish if heading else ''}"


def _row_of(text: LongTable, name: str, code: int) -> int:
    """The first row in which a text stands; the headings of a wide file stand in row 1."""
    column = text.columns[name]
    return int(text.rows[np.argmax(column.codes == code)]) if column.heading else 1
