"""The Replay page: what it opens with, what it says, what can be done with it, and what it does when it cannot."""

from datetime import timedelta

import pytest

from data import jobs, service
from data.sample import SAMPLE_AS_OF
from pages.components import cached, replay_question, replay_runs, session
from pages.components.replay_words import CANNOT_KNOW
from planning import replay_run
from planning.errors import InputError
from planning.params import Params
from planning.replay_known import Known
from planning.replay_told import known_from
from tests.pages import hosting
from tests.pages.fake_replay import fake_curve, fake_result
from tests.pages.test_pages import empty_home, on_sample, opened, said, sample_home, widget  # noqa: F401
from tests.pages.test_scenarios_page import own_home  # noqa: F401

PAGE = "pages/replay.py"
RUN = "FormSubmitter:replay_form-Run the replay"


@pytest.fixture
def asked_for(monkeypatch):
    """An engine that answers at once; what it was asked is noted."""
    told = []

    def run(inputs, as_of, params, **more):  # noqa: ARG001
        told.append((params, more))
        names = ("plan", *more["policies"][1:], *(rule for rule in more.get("scenarios", {})))
        return fake_result(more["fits"].keys, names=names)

    monkeypatch.setattr(cached, "known_then", lambda *_, **__: object())
    monkeypatch.setattr(replay_run, "run_replay", run)
    monkeypatch.setattr(replay_run, "read_span", lambda *_args, **_more: None)
    monkeypatch.setattr(replay_run, "exchange_curve", lambda *_, **more: fake_curve(fake_result(more["fits"].keys)))
    cached.forget_all()
    yield told
    cached.forget_all()


@pytest.fixture
def nothing_kept(monkeypatch):
    monkeypatch.setattr(cached, "known_then", lambda *_, **__: None)
    cached.forget_all()
    yield
    cached.forget_all()


def numbers(app):
    return {metric.label: metric.value for metric in app.metric}


def tab(app, name):
    app.session_state["replay_tab"] = name
    return app.run()


@pytest.mark.usefixtures("on_sample", "asked_for")
def test_the_page_opens_with_three_numbers_the_curve_and_what_it_cannot_know():
    app = opened(PAGE)
    assert not app.exception
    assert set(numbers(app)) == {"Service achieved", "Stock saved", "Margin saved"}
    assert "Promised 95.0 %" in said(app)
    assert "Service against stock" in said(app)
    tab(app, "What it cannot know")
    for text in CANNOT_KNOW:
        assert text in said(app)
    # Notes may quote a user's file: never markup.
    assert "\\<b\\>weeks" in said(app)


@pytest.mark.usefixtures("on_sample", "asked_for")
@pytest.mark.parametrize("name", ["Policies", "By group", "By week", "Items"])
def test_every_tab_draws_and_lets_its_rows_be_taken_along(name):
    app = tab(opened(PAGE), name)
    assert not app.exception
    assert {"Excel", "CSV"} <= {button.label for button in app.get("download_button")}
    if name == "By group":
        for by in replay_question_groups():
            widget(app, "replay_by").set_value(by).run()
            assert not app.exception


def replay_question_groups():
    return ("abc_class", "demand_class", "category", "location_id", "supplier_id")


@pytest.mark.usefixtures("on_sample")
def test_the_numbers_are_of_the_policy_and_against_the_one_that_are_chosen(asked_for):
    app = opened(PAGE)
    told = asked_for[-1][1]
    result = fake_result(told["fits"].keys, names=("plan", *told["policies"][1:]))
    widget(app, "replay_against").set_value("textbook").run()
    rows = result.against("plan", "textbook").set_index("measure")
    assert numbers(app)["Service achieved"] == f"{100 * rows['value']['fill_rate']:.1f} %"
    saved = -rows["difference"]["average_stock_value"]
    assert saved < -1
    assert numbers(app)["Stock saved"] == f"−€\N{NO-BREAK SPACE}{-saved:,.0f}"
    widget(app, "replay_of").set_value("textbook").run()
    assert widget(app, "replay_against").value == "plan"
    assert numbers(app)["Stock saved"] == f"+€\N{NO-BREAK SPACE}{-saved:,.0f}"
    assert not app.exception


@pytest.mark.usefixtures("on_sample")
def test_the_form_asks_the_engine_for_what_it_says(asked_for):
    app = opened(PAGE)
    assert len(asked_for) == 1
    widget(app, "replay_weeks").set_value(13)
    widget(app, "replay_policies").set_value(["textbook", "cover_equal_fill"])
    widget(app, "replay_leads").set_value("drawn")
    app.button(key=RUN).click().run()
    assert not app.exception
    params, told = asked_for[-1]
    assert told["policies"] == ("plan", "textbook", "cover_equal_fill")
    assert told["lead_times"] == "drawn"
    assert (told["span"][1] - told["span"][0]).days + 1 == 13 * 7
    assert params.currency == "€"
    app.run()
    assert len(asked_for) == 2, "made once, it opens at once"


@pytest.mark.usefixtures("on_sample", "asked_for")
def test_the_plan_alone_is_held_against_nothing():
    app = opened(PAGE)
    widget(app, "replay_policies").set_value([])
    app.button(key=RUN).click().run()
    assert not app.exception
    assert set(numbers(app)) == {"Service achieved", "Stock saved", "Margin saved"}
    assert "Against" not in said(app)
    for name in ("By group", "By week", "Items"):
        assert not tab(app, name).exception


@pytest.mark.usefixtures("on_sample")
def test_a_filter_narrows_what_is_shown_and_asks_nothing_anew(asked_for):
    everything = opened(PAGE)
    one = opened(PAGE, location="ST-01")
    assert not one.exception
    assert len(asked_for) == 1
    assert numbers(one) != numbers(everything)


@pytest.mark.usefixtures("on_sample", "nothing_kept")
def test_what_takes_long_is_started_by_the_button_alone_told_and_cancelled(monkeypatch, tmp_path):
    started = []

    class Slow(jobs.Job):
        state = "running"

        def status(self):
            return Slow.state

        def progress(self):
            return "known", 12, 52

        def cancel(self):
            Slow.state = "cancelled"

    monkeypatch.setattr(service, "start_known_then", lambda *_, **more: started.append(more) or Slow(tmp_path))
    app = opened(PAGE)
    assert "Would this plan have worked?" in said(app)
    assert not started
    assert not app.metric
    app.button(key=RUN).click().run()
    assert not app.exception
    assert len(started) == 1
    assert "each morning of 52 weeks" in said(app)
    assert any("12 of 52" in bar.proto.text for bar in app.get("progress"))
    widget(app, "replay_cancel").click().run()
    assert Slow.state == "cancelled"
    assert not app.exception
    assert "Would this plan have worked?" in said(app)


@pytest.mark.usefixtures("on_sample", "nothing_kept")
def test_a_run_that_failed_says_why_and_starts_again(monkeypatch, tmp_path):
    class Broken(jobs.Job):
        def status(self):
            return "failed"

        def message(self):
            return "row 7 of <b>sales</b>: 1e999"

    monkeypatch.setattr(service, "start_known_then", lambda *_, **__: Broken(tmp_path))
    app = opened(PAGE)
    app.button(key=RUN).click().run()
    assert not app.exception
    assert "row 7 of <b>sales</b>: 1e999" in [text.value for text in app.text]
    assert {"replay_again", "replay_leave"} <= {button.key for button in app.button}
    widget(app, "replay_leave").click().run()
    assert "Would this plan have worked?" in said(app)


@pytest.mark.usefixtures("on_sample", "asked_for")
@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (InputError("nothing to replay in *this* span"), "nothing to replay in \\*this\\* span"),
        (ZeroDivisionError("x"), "could not be made"),
    ],
)
def test_a_fault_of_the_engine_is_told_in_words(monkeypatch, fault, words):
    def broken(*_, **__):
        raise fault

    monkeypatch.setattr(replay_run, "run_replay", broken)
    app = opened(PAGE)
    assert not app.exception
    assert words in "\n".join(warning.value for warning in app.warning)


@pytest.mark.usefixtures("on_sample", "asked_for")
def test_too_short_a_past_says_what_it_takes(monkeypatch):
    monkeypatch.setattr(replay_question, "spans", lambda _: [])
    app = opened(PAGE)
    assert not app.exception
    assert "too short for a replay" in said(app)
    assert not app.metric


@pytest.mark.usefixtures("own_home", "asked_for")
def test_a_target_of_the_curve_is_planned_with_and_taken_back():
    app = opened(PAGE)
    widget(app, "replay_target").set_value(0.98).run()
    widget(app, "replay_use").click().run()
    assert not app.exception
    assert "0.98" in "".join(app.query_params["set"])
    assert "Every page plans with the settings of **target 98" in said(app)
    widget(app, "replay_undo").click().run()
    assert "0.98" not in str(dict(app.query_params))
    assert "Every page plans" not in said(app)


@pytest.mark.usefixtures("own_home", "asked_for")
def test_a_kept_scenario_is_replayed_under_its_own_name_and_used():
    who = service.Visitor.arriving("local")
    snapshot = service.current_snapshot(who)
    kept = service.save_scenario(who, snapshot, "=*Hot* <b>", Params(service_target=0.99, currency="€"))
    app = opened(PAGE)
    widget(app, "replay_policies").set_value([f"kept:{kept.scenario_id}"])
    app.button(key=RUN).click().run()
    assert not app.exception
    assert widget(app, "replay_against").options == ["=*Hot* <b>"]
    widget(app, "replay_of").set_value("=*Hot* <b>").run()
    widget(app, "replay_use").click().run()
    assert not app.exception
    assert "0.99" in "".join(app.query_params["set"])
    assert "\\*Hot\\*" in said(app)


@pytest.mark.usefixtures("on_sample", "asked_for")
def test_an_item_leads_to_its_own_replay_and_back():
    app = opened("pages/item.py", item="SKU-0004", at="ST-02")
    widget(app, "item_replay").click().run()
    assert not app.exception
    assert "SKU\\-0004 at ST\\-02" in said(app)
    assert "This plan** served" in said(app)
    widget(app, "replay_open").click().run()
    assert not app.exception
    assert "SKU\\-0004 at ST\\-02" in said(app)


@pytest.mark.usefixtures("asked_for")
def test_a_viewer_sees_no_replay(tmp_path, monkeypatch):
    monkeypatch.setenv("STOCKCAST_HOME", str(tmp_path))
    monkeypatch.setenv("STOCKCAST_MODE", "hosted")
    monkeypatch.setenv("STOCKCAST_PASSPHRASE_HASH", hosting.HASH)
    app = hosting.opened(hosting.link("item", hide_costs=True))
    assert not app.exception
    assert "item_replay" not in {button.key for button in app.button}
    with pytest.raises(ValueError, match="navigation page"):
        app.switch_page(PAGE)


@pytest.mark.usefixtures("on_sample", "asked_for")
def test_who_may_only_look_is_told_so(monkeypatch):
    monkeypatch.setattr(session, "may_act", lambda: False)
    app = opened(PAGE)
    assert not app.exception
    assert "made by planners" in said(app)
    assert not app.metric


@pytest.mark.usefixtures("on_sample")
def test_what_the_samples_replay_stands_on_comes_with_the_program():
    who = service.Visitor.arriving("local")
    snapshot = service.current_snapshot(who)
    params = Params(currency="€")
    fits = service.fits(who, snapshot, SAMPLE_AS_OF, params)
    question = replay_question.usual(replay_question.spans(fits), {})
    first = known_from(fits, SAMPLE_AS_OF, SAMPLE_AS_OF - timedelta(weeks=question.weeks))
    kept = service.known_then(who, snapshot, SAMPLE_AS_OF, params, first=first, every=replay_runs.LEARN_WEEKS)
    assert kept is not None
    known = Known.from_bytes(kept)
    assert len(known.starts) > question.weeks
    assert known.starts[0] == first
    # What is only supposed asks for no other past.
    supposed = params.but(service_target=0.99, demand_multiplier=1.3)
    assert service.known_then(who, snapshot, SAMPLE_AS_OF, supposed, first=first, every=replay_runs.LEARN_WEEKS)
