"""Overview: what is at risk, what lies idle, what to order today, and what to do about each."""

import streamlit as st

from pages.components import (
    cards,
    controls,
    digest_view,
    glossary,
    kpi_view,
    overview_changes_view,
    overview_view,
    overview_work_view,
    panel,
    session,
)
from pages.components.formats import literal
from planning.result import PlanResult


def main() -> None:
    """Draw the page."""
    plan, whole = panel.open_page("Overview", _beside)
    cards.three_numbers(plan)
    overview_view.show_alerts(plan)
    overview_work_view.work_list(plan)
    overview_changes_view.changed(plan, whole)
    _figures(plan, whole)
    overview_view.ahead(plan)
    if whole.notes:
        with st.expander(f"What this plan assumes ({len(whole.notes)})", icon=":material/info:"):
            st.markdown("\n".join(f"- {literal(note)}" for note in whole.notes))
    glossary.words("ABC class", "Red", "Amber", "Green", "Days of supply", "Excess", "Lost margin", "Expedite")


def _beside(whole: PlanResult) -> None:
    """The cheap parameters, for who may try them, and the page to take along."""
    if session.may_try("service_target"):
        with st.popover("Service and budget", icon=":material/tune:"):
            controls.policy_params()
        with st.popover("What if …", icon=":material/science:"):
            controls.what_if()
    digest_view.button(whole)


def _figures(plan: PlanResult, whole: PlanResult) -> None:
    """The key figures; through a link that kept none, the few that the plan itself tells."""
    told = kpi_view.figures(plan, whole)
    if told:
        kpi_view.strip(told, plan)
    else:
        cards.strip(plan)


main()
