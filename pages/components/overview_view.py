"""The parts of the Overview below its three numbers: alerts, the work list, what changed, stock and cash ahead."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from pages.components import (
    cached,
    cards,
    charts,
    headline,
    ordering,
    overview_alerts,
    overview_changes,
    overview_work,
    panel,
    session,
    tables,
    today_view,
    transferring,
)
from pages.components.formats import count, day, known, literal, money, units
from pages.components.lines import pairs
from pages.components.overview_alerts import Alert
from planning import pipeline
from planning.result import PlanResult

ALL = "all"
MOST_ROWS = 500
CHANGES = 8
ICONS: Mapping[str, str] = MappingProxyType(
    {
        "stale_stock": ":material/schedule:",
        "overdue_orders": ":material/assignment_late:",
        "late_suppliers": ":material/local_shipping:",
        "early_orders": ":material/event_busy:",
        "drifting_forecasts": ":material/trending_down:",
        "data_quality": ":material/fact_check:",
    }
)
DO: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "order": (":material/local_shipping:", "blue"),
        "expedite": (":material/bolt:", "red"),
        "transfer": (":material/call_split:", "green"),
        "reduce": (":material/inventory:", "gray"),
    }
)
APPROVED = "overview_approved"


# --- alerts -----------------------------------------------------------------------------------------------------------


def alerts(plan: PlanResult) -> list[Alert]:
    """What there is cause for in the lines in view; the data's own state is no viewer's business."""
    snapshot = session.snapshot_id()
    data = cached.alarms(session.visitor(), snapshot, session.as_of()) if snapshot is not None else None
    return overview_alerts.find_alerts(plan, data)


def show_alerts(plan: PlanResult) -> None:
    """One button each: its number, its money, and a click to where it is mended. Nothing where there is none."""
    # Where data are brought no viewer comes.
    found = [alert for alert in alerts(plan) if session.may_act() or alert.page != "pages/import_data.py"]
    if not found:
        return
    with st.container(horizontal=True, gap="xsmall", key="alerts"):
        for alert in found:
            worth = overview_alerts.worth(alert, literal(plan.params.currency), hidden=session.costs_hidden())
            told = alert.told if not session.costs_hidden() else ""
            if st.button(
                f":orange[{ICONS[alert.key]}] {literal(alert.title)}{' · ' if worth else ''}{worth}",
                type="tertiary",
                help=literal(told) or None,
                key=f"alert_{alert.key}",
            ):
                _mend(alert)


def _mend(alert: Alert) -> None:
    for choice in (alert.tab, alert.choice):
        if choice is not None:
            session.seed(choice[0], list(choice[1]) if isinstance(choice[1], tuple) else choice[1])
    session.go(alert.page)


# --- the work list ----------------------------------------------------------------------------------------------------


def work_list(plan: PlanResult) -> None:
    """What needs a person today: the first lines with their reason and their action, all of them in a table."""
    every = overview_work.work_rows(plan, ordering.snoozed(plan))
    parts, sign = overview_work.segments(every), literal(plan.params.currency)
    labels = {ALL: f"All {len(every):,}"} | {
        kind: f"{overview_work.KINDS[kind]} {part.lines:,}"
        + (f" · {overview_work.amount(part.stake, plan, kind, sign)}" if part.lines else "")
        for kind, part in parts.items()
    }
    session.seed(cards.WORK_VIEW, session.widget(cards.WORK_VIEW) or ALL)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="work_bar"):
        st.header("Work list", width="content")
        view = st.segmented_control(
            "Show", list(labels), format_func=labels.__getitem__, key=cards.WORK_VIEW, required=True,
            label_visibility="collapsed",
        )  # fmt: skip
        _undo()
    rows = every if view == ALL else every[every["kind"] == view].reset_index(drop=True)
    if rows.empty:
        st.success("Nothing here calls for action today.", icon=":material/task_alt:")
        return
    first = rows.head(overview_work.FIRST)
    with st.container(border=True, gap="small", key="work_first"):
        for row, why in zip(first.to_dict("records"), overview_work.why(first, plan), strict=True):
            _row(row, why, plan)
    if len(rows) > len(first):
        _table(rows, plan, str(view))


def _undo() -> None:
    told = session.kept(APPROVED)
    if told:
        st.caption(f":green[:material/check_circle:] {literal(told)} approved", width="content")
        ordering.undo_button("overview")


def _row(row: Mapping[str, Any], why: str, plan: PlanResult) -> None:
    item_id, place, kind = str(row["item_id"]), str(row["location_id"]), str(row["kind"])
    icon, colour = DO[kind]
    name = f" {literal(row['item_name'])}" if known(row["item_name"]) else ""
    stake = overview_work.amount(row["stake"], plan, kind, literal(plan.params.currency))
    key = f"{kind}_{item_id}_{place}_{row['order_id'] if known(row['order_id']) else ''}"
    left, right = st.columns([5, 2], vertical_alignment="center", gap="small")
    with left, st.container(gap=None):
        st.markdown(
            f":{colour}-badge[{icon} {overview_work.KINDS[kind]}] **{stake}** {overview_work.at_stake(kind)} · "
            f"**{literal(item_id)}**{name} · {literal(place)}"
        )
        st.caption(literal(why))
    with right, st.container(horizontal=True, horizontal_alignment="right", gap="small"):
        if session.may_act():
            _act(row, plan, key)
        if st.button("See item", key=f"see_{key}", help=f"Open {literal(item_id)} at {literal(place)}"):
            tables.open_item(item_id, place)


def _act(row: Mapping[str, Any], plan: PlanResult, key: str) -> None:
    """The one thing to do about a line: approve its order or transfer, or ask the supplier."""
    kind, quantity = str(row["kind"]), f"{row['quantity']:,.0f}"
    if kind in ("order", "transfer"):
        verb = "Order" if kind == "order" else "Send"
        if st.button(
            f"{verb} {quantity}",
            key=f"do_{key}",
            type="primary",
            icon=":material/check:",
            help=f"Approves {units(row['quantity'])}; Undo takes it back.",
        ) and _approved(row, plan):
            session.keep(APPROVED, f"{units(row['quantity'])} of {row['item_id']}")
            st.rerun()
    elif (
        kind == "expedite"
        and known(row["order_id"])
        and st.button("Ask supplier", key=f"do_{key}", icon=":material/mail:")
    ):
        _exceptions(["expedite"])
    elif kind == "reduce" and _early(row, plan) and st.button("Fewer orders", key=f"do_{key}", icon=":material/event:"):
        _exceptions(["postpone", "cancel"])


def _approved(row: Mapping[str, Any], plan: PlanResult) -> bool:
    line = pd.DataFrame([{"item_id": row["item_id"], "location_id": row["location_id"]}])
    if row["kind"] == "order":
        return ordering.approve(today_view.lines_to_approve(line, plan))
    sent = plan.allocation
    return transferring.approve(sent[pairs(sent, "destination_id").isin(pairs(line))], plan)


def _early(row: Mapping[str, Any], plan: PlanResult) -> bool:
    told = plan.exceptions
    mine = (told["item_id"] == row["item_id"]) & (told["location_id"] == row["location_id"])
    return bool((mine & told["kind"].isin(["postpone", "cancel"])).any())


def _exceptions(kinds: list[str]) -> None:
    session.seed("replenishment_tab", "Exceptions")
    session.seed("exception_kinds", kinds)
    session.go("pages/replenishment.py")


def _table(rows: pd.DataFrame, plan: PlanResult, view: str) -> None:
    """All lines of the list, drawn once it is opened."""
    what = "All" if view == ALL else overview_work.KINDS[view]
    drawer = st.expander(f"{what}: {count(len(rows), 'line')} in a table", on_change="rerun", key=f"work_all_{view}")
    with drawer:
        if not drawer.open:
            return
        some = rows.head(MOST_ROWS)
        some = some.assign(do=some["kind"].map(overview_work.KINDS), why=overview_work.why(some, plan))
        st.caption("Select a row to see the item.")
        number, sign = st.column_config.NumberColumn, plan.params.currency
        money_known = known(some["stake"].max()) and not session.costs_hidden()
        unit = f" ({sign})" if sign and money_known else ""
        tables.show(
            some,
            "replenishment",
            plan=plan,
            key="work",
            order=(
                "do",
                "item_id",
                "item_name",
                "location_id",
                "stake",
                "quantity",
                "value",
                "risk",
                "stockout_on",
                "why",
            ),
            more={
                "do": st.column_config.TextColumn("Do", width="small"),
                "stake": number(f"At stake{unit}", format="%,.0f", help="Margin; of what is to be reduced, its cost."),
                "quantity": number("Units", format="%,.0f"),
                "value": number(f"Costs{unit}", format="%,.0f"),
                "why": st.column_config.TextColumn("Why", width="large"),
            },
            alt="What needs action today",
            download=False,
        )
        if len(rows) > MOST_ROWS:
            st.caption(f"The first {MOST_ROWS:,} of {len(rows):,} lines; filters and downloads reach the rest.")
        tables.downloads(
            rows,
            "work",
            plan,
            key="work",
            whole=lambda: rows.assign(why=overview_work.why(rows, plan)).drop(columns="line"),
        )


# --- what changed -----------------------------------------------------------------------------------------------------


def changed(plan: PlanResult, whole: PlanResult) -> None:
    """What changed since the plan before, and why, in money; who decides here alone sees kept plans."""
    snapshot = session.snapshot_id()
    if snapshot is None or not session.may_act():
        return
    st.header("What changed since the last plan")
    record, rows = changes(plan, snapshot)
    if record is None or rows is None:
        with st.container(horizontal=True, vertical_alignment="center", key="keep_bar"):
            st.caption(
                "No earlier plan is kept. Keep this one: then each later change stands here with its cause.",
                width="content",
            )
            if st.button("Keep this plan", key="keep_plan", icon=":material/bookmark_add:") and ordering.create_plan(
                whole, f"Plan of {plan.as_of:%-d %B %Y}", "replenishment", {}
            ):
                st.rerun()
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


# --- stock and cash ahead ---------------------------------------------------------------------------------------------


def ahead(plan: PlanResult) -> None:
    """Draw what lies in stock and what goes out for orders over 13 weeks; both are money."""
    if session.costs_hidden():
        return
    with st.container(border=True):
        st.header("Stock value and cash out, next 13 weeks")
        said = in_words(plan, literal(plan.params.currency))
        if said:
            st.caption(said)
        figure = charts.stock_value_and_cash(plan, height=360)
        panel.chart(figure, "Projected stock value and cash out, week by week", key="value_and_cash")


def in_words(plan: PlanResult, currency: str, days: int = 91) -> str:
    """What the chart comes to: orders of 13 weeks, those of today among them; empty where no cost is known."""
    cost = plan.items.set_index(["item_id", "location_id"])["unit_cost"].astype(float)
    sums = []
    for orders in (plan.orders, plan.planned_orders):
        near = orders[pd.to_datetime(orders["order_on"]) < pd.Timestamp(plan.as_of) + pd.Timedelta(days=days)]
        each = cost.reindex(pairs(near)).to_numpy(float) if len(near) else np.zeros(0)
        if len(near) and np.isnan(each).all():
            return ""
        sums.append(float(np.nansum(near["quantity"].to_numpy(float) * each)) if len(near) else 0.0)
    due = headline.due_today(plan).money
    today = f", {money(due, currency)} of it today" if due else ""
    return f"Orders of the 13 weeks from {day(plan.as_of)} cost {money(sum(sums), currency)}{today}."
