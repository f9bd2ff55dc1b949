"""Sentences say what the numbers say."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from pages.components import charts, wording
from planning.params import Params
from tests.pages.fake_plan import AS_OF, fake_plan

PLAN = fake_plan()


def test_an_order_in_words_tells_each_step_and_ends_with_the_order():
    steps = pd.DataFrame(
        [
            ("expected demand to the end of coverage", 100.0),
            ("safety stock", 20.0),
            ("usable on hand", -50.0),
            ("receipts counted", -10.0),
            ("need", 60.0),
            ("moq", 12.0),
            ("order", 72.0),
        ],
        columns=["step", "units"],
    )
    assert wording.order_in_words(steps) == (
        "Customers are expected to want 100 units until the end of coverage; safety stock asks for 20 units more; "
        "50 units are on hand and 10 units are on order. That leaves a need of 60 units. "
        "The supplier's minimum adds 12 units: order 72 units."
    )


def test_what_is_kept_for_the_stores_is_said_and_is_a_fact_of_its_own():
    steps = [("expected demand to the end of coverage", 100.0), ("stores' safety stock", 30.0), ("need", 130.0)]
    told = wording.order_in_words(pd.DataFrame([*steps, ("order", 130.0)], columns=["step", "units"]))
    assert "100 units until the end of coverage; 30 units are kept for the stores' safety stock. That leaves" in told
    line = PLAN.policy.iloc[0]
    facts = wording.policy_facts(PLAN, line.where(line.index != "kept_units", 30.0))
    assert ("Of it for the stores", "30 units", "the safety stock of the locations that it feeds") in facts
    assert not any(fact.startswith("Of it") for fact, _, _ in wording.policy_facts(PLAN, line))


@pytest.mark.parametrize("line", list(PLAN.orders.itertuples()), ids=lambda o: o.item_id)
def test_every_order_ends_with_its_quantity(line):
    told = wording.order_in_words(charts.steps_of(PLAN, line.item_id, line.location_id))
    assert told.endswith(f"rder {line.quantity:,.0f} units.")


@pytest.mark.parametrize(
    ("order_by", "told"),
    [
        (pd.Timestamp("2026-05-10"), "the last day for a normal order is 10 May"),
        (pd.Timestamp("2026-05-01"), "the last day for a normal order was 1 May"),
        (pd.NaT, "no order is needed for it"),
    ],
)
def test_the_last_day_for_an_order_is_said_in_its_tense(order_by, told):
    assert wording.last_call(order_by, date(2026, 5, 4)) == told


def test_an_outlook_names_arrival_and_stock_out():
    line = PLAN.replenishment[(PLAN.replenishment["order_quantity"] > 0) & PLAN.replenishment["stockout_on"].notna()]
    told = wording.outlook(line.iloc[0], AS_OF)
    assert told.startswith("Without a new order it runs out on ")
    assert "today's order of" in told


def test_the_next_point_is_read_off_the_curve():
    # By hand: stock 1000 at 95 %, 1100 at 96 %; lost margin 500 and 400; holding 25 % of the 100 more.
    curve = pd.DataFrame(
        {
            "service_target": [0.95, 0.96],
            "stock_value": [1000.0, 1100.0],
            "stock_units": [10.0, 11.0],
            "expected_fill_rate": [0.95, 0.96],
            "lost_margin_per_year": [500.0, 400.0],
        }
    )
    told = wording.next_point(curve, Params(service_target=0.95, currency="$"))
    assert told == (
        "From 95 % to 96 % takes **\\$\u00a0100** more stock, which costs \\$\u00a025.00 a year to hold, "
        "and saves **\\$\u00a0100** of margin a year."
    )
    units = wording.next_point(curve.assign(stock_value=np.nan), Params(service_target=0.95))
    assert units == "From 95 % to 96 % takes **1 unit** more in stock."


@pytest.mark.parametrize(
    "params", [Params(service_measure="cost"), Params(service_target=0.999), Params(service_target_by_class={"A": 0.9})]
)
def test_a_point_off_the_curve_is_not_told(params):
    assert wording.next_point(PLAN.service_curve, params) == ""


def test_every_fact_says_where_it_comes_from():
    facts = wording.policy_facts(PLAN, PLAN.policy.iloc[0])
    assert all(value and source for _, value, source in facts)
    assert ("Lead time", "21 days ± 5.2 days", "receipts (14)") in facts


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("SESOptimized", "smoothing (fitted)"),
        ("SES0.05", "smoothing (0.05)"),
        ("WindowAverage13", "13-week mean"),
        ("CrostonSBA", "Croston (SBA)"),
        ("TSB", "TSB"),
        ("TSB0.02", "TSB (0.02)"),
        ("DynamicOptimizedTheta", "Theta"),
        ("Combination", "combination"),
        ("CategoryTrend", "category's trend"),
        ("MSTL", "MSTL"),
        ("SESAME", "SESAME"),
        ("2 % less than SES0.1, 30 % less than TSB0.02.", "2 % less than smoothing (0.1), 30 % less than TSB (0.02)."),
    ],
)
def test_models_have_plain_names(name, plain):
    assert wording.in_plain_words(name) == plain
