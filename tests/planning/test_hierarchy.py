"""Forecasts of sums: what adds up does so to the last bit, what lines have in common stays, nothing is unknown."""

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning import hierarchy, pipeline
from planning.base import Base
from planning.fits import Fits
from planning.outlook import QUANTILES, forecast_table
from planning.params import Params
from planning.past import Choice
from planning.spread import build_distribution, corrected_path
from tests.planning.made_fits import MEMBERS, any_past, drawn, fits_of, learned, network, only, shared
from tests.planning.test_pipeline import AS_OF, company, day

FAN = [f"q{q * 100:.0f}" for q in QUANTILES]
BASES = ("as it is", "corrected", "with events", "all at once")


def correction(name: str, value: float, kind: str = "percent", **of: str) -> dict:
    return {"override_id": name, "kind": kind, "value": value, "starts_on": day(3), "ends_on": day(40), **of}


def overrides() -> pd.DataFrame:
    return pd.DataFrame(
        [
            correction("a", 25, category="c1"),
            correction("b", 500, "set_units", item_id="003") | {"locked": 1},
            correction("c", -40, "add_units", item_id="004", location_id="S2"),
            correction("d", -10),
        ]
    )


def events() -> pd.DataFrame:
    told = [("a fair", 8, 14, 1.8, "S1"), ("closed", 20, 21, 0.0, None), ("last spring", -60, -54, 1.5, None)]
    columns = ["event_name", "starts_on", "ends_on", "uplift", "location_id"]
    return pd.DataFrame([(n, day(a), day(b), u, at) for n, a, b, u, at in told], columns=columns)


def prepared(kind: str) -> Base:
    tables = company()
    tables["items"]["category"] = [f"c{n % 3}" for n in range(len(tables["items"]))]
    if kind in ("corrected", "all at once"):
        tables["overrides"] = overrides()
    if kind in ("with events", "all at once"):
        tables["events"] = events()
    multiplier = 1.3 if kind == "all at once" else 1.0
    return pipeline.prepare(tables, AS_OF, Params(library_fits=0, bucket="week", demand_multiplier=multiplier))


@pytest.fixture(scope="module")
def base_of() -> Callable[[str], Base]:
    made: dict[str, Base] = {}

    def get(kind: str) -> Base:
        made[kind] = made.get(kind) or prepared(kind)
        return made[kind]

    return get


def stores(base: Base) -> pd.DataFrame:
    return base.network.keys[~base.network.feeds].assign(category=lambda k: [f"c{int(i) % 3}" for i in k["item_id"]])


def levels(base: Base) -> list[list[np.ndarray]]:
    """The rows of each group, level by level: all, category, location, item, line."""
    own = stores(base)
    grouped = (own.assign(all=1).groupby(by).indices.values() for by in ("all", "category", "location_id", "item_id"))
    lines = [np.array([row]) for row in own.index]
    return [[own.index[at].to_numpy() for at in groups] for groups in grouped] + [lines]


@pytest.mark.parametrize("kind", BASES)
@pytest.mark.parametrize("column", ["mean", "statistical_mean"])
def test_children_add_up_to_their_parent_at_every_level(base_of, kind, column):
    base = base_of(kind)
    total, *below = levels(base)
    whole = hierarchy.rollup(base, total[0])[column].to_numpy()
    for groups in below:
        parts = sum(hierarchy.rollup(base, rows)[column].to_numpy() for rows in groups)
        np.testing.assert_allclose(parts, whole, rtol=1e-9, atol=1e-9)
    for rows in below[0]:
        parts = sum(hierarchy.rollup(base, np.array([row]))[column].to_numpy() for row in rows)
        np.testing.assert_allclose(parts, hierarchy.rollup(base, rows)[column].to_numpy(), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("kind", BASES)
def test_the_mean_of_a_sum_is_the_sum_of_the_forecast_table(base_of, kind):
    base = base_of(kind)
    rows = stores(base).index.to_numpy()
    told = base.forecast.merge(base.network.keys.iloc[rows]).groupby("starts_on")["mean"].sum()
    found = hierarchy.rollup(base, rows).set_index("starts_on")["mean"]
    np.testing.assert_allclose(found, told, rtol=1e-9)


@pytest.mark.parametrize("kind", BASES)
def test_a_warehouse_is_the_sum_of_what_it_feeds(base_of, kind):
    base = base_of(kind)
    houses = np.flatnonzero(base.network.feeds)
    assert len(houses) == 12
    for house in houses:
        fed = np.flatnonzero(base.network.source == house)
        for column in ("mean", "statistical_mean"):
            own = hierarchy.rollup(base, np.array([house]))[column]
            np.testing.assert_allclose(own, hierarchy.rollup(base, fed)[column], rtol=1e-9, atol=1e-9)
    # The same demand, whether the warehouse's lines tell it or those of its stores; their own spreads are the least.
    told = [hierarchy.rollup(base, rows) for rows in (houses, stores(base).index.to_numpy())]
    np.testing.assert_allclose(told[0]["mean"], told[1]["mean"], rtol=1e-9)
    np.testing.assert_allclose(told[0][FAN], told[1][FAN], rtol=0.02)


def test_corrections_move_the_mean_and_not_what_stood_before(base_of):
    plain, moved = (hierarchy.rollup(base_of(k), np.arange(36)) for k in ("as it is", "corrected"))
    np.testing.assert_allclose(moved["statistical_mean"], plain["mean"], rtol=1e-9)
    np.testing.assert_allclose(plain["mean"], plain["statistical_mean"], rtol=1e-12)
    weeks = moved["starts_on"].between(day(0), day(40))
    assert (moved["mean"] != plain["mean"])[weeks].all()
    np.testing.assert_allclose(moved["mean"][~weeks], plain["mean"][~weeks], rtol=1e-9)
    assert (moved["q95"] != plain["q95"])[weeks].any()


@pytest.mark.parametrize("kind", BASES)
def test_one_line_is_its_own_forecast(base_of, kind):
    base = base_of(kind)
    for row in (0, 7, 20, 35):
        own = base.forecast.merge(base.network.keys.iloc[[row]])
        found = hierarchy.rollup(base, np.array([row]))
        columns = ["starts_on", *FAN]
        pd.testing.assert_frame_equal(found[columns], own[columns])
        np.testing.assert_allclose(found["mean"], own["mean"], rtol=1e-12)


def sound(found: pd.DataFrame, buckets: int) -> None:
    assert len(found) == buckets
    assert found["starts_on"].is_monotonic_increasing
    values = found.drop(columns="starts_on").to_numpy(float)
    assert np.isfinite(values).all()
    assert (values >= 0).all()
    assert (np.diff(found[FAN].to_numpy(), axis=1) >= 0).all()


@pytest.mark.parametrize("kind", BASES)
def test_every_sum_is_finite_and_in_order(base_of, kind):
    base = base_of(kind)
    for groups in levels(base):
        for rows in groups:
            sound(hierarchy.rollup(base, rows), 26)


def test_nothing_chosen_is_nothing_expected(base_of):
    found = hierarchy.rollup(base_of("as it is"), np.array([], int))
    sound(found, 26)
    assert (found.drop(columns="starts_on") == 0).all(axis=None)


def test_lines_are_named_by_their_keys_each_once_and_strangers_left_out(base_of):
    base = base_of("as it is")
    some = base.network.keys.iloc[[1, 2, 5]]
    strange = pd.DataFrame({"item_id": ["no such"], "location_id": ["S1"]})
    twice = pd.concat([some, some.iloc[:1], strange])
    pd.testing.assert_frame_equal(pipeline.rollup(base, twice), hierarchy.rollup(base, np.array([1, 2, 5])))
    sound(pipeline.rollup(base, strange), 26)


# Spread.


def made(fits: Fits, choice: Choice) -> SimpleNamespace:
    """What a sum needs of a base, without the rest of a plan."""
    lines = network(len(fits.keys))
    demand = build_distribution(fits, lines, choice, 182, Params())
    path = corrected_path(fits, choice, fits.horizon, None, None)[0]
    forecast = forecast_table(fits, lines.keys, demand)
    return SimpleNamespace(fits=fits, network=lines, choice=choice, demand=demand, forecast=forecast, statistical=path)


def width(fits: Fits) -> float:
    """How far the upper quantile of the sum lies beyond its mean, as a share of this."""
    n = len(fits.keys)
    found = hierarchy.rollup(made(fits, only(n)), np.arange(n)).iloc[0]
    return float(found["q95"] / found["mean"] - 1)


def test_what_lines_have_in_common_stays_in_their_sum():
    one = drawn(1, 80, seed=5, mean=100.0, size=4.0)
    together, apart = np.repeat(one, 9, axis=0), drawn(9, 80, seed=5, mean=100.0, size=4.0)
    same, independent = width(learned(together)), width(learned(apart))
    # A negative binomial of mean 100 and size 4 has a standard deviation of 51; nine of them one of 3 x 51.
    assert same == pytest.approx(0.95, abs=0.3)
    assert independent == pytest.approx(same / 3, rel=0.45)
    assert same > 2 * independent


def test_lines_that_make_up_for_each_other_are_surer_together():
    one = np.random.default_rng(3).integers(20, 80, (1, 80)).astype(float)
    # Counts are never surer than a Poisson: 1.65 x 10 beyond 100.
    assert width(fits_of(np.concatenate([one, 100 - one]), 50.0)) < 0.18


def test_where_the_past_is_too_short_lines_are_independent():
    fits = fits_of(drawn(4, 9, mean=30.0), 30.0)
    base = made(fits, only(4))
    found = hierarchy.rollup(base, np.arange(4)).iloc[0]
    sd = float(np.sqrt(base.demand.variance[:, 7].sum()))
    assert found["q95"] == pytest.approx(found["mean"] + 1.7 * sd, rel=0.1)


@given(st.integers(0, 200), st.floats(0, 0.95), st.integers(6, 90))
def test_any_past_has_a_sum_that_is_finite_and_in_order(seed, unknown, periods):
    fits = any_past(seed, unknown, periods)
    weights = np.random.default_rng(seed).dirichlet(np.ones(len(MEMBERS)), len(fits.keys))
    base = made(fits, shared(weights))
    for rows in (np.arange(4), np.array([0, 3])):
        sound(hierarchy.rollup(base, rows), 26)


def test_two_slow_lines_together_are_no_surer_of_nothing_than_one():
    demand = np.zeros((2, 120))
    demand[:, 70::7] = 4
    base = made(learned(demand), only(2))
    found = hierarchy.rollup(base, np.array([0, 1])).iloc[0]
    one = base.forecast.groupby("item_id").first()
    assert found["q95"] >= one["q95"].max()
    assert found["q95"] <= 2 * one["q95"].sum()
