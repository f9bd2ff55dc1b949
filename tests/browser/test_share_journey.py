"""A hosted server and two browsers: a planner signs in and shares; a viewer looks, and can change nothing."""

import csv
import json
import os
import re
import socket
import subprocess
import sys

import pytest
from playwright.sync_api import Browser, Page, expect

from data import passphrase
from tests.browser.conftest import ROOT, _wait_for
from tests.browser.test_journey import WAIT, faults_of, settled

pytestmark = pytest.mark.browser

WORDS = "seven quiet boats at noon"
HOVERS = """() => JSON.stringify([...document.querySelectorAll('.js-plotly-plot')].map(p => [p.data, p.layout]))"""
MONEY = re.compile(r"€|\bEUR\b|margin of|at cost, ")


@pytest.fixture
def hosted(tmp_path):
    """The address of a hosted server with an empty home, and where its log is."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path / "server.log"
    settings = {
        "STOCKCAST_HOME": str(tmp_path / "home"),
        "STOCKCAST_MODE": "hosted",
        "STOCKCAST_PASSPHRASE_HASH": passphrase.hashed(WORDS),
    }
    with log.open("wb") as out:
        process = subprocess.Popen(
            [
                sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port),
                "--server.address", "127.0.0.1", "--server.headless", "true", "--server.fileWatcherType", "none",
                "--logger.level", "debug",
            ],
            cwd=ROOT,
            env=os.environ | settings,
            stdout=out,
            stderr=subprocess.STDOUT,
        )  # fmt: skip
        address = f"http://127.0.0.1:{port}"
        try:
            _wait_for(f"{address}/_stcore/health", process)
            yield address, log
        finally:
            process.terminate()
            process.wait(10)


@pytest.fixture
def people(browser: Browser, hosted):
    """Two browsers, apart; a script error, a request to elsewhere or an exception shown in either fails the test."""
    address, _ = hosted
    own, faults, contexts, pages = (address, address.replace("http", "ws"), "data:", "blob:", "about:"), [], [], []
    for _ in range(2):
        context = browser.new_context(viewport={"width": 1360, "height": 1000}, accept_downloads=True)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(f"page error: {error}"))
        page.on("request", lambda asked: asked.url.startswith(own) or faults.append(f"foreign: {asked.url}"))
        page.on("console", lambda said: "Content Security" in said.text and faults.append(said.text))
        contexts.append(context)
        pages.append(page)
    yield tuple(pages)
    shown = sum(page.locator("[data-testid=stException]").count() for page in pages)
    for context in contexts:
        context.close()
    assert not faults
    assert not shown


def sign_in(page: Page, address: str) -> None:
    page.goto(address)
    settled(page)
    assert faults_of(page) == []
    page.get_by_role("textbox", name="Your name").fill("Kim")
    page.get_by_label("Passphrase", exact=True).fill(WORDS)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("Orders due today")).to_be_visible(timeout=WAIT)
    settled(page)


def share(page: Page, *, hide: bool) -> str:
    """Make a link to the page in view, and return its address."""
    page.get_by_role("button", name="Share", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Make the link")).to_be_visible(timeout=WAIT)
    settled(page)
    if not hide:
        dialog.get_by_text("Hide costs and prices").click()
        settled(page)
    dialog.get_by_role("button", name="Make the link").click()
    expect(dialog.locator("code")).to_be_visible(timeout=WAIT)
    address = dialog.locator("code").inner_text().replace("\n", "")
    dialog.get_by_role("button", name="Close").click()
    settled(page)
    return address


def to(page: Page, name: str) -> None:
    page.get_by_role("link", name=name, exact=True).first.click()
    expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible(timeout=WAIT)
    settled(page)


def rows(page: Page, key: str) -> list[dict[str, str]]:
    with page.expect_download(timeout=WAIT) as download:
        page.locator(f".st-key-{key} button").click()
    with open(download.value.path(), encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def metrics(page: Page) -> list[str]:
    return page.locator("[data-testid=stMetricValue]").all_inner_texts()


def test_a_planner_shares_and_a_viewer_sees_the_same_and_changes_nothing(people, hosted):
    planner, viewer = people
    address, log = hosted
    # Without a link there is the sign-in, whatever page is asked for.
    viewer.goto(f"{address}/replenishment?abc=A")
    settled(viewer)
    expect(viewer.get_by_role("heading", name="Sign in")).to_be_visible(timeout=WAIT)
    sign_in(planner, address)
    to(planner, "Replenishment")
    full = share(planner, hide=False)
    theirs, numbers = rows(planner, "work_all_csv"), metrics(planner)

    viewer.goto(full)
    expect(viewer.get_by_text("Read only")).to_be_visible(timeout=WAIT)
    expect(viewer.get_by_text("A normal order cannot save")).to_be_visible(timeout=WAIT)
    expect(viewer.locator(".st-key-work_all_csv button")).to_be_visible(timeout=WAIT)
    settled(viewer)
    assert "share" not in viewer.url
    assert viewer.url.startswith(f"{address}/replenishment")
    assert metrics(viewer)[:2] == numbers[:2]
    assert rows(viewer, "work_all_csv") == theirs
    for name in ("Approve", "Undo", "Share", "Snooze", "Note"):
        expect(viewer.get_by_role("button", name=re.compile(f"^{name}"))).to_have_count(0)
    for name in ("Import", "Scenarios", "Share"):
        expect(viewer.get_by_role("link", name=name, exact=True)).to_have_count(0)
    assert faults_of(viewer) == []

    to(planner, "Share")
    table = planner.locator(".st-key-links canvas").first
    table.click(position={"x": 20, "y": 50}, force=True)
    settled(planner)
    planner.get_by_role("button", name=re.compile("^Withdraw")).click()
    settled(planner)
    viewer.get_by_role("link", name="Allocation", exact=True).first.click()
    expect(viewer.get_by_role("heading", name="Nothing to see here")).to_be_visible(timeout=WAIT)
    expect(viewer.get_by_text("SKU-")).to_have_count(0)
    viewer.goto(full)
    expect(viewer.get_by_role("heading", name="Nothing to see here")).to_be_visible(timeout=WAIT)
    assert full.partition("share=")[2] not in log.read_text(errors="replace")
    assert WORDS not in log.read_text(errors="replace")


def test_with_costs_hidden_none_is_on_a_page_in_a_hover_or_in_a_download(people, hosted):
    planner, viewer = people
    sign_in(planner, hosted[0])
    bare = share(planner, hide=True)
    viewer.goto(bare)
    expect(viewer.get_by_text("without costs and prices")).to_be_visible(timeout=WAIT)
    for name in ("Overview", "Replenishment", "Allocation", "Item", "Forecast", "Service & safety stock"):
        to(viewer, name)
        assert not MONEY.search(viewer.locator("[data-testid=stMain]").inner_text()), name
        if name != "Overview":
            # What stands on the Overview's chart is money alone.
            expect(viewer.locator(".js-plotly-plot").first).to_be_visible(timeout=WAIT)
        hovers = viewer.evaluate(HOVERS)
        assert name == "Overview" or json.loads(hovers)
        assert not MONEY.search(hovers), name
    to(viewer, "Replenishment")
    told = rows(viewer, "work_all_csv")
    assert told
    assert not {"order_value", "lost_margin", "excess_value", "stake_value", "value"} & set(told[0])


def test_a_comparison_is_tried_shared_and_seen_to_the_last_digit(people, hosted):
    planner, viewer = people
    sign_in(planner, hosted[0])
    to(planner, "Scenarios")
    for name in ("Demand 20 % up", "Service 98 % for all"):
        planner.get_by_role("button", name=name).click()
        expect(planner.locator("strong", has_text=name).first).to_be_visible(timeout=WAIT)
        settled(planner)
    planner.get_by_role("button", name="Share this scenario").click()
    dialog = planner.get_by_role("dialog")
    expect(dialog.get_by_text("All 3 plans side by side")).to_be_visible(timeout=WAIT)
    settled(planner)
    dialog.get_by_text("Hide costs and prices").click()
    settled(planner)
    dialog.get_by_role("button", name="Make the link").click()
    expect(dialog.locator("code")).to_be_visible(timeout=WAIT)
    address = dialog.locator("code").inner_text().replace("\n", "")
    dialog.get_by_role("button", name="Close").click()
    settled(planner)
    theirs, numbers = rows(planner, "scenario_measures_all_csv"), metrics(planner)
    assert len(theirs) == 3 * 12

    viewer.goto(address)
    expect(viewer.get_by_role("heading", name="Scenarios", exact=True)).to_be_visible(timeout=WAIT)
    expect(viewer.get_by_text("Read only")).to_be_visible(timeout=WAIT)
    expect(viewer.locator(".st-key-scenario_measures_all_csv button")).to_be_visible(timeout=WAIT)
    settled(viewer)
    assert metrics(viewer) == numbers
    assert rows(viewer, "scenario_measures_all_csv") == theirs
    for name in ("Adopt", "Keep", "Plan with it", "Share", "Write a scenario"):
        expect(viewer.get_by_role("button", name=re.compile(f"^{name}"))).to_have_count(0)
    assert viewer.get_by_text("Demand 20 % down").count() == 0
    assert faults_of(viewer) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_sign_in_and_view_fit_a_telephone(browser, hosted, people, scheme):
    planner, _ = people
    sign_in(planner, hosted[0])
    link = share(planner, hide=True)
    context = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme=scheme)
    phone = context.new_page()
    for address in (hosted[0], link):
        phone.goto(address)
        settled(phone)
        assert phone.evaluate("document.scrollingElement.scrollWidth") <= 390
        assert faults_of(phone) == []
    context.close()
