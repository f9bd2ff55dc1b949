"""What bound a sharing, what one more would be worth: the specification's numbers, solving all anew as the oracle."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import poisson

from planning.share import share
from planning.sharing import Answer, Pieces, Problem, check, value_of
from planning.sharing_fair import equal_days, proportional
from planning.sharing_limits import Limits, cut_out, find_limits, with_more_stock
from planning.solver import Outcome


def stores(curves: list[list[float]], supply: float, **told: object) -> Problem:
    """One item: a warehouse, node 0, and stores with the worth of each unit, a lane each."""
    n = len(curves)
    available = np.zeros((n + 1, 1))
    available[0] = supply
    plain = Problem(
        item=np.zeros(n + 1, int),
        location=np.arange(n + 1),
        takes=units_worth({j + 1: curve for j, curve in enumerate(curves)}),
        gives=Pieces(np.zeros(1, int), np.array([supply + 100.0]), np.zeros(1)),
        pack=np.array([0.0] + [1.0] * n),
        available=available,
        least=np.zeros(n + 1),
        missing_price=np.zeros(n + 1),
        room=np.full(n + 1, np.inf),
        bulk=np.ones(n + 1),
        source=np.zeros(n, int),
        destination=np.arange(1, n + 1),
        lane=np.arange(n),
        date=np.zeros(n, int),
        freight=np.zeros(n),
        route_least=np.zeros(n),
        fixed=np.full(n, np.nan),
        lane_room=np.full(n, np.inf),
        lane_cost=np.zeros(n),
    )
    return replace(plain, **told)


def units_worth(curves: dict[int, list[float]]) -> Pieces:
    """Pieces of one unit each."""
    node = np.concatenate([np.full(len(curve), n) for n, curve in curves.items()]).astype(int)
    return Pieces(node, np.ones(len(node)), np.concatenate([np.asarray(c, float) for c in curves.values()]))


def limits(problem: Problem, **told: object) -> Limits:
    return find_limits(problem, share(problem), share=share, **told)


SPECIFIED = ((1, 6, 10.0), (4, 8, 10.0), (0, 10, 12.0))
COSTS = np.array([1.0, 1.0, 2.0])


def specified(supply: float = 14, **told: object) -> Problem:
    curves = [(p + 0.5) * poisson.sf(stock + np.arange(20), mean) - 0.5 for stock, mean, p in SPECIFIED]
    return stores([c.tolist() for c in curves], supply, **({"freight": COSTS} | told))


def test_the_14th_unit_is_worth_6_0069_and_the_15th_5_84():
    found = limits(specified())
    assert np.nanmin(found.last) == pytest.approx(6.0069, abs=1e-4)
    assert np.nanmax(found.refused) == pytest.approx(5.8398, abs=1e-4)
    assert found.source.worth[0] == pytest.approx(5.8398, abs=1e-4)
    assert found.source.exact.all()
    assert found.bound.tolist() == ["", "source", "source", "source"]


def test_the_same_by_solving_anew():
    # A limit that is next to none takes the item from the marginal rule to the model.
    found = limits(specified(lane_cost=np.full(3, 1e-9)))
    assert found.source.worth[0] == pytest.approx(5.8398, abs=1e-4)
    assert found.source.exact[0]


def test_without_a_way_to_solve_anew_it_is_indicative():
    problem = specified(lane_cost=np.full(3, 1e-9))
    found = find_limits(problem, share(problem))
    assert found.source.worth[0] == pytest.approx(5.8398, abs=1e-4)
    assert not found.source.exact[0]


def test_a_keeper_s_loss_is_taken_off():
    problem = specified(gives=Pieces(np.zeros(1, int), np.array([99.0]), np.array([2.0])))
    found = limits(problem)
    assert np.nanmin(found.last) == pytest.approx(4.0069, abs=1e-4)
    assert found.source.worth[0] == pytest.approx(3.8398, abs=1e-4)


def test_an_empty_source_and_one_that_keeps_a_reserve():
    problem = stores([[5, 4], [3, 2]], 2)
    assert limits(problem).bound.tolist() == ["", "", "source"]
    assert limits(problem, reserve=np.array([9.0, 0, 0])).bound.tolist() == ["", "", "reserve"]


def test_what_is_not_worth_it_is_told_whether_or_not_there_is_more():
    assert limits(stores([[5, 4, -1]], 9)).bound[1] == "worth"
    assert limits(stores([[5, 4, -1]], 2)).bound[1] == "worth"


def test_a_room_a_lane_a_pack_a_least_transfer_a_shipment_and_hands():
    curve = [[9.0, 8, 7, 6], [1.0, 1, 1, 1]]

    def bound(**told: object) -> str:
        return str(limits(stores(curve, 20, **told)).bound[1])

    assert bound() == ""
    assert bound(room=np.array([np.inf, 3, np.inf])) == "room"
    assert bound(lane_room=np.array([2.0, np.inf])) == "lane"
    assert bound(pack=np.array([0, 3.0, 1])) == "pack"
    assert bound(route_least=np.array([5.0, 0])) == "least"
    assert bound(lane_cost=np.array([31.0, 0])) == "shipment"
    assert bound(lane_cost=np.array([29.0, 0])) == ""
    assert bound(fixed=np.array([1.0, np.nan])) == "fixed"
    assert limits(stores([curve[0], [-1.0]], 2, pack=np.array([0, 3.0, 1]))).bound[1] == "pack"


def test_one_more_of_room_and_one_more_truck():
    curve = [[9.0, 8, 7, 6], [1.0, 1, 1, 1]]
    found = limits(stores(curve, 20, room=np.array([np.inf, 3, np.inf])))
    assert found.room.worth.tolist() == [0, 6, 0]
    assert found.room.exact.all()
    # A second truck of two: 7 + 6.
    found = limits(stores(curve, 20, lane_room=np.array([2.0, np.inf])))
    assert found.lane.worth[0] == pytest.approx(13)
    assert found.lane.exact[0]
    # The lane that does not pay brings 30 before it is paid for.
    found = limits(stores(curve, 20, lane_cost=np.array([31.0, 0])))
    assert found.lane.worth[0] == pytest.approx(30)


def test_what_it_takes_from_others_is_counted():
    # Room for one at the better store: a second unit there takes one from the other, 8 for 5.
    found = limits(stores([[9.0, 8], [5.0, 4]], 2, room=np.array([np.inf, 1, np.inf])))
    assert found.room.worth[1] == pytest.approx(3)
    indicative = find_limits(
        stores([[9.0, 8], [5.0, 4]], 2, room=np.array([np.inf, 1, np.inf])),
        share(stores([[9.0, 8], [5.0, 4]], 2, room=np.array([np.inf, 1, np.inf]))),
    )
    assert indicative.room.worth[1] == pytest.approx(3)
    assert not indicative.room.exact[1]


def test_a_unit_more_is_worth_nothing_until_it_makes_a_pack():
    curve = [[9.0] * 10]
    assert limits(stores(curve, 3, pack=np.array([0, 5.0]))).source.worth[0] == 0
    assert limits(stores(curve, 4, pack=np.array([0, 5.0]))).source.worth[0] == pytest.approx(45)


def test_packs_of_different_sizes_are_solved_anew_at_once():
    curves = [[10.2 * poisson.sf(n, mean) - 0.2 for n in range(15)] for mean in (4, 3, 6)]
    value = {a: share(mixed(curves, a)).outcome.objective for a in range(8, 14)}
    assert value[9] == pytest.approx(73.238270, abs=1e-6)
    for supply in range(8, 13):
        found = limits(mixed(curves, supply))
        assert found.source.exact[0]
        assert found.source.worth[0] == pytest.approx(value[supply + 1] - value[supply], abs=1e-6)


def mixed(curves: list[list[float]], supply: float) -> Problem:
    return stores(curves, supply, pack=np.array([0, 5.0, 3.0, 4.0]))


def test_a_presentation_minimum_counts_in_the_margins():
    told = {"least": np.array([0, 2.0, 0]), "missing_price": np.array([0, 7.0, 0])}
    found = limits(stores([[1.0, 0.5], [4.0, 3.0]], 1, **told))
    assert found.last[1] == pytest.approx(8)
    assert found.refused[1] == pytest.approx(7.5)
    assert found.source.worth[0] == pytest.approx(7.5)


def test_a_sharing_by_a_rule_has_its_limits_as_well():
    problem = stores([[9.0, 8, 7], [1.0, 1, 1]], 4)
    units = equal_days(problem, np.zeros(3), np.array([0, 1.0, 1]))
    answer = Answer(
        units, Outcome("fair_share", value_of(problem, units), 0.0), np.array(["rule"], dtype=object), np.zeros(3)
    )
    found = find_limits(problem, answer)
    assert found.bound.tolist() == ["", "source", "source"]
    assert not found.source.exact[0]
    assert found.source.worth[0] == pytest.approx(7)


def test_no_routes_have_no_limits():
    problem = stores([[1.0]], 1)
    by_route = ("source", "destination", "lane", "date", "freight", "route_least", "fixed")
    found = limits(replace(problem, **{name: getattr(problem, name)[:0] for name in by_route}))
    assert found.bound.tolist() == ["", "route"]
    assert (found.source.worth == 0).all()


@st.composite
def coupled(draw: st.DrawFn) -> Problem:
    """Two items of one or two stores each and a warehouse, with rooms and lanes of all kinds."""
    items, shops = 2, draw(st.integers(1, 2))
    n = shops + 1
    m = items * n
    location = np.tile(np.arange(n), items)
    store = np.flatnonzero(location > 0)
    curves = {
        int(node): sorted(draw(st.lists(st.integers(-2, 20).map(float), min_size=1, max_size=5)), reverse=True)
        for node in store
    }
    available = np.zeros((m, 1))
    available[::n, 0] = draw(st.lists(st.integers(0, 8).map(float), min_size=items, max_size=items))
    r = len(store)
    limit = st.one_of(st.just(np.inf), st.integers(0, 6).map(float))
    lanes = draw(st.lists(limit, min_size=shops, max_size=shops))
    return Problem(
        item=np.repeat(np.arange(items), n),
        location=location,
        takes=units_worth(curves),
        gives=Pieces(np.arange(0, m, n), np.full(items, 50.0), np.full(items, draw(st.sampled_from([0.0, 1.0])))),
        pack=np.where(
            location > 0, np.array(draw(st.lists(st.sampled_from([0.0, 1.0, 2.0]), min_size=m, max_size=m))), 0.0
        ),
        available=available,
        least=np.zeros(m),
        missing_price=np.zeros(m),
        room=np.array([np.inf, *draw(st.lists(limit, min_size=shops, max_size=shops))]),
        bulk=np.ones(m),
        source=np.repeat(np.arange(0, m, n), shops),
        destination=store,
        lane=location[store] - 1,
        date=np.zeros(r, int),
        freight=np.zeros(r),
        route_least=np.zeros(r),
        fixed=np.full(r, np.nan),
        lane_room=np.array(lanes),
        lane_cost=np.array(draw(st.lists(st.sampled_from([0.0, 0.0, 9.0]), min_size=shops, max_size=shops))),
    )


@given(coupled())
@settings(max_examples=60, deadline=None)
def test_what_is_told_to_be_exact_is_what_solving_all_anew_finds(problem):
    answer = share(problem)
    found = find_limits(problem, answer, share=share)
    now = answer.outcome.objective

    def gain(changed: Problem) -> float:
        return share(changed).outcome.objective - now

    for n in np.unique(problem.source):
        assert found.source.exact[n]
        more = with_more_stock(problem, 1.0 * (np.arange(len(problem.item)) == n))
        assert found.source.worth[n] == pytest.approx(gain(more), abs=1e-6)
    for p in np.flatnonzero(np.isfinite(problem.room)):
        room = problem.room + (np.arange(len(problem.room)) == p)
        if found.room.exact[p]:
            assert found.room.worth[p] == pytest.approx(gain(replace(problem, room=room)), abs=1e-6)
    for lane in range(len(problem.lane_room)):
        own = np.arange(len(problem.lane_room)) == lane
        if answer.units[problem.lane == lane].sum() > 0:
            changed = replace(problem, lane_room=problem.lane_room * np.where(own, 2.0, 1.0))
        elif problem.lane_cost[lane] > 0:
            changed = replace(problem, lane_cost=np.where(own, 0.0, problem.lane_cost))
        else:
            continue
        if found.lane.exact[lane]:
            assert found.lane.worth[lane] == pytest.approx(gain(changed), abs=1e-6)


@given(coupled())
@settings(max_examples=60, deadline=None)
def test_a_node_has_a_reason_where_it_wants_more_and_none_where_it_has_all(problem):
    answer = share(problem)
    found = find_limits(problem, answer)
    full = problem.takes.total(len(problem.item)) - problem.into(answer.units) <= 1e-6
    stores_ = problem.location > 0
    assert ((found.bound == "") == full)[stores_].all()
    assert (np.isnan(found.last) == (problem.into(answer.units) <= 1e-6)).all()


@given(coupled())
@settings(max_examples=30, deadline=None)
def test_a_block_cut_out_is_worth_what_it_is_in_the_whole(problem):
    answer = share(problem)
    for item in range(2):
        chosen = np.arange(2) == item
        cut = cut_out(problem, answer.units, chosen)
        own = answer.units[problem.item[problem.source] == item]
        others = np.where(problem.item[problem.source] == item, 0.0, answer.units)
        assert value_of(cut.problem, own) == pytest.approx(
            value_of(problem, answer.units) - value_of(problem, others), abs=1e-6
        )
        assert share(cut.problem).outcome.objective == pytest.approx(value_of(cut.problem, own), abs=1e-6)


def between(seed: int) -> Problem:
    """Two items at three or four places that may give and take, at one or two dates, with limits of all kinds."""
    chance = np.random.default_rng(seed)
    n, dates = int(chance.integers(3, 5)), int(chance.integers(1, 3))
    m, k = 2 * n, 3
    ways = [(i, a, b, t) for i in range(2) for a in range(n) for b in range(n) for t in range(dates) if a != b]
    item, a, b, date = np.array(ways)[chance.random(len(ways)) < 0.5].T
    r = len(item)
    node = np.repeat(np.arange(m), k)
    worth = np.sort(chance.integers(-2, 15, (m, k)), axis=1)[:, ::-1]
    loss = np.sort(chance.integers(0, 9, (m, k)), axis=1)
    return Problem(
        item=np.repeat(np.arange(2), n),
        location=np.tile(np.arange(n), 2),
        takes=Pieces(node, np.ones(m * k), worth.ravel().astype(float)),
        gives=Pieces(node, np.ones(m * k), loss.ravel().astype(float)),
        pack=chance.choice([1.0, 1, 2], m),
        available=np.sort(chance.integers(0, 4, (m, dates)), axis=1).astype(float),
        least=np.zeros(m),
        missing_price=np.zeros(m),
        room=chance.choice([np.inf, 2, 4], n),
        bulk=np.ones(m),
        source=item * n + a,
        destination=item * n + b,
        lane=a * n + b,
        date=date,
        freight=chance.integers(0, 3, r).astype(float),
        route_least=chance.choice([0.0, 0, 0, 2], r),
        fixed=np.full(r, np.nan),
        lane_room=chance.choice([np.inf, 2], n * n),
        lane_cost=chance.choice([0.0, 0, 3], n * n),
    )


@pytest.mark.parametrize("seed", range(15))
def test_between_stores_and_dates_what_is_exact_is_what_solving_all_anew_finds(seed):
    problem = between(seed)
    answer = share(problem)
    found = find_limits(problem, answer, share=share)
    for n in np.flatnonzero(found.source.exact):
        more = share(with_more_stock(problem, 1.0 * (np.arange(len(problem.item)) == n)))
        gain = more.outcome.objective - answer.outcome.objective
        assert found.source.worth[n] == pytest.approx(max(gain, 0), abs=1e-6)
    for p in np.flatnonzero(np.isfinite(problem.room) & found.room.exact):
        more = share(replace(problem, room=problem.room + (np.arange(len(problem.room)) == p)))
        gain = more.outcome.objective - answer.outcome.objective
        assert found.room.worth[p] == pytest.approx(gain, abs=1e-6)


@pytest.mark.parametrize("seed", range(30))
def test_between_stores_and_dates_fair_shares_keep_every_limit(seed):
    problem = between(seed)
    chance = np.random.default_rng(seed)
    stock, rate = chance.integers(0, 6, len(problem.item)).astype(float), chance.choice([0.0, 1, 3], len(problem.item))
    check(problem, equal_days(problem, stock, rate))
    check(problem, proportional(problem, rate))
