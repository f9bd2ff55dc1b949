"""Files -> contract frames: the whole road from bytes to what a plan can use."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from data.headings import normalised
from data.layouts import to_contract
from data.repeats import settle
from data.upload import Source, read_text_table, shown
from data.validate import REJECTED_COLUMNS, Judged, judge, rejections
from planning.errors import InputError
from planning.tables import INPUT_TABLES, Table

TableMapping = Mapping[str, Mapping[str, str]]

_FAULTS_SHOWN = 3


@dataclass(frozen=True)
class Import:
    """What a set of files says.

    frames    by table: every contract column in contract order, rows in key order
    rejected  the rows set aside, with the columns of the result table `rejected`
    rows      by table: read, accepted, rejected; read = accepted + rejected
    notes     what a person should know
    """

    frames: dict[str, pd.DataFrame]
    rejected: pd.DataFrame
    rows: dict[str, dict[str, int]]
    notes: list[str]


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
    frames: dict[str, pd.DataFrame] = {}
    rejected = [rejections()]
    rows: dict[str, dict[str, int]] = {}
    notes: list[str] = []
    for name, table in INPUT_TABLES.items():
        if not files.get(name):
            continue
        judged = _judge_files(table, files[name], wishes.get(name, {}), faults)
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
    everything = pd.concat(rejected, ignore_index=True)
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
    for source in sources:
        try:
            text = read_text_table(source)
            headings |= {normalised(column) for column in text.columns}
            judged.append(judge(table, to_contract(table, text, wishes), text.broken))
        except InputError as fault:
            faults.append(str(fault))
    lost = [heading for heading in wishes if normalised(heading) not in headings]
    if lost and headings:
        faults += [f"mapping: no file of {table.name} has a column {shown(h)!r}; correct the heading" for h in lost]
    return judged


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
        ids = sorted({i for frame in frames.values() if column in frame for i in frame[column].dropna().unique()})
        groups: dict[str, list[str]] = {}
        for i in ids:
            groups.setdefault("".join(i.casefold().split()).lstrip("0"), []).append(i)
        alike = [group for group in groups.values() if len(group) > 1]
        if alike:
            example = " and ".join(repr(shown(i, 30)) for i in alike[0])
            notes.append(f"{column}: {len(alike):,} are spelled in several ways and kept apart, such as {example}")
    return notes
