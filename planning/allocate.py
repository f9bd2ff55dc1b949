"""How stock is shared among locations: by expected value, or by a rule of fairness.

    need       what a location must receive so that nothing is short until its next delivery, or to the end of its
               coverage where that is longer: a distribution (planning.policy.Need)
    value      of u units at d:  worth[d] * (E[need+] - E[(need - u)+]) - holding[d] * (u - those saved)
    keeps      a unit kept at a source is worth `reserve_value` of a unit served: the chance to send it later;
               a location that sells itself loses its own curve's last units when it gives

One rule says what must pay: a source that holds enough for all that is asked of it sends it in full, as the service
target is the planner's word on what a unit is worth; what is short is shared, and then each unit must gain more than
it costs. Nothing goes whose freight is more than its worth. Shared are the requests of a source that is short, those on
a full lane, in a full room or on a lane with a cost a shipment, and those set by hand; they may draw on what other
sources have left. How: `planning.share` by value, `planning.sharing_fair` by rule. Units and money alone go there;
here they are read off the plan, and read back.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from planning import engine
from planning.policy import Need
from planning.question import Question
from planning.share import share
from planning.sharing import Answer, Pieces, Problem, check
from planning.sharing_fair import Service, equal_days, equal_service, floored, proportional
from planning.sharing_margins import find_margins
from planning.sharing_margins import what_bound as codes_of
from planning.solver import Outcome

MOST_SEGMENTS = 60
"""A location's value curve has at most so many straight pieces; each is exact at its ends."""
TIE = 1e-5
"""What a day of supply weighs against a unit served: it only decides between equal values."""
LEVELS = (0.0, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.925, 0.95, 0.975, 0.99, 0.995, 0.999)
"""Fill rates at which a curve of service is read; straight between them."""
LATERAL = 1e-3
"""What a unit sent from store to store weighs against one served: a warehouse that can serve as well comes first."""
RULES = ("equal_days", "proportional", "equal_service")

Value = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Of rows of a list (indices into it), (k,), and units, (k,): money."""


@dataclass(frozen=True)
class Shared:
    """The part of a question that has to be shared, in units and money alone.

    problem : its m nodes and routes.  rows : of the plan, (m,).  chosen : which of the question's routes, (r,) flags.
    """

    problem: Problem
    rows: np.ndarray
    chosen: np.ndarray


@dataclass(frozen=True)
class Allocation:
    """How the stock is shared.

    units : by route, (r,).
    shared : whether the request that the route serves had to be shared, (r,) flags.
    outcome : how good the sharing is.
    part : what was shared, and `answer` how; None where every request is met.
    """

    units: np.ndarray
    shared: np.ndarray
    outcome: Outcome
    part: Shared | None = None
    answer: Answer | None = None

    @cached_property
    def way(self) -> np.ndarray:
        """How each route's units were found: "met" where the request is, else as `Answer.way`, texts, (r,)."""
        out = np.full(len(self.units), "met", dtype="U8")
        if self.part is not None and self.answer is not None:
            problem = self.part.problem
            out[self.part.chosen] = self.answer.way[problem.item[problem.source]]
        return out


def allocate(
    question: Question,
    method: str,
    whole: np.ndarray,
    *,
    rule: str = "equal_days",
    floor: float | None = None,
    run: engine.Runner = engine.serial,
) -> Allocation:
    """Share the stock: requests that can all be met are, the others by `method`.

    Parameters
    ----------
    method : "optimal" or "fair_share".
    whole : whether a row's demand is in whole units, (n,).
    rule : what a fair share makes equal, one of `RULES`.
    floor : fill rate that each location gets first where sharing is optimal; None: none.
    """
    units = _meet_all(question)
    shared = _contested(question, units)
    if not shared.any():
        return Allocation(units, shared, Outcome("not_needed", total_value(question, units), 0.0))
    part = build_problem(after_met(question, np.where(shared, 0.0, units)), shared, whole)
    while True:
        answer = _answer(question, part, method, rule, floor, run)
        meagre = _gains_too_little(question, part, answer)
        if not meagre.any():
            break
        fixed = np.where(meagre, 0.0, part.problem.fixed)
        part = replace(part, problem=replace(part.problem, fixed=fixed))
    check(part.problem, answer.units)
    answer = replace(answer, notes=(*answer.notes, *_sent_none(question, part, answer)))
    units = np.where(shared, 0.0, units)
    units[part.chosen] = answer.units
    worth = total_value(question, units)
    status = "fair_share" if method == "fair_share" else answer.outcome.status
    gap = 0.0 if method == "fair_share" else answer.outcome.gap
    return Allocation(units, shared, Outcome(status, worth, gap), part, answer)


def after_met(question: Question, met: np.ndarray) -> Question:
    """Return the question with what is left at the sources once `met`, units of each route, (r,), is sent."""
    out = np.bincount(question.routes["source"], met, minlength=len(question.request))
    return replace(question, available=np.maximum(question.by_date - out[:, None], 0.0))


def _sent_none(question: Question, part: Shared, answer: Answer) -> list[str]:
    """Name the transfers set by hand of which nothing can be sent: they have no line among today's transfers."""
    none = (question.by_hand[part.chosen] > 0) & (answer.units <= 1e-9)
    if not none.any():
        return []
    ways = question.routes[part.chosen][none].head(3)
    told = ", ".join(f"{w.item_id} {w.source_id} → {w.destination_id}" for w in ways.itertuples())
    more = " ..." if none.sum() > 3 else ""
    return [
        f"Transfers set by hand of which nothing can be sent, as stock, room or lane allow none: {int(none.sum()):,} "
        f"({told}{more})."
    ]


def _answer(
    question: Question, part: Shared, method: str, rule: str, floor: float | None, run: engine.Runner
) -> Answer:
    def best(problem: Problem) -> Answer:
        return share(problem, run=run)

    if method == "fair_share":
        return shared_by(question, part, rule)
    if floor is None:
        return best(part.problem)
    return floored(part.problem, question.cover[part.rows], _service(question, part.rows), floor, best)


def shared_by(question: Question, part: Shared, rule: str) -> Answer:
    """Return the answer of a rule of fairness, one of `RULES`."""
    problem, rows = part.problem, part.rows
    stock, rate = question.cover[rows], question.rate[rows]
    if rule == "proportional":
        units = proportional(problem, rate)
    elif rule == "equal_service":
        units = equal_service(problem, stock, _service(question, rows))
    else:
        units = equal_days(problem, stock, rate)
    missing = np.maximum(problem.least - problem.into(units), 0.0)
    items = int(problem.item.max(initial=-1)) + 1
    return Answer(units, Outcome("fair_share", 0.0, 0.0), np.full(items, "rule", dtype="U6"), missing)


def _service(question: Question, rows: np.ndarray) -> Service:
    """Return the units that rows must hold for each fill rate of `LEVELS`."""
    need = rows_of_need(question.need, rows)
    stock, between = question.cover[rows], need.between
    levels = np.array(LEVELS)
    units = np.column_stack([stock + need.order_for_fill_rate(np.full(len(rows), level)) for level in levels])
    units = np.where((between > 0)[:, None], np.maximum(units, 0.0), np.maximum(stock, 0.0)[:, None])
    return Service(levels, np.maximum.accumulate(units, axis=1))


def rows_of_need(need: Need, rows: np.ndarray) -> Need:
    """Return the need of some rows."""
    before = None if need.before is None else need.before[rows]
    relieved = need.relieved[rows] if isinstance(need.relieved, np.ndarray) else need.relieved
    return Need(
        need.need[rows], before, need.between[rows], need.arriving_stock[rows], need.lost_before[rows], relieved
    )


def _gains_too_little(question: Question, part: Shared, answer: Answer) -> np.ndarray:
    """Whether a transfer between stores gains less than it must, (routes of the part,) flags."""
    lateral = question.routes["lateral"].to_numpy(bool)[part.chosen] if "lateral" in question.routes else None
    if lateral is None or question.least_value <= 0 or not (lateral & (answer.units > 0)).any():
        return np.zeros(len(answer.units), bool)
    problem, units = part.problem, answer.units
    d, s = problem.destination, problem.source
    into, out = problem.into(units), problem.out_of(units)
    gained, given = problem.takes.worth_of(into), problem.gives.worth_of(out)
    net = units * (
        np.divide(gained[d], into[d], out=np.zeros(len(units)), where=into[d] > 0)
        - np.divide(given[s], out[s], out=np.zeros(len(units)), where=out[s] > 0)
        - problem.freight
    )
    free = np.isnan(problem.fixed)
    return np.asarray(lateral & free & (units > 0) & (net < question.least_value))


def _meet_all(question: Question) -> np.ndarray:
    """Meet each request from its own source today, as if there were enough everywhere. Units, (r,)."""
    routes = question.routes
    if routes.empty:
        return np.zeros(0)
    first = ~routes["destination"].duplicated().to_numpy() & ~_column(routes, "lateral").astype(bool)
    units = np.where(first, question.request[routes["destination"]], 0.0)
    return np.where(np.isnan(question.by_hand), units, question.by_hand)


def _column(routes: pd.DataFrame, name: str) -> np.ndarray:
    return routes[name].to_numpy() if name in routes else np.zeros(len(routes))


def _contested(question: Question, units: np.ndarray) -> np.ndarray:
    """Whether a route serves a request that has to be shared, (r,) flags.

    That is where its source has too little for all that is asked of it, a lane or a room cannot take all or a shipment
    costs, a line is set by hand, a request has no way but from another store, or freight is more than a unit is worth.
    """
    routes, n = question.routes, len(question.request)
    if routes.empty:
        return np.zeros(0, bool)
    s, d = routes["source"].to_numpy(int), routes["destination"].to_numpy(int)
    first = units > 0
    short = np.bincount(s, units, minlength=n) > question.by_date[:, 0] + 1e-9
    cost = question.lanes["cost_per_shipment"].fillna(0).to_numpy(float)
    lane = routes["lane"].to_numpy(int)
    hit = first & (short[s] | (cost > 0)[lane] | _overfull_lanes(question)[lane])
    hit |= first & (routes["freight"].to_numpy(float) > question.worth[d])
    hit |= ~np.isnan(question.by_hand)
    hit |= (np.bincount(d, units, minlength=n) < question.request - 1e-9)[d]
    if question.room is not None and question.bulk is not None:
        place = pd.factorize(routes["destination_id"])[0]
        filled = np.bincount(place, question.bulk[d] * units)
        hit |= (filled[place] > question.room[d] + 1e-9) & np.isfinite(question.room[d])
    touched = np.zeros(n, bool)
    touched[d[hit]] = True
    return np.asarray(touched[d])


def _overfull_lanes(question: Question) -> np.ndarray:
    """Whether a lane could not carry all that any request might draw over it, (lanes,) flags."""
    ways = question.routes[["lane", "destination"]].drop_duplicates()
    asked = np.bincount(ways["lane"], question.request[ways["destination"]], minlength=len(question.lanes))
    return np.asarray(asked > question.lanes["capacity"].fillna(np.inf).to_numpy(float) + 1e-9)


def build_problem(question: Question, chosen: np.ndarray, whole: np.ndarray) -> Shared:
    """Return what has to be shared in units and money alone.

    Parameters
    ----------
    chosen : which routes, all of a destination at a time, (r,) flags.
    whole : whether a row's demand is in whole units, (n,).
    """
    routes = question.routes[chosen]
    s, d = routes["source"].to_numpy(int), routes["destination"].to_numpy(int)
    rows = np.unique(np.concatenate([s, d]))
    ends = pd.concat([routes["source_id"], routes["destination_id"]])
    places, items = np.empty(len(question.request), int), np.empty(len(question.request), int)
    places[np.concatenate([s, d])] = pd.factorize(ends)[0]
    items[np.concatenate([s, d])] = np.tile(pd.factorize(routes["item_id"])[0], 2)
    location = places[rows]
    room = np.full(int(location.max(initial=-1)) + 1, np.inf)
    np.minimum.at(room, location, question.or_none(question.room, np.inf)[rows])
    step = np.where(question.pack > 0, question.pack, np.where(whole, 1.0, 0.0))
    least = np.minimum(question.or_none(question.least), question.request)
    lanes = question.lanes
    at = np.searchsorted(rows, np.arange(len(question.request)))
    date = _column(routes, "date").astype(int)
    problem = Problem(
        item=items[rows],
        location=location,
        takes=_takes(question, rows, np.unique(d), step),
        gives=_gives(question, rows, np.unique(s), step),
        pack=step[rows],
        available=np.maximum(question.by_date[rows], 0.0),
        least=least[rows],
        missing_price=question.or_none(question.least_price)[rows],
        room=room,
        bulk=question.or_none(question.bulk, 1.0)[rows],
        source=at[s],
        destination=at[d],
        lane=routes["lane"].to_numpy(int),
        date=date,
        freight=routes["freight"].to_numpy(float) + question.worth[d] * waited(question, routes),
        route_least=np.zeros(len(routes)),
        fixed=question.by_hand[chosen],
        lane_room=lanes["capacity"].fillna(np.inf).to_numpy(float),
        lane_cost=lanes["cost_per_shipment"].fillna(0.0).to_numpy(float),
        load=np.ones(len(routes)),
    )
    return Shared(problem, rows, chosen)


def waited(question: Question, routes: pd.DataFrame) -> np.ndarray:
    """Return what a unit of a later shipment saves less than one of today, units, (routes,).

    Of the units asked for, those that customers want while waiting beyond what is there come too late.
    """
    d, days = routes["destination"].to_numpy(int), _column(routes, "ship_day").astype(float)
    missed = np.maximum(question.rate[d] * days - np.maximum(question.cover[d], 0.0), 0.0)
    request = np.maximum(question.request[d], 1e-9)
    return np.asarray(np.minimum(missed / request, 1.0))


def _takes(question: Question, rows: np.ndarray, takers: np.ndarray, step: np.ndarray) -> Pieces:
    """Return the straight pieces of the value of what each taker asks for."""
    takers = takers[question.request[takers] > 0]
    at = np.searchsorted(rows, takers)
    return _curve(at, question.request[takers], step[takers], lambda some, units: _value(question, takers[some], units))


def _gives(question: Question, rows: np.ndarray, givers: np.ndarray, step: np.ndarray) -> Pieces:
    """Return the pieces of what giving costs: what a unit kept is worth, or the giver's own curve backwards."""
    most = question.by_date[givers, -1]
    own = question.or_none(question.gives_own).astype(bool)[givers]
    kept = question.or_none(question.keep_worth)[givers]
    warehouse = (most > 0) & ~own
    plain = Pieces(np.searchsorted(rows, givers[warehouse]), most[warehouse], kept[warehouse])
    sells = givers[own & (most > 0)]
    at = np.searchsorted(rows, sells)
    held = question.by_date[sells, -1]
    curve = _curve(at, held, step[sells], lambda some, units: _lost(question, sells[some], units))
    node = np.concatenate([plain.node, curve.node])
    order = np.argsort(node, kind="stable")
    return Pieces(
        node[order],
        np.concatenate([plain.width, curve.width])[order],
        np.concatenate([plain.worth, curve.worth])[order],
    )


def _curve(node: np.ndarray, most: np.ndarray, step: np.ndarray, value: Value) -> Pieces:
    """Cut the curves from nothing to `most` units into pieces of whole steps, (k,) nodes at once.

    Parameters
    ----------
    value : of rows of `node` (indices into it) and units, money.
    """
    size = np.where(step > 0, step, np.maximum(most, 1e-9) / MOST_SEGMENTS)
    steps = np.maximum(np.ceil(most / size - 1e-9), 1).astype(int)
    pieces = np.minimum(steps, MOST_SEGMENTS)
    nodes, widths, worths = [], [], []
    before, money = np.zeros(len(node)), np.zeros(len(node))
    for k in range(1, int(pieces.max(initial=0)) + 1):
        some = np.flatnonzero(pieces >= k)
        end = np.minimum(np.round(steps[some] * k / pieces[some]) * size[some], most[some])
        now = value(some, end)
        nodes.append(some)
        widths.append(end - before[some])
        worths.append((now - money[some]) / np.maximum(end - before[some], 1e-12))
        before[some], money[some] = end, now
    if not nodes:
        return Pieces(np.zeros(0, int), np.zeros(0), np.zeros(0))
    which, width, worth = np.concatenate(nodes), np.concatenate(widths), np.concatenate(worths)
    order = np.argsort(node[which], kind="stable")
    order = order[width[order] > 1e-12]
    return Pieces(node[which][order], width[order], worth[order])


def _value(question: Question, d: np.ndarray, units: np.ndarray) -> np.ndarray:
    """Value of sending `units` to rows `d`: what it gains, less the tie-breaker."""
    days = (np.maximum(question.cover[d], 0) * units + units**2 / 2) / np.maximum(question.rate[d], 1e-9)
    tie = question.worth[d] * TIE * np.clip(days, -1e6, 1e6)
    return np.asarray(gain(question, d, units, question.worth) - tie)


def _lost(question: Question, rows: np.ndarray, units: np.ndarray) -> np.ndarray:
    """What stores lose that give `units`, money: sales of their own, and the trouble of it."""
    missed = question.need.missed(rows, -units) - question.need.missed(rows, np.zeros(len(rows)))
    return np.asarray(question.worth[rows] * (missed + LATERAL * units))


def gain(question: Question, d: np.ndarray, units: np.ndarray, worth: np.ndarray) -> np.ndarray:
    """Return what sending `units` to rows `d` gains: lost units saved at their worth, less holding the rest."""
    saved = question.need.missed(d, np.zeros(len(d))) - question.need.missed(d, units)
    return np.asarray(worth[d] * saved - question.holding[d] * (units - saved))


def total_value(question: Question, units: np.ndarray) -> float:
    """Return the value of an allocation, money (units where worth is unknown); what breaks ties is no part of it."""
    n = len(question.request)
    s, d = (question.routes[name].to_numpy(int) for name in ("source", "destination"))
    into, out = np.bincount(d, units, minlength=n), np.bincount(s, units, minlength=n)
    rows, own = np.flatnonzero(into > 0), question.or_none(question.gives_own).astype(bool)
    givers = np.flatnonzero((out > 0) & own)
    kept = float((out * question.or_none(question.keep_worth))[~own].sum())
    late = question.worth[d] * waited(question, question.routes)
    freight = (question.routes["freight"].to_numpy(float) + late) * units
    lanes = question.routes["lane"].to_numpy(int)[units > 1e-9]
    shipments = pd.DataFrame({"lane": lanes, "date": _column(question.routes, "date")[units > 1e-9]}).drop_duplicates()
    cost = question.lanes["cost_per_shipment"].fillna(0.0).to_numpy(float)[shipments["lane"].to_numpy(int)]
    gained = float(gain(question, rows, into[rows], question.worth).sum())
    gained -= float(_lost(question, givers, out[givers]).sum())
    return gained - kept - float(freight.sum()) - float(cost.sum())


def what_bound(question: Question, allocation: Allocation, reserve: np.ndarray) -> np.ndarray:
    """Return what kept each row's transfer below its request, texts, (n,): codes of `planning.sharing_margins`.

    Parameters
    ----------
    reserve : what each row keeps back, units, (n,).
    """
    sent = np.bincount(question.routes["destination"], allocation.units, minlength=len(question.request))
    out = np.where(question.request > sent + 1e-6, "route", "").astype("U8")
    part = allocation.part
    if part is not None:
        margins = find_margins(part.problem, allocation.units[part.chosen])
        told = codes_of(part.problem, margins, reserve[part.rows])
        out[part.rows] = np.where(out[part.rows] == "", "", told)
    return out
