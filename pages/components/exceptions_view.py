"""Open orders that no longer fit the plan, each with the one thing to do about it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pandas as pd
import streamlit as st

from pages.components import charts, item_view, ordering, panel, session, tables
from pages.components.formats import day, known, literal, money, units
from pages.components.lines import KEYS, near
from planning.result import PlanResult

KINDS: Mapping[str, str] = MappingProxyType(
    {
        "expedite": "Expedite",
        "postpone": "Postpone",
        "cancel": "Cancel",
        "past_due": "Past due",
        "above_maximum": "Above maximum",
        "least_order": "Decide",
    }
)
MOST_ROWS = 500
COLUMNS = (
    "do",
    "item_id",
    "quantity",
    "value",
    "order_id",
    "location_id",
    "item_name",
    "due_on",
    "move_to",
    "units_at_stake",
    "reason",
)


def show(plan: PlanResult) -> None:
    """Draw the tab."""
    rows = plan.exceptions
    if rows.empty:
        st.success("Every open order fits the plan: nothing to hurry, postpone or cancel.", icon=":material/task_alt:")
        return
    kinds = [kind for kind in KINDS if (rows["kind"] == kind).any()]
    chosen = st.pills(
        "Show",
        kinds,
        format_func=lambda kind: f"{KINDS[kind]} ({int((rows['kind'] == kind).sum()):,})",
        selection_mode="multi",
        key="exception_kinds",
        label_visibility="collapsed",
    )
    rows = rows[rows["kind"].isin(chosen)] if chosen else rows
    rows = rows.sort_values(["value", "units_at_stake"], ascending=False, na_position="last", kind="stable")
    rows = _of_order(rows, plan)
    st.caption(
        "The dearest first: the margin that moving an order, or having ordered, would save; of what comes too early, "
        "is overdue or too much, its cost. Choose one to see what to ask of the supplier."
    )
    at = _list(rows.reset_index(drop=True).head(MOST_ROWS), plan)
    _one(rows.iloc[at], plan)
    tables.downloads(rows, "exceptions", plan, key="exceptions")


def _of_order(rows: pd.DataFrame, plan: PlanResult) -> pd.DataFrame:
    """Show what each open order comes to, and return the rows of the chosen one; all, where none is chosen."""
    orders = by_order(rows)
    if not len(orders) or orders["lines"].max() < 2 or not st.toggle("By order", True, key="exceptions_by_order"):
        return rows
    currency = plan.params.currency
    date, number = st.column_config.DateColumn, st.column_config.NumberColumn
    event = st.dataframe(
        orders.assign(do=orders["kind"].map(KINDS)),
        key="exception_orders",
        hide_index=True,
        column_order=["do", "order_id", "lines", "value", "quantity", "first_to", "last_to"],
        column_config=_columns(currency)
        | {
            "lines": number("Lines", format="%,d"),
            "first_to": date("Move to, first", format="D MMM YYYY"),
            "last_to": date("Move to, last", format="D MMM YYYY"),
        },
        height=min(36 + 33 * len(orders), 267),
        on_select="rerun",
        selection_mode="single-row",
        placeholder="–",
        alt="Open orders that no longer fit the plan, by order",
    )
    chosen = [row for row in event.selection.rows if row < len(orders)]
    if not chosen:
        return rows
    order = orders.iloc[chosen[0]]
    some = rows[(rows["order_id"] == order["order_id"]) & (rows["kind"] == order["kind"])]
    if len(some) > 1:
        st.caption("To ask of the supplier for all of it; copy it from the corner.")
        st.code(ask_order(some, str(order["kind"])), language=None, wrap_lines=True)
    return some


def by_order(rows: pd.DataFrame) -> pd.DataFrame:
    """What each open order is asked for, the dearest first.

    Returns
    -------
    DataFrame: kind, order_id, lines, quantity (units), value (money), first_to and last_to (the days to move it to).
    """
    named = rows[rows["order_id"].notna()]
    orders = named.groupby(["kind", "order_id"], as_index=False, sort=False).agg(
        lines=("item_id", "size"),
        quantity=("quantity", "sum"),
        value=("value", lambda v: v.sum(min_count=1)),
        first_to=("move_to", "min"),
        last_to=("move_to", "max"),
    )
    return orders.sort_values(["value", "quantity"], ascending=False, na_position="last", ignore_index=True)


def ask_order(rows: pd.DataFrame, kind: str) -> str:
    """What to write to the supplier of all the lines of one order that are asked for one thing."""
    what = {
        "expedite": "please bring these lines forward:",
        "postpone": "please postpone these lines:",
        "cancel": "please cancel these lines:",
        "past_due": "these lines have not arrived. Please tell us the new dates:",
    }.get(kind, "please check these lines:")
    lines = [
        f"{row['item_id']} for {row['location_id']}, {units(row['quantity'])}, due {day(row['due_on'])}"
        + (f", to {day(row['move_to'])}" if known(row["move_to"]) else "")
        for row in rows.head(MOST_ROWS).to_dict("records")
    ]
    return "\n".join([f"Order {rows['order_id'].iloc[0]}: {what}", *lines])


def _list(rows: pd.DataFrame, plan: PlanResult) -> int:
    shown = rows.merge(plan.items[[*KEYS, "item_name"]], on=list(KEYS), how="left")
    lean = shown.assign(do=shown["kind"].map(KINDS)).reindex(columns=list(COLUMNS))
    event = st.dataframe(
        lean,
        key="exceptions_list",
        hide_index=True,
        column_order=[c for c in COLUMNS if lean[c].notna().any()],
        column_config=_columns(plan.params.currency),
        height=min(36 + 33 * len(lean), 333),
        on_select="rerun",
        selection_mode="single-row",
        selection_default={"selection": {"rows": [0]}},
        placeholder="–",
        alt="Open orders that no longer fit the plan",
    )
    chosen = event.selection.rows
    return int(chosen[0]) if chosen and chosen[0] < len(rows) else 0


def _columns(currency: str) -> dict[str, Any]:
    text, number, date = st.column_config.TextColumn, st.column_config.NumberColumn, st.column_config.DateColumn
    return {
        "do": text("Do", pinned=True),
        "item_id": text("Item", width="small"),
        "item_name": text("Name", width="medium"),
        "location_id": text("Location"),
        "order_id": text("Order"),
        "quantity": number("Units", format="%,.0f", width=70),
        "due_on": date("Due on", format="D MMM YYYY"),
        "move_to": date("Move to", format="D MMM YYYY"),
        "units_at_stake": number("At stake (units)", format="%,.0f"),
        "value": number(
            f"At stake ({currency})" if currency else "At stake",
            format="%,.0f",
            help="Margin (not sales) of what would be short; cost of what comes too early, is overdue or too much.",
        ),
        "reason": text("Why", width="large"),
    }


def _one(row: pd.Series, plan: PlanResult) -> None:
    """The exception in view: what to ask, ready to send."""
    item_id, location_id = str(row["item_id"]), str(row["location_id"])
    with st.container(border=True):
        item_view.heading(plan, item_id, location_id, key="exception_item")
        stake = f" At stake: {money(row['value'], literal(plan.params.currency))}." if known(row["value"]) else ""
        st.markdown(f"**{KINDS.get(row['kind'], 'Check')}**: {literal(row['reason'])}{stake}")
        if known(row["order_id"]):
            st.caption("To ask of the supplier; copy it from the corner.")
            st.code(ask(row, plan), language=None, wrap_lines=True)
        if session.may_act():
            _asked(row, plan)
        panel.chart(
            charts.projected_stock(near(plan, item_id, location_id), item_id, location_id, height=320),
            f"Projected stock of {item_id} at {location_id}",
            key="exception_stock",
        )


def _asked(row: pd.Series, plan: PlanResult) -> None:
    """What was asked of the supplier stays off the work list for a while."""
    with st.container(horizontal=True, key="exception_actions"):
        until = row["move_to"] if known(row["move_to"]) else row["due_on"]
        after = pd.Timestamp(plan.as_of) + pd.Timedelta(days=1)
        until = max(pd.Timestamp(until) if known(until) else after + pd.Timedelta(days=6), after).date()
        pressed = st.button(
            f"{'Asked' if known(row['order_id']) else 'Seen'}: snooze until {day(until)}",
            key="exception_asked",
            icon=":material/snooze:",
            help="The line stays off the work list until then.",
        )
        if pressed and ordering.snooze(_line(row, plan), until, f"asked: {KINDS.get(row['kind'])}"):
            st.rerun()


def _line(row: pd.Series, plan: PlanResult) -> pd.DataFrame:
    rows = plan.lines
    mine = (rows["item_id"] == row["item_id"]) & (rows["location_id"] == row["location_id"])
    return rows.loc[mine, [*KEYS, "risk"]]


def ask(row: pd.Series, plan: PlanResult) -> str:
    """What to write to the supplier, in one or two sentences."""
    names = plan.items.loc[(plan.items["item_id"] == row["item_id"]), "item_name"].dropna()
    what = f"{row['item_id']} ({names.iloc[0]})" if len(names) else str(row["item_id"])
    order = f"order {row['order_id']}" if known(row["order_id"]) else "our open order"
    due = f", due {day(row['due_on'])}" if known(row["due_on"]) else ""
    lead = f"{order[:1].upper()}{order[1:]}{due}: {units(row['quantity'])} of {what} for {row['location_id']}."
    to = f" to {day(row['move_to'])}" if known(row["move_to"]) else ""
    wish = {
        "expedite": f"Please bring the delivery forward{to}.",
        "postpone": f"Please postpone the delivery{to}.",
        "cancel": "Please cancel it.",
        "past_due": f"It has not arrived. Please bring it{to.replace(' to ', ' on ', 1)}."
        if to
        else "It has not arrived. Please tell us the new date.",
        "above_maximum": f"It is more than we can hold. Please deliver less, or later{to}.",
    }
    return f"{lead} {wish.get(str(row['kind']), 'Please check it.')}"
