"""What is at stake in each line today, and what the budget buys of it. No Streamlit.

Money is told in money where any price is known, and in units where none is.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pages.components import headline
from pages.components.lines import KEYS, pairs
from planning.result import PlanResult
from planning.tables import RESULT_TABLES

ACTIONS = ("order", "transfer", "expedite", "wait")
"""What calls for a person today; idle stock has its own list on the Overview."""


@dataclass(frozen=True)
class Ranked:
    """The purchases that are wanted today, those of the highest return first.

    rows : item_id, location_id, supplier_id, wanted (units), value (money), saved (money, units where no price is
        known), rate (saved a unit of money), spent (running sum of value), ordered (units).
    unpriced : lines wanted whose cost is not known, and so stand in no ranking.
    in_money : whether `saved` is money.
    """

    rows: pd.DataFrame
    unpriced: int
    in_money: bool

    @property
    def value(self) -> float:
        """What all of it costs."""
        return float(self.rows["value"].sum())


def priced(plan: PlanResult) -> bool:
    """Whether the margin of any line is known."""
    return bool(_margins(plan).notna().any())


def work_list(plan: PlanResult) -> pd.DataFrame:
    """The lines that call for a person today, those with the most at stake first.

    Returns
    -------
    DataFrame: the columns of `PlanResult.lines`, line (the position there), item_name, quantity (units to order or to
    send), value (money, of an order) and stake: what is expected to be lost, in money (in units where no price is
    known), if nothing is done.
    """
    calls = np.flatnonzero(plan.lines["action"].isin(ACTIONS))
    rows = headline.with_names(plan.lines, plan).iloc[calls]
    rows = rows.assign(
        line=calls,
        quantity=rows["order_quantity"] + rows["transfer_quantity"],
        value=rows["order_value"].where(rows["order_quantity"] > 0),
        stake=at_stake(plan).to_numpy()[calls],
    )
    rows = rows.assign(_lost=rows["expected_lost_units"].fillna(0.0) + _saved(rows), _value=rows["value"].fillna(0.0))
    # Lines are sorted by item and location already.
    ranked = rows.sort_values(["stake", "_lost", "_value"], ascending=False, na_position="last", kind="stable")
    return ranked.drop(columns=["_lost", "_value"]).reset_index(drop=True)


def with_reasons(rows: pd.DataFrame, plan: PlanResult) -> pd.DataFrame:
    """Rows of `work_list` in the columns of `replenishment`, their reasons written."""
    told = rows.assign(reason=plan.reasons(rows["line"].to_numpy(int))).drop(columns="line")
    first = [name for name in RESULT_TABLES["replenishment"].names if name in told]
    return told[[*first, *(name for name in told if name not in first)]]


def at_stake(plan: PlanResult) -> pd.Series:
    """What each row of `replenishment` is expected to lose if nothing is done today, margin or units."""
    rows = plan.lines
    units = rows["expected_lost_units"].fillna(0.0) + _saved(rows)
    if not priced(plan):
        return units
    margin = _margins(plan)
    return (units * margin).where(margin.notna() | (units <= 0), rows["lost_margin"]).fillna(0.0)


def ranked(plan: PlanResult) -> Ranked:
    """Rank today's purchases, as they would be without a budget, by what each unit of money saves."""
    rows = plan.lines
    wanted = rows["order_wanted"] if "order_wanted" in rows else rows["order_quantity"]
    rows = rows.assign(wanted=wanted)[wanted > 0]
    cost = _costs(plan).reindex(rows.index)
    margin = _margins(plan).reindex(rows.index)
    in_money = priced(plan)
    # A line of unknown margin counts with one a unit, as in the plan.
    saved = _saved(rows) * (margin.fillna(1.0) if in_money else 1.0)
    rows = rows.assign(value=rows["wanted"] * cost, saved=saved, ordered=rows["order_quantity"])
    known = rows[rows["value"] > 0]
    rate = known["saved"] / known["value"]
    known = known.assign(rate=rate).sort_values(["rate", *KEYS], ascending=[False, True, True])
    known = known.assign(spent=known["value"].cumsum())
    columns = [*KEYS, "supplier_id", "wanted", "value", "saved", "rate", "spent", "ordered"]
    return Ranked(known[columns].reset_index(drop=True), int(rows["value"].isna().sum()), in_money)


def _saved(rows: pd.DataFrame) -> pd.Series:
    """Units that today's order keeps from being lost; of a plan that does not tell, none."""
    return rows["units_saved"].fillna(0.0) if "units_saved" in rows else pd.Series(0.0, rows.index)


def _margins(plan: PlanResult) -> pd.Series:
    """Margin of a unit by row of `replenishment`, NaN where a price or cost is not known."""
    rows = plan.lines
    own = plan.params.shortage_cost_per_unit
    if own is not None:
        return pd.Series(own, rows.index, dtype=float)
    each = (plan.items["unit_price"] - plan.items["unit_cost"]).to_numpy(float)
    return _by_row(plan, np.maximum(each, 0.0))


def _costs(plan: PlanResult) -> pd.Series:
    return _by_row(plan, plan.items["unit_cost"].to_numpy(float))


def _by_row(plan: PlanResult, values: np.ndarray) -> pd.Series:
    """Values of the rows of `items`, by row of `replenishment`."""
    rows, items = plan.lines, plan.items
    if len(rows) == len(items) and all((rows[k].to_numpy() == items[k].to_numpy()).all() for k in KEYS):
        return pd.Series(values, rows.index)
    return pd.Series(pd.Series(values, pairs(items)).reindex(pairs(rows)).to_numpy(), rows.index)
