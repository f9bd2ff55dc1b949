"""The marginal rule, all items at once: the best units first, for as long as there is stock and they gain.

    Item i has one source with A units and stores j with pieces (worth a unit w, falling in each store); the source's
    own pieces (what a unit given loses) compete for the A units too, so that a unit is given only where it gains
    more than it loses. Sort all pieces of an item by w - freight - price; fill until A is used up.

Optimal for concave pieces under one sum with one pack size (Gross 1956; Fox, Management Science 13, 1966), and with
any fraction. With packs of different sizes the last piece that still fits in part gives a bound instead, and its
whole packs an answer.
"""

from dataclasses import dataclass

import numpy as np

from planning.sharing import Pieces, before_in_group
from planning.sharing_part import Part, chunks

SLAB = 50_000
"""Rows that are sorted at once: small enough to stay near the processor."""


@dataclass(frozen=True)
class Stars:
    """Which items have one source, one date and one route a store, and which of them one pack size, (items,) flags."""

    star: np.ndarray
    greedy: np.ndarray


def find_stars(part: Part) -> Stars:
    """Look at the routes of each item; an item without routes is greedy."""
    items, m, item = len(part.place), len(part.item), part.route_item
    counts = np.bincount(part.destination, minlength=m)
    gives = np.bincount(part.source, minlength=m) > 0
    many = np.zeros(items, bool)
    many[item[counts[part.destination] > 1]] = True
    many[item[gives[part.destination]]] = True
    star = ~many & _one(item, part.source, items) & _one(item, part.date, items)
    semi = np.zeros(items, bool)
    semi[item[part.route_least > np.maximum(part.step, 1e-9) + 1e-9]] = True
    counted = np.ones(items, bool)
    counted[item[part.step <= 0]] = False
    one_pack = _one(item, part.step, items)
    return Stars(star & (counted | (one_pack & ~semi)), star & one_pack & ~semi)


def _one(group: np.ndarray, value: np.ndarray, groups: int) -> np.ndarray:
    least, most = np.full(groups, np.inf), np.full(groups, -np.inf)
    np.minimum.at(least, group, value)
    np.maximum.at(most, group, value)
    return np.asarray(least >= most)


@dataclass(frozen=True)
class Rows:
    """Pieces that compete for each item's stock, sorted by item.

    item, route, units, worth : (k,); route -1: the source keeps the units, and worth is what giving them would lose.
    step : (k,) units in a pack, 0: any fraction.  supply : (items,) units.
    kept : (items,) money of all that the source can give, if it keeps it.
    """

    item: np.ndarray
    route: np.ndarray
    units: np.ndarray
    worth: np.ndarray
    step: np.ndarray
    supply: np.ndarray
    kept: np.ndarray


@dataclass(frozen=True)
class Filled:
    """What the rule gives: units by route, (r,); the value of each item and a bound of it, what it gives, (items,)."""

    units: np.ndarray
    value: np.ndarray
    bound: np.ndarray
    given: np.ndarray


def build_rows(part: Part, chosen: np.ndarray) -> Rows:
    """Collect the rows of the items in `chosen`, (items,) flags, all of them stars; `worth` is net of freight."""
    m, items = len(part.item), len(part.place)
    smallest = np.full(items, np.inf)
    np.minimum.at(smallest, part.route_item, part.step)
    largest = np.zeros(items)
    np.maximum.at(largest, part.route_item, part.step)
    shared = np.where(smallest == largest, np.where(np.isfinite(smallest), smallest, 0.0), 0.0)
    route_of, used = np.full(m, -1), np.zeros(m, bool)
    here = chosen[part.route_item]
    route_of[part.destination[here]] = np.flatnonzero(here)
    used[part.source[here]] = True
    supply = np.zeros(m)
    supply[part.source[here]] = part.available[part.source[here], part.date[here]]
    gives = _of(part.gives, used)
    width = np.clip(supply[gives.node] - gives.before, 0.0, gives.width)
    gives = chunks(part, Pieces(gives.node[width > 0], width[width > 0], gives.worth[width > 0]), shared[part.item])
    takes = chunks(part, _of(part.takes, route_of >= 0), part.pack)
    route = np.r_[np.full(len(gives.node), -1), route_of[takes.node]]
    item = part.item[np.r_[gives.node, takes.node]]
    order = np.argsort(item, kind="stable")
    return Rows(
        item[order],
        route[order],
        np.r_[gives.width, takes.width][order],
        np.r_[gives.worth, takes.worth - part.freight[route_of[takes.node]]][order],
        np.r_[np.zeros(len(gives.node)), part.pack[takes.node]][order],
        np.bincount(part.item[gives.node], gives.width, minlength=items),
        np.bincount(part.item[gives.node], gives.width * gives.worth, minlength=items),
    )


def _of(pieces: Pieces, nodes: np.ndarray) -> Pieces:
    keep = nodes[pieces.node]
    return pieces if keep.all() else Pieces(pieces.node[keep], pieces.width[keep], pieces.worth[keep])


def best_first(rows: Rows, routes: int, price: np.ndarray | None = None) -> Filled:
    """Fill the best rows of each item first; the order that they came in decides between equals, keeping before giving.

    Parameters
    ----------
    routes : how many routes there are.
    price : (routes,) money a unit beside the freight.
    """
    net = rows.worth
    if price is not None:
        net = net - np.where(rows.route >= 0, price[rows.route], 0.0)
    order = _best_in_item(rows.item, net)
    item, units, net = rows.item[order], rows.units[order], net[order]
    filled = np.clip(rows.supply[item] - before_in_group(item, units), 0.0, units)
    items = len(rows.supply)
    bound = np.bincount(item, filled * net, minlength=items) - rows.kept
    step, route = rows.step[order], rows.route[order]
    cut = (step > 0) & (filled < units)
    unit = np.where(step > 0, step, 1.0)
    whole = np.where(cut, np.floor(filled / unit + 1e-9) * unit, filled)
    value, to = bound, route >= 0
    given = np.bincount(item[to], whole[to], minlength=items)
    if (filled - whole > 1e-9).any():
        gained = np.bincount(item[to], (whole * net)[to], minlength=items)
        # The dearest units stand first: those the source keeps.
        own, width = item[~to], units[~to]
        kept = np.clip((rows.supply - given)[own] - before_in_group(own, width), 0.0, width)
        value = gained + np.bincount(own, kept * net[~to], minlength=items) - rows.kept
    return Filled(np.bincount(route[to], whole[to], minlength=routes), value, bound, given)


def _best_in_item(item: np.ndarray, net: np.ndarray) -> np.ndarray:
    """Return the order by item, which stands already, and within it from the highest `net` down, (k,)."""
    ends = np.searchsorted(item, item[SLAB::SLAB])
    edges = np.unique(np.r_[0, ends, len(item)])
    slabs = (slice(a, b) for a, b in zip(edges[:-1], edges[1:], strict=True))
    parts = [slab.start + np.lexsort((-net[slab], item[slab])) for slab in slabs]
    return np.concatenate(parts) if parts else np.zeros(0, int)
