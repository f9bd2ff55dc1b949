"""The published checks of the policy: the formulas of the textbooks in their own words, and the engine beside them.

The textbooks mostly take demand for normal, which the engine never does: here stand their formulas, tested against
the figures that they print, and the engine's order for the same demand, close to them.
"""

import numpy as np
import pytest
from scipy import integrate, optimize, stats

from planning.policy import build_need
from planning.reorder import economic_lot, lot_cost
from tests.planning.test_policy import order, steady, supply


def loss(level: float, mean: float, sd: float) -> float:
    """E[(X - level)+] of a normal: sd (phi(k) - k (1 - Phi(k)))."""
    k = (level - mean) / sd
    return sd * (stats.norm.pdf(k) - k * stats.norm.sf(k))


def base_stock_cost(level: float, mean: float, sd: float, holding: float, penalty: float) -> float:
    return holding * (level - mean) + (holding + penalty) * loss(level, mean, sd)


def test_normal_losses():
    assert loss(0.3, 0, 1) == pytest.approx(0.26676124, abs=5e-9)
    assert loss(11, 8, 3) == pytest.approx(0.24994641, abs=5e-9)
    assert 11 - 8 + loss(11, 8, 3) == pytest.approx(3.24994641, abs=5e-9)


def test_the_newsvendor_of_snyder_shen_example_4_3():
    level = stats.norm.ppf(0.7 / 0.88, 50, 8)
    assert level == pytest.approx(56.60395593, abs=5e-8)
    for at, cost in ((level, 1.99760519), (40, 7.35613155), (60, 2.15613155)):
        assert base_stock_cost(at, 50, 8, 0.18, 0.7) == pytest.approx(cost, abs=5e-8)
    assert order(build_need(steady(50, 64), supply(0, 0, 1), lost=True), "cost", 0.7 / 0.88) == pytest.approx(
        level, abs=0.3
    )


def test_the_base_stock_level_of_snyder_shen_example_4_4():
    level = stats.norm.ppf(0.7 / 0.88, 250, 8 * np.sqrt(5))
    assert level == pytest.approx(264.7668944, abs=5e-7)
    assert base_stock_cost(level, 250, 8 * np.sqrt(5), 0.18, 0.7) == pytest.approx(4.46678100, abs=5e-8)


def test_the_newsvendor_of_snyder_shen_problem_4_7b():
    chance = np.array([0.25, 0.05, 0.1, 0.2, 0.15, 0.1, 0.1, 0.05])
    demand = np.arange(1, 9)

    def cost(level: int) -> float:
        gap = level - demand
        return float((chance * np.where(gap > 0, 0.5e6 * gap, -1e6 * gap)).sum())

    assert min(range(9), key=cost) == 5
    assert (cost(5), cost(3)) == (pytest.approx(1_225_000), pytest.approx(1_725_000))
    assert int(demand[np.searchsorted(chance.cumsum(), 1 / 1.5)]) == 5


# (r, Q) by Snyder & Shen, example 5.1: 1300 a year, sd 150, a month's lead time, h .225, p 7.5, K 8.

YEAR = (1300 / 12, 150 / np.sqrt(12), 0.225, 7.5)


def lot_and_point_cost(point: float, lot: float) -> float:
    mean, sd, holding, penalty = YEAR
    inner = integrate.quad(lambda y: base_stock_cost(y, mean, sd, holding, penalty), point, point + lot)[0]
    return (8 * 1300 + inner) / lot


def test_the_cost_of_a_reorder_point_and_a_lot_is_that_of_snyder_shen_example_5_1():
    assert lot_and_point_cost(100, 250) == pytest.approx(87.34647803, abs=5e-7)
    best = optimize.minimize(lambda x: lot_and_point_cost(*x), [120, 320], method="Nelder-Mead", tol=1e-9)
    assert best.x == pytest.approx([126.8671, 328.4491], abs=0.01)
    assert best.fun == pytest.approx(78.07115, abs=5e-6)
    economic = float(economic_lot(*(np.array([float(x)]) for x in (8, 1300, 0.225, 0, 0, 1e9)))[0])
    assert economic == pytest.approx(304.0467800, abs=5e-7)
    assert stats.norm.ppf(7.5 / 7.725, *YEAR[:2]) == pytest.approx(190.3369966, abs=5e-7)


def test_expected_inventory_level_iteration_of_snyder_shen_example_5_1():
    mean, sd, holding, penalty = YEAR
    lot, point = 304.0, 0.0
    for _ in range(200):
        point = stats.norm.isf(lot * holding / (penalty * 1300), mean, sd)
        lot = np.sqrt(2 * 1300 * (8 + penalty * loss(point, mean, sd)) / holding)
    assert (point, lot) == (pytest.approx(213.97044, abs=5e-5), pytest.approx(318.59018, abs=5e-5))
    cost = holding * (point - mean + lot / 2) + 8 * 1300 / lot + penalty * 1300 / lot * loss(point, mean, sd)
    assert cost == pytest.approx(95.45114, abs=5e-5)


def test_the_poisson_lot_and_point_of_snyder_shen_example_5_8():
    def hourly(level: int) -> float:
        demand = np.arange(60)
        chance = stats.poisson.pmf(demand, 3)
        return float((chance * np.where(level > demand, 20.0, -150.0) * (level - demand)).sum())

    def cost(point: int, lot: int) -> float:
        return (100 * 1.5 + sum(hourly(y) for y in range(point + 1, point + lot + 1))) / lot

    best = min((cost(r, q), r, q) for r in range(-2, 9) for q in range(1, 12))
    assert best == (pytest.approx(107.92358, abs=5e-6), 3, 5)


def test_the_reorder_point_and_level_of_snyder_shen_example_4_7_with_a_fixed_cost():
    pmf = stats.poisson.pmf(np.arange(200), 6)

    def period(level: int) -> float:
        gap = level - np.arange(200)
        return float((pmf * np.where(gap > 0, gap, -4 * gap)).sum())

    def cost(low: int, high: int) -> float:
        # Renewal: how often each position is visited between two orders.
        visits = np.zeros(high - low)
        visits[0] = 1 / (1 - pmf[0])
        for j in range(1, high - low):
            visits[j] = (pmf[1 : j + 1] @ visits[j - 1 :: -1][:j]) / (1 - pmf[0])
        spent = sum(visits[j] * period(high - j) for j in range(high - low))
        return float((5 + spent) / visits.sum())

    assert cost(4, 10) == pytest.approx(8.03411156, abs=5e-7)
    assert cost(6, 18) == pytest.approx(10.19379867, abs=5e-7)
    assert min((cost(s, t), s, t) for s in range(0, 8) for t in range(s + 1, 16))[1:] == (4, 10)


def test_the_lot_and_service_of_the_solution_sheet_to_chopra_meindl_example_11_4():
    sd = 150 * np.sqrt(2)
    short = loss(600, 500, sd)
    assert (sd, stats.norm.cdf(600, 500, sd)) == (pytest.approx(212.13, abs=5e-3), pytest.approx(0.6813, abs=5e-5))
    assert (short, 1 - short / 1000) == (pytest.approx(43.8613, abs=5e-5), pytest.approx(0.95614, abs=5e-6))
    point = optimize.brentq(lambda s: loss(s, 500, sd) - 20, 400, 1200)
    assert point == pytest.approx(698.1851, abs=5e-5)
    # The engine, two weeks without a review to speak of: units short a lot of 1000.
    need = build_need(steady(250, 150**2), supply(0, 2, 1e-3), lost=False)
    assert need.need.mean() == pytest.approx(500, rel=0.01)
    assert 1 - np.maximum(need.need - 600, 0).mean() / 1000 == pytest.approx(0.95614, abs=0.005)


def test_the_level_of_chopra_meindl_for_a_periodic_review():
    level = stats.norm.ppf(0.90, 15_000, 500 * np.sqrt(6))
    assert level == pytest.approx(16_569.57, abs=5e-3)
    need = build_need(steady(2500, 500**2), supply(0, 2, 4), lost=False)
    assert order(need, "cycle_service_level", 0.90) == pytest.approx(level, rel=0.003)


def test_the_exact_fill_rate_of_a_normal_periodic_review():
    over_all, before = loss(52, 50, 6 * np.sqrt(5)), loss(52, 30, 6 * np.sqrt(3))
    assert 1 - over_all / 20 == pytest.approx(0.77941, abs=5e-6)
    assert 1 - (over_all - before) / 20 == pytest.approx(0.78262, abs=5e-6)
    need = build_need(steady(10, 36), supply(0, 3, 2), lost=False)
    assert need.fill_rate(np.array([52.0])) == pytest.approx(0.78262, abs=0.012)


def test_reorder_points_of_stevenson_and_of_the_sauce():
    z = round(float(stats.norm.ppf(0.97)), 2)
    assert (z, z * 5, 50 + z * 5) == (1.88, pytest.approx(9.40), pytest.approx(59.40))
    assert 100 + 1.28 * 3 * np.sqrt(2) == pytest.approx(105.43, abs=5e-3)


def test_lead_times_in_doubt():
    spread = np.sqrt((7.166667 + 7) * 36 + 400 * 2.639444**2)
    assert stats.norm.ppf(0.95, 20 * (7.166667 + 7), spread) == pytest.approx(377.775246, abs=5e-4)
    assert np.quantile([5, 7, 6, 12, 5, 8], 0.95) == pytest.approx(11.0)
    # The spread of the lead time counts beside that of demand over lead time and review.
    assert 60 * 15 + 1.96 * np.sqrt(15 * 2**2 + 60**2 * 0.5**2) - 480 == pytest.approx(480.73, abs=5e-3)


def test_other_lots():
    # Backorders at 5: Q = sqrt(2KD/h) sqrt((h + b) / b). A rate of production of 2000: h (1 - D / rate).
    assert np.sqrt(2 * 8 * 1300 / 0.225 * 5.225 / 5) == pytest.approx(310.8125552, abs=5e-7)
    assert round(0.225 / 5.225, 7) == 0.0430622
    made = np.sqrt(2 * 8 * 1300 / (0.225 * (1 - 1300 / 2000)))
    assert made == pytest.approx(513.9328596, abs=5e-7)
    assert lot_cost(made, 8, 1300, 0.225 * 0.35) == pytest.approx(40.4722127, abs=5e-7)
    # All-units discounts: from 400 on .72, from 800 on .68.
    found = []
    for least, price in ((1, 0.75), (400, 0.72), (800, 0.68)):
        lot = max(least, float(economic_lot(*(np.array([float(x)]) for x in (8, 1300, 0.3 * price, 0, 0, 1e9)))[0]))
        found.append((price * 1300 + float(lot_cost(lot, 8, 1300, 0.3 * price)), lot))
    assert min(found) == (pytest.approx(978.60, abs=5e-3), 800)
