"""The Forecast page: every tab on the sample, on a made-up plan, and on plans that lack things."""

import shutil
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from data import service
from pages.components import cached, decided, events_view, lines, lookups
from pages.components.formats import literal
from planning.params import Params
from tests.pages.fake_plan import fake_history, fake_plan, fake_rollup
from tests.pages.test_pages import on_sample, opened, said, sample_home, widget  # noqa: F401

UNKNOWN = {"error_value": np.nan, "drift": "", "mean13_error_units": np.nan, "held_95": np.nan, "rmsse": np.nan}
PAGE = "pages/forecast.py"
TABS = ("Forecast", "Accuracy", "Corrections", "Events", "Settings")


def at(tab, **query):
    app = opened(PAGE, **query)
    if tab != "Forecast":
        app.session_state["forecast_tab"] = tab
        app.run()
    return app


def shown(monkeypatch, plan):
    """Show this plan on every page."""
    monkeypatch.setattr(cached, "plan", lambda *_: plan)
    monkeypatch.setattr(lookups, "history_of_all", lambda _: fake_history())
    monkeypatch.setattr(lookups, "history", lambda *_: fake_history())
    monkeypatch.setattr(lookups, "rollup", lambda keys: fake_rollup(plan, keys))
    monkeypatch.setattr(lookups, "statistical", lambda: None)


def without(plan, **columns):
    return replace(plan, items=plan.items.assign(**columns))


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
        fake_plan(),
        replace(fake_plan(), accuracy=fake_plan().accuracy.iloc[:0]),
        without(fake_plan(), category=None, item_name=None),
        without(fake_plan(), unit_cost=np.nan, unit_price=np.nan),
        replace(fake_plan(), accuracy=fake_plan().accuracy.assign(**UNKNOWN)),
    ],
    ids=["whole", "no accuracy", "no categories", "no costs", "parts unknown"],
)
def test_a_tab_opens_on_a_plan_that_lacks_things(tab, plan, monkeypatch):
    shown(monkeypatch, plan)
    app = at(tab)
    assert not app.exception
    assert "nan" not in said(app).lower().split()


@pytest.mark.usefixtures("on_sample")
@pytest.mark.parametrize("tab", TABS)
def test_a_tab_opens_on_a_single_line(tab, monkeypatch):
    from pages.components.filters import Filters

    shown(monkeypatch, Filters(location=("LEEDS",), search="00001").narrow(fake_plan()))
    app = at(tab)
    assert not app.exception


@pytest.mark.usefixtures("on_sample")
def test_the_level_is_kept_in_the_address_and_may_be_opened_by_it(monkeypatch):
    shown(monkeypatch, fake_plan())
    app = at("Forecast")
    widget(app, "level_name").set_value("category").run()
    widget(app, "level_category").set_value("Kitchen").run()
    assert not app.exception
    assert "Expected demand: Kitchen" in said(app)
    assert app.query_params["level"] in ("category", ["category"])
    assert app.query_params["of"] in ("Kitchen", ["Kitchen"])
    again = at("Forecast", level="item", of="00003")
    assert widget(again, "level_item").value == "00003"


@pytest.mark.usefixtures("on_sample")
@pytest.mark.parametrize("level", ["category", "location", "item", "line"])
def test_a_level_that_the_address_names_falsely_falls_back(level, monkeypatch):
    shown(monkeypatch, fake_plan())
    app = at("Forecast", level=level, of="<b>no such</b>", item="none", at="nowhere")
    assert not app.exception
    assert "no such" not in said(app)


@pytest.mark.usefixtures("on_sample")
def test_a_category_is_no_choice_where_there_is_none(monkeypatch):
    shown(monkeypatch, without(fake_plan(), category=None))
    app = at("Forecast", level="category", of="Kitchen")
    assert "Category" not in widget(app, "level_name").options
    assert widget(app, "level_name").value == "total"


# --- corrections -----------------------------------------------------------------------------------------------------


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


def correct(app, percent, reason):
    widget(app, "correct_value_percent").set_value(percent)
    widget(app, "correct_reason").set_value(reason)
    return widget(app, "correct_save").click().run()


@pytest.mark.usefixtures("own_home")
def test_a_correction_tells_its_effect_is_kept_locked_and_undone():
    app = at("Corrections")
    assert "None: the plan stands" in said(app)
    widget(app, "level_compact_name").set_value("category").run()
    widget(app, "correct_value_percent").set_value(20.0).run()
    assert "would become" in said(app)
    correct(app, 20.0, "a fair in town")
    assert not app.exception
    assert not app.error
    assert app.success[0].value.startswith("Kept.")
    assert widget(app, "correct_value_percent").value == 0.0
    rows = decided_rows(app)
    assert rows["change"].tolist() == ["+20 %"]
    assert rows["reason"].tolist() == ["a fair in town"]
    why = next(t for t in app.text_input if t.label == "Reason to lock")
    why.set_value("agreed with the buyer")
    widget(app, "correct_lock").click().run()
    assert "agreed with the buyer" in said(app)
    assert widget(app, "correct_reset").disabled
    assert "Correction locked" in said(app)
    widget(app, "correct_undo").click().run()
    assert not widget(app, "correct_reset").disabled
    widget(app, "correct_reset").click().run()
    assert "None: the plan stands" in said(app)
    widget(app, "correct_undo").click().run()
    assert len(decided_rows(app)) == 1


def decided_rows(app):
    return next(frame.value for frame in app.dataframe if "change" in frame.value)


@pytest.mark.usefixtures("own_home")
def test_a_correction_without_a_reason_is_refused_in_words_and_stays_in_the_form():
    app = correct(at("Corrections"), 20.0, "")
    assert not app.exception
    assert any("reason is missing" in error.value for error in app.error)
    assert widget(app, "correct_value_percent").value == 20.0
    assert "None: the plan stands" in said(app)


@pytest.mark.usefixtures("own_home")
def test_hostile_text_in_a_correction_is_shown_to_the_letter():
    app = correct(at("Corrections"), 5.0, "![x](http://example.org/x.png) :red[a]")
    assert not app.exception
    widget(app, "correct_undo")
    assert "![x](http" not in said(app)


@pytest.mark.usefixtures("own_home")
def test_the_last_day_before_the_first_is_told():
    app = at("Corrections")
    widget(app, "correct_until").set_value(date(2020, 1, 1)).run()
    assert "lies before the first" in said(app)
    correct(app, 5.0, "why not")
    assert not app.exception
    assert any("lies before the first" in error.value for error in app.error)


@pytest.mark.usefixtures("own_home")
def test_the_way_from_a_forecast_to_its_correction_keeps_the_level():
    app = at("Forecast", level="location", of="ST-01")
    widget(app, "correct_it").click().run()
    assert not app.exception
    assert app.session_state["forecast_tab"] == "Corrections"
    assert widget(app, "level_compact_name").value == "location"
    assert widget(app, "level_compact_location").value == "ST-01"


# --- events ----------------------------------------------------------------------------------------------------------


def events(**uplift):
    return pd.DataFrame(
        {
            "event_name": ["Fair", None],
            "starts_on": pd.to_datetime(["2026-06-01", "2025-06-02"]),
            "ends_on": pd.to_datetime(["2026-06-07", "2025-06-08"]),
            "uplift": [1.3, 0.0],
            "item_id": ["00012", None],
            "category": None,
            "location_id": None,
            **uplift,
        }
    )


def test_events_are_edited_in_percent_and_kept_as_factors():
    shown = events_view.in_percent(events())
    assert shown["uplift"].tolist() == [30.0, -100.0]
    back = events_view.in_factors(shown)
    assert back["uplift"].tolist() == [1.3, 0.0]
    assert back["item_id"].tolist() == ["00012", None]


def test_no_events_make_an_empty_table_that_can_be_filled():
    shown = events_view.in_percent(decided.NO_EVENTS)
    assert shown.empty
    assert shown["uplift"].dtype == float
    assert str(shown["starts_on"].dtype).startswith("datetime64")


@pytest.mark.usefixtures("own_home")
def test_an_edited_event_asks_for_a_new_forecast():
    app = at("Events")
    assert not app.exception
    key = app.get("data_editor")[0].key
    app.session_state[key] = {"edited_rows": {0: {"uplift": 25.0}}, "added_rows": [], "deleted_rows": []}
    widget(app, "events_save").click().run()
    assert not app.exception
    assert not app.error
    assert "Forecasting your assortment" in said(app)


# --- what the levels add up from -------------------------------------------------------------------------------------


@pytest.mark.usefixtures("on_sample")
def test_a_sum_has_quantiles_of_its_own_below_the_sum_of_theirs():
    visitor = service.Visitor.arriving("local")
    snapshot = service.current_snapshot(visitor)
    as_of = cached.default_as_of(visitor, snapshot)
    here = (visitor, snapshot, as_of, Params())
    plan = cached.plan(*here)
    keys = lines.outermost(plan)[["item_id", "location_id"]]
    total, parts = cached.rollup(*here, keys), lines.keep(plan.forecast, keys).groupby("starts_on")
    assert total["mean"].tolist() == pytest.approx(parts["mean"].sum().tolist())
    assert (total["q95"] > total["mean"]).all()
    assert (total["q95"] < parts["q95"].sum().to_numpy()).all()
    assert cached.rollup(*here, keys.iloc[:0]).empty
    line = lines.selling(plan).iloc[0]
    rivals = cached.rivals_of(*here, line["item_id"], line["location_id"])
    assert rivals["chosen"].sum() == 1
    effects = cached.event_effects(*here)
    assert len(effects) == len(service.inputs(visitor, snapshot)["events"])
    assert effects["measured"].notna().any()


# --- why to look twice -----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("on_sample")
@pytest.mark.parametrize(("page", "query"), [(PAGE, {"level": "line"}), ("pages/item.py", {})])
def test_a_line_that_stands_on_weak_ground_says_why_and_what_to_do(monkeypatch, page, query):
    plan = fake_plan()
    shown(monkeypatch, plan)
    weak = plan.accuracy[plan.accuracy["reason"] != ""].iloc[0]
    app = opened(page, item=weak["item_id"], at=weak["location_id"], **query)
    assert not app.exception
    assert [warning.value for warning in app.warning] == [literal(weak["reason"])]
    sound = plan.accuracy[plan.accuracy["reason"] == ""].iloc[0]
    app = opened(page, item=sound["item_id"], at=sound["location_id"], **query)
    assert not app.warning


# --- a forecast that was stopped -------------------------------------------------------------------------------------


class Stopped:
    """A job that a person cancelled."""

    def status(self):
        return "cancelled"

    def message(self):
        return ""

    def cancel(self):
        """Nothing runs."""


@pytest.mark.usefixtures("own_home")
def test_after_a_stopped_forecast_there_is_a_way_back_to_a_plan(monkeypatch):
    monkeypatch.setattr(service, "start_fit", lambda *_, **__: Stopped())
    app = at("Settings")
    next(field for field in app.number_input if field.key == "param_library_fits").set_value(4000)
    next(button for button in app.button if button.label == "Forecast again").click().run()
    assert "The forecast was stopped" in said(app)
    next(button for button in app.button if button.label == "Back to the default settings").click().run()
    assert not app.exception
    assert "The forecast was stopped" not in said(app)
    assert any(tab.label == "Settings" for tab in app.tabs)


@pytest.mark.usefixtures("own_home")
def test_an_edit_of_events_whose_forecast_was_stopped_can_be_undone_and_made_again(monkeypatch):
    started = []
    monkeypatch.setattr(service, "start_fit", lambda *_, **__: started.append(1) or Stopped())
    app = at("Events")

    def edit(uplift):
        key = app.get("data_editor")[0].key
        app.session_state[key] = {"edited_rows": {0: {"uplift": uplift}}, "added_rows": [], "deleted_rows": []}
        widget(app, "events_save").click().run()

    edit(25.0)
    assert "The forecast was stopped" in said(app)
    next(button for button in app.button if button.label == "Undo the last decision").click().run()
    assert not app.exception
    assert "The forecast was stopped" not in said(app)
    edit(35.0)
    # Another edit is another forecast: the one that was stopped does not stand for it.
    assert len(started) == 2


@pytest.mark.usefixtures("own_home")
def test_a_decision_that_no_plan_can_be_made_with_can_be_undone(monkeypatch):
    app = correct(at("Corrections"), 20.0, "a fair in town")
    plan = cached.plan
    monkeypatch.setattr(cached, "plan", lambda *_: (_ for _ in ()).throw(ZeroDivisionError))
    app.run()
    assert "The plan could not be made" in said(app)
    monkeypatch.setattr(cached, "plan", plan)
    next(button for button in app.button if button.label == "Undo the last decision").click().run()
    assert not app.exception
    assert "None: the plan stands" in said(app)
