"""Allocation: what to send where today, what it gains, why, and what stays short."""

import streamlit as st

from pages.components import charts, controls, glossary, numbers, panel, session, sharing_view, transfer_views
from planning.result import PlanResult

TABS = ("Transfers", "Why so many", "Short everywhere", "Fair or best", "Approved")


def main() -> None:
    """Draw the page; only the tab that is open is worked out."""
    plan, whole = panel.open_page("Allocation")
    if whole.before_after.empty:
        st.info(
            "Stock lies at one location only, or nothing feeds anything: there is nothing to share. Name a "
            "location that gives under Sharing rules, or import locations and lanes.",
            icon=":material/call_split:",
        )
        _rules()
        return
    numbers.allocation(plan, whole)
    _rules()
    _pictures(plan)
    shown = TABS if session.may_act() else TABS[:-1]
    transfers, why, short, fair, *more = st.tabs(shown, key="allocation_tab", on_change="rerun")
    with transfers:
        if transfers.open:
            transfer_views.transfers(plan)
    with why:
        if why.open:
            sharing_view.why(plan)
    with short:
        if short.open:
            transfer_views.short_lines(plan)
    with fair:
        if fair.open:
            sharing_view.fair_or_best(whole)
    for approved in more:
        if approved.open:
            with approved:
                transfer_views.approved(whole)


def _pictures(plan: PlanResult) -> None:
    left, right = st.columns([3, 2], gap="medium")
    with left, st.container(border=True, height="stretch"):
        st.subheader("Before and after")
        sharing_view.before_after(plan)
    with right, st.container(border=True, height="stretch"):
        st.subheader("From where to where")
        panel.chart(charts.transfers_flow(plan.allocation), "Units sent by lane", key="lanes")


def _rules() -> None:
    with st.container(horizontal=True):
        if session.may_act():
            with st.popover("Sharing rules", icon=":material/tune:"):
                controls.allocation_params()
        glossary.words("Allocation", "Fair share", "Price of fairness", "Days of supply", "Lost margin")


main()
