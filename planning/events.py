"""Promotions, holidays, closures: what they did to demand, measured; and what they are told to do."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from planning.calendar import Calendar
from planning.inputs import Inputs

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

LEAST_FACTOR = 0.3
"""A bucket that an event all but closed tells nothing of what is wanted on other days."""

TOLD_WEIGHT = 4.0
"""What the told uplift weighs, in observed buckets."""

CALM_BUCKETS = 4
"""Buckets without an event, on either side, that an event's bucket is compared with."""

LEAST_UPLIFT, MOST_UPLIFT = 0.05, 20.0
_ROWS = 2048


@dataclass(frozen=True)
class _Touch:
    """The rows and buckets that one event touches, and the share of each bucket's days."""

    rows: Whole
    columns: Whole
    share: Floats

    @property
    def cells(self) -> tuple[Whole, ...]:
        """The index of the touched cells, rows x columns."""
        return np.ix_(self.rows, self.columns)


def event_factors(
    inputs: Inputs, keys: pd.DataFrame, calendar: Calendar, future: int, effects: pd.DataFrame | None = None
) -> Floats:
    """Return the factor of all events on each bucket of demand, 1 where there is none.

    An event multiplies a bucket by 1 + (uplift - 1) x share of the bucket's days; several events multiply.

    Parameters
    ----------
    keys : item_id, location_id.
    future : buckets from `as_of` on.
    effects : what `event_effects` measured: past buckets take the uplift in `used`. None: they take the told one.
        Future buckets always take the told one.

    Returns
    -------
    Array, items x (periods + future).
    """
    starts = np.concatenate([calendar.starts(), calendar.future_starts(future)])
    factors = np.ones((len(keys), len(starts)))
    told = inputs["events"]["uplift"].to_numpy(float)
    used = told if effects is None else effects["used"].to_numpy(float)
    for event, touch in enumerate(_touches(inputs, keys, starts, calendar.bucket_days)):
        uplift = np.where(touch.columns < calendar.periods, used[event], told[event])
        factors[touch.cells] *= 1 + (uplift - 1) * touch.share
    return factors


def event_effects(inputs: Inputs, keys: pd.DataFrame, calendar: Calendar, demand: Floats) -> pd.DataFrame:
    """Measure what each event did to past demand, drawn to what it was told to do by the lack of evidence.

    u = sum of demand in its buckets / sum of their baselines; a baseline is the mean of the four buckets known and
    without an event on either side. Only buckets that an event has to itself count; events of one name are measured
    together, and a bucket partly touched counts by its share. used = (n u + 4 told) / (n + 4), from 0.05 to 20; a
    closure (told to leave less than 0.3) is used as told.
    All of the history is used, so the past that is cleaned by it is not blind to its own future.

    Parameters
    ----------
    keys : item_id, location_id, one row a row of `demand`.
    demand : items x periods, units a bucket, NaN where unknown.

    Returns
    -------
    DataFrame, one row an event in the order of the table: event_name, starts_on, ends_on, told, measured (NaN without
    an observation), observations (item-locations x buckets), used.

    Source: promotion uplift against clean buckets around it, shrunk; 10 a week, one event week of 18 told as 1.3
    give (1 x 1.8 + 4 x 1.3) / 5 = 1.4.
    """
    events = inputs["events"]
    told = events["uplift"].to_numpy(float)
    touches = list(_touches(inputs, keys, calendar.starts(), calendar.bucket_days))
    sums = _observed(touches, demand)
    name = events["event_name"]
    alone = pd.Series([f"row {k}" for k in range(len(events))], index=events.index, dtype="object")
    group = pd.factorize(("name " + name).where(name.notna(), alone))[0]
    pooled = np.zeros((len(events), 4))
    np.add.at(pooled, group, sums)
    count, weight, extra, base = pooled[group].T
    with np.errstate(invalid="ignore", divide="ignore"):
        measured = np.where(base > 0, np.maximum(extra / base, 0), np.nan)
    shrunk = (weight * np.nan_to_num(measured) + TOLD_WEIGHT * told) / (weight + TOLD_WEIGHT)
    # A day on which nobody can buy is known to sell nothing: what the rest of its week did says nothing of it.
    seen = (base > 0) & (told >= LEAST_FACTOR)
    used = np.where(seen, np.clip(shrunk, LEAST_UPLIFT, MOST_UPLIFT), told)
    return events[["event_name", "starts_on", "ends_on"]].assign(
        told=told, measured=measured, observations=np.where(base > 0, count, 0).astype(int), used=used
    )


def without_events(demand: Floats, factors: Floats) -> Floats:
    """Return demand as it would be without events; a bucket that was all but closed tells nothing, NaN."""
    open_ = factors >= LEAST_FACTOR
    return np.asarray(np.where(open_, demand / np.where(open_, factors, 1.0), np.nan))


def _observed(touches: list[_Touch], demand: Floats) -> Floats:
    """Return by event: observations, their sum of shares, demand beyond the untouched days, baseline of the others."""
    sums = np.zeros((len(touches), 4))
    count = np.zeros(demand.shape, np.int16)
    for touch in touches:
        count[touch.cells] += 1
    rows = np.flatnonzero((count > 0).any(axis=1)) if demand.shape[1] else np.array([], int)
    if not len(rows):
        return sums
    columns = np.unique(np.concatenate([touch.columns for touch in touches]))
    base = np.full((len(demand), len(columns)), np.nan)
    for first in range(0, len(rows), _ROWS):
        part = rows[first : first + _ROWS]
        base[part] = _baseline(demand[part], count[part] == 0, columns)
    for event, touch in enumerate(touches):
        usual = base[np.ix_(touch.rows, np.searchsorted(columns, touch.columns))]
        actual, share = demand[touch.cells], np.broadcast_to(touch.share, usual.shape)
        seen = (count[touch.cells] == 1) & ~np.isnan(actual) & ~np.isnan(usual)
        usual, actual, share = usual[seen], actual[seen], share[seen]
        sums[event] = len(share), share.sum(), (actual - usual * (1 - share)).sum(), (usual * share).sum()
    return sums


def _baseline(demand: Floats, calm: NDArray[np.bool_], columns: Whole) -> Floats:
    """Mean of the nearest calm known buckets, at most four on either side of each column; NaN without one."""
    calm = calm & ~np.isnan(demand)
    before = np.cumsum(calm, axis=1, dtype=np.int64)
    # The calm buckets of all rows, end to end: those around a column lie around its place among them.
    units = np.append(demand[calm], 0.0)
    ends = np.cumsum(before[:, -1])[:, None]
    starts = ends - before[:, -1:]
    total, number = np.zeros((2, len(demand), len(columns)))
    for step in range(-CALM_BUCKETS, CALM_BUCKETS):
        at = starts + before[:, columns] + step
        inside = (at >= starts) & (at < ends)
        total += np.where(inside, units[np.where(inside, at, -1)], 0.0)
        number += inside
    return np.asarray(np.where(number > 0, total / np.maximum(number, 1), np.nan))


def _touches(inputs: Inputs, keys: pd.DataFrame, starts: NDArray[np.datetime64], bucket_days: int) -> Iterator[_Touch]:
    """Yield what each event touches, in the order of the table; a missing id means all."""
    events = inputs["events"]
    if events.empty:
        return
    item = inputs["items"].drop_duplicates("item_id").set_index("item_id")
    named = {
        "item_id": keys["item_id"],
        "location_id": keys["location_id"],
        "category": keys["item_id"].map(item["category"]),
    }
    coded = {column: pd.factorize(values) for column, values in named.items()}
    code_of = {column: {value: k for k, value in enumerate(known)} for column, (_, known) in coded.items()}
    of_item = {str(k): np.asarray(v) for k, v in keys.groupby("item_id", sort=False).indices.items()}
    everybody, nobody = np.arange(len(keys)), np.array([], int)
    days = events[["starts_on", "ends_on"]].to_numpy().astype("datetime64[D]")
    ends = starts + bucket_days
    for wanted, (first, last) in zip(events[list(named)].to_numpy(), days, strict=True):
        # Most events name an item: its rows are looked up, and what else is named is asked of them only.
        rows = of_item.get(wanted[0], nobody) if isinstance(wanted[0], str) else everybody
        for column, value in zip(named, wanted, strict=True):
            if column != "item_id" and isinstance(value, str):
                rows = rows[coded[column][0][rows] == code_of[column].get(value, -2)]
        overlap = (np.minimum(ends, last + 1) - np.maximum(starts, first)).astype(int)
        columns = np.flatnonzero(overlap > 0)
        yield _Touch(rows, columns, overlap[columns] / bucket_days)
