"""Why: each order and transfer in one sentence."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from planning.allocation_tables import BOUNDS
from planning.params import Params
from planning.stages import Stages

_MEASURE: Mapping[str, str] = MappingProxyType(
    {
        "fill_rate": "to serve {:g}% of demand from stock",
        "cycle_service_level": "to stay in stock in {:g}% of cycles",
        "cost": "until one more unit would cost more to hold than it saves (critical ratio {:g}%)",
    }
)

LEAST = 0.05
"""Units below which a step of the sum is not told."""


def _units(value: float) -> str:
    return f"{value:,.0f}" if abs(value - round(value)) < 0.05 or abs(value) >= 100 else f"{value:,.1f}"


def replenishment_reasons(stages: Stages, table: pd.DataFrame, params: Params, rows: np.ndarray) -> np.ndarray:
    """Return one sentence for each of `rows`, (k,) of text: what is there, what is needed, and what was done.

    Parameters
    ----------
    table : the lines of the plan, n rows.
    """
    told = _told(stages, table, params, rows)
    out = np.empty(len(rows), object)
    for row in range(len(rows)):
        out[row] = _sentence(told, row, params.service_measure)
    return out


def _sentence(told: Mapping[str, list[Any]], row: int, measure: str) -> str:
    due, wanted, held = (told[name][row] for name in ("due", "wanted", "usable"))
    holder = "with the locations it feeds, " if told["feeds"][row] else ""
    have = f"{holder}{_units(held)} held and {_units(told['on_order'][row])} on order"
    if told["is_set"][row] and not due:
        units = told["order"][row] + told["transfer"][row]
        what = f"Order {_units(units)}" if units > 0 else "No order"
        return f"{what}, set by hand. The plan would order none: {have}, {_units(wanted)} expected."
    if told["blocked"][row]:
        return f"Not ordered: the item is {'dead' if told['dead'][row] else 'not stocked here'}."
    if wanted <= 0 and not due:
        return "No demand is expected." if held <= 0 else f"No demand is expected; {have}."
    action, risk = told["action"][row], told["risk"][row]
    if due:
        return _due(told, row, action, measure)
    if risk == "red":
        out_on = told["stockout_on"][row]
        return f"Runs out on {out_on:%d %b %Y}, before a normal order can arrive; then open orders cover it: {have}."
    if risk == "amber":
        return f"Runs out on {told['stockout_on'][row]:%d %b %Y}, but stays within the service target: {have}."
    if action == "reduce":
        return f"{_units(told['excess'][row])} more than any need in sight: {have}."
    return f"Covered: {have} for {_units(wanted)} expected in {told['days'][row]:.0f} days."


def _told(stages: Stages, table: pd.DataFrame, params: Params, rows: np.ndarray) -> Mapping[str, list[Any]]:
    """What the sentences speak of, each as a list over the rows: arrays are slow to pick single values from."""
    positions, hand = stages.positions, stages.hand
    cost = params.service_measure == "cost"
    dead = positions.table["dead"].to_numpy(bool)
    arrays: dict[str, Any] = {
        "action": table["action"].to_numpy(object),
        "risk": table["risk"].to_numpy(object),
        "excess": table["excess_units"].to_numpy(float),
        "on_order": stages.network.pool(positions.column("on_order")),
        "dead": dead,
        "blocked": ~positions.table["ranged"].to_numpy(bool) | dead,
        "due": stages.levels.due,
        "wanted": stages.wanted,
        "days": positions.column("lead_time_days") + positions.column("coverage_days"),
        "usable": stages.held,
        "lost": stages.lost_before,
        "safety": stages.buffer,
        "coming": stages.counted_receipts,
        "asked": stages.asked,
        "feeds": stages.network.feeds,
        "on_way": stages.on_way,
        "pack": stages.limits.multiple,
        "maximum": stages.sized.maximum,
        "moq": stages.sized.moq,
        "multiple": stages.sized.multiple,
        "raised": stages.raised,
        "filled": stages.filled,
        "cut": stages.cut,
        "is_set": stages.is_set,
        "by_hand": np.where(stages.is_set, hand.today - stages.sized.order, 0.0),
        "target": stages.ratio if cost else positions.column("service_target"),
        "buys": positions.buys,
        "order": stages.order,
        "transfer": stages.transfer,
        "request": stages.question.request,
        "bound": stages.bound,
    }
    told = {name: np.asarray(values)[rows].tolist() for name, values in arrays.items()}
    return told | {"stockout_on": list(table["stockout_on"].iloc[rows])}


def _due(told: Mapping[str, list[Any]], row: int, action: str, measure: str) -> str:
    """The sum that led to an order or transfer, in the order of the waterfall."""
    usable, lost, safety, coming = (told[name][row] for name in ("usable", "lost", "safety", "coming"))
    wanted = told["asked"][row] - safety + usable + coming + lost
    way = " and on the way" if told["on_way"][row] >= LEAST else ""
    parts = [f"{_units(wanted)} expected in {told['days'][row]:.0f} days{way}"]
    parts += [_signed(safety, "safety")] if abs(safety) >= LEAST else []
    where = " with the locations it feeds" if told["feeds"][row] else ""
    parts += [_signed(-usable, f"{'held' if usable >= 0 else 'owed'}{where}")]
    parts += [_signed(-coming, "on order")] if coming >= LEAST else []
    parts += [_signed(-lost, "lost before it can arrive")] if lost >= LEAST else []
    pack = told["pack"][row]
    changes = (
        ("maximum", told["maximum"][row]),
        ("least order", told["moq"][row]),
        (f"packs of {_units(pack)}" if pack > 1 else "rounding", told["multiple"][row]),
        ("supplier's minimum", told["raised"][row]),
        ("container", told["filled"][row]),
        ("budget", told["cut"][row]),
        ("set by hand", told["by_hand"][row]),
    )
    parts += [_signed(units, name) for name, units in changes if abs(units) >= LEAST]
    goal = _MEASURE[measure].format(round(100 * told["target"][row], 2))
    made = f"{' '.join(parts)}, {goal}"
    if told["is_set"][row]:
        made += "; the number is set by hand"
    if told["buys"][row]:
        return f"Order {_units(told['order'][row])} = {made}."
    sent, request = told["transfer"][row], told["request"][row]
    if sent > 0 and sent >= request - 1e-9:
        return f"Transfer {_units(sent)} = {made}."
    why = BOUNDS[str(told["bound"][row])]
    if sent > 0:
        return f"Transfer {_units(sent)} of {_units(request)}, as {why}. {_units(request)} = {made}."
    return f"{'Wait' if action == 'wait' else 'No transfer'}, as {why}. Asked {_units(request)} = {made}."


def _signed(units: float, name: str) -> str:
    return f"{'+' if units > 0 else '-'} {_units(abs(units))} {name}"
