"""How scarce stock is shared among locations: a mixed-integer model of expected value, or equal days of supply.

Where the sources hold enough for every request there is nothing to decide and each request is met; only
items that are short, or that share a lane of limited room, go into the model.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pulp

from planning.network import Network
from planning.params import Params
from planning.policy import Need
from planning.positions import Positions
from planning.solver import Outcome, solve

MOST_SEGMENTS = 60
"""A location's value curve has at most so many straight pieces; each is exact at its ends."""
TIE = 1e-5
"""What a day of supply weighs against a unit served: it only decides between equal values."""
PRIORITY_WEIGHT = 10.0
"""How much more a unit counts at a location one priority ahead."""


@dataclass(frozen=True)
class Question:
    """What is to be shared.

    routes : one row a possible way: source, destination (rows of the network's keys), lane (row of lanes),
        freight (money a unit), transit_days.
    request : what each row would take, in whole packs, units, (n,); 0 where it takes nothing.
    pack : units in a pack, 0 where any quantity will do, (n,).
    available : what each row can give, units, (n,).
    worth : value of a unit served, money (1 where unknown), (n,).
    holding : cost of a unit left over at the next delivery, money, (n,).
    rate : mean demand a day, (n,).
    need : the need at arrival of each row.
    room : room left at each row's location before any transfer, in the measure of `bulk`, inf: no limit, (n,).
    bulk : room that a unit takes, (n,).
    """

    routes: pd.DataFrame
    lanes: pd.DataFrame
    request: np.ndarray
    pack: np.ndarray
    available: np.ndarray
    worth: np.ndarray
    holding: np.ndarray
    rate: np.ndarray
    need: Need
    room: np.ndarray | None = None
    bulk: np.ndarray | None = None

    @property
    def rooms(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the location code of each route, or -1 without a limit, and the room a unit takes there, (routes,)."""
        d = self.routes["destination"].to_numpy(int)
        if self.room is None or self.bulk is None:
            return np.full(len(d), -1), np.ones(len(d))
        codes = pd.factorize(self.routes["destination_id"])[0]
        return np.where(np.isfinite(self.room[d]), codes, -1), self.bulk[d]

    @property
    def cover(self) -> np.ndarray:
        """Stock at the arrival that a request starts from, units, (n,)."""
        return self.need.arriving_stock


@dataclass(frozen=True)
class AllocationModel:
    """The model and its variables, by route."""

    problem: pulp.LpProblem
    ship: dict[int, tuple[pulp.LpVariable, float]]


@dataclass(frozen=True)
class Allocation:
    """Units by route, (routes,), whether the route's item had to be shared, and how the model ended."""

    units: np.ndarray
    shared: np.ndarray
    outcome: Outcome


def build_question(
    network: Network,
    positions: Positions,
    need: Need,
    request: np.ndarray,
    own_need: np.ndarray,
    rate: np.ndarray,
    params: Params,
) -> Question:
    """Collect the routes, requests and stocks. `own_need`: what each row keeps for its own sales, units, (n,)."""
    # What was approved this morning comes first: one more is worth what it adds to that.
    need = need.after(positions.approved)
    keys = network.keys.assign(row=np.arange(len(network.keys)))
    fed = keys[(network.source >= 0) & (request > 0)].rename(
        columns={"location_id": "destination_id", "row": "destination"}
    )
    lanes = network.lanes.reset_index(drop=True)
    lanes = lanes.assign(lane=np.arange(len(lanes)))
    allowed = params.allocation_sources
    if allowed is not None:
        lanes = lanes[lanes["source_id"].isin(allowed)]
    routes = fed.merge(lanes, on="destination_id").merge(
        keys.rename(columns={"location_id": "source_id", "row": "source"}), on=["item_id", "source_id"]
    )
    routes["main"] = network.source[routes["destination"]] == routes["source"]
    routes["freight"] = routes["cost_per_unit"].astype(float)
    routes = routes.sort_values(
        ["destination", "main", "freight", "transit_days", "source_id"],
        ascending=[True, False, True, True, True],
        kind="stable",
    ).reset_index(drop=True)
    # What was approved already comes off what may be given, not off what the reserve is a share of.
    stock = np.maximum(positions.stock_before, 0) * (1 - params.reserve_fraction) - positions.column("promised")
    last = network.priority.max() if len(network.priority) else 1.0
    weighted = positions.worth * PRIORITY_WEIGHT ** (last - network.priority)
    holding = np.nan_to_num(positions.column("holding_cost_per_day")) * positions.column("review_period_days")
    multiple = positions.column("order_multiple")
    return Question(
        routes=routes,
        lanes=network.lanes.reset_index(drop=True),
        request=request,
        pack=np.nan_to_num(multiple),
        available=np.maximum(stock - own_need, 0),
        worth=weighted,
        holding=holding,
        rate=rate,
        need=need,
        **_rooms(network, positions, need),
    )


def _rooms(network: Network, positions: Positions, need: Need) -> dict[str, np.ndarray]:
    """Return the room left at each row's location once what is there at the arrival stands in it."""
    bulk = positions.column("volume")
    known = bulk[~np.isnan(bulk)]
    bulk = np.where(np.isnan(bulk), np.median(known) if len(known) else 1.0, bulk)
    place = pd.factorize(network.keys["location_id"])[0]
    coming = np.maximum(need.arriving_stock, 0)
    own = np.where(network.feeds, np.maximum(positions.net_stock, 0), coming)
    taken = np.bincount(place, bulk * own)
    return {"room": np.maximum(network.capacity - taken[place], 0), "bulk": bulk}


def allocate(question: Question, method: str, whole: np.ndarray) -> Allocation:
    """Share the stock: requests that can all be met are, the others by `method` ("optimal" or "fair_share").

    Parameters
    ----------
    whole : whether a row's demand is in whole units, (n,).
    """
    routes = question.routes
    units = _meet_all(question)
    shared = _contested(question, units)
    if not shared.any():
        return Allocation(units, shared, Outcome("not_needed", total_value(question, units), 0.0))
    units = np.where(shared, 0.0, units)
    if method == "fair_share":
        units = units + _fair_share(question, shared, whole)
        return Allocation(units, shared, Outcome("fair_share", total_value(question, units), 0.0))
    model = build_model(question, shared, whole)
    outcome = solve(model.problem)
    units = units + read_allocation(model, len(routes), whole[routes["destination"]])
    return Allocation(units, shared, replace(outcome, objective=total_value(question, units)))


def _meet_all(question: Question) -> np.ndarray:
    """Meet each request from its own source, as if there were enough everywhere. Shape (routes,)."""
    first = ~question.routes["destination"].duplicated().to_numpy()
    return np.where(first, question.request[question.routes["destination"]], 0.0)


def _contested(question: Question, units: np.ndarray) -> np.ndarray:
    """Whether a route belongs to an item that some source has too little of, or to a lane or a room with limits."""
    routes = question.routes
    if routes.empty:
        return np.zeros(0, bool)
    drawn = np.bincount(routes["source"], units, minlength=len(question.available))
    hit = (drawn > question.available + 1e-9)[routes["source"].to_numpy()]
    capacity, fixed = _lane_limits(question)
    hit |= np.isfinite(capacity) | (fixed > 0)
    place, bulk = question.rooms
    for code in np.unique(place[place >= 0]):
        here = place == code
        hit |= here & ((bulk * units)[here].sum() > _room(question, here) + 1e-9)
    item = pd.factorize(routes["item_id"])[0]
    touched = np.zeros(item.max() + 1, bool)
    np.logical_or.at(touched, item, hit)
    return np.asarray(touched[item])


def _lane_limits(question: Question) -> tuple[np.ndarray, np.ndarray]:
    """Return the capacity (units, NaN: none) and the cost of a shipment (money) of each route's lane, (routes,)."""
    lane = question.routes["lane"].to_numpy(int)
    return (
        question.lanes["capacity"].to_numpy(float)[lane],
        np.nan_to_num(question.lanes["cost_per_shipment"].to_numpy(float))[lane],
    )


def _room(question: Question, routes: np.ndarray) -> float:
    """Return the room left at the location that these routes, (routes,) flags, lead to."""
    assert question.room is not None
    return float(question.room[question.routes["destination"].to_numpy(int)[routes]].min())


def build_model(question: Question, shared: np.ndarray, whole: np.ndarray) -> AllocationModel:
    """Build the model; nothing is solved here.

    Variables   ship[r] >= 0, packs or units on route r, integer where the item is counted
                seg[d, k] in [0, 1], how far piece k of location d's value curve is filled
                use[l] in {0, 1}, whether lane l runs, where it has a cost for each shipment
    Maximise    sum of value[d, k] * seg[d, k] - freight[r] * ship[r] - cost[l] * use[l]
    Subject to  fill[d]:   sum over k of width[d, k] * seg[d, k] = units shipped to d
                supply[s]: units shipped from s <= available[s]
                lane[l]:   units shipped over l <= capacity[l] (* use[l])
                room[p]:   room taken by what is shipped to p <= room left at p

    value[d, k] is worth * (lost units saved by the piece) - holding * (units left over by it), falling in k,
    so that pieces fill in their order without being told to.
    """
    problem = pulp.LpProblem("allocation", pulp.LpMaximize)
    routes = question.routes[shared]
    ship: dict[int, tuple[pulp.LpVariable, float]] = {}
    inflow: dict[int, list[pulp.LpAffineExpression]] = {}
    outflow: dict[int, list[pulp.LpAffineExpression]] = {}
    by_lane: dict[int, list[pulp.LpAffineExpression]] = {}
    by_room: dict[int, list[pulp.LpAffineExpression]] = {}
    place, bulk = question.rooms
    objective: list[pulp.LpAffineExpression] = []
    for n, (r, d, s, lane, freight) in enumerate(
        zip(routes.index, routes["destination"], routes["source"], routes["lane"], routes["freight"], strict=True)
    ):
        pack = float(question.pack[d]) or 1.0
        counted = bool(question.pack[d] > 0 or whole[d])
        variable = problem.add_variable(
            f"ship_{n}", 0, question.request[d] / pack, cat=pulp.LpInteger if counted else pulp.LpContinuous
        )
        ship[int(r)] = (variable, pack)
        for flows, end in ((inflow, d), (outflow, s), (by_lane, lane)):
            flows.setdefault(int(end), []).append(pack * variable)
        if place[r] >= 0:
            by_room.setdefault(int(place[r]), []).append(float(bulk[r]) * pack * variable)
        objective.append(-float(freight) * pack * variable)
    for d, flow in inflow.items():
        pieces = []
        for k, (width, value) in enumerate(zip(*_pieces(question, d), strict=True)):
            piece = problem.add_variable(f"seg_{d}_{k}", 0, 1)
            pieces.append(float(width) * piece)
            objective.append(float(value) * piece)
        problem += pulp.lpSum(pieces) == pulp.lpSum(flow)
    for s, flow in outflow.items():
        problem += pulp.lpSum(flow) <= float(question.available[s])
    for lane, flow in by_lane.items():
        _add_lane(problem, objective, flow, lane, question)
    for code, flow in by_room.items():
        problem += pulp.lpSum(flow) <= _room(question, place == code)
    problem.setObjective(pulp.lpSum(objective))
    return AllocationModel(problem, ship)


def _add_lane(
    problem: pulp.LpProblem,
    objective: list[pulp.LpAffineExpression],
    flow: list[pulp.LpAffineExpression],
    lane: int,
    question: Question,
) -> None:
    capacity = float(question.lanes["capacity"].to_numpy(float)[lane])
    cost = float(np.nan_to_num(question.lanes["cost_per_shipment"].to_numpy(float)[lane]))
    if cost > 0:
        use = problem.add_variable(f"use_{lane}", cat=pulp.LpBinary)
        most = capacity if np.isfinite(capacity) else float(question.request.sum())
        problem += pulp.lpSum(flow) <= most * use
        objective.append(-cost * use)
    elif np.isfinite(capacity):
        problem += pulp.lpSum(flow) <= capacity


def _pieces(question: Question, d: int) -> tuple[np.ndarray, np.ndarray]:
    """Width (units) and value (money) of each straight piece of location d's value curve."""
    pack = float(question.pack[d]) or 1.0
    most = float(question.request[d])
    steps = int(np.ceil(most / pack - 1e-9))
    at = np.unique(np.minimum(np.round(np.linspace(0, steps, min(steps, MOST_SEGMENTS) + 1)) * pack, most))
    return np.diff(at), np.diff(_value(question, np.full(len(at), d), at))


def _value(question: Question, d: np.ndarray, units: np.ndarray) -> np.ndarray:
    """Value of sending `units` to rows `d`: what it gains, less the tie-breaker."""
    days = (np.maximum(question.cover[d], 0) * units + units**2 / 2) / np.maximum(question.rate[d], 1e-9)
    return np.asarray(gain(question, d, units, question.worth) - question.worth[d] * TIE * np.minimum(days, 1e6))


def gain(question: Question, d: np.ndarray, units: np.ndarray, worth: np.ndarray) -> np.ndarray:
    """Return what sending `units` to rows `d` gains: lost units saved at their worth, less holding the rest."""
    need = question.need.need[d]
    saved = np.maximum(need, 0).mean(axis=1) - np.maximum(need - units[:, None], 0).mean(axis=1)
    return np.asarray(worth[d] * saved - question.holding[d] * (units - saved))


def read_allocation(model: AllocationModel, routes: int, whole: np.ndarray) -> np.ndarray:
    """Return the units of each route, (routes,)."""
    units = np.zeros(routes)
    for r, (variable, pack) in model.ship.items():
        value = float(variable.value() or 0.0)
        units[r] = (round(value) if whole[r] or pack != 1.0 else value) * pack
    return units


def what_bound(question: Question, allocation: Allocation, reserve: np.ndarray) -> np.ndarray:
    """Return what kept each row's transfer below its request, texts, (n,).

    "" nothing; "source" it is short; "reserve" what is left is kept back; "pack" less than a pack is left; "lane",
    "room" they are full; "shipment" it would cost more than it gains; "worth" one more gains less than it costs;
    "route" there is none.

    Parameters
    ----------
    reserve : what each row keeps back, units, (n,).
    """
    routes, units = question.routes, allocation.units
    sent = np.bincount(routes["destination"], units, minlength=len(question.request))
    out = np.where(question.request > sent + 1e-6, "route", "").astype("U8")
    if routes.empty:
        return out
    s, d, lane = (routes[name].to_numpy(int) for name in ("source", "destination", "lane"))
    left = (question.available - np.bincount(s, units, minlength=len(sent)))[s]
    pack = np.where(question.pack[d] > 0, question.pack[d], 1e-6)
    capacity, fixed = _lane_limits(question)
    carried = np.bincount(lane, units, minlength=len(question.lanes))[lane]
    place, bulk = question.rooms
    filled = np.zeros(len(routes))
    for code in np.unique(place[place >= 0]):
        here = place == code
        filled[here] = _room(question, here) - float((bulk * units)[here].sum())
    step = np.maximum(pack, np.minimum(1.0, question.request[d] - sent[d]))
    why = np.select(
        [
            (left < pack - 1e-9) & (left <= 1e-6) & (reserve[s] > 1e-6),
            (left < pack - 1e-9) & (left <= 1e-6),
            left < step - 1e-9,
            np.isfinite(capacity) & (carried + step > capacity + 1e-9),
            (place >= 0) & (bulk * step > filled + 1e-9),
            (fixed > 0) & (carried <= 1e-9),
        ],
        ["reserve", "source", "pack", "lane", "room", "shipment"],
        "worth",
    )
    # The route that could still give tells more than those that cannot.
    for route in np.flatnonzero(out[d] != "")[::-1]:
        if out[d[route]] in ("route", "source", "reserve", "pack") or why[route] not in ("source", "reserve", "pack"):
            out[d[route]] = why[route]
    return out


def total_value(question: Question, units: np.ndarray) -> float:
    """Return the value of an allocation, money (units where worth is unknown)."""
    to = np.bincount(question.routes["destination"], units, minlength=len(question.request))
    rows = np.flatnonzero(to > 0)
    freight = float((question.routes["freight"].to_numpy() * units).sum())
    return float(_value(question, rows, to[rows]).sum()) - freight


def _fair_share(question: Question, shared: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Equal days of supply: raise the least supplied locations together until the stock is used up.

    Each location asks its first source, then the next one for what is still missing. Lanes and rooms that
    would overflow are cut, all their routes by the same share.
    """
    routes = question.routes
    units = np.zeros(len(routes))
    available, request = question.available.copy(), question.request.copy()
    cover = question.cover.copy()
    turn = routes[shared].groupby("destination").cumcount()
    for _, group in routes[shared].groupby([turn, "source"], sort=True):
        rows, d, source = group.index.to_numpy(), group["destination"].to_numpy(), int(group["source"].iloc[0])
        step = np.where(question.pack[d] > 0, question.pack[d], np.where(whole[d], 1.0, 1e-6))
        given = _shares(cover[d], np.maximum(question.rate[d], 1e-9), request[d], step, float(available[source]))
        units[rows] = given
        available[source] -= given.sum()
        request[d] -= given
        cover[d] += given
    step = np.where(question.pack > 0, question.pack, np.where(whole, 1.0, 1e-6))[routes["destination"]]
    return _within_limits(question, units, step)


def _within_limits(question: Question, units: np.ndarray, step: np.ndarray) -> np.ndarray:
    capacity, _ = _lane_limits(question)
    lane, (place, bulk) = question.routes["lane"].to_numpy(int), question.rooms
    limits = [
        (lane == n, np.ones(len(units)), float(capacity[lane == n][0])) for n in np.unique(lane[np.isfinite(capacity)])
    ]
    limits += [(place == code, bulk, _room(question, place == code)) for code in np.unique(place[place >= 0])]
    for here, size, most in limits:
        used = float((size * units)[here].sum())
        if used > most + 1e-9:
            units = np.where(here, np.floor(units * max(most, 0) / used / step + 1e-9) * step, units)
    return units


def _shares(cover: np.ndarray, rate: np.ndarray, request: np.ndarray, step: np.ndarray, available: float) -> np.ndarray:
    """Shares in whole packs; the packs left over go one by one to whoever has the fewest days."""
    given = np.floor(equal_days(cover, rate, request, max(available, 0.0)) / step + 1e-9) * step
    left = available - given.sum()
    while True:
        can = (given + step <= request + 1e-9) & (step <= left + 1e-9) & (step > 1e-5)
        if not can.any():
            return np.asarray(given)
        best = int(np.argmin(np.where(can, (cover + given) / rate, np.inf)))
        given[best] += step[best]
        left -= step[best]


def equal_days(cover: np.ndarray, rate: np.ndarray, most: np.ndarray, available: float) -> np.ndarray:
    """Return shares that bring all to the same days of supply; who has more gets nothing. Units, (k,).

    Water-filling: x = clip(theta * rate - cover, 0, most) with the theta at which the shares use up
    `available`, or all of `most` where there is enough.
    """
    if most.sum() <= available:
        return most.astype(float)
    low, high = min(0.0, float((cover / rate).min())), float(((cover + most) / rate).max())
    for _ in range(100):
        theta = (low + high) / 2
        used = np.clip(theta * rate - cover, 0, most).sum()
        low, high = (theta, high) if used <= available else (low, theta)
    return np.asarray(np.clip(low * rate - cover, 0, most))
