"""The best sharing of stock, each item by the way that its limits call for.

What hands have set stands first. Items that touch no limit in common fall to the marginal rule, or with packs of
different sizes to the recursion by stages, all at once; so do coupled ones whose limits turn out to bind nothing.
The rest falls into independent blocks: small ones go to the model, large ones to prices with a proven gap.
Where answers are equal in worth, the order of `planning.sharing_part.in_own_order` decides: it depends on the numbers
alone, so that the caller may put a preference (equal days of supply) into the worths, and permuting or renaming
changes nothing; only what is alike in every number falls in the order that it came in.
"""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from planning import engine
from planning.sharing import SMALL, Answer, Problem, missing_of, value_of
from planning.sharing_dates import as_one_date, on_dates
from planning.sharing_greedy import Filled, Stars, find_stars
from planning.sharing_model import Solved, solve_apart, solve_part, worth
from planning.sharing_part import Part, blocks_of, carry_fixed, in_own_order, open_part, split
from planning.sharing_prices import open_market, solve_by_prices
from planning.solver import GAP, Outcome

EXACT = 60
"""A block of up to so many routes, or of one item, is solved by the model to the end."""
SEARCHED = 2_000
"""A block of up to so many routes goes to the model as well where prices do not prove enough."""
BATCH = 3_000
"""Blocks of one item each are solved together up to about so many routes."""
WITHIN = 1e-3
"""A large block's answer is proven to lie this close to the best, where it can be."""
NODES = 500


def share(problem: Problem, *, run: engine.Runner = engine.serial, nodes: int = NODES, gap: float = WITHIN) -> Answer:
    """Return the best sharing, and how it was found.

    Parameters
    ----------
    run : where the blocks are solved.
    nodes : most nodes of one block's search; counted, so that the same problem has the same answer.
    gap : large blocks may end this close to their bound; small ones are solved to the end.
    """
    own, places, routes = in_own_order(problem)
    fixed, cut = carry_fixed(own)
    part = open_part(own, fixed)
    at_once = _at_once(part)
    units = fixed.copy()
    units[part.route] += at_once.units
    blocks = split(part, at_once.group)
    work = partial(_solve_block, nodes=nodes, gap=gap)
    way, slack = at_once.way, 0.0
    for block, solved in zip(blocks, run(work, blocks), strict=True):
        units[block.route] = fixed[block.route] + solved.units
        way[block.place] = solved.way
        slack += solved.bound - solved.value
    out = np.zeros(len(units))
    out[routes] = units
    missing = missing_of(problem, out)
    ways = np.empty(len(way), way.dtype)
    ways[problem.item[places]] = way[own.item]
    return Answer(
        out,
        _outcome(value_of(problem, out), slack, gap),
        ways,
        missing,
        _notes(int(cut.sum()), int((missing > SMALL).sum())),
    )


@dataclass(frozen=True)
class _AtOnce:
    """Units by route, how each item was found, and the block of each item that is still open (-1: none)."""

    units: np.ndarray
    way: np.ndarray
    group: np.ndarray


def _at_once(part: Part) -> _AtOnce:
    """Solve all items that need no model: those without a common limit, or in blocks whose limits bind nothing."""
    one = as_one_date(part)
    stars = find_stars(one.part)
    market = open_market(one.part, stars, stars.star)
    filled = market.at(one.part)
    laid, dearer = on_dates(one, filled.units)
    done = (stars.greedy | market.tabled) & ~dearer
    block = blocks_of(part)
    blocks = int(block.max(initial=-1)) + 1
    closed = np.zeros(blocks, bool)
    closed[block[~done]] = True
    bulk = part.bulk[part.destination]
    into = np.bincount(part.location[part.destination], bulk * laid, minlength=len(part.room))
    carried = np.bincount(part.shipment, part.load * laid, minlength=len(part.ship_room))
    over = (into > part.room + SMALL)[part.location[part.destination]]
    over |= (carried > part.ship_room + SMALL)[part.shipment] | (part.ship_cost > 0)[part.shipment]
    closed[block[part.route_item[over]]] = True
    still = closed[block]
    units = np.where(still[part.route_item], 0.0, laid)
    way = np.where(market.tabled, "model", np.where(_met(one.part, stars, filled), "met", "greedy")).astype("U6")
    return _AtOnce(units, way, np.where(still, _batched(part, block, still), -1))


def _batched(part: Part, block: np.ndarray, still: np.ndarray) -> np.ndarray:
    """Return the blocks, (items,) codes, those of a single item each in batches that are solved together."""
    alone = still & (np.bincount(block)[block] == 1)
    routes = np.bincount(part.route_item, minlength=len(part.place))
    batch = np.cumsum(np.where(alone, routes, 0)) // BATCH
    return np.where(alone, int(block.max(initial=-1)) + 1 + batch, block)


def _met(part: Part, stars: Stars, filled: Filled) -> np.ndarray:
    """Whether each item has stock left for a pack more than all that pays, (items,) flags."""
    items = len(part.place)
    left, pack = np.zeros(items), np.zeros(items)
    left[part.route_item] = part.available[part.source, part.date] - filled.given[part.route_item]
    np.maximum.at(pack, part.route_item, np.maximum(part.step, SMALL))
    wants = np.zeros(items, bool)
    wants[part.item[part.takes.node[part.takes.worth > 0]]] = True
    routed = np.zeros(items, bool)
    routed[part.route_item] = True
    return np.asarray(stars.greedy & np.where(routed, left >= pack - SMALL, ~wants))


def _solve_block(part: Part, *, nodes: int, gap: float) -> Solved:
    block = blocks_of(part)
    if block.any():
        return _solve_apart(part, block, nodes=nodes)
    if len(part.route) <= EXACT or len(part.place) == 1:
        return solve_part(part, nodes=nodes, gap=GAP)
    one = as_one_date(part)
    stars = find_stars(one.part)
    if not stars.star.all():
        return solve_part(part, nodes=nodes, gap=gap)
    priced = solve_by_prices(one.part, stars, gap=gap)
    units, _ = on_dates(one, priced.units)
    value = worth(part, units)
    bound = max(priced.bound, value)
    priced = replace(priced, units=units, value=value, bound=bound)
    if bound - value <= gap * abs(value) or len(part.route) > SEARCHED:
        return priced
    return _better(priced, solve_part(part, nodes=nodes, gap=gap))


def _solve_apart(part: Part, block: np.ndarray, *, nodes: int) -> Solved:
    """Solve a batch of blocks of one item each: all in one relaxation, and what it leaves open one by one."""
    units, stands = solve_apart(part)
    slack, at = 0.0, np.empty(int(part.route.max(initial=-1)) + 1, int)
    at[part.route] = np.arange(len(part.route))
    for single in split(part, np.where(stands, -1, block)):
        solved = solve_part(single, nodes=nodes, gap=GAP)
        units[at[single.route]] = solved.units
        slack += solved.bound - solved.value
    value = worth(part, units)
    return Solved(units, value, value + slack, "model", "optimal" if slack <= 0 else "node_limit")


def _better(one: Solved, other: Solved) -> Solved:
    """Return the answer that is worth more, with the lower bound of both."""
    best = other if other.value > one.value else one
    return replace(best, bound=max(min(one.bound, other.bound), best.value))


def _outcome(value: float, slack: float, gap: float) -> Outcome:
    """Return how good the whole is: the gap over all items, as a share of what the sharing is worth."""
    share_open = slack / max(abs(value), 1e-9) if slack > 1e-9 else 0.0
    if share_open <= GAP * 10:
        return Outcome("optimal", value, float(share_open))
    return Outcome("within_gap" if share_open <= gap else "node_limit", value, float(share_open))


def _notes(cut: int, missing: int) -> tuple[str, ...]:
    out = []
    if cut:
        out.append(f"{cut} of the transfers set by hand are more than stock, room or lane allow: they were cut.")
    if missing:
        out.append(f"{missing} locations get less than the least wished for: there is not enough, or it does not pay.")
    return tuple(out)
