"""A new import joined with what is there: add or replace, which location serves the sales, what to warn of."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from data import corrections, service
from data.read import Import
from pages.components import session
from pages.components.formats import count, literal, units
from planning.tables import INPUT_TABLES

POOLED = ""
"""Stands for: all stock and sales as one location."""


@dataclass(frozen=True)
class Judged:
    """What the tables would say once they are in use, and what only a person can tell."""

    findings: Sequence[service.Finding]
    question: service.PlaceQuestion | None


def judged(found: Import) -> Judged:
    """Return the warnings and the question for the import as it would be joined; kept while nothing changes."""
    choice = (replaces(), tuple(sorted((how() or {}).items())))
    kept = session.kept("judged")
    if kept is None or kept[0] is not found or kept[1] != choice:
        with st.spinner("Looking for what would change a plan …"):
            frames, _ = service.joined(session.visitor(), found, replace_everything=replaces(), how=how())
            whole = all(len(frames.get(name, ())) for name, table in INPUT_TABLES.items() if table.required)
            findings = service.warnings(frames, params=session.params()) if whole else []
            question = service.question(session.visitor(), found, replace_everything=replaces())
        kept = (found, choice, Judged(findings, question))
        session.keep("judged", kept)
    result: Judged = kept[2]
    return result


def choose(found: Import) -> None:
    """Add to what was imported before, or replace it, all or table by table."""
    base = service.base_of_import(session.visitor())
    session.keep("corrected", is_correction(found) and base is not None or None)
    if base is None:
        return
    if session.kept("corrected"):
        st.markdown(":blue[:material/playlist_add:] **Corrected rows**: they come beside the data that are there.")
        return
    st.segmented_control(
        "With what is there already",
        ("add", "replace"),
        default="add",
        required=True,
        key="add_or_replace",
        format_func={"add": "Add to it", "replace": "Replace everything"}.__getitem__,
        help="Add: rows join the earlier ones by the keys of their table, so that overlapping exports never count "
        "twice; tables not given now stay. Replace: only these files count.",
    )
    both = [name for name in found.frames if (base.rows or {}).get(name)]
    if replaces() or not both:
        return
    with st.expander("Table by table", type="compact"), st.grid(3, min_column_width=220, gap="small"):
        for name in both:
            st.segmented_control(
                name.replace("_", " ").capitalize(),
                ("add", "replace"),
                default=service.default_how(name),
                required=True,
                key=f"how_{name}",
                format_func={"add": "Add rows", "replace": "Replace table"}.__getitem__,
            )


def is_correction(found: Import) -> bool:
    """Whether the files are rows that were set aside, corrected."""
    return any(corrections.ROW in part.ignored for part in found.understood)


def replaces() -> bool:
    """Whether only the new files count."""
    return bool(session.widget("add_or_replace") == "replace") and not session.kept("corrected")


def how() -> dict[str, service.How] | None:
    """What was chosen table by table, where it was."""
    if session.kept("corrected"):
        return dict.fromkeys(INPUT_TABLES, "append")
    chosen = {name: session.widget(f"how_{name}") for name in INPUT_TABLES}
    return {name: what for name, what in chosen.items() if what} or None


def ask_places(question: service.PlaceQuestion | None) -> bool:
    """Ask which location serves sales that name none, where stock lies in several; tell whether it is answered."""
    session.keep("places_asked", question)
    if question is None:
        return True
    with st.container(border=True, key="places"):
        st.markdown(
            f":orange[:material/help:] **Which location serves the sales?** {count(question.rows, 'sales row')} "
            f"name none, while the stock lies in {count(len(question.locations), 'location')}."
        )
        options = [*question.locations, POOLED]
        by_channel = len(question.channels) > 1 and st.toggle("By channel", key="place_by_channel")
        asked = list(enumerate(question.channels)) if by_channel else [(-1, None)]
        with st.grid(3, min_column_width=220, gap="small"):
            for n, channel in asked:
                sold = f" ({units(question.units[n])})" if n >= 0 else ""
                name = "Without a channel" if channel is None else literal(channel[:60])
                st.selectbox(
                    f"{name}{sold}" if by_channel else "All of them",
                    options if not by_channel else options[:-1],
                    index=None,
                    placeholder="Choose a location",
                    format_func=lambda place: place or "Plan everything as one location",
                    key=f"place_{n}",
                )
        return all(session.widget(f"place_{n}") is not None for n, _ in asked)


def places() -> dict[str | None, str] | None:
    """Which location serves the sales of which channel, as answered."""
    question: service.PlaceQuestion | None = session.kept("places_asked")
    if question is None:
        return None
    if session.widget("place_by_channel") and len(question.channels) > 1:
        told = {channel: session.widget(f"place_{n}") for n, channel in enumerate(question.channels)}
    else:
        told = {None: session.widget("place_-1")}
    return {channel: place for channel, place in told.items() if place} or None
