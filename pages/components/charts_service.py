"""Service: what stock buys, and where the stock and the risk lie."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from pages.components import charts_style as style
from pages.components.formats import known, percent
from pages.components.policy_lines import by_class
from planning.params import Params
from planning.result import PlanResult


def service_stock_curve(
    curve: pd.DataFrame, params: Params, *, current: tuple[float, float] | None = None, height: int = 400
) -> go.Figure:
    """What does one more point of service cost in stock? Expected fill rate against stock value, today's choice marked.

    Parameters
    ----------
    curve : service_target, stock_value, stock_units, expected_fill_rate, lost_margin_per_year.
    current : (stock, expected fill rate) of the policy in force, where it lies off the curve (targets by class).
    """
    if curve.empty:
        return style.nothing("No service curve: the plan holds no item with demand")
    in_money = bool(np.isfinite(curve["stock_value"]).any())
    column = "stock_value" if in_money else "stock_units"
    unit = style.money_title("stock value at cost", params.currency) if in_money else "stock, units"
    curve = curve.sort_values("service_target")
    figure = style.base(height, unit="Demand served from stock (expected fill rate)", legend=False)
    figure.add_trace(
        go.Scatter(
            x=curve[column],
            y=curve["expected_fill_rate"],
            mode="lines+markers+text",
            name="Curve",
            line={"color": style.STOCK, "width": 2.5, "shape": "spline", "smoothing": 0.6},
            marker={"size": 7},
            text=_labels(curve["service_target"]),
            textposition="bottom right",
            cliponaxis=False,
            customdata=np.stack([curve["service_target"], curve["lost_margin_per_year"]], axis=-1),
            hovertemplate="target %{customdata[0]:.1%}: serves %{y:.1%} with %{x:,.0f}, "
            "lost margin %{customdata[1]:,.0f} a year<extra></extra>",
        )
    )
    here = current or _on_curve(curve, column, params)
    low, high = (float(curve[column].min()), float(curve[column].max()))
    spare = 0.08 * ((high - low) or 1.0)
    figure.update_yaxes(tickformat=".0%", nticks=6)
    figure.update_xaxes(
        showgrid=True,
        gridcolor=style.GRID,
        tickformat="~s",
        nticks=6,
        title={"text": unit.capitalize()},
        range=[low - spare, high + 1.6 * spare],
    )
    if here is not None:
        stock = style.money(here[0], params.currency) if in_money else f"{style.amount(here[0])} units"
        _mark_choice(figure, here, stock)
    return figure


def abc_matrix(plan: PlanResult) -> go.Figure:
    """Where does stock lie, and where is margin lost? Lines by value class and demand class."""
    cells = by_class(plan)
    if cells.empty:
        return style.nothing("No items to classify")
    found = set(cells["demand_class"])
    classes = [c for c in style.DEMAND_CLASSES if c in found] + sorted(found - set(style.DEMAND_CLASSES))
    rows = [c for c in ("A", "B", "C") if c in set(cells["abc_class"])]
    table = cells.set_index(["abc_class", "demand_class"])
    lost, text = [], {}
    most = float(cells["lost_margin"].max())
    for row in rows:
        held = [table.loc[(row, c)] if (row, c) in table.index else None for c in classes]
        lost.append([_share(0.0 if h is None else float(h["lost_margin"]), most) for h in held])
        text |= {(column, row): _cell(h) for column, h in zip(classes, held, strict=True) if h is not None}
    figure = style.base(90 + 104 * len(rows), legend=False)
    figure.add_trace(
        go.Heatmap(
            z=lost,
            x=[style.clean(c).capitalize() for c in classes],
            y=[style.clean(r) for r in rows],
            zmin=0,
            zmax=1,
            colorscale=[
                [0, style.tint(style.STOCK, 0.10)],
                [0.5, style.tint(style.WARN, 0.30)],
                [1, style.tint(style.SHORT, 0.45)],
            ],
            showscale=False,
            xgap=4,
            ygap=4,
            hovertemplate="%{y} %{x}<extra></extra>",
        )
    )
    # As annotations the words take the page's own text colour, which is read on both themes.
    for (column, row), words in text.items():
        figure.add_annotation(
            x=style.clean(column).capitalize(), y=style.clean(row), text=words, showarrow=False, font={"size": 12}
        )
    figure.update_yaxes(autorange="reversed", showgrid=False, type="category")
    figure.update_xaxes(side="top", type="category")
    figure.update_layout(margin={"t": 34})
    return figure


def _share(part: float, whole: float) -> float:
    return part / whole if known(part) and known(whole) and whole > 0 else 0.0


def _cell(held: pd.Series) -> str:
    """Short enough for a telephone: the page says what the signs stand for."""
    parts = [f"<b>{percent(held['promised'])}</b>" if known(held["promised"]) else "<b>–</b>"]
    if known(held["stock_value"]):
        parts.append(f"▣ {style.amount(float(held['stock_value']))}")
    if known(held["promised"]) and known(held["lost_margin"]):
        parts.append(f"▼ {style.amount(float(held['lost_margin']))}")
    return "<br>".join([*parts, f"# {int(held['lines']):,}"])


def _labels(targets: pd.Series) -> list[str]:
    """Target labels where they do not crowd: the ends and the round ones."""
    shown = {0.8, 0.9, 0.95, 0.98, 0.99}
    return [f"{t:.0%}" if round(float(t), 4) in shown else "" for t in targets]


def _on_curve(curve: pd.DataFrame, column: str, params: Params) -> tuple[float, float] | None:
    """Stock and service at the one target in force; None where targets differ by class or follow from costs."""
    if params.service_target_by_class or params.service_measure == "cost":
        return None
    targets = curve["service_target"].to_numpy()
    if not targets[0] <= params.service_target <= targets[-1]:
        return None
    return (
        float(np.interp(params.service_target, targets, curve[column])),
        float(np.interp(params.service_target, targets, curve["expected_fill_rate"])),
    )


def _mark_choice(figure: go.Figure, here: tuple[float, float], stock: str) -> None:
    figure.add_trace(
        go.Scatter(
            x=[here[0]],
            y=[here[1]],
            mode="markers",
            name="Today",
            hovertemplate="today<extra></extra>",
            marker={
                "symbol": "diamond",
                "size": 15,
                "color": style.WARN,
                "line": {"width": 2, "color": "rgba(255,255,255,0.8)"},
            },
        )
    )
    room_left = here[0] > 0.5 * sum(figure.layout.xaxis.range)
    figure.add_annotation(
        x=here[0],
        y=here[1],
        text=f"<b>In force: {percent(here[1])}</b><br>{stock}",
        showarrow=True,
        arrowhead=0,
        arrowwidth=1,
        arrowcolor=style.QUIET,
        ax=-24 if room_left else 30,
        ay=-40 if room_left else 48,
        xanchor="right" if room_left else "left",
        align="right" if room_left else "left",
        font={"size": 13},
    )
