"""The plan over time: what each item-location's days look like without new orders, and with them."""

from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pandas as pd
from scipy import special

from planning.distribution import CumulativeDemand
from planning.inputs import rows_of
from planning.orders import Limits, size_orders
from planning.params import Params
from planning.positions import Positions
from planning.replenish import (
    Closed,
    LaterOrders,
    Netting,
    Spreads,
    empty_days,
    occasions,
    project,
    receipts_by_day,
    safety_by_day,
)

WEEK = 7


@dataclass(frozen=True)
class HandOrders:
    """Orders that a planner has set.

    today : units to order on the morning of the plan, NaN where nothing is set, (n,).
    row, day, units : orders of later mornings, by day from `as_of`.
    """

    today: np.ndarray
    row: np.ndarray
    day: np.ndarray
    units: np.ndarray

    @property
    def is_set(self) -> np.ndarray:
        """Whether today's order is set by hand, (n,)."""
        return np.asarray(~np.isnan(self.today))


@dataclass(frozen=True)
class Timeline:
    """Days to come of every item-location.

    safety : the safety stock by day, units, (n, days).
    placed : today's orders and transfers, and those set by hand, by day of arrival, units, (n, days).
    later : how later orders are proposed.
    """

    with_orders: Netting
    safety: np.ndarray
    placed: np.ndarray
    later: LaterOrders


def hand_orders(pins: pd.DataFrame | None, keys: pd.DataFrame, as_of: date) -> HandOrders:
    """Read the orders set by hand; the latest word on a morning counts, one on a morning gone by no more.

    Parameters
    ----------
    pins : the contract's table; None: there is none.
    """
    today = np.full(len(keys), np.nan)
    nothing = HandOrders(today, np.zeros(0, int), np.zeros(0, int), np.zeros(0))
    if pins is None or pins.empty:
        return nothing
    some = pins[pins["kind"] == "order_quantity"]
    if some.empty:
        return nothing
    morning = pd.Timestamp(as_of)
    some = some.assign(row=rows_of(some, keys), day=(some["order_on"].fillna(morning) - morning).dt.days)
    some = some[(some["row"] >= 0) & (some["day"] >= 0) & some["value"].notna()]
    some = some.sort_values("made_at", kind="stable", na_position="first").drop_duplicates(["row", "day"], keep="last")
    now = some[some["day"] == 0]
    today[now["row"].to_numpy(int)] = now["value"].to_numpy(float)
    after = some[some["day"] > 0].sort_values(["row", "day"], kind="stable")
    return HandOrders(today, after["row"].to_numpy(int), after["day"].to_numpy(int), after["value"].to_numpy(float))


def hand_orders_of(hand: HandOrders, rows: np.ndarray) -> HandOrders:
    """Return the orders of some rows, ascending, in their order."""
    mine = np.isin(hand.row, rows)
    return HandOrders(hand.today[rows], np.searchsorted(rows, hand.row[mine]), hand.day[mine], hand.units[mine])


def limits_of(limits: Limits, rows: np.ndarray | slice) -> Limits:
    """Return the limits of some rows."""
    return Limits(limits.least[rows], limits.multiple[rows], limits.most[rows])


def as_set(limits: Limits, is_set: np.ndarray) -> Limits:
    """Return limits that leave orders set by hand as they are."""
    return Limits(
        np.where(is_set, 0.0, limits.least),
        np.where(is_set, 0.0, limits.multiple),
        np.where(is_set, np.inf, limits.most),
    )


def tell_broken_limits(hand: HandOrders, limits: Limits, positions: Positions, notes: list[str]) -> None:
    """Say which of today's orders set by hand break a pack, a least order or a maximum."""
    rows = np.flatnonzero(hand.is_set & (np.nan_to_num(hand.today) > 0) & positions.buys)
    if not len(rows):
        return
    asked = hand.today[rows]
    part = Limits(limits.least[rows], limits.multiple[rows], limits.most[rows])
    broken = rows[np.abs(size_orders(asked, part).order - asked) > 1e-6]
    if len(broken):
        some = ", ".join(positions.table["item_id"].iloc[broken].drop_duplicates().head(3).astype(str))
        notes.append(
            f"Orders set by hand that break a pack, a least order or a maximum: {len(broken):,} ({some}). "
            "They stand as they were set; the supplier may refuse them."
        )


def days_without(positions: Positions, demand: CumulativeDemand, usable: np.ndarray, params: Params) -> Netting:
    """Net the days to come without new orders. `usable`: stock that counts, units, (n,)."""
    shape = (len(usable), demand.days)
    # What is on its way to a store is cover of the warehouse that feeds it, too.
    row, day, units = (positions.pooled[name].to_numpy() for name in ("row", "day", "quantity"))
    due = receipts_by_day(row, day, units, shape)
    return project(demand, usable, due, empty_days(shape), None, lost=params.unmet_demand == "lost")


def build_timeline(
    positions: Positions,
    demand: CumulativeDemand,
    usable: np.ndarray,
    without: Netting,
    safety: np.ndarray,
    limits: Limits,
    order: np.ndarray,
    transfers: tuple[np.ndarray, np.ndarray, np.ndarray],
    hand: HandOrders,
    lot: np.ndarray,
    as_of: date,
    *,
    lost: bool,
    barred: np.ndarray,
) -> Timeline:
    """Net the days to come with today's and later orders.

    Parameters
    ----------
    usable : stock that counts, units, (n,); safety : the safety stock by day, units, (n, days).
    order : today's purchases, units, (n,); transfers : row, days on the way, units of today's transfers.
    lot : what an order brings beyond what is short, NaN: the demand of its coverage, units, (n,).
    barred : whose orders are for a person to decide, (n,): no later ones are proposed either.
    """
    shape = without.stock.shape
    lead = positions.column("lead_time_days")
    placed = receipts_by_day(np.arange(len(order)), lead, order, shape)
    placed += receipts_by_day(*transfers, shape)
    placed += receipts_by_day(hand.row, hand.day + lead[hand.row], hand.units, shape)
    later = _later(positions, limits, safety, hand, lot, as_of, barred)
    return Timeline(project(demand, usable, without.receipts, placed, later, lost=lost), safety, placed, later)


def build_safety(
    positions: Positions, spreads: Spreads, buffer: np.ndarray, params: Params, ratio: np.ndarray, days: int
) -> np.ndarray:
    """Return the safety stock by day, units, (n, days); one that is pinned stays as it is.

    Parameters
    ----------
    buffer : the policy's, units, (n,); ratio : the critical ratio of the cost measure, (n,).
    """
    target = ratio if params.service_measure == "cost" else positions.column("service_target")
    z = special.ndtri(np.clip(target, 1e-6, 1 - 1e-6))
    out = safety_by_day(spreads, buffer, positions.column("least_stock"), z, days)
    pinned = positions.column("pinned_safety_stock")
    rows = np.flatnonzero(~np.isnan(pinned))
    out[rows] = pinned[rows, None]
    return out


def _later(
    positions: Positions,
    limits: Limits,
    safety: np.ndarray,
    hand: HandOrders,
    lot: np.ndarray,
    as_of: date,
    barred: np.ndarray,
) -> LaterOrders:
    lead, table = positions.column("lead_time_days"), positions.table
    first, step = occasions(positions.column("order_weekday"), positions.column("review_period_days"), as_of.weekday())
    stocked = (table["ranged"] & ~table["dead"]).to_numpy(bool)
    most = np.nan_to_num(positions.column("max_order"), nan=np.inf)
    week = hand.day // WEEK * WEEK
    closed = Closed(hand.row, np.maximum(week, 1) + lead[hand.row], week + WEEK - 1 + lead[hand.row])
    return LaterOrders(
        lead_time=lead,
        review=step,
        coverage=np.maximum(positions.column("coverage_days"), step),
        buffer=safety,
        limits=replace(limits, most=most),
        allowed=np.isfinite(lead) & stocked & ~barred,
        first=first,
        ceiling=np.nan_to_num(positions.column("max_stock"), nan=np.inf),
        life=np.nan_to_num(positions.days_to_sell, nan=np.inf),
        closed=closed if len(hand.row) else None,
        lot=lot,
    )
