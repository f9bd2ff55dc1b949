"""The plan by item and week: what is there, sold, received, ordered, left and missing. No Streamlit."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pandas as pd

from pages.components import headline
from pages.components.lines import KEYS
from planning.result import PlanResult

WEEKS = 13
MEASURES: Mapping[str, str] = MappingProxyType(
    {
        "starting_stock": "Starting stock",
        "demand": "Projected sales",
        "receipts": "Receipts",
        "orders": "Orders arriving",
        "unmet": "Unmet demand",
        "closing_stock": "Closing stock",
        "days_of_supply": "Days on hand",
    }
)
"""Units, but for the days; in the order in which a planner reads them."""
ALMOST_NOTHING = 1e-6


@dataclass(frozen=True)
class ByWeek:
    """The lines of a plan by week, each array n x weeks: units, days for `days_of_supply`.

    starting_stock - (demand - unmet) + receipts + orders = closing_stock, where what is not met is lost; where it
    waits, stock below zero is what is owed, and `unmet` is that.
    """

    keys: pd.DataFrame
    starts: pd.DatetimeIndex
    starting_stock: np.ndarray
    demand: np.ndarray
    receipts: np.ndarray
    orders: np.ndarray
    unmet: np.ndarray
    closing_stock: np.ndarray
    days_of_supply: np.ndarray


def by_week(plan: PlanResult, weeks: int = WEEKS) -> ByWeek:
    """Sum up the projection of every line by week from the morning of the plan."""
    p = plan.projection
    days = min(p.demand.shape[1] // 7, weeks) * 7
    at = np.arange(0, days, 7)
    demand, receipts, orders = (np.asarray(a[:, :days], dtype=float) for a in (p.demand, p.receipts, p.orders))
    stock = np.asarray(p.with_orders[:, :days], dtype=float)
    before = _opening(plan, stock, demand, receipts + orders)
    start = np.concatenate([before[:, None], stock[:, 6:-1:7]], axis=1)
    closing = stock[:, 6::7]
    if plan.params.unmet_demand == "lost":
        prev = np.concatenate([before[:, None], stock[:, :-1]], axis=1)
        missed = np.clip(demand - (prev + receipts + orders - stock), 0.0, demand)
        unmet = np.add.reduceat(missed, at, axis=1)
    else:
        unmet = np.maximum(-closing, 0.0)
    summed = [np.add.reduceat(a, at, axis=1) for a in (demand, receipts, orders)]
    return ByWeek(
        keys=p.keys[list(KEYS)].reset_index(drop=True),
        starts=pd.DatetimeIndex(p.days[at]),
        starting_stock=start,
        demand=summed[0],
        receipts=summed[1],
        orders=summed[2],
        unmet=np.where(unmet > ALMOST_NOTHING, unmet, 0.0),
        closing_stock=closing,
        days_of_supply=_days(closing, np.asarray(p.demand, dtype=float), at + 7),
    )


def _opening(plan: PlanResult, stock: np.ndarray, demand: np.ndarray, arriving: np.ndarray) -> np.ndarray:
    """The stock that the projection starts from: what its first day leaves, with what that day took."""
    first = stock[:, 0] + demand[:, 0] - arriving[:, 0]
    held = plan.replenishment["on_hand"].to_numpy(float)
    known = len(held) == len(first)
    # An empty shelf does not tell how much of the first day's demand it served.
    empty = np.clip(held, 0.0, np.maximum(first, 0.0)) if known else np.maximum(first, 0.0)
    return np.where(np.abs(stock[:, 0]) > ALMOST_NOTHING, first, empty)


def _days(closing: np.ndarray, demand: np.ndarray, after: np.ndarray) -> np.ndarray:
    """How many days the stock at the end of each week lasts at the demand that follows; NaN beyond the horizon."""
    total = np.concatenate([np.zeros((len(demand), 1)), np.cumsum(demand, axis=1)], axis=1)
    out = np.full(closing.shape, np.nan)
    for week, start in enumerate(after):
        if start >= demand.shape[1]:
            continue
        ahead = total[:, start:] - total[:, start][:, None]
        lasts = ahead[:, 1:] <= closing[:, week][:, None] + 1e-9
        whole = lasts.sum(axis=1)
        inside = whole < lasts.shape[1]
        rows = np.flatnonzero(inside)
        left = np.maximum(closing[rows, week], 0.0) - ahead[rows, whole[rows]]
        next_day = demand[rows, start + whole[rows]]
        out[rows, week] = whole[rows] + np.clip(left / np.where(next_day > 0, next_day, 1.0), 0.0, 1.0)
    return np.where(closing <= ALMOST_NOTHING, 0.0, out)


def table(found: ByWeek, measure: str, rows: np.ndarray) -> pd.DataFrame:
    """One measure of some lines, a column a week (its first day in ISO), after item_id and location_id."""
    values = np.round(getattr(found, measure)[rows], 1) + 0.0
    columns = {day: values[:, n] for n, day in enumerate(headings(found))}
    return pd.DataFrame({**{k: found.keys[k].to_numpy()[rows] for k in KEYS}, **columns})


def everything(found: ByWeek, rows: np.ndarray) -> pd.DataFrame:
    """All measures of some lines, line by line: item_id, location_id, measure, a column a week."""
    parts = [table(found, name, rows).assign(measure=title, _n=n) for n, (name, title) in enumerate(MEASURES.items())]
    stacked = pd.concat([part.assign(_line=np.arange(len(rows))) for part in parts], ignore_index=True)
    ordered = stacked.sort_values(["_line", "_n"], kind="stable").reset_index(drop=True)
    return ordered[[*KEYS, "measure", *headings(found)]]


def of_line(found: ByWeek, row: int) -> pd.DataFrame:
    """One line: starts_on and every measure, a row a week."""
    columns = {name: getattr(found, name)[row] + 0.0 for name in MEASURES}
    return pd.DataFrame({"starts_on": found.starts, **columns})


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
