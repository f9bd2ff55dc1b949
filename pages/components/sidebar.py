"""The plan's date and the filters, beside every page that shows a plan."""

from collections.abc import Mapping
from types import MappingProxyType

import streamlit as st

from pages.components import cached, glossary, session
from planning.errors import PlanningError
from planning.params import ABC_CLASSES

RISK_LABELS: Mapping[str, str] = MappingProxyType({"red": "▲ Red", "amber": "◆ Amber", "green": "● Green"})
"""Colour never stands alone: a shape and a word beside it."""


def sidebar() -> None:
    """The plan's date and the filters; drawn on every page that shows a plan, before the plan is asked for."""
    shared = session.grant() is not None
    if not shared and session.snapshot_id() is None:
        return
    with st.sidebar:
        try:
            if not shared:
                _as_of()
            _filters(session.facets())
        except PlanningError:
            # The page itself says what is wrong with the data.
            return


def _as_of() -> None:
    session.seed("as_of_widget", session.as_of())
    st.date_input(
        "Plan date",
        key="as_of_widget",
        format="YYYY-MM-DD",
        help="The morning for which the plan is made. "
        "Sales before this day are history; stock is taken as counted last before it. Weekly data keep their "
        "weekday.",
        on_change=lambda: session.choose_as_of(session.widget("as_of_widget")),
    )


def _filters(facets: cached.Facets) -> None:
    chosen = session.filters()
    session.seed("filter_search", chosen.search)
    st.text_input(
        "Search",
        key="filter_search",
        type="search",
        placeholder="Item, name, supplier …",
        max_chars=100,
        on_change=lambda: session.change_filters(search=session.widget("filter_search") or ""),
    )
    for name, label, options in (
        ("location", "Location", facets.location),
        ("supplier", "Supplier", facets.supplier),
        ("category", "Category", facets.category),
    ):
        if len(options) > 1:
            _choice(name, label, options, getattr(chosen, name))
    _pills("abc", "Class", {c: c for c in ABC_CLASSES}, chosen.abc, glossary.term("ABC class"))
    _pills("risk", "Risk", RISK_LABELS, chosen.risk, "  \n".join(glossary.term(r) for r in ("Red", "Amber", "Green")))
    if chosen.count:
        st.button(
            f"Clear {chosen.count} filter{'s' if chosen.count > 1 else ''}",
            icon=":material/filter_alt_off:",
            type="tertiary",
            on_click=session.clear_filters,
        )


def _choice(name: str, label: str, options: tuple[str, ...], chosen: tuple[str, ...]) -> None:
    # A value from the URL that the data does not know would break the widget.
    session.seed(f"filter_{name}", [v for v in chosen if v in set(options)])
    st.multiselect(
        label,
        options,
        key=f"filter_{name}",
        placeholder="All",
        on_change=lambda: session.change_filters(**{name: session.widget(f"filter_{name}")}),
    )


def _pills(name: str, label: str, options: Mapping[str, str], chosen: tuple[str, ...], about: str) -> None:
    session.seed(f"filter_{name}", list(chosen))
    st.pills(
        label,
        list(options),
        selection_mode="multi",
        key=f"filter_{name}",
        format_func=options.__getitem__,
        help=about,
        on_change=lambda: session.change_filters(**{name: session.widget(f"filter_{name}")}),
    )
