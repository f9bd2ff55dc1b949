"""Forecasts of sums: an item over its locations, a category, a location, everything.

Means add up. Spreads do not: the error of a sum is the sum of the errors, origin by origin, so that what the lines
have in common stays in it.
"""

import numpy as np
import pandas as pd

from planning.base import Base
from planning.distribution import quantile_table
from planning.outlook import QUANTILES
from planning.past import Past, forecasts
from planning.spread import LEAST_ERRORS, own_variance, relative

LEAST_SHARE = 0.05
"""Least standard deviation of a sum, as a share of its mean: a handful of origins may agree by chance."""


def rollup(base: Base, rows: np.ndarray) -> pd.DataFrame:
    """Return the forecast of the sum of some lines by bucket.

    Parameters
    ----------
    rows : positions of the lines in the network's keys; a location that feeds others stands for itself alone only
        if what it feeds is not among them.

    Returns
    -------
    DataFrame: starts_on, mean, statistical_mean (before corrections), q50, q80, q90, q95, units a bucket.
    """
    fits = base.fits
    length = fits.calendar.bucket_days
    buckets = max(1, base.demand.days // length)
    edges = np.arange(buckets + 1) * length
    mean = np.diff(base.demand.mean[np.ix_(rows, edges)], axis=1).sum(axis=0)
    out = pd.DataFrame({"starts_on": pd.to_datetime(fits.calendar.future_starts(buckets)), "mean": mean})
    out["statistical_mean"] = base.statistical[rows, :buckets].sum(axis=0)
    if len(rows) == 1:
        keys = base.network.keys.iloc[rows[0]]
        own = base.forecast[
            (base.forecast["item_id"] == keys["item_id"]) & (base.forecast["location_id"] == keys["location_id"])
        ]
        return out.assign(**{f"q{q * 100:.0f}": own[f"q{q * 100:.0f}"].to_numpy() for q in QUANTILES})
    variance = _variance(base, rows) * mean**2
    whole = np.full(buckets, bool(base.demand.whole[rows].all()))
    variance = np.where(whole, np.maximum(variance, mean), variance)
    found = quantile_table(np.array(QUANTILES), mean, variance, whole)
    return out.assign(**{f"q{q * 100:.0f}": values for q, values in zip(QUANTILES, found.T, strict=True)})


def _variance(base: Base, rows: np.ndarray) -> float:
    """Return the squared relative error of one bucket of the sum; independent lines where the past is too short."""
    own = _below(base, rows)
    own = own[~np.isnan(base.fits.demand[own]).all(axis=1)]
    length = base.fits.calendar.bucket_days
    mean = base.demand.mean[rows, length].sum()
    if mean <= 0:
        return LEAST_SHARE**2
    spread = base.demand.variance[rows, length]
    # Independent lines at the least; lines that move as one at the most.
    apart, together = spread.sum() / mean**2, np.sqrt(spread).sum() ** 2 / mean**2
    past = Past(base.fits, own)
    window = past.window(1)
    forecast = forecasts(past, base.choice, window) * window.scale
    error = window.sold * window.scale - forecast
    known = ~np.isnan(error)
    total = np.where(known, forecast, 0.0).sum(axis=0)
    told = (known.mean(axis=0) >= 0.5) & (total > 0) if len(own) else np.zeros(0, bool)
    if told.sum() < LEAST_ERRORS:
        return float(max(apart, LEAST_SHARE**2))
    summed = np.nansum(error, axis=0)[told][None]
    found, _ = own_variance(summed, 1.0, relative(np.array([mean]), total[told][None]))
    return float(np.clip(found[0] / mean**2, min(apart, LEAST_SHARE**2), max(together, LEAST_SHARE**2)))


def _below(base: Base, rows: np.ndarray) -> np.ndarray:
    """Return these rows and all that they feed: whose own errors make up theirs."""
    wanted = np.zeros(len(base.network.keys))
    wanted[rows] = 1
    source = base.network.source
    reached = wanted.astype(bool)
    while True:
        more = (source >= 0) & reached[np.maximum(source, 0)] & ~reached
        if not more.any():
            return np.flatnonzero(reached)
        reached |= more
