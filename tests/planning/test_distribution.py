"""Cumulative demand: published quantiles and losses, sums by hand, laws."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from planning.distribution import (
    LEVELS,
    MOST_LEVELS,
    Calibration,
    CumulativeDemand,
    DemandTable,
    cdf,
    expected_shortage,
    quantile,
    quantile_table,
)

PROBABILITIES = st.floats(0.001, 0.9999)


@st.composite
def laws(draw: st.DrawFn, most: float = 300.0) -> tuple[float, float, bool]:
    """Mean, variance and wholeness of a demand that is in doubt."""
    mean = draw(st.floats(0.02, most))
    if draw(st.booleans()):
        return mean, mean * draw(st.floats(1.0, 8.0)), True
    # A gamma of a smaller shape has quantiles below the smallest number.
    return mean, mean**2 * draw(st.floats(0.01, 6.0)), False


def test_quantiles_of_the_negative_binomial_are_those_of_the_specification():
    # science, 2.5: m = 14, v = 42 gives r = 7, p = 1/3 and 23 / 26 / 30 / 33.
    assert [quantile(p, 14, 42, True) for p in (0.90, 0.95, 0.98, 0.99)] == [23, 26, 30, 33]


def test_quantile_of_the_gamma_and_the_poisson_of_that_mean_are_those_of_the_specification():
    assert quantile(0.95, 14, 42, False) == pytest.approx(26.08, abs=0.005)
    assert quantile(0.95, 14, 14, True) == 20


def test_the_quantile_of_a_week_is_not_the_sum_of_the_quantiles_of_its_days():
    # science, 2.5: Poisson 2 a day: the daily quantiles add up to 35, the week's is 20.
    assert 7 * quantile(0.95, 2, 2, True) == 35
    assert quantile(0.95, 14, 14, True) == 20


def test_the_newsvendor_quantity_is_that_of_snyder_shen_example_4_7():
    # Poisson 6, h = 1, p = 4: S = 8.
    assert quantile(4 / 5, 6, 6, True) == 8


@pytest.mark.parametrize(
    ("level", "mean", "variance", "loss"),
    # science, 3.2: Gamma(shape 2, scale 3) at 4 and Gamma(shape 0.5, scale 1) at 0.4.
    [(4, 6, 18, 2.63597138), (0.4, 0.5, 0.5, 0.27629617)],
)
def test_gamma_losses_are_those_of_the_specification(level, mean, variance, loss):
    assert expected_shortage(level, mean, variance, False) == pytest.approx(loss, abs=5e-9)


def test_the_newsvendor_cost_is_that_of_snyder_shen_example_4_7():
    # cost(S) = h E[(S - D)+] + p E[(D - S)+] with E[(S - D)+] = S - m + n(S): 3.57010695 at 8, 6.59029602 at 5.
    for level, cost in ((8, 3.57010695), (5, 6.59029602)):
        short = expected_shortage(level, 6, 6, True)
        assert (level - 6 + short) + 4 * short == pytest.approx(cost, abs=5e-9)


def test_the_exact_fill_rate_of_a_periodic_review_is_that_of_the_specification():
    # science, 3.2: Poisson 0.5 a day, L = 3, R = 2, S = 5: traditional .938050, exact .943634.
    over_all, before = expected_shortage(5, 2.5, 2.5, True), expected_shortage(5, 1.5, 1.5, True)
    assert 1 - over_all / 1 == pytest.approx(0.938050, abs=5e-7)
    assert 1 - (over_all - before) / 1 == pytest.approx(0.943634, abs=5e-7)


@pytest.mark.parametrize("whole", [True, False])
def test_certain_demand_is_a_step_at_its_mean(whole):
    assert cdf([13.9, 14, 15], 14, 0, whole).tolist() == [0, 1, 1]
    assert quantile([0.01, 0.5, 0.99], 14, 0, whole).tolist() == [14, 14, 14]
    assert expected_shortage([10, 14, 20], 14, 0, whole).tolist() == [4, 0, 0]


def test_no_demand_needs_nothing():
    assert quantile([0.5, 0.99], 0, 0, True).tolist() == [0, 0]
    assert cdf([0, 1], 0, 0, True).tolist() == [1, 1]
    assert expected_shortage([0, 1], 0, 0, True).tolist() == [0, 0]


def test_counts_that_vary_less_than_a_poisson_are_poisson():
    levels = np.arange(30)
    np.testing.assert_allclose(cdf(levels, 7, 3, True), stats.poisson.cdf(levels, 7), rtol=1e-9)


@given(laws(most=60))
def test_the_loss_equals_the_sum_over_all_levels(law):
    mean, variance, whole = law
    assume(whole)
    count = (
        stats.nbinom(mean**2 / (variance - mean), mean / variance)
        if variance > mean * (1 + 1e-5)
        else stats.poisson(mean)
    )
    levels = np.arange(3000)
    chance = count.pmf(levels)
    for level in (0, 1, round(mean), round(mean + 2 * variance**0.5)):
        by_sum = (np.maximum(levels - level, 0) * chance).sum()
        assert expected_shortage(level, mean, variance, True) == pytest.approx(by_sum, rel=1e-4, abs=1e-6)


@given(laws())
def test_the_loss_falls_from_the_mean_to_nothing_and_ever_more_slowly(law):
    mean, variance, whole = law
    levels = np.arange(0, int(mean + 30 * variance**0.5) + 10).astype(float)
    loss = expected_shortage(levels, mean, variance, whole)
    assert loss[0] == pytest.approx(mean, rel=1e-6)
    assert loss[-1] == pytest.approx(0, abs=1e-3 * variance**0.5)
    assert (loss >= np.maximum(mean - levels, 0) - 1e-6 * mean).all()
    steps = np.diff(loss)
    assert (steps <= 1e-6 * mean).all()
    assert (np.diff(steps) >= -1e-6 * mean).all()


@given(laws())
def test_a_step_of_the_loss_is_the_chance_of_more_demand(law):
    mean, variance, _ = law
    variance = max(variance, mean)
    levels = np.arange(0, int(mean + 5 * variance**0.5) + 3).astype(float)
    loss = expected_shortage(levels, mean, variance, True)
    np.testing.assert_allclose(loss[:-1] - loss[1:], 1 - cdf(levels[:-1], mean, variance, True), atol=1e-5)


@given(laws(), st.floats(0, 1))
def test_between_whole_levels_the_loss_is_a_straight_line(law, share):
    mean, variance, _ = law
    low, high = expected_shortage([3, 4], mean, max(variance, mean), True)
    found = expected_shortage(3 + share, mean, max(variance, mean), True)
    assert found == pytest.approx(low + share * (high - low), abs=1e-9)


@given(laws(), PROBABILITIES)
def test_the_quantile_is_the_smallest_level_that_holds(law, p):
    mean, variance, whole = law
    level = quantile(p, mean, variance, whole)
    assert cdf(level, mean, variance, whole) >= p - 1e-6
    if whole:
        assert level == np.round(level)
        assert level == 0 or cdf(level - 1, mean, variance, whole) < p + 1e-6


@given(laws(), PROBABILITIES, PROBABILITIES)
def test_more_probability_never_needs_less(law, p, other):
    low, high = quantile(sorted((p, other)), *law)
    assert low <= high


@given(st.floats(0.1, 60), st.floats(1, 3), st.floats(0.95, 0.9999), st.floats(0, 1), st.booleans())
def test_more_spread_never_needs_less_far_out(mean, factor, p, cv2, whole):
    # Of the same mean, up to a spread as large as it, and far out: below, a skewer demand is more often nothing.
    variance = max(cv2 * mean**2, mean if whole else 1e-4)
    assume(variance * factor <= max(mean**2, 2 * mean))
    assert quantile(p, mean, variance, whole) <= quantile(p, mean, variance * factor, whole) + 1e-9


@given(st.floats(0.1, 100), st.floats(1, 5), PROBABILITIES, st.floats(1.0, 8.0), st.booleans())
def test_more_demand_that_varies_as_much_a_unit_never_needs_less(mean, factor, p, ratio, whole):
    once, more = (quantile(p, m, m * ratio, whole) for m in (mean, mean * factor))
    assert more >= once - 1e-9


@given(laws(), PROBABILITIES, st.floats(1.0, 4.0))
def test_more_demand_of_the_same_relative_spread_never_needs_less(law, p, factor):
    mean, variance, _ = law
    # The gamma scales with the unit of measure.
    once, more = quantile(p, mean, variance, False), quantile(p, mean * factor, variance * factor**2, False)
    assert more == pytest.approx(once * factor, rel=1e-9)


@given(st.lists(laws(), min_size=1, max_size=6), st.lists(PROBABILITIES, min_size=1, max_size=9, unique=True))
def test_the_table_of_quantiles_equals_the_quantiles_one_by_one(many, probabilities):
    mean, variance, whole = (np.array(column) for column in zip(*many, strict=True))
    p = np.array(sorted(probabilities))
    # A cumulated sum and a closed form may differ where a probability meets a level to the ninth digit.
    low, high = (quantile(np.clip(p + shift, 0, 1)[None, :], mean[:, None], variance[:, None], whole[:, None])
                 for shift in (-1e-8, 1e-8))  # fmt: skip
    found = quantile_table(p, mean, variance, whole.astype(bool))
    few = ~whole | (mean + 12 * np.sqrt(variance) + 12 <= MOST_LEVELS)
    assert ((low - 1e-6 <= found) & (found <= high + 1e-6))[few].all()
    # Beyond that many levels the gamma stands in: less than two in a hundred of the spread away, or one unit.
    near = np.abs(found - low) <= 1 + 0.02 * (mean + np.sqrt(variance))[:, None]
    assert near[~few].all()


@pytest.mark.parametrize(("mean", "variance"), [(1.51, 87.76), (0.05, 3.2), (0.3, 19.0), (0.01, 0.64), (2.4, 55.0)])
def test_the_table_reaches_the_far_end_of_what_sells_hardly_ever_and_then_much(mean, variance):
    p = np.array([0.5, 0.99, 0.9995, 1 - 4.3e-6, 1 - 1e-7])
    found = quantile_table(p, np.array([mean]), np.array([variance]), np.array([True]))[0]
    low, high = (quantile(p + shift, mean, variance, True) for shift in (-1e-9, 1e-9))
    assert ((low <= found) & (found <= high)).all()
    # Otherwise what is lost beyond the last level is put down to a far smaller chance than it has.
    last = expected_shortage(found, np.full(5, mean), np.full(5, variance), np.ones(5, bool))[-2]
    assert found[-2] + last / 4.3e-6 < 2 * found[-2]


def steady(per_day: float, variance_per_day: float, days: int = 60, *, whole: bool = False) -> CumulativeDemand:
    day = np.arange(days + 1.0)[None, :]
    return CumulativeDemand(per_day * day, variance_per_day * day, np.array([whole]))


def test_demand_to_a_day_counts_the_days_before_it_and_a_part_of_a_day_its_share():
    demand = steady(10, 4)
    assert demand.mean_to(np.array([7.0])) == 70
    assert demand.mean_to(np.array([7.25])) == 72.5
    assert demand.variance_to(np.array([7.0])) == 28
    assert demand.mean_to(np.array([0.0])) == 0


def test_beyond_the_horizon_demand_goes_on_as_before():
    assert steady(10, 4, days=30).mean_to(np.array([50.0])) == pytest.approx(500)


def test_demand_between_two_days_is_what_the_longer_interval_has_more():
    mean, variance = steady(10, 4).between(np.array([14.0]), np.array([21.0]))
    assert (mean, variance) == (70, 28)


def test_the_demand_of_an_empty_interval_is_none():
    mean, variance = steady(10, 20, whole=True).between(np.array([5.0]), np.array([5.0]))
    assert (mean, variance) == (0, 0)


@given(st.floats(0, 80), st.floats(0, 80), st.floats(0, 80))
def test_the_means_of_adjoining_intervals_add_up(a, b, c):
    start, middle, end = (np.array([day]) for day in sorted((a, b, c)))
    demand = CumulativeDemand(
        np.cumsum(np.arange(61.0) % 7)[None, :], 2 * np.cumsum(np.arange(61.0) % 7)[None, :], np.array([True])
    )
    parts = demand.between(start, middle)[0] + demand.between(middle, end)[0]
    assert parts == pytest.approx(demand.between(start, end)[0])


# Longer is never less.


@given(st.floats(0.05, 20), st.floats(1, 5), st.floats(1, 2), st.floats(0.8, 0.999), st.booleans())
def test_a_longer_interval_never_needs_less(per_day, ratio, power, p, whole):
    day = np.arange(61.0)[None, :]
    variance = np.maximum(ratio * per_day * day**power, per_day * day)
    demand = CumulativeDemand(per_day * day, variance, np.array([whole]))
    found = np.array([demand.quantile(p, np.array([d]))[0] for d in (1, 2, 3, 7, 14, 30, 60, 80)])
    assert (np.diff(found) >= -1e-9).all()


def test_a_lead_time_in_doubt_is_a_mixture_and_no_normal_of_its_sum():
    # science, 3.4: N(20, 36) a day, 5 days (.8) or 15 (.2): 95 % 315.674 (a normal says 274.154), 70 % 115.434.
    day = np.arange(31.0)[None, :]
    demand = CumulativeDemand(20 * day, 36 * day, np.array([False]))

    def holds(level: float) -> float:
        short, long = (float(demand.chance_within(np.array([level]), np.array([d]))[0]) for d in (5.0, 15.0))
        return 0.8 * short + 0.2 * long

    # A gamma is not quite a normal: half a unit of 315.
    for level, p, slope in ((315.674, 0.95, 0.0055), (115.434, 0.70, 0.011)):
        assert holds(level) == pytest.approx(p, abs=0.5 * slope)


# As equally likely values.


@st.composite
def tables(draw: st.DrawFn) -> tuple[DemandTable, np.ndarray]:
    points = draw(st.lists(st.lists(st.integers(0, 30), min_size=20, max_size=20), min_size=1, max_size=4))
    made = DemandTable(np.sort(np.array(points, float), axis=1) / draw(st.sampled_from([1, 3])))
    return made, np.array(draw(st.lists(st.floats(0, 40), min_size=len(points), max_size=len(points))))


@given(tables(), st.floats(0.001, 0.999), st.floats(0, 10))
def test_all_that_is_read_off_a_table_fits_together(made, p, more):
    table, level = made
    short, excess = table.expected_shortage(level), table.expected_excess(level)
    np.testing.assert_allclose(short - excess, table.mean - level, atol=1e-9)
    assert (short >= 0).all()
    assert (excess >= 0).all()
    # More is never more short, and never held less often; a unit more saves at most a unit.
    assert (table.expected_shortage(level + more) <= short + 1e-9).all()
    assert (table.expected_shortage(level + more) >= short - more - 1e-9).all()
    assert (table.chance_within(level + more) >= table.chance_within(level)).all()
    # The quantile is the smallest level that holds so often.
    found = table.quantile(p)
    assert (table.chance_within(found) >= p - 1e-9).all()
    assert (table.chance_within(found - 1e-6) < p).all()
    assert (table.quantile(min(p * 1.3, 1)) >= found).all()
    each = table.quantile(np.full(len(found), p))
    np.testing.assert_array_equal(each, found)


@given(st.lists(laws(most=10), min_size=1, max_size=6), PROBABILITIES)
def test_a_table_of_values_agrees_with_the_law_to_half_a_point(many, p):
    mean, variance, whole = (np.array(column) for column in zip(*many, strict=True))
    variance = np.minimum(variance, np.maximum(4 * mean**2, mean))
    two = np.array([0.0, 1.0])
    demand = CumulativeDemand(mean[:, None] * two, variance[:, None] * two, whole.astype(bool))
    m = 200
    table, sd = demand.table(np.ones(len(mean)), m), np.sqrt(variance)
    low, high = (quantile(np.clip(p + shift, 1e-9, 1 - 1e-9), mean, variance, whole)
                 for shift in (-0.5 / m - 1e-8, 0.5 / m + 1e-8))  # fmt: skip
    found = table.quantile(p)
    assert ((found >= low - 1e-6) & (found <= high + 1e-6)).all()
    for floor in (np.floor(mean) + 0.1, np.floor(mean + sd), np.floor(mean + 2 * sd) + 1):
        # Just above nothing: at nothing itself a table of points near it cannot tell a law of fractions from a count.
        level = np.where(whole, floor, floor + 1e-3)
        exact = cdf(level, mean, variance, whole)
        assert (np.abs(table.chance_within(level) - exact) <= 0.5 / m + 1e-6).all()
        # A two hundredth of the chance has its middle for its mean: a hundredth of the spread, of long tails two.
        short = expected_shortage(level, mean, variance, whole)
        assert (np.abs(table.expected_shortage(level) - short) <= 0.02 * sd).all()
    assert (np.abs(table.mean - mean) <= 0.02 * sd).all()


# Held against the past.


@st.composite
def calibrated(draw: st.DrawFn) -> CumulativeDemand:
    many = draw(st.lists(laws(most=20), min_size=2, max_size=5))
    mean, variance, whole = (np.array(column) for column in zip(*many, strict=True))
    steps = np.array(draw(st.lists(st.floats(0.01, 1), min_size=len(LEVELS) + 1, max_size=len(LEVELS) + 1)))
    realised = np.array([LEVELS, np.cumsum(steps)[:-1] / steps.sum()])
    code = np.arange(len(mean)) % 2
    two = np.arange(2.0)
    kept = Calibration(code, realised)
    return CumulativeDemand(mean[:, None] * two, variance[:, None] * two, whole.astype(bool), kept)


@given(calibrated(), st.floats(0.02, 0.995))
def test_quantile_and_chance_agree_where_levels_are_held_against_the_past(demand, p):
    day = np.ones(len(demand.mean))
    level = demand.quantile(p, day)
    holds = demand.chance_within(level, day)
    assert (holds >= p - 1e-5).all()
    np.testing.assert_allclose(holds[~demand.whole], p, atol=1e-5)
    below = demand.chance_within(level - 1, day)
    assert (below[demand.whole] <= p + 1e-5).all()
    # The class whose law held is read as it is.
    raw = CumulativeDemand(demand.mean, demand.variance, demand.whole)
    np.testing.assert_allclose(level[::2], raw.quantile(p, day)[::2], rtol=1e-6)
    np.testing.assert_allclose(holds[::2], raw.chance_within(level, day)[::2], atol=1e-9)


@given(calibrated())
def test_more_chance_never_needs_less_where_levels_are_held_against_the_past(demand):
    p = np.array([0.01, 0.1, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999])
    found = demand.quantile(p, np.ones(len(demand.mean)))
    assert found.shape == (len(demand.mean), len(p))
    assert (np.diff(found, axis=1) >= -1e-9).all()
    # Some rows alone read the same.
    mean, variance = demand.mean[1:, 1], demand.variance[1:, 1]
    np.testing.assert_array_equal(demand.quantiles(p, mean, variance, np.arange(1, len(demand.mean))), found[1:])


def test_a_law_whose_quantiles_held_too_seldom_is_read_further_out():
    two = np.arange(2.0)[None, :]
    held = np.append(LEVELS[:-1] ** 1.5, 0.97)
    plain = CumulativeDemand(14 * two, 42 * two, np.array([True]))
    other = CumulativeDemand(14 * two, 42 * two, np.array([True]), Calibration(np.zeros(1, int), held[None]))
    assert plain.quantile(0.95, np.ones(1))[0] == 26
    assert other.quantile(0.95, np.ones(1))[0] == quantile(np.interp(0.95, held, LEVELS), 14, 42, True) > 26


# Sample paths.


def uneven(whole: bool) -> CumulativeDemand:
    """Three items: little and much demand, whose variance grows faster than time; the third is certain."""
    day = np.arange(29.0)
    mean = np.array([0.4, 12.0, 3.0])[:, None] * day
    variance = np.array([0.6, 30.0, 0.0])[:, None] * day**1.4 + np.array([0.4, 12.0, 0.0])[:, None] * day
    return CumulativeDemand(mean, variance, np.repeat(whole, 3))


@pytest.mark.parametrize("whole", [True, False])
def test_paths_have_the_mean_and_the_variance_that_is_told_at_each_edge(whole):
    demand, edges = uneven(whole), np.array([0, 3, 7, 14, 28])
    drawn = demand.paths(edges, 20_000, seed=5)
    assert drawn.shape == (3, 20_000, 4)
    total = np.cumsum(drawn, axis=2)
    for k, day in enumerate(edges[1:]):
        mean, variance = demand.mean[:, day], demand.variance[:, day]
        assert total[:2, :, k].mean(axis=1) == pytest.approx(mean[:2], abs=4 * (variance[:2].max() / 20_000) ** 0.5)
        assert total[:2, :, k].var(axis=1) == pytest.approx(variance[:2], rel=0.06)
        assert (total[2, :, k] == mean[2]).all()


@pytest.mark.parametrize("whole", [True, False])
def test_sums_of_paths_are_spread_as_the_law_says(whole):
    demand = uneven(whole)
    total = demand.paths(np.array([0, 3, 7, 14, 28]), 20_000, seed=5).sum(axis=2)
    for p in (0.05, 0.5, 0.8, 0.95, 0.99):
        exact = quantile(p, demand.mean[:2, 28], demand.variance[:2, 28], whole)
        sd = np.sqrt(demand.variance[:2, 28])
        # The law of a sum is not quite that of its parts: a tenth of the spread, or one unit.
        assert (np.abs(np.quantile(total[:2], p, axis=1) - exact) <= 0.1 * sd + (1 if whole else 0)).all()


def test_paths_of_counts_are_whole_and_never_negative():
    drawn = uneven(whole=True).paths(np.arange(0, 29, 4), 300, seed=1)
    assert (drawn == np.round(drawn)).all()
    assert (drawn >= 0).all()
    assert (uneven(whole=False).paths(np.arange(0, 29, 4), 300, seed=1) >= 0).all()


def test_paths_are_drawn_anew_from_the_same_seed_and_differ_by_another():
    demand, edges = uneven(whole=True), np.array([0, 7, 14])
    once, again, other = (demand.paths(edges, 50, seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(once, again)
    assert (once != other).any()


def test_an_empty_interval_and_no_demand_have_paths_of_nothing():
    nothing = CumulativeDemand(np.zeros((1, 8)), np.zeros((1, 8)), np.array([True]))
    assert (nothing.paths(np.array([0, 3, 7]), 10, 1) == 0).all()
    assert (uneven(whole=True).paths(np.array([5, 5]), 10, 1) == 0).all()
