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


def days_until_sent(source: np.ndarray, interval: np.ndarray, review: np.ndarray) -> np.ndarray:
    """Return how long what arrives at each row's source waits there for the row's next occasion, (n,); 0: it buys.

    Source and row have an occasion today. What the source orders at its next one comes after its lead time + review;
    the row asks for it on its own first occasion from then on. Times in days or in buckets, all in the same.

    Parameters
    ----------
    source : row that feeds each row, -1: none, (n,). interval : lead time + review, (n,). review : (n,).
    """
    return np.where(source >= 0, np.mod(-interval[source], np.maximum(review, 1)), 0)


def with_kept(levels: Levels, kept: np.ndarray, waits: np.ndarray) -> Levels:
    """Return the levels with so many units more: an order is due that much sooner, and brings them.

    Parameters
    ----------
    kept : for the safety stock of those that a row feeds, units, (n,).
    waits : what these sell until they are sent what arrives, units, (n,).
    """
    more = kept + waits
    if not more.any():
        return levels
    raw = levels.raw_order + more
    due = np.where(more > 0, raw > 1e-9, levels.due)
    return replace(levels, raw_order=raw, order=levels.order + more, due=due, kept=kept, waits=waits)
