"""A whole assortment: `python -m tests.benchmarks.scale --data FOLDER [--series 30490,60980] [--processes N]`.

Targets: 30,490 series x 277 weeks from tables to the distribution of demand in 60 s and 3 GB; twice the series in at
most 2.2 times that; quantiles, tail probabilities and expected shortage of all items at a new service level, from
the kept tables, in 0.3 s; all rolling origins in one pass 50 times faster than `StatsForecast.cross_validation`.
The series are M5 by week, told several times with seeded noise at locations of their own. Each case runs in a process
of its own, so that its peak memory is its own; with workers, theirs are added to it as if all peaked at once.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from planning import engine, pipeline
from planning.distribution import CumulativeDemand
from planning.params import Params
from tests.benchmarks import real

T = TypeVar("T")

WEEKS, SEED = 277, 11
AS_OF = date(2016, 4, 25)
LEVEL_NOISE = 0.3
INTERVAL_DAYS = 21
SERVICE = (0.93, 0.96, 0.97, 0.985, 0.99)
ONE_PASS_SERIES, LEAST_KNOWN = 100, 13
TARGETS = {"seconds": 60.0, "gigabytes": 3.0, "ratio": 2.2, "look-up": 0.3, "one pass": 50.0}


def main() -> None:
    """Run the cases, each in a process of its own, and print their lines."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.scale", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of real data")
    parser.add_argument("--series", default="30490,60980")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--no-pass", action="store_true", help="leave out the comparison of the one pass")
    parser.add_argument("--case", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.case:
        found = one_pass(asked.data) if asked.case == "pass" else assortment(asked)
        sys.stdout.write(json.dumps(found) + "\n")
        return
    sys.stdout.write(f"{os.cpu_count()} cores, {asked.processes} processes; targets {json.dumps(TARGETS)}\n")
    counts = [int(count) for count in asked.series.split(",") if count]
    totals = [_told(f"{count:,} series x {WEEKS} weeks", _run(asked, str(count))) for count in counts]
    if len(totals) == 2:
        sys.stdout.write(f"{counts[1] / counts[0]:.1f} times the series: {totals[1] / totals[0]:.2f} times as long\n")
    if not asked.no_pass:
        _told(f"all origins of {ONE_PASS_SERIES} series", _run(asked, "pass"))


def _run(asked: argparse.Namespace, case: str) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.benchmarks.scale", "--data", str(asked.data), "--case", case]
    done = subprocess.run(
        [*command, "--processes", str(asked.processes)], check=True, stdout=subprocess.PIPE, text=True
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _told(name: str, found: dict[str, float]) -> float:
    sys.stdout.write(f"{name}\n" + "".join(f"  {what:58} {value:10.2f}\n" for what, value in found.items()))
    sys.stdout.flush()
    return found.get("fit and prepare, s", 0.0)


def assortment(asked: argparse.Namespace) -> dict[str, float]:
    """Return seconds and peak memory (GB) of each stage for as many series as the case tells."""
    tables = tiled(real.m5(asked.data), int(asked.case))
    found = {"rows of sales, millions": len(tables["sales"]) / 1e6, "tables alone, GB (peak)": _peak()}
    start = time.perf_counter()
    fits = pipeline.fit(tables, AS_OF, Params(), run=engine.pool(asked.processes))
    found["fit (demand, forecasts at all origins), s"] = time.perf_counter() - start
    found["fit, GB (peak)"] = _peak() + asked.processes * _peak(resource.RUSAGE_CHILDREN)
    middle = time.perf_counter()
    base = pipeline.prepare(tables, AS_OF, Params(), fits=fits)
    end = time.perf_counter()
    found["prepare (choice, distribution, need at arrival), s"] = end - middle
    found["fit and prepare, s"] = end - start
    found["all, GB (peak)"] = _peak() + asked.processes * _peak(resource.RUSAGE_CHILDREN)
    found["kept fits, GB (compressed)"] = len(fits.to_bytes()) / 1024**3
    end = time.perf_counter()
    kept = kept_table(base.demand)
    found["table of the interval's demand, s"] = time.perf_counter() - end
    seconds = [_look_up(kept, p) for p in SERVICE]
    found["look-up at a new service level, first, s"] = seconds[0]
    found["look-up at a new service level, median of the others, s"] = float(np.median(seconds[1:]))
    return found


def kept_table(demand: CumulativeDemand) -> Any:
    """Return what answers for one interval, as kept by the product: quantile, chance_within, expected_shortage."""
    return demand.table(np.full(len(demand.mean), float(INTERVAL_DAYS)))


def _look_up(kept: Any, p: float) -> float:
    """Return the seconds of quantiles, tail probabilities and expected shortage of all items."""
    start = time.perf_counter()
    level = kept.quantile(p)
    tail = 1 - kept.chance_within(level)
    short = kept.expected_shortage(level)
    seconds = time.perf_counter() - start
    assert np.isfinite(tail).all()
    assert np.isfinite(short).all()
    return seconds


def _peak(who: int = resource.RUSAGE_SELF) -> float:
    return resource.getrusage(who).ru_maxrss / 1024**2


def tiled(data: real.Days, count: int) -> dict[str, pd.DataFrame]:
    """Return tables of that many series: M5 by week told again and again, each time at other locations.

    Each copy draws its units from a Poisson about the real ones times a level of its own; the first weeks are told
    twice where the data are shorter than wanted.
    """
    chance = np.random.default_rng(SEED)
    real_weeks = data.weeks(AS_OF).units
    units = np.concatenate([real_weeks[:, : WEEKS - real_weeks.shape[1]], real_weeks], axis=1)[:, -WEEKS:]
    copy, row = np.divmod(np.arange(count), len(units))
    keys = data.keys.iloc[row].reset_index(drop=True)
    keys["location_id"] = keys["location_id"] + "." + pd.Series(copy).astype(str)
    level = np.exp(chance.normal(0.0, LEVEL_NOISE, count))[:, None]
    noisy = np.full((count, WEEKS), np.nan)
    known = ~np.isnan(units[row])
    noisy[known] = chance.poisson((np.nan_to_num(units[row]) * level)[known])
    starts = np.datetime64(AS_OF, "D") - 7 * np.arange(WEEKS, 0, -1)
    weeks = real.Weeks(keys, starts, noisy, np.ones(noisy.shape, bool), data.items)
    return weeks.history(WEEKS) | {"stock": weeks.on_hand(np.full(count, 10.0))}


def one_pass(folder: Path) -> dict[str, float]:
    """Return the seconds of every origin's forecast in one pass and by the library, and how far they differ."""
    from statsforecast import StatsForecast
    from statsforecast.models import TSB, CrostonSBA, SimpleExponentialSmoothing, WindowAverage

    from planning.smoothing import Member, family_levels

    units = real.m5(folder).weeks(AS_OF).units
    units = units[~np.isnan(units).any(axis=1)][:ONE_PASS_SERIES]
    periods = units.shape[1]
    members = [
        Member("SES", "ses", 0.1),
        Member("TSB", "tsb", 0.1, 0.1),
        Member("CrostonSBA", "sba", 0.1),
        Member("WindowAverage", "mean", days=7 * LEAST_KNOWN),
    ]
    models = [SimpleExponentialSmoothing(0.1), TSB(0.1, 0.1), CrostonSBA(), WindowAverage(LEAST_KNOWN)]
    known = range(LEAST_KNOWN, periods)
    frame = pd.DataFrame({"unique_id": np.repeat(np.arange(len(units)), periods), "y": units.ravel()})
    frame["ds"] = np.tile(np.arange(periods), len(units))
    library = StatsForecast(models, freq=1)
    asked = {"df": frame, "h": 1, "n_windows": len(known), "step_size": 1, "refit": True}
    ours, our_seconds = _best(lambda: family_levels(units, known, members, 7))
    told, their_seconds = _best(lambda: library.cross_validation(**asked))
    told = told.sort_values(["unique_id", "ds"])
    columns = [c for c in told.columns if c not in ("unique_id", "ds", "cutoff", "y")]
    theirs = told[columns].to_numpy().reshape(len(units), -1, len(members)).transpose(0, 2, 1)
    return {
        "one pass, s": our_seconds,
        "cross_validation, s": their_seconds,
        "times faster": their_seconds / our_seconds,
        "largest difference, 1e-9 units": float(np.abs(ours - theirs).max() / 1e-9),
    }


def _best(work: Callable[[], T]) -> tuple[T, float]:
    """Return what the work gives, and the seconds of the best of three runs."""
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - start)
    return result, min(seconds)


if __name__ == "__main__":
    main()
