"""Who does something in a workspace, and what it speaks of: what every action needs."""

import getpass
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from data.approvals import at_import
from data.catalog import Decision
from data.visitor import Visitor

Body = Callable[[Sequence[Decision]], Mapping[str, Any]]


def person(visitor: Visitor) -> str:
    """Return who is at work: on one's own machine the name of the account, on a hosted server the name given."""
    if visitor.mode == "hosted":
        return visitor.name
    if visitor.mode != "local":
        return ""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""


def is_of_sample(visitor: Visitor, snapshot_id: str) -> bool:
    """Tell whether a snapshot of this workspace is the sample company's."""
    record = visitor.workspace.find(snapshot_id)
    return record is not None and record.sample


def imported_of(visitor: Visitor, snapshot_id: str) -> str:
    """Return the moment at which a snapshot was imported, as approvals compare it."""
    record = visitor.workspace.find(snapshot_id)
    return at_import(None if record is None else record.imported_at)


def tables_of(
    visitor: Visitor, snapshot_id: str, frames: Mapping[str, pd.DataFrame] | None
) -> Mapping[str, pd.DataFrame]:
    """Return the tables of a snapshot: those at hand, else read."""
    return visitor.workspace.load(snapshot_id) if frames is None else frames


def decide(visitor: Visitor, snapshot_id: str, kind: str, body: Mapping[str, Any] | Body) -> Decision:
    """Add a line to the decisions log with who it was and of which data.

    Parameters
    ----------
    body : what was decided; or what makes it of the log as it stands, so that two people never decide past each other.
    """
    stamp = {"by": person(visitor), "sample": is_of_sample(visitor, snapshot_id)}
    if callable(body):
        made = body
        return visitor.workspace.decide(kind, lambda log: {**made(log), **stamp})
    return visitor.workspace.decide(kind, {**body, **stamp})
