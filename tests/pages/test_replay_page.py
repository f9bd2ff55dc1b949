"""The Replay page: what it opens with, what it says, what can be done with it, and what it does when it cannot."""

import pytest

from data import jobs, service
from pages.components import cached, replay_question, replay_runs
from pages.components.replay_words import CANNOT_KNOW
from planning import replay_run
from planning.errors import InputError
from tests.pages import hosting
from tests.pages.fake_replay import fake_curve, fake_result
from tests.pages.test_pages import empty_home, on_sample, opened, said, sample_home, widget  # noqa: F401

PAGE = "pages/replay.py"


@pytest.fixture
def asked_for(monkeypatch):
    """An engine that answers at once; what it was asked is noted."""
    told = []

    def run(inputs, as_of, params, **more):  # noqa: ARG001
        told.append((params, more))
        return fake_result(more["fits"].keys, names=("plan", *more["policies"][1:]))

    monkeypatch.setattr(cached, "known_then", lambda *_, **__: object())
    monkeypatch.setattr(replay_run, "run_replay", run)
    monkeypatch.setattr(replay_run, "exchange_curve", lambda *_, **more: fake_curve(fake_result(more["fits"].keys)))
    cached.forget_all()
    yield told
    cached.forget_all()


def numbers(app):
    return {metric.label: metric.value for metric in app.metric}


@pytest.mark.usefixtures("on_sample", "asked_for")
def test_the_page_opens_with_three_numbers_the_curve_and_what_it_cannot_know():
    app = opened(PAGE)
    assert not app.exception
    assert set(numbers(app)) == {"Service achieved", "Stock saved", "Margin saved"}
    assert "Promised 95.0 %" in said(app)
    assert "Service against stock" in said(app)
    app.session_state["replay_tab"] = "What it cannot know"
    app.run()
    for text in CANNOT_KNOW:
        assert text in said(app)
    # Notes may quote a user's file: never markup.
    assert "\\<b\\>weeks" in said(app)
