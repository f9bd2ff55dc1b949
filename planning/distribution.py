"""The distribution of cumulative demand: the one object that every quantity of the plan comes from.

Counts follow a negative binomial (Poisson where the variance is no larger than the mean), measured
quantities a gamma. Mean and variance come from the forecast and from its own past errors over whole
intervals, never from a daily spread times the root of the days.
"""

from dataclasses import dataclass

import numpy as np
from scipy import special

CERTAIN = 1e-9
"""A variance below this share of the squared mean is none: demand is certain."""
MOST_LEVELS = 256
"""With more levels than this a count is as good as a gamma."""
SIZE_POWER = 1.3
"""A row's variance goes with about this power of its mean."""
MOST_CHANGE = 4.0
"""Beyond so many times its mean, up or down, what a row's demand varied by tells no more."""


def cdf(level: np.ndarray, mean: np.ndarray, variance: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Return P(demand <= level). Arrays broadcast; units, units squared.

    Negative binomial with r = m^2 / (v - m), p = m / v; Poisson for v <= m; gamma with shape m^2 / v and
    scale v / m where demand is not in whole units; a step at the mean where it is certain.
    """
    level, mean, variance, whole = np.broadcast_arrays(level, mean, variance, whole)
    x = np.where(whole, np.floor(level + 1e-9), level)
    sure = _sure(mean, variance)
    m, v = np.where(sure, 1.0, mean), np.where(sure, 2.0, variance)
    inside = np.maximum(x, 0)
    counts = special.betainc(_size(m, v), inside + 1, np.minimum(m / v, 1.0))
    poisson = special.pdtr(inside, m)
    measured = special.gammainc(m**2 / v, inside * m / v)
    p = np.where(whole, np.where(_is_poisson(m, v), poisson, counts), measured)
    return np.asarray(np.where(sure, level >= mean - 1e-9, np.where(x < 0, 0.0, p)), float)


def expected_shortage(level: np.ndarray, mean: np.ndarray, variance: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Return E[(demand - level)+], the loss function n(level), in units. Arrays broadcast.

    n(s) = m * P(X' > s) - s * P(X > s), where X' is X weighed by its own size: a negative binomial of size
    r + 1 less one, a Poisson less one, a gamma of shape k + 1. Between whole levels it is a straight line.
    """
    level, mean, variance, whole = np.broadcast_arrays(
        *(np.asarray(a, float) for a in (level, mean, variance)), np.asarray(whole, bool)
    )
    low = np.where(whole, np.floor(level), level)
    base = _shortage_at(low, mean, variance, whole)
    between = level != low
    if between.any():
        above = _shortage_at(low[between] + 1, mean[between], variance[between], whole[between])
        base[between] += (level[between] - low[between]) * (above - base[between])
    return base


def _shortage_at(s: np.ndarray, mean: np.ndarray, variance: np.ndarray, whole: np.ndarray) -> np.ndarray:
    sure = _sure(mean, variance)
    out = np.array(np.where(sure, np.maximum(mean - s, 0), mean - s), float)
    poisson = _is_poisson(mean, variance)
    # Each law takes long to tell, and few rows ask for more than one.
    for rows, law in (
        (whole & ~poisson, _counts_short),
        (whole & poisson, _poisson_short),
        (~whole, _measured_short),
    ):
        told = rows & ~sure & (s >= 0)
        if told.any():
            out[told] = np.maximum(law(s[told], mean[told], variance[told]), 0)
    return out


def _counts_short(at: np.ndarray, m: np.ndarray, v: np.ndarray) -> np.ndarray:
    size, odds = _size(m, v), np.minimum(m / v, 1.0)
    found = m * special.betaincc(size + 1, np.maximum(at, 1e-300), odds) - at * special.betaincc(size, at + 1, odds)
    return np.where(at == 0, m, found)


def _poisson_short(at: np.ndarray, m: np.ndarray, _: np.ndarray) -> np.ndarray:
    return np.asarray(m * np.where(at > 0, special.pdtrc(at - 1, m), 1.0) - at * special.pdtrc(at, m))


def _measured_short(at: np.ndarray, m: np.ndarray, v: np.ndarray) -> np.ndarray:
    shape = m**2 / v
    return np.asarray(m * special.gammaincc(shape + 1, at * m / v) - at * special.gammaincc(shape, at * m / v))


def quantile(p: np.ndarray, mean: np.ndarray, variance: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Return the smallest level with P(demand <= level) >= p. Arrays broadcast; p in (0, 1)."""
    # Imported here: it takes half a second, and a plan reads its quantiles off tables.
    from scipy import stats

    p, mean, variance, whole = np.broadcast_arrays(
        *(np.asarray(a, float) for a in (p, mean, variance)), np.asarray(whole, bool)
    )
    sure = _sure(mean, variance)
    m, v = np.where(sure, 1.0, mean), np.where(sure, 2.0, variance)
    poisson = _is_poisson(m, v)
    found = np.array(special.gammaincinv(m**2 / v, p) * v / m)
    found[whole & poisson] = stats.poisson.ppf(p[whole & poisson], m[whole & poisson])
    counts = whole & ~poisson
    found[counts] = stats.nbinom.ppf(p[counts], _size(m, v)[counts], (m / v)[counts])
    return np.asarray(np.where(sure, mean, found))


def quantile_table(p: np.ndarray, mean: np.ndarray, variance: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Return the quantiles of many distributions at the same probabilities, shape (n, len(p)).

    As `quantile`, but by adding up probabilities over whole levels, and by the gamma of the same mean and
    variance where there would be too many levels.

    Parameters
    ----------
    p : ascending probabilities, shape (k,).
    mean, variance, whole : shape (n,).
    """
    out = np.repeat(mean[:, None], len(p), axis=1).astype(float)
    doubtful = ~_sure(mean, variance)
    levels = mean + 12 * np.sqrt(variance) + 12
    few = doubtful & whole & (levels <= MOST_LEVELS)
    many = doubtful & ~few
    for low, high in ((0, 32), (32, 64), (64, 128), (128, MOST_LEVELS)):
        rows = np.flatnonzero(few & (levels > low) & (levels <= high))
        if len(rows):
            out[rows] = _count_quantiles(p, mean[rows], variance[rows], high)
    if many.any():
        m, v = mean[many, None], variance[many, None]
        found = special.gammaincinv(m**2 / v, p[None, :]) * v / m
        out[many] = np.where(whole[many, None], np.round(found), found)
    return out


def _count_quantiles(p: np.ndarray, mean: np.ndarray, variance: np.ndarray, levels: int) -> np.ndarray:
    size, odds = _size(mean, variance), np.minimum(mean / np.maximum(variance, mean * (1 + 1e-6)), 1.0)
    # Levels run along the first axis while they are added up, as each step then touches one stretch of memory.
    total = np.empty((levels, len(mean)))
    chance = odds**size
    total[0] = chance
    for k in range(1, levels):
        chance = chance * ((k - 1 + size) / k * (1 - odds))
        np.add(total[k - 1], chance, out=total[k])
    # Fewer levels are asked where they lie among the probabilities, all rows' the same, than the other way round.
    places = len(p) + 1
    place = np.searchsorted(p - 1e-12, total, side="right") + places * np.arange(len(mean))
    passed = np.bincount(place.ravel(), minlength=places * len(mean)).reshape(len(mean), places)
    out = np.asarray(np.minimum(passed[:, :-1].cumsum(axis=1), levels - 1), float)
    row, column = np.nonzero(p[None, :] - 1e-12 > total[-1][:, None])
    out[row, column] = _far_counts(p[column], size[row], odds[row], levels)
    return out


def _far_counts(p: np.ndarray, size: np.ndarray, odds: np.ndarray, start: int) -> np.ndarray:
    """Return the smallest level above `start` - 1 with P(count <= level) >= p, (k,): what sells hardly ever, then much.

    Twelve standard deviations do not reach the upper end of such counts.
    """
    low, high = np.full(len(p), start - 1.0), np.full(len(p), 2.0 * start)
    while (beyond := special.betainc(size, high + 1, odds) < p - 1e-12).any():
        low, high = np.where(beyond, high, low), np.where(beyond, 2 * high, high)
    while (apart := high - low > 1).any():
        middle = np.floor((low + high) / 2)
        enough = special.betainc(size, middle + 1, odds) >= p - 1e-12
        low, high = np.where(apart & ~enough, middle, low), np.where(apart & enough, middle, high)
    return high


def _sure(mean: np.ndarray, variance: np.ndarray) -> np.ndarray:
    return np.asarray((variance <= CERTAIN * mean**2) | (mean <= 0))


def _is_poisson(mean: np.ndarray, variance: np.ndarray) -> np.ndarray:
    return np.asarray(variance <= mean * (1 + 1e-6))


def _size(mean: np.ndarray, variance: np.ndarray) -> np.ndarray:
    return np.asarray(mean**2 / np.maximum(variance - mean, 1e-6 * mean))


@dataclass(frozen=True)
class Calibration:
    """How often the quantiles of each class of items held, and with it what to ask for so that they hold.

    A monotone map of the levels: the law says `LEVELS`, the past said `realised`.

    code : class of each row, (n,).
    realised : share of past demand at or below the quantile at each of `LEVELS`, ascending, (classes, len(LEVELS)).
    """

    code: np.ndarray
    realised: np.ndarray

    def asked(self, p: np.ndarray) -> np.ndarray:
        """Return the level at which the law must be read so that demand stays below as often as `p`, (classes, k)."""
        return np.array([_through(p, row, LEVELS) for row in self.realised]).reshape(len(self.realised), len(p))

    def holds(self, p: np.ndarray) -> np.ndarray:
        """Return how often demand stays below the law's own quantiles at `p`, (n, ...), row by row."""
        out = np.empty_like(p, float)
        for code, row in enumerate(self.realised):
            out[self.code == code] = _through(p[self.code == code], LEVELS, row)
        return out


LEVELS = np.array([0.02, *np.arange(0.05, 0.901, 0.05).round(2), 0.925, 0.95, 0.97, 0.98, 0.99, 0.995])
"""Where calibration is measured; beyond the last the chance of more falls at the same pace on both sides."""


def _through(p: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Map `p` from the scale `x` to the scale `y`, both ascending within (0, 1), straight between their points."""
    inside = np.interp(p, [0.0, *x], [0.0, *y])
    return np.asarray(np.where(p > x[-1], 1 - (1 - p) * (1 - y[-1]) / (1 - x[-1]), inside))


@dataclass(frozen=True)
class DemandTable:
    """The distribution of one interval's demand as equally likely values: all that is read off it fits together.

    points : ascending, units, (n, m).
    """

    points: np.ndarray

    @property
    def mean(self) -> np.ndarray:
        """Mean demand, units, (n,)."""
        return np.asarray(self.points.mean(axis=1))

    def quantile(self, p: float | np.ndarray) -> np.ndarray:
        """Return the smallest level that demand stays at or below with chance `p`, one or one a row, units, (n,)."""
        n, m = self.points.shape
        at = np.clip(np.ceil(np.broadcast_to(p, (n,)) * m - 1e-9).astype(int) - 1, 0, m - 1)
        return np.asarray(self.points[np.arange(n), at])

    def chance_within(self, level: np.ndarray) -> np.ndarray:
        """Return P(demand <= level), (n,)."""
        return np.asarray((self.points <= level[:, None] + 1e-9).mean(axis=1))

    def expected_shortage(self, level: np.ndarray) -> np.ndarray:
        """Return E[(demand - level)+], units, (n,)."""
        return np.asarray(np.maximum(self.points - level[:, None], 0).mean(axis=1))

    def expected_excess(self, level: np.ndarray) -> np.ndarray:
        """Return E[(level - demand)+], units, (n,)."""
        return np.asarray(np.maximum(level[:, None] - self.points, 0).mean(axis=1))


@dataclass(frozen=True)
class CumulativeDemand:
    """Demand from `as_of` to any later day, for n item-locations.

    mean, variance : of the demand of the first d days, columns d = 0 ... days, shape (n, days + 1).
    whole : whether demand is in whole units, shape (n,).
    calibration : how its levels are read; None: as the law says.
    """

    mean: np.ndarray
    variance: np.ndarray
    whole: np.ndarray
    calibration: Calibration | None = None

    @property
    def days(self) -> int:
        """The last day told."""
        return int(self.mean.shape[1] - 1)

    def mean_to(self, day: np.ndarray) -> np.ndarray:
        """Return mean demand of the days before `day`, which may be a fraction; beyond the horizon as before it."""
        return _at(self.mean, day)

    def variance_to(self, day: np.ndarray) -> np.ndarray:
        """Return the variance of the demand of the days before `day`."""
        return _at(self.variance, day)

    def between(self, start: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and variance of the demand of the days from `start` to before `end`.

        The later part carries what the whole interval is more uncertain than the first.
        """
        mean = np.maximum(self.mean_to(end) - self.mean_to(start), 0.0)
        variance = np.maximum(self.variance_to(end) - self.variance_to(start), 0.0)
        # A Poisson is the least that counts can vary, unless they do not vary at all.
        least = np.where(self.whole & (variance > 0), mean, 0.0)
        return mean, np.maximum(variance, least)

    def daily_mean(self) -> np.ndarray:
        """Return the mean of each day, shape (n, days)."""
        return np.diff(self.mean, axis=1)

    def quantiles(
        self, p: np.ndarray, mean: np.ndarray, variance: np.ndarray, rows: np.ndarray | slice = slice(None)
    ) -> np.ndarray:
        """Return quantiles of demand with these moments, calibrated as the rows are, units, (rows, len(p)).

        Parameters
        ----------
        p : ascending, (k,).
        mean, variance : of each of `rows`.
        """
        whole = self.whole[rows]
        if self.calibration is None:
            return quantile_table(p, mean, variance, whole)
        out = np.empty((len(mean), len(p)))
        code, asked = self.calibration.code[rows], self.calibration.asked(p)
        for k in np.unique(code):
            some = code == k
            out[some] = quantile_table(asked[k], mean[some], variance[some], whole[some])
        return out

    def quantile(self, p: float | np.ndarray, day: np.ndarray) -> np.ndarray:
        """Return what demand of the days before `day` stays at or below with chance `p`, units, (n,) or (n, len(p))."""
        found = self.quantiles(np.atleast_1d(np.asarray(p, float)), self.mean_to(day), self.variance_to(day))
        return found[:, 0] if np.ndim(p) == 0 else found

    def chance_within(self, level: np.ndarray, day: np.ndarray) -> np.ndarray:
        """Return the chance that demand of the days before `day` stays at or below `level`, (n,)."""
        raw = cdf(level, self.mean_to(day), self.variance_to(day), self.whole)
        return raw if self.calibration is None else self.calibration.holds(raw)

    def table(self, day: np.ndarray, points: int = 200) -> DemandTable:
        """Return the distribution of the demand of the days before `day` as equally likely values."""
        p = (np.arange(points) + 0.5) / points
        return DemandTable(self.quantiles(p, self.mean_to(day), self.variance_to(day)))

    def paths(self, edges: np.ndarray, count: int, seed: int) -> np.ndarray:
        """Return sample paths of demand between the days `edges`, units, (n, count, len(edges) - 1).

        Independent steps whose sums have the mean and the variance told here at each edge; where levels are
        calibrated, each path is stretched so that the totals of all are the calibrated quantiles.
        """
        random = np.random.default_rng(seed)
        n, steps = len(self.mean), len(edges) - 1
        out = np.zeros((n, count, steps))
        for k in range(steps):
            mean, variance = self.between(np.full(n, float(edges[k])), np.full(n, float(edges[k + 1])))
            sure = _sure(mean, variance)
            m, v = np.where(sure, 1.0, mean)[:, None], np.where(sure, 2.0, variance)[:, None]
            whole = self.whole[:, None]
            rate = random.gamma(
                np.where(whole, _size(m, v), m**2 / v), np.where(whole, m / _size(m, v), v / m), (n, count)
            )
            rate = np.where(whole & _is_poisson(m, v), m, rate)
            drawn = np.where(whole, random.poisson(rate), rate)
            out[:, :, k] = np.where(sure[:, None], mean[:, None], drawn)
        return out if self.calibration is None else self._stretched(out, edges)

    def _stretched(self, paths: np.ndarray, edges: np.ndarray) -> np.ndarray:
        n, count = paths.shape[:2]
        ends = [np.full(n, float(edges[k])) for k in (0, -1)]
        wanted = self.quantiles((np.arange(count) + 0.5) / count, *self.between(*ends))
        running = paths.cumsum(axis=2)
        total = running[:, :, -1]
        rank = total.argsort(axis=1, kind="stable").argsort(axis=1, kind="stable")
        target = np.take_along_axis(wanted, rank, axis=1)
        mean = np.stack([self.mean_to(np.full(n, float(edge))) for edge in edges], axis=1)
        usual = (mean[:, 1:] - mean[:, :1]) / np.maximum(mean[:, -1:] - mean[:, :1], 1e-12)
        with np.errstate(invalid="ignore", divide="ignore"):
            share = np.where(total[:, :, None] > 0, running / total[:, :, None], usual[:, None, :])
        stretched = share * target[:, :, None]
        stretched = np.where(self.whole[:, None, None], np.round(stretched), stretched)
        return np.diff(stretched, axis=2, prepend=0.0)


def _at(table: np.ndarray, day: np.ndarray) -> np.ndarray:
    """Read a cumulative table at a day, which may be a fraction; beyond its end as in its last four weeks."""
    last = table.shape[1] - 1
    day = np.broadcast_to(np.asarray(day, float), (len(table),))
    inside = np.minimum(day, last)
    low = np.minimum(inside.astype(int), max(last - 1, 0))
    rows = np.arange(len(table))
    value = table[rows, low] + (inside - low) * (table[rows, low + 1] - table[rows, low])
    back = min(28, last)
    slope = (table[:, last] - table[:, last - back]) / back
    return np.asarray(value + slope * np.maximum(day - last, 0))
