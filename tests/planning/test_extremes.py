"""Single extreme buckets: against a plain loop, blind to the future, and quick."""

import math
from statistics import median

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.extremes import AROUND, MOST_NEIGHBOURS, OUTLIER_MULTIPLE, OUTLIER_SCORE, clean_of_extremes


def limit_by_loop(logs: list[float]) -> float:
    if not logs:
        return math.inf
    middle = median(logs)
    spread = 1.4826 * median(abs(x - middle) for x in logs)
    return middle + OUTLIER_SCORE * spread if spread > 1e-9 else math.inf


def clean_by_loop(row: list[float]) -> list[float]:
    known = [x for x in row if not math.isnan(x)]
    sizes = [x for x in known if x > 0]
    if not sizes:
        return row
    typical = OUTLIER_MULTIPLE * median(sizes)
    every, some = (limit_by_loop([math.log1p(x) for x in part]) for part in (known, sizes))
    limit = some if len(sizes) < len(known) / 2 or math.isinf(every) else every
    extreme = [x > typical and math.log1p(x) > limit for x in row]
    out = list(row)
    for t, x in enumerate(row):
        others = sum(extreme[max(0, t - AROUND) : t + AROUND + 1]) - 1
        if extreme[t] and others <= MOST_NEIGHBOURS:
            out[t] = min(x, typical)
    return out


SIZE = st.sampled_from([0.0, 0, 1, 2, 3, 4, 7, 12, 40, 300, math.nan])


@given(st.lists(SIZE, min_size=1, max_size=40))
def test_cuts_equal_a_plain_loop(row):
    np.testing.assert_allclose(clean_of_extremes(np.array([row], float)), [clean_by_loop(row)], rtol=1e-6)


@given(st.lists(SIZE, min_size=2, max_size=30), st.integers(0, 30), SIZE)
def test_nothing_after_the_morning_judges_or_is_judged(row, until, later):
    until = min(until, len(row))
    changed = [*row[:until], *[later] * (len(row) - until)]
    once, then = (clean_of_extremes(np.array([r], float), until)[0] for r in (row, changed))
    np.testing.assert_array_equal(once[:until], then[:until])
    np.testing.assert_array_equal(once[until:], row[until:])
    np.testing.assert_array_equal(once[:until], clean_of_extremes(np.array([row[:until]], float))[0])


def test_one_item_changes_no_other():
    rows = np.random.default_rng(3).negative_binomial(1, 0.1, (60, 50)).astype(float)
    once = clean_of_extremes(rows)
    rows[7] = 1e9
    np.testing.assert_array_equal(np.delete(clean_of_extremes(rows), 7, axis=0), np.delete(once, 7, axis=0))


def test_a_new_level_is_no_single_extreme():
    history = np.concatenate([np.tile([8.0, 11.0, 9.0, 12.0, 10.0], 20), np.tile([60.0, 55.0, 65.0], 5)])[None]
    np.testing.assert_array_equal(clean_of_extremes(history), history)
    lone = history[:, :100].copy()
    lone[0, 50] = 500.0
    assert (clean_of_extremes(lone) != lone).sum() == 1


@pytest.mark.parametrize("shape", [(0, 5), (3, 0)])
def test_nothing_gives_nothing(shape):
    assert clean_of_extremes(np.zeros(shape)).shape == shape
    assert np.isnan(clean_of_extremes(np.full((2, 4), np.nan))).all()
