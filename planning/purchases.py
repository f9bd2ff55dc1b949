"""Today's purchases: what suppliers' terms add to them, and what the budget takes away."""

from dataclasses import replace

import numpy as np
import pandas as pd

from planning.base import Base
from planning.orders import Limits, Sized, cut_to_budget, reach_supplier_minimum
from planning.params import Params
from planning.policy import Levels
from planning.positions import Positions
from planning.supplier_terms import raise_to_terms
from planning.timeline import (
    as_set,
)


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
    gain = positions.worth * (need.short(np.zeros(len(ordered))) - need.short(ordered))
    fixed = np.where(hand.is_set, ordered, 0.0)
    left = params.budget - float(np.nansum((fixed + positions.bought) * cost))
    if left < 0:
        notes.append(
            f"Orders set by hand or approved this morning are {-left:,.2f} beyond the budget: nothing else is ordered."
        )
    cut = cut_to_budget(ordered - fixed, limits, cost, gain, max(left, 0.0), notes)
    _tell_cut_orders(positions, ordered + cut, minimum, notes)
    return raised, filled, cut


def _tell_cut_orders(positions: Positions, order: np.ndarray, minimum: np.ndarray, notes: list[str]) -> None:
    value = pd.Series(order * positions.column("unit_cost"))
    groups = [positions.table["supplier_id"], positions.table["location_id"]]
    total = value.groupby(groups).sum()
    least = pd.Series(minimum).groupby(groups).max()
    short = total[(total > 0) & (total < least - 1e-6)]
    if len(short):
        some = ", ".join(f"{supplier} for {place}" for supplier, place in short.index[:3])
        notes.append(
            f"The budget leaves orders below their supplier's minimum: {len(short):,} ({some}). "
            "They may be refused: raise the budget, or leave these suppliers out."
        )
