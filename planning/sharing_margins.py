"""The values at the margin of a sharing, and what bound each node.

    last[n]     = (take[n](in) - take[n](in - u)) / u - dearest freight in use - loss of the giver's last unit
    refused[n]  = (take[n](in + u) - take[n](in)) / u - freight - loss of the giver's next unit, on the best free route

with u a pack, or a unit where any fraction will do.
"""

from dataclasses import dataclass

import numpy as np

from planning.sharing import SMALL, Problem
from planning.sharing_fill import Left, left_over

WHY = ("worth", "shipment", "least", "lane", "room", "pack", "source", "reserve", "worth", "fixed", "route", "")
"""What bound a node, the most telling of its routes first; the second "worth" is a route that could, but costs more."""
_FREE, _SHIPMENT, _LEAST, _LANE, _ROOM, _PACK, _SOURCE, _RESERVE, _WORTH, _FIXED, _ROUTE, _NOTHING = range(len(WHY))


@dataclass(frozen=True)
class Margins:
    """The values at the margin of a sharing.

    units : (r,).  step : (r,) units, a pack or a unit.  left : what is left to draw on.
    last, refused : (m,) money a unit given last and refused first, NaN where there is none.
    next : (r,) money a unit of one step more on each route.
    loss : (r,) money a unit that the giver would lose by it.
    """

    units: np.ndarray
    step: np.ndarray
    left: Left
    last: np.ndarray
    refused: np.ndarray
    next: np.ndarray
    loss: np.ndarray


def find_margins(problem: Problem, units: np.ndarray) -> Margins:
    """Return the values at the margin of `units`, (r,)."""
    m, s, d = len(problem.item), problem.source, problem.destination
    into, out = problem.into(units), problem.out_of(units)
    size = np.where(problem.pack > 0, problem.pack, 1.0)
    back = np.where(problem.pack > 0, size, np.clip(into, SMALL, 1.0))
    gain_next = (taken(problem, into + size) - taken(problem, into)) / size
    gain_last = (taken(problem, into) - taken(problem, into - back)) / back
    back_out = np.clip(out, SMALL, 1.0)
    lose_last = (problem.gives.worth_of(out) - problem.gives.worth_of(out - back_out)) / back_out
    loss = _loss_of_next(problem, out, size[d])
    onward = gain_next[d] - problem.freight - loss
    left = left_over(problem, units, problem.takes.total(m))
    last = np.full(m, np.inf)
    used = np.flatnonzero(units > SMALL)
    np.minimum.at(last, d[used], (gain_last[d] - problem.freight - lose_last[s])[used])
    refused = np.full(m, -np.inf)
    free = np.flatnonzero(np.isnan(problem.fixed) & (left.wish[d] > SMALL))
    np.maximum.at(refused, d[free], onward[free])
    return Margins(
        units,
        size[d],
        left,
        np.where(np.isfinite(last), last, np.nan),
        np.where(np.isfinite(refused), refused, np.nan),
        onward,
        loss,
    )


def _loss_of_next(problem: Problem, out: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Return the money a unit that the giver of each route loses by `step`, (r,) units, more, (r,)."""
    loss, now = np.zeros(len(step)), problem.gives.worth_of(out)
    for units in np.unique(step):
        rows = step == units
        loss[rows] = ((problem.gives.worth_of(out + units) - now) / units)[problem.source[rows]]
    return loss


def taken(problem: Problem, into: np.ndarray) -> np.ndarray:
    """Return the money of units in, (m,), the price of what is missing of `least` counted in."""
    gained = problem.takes.worth_of(np.maximum(into, 0.0), beyond_at_most=0.0)
    return np.asarray(gained + problem.missing_price * np.minimum(np.maximum(into, 0.0), problem.least))


def what_bound(problem: Problem, margins: Margins, reserve: np.ndarray) -> np.ndarray:
    """Return what kept each node from taking more, texts, (m,).

    "" nothing, it has all that it takes, or gives itself; "source" the source is empty, "reserve" and keeps something
    back; "pack" less than a pack is left, or wanted; "lane", "room" full; "shipment" it would cost more than it gains;
    "least" less than the least transfer; "worth" one more costs more than it gains; "fixed" set by hand; "route" there
    is none.

    Parameters
    ----------
    reserve : units that each node keeps back, (m,).
    """
    s, d, left = problem.source, problem.destination, margins.left
    step = np.where(problem.pack[d] > 0, margins.step, SMALL)
    supply, wish, place = left.supply[s, problem.date], left.wish[d], problem.location[d]
    lane = left.lane[problem.shipment] / np.maximum(problem.loads, 1e-12)
    room = left.room[place] / np.maximum(problem.bulk[d], 1e-12)
    could = np.minimum(np.minimum(supply, wish), np.minimum(lane, room))
    running = np.bincount(problem.shipment, margins.units, minlength=len(left.lane)) > SMALL
    dear = (np.repeat(problem.lane_cost, problem.available.shape[1]) > 0) & ~running
    near = step - SMALL / 10
    why = np.select(
        [
            ~np.isnan(problem.fixed),
            left.took[s] | left.gave[d],
            margins.next <= 1e-9,
            (supply < near) & (supply <= SMALL) & (reserve[s] > SMALL),
            (supply < near) & (supply <= SMALL),
            (supply < near) | (wish < near),
            lane < near,
            room < near,
            (margins.units <= SMALL) & (could < problem.route_least - SMALL),
            dear[problem.shipment],
        ],
        [_FIXED, _ROUTE, _WORTH, _RESERVE, _SOURCE, _PACK, _LANE, _ROOM, _LEAST, _SHIPMENT],
        _FREE,
    )
    rank = np.full(len(problem.item), _ROUTE)
    np.minimum.at(rank, d, why)
    rank[(left.wish <= SMALL) | left.gave] = _NOTHING
    return np.asarray(np.array(WHY)[rank])
