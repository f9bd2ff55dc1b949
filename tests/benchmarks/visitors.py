"""Many visitors at once: `python -m tests.benchmarks.visitors [--seconds 300 --visitors 20]`.

A demo server with the sample company, each visitor with a workspace of his own. One of them is a real browser, the
others speak Streamlit's protocol; each acts, waits until the page stands, and acts again 5 seconds later: pages, tabs,
filters, the service target, the item in view. Targets: median under 0.5 s, 95th percentile under 2 s, no error.
What the protocol's visitors wait is the server's part and the way; the browser's is all that a person waits.
"""

import argparse
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

from playwright.sync_api import sync_playwright

from tests import wire
from tests.benchmarks import browser
from tests.benchmarks.guesses import cpu

PAUSE = 5.0
LOCATIONS = ("ST-01", "ST-02", "ST-03")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.visitors", description=__doc__)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--visitors", type=int, default=20)
    parser.add_argument("--at", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as home, wire.server(Path(home), "demo") as (address, process):
        for line in measure(address, process, asked.seconds, asked.visitors):
            sys.stdout.write(line + "\n")


def measure(address: str, process: "subprocess.Popen[bytes]", seconds: float, visitors: int) -> list[str]:
    """Return what the visitors waited, and what they took of the server."""
    with wire.Tab(address) as first:
        # The one who wakes the server up; what all share is loaded then.
        for page in list(first.pages):
            first.go(page)
    alone = memory(process.pid)
    until = time.monotonic() + seconds + visitors * 0.25
    people = [SimpleNamespace(waits=[], first=0.0, faults=[]) for _ in range(visitors - 1)]
    threads = [threading.Thread(target=visit, args=(address, n, until, one)) for n, one in enumerate(people)]
    started, worked = time.perf_counter(), cpu(process.pid)
    for thread in threads:
        thread.start()
        time.sleep(0.25)
    shown = look(address, until)
    held = memory(process.pid)
    for thread in threads:
        thread.join()
    lasted, burnt = time.perf_counter() - started, cpu(process.pid) - worked
    waits = [wait for one in people for wait in one.waits]
    faults = [fault for one in people for fault in one.faults] + shown.faults
    each = burnt / max(len(waits) + len(shown.waits), 1)
    return [
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, server {burnt / lasted:.2f} cores, "
        f"{each:.2f} s of a core an action, {lasted:.0f} s",
        f"{visitors - 1} protocol visitors: {told(waits)}; first page median "
        f"{statistics.median(one.first for one in people):.2f} s",
        f"1 browser: {told(shown.waits)}",
        f"errors: {len(faults)} {faults[:5]}",
        f"memory {alone:.0f} MB with one visitor gone, {held:.0f} MB with {visitors}: "
        f"{(held - alone) / visitors:.1f} MB a visitor",
    ]


def told(waits: list[float]) -> str:
    """Return median, 95th percentile and worst of some waits."""
    ranked = sorted(waits)
    high = ranked[min(int(0.95 * len(ranked)), len(ranked) - 1)]
    return (
        f"{len(waits):,} actions, median {statistics.median(waits):.2f} s, 95 % {high:.2f} s, worst {ranked[-1]:.2f} s"
    )


def visit(address: str, number: int, until: float, one: SimpleNamespace) -> None:
    """Act again and again as one visitor, and note what he waited."""
    chance = random.Random(number)
    try:
        started = time.perf_counter()
        with wire.Tab(address) as tab:
            one.first = time.perf_counter() - started
            while time.monotonic() < until - PAUSE:
                time.sleep(PAUSE)
                one.waits.append(act(tab, chance)())
                if tab.faults or not tab.seen:
                    one.faults.append(f"a fault on {tab.page!r}")
                    tab.faults = 0
    except Exception as fault:
        one.faults.append(f"{type(fault).__name__}: {fault}")


def act(tab: wire.Tab, chance: random.Random) -> Callable[[], float]:
    """Choose what a visitor does next where he is."""
    may: list[Callable[[], float]] = [lambda: tab.go(chance.choice(sorted(tab.pages)))] * 3
    may += [lambda w=whose, t=name: tab.open(w, t) for whose, name in tab.tabs()]
    keys = " ".join(tab.widgets())
    if "param_service_target" in keys:
        may += [lambda: tab.slide("param_service_target", chance.randrange(850, 990) / 10)] * 4
    if "filter_location" in keys:
        may += [lambda: tab.run(tab.choices("filter_location", *chance.sample(LOCATIONS, chance.randrange(3))))] * 2
        may += [lambda: tab.run(tab.choices("filter_abc", *chance.sample("ABC", chance.randrange(3))))] * 2
    return chance.choice(may)


def look(address: str, until: float) -> SimpleNamespace:
    """Act as a person with a browser: from page to page, and the slider on those that have it."""
    found = SimpleNamespace(waits=[], faults=[])
    path = next(place for name in ("chromium", "google-chrome") if (place := shutil.which(name)))
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        page = opened.new_page(viewport={"width": 1440, "height": 1000})
        page.on("pageerror", lambda error: found.faults.append(f"page error: {error}"))
        page.goto(address)
        page.wait_for_selector("[data-testid=stMetric]", timeout=60_000)
        turn = 0
        while time.monotonic() < until - PAUSE:
            page.wait_for_timeout(1000 * PAUSE)
            name = ("Replenishment", "Service & safety stock", "Forecast", "Overview", "Allocation")[turn % 5]
            turn += 1
            link = page.get_by_test_id("stSidebarNavLink").filter(has_text=name)
            started = time.perf_counter()
            link.click()
            page.get_by_role("heading", name=name, exact=True).wait_for(timeout=30_000)
            page.wait_for_selector(browser.IDLE, timeout=30_000)
            found.waits.append(time.perf_counter() - started)
            if page.locator("[data-testid=stException]").count():
                found.faults.append(f"an exception on {name}")
            if name.startswith("Service"):
                page.wait_for_timeout(1000 * PAUSE)
                found.waits.append(browser.move(page, "ArrowLeft"))
        opened.close()
    return found


def memory(pid: int) -> float:
    """Return the resident megabytes of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024


if __name__ == "__main__":
    main()
