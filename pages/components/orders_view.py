"""The orders of today by supplier and location: approve, take back, send, and find again in the data."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pandas as pd
import streamlit as st

from pages.components import cached, charts, ordering, panel, purchases, session, tables
from pages.components.formats import count, day, known, literal, money, units
from pages.components.purchases import APPROVED, OPEN, PROPOSED, TAKEN
from planning.result import PlanResult

ORDERS = (
    "supplier_id", "location_id", "line_value", "told", "state", "order_number", "lines", "quantity", "arrives_on",
    "note",
)  # fmt: skip
LINES = ("item_id", "quantity", "line_value", "location_id", "order_number", "item_name", "unit_cost", "arrives_on")
MOST_ROWS, MOST_MATCHES, LONGEST_REASON = 500, 10, 500
KEY = ("order_number", "item_id", "location_id")
STATES = MappingProxyType({PROPOSED: "◇ Proposed", APPROVED: "✓ Approved", TAKEN: "➤ Taken out"})


def show(plan: PlanResult, whole: PlanResult) -> None:
    """Draw the tab."""
    may = session.may_act()
    approved = ordering.approvals(plan.as_of) if may else pd.DataFrame()
    if may:
        _matches(approved)
    rows = purchases.order_lines(plan, approved)
    if rows.empty:
        st.success("No purchase is due today, and no approved order is open.", icon=":material/task_alt:")
    else:
        orders = purchases.by_order(rows, _minimum())
        st.markdown(purchases.in_words(purchases.totals(rows, orders, plan), orders, literal(plan.params.currency)))
        notes = ordering.order_notes() if may else {}
        orders = orders.assign(note=[notes.get(str(number), "") for number in orders["order_number"]])
        chosen = _list(orders, plan)
        picked = rows.merge(chosen[list(purchases.GROUP)], on=list(purchases.GROUP))
        if may:
            _act(chosen, picked, plan, every=len(chosen) == len(orders))
            _downloads(approved, whole)
        tables.show(
            picked.head(MOST_ROWS),
            "orders",
            plan=plan,
            key="orders",
            order=LINES,
            alt="The lines of these orders",
            download=False,
        )
        if len(picked) > MOST_ROWS:
            st.caption(f"The first {MOST_ROWS:,} of {count(len(picked), 'line')}; tick an order to see its own.")
        tables.downloads(picked, "orders", plan, key="orders")
    _later(plan)
    if may:
        _activity()


def _minimum() -> Mapping[str, float]:
    """The least value of an order by supplier."""
    snapshot = session.snapshot_id()
    suppliers = cached.inputs(session.visitor(), snapshot).get("suppliers") if snapshot else None
    if suppliers is None or "min_order_value" not in suppliers:
        return {}
    told = suppliers.dropna(subset=["min_order_value"]).drop_duplicates("supplier_id")
    return dict(zip(told["supplier_id"].astype(str), told["min_order_value"].astype(float), strict=True))


def _list(orders: pd.DataFrame, plan: PlanResult) -> pd.DataFrame:
    """Show the orders; return the ticked ones, or all."""
    # Through a link nothing is known of what suppliers ask.
    seen = [name for name in tables.seen(ORDERS) if name != "told" or session.may_act()]
    columns = [name for name in seen if name != "note" or orders["note"].any()]
    lean = orders.assign(state=orders["state"].map(STATES))[columns].head(MOST_ROWS)
    event = st.dataframe(
        lean,
        key=ordering.list_key("order_list"),
        hide_index=True,
        column_config=_columns(plan.params.currency),
        height=min(36 + 33 * len(lean), 333),
        on_select="rerun",
        selection_mode="multi-row",
        placeholder="–",
        alt="Orders by supplier and location",
    )
    ticked = [row for row in event.selection.rows if row < len(lean)]
    return orders.iloc[ticked] if ticked else orders


def _columns(currency: str) -> dict[str, Any]:
    text, number = st.column_config.TextColumn, st.column_config.NumberColumn
    return {
        "state": text("State"),
        "order_number": text("Order", help="A proposed order is numbered when it is approved."),
        "supplier_id": text("Supplier", pinned=True),
        "location_id": text("For", help="Where it is delivered to."),
        "lines": number("Lines", format="%,d"),
        "quantity": number("Units", format="%,.0f"),
        "line_value": number(f"Value ({currency})" if currency else "Value", format="%,.0f", help="At cost."),
        "told": text("Minimum", help="Of the supplier's least order value."),
        "arrives_on": st.column_config.DateColumn("Last arrival", format="D MMM YYYY", help="The last line to come."),
        "note": text("Note", width="medium"),
    }


def _act(chosen: pd.DataFrame, picked: pd.DataFrame, plan: PlanResult, *, every: bool) -> None:
    new, old = picked[picked["state"] == PROPOSED], picked[picked["state"] == APPROVED]
    orders = {state: int((chosen["state"] == state).sum()) for state in STATES}
    value = new["line_value"].sum(min_count=1)
    worth = f" ({money(value, plan.params.currency)})" if pd.notna(value) else ""
    with st.container(horizontal=True, vertical_alignment="center", key="order_actions"):
        pressed = st.button(
            f"Approve {'all ' if every and orders[PROPOSED] > 1 else ''}{count(orders[PROPOSED], 'order')}{worth}",
            key="order_approve",
            type="primary",
            icon=":material/check:",
            disabled=new.empty,
            help="They get numbers and count as open orders until the data hold them.",
        )
        if pressed and ordering.approve(_of_plan(new, plan)):
            ordering.untick("order_list")
            st.rerun()
        pressed = st.button(
            f"Take back {count(orders[APPROVED], 'approval')}" if orders[APPROVED] and not every else "Take back",
            key="order_unapprove",
            icon=":material/undo:",
            disabled=old.empty or every,
            help="Tick approved orders first." if old.empty or every else "The plan proposes them anew.",
        )
        if pressed and ordering.unapprove(old[list(KEY)]):
            ordering.untick("order_list")
            st.rerun()
        _close(picked[picked["state"] == TAKEN], disabled=every)
        _note(chosen[chosen["state"] != PROPOSED], disabled=every)
        ordering.undo_button("order", ticked="order_list")


def _close(rows: pd.DataFrame, *, disabled: bool) -> None:
    """What was taken out already stands; it can only be closed, with a reason."""
    if rows.empty:
        return
    with st.popover("Close", icon=":material/block:", disabled=disabled, help="Cancelled, or come without a trace."):
        why = st.text_input("Reason", key="order_close_why", max_chars=LONGEST_REASON)
        if st.button(f"Close {count(len(rows), 'line')}", key="order_close", type="primary") and ordering.close(
            rows[list(KEY)], why or ""
        ):
            ordering.untick("order_list")
            st.rerun()


def _note(orders: pd.DataFrame, *, disabled: bool) -> None:
    """A note on approved orders: what the supplier said, whom to ask."""
    idle = disabled or orders.empty
    with st.popover(
        "Note", icon=":material/sticky_note_2:", disabled=idle, help="Tick approved orders first." if idle else None
    ):
        text = st.text_area("Note", key="order_note_text", max_chars=LONGEST_REASON, height=90)
        if st.button(f"Keep on {count(len(orders), 'order')}", key="order_note_do", type="primary") and (
            ordering.note_orders(orders["order_number"].astype(str).tolist(), text or "")
        ):
            st.rerun()


def _activity() -> None:
    """Who approved, took back and changed what, and when."""
    drawer = st.expander("Who did what", icon=":material/history:", on_change="rerun", key="orders_activity")
    with drawer:
        if not drawer.open:
            return
        rows = ordering.activity()
        if rows.empty:
            st.caption("Nothing was decided yet.")
            return
        text = st.column_config.TextColumn
        st.dataframe(
            rows.head(MOST_ROWS),
            key="activity",
            hide_index=True,
            column_config={
                "at": st.column_config.DatetimeColumn("When (UTC)", format="D MMM YYYY, HH:mm"),
                "by": text("Who"),
                "what": text("What"),
                "about": text("About", width="large"),
                "reason": text("Reason", width="medium"),
                "undone": st.column_config.CheckboxColumn("Undone"),
            },
            height=min(36 + 33 * len(rows), 333),
            placeholder="–",
            alt="Who did what, and when",
        )
        if len(rows) > MOST_ROWS:
            st.caption(f"The last {MOST_ROWS:,} of {len(rows):,}.")


def _of_plan(rows: pd.DataFrame, plan: PlanResult) -> pd.DataFrame:
    keys = ["order_number", "item_id", "location_id"]
    return plan.orders.merge(rows[keys], on=keys)


def _downloads(approved: pd.DataFrame, plan: PlanResult) -> None:
    """The approved orders of this morning, to send: once taken out they stand."""
    today = approved["status"].isin(OPEN) & (
        pd.to_datetime(approved["ordered_on"], cache=False) == pd.Timestamp(plan.as_of)
    )
    orders = approved.loc[today, "order_number"].nunique()
    if not orders:
        return
    with st.container(horizontal=True, key="orders_out"):
        _files(orders, plan)


def _files(orders: int, plan: PlanResult) -> None:
    tables.taken_out(
        count(orders, "approved order"),
        ordering.orders_out,
        plan,
        name="orders",
        key="approved",
        help="By supplier and location, with the supplier's item data. Once taken out, an order stands.",
    )


def _matches(approved: pd.DataFrame) -> None:
    """Approved orders that the data seem to hold under another name: a person says so."""
    late = approved[approved["late"].astype(bool)]
    if len(late):
        some = ", ".join(late["order_number"].drop_duplicates().head(3))
        st.warning(
            f"{count(len(late), 'line')} approved more than 7 days ago cannot be found in the data ({literal(some)}). "
            "Were they sent? Bring newer open orders, or close them.",
            icon=":material/warning:",
        )
    rows = ordering.candidates()
    if rows.empty:
        return
    with st.container(border=True):
        st.header(f"Is this your order? ({len(rows):,})")
        st.caption("Rows of the data that look like what was approved. Said once, it no longer counts twice.")
        for n, row in enumerate(rows.head(MOST_MATCHES).to_dict("records")):
            with st.container(horizontal=True, vertical_alignment="center", key=f"match_{n}"):
                name = f"order **{literal(row['order_id'])}**" if known(row["order_id"]) else "a row without a number"
                st.markdown(
                    f"**{literal(row['order_number'])}**: {units(row['quantity'])} of {literal(row['item_id'])} for "
                    f"{literal(row['location_id'])}. In the data stands {name}: {units(row['found_quantity'])}, "
                    f"{day(row['found_on'])}.",
                    width="stretch",
                )
                st.button(
                    "The same",
                    key=f"match_{n}_same",
                    icon=":material/link:",
                    on_click=ordering.confirm_match,
                    args=tuple(row[name] for name in ("order_number", "item_id", "location_id", "candidate_id")),
                )


def _later(plan: PlanResult) -> None:
    drawer = st.expander("Orders to expect later", icon=":material/event:", on_change="rerun", key="orders_later")
    with drawer:
        if not drawer.open:
            return
        panel.chart(charts.order_timeline(plan), "Orders by supplier and week, today's and planned", key="timeline")
        st.caption("Expected, not placed: each is decided anew on its day, with the stock and forecast of then.")
        rows = plan.planned_orders.sort_values(["order_on", "supplier_id", "item_id"])
        tables.show(
            rows.head(MOST_ROWS),
            "planned_orders",
            plan=plan,
            key="planned",
            alt="Planned orders",
            empty="No later order in sight.",
            download=False,
        )
        if len(rows):
            tables.downloads(rows, "planned_orders", plan, key="planned")
