"""Where a table begins: titles above the header, the header itself, and the delimiter that makes it one."""

import csv
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from statistics import median

from data.cells import is_date, is_number
from data.delimited import is_blank
from planning.tables import INPUT_TABLES

DELIMITERS = (",", ";", "\t", "|")
SAMPLE_ROWS = 50

_DATES_OF_A_WIDE_HEADER = 3


@cache
def _known() -> tuple[Callable[[str], str], frozenset[str]]:
    """How headings are compared, and those that the contract knows."""
    # Not at the top: the headings are read from tables of text, whose reader asks here where they begin.
    from data.headings import ALIASES, normalised

    names = {column for table in INPUT_TABLES.values() for column in table.names}
    return normalised, frozenset(normalised(name) for column in names for name in (column, *ALIASES.get(column, ())))


def known_headings(row: Sequence[str]) -> int:
    """How many cells of a row are the names of contract columns, or plain other names of them."""
    normalised, known = _known()
    return sum(normalised(cell) in known for cell in row)


def header_at(rows: Sequence[Sequence[str]]) -> int | None:
    """Find the header among the first rows of a file; None where all are blank.

    It is the first row that is not blank, unless that is a title: a row with few cells above a wider one that names
    columns.
    """
    filled = [sum(bool(cell.strip()) for cell in row) for row in rows]
    there = [n for n, count in enumerate(filled) if count]
    if not there:
        return None
    known = [known_headings(rows[n]) for n in there]
    for place, n in enumerate(there):
        if known[place] >= 2 and all(filled[earlier] < filled[n] for earlier in there[:place]):
            return n
    for place, n in enumerate(there):
        below = [filled[later] for later in there[place + 1 :]]
        if not below or 2 * filled[n] > median(below):
            return n if place == 0 or _names_columns(rows[n]) else there[0]
    return there[0]


def _names_columns(row: Sequence[str]) -> bool:
    cells = [cell.strip() for cell in row if cell.strip()]
    if sum(is_date(cell) for cell in cells) >= _DATES_OF_A_WIDE_HEADER:
        return True
    return len(cells) > 1 and not any(is_number(cell) or is_date(cell) for cell in cells)


def delimiter_of(lines: Sequence[str]) -> tuple[str, int | None]:
    """Decide the delimiter on the header, and check it on the rows below.

    Parameters
    ----------
    lines : the first lines of a file.

    Returns
    -------
    The delimiter, and which row is the header (None: all are blank).
    """
    best: tuple[tuple[float, int, int], str, int | None] | None = None
    for delimiter in DELIMITERS:
        rows = _sample(lines, delimiter)
        header = header_at(rows)
        if header is None:
            continue
        widths = [len(row) for row in rows[header:] if not is_blank(row)]
        if widths[0] < 2:
            continue
        alike = sum(abs(width - widths[0]) <= 1 for width in widths) / len(widths)
        score = (alike, known_headings(rows[header]), widths[0])
        if best is None or score > best[0]:
            best = score, delimiter, header
    if best is None:
        return DELIMITERS[0], header_at(_sample(lines, DELIMITERS[0]))
    return best[1:]


def _sample(lines: Sequence[str], delimiter: str) -> list[list[str]]:
    rows: list[list[str]] = []
    with suppress(csv.Error):  # the reading itself tells which row is torn
        rows.extend(csv.reader(lines, delimiter=delimiter))
    return rows
