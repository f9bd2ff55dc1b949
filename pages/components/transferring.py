"""What people decide about transfers, asked of `data.service`; a refusal is told, never raised."""

from collections.abc import Callable

import pandas as pd

from data import service
from pages.components import decided, session
from pages.components.sharing import of_plan
from planning.result import PlanResult
from planning.tables import INPUT_TABLES

APPROVED = (
    "transfer_number",
    "item_id",
    "source_id",
    "destination_id",
    "quantity",
    "ship_on",
    "arrives_on",
    "status",
)


def by_hand(plan: PlanResult) -> pd.DataFrame:
    """The transfers set by hand for this morning, in the columns of `transfer_pins`; none for a viewer."""
    if not session.may_act():
        return pd.DataFrame(columns=list(INPUT_TABLES["transfer_pins"].names))
    rows = service.transfer_pins(*decided.here(), frames=decided.frames())
    return rows[rows["planned_on"].isna() | (rows["planned_on"] == pd.Timestamp(plan.as_of))]


def fix(rows: pd.DataFrame, plan: PlanResult) -> bool:
    """Set transfers (item_id, source_id, destination_id, quantity, reason) by hand; tell whether it was kept."""
    return decided.attempt(
        lambda who, snapshot: service.pin_transfers(who, snapshot, rows, morning=plan.as_of, frames=decided.frames())
    )


def release(rows: pd.DataFrame | None, plan: PlanResult) -> bool:
    """Let the plan decide again on transfers, or on all; tell whether it was done."""
    return decided.attempt(
        lambda who, snapshot: service.unpin_transfer(who, snapshot, rows, morning=plan.as_of, frames=decided.frames())
    )


def approve(rows: pd.DataFrame, plan: PlanResult) -> bool:
    """Approve transfers, in the columns of `plan.allocation`, each day of shipping apart; tell whether it was done."""

    def one_day(part: pd.DataFrame) -> bool:
        return decided.attempt(
            lambda who, snapshot: service.approve_transfers(
                who, snapshot, part, morning=plan.as_of, again=True, frames=decided.frames()
            )
        )

    return all(one_day(part) for _, part in rows.groupby("ship_on"))


def approved(plan: PlanResult) -> pd.DataFrame:
    """Every approved transfer, newest first, as `data.transfers` says."""
    return service.transfer_approvals(*decided.here(), plan.as_of, frames=decided.frames())


def approved_today(plan: PlanResult) -> pd.DataFrame:
    """The transfers approved this morning that lead to lines of the plan, without those that were closed."""
    if not session.may_act():
        return pd.DataFrame(columns=list(APPROVED))
    return of_plan(plan, approved_of_morning(plan))


def approved_of_morning(plan: PlanResult) -> pd.DataFrame:
    """The transfers approved this morning, wherever they lead, without those that were closed."""
    rows = approved(plan)
    return rows[(rows["approved_on"] == pd.Timestamp(plan.as_of)) & (rows["status"] != "closed")]


def unapprove(rows: pd.DataFrame) -> bool:
    """Take back approved transfers (transfer_number, item_id, destination_id); tell whether it was done."""
    return decided.attempt(lambda who, snapshot: service.unapprove(who, snapshot, rows))


def close(rows: pd.DataFrame, reason: str) -> bool:
    """Close approved transfers that were cancelled, or came without a trace; tell whether it was done."""
    return decided.attempt(lambda who, snapshot: service.close_approved(who, snapshot, rows, reason=reason))


def file(plan: PlanResult, *, excel: bool) -> Callable[[], bytes]:
    """What makes the file of the transfers approved for this morning; once made they count as taken out.

    It runs outside of the page, when the button is pressed, and so asks nothing of the page.
    """
    who, snapshot = decided.here()
    return lambda: bytes(service.transfers_out(who, snapshot, plan.as_of, name="stockcast", excel=excel).payload)
