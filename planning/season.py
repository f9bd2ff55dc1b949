"""The yearly and weekly shape of demand, shared by many items and shrunk by its evidence."""

import numpy as np

LEAST_YEARS_DAYS = 728
"""A yearly shape needs two years."""

_SMOOTH = np.array([1.0, 2.0, 1.0]) / 4
_LIMITS = (0.2, 5.0)


def seasonal_index(
    clean: np.ndarray, groups: np.ndarray, places: np.ndarray, starts: np.ndarray, bucket_days: int
) -> np.ndarray:
    """Return the factor of each bucket on an item's level, shape (n, len(starts)), mean about 1.

    The yearly shape (by week of the year) is shared by `groups`, the weekly one (daily buckets only) by
    `places`. `clean` covers the first columns of `starts`; the rest is the future.

    Parameters
    ----------
    clean : demand by bucket, NaN where unknown, shape (n, periods).
    groups, places : integer codes, shape (n,).
    starts : first day of each bucket, history and future, datetime64[D].
    """
    periods = clean.shape[1]
    index = np.ones((len(clean), len(starts)))
    if bucket_days == 1 and periods >= 28:
        weekday = starts.astype(int) % 7
        index = _shape(clean, np.ones_like(clean), places, weekday, periods, 7, cyclic_smooth=False)
    if periods * bucket_days >= LEAST_YEARS_DAYS:
        year_start = starts.astype("datetime64[Y]").astype("datetime64[D]")
        week = np.minimum((starts - year_start).astype(int) // 7, 51)
        index = index * _shape(
            clean, index[:, :periods], groups, week, periods, 52, cyclic_smooth=True, window=round(364 / bucket_days)
        )
    return index


def _shape(
    clean: np.ndarray,
    known_shape: np.ndarray,
    groups: np.ndarray,
    position: np.ndarray,
    periods: int,
    count: int,
    *,
    cyclic_smooth: bool,
    window: int = 28,
) -> np.ndarray:
    """Return the factor by position in the cycle, one row an item (its group's), shape (n, len(position))."""
    known = ~np.isnan(clean)
    values = np.where(known, clean / known_shape, 0.0)
    level = _moving_level(values, known, min(window, periods))
    members = int(groups.max()) + 1 if len(groups) else 0
    cycle = position[:periods]
    lap = np.concatenate([[0], np.cumsum(np.diff(cycle) < 0)])
    laps = int(lap.max()) + 1
    cell = lap * count + cycle
    sold, expected = np.zeros((2, members, laps * count))
    _add_by_group(sold, values, groups, cell)
    _add_by_group(expected, np.where(known, level, 0.0), groups, cell)
    factors = _shrunk(sold.reshape(members, laps, count), expected.reshape(members, laps, count), smooth=cyclic_smooth)
    return np.asarray(factors[groups][:, position])


def _add_by_group(out: np.ndarray, values: np.ndarray, groups: np.ndarray, cell: np.ndarray) -> None:
    by_group = np.zeros((len(out), values.shape[1]))
    np.add.at(by_group, groups, values)
    np.add.at(out.T, cell, by_group.T)


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
    seen = np.maximum((~np.isnan(each)).sum(axis=1), 1)
    differences = np.where(np.isnan(each), 0.0, each - ratio[:, None, :])
    noise = (differences**2).sum(axis=1) / np.maximum(seen - 1, 1) / seen
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
