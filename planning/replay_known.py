"""Forecasts as they were known on each past morning, kept so that a policy is then a loop of moments.

Every few buckets all is learned anew from the tables cut at that morning: seasons, extremes, uplifts, demand classes,
the choice of models, the law of their errors and its calibration. On the mornings in between demand and levels are
those of the morning; the rest stays as it was last learned. So nothing looks ahead, to the last bit.
"""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from planning import engine
from planning.calendar import Calendar, build_calendar
from planning.choice import choose_models
from planning.distribution import Calibration, CumulativeDemand
from planning.errors import ParameterError
from planning.fits import Fits
from planning.forecast import Progress, forecast, step_on
from planning.inputs import Inputs, read_tables
from planning.network import Network, build_network
from planning.params import Params
from planning.past import Choice, Past
from planning.pipeline import horizon_days, resolved_bucket, silent
from planning.positions import Positions, build_positions
from planning.replay_then import NOTES, known_then, params_then
from planning.spread import ANCHORS, build_distribution, by_day, mean_path

LEARN_EVERY = 4
"""Buckets after which all is learned anew."""
LEAST_BUCKETS = 8
"""Buckets that must lie before the first morning."""
MOST_SPREADS = 3
REACHED = 0.99
"""Share of the lines whose lead time, review and spread the kept buckets reach; beyond them demand runs on alike."""


@dataclass(frozen=True)
class Known:
    """What was forecast on each past morning by what was known then. n lines, T mornings, H buckets, B learnings.

    keys : item_id, location_id, sorted as the network's.
    starts : first day of each bucket, on whose morning the forecast is made, datetime64[D], (T,).
    mean, variance : of cumulative demand of the first 1 ... H buckets from each morning, float32, (T, n, H).
    learned : which learning each morning stands on, (T,).
    wholes : whether demand is in whole units, by learning, (B, n).
    calibrations : how levels are read, by learning; None: as the law says.
    demand_class, abc_class : as known on the first morning, (n,).
    notes : what could not be known as it was.
    """

    keys: pd.DataFrame
    starts: np.ndarray
    bucket_days: int
    mean: np.ndarray
    variance: np.ndarray
    learned: np.ndarray
    wholes: np.ndarray
    calibrations: tuple[Calibration | None, ...]
    demand_class: np.ndarray
    abc_class: np.ndarray
    notes: tuple[str, ...]

    @property
    def buckets(self) -> int:
        """How many buckets ahead are told."""
        return int(self.mean.shape[2])

    @property
    def whole(self) -> np.ndarray:
        """Whether demand is in whole units as known on the first morning, (n,)."""
        return np.asarray(self.wholes[0])

    def calibration(self, t: int) -> Calibration | None:
        """Return how levels are read on the morning of bucket `t`."""
        return self.calibrations[int(self.learned[t])]

    def at(self, t: int) -> CumulativeDemand:
        """Return the distribution of demand as it was known on the morning of bucket `t`, by day."""
        days = self.buckets * self.bucket_days
        mean, variance = (
            by_day(table[t].astype(float), self.bucket_days, days) for table in (self.mean, self.variance)
        )
        return CumulativeDemand(mean, variance, np.asarray(self.wholes[self.learned[t]]), self.calibration(t))

    def to_bytes(self) -> bytes:
        """Return it as one archive; the same forecasts give the same bytes."""
        head = {
            "item_id": list(self.keys["item_id"]),
            "location_id": list(self.keys["location_id"]),
            "bucket_days": self.bucket_days,
            "notes": list(self.notes),
            "calibrated": [one is not None for one in self.calibrations],
        }
        arrays: dict[str, Any] = {name: getattr(self, name) for name in _ARRAYS}
        for k, one in enumerate(self.calibrations):
            if one is not None:
                arrays |= {f"code_{k}": one.code.astype(np.int16), f"realised_{k}": one.realised}
        out = io.BytesIO()
        np.savez_compressed(out, head=np.frombuffer(json.dumps(head).encode(), np.uint8), **arrays)
        return out.getvalue()

    @classmethod
    def from_bytes(cls, kept: bytes) -> "Known":
        """Read what `to_bytes` wrote."""
        with np.load(io.BytesIO(kept), allow_pickle=False) as archive:
            head = json.loads(archive["head"].tobytes().decode())
            arrays = {name: archive[name] for name in _ARRAYS}
            calibrations = tuple(
                Calibration(archive[f"code_{k}"].astype(int), archive[f"realised_{k}"]) if there else None
                for k, there in enumerate(head["calibrated"])
            )
        return cls(
            keys=pd.DataFrame({"item_id": head["item_id"], "location_id": head["location_id"]}, dtype="object"),
            bucket_days=head["bucket_days"],
            calibrations=calibrations,
            notes=tuple(head["notes"]),
            **arrays,
        )


_ARRAYS = ("starts", "mean", "variance", "learned", "wholes", "demand_class", "abc_class")


@dataclass(frozen=True)
class _Ground:
    """What all learnings share: tables and network of today; `horizon` buckets that fits reach, `buckets` are kept."""

    tables: Inputs
    network: Network
    asked: dict[str, Any]
    calendar: Calendar
    horizon: int
    buckets: int
    event_notice_days: int

    @cached_property
    def params(self) -> Params:
        """The parameters, which travel to other processes as a mapping."""
        return Params.from_mapping(self.asked)

    def calendar_at(self, morning: int, first: int = 0) -> Calendar:
        """Return the calendar of the morning of bucket `morning`, from bucket `first` on."""
        day: date = self.calendar.starts()[morning].astype(object)
        return Calendar(day, self.calendar.bucket_days, morning - first, 0, weekly_data=self.calendar.weekly_data)

    def tables_at(self, calendar: Calendar) -> Inputs:
        """Return the tables as they were known on that morning."""
        return known_then(self.tables, calendar.as_of, self.event_notice_days)


@dataclass(frozen=True)
class _Learned:
    """What one learning tells of its mornings, m of them: see `Known`."""

    mean: np.ndarray
    variance: np.ndarray
    whole: np.ndarray
    calibration: Calibration | None
    demand_class: np.ndarray
    abc_class: np.ndarray


def build_known(
    inputs: Mapping[str, pd.DataFrame],
    as_of: date,
    params: Params,
    *,
    first: date,
    last: date | None = None,
    fits: Fits | None = None,
    buckets: int | None = None,
    every: int = LEARN_EVERY,
    event_notice_days: int = 0,
    run: engine.Runner = engine.serial,
    progress: Progress = silent,
) -> Known:
    """Forecast on each morning from `first` to `last` by what was known then.

    Parameters
    ----------
    inputs : contract tables by name, of today.
    first, last : days; the mornings are those of the buckets that begin within them. None: to the end of the history.
    fits : of these inputs and morning, where they are there already: they spare one fit.
    buckets : how far ahead; None: as far as lead time, its spread and the review of nearly all lines reach.
    every : buckets after which all is learned anew; 1: exactly what a plan of each morning would have forecast.
    event_notice_days : how long before its first day an event was told.
    run : where learnings run; it never changes the result.
    progress : called with "known", mornings done, all of them.

    Raises
    ------
    ParameterError : no bucket of the history begins in the span, or too few lie before it.
    """
    tables = read_tables(inputs, as_of)
    network = build_network(tables, params, [])
    params = params_then(params)
    calendar = _calendar(tables, inputs, as_of, params, fits)
    mornings = _mornings(calendar, first, last)
    horizon = -(-horizon_days(inputs, as_of, params) // calendar.bucket_days) + every - 1
    ground = _Ground(tables, network, params.to_dict(), calendar, horizon, 0, event_notice_days)
    if buckets is None:
        buckets = _reach(ground, as_of, int(mornings[0]), fits)
    ground = replace(ground, buckets=min(buckets, horizon - every + 1))
    blocks = [mornings[a : a + every] for a in range(0, len(mornings), every)]
    found: list[_Learned] = []
    progress("known", 0, len(mornings))
    for learned in run(_learn, [(ground, block) for block in blocks]):
        found.append(learned)
        progress("known", min(len(found) * every, len(mornings)), len(mornings))
    return Known(
        keys=network.keys,
        starts=calendar.starts()[mornings],
        bucket_days=calendar.bucket_days,
        mean=np.concatenate([one.mean for one in found]),
        variance=np.concatenate([one.variance for one in found]),
        learned=np.arange(len(mornings)) // every,
        wholes=np.stack([one.whole for one in found]),
        calibrations=tuple(one.calibration for one in found),
        demand_class=found[0].demand_class,
        abc_class=found[0].abc_class,
        notes=NOTES,
    )


def _calendar(
    tables: Inputs, inputs: Mapping[str, pd.DataFrame], as_of: date, params: Params, fits: Fits | None
) -> Calendar:
    """Return today's buckets over the whole history: how much of it is used is told morning by morning."""
    bucket = {1: "day", 7: "week"}[fits.calendar.bucket_days] if fits else resolved_bucket(inputs, as_of, params)
    return build_calendar(tables["sales"], as_of, bucket, None)


def _mornings(calendar: Calendar, first: date, last: date | None) -> np.ndarray:
    starts = calendar.starts()
    inside = starts >= np.datetime64(first, "D")
    if last is not None:
        inside &= starts <= np.datetime64(last, "D")
    found = np.flatnonzero(inside)
    if not len(found):
        msg = f"no bucket of the history begins from {first} to {last or 'its end'}: sales end on {_end(calendar)}"
        raise ParameterError(msg)
    if found[0] < LEAST_BUCKETS:
        earliest = starts[min(LEAST_BUCKETS, len(starts) - 1)]
        msg = f"the replay begins on {first}, too early to forecast: {LEAST_BUCKETS} buckets must lie before it; "
        msg += f"begin on {earliest} or later"
        raise ParameterError(msg)
    return found


def _end(calendar: Calendar) -> str:
    return str(calendar.starts()[-1] + np.timedelta64(calendar.bucket_days - 1, "D")) if calendar.periods else "no day"


def _reach(ground: _Ground, as_of: date, morning: int, fits: Fits | None) -> int:
    """Return the buckets that lead time, its spread and the review of nearly all lines reach."""
    if fits is None or len(fits.keys) != len(ground.network.keys):
        fits = _fit(ground, ground.calendar_at(morning))
    positions = build_positions(ground.tables, ground.network, fits, as_of, ground.params, [])
    review = np.maximum(positions.column("review_period_days"), ground.params.coverage_days or 0)
    days = positions.column("lead_time_days") + MOST_SPREADS * positions.column("lead_time_sd_days") + review
    # Lead time and review are each rounded up to whole buckets.
    return int(np.quantile(np.ceil(days / ground.calendar.bucket_days), REACHED, method="higher")) + 1


def _learn(part: tuple[_Ground, np.ndarray]) -> _Learned:
    """Learn all from what was known on the first of these mornings, and step on to the others."""
    ground, mornings = part
    params, bucket_days = ground.params, ground.calendar.bucket_days
    first = max(0, int(mornings[0]) - params.history_days // bucket_days) if params.history_days else 0
    calendar = ground.calendar_at(int(mornings[0]), first)
    fits = _fit(ground, calendar)
    tables = ground.tables_at(calendar)
    positions = build_positions(tables, ground.network, fits, calendar.as_of, params, [])
    past = Past(fits)
    choice = choose_models(fits, positions.interval, params, past)
    told = [_distribution(ground, fits, fits, choice, past, positions, None)]
    for morning in mornings[1:]:
        calendar = ground.calendar_at(int(morning), first)
        later = step_on(fits, ground.tables_at(calendar), calendar, params)
        told.append(_distribution(ground, later, fits, choice, past, positions, told[0]))
    columns = bucket_days * np.arange(1, ground.buckets + 1)
    return _Learned(
        np.stack([one.mean[:, columns] for one in told]).astype(np.float32),
        np.stack([one.variance[:, columns] for one in told]).astype(np.float32),
        told[0].whole,
        told[0].calibration,
        fits.demand_class,
        positions.table["abc_class"].to_numpy("U1"),
    )


def _fit(ground: _Ground, calendar: Calendar) -> Fits:
    tables = ground.tables_at(calendar)
    return forecast(tables, ground.network.keys, calendar, ground.horizon, ground.params, engine.serial, silent)


def _distribution(
    ground: _Ground,
    fits: Fits,
    errors: Fits,
    choice: Choice,
    past: Past,
    positions: Positions,
    like: CumulativeDemand | None,
) -> CumulativeDemand:
    """Return the distribution by the levels of `fits` and the past errors of `errors`."""
    bucket_days = ground.calendar.bucket_days
    # Up to the next horizon at which errors are measured: between two of them the variance is interpolated.
    beyond = [h for h in ANCHORS[bucket_days] if h >= ground.buckets]
    reach = min(beyond[0] if beyond else ground.buckets, fits.horizon)
    path = mean_path(fits, choice, reach)
    usual = float(np.median(positions.interval))
    days = reach * bucket_days
    return build_distribution(errors, ground.network, choice, days, ground.params, (path, path), usual, past, like)
