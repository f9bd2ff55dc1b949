"""The two lists of the Allocation page: what is sent, and what stays short."""

import streamlit as st

from pages.components import headline, tables
from planning.result import PlanResult

TRANSFERS = ("item_id", "item_name", "source_id", "destination_id", "quantity", "arrives_on", "value", "reason")
COVER = ("item_id", "location_id", "requested", "transferred", "short", "days_before", "days_after")


def transfers(plan: PlanResult) -> None:
    """Draw the transfers of today, the most useful first."""
    names = plan.items.drop_duplicates("item_id")[["item_id", "item_name"]]
    tables.show(
        plan.allocation.merge(names, on="item_id", how="left").sort_values("value", ascending=False),
        "allocation",
        plan=plan,
        key="transfers",
        order=TRANSFERS,
        alt="Transfers of today",
        more={"item_name": st.column_config.TextColumn("Name", width="medium")},
        empty="No transfer is worth its freight today.",
    )


def short_lines(plan: PlanResult) -> None:
    """Draw the lines that asked for more than there is."""
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
