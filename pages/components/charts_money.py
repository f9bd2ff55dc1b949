"""Stock and orders of everything, in money."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

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
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=[0.62, 0.38], vertical_spacing=0.17)
    # As plain values: to take over a layout as it is walks through its template, a fifth of a second.
    look = {name: value for name, value in style.base(height).layout.to_plotly_json().items() if name != "template"}
    figure.update_layout(look, hovermode="x unified", barmode="stack")
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
            ),
            row=1,
            col=1,
        )
    _add_cash(figure, plan, days, priced=priced)
    figure.update_xaxes(showgrid=False)
    figure.update_yaxes(gridcolor=style.GRID, zeroline=False, automargin=True, nticks=5, tickformat="~s")
    style.time_axis(figure, days[0], days[-1], as_of=plan.as_of)
    style.headroom(figure, 0.0, max(np.nanmax(t.y) for t in figure.data[:2]), row=1)
    unpriced = int((~known & outer).sum())
    left_out = f" ({unpriced:,} lines without a cost left out)" if unpriced else ""
    stock_words = style.money_title("Stock value at cost", currency) if priced else "Stock, units"
    order_words = style.money_title("Orders placed, by week", currency) if priced else "Orders placed, units a week"
    style.add_unit(figure, stock_words + left_out)
    style.add_unit(figure, order_words, yref="y2 domain")
    style.mark_as_of(figure, plan.as_of)
    return figure


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
        week = (pd.to_datetime(orders["order_on"]) - days[0]).dt.days // 7
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
            ),
            row=2,
            col=1,
        )
