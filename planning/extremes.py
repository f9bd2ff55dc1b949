"""Single extreme buckets: a typing error or a one-off sale that would lift a mean for a year."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

OUTLIER_SCORE = 3.5
OUTLIER_MULTIPLE = 3.0
MOST_NEIGHBOURS = 1
AROUND = 4
"""Buckets on either side in which more than `MOST_NEIGHBOURS` others make an extreme a new level."""

_MAD_TO_SD = 1.4826
_CHUNK = 2048


def clean_of_extremes(flat: Floats, until: int | None = None) -> Floats:
    """Return demand with its single extreme buckets cut to three times the median sale, for the mean only.

    A bucket is extreme when it is more than three times the median bucket with demand, and its robust z on the
    log(1 + x) scale is beyond 3.5; where most buckets are empty, or have no spread, the sizes alone are the measure.
    Extreme buckets close together are a new level and stay.

    Parameters
    ----------
    flat : items x buckets, units a bucket without events, >= 0, NaN where unknown.
    until : buckets that are known: only these judge and are judged, the later ones are returned as they are.
        None: all of them.

    Returns
    -------
    Array of the shape of `flat`, units a bucket.

    Source: robust z by the median absolute deviation, e.g. Iglewicz & Hoaglin (1993); the multiple is a house rule.
    """
    known = flat.shape[1] if until is None else max(0, min(until, flat.shape[1]))
    out = flat.copy()
    for first in range(0, len(flat) if known else 0, _CHUNK):
        part = flat[first : first + _CHUNK, :known]
        extreme, cut = _extremes(part.astype(np.float32))
        rows, columns = np.nonzero(extreme)
        out[first + rows, columns] = cut[rows]
    return out


def _extremes(part: NDArray[np.float32]) -> tuple[Mask, NDArray[np.float32]]:
    """Which buckets are extreme, and what each item's are cut to."""
    # One sort gives every median: unknown buckets come last, empty ones first.
    ranked = np.sort(part, axis=1)
    count = (~np.isnan(ranked)).sum(axis=1)
    sold = (ranked > 0).sum(axis=1)
    cut = np.float32(OUTLIER_MULTIPLE) * _middle(ranked, count - sold, count)
    extreme = part > cut[:, None]
    some = np.flatnonzero(extreme.any(axis=1))
    if not len(some):
        return extreme, cut
    ranked, count, sold = ranked[some], count[some], sold[some]
    logs = np.log1p(ranked)
    sizes_only = sold < 0.5 * count
    score = _limit(logs, np.where(sizes_only, count - sold, 0), count)
    flat_ones = np.flatnonzero(np.isinf(score) & ~sizes_only)
    score[flat_ones] = _limit(logs[flat_ones], (count - sold)[flat_ones], count[flat_ones])
    extreme[some] &= np.log1p(part[some]) > score[:, None]
    extreme[some] &= _neighbours(extreme[some]) <= MOST_NEIGHBOURS
    return extreme, cut


def _middle(ranked: NDArray[np.float32], first: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[np.float32]:
    """Median of the sorted columns from `first` to `end` of each row, NaN where there are none."""
    rows = np.arange(len(ranked))
    last = ranked.shape[1] - 1
    low, high = ((first + end - 1) // 2).clip(0, last), ((first + end) // 2).clip(0, last)
    middle = (ranked[rows, low] + ranked[rows, high]) / np.float32(2)
    return np.where(end > first, middle, np.float32(np.nan))


def _limit(logs: NDArray[np.float32], first: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[np.float32]:
    """Median + 3.5 robust spreads of the sorted logs from `first` to `end`; infinite where they have no spread."""
    middle = _middle(logs, first, end)
    at = np.arange(logs.shape[1])
    counted = (at >= first[:, None]) & (at < end[:, None])
    away = np.sort(np.where(counted, np.abs(logs - middle[:, None]), np.float32(np.nan)), axis=1)
    spread = np.float32(_MAD_TO_SD) * _middle(away, np.zeros_like(first), end - first)
    return np.where(spread > 0, middle + np.float32(OUTLIER_SCORE) * spread, np.float32(np.inf))


def _neighbours(extreme: Mask) -> NDArray[np.int64]:
    """Count the other extreme buckets in the eight around each one: many together are a new level, not single ones."""
    total = np.cumsum(np.pad(extreme, ((0, 0), (AROUND + 1, AROUND))), axis=1, dtype=np.int16)
    return np.asarray(total[:, 2 * AROUND + 1 :] - total[:, : -2 * AROUND - 1] - extreme)
