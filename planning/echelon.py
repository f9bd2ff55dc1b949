"""What a location that feeds others orders beyond its own need: the safety stock that has to stand at theirs.

A warehouse counts what its stores hold (see `planning.base`), and its own need covers pooled demand until its next
order arrives. What the stores keep against the chances of their own interval is no cover of that: a store's last units
serve its own customers, not those of another. So the position of both together is filled up to the warehouse's own
level and the safety stocks of all that it feeds: an echelon's base stock is the sum of those of its places.
Source: Clark & Scarf, Management Science 6 (1960) 475-490; Axsäter & Rosling, Management Science 39 (1993) 1274-1280.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from planning.policy import Levels

Pool = Callable[[np.ndarray], np.ndarray]
"""Adds to each row the values of all rows that it feeds, directly or not, (n,) to (n,)."""


def safety_below(safety: np.ndarray, room: np.ndarray, stocked: np.ndarray) -> np.ndarray:
    """Return the safety stock that may stand at each row, units, (n,).

    Parameters
    ----------
    safety : what its level holds beyond the mean need, units, (n,); below zero: none.
    room : units beyond the mean need up to the most to hold, (n,), inf: no such limit.
    stocked : whether the row is stocked at all, (n,).
    """
    return np.where(stocked, np.maximum(np.minimum(safety, room), 0.0), 0.0)


def kept_for_stores(pool: Pool, feeds: np.ndarray, safety: np.ndarray, by_hand: np.ndarray) -> np.ndarray:
    """Return what each row orders for the safety stock of all that it feeds, units, (n,); none where it feeds nobody.

    Parameters
    ----------
    feeds : whether a row feeds another, (n,). safety : as `safety_below` tells it, units, (n,).
    by_hand : whether a row's safety stock or reorder point is set by hand, (n,): that is the word on all of it.
    """
    return np.where(feeds & ~by_hand, pool(safety) - safety, 0.0)


def with_kept(levels: Levels, kept: np.ndarray) -> Levels:
    """Return the levels with so many units more, (n,): an order is due that much sooner, and brings them."""
    if not kept.any():
        return levels
    raw = levels.raw_order + kept
    due = np.where(kept > 0, raw > 1e-9, levels.due)
    return replace(levels, raw_order=raw, order=levels.order + kept, due=due, kept=kept)
