"""How far the forecast can be trusted: its error against simpler ones, whether its quantiles hold, where it costs."""

from types import MappingProxyType
from typing import Any

import pandas as pd
import streamlit as st

from pages.components import charts, forecast_lines, forecast_record, glossary, numbers, panel, session, tables
from pages.components.forecast_record import GROUPS
from pages.components.formats import count, day, days
from planning.result import PlanResult

MEASURED = (
    "The forecast was made again at several mornings of the past, each time only with what was known then, and "
    "compared with the demand that came over **lead time + review**: the span that an order must cover.\n\n"
    "These mornings had no part in choosing models or in measuring the spread. Weeks with an empty shelf do not "
    "count, as their demand is unknown; a line measured on too little history stays out."
)
TABLE = (
    "group",
    "lines",
    "error_value",
    "wape",
    "naive_wape",
    "mean13_wape",
    "bias",
    "rmsse",
    "pinball",
    "naive_pinball",
    "held_80",
    "held_90",
    "held_95",
    "held_98",
    "scored",
)
WORST = ("item_id", "location_id", "error_value", "item_name", "wape", "naive_wape", "bias", "scored", "demand_class")
DRIFT = ("item_id", "location_id", "direction", "bias", "error_value", "item_name", "wape")
_SHARES = ("wape", "naive_wape", "mean13_wape", "bias", "held_80", "held_90", "held_95", "held_98")
DIRECTIONS = MappingProxyType({"over": "▲ too high", "under": "▼ too low"})


def show(plan: PlanResult) -> None:
    """Draw the tab."""
    rows = forecast_record.measured(plan)
    if rows.empty:
        st.info(
            "No line has enough history to measure its forecast on past mornings yet: about a year of sales is needed.",
            icon=":material/hourglass_empty:",
        )
        return
    whole = forecast_record.by_group(rows).iloc[0]
    numbers.accuracy(plan, whole, forecast_record.hit_rate(rows))
    st.caption(_span(plan, rows))
    _groups(plan, rows)
    left, right = st.columns(2, gap="medium")
    with left, st.container(border=True, height="stretch"):
        st.header("What each step is worth")
        steps = forecast_record.value_added(rows)
        panel.chart(charts.value_added(steps), "Error after each step of forecasting", key="value_added")
        st.caption("In brackets the points of error that a step takes off the one before it.")
        st.markdown(MEASURED)
    with right, st.container(border=True, height="stretch"):
        _calibration(plan)
    _drift(plan, forecast_record.drifting(rows))
    _worst(plan, forecast_record.worst(rows))


def _span(plan: PlanResult, rows: pd.DataFrame) -> str:
    points = count(int(rows["scored"].sum()), "point")
    told = f"Measured on {points} of {count(len(rows), 'line')} before {day(plan.as_of)}"
    if "horizon_days" in rows and rows["horizon_days"].notna().any():
        least, most = rows["horizon_days"].min(), rows["horizon_days"].max()
        told += f", over lead time + review of {days(least) if least == most else f'{least:.0f} to {days(most)}'}"
    return f"{told}; no morning on which a model was chosen is among them."


def _groups(plan: PlanResult, rows: pd.DataFrame) -> None:
    with st.container(border=True):
        st.header("Against simpler forecasts")
        offered = [name for name in GROUPS if rows[name].notna().any()]
        session.seed("accuracy_by", session.kept("accuracy_by") or offered[0])
        by = st.segmented_control(
            "By",
            offered,
            key="accuracy_by",
            format_func=GROUPS.__getitem__,
            required=True,
            label_visibility="collapsed",
            on_change=lambda: session.keep("accuracy_by", session.widget("accuracy_by")),
        )
        table = forecast_record.by_group(rows, by)
        figure = charts.error_by_group(table, f"no {GROUPS[by].lower()}")
        panel.chart(figure, f"Error by {GROUPS[by].lower()}, against simpler forecasts", key="groups")
        st.caption("Left is better. Held: the share of cases in which demand stayed at or below that quantile.")
        st.dataframe(
            table.round(dict.fromkeys(_SHARES, 3)),
            key=f"record_{by}",
            hide_index=True,
            column_order=[c for c in TABLE if table[c].notna().any()],
            column_config=_columns(plan) | {"group": st.column_config.TextColumn(GROUPS[by], pinned=True)},
            height=forecast_lines.height(table),
            placeholder="–",
            alt=f"The forecast's record by {GROUPS[by].lower()}",
        )
        tables.downloads(table, "accuracy", plan, key=f"record_{by}")


def _calibration(plan: PlanResult) -> None:
    st.header("Do the quantiles hold?")
    if plan.calibration.empty:
        st.caption("No quantile has been measured on past mornings yet.")
        return
    panel.chart(
        charts.calibration_curve(plan.calibration), "Promised against realised share of cases", key="calibration"
    )
    st.caption(
        "In how many cases demand stayed at or below each quantile, for the whole plan whatever the filters show. "
        "Below the dotted line stock would run short more often than promised; within the grey band the difference "
        "may be chance (19 of 20 cases, if mornings were independent: they overlap, so the band is really wider)."
    )


def _drift(plan: PlanResult, rows: pd.DataFrame) -> None:
    with st.container(border=True):
        st.header("Drifting away")
        if rows.empty:
            st.caption("No line has kept missing to the same side beyond its noise on its last mornings.")
            return
        st.caption(
            f"{count(len(rows), 'line')} kept missing to the same side, by more than noise explains, on the last "
            "mornings. Choose one to look at it, then correct it or check its data."
        )
        rows = rows.assign(direction=rows["drift"].map(DIRECTIONS))
        forecast_lines.show(
            rows, plan, key="drift", order=DRIFT, alt="Lines whose forecast drifts", more=_columns(plan)
        )


def _worst(plan: PlanResult, rows: pd.DataFrame) -> None:
    with st.container(border=True):
        st.header("Where errors cost most")
        st.caption("Choose a line to see its forecast.")
        order = [*WORST, "error_units"] if rows["error_value"].isna().all() else WORST
        forecast_lines.show(
            rows, plan, key="worst", order=order, alt="Lines whose forecast errors cost most", more=_columns(plan)
        )


def _columns(plan: PlanResult) -> dict[str, Any]:
    number, percent = st.column_config.NumberColumn, "percent"
    unit = plan.params.currency or "money"
    held = "Share of cases in which demand stayed at or below this quantile: it should be close to its name."
    pinball = "Pinball loss of the 95 % quantile, as a share of demand: it weighs a unit short 19 times a unit over."
    return {
        "lines": number("Lines", format="%,d"),
        "scored": number("Points", format="%,d", help="Past mornings measured, over all lines."),
        "wape": number("Error", format=percent, help=glossary.term("WAPE")),
        "naive_wape": number("Naive", format=percent, help="The error of taking the last periods for the next."),
        "mean13_wape": number("13-week mean", format=percent, help="The error of the mean of the last 13 weeks."),
        "bias": number("Bias", format=percent, help=glossary.term("Bias")),
        "rmsse": number("RMSSE", format="%.2f", help=glossary.term("RMSSE")),
        "pinball": number("Pinball .95", format="%.3f", help=pinball),
        "naive_pinball": number("Naive .95", format="%.3f", help=f"The same of the naive forecast. {pinball}"),
        "held_80": number("Held 80 %", format=percent, help=held),
        "held_90": number("Held 90 %", format=percent, help=held),
        "held_95": number("Held 95 %", format=percent, help=held),
        "held_98": number("Held 98 %", format=percent, help=held),
        "error_value": number(f"Cost a year ({unit})", format="%,.0f", help=glossary.term("Cost of error")),
        "error_units": number("Missed (units)", format="%,.0f", help="Sum of misses over all past mornings measured."),
        "direction": st.column_config.TextColumn("Runs", help="On which side the forecast has stayed."),
    }
