"""Shapes read one by one, as few lines ask for them, are those that are read all together."""

import numpy as np
import pytest

from planning.distribution import LEVELS, Calibration
from planning.replay_need import COUNT, MANY, Drawn
from planning.replay_shapes import DENSER, Grid, Points, Reading

CALIBRATION = Calibration(np.array([0, 1]), np.stack([LEVELS**1.1, LEVELS**0.8]))


@pytest.mark.parametrize("calibration", [None, CALIBRATION])
@pytest.mark.parametrize("denser", [1.0, DENSER])
def test_some_rows_are_rows_of_the_whole(calibration, denser):
    points = Points(COUNT, denser)
    whole = Grid.build().points(points, calibration)
    rows = np.random.default_rng(1).integers(0, len(whole), 300)
    assert len(whole) == len(Grid.build().levels) * (1 if calibration is None else 2)
    assert (np.diff(whole, axis=1) >= 0).all()
    np.testing.assert_array_equal(Reading.build(points, calibration).rows(rows), whole[rows])


def test_few_and_many_rows_are_laid_out_alike():
    paired = ((1, 0), (17, 7))
    drawn = Drawn.build(Points(COUNT), CALIBRATION, paired)
    whole = Grid.build().points(Points(COUNT), CALIBRATION)
    few = np.random.default_rng(2).integers(0, len(whole), 50)
    before = drawn.laid(few, 1)
    np.testing.assert_array_equal(before, whole[few][:, (np.arange(COUNT) * 17 + 7) % COUNT])
    every = np.arange(len(whole) // MANY + 1)
    np.testing.assert_array_equal(drawn.laid(every, 0), whole[every])
    np.testing.assert_array_equal(drawn.laid(few, 1), before)
