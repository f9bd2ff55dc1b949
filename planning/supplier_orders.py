"""One supplier's orders in one optimisation: what to buy in each bucket so that orders, stock and shortage cost least.

    Indices     i items, t buckets 1 ... T; an order stands in the bucket in which it arrives
    Variables   z[i, t] >= 0, packs (integer, or units where there is no pack), at most Z[i, t]
                y[t], x[i, t] in {0, 1}, whether there is an order, and a line of it
                n[t] >= 0, integer, containers
                I[i, t], l[i, t], s[i, t] >= 0, units in stock, lost, and below the safety stock
    Minimise    sum of K[t] y[t] + F n[t] + k[i] x[i, t] + w[t] c[i] u[i] z[i, t]
                     + h[i] I[i, t] + p[i] l[i, t] + g[i] s[i, t]
    Subject to  flow[i, t]:      I[i, t-1] + receipts[i, t] + u[i] z[i, t] - demand[i, t] + l[i, t] = I[i, t]
                lost[i, t]:      l[i, t] <= demand[i, t]
                safety[i, t]:    I[i, t] + s[i, t] >= safety_stock[i, t]
                line[i, t]:      least[i] x[i, t] <= u[i] z[i, t] <= u[i] Z[i, t] x[i, t],  x[i, t] <= y[t]
                value[t]:        minimum[t] y[t] <= sum over i of c[i] u[i] z[i, t] <= budget[t] y[t]
                container[t]:    fill W n[t] <= sum over i of volume[i] u[i] z[i, t] <= W n[t]
                hold[i, t]:      I[i, t] <= most to hold
                first[i]:        u[i] z[i, 1] >= what is firm

Z is as tight as it can be: what a line can still use to the last bucket beyond its stock, its MOQ, its maximum.
Built, solved and read apart; the answer is costed and checked again outside the model, and the cheaper of it and the
greedy one is the plan's. Source: joint replenishment with minimum quantities, Silver, Pyke & Thomas (2017), ch. 10.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pulp

from planning import engine
from planning.solver import solve
from planning.supplier_greedy import greedy_orders
from planning.supplier_instance import (
    SMALL,
    Instance,
    broken_rules,
    containers,
    most_useful,
    run_course,
    total_cost,
)

SPAN = 4
"""Buckets that a cut reaches over."""
LEAST_SHARE = 0.2
"""A pack asked for by a smaller share than that is not worth a cut."""
WHOLE = 150
"""Possible order lines up to which a model is solved as it stands."""
SEARCHED = 200
"""Of a larger one all lines in the greedy orders' buckets are searched up to that many, else only promising ones."""
PROMISING = 0.3
ENOUGH = 0.02
"""Greedy orders of a large model that are this close to its bound stand: nothing is searched."""
NODES = 200
WITHIN = 0.01
"""The search for one supplier's orders ends this close to its bound."""


@dataclass(frozen=True)
class SupplierModel:
    """A model that is built but not solved; `packs` by item and bucket with the units of each."""

    problem: pulp.LpProblem
    packs: dict[tuple[int, int], tuple[pulp.LpVariable, float]]


@dataclass(frozen=True)
class SupplierPlan:
    """The orders of one supplier and how good they are.

    units : (n, T).
    cost, greedy_cost, bound : money; no orders cost less than the bound.
    gap : (cost - bound) / cost; 0 where the cost is 0.
    status : "optimal", "within_gap", "node_limit", "greedy" (nothing was solved), "infeasible" (what is firm breaks
        the supplier's rules, and nothing mends it: only what is firm is in `units`).
    from_model : whether the model's answer is the cheaper one.
    """

    units: np.ndarray
    cost: float
    greedy_cost: float
    bound: float
    gap: float
    status: str
    from_model: bool


def plan_suppliers(
    instances: Sequence[Instance], run: engine.Runner = engine.serial, *, nodes: int = NODES, within: float = WITHIN
) -> list[SupplierPlan]:
    """Plan each supplier on its own, in parallel where the runner is; see `plan_supplier`."""
    return list(run(partial(plan_supplier, nodes=nodes, within=within), instances))


def plan_supplier(
    instance: Instance, *, nodes: int = NODES, within: float = WITHIN, most_integers: int | None = None
) -> SupplierPlan:
    """Return the cheaper of the greedy orders and the model's.

    A model of up to `WHOLE` possible order lines is solved as it stands. Of a larger one the relaxation gives the
    bound, and the lines within the buckets of the greedy orders, and of the relaxation's, are solved.

    Parameters
    ----------
    nodes : most nodes of the search; counted, so that the same instance has the same answer.
    within : the search may end this close to the bound.
    most_integers : with more possible order lines than that the greedy orders stand, and these are searched in
        a hurry; None: no such limit.
    """
    most = most_useful(instance)
    greedy = greedy_orders(instance, most, thorough=most_integers is None)
    lines = int((most > SMALL).sum())
    if most_integers is not None and lines > most_integers:
        return _told(instance, most, greedy, None, 0.0, "infeasible" if greedy is None else "greedy")
    allowed, bound = most, 0.0
    model = build_model(instance, most, tight=True)
    if lines > WHOLE and greedy is not None:
        relaxed = solve(model.problem, relaxed=True)
        bound = max(relaxed.objective, 0.0)
        if total_cost(instance, greedy) <= bound * (1 + ENOUGH):
            return _told(instance, most, greedy, None, bound, "within_gap")
        allowed = np.where(_promising(model, greedy), most, 0.0)
        bound = max(bound, _with_whole_containers(model, bound))
        model, nodes = build_model(instance, allowed), 1
    start = None if greedy is None else start_values(instance, greedy, allowed)
    outcome = solve(model.problem, nodes=nodes, gap=within, start=start)
    if outcome.status == "infeasible":
        return _told(instance, most, greedy, None, bound, "infeasible" if greedy is None else "greedy")
    status = outcome.status
    if allowed is most:
        bound = max(outcome.objective * (1 - outcome.gap), 0.0) if np.isfinite(outcome.gap) else 0.0
    elif status == "optimal":
        status = "within_gap"
    return _told(instance, most, greedy, read_orders(model, instance), bound, status)


def _with_whole_containers(model: SupplierModel, bound: float) -> float:
    """Return the bound of a relaxed model that counts its containers of all buckets in whole numbers.

    Either fewer are taken than the relaxation takes, rounded down, or more: the cheaper of both is a bound.
    """
    counts = [v for v in model.problem.variables() if v.name.startswith("n_")]
    taken = sum(float(v.value() or 0.0) for v in counts)
    if abs(taken - round(taken)) < SMALL:
        return bound
    sides = []
    for sense, count in ((pulp.LpConstraintGE, np.ceil(taken)), (pulp.LpConstraintLE, np.floor(taken))):
        part = model.problem.copy()
        part += pulp.LpConstraint(pulp.lpSum(counts), sense, "whole", float(count))
        outcome = solve(part, relaxed=True)
        sides.append(np.inf if outcome.status == "infeasible" else outcome.objective)
        if sides[-1] <= bound * (1 + SMALL):
            return bound
    return bound if np.isinf(min(sides)) else float(min(sides))


def _promising(model: SupplierModel, greedy: np.ndarray) -> np.ndarray:
    """Return where a line is worth a search, (n, T) flags: greedy lines, and the relaxation's in their buckets."""
    out: np.ndarray = np.asarray(greedy > SMALL)
    used: np.ndarray = np.asarray(out.any(axis=0))
    if len(out) * int(used.sum()) <= SEARCHED:
        return np.broadcast_to(used, out.shape)
    values = model.problem.variablesDict()
    for i, t in model.packs:
        out[i, t] |= bool(used[t]) and float(values[f"x_{i}_{t}"].value() or 0.0) > PROMISING
    return np.asarray(out)


def _told(
    instance: Instance,
    most: np.ndarray,
    greedy: np.ndarray | None,
    found: np.ndarray | None,
    bound: float,
    status: str,
) -> SupplierPlan:
    """Choose the cheaper lawful answer; without one, what is firm."""
    greedy_cost = np.inf if greedy is None else total_cost(instance, greedy)
    better = found is not None and not broken_rules(instance, found, most)
    cost = total_cost(instance, found) if better and found is not None else np.inf
    better = cost < greedy_cost - SMALL
    units = found if better or greedy is None else greedy
    if units is None or not np.isfinite(min(cost, greedy_cost)):
        units, status = np.zeros(most.shape), "infeasible"
        units[:, 0] = instance.firm
    cost = total_cost(instance, units)
    bound = min(bound, cost)
    return SupplierPlan(
        units, cost, greedy_cost, bound, (cost - bound) / cost if cost > SMALL else 0.0, status, bool(better)
    )


def build_model(instance: Instance, most: np.ndarray, *, tight: bool = False) -> SupplierModel:
    """Build the model of the module's text; nothing is solved here.

    Parameters
    ----------
    most : what `most_useful` returns, units, (n, T), or less: Z in units.
    tight : with the cuts that bring the relaxation near; slower to solve.
    """
    problem = pulp.LpProblem("supplier_orders", pulp.LpMinimize)
    objective: list[pulp.LpAffineExpression] = []
    lines: dict[int, list[int]] = {}
    packs: dict[tuple[int, int], tuple[pulp.LpVariable, float]] = {}
    for i, t in np.argwhere(most > SMALL).tolist():
        u = float(instance.pack[i]) or 1.0
        kind = pulp.LpInteger if instance.pack[i] > 0 else pulp.LpContinuous
        firm = float(instance.firm[i]) if t == 0 else 0.0
        packs[i, t] = (problem.add_variable(f"z_{i}_{t}", firm / u, float(most[i, t]) / u, cat=kind), u)
        lines.setdefault(t, []).append(i)
    for t, rows in lines.items():
        _add_order(problem, objective, instance, most, t, {i: packs[i, t] for i in rows})
    for i in range(len(most)):
        _add_course(problem, objective, instance, i, packs)
    if tight:
        _add_cuts(problem, instance, set(packs))
    problem.setObjective(pulp.lpSum(objective))
    return SupplierModel(problem, packs)


def _add_order(
    problem: pulp.LpProblem,
    objective: list[pulp.LpAffineExpression],
    instance: Instance,
    most: np.ndarray,
    t: int,
    packs: dict[int, tuple[pulp.LpVariable, float]],
) -> None:
    """Add the order of one bucket: its lines, its value and its containers."""
    stands = t == 0 and bool(instance.firm.any())
    order = problem.add_variable(f"y_{t}", int(stands), 1, cat=pulp.LpInteger)
    objective.append(float(instance.order_cost[t]) * order)
    value, volume = [], []
    for i, (z, u) in packs.items():
        firm = float(instance.firm[i]) if t == 0 else 0.0
        own = problem.add_variable(f"x_{i}_{t}", int(firm > 0), 1, cat=pulp.LpInteger)
        problem += u * z <= float(most[i, t]) * own
        least = min(float(instance.least[i]), firm) if firm > 0 else float(instance.least[i])
        if least > u:
            problem += u * z >= least * own
        problem += own <= order
        objective.append(float(instance.line_cost[i]) * own)
        money = float(instance.unit_cost[i]) * u
        value.append(money * z)
        volume.append(float(instance.volume[i]) * u * z)
        objective.append(float(instance.price_share[t]) * money * z)
    if instance.minimum_value[t] > 0:
        problem += pulp.lpSum(value) >= float(instance.minimum_value[t]) * order
    if np.isfinite(instance.budget[t]):
        problem += pulp.lpSum(value) <= float(instance.budget[t]) * order
    if np.isfinite(instance.container_volume):
        room = instance.container_volume
        highest = np.ceil(float(instance.volume @ most[:, t]) / room - SMALL)
        count = problem.add_variable(f"n_{t}", 0, float(min(highest, instance.most_containers)), cat=pulp.LpInteger)
        problem += pulp.lpSum(volume) <= room * count
        if instance.least_fill[t] > 0:
            problem += pulp.lpSum(volume) >= float(instance.least_fill[t]) * room * count
        objective.append(instance.container_cost * count)


def _add_course(
    problem: pulp.LpProblem,
    objective: list[pulp.LpAffineExpression],
    instance: Instance,
    i: int,
    packs: dict[tuple[int, int], tuple[pulp.LpVariable, float]],
) -> None:
    """Add the stock of one item over the buckets."""
    alone = np.zeros(instance.demand.shape)
    alone[:, 0] = instance.firm
    before: pulp.LpAffineExpression | float = float(instance.stock[i])
    unordered = float(instance.stock[i])
    for t in range(instance.demand.shape[1]):
        demand = float(instance.demand[i, t])
        received = float(instance.receipts[i, t]) + (float(instance.firm[i]) if t == 0 else 0.0)
        unordered = max(unordered + received - demand, 0.0)
        room = max(float(instance.max_stock[i]), unordered)
        stock = problem.add_variable(f"i_{i}_{t}", 0, room if np.isfinite(room) else None)
        lost = problem.add_variable(f"l_{i}_{t}", 0, demand)
        bought = packs[i, t][1] * packs[i, t][0] if (i, t) in packs else 0.0
        problem += before + bought + lost - stock == demand - float(instance.receipts[i, t])
        objective.append(float(instance.holding[i]) * stock)
        objective.append(float(instance.lost_penalty[i]) * lost)
        safety = float(instance.safety_stock[i, t])
        if safety > 0 and instance.safety_penalty[i] > 0:
            below = problem.add_variable(f"s_{i}_{t}", 0, safety)
            problem += stock + below >= safety
            objective.append(float(instance.safety_penalty[i]) * below)
        before = stock


def _add_cuts(problem: pulp.LpProblem, instance: Instance, packs: set[tuple[int, int]]) -> None:
    """Add what no lawful answer breaks, but a fraction of an order would.

    D[j] units must have been brought by bucket j, or some are lost (l) or missing to the safety stock (s):
        brought by j + a (lost by j + s) >= D[j]
    with a = 1; or with D rounded up to whole packs and a = u / r, r what the last pack is asked for. With n[j] the
    steps of D, for buckets k to l
        brought by k-1 - D[k-1] + max a (lost by l + s) >= sum over j = k ... l of n[j] (1 - x[k] - ... - x[j]).
    Source: mixed-integer rounding, and Pochet & Wolsey, Polyhedra for lot-sizing with Wagner-Whitin costs (1994).
    """
    v = problem.variablesDict()
    buckets = instance.demand.shape[1]
    for i, rounded in itertools.product(range(len(instance.stock)), (False, True)):
        due, slope, tight_at = _due(instance, i, rounded=rounded)
        if rounded and (slope == 1).all():
            continue
        drawn = np.cumsum(instance.demand[i] - instance.receipts[i]) - instance.stock[i]
        steps = np.diff(due, prepend=0.0)
        lost = [v[f"l_{i}_{t}"] for t in range(buckets)]
        below = [v.get(f"s_{i}_{t}") for t in range(buckets)]
        for k in range(buckets + 1):
            # What was brought before k is the stock then, and what was drawn; what was lost was not drawn.
            stock = [v[f"i_{i}_{k - 1}"]] if k else []
            known = float(drawn[k - 1] - due[k - 1]) if k else 0.0
            for end in range(k - 1, min(buckets, k + SPAN)):
                if (
                    end < 0
                    or (not rounded and end < k)
                    or (end >= k and steps[end] <= SMALL)
                    or (end < k and due[end] <= SMALL)
                ):
                    continue
                window = range(max(k - 1, 0), end + 1)
                a = max(float(slope[j]) for j in window)
                terms = stock + [(a - (t < k)) * lost[t] for t in range(end + 1)]
                terms += [a * below[t] for t in {int(tight_at[j]) for j in window} if below[t] is not None]
                start = float(due[k - 1]) if k else 0.0
                terms += [
                    float(due[end] - (due[s - 1] if s else 0.0)) * v[f"x_{i}_{s}"]
                    for s in range(k, end + 1)
                    if (i, s) in packs
                ]
                problem += pulp.lpSum(terms) >= float(due[end]) - start - known


def _due(instance: Instance, i: int, *, rounded: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return D, a and the bucket whose safety stock stands behind each, (T,) each, of item `i`."""
    buckets = instance.demand.shape[1]
    safe = instance.safety_stock[i] if instance.safety_penalty[i] > 0 else np.zeros(buckets)
    raw = np.maximum(np.cumsum(instance.demand[i] - instance.receipts[i]) - instance.stock[i] + safe, 0.0)
    u = float(instance.pack[i])
    due, slope, at = np.zeros(buckets), np.ones(buckets), np.arange(buckets)
    for j in range(buckets):
        rest = raw[j] % u if u > 0 and rounded else 0.0
        if rest > LEAST_SHARE * u and u - rest > SMALL:
            due[j], slope[j] = raw[j] - rest + u, u / rest
        else:
            due[j] = raw[j]
        if j and due[j - 1] >= due[j]:
            due[j], slope[j], at[j] = due[j - 1], slope[j - 1], at[j - 1]
    return due, slope, at


def start_values(instance: Instance, units: np.ndarray, most: np.ndarray) -> dict[str, float]:
    """Return the model's variables by name at orders of `units`, (n, T)."""
    course, used = run_course(instance, units), containers(instance, units)
    out: dict[str, float] = {}
    for i, t in np.argwhere(most > SMALL).tolist():
        out[f"z_{i}_{t}"] = float(round(units[i, t] / instance.pack[i])) if instance.pack[i] > 0 else units[i, t]
        out[f"x_{i}_{t}"] = float(units[i, t] > SMALL)
    for t in range(units.shape[1]):
        out[f"y_{t}"] = float((units[:, t] > SMALL).any())
        out[f"n_{t}"] = float(used[t])
    for i, t in np.ndindex(*units.shape):
        out[f"i_{i}_{t}"], out[f"l_{i}_{t}"] = float(course.stock[i, t]), float(course.lost[i, t])
        out[f"s_{i}_{t}"] = float(course.below[i, t])
    return out


def read_orders(model: SupplierModel, instance: Instance) -> np.ndarray:
    """Return the orders, units, (n, T)."""
    units = np.zeros(instance.demand.shape)
    for (i, t), (z, u) in model.packs.items():
        value = float(z.value() or 0.0)
        units[i, t] = (round(value) if instance.pack[i] > 0 else value) * u
    return np.where(units > SMALL, units, 0.0)


@dataclass(frozen=True)
class Cycle:
    """A cyclic joint replenishment: every `time`, item i every `multiples[i]` times; cost a unit of time."""

    time: float
    multiples: np.ndarray
    cost: float


def cyclic_joint_replenishment(
    order_cost: float, line_cost: np.ndarray, holding: np.ndarray, demand: np.ndarray
) -> Cycle:
    """Return how often to order several items together, by Silver's heuristic.

    The item with the least k / (h D) is in every order; another in every m-th, with m next to the root of
    k / (h D) * h1 D1 / (K + k1) at which m (m - 1) <= m*^2 <= m (m + 1); T = sqrt(2 (K + sum k / m) / sum h m D).

    Parameters
    ----------
    order_cost : money for an order.
    line_cost, holding, demand : money for a line; for a unit and unit of time; units a unit of time, (n,).

    Source: Silver (1976); Snyder & Shen, Fundamentals of Supply Chain Theory.
    """
    k, rate = np.asarray(line_cost, float), np.asarray(holding, float) * np.asarray(demand, float)
    if k.shape != rate.shape or not len(k) or not (rate > 0).all() or order_cost + k.min() <= 0:
        msg = "joint replenishment wants items with demand, holding cost and a cost of ordering"
        raise ValueError(msg)
    base = int(np.argmin(k / rate))
    squared = k / rate * rate[base] / (order_cost + k[base])
    multiples = np.maximum(np.ceil((np.sqrt(1 + 4 * squared) - 1) / 2 - 1e-12), 1.0)
    multiples[base] = 1.0
    ordering, holding_rate = order_cost + float((k / multiples).sum()), float((multiples * rate).sum())
    time = float(np.sqrt(2 * ordering / holding_rate))
    return Cycle(time, multiples.astype(int), float(np.sqrt(2 * ordering * holding_rate)))
