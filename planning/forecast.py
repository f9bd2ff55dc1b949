"""The heavy stage: what each model would have forecast, from many past mornings and from today.

All candidates forecast a level on deseasonalised demand; the path is that level times the seasonal index.
So one number an origin holds a whole forecast, the error of every horizon follows from it without a new
fit, and choosing another model, lead time or service level later costs nothing.
The only module that knows statsforecast.
"""

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from planning.calendar import Calendar
from planning.classify import classify_demand
from planning.demand import Demand, build_demand, without_events
from planning.engine import PARTITION, Runner
from planning.inputs import Inputs, rows_of
from planning.params import Params
from planning.season import seasonal_index

Progress = Callable[[str, int, int], None]

MODELS = ("SESOptimized", "WindowAverage13", "WindowAverage52", "CrostonSBA", "TSB", "IMAPA", "Combination")
CANDIDATES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "smooth": ("SESOptimized", "WindowAverage13", "WindowAverage52", "Combination"),
        "erratic": ("SESOptimized", "WindowAverage13", "WindowAverage52", "Combination"),
        "intermittent": ("CrostonSBA", "TSB", "IMAPA", "WindowAverage52", "Combination"),
        "lumpy": ("CrostonSBA", "TSB", "IMAPA", "WindowAverage52", "Combination"),
        "none": ("WindowAverage52",),
    }
)
ORIGINS = 20
ORIGIN_STEP_DAYS: Mapping[int, int] = MappingProxyType({1: 7, 7: 14})
FIT_BUCKETS: Mapping[int, int] = MappingProxyType({1: 364, 7: 156})
"""The models forecast a level; what lies further back than this says nothing about it."""
LEAST_BUCKETS = 8
"""With less history there is no model to fit, only a mean."""
LIKE_ITEM_WEIGHT = 4.0
"""What a like item's level weighs, in buckets of the new item's own."""


@dataclass(frozen=True)
class Fits:
    """What the heavy stage keeps. n item-locations, T past buckets, H future ones, K origins.

    keys : item_id, location_id.
    sales, demand : units by bucket, (n, T); demand is NaN where unknown.
    active, outlier, event : flags by bucket, (n, T).
    index : seasonal and event factor, (n, T + H).
    levels : deseasonalised level by model and origin, the last column is today's, (n, len(MODELS), K + 1).
    origins : buckets known at each origin, (K,), newest first.
    demand_class : smooth, intermittent, erratic, lumpy or none, (n,).
    own, own_share : the user's own forecast by future bucket, and the share of its days that it covers, (n, H).
    firm : known customer orders by future bucket, (n, H).
    """

    keys: pd.DataFrame
    calendar: Calendar
    sales: np.ndarray
    demand: np.ndarray
    active: np.ndarray
    outlier: np.ndarray
    event: np.ndarray
    index: np.ndarray
    levels: np.ndarray
    origins: np.ndarray
    demand_class: np.ndarray
    whole: np.ndarray
    own: np.ndarray
    own_share: np.ndarray
    firm: np.ndarray
    notes: tuple[str, ...]

    _ARRAYS = (
        "sales",
        "demand",
        "active",
        "outlier",
        "event",
        "index",
        "levels",
        "origins",
        "demand_class",
        "whole",
        "own",
        "own_share",
        "firm",
    )

    @property
    def horizon(self) -> int:
        """Future buckets."""
        return int(self.index.shape[1] - self.demand.shape[1])

    def to_bytes(self) -> bytes:
        """Return the fits as one compressed archive; the same fits give the same bytes."""
        c = self.calendar
        head = {
            "item_id": list(self.keys["item_id"]),
            "location_id": list(self.keys["location_id"]),
            "calendar": [c.as_of.isoformat(), c.bucket_days, c.periods, c.gap_days, c.weekly_data],
            "notes": list(self.notes),
        }
        out = io.BytesIO()
        text = np.frombuffer(json.dumps(head).encode(), np.uint8)
        np.savez_compressed(out, head=text, **{name: getattr(self, name) for name in self._ARRAYS})
        return out.getvalue()

    @classmethod
    def from_bytes(cls, kept: bytes) -> "Fits":
        """Read what `to_bytes` wrote."""
        with np.load(io.BytesIO(kept), allow_pickle=False) as archive:
            head = json.loads(archive["head"].tobytes().decode())
            arrays = {name: archive[name] for name in cls._ARRAYS}
        as_of, bucket_days, periods, gap, weekly = head["calendar"]
        keys = pd.DataFrame({"item_id": head["item_id"], "location_id": head["location_id"]}, dtype="object")
        calendar = Calendar(date.fromisoformat(as_of), bucket_days, periods, gap, weekly_data=weekly)
        return cls(keys=keys, calendar=calendar, notes=tuple(head["notes"]), **arrays)


def forecast(
    inputs: Inputs,
    keys: pd.DataFrame,
    calendar: Calendar,
    horizon: int,
    params: Params,
    run: Runner,
    progress: Progress,
) -> Fits:
    """Run the heavy stage for the given item-locations: demand, seasons, levels of all models and origins.

    Parameters
    ----------
    keys : item_id, location_id, sorted.
    horizon : future buckets to reach.
    """
    notes: list[str] = []
    if calendar.weekly_data and params.bucket == "day":
        notes.append("The sales are weekly: weeks are used, not days.")
    if calendar.gap_days:
        last = inputs["sales"]["date"].max().date() + timedelta(days=6 if calendar.weekly_data else 0)
        ago = (calendar.as_of - last).days
        notes.append(f"Sales end on {last}, {ago} days before the plan: the forecast goes on from there.")
    progress("demand", 0, len(keys))
    demand = build_demand(inputs, keys, calendar, horizon, params, notes)
    items = inputs["items"].drop_duplicates("item_id").set_index("item_id")
    groups = pd.factorize(keys["item_id"].map(items["category"]).fillna(""))[0]
    places = pd.factorize(keys["location_id"])[0]
    starts = np.concatenate([calendar.starts(), calendar.future_starts(horizon)])
    index = seasonal_index(demand.clean, groups, places, starts, calendar.bucket_days)
    clean = demand.clean / index[:, : calendar.periods]
    origins = _origins(calendar)
    levels = _all_levels(clean, origins, calendar.bucket_days, run, progress)
    classes = classify_demand(demand.demand)
    levels = _with_combination(levels, classes)
    _start_short_histories(levels, clean, keys, items)
    index = index * demand.events
    index[:, calendar.periods :] *= _on_sale(keys, items, starts[calendar.periods :], calendar.bucket_days)
    own, own_share, firm = _told_demand(inputs, keys, calendar, horizon)
    for name, table in (("Forecast", inputs["forecasts"]), ("Customer order", inputs["customer_orders"])):
        lost = int((rows_of(table, keys) < 0).sum()) if len(table) else 0
        if lost:
            notes.append(f"{name} rows for no item and location of the plan: {lost:,}. They are not used.")
    progress("forecast", len(keys), len(keys))
    raw = without_events(demand.demand, demand.events[:, : calendar.periods])
    return Fits(
        keys=keys,
        calendar=calendar,
        sales=demand.sales.astype(np.float32),
        demand=demand.demand.astype(np.float32),
        active=demand.active,
        outlier=np.nan_to_num(raw) > np.nan_to_num(demand.clean) + 1e-9,
        event=demand.events[:, : calendar.periods] != 1,
        index=index.astype(np.float32),
        levels=levels,
        origins=origins,
        demand_class=classes.astype("U12"),
        whole=demand.whole,
        own=own,
        own_share=own_share,
        firm=firm,
        notes=tuple(notes),
    )


def _origins(calendar: Calendar) -> np.ndarray:
    """Buckets known at each origin, newest first; the last bucket of all is the first to be forecast."""
    step = max(1, ORIGIN_STEP_DAYS[calendar.bucket_days] // calendar.bucket_days)
    counts = calendar.periods - 1 - step * np.arange(ORIGINS)
    return counts[counts >= LEAST_BUCKETS // 2]


def _all_levels(
    clean: np.ndarray, origins: np.ndarray, bucket_days: int, run: Runner, progress: Progress
) -> np.ndarray:
    known = [*origins.tolist(), clean.shape[1]]
    edges = [*range(0, len(clean), PARTITION), len(clean)]
    parts = [(clean[a:b], known, bucket_days) for a, b in pairwise(edges)]
    done = []
    for part in run(_levels, parts):
        done.append(part)
        progress("forecast", min(len(done) * PARTITION, len(clean)), len(clean))
    return np.concatenate(done) if done else np.zeros((0, len(MODELS), len(known)), np.float32)


def _levels(part: tuple[np.ndarray, list[int], int]) -> np.ndarray:
    """Return the level of each model (but the combination) at each origin, (n, len(MODELS), K + 1)."""
    from statsforecast.models import IMAPA, TSB, CrostonSBA, SimpleExponentialSmoothingOptimized

    clean, known, bucket_days = part
    if not clean.shape[1]:
        return np.full((len(clean), len(MODELS), len(known)), np.nan, np.float32)
    fitted: dict[str, Any] = {
        "SESOptimized": SimpleExponentialSmoothingOptimized(),
        "CrostonSBA": CrostonSBA(),
        "TSB": TSB(0.1, 0.1),
        "IMAPA": IMAPA(),
    }
    out = np.full((len(clean), len(MODELS), len(known)), np.nan, np.float32)
    for name, weeks in (("WindowAverage13", 13), ("WindowAverage52", 52)):
        out[:, MODELS.index(name)] = _window_means(clean, known, weeks * 7 // bucket_days)
    filled = _filled(clean)
    seen = ~np.isnan(clean)
    first = np.where(seen.any(axis=1), seen.argmax(axis=1), clean.shape[1])
    for row in range(len(clean)):
        for k, count in enumerate(known):
            series = filled[row, max(first[row], count - FIT_BUCKETS[bucket_days]) : count]
            if len(series) < LEAST_BUCKETS or not series.any():
                continue
            for name, model in fitted.items():
                out[row, MODELS.index(name), k] = model.forecast(series, 1)["mean"][0]
    return np.maximum(out, 0)


def _window_means(clean: np.ndarray, known: list[int], window: int) -> np.ndarray:
    """Mean of the known buckets among the last `window` before each origin, NaN without one, (n, K + 1)."""
    total = np.cumsum(np.pad(np.nan_to_num(clean), ((0, 0), (1, 0))), axis=1)
    count = np.cumsum(np.pad(~np.isnan(clean), ((0, 0), (1, 0))), axis=1)
    end = np.array(known)
    start = np.maximum(end - window, 0)
    seen = count[:, end] - count[:, start]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(seen > 0, (total[:, end] - total[:, start]) / seen, np.nan))


def _filled(clean: np.ndarray) -> np.ndarray:
    """Fill unknown buckets with the smoothed level of those before them, as models want whole series."""
    out = np.empty_like(clean)
    rows = np.arange(len(clean))
    known = ~np.isnan(clean)
    level = (
        np.where(known.any(axis=1), clean[rows, known.argmax(axis=1)], 0.0) if clean.shape[1] else np.zeros(len(clean))
    )
    for t in range(clean.shape[1]):
        out[:, t] = np.where(known[:, t], clean[:, t], level)
        level = level + 0.2 * (out[:, t] - level)
    return out


def _with_combination(levels: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Add the mean of a class's own candidates as one more candidate; where a model could not be fitted, the means."""
    fallback = np.where(np.isnan(levels[:, 2]), levels[:, 1], levels[:, 2])
    levels = np.where(np.isnan(levels), fallback[:, None, :], levels)
    combination = MODELS.index("Combination")
    for name, candidates in CANDIDATES.items():
        members = [MODELS.index(m) for m in candidates if m != "Combination"]
        rows = classes == name
        levels[rows, combination] = levels[np.ix_(rows, members)].mean(axis=1)
    return levels


def _start_short_histories(levels: np.ndarray, clean: np.ndarray, keys: pd.DataFrame, items: pd.DataFrame) -> None:
    """Give items with next to no history the level of their like item, weighed with what they sold.

    Gamma-Poisson: level = (4 * like + sum of own buckets) / (4 + own buckets).
    """
    seen = (~np.isnan(clean)).sum(axis=1)
    levels[seen == 0, :, -1] = np.nan
    like = keys["item_id"].map(items["like_item_id"])
    at = rows_of(keys.assign(item_id=like), keys)
    new = (seen < LEAST_BUCKETS) & (at >= 0)
    new &= np.where(at >= 0, seen[at] >= LEAST_BUCKETS, False)
    prior = levels[at, :, -1]
    weight = LIKE_ITEM_WEIGHT
    blended = (weight * prior + np.nansum(clean, axis=1)[:, None]) / (weight + seen)[:, None]
    levels[new, :, -1] = blended[new]
    levels[..., -1] = np.nan_to_num(levels[..., -1])


def _on_sale(keys: pd.DataFrame, items: pd.DataFrame, starts: np.ndarray, bucket_days: int) -> np.ndarray:
    """Share of each future bucket in which the item is sold: from its launch to its end; dead items never are."""

    def column(name: str) -> np.ndarray:
        return keys["item_id"].map(items[name]).to_numpy()

    launch, end = (column(name).astype("datetime64[D]")[:, None] for name in ("launch_on", "ends_on"))
    dead = (column("life_cycle") == "dead")[:, None]
    last = np.where(np.isnat(end), starts[None, :] + bucket_days, np.minimum(end + 1, starts[None, :] + bucket_days))
    first = np.where(np.isnat(launch), starts[None, :], np.maximum(launch, starts[None, :]))
    share = np.clip((last - first).astype("timedelta64[D]").astype(float) / bucket_days, 0, 1)
    return np.where(dead, 0.0, share)


def _told_demand(
    inputs: Inputs, keys: pd.DataFrame, calendar: Calendar, horizon: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the user's own forecast, the share of days it covers, and customers' orders by future bucket, (n, H)."""
    told = _spread_by_day(inputs["forecasts"], calendar)
    own = _units_by_bucket(told, keys, calendar, horizon)
    days = _units_by_bucket(told.assign(quantity=1.0), keys, calendar, horizon)
    orders = inputs["customer_orders"].rename(columns={"due_on": "date"})
    past = orders["date"] < pd.Timestamp(calendar.as_of)
    orders = orders.assign(date=orders["date"].where(~past, pd.Timestamp(calendar.as_of)))
    return own, np.minimum(days / calendar.bucket_days, 1), _units_by_bucket(orders, keys, calendar, horizon)


def _spread_by_day(told: pd.DataFrame, calendar: Calendar) -> pd.DataFrame:
    """Spread each period's forecast evenly over its days: a period lasts until the next one begins."""
    if told.empty:
        return told
    place = ["item_id", "location_id"]
    # Locations that were pooled into one tell the same period more than once.
    told = told.groupby([*place, "date"], dropna=False)["quantity"].sum().reset_index()
    following = told.groupby(place, dropna=False)["date"].shift(-1)
    days = (following - told["date"]).dt.days
    usual = days.groupby([told["item_id"], told["location_id"]], dropna=False).transform("last")
    days = days.fillna(usual).fillna(calendar.bucket_days).astype(int)
    daily = told.loc[told.index.repeat(days)]
    offset = daily.groupby(level=0).cumcount()
    return daily.assign(
        date=daily["date"] + pd.to_timedelta(offset, unit="D"), quantity=daily["quantity"] / days.loc[daily.index]
    )


def _units_by_bucket(told: pd.DataFrame, keys: pd.DataFrame, calendar: Calendar, horizon: int) -> np.ndarray:
    out = np.zeros((len(keys), horizon), np.float32)
    if told.empty:
        return out
    rows = rows_of(told, keys)
    days = told["date"].to_numpy().astype("datetime64[D]") - np.datetime64(calendar.as_of, "D")
    columns = np.floor_divide(days.astype(np.int64), calendar.bucket_days)
    inside = (rows >= 0) & (columns >= 0) & (columns < horizon)
    np.add.at(out, (rows[inside], columns[inside]), told["quantity"].to_numpy(float)[inside])
    return out


__all__ = ["CANDIDATES", "MODELS", "Demand", "Fits", "Progress", "forecast"]
