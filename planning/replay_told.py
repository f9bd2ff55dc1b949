"""A replay as files tell it: the columns of its tables, and its summary."""

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pandas as pd

from planning.errors import NothingToPlanError, ParameterError
from planning.fits import Fits
from planning.replay_measures import ReplayResult
from planning.replay_run import NAMES

LINE_COLUMNS = (
    "policy",
    "item_id",
    "location_id",
    "demand_units",
    "sold_units",
    "lost_units",
    "fill_rate",
    "promised_fill_rate",
    "cycle_service_level",
    "stockout_buckets",
    "average_stock_units",
    "average_stock_value",
    "turns",
    "orders",
    "ordered_units",
    "lost_margin",
    "waste_units",
    "waste_value",
    "holding_cost",
    "order_cost",
    "total_cost",
    "start_units",
    "received_units",
    "end_units",
    "sent_units",
)
"""Of `replay.csv`, one row a policy, item and location."""
WEEK_COLUMNS = (
    "policy",
    "starts_on",
    "demand_units",
    "sold_units",
    "lost_units",
    "received_units",
    "ordered_units",
    "waste_units",
    "sent_units",
    "end_units",
    "stock_value",
    "lost_margin",
)
"""Of `replay_weeks.csv`, one row a policy and bucket."""
USUAL_WEEKS = 52
LEAST_WEEKS = 8
BEFORE_WEEKS = 26
"""Weeks before the first replayed one: what was known then is learned from them."""
TRAINING_WEEKS = 18
"""Weeks before the replayed ones on which the weeks of cover are chosen."""
PLACES = 6


def longest(fits: Fits) -> int:
    """Return the weeks of the past that can be replayed; 0 or less where it is too short."""
    return int(fits.periods * fits.calendar.bucket_days // 7 - BEFORE_WEEKS)


def known_from(fits: Fits, as_of: date, first: date) -> date:
    """Return the first morning on which what was known then is needed: some weeks before the first replayed day."""
    earliest = as_of - timedelta(weeks=longest(fits))
    return min(first, max(earliest, first - timedelta(weeks=TRAINING_WEEKS)))


def asked_span(
    fits: Fits, as_of: date, first: date | None = None, last: date | None = None, weeks: int | None = None
) -> tuple[date, date]:
    """Return the first and last day to replay, warm-up included.

    Parameters
    ----------
    fits : whose past it is. first, last : as asked for; None: as `weeks` and the past say.
    weeks : how many, counted back from the last day; None: 52, or as many as the past allows.

    Raises
    ------
    ParameterError : the span ends before it begins, or after the past does.
    NothingToPlanError : the past is too short for any.
    """
    end = as_of - timedelta(days=1)
    if longest(fits) < LEAST_WEEKS:
        msg = f"the past is too short to replay: it takes {BEFORE_WEEKS} weeks to learn from and {LEAST_WEEKS} more"
        raise NothingToPlanError(msg)
    last = last or end
    if last > end:
        msg = f"--to {last} is not past on the morning of {as_of}: choose {end} or earlier"
        raise ParameterError(msg)
    first = first or last + timedelta(days=1) - timedelta(weeks=weeks or min(USUAL_WEEKS, longest(fits)))
    if first > last:
        msg = f"the replay would begin on {first} and end on {last}: let it end after it begins"
        raise ParameterError(msg)
    return first, last


def key_of(name: str) -> str:
    """Return the key of a policy of the engine by the name that its results carry; of another one its name."""
    return next((key for key, told in NAMES.items() if told == name), name)


def keyed(result: ReplayResult) -> ReplayResult:
    """Return a replay whose policies are called as they are asked for on the command line."""
    lines, weeks = (part.assign(policy=part["policy"].map(key_of)) for part in (result.lines, result.weeks))
    ledgers = {key_of(name): ledger for name, ledger in result.ledgers.items()}
    return replace(result, names=tuple(ledgers), lines=lines, weeks=weeks, ledgers=ledgers)


def summary(result: ReplayResult, curve: pd.DataFrame, others: Sequence[str] = ()) -> dict[str, Any]:
    """Return what a replay showed as JSON types; what is not known is None.

    Parameters
    ----------
    curve : as `planning.replay_run.exchange_curve` returns it.
    others : policies that the first is held against; none: all others.
    """
    first = result.names[0]
    against = {other: _rows(result.against(first, other)) for other in others or result.names[1:]}
    return {
        "span": {"from": result.span[0].isoformat(), "to": result.span[1].isoformat()},
        "bucket_days": result.bucket_days,
        "buckets": int(result.world.counted.sum()),
        "policies": list(result.names),
        "totals": _rows(result.totals()),
        "promised": _rows(result.promised(first, "demand_class")),
        "against": against,
        "exchange_curve": _rows(curve),
        "notes": list(result.notes),
    }


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): _plain(value) for name, value in row.items()} for row in frame.to_dict("records")]


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, PLACES) if math.isfinite(value) else None
    return value.item() if hasattr(value, "item") else None if value is pd.NA else value
