"""Fair sharing: shares worked by hand, a plain loop as the oracle, laws."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from scipy.stats import poisson

from planning.sharing import Answer, Pieces, Problem, check
from planning.sharing_fair import (
    Service,
    equal_days,
    equal_service,
    floored,
    proportional,
    remaining,
    set_by_hand,
)
from planning.solver import Outcome

NAN = np.nan
BY_NODE = ("item", "location", "pack", "available", "least", "missing_price", "bulk")
BY_ROUTE = ("source", "destination", "lane", "date", "freight", "route_least", "fixed")


def warehouse(
    supply: list[float],
    takes: list[list[float]],
    *,
    pack: float = 0.0,
    room: list[float] | None = None,
    lane_room: list[float] | None = None,
    fixed: list[float] | None = None,
    route_least: float = 0.0,
) -> Problem:
    """One warehouse and stores: `supply` by item, `takes` by item and store; node of item i at store j: i * n + j."""
    items, n = len(supply), len(takes[0]) + 1
    m = items * n
    location = np.tile(np.arange(n), items)
    store, source = np.flatnonzero(location > 0), np.flatnonzero(location == 0)
    width = np.array(takes, float).ravel()
    available = np.zeros((m, 1))
    available[source, 0] = supply
    r = len(store)
    return Problem(
        item=np.repeat(np.arange(items), n),
        location=location,
        takes=Pieces(store[width > 0], width[width > 0], np.ones((width > 0).sum())),
        gives=Pieces(source, np.full(items, 1e6), np.zeros(items)),
        pack=np.where(location > 0, pack, 0.0),
        available=available,
        least=np.zeros(m),
        missing_price=np.zeros(m),
        room=np.array([np.inf, *(room or [np.inf] * (n - 1))]),
        bulk=np.ones(m),
        source=np.repeat(source, n - 1),
        destination=store,
        lane=location[store] - 1,
        date=np.zeros(r, int),
        freight=np.zeros(r),
        route_least=np.full(r, route_least),
        fixed=np.array(fixed if fixed is not None else [NAN] * r, float),
        lane_room=np.array(lane_room or [np.inf] * (n - 1), float),
        lane_cost=np.zeros(n - 1),
    )


def several(sources: dict[tuple[int, int], list[float]], routes: list[tuple[int, int, int]], stores: int) -> Problem:
    """One item: stores are nodes 0.., sources stand after them with what they have by date; routes (s, d, date)."""
    m = stores + len(sources)
    dates = max(len(given) for given in sources.values())
    available = np.zeros((m, dates))
    for k, given_ in enumerate(sources.values()):
        available[stores + k] = given_
    s, d, t = np.array(routes).T
    r = len(routes)
    return Problem(
        item=np.zeros(m, int),
        location=np.arange(m),
        takes=Pieces(np.arange(stores), np.full(stores, 1e4), np.ones(stores)),
        gives=Pieces(np.arange(stores, m), np.full(m - stores, 1e4), np.zeros(m - stores)),
        pack=np.zeros(m),
        available=available,
        least=np.zeros(m),
        missing_price=np.zeros(m),
        room=np.full(m, np.inf),
        bulk=np.ones(m),
        source=s + stores,
        destination=d,
        lane=np.zeros(r, int),
        date=t,
        freight=np.zeros(r),
        route_least=np.zeros(r),
        fixed=np.full(r, NAN),
        lane_room=np.array([np.inf]),
        lane_cost=np.zeros(1),
    )


def at_stores(values: list[float], items: int = 1) -> np.ndarray:
    """Numbers of the stores of `warehouse`, 0 for the warehouse."""
    by_item = np.array(values, float).reshape(items, -1)
    return np.column_stack([np.zeros(items), by_item]).ravel()


def poisson_service(means: np.ndarray, levels: np.ndarray) -> Service:
    """Units for a chance to serve all of a Poisson demand; nothing where there is none."""
    units = np.where(means[:, None] > 0, poisson.ppf(levels, np.maximum(means, 1e-9)[:, None]), 0.0)
    return Service(levels, np.maximum(units, 0.0))


def value_of_nothing(problem: Problem) -> Answer:
    """A stand-in for sharing by value: it sends nothing."""
    r = len(problem.source)
    return Answer(np.zeros(r), Outcome("optimal", 0.0, 0.0), np.array(["met"]), np.zeros(len(problem.item)))


# By hand


def test_500_over_demands_of_200_250_and_350_is_the_published_split():
    units = proportional(warehouse([500], [[1e3] * 3]), at_stores([200, 250, 350]))
    np.testing.assert_allclose(units, [125, 156.25, 218.75])
    whole = proportional(warehouse([500], [[1e3] * 3], pack=1), at_stores([200, 250, 350]))
    np.testing.assert_array_equal(whole, [125, 156, 219])


@pytest.mark.parametrize(
    ("supply", "stock", "rate", "level", "expected"),
    [
        (14, [1, 4, 0], [6, 8, 10], 0.7916667, [3.75, 2.3333333, 7.9166667]),
        (5, [1, 12, 0], [6, 8, 10], 0.375, [1.25, 0, 3.75]),
    ],
)
def test_equal_days_are_those_of_the_specification(supply, stock, rate, level, expected):
    units = equal_days(warehouse([supply], [[1e3] * 3]), at_stores(stock), at_stores(rate))
    np.testing.assert_allclose(units, expected, rtol=1e-7)
    raised = units > 0
    np.testing.assert_allclose((np.array(stock) + units)[raised] / np.array(rate)[raised], level, rtol=1e-6)


def test_a_hundred_to_stores_of_0_20_and_200_that_sell_10_a_day_are_60_40_and_0():
    problem = warehouse([100], [[1e3] * 3], pack=1)
    units = equal_days(problem, at_stores([0, 20, 200]), at_stores([10, 10, 10]))
    np.testing.assert_array_equal(units, [60, 40, 0])


def test_what_is_set_by_hand_stands_first_and_the_rest_is_shared_among_the_others():
    problem = warehouse([100], [[1e3] * 3], pack=1, fixed=[30, NAN, NAN])
    units = equal_days(problem, at_stores([0, 20, 200]), at_stores([10, 10, 10]))
    np.testing.assert_array_equal(units, [30, 70, 0])


def test_stock_that_is_owed_counts_as_less_than_nothing():
    units = equal_days(warehouse([20], [[1e3] * 2]), at_stores([-10, 0]), at_stores([10, 10]))
    np.testing.assert_allclose(units, [15, 5])


def test_what_a_room_does_not_hold_goes_to_the_others():
    units = equal_days(warehouse([30], [[1e3] * 3], room=[4, np.inf, np.inf]), at_stores([0] * 3), at_stores([1] * 3))
    np.testing.assert_allclose(units, [4, 13, 13])


def test_a_room_is_shared_by_items_at_one_level():
    # Room for 6 at the first store: 2 and 4 units are 2 days of both; 10 units of the first item are left for the
    # second store, which takes 8 of the second item's.
    problem = warehouse([12, 12], [[1e3] * 2] * 2, room=[6, np.inf])
    units = equal_days(problem, np.zeros(6), at_stores([1, 1, 2, 1], items=2))
    np.testing.assert_allclose(units, [2, 10, 4, 8])


def test_what_a_lane_does_not_carry_goes_to_the_others():
    problem = warehouse([12, 12], [[1e3] * 2] * 2, lane_room=[6, np.inf])
    units = equal_days(problem, np.zeros(6), at_stores([1, 1, 2, 1], items=2))
    np.testing.assert_allclose(units, [2, 10, 4, 8])


def test_packs_that_are_left_go_to_the_worst_off():
    # 17 units in packs of 5: by fractions 8.5 each, so one pack each, and the third to the one with the least days.
    units = equal_days(warehouse([17], [[1e3] * 2], pack=5), at_stores([1, 0]), at_stores([1, 1]))
    np.testing.assert_array_equal(units, [5, 10])


def test_a_source_that_only_one_store_can_reach_is_left_to_it():
    # The first source feeds stores 0 and 1, the second 1 and 2, so that all could have 20 days.
    problem = several({(0, 0): [30], (1, 0): [30]}, [(0, 0, 0), (0, 1, 0), (1, 1, 0), (1, 2, 0)], stores=3)
    units = equal_days(problem, np.zeros(5), np.array([1.0, 1, 1, 0, 0]))
    np.testing.assert_allclose(problem.into(units)[:3], 20, atol=1e-3)
    assert units.sum() == pytest.approx(60)


def test_stores_that_wait_for_a_later_date_are_not_forgotten():
    # 10 today and 10 more tomorrow; the third store can be reached tomorrow only.
    routes = [(0, d, t) for d in range(3) for t in range(2) if (d, t) != (2, 0)]
    problem = several({(0, 0): [10, 20]}, routes, stores=3)
    units = equal_days(problem, np.zeros(4), np.array([1.0, 1, 1, 0]))
    np.testing.assert_allclose(problem.into(units)[:3], 20 / 3)
    check(problem, units)


def test_a_store_gives_only_what_it_has_above_the_level():
    # Stores of 12, 1 and 3 that sell 4, 5, 6 a day: 16 / 15 days for all; the first gives 12 - 4 x 16/15.
    problem = replace(
        several({(0, 0): [0]}, [(-3, 1, 0), (-3, 2, 0), (-2, 0, 0), (-2, 2, 0), (-1, 0, 0), (-1, 1, 0)], 3),
        gives=Pieces(np.arange(3), np.array([12.0, 1, 3]), np.zeros(3)),
        available=np.array([[12.0], [1], [3], [0]]),
    )
    units = equal_days(problem, np.array([12.0, 1, 3, 0]), np.array([4.0, 5, 6, 0]))
    check(problem, units)
    held = np.array([12.0, 1, 3, 0]) + problem.into(units) - problem.out_of(units)
    np.testing.assert_allclose(held[:3] / [4, 5, 6], 16 / 15, rtol=1e-6)


def test_a_route_carries_its_least_or_nothing():
    units = equal_days(warehouse([10], [[1e3] * 2], pack=1, route_least=8), at_stores([0, 1]), at_stores([1, 1]))
    np.testing.assert_array_equal(units, [10, 0])


def test_by_hand_is_cut_to_the_stock_the_room_and_the_lane():
    by_hand = set_by_hand(warehouse([10], [[1e3] * 3], fixed=[8, 8, 8]))
    assert sorted(by_hand) == [0, 2, 8]
    by_hand = set_by_hand(warehouse([99], [[1e3] * 3], fixed=[8, 8, 8], room=[3, 99, 99], lane_room=[99, 5, 99]))
    np.testing.assert_allclose(by_hand, [3, 5, 8])


def test_equal_service_is_the_same_chance_for_all_and_lexicographic_beyond_it():
    # Curves straight from 0 to (1, units): a chance of 1/2 costs 5, 10 and 15; the first takes 2 at most, what it
    # leaves raises the other two together: 28 of 50.
    service = Service(np.array([0.0, 1.0]), np.array([[0.0, 0], [0, 10], [0, 20], [0, 30]]))
    units = equal_service(warehouse([30], [[2, 99, 99]]), np.zeros(4), service)
    np.testing.assert_allclose(units, [2, 28 * 0.4, 28 * 0.6])


def test_equal_service_serves_the_worst_served_as_well_as_enumeration():
    levels = np.array([0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99])
    means = at_stores([6, 8, 10])
    service = Service(levels, np.column_stack([np.zeros(4), *(means * q * 2 for q in levels[1:])]))
    stock, store = at_stores([1, 4, 0]), np.arange(1, 4)
    units = equal_service(warehouse([14], [[20] * 3], pack=1), stock, service)
    best = max(
        min(service.level(store, stock[1:] + np.array([a, b, 14 - a - b]))) for a in range(15) for b in range(15 - a)
    )
    assert min(service.level(store, stock[1:] + units)) == pytest.approx(best)
    assert units.sum() == 14


def test_a_floor_comes_first_and_value_after_it():
    service = Service(np.array([0.0, 1.0]), np.array([[0.0, 0], [0, 10], [0, 10]]))
    problem = warehouse([30], [[20, 20]], pack=1)

    def to_the_first(rest: Problem) -> Answer:
        assert rest.available[0, 0] == 20
        np.testing.assert_allclose(rest.takes.total(3), [0, 15, 15])
        return replace(value_of_nothing(rest), units=np.array([15.0, 5.0]))

    answer = floored(problem, np.zeros(3), service, 0.5, to_the_first)
    np.testing.assert_array_equal(answer.units, [20, 10])
    assert answer.outcome.objective == 30
    check(problem, answer.units)


def test_a_floor_beyond_the_supply_is_shared_by_equal_service():
    service = Service(np.array([0.0, 1.0]), np.array([[0.0, 0], [0, 10], [0, 20]]))
    answer = floored(warehouse([9], [[99, 99]]), np.zeros(3), service, 0.9, value_of_nothing)
    np.testing.assert_allclose(answer.units, [3, 6])


def test_what_remains_is_a_problem_of_its_own():
    problem = warehouse([10], [[8, 8]], lane_room=[6, 6], room=[7, 7], fixed=[2, NAN])
    problem = replace(problem, lane_cost=np.array([5.0, 5.0]), least=at_stores([4, 4]))
    rest = remaining(problem, np.array([2.0, 0]))
    np.testing.assert_allclose(rest.lane_room, [4, 6])
    np.testing.assert_allclose(rest.lane_cost, [0, 5])
    np.testing.assert_allclose(rest.room[1:], [5, 7])
    np.testing.assert_allclose(rest.least, [0, 2, 4])
    np.testing.assert_array_equal(rest.fixed, [0, NAN])


@st.composite
def networks(draw: st.DrawFn) -> tuple[Problem, np.ndarray, np.ndarray]:
    """One item; one to three sources with stock at up to two dates, one to four stores, routes at random."""
    stores, count, dates = draw(st.integers(1, 4)), draw(st.integers(1, 3)), draw(st.integers(1, 2))
    unit = st.integers(0, 30).map(float)
    has = {(k, 0): sorted(draw(st.lists(unit, min_size=dates, max_size=dates))) for k in range(count)}
    ways = [(s, d, t) for s in range(count) for d in range(stores) for t in range(dates)]
    routes = draw(st.lists(st.sampled_from(ways), min_size=1, unique=True))
    stock = np.array([*draw(st.lists(unit, min_size=stores, max_size=stores)), *[0.0] * count])
    rate = np.array(
        [*draw(st.lists(st.sampled_from([1.0, 2.0, 5.0]), min_size=stores, max_size=stores)), *[0.0] * count]
    )
    return several(has, sorted(routes), stores), stock, rate


@given(networks())
@settings(max_examples=150, deadline=None)
def test_the_worst_off_of_several_sources_is_as_well_off_as_a_linear_program_finds(network):
    problem, stock, rate = network
    units = equal_days(problem, stock, rate)
    check(problem, units)
    reached = np.unique(problem.destination)
    r, dates = len(problem.source), problem.available.shape[1]
    supply = [
        (np.append((problem.source == s) & (problem.date <= t), 0.0), problem.available[s, t])
        for s in np.unique(problem.source)
        for t in range(dates)
    ]
    # stock + into >= level x rate, for those who can be given anything; the others hold what they hold.
    held = [(np.append(-1.0 * (problem.destination == d), rate[d]), stock[d]) for d in reached]
    rows, bounds = zip(*supply, *held, strict=True)
    best = linprog(np.append(np.zeros(r), -1.0), np.array(rows, float), bounds, bounds=[(0, None)] * r + [(None, None)])
    level = ((stock + problem.into(units))[reached] / rate[reached]).min()
    assert level == pytest.approx(-best.fun, abs=1e-3)


@given(networks(), st.sampled_from([1.0, 4.0]), st.sampled_from([np.inf, 11.0]))
@settings(max_examples=60, deadline=None)
def test_packs_dates_and_lanes_from_several_sources_are_kept(network, pack, lane_room):
    problem, stock, rate = network
    problem = replace(problem, pack=np.full(len(stock), pack), lane_room=np.array([lane_room]))
    check(problem, equal_days(problem, stock, rate))
    check(problem, proportional(problem, rate))


@given(st.lists(st.integers(0, 30), min_size=2, max_size=5), st.sampled_from([0.0, 1.0, 3.0]), st.data())
@settings(max_examples=60, deadline=None)
def test_among_stores_nobody_gives_and_takes_and_the_worst_off_only_gains(stock, pack, data):
    n = len(stock)
    held = np.array([*stock, 0], float)
    rate = np.array([*data.draw(st.lists(st.sampled_from([1.0, 2.0, 5.0]), min_size=n, max_size=n)), 0.0])
    ways = [(s - n, d, 0) for s in range(n) for d in range(n) if s != d]
    problem = replace(
        several({(0, 0): [0]}, ways, n),
        gives=Pieces(np.arange(n), held[:n] + 0.5, np.zeros(n)),
        available=held[:, None],
        pack=np.full(n + 1, pack),
    )
    units = equal_days(problem, held, rate)
    check(problem, units)
    after = held + problem.into(units) - problem.out_of(units)
    assert (after[:n] / rate[:n]).min() >= (held[:n] / rate[:n]).min() - 1e-6
    if not pack:
        np.testing.assert_allclose(after[:n] / rate[:n], held[:n].sum() / rate.sum(), atol=1e-3)


# Nothing to share, odd numbers


def test_no_demand_no_stock_no_routes_are_no_shares():
    problem = warehouse([10], [[5, 5]])
    assert equal_days(problem, np.zeros(3), np.zeros(3)).sum() == 0
    assert equal_days(problem, np.full(3, NAN), np.full(3, NAN)).sum() == 0
    assert equal_days(warehouse([0], [[5, 5]]), np.zeros(3), np.ones(3)).sum() == 0
    assert equal_days(warehouse([10], [[0, 0]]), np.zeros(3), np.ones(3)).sum() == 0
    assert equal_days(warehouse([10], [[5, 5]], pack=20), np.zeros(3), np.ones(3)).sum() == 0
    none = replace(
        problem,
        **{
            k: getattr(problem, k)[:0]
            for k in ["source", "destination", "lane", "date", "freight", "route_least", "fixed"]
        },
    )
    assert equal_days(none, np.zeros(3), np.ones(3)).shape == (0,)


def test_rates_that_differ_by_eleven_digits_are_shared_exactly():
    units = equal_days(warehouse([100], [[1e3] * 3]), np.zeros(4), at_stores([1e-8, 1000, 1]))
    assert units.sum() == pytest.approx(100, rel=1e-9)
    np.testing.assert_allclose(units[1:], [100 * 1000 / 1001, 100 / 1001], rtol=1e-6)


# Laws


@st.composite
def shops(draw: st.DrawFn) -> tuple[Problem, np.ndarray, np.ndarray]:
    items, stores = draw(st.integers(1, 3)), draw(st.integers(1, 4))

    def some(values: st.SearchStrategy[float], k: int) -> list[float]:
        return draw(st.lists(values, min_size=k, max_size=k))

    unit = st.integers(0, 40).map(float)
    pack = draw(st.sampled_from([0.0, 1.0, 3.0, 5.0]))
    limit = st.one_of(st.just(np.inf), unit)
    fixed = st.one_of(st.just(NAN), st.just(NAN), st.just(NAN), st.integers(0, 9).map(float))
    problem = warehouse(
        some(unit, items),
        np.array(some(unit, items * stores)).reshape(items, stores).tolist(),
        pack=pack,
        room=some(limit, stores),
        lane_room=some(limit, stores),
        fixed=some(fixed, items * stores),
        route_least=draw(st.sampled_from([0.0, 0.0, 4.0])),
    )
    stock = at_stores(some(st.integers(-5, 30).map(float), items * stores), items)
    rate = at_stores(some(st.sampled_from([0.0, 0.5, 1.0, 2.0, 7.0]), items * stores), items)
    return problem, stock, rate


def shared(problem: Problem, stock: np.ndarray, rate: np.ndarray) -> list[np.ndarray]:
    levels = np.array([0, 0.3, 0.5, 0.7, 0.9, 0.95, 0.99])
    service = poisson_service(rate * 3, levels)
    return [
        equal_days(problem, stock, rate),
        proportional(problem, rate),
        equal_service(problem, stock, service),
        floored(problem, stock, service, 0.6, value_of_nothing).units,
    ]


@given(shops())
@settings(max_examples=150, deadline=None)
def test_every_rule_keeps_every_limit(shop):
    problem, stock, rate = shop
    for units in shared(problem, stock, rate):
        check(problem, units)


@given(shops())
@settings(max_examples=60, deadline=None)
def test_nothing_more_fits(shop):
    problem, stock, rate = shop
    problem = replace(problem, route_least=np.zeros(len(problem.source)))
    units = equal_days(problem, stock, rate)
    into = problem.into(units)
    d, s = problem.destination, problem.source
    pack = np.maximum(problem.pack[d], 1e-3)
    filled = np.bincount(problem.location, into, minlength=len(problem.room))
    carried = np.bincount(problem.lane, units, minlength=len(problem.lane_room))
    more = (
        np.isnan(problem.fixed)
        & (rate[d] > 0)
        & (into[d] + pack <= problem.takes.total(len(into))[d])
        & (problem.out_of(units)[s] + pack <= problem.available[s, 0])
        & (filled[problem.location[d]] + pack <= problem.room[problem.location[d]])
        & (carried[problem.lane] + pack <= problem.lane_room[problem.lane])
    )
    assert not more.any()


@given(shops())
@settings(max_examples=60, deadline=None)
def test_who_has_no_demand_gets_nothing_but_what_is_set_by_hand(shop):
    problem, stock, rate = shop
    units = equal_days(problem, stock, rate)
    assert (units[(rate[problem.destination] == 0) & np.isnan(problem.fixed)] == 0).all()


@given(shops(), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_the_order_of_routes_and_of_nodes_changes_nothing(shop, chance):
    problem, stock, rate = shop
    plain = shared(problem, stock, rate)
    routes = np.array(chance.sample(range(len(problem.source)), len(problem.source)), int)
    nodes = np.array(chance.sample(range(len(problem.item)), len(problem.item)), int)
    to = np.argsort(nodes)
    moved = renumbered(problem, nodes, to, routes)
    for before, after in zip(plain, shared(moved, stock[nodes], rate[nodes]), strict=True):
        np.testing.assert_allclose(after, before[routes], atol=1e-6)


def renumbered(problem: Problem, nodes: np.ndarray, to: np.ndarray, routes: np.ndarray) -> Problem:
    def pieces(old: Pieces) -> Pieces:
        order = np.argsort(to[old.node], kind="stable")
        return Pieces(to[old.node][order], old.width[order], old.worth[order])

    by_node = {
        k: getattr(problem, k)[nodes]
        for k in ["item", "location", "pack", "available", "least", "missing_price", "bulk"]
    }
    by_route = {k: getattr(problem, k)[routes] for k in BY_ROUTE}
    ends = {k: to[by_route[k]] for k in ("source", "destination")}
    return replace(problem, takes=pieces(problem.takes), gives=pieces(problem.gives), **by_node, **(by_route | ends))


@given(
    st.lists(st.tuples(st.integers(-5, 20), st.sampled_from([0.0, 0.3, 1.0, 4.0]), st.integers(0, 30)), min_size=1),
    st.integers(0, 60),
    st.integers(0, 30),
)
@settings(max_examples=100, deadline=None)
def test_more_supply_never_gives_anyone_less(stores, supply, more):
    stock, rate, most = (at_stores([s[k] for s in stores]) for k in range(3))
    before, after = (
        equal_days(warehouse([given_], [most[1:].tolist()]), stock, rate) for given_ in (supply, supply + more)
    )
    assert (after >= before - 1e-6).all()


@given(st.integers(1, 6), st.integers(0, 60), st.sampled_from([0.0, 1.0, 4.0]))
@settings(max_examples=40, deadline=None)
def test_equal_stores_get_equal_shares_within_a_pack(stores, supply, pack):
    problem = warehouse([supply], [[1e3] * stores], pack=pack)
    units = equal_days(problem, at_stores([3] * stores), at_stores([2] * stores))
    assert units.max() - units.min() <= pack + 1e-6
    assert units.sum() == pytest.approx(supply if not pack else supply // pack * pack)


def plain_days(stock: list[float], rate: list[float], most: list[float], supply: float) -> list[float]:
    """Equal days by a plain loop: the lowest rise to the next ones, time and again."""
    units = [0.0] * len(stock)
    while supply > 1e-12:
        free = [k for k in range(len(stock)) if rate[k] > 0 and units[k] < most[k] - 1e-12]
        if not free:
            break
        level = {k: (stock[k] + units[k]) / rate[k] for k in free}
        low = min(level.values())
        lowest = [k for k in free if level[k] <= low + 1e-12]
        stops = [level[k] for k in free if k not in lowest] + [(stock[k] + most[k]) / rate[k] for k in lowest]
        rise = min(min(stops) - low, supply / sum(rate[k] for k in lowest))
        for k in lowest:
            units[k] += rise * rate[k]
        supply -= rise * sum(rate[k] for k in lowest)
    return units


@given(
    st.lists(
        st.tuples(st.integers(-5, 20), st.sampled_from([0.0, 0.25, 1.0, 4.0]), st.integers(0, 30)),
        min_size=1,
        max_size=6,
    ),
    st.integers(0, 60),
)
@settings(max_examples=150, deadline=None)
def test_equal_days_are_those_of_a_plain_loop(stores, supply):
    stock, rate, most = ([float(s[k]) for s in stores] for k in range(3))
    units = equal_days(warehouse([supply], [most]), at_stores(stock), at_stores(rate))
    np.testing.assert_allclose(units, plain_days(stock, rate, most, supply), atol=1e-5)


@given(st.lists(st.integers(0, 40), min_size=2, max_size=2), st.lists(st.floats(0, 50), min_size=1, max_size=20))
@settings(max_examples=60, deadline=None)
def test_level_and_held_of_a_service_curve_are_each_others_inverse(means, held):
    service = poisson_service(np.array(means, float), np.array([0, 0.1, 0.3, 0.5, 0.8, 0.9, 0.99]))
    held = np.array(held)
    for node in range(2):
        rows = np.full(len(held), node)
        level = service.level(rows, held)
        assert (service.held(rows, level) <= held + 1e-6).all()
        inside = held < service.units[node, -1]
        np.testing.assert_allclose(service.held(rows, level)[inside], held[inside], atol=1e-6)
