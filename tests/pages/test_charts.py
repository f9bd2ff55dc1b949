"""Charts: what they draw is what the plan says, with units, beyond colour, and safe from hostile text."""

import ast
import math
import re
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pages.components import charts, charts_style, forecast_record, lines, sharing, work
from planning.params import Params
from planning.tables import WATERFALL_STEPS
from tests.pages.fake_frontier import fake_frontier
from tests.pages.fake_plan import AS_OF, fake_calibration, fake_history, fake_plan

PLAN = fake_plan()
COMPONENTS = Path(charts_style.__file__).parent
EVIL = "<b onclick=x>%{y}</b> '; drop"
MEASURED = forecast_record.measured(PLAN)
ISSUES = pd.DataFrame(
    {"title": ["Cost missing", EVIL, "Prices of zero"], "value": [1200.0, 90.0, np.nan], "count": [12, 1, 3]}
)


def line_with(**wanted):
    rows = PLAN.replenishment
    for column, value in wanted.items():
        rows = rows[rows[column] == value] if not callable(value) else rows[value(rows[column])]
    return rows.iloc[0]


def fan_of(item_id, location_id=None):
    frame = PLAN.forecast[PLAN.forecast["item_id"] == item_id]
    return frame if location_id is None else frame[frame["location_id"] == location_id]


def every_figure(plan):
    key = plan.replenishment[plan.replenishment["order_quantity"] > 0].iloc[0]
    item_id, location_id = key["item_id"], key["location_id"]
    ahead = plan.forecast[(plan.forecast["item_id"] == item_id) & (plan.forecast["location_id"] == location_id)]
    measured = forecast_record.measured(plan)
    return {
        "projected_stock": charts.projected_stock(plan, item_id, location_id),
        "stock_value_and_cash": charts.stock_value_and_cash(plan),
        "waterfall": charts.waterfall(plan, item_id, location_id),
        "order_timeline": charts.order_timeline(plan),
        "cut_line": charts.cut_line(work.ranked(plan), 1_000.0, plan.params.currency),
        "forecast_fan": charts.forecast_fan(fake_history(), ahead),
        "error_by_group": charts.error_by_group(forecast_record.by_group(measured, "demand_class")),
        "value_added": charts.value_added(forecast_record.value_added(measured)),
        "calibration_curve": charts.calibration_curve(
            fake_calibration().assign(demand_class=lambda f: f["demand_class"].replace("lumpy", EVIL))
        ),
        "service_stock_curve": charts.service_stock_curve(plan.service_curve, plan.params),
        "service_frontier": charts.service_frontier(fake_frontier(), plan.params),
        "abc_matrix": charts.abc_matrix(plan),
        "allocation_before_after": charts.allocation_before_after(plan.before_after),
        "sharing_before_after": charts.sharing_before_after(plan.before_after, "fill_rate", plan.params.currency),
        "sharing_rules": charts.sharing_rules(sharing.compared(plan), plan.params.currency),
        "transfers_flow": charts.transfers_flow(plan.allocation),
        "issues_by_value": charts.issues_by_value(ISSUES, plan.params.currency),
        "lead_time_distribution": charts.lead_time_distribution(
            [12, 14, 30], [0.5, 0.3, 0.2], mean=16.2, promised=14, overdue=[40]
        ),
    }


FIGURES = every_figure(PLAN)


def named(figure, name):
    return next(t for t in figure.data if t.name == name)


def words_of(figure):
    layout = figure.layout
    titles = [axis.title.text for axis in (layout.xaxis, layout.yaxis)]
    return [a.text for a in layout.annotations] + [t for t in titles if t]


# --- the same for all ------------------------------------------------------------------------------------------------


def test_every_public_chart_is_tried_here():
    drawn = set(FIGURES) | {"CONFIG", "shortage", "steps_of"}
    assert drawn == set(charts.__all__)


@pytest.mark.parametrize("name", [n for n in FIGURES if n != "abc_matrix"])
def test_a_chart_says_its_unit(name):
    said = " ".join(words_of(FIGURES[name])).lower()
    assert any(unit in said for unit in ("unit", "€", "share", "days", "served")), said


@pytest.mark.parametrize("name", list(FIGURES))
def test_a_chart_lets_the_page_shine_through_and_keeps_its_text_colours(name):
    layout = FIGURES[name].layout
    assert layout.paper_bgcolor == layout.plot_bgcolor == "rgba(0,0,0,0)"
    assert layout.font.color is None


@pytest.mark.parametrize("name", list(FIGURES))
def test_colour_never_stands_alone(name):
    looks = [
        (
            t.type,
            t.mode if t.type == "scatter" else None,
            t.line.dash if t.type == "scatter" else None,
            t.marker.symbol if t.type == "scatter" else t.marker.pattern.shape if t.type == "bar" else None,
            t.line.width if t.type == "scatter" else None,
            t.fill if t.type == "scatter" else None,
            t.marker.color if t.type == "bar" else None,
        )
        for t in FIGURES[name].data
        if t.showlegend is not False and t.type in ("scatter", "bar") and "stay below" not in (t.name or "")
    ]
    assert all(a != b for a, b in combinations(looks, 2))


@pytest.mark.parametrize("name", ["projected_stock", "stock_value_and_cash", "forecast_fan"])
def test_a_chart_over_time_marks_the_as_of_date(name):
    figure = FIGURES[name]
    assert any(a.text == "as of 4 May" for a in figure.layout.annotations)
    assert any(s.x0 == AS_OF.isoformat() == s.x1 for s in figure.layout.shapes)


def test_hostile_text_never_reaches_a_figure_as_markup():
    plan = PLAN
    frames = {}
    for name in ("orders", "planned_orders", "items", "before_after", "allocation", "policy", "replenishment"):
        frame = getattr(plan, name).copy()
        for column in ("supplier_id", "destination_id", "demand_class"):
            if column in frame:
                frame[column] = EVIL
        frames[name] = frame
    hostile = replace(plan, **frames, params=plan.params.but(currency="<i>€</i>"[:8]))
    for figure in every_figure(hostile).values():
        told = figure.to_json().replace("\\u003c", "<").replace("\\u003e", ">")
        assert "onclick=x>" not in told
        assert "<b onclick" not in told
        assert "<i>" not in told


def test_nothing_to_draw_is_said_in_words():
    names = ("orders", "planned_orders", "items", "policy", "replenishment")
    none = {name: getattr(PLAN, name).iloc[:0] for name in names}
    empty = replace(PLAN, **none)
    for figure in (
        charts.projected_stock(PLAN, "absent", "nowhere"),
        charts.waterfall(PLAN, "absent", "nowhere"),
        charts.order_timeline(empty),
        charts.abc_matrix(empty),
        charts.transfers_flow(PLAN.allocation.iloc[:0]),
        charts.allocation_before_after(PLAN.before_after.iloc[:0]),
        charts.sharing_before_after(PLAN.before_after.iloc[:0], "at_risk"),
        charts.sharing_rules(sharing.compared(PLAN).iloc[:0]),
        charts.forecast_fan(fake_history(), PLAN.forecast.iloc[:0]),
        charts.service_stock_curve(PLAN.service_curve.iloc[:0], PLAN.params),
        charts.error_by_group(forecast_record.by_group(MEASURED.iloc[:0])),
        charts.value_added(forecast_record.value_added(MEASURED.iloc[:0])),
        charts.calibration_curve(fake_calibration().iloc[:0]),
        charts.issues_by_value(ISSUES.iloc[:0]),
        charts.lead_time_distribution([], []),
    ):
        assert len(figure.data) == 0
        assert len(figure.layout.annotations[0].text) > 10


@pytest.mark.parametrize("path", sorted(COMPONENTS.glob("charts*.py")), ids=lambda p: p.name)
def test_charts_do_not_import_streamlit(path):
    tree = ast.parse(path.read_text())
    names = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    names |= {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    assert not any(name.split(".")[0] == "streamlit" for name in names)


@pytest.mark.parametrize("page", ["#FFFFFF", "#10191D"])
@pytest.mark.parametrize("colour", ["STOCK", "ORDER", "SHORT", "WARN", "PLUM", "QUIET"])
def test_a_colour_stands_out_on_a_light_and_on_a_dark_page(colour, page):
    # WCAG 2.2, 1.4.11: graphical objects need a contrast of 3 to 1.
    lights = sorted((luminance(getattr(charts_style, colour)), luminance(page)), reverse=True)
    assert (lights[0] + 0.05) / (lights[1] + 0.05) >= 3


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


# --- projected stock -------------------------------------------------------------------------------------------------


def test_shortage_adds_up_over_a_spell_and_starts_anew_after_an_arrival():
    # By hand: 5 on hand, 4 wanted a day. Day 1 leaves 1; day 2 misses 3; day 3 misses 4: 7 in all; 10 arrive on day 4.
    stock = np.array([1.0, 0.0, 0.0, 6.0, 2.0, 0.0])
    arrivals = np.array([0.0, 0.0, 0.0, 10.0, 0.0, 0.0])
    assert charts.shortage(stock, np.full(6, 4.0), arrivals, 5.0).tolist() == [0, 3, 7, 0, 0, 2]


def test_shortage_counts_the_first_day_of_an_empty_shelf():
    assert charts.shortage(np.array([0.0]), np.array([4.0]), np.array([0.0]), 1.0).tolist() == [3]


def test_backordered_stock_below_zero_is_the_shortage():
    stock = np.array([-3.0, -7.0, 2.0])
    assert charts.shortage(stock, np.full(3, 4.0), np.array([0.0, 0.0, 13.0]), 1.0).tolist() == [3, 7, 0]


def test_a_shortage_is_drawn_below_zero_at_its_size():
    red = line_with(risk="red", order_quantity=lambda q: q > 0)
    figure = charts.projected_stock(PLAN, red["item_id"], red["location_id"])
    lowest = np.nanmin(named(figure, "Short").y)
    assert lowest < 0
    assert any("units short" in a.text for a in figure.layout.annotations)
    assert figure.layout.yaxis.range[0] < lowest


def test_arrivals_are_told_apart_and_complete():
    line = line_with(order_quantity=lambda q: q > 0, on_order=lambda q: q > 0)
    figure = charts.projected_stock(PLAN, line["item_id"], line["location_id"])
    row = (
        PLAN.projection.keys.reset_index(drop=True)
        .query("item_id == @line.item_id and location_id == @line.location_id")
        .index[0]
    )
    assert sum(named(figure, "Ordered today").y) == line["order_quantity"]
    assert sum(named(figure, "On order").y) == line["on_order"]
    drawn = sum(named(figure, "Planned").y) + line["order_quantity"]
    assert drawn == pytest.approx(PLAN.projection.orders[row, :91].sum())


def test_the_day_it_runs_out_is_marked():
    line = line_with(risk="amber")
    figure = charts.projected_stock(PLAN, line["item_id"], line["location_id"])
    assert any(a.text.startswith("runs out ") for a in figure.layout.annotations)


def test_counted_stock_stands_before_the_plan():
    past = pd.DataFrame({"date": pd.date_range("2026-04-20", periods=14), "on_hand": np.arange(14.0)})
    figure = charts.projected_stock(PLAN, "00001", "DC", past=past)
    assert len(named(figure, "Counted stock").x) == 14
    assert figure.layout.xaxis.range[0] == "2026-04-20"


# --- money -----------------------------------------------------------------------------------------------------------


def test_the_orders_of_the_first_week_are_todays_and_those_planned_for_it():
    figure = FIGURES["stock_value_and_cash"]
    assert named(figure, "Today's orders").y.tolist() == pytest.approx([PLAN.orders["line_value"].sum()])


def test_stock_value_starts_at_what_is_on_hand_less_the_first_day():
    alone = replace(PLAN, items=PLAN.items.assign(fed_by=None))
    figure = charts.stock_value_and_cash(alone)
    cost = PLAN.items["unit_cost"].to_numpy()
    expected = np.nansum(np.maximum(PLAN.projection.with_orders[:, 0], 0) * cost)
    assert named(figure, "As planned").y[0] == pytest.approx(expected)


def test_pooled_stock_counts_once():
    # A warehouse with 10 feeds a store with 30, of which 25 are beyond its need: the pooled line shows 10 + 5.
    plan = two_places(pooled=15.0, store=30.0, warehouse=10.0)
    assert charts.stock_value_and_cash(plan).data[0].y[0] == pytest.approx(40.0)


def two_places(*, pooled, store, warehouse):
    keys = pd.DataFrame({"item_id": ["X", "X"], "location_id": ["S", "W"]})
    days = 91
    levels = np.repeat(np.array([[store], [pooled]]), days, axis=1)
    none = np.zeros((2, days))
    projection = replace(
        PLAN.projection,
        keys=keys,
        days=PLAN.projection.days[:days],
        demand=none,
        receipts=none,
        orders=none,
        without_orders=levels,
        with_orders=levels,
        low=levels,
        high=levels,
        safety=none,
    )
    items = keys.assign(unit_cost=1.0, unit_price=2.0, fed_by=["W", None])
    return replace(
        PLAN,
        items=items,
        projection=projection,
        replenishment=keys.assign(on_hand=[store, warehouse]),
        orders=PLAN.orders.iloc[:0],
        planned_orders=PLAN.planned_orders.iloc[:0],
    )


def test_without_any_cost_the_chart_is_in_units():
    unpriced = replace(PLAN, items=PLAN.items.assign(unit_cost=np.nan))
    assert "Stock, units" in words_of(charts.stock_value_and_cash(unpriced))


# --- the waterfall ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", list(PLAN.orders.itertuples()), ids=lambda o: o.item_id)
def test_the_bars_of_the_waterfall_add_up_to_the_order(line):
    figure = charts.waterfall(PLAN, line.item_id, line.location_id)
    bars = figure.data[0]
    steps = [x for x, kind in zip(bars.x, bars.measure, strict=True) if kind == "relative"]
    assert sum(steps) == pytest.approx(line.quantity)
    assert bars.y[-1] == "Order"
    assert bars.text[-1] == f"{line.quantity:,.0f}"


def test_steps_that_change_nothing_are_left_out_but_never_need_and_order():
    line = PLAN.orders.iloc[0]
    steps = charts.steps_of(PLAN, line["item_id"], line["location_id"])
    assert {"need", "order"} <= set(steps["step"])
    rest = steps[~steps["step"].isin(["need", "order"])]
    assert (rest["units"].abs() > 0).all()
    assert [s for s in WATERFALL_STEPS if s in set(steps["step"])] == steps["step"].tolist()


# --- orders, forecast, service, allocation ---------------------------------------------------------------------------


def test_full_circles_are_todays_orders():
    today = named(FIGURES["order_timeline"], "Today's orders")
    assert sum(today.marker.size) == pytest.approx(PLAN.orders["line_value"].sum())
    assert today.marker.symbol != named(FIGURES["order_timeline"], "Planned orders").marker.symbol


def test_small_suppliers_are_summed_as_others():
    orders = pd.concat([PLAN.orders.iloc[:1].assign(supplier_id=f"S{n:02d}", quantity=n + 1.0) for n in range(20)])
    figure = charts.order_timeline(replace(PLAN, orders=orders, planned_orders=PLAN.planned_orders.iloc[:0]))
    assert set(figure.data[0].y) >= {"others", "S19"}
    assert len(set(figure.data[0].y)) == 12


def test_one_line_has_a_fan_and_a_sum_of_lines_only_its_mean():
    one = charts.forecast_fan(fake_history(), fan_of("00001", "LEEDS"))
    several = charts.forecast_fan(fake_history(), fan_of("00001"))
    assert {"80 % stay below", "95 % stay below"} <= {t.name for t in one.data}
    assert not any("stay below" in (t.name or "") for t in several.data)
    expected = fan_of("00001").groupby("starts_on")["mean"].sum()
    assert named(several, "Expected demand").y.tolist() == pytest.approx(expected.tolist())


def test_a_sum_of_lines_with_quantiles_of_its_own_has_a_fan():
    total = fan_of("00001").groupby("starts_on", as_index=False)[["mean", "q50", "q80", "q90", "q95"]].sum()
    figure = charts.forecast_fan(fake_history(), total)
    assert named(figure, "95 % stay below").y.tolist() == pytest.approx(total["q95"].tolist())
    unknown = charts.forecast_fan(fake_history(), total.assign(q80=np.nan, q90=np.nan, q95=np.nan))
    assert not any("stay below" in (t.name or "") for t in unknown.data)
    assert np.isfinite(unknown.layout.yaxis.range).all()


def test_a_correction_is_drawn_against_what_it_corrects():
    line = fan_of("00001", "LEEDS").reset_index(drop=True)
    before = line["mean"].where(line.index >= 4, 0.5 * line["mean"])
    figure = charts.forecast_fan(fake_history(), line.assign(statistical_mean=before))
    assert named(figure, "Uncorrected").y.tolist() == pytest.approx(before.tolist())
    same = charts.forecast_fan(fake_history(), line.assign(statistical_mean=line["mean"]))
    assert "Uncorrected" not in {t.name for t in same.data}


def test_the_calibration_curve_shows_what_chance_allows():
    figure = charts.calibration_curve(fake_calibration())
    whole = fake_calibration().query("demand_class == 'all'")
    assert named(figure, "All lines").y.tolist() == pytest.approx(whole["realised"].tolist())
    high = named(figure, "Chance").y
    assert all(y >= x for x, y in zip(named(figure, "Chance").x, high, strict=True))
    assert max(high) <= 1


def test_many_groups_are_cut_to_those_with_the_most_demand():
    table = forecast_record.by_group(MEASURED.assign(category=[f"K{n}" for n in range(len(MEASURED))]), "category")
    figure = charts.error_by_group(table)
    assert len(named(figure, "This forecast").y) == 12
    nameless = forecast_record.by_group(MEASURED.assign(category=None), "category")
    assert named(charts.error_by_group(nameless, "no category"), "This forecast").y[0] == "No category (60)"


def test_a_step_that_makes_it_worse_is_told_and_marked():
    steps = pd.DataFrame({"step": ["a", "b"], "wape": [0.2, 0.25], "gain": [np.nan, -0.05]})
    bars = charts.value_added(steps).data[0]
    assert bars.text[1] == "25.0 % (+5.0)"
    assert bars.marker.line.color[0] != bars.marker.line.color[1]


def test_empty_shelves_are_shaded():
    figure = charts.forecast_fan(fake_history(), fan_of("00001", "LEEDS"))
    assert [s for s in figure.layout.shapes if s.type == "rect"]
    assert named(figure, "Shelf empty")
    assert not any(t.name == "Closed" for t in figure.data)


def test_a_closed_location_is_no_empty_shelf():
    figure = charts.forecast_fan(fake_history().assign(closed=lambda f: ~f["known"]), fan_of("00001", "LEEDS"))
    assert named(figure, "Closed")
    assert not any(t.name == "Shelf empty" for t in figure.data)


def test_todays_choice_lies_on_the_curve():
    mark = named(charts.service_stock_curve(PLAN.service_curve, Params(service_target=0.96)), "Today")
    stock = np.interp(0.96, PLAN.service_curve["service_target"], PLAN.service_curve["stock_value"])
    assert mark.x[0] == pytest.approx(stock)


@pytest.mark.parametrize("params", [Params(service_measure="cost"), Params(service_target_by_class={"A": 0.98})])
def test_a_choice_off_the_curve_is_not_put_on_it(params):
    assert "Today" not in {t.name for t in charts.service_stock_curve(PLAN.service_curve, params).data}
    given = charts.service_stock_curve(PLAN.service_curve, params, current=(5e5, 0.97))
    assert (named(given, "Today").x[0], named(given, "Today").y[0]) == (5e5, 0.97)


def test_the_matrix_counts_every_line_once():
    text = " ".join(t for row in FIGURES["abc_matrix"].data[0].text for t in row)
    counted = sum(int(told) for told in re.findall(r"<br># (\d+)", text))
    assert counted == len(PLAN.items)


def test_cover_is_compared_before_and_after_where_stock_was_asked_for():
    figure = FIGURES["allocation_before_after"]
    before, after = figure.data
    assert len(before.x) == len(after.x) > 0
    assert before.marker.symbol != after.marker.symbol


def test_lanes_hold_all_that_is_sent():
    assert sum(FIGURES["transfers_flow"].data[0].x) == pytest.approx(PLAN.allocation["quantity"].sum())


def test_no_figure_leaves_the_browser():
    assert charts.CONFIG["showSendToCloud"] is False
    assert charts.CONFIG["displaylogo"] is False


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.4, "0.4"),
        (12, "12"),
        (1234, "1,234"),
        (12_345, "12.3k"),
        (4_500_000, "4.5M"),
        (math.nan, "–"),
        (-1500, "-1,500"),
    ],
)
def test_amounts_are_short(value, text):
    assert charts_style.amount(value) == text


# --- lines that stand for others -------------------------------------------------------------------------------------


def test_outermost_lines_hold_each_unit_once_whatever_is_in_view():
    assert set(lines.outermost(PLAN)["location_id"]) == {"DC"}
    stores = replace(PLAN, items=PLAN.items[PLAN.items["location_id"] != "DC"])
    assert set(lines.outermost(stores)["location_id"]) == {"HULL", "LEEDS", "YORK"}


def test_selling_lines_are_those_that_feed_nothing():
    assert set(lines.selling(PLAN)["location_id"]) == {"HULL", "LEEDS", "YORK"}
    depot = replace(PLAN, items=PLAN.items[PLAN.items["location_id"] == "DC"])
    assert set(lines.selling(depot)["location_id"]) == {"DC"}
