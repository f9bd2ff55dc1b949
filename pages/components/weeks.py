"""The plan by item and week: what is there, sold, received, ordered, missing and left. No Streamlit."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pandas as pd

from pages.components import headline
from pages.components.lines import KEYS
from planning.distribution import CumulativeDemand
from planning.replenish import days_of_supply
from planning.result import PlanResult

WEEKS = 13
MEASURES: Mapping[str, str] = MappingProxyType(
    {
        "starting_stock": "Starting stock",
        "sales": "Projected sales",
        "receipts": "Receipts",
        "orders": "Orders arriving",
        "closing_stock": "Closing stock",
        "unmet": "Unmet demand",
        "days_of_supply": "Days on hand",
    }
)
"""In the order in which a planner reads them: units, but for the days."""
ALMOST_NOTHING = 1e-6


@dataclass(frozen=True)
class ByWeek:
    """The lines of a plan by week, each array n x weeks, units; `daily` is demand by day, units, n x days.

    starting_stock - sales + receipts + orders = closing_stock, as in `planning.grid`.
    """

    keys: pd.DataFrame
    starts: pd.DatetimeIndex
    starting_stock: np.ndarray
    sales: np.ndarray
    receipts: np.ndarray
    orders: np.ndarray
    unmet: np.ndarray
    closing_stock: np.ndarray
    daily: np.ndarray

    def of(self, measure: str, rows: np.ndarray) -> np.ndarray:
        """One of `MEASURES` of some lines, rows x weeks; days on hand are NaN where no demand is expected."""
        if measure != "days_of_supply":
            return np.asarray(getattr(self, measure)[rows], dtype=float)
        total = np.cumsum(np.pad(self.daily[rows], ((0, 0), (1, 0))), axis=1)
        out = np.full((len(rows), len(self.starts)), np.nan)
        for week in range(len(self.starts)):
            ahead = total[:, 7 * (week + 1) :] - total[:, 7 * (week + 1)][:, None]
            if ahead.shape[1] > 1:
                course = CumulativeDemand(ahead, np.zeros_like(ahead), np.ones(len(rows), bool))
                out[:, week] = days_of_supply(course, self.closing_stock[rows, week])
        return out


def by_week(plan: PlanResult, weeks: int = WEEKS) -> ByWeek:
    """Sum up the projection of every line by week from the morning of the plan."""
    p = plan.projection
    days = min(p.demand.shape[1] // 7, weeks) * 7
    at = np.arange(0, days, 7)
    demand, receipts, orders, unmet = (
        np.add.reduceat(np.asarray(daily[:, :days], dtype=float), at, axis=1) if days else np.zeros((len(p.keys), 0))
        for daily in (p.demand, p.receipts, p.orders, p.unmet)
    )
    closing = np.asarray(p.with_orders[:, 6:days:7], dtype=float)
    return ByWeek(
        keys=p.keys[list(KEYS)].reset_index(drop=True),
        starts=pd.DatetimeIndex(p.days[at]),
        starting_stock=np.concatenate([np.asarray(p.starting_stock)[:, None], closing[:, :-1]], axis=1)[:, : len(at)],
        sales=demand - unmet if plan.params.unmet_demand == "lost" else demand,
        receipts=receipts,
        orders=orders,
        unmet=np.where(unmet > ALMOST_NOTHING, unmet, 0.0),
        closing_stock=closing,
        daily=p.demand,
    )


def table(found: ByWeek, measure: str, rows: np.ndarray) -> pd.DataFrame:
    """One measure of some lines, a column a week (its first day in ISO), after item_id and location_id."""
    values = np.round(found.of(measure, rows), 1) + 0.0
    columns = {day: values[:, n] for n, day in enumerate(headings(found))}
    return pd.DataFrame({**{k: found.keys[k].to_numpy()[rows] for k in KEYS}, **columns})


def everything(found: ByWeek, rows: np.ndarray) -> pd.DataFrame:
    """All measures of some lines, line by line: item_id, location_id, measure, a column a week."""
    parts = [table(found, name, rows).assign(measure=title) for name, title in MEASURES.items()]
    line = np.tile(np.arange(len(rows)), len(parts))
    stacked = pd.concat(parts, ignore_index=True).iloc[np.argsort(line, kind="stable")].reset_index(drop=True)
    return stacked[[*KEYS, "measure", *headings(found)]]


def headings(found: ByWeek) -> list[str]:
    """The first day of each week in ISO: the columns of a table."""
    return [f"{day:%Y-%m-%d}" for day in found.starts]


def worst_first(plan: PlanResult, found: ByWeek) -> np.ndarray:
    """The rows of the lines, those first that miss most demand in money (in units where no cost is known)."""
    short = found.unmet.sum(axis=1)
    items = headline.with_names(found.keys, plan, ("unit_cost", "unit_price"))
    each = (items["unit_price"] if items["unit_price"].notna().any() else items["unit_cost"]).to_numpy(float)
    weight = np.nan_to_num(each, nan=0.0) if np.isfinite(each).any() else np.ones(len(each))
    return np.lexsort([-short, -short * weight])
