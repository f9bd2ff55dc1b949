"""Sharing at the size of a chain: `python -m tests.benchmarks.allocation [--items 3000] [--stores 10] [--seed 7]`.

Targets, build included: 3,000 items by 10 stores with store capacities in whole units 6 s, in packs 15 s, proven gap
0.1 % or better; without limits in common 1 s; 30,000 by 10 without 10 s and 3 GB. The instance: Poisson demand over
the coverage with its mean by item (lognormal) and store, some stock in the stores, supply for about 80 % of what they
need, capacities that bind in half of the stores, packs of 1 to 12 units that differ between the stores.
"""

import argparse
import resource
import sys
import time
from collections import Counter

import numpy as np
from scipy.special import gammainc

from planning.share import share
from planning.sharing import Pieces, Problem, check, value_of

CASES = (
    ("units, capacities", 3_000, True, False, 6.0),
    ("packs, capacities", 3_000, True, True, 15.0),
    ("units, separable", 3_000, False, False, 1.0),
    ("packs, separable", 3_000, False, True, 15.0),
    ("units, separable", 30_000, False, False, 10.0),
)


def main() -> None:
    """Share each case and print what it took and how good it is."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.allocation", description=__doc__)
    parser.add_argument("--items", type=float, default=1.0, help="times so many items")
    parser.add_argument("--stores", type=int, default=10)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--case", type=int, action="append", help="only these of the five cases, from 0")
    asked = parser.parse_args()
    for n, (name, items, limited, packed, target) in enumerate(CASES):
        if asked.case is None or n in asked.case:
            _tell(name, max(1, round(items * asked.items)), asked.stores, asked.seed, limited, packed, target)


def _tell(name: str, items: int, stores: int, seed: int, limited: bool, packed: bool, target: float) -> None:
    start, worked = time.perf_counter(), time.process_time()
    problem = made_chain(items, stores, seed, limited=limited, packed=packed)
    built = time.perf_counter() - start
    answer = share(problem)
    seconds, worked = time.perf_counter() - start, time.process_time() - worked
    check(problem, answer.units)
    assert abs(value_of(problem, answer.units) - answer.outcome.objective) < 1e-6 * abs(answer.outcome.objective)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    ways = ", ".join(f"{count} {way}" for way, count in sorted(Counter(answer.way.tolist()).items()))
    sys.stdout.write(
        f"{items:6,} x {stores} {name:18}: {seconds:5.2f} s (target {target:.0f}), of it {built:.2f} to build; "
        f"of the processor {worked:.2f}; gap {answer.outcome.gap:.4%} {answer.outcome.status}; "
        f"most memory {memory:.2f} GB; {ways}\n"
    )


def made_chain(items: int, stores: int, seed: int, *, limited: bool, packed: bool) -> Problem:
    """Return the instance, the same for the same seed: node 0 of each item is its depot, the others its stores."""
    chance = np.random.default_rng(seed)
    size = stores + 1
    mean = (
        chance.lognormal(1.2, 0.8, (items, 1))
        * chance.lognormal(0.0, 0.4, (1, stores))
        * chance.gamma(4, 0.25, (items, stores))
    )
    stock = np.floor(mean * chance.uniform(0, 0.8, mean.shape))
    price = np.round(chance.lognormal(2.0, 0.8, (items, 1)), 2) * np.ones_like(mean)
    pack = chance.choice([1.0, 2.0, 3.0, 4.0, 6.0, 12.0], mean.shape, p=[0.2, 0.2, 0.15, 0.15, 0.2, 0.1])
    pack = pack if packed else np.ones_like(mean)
    node = (np.arange(items)[:, None] * size + np.arange(1, size)).ravel()
    takes, wanted = _poisson_pieces(node, mean.ravel(), stock.ravel(), price.ravel(), 0.03 * price.ravel())
    supply = np.floor(0.8 * wanted.reshape(mean.shape).sum(axis=1))
    depots = np.arange(items) * size
    available = np.zeros((items * size, 1))
    available[depots, 0] = supply
    some = supply > 0
    bulk = np.repeat(np.round(chance.lognormal(0.0, 0.5, items), 3), size)
    room = np.full(size, np.inf)
    if limited:
        fair = 0.8 * (bulk[node].reshape(mean.shape) * wanted.reshape(mean.shape)).sum(axis=0)
        room[1:] = fair * np.where(np.arange(stores) % 2 == 0, chance.uniform(0.75, 0.95, stores), 1.5)
    packs = np.ones((items, size))
    packs[:, 1:] = pack
    routes, m = items * stores, items * size
    return Problem(
        item=np.repeat(np.arange(items), size),
        location=np.tile(np.arange(size), items),
        takes=takes,
        gives=Pieces(depots[some], supply[some], np.repeat(0.05, items)[some]),
        pack=packs.ravel(),
        available=available,
        least=np.zeros(m),
        missing_price=np.zeros(m),
        room=room,
        bulk=bulk,
        source=np.repeat(depots, stores),
        destination=node,
        lane=np.tile(np.arange(stores), items),
        date=np.zeros(routes, int),
        freight=np.tile(np.round(chance.uniform(0, 0.3, stores), 2), items),
        route_least=np.zeros(routes),
        fixed=np.full(routes, np.nan),
        lane_room=np.full(stores, np.inf),
        lane_cost=np.zeros(stores),
    )


def _poisson_pieces(
    node: np.ndarray, mean: np.ndarray, stock: np.ndarray, price: np.ndarray, holding: np.ndarray
) -> tuple[Pieces, np.ndarray]:
    """Return the worth of each unit up to the 99 % quantile, and the units that each node would take."""
    top = np.ceil(mean + 2.4 * np.sqrt(mean) + 1)
    units = np.maximum(top - stock, 1).astype(int)
    row = np.repeat(np.arange(len(node)), units)
    nth = np.arange(len(row)) - np.repeat(np.cumsum(units) - units, units) + 1
    served = gammainc(stock[row] + nth, mean[row])  # P(D >= stock + n) of a Poisson demand
    worth = (price + holding)[row] * served - holding[row]
    wanted = np.maximum(np.ceil(mean + 1.3 * np.sqrt(mean)) - stock, 0.0)
    return Pieces(node[row], np.ones(len(row)), worth), wanted


if __name__ == "__main__":
    main()
