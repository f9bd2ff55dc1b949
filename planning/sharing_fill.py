"""Filling nodes together to one level, as water in vessels that are joined: the engine of every fair rule.

A rule says what a node holds at a level (so many days of supply, such a chance to serve all). All nodes that hang on
one source rise together until it is dry; a room or a lane that is full stops its own nodes, and what they leave goes
to the others. Each round finds the level of every source, shipment and room at once, by narrowing down, as if all that
could still draw on it did: none can then be drawn on too much, so that rounds only ever add, and the lowest level of
all is final after each. Nodes with one source end at the max-min and then lexicographically best levels
(progressive filling: Bertsekas & Gallager, Data Networks, 2nd ed. 1992, 6.5.2); with several sources each node
draws in each round on the one that stands highest, and then the sources are shared anew around each other.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from planning.sharing import SMALL, Problem, before_in_group

MOST_ROUNDS = 60
"""Rounds of filling; each empties, fills or leaves something in every part, so that few are needed."""
MOST_PASSES = 20
"""How often the sources of an item are shared anew around each other."""
STILL = 1e-4
"""Units, to a node, that count as no move of such a pass."""
_HALVINGS = 400
_SHARP = 1e-11


class Rule(Protocol):
    """What a node holds at a level.

    start : (m,) units that count as held before any transfer.
    reach : (m,) most units that the rule gives, inf: no such limit, 0: it gives nothing.
    """

    @property
    def start(self) -> np.ndarray:
        """Return the units held before, (m,)."""

    @property
    def reach(self) -> np.ndarray:
        """Return the most units given, (m,)."""

    def held(self, node: np.ndarray, level: np.ndarray) -> np.ndarray:
        """Return the units that nodes, (k,), hold at levels, (k,); never falling in the level."""

    def level(self, node: np.ndarray, held: np.ndarray) -> np.ndarray:
        """Return the highest level at which nodes, (k,), hold no more than `held`, (k,) units."""


@dataclass(frozen=True)
class Left:
    """What is left to draw on: of each source up to each date, of wishes, rooms and shipments; and who took or gave."""

    supply: np.ndarray
    wish: np.ndarray
    room: np.ndarray
    lane: np.ndarray
    took: np.ndarray
    gave: np.ndarray


@dataclass(frozen=True)
class _Claims:
    """Who could draw on what: node, group, size in the group's measure, units held before, most units."""

    node: np.ndarray
    group: np.ndarray
    size: np.ndarray
    base: np.ndarray
    most: np.ndarray

    def __getitem__(self, rows: np.ndarray) -> "_Claims":
        return _Claims(self.node[rows], self.group[rows], self.size[rows], self.base[rows], self.most[rows])


def givable(problem: Problem) -> np.ndarray:
    """Return the units that each node can give up to each date without lacking them later, (m, T)."""
    gives = problem.gives.total(len(problem.item))
    most = np.minimum(problem.available, gives[:, None])
    return np.asarray(np.minimum.accumulate(most[:, ::-1], axis=1)[:, ::-1])


def left_over(problem: Problem, units: np.ndarray, most: np.ndarray) -> Left:
    """Return what `units`, (r,), leave; `most`: units that each node takes at most, (m,)."""
    into, out = problem.into(units), problem.out_of(units)
    gives = problem.gives.total(len(out)) - out
    free = np.minimum(problem.available - problem.given_by(units), gives[:, None])
    filled = np.bincount(problem.location, problem.bulk * into, minlength=len(problem.room))
    lanes = np.repeat(problem.lane_room, problem.available.shape[1])
    carried = np.bincount(problem.shipment, problem.loads * units, minlength=len(lanes))
    return Left(
        np.maximum(np.minimum.accumulate(free[:, ::-1], axis=1)[:, ::-1], 0.0),
        np.maximum(most - into, 0.0),
        np.maximum(problem.room - filled, 0.0),
        np.maximum(lanes - carried, 0.0),
        into > SMALL,
        out > SMALL,
    )


def drawable(problem: Problem, left: Left, routes: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Return which of `routes`, (k,) ints, can carry `step`, (k,) units, more, (k,) flags."""
    s, d = problem.source[routes], problem.destination[routes]
    least = step - SMALL / 10
    return np.asarray(
        (left.wish[d] >= least)
        & (left.supply[s, problem.date[routes]] >= least)
        & (left.room[problem.location[d]] >= problem.bulk[d] * least)
        & (left.lane[problem.shipment[routes]] >= problem.loads[routes] * least)
        & ~left.took[s]
        & ~left.gave[d]
    )


def first_of(*keys: np.ndarray) -> np.ndarray:
    """Return the rows that come first by the later keys among those with an equal first key, ints in its order."""
    order = np.lexsort(keys[::-1])
    own = keys[0][order]
    return np.asarray(order[np.r_[True, own[1:] != own[:-1]]] if len(order) else order)


def fill(problem: Problem, rule: Rule, units: np.ndarray, closed: np.ndarray, most: np.ndarray) -> np.ndarray:
    """Return `units`, (r,), and what fills the nodes further, in fractions.

    Where an item has several sources or dates, each in turn is shared anew around what the others give, until that
    moves nothing: least squares by one block after another, which ends at the levels of one common pool.

    Parameters
    ----------
    closed : routes that carry no more, (r,) flags.
    most : units that each node takes at most in all, (m,).
    """
    settled = units
    units = _rise(problem, rule, settled, closed, most)
    turn = _turns(problem, closed)
    item = problem.item[problem.source]
    moving = np.zeros(problem.item.max(initial=0) + 1, bool)
    moving[item[turn > 0]] = True
    for _ in range(MOST_PASSES if moving.any() else 0):
        before = problem.into(units)
        for k in range(turn.max() + 1):
            own = ~closed & (turn == k) & moving[item]
            units = _rise(problem, rule, np.where(own, settled, units), ~own, most)
        change = np.abs(problem.into(units) - before) > STILL
        moving = np.bincount(problem.item, change, minlength=len(moving)) > 0
        if not moving.any():
            break
    return units


def _turns(problem: Problem, closed: np.ndarray) -> np.ndarray:
    """Return the place of each route's source and date among those of its item that have stock, -1 for none, (r,)."""
    s, dates = problem.source, problem.available.shape[1]
    giving = np.flatnonzero(~closed & (givable(problem)[s, problem.date] > SMALL))
    block, row = np.unique(s[giving] * dates + problem.date[giving], return_inverse=True)
    node = block // dates
    order = np.lexsort((block % dates, problem.location[node], problem.item[node]))
    place = np.empty(len(block), int)
    place[order] = before_in_group(problem.item[node[order]], np.ones(len(block))).astype(int)
    turn = np.full(len(s), -1)
    turn[giving] = place[row]
    return turn


def _rise(problem: Problem, rule: Rule, units: np.ndarray, closed: np.ndarray, most: np.ndarray) -> np.ndarray:
    """Return `units`, (r,), raised round by round until nothing more fits."""
    units = units.copy()
    routes = np.flatnonzero(~closed)
    for _ in range(MOST_ROUNDS):
        left = left_over(problem, units, most)
        routes = routes[drawable(problem, left, routes, np.full(len(routes), SMALL))]
        if not len(routes):
            break
        into = problem.into(units)
        pairs = _cheapest_of_each_pair(problem, routes)
        level = _levels(problem, rule, left, into, pairs)
        d = problem.destination[pairs]
        best = first_of(d, -level, problem.freight[pairs], problem.location[problem.source[pairs]])
        pairs, level, d = pairs[best], level[best], d[best]
        more = np.clip(rule.held(d, level) - rule.start[d] - into[d], 0.0, left.wish[d])
        taking = np.zeros(len(into), bool)
        taking[d[more > SMALL]] = True
        # Who takes in this round gives nothing in it.
        more[taking[problem.source[pairs]]] = 0.0
        units[pairs] += more
        if more.sum() <= SMALL:
            break
    return units


def _cheapest_of_each_pair(problem: Problem, routes: np.ndarray) -> np.ndarray:
    """Return the route with the least freight, then the earliest, of each source and destination."""
    pair = problem.destination[routes] * len(problem.item) + problem.source[routes]
    return np.asarray(routes[first_of(pair, problem.freight[routes], problem.date[routes], problem.lane[routes])])


def _levels(problem: Problem, rule: Rule, left: Left, into: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Return the level to which each of the routes `pairs` can lift its node whatever the others draw, (k,)."""
    m, dates = problem.available.shape
    capacity = np.concatenate([left.supply.ravel(), left.lane, left.room])
    claims = _claims(problem, rule, left, into, pairs)
    used = np.zeros(len(capacity), bool)
    used[claims.group] = True
    code = np.cumsum(used) - 1
    level = np.full(len(capacity), np.inf)
    level[used] = common_level(rule, _recoded(claims, code), capacity[used])
    by_date = np.minimum.accumulate(level[: m * dates].reshape(m, dates)[:, ::-1], axis=1)[:, ::-1]
    by_lane, by_room = level[m * dates :][: len(left.lane)], level[m * dates + len(left.lane) :]
    place = problem.location[problem.destination[pairs]]
    return np.asarray(
        np.minimum(
            by_date[problem.source[pairs], problem.date[pairs]],
            np.minimum(by_lane[problem.shipment[pairs]], by_room[place]),
        )
    )


def _recoded(claims: _Claims, code: np.ndarray) -> _Claims:
    return _Claims(claims.node, code[claims.group], claims.size, claims.base, claims.most)


def _claims(problem: Problem, rule: Rule, left: Left, into: np.ndarray, pairs: np.ndarray) -> _Claims:
    """Return the claims on sources by date, then on shipments, then on rooms; groups are numbered in that order.

    A node that may also take has a claim on what it holds itself: it gives only what it has above the level.
    """
    m, dates = problem.available.shape
    s, d = problem.source[pairs], problem.destination[pairs]
    base, ship = rule.start + into, problem.shipment[pairs]
    parts = []
    for t in range(dates):
        at = np.flatnonzero(problem.date[pairs] <= t)
        parts.append(_Claims(d[at], s[at] * dates + t, np.ones(len(at)), base[d[at]], left.wish[d[at]]))
    may_take = (problem.takes.total(m) > 0) & (rule.reach > 0)
    own = np.unique(s)
    own = own[may_take[own]]
    kept = np.maximum(rule.start[own] - givable(problem)[own, -1], 0.0)
    parts.append(_Claims(own, own * dates + dates - 1, np.ones(len(own)), kept, left.supply[own, -1]))
    at = np.flatnonzero(np.isfinite(left.lane[ship]))
    parts.append(_Claims(d[at], m * dates + ship[at], problem.loads[pairs[at]], base[d[at]], left.wish[d[at]]))
    into_room = first_of(d)
    n = d[into_room]
    n = n[np.isfinite(left.room[problem.location[n]])]
    group = m * dates + len(left.lane) + problem.location[n]
    parts.append(_Claims(n, group, problem.bulk[n], base[n], left.wish[n]))
    names = ("node", "group", "size", "base", "most")
    return _Claims(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def common_level(rule: Rule, claims: _Claims, capacity: np.ndarray) -> np.ndarray:
    """Return the level of each group at which its claims use up its capacity, or its highest one, (groups,).

    By the straight line between the ends, where an end that stays weighs half as much each time (Dowell & Jarratt,
    BIT 11, 1971), and every fourth time by halving; groups that are done are left out.
    """
    low, high = np.full(len(capacity), np.inf), np.full(len(capacity), -np.inf)
    np.minimum.at(low, claims.group, rule.level(claims.node, claims.base))
    np.maximum.at(high, claims.group, rule.level(claims.node, claims.base + claims.most))
    over = _drawn(rule, claims, high) - capacity
    answer = np.where(over <= 0, high, low)
    near = _SHARP * (1.0 + capacity)
    open_ = np.flatnonzero(over > 0)
    at, ends = open_, np.array([low, high, capacity, capacity, over, np.zeros(len(low))])[:, open_]
    claims = _only(claims, open_, len(capacity))
    for k in range(_HALVINGS):
        low, high, left, below, above, side = ends
        rising = (left > near[at]) & (high - low > 1e-15 * (np.abs(high) + np.abs(low)))
        if rising.sum() <= 0.7 * len(at):
            answer[at] = low
            keep = np.flatnonzero(rising)
            claims, at, ends = _only(claims, keep, len(at)), at[keep], ends[:, keep]
            if not len(at):
                break
            low, high, left, below, above, side = ends
        part = 0.5 if k % 4 == 3 else below / np.maximum(below + above, 1e-300)
        level = low + (high - low) * part
        rest = capacity[at] - _drawn(rule, claims, level)
        short = rest - near[at] / 2
        fits = rest >= 0
        ends = np.where(
            fits,
            [level, high, rest, np.maximum(short, 0.0), np.where(side > 0, above / 2, above), np.ones(len(at))],
            [low, level, left, np.where(side < 0, below / 2, below), -short, -np.ones(len(at))],
        )
    answer[at] = ends[0]
    return answer


def _only(claims: _Claims, groups: np.ndarray, count: int) -> _Claims:
    """Return the claims on some of `count` groups, numbered in their order."""
    code = np.full(count, -1)
    code[groups] = np.arange(len(groups))
    return _recoded(claims[code[claims.group] >= 0], code)


def _drawn(rule: Rule, claims: _Claims, level: np.ndarray) -> np.ndarray:
    """Return what the claims draw on each group at its level, (groups,)."""
    wanted = np.clip(rule.held(claims.node, level[claims.group]) - claims.base, 0.0, claims.most)
    return np.bincount(claims.group, claims.size * wanted, minlength=len(level))
