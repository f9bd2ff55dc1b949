"""The whole flow on one page: tables and parameters in, a plan out.

`fit` is the heavy stage (demand, forecasts, their past errors); `plan` the light one (service, stock, orders,
transfers, money). The heavy stage depends on few parameters and is kept under `fit_key`.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd

from planning import engine, hierarchy, outlook
from planning.base import MONEY, Base, Ground, build_base
from planning.calendar import build_calendar, is_weekly, suggested_as_of
from planning.errors import NothingToPlanError
from planning.fits import Fits
from planning.forecast import LIBRARY, Progress, forecast
from planning.inputs import Inputs, read_tables, rows_of
from planning.network import Network, build_network
from planning.params import Params
from planning.past import Past
from planning.positions import build_positions, tell_pins
from planning.positions import with_pins as positions_with_pins
from planning.report import assemble
from planning.result import PlanResult, Recorded
from planning.stages import run_stages
from planning.timeline import hand_orders
from planning.transfers import hand_transfers
from planning.what_if import revalued, unused

METHOD_VERSION = "4"

HEAVY = ("horizon_days", "history_days", "stockout_correction", "outlier_correction", "library_fits")
"""The parameters that the heavy stage depends on, besides the bucket."""

QUICK = (
    "service_measure",
    "service_target",
    "service_target_by_class",
    "service_target_by_category",
    "service_target_by_supplier",
    "policy",
    "coverage_days",
    "budget",
    "shortage_cost_per_unit",
    "holding_cost_per_unit_day",
    "holding_rate_per_year",
    "allocation_method",
    "allocation_sources",
    "reserve_fraction",
    "reserve_value",
    "allocation_inbound_days",
    "fair_rule",
    "service_floor",
    "rebalance",
    "rebalance_cost_per_unit",
    "rebalance_least_value",
    "plan_days",
    "currency",
)
"""The parameters that `finish` alone reads: a slider of theirs costs a look-up."""

WEEK_FROM_DAYS = 14


def silent(stage: str, done: int, total: int) -> None:  # noqa: ARG001
    """Report nothing."""


def resolved_bucket(inputs: Mapping[str, pd.DataFrame], as_of: date, params: Params) -> str:
    """Return "day" or "week". With "auto": weeks for weekly data, and where an order must cover more than 14 days.

    The master data and defaults decide, not the what-ifs, so that these never ask for a new forecast.
    """
    sales = inputs.get("sales")
    if sales is not None:
        past = sales.loc[sales["date"] < pd.Timestamp(as_of), "date"]
        if not past.empty and is_weekly(past):
            return "week"
    if params.bucket != "auto":
        return params.bucket
    lead, review = _longest_times(inputs, as_of, params)
    return "week" if lead + review > WEEK_FROM_DAYS else "day"


def _longest_times(inputs: Mapping[str, pd.DataFrame], as_of: date, params: Params) -> tuple[float, float]:
    """Return lead time and review, days, of the item with the longest interval that the master data tell.

    The defaults stand in where an item has none.
    """

    def told(table: str, column: str, key: str) -> pd.Series:
        frame = inputs.get(table)
        if frame is None or column not in frame or frame.empty:
            return pd.Series(dtype=float)
        return frame.dropna(subset=[column]).groupby(key)[column].max().astype(float)

    past = inputs["sales"]["date"] < pd.Timestamp(as_of)
    sold, held = inputs["sales"].loc[past, "item_id"], inputs["stock"]["item_id"]
    ids = pd.Series(pd.unique(np.concatenate([sold.to_numpy(object), held.to_numpy(object)])), dtype=object)
    items = inputs.get("items")
    supplier = pd.Series(None, index=ids.index, dtype=object)
    if items is not None and "supplier_id" in items:
        supplier = ids.map(items.drop_duplicates("item_id").set_index("item_id")["supplier_id"])
    lead = ids.map(told("items", "lead_time_days", "item_id")).astype(float)
    lead = lead.fillna(supplier.map(told("suppliers", "lead_time_days", "supplier_id")).astype(float))
    local = ids.map(told("item_locations", "lead_time_days", "item_id")).astype(float)
    lead = pd.concat([lead.fillna(local.fillna(params.lead_time_days)), local], axis=1).max(axis=1)
    review = supplier.map(told("suppliers", "review_period_days", "supplier_id")).astype(float)
    review = review.fillna(params.review_period_days)
    longest = int((lead + review).to_numpy().argmax()) if len(ids) else 0
    return (float(lead.iloc[longest]), float(review.iloc[longest])) if len(ids) else (0.0, 0.0)


def fit_key(
    inputs: Mapping[str, pd.DataFrame], snapshot_id: str, decisions_id: str, as_of: date, params: Params
) -> str:
    """Return the key of the heavy stage: hex, the same for all parameters that do not touch it."""
    told = {name: params.to_dict()[name] for name in HEAVY}
    told |= {"bucket": resolved_bucket(inputs, as_of, params), "days": horizon_days(inputs, as_of, params)}
    told |= {"model": params.forecast_model if params.forecast_model in LIBRARY else "auto"}
    return _hash(snapshot_id, decisions_id, as_of.isoformat(), json.dumps(told, sort_keys=True), METHOD_VERSION)


def plan_key(snapshot_id: str, decisions_id: str, as_of: date, params: Params) -> str:
    """Return the key of a plan: hex."""
    return _hash(snapshot_id, decisions_id, as_of.isoformat(), params.to_json(), METHOD_VERSION)


def base_key(snapshot_id: str, decisions_id: str, as_of: date, params: Params) -> str:
    """Return the key of what `prepare` returns: hex, the same for all values of quick parameters."""
    slow = {name: value for name, value in params.to_dict().items() if name not in QUICK}
    return _hash(snapshot_id, decisions_id, as_of.isoformat(), json.dumps(slow, sort_keys=True), METHOD_VERSION)


def _hash(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def horizon_days(inputs: Mapping[str, pd.DataFrame], as_of: date, params: Params) -> int:
    """Days that the forecast must reach: the horizon, or lead time, review and coverage, in whole quarters."""
    lead, review = _longest_times(inputs, as_of, params)
    longest = lead * 1.5 + max(review, params.coverage_days or 0) + 28
    return int(max(params.horizon_days, -(-longest // 91) * 91))


def fit(
    inputs: Mapping[str, pd.DataFrame],
    as_of: date,
    params: Params,
    *,
    run: engine.Runner = engine.serial,
    progress: Progress = silent,
) -> Fits:
    """Run the heavy stage.

    Parameters
    ----------
    inputs : contract tables by name; `sales` and `stock` at least.
    as_of : the morning of the plan.
    run : where partitions of items run; it never changes the result.
    progress : called with stage, done, total.

    Raises
    ------
    PlanningError : the input or a parameter does not allow a plan; the message says why.
    """
    tables = read_tables(inputs, as_of)
    network = build_network(tables, params, [])
    return _fit(tables, network, inputs, as_of, params, run, progress)


def _fit(
    tables: Inputs,
    network: Network,
    inputs: Mapping[str, pd.DataFrame],
    as_of: date,
    params: Params,
    run: engine.Runner,
    progress: Progress,
) -> Fits:
    if network.keys.empty:
        msg = "no item has stock or sales: there is nothing to plan"
        raise NothingToPlanError(msg)
    calendar = build_calendar(tables["sales"], as_of, resolved_bucket(inputs, as_of, params), params.history_days)
    horizon = -(-horizon_days(inputs, as_of, params) // calendar.bucket_days)
    return forecast(tables, network.keys, calendar, horizon, params, run, progress)


def plan(
    inputs: Mapping[str, pd.DataFrame],
    as_of: date,
    params: Params,
    *,
    fits: Fits | None = None,
    snapshot_id: str = "",
    run: engine.Runner = engine.serial,
    progress: Progress = silent,
) -> PlanResult:
    """Make a plan.

    Parameters
    ----------
    fits : what `fit` returned for the same inputs, `as_of` and heavy parameters; None: it is run here.
    snapshot_id : told in the result.

    Returns
    -------
    PlanResult, a function of its arguments and METHOD_VERSION alone.

    Raises
    ------
    PlanningError : the input or a parameter does not allow a plan; the message says why.
    """
    base = prepare(inputs, as_of, params, fits=fits, run=run, progress=progress)
    progress("plan", 0, 1)
    result = finish(base, as_of, params, snapshot_id=snapshot_id, run=run)
    progress("plan", 1, 1)
    return result


def prepare(
    inputs: Mapping[str, pd.DataFrame],
    as_of: date,
    params: Params,
    *,
    fits: Fits | None = None,
    like: Base | None = None,
    run: engine.Runner = engine.serial,
    progress: Progress = silent,
) -> Base:
    """Do what no quick parameter changes (see `QUICK`): positions, distribution, need at arrival.

    Parameters
    ----------
    like : what this returned for the same inputs, `as_of` and heavy parameters; what the others leave as it is there
        is taken from it, to the last digit. One of other fits is not looked at.

    Raises
    ------
    PlanningError : the input or a parameter does not allow a plan; the message says why.
    """
    if like is not None and (like.fits is not fits or fits.calendar.as_of != as_of):
        like = None
    tables = read_tables(inputs, as_of) if like is None else like.ground.tables
    network, network_notes = _network(tables, params, like)
    if fits is None:
        fits = _fit(tables, network, inputs, as_of, params, run, progress)
    ground = _ground(tables, network, fits, params, network_notes, like)
    notes = [*tables.notes, *_what_if_notes(tables, network, params), *network_notes, *fits.notes]
    notes.extend(ground.positions_notes)
    return build_base(tables, network, fits, ground, notes, like=like)


def _network(tables: Inputs, params: Params, like: Base | None) -> tuple[Network, tuple[str, ...]]:
    if like is not None and like.ground.same_network(params):
        return like.network, like.ground.network_notes
    notes: list[str] = []
    return build_network(tables, params, notes), tuple(notes)


def _ground(
    tables: Inputs, network: Network, fits: Fits, params: Params, network_notes: tuple[str, ...], like: Base | None
) -> Ground:
    """Build the positions, or take them where they would be the same."""
    before = like.ground if like is not None and like.network is network else None
    if before is not None and before.same_positions(params):
        return replace(before, params=params)
    valued = tables
    if any(change.kind in MONEY for change in params.what_if):
        valued = replace(tables, tables=revalued(tables.tables, params.what_if))
    notes: list[str] = []
    delivered = None if before is None else before.positions.delivered
    positions = build_positions(valued, network, fits, fits.calendar.as_of, params, notes, delivered)
    return Ground(tables, params, QUICK, network_notes, tuple(notes), positions)


def _what_if_notes(tables: Inputs, network: Network, params: Params) -> list[str]:
    """Tell what is supposed, and what of it the data do not know."""
    if not params.what_if:
        return []
    items = tables["items"]
    places = network.keys["location_id"].unique()
    known = {
        "item_id": network.keys["item_id"].unique(),
        "category": items["category"].dropna().unique(),
        "supplier_id": pd.concat([items["supplier_id"], tables["item_locations"]["supplier_id"]]).dropna().unique(),
        **dict.fromkeys(("location_id", "source_id", "destination_id"), places),
    }
    lost = [f"What if without an effect. {told}." for told in unused(params.what_if, known)]
    return ["What if: " + "; ".join(change.words() for change in params.what_if) + ".", *lost]


def with_pins(base: Base, pins: pd.DataFrame) -> Base:
    """Return a base that was prepared without pins, with these: as if `prepare` had read them.

    Parameters
    ----------
    pins : the contract's table.
    """
    notes = list(base.notes)
    tell_pins(pins, base.network.keys, notes)
    pinned = replace(base, positions=positions_with_pins(base.positions, pins), notes=tuple(notes))
    return with_order_pins(pinned, pins)


def finish(
    base: Base, as_of: date, params: Params, *, snapshot_id: str = "", run: engine.Runner = engine.serial
) -> PlanResult:
    """Make the plan from what `prepare` returned for the same inputs, `as_of` and slow parameters."""
    notes = list(base.notes)
    stages = run_stages(base, params, notes, run)
    return assemble(stages, as_of, params, snapshot_id, notes, base.curves)


def with_order_pins(base: Base, pins: pd.DataFrame | None) -> Base:
    """Return the base with these pins of order_quantity instead: an edit in the grid costs no more than a slider."""
    return replace(base, hand=hand_orders(pins, base.network.keys, base.fits.calendar.as_of))


def with_transfer_pins(base: Base, pins: pd.DataFrame) -> Base:
    """Return a base that was prepared without transfers set by hand, with these: as if `prepare` had read them.

    Parameters
    ----------
    pins : the contract's `transfer_pins`.
    """
    notes = list(base.notes)
    sent = hand_transfers(pins, base.network.keys, base.fits.calendar.as_of, notes)
    return replace(base, sent_by_hand=sent, notes=tuple(notes))


def rollup(base: Base, keys: pd.DataFrame) -> pd.DataFrame:
    """Return the forecast of some lines together, as `planning.hierarchy.rollup` says.

    Parameters
    ----------
    keys : item_id, location_id of the lines; those that the plan does not know are left out.
    """
    rows = rows_of(keys, base.network.keys)
    return hierarchy.rollup(base, np.unique(rows[rows >= 0]))


def rivals_of(base: Base, item_id: str, location_id: str) -> pd.DataFrame:
    """Return how each model did on one line: model, error and bias (shares of demand), weight, chosen."""
    key = pd.DataFrame({"item_id": [item_id], "location_id": [location_id]})
    row = int(rows_of(key, base.network.keys)[0])
    if row < 0:
        return pd.DataFrame(columns=["model", "error", "bias", "weight", "chosen"])
    return outlook.rivals_of(Past(base.fits), base.network, base.choice, row, float(base.positions.interval[row]))


def history(fits: Fits, item_id: str, location_id: str) -> pd.DataFrame:
    """Return the past of one item-location by bucket.

    Returns
    -------
    DataFrame: starts_on, sales and demand (units), known (False: the shelf was empty or the location closed), outlier,
    event, closed.
    """
    return recorded(fits).line(item_id, location_id)


def recorded(fits: Fits) -> Recorded:
    """Return the past of all lines."""
    starts = np.asarray(fits.calendar.starts()).astype("datetime64[D]")
    return Recorded(fits.keys, starts, fits.active, fits.sales, fits.demand, fits.outlier, fits.event, fits.closed)


__all__ = [
    "METHOD_VERSION",
    "Base",
    "Fits",
    "base_key",
    "finish",
    "fit",
    "fit_key",
    "history",
    "horizon_days",
    "plan",
    "plan_key",
    "prepare",
    "recorded",
    "resolved_bucket",
    "rivals_of",
    "rollup",
    "suggested_as_of",
    "with_order_pins",
    "with_pins",
    "with_transfer_pins",
]
