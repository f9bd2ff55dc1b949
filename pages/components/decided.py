"""What people decide, asked of `data.service`, which checks it; a refusal is told, never raised."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import pandas as pd

from data import service
from pages.components import cached, session
from pages.components.forecast_correction import Correction
from pages.components.formats import day
from planning.errors import PlanningError
from planning.tables import INPUT_TABLES

NO_EVENTS = pd.DataFrame({name: pd.Series(dtype=object) for name in INPUT_TABLES["events"].names})


def correct(draft: Correction) -> bool:
    """Keep a correction; tell whether it was."""
    return attempt(lambda who, snapshot: service.override(who, snapshot, frames=frames(), **asdict(draft)))


def reset(override_id: str) -> None:
    """Take a correction back."""
    attempt(lambda who, snapshot: service.reset_override(who, snapshot, [override_id], frames=frames()))


def lock(override_id: str, reason: str, *, locked: bool) -> bool:
    """Lock a correction or unlock it; tell whether it was done."""
    return attempt(
        lambda who, snapshot: service.lock_override(
            who, snapshot, [override_id], reason=reason, locked=locked, frames=frames()
        )
    )


def undo() -> None:
    """Undo what was decided last."""
    attempt(service.undo)


def edit_events(edited: pd.DataFrame) -> bool:
    """Make the events what an edited table holds; tell whether anything was changed."""
    changed: list[int] = []
    kept = attempt(lambda who, snapshot: changed.append(service.edit_events(who, snapshot, edited, frames=frames())))
    return kept and any(changed)


def corrections() -> pd.DataFrame:
    """The corrections in force with what the plan says that each of them did, as `service.overrides` returns them."""
    who, snapshot = here()
    applied = cached.corrections(who, snapshot, session.as_of(), session.params())
    return service.overrides(who, snapshot, applied=applied, frames=frames())


def events() -> pd.DataFrame:
    """The events as they stand, in the columns of the contract."""
    who, snapshot = here()
    return service.planned_inputs(who, snapshot, frames=frames()).get("events", NO_EVENTS)


def log() -> pd.DataFrame:
    """All that was decided, newest first, as `service.decisions_log` returns it."""
    return service.decisions_log(*here())


def last(told: pd.DataFrame) -> str:
    """What would be undone next, in words; empty where there is nothing."""
    rows = told[~told["undone"] & (told["what"] != "Undone")]
    if rows.empty:
        return ""
    row = rows.iloc[0]
    by = f" by {row['by']}" if row["by"] else ""
    return f"{row['what']}{by}, {day(row['decided_at'])}: {row['about']}"


def decisions_id() -> str:
    """The id of all that was decided; empty for who does not decide here."""
    return "" if not session.may_act() else service.decisions_id(session.visitor())


def here() -> tuple[service.Visitor, str]:
    """Who is here, and the data in use."""
    return session.visitor(), str(session.snapshot_id())


def frames() -> Any:
    """The tables of the data in use."""
    return cached.inputs(*here())


def attempt(act: Callable[[service.Visitor, str], object]) -> bool:
    """Ask for something; tell whether it was done. A refusal is told at the top of the page."""
    try:
        act(*here())
    except PlanningError as fault:
        session.complain(str(fault))
        return False
    return True
