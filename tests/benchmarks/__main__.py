"""Seconds and peak memory of each stage: `python -m tests.benchmarks [--data FOLDER] [--demand] [--browser]`.

Without a folder the sample company is measured; with one, also the real data that lie in it:
`vn2/` (weekly sales, availability and stock of 599 store-items, wide) and `uci_online_retail/` (541,909 rows).
Each case runs in a process of its own, so that its peak memory is its own. `--demand` also measures the demand
engine on the real data: the inventory game, coverage, M5 by day and a whole assortment, each a program of its own.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TypeVar

from data.read import read_inputs
from data.sample import SAMPLE_AS_OF, sample_sources
from data.upload import Source
from planning import engine, pipeline
from planning.params import Params
from tests.benchmarks.real import UCI

T = TypeVar("T")

DEMAND = ("vn2", "coverage", "m5_daily", "scale")
VN2 = {"Store": "location_id", "Product": "item_id"}


def main() -> None:
    """Run the cases and print a line for each."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--data", type=Path, help="folder of real data")
    parser.add_argument("--demand", action="store_true", help="also measure the demand engine; minutes")
    parser.add_argument("--browser", action="store_true", help="also measure the pages in a browser")
    parser.add_argument("--case", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.case:
        sys.stdout.write(json.dumps(CASES[asked.case](asked.data)) + "\n")
        return
    names = ["sample"]
    if asked.data is not None:
        names += ["vn2", "uci"]
    sys.stdout.write(f"{os.cpu_count()} cores\n")
    for name in names:
        _run(name, asked.data)
    if asked.demand and asked.data is not None:
        for name in DEMAND:
            sys.stdout.write(f"\n{name}\n")
            sys.stdout.flush()
            subprocess.run([sys.executable, "-m", f"tests.benchmarks.{name}", "--data", str(asked.data)], check=True)
    if asked.browser:
        from tests.benchmarks.browser import measure

        for line in measure():
            sys.stdout.write(line + "\n")


def _run(name: str, folder: Path | None) -> None:
    command = [sys.executable, "-m", "tests.benchmarks", "--case", name]
    command += ["--data", str(folder)] if folder else []
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    for stage, (seconds, megabytes) in json.loads(done.stdout).items():
        sys.stdout.write(f"{name:8} {stage:38} {seconds:8.2f} s   peak {megabytes:6.0f} MB\n")


class _Watch:
    """Collects seconds and the peak memory so far, by stage."""

    def __init__(self) -> None:
        self.told: dict[str, tuple[float, float]] = {}

    def __call__(self, stage: str, work: Callable[[], T]) -> T:
        start = time.perf_counter()
        result = work()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        self.told[stage] = (time.perf_counter() - start, peak)
        return result


def _stages(watch: _Watch, frames: dict, as_of: date, params: Params) -> None:
    fits = watch("forecast", lambda: pipeline.fit(frames, as_of, params, run=engine.pool(os.cpu_count() or 1)))
    base = watch("policy (distribution, need)", lambda: pipeline.prepare(frames, as_of, params, fits=fits))
    watch("plan (orders, allocation, tables)", lambda: pipeline.finish(base, as_of, params))
    watch("service slider", lambda: pipeline.finish(base, as_of, params.but(service_target=0.97)))
    watch("lead-time slider", lambda: pipeline.plan(frames, as_of, params.but(lead_time_added_days=3), fits=fits))
    fair = params.but(allocation_method="fair_share")
    watch("allocation by fair share instead", lambda: pipeline.finish(base, as_of, fair))


def _sample(_: Path | None) -> dict[str, tuple[float, float]]:
    watch = _Watch()
    frames = watch("import", lambda: read_inputs(sample_sources())).frames
    _stages(watch, frames, SAMPLE_AS_OF, Params())
    return watch.told


def _vn2(folder: Path | None) -> dict[str, tuple[float, float]]:
    assert folder is not None
    watch = _Watch()
    vn2 = folder / "vn2"
    files = {
        "sales": [Source("sales.csv", vn2 / "Week 0 - 2024-04-08 - Sales.csv")],
        "availability": [Source("availability.csv", vn2 / "Week 0 - In Stock.csv")],
        "stock": [Source("stock.csv", vn2 / "Week 0 - 2024-04-08 - Initial State.csv")],
    }
    mapping = {"sales": VN2, "availability": VN2, "stock": {**VN2, "End Inventory": "on_hand"}}
    frames = watch("import", lambda: read_inputs(files, mapping)).frames
    _stages(watch, frames, date(2024, 4, 15), Params())
    with tempfile.TemporaryDirectory() as out:
        told = Path(out) / "mapping.json"
        told.write_text(json.dumps(mapping))
        flags = [part for name, sources in files.items() for part in (f"--{name}", str(sources[0].payload))]
        command = [sys.executable, "-m", "planning", "plan", *flags, "--mapping", str(told), "--as-of", "2024-04-15"]
        command += ["--out", out]
        watch("command line, all of it", lambda: subprocess.run(command, check=True, capture_output=True))
    return watch.told


def _uci(folder: Path | None) -> dict[str, tuple[float, float]]:
    assert folder is not None
    watch = _Watch()
    path = folder / "uci_online_retail" / "uci_online_retail.parquet"
    read = watch("import", lambda: read_inputs({"sales": [Source(path.name, path)]}, {"sales": UCI}))
    rows = read.rows["sales"]
    watch.told[f"rows {rows['read']:,} = {rows['accepted']:,} + {rows['rejected']:,}"] = (0.0, 0.0)
    return watch.told


CASES: dict[str, Callable[[Path | None], dict[str, tuple[float, float]]]] = {
    "sample": _sample,
    "vn2": _vn2,
    "uci": _uci,
}


if __name__ == "__main__":
    main()
