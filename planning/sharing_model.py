"""The sharing of items that touch limits in common, as a mixed-integer model: built, solved and read apart.

    Variables   z[r] >= 0, packs on route r, integer (units where any fraction will do); x[r] = pack[r] z[r]
                take[n, k], give[n, k] in [0, width], how far piece k of node n is filled
                u[r] in {0, 1}, whether a route with a least quantity runs;  y[k] in {0, 1}, whether shipment k leaves
                b[n] in {0, 1}, whether a node that could do both receives
    Maximise    sum of worth take - sum of loss give - sum of freight[r] x[r] - sum of ship_cost[k] y[k]
    Subject to  in[n]:        sum of x[r] into n = sum over k of take[n, k]
                out[n]:       sum of x[r] out of n = sum over k of give[n, k]
                gives[n, t]:  sum of x[r] out of n by date t <= available[n, t]
                least[r]:     route_least[r] u[r] <= x[r] <= most[r] u[r]
                room[p]:      sum of bulk x into p <= room[p]
                ship[k]:      sum of load x in k <= ship_room[k] y[k];  x[r] <= most[r] y[k]
                sides[n]:     x into n <= most b[n];  x out of n <= most (1 - b[n])

Pieces fall in worth (gives: rise in loss), so that they fill in their order without being told to. The wished least
quantity of a node stands in the worth of its first units. Names are numbers: codes are user text. Source:
Ahuja, Magnanti & Orlin, Network Flows (1993), convex cost flows; Caro & Gallien, Operations Research 58 (2010).
"""

from dataclasses import dataclass

import numpy as np
import pulp

from planning.sharing import SMALL
from planning.sharing_part import Part
from planning.solver import GAP, NODES, solve

LINKED = 400
"""Up to so many routes each is tied to its shipment on its own: a nearer relaxation, a larger model."""


@dataclass(frozen=True)
class SharingModel:
    """A model that is built but not solved; `packs` by route with the units of each."""

    problem: pulp.LpProblem
    packs: list[tuple[pulp.LpVariable, float]]


@dataclass(frozen=True)
class Solved:
    """Units by route of a part, (r,), and how far at most the best lies above it: no sharing is worth more than bound.

    value, bound : money, beside what stands without any transfer.  way : as in `planning.sharing.Answer`.
    """

    units: np.ndarray
    value: float
    bound: float
    way: str
    status: str


def worth(part: Part, units: np.ndarray) -> float:
    """Return what `units`, (r,), of a part are worth beside no transfer at all, money."""
    m = len(part.item)
    into = np.bincount(part.destination, units, minlength=m)
    out = np.bincount(part.source, units, minlength=m)
    leaving = np.bincount(part.shipment, units, minlength=len(part.ship_cost)) > SMALL
    return float(
        part.takes.worth_of(into).sum()
        - part.gives.worth_of(out).sum()
        - (part.freight * units).sum()
        - part.ship_cost[leaving].sum()
    )


def most_on_routes(part: Part) -> np.ndarray:
    """Return the most units that each route can carry, (r,)."""
    m = len(part.item)
    room, ship = part.room[part.location[part.destination]], part.ship_room[part.shipment]
    with np.errstate(divide="ignore", invalid="ignore"):
        fits = np.minimum(room / part.bulk[part.destination], ship / part.load)
    fits = np.where(np.isnan(fits), np.inf, fits)
    takes, gives = part.takes.total(m)[part.destination], part.gives.total(m)[part.source]
    most = np.minimum(np.minimum(fits, takes), np.minimum(gives, part.available[part.source, part.date]))
    step = np.where(part.step > 0, part.step, 1.0)
    return np.asarray(np.where(part.step > 0, np.floor(most / step + 1e-9) * step, most))


def build_model(part: Part, *, plain: bool = False) -> SharingModel:
    """Build the model of the module's text; nothing is solved here.

    Parameters
    ----------
    plain : without the rows that want flags (sides, route_least): what it finds may break them.
    """
    problem = pulp.LpProblem("sharing", pulp.LpMaximize)
    objective: list[pulp.LpAffineExpression] = []
    most = most_on_routes(part)
    packs: list[tuple[pulp.LpVariable, float]] = []
    for r, step in enumerate(part.step.tolist()):
        unit, kind = (step, pulp.LpInteger) if step > 0 else (1.0, pulp.LpContinuous)
        z = problem.add_variable(f"z_{r}", 0, float(most[r]) / unit, cat=kind)
        packs.append((z, unit))
        objective.append(-float(part.freight[r]) * unit * z)
        if not plain and (part.route_least[r] > max(unit, SMALL) or (step <= 0 < part.route_least[r])):
            runs = problem.add_variable(f"u_{r}", 0, 1, cat=pulp.LpInteger)
            problem += unit * z <= float(most[r]) * runs
            problem += unit * z >= float(part.route_least[r]) * runs
    _add_nodes(problem, objective, part, packs)
    _add_limits(problem, objective, part, packs, most)
    if not plain:
        _add_sides(problem, part, packs, most)
    problem.setObjective(pulp.lpSum(objective))
    return SharingModel(problem, packs)


def _rows_of(code: np.ndarray) -> dict[int, list[int]]:
    out: dict[int, list[int]] = {}
    for row, value in enumerate(code.tolist()):
        out.setdefault(value, []).append(row)
    return out


def _flow(
    packs: list[tuple[pulp.LpVariable, float]], routes: list[int], size: np.ndarray | None = None
) -> pulp.LpAffineExpression:
    return pulp.LpAffineExpression(
        [(packs[r][0], packs[r][1] * (1.0 if size is None else float(size[r]))) for r in routes]
    )


def _add_nodes(
    problem: pulp.LpProblem,
    objective: list[pulp.LpAffineExpression],
    part: Part,
    packs: list[tuple[pulp.LpVariable, float]],
) -> None:
    """Add the pieces of each node that a route touches, and what each giver has by each date."""
    for name, pieces, ends, sign in (("t", part.takes, part.destination, 1.0), ("g", part.gives, part.source, -1.0)):
        rows = _rows_of(pieces.node)
        for n, routes in _rows_of(ends).items():
            filled = []
            for k in rows.get(n, []):
                piece = problem.add_variable(f"{name}_{k}", 0, float(pieces.width[k]))
                filled.append((piece, 1.0))
                objective.append(sign * float(pieces.worth[k]) * piece)
            problem += pulp.LpAffineExpression(filled) == _flow(packs, routes)
    for n, routes in _rows_of(part.source).items():
        dates = sorted({int(part.date[r]) for r in routes})
        for t in dates:
            early = [r for r in routes if part.date[r] <= t]
            problem += _flow(packs, early) <= float(part.available[n, t])


def _add_limits(
    problem: pulp.LpProblem,
    objective: list[pulp.LpAffineExpression],
    part: Part,
    packs: list[tuple[pulp.LpVariable, float]],
    most: np.ndarray,
) -> None:
    """Add the rooms of locations and of shipments, and what a shipment costs."""
    bulk = part.bulk[part.destination]
    for p, routes in _rows_of(part.location[part.destination]).items():
        if np.isfinite(part.room[p]):
            problem += _flow(packs, routes, bulk) <= float(part.room[p])
    for k, routes in _rows_of(part.shipment).items():
        room, cost = float(part.ship_room[k]), float(part.ship_cost[k])
        if cost <= 0:
            if np.isfinite(room):
                problem += _flow(packs, routes, part.load) <= room
            continue
        leaves = problem.add_variable(f"y_{k}", 0, 1, cat=pulp.LpInteger)
        objective.append(-cost * leaves)
        problem += _flow(packs, routes, part.load) <= min(room, float((part.load * most)[routes].sum())) * leaves
        if len(packs) <= LINKED:
            for r in routes:
                problem += packs[r][1] * packs[r][0] <= float(most[r]) * leaves


def _add_sides(
    problem: pulp.LpProblem, part: Part, packs: list[tuple[pulp.LpVariable, float]], most: np.ndarray
) -> None:
    """Keep each node from giving and taking at once."""
    into, out = _rows_of(part.destination), _rows_of(part.source)
    m = len(part.item)
    takes, gives = part.takes.total(m), part.gives.total(m)
    for n in sorted(into.keys() & out.keys()):
        receives = problem.add_variable(f"b_{n}", 0, 1, cat=pulp.LpInteger)
        problem += _flow(packs, into[n]) <= min(float(takes[n]), float(most[into[n]].sum())) * receives
        problem += _flow(packs, out[n]) <= min(float(gives[n]), float(most[out[n]].sum())) * (1 - receives)


def read_units(model: SharingModel) -> np.ndarray:
    """Return the units of each route, (r,)."""
    units = np.zeros(len(model.packs))
    for r, (z, unit) in enumerate(model.packs):
        value = float(z.value() or 0.0)
        units[r] = (round(value) if z.cat == pulp.LpInteger else value) * unit
    return np.where(units > SMALL, units, 0.0)


def solve_part(part: Part, *, nodes: int = NODES, gap: float = GAP) -> Solved:
    """Solve a part by the model; with nothing found no transfer at all, which is always allowed."""
    model = build_model(part)
    outcome = solve(model.problem, nodes=nodes, gap=gap)
    if outcome.status == "infeasible":
        return Solved(np.zeros(len(part.route)), 0.0, np.inf, "model", "node_limit")
    units = read_units(model)
    value = worth(part, units)
    bound = outcome.objective + outcome.gap * abs(outcome.objective) if np.isfinite(outcome.gap) else np.inf
    if outcome.status == "optimal":
        bound = max(value, 0.0)
    return Solved(units, value, max(bound, value), "model", outcome.status)


def solve_apart(part: Part) -> tuple[np.ndarray, np.ndarray]:
    """Solve many items that touch no limit in common by one relaxation without flags.

    Where its answer for an item is in whole packs and breaks no rule, it is that item's best.

    Returns
    -------
    units by route, (r,), and the items for which they stand, (items,) flags.
    """
    model = build_model(part, plain=True)
    if solve(model.problem, relaxed=True).status == "infeasible":
        return np.zeros(len(part.route)), np.zeros(len(part.place), bool)
    raw = np.array([float(z.value() or 0.0) for z, _ in model.packs])
    units = read_units(model)
    counted = part.step > 0
    wrong = counted & (np.abs(raw - np.round(raw)) > SMALL)
    wrong |= (units > SMALL) & (units < part.route_least - SMALL)
    m = len(part.item)
    into = np.bincount(part.destination, units, minlength=m)
    out = np.bincount(part.source, units, minlength=m)
    stands = np.ones(len(part.place), bool)
    stands[part.route_item[wrong]] = False
    stands[part.item[(into > SMALL) & (out > SMALL)]] = False
    stands[part.route_item[(part.ship_cost > 0)[part.shipment]]] = False
    return np.where(stands[part.route_item], units, 0.0), stands
