"""Published and enumerated sharings by hand, and the marginal rule against the model."""

import dataclasses

import numpy as np
import pytest
from scipy.stats import poisson

from planning.share import share
from planning.sharing import Pieces, Problem, broken_rules, check, missing_of, value_of

NONE = Pieces(np.zeros(0, int), np.zeros(0), np.zeros(0))


def pieces_of(curves):
    """Pieces from the worth of each unit by node: unit after unit."""
    return Pieces(
        np.concatenate([np.full(len(c), n) for n, c in curves.items()]).astype(int) if curves else np.zeros(0, int),
        np.ones(sum(len(c) for c in curves.values())),
        np.concatenate([np.asarray(c, float) for c in curves.values()]) if curves else np.zeros(0),
    )


def unit_worth(mean, stock, p, h, units):
    """Worth of each unit in: (p + h) P(D >= stock + n) - h."""
    return (p + h) * poisson.sf(stock + np.arange(1, units + 1) - 1, mean) - h


def unit_loss(mean, stock, p, h):
    """Loss of each unit out: (p + h) P(D >= stock - n + 1) - h."""
    return (p + h) * poisson.sf(stock - np.arange(1, stock + 1), mean) - h


def cost(mean, stock, p, h):
    d = np.arange(200)
    return float((poisson.pmf(d, mean) * (p * np.maximum(d - stock, 0) + h * np.maximum(stock - d, 0))).sum())


def problem_of(m, routes, takes, gives, **told):
    """A problem of one item whose nodes are locations of their own; told: what is not plain."""
    source, destination = (np.array(end, int) for end in zip(*routes, strict=True))
    r = len(source)
    plain = {
        "item": np.zeros(m, int), "location": np.arange(m), "takes": takes, "gives": gives, "pack": np.ones(m),
        "available": np.full((m, 1), np.inf), "least": np.zeros(m), "missing_price": np.zeros(m),
        "room": np.full(m, np.inf), "bulk": np.ones(m), "source": source, "destination": destination,
        "lane": np.arange(r), "date": np.zeros(r, int), "freight": np.zeros(r), "route_least": np.zeros(r),
        "fixed": np.full(r, np.nan), "lane_room": np.full(r, np.inf), "lane_cost": np.zeros(r),
    }  # fmt: skip
    return Problem(**{**plain, **told})


def depot(curves, supply, freight=0.0, **told):
    """Node 0 gives at no loss to nodes 1 ... n."""
    n = len(curves)
    available = np.zeros((n + 1, 1))
    available[0] = supply
    takes = pieces_of({j + 1: c for j, c in enumerate(curves)})
    gives = Pieces(np.zeros(1, int), np.array([float(supply) + 5]), np.zeros(1))
    routes = [(0, j + 1) for j in range(n)]
    told = {"available": available, "freight": np.broadcast_to(np.asarray(freight, float), (n,)).copy(), **told}
    return problem_of(n + 1, routes, takes, gives, **told)


STORES = ((1, 6, 10.0, 0.5, 1.0), (4, 8, 10.0, 0.5, 1.0), (0, 10, 12.0, 0.5, 2.0))


def three_stores(supply=14, units=20, **told):
    curves = [unit_worth(mean, stock, p, h, units) for stock, mean, p, h, _ in STORES]
    return depot(curves, supply, [c for *_, c in STORES], **told)


def base_cost():
    return sum(cost(mean, stock, p, h) for stock, mean, p, h, _ in STORES)


def coupled(problem):
    """The same problem with a shipment cost of next to nothing, so that the model must solve it."""
    return dataclasses.replace(problem, lane_cost=np.full(len(problem.lane_cost), 1e-9))


@pytest.mark.parametrize("change", [lambda p: p, coupled], ids=["rule", "model"])
def test_fourteen_units_to_three_stores(change):
    answer = share(change(three_stores()))
    assert answer.units.tolist() == [4, 2, 8]
    assert base_cost() == pytest.approx(210.650658, abs=1e-6)
    assert base_cost() - answer.outcome.objective == pytest.approx(90.872759, abs=1e-6)
    assert answer.outcome.status == "optimal"
    assert answer.outcome.gap == 0


def test_one_unit_more_or_less_at_the_source():
    value = {a: share(three_stores(a)).outcome.objective for a in (13, 14, 15)}
    assert value[14] - value[13] == pytest.approx(6.0069, abs=1e-4)
    assert value[15] - value[14] == pytest.approx(5.84, abs=1e-2)


def test_a_presentation_minimum_packs_of_two_or_a_cap_that_bind_nothing_change_nothing():
    least = np.array([0, 3.0, 0, 4.0])  # four on the shelf, where one, four and none are there
    assert share(three_stores(least=least, missing_price=np.full(4, 100.0))).units.tolist() == [4, 2, 8]
    assert share(three_stores(pack=np.full(4, 2.0))).units.tolist() == [4, 2, 8]
    assert share(three_stores(units=8)).units.tolist() == [4, 2, 8]
    assert share(three_stores(room=np.array([np.inf, 8.0, 8.0, 8.0]))).units.tolist() == [4, 2, 8]


def test_packs_of_different_sizes_trap_the_marginal_rule():
    curves = [unit_worth(mean, 0, 10, 0.2, 15) for mean in (4, 3, 6)]
    problem = depot(curves, 9, pack=np.array([0, 5.0, 3.0, 4.0]))
    trapped = np.array([0, 3.0, 4.0])
    assert value_of(problem, trapped) == pytest.approx(60.767693, abs=1e-6)
    for same in (problem, coupled(problem)):
        answer = share(same)
        assert answer.units.tolist() == [5, 0, 4]
        assert answer.outcome.objective == pytest.approx(73.238270, abs=1e-6)
        assert set(answer.way) == {"model"}


def transshipment(stock=(12, 1, 3), means=(4, 5, 6), *, freight_only=False):
    takes = pieces_of({j: unit_worth(means[j], stock[j], 10, 0.5, 14) for j in range(3)})
    gives = pieces_of({j: unit_loss(means[j], stock[j], 10, 0.5) for j in range(3)})
    routes = [(i, j) for i in range(3) for j in range(3) if i != j]
    freight = [[0, 1.5, 2], [1.5, 0, 1], [2, 1, 0]]
    return problem_of(
        3, routes, takes, gives, available=np.array(stock, float)[:, None],
        freight=np.array([freight[i][j] for i, j in routes]), lane_cost=np.full(6, 0.0 if freight_only else 4.0),
    )  # fmt: skip


def test_transfers_between_stores():
    problem = transshipment()
    answer = share(problem)
    before = sum(cost(mean, stock, 10, 0.5) for stock, mean in zip((12, 1, 3), (4, 5, 6), strict=True))
    moved = dict(
        zip(zip(problem.source.tolist(), problem.destination.tolist(), strict=True), answer.units, strict=True)
    )
    assert {k: v for k, v in moved.items() if v > 0} == {(0, 1): 4, (0, 2): 3}
    assert before == pytest.approx(74.933587, abs=1e-6)
    assert before - answer.outcome.objective == pytest.approx(44.139489, abs=1e-6)


def test_what_is_set_by_hand_stands_and_the_rest_moves():
    fixed = np.array([7.0, np.nan, np.nan])
    answer = share(three_stores(fixed=fixed))
    assert answer.units[0] == 7
    assert answer.units.sum() == 14
    assert not answer.notes


def test_more_set_by_hand_than_there_is_is_cut_and_told():
    answer = share(three_stores(fixed=np.array([10.0, np.nan, 9.0])))
    assert answer.units.tolist() in ([10, 0, 4], [5, 0, 9])
    assert len(answer.notes) == 1
    assert "by hand" in answer.notes[0]


def test_a_least_quantity_that_cannot_be_met_is_told():
    answer = share(three_stores(supply=2, least=np.array([0, 3.0, 3.0, 0]), missing_price=np.full(4, 100.0)))
    assert answer.units.sum() == 2
    assert answer.missing.sum() == pytest.approx(4)
    assert any("least" in note for note in answer.notes)


def test_nothing_to_share_is_an_answer():
    answer = share(three_stores(supply=0))
    assert answer.units.tolist() == [0, 0, 0]
    assert answer.outcome.objective == 0


def test_enough_for_all_is_met():
    answer = share(three_stores(supply=60))
    assert answer.way.tolist() == ["met"]


@pytest.mark.parametrize(
    ("told", "units", "rule"),
    [
        ({}, [4, 2, 9], "available"),
        ({}, [4, 2, 7.5], "pack"),
        ({"room": np.array([9, 3.0, 9, 9])}, [4, 0, 0], "room"),
        ({"lane_room": np.array([3.0, 9, 9])}, [4, 0, 0], "lane"),
        ({"route_least": np.full(3, 3.0)}, [2, 0, 0], "route_least"),
        ({"fixed": np.array([3.0, np.nan, np.nan])}, [4, 0, 0], "fixed"),
        ({}, [-1, 0, 0], "units"),
    ],
)
def test_each_broken_rule_is_named(told, units, rule):
    problem = three_stores(**told)
    assert broken_rules(problem, np.array(units, float)) == [rule]
    with pytest.raises(AssertionError, match=rule):
        check(problem, np.array(units, float))


def test_giving_and_taking_at_one_place_is_a_broken_rule():
    problem = transshipment()
    routes = list(zip(problem.source.tolist(), problem.destination.tolist(), strict=True))
    units = np.zeros(6)
    units[routes.index((0, 1))] = units[routes.index((1, 2))] = 1
    assert broken_rules(problem, units) == ["sides"]


def test_missing_units_cost_their_price():
    problem = three_stores(least=np.array([0, 3.0, 0, 0]), missing_price=np.full(4, 7.0))
    assert missing_of(problem, np.zeros(3)).tolist() == [0, 3, 0, 0]
    assert value_of(problem, np.zeros(3)) == -21


def separable(seed, packs=False, items=40, stores=5):
    """Items of one source each, with the numbers of a chain: no limit in common."""
    chance = np.random.default_rng(seed)
    m, n = items * (stores + 1), np.arange(items * (stores + 1))
    depots, shops = n[n % (stores + 1) == 0], n[n % (stores + 1) > 0]
    mean, stock = chance.uniform(0.5, 6, m), chance.integers(0, 4, m)
    p = chance.uniform(2, 20, m)
    takes = pieces_of({int(j): unit_worth(mean[j], stock[j], p[j], 0.3, 12) for j in shops})
    supply = chance.integers(0, 20, items).astype(float)
    available = np.zeros((m, 1))
    available[depots, 0] = supply
    pack = np.repeat(chance.integers(1, 4, items) if packs else np.ones(items), stores + 1).astype(float)
    routes = [(int(j) - int(j) % (stores + 1), int(j)) for j in shops]
    option = chance.uniform(0, 2, items)
    gives = Pieces(depots[supply > 0], supply[supply > 0], option[supply > 0])
    return problem_of(
        m, routes, takes, gives, item=n // (stores + 1), location=n % (stores + 1), available=available, pack=pack,
        freight=chance.uniform(0, 1, len(routes)), room=np.full(stores + 1, np.inf),
    )  # fmt: skip


@pytest.mark.parametrize("packs", [False, True])
def test_the_marginal_rule_gives_what_the_model_gives(packs):
    problem = separable(3, packs)
    rule, model = share(problem), share(coupled(problem))
    assert set(rule.way) <= {"greedy", "met"}
    assert "model" in set(model.way)
    check(problem, rule.units)
    np.testing.assert_array_equal(rule.units, model.units)
    assert rule.outcome.objective == pytest.approx(value_of(problem, model.units), abs=1e-9)


def test_any_fraction_is_shared_as_the_model_shares_it():
    problem = separable(4, items=15)
    problem = dataclasses.replace(problem, pack=np.zeros(len(problem.pack)), available=problem.available + 0.37)
    rule, model = share(problem), share(coupled(problem))
    check(problem, rule.units)
    assert set(rule.way) <= {"greedy", "met"}
    assert rule.outcome.objective == pytest.approx(value_of(problem, model.units), abs=1e-6)


def test_a_problem_without_routes_or_nodes_has_an_answer():
    whole = three_stores()
    none, floats = np.zeros(0, int), np.zeros(0)
    per_route = ("source", "destination", "lane", "date")
    bare = dataclasses.replace(
        whole, **dict.fromkeys(per_route, none), **dict.fromkeys(("freight", "route_least", "fixed"), floats)
    )
    answer = share(bare)
    assert len(answer.units) == 0
    assert answer.way.tolist() == ["greedy"]
    empty = Problem(
        item=none, location=none, takes=NONE, gives=NONE, available=np.zeros((0, 1)),
        **dict.fromkeys(per_route, none),
        **dict.fromkeys(("pack", "least", "missing_price", "room", "bulk", "freight", "route_least", "fixed"), floats),
        lane_room=floats, lane_cost=floats,
    )  # fmt: skip
    assert share(empty).outcome.status == "optimal"


def test_items_on_their_own_go_through_one_relaxation_as_they_would_alone():
    one = transshipment((9, 1, 11), (4, 12, 6), freight_only=True)  # two givers
    alone = share(one)
    m, r, many = 3, 6, 5
    n = np.arange(many)
    again = problem_of(
        m * many,
        [(3 * k + s, 3 * k + d) for k in n for s, d in zip(one.source, one.destination, strict=True)],
        *(
            Pieces(
                np.concatenate([pieces.node + 3 * k for k in n]),
                np.tile(pieces.width, many),
                np.tile(pieces.worth, many),
            )
            for pieces in (one.takes, one.gives)
        ),
        item=np.repeat(n, m),
        location=np.tile(np.arange(m), many),
        room=np.full(m, np.inf),
        available=np.tile(one.available, (many, 1)),
        freight=np.tile(one.freight, many),
    )
    answer = share(again)
    assert answer.way.tolist() == ["model"] * many
    assert answer.outcome.objective == pytest.approx(many * alone.outcome.objective)
    assert answer.units.reshape(many, r).sum() == pytest.approx(many * alone.units.sum())
