"""The plan of one item at one location, week by week: what it starts with, sells, receives, orders and ends with."""

import numpy as np
import pandas as pd

from planning.distribution import CumulativeDemand
from planning.orders import Limits
from planning.replenish import days_of_supply, net_requirements
from planning.result import PlanResult

WEEK = 7
COLUMNS = (
    "starts_on",
    "starting_stock",
    "demand",
    "sales",
    "receipts",
    "overdue",
    "orders",
    "closing_stock",
    "unmet",
    "days_of_supply",
    "safety_stock",
    "placed",
    "past_due",
)


def build_grid(plan: PlanResult, item_id: str, location_id: str, weeks: int = 13) -> pd.DataFrame:
    """Return one row a week from `as_of` on; no row where the plan does not know the item there.

    In every row closing_stock = starting_stock + receipts + orders - sales, and where unmet demand is lost
    sales = demand - unmet; where it is owed, it is sold in the end and stock falls below zero.

    Parameters
    ----------
    weeks : how many, as far as the plan reaches.

    Returns
    -------
    DataFrame, units unless said: starts_on (date), starting_stock, demand, sales, receipts (open orders, overdue ones
    in the first week), overdue (of these), orders (today's, later and transfers, by the week of their arrival),
    closing_stock, unmet (at its true size), days_of_supply (days that the closing stock lasts, looking forward; NaN
    where no demand is expected), safety_stock (of the week's last day), placed (orders by the week in which they are
    placed), past_due (what should have been ordered before this morning to keep the safety stock in that week).
    """
    at = _row(plan, item_id, location_id)
    if at is None:
        return pd.DataFrame({name: pd.Series(dtype="float64") for name in COLUMNS})
    course = plan.projection
    days = min(weeks * WEEK, len(course.days) // WEEK * WEEK)
    demand, receipts, orders, unmet = (
        _by_week(values[at, :days]) for values in (course.demand, course.receipts, course.orders, course.unmet)
    )
    closing = course.with_orders[at, WEEK - 1 : days : WEEK]
    starting = np.concatenate([[course.starting_stock[at]], closing[:-1]])
    out = pd.DataFrame(
        {
            "starts_on": pd.to_datetime(course.days[:days:WEEK]),
            "starting_stock": starting,
            "demand": demand,
            "sales": demand - unmet if plan.params.unmet_demand == "lost" else demand,
            "receipts": receipts,
            "overdue": _overdue(plan, item_id, location_id, len(closing)),
            "orders": orders,
            "closing_stock": closing,
            "unmet": unmet,
            "days_of_supply": _days_of_supply(course.demand[at], closing),
            "safety_stock": course.safety[at, WEEK - 1 : days : WEEK],
            "placed": _placed(plan, item_id, location_id, len(closing)),
            "past_due": _past_due(plan, at, days),
        }
    )
    return out[list(COLUMNS)]


def _row(plan: PlanResult, item_id: str, location_id: str) -> int | None:
    keys = plan.projection.keys
    found = np.flatnonzero((keys["item_id"] == item_id) & (keys["location_id"] == location_id))
    return int(found[0]) if len(found) else None


def _by_week(daily: np.ndarray) -> np.ndarray:
    return np.asarray(daily.reshape(-1, WEEK).sum(axis=1))


def _own(frame: pd.DataFrame, item_id: str, location_id: str) -> pd.DataFrame:
    return frame[(frame["item_id"] == item_id) & (frame["location_id"] == location_id)]


def _days_of_supply(daily: np.ndarray, closing: np.ndarray) -> np.ndarray:
    """Days that the stock at the end of each week lasts."""
    total = np.concatenate([[0.0], np.cumsum(daily)])
    out = np.full(len(closing), np.nan)
    for week, stock in enumerate(closing):
        rest = total[(week + 1) * WEEK :] - total[(week + 1) * WEEK]
        if len(rest) > 1:
            ahead = CumulativeDemand(rest[None, :], np.zeros((1, len(rest))), np.ones(1, bool))
            out[week] = days_of_supply(ahead, np.array([stock]))[0]
    return out


def _overdue(plan: PlanResult, item_id: str, location_id: str, weeks: int) -> np.ndarray:
    """Open orders that should have come before this morning, and count for today."""
    out = np.zeros(weeks)
    late = _own(plan.exceptions, item_id, location_id)
    late = late[(late["kind"] == "past_due") & (late["due_on"] < pd.Timestamp(plan.as_of))]
    counted = min(float(late["quantity"].sum()), float(plan.projection.receipts[_row(plan, item_id, location_id), 0]))
    if weeks:
        out[0] = counted
    return out


def _placed(plan: PlanResult, item_id: str, location_id: str, weeks: int) -> np.ndarray:
    """Orders and transfers by the week in which they are placed."""
    out = np.zeros(weeks)
    today = _own(plan.replenishment, item_id, location_id)
    if weeks and len(today):
        out[0] = float(today["order_quantity"].iloc[0] + today["transfer_quantity"].iloc[0])
    later = _own(plan.planned_orders, item_id, location_id)
    week = (later["order_on"] - pd.Timestamp(plan.as_of)).dt.days.to_numpy() // WEEK
    inside = (week >= 0) & (week < weeks)
    np.add.at(out, week[inside].astype(int), later["quantity"].to_numpy(float)[inside])
    return out


def _past_due(plan: PlanResult, at: int, days: int) -> np.ndarray:
    """What each week should have received from orders placed before this morning to keep its safety stock."""
    course = plan.projection
    lead = float(plan.policy["lead_time_days"].iloc[at])
    free = Limits(np.zeros(1), np.zeros(1), np.full(1, np.inf))
    record = net_requirements(
        course.demand[at : at + 1, :days], course.receipts[at : at + 1, :days], course.starting_stock[at : at + 1],
        course.safety[at : at + 1, :days], np.array([lead]), free,
    )  # fmt: skip
    return _by_week(np.where(np.arange(days) < lead, record.receipts[0], 0.0))
