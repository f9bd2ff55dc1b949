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


@dataclass(frozen=True)
class StockByDay:
    """Counts of the stock before the plan's, rows of one line and day added up.

    row, day, units : of each, below zero counts as nothing, sorted by day.
    place : location of each line, numbered, (n,). counted : days on which each location was counted, sorted.
    """

    row: NDArray[np.int64]
    day: Days
    units: Floats
    place: NDArray[np.int64]
    counted: tuple[Days, ...]

    def at(self, mornings: Days) -> Floats:
        """Return the units on hand by line at the first mornings of months, (n, B).

        The last count of the month before speaks, for a whole location: what it does not list was not there. NaN:
        the location was not counted in that month.
        """
        chosen = np.full((len(self.counted), len(mornings)), -1)
        since = (mornings.astype("datetime64[M]") - 1).astype("datetime64[D]")
        for place, days in enumerate(self.counted):
            last = np.searchsorted(days, mornings, side="right") - 1
            fresh = (last >= 0) & (days[last] > since) if len(days) else np.zeros(len(mornings), bool)
            chosen[place] = np.where(fresh, days[last].astype(np.int64) if len(days) else -1, -1)
        out = np.where(chosen[self.place] >= 0, 0.0, np.nan)
        for b in range(len(mornings)):
            mine = np.flatnonzero(self.day.astype(np.int64) == chosen[self.place[self.row], b])
            np.add.at(out[:, b], self.row[mine], self.units[mine])
        return np.asarray(out)

    def first_held(self) -> Days:
        """Return the first day on which each line was counted with stock, NaT: none, (n,)."""
        some = self.units > 0
        return first_day(self.row[some], self.day[some], len(self.place))


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
    """Return the counts of the stock before the plan's by line and day; expired lots are not on hand."""
    place, names = pd.factorize(rows.keys["location_id"])
    past = stock[stock["as_of"].notna() & (stock["as_of"] <= pd.Timestamp(as_of))]
    past = past[~(past["expiry_date"] < past["as_of"])] if past["expiry_date"].notna().any() else past
    at, day = rows.of(past), past["as_of"].to_numpy("datetime64[D]")
    units = past["on_hand"].to_numpy(float).clip(min=0)
    some = at >= 0
    of_place = pd.Index(names).get_indexer(pd.Index(past["location_id"].to_numpy(object)))
    seen = pd.DataFrame({"place": of_place, "day": day}).drop_duplicates()
    counted = [np.sort(seen.loc[seen["place"] == k, "day"].to_numpy("datetime64[D]")) for k in range(len(names))]
    order = np.argsort(day[some], kind="stable")
    return StockByDay(at[some][order], day[some][order], units[some][order], place.astype(np.int64), tuple(counted))


@dataclass(frozen=True)
class Span:
    """When each line was for sale, NaT: not told, (n,): launch_on, first_sold, ended."""

    launch_on: Days
    first_sold: Days
    ended: Days

    def holds(self, at: NDArray[np.int64], day: Days, first_held: Days) -> NDArray[np.bool_]:
        """Whether each line was for sale on a day: from its launch, else its first sale or day on the shelf, on."""
        seen = np.fmin(self.first_sold, first_held)
        begin = np.where(np.isnat(self.launch_on), seen, self.launch_on)
        return np.asarray((day >= begin[at]) & ~(day > self.ended[at]))


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
    some &= span.holds(at, day, first_day(at[there], day[there], len(rows)))
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
    """Return days told and empty by month, and buckets told, by the counts of the stock.

    From the first to the last count that lists a line, one of its location that does not list it found none.
    """
    lines = len(by_day.place)
    days, bare = np.zeros((2, lines, max(len(mornings) - 1, 0)))
    in_bucket = np.zeros(fits.demand.shape, bool)
    first, last = (of(by_day.row, by_day.day, lines) for of in (first_day, last_day))
    held_first = by_day.first_held()
    end = np.datetime64(fits.calendar.as_of, "D")
    for place, counted in enumerate(by_day.counted):
        mine = np.flatnonzero((by_day.place == place) & ranged)
        lasts = np.minimum(np.diff(np.append(counted, end)).astype(int), LONGEST_DAYS)
        months = np.searchsorted(mornings, counted, side="right") - 1
        within = (months >= 0) & (months < days.shape[1]) & (lasts > 0)
        for day, length, month in zip(counted[within], lasts[within], months[within], strict=True):
            listed = slice(*np.searchsorted(by_day.day, [day, day + 1]))
            held = np.zeros(lines, bool)
            held[by_day.row[listed][by_day.units[listed] > 0]] = True
            seen = mine[(first[mine] <= day) & (last[mine] >= day)]
            seen = seen[span.holds(seen, day, held_first)]
            days[seen, month] += length
            bare[seen, month] += np.where(held[seen], 0.0, length)
            _mark(in_bucket, seen, np.full(len(seen), day), fits)
    return days, bare, in_bucket


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
