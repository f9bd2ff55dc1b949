"""From the stages to the tables of the contract: what to do, why, and what it comes to."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import date
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from planning import allocation_tables
from planning.base import Curves
from planning.exceptions import find_exceptions
from planning.inputs import KEY
from planning.orders import purchase_orders
from planning.params import Params
from planning.policy import Levels
from planning.reasons import replenishment_reasons
from planning.replenish import NEVER, days_of_supply, demand_of, risk
from planning.result import Late, PlanResult, Projection
from planning.stages import Stages, echelon_levels
from planning.steps import purchase_steps
from planning.tables import RESULT_TABLES, WATERFALL_STEPS

CURVE_TARGETS = (0.70, 0.80, 0.85, 0.90, 0.93, 0.95, 0.97, 0.98, 0.99, 0.995)
CURVE_BESIDE: Mapping[str, Any] = MappingProxyType(
    {
        "service_target": 0.95,
        "service_target_by_class": {},
        "service_target_by_category": {},
        "service_target_by_supplier": {},
        "budget": None,
    }
)
"""What the curve does not depend on: each of its points has one target for all, and no order is placed."""
EXCESS_DAYS = 91
"""Stock beyond this many days of demand (or the policy's own need, if longer) is excess."""
NEXT_TO_NOTHING = 1e-3
"""Units over lead time + review below which no share of them is told."""
BAND_Z = 1.2815515655446004
"""Normal quantile of 90 %."""


def assemble(
    stages: Stages, as_of: date, params: Params, snapshot_id: str, notes: list[str], known: Curves
) -> PlanResult:
    """Build the result, each table sorted by its key; what takes long is made when it is first asked for.

    Parameters
    ----------
    known : the base's points of service curves; new ones are added.
    """
    ready: dict[str, Any] = {
        "as_of": as_of,
        "params": params,
        "snapshot_id": snapshot_id,
        "solver": _solver(stages),
        "notes": tuple(dict.fromkeys(notes)),
    }
    return _late(stages, ready, known)


def _solver(stages: Stages) -> dict[str, Any]:
    """Status, objective and gap of the allocation; beside them how suppliers' orders were solved, where any was."""
    told: dict[str, Any] = dict(stages.allocation.outcome.to_dict())
    return told | ({"purchases": dict(stages.purchases)} if stages.purchases else {})


def _late(stages: Stages, ready: Mapping[str, Any], known: Curves) -> PlanResult:
    as_of, params = stages.fits.calendar.as_of, stages.params
    every = np.arange(len(stages.order))

    def figures() -> pd.DataFrame:
        return _figures(stages, as_of, params)

    def reasons(rows: np.ndarray) -> np.ndarray:
        return replenishment_reasons(stages, plan.lines, params, rows)

    def replenishment() -> pd.DataFrame:
        return _ordered(plan.figures.assign(reason=list(reasons(every))), "replenishment")

    def orders() -> pd.DataFrame:
        return purchase_orders(plan.lines, stages.positions.column("unit_cost"), as_of.isoformat())

    def near(rows: np.ndarray) -> PlanResult:
        return _near(stages, plan, rows)

    parts: dict[str, Callable[[], Any]] = {
        "forecast": lambda: stages.told.forecast,
        "accuracy": lambda: stages.told.errors[0],
        "calibration": lambda: stages.told.errors[1],
        "rivals": lambda: stages.told.rivals,
        "figures": figures,
        "replenishment": replenishment,
        "orders": orders,
        "policy": lambda: _policy(stages, params),
        "planned_orders": lambda: _planned_orders(stages, as_of),
        "allocation": lambda: _ordered(allocation_tables.transfers(stages, as_of), "allocation"),
        "waterfall": lambda: _waterfall(stages, every),
        "exceptions": lambda: find_exceptions(stages, as_of, params),
        "items": lambda: _items(stages),
        "service_curve": lambda: _service_curve(stages, params, known),
        "before_after": lambda: allocation_tables.before_after(stages),
        "sharing": lambda: allocation_tables.compare_rules(stages),
        "limits": lambda: allocation_tables.limits(stages),
        "projection": lambda: _projection(stages, as_of, params),
        "totals": lambda: _totals(stages, plan.lines, plan.orders, plan.allocation, params.plan_days),
        "steps": lambda: purchase_steps(stages),
    }
    plan = PlanResult.made_late(ready, Late(parts, reasons, near))
    return plan


def _near(stages: Stages, plan: PlanResult, rows: np.ndarray) -> PlanResult:
    """Return the plan with the lines, waterfall and days to come of a few rows alone."""
    rows = np.unique(rows)

    def replenishment() -> pd.DataFrame:
        some = plan.lines.iloc[rows].reset_index(drop=True).assign(reason=plan.reasons(rows))
        return _ordered(some, "replenishment")

    own: dict[str, Callable[[], Any]] = {
        "replenishment": replenishment,
        "figures": replenishment,
        "policy": lambda: plan.policy.iloc[rows].reset_index(drop=True),
        "items": lambda: plan.items.iloc[rows].reset_index(drop=True),
        "waterfall": lambda: _waterfall(stages, rows),
        "projection": lambda: _projection(stages, plan.as_of, plan.params, rows),
    }
    others = [each.name for each in fields(PlanResult) if each.name not in own]
    parts = own | {name: partial(getattr, plan, name) for name in others}
    return PlanResult.made_late(
        {}, Late(parts, lambda some: plan.reasons(rows[some]), lambda some: plan.near(rows[some]))
    )


def _keys(stages: Stages) -> pd.DataFrame:
    return stages.network.keys[list(KEY)].reset_index(drop=True)


def _ordered(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """Columns in the order of the contract, further ones after them."""
    first = [c for c in RESULT_TABLES[name].names if c in frame]
    return frame[[*first, *(c for c in frame if c not in first)]]


def _policy(stages: Stages, params: Params) -> pd.DataFrame:
    table, demand, need = stages.positions.table, stages.demand, stages.need
    interval = stages.positions.interval
    mean = demand.mean_to(interval)
    level = stages.position + stages.levels.order
    level = np.where((mean > 0) | (stages.levels.order > 0), np.maximum(level, 0), 0.0)
    raw = stages.position + stages.levels.raw_order
    due_at = np.where(demand.whole, stages.position + np.ceil(np.round(stages.levels.raw_order, 6)) - 1, raw)
    given, lot = stages.positions.column("reorder_at"), stages.levels.lot
    due_at = np.where(np.isnan(given), due_at, level)
    out = _keys(stages).assign(
        abc_class=table["abc_class"].to_numpy(),
        demand_class=np.where(stages.network.feeds, "pooled", stages.fits.demand_class),
        model=np.where(stages.network.feeds, "sum of locations", stages.choice.name),
        forecast_reason=np.where(stages.network.feeds, "", stages.fits.reason),
        demand_mean_per_day=mean / interval,
        demand_sd_per_day=np.sqrt(demand.variance_to(interval) / interval),
        protection_interval_days=interval,
        safety_stock=np.maximum(level - mean, 0),
        reorder_point=np.where(level > 0, np.maximum(due_at, -1.0), -1.0),
        order_up_to_level=level + np.where((level > 0) | ~np.isnan(given), lot, 0.0),
        buffer_units=stages.levels.order - need.mean,
        kept_units=stages.kept,
        mean_stock_units=_mean_stock(stages, stages.levels),
        # A share of next to nothing says nothing.
        expected_fill_rate=np.where(mean > NEXT_TO_NOTHING, stages.levels.fill_rate(need), np.nan),
        expected_cycle_service_level=need.cycle_service_level(stages.levels.own),
    )
    for name in (
        "lead_time_days",
        "lead_time_sd_days",
        "lead_time_from",
        "review_period_days",
        "service_target",
        "service_target_from",
        "target_source",
        "policy_type",
        "pinned_safety_stock",
    ):
        out[name] = table[name].to_numpy()
    if params.service_measure == "cost":
        out["service_target"], out["service_target_from"] = stages.ratio, "margin and cost of holding"
        out["target_source"] = "cost"
    filled = params.service_measure == "fill_rate"
    out["implied_service"] = out["expected_fill_rate" if filled else "expected_cycle_service_level"]
    return _ordered(out, "policy")


def _figures(stages: Stages, as_of: date, params: Params) -> pd.DataFrame:
    """The lines of the plan, but for their reasons."""
    positions = stages.positions
    lead, review = positions.column("lead_time_days"), positions.column("review_period_days")
    cost, worth = positions.column("unit_cost"), positions.column("shortage_cost")
    today = pd.Timestamp(as_of)
    shortage = stages.without.first_shortage
    # What is not stocked here any more may sell out: that is no risk.
    kept = (positions.table["ranged"] & ~positions.table["dead"]).to_numpy(bool)
    shortage = np.where(kept, shortage, NEVER)
    level = risk(shortage, lead, review, stages.levels.due & kept)
    placed = stages.order + stages.transfer + stages.approved
    lost = _without_children(stages, np.where(kept, _lost_units(stages, placed, params.plan_days), 0.0))
    excess = _excess(stages)
    finite = np.isfinite(shortage)
    out_on = today + pd.to_timedelta(np.where(finite, shortage, 0), unit="D")
    order_by = out_on - pd.to_timedelta(lead, unit="D")
    out = _keys(stages).assign(
        supplier_id=positions.table["supplier_id"].astype(object).where(positions.buys),
        on_hand=positions.column("on_hand"),
        on_order=positions.column("on_order"),
        order_quantity=stages.order,
        transfer_quantity=stages.transfer,
        order_on=np.where(placed > 0, np.datetime64(today, "s"), np.datetime64("NaT")),
        arrives_on=pd.Series(today + pd.to_timedelta(lead, unit="D")).where(placed > 0).to_numpy(),
        risk=level,
        stockout_on=pd.Series(out_on).where(finite).to_numpy(),
        order_by=pd.Series(order_by).where(finite).to_numpy(),
        days_of_supply=days_of_supply(stages.demand, stages.usable),
        expected_lost_units=lost,
        lost_margin=lost * worth,
        excess_units=excess,
        excess_value=excess * cost,
        order_value=stages.order * cost,
        order_wanted=stages.order - stages.cut,
        units_saved=_units_saved(stages),
    )
    out["action"] = _actions(stages, out)
    return _ordered(out, "replenishment")


def _lost_units(stages: Stages, placed: np.ndarray, days: int) -> np.ndarray:
    """Units expected to be lost before the next order can arrive, (n,).

    What is lost before today's order arrives is told in full, however long that takes: nothing else speaks of it. Of
    what is lost after it, spread evenly until the next one arrives, that within `days` from today.
    """
    lead, review = (stages.positions.column(name) for name in ("lead_time_days", "review_period_days"))
    after = np.clip((days - lead) / review, 0, 1)
    return np.asarray(stages.need.lost_before + stages.need.short(placed) * after)


def _units_saved(stages: Stages) -> np.ndarray:
    """Units that today's order, as wanted before the budget, keeps from being lost, (n,)."""
    wanted = stages.order - stages.cut
    rows = wanted > 0
    saved = stages.need.short(np.zeros(len(wanted))) - stages.need.short(wanted) if rows.any() else 0.0
    return np.where(rows, saved, 0.0)


def _without_children(stages: Stages, units: np.ndarray) -> np.ndarray:
    """Units of a location that feeds others beyond those its stores tell themselves, so that totals add up."""
    below = stages.network.pool(units) - units
    return np.where(stages.network.feeds, np.maximum(units - below, 0), units)


def _excess(stages: Stages) -> np.ndarray:
    """Stock beyond the policy's need and beyond 91 days (or lead time + coverage) of demand; at most what is there."""
    positions = stages.positions
    reach = np.maximum(positions.column("lead_time_days") + positions.column("coverage_days"), EXCESS_DAYS)
    most = np.maximum(
        stages.demand.mean_to(reach),
        stages.position + np.maximum(stages.levels.order, -stages.position) + stages.levels.lot,
    )
    own = np.maximum(positions.net_stock, 0) + positions.column("on_order")
    return np.asarray(np.clip(stages.position + stages.approved - most, 0, own))


def _actions(stages: Stages, table: pd.DataFrame) -> np.ndarray:
    at_risk = table["risk"].isin(["red", "amber"]).to_numpy()
    return np.select(
        [
            stages.order > 0,
            stages.transfer > 0,
            at_risk & stages.without.is_late,
            at_risk,
            table["excess_units"].to_numpy() > 0,
        ],
        ["order", "transfer", "expedite", "wait", "reduce"],
        "none",
    )


def _planned_orders(stages: Stages, as_of: date) -> pd.DataFrame:
    table, buys, hand = stages.positions.table, stages.positions.buys, stages.hand
    all_leads = stages.positions.column("lead_time_days")
    row, day = np.nonzero(np.where(buys[:, None], stages.with_orders.planned, 0.0))
    units = stages.with_orders.planned[row, day]
    own = buys[hand.row] & (hand.units > 0)
    row, units = np.append(row, hand.row[own]), np.append(units, hand.units[own])
    day = np.append(day, hand.day[own] + all_leads[hand.row[own]])
    lead = all_leads[row]
    today = pd.Timestamp(as_of)
    out = pd.DataFrame(
        {
            "supplier_id": table["supplier_id"].to_numpy(object)[row],
            "location_id": table["location_id"].to_numpy(object)[row],
            "item_id": table["item_id"].to_numpy(object)[row],
            "quantity": units,
            "order_on": today + pd.to_timedelta(day - lead, unit="D"),
            "arrives_on": today + pd.to_timedelta(day, unit="D"),
        }
    )
    return out.sort_values(["supplier_id", "location_id", "item_id", "order_on"], kind="stable").reset_index(drop=True)


def _waterfall(stages: Stages, among: np.ndarray) -> pd.DataFrame:
    """Steps of the orders that were due `among` these rows; `need` and `order` are subtotals of the steps above."""
    positions = stages.positions
    is_set = stages.is_set
    rows = among[(positions.buys & ((stages.asked > 0) | (stages.order > 0)))[among]]
    # Where nothing was due but the planner orders, the need is what the steps leave: below zero, more than enough.
    asked = np.where(stages.asked > 0, stages.asked, stages.surplus)
    joins = ~is_set & (stages.asked <= 0) & (stages.order > 0)
    # What joins its supplier's order is not due: its need is that of today's review, none.
    asked = np.where(joins, np.minimum(stages.levels.order, 0.0), asked)
    pool = stages.network.pool
    lost_before = stages.lost_before
    on_hand = pool(positions.column("on_hand"))
    owed = pool(positions.column("allocated") + positions.column("backorders"))
    counted = stages.held + owed - on_hand
    steps = {
        # Lead times vary: over all of them expected demand is what the other steps leave.
        "expected demand to the end of coverage": asked
        - stages.buffer
        - stages.kept
        + stages.held
        + stages.counted_receipts
        + lost_before,
        "stores' safety stock": stages.kept,
        "usable on hand": -(on_hand + np.minimum(counted, 0)) - np.maximum(counted, 0),
        "committed and backorders": owed,
        "receipts counted": -stages.counted_receipts,
        "demand lost before arrival": -lost_before,
        "maximum": stages.sized.maximum,
        "moq": stages.sized.moq,
        "order multiple": stages.sized.multiple,
        "supplier minimum": stages.raised,
        "container": stages.filled,
        "budget": stages.cut,
        "pinned": np.zeros(len(asked)),
    }
    rounded = {name: np.round(values[rows], 6) for name, values in steps.items()}
    order, asked = np.round(stages.order[rows], 6), np.round(asked[rows], 6)
    before = WATERFALL_STEPS[: WATERFALL_STEPS.index("need")]
    after = WATERFALL_STEPS[WATERFALL_STEPS.index("need") + 1 : -1]
    rounded["safety stock"] = np.round(asked - sum(rounded[s] for s in before if s != "safety stock"), 6)
    # What rounding to six places leaves over goes to the multiple, so that the steps add up to the last digit; where
    # the planner has set the order, all that the plan would not have done is the planner's.
    joined, by_value = joins[rows], stages.raised[rows] > 0
    for step, some in (
        ("order multiple", ~is_set[rows] & ~joined),
        ("supplier minimum", joined & by_value),
        ("container", joined & ~by_value),
        ("pinned", is_set[rows]),
    ):
        left = np.round(order - asked - sum(rounded[s] for s in after if s != step), 6)
        rounded[step] = np.where(some, left, rounded[step])
    rounded["need"], rounded["order"] = asked, order
    keys = _keys(stages).iloc[rows]
    return pd.DataFrame(
        {
            **{name: np.repeat(keys[name].to_numpy(), len(WATERFALL_STEPS)) for name in KEY},
            "step": np.tile(np.array(WATERFALL_STEPS, dtype=object), len(rows)),
            "units": np.stack([rounded[s] for s in WATERFALL_STEPS], axis=1).ravel() + 0.0
            if len(rows)
            else np.zeros(0),
        }
    )


def _items(stages: Stages) -> pd.DataFrame:
    table = stages.positions.table
    place = stages.network.keys["location_id"].to_numpy(object)
    source = stages.network.source
    out = table[[*KEY, "item_name", "category", "supplier_id", "abc_class", "unit_cost", "unit_price"]].copy()
    out.insert(5, "demand_class", stages.fits.demand_class)
    out["fed_by"] = pd.Series(place[np.maximum(source, 0)], index=out.index, dtype=object).where(source >= 0)
    out["feeds"] = stages.network.feeds
    return out.reset_index(drop=True)


def _service_curve(stages: Stages, params: Params, known: Curves) -> pd.DataFrame:
    """Stock and service of the whole assortment at a range of targets, all else equal."""
    points = known.setdefault(params.but(**CURVE_BESIDE).to_json(), {})
    targets = (*CURVE_TARGETS, params.service_target)
    for target in targets:
        if target not in points:
            points[target] = _curve_point(stages, params, target)
    names = [
        "service_target",
        "stock_value",
        "stock_units",
        "expected_fill_rate",
        "lost_margin_per_year",
        "lost_units_per_year",
    ]
    return (
        pd.DataFrame([(target, *points[target]) for target in targets], columns=names)
        .drop_duplicates("service_target")
        .sort_values("service_target", ignore_index=True)
    )


def _curve_point(stages: Stages, params: Params, target: float) -> tuple[float, ...]:
    """Stock value and units, fill rate, margin and units lost a year at one target for all."""
    positions, need = stages.positions, stages.need
    interval = positions.interval
    sold = np.where(~stages.network.feeds, stages.demand.mean_to(interval) / interval, 0.0)
    cost = positions.column("unit_cost")
    levels = echelon_levels(stages, positions, params, np.full(len(cost), target))
    stock = _mean_stock(stages, levels)
    fill = np.nan_to_num(levels.fill_rate(need), nan=1.0)
    lost = sold * (1 - fill) * 365
    return (
        _known_sum(stock * cost),
        float(stock.sum()),
        float((sold * fill).sum() / max(sold.sum(), 1e-9)),
        _known_sum(lost * positions.column("shortage_cost")),
        float(lost.sum()),
    )


def _known_sum(money: np.ndarray) -> float:
    """Sum of what is known, NaN where nothing is."""
    return float(np.nansum(money)) if not np.isnan(money).all() else np.nan


def _mean_stock(stages: Stages, levels: Levels) -> np.ndarray:
    """Mean stock on hand under the policy: its buffer and half of what is used up between two orders, units, (n,).

    The level of a location that feeds others holds their stock too: only what is beyond theirs is its own.
    """
    network, review = stages.network, stages.positions.column("review_period_days")
    interval = stages.positions.column("lead_time_days") + review
    per_day = stages.demand.mean_to(interval) / interval
    used_up = np.maximum(per_day * review, levels.lot) / 2
    stock = np.where(per_day > 0, np.maximum(levels.order - stages.need.mean, 0) + used_up, 0.0)
    fed = network.source >= 0
    below = np.bincount(network.source[fed], stock[fed], minlength=len(stock))
    return np.maximum(stock - below, 0)


def _projection(stages: Stages, as_of: date, params: Params, rows: np.ndarray | None = None) -> Projection:
    """The days to come of some rows, ascending; of all, where none are named."""
    some: np.ndarray | slice = slice(None) if rows is None else rows
    net, timeline = stages.without.of(some), stages.timeline if rows is None else stages.days_of(rows)
    orders = timeline.with_orders
    demand = stages.demand if rows is None else demand_of(stages.demand, rows)
    days = orders.stock.shape[1]
    open_for = np.minimum(np.arange(1, days + 1)[None, :], stages.positions.interval[some][:, None])
    at = np.minimum(open_for.astype(int), demand.days)
    spread = BAND_Z * np.sqrt(np.take_along_axis(demand.variance, at, axis=1))
    floor = 0.0 if params.unmet_demand == "lost" else -np.inf
    return Projection(
        keys=_keys(stages).iloc[some].reset_index(drop=True),
        days=np.datetime64(as_of, "D") + np.arange(days),
        demand=demand.daily_mean()[:, :days],
        receipts=net.receipts,
        orders=orders.orders,
        without_orders=net.stock,
        with_orders=orders.stock,
        low=np.maximum(orders.stock - spread, floor),
        high=orders.stock + spread,
        safety=timeline.safety,
        starting_stock=stages.usable[some],
        unmet=orders.lost,
    )


def _totals(
    stages: Stages, replenishment: pd.DataFrame, orders: pd.DataFrame, allocation: pd.DataFrame, days: int
) -> Mapping[str, Any]:
    """The plan in a few figures; lost units and cash out within `days`, money None where it is not known."""

    def money(values: pd.Series) -> float | None:
        known = values.dropna()
        return None if known.empty and len(values) else round(float(known.sum()), 6)

    return {
        "order_value": money(orders["line_value"]),
        "order_lines": len(orders),
        "allocated_units": round(float(allocation["quantity"].sum()), 6),
        "items_at_risk": int(replenishment["risk"].isin(["red", "amber"]).sum()),
        "expected_lost_units": round(float(replenishment["expected_lost_units"].sum()), 6),
        "lost_margin": money(replenishment["lost_margin"]),
        "excess_value": money(replenishment["excess_value"]),
        "cash_out": money(pd.concat([orders["line_value"], _later_values(stages, days)], ignore_index=True)),
    }


def _later_values(stages: Stages, days: int) -> pd.Series:
    """Cost of each later order that is placed within `days`, money."""
    row, day = np.nonzero(np.where(stages.positions.buys[:, None], stages.with_orders.planned, 0.0))
    soon = day - stages.positions.column("lead_time_days")[row] < days
    units = stages.with_orders.planned[row[soon], day[soon]]
    return pd.Series(units * stages.positions.column("unit_cost")[row[soon]], dtype=float)


__all__ = ["NEVER", "assemble"]
