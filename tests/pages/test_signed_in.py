"""Who comes back after a reload, and who does not: by the browser's token, and by no address."""

import pytest

from data import service
from pages.components import cached, session
from tests.pages.hosting import HASH, WORDS, link, opened, planner, said
from tests.pages.test_viewing import sign_in


@pytest.fixture(autouse=True, scope="module")
def _hosted(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STOCKCAST_HOME", str(tmp_path_factory.mktemp("hosted")))
        patch.setenv("STOCKCAST_MODE", "hosted")
        patch.setenv("STOCKCAST_PASSPHRASE_HASH", HASH)
        cached.forget_all()
        yield
        cached.forget_all()


@pytest.fixture
def browser(monkeypatch):
    """Let a tab that is opened from now on bring this token."""
    return lambda token: monkeypatch.setattr(session, "_browser", lambda: token)


def token_for(app) -> str:
    """What the page of an app fetches for its browser."""
    got = cached.redeem(app.session_state["ticket"])
    assert got
    return got


def titles(app) -> list[str]:
    assert not app.exception
    return [title.value for title in app.title]


def test_a_planner_comes_back_and_the_page_asks_for_the_cookie_once(browser):
    service.use_sample(planner())
    app = sign_in(WORDS)
    assert app.session_state["ticket"] in said(app)
    token = token_for(app)
    assert token not in said(app) + repr(app.session_state)
    assert app.session_state["ticket"] not in said(app.run())
    browser(token)
    again = opened()
    assert titles(again) == ["Overview"]
    assert "Kim" in said(again)
    browser(token[:-1])
    assert titles(opened()) == ["Sign in"]


def test_who_was_signed_out_elsewhere_can_do_nothing_any_more(browser):
    app = sign_in(WORDS)
    token = token_for(app)
    app.switch_page("pages/scenarios.py").run()
    app.get_by_key("try_stress:service_98").click().run()
    cached.sessions().end(app.session_state["handle"])
    app.get_by_key("scenario_keep_ready").click().run()
    assert titles(app) == ["Sign in"]
    assert "Your sign-in ended" in said(app)
    assert "SKU-" not in said(app)
    who = planner()
    assert service.scenarios(who, service.current_snapshot(who)) == []
    browser(token)
    assert titles(opened()) == ["Sign in"]


def test_another_passphrase_ends_every_sign_in(browser, monkeypatch):
    app = sign_in(WORDS)
    token = token_for(app)
    monkeypatch.setenv("STOCKCAST_PASSPHRASE_HASH", HASH[:-3] + "AAA")
    assert titles(app.run()) == ["Sign in"]
    browser(token)
    assert titles(opened()) == ["Sign in"]


def test_a_viewer_comes_back_to_the_link_that_the_address_names_and_was_opened_here(browser):
    first, second = link(name="First"), link(name="Second")
    one = opened(first)
    assert "First" in said(one)
    browser(token_for(one))
    number = one.query_params["link"]
    again = opened("", link=number[0] if isinstance(number, list) else number)
    assert "First" in said(again)
    assert "Read only" in said(again)
    browser("")
    other = opened(second).query_params["link"]
    browser(token_for(opened(first)))
    assert titles(opened("", link=other[0] if isinstance(other, list) else other)) == ["Sign in"]
    assert titles(opened()) == ["Sign in"]


def test_a_viewer_who_closes_his_view_does_not_come_back_to_it(browser):
    app = opened(link())
    token, number = token_for(app), app.query_params["link"]
    next(button for button in app.button if button.label == "Close this view").click().run()
    assert titles(app) == ["Sign in"]
    assert "link" not in app.query_params
    browser(token)
    assert titles(opened("", link=number[0] if isinstance(number, list) else number)) == ["Sign in"]
