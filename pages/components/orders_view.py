"""The orders of today by supplier and location: approve, take back, send, and find again in the data."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pandas as pd
import streamlit as st

from data import export
from pages.components import cached, charts, ordering, panel, purchases, session, tables
from pages.components.formats import count, day, literal, money, units
from pages.components.purchases import APPROVED, PROPOSED
from planning.result import PlanResult

ORDERS = (*purchases.GROUP, "lines", "quantity", "line_value", "told", "arrives_on")
LINES = ("order_number", "item_id", "item_name", "location_id", "quantity", "unit_cost", "line_value", "arrives_on")
MOST_ROWS = 500
STATES = MappingProxyType({PROPOSED: "◇ Proposed", APPROVED: "✓ Approved"})


def show(plan: PlanResult) -> None:
    """Draw the tab."""
    _matches()
    approved = ordering.approved()
    rows = purchases.order_lines(plan, approved)
    if rows.empty:
        st.success("No purchase is due today, and no approved order is open.", icon=":material/task_alt:")
    else:
        orders = purchases.by_order(rows, _minimum())
        st.markdown(purchases.in_words(purchases.totals(rows, orders, plan), orders, literal(plan.params.currency)))
        chosen = _list(orders, plan)
        picked = rows.merge(chosen[list(purchases.GROUP)], on=list(purchases.GROUP))
        _act(chosen, picked, plan, every=len(chosen) == len(orders))
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
    _later(plan)


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
    lean = orders.assign(state=orders["state"].map(STATES))[list(ORDERS)].head(MOST_ROWS)
    event = st.dataframe(
        lean,
        key="order_list",
        hide_index=True,
        column_config=_columns(plan.params.currency),
        height=min(38 + 35 * len(lean), 330),
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
        "state": text("State", width="small"),
        "order_number": text("Order", help="A proposed order is numbered when it is approved."),
        "supplier_id": text("Supplier"),
        "location_id": text("For", help="Where it is delivered to."),
        "lines": number("Lines", format="%,d"),
        "quantity": number("Units", format="%,.0f"),
        "line_value": number(f"Value ({currency})" if currency else "Value", format="%,.0f", help="At cost."),
        "told": text("Minimum", help="Of the supplier's least order value."),
        "arrives_on": st.column_config.DateColumn("Arrives", format="D MMM YYYY", help="The last line to come."),
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
            st.rerun()
        pressed = st.button(
            f"Take back {count(orders[APPROVED], 'approval')}",
            key="order_unapprove",
            icon=":material/undo:",
            disabled=old.empty or every,
            help="Tick approved orders first." if old.empty or every else "The plan proposes them anew.",
        )
        if pressed and ordering.unapprove(old["order_number"].drop_duplicates().tolist()):
            st.rerun()
        _downloads(picked, plan)


def _of_plan(rows: pd.DataFrame, plan: PlanResult) -> pd.DataFrame:
    keys = ["order_number", "item_id", "location_id"]
    return plan.orders.merge(rows[keys], on=keys)


def _downloads(picked: pd.DataFrame, plan: PlanResult) -> None:
    def name(suffix: str) -> str:
        return export.download_name("stockcast", plan.as_of, "orders", suffix)

    for label, excel, mime, suffix in (
        ("Excel", True, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"),
        ("CSV by supplier", False, "application/zip", "zip"),
    ):
        st.download_button(
            label,
            lambda excel=excel: ordering.order_files(picked, plan, excel=excel),
            name(suffix),
            mime=mime,
            on_click="ignore",
            icon=":material/download:",
            disabled=picked.empty,
            key=f"orders_{suffix}",
        )


def _matches() -> None:
    """Approved orders that the data seem to hold under another name: a person says so."""
    rows = ordering.matches()
    late = ordering.unmatched()
    if len(late):
        st.warning(
            f"{count(len(late), 'approved order line')} of more than 7 days ago cannot be found in the data: "
            f"{literal(', '.join(late['order_number'].astype(str).drop_duplicates().head(3)))}. "
            "Were they sent? Take the approval back, or bring the open orders.",
            icon=":material/warning:",
        )
    if rows.empty:
        return
    with st.container(border=True):
        st.header(f"Is this your order? ({len(rows):,})")
        for n, row in enumerate(rows.head(10).to_dict("records")):
            with st.container(horizontal=True, vertical_alignment="center", key=f"match_{n}"):
                st.markdown(
                    f"**{literal(row['order_number'])}**: {units(row['quantity'])} of {literal(row['item_id'])} for "
                    f"{literal(row['location_id'])}, is it order **{literal(row['order_id'])}** of the data, due "
                    f"{day(row.get('due_on'))}?",
                    width="stretch",
                )
                for label, same in (("Yes, the same", True), ("No", False)):
                    st.button(
                        label,
                        key=f"match_{n}_{same}",
                        type="primary" if same else "secondary",
                        on_click=ordering.confirm_match,
                        args=(row,),
                        kwargs={"same": same},
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
