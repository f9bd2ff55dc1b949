"""Replenishment: what to order today, from whom, how much, and why."""

import streamlit as st

from pages.components import (
    controls,
    exceptions_view,
    glossary,
    numbers,
    orders_view,
    panel,
    plans_view,
    session,
    today_view,
    week_view,
)

TABS = ("Today", "By week", "Exceptions", "Orders", "Changes")


def main() -> None:
    """Draw the page; only the tab that is open is worked out."""
    plan, whole = panel.open_page("Replenishment")
    numbers.replenishment(plan, whole)
    with st.container(horizontal=True):
        if session.may_try("service_target"):
            with st.popover("Budget, coverage, service", icon=":material/tune:"):
                controls.policy_params()
        if session.may_act():
            with st.popover("Lead times", icon=":material/schedule:"):
                controls.lead_time_params()
        if session.may_try("demand_multiplier"):
            with st.popover("What if …", icon=":material/science:"):
                controls.what_if()
        glossary.words("Red", "Amber", "Green", "Expedite", "MOQ", "Coverage", "Lost margin", "Lead time + review")
    shown = TABS if session.may_act() else TABS[:-1]
    today, weeks, exceptions, orders, *more = st.tabs(shown, key="replenishment_tab", on_change="rerun")
    with today:
        if today.open:
            today_view.show(plan, whole)
    with weeks:
        if weeks.open:
            week_view.show(plan)
    with exceptions:
        if exceptions.open:
            exceptions_view.show(plan)
    with orders:
        if orders.open:
            orders_view.show(plan, whole)
    for changes in more:
        if changes.open:
            with changes:
                plans_view.show(plan, whole)


main()
