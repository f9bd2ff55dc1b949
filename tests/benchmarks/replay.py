"""How long a replay takes: `python -m tests.benchmarks.replay [--known] [--lines 3000,30000]`.

Targets, forecasts at hand, one policy over 104 weeks: 3,000 item-locations in 0.5 s, 30,000 in 3 s (two cores). Told
beside it: five lead times instead of one. With --known also what it takes to make the forecasts of 104 past mornings
from 208 weeks of sales, on one process and on two (of 30,000 lines, those of 12 mornings, and 104 by their share).
"""

import argparse
import os
import resource
import sys
import time
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from typing import TypeVar

import numpy as np
import pandas as pd

from planning import engine
from planning.distribution import LEVELS, Calibration
from planning.params import Params
from planning.replay import World, replay
from planning.replay_known import Known, build_known
from planning.replay_plan import Aim, PlanRule
from planning.replay_rules import Terms

T = TypeVar("T")

WEEKS, PAST, AHEAD, LEAD = 104, 104, 5, 2
TARGETS = {3_000: 0.5, 30_000: 3.0}
SEED = 3
MONDAY = date(2026, 6, 1)
TRIED = 12


def main() -> None:
    """Time the cases and print a line for each."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.replay", description=__doc__)
    parser.add_argument("--lines", default=",".join(map(str, TARGETS)), help="numbers of lines, with commas")
    parser.add_argument("--known", action="store_true", help="also time the making of the forecasts; minutes")
    asked = parser.parse_args()
    sys.stdout.write(f"{os.cpu_count()} cores\n")
    for lines in (int(text) for text in asked.lines.split(",")):
        units, level = sold(lines)
        known, world = kept(units, level), world_of(units)
        for several in (False, True):
            # The second run is told: the first one also builds what later ones find.
            run(world, known, several=several)
            seconds, processor, served = timed(partial(run, world, known, several=several))
            target = f", target {TARGETS[lines]:g} s" if lines in TARGETS and not several else ""
            name = f"{lines:7,} lines, {5 if several else 1} lead time{'s' if several else ' '}"
            sys.stdout.write(
                f"{name}: {seconds:.2f} s, of processor {processor:.2f} s; fill rate {served:.3f}{target}\n"
            )
        if asked.known:
            _tell_known(lines, units)


def sold(lines: int) -> tuple[np.ndarray, np.ndarray]:
    """Return demand by week, (lines, PAST + WEEKS), and its level: many slow lines, few quick ones."""
    random = np.random.default_rng(SEED)
    level = random.gamma(0.8, 8.0, lines) + 0.2
    size = random.uniform(1.0, 6.0, lines)[:, None]
    units = random.negative_binomial(size, size / (size + level[:, None]), (lines, PAST + WEEKS))
    return units.astype(float), level


def kept(units: np.ndarray, level: np.ndarray) -> Known:
    """Return forecasts of each morning: the mean of the last 13 weeks, with the spread of three kinds of demand."""
    n = len(units)
    total = np.cumsum(np.pad(units, ((0, 0), (1, 0))), axis=1)
    at = np.arange(PAST, PAST + WEEKS)
    mean = ((total[:, at] - total[:, at - 13]) / 13).T
    ahead = np.arange(1, AHEAD + 1)
    cumulative = mean[:, :, None] * ahead
    spread = 1 + level / 3
    learned = np.arange(WEEKS) // 4
    code, kinds = np.arange(n) % 3, np.array([[1.0], [0.0], [-1.0]])
    # No learning is calibrated as another: those that are share what is laid out.
    waves = [0.02 * np.sin(3 * LEVELS + k) * kinds for k in range(learned[-1] + 1)]
    return Known(
        keys=_keys(n),
        starts=np.datetime64(MONDAY) - 7 * np.arange(WEEKS, 0, -1),
        bucket_days=7,
        mean=cumulative.astype(np.float32),
        variance=(cumulative * spread[:, None] * (1 + 0.05 * ahead)).astype(np.float32),
        learned=learned,
        wholes=np.ones((learned[-1] + 1, n), bool),
        calibrations=tuple(Calibration(code, np.clip(LEVELS + wave, 0.001, 0.999)) for wave in waves),
        demand_class=np.full(n, "smooth"),
        abc_class=np.full(n, "A"),
        notes=(),
    )


def _keys(n: int) -> pd.DataFrame:
    return pd.DataFrame({"item_id": [f"I{k:06d}" for k in range(n)], "location_id": "MAIN"})


def world_of(units: np.ndarray) -> World:
    """Return the world of the last weeks, each line with four weeks of stock."""
    n = len(units)
    stock = np.ceil(4 * units[:, PAST - 13 : PAST].mean(axis=1))
    return World.of(units[:, PAST:], LEAD, stock, keys=_keys(n), whole=np.ones(n, bool))


def run(world: World, known: Known, *, several: bool) -> float:
    """Replay the plan's policy and return its fill rate."""
    n = world.lines
    terms = Terms.of(world, np.full(n, LEAD), np.ones(n, int))
    leads = np.tile([1, 2, 2, 2, 3] if several else [LEAD], (n, 1))
    aim = Aim.of(terms, "fill_rate", 0.95, lost=True, leads=leads)
    ledger = replay(world, PlanRule(terms, aim, known))
    return 1 - float(np.nansum(ledger.lost, dtype=float) / np.nansum(ledger.demand, dtype=float))


def timed(work: Callable[[], T]) -> tuple[float, float, T]:
    """Return the seconds on the clock and of the processor, and what the work returned."""
    start, processor = time.perf_counter(), _processor()
    found = work()
    return time.perf_counter() - start, _processor() - processor, found


def _processor() -> float:
    own, others = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime


def _tell_known(lines: int, units: np.ndarray) -> None:
    rows, columns = np.nonzero(units)
    keys = _keys(lines)
    days = np.datetime64(MONDAY) - 7 * np.arange(PAST + WEEKS, 0, -1)
    sales = {"date": days[columns].astype("datetime64[s]"), "quantity": units[rows, columns]}
    names = {name: keys[name].to_numpy(object)[rows] for name in keys}
    tables = {"sales": pd.DataFrame(sales | names), "stock": keys.assign(on_hand=10.0)}
    params = Params.from_mapping({"bucket": "week", "lead_time_days": 7 * LEAD, "review_period_days": 7})
    mornings = WEEKS if lines <= min(TARGETS) else TRIED
    first = MONDAY - timedelta(weeks=mornings)
    for processes in (1, 2):
        make = partial(build_known, tables, MONDAY, params, first=first, run=engine.pool(processes))
        seconds, processor, known = timed(make)
        share = WEEKS / mornings
        sys.stdout.write(
            f"{lines:7,} lines, forecasts of {WEEKS} mornings, {processes} process{'es' if processes > 1 else ''}: "
            f"{seconds * share:.0f} s, of processor {processor * share:.0f} s; "
            f"{(known.mean.nbytes + known.variance.nbytes) * share / 1e6:.0f} MB kept\n"
        )
        sys.stdout.flush()


if __name__ == "__main__":
    main()
