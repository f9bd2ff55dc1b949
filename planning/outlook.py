"""What demand is expected by bucket, and how far past forecasts were off."""

import numpy as np
import pandas as pd

from planning import accuracy
from planning.choice import report_count
from planning.distribution import CumulativeDemand
from planning.fits import Fits
from planning.past import Choice, Past, cumulative_errors

QUANTILES = (0.50, 0.80, 0.90, 0.95)


def forecast_table(fits: Fits, keys: pd.DataFrame, demand: CumulativeDemand) -> pd.DataFrame:
    """Return mean and quantiles of demand in each bucket of the horizon, one row an item, location and bucket."""
    length = fits.calendar.bucket_days
    buckets = max(1, demand.days // length)
    edges = np.arange(buckets + 1) * length
    mean = np.diff(demand.mean[:, edges], axis=1)
    # A bucket on its own is as uncertain as the first one, in proportion; what cumulative demand is more
    # uncertain than that comes from what the buckets have in common.
    first = demand.variance[:, [length]] / np.maximum(demand.mean[:, [length]], 1e-9) ** 2
    variance = np.clip(np.diff(demand.variance[:, edges], axis=1), 0, 4 * first * mean**2 + mean)
    variance = np.where(demand.variance[:, [length]] > 0, variance, 0.0)
    rows = np.repeat(np.arange(len(mean)), buckets)
    out = pd.DataFrame({name: np.repeat(keys[name].to_numpy(), buckets) for name in ("item_id", "location_id")})
    out["starts_on"] = np.tile(pd.to_datetime(fits.calendar.future_starts(buckets)), len(mean))
    out["mean"] = mean.ravel()
    found = demand.quantiles(np.array(QUANTILES), mean.ravel(), variance.ravel(), rows)
    for q, values in zip(QUANTILES, found.T, strict=True):
        out[f"q{q * 100:.0f}"] = values
    return out


def accuracy_table(fits: Fits, keys: pd.DataFrame, choice: Choice, interval_days: np.ndarray) -> pd.DataFrame:
    """Errors over lead time + review at the newest origins, which were not used to choose the model."""
    longest = max(1, fits.demand.shape[1] // 3)
    horizon = np.clip(np.round(interval_days / fits.calendar.bucket_days), 1, longest).astype(int)
    n, past = len(horizon), Past(fits)
    out = {name: np.full(n, np.nan) for name in ("wape", "bias", "rmsse", "naive_wape", "demand_units", "error_units")}
    for h in np.unique(horizon):
        rows = np.flatnonzero(horizon == h)
        error, actual = (a[rows] for a in cumulative_errors(fits, choice, int(h), past))
        usable = np.flatnonzero(~np.isnan(error).all(axis=0)) if len(error) else np.zeros(0, int)
        columns = usable[: max(2, report_count(len(usable)))]
        if not len(columns):
            continue
        e, a = error[:, columns].astype(float), np.where(np.isnan(error[:, columns]), np.nan, actual[:, columns])
        before = _naive(fits.demand[rows], fits.origins[columns], int(h))
        out["wape"][rows], out["bias"][rows] = accuracy.wape(a, a - e), accuracy.bias(a, a - e)
        out["naive_wape"][rows] = accuracy.wape(a, np.where(np.isnan(before), a, before))
        out["demand_units"][rows] = np.nansum(a, axis=1)
        out["error_units"][rows] = np.nansum(np.abs(e), axis=1)
    step, actual = cumulative_errors(fits, choice, 1, past)
    newest = slice(0, 2)
    a = np.where(np.isnan(step[:, newest]), np.nan, actual[:, newest])
    out["rmsse"] = accuracy.rmsse(a, a - step[:, newest], fits.demand.astype(float)) if step.shape[1] else out["rmsse"]
    return keys[["item_id", "location_id"]].assign(horizon_days=horizon * fits.calendar.bucket_days, **out)


def _naive(demand: np.ndarray, origins: np.ndarray, horizon: int) -> np.ndarray:
    """The same number of buckets before each origin: what "as much as last time" would have said, (n, origins)."""
    total = np.cumsum(np.pad(np.nan_to_num(demand), ((0, 0), (1, 0))), axis=1)
    return np.asarray(total[:, origins] - total[:, np.maximum(origins - horizon, 0)])
