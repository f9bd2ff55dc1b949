"""Allocation: what transfers change, and where they go."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from pages.components import charts_style as style

SHOWN_LOCATIONS = 15
SHOWN_LANES = 15
LONGEST_COVER = 120.0


def allocation_before_after(before_after: pd.DataFrame, *, height: int | None = None) -> go.Figure:
    """Do the transfers even out the cover? Days of supply by location before and after, of the lines that asked.

    A point is the middle item, its line spans 8 items in 10. Locations with the least cover come first; the axis ends
    where the locations that receive do.
    """
    asked = (before_after["requested"] > 0) | (before_after["transferred"] > 0)
    frame = before_after[(before_after["demand_mean_per_day"] > 0) & asked]
    if frame.empty:
        return style.nothing("No location asks for stock today")
    spread = pd.concat([_spread(frame, "days_before"), _spread(frame, "days_after")], axis=1, keys=["before", "after"])
    moved = frame.groupby("location_id")["transferred"].sum()
    shown = spread[("before", "middle")].sort_values().index[:SHOWN_LOCATIONS]
    figure = style.base(height or 130 + 46 * len(shown))
    looks = (("before", "diamond-open", style.QUIET, -0.14), ("after", "circle", style.STOCK, 0.14))
    for when, symbol, colour, offset in looks:
        part = spread.loc[shown, when]
        at = np.arange(len(shown)) + offset
        figure.add_trace(
            go.Scatter(
                x=part["middle"],
                y=at,
                mode="markers",
                name=f"{when.capitalize()} transfers",
                marker={"symbol": symbol, "size": 11, "color": colour, "line": {"width": 2, "color": colour}},
                error_x={
                    "type": "data",
                    "symmetric": False,
                    "array": part["high"] - part["middle"],
                    "arrayminus": part["middle"] - part["low"],
                    "color": colour,
                    "thickness": 3,
                    "width": 0,
                },
                customdata=np.stack(
                    [[style.clean(i) for i in shown], part["low"], part["high"], moved[shown]], axis=-1
                ),
                hovertemplate="%{customdata[0]}: %{x:.0f} days, 8 in 10 items %{customdata[1]:.0f} to "
                "%{customdata[2]:.0f}, %{customdata[3]:+,.0f} units<extra></extra>",
            )
        )
    figure.update_yaxes(
        tickvals=list(range(len(shown))),
        ticktext=[style.clean(i, 16) for i in shown],
        autorange="reversed",
        showgrid=False,
    )
    receiving = spread.loc[moved[moved >= 0].index]
    ends = receiving[[("before", "high"), ("after", "high")]]
    furthest = float(ends.max().max()) if len(receiving) else LONGEST_COVER
    figure.update_xaxes(
        range=[0, 1.15 * max(furthest, 7.0)], showgrid=True, gridcolor=style.GRID, nticks=6, ticksuffix=" d"
    )
    style.add_unit(figure, "Days of supply: middle item, and 8 in 10 items")
    return figure


def transfers_flow(allocation: pd.DataFrame) -> go.Figure:
    """What goes where? Units sent from each source to each destination, the largest lanes first."""
    if allocation.empty:
        return style.nothing("No transfers today")
    lanes = (
        allocation.groupby(["source_id", "destination_id"], as_index=False)
        .agg(units=("quantity", "sum"), items=("item_id", "nunique"))
        .sort_values("units", ascending=False)
    )
    rest = lanes.iloc[SHOWN_LANES:]
    lanes = lanes.iloc[:SHOWN_LANES]
    ends = zip(lanes["source_id"], lanes["destination_id"], strict=True)
    words = [f"{style.clean(source, 12)} → {style.clean(destination, 14)}" for source, destination in ends]
    units, items = lanes["units"].tolist(), lanes["items"].tolist()
    if len(rest):
        words.append(f"{len(rest)} more lanes")
        units.append(rest["units"].sum())
        items.append(int(rest["items"].max()))
    figure = style.base(90 + 32 * len(words), legend=False)
    figure.add_trace(
        go.Bar(
            orientation="h",
            y=words,
            x=units,
            marker={"color": style.ORDER},
            cliponaxis=False,
            text=[
                f"{style.amount(u)} ({n:,} {'item' if n == 1 else 'items'})" for u, n in zip(units, items, strict=True)
            ],
            textposition="auto",
            insidetextanchor="start",
            hovertemplate="%{y}: %{x:,.0f} units<extra></extra>",
        )
    )
    figure.update_yaxes(autorange="reversed", showgrid=False, type="category")
    figure.update_xaxes(showgrid=True, gridcolor=style.GRID, nticks=5, tickformat="~s", rangemode="tozero")
    style.add_unit(figure, "Units sent today")
    return figure


def _spread(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    """Low (10 %), middle and high (90 %) days of supply by location, cut at the longest cover drawn."""
    days = frame.assign(cover=frame[column].clip(0, LONGEST_COVER)).groupby("location_id")["cover"]
    return pd.DataFrame({"low": days.quantile(0.1), "middle": days.median(), "high": days.quantile(0.9)})
