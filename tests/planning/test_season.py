"""The yearly and weekly shape: what is planted is found again, noise is not; shared, shrunk, mean one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.season import LEAST_YEARS_DAYS, seasonal_index

AS_OF = np.datetime64("2026-06-01")
"""A Monday."""
AHEAD = 26
WEEKDAYS = np.array([0.6, 0.7, 0.8, 1.0, 1.3, 1.6, 1.0])
"""A weekly shape with mean one, from the weekday of 1 January 1970 on, as day numbers count."""


def starts(periods: int, bucket_days: int = 7) -> np.ndarray:
    return AS_OF + np.arange(-periods, AHEAD) * bucket_days


def yearly(days: np.ndarray, strength: float = 0.5) -> np.ndarray:
    day_of_year = (days - days.astype("datetime64[Y]").astype("datetime64[D]")).astype(int)
    return 1 + strength * np.sin(2 * np.pi * day_of_year / 365)


def weekly(days: np.ndarray) -> np.ndarray:
    return WEEKDAYS[days.astype(int) % 7]


def drawn(shape: np.ndarray, items: int, mean: float, periods: int, seed: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).poisson(mean * shape[:periods], (items, periods)).astype(float)


def index(clean: np.ndarray, bucket_days: int = 7, groups: np.ndarray | None = None, places: np.ndarray | None = None):
    one = np.zeros(len(clean), int)
    days = starts(clean.shape[1], bucket_days)
    return seasonal_index(
        clean, one if groups is None else groups, one if places is None else places, days, bucket_days
    )


@pytest.mark.parametrize(("years", "items", "mean", "within"), [(2, 50, 30, 0.06), (3, 50, 30, 0.05), (3, 5, 30, 0.1)])
def test_a_planted_yearly_shape_is_found_again_past_and_future(years, items, mean, within):
    shape = yearly(starts(52 * years))
    found = index(drawn(shape, items, mean, 52 * years))
    assert found.shape == (items, 52 * years + AHEAD)
    np.testing.assert_allclose(found[0], shape / shape[:52].mean(), atol=within)


@pytest.mark.parametrize(("days", "items", "within"), [(84, 10, 0.06), (364, 1, 0.05), (364, 10, 0.03)])
def test_a_planted_weekly_shape_is_found_again(days, items, within):
    shape = weekly(starts(days, 1))
    np.testing.assert_allclose(index(drawn(shape, items, 10, days), 1)[0], shape, atol=within)


def test_both_shapes_of_daily_demand_are_found_together():
    days = starts(3 * 364, 1)
    shape = yearly(days) * weekly(days)
    found = index(drawn(shape, 20, 10, 3 * 364), 1)
    ratio = found[0] / shape
    assert ratio == pytest.approx(np.full(len(days), ratio.mean()), abs=0.12)
    assert np.std(ratio) < 0.03


def test_without_noise_the_weekly_shape_is_exact():
    shape = weekly(starts(84, 1))
    np.testing.assert_allclose(index(np.outer([3, 40], shape[:84]), 1), np.tile(shape, (2, 1)), atol=1e-9)


@pytest.mark.parametrize(("bucket_days", "periods"), [(7, 104), (7, 200), (1, 90), (1, 760)])
def test_constant_demand_has_no_shape(bucket_days, periods):
    np.testing.assert_allclose(index(np.full((3, periods), 7.0), bucket_days), 1, atol=1e-12)


@pytest.mark.parametrize(("bucket_days", "periods"), [(7, 104), (7, 156), (7, 208), (1, 28), (1, 84), (1, 364)])
@pytest.mark.parametrize(("items", "mean"), [(1, 0.5), (1, 5), (20, 0.5), (20, 5), (100, 30)])
def test_what_is_only_noise_is_shrunk_to_next_to_nothing(bucket_days, periods, items, mean):
    # The plain ratio of a position over its laps has the variance of a Poisson mean; smoothing leaves 3/8 of it.
    positions, left = (52, 3 / 8) if bucket_days == 7 else (7, 1)
    raw = left * positions / (mean * items * periods)
    drawn_at_random = [drawn(np.ones(periods), items, mean, periods, seed) for seed in range(20)]
    found = np.array([index(clean, bucket_days)[0] for clean in drawn_at_random])
    assert ((found - 1) ** 2).mean() < raw / 4
    if items > 1 and periods * bucket_days >= 84:
        assert np.sqrt(((found - 1) ** 2).mean()) < 0.03


def test_little_evidence_is_trusted_less_than_much():
    shape = yearly(starts(104))
    thin, thick = (index(drawn(shape, items, 2, 104))[0] for items in (1, 200))
    assert np.abs(thin - 1).max() < np.abs(thick - 1).max()
    np.testing.assert_allclose(thick, shape / shape[:52].mean(), atol=0.1)


def test_a_yearly_shape_is_told_by_two_years_and_a_weekly_one_by_four_weeks_of_days():
    shape = yearly(starts(104))
    clean = drawn(shape, 20, 30, 104)
    assert LEAST_YEARS_DAYS == 104 * 7
    assert (index(clean[:, 1:]) == 1).all()
    assert (index(clean) != 1).any()
    days = np.outer([1.0], weekly(starts(28, 1))[:28])
    assert (index(days[:, 1:], 1) == 1).all()
    assert (index(days, 1) != 1).any()


def test_a_trend_is_no_season():
    growing = np.linspace(10, 20, 156)[None, :]
    np.testing.assert_allclose(index(growing), 1, atol=0.03)


def test_a_group_shares_its_yearly_shape_and_another_group_has_its_own():
    days = starts(156)
    summer, winter = (drawn(yearly(days, s), 10, 30, 156) for s in (0.5, -0.5))
    groups = np.repeat([0, 1], 10)
    found = index(np.concatenate([summer, winter]), groups=groups)
    for group in (0, 1):
        assert (found[groups == group] == found[10 * group]).all()
    # Whoever else is planned changes nothing.
    np.testing.assert_allclose(found[:10], index(summer), rtol=1e-12)
    np.testing.assert_allclose(found[10:], index(winter), rtol=1e-12)
    assert np.corrcoef(found[0], found[10])[0, 1] < -0.9


def test_a_new_item_takes_the_shape_of_its_group():
    clean = drawn(yearly(starts(156)), 20, 30, 156)
    with_new = np.concatenate([clean, np.full((1, 156), np.nan)])
    found = index(with_new)
    assert (found[20] == found[0]).all()
    np.testing.assert_allclose(found[0], index(clean)[0], rtol=1e-12)


def test_a_place_shares_its_weekly_shape():
    shape = weekly(starts(84, 1))
    busy, even = drawn(shape, 5, 20, 84), drawn(np.ones(84), 5, 20, 84)
    places = np.repeat([0, 1], 5)
    found = index(np.concatenate([busy, even]), 1, groups=np.arange(10), places=places)
    np.testing.assert_allclose(found[0], shape, atol=0.1)
    np.testing.assert_allclose(found[9], 1, atol=0.1)


def test_unknown_buckets_do_not_bend_the_shape():
    shape = yearly(starts(156))
    clean = drawn(shape, 20, 30, 156)
    clean[:, 100:110] = np.nan
    np.testing.assert_allclose(index(clean)[0], shape / shape[:52].mean(), atol=0.09)


@pytest.mark.parametrize("clean", [np.zeros((2, 156)), np.full((2, 156), np.nan), np.zeros((0, 156))])
def test_nothing_sold_has_no_shape(clean):
    found = index(clean)
    assert found.shape == (len(clean), 156 + AHEAD)
    assert (found == 1).all()


@given(st.integers(0, 2**20), st.sampled_from([(1, 84), (7, 110), (1, 800)]), st.sampled_from([0.01, 3.0, 1e6]))
def test_a_shape_does_not_depend_on_the_unit_and_has_mean_one(seed, size, unit):
    bucket_days, periods = size
    days = starts(periods, bucket_days)
    shape = yearly(days) * (weekly(days) if bucket_days == 1 else 1)
    clean = drawn(shape, 3, 6, periods, seed)
    found = index(clean, bucket_days)
    np.testing.assert_allclose(index(clean * unit, bucket_days), found, rtol=1e-9)
    whole_cycle = found[:, : (364 if periods * bucket_days >= LEAST_YEARS_DAYS else 7) // bucket_days]
    assert whole_cycle.mean() == pytest.approx(1, abs=0.02)
    assert ((found > 0.03) & (found < 30)).all()


@given(st.integers(0, 2**20), st.integers(28, 60))
def test_the_weekly_shape_equals_a_plain_loop(seed, periods):
    rng = np.random.default_rng(seed)
    days = starts(periods, 1)
    clean = rng.poisson(6 * weekly(days)[:periods], (3, periods)).astype(float)
    clean[rng.uniform(size=clean.shape) < 0.1] = np.nan
    np.testing.assert_allclose(index(clean, 1)[0], weekly_shape_by_loop(clean, days), rtol=1e-9)


def weekly_shape_by_loop(clean: np.ndarray, days: np.ndarray) -> np.ndarray:
    periods = clean.shape[1]
    weekday = days.astype(int) % 7
    laps = [sum(1 for t in range(1, k + 1) if weekday[t] < weekday[t - 1]) for k in range(periods)]
    sold, expected = np.zeros((2, laps[-1] + 1, 7))
    for row in clean:
        for t in range(periods):
            first = min(max(t - 14, 0), periods - 28)
            window = row[first : first + 28]
            if not np.isnan(row[t]):
                sold[laps[t], weekday[t]] += row[t]
                expected[laps[t], weekday[t]] += np.nanmean(window)
    ratio = sold.sum(axis=0) / expected.sum(axis=0)
    noise = []
    for day in range(7):
        each = [sold[k, day] / expected[k, day] for k in range(len(sold)) if expected[k, day] > 0]
        spread = sum((e - ratio[day]) ** 2 for e in each) / max(len(each) - 1, 1)
        noise.append(spread / len(each))
    signal = max(np.var(ratio) - np.mean(noise), 0)
    trust = signal / (signal + np.mean(noise)) if signal > 0 else 0.0
    factor = np.clip(1 + trust * (ratio - 1), 0.2, 5)
    return (factor / factor.mean())[weekday]
