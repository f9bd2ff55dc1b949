"""Scenarios: what one changes, told in words; the stresses that are always ready; and plans side by side.

A scenario is a name and a full set of parameters, so that it is a plan like any other: same key, same bytes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from planning.inputs import KEY
from planning.limited import of_lines
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

    Each table is made when it is first asked for.
    """

    plans: Mapping[str, PlanResult]

    @property
    def names(self) -> tuple[str, ...]:
        """What the plans are called, in their order."""
        return tuple(self.plans)

    @cached_property
    def measures(self) -> pd.DataFrame:
        """Return measure, unit ("money", "units", "lines", "fraction"), scenario, value, difference.

        The difference is that to the first, NaN where either is not known.
        """
        return _measures(self.plans, self._standing)

    @cached_property
    def weeks(self) -> pd.DataFrame:
        """Return scenario, starts_on, cash_out (money placed in orders that week), stock_value (at its end)."""
        return pd.concat([_weeks(name, plan) for name, plan in self.plans.items()], ignore_index=True)

    @cached_property
    def risks(self) -> pd.DataFrame:
        """Return item_id, location_id, scenario, before, after: lines whose risk differs from the first plan's."""
        first, *others = self.plans
        moves = [_risk_moves(name, self.plans[first], self.plans[name]) for name in others]
        return pd.concat(moves, ignore_index=True)

    @cached_property
    def curve(self) -> pd.DataFrame:
        """Return scenario, service_target, stock_value, stock_units, expected_fill_rate, stands.

        The points of each plan's curve, and where it stands: `stands` is True in one row a scenario.
        """
        rows = [_curve(name, plan, self._standing[name]) for name, plan in self.plans.items()]
        return pd.concat(rows, ignore_index=True)

    @cached_property
    def _standing(self) -> dict[str, "_Standing"]:
        return {name: _standing(plan) for name, plan in self.plans.items()}


def compare(plans: Mapping[str, PlanResult], keys: pd.DataFrame | None = None) -> Comparison:
    """Return two to four plans side by side, in the order told.

    Parameters
    ----------
    keys : item_id, location_id of the lines that are compared; None: all. Of some lines there is no curve, only where
        each plan stands.

    Raises
    ------
    ValueError : fewer than two, or more than four.
    """
    if not 2 <= len(plans) <= MOST_COMPARED:
        msg = f"{len(plans)} plans: two to {MOST_COMPARED} can stand side by side"
        raise ValueError(msg)
    return Comparison({name: plan if keys is None else of_lines(plan, keys) for name, plan in plans.items()})


def _measures(plans: Mapping[str, PlanResult], standing: Mapping[str, "_Standing"]) -> pd.DataFrame:
    rows = [
        {"measure": measure, "unit": unit, "scenario": name, "value": _number(read(plan, standing[name]))}
        for measure, unit, read in _MEASURES
        for name, plan in plans.items()
    ]
    out = pd.DataFrame(rows)
    first = out.groupby("measure", sort=False)["value"].transform(lambda values: values.iloc[0])
    return out.assign(difference=(out["value"] - first).round(9))


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)


@dataclass(frozen=True)
class _Standing:
    """Where a plan stands between stock and service.

    promised : expected fill rate of all, by mean demand, that of locations that feed others left out.
    units, money : mean stock under the policy.
    """

    promised: float
    units: float
    money: float


def _standing(plan: PlanResult) -> _Standing:
    policy = plan.policy
    cost = _costs(plan, policy)
    demand = policy["demand_mean_per_day"].to_numpy(float)
    rate = policy["expected_fill_rate"].to_numpy(float)
    counts = ~np.isnan(rate) & ~_feeds(plan, policy) & (demand > 0)
    promised = float((demand * rate)[counts].sum() / demand[counts].sum()) if counts.any() else float("nan")
    held = policy["mean_stock_units"].to_numpy(float)
    money = float(np.nansum(held * cost)) if np.isfinite(cost).any() else float("nan")
    return _Standing(promised, float(np.nansum(held)), money)


def _costs(plan: PlanResult, rows: pd.DataFrame) -> np.ndarray:
    """Unit cost of each row's item and location, NaN where unknown, (n,)."""
    return np.asarray(plan.items["unit_cost"].to_numpy(float)[_lines(plan, rows)])


def _lines(plan: PlanResult, rows: pd.DataFrame) -> np.ndarray:
    """The row of `plan.items` for each row, (n,)."""
    items = plan.items
    if len(rows) == len(items) and all(np.array_equal(rows[k].to_numpy(), items[k].to_numpy()) for k in KEY):
        return np.arange(len(items))
    known = pd.MultiIndex.from_frame(items[list(KEY)])
    return np.asarray(known.get_indexer(pd.MultiIndex.from_frame(rows[list(KEY)])))


def _fed(plan: PlanResult) -> np.ndarray:
    """Whether each row of `plan.items` is fed by another location that is in the plan, (n,)."""
    items = plan.items
    fed = np.asarray(items["fed_by"].notna() & (items["fed_by"] != ""))
    feeders = pd.MultiIndex.from_frame(items.loc[fed, ["item_id", "fed_by"]])
    fed[fed] = feeders.isin(pd.MultiIndex.from_frame(items[list(KEY)]))
    return fed


def _feeds(plan: PlanResult, rows: pd.DataFrame) -> np.ndarray:
    fed = plan.items.loc[_fed(plan), ["item_id", "fed_by"]]
    if fed.empty:
        return np.zeros(len(rows), bool)
    sources = pd.MultiIndex.from_frame(fed.drop_duplicates())
    return np.asarray(pd.MultiIndex.from_frame(rows[list(KEY)]).isin(sources))


def _total(name: str) -> Callable[[PlanResult, _Standing], Any]:
    return lambda plan, _: plan.totals.get(name)


def _risky(risk: str) -> Callable[[PlanResult, _Standing], float]:
    return lambda plan, _: float((plan.lines["risk"] == risk).sum())


_MEASURES: tuple[tuple[str, str, Callable[[PlanResult, _Standing], Any]], ...] = (
    ("Order value today", "money", _total("order_value")),
    ("Order lines today", "lines", _total("order_lines")),
    ("Cash out", "money", _total("cash_out")),
    ("Service promised (fill rate)", "fraction", lambda _, standing: standing.promised),
    ("Mean stock value", "money", lambda _, standing: standing.money),
    ("Mean stock", "units", lambda _, standing: standing.units),
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
    at_cost = _costs(plan, course.keys)
    priced = np.isfinite(at_cost).any()
    placed = pd.concat([plan.orders, plan.planned_orders], ignore_index=True)
    unit = _costs(plan, placed)
    week = (pd.to_datetime(placed["order_on"], cache=False) - pd.Timestamp(plan.as_of)).dt.days.to_numpy() // 7
    inside = (week >= 0) & (week < count) & np.isfinite(unit)
    spent = np.bincount(week[inside], (placed["quantity"].to_numpy(float) * unit)[inside], minlength=count)
    # What is fed is counted already by the location that feeds it.
    outer = ~_fed(plan)[_lines(plan, course.keys)]
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


def _risk_moves(name: str, base: PlanResult, other: PlanResult) -> pd.DataFrame:
    key = list(KEY)
    one, two = base.lines[[*key, "risk"]], other.lines[[*key, "risk"]]
    if len(one) == len(two) and all(np.array_equal(one[k].to_numpy(), two[k].to_numpy()) for k in key):
        both = one[key].assign(risk_0=one["risk"].to_numpy(), risk_1=two["risk"].to_numpy())
    else:
        both = one.merge(two, on=key, suffixes=("_0", "_1"))
    both = both[both["risk_0"] != both["risk_1"]]
    return both[key].assign(scenario=name, before=both["risk_0"], after=both["risk_1"]).reset_index(drop=True)


def _curve(name: str, plan: PlanResult, standing: _Standing) -> pd.DataFrame:
    columns = ["service_target", "stock_value", "stock_units", "expected_fill_rate"]
    curve = plan.service_curve[columns].assign(stands=False)
    here = {
        "service_target": plan.params.service_target,
        "stock_value": standing.money,
        "stock_units": standing.units,
        "expected_fill_rate": standing.promised,
        "stands": True,
    }
    return pd.concat([curve, pd.DataFrame([here])], ignore_index=True).assign(scenario=name)
