"""Which models forecast which items: shares of the family by demand class, and who may differ.

What is minimised is the squared error of cumulative demand over each item's own lead time + review, on past
mornings that are not used for reporting. One item's mornings are few, so the shares are learned class by class
and drawn to those of all items; a single item differs only where it wins beyond its noise.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from scipy import optimize

from planning.fits import Fits
from planning.params import Params
from planning.past import Choice, Past, interval_buckets, library_forecasts, overlap

CANDIDATES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "smooth": ("SESOptimized", "WindowAverage13", "WindowAverage52", "SES0.1", "Combination"),
        "erratic": ("SESOptimized", "WindowAverage13", "WindowAverage52", "SES0.1", "Combination"),
        "intermittent": ("CrostonSBA", "TSB", "WindowAverage52", "SES0.05", "Combination"),
        "lumpy": ("CrostonSBA", "TSB", "WindowAverage52", "SES0.05", "Combination"),
        "none": ("WindowAverage52",),
    }
)
COMBINATION = "Combination"
REPORTED = 2
"""Origins, the newest, that are kept for reporting and never used to choose a model."""
JUDGED_SHARE = 0.4
"""Share of the other origins, the newer ones, on which candidates are compared; shares are learned on the older."""
SIZE_POWER = 1.5
"""Variance of demand goes with about this power of its mean, across items."""
MOST_RATIO = 25.0
"""A squared error beyond this many times the usual counts as this: one spike shall not choose for all."""
MOST_OF_DEMAND = 4.0
"""So does one beyond this many times the squared demand, where that is more: in a small unit all errors are large."""
POOLED_POINTS = 200.0
"""What the shares of all items weigh in those of a class, in scored points."""
EQUAL_POINTS = 20.0
"""What equal shares weigh in those of all items."""
BEYOND_NOISE = 3.0
"""Standard errors by which one item's own model must win; there are a dozen to pick from."""
CLASS_BEYOND_NOISE = 2.0
"""Standard errors by which a single model must win over the combination, for a class to take it."""
LEAST_ORIGINS = 8
LEAST_ROWS = 10
MIXED = 0.5
"""Share of a model of the library beside the family."""
_CHUNK = 4096

Normal = tuple[np.ndarray, np.ndarray, float]
"""The sums that least squares needs: X'X, X'y and the number of points."""


@dataclass(frozen=True)
class _Scored:
    """Points of all rows, each divided by the usual spread of its row; none of what is kept for reporting.

    actual, naive : (n, K); forecast : of each member, (n, M, K); NaN where not scored.
    usual : what a row's errors are divided by, (n,).
    most : what a squared error counts at most, (n,).
    """

    actual: np.ndarray
    forecast: np.ndarray
    naive: np.ndarray
    usual: np.ndarray
    most: np.ndarray


def choose_models(fits: Fits, interval_days: np.ndarray, params: Params, past: Past | None = None) -> Choice:
    """Return which models forecast each item-location.

    Parameters
    ----------
    interval_days : lead time + review of each row, (n,).
    """
    n, members = len(fits.keys), fits.members
    if params.forecast_model in members:
        return _only(fits, params.forecast_model, "chosen by hand")
    if not n or not fits.periods or not len(fits.origins):
        return _only(fits, "WindowAverage52", "too little history to compare models")
    past = past or Past(fits)
    horizons = interval_buckets(fits, interval_days)
    scored = _score(fits, past, horizons)
    learn, judge = _split(scored.actual)
    weights = np.zeros((n, len(members)))
    name, reason = np.full(n, COMBINATION, "U60"), np.full(n, "", "U160")
    rivals: list[Mapping[str, object]] = []
    # SBA forecasts less than the mean on purpose: it takes evidence to be part of a combination.
    equal = np.array([member != "CrostonSBA" for member in members]) / (len(members) - 1)
    kinds = np.unique(fits.demand_class)
    learned, judged = ([_normal(scored, fits.demand_class == kind, part) for kind in kinds] for part in (learn, judge))
    older, everybody = _sum(learned), _sum([*learned, *judged])
    for kind, mine, newer in zip(kinds, learned, judged, strict=True):
        rows = fits.demand_class == kind
        trial = _shares(mine, older, equal)
        candidates = {COMBINATION: trial} | {
            m: np.eye(len(members))[members.index(m)] for m in CANDIDATES[str(kind)] if m in members
        }
        rowwise = {m: _errors(scored, rows, judge, w) for m, w in candidates.items()}
        scores = {m: float(each.mean()) if len(each) else np.inf for m, each in rowwise.items()}
        best = _best(rowwise, params)
        final = _shares(_sum([mine, newer]), everybody, equal) if best == COMBINATION else candidates[best]
        weights[rows], name[rows] = final, best
        naive = _naive_error(scored, rows, judge)
        reason[rows] = _why(best, scores, naive, str(kind))
        rivals += _told(str(kind), scores, naive, best, dict(zip(members, final, strict=True)))
    choice = Choice(weights, np.zeros(n), np.zeros(n, int), name, reason, tuple(rivals))
    choice = _own_winners(fits, scored, horizons, learn | judge, choice) if params.forecast_model == "auto" else choice
    return _with_library(fits, past, scored, horizons, learn | judge, choice, params)


def _only(fits: Fits, model: str, why: str) -> Choice:
    n = len(fits.keys)
    weights = np.zeros((n, len(fits.members)))
    weights[:, fits.members.index(model)] = 1
    return Choice(weights, np.zeros(n), np.zeros(n, int), np.full(n, model, "U60"), np.full(n, why, "U160"))


def _score(fits: Fits, past: Past, horizons: np.ndarray) -> _Scored:
    n, k = len(horizons), len(fits.origins)
    usual, most = np.full((2, n), np.nan)
    actual, naive = np.full((2, n, k), np.nan)
    forecast = np.full((n, len(fits.members), k), np.nan, np.float32)
    for h in np.unique(horizons):
        rows = np.flatnonzero(horizons == h)
        window = past.window(int(h))
        usable = np.flatnonzero(~np.isnan(window.sold[rows]).all(axis=0))
        kept = usable[: report_count(len(usable))]
        before = slice(fits.origins[kept[-1]] if len(kept) else None)
        demand = fits.demand[rows, before]
        size = _mean(demand) * h
        usual[rows] = np.where(size > 0, np.maximum(size, 0.3) ** (SIZE_POWER / 2), np.nan)
        without_extremes = _mean(np.where(fits.outlier[rows, before], np.nan, demand)) * h
        most[rows] = np.fmax(MOST_RATIO, MOST_OF_DEMAND * (without_extremes / usual[rows]) ** 2)
        actual[rows] = (window.sold * window.scale)[rows] / usual[rows, None]
        actual[rows[:, None], kept] = np.nan
        # Of the known buckets alone, as the forecasts of the members.
        naive[rows] = (past.naive(int(h)) / window.scale)[rows] / usual[rows, None]
        for a in range(0, len(rows), _CHUNK):
            some = rows[a : a + _CHUNK]
            level = fits.levels[some, :, :-1].astype(float)
            forecast[some] = level * ((window.expected * window.scale)[some] / usual[some, None])[:, None, :]
    actual[np.isnan(forecast).any(axis=1)] = np.nan
    return _Scored(actual, forecast, naive, usual, most)


def _mean(demand: np.ndarray) -> np.ndarray:
    return np.asarray(np.nan_to_num(demand).sum(axis=1) / np.maximum((~np.isnan(demand)).sum(axis=1), 1))


def _split(actual: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return which origins shares are learned on, and on which candidates are judged."""
    k = actual.shape[1]
    rest = np.flatnonzero(~np.isnan(actual).all(axis=0))
    learn, judge = np.zeros((2, k), bool)
    judged = round(JUDGED_SHARE * len(rest))
    judge[rest[:judged]], learn[rest[judged:]] = True, True
    return learn, judge


def report_count(usable: int) -> int:
    """Return how many of the usable origins, the newest, are kept for reporting."""
    return 0 if usable < LEAST_ORIGINS else REPORTED


def _sum(parts: Sequence[Normal]) -> Normal:
    """Add up the sums of parts that have no point in common."""
    grams, moments, points = zip(*parts, strict=True)
    return np.sum(grams, axis=0), np.sum(moments, axis=0), float(sum(points))


def _normal(scored: _Scored, rows: np.ndarray, columns: np.ndarray) -> Normal:
    """Return the sums that least squares needs: X'X, X'y and the number of points."""
    at, m = np.flatnonzero(rows), scored.forecast.shape[1]
    gram, moment, points = np.zeros((m, m)), np.zeros(m), 0.0
    for a in range(0, len(at), _CHUNK):
        some = at[a : a + _CHUNK]
        y = scored.actual[some][:, columns]
        told = ~np.isnan(y)
        x = scored.forecast[some][:, :, columns].transpose(0, 2, 1)[told].astype(float)
        y = y[told]
        # A point far off counts less, so that one spike does not choose for a class.
        far = ((y[:, None] - x) ** 2).max(axis=1)
        most = np.broadcast_to(scored.most[some, None], told.shape)[told]
        weight = np.minimum(1.0, most / np.maximum(far, 1e-12))
        gram += (x * weight[:, None]).T @ x
        moment += (x * weight[:, None]).T @ y
        points += len(y)
    return gram, moment, points


def _shares(own: Normal, pooled: Normal, equal: np.ndarray) -> np.ndarray:
    """Return the shares, none negative, adding up to 1, that err least, drawn to those of all items and to `equal`."""
    gram, moment, points = own
    m = len(moment)
    all_gram, all_moment, all_points = pooled
    if all_points <= 0 or np.trace(all_gram) <= 0:
        return equal
    each = EQUAL_POINTS * np.trace(all_gram) / all_points / m
    weight = POOLED_POINTS / (all_points + EQUAL_POINTS)
    left = gram + weight * (all_gram + each * np.eye(m))
    right = moment + weight * (all_moment + each * equal)
    # Adding up to one: a row that outweighs all others.
    heavy = 1e4 * np.trace(left) / m
    root = np.linalg.cholesky(left + heavy * np.ones((m, m)) + 1e-9 * np.trace(left) / m * np.eye(m))
    target = np.linalg.solve(root, right + heavy)
    shares, _ = optimize.nnls(root.T, target)
    shares = np.where(shares < 0.005, 0.0, shares)
    return np.asarray(shares / shares.sum())


def _errors(scored: _Scored, rows: np.ndarray, columns: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the mean squared error of these shares for each row that has one, in units of the usual spread."""
    at = np.flatnonzero(rows)
    forecast = np.einsum("m,nmk->nk", weights, np.nan_to_num(scored.forecast[at][:, :, columns]))
    return _row_means(scored, at, scored.actual[at][:, columns] - forecast)


def _row_means(scored: _Scored, at: np.ndarray, error: np.ndarray) -> np.ndarray:
    squared = np.minimum(error**2, scored.most[at, None])
    points = (~np.isnan(squared)).sum(axis=1)
    return np.asarray(np.nansum(squared, axis=1)[points > 0] / points[points > 0])


def _naive_error(scored: _Scored, rows: np.ndarray, columns: np.ndarray) -> float:
    at = np.flatnonzero(rows)
    each = _row_means(scored, at, (scored.actual[at] - scored.naive[at])[:, columns])
    return float(each.mean()) if len(each) else np.inf


def _best(rowwise: Mapping[str, np.ndarray], params: Params) -> str:
    """Return the combination, or a single model that errs less beyond its noise."""
    combined = rowwise[COMBINATION]
    if params.forecast_model == COMBINATION or len(combined) < LEAST_ROWS:
        return COMBINATION
    wins = {}
    for name, each in rowwise.items():
        gain = combined - each
        noise = gain.std(ddof=1) / np.sqrt(len(gain))
        if noise > 0 and gain.mean() > CLASS_BEYOND_NOISE * noise:
            wins[name] = float(gain.mean())
    return max(wins, key=lambda name: wins[name]) if wins else COMBINATION


def _why(best: str, scores: Mapping[str, float], naive: float, kind: str) -> str:
    others = {m: s for m, s in scores.items() if m != best and np.isfinite(s)}
    if not others or not np.isfinite(scores[best]):
        return "too little history to compare models"
    second = min(others, key=lambda name: others[name])
    less = 1 - scores[best] / others[second] if others[second] > 0 else 0.0
    if less < 0:
        text = f"for {kind} demand no single model errs less over lead time + review beyond its noise"
    else:
        text = f"errs least for {kind} demand over lead time + review: {less:.1%} less squared error than {second}"
    return text + (f", {1 - scores[best] / naive:.0%} less than the naive forecast" if 0 < naive < np.inf else "")


def _told(
    kind: str, scores: Mapping[str, float], naive: float, best: str, shares: Mapping[str, float]
) -> list[Mapping[str, object]]:
    scale = naive if 0 < naive < np.inf else np.nan
    names = list(scores) + [m for m, share in shares.items() if share > 0 and m not in scores]
    return [
        {
            "demand_class": kind,
            "model": name,
            "score": scores.get(name, np.nan) / scale,
            "weight": float(shares.get(name, 0.0)),
            "chosen": name == best,
            "reason": _place(name, best, scores, shares),
        }
        for name in names
    ]


def _place(name: str, best: str, scores: Mapping[str, float], shares: Mapping[str, float]) -> str:
    if name == best:
        return "chosen"
    if name not in scores:
        return "part of the combination"
    more = scores[name] / scores[best] - 1 if np.isfinite(scores[name]) and scores.get(best, 0) > 0 else np.nan
    told = f"{more:+.1%} squared error" if np.isfinite(more) else "not compared: too little history"
    return told + (", part of the combination" if shares.get(name, 0) > 0 and best == COMBINATION else "")


def _own_winners(fits: Fits, scored: _Scored, horizons: np.ndarray, columns: np.ndarray, choice: Choice) -> Choice:
    """Let an item have a member of its own where that wins beyond the noise of its few origins."""
    weights, name, reason = choice.weights.copy(), choice.name.copy(), choice.reason.copy()
    # Neighbouring origins tell of the same demand: so many of them count as one.
    together = np.array([overlap(int(h), fits) for h in horizons])
    for a in range(0, len(name), _CHUNK):
        rows = slice(a, a + _CHUNK)
        actual, forecast = scored.actual[rows][:, columns], scored.forecast[rows][:, :, columns]
        chosen = np.einsum("nm,nmk->nk", weights[rows], np.nan_to_num(forecast))
        gain = ((actual - chosen) ** 2)[:, None, :] - (actual[:, None, :] - forecast) ** 2
        count = (~np.isnan(gain)).sum(axis=2)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.where(count > 0, np.nansum(gain, axis=2) / count, 0.0)
            variance = np.nansum((gain - mean[..., None]) ** 2, axis=2) / np.maximum(count - 1, 1)
            spread = np.sqrt(variance / count * together[rows, None])
            ratio = np.where((count >= LEAST_ORIGINS) & (spread > 0), mean / spread, 0.0)
        best = ratio.argmax(axis=1)
        wins = np.flatnonzero(ratio[np.arange(len(best)), best] > BEYOND_NOISE)
        at = a + wins
        weights[at] = np.eye(weights.shape[1])[best[wins]]
        name[at] = np.array(fits.members)[best[wins]]
        reason[at] = "errs less for this item than what its class takes, beyond its noise"
    return replace(choice, weights=weights, name=name, reason=reason)


def _with_library(
    fits: Fits,
    past: Past,
    scored: _Scored,
    horizons: np.ndarray,
    columns: np.ndarray,
    choice: Choice,
    params: Params,
) -> Choice:
    """Mix in a model of the library for the rows that have it, where that errs less, class by class."""
    library = fits.library
    asked = params.forecast_model in library.models
    if params.forecast_model not in ("auto", *library.models) or not len(library.rows):
        return choice
    share, model = choice.library.copy(), choice.library_model.copy()
    name, reason = choice.name.copy(), choice.reason.copy()
    rivals = list(choice.rivals)
    kinds = fits.demand_class[library.rows]
    for kind in np.unique(kinds):
        rows = library.rows[kinds == kind]
        own = np.einsum("nm,nmk->nk", choice.weights[rows], np.nan_to_num(scored.forecast[rows]))
        base = (scored.actual[rows] - own) ** 2
        found: dict[tuple[int, float], float] = {}
        for x, label in enumerate(library.models):
            fitted = np.full(own.shape, np.nan)
            for h in np.unique(horizons[rows]):
                some = horizons[rows] == h
                scale = past.window(int(h)).scale[rows[some]] / scored.usual[rows[some], None]
                fitted[some] = library_forecasts(past, rows[some], np.full(int(some.sum()), x), int(h)) * scale
            for part in (1.0, MIXED):
                error = (scored.actual[rows] - (1 - part) * own - part * fitted) ** 2
                most = scored.most[rows, None]
                gain = (np.minimum(base, most) - np.minimum(error, most))[:, columns]
                points = (~np.isnan(gain)).sum(axis=1)
                counted = points > 0
                each = np.nansum(gain, axis=1) / np.maximum(points, 1)
                if counted.sum() < LEAST_ROWS:
                    continue
                noise = each[counted].std(ddof=1) / np.sqrt(counted.sum())
                found[(x, part)] = float(each[counted].mean() - noise)
            if asked and label == params.forecast_model:
                found = {(x, 1.0): np.inf}
                break
        best = max(found, key=lambda key: found[key]) if found else None
        if best is None or found[best] <= 0:
            continue
        x, part = best
        usable = np.isfinite(library.paths[kinds == kind, x, -1]).all(axis=1)
        at = rows[usable]
        share[at], model[at] = part, x
        label = library.models[x]
        name[at] = label if part == 1 else [f"{label} + {other}" for other in name[at]]
        reason[at] = "chosen by hand" if asked else f"errs less beyond its noise for the {kind} items it was fitted to"
        rivals.append(
            {
                "demand_class": str(kind),
                "model": label,
                "score": np.nan,
                "weight": part,
                "chosen": True,
                "reason": f"mixed in for {len(at):,} items",
            }
        )
    return replace(choice, library=share, library_model=model, name=name, reason=reason, rivals=tuple(rivals))
