"""From sales to demand: buckets, stock-outs, returns, events, single extreme sales."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from planning.calendar import Calendar
from planning.inputs import KEY, Inputs, rows_of, stock_history
from planning.params import Params

LEAST_SHARE_ON_SHELF = 0.3
"""Below this share of a bucket on the shelf its sales say too little to be scaled up (science: 0.3)."""

OUTLIER_SCORE = 3.5
OUTLIER_MULTIPLE = 3.0
MOST_NEIGHBOURS = 1


@dataclass(frozen=True)
class Demand:
    """The history of demand, one row an item-location, one column a bucket.

    sales : units sold, returns left out.
    demand : units wanted: sales, scaled up where the shelf was empty for part of the bucket; NaN where
        nothing is known (before the item's first day, or an empty shelf).
    clean : demand with single extreme buckets cut, for the mean only.
    events : factor by which events raise demand, history and future, shape (n, periods + future).
    active : whether the item was stocked in the bucket.
    whole : shape (n,), whether the item is sold in whole units.
    """

    sales: np.ndarray
    demand: np.ndarray
    clean: np.ndarray
    events: np.ndarray
    active: np.ndarray
    whole: np.ndarray

    @property
    def censored(self) -> np.ndarray:
        """Buckets in which the shelf was empty, so that demand is not known."""
        return np.asarray(self.active & np.isnan(self.demand))


def build_demand(
    inputs: Inputs, keys: pd.DataFrame, calendar: Calendar, future: int, params: Params, notes: list[str]
) -> Demand:
    """Lay sales, availability and events into buckets and correct what sales do not show."""
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
    share = _share_on_shelf(inputs, keys, calendar)
    active = _active(gross, share, inputs, keys, calendar)
    demand = _uncensored(gross, share, corrected=params.stockout_correction)
    demand[~active] = np.nan
    whole = np.ones(len(keys), bool)
    np.logical_and.at(whole, rows[rows >= 0], (quantity == np.round(quantity))[rows >= 0])
    events = event_factors(inputs, keys, calendar, future)
    clean = without_events(demand, events[:, : calendar.periods])
    if params.outlier_correction:
        clean, found = _without_outliers(clean)
        if found:
            notes.append(f"Single extreme buckets: {found:,}. They are kept out of the mean, but count for the spread.")
    return Demand(gross, demand, clean, events, active, whole)


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


def _share_on_shelf(inputs: Inputs, keys: pd.DataFrame, calendar: Calendar) -> np.ndarray:
    """Return the share of each bucket on the shelf, NaN where nothing is told. Shape (n, periods)."""
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
        # Days of which nothing is told count as on the shelf.
        missing = np.maximum(calendar.bucket_days - days, 0)
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
    """Whether the item was stocked: from its first day on the shelf, its first sale or its launch."""
    seen = (gross > 0) | (np.nan_to_num(share) > 0)
    started = np.maximum.accumulate(seen, axis=1) if seen.shape[1] else seen
    launch = _item_dates(inputs, keys, "launch_on")
    known = ~np.isnat(launch)
    after = calendar.starts()[None, :] >= launch[:, None] if known.any() else np.zeros_like(started)
    return np.where(known[:, None], after | started, started)


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


def event_factors(inputs: Inputs, keys: pd.DataFrame, calendar: Calendar, future: int) -> np.ndarray:
    """Return the factor of all events on each bucket, history then future, shape (n, periods + future)."""
    starts = np.concatenate([calendar.starts(), calendar.future_starts(future)])
    factors = np.ones((len(keys), len(starts)))
    events = inputs["events"]
    if events.empty:
        return factors
    category = keys["item_id"].map(_by_item(inputs, "category"))
    days = events[["starts_on", "ends_on"]].to_numpy().astype("datetime64[D]")
    uplifts = events["uplift"].to_numpy(float)
    for event, (first, last), uplift in zip(events.itertuples(), days, uplifts, strict=True):
        who = np.ones(len(keys), bool)
        for column, values in (
            ("item_id", keys["item_id"]),
            ("category", category),
            ("location_id", keys["location_id"]),
        ):
            wanted = getattr(event, column)
            if isinstance(wanted, str):
                who &= (values == wanted).to_numpy()
        end = starts + calendar.bucket_days
        overlap = (np.minimum(end, last + 1) - np.maximum(starts, first)).astype(int)
        share = np.clip(overlap, 0, None) / calendar.bucket_days
        touched = np.flatnonzero(share > 0)
        factors[np.ix_(who, touched)] *= 1 + (uplift - 1) * share[touched]
    return factors


def without_events(demand: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """Return demand as it would be without events; a bucket that was all but closed tells nothing, NaN."""
    open_ = factors >= LEAST_SHARE_ON_SHELF
    return np.asarray(np.where(open_, demand / np.where(open_, factors, 1.0), np.nan))


def _by_item(inputs: Inputs, column: str) -> Mapping[str, object]:
    frame = inputs["items"].drop_duplicates("item_id")
    return dict(zip(frame["item_id"], frame[column], strict=True))


def _neighbours(extreme: np.ndarray) -> np.ndarray:
    """Count the other extreme buckets in the eight around each one: many together are a new level, not single ones."""
    around = 4
    total = np.cumsum(np.pad(extreme.astype(int), ((0, 0), (around + 1, around))), axis=1)
    return np.asarray(total[:, 2 * around + 1 :] - total[:, : -2 * around - 1] - extreme)


def _without_outliers(clean: np.ndarray) -> tuple[np.ndarray, int]:
    """Cut single extreme buckets to three times the median sale; return how many there were.

    Robust z of log1p beyond 3.5 and more than three times the median non-zero bucket.
    """
    import warnings

    if not clean.shape[1]:
        return clean, 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        logs = np.log1p(np.maximum(clean, 0))
        positive = np.where(clean > 0, clean, np.nan)
        # Where most buckets are empty the spread of the sizes is the measure, not that of the zeros.
        sparse = (np.nanmean(clean > 0, axis=1) < 0.5)[:, None] if clean.shape[1] else np.zeros((len(clean), 1), bool)
        sizes = np.where(sparse, np.log1p(positive), logs)
        middle = np.nanmedian(sizes, axis=1, keepdims=True)
        mad = np.nanmedian(np.abs(sizes - middle), axis=1, keepdims=True) * 1.4826
        typical = np.nanmedian(positive, axis=1, keepdims=True)
        extreme = (mad > 0) & ((logs - middle) / mad > OUTLIER_SCORE) & (clean > OUTLIER_MULTIPLE * typical)
    extreme &= _neighbours(extreme) <= MOST_NEIGHBOURS
    return np.where(extreme, OUTLIER_MULTIPLE * typical, clean), int(extreme.sum())
