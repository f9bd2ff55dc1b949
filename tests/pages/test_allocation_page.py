"""The Allocation page: what its parts stand on, every tab on the sample, on a made-up plan and on poor ones."""

import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from data import service
from pages.components import cached, charts, sharing
from planning.result import empty_result
from planning.tables import INPUT_TABLES
from tests.pages.fake_plan import fake_plan
from tests.pages.test_pages import on_sample, opened, said, sample_home, widget  # noqa: F401

PAGE = "pages/allocation.py"
TABS = ("Transfers", "Why so many", "Short everywhere", "Fair or best", "Approved")
NO_PINS = pd.DataFrame(columns=list(INPUT_TABLES["transfer_pins"].names))
KNOWN = ["fill_rate_before", "fill_rate_after", "at_risk_before", "at_risk_after", "need_units", "last_worth"]


@pytest.fixture(scope="module")
def plan():
    return fake_plan()


def poor(plan):
    """A plan that tells no more than before_after must: neither rules, limits nor money."""
    return replace(
        plan,
        before_after=plan.before_after.drop(columns=[*KNOWN, "next_worth", "bound"]),
        sharing=empty_result("sharing"),
        limits=empty_result("limits"),
        items=plan.items.assign(unit_cost=np.nan, unit_price=np.nan),
    )


def unpriced(plan):
    money = {"at_risk_before": np.nan, "at_risk_after": np.nan, "last_worth": np.nan, "next_worth": np.nan}
    return replace(
        plan,
        before_after=plan.before_after.assign(**money),
        sharing=plan.sharing.assign(value_money=np.nan, lost_margin=np.nan),
        items=plan.items.assign(unit_cost=np.nan, unit_price=np.nan),
    )


# --- what it stands on ------------------------------------------------------------------------------------------------


def test_lines_hold_every_transfer_and_what_was_set_to_nothing(plan):
    line = plan.allocation.iloc[0]
    other = plan.items[plan.items["location_id"] == "YORK"].iloc[0]
    pins = pd.DataFrame(
        [
            {**{c: line[c] for c in sharing.LANE}, "quantity": 3.0, "made_at": "1"},
            {**{c: line[c] for c in sharing.LANE}, "quantity": 4.0, "made_at": "2"},
            {"item_id": other["item_id"], "source_id": "HULL", "destination_id": "YORK", "quantity": 0.0},
            {"item_id": "ghost", "source_id": "HULL", "destination_id": "YORK", "quantity": 0.0},
        ]
    )
    rows = sharing.lines(plan, pins)
    assert len(rows) == len(plan.allocation) + 1
    assert rows["quantity"].sum() == pytest.approx(plan.allocation["quantity"].sum())
    assert sorted(rows["by_hand"].dropna()) == [0.0, 4.0]
    assert rows["reason"].notna().all()
    assert sharing.lines(plan, NO_PINS)["by_hand"].isna().all()


def test_a_way_that_is_used_on_two_days_keeps_its_lines_apart_and_the_hand_is_for_today(plan):
    line = plan.allocation.iloc[[0]]
    later = line.assign(ship_on=line["ship_on"] + pd.Timedelta(days=2), quantity=7.0)
    twice = replace(plan, allocation=pd.concat([plan.allocation, later], ignore_index=True))
    pins = line[list(sharing.LANE)].assign(quantity=4.0, made_at="1")
    mine = sharing.lines(twice, pins).merge(line[list(sharing.LANE)])
    assert mine.sort_values("ship_on")["by_hand"].fillna(-1).tolist() == [4.0, -1.0]
    assert sorted(mine["quantity"]) == sorted([7.0, float(line["quantity"].iloc[0])])


def test_a_quantity_set_by_hand_leaves_the_list_once_it_is_approved(plan):
    line = plan.allocation.iloc[[0]]
    rest = replace(plan, allocation=plan.allocation.iloc[1:])
    pins = line[list(sharing.LANE)].assign(quantity=4.0, made_at="1")
    for units, left in ((4.0, 0), (3.0, 1)):
        done = line[list(sharing.LANE)].assign(quantity=units)
        assert len(sharing.lines(rest, pins, done)) == len(rest.allocation) + left
    none = pins.assign(quantity=0.0)
    assert len(sharing.lines(rest, none, line[list(sharing.LANE)].assign(quantity=4.0))) == len(plan.allocation)


def test_what_is_asked_for_is_told_in_its_parts():
    line = pd.Series({"requested": 132.0, "need_units": -41.0})
    assert sharing.parts_asked(line) == (
        "Asked for 132 units: safety stock and whole packs 173 units, less 41 units there beyond the expected demand."
    )
    assert "is there 100 units, safety stock and whole packs 32 units." in sharing.parts_asked(
        pd.Series({"requested": 132.0, "need_units": 100.0})
    )
    assert sharing.parts_asked(pd.Series({"requested": 132.0})) == ""


def test_the_price_of_fairness_is_what_the_rule_in_force_gives_up(plan):
    price = sharing.price_of_fairness(plan)
    assert (price.money, price.lost_units) == (120.0, 14.0)
    other = replace(plan, params=plan.params.but(fair_rule="equal_service"))
    assert sharing.price_of_fairness(other).money == 95.0
    assert sharing.price_of_fairness(unpriced(plan)).money is None
    assert sharing.price_of_fairness(poor(plan)) is None
    assert sharing.compared(plan)["method"].tolist()[0] == "optimal"


def test_only_measures_that_are_known_are_offered(plan):
    assert sharing.measures(plan.before_after) == ["days", "fill_rate", "at_risk"]
    assert sharing.measures(unpriced(plan).before_after) == ["days", "fill_rate"]
    assert sharing.measures(poor(plan).before_after) == ["days"]


def test_the_limits_of_a_line_are_those_that_may_bind_it(plan):
    line = plan.allocation[plan.allocation["destination_id"] == "LEEDS"].iloc[0]
    rows = sharing.limits_of(plan, line["item_id"], "LEEDS")
    assert rows["kind"].tolist() == ["lane", "source", "room"]
    assert sharing.limits_of(poor(plan), line["item_id"], "LEEDS").empty
    hull = sharing.limits_of(plan, line["item_id"], "HULL")
    assert set(hull["kind"]) <= {"source"}


def test_locations_are_weighed_by_their_demand_in_the_fill_rate(plan):
    figure = charts.sharing_before_after(plan.before_after, "fill_rate")
    asked = plan.before_after[(plan.before_after["requested"] > 0) | (plan.before_after["transferred"] > 0)]
    place = figure.data[0].customdata[0]
    mine = asked[asked["location_id"] == place]
    told = np.average(mine["fill_rate_before"], weights=mine["demand_mean_per_day"])
    assert figure.data[0].x[0] == pytest.approx(told)


# --- the page ---------------------------------------------------------------------------------------------------------


def at(tab):
    app = opened(PAGE)
    app.session_state["allocation_tab"] = tab
    return app.run()


@pytest.mark.usefixtures("on_sample")
@pytest.mark.parametrize("tab", TABS)
def test_each_tab_opens_on_the_sample(tab):
    app = at(tab)
    assert not app.exception
    assert not app.error


@pytest.mark.usefixtures("on_sample")
@pytest.mark.parametrize("make", [lambda plan: plan, poor, unpriced], ids=["whole", "poor", "unpriced"])
@pytest.mark.parametrize("tab", TABS)
def test_each_tab_opens_on_whole_and_on_poor_plans(plan, make, tab, monkeypatch):
    monkeypatch.setattr(cached, "plan", lambda *_: make(plan))
    app = at(tab)
    assert not app.exception
    if make(plan) is plan and tab == "Fair or best":
        assert "gives up **€ 120** and loses 14 units more than" in said(app).replace("\u00a0", " ")
    if make(plan) is plan and tab == "Why so many":
        assert "The first one" not in said(app)
        assert "One more unit at DC would be worth **€ 4.50**" in said(app).replace("\u00a0", " ")


@pytest.mark.usefixtures("on_sample")
def test_the_head_tells_what_the_best_split_gains_over_the_fair_one(plan, monkeypatch):
    monkeypatch.setattr(cached, "plan", lambda *_: plan)
    metrics = {metric.label: metric.value.replace("\u00a0", " ") for metric in opened(PAGE).metric}
    assert metrics["Gained over a fair share"] == "€ 120"
    assert {"To move today", "Short everywhere"} <= set(metrics)


@pytest.mark.usefixtures("on_sample")
def test_a_fair_rule_that_gains_more_than_the_best_split_is_told_as_the_price_of_priorities(plan, monkeypatch):
    value = plan.sharing["value_money"].where(plan.sharing["method"] != "optimal", 870.0)
    loss = plan.allocation.assign(value=-2.0)
    first = replace(plan, sharing=plan.sharing.assign(value_money=value), allocation=loss)
    monkeypatch.setattr(cached, "plan", lambda *_: first)
    app = at("Fair or best")
    metrics = {metric.label: metric.value.replace("\u00a0", " ") for metric in app.metric}
    assert metrics["The price of priorities"] == "€ 10.00"
    assert "less than moving nothing" in said(app)
    assert "gains **€ 10.00** more" in said(app).replace("\u00a0", " ")


@pytest.mark.usefixtures("on_sample")
@pytest.mark.parametrize("measure", ["days", "fill_rate", "at_risk"])
def test_each_measure_is_drawn(plan, measure, monkeypatch):
    monkeypatch.setattr(cached, "plan", lambda *_: plan)
    app = opened(PAGE)
    widget(app, "sharing_measure").set_value(measure).run()
    assert not app.exception


@pytest.mark.usefixtures("on_sample")
def test_nothing_to_share_is_said_with_the_way_out(plan, monkeypatch):
    nothing = replace(plan, before_after=plan.before_after.iloc[:0], allocation=plan.allocation.iloc[:0])
    monkeypatch.setattr(cached, "plan", lambda *_: nothing)
    assert "there is nothing to share" in said(opened(PAGE))


# --- what people decide -----------------------------------------------------------------------------------------------


@pytest.fixture
def own_sample(sample_home, tmp_path, monkeypatch):  # noqa: F811
    """A workspace of the test's own, whose decisions nobody else sees."""
    home = tmp_path / "home"
    shutil.copytree(sample_home, home)
    monkeypatch.setenv("STOCKCAST_HOME", str(home))
    monkeypatch.setenv("STOCKCAST_MODE", "local")
    visitor = service.Visitor.arriving("local")
    return visitor, service.current_snapshot(visitor)


def test_a_quantity_edited_is_fixed_with_its_reason_and_let_go_again(own_sample):
    visitor, snapshot = own_sample
    app = opened(PAGE)
    editor = app.get("data_editor")[0].key
    app.session_state[editor] = {"edited_rows": {0: {"quantity": 1.0}}, "added_rows": [], "deleted_rows": []}
    widget(app, "transfer_why").set_value("a <b>strike</b>").run()
    assert widget(app, "transfer_fix").label == "Fix 1 quantity"
    assert widget(app, "transfer_approve").disabled
    widget(app, "transfer_fix").click().run()
    assert not app.exception
    assert not app.error
    pins = service.transfer_pins(visitor, snapshot)
    assert pins[["quantity", "reason"]].to_numpy().tolist() == [[1.0, "a <b>strike</b>"]]
    reset = next(b for b in app.button if b.label.endswith(": 1 unit"))
    reset.click().run()
    assert not app.exception
    assert service.transfer_pins(visitor, snapshot).empty


def test_approved_transfers_get_numbers_leave_the_list_and_come_back_with_undo(own_sample):
    visitor, snapshot = own_sample
    app = opened(PAGE)
    before = widget(app, "transfer_approve").label
    widget(app, "transfer_approve").click().run()
    assert not app.exception
    assert not app.error
    made = service.transfer_approvals(visitor, snapshot)
    assert set(made["status"]) == {"approved"}
    assert made["transfer_number"].str.startswith("TR-").all()
    assert "all were approved" in said(app)
    assert "All approved this morning: " in said(app)
    assert any("approved transfer order" in b.label for b in app.get("download_button"))
    app.session_state["allocation_tab"] = "Approved"
    app.run()
    app.session_state["approved_transfers"] = {"selection": {"rows": [0], "columns": [], "cells": []}}
    app.run()
    widget(app, "transfer_unapprove").click().run()
    assert not app.exception
    assert len(service.transfer_approvals(visitor, snapshot)) == len(made) - 1
    service.undo(visitor, snapshot)
    service.undo(visitor, snapshot)
    app.session_state["allocation_tab"] = "Transfers"
    assert widget(app.run(), "transfer_approve").label == before
