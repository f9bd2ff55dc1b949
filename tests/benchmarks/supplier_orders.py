"""Orders of many suppliers: `python -m tests.benchmarks.supplier_orders [--processes 2] [--items 3000] [--seed 7]`.

Targets: 3,000 items of 40 suppliers over 13 weeks in 60 s on two cores, never dearer than the greedy orders, median
gap 5 % or better. The generator below is the instance: packs, MOQs, least order values, order and line costs, safety
stock, receipts on the way, some suppliers with containers, some with a budget.
"""

import argparse
import os
import resource
import sys
import time
from collections import Counter

import numpy as np

from planning import engine
from planning.supplier_instance import Instance, broken_rules, build_instance
from planning.supplier_orders import NODES, plan_suppliers

WEEKS = 13
TARGETS = {"seconds": 60.0, "median gap": 0.05}


def main() -> None:
    """Plan all suppliers and print what it took and how good it is."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.supplier_orders", description=__doc__)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--items", type=int, default=3000)
    parser.add_argument("--suppliers", type=int, default=40)
    parser.add_argument("--nodes", type=int, default=NODES)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--each", action="store_true", help="print a line for each supplier")
    asked = parser.parse_args()
    instances = made_suppliers(asked.items, asked.suppliers, asked.seed)
    start = time.perf_counter()
    plans = plan_suppliers(instances, engine.pool(asked.processes), nodes=asked.nodes)
    seconds = time.perf_counter() - start
    worked = sum(resource.getrusage(who).ru_utime for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    gaps = np.array([plan.gap for plan in plans])
    saved = np.array([1 - plan.cost / plan.greedy_cost for plan in plans])
    say = sys.stdout.write
    if asked.each:
        for instance, plan, gap, less in zip(instances, plans, gaps, saved, strict=True):
            say(f"{len(instance.stock):4} items  gap {gap:7.2%}  below greedy {less:7.2%}  {plan.status}\n")
    say(f"{asked.items:,} items, {asked.suppliers} suppliers, {WEEKS} weeks; {asked.processes} processes\n")
    say(f"seconds {seconds:.1f} (target {TARGETS['seconds']:.0f}), of all processors {worked:.1f}\n")
    say(f"gap: median {np.median(gaps):.2%} (target {TARGETS['median gap']:.0%}), worst {gaps.max():.2%}\n")
    say(f"cheaper than greedy: {np.mean(saved > 1e-9):.0%} of suppliers, by {np.median(saved):.1%} (median)\n")
    say(f"dearer than greedy: {int((saved < -1e-9).sum())}\n")
    broken = sum(bool(broken_rules(i, p.units)) for i, p in zip(instances, plans, strict=True))
    endings = ", ".join(f"{count} {status}" for status, count in sorted(Counter(p.status for p in plans).items()))
    say(f"with a broken rule: {broken}; status: {endings}\n")


def made_suppliers(items: int, suppliers: int, seed: int) -> list[Instance]:
    """Return instances of suppliers of different sizes, the same for the same seed."""
    chance = np.random.default_rng(seed)
    share = chance.lognormal(0.0, 0.6, suppliers)
    sizes = np.maximum(np.round(share / share.sum() * (items - suppliers)).astype(int) + 1, 1)
    sizes[int(np.argmax(sizes))] += items - sizes.sum()
    return [_supplier(chance, int(n)) for n in sizes]


def _supplier(chance: np.random.Generator, n: int) -> Instance:
    rate = chance.lognormal(2.5, 1.2, n)
    season = 1 + 0.3 * np.sin(2 * np.pi * (np.arange(WEEKS) / 52 + chance.random()))
    demand = np.round(rate[:, None] * season * chance.gamma(8, 1 / 8, (n, WEEKS)), 1)
    cost = np.round(chance.lognormal(1.8, 0.9, n), 2)
    pack = chance.choice([1.0, 6.0, 12.0, 24.0], n, p=[0.25, 0.3, 0.3, 0.15])
    moq = np.where(chance.random(n) < 0.4, np.ceil(rate * chance.uniform(0.5, 4, n) / pack) * pack, 0.0)
    receipts = np.zeros((n, WEEKS))
    receipts[:, 0] = np.where(chance.random(n) < 0.2, np.round(rate), 0.0)
    receipts[:, 1] = np.where(chance.random(n) < 0.2, np.round(rate), 0.0)
    volume = chance.lognormal(0.0, 0.7, n)
    told: dict[str, object] = {}
    if chance.random() < 0.3:
        told["container_volume"] = float(volume @ rate) * chance.uniform(1.5, 4)
        told |= {"least_fill": 0.8, "container_cost": chance.uniform(200, 800)}
    if chance.random() < 0.25:
        told["budget"] = float(cost @ rate) * chance.uniform(4, 8)
    if chance.random() < 0.7:
        told["minimum_value"] = float(cost @ rate) * chance.uniform(0.5, 3)
    return build_instance(
        demand=demand,
        stock=np.round(rate * chance.uniform(0, 4, n)),
        receipts=receipts,
        safety_stock=np.round(rate * chance.uniform(0.3, 1.5, n)),
        safety_penalty=0.05 * cost,
        pack=pack,
        moq=moq,
        max_stock=np.where(chance.random(n) < 0.1, np.maximum(rate * 10, moq + rate * 3), np.inf),
        unit_cost=cost,
        volume=volume,
        holding=cost * 0.25 / 52,
        lost_penalty=cost * chance.uniform(0.2, 0.8, n),
        order_cost=float(chance.uniform(30, 400)),
        line_cost=chance.uniform(0.5, 4),
        **told,
    )


if __name__ == "__main__":
    main()
