"""Which shipments leave, where each costs: a counted search for the best set, and a bound of every set.

worth(S) is what the open shipments S can bring; it is submodular, because stores that compete for one source are
substitutes (Shapley, On network flow functions, 1961). So with loss[k] = worth(all) - worth(all but k)
    worth(S) - cost(S) <= worth(all) - sum over k of min(loss[k], cost[k])
Nothing is left to prove where every loss is more than the cost. Else the search branches on a shipment that
seems too dear: closed, or paid for.
"""

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Leaving:
    """A set of shipments, (K,) flags; the bound of every set, money, and of every set but this one."""

    leaves: np.ndarray
    bound: float
    others: float


def best_shipments(worth_without: Callable[[np.ndarray], float], cost: np.ndarray, looks: int) -> Leaving:
    """Search for the set with the most worth less cost.

    Parameters
    ----------
    worth_without : worth without the shipments in (K,) flags.
    cost : (K,) money.
    looks : how often worth may be asked for; beyond, the best set so far and its bound are told.
    """
    asked = itertools.count()
    nothing = np.zeros(len(cost), bool)
    root = _Node.of(worth_without, cost, nothing, nothing, asked)
    heap, second = [(-root.bound, 0, root)], -np.inf
    for n in itertools.count(1):
        _, _, node = heapq.heappop(heap)
        branch = node.branch(cost)
        if branch < 0 or next(asked) > looks:
            # The set itself is the only one of its node that can be worth the bound: another is off by its margin.
            second = node.bound - node.margin(cost)
            return Leaving(node.leaves(cost), node.bound, max([second, *(-one[0] for one in heap)]))
        at = np.arange(len(cost)) == branch
        for side, (closed, paid) in enumerate(((node.closed | at, node.paid), (node.closed, node.paid | at))):
            child = _Node.of(worth_without, cost, closed, paid, asked)
            heapq.heappush(heap, (-min(child.bound, node.bound), 2 * n + side, child))
    raise AssertionError


@dataclass(frozen=True)
class _Node:
    """Sets that leave out `closed` and hold `paid`, (K,) flags; what leaving out one more loses, (K,)."""

    closed: np.ndarray
    paid: np.ndarray
    loss: np.ndarray
    bound: float

    @property
    def free(self) -> np.ndarray:
        return np.asarray(~(self.closed | self.paid))

    @staticmethod
    def of(
        worth_without: Callable[[np.ndarray], float],
        cost: np.ndarray,
        closed: np.ndarray,
        paid: np.ndarray,
        asked: "itertools.count[int]",
    ) -> "_Node":
        whole, free, loss = worth_without(closed), ~(closed | paid), np.zeros(len(cost))
        for k in np.flatnonzero(free):
            loss[k] = whole - worth_without(closed | (np.arange(len(cost)) == k))
            next(asked)
        bound = whole - float(cost[paid].sum()) - float(np.minimum(loss, cost)[free].sum())
        return _Node(closed, paid, loss, bound)

    def leaves(self, cost: np.ndarray) -> np.ndarray:
        return np.asarray(self.paid | (self.free & (self.loss > cost)))

    def margin(self, cost: np.ndarray) -> float:
        """Return by how much at least any other set of the node stays below its bound."""
        return float(np.abs(self.loss - cost)[self.free].min(initial=np.inf))

    def branch(self, cost: np.ndarray) -> int:
        """Return the shipment that seems too dear and loses most, -1: none."""
        dear = self.free & (self.loss <= cost)
        return int(np.where(dear, self.loss, -np.inf).argmax()) if dear.any() else -1
