"""What forecast, policy and transfers promise, in the few numbers that head their pages. No Streamlit."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pages.components import forecast_record
from pages.components.formats import known
from pages.components.headline import beside
from pages.components.lines import KEYS, keep, outermost, selling
from planning.result import PlanResult

DAYS_A_YEAR = 365


@dataclass(frozen=True)
class Promise:
    """Service promised and what it costs; None where it cannot be said.

    `stock_value` is the mean stock on hand under the policy (safety stock and half of what is used up between two
    orders) at cost; `lost_margin_per_year` the margin of the demand that the policy expects not to serve.
    """

    fill_rate: float | None
    target: float | None
    stock_value: float | None
    stock_units: float
    lost_margin_per_year: float | None
    lost_units_per_year: float


def promise(plan: PlanResult) -> Promise:
    """Sum up the policy over the lines of the plan: service where customers are, stock everywhere."""
    sells = plan.items[[*KEYS, "unit_cost", "unit_price"]].assign(sells=plan.items.index.isin(selling(plan).index))
    rows = beside(plan.policy, sells, ("unit_cost", "unit_price", "sells"))
    demand = rows["demand_mean_per_day"].fillna(0.0)
    served = rows["expected_fill_rate"].notna() & (demand > 0) & rows["sells"]
    stock = rows["mean_stock_units"]
    lost = (demand * (1 - rows["expected_fill_rate"]) * DAYS_A_YEAR).where(served, 0.0)
    margin = (rows["unit_price"] - rows["unit_cost"]).clip(lower=0)
    weights = demand[served]
    return Promise(
        fill_rate=float(np.average(rows.loc[served, "expected_fill_rate"], weights=weights)) if served.any() else None,
        target=float(np.average(rows.loc[served, "service_target"], weights=weights)) if served.any() else None,
        stock_value=_sum(stock * rows["unit_cost"]),
        stock_units=float(stock.sum()),
        lost_margin_per_year=_sum(lost * margin),
        lost_units_per_year=float(lost.sum()),
    )


@dataclass(frozen=True)
class Outlook:
    """Expected demand of the next four weeks beside the same weeks of last year, and the forecast's record.

    `wape`, `naive_wape` and `bias` are shares of all demand that was measured, over lead time + review; None where
    unknown.
    """

    next_units: float
    last_year_units: float | None
    wape: float | None
    naive_wape: float | None
    bias: float | None
    measured: int


def outlook(plan: PlanResult, history: pd.DataFrame, *, days: int = 28) -> Outlook:
    """Sum up the forecast of the lines in view; `history` (starts_on, sales) is theirs."""
    first = pd.Timestamp(plan.as_of)
    ahead = keep(plan.forecast, outermost(plan))
    ahead = ahead[ahead["starts_on"] < first + pd.Timedelta(days=days)]
    measured = forecast_record.measured(plan)
    record = forecast_record.by_group(measured)
    return Outlook(
        next_units=float(ahead["mean"].sum()),
        last_year_units=_last_year(history, first, days),
        wape=_first(record, "wape"),
        naive_wape=_first(record, "naive_wape"),
        bias=_first(record, "bias"),
        measured=len(measured),
    )


@dataclass(frozen=True)
class Moves:
    """Today's transfers: units, lanes, gain (money, or units where no price is known), lines short everywhere."""

    units: float
    lines: int
    lanes: int
    gain: float
    in_money: bool
    short_items: int
    short_units: float


def moves(plan: PlanResult) -> Moves:
    """Sum up the transfers; an item is short everywhere when what its locations ask for exceeds all there is."""
    sent, after = plan.allocation, plan.before_after
    short = after.groupby("item_id")["short"].sum() if len(after) else pd.Series(dtype=float)
    priced = (plan.items["unit_price"] - plan.items["unit_cost"]).notna().any()
    return Moves(
        units=float(sent["quantity"].sum()),
        lines=len(sent),
        lanes=len(sent[["source_id", "destination_id"]].drop_duplicates()),
        gain=float(sent["value"].sum()),
        in_money=bool(priced),
        short_items=int((short > 1e-6).sum()),
        short_units=float(short.sum()),
    )


def _last_year(history: pd.DataFrame, first: pd.Timestamp, days: int) -> float | None:
    """Sales of the same weeks a year (52 weeks) ago; None where history does not reach back so far."""
    if history.empty:
        return None
    start = first - pd.Timedelta(days=364)
    if history["starts_on"].min() > start:
        return None
    same = history[(history["starts_on"] >= start) & (history["starts_on"] < start + pd.Timedelta(days=days))]
    return float(same["sales"].sum()) if len(same) else None


def _first(rows: pd.DataFrame, column: str) -> float | None:
    return float(rows[column].iloc[0]) if len(rows) and known(rows[column].iloc[0]) else None


def _sum(values: pd.Series) -> float | None:
    return float(values.sum()) if values.notna().any() else None
