"""Service targets and safety stock that a planner sets for single lines, asked of `data.service`."""

import pandas as pd

from data import service
from pages.components import decided, session
from pages.components.lines import KEYS, pairs

TARGET, SAFETY = "service_target", "safety_stock"
KINDS = (TARGET, SAFETY)


def possible() -> bool:
    """Whether single lines can be set here."""
    return session.may_act()


def in_force() -> pd.DataFrame:
    """The pinned targets and safety stocks: pin_id, item_id, location_id, kind, value, reason."""
    tell = getattr(service, "pins", None)
    if tell is None:
        return pd.DataFrame(columns=["pin_id", *KEYS, "kind", "value", "reason"])
    rows = tell(*decided.here(), frames=decided.frames())
    return rows[rows["kind"].isin(KINDS)]


def of_lines(keys: pd.DataFrame) -> pd.DataFrame:
    """The pins in force on some lines, in the columns of `in_force`."""
    rows = in_force()
    return rows[pairs(rows).isin(pairs(keys))] if len(rows) else rows


def pin(rows: pd.DataFrame, reason: str) -> bool:
    """Set values of lines, all or none; tell whether it was kept.

    Parameters
    ----------
    rows : item_id, location_id, kind, value (fraction of a target, units of safety stock).
    """
    told = rows[[*KEYS, "kind", "value"]].assign(reason=reason.strip() or None)
    frames, morning = decided.frames(), session.as_of()
    return decided.attempt(lambda who, snapshot: service.pin_many(who, snapshot, told, today=morning, frames=frames))


def reset(keys: pd.DataFrame, kinds: tuple[str, ...] = KINDS) -> bool:
    """Let the rules decide again on these lines; tell whether anything was taken back."""
    mine = of_lines(keys)
    mine = mine[mine["kind"].isin(kinds)]
    if mine.empty:
        return False
    ids = mine["pin_id"].tolist()
    return decided.attempt(lambda who, snapshot: service.reset_pin(who, snapshot, ids, frames=decided.frames()))
