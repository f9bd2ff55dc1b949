"""Files -> contract frames: the whole road from bytes to what a plan can use."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pandas as pd

from data.delimited import Broken
from data.headings import normalised
from data.known.parts import Part
from data.layouts import to_contract
from data.mapping import NeedsAnswer, Question
from data.privacy import masked, personal_note, without_personal
from data.repeats import settle
from data.understand import Choices, Reading, Understanding, parts_for, readings
from data.upload import Source, TextTable, read_text_table, shown, unpacked
from data.validate import REJECTED_COLUMNS, Judged, judge, rejections
from planning.errors import InputError
from planning.tables import INPUT_TABLES, Table

TableMapping = Mapping[str, Mapping[str, str]]

_FAULTS_SHOWN = 3


@dataclass(frozen=True)
class Import:
    """What a set of files says.

    frames      by table: every contract column in contract order, rows in key order
    rejected    the rows set aside, with the columns of the result table `rejected`
    rows        by table: read, accepted, rejected; read = accepted + rejected
    notes       what a person should know
    understood  what each file was taken for, where nobody said it
    spare       tables that an export gives on the side, with little in them: not to replace what is known already
    """

    frames: dict[str, pd.DataFrame]
    rejected: pd.DataFrame
    rows: dict[str, dict[str, int]]
    notes: list[str]
    understood: tuple[Understanding, ...] = field(default=())
    spare: tuple[str, ...] = field(default=())


def read_inputs(files: Mapping[str, Sequence[Source]], mapping: TableMapping | None = None) -> Import:
    """Read all files of all tables; collect every fault before refusing.

    Parameters
    ----------
    files : by table, its files in the order they were added.
    mapping : by table, {heading in the file: contract column}.

    Returns
    -------
    The frames: identifiers and texts as str or None, dates as datetime64[s], everything else as float64 with NaN
    (flags and shares as 1.0 and 0.0).

    Raises
    ------
    InputError : something makes the import impossible; one line a fault.
    """
    wishes = _checked_mapping(files, {} if mapping is None else mapping)
    faults: list[str] = []
    judged = {
        name: _judge_files(table, files[name], wishes.get(name, {}), faults)
        for name, table in INPUT_TABLES.items()
        if files.get(name)
    }
    return _settled(judged, faults)


def read_any(sources: Sequence[Source], choices: Choices | None = None) -> Import:
    """Read files of which nobody has said what they are: known exports, else a guess by headings and cells.

    Parameters
    ----------
    sources : the files, in the order they were added.
    choices : by the file's name or the key of its header, what a person says of it.

    Returns
    -------
    The import, with what each file was taken for; everything that was done stands in the notes.

    Raises
    ------
    NeedsAnswer : only a person can know what a file is, or how its dates are written.
    InputError : something makes the import impossible; one line a fault.
    """
    faults: list[str] = []
    found: list[Reading] = []
    for source in unpacked(sources, faults):
        try:
            found += readings(source, choices or {})
        except InputError as fault:
            faults.append(str(fault))
    questions = [question for reading in found for question in reading.understanding.questions]
    if questions and not faults:
        raise NeedsAnswer(_once(questions))
    said = [note for reading in found for note in reading.notes]
    found, notes = _without_spares(found)
    judged = _judged(found, faults)
    if not judged and not faults:
        faults.append("no file holds anything to import; bring at least sales and stock")
    result = _settled({name: judged[name] for name in INPUT_TABLES if name in judged}, faults)
    # What nothing was accepted of must not take the place of what was there before.
    frames = {name: frame for name, frame in result.frames.items() if len(frame)}
    understood = tuple(reading.understanding for reading in found)
    spare = tuple(sorted({r.part.table for r in found if r.part is not None and r.part.spare} & set(frames)))
    notes = [*said, *notes, *result.notes]
    return replace(result, frames=frames, notes=notes, understood=understood, spare=spare)


def _judged(found: Sequence[Reading], faults: list[str]) -> dict[str, list[Judged]]:
    """Judge what each file gives, by table."""
    judged: dict[str, list[Judged]] = {}
    for reading in found:
        if reading.part is None:
            continue
        try:
            one = _judge_part(reading.part, reading.merged, reading.broken)
        except InputError as fault:
            faults.append(str(fault))
        else:
            judged.setdefault(reading.part.table, []).append(one)
    return judged


def _once(questions: Sequence[Question]) -> list[Question]:
    """Ask each thing once a file, though several of its tables want to know it."""
    return list({(question.file, question.about): question for question in reversed(questions)}.values())[::-1]


def _without_spares(found: Sequence[Reading]) -> tuple[list[Reading], list[str]]:
    """Leave out what an export gives on the side, where another file gives that table."""
    given = {r.part.table for r in found if r.part is not None and not r.part.spare}
    left = [r for r in found if r.part is None or not r.part.spare or r.part.table not in given]
    notes = [
        f"{r.understanding.file}: its {r.part.table} are left out, because another file gives them"
        for r in found
        if r.part is not None and r not in left
    ]
    return left, notes


def _judge_part(part: Part, merged: int, broken: Sequence[Broken]) -> Judged:
    """Judge what an export gives; the rows that its rules set aside, and those added to others, are counted."""
    judged = judge(INPUT_TABLES[part.table], part.text, broken)
    counts = {
        "read": judged.counts["read"] + len(part.aside) + merged,
        "accepted": judged.counts["accepted"] + merged,
        "rejected": judged.counts["rejected"] + len(part.aside),
    }
    rejected = pd.concat([judged.rejected, part.aside], ignore_index=True)
    return replace(judged, rejected=rejected, counts=counts)


def _settled(tables: Mapping[str, Sequence[Judged]], faults: list[str]) -> Import:
    """Join the files of each table, count, and refuse where there were faults."""
    frames: dict[str, pd.DataFrame] = {}
    rejected = [rejections()]
    rows: dict[str, dict[str, int]] = {}
    notes: list[str] = []
    for name, judged in tables.items():
        table = INPUT_TABLES[name]
        frame, repeated, said = settle(table, judged)
        rejected += [*(j.rejected for j in judged), repeated]
        read = sum(j.counts["read"] for j in judged)
        refused = sum(len(j.rejected) for j in judged) + len(repeated)
        rows[name] = {"read": read, "accepted": read - refused, "rejected": refused}
        frames[name] = frame
        notes += [note for j in judged for note in j.notes] + said
        if table.required and rows[name]["rejected"] and not rows[name]["accepted"]:
            faults += _nothing_left(table, judged)
    if faults:
        raise InputError("\n".join(faults))
    notes += _spellings(frames)
    everything = masked(pd.concat(rejected, ignore_index=True))
    order = list(REJECTED_COLUMNS[:4])
    return Import(frames, everything.sort_values(order, kind="stable", ignore_index=True), rows, notes)


def _checked_mapping(files: Mapping[str, Sequence[Source]], mapping: TableMapping) -> TableMapping:
    tables = ", ".join(INPUT_TABLES)
    faults = [f"{shown(name)!r} is no table; the tables are {tables}" for name in files if name not in INPUT_TABLES]
    if not isinstance(mapping, Mapping):
        msg = "the mapping must be an object such as {'sales': {'Article': 'item_id'}}"
        raise InputError(msg)
    for name, wishes in mapping.items():
        if name not in INPUT_TABLES:
            faults.append(f"mapping: {shown(name)!r} is no table; the tables are {tables}")
        elif not isinstance(wishes, Mapping):
            faults.append(f"mapping: {name!r} must be an object such as {{'Article': 'item_id'}}")
        else:
            faults += _bad_wishes(INPUT_TABLES[name], wishes)
    if faults:
        raise InputError("\n".join(faults))
    return {name: {heading: target or "" for heading, target in wishes.items()} for name, wishes in mapping.items()}


def _bad_wishes(table: Table, wishes: Mapping[str, object]) -> list[str]:
    names = ", ".join(table.names)
    return [
        f"mapping: {shown(heading)!r}: {shown(target)!r} is no column of {table.name}; its columns are {names}"
        for heading, target in wishes.items()
        if target and (not isinstance(target, str) or target.partition(":")[0] not in table.names)
    ]


def _judge_files(table: Table, sources: Sequence[Source], wishes: Mapping[str, str], faults: list[str]) -> list[Judged]:
    judged = []
    headings: set[str] = set()
    for source in unpacked(sources, faults):
        try:
            text = read_text_table(source)
            headings |= {normalised(column) for column in text.columns}
            known = [] if wishes else parts_for(text, table.name)
            judged += [_judge_part(part, merged, () if n else text.broken) for n, (part, merged) in enumerate(known)]
            if not known:
                judged.append(_judge_plain(table, text, wishes))
        except InputError as fault:
            faults.append(str(fault))
    lost = [heading for heading in wishes if normalised(heading) not in headings]
    if lost and headings:
        faults += [f"mapping: no file of {table.name} has a column {shown(h)!r}; correct the heading" for h in lost]
    return judged


def _judge_plain(table: Table, text: TextTable, wishes: Mapping[str, str]) -> Judged:
    """Judge a file that is no known export, without its personal data."""
    mapped = frozenset(normalised(heading) for heading, target in wishes.items() if target)
    bare, dropped = without_personal(text, mapped)
    long = to_contract(table, bare, wishes)
    return judge(table, replace(long, notes=(*personal_note(text, dropped), *long.notes)), text.broken)


def _nothing_left(table: Table, judged: Sequence[Judged]) -> list[str]:
    """Say why not a single row of a required table could be used."""
    lines = []
    for j in judged:
        lines += [
            f"{row.file}, row {row.row}, column {row.column!r}, value {shown(row.value)!r}: {row.reason}"
            for row in j.rejected.head(_FAULTS_SHOWN).itertuples(index=False)
        ]
    count = sum(j.counts["read"] for j in judged)
    names = ", ".join(j.name for j in judged)
    return [f"{names}: all {count:,} rows of {table.name} were rejected, first these:", *lines]


def _spellings(frames: Mapping[str, pd.DataFrame]) -> list[str]:
    """Say which identifiers differ only in case, inner spaces or leading zeros: they are kept apart."""
    notes = []
    for column in ("item_id", "location_id", "supplier_id"):
        ids = sorted(
            {i for frame in frames.values() if column in frame for i in frame[column].unique() if i is not None}
        )
        groups: dict[str, list[str]] = {}
        for i in ids:
            groups.setdefault("".join(i.casefold().split()).lstrip("0"), []).append(i)
        alike = [group for group in groups.values() if len(group) > 1]
        if alike:
            example = " and ".join(repr(shown(i, 30)) for i in alike[0])
            notes.append(f"{column}: {len(alike):,} are spelled in several ways and kept apart, such as {example}")
    return notes
