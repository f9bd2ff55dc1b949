"""What demand to expect, at any level: the fan, the model and its rivals, what the plan makes of it, line by line."""

from typing import Any

import pandas as pd
import streamlit as st

from pages.components import (
    cached,
    charts,
    forecast_level,
    forecast_lines,
    glossary,
    item_view,
    lines,
    lookups,
    numbers,
    panel,
    promise,
    records,
    session,
)
from pages.components.forecast_level import Level
from pages.components.wording import in_plain_words, plan_uses
from planning.result import PlanResult

RIVALS = ("demand_class", "model", "score", "error", "bias", "weight", "chosen", "reason")


def show(plan: PlanResult, whole: PlanResult) -> None:
    """Draw the tab."""
    past = lookups.history_of_all(forecast_level.behind(whole, lines.outermost(plan)))
    numbers.forecast(promise.outlook(plan, past))
    rows = records.by_error(plan)
    first = (str(rows["item_id"].iloc[0]), str(rows["location_id"].iloc[0]))
    with st.container(horizontal=True, vertical_alignment="bottom", key="level"):
        chosen = forecast_level.choose(plan.items, first)
    level = forecast_level.level_of(plan, whole, *chosen)
    with st.container(border=True):
        _fan(plan, level, past if level.name == "total" else lookups.history_of_all(level.behind))
    with st.container(border=True):
        _rivals(plan, level)
    st.header("Line by line")
    st.caption("Those first whose error weighs most: units missed, at cost. Choose a line to see its forecast above.")
    forecast_lines.show(
        rows, plan, key="lines", order=records.COLUMNS, alt="Forecast and error by line", table="forecast"
    )


def _fan(plan: PlanResult, level: Level, past: pd.DataFrame) -> None:
    if level.is_line:
        # Its own past knows outliers and events to the bucket.
        past = lookups.history(plan, level.of, level.at)
    st.header(f"Expected demand: {forecast_level.titled(level)}")
    figure = charts.forecast_fan(past, lookups.rollup(level.keys), height=380)
    panel.chart(figure, f"History and forecast: {level.title}", key="fan")
    if session.grant() is not None:
        if not level.is_line:
            st.caption(
                "A link keeps the quantiles of each line, not those of sums: choose a line to see how sure it is."
            )
        if past.empty:
            st.caption("This link was made without the history.")
    st.markdown(plan_uses(plan, level.keys))
    with st.container(horizontal=True, vertical_alignment="center", key="fan_actions"):
        if session.may_act():
            st.button(
                "Correct it",
                key="correct_it",
                type="primary",
                icon=":material/edit:",
                help="Say what you know better; its effect is told before it is kept.",
                on_click=lambda: session.seed(forecast_level.TABS, "Corrections"),
            )
        if level.is_line and st.button("Open item", type="tertiary", icon=":material/arrow_forward:", key="open_item"):
            session.select(level.of, level.at)
            session.go("pages/item.py")


def _rivals(plan: PlanResult, level: Level) -> None:
    st.header("The model and its rivals")
    if level.is_line:
        item_view.model_and_doubts(plan, level.of, level.at)
    own = lookups.rivals_of(level.of, level.at) if level.is_line else cached.NO_RIVALS
    rows = _by_class(plan, level) if own.empty else own.sort_values(["chosen", "weight"], ascending=False).round(3)
    if rows.empty:
        st.caption("No models were compared here: there is too little history, or nothing is sold.")
        return
    rows = rows.assign(**{c: rows[c].map(in_plain_words, na_action="ignore") for c in ("model", "reason") if c in rows})
    st.dataframe(
        rows.assign(weight=rows["weight"].where(rows["weight"] > 0)) if "weight" in rows else rows,
        key="rivals",
        hide_index=True,
        column_order=[c for c in RIVALS if c in rows and rows[c].notna().any()],
        column_config=_columns(),
        height=forecast_lines.height(rows),
        placeholder="–",
        alt="The models that were compared, with their errors and weights",
    )
    if own.empty:
        st.caption("Compared on past mornings over lead time + review; those of the Accuracy tab had no part in it.")
    else:
        st.caption("How each would have done for this line on all past mornings, over lead time + review.")


def _by_class(plan: PlanResult, level: Level) -> pd.DataFrame:
    """The rivals in the demand classes of the lines of a level; those first that carry weight."""
    classes = lines.keep(plan.items, level.behind)["demand_class"].dropna().unique()
    rows = plan.rivals[plan.rivals["demand_class"].isin(classes)]
    order, rising = ["demand_class", "chosen", "weight", "score"], [True, False, False, True]
    return rows.sort_values(order, ascending=rising, na_position="last")


def _columns() -> dict[str, Any]:
    text, number = st.column_config.TextColumn, st.column_config.NumberColumn
    about = "Squared error over lead time + review, relative to the naive forecast: below 1 is better than naive."
    return {
        "demand_class": text("Demand", help="smooth, intermittent, erratic or lumpy."),
        "model": text("Model", pinned=True),
        "score": number("Error (naive = 1)", format="%.3f", help=about),
        "error": number("Error", format="percent", help=glossary.term("WAPE")),
        "bias": number("Bias", format="percent", help="Above 0: it ran too high, as a share of demand."),
        "weight": st.column_config.ProgressColumn(
            "Weight", format="percent", min_value=0.0, max_value=1.0, help="Its share in what the plan uses."
        ),
        "chosen": st.column_config.CheckboxColumn("Chosen"),
        "reason": text("Reason", width="large"),
    }
