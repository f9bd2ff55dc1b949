"""Overview: what is at risk, what lies idle, what to order today."""

import streamlit as st

from pages.components import cards, charts, controls, glossary, headline, panel, session, tables
from pages.components.formats import literal
from planning.result import PlanResult

VIEWS = {"risk": "At risk", "order": "To order", "idle": "Idle stock", "all": "Everything"}
MOST_ROWS = 500
"""So many are sent to the browser."""
FIRST = ("risk", "action", "item_id", "item_name", "location_id")
LOST = ("lost_margin", "expected_lost_units")
COLUMNS = {
    "risk": (*FIRST, *LOST, "stockout_on", "order_quantity", "transfer_quantity", "reason"),
    "order": (*FIRST, "supplier_id", "order_quantity", "order_value", "arrives_on", "stockout_on", "reason"),
    "idle": (*FIRST, "excess_value", "excess_units", "on_hand", "on_order", "days_of_supply", "reason"),
    "all": (*FIRST, "lost_margin", "order_value", "excess_value", "stockout_on", "days_of_supply", "reason"),
}


def main() -> None:
    """Draw the page."""
    plan, whole = panel.open_page("Overview")
    cards.three_numbers(plan)
    if session.may_try("service_target"):
        with st.container(horizontal=True):
            with st.popover("Service and budget", icon=":material/tune:"):
                controls.policy_params()
            with st.popover("What if …", icon=":material/science:"):
                controls.what_if()
    if not session.costs_hidden():
        with st.container(border=True):
            st.header("Stock value and cash out, next 13 weeks")
            figure = charts.stock_value_and_cash(plan)
            panel.chart(figure, "Projected stock value and cash out, week by week", key="value_and_cash")
    cards.strip(plan)
    work_list(plan)
    if whole.notes:
        with st.expander(f"What this plan assumes ({len(whole.notes)})", icon=":material/info:"):
            st.markdown("\n".join(f"- {literal(note)}" for note in whole.notes))
    glossary.words("ABC class", "Red", "Amber", "Green", "Days of supply", "Excess", "Lost margin", "Expedite")


def work_list(plan: PlanResult) -> None:
    """Draw what needs a person today, the worst and dearest first."""
    st.header("Work list")
    session.seed(cards.WORK_VIEW, session.widget(cards.WORK_VIEW) or "risk")
    view = st.segmented_control(
        "Show",
        list(VIEWS),
        format_func=VIEWS.__getitem__,
        key=cards.WORK_VIEW,
        required=True,
        label_visibility="collapsed",
    )
    st.caption("The worst and dearest first. Select a row to see the item.")
    rows = headline.work_list(plan, view)
    tables.show(
        headline.with_reasons(rows.head(MOST_ROWS), plan),
        "replenishment",
        plan=plan,
        key="work",
        order=COLUMNS[view],
        alt="What needs action today",
        empty="Nothing here calls for action today.",
        download=False,
    )
    if len(rows) > MOST_ROWS:
        st.caption(f"The first {MOST_ROWS:,} of {len(rows):,} lines; filters and downloads reach the rest.")
    if len(rows):
        tables.downloads(rows, "replenishment", plan, key="work", whole=lambda: headline.with_reasons(rows, plan))


main()
