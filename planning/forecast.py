"""The heavy stage: what each model would have forecast, from many past mornings and from today.

The smoothing family runs over all items and mornings in one pass (`planning.smoothing`): its members forecast a
level on deseasonalised demand, and the path is that level times the season. Models that must be fitted anew at
each morning are worth it for few items: those with most money in them, as far as a counted budget of fits reaches.
The only module that knows statsforecast.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from planning.calendar import Calendar, is_monthly
from planning.classify import classify_demand
from planning.demand import Demand, build_demand
from planning.engine import PARTITION, Runner
from planning.extremes import clean_of_extremes
from planning.fits import NO_LIBRARY, Fits, Library
from planning.inputs import Inputs, rows_of
from planning.launch import launch_level, on_sale
from planning.params import Params
from planning.reason_codes import life_told, reason_codes
from planning.season import LEAST_YEARS_DAYS, Season, build_season
from planning.smoothing import FAMILY, category_trend, family_levels, item_share
from planning.told import told_demand

Progress = Callable[[str, int, int], None]
Task = tuple[str, np.ndarray, np.ndarray | None, int, int, int]
"""A fit: model, series, its season (where the model wants it left in), buckets to skip, to forecast, their days."""

LIBRARY_BY_CLASS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "smooth": ("DynamicOptimizedTheta", "AutoETS", "MSTL"),
        "erratic": ("DynamicOptimizedTheta", "AutoETS", "MSTL"),
        "intermittent": ("IMAPA",),
        "lumpy": ("IMAPA",),
        "none": (),
    }
)
"""Models that are fitted anew at each origin, by kind of demand; AutoARIMA is on request only."""
LIBRARY = ("DynamicOptimizedTheta", "AutoETS", "MSTL", "AutoARIMA", "IMAPA")
LIBRARY_COLUMNS = (1, 2, 3, 5, 8, 11, 14, 17)
"""The origins at which they are fitted: those kept for reporting, some a year back, and today."""
LIBRARY_BATCH = 48
LEAST_LIBRARY_BUCKETS = 26

ORIGINS = 30
ORIGIN_STEP_DAYS: Mapping[int, int] = MappingProxyType({1: 7, 7: 14})
CUTS = 4
"""How often within the origins seasons and extremes are learned anew, each time from what was known then."""
FIT_BUCKETS: Mapping[int, int] = MappingProxyType({1: 364, 7: 156})
"""The library's models see no more than this; what lies further back says nothing about a level."""
YEAR_DAYS = 364
LEAST_SALES = 6
"""With fewer buckets with demand a row is sparse: it takes its share of what the item sells everywhere."""
LEAST_KNOWN_BUCKETS = 4
"""What an origin must know to count."""
LEAST_GROUP = 5
"""Items that a group needs to have a shape of its own; those of smaller groups share one."""


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
    notes = _calendar_notes(inputs, calendar, params)
    progress("demand", 0, len(keys))
    demand = build_demand(inputs, keys, calendar, horizon, params, notes)
    items = inputs["items"].drop_duplicates("item_id").set_index("item_id")
    origins, cut = _origins(calendar)
    known = [*(int(origins[cut == c].min()) for c in np.unique(cut)), calendar.periods]
    clean = _cleaned(demand, known, params)
    starts = np.concatenate([calendar.starts(), calendar.future_starts(horizon)])
    season = build_season(clean, known, *_layers(keys, items), starts, calendar.bucket_days)
    progress("season", len(keys), len(keys))
    levels = _levels(clean, season, origins, cut, calendar, progress)
    _borrow(levels, clean[-1], [*origins, calendar.periods], keys, items, calendar.bucket_days)
    classes = classify_demand(demand.demand)
    flat = clean[-1] / season.factors(-1, columns=slice(0, calendar.periods))
    factor, like = _factors(demand, levels, flat, keys, items, calendar, horizon)
    new, ending = life_told(keys, inputs["items"], calendar.as_of, calendar.bucket_days)
    own, own_share, firm = told_demand(inputs, keys, calendar, horizon)
    _tell_lost_rows(inputs, keys, notes)
    worth = _worth(demand.demand, keys, items, calendar.bucket_days)
    library = _library(clean, season, origins, cut, calendar, classes, worth, horizon, params, run, notes, progress)
    progress("forecast", len(keys), len(keys))
    notes.extend(filter(None, [demand.extremes_note()]))
    return Fits(
        keys=keys,
        calendar=calendar,
        sales=demand.sales.astype(np.float32),
        demand=demand.demand.astype(np.float32),
        active=demand.active,
        outlier=demand.extremes,
        event=demand.events[:, : calendar.periods] != 1,
        closed=demand.closed,
        season=season,
        factor=factor.astype(np.float32),
        members=tuple(m.name for m in FAMILY[calendar.bucket_days]),
        levels=levels.astype(np.float32),
        origins=origins,
        cut=cut,
        demand_class=classes.astype("U12"),
        reason=reason_codes(
            demand.demand, demand.active, calendar.bucket_days, closed=demand.closed, new=new | like, ending=ending
        ).astype("U20"),
        whole=demand.whole,
        own=own,
        own_share=own_share,
        firm=firm,
        notes=tuple(notes),
        effects=demand.effects,
        library=library,
    )


def step_on(fits: Fits, inputs: Inputs, calendar: Calendar, params: Params) -> Fits:
    """Return the fits of a morning some buckets later: demand and levels as known then, all else as `fits` knew it.

    Season, demand class and reasons stay; there are no past origins and no models of the library, so that errors are
    those of `fits`.

    Parameters
    ----------
    inputs : as known on the later morning.
    calendar : begins where that of `fits` does and ends within its horizon; neither has a gap.
    """
    keys, periods, bucket_days = fits.keys, calendar.periods, calendar.bucket_days
    horizon = fits.periods + fits.horizon - periods
    demand = build_demand(inputs, keys, calendar, horizon, params, [])
    items = inputs["items"].drop_duplicates("item_id").set_index("item_id")
    flat = demand.clean / fits.season.factors(-1, columns=slice(0, periods))
    levels = family_levels(flat, [periods], FAMILY[bucket_days], bucket_days)
    _borrow(levels, demand.clean, [periods], keys, items, bucket_days)
    factor, _ = _factors(demand, levels, flat, keys, items, calendar, horizon)
    nobody = np.zeros((len(keys), horizon), np.float32)
    return replace(
        fits,
        calendar=calendar,
        sales=demand.sales.astype(np.float32),
        demand=demand.demand.astype(np.float32),
        active=demand.active,
        outlier=demand.extremes,
        event=demand.events[:, :periods] != 1,
        closed=demand.closed,
        factor=factor.astype(np.float32),
        levels=levels.astype(np.float32),
        origins=np.zeros(0, int),
        cut=np.zeros(0, int),
        whole=demand.whole,
        own=nobody,
        own_share=nobody,
        firm=nobody,
        effects=demand.effects,
        library=NO_LIBRARY,
    )


def _factors(
    demand: Demand,
    levels: np.ndarray,
    flat: np.ndarray,
    keys: pd.DataFrame,
    items: pd.DataFrame,
    calendar: Calendar,
    horizon: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Let new rows start, and return the factor on each bucket, and which new rows found items like them."""
    profile, like = _start_new_rows(levels, flat, keys, items, calendar, horizon)
    factor = demand.events.copy()
    starts = calendar.future_starts(horizon)
    factor[:, calendar.periods :] *= profile * on_sale(keys, items, starts, calendar.bucket_days)
    return factor, like


def _calendar_notes(inputs: Inputs, calendar: Calendar, params: Params) -> list[str]:
    notes = []
    if calendar.weekly_data and params.bucket == "day":
        notes.append("The sales are weekly: weeks are used, not days.")
    if is_monthly(inputs["sales"]["date"]):
        notes.append(
            "Sales stand on the first (or last) day of each month alone, as totals of months do. Each is taken for "
            "what was wanted in that one day or week, and the rest of the month for nothing: give sales by day or week."
        )
    if calendar.gap_days:
        last = inputs["sales"]["date"].max().date() + timedelta(days=6 if calendar.weekly_data else 0)
        ago = (calendar.as_of - last).days
        notes.append(f"Sales end on {last}, {ago} days before the plan: the forecast goes on from there.")
    return notes


def _tell_lost_rows(inputs: Inputs, keys: pd.DataFrame, notes: list[str]) -> None:
    for name, table in (("Forecast", inputs["forecasts"]), ("Customer order", inputs["customer_orders"])):
        lost = int((rows_of(table, keys) < 0).sum()) if len(table) else 0
        if lost:
            notes.append(f"{name} rows for no item and location of the plan: {lost:,}. They are not used.")


def _origins(calendar: Calendar) -> tuple[np.ndarray, np.ndarray]:
    """Buckets known at each origin, newest first, and the cut whose season each uses; the last is left to forecast."""
    step = max(1, ORIGIN_STEP_DAYS[calendar.bucket_days] // calendar.bucket_days)
    counts = calendar.periods - 1 - step * np.arange(ORIGINS)
    counts = counts[counts >= LEAST_KNOWN_BUCKETS]
    cuts = min(CUTS, len(counts))
    return counts, np.arange(len(counts)) * cuts // max(1, len(counts))


def _cleaned(demand: Demand, known: Sequence[int], params: Params) -> list[np.ndarray]:
    """Return demand without events and single extremes, as it could be judged at each cut."""
    return [clean_of_extremes(demand.flat, until) if params.outlier_correction else demand.flat for until in known]


def _layers(keys: pd.DataFrame, items: pd.DataFrame) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return who shares a yearly and a weekly shape: everybody, then the category; the location, then both."""
    everybody = np.zeros(len(keys), int)
    place = pd.factorize(keys["location_id"])[0]
    kind = pd.factorize(keys["item_id"].map(items["category"]).fillna("").astype(str))[0]
    both = kind * (place.max(initial=0) + 1) + place
    return _distinct([everybody, kind]), _distinct([everybody, place, both])


def _distinct(layers: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return the layers with their small groups taken together; who is grouped as before is shrunk only once."""
    out: list[np.ndarray] = []
    for codes in layers:
        small = np.bincount(codes)[codes] < LEAST_GROUP
        pooled = pd.factorize(np.where(small, -1, codes))[0]
        if not any(np.array_equal(pooled, wider) for wider in out):
            out.append(pooled)
    return out


def _levels(
    clean: Sequence[np.ndarray],
    season: Season,
    origins: np.ndarray,
    cut: np.ndarray,
    calendar: Calendar,
    progress: Progress,
) -> np.ndarray:
    """Return the level of each member of the family at each origin and today, (n, M, K + 1)."""
    members = FAMILY[calendar.bucket_days]
    n = len(clean[-1])
    out = np.full((n, len(members), len(origins) + 1), np.nan)
    if not calendar.periods:
        return out
    for a, b in pairwise([*range(0, n, PARTITION), n]):
        rows = slice(a, b)
        for c in range(len(clean)):
            columns = np.flatnonzero(cut == c) if c < len(clean) - 1 else np.array([len(origins)])
            known = [*origins, calendar.periods]
            until = max(known[k] for k in columns)
            flat = clean[c][rows, :until] / season.factors(c, rows, slice(0, until))
            at = [known[k] for k in columns]
            out[rows][..., columns] = family_levels(flat, at, members, calendar.bucket_days)
        progress("forecast", b, n)
    return out


def _borrow(
    levels: np.ndarray, clean: np.ndarray, known: Sequence[int], keys: pd.DataFrame, items: pd.DataFrame, days: int
) -> None:
    """Let rows listen to more than themselves: each to its category, a sparse one to its item everywhere.

    Parameters
    ----------
    known : buckets known at each of the levels' origins.
    days : length of a bucket.
    """
    members = FAMILY[days]
    item, place = (pd.factorize(keys[name])[0] for name in ("item_id", "location_id"))
    kind = pd.factorize(keys["item_id"].map(items["category"]).fillna("").astype(str))[0]
    cell = pd.factorize(kind * (place.max(initial=0) + 1) + place)[0]
    levels[:, [member.kind == "trend" for member in members]] = category_trend(levels, members, kind)[:, None]
    sold = np.cumsum(np.pad(clean > 0, ((0, 0), (1, 0))), axis=1)[:, list(known)]
    sparse = (sold < LEAST_SALES) & (np.bincount(item)[item] > 1)[:, None] & ~np.isnan(levels[:, 0])
    levels[:] = np.where(sparse[:, None], item_share(levels, members, item, cell, days)[:, None], levels)


def _worth(demand: np.ndarray, keys: pd.DataFrame, items: pd.DataFrame, bucket_days: int) -> np.ndarray:
    """Return what was sold of each row in the last year, money where prices are known, (n,)."""
    price = keys["item_id"].map(items["unit_price"].fillna(items["unit_cost"])).astype(float)
    buckets = max(1, YEAR_DAYS // bucket_days)
    usual = price.median() if price.notna().any() else 1.0
    return np.asarray(np.nansum(demand[:, -buckets:], axis=1) * price.fillna(usual).to_numpy())


def _library(
    clean: Sequence[np.ndarray],
    season: Season,
    origins: np.ndarray,
    cut: np.ndarray,
    calendar: Calendar,
    classes: np.ndarray,
    worth: np.ndarray,
    horizon: int,
    params: Params,
    run: Runner,
    notes: list[str],
    progress: Progress,
) -> Library:
    """Fit the library's models to the rows with most money in them, as far as the budget of fits reaches."""
    periods = calendar.periods
    asked = params.forecast_model if params.forecast_model in LIBRARY else None
    columns = np.array([k for k in LIBRARY_COLUMNS if k < len(origins)], int)
    columns = columns[origins[columns] >= LEAST_LIBRARY_BUCKETS] if len(columns) else columns
    enough = (~np.isnan(clean[-1])).sum(axis=1) >= LEAST_LIBRARY_BUCKETS
    by_worth = [int(i) for i in np.argsort(-worth, kind="stable") if enough[i] and worth[i] > 0]
    models = [asked] if asked else [m for m in LIBRARY if any(m in some for some in LIBRARY_BY_CLASS.values())]
    if periods * calendar.bucket_days < LEAST_YEARS_DAYS:
        models = [m for m in models if m != "MSTL"]
    known = [*origins[columns], periods]
    budget = params.library_fits if len(columns) else 0
    tasks, chosen = _tasks(by_worth, classes, models, asked, len(known), budget)
    if asked and len(chosen) < len(worth):
        notes.append(
            f"{asked} is fitted to the {len(chosen):,} lines with most money in them, of {len(worth):,}; the others "
            "take the combination. Raise library_fits to reach more, or bring a longer history."
        )
    if not chosen:
        return NO_LIBRARY
    cuts = [*cut[columns], len(clean) - 1]
    work = _work(clean, season, np.array(chosen), tasks, models, known, cuts, calendar, horizon)
    paths = np.full((len(chosen), len(models), len(known), horizon), np.nan, np.float32)
    batches = [work[a : a + LIBRARY_BATCH] for a in range(0, len(work), LIBRARY_BATCH)]
    done = 0
    for batch, found in zip(batches, run(_fit_batch, [[task for _, task in batch] for batch in batches]), strict=True):
        for (at, _), path in zip(batch, found, strict=True):
            paths[at] = path
        done += len(batch)
        progress("models", done, len(work))
    return Library(np.array(chosen), tuple(models), columns, paths)


def _work(
    clean: Sequence[np.ndarray],
    season: Season,
    rows: np.ndarray,
    tasks: Sequence[tuple[int, int]],
    models: Sequence[str],
    known: Sequence[int],
    cuts: Sequence[int],
    calendar: Calendar,
    horizon: int,
) -> list[tuple[tuple[int, int, int], Task]]:
    """Return each fit with its place in the paths: (row, model, origin), what it is fitted to.

    At an origin both the season and the extremes are those of its own cut, so that no fit looks ahead.
    """
    periods, bucket_days = calendar.periods, calendar.bucket_days
    work: list[tuple[tuple[int, int, int], Task]] = []
    for cut in sorted(set(cuts)):
        index = season.factors(cut, rows)
        seen = clean[cut][rows]
        flat = _filled(seen / index[:, :periods])
        first = (~np.isnan(seen)).argmax(axis=1)
        for k in (k for k, own in enumerate(cuts) if own == cut):
            count = int(known[k])
            # What is forecast begins with the plan, which may lie some buckets behind the data.
            gap = calendar.gap_days // bucket_days if count == periods else 0
            for row, model in tasks:
                start = max(int(first[row]), count - FIT_BUCKETS[bucket_days])
                series, shape = flat[row, start:count], None
                if len(series) < LEAST_LIBRARY_BUCKETS or np.ptp(series) == 0:
                    continue
                if models[model] == "MSTL":
                    if (count - first[row]) * bucket_days < LEAST_YEARS_DAYS:
                        continue
                    shape = index[row, start : count + horizon]
                work.append(((row, model, k), (models[model], series, shape, gap, horizon, bucket_days)))
    return work


def _tasks(
    by_worth: Sequence[int], classes: np.ndarray, models: Sequence[str], asked: str | None, each: int, budget: int
) -> tuple[list[tuple[int, int]], list[int]]:
    """Return (place among the chosen, model) of each series to fit at all origins, and the chosen rows."""
    tasks: list[tuple[int, int]] = []
    chosen: list[int] = []
    left = budget
    for row in by_worth:
        wanted = [m for m in ([asked] if asked else LIBRARY_BY_CLASS[str(classes[row])]) if m in models]
        if not wanted:
            continue
        if each * len(wanted) > left:
            break
        left -= each * len(wanted)
        tasks += [(len(chosen), models.index(m)) for m in wanted]
        chosen.append(row)
    return tasks, chosen


def _fit_batch(tasks: Sequence[Task]) -> list[np.ndarray]:
    """Return the deseasonalised path of each task; NaN where the library cannot fit it."""
    return [_fit_one(*task) for task in tasks]


def _fit_one(
    name: str, series: np.ndarray, shape: np.ndarray | None, gap: int, horizon: int, bucket_days: int
) -> np.ndarray:
    """Return the deseasonalised path from `gap` buckets after the series on."""
    from statsforecast import models as library

    season = 7 if bucket_days == 1 else 1
    made: Mapping[str, Callable[[], Any]] = {
        "DynamicOptimizedTheta": lambda: library.DynamicOptimizedTheta(season_length=season),
        "AutoETS": lambda: library.AutoETS(season_length=season),
        "MSTL": lambda: library.MSTL(
            season_length=52 if bucket_days == 7 else 7, trend_forecaster=library.AutoETS(season_length=1, model="ZZN")
        ),
        "AutoARIMA": lambda: library.AutoARIMA(season_length=season),
        "IMAPA": library.IMAPA,
    }
    raw = series if shape is None else series * shape[: len(series)]
    try:
        path = np.asarray(made[name]().forecast(np.ascontiguousarray(raw, float), gap + horizon)["mean"], float)[gap:]
    except Exception:
        # The library says what it cannot fit by bare exceptions. A series that one model cannot fit has the
        # others; the choice never sees a path that is not there.
        return np.full(horizon, np.nan)
    if shape is not None:
        path = path / np.maximum(shape[len(series) :], 0.05)
    most = 3 * series.max()
    return np.asarray(np.where(np.isfinite(path).all(), np.clip(path, 0, most), np.nan))


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


def _start_new_rows(
    levels: np.ndarray, clean: np.ndarray, keys: pd.DataFrame, items: pd.DataFrame, calendar: Calendar, horizon: int
) -> tuple[np.ndarray, np.ndarray]:
    """Let rows with next to no history start from items like them.

    Returns
    -------
    The launch profile by future bucket, 1 for all others, (n, horizon), and which rows found items like them, (n,).
    """
    levels[(~np.isnan(clean)).sum(axis=1) == 0, :, -1] = np.nan
    starts = keys["item_id"].map(items["launch_on"]).to_numpy().astype("datetime64[D]")
    wait = (starts - np.datetime64(calendar.as_of, "D")).astype(float)
    wait = np.where(np.isnat(starts), 0, np.maximum(np.nan_to_num(wait), 0)).astype(int) // calendar.bucket_days
    today = levels[:, [k for k, m in enumerate(FAMILY[calendar.bucket_days]) if m.name == "WindowAverage13"][0], -1]
    launch = launch_level(clean, keys, items.reset_index(), horizon, level=today, launch_in=wait)
    profile, found = np.ones((len(clean), horizon)), np.zeros(len(clean), bool)
    # A place that never sold an item, nor is told to begin, is not new to it: a warehouse only feeds others.
    expected = ~np.isnat(starts) | keys["item_id"].map(items["like_item_id"]).notna().to_numpy()
    expected |= (keys["item_id"].map(items["life_cycle"]) == "new").to_numpy()
    told = (launch.weight > 0) & ((launch.own > 0) | expected[launch.rows])
    levels[launch.rows[told], :, -1] = launch.level[told][:, None]
    profile[launch.rows[told]] = launch.profile[told]
    found[launch.rows[told]] = True
    levels[..., -1] = np.nan_to_num(levels[..., -1])
    return profile, found


__all__ = ["LIBRARY", "Demand", "Fits", "Progress", "forecast", "step_on"]
