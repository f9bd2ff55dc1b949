"""Every action a person can take: what pages and the command line call.

Permission is checked here, and what was done is logged here, so that no widget has to be trusted.
Snapshots, results and jobs are found through the visitor's own workspace only: an id from elsewhere,
even a true one, opens nothing.
"""

import hashlib
import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Any

import pandas as pd

from data import deciding, decisions, jobs, links, moving, ordering, passphrase
from data import plans as kept_plans
from data.acting import is_of_sample as _is_of_sample
from data.acting import person as _person
from data.attempts import Attempts, TooManyAttemptsError
from data.catalog import LinkRecord, PlanRecord
from data.corrections import corrections_csv, corrections_workbook, rows_to_correct
from data.export import input_files, input_workbook
from data.findings import Finding, find_warnings
from data.frozen import FIGURES, HISTORY, REPLAY, UNREADABLE, freeze, freeze_compared, thaw, thaw_compared
from data.links import LinkError, NewLink, check_link, list_links, open_link, revoke_link
from data.merge import How, default_how, merged
from data.moving import (
    approve_transfers,
    pin_transfer,
    pin_transfers,
    transfer_approvals,
    transfer_pins,
    transfer_pins_left,
    transfers_out,
    unpin_transfer,
)
from data.ordering import (
    activity,
    approvals,
    approve,
    close_approved,
    confirm_match,
    match_candidates,
    note,
    notes,
    pin,
    pin_many,
    pins_left,
    remove_note,
    reset_pin,
    snooze,
    snoozed,
    unapprove,
    wake,
    work_list,
)
from data.ordering import pins_in_force as pins
from data.orders_out import OrdersOut
from data.placing import PlaceQuestion, assign_location, place_question
from data.plans import adopt_plan, changes, changes_since, check_plan, orders_out, plan_lines, plans
from data.read import Import, TableMapping, read_inputs
from data.sample import kept_forecast, kept_snapshot, sample_sources
from data.scenarios import (
    Scenario,
    delete_scenario,
    find_scenario,
    rename_scenario,
    save_scenario,
    scenario_versions,
    scenarios,
)
from data.sessions import Sessions
from data.store import ImportRecord, Workspace
from data.templates import template
from data.upload import Source
from data.visitor import (
    Grant,
    Mode,
    NotAllowedError,
    Visitor,
    kept_workspace,
    mode,
    passphrase_hash,
    private_jobs,
)
from planning import pipeline
from planning.errors import InputError, PlanningError
from planning.limited import (
    MONEY_SAID,
    ToldReplay,
    figures_as_parts,
    figures_of_parts,
    limited,
    limited_figures,
    replay_as_parts,
    replay_of_parts,
    told_replay,
)
from planning.params import Params
from planning.result import PlanResult, Projection, Recorded
from planning.scenario import MOST_COMPARED
from planning.tables import INPUT_TABLES

__all__ = [
    "Attempts",
    "Finding",
    "Grant",
    "How",
    "Import",
    "ImportRecord",
    "LinkError",
    "LinkRecord",
    "Mode",
    "NewLink",
    "NotAllowedError",
    "OrdersOut",
    "PlaceQuestion",
    "Places",
    "PlanRecord",
    "Scenario",
    "Sessions",
    "SignInError",
    "Source",
    "TooManyAttemptsError",
    "Visitor",
    "activity",
    "adopt_plan",
    "approvals",
    "approve",
    "approve_transfers",
    "base_of_import",
    "changes",
    "changes_since",
    "check_link",
    "check_plan",
    "close_approved",
    "confirm_import",
    "confirm_match",
    "corrections_csv",
    "corrections_workbook",
    "create_plan",
    "current_snapshot",
    "data_files",
    "decisions_id",
    "decisions_log",
    "default_as_of",
    "default_how",
    "delete_everything",
    "delete_scenario",
    "edit_events",
    "find_scenario",
    "fingerprint",
    "fit_key",
    "fits",
    "go_back",
    "ground_id",
    "history",
    "imported_at",
    "inputs",
    "is_sample",
    "joined",
    "known_then",
    "known_then_key",
    "list_links",
    "lock_override",
    "make_link",
    "match_candidates",
    "mode",
    "note",
    "notes",
    "open_link",
    "orders_out",
    "override",
    "overrides",
    "passphrase_hash",
    "pin",
    "pin_many",
    "pin_transfer",
    "pin_transfers",
    "pins",
    "pins_left",
    "transfer_pins_left",
    "plan_lines",
    "planned_inputs",
    "plans",
    "preview_import",
    "question",
    "rebuild_plan",
    "rejected",
    "remember",
    "remembered",
    "remove_note",
    "rename_scenario",
    "reset_override",
    "reset_pin",
    "revoke_link",
    "rows_to_correct",
    "save_scenario",
    "scenario_versions",
    "scenarios",
    "shared_comparison",
    "shared_figures",
    "shared_history",
    "shared_plan",
    "shared_replay",
    "sign_in",
    "sign_out",
    "snooze",
    "snoozed",
    "start_fit",
    "start_known_then",
    "template",
    "transfer_approvals",
    "transfer_pins",
    "transfers_out",
    "try_out",
    "unapprove",
    "undo",
    "unpin_transfer",
    "use_sample",
    "wake",
    "warnings",
    "work_list",
]

Places = Mapping[str | None, str]
"""Which location serves the sales of a channel that name none; None stands for every channel that is not named."""

KeepBase = Callable[[str, Callable[[], pipeline.Base]], pipeline.Base]

SAMPLE = "sample company"
"""The workspace that holds the sample's snapshot and results for all; no visitor writes to it."""

DEMO_JOBS = 2
"""Long runs at once on a demo server, over all visitors."""

DEMO_SECONDS = 900.0
"""The longest run on a demo server."""


class SignInError(PlanningError):
    """The passphrase is not the one of this server."""


# --- who is here ------------------------------------------------------------------------------------------------------


def sign_in(
    visitor: Visitor,
    told: str,
    *,
    attempts: Attempts,
    address: str | None,
    secret: str | None,
    name: str = "",
) -> Visitor:
    """Return the planner whom the passphrase makes of a visitor of a hosted server.

    Parameters
    ----------
    told : the passphrase as it was typed.
    attempts : the one object of this server process.
    address : of the browser, as the server sees it; None where it is not known.
    secret : the hash of the passphrase (`passphrase_hash`).
    name : what the planner is called in logs and notes; the passphrase vouches for nobody's name.

    Raises
    ------
    SignInError : it is another passphrase, or this server has no sign-in.
    TooManyAttemptsError : it was tried too often; the message says how long to wait.
    InputError : the name is too long, or the workspace cannot be written.
    """
    called = deciding.checked_text(name, "the name", 80) or ""
    if visitor.mode != "hosted" or not passphrase.is_hash(secret):
        msg = "nobody signs in on this server: it is not set up for it"
        raise SignInError(msg)
    with attempts.attempt(address):
        if not passphrase.matches(told, secret):
            visitor.log("sign-in refused")
            msg = "this is not the passphrase: try again"
            raise SignInError(msg)
        attempts.succeeded(address)
    planner = Visitor("hosted", kept_workspace(), name=called)
    planner.log("signed in")
    return planner


def sign_out(visitor: Visitor) -> Visitor:
    """Return who is left when a planner of a hosted server signs out, or a viewer closes a link: a newcomer."""
    visitor.log("left")
    return Visitor.arriving(visitor.mode)


# --- data in ----------------------------------------------------------------------------------------------------------


def preview_import(files: Mapping[str, Sequence[Source]], mapping: TableMapping | None = None) -> Import:
    """Return what the files say; nothing is kept.

    Raises
    ------
    InputError : something makes the import impossible; one line a fault.
    """
    return read_inputs(files, mapping)


def data_files(visitor: Visitor, snapshot_id: str, *, excel: bool = False) -> bytes:
    """Return the data of a snapshot to take away: a ZIP of CSV files, or an Excel workbook; both import again.

    Raises
    ------
    InputError : it is not in this workspace, or a table has more rows than an Excel sheet.
    """
    frames = inputs(visitor, snapshot_id)
    return input_workbook(frames) if excel else input_files(frames)


def base_of_import(visitor: Visitor) -> ImportRecord | None:
    """Return the data that an import adds to: the visitor's own in use or last used, never the sample."""
    current = visitor.workspace.current()
    if current is None or not current.sample:
        return current
    return next((record for record in visitor.workspace.history() if not record.sample), None)


def joined(
    visitor: Visitor,
    read: Import,
    *,
    replace_everything: bool = False,
    how: Mapping[str, How] | None = None,
    places: Places | None = None,
) -> tuple[dict[str, pd.DataFrame], list[str]]:
    """Return the tables as `confirm_import` would keep them, and notes on what came from before; nothing is kept.

    Parameters
    ----------
    read : what `preview_import` returned.
    replace_everything : start from nothing.
    how : by table "add" or "replace", where it is not `default_how`.
    places : which location serves the sales that name none; see `question`.

    Raises
    ------
    InputError : `how` or `places` names what is not there.
    """
    visitor.require_planner()
    base = None if replace_everything else base_of_import(visitor)
    earlier = visitor.workspace.load(base.snapshot_id) if base else {}
    # What an export tells only on the side (bare locations, say) does not replace what is known.
    given = {name: frame for name, frame in read.frames.items() if name not in read.spare or name not in earlier}
    if places:
        # Both sides first, so that the new sales replace only those of their own locations.
        stock = {name: frame for name, frame in {**earlier, **given}.items() if name == "stock"}
        given, earlier = (_placed(side, stock, places) for side in (given, earlier))
    return merged(given, earlier, how or {})


def question(visitor: Visitor, read: Import, *, replace_everything: bool = False) -> PlaceQuestion | None:
    """Return what to ask before the import is confirmed: which location serves sales that name none; or None."""
    frames, _ = joined(visitor, read, replace_everything=replace_everything)
    return place_question(frames)


def warnings(
    frames: Mapping[str, pd.DataFrame], as_of: date | None = None, params: Params | None = None
) -> list[Finding]:
    """Return what would change a plan made of these tables, the heaviest first; see `data.findings`.

    Parameters
    ----------
    as_of : the morning of the plan; None: the one that the data suggest.
    """
    return find_warnings(frames, as_of or default_as_of(frames), params)


def confirm_import(
    visitor: Visitor,
    read: Import,
    *,
    replace_everything: bool = False,
    files: Sequence[str] = (),
    how: Mapping[str, How] | None = None,
    places: Places | None = None,
) -> str:
    """Keep what was read, together with what the visitor has already, and return the new snapshot's id.

    Tables that were not given are taken over from `base_of_import`; how a given table is joined with the earlier one
    `data.merge.merged` says. A first import, or `replace_everything`, starts from nothing.

    Parameters
    ----------
    read : what `preview_import` returned.
    files : names of the files, for the history.
    how : by table "add" or "replace", where it is not `default_how`.
    places : which location serves the sales that name none; see `question`.

    Raises
    ------
    NotAllowedError : the visitor may not change this workspace.
    InputError : sales or stock would be missing, `how` or `places` names what is not there, or the disk is full.
    """
    visitor.permit("import data")
    frames, told = joined(visitor, read, replace_everything=replace_everything, how=how, places=places)
    missing = [name for name, table in INPUT_TABLES.items() if table.required and not len(frames.get(name, ()))]
    if missing:
        msg = f"a plan needs sales and stock; {' and '.join(missing)} is missing: add a file of it and import again"
        raise InputError(msg)
    made = visitor.workspace.save(
        frames,
        files=files,
        rows=read.rows,
        notes=[*read.notes, *told],
        rejected=read.rejected,
        imported_by=_person(visitor),
    )
    visitor.log("imported", snapshot=made[:12], tables=len(read.frames), replaced=replace_everything)
    ordering.note_found(visitor, made, frames)
    return made


def remember(visitor: Visitor, key: str, text: str) -> None:
    """Keep a text for the next import, such as the mapping of a header.

    Raises
    ------
    NotAllowedError : the visitor may not change this workspace.
    InputError : the key or the text is too long.
    """
    visitor.permit("keep a mapping")
    visitor.workspace.remember(key, text)


def remembered(visitor: Visitor, key: str) -> str | None:
    """Return what was kept under this key, or None."""
    return visitor.workspace.remembered(key)


def _placed(
    side: Mapping[str, pd.DataFrame], stock: Mapping[str, pd.DataFrame], places: Places
) -> dict[str, pd.DataFrame]:
    if "sales" not in side:
        return dict(side)
    return {**side, "sales": assign_location({**stock, "sales": side["sales"]}, places)["sales"]}


def use_sample(visitor: Visitor) -> str:
    """Open the sample company and return its snapshot's id; the visitor's own data stays in the history.

    Raises
    ------
    NotAllowedError : the visitor may not change this workspace.
    InputError : the sample's files are missing or the disk is full.
    """
    visitor.permit("open the sample company")
    shared, snapshot_id = _sample()
    visitor.workspace.adopt(shared, snapshot_id)
    visitor.log("opened the sample", snapshot=snapshot_id[:12])
    return snapshot_id


# --- what is there ----------------------------------------------------------------------------------------------------


def current_snapshot(visitor: Visitor) -> str | None:
    """Return the id of the data in use, or None where there is none."""
    visitor.touch()
    current = visitor.workspace.current()
    return None if current is None else current.snapshot_id


def is_sample(visitor: Visitor) -> bool:
    """Tell whether the data in use is the sample company's."""
    current = visitor.workspace.current()
    return current is not None and current.sample


def history(visitor: Visitor) -> list[ImportRecord]:
    """Return every import of this workspace, the newest first."""
    return visitor.workspace.history()


def imported_at(visitor: Visitor, snapshot_id: str) -> datetime | None:
    """Return when this data came, in UTC, or None where it is not in this workspace."""
    record = visitor.workspace.find(snapshot_id)
    return None if record is None else record.imported_at


def inputs(visitor: Visitor, snapshot_id: str) -> dict[str, pd.DataFrame]:
    """Return the tables of a snapshot of this workspace, as they came: the same for all who have it.

    Raises
    ------
    InputError : it is not in this workspace.
    """
    return visitor.workspace.load(snapshot_id)


def planned_inputs(
    visitor: Visitor, snapshot_id: str, *, frames: Mapping[str, pd.DataFrame] | None = None
) -> dict[str, pd.DataFrame]:
    """Return the tables that a plan is made of: those of the snapshot with all that was decided here.

    Parameters
    ----------
    frames : what `inputs` returned, where the caller has it at hand. It is not changed.

    Raises
    ------
    InputError : the snapshot is not in this workspace.
    """
    tables = dict(inputs(visitor, snapshot_id) if frames is None else frames)
    decided = _decided(visitor, snapshot_id)
    told = {
        "events": decided.events(tables.get("events")),
        "overrides": decided.overrides(tables.get("overrides")),
        **ordering.planned(visitor, snapshot_id, tables),
        **moving.planned(visitor, snapshot_id, tables),
    }
    return tables | {name: table for name, table in told.items() if table is not None}


def rejected(visitor: Visitor, snapshot_id: str) -> pd.DataFrame:
    """Return the rows that were set aside when this data came."""
    return visitor.workspace.rejected(snapshot_id)


def decisions_id(visitor: Visitor) -> str:
    """Return the id of what was decided in this workspace and moves a plan; notes and snoozes do not."""
    return decisions.plan_id(visitor.workspace.decisions())


def ground_id(visitor: Visitor) -> str:
    """Return the id of what was decided, but for what is set by hand on lines: that touches the light stage alone."""
    pins = (decisions.PIN, decisions.PIN_RESET, decisions.TRANSFER_PIN, decisions.TRANSFER_PIN_RESET)
    return decisions.plan_id(visitor.workspace.decisions(), without=pins)


def default_as_of(frames: Mapping[str, pd.DataFrame]) -> date:
    """Return the morning that the data itself suggests a plan for, as the pipeline does; without any date, today."""
    tables = [frames.get(name, pd.DataFrame({"date": []}, dtype="datetime64[s]")) for name in ("stock", "sales")]
    return pipeline.suggested_as_of(*tables) or datetime.now().astimezone().date()


# --- what people decide -----------------------------------------------------------------------------------------------


def override(
    visitor: Visitor,
    snapshot_id: str,
    *,
    kind: str,
    value: float,
    starts_on: date,
    ends_on: date,
    reason: str,
    item_id: str | None = None,
    category: str | None = None,
    location_id: str | None = None,
    locked: bool = False,
    frames: Mapping[str, pd.DataFrame] | None = None,
) -> str:
    """Correct the forecast and return the correction's id; it holds for later data, too.

    Parameters
    ----------
    kind, value : "percent" (-100 or more), "add_units" or "set_units" (0 or more), over the whole period.
    item_id, category, location_id : what it speaks of; None: all of them.
    reason : 1 to 500 characters.
    frames : the tables of the snapshot, where the caller has them at hand.

    Raises
    ------
    NotAllowedError : the visitor may not change this workspace.
    InputError : something in it cannot be used, or a locked correction stands against it; the message says what to do.
    """
    visitor.permit("correct the forecast")
    tables = inputs(visitor, snapshot_id) if frames is None else frames
    decided, standing = _standing(visitor, snapshot_id, tables)
    asked = {
        "item_id": item_id,
        "category": category,
        "location_id": location_id,
        "starts_on": starts_on,
        "ends_on": ends_on,
        "kind": kind,
        "value": value,
        "locked": locked,
        "reason": reason,
    }
    row = deciding.checked_override(asked, tables, standing, decided)
    _decide(visitor, snapshot_id, decisions.OVERRIDE, row=row)
    visitor.log("corrected the forecast", override=row["override_id"], locked=bool(locked))
    return str(row["override_id"])


def reset_override(
    visitor: Visitor,
    snapshot_id: str,
    override_ids: Sequence[str] | None = None,
    *,
    item_id: str | None = None,
    category: str | None = None,
    location_id: str | None = None,
    frames: Mapping[str, pd.DataFrame] | None = None,
) -> int:
    """Take corrections back, all of them or none, and return how many.

    Parameters
    ----------
    override_ids : which; None: all that speak of exactly the level that the other arguments name.

    Raises
    ------
    NotAllowedError : the visitor may not change this workspace.
    InputError : one of them is not in force, or locked; the message says who locked it and why.
    """
    visitor.permit("take corrections back")
    decided, standing = _standing(visitor, snapshot_id, frames)
    if override_ids is None:
        level = {"item_id": item_id, "category": category, "location_id": location_id}
        rows = pd.DataFrame() if standing is None else deciding.rows_of_level(standing, level)
        if rows.empty:
            return 0
    else:
        rows = deciding.rows_of_ids(standing, override_ids)
    found = rows.to_dict("records")
    locked = next((row for row in found if decided.lock_of(row)), None)
    if locked is not None:
        msg = f"correction {locked['override_id']} is locked{deciding.told_lock(locked, decided)}"
        raise InputError(msg)
    _decide(visitor, snapshot_id, decisions.RESET, ids=[decided.reference(row) for row in found])
    visitor.log("took corrections back", count=len(found))
    return len(found)


def lock_override(
    visitor: Visitor,
    snapshot_id: str,
    override_ids: Sequence[str],
    *,
    reason: str,
    locked: bool = True,
    frames: Mapping[str, pd.DataFrame] | None = None,
) -> None:
    """Lock corrections, so that nothing else moves what they set, or unlock them.

    Raises
    ------
    NotAllowedError : the visitor may not change this workspace.
    InputError : one of them is not in force, or the reason is missing or longer than 500 characters.
    """
    visitor.permit("lock corrections")
    decided, standing = _standing(visitor, snapshot_id, frames)
    told = deciding.checked_text(reason, "the reason", deciding.LONGEST_REASON, needed=True)
    found = deciding.rows_of_ids(standing, override_ids).to_dict("records")
    kind = decisions.LOCK if locked else decisions.UNLOCK
    _decide(visitor, snapshot_id, kind, ids=[decided.reference(row) for row in found], reason=told)
    visitor.log("locked corrections" if locked else "unlocked corrections", count=len(found))


def edit_events(
    visitor: Visitor, snapshot_id: str, edited: pd.DataFrame, *, frames: Mapping[str, pd.DataFrame] | None = None
) -> int:
    """Make the events what an edited table holds, and return how many were added, changed or removed.

    Parameters
    ----------
    edited : all events as they are to be, in the columns of the contract; empty rows are passed over.

    Raises
    ------
    NotAllowedError : the visitor may not change this workspace.
    InputError : a row cannot be used, and nothing was changed; the message names the row, counted from 1.
    """
    visitor.permit("edit events")
    tables = inputs(visitor, snapshot_id) if frames is None else frames
    lines = deciding.checked_events(edited, tables.get("events"), tables, _decided(visitor, snapshot_id))
    step = secrets.token_hex(6)
    for kind, row in lines:
        _decide(visitor, snapshot_id, kind, row=dict(row), step=step)
    if lines:
        visitor.log("edited events", count=len(lines))
    return len(lines)


def undo(visitor: Visitor, snapshot_id: str) -> str:
    """Undo what was decided last and is not undone yet, an edit of events whole, and return what that was.

    Raises
    ------
    NotAllowedError : the visitor may not change this workspace.
    InputError : there is nothing to undo.
    """
    visitor.permit("undo a decision")
    log, sample = visitor.workspace.decisions(), _is_of_sample(visitor, snapshot_id)
    step = decisions.last_step(log, sample=sample)
    if not step:
        msg = "nothing was decided here that could be undone"
        raise InputError(msg)
    ordering.refuse_undo(step, log, sample=sample)
    _decide(visitor, snapshot_id, decisions.UNDO, numbers=[line.number for line in step])
    visitor.log("undid a decision", count=len(step))
    return "; ".join(f"{decisions.KINDS[line.kind]}: {decisions.about(line)}" for line in step)


def overrides(
    visitor: Visitor,
    snapshot_id: str,
    *,
    applied: pd.DataFrame | None = None,
    frames: Mapping[str, pd.DataFrame] | None = None,
) -> pd.DataFrame:
    """Return the corrections in force, in the columns of the contract, and what each of them did.

    Parameters
    ----------
    applied : what a plan says of them (`planning.pipeline.Base.corrections`); None: it is not known.

    Returns
    -------
    DataFrame with further columns: locked_by, locked_reason (text, None where it is open), before, after (units of its
    group in its period, NaN where not known), message (why it did not do what was asked; else empty).
    """
    decided, standing = _standing(visitor, snapshot_id, frames)
    rows = decisions.as_frame(decisions.OVERRIDES, []) if standing is None else standing
    locks = [decided.lock_of(row) for row in rows.to_dict("records")]
    rows = rows.assign(
        locked_by=pd.Series([lock and lock.by for lock in locks], dtype=object),
        locked_reason=pd.Series([lock and lock.reason for lock in locks], dtype=object),
    )
    known = pd.DataFrame(columns=["override_id", "before", "after", "message"]) if applied is None else applied
    effect = known.drop_duplicates("override_id").set_index("override_id").reindex(rows["override_id"])
    return rows.assign(
        before=effect["before"].to_numpy(float),
        after=effect["after"].to_numpy(float),
        message=effect["message"].fillna("").to_numpy(object),
    )


def decisions_log(visitor: Visitor, snapshot_id: str) -> pd.DataFrame:
    """Return all that was decided, newest first: number, decided_at, what, by, about, reason, undone."""
    return decisions.log_table(visitor.workspace.decisions(), sample=_is_of_sample(visitor, snapshot_id))


def _decided(visitor: Visitor, snapshot_id: str) -> decisions.Decided:
    """Return what holds here; what was decided on the sample company holds for it alone."""
    return decisions.read_log(visitor.workspace.decisions(), sample=_is_of_sample(visitor, snapshot_id))


def _standing(
    visitor: Visitor, snapshot_id: str, frames: Mapping[str, pd.DataFrame] | None
) -> tuple[decisions.Decided, pd.DataFrame | None]:
    """Return what holds here, and the corrections in force."""
    tables = inputs(visitor, snapshot_id) if frames is None else frames
    decided = _decided(visitor, snapshot_id)
    return decided, decided.overrides(tables.get("overrides"))


def _decide(visitor: Visitor, snapshot_id: str, kind: str, **body: object) -> None:
    visitor.workspace.decide(kind, {**body, "by": _person(visitor), "sample": _is_of_sample(visitor, snapshot_id)})


# --- plans that are kept ----------------------------------------------------------------------------------------------


def create_plan(
    visitor: Visitor,
    snapshot_id: str,
    result: PlanResult,
    *,
    name: str,
    kind: str = "replenishment",
    locations: Sequence[str] = (),
    categories: Sequence[str] = (),
    suppliers: Sequence[str] = (),
) -> str:
    """Keep a plan as a draft and return its id; `check_plan` answers the first step, name and kind, alone.

    Parameters
    ----------
    result : the plan made of `planned_inputs`; coverage and horizon are those of its parameters.
    locations, categories, suppliers : what it is about; none of one kind: all of them.

    Raises
    ------
    NotAllowedError : the visitor may not change this workspace.
    InputError : name, kind or scope cannot be used, or the disk is full.
    """
    key = pipeline.plan_key(snapshot_id, decisions_id(visitor), result.as_of, result.params)
    scope = {"locations": locations, "categories": categories, "suppliers": suppliers}
    return kept_plans.keep_plan(visitor, snapshot_id, result, key, name=name, kind=kind, scope=scope).plan_id


def rebuild_plan(visitor: Visitor, plan_id: str, snapshot_id: str, result: PlanResult) -> str:
    """Keep a kept plan made anew, of new data or another morning, as a draft with its name and scope; return its id.

    What of its scope the new data do not know any more is left out.

    Raises
    ------
    NotAllowedError : the visitor may not change this workspace.
    InputError : there is no such plan, or nothing of its scope is left.
    """
    plan = kept_plans.find_plan(visitor, plan_id)
    key = pipeline.plan_key(snapshot_id, decisions_id(visitor), result.as_of, result.params)
    scope = kept_plans.scope_left(plan.scope, result)
    return kept_plans.keep_plan(visitor, snapshot_id, result, key, name=plan.name, kind=plan.kind, scope=scope).plan_id


# --- links that show a plan to others ---------------------------------------------------------------------------------


def make_link(
    visitor: Visitor,
    snapshot_id: str,
    result: PlanResult,
    *,
    page: str = "",
    view: Mapping[str, Sequence[str]] = MappingProxyType({}),
    scenario: str = "",
    name: str = "",
    supplier: str | None = None,
    location: str | None = None,
    hide_costs: bool = True,
    trials: bool = False,
    days: int = links.DAYS,
    compared: Mapping[str, PlanResult] = MappingProxyType({}),
    past: Recorded | None = None,
    figures: Callable[[pd.DataFrame | None], Mapping[str, Any]] | None = None,
    replay: tuple[Any, pd.DataFrame] | None = None,
) -> NewLink:
    """Freeze a plan as a viewer may see it, and return the link that shows it; its token is told this once.

    Parameters
    ----------
    result : what is on screen.
    page, view : where the link opens, and the filters: names and values of the address. Of a limited link only those
        values stay that its own lines know; parameters are never among them, as those of the plan are shown.
    scenario, name : what is shown, and what the link is for, as the list of links tells them.
    supplier, location : whose lines are shown; None: all.
    hide_costs : whether the viewer sees no cost and no price.
    trials : whether the viewer may move sliders for himself (`try_out`); not with costs hidden.
    days : until it expires.
    compared : plans that are shown side by side, by name, the first what the others are held against; `result` is one
        of them. What a name says of money or of others' lines is not told where these are hidden.
    past : what the lines sold, of which the viewer sees that of his own lines; None: none.
    figures : makes the key figures (`planning.kpi.Kpi` by key) of lines (item_id, location_id; None: all), of which the
        viewer sees those of his own lines; None: none.
    replay : a `planning.replay_measures.ReplayResult` and its exchange curve, of which the viewer sees what they told
        of his own lines; None: none.

    Raises
    ------
    NotAllowedError : the visitor may not change this workspace.
    InputError : something in it cannot be used, too many links are open, or the disk is full.
    ParameterError : the plan knows no such supplier or location.
    """
    visitor.permit("make links")
    narrow = supplier is not None or location is not None
    names = _names_seen(list(compared), all_hidden=narrow, money_hidden=hide_costs)
    if compared and (not 2 <= len(compared) <= MOST_COMPARED or all(one is not result for one in compared.values())):
        msg = f"two to {MOST_COMPARED} plans stand side by side, the one on screen among them: choose others"
        raise InputError(msg)
    parts = {
        name: limited(one, supplier=supplier, location=location, hide_costs=hide_costs)
        for name, one in (zip(names, compared.values(), strict=True) if compared else [("", result)])
    }
    shown = next(name for name, one in zip(parts, [*compared.values()] or [result], strict=True) if one is result)
    seen = parts[shown]
    beside = _beside(seen, figures, replay, narrow=narrow, hide_costs=hide_costs)
    opens = links.Opens(
        page=page,
        view=_view_of(seen, view, narrow=narrow),
        as_of=result.as_of,
        scenario=scenario,
        name=name,
        supplier=supplier,
        location=location,
        hide_costs=hide_costs,
        trials=trials,
        params=result.params.to_json(),
        compared=tuple(names),
        replay=REPLAY in beside,
    )
    own = None if past is None else past.of(seen.items)
    payload = freeze_compared(parts, shown, own, beside) if compared else freeze(seen, own, beside)
    return links.make_link(visitor, snapshot_id, payload, opens, days=days)


def _beside(
    seen: PlanResult,
    figures: Callable[[pd.DataFrame | None], Mapping[str, Any]] | None,
    replay: tuple[Any, pd.DataFrame] | None,
    *,
    narrow: bool,
    hide_costs: bool,
) -> dict[str, Mapping[str, Any]]:
    """Return what stands beside a plan in a link, of the lines that are seen alone."""
    parts: dict[str, Mapping[str, Any]] = {}
    if figures is not None:
        made = figures(seen.items[["item_id", "location_id"]] if narrow else None)
        parts[FIGURES] = figures_as_parts(limited_figures(made, seen.items, narrow=narrow, hide_costs=hide_costs))
    told = None if replay is None else told_replay(*replay, seen.items, narrow=narrow, hide_costs=hide_costs)
    return parts if told is None else parts | {REPLAY: replay_as_parts(told)}


def _names_seen(names: Sequence[str], *, all_hidden: bool, money_hidden: bool) -> list[str]:
    """Return what plans side by side are called for a viewer: by number where a name may tell too much."""
    told: list[str] = []
    for n, name in enumerate(names):
        hidden = n > 0 and (all_hidden or (money_hidden and bool(MONEY_SAID.search(name))))
        told.append(f"Scenario {n}" if hidden or name in told else name)
    return told


def shared_plan(visitor: Visitor) -> PlanResult:
    """Return the plan that a viewer's link shows, to the last digit as it was; a mapping of floats may hold None.

    To be kept under `visitor.grant.result_key`, which names its content; `check_link` is asked at every action anyway.

    Raises
    ------
    LinkError : the link expired or was withdrawn, or the visitor is no viewer.
    InputError : an earlier version kept what this one cannot show.
    """
    return _as_plan(thaw(links.frozen_result(visitor)))


def shared_history(visitor: Visitor) -> Recorded | None:
    """Return the past that the plan of a viewer's link stands on, of the lines that he sees; None: it was not kept.

    Raises
    ------
    LinkError : the link expired or was withdrawn, or the visitor is no viewer.
    InputError : an earlier version kept what this one cannot show.
    """
    told = thaw(links.frozen_result(visitor)).get(HISTORY)
    try:
        return None if told is None else Recorded(**told)
    except TypeError as fault:
        raise InputError(UNREADABLE) from fault


def shared_figures(visitor: Visitor) -> dict[str, Any]:
    """Return the key figures (`planning.kpi.Kpi` by key) of what a viewer's link shows; empty where none were kept.

    Raises
    ------
    LinkError : the link expired or was withdrawn, or the visitor is no viewer.
    InputError : an earlier version kept what this one cannot show.
    """
    told = thaw(links.frozen_result(visitor)).get(FIGURES)
    try:
        return {} if told is None else dict(figures_of_parts(told))
    except (KeyError, TypeError) as fault:
        raise InputError(UNREADABLE) from fault


def shared_replay(visitor: Visitor) -> ToldReplay | None:
    """Return what a replay told of what a viewer's link shows; None where none was kept with it.

    Raises
    ------
    LinkError : the link expired or was withdrawn, or the visitor is no viewer.
    InputError : an earlier version kept what this one cannot show.
    """
    told = thaw(links.frozen_result(visitor)).get(REPLAY)
    try:
        return None if told is None else replay_of_parts(told)
    except (KeyError, TypeError, ValueError) as fault:
        raise InputError(UNREADABLE) from fault


def shared_comparison(visitor: Visitor) -> dict[str, PlanResult]:
    """Return the plans that a viewer's link shows side by side, by name in their order; empty where it shows one.

    Raises
    ------
    LinkError : the link expired or was withdrawn, or the visitor is no viewer.
    InputError : an earlier version kept what this one cannot show.
    """
    return {name: _as_plan(parts) for name, parts in thaw_compared(links.frozen_result(visitor)).items()}


def _as_plan(parts: dict[str, Any]) -> PlanResult:
    known = {f.name for f in fields(PlanResult)}
    try:
        projection = Projection(**parts.pop("projection"))
        return PlanResult(projection=projection, **{name: part for name, part in parts.items() if name in known})
    except (KeyError, TypeError) as fault:
        raise InputError(UNREADABLE) from fault


def try_out(visitor: Visitor, changes: Mapping[str, Any], *, keep: KeepBase) -> PlanResult | None:
    """Return what a viewer's link would show under other parameters, of the same data and decisions; nothing is saved.

    Parameters
    ----------
    changes : values of `data.links.TRIED` by name.
    keep : takes a key and a maker of what the light stage starts from, and keeps it for the server; what it holds is
        not the viewer's to see.

    Returns
    -------
    PlanResult, limited as the link is; None where the forecast is not kept any more.

    Raises
    ------
    LinkError : the link expired or was withdrawn, or the visitor is no viewer.
    NotAllowedError : nothing, or not this, may be tried on it.
    ParameterError : a value is out of range.
    """
    ground, params = links.tried(visitor, changes)
    grant = check_link(visitor)
    frames = planned_inputs(ground.then, ground.snapshot_id)
    kept = fits(ground.then, ground.snapshot_id, grant.as_of, params, frames=inputs(ground.then, ground.snapshot_id))
    if kept is None:
        return None
    decided = decisions_id(ground.then)
    base = keep(
        "shared " + pipeline.base_key(ground.snapshot_id, decided, grant.as_of, params),
        lambda: pipeline.prepare(frames, grant.as_of, params, fits=kept),
    )
    result = pipeline.finish(base, grant.as_of, params)
    return limited(result, supplier=grant.supplier, location=grant.location, hide_costs=grant.hide_costs)


def _view_of(seen: PlanResult, view: Mapping[str, Sequence[str]], *, narrow: bool) -> dict[str, list[str]]:
    """Return the address of a view without parameters and, of some lines only, without names of others."""
    told = {str(key): [str(one) for one in values] for key, values in view.items() if key not in ("set", "as_of")}
    if not narrow:
        return told
    items = seen.items
    names = ("item_id", "location_id", "category", "supplier_id", "abc_class", "demand_class", "item_name")
    known = {str(one) for name in names for one in items[name].dropna().unique()}
    known |= {"red", "amber", "green", "total", "category", "location", "item", "line"}
    kept = {key: [one for one in values if one in known] for key, values in told.items()}
    return {key: values for key, values in kept.items() if values}


# --- going back, and leaving ------------------------------------------------------------------------------------------


def go_back(visitor: Visitor, snapshot_id: str) -> None:
    """Use an earlier import of this workspace again.

    Raises
    ------
    NotAllowedError : the visitor may not change this workspace.
    InputError : there is no such import here.
    """
    visitor.permit("go back to earlier data")
    visitor.workspace.restore(snapshot_id)
    visitor.log("went back", snapshot=snapshot_id[:12])


def delete_everything(visitor: Visitor) -> None:
    """Remove all data, results and decisions of this workspace.

    Raises
    ------
    NotAllowedError : the visitor may not change this workspace.
    """
    visitor.permit("delete the data")
    for job in jobs.running(visitor.jobs):
        job.cancel()
    visitor.workspace.delete()
    visitor.log("deleted everything")


# --- the heavy stage --------------------------------------------------------------------------------------------------


def fit_key(
    visitor: Visitor,
    snapshot_id: str,
    as_of: date,
    params: Params,
    *,
    frames: Mapping[str, pd.DataFrame] | None = None,
) -> str:
    """Return the key of the heavy stage: the same key, the same forecast.

    Parameters
    ----------
    frames : the tables of the snapshot, where the caller has them at hand.
    """
    tables = inputs(visitor, snapshot_id) if frames is None else frames
    # Of what was decided the heavy stage reads the events alone: a correction never forecasts again.
    return pipeline.fit_key(tables, snapshot_id, _decided(visitor, snapshot_id).events_id, as_of, params)


def fits(
    visitor: Visitor,
    snapshot_id: str,
    as_of: date,
    params: Params,
    *,
    frames: Mapping[str, pd.DataFrame] | None = None,
) -> "pipeline.Fits | None":
    """Return the kept forecast, or None where it must be made first: see `start_fit`."""
    payload = _kept(visitor, snapshot_id, fit_key(visitor, snapshot_id, as_of, params, frames=frames))
    return None if payload is None else pipeline.Fits.from_bytes(payload)


def start_fit(
    visitor: Visitor,
    snapshot_id: str,
    as_of: date,
    params: Params,
    *,
    frames: Mapping[str, pd.DataFrame] | None = None,
) -> jobs.Job:
    """Start the forecast in a process of its own, or attach to it where it runs already.

    Raises
    ------
    NotAllowedError : the visitor may not start long work.
    JobError : a demo server has its hands full, or no process can be started.
    """
    visitor.permit("start a forecast")
    key = fit_key(visitor, snapshot_id, as_of, params, frames=frames)
    files = _job_files(visitor, snapshot_id, params, frames)
    return _started(
        visitor, key, lambda most: jobs.fit_command(visitor.workspace.path(snapshot_id), as_of, most), files
    )


def known_then_key(visitor: Visitor, snapshot_id: str, as_of: date, params: Params, *, first: date, every: int) -> str:
    """Return the key of what was known on past mornings: the same key, the same forecasts.

    Parameters
    ----------
    first : the first past morning. every : buckets after which all is learned anew.
    """
    # What is only supposed of the future was never known in the past.
    plain = replace(params, demand_multiplier=1.0, what_if=())
    told = f"{first} {every} {_decided(visitor, snapshot_id).events_id}"
    return pipeline.base_key(snapshot_id, f"known then {told}", as_of, plain)


def known_then(
    visitor: Visitor, snapshot_id: str, as_of: date, params: Params, *, first: date, every: int
) -> bytes | None:
    """Return the kept forecasts of past mornings, or None where they must be made first: see `start_known_then`."""
    visitor.require_planner()
    key = known_then_key(visitor, snapshot_id, as_of, params, first=first, every=every)
    return _kept(visitor, snapshot_id, key)


def start_known_then(
    visitor: Visitor,
    snapshot_id: str,
    as_of: date,
    params: Params,
    *,
    first: date,
    every: int,
    frames: Mapping[str, pd.DataFrame] | None = None,
) -> jobs.Job:
    """Start the forecasts of past mornings in a process of its own, or attach to it where it runs already.

    Raises
    ------
    NotAllowedError : the visitor may not start long work.
    JobError : a demo server has its hands full, or no process can be started.
    """
    visitor.permit("start a replay")
    key = known_then_key(visitor, snapshot_id, as_of, params, first=first, every=every)
    files = _job_files(visitor, snapshot_id, params, frames)
    found = fits(visitor, snapshot_id, as_of, params, frames=frames)
    if found is not None:
        files[jobs.FITS] = found.to_bytes()
    folder = visitor.workspace.path(snapshot_id)
    return _started(visitor, key, lambda most: jobs.known_command(folder, as_of, first, every, most), files)


def _job_files(
    visitor: Visitor, snapshot_id: str, params: Params, frames: Mapping[str, pd.DataFrame] | None
) -> dict[str, str | bytes]:
    """Return what a run of its own reads beside the snapshot: the parameters, and the events where they were edited."""
    decided = _decided(visitor, snapshot_id)
    files: dict[str, str | bytes] = {jobs.PARAMS: params.to_json()}
    if decided.edits:
        events = decided.events((inputs(visitor, snapshot_id) if frames is None else frames).get("events"))
        files[jobs.EVENTS] = decisions.events_to_json(pd.DataFrame() if events is None else events)
    return files


def _started(
    visitor: Visitor, key: str, command: Callable[[int], jobs.Command], files: Mapping[str, str | bytes]
) -> jobs.Job:
    """Start a run, `command` of how many processes it may use; on a demo server few at once, and not for long."""
    demo = visitor.mode == "demo"
    at_work = private_jobs() if demo else []
    if len(at_work) >= DEMO_JOBS and visitor.jobs / key not in {job.folder for job in at_work}:
        msg = "other visitors' forecasts are running: try again in a minute"
        raise jobs.JobError(msg)
    job = jobs.start(
        visitor.jobs,
        key,
        command(1 if demo else os.cpu_count() or 1),
        files=files,
        time_limit=DEMO_SECONDS if demo else None,
    )
    visitor.log("started a long run", key=key[:12])
    return job


def _kept(visitor: Visitor, snapshot_id: str, key: str) -> bytes | None:
    """Return what a long run left under its key, wherever it is kept."""
    # What was computed from the sample serves every visitor, where nothing of their own is in it.
    shared = _is_of_sample(visitor, snapshot_id) and not _decided(visitor, snapshot_id).edits
    stores = [visitor.workspace, *([Workspace(SAMPLE)] if shared else [])]
    payload = next((found for place in stores if (found := place.kept(key)) is not None), None)
    if payload is None and len(stores) > 1:
        payload = kept_forecast(key)
    return _collect(visitor, key, stores[-1]) if payload is None else payload


def _collect(visitor: Visitor, key: str, place: Workspace) -> bytes | None:
    """Keep the result of a finished job, and clear the job away."""
    job = jobs.Job(visitor.jobs / key)
    if job.status() != "done":
        return None
    try:
        payload = job.result()
    except jobs.JobError:
        return place.kept(key)  # another page of the same person took it at this moment
    place.keep(key, payload)
    job.clear()
    return payload


def _sample() -> tuple[Workspace, str]:
    """Return the workspace of the sample company and its snapshot's id; read once for all visitors."""
    shared = Workspace(SAMPLE)
    try:
        sources = sample_sources()
        key = fingerprint(sources)
    except OSError as fault:
        msg = "the sample company's files are missing: install Stockcast again, or import your own data"
        raise InputError(msg) from fault
    known = shared.kept(key)
    if known is not None and shared.path(known.decode()).is_dir():
        return shared, known.decode()
    files = [source.name for group in sources.values() for source in group]
    kept = kept_snapshot(key)
    if kept is not None:
        folder, told = kept
        made = folder.name
        report = ImportRecord(made, datetime.now(UTC), tuple(files), told["rows"], tuple(told["notes"]), sample=True)
        shared.take(folder, report)
    else:
        read = read_inputs(sources)
        made = shared.save(
            read.frames, files=files, rows=read.rows, notes=read.notes, rejected=read.rejected, sample=True
        )
    shared.keep(key, made.encode())
    return shared, made


def fingerprint(sources: Mapping[str, Sequence[Source]]) -> str:
    """Return the hash of the files, and of the version that reads them."""
    digest = hashlib.sha256(pipeline.METHOD_VERSION.encode())
    for name, group in sources.items():
        for source in group:
            payload = source.payload if isinstance(source.payload, bytes) else source.payload.read_bytes()
            digest.update(f"{name} {len(payload)} {source.sheet or ''}".encode())
            digest.update(payload)
    return digest.hexdigest()
