"""Shapes laid out when they are asked for are those that a whole table of them would hold."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from planning.distribution import LEVELS, Calibration
from planning.replay_shapes import DENSER, FINE, PARTS, Grid, Laid, Points, Reading

HELD = Calibration(np.zeros(1, int), np.clip(LEVELS[None, :] ** np.array([[0.9], [1.0], [1.2]]), 0.005, 0.999))


def _by_hand(points: Points, calibration: Calibration | None, code: int, shape: int) -> list[np.float32]:
    """Work one shape out, level by level."""
    grid, found = Grid.build(), []

    def asked(level: float) -> float:
        return level if calibration is None else float(calibration.asked(np.array([level]))[code, 0])

    for low, high in zip(points.edges[:-1], points.edges[1:], strict=True):
        parts = []
        for part in range(PARTS):
            level = asked(low + (high - low) * (part + 0.5) / PARTS)
            parts.append(grid.levels[shape, int(np.abs(FINE - level).argmin())])
        found.append(np.float32((parts[0] + parts[1] + parts[2]) / np.float32(PARTS)))
    beyond = min(int(np.searchsorted(FINE, asked(points.edges[-2]))), len(FINE) - 1)
    return [*found[:-1], grid.above[shape, beyond]]


@pytest.mark.parametrize("calibration", [None, HELD])
@pytest.mark.parametrize("denser", [1.0, DENSER])
def test_a_point_is_the_mean_of_its_piece_and_the_last_of_all_beyond(
    calibration: Calibration | None, denser: float
) -> None:
    points, shapes = Points(61, denser), len(Grid.build().mean)
    kinds = np.array([0, 700, 5800, shapes - 1])
    if calibration is not None:
        kinds = np.concatenate([kinds, kinds + 2 * shapes])
    told = Reading.of(points, calibration).rows(kinds)
    for kind, row in zip(kinds, told, strict=True):
        np.testing.assert_array_equal(row, _by_hand(points, calibration, *divmod(int(kind), shapes)))


def test_what_is_laid_out_bit_by_bit_is_what_a_whole_table_holds() -> None:
    reading, random = Reading.of(Points(61), HELD), np.random.default_rng(0)
    whole = reading.rows(np.arange(3 * len(Grid.build().mean)))
    laid = Laid(reading)
    for _ in range(20):
        kinds = random.integers(0, len(whole), 300)
        np.testing.assert_array_equal(laid.take(kinds), whole[kinds])


def test_threads_may_ask_for_the_same_shapes_at_once() -> None:
    reading = Reading.of(Points(61), HELD)
    whole = reading.rows(np.arange(3 * len(Grid.build().mean)))
    for seed in range(5):
        laid, asked = Laid(reading), np.random.default_rng(seed).integers(0, len(whole), (64, 200))
        with ThreadPoolExecutor(4) as pool:
            for kinds, told in zip(asked, pool.map(laid.take, asked), strict=True):
                np.testing.assert_array_equal(told, whole[kinds])


def test_what_is_told_is_the_askers_own() -> None:
    laid = Laid(Reading.of(Points(61), None))
    kinds = np.array([3, 3, 9])
    first = laid.take(kinds)
    kept = first.copy()
    first *= 0
    np.testing.assert_array_equal(laid.take(kinds), kept)


@pytest.mark.parametrize("calibration", [None, HELD])
def test_every_shape_rises_so_that_stock_less_a_falling_draw_is_in_order(calibration: Calibration | None) -> None:
    reading = Reading.of(Points(61), calibration)
    whole = reading.rows(np.arange(len(reading.at) * len(Grid.build().mean)))
    assert (np.diff(whole, axis=1) >= 0).all()
