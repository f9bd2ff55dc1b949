"""What a what-if costs a manager: `python -m tests.benchmarks.scenarios [--lines 3000] [--no-browser]`.

A made-up company of that many item-locations is imported and forecast through the service; each ready stress is made
beside today's plan, in the process and, opened in a real browser, by a click on Scenarios until its numbers stand.
Target: 1 s on screen for 3,000 lines. Seconds of processor time are told beside those of the clock: other work on
the machine counts in the latter alone.
"""

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from playwright.sync_api import Page, sync_playwright

from data import service
from planning import pipeline, scenario
from planning.params import Params
from planning.result import PlanResult
from planning.what_if import Change
from tests.benchmarks import browser, made, repaint

T = TypeVar("T")

TARGET = 1.0
ROUNDS = 3
OPEN_MS = 4_000
NUMBERS = "[data-testid=stMetric]"


def main() -> None:
    """Measure and print the lines."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.scenarios", description=__doc__)
    parser.add_argument("--lines", type=int, default=3_000)
    parser.add_argument("--no-browser", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ |= {"STOCKCAST_HOME": home, "STOCKCAST_MODE": "local"}
        visitor = service.Visitor.arriving("local")
        snapshot = made.workspace(visitor, asked.lines)
        base, _ = repaint.forecast(visitor, snapshot)
        tables = service.planned_inputs(visitor, snapshot)
        for line in in_process(base, tables):
            repaint.tell(f"{asked.lines:>6,} lines  {line}")
        if not asked.no_browser:
            for line in on_screen(Path(home)):
                repaint.tell(f"{asked.lines:>6,} lines  {line}  (target {TARGET:g} s)")


def asked_of(plan: PlanResult) -> dict[str, Params]:
    """Return what is tried: the ready stresses, and each kind of change that these leave out."""
    tried = {one.name: one.params for one in scenario.stresses(plan)}
    for kind in ("cost", "price"):
        change = Change(kind, factor=1.1, category="Group 01")
        tried[change.words()] = plan.params.but(what_if=[change.to_dict()])
    local = Change("demand", factor=1.15, category="Group 01")
    return {**tried, local.words(): plan.params.but(what_if=[local.to_dict()])}


def in_process(base: pipeline.Base, tables: dict[str, object]) -> Iterator[str]:
    """Yield processor and clock seconds of each what-if, from scratch and beside the plan, and of the comparison."""
    plan = pipeline.finish(base, made.AS_OF, Params())
    first_look(plan, plan)
    for name, params in asked_of(plan).items():
        whole, anew = [], []
        for _ in range(ROUNDS):
            _, *scratch = timed(lambda p=params: pipeline.prepare(tables, made.AS_OF, p, fits=base.fits))
            anew.append(scratch)
            like, *first = timed(lambda p=params: pipeline.prepare({}, made.AS_OF, p, fits=base.fits, like=base))
            other, *second = timed(lambda p=params, made_of=like: pipeline.finish(made_of, made.AS_OF, p))
            _, *third = timed(lambda o=other: first_look(plan, o))
            whole.append([sum(part) for part in zip(first, second, third, strict=True)])
        cpu, clock = (statistics.median(part) for part in zip(*whole, strict=True))
        before = statistics.median(part[0] for part in anew)
        yield (
            f"{name:34} made and compared {cpu:.2f} s of processor, {clock:.2f} s; prepare from scratch {before:.2f} s"
        )


def first_look(plan: PlanResult, other: PlanResult) -> None:
    """Make what the page shows before a tab is opened."""
    told = scenario.compare({"a": plan, "b": other})
    assert len(told.measures)
    assert len(told.curve)


def timed(work: Callable[[], T]) -> tuple[T, float, float]:
    """Return what the work gives, its processor seconds and those of the clock."""
    cpu, clock = time.process_time(), time.perf_counter()
    result = work()
    return result, time.process_time() - cpu, time.perf_counter() - clock


def on_screen(home: Path) -> Iterator[str]:
    """Yield seconds from a click on each stress to its numbers on the page, and once it is kept."""
    path = next(found for name in ("chromium", "google-chrome") if (found := shutil.which(name)))
    flags = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
    with browser.server(home) as address, sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=flags)
        page = opened.new_page(viewport={"width": 1440, "height": 1000})
        page.goto(f"{address}/scenarios")
        page.wait_for_selector(".st-key-stresses button", timeout=300_000)
        page.wait_for_timeout(OPEN_MS)
        names = page.locator(".st-key-stresses button").all_inner_texts()
        labels = [name.splitlines()[-1] for name in names]
        first = {label: click(page, label) for label in labels}
        for label, seconds in first.items():
            yield f"a click on {label!r}, to its numbers: {seconds:.2f} s"
        yield f"all stresses, first time: median {statistics.median(first.values()):.2f} s"
        again = [click(page, label) for label in labels]
        yield f"the same once they are kept: median {statistics.median(again):.2f} s, worst {max(again):.2f} s"
        opened.close()


def click(page: Page, label: str) -> float:
    """Try one stress alone and wait until the numbers speak of it; seconds."""
    clear = page.locator(".st-key-scenario_beside [aria-label='Clear all']")
    if clear.count():
        clear.first.click()
        page.wait_for_function(f"() => document.querySelectorAll('{NUMBERS}').length === 0", timeout=30_000)
    page.wait_for_selector(browser.IDLE, timeout=60_000)
    page.wait_for_timeout(300)
    start = time.perf_counter()
    page.locator(".st-key-stresses button", has_text=label).first.click()
    page.wait_for_selector(NUMBERS, timeout=60_000)
    page.wait_for_function(
        "name => document.querySelector('.st-key-scenario_actions') !== null && "
        "[...document.querySelectorAll('strong')].some(s => s.innerText === name)",
        arg=label,
        timeout=60_000,
    )
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
    sys.stdout.flush()
