"""Orders that are not placed silently: the least that can be ordered would last for years, or never earn its keep.

The policy asks for an order as soon as anything is expected to be short. Where a supplier's least order or case pack
is many times what will ever be sold, that is a purchase for a person to decide.
"""

from dataclasses import dataclass

import numpy as np

from planning.distribution import CumulativeDemand
from planning.orders import Limits
from planning.positions import YEAR_DAYS, Positions

LONGEST_YEARS = 10.0
"""A least order that lasts longer is never placed without a person."""
DOUBTFUL_YEARS = 2.0
"""One that lasts longer than this is not placed either where holding it costs more than its margin."""


@dataclass(frozen=True)
class LeastOrder:
    """The least order of each item-location, (n,) each.

    units : what can be ordered at least; 0: any quantity.
    years : how long that lasts at the pace of expected demand.
    withheld : whether an order is due that is not proposed, as its least lasts too long.
    """

    units: np.ndarray
    years: np.ndarray
    withheld: np.ndarray


def judge_least_orders(
    positions: Positions, demand: CumulativeDemand, limits: Limits, due: np.ndarray, by_hand: np.ndarray
) -> LeastOrder:
    """Return which orders that are due are withheld, as the least that can be ordered is too much.

    It is judged on the least order, not on the one asked for: more demand or service never withholds an order. What
    a person wants is placed as it is: an order set by hand, a least stock, a pinned safety stock, a given reorder
    point, and what customers wait for already.

    Parameters
    ----------
    due, by_hand : whether an order is due, and set by hand, (n,).
    """
    multiple = np.where(limits.multiple > 0, limits.multiple, 0.0)
    packs = np.maximum(np.ceil(limits.least / np.where(multiple > 0, multiple, 1.0) - 1e-9), 1.0)
    units = np.where(multiple > 0, packs * multiple, limits.least)
    # The busier of the days that an order covers and of all that are forecast.
    interval, whole = positions.interval, np.full(len(units), float(demand.days))
    pace = np.maximum(demand.mean_to(interval) / interval, demand.mean_to(whole) / whole)
    with np.errstate(divide="ignore", invalid="ignore"):
        years = np.nan_to_num(np.where(units > 0, units / (pace * YEAR_DAYS), 0.0), nan=0.0, posinf=np.inf)
    margin = positions.column("shortage_cost")
    # Sold evenly, a unit lies half of that time.
    held = positions.column("holding_cost_per_day") * years * YEAR_DAYS / 2
    with np.errstate(invalid="ignore"):
        in_vain = (years > DOUBTFUL_YEARS) & (margin > 0) & (held > margin)
    wished = by_hand | (positions.column("least_stock") > 0) | (positions.net_stock < 0)
    for name in ("pinned_safety_stock", "reorder_at"):
        wished |= ~np.isnan(positions.column(name))
    withheld = due & positions.buys & ~wished & ((years > LONGEST_YEARS) | in_vain)
    return LeastOrder(units, years, withheld)


def tell_withheld(least: LeastOrder, positions: Positions, notes: list[str]) -> None:
    """Say how many orders are withheld, and what they would cost."""
    rows = np.flatnonzero(least.withheld)
    if not len(rows):
        return
    worth = (least.units * positions.column("unit_cost"))[rows]
    known = "" if np.isnan(worth).all() else f", worth {np.nansum(worth):,.2f}"
    some = ", ".join(positions.table["item_id"].iloc[rows].drop_duplicates().head(3).astype(str))
    notes.append(
        f"Lines not ordered, as their least order lasts more than {LONGEST_YEARS:g} years, or costs more to hold than "
        f"it earns: {len(rows):,}{known} ({some}{', ...' if len(rows) > 3 else ''}). They stand among the exceptions; "
        "set an order by hand where it is wanted."
    )
