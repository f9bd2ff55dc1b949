"""Stock ahead, of one item at one location."""

from datetime import date

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from pages.components import charts_style as style
from pages.components.formats import short_day
from pages.components.lines import fed_by, keep
from planning.result import PlanResult

SHOWN_DAYS = 91
BAR_DAYS = 1.7
ALMOST_NOTHING = 1e-6


def projected_stock(
    plan: PlanResult, item_id: str, location_id: str, *, past: pd.DataFrame | None = None, height: int = 420
) -> go.Figure:
    """Will it run out, and what does the plan do about it? Expected stock in units by day, 13 weeks ahead.

    Shortage stands below zero at its full size: what customers wanted, added up over each empty spell.

    Parameters
    ----------
    plan : the plan, whose `projection` holds the item at the location.
    past : stock history with `date` and `on_hand`, in units, where there is any.
    """
    row = _row_of(plan, item_id, location_id)
    if row is None:
        return style.nothing("No projection for this item at this location")
    p = plan.projection
    days = pd.DatetimeIndex(p.days[:SHOWN_DAYS])
    stock = p.with_orders[row, : len(days)]
    missing = shortage(stock, p.demand[row], p.receipts[row] + p.orders[row], _on_hand(plan, item_id, location_id))
    pooled = len(fed_by(plan, item_id, location_id)) > 0
    figure = style.base(height, unit=f"Units in stock at day's end{', with what it feeds' if pooled else ''}")
    figure.update_layout(hovermode="x unified", barmode="stack")
    _add_band(figure, days, p.low[row, : len(days)], p.high[row, : len(days)])
    _add_arrivals(figure, plan, row, days)
    _add_past(figure, past, plan.as_of)
    without = p.without_orders[row, : len(days)]
    _add_line(figure, days, np.maximum(without, 0), "Nothing ordered", style.QUIET, "dash", 1.5)
    _add_line(figure, days, p.safety[row, : len(days)], "Safety stock", style.WARN, "dot", 1.5)
    _add_line(figure, days, np.maximum(stock, 0), "Expected stock", style.STOCK, "solid", 2.5)
    _add_shortage(figure, days, missing)
    figure.add_hline(y=0, line={"color": style.QUIET, "width": 1})
    style.time_axis(figure, _first_day(past, plan.as_of), days[-1], as_of=plan.as_of)
    style.headroom(figure, -float(missing.max(initial=0)), _highest(figure))
    style.mark_as_of(figure, plan.as_of)
    _mark_stockout(figure, plan, item_id, location_id, days)
    return figure


def shortage(stock: np.ndarray, demand: np.ndarray, arrivals: np.ndarray, on_hand: float) -> np.ndarray:
    """Demand left unmet by the end of each day, in units, added up over each empty spell; 0 while stock lasts.

    `stock` is after the day's demand and may be negative where demand is backordered; then it is the shortage itself.
    """
    before = np.concatenate([[max(on_hand, 0.0)], stock[:-1]])
    lost = np.where(stock <= ALMOST_NOTHING, demand[: len(stock)] - arrivals[: len(stock)] - before, 0.0)
    lost = np.maximum(lost, 0.0)
    total, spell = np.zeros(len(stock)), 0.0
    for n, missed in enumerate(lost):
        spell = 0.0 if stock[n] > ALMOST_NOTHING else spell + missed
        total[n] = -stock[n] if stock[n] < -ALMOST_NOTHING else spell
    return total


def _row_of(plan: PlanResult, item_id: str, location_id: str) -> int | None:
    keys = plan.projection.keys
    hit = np.flatnonzero((keys["item_id"] == item_id).to_numpy() & (keys["location_id"] == location_id).to_numpy())
    return int(hit[0]) if len(hit) else None


def _add_band(figure: go.Figure, days: pd.DatetimeIndex, low: np.ndarray, high: np.ndarray) -> None:
    low, high = np.maximum(low, 0), np.maximum(high, 0)
    # Its edges are drawn: on a dark page the fill alone can hardly be told from the ground.
    edge = {"width": 1, "color": style.tint(style.STOCK, 0.5)}
    figure.add_trace(go.Scatter(x=days, y=high, mode="lines", line=edge, showlegend=False, hoverinfo="skip"))
    figure.add_trace(
        go.Scatter(
            x=days,
            y=low,
            mode="lines",
            line=edge,
            fill="tonexty",
            fillcolor=style.tint(style.STOCK, 0.2),
            name="8 in 10 cases",
            customdata=high,
            hovertemplate="%{y:,.0f} to %{customdata:,.0f}",
        )
    )


def _add_line(
    figure: go.Figure, days: pd.DatetimeIndex, values: np.ndarray, name: str, colour: str, dash: str, width: float
) -> None:
    figure.add_trace(
        go.Scatter(
            x=days,
            y=values,
            mode="lines",
            name=name,
            line={"color": colour, "dash": dash, "width": width},
            hovertemplate="%{y:,.1f}",
        )
    )


def _add_arrivals(figure: go.Figure, plan: PlanResult, row: int, days: pd.DatetimeIndex) -> None:
    """Bars at the day of arrival: on order already, today's, planned later."""
    p = plan.projection
    bought, moved = _todays(plan, row)
    today = _by_day(bought, days) + _by_day(moved, days)
    receipts = p.receipts[row, : len(days)]
    later = np.maximum(p.orders[row, : len(days)] - today, 0)
    open_order = {"color": style.tint(style.QUIET, 0.25), "line": {"color": style.QUIET, "width": 1.5}}
    for name, units, marker in (
        ("On order", receipts, open_order),
        ("Sent today" if bought.empty else "Ordered today", today, {"color": style.ORDER}),
        ("Planned", later, style.PLANNED_BARS),
    ):
        shown = units > ALMOST_NOTHING
        if shown.any():
            figure.add_trace(
                go.Bar(
                    x=days[shown],
                    y=units[shown],
                    width=BAR_DAYS * style.DAY_MS,
                    name=name,
                    marker=dict(marker),
                    hovertemplate="+%{y:,.0f}",
                )
            )


def _todays(plan: PlanResult, row: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Today's purchases and transfers of the line: quantity, arrives_on."""
    key = plan.projection.keys.iloc[row]
    due, moves = plan.lines[plan.lines["order_quantity"] > 0], plan.allocation
    bought = due[(due["item_id"] == key["item_id"]) & (due["location_id"] == key["location_id"])]
    bought = bought.rename(columns={"quantity": "taken", "order_quantity": "quantity"})
    moved = moves[(moves["item_id"] == key["item_id"]) & (moves["destination_id"] == key["location_id"])]
    return bought[["quantity", "arrives_on"]], moved[["quantity", "arrives_on"]]


def _by_day(arrivals: pd.DataFrame, days: pd.DatetimeIndex) -> np.ndarray:
    """Units by day of arrival."""
    at = days.get_indexer(pd.DatetimeIndex(arrivals["arrives_on"]))
    units = np.zeros(len(days))
    np.add.at(units, at[at >= 0], arrivals["quantity"].to_numpy(dtype=float)[at >= 0])
    return units


def _add_past(figure: go.Figure, past: pd.DataFrame | None, as_of: date) -> None:
    if past is None or past.empty:
        return
    shown = past[pd.to_datetime(past["date"], cache=False) >= pd.Timestamp(as_of) - pd.Timedelta(days=56)]
    figure.add_trace(
        go.Scatter(
            x=shown["date"],
            y=shown["on_hand"],
            mode="lines+markers",
            name="Counted stock",
            line={"color": style.QUIET, "width": 1.5, "shape": "hv"},
            marker={"size": 5},
            hovertemplate="%{y:,.0f}",
        )
    )


def _first_day(past: pd.DataFrame | None, as_of: date) -> pd.Timestamp:
    first = pd.Timestamp(as_of)
    if past is None or past.empty:
        return first - pd.Timedelta(days=1)
    return max(pd.to_datetime(past["date"], cache=False).min(), first - pd.Timedelta(days=56))


def _highest(figure: go.Figure) -> float:
    """The highest point drawn."""
    return max((float(np.nanmax(np.asarray(t.y, dtype=float))) for t in figure.data if len(t.y)), default=1.0)


def _add_shortage(figure: go.Figure, days: pd.DatetimeIndex, missing: np.ndarray) -> None:
    if missing.max(initial=0) <= ALMOST_NOTHING:
        return
    near = np.convolve(missing > ALMOST_NOTHING, [1, 1, 1], mode="same") > 0
    figure.add_trace(
        go.Scatter(
            x=days,
            y=np.where(near, -missing, np.nan),
            mode="lines",
            name="Short",
            connectgaps=False,
            showlegend=False,
            line={"color": style.SHORT, "width": 1.5},
            fill="tozeroy",
            fillcolor=style.tint(style.SHORT, 0.2),
            fillpattern={"shape": "x", "fgcolor": style.SHORT, "size": 7, "solidity": 0.25},
            customdata=missing,
            hovertemplate="%{customdata:,.1f}",
        )
    )
    worst = int(missing.argmax())
    figure.add_annotation(
        x=style.iso(days[worst]),
        y=-float(missing[worst]),
        text=f"{style.amount(float(missing[worst]))} units short",
        showarrow=False,
        yanchor="top",
        xanchor="left" if worst < len(days) * 0.7 else "right",
        font={"size": 12, "color": style.SHORT},
    )


def _mark_stockout(figure: go.Figure, plan: PlanResult, item_id: str, location_id: str, days: pd.DatetimeIndex) -> None:
    frame = plan.lines
    hit = frame[(frame["item_id"] == item_id) & (frame["location_id"] == location_id)]
    if hit.empty or pd.isna(hit["stockout_on"].iloc[0]):
        return
    when = pd.Timestamp(hit["stockout_on"].iloc[0])
    if when > days[-1]:
        return
    risk = str(hit["risk"].iloc[0])
    late = when > days[int(len(days) * 0.6)]
    style.mark_day(
        figure,
        when,
        f"runs out {short_day(when)}",
        colour=style.RISK_COLOURS.get(risk, style.QUIET),
        dash="dash",
        side="right" if late else "left",
        level=1,
    )


def _on_hand(plan: PlanResult, item_id: str, location_id: str) -> float:
    """Stock of the line and of what it feeds."""
    line = pd.DataFrame({"item_id": [item_id], "location_id": [location_id]})
    own = keep(plan.lines, pd.concat([line, fed_by(plan, item_id, location_id)]))
    return float(own["on_hand"].clip(lower=0).sum())
