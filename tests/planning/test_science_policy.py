"""Checks of the policy that stand nowhere else: simulated costs of textbooks, the power approximation, perishables."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from planning.policy import Need, Supply, build_need, critical_ratio, find_levels
from tests.planning.test_policy import COLUMNS, order, steady, supply
from tests.planning.test_textbook import base_stock_cost, loss

# Snyder & Shen, example 4.4: 50 a period, sd 8, four periods of lead time, h .18, p .7.
LEVEL, LEAD, MEAN, SD, HOLDING, PENALTY = 264.7668944, 4, 50.0, 8.0, 0.18, 0.7


def base_stock(level: float, *, lost: bool, periods: int = 500, paths: int = 4000) -> tuple[float, float, float]:
    """Cost a period, chance of a period without a shortage, fill rate: receive, order up to `level`, demand, count."""
    random = np.random.default_rng(1)
    stock, coming = np.full(paths, level - MEAN * LEAD), np.full((LEAD, paths), MEAN)
    told = []
    for period in range(periods):
        slot = period % LEAD
        stock = stock + coming[slot]
        coming[slot] = 0.0
        coming[slot] = np.maximum(level - stock - coming.sum(axis=0), 0.0)
        demand = np.maximum(random.normal(MEAN, SD, paths), 0.0)
        missed = np.clip(demand - np.maximum(stock, 0.0), 0.0, demand)
        stock = stock - demand + (missed if lost else 0.0)
        if period >= 100:
            cost = HOLDING * np.maximum(stock, 0) + PENALTY * np.maximum(-stock, 0)
            told.append((cost.mean(), (missed == 0).mean(), 1 - missed.mean() / demand.mean()))
    return tuple(np.mean(told, axis=0))


def test_the_simulated_cost_of_snyder_shen_example_4_4():
    cost, without_shortage, filled = base_stock(LEVEL, lost=False)
    assert cost == pytest.approx(4.46678100, rel=0.005)
    assert cost == pytest.approx(4.474, rel=0.007)
    assert without_shortage == pytest.approx(0.7955, abs=0.002)
    assert pytest.approx(0.7955, abs=5e-5) == PENALTY / (HOLDING + PENALTY)
    assert filled == pytest.approx(0.959, abs=0.001)


def test_the_fill_rate_at_that_level_is_higher_where_demand_is_lost():
    over_all, before = (loss(LEVEL, MEAN * n, SD * np.sqrt(n)) for n in (LEAD + 1, LEAD))
    assert 1 - (over_all - before) / MEAN == pytest.approx(0.959, abs=5e-4)
    engine = build_need(steady(MEAN, SD**2), supply(0, LEAD, 1), lost=False).fill_rate(np.array([LEVEL]))
    assert engine == pytest.approx(0.959, abs=0.003)
    assert base_stock(LEVEL, lost=True)[2] == pytest.approx(0.984, abs=0.001)


def power_approximation(holding: float, penalty: float, fixed: float, mean: float, sd: float) -> tuple[float, float]:
    """Lot and reorder point of Ehrhardt & Mosier without a lead time."""
    lot = 1.30 * mean**0.494 * (fixed / holding) ** 0.506 * (1 + sd**2 / mean**2) ** 0.116
    z = np.sqrt(lot * holding / (sd * penalty))
    return lot, 0.973 * mean + sd * (0.183 / z + 1.063 - 2.192 * z)


def test_the_power_approximation_of_snyder_shen_example_4_8():
    lot, point = power_approximation(HOLDING, PENALTY, 2.5, MEAN, SD)
    assert point == pytest.approx(40.19461696, abs=5e-8)
    assert point + lot == pytest.approx(74.29017011, abs=5e-8)
    # A lot below one and a half periods' demand: the authors cap both at the level without a fixed cost.
    assert lot / MEAN < 1.5
    base = stats.norm.ppf(PENALTY / (HOLDING + PENALTY), MEAN, SD)
    assert min(point + lot, base) == pytest.approx(56.60395593, abs=5e-8)
    # Capped, an order every period costs no more than the published level does.
    assert base_stock_cost(base, MEAN, SD, HOLDING, PENALTY) < base_stock_cost(74.29017011, MEAN, SD, HOLDING, PENALTY)


def test_the_cost_of_a_lot_with_backorders_of_snyder_shen_example_3_8():
    lot, short = 310.8125552, 0.0430622
    held = 0.225 * lot * (1 - short) ** 2 / 2 + 5 * lot * short**2 / 2
    assert 8 * 1300 / lot + held == pytest.approx(66.9213636, abs=5e-7)
    assert np.sqrt(2 * 8 * 1300 * 0.225 * 5 / 5.225) == pytest.approx(66.9213636, abs=5e-8)


def test_the_safety_stock_of_chopra_meindl_for_a_periodic_review():
    assert stats.norm.ppf(0.90) * 500 * np.sqrt(6) == pytest.approx(1569.57, abs=5e-3)


def test_a_fill_rate_of_a_lot_counts_what_the_lot_before_left():
    # Solution sheet to Chopra & Meindl, example 11-4: the usual form counts a shortage that a high lot makes good.
    mean, sd, point, lot = 500, 150 * np.sqrt(2), 600, 1000
    exact = 1 - (loss(point, mean, sd) - loss(point + lot, mean, sd)) / lot
    assert exact == pytest.approx(0.95614, abs=5e-6)
    small = 1 - (loss(point, mean, sd) - loss(point + 100, mean, sd)) / 100
    assert small > 1 - loss(point, mean, sd) / 100 + 0.1


def test_a_lead_time_of_five_or_fifteen_days():
    parts = [(0.8, 5), (0.2, 15)]

    def level(p: float) -> float:
        def gap(x: float) -> float:
            return sum(w * stats.norm.cdf(x, 20 * days, 6 * np.sqrt(days)) for w, days in parts) - p

        return float(optimize.brentq(gap, 0, 600))

    mean = sum(w * 20 * days for w, days in parts)
    spread = np.sqrt(sum(w * (36 * days + (20 * days - mean) ** 2) for w, days in parts))
    assert (level(0.95), level(0.70)) == (pytest.approx(315.674, abs=5e-4), pytest.approx(115.434, abs=5e-4))
    normal = [stats.norm.ppf(p, mean, spread) for p in (0.95, 0.70)]
    assert normal == [pytest.approx(274.154, abs=5e-4), pytest.approx(182.770, abs=5e-4)]
    # The engine draws from the mixture: below the normal where most lead times are short, above it in the tail.
    shape = np.array([[-0.5, -0.5, -0.5, -0.5, 2.0]])
    plain = supply(0, 7, 1e-9, sd=4)
    need = build_need(steady(20, 36), Supply(*(getattr(plain, name) for name in COLUMNS), lead_shape=shape), lost=False)
    assert order(need, "cycle_service_level", 0.70) == pytest.approx(115.434, abs=1)


# Perishables: batches leave by their last day, the oldest first.


def first_expiring_first_out(
    batches: list[tuple[int, float]], per_day: float, days: int
) -> tuple[dict[int, float], float, dict[int, float]]:
    """Units wasted by day, units left and units short by day; a batch may be sold on its last day."""
    left = sorted([last, units] for last, units in batches)
    wasted: dict[int, float] = {}
    short: dict[int, float] = {}
    for day in range(1, days + 1):
        wanted = per_day
        for batch in left:
            sold = min(wanted, batch[1]) if batch[0] >= day else 0.0
            batch[1] -= sold
            wanted -= sold
        if wanted > 0:
            short[day] = wanted
        gone = sum(batch[1] for batch in left if batch[0] == day)
        if gone:
            wasted[day] = gone
        left = [batch for batch in left if batch[0] > day]
    return wasted, sum(batch[1] for batch in left), short


def test_what_expires_is_wasted_and_what_comes_after_is_short():
    batches = [(3, 10.0), (10, 20.0)]
    assert first_expiring_first_out(batches, 4, 6) == ({}, 6, {})
    wasted, left, short = first_expiring_first_out(batches, 2, 12)
    assert (wasted, left) == ({3: 4, 10: 6}, 0)
    assert short == {11: 2, 12: 2}
    assert sum(short.values()) == 4


# Laws that science, 11 asks for.


def level_of(need: Need, target: float) -> float:
    return order(need, "cycle_service_level", target)


@given(st.floats(1, 60), st.floats(1.5, 4), st.integers(0, 20), st.integers(1, 14), st.floats(0.85, 0.98))
@settings(max_examples=30)
def test_two_independent_halves_hold_the_square_root_of_two_as_much_safety_stock(mean, ratio, lead, review, target):
    # A gamma of half the mean at the same variance a unit: its safety stock goes about with the root of the mean.
    whole, half = (
        level_of(build_need(steady(m * 20, m * 20 * ratio), supply(0, lead, review), lost=False), target)
        - 20 * m * (lead + review)
        for m in (mean, mean / 2)
    )
    assert 2 * half == pytest.approx(np.sqrt(2) * whole, rel=0.1)


@given(st.floats(0.5, 50), st.integers(0, 20), st.integers(1, 14), st.floats(0.5, 0.99))
def test_a_day_more_of_lead_time_is_a_day_of_certain_demand(per_day, lead, review, target):
    one, other = (
        level_of(build_need(steady(per_day, 0), supply(0, days, review), lost=False), target)
        for days in (lead, lead + 1)
    )
    assert other - one == pytest.approx(per_day, rel=1e-6)
    assert one == pytest.approx(per_day * (lead + review), rel=1e-6)


@given(st.floats(0.5, 50), st.floats(1.0, 5), st.integers(0, 10), st.integers(1, 10), st.booleans())
def test_the_fill_rate_rises_with_the_order_up_to_one(per_day, ratio, lead, review, lost):
    need = build_need(steady(per_day, per_day * ratio), supply(0, lead, review), lost=lost)
    most = float(need.need.max()) + 1
    found = [need.fill_rate(np.array([most * share]))[0] for share in np.linspace(0, 1, 15)]
    assert (np.diff(found) >= -1e-9).all()
    assert found[-1] == pytest.approx(1)


@given(st.floats(0.01, 1000), st.sampled_from(["fill_rate", "cycle_service_level", "cost"]))
def test_the_currency_changes_no_critical_ratio(rate, measure):

    short, held, review = np.array([3.5]), np.array([0.01]), np.array([7.0])
    one, other = critical_ratio(short, held, review), critical_ratio(short * rate, held * rate, review)
    assert other == pytest.approx(one)
    need = build_need(steady(10, 30), supply(5, 4, 7), lost=True)
    orders = [find_levels(need, measure, np.array([0.95]), ratio, np.zeros(1)).order[0] for ratio in (one, other)]
    assert orders[0] == pytest.approx(orders[1], rel=1e-6)
