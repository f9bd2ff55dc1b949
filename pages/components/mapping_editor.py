"""The mapping editor: what a file holds and which heading means what, with a live preview of what will be read."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from data.guess import ColumnGuess, guess_columns
from data.mapping import Choice
from data.understand import readings
from data.upload import Source, TextTable, read_text_table
from pages.components import session
from pages.components.formats import percent
from planning.errors import PlanningError
from planning.tables import INPUT_TABLES, Table

_HEAD_BYTES = 256 * 1024
_ROWS_SHOWN = 6
_FIRST_COLUMNS = 9
_WHOLE = (b"PK\x03\x04", b"PAR1", b"\xd0\xcf\x11\xe0", b"\xff\xfe", b"\xfe\xff")
"""Beginnings of files that cannot be cut at a line: packed ones, and text of two bytes a letter."""


def file_key(name: str) -> str:
    """The name of a file, fit for the key of a widget."""
    return hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:12]


def edit(
    source: Source, key: str, guess: str, columns: Sequence[ColumnGuess], kept: Choice, *, likely: Sequence[str] = ()
) -> Choice:
    """Let a person say what a file holds, and return that.

    Parameters
    ----------
    source : the file, or one sheet of it.
    key : unique on the page.
    guess : the table that it was taken for; may be empty.
    columns : what its headings were taken for.
    kept : what was said before.
    likely : tables that it could be, the likeliest first.
    """
    head = _head(source)
    try:
        text = _once(head, key, "", lambda: read_text_table(head))
    except PlanningError as fault:
        st.text(str(fault))
        return kept
    table = _table(key, kept.table or guess, likely)
    if table is None:
        return Choice(skip=True) if session.widget(f"table_{key}") == "" else Choice()
    mapping = _columns(table, text, key, _known(table, text, columns if guess == table.name else (), kept))
    choice = Choice(table=table.name, mapping=mapping, date_order=kept.date_order)
    _preview(head, choice, key)
    return choice


def _table(key: str, guess: str, likely: Sequence[str]) -> Table | None:
    names = list(dict.fromkeys([*likely, *INPUT_TABLES, ""]))
    name = st.selectbox(
        "This file holds",
        names,
        index=names.index(guess) if guess in INPUT_TABLES else None,
        format_func=lambda n: (
            f"{n.replace('_', ' ').capitalize()} – {INPUT_TABLES[n].meaning}" if n else "Nothing to use: leave it out"
        ),
        placeholder="Choose what it holds",
        key=f"table_{key}",
    )
    return INPUT_TABLES.get(name or "")


def _known(table: Table, text: TextTable, columns: Sequence[ColumnGuess], kept: Choice) -> dict[str, ColumnGuess]:
    """What is known of each contract column: as said before, as guessed for the file, or as guessed for this table."""
    if kept.table == table.name:
        columns = [ColumnGuess(heading, column, 1.0, "by hand") for heading, column in kept.mapping.items()]
    elif not columns:
        found = guess_columns(table, text)
        columns = () if found is None else found.columns
    return {guess.column: guess for guess in columns}


def _columns(table: Table, text: TextTable, key: str, known: Mapping[str, ColumnGuess]) -> dict[str, str]:
    """A choice of heading for each column of the table, the needed ones first, the rest behind a fold."""
    headings = [heading for heading in dict.fromkeys(text.columns) if heading]
    ordered = sorted(table.columns, key=lambda c: (not c.required, c.name not in known))
    first = max(sum(c.required or c.name in known for c in ordered), min(3, len(ordered)))
    first = min(first, _FIRST_COLUMNS)
    chosen: dict[str, str] = {}
    for part, fold in ((ordered[:first], False), (ordered[first:], True)):
        if not part:
            continue
        place = st.expander("More columns", type="compact") if fold else st.container()
        with place, st.grid(3, min_column_width=200, gap="small"):
            for column in part:
                guess = known.get(column.name)
                heading = st.selectbox(
                    f"{column.title}{' *' if column.required else ''}",
                    headings,
                    index=headings.index(guess.heading) if guess is not None and guess.heading in headings else None,
                    placeholder="across the columns" if guess is not None and not guess.heading else "not in this file",
                    key=f"match_{key}_{table.name}_{column.name}",
                    help=f"{column.meaning}.{_sure(guess)}",
                )
                if heading:
                    chosen[heading] = column.name
    return chosen


def _sure(guess: ColumnGuess | None) -> str:
    if guess is None or guess.reason == "by hand":
        return ""
    return f" Taken by {guess.reason}, {percent(guess.confidence, 0)} sure."


def _preview(head: Source, choice: Choice, key: str) -> None:
    """What the first rows say in the contract's columns."""
    try:
        shown = _once(head, key, choice.as_json(), lambda: _first_rows(head, choice))
    except PlanningError as fault:
        # As text: it quotes what the file says.
        st.caption(":orange[:material/warning:] Not readable yet")
        st.text("\n".join(line.partition("; rename the column, or map it")[0] for line in str(fault).splitlines()[:3]))
        return
    st.caption("The first rows, as they would be read:")
    st.dataframe(
        shown,
        hide_index=True,
        height="content",
        placeholder="–",
        column_config={c.name: st.column_config.TextColumn(c.title) for c in INPUT_TABLES[choice.table].columns},
        key=f"preview_{key}",
        alt=f"First rows of the file read as {choice.table}",
    )


def _first_rows(head: Source, choice: Choice) -> pd.DataFrame:
    part = next((r.part for r in readings(head, {head.name: choice}) if r.part is not None), None)
    if part is None:
        return pd.DataFrame()
    rows = np.arange(min(_ROWS_SHOWN, len(part.text.rows)))
    return pd.DataFrame({name: column.at(rows) for name, column in part.text.columns.items()})


def _once(head: Source, key: str, about: str, make: Callable[[], Any]) -> Any:
    """What is made of a file, kept until the file or what is said of it changes: a workbook takes a moment to open."""
    name = f"edited_{key}_{'rows' if about else 'text'}"
    mark = (hashlib.sha256(head.payload if isinstance(head.payload, bytes) else b"").hexdigest(), head.sheet, about)
    kept = session.kept(name)
    if kept is None or kept[0] != mark:
        kept = (mark, make())
        session.keep(name, kept)
    return kept[1]


def _head(source: Source) -> Source:
    """The first part of a long text file: enough to choose by, and quick."""
    payload = source.payload
    if not isinstance(payload, bytes) or len(payload) <= _HEAD_BYTES or payload.startswith(_WHOLE):
        return source
    cut = payload.rfind(b"\n", 0, _HEAD_BYTES)
    return replace(source, payload=payload[: cut + 1]) if cut > 0 else source
