"""What a change of the service target costs a planner: `python -m tests.benchmarks.repaint [--lines sample,3000]`.

The sample company, or a made-up one of that many item-locations, is imported and forecast through the service, and
opened in a real browser; the target's slider is moved on the Overview, Service & safety stock and Replenishment until
the numbers stand again. Targets, medians: 1.5 s for the Overview of the sample, elsewhere 0.7 s for 3,000 lines and
1.5 s for 30,490. `--profile` tells instead where the light stage spends it.
"""

import argparse
import cProfile
import io
import os
import pstats
import shutil
import statistics
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

from playwright.sync_api import sync_playwright

from data import service
from planning import frontier, pipeline
from planning.params import Params
from tests.benchmarks import browser, made

SAMPLE = "sample"
TARGETS = {SAMPLE: 1.5, "3000": 0.7, "30490": 1.5}
MOVES = 9
LONGEST_FIT = 900
PAGES = {
    "Overview": ("", "PageDown"),
    "Service & safety stock": ("service", "ArrowLeft"),
    "Replenishment": ("replenishment", "ArrowRight"),
}
"""Each page moves its own way, so that no plan is kept from the other."""
SETTLES_MS = 4_000
"""A page that was only just opened may be drawn once more."""


def main() -> None:
    """Measure each size and print its lines."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.repaint", description=__doc__)
    parser.add_argument("--lines", default=",".join(TARGETS))
    parser.add_argument("--profile", action="store_true", help="where the light stage spends its time")
    asked = parser.parse_args()
    for count in asked.lines.split(","):
        with tempfile.TemporaryDirectory() as home:
            os.environ |= {"STOCKCAST_HOME": home, "STOCKCAST_MODE": "local"}
            visitor = service.Visitor.arriving("local")
            snapshot = service.use_sample(visitor) if count == SAMPLE else made.workspace(visitor, int(count))
            base, as_of = forecast(visitor, snapshot)
            for line in light(base, as_of, profile=asked.profile):
                tell(f"{count:>6} lines  {line}")
            if not asked.profile:
                for line in repaints(Path(home)):
                    tell(f"{count:>6} lines  {line}  (target {TARGETS.get(count, float('nan')):g} s)")


def tell(line: str) -> None:
    """Print at once: the next one takes a while."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def forecast(visitor: service.Visitor, snapshot: str) -> tuple[pipeline.Base, date]:
    """Run the forecast as the pages do, keep it, and return what the light stage starts from, and the morning."""
    frames = service.inputs(visitor, snapshot)
    job = service.start_fit(visitor, snapshot, service.default_as_of(frames), Params(), frames=frames)
    until = time.monotonic() + LONGEST_FIT
    while job.status() == "running" and time.monotonic() < until:
        time.sleep(0.2)
    as_of = service.default_as_of(frames)
    fits = service.fits(visitor, snapshot, as_of, Params(), frames=frames)
    tables = service.planned_inputs(visitor, snapshot, frames=frames)
    start = time.perf_counter()
    base = pipeline.prepare(tables, as_of, Params(), fits=fits)
    tell(f"{len(base.network.keys):>6,} lines  prepare {time.perf_counter() - start:.2f} s")
    return base, as_of


def light(base: pipeline.Base, as_of: date, *, profile: bool) -> list[str]:
    """Return what the light stage and the frontier take, or where the light stage spends it."""
    if profile:
        watch = cProfile.Profile()
        watch.runcall(pipeline.finish, base, as_of, Params(service_target=0.93))
        out = io.StringIO()
        pstats.Stats(watch, stream=out).sort_stats("cumulative").print_stats(60)
        return out.getvalue().splitlines()
    times = {"finish": [], "frontier": [], "beside the policy": []}
    for n in range(3):
        params = Params(service_target=0.94 + 0.01 * n)
        start = time.perf_counter()
        plan = pipeline.finish(base, as_of, params)
        times["finish"].append(time.perf_counter() - start)
        start = time.perf_counter()
        trade = frontier.build_tradeoff(base, params)
        times["frontier"].append(time.perf_counter() - start)
        start = time.perf_counter()
        frontier.compare(trade, trade.order(plan.policy))
        times["beside the policy"].append(time.perf_counter() - start)
    return [f"{name}: median {statistics.median(told):.2f} s" for name, told in times.items()]


def repaints(home: Path) -> list[str]:
    """Return the seconds of the slider on each page, in a browser."""
    path = next(found for name in ("chromium", "google-chrome") if (found := shutil.which(name)))
    flags = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
    told = []
    with browser.server(home) as address, sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=flags)
        page = opened.new_page(viewport={"width": 1440, "height": 1000})
        for title, (slug, key) in PAGES.items():
            page.goto(f"{address}/{slug}")
            page.wait_for_selector("[data-testid=stMetric]", timeout=300_000)
            page.wait_for_timeout(SETTLES_MS)
            page.wait_for_selector(browser.IDLE, timeout=120_000)
            if slug in browser.OPENS:
                page.get_by_role("button", name=browser.OPENS[slug]).click()
            # Each move goes on to a target that was not seen before: nothing is kept of it.
            times = [browser.move(page, key) for _ in range(MOVES)]
            told.append(f"slider on {title}: median {statistics.median(times):.2f} s, worst {max(times):.2f} s")
        opened.close()
    return told


if __name__ == "__main__":
    main()
