"""The numbers that head the Overview, each with its unit, what it means, and what can be done about it."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from pages.components import glossary, headline, session
from pages.components.formats import DASH, count, day, days, money, percent, units
from pages.components.headline import Amount
from planning.result import PlanResult

WORK_VIEW = "work_view"
"""Key of the choice of what the work list shows."""
_NO_CURRENCY = " Which currency it is in can be said on the Import page."


def three_numbers(plan: PlanResult) -> None:
    """What is at risk, what lies idle, what to order today; each leads to where it is acted on."""
    first, second, third = st.columns(3)
    with first:
        _at_risk(plan)
    with second:
        _idle(plan)
    with third:
        _due(plan)


def _at_risk(plan: PlanResult) -> None:
    value = headline.margin_at_risk(plan)
    some = (
        f"{units(round(value.units))} of demand are expected to meet an empty shelf before the next order can arrive, "
        f"in the {plan.params.plan_days} days from {day(plan.as_of)}, or until an order of today arrives, if later."
    )
    with _card("Margin at risk", "Demand at risk", value, plan, some, "Nothing runs out before an order can arrive."):
        red = headline.health(plan).red
        if st.button(
            f"Act on {count(red, 'red line')}", icon=":material/priority_high:", width="stretch", disabled=not red
        ):
            session.change_filters(risk=["red"])
            session.go("pages/replenishment.py")


def _idle(plan: PlanResult) -> None:
    value = headline.idle_stock(plan)
    some = f"{units(value.units)} in {count(value.lines, 'line')} beyond any foreseeable need."
    with _card("Excess and dead stock", "Excess and dead stock", value, plan, some, "No stock beyond what sells."):
        st.button(
            "See what lies idle",
            icon=":material/inventory:",
            width="stretch",
            disabled=not value.lines,
            on_click=lambda: session.seed(WORK_VIEW, "idle"),
        )


def _due(plan: PlanResult) -> None:
    value = headline.due_today(plan)
    suppliers = headline.health(plan).suppliers
    source = f" from {count(suppliers, 'supplier')}" if suppliers else ""
    some = f"{units(value.units)} in {count(value.lines, 'line')}{source}."
    with _card("Orders due today", "Orders due today", value, plan, some, "No order is due today."):
        if st.button("Open today's orders", type="primary", icon=":material/local_shipping:", width="stretch"):
            session.go("pages/replenishment.py")


@contextmanager
def _card(label: str, label_in_units: str, value: Amount, plan: PlanResult, some: str, none: str) -> Iterator[None]:
    """One number in money, or in units where no money is known; what it means; below it the action."""
    with st.container(border=True, height="stretch", gap="small"):
        about = glossary.term(label)
        if value.money is None or session.costs_hidden():
            st.metric(label_in_units, units(value.units), help=about)
        else:
            currency = plan.params.currency
            unit = "" if currency else ", in money"
            st.metric(f"{label}{unit}", money(value.money, currency), help=about + ("" if currency else _NO_CURRENCY))
        told = some if value.lines else none
        if value.money is not None and value.units_unpriced:
            told += f" Not in the sum: {units(value.units_unpriced)} without a known cost or price."
        st.caption(told)
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
