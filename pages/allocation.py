"""Allocation: what to send where today, what it gains, and what stays short."""

import streamlit as st

from pages.components import charts, controls, glossary, numbers, panel, transfer_views
from planning.result import PlanResult


def main() -> None:
    """Draw the page."""
    plan, whole = panel.open_page("Allocation")
    if whole.before_after.empty:
        st.info(
            "Stock lies at one location only, or nothing feeds anything: there is nothing to share. Name a "
            "location that gives under Sharing rules, or import locations and lanes.",
            icon=":material/call_split:",
        )
        _actions(whole)
        return
    numbers.allocation(plan)
    _actions(plan)
    left, right = st.columns([3, 2], gap="medium")
    with left, st.container(border=True, height="stretch"):
        st.subheader("Cover of the lines that asked")
        panel.chart(charts.allocation_before_after(plan.before_after), "Days of supply before and after", key="cover")
    with right, st.container(border=True, height="stretch"):
        st.subheader("From where to where")
        panel.chart(charts.transfers_flow(plan.allocation), "Units sent by lane", key="lanes")
    sent, short = st.tabs([f"Transfers of today ({len(plan.allocation):,})", "What stays short"])
    with sent:
        transfer_views.transfers(plan)
    with short:
        transfer_views.short_lines(plan)


def _actions(plan: PlanResult) -> None:
    with st.container(horizontal=True):
        panel.download("Download today's transfers", plan.allocation, "allocation", plan)
        with st.popover("Sharing rules", icon=":material/tune:"):
            controls.allocation_params()
        glossary.words("Allocation", "Fair share", "Days of supply", "Lost margin")


main()
