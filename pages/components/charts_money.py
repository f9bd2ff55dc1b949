"""Stock and orders of everything, in money."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from pages.components import charts_style as style
from pages.components.lines import outermost, pairs
from planning.result import PlanResult


def stock_value_and_cash(plan: PlanResult, *, weeks: int = 13, height: int = 430) -> go.Figure:
    """What lies in stock, and what goes out for orders, in money over the next 13 weeks.

    Items without a unit cost are left out of both, and the chart says how many; without any cost it shows units.
    """
    if plan.projection.keys.empty:
        return style.nothing("No stock to project")
    cost = _unit_cost(plan)
    priced = bool(np.isfinite(cost).any())
    cost = cost if priced else np.ones(len(cost))
    known = np.isfinite(cost)
    outer = pairs(plan.projection.keys).isin(pairs(outermost(plan)))
    days = pd.DatetimeIndex(plan.projection.days[: weeks * 7])
    currency = plan.params.currency
    figure = style.base(height, more=_two_rows(style.time_look(days[0], days[-1], as_of=plan.as_of)))
    surplus = _surplus(plan, len(days))
    for name, stock, colour, dash in (
        ("Without orders", plan.projection.without_orders, style.QUIET, "dash"),
        ("As planned", plan.projection.with_orders, style.STOCK, "solid"),
    ):
        held = (np.maximum(stock[:, : len(days)], 0) + surplus) * outer[:, None]
        value = held[known].T @ cost[known]
        figure.add_trace(
            go.Scatter(
                x=days,
                y=value,
                name=name,
                mode="lines",
                line={"color": colour, "dash": dash, "width": 2.5},
                hovertemplate="%{y:,.0f}",
                xaxis="x",
                yaxis="y",
            )
        )
    _add_cash(figure, plan, days, priced=priced)
    figure.layout.yaxis.range = style.roomy(0.0, max(np.nanmax(t.y) for t in figure.data[:2]))
    unpriced = int((~known & outer).sum())
    left_out = f" ({unpriced:,} lines without a cost left out)" if unpriced else ""
    stock_words = style.money_title("Stock value at cost", currency) if priced else "Stock, units"
    order_words = style.money_title("Orders placed, by week", currency) if priced else "Orders placed, units a week"
    style.add_unit(figure, stock_words + left_out)
    style.add_unit(figure, order_words, yref="y2 domain")
    style.mark_as_of(figure, plan.as_of)
    return figure


def _two_rows(time: Mapping[str, Any]) -> dict[str, Any]:
    """The look of two charts above each other: told at once, it costs a fraction of one subplot after another."""
    across = {"showgrid": False, "domain": [0.0, 1.0], **time}
    up = {"gridcolor": style.GRID, "zeroline": False, "automargin": True, "nticks": 5, "tickformat": "~s"}
    first = {"anchor": "y", "matches": "x2", "showticklabels": False, "zeroline": False, "automargin": True}
    return {
        "hovermode": "x unified",
        "barmode": "stack",
        "xaxis": {**across, **first},
        "xaxis2": {**across, "anchor": "y2"},
        "yaxis": {**up, "anchor": "x", "domain": [0.4854, 1.0]},
        "yaxis2": {**up, "anchor": "x2", "domain": [0.0, 0.3154]},
    }


def _surplus(plan: PlanResult, days: int) -> np.ndarray:
    """Stock of fed locations that their feeder's projection leaves out as beyond their need, units, lines x days.

    What a location holds beyond its need is no cover for the others, but it is stock: it lasts until the location
    has sold it, which its own projection without orders tells.
    """
    p = plan.projection
    index = pairs(p.keys)
    feeder = plan.items.set_index(index.names)["fed_by"].reindex(index).to_numpy()
    at = pd.Series(range(len(index)), index=index)
    parent = at.reindex(pd.MultiIndex.from_arrays([p.keys["item_id"], feeder])).to_numpy()
    fed = np.flatnonzero(~np.isnan(parent))
    below = np.zeros((len(index), days))
    np.add.at(below, parent[fed].astype(int), np.maximum(p.without_orders[fed, :days], 0))
    held = plan.lines.set_index(index.names)["on_hand"].reindex(index).clip(lower=0).fillna(0).to_numpy()
    pooled = held.copy()
    np.add.at(pooled, parent[fed].astype(int), held[fed])
    counted = p.without_orders[:, 0] + p.demand[:, 0] - p.receipts[:, 0]
    beyond = np.where(below[:, 0] > 0, np.maximum(pooled - counted, 0), 0)
    return np.minimum(beyond[:, None], below)


def _unit_cost(plan: PlanResult) -> np.ndarray:
    """Unit cost of each row of the projection; nan where unknown."""
    cost = plan.items.set_index(["item_id", "location_id"])["unit_cost"].astype(float)
    index = pd.MultiIndex.from_frame(plan.projection.keys[["item_id", "location_id"]])
    return cost.reindex(index).to_numpy(dtype=float)


def _add_cash(figure: go.Figure, plan: PlanResult, days: pd.DatetimeIndex, *, priced: bool) -> None:
    cost = plan.items.set_index(["item_id", "location_id"])["unit_cost"].astype(float)
    for name, orders, marker in (
        ("Today's orders", plan.orders, {"color": style.ORDER}),
        ("Planned orders", plan.planned_orders, style.PLANNED_BARS),
    ):
        if orders.empty:
            continue
        each = cost.reindex(pd.MultiIndex.from_frame(orders[["item_id", "location_id"]])).to_numpy() if priced else 1.0
        week = (pd.to_datetime(orders["order_on"], cache=False) - days[0]).dt.days // 7
        value = orders["quantity"].to_numpy(dtype=float) * each
        by_week = pd.Series(value).groupby(week.to_numpy()).sum(min_count=1)
        by_week = by_week[(by_week.index >= 0) & (by_week.index < len(days) // 7)]
        figure.add_trace(
            go.Bar(
                x=days[0] + pd.to_timedelta(by_week.index.to_numpy() * 7 + 3, unit="D"),
                y=by_week.to_numpy(),
                name=name,
                marker=dict(marker),
                width=4.4 * style.DAY_MS,
                hovertemplate="%{y:,.0f}",
                xaxis="x2",
                yaxis="y2",
            )
        )
