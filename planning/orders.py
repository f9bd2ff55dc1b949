"""From the units an item needs to the order that a supplier accepts."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from planning.positions import Positions

MOST_TOP_UP_DAYS = 90
"""An order is raised to the supplier's minimum by at most so many days of demand."""


@dataclass(frozen=True)
class Limits:
    """What an order must obey, units, (n,): least (0: none), multiple (0: none), most (inf: none)."""

    least: np.ndarray
    multiple: np.ndarray
    most: np.ndarray


@dataclass(frozen=True)
class Sized:
    """An order and what each limit added or took, units, (n,) each."""

    order: np.ndarray
    maximum: np.ndarray
    moq: np.ndarray
    multiple: np.ndarray


def build_limits(
    positions: Positions, inventory_position: np.ndarray, shelf_life_cap: np.ndarray, whole: np.ndarray
) -> Limits:
    """Collect the limits of each item-location: MOQ, case pack, most in one order, most to hold, shelf life."""
    multiple = positions.column("order_multiple")
    multiple = np.where(np.isnan(multiple), np.where(whole, 1.0, 0.0), multiple)
    most = np.fmin(positions.column("max_order"), np.maximum(positions.column("max_stock") - inventory_position, 0))
    most = np.nan_to_num(np.fmin(most, shelf_life_cap), nan=np.inf, posinf=np.inf)
    barred = ~positions.table["ranged"].to_numpy(bool) | positions.table["dead"].to_numpy(bool)
    return Limits(positions.column("moq"), multiple, np.where(barred, 0.0, most))


def size_orders(need: np.ndarray, limits: Limits) -> Sized:
    """Fit each need to its limits: maximum, then MOQ, then the multiple, rounded up.

    A maximum is never passed: it is cut to whole multiples first, and where the MOQ lies above it there is
    no order at all.
    """
    need = np.round(np.maximum(need, 0), 9)
    u = np.where(limits.multiple > 0, limits.multiple, 1.0)
    packed = limits.multiple > 0
    with np.errstate(invalid="ignore"):
        most = np.where(packed & np.isfinite(limits.most), np.floor(limits.most / u + 1e-9) * u, limits.most)
    least = np.where(packed, np.ceil(limits.least / u - 1e-9) * u, limits.least)
    most = np.where(most < least, 0.0, most)
    capped = np.minimum(need, most)
    raised = np.where(capped > 0, np.maximum(capped, limits.least), 0.0)
    order = np.where(packed, np.ceil(np.round(raised / u, 6)) * u, raised)
    return Sized(order, capped - need, raised - capped, order - raised)


def reach_supplier_minimum(
    need: np.ndarray,
    sized: Sized,
    limits: Limits,
    positions: Positions,
    minimum_value: np.ndarray,
    demand_per_day: np.ndarray,
    notes: list[str],
) -> np.ndarray:
    """Return what each line is raised by so that its supplier's order reaches the least value, units, (n,).

    All lines of the order are raised by the same days of demand, the least that is enough.
    """
    added = np.zeros(len(need))
    cost = positions.column("unit_cost")
    lines = np.flatnonzero((sized.order > 0) & (minimum_value > 0))
    number = positions.table.iloc[lines].groupby(["supplier_id", "location_id"]).ngroup().to_numpy()
    for each in np.unique(number):
        rows = lines[number == each]
        supplier, place = (str(positions.table[c].iat[rows[0]]) for c in ("supplier_id", "location_id"))
        if np.isnan(cost[rows]).any():
            notes.append(
                f"The order of {supplier} for {place} has items without a cost: its minimum could not be checked."
            )
            continue
        part = Limits(limits.least[rows], limits.multiple[rows], limits.most[rows])

        def value(days: float, rows: np.ndarray = rows, part: Limits = part) -> float:
            return float(size_orders(need[rows] + days * demand_per_day[rows], part).order @ cost[rows])

        wanted = float(minimum_value[rows[0]])
        if value(0) >= wanted:
            continue
        if value(MOST_TOP_UP_DAYS) < wanted:
            notes.append(
                f"The order of {supplier} for {place} stays below the minimum of {wanted:,.2f}: the lines due today "
                f"cannot reach it with {MOST_TOP_UP_DAYS} more days of demand. Add other items, or wait."
            )
            continue
        low, high = 0.0, float(MOST_TOP_UP_DAYS)
        for _ in range(40):
            middle = (low + high) / 2
            low, high = (low, middle) if value(middle) >= wanted else (middle, high)
        added[rows] = size_orders(need[rows] + high * demand_per_day[rows], part).order - sized.order[rows]
    return added


def purchase_orders(replenishment: pd.DataFrame, unit_cost: np.ndarray, as_of_text: str) -> pd.DataFrame:
    """Return the order lines of today, numbered by supplier and location."""
    lines = replenishment.assign(unit_cost=unit_cost)
    lines = lines[lines["order_quantity"] > 0].copy()
    lines["supplier_id"] = lines["supplier_id"].fillna("")
    lines = lines.sort_values(["supplier_id", "location_id", "item_id"], kind="stable")
    number = lines.groupby(["supplier_id", "location_id"], sort=True).ngroup() + 1
    lines["order_number"] = [f"PO-{as_of_text.replace('-', '')}-{n:03d}" for n in number]
    lines["quantity"] = lines["order_quantity"]
    lines["line_value"] = lines["quantity"] * lines["unit_cost"]
    columns = [
        "order_number",
        "supplier_id",
        "location_id",
        "item_id",
        "quantity",
        "order_on",
        "arrives_on",
        "unit_cost",
        "line_value",
    ]
    out = lines[columns].reset_index(drop=True)
    out["supplier_id"] = out["supplier_id"].replace("", None)
    return out
