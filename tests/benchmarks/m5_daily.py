"""The last 28 days of M5, beside statsforecast: `python -m tests.benchmarks.m5_daily --data FOLDER [--cache FOLDER]`.

Target: mean RMSSE at least 1.5 % below SimpleExponentialSmoothingOptimized and below AutoETS(7) and
DynamicOptimizedTheta(7), in at most a fifth of AutoETS's time. RMSSE is the root of the mean squared error over the
28 days, as a share of the mean squared day-to-day change of the history since the first sale; series of which that
is zero are left out and counted. With a cache the rivals' forecasts are kept; the final measurement runs all.
"""

import argparse
import json
import os
import sys
import time
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from planning import engine, pipeline
from planning.params import Params
from tests.benchmarks import real

TEST_DAYS = 28
AS_OF = date(2016, 3, 28)
SEASON = 7
RIVALS = ("SimpleExponentialSmoothingOptimized", "AutoETS", "DynamicOptimizedTheta")
OURS = {"bucket": "day", "lead_time_days": TEST_DAYS - 7, "review_period_days": 7}
TARGET = 0.985


def main() -> None:
    """Forecast with all and print a line each."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.m5_daily", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of real data")
    parser.add_argument("--params", default="{}", help="parameters to try, JSON")
    parser.add_argument("--cache", type=Path, help="a folder that keeps the rivals' forecasts")
    parser.add_argument("--series", type=int, help="only so many series, evenly picked")
    parser.add_argument("--last", type=int, help="days of history that AutoETS is given; all without it")
    parser.add_argument("--ours", action="store_true", help="the engine alone")
    parser.add_argument("--processes", type=int, default=2)
    asked = parser.parse_args()
    data = _some(real.m5(asked.data), asked.series)
    units, past = data.units, int(np.searchsorted(data.days, np.datetime64(AS_OF)))
    sys.stdout.write(f"{os.cpu_count()} cores, {asked.processes} processes, {len(units):,} series\n")
    found = {"ours": _ours(data, past, json.loads(asked.params), asked.processes)}
    for name in () if asked.ours else RIVALS:
        last = asked.last if name == "AutoETS" else None
        found[name] = _kept(asked.cache, name, units[:, :past], last, asked.processes)
    _tell(found, units, past, asked.last)


def _some(data: real.Days, count: int | None) -> real.Days:
    if count is None:
        return data
    rows = np.linspace(0, len(data.keys) - 1, count).astype(int)
    return real.Days(data.keys.iloc[rows].reset_index(drop=True), data.days, data.units[rows], data.items)


def _ours(data: real.Days, past: int, tried: dict[str, object], processes: int) -> tuple[np.ndarray, float]:
    """Return the engine's mean by day and series, and its seconds from tables to the distribution."""
    tables = data.history(past) | {"stock": data.keys.assign(on_hand=100.0)}
    params = Params.from_mapping({**OURS, **tried})
    start = time.perf_counter()
    fits = pipeline.fit(tables, AS_OF, params, run=engine.pool(processes))
    base = pipeline.prepare(tables, AS_OF, params, fits=fits)
    seconds = time.perf_counter() - start
    days = [base.demand.mean_to(np.full(len(data.keys), float(day))) for day in range(TEST_DAYS + 1)]
    mean = pd.DataFrame(np.diff(days, axis=0).T, pd.MultiIndex.from_frame(base.network.keys[real.KEY]))
    return mean.reindex(pd.MultiIndex.from_frame(data.keys)).to_numpy(), seconds


def _kept(
    cache: Path | None, name: str, past: np.ndarray, last: int | None, processes: int
) -> tuple[np.ndarray, float]:
    path = cache / f"{name}-{len(past)}-{last or 'all'}.npz" if cache else None
    if path is not None and path.exists():
        with np.load(path) as kept:
            return kept["mean"], float(kept["seconds"])
    mean, seconds = _rival(name, past, last, processes)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, mean=mean, seconds=seconds)
    return mean, seconds


def _rival(name: str, past: np.ndarray, last: int | None, processes: int) -> tuple[np.ndarray, float]:
    """Return a statsforecast model's mean by day and series, and its seconds."""
    from statsforecast import StatsForecast, models

    kind = getattr(models, name)
    model = kind() if name.startswith("Simple") else kind(season_length=SEASON)
    past = past if last is None else past[:, -last:]
    rows, columns = np.nonzero(~np.isnan(past))
    frame = pd.DataFrame({"unique_id": rows, "ds": columns, "y": past[rows, columns]})
    start = time.perf_counter()
    told = StatsForecast([model], freq=1, n_jobs=processes).forecast(df=frame, h=TEST_DAYS)
    seconds = time.perf_counter() - start
    column = [c for c in told.columns if c not in ("unique_id", "ds")][0]
    return told.pivot(index="unique_id", columns="ds", values=column).to_numpy(), seconds


def _tell(found: dict[str, tuple[np.ndarray, float]], units: np.ndarray, past: int, last: int | None) -> None:
    history, actual = units[:, :past], units[:, past : past + TEST_DAYS]
    scores = {name: rmsse(actual, mean, history) for name, (mean, _) in found.items()}
    ours = float(np.nanmean(scores["ours"]))
    sys.stdout.write(f"{'':38} {'RMSSE':>8} {'ours/it':>8} {'bias':>8} {'seconds':>8}\n")
    for name, (mean, seconds) in found.items():
        score = float(np.nanmean(scores[name]))
        bias = 100 * (mean.sum() / actual.sum() - 1)
        note = f"  on the last {last} days" if last and name == "AutoETS" else ""
        sys.stdout.write(f"{name:38} {score:8.4f} {ours / score:8.4f} {bias:+7.1f}% {seconds:8.1f}{note}\n")
    sys.stdout.write(f"left out, as their history never changed: {int(np.isnan(scores['ours']).sum())}\n")
    if set(RIVALS) <= set(found):
        against = ours / float(np.nanmean(scores[RIVALS[0]]))
        share = found["ours"][1] / found["AutoETS"][1]
        sys.stdout.write(f"target {TARGET} of SES: {against:.4f}; time, 0.2 of AutoETS: {share:.2f}\n")


def rmsse(actual: np.ndarray, mean: np.ndarray, history: np.ndarray) -> np.ndarray:
    """Return the scaled error of each series, NaN where its history never changed, (n,)."""
    began = np.maximum.accumulate(np.nan_to_num(history) > 0, axis=1)[:, :-1]
    steps = np.where(began, np.diff(history, axis=1), np.nan)
    count = (~np.isnan(steps)).sum(axis=1)
    scale = np.nansum(steps**2, axis=1) / np.maximum(count, 1)
    error = ((actual - mean) ** 2).mean(axis=1)
    return np.sqrt(np.where(scale > 0, error / np.where(scale > 0, scale, 1.0), np.nan))


if __name__ == "__main__":
    main()
