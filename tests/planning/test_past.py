"""What past mornings would have forecast: equal to plain loops, with unknown buckets, seasons as then known, naive."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.fits import Fits
from planning.past import LEAST_KNOWN, Past, cumulative_errors, forecasts, interval_buckets, library_forecasts
from planning.smoothing import Member, family_levels
from tests.planning.made_fits import (
    AHEAD,
    MEMBERS,
    any_past,
    drawn,
    errors_by_loop,
    fits_of,
    only,
    origins_of,
    season_by_hand,
    shared,
)


@st.composite
def pasts(draw: st.DrawFn) -> tuple[Fits, int]:
    fits = any_past(draw(st.integers(0, 2**20)), draw(st.sampled_from([0, 0.1, 0.5, 0.9])), draw(st.integers(6, 40)))
    return fits, draw(st.integers(1, 8))


@given(pasts(), st.integers(0, 2**20), st.booleans())
def test_errors_of_cumulative_demand_equal_a_plain_loop(past, seed, library):
    fits, horizon = past
    rng = np.random.default_rng(seed)
    choice = shared(rng.dirichlet(np.ones(len(MEMBERS)), 4))
    if library:
        choice = replace(choice, library=np.array([0, 1, 0, 0.5]), library_model=np.array([0, 1, 0, 0]))
    found, expected = (f(fits, choice, horizon) for f in (cumulative_errors, errors_by_loop))
    for ours, loops in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, loops, rtol=1e-5, atol=1e-5)


@given(pasts(), st.lists(st.integers(0, 3), min_size=1, max_size=4, unique=True))
def test_some_rows_alone_have_the_windows_that_they_have_among_all(past, rows):
    fits, horizon = past
    some, every = Past(fits, np.array(rows)), Past(fits)
    for name in ("sold", "expected", "scale"):
        np.testing.assert_array_equal(getattr(some.window(horizon), name), getattr(every.window(horizon), name)[rows])
    np.testing.assert_array_equal(some.naive(horizon), every.naive(horizon)[rows])
    choice = only(4)
    window = every.window(horizon)
    np.testing.assert_array_equal(forecasts(some, choice, some.window(horizon)), forecasts(every, choice, window)[rows])


@given(pasts())
def test_a_window_equals_a_plain_loop(past):
    fits, horizon = past
    window = Past(fits).window(horizon)
    for row in range(4):
        for k, origin in enumerate(fits.origins):
            span = range(origin, min(origin + horizon, fits.periods))
            known = [t for t in span if not np.isnan(fits.demand[row, t])]
            if origin + horizon > fits.periods:
                assert np.isnan([window.sold[row, k], window.expected[row, k], window.scale[row, k]]).all()
                continue
            shape = {t: season_by_hand(fits, row, t, int(fits.cut[k])) for t in span}
            told = sum(shape[t] for t in known)
            assert window.expected[row, k] == pytest.approx(told, abs=1e-9)
            if len(known) >= LEAST_KNOWN * horizon:
                assert window.sold[row, k] == pytest.approx(sum(fits.demand[row, t] for t in known))
            else:
                assert np.isnan(window.sold[row, k])
            if known:
                assert window.scale[row, k] == pytest.approx((sum(shape.values()) / told) ** 0.5)


def test_an_error_is_what_was_sold_less_what_was_forecast():
    # Ten weeks of 5, then 9, 3, 4; level 5, the origin after week ten.
    fits = fits_of(np.array([[5.0] * 10 + [9, 3, 4]]), 5.0)
    at = fits.origins.tolist().index(10)
    for horizon, error in ((1, 4), (2, 2), (3, 1)):
        assert cumulative_errors(fits, only(1), horizon)[0][0, at] == pytest.approx(error)
    assert np.isnan(cumulative_errors(fits, only(1), 4)[0][0, at])


def test_an_unknown_bucket_adds_no_error_and_the_rest_is_scaled_up():
    # Errors of 4 and nothing known: over two buckets 4 * sqrt(2), as if the other erred as much on its own.
    fits = fits_of(np.array([[5.0] * 10 + [9, np.nan, 4]]), 5.0)
    at = fits.origins.tolist().index(10)
    assert cumulative_errors(fits, only(1), 2)[0][0, at] == pytest.approx(4 * 2**0.5)
    mostly_unknown = fits_of(np.array([[5.0] * 10 + [9, np.nan, np.nan]]), 5.0)
    assert np.isnan(cumulative_errors(mostly_unknown, only(1), 3)[0][0, at])


def test_a_closed_bucket_of_which_nothing_is_expected_scales_nothing():
    # Two of four buckets are known, and nothing is expected of these: what was sold there is an error as it is.
    fits = fits_of(np.array([[5.0] * 10 + [2, 0, np.nan, np.nan]]), 5.0)
    factor = fits.factor.copy()
    factor[0, 10:12] = 0
    fits = replace(fits, factor=factor, origins=np.array([10]), cut=np.zeros(1, int), levels=fits.levels[..., :2])
    assert cumulative_errors(fits, only(1), 4)[0][0, 0] == pytest.approx(2)


def test_an_origin_uses_the_season_as_it_was_known_at_its_cut_and_nothing_later():
    fits = any_past(5, 0.1, 40)
    before = cumulative_errors(fits, only(4), 3)[0]
    tables = tuple(table.copy() for table in fits.season.tables)
    for table in tables:
        table[0] *= 3
        table[-1] *= 7
    after = cumulative_errors(replace(fits, season=replace(fits.season, tables=tables)), only(4), 3)[0]
    np.testing.assert_array_equal(after[:, fits.cut > 0], before[:, fits.cut > 0])
    known = ~np.isnan(before) & (fits.cut == 0)
    assert (after[known] != before[known]).all()


def test_what_the_library_has_not_fitted_has_no_forecast():
    fits = any_past(5, 0.0, 40)
    model = np.zeros(4, int)
    found = library_forecasts(Past(fits), np.arange(4), model, 3)
    fitted = np.isin(np.arange(len(fits.origins)), fits.library.columns) & (fits.origins + 3 <= 40)
    assert np.isnan(found[[0, 2]]).all()
    np.testing.assert_array_equal(np.isfinite(found[[1, 3]]), np.tile(fitted, (2, 1)))
    # Farther than the paths reach there is none either.
    assert np.isnan(library_forecasts(Past(any_past(5, 0.0, 90)), np.array([1]), model[:1], AHEAD + 1)).all()


# Science, 2.5: what the errors of a smoothed level add up to over four weeks, alpha .2.


@pytest.mark.parametrize(("drifts", "variance"), [(True, 6.96), (False, 5.7778)])
def test_errors_over_an_interval_vary_as_the_specification_says(drifts, variance):
    rng = np.random.default_rng(2)
    noise = rng.normal(0, 1, (3000, 100))
    # A level that learns a fifth of each error, or none of it.
    level = 100 + (0.2 * (np.cumsum(noise, axis=1) - noise) if drifts else 0.0)
    demand = level + noise
    known = [*origins_of(100), 100]
    levels = family_levels(demand, known, [Member("SES0.2", "ses", 0.2)], 7)
    error = cumulative_errors(fits_of(demand, levels), only(3000), 4)[0]
    assert np.nanmean(error**2) == pytest.approx(variance, rel=0.03)
    assert np.nanmean(error) == pytest.approx(0, abs=0.05)


# As much as last time.


def test_naive_is_as_much_as_in_as_many_buckets_before():
    fits = fits_of(np.array([[1.0, 2, 3, 4, 5, 6, 7, 8, 9, 10]]), 1.0)
    assert fits.origins.tolist() == [9, 7, 5]
    assert Past(fits).naive(2).tolist() == [[17, 13, 9]]
    assert Past(fits).naive(2, buckets=4).tolist() == [[15, 11, 7]]
    # Only five are known before the last: their mean.
    assert Past(fits).naive(2, buckets=6)[0, 2] == pytest.approx(2 * 15 / 5)


@given(pasts(), st.sampled_from([None, 1, 13]))
def test_naive_equals_a_plain_loop(past, buckets):
    fits, horizon = past
    found = Past(fits).naive(horizon, buckets)
    for row in range(4):
        for k, origin in enumerate(fits.origins):
            before = fits.demand[row, max(0, origin - (buckets or horizon)) : origin].astype(float)
            known = before[~np.isnan(before)]
            if len(known):
                assert found[row, k] == pytest.approx(known.mean() * horizon)
            else:
                assert np.isnan(found[row, k])


# How long an interval is told of.


def test_an_interval_is_in_whole_buckets_and_no_longer_than_a_third_of_the_history():
    fits = fits_of(drawn(1, 60), 1.0)
    assert interval_buckets(fits, np.array([1.0, 7, 10, 11, 21, 140, 900])).tolist() == [1, 1, 1, 2, 3, 20, 20]
    short = fits_of(drawn(1, 5), 1.0)
    assert interval_buckets(short, np.array([1.0, 28])).tolist() == [1, 1]


@pytest.mark.parametrize("periods", [0, 1, 4])
def test_next_to_no_history_has_no_errors(periods):
    fits = fits_of(np.ones((2, periods)), 1.0)
    error, actual = cumulative_errors(fits, only(2), 1)
    assert error.shape == actual.shape == (2, len(fits.origins))
