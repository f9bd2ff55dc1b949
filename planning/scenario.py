"""Scenarios: what one changes, told in words; the stresses that are always ready; and plans side by side.

A scenario is a name and a full set of parameters, so that it is a plan like any other: same key, same bytes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from planning.params import Params
from planning.pipeline import HEAVY, QUICK
from planning.result import PlanResult
from planning.what_if import Change

WORK = ("none", "look-up", "rework", "forecast")
"""What a change of parameters costs: nothing; `finish`; `prepare` and `finish`; a new forecast."""
WEEKS = 13
MOST_COMPARED = 4

_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "bucket": "Bucket",
        "horizon_days": "Forecast horizon",
        "review_period_days": "Review period",
        "coverage_days": "Coverage",
        "plan_days": "Window of the totals",
        "lead_time_days": "Lead time where none is told",
        "lead_time_sd_fraction": "Spread of the lead time",
        "transit_days": "Transit",
        "service_measure": "Service measure",
        "service_target": "Service target",
        "service_target_by_class": "Service target of class",
        "service_target_by_category": "Service target of",
        "service_target_by_supplier": "Service target of supplier",
        "policy": "Policy",
        "shortage_cost_per_unit": "Cost of a unit short",
        "holding_cost_per_unit_day": "Cost of holding a unit for a day",
        "holding_rate_per_year": "Holding cost a year",
        "unmet_demand": "Unmet demand",
        "budget": "Budget",
        "forecast_model": "Forecast model",
        "demand_multiplier": "Demand times",
        "lead_time_multiplier": "Lead times, times",
        "lead_time_added_days": "Every supplier later by",
        "delay_open_orders": "Open orders late too",
        "allocation_method": "Sharing",
        "allocation_sources": "Locations that give stock",
        "reserve_fraction": "Kept back at the source",
    }
)
SHARES = (
    "service_target",
    "service_target_by_class",
    "service_target_by_category",
    "service_target_by_supplier",
    "reserve_fraction",
    "holding_rate_per_year",
    "lead_time_sd_fraction",
)
"""Parameters that are told in percent."""


def parameter_name(name: str) -> str:
    """Return what a parameter is called, such as "Service target"."""
    return _NAMES.get(name, name.replace("_", " ").capitalize())


def differences(base: Params, other: Params) -> tuple[str, ...]:
    """Return in words what `other` changes, a line each, such as "Service target 95 % → 98 %"."""
    said: list[str] = []
    before, after = base.to_dict(), other.to_dict()
    for name, value in after.items():
        if value == before[name] or name == "what_if":
            continue
        said.extend(_said(name, before[name], value))
    kept = list(base.what_if)
    for change in other.what_if:
        if change in kept:
            kept.remove(change)
        else:
            said.append(change.words())
    said.extend(f"No longer: {change.words()}" for change in kept)
    return tuple(said)


def work(base: Params, other: Params) -> str:
    """Return what it costs to compute `other` where `base` is there, one of `WORK`."""
    before, after = base.to_dict(), other.to_dict()
    changed = {name for name in after if after[name] != before[name]}
    if not changed:
        return WORK[0]
    if changed & {*HEAVY, "bucket", "forecast_model"}:
        return WORK[3]
    return WORK[1] if changed <= set(QUICK) else WORK[2]


@dataclass(frozen=True)
class Stress:
    """A question that is always ready, with its answer one click away.

    key : tells it apart; name : as it is kept; params : those of the plan with the change made.
    """

    key: str
    name: str
    params: Params


def stresses(plan: PlanResult) -> tuple[Stress, ...]:
    """Return the ready stresses for a plan, made for its own suppliers, warehouses and money."""
    params = plan.params
    out = [
        ("demand_up", "Demand 20 % up", {"what_if": (*params.what_if, Change("demand", factor=1.2))}),
        ("demand_down", "Demand 20 % down", {"what_if": (*params.what_if, Change("demand", factor=0.8))}),
        ("service_98", "Service 98 % for all", _one_target(0.98)),
    ]
    supplier = _largest_supplier(plan)
    if supplier is not None:
        late = Change("late_supplier", days=21, supplier_id=supplier, open_orders=True)
        out.append(("late_supplier", f"{supplier} three weeks late", {"what_if": (*params.what_if, late)}))
    else:
        out.append(("late", "Every supplier three weeks late", {"lead_time_added_days": 21.0}))
    spent = plan.totals.get("order_value")
    if spent:
        out.append(("budget", "Budget cut by 20 %", {"budget": round(0.8 * float(spent), 2)}))
    warehouse = _largest_source(plan)
    if warehouse is not None:
        closed = Change("closed", days=14, source_id=warehouse)
        out.append(("closed", f"{warehouse} closed for two weeks", {"what_if": (*params.what_if, closed)}))
    return tuple(Stress(key, name, params.but(**changes)) for key, name, changes in out)


def _one_target(target: float) -> dict[str, Any]:
    """The same target for all: those by class, category and supplier would stand above it."""
    cleared: dict[str, Any] = dict.fromkeys(
        ("service_target_by_class", "service_target_by_category", "service_target_by_supplier"), {}
    )
    return {"service_target": target, **cleared}


def _largest_supplier(plan: PlanResult) -> str | None:
    """The supplier with the most ordered, today and later, in money where costs are known."""
    items = plan.items.set_index(["item_id", "location_id"])["unit_cost"]
    parts = [plan.orders[["item_id", "location_id", "supplier_id", "quantity"]]]
    parts.append(plan.planned_orders[["item_id", "location_id", "supplier_id", "quantity"]])
    told = pd.concat(parts, ignore_index=True).dropna(subset=["supplier_id"])
    if told.empty or told["supplier_id"].nunique() < 1:
        return None
    cost = items.reindex(pd.MultiIndex.from_frame(told[["item_id", "location_id"]])).to_numpy(float)
    worth = told["quantity"].to_numpy(float) * (np.nan_to_num(cost) if np.isfinite(cost).any() else 1.0)
    total = pd.Series(worth).groupby(told["supplier_id"].to_numpy()).sum().sort_index()
    return str(total.idxmax())


def _largest_source(plan: PlanResult) -> str | None:
    """The location that feeds the most lines."""
    fed = plan.items["fed_by"].dropna()
    fed = fed[fed != ""]
    return None if fed.empty else str(fed.value_counts().sort_index().idxmax())


def _said(name: str, before: Any, after: Any) -> list[str]:
    label = parameter_name(name)
    if isinstance(after, Mapping):
        keys = sorted({*before, *after})
        pairs = [(f"{label} {key}", before.get(key), after.get(key)) for key in keys]
        return [f"{told}: {_value(name, one)} → {_value(name, two)}" for told, one, two in pairs if one != two]
    return [f"{label}: {_value(name, before)} → {_value(name, after)}"]


def _value(name: str, value: Any) -> str:
    if value is None:
        return {"budget": "no limit", "coverage_days": "the review period"}.get(name, "none")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(str(one) for one in value) or "none"
    if name in SHARES:
        return f"{round(100 * float(value), 2):g} %"
    if isinstance(value, int | float):
        return f"{value:,.10g}" + (" days" if name.endswith("_days") else "")
    return str(value).replace("_", " ")


# --- side by side -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Comparison:
    """Two to four plans side by side; the first is the one that the others are held against.

    measures : measure, unit ("money", "units", "lines", "fraction"), scenario, value, difference (to the first; NaN
        where either is not known).
    weeks : scenario, starts_on, cash_out (money placed in orders that week), stock_value (money, end of the week).
    risks : item_id, location_id, scenario, before, after (red, amber, green): lines whose risk differs from the first.
    curve : scenario, service_target, stock_value, stock_units, expected_fill_rate; and where each plan stands:
        stands, True in one row a scenario.
    """

    names: tuple[str, ...]
    measures: pd.DataFrame
    weeks: pd.DataFrame
    risks: pd.DataFrame
    curve: pd.DataFrame


def compare(plans: Mapping[str, PlanResult]) -> Comparison:
    """Return two to four plans side by side, in the order told.

    Raises
    ------
    ValueError : fewer than two, or more than four.
    """
    if not 2 <= len(plans) <= MOST_COMPARED:
        msg = f"{len(plans)} plans: two to {MOST_COMPARED} can stand side by side"
        raise ValueError(msg)
    first, *others = plans
    risks = [_risk_moves(name, plans[first], plans[name]) for name in others]
    return Comparison(
        names=tuple(plans),
        measures=_measures(plans),
        weeks=pd.concat([_weeks(name, plan) for name, plan in plans.items()], ignore_index=True),
        risks=pd.concat(risks, ignore_index=True),
        curve=pd.concat([_curve(name, plan) for name, plan in plans.items()], ignore_index=True),
    )


def _measures(plans: Mapping[str, PlanResult]) -> pd.DataFrame:
    rows = [
        {"measure": measure, "unit": unit, "scenario": name, "value": _number(read(plan))}
        for measure, unit, read in _MEASURES
        for name, plan in plans.items()
    ]
    out = pd.DataFrame(rows)
    first = out.groupby("measure", sort=False)["value"].transform(lambda values: values.iloc[0])
    return out.assign(difference=(out["value"] - first).round(9))


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)


def _promised(plan: PlanResult) -> float:
    """Expected fill rate of all, by mean demand, that of locations that feed others left out."""
    rows = plan.policy.merge(plan.items[["item_id", "location_id", "unit_cost"]], on=["item_id", "location_id"])
    demand = rows["demand_mean_per_day"].to_numpy(float)
    rate = rows["expected_fill_rate"].to_numpy(float)
    counts = ~np.isnan(rate) & ~_feeds(plan, rows) & (demand > 0)
    return float((demand * rate)[counts].sum() / demand[counts].sum()) if counts.any() else float("nan")


def _feeds(plan: PlanResult, rows: pd.DataFrame) -> np.ndarray:
    fed = plan.items.loc[plan.items["fed_by"].notna() & (plan.items["fed_by"] != ""), ["item_id", "fed_by"]]
    sources = pd.MultiIndex.from_frame(fed.drop_duplicates())
    return np.asarray(pd.MultiIndex.from_frame(rows[["item_id", "location_id"]]).isin(sources))


def _held(plan: PlanResult, unit: str) -> float:
    """Mean stock, in units or at cost."""
    rows = plan.policy.merge(plan.items[["item_id", "location_id", "unit_cost"]], on=["item_id", "location_id"])
    units = rows["mean_stock_units"].to_numpy(float)
    if unit == "units":
        return float(np.nansum(units))
    cost = rows["unit_cost"].to_numpy(float)
    return float(np.nansum(units * cost)) if np.isfinite(cost).any() else float("nan")


def _total(name: str) -> Callable[[PlanResult], Any]:
    return lambda plan: plan.totals.get(name)


def _risky(risk: str) -> Callable[[PlanResult], float]:
    return lambda plan: float((plan.lines["risk"] == risk).sum())


_MEASURES: tuple[tuple[str, str, Callable[[PlanResult], Any]], ...] = (
    ("Order value today", "money", _total("order_value")),
    ("Order lines today", "lines", _total("order_lines")),
    ("Cash out", "money", _total("cash_out")),
    ("Service promised (fill rate)", "fraction", _promised),
    ("Mean stock value", "money", lambda plan: _held(plan, "money")),
    ("Mean stock", "units", lambda plan: _held(plan, "units")),
    ("Expected lost units", "units", _total("expected_lost_units")),
    ("Lost margin", "money", _total("lost_margin")),
    ("Excess stock value", "money", _total("excess_value")),
    ("Units transferred today", "units", _total("allocated_units")),
    ("Red lines", "lines", _risky("red")),
    ("Amber lines", "lines", _risky("amber")),
)


def _weeks(name: str, plan: PlanResult) -> pd.DataFrame:
    course = plan.projection
    count = min(WEEKS, len(course.days) // 7)
    days = course.days[: 7 * count]
    starts = pd.to_datetime(days[::7])
    cost = plan.items.set_index(["item_id", "location_id"])["unit_cost"]
    at_cost = cost.reindex(pd.MultiIndex.from_frame(course.keys)).to_numpy(float)
    priced = np.isfinite(at_cost).any()
    placed = pd.concat([plan.orders, plan.planned_orders], ignore_index=True)
    unit = cost.reindex(pd.MultiIndex.from_frame(placed[["item_id", "location_id"]])).to_numpy(float)
    week = (pd.to_datetime(placed["order_on"]) - pd.Timestamp(plan.as_of)).dt.days.to_numpy() // 7
    inside = (week >= 0) & (week < count) & np.isfinite(unit)
    spent = np.bincount(week[inside], (placed["quantity"].to_numpy(float) * unit)[inside], minlength=count)
    outer = ~_feeds_below(plan, course.keys)
    held = np.maximum(course.with_orders[:, 6 : 7 * count : 7], 0)[outer & np.isfinite(at_cost)]
    value = held.T @ at_cost[outer & np.isfinite(at_cost)]
    unknown = np.full(count, np.nan)
    return pd.DataFrame(
        {
            "scenario": name,
            "starts_on": starts,
            "cash_out": spent if priced else unknown,
            "stock_value": value if priced else unknown,
        }
    )


def _feeds_below(plan: PlanResult, keys: pd.DataFrame) -> np.ndarray:
    """Whether a line's stock is counted already by the location that feeds it, (n,)."""
    fed = plan.items.loc[plan.items["fed_by"].notna() & (plan.items["fed_by"] != ""), ["item_id", "location_id"]]
    return np.asarray(pd.MultiIndex.from_frame(keys).isin(pd.MultiIndex.from_frame(fed)))


def _risk_moves(name: str, base: PlanResult, other: PlanResult) -> pd.DataFrame:
    key = ["item_id", "location_id"]
    both = base.lines[[*key, "risk"]].merge(other.lines[[*key, "risk"]], on=key, suffixes=("_0", "_1"))
    both = both[both["risk_0"] != both["risk_1"]]
    return both[key].assign(scenario=name, before=both["risk_0"], after=both["risk_1"]).reset_index(drop=True)


def _curve(name: str, plan: PlanResult) -> pd.DataFrame:
    columns = ["service_target", "stock_value", "stock_units", "expected_fill_rate"]
    curve = plan.service_curve[columns].assign(stands=False)
    here = {
        "service_target": plan.params.service_target,
        "stock_value": _held(plan, "money"),
        "stock_units": _held(plan, "units"),
        "expected_fill_rate": _promised(plan),
        "stands": True,
    }
    return pd.concat([curve, pd.DataFrame([here])], ignore_index=True).assign(scenario=name)
