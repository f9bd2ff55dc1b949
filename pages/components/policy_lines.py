"""The lines of a plan with what their service costs and loses. No Streamlit."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pandas as pd

from pages.components import headline, lines
from pages.components.lines import KEYS
from planning.result import PlanResult

DAYS_A_YEAR = 365
SOURCES: Mapping[str, str] = MappingProxyType(
    {
        "pin": "you",
        "item": "item",
        "supplier": "supplier",
        "category": "category",
        "class": "class",
        "default": "default",
    }
)


def by_loss(plan: PlanResult) -> pd.DataFrame:
    """The lines, those first that lose the most margin (units, where no price is known).

    Returns
    -------
    DataFrame: item_id, location_id, item_name, abc_class, demand_class, service_target and promised (fractions),
    source, safety_stock, pinned_safety_stock and mean_stock_units (units), stock_value, lost_margin (money a year),
    lost_units (a year). A location that feeds others loses nothing itself.
    """
    items = plan.items[[*KEYS, "item_name", "unit_cost", "unit_price"]].assign(
        sells=plan.items.index.isin(lines.selling(plan).index)
    )
    rows = headline.beside(plan.policy, items, ("item_name", "unit_cost", "unit_price", "sells"))
    missed = rows["demand_mean_per_day"].fillna(0.0) * (1 - rows["expected_fill_rate"]) * DAYS_A_YEAR
    lost = missed.where(rows["sells"]).fillna(0.0)
    margin = (rows["unit_price"] - rows["unit_cost"]).clip(lower=0)
    pinned = rows["pinned_safety_stock"] if "pinned_safety_stock" in rows else pd.Series(np.nan, rows.index)
    source = rows["target_source"].map(SOURCES) if "target_source" in rows else rows["service_target_from"]
    out = rows.assign(
        promised=rows["expected_fill_rate"],
        source=np.where(pinned.notna(), "you (stock)", source.astype(object)),
        pinned_safety_stock=pinned,
        stock_value=rows["mean_stock_units"] * rows["unit_cost"],
        lost_margin=lost * margin,
        lost_units=lost,
    )
    # The policy is sorted by item and location already.
    return out.sort_values(["lost_margin", "lost_units"], ascending=False, kind="stable").reset_index(drop=True)


@dataclass(frozen=True)
class Sums:
    """What some lines come to: stock at cost, margin and units lost a year; money NaN where none is known."""

    stock_value: float
    lost_margin: float
    lost_units: float


def sums(rows: pd.DataFrame) -> Sums:
    """Add up what `by_loss` returned."""
    stock, margin = (float(rows[name].sum(min_count=1)) for name in ("stock_value", "lost_margin"))
    return Sums(stock, margin, float(rows["lost_units"].sum()))


def by_class(plan: PlanResult) -> pd.DataFrame:
    """One row a value class and demand class: lines, promised (fraction), stock_value, lost_margin (money a year).

    The share promised is weighed by demand; NaN where nothing is sold. Money is NaN where none is known.
    """
    rows = by_loss(plan).dropna(subset=["abc_class", "demand_class"])
    demand = rows["demand_mean_per_day"].fillna(0.0)
    demand = demand.where(rows["promised"].notna() & plan_sells(plan, rows), 0.0)
    rows = rows.assign(demand=demand, served=demand * rows["promised"].fillna(0.0))
    cells = rows.groupby(["abc_class", "demand_class"], as_index=False, observed=True).agg(
        lines=("demand", "size"),
        demand=("demand", "sum"),
        served=("served", "sum"),
        stock_value=("stock_value", lambda v: v.sum(min_count=1)),
        lost_margin=("lost_margin", lambda v: v.sum(min_count=1)),
    )
    return cells.assign(promised=(cells["served"] / cells["demand"]).where(cells["demand"] > 0))


def plan_sells(plan: PlanResult, rows: pd.DataFrame) -> np.ndarray:
    """Whether each row serves customers."""
    return np.asarray(lines.pairs(rows).isin(lines.pairs(lines.selling(plan))))


def edits(shown: pd.DataFrame, changed: dict[int, dict[str, float | None]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read the edits of the table: what is pinned (item_id, location_id, kind, value), and what is let go again.

    Parameters
    ----------
    shown : the rows as they were shown.
    changed : by position, the cells that were edited: target (percent) and safety_stock (units); None: emptied.
    """
    pinned, let_go = [], []
    kinds = {"target": "service_target", "safety_stock": "safety_stock"}
    for position, cells in changed.items():
        if not 0 <= int(position) < len(shown):
            continue
        key = {name: shown[name].iloc[int(position)] for name in KEYS}
        for name, kind in kinds.items():
            if name not in cells:
                continue
            value = cells[name]
            if value is None:
                let_go.append({**key, "kind": kind})
            else:
                pinned.append({**key, "kind": kind, "value": float(value) / (100 if kind == "service_target" else 1)})
    columns = [*KEYS, "kind"]
    return pd.DataFrame(pinned, columns=[*columns, "value"]), pd.DataFrame(let_go, columns=columns)
