"""From a service measure to the order that reaches it.

Everything is read off one table an item-location: the *need* at the arrival of an order placed now, that is
the units which the order must bring so that nothing is short until the next one arrives. The table does not
depend on the service target, so a slider only looks it up.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy import special

from planning.distribution import CumulativeDemand, expected_shortage
from planning.lanes import side_by_side
from planning.window import moments, tie, tied

LEAD_TIMES = 5
POINTS = 101
NEXT_LEAD = (1, 4, 2, 0, 3)
"""The lead time of the next order that goes with each lead time of this one: uncorrelated ranks."""
_LATTICE = 18
"""101 points paired by powers of 18 fill the square evenly, whichever two of the first six are paired.

Stock is put in order before each draw, so that it and the draw fill the square whatever came before.
Source: L'Ecuyer, Lecot & Tuffin, Operations Research 56 (2008) 958-975 (array-RQMC).
"""
_TURN = 37
"""By so many places, times its number, each draw is turned from one lead time to the next."""
STEPS = 60


@dataclass(frozen=True)
class Supply:
    """What covers demand before and after the next order, for n item-locations.

    stock : usable on hand less committed and backorders, units, (n,); below zero: owed.
    receipt_day, receipt_units : open orders by day from `as_of`, ascending, padded with inf and 0, (n, s).
    lead_time, lead_time_sd, review : days, (n,).
    lead_shape : equally likely lead times as receipts tell them, less their mean and by their spread, ascending,
        (n, 5), NaN where they do not; None: nowhere.
    """

    stock: np.ndarray
    receipt_day: np.ndarray
    receipt_units: np.ndarray
    lead_time: np.ndarray
    lead_time_sd: np.ndarray
    review: np.ndarray
    lead_shape: np.ndarray | None = None

    def received_before(self, day: np.ndarray) -> np.ndarray:
        """Return the units of open orders due before `day`, (n,)."""
        return np.asarray(np.where(self.receipt_day < day[:, None], self.receipt_units, 0.0).sum(axis=1))


@dataclass(frozen=True)
class Need:
    """The distribution of the need at arrival, as equally likely values, for n item-locations.

    need : ascending, units, (n, m); what an order must bring so that nothing is short until the next arrives.
    before : where unmet demand is backordered, what is short already before the arrival, ascending, (n, m).
    between : mean demand from the arrival to the next one, units, (n,).
    arriving_stock : mean stock at the arrival, units, (n,).
    lost_before : mean units short before the arrival, (n,).
    relieved : mean demand between the arrivals that open orders due in between serve, units, (n,).
    undershoot : by how much a review finds the position below a reorder point on average, E[D_R^2] / (2 E[D_R]),
        units, (n,).
    whole : whether the item is counted in whole units, (n,).
    at_hand, owed : lost sales, as `need` and `before` but for units that are at hand today instead of ordered: with y
        of them more, E[(at_hand - y)+] - E[(owed - y)+] is short between the arrivals, ascending, (n, m).
    """

    need: np.ndarray
    before: np.ndarray | None
    between: np.ndarray
    arriving_stock: np.ndarray
    lost_before: np.ndarray
    relieved: np.ndarray | float = 0.0
    undershoot: np.ndarray | float = 0.0
    whole: np.ndarray | bool = False
    at_hand: np.ndarray | None = None
    owed: np.ndarray | None = None

    @property
    def mean(self) -> np.ndarray:
        """Mean need, units, (n,): what an order must bring to cover mean demand alone."""
        return np.asarray(self.between - self.arriving_stock - self.relieved)

    def after(self, units: np.ndarray) -> "Need":
        """Return what is still needed once these units, (n,), come with the order."""
        if not units.any():
            return self
        before = None if self.before is None else self.before - units[:, None]
        return replace(self, need=self.need - units[:, None], before=before, arriving_stock=self.arriving_stock + units)

    def short(self, order: np.ndarray) -> np.ndarray:
        """Return the mean units short between this arrival and the next if `order` arrives, (n,)."""
        after = _shortage(self.need, self.tail, order)
        if self.before is None:
            return after
        return np.asarray(np.maximum(after - _shortage(self.before, self._tail_before, order), 0))

    def missed(self, rows: np.ndarray, order: np.ndarray) -> np.ndarray:
        """Return the mean units of need beyond `order`, (k,), at these rows, what is owed already among them."""
        return _shortage(self.need, self.tail, order, rows)

    def short_with_lot(self, order: np.ndarray, lot: np.ndarray, fixed: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Return the mean units short between two arrivals over all that a lot brings on top of `order`, (k,).

        What a review leaves the position at goes from the reorder point up to a lot above it. With whole lots every
        place is as likely. Filled up to the top, the top itself weighs max(U, E[D_R]), where U is the undershoot
        (and half a unit of whole ones), and every place from max(E[D_R] - U, 0) below it on one a unit: the renewal
        function of demand over a review, at its asymptote. Without a lot the top is all there is.

        Parameters
        ----------
        order : to the reorder point, units, (k,). lot : units, (k,). fixed : whether only whole lots come, (k,).
        rows : which needs these are, (k,).

        Source: Silver, Pyke & Thomas (2017), ch. 6 and 7; Tijms & Groenevelt, EJOR 17 (1984) 175-190.
        """
        whole = np.broadcast_to(self.whole, self.between.shape)[rows]
        under = np.broadcast_to(self.undershoot, self.between.shape)[rows] + np.where(whole, 0.5, 0.0)
        step = self.between[rows]
        weight = np.where(fixed, 0.0, np.maximum(under, step))
        gap = np.where(fixed, 0.0, np.minimum(np.maximum(step - under, 0.0), lot))
        # A sum over whole units is the integral from half a unit below the first to half a unit above the last.
        half = np.where(whole, 0.5, 0.0)
        low, high, top = order - half, order + lot - gap - half, order + lot
        total = weight * _shortage(self.need, self.tail, top, rows)
        if self.before is not None:
            total -= weight * _shortage(self.before, self._tail_before, top, rows)
        for sign, table in zip((1, -1), self._places, strict=False):
            total += sign * (_area(*table, low, rows) - _area(*table, high, rows))
        return np.asarray(np.maximum(total, 0) / (weight + lot - gap))

    @cached_property
    def tail(self) -> np.ndarray:
        """Sum of the needs from each on, units, (n, m + 1): with it a shortage is a look-up."""
        return _tail(self.need)

    @cached_property
    def _tail_before(self) -> np.ndarray:
        assert self.before is not None
        return _tail(self.before)

    @cached_property
    def _places(self) -> tuple[tuple[np.ndarray, np.ndarray, np.ndarray], ...]:
        """What is short at, and what already before, an arrival: points, their sums and the integrals of both."""
        if self.before is None and self.at_hand is not None and self.owed is not None:
            pairs = [(points, _tail(points)) for points in (self.at_hand, self.owed)]
        else:
            pairs = [(self.need, self.tail)] + ([] if self.before is None else [(self.before, self._tail_before)])
        return tuple((points, tail, _areas(points, tail)) for points, tail in pairs)

    def fill_rate(
        self, order: np.ndarray, lot: np.ndarray | float = 0.0, fixed: np.ndarray | bool = False
    ) -> np.ndarray:
        """Return the share of demand served between the arrivals, NaN without demand, (n,).

        Parameters
        ----------
        order : units, (n,); with a lot on top, what reaches the reorder point.
        lot : units that an order brings on top, 0: none. fixed : whether only whole lots come.
        """
        short, rows = self.short(order), np.flatnonzero(np.broadcast_to(lot, order.shape) > 0)
        if len(rows):
            lots, fixes = (np.broadcast_to(given, order.shape)[rows] for given in (lot, fixed))
            short[rows] = self.short_with_lot(order[rows], lots, fixes, rows)
        with np.errstate(invalid="ignore", divide="ignore"):
            served = np.clip(1 - short / self.between, 0, 1)
        return np.asarray(np.where(self.between > 0, served, np.nan))

    def cycle_service_level(self, order: np.ndarray) -> np.ndarray:
        """Return the chance that nothing is short between the arrivals, (n,)."""
        return np.asarray(_first_above(self.need, order + 1e-9) / self.need.shape[1])

    def order_for_cycle_service(self, target: np.ndarray) -> np.ndarray:
        """Return the least order with P(need <= order) >= target, units, (n,); below zero: stock is enough."""
        m = self.need.shape[1]
        at = np.clip(np.ceil(target * m - 1e-9).astype(int) - 1, 0, m - 1)
        return np.asarray(self.need[np.arange(len(self.need)), at])

    def order_for_fill_rate(
        self, target: np.ndarray, lot: np.ndarray | float = 0.0, fixed: np.ndarray | bool = False
    ) -> np.ndarray:
        """Return the least order that serves the target share of demand, units, (n,); may be below zero.

        Lost sales: E[(need - q)+] <= (1 - target) E[D between].  Backorders, exact for (R, S):
        E[(need - q)+] - E[(short before - q)+] <= (1 - target) E[D between].
        Where an order brings a lot on top, the left side is its mean over all places that a review leaves the
        position at.
        """
        allowed = (1 - target) * self.between
        out = _order_for_loss(self.need, self.tail, allowed) if self.before is None else self._bisect(allowed)
        rows = np.flatnonzero(np.broadcast_to(lot, out.shape) > 0)
        if len(rows):
            lots, fixes = (np.broadcast_to(given, out.shape)[rows] for given in (lot, fixed))
            out[rows] = self._point_for_loss(allowed[rows], lots, fixes, out[rows], rows)
        return out

    def _point_for_loss(
        self, allowed: np.ndarray, lot: np.ndarray, fixed: np.ndarray, without: np.ndarray, rows: np.ndarray
    ) -> np.ndarray:
        """Return the least order with no more than `allowed` short, (k,), from a lot below `without` one up to it.

        False position; an end that stays twice counts by half (Illinois): a third of the steps of bisection.
        """
        least, most = (table[0][rows, at] for table, at in ((self._places[-1], 0), (self._places[0], -1)))
        high = np.where(self.short_with_lot(without + 1.0, lot, fixed, rows) > allowed, most, without) + 1.0
        ends = np.stack([np.minimum(without, least) - lot - 1.0, np.maximum(without + 1.0, high)])
        over = np.stack([self.short_with_lot(end, lot, fixed, rows) - allowed for end in ends])
        last, out = np.full(len(rows), -1), ends[1]
        open_ = np.arange(len(rows))
        for _ in range(STEPS):
            open_ = open_[ends[1, open_] - ends[0, open_] > 1e-7 * (1 + np.abs(out[open_]))]
            if not len(open_):
                break
            (low, high), (left, right) = ends[:, open_], over[:, open_]
            share = np.where(left > right, left / np.where(left > right, left - right, 1.0), 0.5)
            middle = low + np.clip(share, 1e-3, 1 - 1e-3) * (high - low)
            found = self.short_with_lot(middle, lot[open_], fixed[open_], rows[open_]) - allowed[open_]
            side = (found <= 1e-12).astype(int)
            over[1 - side, open_] *= np.where(last[open_] == side, 0.5, 1.0)
            ends[side, open_], over[side, open_], last[open_] = middle, found, side
        return np.asarray(out)

    def _bisect(self, allowed: np.ndarray) -> np.ndarray:
        assert self.before is not None
        low, high = self.before[:, 0] - 1.0, self.need[:, -1].copy()
        for _ in range(60):
            middle = (low + high) / 2
            enough = self.short(middle) <= allowed + 1e-12
            high, low = np.where(enough, middle, high), np.where(enough, low, middle)
        return high


def _tail(points: np.ndarray) -> np.ndarray:
    n, m = points.shape
    out = np.zeros((n, m + 1))
    np.cumsum(points[:, ::-1], axis=1, out=out[:, m - 1 :: -1] if m else out[:, :0])
    return out


def _first_above(points: np.ndarray, level: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
    """Return how many of a row's ascending `points` are at or below its level, (n,); of `rows` where they are named."""
    rows, m = np.arange(len(points)) if rows is None else rows, points.shape[1]
    low, high = np.zeros(len(rows), int), np.full(len(rows), m)
    for _ in range(m.bit_length()):
        middle = (low + high) // 2
        below = (points[rows, np.minimum(middle, m - 1)] <= level) & (middle < m)
        low, high = np.where(below, middle + 1, low), np.where(below, high, middle)
        low = np.minimum(low, high)
    return low


def _shortage(points: np.ndarray, tail: np.ndarray, order: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
    """Return mean (points - order)+, (n,); of `rows` where they are named."""
    rows, m = np.arange(len(points)) if rows is None else rows, points.shape[1]
    at = _first_above(points, order, rows)
    return np.asarray(np.maximum(tail[rows, at] - (m - at) * order, 0) / m)


def _areas(points: np.ndarray, tail: np.ndarray) -> np.ndarray:
    """Return the integral of mean (points - y)+ over y from each point on, units squared, (n, m).

    Between two points the mean is a straight line.
    """
    m = points.shape[1]
    out = np.zeros(points.shape)
    for rows in np.array_split(np.arange(len(points)), len(points) // 2048 + 1):
        short = np.maximum(tail[rows, :m] - np.arange(m, 0, -1) * points[rows], 0) / m
        pieces = (short[:, 1:] + short[:, :-1]) / 2 * np.diff(points[rows], axis=1)
        out[rows, m - 2 :: -1] = np.cumsum(pieces[:, ::-1], axis=1)
    return out


def _area(points: np.ndarray, tail: np.ndarray, areas: np.ndarray, order: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return the integral of mean (points - y)+ over y from `order` on, units squared, (k,)."""
    m = points.shape[1]
    at = np.minimum(_first_above(points, order, rows), m - 1)
    here, left = points[rows, at], m - at
    ends = tail[rows, at] - left * order + tail[rows, at] - left * here
    return np.asarray(areas[rows, at] + np.maximum(here - order, 0) * np.maximum(ends, 0) / (2 * m))


def _order_for_loss(need: np.ndarray, tail: np.ndarray, allowed: np.ndarray) -> np.ndarray:
    """Return the q with mean (need - q)+ = allowed. `need` ascending, (n, m)."""
    rows, m = np.arange(len(need)), need.shape[1]
    low, high = np.zeros(len(need), int), np.full(len(need), m - 1)
    for _ in range(m.bit_length()):
        # The first point at which no more than what is allowed is lost; at the last nothing is.
        middle = (low + high) // 2
        more = tail[rows, middle] - (m - middle) * need[rows, middle] > (allowed + 1e-12) * m
        low, high = np.where(more & (low < high), middle + 1, low), np.where(more, high, middle)
    loss = (tail[rows, low] - (m - low) * need[rows, low]) / m
    return np.asarray(need[rows, low] - (allowed - loss) * m / (m - low))


def build_need(demand: CumulativeDemand, supply: Supply, *, lost: bool) -> Need:
    """Work out the need at arrival of an order placed now (projected inventory level).

    Lead times are spread over five equally likely values, demand over 101 points in each, paired on a
    lattice: no random number, so equal inputs give equal orders and more demand never gives a smaller one.
    With lost sales the stock never falls below nothing, and what was lost before the arrival does not draw
    on the order. Source: projected inventory level policies, van Jaarsveld & Arts (2024).
    """
    n = len(supply.stock)
    need, before = np.empty((2, n, LEAD_TIMES * POINTS))
    at_hand = np.empty((n, LEAD_TIMES * POINTS), np.float32) if lost else None
    stocks, losses, between, relieved = np.zeros((4, n))
    leads = _lead_times(supply).T

    def part(j: int) -> tuple[np.ndarray, ...]:
        """Fill the columns of one lead time; return the means of stock, loss, demand and relief, (n,) each."""
        columns = slice(j * POINTS, (j + 1) * POINTS)
        stock, short = _stock_at(demand, supply, leads[j], j, lost=lost)
        # The next order has a lead time of its own: until it arrives may be longer, or shorter, than a review period.
        # Backorders only ask for the whole interval, whose lead time is one either way.
        end = np.maximum(leads[NEXT_LEAD[j]] + supply.review, leads[j]) if lost else leads[j] + supply.review
        window, mean, relief = _window_demand(demand, supply, leads[j], end, j, joined=not lost)
        if lost:
            by = np.lexsort((-short, stock), axis=1)
            stock, short = (np.take_along_axis(part, by, axis=1) for part in (stock, short))
            window.sort(axis=1)
            window = _laid(window, tie(demand, np.zeros(n), leads[j], end), j, 0) - stock
        need[:, columns] = window
        if at_hand is not None:
            # What is at hand today serves first what would be lost before the arrival.
            at_hand[:, columns] = np.where(short > 0, np.maximum(window, 0) + short, window)
        # The same open orders count for what is short before and after, so that their difference is demand's alone.
        before[:, columns] = np.where(short > 0, short, -stock) if lost else short - relief[:, None]
        held = np.maximum(stock, 0 if lost else -np.inf).mean(axis=1)
        return held, (short if lost else np.maximum(short, 0)).mean(axis=1), mean, relief

    # Added up in one order, whichever is done first.
    for means in side_by_side(part, range(len(leads))):
        for total, one in zip((stocks, losses, between, relieved), means, strict=True):
            total += one / LEAD_TIMES
    side_by_side(lambda told: told.sort(axis=1), [told for told in (need, before, at_hand) if told is not None])
    mean, variance = demand.between(np.zeros(n), supply.review)
    under = np.where(mean > 0, (mean + variance / np.where(mean > 0, mean, 1.0)) / 2, 0.0)
    owed = before.astype(np.float32) if lost else None
    return Need(need, None if lost else before, between, stocks, losses, relieved, under, demand.whole, at_hand, owed)


def _lead_times(supply: Supply) -> np.ndarray:
    """Five equally likely lead times with the mean and spread asked for, days, (n, 5).

    They are shaped as receipts tell, else as a gamma. Source: Eppen & Martin, Management Science 34 (1988) 1380-1390,
    on why a mixture and not a normal.
    """
    return lead_time_points(supply.lead_time, supply.lead_time_sd, supply.lead_shape)


def lead_time_points(mean: np.ndarray, sd: np.ndarray, lead_shape: np.ndarray | None) -> np.ndarray:
    """Return five equally likely lead times, days, (n, 5); see `Supply` for mean, spread and shape."""
    # A spread of a rounding error is none.
    spread = (mean > 0) & (sd > 1e-6 * np.maximum(mean, 1.0))
    shape = np.where(spread, (mean / np.where(spread, sd, 1.0)) ** 2, 1.0)
    z = special.gammaincinv(shape[:, None], (np.arange(LEAD_TIMES) + 0.5) / LEAD_TIMES)
    z = (z - z.mean(axis=1, keepdims=True)) / z.std(axis=1, keepdims=True)
    if lead_shape is not None:
        z = np.where(np.isnan(lead_shape), z, lead_shape)
    return np.asarray(np.maximum(mean[:, None] + np.where(spread, sd, 0.0)[:, None] * z, 0.0))


def _draw(
    demand: CumulativeDemand, start: np.ndarray, end: np.ndarray, rows: np.ndarray, j: int, turn: int
) -> np.ndarray:
    """Demand of `rows` from `start` to `end` at 101 points, ascending; `turn` numbers the draws of one lead time.

    Over the five lead times the points are 505, the last of which stands for all that is beyond it.
    """
    place = (j * ((turn + 1) % (LEAD_TIMES - 1) + 1)) % LEAD_TIMES
    p = (np.arange(POINTS) + (place + 0.5) / LEAD_TIMES) / POINTS
    mean, variance = (moment[rows] for moment in moments(demand, start, end))
    if place == LEAD_TIMES - 1:
        p[-1] = 1 - 1 / (LEAD_TIMES * POINTS)
    table = demand.quantiles(p, mean, variance, rows)
    if place == LEAD_TIMES - 1:
        table[:, -1] += expected_shortage(table[:, -1], mean, variance, demand.whole[rows]) / (1 - p[-1])
    return table


def _laid(points: np.ndarray, ties: np.ndarray, j: int, turn: int, step: int = _LATTICE) -> np.ndarray:
    """Return a draw's ascending points, (n, 101), as they go with paths in order of their demand so far, most first.

    ties : how far they go together (`planning.window.tie`), (n,). Each lead time is paired in its own way.
    """
    places = tied(POINTS, step, j * (turn + 1) * _TURN % POINTS)
    return np.take_along_axis(points, places[ties], axis=1)


def _stock_at(
    demand: CumulativeDemand, supply: Supply, lead: np.ndarray, j: int, *, lost: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return the stock just before an arrival on day `lead`, and what was short until then, (n, 101) each."""
    n = len(lead)
    stock = np.repeat(supply.stock[:, None], POINTS, axis=1)
    if not lost:
        # Nothing is lost, so only totals count: one draw, exact in its distribution.
        stock = (
            stock + supply.received_before(lead + 1e-9)[:, None] - _draw(demand, np.zeros(n), lead, np.arange(n), j, 1)
        )
        return stock, -stock
    short, at = np.zeros((n, POINTS)), np.zeros(n)
    for s in range(supply.receipt_day.shape[1] + 1):
        day = supply.receipt_day[:, s] if s < supply.receipt_day.shape[1] else np.full(n, np.inf)
        due = np.minimum(day, lead)
        rows = np.flatnonzero(due > at)
        if len(rows):
            ties = tie(demand, np.zeros(n), at, due)[rows]
            wanted = _laid(_draw(demand, at, due, rows, j, 1 + s), ties, j, 1 + s)
            held = np.sort(stock[rows], axis=1)
            served = np.minimum(wanted, np.maximum(held, 0))
            stock[rows] = held - served
            short[rows] += wanted - served
        stock += np.where(day <= lead, supply.receipt_units[:, s] if s < supply.receipt_day.shape[1] else 0.0, 0.0)[
            :, None
        ]
        at = np.maximum(at, due)
    return stock, short


def _window_demand(
    demand: CumulativeDemand, supply: Supply, lead: np.ndarray, end: np.ndarray, j: int, *, joined: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Most that demand runs ahead of receipts before the next arrival, (n, 101); mean demand and relief, (n,) each.

    Lost sales: from the arrival on. Backorders (`joined`): from now on, less stock and receipts, so that the
    distribution is that of the whole interval.
    """
    n = len(lead)
    mean = demand.between(lead, end)[0]
    if joined:
        relief = supply.received_before(end) - supply.received_before(lead + 1e-9)
        owed = supply.stock + supply.received_before(end)
        return _draw(demand, np.zeros(n), end, np.arange(n), j, 0) - owed[:, None], mean, relief
    total, most, at = np.zeros((n, POINTS)), np.full((n, POINTS), -np.inf), lead.copy()
    received = np.zeros(n)
    for s in range(supply.receipt_day.shape[1] + 1):
        inner = s < supply.receipt_day.shape[1]
        day = supply.receipt_day[:, s] if inner else end
        rows = np.flatnonzero((day > lead) & (day < end)) if inner else np.arange(n)
        if not len(rows):
            continue
        until = np.where(np.isin(np.arange(n), rows), day, at)
        turn = supply.receipt_day.shape[1] + 2 + s if inner else 0
        by = np.argsort(-total[rows], axis=1, kind="stable")
        total[rows], most[rows] = (np.take_along_axis(part[rows], by, axis=1) for part in (total, most))
        ties = tie(demand, lead, at, until)[rows]
        total[rows] += _laid(_draw(demand, at, until, rows, j, turn), ties, j, turn, pow(_LATTICE, turn, POINTS))
        most[rows] = np.maximum(most[rows], total[rows])
        if inner:
            total[rows] -= supply.receipt_units[rows, s][:, None]
            received[rows] += supply.receipt_units[rows, s]
        at = until
    return most, mean, (total + received[:, None] - most).mean(axis=1)


@dataclass(frozen=True)
class Levels:
    """The policy of n item-locations, in units.

    raw_order : what reaches the service target exactly; below zero: stock is more than enough, (n,).
    order : raw_order, or more where the mean demand or a least stock asks for it, (n,).
    due : whether an order is due, (n,).
    lot : what an order brings on top at least, (n,); 0: nothing, it fills up to a level.
    fixed : whether only whole lots come, (n,).
    at_point : whether an order is due at the reorder point itself, not only below it, (n,).
    kept : of both orders, what is kept for the safety stock of those that a row feeds (see `planning.echelon`), (n,).
    waits : of both orders, what these sell until they are sent what arrives, (n,).
    """

    raw_order: np.ndarray
    order: np.ndarray
    due: np.ndarray
    lot: np.ndarray
    fixed: np.ndarray
    at_point: np.ndarray
    kept: np.ndarray | float = 0.0
    waits: np.ndarray | float = 0.0

    @property
    def own(self) -> np.ndarray:
        """The order for the row's own need and target, units, (n,)."""
        return np.asarray(self.order - self.kept - self.waits)

    def fill_rate(self, need: Need) -> np.ndarray:
        """Return the share of demand that the policy serves, NaN without demand, (n,)."""
        # Of whole units, at or below a point is below the next one.
        one = np.where(self.at_point & np.asarray(need.whole) & (self.lot >= 1), 1.0, 0.0)
        return need.fill_rate(self.own + one, self.lot - one, self.fixed)


def find_levels(
    need: Need,
    measure: str,
    target: np.ndarray,
    critical_ratio: np.ndarray,
    least_stock: np.ndarray,
    *,
    lot: np.ndarray | None = None,
    fixed: np.ndarray | None = None,
    pinned: np.ndarray | None = None,
    missing: np.ndarray | None = None,
) -> Levels:
    """Return the order that reaches the service target, and whether it is due.

    Parameters
    ----------
    measure : "fill_rate", "cycle_service_level" or "cost".
    target : fraction, (n,); of the first two measures.
    critical_ratio : shortage cost / (shortage cost + holding cost until the next order), (n,); of "cost".
    least_stock : units to hold at least beyond mean demand (minimum and presentation stock), (n,).
    lot : what an order brings on top at least, units, (n,); None: nothing. No reorder point with a lot lies below
        mean demand.
    fixed : whether only whole lots come, (n,); None: nowhere.
    pinned : safety stock set by hand, units, (n,), NaN where it is not: then no target decides.
    missing : units from the position up to a reorder point that is given, (n,), NaN where it is not: then neither
        the target nor the least stock decides, and an order is due at the reorder point, not only below it.
    """
    n = len(need.between)
    lot = np.zeros(n) if lot is None else lot
    fixed = np.zeros(n, bool) if fixed is None else fixed
    at_point = np.zeros(n, bool) if missing is None else ~np.isnan(missing)
    mean_need = need.mean
    if measure == "fill_rate":
        raw = need.order_for_fill_rate(target, lot, fixed)
        raw = np.where(lot > 0, np.maximum(raw, mean_need), raw)
        floor = mean_need + least_stock
    else:
        raw = need.order_for_cycle_service(target if measure == "cycle_service_level" else critical_ratio)
        floor = np.where(least_stock > 0, mean_need + least_stock, -np.inf)
    raw = np.where(least_stock > 0, np.maximum(raw, mean_need + least_stock), raw)
    raw = np.where(need.between > 0, raw, np.where(least_stock > 0, raw, np.minimum(raw, 0)))
    order, due = np.maximum(raw, floor), raw > 1e-9
    if missing is not None:
        raw, order = np.where(at_point, missing, raw), np.where(at_point, missing, order)
        due = np.where(at_point, (missing >= -1e-9) & (missing + lot > 1e-9), due)
    if pinned is not None:
        by_hand = mean_need + np.maximum(pinned, least_stock)
        # A reorder point that is given stays where it is higher than the pin asks for.
        by_hand = by_hand if missing is None else np.fmax(by_hand, np.where(np.isnan(pinned), np.nan, missing))
        raw, order = (np.where(np.isnan(pinned), units, by_hand) for units in (raw, order))
        due = np.where(np.isnan(pinned), due, due & (raw > -1e-9) | (raw > 1e-9))
    return Levels(raw, order, due, lot, fixed, at_point)


def critical_ratio(shortage_cost: np.ndarray, holding_cost_per_day: np.ndarray, review: np.ndarray) -> np.ndarray:
    """Return shortage cost / (shortage cost + holding cost per day x review period), (n,); 0 where both are 0."""
    whole = shortage_cost + holding_cost_per_day * review
    return np.asarray(np.where(whole > 0, shortage_cost / np.where(whole > 0, whole, 1.0), 0.0))
