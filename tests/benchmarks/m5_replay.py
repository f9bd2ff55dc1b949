"""The plan's policy over two years of M5: `python -m tests.benchmarks.m5_replay --data FOLDER [--keep FILE]`.

2,906 item-stores by week, lead time two weeks, review each week, fill rate .95, lost sales. Forecasts are those known
on each past morning. Target: the fill rate achieved is within 2 points of the promised one in each demand class (as
known before the span), with less average stock than up to (L + R) m + z s sqrt(L + R) where z is tuned, on the span
itself, to the same fill rate: one z for all lines, one by demand class, and one by line, which alone gives each line
the service that the plan gives it. The saving stands with its 95 % interval by a paired bootstrap over items.
"""

import argparse
import os
import sys
import time
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from planning import engine
from planning.params import SERVICE_MEASURES, Params
from planning.replay import Ledger, World, replay
from planning.replay_known import Known, build_known
from planning.replay_measures import ReplayResult, build_result
from planning.replay_plan import Aim, PlanRule
from planning.replay_rules import History, Terms, Textbook
from tests.benchmarks.real import Weeks, m5

LEAD, REVIEW, TARGET = 2, 1, 0.95
WARM_UP = 8
LEAST_Z, MOST_Z, HALVINGS = -3.0, 12.0, 16
TOLERANCE = 0.02


def main() -> None:
    """Replay and print service and stock by class."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.m5_replay", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of real data")
    parser.add_argument("--weeks", type=int, default=104, help="weeks that count; before them 8 to warm up")
    parser.add_argument("--every", type=int, default=4, help="weeks after which all is learned anew")
    parser.add_argument("--target", type=float, default=TARGET)
    parser.add_argument("--measure", choices=SERVICE_MEASURES, default="fill_rate")
    parser.add_argument("--exact", action="store_true", help="work the need out as the plan does; slow")
    parser.add_argument("--keep", type=Path, help="a file that keeps the forecasts from one run to the next")
    parser.add_argument("--processes", type=int, default=2)
    asked = parser.parse_args()
    days = m5(asked.data)
    end: date = days.days[-1].astype(object) + timedelta(days=1)
    data = days.weeks(end)
    known = _known(data, end, asked)
    world, history = m5_world(data, known)
    terms = Terms.of(world, np.full(world.lines, LEAD), np.full(world.lines, REVIEW))
    rule = PlanRule(terms, Aim.of(terms, asked.measure, asked.target, lost=True), known, exact=asked.exact)
    start = time.process_time()
    plan = replay(world, rule)
    seconds = time.process_time() - start
    kinds = np.unique(known.demand_class, return_inverse=True)[1]
    fair = {"one z": np.zeros(world.lines, int), "z by class": kinds, "z by line": np.arange(world.lines)}
    textbook = Textbook(terms, history, 1.0)
    others = {name: tuned(world, replace(textbook, name=name), plan, groups) for name, groups in fair.items()}
    result = build_result(world, {"plan": plan, **others}, known.notes)
    for line in told(result):
        sys.stdout.write(line + "\n")
    sys.stdout.write(f"replay {seconds:.2f} s of processor, {os.cpu_count()} cores\n")


def _known(data: Weeks, end: date, asked: argparse.Namespace) -> Known:
    if asked.keep and asked.keep.exists():
        return Known.from_bytes(asked.keep.read_bytes())
    params = {"lead_time_days": 7 * LEAD, "review_period_days": 7 * REVIEW, "lead_time_sd_fraction": 0}
    tables = data.history(len(data.starts)) | {"stock": data.on_hand(np.zeros(len(data.keys)))}
    start = time.perf_counter()
    known = build_known(
        tables,
        end,
        Params.from_mapping(params),
        first=end - timedelta(weeks=asked.weeks + WARM_UP),
        every=asked.every,
        run=engine.pool(asked.processes),
    )
    sys.stdout.write(f"forecasts of {len(known.starts)} mornings: {time.perf_counter() - start:.0f} s\n")
    if asked.keep:
        asked.keep.write_bytes(known.to_bytes())
    return known


def m5_world(data: Weeks, known: Known) -> tuple[World, History]:
    """Return the world of the known mornings, and what the simple policies saw of demand.

    A line starts with lead time, review and a week of its recent mean; before its first sale nothing is known of it.
    """
    begins = int(np.searchsorted(data.starts, known.starts[0]))
    assert (known.keys.to_numpy() == data.keys.to_numpy()).all()
    demand = data.units[:, begins:]
    n, buckets = demand.shape
    world = World.of(
        demand,
        LEAD,
        keys=data.keys,
        starts=known.starts,
        counted=np.arange(buckets) >= WARM_UP,
        whole=np.ones(n, bool),
        groups=pd.DataFrame(
            {
                "category": data.keys["item_id"].str.rsplit("_", n=1).str[0],
                "abc_class": known.abc_class,
                "demand_class": known.demand_class,
                "supplier_id": None,
            }
        ),
    )
    history = History(data.units, begins)
    opening = np.ceil((LEAD + REVIEW + 1) * history.moments(0, 13)[0])
    return replace(world, stock=opening), history


def tuned(world: World, rule: Textbook, like: Ledger, groups: np.ndarray) -> Ledger:
    """Return the textbook's ledger where each group has the z that serves as large a share of its demand as `like`.

    Parameters
    ----------
    groups : code of each line, 0 to the number of groups - 1, (n,).
    """
    wanted = served(world, like, groups)
    low, high = np.full(len(wanted), LEAST_Z), np.full(len(wanted), MOST_Z)
    for _ in range(HALVINGS):
        z = (low + high) / 2
        enough = served(world, replay(world, replace(rule, z=z[groups])), groups) >= wanted
        low, high = np.where(enough, low, z), np.where(enough, z, high)
    return replay(world, replace(rule, z=high[groups]))


def served(world: World, ledger: Ledger, groups: np.ndarray) -> np.ndarray:
    """Return the share of the counted demand that was served, by group; 1 where nothing was asked for."""
    lost, wanted = (np.nansum(part[:, world.counted], axis=1, dtype=float) for part in (ledger.lost, ledger.demand))
    lost, wanted = (np.bincount(groups, part) for part in (lost, wanted))
    return np.where(wanted > 0, 1 - lost / np.maximum(wanted, 1e-9), 1.0)


def told(result: ReplayResult) -> list[str]:
    """Return lines on promise and service by class, and on the stock that was saved."""
    out = [f"{'':14}{'lines':>7}{'demand':>12}{'promised':>10}{'achieved':>10}{'apart':>9}   95 % interval"]
    for by in (None, "demand_class", "abc_class"):
        for row in result.promised("plan", by).itertuples():
            star = "*" if abs(row.difference) > TOLERANCE else " "
            name = str(row.group) if by else "all"
            out.append(
                f"{name:14}{row.lines:7,}{row.demand_units:12,.0f}{row.promised_fill_rate:10.4f}{row.fill_rate:10.4f}"
                f"{row.difference:+9.4f}{star}  {row.low:+.4f} to {row.high:+.4f}"
            )
    totals = result.totals().set_index("policy")
    for name in result.names:
        row = totals.loc[name]
        out.append(f"{name:14} fill rate {row['fill_rate']:.4f}, average stock {row['average_stock_units']:,.0f} units")
    for name in result.names[1:]:
        usual = float(totals.loc[name, "average_stock_units"])
        apart = result.against("plan", name).set_index("measure").loc["average_stock_units"] / usual
        out.append(
            f"average stock against the textbook, {name}: {apart['difference']:+.2%} "
            f"({apart['low']:+.2%} to {apart['high']:+.2%})"
        )
    return out


if __name__ == "__main__":
    main()
