"""Demand classes and ABC classes: the specification's numbers, plain loops, laws."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from planning.classify import adi, classify_abc, classify_demand, cv2

NAN = np.nan
CHECK = np.array([[0, 3, 0, 0, 4, 0, 5, 0, 0, 0, 2, 0]], dtype=float)

UNITS = st.sampled_from([0.0, 0.0, 0.0, 1.0, 2.0, 3.0, 7.0, 40.0, NAN])
HISTORIES = arrays.arrays(float, st.tuples(st.integers(1, 6), st.integers(1, 15)), elements=UNITS)
VALUES = arrays.arrays(float, st.integers(0, 30), elements=st.integers(0, 1000).map(float) | st.just(NAN))


def test_adi_and_cv2_are_those_of_the_specification():
    # science, 1.4: leading zero trimmed, 11 / 4 = 2.75; sample CV2 0.1360544; intermittent.
    assert adi(CHECK) == 2.75
    assert cv2(CHECK) == pytest.approx(0.1360544, abs=5e-8)
    assert classify_demand(CHECK) == "intermittent"


@pytest.mark.parametrize(
    ("demand", "kind"),
    [
        ([5, 6, 5, 4], "smooth"),
        # Mean 4, sample variance 12: CV2 = 0.75.
        ([2, 2, 2, 10], "erratic"),
        ([5, 0, 5, 0, 6], "intermittent"),
        ([1, 0, 0, 9, 0, 1], "lumpy"),
        ([0, 0, 0, 8], "smooth"),
        ([0, 0, 8, 0], "intermittent"),
        ([0, 0, 0, 0], "none"),
        ([NAN, NAN, NAN, NAN], "none"),
        ([NAN, 0, NAN, 0], "none"),
        ([5, NAN, NAN, 5], "smooth"),
    ],
)
def test_kind_of_demand(demand, kind):
    assert classify_demand(np.array([demand], dtype=float)) == kind


def test_the_limits_belong_to_the_upper_class():
    # 33 buckets, 25 with demand: ADI exactly 1.32.
    at_limit = np.array([[1.0] * 25 + [0.0] * 8])
    assert adi(at_limit) == pytest.approx(1.32)
    assert classify_demand(at_limit) == "intermittent"
    # Two sizes 1 +- d: the variance is 2 d^2, so d^2 = 0.245 is on the line and a little less is below it.
    for spread, kind in ((0.2451, "erratic"), (0.2449, "smooth")):
        assert classify_demand(np.array([[1 - spread**0.5, 1 + spread**0.5]])) == kind


def test_no_items_is_no_fault():
    assert len(classify_demand(np.empty((0, 5)))) == 0
    assert len(classify_abc(np.empty(0))) == 0


def test_abc_is_that_of_the_specification():
    # science, 1.4: [500, 250, 120, 80, 50] -> A, A, A, B, C.
    assert "".join(classify_abc(np.array([500.0, 250, 120, 80, 50]))) == "AAABC"
    assert "".join(classify_abc(np.array([50.0, 80, 120, 250, 500]))) == "CBAAA"


@pytest.mark.parametrize(
    ("value", "classes"),
    [
        # 0.8 and 0.95 are reached exactly: what comes next is beyond the line.
        ([80, 15, 5], "ABC"),
        ([0.8, 0.1, 0.05, 0.05], "ABBC"),
        ([10], "A"),
        ([0, 7, NAN, -3], "CACC"),
        ([0, 0], "CC"),
        ([NAN], "C"),
        ([1] * 20, "A" * 16 + "B" * 3 + "C"),
    ],
)
def test_abc_at_its_edges(value, classes):
    assert "".join(classify_abc(np.array(value, dtype=float))) == classes


def _class_by_loop(demand: list[float]) -> str:
    while demand and not demand[0] > 0:
        demand = demand[1:]
    known = [units for units in demand if units == units]
    sizes = [units for units in known if units > 0]
    if not sizes:
        return "none"
    mean = sum(sizes) / len(sizes)
    variance = sum((size - mean) ** 2 for size in sizes) / (len(sizes) - 1) if len(sizes) > 1 else 0.0
    rare, varied = len(known) / len(sizes) >= 1.32, variance / mean**2 >= 0.49
    return {(False, False): "smooth", (False, True): "erratic", (True, False): "intermittent", (True, True): "lumpy"}[
        rare, varied
    ]


@given(HISTORIES)
def test_classes_equal_a_plain_loop(demand):
    assert classify_demand(demand).tolist() == [_class_by_loop(list(row)) for row in demand]


@given(VALUES)
def test_abc_equals_a_plain_loop(value):
    classes = ["C"] * len(value)
    worth = [units if units > 0 else 0.0 for units in value]
    before = 0.0
    for item in sorted(range(len(worth)), key=lambda i: (-worth[i], i)):
        if worth[item] > 0:
            # In hundredths of whole numbers, so that nothing is rounded.
            share = 100 * before / sum(worth)
            classes[item] = "A" if share < 80 else "B" if share < 95 else "C"
        before += worth[item]
    assert classify_abc(value).tolist() == classes


@given(HISTORIES, st.sampled_from([0.5, 2.0, 1024.0]))
def test_the_unit_of_measure_changes_no_class(demand, scale):
    assert classify_demand(demand * scale).tolist() == classify_demand(demand).tolist()


@given(HISTORIES)
def test_zeros_and_unknown_buckets_before_the_first_demand_change_nothing(demand):
    for nothing in (0.0, NAN):
        padded = np.hstack([np.full((len(demand), 3), nothing), demand])
        np.testing.assert_array_equal(adi(padded), adi(demand))
        np.testing.assert_allclose(cv2(padded), cv2(demand), rtol=1e-12)


@given(HISTORIES)
def test_intervals_and_spreads_keep_their_bounds(demand):
    interval, spread = adi(demand), cv2(demand)
    assert (interval[~np.isnan(interval)] >= 1).all()
    assert (spread[~np.isnan(spread)] >= 0).all()
    assert (np.isnan(interval) == ~(demand > 0).any(axis=1)).all()


@given(VALUES)
def test_more_value_is_never_a_lower_class(value):
    classes = classify_abc(value)
    known = np.argsort(-np.nan_to_num(value), kind="stable")
    assert classes[known].tolist() == sorted(classes)
    if (value > 0).any():
        assert classes[known[0]] == "A"


@given(VALUES, st.randoms(use_true_random=False))
def test_the_order_of_items_of_different_value_changes_no_class(value, random):
    value = np.unique(value[~np.isnan(value)])
    order = list(range(len(value)))
    random.shuffle(order)
    np.testing.assert_array_equal(classify_abc(value[order]), classify_abc(value)[order])
