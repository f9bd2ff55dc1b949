"""From the errors of past forecasts to mean and variance of demand over any interval to come."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pandas as pd
from scipy import special

from planning.distribution import CumulativeDemand
from planning.forecast import CANDIDATES, LEAST_BUCKETS, MODELS, ORIGIN_STEP_DAYS, Fits
from planning.network import Network
from planning.overrides import corrected, moved_variance
from planning.params import Params

ANCHORS: Mapping[int, tuple[int, ...]] = MappingProxyType(
    {1: (1, 2, 3, 5, 7, 10, 14, 21, 28, 42, 63, 91), 7: (1, 2, 3, 4, 6, 8, 10, 13, 17, 22, 26)}
)
"""Horizons, in buckets, at which the error of past forecasts is measured; between them it is interpolated."""
PRIOR_WEIGHT = 4.0
LEAST_ERRORS = 6
LEAST_CLASS = 10
"""Items that a class needs before it can tell what is usual."""
LEAST_SEEN = 4
LEAST_CHANCE = 1e-3
"""Demand that never varied is certain where chance would hardly bring that about."""
UNKNOWN_SPREAD = 0.3
"""Standard deviation, as a share of the mean, of demand of which no history tells anything."""
LEAST_KNOWN = 0.5
LEAST_INDEX = 0.05
"""A bucket in which less than this share of the usual is wanted (a closure) tells nothing of the usual."""
REPORT_SHARE = 0.25
"""Share of the origins, the newest, that are kept for reporting and never used to choose a model."""


def cumulative_errors(fits: Fits, model: np.ndarray, horizon: int) -> tuple[np.ndarray, np.ndarray]:
    """Return error (actual - forecast) and actual of cumulative demand over `horizon` buckets at each origin.

    Unknown buckets add nothing; the error is scaled up for them, and is NaN where most are unknown.

    Parameters
    ----------
    model : index into MODELS for each item-location, shape (n,).

    Returns
    -------
    Two arrays (n, K), units; NaN where the origin is too near the end of the history.
    """
    error, actual = np.full((2, len(fits.keys), len(fits.origins)), np.nan)
    periods = fits.demand.shape[1]
    usable = fits.origins + horizon <= periods
    if not usable.any():
        return error, actual
    start = fits.origins[usable]
    known = ~np.isnan(fits.demand)
    seen, sold, expected, whole = (
        _window_sums(a, start, horizon)
        for a in (
            known,
            np.nan_to_num(fits.demand),
            np.where(known, fits.index[:, :periods], 0.0),
            fits.index[:, :periods],
        )
    )
    level = np.take_along_axis(fits.levels, model[:, None, None], axis=1)[:, 0, :-1][:, usable].astype(float)
    with np.errstate(invalid="ignore", divide="ignore"):
        scale = np.sqrt(np.where(expected > 0, whole / expected, 1.0))
        e = np.where(seen >= LEAST_KNOWN * horizon, (sold - level * expected) * scale, np.nan)
    error[:, usable], actual[:, usable] = e, sold
    return error, actual


def _window_sums(values: np.ndarray, start: np.ndarray, horizon: int) -> np.ndarray:
    total = np.cumsum(np.pad(values.astype(float), ((0, 0), (1, 0))), axis=1)
    return np.asarray(total[:, start + horizon] - total[:, start])


def choose_models(fits: Fits, interval_days: np.ndarray, params: Params) -> np.ndarray:
    """Return the model of each item-location as an index into MODELS, shape (n,).

    The candidate with the least squared error of cumulative demand over the item's own interval, on
    origins that are not used for reporting, chosen class by class, since one item's origins are few.
    """
    if params.forecast_model != "auto":
        return np.full(len(fits.keys), MODELS.index(params.forecast_model))
    out = np.full(len(fits.keys), MODELS.index("Combination"))
    horizons = _horizons(fits, interval_days)
    for name, candidates in CANDIDATES.items():
        rows = np.flatnonzero(fits.demand_class == name)
        if len(rows) == 0 or not fits.demand.shape[1]:
            continue
        scores = [_class_score(fits, rows, horizons, MODELS.index(c)) for c in candidates]
        best = int(np.argmin(scores)) if np.isfinite(scores).any() else len(candidates) - 1
        out[rows] = MODELS.index(candidates[best])
    return out


def _horizons(fits: Fits, interval_days: np.ndarray) -> np.ndarray:
    """Return each interval in whole buckets, no longer than a third of the history can tell."""
    longest = max(1, fits.demand.shape[1] // 3)
    return np.clip(np.round(interval_days / fits.calendar.bucket_days), 1, longest).astype(int)


def _class_score(fits: Fits, rows: np.ndarray, horizons: np.ndarray, model: int) -> float:
    total, weight = 0.0, 0
    for horizon in np.unique(horizons[rows]):
        some = rows[horizons[rows] == horizon]
        part = _rows_of_fits(fits, some)
        error, _ = cumulative_errors(part, np.full(len(some), model), int(horizon))
        error = error[:, _report_count(error) :]
        size = np.nanmean(np.nan_to_num(part.demand), axis=1, keepdims=True) * horizon
        ratio = (error / np.where(size > 0, size, np.nan)) ** 2
        total += float(np.nansum(np.minimum(ratio, 25.0)))
        weight += int(np.isfinite(ratio).sum())
    return total / weight if weight else np.inf


def _rows_of_fits(fits: Fits, rows: np.ndarray) -> Fits:
    return replace(
        fits, keys=fits.keys.iloc[rows], demand=fits.demand[rows], index=fits.index[rows], levels=fits.levels[rows]
    )


def _report_count(error: np.ndarray) -> int:
    """Return how many columns, the newest usable origins, are kept for reporting (leading unusable ones included)."""
    usable = ~np.isnan(error).all(axis=0) if len(error) else np.zeros(error.shape[1], bool)
    if usable.sum() < LEAST_ERRORS:
        return 0
    return int(np.flatnonzero(usable)[max(1, round(REPORT_SHARE * usable.sum())) - 1]) + 1


def corrected_path(
    fits: Fits, model: np.ndarray, buckets: int, overrides: pd.DataFrame | None, categories: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, pd.DataFrame | None]:
    """Return own mean demand by future bucket, before and after the planner's corrections, and what these did."""
    path = _mean_path(fits, model, buckets)
    if overrides is None or overrides.empty:
        return path, path, None
    known = np.full(len(fits.keys), None) if categories is None else categories
    starts = fits.calendar.future_starts(buckets)
    return path, *corrected(path, fits.keys, known, starts, fits.calendar.bucket_days, overrides)


def build_distribution(
    fits: Fits,
    network: Network,
    model: np.ndarray,
    days: int,
    params: Params,
    overrides: pd.DataFrame | None = None,
    categories: np.ndarray | None = None,
) -> CumulativeDemand:
    """Return the distribution of what each item-location must serve: its own demand and that of all it feeds.

    Parameters
    ----------
    days : how far to reach, at most the fits' horizon.
    overrides : the contract's table: the mean follows it, and the spread the mean.
    categories : of each row, None where it has none, (n,).
    """
    bucket_days = fits.calendar.bucket_days
    buckets = -(-days // bucket_days)
    path, planned, _ = corrected_path(fits, model, buckets, overrides, categories)
    mean = network.pool(path)
    whole = np.asarray(network.pool((~fits.whole).astype(float)) == 0)
    variance = _variances(fits, network, model, path, mean, whole)
    if planned is not path:
        before, mean = mean, network.pool(planned)
        classes = np.where(network.feeds, "pooled", fits.demand_class)
        variance = moved_variance(variance, before.cumsum(axis=1), mean.cumsum(axis=1), classes, whole)
    mean, variance = mean * params.demand_multiplier, variance * params.demand_multiplier**2
    return CumulativeDemand(
        _by_day(np.cumsum(mean, axis=1), bucket_days, days), _by_day(variance, bucket_days, days), whole
    )


def _mean_path(fits: Fits, model: np.ndarray, buckets: int) -> np.ndarray:
    """Expected demand by future bucket: level times index, the user's own forecast first, known orders at least."""
    periods = fits.demand.shape[1]
    level = np.take_along_axis(fits.levels, model[:, None, None], axis=1)[:, 0, -1].astype(float)
    path = level[:, None] * fits.index[:, periods : periods + buckets]
    path = fits.own[:, :buckets] + (1 - fits.own_share[:, :buckets]) * path
    return np.asarray(np.maximum(path, fits.firm[:, :buckets]), float)


def _variances(
    fits: Fits, network: Network, model: np.ndarray, own_path: np.ndarray, path: np.ndarray, whole: np.ndarray
) -> np.ndarray:
    """Variance of cumulative demand at each future bucket, (n, buckets)."""
    buckets, feeds = path.shape[1], network.feeds
    cumulative = np.cumsum(path, axis=1)
    anchors = [h for h in ANCHORS[fits.calendar.bucket_days] if h <= max(1, fits.demand.shape[1] // 3) and h <= buckets]
    classes = np.where(feeds, "pooled", fits.demand_class)
    flat_mean, flat_variance, seen = _flat_demand(fits)
    certain = (flat_variance <= (1e-5 * flat_mean) ** 2) & (_chance_of_no_change(flat_mean, seen) < LEAST_CHANCE)
    certain = network.pool((~certain & (own_path.sum(axis=1) > 0)).astype(float)) == 0
    # A single extreme counts for the spread, but no further than demand ever ranged without it.
    extreme = network.pool(fits.outlier.any(axis=1).astype(float)) > 0
    usual = np.where(fits.outlier, 0.0, np.nan_to_num(fits.demand))
    table = np.zeros((len(path), len(anchors)))
    for column, horizon in enumerate(anchors):
        error = _pooled_errors(fits, network, model, horizon, feeds)
        own, count = _own_variance(error, horizon, fits.calendar.bucket_days)
        own = np.where(extreme, np.fmin(own, network.pool(_largest(usual, horizon)) ** 2), own)
        mean = cumulative[:, horizon - 1]
        single = flat_variance * horizon * (1 + horizon / np.maximum(seen, 1))
        fallback = network.pool(np.where(seen > 1, single, 0.0))
        unknown = np.where(whole, mean, 0.0) + (UNKNOWN_SPREAD * mean) ** 2
        variance = _shrunk_variance(own, count, mean, classes, np.where(fallback > 0, fallback, np.nan), unknown)
        low = np.where(whole & ((mean < 20) | (fallback <= 0)), 1.05 * mean, (0.05 * mean) ** 2)
        table[:, column] = np.where(certain, 0.0, np.maximum(variance, low))
    return _between_anchors(np.maximum.accumulate(table, axis=1), np.array(anchors), buckets)


def _chance_of_no_change(mean: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """How likely counts by chance (Poisson) would be the same in all buckets seen, (n,).

    What is measured, not counted, is never the same by chance.
    """
    once = np.where(mean > 0, special.xlogy(mean, mean) - mean - special.gammaln(mean + 1), 0.0)
    counted = np.abs(mean - np.round(mean)) < 1e-6
    return np.where(seen < LEAST_SEEN, 1.0, np.where(counted, np.exp(seen * once), 0.0))


def _largest(demand: np.ndarray, horizon: int) -> np.ndarray:
    """Largest demand of any `horizon` buckets in a row, (n,)."""
    horizon = min(horizon, demand.shape[1])
    if not horizon:
        return np.zeros(len(demand))
    total = np.cumsum(np.pad(demand.astype(float), ((0, 0), (1, 0))), axis=1)
    return np.asarray((total[:, horizon:] - total[:, :-horizon]).max(axis=1))


def _flat_demand(fits: Fits) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean and variance of a bucket's demand without season and events, and how many are known, (n,) each."""
    index = fits.index[:, : fits.demand.shape[1]]
    flat = np.where(index > LEAST_INDEX, fits.demand / np.maximum(index, LEAST_INDEX), np.nan)
    seen = (~np.isnan(flat)).sum(axis=1)
    mean = np.nansum(flat, axis=1) / np.maximum(seen, 1)
    return mean, np.nansum((flat - mean[:, None]) ** 2, axis=1) / np.maximum(seen - 1, 1), seen


def _pooled_errors(fits: Fits, network: Network, model: np.ndarray, horizon: int, feeds: np.ndarray) -> np.ndarray:
    """Errors at each origin; of a location that feeds others, those of all of them added up, (n, K).

    Adding errors, not variances, keeps what the locations have in common.
    """
    error, _ = cumulative_errors(fits, model, horizon)
    if not feeds.any():
        return error
    known = ~np.isnan(error)
    size = np.take_along_axis(fits.levels, model[:, None, None], axis=1)[:, 0, -1].astype(float)[:, None] ** 2
    all_size, known_size = network.pool(size * np.ones_like(error)), network.pool(np.where(known, size, 0.0))
    with np.errstate(invalid="ignore", divide="ignore"):
        scale = np.sqrt(all_size / known_size)
    pooled = network.pool(np.nan_to_num(error)) * np.where(known_size > 0, scale, np.nan)
    return np.where(feeds[:, None], pooled, error)


def _own_variance(error: np.ndarray, horizon: int, bucket_days: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean squared error of each row and how many independent errors it is worth, (n,) each."""
    count = (~np.isnan(error)).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        own = np.where(count > 0, np.nansum(error**2, axis=1) / count, np.nan)
    overlap = 1 + (horizon - 1) / max(1, ORIGIN_STEP_DAYS[bucket_days] // bucket_days)
    return own, np.where(count >= LEAST_ERRORS, count / overlap, 0.0)


def _shrunk_variance(
    own: np.ndarray, count: np.ndarray, mean: np.ndarray, classes: np.ndarray, fallback: np.ndarray, unknown: np.ndarray
) -> np.ndarray:
    """Shrink each row's variance to what its class usually has at that mean: ln v = a + b ln m.

    Where a class is too small to tell, a row's `fallback` serves, its own spread of buckets; where that is NaN,
    what all rows usually have; and where they tell nothing either, `unknown`.
    """
    usual = _usual_variance(own, count, mean, np.ones(len(own), bool))
    prior = np.where(np.isnan(fallback), unknown if usual is None else usual, fallback)
    for name in np.unique(classes):
        rows = classes == name
        of_class = _usual_variance(own, count, mean, rows)
        if of_class is not None:
            prior[rows] = of_class[rows]
    return np.asarray((count * np.nan_to_num(own) + PRIOR_WEIGHT * prior) / (count + PRIOR_WEIGHT))


def _usual_variance(own: np.ndarray, count: np.ndarray, mean: np.ndarray, rows: np.ndarray) -> np.ndarray | None:
    """Return the variance that these rows' law gives at each mean, (n,), or None where they are too few to have one."""
    told = rows & (count > 0) & (np.nan_to_num(own) > 0) & (mean > 0)
    if told.sum() < LEAST_CLASS:
        return None
    x, y = np.log(mean[told]), np.log(own[told])
    spread = max(float(((x - x.mean()) ** 2).sum()), 1e-9)
    slope = float(np.clip(((x - x.mean()) * (y - y.mean())).sum() / spread, 1.0, 2.0))
    scale = float(np.exp(y.mean() - slope * x.mean()))
    # Smearing: the mean of the logs is not the log of the mean.
    scale *= float(np.mean(own[told]) / np.mean(scale * mean[told] ** slope))
    return np.asarray(scale * np.maximum(mean, 0) ** slope)


def _between_anchors(table: np.ndarray, anchors: np.ndarray, buckets: int) -> np.ndarray:
    """Variance at each bucket: straight lines between anchors, beyond the last at the pace of the last two."""
    at = np.arange(1, buckets + 1)
    grid = np.concatenate([[0], anchors])
    values = np.concatenate([np.zeros((len(table), 1)), table], axis=1)
    high = np.clip(np.searchsorted(grid, at), 1, len(grid) - 1)
    low = high - 1
    share = np.minimum((at - grid[low]) / (grid[high] - grid[low]), 1.0)
    out = values[:, low] + share * (values[:, high] - values[:, low])
    beyond = at > anchors[-1]
    if beyond.any():
        power = np.full(len(table), 1.5)
        if len(anchors) > 1:
            with np.errstate(invalid="ignore", divide="ignore"):
                ratio = np.log(table[:, -1] / table[:, -2]) / np.log(anchors[-1] / anchors[-2])
            power = np.clip(np.nan_to_num(ratio, nan=1.5, posinf=2.0, neginf=1.0), 1.0, 2.0)
        out[:, beyond] = table[:, -1:] * (at[beyond] / anchors[-1]) ** power[:, None]
    return np.asarray(out)


def _by_day(cumulative: np.ndarray, bucket_days: int, days: int) -> np.ndarray:
    """Cumulative values by bucket, laid out by day; part of a bucket takes its share. Shape (n, days + 1)."""
    table = np.concatenate([np.zeros((len(cumulative), 1)), cumulative], axis=1)
    if bucket_days == 1:
        return table[:, : days + 1]
    at = np.arange(days + 1) / bucket_days
    low = np.minimum(at.astype(int), table.shape[1] - 2)
    return np.asarray(table[:, low] + (at - low) * (table[:, low + 1] - table[:, low]))


__all__ = ["LEAST_BUCKETS", "build_distribution", "choose_models", "corrected_path", "cumulative_errors"]
