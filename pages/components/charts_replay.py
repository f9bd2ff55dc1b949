"""A replay: service against stock, stock and losses by week, one item week by week. No Streamlit."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from pages.components import charts_style as style
from pages.components.formats import known, percent

LOOKS = (
    (style.STOCK, "solid", "circle"),
    (style.ORDER, "dash", "square"),
    (style.WARN, "dot", "diamond"),
    (style.PLUM, "dashdot", "triangle-up"),
    (style.QUIET, "longdash", "x"),
    (style.SHORT, "longdashdot", "star"),
    (style.STOCK, "dot", "triangle-down"),
    (style.ORDER, "dashdot", "cross"),
)
"""Colour, dash and symbol of each policy, in the order of the result: no two are told apart by colour alone."""
PATTERNS = ("", "/", "x", ".", "|", "-")
"""Hatching of bars, by policy in the order they are drawn."""
NAMED = 190
"""Pixels of a name in the legend."""
SPARE = 0.1
LEAST_SPARE = 0.004
WHITE = "rgba(255,255,255,0.8)"


def exchange(
    points: pd.DataFrame, curve: pd.DataFrame, names: Sequence[str], currency: str = "", *, height: int = 420
) -> go.Figure:
    """What service does each policy get from how much stock? Achieved filled, promised open, the plan's own curve.

    Parameters
    ----------
    points : policy, average_stock_value, average_stock_units, fill_rate, promised_fill_rate, one row a policy.
    curve : policy, target, fill_rate, average_stock_value, average_stock_units: policies at other targets.
    names : policies in the order of the result, which gives each its look.
    """
    column, unit = _stock_of(points, currency)
    shown = points.dropna(subset=[column, "fill_rate"])
    if shown.empty:
        return style.nothing("Nobody asked for anything in these weeks: there is no service to compare")
    figure = style.base(height, unit="Demand served from the shelf (fill rate)")
    line = curve.dropna(subset=[column, "fill_rate"]) if len(curve) else curve
    for name in dict.fromkeys(line["policy"]) if len(line) else ():
        _add_curve(figure, line[line["policy"] == name].sort_values(column), column, list(names), str(name))
    for row in shown.to_dict("records"):
        _add_policy(figure, row, column, LOOKS[list(names).index(row["policy"]) % len(LOOKS)])
    _frame(figure, shown, line, column)
    figure.update_xaxes(showgrid=True, gridcolor=style.GRID, tickformat="~s", nticks=6, title={"text": unit})
    figure.update_yaxes(tickformat=".1%", nticks=7)
    figure.update_layout(legend={"entrywidth": NAMED})
    return figure


def _add_curve(figure: go.Figure, rows: pd.DataFrame, column: str, names: list[str], name: str) -> None:
    """Draw what a policy gets at other targets, in the look of its point where it has one."""
    colour, dash, _ = LOOKS[names.index(name) % len(LOOKS)] if name in names else (style.QUIET, "dot", "x")
    label = style.clean(name)
    figure.add_trace(
        go.Scatter(
            x=rows[column],
            y=rows["fill_rate"],
            mode="lines",
            name=label,
            legendgroup=label,
            showlegend=False,
            line={"color": colour, "width": 2, "dash": dash},
            hovertemplate=f"{label}, more or less of it: %{{x:,.0f}} served %{{y:.1%}}<extra></extra>",
        )
    )


def _stock_of(points: pd.DataFrame, currency: str) -> tuple[str, str]:
    """The column that measures stock, and what it is called; units where no cost is known."""
    if points["average_stock_value"].notna().any():
        return "average_stock_value", style.money_title("Average stock value at cost", currency)
    return "average_stock_units", "Average stock, units"


def _add_policy(figure: go.Figure, row: dict[str, object], column: str, look: tuple[str, str, str]) -> None:
    """Mark what a policy achieved, and what it had promised straight above or below."""
    colour, _, symbol = look
    label, at, reached = style.clean(row["policy"]), float(str(row[column])), float(str(row["fill_rate"]))
    promised = row["promised_fill_rate"]
    if known(promised):
        figure.add_trace(
            go.Scatter(
                x=[at, at],
                y=[reached, promised],
                mode="lines+markers",
                legendgroup=label,
                showlegend=False,
                line={"color": colour, "width": 1.5, "dash": "dot"},
                marker={
                    "symbol": [symbol, f"{symbol}-open"],
                    "size": [1, 12],
                    "color": colour,
                    "line": {"width": 2, "color": colour},
                },
                hovertemplate=f"{label}: promised {percent(promised)}<extra></extra>",
            )
        )
    figure.add_trace(
        go.Scatter(
            x=[at],
            y=[reached],
            mode="markers",
            name=label,
            legendgroup=label,
            marker={"symbol": symbol, "size": 14, "color": colour, "line": {"width": 1.5, "color": WHITE}},
            hovertemplate=f"{label}: %{{x:,.0f}} served {percent(reached)}<extra></extra>",
        )
    )


def _frame(figure: go.Figure, points: pd.DataFrame, line: pd.DataFrame, column: str) -> None:
    """Show the policies large: the curve runs on beyond the view."""
    stock = points[column].to_numpy(float)
    wide = max(stock.max() - stock.min(), 0.3 * stock.max(), 1.0)
    left, right = max(0.0, stock.min() - 0.4 * wide), stock.max() + 0.4 * wide
    rates = [points["fill_rate"].to_numpy(float), points["promised_fill_rate"].to_numpy(float)]
    if len(line):
        rates.append(line.loc[line[column].between(left, right), "fill_rate"].to_numpy(float))
    seen = np.concatenate(rates)
    bottom, top = np.nanmin(seen), np.nanmax(seen)
    spare = max(SPARE * (top - bottom), LEAST_SPARE)
    figure.update_xaxes(range=[left, right])
    figure.update_yaxes(range=[bottom - spare, top + spare])


def weeks(rows: pd.DataFrame, names: Sequence[str], currency: str = "", *, height: int = 460) -> go.Figure:
    """What lay in stock and what was lost under each policy? Week by week.

    Parameters
    ----------
    rows : policy, starts_on, stock_value, end_units, lost_units.
    """
    priced = rows["stock_value"].notna().any()
    column = "stock_value" if priced else "end_units"
    figure = style.base(height)
    figure = make_subplots(
        rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.14, row_heights=[0.6, 0.4], figure=figure
    )
    for n, name in enumerate(names):
        mine = rows[rows["policy"] == name]
        for row, value in ((1, column), (2, "lost_units")):
            _add_weeks(figure, mine, value, name, n, row)
    unit = style.money_title("Stock value at cost, end of the week", currency) if priced else "Stock, units"
    style.add_unit(figure, unit)
    style.add_unit(figure, "Lost, units in the week", yref="y2 domain")
    _time(figure)
    figure.update_yaxes(tickformat="~s", nticks=5, rangemode="tozero")
    figure.update_layout(legend={"entrywidth": NAMED})
    return figure


def _add_weeks(figure: go.Figure, mine: pd.DataFrame, value: str, name: str, n: int, row: int) -> None:
    if not mine[value].notna().any():
        return
    colour, dash, symbol = LOOKS[n % len(LOOKS)]
    label = style.clean(name)
    gaps = bool(mine[value].isna().any()) or len(mine) <= 1
    figure.add_trace(
        go.Scatter(
            x=mine["starts_on"],
            y=mine[value],
            mode="lines+markers" if gaps else "lines",
            connectgaps=True,
            name=label,
            legendgroup=label,
            showlegend=row == 1,
            line={"color": colour, "width": 2.5 if n == 0 else 2, "dash": dash},
            marker={"color": colour, "symbol": symbol},
            hovertemplate=f"{label}, %{{x|%-d %b %Y}}: %{{y:,.0f}}<extra></extra>",
        ),
        row=row,
        col=1,
    )


def item(rows: pd.DataFrame, names: Sequence[str], *, height: int = 620) -> go.Figure:
    """What would each policy have held, ordered and lost of one item? Week by week, beside what was asked for.

    Parameters
    ----------
    rows : policy, starts_on, demand_units, lost_units, ordered_units, end_units, of one item at one location.
    names : all policies, which gives each its look; those without rows are left out.
    """
    if rows.empty:
        return style.nothing("This item was not replayed at this location")
    figure = make_subplots(
        rows=3,
        cols=1,
        shared_xaxes=True,
        vertical_spacing=0.1,
        row_heights=[0.5, 0.25, 0.25],
        figure=style.base(height),
    )
    some = list(dict.fromkeys(rows["policy"]))
    first = rows[rows["policy"] == some[0]]
    figure.add_trace(
        go.Bar(
            x=first["starts_on"],
            y=first["demand_units"],
            name="Demand",
            marker={"color": style.tint(style.QUIET, 0.25), "line": {"color": style.QUIET, "width": 1}},
            hovertemplate="Asked for, %{x|%-d %b %Y}: %{y:,.1f}<extra></extra>",
        ),
        row=1,
        col=1,
    )
    for place, name in enumerate(some):
        n, mine = list(names).index(name), rows[rows["policy"] == name]
        _add_weeks(figure, mine, "end_units", name, n, 1)
        for row, value in ((2, "ordered_units"), (3, "lost_units")):
            _add_bars(figure, mine, value, name, (n, place), row)
    style.add_unit(figure, "Stock at the end, and demand, units")
    style.add_unit(figure, "Ordered, units", yref="y2 domain")
    style.add_unit(figure, "Lost, units", yref="y3 domain")
    _time(figure)
    figure.update_yaxes(tickformat="~s", nticks=5, rangemode="tozero")
    figure.update_layout(legend={"entrywidth": NAMED}, barmode="group")
    return figure


def _add_bars(figure: go.Figure, mine: pd.DataFrame, value: str, name: str, place: tuple[int, int], row: int) -> None:
    """Bars of one policy; `place`: among all policies, which gives the colour, and among those drawn, the hatching."""
    colour, label = LOOKS[place[0] % len(LOOKS)][0], style.clean(name)
    hatched = PATTERNS[place[1] % len(PATTERNS)]
    figure.add_trace(
        go.Bar(
            x=mine["starts_on"],
            y=mine[value],
            name=label,
            legendgroup=label,
            showlegend=False,
            marker={
                "color": style.tint(colour, 0.25) if hatched else colour,
                "line": {"color": colour, "width": 1},
                "pattern": {"shape": hatched, "fgcolor": colour, "size": 5, "solidity": 0.35},
            },
            hovertemplate=f"{label}, %{{x|%-d %b %Y}}: %{{y:,.1f}}<extra></extra>",
        ),
        row=row,
        col=1,
    )


def _time(figure: go.Figure) -> None:
    figure.update_xaxes(
        type="date", tickformat="%-d %b\n%Y", nticks=7, showgrid=False, zeroline=False, automargin=True, title=None
    )
    figure.update_yaxes(gridcolor=style.GRID, zeroline=False, automargin=True, title=None)
