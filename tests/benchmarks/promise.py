"""Whether a promised fill rate is served: `python -m tests.benchmarks.promise [--quick] [--unmet lost] [--lots]`.

Stationary demand is simulated day by day for 200,000 periods a line or more, by the order of events of the contract:
receive, review and order, demand. Backordered, the policy fills up to one level; lost, each order follows from the
stock and what is on its way that morning, as in a plan. The fill rate that comes is compared with the one that was
promised for the quantities in fact ordered. Target: within 0.5 point where demand waits, 1 point where it is lost. A
star marks a miss. Demand is normal (50, sd 8), Poisson (3) and lumpy (mean 0.8, variance 4, negative binomial).
With `--lots` the same of reorder points, backordered: (R,s,S) and (s,Q) with lots of 7 and 28 days of demand.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from planning.distribution import CumulativeDemand, quantile_table
from planning.policy import Levels, Need, Supply, build_need, find_levels

DEMANDS = ("normal", "poisson", "lumpy")
MOMENTS = {"normal": (50.0, 64.0), "poisson": (3.0, 3.0), "lumpy": (0.8, 4.0)}
LEADS, REVIEWS = tuple(range(9)), (1, 2, 3, 4)
LOT_PLACES, LOT_DAYS = ((0, 1), (2, 1), (5, 4), (8, 2)), (7, 28)
PERIODS, PATHS, WARM_DAYS, SEED = 200_000, 1000, 40, 4
TOLERANCE = {"backordered": 0.005, "lost": 0.01}
MORE = {"backordered": 10, "lost": 1}
"""Times as many periods where they cost little: chance alone moves lumpy demand by half a point in 200,000."""


@dataclass(frozen=True)
class Served:
    """What was promised, and what came: fill rates. `periods` that were counted."""

    promised: float
    came: float
    periods: int


class Stationary(CumulativeDemand):
    """The same demand every day for all rows: each length of time has one table of quantiles."""

    def quantiles(
        self,
        p: np.ndarray,
        mean: np.ndarray,
        variance: np.ndarray,
        rows: np.ndarray | slice = slice(None),  # noqa: ARG002
    ) -> np.ndarray:
        """Return quantiles, units, (rows, len(p))."""
        lengths, first, which = np.unique(mean.round(9), return_index=True, return_inverse=True)
        some = np.full(len(lengths), bool(self.whole[0]))
        return quantile_table(p, mean[first], variance[first], some)[which]


def main() -> None:
    """Simulate every line and print it."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.promise", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer lines")
    parser.add_argument("--target", type=float, default=0.95, help="fill rate, as a fraction")
    parser.add_argument("--periods", type=int, default=PERIODS)
    parser.add_argument("--unmet", choices=tuple(TOLERANCE), help="only one of them")
    parser.add_argument("--lots", action="store_true", help="reorder points and lots instead of levels")
    asked = parser.parse_args()
    if asked.lots:
        _tell_lots(asked.target, asked.periods)
        return
    misses = lines = 0
    began = time.perf_counter()
    sys.stdout.write(f"{'demand':9}{'unmet':12}{'L':>2}{'R':>3}{'target':>8}{'promised':>10}{'came':>8}{'points':>8}\n")
    for kind, unmet, lead, review in _lines(quick=asked.quick):
        if asked.unmet not in (None, unmet):
            continue
        periods = asked.periods * MORE[unmet]
        found = simulate(kind, lead, review, asked.target, lost=unmet == "lost", periods=periods)
        apart = found.came - found.promised
        miss = abs(apart) > TOLERANCE[unmet]
        misses, lines = misses + miss, lines + 1
        told = f"{asked.target:8.3f}{found.promised:10.4f}{found.came:8.4f}{100 * apart:8.2f}"
        sys.stdout.write(f"{kind:9}{unmet:12}{lead:2}{review:3}{told}{' *' if miss else ''}\n")
        sys.stdout.flush()
    took = time.perf_counter() - began
    sys.stdout.write(f"{lines} lines of {asked.periods:,} periods or more, {misses} beyond tolerance, {took:.0f} s\n")


def _lines(*, quick: bool) -> Iterator[tuple[str, str, int, int]]:
    leads, reviews = ((0, 2, 8), (1, 4)) if quick else (LEADS, REVIEWS)
    for kind in DEMANDS:
        for unmet in TOLERANCE:
            for lead in leads:
                for review in reviews:
                    yield kind, unmet, lead, review


def _tell_lots(target: float, periods: int) -> None:
    sys.stdout.write(f"{'demand':9}{'policy':8}{'L':>2}{'R':>3}{'lot':>6}{'promised':>10}{'came':>8}{'points':>8}\n")
    for kind in DEMANDS:
        for lead, review in LOT_PLACES:
            for days in LOT_DAYS:
                lot = float(np.ceil(MOMENTS[kind][0] * days))
                for whole_lots in (False, True):
                    found = simulate_lots(kind, lead, review, target, lot, whole_lots=whole_lots, periods=periods)
                    apart = found.came - found.promised
                    miss = " *" if abs(apart) > TOLERANCE["backordered"] else ""
                    told = (
                        f"{lead:2}{review:3}{lot:6.0f}{found.promised:10.4f}{found.came:8.4f}{100 * apart:8.2f}{miss}"
                    )
                    sys.stdout.write(f"{kind:9}{'s,Q' if whole_lots else 'R,s,S':8}{told}\n")
                    sys.stdout.flush()


def simulate_lots(
    kind: str,
    lead: int,
    review: int,
    target: float,
    lot: float,
    *,
    whole_lots: bool,
    periods: int = PERIODS,
    paths: int = 500,
) -> Served:
    """Order from the engine's reorder point on, backordered, and count what is served.

    Parameters
    ----------
    lot : units that an order brings beyond the reorder point at least.
    whole_lots : as many lots as lift the position above it, (s,Q); else up to it and the lot, (R,s,S).
    """
    random = np.random.default_rng(SEED)
    need = _need(kind, np.zeros(1), np.zeros((1, 1)), lead, review, lost=False)
    point = find_levels(
        need, "fill_rate", np.full(1, target), np.full(1, target), np.zeros(1), lot=np.full(1, lot)
    ).raw_order
    stock, coming = np.full(paths, np.ceil(point[0] + lot / 2)), np.zeros((lead + 1, paths))
    wanted = short = 0.0
    warm = -(-max(WARM_DAYS, 3 * lead) // review) * review
    for today in range(warm + -(-periods // paths)):
        stock += coming[today % (lead + 1)]
        coming[today % (lead + 1)] = 0.0
        if today % review == 0:
            gap = point[0] - stock - coming.sum(axis=0)
            order = np.ceil(gap / lot - 1e-9) * lot if whole_lots else gap + lot
            order = np.where(gap > 1e-9, order, 0.0)
            order = order if kind == "normal" else np.ceil(np.round(order, 6))
            stock, coming[(today + lead) % (lead + 1)] = (stock, order) if lead else (stock + order, 0.0)
        demand = _draw(kind, random, paths)
        missed = np.clip(demand - np.maximum(stock, 0), 0, demand)
        stock -= demand
        if today >= warm:
            wanted, short = wanted + demand.sum(), short + missed.sum()
    return Served(float(need.fill_rate(point, np.full(1, lot))[0]), 1 - short / wanted, periods)


def simulate(
    kind: str, lead: int, review: int, target: float, *, lost: bool, periods: int = PERIODS, paths: int = PATHS
) -> Served:
    """Order every `review` days for a target fill rate, and count what is served.

    Parameters
    ----------
    kind : of `DEMANDS`.
    lead, review : days.
    periods : days that are counted, over all paths together at least.
    """
    random = np.random.default_rng(SEED)
    per_day, variance = MOMENTS[kind]
    warm = -(-max(WARM_DAYS, 3 * lead) // review) * review
    counted = -(-periods // (paths * review)) * review
    start = np.full(paths, per_day * (lead + review))
    stock, coming = start.copy(), np.zeros((paths, lead + 1))
    wanted, short, promised = 0.0, 0.0, 0.0
    level = 0.0 if lost else _level(kind, lead, review, target)
    for today in range(warm + counted + lead):
        stock += coming[:, 0]
        coming = np.concatenate([coming[:, 1:], np.zeros((paths, 1))], axis=1)
        if today % review == 0 and today < warm + counted:
            if lost:
                order, lacking = _order(kind, stock, coming, lead, review, target)
                promised += lacking if today >= warm else 0.0
            else:
                order = level - stock - coming.sum(axis=1)
            if lead:
                coming[:, lead - 1] += order
            else:
                stock += order
        demand = _draw(kind, random, paths)
        missed = np.minimum(np.maximum(demand - np.maximum(stock, 0), 0), demand)
        stock -= demand - missed if lost else demand
        # What is ordered on a day is there a lead time later: promise and count are of the same days.
        if today >= warm + lead:
            wanted, short = wanted + demand.sum(), short + missed.sum()
    if lost:
        expected = 1 - promised / (per_day * paths * counted)
    else:
        expected = float(_need(kind, np.zeros(1), np.zeros((1, 1)), lead, review, lost=False).fill_rate(level[None])[0])
    return Served(expected, 1 - short / wanted, paths * counted)


def _draw(kind: str, random: np.random.Generator, paths: int) -> np.ndarray:
    mean, variance = MOMENTS[kind]
    if kind == "normal":
        return np.maximum(random.normal(mean, np.sqrt(variance), paths), 0)
    if kind == "poisson":
        return random.poisson(mean, paths).astype(float)
    return random.negative_binomial(mean**2 / (variance - mean), mean / variance, paths).astype(float)


def _need(kind: str, stock: np.ndarray, coming: np.ndarray, lead: int, review: int, *, lost: bool) -> Need:
    n, (mean, variance) = len(stock), MOMENTS[kind]
    days = np.arange(lead + review + 2.0)
    law = Stationary(np.tile(mean * days, (n, 1)), np.tile(variance * days, (n, 1)), np.full(n, kind != "normal"))
    # What is at hand this morning is in the stock; the first column comes tomorrow.
    used = np.flatnonzero((coming > 0).any(axis=0))
    due = np.where(coming[:, used] > 0, used + 1.0, np.inf)
    at = np.argsort(due, axis=1, kind="stable")
    due, units = (np.take_along_axis(part, at, axis=1) for part in (due, coming[:, used]))
    sure = [np.full(n, value) for value in (float(lead), 0.0, float(review))]
    return build_need(law, Supply(stock, due, units, *sure), lost=lost)


def _levels(need: Need, target: float) -> Levels:
    n = len(need.between)
    return find_levels(need, "fill_rate", np.full(n, target), np.full(n, target), np.zeros(n))


def _level(kind: str, lead: int, review: int, target: float) -> np.ndarray:
    """The level that backordered demand is filled up to, units."""
    found = _levels(_need(kind, np.zeros(1), np.zeros((1, 1)), lead, review, lost=False), target).order[0]
    return np.asarray(found if kind == "normal" else np.ceil(np.round(found, 6)))


def _order(
    kind: str, stock: np.ndarray, coming: np.ndarray, lead: int, review: int, target: float
) -> tuple[np.ndarray, float]:
    """Return the order of each path, units, and what all of them together are expected to be short of."""
    states, which, times = np.unique(np.column_stack([stock, coming]), axis=0, return_inverse=True, return_counts=True)
    need = _need(kind, states[:, 0].copy(), states[:, 1:], lead, review, lost=True)
    levels = _levels(need, target)
    order = np.where(levels.due, np.maximum(levels.order, 0), 0.0)
    order = order if kind == "normal" else np.ceil(np.round(order, 6))
    return order[which.ravel()], float((need.short(order) * times).sum())


if __name__ == "__main__":
    main()
