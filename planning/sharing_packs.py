"""One source and packs of different sizes: the best split of each item, exactly, all items at once.

    best[j, a] = max over k of best[j - 1, a - k pack[j]] + value[j, k];  answer: max over a of best[n, a] - loss[a]

with a in steps of the largest size that divides all packs. Source: the knapsack recursion by stages, Bellman (1957).
"""

from dataclasses import dataclass

import numpy as np

from planning.sharing import Pieces
from planning.sharing_greedy import Filled
from planning.sharing_part import Part

FINEST = 1e-3
"""Packs are whole multiples of so many units."""
MOST_STEPS = 600
"""An item with more steps of supply than that is left to other methods."""
BATCH = 4_000_000
"""Numbers of one table that are worked on at once."""


@dataclass(frozen=True)
class Batch:
    """Items with like numbers of steps: b items, up to n stores, k packs, steps 0 ... a.

    item : (b,).  route, step : (b, n) the route (-1: none) and its pack in steps.
    value : (b, n, k + 1) money of so many packs before prices, -inf where not allowed.
    loss : (b, a + 1) money that giving so many steps loses, inf beyond the supply.  unit : (b,) units in a step.
    """

    item: np.ndarray
    route: np.ndarray
    step: np.ndarray
    value: np.ndarray
    loss: np.ndarray
    unit: np.ndarray


def steps_of(part: Part) -> tuple[np.ndarray, np.ndarray]:
    """Return the units in a step and the steps of supply of each item, (items,); steps inf where packs have none."""
    items, item = len(part.place), part.route_item
    size = np.zeros(items, np.int64)
    np.gcd.at(size, item, np.round(part.step / FINEST).astype(np.int64))
    odd = np.abs(np.round(part.step / FINEST) * FINEST - part.step) > 1e-9
    unit = size * FINEST
    supply, wanted = np.zeros(items), np.zeros(items)
    supply[item] = np.minimum(part.available[part.source, part.date], part.gives.total(len(part.item))[part.source])
    np.add.at(wanted, item, part.takes.total(len(part.item))[part.destination])
    steps = np.floor(np.minimum(supply, wanted) / np.where(unit > 0, unit, 1.0) + 1e-9)
    steps[item[odd | (part.step <= 0)]] = np.inf
    return unit, steps


def build_batches(part: Part, chosen: np.ndarray) -> list[Batch]:
    """Build the tables of the items in `chosen`, (items,) flags: stars of counted packs, `steps_of` not too many."""
    unit, steps = steps_of(part)
    item = part.route_item
    routes = np.flatnonzero(chosen[item])
    most, total = np.zeros(len(part.place)), part.takes.total(len(part.item))
    np.maximum.at(most, item[routes], np.floor(total[part.destination[routes]] / part.step[routes] + 1e-9))
    stores = np.bincount(item[routes], minlength=len(part.place))
    groups = _alike(np.flatnonzero(chosen & (stores > 0)), steps, most, stores)
    return [_batch(part, members, routes, unit, steps) for members in groups]


def _alike(items: np.ndarray, steps: np.ndarray, most: np.ndarray, stores: np.ndarray) -> list[np.ndarray]:
    """Return items in groups of like sizes, so that little of a table is empty."""
    sizes = [np.ceil(np.log2(np.maximum(number[items], 1)) * 2).astype(int) for number in (steps + 1, most + 1, stores)]
    order = np.lexsort(sizes)
    keys = np.stack(sizes, axis=1)[order]
    edge = np.flatnonzero(np.r_[True, (keys[1:] != keys[:-1]).any(axis=1)]) if len(items) else np.zeros(0, int)
    out = []
    for group in np.split(items[order], edge[1:]):
        if len(group):
            size = int((steps[group].max() + 1) * stores[group].max() * 2)
            out += np.array_split(group, max(1, -(-len(group) * size // BATCH)))
    return out


def _batch(part: Part, members: np.ndarray, routes: np.ndarray, unit: np.ndarray, steps: np.ndarray) -> Batch:
    place = np.full(len(part.place), -1)
    place[members] = np.arange(len(members))
    own = routes[place[part.route_item[routes]] >= 0]
    own = own[np.argsort(place[part.route_item[own]], kind="stable")]
    row = place[part.route_item[own]]
    column = np.arange(len(own)) - np.searchsorted(row, row)
    b, n, a = len(members), int(column.max()) + 1, int(steps[members].max())
    route = np.full((b, n), -1)
    route[row, column] = own
    step = np.ones((b, n), np.int64)
    step[row, column] = np.round(part.step[own] / unit[members][row]).astype(np.int64)
    total = np.minimum(part.takes.total(len(part.item))[part.destination[own]], (steps * unit)[members][row])
    packs = np.floor(total / part.step[own] + 1e-9).astype(int)
    at = np.arange(packs.max() + 1)[None, :] * part.step[own][:, None]
    money = cumulative(part.takes, part.destination[own], at) - part.freight[own][:, None] * at
    allowed = (np.arange(at.shape[1])[None, :] <= packs[:, None]) & (
        (at <= 0) | (at >= part.route_least[own][:, None] - 1e-9)
    )
    value = np.full((b, n, at.shape[1]), -np.inf)
    value[:, :, 0] = 0.0
    value[row, column] = np.where(allowed, money, -np.inf)
    source = np.zeros(b, int)
    source[row] = part.source[own]
    given = np.arange(a + 1)[None, :] * unit[members][:, None]
    loss = cumulative(part.gives, source, given)
    loss = np.where(np.arange(a + 1)[None, :] <= steps[members][:, None], loss, np.inf)
    return Batch(members, route, step, value, loss, unit[members])


def cumulative(pieces: Pieces, node: np.ndarray, units: np.ndarray) -> np.ndarray:
    """Return the money of `units`, (k, any), at each of `node`, (k,), no more than the pieces hold."""
    first = np.searchsorted(pieces.node, node)
    count = np.searchsorted(pieces.node, node, side="right") - first
    before, out = pieces.before, np.zeros(units.shape)
    for nth in range(int(count.max(initial=0))):
        rows = count > nth
        at = first[rows] + nth
        filled = np.clip(units[rows] - before[at][:, None], 0, pieces.width[at][:, None])
        out[rows] += filled * pieces.worth[at][:, None]
    return out


def best_packs(batches: list[Batch], part: Part, price: np.ndarray | None = None) -> Filled:
    """Return the best units of each item of the batches; between equals the fewest units, the first stores first.

    Parameters
    ----------
    price : (routes,) money a unit beside the freight.
    """
    units, value, given = np.zeros(len(part.route)), np.zeros(len(part.place)), np.zeros(len(part.place))
    for batch in batches:
        table = batch.value
        if price is not None:
            each = np.where(batch.route >= 0, price[batch.route], 0.0) * batch.step * batch.unit[:, None]
            table = table - each[:, :, None] * np.arange(table.shape[2])
        best, choice = _stages(batch, table)
        net = best - batch.loss
        at = net.argmax(axis=1)
        rows = np.arange(len(at))
        value[batch.item], given[batch.item] = net[rows, at], at * batch.unit
        for n in range(batch.route.shape[1] - 1, -1, -1):
            k = choice[n][rows, at]
            to = batch.route[:, n] >= 0
            units[batch.route[to, n]] = (k * batch.step[:, n] * batch.unit)[to]
            at = at - k * batch.step[:, n]
    return Filled(units, value, value, given)


def _stages(batch: Batch, table: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    b, n, packs = table.shape
    width = batch.loss.shape[1]
    steps = np.arange(width)
    best = np.full((b, width), -np.inf)
    best[:, 0] = 0.0
    choice = []
    for j in range(n):
        after, chosen = best + table[:, j, :1], np.zeros((b, width), np.int32)
        for k in range(1, packs):
            if not np.isfinite(table[:, j, k]).any():
                continue
            back = steps[None, :] - k * batch.step[:, j, None]
            other = np.take_along_axis(best, np.maximum(back, 0), axis=1) + table[:, j, k, None]
            better = (back >= 0) & (other > after)
            np.copyto(after, other, where=better)
            chosen[better] = k
        best = after
        choice.append(chosen)
    return best, choice
