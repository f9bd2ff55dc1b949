"""What was understood of each file: the export it is, the tables it gives, what is certain and what must be asked."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from types import MappingProxyType

import pandas as pd
import streamlit as st

from data.mapping import Choice, Question
from data.understand import Understanding
from data.upload import Source
from pages.components import mapping_editor, session, understood
from pages.components.formats import count, literal, percent
from pages.components.understood import Choices
from planning.tables import INPUT_TABLES

SURE = 0.75
"""From it on a guess is used without the editor being opened by itself."""

_COLUMNS_SHOWN = 12
_ORDERS: Mapping[str, str] = MappingProxyType({"dd/mm/yyyy": "Day first", "mm/dd/yyyy": "Month first"})


def show(sources: Mapping[str, Source]) -> tuple[Choices, set[str]]:
    """Say of each file what it is taken for, and ask what only a person knows.

    Parameters
    ----------
    sources : by an id that is the file's own.

    Returns
    -------
    What was said, by the file's name; and the tables that the files give, "" for one that is not known yet.
    """
    said: Choices = {}
    tables: set[str] = set()
    for n, (ident, source) in enumerate(sources.items()):
        found, choices = understood.of(ident, source)
        new: Choices = {}
        for file in [name for name, choice in choices.items() if choice.skip]:
            new[file] = _left_out(file, f"{n}_{mapping_editor.file_key(file)}")
        for file, parts in groupby(found, key=lambda u: u.file):
            key = f"{n}_{mapping_editor.file_key(file)}"
            new[file] = _card(source, file, list(parts), choices.get(file, Choice()), key)
        new = {file: choice for file, choice in new.items() if choice != Choice()}
        if new != choices:
            understood.say(ident, new)
            session.keep("import_fault", None)
            st.rerun()
        said |= new
        tables |= {part.table for part in found}
    return said, tables


def _left_out(file: str, key: str) -> Choice:
    """A file that is not used, and the way to use it all the same."""
    with st.container(border=True, horizontal=True, vertical_alignment="center", key=f"left_{key}"):
        st.markdown(f":gray[:material/block:] **{literal(file)}** is left out", width="stretch")
        back = st.button("Use it", key=f"bring_back_{key}", type="tertiary", icon=":material/undo:")
    return Choice() if back else Choice(skip=True)


def _card(source: Source, file: str, parts: list[Understanding], choice: Choice, key: str) -> Choice:
    """One file: what it is; below it the question or the editor, where they are needed."""
    first = parts[0]
    questions = [q for part in parts for q in part.questions]
    asks_order = bool(choice.date_order) or any(q.about == "date_order" for q in questions)
    unsure = not choice.table and not first.export and first.confidence < SURE
    needs = bool(first.fault) or unsure or any(q.about == "table" for q in questions)
    with st.container(border=True, gap="small", key=f"file_{key}"):
        _title(file, parts, choice, settled=not needs and not questions)
        if first.fault:
            # As text: it quotes what the file says.
            st.text("\n".join(line.partition("; rename the column, or map it")[0] for line in first.fault.splitlines()))
        else:
            _facts(parts)
        if any(q.about == "table" for q in questions):
            st.markdown(":orange[:material/help:] **What does this file hold?** Its headings do not tell.")
        if asks_order:
            choice = _with(choice, date_order=_ask_order(questions, choice, key))
        choice = _due_on(parts, choice, key)
        if not first.key and not choice.table:
            return choice
        if st.toggle("Match columns by hand", value=needs or bool(choice.table), key=f"edit_{key}"):
            sheet = file.removeprefix(f"{source.name}, sheet ")
            one = source if sheet == file else replace(source, sheet=sheet)
            return mapping_editor.edit(one, key, first.table, first.columns, choice, likely=first.candidates)
        return Choice(date_order=choice.date_order, due_on=choice.due_on)


def _with(choice: Choice, **changes: str) -> Choice:
    return Choice(**{name: getattr(choice, name) for name in Choice.__dataclass_fields__} | changes)


def _title(file: str, parts: list[Understanding], choice: Choice, *, settled: bool) -> None:
    first = parts[0]
    mark = ":green[:material/check_circle:]" if settled else ":orange[:material/help:]"
    if first.fault:
        mark = ":red[:material/error:]"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"{mark} **{literal(file)}**", width="content")
        if first.export:
            st.badge(first.export[:1].upper() + first.export[1:], icon=":material/verified:", color="green")
        elif first.table:
            by_hand = bool(choice.table)
            st.badge(
                "As matched below" if by_hand else f"{percent(first.confidence, 0)} sure",
                color="green" if by_hand or first.confidence >= SURE else "orange",
            )


def _facts(parts: list[Understanding]) -> None:
    told = [
        f"**{part.table.replace('_', ' ').capitalize()}** · {count(part.rows, 'row')}"
        + (f" · one column a {part.wide}" if part.wide else "")
        for part in parts
        if part.table
    ]
    if told:
        st.markdown("  \n".join(told))
    first = parts[0]
    if first.personal:
        st.caption(f":material/shield: Personal data dropped, never stored: {_listed(first.personal)}")
    columns = [(part, guess) for part in parts for guess in part.columns if guess.heading]
    if columns:
        with st.popover("How it was read", type="tertiary", icon=":material/view_column:"):
            st.table(
                pd.DataFrame(
                    {
                        "In the file": [literal(guess.heading[:60]) for _, guess in columns],
                        "Read as": [
                            f"{part.table}: {INPUT_TABLES[part.table].by_name[guess.column].title}"
                            for part, guess in columns
                        ],
                        "Sure": [percent(guess.confidence, 0) for _, guess in columns],
                    }
                ).set_index("In the file"),
                alt="How each heading was read",
            )
            if first.ignored:
                st.caption(f"Not used: {_listed(first.ignored)}")


def _listed(headings: Sequence[str]) -> str:
    more = len(headings) - _COLUMNS_SHOWN
    shown = ", ".join(literal(heading[:40]) for heading in headings[:_COLUMNS_SHOWN])
    return f"{shown} and {more} more" if more > 0 else shown


def _ask_order(questions: Sequence[Question], choice: Choice, key: str) -> str:
    """Ask whether the day or the month stands first, where no date of the file tells it."""
    for question in [q for q in questions if q.about == "date_order"][:1]:
        st.markdown(
            ":orange[:material/help:] **Day or month first?** The file cannot tell: "
            f"{_listed(question.examples)} could be either."
        )
    found = st.segmented_control(
        "Its dates have the",
        list(_ORDERS),
        default=choice.date_order or None,
        format_func=_ORDERS.__getitem__,
        key=f"order_{key}",
    )
    return found or ""


def _due_on(parts: list[Understanding], choice: Choice, key: str) -> Choice:
    """Ask when open orders arrive, where the export does not say."""
    undated = [p for p in parts if p.table == "open_orders" and "due_on" not in {guess.column for guess in p.columns}]
    if not undated and not choice.due_on:
        return choice
    day = st.date_input(
        "Open orders without a date arrive on",
        value=None,
        key=f"due_{key}",
        help="This export does not say when they arrive. Without a date they are set aside: no plan can count on them.",
    )
    return _with(choice, due_on=day.isoformat() if day else "")
