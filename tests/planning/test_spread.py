"""Errors of past forecasts into the spread of demand to come: plain loops, pooling, laws, and whether it holds."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning import pipeline
from planning.calibration import chances, hit_share
from planning.choice import choose_models
from planning.distribution import CumulativeDemand
from planning.fits import Fits
from planning.outlook import QUANTILES, accuracy_tables, forecast_table
from planning.params import Params
from planning.past import Past, cumulative_errors
from planning.spread import (
    ANCHORS,
    LEAST_ERRORS,
    MOST_CHANGE,
    OWN_POWER,
    PRIOR_WEIGHT,
    SIBLING_WEIGHT,
    build_distribution,
)
from tests.planning.made_fits import (
    AHEAD,
    AS_OF,
    MEMBERS,
    any_past,
    drawn,
    errors_by_loop,
    fits_of,
    keys,
    learned,
    network,
    only,
)

MORNING = pd.Timestamp(AS_OF)


def spread(
    fits: Fits, member: str = "WindowAverage52", source: np.ndarray | None = None, days: int = 182, **params: object
) -> CumulativeDemand:
    n = len(fits.keys)
    return build_distribution(fits, network(n, source), only(n, member), days, Params(**params))


def test_without_a_history_there_is_no_demand_and_no_fault():
    fits = fits_of(np.zeros((2, 0)), 0.0)
    assert (spread(fits).mean == 0).all()
    assert (spread(fits).variance == 0).all()


# Mean.


def test_the_mean_is_level_times_index_by_day():
    fits = fits_of(drawn(1, 60), 14.0)
    factor = fits.factor.copy()
    factor[0, 60:63] = [1, 2, 0.5]
    mean = spread(replace(fits, factor=factor)).mean[0]
    np.testing.assert_allclose(np.diff(mean)[:28], [2] * 7 + [4] * 7 + [1] * 7 + [2] * 7, rtol=1e-6)
    assert mean[0] == 0


def test_told_demand_replaces_the_mean_where_it_was_told_and_known_orders_are_its_least():
    fits = fits_of(drawn(1, 60), 14.0)
    own, share, firm = fits.own.copy(), fits.own_share.copy(), fits.firm.copy()
    # Two weeks and three sevenths are told, a closed week, and nothing of the fifth.
    own[0, :4], share[0, :4] = [7, 7, 9, 0], [1, 1, 3 / 7, 1]
    firm[0, [1, 4, 5]] = [21, 28, 2]
    mean = spread(replace(fits, own=own, own_share=share, firm=firm)).mean[0]
    np.testing.assert_allclose(np.diff(mean[: 7 * 7 : 7]), [7, 21, 9 + 14 * 4 / 7, 0, 28, 14], rtol=1e-6)


def test_told_demand_keeps_the_measured_spread():
    fits = fits_of(drawn(20, 80), 30.0)
    told = replace(fits, own=np.full_like(fits.own, 60), own_share=np.ones_like(fits.own))
    np.testing.assert_allclose(spread(fits).mean * 2, spread(told).mean)
    once, then = (spread(f).variance[:, 21] for f in (fits, told))
    assert (then >= once * 0.8).all()


# Variance.


@pytest.mark.parametrize("periods", [4, 8, 26, 60, 120])
def test_certain_demand_has_no_variance_at_all(periods):
    fits = fits_of(np.array([[7.0] * periods, [0.3] * periods]), [7.0, 0.3])
    assert (spread(fits).variance == 0).all()


@pytest.mark.parametrize(("bucket", "days"), [("week", 140), ("day", 140), ("day", 28), ("week", 800), ("day", 800)])
def test_certain_sales_give_certain_demand(bucket, days):
    dates = pd.date_range(MORNING - pd.Timedelta(days=days), MORNING - pd.Timedelta(days=1))
    shape = np.where(dates.dayofweek == 5, 21.0, 10.0)
    sales = pd.concat([
        pd.DataFrame({"date": dates, "item_id": "a", "quantity": 10.0}),
        pd.DataFrame({"date": dates, "item_id": "b", "quantity": 0.1}),
        *([pd.DataFrame({"date": dates, "item_id": "c", "quantity": shape})] if bucket == "week" else []),
    ])  # fmt: skip
    stock = pd.DataFrame({"item_id": ["a"], "on_hand": [5.0]})
    base = pipeline.prepare({"sales": sales, "stock": stock}, AS_OF, Params(bucket=bucket, library_fits=0))
    assert (base.demand.variance == 0).all()
    assert base.demand.mean[0, 28] == pytest.approx(280)


@pytest.mark.parametrize(
    ("count", "periods", "certain"),
    [(7, 3, False), (7, 4, True), (100, 4, True), (1, 4, False), (1, 6, False), (1, 7, True)],
)
def test_demand_that_never_varied_is_certain_where_chance_would_hardly_bring_that_about(count, periods, certain):
    # A Poisson of mean 1 is 1 six times in a row with a chance of e^-6 = .0025, seven times with .0009.
    found = spread(fits_of(np.full((1, periods), float(count)), float(count)))
    assert (found.variance == 0).all() == certain
    if not certain:
        assert (found.variance[:, 7:] >= found.mean[:, 7:] * (1 - 1e-6)).all()


def test_a_certain_item_is_certain_among_uncertain_ones():
    demand = np.concatenate([drawn(20, 80), np.full((1, 80), 30.0)])
    variance = spread(fits_of(demand, 30.0)).variance
    assert (variance[20] == 0).all()
    assert (variance[:20, 1:] > 0).all()


def own_by_loop(fits: Fits, row: int, horizon: int, mean: float) -> tuple[float, float]:
    """An item's mean squared error, each at today's size, and how many independent ones it is worth."""
    error, actual = (a[row] for a in errors_by_loop(fits, only(len(fits.keys)), horizon))
    squares = []
    for e, came in zip(error, actual, strict=True):
        if not np.isnan(e):
            forecast = came - e
            ratio = mean / forecast if forecast > 0 and mean > 0 else 1.0
            squares.append(e**2 * min(max(ratio, 1 / MOST_CHANGE), MOST_CHANGE) ** OWN_POWER)
    count = len(squares) / (1 + (horizon - 1) / 2) if len(squares) >= LEAST_ERRORS else 0.0
    return float(np.mean(squares)) if squares else 0.0, count


def shrunk_by_loop(fits: Fits, row: int, horizon: int, mean: float, prior: float) -> float:
    """An item's own squared errors and, at the weight of four, the prior; no less than demand must vary."""
    own, count = own_by_loop(fits, row, horizon, mean)
    shrunk = (count * own + PRIOR_WEIGHT * prior) / (count + PRIOR_WEIGHT)
    return max(shrunk, 1.05 * mean if fits.whole[row] and mean < 20 else (0.05 * mean) ** 2)


def longest_anchors(periods: int) -> list[int]:
    return [h for h in ANCHORS[7] if h <= periods // 3]


@pytest.mark.parametrize("mean", [2.0, 30.0])
@pytest.mark.parametrize("periods", [10, 20, 60])
@pytest.mark.parametrize("steady", [True, False])
def test_the_variance_of_a_few_items_equals_a_plain_loop(mean, periods, steady):
    # Few: what they have for a prior is the spread of their own single buckets.
    assert PRIOR_WEIGHT == 4
    demand = drawn(3, periods, mean=mean)
    fits = fits_of(demand, demand.mean(axis=1)) if steady else learned(demand)
    found = spread(fits)
    for row in range(3):
        least = 0.0
        for horizon in longest_anchors(periods):
            prior = demand[row].var(ddof=1) * horizon * (1 + horizon / periods)
            least = max(least, shrunk_by_loop(fits, row, horizon, found.mean[row, 7 * horizon], prior))
            assert found.variance[row, 7 * horizon] == pytest.approx(least, rel=1e-4)


def law_by_loop(size: np.ndarray, square: np.ndarray) -> tuple[float, float]:
    """Scale and power of the law of a class: four lines, each without what lies 2.5 deviations off the one before."""
    x, y, near = np.log(size), np.log(square), np.ones(len(size), bool)
    for _ in range(4):
        slope, level = np.polyfit(x[near], y[near], 1)
        if not 1 <= slope <= 2:
            slope = float(np.clip(slope, 1, 2))
            level = (y[near] - slope * x[near]).mean()
        off = y - level - slope * x
        from_middle = np.abs(off - np.median(off[near]))
        near = from_middle <= 2.5 * 1.4826 * np.median(from_middle[near])
    return np.exp(level) * np.exp(off[near]).mean(), slope


def test_the_variance_of_many_items_equals_a_plain_loop():
    # Many: what is usual in their class at that mean, ln v = a + b ln m, smeared to the mean of the variances.
    level = np.random.default_rng(4).gamma(2, 20, 16) + 5
    demand = drawn(16, 60, mean=level)
    # One went up and down as no other: it is heard for itself, not for the class.
    demand[3, ::7] *= 12
    fits = replace(learned(demand), demand_class=np.full(16, "smooth", "U12"))
    found = spread(fits)
    least = np.zeros(16)
    for horizon in longest_anchors(60):
        mean = found.mean[:, 7 * horizon]
        error, actual = errors_by_loop(fits, only(16), horizon)
        scale, power = law_by_loop(np.nanmean(actual - error, axis=1), np.nanmean(error**2, axis=1))
        law = scale * mean**power
        shrunk = np.array([shrunk_by_loop(fits, row, horizon, mean[row], law[row]) for row in range(16)])
        most = np.array([max(demand[row, t : t + horizon].sum() for t in range(61 - horizon)) for row in range(16)])
        least = np.maximum(least, np.minimum(shrunk, mean * np.maximum(most * 2 / 3, mean)))
        np.testing.assert_allclose(found.variance[:, 7 * horizon], least, rtol=1e-4)


def fading(items: int, periods: int = 104) -> np.ndarray:
    """Items that sold ten to fifty now and then for a year, and hardly at all since."""
    rng = np.random.default_rng(8)
    demand = rng.integers(10, 51, (items, periods)) * (rng.random((items, periods)) < 0.2)
    demand[:, periods // 2 :] = 0
    return demand.astype(float)


@pytest.mark.parametrize("sold", [1.0, 12.0, 60.0])
def test_what_was_sold_once_varies_no_more_than_that_sale_lets_it(sold):
    # Nothing, or anything alike from 0 to M: E D^2 / E D = (M^2 / 3) / (M / 2).
    once = np.zeros((1, 104))
    once[0, 60] = sold
    demand = np.concatenate([fading(40), once])
    fits = replace(learned(demand), demand_class=np.full(41, "intermittent", "U12"))
    found = spread(fits, "WindowAverage52")
    for horizon in (1, 4, 13):
        mean, variance = found.mean[40, 7 * horizon], found.variance[40, 7 * horizon]
        assert mean * 1.05 - 1e-9 <= variance <= max(sold * 2 / 3, 1.05) * mean * (1 + 1e-9) + mean**2


def test_items_that_have_faded_do_not_tell_a_class_what_is_usual_at_their_mean_of_today():
    # Forty lively items of today's, with and without two hundred of the past beside them.
    lively = np.random.default_rng(3).integers(10, 51, (40, 104)) * (np.random.default_rng(4).random((40, 104)) < 0.2)
    alone, beside = (
        spread(replace(learned(demand), demand_class=np.full(len(demand), "lumpy", "U12")), "SES0.1")
        for demand in (lively.astype(float), np.concatenate([lively, fading(200)]).astype(float))
    )
    ratio = beside.variance[:40, 28] / alone.variance[:40, 28]
    assert (ratio > 0.5).all()
    assert (ratio < 2.0).all()


def test_squared_errors_of_smaller_days_count_at_the_size_of_today():
    # Forecasts and errors were half of what they would be today.
    then = np.tile([10.0, 20.0, 12.0, 18.0], 20)[None]
    fits = replace(fits_of(then, 15.0), whole=np.array([False]))
    levels = fits.levels.copy()
    levels[..., -1] = 30
    once, twice = spread(fits), spread(replace(fits, levels=levels))
    own, count = own_by_loop(fits, 0, 1, 15.0)
    prior = then.var(ddof=1) * (1 + 1 / 80)
    assert once.variance[0, 7] == pytest.approx((count * own + 4 * prior) / (count + 4), rel=1e-5)
    assert twice.variance[0, 7] == pytest.approx((count * own * 2**0.8 + 4 * prior) / (count + 4), rel=1e-5)


def test_a_single_extreme_counts_no_further_than_demand_ever_ranged_without_it():
    demand = drawn(3, 60, mean=10.0)
    demand[0, 41] = 5000
    fits = fits_of(demand, 10.0)
    flagged = replace(fits, outlier=demand == 5000)
    without, with_it = spread(flagged).variance[0, 7], spread(fits).variance[0, 7]
    assert without < with_it
    own, count = own_by_loop(fits, 0, 1, 10.0)
    prior = demand[0].var(ddof=1) * (1 + 1 / 60)
    most = np.delete(demand[0], 41).max()
    shrunk = (count * min(own, most**2) + 4 * prior) / (count + 4)
    assert without == pytest.approx(min(shrunk, 10.0 * most * 2 / 3), rel=1e-4)


def test_many_items_learn_from_each_other_what_is_usual():
    # Variances of few own errors scatter; shrunk to ln v = a + b ln m of the class they scatter less.
    rng = np.random.default_rng(2)
    level = rng.gamma(2, 20, 60) + 5
    demand = drawn(60, 30, mean=level)
    fits = fits_of(demand, demand.mean(axis=1))
    fits = replace(fits, demand_class=np.full(60, "smooth", "U12"))
    found, truth = spread(fits).variance[:, 21], 3 * (level + level**2 / 4)
    error = cumulative_errors(fits, only(60), 3)[0]
    alone = np.nanmean(error**2, axis=1)
    assert np.std(np.log(found / truth)) < 0.8 * np.std(np.log(alone / truth))
    assert np.mean(found / truth) == pytest.approx(1.1, abs=0.25)


@pytest.mark.parametrize("mean", [0.4, 3.0, 15.0])
def test_counts_vary_at_least_a_little_more_than_a_poisson(mean):
    # Two levels in turn vary less than a Poisson does.
    demand = np.floor(mean) + np.tile([0.0, 1.0], (2, 30))
    found = spread(fits_of(demand, mean))
    for horizon in (1, 3, 10):
        m = found.mean[0, 7 * horizon]
        if m < 20:
            assert found.variance[0, 7 * horizon] >= 1.05 * m * (1 - 1e-6)


@pytest.mark.parametrize("history", [[], [30.0], [30.0, 30.0]])
@pytest.mark.parametrize("others", [20, 3, 0])
def test_a_new_item_is_not_certain(history, others):
    demand = np.concatenate([drawn(20, 60)[:others], np.full((1, 60), np.nan)])
    demand[others, 60 - len(history) :] = history
    found = spread(fits_of(demand, 30.0))
    assert (found.variance[others, 7:] >= 0.9 * found.mean[others, 7:]).all()
    if others == 20:
        # It is as uncertain as items of its size are.
        assert found.variance[20, 21] == pytest.approx(np.median(found.variance[:20, 21]), rel=0.5)


@pytest.mark.parametrize("history", [[0.0] * 5, [0.0] * 50, [1.0] * 4])
def test_what_never_sold_or_sold_alike_by_chance_is_not_certain_where_demand_is_expected(history):
    # A like item or the user's own forecast expects 30 a week.
    demand = np.concatenate([drawn(3, 60), np.full((1, 60), np.nan)])
    demand[3, 60 - len(history) :] = history
    fits = fits_of(demand, [30.0, 30.0, 30.0, 30.0])
    assert (spread(fits).variance[3, 7:] > 0).all()


# Laws.


@st.composite
def any_fits(draw: st.DrawFn) -> Fits:
    seed = draw(st.integers(0, 2**20))
    fits = any_past(seed, draw(st.sampled_from([0, 0.1, 0.5])), draw(st.integers(6, 40)))
    return replace(fits, whole=np.random.default_rng(seed).uniform(size=4) < 0.5)


@given(any_fits(), st.sampled_from(MEMBERS))
def test_mean_and_variance_never_fall_with_time_and_start_at_nothing(fits, member):
    found = spread(fits, member)
    for values in (found.mean, found.variance):
        assert np.isfinite(values).all()
        assert (values[:, 0] == 0).all()
        assert (np.diff(values, axis=1) >= -1e-9 * (1 + values[:, 1:])).all()


@given(any_fits())
def test_within_a_week_both_are_straight_lines(fits):
    found = spread(fits)
    for values in (found.mean, found.variance):
        slopes = np.diff(values, axis=1).reshape(len(values), -1, 7)
        np.testing.assert_allclose(slopes, np.repeat(slopes[:, :, :1], 7, axis=2), rtol=1e-6, atol=1e-7)


@given(any_fits(), st.sampled_from([0.0, 0.5, 3.0]))
def test_a_demand_multiplier_scales_mean_and_spread_alike(fits, factor):
    once, then = spread(fits), spread(fits, demand_multiplier=factor)
    np.testing.assert_allclose(then.mean, once.mean * factor, rtol=1e-12)
    np.testing.assert_allclose(np.sqrt(then.variance), np.sqrt(once.variance) * factor, rtol=1e-9)


@given(any_fits(), st.sampled_from([0.01, 1000.0]))
def test_measured_goods_scale_with_their_unit(fits, unit):
    fits = replace(fits, whole=np.zeros(4, bool))
    scaled = replace(fits, demand=fits.demand * np.float32(unit), levels=fits.levels * np.float32(unit))
    once, then = spread(fits), spread(scaled)
    np.testing.assert_allclose(then.mean, once.mean * unit, rtol=1e-4)
    np.testing.assert_allclose(then.variance, once.variance * unit**2, rtol=1e-3)


@given(any_fits(), st.integers(7, 182))
def test_a_shorter_reach_tells_the_same_of_its_days(fits, days):
    whole, part = spread(fits), spread(fits, days=days // 7 * 7)
    assert part.days == days // 7 * 7
    np.testing.assert_allclose(part.mean, whole.mean[:, : part.days + 1], rtol=1e-12)


@pytest.mark.parametrize("periods", [30, 60, 200])
def test_beyond_the_longest_measured_horizon_the_variance_grows_between_straight_and_square(periods):
    found = spread(fits_of(drawn(20, periods), 30.0))
    last = 7 * max(h for h in ANCHORS[7] if h <= min(periods // 3, AHEAD))
    if last < 182:
        power = np.log(found.variance[:, 182] / found.variance[:, last]) / np.log(182 / last)
        assert ((power >= 1 - 1e-6) & (power <= 2 + 1e-6)).all()


# Locations that feed others.


def pooled_ratio(store_a: np.ndarray, store_b: np.ndarray) -> np.ndarray:
    """Variance of the warehouse's demand over that of one store, over three weeks; 40 items each."""
    n, periods = store_a.shape
    demand = np.concatenate([store_a, store_b, np.full((n, periods), np.nan)])
    level = np.repeat([30.0, 30.0, 0.0], n)
    fits = fits_of(demand, level)
    kinds = np.repeat(["smooth", "smooth", "none"], n).astype("U12")
    source = np.concatenate([np.arange(2 * n, 3 * n), np.arange(2 * n, 3 * n), np.full(n, -1)])
    found = spread(replace(fits, demand_class=kinds), source=source)
    np.testing.assert_allclose(found.mean[2 * n :], found.mean[:n] + found.mean[n : 2 * n], rtol=1e-6)
    return found.variance[2 * n :, 21] / found.variance[:n, 21]


def test_a_warehouse_keeps_what_its_stores_have_in_common():
    one, other = drawn(40, 80, 1), drawn(40, 80, 2)
    # The same demand twice is twice the error, and four times the variance; independent demand adds variances.
    assert pooled_ratio(one, one) == pytest.approx(np.full(40, 4.0), rel=0.15)
    assert np.median(pooled_ratio(one, other)) == pytest.approx(2, rel=0.25)
    # What one sells instead of the other cancels out.
    assert (pooled_ratio(one, np.maximum(60 - one, 0)) < 1.0).mean() > 0.9


def test_a_warehouse_is_certain_only_where_all_it_feeds_is():
    certain, varied = np.full((1, 60), 30.0), drawn(1, 60)
    source = np.array([2, 2, -1])
    nothing = np.full((1, 60), np.nan)
    both = spread(fits_of(np.concatenate([certain, certain, nothing]), [30.0, 30.0, 0.0]), source=source)
    one = spread(fits_of(np.concatenate([certain, varied, nothing]), [30.0, 30.0, 0.0]), source=source)
    assert (both.variance == 0).all()
    assert (one.variance[2, 1:] > 0).all()


def test_a_warehouse_serves_whole_units_where_all_it_feeds_does():
    source = np.array([2, 2, -1])
    demand = np.concatenate([drawn(2, 60), np.full((1, 60), np.nan)])
    for whole, pooled in (([True, True, True], True), ([True, False, True], False)):
        fits = replace(fits_of(demand, 30.0), whole=np.array(whole))
        assert spread(fits, source=source).whole[2] == pooled


def test_errors_pass_through_a_chain_of_warehouses():
    # Store 0 is fed by 1, which is fed by 2; neither sells itself.
    demand = np.concatenate([drawn(1, 60), np.full((2, 60), np.nan)])
    fits = replace(fits_of(demand, [30.0, 0.0, 0.0]), demand_class=np.array(["smooth", "none", "none"]))
    found = spread(fits, source=np.array([1, 2, -1]))
    np.testing.assert_allclose(found.mean[1:], found.mean[[0, 0]])
    np.testing.assert_allclose(found.variance[1:], found.variance[[0, 0]], rtol=1e-9)


# An item at several locations.


def at_locations(fits: Fits, item: list[int]) -> CumulativeDemand:
    """What is told where rows of one number are one item."""
    place = pd.DataFrame({"item_id": [f"{k:04d}" for k in item], "location_id": [f"S{n}" for n in range(len(item))]})
    n = len(item)
    return build_distribution(fits, replace(network(n), keys=place), only(n), 182, Params())


def uneven(item: list[int], periods: int = 60) -> Fits:
    """Demand of locations that differ in size and in kind."""
    mean = np.random.default_rng(7).gamma(2, 20, len(item)) + 5
    demand = drawn(len(item), periods, 5, mean) * np.where(np.arange(len(item)) % 3 == 1, 2.0, 1.0)[:, None]
    return replace(learned(demand), demand_class=np.resize(np.array(["smooth", "erratic"], "U12"), len(item)))


@pytest.mark.parametrize("item", [[0, 0, 0, 1, 1, 2, 3, 3, 3, 3, 4, 4, 4], [0, 0, 0, 1]])
def test_the_variance_at_several_locations_equals_a_plain_loop(item):
    # A few of each class: what they have for a prior is the spread of their own single buckets.
    assert SIBLING_WEIGHT == 40
    fits = uneven(item)
    found = at_locations(fits, item)
    n, least = len(item), np.zeros(len(item))
    for horizon in longest_anchors(60):
        mean = found.mean[:, 7 * horizon]
        error, actual = errors_by_loop(fits, only(n), horizon)
        size, square = np.nanmean(actual - error, axis=1), np.nanmean(error**2, axis=1)
        groups = [[k for k in range(n) if item[k] == item[row]] for row in range(n)]
        several = [row for row in range(n) if len(groups[row]) > 2]
        slope = 1.3
        if len(several) >= 10:
            x, y = np.zeros(n), np.zeros(n)
            for row in several:
                x[row] = np.log(size[row]) - np.mean(np.log(size[groups[row]]))
                y[row] = np.log(square[row]) - np.mean(np.log(square[groups[row]]))
            slope = min(max((x * y).sum() / (x * x).sum(), 1), 2)
        for row in range(n):
            prior = fits.demand[row].astype(float).var(ddof=1) * horizon * (1 + horizon / 60)
            own, count = own_by_loop(fits, row, horizon, mean[row])
            weight = 4
            if row in several:
                told = [own_by_loop(fits, k, horizon, mean[k])[1] for k in groups[row]]
                levels = [c * square[k] / size[k] ** slope for c, k in zip(told, groups[row], strict=True)]
                common = sum(levels) / sum(told) * mean[row] ** slope
                prior, weight = (sum(told) * common + 4 * prior) / (sum(told) + 4), 40
            shrunk = (count * own + weight * prior) / (count + weight)
            most = max(fits.demand[row, t : t + horizon].astype(float).sum() for t in range(61 - horizon))
            shrunk = min(shrunk, mean[row] * max(most * 2 / 3, mean[row]))
            least[row] = max(least[row], shrunk, 1.05 * mean[row] if mean[row] < 20 else (0.05 * mean[row]) ** 2)
        np.testing.assert_allclose(found.variance[:, 7 * horizon], least, rtol=1e-4)


def test_an_item_at_one_location_is_told_the_same_to_the_last_bit_whatever_others_have():
    fits = uneven([0] * 13)
    alone, beside = (at_locations(fits, item) for item in (list(range(13)), [*range(9), 9, 9, 9, 9]))
    np.testing.assert_array_equal(alone.variance[:9], beside.variance[:9])
    assert (alone.variance[9:, 21] != beside.variance[9:, 21]).all()


def test_locations_with_equal_histories_are_told_the_same_whatever_their_class():
    one = drawn(1, 60)
    fits = replace(learned(np.repeat(one, 3, axis=0)), demand_class=np.array(["smooth", "erratic", "smooth"], "U12"))
    found = at_locations(fits, [0, 0, 0])
    np.testing.assert_allclose(found.variance[1:], found.variance[[0, 0]], rtol=1e-12)


def test_locations_that_differ_by_chance_are_told_alike():
    # Thirty items at four locations each: every location's own errors scatter, the item's do so less.
    item = np.repeat(np.arange(30), 4)
    size = np.random.default_rng(1).uniform(1.5, 12, 30)[item]
    demand = drawn(120, 60, 6, 30.0, size[:, None])
    fits = replace(fits_of(demand, 30.0), demand_class=np.full(120, "smooth", "U12"))
    truth = 3 * (30 + 30**2 / size)
    off = [np.log(at_locations(fits, list(k)).variance[:, 21] / truth) for k in (item, range(120))]
    assert off[0].std() < 0.8 * off[1].std()
    assert np.exp(off[0]).mean() == pytest.approx(1.1, abs=0.2)


def test_a_location_that_opens_today_has_what_its_siblings_have_in_common():
    demand = np.concatenate([drawn(3, 60, 9), np.full((1, 60), np.nan)])
    fits = fits_of(demand, 30.0)
    fits = replace(fits, demand_class=np.array(["smooth", "smooth", "smooth", "none"]))
    found = at_locations(fits, [0, 0, 0, 0]).variance[:, 21]
    assert found[:3].min() * 0.8 < found[3] < found[:3].max() * 1.2


# Whether it holds.


def regime(kind: str, items: int, weeks: int, seed: int) -> np.ndarray:
    """The generators of the table in science, 2.5."""
    rng = np.random.default_rng(seed)
    level, size = rng.gamma(1.2, 6, (items, 1)) + 0.3, rng.uniform(1, 6, (items, 1))
    walk = 0.0 if kind == "stable" else np.cumsum(rng.normal(0, 0.05, (items, weeks)), axis=1)
    mean = np.broadcast_to(level * np.exp(walk), (items, weeks))
    counts = rng.negative_binomial(size, size / (size + mean)).astype(float)
    return counts * (rng.uniform(size=counts.shape) < 0.3) if kind == "intermittent" else counts


def coverage(kind: str, horizon: int = 6, seed: int = 11) -> dict[float, float]:
    """How often 300 futures of 6 weeks stayed within their quantiles, twelve mornings each two weeks apart."""
    ahead = 24
    weeks = regime(kind, 300, 104 + ahead, seed)
    held: dict[float, list[float]] = {p: [] for p in (0.8, 0.9, 0.95, 0.98)}
    for morning in range(104, 104 + ahead - horizon + 1, 3):
        fits = learned(weeks[:, morning - 104 : morning])
        choice = choose_models(fits, np.full(300, 7.0 * horizon), Params())
        demand = build_distribution(fits, network(300), choice, 7 * 8, Params(), interval_days=7.0 * horizon)
        came = weeks[:, morning : morning + horizon].sum(axis=1)
        day = 7 * horizon
        usable = demand.variance[:, day] > 0
        lower, upper = (
            demand.calibration.holds(p)
            for p in chances(came, demand.mean[:, day], np.maximum(demand.variance[:, day], 1e-9), np.array(True))
        )
        for p, found in held.items():
            found.append(float(hit_share(came, lower, upper, p)[usable].mean()))
    return {p: float(np.mean(found)) for p, found in held.items()}


@pytest.mark.parametrize("kind", ["stable", "drifting", "intermittent"])
def test_demand_stays_below_its_quantiles_as_often_as_they_say(kind):
    found = coverage(kind)
    for p, within in ((0.8, 0.03), (0.9, 0.025), (0.95, 0.02), (0.98, 0.015)):
        assert found[p] == pytest.approx(p, abs=within), found


# What is shown of it.


@given(any_fits())
def test_the_forecast_by_bucket_adds_up_and_spreads_in_order(fits):
    demand = spread(fits)
    found = forecast_table(fits, fits.keys, demand)
    buckets = demand.days // 7
    assert len(found) == 4 * buckets
    sums = found.groupby("item_id")["mean"].sum().to_numpy()
    np.testing.assert_allclose(sums, demand.mean[:, 7 * buckets], rtol=1e-9)
    quantiles = found[["q50", "q80", "q90", "q95"]].to_numpy()
    assert (np.diff(quantiles, axis=1) >= 0).all()
    assert (quantiles >= 0).all()
    assert found.groupby("item_id")["starts_on"].first().eq(MORNING).all()


def test_the_first_bucket_shows_the_distribution_itself():
    demand = spread(fits_of(drawn(3, 60), 30.0))
    found = forecast_table(fits_of(drawn(3, 60), 30.0), keys(3), demand).groupby("item_id").first()
    expected = demand.quantile(np.array(QUANTILES), np.full(3, 7.0))
    np.testing.assert_array_equal(found[["q50", "q80", "q90", "q95"]].to_numpy(), expected)


@pytest.mark.parametrize("weeks", [1, 4])
def test_what_is_launched_later_is_as_uncertain_as_its_first_week(weeks):
    first = spread(fits_of(drawn(2, 60), 30.0))
    later = replace(
        first,
        mean=np.concatenate([np.zeros((2, 7 * weeks)), first.mean], axis=1),
        variance=np.concatenate([np.zeros((2, 7 * weeks)), first.variance], axis=1),
    )
    at_once, launched = (forecast_table(fits_of(drawn(2, 60), 30.0), keys(2), d) for d in (first, later))
    launched = launched.groupby("item_id").nth(slice(weeks, None)).reset_index(drop=True)
    np.testing.assert_allclose(launched.iloc[:, 3:], at_once.iloc[:, 3:], rtol=1e-9)
    assert (launched["q95"] > launched["mean"]).all()


def test_certain_demand_is_shown_as_such():
    demand = CumulativeDemand(np.arange(71.0)[None], np.zeros((1, 71)), np.array([True]))
    found = forecast_table(fits_of(np.full((1, 60), 7.0), 7.0), keys(1), demand)
    assert (found[["mean", "q50", "q80", "q90", "q95"]] == 7).all(axis=None)


def accuracy_of(fits: Fits) -> tuple[pd.DataFrame, pd.DataFrame]:
    n = len(fits.keys)
    return accuracy_tables(Past(fits), network(n), only(n), np.full(n, 21.0), spread(fits), np.full(n, 2.0))


def test_accuracy_is_measured_at_the_origins_kept_for_reporting():
    demand = drawn(3, 60)
    fits = fits_of(demand, [25.0, 30.0, 35.0])
    found, _ = accuracy_of(fits)
    error, actual = errors_by_loop(fits, only(3), 3)
    kept = np.flatnonzero(~np.isnan(error).all(axis=0))[:2]
    for row in range(3):
        e, a = error[row, kept], actual[row, kept]
        before = [demand[row, o - 3 : o].sum() for o in fits.origins[kept]]
        assert found["wape"][row] == pytest.approx(np.abs(e).sum() / a.sum(), rel=1e-5)
        assert found["bias"][row] == pytest.approx(-e.sum() / a.sum(), rel=1e-4, abs=1e-6)
        assert found["naive_wape"][row] == pytest.approx(np.abs(a - before).sum() / a.sum(), rel=1e-5)
        assert found["demand_units"][row] == pytest.approx(a.sum(), rel=1e-5)
        assert found["error_units"][row] == pytest.approx(np.abs(e).sum(), rel=1e-4)
    assert found["horizon_days"].tolist() == [21] * 3


def test_a_history_of_nothing_has_no_accuracy():
    found, _ = accuracy_of(fits_of(np.full((2, 60), np.nan), 0.0))
    assert found[["wape", "bias", "rmsse", "naive_wape"]].isna().all(axis=None)
