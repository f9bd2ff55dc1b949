"""Forecasts of past mornings know nothing of what came later, and are those of a plan of that morning."""

import pickle
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from planning import pipeline
from planning.errors import ParameterError
from planning.inputs import read_tables
from planning.params import Params
from planning.replay import State
from planning.replay_known import Known, build_known
from planning.replay_refit import RefitRule
from planning.replay_then import known_then, params_then

AS_OF = date(2026, 6, 1)
KEY = ["item_id", "location_id"]
PARAMS = Params.from_mapping({"lead_time_days": 14, "review_period_days": 7, "lead_time_sd_fraction": 0.2})


def company(bucket_days: int = 7, buckets: int = 60, items: int = 10) -> dict[str, pd.DataFrame]:
    """Two stores fed by a warehouse, sold by bucket, with empty shelves, a promotion, an extreme and stock counts."""
    random = np.random.default_rng(5)
    starts = pd.Timestamp(AS_OF) - pd.to_timedelta(bucket_days * np.arange(buckets, 0, -1), unit="D")
    sales, shelf = [], []
    for k in range(items):
        for place in ("S1", "S2"):
            units = random.negative_binomial(2, 2 / (2 + 1 + 2 * k), buckets).astype(float)
            units[17] += 60.0 if k == 3 else 0.0
            line = pd.DataFrame({"date": starts, "item_id": f"I{k}", "location_id": place})
            sales.append(line.assign(quantity=units))
            empty = random.random(buckets) < 0.05
            shelf.append(line.assign(in_stock=np.where(empty, 0.4, 1.0)))
    held = pd.DataFrame({"item_id": [f"I{k}" for k in range(items)], "location_id": "W", "on_hand": 50.0})
    counts = [held.assign(as_of=day) for day in (*starts[::10], pd.Timestamp(AS_OF))]
    promotion = {"starts_on": starts[30], "ends_on": starts[31], "uplift": 1.5, "event_name": "sale"}
    later = {"starts_on": starts[50], "ends_on": starts[50] + pd.Timedelta(days=bucket_days - 1), "uplift": 3.0}
    return {
        "sales": pd.concat(sales, ignore_index=True),
        "availability": pd.concat(shelf, ignore_index=True),
        "stock": pd.concat(counts, ignore_index=True),
        "items": pd.DataFrame({"item_id": [f"I{k}" for k in range(items)], "category": "tea", "unit_cost": 2.0}),
        "locations": pd.DataFrame({"location_id": ["S1", "S2", "W"], "kind": ["store", "store", "warehouse"]}),
        "lanes": pd.DataFrame({"source_id": "W", "destination_id": ["S1", "S2"], "transit_days": 7.0}),
        "events": pd.DataFrame([promotion, later]),
        "receipts": pd.DataFrame(
            {
                "item_id": "I0",
                "location_id": "W",
                "ordered_on": starts[5:40:3],
                "received_on": starts[5:40:3] + pd.to_timedelta(15, unit="D"),
                "quantity": 9.0,
            }
        ),
    }


def known(tables: dict[str, pd.DataFrame], first: int, bucket_days: int = 7, **more: Any) -> Known:
    """Return the forecasts of the last `first` buckets' mornings."""
    begins = AS_OF - timedelta(days=bucket_days * first)
    params = replace(PARAMS, bucket="day" if bucket_days == 1 else "week")
    return build_known(tables, AS_OF, params, first=begins, **more)


def on_morning(tables: dict[str, pd.DataFrame], morning: date) -> dict[str, pd.DataFrame]:
    """Return the tables as a planner would have had them."""
    day = pd.Timestamp(morning)
    return tables | {
        "sales": tables["sales"][tables["sales"]["date"] < day],
        "availability": tables["availability"][tables["availability"]["date"] < day],
        "stock": tables["stock"][tables["stock"]["as_of"] <= day],
        "events": tables["events"][tables["events"]["starts_on"] <= day],
        "receipts": tables["receipts"][tables["receipts"]["received_on"] <= day],
    }


@pytest.mark.parametrize("bucket_days", [7, 1])
def test_learned_on_each_morning_it_is_what_a_plan_of_that_morning_forecasts(bucket_days):
    tables = company(bucket_days, 60 if bucket_days == 7 else 90)
    found = known(tables, 3, bucket_days, every=1)
    params = replace(PARAMS, library_fits=0, bucket="day" if bucket_days == 1 else "week")
    for t, start in enumerate(found.starts):
        morning = start.astype(object)
        plan = pipeline.prepare(on_morning(tables, morning), morning, params)
        pd.testing.assert_frame_equal(plan.network.keys, found.keys)
        days = bucket_days * np.arange(1, found.buckets + 1)
        np.testing.assert_allclose(found.mean[t], plan.demand.mean[:, days], rtol=1e-6, atol=1e-6)
        np.testing.assert_allclose(found.variance[t], plan.demand.variance[:, days], rtol=1e-6, atol=1e-6)
        interval = plan.positions.interval
        np.testing.assert_allclose(
            found.at(t).quantile(0.95, interval), plan.demand.quantile(0.95, interval), atol=1e-4
        )
        assert (found.at(t).whole == plan.demand.whole).all()


def test_between_two_learnings_the_levels_are_those_of_the_morning():
    tables = company()
    often, seldom = (known(tables, 8, every=every) for every in (1, 4))
    for t in (0, 4):
        assert (often.mean[t] == seldom.mean[t]).all()
        assert (often.variance[t] == seldom.variance[t]).all()
    for t in (1, 2, 3, 5, 6, 7):
        assert (seldom.mean[t] != seldom.mean[t - t % 4]).any()
        away = np.abs(often.mean[t] - seldom.mean[t]).sum() / often.mean[t].sum()
        stale = np.abs(often.mean[t] - seldom.mean[t - t % 4]).sum() / often.mean[t].sum()
        assert away < 0.06
        assert away < stale


def later_changed(tables: dict[str, pd.DataFrame], day: pd.Timestamp, seed: int) -> dict[str, pd.DataFrame]:
    """Return the tables with all that happened on a day or later moved: sales, shelves, counts, receipts, events."""
    random = np.random.default_rng(seed)
    out = {name: frame.copy() for name, frame in tables.items()}
    for name, column, when in (
        ("sales", "quantity", "date"),
        ("availability", "in_stock", "date"),
        ("stock", "on_hand", "as_of"),
        ("receipts", "quantity", "received_on"),
        ("events", "uplift", "starts_on"),
    ):
        # A count or a delivery of the morning itself is known on it.
        late = out[name][when] > day if name in ("stock", "receipts", "events") else out[name][when] >= day
        units = random.gamma(0.5, 40.0, int(late.sum()))
        out[name].loc[late, column] = np.where(units > 8, units, 0.0) if column != "in_stock" else units % 1.0
    return out


@pytest.mark.parametrize(("bucket_days", "t"), [(7, 0), (7, 3), (7, 4), (7, 6), (1, 2)])
def test_what_comes_later_changes_no_earlier_forecast_by_a_bit(bucket_days, t):
    tables = company(bucket_days, 60 if bucket_days == 7 else 90)
    before = known(tables, 8, bucket_days, buckets=4)
    changed = later_changed(tables, pd.Timestamp(before.starts[t]), seed=t)
    after = known(changed, 8, bucket_days, buckets=4)
    assert before.mean[: t + 1].tobytes() == after.mean[: t + 1].tobytes()
    assert before.variance[: t + 1].tobytes() == after.variance[: t + 1].tobytes()
    for k in range(before.learned[t] + 1):
        assert (before.wholes[k] == after.wholes[k]).all()
        mine, theirs = before.calibrations[k], after.calibrations[k]
        assert (mine is None) == (theirs is None)
        assert mine is None or (mine.code.tobytes(), mine.realised.tobytes()) == (
            theirs.code.tobytes(),
            theirs.realised.tobytes(),
        )
    assert (before.demand_class == after.demand_class).all()
    assert (before.abc_class == after.abc_class).all()
    if t < 7:
        assert (before.mean[t + 1] != after.mean[t + 1]).any()


def test_an_event_is_forecast_from_the_day_it_was_told():
    tables = company()
    morning = 11
    plain, told = (known(tables, morning, every=1, buckets=4, event_notice_days=days) for days in (0, 14))
    # The event of week 50 begins a week after the first of these mornings, at week 49.
    store = plain.keys["location_id"] == "S1"
    raised = told.mean[0, store, 1] - told.mean[0, store, 0]
    usual = plain.mean[0, store, 1] - plain.mean[0, store, 0]
    assert (plain.mean[0, :, 0] == told.mean[0, :, 0]).all()
    np.testing.assert_allclose(raised, 3 * usual, rtol=1e-4)
    assert (plain.mean[1] == told.mean[1]).all()


def test_a_warehouse_forecasts_what_its_stores_do():
    found = known(company(), 4)
    places = found.keys["location_id"].to_numpy(str)
    total = found.mean[:, places == "S1"] + found.mean[:, places == "S2"]
    np.testing.assert_allclose(found.mean[:, places == "W"], total, rtol=1e-5)


def carried(work: Callable[[Any], Any], parts: Sequence[Any]) -> Iterable[Any]:
    """Run parts as other processes would: all that goes in and comes out is carried as bytes."""
    return [pickle.loads(pickle.dumps(work(pickle.loads(pickle.dumps(part))))) for part in parts]


def test_the_same_bytes_wherever_it_runs_and_what_is_kept_comes_back():
    tables, told = company(), []
    one = known(tables, 6, progress=lambda *said: told.append(said))
    other = known(tables, 6, run=carried)
    assert one.to_bytes() == other.to_bytes()
    assert told == [("known", 0, 6), ("known", 4, 6), ("known", 6, 6)]
    back = Known.from_bytes(one.to_bytes())
    assert back.to_bytes() == one.to_bytes()
    day = np.full(len(one.keys), 21.0)
    for t in range(6):
        assert (back.at(t).quantile(0.9, day) == one.at(t).quantile(0.9, day)).all()


def test_a_span_without_a_past_or_without_a_bucket_is_refused_with_the_day_to_begin_on():
    tables = company(items=2)
    tables["sales"] = tables["sales"][tables["sales"]["date"] >= pd.Timestamp(AS_OF) - pd.Timedelta(weeks=30)]
    with pytest.raises(ParameterError, match=r"too early to forecast.*2025-12-29"):
        known(tables, 26)
    with pytest.raises(ParameterError, match=r"no bucket of the history begins.*2026-05-31"):
        build_known(tables, AS_OF, PARAMS, first=AS_OF)


def test_nothing_is_supposed_of_the_past():
    params = replace(PARAMS, demand_multiplier=2.0, forecast_model="AutoETS")
    then = params_then(params)
    assert (then.demand_multiplier, then.forecast_model, then.library_fits) == (1.0, "auto", 0)
    assert params_then(replace(PARAMS, forecast_model="TSB")).forecast_model == "TSB"
    tables = read_tables(company() | {"pins": pd.DataFrame({"pin_id": ["1"]})}, AS_OF)
    past = known_then(tables, date(2026, 1, 5))
    assert past["sales"]["date"].max() == pd.Timestamp("2025-12-29")
    assert past["stock"]["as_of"].max() <= pd.Timestamp("2026-01-05")
    assert past["pins"].empty
    assert past["open_orders"].empty


@pytest.fixture(scope="module")
def refit():
    tables = company(items=4)
    keys = pipeline.prepare(tables, AS_OF, PARAMS).network.keys
    starts = np.datetime64("2026-05-04") + 7 * np.arange(4)
    return tables, keys, RefitRule.of(tables, AS_OF, PARAMS, keys, starts, 7)


def state_of(keys: pd.DataFrame) -> State:
    stock = np.where(keys["location_id"] == "W", 9.0, 3.0)
    coming = np.zeros((4, len(keys)))
    coming[2, :3] = 5.0
    rows = np.arange(1, len(keys))
    return State(rows, stock[rows], coming.T[rows], stock, coming)


def test_refitted_orders_are_those_of_a_plan_with_this_stock_and_these_orders(refit):
    tables, keys, rule = refit
    state = state_of(keys)
    morning = pd.Timestamp("2026-05-11")
    given = on_morning(tables, morning.date())
    given["stock"] = pd.concat(
        [given["stock"][given["stock"]["as_of"] < morning], keys.assign(on_hand=state.all_stock, as_of=morning)]
    )
    due = keys.iloc[:3].assign(quantity=5.0, due_on=morning + pd.Timedelta(days=14), order_id="open")
    plan = pipeline.plan(given | {"open_orders": due}, morning.date(), PARAMS).replenishment
    wanted = (plan["order_quantity"] + plan["transfer_quantity"]).to_numpy(float)
    found = rule.orders(1, state)
    assert (wanted > 0).any()
    np.testing.assert_array_equal(found.quantity, wanted[state.rows])
    assert (found.promised_demand > 0).any()
    assert ((found.promised_short >= 0) & (found.promised_short <= found.promised_demand + 1e-9)).all()


def test_refitted_orders_know_nothing_of_later_sales(refit):
    tables, keys, rule = refit
    changed = later_changed(tables, pd.Timestamp("2026-05-11"), seed=1)
    other = RefitRule.of(changed, AS_OF, PARAMS, keys, rule.starts, 7)
    state = state_of(keys)
    one, two = rule.orders(1, state), other.orders(1, state)
    assert one.quantity.tobytes() == two.quantity.tobytes()
    assert one.promised_short.tobytes() == two.promised_short.tobytes()
    assert (rule.orders(2, state).quantity != other.orders(2, state).quantity).any()
