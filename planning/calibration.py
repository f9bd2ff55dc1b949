"""Do the quantiles hold? Measured on past mornings that the spread was not learned from, and put right by class."""

import numpy as np

from planning.distribution import LEVELS, Calibration, cdf

PRIOR_ROWS = 30.0
"""Rows that say the law is right as it is."""
MOST_ROWS = 800
"""Rows of a class that are looked at; more would tell no more."""
STEEPEST = 0.002
"""Least share of demand between two neighbouring levels: a map that stands still could not be read backwards."""


def hit_share(actual: np.ndarray, lower: np.ndarray, upper: np.ndarray, level: float) -> np.ndarray:
    """Return how far each actual counts as within the quantile at `level`: 1, 0, or of a tie its share.

    A count often falls on the quantile itself; it then counts as the share of its own chance that lies below the
    level, which is what randomised coverage has on average. NaN where the actual is unknown. Arrays broadcast.

    Parameters
    ----------
    lower, upper : P(demand < actual) and P(demand <= actual).

    Source: Czado, Gneiting & Held, Biometrics 65 (2009) 1254-1261.
    """
    # A count of next to no chance at all overflows to inf, and is clipped like any other.
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        share = np.where(upper > lower, np.clip((level - lower) / (upper - lower), 0, 1), upper <= level)
    return np.where(np.isnan(actual), np.nan, share)


def chances(
    actual: np.ndarray, mean: np.ndarray, variance: np.ndarray, whole: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return P(demand < actual) and P(demand <= actual); the same for measured goods. Arrays broadcast."""
    upper = cdf(actual, mean, variance, whole)
    below = np.where(actual > 0, cdf(np.maximum(actual - 1, 0), mean, variance, whole), 0.0)
    return np.where(whole, below, upper), upper


def calibrate(
    actual: np.ndarray,
    mean: np.ndarray,
    variance: np.ndarray,
    whole: np.ndarray,
    classes: np.ndarray,
    overlap: float,
    today: np.ndarray | None = None,
) -> Calibration:
    """Return how often the quantiles of each class held, drawn to what the law says by how much mornings disagree.

    Items share good and bad times, so what counts is not how many there are, but whether one morning after the other
    says the same: of the squared miss, what disagreement explains is taken off (positive-part James-Stein).

    Parameters
    ----------
    actual, mean, variance : cumulative demand at mornings that the variance was not learned from, (n, K).
    whole : whether demand is in whole units, (n,).
    classes : rows of one class share a map, (n,).
    overlap : how many neighbouring mornings tell of the same demand.
    today : classes of the rows today, where those are not what was known on the mornings, (n,).
    """
    names, code = np.unique(classes, return_inverse=True)
    usable = np.isfinite(actual) & (mean > 0) & (variance > 0)
    realised = np.tile(LEVELS, (len(names), 1))
    for k in range(len(names)):
        rows = np.flatnonzero((code == k) & usable.any(axis=1))
        if not len(rows):
            continue
        some = rows[:: -(-len(rows) // MOST_ROWS)]
        told, y = usable[some], actual[some]
        lower, upper = chances(
            np.where(told, y, 0), np.where(told, mean[some], 1), np.where(told, variance[some], 1), whole[some, None]
        )
        told = told[:, told.any(axis=0)]
        columns = usable[some].any(axis=0)
        held = np.array([hit_share(np.where(usable[some], y, np.nan), lower, upper, p)[:, columns] for p in LEVELS])
        by_morning = np.nansum(held, axis=1) / told.sum(axis=0)
        share = told.sum(axis=0) / told.sum()
        found = by_morning @ share
        trust = _trust(by_morning, found, share, overlap) * len(rows) / (len(rows) + PRIOR_ROWS)
        realised[k] = _ascending(trust * found + (1 - trust) * LEVELS)
    if today is None:
        return Calibration(code, realised)
    known = {name: k for k, name in enumerate(names)}
    # The last row is the law's own word, for a class that nothing was measured of.
    now = np.array([known.get(name, len(names)) for name in today], int)
    return Calibration(now, np.concatenate([realised, LEVELS[None, :]]))


def _trust(by_morning: np.ndarray, found: np.ndarray, share: np.ndarray, overlap: float) -> float:
    """Return how much of the miss is more than the disagreement between mornings, 0 to 1."""
    mornings = by_morning.shape[1] / overlap
    if mornings <= 1:
        return 0.0
    scale = LEVELS * (1 - LEVELS)
    noise = ((by_morning - found[:, None]) ** 2 @ share) / scale / (mornings - 1)
    miss = (found - LEVELS) ** 2 / scale
    return float(np.clip(1 - noise.sum() / max(miss.sum(), 1e-12), 0.0, 1.0))


def _ascending(held: np.ndarray) -> np.ndarray:
    """Return the shares strictly ascending within (0, 1)."""
    steps = np.maximum(np.diff(np.concatenate([[0.0], held, [1.0]])), STEEPEST)
    return np.asarray(np.cumsum(steps)[:-1] / steps.sum())
