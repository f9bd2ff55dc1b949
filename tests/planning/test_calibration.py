"""Do quantiles hold: ties shared as chance has it, and a map by class that hears mornings that agree, not shocks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from planning.calibration import calibrate, chances, hit_share
from planning.distribution import LEVELS, Calibration, quantile
from tests.planning.test_distribution import laws

OFTEN = (0.8, 0.9, 0.95, 0.98)


def at(level: float) -> int:
    return int(np.flatnonzero(level == LEVELS)[0])


# One actual.


@given(laws(most=60), st.floats(0.01, 0.99))
def test_under_the_right_law_a_level_holds_as_often_as_it_says(law, level):
    mean, variance, _ = law
    variance = max(variance, mean)
    counts = np.arange(4000.0)
    lower, upper = chances(counts, mean, variance, True)
    assert ((upper - lower) * hit_share(counts, lower, upper, level)).sum() == pytest.approx(level, abs=1e-6)


def test_the_share_is_what_randomised_coverage_has_on_average():
    # science, 2.4: F(y - 1) + U P(Y = y) is uniform under the right law; the share of U that is within.
    rng = np.random.default_rng(3)
    actual = rng.negative_binomial(2, 0.5, 200_000).astype(float)
    lower, upper = chances(actual, 2.0, 4.0, True)
    uniform = lower + rng.uniform(size=actual.shape) * (upper - lower)
    for level in (0.1, 0.5, *OFTEN):
        found = hit_share(actual, lower, upper, level).mean()
        assert found == pytest.approx((uniform <= level).mean(), abs=0.003)
        assert found == pytest.approx(level, abs=0.003)


def test_a_count_on_the_quantile_counts_by_its_share_and_an_unknown_one_not_at_all():
    # P(Y < 3) = .6, P(Y <= 3) = .8: of a tie at .65 a quarter lies within.
    found = hit_share(np.array([3.0, 3, 3, np.nan]), 0.6, 0.8, np.array([0.65, 0.5, 0.9, 0.9]))
    np.testing.assert_allclose(found, [0.25, 0, 1, np.nan], atol=1e-12)


def test_measured_goods_have_no_ties():
    lower, upper = chances(np.array([0.0, 14, 60]), 14.0, 42.0, np.array([False]))
    np.testing.assert_array_equal(lower, upper)
    assert hit_share(np.array([0.0, 14, 60]), lower, upper, 0.95).tolist() == [1, 1, 0]


def test_no_demand_has_all_its_chance_below():
    lower, upper = chances(np.array([0.0]), 2.0, 4.0, np.array([True]))
    assert lower[0] == 0
    assert upper[0] == pytest.approx(stats.nbinom.cdf(0, 2, 0.5))


# The map.


def told(rows: int = 300, mornings: int = 12, *, spread: float = 1.0, shock: float = 0.0, whole: bool = True, seed=1):
    """Draws of which the law says `spread` times the variance they have; `shock`: what all rows have in common."""
    rng = np.random.default_rng(seed)
    mean = np.repeat(rng.gamma(2, 10, rows)[:, None] + 2, mornings, axis=1)
    variance = mean + mean**2 / 3
    rate = mean * np.exp(rng.normal(-(shock**2) / 2, shock, mornings)) if shock else mean
    drawn = rng.gamma(3.0, rate / 3)
    actual = rng.poisson(drawn).astype(float) if whole else drawn
    # Of measured goods there is no chance of its own in a count.
    law = variance * spread if whole else (mean**2 / 3) * spread
    return actual, mean, law, np.full(rows, whole)


def found_of(case, classes: np.ndarray | None = None, overlap: float = 1.0) -> Calibration:
    return calibrate(*case, np.full(len(case[0]), "smooth") if classes is None else classes, overlap)


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("overlap", [1.0, 2.0])
def test_a_right_law_is_left_alone(whole, overlap):
    off = [np.abs(found_of(told(whole=whole, seed=s), overlap=overlap).realised - LEVELS).max() for s in range(10)]
    assert max(off) < 0.03
    assert np.mean(off) < 0.01


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("spread", [0.5, 2.0])
def test_a_law_that_is_too_narrow_or_too_wide_is_put_right(whole, spread):
    calibration = found_of(told(800, spread=spread, whole=whole))
    actual, mean, variance, _ = told(800, spread=spread, whole=whole, seed=2)
    both = chances(actual, mean, variance, np.array([[whole]]))
    lower, upper = (Calibration(np.zeros(len(p), int), calibration.realised).holds(p) for p in both)
    for level in OFTEN:
        before = hit_share(actual, *both, level).mean()
        after = hit_share(actual, lower, upper, level).mean()
        assert after == pytest.approx(level, abs=0.012)
        assert abs(before - level) > abs(after - level)
    # And so are the quantiles: asked for at another level of the law.
    level = quantile(calibration.asked(np.array([0.95]))[0, 0], mean, variance, whole)
    tie = 0.5 if whole else 0.0
    held = (actual < level).mean() + tie * (actual == level).mean()
    assert held == pytest.approx(0.95, abs=0.015)


def test_mornings_that_disagree_are_not_heard_as_a_fault_of_the_law():
    # Shocks that all items share: good and bad mornings, not a narrow law that could be told from few of them.
    def misses(shock: float, mornings: int) -> tuple[float, float]:
        cases = [told(mornings=mornings, shock=shock, seed=s) for s in range(20)]
        drawn_in = [found_of(case, overlap=2.0).realised[0] - LEVELS for case in cases]
        raw = [np.nanmean(hit_share(c[0], *chances(*c[:3], c[3][:, None]), 0.9)) - 0.9 for c in cases]
        return float(np.mean([abs(d[at(0.9)]) for d in drawn_in])), float(np.mean(np.abs(raw)))

    kept, raw = misses(0.4, 6)
    assert kept < raw / 2
    # What mornings agree on is heard.
    heard = found_of(told(spread=0.5, mornings=6), overlap=2.0).realised[0]
    assert LEVELS[at(0.95)] - heard[at(0.95)] > 0.03


def test_one_morning_tells_nothing():
    for mornings, overlap in ((1, 1.0), (4, 4.0), (3, 5.0)):
        found = found_of(told(spread=0.3, mornings=mornings), overlap=overlap)
        np.testing.assert_allclose(found.realised, LEVELS[None], atol=1e-9)


def test_few_rows_are_left_nearly_alone_and_many_are_heard():
    off = [np.abs(found_of(told(n, spread=0.4)).realised[0, at(0.95)] - 0.95) for n in (1, 3, 30, 300)]
    assert off[0] < 0.01
    assert off[1] < 0.02
    assert off == sorted(off)


def test_each_class_has_its_own_map_and_rows_find_it():
    narrow, right = told(200, spread=0.4), told(200, seed=2)
    both = tuple(np.concatenate([a, b]) for a, b in zip(narrow, right, strict=True))
    classes = np.repeat(["smooth", "lumpy"], 200)
    found = found_of(both, classes)
    assert found.code.tolist() == [1] * 200 + [0] * 200
    np.testing.assert_allclose(found.realised[1], found_of(narrow).realised[0])
    np.testing.assert_allclose(found.realised[0], found_of(right).realised[0])


def test_a_row_of_another_class_today_reads_the_map_of_that_class():
    narrow, right = told(200, spread=0.4), told(200, seed=2)
    both = tuple(np.concatenate([a, b]) for a, b in zip(narrow, right, strict=True))
    then = np.repeat(["smooth", "lumpy"], 200)
    now = np.array(["lumpy"] * 100 + ["smooth"] * 200 + ["erratic"] * 100)
    found = calibrate(*both, then, 1.0, now)
    p = np.full(400, 0.95)
    held = found.holds(p)
    once = found_of(both, then)
    np.testing.assert_allclose(held[:100], once.holds(p)[-1])
    np.testing.assert_allclose(held[100:300], once.holds(p)[0])
    # Nothing was measured of the last: its law is read as it is.
    np.testing.assert_allclose(held[300:], 0.95)
    assert found.asked(p[:1]).shape == (len(found.realised), 1)


def test_what_is_unknown_or_has_no_law_is_not_counted():
    actual, mean, variance, whole = told(100, spread=0.5)
    rng = np.random.default_rng(3)
    hole = rng.uniform(size=actual.shape) < 0.2
    once = found_of((np.where(hole, np.nan, actual), mean, variance, whole)).realised
    same = found_of((actual, np.where(hole, 0.0, mean), variance, whole)).realised
    np.testing.assert_array_equal(once, same)
    np.testing.assert_array_equal(found_of((actual, mean, np.where(hole, 0.0, variance), whole)).realised, once)
    # Nor is a morning, or a row, of which nothing is known.
    empty = np.where(np.arange(12) < 3, np.nan, actual)
    np.testing.assert_allclose(
        found_of((empty, mean, variance, whole)).realised,
        found_of((actual[:, 3:], mean[:, 3:], variance[:, 3:], whole)).realised,
    )
    nothing = found_of((np.full_like(actual, np.nan), mean, variance, whole))
    np.testing.assert_array_equal(nothing.realised, LEVELS[None])
    assert found_of(tuple(a[:0] for a in (actual, mean, variance, whole))).realised.shape == (0, len(LEVELS))


def test_more_rows_than_are_looked_at_say_the_same():
    every = found_of(told(4000, spread=0.5)).realised
    some = found_of(told(500, spread=0.5, seed=7)).realised
    np.testing.assert_allclose(every, some, atol=0.03)


# Its laws.


@st.composite
def maps(draw: st.DrawFn) -> Calibration:
    steps = np.array(draw(st.lists(st.floats(0.002, 1), min_size=len(LEVELS) + 1, max_size=len(LEVELS) + 1)))
    realised = np.cumsum(steps)[:-1] / steps.sum()
    return Calibration(np.zeros(50, int), realised[None])


@given(maps(), st.lists(st.floats(1e-6, 1 - 1e-6), min_size=50, max_size=50))
def test_the_map_is_monotone_and_both_ways_are_inverse(calibration, p):
    p = np.sort(p)
    asked = calibration.asked(p)[0]
    assert ((asked >= 0) & (asked <= 1)).all()
    assert (np.diff(asked) >= -1e-12).all()
    np.testing.assert_allclose(calibration.holds(asked), p, atol=1e-9)
    np.testing.assert_allclose(calibration.asked(calibration.holds(p))[0], p, atol=1e-9)


def test_what_was_realised_is_what_the_levels_hold():
    realised = LEVELS**1.3
    calibration = Calibration(np.zeros(len(LEVELS), int), realised[None])
    np.testing.assert_allclose(calibration.holds(LEVELS), realised)
    np.testing.assert_allclose(calibration.asked(realised)[0], LEVELS)


@given(st.floats(0, 1))
def test_a_law_that_holds_is_read_as_it_is(p):
    calibration = Calibration(np.zeros(1, int), LEVELS[None])
    assert calibration.asked(np.array([p]))[0, 0] == pytest.approx(p, abs=1e-12)
    assert calibration.holds(np.array([p]))[0] == pytest.approx(p, abs=1e-12)


def test_beyond_the_last_level_the_chance_of_more_falls_at_the_same_pace():
    realised = np.append(LEVELS[:-1] ** 2, 0.98)
    calibration = Calibration(np.zeros(2, int), realised[None])
    # The law's .995 held .98: a chance of more of .005 was one of .02, four times as much.
    assert calibration.holds(np.array([0.9975, 0.9995])) == pytest.approx([0.99, 0.998])
    assert calibration.asked(np.array([0.99, 0.998]))[0] == pytest.approx([0.9975, 0.9995])
    assert calibration.holds(np.array([0.0, 1.0])).tolist() == [0, 1]


@given(st.integers(0, 2**20), st.integers(1, 40), st.integers(1, 8), st.floats(1, 4))
def test_any_map_is_ascending_within_zero_and_one(seed, rows, mornings, overlap):
    rng = np.random.default_rng(seed)
    spread = rng.choice([0.01, 0.3, 1, 50])
    found = found_of(told(rows, mornings, spread=spread, seed=seed), overlap=overlap).realised
    assert (np.diff(found, axis=1) > 0.001).all()
    assert ((found > 0) & (found < 1)).all()
