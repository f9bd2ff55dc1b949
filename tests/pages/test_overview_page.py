"""The Overview on the sample: what it shows first, what its clicks do, what was decided, filters and poor data."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
import streamlit as st

from data import service
from pages.components import cached, kpi_words, overview_work
from pages.components.formats import money
from planning.params import Params
from tests.pages.fake_kpi import fake_kpis
from tests.pages.test_pages import on_sample, opened, said, sample_home, widget  # noqa: F401
from tests.pages.test_replenishment_page import own_sample  # noqa: F401
from tests.pages.test_report import sheets

EURO = Params(currency="€")


def own():
    visitor = service.Visitor.arriving("local")
    return visitor, service.current_snapshot(visitor)


def sample_plan():
    visitor, snapshot = own()
    return cached.plan(visitor, snapshot, cached.default_as_of(visitor, snapshot), EURO)


def keyed(app, start: str) -> list:
    return [button for button in app.button if (button.key or "").startswith(start)]


def told(app) -> list[str]:
    """The lines of the work list that stand on top."""
    lines = said(app).replace("\\", "").splitlines()
    return [line for line in lines if " at stake · " in line or " tied up · " in line]


# --- what stands there ------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("on_sample")
def test_the_page_begins_with_three_numbers_their_unit_date_and_action():
    app, plan = opened(), sample_plan()
    assert [(metric.label, metric.value) for metric in app.metric[:3]] == [
        ("Margin at risk", money(plan.lines["lost_margin"].sum(), "€")),
        ("Excess and dead stock", money(plan.lines["excess_value"].sum(), "€")),
        ("Orders due today", money(plan.lines["order_value"].sum(), "€")),
    ]
    assert said(app).count(f"{plan.as_of:%-d %b %Y}.") >= 3
    labels = [button.label for button in app.button]
    assert {"See what lies idle", "Open today's orders"} <= set(labels)


@pytest.mark.usefixtures("on_sample")
def test_the_first_five_lines_say_why_and_offer_their_action_and_their_item():
    app, plan = opened(), sample_plan()
    rows = overview_work.work_rows(plan).head(5)
    text = said(app).replace("\\", "")
    for row, why in zip(rows.to_dict("records"), overview_work.why(rows, plan), strict=True):
        assert why in text
        assert f"**{money(row['stake'], '€')}** at stake · **{row['item_id']}**" in text
    assert len(keyed(app, "do_")) == 5
    assert len(keyed(app, "see_")) == 5
    widget(app, keyed(app, "see_")[1].key).click().run()
    assert not app.exception
    assert [title.value for title in app.title] == ["Item"]
    assert app.query_params["item"] in (rows["item_id"].iloc[1], [rows["item_id"].iloc[1]])


@pytest.mark.usefixtures("on_sample")
@pytest.mark.parametrize("kind", overview_work.KINDS)
def test_each_list_has_its_count_and_its_money_and_shows_its_own(kind):
    app, plan = opened(), sample_plan()
    part = overview_work.segments(overview_work.work_rows(plan))[kind]
    control = widget(app, "work_view")
    options = [option.content.replace("\\", "") for option in control.proto.options]
    assert (
        f"{overview_work.KINDS[kind]} {part.lines:,} · {overview_work.amount(part.stake, plan, kind, '€')}" in options
    )
    control.set_value(kind).run()
    assert not app.exception
    assert 0 < len(told(app)) <= overview_work.FIRST
    assert all(f" {overview_work.KINDS[kind]}]" in line for line in told(app))


@pytest.mark.usefixtures("on_sample")
def test_what_lies_idle_is_one_click_away():
    app = opened()
    next(button for button in app.button if button.label == "See what lies idle").click().run()
    assert widget(app, "work_view").value == "reduce"


@pytest.mark.usefixtures("on_sample")
def test_the_table_of_all_lines_holds_all_with_their_reasons():
    app, plan = opened(), sample_plan()
    app.session_state["work_all_all"] = True
    app.run()
    assert not app.exception
    rows = overview_work.work_rows(plan)
    shown = next(frame.value for frame in app.dataframe if "why" in frame.value)
    assert shown["item_id"].tolist() == rows["item_id"].tolist()
    assert shown["why"].str.endswith(".").all()


@pytest.mark.usefixtures("on_sample")
def test_the_filters_narrow_numbers_work_and_figures():
    whole, some = opened(), opened("", location="ST-01")
    assert widget(some, "filter_location").value == ["ST-01"]
    assert whole.metric[0].value != some.metric[0].value
    assert told(some)
    assert all("ST-01" in line for line in told(some))
    assert len(keyed(some, "kpi_")) == len(keyed(whole, "kpi_"))


# --- clicks that decide -----------------------------------------------------------------------------------------------


def test_a_line_is_ordered_with_one_click_and_undo_takes_it_back(own_sample):  # noqa: F811
    visitor, snapshot = own_sample
    app = opened()
    first = keyed(app, "do_order_")[0].key
    widget(app, first).click().run()
    assert not app.exception
    assert not app.error
    made = service.approvals(visitor, snapshot)
    assert len(made) == 1
    assert first == f"do_order_{made['item_id'].iloc[0]}_{made['location_id'].iloc[0]}_"
    assert first not in {button.key for button in keyed(app, "do_order_")}
    assert "approved" in said(app)
    widget(app, "overview_undo").click().run()
    assert service.approvals(visitor, snapshot).empty
    assert keyed(app, "do_order_")[0].key == first


def test_a_transfer_is_sent_with_one_click(own_sample):  # noqa: F811
    visitor, snapshot = own_sample
    app = opened()
    widget(app, "work_view").set_value("transfer").run()
    key = keyed(app, "do_transfer_")[0].key
    widget(app, key).click().run()
    assert not app.exception
    assert not app.error
    as_of = service.default_as_of(service.inputs(visitor, snapshot))
    made = service.transfer_approvals(visitor, snapshot, as_of)
    assert key.startswith(f"do_transfer_{made['item_id'].iloc[0]}_{made['destination_id'].iloc[0]}")


def test_a_snoozed_line_is_no_work_today(own_sample):  # noqa: F811
    visitor, snapshot = own_sample
    plan = sample_plan()
    row = overview_work.work_rows(plan).iloc[0]
    mine = plan.lines.iloc[[int(row["line"])]][["item_id", "location_id", "risk"]]
    service.snooze(visitor, snapshot, mine, plan.as_of.replace(year=plan.as_of.year + 1), reason="asked")
    shown = told(opened())
    assert shown
    assert not [line for line in shown if f"**{row['item_id']}**" in line and row["location_id"] in line]


@pytest.mark.usefixtures("own_sample")
def test_what_changed_since_a_kept_plan_stands_there_with_its_cause():
    app = opened()
    assert "No earlier plan is kept" in said(app)
    widget(app, "keep_plan").click().run()
    assert not app.exception
    # Kept as it is, it is no change; under another demand it is one.
    assert "This plan is kept" in said(app)
    assert not keyed(app, "keep_plan")
    app = opened("", set='{"demand_multiplier": 1.5}')
    assert re.search(
        r"Since \*\*Plan of .* \(kept plan, for Mon 16 Nov 2026\): [\d,]+ order lines changed",
        said(app).replace("\\", ""),
    )
    rows = next(frame.value for frame in app.dataframe if "parts" in frame.value)
    assert rows["value_change"].abs().is_monotonic_decreasing
    assert rows["parts"].str.contains("demand \\+").any()


# --- alerts and figures -----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("on_sample")
@pytest.mark.parametrize(
    ("alert", "title", "tab"),
    [
        ("overdue_orders", "Replenishment", ("replenishment_tab", "Exceptions")),
        ("early_orders", "Replenishment", ("exception_kinds", ["postpone"])),
        ("late_suppliers", "Import", ("import_tabs", "Data quality")),
        ("drifting_forecasts", "Forecast", ("forecast_tab", "Accuracy")),
    ],
)
def test_an_alert_leads_to_where_it_is_mended(alert, title, tab):
    app = opened()
    button = widget(app, f"alert_{alert}")
    assert re.search(r"\d", button.label)
    assert "€" in button.label
    button.click().run()
    assert not app.exception
    assert [one.value for one in app.title] == [title]
    assert app.session_state[tab[0]] == tab[1]


@pytest.mark.usefixtures("on_sample")
def test_each_figure_opens_what_is_behind_it():
    app = opened()
    visitor, snapshot = own()
    figures = cached.figures(visitor, snapshot, cached.default_as_of(visitor, snapshot), EURO)
    shown = {button.key.removeprefix("kpi_") for button in keyed(app, "kpi_")}
    assert shown == set(figures) - set(kpi_words.HEADED)
    for key in ("stock_value", "supplier_on_time", "perfect_order"):
        widget(app, f"kpi_{key}").click().run()
        assert not app.exception
        text = said(app).replace("\\", "")
        assert figures[key].formula in text
        assert figures[key].source in text
        assert figures[key].missing in text
        app.session_state["kept_kpi_open"] = None
        app.run()


@pytest.mark.usefixtures("on_sample")
def test_what_is_past_is_worked_out_once_whatever_parameter_is_moved(monkeypatch):
    cached.forget_all()
    made = []
    real = cached.past_figures
    monkeypatch.setattr(cached, "past_figures", lambda *a, **k: made.append(1) or real(*a, **k))
    for target in (0.93, 0.94, 0.96):
        app = opened("", set=json.dumps({"service_target": target}))
        assert not app.exception
    assert len(made) == 1
    cached.forget_all()


def test_a_figure_that_is_not_known_is_a_dash_and_never_zero():
    told = fake_kpis()
    assert kpi_words.said(told["stockout_rate"], "€") == "–"
    assert kpi_words.said(told["turnover"], "€") == "8.0 a year"
    assert kpi_words.said(told["stock_value"], "€") == "€\u00a01,000"
    assert kpi_words.said(replace(told["supplier_on_time"], value=-0.023), "") == "−2.3 %"
    table = kpi_words.table(told, "€").set_index("figure")
    assert np.isnan(table.loc["Stock-out rate", "value"])


def test_every_figure_stands_in_one_group_and_an_unknown_one_too():
    told = fake_kpis()
    told["brand_new"] = replace(told["turnover"], key="brand_new", name="Brand new")
    found = [kpi.key for _, mine in kpi_words.grouped(told) for kpi in mine]
    assert sorted(found) == sorted(set(told) - set(kpi_words.HEADED))


def test_a_trend_is_drawn_from_its_first_to_its_last_point():
    kpi = fake_kpis()["supplier_on_time"]
    assert kpi_words.trend_in_words(kpi, "") == "From 90.0 % on Wed 31 Dec 2025 to 75.0 % on Mon 30 Nov 2026"
    points = re.search(r'points="([^"]*)"', kpi_words.spark(kpi.trend)).group(1).split()
    heights = [float(point.split(",")[1]) for point in points]
    assert len(points) == len(kpi.trend)
    assert heights == sorted(heights)
    assert kpi_words.spark(kpi.trend.head(1)) == ""


# --- the digest -------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("on_sample")
def test_the_digest_of_the_page_holds_what_the_page_shows(monkeypatch):
    taken = {}
    real = st.download_button
    monkeypatch.setattr(
        st, "download_button", lambda label, data, *a, **k: taken.setdefault(label, data) and real(label, data, *a, **k)
    )
    app = opened("", location="ST-01")
    assert "Digest (Excel)" not in taken
    app.session_state["digest"] = True
    app.run()
    assert not app.exception
    book = sheets(taken["Digest (Excel)"]())
    assert set(book["work list"]["location"]) == {"ST-01"}
    shown = [metric.value for metric in app.metric[:3]]
    assert [money(value, "€") for value in book["numbers"]["value"]] == shown
    page = taken["Digest (HTML)"]().decode()
    assert "Key figures" in page
    assert f"<b>{shown[0]}</b>" in page
