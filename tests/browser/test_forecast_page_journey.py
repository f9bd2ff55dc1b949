"""A planner looks at the demand of a line, corrects it on a telephone, and takes it back."""

import pytest
from playwright.sync_api import expect

from tests.browser.test_journey import click, faults_of, settled

pytestmark = pytest.mark.browser

WAIT = 40_000


def fill(page, key: str, text: str) -> None:
    field = page.locator(f".st-key-{key} input")
    field.fill(text)
    field.press("Tab")
    settled(page)


def test_a_line_is_opened_corrected_and_left_as_it_was(page, server):
    page.goto(f"{server}/forecast")
    expect(page.get_by_role("heading", name="Expected demand: all")).to_be_visible(timeout=WAIT)
    table = page.locator(".st-key-lines [data-testid=stDataFrame]")
    table.scroll_into_view_if_needed()
    # Cells are painted: the box at the left of the first row chooses it.
    table.click(position={"x": 14, "y": 55})
    expect(page.get_by_role("heading", name=" at ")).to_be_visible(timeout=WAIT)
    assert "level=line" in page.url

    page.set_viewport_size({"width": 390, "height": 844})
    click(page, "Correct it")
    save = page.get_by_role("button", name="Correct the forecast")
    expect(save).to_be_visible(timeout=WAIT)
    fill(page, "correct_value_percent", "25")
    expect(page.get_by_text("would become")).to_be_visible(timeout=WAIT)
    fill(page, "correct_reason", "a fair in town")
    save.click()
    settled(page)
    expect(page.get_by_text("Kept.")).to_be_visible(timeout=WAIT)
    click(page, "Undo")
    expect(page.get_by_text("the plan stands on the statistical forecast alone")).to_be_visible(timeout=WAIT)


def test_the_form_of_a_correction_stands_above_the_fold_of_a_telephone(page, server):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{server}/forecast")
    settled(page)
    page.get_by_role("tab", name="Corrections").click()
    settled(page)
    save = page.get_by_role("button", name="Correct the forecast")
    expect(save).to_be_in_viewport(timeout=WAIT)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_every_tab_is_accessible(page, server):
    page.goto(f"{server}/forecast?level=category")
    expect(page.get_by_role("heading", name="Expected demand")).to_be_visible(timeout=WAIT)
    for tab in ("Forecast", "Accuracy", "Corrections", "Events", "Settings"):
        page.get_by_role("tab", name=tab, exact=True).click()
        settled(page)
        assert faults_of(page) == [], tab
