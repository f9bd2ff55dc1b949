"""Share links: an address that shows one frozen result, read only, until it expires or is withdrawn.

Whoever has the token has the link; kept is its hash alone. What is shown was limited and frozen when the link was
made: nothing else can be reached through it.
"""

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from data.acting import person
from data.catalog import Decision, LinkRecord
from data.deciding import LONGEST_NAME, checked_text
from data.store import Workspace
from data.visitor import Grant, Mode, NotAllowedError, Visitor, workspace_with_link
from planning.errors import InputError, PlanningError
from planning.params import Params

TOKEN_BYTES = 32
TOKEN = re.compile(r"[\w-]{43}", re.ASCII)
PAGE = re.compile(r"[a-z][a-z0-9_-]{0,39}|", re.ASCII)
LONGEST_VIEW = 20_000
"""Characters of the filters that a link opens with."""
DAYS, MOST_DAYS = 30, 366
MOST_LINKS = 500
"""Links of one workspace that are open at the same time."""
USED_EVERY = timedelta(minutes=1)
"""The last use is noted no more often than this."""

TRIED = (
    "service_target",
    "service_target_by_class",
    "coverage_days",
    "demand_multiplier",
    "lead_time_multiplier",
    "lead_time_added_days",
    "delay_open_orders",
    "unmet_demand",
)
"""The parameters that a viewer may try for himself; none of them asks for a new forecast by itself."""

GONE = "this link shows nothing: it may have expired, or been withdrawn. Ask whoever sent it for a new one."


class LinkError(NotAllowedError):
    """The link opens nothing, whatever the reason."""


@dataclass(frozen=True)
class Opens:
    """What a new link is to show: where it opens and how, whose lines are in it, which plans side by side, a replay."""

    page: str
    view: Mapping[str, Any]
    as_of: date
    scenario: str = ""
    name: str = ""
    supplier: str | None = None
    location: str | None = None
    hide_costs: bool = True
    trials: bool = False
    params: str = "{}"
    compared: tuple[str, ...] = ()
    replay: bool = False


@dataclass(frozen=True)
class Ground:
    """What a shown plan was made of: a planner's read-only view of the workspace as it was then, data, parameters."""

    then: Visitor
    snapshot_id: str
    params: Params


class _Earlier(Workspace):
    """A workspace as it was decided up to some line of its log."""

    def __init__(self, of: Workspace, last: int) -> None:
        vars(self).update(vars(of))
        self._last = last

    def decisions(self) -> list[Decision]:
        """Return the decisions log up to that line."""
        return [line for line in super().decisions() if line.number <= self._last]


@dataclass(frozen=True)
class NewLink:
    """A link that was just made: its token is told this once."""

    token: str
    record: LinkRecord

    def __repr__(self) -> str:
        """Tell which link it is, never its token."""
        return f"NewLink({self.record.link_id})"


def make_link(visitor: Visitor, snapshot_id: str, payload: bytes, opens: Opens, *, days: int = DAYS) -> NewLink:
    """Keep a frozen result and return the link that shows it.

    Parameters
    ----------
    payload : what is shown (`data.frozen.freeze`), limited already.
    days : until it expires, 1 to 366.

    Raises
    ------
    NotAllowedError : the visitor may not change this workspace.
    InputError : something in it cannot be used, too many links are open, or the disk is full.
    """
    visitor.permit("make links")
    told = _checked(opens, days)
    workspace, now = visitor.workspace, datetime.now(UTC)
    records = workspace.catalog.links(workspace.name)
    workspace.drop_shared([one.token_hash for one in records if not one.is_live(now)])
    if sum(one.is_live(now) for one in records) >= MOST_LINKS:
        msg = f"{MOST_LINKS} links are open: withdraw some that are not needed any more"
        raise InputError(msg)
    source, log = workspace.find(snapshot_id), workspace.decisions()
    made_of = {"snapshot_id": snapshot_id, "decisions": log[-1].number if log else 0, "params": opens.params}
    token = secrets.token_urlsafe(TOKEN_BYTES)
    digest = _digest(token)
    record = LinkRecord(
        link_id=secrets.token_hex(6),
        token_hash=digest,
        made_at=now,
        made_by=person(visitor)[:80],
        expires_at=now + timedelta(days=days),
        result_key=workspace.keep_shared(payload, digest),
        opens={**told, "data_from": source.imported_at.isoformat() if source else None, "made_of": made_of},
    )
    workspace.catalog.add_link(workspace.name, record)
    visitor.log("made a link", link=record.link_id, days=days, hide_costs=opens.hide_costs)
    return NewLink(token, record)


def list_links(visitor: Visitor) -> list[LinkRecord]:
    """Return the links of this workspace, newest first; `LinkRecord.opens` says what each shows."""
    return visitor.workspace.catalog.links(visitor.workspace.name)


def revoke_link(visitor: Visitor, link_id: str) -> None:
    """Withdraw a link: from its viewers' next action on it shows nothing.

    Raises
    ------
    NotAllowedError : the visitor may not change this workspace.
    InputError : there is no such link.
    """
    visitor.permit("withdraw links")
    workspace = visitor.workspace
    record = workspace.catalog.link(workspace.name, link_id=str(link_id)[:80])
    if record is None:
        msg = "there is no such link here: choose one of the list"
        raise InputError(msg)
    workspace.catalog.revoke_link(workspace.name, record.link_id, person(visitor)[:80])
    workspace.drop_shared([record.token_hash])
    visitor.log("withdrew a link", link=record.link_id)


def open_link(mode: Mode, token: str) -> Visitor:
    """Return the viewer whom a token makes of a visitor.

    Parameters
    ----------
    mode : how this server treats its visitors.

    Raises
    ------
    LinkError : the token opens nothing; wrong, expired and withdrawn ones look the same.
    """
    told = token if isinstance(token, str) and TOKEN.fullmatch(token) else ""
    digest = _digest(told)
    try:
        workspace = workspace_with_link(mode, digest)
        record = None if workspace is None else workspace.catalog.link(workspace.name, token_hash=digest)
    except PlanningError as fault:
        raise LinkError(GONE) from fault
    # Compared even where nothing was found, so that both take the same time.
    same = hmac.compare_digest(digest, record.token_hash if record else _digest("nothing"))
    if workspace is None or record is None or not same or not told or not record.is_live(datetime.now(UTC)):
        raise LinkError(GONE)
    viewer = Visitor(mode, None, may_change=False, grant=_grant(workspace, record))
    _note_use(viewer, record)
    viewer.log("opened a link")
    return viewer


def check_link(visitor: Visitor) -> Grant:
    """Return what a viewer is shown, where the link still stands: to be asked at every action.

    Raises
    ------
    LinkError : it expired or was withdrawn, or the visitor is no viewer.
    """
    grant = visitor.grant
    if grant is None:
        raise LinkError(GONE)
    try:
        record = grant.holder.catalog.link(grant.holder.name, link_id=grant.link_id)
    except PlanningError as fault:
        raise LinkError(GONE) from fault
    if record is None or not record.is_live(datetime.now(UTC)):
        raise LinkError(GONE)
    _note_use(visitor, record)
    return grant


def frozen_result(visitor: Visitor) -> bytes:
    """Return the frozen result of a viewer's link.

    Raises
    ------
    LinkError : the link stands no more.
    InputError : what it shows is damaged.
    """
    grant = check_link(visitor)
    return grant.holder.shared(grant.result_key)


def tried(visitor: Visitor, changes: Mapping[str, Any]) -> tuple[Ground, Params]:
    """Return what a viewer's plan was made of, and the parameters that he wants to try.

    What is returned is for the service alone: a viewer is shown nothing of it but a plan that is limited again.

    Raises
    ------
    LinkError : the link stands no more.
    NotAllowedError : nothing, or not this, may be tried on it.
    ParameterError : a value is out of range.
    """
    grant = check_link(visitor)
    other = next((name for name in changes if name not in TRIED), None)
    if not grant.trials or grant.hide_costs or other is not None:
        msg = "this view is read only: that cannot be tried here"
        raise NotAllowedError(msg)
    record = grant.holder.catalog.link(grant.holder.name, link_id=grant.link_id)
    if record is None:
        raise LinkError(GONE)
    made_of = record.opens["made_of"]
    then = Visitor(visitor.mode, _Earlier(grant.holder, made_of["decisions"]), may_change=False)
    params = Params.from_json(made_of["params"])
    return Ground(then, made_of["snapshot_id"], params), params.but(**changes)


def _note_use(viewer: Visitor, record: LinkRecord) -> None:
    now = datetime.now(UTC)
    if viewer.grant is None or (record.used_at is not None and now - record.used_at < USED_EVERY):
        return
    holder = viewer.grant.holder
    holder.catalog.use_link(holder.name, record.link_id, now)
    viewer.touch()


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _grant(workspace: Workspace, record: LinkRecord) -> Grant:
    told = record.opens
    came = told.get("data_from")
    return Grant(
        link_id=record.link_id,
        page=told["page"],
        view=told["view"],
        as_of=date.fromisoformat(told["as_of"]),
        scenario=told["scenario"],
        name=told["name"],
        supplier=told["supplier"],
        location=told["location"],
        hide_costs=told["hide_costs"],
        trials=told["trials"],
        compared=tuple(told.get("compared", ())),
        replay=bool(told.get("replay", False)),
        result_key=record.result_key,
        data_from=datetime.fromisoformat(came) if came else None,
        made_at=record.made_at,
        expires_at=record.expires_at,
        holder=workspace,
    )


def _checked(opens: Opens, days: int) -> dict[str, Any]:
    """Return what a link shows as it is kept.

    Raises
    ------
    InputError : something in it cannot be used.
    """
    if isinstance(days, bool) or not isinstance(days, int) or not 1 <= days <= MOST_DAYS:
        msg = f"a link lasts 1 to {MOST_DAYS} days: give a whole number of them"
        raise InputError(msg)
    if opens.trials and opens.hide_costs:
        msg = "with costs hidden nothing can be tried: what is ordered under other settings would tell of them"
        raise InputError(msg)
    if not PAGE.fullmatch(opens.page):
        msg = "the link opens no page of that name: choose one of the pages"
        raise InputError(msg)
    try:
        view = json.loads(json.dumps(dict(opens.view), allow_nan=False))
    except (TypeError, ValueError) as fault:
        msg = "the filters of this view cannot be kept: clear them and share again"
        raise InputError(msg) from fault
    if len(json.dumps(view)) > LONGEST_VIEW:
        msg = "the filters of this view are too long for a link: choose fewer"
        raise InputError(msg)
    return {
        "page": opens.page,
        "view": view,
        "as_of": opens.as_of.isoformat(),
        "scenario": checked_text(opens.scenario, "the scenario", LONGEST_NAME) or "",
        "name": checked_text(opens.name, "the name", LONGEST_NAME) or "",
        "supplier": opens.supplier,
        "location": opens.location,
        "hide_costs": bool(opens.hide_costs),
        "trials": bool(opens.trials),
        "replay": bool(opens.replay),
        "compared": [checked_text(name, "the name of a plan", LONGEST_NAME, needed=True) for name in opens.compared],
    }
