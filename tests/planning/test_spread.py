"""Errors of past forecasts into the spread of demand to come: plain loops, pooling, laws, and whether it holds."""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning import accuracy, pipeline
from planning.calendar import Calendar
from planning.classify import classify_demand
from planning.distribution import CumulativeDemand, quantile, quantile_table
from planning.forecast import CANDIDATES, MODELS, Fits
from planning.network import Network
from planning.outlook import QUANTILES, accuracy_table, forecast_table
from planning.params import Params
from planning.spread import (
    ANCHORS,
    LEAST_ERRORS,
    LEAST_KNOWN,
    PRIOR_WEIGHT,
    REPORT_SHARE,
    build_distribution,
    choose_models,
    cumulative_errors,
)

AS_OF = date(2026, 6, 1)
MORNING = pd.Timestamp(AS_OF)
AHEAD = 26
MEAN52 = MODELS.index("WindowAverage52")


def keys(n: int) -> pd.DataFrame:
    return pd.DataFrame({"item_id": [f"{k:04d}" for k in range(n)], "location_id": "S1"})


def fits_of(demand: np.ndarray, level: np.ndarray | float, *, step: int = 2, **more: object) -> Fits:
    """Fits over weeks in which every model says `level`, shape (n, models, origins + 1) or less."""
    n, periods = demand.shape
    origins = np.arange(periods - 1, 3, -step)[:20]
    level = np.asarray(level, np.float32)
    shape = (n, len(MODELS), len(origins) + 1)
    known = ~np.isnan(demand)
    made = {
        "keys": keys(n),
        "calendar": Calendar(AS_OF, 7, periods, 0, weekly_data=True),
        "sales": np.nan_to_num(demand).astype(np.float32),
        "demand": demand.astype(np.float32),
        "active": np.ones(demand.shape, bool),
        "outlier": np.zeros(demand.shape, bool),
        "event": np.zeros(demand.shape, bool),
        "index": np.ones((n, periods + AHEAD), np.float32),
        "levels": np.broadcast_to(level.reshape(*level.shape, *[1] * (3 - level.ndim)), shape).copy(),
        "origins": origins,
        "demand_class": classify_demand(demand).astype("U12"),
        "whole": np.array([bool((row[k] == np.round(row[k])).all()) for row, k in zip(demand, known, strict=True)]),
        **{name: np.zeros((n, AHEAD), np.float32) for name in ("own", "own_share", "firm")},
        "notes": (),
    }
    return Fits(**{**made, **more})


def network(n: int, source: np.ndarray | None = None) -> Network:
    """Rows of which each is fed by its source (-1: it buys)."""
    source = np.full(n, -1) if source is None else source
    nothing = np.zeros(n)
    return Network(keys(n), source, nothing, nothing, pd.DataFrame(), (), np.ones(n), np.full(n, np.inf))


def spread(fits: Fits, model: int = MEAN52, source: np.ndarray | None = None, days: int = 182, **params: object):
    n = len(fits.keys)
    return build_distribution(fits, network(n, source), np.full(n, model), days, Params(**params))


def drawn(items: int, periods: int, seed: int = 1, mean: float = 30.0, size: float = 4.0) -> np.ndarray:
    return np.random.default_rng(seed).negative_binomial(size, size / (size + mean), (items, periods)).astype(float)


# Errors of cumulative demand.


@st.composite
def pasts(draw: st.DrawFn) -> tuple[Fits, int]:
    rng = np.random.default_rng(draw(st.integers(0, 2**20)))
    periods = draw(st.integers(6, 40))
    demand = rng.poisson(5, (3, periods)).astype(float)
    demand[rng.uniform(size=demand.shape) < draw(st.sampled_from([0, 0.1, 0.5]))] = np.nan
    fits = fits_of(demand, 1.0)
    levels = rng.gamma(2, 2, fits.levels.shape).astype(np.float32)
    index = rng.uniform(0.5, 2, fits.index.shape).astype(np.float32)
    return replace(fits, levels=levels, index=index), draw(st.integers(1, 8))


def errors_by_loop(fits: Fits, model: np.ndarray, horizon: int) -> tuple[np.ndarray, np.ndarray]:
    n, periods = fits.demand.shape
    error, actual = np.full((2, n, len(fits.origins)), np.nan)
    for row in range(n):
        for k, origin in enumerate(fits.origins):
            if origin + horizon > periods:
                continue
            sold = forecast = known_share = whole_share = 0.0
            count = 0
            for t in range(origin, origin + horizon):
                whole_share += fits.index[row, t]
                if not np.isnan(fits.demand[row, t]):
                    sold += fits.demand[row, t]
                    forecast += fits.levels[row, model[row], k] * fits.index[row, t]
                    known_share += fits.index[row, t]
                    count += 1
            actual[row, k] = sold
            if count >= LEAST_KNOWN * horizon:
                error[row, k] = (sold - forecast) * (whole_share / known_share) ** 0.5
    return error, actual


@given(pasts(), st.lists(st.integers(0, len(MODELS) - 1), min_size=3, max_size=3))
def test_errors_of_cumulative_demand_equal_a_plain_loop(past, model):
    fits, horizon = past
    found, expected = (f(fits, np.array(model), horizon) for f in (cumulative_errors, errors_by_loop))
    for ours, loops in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, loops, rtol=1e-4, atol=1e-4)


def test_an_error_is_what_was_sold_less_what_was_forecast():
    # Ten weeks of 5, then 9, 3, 4; level 5, the origin after week ten.
    fits = fits_of(np.array([[5.0] * 10 + [9, 3, 4]]), 5.0)
    at = fits.origins.tolist().index(10)
    for horizon, error in ((1, 4), (2, 2), (3, 1)):
        assert cumulative_errors(fits, np.array([MEAN52]), horizon)[0][0, at] == pytest.approx(error)
    assert np.isnan(cumulative_errors(fits, np.array([MEAN52]), 4)[0][0, at])


def test_an_unknown_bucket_adds_no_error_and_the_rest_is_scaled_up():
    # Errors of 4 and nothing known: over two buckets 4 * sqrt(2), as if the other erred as much on its own.
    fits = fits_of(np.array([[5.0] * 10 + [9, np.nan, 4]]), 5.0)
    at = fits.origins.tolist().index(10)
    assert cumulative_errors(fits, np.array([MEAN52]), 2)[0][0, at] == pytest.approx(4 * 2**0.5)
    mostly_unknown = fits_of(np.array([[5.0] * 10 + [9, np.nan, np.nan]]), 5.0)
    assert np.isnan(cumulative_errors(mostly_unknown, np.array([MEAN52]), 3)[0][0, at])


# Which model.


def planted(good: str, better_later: str) -> Fits:
    """One class of items: `good` is right at older origins, `better_later` at those kept for reporting."""
    demand = drawn(12, 60)
    fits = fits_of(demand, 90.0)
    horizon = 3
    usable = np.flatnonzero(fits.origins + horizon <= 60)
    kept = usable[: max(1, round(REPORT_SHARE * len(usable)))]
    levels = fits.levels.copy()
    levels[:, MODELS.index(good), :] = 30
    levels[:, MODELS.index(good), : kept[-1] + 1] = 500
    levels[:, MODELS.index(better_later), : kept[-1] + 1] = 30
    return replace(fits, levels=levels, demand_class=np.full(12, "smooth", "U12"))


@pytest.mark.parametrize(("good", "later"), [("SESOptimized", "WindowAverage52"), ("WindowAverage13", "SESOptimized")])
def test_a_model_is_chosen_on_origins_that_are_not_used_for_reporting(good, later):
    fits = planted(good, later)
    assert (choose_models(fits, np.full(12, 21.0), Params()) == MODELS.index(good)).all()


def test_what_happens_at_the_origins_for_reporting_changes_no_choice():
    fits = planted("WindowAverage13", "SESOptimized")
    once = choose_models(fits, np.full(12, 21.0), Params())
    levels = fits.levels.copy()
    # Of 20 origins two are too near the end for three weeks; a quarter of 19 is kept.
    levels[:, :, :5] = np.random.default_rng(1).gamma(1, 50, levels[:, :, :5].shape)
    assert (choose_models(replace(fits, levels=levels), np.full(12, 21.0), Params()) == once).all()


def scores_by_loop(fits: Fits, kind: str, horizon: int) -> dict[str, float]:
    """Mean squared error of each candidate relative to the item's mean over the horizon, capped at 25."""
    rows = np.flatnonzero(fits.demand_class == kind)
    scores = {}
    for name in CANDIDATES[kind]:
        error = errors_by_loop(fits, np.full(len(fits.keys), MODELS.index(name)), horizon)[0][rows]
        usable = [k for k in range(error.shape[1]) if not np.isnan(error[:, k]).all()]
        kept = usable[max(1, round(REPORT_SHARE * len(usable))) - 1] + 1 if len(usable) >= LEAST_ERRORS else 0
        ratios = []
        for row, errors in zip(rows, error, strict=True):
            size = np.nan_to_num(fits.demand[row]).mean() * horizon
            ratios += [min((e / size) ** 2, 25.0) for e in errors[kept:] if size > 0 and not np.isnan(e)]
        scores[name] = float(np.mean(ratios))
    return scores


@given(st.integers(0, 2**20), st.sampled_from([7.0, 18.0, 35.0]))
def test_the_choice_equals_a_plain_loop(seed, days):
    demand = np.concatenate([drawn(3, 40, seed), drawn(3, 40, seed + 1, mean=0.5, size=1)])
    fits = fits_of(demand, 1.0)
    levels = np.random.default_rng(seed).gamma(4, 5, fits.levels.shape).astype(np.float32)
    fits = replace(fits, levels=levels)
    chosen = choose_models(fits, np.full(6, days), Params())
    for kind in set(fits.demand_class) - {"none"}:
        scores = scores_by_loop(fits, kind, round(days / 7))
        assert {MODELS[m] for m in chosen[fits.demand_class == kind]} == {min(scores, key=scores.__getitem__)}


def test_a_class_is_scored_over_each_items_own_interval():
    # Errors of +-20 in turn cancel over two weeks; a level that is off by 3 does not.
    demand = 30 + 20.0 * np.tile([1, -1], 30) * np.ones((12, 1))
    fits = fits_of(demand, 30.0)
    levels = np.full(fits.levels.shape, 200, np.float32)
    levels[:, MODELS.index("SESOptimized")] = 33
    # This one knows the next week and nothing of the one after.
    levels[:, MODELS.index("WindowAverage13"), :-1] = demand[:, fits.origins]
    fits = replace(fits, levels=levels, demand_class=np.full(12, "smooth", "U12"))
    assert (choose_models(fits, np.full(12, 7.0), Params()) == MODELS.index("WindowAverage13")).all()
    assert (choose_models(fits, np.full(12, 14.0), Params()) == MODELS.index("SESOptimized")).all()


@pytest.mark.parametrize("name", MODELS)
def test_a_named_model_is_taken(name):
    assert (
        choose_models(fits_of(drawn(2, 30), 5.0), np.full(2, 21.0), Params(forecast_model=name)) == MODELS.index(name)
    ).all()


def test_without_a_history_the_choice_is_no_fault():
    nothing = np.full((2, 0), 0.0)
    fits = replace(
        fits_of(np.zeros((2, 6)), 0.0), demand=nothing, outlier=nothing > 0, index=np.ones((2, AHEAD)),
        origins=np.zeros(0, int),
    )  # fmt: skip
    assert len(choose_models(fits, np.full(2, 21.0), Params())) == 2
    assert (spread(fits).mean == 0).all()


# Mean.


def test_the_mean_is_level_times_index_by_day():
    fits = fits_of(drawn(1, 60), 14.0)
    index = fits.index.copy()
    index[0, 60:63] = [1, 2, 0.5]
    mean = spread(replace(fits, index=index)).mean[0]
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
    base = pipeline.prepare({"sales": sales, "stock": stock}, AS_OF, Params(bucket=bucket))
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


def variance_by_loop(fits: Fits, row: int, horizon: int, mean: float) -> float:
    """An item's own squared errors and, at the weight of four, the spread of its single buckets."""
    error = errors_by_loop(fits, np.full(len(fits.keys), MEAN52), horizon)[0][row]
    error = error[~np.isnan(error)]
    count = len(error) / (1 + (horizon - 1) / 2) if len(error) >= LEAST_ERRORS else 0.0
    history = fits.demand[row].astype(float)
    n = len(history)
    prior = history.var(ddof=1) * horizon * (1 + horizon / n)
    own = (error**2).mean() if len(error) else 0.0
    shrunk = (count * own + PRIOR_WEIGHT * prior) / (count + PRIOR_WEIGHT)
    return max(shrunk, 1.05 * mean if fits.whole[row] and mean < 20 else (0.05 * mean) ** 2)


@pytest.mark.parametrize("mean", [2.0, 30.0])
@pytest.mark.parametrize("periods", [10, 20, 60])
def test_the_variance_of_a_few_items_equals_a_plain_loop(mean, periods):
    demand = drawn(3, periods, mean=mean)
    fits = fits_of(demand, demand.mean(axis=1))
    found = spread(fits)
    longest = 0.0
    for row in range(3):
        longest = 0.0
        for horizon in (h for h in ANCHORS[7] if h <= periods // 3):
            longest = max(longest, variance_by_loop(fits, row, horizon, found.mean[row, 7 * horizon]))
            assert found.variance[row, 7 * horizon] == pytest.approx(longest, rel=1e-4)


def test_many_items_learn_from_each_other_what_is_usual():
    # Variances of few own errors scatter; shrunk to ln v = a + b ln m of the class they scatter less.
    rng = np.random.default_rng(2)
    level = rng.gamma(2, 20, 60) + 5
    demand = np.array([drawn(1, 30, seed, mean)[0] for seed, mean in enumerate(level)])
    fits = fits_of(demand, demand.mean(axis=1))
    fits = replace(fits, demand_class=np.full(60, "smooth", "U12"))
    found, truth = spread(fits).variance[:, 21], 3 * (level + level**2 / 4)
    error = cumulative_errors(fits, np.full(60, MEAN52), 3)[0]
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
    past, _ = draw(pasts())
    rng = np.random.default_rng(draw(st.integers(0, 2**20)))
    return replace(past, whole=rng.uniform(size=3) < 0.5)


@given(any_fits(), st.integers(0, len(MODELS) - 1))
def test_mean_and_variance_never_fall_with_time_and_start_at_nothing(fits, model):
    found = spread(fits, model)
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
    fits = replace(fits, whole=np.zeros(3, bool))
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


# Whether it holds.


@pytest.mark.parametrize("kind", ["stable", "intermittent"])
def test_demand_stays_below_its_quantiles_as_often_as_they_say(kind):
    # science, 2.5: the generators of its table. The chance is counted over 200 futures of each of 600 items.
    rng = np.random.default_rng(11)
    n, periods = 600, 80
    mean, size = rng.gamma(1.2, 6, n) + 0.3, rng.uniform(1, 6, n)
    rate = 0.3 if kind == "intermittent" else 1.0

    def weeks(count: int) -> np.ndarray:
        counts = rng.negative_binomial(size[:, None], (size / (size + mean))[:, None], (n, count))
        return counts * (rng.uniform(size=(n, count)) < rate)

    sold = weeks(periods)
    row, week = np.nonzero(sold)
    dates = MORNING - pd.to_timedelta(7 * (periods - week), unit="D")
    sales = pd.DataFrame({"date": dates, "item_id": [f"{r:04d}" for r in row], "location_id": "S1"})
    sales["quantity"] = sold[row, week].astype(float)
    stock = pd.DataFrame({"item_id": [f"{r:04d}" for r in range(n)], "location_id": "S1", "on_hand": 1.0})
    fits = pipeline.fit({"sales": sales, "stock": stock}, AS_OF, Params())
    model = choose_models(fits, np.full(n, 21.0), Params())
    demand = build_distribution(fits, network(n), model, 182, Params())
    three_weeks = weeks(600).reshape(n, 200, 3).sum(axis=2)
    for p in (0.8, 0.9, 0.95, 0.98):
        level = quantile(np.array(p), demand.mean[:, 21], demand.variance[:, 21], demand.whole)[:, None]
        # A tie counts half, or even a perfect law of counts holds more than it says.
        held = ((three_weeks < level).mean() + (three_weeks <= level).mean()) / 2
        assert held == pytest.approx(p, abs=0.04 if p >= 0.9 else 0.07)
    assert demand.mean[:, 21].sum() == pytest.approx(three_weeks.mean(axis=1).sum(), rel=0.05)


# What is shown of it.


@given(any_fits())
def test_the_forecast_by_bucket_adds_up_and_spreads_in_order(fits):
    demand = spread(fits)
    found = forecast_table(fits, fits.keys, demand)
    buckets = demand.days // 7
    assert len(found) == 3 * buckets
    sums = found.groupby("item_id")["mean"].sum().to_numpy()
    np.testing.assert_allclose(sums, demand.mean[:, 7 * buckets], rtol=1e-9)
    quantiles = found[["q50", "q80", "q90", "q95"]].to_numpy()
    assert (np.diff(quantiles, axis=1) >= 0).all()
    assert (quantiles >= 0).all()
    assert found.groupby("item_id")["starts_on"].first().eq(MORNING).all()


def test_the_first_bucket_shows_the_distribution_itself():
    demand = spread(fits_of(drawn(3, 60), 30.0))
    found = forecast_table(fits_of(drawn(3, 60), 30.0), keys(3), demand).groupby("item_id").first()
    expected = quantile_table(np.array(QUANTILES), demand.mean[:, 7], demand.variance[:, 7], demand.whole)
    np.testing.assert_array_equal(found[["q50", "q80", "q90", "q95"]].to_numpy(), expected)


def test_certain_demand_is_shown_as_such():
    demand = CumulativeDemand(np.arange(71.0)[None], np.zeros((1, 71)), np.array([True]))
    found = forecast_table(fits_of(np.full((1, 60), 7.0), 7.0), keys(1), demand)
    assert (found[["mean", "q50", "q80", "q90", "q95"]] == 7).all(axis=None)


def test_accuracy_is_measured_at_the_origins_kept_for_reporting():
    demand = drawn(3, 60)
    fits = fits_of(demand, [25.0, 30.0, 35.0])
    found = accuracy_table(fits, fits.keys, np.full(3, MEAN52), np.full(3, 21.0))
    error, actual = errors_by_loop(fits, np.full(3, MEAN52), 3)
    usable = np.flatnonzero(~np.isnan(error).all(axis=0))
    kept = usable[: round(REPORT_SHARE * len(usable))]
    for row in range(3):
        e, a = error[row, kept], actual[row, kept]
        before = [demand[row, o - 3 : o].sum() for o in fits.origins[kept]]
        assert found["wape"][row] == pytest.approx(np.abs(e).sum() / a.sum(), rel=1e-5)
        assert found["bias"][row] == pytest.approx(-e.sum() / a.sum(), rel=1e-4, abs=1e-6)
        assert found["naive_wape"][row] == pytest.approx(np.abs(a - before).sum() / a.sum(), rel=1e-5)
        assert found["demand_units"][row] == pytest.approx(a.sum(), rel=1e-5)
        assert found["error_units"][row] == pytest.approx(np.abs(e).sum(), rel=1e-4)
    one_step, sold = errors_by_loop(fits, np.full(3, MEAN52), 1)
    newest = slice(0, 5)
    expected = accuracy.rmsse(sold[:, newest], (sold - one_step)[:, newest], demand)
    np.testing.assert_allclose(found["rmsse"], expected, rtol=1e-4)
    assert found["horizon_days"].tolist() == [21] * 3


def test_a_history_of_nothing_has_no_accuracy():
    fits = fits_of(np.full((2, 60), np.nan), 0.0)
    found = accuracy_table(fits, fits.keys, np.full(2, MEAN52), np.full(2, 21.0))
    assert found[["wape", "bias", "rmsse", "naive_wape"]].isna().all(axis=None)
