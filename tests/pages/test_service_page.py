"""The Service & safety stock page: curve, words, lines edited in place, targets by class, the frontier applied."""

import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from data import service
from pages.components import cached, charts, frontier_view, policy_lines
from planning.params import Params
from tests.pages.fake_frontier import fake_frontier
from tests.pages.fake_plan import fake_plan
from tests.pages.test_pages import on_sample, opened, said, sample_home, widget  # noqa: F401

PAGE = "pages/service.py"
TABS = ("Lines", "By class", "Levels")
PLAN = fake_plan()


def at(tab, **query):
    app = opened(PAGE, **query)
    if tab != TABS[0]:
        app.session_state["service_tab"] = tab
        app.run()
    return app


@pytest.fixture
def own_home(sample_home, tmp_path, monkeypatch):  # noqa: F811
    """A workspace on the sample that a test may decide in."""
    home = tmp_path / "home"
    shutil.copytree(sample_home, home)
    monkeypatch.setenv("STOCKCAST_HOME", str(home))
    monkeypatch.setenv("STOCKCAST_MODE", "local")
    cached.forget_all()
    yield home
    cached.forget_all()


@pytest.mark.usefixtures("on_sample")
@pytest.mark.parametrize("tab", TABS)
def test_a_tab_opens_on_the_sample(tab):
    app = at(tab)
    assert not app.exception
    assert not app.error
    assert "nan" not in said(app).lower().split()


@pytest.mark.usefixtures("on_sample")
@pytest.mark.parametrize("tab", TABS)
@pytest.mark.parametrize(
    "plan",
    [
        PLAN,
        replace(PLAN, items=PLAN.items.assign(unit_cost=np.nan, unit_price=np.nan)),
        replace(PLAN, policy=PLAN.policy.drop(columns=["target_source", "pinned_safety_stock"], errors="ignore")),
    ],
    ids=["whole", "no costs", "no sources"],
)
def test_a_tab_opens_on_a_plan_that_lacks_things(tab, plan, monkeypatch):
    monkeypatch.setattr(cached, "plan", lambda *_: plan)
    app = at(tab)
    assert not app.exception
    assert "nan" not in said(app).lower().split()


@pytest.mark.usefixtures("on_sample")
def test_the_best_is_told_for_all_lines_and_for_those_in_view():
    app = opened(PAGE)
    assert "With the stock of the policy" in said(app)
    widget(app, "filter_abc").set_value(["A"]).run()
    assert widget(app, "frontier_lines").value == frontier_view.SOME
    widget(app, "frontier_value").set_value("margin").run()
    assert not app.exception
    assert "of the margin kept" in said(app)


@pytest.mark.usefixtures("on_sample")
def test_a_target_of_a_class_is_edited_beside_the_matrix():
    app = at("By class")
    widget(app, "class_target_A").set_value(99.0).run()
    assert not app.exception
    assert '"service_target_by_class":{"A":0.99}' in str(app.query_params["set"]).replace(" ", "")


@pytest.mark.usefixtures("own_home")
def test_the_frontier_becomes_targets_and_is_reset():
    app = opened(PAGE)
    before = next(m.value for m in app.metric if "Service promised" in m.label)
    widget(app, "frontier_apply").click().run()
    assert not app.exception
    assert not app.error
    visitor = service.Visitor.arriving("local")
    snapshot = service.current_snapshot(visitor)
    pins = service.pins(visitor, snapshot)
    assert (pins["kind"] == "service_target").all()
    assert len(pins) > 100
    assert next(m.value for m in app.metric if "Service promised" in m.label) != before
    widget(app, "policy_many_reset").click().run()
    assert service.pins(visitor, snapshot).empty
    assert next(m.value for m in app.metric if "Service promised" in m.label) == before


@pytest.mark.usefixtures("own_home")
def test_all_lines_in_view_get_one_target_and_what_it_does_is_told():
    app = opened(PAGE)
    widget(app, "filter_abc").set_value(["C"]).run()
    widget(app, "policy_many_target").set_value(80.0)
    widget(app, "policy_reason").set_value("Slow movers")
    widget(app, "policy_many_set").click().run()
    assert not app.exception
    assert any("Now: lost sales +" in box.value for box in app.success)
    visitor = service.Visitor.arriving("local")
    pins = service.pins(visitor, service.current_snapshot(visitor))
    assert set(pins["value"]) == {0.8}
    assert set(pins["reason"]) == {"Slow movers"}


@pytest.mark.usefixtures("on_sample")
def test_under_least_cost_nothing_speaks_of_a_target():
    app = opened(PAGE, set='{"service_measure": "cost"}')
    assert not app.exception
    keys = [each.key for each in [*app.button, *app.number_input]]
    assert "policy_many_set" not in keys
    assert "policy_many_target" not in keys
    assert "against a target" not in said(app)
    assert "Under least cost no target decides" in said(app)


# --- what lines come to -----------------------------------------------------------------------------------------------


def test_edits_become_pins_and_an_emptied_cell_lets_go():
    shown = pd.DataFrame({"item_id": ["a", "b"], "location_id": ["X", "Y"]})
    pinned, let_go = policy_lines.edits(
        shown, {0: {"target": 97.5, "safety_stock": 12.0}, 1: {"target": None}, 7: {"target": 5.0}}
    )
    assert pinned.to_dict("list") == {
        "item_id": ["a", "a"],
        "location_id": ["X", "X"],
        "kind": ["service_target", "safety_stock"],
        "value": [0.975, 12.0],
    }
    assert let_go.to_dict("records") == [{"item_id": "b", "location_id": "Y", "kind": "service_target"}]


def test_lines_and_classes_add_up_to_the_same():
    rows = policy_lines.by_loss(PLAN)
    cells = policy_lines.by_class(PLAN)
    assert cells["lines"].sum() == len(rows) == len(PLAN.policy)
    assert cells["lost_margin"].sum() == pytest.approx(policy_lines.sums(rows).lost_margin)
    assert cells["stock_value"].sum() == pytest.approx(policy_lines.sums(rows).stock_value)
    assert rows["lost_margin"].dropna().is_monotonic_decreasing
    assert (rows.loc[rows["location_id"] == "DC", "lost_units"] == 0).all()


def test_the_words_of_the_frontier():
    # By hand: 100 of stock serves 90 %, the frontier 95 %; 70 would do; 10 % and 5 % of 4,000 lost.
    told = frontier_view.in_words(fake_frontier(), "$")
    assert "the best is **95.0 %** served, not 90.0 %" in told
    assert "200" in told
    assert "30.00 less" in told
    best = replace(fake_frontier(), best=fake_frontier().proposed)
    assert "stands on the frontier" in frontier_view.in_words(best, "$")
    assert "units" in frontier_view.in_words(fake_frontier(in_money=False), "$")


def test_the_chart_shows_policy_today_and_the_way_to_the_frontier():
    figure = charts.service_frontier(fake_frontier(), Params(currency="€"))
    names = {trace.name for trace in figure.data}
    assert names == {"Frontier", "One target for all", "Policy in force", "Today's stock"}
    up, left = figure.layout.shapes
    assert (up.x0, up.x1, up.y0, up.y1) == (100, 100, 0.9, 0.95)
    assert (left.x1, left.y1) == (70, 0.9)
    empty = charts.service_frontier(replace(fake_frontier(), lines=0), Params())
    assert len(empty.data) == 0
