import pandas as pd
import pytest

from pages.components.filters import Filters
from planning.params import ABC_CLASSES
from tests.pages.fake_plan import fake_plan


@pytest.fixture(scope="module")
def plan():
    return fake_plan()


def test_no_filter_lets_the_very_plan_through(plan):
    assert Filters().narrow(plan) is plan
    assert Filters().keep(plan.replenishment, plan) is plan.replenishment


def test_filters_of_different_kinds_must_all_pass_and_values_of_one_are_alternatives(plan):
    chosen = Filters(location=("LEEDS", "YORK"), abc=("A",))
    kept = chosen.keep(plan.replenishment, plan).merge(plan.items, on=["item_id", "location_id"])
    assert set(kept["location_id"]) == {"LEEDS", "YORK"}
    assert set(kept["abc_class"]) == {"A"}
    assert len(kept) == 2 * 4


def test_risk_keeps_the_lines_of_that_risk(plan):
    kept = Filters(risk=("red",)).keep(plan.replenishment, plan)
    assert len(kept) == (plan.replenishment["risk"] == "red").sum() > 0
    assert set(kept["risk"]) == {"red"}


def test_search_is_a_text_and_no_pattern(plan):
    assert Filters(search=".*").keep(plan.replenishment, plan).empty
    kept = Filters(search="<SCRIPT>").keep(plan.replenishment, plan)
    assert set(kept["item_id"]) == {"00004"}


def test_transfers_are_kept_by_either_end(plan):
    to_leeds = Filters(location=("LEEDS",)).keep(plan.allocation, plan)
    assert set(to_leeds["destination_id"]) == {"LEEDS"}
    assert len(Filters(location=("DC",)).keep(plan.allocation, plan)) == len(plan.allocation)


def test_a_narrowed_plan_agrees_with_itself(plan):
    narrow = Filters(location=("DC",), search="Kitchen").narrow(plan)
    keys = pd.MultiIndex.from_frame(narrow.items[["item_id", "location_id"]])
    assert 0 < len(keys) < len(plan.items)
    for frame in (narrow.replenishment, narrow.policy, narrow.forecast, narrow.waterfall, narrow.accuracy):
        assert set(pd.MultiIndex.from_frame(frame[["item_id", "location_id"]])) == set(keys)
    projected = narrow.projection
    assert list(pd.MultiIndex.from_frame(projected.keys)) == list(
        pd.MultiIndex.from_frame(narrow.replenishment[["item_id", "location_id"]])
    )
    assert projected.with_orders.shape[0] == projected.demand.shape[0] == len(keys)
    whole = plan.projection.keys
    row = whole.index[(whole["item_id"] == keys[0][0]) & (whole["location_id"] == keys[0][1])][0]
    assert (projected.with_orders[0] == plan.projection.with_orders[row]).all()


@pytest.mark.parametrize(
    "hostile",
    [
        {"abc": ["Z", "<b>", "'; drop table items"]},
        {"risk": ["purple"]},
        {"location": ["a\nb", "x" * 500, "", 7, None]},
        {"location": 7},
        {"search": "x" * 500},
        {"search": ["\x00"]},
        {"unknown": ["a"]},
    ],
)
def test_values_that_do_not_fit_are_dropped(hostile):
    assert Filters.from_values(hostile) == Filters()


def test_filters_survive_the_way_through_a_url():
    chosen = Filters(location=("LEEDS",), abc=ABC_CLASSES[:2], risk=("red",), search="50% & <b>")
    assert Filters.from_values(chosen.to_values()) == chosen
    assert chosen.count == 4
