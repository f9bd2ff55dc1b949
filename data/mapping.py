"""What an unknown file is, guessed by headings and cells with a confidence; what a person confirmed; what to ask."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType

from data import cells
from data.headings import ALIASES, normalised
from data.layouts import LongTable, wide_columns
from data.privacy import is_personal
from data.upload import TextTable, shown
from planning.errors import InputError
from planning.tables import INPUT_TABLES, Column, Table

SURE_ENOUGH = 0.5
"""Below it a file is not read before a person has said what it is."""

_BY_NAME, _BY_ALIAS, _BY_WORD, _BY_CELLS, _BY_CHANCE, _BY_SHAPE = 1.0, 0.9, 0.6, 0.4, 0.3, 0.8
_SAMPLE = 500
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
        "customer_orders": frozenset({"customer", "client"}),
    }
)


# --- what a person confirmed ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Choice:
    """What a person says of a file.

    table       the contract's table; empty: as recognised
    mapping     {heading in the file: contract column}; an empty target leaves a column out
    date_order  "dd/mm/yyyy" or "mm/dd/yyyy", for dates that could be both
    due_on      the day on which open orders without a date arrive, as yyyy-mm-dd
    skip        leave the file out
    """

    table: str = ""
    mapping: Mapping[str, str] = field(default_factory=dict)
    date_order: str = ""
    due_on: str = ""
    skip: bool = False

    def __post_init__(self) -> None:
        if self.table and self.table not in INPUT_TABLES:
            msg = f"{shown(self.table)!r} is no table; the tables are {', '.join(INPUT_TABLES)}"
            raise InputError(msg)
        if self.date_order not in ("", *cells.DATE_ORDERS):
            msg = f"{shown(self.date_order)!r} is no order of day and month; write {' or '.join(cells.DATE_ORDERS)}"
            raise InputError(msg)
        if self.due_on and not _is_iso(self.due_on):
            msg = f"{shown(self.due_on)!r} is not a date; write it as yyyy-mm-dd"
            raise InputError(msg)
        columns = INPUT_TABLES[self.table].names if self.table else ()
        for heading, target in self.mapping.items():
            if target and target not in columns:
                msg = f"{shown(heading)!r}: {shown(target)!r} is no column of {self.table or 'a chosen table'}"
                raise InputError(msg)

    def as_json(self) -> str:
        """The choice as text, to be kept for the next file with the same header; a day is not kept."""
        kept = {"table": self.table, "mapping": dict(self.mapping), "date_order": self.date_order}
        return json.dumps(kept, ensure_ascii=True, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Choice":
        """Read what `as_json` wrote.

        Raises
        ------
        InputError : it is something else.
        """
        try:
            kept = json.loads(text)
            table, mapping, order = kept["table"], kept["mapping"], kept["date_order"]
            parts = [table, order, *mapping, *mapping.values()]
        except (ValueError, KeyError, TypeError, AttributeError):
            parts = [None]
        if not all(isinstance(part, str) for part in parts):
            msg = "the remembered mapping cannot be read; match the columns again"
            raise InputError(msg)
        return cls(table, mapping, order)


def _is_iso(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def mapping_key(headings: Sequence[str]) -> str:
    """Return what files of the same header share: the hash of their headings, in order, however written."""
    plain = json.dumps([normalised(heading) for heading in headings])
    return hashlib.sha256(plain.encode()).hexdigest()[:32]


# --- what to ask ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Question:
    """Something that only a person can know.

    file      the file, as shown; a `Choice` under this name, or under `key`, answers
    key       the key of its header
    about     "date_order" or "table": the field of the `Choice` that answers
    column    the heading in question; empty where it is the whole file
    examples  what stands there
    choices   the answers to choose from
    text      the question, in words
    """

    file: str
    key: str
    about: str
    column: str
    examples: tuple[str, ...]
    choices: tuple[str, ...]
    text: str


class NeedsAnswer(InputError):  # noqa: N818
    """The files cannot be read before a person has answered; `questions` says what."""

    def __init__(self, questions: Sequence[Question]) -> None:
        super().__init__("\n".join(question.text for question in questions))
        self.questions = tuple(questions)


def ask_date_order(table: Table, long: LongTable, key: str) -> Question | None:
    """Ask for the order of day and month where no date of the file tells it."""
    if long.date_order is not None:
        return None
    unclear: tuple[str, list[str]] | None = None
    for column in table.columns:
        if column.kind != "date" or column.name not in long.columns:
            continue
        found = long.columns[column.name]
        texts = [t.strip() for t in found.texts]
        try:
            order = cells.date_order(texts)
        except cells.CellError:
            return None
        if order:
            return None
        doubtful = [t for t in texts if cells.depends_on_order(t)]
        if doubtful and unclear is None:
            unclear = found.heading, doubtful
    if unclear is None:
        return None
    heading, doubtful = unclear
    where = f"column {shown(heading, 40)!r}" if heading else "the headings"
    text = f"{long.name}, {where}: is {doubtful[0]!r} dd/mm/yyyy or mm/dd/yyyy?"
    return Question(long.name, key, "date_order", heading, tuple(doubtful[:3]), cells.DATE_ORDERS, text)


def ask_table(text: TextTable, key: str, likely: Sequence[str]) -> Question:
    """Ask what a file holds; the likely tables stand first."""
    choices = (*likely, *(name for name in INPUT_TABLES if name not in likely))
    headings = tuple(shown(heading, 30) for heading in text.columns[:8])
    told = f"{text.name}: what does this file hold? Its headings are {', '.join(map(repr, headings))}"
    return Question(text.name, key, "table", "", headings, choices, told)


# --- what a file may be ---------------------------------------------------------------------------------------------


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


def guess_tables(text: TextTable) -> list[TableGuess]:
    """Return what a file may be, the likeliest first; empty where nothing fits.

    Names count most, then other names, then words in a heading, then what the cells look like.
    """
    found = [guess for table in INPUT_TABLES.values() if (guess := guess_columns(table, text)) is not None]
    return sorted(found, key=lambda guess: (guess.confidence < SURE_ENOUGH, -guess.score))


def in_doubt(guesses: Sequence[TableGuess]) -> bool:
    """Whether only a person can know what a file is: no guess is sure enough, or supply looks like demand."""
    if not guesses or guesses[0].confidence < SURE_ENOUGH:
        return True
    alike = {guess.table for guess in guesses if guess.score == guesses[0].score}
    return {"open_orders", "customer_orders"} <= alike


def guess_columns(table: Table, text: TextTable) -> TableGuess | None:
    """Return how a file would be this table; None where a required column is missing or only the key is there."""
    taken: dict[str, tuple[int, ColumnGuess]] = {}
    for column in table.columns:
        _by_heading(column, text, taken)
    wide = wide_columns(table, text, {c: n for c, (n, _) in taken.items()})
    if wide is not None:
        across, value, at = wide
        if not _fits_wide(table, text, value, at):
            return None
        sure = _shape_confidence(text, across, at, taken)
        taken.pop(value, None)
        taken |= {name: (-1, ColumnGuess("", name, sure, "shape")) for name in (across, value)}
    for column in table.columns:
        if column.required and column.name not in taken:
            _by_cells(column, text, taken)
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
    free = {n: normalised(h) for n, h in enumerate(text.columns) if h and n not in {m for m, _ in taken.values()}}
    names = [(normalised(column.name), _BY_NAME, "name")]
    names += [(normalised(a), _BY_ALIAS, "other name") for a in ALIASES.get(column.name, ())]
    for name, sure, reason in names:
        hit = next((n for n, free_name in free.items() if free_name == name), None)
        if hit is not None:
            sure = 0.5 if (column.name, name) in _WEAK else sure
            taken[column.name] = hit, ColumnGuess(text.columns[hit], column.name, sure, reason)
            return


def _fits_wide(table: Table, text: TextTable, value: str, at: Sequence[int]) -> bool:
    """Whether the cells of a wide file look like this table's: flags for availability, numbers for the others."""
    texts = [t for n in at[:20] for t in _sample(text, n)]
    flags = sum(t.casefold() in ("true", "false", "yes", "no") for t in texts)
    numbers = [_value(t) for t in texts if cells.is_number(t)]
    # Shares of the shelf lie between 0 and 1 and are mostly 1; sales are that only by the rarest chance.
    shares = len(numbers) == len(texts) and all(0 <= v <= 1 for v in numbers) and 2 * sum(numbers) > len(numbers)
    return (shares or 2 * flags > len(texts)) == (table.by_name[value].kind == "share") or not texts


def _value(text: str) -> float:
    """The number of a text that is one, whichever its decimal sign."""
    return cells.number(text, cells.decimal_sign([text]) or ".")


def _shape_confidence(text: TextTable, across: str, at: Sequence[int], taken: Mapping[str, object]) -> float:
    if across == "date":
        return _BY_SHAPE
    left = sum(1 for heading in text.columns if heading and not is_personal(heading)) - len(taken)
    return 0.7 if len(at) > 1 and len(at) >= left else 0.2


def _by_cells(column: Column, text: TextTable, taken: dict[str, tuple[int, ColumnGuess]]) -> None:
    """Take the free column whose heading and cells suit best."""
    used = {n for n, _ in taken.values()}
    best: tuple[float, int] = (0.0, -1)
    for n, heading in enumerate(text.columns):
        if not heading or n in used or is_personal(heading) or not _suits(column, _sample(text, n)):
            continue
        words = set(re.findall(r"[a-z]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", heading).casefold()))
        if column.kind == "units" and words & _NOT_NOW:
            continue
        fitting = _WORDS.get(column.name) or _WORDS.get(column.kind, frozenset())
        sure = _BY_WORD if words & fitting else _BY_CELLS if column.kind == "date" else _BY_CHANCE
        if sure > best[0]:
            best = sure, n
    if best[1] >= 0:
        heading = text.columns[best[1]]
        reason = "word" if best[0] == _BY_WORD else "cells"
        taken[column.name] = best[1], ColumnGuess(heading, column.name, best[0], reason)


def _suits(column: Column, texts: Sequence[str]) -> bool:
    if not texts:
        return False
    if column.kind == "date":
        return 10 * sum(cells.is_date(t) for t in texts) >= 8 * len(texts)
    if column.kind == "units":
        return 10 * sum(cells.is_number(t) for t in texts) >= 8 * len(texts)
    return column.kind == "id" and not all(cells.is_date(t) for t in texts)


def _sample(text: TextTable, n: int) -> list[str]:
    return [t.strip() for t in text.cells[n].slice(0, _SAMPLE).to_pylist() if t and t.strip()]


def _hint(table: Table, text: TextTable) -> float:
    words = {word for heading in text.columns for word in re.findall(r"[a-z]+", heading.casefold())}
    return 0.5 if words & _HINTS.get(table.name, frozenset()) else 0.0
