"""A supplier's orders without a solver: order up to, fill the minimum or the container, trim to the budget.

The start and the fallback of `planning.supplier_orders`, and how a budget is split among suppliers.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from planning.supplier_instance import (
    SMALL,
    Instance,
    broken_rules,
    containers,
    held_most,
    line_costs,
    most_useful,
    run_course,
    total_cost,
)

COVERS = (1, 2, 3, 4, 6, 8, 13)
"""Buckets between orders that the search begins with."""
MOST_ROUNDS = 6
MOST_TRIES = 120
"""Counts of containers that one search tries."""
POLISHED = 2
"""Of the best orders found so many are improved by line."""


def greedy_orders(instance: Instance, most: np.ndarray | None = None, *, thorough: bool = True) -> np.ndarray | None:
    """Return the cheapest lawful orders of a search over the buckets to order in, units, (n, T); None: none is lawful.

    For a set of buckets: each order brings all lines up to the next one of the set; then packs of the earliest later
    need are added, or those of the latest need left out, until the supplier's rules hold. The search begins with
    orders every 1, 2, 3 ... buckets and adds, leaves out or moves one order as long as that costs less. Ordering
    nothing but what is firm is tried too.

    Parameters
    ----------
    most : what `most_useful` returns, where it is known already.
    thorough : also try the number of containers of each order, and improve more than the best orders found.
    """
    most = most_useful(instance) if most is None else most
    alone = np.zeros_like(most)
    alone[:, 0] = instance.firm
    found = [alone]
    # A container is filled as far as it must, or to the brim, whichever leaves later orders cheaper.
    fills = (False, True) if np.isfinite(instance.container_volume) else (False,)
    for full in fills:
        found += _search(instance, most, full=full, thorough=thorough)
    found.sort(key=lambda units: _lawful_cost(instance, units, most))
    if broken_rules(instance, found[0], most):
        return None
    lawful = [units for units in found[: POLISHED if thorough else 1] if not broken_rules(instance, units, most)]
    polished = [_polish(instance, units, most) for units in lawful]
    return min(polished, key=lambda units: total_cost(instance, units))


def _search(instance: Instance, most: np.ndarray, *, full: bool, thorough: bool) -> list[np.ndarray]:
    """Return the best orders over sets of buckets to order in, and over the containers of each, units, (n, T) each."""
    tried: dict[bytes, tuple[float, np.ndarray]] = {}

    def cost_of(chosen: np.ndarray) -> float:
        key = chosen.tobytes()
        if key not in tried:
            units = _roll(instance, most, chosen, full=full)
            tried[key] = (_lawful_cost(instance, units, most), units)
        return tried[key][0]

    best = _first_set(instance, most, cost_of)
    for _ in range(MOST_ROUNDS):
        near = min(_neighbours(best, instance.open_buckets), key=cost_of, default=best)
        if not cost_of(near) < cost_of(best) - SMALL:
            break
        best = near
    if thorough and np.isfinite(instance.container_volume):
        _count_containers(instance, containers(instance, tried[best.tobytes()][1]).astype(np.int8), cost_of)
    return [units for _, units in sorted(tried.values(), key=lambda found: found[0])[:POLISHED]]


def _count_containers(instance: Instance, counts: np.ndarray, cost_of: Callable[[np.ndarray], float]) -> None:
    """Try a container more, less, or moved by a bucket, as long as one of them costs less; counted by tries."""
    left = MOST_TRIES
    improved = True
    while improved and left > 0:
        improved = False
        for near in _near_counts(counts, instance.open_buckets, instance.most_containers):
            left -= 1
            if cost_of(near) < cost_of(counts) - SMALL:
                counts, improved = near, True
                break
            if left <= 0:
                break


def _near_counts(counts: np.ndarray, allowed: np.ndarray, most: float) -> list[np.ndarray]:
    """Return the counts of containers that differ by one, or by the bucket of one or all of an order's."""
    n = len(counts)
    steps = np.eye(n, dtype=counts.dtype)
    moved = [step for t in range(n) for step in (steps[t], -steps[t])]
    # From an order to any other bucket: one container, or all of the order.
    moved += [by * (steps[s] - steps[t]) for t in np.flatnonzero(counts) for s in range(n) if s != t
              for by in {1, int(counts[t])}]  # fmt: skip
    near = [counts + step for step in moved]
    return [c for c in near if (c >= 0).all() and (c <= most).all() and allowed[c > 0].all()]


def _polish(instance: Instance, units: np.ndarray, most: np.ndarray) -> np.ndarray:
    """Improve lawful orders by line while it pays: join it to its order before, leave a pack to the next, or out."""
    for _ in range(MOST_ROUNDS):
        before = units
        for t in np.flatnonzero((units > SMALL).any(axis=0))[::-1]:
            for move in (_joined, _pack_later, _pack_less):
                units = _keep_better(instance, units, move(instance, units, t), most)
        if units is before:
            break
    return units


def _joined(_: Instance, units: np.ndarray, t: int) -> np.ndarray:
    """Return the orders with the lines of bucket `t` moved into each line's order before."""
    out = units.copy()
    earlier = units[:, :t] > SMALL
    rows = np.flatnonzero(earlier.any(axis=1) & (units[:, t] > SMALL))
    if not len(rows):
        return out
    last = t - 1 - np.argmax(earlier[rows][:, ::-1], axis=1)
    out[rows, last] += units[rows, t]
    out[rows, t] = 0.0
    return out


def _pack_later(instance: Instance, units: np.ndarray, t: int) -> np.ndarray:
    """Return the orders with a pack of each line of bucket `t` left to the line's next order."""
    return _one_pack(instance, units, t, later=True)


def _pack_less(instance: Instance, units: np.ndarray, t: int) -> np.ndarray:
    """Return the orders with a pack less of each line of bucket `t`."""
    return _one_pack(instance, units, t, later=False)


def _one_pack(instance: Instance, units: np.ndarray, t: int, *, later: bool) -> np.ndarray:
    out = units.copy()
    firm = instance.firm if t == 0 else np.zeros(len(units))
    left = units[:, t] - instance.pack
    rows = np.flatnonzero((instance.pack > 0) & (units[:, t] > SMALL) & (left >= firm - SMALL))
    rows = rows[(left[rows] >= instance.least[rows] - SMALL) | (left[rows] <= SMALL)]
    if later:
        coming = units[rows, t + 1 :] > SMALL
        rows, coming = rows[coming.any(axis=1)], coming[coming.any(axis=1)]
        if len(rows):
            out[rows, t + 1 + np.argmax(coming, axis=1)] += instance.pack[rows]
    out[rows, t] -= instance.pack[rows]
    return out


def _keep_better(instance: Instance, units: np.ndarray, moved: np.ndarray, most: np.ndarray) -> np.ndarray:
    """Return the orders with those lines moved that cost less so, as far as all together stay lawful and cheaper."""
    lawful = (moved <= most + SMALL).all(axis=1)
    if np.isfinite(instance.max_stock).any():
        lawful &= (run_course(instance, moved).stock <= held_most(instance) + SMALL).all(axis=1)
    better = lawful & (line_costs(instance, moved) < line_costs(instance, units) - SMALL)
    if not better.any():
        return units
    new = np.where(better[:, None], moved, units)
    return new if _lawful_cost(instance, new, most) < total_cost(instance, units) - SMALL else units


def _lawful_cost(instance: Instance, units: np.ndarray, most: np.ndarray) -> float:
    return np.inf if broken_rules(instance, units, most) else total_cost(instance, units)


def _first_set(instance: Instance, most: np.ndarray, cost_of: Callable[[np.ndarray], float]) -> np.ndarray:
    """Return the best of orders every so many buckets from the first need on, (T,) flags."""
    buckets = most.shape[1]
    wanted = np.flatnonzero((most > SMALL).any(axis=0) & instance.open_buckets)
    first = int(wanted[0]) if len(wanted) else 0
    sets = []
    for start in {first, min(first + 1, buckets - 1)}:
        for cover in COVERS:
            chosen = np.zeros(buckets, bool)
            chosen[start::cover] = True
            chosen[0] |= bool(instance.firm.any())
            sets.append(chosen & instance.open_buckets)
    return min(sets, key=cost_of)


def _neighbours(chosen: np.ndarray, allowed: np.ndarray) -> list[np.ndarray]:
    """Return the sets that differ by one order more, less, or moved by one bucket."""
    out = []
    for t in np.flatnonzero(allowed):
        flipped = chosen.copy()
        flipped[t] = not flipped[t]
        out.append(flipped)
        if t + 1 < len(chosen) and allowed[t + 1] and chosen[t] != chosen[t + 1]:
            moved = chosen.copy()
            moved[[t, t + 1]] = moved[[t + 1, t]]
            out.append(moved)
    return out


def _roll(instance: Instance, most: np.ndarray, chosen: np.ndarray, *, full: bool) -> np.ndarray:
    """Return the orders in the buckets chosen: flags, or counts of containers, (T,)."""
    units = np.zeros_like(most)
    stock = instance.stock.astype(float)
    at = np.flatnonzero(chosen)
    room = held_most(instance)
    for t in range(most.shape[1]):
        if chosen[t]:
            later = at[at > t]
            reach = int(later[0] - t) if len(later) else most.shape[1] - t
            limit = _within_room(instance, most[:, t], room[:, t:], stock, t)
            fill = 1.0 if full else float(instance.least_fill[t])
            count = float(chosen[t]) if chosen.dtype != bool else None
            units[:, t] = _one_order(instance, limit, stock, t, reach, fill, count)
        elif t == 0:
            units[:, 0] = instance.firm
        stock = np.maximum(stock + instance.receipts[:, t] + units[:, t] - instance.demand[:, t], 0.0)
    return units


def _within_room(instance: Instance, most: np.ndarray, room: np.ndarray, stock: np.ndarray, t: int) -> np.ndarray:
    """Return the most of each line that also keeps within the most to hold, whatever was ordered before, (n,)."""
    out = most.copy()
    for i in np.flatnonzero(np.isfinite(instance.max_stock) & (most > SMALL)):
        now, least = float(stock[i]), np.inf
        for j in range(room.shape[1]):
            now = max(now + instance.receipts[i, t + j] - instance.demand[i, t + j], 0.0)
            # In the first bucket demand takes from the order what the shelf does not hold.
            short = max(instance.demand[i, t] - stock[i] - instance.receipts[i, t], 0.0)
            least = min(least, room[i, j] - now + short)
        u = instance.pack[i]
        fits = np.floor(max(least, 0.0) / u + 1e-9) * u if u > 0 else max(least, 0.0)
        out[i] = max(
            min(most[i], fits if fits >= instance.least[i] - SMALL else 0.0), instance.firm[i] if t == 0 else 0
        )
    return out


@dataclass(frozen=True)
class _Cells:
    """What one order could bring, cut by the bucket that asks for it, the soonest first.

    units : by line and cell, (n, cells).
    lag : buckets from now to the one that asks, (cells,).
    loss : money that a unit left out costs until the next order, (n, cells): sales, or safety stock, or nothing.
    """

    units: np.ndarray
    lag: np.ndarray
    loss: np.ndarray


def _cells(instance: Instance, most: np.ndarray, stock: np.ndarray, t: int, reach: int = 1) -> _Cells:
    """Cut what each line needs from bucket `t` on into whole packs by the bucket that first asks for them.

    What only the safety stock asks for before the next order, `reach` buckets from now, is a cell of its own.
    """
    path = stock[:, None] + np.cumsum(instance.receipts[:, t:] - instance.demand[:, t:], axis=1)
    need = np.maximum.accumulate(np.maximum(instance.safety_stock[:, t:] - path, 0.0), axis=1)
    total = np.minimum(_packed(instance, need), most[:, None])
    sold = _packed(instance, np.maximum(-path[:, :reach].min(axis=1), 0.0)[:, None])
    ends = np.hstack([np.minimum(total[:, :reach], sold), total[:, reach - 1 :]])
    columns = np.arange(ends.shape[1])
    loss = np.where(columns < reach, instance.lost_penalty[:, None], 0.0)
    loss[:, reach] = instance.safety_penalty
    return _Cells(np.diff(ends, axis=1, prepend=0.0), columns - (columns >= reach), loss)


def _packed(instance: Instance, need: np.ndarray) -> np.ndarray:
    """Return needs in whole packs, at least the MOQ, units, (n, k)."""
    u = np.where(instance.pack > 0, instance.pack, 1.0)[:, None]
    packed = np.where((instance.pack > 0)[:, None], np.ceil(np.round(need / u, 9)) * u, need)
    return np.where(need > SMALL, np.maximum(packed, instance.least[:, None]), 0.0)


def _one_order(
    instance: Instance, most: np.ndarray, stock: np.ndarray, t: int, reach: int, fill: float, count: float | None
) -> np.ndarray:
    """Return the order of bucket `t` up to the next one `reach` later, units, (n,).

    No more than what is firm where no line is due or the supplier's rules cannot be met.
    """
    firm = instance.firm if t == 0 else np.zeros(len(stock))
    cells = _cells(instance, most, stock, t, reach)
    order = np.where(cells.lag < reach, cells.units, 0.0).sum(axis=1)
    if not order.any() and not firm.any():
        return firm
    own = np.where(cells.lag < _line_cover(instance, t)[:, None], cells.units, 0.0).sum(axis=1)
    order = np.maximum(np.where(order > 0, np.maximum(order, own), 0.0), firm)
    order = _fill(instance, cells, order, instance.unit_cost, float(instance.minimum_value[t]))
    order = _fit_containers(instance, cells, order, firm, t, fill, count)
    order = _trim(instance, cells, order, instance.unit_cost, float(instance.budget[t]), firm)
    return order if instance.unit_cost @ order >= instance.minimum_value[t] - SMALL else firm


def _line_cover(instance: Instance, t: int) -> np.ndarray:
    """Return the buckets that a line should last where a line of an order is dear, (n,)."""
    per_bucket = instance.demand[:, t:].mean(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        own = np.sqrt(2 * instance.line_cost / (instance.holding * per_bucket))
    return np.asarray(np.floor(np.nan_to_num(own, nan=0.0, posinf=0.0)))


def _queue(instance: Instance, cells: _Cells, size: np.ndarray) -> np.ndarray:
    """Return the cells, flat, in the order in which they are worth their size: earliest need, cheapest to hold."""
    regret = instance.holding[:, None] * cells.lag - cells.loss
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = regret / np.where(size > 0, size, np.nan)[:, None]
    # A line's cells stay in their order: what is needed later never comes before what is needed sooner.
    rate = np.maximum.accumulate(np.nan_to_num(rate, nan=np.inf), axis=1)
    place = np.broadcast_to(np.arange(rate.shape[1]), rate.shape)
    return np.lexsort((place.ravel(), rate.ravel()))


def _fill(
    instance: Instance,
    cells: _Cells,
    order: np.ndarray,
    size: np.ndarray,
    wanted: float,
    most: float = np.inf,
) -> np.ndarray:
    """Raise an order until `size @ order` reaches what is wanted, by the cells that are least costly to buy early.

    It stays as it is where it cannot get there, or would pass `most`.
    """
    missing = wanted - float(size @ order)
    if missing <= SMALL:
        return order
    out = order.copy()
    # What the order holds already is the first of each line's cells.
    upto = np.cumsum(cells.units, axis=1)
    free = np.minimum(cells.units, np.maximum(upto - order[:, None], 0.0)).ravel()
    line = np.repeat(np.arange(len(order)), cells.units.shape[1])
    queue = _queue(instance, cells, size)
    queue = queue[(free[queue] > SMALL) & (size[line[queue]] > 0)]
    gained = np.cumsum(free[queue] * size[line[queue]])
    last = int(np.searchsorted(gained, missing - SMALL))
    if last >= len(queue):
        return order
    np.add.at(out, line[queue[:last]], free[queue[:last]])
    row = line[queue[last]]
    left = missing - (gained[last - 1] if last else 0.0)
    u = instance.pack[row]
    units = left / size[row]
    units = np.ceil(np.round(units / u, 9)) * u if u > 0 else units
    # A line that is new comes with its MOQ.
    out[row] += min(max(units, instance.least[row] if out[row] <= SMALL else 0.0), free[queue[last]])
    return out if size @ out <= most + SMALL else order


def _fit_containers(
    instance: Instance,
    cells: _Cells,
    order: np.ndarray,
    firm: np.ndarray,
    t: int,
    fill: float,
    wanted: float | None,
) -> np.ndarray:
    """Fill the last container as far as asked, or leave it out where what is needed does not fill it.

    No more containers than `wanted`, where these are told.
    """
    room = instance.container_volume
    if not np.isfinite(room):
        return order
    volume = float(instance.volume @ order)
    count = np.ceil(volume / room - SMALL)
    highest = instance.most_containers if wanted is None else min(wanted, instance.most_containers)
    if count > highest:
        return _trim(instance, cells, order, instance.volume, highest * room, firm)
    least = float(instance.least_fill[t])
    for share in (fill, least):
        order = _fill(instance, cells, order, instance.volume, share * count * room, count * room)
        if instance.volume @ order >= least * count * room - SMALL:
            return order
    return _trim(instance, cells, order, instance.volume, (count - 1) * room, firm)


def _trim(
    instance: Instance, cells: _Cells, order: np.ndarray, size: np.ndarray, most: float, firm: np.ndarray
) -> np.ndarray:
    """Lower an order until `size @ order` is within `most`, by the cells that lose least: the last of the queue."""
    over = float(size @ order) - most
    if over <= SMALL:
        return order
    out = order.copy()
    upto = np.cumsum(cells.units, axis=1)
    held = np.clip(order[:, None] - (upto - cells.units), 0.0, cells.units)
    # What no cell asks for, such as a raise to an MOQ, goes with the last one.
    held[:, -1] += np.maximum(order - held.sum(axis=1), 0.0)
    held, line = held.ravel(), np.repeat(np.arange(len(order)), cells.units.shape[1])
    for cell in _queue(instance, cells, size)[::-1]:
        row = line[cell]
        if over <= SMALL:
            break
        if size[row] <= 0 or held[cell] <= SMALL:
            continue
        u = instance.pack[row]
        units = over / size[row]
        units = min(np.ceil(np.round(units / u, 9)) * u if u > 0 else units, held[cell])
        left = max(out[row] - units, firm[row])
        left = left if left >= instance.least[row] - SMALL else firm[row]
        over -= (out[row] - left) * size[row]
        out[row] = left
    return out


def split_budget(instances: Sequence[Instance], budget: float) -> np.ndarray:
    """Split the money for today's orders among suppliers by marginal value, money, (suppliers,).

    Each supplier asks for its greedy first order. The units of all of them stand in one line: what is needed soonest
    first, within a bucket what loses most for its money; the money goes down the line. A supplier whose share stays
    below its least order value gets none, the one with the least value for money first, and its share goes to the
    others. What nobody asks for is shared in proportion to what was given.

    Raises
    ------
    ValueError : the budget is below zero or no number.
    """
    if not budget >= 0:
        msg = f"the budget is {budget}; it must be 0 or more"
        raise ValueError(msg)
    asked = [_asked(instance) for instance in instances]
    least = np.array([float(instance.minimum_value[0]) for instance in instances])
    out = np.zeros(len(instances))
    inside = np.ones(len(instances), bool)
    while inside.any():
        out = _down_the_line(asked, inside, budget)
        short = inside & (out < np.minimum(least, [a[0].sum() for a in asked]) - SMALL)
        if not short.any():
            break
        worth = np.array([(a[1] * a[0]).sum() / max(a[0].sum(), SMALL) for a in asked])
        inside[int(np.argmin(np.where(short, worth, np.inf)))] = False
        out = np.where(inside, out, 0.0)
    given = out.sum()
    if not 0 < given < budget or not np.isfinite(budget):
        return out
    return np.asarray(out * (budget / given))


def _asked(instance: Instance) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return value (money), worth for its money and bucket of need of each cell of the greedy first order."""
    most = most_useful(instance)
    orders = greedy_orders(instance, most)
    first = orders[:, 0] if orders is not None else instance.firm
    cells = _cells(instance, most[:, 0], instance.stock.astype(float), 0)
    held = np.clip(first[:, None] - (np.cumsum(cells.units, axis=1) - cells.units), 0.0, cells.units)
    held[:, -1] += np.maximum(first - held.sum(axis=1), 0.0)
    value = (held * instance.unit_cost[:, None]).ravel()
    rate = np.repeat(instance.lost_penalty / np.maximum(instance.unit_cost, SMALL), held.shape[1])
    lag = np.tile(cells.lag, len(first))
    some = value > SMALL
    return value[some], rate[some], lag[some]


def _down_the_line(
    asked: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]], inside: np.ndarray, budget: float
) -> np.ndarray:
    value, rate, lag = (np.concatenate([np.asarray(a[k], float) for a in asked] or [np.zeros(0)]) for k in range(3))
    owner = np.repeat(np.arange(len(asked)), [len(a[0]) for a in asked])
    value = np.where(inside[owner], value, 0.0)
    line = np.lexsort((owner, -rate, lag))
    before = np.cumsum(value[line]) - value[line]
    given = np.clip(budget - before, 0.0, value[line])
    return np.bincount(owner[line], given, minlength=len(asked))
