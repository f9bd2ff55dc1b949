"""Scenarios side by side: charts and words say what the plans say, and no text of a user becomes markup."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from data import plans
from pages.components import charts_scenario, scenario_view
from pages.components.scenario_runs import TODAY, Asked
from pages.components.scenario_words import measure_table, signed, signed_money
from planning import scenario
from planning.params import Params
from tests.pages.fake_plan import fake_plan

EVIL = "<b onclick=x>%{y}</b> '; drop"
FIGURES = (charts_scenario.scenario_curve, charts_scenario.cash_by_week, charts_scenario.stock_by_week)
NO_PINS = pd.DataFrame(columns=["pin_id", "item_id", "location_id", "kind", "value", "order_on"])


@pytest.fixture(scope="module")
def plan():
    return fake_plan()


@pytest.fixture(scope="module")
def other(plan):
    """The same with higher targets: more held, more ordered."""
    policy = plan.policy.assign(
        mean_stock_units=plan.policy["mean_stock_units"] * 1.5,
        expected_fill_rate=np.minimum(plan.policy["expected_fill_rate"] + 0.02, 1.0),
    )
    lines = plan.replenishment.copy()
    ordered = lines["order_quantity"] > 0
    lines.loc[ordered, "order_quantity"] += 12
    lines.loc[lines.index[:2], "risk"] = ["red", "green"]
    orders = plan.orders.assign(quantity=plan.orders["quantity"] + 12)
    return replace(plan, policy=policy, replenishment=lines, orders=orders, params=Params(service_target=0.98))


@pytest.fixture(scope="module")
def told(plan, other):
    return scenario.compare({TODAY: plan, EVIL: other, "Third": other})


@pytest.mark.parametrize("draw", FIGURES, ids=lambda draw: draw.__name__)
def test_each_chart_shows_each_scenario_by_colour_and_by_shape_and_no_markup(draw, told):
    figure = draw(told, "<b>€")
    names = [trace.name for trace in figure.data if trace.showlegend is not False]
    assert len(names) == 3
    assert len({str(trace.marker.color or trace.line.color) for trace in figure.data}) == 3
    text = figure.to_json()
    assert "onclick" not in text or "<b onclick" not in text
    assert "<b>€" not in text
    assert figure.layout.annotations[0].text


def test_each_scenario_stands_where_its_policy_does(told):
    marks = [trace for trace in charts_scenario.scenario_curve(told).data if trace.mode == "markers"]
    here = told.curve[told.curve["stands"]]
    assert [mark.x[0] for mark in marks] == pytest.approx(here["stock_value"].tolist())
    assert [mark.y[0] for mark in marks] == pytest.approx(here["expected_fill_rate"].tolist())
    assert len({mark.marker.symbol for mark in marks}) == 3
    assert marks[1].x[0] == pytest.approx(1.5 * marks[0].x[0])


def test_without_costs_the_curve_is_in_units_and_weeks_say_why_there_is_none(plan):
    poor = replace(plan, items=plan.items.assign(unit_cost=np.nan, unit_price=np.nan))
    told = scenario.compare({TODAY: poor, "Other": poor})
    assert "units" in charts_scenario.scenario_curve(told).layout.xaxis.title.text
    assert "No cost" in charts_scenario.cash_by_week(told).layout.annotations[0].text
    assert "No cost" in charts_scenario.stock_by_week(told).layout.annotations[0].text


def test_measures_say_value_and_difference(told):
    rows = measure_table(told, "€").set_index("measure")
    assert "(" not in rows.loc["Mean stock value", TODAY]
    assert "(+€" in rows.loc["Mean stock value", EVIL]
    assert "points" in rows.loc["Service promised (fill rate)", EVIL]


@pytest.mark.parametrize(
    ("value", "words"), [(1.25, "+1.2"), (-3.0, "−3.0"), (0.0, "±0"), (0.01, "±0"), (float("nan"), "–"), (None, "–")]
)
def test_differences_have_a_sign(value, words):
    assert signed(value) == words


def test_differences_in_money_have_a_sign():
    assert signed_money(12.5, "€") == "+€\u00a012.50"
    assert signed_money(-2000, "€") == "−€\u00a02,000"
    assert signed_money(0.0, "€") == "±0"
    assert signed_money(None) == "–"


def test_names_that_are_alike_are_told_apart():
    asked = [Asked(str(n), name, Params()) for n, name in enumerate((TODAY, "A", "A", "A (2)"))]
    names = list(scenario_view.names(asked).values())
    assert len({*names, TODAY}) == 5


def test_lines_that_differ_tell_why_and_causes_add_up(plan, other):
    orders, transfers = plans.between(plan, other, NO_PINS)
    changed = other.replenishment["order_quantity"] - plan.replenishment["order_quantity"]
    assert len(orders) == int((changed != 0).sum())
    assert (orders["change"] == 12).all()
    assert orders[list(plans.CAUSES)].sum(axis=1).to_numpy() == pytest.approx(orders["change"].to_numpy())
    assert transfers.empty
    same, none = plans.between(plan, plan, NO_PINS)
    assert same.empty
    assert none.empty
