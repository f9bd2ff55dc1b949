from dataclasses import replace

import numpy as np
import pytest

from pages.components import headline
from tests.pages.fake_plan import fake_plan


@pytest.fixture(scope="module")
def plan():
    return fake_plan()


def test_sums_are_those_of_the_lines(plan):
    rows = plan.replenishment
    assert headline.margin_at_risk(plan).money == pytest.approx(rows["lost_margin"].sum())
    assert headline.idle_stock(plan).money == pytest.approx(rows["excess_value"].sum())
    assert headline.due_today(plan).money == pytest.approx(plan.orders["line_value"].sum())
    assert headline.due_today(plan).lines == len(plan.orders)


def test_what_has_no_price_is_told_in_units_and_never_as_zero_money(plan):
    blind = replace(plan, replenishment=plan.replenishment.assign(lost_margin=np.nan))
    value = headline.margin_at_risk(blind)
    assert value.money is None
    assert value.units == value.units_unpriced == pytest.approx(plan.replenishment["expected_lost_units"].sum())


def test_units_without_a_price_stand_beside_a_sum_that_lacks_them(plan):
    value = headline.idle_stock(plan)
    rows = plan.replenishment
    assert value.units_unpriced == pytest.approx(rows.loc[rows["excess_value"].isna(), "excess_units"].sum())


def test_nothing_at_risk_is_zero_money_and_not_unknown(plan):
    calm = replace(plan, replenishment=plan.replenishment.assign(expected_lost_units=0.0, lost_margin=np.nan))
    assert headline.margin_at_risk(calm).money == 0


def test_days_of_supply_are_stock_over_demand_at_cost(plan):
    state = headline.health(plan)
    rows = plan.replenishment.merge(plan.policy, on=["item_id", "location_id"]).merge(
        plan.items, on=["item_id", "location_id"], suffixes=("", "_item")
    )
    priced = rows[rows["unit_cost"].notna()]
    value = float((priced["on_hand"] * priced["unit_cost"]).sum())
    # A location that feeds others sells nothing itself: its demand is theirs.
    fed = set(zip(plan.items["item_id"], plan.items["fed_by"], strict=True))
    sells = [key not in fed for key in zip(priced["item_id"], priced["location_id"], strict=True)]
    use = float((priced["demand_mean_per_day"] * priced["unit_cost"])[sells].sum())
    assert state.stock_value == pytest.approx(value)
    assert state.days_of_supply == pytest.approx(value / use)
    assert state.red + state.amber == plan.totals["items_at_risk"]


def test_an_empty_view_says_nothing_rather_than_something_wrong(plan):
    empty = replace(
        plan,
        **{n: getattr(plan, n).iloc[:0] for n in ("replenishment", "policy", "items", "allocation", "orders")},
    )
    state = headline.health(empty)
    assert (state.fill_rate, state.days_of_supply, state.red) == (None, None, 0)
    assert headline.margin_at_risk(empty).lines == 0
    assert [one.amount.lines for one in headline.three(empty)] == [0, 0, 0]


def test_each_of_the_three_numbers_tells_its_unit_and_its_date(plan):
    for one in headline.three(plan):
        label, value = one.said("€")
        assert value.startswith("€\u00a0") or value.endswith(("unit", "units"))
        assert str(plan.as_of.year) in one.told
        assert label
        assert one.said("€", hidden=True)[1].endswith(("unit", "units"))
