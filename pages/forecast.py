"""Forecast: expected demand, how far it can be trusted, and what people know better."""

import streamlit as st

from pages.components import accuracy_view, controls, corrections_view, events_view, forecast_view, glossary, panel
from pages.components.forecast_level import TABS


def main() -> None:
    """Draw the page; only the tab that is open is worked out."""
    plan, whole = panel.open_page("Forecast")
    names = ["Forecast", "Accuracy", "Corrections", "Events", "Settings"]
    demand, accuracy, corrections, events, settings = st.tabs(names, key=TABS, on_change="rerun")
    with demand:
        if demand.open:
            forecast_view.show(plan, whole)
    with accuracy:
        if accuracy.open:
            accuracy_view.show(plan)
    with corrections:
        if corrections.open:
            corrections_view.show(plan, whole)
    with events:
        if events.open:
            events_view.show()
    with settings, st.container(width=560):
        if settings.open:
            st.caption("A new forecast takes a while; nothing changes before the button.")
            controls.forecast_params()
    glossary.words("WAPE", "Bias", "RMSSE", "ABC class", "Cost of error", "Lead time + review", "Safety stock")


main()
