"""Several shipping dates told as one: what comes in later is dearer stock of the same source.

Where a later date costs each of an item's stores the same more a unit (its waiting), and its shipments have no limit
of their own, who gets the early units is all one: the first A[0] units of the source cost nothing more, those up to
A[1] the waiting of the second date, and so on. That is a loss that rises with the units given, so the item falls to
the rules for a single date; afterwards the units are laid on the dates again, the earliest first.
With packs of different sizes the early stock may not divide so well: then the single date is only a bound.
"""

from dataclasses import dataclass, replace

import numpy as np

from planning.sharing import SMALL, Pieces, before_in_group
from planning.sharing_part import Part, keep_routes


@dataclass(frozen=True)
class OneDate:
    """A part with one date for each item in `told`, (items,) flags; `kept` are its routes among those of `whole`.

    waiting : (items, T) money a unit more than at the item's first date.  upto : (items, T) units that can have left.
    """

    whole: Part
    part: Part
    kept: np.ndarray
    told: np.ndarray
    waiting: np.ndarray
    upto: np.ndarray


def as_one_date(part: Part) -> OneDate:
    """Tell the dates as one where that is the same sharing."""
    items, dates = len(part.place), part.available.shape[1]
    first, waiting, told = _waiting(part)
    upto = np.zeros((items, dates))
    here = told[part.route_item]
    upto[part.route_item[here], part.date[here]] = part.available[part.source[here], part.date[here]]
    step = _one_step(part)
    upto = np.where(
        step[:, None] > 0, np.floor(upto / np.where(step > 0, step, 1.0)[:, None] + 1e-9) * step[:, None], upto
    )
    upto = np.maximum.accumulate(upto, axis=1)
    kept = ~here | first
    if not told.any():
        return OneDate(part, part, kept, told, waiting, upto)
    giver = np.full(len(part.item), -1)
    giver[part.source[here]] = part.route_item[here]
    available = np.where(giver[:, None] >= 0, upto[giver, -1][:, None], part.available)
    return OneDate(
        part,
        replace(keep_routes(part, kept), available=available, gives=_with_waiting(part, giver, waiting, upto)),
        kept,
        told,
        waiting,
        upto,
    )


def _waiting(part: Part) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return which routes are of their store's first date, (r,); the waiting, (items, T); which items can be told."""
    items, m, dates, item = len(part.place), len(part.item), part.available.shape[1], part.route_item
    earliest = np.full(items, dates)
    np.minimum.at(earliest, item, part.date)
    first = part.date == earliest[item]
    freight = np.full(m, np.nan)
    freight[part.destination[first]] = part.freight[first]
    more = part.freight - freight[part.destination]
    unlike = np.isnan(more)
    more = np.where(unlike, 0.0, more)
    used = np.zeros((items, dates), bool)
    used[item, part.date] = True
    least, most = np.full((items, dates), np.inf), np.full((items, dates), -np.inf)
    np.minimum.at(least, (item, part.date), more)
    np.maximum.at(most, (item, part.date), more)
    waiting = np.where(used & np.isfinite(most), most, 0.0)
    same = ~used | (np.isfinite(most) & (most - least <= 1e-9))
    told = (used.sum(axis=1) > 1) & same.all(axis=1) & _rising(waiting, used)
    gives = np.bincount(part.source, minlength=m) > 0
    sources = np.full(items, -1)
    sources[item] = part.source
    limited = np.isfinite(part.ship_room[part.shipment]) | (part.ship_cost[part.shipment] > 0)
    twice = (
        np.bincount(part.destination * dates + part.date, minlength=m * dates)[part.destination * dates + part.date] > 1
    )
    wrong = unlike | limited | twice | (part.source != sources[item]) | gives[part.destination]
    wrong |= part.route_least > np.maximum(part.step, SMALL) + SMALL
    told[item[wrong]] = False
    told[_lacking(part, used, waiting, freight)] = False
    return first, waiting, told


def _rising(waiting: np.ndarray, used: np.ndarray) -> np.ndarray:
    filled = np.where(used, waiting, -np.inf)
    before = np.maximum.accumulate(np.c_[np.full(len(filled), -np.inf), filled[:, :-1]], axis=1)
    return np.asarray((~used | (waiting >= before - 1e-12)).all(axis=1))


def _lacking(part: Part, used: np.ndarray, waiting: np.ndarray, freight: np.ndarray) -> np.ndarray:
    """Return the items of stores that lack a date at which their first unit would still pay."""
    m, dates = len(part.item), part.available.shape[1]
    has = np.zeros((m, dates), bool)
    has[part.destination, part.date] = True
    stores = np.unique(part.destination)
    gain, loss, source = np.full(m, -np.inf), np.full(m, np.inf), np.zeros(m, int)
    gain[part.takes.node[::-1]] = part.takes.worth[::-1]
    loss[part.gives.node[::-1]] = part.gives.worth[::-1]
    source[part.destination] = part.source
    item = part.item[stores]
    first = gain[stores] - loss[source[stores]] - np.nan_to_num(freight[stores])
    pays = first[:, None] > waiting[item] + 1e-12
    return np.unique(item[(used[item] & ~has[stores] & pays).any(axis=1)])


def _one_step(part: Part) -> np.ndarray:
    """Return the pack that all stores of an item share, units, or 0, (items,)."""
    least, most = np.full(len(part.place), np.inf), np.zeros(len(part.place))
    np.minimum.at(least, part.route_item, part.step)
    np.maximum.at(most, part.route_item, part.step)
    return np.where(least == most, most, 0.0)


def _with_waiting(part: Part, giver: np.ndarray, waiting: np.ndarray, upto: np.ndarray) -> Pieces:
    """Return the pieces of `gives` with the waiting of the date that each unit leaves on."""
    pieces, item = part.gives, giver[part.gives.node]
    others = item < 0
    node, width, worth = [pieces.node[others]], [pieces.width[others]], [pieces.worth[others]]
    start = [pieces.before[others]]
    own = ~others
    before, end = pieces.before[own], (pieces.before + pieces.width)[own]
    past = np.zeros(int(own.sum()))
    for t in range(upto.shape[1]):
        now = upto[item[own], t]
        a, b = np.maximum(before, past), np.minimum(end, now)
        some = b > a + 1e-9
        node.append(pieces.node[own][some])
        width.append((b - a)[some])
        worth.append((pieces.worth[own] + waiting[item[own], t])[some])
        start.append(a[some])
        past = np.maximum(past, now)
    nodes = np.concatenate(node)
    order = np.lexsort((np.concatenate(start), nodes))
    return Pieces(nodes[order], np.concatenate(width)[order], np.concatenate(worth)[order])


def on_dates(one: OneDate, units: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lay `units` of the one date's routes on the dates; also which items cost more than they were told to, (items,).

    Returns
    -------
    units of the whole part's routes, (r,), and flags, (items,).
    """
    whole, out = one.whole, np.zeros(len(one.whole.route))
    out[one.kept] = units
    if not one.told.any():
        return out, np.zeros(len(one.told), bool)
    item, m = whole.route_item, len(whole.item)
    rest = np.bincount(whole.destination, np.where(one.told[item], out, 0.0), minlength=m)
    told_at = _told_cost(one, rest)
    out[one.told[item]] = 0.0
    count = np.bincount(whole.destination, minlength=m)
    order = np.lexsort((count[whole.destination], item))
    gone = np.zeros(len(one.told))
    for t in range(one.upto.shape[1]):
        rows = order[(whole.date[order] == t) & one.told[item[order]]]
        wish, own = rest[whole.destination[rows]], item[rows]
        laid = np.clip((one.upto[:, t] - gone)[own] - before_in_group(own, wish), 0.0, wish)
        step = whole.step[rows]
        laid = np.where(step > 0, np.floor(laid / np.where(step > 0, step, 1.0) + 1e-9) * step, laid)
        out[rows] = laid
        rest[whole.destination[rows]] -= laid
        gone += np.bincount(own, laid, minlength=len(gone))
    cost = np.bincount(item, np.where(one.told[item], one.waiting[item, whole.date] * out, 0.0), minlength=len(gone))
    short = np.bincount(whole.item, rest, minlength=len(gone)) > SMALL
    return out, np.asarray(one.told & ((cost > told_at + 1e-9) | short))


def _told_cost(one: OneDate, units: np.ndarray) -> np.ndarray:
    """Return the waiting that the one date counted on for `units` by node, (m,); money by item, (items,)."""
    total = np.bincount(one.whole.item, units, minlength=len(one.told))
    left = np.minimum(one.upto, total[:, None])
    return np.asarray((np.diff(left, axis=1, prepend=0.0) * np.where(one.told[:, None], one.waiting, 0.0)).sum(axis=1))
