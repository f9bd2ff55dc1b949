"""Service & safety stock: what a service target costs in stock, and what it saves in sales."""

import streamlit as st

from pages.components import charts, controls, glossary, headline, panel, promise, tables
from pages.components.formats import count, money, percent, units
from planning.result import PlanResult

POLICY = ("item_id", "item_name", "location_id", "abc_class", "demand_class", "service_target", "service_target_from",
          "expected_fill_rate", "safety_stock", "reorder_point", "order_up_to_level", "demand_mean_per_day",
          "lead_time_days", "lead_time_from", "model")


def main() -> None:
    """Draw the page."""
    plan, whole = panel.open_page("Service & safety stock")
    _three_numbers(plan)
    left, right = st.columns([2, 1], gap="medium")
    with left, st.container(border=True, height="stretch"):
        st.subheader("What the next point of service costs")
        panel.chart(_curve(whole), "Expected fill rate against stock value, today's choice marked", key="curve")
        st.caption("Each point is one target for all lines, whatever the filters show; the stock is the mean on hand "
                   "at cost.")
    with right, st.container(border=True, height="stretch"):
        st.subheader("Targets")
        controls.policy_params()
    policy, matrix = st.tabs(["Levels by line", "By value and demand"])
    with policy:
        rows = headline.with_names(plan.policy, plan).sort_values(["abc_class", "expected_fill_rate"])
        tables.show(rows, "policy", plan=plan, key="policy", order=POLICY, alt="Safety stock and levels by line",
                    more={"item_name": st.column_config.TextColumn("Name", width="medium")})
    with matrix:
        panel.chart(charts.abc_matrix(plan), "Items, stock value and risk by ABC and demand class", key="matrix")
        st.caption("A line is one item at one location. The colour goes from covered to all lines at risk (red or "
                   "amber).")
    glossary.words("Fill rate", "Cycles in stock", "Safety stock", "Reorder point", "Target stock", "ABC class",
                   "Lead time + review", "Lost margin")


def _curve(whole: PlanResult) -> object:
    """The curve with the policy in force; targets by class lie off it, at their own stock and service."""
    now, by_class = promise.promise(whole), bool(whole.params.service_target_by_class)
    stock = now.stock_value if now.stock_value is not None else now.stock_units
    here = (stock, now.fill_rate) if by_class and now.fill_rate is not None else None
    return charts.service_stock_curve(whole.service_curve, whole.params, current=here)


def _three_numbers(plan: PlanResult) -> None:
    now, state = promise.promise(plan), headline.health(plan)
    currency = plan.params.currency
    first, second, third = st.columns(3)
    with first:
        target = f"against a target of {percent(now.target)}" if now.target is not None else "no target: least cost"
        panel.number("Service promised", percent(now.fill_rate), f"of demand served from the shelf, {target}.",
                     "The fill rate that the policy expects, weighted by demand, before minimum quantities and packs.")
    with second:
        held = money(state.stock_value, currency) if state.stock_value is not None else "unknown"
        value = money(now.stock_value, currency) if now.stock_value is not None else units(round(now.stock_units))
        panel.number("Stock the policy needs", value, f"mean stock on hand at cost; today it is {held}.",
                     "Safety stock, and half of what is used up between two orders.")
    with third:
        lost = now.lost_margin_per_year
        lost_units = units(round(now.lost_units_per_year))
        panel.number("Expected lost margin a year", money(lost, currency) if lost is not None else lost_units,
                     f"{lost_units} a year in {count(len(plan.policy), 'line')} find an empty shelf.",
                     glossary.term("Lost margin"))


main()
