"""How an item is reordered: up to a level, up to it from a reorder point on, by a fixed lot, or between two levels.

Each kind is a reorder point and a lot on top of it, so that all of them read the same table of needs:

(R,S)    the level that reaches the service target; no lot
(R,s,S)  from the reorder point s up to S = s + lot
(s,Q)    whole lots Q, as many as lift the position above s
min/max  from the minimum stock up to the maximum, as the user had it; the service that they give is told

Source: Silver, Pyke & Thomas, Inventory and Production Management in Supply Chains, 4th ed. (2017), ch. 4, 6 and 7.
"""

import numpy as np
import pandas as pd

from planning.params import Params

MOST_LOT_DAYS = 365
"""A lot is never more than so many days of demand, however cheap stock is."""
MOST_COVERAGE_DAYS = 730


def lot_cost(quantity: np.ndarray, order_cost: np.ndarray, demand: np.ndarray, holding: np.ndarray) -> np.ndarray:
    """Return K D / Q + h Q / 2, money a period: what ordering in lots of `quantity` costs.

    Parameters
    ----------
    order_cost : money an order. demand : units a period. holding : money for a unit and a period.
    """
    return np.asarray(order_cost * demand / quantity + holding * quantity / 2)


def economic_lot(
    order_cost: np.ndarray,
    demand: np.ndarray,
    holding: np.ndarray,
    multiple: np.ndarray,
    least: np.ndarray,
    most: np.ndarray,
) -> np.ndarray:
    """Return the lot that costs least, Q* = sqrt(2 K D / h), units, (n,); NaN where a cost is unknown or none.

    With packs it is the cheaper of the two whole numbers of packs around it; then at least `least`, in whole packs.

    Parameters
    ----------
    order_cost : money an order. demand : units a period. holding : money for a unit and a period.
    multiple : of packs, 0: none. least, most : units; `most` goes before packs, `least` last.
    """
    known = (order_cost > 0) & (holding >= 0)
    cost, held = np.where(known, order_cost, 1.0), np.where(known, holding, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        best = np.where(demand > 0, np.sqrt(2 * cost * demand / held), 0.0)
        best = np.minimum(best, most)
        u = np.where(multiple > 0, multiple, 1.0)
        below = np.floor(best / u + 1e-9) * u
        lower, upper = (lot_cost(q, cost, demand, held) for q in (below, below + u))
        packs = np.where((below > 0) & (lower <= upper), below, np.where(best > 0, below + u, 0.0))
    lot = np.where(multiple > 0, packs, best)
    lot = np.where(demand > 0, np.maximum(lot, in_packs(least, multiple)), 0.0)
    return np.where(known, lot, np.nan)


def in_packs(units: np.ndarray, multiple: np.ndarray) -> np.ndarray:
    """Return the units rounded up to whole multiples, where there are any, (n,)."""
    u = np.where(multiple > 0, multiple, 1.0)
    return np.where(multiple > 0, np.ceil(units / u - 1e-9) * u, units)


def join_policy(table: pd.DataFrame, params: Params, notes: list[str]) -> None:
    """Add what the policy decides: policy_type, lot and reorder_at; change coverage_days and order_multiple with it.

    lot : units that an order brings beyond the reorder point, 0 for (R,S). reorder_at : the reorder point of min/max,
    units of inventory position, NaN elsewhere. An order of (R,s,S) or min/max lasts for a review and its lot; one of
    (s,Q) is a multiple of its lot.

    Parameters
    ----------
    table : place_policy, item_policy, demand_per_day, whole, order_cost, holding_cost_per_day, moq, order_multiple,
        min_stock, max_stock, least_stock, review_period_days, coverage_days.
    """
    asked = table["place_policy"].where(table["place_policy"].notna(), table["item_policy"])
    kind = asked.where(asked.notna(), params.policy).to_numpy(object)
    low, high = table["least_stock"].to_numpy(float), table["max_stock"].to_numpy(float)
    between = (kind == "min/max") & (high >= low) & table["min_stock"].notna().to_numpy()
    lacking = int(((kind == "min/max") & ~between).sum())
    if lacking:
        notes.append(
            f"Item-locations to be kept between a minimum and a maximum, but without both of them: {lacking:,}. "
            "They are ordered up to the level of the service target. Give min_stock and max_stock."
        )
        kind = np.where((kind == "min/max") & ~between, "R,S", kind)
    rate, review = table["demand_per_day"].to_numpy(float), table["review_period_days"].to_numpy(float)
    coverage = table["coverage_days"].to_numpy(float)
    economic, pack, least = _economic(table, rate)
    a_cover = in_packs(rate * coverage, pack)
    told = np.fmax(economic, in_packs(np.maximum(least, np.where(pack > 1, pack, 0.0)), pack))
    fixed = np.where(told > 0, told, np.maximum(a_cover, np.where(pack > 0, pack, 0.0)))
    refill = np.fmax(economic, np.maximum(rate * coverage, least))
    cases = [kind == "R,s,S", kind == "s,Q", between]
    table["policy_type"] = kind
    table["lot"] = np.select(cases, [refill, fixed, high - low], 0.0)
    table["reorder_at"] = np.where(between, low, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        lasts = np.ceil(review + np.where(rate > 0, table["lot"] / rate, 0.0) - 1e-9)
    lasts = np.minimum(lasts, np.maximum(MOST_COVERAGE_DAYS, coverage))
    table["coverage_days"] = np.select(cases, [lasts, review, lasts], coverage)
    lots = (kind == "s,Q") & (table["lot"].to_numpy() > 0)
    table["order_multiple"] = np.where(lots, table["lot"], table["order_multiple"])


def _economic(table: pd.DataFrame, rate: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the economic lot (NaN: no costs), the pack (0: none) and the least order, units, (n,) each."""
    pack = table["order_multiple"].to_numpy(float)
    pack = np.where(np.isnan(pack), np.where(table["whole"].to_numpy(bool), 1.0, 0.0), pack)
    least = table["moq"].fillna(0).to_numpy(float)
    cost, holding = (table[name].to_numpy(float) for name in ("order_cost", "holding_cost_per_day"))
    return economic_lot(cost, rate, holding, pack, least, rate * MOST_LOT_DAYS), pack, least
