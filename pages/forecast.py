"""Forecast: expected demand, how far it can be trusted, and what people know better."""

import streamlit as st

from pages.components import (
    accuracy_view,
    controls,
    corrections_view,
    events_view,
    forecast_view,
    glossary,
    panel,
    session,
)
from pages.components.forecast_level import TABS
from planning.result import PlanResult


def main() -> None:
    """Draw the page; only the tab that is open is worked out."""
    plan, whole = panel.open_page("Forecast")
    names = ["Forecast", "Accuracy", "Corrections", "Events", "Settings"]
    # What is decided here is no viewer's business.
    shown = names if session.may_act() else names[:2]
    demand, accuracy, *more = st.tabs(shown, key=TABS, on_change="rerun")
    with demand:
        if demand.open:
            forecast_view.show(plan, whole)
    with accuracy:
        if accuracy.open:
            accuracy_view.show(plan)
    for name, tab in zip(shown[2:], more, strict=True):
        if tab.open:
            with tab:
                _decided(name, plan, whole)
    glossary.words("WAPE", "Bias", "RMSSE", "ABC class", "Cost of error", "Lead time + review", "Safety stock")


def _decided(name: str, plan: PlanResult, whole: PlanResult) -> None:
    if name == "Corrections":
        corrections_view.show(plan, whole)
    elif name == "Events":
        events_view.show()
    else:
        with st.container(width=560):
            st.caption("A new forecast takes a while; nothing changes before the button.")
            controls.forecast_params()


main()
