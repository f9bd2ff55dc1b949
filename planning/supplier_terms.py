"""Today's orders raised to the terms of their suppliers: least order value, order cost, containers.

What a plan orders today stands; each supplier with such terms is asked, on its own, which lines are cheapest to buy
more of (see `planning.supplier_orders`). Where the least value or a container asks for more, lines that are not due
today but needed within coverage may join.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd

from planning import engine
from planning.supplier_instance import SMALL, Instance
from planning.supplier_lines import Lines, Terms, order_instance
from planning.supplier_orders import SupplierPlan, plan_supplier

LEAST_FILL = 0.8
"""The last container of an order is filled so far, where later needs within coverage allow it."""
MOST_LINES = 80
"""With more possible order lines than that the greedy orders stand: a slider must not wait."""
TERMS = ("min_order_value", "order_cost", "container_volume")
NODES = 20
MANY = 16
"""Fewer orders than that are solved where they are: processes take longer to start."""


@dataclass(frozen=True)
class Raised:
    """What the suppliers' terms add to today's orders, units, (n,) each.

    by_value : for least order values and order costs.
    by_container : to fill containers.
    settled : whether the row's supplier needs no more for its least value.
    plans : how the orders were solved that could be.
    """

    by_value: np.ndarray
    by_container: np.ndarray
    settled: np.ndarray
    plans: tuple[SupplierPlan, ...] = ()


@dataclass(frozen=True)
class _Case:
    """One order that its supplier's terms may raise: rows of the plan and what is asked of them.

    taken : rows of the lines of the instance: what is due today, and what may join.
    fills : whether its last container is to be filled.
    short : whether it is below the least value.
    share : how full the last container is.
    """

    group: np.ndarray
    taken: np.ndarray
    terms: Terms
    instance: Instance
    fills: bool
    short: bool
    share: float


def raise_to_terms(
    suppliers: pd.DataFrame,
    keys: pd.DataFrame,
    buys: np.ndarray,
    lines: Lines,
    notes: list[str],
    run: engine.Runner = engine.serial,
) -> Raised:
    """Raise today's orders where their suppliers' terms ask for it, or pay.

    Parameters
    ----------
    keys : supplier_id and location_id of each line, n rows.
    buys : whether it buys from its supplier, (n,).
    run : where the suppliers are planned, each on its own; it never changes the result.
    """
    n = len(keys)
    out = Raised(np.zeros(n), np.zeros(n), np.zeros(n, bool))
    cases: list[_Case] = []
    for group, terms in _groups(suppliers, keys, buys):
        due = group[lines.order[group] > 0]
        if len(due) and not np.isnan(lines.cost[due]).any():
            case = _case(group, terms, lines)
            out.settled[due] = not case.short
            if case.short or case.fills or _order_cost_may_pay(case.instance):
                cases.append(case)
    plans = _planned(cases, run)
    again = [k for k, plan in enumerate(plans) if plan.status == "infeasible" and cases[k].fills]
    for k in again:
        notes.append(
            f"The last container of {cases[k].terms.name} is {cases[k].share:.0%} full: what its lines need to the end "
            "of coverage does not fill it. Add other items, give a longer coverage, or wait."
        )
        cases[k] = _without_filling(cases[k], lines)
    for k, plan in zip(again, _planned([cases[k] for k in again], run), strict=True):
        plans[k] = plan
    for case, plan in zip(cases, plans, strict=True):
        if plan.status != "infeasible":
            more = np.maximum(plan.units[:, 0] - lines.order[case.taken], 0.0)
            raised = out.by_container if case.fills and not case.short else out.by_value
            raised[case.taken] = np.where(more > SMALL, more, 0.0)
            out.settled[case.taken] = True
    solved = tuple(plan for plan in plans if plan.status != "infeasible")
    _tell_plans(solved, notes)
    return replace(out, plans=solved)


def summary(plans: tuple[SupplierPlan, ...]) -> Mapping[str, object]:
    """Return how suppliers' orders were solved: orders by status, and the worst gap that is known (or None)."""
    known = [plan.gap for plan in plans if plan.status != "greedy"]
    status = dict(sorted(Counter(plan.status for plan in plans).items()))
    return {"orders": len(plans), "status": status, "gap": max(known) if known else None}


def has_terms(suppliers: pd.DataFrame) -> bool:
    """Whether any supplier has a least order value, an order cost or containers."""
    return bool((suppliers[list(TERMS)].astype(float).fillna(0) > 0).to_numpy().any())


def _groups(suppliers: pd.DataFrame, keys: pd.DataFrame, buys: np.ndarray) -> list[tuple[np.ndarray, Terms]]:
    """Return the rows that each supplier with terms delivers to each location, and the terms."""
    table = suppliers.drop_duplicates("supplier_id").set_index("supplier_id")[list(TERMS)].astype(float)
    table = table[(table.fillna(0) > 0).any(axis=1)]
    some = np.flatnonzero(buys & keys["supplier_id"].isin(table.index).to_numpy())
    found = keys.iloc[some].groupby(["supplier_id", "location_id"])
    number = found.ngroup().to_numpy()
    out = []
    for each in range(found.ngroups):
        rows = some[number == each]
        supplier, place = (str(keys[name].iat[rows[0]]) for name in ("supplier_id", "location_id"))
        least, cost, room = table.to_numpy()[table.index.get_loc(supplier)].tolist()
        terms = Terms(f"{supplier} for {place}", float(np.nan_to_num(least)), float(np.nan_to_num(cost)), room)
        out.append((rows, terms))
    return out


def _case(group: np.ndarray, terms: Terms, lines: Lines) -> _Case:
    own = lines.of(group)
    due = own.order > 0
    value, volume = float(own.order[due] @ own.cost[due]), float(own.order @ own.volume)
    short = value < terms.least_value - SMALL
    whole = np.ceil(volume / terms.container - SMALL) * terms.container if terms.container > 0 else 0.0
    fills = bool(volume < LEAST_FILL * whole - SMALL)
    terms = replace(terms, least_fill=LEAST_FILL if fills else 0.0)
    taken = due | ((own.joins > 0) & ~np.isnan(own.cost)) if short or fills else due
    share = (volume - whole + terms.container) / terms.container if fills else 1.0
    return _Case(group, group[taken], terms, order_instance(own, taken, terms), fills, short, share)


def _without_filling(case: _Case, lines: Lines) -> _Case:
    """Return the case without its containers; nothing joins for an order cost alone."""
    own, terms = lines.of(case.group), replace(case.terms, least_fill=0.0)
    taken = np.isin(case.group, case.taken) & ((own.order > 0) | case.short)
    return replace(case, taken=case.group[taken], terms=terms, instance=order_instance(own, taken, terms), fills=False)


def _planned(cases: list[_Case], run: engine.Runner) -> list[SupplierPlan]:
    own = run if len(cases) >= MANY else engine.serial
    plan = partial(plan_supplier, nodes=NODES, most_integers=MOST_LINES)
    return list(own(plan, [case.instance for case in cases]))


def _tell_plans(plans: tuple[SupplierPlan, ...], notes: list[str]) -> None:
    """Tell how the orders of suppliers with terms were found, and how good they are."""
    solved = [plan for plan in plans if plan.status != "greedy"]
    if solved:
        endings = ", ".join(
            f"{n} {status.replace('_', ' ')}" for status, n in Counter(p.status for p in solved).items()
        )
        worst = max(plan.gap for plan in solved)
        notes.append(
            f"Orders optimised for their suppliers' terms: {len(solved):,} ({endings}); worst gap {worst:.1%}."
        )
    greedy = len(plans) - len(solved)
    if greedy:
        notes.append(
            f"Orders of more than {MOST_LINES} possible lines, fitted to their suppliers' terms by the greedy method: "
            f"{greedy:,}. Their gap is not known."
        )


def _order_cost_may_pay(instance: Instance) -> bool:
    """Whether buying a later bucket's needs today holds less than the later order costs."""
    drawn = np.cumsum(instance.demand - instance.receipts, axis=1) + instance.safety_stock
    missing = np.maximum(drawn - (instance.stock + instance.firm)[:, None], 0.0)
    later = np.flatnonzero(missing.any(axis=0))
    later = later[later > 0]
    if not len(later) or instance.order_cost[later[0]] <= 0:
        return False
    held = float(instance.holding @ missing[:, later[0]]) * float(later[0])
    return held < float(instance.order_cost[later[0]])
