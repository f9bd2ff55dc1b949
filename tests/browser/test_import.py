"""Three exports of one shop, dropped as they are: recognised, asked about what only a person knows, judged and used."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import READY
from tests.browser.test_journey import bring, click, settled

pytestmark = pytest.mark.browser

WAIT = 40_000

FIXTURES = Path(__file__).parents[1] / "data" / "fixtures"
EXPORTS = {
    "shopify_orders.csv": "Shopify orders",
    "shopify_inventory.csv": "Shopify inventory",
    "shopify_products.csv": "Shopify products",
}


def choose(page, key: str, option: str) -> None:
    page.locator(f".st-key-{key} input").click()
    page.get_by_role("option", name=option, exact=True).click()
    settled(page)


def test_three_exports_of_a_shop_become_data_in_use(page, server):
    page.goto(f"{server}/import_data")
    settled(page)
    bring(page, {name: (FIXTURES / name).read_bytes() for name in EXPORTS})
    for name in EXPORTS.values():
        expect(page.locator("[class*=st-key-file_]").get_by_text(name).first).to_be_visible(timeout=WAIT)
    expect(page.get_by_text("Personal data dropped, never stored").first).to_be_visible()
    expect(page.get_by_text("ada@example.test")).to_have_count(0)

    click(page, "Check the files")
    expect(page.get_by_role("heading", name="What the files hold")).to_be_visible(timeout=WAIT)
    # The orders name no location, and the stock lies in two: only a person knows which of them serves.
    expect(page.get_by_text("Which location serves the sales?")).to_be_visible(timeout=WAIT)
    expect(page.get_by_role("button", name="Use these data")).to_be_disabled()
    choose(page, "place_-1", "Harbour")
    expect(page.get_by_text("What would change the plan")).to_be_visible(timeout=WAIT)
    with page.expect_download(timeout=WAIT) as download:
        page.get_by_role("button", name="To correct (CSV)").click()
    assert Path(download.value.path()).read_bytes()[:2] == b"PK"

    click(page, "Use these data")
    expect(page.get_by_text("Your data are in use")).to_be_visible(timeout=WAIT)
    page.get_by_role("tab", name="Data quality").click()
    settled(page)
    expect(page.get_by_text("Quality of the data")).to_be_visible(timeout=WAIT)
    page.get_by_role("tab", name="History").click()
    settled(page)
    expect(page.get_by_text("shopify_orders.csv", exact=False).last).to_be_visible(timeout=WAIT)
    expect(page.get_by_role("button", name="Go back to this")).to_be_visible()


def test_a_tab_of_the_sample_company_shows_its_quality(page, server):
    page.goto(f"{server}/import_data")
    settled(page)
    page.get_by_role("tab", name="Data quality").click()
    expect(page.get_by_text("How suppliers deliver")).to_be_visible(timeout=WAIT)
    expect(page.locator(".st-key-lead_time_distribution .js-plotly-plot")).to_be_visible(timeout=WAIT)
    expect(page.locator(READY)).to_be_visible(timeout=WAIT)
    expect(page.get_by_text("Estimated lost demand")).to_be_visible()
