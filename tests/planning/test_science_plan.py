"""Laws of a whole plan that science, 4 and 11 ask for and that stand nowhere else."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planning.params import Params
from planning.result import PlanResult
from tests.planning.test_pipeline import company, day, planned, steady_sales, stock, table

MONEY = {"items": ["unit_cost", "unit_price"], "suppliers": ["min_order_value", "order_cost"]}
UNITS = ("order_quantity", "transfer_quantity", "expected_lost_units")


def orders_of(result: PlanResult) -> pd.DataFrame:
    return result.replenishment.set_index(["item_id", "location_id"])[list(UNITS)]


@pytest.mark.parametrize("measure", ["fill_rate", "cost"])
@pytest.mark.parametrize("rate", [0.01, 100.0])
def test_the_currency_changes_no_order(measure, rate):
    inputs = company()
    other = {
        name: frame.assign(**{c: frame[c] * rate for c in MONEY.get(name, []) if c in frame})
        for name, frame in inputs.items()
    }
    asked = {"service_measure": measure, "bucket": "day"}
    one = planned(inputs, **asked, budget=400.0)
    same = planned(other, **asked, budget=400.0 * rate)
    pd.testing.assert_frame_equal(orders_of(one), orders_of(same), rtol=1e-6, atol=1e-6)
    assert same.replenishment["order_value"].sum() == pytest.approx(rate * one.replenishment["order_value"].sum())


# As in the real data of a maker of machines: packs, least orders, 7 or 16 weeks, and many items that never sell.


def maker(seed: int, items: int = 12) -> dict[str, pd.DataFrame]:
    """Weekly sales of 100 weeks; every third item never sells, the others now and then."""
    random = np.random.default_rng(seed)
    dates = pd.date_range(day(-700), day(-7), freq="7D")
    sold, master, held = [], [], []
    for n in range(items):
        name = f"i{n:02d}"
        units = np.zeros(len(dates)) if n % 3 == 0 else random.poisson(random.uniform(0.1, 8), len(dates)).astype(float)
        sold.append(pd.DataFrame({"date": dates, "item_id": name, "quantity": units}))
        row = {
            "item_id": name,
            "order_multiple": random.choice([1.0, 10.0, 50.0]),
            "moq": random.choice([0.0, 1.0, 25.0]),
        }
        master.append(row | {"unit_cost": 5.0, "lead_time_days": float(random.choice([49, 112]))})
        held.append(stock(float(random.choice([0, 3, 40])), item=name))
    return {"sales": pd.concat(sold), "stock": table(*held), "items": table(*master)}


@given(st.integers(0, 10_000), st.sampled_from(["R,S", "R,s,S", "s,Q"]), st.sampled_from(["lost", "backordered"]))
@settings(max_examples=8, deadline=None)
def test_nothing_is_ordered_for_the_dead_and_all_orders_keep_their_packs(seed, policy, unmet):
    inputs = maker(seed)
    result = planned(inputs, policy=policy, unmet_demand=unmet, bucket="week", review_period_days=28)
    sold = inputs["sales"].groupby("item_id")["quantity"].sum()
    never = set(sold.index[sold == 0])
    today = result.replenishment[result.replenishment["order_quantity"] > 0]
    later = result.planned_orders
    assert not never & (set(today["item_id"]) | set(later["item_id"]))
    master = inputs["items"].set_index("item_id")
    asked = pd.concat([today.rename(columns={"order_quantity": "quantity"}), later])[["item_id", "quantity"]]
    packs = asked["quantity"] / asked["item_id"].map(master["order_multiple"])
    assert np.allclose(packs, packs.round())
    assert (asked["quantity"] >= asked["item_id"].map(master["moq"]) - 1e-9).all()


@given(st.floats(1, 40), st.floats(0, 400), st.integers(0, 30), st.integers(1, 14), st.integers(1, 14))
@settings(max_examples=15, deadline=None)
def test_certain_demand_holds_no_safety_stock_and_orders_what_is_missing(per_day, on_hand, lead, review, more):
    inputs = {
        "sales": steady_sales(round(per_day)),
        "stock": table(stock(round(on_hand))),
        "items": table({"item_id": "a", "lead_time_days": float(lead)}),
    }
    params = Params(lead_time_sd_fraction=0, bucket="day", review_period_days=review, coverage_days=review + more)
    result = planned(inputs, **{k: params.to_dict()[k] for k in ("review_period_days", "coverage_days")})
    row, levels = result.replenishment.iloc[0], result.policy.iloc[0]
    rate, left = round(per_day), max(round(on_hand) - round(per_day) * lead, 0)
    assert levels["safety_stock"] == pytest.approx(0, abs=1e-6)
    wanted = rate * (review + more) - left if left < rate * review else 0
    assert row["order_quantity"] == pytest.approx(wanted, abs=1)
