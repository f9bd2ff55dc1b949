"""Today's orders raised to the terms of their suppliers: least order value, order cost, containers.

What a plan orders today stands; each supplier with such terms is asked, on its own, which of today's lines are
cheapest to buy more of (see `planning.supplier_orders`). The buckets are review periods: the first is the one that
today's order must cover, the others reach to the end of coverage; later needs are mean demand.
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pandas as pd

from planning.distribution import CumulativeDemand
from planning.orders import Limits
from planning.policy import Levels, Need, Supply
from planning.positions import Positions
from planning.supplier_instance import SMALL, Instance, build_instance
from planning.supplier_orders import SupplierPlan, plan_supplier

LEAST_FILL = 0.8
"""The last container of an order is filled so far, where later needs within coverage allow it."""
MOST_LINES = 80
"""With more possible order lines than that the greedy orders stand: a slider must not wait."""
MOST_BUCKETS = 6
TERMS = ("min_order_value", "order_cost", "container_volume")
NODES = 20


@dataclass(frozen=True)
class Raised:
    """What the suppliers' terms add to today's orders, units, (n,) each.

    by_value : for least order values and order costs.
    by_container : to fill containers.
    settled : whether the row's supplier needs no more for its least value.
    """

    by_value: np.ndarray
    by_container: np.ndarray
    settled: np.ndarray


def raise_to_terms(
    suppliers: pd.DataFrame,
    positions: Positions,
    need: Need,
    supply: Supply,
    levels: Levels,
    order: np.ndarray,
    approved: np.ndarray,
    fixed: np.ndarray,
    limits: Limits,
    demand: CumulativeDemand,
    notes: list[str],
) -> Raised:
    """Raise today's orders where their suppliers' terms ask for it, or pay.

    Parameters
    ----------
    order : today's order of each row that buys, units, (n,).
    approved : what was approved this morning already, units, (n,).
    fixed : whether a row's order is set by hand and stays as it is, (n,).
    """
    n = len(order)
    out = Raised(np.zeros(n), np.zeros(n), np.zeros(n, bool))
    terms = suppliers.drop_duplicates("supplier_id").set_index("supplier_id")
    terms = terms[list(TERMS)].astype(float)
    terms = terms[(terms.fillna(0) > 0).any(axis=1)]
    owner = positions.table["supplier_id"]
    some = np.flatnonzero(positions.buys & owner.isin(terms.index).to_numpy())
    if terms.empty or not len(some):
        return out
    plans: list[SupplierPlan] = []
    number = positions.table.iloc[some].groupby(["supplier_id", "location_id"]).ngroup().to_numpy()
    for each in np.unique(number):
        group = some[number == each]
        supplier, place = (str(positions.table[c].iat[group[0]]) for c in ("supplier_id", "location_id"))
        lines = group[order[group] > 0]
        if len(lines) and not np.isnan(positions.column("unit_cost")[lines]).any():
            least, cost, room = terms.to_numpy()[terms.index.get_loc(supplier)].tolist()
            asked = _Asked(f"{supplier} for {place}", float(np.nan_to_num(least)), float(np.nan_to_num(cost)), room)
            future = _Future(positions, need, supply, levels, approved, limits, demand)
            _raise_one(out, plans, asked, future, lines, np.setdiff1d(group, lines), order, fixed, notes)
    _tell_plans(plans, notes)
    return out


def _tell_plans(plans: list[SupplierPlan], notes: list[str]) -> None:
    """Tell how the orders of suppliers with terms were found, and how good they are."""
    solved = [plan for plan in plans if plan.status not in ("greedy", "infeasible")]
    if solved:
        endings = ", ".join(
            f"{n} {status.replace('_', ' ')}" for status, n in Counter(p.status for p in solved).items()
        )
        worst = max(plan.gap for plan in solved)
        notes.append(
            f"Orders optimised for their suppliers' terms: {len(solved):,} ({endings}); worst gap {worst:.1%}."
        )
    greedy = sum(plan.status == "greedy" for plan in plans)
    if greedy:
        notes.append(
            f"Orders of more than {MOST_LINES} possible lines, fitted to their suppliers' terms by the greedy method: "
            f"{greedy:,}. Their gap is not known."
        )


@dataclass(frozen=True)
class _Asked:
    """One supplier's terms at one location: least value and cost of an order, money; room of a container, or NaN."""

    name: str
    least_value: float
    order_cost: float
    container: float


@dataclass(frozen=True)
class _Future:
    positions: Positions
    need: Need
    supply: Supply
    levels: Levels
    approved: np.ndarray
    limits: Limits
    demand: CumulativeDemand


def _raise_one(
    out: Raised,
    plans: list[SupplierPlan],
    asked: _Asked,
    future: _Future,
    lines: np.ndarray,
    others: np.ndarray,
    order: np.ndarray,
    fixed: np.ndarray,
    notes: list[str],
) -> None:
    """Raise the lines of one order."""
    positions = future.positions
    value = float(order[lines] @ positions.column("unit_cost")[lines])
    volume = float(order[lines] @ np.nan_to_num(positions.column("volume")[lines]))
    short = value < asked.least_value - SMALL
    whole = np.ceil(volume / asked.container - SMALL) * asked.container if asked.container > 0 else 0.0
    open_room = volume < LEAST_FILL * whole - SMALL
    instance = _instance(asked, future, lines, others, order, fixed, fill=open_room)
    out.settled[lines] = not short
    if not (short or open_room or _order_cost_may_pay(instance)):
        return
    plan = plan_supplier(instance, nodes=NODES, most_integers=MOST_LINES)
    if plan.status == "infeasible" and open_room:
        share = (volume - whole + asked.container) / asked.container
        notes.append(
            f"The last container of {asked.name} is {share:.0%} full: what its lines need to the end of coverage does "
            "not fill it. Add other items, give a longer coverage, or wait."
        )
        instance, open_room = _instance(asked, future, lines, others, order, fixed, fill=False), False
        plan = plan_supplier(instance, nodes=NODES, most_integers=MOST_LINES)
    if plan.status == "infeasible":
        return
    plans.append(plan)
    more = np.maximum(plan.units[:, 0] - order[lines], 0.0)
    (out.by_container if open_room and not short else out.by_value)[lines] = np.where(more > SMALL, more, 0.0)
    out.settled[lines] = True


def _instance(
    asked: _Asked,
    future: _Future,
    lines: np.ndarray,
    others: np.ndarray,
    order: np.ndarray,
    fixed: np.ndarray,
    *,
    fill: bool,
) -> Instance:
    """Return the order of one supplier for one location, and what its lines need until the end of coverage."""
    positions, demand, levels = future.positions, future.demand, future.levels
    lead, review, cover = (positions.column(name) for name in ("lead_time_days", "review_period_days", "coverage_days"))
    step = float(review[lines].max())
    buckets = int(np.clip(np.ceil(float(cover[lines].max()) / step), 1, MOST_BUCKETS)) + 1
    ends = [lead + step * (k + 1) for k in range(buckets)]
    means = [demand.mean_to(end) for end in ends]
    wanted = np.stack([future.need.mean - future.approved, *np.diff(means, axis=0)], axis=1)
    due = [future.supply.received_before(end) for end in ends]
    coming = np.stack([np.zeros(len(lead)), *np.diff(due, axis=0)], axis=1)
    # Where a line that is not due today will be due, there is an order anyway.
    later = np.cumsum(wanted[:, 1:], axis=1) + np.minimum(levels.order - future.approved, 0.0)[:, None] > SMALL
    anyway = np.concatenate([[False], np.logical_or.reduce(later[others], axis=0, initial=False)])
    cost, held = positions.column("unit_cost")[lines], positions.column("holding_cost_per_day")[lines]
    firm, limits = order[lines], future.limits
    told: dict[str, object] = {}
    if asked.container > 0 and fill:
        told = {"container_volume": asked.container, "least_fill": np.where(np.arange(buckets) == 0, LEAST_FILL, 0.0)}
    return build_instance(
        stock=np.maximum(-wanted[lines, 0], 0.0),
        demand=np.maximum(wanted[lines], 0.0),
        receipts=coming[lines],
        safety_stock=np.maximum(levels.order - future.need.mean, 0.0)[lines],
        pack=np.where(fixed[lines], 0.0, limits.multiple[lines]),
        moq=np.where(fixed[lines], 0.0, limits.least[lines]),
        max_order=np.where(fixed[lines], firm, np.maximum(limits.most[lines], firm)),
        unit_cost=cost,
        volume=np.nan_to_num(positions.column("volume")[lines]),
        holding=np.nan_to_num(held) * step,
        # What the policy asks for is bought, whatever the margin.
        lost_penalty=positions.worth[lines] + 2 * cost + 1,
        safety_penalty=positions.worth[lines] + cost + 1,
        order_cost=np.where(anyway, 0.0, asked.order_cost),
        minimum_value=np.where(np.arange(buckets) == 0, asked.least_value, 0.0),
        firm=firm,
        **told,
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
