"""Files of which nobody has said what they are -> the contract tables that they give, each with its mapping."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from data.archive import is_workbook
from data.delimited import Broken
from data.exports import recognise_export
from data.guess import ColumnGuess, TableGuess, guess_tables, in_doubt
from data.headings import normalised
from data.known.parts import UNDATED, Part, add_up, constant
from data.layouts import LongTable, to_contract
from data.mapping import Choice, Question, ask_date_order, ask_table, mapping_key
from data.privacy import personal_columns, personal_note, without_personal
from data.upload import Source, TextTable, read_text_table, shown, unpacked
from data.validate import rejections
from data.workbook import read_workbook
from planning.errors import InputError
from planning.tables import INPUT_TABLES

_SHEETS_AT_ONCE = 4

Choices = Mapping[str, Choice]
"""By the file's name as shown, or by the key of its header: what a person says of it."""


@dataclass(frozen=True)
class Understanding:
    """What a file is taken for; a file that gives several tables has several of these.

    file        the file, as shown
    key         the key of its header, under which a mapping is remembered
    table       the contract's table; empty where it is not known
    export      the known export it is; empty for any other file
    columns     which heading means which contract column, how sure that is, and why
    confidence  from 0 to 1, that of the least sure required column
    wide        "date" or "location", where one column is one of those each
    personal    headings dropped as personal data
    ignored     headings not used
    candidates  the tables that it could be, the likeliest first
    rows        rows of the file that speak of the table
    fault       why the file cannot be read; empty where it can
    questions   what only a person can know
    """

    file: str
    key: str = ""
    table: str = ""
    export: str = ""
    columns: tuple[ColumnGuess, ...] = ()
    confidence: float = 0.0
    wide: str = ""
    personal: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    candidates: tuple[str, ...] = ()
    rows: int = 0
    fault: str = ""
    questions: tuple[Question, ...] = ()


@dataclass(frozen=True)
class Reading:
    """What a file is taken for, and its rows for that table; `merged` of them were added to others.

    `notes` say why a sheet is not used.
    """

    understanding: Understanding
    part: Part | None = None
    merged: int = 0
    broken: tuple[Broken, ...] = ()
    notes: tuple[str, ...] = ()


def understand(sources: Sequence[Source], choices: Choices | None = None) -> list[Understanding]:
    """Return what each file is taken for, in order; a file that cannot be read tells its fault.

    Parameters
    ----------
    sources : the files, told nothing about.
    choices : what a person says of some of them.
    """
    found: list[Understanding] = []
    faults: list[str] = []
    for source in unpacked(sources, faults):
        try:
            found += [reading.understanding for reading in readings(source, choices or {})]
        except InputError as fault:
            found.append(Understanding(source.name, fault=str(fault)))
    return [*found, *(Understanding("archive", fault=fault) for fault in faults)]


def readings(source: Source, choices: Choices) -> Iterator[Reading]:
    """Read a file for each table that it gives.

    Raises
    ------
    InputError : it cannot be read, or not as the person says.
    """
    of_file = choices.get(source.name) or Choice()
    if of_file.skip:
        return
    sheets = sheet_names(source) if source.sheet is None else ()
    if len(sheets) <= 1:
        yield from _text_readings(read_text_table(source), choices, Choice())
        return
    with ThreadPoolExecutor(_SHEETS_AT_ONCE) as pool:
        texts = pool.map(lambda sheet: _sheet_text(source, sheet), sheets)
        for n, (sheet, text) in enumerate(zip(sheets, texts, strict=True)):
            yield from _sheet_readings(sheet, text, choices, of_file, first=n == 0)


def _sheet_text(source: Source, sheet: str) -> TextTable | Understanding:
    """A sheet under a name of its own, or why it cannot be read."""
    name = f"{source.name}, sheet {shown(sheet, 40)}"
    try:
        text = read_text_table(replace(source, sheet=sheet))
    except InputError as fault:
        return Understanding(name, fault=str(fault))
    said = [note for note in text.notes if "read the sheet" not in note]
    return replace(text, name=name, notes=tuple(note.replace(source.name, name, 1) for note in said))


def _sheet_readings(
    sheet: str, text: TextTable | Understanding, choices: Choices, of_file: Choice, *, first: bool
) -> Iterator[Reading]:
    """Read a sheet of several; one beside the first is used only where it is sure what it holds."""
    if isinstance(text, Understanding):
        if first:
            raise InputError(text.fault)
        yield Reading(text, notes=(f"{text.file}: not used: {text.fault}",))
        return
    name, table = text.name, sheet.strip().casefold().replace(" ", "_")
    named = Choice(table if table in INPUT_TABLES else "", {}, of_file.date_order, of_file.due_on)
    if not len(text.rows) and named.table:
        return
    told = choices.get(name, Choice()) != Choice()
    for reading in _text_readings(text, choices, named):
        if first or named.table or told or not reading.understanding.questions:
            yield reading
        else:
            yield Reading(
                replace(reading.understanding, questions=()),
                notes=(f"{name}: not used, because it is not clear what it holds",),
            )


def _text_readings(text: TextTable, choices: Choices, otherwise: Choice) -> Iterator[Reading]:
    key = mapping_key(text.columns)
    told = (choices.get(name, Choice()) for name in (text.name, key))
    choice = next((choice for choice in told if choice != Choice()), otherwise)
    if choice.skip:
        return
    known = None if choice.table else recognise_export(text)
    if known is not None:
        yield from _known_readings(text, key, choice, *known)
        return
    keep = frozenset(normalised(heading) for heading, target in choice.mapping.items() if target)
    bare, dropped = without_personal(text, keep)
    guesses = [] if choice.table else guess_tables(bare)
    about = Understanding(text.name, key, personal=dropped, candidates=tuple(guess.table for guess in guesses))
    if not choice.table and in_doubt(guesses):
        question = ask_table(bare, key, about.candidates)
        yield Reading(replace(about, rows=len(text.rows), questions=(question,)))
        return
    yield _plain_reading(bare, choice, guesses[0] if guesses else None, about)


def parts_for(text: TextTable, table: str) -> list[tuple[Part, int]]:
    """Return what a known export gives for one table, ready to be judged; empty for any other file."""
    known = recognise_export(text)
    found = [] if known is None else [part for part in known[1] if part.table == table]
    notes = personal_note(text, tuple(text.columns[n] for n in personal_columns(text)))
    out = []
    for part in found:
        said = (*text.notes, f"{text.name}: recognised as {known[0] if known else ''}", *notes, *part.text.notes)
        out.append(add_up(_dated(replace(part, text=replace(part.text, notes=said)), "")))
    return out


def _known_readings(text: TextTable, key: str, choice: Choice, name: str, parts: Sequence[Part]) -> Iterator[Reading]:
    personal = tuple(text.columns[n] for n in personal_columns(text))
    used = {h for part in parts for column in part.text.columns.values() for h in column.heading.split(" + ")}
    used |= {h for part in parts if part.text.headings is not None for h in part.text.headings.texts}
    ignored = tuple(heading for heading in text.columns if heading and heading not in {*used, *personal})
    for n, part in enumerate(parts):
        notes = () if n else (*text.notes, f"{text.name}: recognised as {name}", *personal_note(text, personal))
        long = replace(part.text, date_order=choice.date_order or None, notes=(*notes, *part.text.notes))
        question = ask_date_order(INPUT_TABLES[part.table], long, key)
        ready, merged = add_up(_dated(replace(part, text=long), choice.due_on))
        columns = tuple(ColumnGuess(c.heading, column, 1.0, "known export") for column, c in long.columns.items())
        told = Understanding(
            text.name,
            key,
            part.table,
            name,
            columns,
            1.0,
            "" if long.headings is None else "date" if "date" in long.columns else "location",
            personal,
            ignored,
            (part.table,),
            len(long.rows) + len(part.aside),
            questions=() if question is None else (question,),
        )
        yield Reading(told, ready, merged, () if n else text.broken)


def _dated(part: Part, due_on: str) -> Part:
    """Give open orders without a date the day that a person tells; without one, set them aside with the remedy."""
    if not part.undated:
        return part
    long = part.text
    if due_on:
        columns = {**long.columns, "due_on": constant(due_on, len(long.rows))}
        notes = (*long.notes, f"{long.name}: open orders without a date are due on {due_on}, as was said")
        return replace(part, text=replace(long, columns=columns, notes=notes))
    quantity, every = long.columns["quantity"], np.arange(len(long.rows), dtype=np.int64)
    table = INPUT_TABLES[part.table]
    aside = rejections(table, long.name, long.rows, quantity.heading, quantity.at(every), UNDATED)
    return replace(part, text=_none_of(long), aside=aside)


def _none_of(long: LongTable) -> LongTable:
    none = np.zeros(0, dtype=np.int64)
    columns = {name: replace(column, codes=none) for name, column in long.columns.items()}
    return replace(long, columns=columns, rows=none, first_cell=replace(long.first_cell, codes=none))


def _plain_reading(text: TextTable, choice: Choice, guess: TableGuess | None, about: Understanding) -> Reading:
    table = INPUT_TABLES[choice.table or (guess.table if guess else "")]
    mapping = dict(choice.mapping) if guess is None else guess.mapping
    long = to_contract(table, text, mapping)
    notes = [*personal_note(text, about.personal), f"{text.name}: read as {table.name}"]
    long = replace(long, date_order=choice.date_order or long.date_order, notes=(*notes, *long.notes))
    sure = {} if guess is None else {g.column: g for g in guess.columns}
    columns = tuple(sure.get(name) or ColumnGuess(c.heading, name, 1.0, "by hand") for name, c in long.columns.items())
    used = {column.heading for column in long.columns.values()}
    if long.headings is not None:
        used |= set(long.headings.texts)
    question = ask_date_order(table, long, about.key)
    told = replace(
        about,
        table=table.name,
        columns=columns,
        confidence=1.0 if guess is None else guess.confidence,
        wide=guess.wide if guess else "",
        ignored=tuple(heading for heading in text.columns if heading and heading not in used),
        candidates=about.candidates or (table.name,),
        rows=len(long.rows),
        questions=() if question is None else (question,),
    )
    return Reading(told, Part(table.name, long), 0, text.broken)


def sheet_names(source: Source) -> tuple[str, ...]:
    """Return the sheets of a workbook, the one that looks most like a table first; empty for any other file.

    Raises
    ------
    InputError : it is a damaged workbook.
    """
    payload = source.payload if isinstance(source.payload, bytes) else _head(source.payload)
    old = payload.startswith(b"\xd0\xcf\x11\xe0")
    if not old and not payload.startswith(b"PK\x03\x04"):
        return ()
    whole = payload if isinstance(source.payload, bytes) else source.payload.read_bytes()
    if not old and not is_workbook(whole):
        return ()
    grid = read_workbook(source.name, whole)
    return (grid.sheet, *grid.others)


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(8)
    except OSError:
        return b""  # the reading says why
