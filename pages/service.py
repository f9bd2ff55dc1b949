"""Service & safety stock: what a service target costs in stock, what it saves in sales, and where both lie."""

import streamlit as st

from pages.components import (
    class_view,
    controls,
    frontier_view,
    glossary,
    numbers,
    panel,
    policy_view,
    session,
)
from pages.components.wording import next_point

TABS = ("Lines", "By class", "Levels")


def main() -> None:
    """Draw the page; only the tab that is open is worked out."""
    plan, whole = panel.open_page("Service & safety stock")
    numbers.service(plan)
    left, right = st.columns([2, 1], gap="medium")
    with left, st.container(border=True, height="stretch"):
        st.subheader("What stock buys in service")
        frontier_view.show(plan, whole)
        st.markdown(next_point(whole.service_curve, whole.params))
    with right, st.container(border=True, height="stretch"):
        st.subheader("Targets")
        if session.may_try("service_target"):
            controls.policy_params()
        else:
            policy_view.targets_told(whole)
    lines, classes, levels = st.tabs(TABS, key="service_tab", on_change="rerun")
    with lines:
        if lines.open:
            policy_view.show(plan)
    with classes:
        if classes.open:
            class_view.show(plan)
    with levels:
        if levels.open:
            policy_view.levels(plan)
    glossary.words(
        "Fill rate",
        "Cycles in stock",
        "Frontier",
        "Safety stock",
        "Reorder point",
        "Target stock",
        "ABC class",
        "Lead time + review",
        "Lost margin",
    )


main()
