"""What a person says of a file, kept for the next one with its header; and what only a person can know."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from data import cells
from data.headings import normalised
from data.layouts import LongTable
from data.upload import TextTable, shown
from planning.errors import InputError
from planning.tables import INPUT_TABLES, Table

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
