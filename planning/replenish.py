"""Time-phased netting: when stock runs out, what comes when, and which orders follow today's.

Items are netted all at once, one day after the other. Arrays are n item-locations x days to the reader; in memory
one day lies beside itself, so that each step touches one stretch of it.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from planning.distribution import CumulativeDemand
from planning.orders import Limits, size_orders

NEVER = np.inf
LEAST = 1e-6
"""Units below which nothing is short, and nothing is ordered."""


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

    def of(self, rows: np.ndarray | slice) -> "Netting":
        """Return the days of some rows."""
        return Netting(*(each[rows] for each in (self.stock, self.lost, self.receipts, self.orders, self.planned)))

    @cached_property
    def first_shortage(self) -> np.ndarray:
        """The first day on which mean demand is not met, inf where there is none, (n,)."""
        short = self.lost > LEAST
        return np.where(short.any(axis=1), short.argmax(axis=1), NEVER)

    @cached_property
    def is_late(self) -> np.ndarray:
        """Whether a receipt comes after the first shortage, (n,)."""
        after = np.arange(self.receipts.shape[1])[None, :] > self.first_shortage[:, None]
        return np.asarray((self.receipts * after).sum(axis=1) > 0)


@dataclass(frozen=True)
class Closed:
    """Arrivals that are not the plan's to propose, as a planner has set them: from `first` to `last` of `row`."""

    row: np.ndarray
    first: np.ndarray
    last: np.ndarray


@dataclass(frozen=True)
class LaterOrders:
    """How orders after today's are proposed.

    lead_time, coverage : whole days, (n,).
    review : whole days between two ordering occasions, (n,).
    buffer : units kept beyond mean demand, (n,) or by day (n, days).
    limits : MOQ, multiple, maximum of one order.
    allowed : whether a row may be ordered at all, (n,).
    first : day of the first occasion after today, (n,); None: one review from now.
    ceiling : most to hold, units, (n,); None: no such limit.
    life : days in which an arrival must be sold, (n,); None: no such limit.
    closed : what a planner has set; None: nothing.
    lot : units that an order brings beyond what is short, instead of the demand of its coverage, (n,); NaN: none.
    """

    lead_time: np.ndarray
    review: np.ndarray
    coverage: np.ndarray
    buffer: np.ndarray
    limits: Limits
    allowed: np.ndarray
    first: np.ndarray | None = None
    ceiling: np.ndarray | None = None
    life: np.ndarray | None = None
    closed: Closed | None = None
    lot: np.ndarray | None = None


def demand_of(demand: CumulativeDemand, rows: np.ndarray) -> CumulativeDemand:
    """Return mean and spread of the demand of some rows."""
    return CumulativeDemand(demand.mean[rows], demand.variance[rows], demand.whole[rows])


def empty_days(shape: tuple[int, int]) -> np.ndarray:
    """Return zeros, n x days, each day in one stretch of memory."""
    return np.zeros(shape[::-1]).T


def receipts_by_day(row: np.ndarray, day: np.ndarray, units: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Lay receipts out by day; those beyond the last day are left out. Shape (n, days)."""
    out = empty_days(shape)
    at = np.floor(day).astype(int)
    inside = at < shape[1]
    np.add.at(out, (row[inside], at[inside]), units[inside])
    return out


def occasions(weekday: np.ndarray, review: np.ndarray, today: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the first ordering occasion after today's, and the days between later ones, (n,) each.

    `as_of` is an occasion for everybody, and its order lasts until one review later. Where the supplier is ordered
    from on one weekday, the first later occasion is therefore the last such day within the review, and the others
    follow in whole weeks: never farther apart than the review, unless that is shorter than a week.

    Parameters
    ----------
    weekday : 0 is Monday, NaN where there is none, (n,).
    review : days, (n,).
    today : weekday of `as_of`.
    """
    step = np.maximum(np.floor(review), 1.0)
    fixed = ~np.isnan(weekday)
    weeks = np.maximum(np.floor(step / 7), 1.0) * 7
    ahead = np.mod(np.where(fixed, weekday, 0) - today, 7)
    ahead = np.where(ahead == 0, 7.0, ahead)
    first = np.where(ahead > step, ahead, ahead + 7 * np.floor((step - ahead) / 7))
    return np.where(fixed, first, step), np.where(fixed, weeks, step)


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
    arrival after which the stock would fall short of mean demand and the buffer on some day before the next one;
    a receipt counts from its own day on, never for a day before it.

    Parameters
    ----------
    stock : usable at the start, units, (n,).
    receipts, placed : open orders and today's orders by day of arrival, (n, days).
    later : how later orders are proposed; None: none are.
    """
    n, days = receipts.shape
    due = np.ascontiguousarray((receipts + placed).T)
    reach = np.ascontiguousarray(demand.mean.T)
    daily = np.diff(reach[: days + 1], axis=0)
    out, missed, planned = np.zeros((3, days, n))
    plan = None if later is None else _Plan(later, reach, due)
    now = stock.astype(float)
    for t in range(days):
        if plan is not None:
            plan.propose(t, now, planned[t])
        now = now + due[t]
        now += planned[t]
        at_hand = np.maximum(now, 0)
        np.subtract(daily[t], at_hand, out=missed[t])
        np.maximum(missed[t], 0, out=missed[t])
        now -= daily[t]
        if lost:
            now += missed[t]
        out[t] = now
    return Netting(out.T, missed.T, receipts, placed + planned.T, planned.T)


class _Plan:
    """Proposes later orders; holds what no day changes.

    ahead : what demand has asked for beyond what came, from today to the end of each day, units, (days, n).
    """

    def __init__(self, how: LaterOrders, reach: np.ndarray, due: np.ndarray) -> None:
        self.how, self.reach, self.due = how, reach, due
        self.days = len(due)
        self.came = np.concatenate([np.zeros((1, due.shape[1])), np.cumsum(due, axis=0)])
        self.ahead = reach[1 : self.days + 1] - self.came[1:]
        self.step = np.maximum(np.floor(how.review), 1).astype(int)
        self.first = self.step if how.first is None else how.first.astype(int)
        self.lead = np.where(np.isfinite(how.lead_time), np.nan_to_num(how.lead_time, posinf=0.0), 0).astype(int)
        back = min(28, len(reach) - 1)
        self.pace = (reach[-1] - reach[-1 - back]) / max(back, 1)

    def propose(self, t: int, now: np.ndarray, out: np.ndarray) -> None:
        """Write the orders that should arrive on day `t` into `out`, given the stock before it."""
        since = t - self.lead - self.first
        due = self.how.allowed & (since >= 0) & (since % self.step == 0)
        if self.how.closed is not None:
            held = self.how.closed
            due[held.row[(held.first <= t) & (t <= held.last)]] = False
        rows = np.flatnonzero(due)
        if not len(rows):
            return
        short = self._most_ahead(t, rows) - (self.reach[t, rows] - self.came[t, rows])
        short += self._buffer(t, rows) - now[rows]
        needed = short > LEAST
        rows, short = rows[needed], short[needed]
        if not len(rows):
            return
        asked = short + self._beyond(t, rows)
        limits = self.how.limits
        most = np.minimum(limits.most[rows], self._room(t, rows, now[rows] + self.due[t, rows]))
        out[rows] = size_orders(asked, Limits(limits.least[rows], limits.multiple[rows], most)).order

    def _most_ahead(self, t: int, rows: np.ndarray) -> np.ndarray:
        """Most that demand is ahead of receipts on a day from `t` to the next arrival, units, one each of `rows`."""
        step = self.step[rows]
        beyond = t + step > self.days
        out = np.full(len(rows), -np.inf)
        for width in np.unique(step):
            some = step == width
            out[some] = self.ahead[t : t + width, rows[some]].max(axis=0)
        if beyond.any():
            some = rows[beyond]
            out[beyond] = np.maximum(out[beyond], self._reach(some, t + step[beyond]) - self.came[-1, some])
        return out

    def _beyond(self, t: int, rows: np.ndarray) -> np.ndarray:
        """Units that an order brings beyond what is short before the next one."""
        end = t + np.ceil(self.how.coverage[rows]).astype(int)
        out = np.maximum(self._reach(rows, end) - self._reach(rows, t + self.step[rows]), 0.0)
        return np.asarray(
            out if self.how.lot is None else np.where(np.isnan(self.how.lot[rows]), out, self.how.lot[rows])
        )

    def _buffer(self, t: int, rows: np.ndarray) -> np.ndarray:
        buffer = self.how.buffer
        return np.asarray(buffer[rows] if buffer.ndim == 1 else buffer[rows, t])

    def _room(self, t: int, rows: np.ndarray, held: np.ndarray) -> np.ndarray:
        """Units that may be received on day `t` without passing the most to hold, or lasting longer than they may."""
        room = np.full(len(rows), np.inf)
        if self.how.ceiling is not None:
            room = np.maximum(self.how.ceiling[rows] - np.maximum(held, 0), 0)
        if self.how.life is not None:
            short = np.isfinite(self.how.life[rows])
            some = rows[short]
            sold = self._reach(some, t + self.how.life[some].astype(int)) - self.reach[t, some]
            room[short] = np.minimum(room[short], np.maximum(sold - np.maximum(held[short], 0), 0))
        return room

    def _reach(self, rows: np.ndarray, day: np.ndarray) -> np.ndarray:
        """Mean demand of the days before `day`, beyond the last at the pace of the last four weeks."""
        last = len(self.reach) - 1
        inside = np.minimum(day, last)
        return np.asarray(self.reach[inside, rows] + self.pace[rows] * (day - inside))


@dataclass(frozen=True)
class Requirements:
    """The record of time-phased netting by bucket, n x buckets, units; what was due before the first is `past_due`.

    net : what is missing to the safety stock, were nothing more to be received.
    receipts, releases : planned orders by the bucket of their arrival, and of their release.
    available : projected stock at the end of the bucket.
    past_due : planned orders whose release lies before the first bucket, (n,).
    """

    net: np.ndarray
    receipts: np.ndarray
    releases: np.ndarray
    available: np.ndarray
    past_due: np.ndarray


def net_requirements(
    gross: np.ndarray,
    receipts: np.ndarray,
    stock: np.ndarray,
    safety: np.ndarray,
    lead: np.ndarray,
    limits: Limits,
    *,
    lost: bool = False,
) -> Requirements:
    """Return what should arrive in each bucket so that stock never falls below the safety stock, and when to order it.

    Nothing is held back by the lead time: what should have been released before the first bucket is past due.

    Parameters
    ----------
    gross, receipts : demand and open orders by bucket, units, (n, buckets).
    stock : usable at the start, units, (n,).
    safety : by bucket, units, (n, buckets) or (n,).
    lead : whole buckets, (n,).
    lost : whether unmet demand is lost; only an order that its limits forbid leaves any.

    Source: the distribution and material requirements planning record (APICS).
    """
    n, buckets = gross.shape
    safety = np.broadcast_to(safety if safety.ndim == 2 else safety[:, None], gross.shape)
    net, planned, available = np.zeros((3, buckets, n))
    now = stock.astype(float)
    for t in range(buckets):
        now = now + receipts[:, t] - gross[:, t]
        net[t] = np.maximum(safety[:, t] - now, 0)
        planned[t] = size_orders(net[t], limits).order
        now = now + planned[t]
        now = np.maximum(now, 0) if lost else now
        available[t] = now
    releases = np.zeros((buckets, n))
    row, bucket = np.nonzero(planned.T)
    at = bucket - lead[row].astype(int)
    inside = at >= 0
    np.add.at(releases, (at[inside], row[inside]), planned[bucket[inside], row[inside]])
    past_due = np.bincount(row[~inside], planned[bucket[~inside], row[~inside]], minlength=n)
    return Requirements(net.T, planned.T, releases.T, available.T, past_due)


@dataclass(frozen=True)
class Spreads:
    """How the spread of demand over the coming interval runs on, week by week, (weeks, n) each.

    times : as many times today's; NaN where nothing is sold over the interval from today.
    units : the standard deviation, told in advance; what those rows go by.
    """

    times: np.ndarray
    units: np.ndarray

    def of(self, rows: np.ndarray | slice) -> "Spreads":
        """Return those of some rows."""
        return Spreads(self.times[:, rows], self.units[:, rows])


def coming_spreads(demand: CumulativeDemand, interval: np.ndarray, days: int) -> Spreads:
    """Return the spread of demand over the interval that begins with each week.

    Seen from its own morning, each interval is as uncertain as today's: a gamma keeps its shape, a negative binomial
    its size, so that its spread changes with its mean alone.

    Parameters
    ----------
    interval : what one order must cover, days, (n,).
    """
    mean, variance = demand.mean_to(interval), demand.variance_to(interval)
    own = np.where(demand.whole, np.minimum(mean, variance), 0.0)
    times, units = np.empty((2, -(-days // 7), len(mean)))
    for week in range(len(times)):
        start = np.full(len(mean), 7.0 * week)
        coming, spread = demand.between(start, start + interval)
        with np.errstate(invalid="ignore", divide="ignore"):
            more = coming / mean
            share = (own * more + (variance - own) * more**2) / variance
            times[week] = np.where(mean > 0, np.sqrt(np.where(variance > 0, share, more**2)), np.nan)
        units[week] = np.sqrt(spread)
    return Spreads(times, units)


def safety_by_day(spreads: Spreads, buffer: np.ndarray, least: np.ndarray, z: np.ndarray, days: int) -> np.ndarray:
    """Return the safety stock of each day, told anew each week, units, (n, days).

    The policy's buffer, which is the quantile of demand over the coming interval less its mean, follows that
    interval's spread: exactly for a gamma, nearly for counts. What is not sold today, but will be, has a buffer of
    `z` spreads.

    Parameters
    ----------
    buffer : the policy's, units, (n,); least : what is held beyond mean demand in any case, units, (n,).
    z : standard normal quantile of the service target, (n,).
    """
    known = np.maximum(buffer, 0) * spreads.times
    weekly = np.maximum(np.where(np.isnan(known), np.maximum(z, 0) * spreads.units, known), least)
    return np.repeat(weekly, 7, axis=0)[:days].T


def first_shortage(netting: Netting) -> np.ndarray:
    """Return the first day on which mean demand is not met, inf where there is none, (n,)."""
    return netting.first_shortage


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
