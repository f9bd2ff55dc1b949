"""A plan's numbers as sentences. No Streamlit."""

import re
from collections.abc import Mapping
from datetime import date
from types import MappingProxyType

import numpy as np
import pandas as pd

from pages.components.formats import day, days, known, literal, money, percent, short_day, units
from pages.components.lines import fed_by, keep
from planning.params import Params
from planning.result import PlanResult

_LATER_STEPS: Mapping[str, str] = MappingProxyType(
    {
        "maximum": "the item's maximum takes {less}",
        "moq": "the supplier's minimum adds {more}",
        "order multiple": "packs and rounding add {more}",
        "supplier minimum": "the supplier's order minimum adds {more}",
        "container": "the container changes it by {more}",
        "budget": "the budget takes {less}",
        "pinned": "your own number changes it by {more}",
    }
)


_MODELS = re.compile(
    r"\b(?:(SESOptimized)|SES(\d[\d.]*\d|\d)|WindowAverage(\d+)|(CrostonSBA)|TSB(\d[\d.]*\d|\d)?"
    r"|(DynamicOptimizedTheta)|(AutoETS)|(AutoARIMA)|(Combination)|(CategoryTrend))(?![\w.]*\w)"
)


def in_plain_words(text: str) -> str:
    """A model's name, or a sentence that holds some, as a person says them: `WindowAverage13` is the 13-week mean."""

    def said(found: re.Match[str]) -> str:
        fitted, alpha, weeks, sba, beta, theta, ets, arima, combined, trend = found.groups()
        if weeks:
            return f"{weeks}-week mean"
        plain = {fitted: "smoothing (fitted)", sba: "Croston (SBA)", theta: "Theta", ets: "ETS", arima: "ARIMA"}
        plain |= {combined: "combination", trend: "category's trend"}
        if alpha:
            return f"smoothing ({alpha})"
        return next((words for name, words in plain.items() if name), f"TSB ({beta})" if beta else "TSB")

    return _MODELS.sub(said, text)


def order_in_words(steps: pd.DataFrame) -> str:
    """The waterfall of an order as one or two sentences.

    Parameters
    ----------
    steps : step and units, in the order of `planning.tables.WATERFALL_STEPS`, without steps of zero.
    """
    by_step = dict(zip(steps["step"], steps["units"], strict=True))
    demand = by_step.get("expected demand to the end of coverage", 0.0)
    said = [f"Customers are expected to want {units(_round(demand))} until the end of coverage"]
    if by_step.get("safety stock"):
        said.append(f"safety stock asks for {units(_round(by_step['safety stock']))} more")
    if kept := by_step.get("stores' safety stock"):
        said.append(f"{units(_round(kept))} are kept for the stores' safety stock")
    sources = (("usable on hand", "on hand"), ("receipts counted", "on order"))
    covered = [(_round(-by_step[s]), words) for s, words in sources if by_step.get(s)]
    if covered:
        said.append(" and ".join(f"{units(q)} are {words}" for q, words in covered))
    if by_step.get("committed and backorders"):
        said.append(f"{units(_round(by_step['committed and backorders']))} are owed already")
    if by_step.get("demand lost before arrival"):
        said.append(f"{units(_round(abs(by_step['demand lost before arrival'])))} will be lost before it can arrive")
    first = "; ".join(said) + f". That leaves a need of {units(_round(by_step.get('need', 0.0)))}."
    later = [
        words.format(more=units(_round(by_step[s])), less=units(_round(-by_step[s])))
        for s, words in _LATER_STEPS.items()
        if by_step.get(s)
    ]
    order = units(_round(by_step.get("order", 0.0)))
    return f"{first} {_capital(', '.join(later)) + ': ' if later else 'So '}order {order}."


def outlook(line: pd.Series, as_of: date) -> str:
    """When the line runs out and what today's plan does about it, in a sentence."""
    runs_out = f"runs out on {day(line['stockout_on'])}" if known(line["stockout_on"]) else "does not run out in sight"
    said = f"Without a new order it {runs_out}"
    if known(line["arrives_on"]) and line["order_quantity"] > 0:
        said += f"; today's order of {units(line['order_quantity'])} arrives on {short_day(line['arrives_on'])}"
    elif known(line["stockout_on"]):
        said += f"; {last_call(line['order_by'], as_of)}"
    return f"{said}."


def last_call(order_by: object, as_of: date) -> str:
    """Until when a normal order helps."""
    if not known(order_by):
        return "no order is needed for it"
    late = pd.Timestamp(order_by) < pd.Timestamp(as_of)
    return f"the last day for a normal order {'was' if late else 'is'} {short_day(order_by)}"


def forecast_in_words(policy: pd.Series, record: pd.Series | None) -> str:
    """Which model forecasts the line, why, and how far off it was."""
    if policy["demand_class"] == "pooled":
        return "The sum of the forecasts of the locations that it feeds, and its own."
    said = f"Model: {in_plain_words(str(policy['model']))}, for {policy['demand_class']} demand"
    if record is None or not known(record["wape"]):
        return f"{said}; too little history to measure its error."
    said += f"; off by {percent(record['wape'])} of demand over lead time + review"
    if known(record["naive_wape"]):
        said += f", the naive forecast by {percent(record['naive_wape'])}"
    return f"{said}."


def plan_uses(plan: PlanResult, keys: pd.DataFrame) -> str:
    """What the plan makes of the forecast of some lines: mean, safety stock, and the quantile that both come to.

    Parameters
    ----------
    keys : item_id, location_id of the lines; none of them feeds another.
    """
    rows = keys.merge(plan.policy, on=["item_id", "location_id"]).merge(
        plan.items[["item_id", "location_id", "unit_cost"]], on=["item_id", "location_id"]
    )
    rows = rows[rows["demand_mean_per_day"].notna() & rows["buffer_units"].notna()]
    if rows.empty:
        return "The plan makes nothing of it: no line here has a policy."
    mean = rows["demand_mean_per_day"] * rows["protection_interval_days"]
    one, value = len(rows) == 1, rows["buffer_units"] * rows["unit_cost"]
    span = f"the {days(_round(rows['protection_interval_days'].iloc[0]))} of" if one else "their"
    said = (
        f"Over {span} lead time + review the plan expects **{units(_round(mean.sum()))}** and keeps "
        f"**{units(_round(rows['buffer_units'].sum()))}** of safety stock beyond it"
    )
    if value.notna().any():
        said += f" ({money(value.sum(), literal(plan.params.currency))} at cost)"
    cycles = rows["expected_cycle_service_level"]
    if cycles.notna().any():
        weights = mean.where(cycles.notna(), 0.0)
        share = float(cycles.mean()) if weights.sum() <= 0 else float((cycles * weights).sum() / weights.sum())
        said += f": enough in **{percent(share)}** of cycles{'' if one else ', on average'}"
    return f"{said}."


def next_point(curve: pd.DataFrame, params: Params) -> str:
    """What one more point of service costs in stock and saves in margin; empty where the curve cannot tell."""
    targets = curve["service_target"].to_numpy()
    low, high = params.service_target, params.service_target + 0.01
    off_curve = params.service_measure == "cost" or bool(params.service_target_by_class)
    if off_curve or not len(targets) or not targets[0] <= low < high <= targets[-1]:
        return ""

    def more(column: str) -> float:
        return float(np.interp(high, targets, curve[column]) - np.interp(low, targets, curve[column]))

    step = f"From {percent(low, 0)} to {percent(high, 0)} takes"
    if not np.isfinite(curve["stock_value"]).all():
        return f"{step} **{units(round(more('stock_units')))}** more in stock."
    currency = literal(params.currency)
    saved = f"**{money(-more('lost_margin_per_year'), currency)}** of margin a year"
    if not np.isfinite(curve["lost_margin_per_year"]).all():
        saved = f"**{units(round(-more('lost_units_per_year')))}** a year from being lost"
    holding = money(more("stock_value") * params.holding_rate_per_year, currency)
    return (
        f"{step} **{money(more('stock_value'), currency)}** more stock, which costs {holding} a year to hold, "
        f"and saves {saved}."
    )


def starting_stock(plan: PlanResult, item_id: str, location_id: str, start: float) -> str:
    """Why the days to come start with less than is held; empty where they do not.

    Parameters
    ----------
    start : units that count on the morning of the plan.
    """
    fed = fed_by(plan, item_id, location_id)
    mine = pd.concat([fed, pd.DataFrame({"item_id": [item_id], "location_id": [location_id]})])
    held = float(keep(plan.lines, mine)["on_hand"].sum())
    if held - start < 0.5:
        return ""
    where = " with the locations it feeds" if len(fed) else ""
    passed = ", or will be sold there while transfers are on the way" if len(fed) else ""
    return (
        f"It starts with {units(_round(start))}: of the {units(_round(held))} on hand{where} "
        f"{units(_round(held - start))} are committed, owed or past their shelf life{passed}."
    )


def policy_facts(plan: PlanResult, line: pd.Series) -> list[tuple[str, str, str]]:
    """What the order of one line stands on: (fact, value with unit, where it comes from)."""
    p = plan.params
    spread = f" ± {days(_round(line['lead_time_sd_days']))}" if known(line["lead_time_sd_days"]) else ""
    measure = {"fill_rate": "of units served", "cycle_service_level": "of cycles in stock", "cost": "least cost"}[
        p.service_measure
    ]
    model = in_plain_words(str(line["model"]))
    model = model if line["demand_class"] == "pooled" else f"forecast, {model}"
    kept = float(line.get("kept_units", 0.0))
    return [
        (
            "Critical ratio" if p.service_measure == "cost" else "Service target",
            f"{percent(line['service_target'])}, {measure}"
            if p.service_measure == "cost"
            else f"{percent(line['service_target'])} {measure}",
            str(line["service_target_from"]),
        ),
        ("Lead time", f"{days(_round(line['lead_time_days']))}{spread}", str(line["lead_time_from"])),
        ("Review", days(_round(line["review_period_days"])), "supplier or settings"),
        ("Lead time + review", days(_round(line["protection_interval_days"])), "what one order must cover"),
        ("Demand", f"{units(_round(line['demand_mean_per_day'], 2))} a day", model),
        ("Safety stock", units(_round(line["buffer_units"])), "from the target and the spread of demand and lead time"),
        *(
            [("Of it for the stores", units(_round(kept)), "the safety stock of the locations that it feeds")]
            if kept
            else []
        ),
        ("Reorder point", units(_round(line["reorder_point"])), "at or below it an order is due"),
        ("Target stock", units(_round(line["order_up_to_level"])), "what stock and orders are filled up to"),
        ("Fill rate promised", percent(line["expected_fill_rate"]), "before minimum quantities and packs"),
    ]


def _round(value: float, digits: int = 1) -> float:
    rounded = round(float(value), digits)
    return int(rounded) if rounded == int(rounded) else rounded


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
