"""What the next unit of money buys: purchases ranked by their return, and where the budget cuts."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from pages.components import charts_style as style
from pages.components.work import Ranked

MOST_STEPS = 400
"""Of more lines than that, neighbours are drawn as one step: nobody could tell them apart."""


def cut_line(ranked: Ranked, budget: float | None, currency: str = "") -> go.Figure:
    """What does the next of my money save? Each step is a line: as wide as its cost, as high as its return.

    Left of the cut line stands what the budget buys.
    """
    rows = _thinned(ranked.rows)
    if rows.empty:
        return style.nothing("No purchase with a known cost is wanted today", 140)
    unit = "saved for each 1 spent" if ranked.in_money else "Units saved for each 1 spent"
    figure = style.base(220, unit=f"{style.clean(currency, 8)} {unit}".strip(), legend=False)
    total = float(rows["spent"].iloc[-1])
    cut = total if budget is None else min(max(budget, 0.0), total)
    ends, rate = rows["spent"].to_numpy(), rows["rate"].to_numpy()
    for first, last, colour, name in ((0.0, cut, style.ORDER, "bought"), (cut, total, style.QUIET, "cut")):
        if last > first:
            _add_area(figure, ends, rate, (first, last), colour, name, currency)
    if budget is not None and budget < total:
        _mark(figure, cut, total, f"cut at {style.money(budget, currency)}")
    figure.update_xaxes(range=[0, total * 1.01], tickformat="~s", nticks=6, ticks="outside", ticklen=4)
    figure.update_xaxes(title={"text": style.money_title("Spent, best return first", currency), "font": {"size": 12}})
    figure.update_yaxes(rangemode="tozero", nticks=5)
    figure.update_layout(margin={"l": 4, "r": 8, "t": 28, "b": 40})
    return figure


def _add_area(
    figure: go.Figure,
    ends: np.ndarray,
    rate: np.ndarray,
    span: tuple[float, float],
    colour: str,
    name: str,
    currency: str,
) -> None:
    """Draw the steps between two sums spent."""
    inside = (ends > span[0]) & (np.concatenate([[0.0], ends[:-1]]) < span[1])
    at = np.clip(np.concatenate([[span[0]], ends[inside]]), *span)
    high = np.concatenate([rate[inside], rate[inside][-1:]])
    hatched = {"shape": "/", "fgcolor": colour, "size": 6, "solidity": 0.2} if name == "cut" else None
    figure.add_trace(
        go.Scatter(
            x=at,
            y=high,
            mode="lines",
            line={"shape": "hv", "color": colour, "width": 1.5, "dash": "dot" if hatched else "solid"},
            fill="tozeroy",
            fillcolor=style.tint(colour, 0.15),
            fillpattern=hatched,
            name=name,
            customdata=[style.money(x, currency) for x in at],
            hovertemplate=f"%{{customdata}} spent: %{{y:.2f}} saved for each 1 ({name})<extra></extra>",
        )
    )


def _mark(figure: go.Figure, cut: float, total: float, words: str) -> None:
    figure.add_vline(x=cut, line={"color": style.SHORT, "width": 2, "dash": "dash"})
    late = cut > 0.6 * total
    figure.add_annotation(
        x=cut,
        xanchor="right" if late else "left",
        xshift=-5 if late else 5,
        yref="paper",
        y=1,
        yanchor="top",
        text=words,
        showarrow=False,
        font={"size": 12, "color": style.SHORT},
    )


def _thinned(rows: pd.DataFrame) -> pd.DataFrame:
    """At most so many steps, each with the mean return of its lines."""
    if len(rows) <= MOST_STEPS:
        return rows
    lot = np.minimum((rows["spent"] / rows["spent"].iloc[-1] * MOST_STEPS).astype(int), MOST_STEPS - 1)
    sums = rows.groupby(lot.to_numpy()).agg(value=("value", "sum"), saved=("saved", "sum"), spent=("spent", "max"))
    return sums.assign(rate=sums["saved"] / sums["value"]).reset_index(drop=True)
