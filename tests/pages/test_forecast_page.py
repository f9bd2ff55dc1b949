"""The Forecast page: every tab on the sample, on a made-up plan, and on plans that lack things."""

from dataclasses import replace

import numpy as np
import pytest

from pages.components import cached, lookups
from tests.pages.fake_plan import fake_history, fake_plan
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
