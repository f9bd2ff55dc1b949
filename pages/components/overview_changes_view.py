"""What changed since the last plan, and why, in money."""

from typing import Any

import pandas as pd
import streamlit as st

from pages.components import cached, ordering, overview_changes, session, tables
from pages.components.formats import count, day, literal
from pages.components.lines import pairs
from planning import pipeline
from planning.result import PlanResult

CHANGES = 8


def changed(plan: PlanResult, whole: PlanResult) -> None:
    """What changed since the plan before, and why, in money; who decides here alone sees kept plans."""
    snapshot = session.snapshot_id()
    if snapshot is None or not session.may_act():
        return
    st.header("What changed since the last plan")
    record, rows = changes(plan, snapshot)
    if record is None or rows is None:
        _keep(plan, whole, snapshot)
        return
    kind = "plan of record" if record.status == "plan of record" else "kept plan"
    since = f"Since **{literal(record.name)}** ({kind}, for {day(record.as_of)})"
    if rows.empty:
        st.caption(f"{since} no order has changed.")
        return
    told = overview_changes.in_words(overview_changes.told_changes(rows), literal(plan.params.currency))
    st.markdown(f"{since}: {told}")
    some = rows.head(CHANGES).assign(parts=overview_changes.parts_in_words(rows.head(CHANGES)))
    event = st.dataframe(
        some,
        key="overview_changes",
        hide_index=True,
        column_order=["item_id", "item_name", "location_id", "value_change", "parts", "before", "after"],
        column_config=_change_columns(plan.params.currency),
        on_select="rerun",
        selection_mode="single-row",
        placeholder="–",
        alt="The largest changes since the last plan, with their cause",
    )
    if event.selection.rows and event.selection.rows[0] < len(some):
        row = some.iloc[event.selection.rows[0]]
        tables.open_item(str(row["item_id"]), str(row["location_id"]))
    if len(rows) > CHANGES and st.button(
        f"All {count(len(rows), 'change')}", key="all_changes", type="tertiary", icon=":material/arrow_forward:"
    ):
        session.seed("replenishment_tab", "Changes")
        session.go("pages/replenishment.py")


def _keep(plan: PlanResult, whole: PlanResult, snapshot: str) -> None:
    """Where there is nothing to compare with: keep this plan for the next, or say that it is kept."""
    key = pipeline.plan_key(snapshot, cached.decisions_id(session.visitor()), session.as_of(), session.params())
    if any(one.plan_key == key for one in ordering.plans()):
        st.caption("This plan is kept. Whatever changes from now on stands here with its cause.")
        return
    with st.container(horizontal=True, vertical_alignment="center", key="keep_bar"):
        st.caption(
            "No earlier plan is kept. Keep this one: then each later change stands here with its cause.",
            width="content",
        )
        if st.button("Keep this plan", key="keep_plan", icon=":material/bookmark_add:") and ordering.create_plan(
            whole, f"Plan of {plan.as_of:%-d %B %Y}", "replenishment", {}
        ):
            st.rerun()


def changes(plan: PlanResult, snapshot: str) -> tuple[Any, pd.DataFrame | None]:
    """The kept plan that this one is told apart from, and the lines in view that differ; None where there is none."""
    who, as_of, params = session.visitor(), session.as_of(), session.params()
    key = pipeline.plan_key(snapshot, cached.decisions_id(who), as_of, params)
    record = overview_changes.last_plan(ordering.plans(), key, as_of)
    if record is None:
        return None, None
    rows = cached.changes_since(who, snapshot, as_of, params, record.plan_id)
    return record, None if rows is None else rows[pairs(rows).isin(pairs(plan.items))].reset_index(drop=True)


def _change_columns(currency: str) -> dict[str, Any]:
    text, number = st.column_config.TextColumn, st.column_config.NumberColumn
    return {
        "item_id": text("Item", pinned=True),
        "item_name": text("Name", width="medium"),
        "location_id": text("Location"),
        "value_change": number(f"Change ({currency})" if currency else "Change in money", format="%+,.0f"),
        "before": number("Order then (units)", format="%,.0f"),
        "after": number("Order now (units)", format="%,.0f"),
        "parts": text("Why (units)", width="medium", help="What moved it; the parts add up to the change."),
    }
