"""What a file may be, guessed by its headings and cells, each guess with a confidence and its reason."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from data import cells
from data.headings import ALIASES, KNOWN, normalised
from data.layouts import wide_columns
from data.privacy import is_personal
from data.upload import TextTable
from planning.tables import INPUT_TABLES, Column, Table

SURE_ENOUGH = 0.5
"""Below it a file is not read before a person has said what it is."""

_BY_NAME, _BY_ALIAS, _BY_WORD, _BY_CELLS, _BY_CHANCE, _BY_SHAPE = 1.0, 0.9, 0.6, 0.4, 0.3, 0.8
_ONE_OF_SEVERAL, _WEAKLY = 0.7, 0.5
_SAMPLE = 200
_CODES = re.compile(r"sku|code|number|no$|id$")
_WEAK = frozenset({("on_hand", "qty"), ("on_hand", "quantity"), ("on_hand", "units"), ("as_of", "date")})
_ITEM_WORDS = "item sku product article artikel material code part upc ean barcode produit producto"
_UNIT_WORDS = "qty quantity units sold sales pieces pcs stock hand menge bestand anzahl verkauf cantidad quantite"
_DAY_WORDS = "date day week datum fecha time"
_STOCK_WORDS = "stock inventory hand soh available bestand existencias"
_WORDS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "id": frozenset(_ITEM_WORDS.split()),
        "units": frozenset(_UNIT_WORDS.split()),
        "date": frozenset(_DAY_WORDS.split()),
        "on_hand": frozenset(_STOCK_WORDS.split()),
    }
)
_NOT_NOW = frozenset({"start", "opening", "begin", "missed", "lost", "per", "min", "max", "value", "cost", "price"})
"""Words in a heading that make it something other than the quantity that is asked for."""
_HINTS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "forecasts": frozenset({"forecast", "plan", "scenario", "predicted", "projected"}),
        "open_orders": frozenset({"po", "purchase"}),
        "customer_orders": frozenset({"customer", "client"}),
    }
)


@dataclass(frozen=True)
class ColumnGuess:
    """Which contract column a heading means.

    confidence  from 0 to 1
    reason      "name", "other name", "word", "cells", "shape", "known export", "by hand" or "remembered"
    """

    heading: str
    column: str
    confidence: float
    reason: str


@dataclass(frozen=True)
class TableGuess:
    """What a file may be: a table, its columns, how sure that is, and whether it is wide ("date", "location" or "")."""

    table: str
    columns: tuple[ColumnGuess, ...]
    confidence: float
    score: float
    wide: str = ""

    @property
    def mapping(self) -> dict[str, str]:
        """{heading: contract column} of what was found."""
        return {guess.heading: guess.column for guess in self.columns if guess.heading}


class _Looks:
    """What the cells of a file's columns look like, each column looked at once."""

    def __init__(self, text: TextTable) -> None:
        self.text = text
        self._seen: dict[int, frozenset[str]] = {}

    def suits(self, column: Column, n: int) -> bool:
        """Whether most of the cells could be this column's."""
        if n not in self._seen:
            self._seen[n] = self._kinds(n)
        return column.kind in self._seen[n]

    def _kinds(self, n: int) -> frozenset[str]:
        texts = _sample(self.text, n)
        if not texts or cells.is_date(self.text.columns[n]):
            return frozenset()
        if 10 * sum(cells.is_date(t) for t in texts) >= 8 * len(texts):
            return frozenset({"date"})
        numbers = 10 * sum(cells.is_number(t) for t in texts) >= 8 * len(texts)
        return frozenset({"id", "units"} if numbers else {"id"})


def guess_tables(text: TextTable) -> list[TableGuess]:
    """Return what a file may be, the likeliest first; empty where nothing fits.

    Names count most, then other names, then words in a heading, then what the cells look like.
    """
    looks = _Looks(text)
    found = [guess for table in INPUT_TABLES.values() if (guess := guess_columns(table, text, looks)) is not None]
    return sorted(found, key=lambda guess: (guess.confidence < SURE_ENOUGH, -guess.score))


def in_doubt(guesses: Sequence[TableGuess]) -> bool:
    """Whether only a person can know what a file is: no guess is sure enough, or supply looks like demand."""
    if not guesses or guesses[0].confidence < SURE_ENOUGH:
        return True
    alike = {guess.table for guess in guesses if guess.score == guesses[0].score}
    return {"open_orders", "customer_orders"} <= alike


def guess_columns(table: Table, text: TextTable, looks: _Looks | None = None) -> TableGuess | None:
    """Return how a file would be this table; None where a required column is missing or only the key is there."""
    looks = looks or _Looks(text)
    taken: dict[str, tuple[int, ColumnGuess]] = {}
    for column in table.columns:
        _by_heading(column, text, taken)
    wide = wide_columns(table, text, {c: n for c, (n, _) in taken.items()})
    if wide is not None:
        across, value, at = wide
        if not _fits_wide(table, text, value, at):
            return None
        sure = _shape_confidence(text, across, at)
        taken.pop(value, None)
        taken |= {name: (-1, ColumnGuess("", name, sure, "shape")) for name in (across, value)}
    for column in table.columns:
        if column.required and column.name not in taken:
            _by_cells(column, looks, taken)
    guesses = {name: guess for name, (_, guess) in taken.items()}
    if any(name not in guesses for name in table.required_names) or not set(guesses) - set(table.key):
        return None
    weights = {c.name: 2 if c.required else 1 for c in table.columns}
    named = {name: 1 if guess.confidence <= _BY_WORD else weights[name] for name, guess in guesses.items()}
    score = sum(named[name] * guess.confidence for name, guess in guesses.items()) + _hint(table, text)
    sure = min(guesses[name].confidence for name in table.required_names) if table.required_names else 0.5
    order = tuple(guesses[name] for name in table.names if name in guesses)
    return TableGuess(table.name, order, sure, score, wide[0].removesuffix("_id") if wide else "")


def _by_heading(column: Column, text: TextTable, taken: dict[str, tuple[int, ColumnGuess]]) -> None:
    """Take the heading that is the column's name, or else a plain other name; of several the one most like a code."""
    used = {n for n, _ in taken.values()}
    free = {normalised(h): n for n, h in reversed(list(enumerate(text.columns))) if h and n not in used}
    others = [name for alias in ALIASES.get(column.name, ()) if (name := normalised(alias)) in free]
    own = normalised(column.name)
    if own in free:
        name, sure, reason = own, _BY_NAME, "name"
    elif others:
        # An item's own name may stand beside its code: "Item" and "SKU".
        name = next((o for o in others if column.kind == "id" and _CODES.search(o)), others[0])
        sure, reason = (_BY_ALIAS if len(others) == 1 else _ONE_OF_SEVERAL), "other name"
        sure = _WEAKLY if (column.name, name) in _WEAK else sure
    else:
        return
    taken[column.name] = free[name], ColumnGuess(text.columns[free[name]], column.name, sure, reason)


def _fits_wide(table: Table, text: TextTable, value: str, at: Sequence[int]) -> bool:
    """Whether the cells of a wide file look like this table's: flags for availability, numbers for the others."""
    texts = [t for n in at[:20] for t in _sample(text, n)]
    flags = sum(t.casefold() in ("true", "false", "yes", "no") for t in texts)
    numbers = [_value(t) for t in texts if cells.is_number(t)]
    # Shares of the shelf lie between 0 and 1 and are mostly 1; sales are that only by the rarest chance.
    shares = len(numbers) == len(texts) and all(0 <= v <= 1 for v in numbers) and 2 * sum(numbers) > len(numbers)
    return (shares or 2 * flags > len(texts)) == (table.by_name[value].kind == "share") or not texts


def _value(text: str) -> float:
    """The number of a text that is one, whichever its decimal sign; NaN where it is too large."""
    try:
        return cells.number(text, cells.decimal_sign([text]) or ".")
    except cells.CellError:
        return math.nan


def _shape_confidence(text: TextTable, across: str, at: Sequence[int]) -> float:
    if across == "date":
        return _BY_SHAPE
    left = sum(normalised(h) not in KNOWN and not is_personal(h) for h in text.columns if h)
    return 0.7 if len(at) > 1 and len(at) >= left else 0.2


def _by_cells(column: Column, looks: _Looks, taken: dict[str, tuple[int, ColumnGuess]]) -> None:
    """Take the free column whose heading and cells suit best."""
    used = {n for n, _ in taken.values()}
    best: tuple[float, int] = (0.0, -1)
    for n, heading in enumerate(looks.text.columns):
        if not heading or n in used or is_personal(heading) or not looks.suits(column, n):
            continue
        words = set(re.findall(r"[a-z]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", heading).casefold()))
        if column.kind == "units" and words & _NOT_NOW:
            continue
        fitting = _WORDS.get(column.name) or _WORDS.get(column.kind, frozenset())
        sure = _BY_WORD if words & fitting else _BY_CELLS if column.kind == "date" else _BY_CHANCE
        if sure > best[0]:
            best = sure, n
    if best[1] >= 0:
        heading = looks.text.columns[best[1]]
        reason = "word" if best[0] == _BY_WORD else "cells"
        taken[column.name] = best[1], ColumnGuess(heading, column.name, best[0], reason)


def _sample(text: TextTable, n: int) -> list[str]:
    return [t.strip() for t in text.cells[n].slice(0, _SAMPLE).to_pylist() if t and t.strip()]


def _hint(table: Table, text: TextTable) -> float:
    words = {word for heading in text.columns for word in re.findall(r"[a-z]+", heading.casefold())}
    return 0.5 if words & _HINTS.get(table.name, frozenset()) else 0.0
