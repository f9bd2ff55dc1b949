"""The numbers that head the Overview, from the lines in view. No Streamlit.

Money that is not known is not zero: each amount comes with the units behind it that have no price or cost.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pages.components.formats import count, money, short_day, units
from pages.components.lines import pairs, selling
from planning.result import PlanResult
from planning.tables import RESULT_TABLES


@dataclass(frozen=True)
class Amount:
    """Money, as far as it is known; the units it stands for; those of them without a known price or cost."""

    money: float | None
    units: float
    units_unpriced: float
    lines: int


def amount(frame: pd.DataFrame, units: str, money: str) -> Amount:
    """Sum up the rows that have units: money is None where no row knows it."""
    rows = frame[frame[units].fillna(0) > 0]
    known = rows[money].notna()
    total = float(rows.loc[known, money].sum()) if known.any() or rows.empty else None
    return Amount(total, float(rows[units].sum()), float(rows.loc[~known, units].sum()), len(rows))


def margin_at_risk(plan: PlanResult) -> Amount:
    """What is expected to be lost before anything ordered today can arrive."""
    return amount(plan.lines, "expected_lost_units", "lost_margin")


def idle_stock(plan: PlanResult) -> Amount:
    """Stock beyond any foreseeable need, dead stock included."""
    return amount(plan.lines, "excess_units", "excess_value")


def due_today(plan: PlanResult) -> Amount:
    """The purchases to place today."""
    return amount(plan.lines, "order_quantity", "order_value")


@dataclass(frozen=True)
class Number:
    """One of the three numbers: its label in money and in units, its amount, and what it means in a sentence."""

    label: str
    label_in_units: str
    amount: Amount
    told: str

    def said(self, currency: str, *, hidden: bool = False) -> tuple[str, str]:
        """The label and the value with its unit, in money where that is known and to be seen."""
        if self.amount.money is None or hidden:
            return self.label_in_units, units(self.amount.units)
        return self.label, money(self.amount.money, currency)


def three(plan: PlanResult) -> tuple[Number, Number, Number]:
    """What is at risk before the next arrival, what lies idle, what to order today, with their date."""
    risk, idle, due = margin_at_risk(plan), idle_stock(plan), due_today(plan)
    suppliers = plan.lines.loc[plan.lines["order_quantity"] > 0, "supplier_id"].nunique()
    on = f"{short_day(plan.as_of)} {plan.as_of.year}"
    source = f" from {count(suppliers, 'supplier')}" if suppliers else ""
    told = (
        f"{units(round(risk.units))} missed before the next arrival; {on}."
        if risk.lines
        else f"Nothing runs out before the next arrival; {on}.",
        f"{units(round(idle.units))} in {count(idle.lines, 'line')} beyond any need in sight; {on}."
        if idle.lines
        else f"No stock beyond what sells; {on}.",
        f"{units(round(due.units))} in {count(due.lines, 'line')}{source}; {on}."
        if due.lines
        else f"No order is due today; {on}.",
    )
    labels = (("Margin at risk", "Demand at risk"), ("Excess and dead stock",) * 2, ("Orders due today",) * 2)
    first, second, third = (
        Number(*label, amount, _with_unpriced(said, amount))
        for label, amount, said in zip(labels, (risk, idle, due), told, strict=True)
    )
    return first, second, third


def _with_unpriced(told: str, value: Amount) -> str:
    if value.money is None or not value.units_unpriced:
        return told
    return f"{told} Not in the sum: {units(value.units_unpriced)} without a known cost or price."


@dataclass(frozen=True)
class Health:
    """The state of the assortment in view; None where nothing can be said."""

    fill_rate: float | None
    red: int
    amber: int
    stock_value: float | None
    stock_unpriced: float
    days_of_supply: float | None
    moved_units: float
    suppliers: int


def health(plan: PlanResult) -> Health:
    """Sum up service, risk, stock and its reach.

    The fill rate is weighted by demand; days of supply are those of the whole stock at its whole demand, at cost
    where cost is known and in units otherwise.
    """
    rows = plan.lines[["item_id", "location_id", "on_hand", "risk", "order_quantity", "supplier_id"]]
    rows = beside(rows, plan.policy, ("demand_mean_per_day", "expected_fill_rate"))
    rows = beside(rows, plan.items, ("unit_cost",))
    demand, cost = rows["demand_mean_per_day"].fillna(0), rows["unit_cost"]
    held = rows["on_hand"].clip(lower=0)
    priced = cost.notna()
    weight = cost.where(priced) if priced.any() else pd.Series(1.0, rows.index)
    # What a warehouse expects is what its stores expect: their demand counts once.
    sells = pairs(rows).isin(pairs(selling(plan)))
    use = float((demand * weight)[sells].sum())
    served = rows["expected_fill_rate"].notna() & (demand > 0)
    return Health(
        fill_rate=float(np.average(rows.loc[served, "expected_fill_rate"], weights=demand[served]))
        if served.any()
        else None,
        red=int((rows["risk"] == "red").sum()),
        amber=int((rows["risk"] == "amber").sum()),
        stock_value=float((held * cost).sum()) if priced.any() else None,
        stock_unpriced=float(held[~priced].sum()),
        days_of_supply=float((held * weight).sum()) / use if use > 0 else None,
        moved_units=float(plan.allocation["quantity"].sum()),
        suppliers=int(rows.loc[rows["order_quantity"] > 0, "supplier_id"].nunique()),
    )


def with_reasons(rows: pd.DataFrame, plan: PlanResult) -> pd.DataFrame:
    """Rows that tell their line, in the columns of `replenishment`, their reasons written."""
    told = rows.assign(reason=plan.reasons(rows["line"].to_numpy(int))).drop(columns="line")
    first = [name for name in RESULT_TABLES["replenishment"].names if name in told]
    return told[[*first, *(name for name in told if name not in first)]]


def with_names(frame: pd.DataFrame, plan: PlanResult, columns: Sequence[str] = ("item_name",)) -> pd.DataFrame:
    """The rows with what `plan.items` knows about each, in their order."""
    wanted = [c for c in columns if c in plan.items and c not in frame]
    return beside(frame, plan.items, wanted) if wanted else frame


def beside(frame: pd.DataFrame, other: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """The rows with columns of another table, which has one row a line; where both stand in step, without a search."""
    keys = ["item_id", "location_id"]
    if len(frame) == len(other) and all((frame[k].to_numpy() == other[k].to_numpy()).all() for k in keys):
        told = {name: other[name].to_numpy() for name in columns}
        return frame.reset_index(drop=True).assign(**told)
    return frame.merge(other[[*keys, *columns]], on=keys, how="left")
