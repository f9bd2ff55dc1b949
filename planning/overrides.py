"""The planner's corrections of the forecast, at any level and period, spread down by share.

A locked correction stands: it comes first, and nothing else moves what it set. The others follow in the
order in which they were made, each on what those before it left.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

KINDS = ("percent", "add_units", "set_units")

LEVELS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "item and location": ("item_id", "location_id"),
        "item": ("item_id",),
        "category and location": ("category", "location_id"),
        "category": ("category",),
        "location": ("location_id",),
        "total": (),
    }
)
"""What a correction can speak of, the narrowest first, and which of its cells are then filled."""

Codes = Mapping[str, tuple[np.ndarray, Mapping[object, int]]]
"""By column the number of each row's value, and of which value it is."""

APPLIED = ("override_id", "where", "before", "after", "message")
LEAST_CLASS = 10
"""Item-locations that a class needs before it can tell what is usual."""
NONE = 1e-9
"""Units of a whole group in its period that are none."""
MOST = 1e15
"""Units of an item-location in some days that no correction goes beyond, however many come together."""
UNKNOWN_SPREAD = 0.3
"""Standard deviation, as a share of the mean, beside chance, where nothing tells what is usual."""


def corrected(
    path: np.ndarray,
    keys: pd.DataFrame,
    categories: np.ndarray,
    starts: np.ndarray,
    bucket_days: int,
    overrides: pd.DataFrame,
) -> tuple[np.ndarray, pd.DataFrame]:
    """Return the mean demand after all corrections, and what each of them did.

    percent: what lies in the period times 1 + value / 100. set_units, add_units: what the group sells in the period
    becomes the value, or so much more, each row and day in proportion to what it had; in equal parts by days only
    where the whole group had nothing. Part of a bucket has its share of the bucket's demand. Of a period that reaches
    beyond the forecast, before or after, the value's share by days counts.

    Parameters
    ----------
    path : mean of each item-location's own demand by future bucket, units, (n, H); NaN counts as none.
    keys : item_id, location_id, n rows.
    categories : of each row, None where it has none, (n,).
    starts : first day of each bucket, datetime64[D], (H,).
    overrides : the contract's table `overrides`.

    Returns
    -------
    The new path, (n, H), never below 0 where it was not before; and a table in the order of `overrides`: override_id,
    where (see `where`), before and after (units of its group in its period, just before and just after its turn),
    message (why it did not, or not wholly, do what was asked; else empty).
    """
    rows = overrides.to_dict("records")
    firsts, lasts = (overrides[name].to_numpy("datetime64[D]") for name in ("starts_on", "ends_on"))
    periods = list(zip(firsts, lasts, strict=True))
    told: dict[int, tuple[float, float, str]] = {}
    days = _Days.of(starts, bucket_days, [])
    forecast = _Forecast(np.nan_to_num(path).T, np.zeros(path.T.shape, bool), days, _codes(keys, categories))
    new = np.array(path, float)
    order = in_order(overrides)
    locks = [at for at in order if is_locked(rows[at]["locked"])]
    # Locked ones have their own cuts, so that to the last bit they hang on no other correction.
    for turn, cuts in ((locks, locks), (order[len(locks) :], order)):
        forecast = forecast.cut(_Days.of(starts, bucket_days, [periods[at] for at in cuts]))
        start = forecast.cells.copy()
        told |= {at: forecast.correct(rows[at], *periods[at]) for at in turn}
        moved = forecast.days.gathered(forecast.cells != start) > 0
        new = np.where(moved, forecast.days.gathered(forecast.cells), new)
    did = [(row["override_id"], where(row), *told[at]) for at, row in enumerate(rows)]
    kinds = dict.fromkeys(APPLIED, object) | {"before": float, "after": float}
    return new, pd.DataFrame(did, columns=list(APPLIED)).astype(kinds)


def tell_unapplied(applied: pd.DataFrame | None, notes: list[str]) -> None:
    """Say in `notes` how many corrections were made, and which of them not as asked."""
    if applied is None:
        return
    notes.append(f"Corrections of the forecast: {len(applied):,}.")
    short = applied[applied["message"] != ""]
    if len(short):
        some = "; ".join(f"{row.override_id} of {row.where}: {row.message}" for row in short.head(3).to_records())
        notes.append(f"Corrections that could not be made as asked: {len(short):,} ({some}).")


def where(override: Mapping[Any, Any]) -> str:
    """Return what a correction speaks of, as a person says it: an item, a category or all, and at which location."""
    told = [str(override[name]) for name in ("item_id", "category") if isinstance(override.get(name), str)]
    place = override.get("location_id")
    return f"{' '.join(told) or 'everything'}{f' at {place}' if isinstance(place, str) else ''}"


def level_of(override: Mapping[Any, Any]) -> str:
    """Return the name of the level that a correction speaks of."""
    told = {name for name in ("item_id", "category", "location_id") if isinstance(override.get(name), str)}
    if "item_id" in told:
        told.discard("category")
    return next(name for name, columns in LEVELS.items() if set(columns) == told)


def in_order(overrides: pd.DataFrame) -> list[int]:
    """Return the row numbers in the order in which corrections apply: locked ones first, the narrowest first."""
    made = pd.to_datetime(overrides["made_at"], format="ISO8601", errors="coerce", utc=True)
    # Without a moment it counts as made before all others, in the order of the rows.
    moment = made.fillna(pd.Timestamp(0, tz="UTC")).to_list()
    rank = {name: n for n, name in enumerate(LEVELS)}
    locked = [is_locked(value) for value in overrides["locked"]]
    level = [rank[level_of(row)] if lock else 0 for row, lock in zip(overrides.to_dict("records"), locked, strict=True)]
    return sorted(range(len(overrides)), key=lambda at: (not locked[at], level[at], moment[at], at))


def is_locked(value: object) -> bool:
    """Tell whether a cell of `locked` says yes; an empty one says no."""
    return bool(value == 1)


def moved_variance(
    variance: np.ndarray, before: np.ndarray, after: np.ndarray, classes: np.ndarray, whole: np.ndarray
) -> np.ndarray:
    """Return the variance of cumulative demand once its mean was corrected.

    It goes with the square of the mean. Where there was no mean it becomes what the row's class usually has at the
    new one, ln v = a + b ln m, and, where too few tell that, what all rows have.

    Parameters
    ----------
    variance, before, after : variance, old and new mean of the demand of the first buckets, (n, H) each.
    classes : (n,).
    whole : whether demand is in whole units, (n,).

    Returns
    -------
    Array (n, H), rising along each row; rows whose mean did not move keep theirs.
    """
    rows = np.flatnonzero((before != after).any(axis=1))
    old, new, out = before[rows], after[rows], variance.copy()
    ratio = np.divide(new, old, out=np.zeros_like(new), where=old > NONE)
    moved = variance[rows] * ratio**2
    fresh = (old <= NONE) & (new > NONE)
    some = np.flatnonzero(fresh.any(axis=1))
    if len(some):
        usual = _usual(variance, before, new[some], classes, classes[rows[some]], whole[rows[some]])
        moved[some] = np.where(fresh[some], usual, moved[some])
    out[rows] = np.maximum.accumulate(moved, axis=1)
    return out


def _usual(
    variance: np.ndarray, mean: np.ndarray, at: np.ndarray, classes: np.ndarray, wanted: np.ndarray, whole: np.ndarray
) -> np.ndarray:
    """Return the variance that rows of the wanted classes, (k,), usually have at these means, (k, H)."""
    least = np.where(whole[:, None], at, 0.0)
    out = least + (UNKNOWN_SPREAD * at) ** 2
    of_all = _law(variance, mean)
    for name in np.unique(wanted):
        alike = classes == name
        scale, slope = (
            np.where(np.isnan(o), a, o) for o, a in zip(_law(variance[alike], mean[alike]), of_all, strict=True)
        )
        mine = (wanted == name)[:, None]
        out = np.where(mine & ~np.isnan(scale), np.maximum(scale * at**slope, least), out)
    return np.asarray(out)


def _law(variance: np.ndarray, mean: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return scale and slope of v = scale m^slope by bucket, (H,) each, NaN where too few rows tell."""
    told = (mean > 0) & (variance > 0)
    x, y = (np.log(np.where(told, values, 1.0)) for values in (mean, variance))
    count = told.sum(axis=0)
    known = np.maximum(count, 1)
    mx, my = x.sum(axis=0) / known, y.sum(axis=0) / known
    spread = np.maximum((x * x).sum(axis=0) - known * mx**2, 1e-9)
    slope = np.clip(((x * y).sum(axis=0) - known * mx * my) / spread, 1.0, 2.0)
    few = count < LEAST_CLASS
    return np.where(few, np.nan, np.exp(my - slope * mx)), np.where(few, np.nan, slope)


@dataclass(frozen=True)
class _Days:
    """The days to come, cut wherever a bucket or a period begins, so that a period is a run of whole pieces.

    edges : days, (S + 1,). bucket : of each piece, (S,). share : of its bucket's days, (S,).
    """

    edges: np.ndarray
    bucket: np.ndarray
    share: np.ndarray

    @classmethod
    def of(
        cls, starts: np.ndarray, bucket_days: int, periods: Sequence[tuple[np.datetime64, np.datetime64]]
    ) -> "_Days":
        first = starts.astype("datetime64[D]")
        if not len(first):
            return cls(first, np.zeros(0, int), np.zeros(0))
        end = first[-1:] + bucket_days
        asked = np.array([day for a, b in periods for day in (a, b + 1)], "datetime64[D]")
        inside = asked[(asked > first[0]) & (asked < end)]
        edges = np.unique(np.concatenate([first, end, inside]))
        bucket = np.searchsorted(first, edges[:-1], side="right") - 1
        return cls(edges, bucket, np.diff(edges).astype(int) / bucket_days)

    def gathered(self, cells: np.ndarray) -> np.ndarray:
        """Add pieces up to buckets, (n, H)."""
        if not len(cells):
            return cells.T
        first = np.flatnonzero(np.diff(self.bucket, prepend=-1))
        return np.asarray(np.add.reduceat(cells, first, axis=0, dtype=float).T)

    def pieces(self, first: np.datetime64, last: np.datetime64) -> tuple[slice, float, str]:
        """Return the pieces of a period, the share of its days that they are, and why there are none."""
        if np.isnat(first) or np.isnat(last) or last < first:
            return slice(0), 0.0, "its period has no first or last day, or ends before it begins"
        if not len(self.bucket) or first >= self.edges[-1]:
            return slice(0), 0.0, "its period begins after the last day of the forecast"
        if last < self.edges[0]:
            return slice(0), 0.0, "its period is over"
        low, high = np.searchsorted(self.edges, [max(first, self.edges[0]), min(last + 1, self.edges[-1])])
        days = (self.edges[high] - self.edges[low]).astype(int)
        return slice(int(low), int(high)), float(days / ((last - first).astype(int) + 1)), ""


class _Forecast:
    """Mean demand by piece and row, (S, n), while it is corrected."""

    def __init__(self, cells: np.ndarray, locked: np.ndarray, days: _Days, codes: Codes) -> None:
        self.cells, self.days = cells, days
        self._locked, self._codes = locked, codes

    def cut(self, days: _Days) -> "_Forecast":
        """Return the same by smaller pieces."""
        inside = np.searchsorted(self.days.edges, days.edges[:-1], side="right") - 1
        part = days.share / self.days.share[inside]
        return _Forecast(self.cells[inside] * part[:, None], self._locked[inside], days, self._codes)

    def correct(
        self, override: Mapping[Any, Any], first: np.datetime64, last: np.datetime64
    ) -> tuple[float, float, str]:
        """Apply one correction; return units before and after, and what hindered it."""
        rows = self._rows(override)
        pieces, inside, fault = self.days.pieces(first, last)
        value = override["value"]
        if isinstance(rows, np.ndarray) and not len(rows):
            fault = "no item and location of the plan is meant"
        elif not isinstance(value, int | float) or not np.isfinite(value) or override["kind"] not in KINDS:
            fault = "its kind or value is none that can be used"
        if fault:
            return 0.0, 0.0, fault
        cells, fixed = self.cells[pieces, rows], self._locked[pieces, rows]
        before = float(cells.sum())
        if fixed.all():
            return before, before, "all of it is locked by other corrections"
        if override["kind"] == "percent":
            new = _scaled(cells, fixed, max(1 + value / 100, 0.0))
            message = "what other corrections lock stays as it was" if fixed.any() else ""
        else:
            asked = value * inside
            target = asked if override["kind"] == "set_units" else before + asked
            new, message = _to_total(cells, fixed, self.days.share[pieces, None], target)
            if inside < 1:
                part = f"{inside:.0%} of its period lies in the days of the forecast: so much of its units counts"
                message = f"{message}; {part}" if message else part
        self.cells[pieces, rows] = new
        if is_locked(override["locked"]):
            self._locked[pieces, rows] = True
        return before, float(new.sum()), message

    def _rows(self, override: Mapping[Any, Any]) -> np.ndarray | slice:
        """Return the rows that a correction speaks of."""
        mask: np.ndarray | None = None
        for name, (numbers, known) in self._codes.items():
            wanted = override.get(name)
            if isinstance(wanted, str):
                found = numbers == known.get(wanted, -2)
                mask = found if mask is None else mask & found
        return slice(None) if mask is None else np.flatnonzero(mask)


def _codes(keys: pd.DataFrame, categories: np.ndarray) -> Codes:
    """Number the values of each column, so that they compare fast."""
    out: dict[str, tuple[np.ndarray, Mapping[object, int]]] = {}
    for name, values in (("item_id", keys["item_id"]), ("category", categories), ("location_id", keys["location_id"])):
        numbers, known = pd.factorize(np.asarray(values, object))
        out[name] = (numbers, {value: n for n, value in enumerate(known)})
    return out


def _scaled(cells: np.ndarray, fixed: np.ndarray, factor: float) -> np.ndarray:
    """Return the cells times a factor; what is fixed stays."""
    moved = cells * factor if factor <= 1 else np.minimum(cells * factor, np.maximum(cells, MOST))
    return np.where(fixed, cells, moved) if fixed.any() else moved


def _to_total(cells: np.ndarray, fixed: np.ndarray, days: np.ndarray, target: float) -> tuple[np.ndarray, str]:
    """Return the cells so that they add up to a total, and what hindered it; `days` weighs the pieces, (P, 1)."""
    held = float(cells[fixed].sum()) if fixed.any() else 0.0
    free = float(cells[~fixed].sum()) if fixed.any() else float(cells.sum())
    wanted = max(target, 0.0)
    message = "it cannot fall below zero" if target < 0 else ""
    if free > NONE:
        if wanted < held:
            message = f"other corrections lock {held:,.6g} units of it: it cannot fall below that"
        return _scaled(cells, fixed, max(wanted - held, 0.0) / free), message
    if held > NONE:
        if not np.isclose(wanted, held, rtol=1e-9, atol=0):
            message = f"other corrections lock {held:,.6g} units of it, and nothing else of it has demand to move"
        return cells, message
    weight = np.where(fixed, 0.0, days)
    return weight * (wanted / float(weight.sum())), message
