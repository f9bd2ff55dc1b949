"""The simple policies that a plan is held against: the master data's levels, weeks of cover, the textbook's formula."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from planning.orders import Limits, size_orders
from planning.replay import Decision, State, World

WEEKS = 13
"""Over so many weeks the simple policies take their mean."""


@dataclass(frozen=True)
class Terms:
    """What an order must obey and what it has to last, n lines; times in buckets, quantities in units.

    lead : the usual lead time, whole, (n,). review : from one ordering occasion to the next, whole, (n,).
    moq, multiple, max_order, max_stock : as in `planning.replay.World`, the multiple 1 where whole units have none.
    allowed : whether a line may be ordered at all, (n,).
    source : row that feeds this one, -1: it buys, (n,).
    bucket_days : days of a bucket.
    """

    lead: np.ndarray
    review: np.ndarray
    moq: np.ndarray
    multiple: np.ndarray
    max_order: np.ndarray
    max_stock: np.ndarray
    allowed: np.ndarray
    source: np.ndarray
    bucket_days: int

    @classmethod
    def of(cls, world: World, lead: np.ndarray | None = None, review: np.ndarray | None = None) -> "Terms":
        """Return the terms of a world; without other word the lead time of its first bucket, a review in each."""
        n = world.lines
        multiple = np.where(world.multiple > 0, world.multiple, np.where(world.whole, 1.0, 0.0))
        return cls(
            lead=world.lead[:, 0] if lead is None else lead,
            review=np.ones(n, int) if review is None else review,
            moq=np.nan_to_num(world.moq),
            multiple=multiple,
            max_order=np.nan_to_num(world.max_order, nan=np.inf),
            max_stock=np.nan_to_num(world.max_stock, nan=np.inf),
            allowed=np.ones(n, bool),
            source=world.source,
            bucket_days=world.bucket_days,
        )

    @cached_property
    def feeds(self) -> np.ndarray:
        """Whether each line feeds another, (n,)."""
        out = np.zeros(len(self.source), bool)
        out[self.source[self.source >= 0]] = True
        return out

    @cached_property
    def ancestors(self) -> tuple[np.ndarray, ...]:
        """Step by step upwards, the row that feeds each row (-1: none left)."""
        steps, at = [], self.source
        while (at >= 0).any():
            steps.append(at)
            at = np.where(at >= 0, self.source[at], -1)
        return tuple(steps)

    def pool(self, values: np.ndarray) -> np.ndarray:
        """Add to each row the values of all rows that it feeds, directly or not, (n,) or (n, T)."""
        out = values.astype(float, copy=True)
        for at in self.ancestors:
            fed = at >= 0
            np.add.at(out, at[fed], values[fed])
        return out

    def sized(
        self, need: np.ndarray, rows: np.ndarray, position: np.ndarray, cap: np.ndarray | None = None
    ) -> np.ndarray:
        """Return the orders of some lines once MOQ, multiple and every maximum are obeyed, units, (k,).

        Parameters
        ----------
        need : units, (k,). position : on hand and on order, units, (k,). cap : another maximum, (k,).
        """
        most = np.minimum(self.max_order[rows], np.maximum(self.max_stock[rows] - position, 0))
        most = most if cap is None else np.minimum(most, cap)
        most = np.where(self.allowed[rows], most, 0.0)
        return size_orders(need, Limits(self.moq[rows], self.multiple[rows], most)).order


def echelon(terms: Terms, state: State) -> State:
    """Return the state in which a line that feeds others counts what these hold, and what is on its way to them."""
    if not terms.feeds[state.rows].any() or state.all_stock is None or state.all_coming is None:
        return state
    below = terms.pool(state.all_stock + state.all_coming[1:].sum(axis=0)) - state.all_stock
    below -= state.all_coming[1:].sum(axis=0)
    stock = state.stock + np.where(terms.feeds, below, 0.0)[state.rows]
    return State(state.rows, stock, state.coming, state.all_stock, state.all_coming)


@dataclass(frozen=True)
class History:
    """Demand as it was seen, read only up to the morning that asks.

    demand : units, NaN unknown, (n, before + T), pooled where a line feeds others. before : buckets before the span.
    """

    demand: np.ndarray
    before: int

    @cached_property
    def _sums(self) -> np.ndarray:
        """Sums of demand, of its square, and of known buckets, up to each morning, (3, buckets + 1, n)."""
        known = ~np.isnan(self.demand)
        units = np.where(known, self.demand, 0.0)
        out = np.zeros((3, self.demand.shape[1] + 1, len(self.demand)))
        for sums, values in zip(out, (units, units**2, known), strict=True):
            np.cumsum(values.T, axis=0, out=sums[1:])
        return out

    def moments(self, t: int, buckets: int) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and standard deviation (n - 1) of the last buckets before `t` that are known, units, (n,)."""
        now = self.before + t
        units, squares, count = self._sums[:, now] - self._sums[:, max(now - buckets, 0)]
        mean = units / np.maximum(count, 1)
        spread = np.maximum(squares - count * mean**2, 0) / np.maximum(count - 1, 1)
        return mean, np.sqrt(np.where(count > 1, spread, mean**2))


@dataclass(frozen=True)
class MinMax:
    """Up to the maximum stock once the position is at or below the minimum, as the master data have them."""

    terms: Terms
    low: np.ndarray
    high: np.ndarray
    name: str = "min/max"

    @property
    def covers(self) -> np.ndarray:
        """Which lines have both levels, (n,)."""
        return np.asarray(self.high >= self.low)

    def orders(self, t: int, state: State) -> Decision:  # noqa: ARG002
        """Return what is missing to the maximum where the minimum is reached."""
        rows, position = state.rows, state.position
        low, high = self.low[rows], self.high[rows]
        need = np.where(position <= low, np.nan_to_num(high - position), 0.0)
        return Decision(self.terms.sized(need, rows, position))


@dataclass(frozen=True)
class CoverWeeks:
    """Up to (L + R + N weeks) of mean demand of the last thirteen weeks."""

    terms: Terms
    history: History
    weeks: float
    name: str = "cover"

    def orders(self, t: int, state: State) -> Decision:
        """Return what is missing to the cover."""
        seen, rows = echelon(self.terms, state), state.rows
        terms = self.terms
        mean = self.history.moments(t, -(-7 * WEEKS // terms.bucket_days))[0][rows]
        level = (terms.lead[rows] + terms.review[rows] + 7 * self.weeks / terms.bucket_days) * mean
        return Decision(terms.sized(level - seen.position, rows, seen.position))


@dataclass(frozen=True)
class Textbook:
    """Up to (L + R) m + z s sqrt(L + R), by mean and standard deviation of the last thirteen weeks.

    Source: Silver, Pyke & Thomas, Inventory and Production Management in Supply Chains, 4th ed. (2017), ch. 6.
    """

    terms: Terms
    history: History
    z: float | np.ndarray
    name: str = "textbook"

    def orders(self, t: int, state: State) -> Decision:
        """Return what is missing to the level."""
        seen, rows = echelon(self.terms, state), state.rows
        terms = self.terms
        mean, sd = (part[rows] for part in self.history.moments(t, -(-7 * WEEKS // terms.bucket_days)))
        interval = terms.lead[rows] + terms.review[rows]
        z = np.broadcast_to(self.z, terms.lead.shape)[rows]
        level = interval * mean + z * sd * np.sqrt(interval)
        return Decision(terms.sized(level - seen.position, rows, seen.position))


@dataclass(frozen=True)
class BaseStock:
    """Up to fixed levels; from a reorder point on where there is one."""

    levels: np.ndarray
    points: np.ndarray | None = None
    name: str = "base stock"
    terms: Terms | None = field(default=None)

    def orders(self, t: int, state: State) -> Decision:  # noqa: ARG002
        """Return what is missing to the level where the reorder point is reached."""
        rows, position = state.rows, state.position
        need = np.maximum(self.levels[rows] - position, 0)
        if self.points is not None:
            need = np.where(position <= self.points[rows], need, 0.0)
        return Decision(need if self.terms is None else self.terms.sized(need, rows, position))
