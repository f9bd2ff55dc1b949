"""Demand: what was, what is expected, and how sure that is."""

import pandas as pd
import plotly.graph_objects as go

from pages.components import charts_style as style

PAST_DAYS = 420
MATTERS = 0.005
"""A correction below this share of mean sales is not drawn."""
FAN_LINES = ("q50", "q80", "q90", "q95")
FAN = (
    ("q90", "q95", "95 % stay below", 0.14),
    ("q80", "q90", "90 % stay below", 0.24),
    ("q50", "q80", "80 % stay below", 0.36),
)


def forecast_fan(history: pd.DataFrame, forecast: pd.DataFrame, *, height: int = 420) -> go.Figure:
    """How much will be sold, and how sure is it? Units a bucket: the past, the mean, and the quantiles.

    A forecast of several item-locations is summed; its quantiles do not add up, so then only the mean is drawn, as
    where quantiles are unknown. A mean before corrections is drawn where it differs.

    Parameters
    ----------
    history : starts_on, sales, demand, known (False: it says nothing of demand), outlier, event, and, where told,
        closed (the location sold nothing at all; else the shelf was empty).
    forecast : starts_on, mean, q50, q80, q90, q95, of one item-location or more, or of a sum; statistical_mean where
        corrections may have moved the mean.
    """
    if forecast.empty:
        return style.nothing("No forecast for this selection")
    one = bool(not forecast["starts_on"].duplicated().any() and forecast["q95"].notna().all())
    statistical = [c for c in ("statistical_mean",) if c in forecast]
    ahead = forecast.groupby("starts_on", as_index=False)[["mean", *FAN_LINES, *statistical]].sum(min_count=1)
    past = _past(history, ahead["starts_on"].min())
    figure = style.base(height, unit=f"Units {_each(ahead['starts_on'])}")
    figure.update_layout(hovermode="x unified")
    if one:
        _add_fan(figure, ahead)
    if not past.empty:
        _add_history(figure, past)
    _add_means(figure, ahead)
    first = ahead["starts_on"].min() if past.empty else past["starts_on"].min()
    style.time_axis(figure, first, ahead["starts_on"].max())
    style.mark_as_of(figure, pd.Timestamp(ahead["starts_on"].min()).date(), side="right")
    most = float(ahead["q95"].max() if one else ahead["mean"].max())
    shown = [most, *past["sales"], *past["demand"].dropna()]
    lowest = min([ahead["mean"].min(), *past["sales"]])
    # A sum of many lines hardly moves against zero: then its swings are what can be read.
    floor = 0.0 if lowest < max(shown) / 2 else 0.8 * lowest
    style.headroom(figure, floor, float(max(shown)), share=0.14)
    return figure


def _past(history: pd.DataFrame, until: pd.Timestamp) -> pd.DataFrame:
    """History of the last months, summed over item-locations; empty where half of them or more were empty shelves."""
    if history is None or history.empty:
        return pd.DataFrame(columns=["starts_on", "sales", "demand", "known", "outlier", "event", "closed"])
    history = history if "closed" in history else history.assign(closed=False)
    recent = history[history["starts_on"] >= pd.Timestamp(until) - pd.Timedelta(days=PAST_DAYS)]
    summed = recent.groupby("starts_on", as_index=False).agg(
        sales=("sales", "sum"),
        demand=("demand", "sum"),
        known=("known", "mean"),
        outlier=("outlier", "mean"),
        event=("event", "mean"),
        closed=("closed", "mean"),
    )
    flags = {name: summed[name] >= 0.5 for name in ("outlier", "event", "closed")}
    return summed.assign(known=summed["known"] > 0.5, **flags)


def _each(starts: pd.Series) -> str:
    step = starts.sort_values().diff().dt.days.median()
    return {1: "a day", 7: "a week"}.get(int(step) if step == step else 7, "a bucket")


def _add_fan(figure: go.Figure, ahead: pd.DataFrame) -> None:
    for low, high, name, alpha in FAN:
        figure.add_trace(
            go.Scatter(
                x=ahead["starts_on"], y=ahead[low], mode="lines", line={"width": 0}, showlegend=False, hoverinfo="skip"
            )
        )
        figure.add_trace(
            go.Scatter(
                x=ahead["starts_on"],
                y=ahead[high],
                mode="lines",
                name=name,
                fill="tonexty",
                line={"width": 0},
                fillcolor=style.tint(style.STOCK, alpha),
                hovertemplate="%{y:,.1f}",
            )
        )


def _add_means(figure: go.Figure, ahead: pd.DataFrame) -> None:
    """The expected demand, and beside it what it would be without corrections."""
    if "statistical_mean" in ahead:
        moved = (ahead["mean"] - ahead["statistical_mean"]).abs() > MATTERS * ahead["mean"].abs().mean()
        if moved.any():
            figure.add_trace(
                go.Scatter(
                    x=ahead["starts_on"],
                    y=ahead["statistical_mean"],
                    mode="lines",
                    name="Uncorrected",
                    line={"color": style.PLUM, "width": 2, "dash": "dash"},
                    hovertemplate="%{y:,.1f}",
                )
            )
    figure.add_trace(
        go.Scatter(
            x=ahead["starts_on"],
            y=ahead["mean"],
            mode="lines",
            name="Expected demand",
            line={"color": style.STOCK, "width": 2.5},
            hovertemplate="%{y:,.1f}",
        )
    )


def _add_history(figure: go.Figure, past: pd.DataFrame) -> None:
    figure.add_trace(
        go.Scatter(
            x=past["starts_on"],
            y=past["sales"],
            mode="lines",
            name="Sold",
            connectgaps=False,
            line={"color": style.QUIET, "width": 1.5},
            hovertemplate="%{y:,.0f}",
        )
    )
    corrected = (past["demand"] - past["sales"]).abs() > MATTERS * past["sales"].abs().mean()
    if corrected.mean() > 0.25:
        figure.add_trace(
            go.Scatter(
                x=past["starts_on"],
                y=past["demand"],
                mode="lines",
                name="Corrected",
                hovertemplate="%{y:,.0f}",
                line={"color": style.PLUM, "width": 1.5, "dash": "dot"},
            )
        )
    elif corrected.any():
        figure.add_trace(
            go.Scatter(
                x=past["starts_on"],
                y=past["demand"].where(corrected),
                mode="markers",
                name="Corrected",
                marker={"symbol": "line-ew-open", "size": 9, "color": style.PLUM, "line": {"width": 2}},
                hovertemplate="%{y:,.1f}",
            )
        )
    _shade_unknown(figure, past)
    for flag, name, symbol, colour in (
        ("outlier", "Outlier", "x", style.SHORT),
        ("event", "Event", "triangle-up", style.PLUM),
    ):
        part = past[past[flag]]
        if not part.empty:
            figure.add_trace(
                go.Scatter(
                    x=part["starts_on"],
                    y=part["sales"],
                    mode="markers",
                    name=name,
                    hoverinfo="skip",
                    marker={"symbol": symbol, "size": 9, "color": colour},
                )
            )


def _shade_unknown(figure: go.Figure, past: pd.DataFrame) -> None:
    """Shade each run of buckets whose sales say nothing about demand, and tell why in the legend."""
    starts = past["starts_on"]
    step = starts.diff().median() if len(starts) > 1 else pd.Timedelta(days=7)
    for part, name, colour in (
        (~past["known"] & ~past["closed"], "Shelf empty", style.WARN),
        (~past["known"] & past["closed"], "Closed", style.QUIET),
    ):
        for _, run in past[part].groupby((part != part.shift()).cumsum()[part]):
            figure.add_shape(
                type="rect",
                xref="x",
                yref="paper",
                x0=style.iso(run["starts_on"].min() - step / 2),
                x1=style.iso(run["starts_on"].max() + step / 2),
                y0=0,
                y1=1,
                layer="below",
                line={"width": 0},
                fillcolor=style.tint(colour, 0.18),
            )
        if part.any():
            figure.add_trace(
                go.Scatter(
                    x=[None],
                    y=[None],
                    mode="markers",
                    name=name,
                    marker={"symbol": "square", "size": 12, "color": style.tint(colour, 0.35)},
                )
            )
