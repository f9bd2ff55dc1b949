"""What demand over an interval was after each past morning, and what a choice of models would have forecast."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from planning.fits import Fits

LEAST_KNOWN = 0.5
"""Share of an interval's buckets that must be known for its error to count."""


@dataclass(frozen=True)
class Choice:
    """Which models forecast each row, n rows, M family members.

    weights : share of each family member, adding up to 1, (n, M).
    library : share that a fitted model of the library has, the family's being the rest, (n,).
    library_model : which of `fits.library.models`, (n,).
    name : what planners call it, (n,).
    reason : why it was chosen, in words, (n,).
    rivals : by demand class and candidate, what it scored and whether it was chosen (see `planning.choice`).
    """

    weights: np.ndarray
    library: np.ndarray
    library_model: np.ndarray
    name: np.ndarray
    reason: np.ndarray
    rivals: tuple[Mapping[str, object], ...] = ()


@dataclass(frozen=True)
class Window:
    """Demand over `horizon` buckets from each origin, n rows, K origins.

    sold : units of the known buckets, (n, K); NaN where too few are known or the origin is too near the end.
    expected : sum of the index over the known buckets: a level times this is its forecast of `sold`, (n, K).
    scale : what an error is multiplied by for the buckets that are not known, (n, K).
    """

    horizon: int
    sold: np.ndarray
    expected: np.ndarray
    scale: np.ndarray


class Past:
    """Sums over the known past of the given rows, made once, for windows of any length."""

    def __init__(self, fits: Fits, rows: np.ndarray | slice = slice(None)) -> None:
        self.fits = fits
        self.rows = np.arange(len(fits.keys))[rows]
        demand = fits.demand[rows]
        known = ~np.isnan(demand)
        self._known, self._sold = _cumulative(known, np.int32), _cumulative(np.nan_to_num(demand))
        self._index: dict[int, tuple[int, np.ndarray, np.ndarray]] = {}
        for cut in np.unique(fits.cut):
            first = int(fits.origins[fits.cut == cut].min())
            columns = slice(first, fits.periods)
            index = fits.season.factors(int(cut), self.rows, columns) * fits.factor[rows, columns]
            self._index[int(cut)] = (first, _cumulative(np.where(known[:, columns], index, 0.0)), _cumulative(index))

    def window(self, horizon: int) -> Window:
        """Return demand over `horizon` buckets from each origin."""
        origins, periods = self.fits.origins, self.fits.periods
        shape = (len(self.rows), len(origins))
        sold, expected, scale = np.full((3, *shape), np.nan)
        for k, origin in enumerate(origins):
            if origin + horizon > periods:
                continue
            first, with_known, whole = self._index[int(self.fits.cut[k])]
            a, b = int(origin), int(origin) + horizon
            seen = self._known[:, b] - self._known[:, a]
            told = with_known[:, b - first] - with_known[:, a - first]
            all_of_it = whole[:, b - first] - whole[:, a - first]
            enough = seen >= LEAST_KNOWN * horizon
            sold[:, k] = np.where(enough, self._sold[:, b] - self._sold[:, a], np.nan)
            expected[:, k] = told
            with np.errstate(invalid="ignore", divide="ignore"):
                scale[:, k] = np.sqrt(np.where(told > 0, all_of_it / told, 1.0))
        return Window(horizon, sold, expected, scale)

    def naive(self, horizon: int, buckets: int | None = None) -> np.ndarray:
        """Return what the last `buckets` known before each origin would forecast over `horizon`, units, (n, K).

        None: as many as the horizon has, which is "as much as last time".
        """
        end = self.fits.origins
        start = np.maximum(end - (buckets or horizon), 0)
        seen = self._known[:, end] - self._known[:, start]
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(np.where(seen > 0, (self._sold[:, end] - self._sold[:, start]) / seen * horizon, np.nan))


def _cumulative(values: np.ndarray, kind: type = float) -> np.ndarray:
    out = np.zeros((len(values), values.shape[1] + 1), kind)
    np.cumsum(values, axis=1, out=out[:, 1:])
    return out


def forecasts(past: Past, choice: Choice, window: Window) -> np.ndarray:
    """Return what the choice would have forecast of the known buckets of each window, units, (n, K).

    A row whose choice has a model of the library has a forecast only at the origins where that was fitted.
    """
    fits, rows = past.fits, past.rows
    level = np.einsum("nm,nmk->nk", choice.weights[rows], np.nan_to_num(fits.levels[rows, :, :-1]))
    level = np.where(np.isnan(fits.levels[rows, 0, :-1]), np.nan, level)
    out = level * window.expected
    some = np.flatnonzero(choice.library[rows] > 0)
    if len(some):
        share = choice.library[rows[some]][:, None]
        fitted = library_forecasts(past, rows[some], choice.library_model[rows[some]], window.horizon)
        out[some] = (1 - share) * out[some] + share * fitted
    return np.asarray(out)


def library_forecasts(past: Past, rows: np.ndarray, model: np.ndarray, horizon: int) -> np.ndarray:
    """Return the forecast of the known buckets of each window by a model of the library, units, (rows, K)."""
    fits = past.fits
    library, periods = fits.library, fits.periods
    out = np.full((len(rows), len(fits.origins)), np.nan)
    at = {int(row): place for place, row in enumerate(library.rows)}
    where = np.array([at.get(int(row), -1) for row in rows], int)
    for column, k in enumerate(library.columns):
        a = int(fits.origins[k])
        if a + horizon > periods or horizon > library.paths.shape[3]:
            continue
        span = slice(a, a + horizon)
        index = fits.season.factors(int(fits.cut[k]), rows, span) * fits.factor[rows, span]
        known = ~np.isnan(fits.demand[rows, span])
        path = library.paths[where, model, column, :horizon].astype(float)
        out[:, k] = np.where(where >= 0, np.where(known, path * index, 0.0).sum(axis=1), np.nan)
    return out


def cumulative_errors(
    fits: Fits, choice: Choice, horizon: int, past: Past | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return error (actual - forecast) and actual of cumulative demand over `horizon` buckets at each origin.

    Unknown buckets add nothing; the error is scaled up for them, and is NaN where most are unknown.

    Returns
    -------
    Two arrays (rows, K), units; NaN where the origin is too near the end of the history.
    """
    past = past or Past(fits)
    window = past.window(horizon)
    return (window.sold - forecasts(past, choice, window)) * window.scale, window.sold


def interval_buckets(fits: Fits, interval_days: np.ndarray) -> np.ndarray:
    """Return each interval in whole buckets, no longer than a third of the history can tell."""
    longest = max(1, fits.periods // 3)
    return np.clip(np.round(interval_days / fits.calendar.bucket_days), 1, longest).astype(int)


def overlap(horizon: int, fits: Fits) -> float:
    """Return how many neighbouring origins tell of the same demand."""
    step = int(fits.origins[0] - fits.origins[1]) if len(fits.origins) > 1 else 1
    return 1 + (horizon - 1) / step
