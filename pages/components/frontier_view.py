"""The exchange of stock for service, for all lines or those in view, and the targets that a budget buys."""

from collections.abc import Mapping
from types import MappingProxyType

import pandas as pd
import streamlit as st

from pages.components import charts, glossary, lookups, panel, pinning, session
from pages.components.formats import count, literal, money, percent, units
from planning import frontier
from planning.frontier import Frontier, Tradeoff
from planning.result import PlanResult

VALUES: Mapping[str, str] = MappingProxyType({"units": "Units", "margin": "Margin"})
ALL, SOME = "All lines", "Lines in view"
LONGEST_REASON = 500
SAME = 0.0005
"""A gain of less service than this is none; a target that differs by less stays."""


def show(plan: PlanResult, whole: PlanResult) -> None:
    """Draw the curve, what it says, and the way to its targets."""
    value, keys = _asked(plan, whole)
    trade = lookups.tradeoff(whole, value, keys)
    if trade is None:
        panel.chart(
            charts.service_stock_curve(whole.service_curve, whole.params),
            "Expected fill rate against stock value, today's choice marked",
            key="curve",
        )
        return
    proposed = trade.order(whole.policy)
    told = frontier.compare(trade, proposed)
    panel.chart(
        charts.service_frontier(told, whole.params),
        "Service against stock: the frontier, one target for all lines, the policy in force and today's stock",
        key="frontier",
    )
    if not told.lines:
        return
    st.markdown(in_words(told, literal(whole.params.currency)))
    with st.container(horizontal=True, vertical_alignment="center", key="frontier_row"):
        _apply(trade, told, whole)
        feeding = "; stock that only feeds other locations is left out" if whole.items["fed_by"].notna().any() else ""
        st.caption(f"{count(told.lines, 'line')} that serve customers{feeding}.", width="content")


def _asked(plan: PlanResult, whole: PlanResult) -> tuple[str, pd.DataFrame | None]:
    """What a unit served counts, and which lines are looked at."""
    priced = (whole.items["unit_price"] - whole.items["unit_cost"]).gt(0).any()
    with st.container(horizontal=True, vertical_alignment="bottom", key="frontier_asked"):
        if priced:
            session.seed("frontier_value", session.widget("frontier_value") or "units")
            st.segmented_control(
                "Serve the most",
                list(VALUES),
                format_func=VALUES.__getitem__,
                key="frontier_value",
                required=True,
                help="What the frontier gets the most of for its stock: units served, or their margin.",
            )
        if len(plan.policy) < len(whole.policy):
            session.seed("frontier_lines", session.widget("frontier_lines") or SOME)
            st.segmented_control("Of", [ALL, SOME], key="frontier_lines", required=True)
    value = session.widget("frontier_value") if priced else "units"
    some = len(plan.policy) < len(whole.policy) and session.widget("frontier_lines") == SOME
    return str(value or "units"), plan.policy[["item_id", "location_id"]] if some else None


def in_words(told: Frontier, currency: str) -> str:
    """The best that the stock of the policy could do, and the least stock for its service."""
    column, served = ("fill_rate", "served") if told.value == "units" else ("kept", "of the margin kept")
    now, best = float(told.proposed[column]), float(told.best[column])
    if best - now < SAME:
        return f"The policy stands on the frontier: no other spread of its stock serves more than **{percent(now)}**."

    def worth(stock: float) -> str:
        return money(stock, currency) if told.in_money else units(round(stock))

    lost = told.proposed["lost_margin_per_year"] - told.best["lost_margin_per_year"]
    gain = f", {money(lost, currency)} of margin a year" if lost == lost and lost > 0 else ""
    said = (
        f"With the stock of the policy ({worth(told.proposed['stock'])}) the best is **{percent(best)}** {served}, "
        f"not {percent(now)}{gain}."
    )
    spared = told.proposed["stock"] - told.least_stock
    if spared == spared and spared > 0:
        said += f" For the service of the policy **{worth(told.least_stock)}** is enough: {worth(spared)} less."
    return said


def _apply(trade: Tradeoff, told: Frontier, whole: PlanResult) -> None:
    """The targets that a budget of stock buys, told before they are set."""
    if not pinning.possible():
        return
    with st.popover("Apply the frontier", icon=":material/moving:"):
        measure = whole.params.service_measure
        if measure == "cost":
            st.caption("Under least cost no targets are read: choose units served or cycles in stock first.")
            return
        unit = f" ({whole.params.currency})" if told.in_money and whole.params.currency else ""
        # Before the first edit it follows the policy.
        stock = st.number_input(
            f"Stock to spread{unit}" if told.in_money else "Units to spread",
            min_value=0.0,
            value=float(round(told.proposed["stock"])),
            step=float(max(round(told.proposed["stock"] / 50), 1)),
            key="frontier_budget",
            help="The mean stock on hand of these lines, at cost.",
        )
        proposed = trade.order(whole.policy)
        best = frontier.best_at(trade, proposed, float(stock))
        rows = frontier.targets_at(trade, proposed, float(stock), measure)
        now = whole.policy["service_target"].to_numpy()[trade.exchange.rows]
        rows = rows[(rows["service_target"] - now).abs() > SAME]
        reach = money(best["stock"], literal(whole.params.currency)) if told.in_money else units(round(best["stock"]))
        st.markdown(
            f"**{percent(best['fill_rate'])}** of demand served with {reach} of stock: "
            f"{count(len(rows), 'line')} would get a target of their own."
        )
        reason = st.text_input("Reason", key="frontier_reason", max_chars=LONGEST_REASON)
        if st.button("Set these targets", key="frontier_apply", type="primary", disabled=rows.empty):
            pinned = rows.assign(kind=pinning.TARGET, value=rows["service_target"])
            pinning.pin(pinned, reason or "Efficient frontier")
            st.rerun()
        st.caption(glossary.term("Frontier"))
