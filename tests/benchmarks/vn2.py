"""The public inventory competition by the product's own replay: `python -m tests.benchmarks.vn2 --data FOLDER`.

Target: 33,300 or less over the seven reference windows, with the critical ratio 1 / 1.2 and defaults otherwise.
A window lasts eight weeks. Orders are placed on the mornings of the first six, before the week's sales, and serve
two weeks later. A week's closing stock costs 0.2 a unit, a lost unit 1; the last six weeks count. A week in which
the shelf really was empty tells no demand: it sells nothing and costs nothing.

Rules: plan (the whole plan made anew each morning), kept (the plan's policy on forecasts kept from past mornings),
cover (four weeks of the 13-week mean) and organiser (the same mean with a season of all items). The published sums of
the last two are met where the opening stock is of the in-stock weeks among the last 13 (`--start weeks`) and not of
the last 13 weeks in stock, which is what the figures of the plan are told for.
"""

import argparse
import json
import os
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd

from planning.params import Params
from planning.replay import Decision, Rule, State, World, replay
from planning.replay_known import build_known
from planning.replay_plan import Aim, PlanRule
from planning.replay_refit import RefitRule
from planning.replay_rules import Terms
from planning.replay_sums import measure
from tests.benchmarks.real import Weeks, vn2

WINDOWS = (101, 109, 117, 125, 133, 141, 149)
WEEKS, ORDERS, LEAD = 8, 6, 2
COVERED, MEAN_WEEKS = 4, 13
HOLDING, SHORTAGE = 0.2, 1.0
PUBLISHED = {"cover": 41_358, "organiser": 36_181}
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
    parser.add_argument("--rules", default="plan,cover,organiser", help="plan, kept, cover, organiser; with commas")
    parser.add_argument("--start", choices=("in-stock", "weeks"), default="in-stock", help="what opening stock is of")
    parser.add_argument("--processes", type=int, default=2)
    asked = parser.parse_args()
    windows = [int(week) for week in asked.windows.split(",")]
    for name in asked.rules.split(","):
        cost = partial(window_cost, asked.data, json.loads(asked.params), asked.departments, name, asked.start)
        start = time.perf_counter()
        if asked.processes > 1:
            with ProcessPoolExecutor(asked.processes) as executor:
                costs = list(executor.map(cost, windows))
        else:
            costs = [cost(week) for week in windows]
        _tell(name, windows, costs, time.perf_counter() - start, asked.processes)


def _tell(name: str, windows: list[int], costs: list[tuple[float, float]], seconds: float, processes: int) -> None:
    out = sys.stdout
    out.write(f"{name}\nweek   holding      lost      cost\n")
    for week, (holding, lost) in zip(windows, costs, strict=True):
        out.write(f"{week:4} {holding:9,.0f} {lost:9,.0f} {holding + lost:9,.0f}\n")
    holding, lost = np.sum(costs, axis=0)
    out.write(f"all  {holding:9,.0f} {lost:9,.0f} {holding + lost:9,.0f}")
    if tuple(windows) == WINDOWS:
        out.write(f"   published {PUBLISHED[name]:,}" if name in PUBLISHED else f"   target {TARGET:,}")
    out.write(f"\n{seconds:.0f} s, {processes} processes, {os.cpu_count()} cores\n")
    out.flush()


def window_cost(
    folder: Path, tried: dict[str, object], departments: bool, name: str, start: str, first: int
) -> tuple[float, float]:
    """Return what holding and lost units of one window cost under a rule."""
    data = vn2(folder)
    world = window_world(data, first, start)
    told = measure(world, replay(world, _rule(name, data, first, world, tried, departments)))
    return float(told["holding_cost"].sum()), float(told["lost_margin"].sum())


def window_world(data: Weeks, first: int, start: str = "in-stock") -> World:
    """Return the eight weeks from one on, by the competition's rules.

    Parameters
    ----------
    start : opening stock and pipeline are of the mean of the last 13 weeks "in-stock", or of those of the last 13
        "weeks" that were in stock.
    """
    usual = recent_mean(data, first) if start == "in-stock" else _mean_of_weeks(data, first)
    n, span = len(usual), slice(first, first + WEEKS)
    coming = np.zeros((n, WEEKS))
    coming[:, :LEAD] = np.round(usual)[:, None]
    return World.of(
        np.where(data.in_stock, data.units, np.nan)[:, span],
        LEAD,
        np.round(1.5 * usual),
        keys=data.keys,
        starts=data.starts[span],
        counted=np.arange(WEEKS) >= LEAD,
        review=np.broadcast_to(np.arange(WEEKS) < ORDERS, (n, WEEKS)),
        coming=coming,
        margin=np.full(n, SHORTAGE),
        holding_per_bucket=np.full(n, HOLDING),
        whole=np.ones(n, bool),
    )


def recent_mean(data: Weeks, week: int) -> np.ndarray:
    """Return the mean of the last 13 in-stock weeks before one, zero without any, (n,)."""
    known = data.in_stock[:, :week]
    last = known & (known[:, ::-1].cumsum(axis=1)[:, ::-1] <= MEAN_WEEKS)
    return np.asarray((data.units[:, :week] * last).sum(axis=1) / np.maximum(last.sum(axis=1), 1))


def _mean_of_weeks(data: Weeks, week: int, index: np.ndarray | float = 1.0) -> np.ndarray:
    """Return the mean of those of the last 13 weeks that were in stock, less their season, zero without any, (n,)."""
    units = np.where(data.in_stock, data.units, np.nan)[:, :week] / index
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.nan_to_num(np.nanmean(units[:, -MEAN_WEEKS:], axis=1))


def _recent(data: Weeks, week: int) -> np.ndarray:
    """Return four weeks of the recent mean, units, (n,)."""
    return COVERED * _mean_of_weeks(data, week)


def _seasonal(data: Weeks, week: int) -> np.ndarray:
    """Return four weeks of the recent mean with the season that all items share by week of the year, units, (n,)."""
    known = np.where(data.in_stock, data.units, np.nan)[:, :week]
    days = pd.DatetimeIndex((data.starts[0] + 7 * np.arange(week + COVERED)).astype("datetime64[s]"))
    of_year = days.isocalendar()["week"].to_numpy(int)
    season = pd.Series(np.nanmean(known, axis=0)).groupby(of_year[:week]).mean().reindex(range(1, 54)).ffill()
    index = season.to_numpy()[of_year - 1] / season.mean()
    return _mean_of_weeks(data, week, index[:week]) * index[week:].sum()


LEVELS: Mapping[str, Callable[[Weeks, int], np.ndarray]] = MappingProxyType({"cover": _recent, "organiser": _seasonal})


@dataclass(frozen=True)
class Cover:
    """Up to some weeks of a forecast, counted from the position."""

    data: Weeks
    first: int
    level: Callable[[Weeks, int], np.ndarray]
    name: str = "cover"

    def orders(self, t: int, state: State) -> Decision:
        """Return what is missing to the level, in whole units."""
        level = self.level(self.data, self.first + t)[state.rows]
        return Decision(np.maximum(np.round(level - state.position), 0))


def _tables(data: Weeks, departments: bool) -> dict[str, pd.DataFrame]:
    tables = data.history(len(data.starts)) | {"stock": data.on_hand(np.zeros(len(data.keys)))}
    if not departments:
        del tables["items"]
    return tables


def _rule(name: str, data: Weeks, first: int, world: World, tried: dict[str, object], departments: bool) -> Rule:
    if name in LEVELS:
        return Cover(data, first, LEVELS[name])
    params = Params.from_mapping({**RULES, **tried})
    # The rule itself cuts the tables at each morning, and so do kept forecasts.
    tables, today = _tables(data, departments), data.day(len(data.starts))
    if name == "kept":
        terms = Terms.of(world, lead=np.full(world.lines, LEAD))
        ratio = SHORTAGE / (SHORTAGE + HOLDING)
        known = build_known(tables, today, params, first=data.day(first), last=data.day(first + WEEKS - 1), every=1)
        return PlanRule(terms, Aim.of(terms, "cost", ratio, lost=True), known)
    return RefitRule.of(tables, today, params, world.keys, world.starts, 7)


if __name__ == "__main__":
    main()
