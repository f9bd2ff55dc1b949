"""The three lists of the Replenishment page: what to do, today's orders, later ones."""

import streamlit as st

from pages.components import charts, headline, item_view, panel, tables
from planning.result import PlanResult

WORK = (
    "risk",
    "action",
    "item_id",
    "item_name",
    "location_id",
    "units",
    "order_value",
    "lost_margin",
    "stockout_on",
    "reason",
)
ORDERS = ("order_number", "supplier_id", "location_id", "item_id", "quantity", "arrives_on", "unit_cost", "line_value")


def work_list(plan: PlanResult) -> None:
    """Draw what to do today, line by line, and the chosen line with its reason."""
    rows = headline.work_list(plan).reset_index(drop=True)
    rows = rows.assign(units=rows["order_quantity"] + rows["transfer_quantity"], action=rows["action"].str.capitalize())
    if rows.empty:
        st.success("Nothing calls for action today: every line in view is covered.", icon=":material/task_alt:")
        return
    st.caption("The worst and dearest first. Choose a line to see why, below.")
    at = panel.pick(
        rows,
        "replenishment",
        plan,
        key="work",
        order=WORK,
        alt="What to do today, line by line",
        more={
            "item_name": st.column_config.TextColumn("Name", width="medium"),
            "units": st.column_config.NumberColumn("Units", format="%,.0f", help="To order or to send."),
        },
    )
    item_id, location_id = str(rows["item_id"].iloc[at]), str(rows["location_id"].iloc[at])
    with st.container(border=True):
        item_view.heading(plan, item_id, location_id, key="work_item")
        item_view.stock_and_reason(plan, item_id, location_id, key="work")
    tables.downloads(rows.drop(columns="units"), "replenishment", plan, key="work_all")


def orders_of_today(plan: PlanResult) -> None:
    """Draw the purchase orders by supplier, and their lines."""
    if plan.orders.empty:
        st.success("No purchase is due today.", icon=":material/task_alt:")
        return
    by_supplier = (
        plan.orders.groupby("supplier_id", dropna=False)
        .agg(
            lines=("item_id", "size"),
            quantity=("quantity", "sum"),
            line_value=("line_value", "sum"),
            arrives_on=("arrives_on", "max"),
        )
        .reset_index()
        .sort_values("line_value", ascending=False)
    )
    st.dataframe(
        by_supplier,
        hide_index=True,
        alt="Orders of today by supplier",
        column_config=tables.columns("orders", plan.params.currency, by_supplier)
        | {"lines": st.column_config.NumberColumn("Lines", format="%,d")},
    )
    suppliers = ["All suppliers", *by_supplier["supplier_id"].astype(str)]
    chosen = st.selectbox("Lines of", suppliers, key="order_supplier", width=320)
    lines = plan.orders if chosen == suppliers[0] else plan.orders[plan.orders["supplier_id"].astype(str) == chosen]
    tables.show(lines, "orders", plan=plan, key="orders", order=ORDERS, alt="Order lines of today")


def later_orders(plan: PlanResult) -> None:
    """Draw the orders to expect after today's."""
    panel.chart(charts.order_timeline(plan), "Orders by supplier and week, today's and planned", key="timeline")
    st.caption("Expected, not placed: each is decided anew on its day, with the stock and forecast of then.")
    tables.show(
        plan.planned_orders.sort_values(["order_on", "supplier_id", "item_id"]),
        "planned_orders",
        plan=plan,
        key="planned",
        alt="Planned orders",
        empty="No later order in sight.",
    )
