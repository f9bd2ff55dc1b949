"""The look that all charts share: colours, axes, text, the as-of line. No Streamlit.

Each colour keeps a contrast of at least 3:1 on a white and on a near-black page (they lie between
the light and the dark tones of the theme), and differs from the others under the common colour vision deficiencies;
meaning is also carried by dash, symbol, pattern or label. Text colours are left to the page's theme.
"""

import math
from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from pages.components import formats
from pages.components.formats import known, short_day

STOCK = "#1B8A94"
ORDER = "#3F7FCB"
SHORT = "#D5493C"
WARN = "#BD780A"
PLUM = "#A8568A"
QUIET = "#7D8B92"
GRID = "rgba(128,136,151,0.18)"
RISK_COLOURS: Mapping[str, str] = MappingProxyType({"red": SHORT, "amber": WARN, "green": STOCK})

CONFIG: Mapping[str, Any] = MappingProxyType(
    {
        "showSendToCloud": False,
        "displaylogo": False,
        "scrollZoom": False,
        "modeBarButtonsToRemove": ("select2d", "lasso2d", "zoomIn2d", "zoomOut2d", "autoScale2d", "pan2d", "zoom2d"),
    }
)
"""How every chart is shown: nothing leaves the browser, only download and reset stay in the bar."""

DEMAND_CLASSES = ("smooth", "intermittent", "erratic", "lumpy")
LONGEST_LABEL = 28
DAY_MS = 24 * 3600 * 1000


def tint(colour: str, alpha: float) -> str:
    """The colour as an rgba text with the given opacity."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha:g})"


PLANNED_BARS = MappingProxyType(
    {
        "color": tint(ORDER, 0.12),
        "line": {"color": ORDER, "width": 1},
        "pattern": {"shape": "/", "fgcolor": ORDER, "size": 5, "solidity": 0.25},
    }
)
"""Orders to expect later: hatched, as they are not placed."""


def clean(text: object, longest: int = LONGEST_LABEL) -> str:
    """User text fit for a label: without the signs that Plotly reads as markup, and not too long."""
    if text is None or (isinstance(text, float) and math.isnan(text)):
        return "unknown"
    plain = " ".join(str(text).replace("<", "").replace(">", "").replace("%{", "{").split())
    return plain if len(plain) <= longest else plain[: longest - 1] + "…"


def amount(value: float) -> str:
    """A quantity in few signs: 0.4, 12, 1,234, 12.3k, 4.5M; a dash where unknown."""
    if not known(value):
        return "–"
    size = abs(value)
    if size >= 999_500:
        return f"{value / 1e6:,.1f}M"
    if size >= 9_999.5:
        return f"{value / 1e3:,.1f}k" if size < 99_950 else f"{value / 1e3:,.0f}k"
    return f"{value:,.1f}" if 0 < size < 10 and value != round(value) else f"{value:,.0f}"


def money(value: float, currency: str = "") -> str:
    """Money as on the pages, with the currency fit for a label."""
    return formats.money(value, clean(currency, 8) if currency else "")


def money_title(words: str, currency: str = "") -> str:
    """An axis title for money; says the currency where one is set."""
    return f"{words}, {clean(currency, 8)}" if currency else words


def base(height: int, *, unit: str = "", legend: bool = True, more: Mapping[str, Any] | None = None) -> go.Figure:
    """An empty figure with the house look; `unit` stands above the vertical axis, `more` is laid over the look."""
    look = {
        "height": height,
        "margin": {"l": 4, "r": 8, "t": 28, "b": 4},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "showlegend": legend,
        "legend": {
            "orientation": "h",
            "x": 0,
            "xanchor": "left",
            "yref": "container",
            "y": 0,
            "yanchor": "bottom",
            "font": {"size": 11},
            "entrywidth": 100,
            "traceorder": "normal",
        },
        "hoverlabel": {"align": "left", "namelength": -1},
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": QUIET, "activecolor": STOCK},
        "dragmode": False,
        "bargap": 0.25,
        "xaxis": {"showgrid": False, "zeroline": False, "automargin": True, "title": {}},
        "yaxis": {"gridcolor": GRID, "zeroline": False, "automargin": True, "title": {}},
    }
    # All at once: an update of an empty figure walks through its whole template.
    figure = go.Figure(layout={**look, **(more or {})})
    if unit:
        add_unit(figure, unit)
    return figure


def add_unit(figure: go.Figure, unit: str, *, yref: str = "paper", y: float = 1.0) -> None:
    """Write what the vertical axis measures above it, where it costs no width on a telephone."""
    figure.add_annotation(
        text=unit,
        xref="paper",
        x=0,
        xanchor="left",
        yref=yref,
        y=y,
        yanchor="bottom",
        yshift=8,
        showarrow=False,
        font={"size": 12},
    )


def time_axis(figure: go.Figure, first: object, last: object, *, as_of: date | None = None) -> None:
    """Dates below, day and month, the year once; over a quarter or so the ticks stand on the plan's weekday."""
    figure.update_xaxes(time_look(first, last, as_of=as_of))


def time_look(first: object, last: object, *, as_of: date | None = None) -> dict[str, Any]:
    """The look of such an axis."""
    on_the_day = {} if as_of is None else {"tickmode": "linear", "tick0": iso(as_of), "dtick": 14 * DAY_MS}
    return {
        "type": "date",
        "range": [iso(first), iso(last)],
        "tickformat": "%-d %b\n%Y",
        "hoverformat": "%a %-d %b %Y",
        "nticks": 7,
        "ticks": "outside",
        "ticklen": 4,
        "tickcolor": GRID,
        **on_the_day,
    }


def headroom(figure: go.Figure, low: float, high: float, *, share: float = 0.2) -> None:
    """Leave room above the data, so that labels at the top cover none of it."""
    figure.update_yaxes(range=roomy(low, high, share=share))


def roomy(low: float, high: float, *, share: float = 0.2) -> list[float]:
    """The range of such an axis."""
    span = (high - low) or 1.0
    return [low - (0.12 * span if low < 0 else 0.02 * span), high + share * span]


def mark_day(
    figure: go.Figure,
    when: object,
    words: str,
    *,
    colour: str = QUIET,
    dash: str = "dot",
    level: int = 0,
    side: str = "left",
) -> None:
    """Draw a labelled vertical line at a date; `level` moves the label down so that labels never collide."""
    figure.add_shape(
        type="line",
        xref="x",
        x0=iso(when),
        x1=iso(when),
        yref="paper",
        y0=0,
        y1=1,
        line={"color": colour, "width": 1.5, "dash": dash},
    )
    figure.add_annotation(
        text=words,
        xref="x",
        x=iso(when),
        xanchor=side,
        xshift=4 if side == "left" else -4,
        yref="paper",
        y=1,
        yanchor="top",
        yshift=-18 * level,
        showarrow=False,
        font={"size": 12, "color": colour},
    )


def mark_as_of(figure: go.Figure, as_of: date, *, side: str = "left", level: int = 0) -> None:
    """Draw the morning for which the plan is made."""
    mark_day(figure, as_of, f"as of {short_day(as_of)}", colour=QUIET, dash="solid", side=side, level=level)


def iso(value: object) -> str:
    """A date as Plotly takes it, without the pitfalls of time zones."""
    return pd.Timestamp(value).strftime("%Y-%m-%d")


def nothing(words: str, height: int = 220) -> go.Figure:
    """A figure that says why there is nothing to draw."""
    figure = base(height, legend=False)
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    figure.add_annotation(text=words, xref="paper", yref="paper", x=0.5, y=0.5, showarrow=False, font={"size": 14})
    return figure
