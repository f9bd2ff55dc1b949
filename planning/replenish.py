"""Time-phased netting: when stock runs out, what comes when, and which orders follow today's."""

from dataclasses import dataclass

import numpy as np

from planning.distribution import CumulativeDemand
from planning.orders import Limits, size_orders

NEVER = np.inf


@dataclass(frozen=True)
class Netting:
    """Expected stock day by day, n item-locations x days; day 0 is `as_of`. Units.

    stock : at the end of each day, after its demand; below zero only for backorders.
    lost : demand of the day that was not met.
    receipts : open orders by day.
    orders : orders and transfers of today, and planned ones, by the day they arrive.
    planned : only those planned later.
    """

    stock: np.ndarray
    lost: np.ndarray
    receipts: np.ndarray
    orders: np.ndarray
    planned: np.ndarray


@dataclass(frozen=True)
class LaterOrders:
    """How orders after today's are proposed.

    lead_time, review, coverage : whole days, (n,).
    buffer : units kept beyond mean demand, (n,).
    limits : MOQ, multiple, maximum of one order.
    allowed : whether a row may be ordered at all, (n,).
    """

    lead_time: np.ndarray
    review: np.ndarray
    coverage: np.ndarray
    buffer: np.ndarray
    limits: Limits
    allowed: np.ndarray


def receipts_by_day(row: np.ndarray, day: np.ndarray, units: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Lay receipts out by day; those beyond the last day are left out. Shape (n, days)."""
    out = np.zeros(shape)
    at = np.floor(day).astype(int)
    inside = at < shape[1]
    np.add.at(out, (row[inside], at[inside]), units[inside])
    return out


def project(
    demand: CumulativeDemand,
    stock: np.ndarray,
    receipts: np.ndarray,
    placed: np.ndarray,
    later: LaterOrders | None,
    *,
    lost: bool,
) -> Netting:
    """Net expected demand against stock, receipts and orders, one day after the other.

    Order of events in a day: receive, review and order, demand, count. An order is proposed for each later
    arrival at which the stock, with what else is due before the next one, would fall short of the mean
    demand until then and the buffer.

    Parameters
    ----------
    stock : usable at the start, units, (n,).
    receipts, placed : open orders and today's orders by day of arrival, (n, days).
    later : how later orders are proposed; None: none are.
    """
    daily = demand.daily_mean()[:, : receipts.shape[1]]
    n, days = receipts.shape
    out, missed, planned = np.zeros((3, n, days))
    now = stock.astype(float).copy()
    due_until = np.cumsum(np.pad(receipts + placed, ((0, 0), (1, 0))), axis=1)
    for t in range(days):
        if later is not None:
            planned[:, t] = _later_order(demand, now, due_until, later, t)
        now = now + receipts[:, t] + placed[:, t] + planned[:, t]
        if lost:
            served = np.minimum(daily[:, t], np.maximum(now, 0))
            missed[:, t] = daily[:, t] - served
            now = now - served
        else:
            missed[:, t] = np.clip(daily[:, t] - np.maximum(now, 0), 0, None)
            now = now - daily[:, t]
        out[:, t] = now
    return Netting(out, missed, receipts, placed + planned, planned)


def _later_order(
    demand: CumulativeDemand, now: np.ndarray, due_until: np.ndarray, later: LaterOrders, t: int
) -> np.ndarray:
    n = len(now)
    out = np.zeros(n)
    since = t - later.lead_time
    rows = np.flatnonzero(later.allowed & (since > 0) & (since % later.review == 0))
    if not len(rows):
        return out
    last = due_until.shape[1] - 1
    window_end = np.minimum(t + later.review, last).astype(int)
    coming = due_until[np.arange(n), window_end] - due_until[:, t]
    start = demand.mean_to(np.full(n, float(t)))
    until_next = demand.mean_to(t + later.review) - start
    short = until_next + later.buffer - now - coming
    asked = np.where(short > 1e-6, short + demand.mean_to(t + later.coverage) - start - until_next, 0.0)
    part = Limits(later.limits.least[rows], later.limits.multiple[rows], later.limits.most[rows])
    out[rows] = size_orders(asked[rows], part).order
    return out


def first_shortage(netting: Netting) -> np.ndarray:
    """Return the first day on which mean demand is not met, inf where there is none, (n,)."""
    short = netting.lost > 1e-6
    return np.where(short.any(axis=1), short.argmax(axis=1), NEVER)


def days_of_supply(demand: CumulativeDemand, stock: np.ndarray) -> np.ndarray:
    """Return how many days the stock lasts, looking forward, fractions interpolated, (n,).

    The largest d with mean demand of the first d days <= stock; NaN where no demand is expected; beyond the
    horizon at the pace of its end.
    """
    stock = np.maximum(stock, 0)
    reached = (demand.mean <= stock[:, None] + 1e-9).sum(axis=1) - 1
    rows = np.arange(len(stock))
    low = np.minimum(reached, demand.days - 1)
    step = demand.mean[rows, low + 1] - demand.mean[rows, low]
    with np.errstate(invalid="ignore", divide="ignore"):
        inside = low + (stock - demand.mean[rows, low]) / step
        total = demand.mean[:, -1]
        pace = total / demand.days
        beyond = demand.days + (stock - total) / pace
    out = np.where(reached >= demand.days, beyond, inside)
    return np.where(total > 0, out, np.nan)


def risk(shortage_day: np.ndarray, lead_time: np.ndarray, review: np.ndarray, due: np.ndarray) -> np.ndarray:
    """Return red, amber or green, (n,): without new orders, what can no normal order save, what must be ordered now."""
    red = shortage_day < lead_time
    amber = (shortage_day < lead_time + review) | due
    return np.where(red, "red", np.where(amber, "amber", "green"))
