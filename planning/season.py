"""The yearly and weekly shape of demand, shared by many items and shrunk by its evidence.

A shape is learned in layers, from many items to few: what all have in common, then what a category (or a
location) has beyond that, each drawn to "nothing more" by how much its laps disagree.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

LEAST_YEARS_DAYS = 728
"""A yearly shape needs two years."""
LEAST_WEEKS_DAYS = 28
"""A weekly shape needs four weeks."""

LEVEL_CHANGE = 5.0
LEAST_UNITS = 20.0
"""Units that it takes to tell another level from chance."""

_SMOOTH = np.array([1.0, 2.0, 1.0]) / 4
_LIMITS = (0.2, 5.0)
_CHUNK = 2048


@dataclass(frozen=True)
class Season:
    """Factors of the buckets on an item's level, as known at several cuts of the history.

    codes : group of each item by layer, (layers, n).
    position : place of each bucket, history and future, in the layer's cycle, (layers, buckets).
    tables : for each layer the factor by cut, group and position, (cuts, groups, positions).
    """

    codes: np.ndarray
    position: np.ndarray
    tables: tuple[np.ndarray, ...]

    def factors(self, cut: int, rows: slice | np.ndarray = slice(None), columns: slice = slice(None)) -> np.ndarray:
        """Return the factors of the season as known at a cut, (rows, columns), mean about 1."""
        out = np.ones((len(np.arange(self.codes.shape[1])[rows]), len(np.arange(self.position.shape[1])[columns])))
        for codes, position, table in zip(self.codes, self.position, self.tables, strict=True):
            # Only the groups that these rows are in: the work grows with rows, not with rows times groups.
            used, at = np.unique(codes[rows], return_inverse=True)
            out *= table[cut][used][:, position[columns]][at]
        return out


def build_season(
    clean: Sequence[np.ndarray],
    cuts: Sequence[int],
    groups: Sequence[np.ndarray],
    places: Sequence[np.ndarray],
    starts: np.ndarray,
    bucket_days: int,
) -> Season:
    """Learn the season from what was known at each cut.

    Parameters
    ----------
    clean : for each cut the demand by bucket without events and extremes, NaN where unknown, (n, buckets >= cut).
    cuts : how many buckets are known at each cut.
    groups, places : integer codes of the layers of the yearly and the weekly shape, wide ones first, (n,) each.
    starts : first day of each bucket, history and future, datetime64[D].
    """
    year_start = starts.astype("datetime64[Y]").astype("datetime64[D]")
    week = np.minimum((starts - year_start).astype(int) // 7, 51)
    weekday = starts.astype(int) % 7
    layers = [(codes, weekday, 7) for codes in places if bucket_days == 1] + [(codes, week, 52) for codes in groups]
    tables = []
    for codes, _, count in layers:
        tables.append(np.ones((len(cuts), int(codes.max(initial=-1)) + 1, count)))
    n = len(layers[0][0]) if layers else 0
    season = Season(
        np.array([codes for codes, _, _ in layers]).reshape(len(layers), n),
        np.array([position for _, position, _ in layers]).reshape(len(layers), len(starts)),
        tuple(tables),
    )
    for cut, known in enumerate(cuts):
        for layer, (codes, position, count) in enumerate(layers):
            yearly = count == 52
            least = (LEAST_YEARS_DAYS if yearly else LEAST_WEEKS_DAYS) // bucket_days
            if known < least:
                continue
            window = min(round((364 if yearly else 28) / bucket_days), known)
            sold, expected, age = _sums(clean[cut][:, :known], season, cut, codes, position[:known], count, window)
            tables[layer][cut] = np.where(age[:, None] >= least, _shrunk(sold, expected, smooth=yearly), 1.0)
    return season


def _sums(
    clean: np.ndarray, season: Season, cut: int, codes: np.ndarray, position: np.ndarray, count: int, window: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Add up what was sold, and what the level alone would have, by group, lap and position of the cycle.

    Also returned: buckets since each group first sold anything, (groups,).
    """
    members = int(codes.max(initial=-1)) + 1
    lap = np.concatenate([[0], np.cumsum(np.diff(position) < 0)])
    laps = int(lap.max()) + 1
    cell = lap * count + position
    by_group = np.zeros((2, members, len(position)))
    for a in range(0, len(clean), _CHUNK):
        rows = slice(a, a + _CHUNK)
        part = clean[rows]
        known = ~np.isnan(part)
        values = np.where(known, part / season.factors(cut, rows, slice(0, len(position))), 0.0)
        level = np.where(known, _moving_level(values, known, window), 0.0)
        steady = _steady(values, known, window)[:, None]
        values, level = values * steady, level * steady
        used, at = np.unique(codes[rows], return_inverse=True)
        member = sparse.csr_array((np.ones(len(part)), (at, np.arange(len(part)))), (len(used), len(part)))
        by_group[:, used] += np.stack([member @ values, member @ level])
    out = np.zeros((2, members, laps * count))
    np.add.at(out.transpose(2, 0, 1), cell, by_group.transpose(2, 0, 1))
    sold, expected = out.reshape(2, members, laps, count)
    begun = by_group[0] > 0
    age = np.where(begun.any(axis=1), len(position) - begun.argmax(axis=1), 0)
    return sold, expected, age


def _steady(values: np.ndarray, known: np.ndarray, window: int) -> np.ndarray:
    """Whether a row's level stayed within `LEVEL_CHANGE` from what was before its last window, (rows,).

    A row that jumps to another level says nothing of the season, but would say it for all, as it sells so much.
    """
    sold, seen = values.cumsum(axis=1), known.cumsum(axis=1)
    before = max(0, values.shape[1] - window) - 1
    if before < 0:
        return np.ones(len(values), bool)
    old, new = sold[:, before], sold[:, -1] - sold[:, before]
    told = (seen[:, before] >= window / 4) & (seen[:, -1] - seen[:, before] >= window / 4)
    rates = old / np.maximum(seen[:, before], 1), new / np.maximum(seen[:, -1] - seen[:, before], 1)
    low, high = np.minimum(*rates), np.maximum(*rates)
    return np.asarray(~(told & (np.maximum(old, new) >= LEAST_UNITS) & (high > LEVEL_CHANGE * low)))


def _moving_level(values: np.ndarray, known: np.ndarray, window: int) -> np.ndarray:
    """Mean of the known buckets in a window around each one; the nearest whole window at the edges."""

    def running(a: np.ndarray) -> np.ndarray:
        total = np.cumsum(np.pad(a, ((0, 0), (1, 0))), axis=1)
        return np.asarray(total[:, window:] - total[:, :-window])

    count = running(known.astype(float))
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(count > 0, running(values) / count, 0.0)
    periods = values.shape[1]
    at = np.clip(np.arange(periods) - window // 2, 0, periods - window)
    return np.asarray(mean[:, at])


def _shrunk(sold: np.ndarray, expected: np.ndarray, *, smooth: bool) -> np.ndarray:
    """Ratio of sold to expected by position, shrunk to 1 by what the laps of the cycle disagree on.

    Empirical Bayes: the spread between positions beyond the noise of a position's mean is signal.
    """
    total_sold, total = sold.sum(axis=1), expected.sum(axis=1)
    if smooth:
        total_sold, total = (_smoothed(a) for a in (total_sold, total))
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.where(total > 0, total_sold / total, 1.0)
        each = np.where(expected > 0, sold / expected, np.nan)
    seen = (~np.isnan(each)).sum(axis=1)
    differences = np.where(np.isnan(each), 0.0, each - ratio[:, None, :])
    spread = (differences**2).sum(axis=1) / np.maximum(seen - 1, 1)
    # A position seen once tells nothing of its noise: it has that of the others; without any, nothing is believed.
    twice = seen >= 2
    count = twice.sum(axis=1, keepdims=True)
    usual = np.where(count > 0, (spread * twice).sum(axis=1, keepdims=True) / np.maximum(count, 1), np.inf)
    noise = np.where(twice, spread, usual) / np.maximum(seen, 1)
    if smooth:
        noise = _smoothed(noise) * float((_SMOOTH**2).sum())
    mean_noise = noise.mean(axis=1, keepdims=True)
    signal = np.maximum(ratio.var(axis=1, keepdims=True) - mean_noise, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        trust = np.where(signal > 0, signal / (signal + mean_noise), 0.0)
    factors = np.clip(1 + trust * (ratio - 1), *_LIMITS)
    return np.asarray(factors / factors.mean(axis=1, keepdims=True))


def _smoothed(values: np.ndarray) -> np.ndarray:
    return np.asarray(sum(w * np.roll(values, k, axis=1) for w, k in zip(_SMOOTH, (-1, 0, 1), strict=True)))
