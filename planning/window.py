"""Demand between two days to come: how far it spreads, and how it goes with the demand before it.

Errors of one morning are alike: where the level is taken too low, every bucket comes higher. So what the whole interval
is more uncertain than its first part is not the spread of the rest alone, most of it is that both parts err together.
"""

from functools import lru_cache
from typing import Protocol

import numpy as np
from scipy import special

from planning.distribution import MOST_CHANGE, SIZE_POWER

LASTING = 0.1
"""Share of the errors in common that spreads the later part itself: levels move on, and it is further ahead.

At rolling origins of M5, VN2 and UCI by week the later part's own squared error, less that of as long a part from the
origin on, is -.1 to .3 of what the whole is more uncertain beyond it, by set, class and lead time; the middle is .1.
"""
TOGETHER = 0.5
"""Of the correlation that it takes for both parts to spread as the whole does, so much lasts.

Replayed over two years of M5, all of it serves 1 to 2 points more than promised, none of it 2 less, half of it what is
promised; over seven windows of VN2 half of it costs 1.4 % less than all of it. It is found by trial on these two: past
errors tell more in common (correlations of .3 and .2, as the variances do), but some of that is settled since, as
launches and gaps are.
"""
TIES = 20
"""Correlations are told apart in steps of 1 / this."""


class Told(Protocol):
    """Cumulative demand from a morning on, for n rows."""

    @property
    def whole(self) -> np.ndarray:
        """Whether demand is in whole units, (n,)."""

    def mean_to(self, day: np.ndarray, /) -> np.ndarray:
        """Return the mean of the demand before `day`, units, (n,)."""

    def variance_to(self, day: np.ndarray, /) -> np.ndarray:
        """Return the variance of the demand before `day`, units squared, (n,)."""


def moments(told: Told, start: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and variance of the demand from `start` to before `end`, units and units squared, (n,) each.

    The variance is that of as long a part from today on, at this part's mean, and `LASTING` of what the whole is more
    uncertain beyond it. Independent demand, whose variance grows with time, keeps its own; and so does a part that is
    of another season than the days to come, of which these tell nothing.
    """
    if not start.any():
        return _counted(told, told.mean_to(end), told.variance_to(end))
    mean = np.maximum(told.mean_to(end) - told.mean_to(start), 0.0)
    added = np.maximum(told.variance_to(end) - told.variance_to(start), 0.0)
    usual = told.mean_to(end - start)
    alike = (mean <= MOST_CHANGE * usual) & (usual <= MOST_CHANGE * mean) & (usual > 0)
    ratio = np.where(alike, mean / np.where(alike, usual, 1.0), 1.0) ** SIZE_POWER
    own = np.where(alike, told.variance_to(end - start) * ratio, added)
    return _counted(told, mean, own + LASTING * (added - own))


def _counted(told: Told, mean: np.ndarray, variance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return both: a Poisson is the least that counts can vary, unless they do not vary at all."""
    return mean, np.where(told.whole & (variance > 0), np.maximum(variance, mean), variance)


def tie(
    told: Told, start: np.ndarray, middle: np.ndarray, end: np.ndarray, after: np.ndarray | None = None
) -> np.ndarray:
    """Return how demand before and after `middle` are correlated, in steps of 1 / `TIES`, (n,) int.

    `TOGETHER` of what it takes for both to spread as the whole does; never against each other.

    Parameters
    ----------
    after : variance of the demand from `middle` to `end`, where it is known already, (n,).
    """
    before, both = (moments(told, start, day)[1] for day in (middle, end))
    after = moments(told, middle, end)[1] if after is None else after
    scale = np.sqrt(before * after)
    share = np.where(scale > 0, (both - before - after) / 2 / np.where(scale > 0, scale, 1.0), 0.0)
    return np.asarray(np.clip(np.rint(TOGETHER * share * TIES), 0, TIES - 1), int)


@lru_cache(maxsize=256)
def tied(count: int, step: int, start: int) -> np.ndarray:
    """Return which of `count` equally likely points of a draw goes with each path, by correlation, (TIES, count).

    Paths are in order of what demand took so far, most first. Uncorrelated, they are paired on a lattice; else by the
    rank of a normal score that both have part in.

    Source: Iman & Conover, Communications in Statistics 11 (1982) 311-334 (correlation by ranks).
    """
    path, lattice = np.arange(count), (np.arange(count) * step + start) % count
    score = special.ndtri((path + 0.5) / count)
    out = np.empty((TIES, count), int)
    for k in range(TIES):
        r = k / TIES
        out[k] = np.argsort(np.argsort(np.sqrt(1 - r * r) * score[lattice] - r * score, kind="stable"), kind="stable")
    out.flags.writeable = False
    return out


@lru_cache(maxsize=64)
def _tied_to(share: tuple[float, ...], step: int, start: int) -> np.ndarray:
    count = len(share)
    weight = np.array(share) / sum(share)
    met = np.argsort((np.arange(count) * step + start) % count)
    level, lattice = special.ndtri(weight.cumsum() - weight / 2), special.ndtri((met + 0.5) / count)
    r = np.arange(TIES)[:, None] / TIES
    out = np.asarray(special.ndtr(np.sqrt(1 - r * r) * lattice - r * level) * count, int)
    out.flags.writeable = False
    return out


def tied_to(share: np.ndarray, step: int, start: int, turn: int = 0) -> np.ndarray:
    """Return which path goes with each point of a draw, by correlation, (TIES, count); see `tied`.

    Parameters
    ----------
    share : how likely each point of the draw is, ascending points, (count,); paths are equally likely.
    step, start, turn : of the lattice on which they are paired where uncorrelated.
    """
    return _tied_to(tuple(share.tolist()), step, start + turn)
