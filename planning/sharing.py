"""What it is to share stock: units and money in arrays; what a sharing is worth, and which rules it must keep.

    Indices     nodes n (an item at a location), routes r from node s(r) to node d(r) of one item, lanes l,
                dates t (0 is today), shipments k = a lane on a date
    Variables   x[r] >= 0, units, whole packs of pack[d(r)], nothing or at least route_least[r]
                y[k] in {0, 1}, whether the shipment leaves;  q[n] >= 0, units of `least` not met
    Maximise    sum of take[n](in[n]) - give[n](out[n]) - freight[r] x[r] - lane_cost[l(k)] y[k]
                     - missing_price[n] q[n]
    Subject to  takes[n]:    in[n] = sum of x[r] over d(r) = n  <=  sum of its pieces;  in[n] + q[n] >= least[n]
                gives[n, t]: sum of x[r] over s(r) = n and date(r) <= t  <=  available[n, t];  out[n] <= its pieces
                room[p]:     sum over n at p of bulk[n] in[n]  <=  room[p]   (what leaves p makes no room in time)
                lane[k]:     sum over r in k of load[r] x[r]  <=  lane_room[l(k)] y[k]
                sides[n]:    in[n] = 0 or out[n] = 0

take is concave and give convex, each given by straight pieces, so that pieces fill in their order. What is set by
hand (`fixed`) stands before all rules but room, lane, stock and sides; beyond the pieces a unit is worth what the
last piece's unit is, at most nothing, and costs its giver what the last piece's unit does.

Neither the greedy answer nor the model is trusted: `value_of` and `check` work the answer out again by plain sums.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from planning.solver import Outcome

SMALL = 1e-6
"""Units, or room, that count as none."""


@dataclass(frozen=True)
class Pieces:
    """Straight pieces of the value of units in (takes), or out (gives), of nodes.

    node : (k,) int, sorted; within a node in the order they fill.
    width : (k,) units, > 0.
    worth : (k,) money a unit; takes: falling within a node; gives: what a unit less loses, rising within a node.
    """

    node: np.ndarray
    width: np.ndarray
    worth: np.ndarray

    @cached_property
    def before(self) -> np.ndarray:
        """Return the units of the same node's pieces that fill before each piece, (k,)."""
        return before_in_group(self.node, self.width)

    def total(self, nodes: int) -> np.ndarray:
        """Return the units of all pieces of each node, (nodes,)."""
        return np.bincount(self.node, self.width, minlength=nodes)

    def worth_of(self, units: np.ndarray, *, beyond_at_most: float = np.inf) -> np.ndarray:
        """Return the money of `units` at each node, (m,); a unit beyond the pieces counts as the last piece's.

        Parameters
        ----------
        units : (m,), in the pieces' order of nodes.
        beyond_at_most : most money of a unit beyond the pieces.
        """
        filled = np.clip(units[self.node] - self.before, 0.0, self.width)
        money = np.bincount(self.node, filled * self.worth, minlength=len(units))
        last = np.zeros(len(units))
        last[self.node] = self.worth
        beyond = np.maximum(units - self.total(len(units)), 0.0)
        return np.asarray(money + beyond * np.minimum(last, beyond_at_most))


def before_in_group(group: np.ndarray, amount: np.ndarray) -> np.ndarray:
    """Return the sum of `amount` over the earlier rows of the same group, (k,); equal groups stand together."""
    if not len(group):
        return np.zeros(0)
    first = np.flatnonzero(np.r_[True, group[1:] != group[:-1]])
    ends = np.cumsum(amount)
    start = np.r_[0.0, ends][first]
    return np.asarray(ends - amount - np.repeat(start, np.diff(np.r_[first, len(group)])))


@dataclass(frozen=True)
class Problem:
    """What is to be shared: m nodes, r routes, L locations, T shipping dates.

    item, location : (m,) int codes, from 0 without holes.
    takes, gives : a node without pieces takes (gives) nothing.
    pack : (m,) units in a pack that the node receives in; 1: whole units; 0: any fraction.
    available : (m, T) units that the node can give in all up to each date, after what it keeps back.
    least : (m,) units wanted at least; soft.  missing_price : (m,) money a unit missing of it.
    room : (L,) room left before any transfer, inf: no limit.  bulk : (m,) room that a unit takes.
    source, destination, lane, date : (r,) int; both ends of a route are nodes of one item; no two routes have the
        same source, destination, lane and date.
    freight : (r,) money a unit; a later date carries its waiting cost.
    route_least : (r,) a route carries nothing or at least so many units; 0: no such rule.
    fixed : (r,) units set by hand, NaN where free.
    lane_room : (lanes,) room of one shipment, inf: no limit.  lane_cost : (lanes,) money a shipment.
    load : (r,) lane room that a unit takes; None: the `bulk` of the destination.
    """

    item: np.ndarray
    location: np.ndarray
    takes: Pieces
    gives: Pieces
    pack: np.ndarray
    available: np.ndarray
    least: np.ndarray
    missing_price: np.ndarray
    room: np.ndarray
    bulk: np.ndarray
    source: np.ndarray
    destination: np.ndarray
    lane: np.ndarray
    date: np.ndarray
    freight: np.ndarray
    route_least: np.ndarray
    fixed: np.ndarray
    lane_room: np.ndarray
    lane_cost: np.ndarray
    load: np.ndarray | None = None

    @property
    def loads(self) -> np.ndarray:
        """Return the lane room that a unit takes on each route, (r,)."""
        return self.bulk[self.destination] if self.load is None else self.load

    @property
    def shipment(self) -> np.ndarray:
        """Return the shipment of each route, lane * T + date, (r,)."""
        return np.asarray(self.lane * self.available.shape[1] + self.date)

    def into(self, units: np.ndarray) -> np.ndarray:
        """Return the units that each node receives, (m,)."""
        return np.bincount(self.destination, units, minlength=len(self.item))

    def out_of(self, units: np.ndarray) -> np.ndarray:
        """Return the units that each node gives, (m,)."""
        return np.bincount(self.source, units, minlength=len(self.item))

    def given_by(self, units: np.ndarray) -> np.ndarray:
        """Return the units that each node has given up to each date, (m, T)."""
        m, dates = self.available.shape
        each = np.bincount(self.source * dates + self.date, units, minlength=m * dates)
        return np.cumsum(each.reshape(m, dates), axis=1)


@dataclass(frozen=True)
class Answer:
    """How the stock is shared.

    units : (r,).
    outcome : how good that is; its gap is (bound - value) / value over the whole problem, proven.
    way : (items,) texts, how each item's answer was found: "met" each node has all that it would take at a gain;
        "greedy" the best units one by one, optimal there; "model" solved exactly; "priced" prices on rooms and lanes,
        then items one by one, mended: proven only to the gap; "rule" by a rule of fairness.
    missing : (m,) units of `least` not met.
    notes : what could not be done as wished, texts.
    """

    units: np.ndarray
    outcome: Outcome
    way: np.ndarray
    missing: np.ndarray
    notes: tuple[str, ...] = ()


def missing_of(problem: Problem, units: np.ndarray) -> np.ndarray:
    """Return the units of `least` not met, (m,)."""
    return np.asarray(np.maximum(problem.least - problem.into(units), 0.0))


def value_of(problem: Problem, units: np.ndarray) -> float:
    """Return what `units`, (r,), are worth, money: the objective of the module's text."""
    gained = problem.takes.worth_of(problem.into(units), beyond_at_most=0.0)
    lost = problem.gives.worth_of(problem.out_of(units))
    leaving = np.unique(problem.shipment[units > SMALL]) // problem.available.shape[1]
    missing = missing_of(problem, units)
    return float(
        gained.sum()
        - lost.sum()
        - (problem.freight * units).sum()
        - problem.lane_cost[leaving].sum()
        - (problem.missing_price * missing).sum()
    )


def check(problem: Problem, units: np.ndarray, *, small: float = 1e-5) -> None:
    """Raise AssertionError, naming the rule, where `units`, (r,), break a rule of the module's text."""
    broken = broken_rules(problem, units, small)
    assert not broken, f"a sharing breaks {', '.join(broken)}"


def broken_rules(problem: Problem, units: np.ndarray, small: float = 1e-5) -> list[str]:
    """Return the names of the rules that `units`, (r,), break."""
    if len(units) != len(problem.source) or not np.isfinite(units).all() or (units < 0).any():
        return ["units"]
    hand = ~np.isnan(problem.fixed)
    into, out = problem.into(units), problem.out_of(units)
    by_hand = np.where(hand, units, 0.0)
    scale = small * (1 + np.abs(problem.available))
    pack = problem.pack[problem.destination]
    packs = units / np.where(pack > 0, pack, 1.0)
    filled = np.bincount(problem.location, problem.bulk * into, minlength=len(problem.room))
    carried = np.bincount(
        problem.shipment, problem.loads * units, minlength=len(problem.lane_room) * problem.available.shape[1]
    )
    carriable = np.repeat(problem.lane_room, problem.available.shape[1])
    rules = {
        "fixed": (hand & (units > problem.fixed + small)).any(),
        "available": (problem.given_by(units) > problem.available + scale).any(),
        "takes": (into > np.maximum(problem.takes.total(len(into)), problem.into(by_hand)) + small).any(),
        "gives": (out > np.maximum(problem.gives.total(len(out)), problem.out_of(by_hand)) + small).any(),
        "room": (filled > np.maximum(problem.room, 0) * (1 + small) + small).any(),
        "lane": (carried > np.maximum(carriable, 0) * (1 + small) + small).any(),
        "pack": (~hand & (pack > 0) & (np.abs(packs - np.round(packs)) > small)).any(),
        "route_least": (~hand & (units > small) & (units < problem.route_least - small)).any(),
        "sides": ((into > small) & (out > small)).any(),
        "item": (problem.item[problem.source] != problem.item[problem.destination]).any(),
    }
    return [name for name, wrong in rules.items() if wrong]
