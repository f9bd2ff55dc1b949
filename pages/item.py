"""Item: one item at one location, from its history to its order."""

import pandas as pd
import streamlit as st

from pages.components import glossary, headline, item_view, panel, session, tables
from pages.components.formats import day, days, known, literal, money, short_day, units
from pages.components.wording import policy_facts
from planning.result import PlanResult

MOST_ITEMS = 2000


def main() -> None:
    """Draw the page."""
    plan, whole = panel.open_page("Item")
    item_id, location_id = _chosen(plan, whole)
    item_id, location_id = _switch(plan, whole, item_id, location_id)
    line = item_view.line_of(whole.replenishment, item_id, location_id)
    if line is None:
        return
    item_view.heading(whole, item_id, location_id)
    _three_numbers(whole, line)
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
    first = headline.work_list(plan) if len(headline.work_list(plan)) else plan.replenishment
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
    pick = right.segmented_control if len(places) <= 8 else right.selectbox
    place = pick("Location", places, key="location_choice", required=True) if len(places) <= 8 else pick(
        "Location", places, key="location_choice")
    if (item, place) != session.selected():
        session.select(item, place)
    return item, place


def _three_numbers(plan: PlanResult, line: pd.Series) -> None:
    first, second, third = st.columns(3)
    with first:
        panel.number("Days of supply", days(round(line["days_of_supply"], 1)) if known(line["days_of_supply"]) else "–",
                     f"{units(line['on_hand'])} on hand, {units(line['on_order'])} on order.",
                     glossary.term("Days of supply"))
    with second:
        told = f"{day(line['stockout_on'])}; last day for a normal order: {short_day(line['order_by'])}." \
            if known(line["order_by"]) else "No day in sight: stock and open orders last."
        panel.number("Runs out on", short_day(line["stockout_on"]), told, "The first day on which mean demand is not met, "
                     "without a new order, counting open orders by their dates.")
    with third:
        bought, moved = float(line["order_quantity"]), float(line["transfer_quantity"])
        value = f", {money(line['order_value'], plan.params.currency)}" if known(line["order_value"]) and bought else ""
        told = f"Arrives {short_day(line['arrives_on'])}{value}." if bought and known(line["arrives_on"]) else \
            f"A transfer of {units(moved)} is on its way today." if moved else "Nothing to order today."
        panel.number("Order today", units(bought) if bought or not moved else f"{units(moved)} by transfer", told)


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
