"""Which item and location the Item page shows."""

import streamlit as st

from pages.components import session
from pages.components.formats import known, literal
from planning.result import PlanResult

MOST_ITEMS = 2000
"""More items than this are not offered in one list: the filters narrow them."""
MOST_BUTTONS = 6


def switch(plan: PlanResult, whole: PlanResult, item_id: str, location_id: str) -> None:
    """The two choices, item and location; a change is kept, so that links and other pages find it."""
    names = whole.items.drop_duplicates("item_id").set_index("item_id")["item_name"]
    items = sorted({item_id, *sorted(plan.items["item_id"].unique())[:MOST_ITEMS]})
    known_places = places(whole, item_id)
    left, right = st.columns([2, 3])
    session.seed("item_choice", item_id)
    left.selectbox(
        "Item",
        items,
        key="item_choice",
        on_change=_choose_item,
        args=(whole, location_id),
        format_func=lambda i: f"{i} · {names[i]}" if known(names.get(i)) else i,
    )
    session.seed("location_choice", location_id)
    more = {"key": "location_choice", "on_change": _choose_location, "args": (item_id,)}
    if len(known_places) <= MOST_BUTTONS:
        right.segmented_control("Location", known_places, format_func=literal, required=True, **more)
    else:
        right.selectbox("Location", known_places, **more)


def places(plan: PlanResult, item_id: str) -> list[str]:
    """The locations of an item, sorted."""
    return sorted(plan.items.loc[plan.items["item_id"] == item_id, "location_id"])


def _choose_item(plan: PlanResult, location_id: str) -> None:
    item_id = session.widget("item_choice")
    found = places(plan, item_id)
    session.select(item_id, location_id if location_id in found else found[0])


def _choose_location(item_id: str) -> None:
    session.select(item_id, session.widget("location_choice"))
