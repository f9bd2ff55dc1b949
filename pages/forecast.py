"""Forecast: expected demand, and how far it can be trusted."""

import pandas as pd
import streamlit as st

from pages.components import charts, controls, glossary, item_view, lines, lookups, numbers, panel, promise, records
from pages.components.formats import count
from planning.result import PlanResult

MEASURED = (
    "The forecast was made again at several mornings of the past, each time only with what was known then, and "
    "compared with the demand that came over **lead time + review**: the span that an order must cover.\n\n"
    "Weeks with an empty shelf do not count, as their demand is unknown. A line measured on too little history stays "
    "out."
)


def main() -> None:
    """Draw the page."""
    plan, _ = panel.open_page("Forecast")
    past = lookups.history_of_all(plan.items)
    numbers.forecast(promise.outlook(plan, past))
    demand, accuracy, settings = st.tabs(["Expected demand", "Accuracy", "Settings"])
    rows = records.by_error(plan)
    with demand:
        with st.container(border=True):
            st.subheader(f"Expected demand of the {count(len(lines.selling(plan)), 'line')} in view")
            ahead = lines.keep(plan.forecast, lines.outermost(plan))
            panel.chart(charts.forecast_fan(past, ahead), "History and forecast of all lines", key="total")
        _one_line(plan, rows)
    with accuracy:
        _accuracy(plan)
    with settings, st.container(width=560):
        st.caption("A new forecast takes a while; nothing changes before the button.")
        controls.forecast_params()
    glossary.words("WAPE", "Bias", "ABC class", "Lead time + review")


def _one_line(plan: PlanResult, rows: pd.DataFrame) -> None:
    st.subheader("Line by line")
    st.caption("Those first whose error weighs most. Choose a line to see its fan below.")
    at = panel.pick(
        rows,
        "policy",
        plan,
        key="lines",
        order=records.COLUMNS,
        alt="Forecast and error by line",
        more=records.columns(plan),
    )
    item_id, location_id = str(rows["item_id"].iloc[at]), str(rows["location_id"].iloc[at])
    with st.container(border=True):
        item_view.heading(plan, item_id, location_id, key="fan_item")
        item_view.fan(plan, item_id, location_id, key="fan")


def _accuracy(plan: PlanResult) -> None:
    left, right = st.columns([3, 2], gap="medium")
    with left, st.container(border=True, height="stretch"):
        st.subheader("Against the naive forecast")
        measured = lines.keep(plan.accuracy, lines.selling(plan)).merge(plan.policy, on=list(lines.KEYS), how="left")
        figure = charts.error_against_naive(measured, measured["demand_mean_per_day"].fillna(0.0))
        panel.chart(figure, "Error by demand class, against the naive forecast", key="naive")
    with right, st.container(border=True, height="stretch"):
        st.subheader("How it is measured")
        st.markdown(MEASURED)


main()
