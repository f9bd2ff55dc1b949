"""The smoothing family: every member's forecast from every past morning, for all items, in one pass over time.

What an exponential smoother or a moving mean forecasts from a morning *is* its state on that morning. So one
loop over time, over all items and constants at once, gives what refitting at each origin would give.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np

CHUNK = 1024
"""Items that run together: their states then stay in the processor's cache."""
SBA_CORRECTION = 0.95
SLOW = "WindowAverage52"
SHARE_WEIGHT = 10.0
"""Units of a year that the usual share of a location weighs."""
TREND_PRIOR = 20.0
"""Units a bucket that a category must sell for its trend to count half."""
TREND_LIMITS = (0.5, 2.0)


@dataclass(frozen=True)
class Member:
    """A member of the family.

    kind : ses (level), best (the ses of this family that erred least so far), tsb (size and chance of a demand),
        sba (size and interval), mean (of the last `days`), trend (what the category sells lately, in the item's share).
    alpha, beta : smoothing constants; of tsb the size's and the chance's.
    """

    name: str
    kind: Literal["ses", "best", "tsb", "sba", "mean", "trend"]
    alpha: float = 0.0
    beta: float = 0.0
    days: int = 0


def _family(alphas: Sequence[float], chances: Sequence[float], weeks: Sequence[int]) -> tuple[Member, ...]:
    return (
        Member("SESOptimized", "best"),
        *(Member(f"WindowAverage{n}", "mean", days=7 * n) for n in weeks),
        Member("CrostonSBA", "sba", 0.1),
        *(Member("TSB" if b == 0.1 else f"TSB{b:g}", "tsb", 0.1, b) for b in chances),
        *(Member(f"SES{a:g}", "ses", a) for a in alphas),
        Member("CategoryTrend", "trend"),
    )


FAMILY: Mapping[int, tuple[Member, ...]] = MappingProxyType(
    {
        7: _family((0.05, 0.1, 0.2, 0.3, 0.5), (0.1, 0.02), (8, 13, 26, 52)),
        1: _family((0.01, 0.02, 0.05, 0.1, 0.3), (0.1, 0.02), (8, 13, 26, 52)),
    }
)
"""The members by length of a bucket in days; the same names, so that a choice means the same in both."""


def family_levels(clean: np.ndarray, known: Sequence[int], members: Sequence[Member], bucket_days: int) -> np.ndarray:
    """Return what each member forecasts for the next bucket at each origin, units a bucket, (n, members, origins).

    Parameters
    ----------
    clean : deseasonalised demand by bucket, NaN where unknown, (n, T). An unknown bucket leaves a state as it is.
    known : how many buckets are known at each origin, in any order.
    members : whose levels are asked for; a `best` chooses among the `ses` of them.

    Returns
    -------
    Array, NaN before the first known bucket.

    Source: Hyndman & Athanasopoulos, Forecasting: Principles and Practice, 3rd ed., 8.1; Syntetos & Boylan,
    International Journal of Forecasting 21 (2005) 303-314 (SBA); Teunter, Syntetos & Babai, European Journal of
    Operational Research 214 (2011) 606-615 (TSB).
    """
    out = np.full((len(clean), len(members), len(known)), np.nan)
    for a in range(0, len(clean), CHUNK):
        out[a : a + CHUNK] = _chunk(clean[a : a + CHUNK], np.asarray(known, int), members, bucket_days)
    return out


def _chunk(clean: np.ndarray, known: np.ndarray, members: Sequence[Member], bucket_days: int) -> np.ndarray:
    n = len(clean)
    out = np.full((len(members), len(known), n), np.nan)
    seen = ~np.isnan(clean.T)
    values = np.where(seen, clean.T, 0.0)
    smooth = _Smoothers(np.array([m.alpha for m in members if m.kind == "ses"]), n)
    demands = _Demands([m for m in members if m.kind in ("tsb", "sba")], n)
    state = [i for i, m in enumerate(members) if m.kind in ("tsb", "sba")]
    ses = [i for i, m in enumerate(members) if m.kind == "ses"]
    best = [i for i, m in enumerate(members) if m.kind == "best"]
    at: dict[int, list[int]] = {}
    for column, count in enumerate(known):
        at.setdefault(int(count), []).append(column)
    for t in range(int(known.max(initial=0)) + 1):
        for column in at.get(t, ()):
            out[ses, column] = smooth.level
            out[best, column] = smooth.best()
            out[state, column] = demands.forecast()
        if t < len(values):
            smooth.take(values[t], seen[t])
            demands.take(values[t], seen[t])
    result = out.transpose(2, 0, 1)
    for i, member in enumerate(members):
        if member.kind == "mean":
            result[:, i] = window_means(clean, known, member.days // bucket_days)
    return result


class _Smoothers:
    """Exponential smoothers of all constants, and how far each was off so far."""

    def __init__(self, alphas: np.ndarray, n: int) -> None:
        self._alphas = alphas[:, None]
        self.level = np.full((len(alphas), n), np.nan)
        self._squares = np.zeros((len(alphas), n))
        self._started = np.zeros(n, bool)

    def take(self, values: np.ndarray, seen: np.ndarray) -> None:
        first = seen & ~self._started
        if first.any():
            self.level[:, first] = values[first]
            self._started |= first
        error = np.where(seen & ~first, values - self.level, 0.0)
        self._squares += error**2
        self.level += self._alphas * error

    def best(self) -> np.ndarray:
        if not len(self.level):
            return np.full(self.level.shape[1], np.nan)
        return np.asarray(self.level[self._squares.argmin(axis=0), np.arange(self.level.shape[1])])


class _Demands:
    """Size of a demand, and its chance (tsb) or the interval between two (sba), all constants at once."""

    def __init__(self, members: Sequence[Member], n: int) -> None:
        self._alpha = np.array([m.alpha for m in members])[:, None]
        self._beta = np.array([m.beta for m in members])[:, None]
        self._sba = np.array([m.kind == "sba" for m in members], bool)[:, None]
        shape = (len(members), n)
        self._size, self._rate = np.zeros(shape), np.full(shape, np.nan)
        self._waited = np.zeros(n)
        self._demanded, self._started = np.zeros(n, bool), np.zeros(n, bool)

    def take(self, values: np.ndarray, seen: np.ndarray) -> None:
        demanded = seen & (values > 0)
        self._waited += seen
        first = demanded & ~self._demanded
        self._size = np.where(
            demanded, self._size + np.where(first, 1.0, self._alpha) * (values - self._size), self._size
        )
        interval = np.where(demanded, self._rate + self._alpha * (self._waited - self._rate), self._rate)
        interval = np.where(first, self._waited, interval)
        begins = seen & ~self._started
        chance = np.where(seen, self._rate + self._beta * (demanded - self._rate), self._rate)
        chance = np.where(begins, demanded, chance)
        self._rate = np.where(self._sba, interval, chance)
        self._waited[demanded] = 0
        self._demanded |= demanded
        self._started |= seen

    def forecast(self) -> np.ndarray:
        with np.errstate(invalid="ignore", divide="ignore"):
            sba = np.where(self._demanded, SBA_CORRECTION * self._size / self._rate, 0.0)
        forecast = np.where(self._sba, sba, self._size * np.nan_to_num(self._rate))
        return np.where(self._started, forecast, np.nan)


def window_means(clean: np.ndarray, known: Sequence[int] | np.ndarray, window: int) -> np.ndarray:
    """Mean of the known buckets among the last `window` before each origin, (n, origins).

    Where none of them is known, the mean stays what it was after the last known bucket; NaN before the first.
    """
    seen = ~np.isnan(clean)
    total = np.cumsum(np.pad(np.nan_to_num(clean), ((0, 0), (1, 0))), axis=1)
    count = np.cumsum(np.pad(seen, ((0, 0), (1, 0))), axis=1)
    end = np.asarray(known, int)
    number = count[:, end] - count[:, np.maximum(end - window, 0)]
    rows = np.flatnonzero((number == 0).any(axis=1))
    sums = total[:, end] - total[:, np.maximum(end - window, 0)]
    if len(rows):
        last = np.maximum.accumulate(np.where(seen[rows], np.arange(1, clean.shape[1] + 1), 0), axis=1)
        ends = np.where(number[rows] > 0, end, np.pad(last, ((0, 0), (1, 0)))[:, end])
        starts = np.maximum(ends - window, 0)
        sums[rows] = total[rows[:, None], ends] - total[rows[:, None], starts]
        number[rows] = count[rows[:, None], ends] - count[rows[:, None], starts]
    return np.asarray(np.divide(sums, number, out=np.full(sums.shape, np.nan), where=number > 0))


def _fast(members: Sequence[Member]) -> str:
    """Return the quickest smoother but one: the quickest listens to chance even for a category."""
    return [member.name for member in members if member.kind == "ses"][-2]


def category_trend(levels: np.ndarray, members: Sequence[Member], groups: np.ndarray) -> np.ndarray:
    """Return each item's mean of a year, moved as its category has moved lately, units a bucket, (n, origins).

    One item's last weeks are too few to tell a trend from chance; those of its category together are not.

    Parameters
    ----------
    levels : of the members at each origin, (n, members, origins).
    groups : category of each item, (n,).
    """
    names = [member.name for member in members]
    slow, fast = (np.nan_to_num(levels[:, names.index(name)]) for name in (SLOW, _fast(members)))
    total = np.zeros((2, int(groups.max(initial=-1)) + 1, levels.shape[2]))
    np.add.at(total[0], groups, slow)
    np.add.at(total[1], groups, fast)
    # One item that is off by a factor must not carry all others with it.
    ratio = np.clip((total[1] + TREND_PRIOR) / (total[0] + TREND_PRIOR), *TREND_LIMITS)
    return np.asarray(levels[:, names.index(SLOW)] * ratio[groups])


def item_share(
    levels: np.ndarray, members: Sequence[Member], items: np.ndarray, cells: np.ndarray, bucket_days: int
) -> np.ndarray:
    """Return the year's mean of each item over all locations, in each location's shrunk share, units a bucket.

    What an item sells everywhere is better known than what it sells here; its share is drawn to the share that the
    location has of the category, so that one sale more or less does not decide.

    Parameters
    ----------
    levels : of the members at each origin, (n, members, origins).
    items : item of each row, (n,). cells : category and location of each row, (n,).

    Returns
    -------
    Array (n, origins). Shares as in `planning.launch.shrunk_shares`.
    """
    own = np.nan_to_num(levels[:, [member.name for member in members].index(SLOW)])
    year = 364 / bucket_days

    def summed(values: np.ndarray, groups: np.ndarray) -> np.ndarray:
        total = np.zeros((int(groups.max(initial=-1)) + 1, values.shape[1]))
        np.add.at(total, groups, values)
        return np.asarray(total[groups])

    whole, usual = summed(own, items), summed(own, cells)
    with np.errstate(invalid="ignore", divide="ignore"):
        prior = np.where(summed(usual, items) > 0, usual / summed(usual, items), 0.0)
    share = (year * own + SHARE_WEIGHT * prior) / (year * whole + SHARE_WEIGHT)
    return np.asarray(np.where(np.isnan(levels[:, 0]), np.nan, whole * share))
