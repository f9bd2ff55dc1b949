"""What people decide about orders and plans, asked of `data.service`; a refusal is told, never raised."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date

import pandas as pd
import streamlit as st

from data import service
from pages.components import decided, session
from pages.components.formats import literal
from pages.components.lines import KEYS, pairs
from planning import pipeline
from planning.result import PlanResult

ORDER_QUANTITY = "order_quantity"


# --- pins ------------------------------------------------------------------------------------------------------------


def pinned_orders(plan: PlanResult, item_id: str, location_id: str) -> pd.DataFrame:
    """The orders of a line that were set by hand, by morning: pin_id, value (units), order_on, reason."""
    if not session.may_act():
        none = {name: pd.Series(dtype=object) for name in ("pin_id", "value", "reason")}
        return pd.DataFrame({**none, "order_on": pd.Series(dtype="datetime64[ns]")})
    rows = service.pins(*decided.here(), frames=decided.frames())
    mine = rows[(rows["item_id"] == item_id) & (rows["location_id"] == location_id) & (rows["kind"] == ORDER_QUANTITY)]
    mornings = pd.to_datetime(mine["order_on"], cache=False).fillna(pd.Timestamp(plan.as_of))
    return mine.assign(order_on=mornings).sort_values("order_on")


def pin_orders(rows: pd.DataFrame, today: date) -> bool:
    """Set what is ordered on some mornings, in one step; tell whether it was kept.

    Parameters
    ----------
    rows : item_id, location_id, value (units), order_on, reason.
    """
    told = rows.assign(kind=ORDER_QUANTITY)
    return decided.attempt(
        lambda who, snapshot: service.pin_many(who, snapshot, told, today=today, frames=decided.frames())
    )


def reset_pins(pin_ids: Sequence[str]) -> bool:
    """Take pins back; tell whether it was done."""
    return decided.attempt(
        lambda who, snapshot: service.reset_pin(who, snapshot, list(pin_ids), frames=decided.frames())
    )


# --- the work list ---------------------------------------------------------------------------------------------------


def snoozed(plan: PlanResult) -> pd.DataFrame:
    """The lines of the plan that sleep: item_id, location_id, until, reason. One that turned red since is awake."""
    if not session.may_act():
        return pd.DataFrame(columns=[*KEYS, "until", "reason"])
    who, snapshot = decided.here()
    asleep = service.snoozed(who, snapshot, plan.as_of)
    if asleep.empty:
        return asleep
    awake = service.work_list(who, snapshot, plan.as_of, plan.lines)
    return asleep[~pairs(asleep).isin(pairs(awake))]


def snooze(lines: pd.DataFrame, until: date, reason: str) -> bool:
    """Let lines (item_id, location_id, risk) sleep; tell whether it was kept."""
    return decided.attempt(
        lambda who, snapshot: service.snooze(who, snapshot, lines, until, reason=reason or "", frames=decided.frames())
    )


def wake(lines: pd.DataFrame) -> bool:
    """Bring lines back; tell whether it was done."""
    return decided.attempt(lambda who, snapshot: service.wake(who, snapshot, lines, frames=decided.frames()))


def notes() -> pd.DataFrame:
    """The last note on each line: item_id, location_id, text."""
    if not session.may_act():
        return pd.DataFrame(columns=[*KEYS, "text"])
    rows = service.notes(*decided.here())
    return rows.dropna(subset=list(KEYS)).drop_duplicates(list(KEYS))


def note(lines: pd.DataFrame, text: str) -> bool:
    """Keep a note on lines; tell whether it was kept."""

    def keep(who: service.Visitor, snapshot: str) -> None:
        for item_id, location_id in lines[list(KEYS)].itertuples(index=False):
            service.note(who, snapshot, text, item_id=item_id, location_id=location_id, frames=decided.frames())

    return decided.attempt(keep)


def order_notes() -> dict[str, str]:
    """The last note on each order, by its number."""
    rows = service.notes(*decided.here()).dropna(subset=["order_number"]).drop_duplicates("order_number")
    return dict(zip(rows["order_number"].astype(str), rows["text"].astype(str), strict=True))


def note_orders(numbers: Sequence[str], text: str) -> bool:
    """Keep a note on approved orders; tell whether it was kept."""

    def keep(who: service.Visitor, snapshot: str) -> None:
        for number in numbers:
            service.note(who, snapshot, text, order_number=number, frames=decided.frames())

    return decided.attempt(keep)


def activity() -> pd.DataFrame:
    """Who did what here, newest first: at, by, what, about, reason, undone."""
    return service.activity(session.visitor())


# --- orders ----------------------------------------------------------------------------------------------------------


def approve(orders: pd.DataFrame) -> bool:
    """Approve order lines, in the columns of `plan.orders`; tell whether it was done."""
    return decided.attempt(lambda who, snapshot: service.approve(who, snapshot, orders, frames=decided.frames()))


def unapprove(lines: pd.DataFrame) -> bool:
    """Take back approved lines (order_number, item_id, location_id); tell whether it was done."""
    return decided.attempt(lambda who, snapshot: service.unapprove(who, snapshot, lines))


def close(lines: pd.DataFrame, reason: str) -> bool:
    """Close approved lines that were cancelled, or came without a trace; tell whether it was done."""
    return decided.attempt(lambda who, snapshot: service.close_approved(who, snapshot, lines, reason=reason))


def approvals(as_of: date) -> pd.DataFrame:
    """Every approved line, newest first, as `data.approvals.approvals_table` says."""
    return service.approvals(*decided.here(), as_of)


def approved_today(plan: PlanResult) -> float:
    """What the orders approved for this morning cost, as far as known: the budget has paid for them already."""
    if not session.may_act():
        return 0.0
    rows = approvals(plan.as_of)
    mine = (rows["ordered_on"] == pd.Timestamp(plan.as_of)) & (rows["status"] != "closed")
    return float(rows.loc[mine, "value"].sum())


def candidates() -> pd.DataFrame:
    """Rows of the data that may be approved lines, as `data.approvals.candidates` says."""
    return service.match_candidates(*decided.here(), frames=decided.frames())


def confirm_match(order_number: str, item_id: str, location_id: str, candidate_id: str) -> bool:
    """Say that a row of the data is the approved line; tell whether it was done."""
    return decided.attempt(
        lambda who, snapshot: service.confirm_match(
            who, snapshot, order_number, item_id, location_id, candidate_id, frames=decided.frames()
        )
    )


def list_key(name: str) -> str:
    """The key of a list of which lines are ticked: another one once its rows have moved.

    Ticks are kept by position: without it the line that moves up would stand ticked, and be acted on next.
    """
    turn = session.kept(f"{name}_turn")
    return f"{name}_{turn}" if turn else name


def untick(name: str) -> None:
    """Let no line of a list be ticked any more."""
    session.keep(f"{name}_turn", int(session.kept(f"{name}_turn") or 0) + 1)


def _undo(ticked: str | None) -> None:
    decided.undo()
    if ticked:
        untick(ticked)


def undo_button(key: str, *, ticked: str | None = None) -> None:
    """The way back from what was decided last, with what that was.

    Parameters
    ----------
    ticked : the list whose ticks end with it.
    """
    if not session.may_act():
        return
    last = decided.last(decided.log())
    st.button(
        "Undo",
        key=f"{key}_undo",
        icon=":material/undo:",
        disabled=not last,
        help=literal(last) or "Nothing was decided here yet.",
        on_click=_undo,
        args=(ticked,),
    )


def orders_out(plan: PlanResult, *, excel: bool) -> Callable[[], bytes]:
    """What makes the file of the orders approved for this morning; once made they count as taken out.

    It runs outside of the page, when the button is pressed, and so asks nothing of the page. Orders belong to a kept
    plan: where this morning has none yet, `plan`, of all lines, is kept.
    """
    who, snapshot = decided.here()

    def make() -> bytes:
        mine = [p for p in service.plans(who) if (p.snapshot_id, p.as_of) == (snapshot, plan.as_of)]
        kept = next((p.plan_id for p in mine if p.kind == "replenishment" and not any(p.scope.values())), None)
        if kept is None:
            kept = service.create_plan(who, snapshot, plan, name=f"Orders of {plan.as_of.isoformat()}")
        return bytes(service.orders_out(who, kept, excel=excel).payload)

    return make


# --- plans -----------------------------------------------------------------------------------------------------------


def plans() -> list[service.PlanRecord]:
    """The plans that are kept, of one's own data or of the sample company, the newest first."""
    return [record for record in service.plans(session.visitor()) if record.sample == session.is_sample()]


def is_current(record: service.PlanRecord) -> bool:
    """Whether a kept plan stands on the data, the decisions and the settings in force."""
    who, snapshot = decided.here()
    key = pipeline.plan_key(snapshot, service.decisions_id(who), session.as_of(), session.params())
    return bool(record.plan_key == key)


def changes(old: str, new: str) -> pd.DataFrame:
    """The lines that differ between two kept plans, each with its cause, as `data.plans` says."""
    return service.changes(session.visitor(), old, new)


def create_plan(result: PlanResult, name: str, kind: str, scope: Mapping[str, Sequence[str]]) -> bool:
    """Keep a draft; tell whether it was kept.

    Parameters
    ----------
    scope : locations, categories, suppliers; none of one means all.
    """
    return decided.attempt(
        lambda who, snapshot: service.create_plan(who, snapshot, result, name=name, kind=kind, **scope)
    )


def check_plan(name: str, kind: str) -> bool:
    """The first of the two steps: tell whether a plan may be called so."""
    return decided.attempt(lambda *_: service.check_plan(name, kind))


def rebuild_plan(plan_id: str, result: PlanResult) -> bool:
    """Keep the same plan again on the data and decisions of now; tell whether it was kept."""
    return decided.attempt(lambda who, snapshot: service.rebuild_plan(who, plan_id, snapshot, result))


def adopt_plan(plan_id: str) -> bool:
    """Make a draft the plan of record; tell whether it was done."""
    return decided.attempt(lambda who, _: service.adopt_plan(who, plan_id))
