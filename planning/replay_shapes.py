"""Demand at a few unequal points, looked up: what a replay asks millions of times is told once by mean and variance.

A distribution of the family is told by its mean and its variance. Over a grid of both its levels are worked out once;
each row then takes the nearest shape of the grid, moved and stretched to its own mean and spread.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from threading import Lock

import numpy as np

from planning.distribution import CERTAIN, MOST_LEVELS, Calibration, expected_shortage, quantile_table

MEANS = np.exp(np.linspace(np.log(0.01), np.log(64.0), 132))
"""Means of counts that are told apart, units; above the last a count is as good as a gamma."""
OVERS = np.exp(np.linspace(0.0, np.log(64.0), 44))
"""Variances of counts, as times their means."""
WIDTHS = np.exp(np.linspace(np.log(1e-5), np.log(400.0), 160))
"""Squared coefficients of variation of measured quantities."""
FINE = 1 - (1 - (np.arange(240) + 0.5) / 240) ** 2
"""Levels of the grid, denser towards the upper end."""
PARTS = 3
"""So many levels stand for one point."""
DENSER = 1.8
"""How much denser points lie towards the upper end, where shortages are: levels are 1 - (1 - z)^this."""


@dataclass(frozen=True)
class Points:
    """Which levels stand for demand: `count` of them.

    denser : towards the upper end, see `DENSER`; 1: all are equally likely.
    """

    count: int
    denser: float = 1.0

    @cached_property
    def edges(self) -> np.ndarray:
        """Levels between the pieces, 0 ... 1, (count + 1,)."""
        return np.asarray(1 - (1 - np.arange(self.count + 1) / self.count) ** self.denser)

    @cached_property
    def share(self) -> np.ndarray:
        """How likely each piece is, (count,), float32."""
        return np.diff(self.edges).astype(np.float32)


@dataclass(frozen=True)
class Grid:
    """The levels of each shape of the grid.

    mean, sd : of each shape, units, (shapes,). levels : at `FINE`, (shapes, len(FINE)). above : mean of what is beyond
    each of these levels, (shapes, len(FINE)).
    """

    mean: np.ndarray
    sd: np.ndarray
    levels: np.ndarray
    above: np.ndarray

    @classmethod
    @lru_cache(maxsize=1)
    def build(cls) -> "Grid":
        """Work the grid out: counts by mean and variance, then measured quantities of mean 1 by variance."""
        counts = np.repeat(MEANS, len(OVERS)), np.tile(OVERS, len(MEANS))
        mean = np.concatenate([counts[0], np.ones(len(WIDTHS))])
        variance = np.concatenate([counts[0] * counts[1], WIDTHS])
        whole = np.arange(len(mean)) < len(counts[0])
        used = ~whole | _few(mean, variance, 1.5 * MOST_LEVELS)
        levels = np.zeros((len(mean), len(FINE)))
        levels[used] = quantile_table(FINE, mean[used], variance[used], whole[used])
        last = expected_shortage(levels[used, -1], mean[used], variance[used], whole[used])
        beyond = np.zeros_like(levels)
        beyond[used, -1] = levels[used, -1] * (1 - FINE[-1]) + last
        pieces = (levels[:, 1:] + levels[:, :-1]) / 2 * np.diff(FINE)
        beyond[:, :-1] = beyond[:, -1:] + np.cumsum(pieces[:, ::-1], axis=1)[:, ::-1]
        above = beyond / (1 - FINE)
        return cls(mean, np.sqrt(variance), levels.astype(np.float32), above.astype(np.float32))

    def points(self, points: Points) -> np.ndarray:
        """Return each shape at the points, were it not calibrated, (shapes, count), float32."""
        return Reading.of(points, None).rows(np.arange(len(self.mean)))


@dataclass(frozen=True)
class Reading:
    """Where the points lie on the levels of the grid, by class of calibration.

    at : places in `FINE` whose mean is a point, (classes, PARTS, count). last : beyond which the last point lies,
    (classes,).
    """

    at: np.ndarray
    last: np.ndarray

    @classmethod
    def of(cls, points: Points, calibration: Calibration | None) -> "Reading":
        """Read the points as the calibration says."""
        ends = points.edges[:-1, None] + np.diff(points.edges)[:, None] * (np.arange(PARTS) + 0.5) / PARTS
        levels, limit = ends.T.ravel(), points.edges[-2:-1]
        if calibration is not None:
            levels, limit = calibration.asked(levels), calibration.asked(limit)
        levels = levels.reshape(-1, PARTS, points.count)
        at = np.clip(np.searchsorted(FINE, levels), 1, len(FINE) - 1)
        at -= (levels - FINE[at - 1] < FINE[at] - levels).astype(int)
        return cls(at, np.minimum(np.searchsorted(FINE, limit.ravel()), len(FINE) - 1))

    def rows(self, kinds: np.ndarray) -> np.ndarray:
        """Return shapes at the points, each the mean over its piece, (k, count), float32.

        Parameters
        ----------
        kinds : class times shapes plus shape, (k,).
        """
        grid, count = Grid.build(), self.at.shape[2]
        out = np.empty((len(kinds), count), np.float32)
        code, shape = np.divmod(kinds, len(grid.mean))
        for told in np.unique(code):
            some = np.flatnonzero(code == told)
            levels = grid.levels[shape[some]]
            table = np.take(levels, self.at[told, 0], axis=1)
            for part in range(1, PARTS):
                table += np.take(levels, self.at[told, part], axis=1)
            table /= np.float32(PARTS)
            # The last point stands for all that is beyond its level.
            table[:, -1] = grid.above[shape[some], self.last[told]]
            out[some] = table
        return out


class Laid:
    """The points of shapes, each shape laid out when it is first asked for: few of them ever are.

    Those in use lie together in memory. Threads may share it.
    """

    def __init__(self, reading: Reading) -> None:
        """Lay nothing out yet."""
        classes, _, count = reading.at.shape
        kinds = classes * len(Grid.build().mean)
        self._reading = reading
        self._place = np.full(kinds, -1, np.int32)
        self._points = np.empty((kinds, count), np.float32)
        self._used = 0
        self._lock = Lock()

    def take(self, kinds: np.ndarray) -> np.ndarray:
        """Return the points of each kind, counted as by `Reading.rows`, (k, count), float32, the caller's own."""
        place = np.take(self._place, kinds)
        if (place < 0).any():
            with self._lock:
                self._lay(np.unique(kinds[np.take(self._place, kinds) < 0]))
            place = np.take(self._place, kinds)
        return np.take(self._points, place, axis=0)

    def _lay(self, kinds: np.ndarray) -> None:
        end = self._used + len(kinds)
        self._points[self._used : end] = self._reading.rows(kinds)
        # Places are told last: who finds one finds its points.
        self._place[kinds] = np.arange(self._used, end)
        self._used = end


def _few(mean: np.ndarray, variance: np.ndarray, most: float = MOST_LEVELS) -> np.ndarray:
    return np.asarray(mean + 12 * np.sqrt(variance) + 12 <= most)


def nearest(mean: np.ndarray, variance: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Return which shape of the grid is nearest, by row, (k,)."""
    m = np.maximum(mean, 1e-9)
    over = variance / m
    count = whole & (m <= MEANS[-1]) & (over <= OVERS[-1]) & _few(mean, variance)
    across, along = (np.log(grid[1] / grid[0]) for grid in (MEANS, OVERS))
    row = np.clip(np.rint(np.log(m / MEANS[0]) / across), 0, len(MEANS) - 1)
    column = np.clip(np.rint(np.log(np.maximum(over, 1.0)) / along), 0, len(OVERS) - 1)
    width = np.log(np.maximum(over / m, CERTAIN) / WIDTHS[0]) / np.log(WIDTHS[1] / WIDTHS[0])
    measured = len(MEANS) * len(OVERS) + np.clip(np.rint(width), 0, len(WIDTHS) - 1)
    return np.asarray(np.where(count, row * len(OVERS) + column, measured), np.int64)
