"""The Replenishment page: what its tabs stand on, and every tab on the sample, on a made-up plan and on poor ones."""

import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from data import service
from pages.components import cached, charts, exceptions_view, lookups, purchases, weeks, work
from pages.components.filters import Filters
from pages.components.formats import money
from planning.grid import build_grid
from planning.params import Params
from tests.pages.fake_plan import fake_history, fake_plan
from tests.pages.test_pages import on_sample, opened, said, sample_home, widget  # noqa: F401

PAGE = "pages/replenishment.py"
TABS = ("Today", "By week", "Exceptions", "Orders", "Changes")


@pytest.fixture(scope="module")
def plan():
    return fake_plan()


def unpriced(plan):
    rows = plan.replenishment.assign(order_value=np.nan, lost_margin=np.nan, excess_value=np.nan)
    return replace(
        plan,
        items=plan.items.assign(unit_cost=np.nan, unit_price=np.nan),
        replenishment=rows,
        orders=plan.orders.assign(unit_cost=np.nan, line_value=np.nan),
    )


def idle(plan):
    """Nothing to do today."""
    rows = plan.replenishment.assign(action="none", order_quantity=0.0, transfer_quantity=0.0, order_wanted=0.0)
    return replace(plan, replenishment=rows, orders=plan.orders.iloc[:0], planned_orders=plan.planned_orders.iloc[:0])


# --- what is at stake ------------------------------------------------------------------------------------------------


def test_the_work_list_puts_the_most_at_stake_first_and_leaves_out_idle_stock(plan):
    rows = work.work_list(plan)
    assert rows["stake"].is_monotonic_decreasing
    assert set(rows["action"]) <= set(work.ACTIONS)
    assert rows["stake"].notna().all()


def test_at_stake_is_the_margin_lost_before_an_order_arrives_and_what_todays_order_saves(plan):
    rows = plan.replenishment
    margin = (plan.items["unit_price"] - plan.items["unit_cost"]).to_numpy()
    wanted = (rows["expected_lost_units"] + rows["units_saved"]).to_numpy() * margin
    known = ~np.isnan(margin)
    np.testing.assert_allclose(work.at_stake(plan).to_numpy()[known], wanted[known])


def test_without_prices_units_are_at_stake(plan):
    poor = unpriced(plan)
    assert not work.priced(poor)
    rows = poor.replenishment
    np.testing.assert_allclose(work.at_stake(poor), rows["expected_lost_units"] + rows["units_saved"])


def test_purchases_are_ranked_by_what_they_save_for_their_cost(plan):
    found = work.ranked(plan)
    assert found.rows["rate"].is_monotonic_decreasing
    np.testing.assert_allclose(found.rows["spent"], found.rows["value"].cumsum())
    assert found.value == pytest.approx(float(plan.replenishment["order_value"].sum()))
    assert found.unpriced == int((plan.orders["unit_cost"].isna()).sum())


def test_the_ranking_holds_what_is_wanted_whatever_the_budget_left_of_it(plan):
    rows = plan.replenishment
    cut = replace(plan, replenishment=rows.assign(order_quantity=0.0, order_value=0.0))
    assert work.ranked(cut).value == pytest.approx(work.ranked(plan).value)
    assert (work.ranked(cut).rows["ordered"] == 0).all()


def test_the_cut_line_splits_what_is_bought_from_what_is_cut(plan):
    found = work.ranked(plan)
    figure = charts.cut_line(found, found.value / 2, "€")
    bought, cut = figure.data
    assert bought.x[-1] == pytest.approx(found.value / 2) == cut.x[0]
    assert cut.x[-1] == pytest.approx(found.value)
    assert len(charts.cut_line(found, None, "€").data) == 1
    assert len(charts.cut_line(work.ranked(unpriced(plan)), 1.0).data) == 0


def test_a_long_ranking_is_drawn_in_few_steps_that_add_up():
    n = 5_000
    rate = np.sort(np.random.default_rng(0).uniform(0, 1, n))[::-1]
    rows = pd.DataFrame({"value": 1.0, "saved": rate, "rate": rate, "spent": np.arange(1.0, n + 1)})
    figure = charts.cut_line(work.Ranked(rows, 0, in_money=True), 2_000.0)
    assert max(len(trace.x) for trace in figure.data) <= 401
    area = sum(float(np.sum(np.diff(t.x) * np.asarray(t.y)[:-1])) for t in figure.data)
    assert area == pytest.approx(rate.sum(), rel=1e-3)


# --- weeks -----------------------------------------------------------------------------------------------------------


def test_the_identity_of_stock_holds_in_every_week(plan):
    found = weeks.by_week(plan)
    after = found.starting_stock - found.sales + found.receipts + found.orders
    np.testing.assert_allclose(after, found.closing_stock, atol=1e-6)
    np.testing.assert_allclose(found.starting_stock[:, 1:], found.closing_stock[:, :-1])
    assert (found.unmet >= 0).all()


def test_the_lines_together_say_what_each_says_alone(plan):
    found, rows = weeks.by_week(plan), np.array([0, 5, 17])
    for row in rows:
        alone = build_grid(plan, *found.keys.iloc[row], weeks.WEEKS)
        for name in weeks.MEASURES:
            np.testing.assert_allclose(found.of(name, np.array([row]))[0], alone[name], atol=1e-6)


def test_everything_of_a_line_stands_together(plan):
    found = weeks.by_week(plan)
    rows = weeks.everything(found, np.array([5, 2]))
    assert rows["item_id"].tolist()[:7] == [found.keys["item_id"].iloc[5]] * 7
    assert rows["measure"].tolist() == [*weeks.MEASURES.values()] * 2
    assert rows.iloc[1, 3:].tolist() == pytest.approx(found.sales[5].round(1).tolist())


# --- orders ----------------------------------------------------------------------------------------------------------


def approved_of(plan, supplier):
    """The orders of one supplier as the service tells them once they are approved."""
    mine = plan.orders[plan.orders["supplier_id"] == supplier]
    return mine.assign(ordered_on=mine["order_on"], due_on=mine["arrives_on"], status="approved", late=False)


def test_orders_stand_by_supplier_and_location_with_what_they_lack_of_the_minimum(plan):
    rows = purchases.order_lines(plan, pd.DataFrame())
    first = rows.groupby("order_number")["line_value"].sum()
    name = first.index[0]
    supplier = rows.loc[rows["order_number"] == name, "supplier_id"].iloc[0]
    orders = purchases.by_order(rows, {supplier: float(first[name]) + 10})
    told = orders.loc[orders["order_number"] == name, "told"].iloc[0]
    assert told.endswith("short") or told.startswith("not known")
    assert orders["lines"].sum() == len(plan.orders)
    assert (
        purchases.by_order(rows, {supplier: 1.0})["told"]
        .isin(["met", "none asked", "not known: a cost is missing"])
        .all()
    )


def test_approved_orders_stand_beside_proposed_ones_and_count_against_the_budget(plan):
    supplier = str(plan.orders["supplier_id"].iloc[0])
    done = approved_of(plan, supplier)
    rest = replace(plan, orders=plan.orders[plan.orders["supplier_id"] != supplier], params=plan.params.but(budget=1e6))
    rows = purchases.order_lines(rest, done)
    assert (rows["state"] == purchases.APPROVED).sum() == len(done)
    orders = purchases.by_order(rows, {})
    now = purchases.totals(rows, orders, rest)
    assert now.approved + now.proposed == pytest.approx(float(plan.orders["line_value"].sum()))
    assert "approved" in purchases.in_words(now, orders, "€")


def test_what_to_ask_of_the_supplier_names_order_units_item_and_day(plan):
    row = pd.Series(
        {
            "item_id": "00001",
            "location_id": "DC",
            "kind": "expedite",
            "order_id": "PO-1",
            "quantity": 120.0,
            "due_on": pd.Timestamp("2026-05-20"),
            "move_to": pd.Timestamp("2026-05-11"),
        }
    )
    said = exceptions_view.ask(row, plan)
    assert "PO-1" in said
    assert "120 units of 00001" in said
    assert "forward to Mon 11 May 2026" in said
    assert "cancel" in exceptions_view.ask(row.replace("expedite", "cancel"), plan)


# --- the page --------------------------------------------------------------------------------------------------------


def at(tab, **query):
    app = opened(PAGE, **query)
    if tab != TABS[0]:
        app.session_state["replenishment_tab"] = tab
        app.run()
    return app


def shown(monkeypatch, plan):
    monkeypatch.setattr(cached, "plan", lambda *_: plan)
    monkeypatch.setattr(lookups, "history", lambda *_: fake_history())


@pytest.mark.usefixtures("on_sample")
@pytest.mark.parametrize("tab", TABS)
def test_a_tab_opens_on_the_sample(tab):
    app = at(tab)
    assert not app.exception
    assert not app.error
    assert "nan" not in said(app).lower().split()


@pytest.mark.usefixtures("on_sample")
@pytest.mark.parametrize("tab", TABS)
@pytest.mark.parametrize("change", [lambda p: p, unpriced, idle], ids=["whole", "no prices", "nothing to do"])
def test_a_tab_opens_on_a_plan_that_lacks_things(tab, change, plan, monkeypatch):
    shown(monkeypatch, change(plan))
    app = at(tab)
    assert not app.exception
    assert "nan" not in said(app).lower().split()
    assert "<script>" not in said(app)


@pytest.mark.usefixtures("on_sample")
@pytest.mark.parametrize("tab", TABS)
def test_a_tab_opens_on_a_single_line(tab, plan, monkeypatch):
    shown(monkeypatch, Filters(location=("DC",), search="00001").narrow(plan))
    assert not at(tab).exception


@pytest.mark.usefixtures("on_sample")
def test_the_slider_of_the_budget_sets_the_budget_of_every_page():
    app = opened(PAGE, set='{"budget": 5000}')
    slider = widget(app, "budget_slider")
    assert slider.value == 5000
    slider.set_value(slider.max).run()
    assert not app.exception
    assert "set" not in app.query_params
    assert "No limit" in [m.value for m in app.metric]


@pytest.mark.usefixtures("on_sample")
def test_a_budget_says_what_it_buys_and_what_falls_below_the_line():
    app = opened(PAGE, set='{"budget": 5000}')
    assert "fall short by" in said(app)
    assert "The budget buys" in said(app)


@pytest.mark.usefixtures("on_sample")
@pytest.mark.parametrize("measure", [*weeks.MEASURES, "everything"])
def test_each_measure_of_the_weeks_is_shown(measure):
    app = at("By week")
    widget(app, "week_measure").set_value(measure).run()
    assert not app.exception


# --- what people decide ----------------------------------------------------------------------------------------------


@pytest.fixture
def own_sample(sample_home, tmp_path, monkeypatch):  # noqa: F811
    """A workspace of the test's own, whose decisions nobody else sees."""
    home = tmp_path / "home"
    shutil.copytree(sample_home, home)
    monkeypatch.setenv("STOCKCAST_HOME", str(home))
    monkeypatch.setenv("STOCKCAST_MODE", "local")
    visitor = service.Visitor.arriving("local")
    return visitor, service.current_snapshot(visitor)


def ticked(app, key, *rows):
    """Tick rows of a list, under the key that it has now."""
    turn = f"kept_{key}_turn"
    key = f"{key}_{app.session_state[turn]}" if turn in app.session_state else key
    app.session_state[key] = {"selection": {"rows": list(rows), "columns": [], "cells": []}}
    return app.run()


def label(app, key):
    return widget(app, key).label


def test_approved_lines_leave_the_work_list_stand_as_open_orders_and_come_back_with_undo(own_sample):
    visitor, snapshot = own_sample
    app = at("Today")
    before = label(app, "work_approve")
    ticked(app, "work", 0)
    assert label(app, "work_approve").startswith("Approve 1 order line")
    widget(app, "work_approve").click().run()
    assert not app.exception
    assert not app.error
    made = service.approvals(visitor, snapshot)
    assert len(made) == 1
    assert made["status"].iloc[0] == "approved"
    # The line that moved up is not ticked in its place.
    assert label(app, "work_approve") != before
    assert label(app, "work_approve").startswith("Approve all ")
    assert service.planned_inputs(visitor, snapshot)["approved_orders"]["item_id"].tolist() == made["item_id"].tolist()
    widget(app, "work_undo").click().run()
    assert service.approvals(visitor, snapshot).empty
    assert label(app, "work_approve") == before


def test_a_snoozed_line_is_away_until_its_day_and_a_note_stands_on_it(own_sample):
    visitor, snapshot = own_sample
    app = at("Today")
    ticked(app, "work", 0)
    widget(app, "note_text").set_value("they <b>promised</b> Monday").run()
    widget(app, "note_do").click().run()
    assert not app.exception
    assert "Note: they" in said(app)
    ticked(app, "work", 0)
    widget(app, "snooze_do").click().run()
    assert not app.exception
    away = service.snoozed(visitor, snapshot, service.default_as_of(service.inputs(visitor, snapshot)))
    assert len(away) == 1
    assert "Show 1 snoozed line" in [toggle.label for toggle in app.toggle]
    assert service.notes(visitor, snapshot)["text"].tolist() == ["they <b>promised</b> Monday"]


def test_a_snoozed_line_is_woken_from_the_list(own_sample):
    visitor, snapshot = own_sample
    app = at("Today")
    ticked(app, "work", 0)
    widget(app, "snooze_do").click().run()
    as_of = service.default_as_of(service.inputs(visitor, snapshot))
    assert len(service.snoozed(visitor, snapshot, as_of)) == 1
    widget(app, "work_snoozed").set_value(True).run()
    assert widget(app, "work_wake").disabled
    # The list is sorted by money, snoozed or not: the line stands where it stood.
    ticked(app, "work", 0)
    assert label(app, "work_wake") == "Wake 1 line"
    widget(app, "work_wake").click().run()
    assert not app.exception
    assert service.snoozed(visitor, snapshot, as_of).empty


def test_a_note_stands_on_an_approved_order_and_the_log_tells_who_did_what(own_sample):
    visitor, snapshot = own_sample
    app = at("Orders")
    widget(app, "order_approve").click().run()
    ticked(app, "order_list", 0)
    widget(app, "order_note_text").set_value("by <b>boat</b>").run()
    widget(app, "order_note_do").click().run()
    assert not app.exception
    assert not app.error
    kept = service.notes(visitor, snapshot)
    assert kept["text"].tolist() == ["by <b>boat</b>"]
    assert kept["order_number"].iloc[0] in set(service.approvals(visitor, snapshot)["order_number"])
    app.session_state["orders_activity"] = True
    app.run()
    assert not app.exception
    assert frame_with(app, "note")["note"].tolist().count("by <b>boat</b>") == 1
    told = frame_with(app, "what")
    assert len(told) == len(service.activity(visitor)) >= 3


def frame_with(app, column):
    """The table of the page that has this column."""
    return next(each.value for each in app.dataframe if column in each.value)


def test_what_an_open_order_is_asked_for_is_one_letter_of_all_its_lines():
    rows = pd.DataFrame({
        "item_id": ["a", "b", "c"], "location_id": "DC", "kind": ["postpone", "postpone", "cancel"],
        "order_id": ["P-1", "P-1", "P-2"], "quantity": [5.0, 7.0, 9.0], "value": [10.0, 20.0, np.nan],
        "due_on": pd.Timestamp(2026, 5, 4), "move_to": [pd.Timestamp(2026, 6, 1), pd.Timestamp(2026, 6, 8), pd.NaT],
    })  # fmt: skip
    orders = exceptions_view.by_order(rows)
    assert orders[["order_id", "lines", "quantity"]].to_numpy().tolist() == [["P-1", 2, 12], ["P-2", 1, 9]]
    assert orders["value"].iloc[0] == 30
    assert np.isnan(orders["value"].iloc[1])
    letter = exceptions_view.ask_order(rows.iloc[:2], "postpone").splitlines()
    assert letter[0] == "Order P-1: please postpone these lines:"
    assert letter[1:] == [
        "a for DC, 5 units, due Mon 4 May 2026, to Mon 1 Jun 2026",
        "b for DC, 7 units, due Mon 4 May 2026, to Mon 8 Jun 2026",
    ]


def test_an_order_edited_in_a_week_is_pinned_with_its_reason_and_taken_back(own_sample):
    visitor, snapshot = own_sample
    app = at("By week")
    editor = app.get("data_editor")[0].key
    widget(app, "week_reason").set_value("a fair in town").run()
    app.session_state[editor] = {"edited_rows": {0: {"placed": 999.0}}, "added_rows": [], "deleted_rows": []}
    app.run()
    widget(app, "week_save").click().run()
    assert not app.exception
    assert not app.error
    pins = service.pins(visitor, snapshot)
    assert pins["value"].tolist() == [999]
    assert pins["reason"].tolist() == ["a fair in town"]
    reset = next(b for b in app.button if b.label.endswith("999 units"))
    reset.click().run()
    assert not app.exception
    assert service.pins(visitor, snapshot).empty


def test_orders_are_approved_and_taken_back_by_order(own_sample):
    visitor, snapshot = own_sample
    app = at("Orders")
    ticked(app, "order_list", 0)
    widget(app, "order_approve").click().run()
    assert not app.exception
    assert service.approvals(visitor, snapshot)["order_number"].nunique() == 1
    assert "approved and open" in said(app)
    rows = purchases.by_order(
        purchases.order_lines(
            cached.plan(visitor, snapshot, *of_now(visitor, snapshot)), service.approvals(visitor, snapshot)
        ),
        {},
    )
    ticked(app, "order_list", int((rows["state"] == purchases.APPROVED).argmax()))
    widget(app, "order_unapprove").click().run()
    assert not app.exception
    assert service.approvals(visitor, snapshot).empty


def of_now(visitor, snapshot):
    return service.default_as_of(service.inputs(visitor, snapshot)), Params(currency="€")


def test_a_plan_is_made_in_two_steps_adopted_and_compared_with_the_next(own_sample):
    visitor, snapshot = own_sample
    app = at("Changes")
    widget(app, "plan_next").click().run()
    assert not app.exception
    assert "step 2 of 2" in said(app)
    widget(app, "plan_back").click().run()
    assert "step 1 of 2" in said(app)
    widget(app, "plan_next").click().run()
    widget(app, "plan_create").click().run()
    assert not app.exception
    assert not app.error
    assert [p.status for p in service.plans(visitor)] == ["draft"]
    widget(app, "plan_adopt").click().run()
    assert [p.status for p in service.plans(visitor)] == ["plan of record"]
    service.pin(visitor, snapshot, **first_order(visitor, snapshot), kind="order_quantity", value=999)
    app.run()
    widget(app, "plan_rebuild").click().run()
    assert not app.exception
    assert not app.error
    assert len(service.plans(visitor)) == 2
    assert "changed" in said(app)


def first_order(visitor, snapshot):
    as_of, params = of_now(visitor, snapshot)
    row = cached.plan(visitor, snapshot, as_of, params).orders.iloc[0]
    return {"item_id": row["item_id"], "location_id": row["location_id"], "order_on": as_of}


def test_what_was_approved_this_morning_is_paid_from_the_budget(own_sample):
    app = at("Orders", set='{"budget": 6000}')
    widget(app, "order_approve").click().run()
    assert not app.exception
    left = next(m.value for m in app.metric if m.label == "Cash left in the budget")
    spent = ordering_total(*own_sample)
    assert spent > 3000
    assert left == money(6000 - spent, "€")
    app.session_state["replenishment_tab"] = "Today"
    app.run()
    assert "went to orders approved this morning" in said(app)


def ordering_total(visitor, snapshot):
    return float(service.approvals(visitor, snapshot)["value"].sum())


def test_an_order_set_by_hand_and_approved_is_not_proposed_again(own_sample):
    visitor, snapshot = own_sample
    line = first_order(visitor, snapshot)
    as_of, params = of_now(visitor, snapshot)
    service.pin(visitor, snapshot, **line, kind="order_quantity", value=999)

    def ordered() -> pd.DataFrame:
        orders = cached.plan(visitor, snapshot, as_of, params).orders
        return orders[(orders["item_id"] == line["item_id"]) & (orders["location_id"] == line["location_id"])]

    found = ordered()
    assert found["quantity"].tolist() == [999]
    service.approve(visitor, snapshot, found)
    assert ordered().empty
