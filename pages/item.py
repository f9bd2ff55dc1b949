"""Item: one item at one location, from its history to its order."""

import pandas as pd
import streamlit as st

from pages.components import glossary, headline, item_view, numbers, panel, session, tables
from pages.components.formats import known, literal
from pages.components.wording import policy_facts
from planning.result import PlanResult

MOST_ITEMS = 2000
MOST_BUTTONS = 6


def main() -> None:
    """Draw the page."""
    plan, whole = panel.open_page("Item")
    item_id, location_id = _chosen(plan, whole)
    item_id, location_id = _switch(plan, whole, item_id, location_id)
    line = item_view.line_of(whole.replenishment, item_id, location_id)
    if line is None:
        return
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
        _facts(whole, item_id, location_id)
    _elsewhere(whole, item_id)
    glossary.words("Days of supply", "Safety stock", "Reorder point", "Target stock", "Lead time + review", "Fill rate")


def _chosen(plan: PlanResult, whole: PlanResult) -> tuple[str, str]:
    """The item in view; where none is, or the plan does not know it, the line that most needs a look."""
    wanted = session.selected()
    if wanted and item_view.line_of(whole.items, *wanted) is not None:
        return wanted
    if wanted:
        st.warning("The plan does not know that item at that location; here is the line that most needs a look.")
    work = headline.work_list(plan)
    first = work if len(work) else plan.replenishment
    return str(first["item_id"].iloc[0]), str(first["location_id"].iloc[0])


def _switch(plan: PlanResult, whole: PlanResult, item_id: str, location_id: str) -> tuple[str, str]:
    """The two choices, item and location; a change is kept, so that links and other pages find it."""
    names = plan.items.drop_duplicates("item_id").set_index("item_id")["item_name"]
    options = list(dict.fromkeys([item_id, *sorted(names.index)[:MOST_ITEMS]]))
    left, right = st.columns([2, 3], vertical_alignment="bottom")
    session.seed("item_choice", item_id)
    item = left.selectbox("Item", sorted(options), key="item_choice",
                          format_func=lambda i: f"{i} · {names[i]}" if known(names.get(i)) else i)
    places = sorted(whole.items.loc[whole.items["item_id"] == item, "location_id"])
    place = location_id if location_id in places else places[0]
    session.seed("location_choice", place)
    if len(places) <= MOST_BUTTONS:
        place = right.segmented_control("Location", places, key="location_choice", required=True)
    else:
        place = right.selectbox("Location", places, key="location_choice")
    if (item, place) != session.selected():
        session.select(item, place)
    return item, place


def _facts(plan: PlanResult, item_id: str, location_id: str) -> None:
    policy = item_view.line_of(plan.policy, item_id, location_id)
    if policy is None:
        st.caption("No policy: the item has no plan here.")
        return
    record = item_view.line_of(plan.accuracy, item_id, location_id)
    policy = policy if record is None else pd.concat([policy, record[["wape"]]])
    facts = policy_facts(plan, policy)
    st.table({literal(name): f"**{literal(value)}**  \n:gray[{literal(source)}]" for name, value, source in facts},
             border="horizontal")


def _elsewhere(plan: PlanResult, item_id: str) -> None:
    rows = plan.replenishment[plan.replenishment["item_id"] == item_id]
    if len(rows) < 2:
        return
    st.subheader("The item everywhere")
    tables.show(rows, "replenishment", plan=plan, key="elsewhere", download=False, alt="The item at all locations",
                order=("risk", "action", "location_id", "on_hand", "on_order", "days_of_supply", "stockout_on",
                       "order_quantity", "transfer_quantity", "reason"))


main()
