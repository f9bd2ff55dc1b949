"""Why: each order and transfer in one sentence."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd

from planning.params import Params
from planning.stages import Stages

_MEASURE: Mapping[str, str] = MappingProxyType(
    {
        "fill_rate": "to serve {:g}% of demand from stock",
        "cycle_service_level": "to stay in stock in {:g}% of cycles",
        "cost": "until one more unit would cost more to hold than it saves (critical ratio {:g}%)",
    }
)

_BOUNDS: Mapping[str, str] = MappingProxyType(
    {
        "": "nothing more was asked for",
        "source": "the source is short",
        "reserve": "the source keeps its reserve",
        "pack": "less than a pack is left at the source",
        "lane": "the lane takes no more",
        "shipment": "a shipment would cost more than it gains",
        "room": "there is no room for more",
        "worth": "one more is hardly needed: it is worth less than freight and holding",
        "route": "no source that may give has a lane to it",
    }
)
LEAST = 0.05
"""Units below which a step of the sum is not told."""


def _units(value: float) -> str:
    return f"{value:,.0f}" if abs(value - round(value)) < 0.05 or abs(value) >= 100 else f"{value:,.1f}"


def replenishment_reasons(stages: Stages, table: pd.DataFrame, params: Params) -> list[str]:
    """Return one sentence an item-location: what is there, what is needed, and what was done."""
    positions = stages.positions
    cover = positions.column("lead_time_days") + positions.column("coverage_days")
    wanted, held = stages.wanted, stages.held
    due = stages.levels.due
    on_order = stages.network.pool(positions.column("on_order"))
    excess = table["excess_units"].to_numpy(float)
    blocked = (~positions.table["ranged"] | positions.table["dead"]).to_numpy(bool)
    with_stores, by_hand = stages.network.feeds, stages.is_set
    out = []
    for row, (action, risk, stockout) in enumerate(
        zip(table["action"], table["risk"], table["stockout_on"], strict=True)
    ):
        holder = "with the locations it feeds, " if with_stores[row] else ""
        have = f"{holder}{_units(held[row])} held and {_units(on_order[row])} on order"
        if by_hand[row] and not due[row]:
            units = stages.order[row] + stages.transfer[row]
            what = f"Order {_units(units)}" if units > 0 else "No order"
            out.append(f"{what}, set by hand. The plan would order none: {have}, {_units(wanted[row])} expected.")
        elif blocked[row]:
            out.append(
                f"Not ordered: the item is {'dead' if positions.table['dead'].iat[row] else 'not stocked here'}."
            )
        elif wanted[row] <= 0 and not due[row]:
            out.append("No demand is expected." if held[row] <= 0 else f"No demand is expected; {have}.")
        elif due[row]:
            out.append(_due(stages, row, action, params))
        elif risk == "red":
            out.append(
                f"Runs out on {stockout:%d %b %Y}, before a normal order can arrive; then open orders cover it: {have}."
            )
        elif risk == "amber":
            out.append(f"Runs out on {stockout:%d %b %Y}, but stays within the service target: {have}.")
        elif action == "reduce":
            out.append(f"{_units(excess[row])} more than any need in sight: {have}.")
        else:
            out.append(f"Covered: {have} for {_units(wanted[row])} expected in {cover[row]:.0f} days.")
    return out


def _due(stages: Stages, row: int, action: str, params: Params) -> str:
    """The sum that led to an order or transfer, in the order of the waterfall."""
    positions = stages.positions
    days = positions.column("lead_time_days")[row] + positions.column("coverage_days")[row]
    usable, lost, safety = stages.held[row], stages.lost_before[row], stages.buffer[row]
    coming = stages.counted_receipts[row]
    wanted = stages.asked[row] - safety + usable + coming + lost
    feeds = bool(stages.network.feeds[row])
    parts = [f"{_units(wanted)} expected in {days:.0f} days{' and on the way' if stages.on_way[row] >= LEAST else ''}"]
    parts += [_signed(safety, "safety")] if abs(safety) >= LEAST else []
    parts += [_signed(-usable, f"{'held' if usable >= 0 else 'owed'}{' with the locations it feeds' if feeds else ''}")]
    parts += [_signed(-coming, "on order")] if coming >= LEAST else []
    parts += [_signed(-lost, "lost before it can arrive")] if lost >= LEAST else []
    pack = stages.limits.multiple[row]
    changes = (
        ("maximum", stages.sized.maximum[row]),
        ("least order", stages.sized.moq[row]),
        (f"packs of {_units(pack)}" if pack > 1 else "rounding", stages.sized.multiple[row]),
        ("supplier's minimum", stages.raised[row]),
        ("budget", stages.cut[row]),
        ("set by hand", _by_hand(stages, row)),
    )
    parts += [_signed(units, name) for name, units in changes if abs(units) >= LEAST]
    target = stages.ratio[row] if params.service_measure == "cost" else positions.column("service_target")[row]
    goal = _MEASURE[params.service_measure].format(round(100 * target, 2))
    made = f"{' '.join(parts)}, {goal}"
    if stages.is_set[row]:
        made += "; the number is set by hand"
    if positions.buys[row]:
        return f"Order {_units(stages.order[row])} = {made}."
    sent, request = stages.transfer[row], stages.question.request[row]
    if sent > 0 and sent >= request - 1e-9:
        return f"Transfer {_units(sent)} = {made}."
    why = _BOUNDS[str(stages.bound[row])]
    if sent > 0:
        return f"Transfer {_units(sent)} of {_units(request)}, as {why}. {_units(request)} = {made}."
    return f"{'Wait' if action == 'wait' else 'No transfer'}, as {why}. Asked {_units(request)} = {made}."


def _by_hand(stages: Stages, row: int) -> float:
    """Units by which the planner's own number differs from the plan's."""
    return float(stages.hand.today[row] - stages.sized.order[row]) if stages.is_set[row] else 0.0


def _signed(units: float, name: str) -> str:
    return f"{'+' if units > 0 else '-'} {_units(abs(units))} {name}"


def allocation_reasons(stages: Stages, sent: np.ndarray) -> list[str]:
    """Return one sentence a transfer: the request, what decided, and what the last and the next unit are worth."""
    question, units = stages.question, stages.allocation.units
    routes = question.routes[sent]
    asked_of = np.bincount(
        question.routes["source"],
        np.where(_first(question.routes), question.request[question.routes["destination"]], 0.0),
        minlength=len(question.request),
    )
    out = []

    def chance(d: int, at: float) -> float:
        return float((stages.need.need[d] >= at - 1e-9).mean())

    for d, s, got, shared in zip(
        routes["destination"], routes["source"], units[sent], stages.allocation.shared[sent], strict=True
    ):
        total, request = stages.transfer[d], question.request[d]
        if not shared:
            out.append(
                f"Asked for {_units(request)}, and {_units(question.available[s])} are there for all: sent in full."
            )
            continue
        pack = question.pack[d] or 1.0
        last, following = chance(d, total), chance(d, total + pack)
        how = "equal days of supply" if stages.allocation.outcome.status == "fair_share" else "expected gain"
        out.append(
            f"{_units(question.available[s])} at the source for {_units(asked_of[s])} asked, shared by {how}: "
            f"{_units(got)} of {_units(request)}; the last unit is needed with a chance of {last:.0%}, "
            f"the next with {following:.0%}."
        )
    return out


def _first(routes: pd.DataFrame) -> np.ndarray:
    return ~routes["destination"].duplicated().to_numpy()
