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


def test_the_work_list_puts_red_before_amber_and_the_dearest_first(plan):
    rows = headline.work_list(plan)
    order = rows["risk"].map({"red": 0, "amber": 1, "green": 2})
    assert order.is_monotonic_increasing
    red = rows[rows["risk"] == "red"]["lost_margin"].fillna(0)
    assert red.is_monotonic_decreasing
    assert "none" not in set(rows["action"])
    assert rows["item_name"].notna().all()


def test_each_view_of_the_work_list_keeps_what_it_says(plan):
    assert "green" not in set(headline.work_list(plan, "risk")["risk"])
    assert (headline.work_list(plan, "order")["order_quantity"] > 0).all()
    idle = headline.work_list(plan, "idle")
    assert (idle["excess_units"] > 0).all()
    assert idle["excess_value"].dropna().is_monotonic_decreasing


def test_days_of_supply_are_stock_over_demand_at_cost(plan):
    state = headline.health(plan)
    rows = plan.replenishment.merge(plan.policy, on=["item_id", "location_id"]).merge(
        plan.items, on=["item_id", "location_id"], suffixes=("", "_item")
    )
    priced = rows[rows["unit_cost"].notna()]
    value, use = (float((priced[c] * priced["unit_cost"]).sum()) for c in ("on_hand", "demand_mean_per_day"))
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
    assert headline.work_list(empty).empty
