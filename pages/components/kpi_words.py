"""Key figures as a person reads them: their group, unit and value, and the trend as a small line. No Streamlit."""

import base64
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from pages.components.charts_style import STOCK
from pages.components.formats import DASH, count, day, days, known, money, percent, units
from planning.kpi import Kpi

GROUPS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "Stock": (
            "stock_value", "days_of_supply", "turnover", "days_of_inventory", "carrying_cost", "gmroi", "sell_through",
            "excess_value", "dead_value", "cash_out", "orders_due_today", "space_used",
        ),
        "Service": (
            "fill_rate_achieved", "stockout_rate", "forecast_accuracy", "forecast_bias", "drifting_forecasts",
        ),
        "Suppliers": (
            "supplier_on_time", "supplier_in_full", "supplier_otif", "lead_time_adherence", "perfect_order",
        ),
        "Records": ("record_accuracy", "value_accuracy", "shrinkage"),
    }
)  # fmt: skip
"""What each group holds; margin at risk, excess and what is due today head the page."""
HEADED = ("margin_at_risk", "order_value_today")
SHORT: Mapping[str, str] = MappingProxyType(
    {
        "turnover": "Turnover",
        "days_of_inventory": "DSI (backward)",
        "days_of_supply": "Supply ahead",
        "carrying_cost": "Carrying cost / year",
        "gmroi": "GMROI",
        "sell_through": "Sell-through",
        "cash_out": "Cash out, 13 weeks",
        "supplier_on_time": "On time",
        "supplier_in_full": "In full",
        "supplier_otif": "On time, in full",
        "lead_time_adherence": "Lead time ratio",
        "orders_due_today": "Order lines today",
    }
)
"""What a figure is called where there is little room."""
UNITS: Mapping[str, str] = MappingProxyType(
    {
        "money": "money at cost",
        "share": "share",
        "days": "days",
        "times a year": "times a year",
        "units": "units",
        "lines": "lines",
    }
)
WIDTH, HEIGHT, MOST_POINTS = 64, 18, 60


def grouped(figures: Mapping[str, Kpi]) -> Iterator[tuple[str, list[Kpi]]]:
    """The figures by group; one of no group stands with the stock."""
    told = {key for keys in GROUPS.values() for key in keys} | set(HEADED)
    rest = tuple(key for key in figures if key not in told)
    for group, keys in GROUPS.items():
        mine = [figures[key] for key in (*keys, *(rest if group == "Stock" else ())) if key in figures]
        if mine:
            yield group, mine


def said(kpi: Kpi, currency: str) -> str:
    """The value with its unit; a dash where it is not known."""
    return _said(kpi.value, kpi.unit, currency)


def _said(value: float | None, unit: str, currency: str) -> str:
    if not known(value) or value is None:
        return DASH
    if unit == "money":
        return money(value, currency)
    if unit == "share":
        return percent(value).replace("-", "−")
    if unit == "days":
        return days(round(value) if value >= 100 else round(value, 1))
    if unit == "times a year":
        return f"{value:,.1f} a year"
    return units(round(value)) if unit == "units" else count(round(value), "line")


def short(kpi: Kpi) -> str:
    """The name where there is little room."""
    return SHORT.get(kpi.key, kpi.name)


def unit_of(kpi: Kpi, currency: str) -> str:
    """The unit in words."""
    return currency if kpi.unit == "money" and currency else UNITS.get(kpi.unit, kpi.unit)


def trend_in_words(kpi: Kpi, currency: str) -> str:
    """From what to what a figure went, with both dates; empty without a trend."""
    values = kpi.trend["value"].to_numpy(float) if len(kpi.trend) else np.zeros(0)
    told = np.flatnonzero(~np.isnan(values))
    if len(told) < 2:  # noqa: PLR2004
        return ""
    ends = [_said(float(values[at]), kpi.unit, currency) for at in (told[0], told[-1])]
    first, last = (kpi.trend["date"].iloc[at] for at in (told[0], told[-1]))
    return f"From {ends[0]} on {day(first)} to {ends[1]} on {day(last)}"


def spark(trend: pd.DataFrame) -> str:
    """The trend as a small picture, an SVG; empty without one."""
    values = trend["value"].to_numpy(float)[-MOST_POINTS:] if len(trend) else np.zeros(0)
    values = values[np.isfinite(values)]
    if len(values) < 2:  # noqa: PLR2004
        return ""
    low, high = float(values.min()), float(values.max())
    x = np.linspace(2, WIDTH - 4, len(values))
    y = HEIGHT - 3 - (values - low) / (high - low or 1.0) * (HEIGHT - 6)
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}">'
        f'<polyline fill="none" stroke="{STOCK}" stroke-width="1.6" stroke-linejoin="round" points="{points}"/>'
        f'<circle cx="{x[-1]:.1f}" cy="{y[-1]:.1f}" r="2" fill="{STOCK}"/></svg>'
    )


def picture(svg: str) -> str:
    """The same as an address that holds it all."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()


def table(figures: Mapping[str, Kpi], currency: str) -> pd.DataFrame:
    """All figures as rows: group, figure, value, unit, period, formula, source, covered, missing."""
    heads = [("Today", figures[key]) for key in HEADED if key in figures]
    rows: list[dict[str, Any]] = [
        {
            "group": group,
            "figure": kpi.name,
            "value": kpi.value if kpi.value is not None else np.nan,
            "unit": unit_of(kpi, currency),
            "period": kpi.period,
            "covered": kpi.covered,
            "to bring": kpi.missing,
            "formula": kpi.formula,
            "source": kpi.source,
        }
        for group, kpi in [*heads, *((group, kpi) for group, mine in grouped(figures) for kpi in mine)]
    ]
    return pd.DataFrame(rows)
