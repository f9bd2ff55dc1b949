"""Scenarios side by side: stock against service, cash out and stock by week. No Streamlit."""

import numpy as np
import plotly.graph_objects as go

from pages.components import charts_style as style
from pages.components.formats import percent
from planning.scenario import Comparison

LOOKS = (
    (style.QUIET, "solid", "diamond"),
    (style.ORDER, "dash", "square"),
    (style.WARN, "dot", "circle"),
    (style.PLUM, "dashdot", "triangle-up"),
)
"""Colour, dash and symbol of each scenario, the first of them today's plan."""
SPARE = 0.08
LEAST_SPARE = 0.005
"""Half a point of service: where all stand alike, the axis still tells them apart from other levels."""
NAMED = 190
"""Pixels of a name in the legend."""


def scenario_curve(told: Comparison, currency: str = "", *, height: int = 400) -> go.Figure:
    """What does each scenario hold and promise? Service against stock, with each scenario's own curve."""
    column, unit = "stock_value", style.money_title("stock value at cost", currency)
    here = told.curve[told.curve["stands"]]
    if here["stock_value"].isna().all():
        column, unit = "stock_units", "stock, units"
    if here[[column, "expected_fill_rate"]].isna().any(axis=1).all():
        return style.nothing("No line here serves customers: there is no service to compare")
    figure = style.base(height, unit="Demand served from stock (fill rate)")
    for name, (colour, dash, symbol) in zip(told.names, LOOKS, strict=False):
        rows = told.curve[told.curve["scenario"] == name]
        line, at = rows[~rows["stands"]], rows[rows["stands"]].iloc[0]
        label = style.clean(name)
        figure.add_trace(
            go.Scatter(
                x=line[column],
                y=line["expected_fill_rate"],
                mode="lines",
                name=label,
                legendgroup=name,
                showlegend=False,
                line={"color": colour, "width": 2, "dash": dash},
                customdata=line["service_target"],
                hovertemplate=f"{label}, target %{{customdata:.1%}}: %{{x:,.0f}} serves %{{y:.1%}}<extra></extra>",
            )
        )
        figure.add_trace(
            go.Scatter(
                x=[at[column]],
                y=[at["expected_fill_rate"]],
                mode="markers",
                name=label,
                legendgroup=name,
                marker={
                    "symbol": symbol,
                    "size": 14,
                    "color": colour,
                    "line": {"width": 2, "color": "rgba(255,255,255,0.8)"},
                },
                hovertemplate=f"{label}: %{{x:,.0f}} serves {percent(at['expected_fill_rate'])}<extra></extra>",
            )
        )
    _frame(figure, here[column].to_numpy(float), here["expected_fill_rate"].to_numpy(float), told, column)
    figure.update_xaxes(
        showgrid=True, gridcolor=style.GRID, tickformat="~s", nticks=6, title={"text": unit.capitalize()}
    )
    figure.update_yaxes(tickformat=".1%", nticks=7)
    figure.update_layout(legend={"entrywidth": NAMED})
    return figure


def _frame(figure: go.Figure, stock: np.ndarray, service: np.ndarray, told: Comparison, column: str) -> None:
    """Show the scenarios large: the curves run on beyond the view."""
    low, high = np.nanmin(stock), np.nanmax(stock)
    wide = max(high - low, 0.3 * high, 1.0)
    left, right = max(0.0, low - 0.5 * wide), high + 0.5 * wide
    seen = told.curve[told.curve[column].between(left, right)]["expected_fill_rate"]
    bottom, top = min(np.nanmin(service), seen.min()), min(1.0, max(np.nanmax(service), seen.max()))
    spare = max(SPARE * (top - bottom), LEAST_SPARE)
    figure.update_xaxes(range=[left, right])
    figure.update_yaxes(range=[bottom - spare, top + spare])


def cash_by_week(told: Comparison, currency: str = "", *, height: int = 330) -> go.Figure:
    """What goes out for orders under each scenario? Week by week, side by side."""
    rows = told.weeks.dropna(subset=["cash_out"])
    if rows.empty:
        return style.nothing("No cost is known: there is no money to add up")
    figure = style.base(height, unit=style.money_title("Orders placed, by week", currency))
    for name, (colour, _, _) in zip(told.names, LOOKS, strict=False):
        mine, label = rows[rows["scenario"] == name], style.clean(name)
        figure.add_trace(
            go.Bar(
                x=mine["starts_on"],
                y=mine["cash_out"],
                name=label,
                marker={"color": colour},
                hovertemplate=f"{label}, week of %{{x|%-d %b}}: %{{y:,.0f}}<extra></extra>",
            )
        )
    figure.update_layout(barmode="group", legend={"entrywidth": NAMED})
    figure.update_xaxes(type="date", tickformat="%-d %b\n%Y", nticks=7)
    figure.update_yaxes(tickformat="~s", nticks=5)
    return figure


def stock_by_week(told: Comparison, currency: str = "", *, height: int = 330) -> go.Figure:
    """What lies in stock under each scenario? At the end of each week."""
    rows = told.weeks.dropna(subset=["stock_value"])
    if rows.empty:
        return style.nothing("No cost is known: there is no money to add up")
    figure = style.base(height, unit=style.money_title("Stock value at cost, end of the week", currency))
    for name, (colour, dash, _) in zip(told.names, LOOKS, strict=False):
        mine, label = rows[rows["scenario"] == name], style.clean(name)
        figure.add_trace(
            go.Scatter(
                x=mine["starts_on"],
                y=mine["stock_value"],
                mode="lines",
                name=label,
                line={"color": colour, "width": 2.5, "dash": dash},
                hovertemplate=f"{label}, week of %{{x|%-d %b}}: %{{y:,.0f}}<extra></extra>",
            )
        )
    figure.update_xaxes(type="date", tickformat="%-d %b\n%Y", nticks=7)
    figure.update_yaxes(tickformat="~s", nticks=5, rangemode="tozero")
    figure.update_layout(legend={"entrywidth": NAMED})
    return figure
