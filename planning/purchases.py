"""Today's purchases: what suppliers' terms add to them, and what the budget takes away."""

from dataclasses import fields, replace

import numpy as np
import pandas as pd

from planning.base import Base
from planning.budget import Share, share_budget
from planning.orders import Limits, Sized, reach_supplier_minimum
from planning.params import Params
from planning.policy import Levels, Need
from planning.positions import Positions
from planning.supplier_terms import raise_to_terms
from planning.timeline import as_set


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
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what suppliers' minimums and order costs add, what containers add, and what the budget takes, (n,) each.

    Orders set by hand count for all, but are neither raised nor cut; so do those approved this morning for the budget.
    """
    need, hand, demand = base.need, base.hand, base.demand
    buys, cost = positions.buys, positions.column("unit_cost")
    bought = replace(sized, order=np.where(buys, sized.order, 0.0))
    terms = raise_to_terms(
        base.suppliers, positions, need, base.supply, levels, bought.order, approved, hand.is_set, limits, demand, notes
    )
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
        return raised, filled, np.zeros(len(ordered))
    fixed = np.where(hand.is_set, ordered, 0.0)
    left = params.budget - float(np.nansum((fixed + positions.bought) * cost))
    if left < 0:
        notes.append(
            f"Orders set by hand or approved this morning are {-left:,.2f} beyond the budget: nothing else is ordered."
        )
    cut = _within_budget(positions, need, ordered, fixed, limits, minimum, max(left, 0.0), notes)
    return raised, filled, cut


def _within_budget(
    positions: Positions,
    need: Need,
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
    part, firm = _among(need, rows), fixed[rows]
    without = part.short(np.zeros(len(rows)))
    # What stands by hand counts for the least value, and is paid already.
    by_hand = np.bincount(group, np.nan_to_num(firm * cost), minlength=len(names))
    least = np.maximum(pd.Series(minimum[rows]).groupby(group).max().to_numpy(float) - by_hand, 0.0)
    rules = Limits(limits.least[rows], limits.multiple[rows], limits.most[rows])
    free = np.where(firm > 0, 0.0, ordered[rows])
    share = share_budget(free, rules, cost, lambda units: worth * (without - part.short(units)), budget, group, least)
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
