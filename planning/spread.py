"""From the errors of past forecasts to mean and variance of demand over any interval to come."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pandas as pd
from scipy import special

from planning.calibration import calibrate
from planning.choice import report_count
from planning.classify import classify_demand
from planning.distribution import MOST_CHANGE, SIZE_POWER, Calibration, CumulativeDemand
from planning.fits import Fits
from planning.lanes import side_by_side
from planning.network import Network
from planning.overrides import corrected, moved_variance
from planning.params import Params
from planning.past import Choice, Past, forecasts, interval_buckets, overlap

ANCHORS: Mapping[int, tuple[int, ...]] = MappingProxyType(
    {1: (1, 2, 3, 5, 7, 10, 14, 21, 28, 42, 63, 91), 7: (1, 2, 3, 4, 6, 8, 10, 13, 17, 22, 26)}
)
"""Horizons, in buckets, at which the error of past forecasts is measured; between them it is interpolated."""
PRIOR_WEIGHT = 4.0
SIBLING_WEIGHT = 40.0
"""Errors that what an item's locations have in common is worth: most of what sets one of them apart is chance.

Of the variance of their log deviations a quarter to a third lasts between halves of some 15 independent mornings.
"""
LEAST_SIBLINGS = 3
LEAST_ERRORS = 6
LEAST_CLASS = 10
"""Items that a class needs before it can tell what is usual."""
LEAST_CALIBRATION = 8
"""Origins that it takes to hold one half's spread against the other half."""
OUTLYING = 2.5
"""Deviations (1.4826 times the median one) beyond which a row is left out of its class's law."""
FIT_ROUNDS = 4
MOST_SHARE = 2 / 3
"""Demand that is nothing or anything alike up to M, the most it ever was, varies by so much of its mean times M."""
OWN_POWER = 0.8
"""A row's squared errors go with about this power of its own forecast: some of what moves that is chance.

At rolling origins by week, three weeks together, the mean negative log-likelihood is 2.481, 2.480 and 2.491 on VN2 with
1.3 (that of sizes), .8 and 0, on M5 3.371, 3.326 and 3.286.
"""
LEAST_SEEN = 4
LEAST_CHANCE = 1e-3
"""Demand that never varied is certain where chance would hardly bring that about."""
UNKNOWN_SPREAD = 0.3
"""Standard deviation, as a share of the mean, of demand of which no history tells anything."""
LEAST_INDEX = 0.05
"""A bucket in which less than this share of the usual is wanted (a closure) tells nothing of the usual."""


def corrected_path(
    fits: Fits, choice: Choice, buckets: int, overrides: pd.DataFrame | None, categories: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, pd.DataFrame | None]:
    """Return own mean demand by future bucket, before and after the planner's corrections, and what these did."""
    path = mean_path(fits, choice, buckets)
    if overrides is None or overrides.empty:
        return path, path, None
    known = np.full(len(fits.keys), None) if categories is None else categories
    starts = fits.calendar.future_starts(buckets)
    return path, *corrected(path, fits.keys, known, starts, fits.calendar.bucket_days, overrides)


def build_distribution(
    fits: Fits,
    network: Network,
    choice: Choice,
    days: int,
    params: Params,
    paths: tuple[np.ndarray, np.ndarray] | None = None,
    interval_days: float = 21.0,
    past: Past | None = None,
    like: CumulativeDemand | None = None,
) -> CumulativeDemand:
    """Return the distribution of what each item-location must serve: its own demand and that of all it feeds.

    Parameters
    ----------
    days : how far to reach, at most the fits' horizon.
    paths : own mean demand before and after corrections (`corrected_path`): the mean follows the latter, and the
        spread the mean; None: there are none.
    interval_days : the usual lead time + review, over which quantiles are held against the past.
    past : of these fits, where it is there already.
    like : of the same fits, network, choice and interval: how quantiles held is known from it.
    """
    bucket_days = fits.calendar.bucket_days
    buckets = -(-days // bucket_days)
    path, planned = paths or 2 * (mean_path(fits, choice, buckets),)
    mean = network.pool(path)
    whole = np.asarray(network.pool((~fits.whole).astype(float)) == 0)
    past = past or Past(fits)
    variance = _variances(past, network, choice, path, mean, whole)
    classes = np.where(network.feeds, "pooled", fits.demand_class)
    horizon = int(interval_buckets(fits, np.array([interval_days]))[0])
    if like is not None:
        calibration = like.calibration
    else:
        calibration = _calibration(past, network, choice, horizon, classes, whole) if fits.periods else None
    if planned is not path:
        before, mean = mean, network.pool(planned)
        variance = moved_variance(variance, before.cumsum(axis=1), mean.cumsum(axis=1), classes, whole)
    mean, variance = mean * params.demand_multiplier, variance * params.demand_multiplier**2
    return CumulativeDemand(
        by_day(np.cumsum(mean, axis=1), bucket_days, days), by_day(variance, bucket_days, days), whole, calibration
    )


def mean_path(fits: Fits, choice: Choice, buckets: int) -> np.ndarray:
    """Expected demand by future bucket: level times index, the user's own forecast first, known orders at least."""
    level = np.einsum("nm,nm->n", choice.weights, fits.levels[:, :, -1].astype(float))
    path = np.repeat(level[:, None], buckets, axis=1)
    library = fits.library
    place = {int(row): at for at, row in enumerate(library.rows)}
    for row in np.flatnonzero(choice.library > 0):
        fitted = library.paths[place[int(row)], choice.library_model[row], -1, :buckets].astype(float)
        share = choice.library[row]
        path[row] = (1 - share) * path[row] + share * fitted
    path = path * fits.index(columns=slice(fits.periods, fits.periods + buckets))
    path = fits.own[:, :buckets] + (1 - fits.own_share[:, :buckets]) * path
    return np.asarray(np.maximum(path, fits.firm[:, :buckets]), float)


def _variances(
    past: Past, network: Network, choice: Choice, own_path: np.ndarray, path: np.ndarray, whole: np.ndarray
) -> np.ndarray:
    """Variance of cumulative demand at each future bucket, (n, buckets)."""
    fits = past.fits
    buckets = path.shape[1]
    cumulative = np.cumsum(path, axis=1)
    anchors = [h for h in ANCHORS[fits.calendar.bucket_days] if h <= max(1, fits.demand.shape[1] // 3) and h <= buckets]
    kin = kin_of(network, fits.demand_class)
    flat_mean, flat_variance, seen = _flat_demand(fits)
    certain = (flat_variance <= (1e-5 * flat_mean) ** 2) & (_chance_of_no_change(flat_mean, seen) < LEAST_CHANCE)
    certain = network.pool((~certain & (own_path.sum(axis=1) > 0)).astype(float)) == 0
    # A single extreme counts for the spread, but no further than demand ever ranged without it.
    extreme = network.pool(fits.outlier.any(axis=1).astype(float)) > 0
    usual = np.where(fits.outlier, 0.0, np.nan_to_num(fits.demand))

    def at(horizon: int) -> np.ndarray:
        """Variance of the first `horizon` buckets together, (n,)."""
        mean = cumulative[:, horizon - 1]
        error, forecast = errors(past, network, choice, horizon)
        own, count = own_variance(error, overlap(horizon, fits), relative(mean, forecast))
        most = network.pool(_largest(usual, horizon))
        own = np.where(extreme, np.fmin(own, most**2), own)
        single = flat_variance * horizon * (1 + horizon / np.maximum(seen, 1))
        fallback = network.pool(np.where(seen > 1, single, 0.0))
        unknown = np.where(whole, mean, 0.0) + (UNKNOWN_SPREAD * mean) ** 2
        fallback = np.where(fallback > 0, fallback, np.nan)
        variance = shrunk_variance(own, count, mean, kin, fallback, unknown, at_mornings(error, forecast))
        # Were it M or nothing, it would vary by its mean times M (Bhatia & Davis); a count has a longer tail than that.
        variance = np.where(most > 0, np.fmin(variance, mean * np.maximum(MOST_SHARE * most, mean)), variance)
        low = np.where(whole & ((mean < 20) | np.isnan(fallback)), 1.05 * mean, (0.05 * mean) ** 2)
        return np.asarray(np.where(certain, 0.0, np.maximum(variance, low)))

    table = np.column_stack(side_by_side(at, anchors))
    return _between_anchors(np.maximum.accumulate(table, axis=1), np.array(anchors), buckets)


@dataclass(frozen=True)
class Kin:
    """Which rows may learn from each other, n rows.

    classes : demand class, or "pooled" of a location that feeds others, (n,).
    items : a code that the locations of one item share, (n,) int.
    """

    classes: np.ndarray
    items: np.ndarray

    def take(self, rows: np.ndarray) -> "Kin":
        """Return that of some rows."""
        return Kin(self.classes[rows], self.items[rows])


@dataclass(frozen=True)
class HeldOut:
    """Cumulative demand at some origins, as it came and as the ones before them would have told, (n, K)."""

    actual: np.ndarray
    mean: np.ndarray
    variance: np.ndarray


def held_out(
    forecast: np.ndarray,
    error: np.ndarray,
    older: np.ndarray,
    newer: np.ndarray,
    kin: Kin,
    whole: np.ndarray,
    overlap: float,
) -> HeldOut:
    """Return what was forecast and came at the `newer` origins, with the spread learned from the `older` ones alone.

    Parameters
    ----------
    forecast, error : at each origin, units, (n, K).
    older, newer : columns of these.
    overlap : how many neighbouring origins tell of the same demand.
    """
    mean = forecast[:, older]
    known = ~np.isnan(mean)
    usual = np.where(known.any(axis=1), np.nansum(mean, axis=1) / np.maximum(known.sum(axis=1), 1), 0.0)
    own, count = own_variance(error[:, older], overlap, relative(usual, mean))
    unknown = usual + (UNKNOWN_SPREAD * usual) ** 2
    then = at_mornings(error[:, older], mean)
    learned = shrunk_variance(own, count, usual, kin, np.full(len(usual), np.nan), unknown, then)
    ahead = forecast[:, newer]
    with np.errstate(invalid="ignore", divide="ignore"):
        variance = learned[:, None] * np.where(usual[:, None] > 0, ahead / usual[:, None], 1.0) ** OWN_POWER
    variance = np.where(whole[:, None], np.maximum(variance, 1.05 * ahead), variance)
    actual = ahead + error[:, newer]
    return HeldOut(np.maximum(np.where(whole[:, None], np.round(actual), actual), 0), ahead, variance)


def usable_origins(error: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the origins kept for reporting, and the others that have an error, newest first."""
    usable = np.flatnonzero(~np.isnan(error).all(axis=0)) if len(error) else np.zeros(0, int)
    kept = report_count(len(usable))
    return usable[:kept], usable[kept:]


def _calibration(
    past: Past, network: Network, choice: Choice, horizon: int, classes: np.ndarray, whole: np.ndarray
) -> Calibration | None:
    """Return how often the quantiles of each class held at the newer origins, learned from the older ones."""
    error, forecast = errors(past, network, choice, horizon)
    _, usable = usable_origins(error)
    if len(usable) < LEAST_CALIBRATION:
        return None
    newer, older = usable[: len(usable) // 2], usable[len(usable) // 2 :]
    then = kin_at(past.fits, network, int(past.fits.origins[newer[-1]]))
    told = held_out(forecast, error, older, newer, then, whole, overlap(horizon, past.fits))
    return calibrate(told.actual, told.mean, told.variance, whole, then.classes, overlap(horizon, past.fits), classes)


def kin_of(network: Network, demand_class: np.ndarray) -> Kin:
    """Return what each row may learn from; a location that feeds others is like others that do."""
    item = pd.factorize(network.keys["item_id"])[0]
    return Kin(np.where(network.feeds, "pooled", demand_class), 2 * item + network.feeds)


def kin_at(fits: Fits, network: Network, known: int) -> Kin:
    """Return the same by what was known at an origin: today's class knows what came after."""
    return kin_of(network, classify_demand(fits.demand[:, :known].astype(float)))


def relative(mean: np.ndarray, forecast: np.ndarray) -> np.ndarray:
    """Return what a squared error at each origin is worth at today's mean: (today / then) ** OWN_POWER, (n, K)."""
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.where((forecast > 0) & (mean[:, None] > 0), mean[:, None] / forecast, 1.0)
    return np.clip(ratio, 1 / MOST_CHANGE, MOST_CHANGE) ** OWN_POWER


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
    index = fits.index(columns=slice(0, fits.periods))
    flat = np.where(index > LEAST_INDEX, fits.demand / np.maximum(index, LEAST_INDEX), np.nan)
    seen = (~np.isnan(flat)).sum(axis=1)
    mean = np.nansum(flat, axis=1) / np.maximum(seen, 1)
    return mean, np.nansum((flat - mean[:, None]) ** 2, axis=1) / np.maximum(seen - 1, 1), seen


def errors(past: Past, network: Network, choice: Choice, horizon: int) -> tuple[np.ndarray, np.ndarray]:
    """Return error and forecast at each origin; of a location that feeds others, those of all added up, (n, K) each.

    Adding errors, not variances, keeps what the locations have in common.
    """
    window = past.window(horizon)
    forecast = forecasts(past, choice, window) * window.scale
    error = window.sold * window.scale - forecast
    feeds = network.feeds
    if not feeds.any():
        return error, forecast
    own = np.where(np.isnan(error), 0.0, forecast)
    pooled = pooled_errors(error, past.fits, choice, network.pool)
    whole = np.where(np.isnan(pooled), np.nan, network.pool(own))
    return np.where(feeds[:, None], pooled, error), np.where(feeds[:, None], whole, forecast)


def pooled_errors(
    error: np.ndarray, fits: Fits, choice: Choice, pool: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """Add up the errors of rows; where some are unknown, the sum is scaled up by the demand they stand for.

    Parameters
    ----------
    error : of each row at each origin, (n, K).
    pool : adds up rows: (n, K) to (groups, K).
    """
    known = ~np.isnan(error)
    level = np.einsum("nm,nm->n", choice.weights, fits.levels[:, :, -1].astype(float))
    size = level[:, None] ** 2
    all_size, known_size = pool(size * np.ones_like(error)), pool(np.where(known, size, 0.0))
    with np.errstate(invalid="ignore", divide="ignore"):
        scale = np.sqrt(all_size / known_size)
    return np.asarray(pool(np.nan_to_num(error)) * np.where(known_size > 0, scale, np.nan))


def own_variance(
    error: np.ndarray, overlapping: float, relative: np.ndarray | float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """Mean squared error of each row and how many independent errors it is worth, (n,) each.

    Parameters
    ----------
    overlapping : how many neighbouring origins tell of the same demand.
    relative : what each squared error is worth at today's mean, (n, K).
    """
    count = (~np.isnan(error)).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        own = np.where(count > 0, np.nansum(error**2 * relative, axis=1) / count, np.nan)
    return own, np.where(count >= LEAST_ERRORS, count / overlapping, 0.0)


def at_mornings(error: np.ndarray, forecast: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean forecast and mean squared error over the origins that have an error, (n,) each; NaN without one."""
    known = ~np.isnan(error)
    count = known.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        size, square = (
            np.where(count > 0, np.where(known, values, 0.0).sum(axis=1) / count, np.nan)
            for values in (forecast, error**2)
        )
    return size, square


def shrunk_variance(
    own: np.ndarray,
    count: np.ndarray,
    mean: np.ndarray,
    kin: Kin,
    fallback: np.ndarray,
    unknown: np.ndarray,
    then: tuple[np.ndarray, np.ndarray],
) -> np.ndarray:
    """Shrink each row's variance to what its class usually has at that mean: ln v = a + b ln m.

    An item at several locations stands between: its rows are drawn to what they have in common, and that to the class.
    Where a class is too small to tell, a row's `fallback` serves, its own spread of buckets; where that is NaN,
    what all rows usually have; and where they tell nothing either, `unknown`.

    Parameters
    ----------
    own, count : each row's variance at today's mean, and how many errors it is worth.
    kin : which rows may learn from each other.
    then : mean forecast and mean squared error of the same mornings (`at_mornings`), which the law is learned from:
        today's mean may be that of an item which has all but ceased to sell, and its errors are not.
    """
    usual = _usual_variance(then, count, mean, np.ones(len(own), bool))
    prior = np.where(np.isnan(fallback), unknown if usual is None else usual, fallback)
    for name in np.unique(kin.classes):
        rows = kin.classes == name
        of_class = _usual_variance(then, count, mean, rows)
        if of_class is not None:
            prior[rows] = of_class[rows]
    common, worth = _sibling_variance(then, count, mean, kin.items)
    alike = worth > 0
    prior = np.where(alike, (worth * common + PRIOR_WEIGHT * prior) / (worth + PRIOR_WEIGHT), prior)
    weight = np.where(alike, SIBLING_WEIGHT, PRIOR_WEIGHT)
    return np.asarray((count * np.nan_to_num(own) + weight * prior) / (count + weight))


def _sibling_variance(
    then: tuple[np.ndarray, np.ndarray], count: np.ndarray, mean: np.ndarray, items: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the variance that an item's locations have in common, at each mean, and the errors it is worth, (n,) each.

    v = a m^b, with the slope inside items, one for all, and an item's a the mean of its locations' v / m^b. Worth
    nothing where fewer than `LEAST_SIBLINGS` locations tell.
    """
    size, square = (np.nan_to_num(values) for values in then)
    groups = int(items.max(initial=-1)) + 1
    told = (count > 0) & (square > 0) & (size > 0)
    told &= np.bincount(items[told], minlength=groups)[items] >= LEAST_SIBLINGS
    slope = SIZE_POWER
    if told.sum() >= LEAST_CLASS:
        logs = pd.DataFrame({"x": np.log(size[told]), "y": np.log(square[told])})
        logs = logs - logs.groupby(items[told]).transform("mean")
        _, slope = _line(logs["x"].to_numpy(), logs["y"].to_numpy())
    level = np.divide(square, size**slope, out=np.zeros(len(count)), where=told)
    worth, summed = (
        np.bincount(items, np.where(told, count * values, 0.0), groups)[items]
        for values in (np.ones(len(count)), level)
    )
    common = np.divide(summed, worth, out=np.zeros(len(count)), where=worth > 0)
    return common * np.maximum(mean, 0) ** slope, worth


def _usual_variance(
    then: tuple[np.ndarray, np.ndarray], count: np.ndarray, mean: np.ndarray, rows: np.ndarray
) -> np.ndarray | None:
    """Return the variance that these rows' law gives at each mean, (n,), or None where they are too few to have one.

    Rows far off the line are left out, round by round: a few would tell what is usual for all.
    """
    size, square = (np.nan_to_num(values) for values in then)
    told = rows & (count > 0) & (square > 0) & (size > 0)
    if told.sum() < LEAST_CLASS:
        return None
    x, y = np.log(size[told]), np.log(square[told])
    near = np.ones(len(x), bool)
    for _ in range(FIT_ROUNDS):
        level, slope = _line(x[near], y[near])
        off = y - level - slope * x
        from_middle = np.abs(off - np.median(off[near]))
        near = from_middle <= OUTLYING * max(1.4826 * float(np.median(from_middle[near])), 1e-9)
    # Smearing: the mean of the logs is not the log of the mean.
    scale = np.exp(level) * float(np.mean(np.exp(off[near])))
    return np.asarray(scale * np.maximum(mean, 0) ** slope)


def _line(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Return level and slope of the line of least squares, the slope between that of counts and of sizes, 1 to 2."""
    spread = max(float(((x - x.mean()) ** 2).sum()), 1e-9)
    slope = float(np.clip(((x - x.mean()) * (y - y.mean())).sum() / spread, 1.0, 2.0))
    return float(y.mean() - slope * x.mean()), slope


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


def by_day(cumulative: np.ndarray, bucket_days: int, days: int) -> np.ndarray:
    """Cumulative values by bucket, laid out by day; part of a bucket takes its share. Shape (n, days + 1)."""
    table = np.concatenate([np.zeros((len(cumulative), 1)), cumulative], axis=1)
    if bucket_days == 1:
        return table[:, : days + 1]
    at = np.arange(days + 1) / bucket_days
    low = np.minimum(at.astype(int), table.shape[1] - 2)
    return np.asarray(table[:, low] + (at - low) * (table[:, low + 1] - table[:, low]))
