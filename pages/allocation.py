"""Allocation: what to send where today, what it gains, and what stays short."""

import streamlit as st

from pages.components import charts, controls, glossary, headline, numbers, panel, tables
from planning.result import PlanResult

TRANSFERS = ("item_id", "item_name", "source_id", "destination_id", "quantity", "arrives_on", "value", "reason")
COVER = ("item_id", "location_id", "requested", "transferred", "short", "days_before", "days_after")


def main() -> None:
    """Draw the page."""
    plan, whole = panel.open_page("Allocation")
    if whole.before_after.empty:
        st.info(
            "Stock lies at one location only, or nothing feeds anything: there is nothing to share. Name a "
            "location that gives under Sharing rules, or import locations and lanes.",
            icon=":material/call_split:",
        )
        _actions(whole)
        return
    numbers.allocation(plan)
    _actions(plan)
    left, right = st.columns([3, 2], gap="medium")
    with left, st.container(border=True, height="stretch"):
        st.subheader("Cover of the lines that asked")
        panel.chart(charts.allocation_before_after(plan.before_after), "Days of supply before and after", key="cover")
    with right, st.container(border=True, height="stretch"):
        st.subheader("From where to where")
        panel.chart(charts.transfers_flow(plan.allocation), "Units sent by lane", key="lanes")
    sent, short = st.tabs([f"Transfers of today ({len(plan.allocation):,})", "What stays short"])
    with sent:
        tables.show(
            _named(plan),
            "allocation",
            plan=plan,
            key="transfers",
            order=TRANSFERS,
            alt="Transfers of today",
            more={"item_name": st.column_config.TextColumn("Name", width="medium")},
            empty="No transfer is worth its freight today.",
        )
    with short:
        _short(plan)


def _actions(plan: PlanResult) -> None:
    with st.container(horizontal=True):
        panel.download("Download today's transfers", plan.allocation, "allocation", plan)
        with st.popover("Sharing rules", icon=":material/tune:"):
            controls.allocation_params()
        glossary.words("Allocation", "Fair share", "Days of supply", "Lost margin")


def _named(plan: PlanResult) -> object:
    names = plan.items.drop_duplicates("item_id")[["item_id", "item_name"]]
    return plan.allocation.merge(names, on="item_id", how="left").sort_values("value", ascending=False)


def _short(plan: PlanResult) -> None:
    rows = plan.before_after[plan.before_after["short"] > 0].sort_values("short", ascending=False)
    if rows.empty:
        st.success("Nothing stays short.", icon=":material/task_alt:")
        return
    whole, tenth = st.column_config.NumberColumn, st.column_config.NumberColumn
    st.dataframe(
        headline.with_names(rows, plan),
        hide_index=True,
        column_order=("item_name", *COVER),
        alt="Lines that stay short",
        column_config={
            "item_name": "Name",
            "item_id": "Item",
            "location_id": "Location",
            "requested": whole("Asked for (units)", format="%,.0f"),
            "transferred": whole("Sent (units)", format="%,.0f"),
            "short": whole("Still short (units)", format="%,.0f"),
            "days_before": tenth("Cover before (days)", format="%,.1f"),
            "days_after": tenth("Cover after (days)", format="%,.1f"),
        },
    )


main()
