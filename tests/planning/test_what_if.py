"""What-if changes: checked by name, told in words, and doing what they say and nothing else."""

from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from planning import pipeline
from planning.errors import ParameterError
from planning.params import Params
from planning.result import PlanResult
from planning.what_if import Change, added_days, closed_days, demand_factors, read_changes, unused

AS_OF = date(2026, 6, 1)
KEYS = pd.DataFrame({"item_id": ["a", "a", "b"], "location_id": ["S1", "S2", "S1"]})
STARTS = np.array(["2026-06-01", "2026-06-08", "2026-06-15"], "datetime64[D]")


def company() -> dict[str, pd.DataFrame]:
    """A warehouse that feeds two stores; items a and b from suppliers X and Y; 10 and 4 a day for certain."""
    days = pd.date_range(AS_OF - timedelta(days=140), AS_OF - timedelta(days=1))
    sales = [
        pd.DataFrame({"date": days, "item_id": item, "location_id": place, "quantity": float(rate)})
        for item, rate in (("a", 10), ("b", 4))
        for place in ("S1", "S2")
    ]
    held = [
        {"item_id": item, "location_id": place, "on_hand": units}
        for item in ("a", "b")
        for place, units in (("S1", 30.0), ("S2", 30.0), ("DC", 60.0))
    ]
    return {
        "sales": pd.concat(sales, ignore_index=True),
        "stock": pd.DataFrame(held),
        "items": pd.DataFrame(
            {
                "item_id": ["a", "b"],
                "category": ["Tea", "Jam"],
                "supplier_id": ["X", "Y"],
                "unit_cost": [2.0, 5.0],
                "unit_price": [3.0, 8.0],
            }
        ),
        "suppliers": pd.DataFrame({"supplier_id": ["X", "Y"], "lead_time_days": [7.0, 7.0]}),
        "open_orders": pd.DataFrame(
            {
                "item_id": ["a", "b"],
                "location_id": ["DC", "DC"],
                "supplier_id": ["X", "Y"],
                "quantity": [200.0, 100.0],
                "due_on": pd.to_datetime(["2026-06-04", "2026-06-04"]),
                "order_id": ["1", "2"],
            }
        ),
    }


@pytest.fixture(scope="module")
def fits() -> pipeline.Fits:
    return pipeline.fit(company(), AS_OF, Params(bucket="day"))


def planned(fits: pipeline.Fits, *changes: dict[str, Any], **params: Any) -> PlanResult:
    asked = Params.from_mapping({"bucket": "day", "what_if": list(changes), **params})
    return pipeline.plan(company(), AS_OF, asked, fits=fits)


def column(plan: PlanResult, table: str, name: str) -> pd.Series:
    frame = getattr(plan, table)
    return frame.set_index(["item_id", "location_id"])[name]


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"kind": "weather"}, "kind is 'weather'; allowed: one of demand"),
        ({"factor": 2}, "kind is None"),
        ({"kind": "demand"}, "factor is None; allowed: a number from 0 to 100"),
        ({"kind": "demand", "factor": float("inf")}, "factor is inf"),
        ({"kind": "demand", "factor": float("nan")}, "factor is nan"),
        ({"kind": "demand", "factor": True}, "factor is True"),
        ({"kind": "demand", "factor": 1.1, "supplier_id": "X"}, "does not read it"),
        ({"kind": "demand", "factor": 1.1, "starts_on": "2026-13-01"}, "starts_on is '2026-13-01'; allowed: a date"),
        ({"kind": "demand", "factor": 1.1, "starts_on": "2026-06-02", "ends_on": "2026-06-01"}, "not before starts_on"),
        ({"kind": "late_supplier", "days": 2.5}, "a whole number from 1 to 365"),
        ({"kind": "late_supplier", "days": 5, "open_orders": 1}, "true or false"),
        ({"kind": "closed", "days": 5}, "source_id is None"),
        ({"kind": "cost", "factor": 2, "category": "x" * 201}, "a text of 1 to 200 characters"),
        ({"kind": "cost", "factor": 2, "colour": "red"}, "the name is unknown"),
        ("demand", "an object such as"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(told: Any, says: str) -> None:
    with pytest.raises(ParameterError, match="what_if, change 1") as fault:
        Params(what_if=[told])  # type: ignore[arg-type]
    assert says in str(fault.value)


@pytest.mark.parametrize("told", ["demand", {"kind": "demand", "factor": 2}, 5, [{"kind": "cost", "factor": 1}] * 51])
def test_only_a_list_of_at_most_fifty_is_taken(told: Any) -> None:
    with pytest.raises(ParameterError, match="what_if is"):
        Params(what_if=told)


def test_they_come_back_from_json_as_they_went() -> None:
    told = [
        {"kind": "demand", "factor": 1.15, "category": "Tea", "starts_on": "2026-06-01"},
        {"kind": "late_supplier", "days": 21, "open_orders": True},
        {"kind": "closed", "days": 14, "source_id": "DC"},
    ]
    params = Params.from_mapping({"what_if": told})
    assert Params.from_json(params.to_json()) == params
    assert params.to_dict()["what_if"] == told


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (
            Change("demand", factor=1.15, category="Drinks", starts_on=date(2026, 6, 1)),
            "Demand of Drinks +15 % from 1 June 2026",
        ),
        (Change("demand", factor=0.8), "Demand of everything −20 %"),
        (Change("demand", factor=2, item_id="a", location_id="S1"), "Demand of a at S1 +100 %"),
        (Change("late_supplier", days=21, supplier_id="X", open_orders=True), "X 21 days late, open orders too"),
        (Change("closed", days=14, source_id="DC"), "DC sends nothing for 14 days"),
        (Change("closed", days=3, source_id="DC", destination_id="S2"), "DC sends nothing to S2 for 3 days"),
        (Change("cost", factor=1.1, supplier_id="X"), "Costs of everything from X +10 %"),
    ],
)  # fmt: skip
def test_each_is_told_in_words(told: Change, words: str) -> None:
    assert told.words() == words


def test_part_of_a_bucket_has_its_share_of_the_change() -> None:
    change = Change(
        "demand", factor=2.0, item_id="a", location_id="S1", starts_on=date(2026, 6, 5), ends_on=date(2026, 6, 14)
    )
    told = demand_factors((change,), KEYS, np.array(["Tea", "Tea", None]), STARTS, 7)
    assert told.tolist() == [[1 + 3 / 7, 2.0, 1.0], [1.0] * 3, [1.0] * 3]


def test_changes_multiply_and_categories_are_theirs_alone() -> None:
    changes = (Change("demand", factor=2.0, category="Tea"), Change("demand", factor=1.5, location_id="S1"))
    told = demand_factors(changes, KEYS, np.array(["Tea", "Tea", None]), STARTS, 7)
    assert told[:, 0].tolist() == [3.0, 2.0, 1.5]


def test_days_add_up_for_suppliers_and_open_orders_only_where_asked() -> None:
    changes = (Change("late_supplier", days=5), Change("late_supplier", days=2, supplier_id="X", open_orders=True))
    supplier = pd.Series(["X", "Y", None])
    assert added_days(changes, supplier).tolist() == [7.0, 5.0, 0.0]
    assert added_days(changes, supplier, of_open_orders=True).tolist() == [2.0, 0.0, 0.0]


def test_the_longest_closure_of_a_lane_counts() -> None:
    changes = (Change("closed", days=5, source_id="DC"), Change("closed", days=9, source_id="DC", destination_id="S2"))
    lanes = np.array(["DC", "DC", "S1"], object), np.array(["S1", "S2", "S2"], object)
    assert closed_days(changes, *lanes).tolist() == [5.0, 9.0, 0.0]


def test_more_demand_of_a_category_moves_that_category_alone(fits: pipeline.Fits) -> None:
    before, after = planned(fits), planned(fits, {"kind": "demand", "factor": 1.5, "category": "Tea"})
    one, two = column(before, "policy", "demand_mean_per_day"), column(after, "policy", "demand_mean_per_day")
    assert two["a"].to_numpy() == pytest.approx(1.5 * one["a"].to_numpy())
    assert two["b"].to_numpy() == pytest.approx(one["b"].to_numpy())
    assert (
        column(after, "replenishment", "order_quantity")["a"].sum()
        > column(before, "replenishment", "order_quantity")["a"].sum()
    )


def test_a_late_supplier_is_late_and_its_open_orders_where_asked(fits: pipeline.Fits) -> None:
    late = {"kind": "late_supplier", "days": 10, "supplier_id": "X"}
    plain, new, both = planned(fits), planned(fits, late), planned(fits, late | {"open_orders": True})
    for plan, receipts_on in ((plain, 3), (new, 3), (both, 13)):
        row = plan.projection.keys.query("item_id == 'a' and location_id == 'DC'").index[0]
        assert np.flatnonzero(plan.projection.receipts[row]).tolist() == [receipts_on]
    leads = [column(plan, "policy", "lead_time_days")["a", "DC"] for plan in (plain, new, both)]
    assert leads == [7.0, 17.0, 17.0]
    assert column(both, "policy", "lead_time_days")["b", "DC"] == 7.0
    lost = [float(plan.totals["expected_lost_units"]) for plan in (plain, new, both)]
    assert lost == sorted(lost)


def test_a_closed_location_sends_later_and_nobody_starts_to_buy(fits: pipeline.Fits) -> None:
    plain, closed = planned(fits), planned(fits, {"kind": "closed", "days": 14, "source_id": "DC"})
    assert (
        column(closed, "policy", "lead_time_days")[:, "S1"] == column(plain, "policy", "lead_time_days")[:, "S1"] + 14
    ).all()
    bought = closed.replenishment[closed.replenishment["order_quantity"] > 0]
    assert set(bought["location_id"]) <= {"DC"}
    assert closed.totals["expected_lost_units"] >= plain.totals["expected_lost_units"]
    assert (pd.to_datetime(closed.allocation["arrives_on"]) >= pd.Timestamp(AS_OF) + pd.Timedelta(days=14)).all()


def test_costs_and_prices_move_where_they_stand(fits: pipeline.Fits) -> None:
    told = planned(
        fits, {"kind": "cost", "factor": 2.0, "category": "Tea"}, {"kind": "price", "factor": 1.5, "supplier_id": "Y"}
    )
    rows = told.items.drop_duplicates("item_id").set_index("item_id")
    assert rows["unit_cost"].to_dict() == {"a": 4.0, "b": 5.0}
    assert rows["unit_price"].to_dict() == {"a": 3.0, "b": 12.0}


def test_what_speaks_of_nothing_is_told(fits: pipeline.Fits) -> None:
    told = planned(fits, {"kind": "demand", "factor": 1.5, "item_id": "zzz"})
    assert "What if: Demand of zzz +50 %." in told.notes
    assert any("without an effect" in note and "'zzz'" in note for note in told.notes)
    assert unused(read_changes([{"kind": "closed", "days": 1, "source_id": "DC"}]), {"source_id": ["DC"]}) == []


def test_no_change_changes_nothing(fits: pipeline.Fits) -> None:
    plain, same = planned(fits), planned(fits, {"kind": "demand", "factor": 1.0}, {"kind": "cost", "factor": 1.0})
    pd.testing.assert_frame_equal(plain.replenishment, same.replenishment)
    pd.testing.assert_frame_equal(plain.orders, same.orders)


def test_they_are_part_of_the_key_of_a_plan_but_not_of_its_forecast() -> None:
    one, two = Params(), Params.from_mapping({"what_if": [{"kind": "demand", "factor": 1.5}]})
    assert pipeline.fit_key(company(), "s", "d", AS_OF, one) == pipeline.fit_key(company(), "s", "d", AS_OF, two)
    assert pipeline.base_key("s", "d", AS_OF, one) != pipeline.base_key("s", "d", AS_OF, two)
    assert pipeline.plan_key("s", "d", AS_OF, one) != pipeline.plan_key("s", "d", AS_OF, two)
