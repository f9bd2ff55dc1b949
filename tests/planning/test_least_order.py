"""Least orders that would last for years: withheld, told with their money, and placed by hand all the same."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from planning import pipeline
from planning.params import Params
from planning.result import PlanResult

AS_OF = date(2026, 6, 1)
MORNING = pd.Timestamp(AS_OF)
CHEAP = {"item_id": "a", "unit_cost": 2.0, "unit_price": 5.0}


def planned(item: dict, on_hand: float = 0.0, stock: dict | None = None, pins: dict | None = None) -> PlanResult:
    """One unit is sold every ten days, for 700 days."""
    days = pd.date_range(MORNING - pd.Timedelta(days=700), MORNING - pd.Timedelta(days=1), freq="10D")
    inputs = {
        "sales": pd.DataFrame({"date": days, "item_id": "a", "quantity": 1.0}),
        "stock": pd.DataFrame([{"item_id": "a", "on_hand": on_hand} | (stock or {})]),
        "items": pd.DataFrame([CHEAP | item]),
    }
    if pins:
        inputs["pins"] = pd.DataFrame([{"pin_id": "p", "item_id": "a", "location_id": "MAIN"} | pins])
    return pipeline.plan(inputs, AS_OF, Params(lead_time_sd_fraction=0, currency="EUR"))


def ordered(result: PlanResult) -> float:
    return float(result.replenishment["order_quantity"][0])


def test_a_least_order_of_decades_is_not_proposed_but_told_with_its_money():
    # About 36 a year: 1,000 last some 27 years.
    result = planned({"moq": 1000.0})
    assert ordered(result) == 0
    assert result.orders.empty
    assert result.planned_orders.empty
    assert result.waterfall.empty
    told = result.exceptions[result.exceptions["kind"] == "least_order"]
    assert told["quantity"].tolist() == [1000]
    assert told["reason"].str.contains(r"least order of 1,000 lasts 2\d years, worth EUR 2,000\.00: decide").all()
    assert result.replenishment["reason"][0].startswith("Not ordered: the least order of 1,000 lasts 2")
    note = next(note for note in result.notes if "least order lasts" in note)
    assert "2,000.00" in note
    assert "(a)" in note


def test_a_pack_of_decades_is_withheld_like_a_least_order():
    assert ordered(planned({"order_multiple": 1000.0})) == 0


@pytest.mark.parametrize(("moq", "margin", "proposed"), [(60, 3.0, True), (200, 3.0, True), (200, 0.5, False)])
def test_an_order_of_some_years_is_proposed_where_its_margin_pays_for_holding_it(moq, margin, proposed):
    # 200 last 5 to 6 years: half of that, at 2 a unit and a quarter a year, is more than 0.50, and less than 3.
    result = planned({"moq": float(moq), "unit_price": 2.0 + margin})
    assert (ordered(result) > 0) == proposed


@pytest.mark.parametrize(
    ("item", "stock", "pins"),
    [
        ({}, {}, {"kind": "order_quantity", "value": 1000.0, "order_on": MORNING}),
        ({}, {}, {"kind": "safety_stock", "value": 3.0}),
        ({"min_stock": 2.0}, {}, None),
        ({}, {"backorders": 1.0}, None),
    ],
)
def test_what_a_person_asks_for_is_ordered_all_the_same(item, stock, pins):
    result = planned({"moq": 1000.0} | item, stock=stock, pins=pins)
    assert ordered(result) == 1000
    assert not (result.exceptions["kind"] == "least_order").any()


def test_more_demand_or_service_never_withholds_an_order():
    days = pd.date_range(MORNING - pd.Timedelta(days=700), MORNING - pd.Timedelta(days=1), freq="10D")
    stock = pd.DataFrame([{"item_id": "a", "on_hand": 0.0}])
    was = 0.0
    for times in (1, 2, 4, 8):
        sales = pd.DataFrame({"date": days, "item_id": "a", "quantity": float(times)})
        inputs = {"sales": sales, "stock": stock, "items": pd.DataFrame([{"item_id": "a", "moq": 1000.0}])}
        now = ordered(pipeline.plan(inputs, AS_OF, Params(lead_time_sd_fraction=0)))
        assert now >= was
        was = now
    assert was == 1000
    for target in (0.5, 0.9, 0.999):
        assert ordered(pipeline.plan(inputs, AS_OF, Params(service_target=target))) == 1000


def test_without_a_least_order_nothing_is_withheld():
    result = planned({})
    assert ordered(result) > 0
    assert not np.isnan(result.replenishment["order_value"][0])
