"""Lists of lines from which one is opened: a click brings its forecast into view."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pandas as pd
import streamlit as st

from pages.components import forecast_level, records, session, tables
from planning.result import PlanResult

MOST_ROWS = 9


def show(
    rows: pd.DataFrame,
    plan: PlanResult,
    *,
    key: str,
    order: Sequence[str],
    alt: str,
    more: Mapping[str, Any] | None = None,
    table: str = "accuracy",
) -> None:
    """Show lines (item_id, location_id and more), each of which opens its forecast, with their downloads.

    Parameters
    ----------
    order : the columns shown; those in which nothing is known are left out.
    more : `st.column_config` of columns that neither the contract nor `records` names.
    table : names the downloads.
    """
    shown = [c for c in order if c in rows and rows[c].notna().any()]
    config = tables.columns("policy", plan.params.currency, rows) | records.columns(plan) | dict(more or {})
    st.dataframe(
        rows.round(dict.fromkeys(("wape", "naive_wape", "bias"), 3)),
        key=key,
        hide_index=True,
        column_order=shown,
        column_config=config,
        alt=alt,
        height=height(rows),
        on_select=lambda: _open(key, rows),
        selection_mode="single-row",
        placeholder="–",
    )
    tables.downloads(rows[shown], table, plan, key=key)


def height(rows: pd.DataFrame) -> int | Literal["auto", "content"]:
    """As high as its rows where they are few."""
    return "content" if len(rows) <= MOST_ROWS else 330


def _open(key: str, rows: pd.DataFrame) -> None:
    chosen = session.widget(key).selection.rows
    if chosen and chosen[0] < len(rows):
        line = rows.iloc[chosen[0]]
        forecast_level.open_line(str(line["item_id"]), str(line["location_id"]))
