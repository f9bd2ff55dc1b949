"""The netting of a whole assortment: `python -m tests.benchmarks.netting [--series 30490]`.

Target: 30,490 item-locations x 26 weeks in 2 s. The plan nets by day, 182 of them, with orders proposed on the
supplier's days, packs, least orders and a safety stock by week; the record by week is measured beside it. Demand,
stock and open orders are made up, the same each time. Seconds of the clock and of this process's work.
"""

import argparse
import sys
import time
from collections.abc import Callable

import numpy as np

from planning.distribution import CumulativeDemand
from planning.orders import Limits
from planning.replenish import (
    LaterOrders,
    coming_spreads,
    empty_days,
    net_requirements,
    occasions,
    project,
    receipts_by_day,
    safety_by_day,
)

DAYS, SEED, TARGET = 182, 5, 2.0


def main() -> None:
    """Measure each part and print a line for it."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.netting", description=__doc__)
    parser.add_argument("--series", type=int, default=30490)
    for name, (clock, work) in measure(parser.parse_args().series).items():
        sys.stdout.write(f"{name:62} {clock:6.2f} s   work {work:6.2f} s\n")


def measure(n: int) -> dict[str, tuple[float, float]]:
    """Return seconds of the clock and of work by part, for `n` item-locations."""
    chance = np.random.default_rng(SEED)
    rate = chance.gamma(1.0, 2.0, n)
    season = 1 + 0.4 * np.sin(np.arange(DAYS) / 58)
    mean = np.concatenate([np.zeros((n, 1)), np.cumsum(rate[:, None] * season, axis=1)], axis=1)
    demand = CumulativeDemand(mean, mean * (1 + 0.2 * np.sqrt(mean)), np.ones(n, bool))
    lead, review = chance.integers(2, 40, n).astype(float), chance.choice([7.0, 14.0], n)
    weekday = np.where(chance.random(n) < 0.5, chance.integers(0, 5, n), np.nan)
    limits = Limits(chance.choice([0.0, 12.0], n), chance.choice([1.0, 6.0], n), np.full(n, np.inf))
    first, step = occasions(weekday, review, 0)
    stock, buffer = rate * 10, np.sqrt(demand.variance_to(lead + review))
    due = receipts_by_day(np.arange(n), chance.integers(0, 60, n).astype(float), rate * 10, (n, DAYS))
    placed = receipts_by_day(np.arange(n), lead, np.ceil(rate * 14), (n, DAYS))
    spreads = coming_spreads(demand, lead + review, DAYS)
    safety = safety_by_day(spreads, buffer, np.zeros(n), np.full(n, 1.6), DAYS)
    later = LaterOrders(lead, step, step, safety, limits, np.ones(n, bool), first)
    weekly, weeks = np.diff(mean[:, ::7], axis=1), due.reshape(n, -1, 7).sum(axis=2)
    parts: dict[str, Callable[[], object]] = {
        f"spread of demand by week, {n:,} x {DAYS // 7} weeks": lambda: coming_spreads(demand, lead + review, DAYS),
        "safety stock by week": lambda: safety_by_day(spreads, buffer, np.zeros(n), np.full(n, 1.6), DAYS),
        f"netting without new orders, {n:,} x {DAYS} days": lambda: project(
            demand, stock, due, empty_days((n, DAYS)), None, lost=True
        ),
        f"netting with later orders, {n:,} x {DAYS} days (target {TARGET:g} s)": lambda: project(
            demand, stock, due, placed, later, lost=True
        ),
        f"record by week, {n:,} x {DAYS // 7} weeks (target {TARGET:g} s)": lambda: net_requirements(
            weekly, weeks, stock, safety[:, ::7], np.ceil(lead / 7), limits, lost=True
        ),
    }
    return {name: _timed(work) for name, work in parts.items()}


def _timed(work: Callable[[], object]) -> tuple[float, float]:
    clock, busy = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - clock, time.process_time() - busy


if __name__ == "__main__":
    main()
