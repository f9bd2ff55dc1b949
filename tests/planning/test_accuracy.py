"""Accuracy measures: the specification's numbers, plain loops, laws."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.stats import poisson

from planning.accuracy import bias, interval_hit_rate, pinball_loss, randomised_hit_rate, rmsse, wape

NAN = np.nan


def rows(*values: list[float]) -> np.ndarray:
    return np.array(values, dtype=float)


# science, 2.4
TRAIN = rows([10, 12, 9, 14, 11, 13, 12, 15])
ACTUAL = rows([14, 10, 16, 12])
FORECAST = rows([12, 12, 13, 13])
Q10, Q50, Q90 = rows([9, 9, 10, 10]), rows([12, 12, 13, 13]), rows([15, 15, 17, 17])

SHAPE = st.tuples(st.integers(1, 4), st.integers(1, 8))
UNITS = st.integers(0, 50).map(float)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Actual demand, some of it unknown, and a forecast of it."""
    shape = draw(SHAPE)
    return (
        draw(arrays.arrays(float, shape, elements=UNITS | st.just(NAN))),
        draw(arrays.arrays(float, shape, elements=UNITS)),
    )


def test_wape_is_that_of_the_specification():
    assert wape(ACTUAL, FORECAST) == pytest.approx(0.1538462, abs=5e-8)


def test_bias_is_that_of_the_specification():
    # There the mean error, -0.5; here as a share of demand, whose mean is 13. Negative: too little was forecast.
    assert bias(ACTUAL, FORECAST) == pytest.approx(-0.5 / 13)


def test_rmsse_is_that_of_the_specification():
    assert rmsse(ACTUAL, FORECAST, TRAIN) == pytest.approx(0.7186052, abs=5e-8)


@pytest.mark.parametrize(("quantile", "probability", "loss"), [(Q10, 0.1, 0.35), (Q50, 0.5, 1.0), (Q90, 0.9, 0.3)])
def test_pinball_loss_is_that_of_the_specification(quantile, probability, loss):
    assert pinball_loss(ACTUAL, quantile, probability) == pytest.approx(loss)


def test_interval_hit_rate_is_that_of_the_specification():
    assert interval_hit_rate(ACTUAL, Q10, Q90) == 1.0


def test_interval_hit_rate_counts_the_ends_and_not_what_lies_beyond():
    actual = rows([1, 2, 3, 4, NAN])
    assert interval_hit_rate(actual, np.full((1, 5), 2.0), np.full((1, 5), 3.0)) == 0.5


def test_a_perfect_law_of_counts_holds_more_than_it_says_unless_ties_are_shared():
    # Poisson 1 at 0.80: its quantile is 2 and P(Y <= 2) = .9197, while P(Y < 2) + P(Y = 2) / 2 = .8277.
    actual = poisson.rvs(1.0, size=(1, 200_000), random_state=7).astype(float)
    quantile = np.full_like(actual, poisson.ppf(0.8, 1.0))
    assert interval_hit_rate(actual, np.zeros_like(actual), quantile) == pytest.approx(0.9197, abs=0.003)
    assert randomised_hit_rate(actual, quantile, seed=0) == pytest.approx(0.8277, abs=0.003)


def test_shared_ties_change_nothing_where_there_are_none():
    assert randomised_hit_rate(ACTUAL, rows([15, 9.5, 13, 13]), seed=3) == 0.5


def test_the_seed_fixes_how_ties_fall():
    actual = np.ones((3, 5))
    once, again, other = (randomised_hit_rate(actual, actual, seed) for seed in (1, 1, 2))
    assert once.tolist() == again.tolist() != other.tolist()


def test_history_before_the_first_demand_does_not_scale_the_error():
    padded = np.hstack([np.zeros((1, 30)), TRAIN])
    assert rmsse(ACTUAL, FORECAST, padded) == rmsse(ACTUAL, FORECAST, TRAIN)


def test_steps_to_and_from_unknown_buckets_do_not_scale_the_error():
    # Known steps: 4 -> 6 and 5 -> 9, so the scale is (4 + 16) / 2.
    train = rows([4, 6, NAN, 5, 9])
    assert rmsse(rows([10]), rows([10 + 10**0.5]), train) == pytest.approx(1.0)


@pytest.mark.parametrize("measure", [wape, bias])
def test_without_demand_a_relative_error_is_not_defined(measure):
    assert np.isnan(measure(rows([0, 0]), rows([1, 2])))
    assert np.isnan(measure(rows([NAN, NAN]), rows([1, 2])))


def test_without_points_or_change_nothing_is_defined():
    unknown = rows([NAN])
    for found in (
        rmsse(unknown, rows([1]), TRAIN),
        rmsse(rows([2]), rows([1]), rows([3, 3, 3])),
        rmsse(rows([2]), rows([1]), rows([3])),
        pinball_loss(unknown, rows([1]), 0.5),
        interval_hit_rate(unknown, rows([0]), rows([1])),
        randomised_hit_rate(unknown, rows([0]), seed=0),
    ):
        assert np.isnan(found)


@given(pairs(), st.sampled_from([0.05, 0.5, 0.9, 0.98]))
def test_measures_equal_plain_loops(pair, probability):
    actual, forecast = pair
    for item, (row, expected) in enumerate(zip(actual, forecast, strict=True)):
        points = [(y, f) for y, f in zip(row, expected, strict=True) if y == y]
        sold = sum(y for y, _ in points)
        if sold > 0:
            assert wape(actual, forecast)[item] == pytest.approx(sum(abs(y - f) for y, f in points) / sold)
            assert bias(actual, forecast)[item] == pytest.approx(sum(f - y for y, f in points) / sold)
        if points:
            loss = sum(probability * (y - f) if y >= f else (1 - probability) * (f - y) for y, f in points)
            assert pinball_loss(actual, forecast, probability)[item] == pytest.approx(loss / len(points))
            inside = sum(f <= y <= f + 5 for y, f in points)
            assert interval_hit_rate(actual, forecast, forecast + 5)[item] == pytest.approx(inside / len(points))


@given(pairs())
def test_a_perfect_forecast_errs_nowhere(pair):
    actual, _ = pair
    for found in (wape(actual, actual), bias(actual, actual), pinball_loss(actual, actual, 0.9)):
        assert (found[~np.isnan(found)] == 0).all()


@given(pairs())
def test_bias_is_never_larger_than_wape(pair):
    actual, forecast = pair
    relative, absolute = bias(actual, forecast), wape(actual, forecast)
    assert (np.isnan(relative) == np.isnan(absolute)).all()
    assert (np.abs(relative) <= absolute + 1e-12)[~np.isnan(relative)].all()


@given(pairs(), st.sampled_from([0.25, 4.0, 1024.0]))
def test_the_unit_of_measure_changes_no_relative_error(pair, scale):
    actual, forecast = pair
    for measure in (wape, bias):
        np.testing.assert_allclose(measure(actual * scale, forecast * scale), measure(actual, forecast))
    train = np.hstack([actual, forecast])
    np.testing.assert_allclose(rmsse(actual * scale, forecast * scale, train * scale), rmsse(actual, forecast, train))


@given(st.lists(UNITS, min_size=1, max_size=40), st.sampled_from([0.1, 0.5, 0.8, 0.95]))
def test_the_true_quantile_has_the_least_pinball_loss(demand, probability):
    actual = rows(demand)
    best = np.quantile(actual, probability, method="inverted_cdf")
    losses = [pinball_loss(actual, np.full_like(actual, level), probability)[0] for level in range(51)]
    assert pinball_loss(actual, np.full_like(actual, best), probability)[0] <= min(losses) + 1e-9
