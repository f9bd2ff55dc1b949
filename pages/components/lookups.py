"""What pages ask for beyond the plan itself: the past of some lines, and the plan under other parameters."""

from typing import Any

import numpy as np
import pandas as pd

from pages.components import cached, lines, session
from planning.errors import PlanningError
from planning.frontier import Tradeoff
from planning.result import PlanResult, Recorded

HALF = 0.5
_NONE = pd.DataFrame(columns=["starts_on", "sales", "demand", "known", "outlier", "event", "closed"])


def history(plan: PlanResult, item_id: str, location_id: str) -> pd.DataFrame:
    """The past of one line by bucket: starts_on, sales, demand (units), known, outlier, event, closed.

    Empty without a past. The past of a location that feeds others is theirs and its own.
    """
    fed = lines.fed_by(plan, item_id, location_id)
    if len(fed):
        return history_of_all(pd.concat([fed, pd.DataFrame({"item_id": [item_id], "location_id": [location_id]})]))
    past = _recorded()
    return _NONE if past is None else past.line(item_id, location_id)


def history_of_all(keys: pd.DataFrame) -> pd.DataFrame:
    """The past of many lines, summed by bucket, in the columns of `history`.

    A bucket counts as unknown where half of the lines or more had an empty shelf, as event where it touched half of
    them or more, as outlier where half of what was sold or more was one.
    """
    past = _recorded()
    if past is None:
        return _NONE
    some = past.of(keys)
    active, demand = some.active, some.demand.astype(float)
    sold = np.where(active, some.sales, 0.0)
    counted = active.sum(axis=0)
    return pd.DataFrame(
        {
            "starts_on": pd.to_datetime(some.starts),
            "sales": sold.sum(axis=0),
            "demand": np.where(active & ~np.isnan(demand), demand, sold).sum(axis=0),
            "known": _share((np.isnan(demand) & active).sum(axis=0), counted) < HALF,
            "outlier": _share(np.where(some.outlier, sold, 0.0).sum(axis=0), sold.sum(axis=0)) >= HALF,
            "closed": _share((some.closed & active).sum(axis=0), counted) >= HALF,
            "event": _share((some.event & active).sum(axis=0), counted) >= HALF,
        }
    )[counted > 0].reset_index(drop=True)


def rollup(keys: pd.DataFrame) -> pd.DataFrame:
    """The forecast of some lines together, as `cached.rollup` says; empty where there is none.

    Through a link the forecasts of the lines one by one: their quantiles do not add up.
    """
    if session.grant() is not None:
        return lines.keep(session.require_plan().forecast, keys)
    snapshot = session.snapshot_id()
    if snapshot is None:
        return cached.NO_ROLLUP
    return cached.rollup(session.visitor(), snapshot, session.as_of(), session.params(), keys)


def rivals_of(item_id: str, location_id: str) -> pd.DataFrame:
    """The models that were tried on one line, as `cached.rivals_of` says; empty where that is not known."""
    snapshot = session.snapshot_id()
    if snapshot is None:
        return cached.NO_RIVALS
    return cached.rivals_of(session.visitor(), snapshot, session.as_of(), session.params(), item_id, location_id)


def statistical() -> np.ndarray | None:
    """The mean before all corrections, as `cached.statistical` says; None where that is not known."""
    snapshot = session.snapshot_id()
    if snapshot is None:
        return None
    return cached.statistical(session.visitor(), snapshot, session.as_of(), session.params())


def tradeoff(whole: PlanResult, value: str, keys: pd.DataFrame | None = None) -> Tradeoff | None:
    """What stock buys in service, as `cached.tradeoff` says; None where it is not known of this plan."""
    snapshot = session.snapshot_id()
    if snapshot is None:
        return None
    told = cached.tradeoff(session.visitor(), snapshot, session.as_of(), session.params(), value, keys)
    # A plan that was made elsewhere has other lines.
    return None if told is None or told.of != len(whole.policy) else told


def event_effects() -> pd.DataFrame:
    """What past events did, as `cached.event_effects` says; empty where that is not known."""
    snapshot = session.snapshot_id()
    if snapshot is None:
        return cached.NO_EFFECTS
    return cached.event_effects(session.visitor(), snapshot, session.as_of(), session.params())


def plan_with(**changes: Any) -> PlanResult | None:
    """The plan under some other cheap parameters, for comparison; None where it cannot be made."""
    snapshot = session.snapshot_id()
    if snapshot is None:
        return None
    try:
        return cached.plan(session.visitor(), snapshot, session.as_of(), session.params().but(**changes))
    except PlanningError:
        return None


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return part / np.maximum(whole, 1)


def _recorded() -> Recorded | None:
    if session.grant() is not None:
        return cached.shared_history(session.visitor())
    snapshot = session.snapshot_id()
    if snapshot is None:
        return None
    return cached.recorded(session.visitor(), snapshot, session.as_of(), session.params())
