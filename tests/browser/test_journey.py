"""A person's first visit: two files of a foreign shop in, an order out."""

import csv
import io
import json
import re
from datetime import date, timedelta
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import READY

pytestmark = pytest.mark.browser

AS_OF = date(2026, 5, 4)
ITEMS = ("00012", "=1+1", "Ü/7 <b>x</b>")
ON_HAND = {"00012": 40, "=1+1": 40, "Ü/7 <b>x</b>": 5000}
WAIT = 120_000


def shop_sales() -> bytes:
    """Half a year of ten units a day of each item, as a shop abroad writes it: semicolons, day first."""
    lines = ["Date;SKU;Qty"]
    for n in range(182, 0, -1):
        day = AS_OF - timedelta(days=n)
        lines += [f"{day:%d.%m.%Y};{item};10" for item in ITEMS]
    return "\n".join(lines).encode()


def shop_stock() -> bytes:
    lines = ["item_id,on_hand,as_of", *(f"{item},{held},{AS_OF}" for item, held in ON_HAND.items())]
    return "\n".join(lines).encode()


def settled(page: Page) -> None:
    # A run begins a moment after what sets it off.
    page.wait_for_timeout(400)
    expect(page.locator(READY)).to_be_visible(timeout=WAIT)


def click(page: Page, name: str) -> None:
    page.get_by_role("button", name=name).click()
    settled(page)


def bring(page: Page, files: dict[str, bytes]) -> None:
    """Drop files all at once, as a person does, and wait until each was understood."""
    uploader = page.locator(".st-key-drop_0 input[type=file]")
    uploader.set_input_files([{"name": n, "mimeType": "text/csv", "buffer": content} for n, content in files.items()])
    for name in files:
        expect(page.locator("[class*=st-key-file_]").get_by_text(name)).to_be_visible(timeout=WAIT)
    settled(page)


def downloaded(page: Page, key: str) -> list[dict[str, str]]:
    with page.expect_download(timeout=WAIT) as download:
        page.locator(f".st-key-{key} button").click()
    with open(download.value.path(), encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(io.StringIO(file.read())))


def test_a_foreign_shop_reads_its_first_order(page, server):
    # A page's own address, before the router has run once: it opens there all the same.
    page.goto(f"{server}/import_data?set={quote(json.dumps({'lead_time_sd_fraction': 0}))}")
    settled(page)
    bring(page, {"verkauf.csv": shop_sales(), "bestand.csv": shop_stock()})
    click(page, "Check the files")
    expect(page.get_by_text("Every row was accepted")).to_be_visible(timeout=WAIT)
    click(page, "Use these data")
    expect(page.get_by_text("Your data are in use")).to_be_visible(timeout=WAIT)
    click(page, "See the plan")
    expect(page.get_by_text("Orders due today")).to_be_visible(timeout=WAIT)
    expect(page.get_by_text("Sample company")).to_have_count(0)

    page.get_by_role("link", name="Replenishment", exact=True).first.click()
    settled(page)
    expect(page.get_by_role("heading", name="Replenishment")).to_be_visible(timeout=WAIT)
    rows = {row["item_id"]: row for row in downloaded(page, "work_all_csv")}
    # Demand 10 a day for certain, lead time 14, review 7, 40 on hand: the shelf is empty when the order arrives,
    # and 7 days of 10 are to be covered.
    assert float(rows["00012"]["order_quantity"]) == 70
    assert float(rows["'=1+1"]["order_quantity"]) == 70
    # Nothing is to be done for it: it is no work.
    assert "Ü/7 <b>x</b>" not in rows


# Faults of Streamlit's own navigation, uploader and sparklines, which no page can mend.
NOT_OURS = {"list", "listitem", "presentation-role-conflict", "svg-img-alt"}


def faults_of(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [f"{v['id']}: {node['html'][:120]}" for v in found if v["id"] not in NOT_OURS for node in v["nodes"]]


@pytest.mark.parametrize("path", ["", "import_data"])
def test_a_page_of_the_sample_company_is_accessible(page, server, path):
    page.goto(f"{server}/{path}")
    settled(page)
    expect(page.get_by_text("Sample company").first).to_be_visible(timeout=WAIT)
    if not path:
        expect(page.get_by_text("Orders due today")).to_be_visible(timeout=WAIT)
    settled(page)
    assert faults_of(page) == []


def test_a_row_of_the_work_list_leads_to_its_item_and_filters_come_along(page, server):
    page.goto(f"{server}/?abc=A&location=ST-01")
    expect(page.get_by_role("heading", name="Work list")).to_be_visible(timeout=WAIT)
    settled(page)
    page.get_by_text(re.compile("lines? in a table")).click()
    settled(page)
    table = page.locator(".st-key-work canvas").first
    table.scroll_into_view_if_needed()
    table.click(position={"x": 20, "y": 50}, force=True)
    expect(page.get_by_role("heading", name="Item", exact=True)).to_be_visible(timeout=WAIT)
    settled(page)
    expect(page).to_have_url(re.compile("abc=A"))
    address = parse_qs(urlsplit(page.url).query)
    assert address["at"] == ["ST-01"]
    assert address["item"]
    page.go_back()
    expect(page.get_by_role("heading", name="Overview", exact=True)).to_be_visible(timeout=WAIT)
    settled(page)
    expect(page).to_have_url(re.compile("location=ST-01"))


def test_a_newcomer_finds_five_items_why_and_their_action_on_the_first_screen_and_undoes_one(page, server):
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(server)
    expect(page.get_by_role("heading", name="Work list")).to_be_visible(timeout=WAIT)
    settled(page)
    # A button with a hint stands twice in the page, for a mouse and for a finger.
    actions = page.locator("[class*=st-key-do_] button:visible")
    expect(actions).to_have_count(5)
    for n in range(5):
        expect(actions.nth(n)).to_be_in_viewport(ratio=0.9)
    assert page.get_by_text(re.compile("^Runs out ")).count() == 5
    first = actions.first.inner_text()
    actions.first.click()
    settled(page)
    expect(page.get_by_text(re.compile("approved$"))).to_be_visible(timeout=WAIT)
    assert actions.first.inner_text() != first
    click(page, "Undo")
    assert actions.first.inner_text() == first


def test_on_a_small_screen_nothing_scrolls_sideways_and_a_figure_opens(page, server):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(server)
    expect(page.get_by_role("heading", name="Key figures")).to_be_visible(timeout=WAIT)
    settled(page)
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 390
    page.locator(".st-key-kpi_stock_value button").click()
    expect(page.get_by_role("dialog").get_by_text("How it is made up")).to_be_visible(timeout=WAIT)
    settled(page)
    assert faults_of(page) == []
