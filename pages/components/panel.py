"""The parts that pages are made of: how one opens, its numbers, its charts, a list to pick a line from."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from data import export
from pages.components import session, share, sidebar, tables
from pages.components.charts_style import CONFIG
from pages.components.sidebar import RISK_LABELS
from planning.result import PlanResult


def open_page(title: str, beside: Callable[[PlanResult], None] | None = None) -> tuple[PlanResult, PlanResult]:
    """Start a page: title, data and date, filters. Return the plan of the lines in view, and the whole.

    The page ends here, with the way out, where there is no plan or no line passes the filters.

    Parameters
    ----------
    beside : draws what else stands beside the title, given the whole plan.
    """
    with st.container(horizontal=True, vertical_alignment="center", key="page_head"):
        st.title(title, width="stretch")
        corner = st.container(width="content", horizontal=True, gap="small")
    session.banner()
    sidebar.sidebar()
    whole = session.require_plan()
    with corner:
        if beside is not None:
            beside(whole)
        share.button(whole)
    plan = session.filters().narrow(whole)
    if plan.lines.empty:
        st.info("No item passes the filters.", icon=":material/filter_alt:")
        st.button("Clear the filters", icon=":material/filter_alt_off:", on_click=session.clear_filters)
        st.stop()
    return plan, whole


def number(label: str, value: str, told: str, about: str = "") -> None:
    """One number that matters, with what it means in a sentence below it."""
    with st.container(border=True, height="stretch"):
        st.metric(label, value, help=about or None)
        st.caption(told)


def chart(figure: go.Figure, alt: str, *, key: str) -> None:
    """Show a chart; nothing of it leaves the browser."""
    st.plotly_chart(
        figure, config={**CONFIG, "modeBarButtonsToRemove": [*CONFIG["modeBarButtonsToRemove"]]}, alt=alt, key=key
    )


def download(label: str, frame: pd.DataFrame, table: str, plan: PlanResult) -> None:
    """The page's one action: take the rows along as a workbook, to send or to pick from."""
    st.download_button(
        label,
        session.while_shown(lambda: export.workbook({table: frame}, tables.about(plan))),
        type="primary",
        icon=":material/download:",
        file_name=export.download_name("stockcast", plan.as_of, table, "xlsx"),
        on_click="ignore",
        disabled=frame.empty,
        mime="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        key=f"take_{table}",
    )


def pick(
    frame: pd.DataFrame,
    table: str,
    plan: PlanResult,
    *,
    key: str,
    order: Sequence[str],
    alt: str,
    height: int = 330,
    more: Mapping[str, Any] | None = None,
) -> int:
    """Show a list in which one line is always chosen, the first to begin with; return its position."""
    risk = {"risk": frame["risk"].map(lambda r: [RISK_LABELS[r]])} if "risk" in frame else {}
    badges = st.column_config.MultiselectColumn(
        "Risk", options=list(RISK_LABELS.values()), color=["red", "orange", "green"], width=95
    )
    config = tables.columns(table, plan.params.currency, frame) | ({"risk": badges} if risk else {}) | dict(more or {})
    event = st.dataframe(
        frame.assign(**risk),
        key=key,
        hide_index=True,
        column_order=tables.seen(order),
        column_config=config,
        alt=alt,
        height=min(height, 38 + 35 * len(frame)),
        on_select="rerun",
        selection_mode="single-row",
        placeholder="–",
        selection_default={"selection": {"rows": [0]}},
    )
    rows = event.selection.rows
    return int(rows[0]) if rows and rows[0] < len(frame) else 0
