"""Stock on past days, and what availability and counts tell of empty shelves."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from planning.calendar import is_weekly
from planning.fits import Fits
from planning.inputs import Inputs
from planning.kpi_form import Floats
from planning.kpi_rows import Rows, first_day, last_day, summed
from planning.lost_demand import hidden_units

Days = NDArray[np.datetime64]

LONGEST_DAYS = 31
"""A count stands for no more days than this, however late the next one comes."""
REACH_DAYS = 800
"""Counts that are older are not looked at."""


@dataclass(frozen=True)
class StockByDay:
    """Counts of the stock, that of the plan's morning included; days are numbered from `origin`.

    row, day, units : of each, below zero counts as nothing.
    place : location of each line, numbered, (n,). seen : whether each location was counted on each day, (L, D).
    """

    row: NDArray[np.int64]
    day: NDArray[np.int64]
    units: Floats
    place: NDArray[np.int64]
    origin: np.datetime64
    seen: NDArray[np.bool_]

    def at(self, mornings: Days) -> Floats:
        """Return the units on hand by line at the first mornings of months, (n, B).

        The last count of the month before speaks, for a whole location: what it does not list was not there. NaN:
        the location was not counted in that month.
        """
        months = len(mornings)
        on = self._number(mornings)
        since = self._number((mornings.astype("datetime64[M]") - 1).astype("datetime64[D]"))
        last = np.maximum.accumulate(np.where(self.seen, np.arange(self.seen.shape[1]), -1), axis=1)
        chosen = np.where(on >= 0, last[:, np.clip(on, 0, self.seen.shape[1] - 1)], -1)
        fresh = (chosen > since) & (chosen >= 0)
        # A day speaks for one morning alone: the first after it.
        speaks = np.full(self.seen.shape, -1)
        places, which = np.nonzero(fresh)
        speaks[places, chosen[places, which]] = which
        of_row = speaks[self.place[self.row], self.day]
        some = of_row >= 0
        units = summed(self.row[some] * months + of_row[some], self.units[some], (len(self.place), months))
        return np.where(fresh[self.place], units, np.nan)

    def _number(self, days: Days) -> NDArray[np.int64]:
        return np.asarray((days.astype("datetime64[D]") - self.origin).astype(np.int64))

    def dates(self, days: NDArray[np.int64]) -> Days:
        """Return the dates of numbered days."""
        return np.asarray(self.origin + days)

    def first_held(self) -> Days:
        """Return the first day on which each line was counted with stock, NaT: none, (n,)."""
        some = self.units > 0
        return first_day(self.row[some], self.dates(self.day[some]), len(self.place))


@dataclass(frozen=True)
class Shelf:
    """What is told of empty shelves, by line and month, (n, B - 1).

    told, empty : days of which anything is told, and of these with an empty shelf.
    served, lost : units sold, and estimated to be lost, in the buckets told; `lost` is NaN where no mean is known.
    told_by : "availability", "counts" or empty, (n,).
    """

    told: Floats
    empty: Floats
    served: Floats
    lost: Floats
    told_by: NDArray[np.object_]


def stock_by_day(stock: pd.DataFrame, rows: Rows, as_of: date) -> StockByDay:
    """Return the counts of the stock until the plan's morning by line and day; expired lots are not on hand."""
    place, names = pd.factorize(rows.keys["location_id"])
    origin = np.datetime64(as_of, "D") - REACH_DAYS
    counted = stock["as_of"]
    past = stock[(counted <= pd.Timestamp(as_of)) & (counted >= pd.Timestamp(origin))]
    past = past[~(past["expiry_date"] < past["as_of"])] if past["expiry_date"].notna().any() else past
    at = rows.of(past)
    day = (past["as_of"].to_numpy("datetime64[D]") - origin).astype(np.int64)
    of_place = pd.Index(names).get_indexer(pd.Index(past["location_id"].to_numpy(object)))
    seen = np.zeros((len(names), REACH_DAYS + 1), bool)
    seen[of_place[of_place >= 0], day[of_place >= 0]] = True
    some = at >= 0
    units = past["on_hand"].to_numpy(float).clip(min=0)
    return StockByDay(at[some], day[some], units[some], place.astype(np.int64), origin, seen)


@dataclass(frozen=True)
class Span:
    """When each line was for sale, NaT: not told, (n,): launch_on, first_sold, ended."""

    launch_on: Days
    first_sold: Days
    ended: Days

    def begin(self, first_held: Days) -> Days:
        """Return the launch of each line, else its first sale or day on the shelf; NaT: never for sale, (n,)."""
        seen = np.fmin(self.first_sold, first_held)
        return np.where(np.isnat(self.launch_on), seen, self.launch_on)


def read_shelf(tables: Inputs, fits: Fits, rows: Rows, by_day: StockByDay, mornings: Days, span: Span) -> Shelf:
    """Return what availability, and else the counts of the stock, tell of empty shelves while a line was for sale."""
    ranged = _ranged(tables, rows)
    days, empty, in_bucket, available = _availability(tables, fits, rows, mornings, span, ranged)
    counted, bare, also = _counts(by_day, fits, mornings, span, ranged)
    mine = ~available[:, None]
    in_bucket |= also & mine
    served, lost = _served(fits, in_bucket, mornings)
    told_by = np.where(available, "availability", np.where(counted.any(axis=1), "counts", "")).astype(object)
    return Shelf(np.where(mine, counted, days), np.where(mine, bare, empty), served, lost, told_by)


def _ranged(tables: Inputs, rows: Rows) -> NDArray[np.bool_]:
    """Whether each line is stocked at its location."""
    local = tables["item_locations"]
    out = np.ones(len(rows), bool)
    at = rows.of(local[local["ranged"].fillna(1.0).astype(float) <= 0])
    out[at[at >= 0]] = False
    return out


def _availability(
    tables: Inputs, fits: Fits, rows: Rows, mornings: Days, span: Span, ranged: NDArray[np.bool_]
) -> tuple[Floats, Floats, NDArray[np.bool_], NDArray[np.bool_]]:
    """Return days told and empty by month, buckets told, and lines of which availability tells."""
    told = tables["availability"]
    missing = told["location_id"].isna()
    if missing.any():
        spread = told[missing].drop(columns="location_id").merge(rows.keys, on="item_id")
        told = pd.concat([told[~missing], spread[list(told.columns)]], ignore_index=True)
    day, share = told["date"].to_numpy("datetime64[D]"), told["in_stock"].to_numpy(float)
    lasts = 7.0 if len(day) and is_weekly(told["date"]) else 1.0
    at = rows.of(told)
    some = (at >= 0) & (day < np.datetime64(fits.calendar.as_of, "D")) & ranged[at]
    there = some & (share > 0)
    begin = span.begin(first_day(at[there], day[there], len(rows)))
    some &= (day >= begin[at]) & ~(day > span.ended[at])
    at, day, share = at[some], day[some], share[some]
    shape = (len(rows), max(len(mornings) - 1, 0))
    month = np.searchsorted(mornings, day, side="right") - 1
    inside = (month >= 0) & (month < shape[1])
    cell = at[inside] * shape[1] + month[inside]
    days, empty = (summed(cell, part, shape) * lasts for part in (np.ones(len(cell)), 1 - share[inside]))
    in_bucket = np.zeros(fits.demand.shape, bool)
    _mark(in_bucket, at, day, fits)
    return days, empty, in_bucket, np.asarray(np.bincount(at, minlength=len(rows)) > 0)


def _mark(in_bucket: NDArray[np.bool_], at: NDArray[np.int64], day: Days, fits: Fits) -> None:
    bucket = fits.calendar.index(pd.Series(day))
    inside = (bucket >= 0) & (bucket < in_bucket.shape[1])
    in_bucket[at[inside], bucket[inside]] = True


def _counts(
    by_day: StockByDay, fits: Fits, mornings: Days, span: Span, ranged: NDArray[np.bool_]
) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Return days told and empty by month, and buckets told, by the counts of the stock before the plan's.

    From the first to the last count that lists a line, one of its location that does not list it found none.
    """
    shape = (len(by_day.place), max(len(mornings) - 1, 0))
    buckets = fits.periods
    days, in_bucket = np.zeros(shape), np.zeros((shape[0], buckets), bool)
    counted = by_day.dates(by_day.day)
    since = np.maximum(first_day(by_day.row, counted, shape[0]), span.begin(by_day.first_held()))
    until = np.fmin(last_day(by_day.row, counted, shape[0]), span.ended)
    lasts = np.zeros(by_day.seen.shape)
    for place, seen in enumerate(by_day.seen):
        on = np.flatnonzero(seen[:-1])
        lasts[place, on] = np.minimum(np.diff(np.append(on, REACH_DAYS)), LONGEST_DAYS)
        mine = np.flatnonzero((by_day.place == place) & ranged & (since <= until))
        dates = by_day.dates(on)
        first, last = np.searchsorted(dates, since[mine]), np.searchsorted(dates, until[mine], side="right")
        days[mine] = _between(_spread(dates, lasts[place, on], mornings, shape[1]), first, last)
        bucket = fits.calendar.index(pd.Series(dates))
        held = _between(_placed(bucket, np.ones(len(on)), buckets), first, last)
        in_bucket[mine] = held > 0
    inside = (counted >= since[by_day.row]) & (counted <= until[by_day.row]) & (by_day.units > 0) & ranged[by_day.row]
    row, day = by_day.row[inside], by_day.day[inside]
    month = np.searchsorted(mornings, counted[inside], side="right") - 1
    some = (month >= 0) & (month < shape[1])
    weight = lasts[by_day.place[row], day]
    held = summed((row * shape[1] + month)[some], weight[some], shape)
    return days, np.maximum(days - held, 0.0), in_bucket


def _spread(dates: Days, weight: Floats, mornings: Days, months: int) -> Floats:
    return _placed(np.searchsorted(mornings, dates, side="right") - 1, weight, months)


def _placed(column: NDArray[np.int64], weight: Floats, columns: int) -> Floats:
    """Return the weights in their columns, each row the sum of all before it, (k + 1, columns)."""
    out = np.zeros((len(column) + 1, columns))
    inside = np.flatnonzero((column >= 0) & (column < columns))
    out[inside + 1, column[inside]] = weight[inside]
    return np.asarray(np.cumsum(out, axis=0))


def _between(sums: Floats, first: NDArray[np.int64], last: NDArray[np.int64]) -> Floats:
    return np.asarray(sums[np.maximum(last, first)] - sums[first])


def _served(fits: Fits, in_bucket: NDArray[np.bool_], mornings: Days) -> tuple[Floats, Floats]:
    """Return units sold and estimated to be lost by month, in the buckets told."""
    shape = (len(fits.keys), max(len(mornings) - 1, 0))
    month = np.searchsorted(mornings, fits.calendar.starts(), side="right") - 1
    inside = (month >= 0) & (month < shape[1])
    if not in_bucket.any() or not inside.any():
        return np.zeros(shape), np.zeros(shape)
    rows = np.flatnonzero(in_bucket.any(axis=1))
    censored = fits.active[rows] & np.isnan(fits.demand[rows]) & ~fits.closed[rows]
    sales, demand = fits.sales[rows].astype(float), fits.demand[rows].astype(float)
    hidden, _ = hidden_units(sales, demand, censored, fits.active[rows])
    to_month = (month[inside][:, None] == np.arange(shape[1])[None, :]).astype(float)
    told = in_bucket[rows][:, inside] & fits.active[rows][:, inside]
    served, lost = np.zeros(shape), np.zeros(shape)
    served[rows] = np.where(told, sales[:, inside], 0.0) @ to_month
    lost[rows] = np.where(told, hidden[:, inside], 0.0) @ to_month
    return served, lost
