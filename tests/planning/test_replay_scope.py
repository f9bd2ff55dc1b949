"""A replay narrowed to some lines is those lines, untouched: their sums add up with the rest to the whole."""

import numpy as np
import pandas as pd
import pytest

from planning.replay import World, replay
from planning.replay_measures import build_result
from planning.replay_rules import BaseStock
from planning.replay_scope import narrow


@pytest.fixture(scope="module")
def result():
    demand = np.random.default_rng(3).poisson(4, (6, 30)).astype(float)
    demand[2, 7] = np.nan
    costs = {"unit_cost": np.arange(1.0, 7), "margin": np.full(6, 2.0), "order_cost": np.full(6, 5.0)}
    world = World.of(demand, 2, 10.0, holding_per_bucket=np.full(6, 0.1), **costs)
    world.groups["supplier_id"] = "one"
    rules = [BaseStock(np.full(6, 16.0), name="plan"), BaseStock(np.full(6, 9.0), name="low")]
    return build_result(world, {rule.name: replay(world, rule) for rule in rules}, ("a note",))


def parts(result):
    keys = result.world.keys
    return narrow(result, keys.iloc[[1, 4]]), narrow(result, keys.iloc[[0, 2, 3, 5]])


def test_two_halves_add_up_to_the_whole(result):
    few, rest = parts(result)
    columns = ["lost_units", "average_stock_value", "order_cost", "total_cost", "orders"]
    whole = result.totals()[columns].to_numpy()
    assert np.allclose(few.totals()[columns].to_numpy() + rest.totals()[columns].to_numpy(), whole)
    for name in ("lost_units", "stock_value", "end_units", "demand_units"):
        assert np.allclose(few.weeks[name] + rest.weeks[name], result.weeks[name])


def test_a_line_stays_as_it_was(result):
    few, _ = parts(result)
    key = result.world.keys.iloc[4]
    told = [one.item(key["item_id"], key["location_id"]) for one in (few, result)]
    pd.testing.assert_frame_equal(*told)
    assert list(few.world.keys["item_id"]) == ["000001", "000004"]
    assert set(few.lines["item_id"]) == {"000001", "000004"}


def test_all_lines_are_the_result_itself_and_unknown_ones_are_none(result):
    assert narrow(result, result.world.keys) is result
    none = narrow(result, pd.DataFrame({"item_id": ["nobody"], "location_id": ["MAIN"]}))
    assert none.lines.empty
    assert none.totals().empty
