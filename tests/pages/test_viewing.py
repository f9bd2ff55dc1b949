"""Who sees what, page by page: nobody, a planner who signs in, a viewer with a link, visitors of a demo."""

import io
import re
import zipfile
from datetime import date
from types import SimpleNamespace

import pytest
import streamlit as st

from data import passphrase, service
from data.store import Workspace
from pages.components import cached, session
from pages.components.admission import VIEWED
from planning.params import Params
from tests.pages.hosting import HASH, PARAMS, WORDS, link, opened, planner, said
from tests.planning.test_limited import company
from tests.planning.test_limited import plan as plan_of

PAGES = list(VIEWED.values())
TABS = {
    "pages/replenishment.py": ("replenishment_tab", ("By week", "Exceptions", "Orders")),
    "pages/allocation.py": ("allocation_tab", ("Why so many", "Short everywhere", "Fair or best")),
    "pages/forecast.py": ("forecast_tab", ("Accuracy",)),
    "pages/service.py": ("service_tab", ("By class", "Levels")),
}
MAY_PRESS = {
    "Close this view", "Open item", "See what lies idle", "Open today's orders", "Service promised", "Red and amber",
    "Stock on hand", "Supply ahead", "To transfer today", "Back to what was shared", "Reset to defaults",
    "Clear the filters", "One target for all", "See item",
}  # fmt: skip

ALERT = ":orange[:material/"
"""How the alerts of the Overview begin, which lead to other pages."""


@pytest.fixture(autouse=True, scope="module")
def _hosted(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STOCKCAST_HOME", str(tmp_path_factory.mktemp("hosted")))
        patch.setenv("STOCKCAST_MODE", "hosted")
        patch.setenv("STOCKCAST_PASSPHRASE_HASH", HASH)
        cached.forget_all()
        yield
        cached.forget_all()


@pytest.fixture(scope="module")
def bare(_hosted):
    return link(name="Ms Lee")


@pytest.fixture(scope="module")
def full(_hosted):
    return link(hide_costs=False, trials=True, supplier=None)


def pressed(app) -> set[str]:
    return {button.label for button in app.button}


def visits():
    """Each page, and each of its further tabs."""
    for page in PAGES:
        yield page, "", ""
        key, names = TABS.get(page, ("", ()))
        yield from ((page, key, name) for name in names)


def seen(token, page, key="", tab=""):
    app = opened(token, "" if page == "pages/overview.py" else page)
    if tab:
        app.session_state[key] = tab
        app.run()
    assert not app.exception
    return app


# --- nobody, and who signs in -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", [*PAGES, "pages/import_data.py", "pages/share.py", "pages/scenarios.py"])
def test_nobody_sees_the_sign_in_and_nothing_else(page):
    app = opened("", page)
    assert not app.exception
    assert [title.value for title in app.title] == ["Sign in"]
    assert pressed(app) == {"Sign in"}
    assert not app.get("plotly_chart")
    assert not app.dataframe
    assert "SKU-" not in said(app)


def sign_in(words: str, name: str = "Kim"):
    app = opened()
    app.text_input[0].set_value(name)
    app.text_input[1].set_value(words)
    app.button[0].click()
    return app.run()


def test_a_wrong_passphrase_gets_nothing_and_the_right_one_the_workspace():
    planner()
    service.use_sample(planner())
    app = sign_in("not the passphrase at all")
    assert "not the passphrase" in app.error[0].value
    assert "SKU-" not in said(app)
    app = sign_in(WORDS, "Kim <b>*x*")
    assert not app.exception
    assert "Orders due today" in said(app)
    assert WORDS not in repr(app.session_state)
    next(button for button in app.button if button.label == "Sign out").click().run()
    assert [title.value for title in app.title] == ["Sign in"]
    assert "SKU-" not in said(app)


def test_who_guesses_too_often_is_told_to_wait_before_anything_is_looked_at(monkeypatch):
    attempts = service.Attempts()
    monkeypatch.setattr(cached, "attempts", lambda: attempts)
    looked: list[str] = []
    monkeypatch.setattr(passphrase, "matches", lambda words, _kept: looked.append(words))
    app = opened()
    for n in range(12):
        app.text_input[1].set_value(f"guess number {n}")
        app.button[0].click()
        app.run()
        assert not app.exception
    assert "too many attempts" in app.error[0].value.lower()
    assert len(looked) <= 6


# --- a viewer ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("page", "key", "tab"), list(visits()))
def test_a_viewer_finds_each_page_read_only_and_no_button_that_acts(page, key, tab, bare, full):
    for token in (bare, full):
        app = seen(token, page, key, tab)
        assert "Read only" in said(app)
        odd = {label for label in pressed(app) - MAY_PRESS if not label.startswith(("Act on", ALERT))}
        assert odd == set()
        assert "share" not in app.query_params
        assert token not in said(app)
        assert token not in repr(app.session_state)


def test_a_link_opens_on_its_page_with_its_filters_and_no_page_of_data_or_decisions():
    token = link(page="replenishment", view={"abc": ["A"], "set": ['{"service_target":0.5}']})
    app = opened(token)
    assert [title.value for title in app.title] == ["Replenishment"]
    assert app.get_by_key("filter_abc").value == ["A"]
    assert app.query_params["abc"] in ("A", ["A"])
    for page in ("pages/import_data.py", "pages/share.py", "pages/scenarios.py"):
        with pytest.raises(ValueError, match="Could not find a navigation page"):
            opened(token, page)


def test_an_address_moves_neither_date_nor_parameters_of_what_was_shared(bare):
    plain = said(opened(bare, "pages/service.py"))
    moved = opened(bare, "pages/service.py", set='{"service_target":0.5}', as_of="2020-01-01")
    assert not moved.exception
    assert "95.0 %" in plain
    assert "against a target of 95.0\u00a0%" in said(moved)


def test_a_viewer_sees_the_figures_of_the_planner_to_the_last_digit(full):
    who = planner()
    snapshot = service.use_sample(who)
    as_of = cached.default_as_of(who, snapshot)
    theirs = cached.plan(who, snapshot, as_of, Params(currency="€"))
    mine = cached.shared_plan(service.open_link("hosted", full))
    assert mine.totals == theirs.totals
    for name in ("replenishment", "orders", "policy", "allocation"):
        before, after = getattr(theirs, name), getattr(mine, name)
        assert (
            before.astype(object)
            .where(before.notna(), None)
            .reset_index(drop=True)
            .equals(after.astype(object).where(after.notna(), None))
        )


def test_a_withdrawn_link_ends_at_the_next_action_and_its_downloads_too(monkeypatch):
    makers: list = []
    real = st.download_button
    monkeypatch.setattr(
        st, "download_button", lambda label, data, *a, **k: makers.append(data) or real(label, data, *a, **k)
    )
    who = planner()
    token = link(page="replenishment")
    app = opened(token)
    assert makers
    assert makers[-1]()
    service.revoke_link(who, service.list_links(who)[0].link_id)
    with pytest.raises(service.LinkError):
        makers[-1]()
    app.run()
    assert not app.exception
    assert [title.value for title in app.title] == ["Nothing to see here"]
    assert "SKU-" not in said(app)
    assert "plan" not in repr(app.session_state)
    app.button[0].click().run()
    assert [title.value for title in app.title] == ["Sign in"]


def test_wrong_expired_and_withdrawn_links_look_the_same():
    who = planner()
    token = link()
    service.revoke_link(who, service.list_links(who)[0].link_id)
    words = {
        said(opened(told)) for told in (token, "x" * 43, " ", "1e999", token[:-1] + ("A" if token[-1] != "A" else "B"))
    }
    assert len(words) == 1


def test_a_viewer_tries_a_target_for_himself_where_the_link_says_so(full, bare):
    app = opened(full, "pages/service.py")
    before = said(app)
    app.get_by_key("param_service_target").set_value(99.0).run()
    assert not app.exception
    assert "You are trying other settings" in said(app)
    assert said(app) != before
    assert "set" not in app.query_params
    assert "You are trying" not in said(opened(full, "pages/service.py"))
    next(b for b in app.button if b.label == "Back to what was shared").click().run()
    assert "against a target of 95.0\u00a0%" in said(app)
    with pytest.raises(KeyError):
        opened(bare, "pages/service.py").get_by_key("param_service_target")


@pytest.mark.parametrize("name", ["budget", "forecast_model", "what_if", "allocation_method", "lead_time_days"])
def test_nothing_else_can_be_tried(name, full, monkeypatch):
    monkeypatch.setattr(st, "session_state", {"visitor": service.open_link("hosted", full)})
    monkeypatch.setattr(session, "_through_the_router", lambda: None)
    monkeypatch.setattr(session, "_open_link", lambda: None)
    assert not session.change_params(**{name: 1})
    assert not st.session_state.get("tried")
    assert "read only" in st.session_state["complaints"][0]


# --- costs hidden -----------------------------------------------------------------------------------------------------


def of_money(money: float, monkeypatch) -> SimpleNamespace:
    """A link to a plan whose amounts are all multiplied by `money`, and what its pages say and let take along."""
    who = planner()
    tables = company(money)
    snapshot = service.use_sample(who)
    result = plan_of(tables, budget=2777.77 * money, currency="EUR")
    assert result.as_of == date(2026, 6, 1)
    token = service.make_link(who, snapshot, result, trials=False).token
    taken: list[bytes] = []
    real = st.download_button

    def take(label, data, *args, **kwargs):
        taken.append(data() if callable(data) else data)
        return real(label, data, *args, **kwargs)

    monkeypatch.setattr(st, "download_button", take)
    told = {}
    for page, key, tab in visits():
        if page != "pages/forecast.py" or not tab:
            told[page, tab] = said(seen(token, page, key, tab))
    monkeypatch.setattr(st, "download_button", real)
    return SimpleNamespace(told=told, taken=taken)


def inside(taken: bytes) -> list[bytes]:
    """The parts of a workbook, but for the hour at which it was written; or a file as it is."""
    if not taken.startswith(b"PK"):
        return [taken]
    with zipfile.ZipFile(io.BytesIO(taken)) as archive:
        return [archive.read(name) for name in sorted(archive.namelist()) if name != "docProps/core.xml"]


CHANGING = re.compile(
    r'deferred_file_id: "[^"]*"|\b[0-9a-f]{32,64}\b|(?<=body\\": \\")[\w-]{43}|data of \d+ \w+, [\d:]{5}'
)
"""Ids, the ticket for the cookie, and the minute at which the data came."""


def test_with_costs_hidden_twice_the_money_leaves_every_page_hover_and_download_as_it_was(monkeypatch):
    # All amounts doubled change no decision: what differs on a page, in a chart's data or a file tells of money.
    one, two = (of_money(money, monkeypatch) for money in (1.0, 2.0))
    for visit, text in one.told.items():
        assert CHANGING.sub("", text) == CHANGING.sub("", two.told[visit]), visit
    files = [[part for taken in seen_.taken for part in inside(taken)] for seen_ in (one, two)]
    assert len(files[0]) >= 20
    assert files[0] == files[1]
    for text in (*one.told.values(), *(part.decode("utf-8", "replace") for part in files[0])):
        assert not re.search(r"\b3\.070*\b", text)
        assert "2,777" not in text
    assert not any(b"unit_cost" in part or b"Unit cost" in part for part in files[0])


# --- what an address may hold -----------------------------------------------------------------------------------------

NAMES = ("share", "link", "set", "as_of", "item", "at", "search", "abc", "location", "level", "of", "risk", "unknown")
HOSTILE = (
    "1e999", "NaN", "-1", "null", "[]", '{"service_target":1e999}', '{"what_if":[{"kind":"x"}]}',
    "<script>alert(1)</script>", "'; DROP TABLE links;--", "![](http://example.org/x.png)", "../../etc/passwd",
    "\x00\x00", "=1+1", "%s%n{0}", "A" * 100_000, "\N{RIGHT-TO-LEFT OVERRIDE}x", "{{7*7}}",
    '{"horizon_days":1' + "0" * 300 + "}", "[" * 5000,
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_hostile_address_has_no_effect_whoever_opens_it(name, bare):
    for value in HOSTILE:
        app = opened("", "", **{name: value})
        assert not app.exception, value[:40]
        assert pressed(app) <= {"Sign in", "To the sign-in"}
        if name != "share":
            viewer = opened(bare, "", **{name: value})
            assert not viewer.exception, value[:40]
            assert "alert(1)" not in re.sub(r'"[^"]*alert[^"]*"', "", said(viewer)) or name in ("search", "item", "at")
            assert "Traceback" not in said(viewer)


# --- a demo -----------------------------------------------------------------------------------------------------------


def test_two_visitors_of_a_demo_never_meet(monkeypatch):
    monkeypatch.setenv("STOCKCAST_MODE", "demo")
    sales = "date,item_id,quantity\n" + "".join(
        f"2026-0{3 + n // 28}-{1 + n % 28:02d},CANARY-7,{5 + n % 3}\n" for n in range(56)
    )
    mine, other = opened("", "pages/import_data.py"), opened("", "pages/import_data.py")
    mine.get_by_key("drop_0").upload("sales.csv", sales.encode())
    mine.get_by_key("drop_0").upload("stock.csv", b"item_id,on_hand,as_of\nCANARY-7,40,2026-05-01\n")
    mine.run()
    next(b for b in mine.button if b.label == "Check the files").click().run()
    next(b for b in mine.button if b.label == "Use these data").click().run()
    assert "Your data are in use" in said(mine)
    for page in (*PAGES, "pages/import_data.py", "pages/share.py"):
        other.switch_page(page).run()
        assert not other.exception
        assert "CANARY-7" not in said(other)
    private = mine.session_state["visitor"].workspace
    assert isinstance(private, Workspace)
    assert private.folder != other.session_state["visitor"].workspace.folder


@pytest.mark.parametrize("mode", ["local", "demo"])
def test_a_link_opens_read_only_beside_a_workspace_of_ones_own_too(mode, tmp_path, monkeypatch):
    monkeypatch.setenv("STOCKCAST_HOME", str(tmp_path))
    monkeypatch.setenv("STOCKCAST_MODE", mode)
    owner = opened("", "pages/service.py")
    who = owner.session_state["visitor"]
    snapshot = service.current_snapshot(who)
    shown = cached.plan(who, snapshot, cached.default_as_of(who, snapshot), PARAMS)
    token = service.make_link(who, snapshot, shown).token
    viewer = opened(token)
    assert "Read only" in said(viewer)
    assert viewer.session_state["visitor"].role == "viewer"
    next(b for b in viewer.button if b.label == "Close this view").click().run()
    assert not viewer.exception
    assert viewer.session_state["visitor"].role == "planner"
    assert "Sample company" in said(viewer)
    gone = opened("x" * 43)
    assert [title.value for title in gone.title] == ["Nothing to see here"]
    next(b for b in gone.button if b.label == "Go to Stockcast").click().run()
    assert "Sample company" in said(gone)


def test_the_share_dialog_makes_a_link_and_the_list_withdraws_it():
    app = sign_in(WORDS)
    app.get_by_key("share_open").click().run()
    app.get_by_key("share_name").set_value("Ms Lee <b>*x*").run()
    app.get_by_key("share_make").click().run()
    assert not app.exception
    told = app.code[0].value
    token = told.partition("share=")[2]
    assert "Read only" in said(opened(token))
    record = service.list_links(planner())[0]
    assert (record.opens["name"], record.opens["hide_costs"], record.made_by) == ("Ms Lee <b>*x*", True, "Kim")
    app.switch_page("pages/share.py").run()
    assert not app.exception
    assert "Ms Lee <b>*x*" in app.dataframe[0].value["name"].tolist()
    assert token not in said(app)


def test_a_scenario_is_shared_by_its_name_with_its_own_plan():
    app = sign_in(WORDS)
    app.switch_page("pages/scenarios.py").run()
    app.get_by_key("try_stress:service_98").click().run()
    app.get_by_key("share_open").click().run()
    app.get_by_key("share_beside").set_value(False).run()
    app.get_by_key("share_make").click().run()
    assert not app.exception
    viewer = opened(app.code[0].value.partition("share=")[2])
    assert [title.value for title in viewer.title] == ["Overview"]
    assert "scenario: Service 98" in said(viewer).replace("\\", "")
    viewer.switch_page("pages/service.py").run()
    assert "against a target of 98.0\u00a0%" in said(viewer)


def test_a_planner_a_viewer_and_nobody_side_by_side_never_mix(bare):
    # What one does is drawn anew in turn with the others, on the caches that all of them share.
    acting, looking, nobody = sign_in(WORDS), opened(bare), opened()
    for n in range(24):
        page = PAGES[n % len(PAGES)]
        acting.switch_page(page).run()
        looking.switch_page(page).run()
        nobody.switch_page(page).run()
        assert [len(app.exception) for app in (acting, looking, nobody)] == [0, 0, 0]
        assert "Read only" not in said(acting)
        assert "Read only" in said(looking)
        assert not re.search(r"\u20ac|€", "".join(str(metric.value) for metric in looking.metric))
        assert [title.value for title in nobody.title] == ["Sign in"]
        assert "SKU-" not in said(nobody)
