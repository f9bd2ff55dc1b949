"""Item: one item at one location, from its history to its order."""

import numpy as np
import streamlit as st

from pages.components import glossary, item_choice, item_view, numbers, panel, replay_item, session, tables
from pages.components.overview_work import work_rows
from planning.result import PlanResult

ELSEWHERE = (
    "risk",
    "action",
    "location_id",
    "on_hand",
    "on_order",
    "days_of_supply",
    "stockout_on",
    "order_quantity",
    "transfer_quantity",
    "reason",
)


def main() -> None:
    """Draw the page."""
    plan, whole = panel.open_page("Item")
    item_id, location_id = _chosen(plan, whole)
    item_choice.switch(plan, whole, item_id, location_id)
    line = item_view.line_of(whole.lines, item_id, location_id)
    item_view.heading(whole, item_id, location_id)
    numbers.item(whole, line)
    with st.container(border=True):
        st.subheader("Stock ahead, and why this order")
        item_view.stock_and_reason(whole, item_id, location_id, key="item")
    left, right = st.columns([3, 2], gap="medium")
    with left, st.container(border=True, height="stretch"):
        st.subheader("Demand")
        item_view.fan(whole, item_id, location_id, key="fan")
    with right, st.container(border=True, height="stretch"):
        st.subheader("What the order stands on")
        item_view.facts(whole, item_id, location_id)
    replay_item.link(item_id, location_id)
    _elsewhere(whole, item_id, location_id)
    glossary.words("Days of supply", "Safety stock", "Reorder point", "Target stock", "Lead time + review", "Fill rate")


def _chosen(plan: PlanResult, whole: PlanResult) -> tuple[str, str]:
    """The item in view; where none is, or the plan does not know it, the line that most needs a look."""
    wanted = session.selected()
    if wanted and item_view.line_of(whole.items, *wanted) is not None:
        return wanted
    if wanted:
        st.warning("The plan does not know that item at that location; here is the line that most needs a look.")
    work = work_rows(plan)
    first = work if len(work) else plan.lines
    return str(first["item_id"].iloc[0]), str(first["location_id"].iloc[0])


def _elsewhere(plan: PlanResult, item_id: str, location_id: str) -> None:
    """The item's other locations; the key changes with the line, so that a choice made there is not made again here."""
    lines = plan.lines
    others = np.flatnonzero((lines["item_id"] == item_id) & (lines["location_id"] != location_id))
    if not len(others):
        return
    rows = lines.iloc[others].assign(reason=plan.reasons(others))
    st.subheader("The item elsewhere")
    at = item_choice.places(plan, item_id).index(location_id)
    tables.show(
        rows,
        "replenishment",
        plan=plan,
        key=f"elsewhere_{at}",
        download=False,
        order=ELSEWHERE,
        alt="The item's other locations",
    )


main()
