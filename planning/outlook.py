"""What demand is expected by bucket, and how far past forecasts were off."""

import numpy as np
import pandas as pd
from scipy import special

from planning import accuracy
from planning.calibration import chances, hit_share
from planning.distribution import Calibration, CumulativeDemand, quantile_table
from planning.fits import Fits
from planning.network import Network
from planning.past import Choice, Past, interval_buckets, overlap
from planning.reason_codes import REASON_CODES
from planning.spread import HeldOut, Kin, errors, held_out, kin_at, pooled_errors, usable_origins

QUANTILES = (0.50, 0.80, 0.90, 0.95)
HELD = (0.80, 0.90, 0.95, 0.98)
NOMINAL = (0.50, 0.80, 0.90, 0.95, 0.98)
SHORTAGE_LEVEL = 0.95
MEASURES = (
    "wape",
    "bias",
    "rmsse",
    "naive_wape",
    "mean13_wape",
    "demand_units",
    "error_units",
    "bias_units",
    "naive_error_units",
    "mean13_error_units",
    "pinball_95_units",
    "naive_pinball_95_units",
)
DRIFT_ORIGINS = 8
LEAST_DRIFT = 4
"""Independent mornings that a drift takes to be seen."""
DRIFT_CHANCE = 0.995
"""One steady line in a hundred may look as if it drifted."""
YEAR_DAYS = 365
OWN_SALES = ("NO_HISTORY", "NO_DEMAND", "ONE_SALE")
"""Reasons that say nothing of a location that feeds others."""


def forecast_table(fits: Fits, keys: pd.DataFrame, demand: CumulativeDemand) -> pd.DataFrame:
    """Return mean and quantiles of demand in each bucket of the horizon, one row an item, location and bucket."""
    length = fits.calendar.bucket_days
    buckets = max(1, demand.days // length)
    edges = np.arange(buckets + 1) * length
    mean = np.diff(demand.mean[:, edges], axis=1)
    # A bucket on its own is as uncertain as the first with any demand, in proportion: what cumulative demand is more
    # uncertain than that comes from what the buckets have in common.
    at = edges[1:][(demand.mean[:, edges[1:]] > 0).argmax(axis=1)][:, None]
    total, spread = (np.take_along_axis(values, at, axis=1) for values in (demand.mean, demand.variance))
    first = spread / np.maximum(total, 1e-9) ** 2
    variance = first * mean**2
    least = np.where(demand.whole[:, None] & (first > 0), mean, 0.0)
    variance = np.maximum(variance, least)
    rows = np.repeat(np.arange(len(mean)), buckets)
    out = pd.DataFrame({name: np.repeat(keys[name].to_numpy(), buckets) for name in ("item_id", "location_id")})
    out["starts_on"] = np.tile(pd.to_datetime(fits.calendar.future_starts(buckets)), len(mean))
    out["mean"] = mean.ravel()
    found = demand.quantiles(np.array(QUANTILES), mean.ravel(), variance.ravel(), rows)
    for q, values in zip(QUANTILES, found.T, strict=True):
        out[f"q{q * 100:.0f}"] = values
    return out


def accuracy_tables(
    past: Past,
    network: Network,
    choice: Choice,
    interval_days: np.ndarray,
    demand: CumulativeDemand,
    unit_cost: np.ndarray,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return errors over lead time + review by line, and how often quantiles held by demand class.

    All at the newest origins, which served neither for the choice of models nor for the spread or its calibration.
    Sums over lines may be made of the columns in units and of `held_*` and `scored`.

    Parameters
    ----------
    unit_cost : money, NaN where unknown, (n,).
    """
    fits = past.fits
    n = len(fits.keys)
    classes = np.where(network.feeds, "pooled", fits.demand_class)
    horizon = interval_buckets(fits, interval_days)
    out = {name: np.full(n, np.nan) for name in MEASURES} | {f"held_{q * 100:.0f}": np.full(n, np.nan) for q in HELD}
    out["scored"] = np.zeros(n)
    drift = np.full(n, "", "U5")
    hits: list[pd.DataFrame] = []
    for h in np.unique(horizon):
        rows = np.flatnonzero(horizon == h)
        error, forecast = (a[rows] for a in errors(past, network, choice, int(h)))
        newest, older = usable_origins(error)
        if not len(newest):
            # All of a short history served for the choice: it cannot judge it, too.
            continue
        then = kin_at(fits, network, int(fits.origins[newest[-1]])).take(rows)
        drift[rows] = _drift(error, overlap(int(h), fits))
        spread = overlap(int(h), fits)
        told = held_out(forecast, error, older, newest, then, demand.whole[rows], spread)
        _score(out, rows, told, error[:, newest])
        off = [_errors_of_naive(past, network, choice, int(h), b)[rows] for b in (None, 91 // _days(fits))]
        _against_simple(out, rows, off, forecast + error, older, newest, then, demand.whole[rows], spread)
        hits.append(_held(out, rows, told, demand, classes))
    _scale(out, fits, past, network, choice)
    days = horizon * _days(fits)
    with np.errstate(invalid="ignore", divide="ignore"):
        out["error_value"] = out["error_units"] / out["scored"] * unit_cost * YEAR_DAYS / days
    table = network.keys[["item_id", "location_id"]].assign(horizon_days=days, **out, drift=drift)
    # Nobody buys at a location that only feeds others: it is planned for what these sell.
    codes = np.where(network.feeds & np.isin(fits.reason, OWN_SALES), "", fits.reason)
    table["reason_code"] = codes
    table["reason"] = [REASON_CODES.get(str(code), "") for code in codes]
    return table.reset_index(drop=True), _calibration_table(hits)


def _errors_of_naive(past: Past, network: Network, choice: Choice, horizon: int, buckets: int | None) -> np.ndarray:
    """Return what the mean of the last `buckets` was off by, scaled as in `planning.spread.errors`, (n, K)."""
    window = past.window(horizon)
    off = window.sold * window.scale - past.naive(horizon, buckets) / window.scale
    if not network.feeds.any():
        return np.asarray(off)
    return np.where(network.feeds[:, None], pooled_errors(off, past.fits, choice, network.pool), off)


def _days(fits: Fits) -> int:
    return fits.calendar.bucket_days


def _score(out: dict[str, np.ndarray], rows: np.ndarray, told: HeldOut, error: np.ndarray) -> None:
    actual = np.where(np.isnan(error), np.nan, told.mean + error)
    out["scored"][rows] = (~np.isnan(error)).sum(axis=1)
    out["wape"][rows], out["bias"][rows] = accuracy.wape(actual, told.mean), accuracy.bias(actual, told.mean)
    out["demand_units"][rows] = _sum(actual)
    out["error_units"][rows] = _sum(np.abs(error))
    out["bias_units"][rows] = _sum(-error)
    out["pinball_95_units"][rows] = _pinball(actual, told)


def _against_simple(
    out: dict[str, np.ndarray],
    rows: np.ndarray,
    off: list[np.ndarray],
    actual: np.ndarray,
    older: np.ndarray,
    newest: np.ndarray,
    kin: Kin,
    whole: np.ndarray,
    spread: float,
) -> None:
    """Score "as much as last time" and the mean of 13 weeks at the same origins, with spreads of their own."""
    part = actual[:, newest]
    for name, error in zip(("naive", "mean13"), off, strict=True):
        other = actual - error
        out[f"{name}_wape"][rows] = accuracy.wape(part, other[:, newest])
        out[f"{name}_error_units"][rows] = _sum(np.abs(error[:, newest]))
    told = held_out(actual - off[0], off[0], older, newest, kin, whole, spread)
    out["naive_pinball_95_units"][rows] = _pinball(part, told)


def _pinball(actual: np.ndarray, told: HeldOut) -> np.ndarray:
    """Pinball loss of the 95 % quantile, of a gamma without calibration, so that all forecasts are judged alike."""
    mean, variance = (np.nan_to_num(a).ravel() for a in (told.mean, told.variance))
    level = quantile_table(np.array([SHORTAGE_LEVEL]), mean, variance, np.zeros(mean.size, bool))
    short = actual - level.reshape(told.mean.shape)
    return _sum(np.maximum(SHORTAGE_LEVEL * short, (SHORTAGE_LEVEL - 1) * short))


def _held(
    out: dict[str, np.ndarray], rows: np.ndarray, told: HeldOut, demand: CumulativeDemand, classes: np.ndarray
) -> pd.DataFrame:
    whole = demand.whole[rows][:, None]
    usable = np.isfinite(told.actual) & (told.mean > 0)
    actual, mean, variance = (np.where(usable, a, 1.0) for a in (told.actual, told.mean, told.variance))
    both = chances(actual, mean, variance, whole)
    lower, upper = (_calibrated(demand.calibration, rows, p) for p in both)
    unknown = np.where(usable, 0.0, np.nan)
    share = {q: hit_share(unknown, lower, upper, q) for q in sorted({*HELD, *NOMINAL})}
    for q in HELD:
        out[f"held_{q * 100:.0f}"][rows] = _sum(share[q])
    return pd.DataFrame(
        {
            "demand_class": np.tile(classes[rows], len(NOMINAL)),
            "nominal": np.repeat(NOMINAL, len(rows)),
            "held": np.concatenate([np.nansum(share[q], axis=1) for q in NOMINAL]),
            "points": np.tile(usable.sum(axis=1), len(NOMINAL)),
        }
    )


def _calibrated(calibration: Calibration | None, rows: np.ndarray, p: np.ndarray) -> np.ndarray:
    if calibration is None:
        return p
    return Calibration(calibration.code[rows], calibration.realised).holds(p)


def _calibration_table(hits: list[pd.DataFrame]) -> pd.DataFrame:
    """How often demand stayed within its quantiles: demand_class ("all" too), nominal, realised, points."""
    columns = ["demand_class", "nominal", "realised", "points"]
    if not hits:
        return pd.DataFrame(columns=columns)
    every = pd.concat(hits, ignore_index=True)
    every = pd.concat([every, every.assign(demand_class="all")], ignore_index=True)
    summed = every.groupby(["demand_class", "nominal"], as_index=False)[["held", "points"]].sum()
    summed = summed[summed["points"] > 0]
    return summed.assign(realised=summed["held"] / summed["points"])[columns].reset_index(drop=True)


def _drift(error: np.ndarray, spread: float) -> np.ndarray:
    """Say of each row whether its newest forecasts were all too high ("over") or too low ("under"), beyond noise.

    Overlapping mornings tell of the same demand: eight of them are worth 8 / spread, and Student's t asks for more
    of few.
    """
    usable = np.flatnonzero(~np.isnan(error).all(axis=0))[: int(np.ceil(DRIFT_ORIGINS * spread))]
    e = error[:, usable]
    count = (~np.isnan(e)).sum(axis=1)
    worth = count / spread
    mean = np.nansum(e, axis=1) / np.maximum(count, 1)
    sd = np.sqrt(np.nansum((e - mean[:, None]) ** 2, axis=1) / np.maximum(count - 1, 1))
    noise = sd / np.sqrt(np.maximum(worth, 1))
    limit = special.stdtrit(np.maximum(worth - 1, 1), DRIFT_CHANCE)
    found = (worth >= LEAST_DRIFT) & (noise > 0) & (np.abs(mean) > limit * noise)
    return np.where(found, np.where(mean < 0, "over", "under"), "")


def _scale(out: dict[str, np.ndarray], fits: Fits, past: Past, network: Network, choice: Choice) -> None:
    if not len(fits.origins):
        return
    error, forecast = errors(past, network, choice, 1)
    newest, _ = usable_origins(error)
    actual = np.where(np.isnan(error), np.nan, forecast + error)[:, newest]
    if len(newest):
        before = fits.demand[:, : fits.origins[newest[-1]]].astype(float)
        history = np.where(network.feeds[:, None], np.nan, before)
        out["rmsse"] = accuracy.rmsse(actual, forecast[:, newest], history)


def _sum(values: np.ndarray) -> np.ndarray:
    """Sum of the known, NaN where nothing is."""
    return np.asarray(np.where(np.isnan(values).all(axis=1), np.nan, np.nansum(values, axis=1)))


def rivals_table(choice: Choice) -> pd.DataFrame:
    """Return by demand class and model its score (1: the naive forecast), weight, whether chosen, and the reason."""
    columns = ["demand_class", "model", "score", "weight", "chosen", "reason"]
    if not choice.rivals:
        return pd.DataFrame(columns=columns)
    table = pd.DataFrame([dict(rival) for rival in choice.rivals])
    return table[columns]


def rivals_of(past: Past, network: Network, choice: Choice, row: int, interval_days: float) -> pd.DataFrame:
    """Return how each model did on one line: model, error and bias (share of demand), weight, chosen.

    Over the line's lead time + review, at all origins; the models of the library where they were fitted to it.
    """
    fits = past.fits
    h = int(interval_buckets(fits, np.array([interval_days]))[0])
    window = past.window(h)
    actual = (window.sold * window.scale)[row]
    level = fits.levels[row, :, :-1].astype(float)
    told = level * (window.expected * window.scale)[row]
    names, shares = list(fits.members), list(choice.weights[row] * (1 - choice.library[row]))
    error, forecast = errors(past, network, choice, h)
    rows = [(str(choice.name[row]), forecast[row] + error[row], forecast[row], np.nan, True)]
    rows += [(name, actual, one, share, False) for name, one, share in zip(names, told, shares, strict=True)]
    if network.feeds[row]:
        rows = rows[:1]
    out = []
    for name, wanted, one, share, chosen in rows:
        known = ~np.isnan(wanted) & ~np.isnan(one)
        total = wanted[known].sum()
        off = one[known] - wanted[known]
        error_, bias = (np.abs(off).sum() / total, off.sum() / total) if total > 0 else (np.nan, np.nan)
        out.append({"model": name, "error": error_, "bias": bias, "weight": share, "chosen": chosen})
    return pd.DataFrame(out)
