"""Lots, reorder points, targets and pins: by hand, in whole plans, and laws."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning import pipeline
from planning.params import Params
from planning.positions import with_pins
from planning.reorder import economic_lot, in_packs, lot_cost
from planning.tables import INPUT_TABLES
from planning.targets import pinned_values, unused_pins
from tests.planning.test_pipeline import AS_OF, certain, company, day, planned, single, steady_sales, stock, table

NONE, FREE = np.array([0.0]), np.array([np.inf])


def lot(cost: float, demand: float, holding: float, pack: float = 0, least: float = 0, most: float = np.inf) -> float:
    return float(economic_lot(*(np.array([float(x)]) for x in (cost, demand, holding, pack, least, most)))[0])


def test_the_economic_lot_is_that_of_snyder_shen_example_3_1():
    assert lot(8, 1300, 0.225) == pytest.approx(304.0467800)
    assert lot_cost(304.0467800, 8, 1300, 0.225) == pytest.approx(68.4105255)
    assert lot_cost(250, 8, 1300, 0.225) == pytest.approx(69.725)
    # Packs of 144: 288 costs 68.511111, 432 costs 72.674074.
    assert lot(8, 1300, 0.225, pack=144) == 288
    assert lot_cost(np.array([288, 432]), 8, 1300, 0.225) == pytest.approx([68.511111, 72.674074])


def test_the_economic_lot_at_its_edges():
    assert lot(8, 0, 0.225) == 0
    assert np.isnan(lot(0, 1300, 0.225))
    assert np.isnan(lot(np.nan, 1300, 0.225))
    assert np.isnan(lot(8, 1300, np.nan))
    assert lot(8, 1300, 0, most=500) == 500
    assert lot(8, 1300, 0.225, least=400) == 400
    assert lot(8, 1300, 0.225, pack=144, least=300) == 432
    assert lot(0.001, 10, 100, pack=12) == 12


@given(st.floats(0.1, 1e4), st.floats(0.01, 1e4), st.floats(1e-4, 100), st.sampled_from([0.0, 1.0, 6.0, 144.0]))
def test_no_other_number_of_packs_costs_less(cost, demand, holding, pack):
    best = lot(cost, demand, holding, pack)
    here = lot_cost(best, cost, demand, holding)
    for other in (best + (pack or 0.01 * best), best - (pack or 0.01 * best)):
        if other > 1e-6:
            assert here <= lot_cost(other, cost, demand, holding) * (1 + 1e-9)


@given(st.floats(0, 1e6), st.sampled_from([0.0, 1.0, 6.0, 144.0]))
def test_packs_are_whole_and_enough(units, pack):
    found = float(in_packs(np.array([units]), np.array([pack]))[0])
    assert units - 1e-6 <= found < units + (pack or 1e-6)
    assert not pack or found % pack == pytest.approx(0)


# Each policy, ten a day for certain, lead time 14, review 7: 210 until the arrival after the next.


def test_from_a_reorder_point_on_an_order_fills_up_to_the_level():
    costly = {
        "items": table({"item_id": "a", "supplier_id": "v", "unit_cost": 10.0}),
        "suppliers": table({"supplier_id": "v", "lead_time_days": 14.0, "order_cost": 20.0}),
    }
    above = single(certain(215, **costly), policy="R,s,S")
    assert (above["policy_type"], above["order_quantity"]) == ("R,s,S", 0)
    # K = 20, D = 10 a day, h = 10 * 0.25 / 365: Q* = sqrt(2 * 20 * 10 / h) = 241.66.
    at = single(certain(200, **costly), policy="R,s,S")
    assert at["order_quantity"] == pytest.approx(10 + 242, abs=1)
    assert at["reorder_point"] == 209
    assert at["order_up_to_level"] == pytest.approx(210 + 242, abs=1)
    assert at["safety_stock"] == pytest.approx(0, abs=1e-6)


def test_without_a_cost_of_ordering_an_order_lasts_for_the_review_or_the_coverage():
    assert single(certain(200), policy="R,s,S")["order_quantity"] == 10 + 70
    assert single(certain(200), policy="R,s,S", coverage_days=28)["order_quantity"] == 10 + 280


@pytest.mark.parametrize(("on_hand", "lots"), [(211, 0), (200, 1), (110, 2), (109, 3)])
def test_a_fixed_quantity_is_ordered_as_often_as_it_takes(on_hand, lots):
    inputs = certain(on_hand, items=table({"item_id": "a", "moq": 50.0}))
    found = single(inputs, policy="s,Q", unmet_demand="backordered")
    assert found["policy_type"] == "s,Q"
    assert found["order_quantity"] == 50 * lots


def test_a_case_pack_is_the_fixed_quantity_where_nothing_else_is_told():
    assert (
        single(certain(200, items=table({"item_id": "a", "order_multiple": 24.0})), policy="s,Q")["order_quantity"]
        == 24
    )
    assert single(certain(200), policy="s,Q")["order_quantity"] == 70


@pytest.mark.parametrize(("on_hand", "quantity"), [(40, 460), (150, 350), (151, 0), (600, 0)])
def test_between_minimum_and_maximum_as_the_user_had_it(on_hand, quantity):
    inputs = certain(on_hand, items=table({"item_id": "a", "min_stock": 150.0, "max_stock": 500.0}))
    found = single(inputs, policy="min/max")
    assert (found["policy_type"], found["order_quantity"]) == ("min/max", quantity)
    assert (found["reorder_point"], found["order_up_to_level"]) == (150, 500)


def test_open_orders_count_for_the_minimum():
    items = table({"item_id": "a", "min_stock": 150.0, "max_stock": 500.0})
    coming = table({"item_id": "a", "quantity": 120.0, "due_on": day(5), "order_id": "p"})
    assert single(certain(40, items=items, open_orders=coming), policy="min/max")["order_quantity"] == 0


def test_without_both_limits_min_max_is_an_order_up_to_level_and_that_is_said():
    result = planned(certain(40, items=table({"item_id": "a", "min_stock": 0.0})), policy="min/max")
    assert result.policy["policy_type"].tolist() == ["R,S"]
    assert result.replenishment["order_quantity"].tolist() == [70]
    assert any("without both" in note for note in result.notes)


def test_the_policy_of_an_item_goes_before_the_parameter_and_that_of_its_location_before_both():
    inputs = certain(
        200,
        items=table({"item_id": "a", "policy": "s,Q", "moq": 24.0}),
        item_locations=table({"item_id": "a", "location_id": "MAIN", "policy": "R,s,S"}),
    )
    assert single(inputs)["policy_type"] == "R,s,S"
    del inputs["item_locations"]
    assert single(inputs)["policy_type"] == "s,Q"


@pytest.mark.parametrize("policy", ["R,S", "R,s,S", "s,Q", "min/max"])
@pytest.mark.parametrize("unmet", ["lost", "backordered"])
def test_every_policy_keeps_the_rules_of_an_order(policy, unmet):
    result = pipeline.plan(company(), AS_OF, Params(policy=policy, unmet_demand=unmet))
    policy_table, order = result.policy, result.replenishment["order_quantity"]
    assert np.isfinite(policy_table[["reorder_point", "order_up_to_level", "safety_stock"]].to_numpy()).all()
    assert (order >= 0).all()
    packs = result.replenishment["item_id"].map(lambda code: (1.0, 6.0, 10.0)[int(code) % 3])
    assert np.allclose(order % packs, 0)
    steps = result.waterfall.pivot_table(index=["item_id", "location_id"], columns="step", values="units")
    subtotal = steps.drop(columns=["need", "order"]).sum(axis=1)
    np.testing.assert_allclose(subtotal, steps["order"], atol=1e-4)


# Targets.


def test_the_most_specific_target_counts_and_says_whose_it_is():
    inputs = company(items=6)
    inputs["items"] = inputs["items"].assign(
        category=["Tea", "Tea", "Tea", "Bread", "Bread", "Bread"], service_target=[np.nan, 0.91, *[np.nan] * 4]
    )
    inputs["item_locations"] = table({"item_id": "001", "location_id": "S1", "service_target": 0.92})
    inputs["pins"] = pins(("001", "S2", "service_target", 0.93))
    params = Params(
        service_target=0.80,
        service_target_by_supplier={"V1": 0.85},
        service_target_by_category={"Bread": 0.86, "nobody <b>": 0.5},
        service_target_by_class={"A": 0.87, "B": 0.87},
    )
    told = pipeline.plan(inputs, AS_OF, params).policy.set_index(["item_id", "location_id"])
    found = told[["service_target", "target_source"]].apply(tuple, axis=1)
    assert found["001", "S2"] == (0.93, "pin")
    assert found["001", "S1"] == (0.92, "item")
    assert found["001", "DC"] == (0.91, "item")
    # Odd items are of V1; it buys for the warehouse and is the item's supplier everywhere.
    assert found["003", "DC"] == (0.85, "supplier")
    assert found["004", "DC"] == (0.86, "category")
    assert set(found.loc[["000", "002"]]) <= {(0.87, "class"), (0.80, "default")}
    assert told.loc[("004", "DC"), "service_target_from"] == "category Bread"


def pins(*rows: tuple) -> pd.DataFrame:
    names = ["item_id", "location_id", "kind", "value"]
    frame = pd.DataFrame([dict(zip(names, row, strict=True)) for row in rows])
    frame = frame.assign(pin_id=[f"P{n}" for n in range(len(frame))])
    return frame.reindex(columns=list(INPUT_TABLES["pins"].names)).astype({"order_on": "datetime64[s]"})


def test_of_two_pins_the_one_with_a_location_counts_and_then_the_later():
    keys = table(*({"item_id": "a", "location_id": place} for place in ("S1", "S2")))
    frame = pins(("a", "S1", "safety_stock", 5.0), ("a", None, "safety_stock", 7.0), ("a", "S1", "safety_stock", 6.0))
    assert pinned_values(frame, keys, "safety_stock").tolist() == [6, 7]
    dated = frame.assign(made_at=["2026-05-02T08:00:00", None, "2026-05-01T08:00:00"])
    assert pinned_values(dated, keys, "safety_stock").tolist() == [5, 7]
    assert np.isnan(pinned_values(frame, keys, "service_target")).all()


def test_a_pin_that_cannot_be_used_is_said():
    keys = table({"item_id": "a", "location_id": "S1"})
    frame = pins(
        ("a", "S1", "service_target", 1.0), ("a", None, "service_target", 0.0), ("b", None, "safety_stock", 3.0),
        ("a", "S2", "safety_stock", 3.0), ("a", "S1", "safety_stock", -1.0), ("a", None, "safety_stock", 2.0),
    )  # fmt: skip
    assert len(unused_pins(frame, keys)) == 5
    assert pinned_values(frame, keys, "safety_stock").tolist() == [2]
    result = planned(certain(40, pins=pins(("z", None, "safety_stock", 3.0))))
    assert any(note.startswith("Pins without an effect: 1 (P0)") for note in result.notes)


# A safety stock that is set by hand.


@pytest.mark.parametrize(("unmet", "quantity"), [("lost", 70 + 33), ("backordered", 170 + 33)])
def test_a_pinned_safety_stock_is_held_beyond_mean_demand(unmet, quantity):
    found = single(certain(40, pins=pins(("a", None, "safety_stock", 33.0))), unmet_demand=unmet)
    assert found["order_quantity"] == quantity
    assert (found["pinned_safety_stock"], found["buffer_units"]) == (33, pytest.approx(33))


def test_the_level_of_a_pin_is_mean_demand_and_its_units_whatever_the_target():
    inputs = company(items=4)
    inputs["pins"] = pins(("001", "DC", "safety_stock", 44.0))
    for target in (0.5, 0.99):
        told = pipeline.plan(inputs, AS_OF, Params(unmet_demand="backordered", service_target=target)).policy
        row = told[(told["item_id"] == "001") & (told["location_id"] == "DC")].iloc[0]
        mean = row["demand_mean_per_day"] * row["protection_interval_days"]
        assert row["order_up_to_level"] == pytest.approx(mean + 44, rel=1e-3)
        assert 0 < row["implied_service"] < 1
        assert np.isnan(told["pinned_safety_stock"]).sum() == len(told) - 1


@pytest.mark.parametrize("measure", ["fill_rate", "cycle_service_level"])
def test_the_implied_service_is_that_of_the_measure_and_rises_with_the_pin(measure):
    inputs, params = company(items=3), Params(service_measure=measure)
    base = pipeline.prepare(inputs, AS_OF, params)
    found = []
    for units in (0.0, 5.0, 20.0, 80.0):
        pinned = with_pins(base.positions, pins(("001", None, "safety_stock", units)))
        told = pipeline.finish(replace(base, positions=pinned), AS_OF, params).policy
        found.append(told.loc[told["item_id"] == "001", "implied_service"].to_numpy())
    assert (np.diff(np.array(found), axis=0) >= -1e-9).all()
    told = pipeline.finish(base, AS_OF, params).policy
    expected = "expected_fill_rate" if measure == "fill_rate" else "expected_cycle_service_level"
    pd.testing.assert_series_equal(told["implied_service"], told[expected], check_names=False)


def test_a_pin_of_what_the_target_asks_for_changes_no_order():
    inputs = company(items=4)
    first = pipeline.plan(inputs, AS_OF, Params())
    some = first.policy[["item_id", "location_id", "buffer_units"]]
    inputs["pins"] = pins(*((i, p, "safety_stock", max(u, 0.0)) for i, p, u in some.itertuples(index=False)))
    again = pipeline.plan(inputs, AS_OF, Params())
    ordered = first.replenishment["order_quantity"]
    np.testing.assert_allclose(again.replenishment["order_quantity"], ordered, atol=1.0 + 1e-6)


# Limits and the end of an item.


def test_minimum_maximum_and_presentation_stock_are_honoured():
    assert single(certain(40, items=table({"item_id": "a", "min_stock": 30.0})))["order_quantity"] == 100
    shown = table({"item_id": "a", "location_id": "MAIN", "presentation_stock": 25.0})
    assert single(certain(40, item_locations=shown))["order_quantity"] == 95
    assert single(certain(40, items=table({"item_id": "a", "max_stock": 60.0})))["order_quantity"] == 20


def test_no_more_is_ordered_than_sells_before_it_expires():
    assert single(certain(40, items=table({"item_id": "a", "shelf_life_days": 4.0})))["order_quantity"] == 40


def test_an_item_that_ends_is_ordered_for_what_is_left_of_it():
    # The order arrives on day 14; the item is sold on 17 days, so three of them are left.
    ending = {"item_id": "a", "life_cycle": "ending", "ends_on": day(16), "min_stock": 500.0}
    assert single(certain(40, items=table(ending)))["order_quantity"] == 30
    # Without a day it is not kept beyond the coverage of the order: no minimum, no safety stock.
    assert single(certain(40, items=table({**ending, "ends_on": pd.NaT})))["order_quantity"] == 70
    assert single(certain(40, items=table({**ending, "ends_on": day(3)})))["order_quantity"] == 0
    assert single(certain(40, items=table({**ending, "life_cycle": "dead"})))["order_quantity"] == 0


# A published working: on hand 105; 94 and 91 in the two months until the order arrives, 200 in the two after.


def monthly() -> dict[str, pd.DataFrame]:
    """The plan is of 1 July 2026: July and August are 62 days, September and October 61."""
    months = ["2026-07-01", "2026-08-01", "2026-09-01", "2026-11-01"]
    return {
        "sales": steady_sales(3).assign(date=lambda f: f["date"] + pd.Timedelta(days=30)),
        "stock": table(stock(105)),
        "forecasts": pd.DataFrame(
            {"item_id": "a", "date": pd.to_datetime(months), "quantity": [94.0, 91.0, 200.0, 200.0]}
        ),
        "items": table({"item_id": "a", "lead_time_days": 62.0}),
    }


@pytest.mark.parametrize(("unmet", "quantity"), [("lost", 200), ("backordered", 280)])
def test_the_published_working_of_a_commercial_planner(unmet, quantity):
    params = Params(bucket="day", lead_time_sd_fraction=0, review_period_days=30, coverage_days=61, unmet_demand=unmet)
    result = pipeline.plan(monthly(), pd.Timestamp("2026-07-01").date(), params)
    assert result.replenishment["order_quantity"].tolist() == [quantity]
    steps = result.waterfall.set_index("step")["units"]
    assert steps["expected demand to the end of coverage"] == pytest.approx(385, abs=1e-3)
    assert steps["demand lost before arrival"] == pytest.approx(-80 if unmet == "lost" else 0, abs=1e-3)
