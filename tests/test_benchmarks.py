"""The measuring tools measure what they say; the measurements themselves need data and minutes."""

import numpy as np
import pandas as pd
import pytest

from planning.distribution import cdf
from tests.benchmarks.coverage import covered, regime_units, without_cancelled
from tests.benchmarks.m5_daily import rmsse
from tests.benchmarks.real import Weeks
from tests.benchmarks.vn2 import recent_mean


def test_a_perfect_count_law_is_covered_at_its_nominal_share():
    actual = np.random.default_rng(0).poisson(0.7, 20_000).astype(float)
    whole = np.ones(len(actual), bool)
    rows = pd.DataFrame({"below": cdf(actual - 1, 0.7, 0.7, whole), "within": cdf(actual, 0.7, 0.7, whole)})
    for q in (0.80, 0.90, 0.95, 0.98):
        assert covered(rows, q) == pytest.approx(q, abs=0.004)


def test_a_certain_demand_is_covered_where_it_is_met():
    rows = pd.DataFrame({"below": [0.0, 1.0], "within": [1.0, 1.0]})
    assert covered(rows, 0.9) == pytest.approx(0.45)


def test_the_recent_mean_leaves_out_empty_shelves():
    units = np.array([[9.0] * 5 + [2.0] * 12 + [0.0, 2.0, 50.0], [0.0] * 20])
    in_stock = np.ones((2, 20), bool)
    in_stock[0, 17] = in_stock[1, :] = False
    keys = pd.DataFrame({"item_id": ["a", "b"], "location_id": ["m", "m"]})
    weeks = Weeks(keys, np.datetime64("2024-01-01") + 7 * np.arange(20), units, in_stock, pd.DataFrame())
    assert recent_mean(weeks, 19) == pytest.approx([2.0, 0.0])


def test_the_scaled_error_of_the_specification():
    history = np.array([[10.0, 12, 9, 14, 11, 13, 12, 15], [0.0, 0, 3, 3, 3, 3, 3, 3]])
    actual, mean = np.array([[14.0, 10, 16, 12]] * 2), np.array([[12.0, 12, 13, 13]] * 2)
    found = rmsse(actual, mean, history)
    assert found[0] == pytest.approx(0.7186052, abs=1e-7)
    assert np.isnan(found[1])


def test_a_sale_taken_back_the_same_day_was_no_demand():
    day = pd.Timestamp("2011-01-03")
    sales = pd.DataFrame({"item_id": list("aaab"), "date": day, "quantity": [100.0, -100.0, 5.0, -2.0]})
    assert without_cancelled(sales)["quantity"].tolist() == [5.0]


def test_regimes_are_seeded_and_as_sparse_as_told():
    units = regime_units("intermittent", np.random.default_rng(11))
    assert np.array_equal(units, regime_units("intermittent", np.random.default_rng(11)))
    assert 0.7 < (units == 0).mean() < 0.85
