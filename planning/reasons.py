"""Why: each order and transfer in one sentence."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from planning.allocation_tables import BOUNDS
from planning.params import Params
from planning.phrases import said_day, said_years
from planning.stages import Stages

ALMOST = 0.01
"""Demand that differs by less than this share is told as the same."""
_ENOUGH: Mapping[str, str] = MappingProxyType(
    {
        "fill_rate": "the target of {:g}% served is met without one",
        "cycle_service_level": "the target of {:g}% of cycles is met without one",
        "cost": "one more unit costs more to hold than it saves (critical ratio {:g}%)",
    }
)

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
    if told["order"][row] > 0 and not due and not told["is_set"][row]:
        end = "reach its supplier's minimum" if told["raised"][row] > 0 else "fill its container"
        return (
            f"Order {_units(told['order'][row])}: not due today, but needed within {told['days'][row]:.0f} days; it "
            f"joins to {end}."
        )
    if wanted <= 0 and not due:
        nothing = held <= 0 and told["on_order"][row] <= 0
        return "No demand is expected." if nothing else f"No demand is expected; {have}."
    if told["withheld"][row]:
        return _withheld(told, row)
    action, risk = told["action"][row], told["risk"][row]
    if due:
        return _due(told, row, action, measure)
    if risk in ("red", "amber"):
        return _within(told, row, measure, have)
    if action == "reduce":
        return f"{_units(told['excess'][row])} more than any need in sight: {have}."
    return f"Covered: {have} for {_units(wanted)} expected in {told['days'][row]:.0f} days."


def _within(told: Mapping[str, list[Any]], row: int, measure: str, have: str) -> str:
    """Why a line that runs out needs no order today."""
    out_on = f"Runs out on {said_day(told['stockout_on'][row])}"
    enough = _ENOUGH[measure].format(round(100 * told["target"][row], 2))
    if told["risk"][row] == "amber":
        return f"{out_on}, but no order is due: {enough}; {have}."
    if told["is_late"][row]:
        return f"{out_on}, before a normal order can arrive; then open orders cover it: {have}."
    return f"{out_on}, before a normal order can arrive. After that, none is due: {enough}; {have}."


def _withheld(told: Mapping[str, list[Any]], row: int) -> str:
    """Why an order that is due is not proposed: the least that can be ordered is too much."""
    cost = told["least_cost"][row]
    worth = "" if np.isnan(cost) else f" and costs {cost:,.2f}"
    return (
        f"Not ordered: the least order of {_units(told['least'][row])} lasts {said_years(told['years'][row])}{worth}. "
        f"{told['wanted'][row]:,.2g} expected in {told['days'][row]:.0f} days. Order it by hand where it is wanted."
    )


def _told(stages: Stages, table: pd.DataFrame, params: Params, rows: np.ndarray) -> Mapping[str, list[Any]]:
    """What the sentences speak of, each as a list over the rows: arrays are slow to pick single values from."""
    positions, hand, source = stages.positions, stages.hand, stages.network.source
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
        "kept": stages.kept,
        "coming": stages.counted_receipts,
        "asked": stages.asked,
        "feeds": stages.network.feeds,
        "on_way": stages.on_way,
        "waits": np.broadcast_to(stages.levels.waits, stages.order.shape),
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
        "is_late": stages.without.is_late,
        "withheld": stages.least_order.withheld,
        "least": stages.least_order.units,
        "years": stages.least_order.years,
        "least_cost": stages.least_order.units * positions.column("unit_cost"),
        "least_stock": positions.column("least_stock"),
        "varies": positions.column("lead_time_sd_days") > 0,
        "at_source": np.where(source >= 0, positions.column("on_order")[np.maximum(source, 0)], 0.0),
    }
    told = {name: np.asarray(values)[rows].tolist() for name, values in arrays.items()}
    return told | {"stockout_on": list(table["stockout_on"].iloc[rows])}


def _due(told: Mapping[str, list[Any]], row: int, action: str, measure: str) -> str:
    """The sum that led to an order or transfer, in the order of the waterfall."""
    usable, lost, safety, coming = (told[name][row] for name in ("usable", "lost", "safety", "coming"))
    kept = told["kept"][row]
    wanted = told["asked"][row] - safety - kept + usable + coming + lost
    way = " and while in transit" if told["on_way"][row] >= LEAST else ""
    way = " and until the stores have it" if told["waits"][row] >= LEAST else way
    # Where lead times vary the next order may come later than after their mean: more is expected until then.
    more = told["varies"][row] and wanted - told["wanted"][row] > max(LEAST, ALMOST * told["wanted"][row])
    until = "until the next arrival, about" if more else "in"
    parts = [f"{_units(wanted)} expected {until} {told['days'][row]:.0f} days{way}"]
    least = told["least_stock"][row]
    kind = "least stock" if least > 0 and safety <= least + LEAST else "safety"
    parts += [_signed(safety, kind)] if abs(safety) >= LEAST else []
    parts += [_signed(kept, "kept for the stores' safety stock")] if kept >= LEAST else []
    where = " with the locations it feeds" if told["feeds"][row] else ""
    parts += [_signed(-usable, f"{'held' if usable >= 0 else 'owed'}{where}")] if abs(usable) >= LEAST else []
    parts += [_signed(-coming, "on order")] if coming >= LEAST else []
    parts += [_signed(-lost, "lost before it can arrive")] if lost >= LEAST else []
    pack = told["pack"][row]
    changes = (
        ("maximum", told["maximum"][row]),
        ("least order", told["moq"][row]),
        (f"to full packs of {_units(pack)}" if pack > 1 else "rounding", told["multiple"][row]),
        ("supplier's minimum", told["raised"][row]),
        ("container", told["filled"][row]),
        ("budget", told["cut"][row]),
        ("set by hand", told["by_hand"][row]),
    )
    parts += [_signed(units, name) for name, units in changes if abs(units) >= LEAST]
    goal = _MEASURE[measure].format(round(100 * told["target"][row], 2))
    made = f"{' '.join(parts)}, {goal}"
    if told["buys"][row] and told["order"][row] <= 0 and told["cut"][row] < 0:
        # The sum is that of the order as it would have been.
        return _cut(told, row, [part for part in parts if not part.endswith(" budget")], goal)
    if told["is_set"][row]:
        made += "; the number is set by hand"
    if told["buys"][row]:
        return f"Order {_units(told['order'][row])} = {made}."
    sent, request = told["transfer"][row], told["request"][row]
    if sent > 0 and sent >= request - 1e-9:
        return f"Transfer {_units(sent)} = {made}."
    why = BOUNDS[str(told["bound"][row])]
    if told["bound"][row] == "source" and told["at_source"][row] >= LEAST:
        why += f", where {_units(told['at_source'][row])} are on order"
    if sent > 0:
        return f"Transfer {_units(sent)} of {_units(request)}, as {why}. {_units(request)} = {made}."
    return f"{'Wait' if action == 'wait' else 'No transfer'}, as {why}. Asked {_units(request)} = {made}."


def _cut(told: Mapping[str, list[Any]], row: int, parts: list[str], goal: str) -> str:
    wanted = _units(-told["cut"][row])
    return (
        "Not ordered: the budget went to lines that save more per unit of money, or that reach their supplier's "
        f"minimum. Wanted {wanted} = {' '.join(parts)}, {goal}."
    )


def _signed(units: float, name: str) -> str:
    return f"{'+' if units > 0 else '-'} {_units(abs(units))} {name}"
