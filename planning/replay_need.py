"""What orders need at their arrival, for many lines and mornings at once: `planning.policy` on a few unequal points.

It is the same need, by the same steps: stock is projected from receipt to receipt, each draw of demand at points that
lie denser towards the upper end, and draws are paired on a lattice. Rows whose projections have as many steps are told
together, in blocks that fit the processor's cache.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from planning.distribution import Calibration
from planning.policy import LEAD_TIMES, NEXT_LEAD
from planning.replay_shapes import DENSER, Grid, Laid, Points, Reading, nearest
from planning.window import moments, tie, tied, tied_to

COUNT = 61
"""Points of a draw."""
_PAIRED = ((17, 44), (17, 7), (23, 31))
"""Step and start on the lattice of each draw before the arrival; the stock that it meets is put in order first."""
_WINDOW = (38, 30)
"""The same of the demand after the arrival."""
_FURTHER = 12
"""By so many places a draw is turned from one lead time to the next."""
_AFTER = Points(COUNT, DENSER)
STEPS = 24
_WIDTH = 0.3
"""Over so many standard deviations a chance is read."""
_LEVELS = np.linspace(-4.0, 6.0, 201)


@lru_cache(maxsize=1)
def _normal_loss() -> np.ndarray:
    """E[(Z - k)+] of a standard normal at `_LEVELS`."""
    from math import erfc, exp, pi, sqrt

    told = [exp(-k * k / 2) / sqrt(2 * pi) - k * erfc(k / sqrt(2)) / 2 for k in _LEVELS]
    return np.array(told)


@dataclass(frozen=True)
class Drawn:
    """One kind of draw: the points of every shape.

    mean, sd : of each shape over the points, were it not calibrated, (shapes,).
    laid : the points, ascending.
    share : how likely each point is, (count,).
    """

    mean: np.ndarray
    sd: np.ndarray
    laid: Laid
    share: np.ndarray

    @classmethod
    def build(cls, points: Points, calibration: Calibration | None) -> "Drawn":
        """Read the points as the calibration says."""
        return cls(*_moments(points), Laid(Reading.of(points, calibration)), points.share)


@dataclass(frozen=True)
class Shapes:
    """How demand is read on some mornings: `before` an arrival at equally likely points, `after` it at denser ones."""

    before: Drawn
    after: Drawn

    @classmethod
    def build(cls, calibration: Calibration | None) -> "Shapes":
        """Read the shapes as the calibration says."""
        return cls(Drawn.build(Points(COUNT), calibration), Drawn.build(_AFTER, calibration))

    def draw(self, kind: Drawn, demand: "Moments", mean: np.ndarray, variance: np.ndarray) -> np.ndarray:
        """Return demand of this mean and variance at the points, ascending, units, (k, count), float32."""
        shape = nearest(mean, variance, demand.whole)
        shapes = len(kind.mean)
        out = kind.laid.take(demand.code * shapes + shape)
        spread = np.sqrt(variance) / kind.sd[shape]
        moved = mean - kind.mean[shape] * spread
        out *= spread.astype(np.float32)[:, None]
        out += moved.astype(np.float32)[:, None]
        return np.asarray(out)


@lru_cache(maxsize=4)
def _moments(points: Points) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of each shape over the points, (shapes,) each."""
    table = Grid.build().points(points)
    mean = table @ points.share
    sd = np.sqrt(np.maximum((table * table) @ points.share - mean**2, 0))
    return mean.astype(float), np.where(sd > 0, sd, 1.0).astype(float)


@dataclass(frozen=True)
class Moments:
    """Cumulative demand of k lines from a morning on, by bucket.

    mean, variance : of the first 0 ... H buckets, (k, H + 1). whole : (k,). code : class of its calibration, (k,).
    """

    mean: np.ndarray
    variance: np.ndarray
    whole: np.ndarray
    code: np.ndarray

    def mean_to(self, bucket: np.ndarray) -> np.ndarray:
        """Return mean demand of the buckets before `bucket`, units, (k,)."""
        return _read(self.mean, bucket)

    def variance_to(self, bucket: np.ndarray) -> np.ndarray:
        """Return the variance of the demand of the buckets before `bucket`, units squared, (k,)."""
        return _read(self.variance, bucket)


def _read(table: np.ndarray, bucket: np.ndarray) -> np.ndarray:
    last = table.shape[1] - 1
    inside = np.minimum(bucket, last)
    out = table.ravel().take(np.arange(len(table)) * (last + 1) + inside)
    if (bucket > last).any():
        back = min(28, last)
        out = out + (table[:, last] - table[:, last - back]) / back * (bucket - inside)
    return np.asarray(out)


@dataclass(frozen=True)
class QuickNeed:
    """The need at arrival of k lines at unequally likely points; see `planning.policy.Need`.

    need, before : units, (k, m), in no order; before: None with lost sales. weights : of the points, (m,).
    whole : whether the line is counted in whole units, (k,).
    """

    need: np.ndarray
    before: np.ndarray | None
    weights: np.ndarray
    between: np.ndarray
    arriving_stock: np.ndarray
    relieved: np.ndarray
    whole: np.ndarray

    @property
    def mean(self) -> np.ndarray:
        """Mean need, units, (k,)."""
        return np.asarray(self.between - self.arriving_stock - self.relieved)

    def short(self, order: np.ndarray) -> np.ndarray:
        """Return the mean units short between this arrival and the next if `order` arrives, (k,)."""
        return self._loss(order.astype(np.float32))[0]

    def _loss(self, order: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the mean units short, and how fast they fall with one unit more, (k,) each."""
        loss, slope = _over(self.need, order, self.weights)
        if self.before is not None:
            owed, less = _over(self.before, order, self.weights)
            loss, slope = np.maximum(loss - owed, 0), slope - less
        return loss, slope

    def order_for_fill_rate(self, target: np.ndarray) -> np.ndarray:
        """Return the least order that serves the target share of demand, units, (k,)."""
        allowed = ((1 - target) * self.between).astype(np.float32)
        mean = self.need @ self.weights
        sd = np.sqrt(np.maximum((self.need * self.need) @ self.weights - mean * mean, 0))
        with np.errstate(invalid="ignore", divide="ignore"):
            safety = np.interp(-allowed / np.where(sd > 0, sd, 1), -_normal_loss(), _LEVELS)
        order = (mean + np.where(sd > 0, safety, 0.0) * sd).astype(np.float32)
        order = self._newton(order, allowed, None)
        if self.before is None:
            return np.asarray(order, float)
        # What is short already only lowers it, mostly by nothing.
        order = self._newton(order, allowed, self.before)
        off = np.abs(self._loss(order)[0] - allowed) > 1e-3 * allowed + 1e-5
        if off.any():
            rows = np.flatnonzero(off)
            some = replace(self, need=self.need[rows], before=self.before[rows])
            order[rows] = some._bisect(allowed[rows])  # noqa: SLF001
        return np.asarray(order, float)

    def _newton(self, order: np.ndarray, allowed: np.ndarray, before: np.ndarray | None) -> np.ndarray:
        """Return the order with `allowed` short, looked for from `order` on, with or without what is short already."""
        least = float(self.weights.min())
        told = replace(self, before=before)
        for _ in range(STEPS):
            loss, slope = told._loss(order)  # noqa: SLF001
            step = (loss - allowed) / np.maximum(slope, least)
            order = order + step
            if (np.abs(step) <= 1e-4 * (1 + np.abs(order))).all():
                break
        return order

    def _bisect(self, allowed: np.ndarray) -> np.ndarray:
        assert self.before is not None
        low, high = self.before.min(axis=1) - 1, self.need.max(axis=1)
        for _ in range(STEPS):
            middle = (low + high) / 2
            enough = self._loss(middle)[0] <= allowed + 1e-6
            high, low = np.where(enough, middle, high), np.where(enough, low, middle)
        return np.asarray(high, np.float32)

    def order_for_cycle_service(self, target: np.ndarray) -> np.ndarray:
        """Return the least order with P(need <= order) >= target, units, (k,).

        The chance of more is how much less is short with one unit more; where demand spreads wider, with more units.
        """
        mean = self.need @ self.weights
        sd = np.sqrt(np.maximum((self.need * self.need) @ self.weights - mean * mean, 0))
        width = np.where(self.whole, np.maximum(1.0, _WIDTH * sd), _WIDTH * sd + 1e-3).astype(np.float32)
        start = np.where(self.whole, (1 - width) / 2, -width / 2).astype(np.float32)
        low, high = self.need.min(axis=1) - 1, self.need.max(axis=1)
        told = replace(self, before=None)
        for _ in range(STEPS):
            middle = (low + high) / 2
            left, right = (told.short(middle + start + more) for more in (np.float32(0), width))
            enough = (left - right) / width <= 1 - target + 1e-5
            high, low = np.where(enough, middle, high), np.where(enough, low, middle)
        # A hair above a count is that count.
        return np.array(np.where(self.whole, np.ceil(high - 1e-2), high), float)


def _over(points: np.ndarray, level: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    over = points - level[:, None]
    # Against a row of zeros, as numpy is twice as slow against a single one.
    np.maximum(over, np.zeros_like(weights), out=over)
    loss = over @ weights
    return loss, np.greater(over, 0, out=over) @ weights


def quick_need(
    shapes: Shapes,
    demand: Moments,
    stock: np.ndarray,
    day: np.ndarray,
    units: np.ndarray,
    leads: np.ndarray,
    review: np.ndarray,
    *,
    lost: bool,
) -> QuickNeed:
    """Work out the need at arrival of orders placed now.

    Parameters
    ----------
    stock : usable, units, (k,); below zero: owed. day, units : receipts to come, ascending, (k, s); whole buckets.
    leads : equally likely lead times, whole buckets, ascending, (k, J). review : whole buckets, (k,).
    """
    k, several = leads.shape
    following = NEXT_LEAD if several == LEAD_TIMES else (0,)
    count = len(shapes.after.share)
    need = np.empty((k, several * count), np.float32)
    before = None if lost else np.empty_like(need)
    between, arriving, relieved = np.zeros((3, k))
    for j in range(several):
        columns, lead = slice(j * count, (j + 1) * count), leads[:, j]
        if lost:
            end = np.maximum(leads[:, following[j]] + review, lead)
            held = _stock_at(shapes, demand, stock, day, units, lead, j)
            told = moments(demand, lead, end)
            most, relief = _window(shapes, demand, day, units, lead, end, told)
            arriving += np.maximum(held, 0).mean(axis=1)
            ties = tie(demand, np.zeros(k, int), lead, end, told[1])
            met = _laid(held, ties, tied_to(_AFTER.share, *_WINDOW, _FURTHER * j))
            np.subtract(most, met, out=need[:, columns])
        else:
            end = lead + review
            came, then = (np.where(day <= limit[:, None], units, 0.0).sum(axis=1) for limit in (lead, end - 1))
            relief, start = then - came, np.zeros(k, int)
            until, whole_time = (
                shapes.draw(shapes.after, demand, *moments(demand, start, limit)) for limit in (lead, end)
            )
            np.subtract(whole_time, _column(stock + then), out=need[:, columns])
            assert before is not None
            np.subtract(until, _column(stock + then), out=before[:, columns])
            arriving += stock + came - until @ shapes.after.share
        between += demand.mean_to(end) - demand.mean_to(lead)
        relieved += relief
    weights = np.tile(shapes.after.share, several) / np.float32(several)
    for points in (need,) if before is None else (need, before):
        _narrow(points, weights, demand.whole)
    return QuickNeed(need, before, weights, between / several, arriving / several, relieved / several, demand.whole)


def _narrow(points: np.ndarray, weights: np.ndarray, whole: np.ndarray) -> None:
    """Draw points of counts together, in place, by what whole levels will spread them again.

    To an order in whole units, a point between two counts is as good as a part of each: f (1 - f) more of variance.
    """
    part = points - np.floor(points)
    part -= part * part
    more = part @ weights
    mean = points @ weights
    np.multiply(points, points, out=part)
    variance = part @ weights - mean * mean
    shrink = np.sqrt(np.clip(1 - more / np.maximum(variance, 1e-6), 0.25, 1))
    shrink = np.where(whole, shrink, 1).astype(np.float32)
    points *= shrink[:, None]
    points += (mean * (1 - shrink)).astype(np.float32)[:, None]


def _column(units: np.ndarray) -> np.ndarray:
    return np.asarray(units, np.float32)[:, None]


def _stock_at(
    shapes: Shapes, demand: Moments, stock: np.ndarray, day: np.ndarray, units: np.ndarray, lead: np.ndarray, j: int
) -> np.ndarray:
    """Return the stock at an arrival in bucket `lead`, once what was due by then has come, ascending, (k, count)."""
    at = np.zeros(len(stock), int)
    held, owing = _column(stock), bool((stock < 0).any())
    nothing = np.zeros(COUNT, np.float32)
    for s in range(day.shape[1] + 1):
        due = np.minimum(day[:, s], lead) if s < day.shape[1] else lead
        mean, variance = moments(demand, at, due)
        wanted = shapes.draw(shapes.before, demand, mean, variance)
        if s:
            ties = tie(demand, np.zeros_like(at), at, due, variance)
            wanted = _laid(wanted, ties, tied(COUNT, *_PAIRED[(s + j) % len(_PAIRED)]))
        else:
            # The first stock is one number, whatever the order: most wanted first leaves it ascending.
            wanted = np.ascontiguousarray(wanted[:, ::-1])
        # What is owed stays so until something comes.
        least = np.minimum(held, 0) if owing else nothing
        held = np.subtract(held, wanted, out=wanted)
        np.maximum(held, least, out=held)
        if s < day.shape[1]:
            held += _column(np.where(day[:, s] <= lead, units[:, s], 0.0))
        if s:
            held.sort(axis=1)
        at = due
    return held


def _laid(points: np.ndarray, ties: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return points as `places` of each row's tie order them, (k, count)."""
    if len(ties) and (ties == ties[0]).all():
        return np.asarray(np.take(points, places[ties[0]], axis=1))
    at = np.take(places, ties, axis=0)
    at += points.shape[1] * np.arange(len(points))[:, None]
    # Clipped, as that asks no place whether it is one.
    return np.asarray(np.take(points.ravel(), at, mode="clip"))


def _window(
    shapes: Shapes,
    demand: Moments,
    day: np.ndarray,
    units: np.ndarray,
    lead: np.ndarray,
    end: np.ndarray,
    told: tuple[np.ndarray, np.ndarray],
) -> tuple[np.ndarray, np.ndarray]:
    """Return how far demand runs ahead of receipts from an arrival to the next one, (k, count), and their relief.

    Demand before a receipt in between is taken as its usual share of the whole.

    Parameters
    ----------
    told : mean and variance of the whole.
    """
    whole = shapes.draw(shapes.after, demand, *told)
    inner = (day > lead[:, None]) & (day < end[:, None])
    if not inner.any():
        return whole, np.zeros(len(lead))
    most, received = np.full_like(whole, -np.inf), np.zeros(len(lead))
    length = np.maximum(demand.mean_to(end) - demand.mean_to(lead), 1e-9)
    for s in range(day.shape[1] + 1):
        last = s == day.shape[1]
        part = np.ones(len(lead))
        if not last:
            part = (demand.mean_to(np.clip(day[:, s], lead, end)) - demand.mean_to(lead)) / length
        np.maximum(most, whole * _column(np.minimum(part, 1)) - _column(received), out=most)
        if not last:
            received = received + np.where(inner[:, s], units[:, s], 0.0)
    return most, received + (whole - _column(received) - most) @ shapes.after.share
