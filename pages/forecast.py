"""Forecast: expected demand, and how far it can be trusted."""

from typing import Any

import pandas as pd
import streamlit as st

from pages.components import charts, controls, glossary, item_view, lines, lookups, numbers, panel, promise
from pages.components.formats import count
from planning.result import PlanResult

KEYS = ["item_id", "location_id"]
COLUMNS = ("item_id", "item_name", "location_id", "abc_class", "demand_class", "model", "weekly", "wape", "naive_wape",
           "bias", "error_value")
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
    rows = _lines(plan)
    with demand:
        with st.container(border=True):
            st.subheader(f"Expected demand of the {count(len(lines.selling(plan)), 'line')} in view")
            ahead = lines.keep(plan.forecast, lines.outermost(plan))
            panel.chart(charts.forecast_fan(past, ahead), "History and forecast of all lines", key="total")
        _one_line(plan, rows)
    with accuracy:
        _accuracy(plan)
    with settings:
        st.caption("A new forecast takes a while; nothing changes before the button.")
        controls.forecast_params()
    glossary.words("WAPE", "Bias", "ABC class", "Lead time + review")


def _lines(plan: PlanResult) -> pd.DataFrame:
    """The lines, those first whose forecast error weighs most in money (in units where no cost is known)."""
    rows = plan.policy[[*KEYS, "abc_class", "demand_class", "model", "demand_mean_per_day"]].merge(
        plan.accuracy, on=KEYS, how="left").merge(plan.items[[*KEYS, "item_name", "unit_cost"]], on=KEYS, how="left")
    rows = lines.keep(rows, lines.selling(plan))
    rows["weekly"] = 7 * rows["demand_mean_per_day"]
    cost = rows["unit_cost"].fillna(rows["unit_cost"].median()) if rows["unit_cost"].notna().any() else 1.0
    rows["error_value"] = rows["wape"] * rows["weekly"] * cost
    return rows.sort_values(["error_value", "weekly"], ascending=False).reset_index(drop=True)


def _one_line(plan: PlanResult, rows: pd.DataFrame) -> None:
    st.subheader("Line by line")
    st.caption("Those first whose error weighs most. Choose a line to see its fan below.")
    at = panel.pick(rows, "policy", plan, key="lines", order=COLUMNS, alt="Forecast and error by line",
                    more=_columns(plan))
    item_id, location_id = str(rows["item_id"].iloc[at]), str(rows["location_id"].iloc[at])
    with st.container(border=True):
        item_view.heading(plan, item_id, location_id, key="fan_item")
        item_view.fan(plan, item_id, location_id, key="fan")


def _accuracy(plan: PlanResult) -> None:
    left, right = st.columns([3, 2], gap="medium")
    with left, st.container(border=True, height="stretch"):
        st.subheader("Against the naive forecast")
        measured = lines.keep(plan.accuracy, lines.selling(plan)).merge(plan.policy, on=KEYS, how="left")
        figure = charts.error_against_naive(measured, measured["demand_mean_per_day"].fillna(0.0))
        panel.chart(figure, "Error by demand class, against the naive forecast", key="naive")
    with right, st.container(border=True, height="stretch"):
        st.subheader("How it is measured")
        st.markdown(MEASURED)


def _columns(plan: PlanResult) -> dict[str, Any]:
    number = st.column_config.NumberColumn
    priced = plan.items["unit_cost"].notna().any()
    unit = (plan.params.currency or "at cost") if priced else "units"
    return {
        "item_name": st.column_config.TextColumn("Name", width="medium"),
        "weekly": number("Demand a week", format="%,.1f", help="Expected units a week over lead time + review."),
        "wape": number("Error", format="percent", help=glossary.term("WAPE")),
        "naive_wape": number("Naive error", format="percent", help="The error of taking the last period for the next."),
        "bias": number("Bias", format="percent", help=glossary.term("Bias")),
        "error_value": number(f"Error a week ({unit})", format="%,.0f", help="Error x demand x cost: where a better "
                              "forecast would pay."),
    }


main()
