"""200 hostile query strings against a running server: no traceback, nothing told, nothing changed."""

from itertools import product
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from data import passphrase
from tests import wire
from tests.browser.conftest import READY
from tests.browser.test_journey import WAIT, settled

pytestmark = pytest.mark.browser

WORDS = "seven quiet boats at noon"
NAMES = ("set", "as_of", "item", "search", "abc", "location", "level", "share", "link", "unknown")
VALUES = (
    "1e999", "-1", "NaN", "null", "<script>alert(1)</script>", "'; DROP TABLE links;--", "![](http://evil.invalid/x)",
    "../../../etc/passwd", "=1+1", "%s%n{0}", "{{7*7}}", "\N{RIGHT-TO-LEFT OVERRIDE}x", "A" * 100_000, "[" * 5_000,
    '{"service_target":1e999}', '{"__class__":"os.system"}',
)  # fmt: skip
RAW = (
    "search=%ff%fe", "search=%ED%A0%80", "item=%00&at=%00", "%", "%zz=%zz", "&&&&&&", "====", "?" * 200,
    ";".join("abc" * 9),
    "&".join(["abc=A"] * 2_000), "&".join(f"k{n}={n}" for n in range(3_000)), "abc=A&abc=<b>&abc=%27", "share",
    "share=&share=", "&".join(f"share={'x' * 43}" for _ in range(50)), "share=" + "x" * 43 + "&link=1", "SHARE=1",
    "share[]=1", "share=%00" * 9, "share=" + "A" * 100_000, "set={}&set=[]", "set=" + quote('{"budget":-1}'),
    "set=" + quote('{"horizon_days":1' + "0" * 300 + "}"), "set=" + quote('{"service_target":"0.95; DROP"}'),
    "set=" + quote('{"what_if":[{"kind":"demand","factor":1e999}]}'), "set=" + quote('{"what_if":[{"kind":"x"}]}'),
    "set=" + quote('{"currency":"' + "€" * 900 + '"}'), "set=" + quote('{"seed":1e400}'), "as_of=9999-12-31",
    "as_of=0001-01-01", "as_of=2026-02-30", "as_of=20261116T00:00:00%2B99:99", "level=line&of=" + "x" * 5_000,
    "level=item&of=<script>", "item=__proto__&at=constructor", "embed=true&embed_options=<script>", "_stcore=1",
    "stcore/stream=1", "page=../../app", "session_id=1&st_session=2", "snapshot=0&workspace=main", "__init__=1&self=2",
    "\ud7ff=\ue000", "\U0010ffff=\u202e",
)  # fmt: skip
QUERIES = (*(f"{name}={quote(value)}" for name, value in product(NAMES, VALUES)), *RAW)
TOLD = ("Traceback", 'File "', "site-packages", "sqlalchemy", "root:x:0:0")


def test_there_are_two_hundred():
    assert len(set(QUERIES)) >= 200


def kept(home: Path) -> set[tuple[str, int]]:
    """The files of the workspaces, but for what notes when they were used."""
    names = (
        path for path in home.rglob("*") if path.is_file() and not path.name.startswith(("server-", "catalog.sqlite"))
    )
    return {(str(path.relative_to(home)), path.stat().st_size) for path in names}


def attack(tab: wire.Tab, pages: list[str], *, stands: str, back: str = "") -> None:
    """Open each address on each page in turn; what stands on the page must be there again when all is over."""
    for n, query in enumerate(QUERIES):
        tab.frames.clear()
        tab.go(pages[n % len(pages)], query)
        assert tab.faults == 0, query[:80]
        assert tab.seen, query[:80]
        # What the address said is said again by the address alone.
        assert not [word for word in TOLD if word not in query and tab.received(word)], query[:80]
        if tab.received("Nothing to see here"):
            tab.press(tab.named(back))
    tab.frames.clear()
    tab.go(pages[0], "abc=")
    assert tab.received(stands)


def test_a_planner_of_a_local_server_is_not_harmed(tmp_path):
    with wire.server(tmp_path, "local") as (address, process), wire.Tab(address, keep=True) as tab:
        tab.go("service")
        assert tab.received("against a target of 95.0")
        before = kept(tmp_path)
        attack(tab, ["service", "", "item", "import_data"], stands="against a target of 95.0", back="Go to Stockcast")
        assert kept(tmp_path) == before
        assert process.poll() is None


def test_a_stranger_at_a_hosted_server_is_told_nothing(tmp_path):
    secret = passphrase.hashed(WORDS)
    with wire.server(tmp_path, "hosted", STOCKCAST_PASSPHRASE_HASH=secret) as (address, process):
        with wire.Tab(address) as planner, wire.Tab(address, keep=True) as tab:
            wire.sign_in(planner, WORDS)
            before = kept(tmp_path)
            pages = sorted(tab.pages)
            for n, query in enumerate(QUERIES):
                tab.frames.clear()
                tab.go(pages[n % len(pages)], query)
                assert tab.faults == 0, query[:80]
                assert tab.received("Sign in") or tab.received("Nothing to see here"), query[:80]
                assert not [word for word in ("SKU-", "SUP-", *TOLD) if word not in query and tab.received(word)]
                if tab.received("Nothing to see here"):
                    tab.press(tab.named("To the sign-in"))
            assert kept(tmp_path) == before
            planner.go("service")
            assert planner.faults == 0
        assert process.poll() is None


def test_a_browser_opens_them_without_an_error(page, server):
    for query in (
        "search=%ff%fe", "item=%00&at=%00", "%", "abc=A&abc=<b>&abc=%27", "as_of=9999-12-31",
        "set=" + quote("[" * 3_000), "set=" + quote('{"service_target":1e999}'), "share=" + "x" * 43,
        "search=" + quote("<img src=/pwned onerror=alert(1)>"),
        "level=item&of=" + quote("<script>alert(1)</script>"), "search=" + "A" * 20_000, "item=1e999&at=1e999",
    ):  # fmt: skip
        page.goto(f"{server}/?{query}")
        expect(page.locator(READY)).to_be_visible(timeout=WAIT)
        settled(page)
        expect(page.locator("[data-testid=stException]")).to_have_count(0)
        expect(page.locator("[data-testid=stMain]").get_by_role("heading").first).to_be_visible(timeout=WAIT)
        assert "Traceback" not in page.locator("body").inner_text()
