"""Replenishment: what to order today, from whom, how much, and why."""

import streamlit as st

from pages.components import controls, glossary, numbers, order_views, panel


def main() -> None:
    """Draw the page."""
    plan, whole = panel.open_page("Replenishment")
    numbers.replenishment(plan, whole)
    with st.container(horizontal=True):
        panel.download("Download today's orders", plan.orders, "orders", plan)
        with st.popover("Budget, coverage, service", icon=":material/tune:"):
            controls.policy_params()
        with st.popover("Lead times", icon=":material/schedule:"):
            controls.lead_time_params()
        with st.popover("What if …", icon=":material/science:"):
            controls.what_if()
        glossary.words("Red", "Amber", "Green", "Expedite", "MOQ", "Coverage", "Lost margin", "Lead time + review")
    work, orders, later = st.tabs(["Work list", f"Orders of today ({len(plan.orders):,})", "Later orders"])
    with work:
        order_views.work_list(plan)
    with orders:
        order_views.orders_of_today(plan)
    with later:
        order_views.later_orders(plan)


main()
