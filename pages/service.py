"""Service & safety stock: what a service target costs in stock, and what it saves in sales."""

import streamlit as st

from pages.components import charts, controls, glossary, headline, numbers, panel, promise, tables
from pages.components.wording import next_point
from planning.result import PlanResult

POLICY = (
    "item_id",
    "item_name",
    "location_id",
    "abc_class",
    "expected_fill_rate",
    "safety_stock",
    "reorder_point",
    "order_up_to_level",
    "demand_mean_per_day",
    "lead_time_days",
    "lead_time_from",
    "service_target",
    "service_target_from",
    "demand_class",
    "model",
)


def main() -> None:
    """Draw the page."""
    plan, whole = panel.open_page("Service & safety stock")
    numbers.service(plan)
    left, right = st.columns([2, 1], gap="medium")
    with left, st.container(border=True, height="stretch"):
        st.subheader("What the next point of service costs")
        panel.chart(_curve(whole), "Expected fill rate against stock value, today's choice marked", key="curve")
        st.markdown(next_point(whole.service_curve, whole.params))
        st.caption(
            "Each point is one target for all lines, whatever the filters show; the stock is the mean on hand at cost."
        )
    with right, st.container(border=True, height="stretch"):
        st.subheader("Targets")
        controls.policy_params()
    policy, matrix = st.tabs(["Levels by line", "By value and demand"])
    with policy:
        rows = headline.with_names(plan.policy, plan).sort_values(["abc_class", "expected_fill_rate"])
        tables.show(
            rows,
            "policy",
            plan=plan,
            key="policy",
            order=POLICY,
            alt="Safety stock and levels by line",
            more={"item_name": st.column_config.TextColumn("Name", width="medium")},
        )
    with matrix:
        panel.chart(charts.abc_matrix(plan), "Items, stock value and risk by ABC and demand class", key="matrix")
        st.caption(
            "A line is one item at one location. The colour goes from covered to all lines at risk (red or amber)."
        )
    glossary.words(
        "Fill rate",
        "Cycles in stock",
        "Safety stock",
        "Reorder point",
        "Target stock",
        "ABC class",
        "Lead time + review",
        "Lost margin",
    )


def _curve(whole: PlanResult) -> object:
    """The curve with the policy in force; targets by class lie off it, at their own stock and service."""
    now, by_class = promise.promise(whole), bool(whole.params.service_target_by_class)
    stock = now.stock_value if now.stock_value is not None else now.stock_units
    here = (stock, now.fill_rate) if by_class and now.fill_rate is not None else None
    return charts.service_stock_curve(whole.service_curve, whole.params, current=here)


main()
