"""The whole plan, from tables to tables: the contract's worked orders, its rules one by one, laws."""

from dataclasses import fields
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planning import pipeline
from planning.errors import InputError, NothingToPlanError, ParameterError
from planning.params import Params
from planning.result import PlanResult
from planning.tables import RESULT_TABLES, WATERFALL_STEPS

AS_OF = date(2026, 6, 1)
MORNING = pd.Timestamp(AS_OF)
CERTAIN = {"lead_time_sd_fraction": 0, "bucket": "day"}


def day(number: float) -> pd.Timestamp:
    """The day that many days after the plan's (before it, where negative)."""
    return MORNING + pd.Timedelta(days=number)


def table(*rows: dict) -> pd.DataFrame:
    return pd.DataFrame(list(rows))


def steady_sales(per_day: float = 10, item: str = "a", days: int = 140, **more: object) -> pd.DataFrame:
    dates = pd.date_range(day(-days), day(-1))
    return pd.DataFrame({"date": dates, "item_id": item, "quantity": float(per_day), **more})


def stock(on_hand: float = 40, item: str = "a", **more: object) -> dict:
    return {"item_id": item, "on_hand": float(on_hand), **more}


def planned(inputs: dict[str, pd.DataFrame], **params: object) -> PlanResult:
    return pipeline.plan(inputs, AS_OF, Params(**{**CERTAIN, **params}))


def single(inputs: dict[str, pd.DataFrame], **params: object) -> pd.Series:
    """The one row of the replenishment table, joined with that of the policy."""
    result = planned(inputs, **params)
    assert len(result.replenishment) == 1
    both = result.replenishment.merge(result.policy, on=["item_id", "location_id"])
    return both.iloc[0]


def certain(on_hand: float = 40, **more: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Ten a day for certain, and whatever else is given."""
    return {"sales": steady_sales(), "stock": table(stock(on_hand)), **more}


def company(seed: int = 1, items: int = 12, days: int = 150) -> dict[str, pd.DataFrame]:
    """A warehouse that feeds two stores, two suppliers, all kinds of demand; in no particular order."""
    rng = np.random.default_rng(seed)
    codes = [f"{n:03d}" for n in range(items)]
    sales, held = [], []
    for n, code in enumerate(codes):
        for place in ("S1", "S2"):
            rate = float(rng.gamma(1.0, 4.0)) + 0.05
            sold = rng.poisson(rate, size=days).astype(float)
            kept = np.flatnonzero(sold)
            sales.append(
                pd.DataFrame(
                    {
                        "date": [day(-days + int(k)) for k in kept],
                        "item_id": code,
                        "location_id": place,
                        "quantity": sold[kept],
                    }
                )
            )
            held.append(stock(rng.integers(0, int(12 * rate) + 2), code, location_id=place))
        held.append(stock(rng.integers(0, 120), code, location_id="DC", allocated=float(n % 3)))
    return {
        "sales": pd.concat(sales, ignore_index=True).sample(frac=1, random_state=seed, ignore_index=True),
        "stock": pd.DataFrame(held),
        "items": pd.DataFrame(
            {
                "item_id": codes,
                "unit_cost": rng.uniform(1, 20, items).round(2),
                "unit_price": rng.uniform(20, 40, items).round(2),
                "supplier_id": [f"V{n % 2}" for n in range(items)],
                "moq": [24.0 * (n % 2) for n in range(items)],
                "order_multiple": [(1.0, 6.0, 10.0)[n % 3] for n in range(items)],
            }
        ),
        "suppliers": table(
            {"supplier_id": "V0", "lead_time_days": 9.0, "lead_time_sd_days": 2.0, "min_order_value": 500.0},
            {"supplier_id": "V1", "lead_time_days": 21.0, "review_period_days": 14.0},
        ),
        "open_orders": table(
            {"item_id": codes[0], "quantity": 60.0, "due_on": day(4), "location_id": "DC", "order_id": "p1"},
            {"item_id": codes[1], "quantity": 30.0, "due_on": day(-3), "location_id": "DC", "order_id": "p2"},
        ),
    }


@pytest.fixture(scope="module")
def plan_of_company() -> PlanResult:
    return pipeline.plan(company(), AS_OF, Params())


# The worked orders of the contract.


@pytest.mark.parametrize("measure", ["fill_rate", "cycle_service_level"])
@pytest.mark.parametrize(
    ("unmet", "coverage", "quantity"),
    [("lost", None, 70), ("backordered", None, 170), ("lost", 28, 280), ("backordered", 28, 380)],
)
def test_the_worked_orders_of_the_contract(measure, unmet, coverage, quantity):
    found = single(certain(), unmet_demand=unmet, coverage_days=coverage, service_measure=measure)
    assert found["order_quantity"] == quantity
    assert (found["risk"], found["action"]) == ("red", "order")
    # 40 last the four days from 1 to 4 June.
    assert found["stockout_on"] == day(4)
    assert found["order_by"] == day(4 - 14)
    assert found["days_of_supply"] == 4
    assert (found["order_on"], found["arrives_on"]) == (day(0), day(14))
    assert (found["lead_time_days"], found["protection_interval_days"]) == (14, 21)


@pytest.mark.parametrize("bucket", ["day", "week", "auto"])
@pytest.mark.parametrize("later", range(7))
def test_the_worked_order_holds_by_day_and_by_week_and_on_any_weekday(bucket, later):
    as_of = AS_OF + timedelta(days=later)
    inputs = certain(sales=steady_sales().assign(date=lambda f: f["date"] + pd.Timedelta(days=later)))
    result = pipeline.plan(inputs, as_of, Params(lead_time_sd_fraction=0, bucket=bucket))
    assert result.replenishment["order_quantity"].tolist() == [70]
    assert result.replenishment["stockout_on"].tolist() == [pd.Timestamp(as_of) + pd.Timedelta(days=4)]


def test_the_worked_order_loses_what_the_empty_shelf_loses():
    assert single(certain())["expected_lost_units"] == pytest.approx(100)


def test_the_waterfall_of_the_worked_order_tells_it_step_by_step():
    found = planned(certain()).waterfall.set_index("step")["units"]
    told = {name: units for name, units in found.items() if units}
    assert told == {
        "expected demand to the end of coverage": 210,
        "usable on hand": -40,
        "demand lost before arrival": -100,
        "need": 70,
        "order": 70,
    }


def test_the_levels_of_the_worked_order_agree_with_it():
    found = single(certain())
    # For lost sales the level is the inventory position and the unrounded order.
    assert found["order_up_to_level"] == pytest.approx(40 + 70)
    owed = single(certain(), unmet_demand="backordered")
    assert owed["order_up_to_level"] == pytest.approx(210)
    assert owed["safety_stock"] == 0


# Rules of the contract, one by one.


@pytest.mark.parametrize(
    ("on_hand", "risk"), [(40, "red"), (139, "red"), (140, "amber"), (209, "amber"), (210, "green")]
)
def test_risk_is_told_without_new_orders(on_hand, risk):
    # 14 days of lead time take 140, the review 70 more; at a target of nearly all, less than 210 is not enough.
    assert single(certain(on_hand), service_target=0.999)["risk"] == risk


def test_an_open_order_is_cover_on_its_day():
    due = certain(open_orders=table({"item_id": "a", "quantity": 200.0, "due_on": day(4)}))
    found = single(due)
    assert found["on_order"] == 200
    assert found["stockout_on"] == day(24)
    assert found["order_quantity"] == 0
    assert found["risk"] == "green"
    late = single(certain(open_orders=table({"item_id": "a", "quantity": 200.0, "due_on": day(6)})))
    assert (late["risk"], late["stockout_on"]) == ("red", day(4))
    assert late["action"] == "expedite"
    assert late["expected_lost_units"] == pytest.approx(20)


@pytest.mark.parametrize("unmet", ["lost", "backordered"])
def test_an_open_order_between_the_next_arrivals_is_not_ordered_again(unmet):
    # 140 last to the arrival on day 14; 70 come on day 15 for the rest of the week, so only day 14 is left to cover.
    due = certain(140, open_orders=table({"item_id": "a", "quantity": 70.0, "due_on": day(15)}))
    assert single(due, unmet_demand=unmet)["order_quantity"] <= 10
    due = certain(0, open_orders=table({"item_id": "a", "quantity": 70.0, "due_on": day(15)}))
    assert single(due, unmet_demand=unmet)["order_quantity"] == {"lost": 10, "backordered": 140}[unmet]


def test_an_overdue_order_is_planned_for_today_and_said_and_one_long_overdue_is_no_cover():
    for overdue, on_order in ((10, 200), (60, 200), (61, 0)):
        result = planned(certain(open_orders=table({"item_id": "a", "quantity": 200.0, "due_on": day(-overdue)})))
        assert result.replenishment["on_order"].tolist() == [on_order]
        assert any("overdue" in note.lower() for note in result.notes)


def test_an_open_order_that_was_received_is_closed():
    order = {"item_id": "a", "quantity": 200.0, "location_id": "MAIN", "order_id": "p7"}
    result = planned(
        certain(
            open_orders=table({**order, "due_on": day(4)}),
            receipts=table({**order, "ordered_on": day(-20), "received_on": day(-2)}),
        )
    )
    assert result.replenishment["on_order"].tolist() == [0]
    assert any("received already" in note for note in result.notes)


def test_what_if_suppliers_were_later_hits_open_orders_only_where_asked():
    due = certain(open_orders=table({"item_id": "a", "quantity": 100.0, "due_on": day(4)}))
    assert single(due, lead_time_added_days=7)["stockout_on"] == day(14)
    hit = single(due, lead_time_added_days=7, delay_open_orders=True)
    assert (hit["stockout_on"], hit["lead_time_days"]) == (day(4), 21)


def test_committed_stock_and_backorders_are_not_usable():
    free, owed = (
        single({"sales": steady_sales(), "stock": table(stock(240, allocated=a, backorders=b))})
        for a, b in ((0.0, 0.0), (30.0, 10.0))
    )
    assert free["order_quantity"] == 0
    assert owed["stockout_on"] == day(20)
    assert owed["order_quantity"] == 10


def test_expired_lots_are_not_on_hand_and_lots_add_up():
    lots = table(
        stock(100, lot_id="x", expiry_date=day(-1)),
        stock(30, lot_id="y", expiry_date=day(0)),
        stock(10, lot_id="z", expiry_date=day(90)),
    )
    assert single({"sales": steady_sales(), "stock": lots})["on_hand"] == 40


def test_only_the_latest_count_not_after_the_plan_speaks():
    counts = table(stock(500, as_of=day(-9)), stock(40, as_of=day(-1)), stock(900, as_of=day(1)))
    assert single({"sales": steady_sales(), "stock": counts})["on_hand"] == 40


def test_an_item_without_a_stock_row_holds_none_and_that_is_said():
    result = planned({"sales": pd.concat([steady_sales(), steady_sales(item="b")]), "stock": table(stock(40))})
    assert result.replenishment["on_hand"].tolist() == [40, 0]
    assert any("stock row" in note for note in result.notes)


def test_negative_stock_counts_as_none():
    assert single(certain(-25))["on_hand"] == 0


def test_sales_from_the_morning_of_the_plan_on_change_nothing():
    later = steady_sales().assign(date=lambda f: f["date"] + pd.Timedelta(days=140), quantity=999.0)
    seen = planned({"sales": pd.concat([steady_sales(), later]), "stock": table(stock(40))})
    pd.testing.assert_frame_equal(seen.replenishment, planned(certain()).replenishment)
    assert any("ales rows" in note and "140" in note for note in seen.notes)


def test_returns_are_not_negative_demand():
    back = table({"date": day(-3), "item_id": "a", "quantity": -500.0})
    found = planned({"sales": pd.concat([steady_sales(), back]), "stock": table(stock(40))})
    assert found.policy["demand_mean_per_day"][0] == pytest.approx(10)
    assert any("returns" in note.lower() for note in found.notes)


def test_an_empty_shelf_is_not_absent_demand():
    sales = steady_sales()
    empty = sales["date"] >= day(-15)
    given_ = {
        # The other item sells on, so that the data do not end where the first one's shelf was empty.
        "sales": pd.concat([sales[~empty], steady_sales(item="b")]),
        "stock": table(stock(40), stock(40, "b")),
        "availability": pd.DataFrame({"date": sales["date"], "item_id": "a", "in_stock": (~empty).astype(float)}),
    }
    rates = [
        planned(given_, stockout_correction=corrected).policy["demand_mean_per_day"][0] for corrected in (True, False)
    ]
    assert rates[0] == pytest.approx(10, rel=0.02)
    assert rates[1] < 9


def test_sales_of_part_of_a_day_on_the_shelf_are_scaled_up():
    # science, 1.2: sales over the share on the shelf; 6 sold in half the time are 12.
    sales = steady_sales(6)
    half = pd.DataFrame({"date": sales["date"], "item_id": "a", "in_stock": 0.5})
    found = single({"sales": sales, "stock": table(stock(40)), "availability": half})
    assert found["demand_mean_per_day"] == pytest.approx(12, rel=0.01)


def test_a_future_event_raises_its_days_and_a_past_one_does_not_raise_the_rest():
    event = {"uplift": 3.0, "item_id": "a"}
    ahead = planned(certain(events=table({**event, "starts_on": day(2), "ends_on": day(3)}))).forecast
    assert ahead["mean"][:6].tolist() == pytest.approx([10, 10, 30, 30, 10, 10])
    sales = steady_sales()
    sales.loc[sales["date"].between(day(-9), day(-3)), "quantity"] = 30.0
    past = table({**event, "starts_on": day(-9), "ends_on": day(-3)})
    found = single({"sales": sales, "stock": table(stock(40)), "events": past})
    assert found["demand_mean_per_day"] == pytest.approx(10, rel=0.01)


def test_ones_own_forecast_replaces_the_mean():
    own = pd.DataFrame({"item_id": "a", "date": pd.date_range(day(0), day(181)), "quantity": 4.0})
    result = planned(certain(forecasts=own))
    assert result.forecast["mean"].tolist() == pytest.approx([4.0] * len(result.forecast))


def test_known_orders_of_customers_count_where_they_exceed_the_forecast():
    known = table(
        {"item_id": "a", "quantity": 35.0, "due_on": day(1)}, {"item_id": "a", "quantity": 4.0, "due_on": day(2)}
    )
    assert planned(certain(customer_orders=known)).forecast["mean"][:4].tolist() == pytest.approx([10, 35, 10, 10])


def test_limits_of_the_item_shape_its_order_and_the_location_overrides_them():
    items = table({"item_id": "a", "moq": 100.0, "order_multiple": 24.0, "lead_time_days": 7.0})
    found = single(certain(0, items=items))
    assert (found["lead_time_days"], found["lead_time_from"]) == (7, "item")
    assert found["order_quantity"] == 120
    local = table({"item_id": "a", "location_id": "MAIN", "moq": 0.0, "order_multiple": 25.0, "lead_time_days": 14.0})
    assert single(certain(items=items, item_locations=local))["order_quantity"] == 75


@pytest.mark.parametrize(
    ("item", "quantity"), [({"max_order": 50.0}, 50), ({"max_stock": 90.0}, 50), ({"max_order": 0.0}, 0)]
)
def test_a_maximum_is_never_passed(item, quantity):
    assert single(certain(items=table({"item_id": "a", **item})))["order_quantity"] == quantity


@pytest.mark.parametrize(
    "more",
    [
        {"items": table({"item_id": "a", "life_cycle": "dead"})},
        {"item_locations": table({"item_id": "a", "location_id": "MAIN", "ranged": 0.0})},
    ],
)
def test_what_is_dead_or_not_stocked_here_is_not_ordered(more):
    found = single(certain(**more))
    assert found["order_quantity"] == 0
    assert found["action"] != "order"


def test_receipts_tell_the_lead_time():
    told = [5, 7, 6, 12, 5, 8, 5, 8]
    receipts = table(
        *({"item_id": "a", "ordered_on": day(-60), "received_on": day(-60 + d), "quantity": 10.0, "order_id": str(n)}
          for n, d in enumerate(told))
    )  # fmt: skip
    found = single(certain(receipts=receipts))
    assert found["lead_time_from"] == "receipts"
    # The mean is 7.
    assert found["lead_time_days"] == 7
    assert found["lead_time_sd_days"] == pytest.approx(np.std(told, ddof=1))


def test_unknown_money_stays_empty_and_is_never_zero():
    result = planned(certain())
    assert result.replenishment["order_value"].isna().all()
    assert result.orders["line_value"].isna().all()
    assert result.totals["order_value"] is None
    assert result.totals["excess_value"] is None
    assert any("without a cost or a price" in note for note in result.notes)


def test_known_money_adds_up():
    result = planned(certain(items=table({"item_id": "a", "unit_cost": 2.5, "unit_price": 4.0})))
    assert result.replenishment["order_value"].tolist() == [175]
    assert result.totals["order_value"] == 175
    assert result.replenishment["lost_margin"].tolist() == pytest.approx([150])


def test_the_budget_bounds_the_orders_of_today():
    items = table({"item_id": "a", "unit_cost": 2.0, "unit_price": 4.0})
    assert single(certain(items=items), budget=100)["order_quantity"] == 50
    assert single(certain(items=items), budget=0)["order_quantity"] == 0


def test_an_order_is_raised_to_its_suppliers_minimum():
    found = planned(
        certain(
            items=table({"item_id": "a", "unit_cost": 2.0, "unit_price": 4.0, "supplier_id": "v"}),
            suppliers=table(
                {"supplier_id": "v", "lead_time_days": 14.0, "lead_time_sd_days": 0.0, "min_order_value": 200.0}
            ),
        )
    )
    assert found.orders["quantity"].tolist() == [100]
    assert found.waterfall.set_index("step")["units"]["supplier minimum"] == 30


def test_without_demand_nothing_is_ordered_and_nothing_is_at_risk():
    found = single({"sales": steady_sales(0), "stock": table(stock(40))})
    assert found["order_quantity"] == 0
    assert found["risk"] == "green"
    assert pd.isna(found["stockout_on"])
    assert single(certain(), demand_multiplier=0)["order_quantity"] == 0


def test_the_service_target_of_its_class_is_the_items():
    result = pipeline.plan(company(), AS_OF, Params(service_target_by_class={"A": 0.99, "C": 0.80}))
    expected = result.policy["abc_class"].map({"A": 0.99, "B": 0.95, "C": 0.80})
    assert result.policy["service_target"].tolist() == expected.tolist()


def test_stock_without_sales_has_a_plan_too():
    found = single({"sales": steady_sales().iloc[:0], "stock": table(stock(40))})
    assert (found["order_quantity"], found["risk"]) == (0, "green")


# What is refused, and how.


def test_a_missing_required_table_is_refused_by_name():
    for lacking, other in (("stock", "sales"), ("sales", "stock")):
        with pytest.raises(InputError, match=lacking):
            planned({other: certain()[other]})


def test_nothing_to_plan_is_said_as_such():
    with pytest.raises(NothingToPlanError):
        planned({"sales": steady_sales().iloc[:0], "stock": table(stock(1)).iloc[:0]})


def test_weekly_sales_want_a_plan_on_their_weekday():
    weekly = steady_sales().iloc[::7]
    inputs = {"sales": weekly, "stock": table(stock(40))}
    assert AS_OF.weekday() == weekly["date"].iloc[0].weekday() == 0
    assert planned(inputs, bucket="auto").policy["demand_mean_per_day"][0] == pytest.approx(10 / 7)
    with pytest.raises(ParameterError, match="Monday"):
        pipeline.plan(inputs, date(2026, 6, 2), Params())


# A network.


def network(**more: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """A warehouse with 50, two stores that sell ten and five a day and hold 10 each."""
    places = (("S1", 10), ("S2", 5))
    return {
        "sales": pd.concat([steady_sales(rate, location_id=place) for place, rate in places]),
        "stock": table(*(stock(10, location_id=place) for place, _ in places), stock(50, location_id="DC")),
        **more,
    }


def test_stores_are_fed_and_their_warehouse_buys_for_them():
    result = planned(network())
    at = result.replenishment.set_index("location_id")
    assert at.loc[["S1", "S2"], "order_quantity"].tolist() == [0, 0]
    policy = result.policy.set_index("location_id")
    assert policy.loc["DC", "demand_mean_per_day"] == pytest.approx(15)
    assert policy.loc["S1", "lead_time_days"] == 2
    # Whatever is lost before it arrives, the order must last the week until the next one.
    assert at.loc["DC", "order_quantity"] >= 7 * 15
    assert any("warehouse" in note for note in result.notes)


def test_transfers_share_what_the_warehouse_holds():
    result = planned(network())
    assert result.allocation["quantity"].sum() <= 50
    assert set(result.allocation["source_id"]) == {"DC"}
    sent = result.allocation.set_index("destination_id")["quantity"]
    at = result.replenishment.set_index("location_id")["transfer_quantity"]
    assert at.loc[sent.index].tolist() == sent.tolist()
    # Two days of transit and seven of review take 90 and 45; 10 are there each, so 50 of 115 can be met.
    assert sent.sum() == 50


def test_a_reserve_is_kept_back():
    assert planned(network(), reserve_fraction=0.4).allocation["quantity"].sum() <= 30
    assert planned(network(), reserve_fraction=1.0).allocation.empty


def test_only_the_sources_that_may_give_do():
    assert planned(network(), allocation_sources=["S1"]).allocation.empty


def test_fair_share_gives_equal_days():
    # When the transfers arrive, after two days, both shelves are empty: each is sent 50 / 15 days of its demand.
    sent = planned(network(), allocation_method="fair_share").allocation.set_index("destination_id")["quantity"]
    assert sent["S1"] / 10 == pytest.approx(50 / 15, abs=0.1)
    assert sent["S2"] / 5 == pytest.approx(50 / 15, abs=0.1)


def test_without_a_warehouse_every_location_buys():
    inputs = network()
    inputs["stock"] = inputs["stock"][inputs["stock"]["location_id"] != "DC"]
    result = planned(inputs)
    assert (result.replenishment["order_quantity"] > 0).all()
    assert result.allocation.empty


def test_a_lane_is_as_long_and_wide_as_it_is_told():
    lanes = table(
        {"source_id": "DC", "destination_id": "S1", "transit_days": 5.0, "capacity": 12.0},
        {"source_id": "DC", "destination_id": "S2", "transit_days": 1.0},
    )
    for method in ("optimal", "fair_share"):
        result = planned(network(lanes=lanes), allocation_method=method)
        sent = result.allocation.set_index("destination_id")
        assert sent.loc["S1", "quantity"] <= 12
        assert sent.loc["S1", "arrives_on"] == day(5)
        assert sent.loc["S2", "arrives_on"] == day(1)


# The tables of the result.


@pytest.mark.parametrize("name", [name for name in RESULT_TABLES if name != "rejected"])
def test_a_result_table_keeps_the_contract(plan_of_company, name):
    contract, frame = RESULT_TABLES[name], getattr(plan_of_company, name)
    assert list(frame.columns)[: len(contract.names)] == list(contract.names)
    assert not frame.duplicated(list(contract.key)).any()
    order = list(contract.key) if name != "waterfall" else ["item_id", "location_id"]
    if name == "exceptions":
        assert (frame["value"].diff().dropna() <= 0).all()
        order = []
    pd.testing.assert_frame_equal(frame[order], frame[order].sort_values(order, kind="stable"), check_like=False)
    for column in contract.columns:
        values = frame[column.name]
        if column.choices:
            assert set(values) <= set(column.choices)
        if column.kind in ("units", "days") and name != "waterfall" and column.name != "reorder_point":
            assert (values.dropna() >= 0).all(), column.name
        if column.kind == "fraction":
            assert values.dropna().between(0, 1 + 1e-9).all(), column.name
        if column.kind not in ("text", "id", "date"):
            assert not np.isinf(values.astype(float)).any(), column.name


def test_every_item_location_has_its_row_everywhere(plan_of_company):
    keys = plan_of_company.policy[["item_id", "location_id"]]
    assert len(keys) == 12 * 3
    for name in ("replenishment", "items", "accuracy"):
        pd.testing.assert_frame_equal(getattr(plan_of_company, name)[["item_id", "location_id"]], keys)
    pd.testing.assert_frame_equal(plan_of_company.projection.keys, keys)


def test_the_waterfall_adds_up_to_each_order_to_the_last_digit(plan_of_company):
    orders = plan_of_company.replenishment.set_index(["item_id", "location_id"])["order_quantity"]
    steps = plan_of_company.waterfall.pivot(index=["item_id", "location_id"], columns="step", values="units")
    assert set(orders[orders > 0].index) <= set(steps.index)
    need_at = WATERFALL_STEPS.index("need")
    for place, step in steps.iterrows():
        need = round(sum(step[name] for name in WATERFALL_STEPS[:need_at]), 6)
        assert need == step["need"], place
        assert round(need + sum(step[name] for name in WATERFALL_STEPS[need_at + 1 : -1]), 6) == step["order"], place
        assert step["order"] == round(orders[place], 6), place


def test_order_lines_sum_to_the_replenishment_table(plan_of_company):
    lines = plan_of_company.orders.groupby(["item_id", "location_id"])["quantity"].sum()
    ordered = plan_of_company.replenishment.set_index(["item_id", "location_id"])["order_quantity"]
    assert lines.sort_index().to_dict() == ordered[ordered > 0].sort_index().to_dict()
    assert plan_of_company.totals["order_lines"] == len(plan_of_company.orders)
    assert plan_of_company.totals["order_value"] == pytest.approx(plan_of_company.orders["line_value"].sum())
    one = plan_of_company.orders.groupby("order_number")[["supplier_id", "location_id"]].nunique()
    assert (one == 1).all(axis=None)


def test_orders_keep_moq_and_packs(plan_of_company):
    items = company()["items"].set_index("item_id")
    lines = plan_of_company.orders
    assert len(lines) > 0
    assert (lines["quantity"].to_numpy() >= items["moq"].reindex(lines["item_id"]).to_numpy()).all()
    packs = lines["quantity"].to_numpy() / items["order_multiple"].reindex(lines["item_id"]).to_numpy()
    assert packs == pytest.approx(np.round(packs))


def test_allocation_gives_no_more_than_each_source_holds(plan_of_company):
    held = company()["stock"].set_index(["item_id", "location_id"])
    free = held["on_hand"] - held["allocated"].fillna(0)
    sent = plan_of_company.allocation.groupby(["item_id", "source_id"])["quantity"].sum()
    assert len(sent) > 0
    assert (sent <= free.clip(lower=0).reindex(sent.index) + 1e-9).all()
    got = plan_of_company.allocation.groupby(["item_id", "destination_id"])["quantity"].sum()
    told = plan_of_company.replenishment.set_index(["item_id", "location_id"])["transfer_quantity"]
    assert got.to_dict() == pytest.approx(told[told > 0].to_dict())
    assert plan_of_company.totals["allocated_units"] == pytest.approx(sent.sum())


def test_an_order_is_due_at_or_below_the_reorder_point(plan_of_company):
    both = plan_of_company.replenishment.merge(plan_of_company.policy, on=["item_id", "location_id"])
    held = company()["stock"].fillna({"allocated": 0})
    pooled = held.groupby("item_id").agg(on_hand=("on_hand", "sum"), allocated=("allocated", "sum"))
    stores = both[both["location_id"] != "DC"]
    position = stores["on_hand"] + stores["on_order"]
    asks = plan_of_company.before_after.set_index(["item_id", "location_id"])["requested"]
    asked = asks.reindex(pd.MultiIndex.from_frame(stores[["item_id", "location_id"]])).to_numpy()
    assert ((position <= stores["reorder_point"]).to_numpy() == (asked > 0)).all()
    assert (both["order_up_to_level"] >= both["reorder_point"]).all()
    assert not pooled.empty


def test_the_forecast_spreads_in_order(plan_of_company):
    frame = plan_of_company.forecast
    for low, high in (("q50", "q80"), ("q80", "q90"), ("q90", "q95")):
        assert (frame[low] <= frame[high]).all()
    assert frame["starts_on"].min() == MORNING
    assert (frame["mean"] >= 0).all()


def test_risk_counts_and_totals_agree(plan_of_company):
    at_risk = plan_of_company.replenishment["risk"].isin(["red", "amber"]).sum()
    assert plan_of_company.totals["items_at_risk"] == at_risk
    lost = plan_of_company.replenishment["expected_lost_units"].sum()
    assert plan_of_company.totals["expected_lost_units"] == pytest.approx(lost, abs=1e-5)


def test_every_row_says_why(plan_of_company):
    for frame in (plan_of_company.replenishment, plan_of_company.allocation):
        assert frame["reason"].str.len().gt(10).all()


def test_the_projection_balances_day_by_day(plan_of_company):
    shown = plan_of_company.projection
    usable = shown.without_orders[:, 0] - shown.receipts[:, 0] + shown.demand[:, 0]
    for stocks, orders in ((shown.without_orders, 0 * shown.orders), (shown.with_orders, shown.orders)):
        before = np.hstack([np.maximum(usable, 0)[:, None], stocks[:, :-1]])
        balance = np.maximum(before + shown.receipts + orders - shown.demand, 0)
        np.testing.assert_allclose(stocks[:, 1:], balance[:, 1:], atol=1e-6)
    assert (shown.low <= shown.with_orders + 1e-9).all()
    assert (shown.with_orders <= shown.high + 1e-9).all()


def test_the_service_curve_costs_more_for_more(plan_of_company):
    curve = plan_of_company.service_curve
    for column in ("stock_value", "stock_units", "expected_fill_rate"):
        assert (np.diff(curve[column]) >= -1e-6).all(), column
    assert (np.diff(curve["lost_margin_per_year"]) <= 1e-6).all()


def test_the_policy_promises_at_least_what_was_asked(plan_of_company):
    sold = plan_of_company.policy[plan_of_company.policy["demand_mean_per_day"] > 0]
    assert (sold["expected_fill_rate"] >= sold["service_target"] - 1e-6).all()


# Laws of the whole.


def test_the_order_of_rows_changes_nothing():
    inputs = company()
    shuffled = {name: frame.sample(frac=1, random_state=9) for name, frame in inputs.items()}
    one, other = (pipeline.plan(tables, AS_OF, Params()) for tables in (inputs, shuffled))
    for field in fields(PlanResult):
        if isinstance(getattr(one, field.name), pd.DataFrame):
            pd.testing.assert_frame_equal(
                getattr(one, field.name), getattr(other, field.name), check_exact=True, obj=field.name
            )
    assert (one.totals, one.notes, one.solver) == (other.totals, other.notes, other.solver)


def test_a_kept_forecast_gives_the_same_plan():
    inputs, params = company(), Params(service_target=0.9)
    kept = pipeline.fit(inputs, AS_OF, Params())
    fresh, light = pipeline.plan(inputs, AS_OF, params), pipeline.plan(inputs, AS_OF, params, fits=kept)
    pd.testing.assert_frame_equal(fresh.replenishment, light.replenishment, check_exact=True)
    assert fresh.notes == light.notes


def test_light_parameters_keep_the_key_of_the_forecast_and_heavy_ones_change_it():
    inputs = company()

    def key(**changes: object) -> str:
        return pipeline.fit_key(inputs, "s", "d", AS_OF, Params(**changes))

    light = [{"service_target": 0.9}, {"unmet_demand": "backordered"}, {"lead_time_multiplier": 2}, {"budget": 5}]
    assert {key(**changes) for changes in light} == {key()}
    heavy = [{"history_days": 90}, {"stockout_correction": False}, {"bucket": "week"}, {"outlier_correction": False}]
    assert len({key(), *(key(**changes) for changes in heavy)}) >= len(heavy)


def test_planning_changes_none_of_its_inputs():
    inputs = company()
    before = {name: frame.copy(deep=True) for name, frame in inputs.items()}
    pipeline.plan(inputs, AS_OF, Params())
    for name, frame in inputs.items():
        pd.testing.assert_frame_equal(frame, before[name])


@settings(max_examples=12)
@given(st.floats(0.6, 0.98), st.floats(0.001, 0.019), st.sampled_from(["fill_rate", "cycle_service_level"]))
def test_more_service_never_needs_less_stock(target, more, measure):
    inputs = company()
    kept = pipeline.fit(inputs, AS_OF, Params())
    low, high = (
        pipeline.plan(inputs, AS_OF, Params(service_target=t, service_measure=measure), fits=kept)
        for t in (target, target + more)
    )
    for column in ("order_up_to_level", "reorder_point", "safety_stock", "expected_fill_rate"):
        assert (high.policy[column] >= low.policy[column] - 1e-6).all(), column


@pytest.mark.parametrize("unmet", ["lost", "backordered"])
def test_more_stock_on_hand_never_orders_more(unmet):
    ordered = [single(certain(held), unmet_demand=unmet)["order_quantity"] for held in range(0, 400, 23)]
    assert ordered == sorted(ordered, reverse=True)
    assert ordered[-1] == 0


def test_money_scales_with_the_currency_and_units_do_not():
    inputs = company()
    dear = {**inputs, "items": inputs["items"].assign(
        unit_cost=inputs["items"]["unit_cost"] * 8, unit_price=inputs["items"]["unit_price"] * 8)}  # fmt: skip
    dear["suppliers"] = inputs["suppliers"].assign(min_order_value=inputs["suppliers"]["min_order_value"] * 8)
    one, other = (pipeline.plan(tables, AS_OF, Params()) for tables in (inputs, dear))
    assert one.replenishment["order_quantity"].tolist() == other.replenishment["order_quantity"].tolist()
    assert other.totals["order_value"] == pytest.approx(8 * one.totals["order_value"])
    assert one.allocation["quantity"].sum() == pytest.approx(other.allocation["quantity"].sum())


HOSTILE = [
    "=1+1",
    "<b>x</b>",
    "A-1",
    "A_1",
    "'; drop table sales; --",
    "../../etc",
    "00012",
    "NaN",
    " a ",
    "é\u202e",
    "1E5",
]


def test_codes_are_kept_to_the_letter():
    inputs = {
        "sales": pd.concat([steady_sales(n + 1, item=code, days=60) for n, code in enumerate(HOSTILE)]),
        "stock": table(*(stock(0, item=code) for code in HOSTILE)),
    }
    result = planned(inputs)
    assert sorted(result.replenishment["item_id"]) == sorted(HOSTILE)
    rates = result.policy.set_index("item_id")["demand_mean_per_day"]
    for n, code in enumerate(HOSTILE):
        assert rates[code] == pytest.approx(n + 1, rel=0.01)


def test_overdue_orders_make_a_late_supplier_look_as_late_as_it_is():
    # Eight lines took 10 days; four of that supplier's are still open after 30: (8 * 10 + 4 * 30) / 12 = 16.7 at least.
    morning = date(2026, 5, 4)
    day = pd.Timestamp
    days = pd.date_range(end="2026-05-03", periods=120)
    tables = {
        "sales": pd.DataFrame({"date": days, "item_id": "A", "quantity": 10.0}),
        "stock": pd.DataFrame({"item_id": ["A"], "on_hand": [40.0]}),
        "items": pd.DataFrame({"item_id": ["A"], "supplier_id": ["S"]}),
        "receipts": pd.DataFrame(
            {"item_id": "A", "ordered_on": day("2026-01-01"), "received_on": day("2026-01-11"), "quantity": 5.0,
             "supplier_id": "S", "order_id": [str(n) for n in range(8)]}
        ),
    }  # fmt: skip
    overdue = pd.DataFrame(
        {"item_id": "A", "ordered_on": day("2026-04-04"), "due_on": day("2026-04-20"), "quantity": 5.0,
         "supplier_id": "S", "order_id": list("wxyz")}
    )  # fmt: skip
    found = [
        pipeline.plan(tables | extra, morning, Params()).policy["lead_time_days"].iloc[0]
        for extra in ({}, {"open_orders": overdue})
    ]
    assert found == [10, 17]
