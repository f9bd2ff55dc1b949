"""The work list on the Overview: the first lines with their reason and their action, all of them in a table."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pandas as pd
import streamlit as st

from pages.components import cards, ordering, overview_work, session, tables, today_view, transferring, work
from pages.components.formats import count, day, known, literal, units
from pages.components.lines import pairs
from planning.result import PlanResult

ALL = "all"
MOST_ROWS = 500
APPROVED = "overview_approved"
DO: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "order": (":material/local_shipping:", "blue"),
        "expedite": (":material/bolt:", "red"),
        "transfer": (":material/call_split:", "green"),
        "reduce": (":material/inventory:", "gray"),
    }
)


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
            label_visibility="collapsed", wrap=True,
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
    # Below, so that the five dearest stand on the first screen.
    st.caption(
        f"What calls for action on {day(plan.as_of)}, the most at stake first: "
        + ("margin that would be lost; of what lies idle, its cost." if work.priced(plan) else "units.")
    )
    if len(rows) > len(first):
        _table(rows, plan, str(view))


def _undo() -> None:
    told = session.kept(APPROVED)
    if told:
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key="work_undo"):
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
