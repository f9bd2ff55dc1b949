"""Markup and formulas in everything that people name: no script runs, nothing is fetched, no cell is a formula."""

import json
import re
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from playwright.sync_api import Page, expect

from data import passphrase, service
from tests import wire
from tests.browser import hostile
from tests.browser.hostile import PAYLOADS
from tests.browser.test_journey import WAIT, settled

pytestmark = pytest.mark.browser

WORDS = "seven quiet boats at noon"
SET = "set=" + quote(json.dumps({"library_fits": 0}))
DATA = re.compile(r"all_data$")
"""The data themselves are told to the letter, for programs."""
DONE = """() => ({
    hit: window.hit ?? null,
    odd: [...document.querySelectorAll(
        '[onerror],[onload],[onclick],iframe,[href^="javascript"],[href*="evil"]:not([href^="#"]),[src*="evil"],[src*="pwned"]'
    )].map(e => e.outerHTML.slice(0, 200)),
    run: [...document.querySelectorAll('script,style')].map(e => e.textContent)
        .filter(text => /window\\.hit|evil/.test(text)),
})"""
UNFOLD = """() => document.querySelectorAll('[data-testid=stMain] details:not([open]) > summary').forEach(
    summary => summary.checkVisibility() && summary.click())"""
NOTHING = {"hit": None, "odd": [], "run": []}


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    """The hostile company in a home of its own."""
    home = tmp_path_factory.mktemp("hostile")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STOCKCAST_HOME", str(home))
        for name in ("STOCKCAST_CATALOG", "STOCKCAST_WORKSPACE"):
            patch.delenv(name, raising=False)
        made = hostile.build()
        made.home = home
        yield made


@pytest.fixture(scope="module")
def hosted(company):
    with wire.server(company.home, "hosted", STOCKCAST_PASSPHRASE_HASH=passphrase.hashed(WORDS)) as (address, _):
        yield address


@pytest.fixture(scope="module")
def local(company):
    with wire.server(company.home, "local") as (address, _):
        yield address


@pytest.fixture
def watched(browser):
    """Makes pages on which nothing may happen that a payload asked for."""
    faults, contexts = [], []

    def open_page(address: str) -> Page:
        context = browser.new_context(viewport={"width": 1360, "height": 1000}, accept_downloads=True)
        contexts.append(context)
        page = context.new_page()
        own = (address, address.replace("http", "ws"), "data:", "blob:", "about:")
        page.on("pageerror", lambda error: faults.append(f"page error: {error}"))
        page.on("dialog", lambda dialog: (faults.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on(
            "request",
            lambda r: (
                (r.url.startswith(own) and "pwned" not in urlsplit(r.url).path) or faults.append(f"asked for {r.url}")
            ),
        )
        # Streamlit feels its way to the server from a page's own address, which is answered by 404.
        page.on(
            "console",
            lambda told: (
                told.type == "error" and "status of 404" not in told.text and faults.append(f"console: {told.text}")
            ),
        )
        context.on("page", lambda other: other is page or faults.append(f"opened {other.url}"))
        return page

    yield open_page
    for context in contexts:
        for page in context.pages:
            assert page.locator("[data-testid=stException]").count() == 0
        context.close()
    assert faults == []


def look(page: Page) -> None:
    """Look at a page as it stands, open what is folded, and point at its charts."""
    assert page.evaluate(DONE) == NOTHING, page.url
    page.evaluate(UNFOLD)
    for chart in page.locator(".js-plotly-plot .draglayer .nsewdrag").all()[:2]:
        if chart.is_visible():
            chart.hover(force=True)
    page.wait_for_timeout(150)
    assert page.evaluate(DONE) == NOTHING, page.url


def walk(page: Page) -> int:
    """Look at a page and each of its tabs; return how often was looked."""
    look(page)
    tabs = page.locator("[data-testid=stMain] [role=tab]")
    for n in range(1, tabs.count()):
        tabs.nth(n).click()
        settled(page)
        look(page)
    return max(tabs.count(), 1)


def everywhere(page: Page) -> int:
    """Walk through every page that the navigation offers."""
    links = page.get_by_test_id("stSidebarNavLink")
    looked = 0
    for n in range(links.count()):
        links.nth(n).click()
        settled(page)
        looked += walk(page)
    return looked


def sign_in(page: Page, address: str) -> None:
    page.goto(f"{address}/?{SET}")
    page.get_by_role("textbox", name="Your name").fill(PAYLOADS[1][:80])
    page.get_by_label("Passphrase", exact=True).fill(WORDS)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("Orders due today")).to_be_visible(timeout=WAIT)
    settled(page)


def test_no_name_runs_on_any_page_of_a_planner(hosted, watched):
    page = watched(hosted)
    sign_in(page, hosted)
    assert everywhere(page) >= 20
    # The page of scenarios with three of them beside today's plan, and the dialog that shares it.
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Scenarios").click()
    settled(page)
    for _ in range(2):
        page.locator(".st-key-scenario_beside input").click()
        page.get_by_role("option").filter(has_text="window.hit").first.click()
        settled(page)
    page.keyboard.press("Escape")
    walk(page)
    for name in ("Notes", "Versions"):
        page.locator(".st-key-scenario_actions").get_by_role("button", name=name).click()
        settled(page)
        look(page)
        page.keyboard.press("Escape")
    page.get_by_role("button", name=re.compile("^Share")).first.click()
    settled(page)
    look(page)


def test_no_name_runs_on_the_page_of_its_item_nor_out_of_an_address(hosted, watched):
    page = watched(hosted)
    sign_in(page, hosted)
    for n, name in list(enumerate(PAYLOADS))[:15]:
        page.goto(f"{hosted}/item?{SET}&item={quote(name)}&at={quote(hostile.place_of(n))}&search={quote(name)}")
        expect(page.get_by_role("heading", name="Item", exact=True)).to_be_visible(timeout=WAIT)
        settled(page)
        look(page)


def test_no_name_runs_where_a_link_is_looked_at(company, hosted, watched):
    page = watched(hosted)
    made = service.make_link(
        company.who, company.snapshot, company.plan, scenario=PAYLOADS[7], name=PAYLOADS[1][:80], hide_costs=False
    )
    page.goto(f"{hosted}/?share={made.token}")
    expect(page.get_by_text("Read only")).to_be_visible(timeout=WAIT)
    settled(page)
    assert everywhere(page) >= 14


def test_no_name_of_a_file_runs_where_files_are_brought(local, watched):
    page = watched(local)
    page.goto(f"{local}/import_data?{SET}")
    settled(page)
    files = hostile.files()
    given = [{"name": n, "mimeType": "text/csv", "buffer": c} for some in files.values() for n, c in some.items()]
    page.locator(".st-key-drop_0 input[type=file]").set_input_files(given)
    expect(page.locator("[class*=st-key-file_]").first).to_be_visible(timeout=WAIT)
    settled(page)
    look(page)
    page.get_by_role("button", name="Check the files").click()
    expect(page.get_by_role("heading", name="What the files hold")).to_be_visible(timeout=WAIT)
    settled(page)
    look(page)
    assert everywhere(page) >= 20


def visits(tab: wire.Tab, query: str):
    """Each page and tab in turn; two scenarios stand beside today's plan."""
    for page in list(tab.pages):
        tab.go(page, query)
        if page == "scenarios":
            tab.run(tab.choices("scenario_beside", *PAYLOADS[:2]))
        yield page, ""
        for whose, name in list(tab.tabs()):
            tab.open(whose, name)
            yield page, name


def every_file(tab: wire.Tab, query: str = "") -> dict[str, bytes]:
    """All that a visitor can take along, by page, tab and button."""
    taken = {}
    for page, name in visits(tab, query):
        assert tab.faults == 0, (page, name)
        for button in tab.downloads():
            taken[f"{page}/{name}/{button.split('-', 2)[2]}"] = tab.take(button)
    return taken


def judged(taken: dict[str, bytes]) -> list[str]:
    """The formulas in files for people."""
    tables = {n: f for n, f in taken.items() if not DATA.search(n) and not n.endswith("report_html")}
    return [fault for name, file in tables.items() for fault in hostile.formulas_of(file, name)]


def test_no_cell_of_any_file_is_a_formula(company, hosted, watched, tmp_path):
    token = service.make_link(company.who, company.snapshot, company.plan, hide_costs=False).token
    with wire.Tab(hosted, query=SET, keep=True) as planner, wire.Tab(hosted, query=f"share={token}") as viewer:
        wire.sign_in(planner, WORDS)
        mine, theirs = every_file(planner, SET), every_file(viewer)
        assert judged(mine) == judged(theirs) == []
        assert len(mine) >= 30
        assert len(theirs) >= 14
        # What is judged holds them all: else nothing was shown.
        assert [name for name in PAYLOADS if not planner.received(name)] == []
    reports = [file for name, file in mine.items() if name.endswith("report_html")]
    assert reports
    for n, file in enumerate(reports):
        path = Path(tmp_path / f"report_{n}.html")
        path.write_bytes(file)
        page = watched(path.as_uri())
        page.goto(path.as_uri())
        expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible(timeout=WAIT)
        found = page.evaluate(DONE)
        assert (found["hit"], found["odd"]) == (None, [])


def test_no_cell_is_a_formula_of_orders_of_each_plan_templates_and_rows_to_correct(company):
    files = {"template": service.template()}
    for excel in (False, True):
        for n, plan_id in enumerate(company.plans[:3]):
            files[f"orders {n} {excel}"] = service.orders_out(company.who, plan_id, excel=excel).payload
        out = service.transfers_out(company.who, company.snapshot, hostile.AS_OF, name=PAYLOADS[15], excel=excel)
        files[f"transfers {excel}"] = out.payload
    rows = [["date", "item_id", "location_id", "quantity"], ["2026-05-01", "TEA", "S1", 4]]
    broken = hostile.csv_of([*rows, *([name, name, name, name] for name in PAYLOADS)])
    source = service.Source("=1+1.csv", broken)
    read = service.preview_import({"sales": [source]})
    assert len(read.rejected) >= len(PAYLOADS)
    rows = service.rows_to_correct([source], read.rejected)
    for name, frame in rows.items():
        files[f"correct {name}"] = service.corrections_csv(frame)
    files["correct"] = service.corrections_workbook(rows)
    assert judged(files) == []
    # A formula would be found.
    assert hostile.formulas_of(b"a,b\n=1+1,2\n") == [": =1+1"]
