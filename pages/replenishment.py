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
    today_view,
    week_view,
)

TABS = ("Today", "By week", "Exceptions", "Orders", "Changes")


def main() -> None:
    """Draw the page; only the tab that is open is worked out."""
    plan, whole = panel.open_page("Replenishment")
    numbers.replenishment(plan, whole)
    with st.container(horizontal=True):
        with st.popover("Budget, coverage, service", icon=":material/tune:"):
            controls.policy_params()
        with st.popover("Lead times", icon=":material/schedule:"):
            controls.lead_time_params()
        with st.popover("What if …", icon=":material/science:"):
            controls.what_if()
        glossary.words("Red", "Amber", "Green", "Expedite", "MOQ", "Coverage", "Lost margin", "Lead time + review")
    today, weeks, exceptions, orders, changes = st.tabs(TABS, key="replenishment_tab", on_change="rerun")
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
    with changes:
        if changes.open:
            plans_view.show(plan, whole)


main()
