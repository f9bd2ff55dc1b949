"""The sharing of scarce stock is measured as it says; on made data, the measurement itself needs the real ones."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from planning.params import Params
from tests.benchmarks.real import Weeks
from tests.benchmarks.vn2 import RULES
from tests.benchmarks.vn2_allocation import (
    WAYS,
    Stand,
    build_stand,
    demand_told,
    difference,
    split,
    starting_stock,
    window_lost,
)


def made_weeks(units: np.ndarray, in_stock: np.ndarray | None = None) -> Weeks:
    """Weeks of one item after the other, each at the stores s0, s1, s2."""
    n, weeks = units.shape
    keys = pd.DataFrame(
        {"item_id": [f"i{row // 3}" for row in range(n)], "location_id": [f"s{r % 3}" for r in range(n)]}
    )
    starts = np.datetime64("2022-01-03") + 7 * np.arange(weeks)
    items = pd.DataFrame({"item_id": keys["item_id"].unique(), "category": "c"})
    return Weeks(keys, starts, units, np.ones(units.shape, bool) if in_stock is None else in_stock, items)


def made_sales() -> Weeks:
    mean = np.array([1.0, 4.0, 20.0, 0.5, 2.0, 6.0])
    return made_weeks(np.random.default_rng(5).poisson(mean[:, None], (6, 110)).astype(float))


def test_stores_start_with_what_two_weeks_of_sales_leave_of_the_rule():
    units = np.tile([[4.0] * 20, [4.0] * 20, [4.0] * 20], 1)
    units[0, 13:15] = [7, 1]
    units[1, 13:15] = [30, 30]
    in_stock = np.ones(units.shape, bool)
    in_stock[2, 13] = False
    # 1.5 x 4, then 4 more each morning: 6 + 4 - 7 + 4 - 1; sold out twice; the first week tells nothing.
    assert starting_stock(made_weeks(units, in_stock), 13) == pytest.approx([6, 0, 10])


def test_a_week_with_an_empty_shelf_wants_nothing():
    in_stock = np.array([[True, False, True]])
    keys = pd.DataFrame({"item_id": ["i"], "location_id": ["s"]})
    weeks = Weeks(
        keys, np.datetime64("2022-01-03") + 7 * np.arange(3), np.array([[1.0, 50, 2]]), in_stock, pd.DataFrame()
    )
    assert demand_told(weeks, 0, 3) == pytest.approx([3])


def test_the_forecast_knows_nothing_of_the_window():
    told = made_sales()
    later = replace(told, units=np.where(np.arange(110) >= 103, 99.0, told.units))
    stock, params = np.arange(6.0), Params.from_mapping(RULES)
    before, after = (build_stand(weeks, 103, stock, 3, params) for weeks in (told, later))
    assert np.array_equal(before.need, after.need)
    assert np.array_equal(before.rate, after.rate)
    assert before.item.tolist() == [0, 0, 0, 1, 1, 1]
    assert before.rate[2] * 7 == pytest.approx(20, rel=0.1)
    assert before.need[2].mean() == pytest.approx(3 * before.rate[2] * 7 - 2, rel=0.02)


def test_all_ways_ship_the_whole_pool_in_whole_units():
    random = np.random.default_rng(1)
    rate = np.array([0.1, 1.0, 3.0, 0.2, 0.2, 5.0])
    stock = np.array([3.0, 0, 9, 0, 2, 4])
    need = np.sort(random.poisson(14 * rate[:, None], (6, 400)) - stock[:, None], axis=1)
    stand = Stand(np.array([0, 0, 0, 1, 1, 2]), stock, need, rate)
    pool = np.array([21.0, 200.0, 0.0])
    shares = split(stand, pool)
    assert tuple(shares) == WAYS
    short = {}
    for way, units in shares.items():
        assert np.bincount(stand.item, units).tolist() == pool.tolist()
        assert np.array_equal(units, np.round(units))
        short[way] = np.maximum(need - units[:, None], 0).mean()
    assert short["value"] <= min(short.values()) + 1e-12


def test_equal_values_go_where_the_days_are_fewest():
    need = np.full((3, 10), 100.0) - np.array([[0.0], [20], [200]])
    stand = Stand(np.zeros(3, int), np.array([0.0, 20, 200]), need, np.full(3, 10.0))
    assert split(stand, np.array([60.0]))["value"].tolist() == [40, 20, 0]


def test_the_split_by_hand():
    need = np.array([[0.0, 2, 2, 4], [1, 1, 1, 1]])
    stand = Stand(np.zeros(2, int), np.zeros(2), need, np.array([2.0, 1.0]))
    shares = split(stand, np.array([3.0]))
    assert shares["value"].tolist() == [2, 1]
    assert shares["proportional"].tolist() == [2, 1]
    assert split(stand, np.array([1.0]))["value"].tolist() == [0, 1]


def test_a_window_counts_what_is_lost():
    found = window_lost(made_sales(), Params.from_mapping(RULES), 3, 100)
    assert found.groupby("supply").size().to_dict() == {0.6: 2, 0.8: 2, 1.0: 2}
    lost = found.groupby("supply")[list(WAYS)].sum()
    assert (lost.diff().dropna() <= 0).all().all()
    assert (found["expected value"] <= found["expected equal days"] + 1e-9).all()


def test_a_difference_in_per_cent_and_its_interval():
    one = np.array([9.0, 18, 27, 36])
    assert difference(one, one / 0.9, np.arange(4)) == pytest.approx((-10, -10, -10))
    mean, low, high = difference(one, one[::-1] + 5, np.array([0, 0, 1, 1]))
    assert low < mean < high
    assert mean == pytest.approx(100 * (90 / 110 - 1))
