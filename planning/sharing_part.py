"""What is left to share once hands have set their part, in an order of its own, and how it falls into parts.

The order depends on the numbers alone, never on the order or the names of what comes in, so that a permuted or
renamed problem is the same one. What ties in all its numbers falls in the order that it came in.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from planning.sharing import SMALL, Pieces, Problem, before_in_group

ROUNDS = 3
"""How far the numbers around a node count in its place: what it is connected to, and that to, and that to."""


@dataclass(frozen=True)
class Part:
    """What is left to share, or a part of it: m nodes, r free routes, L rooms, K shipments.

    item, location, takes, gives, pack, room, bulk, source, destination, date, freight, route_least, load : as in
        `Problem`; `least` stands in the pieces of `takes`, and `gives` is no more than what is available.
    available : (m, T) units up to each date, never falling.
    shipment : (r,) codes.  ship_room, ship_cost : (K,) room left and money still to pay; 0 where it leaves anyway.
    route, place : (r,), (items,) which route and item of the whole these are.
    """

    item: np.ndarray
    location: np.ndarray
    takes: Pieces
    gives: Pieces
    pack: np.ndarray
    available: np.ndarray
    room: np.ndarray
    bulk: np.ndarray
    source: np.ndarray
    destination: np.ndarray
    date: np.ndarray
    freight: np.ndarray
    route_least: np.ndarray
    load: np.ndarray
    shipment: np.ndarray
    ship_room: np.ndarray
    ship_cost: np.ndarray
    route: np.ndarray
    place: np.ndarray

    @property
    def step(self) -> np.ndarray:
        """Return the units in a pack on each route, 0: any fraction, (r,)."""
        return np.asarray(self.pack[self.destination])

    @property
    def supply(self) -> np.ndarray:
        """Return the units that each node can give in all, (m,)."""
        return np.asarray(self.available[:, -1])

    @property
    def route_item(self) -> np.ndarray:
        """Return the item of each route, (r,)."""
        return np.asarray(self.item[self.destination])


def keep_routes(part: Part, keep: np.ndarray) -> Part:
    """Return the part with the routes in `keep`, (r,) flags, alone."""
    names = ("source", "destination", "date", "freight", "route_least", "load", "shipment", "route")
    return replace(part, **{name: getattr(part, name)[keep] for name in names})


def in_own_order(problem: Problem) -> tuple[Problem, np.ndarray, np.ndarray]:
    """Return the problem in the order of its numbers, and the nodes and routes of the one given in that order."""
    sign = _signs(problem)
    ranks = {name: _rank(sign[name]) for name in ("item", "location", "lane")}
    item = ranks["item"][problem.item]
    nodes = np.lexsort((sign["node"], item))
    at = _inverse(nodes)
    source, destination = at[problem.source], at[problem.destination]
    lane = ranks["lane"][problem.lane]
    routes = np.lexsort((lane, problem.date, source, destination))
    per_node = {n: getattr(problem, n)[nodes] for n in ("pack", "available", "least", "missing_price", "bulk")}
    per_route = {n: getattr(problem, n)[routes] for n in ("date", "freight", "route_least", "fixed")}
    return (
        replace(
            problem,
            **per_node,
            **per_route,
            item=item[nodes],
            location=ranks["location"][problem.location][nodes],
            takes=_moved(problem.takes, at),
            gives=_moved(problem.gives, at),
            source=source[routes],
            destination=destination[routes],
            lane=lane[routes],
            room=problem.room[_inverse(ranks["location"])],
            lane_room=problem.lane_room[_inverse(ranks["lane"])],
            lane_cost=problem.lane_cost[_inverse(ranks["lane"])],
            load=problem.loads[routes],
        ),
        nodes,
        routes,
    )


def _inverse(order: np.ndarray) -> np.ndarray:
    at = np.empty(len(order), int)
    at[order] = np.arange(len(order))
    return at


def _rank(sign: np.ndarray) -> np.ndarray:
    return _inverse(np.argsort(sign, kind="stable"))


def _moved(pieces: Pieces, at: np.ndarray) -> Pieces:
    node = at[pieces.node]
    order = np.argsort(node, kind="stable")
    return Pieces(node[order], pieces.width[order], pieces.worth[order])


def _mixed(*columns: np.ndarray) -> np.ndarray:
    """Return 64 bits that depend on all bits of the columns of each row."""
    out = np.full(len(columns[0]), 0x9E3779B97F4A7C15, np.uint64)
    for column in columns:
        whole = np.asarray(column)
        bits = (whole.astype(float) + 0.0).view(np.uint64) if whole.dtype.kind == "f" else whole.astype(np.uint64)
        out = (out ^ bits) * np.uint64(0xBF58476D1CE4E5B9)
        out = (out ^ (out >> np.uint64(29))) * np.uint64(0x94D049BB133111EB)
        out ^= out >> np.uint64(32)
    return out


def _summed(code: np.ndarray, sign: np.ndarray, groups: int) -> np.ndarray:
    out = np.zeros(groups, np.uint64)
    np.add.at(out, code, sign)
    return out


def _signs(problem: Problem) -> dict[str, np.ndarray]:
    """Return a number for each node, item, location and lane that its numbers, and those around it, alone decide."""
    p, m = problem, len(problem.item)
    node = _mixed(p.pack, p.least, p.missing_price, p.bulk, *p.available.T)
    for pieces in (p.takes, p.gives):
        node = _mixed(node, _summed(pieces.node, _mixed(pieces.before, pieces.width, pieces.worth), m))
    route = _mixed(p.date, p.freight, p.route_least, np.nan_to_num(p.fixed, nan=-1.0), p.loads)
    item = np.zeros(int(p.item.max(initial=-1)) + 1, np.uint64)
    location, lane = _mixed(p.room), _mixed(p.lane_room, p.lane_cost)
    for _ in range(ROUNDS):
        item = _summed(p.item, node, len(item))
        location = _mixed(location, _summed(p.location, node, len(location)))
        ends = _mixed(route, lane[p.lane], node[p.source], node[p.destination])
        lane = _mixed(lane, _summed(p.lane, ends, len(lane)))
        into, out_of = _summed(p.destination, ends, m), _summed(p.source, ends, m)
        node = _mixed(node, into, out_of, location[p.location], item[p.item])
    return {"node": node, "item": item, "location": location, "lane": lane}


def carry_fixed(problem: Problem) -> tuple[np.ndarray, np.ndarray]:
    """Return what is possible of what was set by hand, units (r,), and which of it had to be cut, (r,) flags.

    The routes come in their order: the first takes what there is of stock, room and lane, and decides whether a node
    gives or takes. What must be cut is cut to whole packs.
    """
    units, cut = np.zeros(len(problem.source)), np.zeros(len(problem.source), bool)
    dates = problem.available.shape[1]
    left = np.maximum(problem.available, 0.0).astype(float)
    room = np.maximum(problem.room, 0.0).astype(float)
    carriable = np.repeat(np.maximum(problem.lane_room, 0.0).astype(float), dates)
    takes, gives = (np.zeros(len(problem.item), bool) for _ in range(2))
    wished = np.nan_to_num(problem.fixed)
    shipment, load = problem.shipment, problem.loads
    for r in np.flatnonzero(wished > 0):
        s, d, k = int(problem.source[r]), int(problem.destination[r]), int(shipment[r])
        place, bulk = int(problem.location[d]), float(problem.bulk[d])
        possible = min(
            float(left[s, problem.date[r] :].min()),
            room[place] / bulk if bulk > 0 else np.inf,
            carriable[k] / load[r] if load[r] > 0 else np.inf,
        )
        given = float(wished[r])
        if given > possible + SMALL or gives[d] or takes[s]:
            pack = float(problem.pack[d])
            given = (
                0.0 if gives[d] or takes[s] else float(np.floor(possible / pack + SMALL) * pack if pack else possible)
            )
            cut[r] = True
        if given <= 0:
            continue
        units[r] = given
        takes[d] = gives[s] = True
        left[s, problem.date[r] :] -= given
        room[place] -= bulk * given
        carriable[k] -= load[r] * given
    return units, cut | (wished < 0)


def open_part(problem: Problem, fixed: np.ndarray) -> Part:
    """Return what is left to share beside `fixed`, units (r,), on the routes that are free and can pay."""
    into, out = problem.into(fixed), problem.out_of(fixed)
    left = np.maximum(problem.available - problem.given_by(fixed), 0.0)
    left = np.minimum.accumulate(left[:, ::-1], axis=1)[:, ::-1]
    takes = _without_first(_with_least(problem), into)
    gives = _up_to(_without_first(problem.gives, out), left[:, -1])
    filled = np.bincount(problem.location, problem.bulk * into, minlength=len(problem.room))
    dates = problem.available.shape[1]
    carried = np.bincount(problem.shipment, problem.loads * fixed, minlength=len(problem.lane_room) * dates)
    leaves = np.bincount(problem.shipment, fixed, minlength=len(carried)) > SMALL
    part = Part(
        item=problem.item,
        location=problem.location,
        takes=takes,
        gives=gives,
        pack=problem.pack,
        available=left,
        room=np.maximum(problem.room - filled, 0.0),
        bulk=problem.bulk,
        source=problem.source,
        destination=problem.destination,
        date=problem.date,
        freight=problem.freight,
        route_least=problem.route_least,
        load=problem.loads,
        shipment=problem.shipment,
        ship_room=np.maximum(np.repeat(problem.lane_room, dates) - carried, 0.0),
        ship_cost=np.where(leaves, 0.0, np.repeat(problem.lane_cost, dates)),
        route=np.arange(len(problem.source)),
        place=np.arange(int(problem.item.max(initial=-1)) + 1),
    )
    free = np.isnan(problem.fixed) & (out[problem.destination] <= 0) & (into[problem.source] <= 0)
    return without_slack_limits(_paying(part, free))


def _with_least(problem: Problem) -> Pieces:
    """Return the pieces of `takes` with the price of a missing unit on the first `least` units."""
    pieces = problem.takes
    if not (problem.least > 0).any():
        return pieces
    wanted = np.clip(problem.least[pieces.node] - pieces.before, 0.0, pieces.width)
    node = np.repeat(pieces.node, 2)
    width = np.stack([wanted, pieces.width - wanted], axis=1).ravel()
    price = problem.missing_price[pieces.node]
    worth = np.stack([pieces.worth + price, pieces.worth], axis=1).ravel()
    keep = width > 0
    return Pieces(node[keep], width[keep], worth[keep])


def _without_first(pieces: Pieces, units: np.ndarray) -> Pieces:
    if not (units > 0).any():
        return pieces
    width = pieces.width - np.clip(units[pieces.node] - pieces.before, 0.0, pieces.width)
    keep = width > 1e-9
    return Pieces(pieces.node[keep], width[keep], pieces.worth[keep])


def _up_to(pieces: Pieces, units: np.ndarray) -> Pieces:
    width = np.clip(units[pieces.node] - pieces.before, 0.0, pieces.width)
    keep = width > 1e-9
    return Pieces(pieces.node[keep], width[keep], pieces.worth[keep])


def _paying(part: Part, free: np.ndarray) -> Part:
    """Keep the routes whose first unit gains more than it costs: no other can be in the best answer."""
    first_gain, first_loss = np.full(len(part.item), -np.inf), np.full(len(part.item), np.inf)
    first_gain[part.takes.node[::-1]] = part.takes.worth[::-1]
    first_loss[part.gives.node[::-1]] = part.gives.worth[::-1]
    gain = first_gain[part.destination] - first_loss[part.source] - part.freight
    step = np.maximum(part.step, SMALL)
    # Against the stock of all dates: that a date has too little for a pack is seen where the dates are told as one.
    possible = np.minimum(part.supply, part.gives.total(len(part.item)))[part.source]
    return keep_routes(part, free & (gain > 0) & (possible >= np.maximum(step, part.route_least) - SMALL))


def without_slack_limits(part: Part) -> Part:
    """Return the part with those rooms of locations and shipments taken away that nothing can fill."""
    m = len(part.item)
    total = part.takes.total(m)
    reach = np.bincount(part.destination, part.available[part.source, part.date], minlength=m)
    into = np.minimum(total, reach)
    room = np.bincount(part.location, part.bulk * into, minlength=len(part.room))
    on_route = np.minimum(total[part.destination], part.available[part.source, part.date])
    carried = np.bincount(part.shipment, part.load * on_route, minlength=len(part.ship_room))
    return replace(
        part,
        room=np.where(room <= part.room + 1e-9, np.inf, part.room),
        ship_room=np.where(carried <= part.ship_room + 1e-9, np.inf, part.ship_room),
    )


def blocks_of(part: Part) -> np.ndarray:
    """Return the block of each item, (items,) codes; items of two blocks touch no limit in common."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    items, rooms, ships = len(part.place), len(part.room), len(part.ship_room)
    tight = np.isfinite(part.room)[part.location[part.destination]]
    bound = (np.isfinite(part.ship_room) | (part.ship_cost > 0))[part.shipment]
    ends = np.r_[items + part.location[part.destination][tight], items + rooms + part.shipment[bound]]
    starts = np.r_[part.route_item[tight], part.route_item[bound]]
    size = items + rooms + ships
    graph = coo_array((np.ones(len(starts), bool), (starts, ends)), shape=(size, size))
    return np.asarray(connected_components(graph, directed=False)[1][:items])


def split(part: Part, group: np.ndarray) -> list[Part]:
    """Return the part of each group of items, in the order of the codes `group`, (items,), those with -1 left out."""
    codes = np.unique(group[group >= 0])
    return [
        _cut(part, items, nodes, routes, takes, gives)
        for items, nodes, routes, takes, gives in zip(
            _members(group, codes),
            _members(group[part.item], codes),
            _members(group[part.route_item], codes),
            _members(group[part.item[part.takes.node]], codes),
            _members(group[part.item[part.gives.node]], codes),
            strict=True,
        )
    ]


def _members(code: np.ndarray, codes: np.ndarray) -> list[np.ndarray]:
    order = np.argsort(code, kind="stable")
    start, end = (np.searchsorted(code[order], codes, side=side) for side in ("left", "right"))
    return [order[a:b] for a, b in zip(start, end, strict=True)]


def _cut(
    part: Part, items: np.ndarray, nodes: np.ndarray, routes: np.ndarray, takes: np.ndarray, gives: np.ndarray
) -> Part:
    def local(known: np.ndarray, code: np.ndarray) -> np.ndarray:
        return np.searchsorted(known, code)

    locations, shipments = np.unique(part.location[nodes]), np.unique(part.shipment[routes])
    names = ("date", "freight", "route_least", "load", "route")
    pieces: Sequence[Pieces] = [
        Pieces(local(nodes, whole.node[rows]), whole.width[rows], whole.worth[rows])
        for whole, rows in ((part.takes, takes), (part.gives, gives))
    ]
    return replace(
        part,
        **{name: getattr(part, name)[routes] for name in names},
        item=local(items, part.item[nodes]),
        location=local(locations, part.location[nodes]),
        takes=pieces[0],
        gives=pieces[1],
        pack=part.pack[nodes],
        available=part.available[nodes],
        room=part.room[locations],
        bulk=part.bulk[nodes],
        source=local(nodes, part.source[routes]),
        destination=local(nodes, part.destination[routes]),
        shipment=local(shipments, part.shipment[routes]),
        ship_room=part.ship_room[shipments],
        ship_cost=part.ship_cost[shipments],
        place=part.place[items],
    )


def chunks(part: Part, pieces: Pieces, step: np.ndarray) -> Pieces:
    """Return the pieces in whole packs: where a piece ends within a pack, that pack is a piece with the mean worth.

    What is left of a node beyond its last whole pack falls away. Concave stays concave.

    Parameters
    ----------
    step : units in a pack of each node, 0: any fraction (its pieces stay), (m,).
    """
    before = pieces.before
    width = step[pieces.node]
    unit = np.where(width > 0, width, 1.0)
    whole = (width <= 0) | (
        (np.abs(before / unit - np.round(before / unit)) < 1e-9)
        & (np.abs(pieces.width / unit - np.round(pieces.width / unit)) < 1e-9)
    )
    if whole.all():
        return pieces
    m = len(part.item)
    start = np.r_[0.0, np.cumsum(pieces.total(m))]
    ends = before + pieces.width
    most = np.floor(pieces.total(m)[pieces.node] / unit + 1e-9) * unit
    most = np.where(width > 0, most, np.inf)
    points = [
        np.where(width > 0, how(at / unit + nudge) * unit, at)
        for at in (before, ends)
        for how, nudge in ((np.floor, 1e-9), (np.ceil, -1e-9))
    ]
    at = np.minimum(np.concatenate(points), np.tile(most, 4))
    node = np.tile(pieces.node, 4)
    order = np.lexsort((at, node))
    at, node = at[order], node[order]
    new = np.r_[True, (node[1:] != node[:-1]) | (at[1:] - at[:-1] > 1e-9)]
    at, node = at[new], node[new]
    first = np.searchsorted(pieces.node, node)
    place = np.maximum(np.searchsorted(start[pieces.node] + ends, start[node] + at - 1e-9), first)
    place = np.minimum(place, len(ends) - 1)
    money = before_in_group(pieces.node, pieces.width * pieces.worth)[place]
    money = money + np.maximum(at - before[place], 0.0) * pieces.worth[place]
    same = node[1:] == node[:-1]
    size = np.diff(at)[same]
    return Pieces(node[1:][same], size, np.diff(money)[same] / size)
