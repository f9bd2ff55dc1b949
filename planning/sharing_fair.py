"""Fair sharing: equal days of supply, in proportion to demand, equal service; and a floor of service, then value.

    equal days       x[n] = clip(theta rate[n] - stock[n], 0, most[n]), theta such that the source is used up
    proportional     the same with all stocks at nothing
    equal service    x[n] = clip(F[n]^-1(alpha) - stock[n], 0, most[n]), alpha as high as the source allows:
                     the worst served is served as well as can be, then the next worst, and so on
    floor            equal service up to alpha_min, then the units that are worth most

Whole packs: the shares are cut to whole packs, and what is left goes pack by pack to whoever is worst off. Rooms,
lanes, dates, least transfers and what is set by hand are kept; what does not fit goes to the others. A presentation
minimum (`least`) is a matter of value and moves no fair share.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from planning.sharing import SMALL, Answer, Pieces, Problem, before_in_group, missing_of, value_of
from planning.sharing_fill import Left, Rule, drawable, fill, first_of, givable, left_over
from planning.sharing_part import carry_fixed, in_own_order
from planning.solver import Outcome

NO_RATE = 1e-9
"""A mean demand a day, units, below which a node has none."""


@dataclass(frozen=True)
class Days:
    """The level is days of supply: what a node holds over its mean demand a day.

    start : (m,) units held before.  rate : (m,) units a day; without any a node is given nothing.
    """

    start: np.ndarray
    rate: np.ndarray

    @property
    def reach(self) -> np.ndarray:
        """Return inf where there is demand, else 0, (m,)."""
        return np.where(self.rate > NO_RATE, np.inf, 0.0)

    def held(self, node: np.ndarray, level: np.ndarray) -> np.ndarray:
        """Return level times rate, (k,) units."""
        return np.asarray(level * self.rate[node])

    def level(self, node: np.ndarray, held: np.ndarray) -> np.ndarray:
        """Return held over rate, (k,) days."""
        return np.asarray(held / np.maximum(self.rate[node], NO_RATE))


@dataclass(frozen=True)
class Service:
    """What a node must hold for a chance, or a fill rate: points of a curve, straight between them.

    levels : (q,) fractions, rising, best from 0.
    units : (m, q) units to hold for each, never falling.
    """

    levels: np.ndarray
    units: np.ndarray

    def up_to(self, level: float) -> "Service":
        """Return the curves up to a level."""
        keep = self.levels < level
        node = np.arange(len(self.units))
        top = self.held(node, np.full(len(node), level))
        return Service(np.r_[self.levels[keep], level], np.column_stack([self.units[:, keep], top]))

    @property
    def steep(self) -> np.ndarray:
        """Return the units a whole level is worth below the first point, where stock is owed, (m,)."""
        return np.asarray(np.maximum(self.units[:, -1], 1.0))

    def held(self, node: np.ndarray, level: np.ndarray) -> np.ndarray:
        """Return the units that nodes, (k,), must hold for levels, (k,)."""
        if len(self.levels) == 1:
            above = np.zeros(len(node))
        else:
            k = np.clip(np.searchsorted(self.levels, level, side="right") - 1, 0, len(self.levels) - 2)
            width = self.levels[k + 1] - self.levels[k]
            part = np.clip((level - self.levels[k]) / width, 0.0, 1.0)
            low = self.units[node, k]
            above = low + part * (self.units[node, k + 1] - low) - self.units[node, 0]
        below = np.minimum(level - self.levels[0], 0.0) * self.steep[node]
        return np.asarray(self.units[node, 0] + above + below)

    def level(self, node: np.ndarray, held: np.ndarray) -> np.ndarray:
        """Return the highest levels at which nodes, (k,), need no more than `held`, (k,) units."""
        curve, last = self.units[node], len(self.levels) - 1
        k = (curve <= held[:, None]).sum(axis=1) - 1
        rows, low = np.arange(len(node)), np.clip(k, 0, last)
        high = np.minimum(low + 1, last)
        rise = np.maximum(curve[rows, high] - curve[rows, low], 1e-300)
        part = np.where(high > low, np.clip((held - curve[rows, low]) / rise, 0.0, 1.0), 0.0)
        inside = self.levels[low] + part * (self.levels[high] - self.levels[low])
        below = self.levels[0] + (held - curve[:, 0]) / self.steep[node]
        return np.asarray(np.where(k < 0, below, inside))


@dataclass(frozen=True)
class _Served:
    """Service as a rule: from the stock on."""

    start: np.ndarray
    service: Service

    @property
    def reach(self) -> np.ndarray:
        return np.asarray(np.maximum(self.service.units[:, -1] - self.start, 0.0))

    def held(self, node: np.ndarray, level: np.ndarray) -> np.ndarray:
        return self.service.held(node, level)

    def level(self, node: np.ndarray, held: np.ndarray) -> np.ndarray:
        return self.service.level(node, held)


def equal_days(problem: Problem, stock: np.ndarray, rate: np.ndarray) -> np.ndarray:
    """Return shares that bring all nodes to the same days of supply; who has more gets nothing. Units, (r,).

    Parameters
    ----------
    stock : what each node holds without any transfer, units, (m,); below 0 where stock is owed.
    rate : mean demand a day, units, (m,); a node without demand gets nothing.
    """
    return share_by(problem, Days(_clean(stock), _clean(rate)))


def proportional(problem: Problem, rate: np.ndarray) -> np.ndarray:
    """Return shares in proportion to demand, whatever the nodes hold. Units, (r,).

    Parameters
    ----------
    rate : demand, in any unit that is common to an item's nodes, (m,).
    """
    return share_by(problem, Days(np.zeros(len(problem.item)), _clean(rate)))


def equal_service(problem: Problem, stock: np.ndarray, service: Service) -> np.ndarray:
    """Return shares that serve the worst served as well as can be, then the next worst, and so on. Units, (r,).

    Parameters
    ----------
    stock : what each node holds without any transfer, units, (m,).
    """
    return share_by(problem, _Served(_clean(stock), service))


def floored(
    problem: Problem, stock: np.ndarray, service: Service, floor: float, share: Callable[[Problem], Answer]
) -> Answer:
    """Return the sharing that brings all to a floor of service as far as supply goes, and then adds the most value.

    Parameters
    ----------
    floor : the level of `service` that comes first.
    share : shares the rest by value.

    Returns
    -------
    The answer of `share` for the rest, with the units of the floor; its gap is to the best above that floor.
    """
    first = equal_service(problem, stock, service.up_to(floor))
    answer = share(remaining(problem, first))
    units = first + answer.units
    value, rest = value_of(problem, units), answer.outcome
    gap = rest.gap * abs(rest.objective) / max(abs(value), NO_RATE) if rest.gap > 0 else 0.0
    return replace(answer, units=units, outcome=Outcome(rest.status, value, gap), missing=missing_of(problem, units))


def remaining(problem: Problem, units: np.ndarray) -> Problem:
    """Return what is left to share once `units`, (r,), are settled; each shipment becomes a lane of its own.

    A lane that runs already costs nothing more, a route that carries something has its least, and what was set by
    hand is done.
    """
    m, dates = problem.available.shape
    into, out = problem.into(units), problem.out_of(units)
    left = left_over(problem, units, np.full(m, np.inf))
    running = np.bincount(problem.shipment, units, minlength=len(left.lane)) > SMALL
    return replace(
        problem,
        takes=_without_first(problem.takes, np.where(out > SMALL, np.inf, into)),
        gives=_without_first(problem.gives, np.where(into > SMALL, np.inf, out)),
        available=np.maximum(problem.available - problem.given_by(units), 0.0),
        least=np.maximum(problem.least - into, 0.0),
        room=left.room,
        lane=problem.shipment,
        route_least=np.where(units > SMALL, 0.0, problem.route_least),
        fixed=np.where(np.isnan(problem.fixed), np.nan, 0.0),
        lane_room=left.lane,
        lane_cost=np.where(running, 0.0, np.repeat(problem.lane_cost, dates)),
    )


def _without_first(pieces: Pieces, units: np.ndarray) -> Pieces:
    """Return the pieces without the first `units`, (m,), of each node."""
    width = pieces.width - np.clip(units[pieces.node] - pieces.before, 0.0, pieces.width)
    keep = width > SMALL / 10
    return Pieces(pieces.node[keep], width[keep], pieces.worth[keep])


def _clean(numbers: np.ndarray) -> np.ndarray:
    """Return the numbers with 0 for those that are not known."""
    return np.asarray(np.nan_to_num(np.asarray(numbers, float)))


def share_by(problem: Problem, rule: Rule) -> np.ndarray:
    """Return the shares by a rule, in whole packs and within all limits. Units, (r,).

    Where a route would carry less than its least, the one of each item that comes least near to it is closed, and
    what it carried is shared anew.
    """
    by_hand, free = set_by_hand(problem), np.isnan(problem.fixed)
    most, item = most_of(problem, rule), problem.item[problem.source]
    closed = ~free | (most[problem.destination] < problem.route_least - SMALL)
    apart = not (np.isfinite(problem.room).any() or np.isfinite(problem.lane_room).any())
    units, anew = by_hand, np.ones(len(item), bool)
    while True:
        units = _in_packs(problem, rule, np.where(anew, by_hand, units), closed | ~anew, most)
        meagre = np.flatnonzero(free & (units > SMALL) & (units < problem.route_least - SMALL))
        if not len(meagre):
            return units
        s, d = problem.source[meagre], problem.destination[meagre]
        full = np.round(units[meagre] / problem.route_least[meagre], 9)
        well_off = -np.round(rule.level(d, rule.start[d]), 9)
        closed[meagre[first_of(item[meagre], full, well_off, problem.location[d], s)]] = True
        anew = np.isin(item, item[meagre]) if apart else anew


def most_of(problem: Problem, rule: Rule) -> np.ndarray:
    """Return the units that each node takes at most under a rule, in whole packs, (m,)."""
    takes, pack = problem.takes.total(len(problem.item)), np.where(problem.pack > 0, problem.pack, 1.0)
    whole = np.minimum(np.floor(takes / pack + SMALL), np.ceil(rule.reach / pack - SMALL)) * pack
    return np.asarray(np.where(problem.pack > 0, whole, np.minimum(takes, rule.reach)))


def set_by_hand(problem: Problem) -> np.ndarray:
    """Return what is set by hand, cut to what is possible as when shared by value, 0 on other routes. Units, (r,)."""
    units = np.zeros(len(problem.source))
    if (np.nan_to_num(problem.fixed) > 0).any():
        own, _, routes = in_own_order(problem)
        units[routes], _ = carry_fixed(own)
    return units


def _in_packs(problem: Problem, rule: Rule, by_hand: np.ndarray, closed: np.ndarray, most: np.ndarray) -> np.ndarray:
    """Return the shares in whole packs, what is left of the fractions dealt out by turns. Units, (r,)."""
    pack = problem.pack[problem.destination]
    units = fill(problem, rule, by_hand, closed, most)
    if not (pack > 0).any():
        return units
    whole = np.floor(units / np.where(pack > 0, pack, 1.0) + SMALL) * pack
    units = np.where((pack > 0) & np.isnan(problem.fixed), whole, units)
    units = _by_turns(problem, rule, units, closed, most)
    return fill(problem, rule, units, closed | (pack > 0), most) if (pack <= 0).any() else units


def _by_turns(problem: Problem, rule: Rule, units: np.ndarray, closed: np.ndarray, most: np.ndarray) -> np.ndarray:
    """Return the units and what is left, pack by pack to whoever of each item is worst off. Units, (r,)."""
    units = units.copy()
    routes = np.flatnonzero(~closed & (problem.pack[problem.destination] > 0))
    claimant = (problem.takes.total(len(problem.item)) > 0) & (rule.reach > 0)
    owned = np.maximum(rule.start, givable(problem)[:, -1])
    while True:
        left = left_over(problem, units, most)
        step = problem.pack[problem.destination[routes]]
        open_ = drawable(problem, left, routes, step)
        routes, step = routes[open_], step[open_]
        if not len(routes):
            return units
        s, d = problem.source[routes], problem.destination[routes]
        held = rule.start[d] + problem.into(units)[d]
        level = np.round(rule.level(d, held), 9)
        # A giver that may take as well is never brought below the one it gives to.
        own = rule.level(s, owned[s] - problem.out_of(units)[s] - step)
        open_ = ~claimant[s] | (own >= level)
        routes, step, s, d, level = routes[open_], step[open_], s[open_], d[open_], level[open_]
        place = problem.location
        turn = first_of(problem.item[d], level, place[d], problem.freight[routes], problem.date[routes], place[s])
        fits = _fits_together(problem, left, routes[turn], step[turn], level[turn])
        units[routes[turn[fits]]] += step[turn[fits]]


def _fits_together(problem: Problem, left: Left, routes: np.ndarray, step: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Return which of the routes, one an item, fit into shared rooms and shipments, the worst off first, (k,)."""
    d = problem.destination[routes]
    order = np.lexsort((problem.item[d], level))
    fits = np.ones(len(routes), bool)
    for group, size, free in (
        (problem.location[d], problem.bulk[d] * step, left.room),
        (problem.shipment[routes], problem.loads[routes] * step, left.lane),
    ):
        bound = np.isfinite(free[group])
        rows = order[bound[order]]
        rows = rows[np.argsort(group[rows], kind="stable")]
        if len(rows):
            ends = before_in_group(group[rows], size[rows]) + size[rows]
            fits[rows] &= ends <= free[group[rows]] + SMALL / 10
    return fits
