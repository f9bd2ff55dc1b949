"""The efficient frontier of service against stock: each next unit goes where it saves the most for its money.

The value of one more unit on a line is what a unit served counts times the chance that it is needed; over its cost
that is a rank, and it falls with every unit of the line. So one sort of all steps of all lines tells the most service
for every amount of stock at once. It is the best there is wherever the money is spent to the last coin; between, less
than one step of one line is left over.
Source: Silver, Pyke & Thomas, 4th ed. (2017), marginal analysis for the allocation of a given safety stock.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from planning.base import Base
from planning.inputs import KEY, rows_of
from planning.params import Params
from planning.policy import Need
from planning.positions import YEAR_DAYS, with_choices
from planning.stages import policy_levels
from planning.targets import HIGHEST

VALUES = ("units", "margin")
"""What a unit served counts: one, or its margin."""
TARGETS = (0.70, 0.80, 0.85, 0.90, 0.93, 0.95, 0.97, 0.98, 0.99, 0.995)
"""Where the curve of one target for all lines is told."""
STEPS = 48
"""Steps of a line whose need has more points: close where a unit is seldom needed, wide where it often is."""
CURVE_POINTS = 120
MEASURES = ("stock", "fill_rate", "kept", "lost_units_per_year", "lost_margin_per_year")


@dataclass(frozen=True)
class Ladder:
    """What may be added to the stock of n lines, step by step; no step of a line saves more a unit than one before it.

    size : units of each step, 0 where there is none, (n, k).
    saved : units a year that each step serves, (n, k).
    worth : what a unit served counts, (n,).
    cost : of a unit, (n,).
    """

    size: np.ndarray
    saved: np.ndarray
    worth: np.ndarray
    cost: np.ndarray


@dataclass(frozen=True)
class Climb:
    """All steps of a ladder, the most worth for their money first.

    row, step : whose step each is, and which of that line, (s,).
    spent, saved : money and worth up to and with each step, (s,).
    """

    ladder: Ladder
    row: np.ndarray
    step: np.ndarray
    spent: np.ndarray
    saved: np.ndarray

    def saved_by(self, money: float) -> float:
        """Return the most worth that the money saves; a step that it pays in part counts by that part."""
        return float(np.interp(money, np.append(0.0, self.spent), np.append(0.0, self.saved)))

    def money_for(self, worth: float) -> float:
        """Return the least money that saves so much; NaN where no money does."""
        saved, spent = np.append(0.0, self.saved), np.append(0.0, self.spent)
        if worth > saved[-1] * (1 + 1e-9) + 1e-12:
            return float("nan")
        at = min(int(np.searchsorted(saved, worth)), len(saved) - 1)
        if at == 0:
            return 0.0
        share = (min(worth, saved[at]) - saved[at - 1]) / (saved[at] - saved[at - 1])
        return float(spent[at - 1] + share * (spent[at] - spent[at - 1]))

    def units_at(self, money: float, lot: np.ndarray | None = None) -> np.ndarray:
        """Return the units of each line that the money buys, (n,); never dearer than it.

        Parameters
        ----------
        lot : what units are bought in once a step cannot be paid whole, (n,): then what still fits of the next ones
            is taken, too. None: any part of that step.
        """
        cost, size = self.ladder.cost, self.ladder.size
        whole = int(np.searchsorted(self.spent, money + 1e-9 * max(abs(money), 1.0), side="right"))
        rows, steps = self.row[:whole], self.step[:whole]
        units = np.bincount(rows, size[rows, steps], minlength=len(cost)).astype(float)
        left = max(money - (self.spent[whole - 1] if whole else 0.0), 0.0)
        if lot is None:
            if whole < len(self.row):
                units[self.row[whole]] += left / cost[self.row[whole]]
            return units
        rows, steps = self.row[whole:], self.step[whole:]
        while len(fits := np.flatnonzero((cost * lot)[rows] <= left + 1e-9)):
            row, most = rows[fits[0]], size[rows[fits[0]], steps[fits[0]]]
            bought = min(np.floor(left / cost[row] / lot[row] + 1e-9) * lot[row], most)
            units[row] += bought
            left -= bought * cost[row]
            rows, steps = rows[fits[1:]], steps[fits[1:]]
        return units


def climb(ladder: Ladder) -> Climb:
    """Sort the steps of all lines by the worth that they save for their money."""
    there = ladder.size > 0
    money = ladder.size * ladder.cost[:, None]
    worth = ladder.saved * ladder.worth[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        rank = np.nan_to_num(worth / money, nan=0.0, posinf=np.inf)
    # A step is never before an earlier one of its line, whatever the last digits of their ranks say.
    rank = np.minimum.accumulate(np.where(there, rank, np.inf), axis=1)
    row, step = np.nonzero(there)
    order = np.argsort(-rank[row, step], kind="stable")
    row, step = row[order], step[order]
    return Climb(ladder, row, step, np.cumsum(money[row, step]), np.cumsum(worth[row, step]))


@dataclass(frozen=True)
class Exchange:
    """What n lines that serve customers exchange: stock for service. It depends on no service target.

    rows : their rows in the base, (n,).
    keys : item_id, location_id, n rows.
    need : their need at arrival.
    start : the order from which steps begin: mean demand and the least stock, units, (n,).
    cycle : half of what is used up between two orders, units, (n,).
    demand_per_year : units, (n,).
    cost, margin : of a unit, NaN where unknown, (n,); a cost of 1 for all where none is known.
    held : usable on hand today, units, (n,).
    in_money : whether costs are known at all.
    """

    rows: np.ndarray
    keys: pd.DataFrame
    need: Need
    start: np.ndarray
    cycle: np.ndarray
    demand_per_year: np.ndarray
    cost: np.ndarray
    margin: np.ndarray
    held: np.ndarray
    in_money: bool

    def stock(self, order: np.ndarray) -> np.ndarray:
        """Return the mean stock of each line at cost under a policy with this order, (n,); 0 where cost is unknown."""
        units = np.maximum(order - self.need.mean, 0) + self.cycle
        return np.asarray(np.nan_to_num(units * self.cost))

    def lost(self, order: np.ndarray) -> np.ndarray:
        """Return the units of each line that find an empty shelf in a year, (n,)."""
        return np.asarray(np.nan_to_num(1 - self.need.fill_rate(order)) * self.demand_per_year)

    def point(self, order: np.ndarray, value: str = "units") -> dict[str, float]:
        """Return stock at cost, fill rate, share of the value that is kept, and units and margin lost a year."""
        return self.told(float(self.stock(order).sum()), self.lost(order), value)

    def told(self, stock: float, lost: np.ndarray, value: str) -> dict[str, float]:
        """Return the measures of a stock that loses these units a year, (n,)."""
        worth, demand = self.worth(value), self.demand_per_year
        wanted, all_worth = float(demand.sum()), float((demand * worth).sum())
        return {
            "stock": stock,
            "fill_rate": 1 - float(lost.sum()) / wanted if wanted > 0 else float("nan"),
            "kept": 1 - float((lost * worth).sum()) / all_worth if all_worth > 0 else float("nan"),
            "lost_units_per_year": float(lost.sum()),
            "lost_margin_per_year": _known_sum(lost * self.margin),
        }

    def worth(self, value: str) -> np.ndarray:
        """Return what a unit served counts, (n,): one; or its margin, one where that is unknown."""
        margin = np.where(np.isnan(self.margin), 1.0, self.margin)
        return margin if value == "margin" and (margin > 0).any() else np.ones(len(margin))


def build_exchange(base: Base, params: Params, keys: pd.DataFrame | None = None) -> Exchange:
    """Collect what the lines that serve customers exchange.

    Parameters
    ----------
    keys : item_id, location_id of the lines looked at; None: all. Those that feed others are left out, as their
        stock serves no customer; so are those without demand.
    """
    positions = with_choices(base.positions, params, [])
    interval = positions.interval
    per_day = base.demand.mean_to(interval) / interval
    chosen = ~base.network.feeds & (per_day > 0) & (base.need.between > 0)
    if base.network.feeds.all():
        chosen = (per_day > 0) & (base.need.between > 0)
    if keys is not None:
        asked = np.zeros(len(chosen), bool)
        found = rows_of(keys, base.network.keys)
        asked[found[found >= 0]] = True
        chosen &= asked
    rows = np.flatnonzero(chosen)
    need = _part(base.need, rows)
    cost = positions.column("unit_cost")
    in_money = bool((~np.isnan(cost)).any())
    return Exchange(
        rows=rows,
        keys=base.network.keys[list(KEY)].iloc[rows].reset_index(drop=True),
        need=need,
        start=need.mean + positions.column("least_stock")[rows],
        cycle=per_day[rows] * positions.column("review_period_days")[rows] / 2,
        demand_per_year=per_day[rows] * YEAR_DAYS,
        cost=cost[rows] if in_money else np.ones(len(rows)),
        margin=positions.column("shortage_cost")[rows],
        held=np.maximum(positions.net_stock, 0)[rows],
        in_money=in_money,
    )


def _part(need: Need, rows: np.ndarray) -> Need:
    if len(rows) == len(need.between):
        return need
    relieved = np.broadcast_to(np.asarray(need.relieved, float), need.between.shape)[rows]
    before = None if need.before is None else need.before[rows]
    return Need(
        need.need[rows], before, need.between[rows], need.arriving_stock[rows], need.lost_before[rows], relieved
    )


def build_ladder(exchange: Exchange, value: str = "units", steps: int = STEPS) -> Ladder:
    """Read the steps of each line off its need: between two points every unit is needed with the same chance.

    A line whose cost is unknown has none: it stays as it is. Where demand waits, what was short before the arrival is
    owed either way and no step saves it.
    """
    need, start = exchange.need, exchange.start
    m = need.need.shape[1]
    columns = _columns(m, steps)
    points = need.need[:, columns]
    level = np.maximum(points, start[:, None])
    at_start = need.short(start)
    if need.before is None:
        missed = (need.tail[:, columns] - (m - columns) * points) / m
        missed = np.where(points > start[:, None], missed, at_start[:, None])
    else:
        missed = np.stack([need.short(column) for column in level.T], axis=1)
    # At most all of the demand is lost, however little is there.
    between = need.between[:, None]
    gain = np.minimum(at_start[:, None], between) - np.minimum(missed, between)
    width = np.where(np.isnan(exchange.cost)[:, None], 0.0, level - start[:, None])
    size, served = _steps(width, gain)
    return Ladder(
        size, served * (exchange.demand_per_year / need.between)[:, None], exchange.worth(value), exchange.cost
    )


def _steps(width: np.ndarray, gain: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return size and gain of each step, (n, k), from what lies between the start and its end.

    Where the first units hardly help, as so much is missing, they make one step with those that make them worth it.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        pace = np.where(width > 0, gain / width, -np.inf)
    first = pace.argmax(axis=1)[:, None]
    before = np.arange(width.shape[1]) < first
    size = np.diff(np.where(before, 0.0, width), axis=1, prepend=0.0)
    return size, np.maximum(np.diff(np.where(before, 0.0, gain), axis=1, prepend=0.0), 0.0)


def _columns(m: int, steps: int) -> np.ndarray:
    """Which of m points are looked at: all where they are few; else by how many lie above, in even ratios."""
    if m <= steps:
        return np.arange(m)
    above = np.unique(np.round(np.geomspace(1, m, steps)).astype(int)) - 1
    return np.asarray(m - 1 - above[::-1])


@dataclass(frozen=True)
class Tradeoff:
    """What some lines exchange, with nothing in it that a service target changes.

    value : what a unit served counts: "units" or "margin".
    policy : one target for all lines, at a range of targets: service_target and MEASURES.
    of : how many lines the plan has in all.
    """

    value: str
    exchange: Exchange
    steps: Climb
    policy: pd.DataFrame
    of: int

    @cached_property
    def along(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Money spent up to each step, and the units, the worth and the margin a year that it serves, (s + 1,) each."""
        steps = self.steps
        saved = steps.ladder.saved[steps.row, steps.step]
        weights = np.ones(len(steps.ladder.cost)), self.exchange.worth(self.value), np.nan_to_num(self.exchange.margin)
        units, kept, margin = (np.append(0.0, np.cumsum(saved * weight[steps.row])) for weight in weights)
        return np.append(0.0, steps.spent), units, kept, margin

    @cached_property
    def today(self) -> dict[str, float]:
        """MEASURES of today's stock, if every line kept on holding as much."""
        exchange = self.exchange
        then = exchange.point(exchange.need.mean + exchange.held - exchange.cycle, self.value)
        return then | {"stock": float(np.nansum(exchange.held * exchange.cost))}

    @cached_property
    def _start(self) -> dict[str, float]:
        return self.exchange.point(self.exchange.start, self.value)

    def ground(self, proposed: np.ndarray) -> dict[str, float]:
        """MEASURES where all lines stand before the first step; those without a cost stay as proposed."""
        if not np.isnan(self.exchange.cost).any():
            return self._start
        return self.exchange.point(_unmoved(self.exchange, proposed), self.value)

    def order(self, policy: pd.DataFrame) -> np.ndarray:
        """Return the orders of these lines under a plan's policy table of all lines, units, (n,)."""
        buffer = policy["buffer_units"].to_numpy(float)[self.exchange.rows]
        return np.asarray(buffer + self.exchange.need.mean)


def build_tradeoff(base: Base, params: Params, value: str = "units", keys: pd.DataFrame | None = None) -> Tradeoff:
    """Work out what the lines that serve customers exchange; see `build_exchange` for `keys`."""
    exchange = build_exchange(base, params, keys)
    steps = climb(build_ladder(exchange, value))
    return Tradeoff(value, exchange, steps, policy_curve(base, params, exchange, value), len(base.network.keys))


@dataclass(frozen=True)
class Frontier:
    """The curves of some lines, and where their stock and policy stand beside them.

    value : what a unit served counts: "units" or "margin".
    in_money : whether stock is at cost (else in units).
    curve : the frontier by rising stock, columns MEASURES.
    policy : one target for all lines, columns service_target and MEASURES.
    today, proposed, best : MEASURES of today's stock, if every line kept on holding as much; of the policy; and of
        the frontier at the stock of the policy.
    least_stock : the least stock that keeps as much as the policy; NaN where none does.
    lines : how many there are.
    """

    value: str
    in_money: bool
    curve: pd.DataFrame
    policy: pd.DataFrame
    today: pd.Series
    proposed: pd.Series
    best: pd.Series
    least_stock: float
    lines: int


def compare(trade: Tradeoff, proposed: np.ndarray) -> Frontier:
    """Set the frontier beside a policy and today's stock.

    Parameters
    ----------
    proposed : the order of the policy, units, (n,): see `Tradeoff.order`.
    """
    exchange, steps, value = trade.exchange, trade.steps, trade.value
    now = exchange.point(proposed, value)
    ground = trade.ground(proposed)
    worth = float((exchange.demand_per_year * exchange.worth(value)).sum())
    money = steps.money_for((now["kept"] - ground["kept"]) * worth) if worth > 0 else float("nan")
    return Frontier(
        value=value,
        in_money=exchange.in_money,
        curve=_along(trade, ground, _grid(steps) + ground["stock"]),
        policy=trade.policy,
        today=pd.Series(trade.today),
        proposed=pd.Series(now),
        best=_along(trade, ground, np.array([now["stock"]])).iloc[0],
        least_stock=ground["stock"] + money,
        lines=len(exchange.rows),
    )


def policy_curve(base: Base, params: Params, exchange: Exchange, value: str) -> pd.DataFrame:
    """Return what one target for all lines comes to, at a range of targets: service_target and MEASURES."""
    positions = with_choices(base.positions, params, [])
    part = replace(positions, table=positions.table.iloc[exchange.rows])
    rows = []
    for target in TARGETS:
        levels = policy_levels(part, exchange.need, params, np.full(len(exchange.rows), target))
        rows.append({"service_target": target} | exchange.point(levels.order, value))
    return pd.DataFrame(rows, columns=["service_target", *MEASURES])


def best_at(trade: Tradeoff, proposed: np.ndarray, stock: float) -> pd.Series:
    """Return MEASURES of the frontier where the stock is worth so much."""
    return _along(trade, trade.ground(proposed), np.array([stock])).iloc[0]


def targets_at(trade: Tradeoff, proposed: np.ndarray, stock: float, measure: str) -> pd.DataFrame:
    """Return the service target of each line on the frontier, where their stock is worth so much.

    Parameters
    ----------
    stock : of all lines together, at cost (units where no cost is known).
    measure : "fill_rate" or "cycle_service_level": what the targets measure.

    Returns
    -------
    DataFrame: item_id, location_id, service_target (fraction), safety_stock (units beyond the mean need).
    """
    exchange = trade.exchange
    unmoved = _unmoved(exchange, proposed)
    order = unmoved + trade.steps.units_at(stock - float(exchange.stock(unmoved).sum()))
    reached = exchange.need.fill_rate(order) if measure == "fill_rate" else exchange.need.cycle_service_level(order)
    target = np.clip(np.nan_to_num(reached, nan=HIGHEST), 1e-4, HIGHEST)
    return exchange.keys.assign(
        service_target=np.floor(target * 1e4 + 1e-9) / 1e4, safety_stock=np.maximum(order - exchange.need.mean, 0)
    )


def _unmoved(exchange: Exchange, proposed: np.ndarray) -> np.ndarray:
    """Where each line stands before the first step; one without a cost stays as proposed."""
    return np.where(np.isnan(exchange.cost), proposed, exchange.start)


def _grid(steps: Climb) -> np.ndarray:
    """Return amounts of money along the climb, closer where service is dear to come by."""
    if not len(steps.saved):
        return np.zeros(1)
    share = 1 - np.linspace(1, 0, CURVE_POINTS) ** 3
    at = np.searchsorted(steps.saved, share * steps.saved[-1])
    return np.unique(np.append(0.0, steps.spent[np.minimum(at, len(steps.spent) - 1)]))


def _along(trade: Tradeoff, ground: dict[str, float], stock: np.ndarray) -> pd.DataFrame:
    """Return the measures of the frontier at amounts of stock, (g,): columns MEASURES."""
    spent, *served = trade.along
    money = np.clip(stock - ground["stock"], 0.0, spent[-1])
    units, kept, margin = (np.interp(money, spent, each) for each in served)
    worth, demand = trade.exchange.worth(trade.value), trade.exchange.demand_per_year
    return pd.DataFrame(
        {
            "stock": ground["stock"] + money,
            "fill_rate": ground["fill_rate"] + units / max(float(demand.sum()), 1e-12),
            "kept": ground["kept"] + kept / max(float((demand * worth).sum()), 1e-12),
            "lost_units_per_year": ground["lost_units_per_year"] - units,
            "lost_margin_per_year": ground["lost_margin_per_year"] - margin,
        }
    )


def _known_sum(money: np.ndarray) -> float:
    return float(np.nansum(money)) if (~np.isnan(money)).any() else float("nan")
