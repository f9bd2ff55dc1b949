"""Random small sharings against full enumeration, written apart from the code; nothing depends on order or names."""

import dataclasses
import itertools

import numpy as np
import pytest

from planning.share import share
from planning.sharing import Pieces, Problem, check, value_of
from planning.sharing_greedy import find_stars
from planning.sharing_model import solve_part, worth
from planning.sharing_part import carry_fixed, in_own_order, open_part
from planning.sharing_prices import solve_by_prices
from planning.sharing_shipments import best_shipments
from tests.benchmarks.allocation import made_chain

INSTANCES = 1_000
COMBINATIONS = 40, 4_000


def random_pieces(chance, m, low, high, *, falling):
    node, width, worth = [], [], []
    for n in range(m):
        count = int(chance.integers(1, 4))
        values = np.sort(chance.uniform(low, high, count))
        for value in values[::-1] if falling else values:
            node.append(n)
            width.append(float(chance.integers(1, 4)))
            worth.append(float(value))
    return Pieces(np.array(node, int), np.array(width), np.array(worth))


def made(seed):
    """One or two items at two to four places; whatever a sharing can have, each with some chance."""
    chance = np.random.default_rng(seed)
    items, places = int(chance.integers(1, 3)), int(chance.integers(2, 5))
    dates = int(chance.integers(1, 3))
    item, location = np.repeat(np.arange(items), places), np.tile(np.arange(places), items)
    m = items * places
    lanes = int(chance.integers(1, 4))
    every = [
        (i * places + a, i * places + b, t)
        for i in range(items) for a in range(places) for b in range(places) for t in range(dates)
        if a != b and (a == 0 or chance.random() < 0.25)
    ]  # fmt: skip
    # Sometimes one source feeds each place on each date, and a later date costs all the same more.
    plain = chance.random() < 0.3
    if plain:
        every = [way for way in every if way[0] % places == 0]
    chosen = range(len(every)) if plain else chance.permutation(len(every))[: int(chance.integers(3, 7))]
    source, destination, date = (np.array([every[k][part] for k in chosen], int) for part in range(3))
    r = len(chosen)
    freight = chance.uniform(0, 3, m)[destination] if plain else chance.uniform(0, 3, r)
    lane = chance.integers(0, lanes, r)
    available = np.cumsum(chance.integers(0, 7, (m, dates)), axis=1).astype(float)
    pack = np.repeat(chance.choice([1.0, 2.0, 3.0]), m) if chance.random() < 0.4 else chance.choice([1.0, 2.0, 3.0], m)
    gives = random_pieces(chance, m, 0, 4, falling=False)
    problem = Problem(
        item=item, location=location, takes=random_pieces(chance, m, -2, 12, falling=True), gives=gives, pack=pack,
        available=available, least=np.where(chance.random(m) < 0.2, chance.integers(1, 5, m), 0).astype(float),
        missing_price=chance.uniform(0, 20, m),
        room=np.where(chance.random(places) < 0.4, chance.integers(0, 9, places), np.inf).astype(float),
        bulk=chance.choice([0.5, 1.0, 1.7], m), source=source, destination=destination, lane=lane, date=date,
        freight=freight + 0.3 * date,
        route_least=np.where(chance.random(r) < 0.2, chance.integers(2, 5, r), 0).astype(float),
        fixed=np.where(chance.random(r) < 0.1, chance.integers(0, 3, r), np.nan).astype(float),
        lane_room=np.where(chance.random(lanes) < 0.4, chance.integers(1, 9, lanes), np.inf).astype(float),
        lane_cost=np.where(chance.random(lanes) < 0.3, chance.uniform(0, 12, lanes), 0.0),
    )  # fmt: skip
    if not COMBINATIONS[0] <= combinations(problem) <= COMBINATIONS[1]:
        return made(seed + 1_000_003)
    return problem


def choices(p, r):
    if not np.isnan(p.fixed[r]):
        return [float(p.fixed[r])]
    d, s = p.destination[r], p.source[r]
    most = min(p.takes.width[p.takes.node == d].sum(), p.gives.width[p.gives.node == s].sum(), p.available[s, -1])
    return [n * float(p.pack[d]) for n in range(int(most / p.pack[d] + 1e-9) + 1)]


def combinations(p):
    return int(np.prod([len(choices(p, r)) for r in range(len(p.source))]))


def curve(pieces, n, units, beyond):
    """Money of `units` at node n, piece by piece."""
    money, left, last = 0.0, units, 0.0
    for node, width, last_worth in zip(pieces.node, pieces.width, pieces.worth, strict=True):
        if node == n:
            money += min(left, width) * last_worth
            left -= min(left, width)
            last = last_worth
    return money + left * min(last, beyond)


class Enumeration:
    """Every combination of packs, one by one, by plain loops."""

    def __init__(self, p):
        self.p, self.nodes = p, range(len(p.item))
        self.total_in = [p.takes.width[p.takes.node == n].sum() for n in self.nodes]
        self.total_out = [p.gives.width[p.gives.node == n].sum() for n in self.nodes]
        self.kept = {}

    def money(self, name, n, units):
        key = (name, n, units)
        if key not in self.kept:
            pieces, beyond = (self.p.takes, 0.0) if name == "in" else (self.p.gives, np.inf)
            self.kept[key] = curve(pieces, n, units, beyond)
        return self.kept[key]

    def worth(self, units):
        """Value, or None where a rule is broken."""
        p = self.p
        into, out, by_hand_in, by_hand_out = ({} for _ in range(4))
        given, filled, carried = {}, {}, {}
        value = 0.0
        for r, x in enumerate(units):
            if x <= 0:
                continue
            s, d, lane, date = int(p.source[r]), int(p.destination[r]), int(p.lane[r]), int(p.date[r])
            hand = not np.isnan(p.fixed[r])
            if not hand and x < p.route_least[r]:
                return None
            into[d], out[s] = into.get(d, 0) + x, out.get(s, 0) + x
            if hand:
                by_hand_in[d], by_hand_out[s] = by_hand_in.get(d, 0) + x, by_hand_out.get(s, 0) + x
            place, size = int(p.location[d]), float(p.bulk[d])
            given.setdefault(s, []).append((date, x))
            filled[place] = filled.get(place, 0) + size * x
            carried[lane, date] = carried.get((lane, date), 0) + size * x
            value -= p.freight[r] * x
        if into.keys() & out.keys():
            return None
        for s, parts in given.items():
            for t in range(p.available.shape[1]):
                if sum(x for date, x in parts if date <= t) > p.available[s, t] + 1e-9:
                    return None
            if out[s] > max(self.total_out[s], by_hand_out.get(s, 0)) + 1e-9:
                return None
            value -= self.money("out", s, out[s])
        for d, x in into.items():
            if x > max(self.total_in[d], by_hand_in.get(d, 0)) + 1e-9:
                return None
            value += self.money("in", d, x)
        if any(used > p.room[place] + 1e-9 for place, used in filled.items()):
            return None
        for (lane, _), used in carried.items():
            if used > p.lane_room[lane] + 1e-9:
                return None
            value -= p.lane_cost[lane]
        return value - sum(p.missing_price[n] * max(p.least[n] - into.get(n, 0), 0) for n in self.nodes)

    def best(self):
        """Value of the best sharing, or None where not even what is set by hand is possible."""
        every = itertools.product(*(choices(self.p, r) for r in range(len(self.p.source))))
        return max((value for units in every if (value := self.worth(units)) is not None), default=None)


@pytest.mark.parametrize("hundred", range(INSTANCES // 100))
def test_the_answer_is_that_of_full_enumeration(hundred):
    for seed in range(hundred * 100, hundred * 100 + 100):
        problem = made(seed)
        answer = share(problem)
        check(problem, answer.units)
        best = Enumeration(problem).best()
        found = value_of(problem, answer.units)
        assert found == pytest.approx(answer.outcome.objective, abs=1e-9)
        assert answer.outcome.status == "optimal", seed
        if best is None:
            assert answer.notes, seed
        else:
            assert found == pytest.approx(best, abs=1e-6), seed


def moved(p, chance):
    """The same problem with nodes, routes, items, locations and lanes in another order, under other numbers."""
    nodes, routes = chance.permutation(len(p.item)), chance.permutation(len(p.source))
    at = np.argsort(nodes)
    items = chance.permutation(int(p.item.max()) + 1)
    places, lanes = chance.permutation(len(p.room)), chance.permutation(len(p.lane_room))

    def pieces(old):
        order = np.argsort(at[old.node], kind="stable")
        return Pieces(at[old.node][order], old.width[order], old.worth[order])

    changed = dataclasses.replace(
        p, item=items[p.item][nodes], location=places[p.location][nodes], takes=pieces(p.takes), gives=pieces(p.gives),
        pack=p.pack[nodes], available=p.available[nodes], least=p.least[nodes], missing_price=p.missing_price[nodes],
        bulk=p.bulk[nodes], room=p.room[np.argsort(places)], source=at[p.source][routes],
        destination=at[p.destination][routes], lane=lanes[p.lane][routes], date=p.date[routes],
        freight=p.freight[routes], route_least=p.route_least[routes], fixed=p.fixed[routes],
        lane_room=p.lane_room[np.argsort(lanes)], lane_cost=p.lane_cost[np.argsort(lanes)],
    )  # fmt: skip
    return changed, routes, items


def test_other_order_and_names_change_nothing():
    for seed in range(150):
        problem = made(seed)
        changed, routes, items = moved(problem, np.random.default_rng(seed))
        one, other = share(problem), share(changed)
        np.testing.assert_array_equal(other.units, one.units[routes], err_msg=str(seed))
        assert (other.way[items] == one.way).all()


def open_chain(items, stores, seed, **told):
    """What is left to share of a made chain, and its numbers."""
    shape = {"limited": True, "packed": bool(seed % 2)}
    problem = dataclasses.replace(made_chain(items, stores, seed, **shape), **told)
    own, _, _ = in_own_order(problem)
    return open_part(own, carry_fixed(own)[0])


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("priced", ["rooms", "lanes", "cheap shipments", "dear shipments"])
def test_no_sharing_is_worth_more_than_the_bound_of_the_prices(seed, priced):
    told = {
        "rooms": {},
        "lanes": {"lane_room": np.array([25.0, np.inf, 40.0, 30.0])},
        "cheap shipments": {"lane_cost": np.array([5.0, 12.0, 0.0, 9.0])},
        "dear shipments": {"lane_cost": np.array([90.0, 120.0, 150.0, 100.0]), "lane_room": np.full(4, 40.0)},
    }[priced]
    part = open_chain(9, 4, seed, **told)
    solved = solve_by_prices(part, find_stars(part))
    exact = solve_part(part, gap=1e-4)
    assert solved.value == pytest.approx(worth(part, solved.units), abs=1e-6)
    assert solved.value <= exact.bound * (1 + 1e-6)
    assert exact.value <= solved.bound * (1 + 1e-6)
    if priced in ("rooms", "lanes"):
        assert solved.value >= 0.95 * exact.value


@pytest.mark.parametrize("packed", [False, True])
def test_a_chain_with_limits_is_proven_to_a_thousandth_in_any_order(packed):
    problem = made_chain(250, 6, 5, limited=True, packed=packed)
    answer = share(problem)
    check(problem, answer.units)
    assert set(answer.way) == {"priced"}
    assert 0 <= answer.outcome.gap <= 1e-3
    changed, routes, _ = moved(problem, np.random.default_rng(1))
    np.testing.assert_array_equal(share(changed).units, answer.units[routes])


@pytest.mark.parametrize("seed", range(20))
def test_the_search_for_shipments_finds_the_best_set(seed):
    chance = np.random.default_rng(seed)
    count, bids = 6, chance.gamma(1, 10, (30, 6)) * (chance.random((30, 6)) < 0.5)
    cost = chance.uniform(0, 60, count)

    def without(closed):
        return float(np.where(closed, 0, bids).max(axis=1).sum())  # each bidder takes the best that is open

    def net(leaves):
        return without(~leaves) - cost[leaves].sum()

    every = [np.array(flags) for flags in itertools.product([False, True], repeat=count)]
    best = max(net(leaves) for leaves in every)
    found = best_shipments(without, cost, 1_000)
    assert found.bound == pytest.approx(best)
    assert net(found.leaves) == pytest.approx(best)
    assert max(net(leaves) for leaves in every if (leaves != found.leaves).any()) <= found.others + 1e-9
    early = best_shipments(without, cost, 1)
    assert early.bound >= best - 1e-9
