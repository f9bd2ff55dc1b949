"""How good a forecast was: WAPE, bias, RMSSE, pinball loss and how often a quantile held.

Arrays hold one row an item and one column a scored point; an unknown actual (NaN) is not scored.
A measure that is not defined (nothing sold, nothing scored) is NaN, never zero.
Median-seeking measures (WAPE) must not choose models for intermittent demand: they favour a forecast of zero.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def wape(actual: Floats, forecast: Floats) -> Floats:
    """Return the weighted absolute percentage error of each item: sum |actual - forecast| / sum |actual|.

    Parameters
    ----------
    actual, forecast : items x points, units.

    Returns
    -------
    Array of items, fraction, >= 0; NaN where nothing was sold.

    Source: Kolassa & Schuetz, Foresight 6 (2007) 40-43 (as the ratio MAD/mean).
    """
    scored = _scored(actual, forecast)
    return _ratio(_sum(np.abs(actual - forecast), scored), _sum(np.abs(actual), scored))


def bias(actual: Floats, forecast: Floats) -> Floats:
    """Return the bias of each item as a share of its demand: sum (forecast - actual) / sum actual.

    Positive: too much was forecast.

    Parameters
    ----------
    actual, forecast : items x points, units.

    Returns
    -------
    Array of items, fraction; NaN where nothing was sold.
    """
    scored = _scored(actual, forecast)
    return _ratio(_sum(forecast - actual, scored), _sum(actual, scored))


def rmsse(actual: Floats, forecast: Floats, train: Floats) -> Floats:
    """Return the root mean squared scaled error of each item.

    The error is scaled by that of the naive forecast (the last value) over the training history, whose buckets
    before the first demand are left out.

    Parameters
    ----------
    actual, forecast : items x points, units.
    train : items x buckets, units a bucket, NaN where unknown: the history before the scored points.

    Returns
    -------
    Array of items, >= 0, below 1 where the forecast beats the naive one; NaN where the history never changed.

    Source: Makridakis, Spiliotis & Assimakopoulos, International Journal of Forecasting 38 (2022) 1346-1364.
    """
    scored = _scored(actual, forecast)
    error = _ratio(_sum((actual - forecast) ** 2, scored), scored.sum(axis=1))
    started = np.logical_or.accumulate(train > 0, axis=1)[:, :-1]
    steps = np.diff(train, axis=1)
    compared = started & ~np.isnan(steps)
    return np.sqrt(_ratio(error, _ratio(_sum(steps**2, compared), compared.sum(axis=1))))


def pinball_loss(actual: Floats, quantile: Floats, probability: float) -> Floats:
    """Return the mean pinball loss of each item's forecast of a quantile.

    Parameters
    ----------
    actual : items x points, units.
    quantile : items x points, units: the forecast that demand stays at or below with this probability.
    probability : fraction, between 0 and 1.

    Returns
    -------
    Array of items, units, >= 0; NaN where nothing was scored.

    Source: Koenker & Bassett, Econometrica 46 (1978) 33-50.
    """
    scored = _scored(actual, quantile)
    short = actual - quantile
    return _ratio(_sum(np.maximum(probability * short, (probability - 1) * short), scored), scored.sum(axis=1))


def interval_hit_rate(actual: Floats, low: Floats, high: Floats) -> Floats:
    """Return how often each item's demand lay within an interval, its ends included.

    Parameters
    ----------
    actual, low, high : items x points, units.

    Returns
    -------
    Array of items, fraction; NaN where nothing was scored.
    """
    scored = _scored(actual, low) & ~np.isnan(high)
    return _ratio(_sum((low <= actual) & (actual <= high), scored), scored.sum(axis=1))


def randomised_hit_rate(actual: Floats, quantile: Floats, seed: int) -> Floats:
    """Return how often each item's demand stayed below a quantile, a tie counting a random share.

    Counts fall on the quantile itself so often that even a perfect forecast holds more than it says; each tie
    counts a uniform draw instead of one.

    Parameters
    ----------
    actual, quantile : items x points, units.
    seed : of the draws.

    Returns
    -------
    Array of items, fraction; NaN where nothing was scored.

    Source: Czado, Gneiting & Held, Biometrics 65 (2009) 1254-1261 (the randomised probability transform).
    """
    scored = _scored(actual, quantile)
    ties = np.random.default_rng(seed).uniform(size=actual.shape)
    return _ratio(_sum(np.where(actual == quantile, ties, actual < quantile), scored), scored.sum(axis=1))


def _scored(actual: Floats, forecast: Floats) -> NDArray[np.bool_]:
    return ~(np.isnan(actual) | np.isnan(forecast))


def _sum(values: NDArray[np.generic], counted: NDArray[np.bool_]) -> Floats:
    total: Floats = np.where(counted, values, 0.0).sum(axis=1)
    return total


def _ratio(numerator: NDArray[np.generic], denominator: NDArray[np.generic]) -> Floats:
    """Quotient by item, NaN where the denominator is not positive."""
    quotient = np.full(len(numerator), np.nan)
    np.divide(numerator, denominator, out=quotient, where=np.asarray(denominator) > 0)
    return quotient
