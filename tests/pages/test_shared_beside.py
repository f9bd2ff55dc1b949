"""What a link shows beside its plan: the Overview's key figures, and the newest replay where the planner ticked it."""

import re

import pandas as pd
import pytest

from data import service
from pages.components import cached, replay_runs, sharing_links
from tests.pages.fake_replay import fake_curve, fake_result
from tests.pages.hosting import HASH, PARAMS, link, opened, planner, said, sample_plan

MONEY = re.compile(r"€|\bEUR\b|margin of|at cost, ")
REPLAY = "pages/replay.py"


@pytest.fixture(autouse=True, scope="module")
def _hosted(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STOCKCAST_HOME", str(tmp_path_factory.mktemp("beside")))
        patch.setenv("STOCKCAST_MODE", "hosted")
        patch.setenv("STOCKCAST_PASSPHRASE_HASH", HASH)
        cached.forget_all()
        yield
        cached.forget_all()


def beside(**told) -> str:
    """A token with key figures of the sample company and a replay of its lines."""
    who = planner()
    snapshot, plan = sample_plan(who)
    past = fake_result(plan.items, names=("plan", "cover", "textbook"))
    return link(
        figures=lambda keys: cached.figures(who, snapshot, plan.as_of, PARAMS, keys),
        replay=(past, fake_curve(past)),
        **told,
    )


@pytest.fixture(scope="module")
def full(_hosted):
    return beside(hide_costs=False)


@pytest.fixture(scope="module")
def bare(_hosted):
    return beside()


@pytest.fixture(scope="module")
def local(_hosted):
    return beside(hide_costs=False, location="ST-02")


def keys(app) -> set[str]:
    return {str(button.key) for button in app.button}


def test_a_viewers_overview_is_the_planners_with_its_numbers_list_and_key_figures(full):
    app = opened(full)
    assert not app.exception
    assert [metric.label for metric in app.metric] == ["Margin at risk", "Excess and dead stock", "Orders due today"]
    assert {"Work list", "Key figures", "Stock value and cash out, next 13 weeks"} <= {h.value for h in app.header}
    assert {"kpi_stock_value", "kpi_turnover", "kpi_supplier_on_time", "kpi_forecast_accuracy"} <= keys(app)
    assert not {key for key in keys(app) if key.startswith(("strip_", "do_"))}
    assert "What changed since the last plan" not in said(app)
    who = planner()
    snapshot, plan = sample_plan(who)
    value = cached.figures(who, snapshot, plan.as_of, PARAMS)["stock_value"].value
    assert f"€\N{NO-BREAK SPACE}{value / 1000:,.0f}" in said(app)


def test_a_key_figure_opens_for_a_viewer_without_a_way_to_bring_data(full):
    app = opened(full)
    app.session_state["kept_kpi_open"] = "stock_value"
    app.run()
    assert not app.exception
    assert "How it is made up" in said(app)
    assert "kpi_import" not in keys(app)
    assert {"Excel"} <= {button.label for button in app.get("download_button")}


def test_without_costs_no_key_figure_tells_of_money(bare):
    app = opened(bare)
    assert {"kpi_forecast_accuracy", "kpi_fill_rate_achieved", "kpi_space_used"} <= keys(app)
    assert not {"kpi_stock_value", "kpi_turnover", "kpi_gmroi", "kpi_cash_out", "kpi_days_of_supply"} & keys(app)
    assert not MONEY.search(said(app))
    for key in sorted(key.removeprefix("kpi_") for key in keys(app) if key.startswith("kpi_")):
        app.session_state["kept_kpi_open"] = key
        app.run()
        assert not app.exception
        assert not MONEY.search(said(app)), key


def test_of_one_location_the_key_figures_are_its_own(local):
    app = opened(local)
    assert "kpi_stock_value" in keys(app)
    assert not {"kpi_supplier_on_time", "kpi_turnover", "kpi_space_used"} & keys(app)
    who = planner()
    snapshot, plan = sample_plan(who)
    lines = plan.items.loc[plan.items["location_id"] == "ST-02", ["item_id", "location_id"]]
    mine = cached.figures(who, snapshot, plan.as_of, PARAMS, lines)["stock_value"]
    app.session_state["kept_kpi_open"] = "stock_value"
    app.run()
    assert set(app.dataframe[-1].value["location_id"]) == {"ST-02"}
    assert sum(app.dataframe[-1].value["stock_value"]) <= mine.value + 0.01


def test_a_replay_that_was_shared_has_its_page_answer_table_and_limits(full):
    app = opened(full, REPLAY)
    assert not app.exception
    assert [metric.label for metric in app.metric] == ["Service achieved", "Average stock", "Lost margin"]
    told = said(app)
    assert "Which would have been better?" in told
    assert "Can it be believed?" in told
    assert "What a replay cannot know" in told
    assert "\\\\<b\\\\>weeks" in told
    assert len(app.get("plotly_chart")) == 1
    # Nothing can be run, used or shared from here.
    assert keys(app) <= {"None"}
    assert not app.selectbox


def test_a_replay_without_costs_tells_units_alone(bare):
    app = opened(bare, REPLAY)
    assert [metric.label for metric in app.metric] == ["Service achieved", "Average stock", "Lost"]
    assert not MONEY.search(said(app))
    assert "Average stock, units" in said(app)
    for word in ("Lost margin", "Total cost", "Average stock value", "Stock turns"):
        assert word not in app.dataframe[0].value.to_csv()


def test_a_replay_of_one_location_counts_its_lines_alone(local):
    app = opened(local, REPLAY)
    assert not app.exception
    _, plan = sample_plan(planner())
    some = int((plan.items["location_id"] == "ST-02").sum())
    assert f"{some} item-locations" in said(app)
    assert f"{len(plan.items)} item-locations" not in said(app)


def test_without_a_replay_a_link_offers_no_such_page():
    with pytest.raises(ValueError, match="navigation page"):
        opened(link(), REPLAY)


# --- the dialog -------------------------------------------------------------------------------------------------------


@pytest.fixture
def asked(monkeypatch):
    """What the page asks the service for when a link is made."""
    told = []

    def make(*_, **more):
        told.append(more | {"made": more["figures"](None)})
        return service.NewLink("t" * 43, None)

    monkeypatch.setattr(sharing_links.service, "make_link", make)
    return told


def signed_in(page: str = ""):
    service.use_sample(planner())
    app = opened()
    app.text_input[0].set_value("Kim")
    app.text_input[1].set_value("seven quiet boats at noon")
    app.button[0].click()
    app.run()
    return app.switch_page(page).run() if page else app


def press(app, key):
    next(button for button in app.button if button.key == key).click().run()
    assert not app.exception
    return app


@pytest.mark.parametrize("tick", [True, False])
def test_the_newest_replay_goes_along_where_it_is_ticked(asked, monkeypatch, tick):
    _, plan = sample_plan(planner())
    past = fake_result(plan.items)
    curve = fake_curve(past)
    monkeypatch.setattr(replay_runs, "newest", lambda: ("Last *52* weeks", past, curve))
    app = press(signed_in(), "share_open")
    toggle = next(one for one in app.toggle if one.key == "share_replay")
    assert toggle.value is False
    assert "\\*52\\*" in toggle.help
    if tick:
        toggle.set_value(True).run()
    press(app, "share_make")
    (told,) = asked
    assert (told["replay"] is not None) == tick
    if tick:
        assert told["replay"][0] is past
        pd.testing.assert_frame_equal(told["replay"][1], curve)
    assert told["page"] == ""
    assert "stock_value" in told["made"]


def test_without_a_replay_there_is_nothing_to_tick(asked, monkeypatch):
    monkeypatch.setattr(replay_runs, "newest", lambda: None)
    app = press(signed_in(), "share_open")
    assert "share_replay" not in {one.key for one in app.toggle}
    press(app, "share_make")
    assert asked[0]["replay"] is None


def test_key_figures_that_cannot_be_made_are_no_reason_to_share_nothing(asked, monkeypatch):
    monkeypatch.setattr(replay_runs, "newest", lambda: None)

    def broken(*_, **__):
        msg = "the figures are of other lines"
        raise service.PlanningError(msg)

    monkeypatch.setattr(cached, "figures", broken)
    app = press(signed_in(), "share_open")
    press(app, "share_make")
    assert asked[0]["made"] == {}
