"""The numbers that head the Overview, each with its unit, what it means, and what can be done about it."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from pages.components import glossary, headline, session
from pages.components.formats import DASH, count, days, money, percent, units
from pages.components.headline import Number
from planning.result import PlanResult

WORK_VIEW = "work_view"
"""Key of the choice of what the work list shows."""
_NO_CURRENCY = " Which currency it is in can be said on the Import page."


def three_numbers(plan: PlanResult) -> None:
    """What is at risk, what lies idle, what to order today; each leads to where it is acted on."""
    risk, idle, due = headline.three(plan)
    first, second, third = st.columns(3)
    with first, _card(risk, plan):
        red = int((plan.lines["risk"] == "red").sum())
        if st.button(
            f"Act on {count(red, 'red line')}", icon=":material/priority_high:", width="stretch", disabled=not red
        ):
            session.change_filters(risk=["red"])
            session.go("pages/replenishment.py")
    with second, _card(idle, plan):
        st.button(
            "See what lies idle",
            icon=":material/inventory:",
            width="stretch",
            disabled=not idle.amount.lines,
            on_click=lambda: session.seed(WORK_VIEW, "reduce"),
        )
    with third, _card(due, plan):
        if st.button("Open today's orders", type="primary", icon=":material/local_shipping:", width="stretch"):
            session.go("pages/replenishment.py")


@contextmanager
def _card(number: Number, plan: PlanResult) -> Iterator[None]:
    """One number in money, or in units where no money is known; what it means; below it the action."""
    currency, hidden = plan.params.currency, session.costs_hidden()
    label, value = number.said(currency, hidden=hidden)
    in_money = number.amount.money is not None and not hidden
    nameless = in_money and not currency
    with st.container(border=True, height="stretch", gap="xsmall"):
        about = glossary.term(number.label) + (_NO_CURRENCY if nameless else "")
        st.metric(f"{label}{', in money' if nameless else ''}", value, help=about)
        st.caption(number.told)
        st.space("stretch")
        yield


def strip(plan: PlanResult) -> None:
    """The state of the assortment in five small numbers, each a way to the page behind it."""
    state = headline.health(plan)
    held = float(plan.lines["on_hand"].clip(lower=0).sum())
    stock = money(state.stock_value, plan.params.currency) if state.stock_value is not None else units(held)
    reach = days(round(state.days_of_supply, 1)) if state.days_of_supply is not None else DASH
    with st.container(border=True), st.grid(5, min_column_width=140, gap="small"):
        for value, label, page in (
            (percent(state.fill_rate), "Service promised", "service"),
            (f"▲ {state.red:,} ◆ {state.amber:,}", "Red and amber", "replenishment"),
            (stock, "Stock on hand", "service"),
            (reach, "Supply ahead", "replenishment"),
            (units(state.moved_units), "To transfer today", "allocation"),
        ):
            with st.container(gap="xxsmall"):
                st.markdown(f"**{value}**")
                if st.button(
                    label, type="tertiary", icon=":material/arrow_forward:", icon_position="right", key=f"strip_{label}"
                ):
                    session.go(f"pages/{page}.py")
