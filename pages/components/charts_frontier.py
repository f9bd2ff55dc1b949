"""What stock buys in service: the policy, today's stock, and the most that the same money could do."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from pages.components import charts_style as style
from pages.components.formats import percent
from planning.frontier import Frontier
from planning.params import Params

LABELLED = (0.8, 0.9, 0.95, 0.98, 0.99)
SPARE = 0.06
FARTHEST = 1.5
"""Today's stock farther right than this much of the policy's curve is drawn at the edge of the view."""
UNIT: Mapping[str, str] = MappingProxyType(
    {"units": "Demand served from stock (fill rate)", "margin": "Margin served from stock (share)"}
)


def service_frontier(told: Frontier, params: Params, *, height: int = 420) -> go.Figure:
    """How far is the policy from the best that its money could buy? Service against stock: frontier, policy, today."""
    if not told.lines:
        return style.nothing("No line here serves customers: there is no service to compare")
    unit = style.money_title("stock value at cost", params.currency) if told.in_money else "stock, units"
    figure = style.base(height, unit=UNIT[told.value])
    low, high = _range(told)
    curve = told.curve[told.curve["stock"] <= high]
    figure.add_trace(_line(curve, "Frontier", {"color": style.STOCK, "width": 3}, told.value, "the most for"))
    # Under least cost no target decides: the policy is one point, and no line.
    if params.service_measure != "cost":
        line = {"color": style.ORDER, "width": 2, "dash": "dash"}
        figure.add_trace(_line(told.policy, "One target for all", line, told.value, ""))
    _links(figure, told)
    _mark(figure, told.today, "Today's stock", "square", style.QUIET, told)
    _mark(figure, told.proposed, "Policy in force", "diamond", style.WARN, told)
    figure.update_yaxes(tickformat=".0%", nticks=7, range=_heights(told, high))
    figure.update_xaxes(
        showgrid=True,
        gridcolor=style.GRID,
        tickformat="~s",
        nticks=6,
        title={"text": unit.capitalize()},
        range=[low, high],
    )
    return figure


def _measure(told: Frontier) -> str:
    return "fill_rate" if told.value == "units" else "kept"


def _line(frame: pd.DataFrame, name: str, line: dict[str, object], value: str, words: str) -> go.Scatter:
    column = "fill_rate" if value == "units" else "kept"
    targets = frame["service_target"] if "service_target" in frame else pd.Series(np.nan, index=frame.index)
    shown = [f"{t:.0%}" if round(float(t), 4) in LABELLED else "" for t in targets.fillna(0)]
    lead = "target %{customdata[1]:.1%}: " if "service_target" in frame else ""
    return go.Scatter(
        x=frame["stock"],
        y=frame[column],
        mode="lines+markers+text" if "service_target" in frame else "lines",
        name=name,
        line=line,
        marker={"size": 6},
        text=shown if "service_target" in frame else None,
        textposition="bottom right",
        textfont={"size": 11},
        customdata=np.stack([frame["lost_units_per_year"], targets], axis=-1),
        hovertemplate=f"{name}, {lead}{words} %{{x:,.0f}} serves %{{y:.1%}}, %{{customdata[0]:,.0f}} units a year lost"
        "<extra></extra>",
    )


def _range(told: Frontier) -> tuple[float, float]:
    """The stock in view: the policy's curve, today's stock where it is not far off."""
    seen = [*told.policy["stock"], told.proposed["stock"]]
    right = max(seen)
    right = max(right, min(float(told.today["stock"]), FARTHEST * right))
    left = min(*seen, float(told.today["stock"]))
    spare = SPARE * ((right - left) or 1.0)
    return max(0.0, left - spare), right + 1.6 * spare


def _heights(told: Frontier, high: float) -> tuple[float, float]:
    column = _measure(told)
    seen = [*told.policy[column], told.proposed[column], told.today[column]]
    seen += list(told.curve.loc[told.curve["stock"] <= high, column])
    top = min(1.0, max(seen))
    bottom = min(min(seen), top - 0.02)
    return bottom - 0.08 * (top - bottom), top + 0.06 * (top - bottom)


def _links(figure: go.Figure, told: Frontier) -> None:
    """Dotted lines from the policy up to the best at its stock, and left to the least stock for its service."""
    here, column = told.proposed, _measure(told)
    ends = [(here["stock"], told.best[column])]
    if np.isfinite(told.least_stock):
        ends.append((told.least_stock, here[column]))
    for x, y in ends:
        figure.add_shape(
            type="line", x0=here["stock"], y0=here[column], x1=x, y1=y, line={"color": style.QUIET, "dash": "dot"}
        )


def _mark(figure: go.Figure, at: pd.Series, name: str, symbol: str, colour: str, told: Frontier) -> None:
    y = at[_measure(told)]
    figure.add_trace(
        go.Scatter(
            x=[at["stock"]],
            y=[y],
            mode="markers",
            name=name,
            marker={
                "symbol": symbol,
                "size": 14,
                "color": colour,
                "line": {"width": 2, "color": "rgba(255,255,255,0.8)"},
            },
            hovertemplate=f"{name}: %{{x:,.0f}} serves {percent(y)}<extra></extra>",
        )
    )
