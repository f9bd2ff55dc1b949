"""From sales to demand: buckets, stock-outs, closures, returns, events, predecessors."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from planning.calendar import Calendar
from planning.closures import closed_buckets, closures_note
from planning.events import event_effects, event_factors, without_events
from planning.extremes import clean_of_extremes
from planning.inputs import KEY, Inputs, rows_of, stock_history
from planning.params import Params

LEAST_SHARE_ON_SHELF = 0.3
"""Below this share of a bucket on the shelf its sales say too little to be scaled up (science: 0.3)."""


@dataclass(frozen=True)
class Demand:
    """The history of demand, one row an item-location, one column a bucket.

    sales : units sold, returns left out.
    demand : units wanted: sales, scaled up where the shelf was empty for part of the bucket; NaN where
        nothing is known (before the item's first day, an empty shelf, a closed location).
    flat : demand as it would have been without events.
    events : factor by which events raise demand, past ones as measured, future ones as told,
        shape (n, periods + future).
    effects : what each event was told to do and did (`events.event_effects`).
    active : whether the item was stocked in the bucket.
    closed : whether the location was closed in a bucket of which nothing else hides the demand.
    whole : shape (n,), whether the item is sold in whole units.
    cuts_extremes : whether `clean` cuts single extreme buckets.
    """

    sales: np.ndarray
    demand: np.ndarray
    flat: np.ndarray
    events: np.ndarray
    effects: pd.DataFrame
    active: np.ndarray
    closed: np.ndarray
    whole: np.ndarray
    cuts_extremes: bool

    @property
    def censored(self) -> np.ndarray:
        """Buckets in which the shelf was empty, so that demand is not known."""
        return np.asarray(self.active & np.isnan(self.demand) & ~self.closed)

    @cached_property
    def clean(self) -> np.ndarray:
        """Demand without events and single extreme buckets, judged by all of the history, for the mean only."""
        return clean_of_extremes(self.flat) if self.cuts_extremes else self.flat

    @property
    def extremes(self) -> np.ndarray:
        """Buckets that `clean` cuts."""
        return np.asarray(self.clean < self.flat)

    def extremes_note(self) -> str:
        """Say how many single extreme buckets there are; empty without one."""
        found = int(self.extremes.sum())
        said = f"Single extreme buckets: {found:,}. They are kept out of the mean, but count for the spread."
        return said if found else ""


def build_demand(
    inputs: Inputs, keys: pd.DataFrame, calendar: Calendar, future: int, params: Params, notes: list[str]
) -> Demand:
    """Lay sales, availability and events into buckets and correct what sales do not show.

    Parameters
    ----------
    keys : item_id, location_id, sorted.
    future : buckets from `as_of` on for which events are told.
    notes : what was corrected is appended.
    """
    sold = _with_predecessors(inputs, _without_cancelled(inputs["sales"], notes))
    rows, columns = rows_of(sold, keys), calendar.index(sold["date"])
    inside = (rows >= 0) & (columns >= 0) & (columns < calendar.periods)
    quantity = sold["quantity"].to_numpy(float)
    if (quantity < 0).any():
        notes.append(
            f"Returns: {int((quantity < 0).sum()):,}, {-quantity[quantity < 0].sum():,.0f} units. They are not demand."
        )
    shape = (len(keys), calendar.periods)
    gross = np.zeros(shape)
    np.add.at(gross, (rows[inside], columns[inside]), quantity[inside].clip(min=0))
    share = _share_on_shelf(inputs, keys, calendar, gross > 0)
    active = _active(gross, share, inputs, keys, calendar)
    demand = _uncensored(gross, share, corrected=params.stockout_correction)
    demand[~active] = np.nan
    closed = np.zeros(shape, bool)
    if params.stockout_correction:
        closed = _closed(gross, keys, calendar, notes) & ~np.isnan(demand)
        demand[closed] = np.nan
    whole = np.ones(len(keys), bool)
    np.logical_and.at(whole, rows[rows >= 0], (quantity == np.round(quantity))[rows >= 0])
    effects = event_effects(inputs, keys, calendar, demand)
    events = event_factors(inputs, keys, calendar, future, effects)
    flat = without_events(demand, events[:, : calendar.periods])
    return Demand(gross, demand, flat, events, effects, active, closed, whole, params.outlier_correction)


def _closed(gross: np.ndarray, keys: pd.DataFrame, calendar: Calendar, notes: list[str]) -> np.ndarray:
    """Whether each item's location was closed, (n, periods); said in `notes`."""
    places, names = pd.factorize(keys["location_id"])
    closed = closed_buckets(gross, places, calendar.bucket_days)
    said = closures_note(closed, names, calendar.bucket_days)
    notes.extend([said] if said else [])
    return np.asarray(closed[places])


def _without_cancelled(sales: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """Sales less those that were taken back whole on the same day: they were never demand."""
    back = sales["quantity"] < 0
    if not back.any():
        return sales
    pair = sales[["item_id", "location_id", "date"]].assign(units=sales["quantity"].abs())
    turn = pair.assign(back=back).groupby([*pair.columns, "back"], dropna=False).cumcount()
    same = pd.MultiIndex.from_frame(pair.assign(turn=turn))
    cancelled = np.where(back, same.isin(same[~back]), same.isin(same[back]))
    if cancelled.any():
        units = sales.loc[cancelled & ~back, "quantity"].sum()
        notes.append(
            f"Sales taken back whole on the same day: {int((cancelled & back).sum()):,}, {units:,.0f} units. "
            "They are not demand."
        )
    return sales[~cancelled]


def _with_predecessors(inputs: Inputs, sales: pd.DataFrame) -> pd.DataFrame:
    """Sales, with those of each predecessor told once more as its successor's own past."""
    heirs = inputs["items"].dropna(subset=["predecessor_id"])
    heirs = heirs[heirs["predecessor_id"] != heirs["item_id"]]
    if heirs.empty:
        return sales
    past = sales.merge(
        heirs[["item_id", "predecessor_id"]].rename(columns={"item_id": "heir"}),
        left_on="item_id",
        right_on="predecessor_id",
    )
    first = sales[sales["quantity"] > 0].groupby("item_id")["date"].min()
    before = past["date"] < past["heir"].map(first).fillna(pd.Timestamp.max.floor("D"))
    past = past[before].assign(item_id=past.loc[before, "heir"])
    return pd.concat([sales, past[list(sales.columns)]], ignore_index=True)


def _share_on_shelf(inputs: Inputs, keys: pd.DataFrame, calendar: Calendar, sold: np.ndarray) -> np.ndarray:
    """Return the share of each bucket on the shelf, NaN where nothing is told. Shape (n, periods).

    Parameters
    ----------
    sold : whether anything was sold in the bucket, (n, periods).
    """
    told = inputs["availability"]
    history = stock_history(inputs["stock"], calendar.as_of)
    counted = history.rename(columns={"as_of": "date"}).assign(in_stock=(history["on_hand"] > 0).astype(float))
    if not counted.empty and not told.empty:
        known = pd.MultiIndex.from_frame(told[[*KEY, "date"]])
        counted = counted[~pd.MultiIndex.from_frame(counted[[*KEY, "date"]]).isin(known)]
    both = told if counted.empty else pd.concat([told, counted[list(told.columns)]], ignore_index=True)
    total, days = np.zeros((2, len(keys), calendar.periods))
    whole_buckets = calendar.weekly_data or calendar.bucket_days == 1
    for rows, part in _placed(both, keys):
        columns = calendar.index(part["date"])
        inside = (rows >= 0) & (columns >= 0) & (columns < calendar.periods)
        at = (rows[inside], columns[inside])
        np.add.at(total, at, part["in_stock"].to_numpy(float)[inside])
        np.add.at(days, at, 1.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        if whole_buckets:
            return np.asarray(np.where(days > 0, total / days, np.nan))
        # Days of which nothing is told count as on the shelf, but not beside an empty one alone: what was empty when
        # it was looked at, and sold nothing, was not there to be sold.
        missing = np.where((total > 0) | sold, np.maximum(calendar.bucket_days - days, 0), 0.0)
        return np.asarray(np.where(days > 0, (total + missing) / np.maximum(days, calendar.bucket_days), np.nan))


def _placed(frame: pd.DataFrame, keys: pd.DataFrame) -> list[tuple[np.ndarray, pd.DataFrame]]:
    """Return the frame with the rows it speaks of; a row without a location speaks of all of the item's."""
    bound = frame[frame["location_id"].notna()]
    free = frame[frame["location_id"].isna()]
    out = [(rows_of(bound, keys), bound)]
    if not free.empty:
        spread = free.drop(columns="location_id").merge(keys, on="item_id")
        out.append((rows_of(spread, keys), spread))
    return out


def _active(gross: np.ndarray, share: np.ndarray, inputs: Inputs, keys: pd.DataFrame, calendar: Calendar) -> np.ndarray:
    """Whether the item was stocked: from its first sale, its first day on the shelf or its launch.

    What lies in stock before its launch is not on the shelf yet.
    """
    launch = _item_dates(inputs, keys, "launch_on")
    launched = np.isnat(launch)[:, None] | (calendar.starts()[None, :] >= launch[:, None])
    seen = (gross > 0) | ((np.nan_to_num(share) > 0) & launched)
    started = np.logical_or.accumulate(seen, axis=1)
    return np.where(np.isnat(launch)[:, None], started, launched | started)


def _item_dates(inputs: Inputs, keys: pd.DataFrame, column: str) -> np.ndarray:
    values = inputs["items"].drop_duplicates("item_id").set_index("item_id")[column]
    return keys["item_id"].map(values).to_numpy().astype("datetime64[D]")


def _uncensored(gross: np.ndarray, share: np.ndarray, *, corrected: bool) -> np.ndarray:
    """Demand from sales by availability scaling: sales / share, unknown where the share is too small.

    Source: availability scaling, e.g. sales 18 at a share of 4/7 give 31.5.
    """
    demand = gross.copy()
    if corrected:
        part = (share < 1) & (share >= LEAST_SHARE_ON_SHELF)
        demand[part] = gross[part] / share[part]
        demand[share < LEAST_SHARE_ON_SHELF] = np.nan
    return demand


__all__ = ["LEAST_SHARE_ON_SHELF", "Demand", "build_demand", "clean_of_extremes", "event_factors", "without_events"]
