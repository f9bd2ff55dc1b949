"""What bound a sharing, and what one more unit, one more of room and one more truck would be worth.

    worth of one more = V(problem with one more) - V(problem),  V the best that can be had

One more is a unit at a source, one of room at a location, or a truck on a lane: its room once more, or its shipments
for nothing where it does not run; what the truck costs is not taken off, so that the figure is the most one would
pay for it. A dual of the model would lie anywhere between the last unit given and the first refused; the difference
is one number. It is exact where the item falls to the marginal rule (there it is the first refused), and where its
block is small, by solving that anew; elsewhere it is made from the marginal values, and told to be indicative.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np

from planning.sharing import SMALL, Answer, Pieces, Problem, before_in_group
from planning.sharing_fill import left_over
from planning.sharing_greedy import find_stars
from planning.sharing_margins import Margins, find_margins, taken, what_bound
from planning.sharing_part import Part, blocks_of, carry_fixed, open_part

MOST_ROUTES = 100
"""A block of up to so many routes is solved anew."""
MOST_WORK = 4_000
"""Most routes in all blocks solved anew, each time; counted, so that the same problem has the same answer."""

AT_ONCE = ("met", "greedy")
"""Ways by which an item got what it would without any limit but its stock."""

Share = Callable[[Problem], Answer]


@dataclass(frozen=True)
class More:
    """What one more of each is worth, money, and whether that is exact or indicative, flags; both (k,)."""

    worth: np.ndarray
    exact: np.ndarray


@dataclass(frozen=True)
class Limits:
    """What bound a sharing.

    bound : (m,) texts, the codes of `planning.sharing_margins.what_bound`.
    last, refused : (m,) money a unit, net of freight and of what the giver loses; NaN: none was given, or refused.
    source : of one more unit at each node, (m,).  room : of one more of it at each location, (L,).
    lane : of one more truck on each lane, (lanes,).
    """

    bound: np.ndarray
    last: np.ndarray
    refused: np.ndarray
    source: More
    room: More
    lane: More


def find_limits(
    problem: Problem, answer: Answer, *, reserve: np.ndarray | None = None, share: Share | None = None
) -> Limits:
    """Return what bound a sharing, and what one more would be worth.

    Parameters
    ----------
    reserve : units that each node keeps back, (m,); None: none does.
    share : how a block is solved anew; None: all that the marginal rule does not tell is indicative.
    """
    margins = find_margins(problem, answer.units)
    kept = np.zeros(len(problem.item)) if reserve is None else reserve
    # What had to be cut of what hands have set stays so: one more moves only what is free.
    problem = replace(problem, fixed=np.where(np.isnan(problem.fixed), np.nan, answer.units))
    wider = with_more_stock(problem, np.ones(len(problem.item)))
    part = open_part(wider, carry_fixed(problem)[0])
    source, room, lane = _indicative(problem, answer, margins, part)
    if share is not None:
        told = np.ones(len(answer.way), bool)
        told[problem.item[~source.exact]] = False
        at_once = ~told & find_stars(part).star & ~_limited(part)
        told &= np.isin(answer.way, AT_ONCE)
        stock = _stock_at_once(problem, answer.units, share, part, at_once) if at_once.any() else ()
        block = blocks_of(part)
        single = _solved_anew(
            problem, answer.units, share, np.where(np.isin(block, block[~told & ~at_once]), block, -1)
        )
        for kind, place, worth in chain(stock, single):
            more = {"source": source, "room": room, "lane": lane}[kind]
            more.worth[place], more.exact[place] = worth, True
    return Limits(what_bound(problem, margins, kept), margins.last, margins.refused, source, room, lane)


def _indicative(problem: Problem, answer: Answer, margins: Margins, part: Part) -> tuple[More, More, More]:
    """Return what one more is worth by the marginal values: of each node, location and lane.

    Where an item has what it would without any limit but its stock, its first refused pack is exact if it meets no
    limit either.

    Parameters
    ----------
    part : what would be left to share if each node had one more.
    """
    p, m = problem, len(problem.item)
    alone = np.isin(answer.way, AT_ONCE)
    by_stock = alone & find_stars(part).greedy
    by_stock[p.item[p.destination[p.pack[p.destination] <= 0]]] = False
    in_room, on_lane = np.ones(len(p.room), bool), np.ones(len(p.lane_room), bool)
    in_room[p.location[~alone[p.item]]] = False
    on_lane[p.lane[~alone[p.item[p.source]]]] = False
    price = _price_of_stock(p, margins)
    stock, unlimited = _more_stock(p, margins)
    room, trucks = _more_room(p, margins, price), _more_trucks(p, margins, price)
    return (
        More(stock, by_stock[p.item] & (stock >= unlimited) | (np.bincount(p.source, minlength=m) == 0)),
        More(np.where(in_room, 0.0, room), in_room | ~np.isfinite(p.room)),
        More(np.where(on_lane, 0.0, trucks), on_lane | (~np.isfinite(p.lane_room) & (p.lane_cost <= 0))),
    )


def _open(problem: Problem, margins: Margins) -> np.ndarray:
    """Return which routes may carry more as far as hands, sides and wishes go, (r,) flags."""
    s, d = problem.source, problem.destination
    sides = ~margins.left.took[s] & ~margins.left.gave[d]
    return np.asarray(np.isnan(problem.fixed) & sides & (margins.left.wish[d] > SMALL))


def _more_stock(problem: Problem, margins: Margins) -> tuple[np.ndarray, np.ndarray]:
    """Return the money of one unit more at each node, and what it would be without rooms and lanes, both (m,).

    It is that of the best refused step, where the unit makes it a whole one.
    """
    left, d = margins.left, problem.destination
    step = np.where(problem.pack[d] <= 0, np.minimum(1.0, left.wish[d]), margins.step)
    reach = left.supply[problem.source, problem.date] + 1.0
    could = _open(problem, margins) & (reach >= step - SMALL) & (left.wish[d] >= step - SMALL)
    could &= (margins.units > SMALL) | (step >= problem.route_least - SMALL)
    leaves = np.bincount(problem.shipment, margins.units, minlength=len(left.lane)) > SMALL
    fits = could & (leaves[problem.shipment] | (problem.lane_cost[problem.lane] <= 0))
    fits &= left.room[problem.location[d]] >= problem.bulk[d] * step - SMALL
    fits &= left.lane[problem.shipment] >= problem.loads * step - SMALL
    stock, unlimited = np.zeros(len(problem.item)), np.zeros(len(problem.item))
    for out, routes in ((stock, fits), (unlimited, could)):
        np.maximum.at(out, problem.source[routes], (margins.next * step)[routes])
    return stock, unlimited


def _price_of_stock(problem: Problem, margins: Margins) -> np.ndarray:
    """Return what a unit of each route is worth elsewhere: where its source is empty, the least last unit, (r,)."""
    least = np.full(len(problem.item), np.inf)
    used = margins.units > SMALL
    np.minimum.at(least, problem.source[used], margins.last[problem.destination[used]])
    dry = margins.left.supply[problem.source, problem.date] < margins.step - SMALL
    price = least[problem.source]
    return np.where(dry & np.isfinite(price), np.maximum(price, 0.0), 0.0)


def _more_room(problem: Problem, margins: Margins, price: np.ndarray) -> np.ndarray:
    """Return the money of one more of room: the best refused unit there over what it takes up, (L,)."""
    d = problem.destination
    tight = margins.left.room[problem.location[d]] < problem.bulk[d] * margins.step - SMALL
    open_ = np.flatnonzero(_open(problem, margins) & tight & (problem.bulk[d] > 0))
    out = np.zeros(len(problem.room))
    np.maximum.at(out, problem.location[d[open_]], (margins.next - price)[open_] / problem.bulk[d[open_]])
    return out


def _more_trucks(problem: Problem, margins: Margins, price: np.ndarray) -> np.ndarray:
    """Return the money of one more truck: the best refused pieces along the lane, as many as it carries, (lanes,)."""
    pieces, left, d = problem.takes, margins.left, problem.destination
    into = problem.into(margins.units)
    running = np.bincount(problem.shipment, margins.units, minlength=len(left.lane)) > SMALL
    full = left.lane[problem.shipment] < problem.loads * margins.step - SMALL
    dear = ~running[problem.shipment] & (problem.lane_cost[problem.lane] > 0)
    at = np.flatnonzero(_open(problem, margins) & (full | dear))
    # One row a piece of the node that each such route leads to.
    route = np.repeat(at, np.bincount(pieces.node, minlength=len(into))[d[at]])
    k = np.searchsorted(pieces.node, d[route]) + before_in_group(route, np.ones(len(route))).astype(int)
    width = pieces.width[k] - np.clip(into[pieces.node[k]] - pieces.before[k], 0.0, pieces.width[k])
    net = pieces.worth[k] - (problem.freight + margins.loss + price)[route]
    keep = (net > 0) & (width > 0)
    lane, width, net = problem.lane[route[keep]], width[keep], net[keep]
    load = np.maximum(problem.loads[route[keep]], 1e-12)
    order = np.lexsort((-net / load, lane))
    lane, width, net, load = lane[order], width[order], net[order], load[order]
    space = np.maximum(problem.lane_room[lane] - before_in_group(lane, width * load), 0.0)
    return np.bincount(lane, np.minimum(width, space / load) * net, minlength=len(problem.lane_room))


def _limited(part: Part) -> np.ndarray:
    """Return which items share a limit with others or pay for shipments, (items,) flags."""
    tight = np.isfinite(part.room)[part.location[part.destination]]
    tight |= (np.isfinite(part.ship_room) | (part.ship_cost > 0))[part.shipment]
    return np.bincount(part.route_item, tight, minlength=len(part.place)) > 0


def _stock_at_once(
    problem: Problem, units: np.ndarray, share: Share, part: Part, chosen: np.ndarray
) -> Iterator[tuple[str, int, float]]:
    """Solve items of one source that touch nothing in common, (items,) flags, anew with one more at all sources."""
    cut = cut_out(problem, units, chosen)
    pays = np.isin(cut.node, part.source)
    changed = with_more_stock(cut.problem, pays.astype(float))
    now, then = share(cut.problem), share(changed)
    if now.outcome.gap > 0 or then.outcome.gap > 0:
        return
    worth = _value_by_item(changed, then.units) - _value_by_item(cut.problem, now.units)
    for n in np.unique(cut.problem.source):
        yield "source", int(cut.node[n]), max(float(worth[cut.problem.item[n]]), 0.0) if pays[n] else 0.0


def _value_by_item(problem: Problem, units: np.ndarray) -> np.ndarray:
    """Return what each item is worth beside shipments, money, (items,)."""
    node = taken(problem, problem.into(units)) - problem.gives.worth_of(problem.out_of(units))
    node -= np.bincount(problem.source, problem.freight * units, minlength=len(node))
    return np.bincount(problem.item, node)


def _solved_anew(
    problem: Problem, units: np.ndarray, share: Share, block: np.ndarray
) -> Iterator[tuple[str, int, float]]:
    """Solve small blocks, (items,) codes, -1: none, anew with one more of each: its kind, its place, its worth."""
    routes = block[problem.item[problem.source]]
    codes, count = np.unique(routes[routes >= 0], return_counts=True)
    work = 0
    for code in codes[np.argsort(count, kind="stable")][: int((count <= MOST_ROUTES).sum())]:
        cut = cut_out(problem, units, block == code)
        changes = list(_changes(cut))
        work += (1 + len(changes)) * len(cut.problem.source)
        if work > MOST_WORK:
            return
        now = share(cut.problem).outcome
        for kind, place, changed in changes:
            then = share(changed).outcome
            if now.gap <= 0 and then.gap <= 0:
                yield kind, place, max(then.objective - now.objective, 0.0)


@dataclass(frozen=True)
class Cut:
    """A block as a problem of its own; its lanes are the shipments of the whole.

    node, location : (m,), (L,) which rows of the whole these are.
    lane, truck, running : of each shipment, its lane, the room of one, and whether it leaves, (K,).
    """

    problem: Problem
    node: np.ndarray
    location: np.ndarray
    lane: np.ndarray
    truck: np.ndarray
    running: np.ndarray


def cut_out(problem: Problem, units: np.ndarray, chosen: np.ndarray) -> Cut:
    """Return the items in `chosen`, (items,) flags, with the rooms and shipments that the others leave to them."""
    dates = problem.available.shape[1]
    node, route = np.flatnonzero(chosen[problem.item]), np.flatnonzero(chosen[problem.item[problem.source]])
    others = np.where(chosen[problem.item[problem.source]], 0.0, units)
    left = left_over(problem, others, np.zeros(len(problem.item)))
    running = np.bincount(problem.shipment, others, minlength=len(left.lane)) > SMALL
    location, place = np.unique(problem.location[node], return_inverse=True)
    shipment, lane = np.unique(problem.shipment[route], return_inverse=True)
    at = np.full(len(problem.item), -1)
    at[node] = np.arange(len(node))
    by_node = {k: getattr(problem, k)[node] for k in ("pack", "available", "least", "missing_price", "bulk")}
    by_route = {k: getattr(problem, k)[route] for k in ("date", "freight", "route_least", "fixed")}
    part = replace(
        problem,
        **by_node,
        **by_route,
        item=np.unique(problem.item[node], return_inverse=True)[1],
        location=place,
        takes=_of(problem.takes, at),
        gives=_of(problem.gives, at),
        source=at[problem.source[route]],
        destination=at[problem.destination[route]],
        room=left.room[location],
        lane=lane,
        lane_room=left.lane[shipment],
        lane_cost=np.where(running[shipment], 0.0, problem.lane_cost[shipment // dates]),
        load=problem.loads[route],
    )
    leaves = np.bincount(problem.shipment, units, minlength=len(left.lane))[shipment] > SMALL
    return Cut(part, node, location, shipment // dates, problem.lane_room[shipment // dates], leaves)


def _of(pieces: Pieces, at: np.ndarray) -> Pieces:
    keep = at[pieces.node] >= 0
    return Pieces(at[pieces.node[keep]], pieces.width[keep], pieces.worth[keep])


def _changes(cut: Cut) -> Iterator[tuple[str, int, Problem]]:
    """Yield one more of each that the block could lack."""
    problem = cut.problem
    able = open_part(problem, carry_fixed(problem)[0])
    for n in np.unique(problem.source):
        yield "source", int(cut.node[n]), with_more_stock(problem, 1.0 * (np.arange(len(cut.node)) == n))
    for p in np.flatnonzero(np.isfinite(able.room)):
        yield "room", int(cut.location[p]), replace(problem, room=problem.room + (np.arange(len(problem.room)) == p))
    tight = np.isfinite(able.ship_room).reshape(len(cut.lane), -1).any(axis=1) | (problem.lane_cost > 0)
    for lane in np.unique(cut.lane[tight]):
        yield "lane", int(lane), with_more_trucks(cut, cut.lane == lane)


def with_more_stock(problem: Problem, more: np.ndarray) -> Problem:
    """Return the problem with `more`, (m,), units at its nodes from today on; one more loses as the last one."""
    gives = problem.gives
    end = np.r_[gives.node[1:] != gives.node[:-1], True][: len(gives.node)]
    width = gives.width + np.where(end, more[gives.node], 0.0)
    return replace(problem, available=problem.available + more[:, None], gives=Pieces(gives.node, width, gives.worth))


def with_more_trucks(cut: Cut, own: np.ndarray) -> Problem:
    """Return the block with a truck more on a lane: its room once more, or where none leaves, one for nothing.

    Parameters
    ----------
    own : the shipments of the lane, (K,) flags.
    """
    problem = cut.problem
    if not cut.running[own].any() and (problem.lane_cost[own] > 0).any():
        return replace(problem, lane_cost=np.where(own, 0.0, problem.lane_cost))
    more = np.where(own & (cut.running | ~cut.running[own].any()), cut.truck, 0.0)
    return replace(problem, lane_room=problem.lane_room + more)
