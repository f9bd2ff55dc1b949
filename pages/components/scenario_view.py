"""Scenarios side by side: three numbers, the curve, measures, weeks, risk, and the lines that differ."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pandas as pd
import streamlit as st

from data import plans, service
from pages.components import charts_scenario, decided, glossary, panel, session, tables
from pages.components.formats import DASH, count, known, literal, money, percent, units
from pages.components.plans_view import CAUSES, CHANGES
from pages.components.scenario_runs import TODAY, Asked
from pages.components.scenario_words import measure_table, signed, signed_money
from pages.components.sidebar import RISK_LABELS
from planning import scenario
from planning.result import PlanResult
from planning.scenario import Comparison
from planning.tables import INPUT_TABLES

WEEKS = "By week"
TABS = ("Measures", WEEKS, "Risk", "Orders", "Transfers")
SERVICE, STOCK, HELD, ORDERS, ORDER_LINES = (
    "Service promised (fill rate)",
    "Mean stock value",
    "Mean stock",
    "Order value today",
    "Order lines today",
)
NOTHING_SAID = "what it supposes is not told with this link"
NO_PINS = pd.DataFrame({name: pd.Series(dtype=object) for name in INPUT_TABLES["pins"].names})
MOST_ROWS = 500
LEAST_MOVED = 0.5
RISKS: Mapping[str, int] = MappingProxyType({"red": 0, "amber": 1, "green": 2})


def compared(whole: PlanResult, asked: list[Asked], found: Mapping[str, PlanResult]) -> Comparison:
    """Today's plan and the scenarios that are there, side by side under names that differ."""
    named = names(asked)
    return scenario.compare({TODAY: whole, **{named[one.key]: found[one.key] for one in asked if one.key in found}})


def in_view(told: Comparison) -> Comparison:
    """The same of the lines that the filters let through, by the risk that they have in the first plan."""
    filters = session.filters()
    if not filters.count:
        return told
    first = told.plans[told.names[0]]
    keys = filters.lines(first)[["item_id", "location_id"]]
    more = " What is adopted, shared or reported is the plan of all lines." if session.may_act() else ""
    st.caption(
        f":material/filter_alt: Of {count(len(keys), 'line')} that pass the filters, of {len(first.items):,}.{more}"
    )
    return scenario.compare(told.plans, keys)


def viewed(plans: Mapping[str, PlanResult]) -> None:
    """Draw the plans that a link shows side by side: nothing is done here."""
    told = in_view(scenario.compare(plans))
    first, *others = told.names
    grant = session.grant()
    picked = grant.scenario if grant is not None and grant.scenario in others else others[-1]
    if len(others) > 1:
        picked = str(
            st.segmented_control(
                "Numbers of", others, default=picked, format_func=literal, key="shared_focus", required=True
            )
        )
    whole = told.plans[first]
    numbers(told, picked, whole.params.currency)
    said = scenario.differences(whole.params, told.plans[picked].params)
    st.markdown(f"**{literal(picked)}**: {literal('; '.join(said) or NOTHING_SAID)}.")
    show(told, whole)


def names(asked: list[Asked]) -> dict[str, str]:
    """What each scenario is called beside the others, by key."""
    out: dict[str, str] = {}
    for one in asked:
        name, n = one.name, 2
        while name in (TODAY, *out.values()):
            name, n = f"{one.name} ({n})", n + 1
        out[one.key] = name
    return out


def numbers(told: Comparison, name: str, currency: str) -> None:
    """What a scenario changes against today's plan: service, stock value, order cash."""
    rows = told.measures[told.measures["scenario"] == name].set_index("measure")
    currency = literal(currency)
    first, second, third = st.columns(3)
    with first:
        points = 100 * rows["difference"][SERVICE]
        said = f"{signed(points)} points" if known(points) else DASH
        panel.number(
            "Difference in service", said, f"Promised: {percent(rows['value'][SERVICE])}.", glossary.term("Fill rate")
        )
    with second:
        priced = known(rows["value"][STOCK])
        row = rows.loc[STOCK if priced else HELD]
        panel.number(
            "Difference in stock value" if priced else "Difference in stock",
            signed_money(row["difference"], currency) if priced else f"{signed(row['difference'], 0)} units",
            f"The policy holds {money(row['value'], currency) if priced else units(round(row['value']))} on average.",
            "The mean stock on hand that the levels lead to, at cost.",
        )
    with third:
        priced = known(rows["value"][ORDERS])
        row = rows.loc[ORDERS if priced else ORDER_LINES]
        panel.number(
            "Difference in order cash" if priced else "Difference in order lines",
            signed_money(row["difference"], currency) if priced else f"{signed(row['difference'], 0)} lines",
            f"Orders of today: {money(row['value'], currency) if priced else count(int(row['value']), 'line')}.",
            glossary.term("Orders due today"),
        )


def show(told: Comparison, whole: PlanResult) -> None:
    """Draw the curve and what differs; only the tab that is open is worked out."""
    currency = whole.params.currency
    with st.container(border=True):
        st.header("Service against stock")
        panel.chart(
            charts_scenario.scenario_curve(told, currency),
            "Service against stock, each scenario marked on its own curve",
            key="scenario_curve",
        )
        if told.curve["stands"].all():
            st.caption("Of some lines there is no curve, only where each scenario stands.")
    # Both charts by week are money alone.
    hidden = session.costs_hidden()
    tabs = st.tabs([name for name in TABS if not (hidden and name == WEEKS)], key="scenario_tab", on_change="rerun")
    measures, *weekly, risk, orders, transfers = tabs
    with measures:
        if measures.open:
            _measures(told, whole)
    for weeks in weekly:
        with weeks:
            if weeks.open:
                _weeks(told, whole)
    with risk:
        if risk.open:
            _risks(told, whole)
    for tab, which in ((orders, 0), (transfers, 1)):
        with tab:
            if tab.open:
                _lines(which, told)


def _measures(told: Comparison, whole: PlanResult) -> None:
    # Two columns may be called alike; a table needs names that differ, so places serve.
    rows = told.measures
    if session.costs_hidden():
        rows = rows[rows["unit"] != "money"].rename(columns={"value": "figure"})
    shown = measure_table(told, whole.params.currency)
    shown = shown[shown["measure"].isin(rows["measure"])]
    places = {name: f"s{n}" for n, name in enumerate(told.names)}
    config = {"measure": st.column_config.TextColumn("Measure", pinned=True, width="medium")}
    config |= {places[name]: st.column_config.TextColumn(name[:60], width="medium") for name in told.names}
    st.dataframe(
        shown.rename(columns=places),
        key="scenario_measures",
        hide_index=True,
        column_config=config,
        alt="Measures of each scenario with the difference to today's plan",
        height="content",
    )
    st.caption(
        "In brackets: against today's plan. "
        f"{'What is lost is' if session.costs_hidden() else 'Cash out and what is lost are'} "
        f"of {whole.params.plan_days} days; "
        "mean stock is what the levels lead to."
    )
    tables.downloads(rows, "scenario-measures", whole, key="scenario_measures_all")


def _weeks(told: Comparison, whole: PlanResult) -> None:
    currency = whole.params.currency
    panel.chart(charts_scenario.cash_by_week(told, currency), "Cash out by week and scenario", key="scenario_cash")
    panel.chart(charts_scenario.stock_by_week(told, currency), "Stock value by week and scenario", key="scenario_stock")
    tables.downloads(told.weeks, "scenario-weeks", whole, key="scenario_weeks_all")


def _risks(told: Comparison, whole: PlanResult) -> None:
    rows = told.risks
    if rows.empty:
        st.success("No line changes between red, amber and green.", icon=":material/task_alt:")
        return
    worse = rows["after"].map(RISKS) < rows["before"].map(RISKS)
    for name in told.names[1:]:
        mine = rows["scenario"] == name
        st.markdown(
            f"**{literal(name)}**: {count(int((mine & worse).sum()), 'line')} worse, "
            f"{count(int((mine & ~worse).sum()), 'line')} better."
        )
    named = whole.items[["item_id", "location_id", "item_name"]]
    shown = rows.assign(
        before=rows["before"].map(RISK_LABELS), after=rows["after"].map(RISK_LABELS), _worse=~worse
    ).merge(named, on=["item_id", "location_id"], how="left")
    shown = shown.sort_values("_worse", kind="stable").drop(columns="_worse")
    text = st.column_config.TextColumn
    st.dataframe(
        shown.head(MOST_ROWS),
        key="scenario_risks",
        hide_index=True,
        column_order=["item_id", "item_name", "location_id", "before", "after", "scenario"],
        column_config={
            "item_id": text("Item", pinned=True),
            "item_name": text("Name", width="medium"),
            "location_id": text("Location"),
            "before": text("Today's plan"),
            "after": text("Then"),
            "scenario": text("Scenario", width="medium"),
        },
        alt="Lines that change between red, amber and green",
    )
    tables.downloads(shown, "scenario-risk", whole, key="scenario_risks_all")


def _lines(which: int, told: Comparison) -> None:
    """The order lines (0) or transfers (1) that differ from today's plan, and why."""
    what = ("order line", "transfer")[which]
    whole, *others = told.plans.values()
    for n, (name, other) in enumerate(zip(told.names[1:], others, strict=True)):
        rows = differing(whole, other)[which]
        st.markdown(f"**{literal(name)}**: {count(len(rows), what)} {'differs' if len(rows) == 1 else 'differ'}.")
        if rows.empty:
            continue
        rows = rows.assign(
            cause=rows["cause"].replace(dict(CAUSES)), parts=[_parts(r) for r in rows.to_dict("records")]
        )
        shown = [c for c in tables.seen(CHANGES) if c in rows and rows[c].replace("", None).notna().any()]
        st.dataframe(
            rows[shown].head(MOST_ROWS),
            key=f"scenario_lines_{which}_{n}",
            hide_index=True,
            column_config=_line_columns(whole.params.currency),
            height=min(36 + 33 * min(len(rows), MOST_ROWS), 360),
            placeholder="–",
            alt=f"{what.capitalize()}s that differ from today's plan, with the cause",
        )
        tables.downloads(rows[shown], f"scenario-{what}s", whole, key=f"scenario_lines_{which}_{n}_all")


def differing(whole: PlanResult, other: PlanResult) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Order lines and transfers that differ from today's plan, as `data.plans.between` tells them."""
    # Who looks through a link is not told what was set by hand.
    pins = service.pins(*decided.here(), frames=decided.frames()) if session.may_act() else NO_PINS
    return plans.between(whole, other, pins)


def _parts(row: Mapping[str, Any]) -> str:
    """What moved the line, the largest first, in units that add up to the change."""
    moved = {CAUSES[name]: row[name] for name in plans.CAUSES if name in row and abs(row[name]) >= LEAST_MOVED}
    return ", ".join(f"{name} {signed(n, 0)}" for name, n in sorted(moved.items(), key=lambda part: -abs(part[1])))


def _line_columns(currency: str) -> dict[str, Any]:
    text, number = st.column_config.TextColumn, st.column_config.NumberColumn
    return {
        "item_id": text("Item", pinned=True),
        "item_name": text("Name", width="medium"),
        "location_id": text("Location"),
        "source_id": text("From"),
        "destination_id": text("To"),
        "before": number("Today's plan (units)", format="%,.0f"),
        "after": number("Scenario (units)", format="%,.0f"),
        "change": number("Change (units)", format="%+,.0f"),
        "value_change": number(f"Change ({currency})" if currency else "Change in money", format="%+,.0f"),
        "cause": text("Main cause"),
        "parts": text("What moved it (units)", width="large", help="They add up to the change."),
    }
