"""Forecast: expected demand, and how far it can be trusted."""

from typing import Any

import pandas as pd
import streamlit as st

from pages.components import charts, controls, glossary, item_view, lookups, panel, promise
from pages.components.formats import count, percent, units
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
    _three_numbers(promise.outlook(plan, past))
    demand, accuracy, settings = st.tabs(["Expected demand", "Accuracy", "Settings"])
    rows = _lines(plan)
    with demand:
        with st.container(border=True):
            st.subheader(f"Expected demand of {count(len(plan.items), 'line')} in view")
            panel.chart(charts.forecast_fan(past, plan.forecast), "History and forecast of all lines", key="total")
        _one_line(plan, rows)
    with accuracy:
        _accuracy(plan)
    with settings:
        st.caption("A new forecast takes a while; nothing changes before the button.")
        controls.forecast_params()
    glossary.words("WAPE", "Bias", "ABC class", "Lead time + review")


def _three_numbers(now: promise.Outlook) -> None:
    first, second, third = st.columns(3)
    with first:
        told = "The history does not reach back a year."
        if now.last_year_units:
            change = now.next_units / now.last_year_units - 1
            told = f"{percent(abs(change))} {'more' if change >= 0 else 'less'} than the " \
                   f"{units(round(now.last_year_units))} sold in the same weeks last year."
        panel.number("Next 4 weeks", units(round(now.next_units)), told)
    with second:
        told = "Too little history to measure."
        if now.wape is not None and now.naive_wape:
            better = 1 - now.wape / now.naive_wape
            told = f"{percent(abs(better), 0)} {'less' if better >= 0 else 'more'} than the naive forecast's " \
                   f"{percent(now.naive_wape)}; {count(now.measured, 'line')} measured."
        panel.number("Error at lead time", percent(now.wape), told, glossary.term("WAPE"))
    with third:
        told = "Too little history to measure."
        if now.bias is not None:
            told = "Forecasts run too high." if now.bias > 0.02 else "Forecasts run too low." if now.bias < -0.02 \
                else "Neither too high nor too low."
        panel.number("Bias", f"{100 * now.bias:+.1f} %".replace("-", "−") if now.bias is not None else "–", told,
                     glossary.term("Bias"))


def _lines(plan: PlanResult) -> pd.DataFrame:
    """The lines, those first whose forecast error weighs most in money (in units where no cost is known)."""
    rows = plan.policy[[*KEYS, "abc_class", "demand_class", "model", "demand_mean_per_day"]].merge(
        plan.accuracy, on=KEYS, how="left").merge(plan.items[[*KEYS, "item_name", "unit_cost"]], on=KEYS, how="left")
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
        weights = plan.accuracy.merge(plan.policy, on=KEYS, how="left")["demand_mean_per_day"].fillna(0.0)
        figure = charts.error_against_naive(plan.accuracy, plan.policy, weights)
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
