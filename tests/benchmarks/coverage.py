"""How often demand stays within its quantiles: `python -m tests.benchmarks.coverage --data FOLDER [--quick]`.

Target: the share of cumulative demand over three weeks that stays within the quantile of .80, .90, .95 and .98 is
within 2 points of it, on M5 by week, VN2 (weeks in stock), UCI by week, and the synthetic regimes (six periods).
Counts stay within a quantile with P(D < y) + U * P(D = y) <= q for a uniform U; here its expectation over U stands,
so that no chance of its own is in the figures. A star marks a miss of more than 2 points. Bias is forecast less
actual, as a share of actual; pinball is that of the .95 quantile, as a share of actual demand.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from planning import pipeline
from planning.distribution import CumulativeDemand, cdf, quantile
from planning.params import Params
from tests.benchmarks import real
from tests.benchmarks.real import KEY

NOMINAL = (0.80, 0.90, 0.95, 0.98)
TOLERANCE = 0.02
WEEKS = 3
UCI_LEAST_WEEKS = 26
SERIES, PERIODS, AHEAD, SEED = 1000, 104, 6, 11
REGIMES = ("stable", "drifting", "intermittent")
BANDS = (0.0, 1.0, 5.0, 20.0, 100.0, np.inf)


@dataclass(frozen=True)
class Case:
    """One data set on one morning: what was known, and what then was wanted.

    actual : units of the `days` from as_of on, NaN where that is not known, by item_id and location_id.
    """

    name: str
    tables: dict[str, pd.DataFrame]
    as_of: date
    days: int
    actual: pd.Series


def main() -> None:
    """Measure the data sets and print a table for each."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.coverage", description=__doc__)
    parser.add_argument("--data", type=Path, help="folder of real data; without it the synthetic regimes alone")
    parser.add_argument("--only", default="", help="names of data sets, such as vn2,uci")
    parser.add_argument("--quick", action="store_true", help="fewer origins")
    parser.add_argument("--by", default="demand_class", help="demand_class, origin, band, category; with commas")
    parser.add_argument("--params", default="{}", help="parameters to try, JSON")
    parser.add_argument("--keep", type=Path, help="a file for the rows of all items, CSV")
    asked = parser.parse_args()
    wanted = set(asked.only.split(",")) - {""}
    params = json.loads(asked.params)
    kept = []
    sys.stdout.write(f"{os.cpu_count()} cores\n{HEAD}\n")
    for name, cases in SETS.items():
        if (wanted and name not in wanted) or (asked.data is None and cases is not synthetic):
            continue
        start = time.perf_counter()
        rows = pd.concat([measure(case, params) for case in cases(asked.data, asked.quick)], ignore_index=True)
        kept.append(rows)
        for line in told(rows, asked.by.split(",")):
            sys.stdout.write(line + "\n")
        sys.stdout.write(f"{name}: {time.perf_counter() - start:.0f} s\n")
        sys.stdout.flush()
    if asked.keep:
        pd.concat(kept).to_csv(asked.keep, index=False)


def measure(case: Case, params: dict[str, object]) -> pd.DataFrame:
    """Return a row an item: mean, actual, P(D < actual), P(D <= actual) and the .95 quantile."""
    lead = {"lead_time_days": case.days - 7, "review_period_days": 7}
    made = pipeline.prepare(case.tables, case.as_of, Params.from_mapping({**lead, **params}))
    place = pd.MultiIndex.from_frame(made.network.keys[KEY])
    actual = case.actual.reindex(place).to_numpy(float)
    out = pd.DataFrame({"set": case.name, "origin": case.as_of, "item_id": place.get_level_values(0)})
    out["location_id"] = place.get_level_values(1)
    category = case.tables.get("items", pd.DataFrame({"item_id": [], "category": []})).set_index("item_id")["category"]
    out["category"] = out["item_id"].map(category)
    out["demand_class"] = made.fits.demand_class
    out["mean"] = made.demand.mean_to(np.full(len(out), float(case.days)))
    out["variance"] = made.demand.variance_to(np.full(len(out), float(case.days)))
    out["band"] = pd.cut(out["mean"] / case.days * 7, BANDS, right=False)
    out["actual"] = actual
    step = np.where(made.demand.whole, 1.0, 1e-9 * np.maximum(actual, 1.0))
    out["below"] = chance_within(made.demand, actual - step, case.days)
    out["within"] = chance_within(made.demand, actual, case.days)
    out["q95"] = quantile_at(made.demand, 0.95, case.days)
    return out[~np.isnan(actual)]


def chance_within(demand: CumulativeDemand, level: np.ndarray, days: int) -> np.ndarray:
    """Return P(demand of the first days <= level), (n,)."""
    day = np.full(len(level), float(days))
    if hasattr(demand, "chance_within"):
        return np.asarray(demand.chance_within(level, day))
    return cdf(level, demand.mean_to(day), demand.variance_to(day), demand.whole)


def quantile_at(demand: CumulativeDemand, p: float, days: int) -> np.ndarray:
    """Return the p-quantile of the demand of the first days, (n,)."""
    day = np.full(len(demand.mean), float(days))
    if hasattr(demand, "quantile"):
        return np.asarray(demand.quantile(p, day))
    return quantile(np.asarray(p), demand.mean_to(day), demand.variance_to(day), demand.whole)


HEAD = f"{'':34} {'n':>7} " + " ".join(f"{q:>7.2f} " for q in NOMINAL) + f"{'bias':>8} {'pinball':>8}"


def told(rows: pd.DataFrame, by: list[str]) -> Iterator[str]:
    """Yield a line for all rows of each set, and one for each of their parts."""
    for name, group in rows.groupby("set", sort=False):
        yield _line(str(name), group)
        for column in by:
            for value, part in group.groupby(column, observed=True):
                yield _line(f"  {value}", part)


def covered(rows: pd.DataFrame, q: float) -> float:
    """Return the share of rows within their q-quantile, expected over the uniform that splits a count's own chance."""
    below, within = rows["below"].to_numpy(), rows["within"].to_numpy()
    own = within - below
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(own > 1e-12, (q - below) / own, within <= q)
    return float(np.clip(share, 0, 1).mean())


def _line(name: str, rows: pd.DataFrame) -> str:
    cells = []
    for q in NOMINAL:
        found = covered(rows, q)
        cells.append(f"{found:7.3f}{'*' if abs(found - q) > TOLERANCE else ' '}")
    total = max(rows["actual"].sum(), 1e-9)
    miss = rows["actual"] - rows["q95"]
    pinball = np.maximum(0.95 * miss, -0.05 * miss).sum() / total
    bias = rows["mean"].sum() / total - 1
    return f"{name:34} {len(rows):7,} {' '.join(cells)} {100 * bias:+7.1f}% {pinball:8.4f}"


def m5(folder: Path, quick: bool) -> Iterator[Case]:
    """Yield M5 by week; 2,906 series a morning."""
    data = real.m5(folder)
    mornings = [date(2016, 4, 4)] if quick else [date(2016, 4, 4), date(2016, 1, 11), date(2015, 9, 14)]
    for morning in mornings:
        weeks = data.weeks(morning)
        yield _by_week("m5", weeks, int(np.searchsorted(weeks.starts, np.datetime64(morning))))


def vn2(folder: Path, quick: bool) -> Iterator[Case]:
    """Yield VN2; only items that were in stock for all of the three weeks count."""
    data = real.vn2(folder)
    for week in range(154, 98, -21 if quick else -7):
        yield _by_week("vn2", data, week)


def _by_week(name: str, data: real.Weeks, week: int) -> Case:
    target = slice(week, week + WEEKS)
    actual = np.where(data.in_stock[:, target].all(axis=1), data.units[:, target].sum(axis=1), np.nan)
    tables = data.history(week) | {"stock": data.on_hand(np.full(len(data.keys), 100.0))}
    return Case(name, tables, data.day(week), 7 * WEEKS, pd.Series(actual, pd.MultiIndex.from_frame(data.keys)))


def uci(folder: Path, quick: bool) -> Iterator[Case]:
    """Yield the shop's items that were sold for at least 26 weeks; sales taken back on the same day never were."""
    sales = real.uci(folder).assign(location_id="MAIN")
    mornings = [date(2011, 11, 14), date(2011, 10, 17), date(2011, 9, 26)]
    mornings += [] if quick else [date(2011, 10, 31), date(2011, 10, 3), date(2011, 9, 19)]
    first = sales[sales["quantity"] > 0].groupby("item_id")["date"].min()
    wanted = without_cancelled(sales)
    for morning in sorted(mornings):
        start, end = (pd.Timestamp(morning + timedelta(days=d)) for d in (0, 7 * WEEKS))
        known = first.index[first <= start - pd.Timedelta(weeks=UCI_LEAST_WEEKS)]
        past = sales[(sales["date"] < start) & sales["item_id"].isin(known)]
        target = wanted[(wanted["date"] >= start) & (wanted["date"] < end)]
        actual = target.groupby("item_id")["quantity"].sum().reindex(known, fill_value=0.0)
        places = pd.MultiIndex.from_arrays([known, ["MAIN"] * len(known)], names=KEY)
        stock = places.to_frame(index=False).assign(on_hand=100.0)
        tables = {"sales": past.reset_index(drop=True), "stock": stock}
        yield Case("uci", tables, morning, 7 * WEEKS, pd.Series(actual.to_numpy(), places))


def without_cancelled(sales: pd.DataFrame) -> pd.DataFrame:
    """Return what was sold, less each sale that was taken back whole on the same day."""
    pair = sales[["item_id", "date"]].assign(units=sales["quantity"].abs(), back=sales["quantity"] < 0)
    pair["turn"] = pair.groupby(["item_id", "date", "units", "back"]).cumcount()
    back = pd.MultiIndex.from_frame(pair.loc[pair["back"], ["item_id", "date", "units", "turn"]])
    cancelled = pd.MultiIndex.from_frame(pair[["item_id", "date", "units", "turn"]]).isin(back)
    return sales[(sales["quantity"] > 0) & ~cancelled]


def synthetic(_: Path | None, quick: bool) -> Iterator[Case]:
    """Yield the three regimes: negative binomial demand about a level that stands still or walks."""
    del quick
    for regime in REGIMES:
        units = regime_units(regime, np.random.default_rng(SEED))
        keys = pd.DataFrame({"item_id": [f"I{n:04}" for n in range(SERIES)], "location_id": "MAIN"}).astype(object)
        starts = np.datetime64("2023-01-02") + 7 * np.arange(PERIODS + AHEAD)
        known = units[:, :PERIODS]
        items = keys[["item_id"]].assign(category="all")
        weeks = real.Weeks(keys, starts[:PERIODS], known, np.ones(known.shape, bool), items)
        actual = pd.Series(units[:, PERIODS:].sum(axis=1), pd.MultiIndex.from_frame(keys))
        tables = weeks.history(PERIODS) | {"stock": weeks.on_hand(np.full(SERIES, 100.0))}
        yield Case(f"synthetic {regime}", tables, weeks.day(PERIODS), 7 * AHEAD, actual)


def regime_units(regime: str, chance: np.random.Generator) -> np.ndarray:
    """Return demand of one regime by period, (SERIES, PERIODS + AHEAD)."""
    shape = (SERIES, PERIODS + AHEAD)
    level = (chance.gamma(1.2, 6.0, SERIES) + 0.3)[:, None]
    if regime != "stable":
        level = level * np.exp(np.cumsum(chance.normal(0.0, 0.05, shape), axis=1))
    size = chance.uniform(1.0, 6.0, SERIES)[:, None]
    units = chance.negative_binomial(size, size / (size + level), shape).astype(float)
    if regime == "intermittent":
        units = units * (chance.random(shape) < 0.3)
    return units


SETS: dict[str, Callable[..., Iterator[Case]]] = {"synthetic": synthetic, "vn2": vn2, "uci": uci, "m5": m5}


if __name__ == "__main__":
    main()
