"""What is kept between reruns. The only module that uses `st.cache_*`.

Keys are ids (snapshot, plan key), never frames: large frames are hashed by a sample, and two could collide. A snapshot
id and a plan key are hashes of content, so visitors who share one share the same result; which snapshot a visitor may
use is decided by `data.service`, before anything here is asked. What is returned is shared: never changed in place.
"""

import functools
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from data import service
from data.attempts import LINGER
from pages.components.overview_alerts import STALE_DAYS, DataState, data_state
from pages.components.senders import Senders
from planning import delivery, pipeline
from planning.errors import PlanningError
from planning.frontier import Tradeoff, build_tradeoff
from planning.kpi import Kpi, PastFigures, kpis_of, past_figures
from planning.limited import ToldReplay
from planning.lost_demand import lost_demand
from planning.params import Params
from planning.quality import Accuracy, Score, record_accuracy, score
from planning.replay_known import Known
from planning.replay_measures import ReplayResult
from planning.replay_world import Past as ReplayPast
from planning.result import PlanResult, Recorded

NO_ROLLUP = pd.DataFrame(columns=["starts_on", "mean", "statistical_mean", "q50", "q80", "q90", "q95"])
NO_EFFECTS = pd.DataFrame(columns=["event_name", "starts_on", "ends_on", "told", "measured", "observations", "used"])
NO_RIVALS = pd.DataFrame(columns=["model", "error", "bias", "weight", "chosen"])
FEW_LINES = 2000
"""Plans of so few lines, at 10 MB a thousand, are kept for many visitors at once."""
EXCHANGED = ("service_measure", "shortage_cost_per_unit", "holding_cost_per_unit_day", "holding_rate_per_year")
"""The quick parameters that a trade-off depends on."""


@dataclass(frozen=True)
class Facts:
    """What a page says about its data: when it came, when the stock was counted, what can be filtered by."""

    imported_at: datetime | None
    stock_on: date | None
    stale: bool


@dataclass(frozen=True)
class Quality:
    """What is known of the quality of a snapshot's data, for one morning.

    score, findings, accuracy : as `planning.quality` and `data.findings` say.
    lead_times, distribution, overdue : by supplier, as `planning.delivery` says.
    lost : demand that an empty shelf hid, by item and location; empty where it cannot be told.
    """

    score: Score
    findings: Sequence[service.Finding]
    accuracy: Accuracy
    lead_times: pd.DataFrame
    distribution: pd.DataFrame
    overdue: pd.DataFrame
    lost: pd.DataFrame


@dataclass(frozen=True)
class Facets:
    """The values that filters offer, sorted."""

    location: tuple[str, ...]
    supplier: tuple[str, ...]
    category: tuple[str, ...]


def inputs(visitor: service.Visitor, snapshot_id: str) -> Mapping[str, pd.DataFrame]:
    """The accepted tables of a snapshot."""
    visitor.require_planner()
    return _inputs(snapshot_id, lambda: service.inputs(visitor, snapshot_id))


def default_as_of(visitor: service.Visitor, snapshot_id: str) -> date:
    """The date that the data itself suggests."""
    visitor.require_planner()
    return _date(snapshot_id, lambda: service.default_as_of(inputs(visitor, snapshot_id)))


def facts(visitor: service.Visitor, snapshot_id: str, as_of: date) -> Facts:
    """What the top of a page says about the data."""
    visitor.require_planner()
    stock_on = _stock_on(snapshot_id, as_of, lambda: inputs(visitor, snapshot_id))
    stale = stock_on is not None and (as_of - stock_on).days > STALE_DAYS
    return Facts(service.imported_at(visitor, snapshot_id), stock_on, stale)


def facets(visitor: service.Visitor, snapshot_id: str) -> Facets:
    """The locations, suppliers and categories of a snapshot."""
    visitor.require_planner()
    return _facets(snapshot_id, lambda: inputs(visitor, snapshot_id))


def shared_plan(visitor: service.Visitor) -> PlanResult:
    """The plan that a viewer's link shows; whether it still stands is asked each time.

    Raises
    ------
    PlanningError : it stands no more, the visitor is no viewer, or it cannot be shown.
    """
    grant = service.check_link(visitor)
    return _shared(grant.result_key, lambda: service.shared_plan(visitor))


def shared_history(visitor: service.Visitor) -> Recorded | None:
    """The past that the plan of a viewer's link stands on; None: it was not kept with it.

    Raises
    ------
    PlanningError : it stands no more, the visitor is no viewer, or it cannot be shown.
    """
    grant = service.check_link(visitor)
    return _shared_history(grant.result_key, lambda: service.shared_history(visitor))


def recorded(visitor: service.Visitor, snapshot_id: str, as_of: date, params: Params) -> Recorded | None:
    """The past of all lines; None where the forecast must be made first."""
    kept = fits(visitor, snapshot_id, as_of, params)
    return None if kept is None else pipeline.recorded(kept)


def shared_comparison(visitor: service.Visitor) -> Mapping[str, PlanResult]:
    """The plans that a viewer's link shows side by side, by name in their order; empty where it shows one.

    Raises
    ------
    PlanningError : it stands no more, the visitor is no viewer, or it cannot be shown.
    """
    grant = service.check_link(visitor)
    return _compared(grant.result_key, lambda: service.shared_comparison(visitor))


def shared_figures(visitor: service.Visitor) -> Mapping[str, Kpi]:
    """The key figures of what a viewer's link shows; none where none were kept with it.

    Raises
    ------
    PlanningError : it stands no more, the visitor is no viewer, or it cannot be shown.
    """
    grant = service.check_link(visitor)
    return _shared_figures(grant.result_key, lambda: service.shared_figures(visitor))


def shared_replay(visitor: service.Visitor) -> ToldReplay | None:
    """What a replay told of what a viewer's link shows; None where it was not kept with it.

    Raises
    ------
    PlanningError : it stands no more, the visitor is no viewer, or it cannot be shown.
    """
    grant = service.check_link(visitor)
    return _shared_replay(grant.result_key, lambda: service.shared_replay(visitor)) if grant.replay else None


def tried_plan(visitor: service.Visitor, changes: Mapping[str, Any]) -> PlanResult | None:
    """The same under other parameters; None where its forecast is not kept any more.

    Raises
    ------
    PlanningError : the link stands no more, or does not let this be tried.
    """
    grant = service.check_link(visitor)
    told = json.dumps(dict(changes), sort_keys=True, default=str)

    def make() -> PlanResult:
        found = service.try_out(visitor, changes, keep=_base)
        if found is None:
            raise _NotKeptError
        return found

    try:
        return _tried(grant.link_id, told, make)
    except _NotKeptError:
        return None


def shared_facets(visitor: service.Visitor) -> Facets:
    """The locations, suppliers and categories of what a viewer's link shows."""
    items = shared_plan(visitor).items

    def values(column: str) -> tuple[str, ...]:
        return tuple(sorted({str(value) for value in items[column].dropna().unique()}))

    return Facets(values("location_id"), values("supplier_id"), values("category"))


def plan(visitor: service.Visitor, snapshot_id: str, as_of: date, params: Params) -> PlanResult | None:
    """The plan: quick once its forecast is kept; None where that must be made first."""

    def make() -> PlanResult:
        return pipeline.finish(_prepared(visitor, snapshot_id, as_of, params), as_of, params, snapshot_id=snapshot_id)

    key = pipeline.plan_key(snapshot_id, service.decisions_id(visitor), as_of, params)
    try:
        # Counted once: a plan that is kept does not ask for its forecast again.
        lines = _lines(
            _fit_key(visitor, snapshot_id, as_of, params),
            lambda: len(_kept_fits(visitor, snapshot_id, as_of, params).keys),
        )
        return _small_plan(key, make) if lines <= FEW_LINES else _plan(key, make)
    except _NotKeptError:
        return None


def beside(visitor: service.Visitor, snapshot_id: str, as_of: date, params: Params, other: Params) -> PlanResult | None:
    """The plan under other parameters, which takes from the one under `params` what they leave as it is there.

    None where a forecast must be made first.
    """

    def prepare() -> pipeline.Base:
        fits = _kept_fits(visitor, snapshot_id, as_of, other)
        like = _ground(visitor, snapshot_id, as_of, params)
        if like.fits is fits:
            return pipeline.prepare({}, as_of, other, fits=fits, like=like)
        tables = service.planned_inputs(visitor, snapshot_id, frames=inputs(visitor, snapshot_id))
        unpinned = {name: frame for name, frame in tables.items() if name not in ("pins", "transfer_pins")}
        return pipeline.prepare(unpinned, as_of, other, fits=fits)

    try:
        _base(_base_key(visitor, snapshot_id, as_of, other), prepare)
    except _NotKeptError:
        return None
    return plan(visitor, snapshot_id, as_of, other)


def is_kept(visitor: service.Visitor, snapshot_id: str, as_of: date, params: Params) -> bool:
    """Whether the forecast that a plan under these parameters stands on is there."""
    return fits(visitor, snapshot_id, as_of, params) is not None


def corrections(visitor: service.Visitor, snapshot_id: str, as_of: date, params: Params) -> pd.DataFrame | None:
    """What each correction in force did: override_id, before, after (units), message; None where it is not known."""
    try:
        return _prepared(visitor, snapshot_id, as_of, params).corrections
    except _NotKeptError:
        return None


def statistical(visitor: service.Visitor, snapshot_id: str, as_of: date, params: Params) -> np.ndarray | None:
    """Mean demand before all corrections, units by line and bucket in the order of `PlanResult.forecast`, or None."""
    try:
        return _prepared(visitor, snapshot_id, as_of, params).statistical
    except _NotKeptError:
        return None


def event_effects(visitor: service.Visitor, snapshot_id: str, as_of: date, params: Params) -> pd.DataFrame:
    """What past events did: event_name, starts_on, ends_on, told, measured, observations, used (factors)."""
    kept = fits(visitor, snapshot_id, as_of, params)
    return NO_EFFECTS if kept is None else kept.effects


def rollup(visitor: service.Visitor, snapshot_id: str, as_of: date, params: Params, keys: pd.DataFrame) -> pd.DataFrame:
    """The forecast of some lines together, by bucket.

    Parameters
    ----------
    keys : item_id, location_id of the lines; none of them feeds another.

    Returns
    -------
    DataFrame: starts_on, mean and statistical_mean (before corrections), q50, q80, q90, q95, units a bucket.
    """
    if keys.empty:
        return NO_ROLLUP
    lot = _lot(keys)
    try:
        base = _prepared(visitor, snapshot_id, as_of, params)
    except _NotKeptError:
        return NO_ROLLUP
    return _rollup(_base_key(visitor, snapshot_id, as_of, params), lot, lambda: pipeline.rollup(base, keys))


def tradeoff(
    visitor: service.Visitor,
    snapshot_id: str,
    as_of: date,
    params: Params,
    value: str,
    keys: pd.DataFrame | None = None,
) -> Tradeoff | None:
    """What stock buys in service on some lines, whatever the targets are; None where there is no forecast yet.

    Parameters
    ----------
    value : what a unit served counts, one of `planning.frontier.VALUES`.
    keys : item_id, location_id of the lines; None: all.
    """
    try:
        base = _ground(visitor, snapshot_id, as_of, params)
    except _NotKeptError:
        return None
    told = [str(params.to_dict()[name]) for name in EXCHANGED]
    key = "\n".join([_base_key(visitor, snapshot_id, as_of, params), value, "" if keys is None else _lot(keys), *told])
    return _tradeoff(key, lambda: build_tradeoff(base, params, value, keys))


def _lot(keys: pd.DataFrame) -> str:
    """A name for a set of lines."""
    told = pd.util.hash_pandas_object(keys[["item_id", "location_id"]], index=False).to_numpy()
    return hashlib.sha256(told.tobytes()).hexdigest()


def rivals_of(
    visitor: service.Visitor, snapshot_id: str, as_of: date, params: Params, item_id: str, location_id: str
) -> pd.DataFrame:
    """The models that were tried on one line: model, error and bias (shares of demand), weight, chosen."""
    try:
        base = _prepared(visitor, snapshot_id, as_of, params)
    except _NotKeptError:
        return NO_RIVALS
    key = _base_key(visitor, snapshot_id, as_of, params)
    return _rivals(key, item_id, location_id, lambda: pipeline.rivals_of(base, item_id, location_id))


def fits(visitor: service.Visitor, snapshot_id: str, as_of: date, params: Params) -> pipeline.Fits | None:
    """The kept forecast, which holds the past of each line; None where it must be made first."""
    try:
        return _kept_fits(visitor, snapshot_id, as_of, params)
    except _NotKeptError:
        return None


def known_then(
    visitor: service.Visitor, snapshot_id: str, as_of: date, params: Params, *, first: date, every: int
) -> Known | None:
    """The forecasts as they were known on past mornings; None where they must be made first."""
    key = service.known_then_key(visitor, snapshot_id, as_of, params, first=first, every=every)

    def make() -> Known:
        kept = service.known_then(visitor, snapshot_id, as_of, params, first=first, every=every)
        if kept is None:
            raise _NotKeptError
        return Known.from_bytes(kept)

    try:
        return _known(key, make)
    except _NotKeptError:
        return None


def replayed(key: str) -> ReplayResult | None:
    """The replay that was made under this key, or None. Keys hold that of a snapshot, which is asked for first."""
    try:
        return _replayed(key, _not_kept)
    except _NotKeptError:
        return None


def keep_replayed(key: str, made: ReplayResult) -> ReplayResult:
    """Keep a replay under its key."""
    return _replayed(key, lambda: made)


def replayed_past(key: str, make: Callable[[], ReplayPast]) -> ReplayPast:
    """The tables as a replay reads them, under the key of its exchange curve: no service target moves them."""
    return _replayed_past(key, make)


def replay_difference(key: str, result: ReplayResult, policy: str, other: str) -> pd.DataFrame:
    """What one policy has more than another in a replay of this key, or in some of its lines."""
    return _difference(key, _lot(result.world.keys), policy, other, lambda: result.against(policy, other))


def exchange_curve(key: str) -> pd.DataFrame | None:
    """The exchange curve beside the replay of this key, or None."""
    try:
        return _exchange_curve(key, _not_kept)
    except _NotKeptError:
        return None


def keep_exchange_curve(key: str, made: pd.DataFrame) -> pd.DataFrame:
    """Keep an exchange curve under the key of its replay."""
    return _exchange_curve(key, lambda: made)


def priced_share(visitor: service.Visitor, snapshot_id: str) -> float:
    """The share of the items in stock whose cost is known."""
    visitor.require_planner()
    return _priced_share(snapshot_id, lambda: inputs(visitor, snapshot_id))


def quality(visitor: service.Visitor, snapshot_id: str, as_of: date, params: Params) -> Quality:
    """What is known of the quality of the data."""
    record = next((r for r in service.history(visitor) if r.snapshot_id == snapshot_id), None)
    rows = None if record is None else record.rows
    # No quick parameter tells anything of the data.
    slow = pipeline.base_key(snapshot_id, "quality", as_of, params)
    return _quality(snapshot_id, as_of, slow, lambda: _measure(inputs(visitor, snapshot_id), as_of, params, rows))


def _measure(
    tables: Mapping[str, pd.DataFrame], as_of: date, params: Params, rows: Mapping[str, Mapping[str, int]] | None
) -> Quality:
    findings = service.warnings(tables, as_of, params)
    accuracy = record_accuracy(tables)
    receipts, orders, items = (tables.get(name, pd.DataFrame()) for name in ("receipts", "open_orders", "items"))
    try:
        lost = lost_demand(tables, as_of, params)
    except PlanningError:
        # Without a plan there is no demand to tell from; what hinders it stands on the other pages.
        lost = pd.DataFrame()
    return Quality(
        score(findings, rows, accuracy),
        findings,
        accuracy,
        delivery.lead_time_table(receipts, orders, as_of, items),
        delivery.lead_time_distribution(receipts, orders, as_of, items),
        delivery.overdue_orders(receipts, orders, as_of, items),
        lost,
    )


def alarms(visitor: service.Visitor, snapshot_id: str, as_of: date) -> DataState:
    """What the data tell of their own age, of suppliers and of faults; no parameter changes it."""
    record = next((r for r in service.history(visitor) if r.snapshot_id == snapshot_id), None)
    rejected = sum(told["rejected"] for told in (record.rows or {}).values()) if record is not None else 0
    tables = inputs(visitor, snapshot_id)

    def make() -> DataState:
        return data_state(tables, as_of, service.warnings(tables, as_of, Params()), rejected)

    return _alarms(snapshot_id, as_of, make)


def figures(
    visitor: service.Visitor, snapshot_id: str, as_of: date, params: Params, keys: pd.DataFrame | None = None
) -> Mapping[str, Kpi]:
    """The key figures of a plan; none where it must be made first. What is past is worked out once for all parameters.

    Parameters
    ----------
    keys : item_id, location_id of the lines in view; None: all.
    """
    made = plan(visitor, snapshot_id, as_of, params)
    if made is None:
        return {}

    def work_out() -> PastFigures:
        tables = service.planned_inputs(visitor, snapshot_id, frames=inputs(visitor, snapshot_id))
        key = _fit_key(visitor, snapshot_id, as_of, params)
        if "approved_orders" in tables:
            # What is approved this morning tells nothing of the past: it does not ask for all of it again.
            approved = tables["approved_orders"]
            tables["approved_orders"] = approved = approved[approved["ordered_on"] < pd.Timestamp(as_of)]
            key += hashlib.sha256(approved.to_csv(index=False).encode()).hexdigest()
        kept = _kept_fits(visitor, snapshot_id, as_of, params)
        return _past(key, lambda: past_figures(tables, kept, as_of=as_of))

    decided = service.decisions_id(visitor)
    # Its own key takes a look at the tables; a quick parameter does not even ask for that.
    slow = pipeline.base_key(snapshot_id, decided, as_of, params)
    keep = _small_figures if len(made.lines) <= FEW_LINES else _figures
    return keep(
        pipeline.plan_key(snapshot_id, decided, as_of, params),
        "" if keys is None else _lot(keys),
        lambda: kpis_of(_past(slow, work_out), made, keys),
    )


def decisions_id(visitor: service.Visitor) -> str:
    """What was decided so far, as the key of a plan names it."""
    return service.decisions_id(visitor)


def changes_since(
    visitor: service.Visitor, snapshot_id: str, as_of: date, params: Params, plan_id: str
) -> pd.DataFrame | None:
    """What differs from a kept plan, as `data.service.changes_since` says; None where there is no plan yet."""
    made = plan(visitor, snapshot_id, as_of, params)
    if made is None:
        return None
    key = pipeline.plan_key(snapshot_id, service.decisions_id(visitor), as_of, params)
    return _changes(key, plan_id, lambda: service.changes_since(visitor, snapshot_id, plan_id, made))


def _not_kept() -> Any:
    raise _NotKeptError


def forget_all() -> None:
    """Drop all that is kept, for all visitors."""
    st.cache_resource.clear()


def _prepared(visitor: service.Visitor, snapshot_id: str, as_of: date, params: Params) -> pipeline.Base:
    """What the light stage starts from, with what is set by hand."""
    base = _ground(visitor, snapshot_id, as_of, params)
    tables = inputs(visitor, snapshot_id)
    pins = service.pins_left(visitor, snapshot_id, frames=tables)
    sent = service.transfer_pins_left(visitor, snapshot_id, frames=tables)
    if pins.empty and sent.empty:
        return base
    # Kept by what is pinned, so that what it remembers of service curves outlives decisions of other kinds.
    said = hashlib.sha256((pins.to_csv(index=False) + sent.to_csv(index=False)).encode()).hexdigest()

    def pinned() -> pipeline.Base:
        with_orders = pipeline.with_pins(base, pins) if len(pins) else base
        return pipeline.with_transfer_pins(with_orders, sent) if len(sent) else with_orders

    return _base(f"{_base_key(visitor, snapshot_id, as_of, params)}\n{said}", pinned)


def _ground(visitor: service.Visitor, snapshot_id: str, as_of: date, params: Params) -> pipeline.Base:
    """The same without pins, so that one is set without preparing anything anew."""

    def prepare() -> pipeline.Base:
        fits = _kept_fits(visitor, snapshot_id, as_of, params)
        tables = service.planned_inputs(visitor, snapshot_id, frames=inputs(visitor, snapshot_id))
        unpinned = {name: frame for name, frame in tables.items() if name not in ("pins", "transfer_pins")}
        return pipeline.prepare(unpinned, as_of, params, fits=fits)

    return _base(_base_key(visitor, snapshot_id, as_of, params), prepare)


def _base_key(visitor: service.Visitor, snapshot_id: str, as_of: date, params: Params) -> str:
    return pipeline.base_key(snapshot_id, service.ground_id(visitor), as_of, params)


class _NotKeptError(Exception):
    """No forecast is kept for this; raised, since a failure is not remembered."""


def _kept_fits(visitor: service.Visitor, snapshot_id: str, as_of: date, params: Params) -> pipeline.Fits:
    key = _fit_key(visitor, snapshot_id, as_of, params)

    def make() -> pipeline.Fits:
        kept = service.fits(visitor, snapshot_id, as_of, params, frames=inputs(visitor, snapshot_id))
        if kept is None:
            raise _NotKeptError
        return kept

    return _fits(key, make)


def _fit_key(visitor: service.Visitor, snapshot_id: str, as_of: date, params: Params) -> str:
    """The key of the heavy stage, for which the sales are walked through once."""
    visitor.require_planner()
    record = next((r for r in service.history(visitor) if r.snapshot_id == snapshot_id), None)
    slow = pipeline.base_key(snapshot_id, service.decisions_id(visitor), as_of, params)
    # Of the quick parameters it is this one that says how far ahead a forecast must reach.
    told = f"{slow} {params.coverage_days} {record is not None and record.sample}"
    return _heavy_key(
        told,
        lambda: service.fit_key(visitor, snapshot_id, as_of, params, frames=inputs(visitor, snapshot_id)),
    )


# Not one of the caches: whoever empties those does not let others guess anew.
@functools.cache
def attempts() -> service.Attempts:
    """The attempts to sign in to this server, counted in one place for all."""
    return service.Attempts(linger=LINGER)


@functools.cache
def sessions() -> service.Sessions:
    """Who signed in or opened links in which browser, in one place for all."""
    return service.Sessions()


def redeem(ticket: str) -> str | None:
    """The token for the browser that brings this ticket, or None."""
    return sessions().redeem(ticket)


@st.cache_resource(show_spinner=False)
def senders() -> Senders:
    """The tabs that may send files to this server."""
    return Senders()


# Each takes a key that is hashed and a maker that is not. Failures are not kept.


@st.cache_resource(max_entries=8, ttl="4h", show_spinner=False)
def _inputs(snapshot_id: str, _make: Callable[[], Mapping[str, pd.DataFrame]]) -> Mapping[str, pd.DataFrame]:  # noqa: ARG001
    return _make()


@st.cache_resource(max_entries=256, ttl="4h", show_spinner=False)
def _date(snapshot_id: str, _make: Callable[[], date]) -> date:  # noqa: ARG001
    return _make()


@st.cache_resource(max_entries=256, ttl="4h", show_spinner=False)
def _heavy_key(told: str, _make: Callable[[], str]) -> str:  # noqa: ARG001
    return _make()


@st.cache_resource(max_entries=256, ttl="4h", show_spinner=False)
def _lines(key: str, _make: Callable[[], int]) -> int:  # noqa: ARG001
    return _make()


@st.cache_resource(max_entries=6, ttl="4h", show_spinner=False)
def _fits(key: str, _make: Callable[[], pipeline.Fits]) -> pipeline.Fits:  # noqa: ARG001
    return _make()


@st.cache_resource(max_entries=6, ttl="4h", show_spinner=False)
def _base(key: str, _make: Callable[[], pipeline.Base]) -> pipeline.Base:  # noqa: ARG001
    return _make()


@st.cache_resource(max_entries=3, ttl="4h", show_spinner=False)
def _known(key: str, _make: Callable[[], Known]) -> Known:  # noqa: ARG001
    return _make()


# Each holds all that each policy did: few are kept.
@st.cache_resource(max_entries=6, ttl="4h", show_spinner=False)
def _replayed(key: str, _make: Callable[[], ReplayResult]) -> ReplayResult:  # noqa: ARG001
    return _make()


@st.cache_resource(max_entries=3, ttl="4h", show_spinner=False)
def _replayed_past(key: str, _make: Callable[[], ReplayPast]) -> ReplayPast:  # noqa: ARG001
    return _make()


@st.cache_resource(max_entries=24, ttl="4h", show_spinner=False)
def _exchange_curve(key: str, _make: Callable[[], pd.DataFrame]) -> pd.DataFrame:  # noqa: ARG001
    return _make()


@st.cache_resource(max_entries=64, ttl="4h", show_spinner=False)
def _difference(key: str, lot: str, policy: str, other: str, _make: Callable[[], pd.DataFrame]) -> pd.DataFrame:  # noqa: ARG001
    return _make()


@st.cache_resource(max_entries=64, ttl="4h", show_spinner=False)
def _rollup(key: str, lot: str, _make: Callable[[], pd.DataFrame]) -> pd.DataFrame:  # noqa: ARG001
    return _make()


# Each holds the needs of its lines: few are kept.
@st.cache_resource(max_entries=4, ttl="4h", show_spinner=False)
def _tradeoff(key: str, _make: Callable[[], Tradeoff]) -> Tradeoff:  # noqa: ARG001
    return _make()


@st.cache_resource(max_entries=64, ttl="4h", show_spinner=False)
def _rivals(key: str, item_id: str, location_id: str, _make: Callable[[], pd.DataFrame]) -> pd.DataFrame:  # noqa: ARG001
    return _make()


@st.cache_resource(max_entries=12, ttl="4h", show_spinner="Planning …")
def _plan(key: str, _make: Callable[[], PlanResult]) -> PlanResult:  # noqa: ARG001
    return _make()


@st.cache_resource(max_entries=24, ttl="4h", show_spinner="Planning …")
def _small_plan(key: str, _make: Callable[[], PlanResult]) -> PlanResult:  # noqa: ARG001
    return _make()


@st.cache_resource(max_entries=12, ttl="4h", show_spinner=False)
def _shared(result_key: str, _make: Callable[[], PlanResult]) -> PlanResult:  # noqa: ARG001
    return _make()


@st.cache_resource(max_entries=12, ttl="4h", show_spinner=False)
def _shared_history(result_key: str, _make: Callable[[], Recorded | None]) -> Recorded | None:  # noqa: ARG001
    return _make()


@st.cache_resource(max_entries=12, ttl="4h", show_spinner=False)
def _shared_figures(result_key: str, _make: Callable[[], Mapping[str, Kpi]]) -> Mapping[str, Kpi]:  # noqa: ARG001
    return _make()


@st.cache_resource(max_entries=12, ttl="4h", show_spinner=False)
def _shared_replay(result_key: str, _make: Callable[[], ToldReplay | None]) -> ToldReplay | None:  # noqa: ARG001
    return _make()


@st.cache_resource(max_entries=6, ttl="4h", show_spinner=False)
def _compared(result_key: str, _make: Callable[[], Mapping[str, PlanResult]]) -> Mapping[str, PlanResult]:  # noqa: ARG001
    return _make()


@st.cache_resource(max_entries=12, ttl="1h", show_spinner="Planning …")
def _tried(link_id: str, changes: str, _make: Callable[[], PlanResult]) -> PlanResult:  # noqa: ARG001
    return _make()


@st.cache_resource(max_entries=256, ttl="4h", show_spinner=False)
def _stock_on(snapshot_id: str, as_of: date, _tables: Callable[[], Mapping[str, pd.DataFrame]]) -> date | None:  # noqa: ARG001
    stock = _tables().get("stock")
    if stock is None or "as_of" not in stock:
        return None
    counted = pd.to_datetime(stock["as_of"]).dropna()
    counted = counted[counted <= pd.Timestamp(as_of)]
    return None if counted.empty else counted.max().date()


@st.cache_resource(max_entries=32, ttl="4h", show_spinner=False)
def _quality(snapshot_id: str, as_of: date, params: str, _make: Callable[[], Quality]) -> Quality:  # noqa: ARG001
    return _make()


@st.cache_resource(max_entries=32, ttl="4h", show_spinner=False)
def _alarms(snapshot_id: str, as_of: date, _make: Callable[[], DataState]) -> DataState:  # noqa: ARG001
    return _make()


@st.cache_resource(max_entries=12, ttl="4h", show_spinner=False)
def _past(key: str, _make: Callable[[], PastFigures]) -> PastFigures:  # noqa: ARG001
    return _make()


@st.cache_resource(max_entries=12, ttl="4h", show_spinner=False)
def _figures(key: str, lot: str, _make: Callable[[], Mapping[str, Kpi]]) -> Mapping[str, Kpi]:  # noqa: ARG001
    return _make()


@st.cache_resource(max_entries=24, ttl="4h", show_spinner=False)
def _small_figures(key: str, lot: str, _make: Callable[[], Mapping[str, Kpi]]) -> Mapping[str, Kpi]:  # noqa: ARG001
    return _make()


@st.cache_resource(max_entries=12, ttl="4h", show_spinner=False)
def _changes(key: str, plan_id: str, _make: Callable[[], pd.DataFrame]) -> pd.DataFrame:  # noqa: ARG001
    return _make()


@st.cache_resource(max_entries=64, ttl="4h", show_spinner=False)
def _facets(snapshot_id: str, _tables: Callable[[], Mapping[str, pd.DataFrame]]) -> Facets:  # noqa: ARG001
    tables = _tables()

    def values(column: str, *names: str) -> tuple[str, ...]:
        found = [tables[n][column].dropna().unique() for n in names if n in tables and column in tables[n]]
        return tuple(sorted({str(v) for values in found for v in values}))

    return Facets(
        location=values("location_id", "stock", "sales", "locations"),
        supplier=values("supplier_id", "items", "item_locations", "suppliers"),
        category=values("category", "items"),
    )


@st.cache_resource(max_entries=64, ttl="4h", show_spinner=False)
def _priced_share(snapshot_id: str, _tables: Callable[[], Mapping[str, pd.DataFrame]]) -> float:  # noqa: ARG001
    tables = _tables()
    stocked = tables["stock"]["item_id"].unique()
    priced = {
        item
        for name in ("items", "stock")
        if name in tables and "unit_cost" in tables[name]
        for item in tables[name].loc[tables[name]["unit_cost"].notna(), "item_id"]
    }
    return sum(item in priced for item in stocked) / len(stocked) if len(stocked) else 0.0
