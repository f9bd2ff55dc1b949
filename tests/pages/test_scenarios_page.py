"""The Scenarios page: stresses tried with one click, a scenario written, kept, compared, adopted and taken back."""

import shutil

import pytest

from data import service
from pages.components import cached
from planning import pipeline, scenario
from planning.params import Params
from tests.pages.test_pages import on_sample, opened, said, sample_home, widget  # noqa: F401
from tests.planning.test_like_base import assert_same

PAGE = "pages/scenarios.py"


@pytest.fixture
def own_home(sample_home, tmp_path, monkeypatch):  # noqa: F811
    """A workspace of one's own, so that what is kept here stands in no other test."""
    home = tmp_path / "home"
    shutil.copytree(sample_home, home)
    monkeypatch.setenv("STOCKCAST_HOME", str(home))
    monkeypatch.setenv("STOCKCAST_MODE", "local")
    cached.forget_all()
    yield home
    cached.forget_all()


def numbers(app):
    return {metric.label: metric.value for metric in app.metric}


@pytest.mark.usefixtures("on_sample")
def test_the_page_opens_with_the_stresses_and_says_what_to_do():
    app = opened(PAGE)
    assert not app.exception
    assert "one click" in said(app)
    names = [button.label for button in app.button]
    for name in ("Demand 20 % up", "Service 98 % for all", "Budget cut by 20 %", "closed for two weeks", "weeks late"):
        assert any(name.replace(" %", "") in label.replace("\\", "").replace(" %", "") for label in names), name


@pytest.mark.usefixtures("on_sample")
def test_one_click_tries_a_stress_at_once():
    app = opened(PAGE)
    widget(app, "try_stress:service_98").click().run()
    assert not app.exception
    told = numbers(app)
    assert set(told) == {"Difference in service", "Difference in stock value", "Difference in order cash"}
    assert told["Difference in service"].startswith("+")
    assert told["Difference in stock value"].startswith("+")
    assert "Service target: 95 % → 98 %" in said(app).replace("\\", "")


@pytest.mark.usefixtures("on_sample")
@pytest.mark.parametrize("tab", ["Measures", "By week", "Risk", "Orders", "Transfers"])
def test_two_stand_side_by_side_in_every_tab(tab):
    app = opened(PAGE)
    widget(app, "try_stress:demand_up").click().run()
    widget(app, "try_stress:budget").click().run()
    app.session_state["scenario_tab"] = tab
    app.run()
    assert not app.exception
    assert widget(app, "scenario_beside").value == ["stress:demand_up", "stress:budget"]
    assert len(app.dataframe) or tab == "By week" or "No line" in said(app) or "0 " in said(app)
    widget(app, "scenario_beside").set_value([]).run()
    assert "Nothing is supposed yet" in said(app)


@pytest.mark.usefixtures("own_home")
def test_a_scenario_is_written_kept_noted_and_taken_back():
    app = opened(PAGE)
    widget(app, "change_factor").set_value(25.0)
    widget(app, "change_add").click().run()
    assert "Demand of everything +25 %" in said(app).replace("\\", "")
    assert widget(app, "scenario_beside").value == ["draft"]
    widget(app, "param_value_service_target").set_value(97.0)
    widget(app, "param_set").click().run()
    assert "Service target: 95 % → 97 %" in said(app).replace("\\", "")
    widget(app, "scenario_name").set_value("=Hot *summer* <b>")
    app.button(key="FormSubmitter:scenario_keep-Keep it").click().run()
    assert not app.exception
    assert not app.error
    visitor = service.Visitor.arriving("local")
    snapshot = service.current_snapshot(visitor)
    kept = service.scenarios(visitor, snapshot)
    assert [one.name for one in kept] == ["=Hot *summer* <b>"]
    assert kept[0].params.service_target == 0.97
    assert kept[0].params.what_if[0].factor == 1.25
    assert widget(app, "scenario_beside").value == [f"kept:{kept[0].scenario_id}"]
    assert "\\*summer\\*" in said(app)
    widget(app, f"note_{kept[0].scenario_id}").set_value("Ask [Lee](javascript:1)")
    app.button(key=f"FormSubmitter:scenario_note_{kept[0].scenario_id}-Add the note").click().run()
    assert service.notes(visitor, snapshot)["text"].tolist() == ["Ask [Lee](javascript:1)"]
    assert "\\[Lee\\]" in said(app)
    widget(app, f"delete_{kept[0].scenario_id}").click().run()
    assert service.scenarios(visitor, snapshot) == []


@pytest.mark.usefixtures("own_home")
def test_an_adopted_scenario_is_the_plan_of_record_and_undo_brings_the_earlier_back():
    app = opened(PAGE)
    widget(app, "try_stress:service_98").click().run()
    widget(app, "scenario_adopt").click().run()
    assert not app.exception
    visitor = service.Visitor.arriving("local")
    standing = {plan.name: plan.status for plan in service.plans(visitor)}
    assert standing["Service 98 % for all"] == "plan of record"
    assert "was adopted" in said(app)
    assert "Plan adopted" in service.activity(visitor)["what"].tolist()
    widget(app, "scenario_undo").click().run()
    standing = {plan.name: plan.status for plan in service.plans(visitor)}
    assert standing["Service 98 % for all"] == "superseded"
    assert [status for name, status in standing.items() if name.startswith("Plan of")] == ["plan of record"]
    assert "was adopted" not in said(app)


@pytest.mark.usefixtures("on_sample")
def test_what_does_not_fit_is_said_in_words():
    app = opened(PAGE)
    widget(app, "param_name").set_value("coverage_days").run()
    widget(app, "param_value_coverage_days").set_value(1)
    widget(app, "param_set").click().run()
    assert not app.exception
    assert any("coverage_days is 1" in error.value for error in app.error)


@pytest.mark.usefixtures("on_sample")
def test_every_parameter_and_every_kind_of_change_can_be_drawn():
    app = opened(PAGE)
    for kind in ("late_supplier", "closed", "cost", "price", "demand"):
        widget(app, "change_kind").set_value(kind).run()
        assert not app.exception, kind
    for name in Params().to_dict():
        if name not in ("what_if", "currency", "seed"):
            app.session_state["param_name"] = name
            app.run()
            assert not app.exception, name


@pytest.mark.usefixtures("own_home")
def test_a_scenario_that_needs_a_forecast_tells_how_far_it_is_and_can_be_left_out():
    app = opened(PAGE)
    widget(app, "param_name").set_value("outlier_correction").run()
    widget(app, "param_value_outlier_correction").set_value(False)
    widget(app, "param_set").click().run()
    assert not app.exception
    assert "needs a forecast of its own" in said(app)
    assert not app.metric
    widget(app, "try_stress:budget").click().run()
    # What needs none is there meanwhile.
    assert "Difference in order cash" in numbers(app)
    widget(app, "scenario_leave").click().run()
    assert "needs a forecast" not in said(app)
    assert widget(app, "scenario_beside").value == ["stress:budget"]


@pytest.mark.usefixtures("own_home")
def test_saving_over_what_somebody_else_changed_is_refused_in_words():
    app = opened(PAGE)
    widget(app, "try_stress:service_98").click().run()
    widget(app, "scenario_keep_ready").click().run()
    visitor = service.Visitor.arriving("local")
    snapshot = service.current_snapshot(visitor)
    (mine,) = service.scenarios(visitor, snapshot)
    assert widget(app, "scenario_beside").value == [f"kept:{mine.scenario_id}"]
    widget(app, "scenario_start").set_value(f"kept:{mine.scenario_id}").run()
    widget(app, "scenario_begin").click().run()
    service.save_scenario(visitor, snapshot, mine.name, mine.params.but(service_target=0.9))
    app.button(key="FormSubmitter:scenario_keep-Keep it").click().run()
    assert not app.exception
    assert any("changed meanwhile" in error.value for error in app.error)
    assert [one.version for one in service.scenarios(visitor, snapshot)] == [2]


@pytest.mark.usefixtures("own_home")
def test_thirty_hostile_names_stand_as_text():
    visitor = service.Visitor.arriving("local")
    snapshot = service.current_snapshot(visitor)
    hostile = ["<img src=x onerror=alert(1)>", "=1+1", "[x](javascript:alert(1))", "![x](http://evil.example/a.png)"]
    hostile += [
        "$\\href{http://evil.example}{x}$",
        ":red[x] :material/home:",
        "<script>alert(1)</script>",
        "# x",
        "`x`",
    ]
    for n in range(30):
        service.save_scenario(visitor, snapshot, f"{hostile[n % len(hostile)]} {n}", Params(service_target=0.9))
    app = opened(PAGE)
    keys = [f"kept:{one.scenario_id}" for one in service.scenarios(visitor, snapshot)][:3]
    widget(app, "scenario_beside").set_value(keys).run()
    assert not app.exception
    shown = [str(element.value) for kind in (app.markdown, app.caption) for element in kind]
    assert not any("<img" in text or "<script" in text or "](javascript" in text or "![x](" in text for text in shown)
    assert any("\\<" in text or "\\=" in text or "\\!" in text or "\\#" in text or "\\[" in text for text in shown)
    for element in app.markdown:
        assert not element.proto.allow_html


@pytest.mark.usefixtures("on_sample")
def test_each_stress_beside_the_plan_is_the_plan_from_scratch_to_the_last_digit():
    visitor = service.Visitor.arriving("local")
    snapshot = service.current_snapshot(visitor)
    tables = service.inputs(visitor, snapshot)
    as_of, start = service.default_as_of(tables), Params()
    base = cached.plan(visitor, snapshot, as_of, start)
    fits = service.fits(visitor, snapshot, as_of, start, frames=tables)
    frames = service.planned_inputs(visitor, snapshot, frames=tables)
    for one in scenario.stresses(base):
        beside = cached.beside(visitor, snapshot, as_of, start, one.params)
        scratch = pipeline.plan(frames, as_of, one.params, fits=fits, snapshot_id=snapshot)
        assert_same(beside, scratch)
        assert cached.beside(visitor, snapshot, as_of, start, one.params) is beside


@pytest.mark.usefixtures("on_sample")
@pytest.mark.parametrize("tab", ["Measures", "By week", "Risk", "Orders", "Transfers"])
def test_the_comparison_follows_the_filters(tab):
    app = opened(PAGE, category="Chilled")
    widget(app, "try_stress:demand_up").click().run()
    app.session_state["scenario_tab"] = tab
    app.run()
    assert not app.exception
    assert "that pass the filters" in said(app)
    some = numbers(app)["Difference in order cash"]
    items = {item for frame in app.dataframe if "item_id" in frame.value for item in frame.value["item_id"]}
    plain = opened(PAGE)
    widget(plain, "try_stress:demand_up").click().run()
    plain.session_state["scenario_tab"] = tab
    plain.run()
    assert "that pass the filters" not in said(plain)
    assert numbers(plain)["Difference in order cash"] != some
    every = {item for frame in plain.dataframe if "item_id" in frame.value for item in frame.value["item_id"]}
    assert items <= every
    if tab in ("Risk", "Orders"):
        assert 0 < len(items) < len(every)
