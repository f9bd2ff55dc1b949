"""What a known export gives: parts, each one contract table, made from a file's columns."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from data import cells
from data.headings import normalised
from data.layouts import Codes, LongTable, TextColumn, Texts, encoded
from data.upload import TextTable
from data.validate import rejections
from planning.tables import INPUT_TABLES

Mask = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.float64]

_TIME = re.compile(r"[T ]\s*[0-9]{1,2}:[0-9]{2}.*")
UNDATED = (
    "has no date of arrival in this export, so no plan can count on it; say on which day it arrives when the file is "
    "read, or bring the purchase orders with their due dates"
)


@dataclass(frozen=True)
class Aside:
    """Rows that a rule of the export sets aside: which, the column at fault, what stands there, and why."""

    rows: Mask
    heading: str
    values: Texts
    reason: str


@dataclass(frozen=True)
class Part:
    """One contract table that a file gives.

    table    the contract's table
    text     its rows, still text
    aside    rows of the file that the export's rules set aside, as rejected rows
    adds_up  whether rows of one key are parts of one quantity: lots, bins, order lines
    spare    whether it counts only where no other file gives the table
    undated  whether its rows lack only a due date, which a person can tell
    """

    table: str
    text: LongTable
    aside: pd.DataFrame = field(default_factory=rejections)
    adds_up: bool = False
    spare: bool = False
    undated: bool = False


class Sheet:
    """A file's columns, found by their normalised headings."""

    def __init__(self, text: TextTable) -> None:
        self.text = text
        self.at: dict[str, int] = {}
        for n, heading in enumerate(text.columns):
            self.at.setdefault(normalised(heading), n)

    def __len__(self) -> int:
        return len(self.text.rows)

    def has(self, *names: str) -> bool:
        """Whether the file has all of these headings; `a|b` is one of the two."""
        return all(any(option in self.at for option in name.split("|")) for name in names)

    def heading(self, names: str) -> str:
        """What the file calls the first of these columns that it has."""
        hit = next((name for name in names.split("|") if name in self.at), None)
        return "" if hit is None else self.text.columns[self.at[hit]]

    def column(self, names: str) -> TextColumn | None:
        """The first of these columns that the file has, each text without surrounding spaces."""
        hit = next((name for name in names.split("|") if name in self.at), None)
        if hit is None:
            return None
        found = encoded(self.text.columns[self.at[hit]], self.text.cells[self.at[hit]])
        return TextColumn(found.heading, np.array([t.strip() for t in found.texts], dtype=object), found.codes)

    def texts(self, names: str) -> Texts:
        """The text in each row; empty where there is none."""
        found = self.column(names)
        if found is None:
            return np.full(len(self), "", dtype=object)
        return np.array([*found.texts, ""], dtype=object)[found.codes]

    def numbers(self, names: str) -> Numbers:
        """The number in each row; NaN where there is none."""
        return as_numbers(self.texts(names))

    def filled_down(self, names: str, group: Texts) -> Texts:
        """The first text that stands in any row of a group, in each row of it."""
        texts = pd.Series(self.texts(names), dtype=object)
        first = texts.where(texts != "").groupby(group, sort=False).transform("first")
        return first.fillna("").to_numpy(dtype=object)


def as_numbers(texts: Texts) -> Numbers:
    """Read texts as numbers; NaN where a text is none."""
    codes, distinct = pd.factorize(texts)
    sign = cells.decimal_sign(distinct) or "."
    values = np.full(len(distinct) + 1, np.nan)
    for n, text in enumerate(distinct):
        try:
            values[n] = cells.number(text, sign, money=True)
        except cells.CellError:
            continue
    return values[codes]


def derived(heading: str, values: Texts | Numbers) -> TextColumn:
    """A column that is computed from others; a number is written out, NaN is empty."""
    codes, distinct = pd.factorize(values, use_na_sentinel=False)
    if values.dtype == np.float64:
        return TextColumn(heading, np.array(["" if np.isnan(v) else f"{v:.15g}" for v in distinct], object), codes)
    return TextColumn(heading, np.array(distinct, dtype=object), codes.astype(np.int64))


def constant(text: str, length: int) -> TextColumn:
    """The same text in every row."""
    return TextColumn("", np.array([text], dtype=object), np.zeros(length, dtype=np.int64))


def joined(*parts: Texts, by: str = " / ") -> Texts:
    """The filled ones of several texts, row by row."""
    frame = np.stack(parts, axis=1)
    return np.array([by.join(t for t in row if t) for row in frame], dtype=object)


def make_part(
    sheet: Sheet,
    table: str,
    columns: Mapping[str, TextColumn | None],
    *,
    keep: Mask | None = None,
    aside: Sequence[Aside] = (),
    notes: Sequence[str] = (),
    adds_up: bool = False,
    spare: bool = False,
    undated: bool = False,
) -> Part:
    """Gather a part: the rows that `keep` names, less those set aside, each with its first reason."""
    left = np.ones(len(sheet), dtype=bool) if keep is None else keep.copy()
    contract, told = INPUT_TABLES[table], [rejections()]
    for a in aside:
        at = np.flatnonzero(left & a.rows)
        left[at] = False
        if len(at):
            told.append(rejections(contract, sheet.text.name, sheet.text.rows[at], a.heading, a.values[at], a.reason))
    at = np.flatnonzero(left)
    there = {name: _at(column, at) for name, column in columns.items() if column is not None}
    first = _at(encoded(sheet.text.columns[0], sheet.text.cells[0]), at)
    long = LongTable(
        sheet.text.name,
        {name: there[name] for name in contract.names if name in there},
        sheet.text.rows[at],
        first,
        notes=tuple(f"{sheet.text.name}: {note}" for note in notes),
    )
    return Part(table, long, pd.concat(told, ignore_index=True), adds_up, spare, undated)


def _at(column: TextColumn, rows: Codes) -> TextColumn:
    return TextColumn(column.heading, column.texts, column.codes[rows])


def locations_part(sheet: Sheet, places: Texts, heading: str, keep: Mask) -> Part:
    """Each location once, where it stands first."""
    first = ~pd.Series(places).duplicated().to_numpy() if keep.all() else _first(places, keep)
    named = first & keep & (places != "")
    return make_part(sheet, "locations", {"location_id": derived(heading, places)}, keep=named, spare=True)


def _first(places: Texts, keep: Mask) -> Mask:
    first = np.zeros(len(places), dtype=bool)
    at = np.flatnonzero(keep)
    first[at[~pd.Series(places[at]).duplicated().to_numpy()]] = True
    return first


def undated_part(
    sheet: Sheet, items: TextColumn, units: Numbers, heading: str, places: TextColumn | None = None
) -> Part | None:
    """Open orders of which the export does not say when they arrive; None where there are none."""
    coming = units > 0
    if not coming.any():
        return None
    total, count = units[coming].sum(), int(coming.sum())
    columns = {"item_id": items, "quantity": derived(heading, units), "location_id": places}
    note = f"{heading}, on the way without a date of arrival: {total:,.0f} units, rows: {count:,}"
    return make_part(sheet, "open_orders", columns, keep=coming, notes=[note], adds_up=True, undated=True)


def add_up(part: Part) -> tuple[Part, int]:
    """Add up the rows of one key that are parts of one quantity: the lines of an order, lots, bins.

    Parameters
    ----------
    part : what an export gives; without `adds_up` it stays as it is.

    Returns
    -------
    The part, one row a key; how many of its rows went into others. An order line that repeats another to the letter
    counts once, as everywhere. Rows with a quantity that is no number stay, to be judged.
    """
    table, long = INPUT_TABLES[part.table], part.text
    keys = [name for name in (*table.key, "date", "location_id", "channel") if name in long.columns]
    units = [c.name for c in table.columns if c.kind == "units" and c.name in long.columns]
    if not part.adds_up or not len(long.rows) or not units:
        return part, 0
    cells_of = {name: _cells(column, name) for name, column in long.columns.items()}
    group = _group([cells_of[name] for name in dict.fromkeys(keys)])
    values = {name: as_numbers(_written(long.columns[name])) for name in units}
    alone = np.any([np.isnan(v) & (_written(long.columns[n]) != "") for n, v in values.items()], axis=0)
    if table.repeats == "keep":
        alone |= _written(long.columns[table.key[0]]) == "" if table.key[0] in long.columns else True
    group = np.where(alone, len(group) + np.arange(len(group)), group)
    repeat = np.zeros(len(group), dtype=bool)
    if table.repeats == "keep":
        repeat = ~alone & pd.Series(_group(list(cells_of.values()))).duplicated().to_numpy()
    first = np.zeros(len(group), dtype=bool)
    first[np.unique(group, return_index=True)[1]] = True
    more = int((~first & ~repeat).sum())
    if not more and not repeat.any():
        return part, 0
    notes = [f"rows added to another row of the same {' and '.join(table.key[:2])}: {more:,}"] if more else []
    notes += [f"rows that repeat another row exactly and count once: {int(repeat.sum()):,}"] if repeat.any() else []
    at = np.flatnonzero(first)
    summed = replace(
        long,
        columns=_summed(long, values, group, repeat, first),
        rows=long.rows[at],
        first_cell=_at(long.first_cell, at),
        headings=None if long.headings is None else _at(long.headings, at),
        notes=(*long.notes, *(f"{long.name}: {note}" for note in notes)),
    )
    return replace(part, text=summed), int((~first).sum())


def _summed(
    long: LongTable, values: Mapping[str, Numbers], group: Codes, repeat: Mask, first: Mask
) -> dict[str, TextColumn]:
    """The columns of the first row of each group, its units added up and its price their mean."""
    at, place = np.flatnonzero(first), pd.factorize(group)[0]
    many = np.bincount(place[~repeat], minlength=len(at)) > 1
    columns = {}
    for name, column in long.columns.items():
        if name in values:
            columns[name] = _rewritten(column, at, many, _sums(values[name], place, repeat))
        elif name == "unit_price" and "quantity" in values:
            price = as_numbers(_written(column))
            spent = _sums(price * values["quantity"], place, repeat)
            with np.errstate(divide="ignore", invalid="ignore"):
                mean = spent / _sums(np.where(np.isnan(price), np.nan, values["quantity"]), place, repeat)
            good = np.isfinite(mean) & (mean >= 0)
            columns[name] = _rewritten(column, at, many & good, mean)
        else:
            columns[name] = _at(column, at)
    return columns


def _sums(values: Numbers, place: Codes, repeat: Mask) -> Numbers:
    return np.bincount(place, weights=np.where(repeat, 0.0, np.nan_to_num(values))).astype(np.float64)


def _rewritten(column: TextColumn, at: Codes, many: Mask, values: Numbers) -> TextColumn:
    """The first row's text, or the new value where a group has several rows."""
    told = _written(column)[at]
    told[many] = [f"{value:.15g}" for value in values[many]]
    return derived(column.heading, told)


def _written(column: TextColumn) -> Texts:
    return np.array([*(t.strip() for t in column.texts), ""], dtype=object)[column.codes]


def _cells(column: TextColumn, name: str) -> Codes:
    """One number a distinct text, surrounding spaces aside, and of a date its time too."""
    texts = [_TIME.sub("", t.strip()) if name == "date" else t.strip() for t in column.texts]
    codes = pd.factorize(np.array([*texts, ""], dtype=object))[0]
    return np.asarray(codes[column.codes], dtype=np.int64)


def _group(columns: Sequence[Codes]) -> Codes:
    """One number a distinct row, in order of first appearance."""
    combined = np.zeros(len(columns[0]), dtype=np.int64)
    for codes in columns:
        combined = pd.factorize(combined * (int(codes.max(initial=0)) + 1) + codes)[0].astype(np.int64)
    return combined
