"""The efficient frontier: the trap of the budget, enumeration, laws, and the policy that it is set beside."""

import itertools
import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from planning import frontier, pipeline
from planning.frontier import Climb, Exchange, Ladder, Tradeoff, build_exchange, build_ladder, climb, compare
from planning.params import Params
from planning.policy import Need
from tests.benchmarks import made

LAST = 40


def poisson_ladder(items: list[tuple[float, float, float]]) -> Ladder:
    """Unit steps of lines with a Poisson need: (mean, cost, weight). The n-th unit saves P(D >= n)."""
    units = np.arange(1, LAST + 1)
    saved = np.array([stats.poisson.sf(units - 1, mean) for mean, _, _ in items])
    cost, worth = (np.array([item[k] for item in items], float) for k in (1, 2))
    return Ladder(np.ones(saved.shape), saved, worth, cost)


def lost(ladder: Ladder, units: np.ndarray, means: np.ndarray) -> float:
    saved = [ladder.saved[row, : int(n)].sum() for row, n in enumerate(units)]
    return float(((means - np.array(saved)) * ladder.worth).sum())


def enumerated(ladder: Ladder, means: np.ndarray, budget: float, most: int) -> tuple[float, tuple[int, ...]]:
    """The least loss of all whole plans within the budget, by trying each."""
    best = (np.inf, ())
    for units in itertools.product(range(most + 1), repeat=len(means)):
        if np.dot(units, ladder.cost) <= budget + 1e-9:
            best = min(best, (lost(ladder, np.array(units), means), units))
    return best


# The trap of the specification, §3.6: items (mean, cost, weight) = (3, 10, 5), (5, 4, 2), (2, 25, 20).
TRAP = poisson_ladder([(3, 10, 5), (5, 4, 2), (2, 25, 20)])
MEANS = np.array([3.0, 5.0, 2.0])
ONE = np.ones(3)


def test_greedy_takes_118_of_the_budget_of_120_and_is_told_as_what_it_is():
    units = climb(TRAP).units_at(120, lot=ONE)
    assert units.tolist() == [4, 7, 2]
    assert units @ TRAP.cost == 118
    assert lost(TRAP, units, MEANS) == pytest.approx(12.934571, abs=5e-7)


def test_the_best_of_that_budget_by_enumeration_lies_below_greedy():
    value, units = enumerated(TRAP, MEANS, 120, 12)
    assert units == (2, 6, 3)
    assert value == pytest.approx(11.591623, abs=5e-7)


def test_greedy_is_the_best_at_every_budget_that_it_spends_to_the_last_coin():
    found = climb(TRAP)
    for budget in found.spent[found.spent <= 160]:
        units = found.units_at(float(budget), lot=ONE)
        assert units @ TRAP.cost == pytest.approx(budget)
        assert lost(TRAP, units, MEANS) == pytest.approx(enumerated(TRAP, MEANS, float(budget), 14)[0])


def test_no_plan_of_any_budget_beats_the_line_through_the_steps():
    """Between two steps the curve counts the part that is paid: no whole plan does better."""
    found = climb(TRAP)
    for budget in range(0, 161, 7):
        best, _ = enumerated(TRAP, MEANS, budget, 12)
        assert float((MEANS * TRAP.worth).sum()) - found.saved_by(budget) <= best + 1e-9


@given(
    st.lists(st.tuples(st.floats(0.2, 4), st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=3),
    st.integers(0, 40),
)
def test_greedy_against_enumeration(items, budget):
    ladder, means = poisson_ladder(items), np.array([item[0] for item in items])
    found = climb(ladder)
    units = found.units_at(budget, lot=np.ones(len(items)))
    assert units @ ladder.cost <= budget + 1e-9
    exact = found.spent[found.spent <= budget]
    if len(exact):
        last = float(exact[-1])
        best, _ = enumerated(ladder, means, last, 20)
        assert lost(ladder, found.units_at(last), means) == pytest.approx(best, abs=1e-9)
        assert lost(ladder, units, means) <= best + 1e-9


def test_what_a_service_costs_is_the_way_back():
    found = climb(TRAP)
    for money in (0.0, 33.3, 118.0, 150.0):
        assert found.money_for(found.saved_by(money)) == pytest.approx(money, abs=1e-6)
    assert np.isnan(found.money_for(1e6))
    assert found.money_for(-1.0) == 0.0


def test_a_free_line_comes_first_and_a_pack_is_one_step():
    ladder = Ladder(
        np.array([[6.0, 6.0], [1.0, 1.0]]), np.array([[3.0, 0.5], [0.9, 0.1]]), np.ones(2), np.array([2, 0])
    )
    found = climb(ladder)
    assert found.row.tolist() == [1, 1, 0, 0]
    assert found.units_at(12.0).tolist() == [6, 2]
    assert found.units_at(11.0, lot=np.array([6.0, 1.0])).tolist() == [0, 2]
    assert found.units_at(18.0).tolist() == [9, 2]


# --- over an assortment -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def base():
    params = Params(library_fits=0)
    return pipeline.prepare(made.tables(60, weeks=60), made.AS_OF, params)


def proposed_order(base, exchange: Exchange, params: Params) -> np.ndarray:
    policy = pipeline.finish(base, made.AS_OF, params).policy
    return policy["buffer_units"].to_numpy()[exchange.rows] + exchange.need.mean


def built(base, params: Params, value: str = "units", steps: int = 1000) -> tuple[Exchange, Climb]:
    exchange = build_exchange(base, params)
    return exchange, climb(build_ladder(exchange, value, steps))


@pytest.mark.parametrize("unmet", ["lost", "backordered"])
@pytest.mark.parametrize("value", frontier.VALUES)
@pytest.mark.parametrize("target", [0.85, 0.95, 0.99])
def test_no_policy_of_one_target_beats_the_frontier(unmet, value, target):
    params = Params(library_fits=0, unmet_demand=unmet, service_target=target)
    base = pipeline.prepare(made.tables(40, weeks=60), made.AS_OF, params)
    exchange, steps = built(base, params, value)
    trade = Tradeoff(value, exchange, steps, frontier.policy_curve(base, params, exchange, value), 40)
    told = compare(trade, trade.order(pipeline.finish(base, made.AS_OF, params).policy))
    slack = 1e-9
    assert told.best["stock"] == pytest.approx(told.proposed["stock"])
    assert told.best["kept"] >= told.proposed["kept"] - slack
    assert told.least_stock <= told.proposed["stock"] * (1 + slack)
    for point in told.policy.itertuples():
        on_curve = np.interp(point.stock, told.curve["stock"], told.curve["kept"])
        # Only so many points of the curve are told.
        assert on_curve >= point.kept - 2e-3
    assert told.curve["stock"].is_monotonic_increasing
    assert told.curve["kept"].is_monotonic_increasing


def test_stock_and_service_are_those_of_the_plan(base):
    params = Params(library_fits=0)
    exchange, _ = built(base, params)
    plan = pipeline.finish(base, made.AS_OF, params)
    order = proposed_order(base, exchange, params)
    now = exchange.point(order)
    cost = base.positions.column("unit_cost")
    assert now["stock"] == pytest.approx((plan.policy["mean_stock_units"].to_numpy() * cost)[exchange.rows].sum())
    told = plan.service_curve.set_index("service_target").loc[0.95]
    assert now["fill_rate"] == pytest.approx(told["expected_fill_rate"])
    assert now["lost_margin_per_year"] == pytest.approx(told["lost_margin_per_year"])
    curve = frontier.policy_curve(base, params, exchange, "units").set_index("service_target")
    assert curve.loc[0.95, "stock"] == pytest.approx(told["stock_value"])


def test_the_frontier_tells_what_its_orders_come_to(base):
    """Oracle: the orders that the money buys, put through the needs themselves."""
    params = Params(library_fits=0)
    exchange, steps = built(base, params)
    ground = exchange.stock(exchange.start).sum()
    for money in steps.spent[[3, 50, 400]]:
        order = exchange.start + steps.units_at(float(money))
        told = exchange.point(order)
        assert told["stock"] == pytest.approx(ground + money)
        saved = exchange.point(exchange.start)["lost_units_per_year"] - told["lost_units_per_year"]
        assert saved == pytest.approx(steps.saved_by(float(money)))


def test_fewer_steps_hardly_change_the_curve(base):
    params = Params(library_fits=0)
    exchange, exact = built(base, params)
    thin = climb(build_ladder(exchange))
    for money in exact.spent[:: max(1, len(exact.spent) // 20)]:
        assert thin.saved_by(float(money)) == pytest.approx(exact.saved_by(float(money)), rel=0.01, abs=1.0)


@pytest.mark.parametrize("measure", ["fill_rate", "cycle_service_level"])
def test_the_targets_of_a_budget_make_a_policy_of_that_budget(base, measure):
    params = Params(library_fits=0, service_measure=measure)
    trade = frontier.build_tradeoff(base, params)
    exchange, steps = trade.exchange, trade.steps
    order = proposed_order(base, exchange, params)
    budget = exchange.point(order)["stock"]
    targets = frontier.targets_at(trade, order, budget, measure)
    assert targets["service_target"].between(0, 1).all()
    find = exchange.need.order_for_fill_rate if measure == "fill_rate" else exchange.need.order_for_cycle_service
    again = exchange.point(np.maximum(find(targets["service_target"].to_numpy()), exchange.start))
    best = steps.saved_by(budget - exchange.stock(exchange.start).sum())
    assert again["stock"] == pytest.approx(budget, rel=0.03)
    saved = exchange.point(exchange.start)["lost_units_per_year"] - again["lost_units_per_year"]
    assert saved == pytest.approx(best, rel=0.03)


def test_a_selection_has_a_frontier_of_its_own(base):
    some = base.network.keys[base.network.keys["location_id"].isin(["S01", "S02"])]
    params = Params(library_fits=0)
    exchange = build_exchange(base, params, some)
    assert set(exchange.keys["location_id"]) == {"S01", "S02"}
    whole = build_exchange(base, params)
    inside = whole.keys["location_id"].isin(["S01", "S02"]).to_numpy()
    assert exchange.demand_per_year.tolist() == whole.demand_per_year[inside].tolist()
    nothing = frontier.build_tradeoff(base, params, keys=some.iloc[:0])
    assert nothing.steps.saved_by(10.0) == 0.0
    assert compare(nothing, np.zeros(0)).lines == 0


def test_a_line_without_a_cost_stays_as_it_is():
    tables = made.tables(40, weeks=60)
    unknown = tables["items"]["item_id"].iloc[0]
    tables["items"].loc[0, "unit_cost"] = np.nan
    params = Params(library_fits=0)
    base = pipeline.prepare(tables, made.AS_OF, params)
    trade = frontier.build_tradeoff(base, params)
    mine = (trade.exchange.keys["item_id"] == unknown).to_numpy()
    assert mine.any()
    assert not np.isin(trade.steps.row, np.flatnonzero(mine)).any()
    order = proposed_order(base, trade.exchange, params)
    targets = frontier.targets_at(trade, order, trade.exchange.point(order)["stock"], "fill_rate")
    kept = trade.exchange.need.fill_rate(order)[mine]
    assert targets["service_target"].to_numpy()[mine] == pytest.approx(np.minimum(kept, frontier.HIGHEST), abs=1e-4)


def test_without_any_cost_stock_is_in_units():
    tables = made.tables(20, weeks=60)
    tables["items"]["unit_cost"] = np.nan
    params = Params(library_fits=0)
    bare = pipeline.prepare(tables, made.AS_OF, params)
    exchange, steps = built(bare, params, "margin")
    assert not exchange.in_money
    assert len(steps.row)
    assert exchange.point(exchange.start)["stock"] == pytest.approx(exchange.cycle.sum())


def test_thirty_thousand_lines_take_less_than_a_second():
    chance = np.random.default_rng(3)
    n, m = 30_000, 505
    mean = chance.lognormal(1, 1, n)
    points = np.sort(chance.gamma(2.0, 0.5, (n, m)) * mean[:, None], axis=1)
    need = Need(points, None, mean, np.zeros(n), np.zeros(n), 0.0)
    _ = need.tail
    cost, margin = chance.lognormal(2, 1, n), chance.lognormal(1, 1, n)
    keys = pd.DataFrame({"item_id": np.arange(n).astype(str), "location_id": "X"})
    exchange = Exchange(np.arange(n), keys, need, need.mean, mean / 2, mean * 52, cost, margin, mean, in_money=True)
    seconds = []
    for _ in range(2):
        start = time.perf_counter()
        steps = climb(build_ladder(exchange, "margin"))
        seconds.append(time.perf_counter() - start)
    assert len(steps.row) > n
    assert min(seconds) < 2.0  # 0.5 s where nothing else runs
