"""What an empty shelf hid: the published estimate, and the whole road from availability and stock history."""

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize, minimize_scalar
from scipy.stats import norm, poisson

from planning.lost_demand import MOST_CORRECTION, censored_normal, censored_poisson_mean, lost_demand, mean_at_least
from planning.params import Params

AS_OF = date(2026, 3, 2)
WEEKS = pd.date_range(end="2026-02-23", periods=8, freq="7D").astype("datetime64[s]")
SALES = np.array([5.0, 7, 4, 6, 3, 4, 8, 5])
CENSORED = np.array([0, 0, 0, 1, 1, 0, 0, 1], dtype=bool)


def test_the_censored_mean_is_that_of_the_specification() -> None:
    assert censored_poisson_mean(SALES[None], CENSORED[None]) == pytest.approx([6.190149], abs=2e-6)
    assert censored_poisson_mean(SALES[None], np.zeros((1, 8), bool)) == pytest.approx([5.25])


def test_the_censored_mean_has_the_greatest_likelihood() -> None:
    rng = np.random.default_rng(3)
    wanted = rng.poisson(9, (20, 30)).astype(float)
    shelf = rng.integers(4, 15, wanted.shape)
    sold = np.minimum(wanted, shelf)
    censored = wanted >= shelf
    found = censored_poisson_mean(sold, censored)
    for row in range(20):

        def against(mean: float, row: int = row) -> float:
            known = poisson.logpmf(sold[row][~censored[row]], mean).sum()
            return float(-known - poisson.logsf(sold[row][censored[row]] - 1, mean).sum())

        best = minimize_scalar(against, bounds=(0.1, 60), method="bounded", options={"xatol": 1e-9}).x
        assert found[row] == pytest.approx(best, rel=1e-4)
    assert np.mean(found) == pytest.approx(9, rel=0.1)


def test_unknown_buckets_tell_nothing_and_all_censored_gives_no_estimate() -> None:
    sales = np.array([[5.0, np.nan, 7.0], [np.nan] * 3, [2.0, 3.0, 4.0]])
    censored = np.array([[False] * 3, [False] * 3, [True] * 3])
    found = censored_poisson_mean(sales, censored)
    assert found[0] == 6
    assert np.isnan(found[1:]).all()
    assert censored_poisson_mean(np.empty((0, 4)), np.empty((0, 4), bool)).shape == (0,)


def test_the_mean_above_a_bound_is_that_of_a_plain_sum() -> None:
    for mean, least in ((6.0, 5.0), (0.5, 3.0), (40.0, 1.0)):
        n = np.arange(least, 400)
        weights = poisson.pmf(n, mean)
        assert mean_at_least(np.array([mean]), np.array([least])) == pytest.approx(
            [(n * weights).sum() / weights.sum()]
        )
    assert mean_at_least(np.array([1e-3]), np.array([300.0])) == pytest.approx([300.0], rel=0.01)


def test_the_censored_normal_is_that_of_the_specification() -> None:
    sales = np.array([52.0, 61, 47, 55, 40, 58, 66, 49])
    censored = np.array([0, 0, 0, 1, 1, 0, 0, 0], dtype=bool)
    mean, sd = censored_normal(sales[None], censored[None])
    assert mean == pytest.approx([56.28238], abs=5e-6)
    assert sd == pytest.approx([6.69642], abs=5e-6)
    mean, sd = censored_normal(sales[None], np.zeros((1, 8), bool))
    assert (mean, sd) == (pytest.approx([sales.mean()]), pytest.approx([sales.std()]))


def test_the_censored_normal_has_the_greatest_likelihood() -> None:
    rng = np.random.default_rng(5)
    wanted = rng.normal(50, 8, (10, 40))
    shelf = rng.uniform(40, 70, wanted.shape)
    sold, censored = np.minimum(wanted, shelf), wanted >= shelf
    means, sds = censored_normal(sold, censored)
    for row in range(10):

        def against(law: np.ndarray, row: int = row) -> float:
            known = norm.logpdf(sold[row][~censored[row]], *law).sum()
            return float(-known - norm.logsf(sold[row][censored[row]], *law).sum())

        best = minimize(against, [50.0, 8.0], method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-12}).x
        assert [means[row], sds[row]] == pytest.approx(best, rel=1e-4)


def test_the_censored_normal_of_odd_rows_is_a_number_or_unknown() -> None:
    sales = np.array([[5.0, 5, 5], [5, 5, 90], [np.nan] * 3, [4, np.nan, 4], [0, 0, 0]])
    censored = np.array([[False] * 3, [False, False, True], [False] * 3, [True, False, True], [False] * 3])
    mean, sd = censored_normal(sales, censored)
    assert np.isnan(mean).tolist() == [False, False, True, True, False]
    assert (mean[0], sd[0], mean[4], sd[4]) == (5, 0, 0, 0)
    assert mean[1] >= 100 / 3
    assert not np.isinf(np.concatenate([mean, sd])).any()
    assert censored_normal(np.empty((0, 4)), np.empty((0, 4), bool))[0].shape == (0,)


def inputs(**tables: pd.DataFrame) -> dict[str, pd.DataFrame]:
    sales = pd.DataFrame({"date": WEEKS, "item_id": "A", "quantity": SALES, "location_id": "S1"})
    stock = pd.DataFrame({"item_id": ["A"], "on_hand": [1.0], "location_id": ["S1"]})
    return {"sales": sales, "stock": stock, **tables}


def shelf(*shares: float) -> pd.DataFrame:
    return pd.DataFrame({"date": WEEKS, "item_id": "A", "location_id": "S1", "in_stock": list(shares)})


def estimate(**tables: Any) -> pd.DataFrame:
    return lost_demand(inputs(**tables), AS_OF, Params())


def test_a_full_shelf_hid_nothing() -> None:
    assert estimate().empty
    assert estimate(availability=shelf(*[1.0] * 8)).empty


def test_empty_weeks_are_estimated_by_the_censored_mean() -> None:
    row = estimate(availability=shelf(*np.where(CENSORED, 0.0, 1.0))).iloc[0]
    assert (row["item_id"], row["location_id"], row["buckets"], row["censored"]) == ("A", "S1", 8, 3)
    assert row["units_sold"] == 14
    assert row["demand_mean"] == pytest.approx(6.190149, abs=2e-6)
    wanted = mean_at_least(np.full(3, row["demand_mean"]), SALES[CENSORED])
    assert row["lost_units"] == pytest.approx(float((wanted - SALES[CENSORED]).sum()))


def test_a_week_partly_on_the_shelf_is_scaled() -> None:
    row = estimate(availability=shelf(1, 1, 1, 0.5, 1, 1, 1, 1)).iloc[0]
    assert (row["censored"], row["units_sold"], row["lost_units"]) == (1, 6, 6)


def test_an_estimate_never_passes_three_times_the_usual_week() -> None:
    sales = inputs()["sales"].assign(quantity=[1.0, 1, 1, 1, 1, 1, 1, 40])
    row = estimate(sales=sales, availability=shelf(*[1.0] * 7, 0.0)).iloc[0]
    assert row["lost_units"] == 0
    sales = sales.assign(quantity=[1.0, 1, 1, 1, 1, 1, 1, 2])
    assert 0 < estimate(sales=sales, availability=shelf(*[1.0] * 7, 0.0))["lost_units"].iloc[0] <= MOST_CORRECTION - 2


def test_counts_of_nothing_on_hand_show_an_empty_shelf_too() -> None:
    counted = pd.DataFrame(
        {"item_id": "A", "on_hand": [0.0, 5.0], "location_id": "S1", "as_of": [WEEKS[3], pd.Timestamp(AS_OF)]}
    )
    assert estimate(stock=counted)["censored"].tolist() == [1]
