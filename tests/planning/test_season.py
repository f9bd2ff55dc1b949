"""The yearly and weekly shape: what is planted is found again, noise is not; in layers, shrunk, mean one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning import season as module
from planning.season import LEAST_WEEKS_DAYS, LEAST_YEARS_DAYS, Season, build_season

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


def built(
    clean: np.ndarray,
    bucket_days: int = 7,
    groups: np.ndarray | None = None,
    places: np.ndarray | None = None,
    cuts: list[int] | None = None,
) -> Season:
    """The season of everybody, and below it of the given groups and places."""
    one = np.zeros(len(clean), int)
    known = cuts or [clean.shape[1]]
    yearly, weekly_ = ([one] if codes is None else [one, codes] for codes in (groups, places))
    return build_season([clean] * len(known), known, yearly, weekly_, starts(clean.shape[1], bucket_days), bucket_days)


def index(clean: np.ndarray, bucket_days: int = 7, **layers: np.ndarray) -> np.ndarray:
    return built(clean, bucket_days, **layers).factors(-1)


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
    assert LEAST_WEEKS_DAYS == 28
    assert (index(days[:, 1:], 1) == 1).all()
    assert (index(days, 1) != 1).any()


def test_a_trend_is_no_season():
    growing = np.linspace(10, 20, 156)[None, :]
    np.testing.assert_allclose(index(growing), 1, atol=0.03)


def test_items_of_a_category_share_what_it_has_beyond_all_others():
    days = starts(156)
    summer, winter = (drawn(yearly(days, s), 10, 30, 156) for s in (0.5, -0.5))
    groups = np.repeat([0, 1], 10)
    found = index(np.concatenate([summer, winter]), groups=groups)
    for group in (0, 1):
        assert (found[groups == group] == found[10 * group]).all()
    assert np.corrcoef(found[0], found[10])[0, 1] < -0.9
    for row, strength in ((0, 0.5), (10, -0.5)):
        shape = yearly(days, strength)
        np.testing.assert_allclose(found[row], shape / shape[:52].mean(), atol=0.12)


def test_a_category_without_evidence_of_its_own_takes_the_shape_of_all():
    days = starts(156)
    many, few = drawn(yearly(days), 40, 20, 156), drawn(yearly(days), 1, 0.4, 156, seed=9)
    clean = np.concatenate([many, few])
    found = index(clean, groups=np.repeat([0, 1], [40, 1]))
    apart = index(clean[40:])[0]
    shape = yearly(days) / yearly(days)[:52].mean()
    # On its own it is mostly noise; below that of all it is next to exact.
    assert np.abs(found[40] - shape).mean() < 0.07
    assert np.abs(found[40] - shape).mean() < np.abs(apart - shape).mean()
    assert np.abs(found[40] / found[0] - 1).mean() < 0.08


def test_a_layer_is_believed_the_more_the_more_tell_it():
    days = starts(156)
    trust = []
    for items in (1, 5, 40):
        slopes = []
        for seed in range(8):
            rng = np.random.default_rng(seed)
            clean = np.concatenate([rng.poisson(8.0, (200, 156)), drawn(yearly(days), items, 1, 156, seed)])
            found = index(clean, groups=np.repeat([0, 1], [200, items]))
            slopes.append(np.polyfit(yearly(days) - 1, found[-1] - 1, 1)[0])
            assert np.abs(found[0] - 1).max() < 0.15
        trust.append(np.mean(slopes))
    assert trust[0] < trust[1] < trust[2] < 1.1
    assert trust[0] < 0.7
    assert trust[2] > 0.8


def test_a_category_of_one_item_has_a_shape_where_that_item_tells_it():
    days = starts(208)
    clean = np.concatenate([np.full((20, 208), 30.0), drawn(yearly(days), 1, 300, 208)])
    found = index(clean, groups=np.repeat([0, 1], [20, 1]))
    np.testing.assert_allclose(found[20], yearly(days) / yearly(days)[:52].mean(), atol=0.12)
    np.testing.assert_allclose(found[0], 1, atol=0.03)


def test_each_item_in_its_own_category_stays_near_one_where_there_is_only_noise():
    clean = np.random.default_rng(6).poisson(3.0, (60, 156)).astype(float)
    found = index(clean, groups=np.arange(60))
    assert np.sqrt(((found - 1) ** 2).mean()) < 0.12
    assert ((found > 0.2) & (found < 5)).all()


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
    found = index(np.concatenate([busy, even]), 1, places=places)
    np.testing.assert_allclose(found[0], shape, atol=0.1)
    np.testing.assert_allclose(found[9], 1, atol=0.1)


def test_a_place_that_opened_last_week_has_the_shape_of_all():
    # Each weekday was seen once: its noise cannot be told from a shape.
    days = starts(84, 1)
    old, new = drawn(weekly(days), 10, 20, 84), drawn(np.ones(84), 3, 20, 84)
    new[:, :-7] = np.nan
    found = index(np.concatenate([old, new]), 1, places=np.repeat([0, 1], [10, 3]))
    np.testing.assert_allclose(found[12], found[0], atol=0.02)


@pytest.mark.parametrize("weeks", [30, 60, 90])
def test_a_category_that_began_in_the_last_two_years_has_no_yearly_shape_of_its_own(weeks):
    # Its launch, seen once, is no season.
    rng = np.random.default_rng(3)
    new = np.full((20, 156), np.nan)
    new[:, -weeks:] = rng.poisson(np.linspace(5, 60, weeks), (20, weeks))
    old = rng.poisson(20.0, (60, 156))
    found = built(np.concatenate([old, new]), groups=np.repeat([0, 1], [60, 20]))
    assert (found.tables[-1][0, 1] == 1).all()


@pytest.mark.parametrize(("weeks", "own"), [(60, False), (100, False), (104, True)])
def test_a_category_needs_two_years_since_it_first_sold_to_have_a_yearly_shape_of_its_own(weeks, own):
    days = starts(208)
    young = np.tile(100 * yearly(days)[:208], (8, 1))
    young[:, :-weeks] = np.nan
    found = built(np.concatenate([np.full((40, 208), 30.0), young]), groups=np.repeat([0, 1], [40, 8]))
    assert (found.tables[-1][0, 1] != 1).any() == own


def test_what_was_seen_in_one_lap_only_is_not_believed():
    # Two years of calendar, but all of it unknown save one week a season: nothing disagrees, nothing agrees.
    clean = np.full((3, 120), np.nan)
    clean[:, 0], clean[:, 20], clean[:, 70] = 10, 40, 5
    np.testing.assert_allclose(index(clean), 1, atol=1e-12)


# Cuts: what was known then.


@pytest.mark.parametrize(("bucket_days", "periods", "cut"), [(7, 156, 110), (7, 156, 130), (1, 120, 60), (1, 800, 760)])
def test_the_season_of_a_cut_is_blind_to_what_came_after_it(bucket_days, periods, cut):
    days = starts(periods, bucket_days)
    shape = yearly(days) * (weekly(days) if bucket_days == 1 else 1)
    clean = drawn(shape, 12, 6, periods)
    other = clean.copy()
    other[:, cut:] = np.random.default_rng(1).integers(0, 500, other[:, cut:].shape)
    groups = np.repeat([0, 1], 6)
    once, then = (built(c, bucket_days, groups=groups, places=groups, cuts=[cut, periods]) for c in (clean, other))
    np.testing.assert_array_equal(once.factors(0), then.factors(0))
    assert (once.factors(0) != 1).any()
    assert (once.factors(1) != then.factors(1)).any()


def test_a_cut_is_the_season_that_a_shorter_history_has():
    days = starts(156)
    clean = drawn(yearly(days), 12, 6, 156)
    groups = np.repeat([0, 1], 6)
    whole = built(clean, groups=groups, cuts=[120, 156]).factors(0)
    one = np.zeros(12, int)
    short = build_season([clean[:, :120]], [120], [one, groups], [one], days, 7).factors(0)
    np.testing.assert_array_equal(whole, short)


def test_each_cut_sees_its_own_cleaned_history():
    days = starts(156)
    clean, other = drawn(yearly(days), 12, 30, 156), drawn(yearly(days, -0.5), 12, 30, 156)
    one = np.zeros(12, int)
    found = build_season([clean, other], [130, 156], [one], [one], days, 7)
    assert np.corrcoef(found.factors(0)[0], found.factors(1)[0])[0, 1] < -0.9


@pytest.mark.parametrize("known", [103, 27, 1, 0])
def test_a_cut_before_the_second_year_knows_no_season(known):
    clean = drawn(yearly(starts(156)), 12, 30, 156)
    assert (built(clean, cuts=[known, 156]).factors(0) == 1).all()


# Factors of some rows and columns.


def test_factors_of_some_rows_and_columns_are_those_of_all():
    days = starts(800, 1)
    clean = drawn(yearly(days) * weekly(days), 12, 6, 800)
    groups = np.arange(12) // 3
    found = built(clean, 1, groups=groups, places=groups[::-1].copy())
    whole = found.factors(-1)
    assert whole.shape == (12, 800 + AHEAD)
    for rows in (slice(3, 8), np.array([7, 0, 7]), np.array([], int), slice(5, 5)):
        for columns in (slice(None), slice(10, 40), slice(800, None)):
            np.testing.assert_array_equal(found.factors(-1, rows, columns), whole[rows][:, columns])


def test_the_chunks_change_next_to_nothing(monkeypatch):
    days = starts(156)
    clean = drawn(yearly(days), 30, 6, 156)
    groups = np.arange(30) // 6
    once = index(clean, groups=groups)
    monkeypatch.setattr(module, "_CHUNK", 7)
    np.testing.assert_allclose(index(clean, groups=groups), once, rtol=1e-12)


def test_no_table_grows_with_items_times_groups():
    # Each item alone in its group, at any number: what is built for some rows is of their size.
    n = 3000
    clean = np.ones((n, 104))
    found = built(clean, groups=np.arange(n))
    assert [t.size for t in found.tables] == [52, 52 * n]


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
    each = [[sold[k, day] / expected[k, day] for k in range(len(sold)) if expected[k, day] > 0] for day in range(7)]
    spread = [
        sum((e - ratio[day]) ** 2 for e in seen) / (len(seen) - 1) if len(seen) > 1 else np.nan
        for day, seen in enumerate(each)
    ]
    usual = np.nanmean(spread)
    noise = [(usual if np.isnan(s) else s) / max(len(seen), 1) for s, seen in zip(spread, each, strict=True)]
    signal = max(np.var(ratio) - np.mean(noise), 0)
    trust = signal / (signal + np.mean(noise)) if signal > 0 else 0.0
    factor = np.clip(1 + trust * (ratio - 1), 0.2, 5)
    return (factor / factor.mean())[weekday]


@pytest.mark.parametrize(("others", "factor"), [(5, 100), (50, 100), (50, 1000)])
def test_an_item_that_jumps_to_another_level_is_nobody_elses_season(others, factor):
    steady = drawn(np.ones(160), others, 9, 160)
    jump = drawn(np.ones(160), 1, 9, 160, seed=4)
    jump[:, -13:] *= factor
    np.testing.assert_allclose(index(np.concatenate([steady, jump]))[0], 1, atol=0.05 if others > 5 else 0.15)
