"""The trend of a key figure. No Streamlit."""

import plotly.graph_objects as go

from pages.components import charts_style as style
from planning.kpi import Kpi


def trend(kpi: Kpi, currency: str = "", *, height: int = 190) -> go.Figure:
    """How a figure came to what it is, by month or week, in its unit."""
    if len(kpi.trend) < 2:  # noqa: PLR2004
        return style.nothing("No trend is known")
    unit = style.money_title(kpi.name, currency) if kpi.unit == "money" else f"{kpi.name}, {kpi.unit}"
    figure = style.base(height, unit=unit, legend=False)
    share = kpi.unit == "share"
    figure.add_trace(
        go.Scatter(
            x=kpi.trend["date"],
            y=kpi.trend["value"],
            mode="lines+markers",
            line={"color": style.STOCK, "width": 2.2},
            marker={"size": 5},
            name=kpi.name,
            hovertemplate=f"%{{x|%-d %b %Y}}: %{{y:{'.1%' if share else ',.4~g'}}}<extra></extra>",
        )
    )
    figure.update_yaxes(tickformat=".0%" if share else "~s", nticks=4)
    figure.update_xaxes(nticks=6)
    return figure
