"""What a budget leaves of today's orders: packs in the order of what they save for their money, supplier by supplier.

Each line is cut into steps of whole packs. A supplier's first steps up to its least order value go as one, at their
mean worth: either they fit, or the whole order is left out. The answer is held against a bound that no choice of
steps beats: the same line of steps, the last of them in part, without MOQ and least order values.
Source: marginal analysis of the multiple-choice knapsack, Kellerer, Pferschy & Pisinger (2004), ch. 11.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from planning.orders import Limits

STEPS = 8
"""Steps that a line of more packs than that is cut into."""
MOST_MISFITS = 200
"""What no longer fits is passed over so often; then the rest is left out: a slider must not wait."""
SMALL = 1e-9


@dataclass(frozen=True)
class Share:
    """What a budget leaves.

    order : units, (n,).
    spent, saved, most : money; of `most`, no choice of steps saves more.
    dropped : suppliers' orders that are left out whole though money for a part of them was there, by group.
    """

    order: np.ndarray
    spent: float
    saved: float
    most: float
    dropped: np.ndarray

    @property
    def gap(self) -> float:
        """(most - saved) / most; 0 where nothing can be saved."""
        return (self.most - self.saved) / self.most if self.most > SMALL else 0.0


@dataclass(frozen=True)
class _Steps:
    """The steps of all lines, by line and place in it: row and group, units from and to, cost and gain, money."""

    row: np.ndarray
    group: np.ndarray
    start: np.ndarray
    end: np.ndarray
    cost: np.ndarray
    gain: np.ndarray
    rate: np.ndarray
    highest: np.ndarray

    def take(self, some: np.ndarray) -> "_Steps":
        """Return some of the steps, in that order."""
        return _Steps(**{name: values[some] for name, values in vars(self).items()})


def share_budget(
    order: np.ndarray,
    limits: Limits,
    cost: np.ndarray,
    saved: Callable[[np.ndarray], np.ndarray],
    budget: float,
    group: np.ndarray,
    least: np.ndarray,
) -> Share:
    """Share a budget among lines and suppliers by what a further pack saves for its money.

    Parameters
    ----------
    order : units that each line would like, (n,); lines without a cost are left out.
    saved : what orders of so many units, (n,), save by line, money, (n,); none for no units.
    budget : money, 0 or more.
    group : the supplier's order that each line belongs to, whole numbers from 0, (n,).
    least : value below which a supplier's order is not placed, money, by group; 0: any.
    """
    steps = _cut_into_steps(order, limits, cost, saved, group)
    lump, total = _first_steps(steps, least)
    # What would not reach its least value without a budget either is not held to it.
    lump &= (total >= least - 1e-6)[steps.group]
    taken, left, dropped = _down_the_line(steps, lump, limits, cost, budget, len(least))
    out = np.zeros(len(order))
    np.maximum.at(out, steps.row[taken > 0], taken[taken > 0])
    gained = float(np.nansum(saved(out)))
    return Share(out, budget - left, gained, max(_bound(steps, budget), gained), dropped)


def _cut_into_steps(
    order: np.ndarray, limits: Limits, cost: np.ndarray, saved: Callable[[np.ndarray], np.ndarray], group: np.ndarray
) -> _Steps:
    u = np.where(limits.multiple > 0, limits.multiple, 0.0)
    known = (order > 0) & ~np.isnan(cost)
    units, gains = [np.zeros(len(order))], [np.zeros(len(order))]
    for k in range(1, STEPS + 1):
        part = order * (k / STEPS)
        with np.errstate(divide="ignore", invalid="ignore"):
            part = np.where(u > 0, np.ceil(np.round(part / u, 6)) * u, part)
            least = np.where(u > 0, np.ceil(np.round(limits.least / u, 6)) * u, limits.least)
        units.append(np.where(known, np.minimum(np.maximum(part, least), order), 0.0))
        gains.append(np.nan_to_num(saved(units[-1])))
    worth, reached = np.diff(np.stack(gains, axis=1), axis=1), np.stack(units, axis=1)
    price = np.diff(reached, axis=1) * np.nan_to_num(cost)[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = np.where(np.diff(reached, axis=1) > 0, worth / price, -np.inf)
    rate = np.nan_to_num(rate, nan=0.0, posinf=1e300, neginf=-1e300)
    empty = np.diff(reached, axis=1) <= SMALL
    # A step is never worth more than the one it stands on, nor, for the bound, less than one that stands on it.
    own = np.minimum.accumulate(np.where(empty, 1e300, rate), axis=1)
    highest = np.maximum.accumulate(np.where(empty, -1e300, rate)[:, ::-1], axis=1)[:, ::-1]
    row, place = np.nonzero(~empty)
    return _Steps(
        row,
        group[row],
        reached[row, place],
        reached[row, place + 1],
        price[row, place],
        worth[row, place],
        own[row, place],
        highest[row, place],
    )


def _first_steps(steps: _Steps, least: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return which steps bring each supplier's order to its least value, flags, and the value of all, by group."""
    line = np.lexsort((steps.end, steps.row, -steps.rate, steps.group))
    total = np.bincount(steps.group, steps.cost, minlength=len(least))
    first = np.cumsum(total) - total
    before = np.cumsum(steps.cost[line]) - steps.cost[line] - first[steps.group[line]]
    out = np.zeros(len(line), bool)
    out[line] = before < least[steps.group[line]] - 1e-6
    return out, total


def _down_the_line(
    steps: _Steps, lump: np.ndarray, limits: Limits, cost: np.ndarray, budget: float, groups: int
) -> tuple[np.ndarray, float, np.ndarray]:
    """Return the units up to which each step is bought, 0: not, the money that is left, and the groups left out."""
    price = np.where(lump, 0.0, steps.cost)
    rate, ahead = steps.rate.copy(), np.where(lump, 0, 1)
    whole = np.bincount(steps.group[lump], steps.cost[lump], minlength=groups)
    gain = np.bincount(steps.group[lump], steps.gain[lump], minlength=groups)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.nan_to_num(gain / whole, posinf=1e300)
    rate[lump] = mean[steps.group[lump]]
    line = np.lexsort(
        (steps.end, steps.row, np.where(lump, 0, steps.row), ahead, np.where(lump, steps.group, 0), -rate)
    )
    # The first step of each lump carries the money of all of it.
    lumps = line[lump[line]]
    carrier = lumps[np.unique(steps.group[lumps], return_index=True)[1]]
    price[carrier] = whole[steps.group[carrier]]
    taken, dropped, left = np.zeros(len(line)), np.zeros(groups, bool), budget
    for _ in range(MOST_MISFITS):
        spent = np.cumsum(price[line])
        fit = int(np.searchsorted(spent, left + 1e-9, side="right"))
        taken[line[:fit]] = steps.end[line[:fit]]
        left -= float(spent[fit - 1]) if fit else 0.0
        if fit == len(line):
            break
        out, line = line[fit], line[fit + 1 :]
        if lump[out]:
            dropped[steps.group[out]] = True
            line = line[steps.group[line] != steps.group[out]]
            continue
        row = steps.row[out]
        units = _that_fits(steps.start[out], left, float(cost[row]), limits, row)
        taken[out] = units
        left -= max(units - steps.start[out], 0.0) * float(cost[row])
        line = line[steps.row[line] != row]
    return taken, max(left, 0.0), dropped


def _that_fits(start: float, left: float, cost: float, limits: Limits, row: int) -> float:
    units, u = start + left / cost, float(limits.multiple[row])
    units = np.floor(units / u + 1e-9) * u if u > 0 else np.floor(units * 1e6) / 1e6
    return float(units) if units >= max(limits.least[row], start, 1e-9) else 0.0


def _bound(steps: _Steps, budget: float) -> float:
    line = np.argsort(-steps.highest, kind="stable")
    worth = np.maximum(steps.highest, 0.0)[line] * steps.cost[line]
    price = steps.cost[line]
    part = np.clip((budget - (np.cumsum(price) - price)) / np.maximum(price, 1e-300), 0.0, 1.0)
    free = price <= 0
    return float((worth * np.where(free, 1.0, part)).sum() + steps.gain[line][free].clip(0).sum())
