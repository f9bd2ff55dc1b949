"""What a person waits for: the first paint, and every page's answer to a slider, in a real browser."""

import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).parents[2]
IDLE = "[data-testid=stApp][data-test-script-state=notRunning][data-test-connection-state=CONNECTED]"
PAGES = {"Overview": "", "Service & safety stock": "service", "Replenishment": "replenishment"}
OPENS = {"": "Service and budget", "replenishment": "Budget, coverage, service"}
MOVES = 7


def measure() -> Iterator[str]:
    """Yield a line for each measurement."""
    path = next(found for name in ("chromium", "google-chrome") if (found := shutil.which(name)))
    flags = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
    with server() as address, sync_playwright() as playwright:
        for visit in ("first visit, cold server", "second visitor, warm server"):
            # Started before the clock: a person's browser is open already.
            browser = playwright.chromium.launch(executable_path=path, args=flags)
            page = browser.new_page(viewport={"width": 1440, "height": 1000})
            page.goto("about:blank")
            start = time.perf_counter()
            page.goto(address)
            page.wait_for_selector("[data-testid=stMetric]", timeout=60_000)
            numbers = time.perf_counter() - start
            page.wait_for_selector(".js-plotly-plot .main-svg", timeout=60_000)
            chart = time.perf_counter() - start
            yield f"browser  {visit}: numbers {numbers:.2f} s, chart {chart:.2f} s"
            browser.close()
        browser = playwright.chromium.launch(executable_path=path, args=flags)
        page = browser.new_page(viewport={"width": 1440, "height": 1000})
        for title, slug in PAGES.items():
            page.goto(f"{address}/{slug}")
            page.wait_for_selector(IDLE, timeout=60_000)
            page.wait_for_selector("[data-testid=stMetric]", timeout=60_000)
            if slug in OPENS:
                page.get_by_role("button", name=OPENS[slug]).click()
            times = [move(page, "PageDown" if n % 2 == 0 else "PageUp") for n in range(MOVES)]
            median = statistics.median(times)
            yield f"browser  service slider on {title}: median {median:.2f} s, worst {max(times):.2f} s"
        browser.close()


def move(page: Page, key: str) -> float:
    """Move the slider some steps and wait until the page stands again with other numbers; seconds."""
    slider = page.locator(".st-key-param_service_target input[type=range]").first
    slider.wait_for(state="attached")
    page.wait_for_timeout(500)
    before = page.locator("[data-testid=stMetric]").all_inner_texts()
    slider.focus()
    start = time.perf_counter()
    page.keyboard.press(key)
    page.wait_for_function(
        "before => JSON.stringify([...document.querySelectorAll('[data-testid=stMetric]')].map(m => m.innerText))"
        " !== before",
        arg=_as_json(before),
        timeout=30_000,
    )
    page.wait_for_selector(IDLE, timeout=30_000)
    return time.perf_counter() - start


def _as_json(texts: list[str]) -> str:
    import json

    return json.dumps(texts, ensure_ascii=False, separators=(",", ":"))


@contextmanager
def server(kept: Path | None = None) -> Iterator[str]:
    """Serve the dashboard on a workspace of its own, or on a kept one."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        "app.py",
        "--server.headless",
        "true",
        "--server.port",
        str(port),
    ]
    with tempfile.TemporaryDirectory() as home:
        process = subprocess.Popen(
            [*command, "--server.address", "127.0.0.1"],
            cwd=ROOT,
            env=os.environ | {"STOCKCAST_HOME": str(kept or home)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        address = f"http://127.0.0.1:{port}"
        try:
            while True:
                try:
                    urllib.request.urlopen(f"{address}/_stcore/health", timeout=1)
                    break
                except OSError:
                    time.sleep(0.05)
            yield address
        finally:
            process.terminate()
            process.wait(10)
