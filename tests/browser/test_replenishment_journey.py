"""A planner approves the orders of one supplier, sees them leave the work list, and takes them out."""

import csv
import io
import zipfile

import pytest
from playwright.sync_api import expect

from tests.browser.test_journey import click, downloaded, faults_of, settled

pytestmark = pytest.mark.browser

WAIT = 60_000
SUPPLIER = "SUP-HOME"


def tab(page, name: str) -> None:
    page.get_by_role("tab", name=name, exact=True).click()
    settled(page)


def button(page, key: str):
    # One with a help text stands there twice, once for fingers.
    return page.locator(f".st-key-{key} button").locator("visible=true")


def to_order(page) -> set[tuple[str, str]]:
    """The lines of the work list that are to be ordered."""
    rows = downloaded(page, "work_all_csv")
    return {(row["item_id"], row["location_id"]) for row in rows if float(row["order_quantity"] or 0) > 0}


def test_the_orders_of_a_supplier_are_approved_leave_the_list_and_are_taken_out(page, server):
    page.goto(f"{server}/replenishment?supplier={SUPPLIER}")
    expect(page.get_by_role("heading", name="Replenishment")).to_be_visible(timeout=WAIT)
    expect(button(page, "work_approve")).to_be_visible(timeout=WAIT)
    wanted = to_order(page)
    assert wanted

    tab(page, "Orders")
    button(page, "order_approve").click()
    settled(page)
    expect(page.get_by_text("approved and open")).to_be_visible(timeout=WAIT)
    expect(button(page, "order_approve")).to_be_disabled()

    tab(page, "Today")
    # Where nothing else calls for action the list itself is gone.
    left = to_order(page) if button(page, "work_all_csv").count() else set()
    assert not wanted & left

    tab(page, "Orders")
    with page.expect_download(timeout=WAIT) as download:
        button(page, "approved_zip").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        texts = [archive.read(name).decode("utf-8-sig") for name in archive.namelist()]
    lines = [row for text in texts for row in csv.DictReader(io.StringIO(text))]
    assert {(row["item_id"], row["location_id"]) for row in lines} == wanted
    assert {row["supplier_id"] for row in lines} == {SUPPLIER}
    assert all(row["order_number"].startswith("PO-2026-") for row in lines)

    # What is out stands: it is told as such, and no longer taken back.
    tab(page, "Changes")
    tab(page, "Orders")
    expect(button(page, "order_unapprove")).to_be_disabled()


def test_an_approval_is_undone_with_one_click(page, server):
    page.goto(f"{server}/replenishment?supplier={SUPPLIER}")
    expect(button(page, "work_approve")).to_be_visible(timeout=WAIT)
    before = to_order(page)
    button(page, "work_approve").click()
    settled(page)
    tab(page, "Orders")
    expect(page.get_by_text("approved and open")).to_be_visible(timeout=WAIT)
    click(page, "Undo")
    tab(page, "Today")
    assert to_order(page) == before


@pytest.mark.parametrize("width", [1360, 390])
def test_every_tab_is_accessible_and_fits(page, server, width):
    page.set_viewport_size({"width": width, "height": 1000})
    page.goto(f"{server}/replenishment?set=%7B%22budget%22%3A5000%7D")
    expect(button(page, "work_approve")).to_be_visible(timeout=WAIT)
    for name in ("Today", "By week", "Exceptions", "Orders", "Changes"):
        tab(page, name)
        assert faults_of(page) == [], name
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
