"""The lines of one supplier's order for one location, and the instance that is made of them.

The buckets are review periods: the first is the one that today's order must cover, the others reach to the end of
coverage; later needs are mean demand.
"""

from dataclasses import dataclass, fields

import numpy as np

from planning.distribution import CumulativeDemand
from planning.orders import Limits
from planning.policy import Levels, Need, Supply
from planning.positions import Positions
from planning.supplier_instance import Instance, build_instance

MOST_BUCKETS = 6


@dataclass(frozen=True)
class Lines:
    """What the orders of n item-locations follow from, (n,) each but for the open orders, (n, s).

    order : today's order, units.
    joins : most units that a line which is not due today may bring to an order that must be raised; 0: it stays out.
    fixed : whether the order is set by hand and stays as it is.
    level, mean : what reaches the target, and the mean need, each less what was approved this morning, units.
    lead, review, cover : days.
    receipt_day, receipt_units : open orders.
    least, multiple, most : limits of an order, units.
    cost, volume, held, worth : of one unit; held: money a day; worth: money for one unit served.
    """

    order: np.ndarray
    joins: np.ndarray
    fixed: np.ndarray
    level: np.ndarray
    mean: np.ndarray
    lead: np.ndarray
    review: np.ndarray
    cover: np.ndarray
    receipt_day: np.ndarray
    receipt_units: np.ndarray
    least: np.ndarray
    multiple: np.ndarray
    most: np.ndarray
    cost: np.ndarray
    volume: np.ndarray
    held: np.ndarray
    worth: np.ndarray
    demand: CumulativeDemand

    def of(self, rows: np.ndarray) -> "Lines":
        """Return some of the lines, by position or by flags."""
        told = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "demand"}
        demand = CumulativeDemand(self.demand.mean[rows], self.demand.variance[rows], self.demand.whole[rows])
        return Lines(**{name: values[rows] for name, values in told.items()}, demand=demand)


def build_lines(
    positions: Positions,
    need: Need,
    supply: Supply,
    levels: Levels,
    limits: Limits,
    demand: CumulativeDemand,
    *,
    order: np.ndarray,
    joins: np.ndarray,
    approved: np.ndarray,
    fixed: np.ndarray,
) -> Lines:
    """Return the lines of a plan; for the last four see `Lines`, `approved` is what was approved this morning."""
    return Lines(
        order=order,
        joins=joins,
        fixed=fixed,
        level=levels.order - approved,
        mean=need.mean - approved,
        lead=positions.column("lead_time_days"),
        review=positions.column("review_period_days"),
        cover=positions.column("coverage_days"),
        receipt_day=supply.receipt_day,
        receipt_units=supply.receipt_units,
        least=limits.least,
        multiple=limits.multiple,
        most=limits.most,
        cost=positions.column("unit_cost"),
        volume=np.nan_to_num(positions.column("volume")),
        held=np.nan_to_num(positions.column("holding_cost_per_day")),
        worth=positions.worth,
        demand=demand,
    )


@dataclass(frozen=True)
class Terms:
    """One supplier's terms at one location.

    least_value, order_cost : of an order, money; 0: none.
    container, least_fill : room of a container, NaN: none; share of an order's containers that must be filled.
    """

    name: str
    least_value: float
    order_cost: float
    container: float
    least_fill: float = 0.0


def order_instance(group: Lines, taken: np.ndarray, terms: Terms) -> Instance:
    """Return the order of one supplier for one location, and what its lines need until the end of coverage.

    Parameters
    ----------
    group : all lines that the location may buy from the supplier, n of them.
    taken : those of the order: what is due today, and what may join it, flags, (n,).
    """
    due = group.order > 0
    step = float(group.review[due].max())
    buckets = int(np.clip(np.ceil(float(group.cover[due].max()) / step), 1, MOST_BUCKETS)) + 1
    ends = [group.lead + step * (k + 1) for k in range(buckets)]
    wanted = _wanted(group, ends)
    # Where a line that is not due today will be due, there is an order anyway.
    later = np.cumsum(wanted[:, 1:], axis=1) + np.minimum(group.level, 0.0)[:, None] > 1e-6
    anyway = np.concatenate([[False], np.logical_or.reduce(later[~due], axis=0, initial=False)])
    lines, first = group.of(taken), np.arange(buckets) == 0
    # What joins asks for no more than it may bring: what it needs within its own coverage.
    last = np.where(lines.order > 0, np.inf, lines.lead + lines.cover)
    ends = [np.minimum(lines.lead + step * (k + 1), last) for k in range(buckets)]
    wanted = _wanted(lines, ends)
    told: dict[str, object] = {}
    if terms.container > 0 and terms.least_fill > 0:
        told = {"container_volume": terms.container, "least_fill": np.where(first, terms.least_fill, 0.0)}
    most = np.where(lines.order > 0, np.maximum(lines.most, lines.order), lines.joins)
    return build_instance(
        stock=np.maximum(-wanted[:, 0], 0.0),
        demand=np.maximum(wanted, 0.0),
        receipts=_coming(lines, ends),
        safety_stock=np.maximum(lines.level - lines.mean, 0.0),
        pack=np.where(lines.fixed, 0.0, lines.multiple),
        moq=np.where(lines.fixed, 0.0, lines.least),
        max_order=np.where(lines.fixed, lines.order, most),
        unit_cost=lines.cost,
        volume=lines.volume,
        holding=lines.held * step,
        # What the policy asks for is bought, whatever the margin.
        lost_penalty=lines.worth + 2 * lines.cost + 1,
        safety_penalty=lines.worth + lines.cost + 1,
        order_cost=np.where(anyway, 0.0, terms.order_cost),
        minimum_value=np.where(first, terms.least_value, 0.0),
        firm=lines.order,
        **told,
    )


def _wanted(lines: Lines, ends: list[np.ndarray]) -> np.ndarray:
    means = [lines.demand.mean_to(end) for end in ends]
    return np.stack([lines.mean, *np.diff(means, axis=0)], axis=1)


def _coming(lines: Lines, ends: list[np.ndarray]) -> np.ndarray:
    """Return the open orders that come in each bucket but the first, whose are counted in its need, units."""
    due = [np.where(lines.receipt_day < end[:, None], lines.receipt_units, 0.0).sum(axis=1) for end in ends]
    return np.stack([np.zeros(len(lines.lead)), *np.diff(due, axis=0)], axis=1)
