"""What frames the Overview's work list: the alerts above it, stock and cash ahead below."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd
import streamlit as st

from pages.components import cached, charts, headline, overview_alerts, panel, session
from pages.components.formats import day, literal, money
from pages.components.lines import pairs
from pages.components.overview_alerts import Alert
from planning.result import PlanResult

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
        near = orders[
            pd.to_datetime(orders["order_on"], cache=False) < pd.Timestamp(plan.as_of) + pd.Timedelta(days=days)
        ]
        each = cost.reindex(pairs(near)).to_numpy(float) if len(near) else np.zeros(0)
        if len(near) and np.isnan(each).all():
            return ""
        sums.append(float(np.nansum(near["quantity"].to_numpy(float) * each)) if len(near) else 0.0)
    due = headline.due_today(plan).money
    today = f", {money(due, currency)} of it today" if due else ""
    return f"Orders of the 13 weeks from {day(plan.as_of)} cost {money(sum(sums), currency)}{today}."
