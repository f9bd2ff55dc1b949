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


def sharing_before_after(before_after: pd.DataFrame, measure: str, currency: str = "") -> go.Figure:
    """What do the transfers change at each location? Fill rate by demand, or value at risk, before and after.

    Parameters
    ----------
    measure : "fill_rate" or "at_risk".
    """
    names = [f"{measure}_before", f"{measure}_after"]
    asked = (before_after["requested"] > 0) | (before_after["transferred"] > 0)
    frame = before_after[asked].dropna(subset=names)
    if frame.empty:
        return style.nothing("No location asks for stock today")
    rate = measure == "fill_rate"
    weight = frame["demand_mean_per_day"] if rate else pd.Series(1.0, index=frame.index)
    sums = frame[names].mul(weight, axis=0).assign(weight=weight).groupby(frame["location_id"]).sum()
    told = sums[names].div(sums["weight"].where(sums["weight"] > 0), axis=0).dropna() if rate else sums[names]
    told = told.sort_values(names[0], ascending=rate)[:SHOWN_LOCATIONS]
    places = [style.clean(place, 16) for place in told.index]
    figure = style.base(110 + 34 * len(told))
    unit = ":.1%" if rate else ":,.0f"
    for name, when, symbol, colour in (
        (names[0], "Before", "diamond-open", style.QUIET),
        (names[1], "After", "circle", style.STOCK),
    ):
        figure.add_trace(
            go.Scatter(
                x=told[name],
                y=list(range(len(told))),
                customdata=places,
                mode="markers",
                name=f"{when} transfers",
                marker={"symbol": symbol, "size": 11, "color": colour, "line": {"width": 2, "color": colour}},
                hovertemplate=f"%{{customdata}}, {when.lower()}: %{{x{unit}}}<extra></extra>",
            )
        )
    for n, (before, after) in enumerate(told.to_numpy(float)):
        line = {"color": style.tint(style.STOCK, 0.45), "width": 3}
        figure.add_shape(type="line", x0=before, x1=after, y0=n, y1=n, line=line, layer="below")
    figure.update_yaxes(tickvals=list(range(len(told))), ticktext=places, autorange="reversed", showgrid=False)
    figure.update_xaxes(showgrid=True, gridcolor=style.GRID, nticks=6, tickformat=".0%" if rate else "~s")
    if not rate:
        figure.update_xaxes(rangemode="tozero")
    words = "Share of demand expected to be served"
    style.add_unit(figure, words if rate else style.money_title("Expected lost margin of all units at risk", currency))
    return figure


def sharing_rules(compared: pd.DataFrame, currency: str = "") -> go.Figure:
    """What does each rule of sharing gain with the same stock? The best is full, the fair ones are hatched.

    Parameters
    ----------
    compared : method, label, value_money, expected_lost_units, as `pages.components.sharing.compared` returns them.
    """
    in_money = compared["value_money"].notna().any()
    column = "value_money" if in_money else "expected_lost_units"
    rows = compared.dropna(subset=[column])
    if rows.empty:
        return style.nothing("Nothing is shared today")
    figure = style.base(80 + 38 * len(rows), legend=False)
    best = rows["method"] == "optimal"
    figure.add_trace(
        go.Bar(
            orientation="h",
            y=[style.clean(label, 22) for label in rows["label"]],
            x=rows[column],
            marker={
                "color": [style.STOCK if one else style.tint(style.QUIET, 0.5) for one in best],
                "pattern": {"shape": ["" if one else "/" for one in best]},
            },
            text=[style.money(v, currency) if in_money else style.amount(v) for v in rows[column]],
            textposition="auto",
            cliponaxis=False,
            hovertemplate="%{y}: %{x:,.0f}<extra></extra>",
        )
    )
    figure.update_yaxes(autorange="reversed", showgrid=False, type="category")
    figure.update_xaxes(showgrid=True, gridcolor=style.GRID, nticks=5, tickformat="~s", rangemode="tozero")
    told = style.money_title("Margin gained by the units sent", currency) if in_money else "Units expected to be lost"
    style.add_unit(figure, told)
    return figure


def transfers_flow(allocation: pd.DataFrame) -> go.Figure:
    """What goes where? Units sent from each source to each destination, the largest lanes first."""
    if allocation.empty:
        return style.nothing("Nothing is left to move today")
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
