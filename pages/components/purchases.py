"""Today's orders by supplier and location, proposed and approved, against what each supplier asks. No Streamlit."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from pages.components.formats import count, known, money
from pages.components.lines import pairs
from planning.result import PlanResult

GROUP = ("state", "order_number", "supplier_id", "location_id")
PROPOSED, APPROVED, TAKEN = "proposed", "approved", "taken out"
OPEN = (APPROVED, TAKEN)
"""States in which an approved order is still to come."""
LINES = (*GROUP, "item_id", "item_name", "quantity", "ordered_on", "arrives_on", "unit_cost", "line_value")


@dataclass(frozen=True)
class Totals:
    """What today's orders come to, in money as far as costs are known."""

    proposed: float
    approved: float
    budget: float | None
    below_minimum: int


def order_lines(plan: PlanResult, approved: pd.DataFrame) -> pd.DataFrame:
    """Every order line, approved ones first, in the columns of LINES.

    Parameters
    ----------
    approved : order_number, item_id, location_id, supplier_id, quantity, unit_cost, ordered_on, due_on, status.
    """
    new = plan.orders.assign(state=PROPOSED, ordered_on=pd.to_datetime(plan.orders["order_on"], cache=False))
    parts = [new.reindex(columns=list(LINES))]
    if len(approved):
        mine = approved[pairs(approved).isin(pairs(plan.items)) & approved["status"].isin(OPEN)]
        mine = mine.assign(state=mine["status"], arrives_on=pd.to_datetime(mine["due_on"], cache=False))
        parts.insert(0, mine.reindex(columns=list(LINES)))
    rows = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
    known = plan.items.set_index(["item_id", "location_id"])[["item_name", "unit_cost"]]
    told = known.reindex(pairs(rows))
    cost = rows["unit_cost"].astype(float).fillna(pd.Series(told["unit_cost"].to_numpy(float), rows.index))
    value = rows["line_value"].astype(float).fillna(rows["quantity"].astype(float) * cost)
    return rows.assign(item_name=told["item_name"].to_numpy(object), unit_cost=cost, line_value=value)


def by_order(rows: pd.DataFrame, minimum: Mapping[str, float]) -> pd.DataFrame:
    """One row an order: what it comes to and what it lacks of its supplier's minimum.

    Returns
    -------
    DataFrame: GROUP, lines, quantity, line_value (NaN where no cost is known), arrives_on, minimum, told (in words).
    """
    grouped = rows.groupby(list(GROUP), dropna=False, sort=False)
    orders = grouped.agg(
        lines=("item_id", "size"),
        quantity=("quantity", "sum"),
        line_value=("line_value", lambda v: v.sum(min_count=1)),
        unpriced=("line_value", lambda v: int(v.isna().sum())),
        arrives_on=("arrives_on", "max"),
    ).reset_index()
    least = orders["supplier_id"].map(minimum).astype(float)
    orders = orders.assign(minimum=least.where(least > 0))
    orders = orders.assign(told=[_against_minimum(row) for row in orders.to_dict("records")])
    first = orders["state"].map({PROPOSED: 0, APPROVED: 1, TAKEN: 2})
    ranked = orders.assign(_first=first).sort_values(["_first", "line_value"], ascending=[True, False], kind="stable")
    return ranked.drop(columns="_first").reset_index(drop=True)


def _against_minimum(row: Mapping[str, object]) -> str:
    least, value = row["minimum"], row["line_value"]
    if pd.isna(least):
        return "none asked"
    if pd.isna(value) or row["unpriced"]:
        return "not known: a cost is missing"
    return "met" if float(value) >= float(least) - 1e-6 else f"{money(float(least) - float(value))} short"


def totals(rows: pd.DataFrame, orders: pd.DataFrame, plan: PlanResult) -> Totals:
    """Sum up the orders of today."""
    today = pd.to_datetime(rows["ordered_on"], cache=False) == pd.Timestamp(plan.as_of)
    return Totals(
        proposed=_known(rows.loc[rows["state"] == PROPOSED, "line_value"]),
        approved=float(rows.loc[(rows["state"] != PROPOSED) & today, "line_value"].sum()),
        budget=plan.params.budget,
        below_minimum=int(orders["told"].str.endswith("short").sum()),
    )


def _known(values: pd.Series) -> float:
    """The sum of what is known; NaN where nothing is, of something."""
    return float(values.sum(min_count=1 if len(values) else 0))


def in_words(now: Totals, orders: pd.DataFrame, currency: str) -> str:
    """The totals as a sentence."""
    waiting = (orders["state"] == PROPOSED).sum()
    done = len(orders) - waiting
    said = f"**{count(int(waiting), 'order')}** proposed"
    if known(now.proposed):
        said += f": {money(now.proposed, currency)}"
    if done:
        said += f"; **{count(int(done), 'order')}** approved and open, of which {money(now.approved, currency)} today"
    if now.budget is not None:
        left = now.budget - now.proposed - now.approved
        said += f"; {money(max(left, 0.0), currency)} of the budget of {money(now.budget, currency)} left"
    if now.below_minimum:
        said += f"; {count(now.below_minimum, 'order')} below the supplier's minimum"
    return f"{said}."
