"""Key figures of stock: published numbers, cases by hand, laws, and what is said where the data cannot tell."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planning import pipeline
from planning.errors import PlanningError
from planning.kpi import CATALOGUE, build_kpis
from planning.kpi_formulas import days_of_inventory, gmroi, perfect_order_product, tracking_signal, turnover
from planning.params import Params
from tests.planning.made_past import (
    AS_OF,
    MORNINGS,
    YEAR,
    fits_for,
    lines_of,
    plan_for,
    receipt,
    sales_of,
    stock_of,
    table,
)
from tests.planning.test_pipeline import AS_OF as COMPANY_AS_OF
from tests.planning.test_pipeline import company

ONE = lines_of(("A", "S1"))
TWO = lines_of(("A", "S1"), ("B", "S1"))
FED = lines_of(("A", "S1"), ("A", "W1"))


def kpis(keys, plan=None, view=None, *, empty=None, **tables):
    # A plan asks for sales or stock: a count of today alone tells nothing of the past.
    given = {"sales": sales_of("A", "S1", 0.0, YEAR[:0]), "stock": stock_of("A", "S1", 1.0, MORNINGS[-1:])} | tables
    fits = fits_for(keys, given["sales"], empty)
    return build_kpis(given, plan or plan_for(keys), fits, as_of=AS_OF, keys=view)


def test_walmart_turned_its_stock_7_9755_times_in_2014_and_held_it_for_45_77_days():
    assert turnover(358.1, 44.9) == pytest.approx(7.9755, abs=5e-5)
    assert days_of_inventory(358.1, 44.9) == pytest.approx(45.77, abs=5e-3)


def test_a_margin_of_50_000_on_stock_of_25_000_returns_200_percent():
    assert gmroi(50_000, 25_000) == 2.0


def test_the_perfect_order_of_apqc_multiplies_its_parts():
    assert perfect_order_product([0.98, 0.97, 0.99, 0.82]) == pytest.approx(0.7717, abs=5e-5)


def test_a_tracking_signal_by_hand():
    # Errors 4, -2, 6, 4: in all 12; the mean absolute error is 16 / 4 = 4.
    assert tracking_signal(12, 16, 4) == 3.0
    assert np.isnan(tracking_signal(0, 0, 4))


def test_every_figure_is_told_in_the_order_of_the_catalogue_with_all_that_explains_it():
    found = kpis(ONE)
    assert list(found) == list(CATALOGUE)
    for key, one in found.items():
        assert one.key == key
        assert all((one.name, one.unit, one.period, one.formula, one.source)), key
        assert (one.value is None) == bool(one.missing), key
        assert list(one.trend.columns) == ["date", "value"], key


def test_a_plan_of_other_lines_is_refused():
    with pytest.raises(PlanningError, match="other lines"):
        kpis(ONE, plan_for(TWO))


# Turnover, days of inventory, carrying cost and GMROI


def test_turnover_by_hand():
    # 2 a day for 365 days at 10 cost 7,300; the mean of 13 month ends, 40 to 160 by tens, is 100 at 10: 1,000.
    found = kpis(ONE, plan_for(ONE, unit_cost=10.0, unit_price=15.0, on_hand=50.0),
                 sales=sales_of("A", "S1", 2.0), stock=stock_of("A", "S1", np.arange(13) * 10.0 + 40))  # fmt: skip
    assert found["turnover"].value == pytest.approx(7.3)
    assert found["turnover"].period == "12 months to 31 May 2026"
    assert found["turnover"].covered == ""
    assert found["days_of_inventory"].value == pytest.approx(50.0)
    # A quarter of the average value; 3,650 of margin on 1,000 of stock.
    assert found["carrying_cost"].value == pytest.approx(250.0)
    assert found["gmroi"].value == pytest.approx(3.65)
    assert found["stock_value"].value == 500.0
    # The 12 mornings before, and that of the plan.
    assert found["stock_value"].trend["value"].tolist() == [*range(400, 1600, 100), 500]
    row = found["turnover"].items.iloc[0]
    assert (row["average_stock_value"], row["cost_of_goods"]) == (pytest.approx(1000.0), pytest.approx(7300.0))


def test_what_was_paid_tells_the_margin_and_the_list_price_stands_in():
    # Half of the year at 14 and half without a price at 15: 182 x 2 x 4 + 183 x 2 x 5.
    sold = pd.concat([sales_of("A", "S1", 2.0, YEAR[:182], unit_price=14.0), sales_of("A", "S1", 2.0, YEAR[182:])])
    found = kpis(ONE, plan_for(ONE, unit_cost=10.0, unit_price=15.0), sales=sold, stock=stock_of("A", "S1", 100.0))
    assert found["gmroi"].value == pytest.approx((182 * 2 * 4 + 183 * 2 * 5) / 1000)


def test_returns_come_off_the_cost_of_goods():
    sold = pd.concat([sales_of("A", "S1", 2.0), sales_of("A", "S1", -1.0, YEAR[:100])])
    found = kpis(ONE, plan_for(ONE, unit_cost=10.0), sales=sold, stock=stock_of("A", "S1", 100.0))
    assert found["turnover"].value == pytest.approx((730 - 100) * 10 / 1000)


def test_a_shorter_history_is_taken_to_a_year_and_told():
    # Seven month ends, six months, 182 days: 364 units at 10, to a year 7,300.
    found = kpis(ONE, plan_for(ONE, unit_cost=10.0), sales=sales_of("A", "S1", 2.0),
                 stock=stock_of("A", "S1", 100.0, MORNINGS[-7:]))  # fmt: skip
    assert found["turnover"].value == pytest.approx(7.3)
    assert "7 month ends instead of 13" in found["turnover"].covered


def test_a_count_speaks_for_the_month_end_after_it_and_not_for_a_later_one():
    # Counted on the 20th: the month ends are those of the days after; a month without a count is not known.
    days = (MORNINGS[:-1] + np.timedelta64(19, "D"))[[0, 1, 3]]
    found = kpis(ONE, plan_for(ONE, unit_cost=1.0, on_hand=9.0), sales=sales_of("A", "S1", 1.0),
                 stock=stock_of("A", "S1", [10.0, 20.0, 30.0], days))  # fmt: skip
    trend = found["stock_value"].trend
    assert trend["date"].dt.strftime("%Y-%m-%d").tolist() == ["2025-07-01", "2025-08-01", "2025-10-01", "2026-06-01"]
    assert trend["value"].tolist() == [10.0, 20.0, 30.0, 9.0]
    # Three month ends, 1 July to 1 October: 92 days at one a day, to a year 365, on a mean of 20.
    assert found["turnover"].value == pytest.approx(365 / 20)


def test_a_location_that_feeds_others_turns_with_what_these_sell():
    plan = plan_for(FED, unit_cost=10.0, fed_by=["W1", None])
    tables = {"sales": sales_of("A", "S1", 2.0),
              "stock": pd.concat([stock_of("A", "S1", 30.0), stock_of("A", "W1", 70.0)])}  # fmt: skip
    assert kpis(FED, plan, **tables)["turnover"].value == pytest.approx(7300 / 1000)
    assert kpis(FED, plan, FED[1:], **tables)["turnover"].value == pytest.approx(7300 / 700)
    assert kpis(FED, plan, FED[:1], **tables)["turnover"].value == pytest.approx(7300 / 300)


def test_without_stock_history_turnover_is_not_known_and_carrying_cost_is_that_of_today():
    found = kpis(ONE, plan_for(ONE, unit_cost=10.0, unit_price=15.0, on_hand=50.0), sales=sales_of("A", "S1", 2.0))
    for key in ("turnover", "days_of_inventory", "gmroi"):
        assert found[key].value is None
        assert "as_of" in found[key].missing
        assert "13" in found[key].missing
    assert found["carrying_cost"].value == pytest.approx(125.0)
    assert "at today's stock" in found["carrying_cost"].covered
    assert found["stock_value"].trend.empty


def test_without_costs_no_money_is_told():
    found = kpis(ONE, plan_for(ONE, on_hand=50.0, excess_units=3.0, expected_lost_units=1.0),
                 sales=sales_of("A", "S1", 2.0), stock=stock_of("A", "S1", 100.0))  # fmt: skip
    for key in ("stock_value", "turnover", "days_of_inventory", "carrying_cost", "gmroi", "excess_value",
                "margin_at_risk"):  # fmt: skip
        assert found[key].value is None, key
        assert "unit_cost" in found[key].missing, key


def test_a_part_without_costs_is_told_with_its_units():
    found = kpis(TWO, plan_for(TWO, unit_cost=[10.0, np.nan], on_hand=[5.0, 7.0]))
    assert found["stock_value"].value == 50.0
    assert found["stock_value"].covered == "1 of 2 lines have a cost; the others hold 7 units"


def test_without_prices_gmroi_is_not_known():
    found = kpis(ONE, plan_for(ONE, unit_cost=10.0), sales=sales_of("A", "S1", 2.0), stock=stock_of("A", "S1", 100.0))
    assert found["turnover"].value == pytest.approx(7.3)
    assert found["gmroi"].value is None
    assert "unit_price" in found["gmroi"].missing


def test_without_any_stock_its_figures_are_not_zero_but_unknown():
    found = kpis(ONE, plan_for(ONE, unit_cost=10.0, demand_mean_per_day=2.0),
                 sales=sales_of("A", "S1", 2.0), stock=stock_of("A", "S1", 1.0, MORNINGS[:0]))  # fmt: skip
    for key in ("stock_value", "excess_value", "dead_value", "days_of_supply", "carrying_cost", "space_used"):
        assert (found[key].value, found[key].missing) == (None, "Bring stock."), key


def test_a_holding_cost_a_unit_and_day_goes_before_the_rate():
    plan = plan_for(ONE, unit_cost=10.0, params=Params(holding_cost_per_unit_day=0.1))
    found = kpis(ONE, plan, sales=sales_of("A", "S1", 2.0), stock=stock_of("A", "S1", 100.0))
    assert found["carrying_cost"].value == pytest.approx(100 * 0.1 * 365)


# Sell-through, days of supply, excess, dead stock and space


def test_sell_through_is_sold_over_received_and_since_when():
    # 800 received from 1 September on, 9 months: 273 days at 2 a day are 546 sold.
    came = [receipt("A", "S1", "2025-08-20", None, "2025-09-01", 300.0),
            receipt("A", "S1", "2026-01-02", None, "2026-01-20", 500.0, order="P2")]  # fmt: skip
    found = kpis(ONE, sales=sales_of("A", "S1", 2.0), receipts=table(came))["sell_through"]
    assert found.value == pytest.approx(546 / 800)
    assert found.period == "9 months to 31 May 2026"
    assert "since 1 Sep 2025" in found.covered


def test_what_a_warehouse_received_is_sold_by_what_it_feeds():
    came = table([receipt("A", "W1", "2025-05-20", None, "2025-06-01", 1000.0)])
    plan = plan_for(FED, fed_by=["W1", None])
    tables = {"sales": sales_of("A", "S1", 2.0), "receipts": came}
    assert kpis(FED, plan, **tables)["sell_through"].value == pytest.approx(0.73)
    assert kpis(FED, plan, FED[1:], **tables)["sell_through"].value == pytest.approx(0.73)
    shop = kpis(FED, plan, FED[:1], **tables)["sell_through"]
    assert shop.value is None
    assert "transfers are no receipts" in shop.missing


def test_without_receipts_sell_through_asks_for_them():
    assert "receipts" in kpis(ONE, sales=sales_of("A", "S1", 2.0))["sell_through"].missing


def test_days_of_supply_count_pooled_demand_once():
    # Stock of 30 and 70 at 10, demand of 2 a day that the warehouse pools: 100 / 2.
    plan = plan_for(FED, unit_cost=10.0, on_hand=[30.0, 70.0], demand_mean_per_day=[2.0, 2.0], fed_by=["W1", None])
    assert kpis(FED, plan)["days_of_supply"].value == 50.0
    assert kpis(FED, plan, FED[1:])["days_of_supply"].value == 35.0
    assert kpis(FED, plan_for(FED, on_hand=10.0))["days_of_supply"].value is None


def test_dead_stock_is_what_nothing_was_sold_of_for_180_days():
    keys = lines_of(("A", "S1"), ("B", "S1"), ("C", "S1"), ("D", "S1"), ("E", "S1"), ("F", "S1"))
    # A sold 181 days ago, B 179; C never sold, stocked for long; D never sold, new; E marked dead; F holds none.
    back = {
        name: pd.DatetimeIndex([pd.Timestamp(AS_OF) - pd.Timedelta(days=n)]) for name, n in (("A", 181), ("B", 179))
    }
    sold = pd.concat([sales_of(name, "S1", 1.0, when.as_unit("s")) for name, when in back.items()]
                     + [sales_of("F", "S1", 1.0, YEAR[:1]), sales_of("E", "S1", 1.0, YEAR[-1:])])  # fmt: skip
    items = pd.DataFrame({
        "item_id": list("ABCDEF"),
        "launch_on": pd.Series([None] * 3 + ["2026-05-01"] + [None] * 2, dtype="datetime64[s]"),
        "life_cycle": ["active"] * 4 + ["dead", "active"],
    })  # fmt: skip
    held = pd.concat([stock_of(name, "S1", 5.0, MORNINGS[:1]) for name in "ABCD"])
    plan = plan_for(keys, unit_cost=10.0, on_hand=[1.0, 1.0, 2.0, 4.0, 8.0, 0.0])
    found = kpis(keys, plan, sales=sold, stock=held, items=items)["dead_value"]
    assert found.value == 10.0 * (1 + 2 + 8)
    assert sorted(found.items["item_id"]) == ["A", "C", "E"]


def test_dead_stock_of_a_short_history_is_not_known():
    found = kpis(ONE, plan_for(ONE, unit_cost=10.0, on_hand=5.0), sales=sales_of("A", "S1", 1.0, YEAR[-90:-80]))
    assert found["dead_value"].value == 0.0  # It sold within 180 days: that is known.
    never = kpis(TWO, plan_for(TWO, unit_cost=10.0, on_hand=[0.0, 5.0]), sales=sales_of("A", "S1", 1.0, YEAR[-90:]))
    assert never["dead_value"].value is None
    assert "180 days" in never["dead_value"].missing


def test_excess_and_margin_at_risk_are_those_of_the_plan():
    plan = plan_for(TWO, unit_cost=[10.0, np.nan], excess_units=[3.0, 4.0], excess_value=[30.0, np.nan],
                    expected_lost_units=[2.0, 5.0], lost_margin=[8.0, np.nan])  # fmt: skip
    found = kpis(TWO, plan)
    assert (found["excess_value"].value, found["margin_at_risk"].value) == (30.0, 8.0)
    assert "4 units" in found["excess_value"].covered
    assert "5 units" in found["margin_at_risk"].covered


def test_space_is_volume_on_hand_over_capacity_with_what_is_inbound():
    keys = lines_of(("A", "S1"), ("B", "S1"), ("A", "S2"))
    items = pd.DataFrame({"item_id": ["A", "B"], "volume": [2.0, 0.5]})
    places = pd.DataFrame({"location_id": ["S1", "S2"], "capacity": [100.0, 50.0]})
    plan = plan_for(keys, on_hand=[20.0, 40.0, 10.0], on_order=[30.0, 0.0, 20.0])
    # S1: 40 + 20 of 100, 60 more to come; S2: 20 of 50, 40 to come.
    found = kpis(keys, plan, items=items, locations=places)["space_used"]
    assert found.value == pytest.approx(80 / 150)
    assert found.covered.startswith("120% with what is inbound; over its room once all has come: S1, S2")
    assert found.items["share_with_inbound"].tolist() == [1.2, 1.2]
    assert kpis(keys, plan, items=items)["space_used"].missing == "Bring capacity in locations."
    units = kpis(keys, plan, locations=places)["space_used"]
    assert units.value == pytest.approx(70 / 150)
    assert "in units" in units.covered


# Laws


@st.composite
def companies(draw):
    """Some items at two shops fed by a warehouse, with costs and prices, each perhaps unknown."""
    items = [f"I{k}" for k in range(draw(st.integers(2, 4)))]
    keys = lines_of(*((item, place) for item in items for place in ("S1", "S2", "W1")))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = len(keys)
    sold = pd.concat([sales_of(i, p, float(rng.integers(0, 9))) for i in items for p in ("S1", "S2")])
    stock = pd.concat([stock_of(i, p, rng.integers(0, 99, 13).astype(float)) for i, p in keys.itertuples(index=False)])
    came = table(
        [receipt(i, "W1", "2025-05-20", "2025-06-03", "2025-06-02", float(rng.integers(1, 999))) for i in items]
    )
    cost = np.repeat(np.where(rng.random(len(items)) < 0.2, np.nan, rng.uniform(1, 9, len(items)).round(2)), 3)
    lost, extra = rng.integers(0, 5, (2, n)).astype(float)
    plan = plan_for(
        keys, unit_cost=cost, unit_price=cost * 1.5, fed_by=["W1", "W1", None] * len(items),
        on_hand=rng.integers(0, 99, n).astype(float), demand_mean_per_day=rng.uniform(0, 5, n), lost_margin=lost * cost,
        expected_lost_units=lost, excess_units=extra, excess_value=extra * cost,
    )  # fmt: skip
    return keys, plan, {"sales": sold, "stock": stock, "receipts": came}, draw(st.integers(1, len(items) - 1))


@settings(max_examples=8, deadline=None)
@given(companies())
def test_days_of_inventory_times_turnover_is_a_year_and_shares_are_shares(company):
    keys, plan, tables, _ = company
    found = kpis(keys, plan, **tables)
    turns, days = found["turnover"].value, found["days_of_inventory"].value
    assert (turns is None) == (days is None) or turns == 0
    if turns and days:
        assert turns * days == pytest.approx(365)
    for key in ("stockout_rate", "fill_rate_achieved", "supplier_on_time", "supplier_in_full", "supplier_otif"):
        assert found[key].value is None or 0 <= found[key].value <= 1, key


@settings(max_examples=8, deadline=None)
@given(companies())
def test_the_parts_of_two_groups_of_items_add_up_to_the_whole(company):
    keys, plan, tables, cut = company
    groups = [keys[: 3 * cut], keys[3 * cut :]]
    whole, first, second = (kpis(keys, plan, view, **tables) for view in (None, *groups))
    for key in ("stock_value", "excess_value", "margin_at_risk", "carrying_cost", "dead_value"):
        parts = [one[key].value or 0.0 for one in (first, second)]
        assert (whole[key].value or 0.0) == pytest.approx(sum(parts)), key
    # A ratio of the whole lies between those of its parts, and its items are theirs.
    for key in ("turnover", "sell_through", "stockout_rate", "gmroi"):
        known = [one[key].value for one in (first, second) if one[key].value is not None]
        if known:
            assert min(known) - 1e-9 <= whole[key].value <= max(known) + 1e-9, key
        assert len(whole[key].items) == len(first[key].items) + len(second[key].items), key


@settings(max_examples=6, deadline=None)
@given(companies())
def test_the_ratios_are_those_of_a_plain_loop(company):
    keys, plan, tables, _ = company
    cost = dict(zip(keys["item_id"], plan.items["unit_cost"], strict=True))
    goods = held = sold = received = 0.0
    for item, place in keys.itertuples(index=False):
        mine = [frame[(frame["item_id"] == item) & (frame["location_id"] == place)] for frame in tables.values()]
        sold += mine[0]["quantity"].sum()
        received += mine[2]["quantity"].sum()
        if not np.isnan(cost[item]):
            goods += mine[0]["quantity"].sum() * cost[item]
            held += mine[1]["on_hand"].mean() * cost[item]
    found = kpis(keys, plan, **tables)
    assert found["sell_through"].value == pytest.approx(sold / received)
    if held > 0:
        assert found["turnover"].value == pytest.approx(goods / held)


def test_a_whole_plan_tells_its_own_money():
    inputs = company()
    base = pipeline.prepare(inputs, COMPANY_AS_OF, Params())
    plan = pipeline.finish(base, COMPANY_AS_OF, Params())
    found = build_kpis(inputs, plan, base.fits, as_of=COMPANY_AS_OF)
    for key, total in (
        ("excess_value", plan.totals["excess_value"]),
        ("margin_at_risk", plan.totals["lost_margin"]),
        ("order_value_today", plan.totals["order_value"]),
        ("orders_due_today", plan.totals["order_lines"]),
    ):
        assert found[key].value == pytest.approx(total, abs=1e-5), key
    read = build_kpis(base.ground.tables, plan, base.fits, as_of=COMPANY_AS_OF)
    assert [one.value for one in read.values()] == [one.value for one in found.values()]
