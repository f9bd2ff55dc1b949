"""Today's purchases: what suppliers' terms add to them, and what the budget takes away."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

import numpy as np
import pandas as pd

from planning import engine
from planning.base import Base
from planning.budget import Share, share_budget
from planning.distribution import CumulativeDemand
from planning.least_order import judge_least_orders
from planning.orders import Limits, Sized, reach_supplier_minimum, size_orders
from planning.params import Params
from planning.policy import Levels, Need
from planning.positions import Positions
from planning.supplier_lines import build_lines
from planning.supplier_terms import Raised, has_terms, raise_to_terms, summary
from planning.timeline import as_set


@dataclass(frozen=True)
class Settled:
    """What suppliers and the budget do to today's orders, units, (n,) each.

    raised, filled, cut : for suppliers' minimums and order costs, for containers, and what the budget takes, <= 0.
    solved : how suppliers' orders were solved (see `planning.supplier_terms.summary`); empty: none had to be.
    """

    raised: np.ndarray
    filled: np.ndarray
    cut: np.ndarray
    solved: Mapping[str, object]


def settle_purchases(
    base: Base,
    positions: Positions,
    sized: Sized,
    limits: Limits,
    levels: Levels,
    asked: np.ndarray,
    approved: np.ndarray,
    params: Params,
    notes: list[str],
    run: engine.Runner = engine.serial,
) -> Settled:
    """Return what suppliers' minimums and order costs add, what containers add, and what the budget takes.

    Orders set by hand count for all, but are neither raised nor cut; so do those approved this morning for the budget.
    """
    need, hand, demand = base.need, base.hand, base.demand
    buys, cost = positions.buys, positions.column("unit_cost")
    bought = replace(sized, order=np.where(buys, sized.order, 0.0))
    terms = Raised(np.zeros(len(buys)), np.zeros(len(buys)), np.zeros(len(buys), bool))
    if has_terms(base.suppliers):
        joins = _may_join(positions, levels, limits, demand, approved, bought.order > 0, hand.is_set)
        lines = build_lines(
            positions, need, base.supply, levels, limits, demand,
            order=bought.order, joins=joins, approved=approved, fixed=hand.is_set,
        )  # fmt: skip
        terms = raise_to_terms(base.suppliers, positions.table[["supplier_id", "location_id"]], buys, lines, notes, run)
    solved = summary(terms.plans) if terms.plans else {}
    least = base.suppliers.drop_duplicates("supplier_id").set_index("supplier_id")["min_order_value"]
    minimum = positions.table["supplier_id"].map(least).astype(float).fillna(0).to_numpy()
    per_day = np.where(hand.is_set, 0.0, demand.mean_to(positions.interval) / positions.interval)
    wanted = np.where(hand.is_set, bought.order, asked)
    free = as_set(limits, hand.is_set)
    # What coverage cannot reach is reached as far as days of demand do.
    missing = np.where(terms.settled, 0.0, minimum)
    raised = terms.by_value + reach_supplier_minimum(wanted, bought, free, positions, missing, per_day, notes)
    filled = terms.by_container
    ordered = bought.order + raised + filled
    if params.budget is None:
        return Settled(raised, filled, np.zeros(len(ordered)), solved)
    fixed = np.where(hand.is_set, ordered, 0.0)
    left = params.budget - float(np.nansum((fixed + positions.bought) * cost))
    if left < 0:
        notes.append(
            f"Orders set by hand or approved this morning are {-left:,.2f} beyond the budget: nothing else is ordered."
        )
    cut = _within_budget(
        positions, need, levels.order - levels.own, ordered, fixed, limits, minimum, max(left, 0.0), notes
    )
    return Settled(raised, filled, cut, solved)


def _may_join(
    positions: Positions,
    levels: Levels,
    limits: Limits,
    demand: CumulativeDemand,
    approved: np.ndarray,
    due: np.ndarray,
    by_hand: np.ndarray,
) -> np.ndarray:
    """Return the most units by which a line that is not due today may join its supplier's order, (n,); 0: none.

    It is what the line needs to the end of its coverage, in the packs of its order. Who orders from a reorder point
    of their own waits for it, and a least order that would last for years joins nothing.
    """
    lead, review, cover = (positions.column(f"{name}_days") for name in ("lead_time", "review_period", "coverage"))
    need = levels.order + demand.mean_to(lead + cover) - demand.mean_to(lead + review) - approved
    some = (positions.table["policy_type"] == "R,S").to_numpy(bool) & ~due & ~by_hand & (need > 1e-6)
    some &= ~judge_least_orders(positions, demand, limits, some, by_hand).withheld
    return np.where(some, size_orders(np.where(some, need, 0.0), limits).order, 0.0)


def _within_budget(
    positions: Positions,
    need: Need,
    beyond: np.ndarray,
    ordered: np.ndarray,
    fixed: np.ndarray,
    limits: Limits,
    minimum: np.ndarray,
    budget: float,
    notes: list[str],
) -> np.ndarray:
    """Return what the budget takes from each line, units <= 0, (n,); what is set by hand stays."""
    cut = np.zeros(len(ordered))
    rows = np.flatnonzero(ordered > 0)
    if not len(rows):
        return cut
    keys = positions.table.iloc[rows][["supplier_id", "location_id"]]
    group = keys.groupby(["supplier_id", "location_id"], dropna=False).ngroup().to_numpy()
    names = keys.groupby(group).first()
    cost, worth = positions.column("unit_cost")[rows], positions.worth[rows]
    part, firm, beyond = _among(need, rows), fixed[rows], beyond[rows]
    # What is ordered for the stores saves there what the pooled need does not tell: it counts as needed like the rest.
    without = part.short(-beyond)
    # What stands by hand counts for the least value, and is paid already.
    by_hand = np.bincount(group, np.nan_to_num(firm * cost), minlength=len(names))
    least = np.maximum(pd.Series(minimum[rows]).groupby(group).max().to_numpy(float) - by_hand, 0.0)
    rules = Limits(limits.least[rows], limits.multiple[rows], limits.most[rows])
    free = np.where(firm > 0, 0.0, ordered[rows])
    share = share_budget(
        free, rules, cost, lambda units: worth * (without - part.short(units - beyond)), budget, group, least
    )
    cut[rows] = share.order - free
    _tell_budget(share, free, cost, names, budget, notes)
    return cut


def _among(need: Need, rows: np.ndarray) -> Need:
    """Return the needs of these rows alone."""
    told = {each.name: getattr(need, each.name) for each in fields(need)}
    return Need(**{name: value[rows] if isinstance(value, np.ndarray) else value for name, value in told.items()})


def _tell_budget(
    share: Share, asked: np.ndarray, cost: np.ndarray, names: pd.DataFrame, budget: float, notes: list[str]
) -> None:
    unknown = int((np.isnan(cost) & (asked > 0)).sum())
    if unknown:
        notes.append(f"{unknown:,} lines without a cost cannot be held against the budget and are not ordered.")
    lines = int(((share.order < asked - 1e-9) & ~np.isnan(cost)).sum())
    if lines:
        notes.append(
            f"The budget of {budget:,.2f} cut {lines:,} lines; {max(budget - share.spent, 0.0):,.2f} is left. What "
            f"is ordered saves {share.saved:,.2f}; no other choice within the budget saves more than {share.most:,.2f} "
            f"(gap {share.gap:.1%})."
        )
    if share.dropped.any():
        out = names[share.dropped]
        some = ", ".join(f"{supplier} for {place}" for supplier, place in out.head(3).itertuples(index=False))
        notes.append(
            f"Orders left out whole, because the budget does not reach their supplier's minimum: {len(out):,} "
            f"({some}{', ...' if len(out) > 3 else ''}). Raise the budget, or leave other suppliers out."
        )
