"""Scenarios: differences in words, what they cost to compute, the ready stresses, plans side by side."""

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from planning import pipeline, scenario
from planning.params import Params
from planning.result import PlanResult
from tests.planning.test_what_if import company

AS_OF = date(2026, 6, 1)


@pytest.fixture(scope="module")
def fits() -> pipeline.Fits:
    return pipeline.fit(company(), AS_OF, Params(bucket="day"))


def planned(fits: pipeline.Fits, params: Params | None = None, **changes: Any) -> PlanResult:
    return pipeline.plan(company(), AS_OF, (params or Params(bucket="day")).but(**changes), fits=fits)


@pytest.fixture(scope="module")
def base(fits: pipeline.Fits) -> PlanResult:
    return planned(fits)


@pytest.fixture(scope="module")
def stressed(fits: pipeline.Fits, base: PlanResult) -> dict[str, PlanResult]:
    return {one.key: planned(fits, one.params) for one in scenario.stresses(base)}


def measure(compared: scenario.Comparison, name: str) -> pd.Series:
    rows = compared.measures[compared.measures["measure"] == name]
    return rows.set_index("scenario")["value"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, ()),
        ({"service_target": 0.98}, ("Service target: 95 % → 98 %",)),
        ({"budget": 1250.5}, ("Budget: no limit → 1,250.5",)),
        ({"coverage_days": 28}, ("Coverage: the review period → 28 days",)),
        ({"service_target_by_class": {"A": 0.99}}, ("Service target of class A: none → 99 %",)),
        ({"unmet_demand": "backordered"}, ("Unmet demand: lost → backordered",)),
        ({"delay_open_orders": True}, ("Open orders late too: no → yes",)),
        ({"allocation_sources": ["A", "B"]}, ("Locations that give stock: none → A, B",)),
        ({"what_if": [{"kind": "demand", "factor": 1.15, "category": "Tea"}]}, ("Demand of Tea +15 %",)),
    ],
)
def test_differences_are_told_in_words(changes: dict[str, Any], words: tuple[str, ...]) -> None:
    assert scenario.differences(Params(), Params().but(**changes)) == words


def test_what_is_taken_back_is_told_too() -> None:
    base = Params().but(what_if=[{"kind": "demand", "factor": 1.15}])
    assert scenario.differences(base, Params()) == ("No longer: Demand of everything +15 %",)
    twice = Params().but(what_if=[{"kind": "demand", "factor": 1.15}] * 2)
    assert scenario.differences(base, twice) == ("Demand of everything +15 %",)


def test_each_parameter_has_words() -> None:
    for name in Params().to_dict():
        assert scenario._said(name, None, 5)[0].split(":")[0].strip(), name


@pytest.mark.parametrize(
    ("changes", "work"),
    [
        ({}, "none"),
        ({"budget": 5.0, "service_target": 0.9}, "look-up"),
        ({"what_if": [{"kind": "cost", "factor": 2}]}, "rework"),
        ({"budget": 5.0, "lead_time_added_days": 3.0}, "rework"),
        ({"history_days": 100}, "forecast"),
        ({"bucket": "week"}, "forecast"),
    ],
)
def test_what_a_change_costs(changes: dict[str, Any], work: str) -> None:
    assert scenario.work(Params(), Params().but(**changes)) == work


def test_the_ready_stresses_speak_of_this_company(base: PlanResult) -> None:
    told = {one.key: scenario.differences(base.params, one.params) for one in scenario.stresses(base)}
    assert set(told) == {"demand_up", "demand_down", "service_98", "late_supplier", "budget", "closed"}
    assert told["closed"] == ("DC sends nothing for 14 days",)
    assert told["late_supplier"][0].endswith("21 days late, open orders too")
    assert all(told.values())


def test_stresses_make_sense(base: PlanResult, stressed: dict[str, PlanResult]) -> None:
    lost = float(base.totals["expected_lost_units"])
    assert float(stressed["late_supplier"].totals["expected_lost_units"]) >= lost
    assert float(stressed["closed"].totals["expected_lost_units"]) >= lost
    assert float(stressed["demand_up"].totals["expected_lost_units"]) >= lost
    assert float(stressed["demand_down"].totals["expected_lost_units"]) <= lost
    levels = [p.policy["order_up_to_level"].to_numpy() for p in (base, stressed["service_98"])]
    assert (levels[1] >= levels[0] - 1e-9).all()
    budget = stressed["budget"].params.budget
    assert budget is not None
    assert float(stressed["budget"].orders["line_value"].sum()) <= budget + 1e-6


def test_side_by_side_the_first_is_what_others_are_held_against(
    base: PlanResult, stressed: dict[str, PlanResult]
) -> None:
    compared = scenario.compare({"Now": base, "98 %": stressed["service_98"], "Late": stressed["late_supplier"]})
    assert compared.names == ("Now", "98 %", "Late")
    first = compared.measures[compared.measures["scenario"] == "Now"]
    assert (first["difference"].dropna() == 0).all()
    value = measure(compared, "Order value today")
    assert value["Now"] == base.totals["order_value"]
    moved = compared.measures.query("measure == 'Order value today' and scenario == '98 %'")["difference"].iloc[0]
    assert moved == pytest.approx(value["98 %"] - value["Now"])
    for name, plan in (("Now", base), ("Late", stressed["late_supplier"])):
        assert measure(compared, "Red lines")[name] == (plan.replenishment["risk"] == "red").sum()


def test_cash_out_by_week_adds_up_to_the_orders(base: PlanResult, stressed: dict[str, PlanResult]) -> None:
    weeks = scenario.compare({"Now": base, "Up": stressed["demand_up"]}).weeks
    cost = base.items.drop_duplicates("item_id").set_index("item_id")["unit_cost"]
    placed = pd.concat([base.orders, base.planned_orders])
    inside = pd.to_datetime(placed["order_on"]) < pd.Timestamp(AS_OF) + pd.Timedelta(weeks=scenario.WEEKS)
    spent = (placed["quantity"] * placed["item_id"].map(cost))[inside].sum()
    told = weeks[weeks["scenario"] == "Now"]
    assert len(told) == scenario.WEEKS
    assert told["cash_out"].sum() == pytest.approx(spent)
    assert told["starts_on"].iloc[0] == pd.Timestamp(AS_OF)


def test_only_lines_whose_risk_moved_are_listed(base: PlanResult, stressed: dict[str, PlanResult]) -> None:
    late = stressed["late_supplier"]
    risks = scenario.compare({"Now": base, "Late": late}).risks
    both = base.replenishment["risk"].to_numpy() != late.replenishment["risk"].to_numpy()
    assert len(risks) == both.sum()
    assert (risks["before"] != risks["after"]).all()


def test_each_plan_stands_once_on_the_curve(base: PlanResult, stressed: dict[str, PlanResult]) -> None:
    curve = scenario.compare({"Now": base, "98 %": stressed["service_98"]}).curve
    stands = curve[curve["stands"]].set_index("scenario")
    assert stands["service_target"].to_dict() == {"Now": 0.95, "98 %": 0.98}
    assert np.isfinite(stands[["stock_value", "expected_fill_rate"]].to_numpy()).all()


def test_of_some_lines_the_comparison_is_theirs_and_all_of_them_is_the_whole(
    base: PlanResult, stressed: dict[str, PlanResult]
) -> None:
    plans = {"Now": base, "Late": stressed["late_supplier"], "Up": stressed["demand_up"]}
    whole, every = scenario.compare(plans), scenario.compare(plans, base.items[["item_id", "location_id"]])
    for table in ("measures", "weeks", "risks"):
        pd.testing.assert_frame_equal(getattr(whole, table), getattr(every, table), rtol=1e-9)
    halves = [base.items.iloc[::2], base.items.iloc[1::2]]
    parts = [scenario.compare(plans, half).measures.set_index(["measure", "scenario"])["value"] for half in halves]
    told = whole.measures.set_index(["measure", "scenario"])["value"]
    for name in (
        "Order value today",
        "Order lines today",
        "Cash out",
        "Mean stock",
        "Expected lost units",
        "Red lines",
    ):
        assert (parts[0] + parts[1])[name].to_numpy() == pytest.approx(told[name].to_numpy()), name


def test_of_some_lines_each_table_holds_those_alone(base: PlanResult, stressed: dict[str, PlanResult]) -> None:
    keys = base.items[base.items["item_id"] == base.items["item_id"].iloc[0]]
    told = scenario.compare({"Now": base, "Up": stressed["demand_up"]}, keys)
    wanted = set(keys["item_id"])
    for plan in told.plans.values():
        assert set(plan.policy["item_id"]) == set(plan.lines["item_id"]) == wanted
        assert set(plan.projection.keys["item_id"]) == wanted
        assert set(plan.orders["item_id"]) | set(plan.allocation["item_id"]) <= wanted
        assert plan.reasons(np.array([0]))[0] == plan.replenishment["reason"].iloc[0]
    assert told.curve["stands"].all()
    assert len(told.curve) == 2


def test_a_store_alone_holds_stock_of_its_own(base: PlanResult) -> None:
    fed = base.items[base.items["fed_by"].notna() & (base.items["fed_by"] != "")]
    assert len(fed)
    of_stores = scenario.compare({"Now": base, "Then": base}, fed).weeks
    assert (of_stores["stock_value"] > 0).any()


@pytest.mark.parametrize("count", [1, 5])
def test_only_two_to_four_stand_side_by_side(base: PlanResult, count: int) -> None:
    with pytest.raises(ValueError, match="two to 4"):
        scenario.compare({str(n): base for n in range(count)})
