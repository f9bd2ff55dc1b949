"""One item at one location: its projected stock, and its order explained."""

from types import MappingProxyType

import pandas as pd
import streamlit as st

from pages.components import charts, lookups, panel, session
from pages.components.formats import known, literal
from pages.components.lines import near
from pages.components.sidebar import RISK_LABELS
from pages.components.wording import forecast_in_words, order_in_words, outlook, policy_facts
from planning.result import PlanResult

RISK_BADGES = MappingProxyType({"red": "red", "amber": "orange", "green": "green"})


def line_of(frame: pd.DataFrame, item_id: str, location_id: str) -> pd.Series | None:
    """The row of an item at a location; None where the frame has none."""
    hit = frame[(frame["item_id"] == item_id) & (frame["location_id"] == location_id)]
    return None if hit.empty else hit.iloc[0]


def name_of(plan: PlanResult, item_id: str) -> str:
    """What the item is called, or its id where it has no name."""
    names = plan.items.loc[plan.items["item_id"] == item_id, "item_name"].dropna()
    return str(names.iloc[0]) if len(names) else item_id


def heading(plan: PlanResult, item_id: str, location_id: str, *, key: str = "") -> None:
    """Name the line, say its risk and action, and, given a key, offer the way to the item's own page."""
    line = line_of(plan.lines, item_id, location_id)
    with st.container(horizontal=True, vertical_alignment="center", key=f"{key or 'item'}_heading"):
        st.markdown(f"## {literal(name_of(plan, item_id))}", width="content")
        st.caption(f"{literal(item_id)} at {literal(location_id)}", width="content")
        if line is not None:
            risk = str(line["risk"])
            st.badge(RISK_LABELS[risk], color=RISK_BADGES[risk])
            if line["action"] != "none":
                st.badge(str(line["action"]).capitalize(), color="gray")
        if key and st.button("Open item", key=f"{key}_open", type="tertiary", icon=":material/arrow_forward:"):
            session.select(item_id, location_id)
            session.go("pages/item.py")


def stock_and_reason(plan: PlanResult, item_id: str, location_id: str, *, key: str) -> None:
    """Draw the projected stock beside the waterfall, with the reason as a sentence above both."""
    plan = near(plan, item_id, location_id)
    line = line_of(plan.replenishment, item_id, location_id)
    if line is None:
        st.caption("This item is not in the plan at this location.")
        return
    if known(line["reason"]):
        st.markdown(f"**{literal(line['reason'])}**")
    st.caption(outlook(line, plan.as_of))
    steps = charts.steps_of(plan, item_id, location_id)
    left, right = st.columns([3, 2], gap="medium") if len(steps) else (st.container(), None)
    with left:
        panel.chart(
            charts.projected_stock(plan, item_id, location_id),
            f"Projected stock of {item_id} at {location_id} over 13 weeks",
            key=f"{key}_stock",
        )
    if right is not None:
        with right:
            panel.chart(
                charts.waterfall(plan, item_id, location_id),
                f"How the order of {item_id} came about",
                key=f"{key}_waterfall",
            )
            st.caption(order_in_words(steps))


def fan(plan: PlanResult, item_id: str, location_id: str, *, key: str) -> None:
    """Draw the history and the forecast of the line, with its model and record."""
    ahead = plan.forecast[(plan.forecast["item_id"] == item_id) & (plan.forecast["location_id"] == location_id)]
    past = lookups.history(plan, item_id, location_id)
    panel.chart(charts.forecast_fan(past, ahead), f"History and forecast of {item_id} at {location_id}", key=key)
    model_and_doubts(plan, item_id, location_id)


def model_and_doubts(plan: PlanResult, item_id: str, location_id: str) -> None:
    """Say which model forecasts the line, how far off it was, and, where there is a reason, why to look twice."""
    policy, record = (line_of(f, item_id, location_id) for f in (plan.policy, plan.accuracy))
    if policy is not None:
        st.caption(literal(forecast_in_words(policy, record)))
    weak = None if record is None else record.get("reason")
    if isinstance(weak, str) and weak:
        st.warning(literal(weak), icon=":material/visibility:")


def facts(plan: PlanResult, item_id: str, location_id: str) -> None:
    """List what the order stands on, each value with where it comes from."""
    policy = line_of(plan.policy, item_id, location_id)
    if policy is None:
        st.caption("No policy: the item has no plan here.")
        return
    record = line_of(plan.accuracy, item_id, location_id)
    policy = policy if record is None else pd.concat([policy, record[["wape"]]])
    told = policy_facts(plan, policy)
    st.table(
        {literal(name): f"**{literal(value)}**  \n:gray[{literal(source)}]" for name, value, source in told},
        border="horizontal",
    )
