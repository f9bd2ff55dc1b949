"""What the data leaves open, by money, and how long orders really took. No Streamlit."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from pages.components import charts_style as style
from pages.components.formats import count

_BARS = 10
_MOST_BINS = 40


def issues_by_value(issues: pd.DataFrame, currency: str = "", *, height: int | None = None) -> go.Figure:
    """The value that each issue of the data touches, the largest first; issues without a known value are counted.

    Parameters
    ----------
    issues : one row an issue: title (text), value (money, missing where unknown), count (rows).
    """
    known = issues[issues["value"].fillna(0) > 0].sort_values("value", ascending=False)
    if known.empty:
        return style.nothing("No issue touches a value that is known")
    top = known.head(_BARS).iloc[::-1]
    figure = style.base(height or 64 + 44 * len(top), legend=False)
    values = top["value"].to_numpy(dtype=float)
    figure.add_trace(
        go.Bar(
            x=values,
            y=list(range(len(top))),
            orientation="h",
            name="Value affected",
            marker={"color": style.WARN},
            text=[style.money(value, currency) for value in values],
            textposition="outside",
            cliponaxis=False,
            customdata=[count(int(n), "row") for n in top["count"]],
            hovertemplate="%{text}, %{customdata}<extra></extra>",
            width=0.45,
        )
    )
    # The label stands above its bar: beside it, it would take half a telephone.
    for n, title in enumerate(top["title"]):
        figure.add_annotation(
            text=style.clean(title, 60), x=0, y=n, xanchor="left", yshift=19, showarrow=False, font={"size": 12}
        )
    figure.update_xaxes(visible=False, range=[0, 1.3 * values.max()])
    figure.update_yaxes(visible=False, range=[-0.6, len(top) - 0.1])
    left = len(issues) - len(known)
    unknown = f" ({count(left, 'issue')} without a known value left out)" if left else ""
    style.add_unit(figure, style.money_title("Value affected", currency) + unknown)
    return figure


def lead_time_distribution(
    days: Sequence[float],
    share: Sequence[float],
    *,
    mean: float | None = None,
    promised: float | None = None,
    overdue: Sequence[float] = (),
    height: int = 320,
) -> go.Figure:
    """How long orders took, as the share of order lines by days, and the share that had arrived by then.

    Parameters
    ----------
    days, share : the empirical distribution: days from order to receipt, and the probability of each.
    mean, promised : marked, in days.
    overdue : days that open orders have already waited, beyond their promise: they were not received yet.
    """
    took, weight = np.asarray(days, dtype=float), np.asarray(share, dtype=float)
    if not took.size:
        return style.nothing("No receipts to learn lead times from")
    order = np.argsort(took, kind="stable")
    took, weight = took[order], weight[order]
    figure = style.base(height, unit="Share of order lines")
    centres, heights, width = _bars(took, weight)
    figure.add_trace(
        go.Bar(
            x=centres,
            y=heights,
            width=0.86 * width,
            name="Arrived after",
            marker={"color": style.ORDER},
            hovertemplate="%{x:,.0f} days: %{y:.0%}<extra></extra>",
        )
    )
    figure.add_trace(
        go.Scatter(
            x=[0.0, *took],
            y=[0.0, *np.cumsum(weight)],
            name="Arrived by then",
            mode="lines",
            line={"color": style.STOCK, "width": 2.5, "shape": "hv"},
            hovertemplate="%{y:.0%} within %{x:,.0f} days<extra></extra>",
        )
    )
    waiting = np.asarray(list(overdue), dtype=float)
    if waiting.size:
        figure.add_trace(
            go.Scatter(
                x=waiting,
                y=np.zeros(waiting.size),
                name="Still open",
                mode="markers",
                marker={"color": style.SHORT, "symbol": "x", "size": 9},
                cliponaxis=False,
                hovertemplate="open for %{x:,.0f} days<extra></extra>",
            )
        )
    early = mean is not None and promised is not None and promised < mean
    _mark(figure, mean, "mean", dash="solid", side="left" if early else "right")
    _mark(figure, promised, "promised", dash="dot", side="right" if early else "left")
    top = max(took.max(), waiting.max(initial=0), mean or 0, promised or 0)
    figure.update_xaxes(
        range=[0, 1.06 * top + width], title={"text": "Days from order to receipt", "font": {"size": 12}}, nticks=8
    )
    figure.update_yaxes(range=[0, 1.12], tickformat=".0%", nticks=5)
    return figure


def _bars(took: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Gather the distribution in bins of whole days, as few as can be read."""
    first, last = np.floor(took.min()), np.floor(took.max())
    width = max(1.0, np.ceil((last - first + 1) / _MOST_BINS))
    bins = ((took - first) // width).astype(int)
    heights = np.bincount(bins, weights=weight)
    return first + width * (np.arange(len(heights)) + (0.5 if width > 1 else 0.0)), heights, float(width)


def _mark(figure: go.Figure, at: float | None, words: str, *, dash: str, side: str) -> None:
    if at is None or not np.isfinite(at):
        return
    figure.add_shape(
        type="line", x0=at, x1=at, yref="paper", y0=0, y1=1, line={"color": style.QUIET, "width": 1.5, "dash": dash}
    )
    figure.add_annotation(
        text=f"{words} {style.amount(float(at))} days",
        x=at,
        xanchor=side,
        xshift=4 if side == "left" else -4,
        yref="paper",
        y=1,
        yanchor="top",
        showarrow=False,
        font={"size": 12, "color": style.QUIET},
    )
