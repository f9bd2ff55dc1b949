"""The heavy stage: levels of each model at each past morning, equal to statsforecast itself; no look-ahead."""

import sys
from collections.abc import Callable
from datetime import date
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsforecast import StatsForecast
from statsforecast.models import IMAPA, TSB, CrostonSBA, SimpleExponentialSmoothingOptimized

from planning import engine, forecast, pipeline
from planning.forecast import CANDIDATES, LEAST_BUCKETS, MODELS, Fits
from planning.params import Params

AS_OF = date(2026, 6, 1)
MORNING = pd.Timestamp(AS_OF)
PLAIN = Params(outlier_correction=False)
FITTED: dict[str, Callable[[], object]] = {
    "SESOptimized": SimpleExponentialSmoothingOptimized,
    "CrostonSBA": CrostonSBA,
    "TSB": lambda: TSB(0.1, 0.1),
    "IMAPA": IMAPA,
}


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
    return fits.levels[row, MODELS.index(model)]


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


# Levels equal the library's own.


def test_levels_are_those_of_the_specification():
    # science, 1.4 and 2.1: SBA 1.316506, TSB(.1, .1) 0.732551, IMAPA 1.067255; the leading zero is passed on.
    y = [0, 3, 0, 0, 4, 0, 5, 0, 0, 0, 2, 0]
    shelf = pd.DataFrame({"date": [day(-84)], "item_id": "a", "location_id": "S1", "in_stock": 1.0})
    fits = fitted(weekly(y), availability=shelf)
    assert fits.demand_class[0] == "intermittent"
    found = {name: float(levels(fits, name)[-1]) for name in ("CrostonSBA", "TSB", "IMAPA")}
    # The sixth decimal of IMAPA is its optimiser's.
    assert found == pytest.approx({"CrostonSBA": 1.316506, "TSB": 0.732551, "IMAPA": 1.067255}, abs=3e-6)
    # The combination is the mean of an intermittent item's own candidates; the mean of 12 weeks is 14 / 12.
    assert levels(fits, "Combination")[-1] == pytest.approx((1.316506 + 0.732551 + 1.067255 + 14 / 12) / 4, abs=3e-6)


@pytest.mark.parametrize("rate", [1.0, 0.4])
def test_levels_equal_the_librarys_forecast_from_each_origin(rate):
    demand = drawn(4, 70, rate=rate)
    fits = fitted(weekly(*demand))
    assert fits.origins.tolist() == [69 - 2 * k for k in range(20)]
    for row, series in enumerate(demand):
        for k, known in enumerate([*fits.origins, 70]):
            for name, make in FITTED.items():
                own = make().forecast(series[:known], 1)["mean"][0]
                assert levels(fits, name, row)[k] == pytest.approx(max(own, 0), rel=1e-6), (name, known)


@pytest.mark.parametrize("rate", [1.0, 0.4])
def test_levels_of_complete_series_equal_the_librarys_cross_validation(rate):
    demand = drawn(6, 60, seed=4, rate=rate)
    fits = fitted(weekly(*demand))
    sales = weekly(*demand)
    long = sales.rename(columns={"item_id": "unique_id", "date": "ds", "quantity": "y"})[["unique_id", "ds", "y"]]
    names = ("SESOptimized", "CrostonSBA", "TSB")
    library = StatsForecast([FITTED[name]() for name in names], freq="7D")
    theirs = library.cross_validation(df=long, h=1, step_size=2, n_windows=20, refit=True)
    columns = [c for c in theirs if c not in ("unique_id", "ds", "cutoff", "y")]
    for name, column in zip(names, columns, strict=True):
        table_ = theirs.pivot_table(index="unique_id", columns="cutoff", values=column)
        # The newest origin stands first here and last there.
        np.testing.assert_allclose(fits.levels[:, MODELS.index(name), :-1], table_.to_numpy()[:, ::-1], rtol=1e-6)


def test_unknown_buckets_are_filled_with_the_level_before_them():
    demand = drawn(1, 40)[0]
    empty = [10, 11, 25, 39]
    shelf = pd.DataFrame(
        {"date": [day(7 * (k - 40)) for k in empty], "item_id": "a", "location_id": "S1", "in_stock": 0.0}
    )
    fits = fitted(weekly(demand), availability=shelf)
    series, level = demand.copy(), demand[0]
    for t in range(40):
        series[t] = level if t in empty else demand[t]
        level += 0.2 * (series[t] - level)
    for k, known in enumerate([*fits.origins[fits.origins >= LEAST_BUCKETS], 40]):
        k = k if known < 40 else -1
        own = SimpleExponentialSmoothingOptimized().forecast(series[:known], 1)["mean"][0]
        assert levels(fits, "SESOptimized")[k] == pytest.approx(own, rel=1e-6)


def test_what_lies_further_back_than_the_models_look_changes_no_level():
    demand = drawn(1, 200, seed=6)
    other = demand.copy()
    other[0, :40] = other[0, :40][::-1] * 2
    once, then = (fitted(weekly(*d)) for d in (demand, other))
    assert (once.index == then.index).all()  # Both have no season.
    newest = [MODELS.index(name) for name in FITTED]
    np.testing.assert_array_equal(once.levels[0, newest, -1], then.levels[0, newest, -1])


@given(st.lists(st.one_of(st.none(), st.integers(0, 9)), min_size=12, max_size=60), st.integers(0, 3))
@settings(max_examples=20)
def test_window_means_equal_a_plain_loop(history, extra):
    history = [3, *history, *[4] * extra]
    n = len(history)
    empty = [k for k, q in enumerate(history) if q is None]
    shelf = pd.DataFrame({"date": [day(7 * (k - n)) for k in empty], "in_stock": 0.0}).assign(
        item_id="a", location_id="S1"
    )
    more = {"availability": shelf} if empty else {}
    # Another item is never out of stock: it keeps the calendar.
    fits = fitted(weekly([q or 0 for q in history], [1] * n), **more)
    for name, window in (("WindowAverage13", 13), ("WindowAverage52", 52)):
        for k, known in enumerate([*fits.origins, n]):
            seen = [q for q in history[max(0, known - window) : known] if q is not None]
            if seen:
                assert levels(fits, name)[k] == pytest.approx(np.mean(seen), rel=1e-6)


def test_windows_of_daily_data_are_as_long_as_those_of_weeks():
    sales = pd.DataFrame({"date": pd.date_range(day(-500), day(-1)), "item_id": "a", "location_id": "S1"})
    sales["quantity"] = np.arange(500.0)
    fits = fitted(sales, Params(outlier_correction=False, bucket="day", history_days=500))
    assert fits.calendar.bucket_days == 1
    assert levels(fits, "WindowAverage13")[-1] == pytest.approx(np.arange(500 - 91, 500).mean(), rel=0.02)
    assert levels(fits, "WindowAverage52")[-1] == pytest.approx(np.arange(500 - 364, 500).mean(), rel=0.02)


def test_the_combination_is_the_mean_of_its_class():
    fits = fitted(weekly(*drawn(4, 60), *drawn(4, 60, rate=0.3)))
    assert {"smooth", "erratic"} & set(fits.demand_class)
    assert {"intermittent", "lumpy"} & set(fits.demand_class)
    for row, kind in enumerate(fits.demand_class):
        members = [levels(fits, name, row) for name in CANDIDATES[kind] if name != "Combination"]
        np.testing.assert_allclose(levels(fits, "Combination", row), np.mean(members, axis=0), rtol=1e-6)


def test_origins_are_past_mornings_newest_first_with_the_last_bucket_left_to_forecast():
    assert fitted(weekly(drawn(1, 30)[0])).origins.tolist() == list(range(29, 3, -2))
    assert fitted(weekly(drawn(1, 4)[0])).origins.tolist() == []


@pytest.mark.parametrize("periods", [1, 2, 3, LEAST_BUCKETS - 1])
def test_a_short_history_has_only_its_mean(periods):
    history = drawn(1, periods)[0]
    fits = fitted(weekly([1.0] * 20, history))
    for name in MODELS:
        assert levels(fits, name, 1)[-1] == pytest.approx(history.mean(), rel=1e-6)


@given(st.lists(st.integers(0, 50), min_size=1, max_size=40))
@settings(max_examples=20)
def test_levels_are_finite_and_never_negative(history):
    fits = fitted(weekly([1.0] * 40, history))
    assert np.isfinite(fits.levels[:, :, -1]).all()
    assert (fits.levels[~np.isnan(fits.levels)] >= 0).all()
    assert fits.levels[1].max(initial=0, where=~np.isnan(fits.levels[1])) <= max(history) + 1e-4


# No look-ahead.

NOT_COMBINED = [k for k, name in enumerate(MODELS) if name != "Combination"]


@given(st.integers(0, 19), st.integers(0, 2**20))
@settings(max_examples=15)
def test_sales_from_an_origin_on_change_no_level_before_it(origin, seed):
    demand = drawn(2, 50, seed=3, rate=0.7)
    once = fitted(weekly(*demand))
    known = once.origins[origin]
    other = demand.copy()
    other[:, known:] = np.random.default_rng(seed).integers(0, 60, other[:, known:].shape)
    then = fitted(weekly(*other))
    np.testing.assert_array_equal(once.levels[:, NOT_COMBINED, origin:-1], then.levels[:, NOT_COMBINED, origin:-1])
    assert (once.levels[:, NOT_COMBINED, :origin] != then.levels[:, NOT_COMBINED, :origin]).any() or origin == 0


def looking_ahead() -> dict[str, tuple[np.ndarray, bool]]:
    """Histories of which the newer half changes what is estimated; and whether extremes are cut."""
    wave = 40 + 30 * np.sin(np.arange(120) * np.pi / 26)
    rng = np.random.default_rng(5)
    return {
        "seasons": (rng.poisson(wave, (3, 120)).astype(float), False),
        "extremes": (np.where(np.arange(50) == 5, 45.0, rng.poisson(9, (3, 50)) + 1.0), True),
        "classes": (drawn(3, 50, seed=5, rate=0.76), False),
    }


@pytest.mark.xfail(reason="seasons, cuts of extremes and classes are read off all of the past: see planning/README.md")
@pytest.mark.parametrize("through", looking_ahead())
def test_nothing_that_is_estimated_lets_an_origin_look_ahead(through):
    demand, cut = looking_ahead()[through]
    newer = demand.shape[1] - 26
    other = demand.copy()
    other[:, newer:] = np.where(np.arange(other.shape[1] - newer) % 2, 60, 30 if cut else 0)
    once, then = (fitted(weekly(*d), Params(outlier_correction=cut)) for d in (demand, other))
    before = once.origins <= newer
    models = slice(None) if through == "classes" else NOT_COMBINED
    np.testing.assert_array_equal(*(fits.levels[:, models, :-1][..., before] for fits in (once, then)))


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
    return levels(fits, model, row)[-1] * fits.index[row, fits.demand.shape[1] :]


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
    assert levels(fits, "WindowAverage52", 1)[-1] == pytest.approx(3.5, rel=1e-5)


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
    fits = fitted(sales, Params(outlier_correction=False, bucket="day"))
    assert (fits.calendar.gap_days, fits.calendar.periods) == (3, 77)
    assert path(fits)[:14] == pytest.approx([10, 10, 10, 10, 10, 30, 10] * 2, rel=0.05)


# What the user told.


def told(fits: Fits) -> list[float]:
    return fits.own[0].tolist()


def own_forecast(*rows: tuple[float, float], **more: object) -> pd.DataFrame:
    return table(*({"item_id": "a", "location_id": "S1", "date": day(d), "quantity": q, **more} for d, q in rows))


def test_the_users_forecast_is_spread_evenly_over_its_periods():
    # Periods of 14, 14 and (as the one before) 14 days, 28 + 56 + 14 units, from day 0 on, by week.
    fits = fitted(weekly([20] * 30), forecasts=own_forecast((0, 28), (14, 56), (28, 14)))
    assert told(fits)[:6] == pytest.approx([14, 14, 28, 28, 7, 7])
    assert not any(told(fits)[6:])
    assert fits.own_share[0].tolist() == [1] * 6 + [0] * 20


def test_months_are_told_by_the_days_they_have():
    dates = pd.to_datetime(["2026-06-01", "2026-07-01", "2026-08-01"])
    months = pd.DataFrame({"item_id": "a", "location_id": "S1", "date": dates, "quantity": [60.0, 31.0, 62.0]})
    found = told(fitted(weekly([20] * 30), forecasts=months))
    # 2 a day in June, 1 a day in July; the fifth week has two days of June and five of July.
    assert found[:5] == pytest.approx([14, 14, 14, 14, 2 * 2 + 5 * 1])


def test_weeks_told_by_day_add_up_and_days_told_by_week_share():
    by_day = own_forecast(*((d, 3.0) for d in range(14)))
    assert told(fitted(weekly([20] * 30), forecasts=by_day))[:2] == pytest.approx([21, 21])
    by_week = own_forecast((0, 14), (7, 28))
    daily = pd.DataFrame(
        {"date": pd.date_range(day(-50), day(-1)), "item_id": "a", "location_id": "S1", "quantity": 1.0}
    )
    fits = fitted(daily, Params(bucket="day", outlier_correction=False), forecasts=by_week)
    assert told(fits)[:14] == pytest.approx([2.0] * 7 + [4.0] * 7)


def test_where_the_users_forecast_covers_part_of_a_week_the_rest_is_forecast():
    fits = fitted(weekly([21] * 30), forecasts=own_forecast((3, 49), (10, 49)))
    inputs = {"sales": weekly([21] * 30), "stock": table({"item_id": "a", "location_id": "S1", "on_hand": 0.0})}
    told_ = {**inputs, "forecasts": own_forecast((3, 49), (10, 49))}
    mean = pipeline.plan(told_, AS_OF, PLAIN, fits=fits).forecast["mean"]
    # Three days at 3 and four at 7; seven at 7; three at 7 and four at 3.
    assert mean[:3].tolist() == pytest.approx([37, 49, 33])


def test_forecasts_of_pooled_locations_add_up():
    sales = weekly([21] * 30).assign(location_id=None)
    stock = pd.DataFrame({"item_id": "a", "location_id": ["S1", "S2"], "on_hand": 0.0})
    both = pd.concat([own_forecast((0, 14), (7, 14)), own_forecast((0, 21), (7, 21), location_id="S2")])
    fits = pipeline.fit({"sales": sales, "stock": stock, "forecasts": both}, AS_OF, PLAIN)
    assert told(fits)[:2] == pytest.approx([35, 35])


def test_customers_orders_lie_in_their_buckets_and_overdue_ones_in_the_first():
    rows = ((-9, 2.0), (0, 3.0), (6, 4.0), (7, 5.0), (20, 6.0), (9999, 7.0))
    orders = table(*({"item_id": "a", "location_id": "S1", "due_on": day(d), "quantity": q} for d, q in rows))
    fits = fitted(weekly([20] * 30), customer_orders=orders)
    assert fits.firm[0, :3].tolist() == [9, 5, 6]
    assert not fits.firm[0, 3:].any()


# The same bytes.


def test_the_same_input_gives_the_same_bytes_whatever_the_partition_and_the_processes(monkeypatch):
    inputs, params = company(), Params()
    once = pipeline.fit(inputs, AS_OF, params).to_bytes()
    for partition in (1, 7):
        monkeypatch.setattr(forecast, "PARTITION", partition)
        assert pipeline.fit(inputs, AS_OF, params).to_bytes() == once
    # A test of the pages may have put app.py in the place of the main module, which each process would run again.
    monkeypatch.setitem(sys.modules, "__main__", ModuleType("__main__"))
    assert pipeline.fit(inputs, AS_OF, params, run=engine.pool(2)).to_bytes() == once


def test_the_order_of_the_rows_gives_the_same_bytes():
    inputs = company()
    shuffled = {name: frame.sample(frac=1, random_state=3) for name, frame in inputs.items()}
    assert pipeline.fit(shuffled, AS_OF, Params()).to_bytes() == pipeline.fit(inputs, AS_OF, Params()).to_bytes()


def test_fits_come_back_from_their_bytes_as_they_were():
    fits = pipeline.fit(company(), AS_OF, Params())
    back = Fits.from_bytes(fits.to_bytes())
    assert back.calendar == fits.calendar
    assert back.notes == fits.notes
    pd.testing.assert_frame_equal(back.keys, fits.keys)
    for name in Fits._ARRAYS:
        ours, kept = getattr(fits, name), getattr(back, name)
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
    pipeline.fit(company(), AS_OF, Params(), progress=lambda *step: said.append(step))
    assert {stage for stage, _, _ in said} == {"demand", "forecast"}
    assert said[-1][1] == said[-1][2] > 0
    assert all(0 <= done <= total for _, done, total in said)


# The light stage: what is kept between two positions of a slider.

QUICK = {
    "service_measure": "cost",
    "service_target": 0.8,
    "service_target_by_class": {"A": 0.99},
    "coverage_days": 21,
    "budget": 300.0,
    "shortage_cost_per_unit": 3.0,
    "holding_cost_per_unit_day": 0.01,
    "holding_rate_per_year": 0.4,
    "allocation_method": "fair_share",
    "allocation_sources": ["DC"],
    "reserve_fraction": 0.3,
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
