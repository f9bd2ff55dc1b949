"""What today's sharing comes to: the transfers and why, places before and after, other rules beside it, its limits."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from functools import partial
from types import MappingProxyType

import numpy as np
import pandas as pd

from planning.allocate import allocate, gain, shared_by, waited
from planning.inputs import KEY
from planning.replenish import days_of_supply
from planning.result import empty_result
from planning.share import share
from planning.sharing_limits import More, find_limits
from planning.stages import Stages

BOUNDS: Mapping[str, str] = MappingProxyType(
    {
        "": "nothing more was asked for",
        "source": "the source is short",
        "reserve": "the source keeps its reserve",
        "pack": "less than a pack is left at the source",
        "lane": "the lane takes no more",
        "shipment": "a shipment would cost more than it gains",
        "room": "there is no room for more",
        "worth": "one more would gain less than it costs in freight and holding",
        "least": "so small a transfer is not made",
        "fixed": "it is set by hand",
        "route": "no source that may give has a lane to it",
    }
)
LABELS: Mapping[str, str] = MappingProxyType(
    {
        "optimal": "Most value",
        "equal_days": "Equal days of supply",
        "proportional": "In proportion to demand",
        "equal_service": "Equal service",
    }
)
_HOW: Mapping[str, str] = MappingProxyType(
    {
        "equal_days": "equal days of supply",
        "proportional": "demand",
        "equal_service": "equal service",
        "optimal": "expected gain",
    }
)
LEAST_WORTH = 5e-3


def transfers(stages: Stages, as_of: date) -> pd.DataFrame:
    """Return today's transfers, a row each, with what they gain and why."""
    question, units = stages.question, stages.allocation.units
    sent = np.flatnonzero(units > 1e-9)
    routes = question.routes.iloc[sent]
    d, s = routes["destination"].to_numpy(int), routes["source"].to_numpy(int)
    n = len(question.request)
    # Of two sources of one location the gain is shared by units, and so is what a store loses by giving twice.
    into, out = np.bincount(d, units[sent], minlength=n), np.bincount(s, units[sent], minlength=n)
    gained = gain(question, d, into[d], stages.worth) * units[sent] / into[d]
    own = question.or_none(question.gives_own).astype(bool)[s]
    missed = question.need.missed(s, -out[s]) - question.need.missed(s, np.zeros(len(s)))
    lost = np.where(own, stages.worth[s] * missed * units[sent] / out[s], 0.0)
    late = stages.worth[d] * waited(question, routes)
    today = pd.Timestamp(as_of)
    leaves = np.ceil(routes["ship_day"].to_numpy(float))
    arrives = np.ceil((routes["ship_day"] + routes["transit_days"]).to_numpy(float))
    table = pd.DataFrame(
        {
            "item_id": routes["item_id"].to_numpy(object),
            "source_id": routes["source_id"].to_numpy(object),
            "destination_id": routes["destination_id"].to_numpy(object),
            "quantity": units[sent],
            "ship_on": today + pd.to_timedelta(leaves, unit="D"),
            "arrives_on": today + pd.to_timedelta(arrives, unit="D"),
            "value": gained - lost - (routes["freight"].to_numpy(float) + late) * units[sent],
            "reason": _reasons(stages, sent),
            "set_by_hand": ~np.isnan(question.by_hand[sent]),
        }
    )
    key = ["item_id", "source_id", "destination_id", "ship_on"]
    return table.sort_values(key, kind="stable").reset_index(drop=True)


def _reasons(stages: Stages, sent: np.ndarray) -> list[str]:
    """One sentence a transfer: the request, what decided, and what the last and the next unit are worth."""
    question, allocation, params = stages.question, stages.allocation, stages.params
    routes = question.routes
    n = len(question.request)
    first = ~routes["destination"].duplicated().to_numpy()
    request = question.request[routes["destination"]]
    asked_of = np.bincount(routes["source"], np.where(first, request, 0.0), minlength=n)
    met = np.bincount(routes["source"], np.where(allocation.shared, 0.0, allocation.units), minlength=n)
    method = "optimal" if params.allocation_method == "optimal" else params.fair_rule
    hand = ~np.isnan(question.by_hand)
    rows = routes.iloc[sent]
    d, s = rows["destination"].to_numpy(int), rows["source"].to_numpy(int)
    total, given = stages.transfer, question.by_date
    step = np.where(question.pack[d] > 0, question.pack[d], 1.0)
    last, following = (_chance(stages, d, total[d] + more) for more in (0.0, step))
    out = []
    date, lateral = rows["date"].to_numpy(int), rows["lateral"].to_numpy(bool)
    feeder = np.full(n, -1)
    feeder[routes["destination"].to_numpy(int)[first]] = routes["source"].to_numpy(int)[first]
    usual = ~lateral & (s == feeder[d])
    for k, route in enumerate(sent.tolist()):
        got, wanted = float(allocation.units[route]), float(question.request[d[k]])
        there = float(given[s[k], date[k]])
        if hand[route]:
            told = float(question.by_hand[route])
            cut = f", cut to {_units(got)}: stock, room or lane allow no more" if got < told - 1e-6 else ""
            out.append(f"Set by hand: {_units(told)}{cut}. Asked for {_units(wanted)}.")
            continue
        if usual[k] and got >= wanted - 1e-6 and asked_of[s[k]] <= there + 1e-6:
            out.append(f"Asked for {_units(wanted)}, and {_units(there)} are there for all: sent in full.")
            continue
        at_source = f"{_units(there)} at the source for {_units(asked_of[s[k]])} asked"
        if not usual[k]:
            at_source = f"{_units(max(there - met[s[k]], 0.0))} to spare at {routes['source_id'].iat[route]}"
        why = "" if total[d[k]] >= wanted - 1e-6 else f", as {BOUNDS[str(stages.bound[d[k]])]}"
        out.append(
            f"{at_source}, shared by {_HOW[method]}: "
            f"{_units(got)} of {_units(wanted)}{why}; the last unit is needed with a chance of {last[k]:.0%}, "
            f"the next with {following[k]:.0%}."
        )
    return out


def _chance(stages: Stages, rows: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Return the chance that the need of each row is at least `at` units, (k,)."""
    need = stages.question.need.need
    return np.array([(need[row] >= level - 1e-9).mean() for row, level in zip(rows, at, strict=True)])


def _units(value: float) -> str:
    return f"{value:,.0f}" if abs(value - round(value)) < 0.05 or abs(value) >= 100 else f"{value:,.1f}"


def before_after(stages: Stages) -> pd.DataFrame:
    """Return what each place that is fed, or gives or takes, holds before and after today's transfers.

    Those approved this morning are today's, too: they are on their way, and were asked for.
    """
    question, positions = stages.question, stages.positions
    n = len(question.request)
    routes, units = question.routes, stages.allocation.units
    away = np.where(routes["lateral"], units, 0.0)
    given = np.bincount(routes["source"], away, minlength=n)
    came, gone = _approved(stages)
    stock = np.maximum(positions.net_stock + gone, 0)
    moved, proposed = stages.transfer - given + came - gone, stages.transfer - given
    after = np.maximum(stock + moved, 0)
    rows = (stages.network.source >= 0) | (stages.transfer > 0) | (given > 0) | (came > 0) | (gone > 0)
    need, interval = question.need, positions.interval
    every = np.arange(n)
    price = positions.column("shortage_cost")
    lost = need.missed(every, gone - came), need.missed(every, proposed)
    table = stages.network.keys[list(KEY)].assign(
        stock_before=stock,
        transferred=moved,
        stock_after=after,
        demand_mean_per_day=stages.demand.mean_to(interval) / interval,
        days_before=days_of_supply(stages.demand, stock),
        days_after=days_of_supply(stages.demand, after),
        requested=question.request + came,
        short=np.where(stages.bound == "worth", 0.0, np.maximum(question.request - stages.transfer, 0)),
        bound=stages.bound,
        fill_rate_before=need.fill_rate(gone - came),
        fill_rate_after=need.fill_rate(proposed),
        at_risk_before=lost[0] * price,
        at_risk_after=lost[1] * price,
        need_units=need.mean + came - gone,
        **_marginal(stages),
    )
    return table[rows].reset_index(drop=True)


def _approved(stages: Stages) -> tuple[np.ndarray, np.ndarray]:
    """Return what transfers approved this morning bring to each row, and take from a store, units, (n,) each."""
    some, n = stages.positions.transfers, len(stages.question.request)
    some = some[some["today"]] if len(some) else some
    to, of = some["row"].to_numpy(int), some["source"].to_numpy(int)
    units, comes, leaves = some["quantity"].to_numpy(float), some["comes"], some["leaves"]
    came, left = (to >= 0) & comes.to_numpy(bool), (of >= 0) & leaves.to_numpy(bool)
    gone = np.bincount(of[left], units[left], minlength=n)
    # What a warehouse sends to those that it feeds stays in its pool.
    return np.bincount(to[came], units[came], minlength=n), np.where(stages.network.feeds, 0.0, gone)


def _marginal(stages: Stages) -> dict[str, np.ndarray]:
    """What the last unit given and the first refused are worth at each row, money, net of freight, NaN where none."""
    question = stages.question
    n = len(question.request)
    every, got = np.arange(n), stages.transfer
    price = stages.positions.column("shortage_cost")
    step = np.where(question.pack > 0, question.pack, 1.0)
    freight = np.full(n, np.inf)
    np.minimum.at(freight, question.routes["destination"].to_numpy(int), question.routes["freight"].to_numpy(float))
    routed = np.isfinite(freight)
    freight = np.where(routed, freight, 0.0)
    at, up = gain(question, every, got, price), gain(question, every, got + step, price)
    down = gain(question, every, np.maximum(got - step, 0), price)
    last = np.where(got > 0, (at - down) / np.clip(got, 1e-9, step) - freight, np.nan)
    following = np.where(routed & (question.request > got + 1e-9), (up - at) / step - freight, np.nan)
    return {"last_worth": last, "next_worth": following}


def compare_rules(stages: Stages) -> pd.DataFrame:
    """Return what each rule of sharing would make of the same stock and the same requests: `sharing`."""
    if not len(stages.question.routes) or not (stages.question.request > 0).any():
        return empty_result("sharing")
    return pd.DataFrame([_figures(stages, method) for method in sorted(LABELS)])


def _figures(stages: Stages, method: str) -> dict[str, object]:
    question = stages.question
    units = _units_by(stages, method)
    n = len(question.request)
    d = question.routes["destination"].to_numpy(int)
    s = question.routes["source"].to_numpy(int)
    into = np.bincount(d, units, minlength=n)
    away = np.bincount(s, np.where(question.routes["lateral"], units, 0.0), minlength=n)
    every, price, need = np.arange(n), stages.positions.column("shortage_cost"), question.need
    rows = (stages.network.source >= 0) | (question.request > 0) | question.or_none(question.gives_own).astype(bool)
    # What comes later serves nobody in the days until then.
    late = np.bincount(d, waited(question, question.routes) * units, minlength=n)
    missed = need.missed(every, into - away) + late
    gained = gain(question, every, into - away, np.nan_to_num(price)) - np.nan_to_num(price) * late
    shipments = question.routes.loc[units > 1e-9, ["lane", "date"]].drop_duplicates()["lane"].to_numpy(int)
    cost = question.lanes["cost_per_shipment"].fillna(0.0).to_numpy(float)[shipments].sum()
    freight = float((question.routes["freight"].to_numpy(float) * units).sum()) + float(cost)
    known = bool(np.isfinite(price[rows]).any())
    between = float(need.between[rows].sum())
    return {
        "method": method,
        "label": LABELS[method],
        "value_money": float(gained[rows].sum()) - freight if known else np.nan,
        "expected_lost_units": float(missed[rows].sum()),
        "lost_margin": float(np.nansum((missed * price)[rows])) if known else np.nan,
        "units_moved": float(units.sum()),
        "fill_rate": 1 - min(float(missed[rows].sum()) / between, 1.0) if between > 0 else np.nan,
    }


def _units_by(stages: Stages, method: str) -> np.ndarray:
    question, made = stages.question, stages.allocation
    if made.part is None:
        return made.units
    if method == "optimal":
        if stages.params.allocation_method == "optimal" and stages.params.service_floor is None:
            return made.units
        return allocate(question, "optimal", stages.demand.whole).units
    units = made.units.copy()
    units[made.part.chosen] = shared_by(question, made.part, method).units
    return units


def limits(stages: Stages) -> pd.DataFrame:
    """Return what one more unit at a source, of room, and one more truck would be worth: `limits`."""
    made, question, params = stages.allocation, stages.question, stages.params
    if made.part is None or made.answer is None or params.allocation_method != "optimal":
        return empty_result("limits")
    part, problem = made.part, made.part.problem
    reserve = np.maximum(stages.positions.stock_before, 0) * params.reserve_fraction
    answer = replace(made.answer, units=made.units[part.chosen])
    found = find_limits(problem, answer, reserve=reserve[part.rows], share=partial(share))
    known = np.isfinite(stages.positions.column("shortage_cost")[part.rows])
    keys = stages.network.keys.iloc[part.rows]
    gives = np.bincount(problem.source, minlength=len(part.rows)) > 0
    rows = _rows("source", found.source, gives, known, keys["location_id"], "", keys["item_id"])
    places = keys.groupby(problem.location)["location_id"].first()
    finite, any_known = np.isfinite(problem.room), np.full(len(problem.room), bool(known.any()))
    rows += _rows("room", found.room, finite, any_known, places, "", "")
    lanes = question.lanes
    bound = np.isfinite(problem.lane_room) | (problem.lane_cost > 0)
    on_lanes = np.full(len(lanes), bool(known.any()))
    rows += _rows("lane", found.lane, bound, on_lanes, lanes["source_id"], lanes["destination_id"], "")
    if not rows:
        return empty_result("limits")
    table = pd.DataFrame(rows)
    return table.sort_values(["kind", "place", "other", "item_id"], kind="stable").reset_index(drop=True)


def _rows(
    kind: str,
    more: More,
    asked: np.ndarray,
    known: np.ndarray,
    place: pd.Series,
    other: pd.Series | str,
    item: pd.Series | str,
) -> list[dict[str, object]]:
    def at(names: pd.Series | str, row: int) -> object:
        return names if isinstance(names, str) else names.iat[row]

    return [
        {
            "kind": kind,
            "place": place.iat[row],
            "other": at(other, row),
            "item_id": at(item, row),
            "one_more_worth": float(more.worth[row]) if known[row] else np.nan,
            "exact": bool(more.exact[row]),
        }
        for row in np.flatnonzero(asked & (more.worth > LEAST_WORTH)).tolist()
    ]
