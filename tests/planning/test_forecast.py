"""The heavy stage: levels of each member at each past morning, models of the library, no look-ahead, same bytes."""

import sys
from collections.abc import Callable
from datetime import date
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsforecast.models import IMAPA, AutoARIMA, AutoETS, DynamicOptimizedTheta

from planning import engine, forecast, pipeline
from planning.fits import Fits
from planning.forecast import LIBRARY, LIBRARY_BY_CLASS
from planning.launch import LEAST_BUCKETS
from planning.params import Params
from planning.past import Past, library_forecasts
from planning.smoothing import FAMILY, family_levels

AS_OF = date(2026, 6, 1)
MORNING = pd.Timestamp(AS_OF)
PLAIN = Params(outlier_correction=False, library_fits=0)


def day(number: float) -> pd.Timestamp:
    return MORNING + pd.Timedelta(days=number)


def table(*rows: dict) -> pd.DataFrame:
    return pd.DataFrame(list(rows))


def weekly(*histories: np.ndarray | list[float], names: str = "abcdefghijkl", place: str = "S1") -> pd.DataFrame:
    """Sales by week that end on the eve of the plan; every bucket has its row, so that each history is complete."""
    rows = []
    for name, history in zip(names, histories, strict=False):
        n = len(history)
        dates = [day(-7 * (n - k)) for k in range(n)]
        rows.append(pd.DataFrame({"date": dates, "item_id": name, "location_id": place, "quantity": history}))
    return pd.concat(rows, ignore_index=True).astype({"quantity": float})


def fitted(sales: pd.DataFrame, params: Params = PLAIN, **more: pd.DataFrame) -> Fits:
    names = sorted(set(sales["item_id"]))
    stock = pd.DataFrame({"item_id": names, "location_id": "S1", "on_hand": 5.0})
    return pipeline.fit({"sales": sales, "stock": stock, **more}, AS_OF, params)


def levels(fits: Fits, model: str, row: int = 0) -> np.ndarray:
    return fits.levels[row, fits.members.index(model)]


def drawn(items: int, periods: int, seed: int = 1, mean: float = 6.0, rate: float = 1.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    sold = rng.negative_binomial(3, 3 / (3 + mean), (items, periods)) * (rng.uniform(size=(items, periods)) < rate)
    sold[:, 0] = 3  # Nothing to trim.
    return sold.astype(float)


def company(seed: int = 2) -> dict[str, pd.DataFrame]:
    """Daily sales of ten items at two stores, a warehouse, stock-outs, an event, items new and dead."""
    rng = np.random.default_rng(seed)
    sales = []
    for n, name in enumerate("abcdefghij"):
        for place in ("S1", "S2"):
            sold = rng.poisson(rng.gamma(1.0, 3.0), 120)
            kept = np.flatnonzero(sold)
            rows = {"date": [day(int(k) - 120) for k in kept], "quantity": sold[kept].astype(float)}
            sales.append(pd.DataFrame(rows).assign(item_id=name, location_id=place, unit_price=float(n + 2)))
    pairs = [(name, place) for name in "abcdefghijk" for place in ("S1", "S2", "DC")]
    stock = pd.DataFrame(pairs, columns=["item_id", "location_id"]).assign(
        on_hand=[float(rng.integers(0, 60)) for _ in pairs], unit_cost=1.5
    )
    items = pd.DataFrame({"item_id": list("abcdefghijk"), "category": ["x", "y"] * 5 + ["x"], "supplier_id": "V"})
    items["like_item_id"] = [None] * 10 + ["a"]
    shelf = table(*({"date": day(-d), "item_id": "b", "location_id": "S1", "in_stock": 0.0} for d in range(5, 15)))
    event = table({"starts_on": day(-9), "ends_on": day(20), "uplift": 1.4, "item_id": "c"})
    return {"sales": pd.concat(sales, ignore_index=True), "stock": stock, "items": items, "availability": shelf,
            "events": event}  # fmt: skip


def own(fits: Fits) -> np.ndarray:
    """Levels of the members that an item's own demand tells."""
    shared = [m.name for m in FAMILY[fits.calendar.bucket_days] if m.kind == "trend"]
    return fits.levels[:, [k for k, name in enumerate(fits.members) if name not in shared]]


def family(fits: Fits) -> np.ndarray:
    """Levels by the one pass, on the demand that each origin's own season was taken out of, (n, M, K + 1)."""
    known = [*fits.origins.tolist(), fits.periods]
    cuts = [*fits.cut.tolist(), len(fits.season.tables[0]) - 1]
    members = [m for m in FAMILY[fits.calendar.bucket_days] if m.kind != "trend"]
    out = np.full((len(fits.keys), len(members), len(known)), np.nan)
    for k, (count, cut) in enumerate(zip(known, cuts, strict=True)):
        flat = fits.demand.astype(float) / fits.season.factors(cut, columns=slice(0, fits.periods))
        out[:, :, k] = family_levels(flat, [count], members, fits.calendar.bucket_days)[:, :, 0]
    return out


# Levels of the family.


@pytest.mark.parametrize("rate", [1.0, 0.4])
def test_levels_are_those_of_the_one_pass(rate):
    demand = drawn(6, 70, rate=rate)
    fits = fitted(weekly(*demand))
    assert fits.members == tuple(m.name for m in FAMILY[7])
    assert fits.origins.tolist() == [69 - 2 * k for k in range(forecast.ORIGINS)]
    np.testing.assert_allclose(own(fits), family(fits), rtol=1e-6)
    assert (fits.season.factors(-1) == 1).all()


@pytest.mark.parametrize("bucket", ["week", "day"])
def test_an_origins_level_is_that_of_demand_without_the_season_known_at_its_cut(bucket):
    wave = (
        np.repeat(40 + 30 * np.sin(np.arange(800) * np.pi / 182), 1)
        * np.array([1, 1, 1, 1, 2, 3, 1])[np.arange(800) % 7]
    )
    sold = np.random.default_rng(5).poisson(wave, (3, 800))
    dates = [day(k - 800) for k in range(800)]
    by_item = [pd.DataFrame({"date": dates, "item_id": "abc"[k], "quantity": row * 1.0}) for k, row in enumerate(sold)]
    sales = pd.concat(by_item).assign(location_id="S1")
    fits = fitted(sales, PLAIN.but(bucket=bucket))
    assert (fits.season.factors(0) != fits.season.factors(-1)).any()
    np.testing.assert_allclose(own(fits), family(fits), rtol=2e-5)


def test_unknown_buckets_leave_a_level_as_it_is():
    demand = drawn(1, 40)
    empty = [10, 11, 25, 39]
    shelf = pd.DataFrame(
        {"date": [day(7 * (k - 40)) for k in empty], "item_id": "a", "location_id": "S1", "in_stock": 0.0}
    )
    fits = fitted(weekly(demand[0], [1.0] * 40), availability=shelf)
    assert np.isnan(fits.demand[0, empty]).all()
    np.testing.assert_allclose(own(fits), family(fits), rtol=1e-6)


def test_an_item_that_was_off_the_shelf_for_a_quarter_is_not_forecast_as_nothing():
    empty = pd.DataFrame({"date": [day(-7 * k) for k in range(1, 16)], "item_id": "a", "location_id": "S1"})
    fits = fitted(weekly([20.0] * 60, [1.0] * 60), availability=empty.assign(in_stock=0.0))
    for name in fits.members:
        if name == "CategoryTrend":
            continue  # What others sell is part of it.
        assert levels(fits, name)[-1] == pytest.approx(19 if name == "CrostonSBA" else 20), name
        assert (levels(fits, name)[1:-1] > 18).all(), name


def test_windows_of_daily_data_are_as_long_as_those_of_weeks():
    sales = pd.DataFrame({"date": pd.date_range(day(-500), day(-1)), "item_id": "a", "location_id": "S1"})
    sales["quantity"] = np.arange(500.0)
    fits = fitted(sales, PLAIN.but(bucket="day", history_days=500))
    assert fits.calendar.bucket_days == 1
    assert levels(fits, "WindowAverage13")[-1] == pytest.approx(np.arange(500 - 91, 500).mean(), rel=0.02)
    assert levels(fits, "WindowAverage52")[-1] == pytest.approx(np.arange(500 - 364, 500).mean(), rel=0.02)


def test_origins_are_past_mornings_newest_first_with_the_last_bucket_left_to_forecast():
    assert fitted(weekly(drawn(1, 30)[0])).origins.tolist() == list(range(29, 3, -2))
    assert fitted(weekly(drawn(1, 4)[0])).origins.tolist() == []


@pytest.mark.parametrize("periods", [1, 2, 3, LEAST_BUCKETS - 1])
def test_a_short_history_is_drawn_to_its_category_by_four_buckets(periods):
    history = drawn(1, periods)[0]
    fits = fitted(weekly([1.0] * 20, history))
    for name in fits.members:
        assert levels(fits, name, 1)[-1] == pytest.approx((4 * 1.0 + history.sum()) / (4 + periods), rel=1e-6)
    assert fits.reason.tolist() == ["", "NEW"] or periods == 1
    alone = fitted(weekly(history))
    assert levels(alone, "WindowAverage13")[-1] == pytest.approx(history.mean(), rel=1e-6)


@given(st.lists(st.integers(0, 50), min_size=1, max_size=40))
@settings(max_examples=20)
def test_levels_are_finite_and_never_negative(history):
    fits = fitted(weekly([1.0] * 40, history))
    assert np.isfinite(fits.levels[:, :, -1]).all()
    assert (fits.levels[~np.isnan(fits.levels)] >= 0).all()
    assert fits.levels[1].max(initial=0, where=~np.isnan(fits.levels[1])) <= max(history) + 1e-4


# No look-ahead.


@given(st.integers(0, 19), st.integers(0, 2**20))
@settings(max_examples=10)
def test_sales_from_an_origin_on_change_no_level_before_it(origin, seed):
    demand = drawn(2, 50, seed=3, rate=0.7)
    once = fitted(weekly(*demand))
    known = once.origins[origin]
    other = demand.copy()
    other[:, known:] = np.random.default_rng(seed).integers(1, 60, other[:, known:].shape)
    then = fitted(weekly(*other))
    np.testing.assert_array_equal(once.levels[:, :, origin:-1], then.levels[:, :, origin:-1])
    assert (once.levels[:, :, :origin] != then.levels[:, :, :origin]).any() or origin == 0


def looking_ahead() -> dict[str, tuple[np.ndarray, bool]]:
    """Histories of which the newer half changes what is estimated; and whether extremes are cut."""
    wave = 40 + 30 * np.sin(np.arange(140) * np.pi / 26)
    rng = np.random.default_rng(5)
    return {
        "seasons": (rng.poisson(wave, (3, 140)).astype(float), False),
        "extremes": (np.where(np.arange(50) == 5, 45.0, rng.poisson(9, (3, 50)) + 1.0), True),
        "classes": (drawn(3, 50, seed=5, rate=0.76), False),
        "all of it": (np.where(np.arange(140) == 90, 300.0, rng.poisson(wave, (3, 140))).astype(float), True),
    }


@pytest.mark.parametrize("through", looking_ahead())
def test_nothing_that_is_estimated_lets_an_origin_look_ahead(through):
    demand, cut = looking_ahead()[through]
    newer = demand.shape[1] - 26
    other = demand.copy()
    other[:, newer:] = np.where(np.arange(other.shape[1] - newer) % 2, 60, 30 if cut else 1)
    once, then = (fitted(weekly(*d), PLAIN.but(outlier_correction=cut)) for d in (demand, other))
    before = once.origins <= newer
    assert 1 < before.sum() < len(before)
    np.testing.assert_array_equal(*(fits.levels[:, :, :-1][..., before] for fits in (once, then)))
    assert (once.levels[:, :, -1] != then.levels[:, :, -1]).any()
    # The season of a cut that knows no more than these origins do.
    for c in np.unique(once.cut):
        if once.origins[once.cut == c].max() <= newer:
            np.testing.assert_array_equal(*(fits.season.factors(int(c)) for fits in (once, then)))


def test_a_cut_knows_no_more_than_each_origin_that_uses_it():
    # A season that ended with the older of its origins is the same for a history that ends there.
    demand, _ = looking_ahead()["seasons"]
    fits = fitted(weekly(*demand))
    for c in np.unique(fits.cut):
        known = int(fits.origins[fits.cut == c].min())
        other = demand.copy()
        other[:, known:] = 1.0
        np.testing.assert_array_equal(fits.season.factors(int(c)), fitted(weekly(*other)).season.factors(int(c)))
    assert len(np.unique(fits.cut)) == 4
    assert (np.diff(fits.cut) >= 0).all()


@pytest.mark.parametrize(
    ("model", "through"),
    [
        ("DynamicOptimizedTheta", "seasons"),
        ("DynamicOptimizedTheta", "spikes"),
        ("MSTL", "seasons"),
        ("IMAPA", "all of it"),
    ],
)
def test_what_the_library_would_have_forecast_looks_not_ahead_either(model, through):
    spikes = np.where(np.arange(140) == 80, 45.0, np.random.default_rng(5).poisson(9, (3, 140)) + 1.0)
    demand = {"spikes": spikes, **{name: found for name, (found, _) in looking_ahead().items()}}[through]
    newer = demand.shape[1] - 26
    other = demand.copy()
    other[:, newer:] = np.where(np.arange(26) % 2, 60, 30) * np.array([[1], [2], [3]])
    params = Params(library_fits=100, forecast_model=model)
    once, then = (fitted(weekly(*d), params) for d in (demand, other))
    at = [np.argsort(fits.library.rows) for fits in (once, then)]
    columns = np.flatnonzero(once.origins[once.library.columns] <= newer)
    assert 0 < len(columns) < len(once.library.columns)
    paths = [fits.library.paths[order][:, :, columns] for fits, order in zip((once, then), at, strict=True)]
    assert np.isfinite(paths[0]).any()
    np.testing.assert_array_equal(*paths)
    # Nor does what is made of the paths: the season put back is that of the origin's cut.
    whole = [library_forecasts(Past(fits), np.arange(3), np.zeros(3, int), 4) for fits in (once, then)]
    before = once.library.columns[columns]
    np.testing.assert_array_equal(*(each[:, before] for each in whole))
    assert (whole[0][:, 3] != whole[1][:, 3]).any()


def test_the_librarys_forecasts_of_the_past_equal_a_plain_loop():
    demand, _ = looking_ahead()["seasons"]
    event = table({"starts_on": day(-70), "ends_on": day(-50), "uplift": 1.7})
    fits = fitted(weekly(*demand), Params(library_fits=60), events=event)
    index = {int(c): fits.index(int(c)) for c in np.unique(fits.cut)}
    x = fits.library.models.index("DynamicOptimizedTheta")
    found = library_forecasts(Past(fits), np.arange(3), np.full(3, x), 5)
    compared = 0
    for place, row in enumerate(fits.library.rows):
        for column, k in enumerate(fits.library.columns):
            a = int(fits.origins[k])
            if a + 5 > fits.periods:
                assert np.isnan(found[row, k])
                continue
            path = fits.library.paths[place, x, column, :5].astype(float)
            expected = sum(path[h] * index[int(fits.cut[k])][row, a + h] for h in range(5))
            assert found[row, k] == pytest.approx(expected, rel=1e-6)
            compared += 1
    assert compared > 10


def test_an_origin_before_the_first_known_bucket_knows_nothing_of_it():
    # Launched 30 weeks ago, off the shelf for the first 20 weeks.
    n, first = 30, 20
    shelf = pd.DataFrame(
        {"date": [day(7 * (k - n)) for k in range(first)], "item_id": "a", "location_id": "S1", "in_stock": 0.0}
    )
    items = table({"item_id": "a", "launch_on": day(-7 * n)})
    once, then = (fitted(weekly([0] * first + [q] * 10, [1] * n), items=items, availability=shelf) for q in (3.0, 30.0))
    before = once.origins < first
    np.testing.assert_array_equal(once.levels[:, :, :-1][..., before], then.levels[:, :, :-1][..., before])


def test_what_is_dated_from_the_morning_of_the_plan_on_changes_nothing():
    inputs = company()
    late = inputs["sales"].assign(date=lambda f: f["date"] + pd.Timedelta(days=120), quantity=77.0)
    late_shelf = inputs["availability"].assign(date=lambda f: f["date"] + pd.Timedelta(days=30))
    with_late = {
        **inputs,
        "sales": pd.concat([inputs["sales"], late]),
        "availability": pd.concat([inputs["availability"], late_shelf]),
    }
    once, then = (pipeline.fit(given_, AS_OF, Params()).to_bytes() for given_ in (inputs, with_late))
    assert once == then


@pytest.mark.parametrize("late", [{"item_id": "a", "location_id": "S9"}, {"item_id": "new", "location_id": None}])
def test_an_item_or_a_location_that_is_sold_only_later_changes_nothing(late):
    sales = pd.DataFrame(
        {"date": pd.date_range(day(-90), day(-1)), "item_id": "a", "quantity": 3.0, "location_id": None}
    )
    stock = pd.DataFrame({"item_id": ["a"], "on_hand": [5.0]})
    items = table({"item_id": "a", "lead_time_days": 3.0})
    more = pd.concat([sales, table({"date": day(2), "quantity": 4.0, **late})], ignore_index=True)
    once, then = (
        pipeline.fit({"sales": s, "stock": stock, "items": items}, AS_OF, Params()).to_bytes() for s in (sales, more)
    )
    assert once == then


# Items that begin, end or follow another.


def path(fits: Fits, row: int = 0, model: str = "WindowAverage52") -> np.ndarray:
    """Expected demand by future bucket, before told demand."""
    return levels(fits, model, row)[-1] * fits.index()[row, fits.periods :]


def test_a_like_item_weighs_four_buckets():
    # Three weeks of its own, 2 + 5 + 2 = 9; the like item sells 20 a week: (4 * 20 + 9) / (4 + 3).
    items = table({"item_id": "b", "like_item_id": "a"})
    fits = fitted(weekly([20] * 30, [2, 5, 2]), items=items)
    for name in ("SESOptimized", "WindowAverage13", "WindowAverage52"):
        assert levels(fits, name, 1)[-1] == pytest.approx((4 * 20 + 9) / 7, rel=1e-5)


@pytest.mark.parametrize(
    ("own", "level"), [([], 20), ([6] * (LEAST_BUCKETS - 1), (80 + 42) / 11), ([6] * LEAST_BUCKETS, 6)]
)
def test_a_like_item_speaks_until_the_item_has_a_history(own, level):
    stock = pd.DataFrame({"item_id": ["a", "b"], "location_id": "S1", "on_hand": 1.0})
    items = table({"item_id": "b", "like_item_id": "a"})
    sales = weekly([20] * 30, own) if own else weekly([20] * 30)
    fits = pipeline.fit({"sales": sales, "stock": stock, "items": items}, AS_OF, PLAIN)
    assert levels(fits, "WindowAverage52", 1)[-1] == pytest.approx(level, rel=1e-5)


@pytest.mark.parametrize("like", ["c", "nobody", None])
def test_a_like_item_that_has_no_history_itself_tells_nothing(like):
    items = pd.DataFrame({"item_id": ["b", "c"], "like_item_id": [like, None]})
    fits = fitted(weekly([20] * 30, [2, 5], [7]), items=items)
    # The mean of all others stands in for it, as for any new item.
    assert levels(fits, "WindowAverage52", 1)[-1] == pytest.approx((4 * 20 + 7) / 6, rel=1e-5)


def test_a_like_item_speaks_at_its_own_location():
    here, there = weekly([20] * 30), weekly([50] * 30, place="S2")
    new = pd.DataFrame({"item_id": ["b", "b"], "location_id": ["S1", "S2"], "on_hand": 0.0})
    stock = pd.concat([new, pd.DataFrame({"item_id": ["a", "a"], "location_id": ["S1", "S2"], "on_hand": 1.0})])
    items = table({"item_id": "b", "like_item_id": "a"})
    inputs = {"sales": pd.concat([here, there]), "stock": stock, "items": items}
    fits = pipeline.fit(inputs, AS_OF, PLAIN)
    found = fits.levels[fits.keys["item_id"] == "b", 0, -1]
    assert found == pytest.approx([20, 50], rel=1e-5)


def test_a_predecessors_past_is_a_history():
    items = table({"item_id": "b", "predecessor_id": "a"}, {"item_id": "a", "life_cycle": "dead"})
    stock = pd.DataFrame({"item_id": ["b"], "location_id": ["S1"], "on_hand": [0.0]})
    fits = pipeline.fit({"sales": weekly([20] * 30), "stock": stock, "items": items}, AS_OF, PLAIN)
    assert fits.demand[1].tolist() == [20] * 30
    assert path(fits, 1) == pytest.approx([20] * fits.horizon)
    assert path(fits, 0).sum() == 0


@pytest.mark.parametrize(
    ("item", "weeks"),
    [
        ({"life_cycle": "dead"}, []),
        ({"ends_on": day(20)}, [0, 1, 2]),
        ({"ends_on": day(-1)}, []),
        ({"launch_on": day(14)}, list(range(2, 26))),
        ({"launch_on": day(7), "ends_on": day(27)}, [1, 2, 3]),
        ({"life_cycle": "ending", "ends_on": day(6)}, [0]),
        ({"life_cycle": "active"}, list(range(26))),
    ],
)
def test_an_item_is_forecast_while_it_is_sold(item, weeks):
    fits = fitted(weekly([20] * 30), items=table({"item_id": "a", **item}))
    assert fits.horizon == 26
    assert np.flatnonzero(path(fits)).tolist() == weeks


def test_events_ahead_raise_the_path():
    event = table({"starts_on": day(7), "ends_on": day(13), "uplift": 2.0})
    assert path(fitted(weekly([20] * 30), events=event))[:4] == pytest.approx([20, 40, 20, 20])


def test_the_path_leaves_the_gap_between_the_data_and_the_plan_out():
    # The shape of the week goes on by the calendar, not by the place in the table.
    dates = pd.date_range(day(-80), day(-4))
    quantity = np.where(dates.dayofweek == 5, 30.0, 10.0)
    sales = pd.DataFrame({"date": dates, "item_id": "a", "location_id": "S1", "quantity": quantity})
    fits = fitted(sales, PLAIN.but(bucket="day"))
    assert (fits.calendar.gap_days, fits.calendar.periods) == (3, 77)
    assert path(fits)[:14] == pytest.approx([10, 10, 10, 10, 10, 30, 10] * 2, rel=0.05)


# Who shares a season.


def layers(kinds: list[str], places: list[str]) -> tuple[list[list[int]], list[list[int]]]:
    names = [f"i{k}" for k in range(len(kinds))]
    keys = pd.DataFrame({"item_id": names, "location_id": places})
    yearly, weekly_ = forecast._layers(keys, pd.DataFrame({"category": kinds}, index=names))
    return [codes.tolist() for codes in yearly], [codes.tolist() for codes in weekly_]


def test_a_category_and_a_location_share_what_they_have_beyond_all_others():
    yearly, weekly_ = layers(["x"] * 10 + ["y"] * 10, (["S1"] * 5 + ["S2"] * 5) * 2)
    assert yearly == [[0] * 20, [0] * 10 + [1] * 10]
    assert weekly_ == [[0] * 20, ([0] * 5 + [1] * 5) * 2, [0] * 5 + [1] * 5 + [2] * 5 + [3] * 5]


def test_many_small_categories_do_not_take_the_season_of_a_large_one_away():
    yearly, _ = layers(["large"] * 8 + [f"c{k}" for k in range(30)], ["S1"] * 38)
    assert yearly == [[0] * 38, [0] * 8 + [1] * 30]


@pytest.mark.parametrize("kinds", [["x"] * 9, [f"c{k}" for k in range(9)]])
def test_who_is_grouped_as_before_is_shrunk_only_once(kinds):
    assert layers(kinds, ["S1"] * 9) == ([[0] * 9], [[0] * 9])


def test_nobody_shares_nothing():
    assert layers([], []) == ([[]], [[]])


# Models of the library.

EACH = len(forecast.LIBRARY_COLUMNS) + 1
"""Fits of one model to one item: at some origins, and today."""

Call = tuple[str, np.ndarray, np.ndarray | None, int, int, int]


@pytest.fixture
def counted(monkeypatch) -> list[Call]:
    """What would have been fitted: each fit is only counted, and forecasts ones."""
    calls: list[Call] = []

    def fit_one(*task: Any) -> np.ndarray:
        calls.append(task)
        return np.ones(task[4])

    monkeypatch.setattr(forecast, "_fit_one", fit_one)
    return calls


def assortment(periods: int = 110) -> tuple[np.ndarray, pd.DataFrame]:
    """Eight items, smooth and intermittent in turn, each sold for less money than the one before it."""
    demand = np.stack([drawn(1, periods, seed=k, mean=20, rate=1 if k % 2 else 0.25)[0] for k in range(8)])
    items = pd.DataFrame({"item_id": list("abcdefgh"), "unit_price": [10.0 ** (4 - k) for k in range(8)]})
    return demand, items


def test_the_library_forecasts_what_it_forecasts_alone():
    demand = drawn(3, 70, seed=4)
    demand[2] = drawn(1, 70, seed=4, rate=0.3)[0]
    fits = fitted(weekly(*demand), PLAIN.but(library_fits=200))
    known = [*fits.origins[fits.library.columns], 70]
    assert len(known) == EACH
    makes: dict[str, Callable[[], Any]] = {
        "DynamicOptimizedTheta": DynamicOptimizedTheta,
        "AutoETS": AutoETS,
        "IMAPA": IMAPA,
    }
    compared = 0
    for place, row in enumerate(fits.library.rows):
        for name, make in makes.items():
            if name not in LIBRARY_BY_CLASS[fits.demand_class[row]]:
                assert np.isnan(fits.library.paths[place, fits.library.models.index(name)]).all()
                continue
            for k, count in enumerate(known):
                series = demand[row, :count]
                own = make().forecast(series, fits.horizon)["mean"]
                found = fits.library.paths[place, fits.library.models.index(name), k]
                np.testing.assert_allclose(found, np.clip(own, 0, 3 * series.max()), rtol=1e-5, atol=1e-6)
                compared += 1
    assert compared >= 3 * len(known)


def test_imapa_is_that_of_the_specification():
    y = np.array([0.0, 3, 0, 0, 4, 0, 5, 0, 0, 0, 2, 0])
    found = forecast._fit_batch([("IMAPA", y, None, 0, 3, 7)])[0]
    # The sixth decimal is its optimiser's.
    assert found == pytest.approx([1.067255] * 3, abs=3e-6)


@pytest.mark.parametrize("budget", [0, EACH - 1, EACH, EACH + 1, 3 * EACH, 4 * EACH, 60, 10**6])
def test_the_budget_of_fits_is_respected_to_the_last_one(counted, budget):
    demand, items = assortment()
    said: list[tuple[str, int, int]] = []
    stock = pd.DataFrame({"item_id": list("abcdefgh"), "location_id": "S1", "on_hand": 5.0})
    inputs = {"sales": weekly(*demand), "stock": stock, "items": items}
    fits = pipeline.fit(inputs, AS_OF, Params(library_fits=budget), progress=lambda *step: said.append(step))
    assert len(counted) <= budget
    assert [total for stage, _, total in said if stage == "models"][-1:] == ([len(counted)] if counted else [])
    # Rows by worth, each with all that its class has, until the next would be too much.
    left, expected = budget, []
    for row in range(8):
        wanted = len(LIBRARY_BY_CLASS[fits.demand_class[row]])
        if EACH * wanted > left:
            break
        left -= EACH * wanted
        expected.append(row)
    assert fits.library.rows.tolist() == expected
    assert budget < EACH or expected or LIBRARY_BY_CLASS[fits.demand_class[0]] != ("IMAPA",)


def test_items_with_most_money_in_them_come_first(counted):
    demand, items = assortment()
    fits = fitted(weekly(*demand), Params(library_fits=EACH), items=items)
    assert fits.demand_class[0] in ("intermittent", "lumpy")
    assert fits.library.rows.tolist() == [0]
    worth = items.assign(unit_price=items["unit_price"].to_numpy()[::-1])
    fits = fitted(weekly(*demand), Params(library_fits=3 * EACH), items=worth)
    assert fits.library.rows.tolist() == [7]
    assert {task[0] for task in counted} == {"IMAPA", "DynamicOptimizedTheta", "AutoETS", "MSTL"}


@pytest.mark.usefixtures("counted")
def test_what_sold_only_long_ago_is_not_worth_a_fit():
    once = np.where(np.arange(110) < 40, drawn(1, 110, mean=500)[0] + 1, 0)
    fits = fitted(weekly(once, drawn(1, 110, mean=5)[0]), Params(library_fits=10**6))
    assert fits.library.rows.tolist() == [1]


def test_auto_arima_is_fitted_on_request_only(counted):
    demand, items = assortment()
    fitted(weekly(*demand), Params(library_fits=10**6), items=items)
    assert "AutoARIMA" not in {task[0] for task in counted}
    counted.clear()
    fits = fitted(weekly(*demand), Params(library_fits=4 * EACH, forecast_model="AutoARIMA"), items=items)
    assert {task[0] for task in counted} == {"AutoARIMA"}
    assert fits.library.rows.tolist() == [0, 1, 2, 3]
    assert any(
        note.startswith("AutoARIMA is fitted to the 4 lines with most money in them, of 8") for note in fits.notes
    )


@pytest.mark.parametrize("model", LIBRARY)
def test_what_is_asked_for_and_cannot_be_fitted_is_said(model):
    sales = weekly(*drawn(2, 20))
    stock = pd.DataFrame({"item_id": ["a", "b"], "location_id": "S1", "on_hand": 0.0})
    plan = pipeline.plan({"sales": sales, "stock": stock}, AS_OF, Params(forecast_model=model))
    assert any(note.startswith(f"{model} is fitted to the 0 lines") for note in plan.notes)
    assert np.isfinite(plan.forecast["mean"]).all()


def test_mstl_needs_two_years_of_data_of_the_item_and_at_the_origin(counted):
    for periods, some in ((103, False), (110, True)):
        counted.clear()
        fitted(weekly(*drawn(2, periods)), Params(library_fits=1000, forecast_model="MSTL"))
        assert bool(counted) == some
        assert all(len(series) >= 104 for _, series, *_ in counted)
    counted.clear()
    fitted(weekly(drawn(1, 156)[0], drawn(1, 60)[0]), Params(library_fits=1000, forecast_model="MSTL"))
    assert counted
    assert all(len(series) >= 104 for _, series, *_ in counted)


def test_what_is_forecast_begins_with_the_plan_where_data_end_before_it(counted):
    dates = pd.date_range(day(-200), day(-4))
    sales = pd.DataFrame({"date": dates, "item_id": "a", "location_id": "S1"})
    sales["quantity"] = drawn(1, 197)[0] + 1
    fits = fitted(sales, Params(bucket="day", forecast_model="DynamicOptimizedTheta"))
    assert fits.calendar.gap_days == 3
    assert [task[3] for task in counted] == [0] * (EACH - 1) + [3]


@pytest.mark.parametrize("model", ["DynamicOptimizedTheta", "AutoETS", "MSTL"])
def test_a_gap_is_skipped_in_the_path(model):
    series = 20 + 5 * np.sin(np.arange(70) * 2 * np.pi / 7) + np.random.default_rng(1).normal(size=70)
    shape = np.ones(100) if model == "MSTL" else None
    whole = forecast._fit_batch([(model, series, shape if shape is None else shape[:87], 0, 17, 1)])[0]
    later = forecast._fit_batch([(model, series, shape if shape is None else shape[:84], 3, 14, 1)])[0]
    np.testing.assert_allclose(later, whole[3:])
    assert np.ptp(whole) > 4


@pytest.mark.parametrize(
    "fault", [ValueError("x"), RuntimeError("x"), Exception("no model able to be fitted"), np.nan, np.inf]
)
def test_a_series_that_cannot_be_fitted_has_no_path_and_never_fails_a_run(monkeypatch, fault):
    def forecast_(_self: object, _y: np.ndarray, h: int, *_: object, **__: object) -> dict[str, np.ndarray]:
        if isinstance(fault, Exception):
            raise fault
        return {"mean": np.full(h, fault)}

    monkeypatch.setattr(DynamicOptimizedTheta, "forecast", forecast_)
    sales = weekly(*drawn(12, 60, seed=4))
    stock = pd.DataFrame({"item_id": sorted(set(sales["item_id"])), "location_id": "S1", "on_hand": 0.0})
    for params in (Params(), Params(forecast_model="DynamicOptimizedTheta")):
        fits = pipeline.fit({"sales": sales, "stock": stock}, AS_OF, params)
        paths = fits.library.paths[:, fits.library.models.index("DynamicOptimizedTheta")]
        assert len(paths)
        assert np.isnan(paths).all()
        plan = pipeline.plan({"sales": sales, "stock": stock}, AS_OF, params, fits=fits)
        assert np.isfinite(plan.forecast["mean"]).all()
        assert (plan.forecast["mean"] > 0).all()


@pytest.mark.parametrize(
    "series", [np.full(60, 3.0), np.r_[np.zeros(59), 5.0], np.r_[5.0, np.zeros(59)], np.geomspace(1, 1e9, 60)]
)
@pytest.mark.parametrize("model", LIBRARY)
def test_hard_series_have_a_finite_path_or_none(model, series):
    shape = np.ones(80) if model == "MSTL" else None
    path = forecast._fit_batch([(model, series, shape, 0, 20, 1)])[0]
    assert path.shape == (20,)
    assert np.isnan(path).all() or ((path >= 0) & (path <= 3 * series.max())).all()


def test_a_model_on_request_can_be_asked_of_the_library_itself():
    series = drawn(1, 60)[0]
    own = AutoARIMA(season_length=1).forecast(series, 5)["mean"]
    np.testing.assert_allclose(forecast._fit_batch([("AutoARIMA", series, None, 0, 5, 7)])[0], np.maximum(own, 0))


# The same bytes.


def test_the_same_input_gives_the_same_bytes_whatever_the_partition_and_the_processes(monkeypatch):
    inputs, params = company(), Params(library_fits=54, bucket="day")
    once = pipeline.fit(inputs, AS_OF, params).to_bytes()
    assert len(Fits.from_bytes(once).library.rows) > 1
    for partition, batch in ((1, 5), (7, 1000)):
        monkeypatch.setattr(forecast, "PARTITION", partition)
        monkeypatch.setattr(forecast, "LIBRARY_BATCH", batch)
        assert pipeline.fit(inputs, AS_OF, params).to_bytes() == once
    # A test of the pages may have put app.py in the place of the main module, which each process would run again.
    monkeypatch.setitem(sys.modules, "__main__", ModuleType("__main__"))
    assert pipeline.fit(inputs, AS_OF, params, run=engine.pool(2)).to_bytes() == once


@pytest.mark.parametrize("budget", [0, 30])
def test_the_order_of_the_rows_gives_the_same_bytes(budget):
    inputs, params = company(), Params(library_fits=budget, bucket="day")
    shuffled = {name: frame.sample(frac=1, random_state=3) for name, frame in inputs.items()}
    assert pipeline.fit(shuffled, AS_OF, params).to_bytes() == pipeline.fit(inputs, AS_OF, params).to_bytes()


@pytest.mark.parametrize("budget", [0, 30])
def test_fits_come_back_from_their_bytes_as_they_were(budget):
    fits = pipeline.fit(company(), AS_OF, Params(library_fits=budget, bucket="day"))
    back = Fits.from_bytes(fits.to_bytes())
    assert (len(fits.library.rows) > 0) == (budget > 0)
    assert back.calendar == fits.calendar
    assert back.notes == fits.notes
    assert (back.members, back.library.models) == (fits.members, fits.library.models)
    pd.testing.assert_frame_equal(back.keys, fits.keys)
    pd.testing.assert_frame_equal(back.effects.fillna(""), fits.effects.fillna(""))
    pairs = [(getattr(fits, name), getattr(back, name)) for name in Fits._ARRAYS]
    pairs += [(getattr(fits.library, name), getattr(back.library, name)) for name in ("rows", "columns", "paths")]
    pairs += [(fits.season.codes, back.season.codes), (fits.season.position, back.season.position)]
    pairs += list(zip(fits.season.tables, back.season.tables, strict=True))
    for ours, kept in pairs:
        np.testing.assert_array_equal(ours, kept)
        assert ours.dtype == kept.dtype
    assert back.to_bytes() == fits.to_bytes()


def test_codes_come_back_to_the_letter():
    sales = weekly([1.0] * 9, [2.0] * 9, names=("00012", "Ä 1,=\n"))
    fits = fitted(sales)
    assert Fits.from_bytes(fits.to_bytes()).keys["item_id"].tolist() == ["00012", "Ä 1,=\n"]


def test_the_history_that_is_shown_begins_with_the_item_and_flags_its_buckets():
    quantities = [10.0, 11, 9, 10, 0, 10, 200, 9, 11, 30, 10, 9]
    shelf = table({"item_id": "a", "location_id": "S1", "date": day(-7 * 8), "in_stock": 0.0})
    event = table({"starts_on": day(-21), "ends_on": day(-15), "uplift": 3.0})
    sales = weekly(quantities, [1.0] * 20)
    fits = fitted(sales, Params(), availability=shelf, events=event)
    past = pipeline.history(fits, "a", "S1")
    assert past["starts_on"].tolist() == [day(-7 * (12 - k)) for k in range(12)]
    assert past["sales"].tolist() == quantities
    assert past["known"].tolist() == [k != 4 for k in range(12)]
    assert np.isnan(past["demand"][4])
    assert past["outlier"].tolist() == [k == 6 for k in range(12)]
    assert past["event"].tolist() == [k == 9 for k in range(12)]
    assert pipeline.history(fits, "z", "S1").empty


def test_progress_is_told_to_its_end():
    said: list[tuple[str, int, int]] = []
    pipeline.fit(company(), AS_OF, Params(bucket="day", library_fits=30), progress=lambda *step: said.append(step))
    assert {stage for stage, _, _ in said} == {"demand", "season", "forecast", "models"}
    assert said[-1][1] == said[-1][2] > 0
    assert all(0 <= done <= total for _, done, total in said)


# The light stage: what is kept between two positions of a slider.

QUICK = {
    "service_measure": "cost",
    "service_target": 0.8,
    "service_target_by_class": {"A": 0.99},
    "service_target_by_category": {"Tea": 0.99},
    "service_target_by_supplier": {"V0": 0.9},
    "policy": "R,s,S",
    "coverage_days": 21,
    "budget": 300.0,
    "shortage_cost_per_unit": 3.0,
    "holding_cost_per_unit_day": 0.01,
    "holding_rate_per_year": 0.4,
    "allocation_method": "fair_share",
    "allocation_sources": ["DC"],
    "reserve_fraction": 0.3,
    "reserve_value": 0.2,
    "allocation_inbound_days": 7,
    "fair_rule": "proportional",
    "service_floor": 0.8,
    "rebalance": True,
    "rebalance_cost_per_unit": 0.5,
    "rebalance_least_value": 5.0,
    "plan_days": 14,
    "currency": "EUR",
}


@pytest.fixture(scope="module")
def kept() -> tuple[dict[str, pd.DataFrame], Fits, pipeline.Base]:
    inputs = company()
    fits = pipeline.fit(inputs, AS_OF, Params())
    return inputs, fits, pipeline.prepare(inputs, AS_OF, Params(), fits=fits)


def test_every_quick_parameter_is_tried_here():
    assert set(QUICK) == set(pipeline.QUICK)


@pytest.mark.parametrize("name", QUICK)
def test_a_quick_parameter_needs_no_new_preparation(kept, name):
    inputs, fits, base = kept
    params = Params().but(**{name: QUICK[name]})
    quick, slow = pipeline.finish(base, AS_OF, params), pipeline.plan(inputs, AS_OF, params, fits=fits)
    for table_ in ("forecast", "policy", "replenishment", "orders", "planned_orders", "allocation", "waterfall"):
        pd.testing.assert_frame_equal(getattr(quick, table_), getattr(slow, table_))
    assert (quick.totals, quick.notes) == (slow.totals, slow.notes)


def test_finishing_changes_nothing_of_what_was_prepared(kept):
    _, fits, base = kept
    bytes_, position = fits.to_bytes(), base.positions.table.copy()
    needs = base.need.need.copy()
    pipeline.finish(base, AS_OF, Params(budget=10.0))
    assert fits.to_bytes() == bytes_
    pd.testing.assert_frame_equal(base.positions.table, position)
    np.testing.assert_array_equal(base.need.need, needs)
