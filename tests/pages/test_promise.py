"""What heads the pages: service, forecast and transfers summed up, each unit once."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from pages.components import promise
from tests.pages.fake_plan import AS_OF, fake_plan

PLAN = fake_plan()
STORES = PLAN.policy["location_id"] != "DC"


def test_service_is_weighted_by_the_demand_of_those_who_sell():
    now = promise.promise(PLAN)
    rows = PLAN.policy[STORES]
    assert now.fill_rate == pytest.approx(np.average(rows["expected_fill_rate"], weights=rows["demand_mean_per_day"]))
    lost = (rows["demand_mean_per_day"] * (1 - rows["expected_fill_rate"]) * 365).sum()
    assert now.lost_units_per_year == pytest.approx(lost)


def test_unknown_cost_is_not_zero_money():
    unpriced = replace(PLAN, items=PLAN.items.assign(unit_cost=np.nan, unit_price=np.nan))
    now = promise.promise(unpriced)
    assert now.stock_value is None
    assert now.lost_margin_per_year is None
    assert now.stock_units > 0
    assert not promise.moves(unpriced).in_money


def test_the_next_four_weeks_count_pooled_demand_once():
    now = promise.outlook(PLAN, pd.DataFrame({"starts_on": pd.to_datetime([]), "sales": []}))
    ahead = PLAN.forecast[PLAN.forecast["location_id"] == "DC"].groupby("item_id").head(4)
    assert now.next_units == pytest.approx(ahead["mean"].sum())
    assert now.last_year_units is None


def test_last_year_are_the_same_weeks():
    weeks = pd.date_range(end=pd.Timestamp(AS_OF) - pd.Timedelta(days=7), periods=60, freq="7D")
    history = pd.DataFrame({"starts_on": weeks, "sales": np.arange(60.0)})
    # By hand: 364 days back is 52 weeks before as_of, week 8 of 60; weeks 8 to 11.
    assert promise.outlook(PLAN, history).last_year_units == 8 + 9 + 10 + 11


def test_short_everywhere_counts_items_not_lines():
    after = PLAN.before_after.assign(short=0.0)
    after.loc[after["item_id"] == "00002", "short"] = 3.0
    now = promise.moves(replace(PLAN, before_after=after))
    assert (now.short_items, now.short_units) == (1, 12.0)


def test_the_error_that_heads_the_page_is_that_of_the_accuracy_tab():
    now = promise.outlook(PLAN, pd.DataFrame({"starts_on": pd.to_datetime([]), "sales": []}))
    sold = PLAN.accuracy[STORES]
    assert now.wape == pytest.approx(sold["error_units"].sum() / sold["demand_units"].sum())
    assert now.bias == pytest.approx(sold["bias_units"].sum() / sold["demand_units"].sum())
    assert now.measured == len(sold)
    nothing = promise.outlook(replace(PLAN, accuracy=PLAN.accuracy.iloc[:0]), pd.DataFrame(columns=["starts_on"]))
    assert (nothing.wape, nothing.bias, nothing.measured) == (None, None, 0)
