"""The smoothing family in one pass: equal to the library refitted at each origin, and to plain loops with gaps."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsforecast import StatsForecast
from statsforecast.models import TSB, CrostonSBA, SimpleExponentialSmoothing, WindowAverage

from planning import smoothing
from planning.params import FORECAST_MODELS
from planning.smoothing import FAMILY, Member, category_trend, family_levels, item_share, window_means

PERIODS, WINDOWS = 80, 50
KNOWN = np.arange(PERIODS - WINDOWS, PERIODS)
OWN = {days: tuple(m for m in family if m.kind != "trend") for days, family in FAMILY.items()}
"""The members that an item's own demand tells."""
SPECIFIED = np.array([[0.0, 3, 0, 0, 4, 0, 5, 0, 0, 0, 2, 0]])
"""Science, 1.4."""


def member(name: str, bucket_days: int = 7) -> Member:
    return next(m for m in OWN[bucket_days] if m.name == name)


def realistic(seed: int = 8) -> np.ndarray:
    """A hundred items: smooth, erratic, intermittent, lumpy; some begin late, with empty buckets before."""
    rng = np.random.default_rng(seed)
    mean = rng.gamma(1.2, 6, (100, 1)) + 0.3
    demand = rng.negative_binomial(2, 2 / (2 + mean), (100, PERIODS)).astype(float)
    demand *= rng.uniform(size=demand.shape) < rng.choice([1.0, 0.5, 0.15], (100, 1))
    demand[np.arange(PERIODS) < rng.integers(0, 45, (100, 1)) * rng.integers(0, 2, (100, 1))] = 0
    demand[:10] *= rng.uniform(0.5, 1.5, (10, 1))  # Goods that are measured.
    return demand


THEIRS: Mapping[str, object] = {
    "SES0.1": SimpleExponentialSmoothing(0.1, alias="SES0.1"),
    "TSB": TSB(0.1, 0.1, alias="TSB"),
    "TSB0.02": TSB(0.1, 0.02, alias="TSB0.02"),
    "CrostonSBA": CrostonSBA(alias="CrostonSBA"),
    "WindowAverage13": WindowAverage(13, alias="WindowAverage13"),
}


@pytest.fixture(scope="module")
def cross_validated() -> pd.DataFrame:
    demand = realistic()
    long = pd.DataFrame(
        {"unique_id": np.repeat(np.arange(100), PERIODS), "ds": np.tile(np.arange(PERIODS), 100), "y": demand.ravel()}
    )
    library = StatsForecast(list(THEIRS.values()), freq=1)
    return library.cross_validation(df=long, h=1, step_size=1, n_windows=WINDOWS, refit=True)


@pytest.mark.parametrize("name", THEIRS)
def test_one_pass_equals_the_librarys_cross_validation(cross_validated, name):
    theirs = cross_validated.pivot_table(index="unique_id", columns="cutoff", values=name).to_numpy()
    ours = family_levels(realistic(), KNOWN, [member(name)], 7)[:, 0]
    assert ours.shape == theirs.shape == (100, WINDOWS)
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)


def test_the_series_that_are_compared_are_of_all_kinds():
    demand = realistic()
    assert (demand[:, :13].sum(axis=1) == 0).sum() >= 10
    assert ((demand > 0).mean(axis=1) < 0.2).sum() >= 20
    assert ((demand > 0).mean(axis=1) > 0.8).sum() >= 10
    assert (demand != demand.round()).any()


def test_levels_are_those_of_the_specification():
    # Science 2.1; by hand Croston z = 3.161, p = 2.281, so SBA = 0.95 z / p.
    found = family_levels(SPECIFIED, [12], [member("CrostonSBA"), member("TSB")], 7)[0, :, 0]
    assert found == pytest.approx([1.316506, 0.732551], abs=5e-7)
    assert found[0] == pytest.approx(0.95 * 3.161 / 2.281, rel=1e-12)


# Plain loops, which leave unknown buckets out.


def ses(series: list[float], alpha: float) -> tuple[float, float]:
    """Level, and the sum of squares of how far it was off."""
    level, squares = series[0], 0.0
    for value in series[1:]:
        squares += (value - level) ** 2
        level += alpha * (value - level)
    return level, squares


def by_loop(series: list[float], wanted: Member, bucket_days: int, family: tuple[Member, ...]) -> float:
    known = [v for v in series if not np.isnan(v)]
    if not known:
        return np.nan
    if wanted.kind == "ses":
        return ses(known, wanted.alpha)[0]
    if wanted.kind == "best":
        return min((ses(known, m.alpha) for m in family if m.kind == "ses"), key=lambda found: found[1])[0]
    if wanted.kind == "mean":
        window = wanted.days // bucket_days
        if np.isnan(series[-window:]).all():
            series = series[: max(k + 1 for k, v in enumerate(series) if not np.isnan(v))]
        return float(np.nanmean(series[-window:]))
    sizes = [v for v in known if v > 0]
    if not sizes:
        return 0.0
    size = ses(sizes, wanted.alpha)[0]
    if wanted.kind == "tsb":
        return size * ses([float(v > 0) for v in known], wanted.beta)[0]
    at = [-1] + [k for k, v in enumerate(known) if v > 0]
    return 0.95 * size / ses([float(b - a) for a, b in zip(at, at[1:], strict=False)], wanted.alpha)[0]


gap_or_demand = st.one_of(st.just(np.nan), st.just(0.0), st.just(0.0), st.floats(0.1, 50).map(lambda x: round(x, 1)))


@given(st.lists(gap_or_demand, min_size=1, max_size=70), st.sampled_from([1, 7]))
def test_one_pass_equals_plain_loops_with_unknown_buckets(series, bucket_days):
    family = OWN[bucket_days]
    known = list(range(len(series) + 1))
    found = family_levels(np.array([series]), known, family, bucket_days)[0]
    for k, each in enumerate(family):
        theirs = [by_loop(series[:count], each, bucket_days, family) for count in known]
        if each.kind == "best":
            # Two constants may have erred equally to the last bit but one.
            ends = [[by_loop(series[:c], m, bucket_days, family) for m in family if m.kind == "ses"] for c in known]
            close = [np.isclose(ours, [t, *e], rtol=1e-9).any() or np.isnan(t)
                     for ours, t, e in zip(found[k], theirs, ends, strict=True)]  # fmt: skip
            assert all(close)
            continue
        np.testing.assert_allclose(found[k], theirs, rtol=1e-9, atol=1e-12, err_msg=each.name)


def test_the_best_constant_is_that_which_erred_least_so_far():
    rng = np.random.default_rng(4)
    series = np.cumsum(rng.normal(size=(5, 300)), axis=1) + 50
    series[2:] = rng.normal(20, 2, (3, 300))
    series[2:, 0] = 20.0
    found = family_levels(series, [20, 300], OWN[7], 7)[:, 0]
    for row, one in enumerate(series.tolist()):
        for k, count in enumerate([20, 300]):
            assert found[row, k] == pytest.approx(by_loop(one[:count], OWN[7][0], 7, OWN[7]), rel=1e-12)
    assert found[0, 1] == pytest.approx(ses(series[0].tolist(), 0.5)[0])
    assert found[4, 1] == pytest.approx(ses(series[4].tolist(), 0.05)[0])


# Laws.


@given(st.integers(0, 2**20), st.integers(1, 59))
def test_nothing_from_an_origin_on_changes_its_levels(seed, known):
    rng = np.random.default_rng(seed)
    demand = rng.poisson(2.0, (3, 60)) * (rng.uniform(size=(3, 60)) < 0.6).astype(float)
    demand[rng.uniform(size=demand.shape) < 0.1] = np.nan
    other = demand.copy()
    other[:, known:] = np.where(rng.uniform(size=other[:, known:].shape) < 0.3, np.nan, 1e6)
    origins = list(range(known + 1))
    once, then = (family_levels(d, origins, OWN[7], 7) for d in (demand, other))
    np.testing.assert_array_equal(once, then)


@given(st.integers(0, 2**20))
def test_levels_lie_between_nothing_and_the_most_ever_sold(seed):
    rng = np.random.default_rng(seed)
    demand = np.where(rng.uniform(size=(4, 50)) < 0.3, np.nan, rng.poisson(rng.gamma(1, 3, (4, 1)), (4, 50)))
    found = family_levels(demand, range(51), OWN[7], 7)
    most = np.fmax.accumulate(np.pad(demand, ((0, 0), (1, 0)), constant_values=np.nan), axis=1)
    begun = ~np.isnan(most)
    assert (np.isnan(found) == ~begun[:, None, :]).all()
    assert (found[~np.isnan(found)] >= 0).all()
    held = [k for k, m in enumerate(OWN[7]) if m.kind != "sba"]
    assert (found[:, held] <= most[:, None, :] * (1 + 1e-12) + 1e-12)[~np.isnan(found[:, held])].all()


@pytest.mark.parametrize("unit", [0.001, 12.0, 1e6])
def test_a_level_is_in_the_unit_of_its_demand(unit):
    demand = realistic()[:20]
    once, then = (family_levels(d, [30, 80], OWN[7], 7) for d in (demand, demand * unit))
    np.testing.assert_allclose(once * unit, then, rtol=1e-9)


def test_a_gap_leaves_every_state_as_it_is():
    demand = realistic()[:30, :60]
    gap = np.concatenate([demand, np.full((30, 20), np.nan)], axis=1)
    states = [m for m in OWN[7] if m.kind != "mean"]
    found = family_levels(gap, [60, 70, 80], states, 7)
    np.testing.assert_array_equal(found[..., 1], found[..., 0])
    np.testing.assert_array_equal(found[..., 2], found[..., 0])


def test_a_window_of_which_nothing_is_known_keeps_its_last_mean():
    # Out of stock for nine weeks: eight weeks tell nothing, and that is not a demand of nothing.
    demand = np.array([[4.0, 6.0, 5.0, 5.0, 3.0, 7.0, 8.0, 2.0, 9.0, *[np.nan] * 9]])
    assert window_means(demand, [0, 9, 16, 17, 18], 8)[0] == pytest.approx(
        [np.nan, 45 / 8, 9, 45 / 8, 45 / 8], nan_ok=True
    )


def test_origins_come_in_any_order_and_items_in_any_number(monkeypatch):
    demand = realistic()
    known = [80, 3, 41, 0]
    whole = family_levels(demand, known, OWN[7], 7)
    monkeypatch.setattr(smoothing, "CHUNK", 7)
    np.testing.assert_array_equal(family_levels(demand, known, OWN[7], 7), whole)
    np.testing.assert_array_equal(family_levels(demand, known[::-1], OWN[7], 7), whole[..., ::-1])
    np.testing.assert_array_equal(family_levels(demand[13:14], known, OWN[7], 7), whole[13:14])


@pytest.mark.parametrize("shape", [(0, 20), (3, 0), (0, 0)])
def test_without_items_or_buckets_there_are_no_levels(shape):
    found = family_levels(np.zeros(shape), [0, shape[1]], OWN[7], 7)
    assert found.shape == (shape[0], len(OWN[7]), 2)
    assert np.isnan(found[..., 0]).all()
    assert family_levels(np.zeros(shape), [], OWN[7], 7).shape == (shape[0], len(OWN[7]), 0)


@pytest.mark.parametrize("quantity", [0.0, 1e-9, 1e12])
def test_constant_demand_is_its_own_level(quantity):
    found = family_levels(np.full((1, 90), quantity), [1, 5, 90], OWN[7], 7)[0]
    for each, levels in zip(OWN[7], found, strict=True):
        bias = 0.95 if each.kind == "sba" else 1.0
        assert levels == pytest.approx([quantity * bias] * 3, rel=1e-9)


# A category's trend.


def trends(demand: np.ndarray, groups: list[int], known: list[int], bucket_days: int = 7) -> np.ndarray:
    levels = family_levels(demand, known, FAMILY[bucket_days], bucket_days)
    return category_trend(levels, FAMILY[bucket_days], np.array(groups))


@given(st.integers(0, 2**20), st.sampled_from([(1, "SES0.1"), (7, "SES0.3")]))
def test_a_categorys_trend_equals_a_plain_loop(seed, size):
    bucket_days, quick = size
    rng = np.random.default_rng(seed)
    demand = np.where(rng.uniform(size=(9, 70)) < 0.1, np.nan, rng.poisson(rng.gamma(1, 9, (9, 1)), (9, 70)))
    demand[0] = np.nan
    groups, known = rng.integers(0, 3, 9).tolist(), [0, 30, 70]
    found = trends(demand, groups, known, bucket_days)
    slow, fast = (
        family_levels(demand, known, [member(name, bucket_days)], bucket_days)[:, 0]
        for name in ("WindowAverage52", quick)
    )
    for row in range(9):
        for k in range(3):
            same = [i for i in range(9) if groups[i] == groups[row] and not np.isnan(slow[i, k])]
            ratio = (sum(fast[i, k] for i in same) + 20) / (sum(slow[i, k] for i in same) + 20)
            expected = slow[row, k] * min(max(ratio, 0.5), 2)
            assert found[row, k] == pytest.approx(expected, rel=1e-9, nan_ok=True)


def test_a_category_that_grows_lifts_each_of_its_items_and_no_other():
    rng = np.random.default_rng(3)
    growing = rng.poisson(np.where(np.arange(104) < 90, 4.0, 6.0), (60, 104)).astype(float)
    steady = rng.poisson(4.0, (60, 104)).astype(float)
    found = trends(np.concatenate([growing, steady]), [0] * 60 + [1] * 60, [104])[:, 0]
    assert found[:60].mean() == pytest.approx(6, rel=0.06)
    assert found[60:].mean() == pytest.approx(4, rel=0.06)
    # Each keeps its own share: less noise than its own last weeks have.
    assert found[:60].std() < family_levels(growing, [104], [member("SES0.3")], 7).std() / 2


def test_one_item_that_is_off_by_a_factor_does_not_carry_all_others_with_it():
    steady = np.random.default_rng(3).poisson(4.0, (8, 104)).astype(float)
    off = steady.copy()
    off[0, -5:] *= 1e6
    once, then = (trends(d, [0] * 8, [104])[:, 0] for d in (steady, off))
    assert (then[1:] <= 2.2 * once[1:]).all()


def test_members_that_can_be_asked_for_are_of_the_family_at_either_length_of_a_bucket():
    named = {m.name for m in OWN[7]}
    assert {"SESOptimized", "WindowAverage13", "WindowAverage52", "CrostonSBA", "TSB"} <= named & set(FORECAST_MODELS)
    for bucket_days, family in FAMILY.items():
        assert len({m.name for m in family}) == len(family)
        assert all(m.days % bucket_days == 0 for m in family)
    by_length = [[m.name for m in family if m.kind != "ses"] for family in FAMILY.values()]
    assert by_length[0] == by_length[1]


def test_shares_of_a_sparse_item_are_those_of_the_specification():
    # Item a sold 6, 3 and 1 units of the year at three locations, of which its category holds .5, .3 and .2.
    members = FAMILY[7]
    slow = [member.name for member in members].index("WindowAverage52")
    units = np.array([6.0, 3.0, 1.0, 494.0, 297.0, 199.0])
    levels = np.zeros((6, len(members), 1))
    levels[:, slow, 0] = units / 52
    found = item_share(levels, members, np.array([0, 0, 0, 1, 1, 1]), np.array([0, 1, 2, 0, 1, 2]), 7)
    np.testing.assert_allclose(found[:3, 0] * 52, [5.5, 3.0, 1.5], rtol=1e-9)
    np.testing.assert_allclose(found[3:].sum() * 52, 990, rtol=1e-9)


def test_a_share_of_nothing_is_nothing_and_the_unknown_stays_unknown():
    members = FAMILY[7]
    levels = np.zeros((2, len(members), 1))
    levels[1] = np.nan
    found = item_share(levels, members, np.array([0, 0]), np.array([0, 1]), 7)
    assert found[0, 0] == 0
    assert np.isnan(found[1, 0])
