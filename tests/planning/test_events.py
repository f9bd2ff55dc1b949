"""What events did to demand: measured by hand, drawn to what was told, and never worse than told without evidence."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.calendar import build_calendar
from planning.events import MOST_UPLIFT, event_effects, event_factors, without_events
from planning.inputs import Inputs
from tests.planning.test_demand import AS_OF, built, day, sold, table, tables


def promoted(weeks: list[float], *events: dict, item: str = "a") -> Inputs:
    """Weekly sales, and events given by the number of their week from the plan (-1: the last one)."""
    rows = [
        {"starts_on": day(7 * e.pop("week")), "ends_on": day(7 * e.pop("to") + 6), "item_id": item, **e}
        for e in [{"to": e["week"], **e} for e in events]
    ]
    return tables(sales=sold(weeks, item, step=7), events=table(*rows))


def effects(inputs: Inputs) -> pd.DataFrame:
    return built(inputs, "week").effects


def test_an_event_is_measured_and_drawn_to_what_was_told_by_four_buckets():
    # 10 a week, one week of 18 told as 1.3: (1 x 1.8 + 4 x 1.3) / 5 = 1.4.
    inputs = promoted([10, 10, 10, 10, 10, 18, 10, 10, 10], {"week": -4, "uplift": 1.3})
    found = effects(inputs).iloc[0]
    assert (found["told"], found["measured"], found["observations"], found["used"]) == pytest.approx((1.3, 1.8, 1, 1.4))
    demand = built(inputs, "week", future=2)
    assert demand.events[0] == pytest.approx([1, 1, 1, 1, 1, 1.4, 1, 1, 1, 1, 1])
    assert demand.flat[0, 5] == pytest.approx(18 / 1.4)
    assert demand.demand[0, 5] == 18


def test_a_baseline_is_the_mean_of_four_known_weeks_on_either_side_without_an_event():
    # Before: 8, 8, 12, 12 (the empty shelf and the first week are not among them); after: 20 alone. Mean 12.
    weeks = [99, 8, 8, 12, 0, 12, 24, 20]
    shelf = [1, 1, 1, 1, 0, 1, 1, 1]
    inputs = promoted(weeks, {"week": -2, "uplift": 1.0})
    told = pd.DataFrame({"date": [day(7 * (k - 8)) for k in range(8)], "item_id": "a", "in_stock": shelf})
    found = event_effects(
        inputs,
        pd.DataFrame({"item_id": ["a"], "location_id": ["S1"]}),
        build_calendar(inputs["sales"], AS_OF, "week", None),
        built(tables(sales=inputs["sales"], availability=told.assign(location_id="S1")), "week").demand,
    )
    assert found["measured"].tolist() == [2.0]


def test_events_of_one_name_are_measured_together_and_drawn_each_to_its_own():
    weeks = [10, 10, 10, 20, 10, 10, 10, 30, 10, 10, 10]
    named = {"event_name": "Sale"}
    found = effects(promoted(weeks, {"week": -8, "uplift": 1.0, **named}, {"week": -4, "uplift": 4.0, **named}))
    assert found["measured"].tolist() == [2.5, 2.5]
    assert found["observations"].tolist() == [2, 2]
    assert found["used"].tolist() == pytest.approx([(2 * 2.5 + 4 * 1) / 6, (2 * 2.5 + 4 * 4) / 6])
    alone = effects(promoted(weeks, {"week": -8, "uplift": 1.0}, {"week": -4, "uplift": 4.0}))
    assert alone["measured"].tolist() == [2, 3]


def test_rows_are_pooled_by_their_units():
    # (15 + 300) / (10 + 100), two observations.
    sales = pd.concat([sold([10, 10, 15, 10], "a", step=7), sold([100, 100, 300, 100], "b", step=7)])
    inputs = tables(sales=sales, events=table({"starts_on": day(-14), "ends_on": day(-8), "uplift": 1.0}))
    found = effects(inputs).iloc[0]
    assert (found["measured"], found["observations"]) == (pytest.approx(315 / 110), 2)


def test_overlapping_events_are_measured_where_they_stand_alone():
    # 3 alone in week -5, told 2; both in week -4, which tells of neither; the second never stands alone.
    inputs = promoted(
        [10, 10, 10, 30, 60, 10, 10, 10], {"week": -5, "to": -4, "uplift": 2.0}, {"week": -4, "uplift": 1.7}
    )
    found = effects(inputs)
    assert found["measured"].tolist() == pytest.approx([3, np.nan], nan_ok=True)
    assert found["observations"].tolist() == [1, 0]
    assert found["used"].tolist() == pytest.approx([(3 + 8) / 5, 1.7])


def test_a_week_partly_touched_counts_by_its_share():
    # Three of seven days: 10 x 4 / 7 untouched, so 16 - 40 / 7 over 30 / 7.
    inputs = tables(
        sales=sold([10, 10, 16, 10, 10], step=7),
        events=table({"starts_on": day(-21), "ends_on": day(-19), "uplift": 1.0}),
    )
    found = effects(inputs).iloc[0]
    measured = (16 - 40 / 7) / (30 / 7)
    assert found["measured"] == pytest.approx(measured)
    assert found["used"].tolist() == pytest.approx((3 / 7 * measured + 4) / (3 / 7 + 4))


def test_without_evidence_the_told_uplift_is_used():
    always = promoted([10, 10, 10], {"week": -3, "to": -1, "uplift": 50.0})
    ahead = promoted([10, 10, 10], {"week": 1, "uplift": 50.0})
    other = promoted([10, 10, 10], {"week": -2, "uplift": 50.0, "location_id": "elsewhere"})
    for inputs in (always, ahead, other):
        found = effects(inputs).iloc[0]
        assert (found["used"], found["observations"]) == (50, 0)
        assert np.isnan(found["measured"])


def test_a_closure_is_used_as_told_whatever_the_rest_of_its_week_sold():
    # Closed on the last day of a week that sold 20 on the other six, between weeks of 10: told 0 is a fact.
    inputs = promoted([10, 10, 10, 10, 20, 10, 10, 10], {"week": -4, "uplift": 0.0})
    found = effects(inputs).iloc[0]
    assert (found["measured"], found["used"]) == (2.0, 0.0)


def test_a_measured_uplift_is_bounded():
    wild = effects(promoted([1, 1, 1, 5000, 1, 1, 1], {"week": -4, "uplift": 60.0})).iloc[0]
    assert wild["used"] == MOST_UPLIFT
    assert effects(promoted([9, 9, 9, 9, 9], {"week": 0, "uplift": 2.0})).iloc[0]["used"] == 2


def test_the_future_takes_what_is_told():
    inputs = promoted([10, 10, 10, 40, 10, 10, 10], {"week": -4, "uplift": 2.0, "event_name": "x"},
                      {"week": 1, "uplift": 2.0, "event_name": "x"})  # fmt: skip
    demand = built(inputs, "week", future=3)
    assert demand.events[0] == pytest.approx([1, 1, 1, (4 + 8) / 5, 1, 1, 1, 1, 2, 1])
    assert demand.effects["used"].tolist() == pytest.approx([2.4, 2.4])


def test_no_events_no_effects():
    assert effects(tables(sales=sold([1, 2, 3], step=7))).empty


@given(st.lists(st.integers(0, 30), min_size=12, max_size=12), st.integers(-12, -1), st.floats(0, 5))
def test_one_item_touched_changes_no_other(weeks, week, uplift):
    other = sold([10.0] * 12, "b", step=7)
    event = table({"starts_on": day(7 * week), "ends_on": day(7 * week + 6), "uplift": uplift, "item_id": "a"})
    both = tables(sales=pd.concat([sold(weeks, step=7), other]), events=event)
    found = built(both, "week")
    np.testing.assert_array_equal(found.flat[-1], [10.0] * 12)
    assert not np.isinf(found.flat).any()
    assert np.isfinite(found.events).all()


def test_factors_told_are_factors_measured_without_a_measurement():
    inputs = promoted([10, 10, 10, 40, 10, 10, 10], {"week": -4, "uplift": 2.0})
    keys = pd.DataFrame({"item_id": ["a"], "location_id": ["S1"]})
    calendar = build_calendar(inputs["sales"], AS_OF, "week", None)
    assert event_factors(inputs, keys, calendar, 0)[0].tolist() == [1, 1, 1, 2, 1, 1, 1]
    np.testing.assert_array_equal(without_events(np.array([[6.0, 6.0]]), np.array([[2.0, 0.2]])), [[3, np.nan]])


def measured_by_loop(weeks: list[int], promoted_: set[int]) -> float:
    calm = [t for t in range(len(weeks)) if t not in promoted_]
    sold_, usual = 0.0, 0.0
    for t in promoted_:
        near = [s for s in calm if s < t][-4:] + [s for s in calm if s > t][:4]
        if near:
            sold_, usual = sold_ + weeks[t], usual + sum(weeks[s] for s in near) / len(near)
    return sold_ / usual if usual > 0 else np.nan


@given(st.lists(st.integers(1, 30), min_size=14, max_size=14), st.sets(st.integers(0, 13), min_size=1, max_size=9))
def test_what_an_event_did_equals_a_plain_loop(weeks, promoted_):
    inputs = promoted(weeks, *({"week": t - 14, "uplift": 2.0, "event_name": "x"} for t in sorted(promoted_)))
    found = effects(inputs)["measured"].to_numpy()
    np.testing.assert_allclose(found, [measured_by_loop(weeks, promoted_)] * len(promoted_))
