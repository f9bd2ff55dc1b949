"""The public inventory competition, replayed: `python -m tests.benchmarks.vn2 --data FOLDER [--params JSON]`.

Target: 33,300 or less over the seven reference windows, with the critical ratio 1 / 1.2 and defaults otherwise.
A window lasts eight weeks. Orders are placed on the mornings of the first six, before the week's sales, and serve
two weeks later. A week's closing stock costs 0.2 a unit, a lost unit 1; the last six weeks count. A week in which
the shelf really was empty tells no demand: it sells nothing and costs nothing.
"""

import argparse
import json
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from planning import pipeline
from planning.params import Params
from tests.benchmarks.real import KEY, Weeks, vn2

WINDOWS = (101, 109, 117, 125, 133, 141, 149)
WEEKS, ORDERS, LEAD = 8, 6, 2
HOLDING, SHORTAGE = 0.2, 1.0
PUBLISHED = {"cover 4 weeks": 41_358, "organiser's benchmark": 36_181}
TARGET = 33_300
RULES = {
    "service_measure": "cost",
    "shortage_cost_per_unit": SHORTAGE,
    "holding_cost_per_unit_day": HOLDING / 7,
    "lead_time_days": 7 * LEAD,
    "lead_time_sd_fraction": 0,
    "review_period_days": 7,
}


def main() -> None:
    """Replay the windows and print the cost of each and of all."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.vn2", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of real data")
    parser.add_argument("--params", default="{}", help="parameters to try, JSON")
    parser.add_argument("--windows", default=",".join(map(str, WINDOWS)), help="first weeks, 0 = 2021-04-12")
    parser.add_argument("--departments", action="store_true", help="tell the engine each item's department")
    parser.add_argument("--processes", type=int, default=2)
    asked = parser.parse_args()
    windows = [int(week) for week in asked.windows.split(",")]
    replay = partial(window_cost, asked.data, json.loads(asked.params), asked.departments)
    start = time.perf_counter()
    if asked.processes > 1:
        with ProcessPoolExecutor(asked.processes) as executor:
            costs = list(executor.map(replay, windows))
    else:
        costs = [replay(week) for week in windows]
    _tell(windows, costs, time.perf_counter() - start, asked.processes)


def _tell(windows: list[int], costs: list[tuple[float, float]], seconds: float, processes: int) -> None:
    out = sys.stdout
    out.write("week   holding      lost      cost\n")
    for week, (holding, lost) in zip(windows, costs, strict=True):
        out.write(f"{week:4} {holding:9,.0f} {lost:9,.0f} {holding + lost:9,.0f}\n")
    holding, lost = np.sum(costs, axis=0)
    out.write(f"all  {holding:9,.0f} {lost:9,.0f} {holding + lost:9,.0f}")
    if tuple(windows) == WINDOWS:
        out.write(f"   target {TARGET:,}; " + ", ".join(f"{name} {cost:,}" for name, cost in PUBLISHED.items()))
    out.write(f"\n{seconds:.0f} s, {processes} processes, {os.cpu_count()} cores\n")


def window_cost(folder: Path, tried: dict[str, object], departments: bool, first: int) -> tuple[float, float]:
    """Return what holding and lost units of one window cost."""
    data = vn2(folder)
    params = Params.from_mapping({**RULES, **tried})
    usual = recent_mean(data, first)
    stock = np.round(1.5 * usual)
    arriving = [np.round(usual)] * LEAD + [np.zeros(len(usual))] * WEEKS
    holding = lost = 0.0
    for week in range(WEEKS):
        now = first + week
        if week < ORDERS:
            arriving[week + LEAD] = order(data, now, stock, arriving[week : week + LEAD], params, departments)
        stock = stock + arriving[week]
        told = data.in_stock[:, now]
        wanted = np.where(told, data.units[:, now], 0.0)
        sold = np.minimum(wanted, stock)
        stock = stock - sold
        if week >= LEAD:
            holding += HOLDING * float(stock[told].sum())
            lost += SHORTAGE * float((wanted - sold)[told].sum())
    return holding, lost


def recent_mean(data: Weeks, week: int) -> np.ndarray:
    """Return the mean of the last 13 in-stock weeks before one, zero without any, (n,)."""
    known = data.in_stock[:, :week]
    last = known & (known[:, ::-1].cumsum(axis=1)[:, ::-1] <= 13)
    return np.asarray((data.units[:, :week] * last).sum(axis=1) / np.maximum(last.sum(axis=1), 1))


def order(
    data: Weeks, week: int, stock: np.ndarray, coming: list[np.ndarray], params: Params, departments: bool
) -> np.ndarray:
    """Return the engine's orders of a week's morning, (n,); `coming` arrives on this one and the following ones."""
    as_of = data.day(week)
    due = [
        data.keys.assign(quantity=units, due_on=pd.Timestamp(as_of) + pd.Timedelta(weeks=ahead), order_id=str(ahead))
        for ahead, units in enumerate(coming)
    ]
    tables = data.history(week) | {"stock": data.on_hand(stock)}
    if not departments:
        del tables["items"]
    orders = pd.concat(due, ignore_index=True)
    tables["open_orders"] = orders[orders["quantity"] > 0].reset_index(drop=True)
    told = pipeline.plan(tables, as_of, params).replenishment.set_index(KEY)["order_quantity"]
    return told.reindex(pd.MultiIndex.from_frame(data.keys)).fillna(0.0).to_numpy()


if __name__ == "__main__":
    main()
