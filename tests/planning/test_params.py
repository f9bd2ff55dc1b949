"""Parameters: the published keys and defaults, what is refused and how it is said, one JSON form."""

import json
import math
from contextlib import suppress
from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.errors import ParameterError, PlanningError
from planning.params import Params, meaning

DEFAULTS = {
    "bucket": "auto",
    "horizon_days": 182,
    "review_period_days": 7,
    "coverage_days": None,
    "plan_days": 28,
    "lead_time_days": 14,
    "lead_time_sd_fraction": 0.25,
    "transit_days": 2,
    "service_measure": "fill_rate",
    "service_target": 0.95,
    "service_target_by_class": {},
    "shortage_cost_per_unit": None,
    "holding_cost_per_unit_day": None,
    "holding_rate_per_year": 0.25,
    "unmet_demand": "lost",
    "budget": None,
    "forecast_model": "auto",
    "history_days": None,
    "stockout_correction": True,
    "outlier_correction": True,
    "demand_multiplier": 1.0,
    "lead_time_multiplier": 1.0,
    "lead_time_added_days": 0,
    "delay_open_orders": False,
    "allocation_method": "optimal",
    "allocation_sources": None,
    "reserve_fraction": 0.0,
    "reserve_value": 0.0,
    "allocation_inbound_days": 0,
    "fair_rule": "equal_days",
    "service_floor": None,
    "rebalance": False,
    "rebalance_least_value": 0.0,
    "currency": "",
    "seed": 0,
}


def test_every_published_parameter_has_its_published_default():
    found = Params().to_dict()
    assert {key: found[key] for key in DEFAULTS} == DEFAULTS


def test_every_parameter_says_what_it_means():
    for name in Params().to_dict():
        assert len(meaning(name)) > 5


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("service_target", 95, "write 0.95 for 95 %"),
        ("service_target", 1.5, "write 0.015"),
        ("service_target", 0, "above 0.0"),
        ("service_target", 1, "0.9999"),
        ("service_target", math.nan, "service_target is nan"),
        ("service_target", "0.95", "a number"),
        ("service_target", True, "a number"),
        ("service_target", None, "a number"),
        ("service_target_by_class", {"D": 0.9}, "the classes A, B and C"),
        ("service_target_by_class", {"A": 98}, "write 0.98 for 98 %"),
        ("service_target_by_class", [0.9], "an object"),
        ("service_measure", "alpha", "one of fill_rate, cycle_service_level, cost"),
        ("bucket", "month", "one of auto, day, week"),
        ("bucket", 7, "a text"),
        ("review_period_days", 0, "from 1 to 365"),
        ("review_period_days", 7.5, "a whole number"),
        ("horizon_days", 1e999, "from 7 to 1095"),
        ("horizon_days", "182", "a whole number"),
        ("coverage_days", 3, "less than review_period_days 7"),
        ("lead_time_days", -1, "from 0 to 730"),
        ("budget", -0.01, "from 0"),
        ("stockout_correction", 1, "true or false"),
        ("stockout_correction", "yes", "true or false"),
        ("allocation_sources", "WH1", "a list of location ids"),
        ("allocation_sources", [1], "a list of location ids"),
        ("reserve_fraction", 20, "write 0.2 for 20 %"),
        ("reserve_value", 1.5, "write 0.015 for 1.5 %"),
        ("allocation_inbound_days", 2.5, "a whole number"),
        ("fair_rule", "random", "one of equal_days, proportional, equal_service"),
        ("service_floor", 90, "write 0.9 for 90 %"),
        ("service_floor", 0, "above 0"),
        ("rebalance", "yes", "true or false"),
        ("rebalance_least_value", -1, "from 0"),
        ("forecast_model", "Prophet", "one of auto"),
        ("currency", "x" * 9, "at most 8 characters"),
        ("seed", -1, "from 0"),
    ],
)
def test_a_value_out_of_range_is_refused_by_name_with_what_is_allowed(key, value, said):
    with pytest.raises(ParameterError) as fault:
        Params.from_mapping({key: value})
    assert key in str(fault.value)
    assert said in str(fault.value)


@pytest.mark.parametrize(
    ("key", "said"),
    [("service_level", "service_target"), ("coverage", "coverage_days"), ("Budget", "budget"), ("", "Known")],
)
def test_an_unknown_key_is_refused_with_the_known_ones(key, said):
    with pytest.raises(ParameterError, match="unknown parameter") as fault:
        Params.from_mapping({key: 1})
    assert said in str(fault.value)


@pytest.mark.parametrize("text", ["", "{", "[1]", "7", "null", '"a"', '{"seed": }', "[" * 100_000])
def test_text_that_is_no_flat_object_is_refused(text):
    with pytest.raises(ParameterError):
        Params.from_json(text)


def test_a_refusal_shows_no_more_than_a_line_of_what_was_given():
    for values in ({"bucket": "x" * 10_000}, {"y" * 10_000: 1}, {"service_target_by_class": {"z" * 10_000: 1}}):
        with pytest.raises(ParameterError) as fault:
            Params.from_mapping(values)
        assert len(str(fault.value)) < 1500


def test_a_refusal_is_a_fault_of_the_input():
    assert issubclass(ParameterError, PlanningError)


def test_parameters_are_frozen():
    with pytest.raises(FrozenInstanceError):
        Params().seed = 1
    with pytest.raises(TypeError):
        Params(service_target_by_class={"A": 0.98}).service_target_by_class["A"] = 0.5


def test_a_later_change_of_what_was_given_changes_nothing():
    targets, sources = {"A": 0.98}, ["WH2", "WH1"]
    params = Params(service_target_by_class=targets, allocation_sources=sources)
    targets["A"] = 0.5
    sources.append("WH3")
    assert params.to_dict()["service_target_by_class"] == {"A": 0.98}
    assert params.allocation_sources == ("WH1", "WH2")


def test_a_changed_parameter_is_checked_too():
    assert Params(seed=3).but(service_target=0.9).to_dict() == Params().to_dict() | {
        "seed": 3,
        "service_target": 0.9,
    }
    with pytest.raises(ParameterError):
        Params().but(review_period_days=400)
    with pytest.raises(ParameterError):
        Params(coverage_days=10).but(review_period_days=14)


def test_what_is_allowed_at_the_edge_is_accepted():
    Params(coverage_days=7, review_period_days=7)
    Params(lead_time_days=0, lead_time_sd_fraction=0, budget=0, reserve_fraction=1.0, service_target=0.9999)


VALUES = st.fixed_dictionaries(
    {},
    optional={
        "bucket": st.sampled_from(["auto", "day", "week"]),
        "review_period_days": st.integers(1, 60),
        "coverage_days": st.none() | st.integers(60, 700),
        "lead_time_days": st.floats(0, 700),
        "service_target": st.floats(0.001, 0.9999),
        "service_target_by_class": st.dictionaries(st.sampled_from("ABC"), st.floats(0.01, 0.99)),
        "budget": st.none() | st.floats(0, 1e12),
        "allocation_sources": st.none() | st.lists(st.text(max_size=5), max_size=3),
        "currency": st.text(max_size=8),
        "delay_open_orders": st.booleans(),
        "seed": st.integers(0, 2**31 - 1),
    },
)


@given(VALUES)
def test_parameters_come_back_from_their_json_form(values):
    params = Params.from_mapping(values)
    assert Params.from_json(params.to_json()) == params
    assert json.loads(params.to_json()) == params.to_dict()


@given(VALUES, st.randoms(use_true_random=False))
def test_the_order_of_keys_and_the_kind_of_number_change_no_json(values, random):
    items = list(values.items())
    random.shuffle(items)
    as_floats = {k: float(v) if isinstance(v, int) and not isinstance(v, bool) else v for k, v in items}
    assert Params.from_mapping(as_floats).to_json() == Params.from_mapping(values).to_json()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(sorted(DEFAULTS)) | st.text(max_size=6), JSON, max_size=4))
def test_whatever_is_given_is_accepted_or_refused_as_a_fault_of_the_input(values):
    with suppress(ParameterError):
        Params.from_mapping(values)
