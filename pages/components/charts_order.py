"""Orders: how one came about, and when they fall due by supplier."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from pages.components import charts_style as style
from planning.result import PlanResult
from planning.tables import WATERFALL_STEPS

SUBTOTALS = ("need", "order")
STEP_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "expected demand to the end of coverage": "Expected demand",
        "safety stock": "Safety stock",
        "stores' safety stock": "Stores' safety stock",
        "usable on hand": "On hand",
        "committed and backorders": "Owed to customers",
        "receipts counted": "Already on order",
        "demand lost before arrival": "Lost before arrival",
        "need": "Need",
        "maximum": "Maximum",
        "moq": "Minimum order",
        "order multiple": "Packs, rounding",
        "supplier minimum": "Supplier minimum",
        "container": "Container",
        "budget": "Budget",
        "pinned": "Set by hand",
        "order": "Order",
    }
)
SHOWN_SUPPLIERS = 12


def steps_of(plan: PlanResult, item_id: str, location_id: str) -> pd.DataFrame:
    """The waterfall of one order in its order of steps, without the steps that change nothing: step, units."""
    frame = plan.waterfall
    own = frame[(frame["item_id"] == item_id) & (frame["location_id"] == location_id)]
    units = own.set_index("step")["units"].reindex(list(WATERFALL_STEPS)).fillna(0.0)
    kept = [s for s in WATERFALL_STEPS if s in SUBTOTALS or abs(units[s]) > 5e-7]
    return pd.DataFrame({"step": kept, "units": units[kept].to_numpy()}) if len(own) else own[["step", "units"]]


def waterfall(plan: PlanResult, item_id: str, location_id: str) -> go.Figure:
    """Why this number? Each step from expected demand to the order, in units; the bars add up to the order."""
    steps = steps_of(plan, item_id, location_id)
    if steps.empty:
        return style.nothing("No order calculation for this item at this location")
    total = steps["step"].isin(SUBTOTALS)
    words = [STEP_WORDS[s] for s in steps["step"]]
    figure = style.base(max(200, 34 * len(steps) + 44), legend=False)
    figure.add_trace(
        go.Waterfall(
            orientation="h",
            y=words,
            x=np.where(total, 0.0, steps["units"]),
            measure=np.where(total, "total", "relative").tolist(),
            text=[_label(u, whole=t) for u, t in zip(steps["units"], total, strict=True)],
            textposition="outside",
            cliponaxis=False,
            customdata=steps["step"].str.capitalize(),
            hovertemplate="%{customdata}: %{text} units<extra></extra>",
            increasing={"marker": {"color": style.QUIET}},
            decreasing={"marker": {"color": style.STOCK}},
            totals={"marker": {"color": style.ORDER}},
            connector={"line": {"color": style.QUIET, "width": 1, "dash": "dot"}},
        )
    )
    figure.update_yaxes(autorange="reversed", showgrid=False, ticklabelstandoff=6)
    figure.update_xaxes(showticklabels=False, zeroline=True, zerolinecolor=style.QUIET, range=_room(steps))
    style.add_unit(figure, "Units")
    return figure


def order_timeline(plan: PlanResult, *, weeks: int = 13) -> go.Figure:
    """When does money go out, and to whom? Orders by supplier and week; the area of a circle is its value.

    Where no cost is known the circles show units. Full circles are today's orders, hollow ones planned.
    """
    orders, unit = _orders_by_week(plan, weeks)
    if orders.empty:
        return style.nothing(f"No orders in the next {weeks} weeks")
    suppliers = orders.groupby("supplier")["value"].sum().sort_values(ascending=False).index.tolist()
    if len(suppliers) > SHOWN_SUPPLIERS:
        orders = _with_others(orders, suppliers[SHOWN_SUPPLIERS - 1 :])
        suppliers = [*suppliers[: SHOWN_SUPPLIERS - 1], "others"]
    figure = style.base(130 + 36 * len(suppliers))
    scale = 2 * orders["value"].max() / 30**2
    for planned, name, symbol in ((False, "Today's orders", "circle"), (True, "Planned orders", "circle-open")):
        part = orders[orders["planned"] == planned]
        if part.empty:
            continue
        figure.add_trace(
            go.Scatter(
                x=part["week"],
                y=part["supplier"],
                mode="markers",
                name=name,
                marker={
                    "symbol": symbol,
                    "size": part["value"],
                    "sizemode": "area",
                    "sizeref": scale,
                    "sizemin": 3,
                    "color": style.ORDER,
                    "line": {"width": 2, "color": style.ORDER},
                },
                customdata=np.stack([part["lines"], part["value"].map(style.amount)], axis=-1),
                hovertemplate=f"%{{y}}, week of %{{x|%-d %b}}: %{{customdata[1]}} {unit}, %{{customdata[0]}} lines"
                "<extra></extra>",
            )
        )
    first = pd.Timestamp(plan.as_of)
    style.time_axis(figure, first - pd.Timedelta(days=4), first + pd.Timedelta(days=weeks * 7), as_of=plan.as_of)
    figure.update_yaxes(categoryorder="array", categoryarray=suppliers[::-1], type="category")
    figure.update_layout(legend={"itemsizing": "constant"})
    style.add_unit(figure, f"Area of a circle: {unit} ordered in the week")
    return figure


def _label(units: float, *, whole: bool) -> str:
    text = style.amount(abs(units)) if abs(units) >= 99_950 else f"{abs(units):,.1f}".removesuffix(".0")
    return text if whole else f"{'+' if units > 0 else '−'}{text}"


def _room(steps: pd.DataFrame) -> list[float]:
    """The axis range, with room for the labels outside the bars."""
    running, ends, taken = 0.0, [0.0], [np.inf]
    for step, units in zip(steps["step"], steps["units"], strict=True):
        running = running if step in SUBTOTALS else running + units
        ends.append(running)
        # The label of a bar that takes stands left of its end.
        taken.append(running if units < 0 else np.inf)
    low, high = min(ends), max(ends)
    spare = 0.3 * ((high - low) or 1.0)
    return [min(low - 0.1 * spare, min(taken) - spare), high + spare]


def _orders_by_week(plan: PlanResult, weeks: int) -> tuple[pd.DataFrame, str]:
    """One row a supplier, week and kind: supplier, week, planned, value, lines; and the unit of value."""
    names = ["supplier_id", "location_id", "item_id", "quantity", "order_on"]
    kinds = [plan.orders[names].assign(planned=False), plan.planned_orders[names].assign(planned=True)]
    lines = pd.concat([kind for kind in kinds if len(kind)] or kinds[:1], ignore_index=True)
    cost = plan.items.set_index(["item_id", "location_id"])["unit_cost"].astype(float)
    each = cost.reindex(pd.MultiIndex.from_frame(lines[["item_id", "location_id"]])).to_numpy()
    priced = bool(np.isfinite(each).any())
    currency = style.clean(plan.params.currency, 8) if plan.params.currency else "money"
    lines["value"] = lines["quantity"].astype(float) * (np.nan_to_num(each) if priced else 1.0)
    first = pd.Timestamp(plan.as_of)
    at = (pd.to_datetime(lines["order_on"], cache=False) - first).dt.days // 7
    lines = lines.assign(
        week=first + pd.to_timedelta(at * 7, unit="D"), supplier=[style.clean(s) for s in lines["supplier_id"]]
    )[(at >= 0) & (at < weeks)]
    grouped = lines.groupby(["supplier", "week", "planned"], as_index=False)
    return grouped.agg(value=("value", "sum"), lines=("value", "size")), currency if priced else "units"


def _with_others(orders: pd.DataFrame, rest: list[str]) -> pd.DataFrame:
    orders = orders.assign(supplier=orders["supplier"].where(~orders["supplier"].isin(rest), "others"))
    return orders.groupby(["supplier", "week", "planned"], as_index=False).sum()
