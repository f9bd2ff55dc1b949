"""Days and weeks on which a location was closed: nothing sold at all says nothing of what was wanted."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Whole = NDArray[np.int64]

LEAST_CHANCE = 1e-3
"""A bucket without a sale that is less likely than this was no ordinary one."""

LOOK_BACK = 52
"""Earlier buckets (of the same weekday for daily ones) that tell what is usual."""

LEAST_SEEN = 8
"""Where fewer lie before, those that follow make up the number."""

MOST_GAPS_SHARE = 0.1
GAPS_ALLOWED = 1
"""More separate gaps in the usual buckets than that share of them, and than this, are the way a location sells."""

LONG_GAP_DAYS = 28
YEAR_DAYS = 364
_NAMES_SHOWN = 5
_CHUNK = 50_000
_ROWS = 4096


def closed_buckets(sold: Floats, places: Whole, bucket_days: int) -> Mask:
    """Return the buckets in which a location was closed, runs included.

    A bucket without any sale is closed where the chance of that is below 1 in 1,000 by either of two measures. One is
    the location's usual total: the median of the 52 buckets before it, of the same weekday for daily ones; the chance
    is that of a Poisson total, or of a negative binomial one where the totals spread wider. The other is the habit of
    its items: the product of the shares of buckets in which each sold nothing before while others sold.
    So a weekday that mostly sells nothing is a profile and stays, as do a location of few rare items or of many gaps,
    a long gap that comes back a year later, and the buckets before the first sale and after the last. Of what follows
    a bucket, only whether anything is sold again is asked, but in the first eight buckets (weeks, for daily ones) and
    for gaps of four weeks or more.

    Parameters
    ----------
    sold : items x buckets, units sold, >= 0.
    places : location of each row, 0 to the number of locations - 1, each of them at least once.
    bucket_days : 1 or 7.

    Returns
    -------
    Array, locations x buckets.

    Source: house rule; the chance of a Poisson total of nothing is exp(-usual).
    """
    total = total_by_location(sold, places)
    closed = np.zeros(total.shape, bool)
    if not sold.size:
        return closed
    cycle = 7 if bucket_days == 1 else 1
    begun = np.logical_or.accumulate(total > 0, axis=1)
    goes_on = np.logical_or.accumulate((total > 0)[:, ::-1], axis=1)[:, ::-1]
    empty = (total == 0) & begun & goes_on
    rows, columns = np.nonzero(empty & ~_yearly(empty, bucket_days))
    for first in range(0, len(rows), _CHUNK):
        part = rows[first : first + _CHUNK], columns[first : first + _CHUNK]
        closed[part] = _unusual(np.where(begun, total, np.nan), *part, cycle)
    return _beyond_habit(sold, places, np.asarray(total > 0), closed, cycle * LEAST_SEEN)


def _beyond_habit(sold: Floats, places: Whole, open_: Mask, closed: Mask, least: int) -> Mask:
    """Leave out the buckets in which nothing sold because each item of the location so often sells nothing."""
    columns = np.flatnonzero(closed.any(axis=0))
    rows = np.flatnonzero(np.asarray(closed.any(axis=1))[places])
    # What was sold before the bucket; the first ones take a few that follow.
    known = np.minimum(np.maximum(columns, least), sold.shape[1] - 1)
    chance = np.zeros((len(closed), len(columns)))
    for first in range(0, len(rows), _ROWS):
        part = rows[first : first + _ROWS]
        units, sells = sold[part], sold[part] > 0
        seen = np.cumsum(open_[places[part]] & np.logical_or.accumulate(sells, axis=1), axis=1)[:, known]
        without: Whole = seen - np.cumsum(sells, axis=1)[:, known]
        mean = np.cumsum(units, axis=1)[:, known] / np.maximum(seen, 1)
        never = np.minimum(np.log(1 / (seen + 2)), -mean)
        np.add.at(chance, places[part], np.where(without > 0, np.log((without + 1) / (seen + 2)), never))
    out = np.zeros_like(closed)
    out[:, columns] = closed[:, columns] & (chance < np.log(LEAST_CHANCE))
    return out


def _unusual(sold: Floats, rows: Whole, columns: Whole, cycle: int) -> Mask:
    """Whether nothing sold in these buckets is no ordinary thing, judged by those around them."""
    back = columns[:, None] - cycle * np.arange(LOOK_BACK, 0, -1)
    ahead = columns[:, None] + cycle * np.arange(1, LEAST_SEEN + 1)
    before = _looked_up(sold, rows, back)
    missing = LEAST_SEEN - (~np.isnan(before)).sum(axis=1, keepdims=True)
    after = np.where(np.arange(LEAST_SEEN) < missing, _looked_up(sold, rows, ahead), np.nan)
    seen = np.concatenate([before, after], axis=1)
    usual = _median(seen)
    spread = 1.4826 * _median(np.abs(np.where(seen > 0, seen, np.nan) - usual[:, None]))
    with np.errstate(invalid="ignore", divide="ignore"):
        wide = spread**2 / usual
        rate = np.where(wide > 1 + 1e-9, np.log(wide) / (wide - 1), 1.0)
        unlikely = np.exp(-usual * rate) < LEAST_CHANCE
    starts = (seen[:, 1:] == 0) & (seen[:, :-1] > 0)
    known = (~np.isnan(seen)).sum(axis=1)
    return np.asarray(unlikely & (starts.sum(axis=1) <= np.maximum(GAPS_ALLOWED, MOST_GAPS_SHARE * known)))


def _looked_up(sold: Floats, rows: Whole, columns: Whole) -> Floats:
    inside = (columns >= 0) & (columns < sold.shape[1])
    return np.asarray(np.where(inside, sold[rows[:, None], np.where(inside, columns, 0)], np.nan))


def _yearly(empty: Mask, bucket_days: int) -> Mask:
    """Long gaps that come back after a year: a season in which the location does not sell."""
    length, year = LONG_GAP_DAYS // bucket_days, YEAR_DAYS // bucket_days
    at = np.arange(empty.shape[1])
    last_sale = np.maximum.accumulate(np.where(empty, -1, at), axis=1)
    next_sale = np.minimum.accumulate(np.where(empty, len(at), at)[:, ::-1], axis=1)[:, ::-1]
    long = empty & (next_sale - last_sale > length)
    again = np.zeros_like(long)
    again[:, year:] |= long[:, :-year]
    again[:, :-year] |= long[:, year:]
    return np.asarray(long & again)


def total_by_location(sold: Floats, places: Whole) -> Floats:
    """Return the units sold by location, locations x buckets."""
    order = np.argsort(places, kind="stable")
    edges = np.flatnonzero(np.diff(places[order], prepend=-1))
    return np.asarray(np.add.reduceat(sold[order], edges, axis=0)) if len(places) else np.zeros((0, sold.shape[1]))


def closures_note(closed: Mask, locations: pd.Index, bucket_days: int) -> str:
    """Say how many buckets were closed at which locations; empty without one."""
    count = closed.sum(axis=1)
    where = [f"{name} ({k:,})" for name, k in zip(locations, count.tolist(), strict=True) if k]
    if not where:
        return ""
    more = f" and {len(where) - _NAMES_SHOWN:,} more locations" if len(where) > _NAMES_SHOWN else ""
    unit = "Days" if bucket_days == 1 else "Weeks"
    return (
        f"{unit} in which a location sold nothing at all: {int(count.sum()):,}, at {', '.join(where[:_NAMES_SHOWN])}"
        f"{more}. It counts as closed: demand is unknown there, not zero."
    )


def _median(values: Floats) -> Floats:
    """Median of each row's known values, 0 where there is none."""
    ranked = np.sort(values, axis=1)
    count = (~np.isnan(ranked)).sum(axis=1)
    at = np.arange(len(ranked))
    middle = (ranked[at, np.maximum(count - 1, 0) // 2] + ranked[at, np.minimum(count // 2, ranked.shape[1] - 1)]) / 2
    return np.asarray(np.where(count > 0, middle, 0.0))
