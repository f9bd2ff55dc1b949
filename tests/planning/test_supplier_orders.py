"""One supplier's orders: the published instance, full enumeration, the rules checked outside the model."""

import itertools

import numpy as np
import pulp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planning.solver import solve
from planning.supplier_greedy import greedy_orders, split_budget
from planning.supplier_instance import Instance, broken_rules, build_instance, most_useful, run_course, total_cost
from planning.supplier_orders import cyclic_joint_replenishment, plan_supplier, plan_suppliers
from tests.planning.test_pipeline import certain, planned, table


def published() -> Instance:
    """The development case of the science: two items, three buckets."""
    return build_instance(
        demand=[[20, 30, 25], [10, 10, 40]],
        stock=[25, 15],
        receipts=[[0, 0, 10], [0, 0, 0]],
        pack=[10, 12],
        unit_cost=[4, 6],
        holding=[0.2, 0.3],
        lost_penalty=[9, 12],
        safety_penalty=[0.5, 0.5],
        safety_stock=[5, 4],
        order_cost=15,
        line_cost=3,
        minimum_value=150,
        budget=400,
        max_order=[60, 72],
    )


def enumerated(instance: Instance, highest: np.ndarray) -> float:
    """Return the least cost of all lawful orders of up to `highest` packs, by plain loops; inf: none is lawful."""
    cells = list(np.ndindex(*highest.shape))
    best = np.inf
    for packs in itertools.product(*(range(int(highest[cell]) + 1) for cell in cells)):
        units = np.zeros(highest.shape)
        for (i, t), count in zip(cells, packs, strict=True):
            units[i, t] = count * instance.pack[i]
        cost = cost_by_hand(instance, units)
        best = min(best, cost)
    return best


def cost_by_hand(instance: Instance, units: np.ndarray) -> float:
    cost = 0.0
    stock = list(instance.stock)
    for t in range(units.shape[1]):
        value = sum(instance.unit_cost[i] * units[i, t] for i in range(len(stock)))
        volume = sum(instance.volume[i] * units[i, t] for i in range(len(stock)))
        placed = any(units[i, t] > 0 for i in range(len(stock)))
        if placed:
            cost += instance.order_cost[t]
            if value < instance.minimum_value[t] - 1e-9 or value > instance.budget[t] + 1e-9:
                return np.inf
        if np.isfinite(instance.container_volume):
            used = int(np.ceil(volume / instance.container_volume - 1e-9))
            if used > instance.most_containers or volume < instance.least_fill[t] * used * instance.container_volume:
                return np.inf
            cost += instance.container_cost * used
        for i in range(len(stock)):
            if 0 < units[i, t] < instance.moq[i]:
                return np.inf
            cost += instance.line_cost[i] * (units[i, t] > 0)
            available = stock[i] + instance.receipts[i, t] + units[i, t]
            served = min(available, instance.demand[i, t])
            stock[i] = available - served
            cost += instance.lost_penalty[i] * (instance.demand[i, t] - served) + instance.holding[i] * stock[i]
            cost += instance.safety_penalty[i] * max(instance.safety_stock[i, t] - stock[i], 0)
    return float(cost)


def test_the_published_case_costs_50_5_as_full_enumeration_found():
    plan = plan_supplier(published(), within=0)
    assert plan.cost == pytest.approx(50.5)
    assert plan.units.tolist() == [[0, 40, 0], [0, 12, 36]]
    assert (plan.status, plan.gap) == ("optimal", pytest.approx(0, abs=1e-6))
    assert cost_by_hand(published(), plan.units) == pytest.approx(50.5)
    # All of up to six packs, most of which the least value or the budget refuses.
    assert enumerated(published(), np.minimum(most_useful(published()) / np.array([[10], [12]]), 6)) == plan.cost


SMALL_INTS = st.integers(0, 12)


@st.composite
def tiny(draw: st.DrawFn, *, terms: bool = True) -> Instance:
    n, buckets = draw(st.sampled_from([(1, 2), (2, 2), (1, 3), (2, 3)]))
    row = st.lists(SMALL_INTS, min_size=buckets, max_size=buckets)
    each = {"min_size": n, "max_size": n}
    told: dict[str, object] = {}
    if terms:
        told["minimum_value"] = draw(st.sampled_from([0, 0, 20, 60]))
        told["budget"] = draw(st.sampled_from([np.inf, 90, 40]))
        if draw(st.booleans()):
            told |= {"container_volume": draw(st.sampled_from([8.0, 20.0])), "container_cost": 3.0, "volume": 1.0}
            told |= {"least_fill": draw(st.sampled_from([0.0, 0.7])), "most_containers": 2}
    return build_instance(
        demand=draw(st.lists(row, **each)),
        stock=draw(st.lists(SMALL_INTS, **each)),
        receipts=draw(st.lists(st.lists(st.sampled_from([0, 0, 5]), min_size=buckets, max_size=buckets), **each)),
        pack=draw(st.lists(st.sampled_from([4.0, 6.0]), **each)),
        moq=draw(st.lists(st.sampled_from([0.0, 7.0]), **each)),
        unit_cost=draw(st.lists(st.sampled_from([1.0, 3.0, 5.0]), **each)),
        holding=draw(st.lists(st.sampled_from([0.1, 0.4]), **each)),
        lost_penalty=draw(st.lists(st.sampled_from([2.0, 9.0]), **each)),
        safety_stock=draw(st.lists(st.sampled_from([0.0, 3.0]), **each)),
        safety_penalty=0.3,
        order_cost=draw(st.sampled_from([0.0, 4.0, 15.0])),
        line_cost=draw(st.sampled_from([0.0, 2.0])),
        **told,
    )


@settings(max_examples=60, deadline=None)
@given(tiny())
def test_the_model_costs_what_full_enumeration_finds(instance):
    plan = plan_supplier(instance, within=0, nodes=2000)
    best = enumerated(instance, np.round(most_useful(instance) / instance.pack[:, None]))
    assert plan.cost == pytest.approx(best, abs=1e-5)
    assert plan.cost <= plan.greedy_cost + 1e-6
    assert plan.bound <= best + 1e-5
    assert broken_rules(instance, plan.units) == []


@settings(max_examples=15, deadline=None)
@given(tiny(terms=False))
def test_without_terms_more_than_is_useful_never_costs_less(instance):
    useful = np.round(most_useful(instance) / instance.pack[:, None])
    if useful.size <= 4:
        assert enumerated(instance, useful + 1) == pytest.approx(enumerated(instance, useful))


def wide(seed: int, **terms: object) -> Instance:
    chance = np.random.default_rng(seed)
    n, buckets = 20, 8
    rate = chance.lognormal(2, 1, n)
    told: dict[str, object] = {"minimum_value": 200.0, "order_cost": 60.0}
    return build_instance(
        demand=np.round(rate[:, None] * chance.uniform(0.5, 1.5, (n, buckets))),
        stock=np.round(rate * chance.uniform(0, 3, n)),
        pack=chance.choice([1.0, 6.0, 12.0], n),
        moq=np.where(chance.random(n) < 0.3, 12.0, 0.0),
        max_stock=np.where(chance.random(n) < 0.2, 8 * rate + 24, np.inf),
        unit_cost=chance.uniform(1, 10, n),
        volume=1.0,
        holding=0.02,
        lost_penalty=chance.uniform(1, 5, n),
        safety_stock=np.round(rate / 2),
        safety_penalty=0.4,
        line_cost=1.0,
        **(told | terms),
    )


TERMS = ({}, {"budget": 900.0}, {"container_volume": 150.0, "container_cost": 20.0, "least_fill": 0.8})


@pytest.mark.parametrize("terms", TERMS)
def test_a_larger_answer_is_lawful_never_dearer_than_greedy_and_tells_its_gap(terms):
    instance = wide(3, **terms)
    plan = plan_supplier(instance, nodes=5)
    assert broken_rules(instance, plan.units) == []
    assert plan.cost <= plan.greedy_cost
    assert plan.bound <= plan.cost
    assert 0 <= plan.gap < 0.2
    assert plan.status in ("optimal", "within_gap", "node_limit")
    course = run_course(instance, plan.units)
    flows = instance.stock + (instance.receipts + plan.units - instance.demand + course.lost).sum(axis=1)
    assert course.stock[:, -1] == pytest.approx(flows)


def test_the_same_instance_has_the_same_answer_whoever_runs_it():
    instances = [wide(1), wide(2)]
    one, two = plan_suppliers(instances, nodes=5), plan_suppliers(instances, nodes=5)
    assert all((a.units == b.units).all() for a, b in zip(one, two, strict=True))


def test_with_more_lines_than_asked_for_the_greedy_orders_stand():
    plan = plan_supplier(wide(1), most_integers=10)
    assert (plan.status, plan.from_model) == ("greedy", False)
    assert plan.cost == plan.greedy_cost == total_cost(wide(1), greedy_orders(wide(1), thorough=False))


def test_what_is_firm_stands_and_the_minimum_is_reached_by_what_is_needed_soonest():
    instance = build_instance(
        demand=[[10, 10, 10], [10, 30, 10]],
        stock=[0, 0],
        unit_cost=[1, 1],
        holding=[0.1, 0.1],
        lost_penalty=[5, 5],
        minimum_value=[35, 0, 0],
        firm=[10, 10],
    )
    plan = plan_supplier(instance, within=0)
    # Fifteen more, all of them wanted in the second bucket; none is bought two buckets ahead.
    assert plan.units[:, 0].sum() == 35
    assert plan.units[:, 1:].sum() == 45
    assert plan.cost == pytest.approx(1.5)


def test_what_is_firm_but_can_never_reach_the_minimum_is_told_as_infeasible():
    instance = build_instance(
        demand=[[10, 5]], stock=[0], unit_cost=[1], holding=[0.1], lost_penalty=[5], minimum_value=[99, 0], firm=[10]
    )
    plan = plan_supplier(instance)
    assert plan.status == "infeasible"
    assert plan.units.tolist() == [[10, 0]]


def test_broken_rules_are_named():
    instance, none = published(), np.zeros((2, 3))
    assert broken_rules(instance, none) == []
    some = none.copy()
    some[0, 1] = 15
    assert broken_rules(instance, some) == ["broken packs", "below the least value of an order"]
    some[0, 1] = 90
    assert broken_rules(instance, some) == ["more than is useful or allowed"]


def test_an_instance_refuses_what_is_no_number_or_not_known():
    with pytest.raises(ValueError, match="stock"):
        build_instance(demand=[[1]], stock=[np.nan], unit_cost=1, holding=1, lost_penalty=1)
    with pytest.raises(ValueError, match="colour"):
        build_instance(demand=[[1]], stock=[1], unit_cost=1, holding=1, lost_penalty=1, colour=1)


def test_a_budget_goes_to_the_suppliers_whose_units_are_worth_most_and_none_is_left_below_its_minimum():
    def supplier(penalty: float, least: float) -> Instance:
        return build_instance(
            demand=[[10, 0]], stock=[0], unit_cost=[2], holding=[0.1], lost_penalty=[penalty], minimum_value=least
        )

    assert split_budget([supplier(9, 0), supplier(3, 0)], 30).tolist() == [20, 10]
    assert split_budget([supplier(9, 0), supplier(3, 15)], 30).tolist() == [30, 0]
    assert split_budget([supplier(9, 0), supplier(3, 0)], 0).tolist() == [0, 0]
    assert split_budget([supplier(9, 0), supplier(3, 0)], 80).sum() == pytest.approx(80)


def test_a_search_that_stops_at_its_nodes_tells_so():
    chance = np.random.default_rng(0)
    problem = pulp.LpProblem("hard", pulp.LpMaximize)
    take = [problem.add_variable(f"t_{i}", 0, 1, cat=pulp.LpInteger) for i in range(40)]
    weights = chance.integers(100, 999, (8, 40))
    for row in weights:
        problem += pulp.lpSum(int(w) * t for w, t in zip(row, take, strict=True)) <= int(row.sum() // 2)
    problem.setObjective(pulp.lpSum(int(v) * t for v, t in zip(chance.integers(100, 999, 40), take, strict=True)))
    outcome = solve(problem, nodes=1)
    assert outcome.status == "node_limit"
    assert outcome.gap > 0


def test_cyclic_joint_replenishment_of_silver_as_published():
    found = cyclic_joint_replenishment(600, np.array([120, 840, 300]), np.array([160, 20, 50]), np.ones(3))
    assert found.time == pytest.approx(3.103164454)
    assert found.multiples.tolist() == [1, 3, 1]
    assert found.cost == pytest.approx(837.8544026)


# In the plan: demand of 10 a day for certain, two weeks' lead time, a review a week, 70 to order today.


def ordered(items: dict[str, object], terms: dict[str, object], **params: object) -> tuple[float, dict[str, float]]:
    found = planned(
        certain(
            items=table({"item_id": "a", "unit_cost": 2.0, "unit_price": 4.0, "supplier_id": "v"} | items),
            suppliers=table({"supplier_id": "v", "lead_time_days": 14.0, "lead_time_sd_days": 0.0} | terms),
        ),
        **params,
    )
    steps = found.waterfall.set_index("step")["units"]
    return float(found.orders["quantity"].sum()), {k: v for k, v in steps.items() if v and k in CHANGES}


CHANGES = ("supplier minimum", "container", "budget", "order multiple")


def test_a_supplier_without_terms_changes_nothing():
    assert ordered({}, {}) == (70, {})
    assert ordered({}, {"order_cost": 0.0}) == (70, {})


def test_a_container_is_filled_from_what_is_needed_next():
    assert ordered({"volume": 1.0}, {"container_volume": 100.0}) == (80, {"container": 10})
    # Full enough, and one that no need within coverage fills.
    assert ordered({"volume": 1.0}, {"container_volume": 75.0}) == (70, {})
    assert ordered({"volume": 1.0}, {"container_volume": 1000.0}) == (70, {})


def test_an_order_cost_that_is_dearer_than_holding_brings_the_next_order_forward():
    # A week of 70 units at 2 holds for 0.54 at 20 % a year.
    assert ordered({}, {"order_cost": 0.5}) == (70, {})
    assert ordered({}, {"order_cost": 5.0}) == (140, {"supplier minimum": 70})
    assert ordered({"max_order": 100.0}, {"order_cost": 5.0})[0] <= 100


def test_a_minimum_beyond_coverage_is_reached_by_days_of_demand():
    assert ordered({}, {"min_order_value": 200.0}) == (100, {"supplier minimum": 30})
    assert ordered({}, {"min_order_value": 500.0}) == (250, {"supplier minimum": 180})
    assert ordered({"order_multiple": 12.0}, {"min_order_value": 200.0})[0] % 12 == 0
