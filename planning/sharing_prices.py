"""Large coupled sharings: prices on the rooms and shipments, the items one by one, and a bound that proves the rest.

    For prices p >= 0 on the room that a unit takes at a location or in a shipment, each item is on its own:
        bound(p) = sum of p room + sum over items of the best of (value - sum of p taken)
    No sharing is worth more than bound(p), whatever p is (Lagrange; Geoffrion 1974). It is convex in p, with the
    slope room - taken, and with many items nearly smooth: a quasi-Newton search finds its least in a counted number
    of steps. The items' answers at the best prices overfill a little; the units that gain least for their room are
    taken back, and what is left of stock and room is filled again. What shipments cost, and which had better not
    leave, is `planning.sharing_shipments`' to say, at those prices.

The items are stars: one source, one date, one route a store. One pack size: the greedy rule; different ones: the
recursion by stages of `planning.sharing_packs`, or, with too many steps of supply, the rule in fractions as a bound.
"""

from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import minimize

from planning.sharing import SMALL
from planning.sharing_greedy import Filled, Rows, Stars, best_first, build_rows
from planning.sharing_model import Solved, worth
from planning.sharing_packs import MOST_STEPS, Batch, best_packs, build_batches, steps_of
from planning.sharing_part import Part, chunks
from planning.sharing_shipments import best_shipments

STEPS = 40
"""How often the prices are changed at most."""
LOOKS = 300
"""How often the search for the shipments that pay looks at a set of them."""
CLOSED = 1e12
"""What a unit pays where nothing leaves."""
KEPT = 4
"""The items' answers at so many of the best prices are mended, and the best one taken."""


@dataclass(frozen=True)
class Market:
    """The items of a part without prices: rows of the greedy rule, tables of different packs."""

    rows: Rows
    batches: list[Batch]
    tabled: np.ndarray

    def at(self, part: Part, price: np.ndarray | None = None) -> Filled:
        """Return each item's best at a price of each route, (r,)."""
        filled = best_first(self.rows, len(part.route), price)
        if not self.batches:
            return filled
        packed = best_packs(self.batches, part, price)
        return Filled(
            filled.units + packed.units,
            np.where(self.tabled, packed.value, filled.value),
            np.where(self.tabled, packed.bound, filled.bound),
            np.where(self.tabled, packed.given, filled.given),
        )


def open_market(part: Part, stars: Stars, chosen: np.ndarray | None = None) -> Market:
    """Prepare the items in `chosen`, (items,) flags, all of them stars."""
    chosen = np.ones(len(part.place), bool) if chosen is None else chosen
    _, steps = steps_of(part)
    tabled = chosen & ~stars.greedy & (steps <= MOST_STEPS)
    return Market(build_rows(part, chosen & ~tabled), build_batches(part, tabled), tabled)


@dataclass
class _Search:
    """The bound as a function of the prices, all shipments that are not `closed`, (K,) flags, free of cost.

    `rooms` and `ships` are those with a limit and a price; `seen` are the best answers so far.
    """

    part: Part
    market: Market
    rooms: np.ndarray
    ships: np.ndarray
    scale: np.ndarray
    closed: np.ndarray
    seen: list[tuple[float, np.ndarray, np.ndarray]] = field(default_factory=list)

    @staticmethod
    def over(part: Part, market: Market, closed: np.ndarray) -> "_Search":
        used, running = np.unique(part.location[part.destination]), np.unique(part.shipment)
        rooms = used[np.isfinite(part.room[used])]
        ships = running[np.isfinite(part.ship_room[running]) & ~closed[running]]
        money = np.maximum(part.takes.worth, 0).mean() if len(part.takes.worth) else 1.0
        size = [np.full(len(rooms), part.bulk[part.destination].mean()), np.full(len(ships), part.load.mean())]
        return _Search(part, market, rooms, ships, money / np.maximum(np.concatenate(size), 1e-9), closed)

    def price(self, prices: np.ndarray, closed: np.ndarray) -> np.ndarray:
        """Return what a unit pays on each route, (r,)."""
        part = self.part
        room, ship = np.zeros(len(part.room)), np.zeros(len(part.ship_room))
        room[self.rooms], ship[self.ships] = prices[: len(self.rooms)], prices[len(self.rooms) :]
        paid = part.bulk[part.destination] * room[part.location[part.destination]] + part.load * ship[part.shipment]
        return np.asarray(np.where(closed[part.shipment], CLOSED, paid))

    def limits(self, prices: np.ndarray, closed: np.ndarray) -> float:
        """Return what all room is worth at the prices, money."""
        ships = np.where(closed[self.ships], 0.0, self.part.ship_room[self.ships])
        return float(prices @ np.r_[self.part.room[self.rooms], ships])

    def bound(self, scaled: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the bound and its slope in the scaled prices."""
        part, prices = self.part, scaled * self.scale
        filled = self.market.at(part, self.price(prices, self.closed))
        place = part.location[part.destination]
        into = np.bincount(place, part.bulk[part.destination] * filled.units, minlength=len(part.room))
        carried = np.bincount(part.shipment, part.load * filled.units, minlength=len(part.ship_room))
        bound = float(filled.bound.sum()) + self.limits(prices, self.closed)
        slope = np.r_[(part.room - into)[self.rooms], (part.ship_room - carried)[self.ships]]
        self.seen.append((bound, prices, filled.units))
        self.seen.sort(key=lambda one: one[0])
        del self.seen[KEPT:]
        return bound, slope * self.scale

    def run(self, steps: int, gap: float) -> "_Search":
        """Change the prices at most so often; the search ends early where the bound hardly falls."""
        count = len(self.scale)
        size = max(abs(self.bound(np.zeros(count))[0]), 1e-9)

        def scaled(prices: np.ndarray) -> tuple[float, np.ndarray]:
            bound, slope = self.bound(prices)
            return bound / size, slope / size

        if count:
            how = {"maxfun": steps, "maxiter": steps, "ftol": gap * 1e-2, "gtol": 0.0}
            start, limits = np.zeros(count), [(0, None)] * count
            minimize(scaled, start, jac=True, method="L-BFGS-B", bounds=limits, options=how)
        return self


def solve_by_prices(part: Part, stars: Stars, *, steps: int = STEPS, gap: float = 1e-3) -> Solved:
    """Return a mended sharing of a part of stars and the least bound found."""
    market, closed = open_market(part, stars), np.zeros(len(part.ship_room), bool)
    search = _Search.over(part, market, closed).run(steps, gap)
    bound, closed = _shipments(search)
    if closed.any():
        search = _Search.over(part, market, closed).run(steps, gap)
    best, value = np.zeros(len(part.route)), 0.0
    for _, prices, units in search.seen:
        mended = mend(part, units, search.price(prices, closed))
        worthy = worth(part, mended)
        if worthy > value:
            best, value = mended, worthy
        if bound - value <= gap * abs(value) / 2:
            break
    bound = max(bound, value)
    return Solved(best, value, bound, "priced", "within_gap" if bound - value <= gap * abs(value) else "node_limit")


def _shipments(search: _Search) -> tuple[float, np.ndarray]:
    """Return the bound with the cost of shipments counted, and which of them had better not leave, (K,) flags."""
    part, (free, prices, _) = search.part, search.seen[0]
    running = np.unique(part.shipment)
    paying = running[part.ship_cost[running] > 0]
    closed = search.closed
    if not len(paying):
        return free, closed
    cost, rows = part.ship_cost[paying], build_rows(part, np.ones(len(part.place), bool))

    def without(flags: np.ndarray) -> float:
        shut = closed.copy()
        shut[paying[flags]] = True
        filled = best_first(rows, len(part.route), search.price(prices, shut))
        return float(filled.bound.sum()) + search.limits(prices, shut)

    found = best_shipments(without, cost, LOOKS)
    bound = found.bound
    if found.leaves.all():
        # With all of them the bound of packs that are not cut holds as well.
        bound = max(min(bound, free - float(cost.sum())), found.others)
    closed = closed.copy()
    closed[paying[~found.leaves]] = True
    return bound, closed


def mend(part: Part, units: np.ndarray, price: np.ndarray) -> np.ndarray:
    """Return `units`, (r,), within the rooms and shipments, and what is left filled again.

    Parameters
    ----------
    price : (r,) money a unit on each route for the limits: who pays most for its room goes last.
    """
    table = _Table.of(part, price)
    units = _close_dear_shipments(part, units)
    units = _within(part, table, units, part.location[part.destination], part.bulk[part.destination], part.room)
    units = _within(part, table, units, part.shipment, part.load, part.ship_room)
    units = np.where(units < part.route_least - SMALL, 0.0, units)
    return _close_dear_shipments(part, _refilled(part, table, units))


@dataclass(frozen=True)
class _Table:
    """Pieces in whole packs with their route, what a unit gains after freight, and after the price, (k,) each."""

    route: np.ndarray
    before: np.ndarray
    width: np.ndarray
    gain: np.ndarray
    net: np.ndarray

    @staticmethod
    def of(part: Part, price: np.ndarray) -> "_Table":
        route_of = np.full(len(part.item), -1)
        route_of[part.destination] = np.arange(len(part.route))
        takes = chunks(part, part.takes, part.pack)
        route = route_of[takes.node]
        gain = takes.worth - part.freight[route]
        keep = route >= 0
        net = gain - price[route]
        return _Table(route[keep], takes.before[keep], takes.width[keep], gain[keep], net[keep])

    def filled(self, units: np.ndarray) -> np.ndarray:
        """Return how far each piece is filled, (k,)."""
        return np.asarray(np.clip(units[self.route] - self.before, 0.0, self.width))


def _worth_of_stock(part: Part, table: _Table, filled: np.ndarray) -> np.ndarray:
    """Return what a unit of each item gains at the best place that it was refused, (items,)."""
    out = np.zeros(len(part.place))
    refused = filled < table.width - SMALL
    np.maximum.at(out, part.route_item[table.route[refused]], table.net[refused])
    return out


def _within(
    part: Part, table: _Table, units: np.ndarray, code: np.ndarray, size: np.ndarray, limit: np.ndarray
) -> np.ndarray:
    """Take back, where a limit is overfilled, the units that gain least for the room they take."""
    used = np.bincount(code, size * units, minlength=len(limit))
    over = used - limit
    if not (over > SMALL).any():
        return units
    units = units.copy()
    filled = table.filled(units)
    spare = _worth_of_stock(part, table, filled)
    for p in np.flatnonzero(over > SMALL):
        rows = np.flatnonzero((code[table.route] == p) & (filled > SMALL) & (size[table.route] > 0))
        route = table.route[rows]
        score = (table.gain[rows] - spare[part.route_item[route]]) / size[route]
        order = np.argsort(score, kind="stable")
        rows, route = rows[order], route[order]
        room = size[route] * filled[rows]
        back = np.clip(over[p] - (np.cumsum(room) - room), 0.0, room) / size[route]
        step = part.step[route]
        unit = np.where(step > 0, step, 1.0)
        back = np.where(step > 0, np.ceil(back / unit - 1e-9) * unit, back)
        units -= np.bincount(route, np.minimum(back, filled[rows]), minlength=len(units))
    return np.asarray(np.maximum(units, 0.0))


def _close_dear_shipments(part: Part, units: np.ndarray) -> np.ndarray:
    """Return the units without the shipments that cost more than they gain."""
    if not (part.ship_cost > 0).any():
        return units
    m = len(part.item)
    out = np.bincount(part.source, units, minlength=m)
    lost = part.gives.worth_of(out) / np.maximum(out, SMALL)
    gained = part.takes.worth_of(np.bincount(part.destination, units, minlength=m))[part.destination]
    gained = gained - (part.freight + lost[part.source]) * units
    by_ship = np.bincount(part.shipment, gained, minlength=len(part.ship_cost))
    return np.asarray(np.where(by_ship[part.shipment] < part.ship_cost[part.shipment], 0.0, units))


def _refilled(part: Part, table: _Table, units: np.ndarray) -> np.ndarray:
    """Fill what is left of stock and room, the best gains after the prices first."""
    m = len(part.item)
    loss_start = np.searchsorted(part.gives.node, np.arange(m + 1))
    gives_before = part.gives.before
    total = part.gives.total(m)
    out = np.bincount(part.source, units, minlength=m)
    stock = np.zeros(m)
    stock[part.source] = part.available[part.source, part.date]
    stock = np.minimum(stock, total) - out
    place = part.location[part.destination]
    bulk = part.bulk[part.destination]
    room = part.room - np.bincount(place, bulk * units, minlength=len(part.room))
    ship = part.ship_room - np.bincount(part.shipment, part.load * units, minlength=len(part.ship_room))
    runs = (part.ship_cost <= 0) | (np.bincount(part.shipment, units, minlength=len(ship)) > SMALL)
    filled = table.filled(units)
    step, counted = np.where(part.step > 0, part.step, 1e-3), part.step > 0
    r = table.route
    could = (table.width - filled > SMALL) & (table.gain > 0) & (stock[part.source[r]] >= step[r] - SMALL)
    could &= (room[place[r]] >= bulk[r] * step[r] - SMALL) & (ship[part.shipment[r]] >= part.load[r] * step[r] - SMALL)
    could &= runs[part.shipment[r]]
    units = units.copy()
    rows = np.flatnonzero(could)
    for k in rows[np.argsort(-table.net[rows], kind="stable")].tolist():
        route = int(table.route[k])
        s, p, lane = int(part.source[route]), int(place[route]), int(part.shipment[route])
        amount = min(table.before[k] + table.width[k] - units[route], stock[s])
        if bulk[route] > 0:
            amount = min(amount, room[p] / bulk[route])
        if part.load[route] > 0:
            amount = min(amount, ship[lane] / part.load[route])
        piece = loss_start[s] + int(np.searchsorted(gives_before[loss_start[s] : loss_start[s + 1]], out[s] + 1e-9)) - 1
        # A unit at a time of the giver's pieces is near enough: a second search follows where it matters.
        if part.gives.worth[piece] >= table.gain[k]:
            continue
        amount = min(amount, max(gives_before[piece] + part.gives.width[piece] - out[s], float(step[route])))
        if counted[route]:
            amount = float(np.floor(amount / step[route] + 1e-9) * step[route])
        if (
            amount <= SMALL
            or table.before[k] > units[route] + SMALL
            or units[route] + amount < part.route_least[route] - SMALL
        ):
            continue
        units[route] += amount
        stock[s] -= amount
        out[s] += amount
        room[p] -= bulk[route] * amount
        ship[lane] -= part.load[route] * amount
    return units
