"""The points that a replay reads demand at: the last one stands for all beyond it, however skewed the counts are."""

import numpy as np
import pytest
from scipy import stats

from planning.replay_shapes import FINE, Grid, nearest


@pytest.mark.parametrize(("mean", "over"), [(1.5, 58.0), (0.2, 30.0), (6.0, 12.0)])
def test_what_lies_beyond_the_last_level_is_what_a_plain_sum_over_units_says(mean: float, over: float) -> None:
    grid = Grid.build()
    row = int(nearest(np.array([mean]), np.array([mean * over]), np.array([True]))[0])
    m, v = float(grid.mean[row]), float(grid.sd[row]) ** 2
    law = stats.nbinom(m * m / (v - m), m / v)
    last = law.ppf(FINE[-1])
    units = np.arange(last, 20_000)
    beyond = (units - last) @ law.pmf(units)
    assert grid.levels[row, -1] == pytest.approx(last, rel=0.02)
    assert grid.above[row, -1] == pytest.approx(last + beyond / (1 - FINE[-1]), rel=0.02)
