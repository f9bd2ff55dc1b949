"""Demand between two days to come: its own spread, and how it goes with the demand before it."""

import numpy as np
import pytest
from scipy import special, stats

from planning import window
from planning.distribution import CumulativeDemand
from planning.policy import Supply, build_need

DAY = np.arange(61.0)


def alike(per_day: float, noise: float, common: float, whole: bool = False) -> CumulativeDemand:  # noqa: FBT001, FBT002
    """Demand whose days vary by themselves, and by a level that is wrong for all of them alike."""
    return CumulativeDemand((per_day * DAY)[None], (noise * DAY + common * DAY**2)[None], np.array([whole]))


def days(value: float) -> np.ndarray:
    return np.full(1, float(value))


def test_a_later_part_spreads_as_much_as_an_early_one_and_a_tenth_of_what_is_in_common():
    demand = alike(10, 4, 1)
    mean, variance = window.moments(demand, days(14), days(21))
    # 7 days of their own: 4 x 7 + 7^2 = 77; the whole is more uncertain by 4 x 7 + (21^2 - 14^2) = 273.
    assert mean == pytest.approx(70)
    assert variance == pytest.approx(77 + 0.1 * (273 - 77))
    # 14 days alone: 252; together 525; the share in common is 0.565,
    # (525 - 252 - 96.6) / 2 / sqrt(252 x 96.6), and half of it lasts.
    assert window.tie(demand, days(0), days(14), days(21)) == round(0.5 * 0.565 * 20)


def test_from_today_on_it_is_the_whole():
    demand = alike(10, 4, 1)
    assert window.moments(demand, days(0), days(21))[1] == pytest.approx(demand.variance_to(days(21)))


@pytest.mark.parametrize("whole", [True, False])
def test_independent_demand_keeps_its_own_spread_and_goes_with_nothing(whole):
    demand = alike(3, 7, 0, whole)
    for start, end in ((0, 7), (3, 10), (14, 21), (40, 60)):
        moments = [float(part[0]) for part in window.moments(demand, days(start), days(end))]
        assert moments == pytest.approx([3 * (end - start), 7 * (end - start)])
        assert window.tie(demand, days(0), days(start), days(end)) == 0


def test_a_later_part_that_sells_twice_as_much_spreads_as_such_demand_does():
    path = np.concatenate([[0], np.repeat([10.0, 20.0], 30)]).cumsum()
    demand = CumulativeDemand(path[None], (4 * DAY)[None], np.array([False]))
    assert window.moments(demand, days(35), days(42))[1] == pytest.approx(28 * 2**1.3 + 0.1 * (28 - 28 * 2**1.3))


@pytest.mark.parametrize("now", [0.0, 1e-6, 0.01, 1.0])
def test_a_part_of_another_season_is_not_told_by_the_days_to_come(now):
    # Next to nothing for a month, then ten a day: what the first days vary by, times what they sell less, is absurd.
    path = np.concatenate([[0], np.repeat([now, 10.0], 30)]).cumsum()
    demand = CumulativeDemand(path[None], (2 * DAY)[None], np.array([False]))
    assert window.moments(demand, days(35), days(42))[1] == pytest.approx(14)


@pytest.mark.parametrize(("count", "step"), [(61, 23), (101, 18)])
def test_pairs_use_each_point_once_and_are_correlated_as_told(count, step):
    pairs = window.tied(count, step, 37)
    score = special.ndtri((np.arange(count) + 0.5) / count)
    for k, places in enumerate(pairs):
        assert sorted(places) == list(range(count))
        # The first paths are those that demand took most of: high points go with them.
        assert stats.pearsonr(-score, score[places])[0] == pytest.approx(k / window.TIES, abs=0.05)


def level_that_moves(per_day: float, cv: float, lead: int, review: int, paths: int) -> tuple[np.ndarray, np.ndarray]:
    """Levels before and after an arrival, of demand that is as uncertain as told: units a day, (paths,) each."""
    wider = 1 + 2 * window.LASTING * lead / review
    together = window.TOGETHER * (1 - window.LASTING) / np.sqrt(wider)
    chance = np.random.default_rng(5).standard_normal((2, paths))
    after = together * chance[0] + np.sqrt(1 - together**2) * chance[1]
    return tuple(
        special.gammaincinv(shape, special.ndtr(score)) * per_day / shape
        for shape, score in ((1 / cv**2, chance[0]), (1 / cv**2 / wider, after))
    )


@pytest.mark.parametrize(
    ("stock", "receipts", "lead", "review", "per_day", "cv", "target"),
    [
        (20, {7: 20}, 14, 7, 3, 0.4, 0.95),
        (0, {7: 20}, 14, 7, 3, 0.4, 0.9),
        (40, {}, 14, 7, 3, 0.6, 0.95),
        (20, {7: 20}, 14, 7, 3, 0.25, 0.95),
        (20, {7: 14, 14: 14, 21: 14}, 28, 7, 2, 0.4, 0.95),
        (40, {7: 20}, 14, 14, 3, 0.4, 0.95),
    ],
)
def test_demand_of_an_unknown_level_is_served_as_promised(stock, receipts, lead, review, per_day, cv, target):
    demand = alike(per_day, per_day, (cv * per_day) ** 2, whole=True)
    at = np.array([list(receipts)], float).reshape(1, -1)
    units = np.array([list(receipts.values())], float).reshape(1, -1)
    need = build_need(demand, Supply(days(stock), at, units, days(lead), days(0), days(review)), lost=True)
    order = np.ceil(need.order_for_fill_rate(days(target)))
    before, after = level_that_moves(per_day, cv, lead, review, 200_000)
    random, held = np.random.default_rng(6), np.full(200_000, float(stock))
    for day in range(lead):
        held = np.maximum(held + receipts.get(day, 0) - random.poisson(before), 0)
    wanted = random.poisson(after * review)
    achieved = 1 - np.maximum(wanted - held - order, 0).mean() / wanted.mean()
    assert achieved == pytest.approx(float(need.fill_rate(order)[0]), abs=0.005)
