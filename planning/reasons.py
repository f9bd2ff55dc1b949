"""Why: each order and transfer in one sentence."""

import numpy as np
import pandas as pd

from planning.params import Params
from planning.stages import Stages

_MEASURE = {
    "fill_rate": "to serve {:.0%} of demand from stock",
    "cycle_service_level": "to stay in stock in {:.0%} of cycles",
    "cost": "where a unit short costs as much as a unit held",
}


def _units(value: float) -> str:
    return f"{value:,.0f}" if abs(value - round(value)) < 0.05 or abs(value) >= 100 else f"{value:,.1f}"


def replenishment_reasons(stages: Stages, table: pd.DataFrame, params: Params) -> list[str]:
    """Return one sentence an item-location: what is there, what is needed, and what was done."""
    positions = stages.positions
    cover = positions.column("lead_time_days") + positions.column("coverage_days")
    wanted = stages.demand.mean_to(cover)
    target = positions.column("service_target")
    due = stages.levels.due
    blocked = (~positions.table["ranged"] | positions.table["dead"]).to_numpy(bool)
    with_stores = stages.network.feeds
    out = []
    for row, (action, risk, stockout) in enumerate(zip(table["action"], table["risk"], table["stockout_on"], strict=True)):
        holder = "it and the locations it feeds hold" if with_stores[row] else "there are"
        have = f"{holder} {_units(stages.usable[row])} usable and {_units(table['on_order'].iat[row])} on order"
        if blocked[row]:
            out.append(f"Not ordered: the item is {'dead' if positions.table['dead'].iat[row] else 'not stocked here'}.")
        elif wanted[row] <= 0 and not due[row]:
            out.append("No demand is expected." if stages.usable[row] <= 0 else f"No demand is expected; {have}.")
        elif due[row]:
            out.append(_due(stages, row, action, have, wanted[row], cover[row], target[row], params))
        elif risk == "red":
            out.append(f"Runs out on {stockout:%d %b %Y}, before a normal order can arrive; then open orders cover it: {have}.")
        elif risk == "amber":
            out.append(f"Runs out on {stockout:%d %b %Y}, but stays within the service target: {have}.")
        elif action == "reduce":
            out.append(f"{_units(table['excess_units'].iat[row])} more than any need in sight: {have}.")
        else:
            out.append(f"Covered: {have} for {_units(wanted[row])} expected in {cover[row]:.0f} days.")
    return out


def _due(
    stages: Stages, row: int, action: str, have: str, wanted: float, days: float, target: float, params: Params
) -> str:
    goal = _MEASURE[params.service_measure].format(target)
    need = f"{_units(wanted)} expected in {days:.0f} days and {have}; {goal} {_units(stages.asked[row])} are needed"
    changes: list[tuple[str, np.ndarray]] = [
        ("the maximum", stages.sized.maximum), ("the least order", stages.sized.moq),
        ("whole packs", stages.sized.multiple), ("the supplier's minimum", stages.raised), ("the budget", stages.cut),
    ]
    said = [f"{name} {'adds' if by[row] > 0 else 'takes'} {_units(abs(by[row]))}" for name, by in changes if abs(by[row]) > 1e-6]
    tail = f" ({', '.join(said)})" if said else ""
    if stages.positions.buys[row]:
        return f"Order {_units(stages.order[row])}: {need}{tail}."
    sent, request = stages.transfer[row], stages.sized.order[row]
    if sent > 0 and sent >= request - 1e-9:
        return f"Transfer {_units(sent)}: {need}{tail}."
    if sent > 0:
        return f"Transfer {_units(sent)} of {_units(request)}, as its source is short: {need}{tail}."
    return f"{'Wait' if action == 'wait' else 'Short'}: {need}, but its source has none to give{tail}."


def allocation_reasons(stages: Stages, sent: np.ndarray) -> list[str]:
    """Return one sentence a transfer: the request, what decided, and what the last and the next unit are worth."""
    question, units = stages.question, stages.allocation.units
    routes = question.routes[sent]
    asked_of = np.bincount(question.routes["source"], np.where(_first(question.routes), question.request[
        question.routes["destination"]], 0.0), minlength=len(question.request))
    out = []

    def chance(d: int, at: float) -> float:
        return float((stages.need.need[d] >= at - 1e-9).mean())

    for d, s, got, shared in zip(routes["destination"], routes["source"], units[sent], stages.allocation.shared[sent], strict=True):
        total, request = stages.transfer[d], question.request[d]
        if not shared:
            out.append(f"Asked for {_units(request)}, and {_units(question.available[s])} are there for all: sent in full.")
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
