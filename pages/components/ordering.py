"""What people decide about orders and plans, asked of `data.service`; a refusal is told, never raised."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import pandas as pd
import streamlit as st

from data import service
from pages.components import decided
from pages.components.formats import literal
from planning.result import PlanResult

NOTHING = pd.DataFrame(columns=["item_id", "location_id"])


def _known(name: str) -> Callable[..., Any] | None:
    return getattr(service, name, None)


def _told(name: str, columns: tuple[str, ...], **asked: Any) -> pd.DataFrame:
    """A table that the service tells; an empty one where it cannot."""
    tell = _known(name)
    frame = None if tell is None else tell(*decided.here(), **asked)
    return pd.DataFrame(columns=list(columns)) if frame is None else frame


def _do(name: str, **asked: Any) -> bool:
    act = _known(name)
    return act is not None and decided.attempt(lambda who, snapshot: act(who, snapshot, **asked))


# --- pins ------------------------------------------------------------------------------------------------------------


def pins() -> pd.DataFrame:
    """The pins in force, in the columns of the contract."""
    return _told("pins", ("pin_id", "item_id", "location_id", "kind", "value", "order_on", "reason"))


def pin_order(item_id: str, location_id: str, order_on: date, quantity: float, reason: str) -> bool:
    """Set what is ordered on a morning; tell whether it was kept."""
    return _do(
        "pin",
        item_id=item_id,
        location_id=location_id,
        kind="order_quantity",
        value=quantity,
        order_on=order_on,
        reason=reason,
        frames=decided.frames(),
    )


def reset_pins(pin_ids: list[str]) -> bool:
    """Take pins back; tell whether it was done."""
    return _do("reset_pins", pin_ids=pin_ids)


# --- the work list ---------------------------------------------------------------------------------------------------


def snoozed(on: date) -> pd.DataFrame:
    """The lines that sleep on that morning: item_id, location_id, until, reason."""
    rows = _told("snoozed", ("item_id", "location_id", "until", "reason"))
    return rows[pd.to_datetime(rows["until"]) > pd.Timestamp(on)] if len(rows) else rows


def snooze(keys: pd.DataFrame, until: date, reason: str) -> bool:
    """Let lines sleep; tell whether it was kept."""
    return _do("snooze", keys=keys, until=until, reason=reason)


def notes() -> pd.DataFrame:
    """The last note on each line: item_id, location_id, text, by, at."""
    return _told("notes", ("item_id", "location_id", "text"))


def note(keys: pd.DataFrame, text: str) -> bool:
    """Keep a note on lines; tell whether it was kept."""
    return _do("note", keys=keys, text=text)


# --- orders ----------------------------------------------------------------------------------------------------------


def approve(orders: pd.DataFrame) -> bool:
    """Approve order lines, as `plan.orders` holds them; tell whether it was done."""
    return _do("approve", orders=orders)


def unapprove(order_numbers: list[str]) -> bool:
    """Take approvals back; tell whether it was done."""
    return _do("unapprove", order_numbers=order_numbers)


def approved() -> pd.DataFrame:
    """The approved orders that nothing imported matches yet."""
    return _told("approved_orders", ("order_number", "item_id", "location_id", "supplier_id", "quantity", "due_on"))


def undo_button(key: str) -> None:
    """The way back from what was decided last, with what that was."""
    last = decided.last(decided.log())
    st.button(
        "Undo",
        key=f"{key}_undo",
        icon=":material/undo:",
        disabled=not last,
        help=literal(last) or "Nothing was decided here yet.",
        on_click=decided.undo,
    )


def order_files(rows: pd.DataFrame, plan: PlanResult, *, excel: bool) -> bytes:
    """The orders as files: a ZIP of CSV files by supplier and location, or an Excel workbook."""
    return b""


def matches() -> pd.DataFrame:
    """Approved lines and the imported open orders that seem to be the same."""
    return _told("matches", ("order_number", "item_id", "location_id", "quantity", "order_id", "due_on"))


def unmatched() -> pd.DataFrame:
    """Approved lines of more than 7 days ago that nothing imported matches."""
    return _told("unmatched", ("order_number", "item_id", "location_id"))


def confirm_match(row: Mapping[str, Any], *, same: bool) -> bool:
    """Say whether an imported order is the approved one."""
    return _do("confirm_match", row=row, same=same)


# --- plans -----------------------------------------------------------------------------------------------------------


def plans() -> pd.DataFrame:
    """The plans that are kept, the newest first."""
    return _told("plans", ("plan_id", "state", "name"))


def changes(plan: PlanResult) -> pd.DataFrame | None:
    """What changed since the last plan, line by line with its cause; None where there is no earlier one."""
    tell = _known("changes")
    return None if tell is None else tell(*decided.here())


def create_plan(name: str, kind: str, scope: Mapping[str, list[str]], coverage: int | None, plan: PlanResult) -> bool:
    """Keep a draft; tell whether it was kept."""
    return _do("create_plan", name=name, kind=kind, scope=scope)


def adopt_plan(plan_id: str) -> bool:
    """Make a draft the plan of record."""
    return _do("adopt_plan", plan_id=plan_id)
