"""A reload keeps who is in, by a cookie that no script reads; signing out and withdrawing end it in every tab."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.test_journey import WAIT, settled
from tests.browser.test_share_journey import hosted, people, share, sign_in, to  # noqa: F401

pytestmark = pytest.mark.browser


def cookie_of(page) -> dict:
    """The session's cookie, once the page has fetched it."""
    for _ in range(50):
        found = [one for one in page.context.cookies() if one["name"] == "stockcast"]
        if found:
            return found[0]
        page.wait_for_timeout(100)
    pytest.fail("the browser has no cookie")


def test_a_reload_keeps_the_planner_until_he_signs_out_in_any_tab(people, hosted):  # noqa: F811
    planner, stranger = people
    address, log = hosted
    sign_in(planner, address)
    kept = cookie_of(planner)
    assert (kept["httpOnly"], kept["sameSite"], kept["path"]) == (True, "Strict", "/")
    assert "stockcast" not in planner.evaluate("document.cookie")
    planner.reload()
    expect(planner.get_by_text("Orders due today")).to_be_visible(timeout=WAIT)
    settled(planner)
    expect(planner.get_by_text("Kim", exact=True)).to_be_visible()

    other = planner.context.new_page()
    other.goto(f"{address}/replenishment")
    expect(other.get_by_text("A normal order cannot save")).to_be_visible(timeout=WAIT)
    settled(other)
    stranger.goto(f"{address}/replenishment")
    expect(stranger.get_by_role("heading", name="Sign in")).to_be_visible(timeout=WAIT)

    other.get_by_role("button", name="Sign out").click()
    expect(other.get_by_role("heading", name="Sign in")).to_be_visible(timeout=WAIT)
    planner.get_by_role("link", name="Allocation", exact=True).first.click()
    expect(planner.get_by_text("Your sign-in ended")).to_be_visible(timeout=WAIT)
    expect(planner.get_by_text("SKU-")).to_have_count(0)
    for page in (planner, other):
        page.reload()
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible(timeout=WAIT)
    # The old token again, as if it had been copied: it is worth nothing any more.
    planner.context.add_cookies([{**kept, "url": None} if "domain" not in kept else kept])
    planner.reload()
    expect(planner.get_by_role("heading", name="Sign in")).to_be_visible(timeout=WAIT)
    assert kept["value"] not in log.read_text(errors="replace")


def test_a_reload_keeps_a_viewer_on_his_link_in_his_browser_alone(people, hosted):  # noqa: F811
    planner, viewer = people
    address, log = hosted
    sign_in(planner, address)
    to(planner, "Replenishment")
    link = share(planner, hide=True)
    viewer.goto(link)
    expect(viewer.get_by_text("Read only")).to_be_visible(timeout=WAIT)
    settled(viewer)
    kept = cookie_of(viewer)
    to(viewer, "Allocation")
    assert re.search(r"[?&]link=[0-9a-f]{12}\b", viewer.url)
    assert link.partition("share=")[2] not in viewer.url
    viewer.reload()
    expect(viewer.get_by_text("Read only")).to_be_visible(timeout=WAIT)
    expect(viewer.get_by_role("heading", name="Allocation", exact=True)).to_be_visible(timeout=WAIT)

    # A planner who looks at the link in a second tab stays a planner in the first.
    second = planner.context.new_page()
    second.goto(link)
    expect(second.get_by_text("Read only")).to_be_visible(timeout=WAIT)
    settled(second)
    planner.reload()
    expect(planner.get_by_role("button", name="Share", exact=True)).to_be_visible(timeout=WAIT)
    second.reload()
    expect(second.get_by_text("Read only")).to_be_visible(timeout=WAIT)

    # The address alone, in a browser that never opened the link, opens nothing.
    context = planner.context.browser.new_context()
    stranger = context.new_page()
    stranger.goto(viewer.url)
    expect(stranger.get_by_role("heading", name="Sign in")).to_be_visible(timeout=WAIT)
    context.close()

    to(planner, "Share")
    planner.locator(".st-key-links canvas").first.click(position={"x": 20, "y": 50}, force=True)
    settled(planner)
    planner.get_by_role("button", name=re.compile("^Withdraw")).click()
    settled(planner)
    viewer.reload()
    expect(viewer.get_by_role("heading", name="Nothing to see here")).to_be_visible(timeout=WAIT)
    expect(viewer.get_by_text("SKU-")).to_have_count(0)
    assert kept["value"] not in log.read_text(errors="replace")
