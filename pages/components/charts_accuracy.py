"""How good the forecast was: against simpler ones, step by step, and whether its quantiles hold."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from pages.components import charts_style as style
from pages.components.forecast_record import chance

MOST_GROUPS = 12
TOO_SHORT = "Too little history to measure the forecast against what happened"
_MARKS = (
    ("naive_wape", "Naive: as last time", "diamond-open", style.QUIET),
    ("mean13_wape", "Mean of 13 weeks", "square-open", style.ORDER),
    ("wape", "This forecast", "circle", style.STOCK),
)
_SYMBOLS = ("diamond-open", "square-open", "triangle-up-open", "cross-open", "star-open")


def error_by_group(table: pd.DataFrame, word: str = "") -> go.Figure:
    """Does the forecast beat simpler ones, and where? Error of each group as a share of its demand.

    Parameters
    ----------
    table : group, lines, wape, naive_wape, mean13_wape; the most important group first.
    word : what stands for a group without a name.
    """
    table = table[np.isfinite(table["wape"])].head(MOST_GROUPS)
    if table.empty:
        return style.nothing(TOO_SHORT)
    words = [_group(g, n, word) for g, n in zip(table["group"], table["lines"], strict=True)]
    figure = style.base(140 + 40 * len(table))
    for label, a, b in zip(words, table["naive_wape"], table["wape"], strict=True):
        figure.add_trace(
            go.Scatter(
                x=[a, b],
                y=[label, label],
                mode="lines",
                showlegend=False,
                hoverinfo="skip",
                line={"color": style.STOCK if not b > a else style.SHORT, "width": 3},
            )
        )
    for column, name, symbol, colour in _MARKS:
        if table[column].notna().any():
            figure.add_trace(
                go.Scatter(
                    x=table[column],
                    y=words,
                    mode="markers",
                    name=name,
                    hovertemplate="%{y}: %{x:.1%}<extra>" + name + "</extra>",
                    marker={"symbol": symbol, "size": 11, "color": colour, "line": {"width": 2, "color": colour}},
                )
            )
    figure.update_xaxes(tickformat=".0%", rangemode="tozero", showgrid=True, gridcolor=style.GRID)
    figure.update_yaxes(showgrid=False, autorange="reversed", type="category")
    figure.update_layout(legend={"entrywidth": 0})
    style.add_unit(figure, "Error, share of demand")
    return figure


def value_added(steps: pd.DataFrame) -> go.Figure:
    """What is each step of forecasting worth? Error after each, and what it takes off the step before.

    Parameters
    ----------
    steps : step, wape, gain (points off the step before, NaN for the first).
    """
    if steps.empty:
        return style.nothing(TOO_SHORT)
    gains = ["" if not np.isfinite(g) else f" ({'−' if g >= 0 else '+'}{abs(100 * g):.1f})" for g in steps["gain"]]
    figure = style.base(110 + 40 * len(steps), legend=False)
    colours = [style.SHORT if g < 0 else style.STOCK for g in steps["gain"].fillna(0.0)]
    figure.add_trace(
        go.Bar(
            x=steps["wape"],
            y=[style.clean(s) for s in steps["step"]],
            orientation="h",
            text=[f"{100 * w:.1f} %{g}" for w, g in zip(steps["wape"], gains, strict=True)],
            textposition="outside",
            cliponaxis=False,
            marker={"color": [style.tint(c, 0.75) for c in colours], "line": {"color": colours, "width": 1}},
            hovertemplate="%{y}: %{x:.1%}<extra></extra>",
            name="Error",
        )
    )
    figure.update_xaxes(tickformat=".0%", range=[0, 1.8 * float(steps["wape"].max() or 1.0)], showgrid=False)
    figure.update_xaxes(showticklabels=False)
    figure.update_yaxes(showgrid=False, autorange="reversed")
    style.add_unit(figure, "Error, share of demand")
    return figure


def calibration_curve(calibration: pd.DataFrame) -> go.Figure:
    """Do the quantiles hold? Promised share of cases against the share that came true, and what chance allows.

    Parameters
    ----------
    calibration : demand_class ("all" among them), nominal, realised (fractions), points.
    """
    rows = calibration[calibration["realised"].notna() & (calibration["points"] > 0)].sort_values("nominal")
    whole = rows[rows["demand_class"] == "all"]
    if whole.empty:
        return style.nothing(TOO_SHORT)
    figure = style.base(360)
    x, band = whole["nominal"].to_numpy(float), chance(whole["nominal"], whole["points"])
    edge = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip"}
    figure.add_trace(go.Scatter(x=x, y=np.maximum(x - band, 0), showlegend=False, **edge))
    figure.add_trace(
        go.Scatter(
            x=x,
            y=np.minimum(x + band, 1),
            name="Chance",
            fill="tonexty",
            fillcolor=style.tint(style.QUIET, 0.3),
            **edge,
        )
    )
    ends = [float(x.min()), float(x.max())]
    figure.add_trace(
        go.Scatter(
            x=ends,
            y=ends,
            mode="lines",
            name="As promised",
            hoverinfo="skip",
            line={"color": style.QUIET, "width": 1.5, "dash": "dot"},
        )
    )
    for n, (name, part) in enumerate(rows[rows["demand_class"] != "all"].groupby("demand_class")):
        figure.add_trace(_hits(part, style.clean(name).capitalize(), _SYMBOLS[n % len(_SYMBOLS)], whole=False))
    figure.add_trace(_hits(whole, "All lines", "circle", whole=True))
    figure.update_xaxes(tickformat=".0%", showgrid=True, gridcolor=style.GRID)
    figure.update_yaxes(tickformat=".0%")
    style.add_unit(figure, "Held, share of cases, by what was promised")
    return figure


def _hits(rows: pd.DataFrame, name: str, symbol: str, *, whole: bool) -> go.Scatter:
    colour = style.STOCK if whole else style.PLUM
    return go.Scatter(
        x=rows["nominal"],
        y=rows["realised"],
        mode="lines+markers" if whole else "markers",
        name=name,
        line={"color": colour, "width": 2.5} if whole else None,
        marker={"symbol": symbol, "size": 9 if whole else 8, "color": colour},
        customdata=rows["points"],
        hovertemplate="promised %{x:.0%}, came true %{y:.1%} of %{customdata:,.0f}<extra>" + name + "</extra>",
    )


def _group(name: object, lines: int, word: str) -> str:
    text = word if name == "none" and word else style.clean(name)
    return f"{text[:1].upper()}{text[1:]} ({lines:,})"
