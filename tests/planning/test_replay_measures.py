"""What is measured of a replay, by hand; intervals; what is not known stays so."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from planning.replay import World, replay
from planning.replay_measures import ReplayResult, build_result
from planning.replay_rules import BaseStock
from planning.replay_scope import narrow
from planning.replay_world import blanked
from tests.planning.made_worlds import stationary

DEMAND = np.array([[4, 0, 6, 3, 5, 2, 7, 0, 4, 8, 1, 3.0]])
MONEY = {
    "unit_cost": np.array([2.0]),
    "unit_price": np.array([5.0]),
    "margin": np.array([3.0]),
    "holding_per_bucket": np.array([0.1]),
    "order_cost": np.array([10.0]),
}


def _worked(**more: object) -> pd.Series:
    world = replace(World.of(DEMAND, 2, 12.0, **MONEY), **more)
    ledger = replay(world, BaseStock(np.array([18.0]), np.array([8.0])))
    return build_result(world, {"s,S": ledger}, ()).lines.iloc[0]


def test_money_is_told_by_part() -> None:
    line = _worked()
    assert line["holding_cost"] == pytest.approx(0.1 * 60)
    assert line["lost_margin"] == pytest.approx(3 * 7)
    assert line["order_cost"] == pytest.approx(10 * 3)
    assert line["total_cost"] == pytest.approx(6 + 21 + 30)
    assert line["average_stock_value"] == pytest.approx(10.0)
    # 36 units of twelve weeks, a year of them 156.4, at a stock of five.
    assert line["turns"] == pytest.approx(36 * 365 / 84 / 5)


def test_cycles_go_from_receipt_to_receipt() -> None:
    # Receipts in buckets 4 and 8; short in 7, in the second cycle, and in 12, in the third.
    assert _worked()["cycle_service_level"] == pytest.approx(1 / 3)


def test_warm_up_counts_for_nothing_and_unknown_demand_neither() -> None:
    counted = np.arange(12) >= 7
    line = _worked(counted=counted)
    assert (line["demand_units"], line["lost_units"]) == (16, 2)
    assert line["average_stock_units"] == pytest.approx((14 + 10 + 2 + 1 + 0) / 5)
    assert line["start_units"] + line["received_units"] - line["sold_units"] == line["end_units"]
    demand = DEMAND.copy()
    demand[0, 9] = np.nan
    line = _worked(demand=demand)
    assert line["buckets"] == 11
    assert line["demand_units"] == 35


def test_unknown_money_stays_unknown_and_its_units_are_told() -> None:
    line = _worked(unit_cost=np.array([np.nan]), margin=np.array([np.nan]), holding_per_bucket=np.array([np.nan]))
    assert line[["average_stock_value", "lost_margin", "holding_cost", "total_cost"]].isna().all()
    result = _two()
    total = result.totals().set_index("policy").loc["low"]
    unknown = result.lines[(result.lines["policy"] == "low") & result.lines["average_stock_value"].isna()]
    assert total["stock_units_without_cost"] == pytest.approx(unknown["average_stock_units"].sum())


def test_an_order_of_several_lines_costs_once() -> None:
    groups = pd.DataFrame(
        {"category": None, "abc_class": "A", "demand_class": "smooth", "supplier_id": ["X", "X", "Y"]}
    )
    world = replace(World.of(np.ones((3, 4)), 1, 1.0), order_cost=np.full(3, 12.0), groups=groups)
    lines = build_result(world, {"S": replay(world, BaseStock(np.full(3, 2.0)))}, ()).lines
    assert lines["order_cost"].tolist() == [24, 24, 48]


def test_intervals_hold_the_difference_and_narrow_with_more_items() -> None:
    few, many = _two(20).against("low", "high", draws=300), _two(400).against("low", "high", draws=300)
    width = []
    for table in (few, many):
        row = table.set_index("measure").loc["fill_rate"]
        assert row["low"] <= row["difference"] <= row["high"] < 0
        assert row["difference"] == pytest.approx(row["value"] - row["other"])
        width.append(row["high"] - row["low"])
    assert width[1] < 0.5 * width[0]
    pd.testing.assert_frame_equal(many, _two(400).against("low", "high", draws=300))


def test_the_same_policy_differs_in_nothing() -> None:
    result = _two()
    ledgers = {"one": replace(result.ledgers["low"], name="one"), "two": replace(result.ledgers["low"], name="two")}
    table = build_result(result.world, ledgers, ()).against("one", "two", draws=50)
    known = table[table["difference"].notna()]
    assert len(known) > 8
    assert (known[["difference", "low", "high"]] == 0).all().all()


def test_totals_by_group_add_up_and_common_lines_compare() -> None:
    result = _two()
    whole, parts = result.totals(), result.totals("abc_class")
    for policy in result.names:
        some = parts[parts["policy"] == policy]
        assert some["demand_units"].sum() == pytest.approx(whole.set_index("policy").loc[policy, "demand_units"])
    half = np.arange(result.world.lines) % 2 == 0
    ledgers = {"low": result.ledgers["low"], "high": blanked(result.ledgers["high"], half)}
    mixed = build_result(result.world, ledgers, ())
    assert mixed.totals()["lines"].tolist() == [40, 20]
    common = mixed.totals(common=True)
    assert common["lines"].tolist() == [20, 20]
    assert common["demand_units"].nunique() == 1


def test_the_weeks_add_up_to_the_lines_that_a_policy_was_asked_about() -> None:
    result = _two()
    half = np.arange(result.world.lines) % 2 == 0
    ledgers = {"low": result.ledgers["low"], "high": blanked(result.ledgers["high"], half)}
    mixed = build_result(result.world, ledgers, ())
    for name in ("demand_units", "sold_units", "lost_units", "received_units", "ordered_units"):
        told = mixed.lines.groupby("policy")[name].sum()
        pd.testing.assert_series_equal(mixed.weeks.groupby("policy")[name].sum(), told, rtol=1e-6)


def test_what_a_store_is_promised_counts_once() -> None:
    # The warehouse, line 0, promises the demand of the store that it feeds; customers are promised the store's alone.
    result = _two()
    source = np.full(result.world.lines, -1)
    source[1] = 0
    lines = result.lines.assign(promised_short_units=1.0, promised_demand_units=10.0)
    fed = replace(result, world=replace(result.world, source=source), lines=lines)
    told = fed.totals().set_index("policy").loc["low"]
    assert told["promised_demand_units"] == 10 * (result.world.lines - 1)
    assert told["promised_short_units"] == result.world.lines - 1
    keys = result.world.keys
    assert (
        narrow(fed, keys.iloc[1:]).totals().set_index("policy").loc["low", "promised_demand_units"]
        == told["promised_demand_units"]
    )
    alone = narrow(fed, keys.iloc[[0]]).totals().set_index("policy").loc["low"]
    assert alone["promised_demand_units"] == 10


def test_an_item_week_by_week_and_who_gained_most() -> None:
    result = _two()
    weeks = result.item("000003", "MAIN")
    one = weeks[weeks["policy"] == "high"]
    after = one["start_units"] + one["received_units"] - one["sold_units"] - one["sent_units"] - one["waste_units"]
    np.testing.assert_allclose(after, one["end_units"], atol=1e-4)
    with pytest.raises(KeyError, match="no line"):
        result.item("000003", "nowhere")
    gained = result.gained_and_lost("high", "low", 3)
    assert gained["gained"].is_monotonic_decreasing
    assert len(gained) <= 6


def _two(items: int = 40) -> ReplayResult:
    world, _ = stationary(items, 40, 2, 1, seed=3)
    cost = np.where(np.arange(items) % 5 == 0, np.nan, 2.0)
    groups = world.groups.assign(abc_class=np.where(np.arange(items) % 3 == 0, "A", "B"))
    world = replace(world, unit_cost=cost, groups=groups)
    mean = np.nanmean(world.demand, axis=1)
    rules = {"low": BaseStock(np.ceil(3 * mean), name="low"), "high": BaseStock(np.ceil(6 * mean), name="high")}
    return build_result(world, {name: replay(world, rule) for name, rule in rules.items()}, ())


def test_what_happened_is_not_told_better_than_it_was() -> None:
    # Line 0 was never empty and counted in every other week; of line 1, an empty shelf, nobody knows what was short.
    demand = np.full((2, 6), 5.0)
    world = World.of(demand, 1, 20.0, holding_per_bucket=np.full(2, 0.1), margin=np.ones(2), unit_cost=np.ones(2))
    plan = replay(world, BaseStock(np.full(2, 15.0), name="plan"))
    end = np.where(np.arange(6) % 2 == 0, 10.0, np.nan) * np.ones((2, 1))
    lost = np.array([[0.0] * 6, [np.nan] * 6])
    gone = np.array([[0.0] * 6, [np.nan] * 6])
    past = replace(plan, name="history", end=end, lost=lost, waste=gone, received=gone, ordered=gone, sent=gone)
    result = build_result(world, {"plan": plan, "history": past}, ())
    line = result.lines[result.lines["policy"] == "history"].iloc[0]
    assert (line["demand_units"], line["average_stock_units"], line["fill_rate"]) == (30.0, 10.0, 1.0)
    assert line["holding_cost"] == pytest.approx(0.1 * 10 * 6)
    totals = result.totals().set_index("policy")
    unknown = ["lost_units", "fill_rate", "stockout_buckets", "lost_margin", "total_cost", "waste_units", "sent_units"]
    assert totals.loc["history", unknown].isna().all()
    assert totals.loc["plan", unknown].notna().all()
    told = result.against("plan", "history", draws=20).set_index("measure")
    assert (
        told.loc[["fill_rate", "lost_margin", "total_cost"], ["other", "difference", "low", "high"]].isna().all().all()
    )
    assert told.loc["fill_rate", "value"] == totals.loc["plan", "fill_rate"]
    # Orders are compared on the line whose orders are known of both.
    assert told.loc["orders", "value"] == result.lines["orders"].iloc[0]
    assert told.loc["average_stock_units", "difference"] == pytest.approx(
        totals.loc["plan", "average_stock_units"] - 20
    )
    weeks = result.weeks[result.weeks["policy"] == "history"]
    assert weeks["lost_units"].isna().all()
    assert weeks["lost_margin"].isna().all()
