"""What a person does about transfers: set a quantity by hand, approve, take out; all else is as for orders.

* pin_transfer(v, s, *, item_id, source_id, destination_id, quantity, morning, reason="", frames=None)
* pin_transfers(v, s, rows, *, morning, frames=None): one step of undo
* unpin_transfer(v, s, lines=None, *, morning, frames=None) -> count; None: all of that morning
* transfer_pins(v, s, *, frames=None) -> DataFrame of the contract's table
* approve_transfers(v, s, lines, *, morning=None, again=False, frames=None) -> DataFrame with transfer_number
* transfer_approvals(v, s, as_of=None, *, frames=None) -> DataFrame: see `data.transfers.Ways.told`
* transfers_out(v, s, as_of, *, name="", excel=False, frames=None) -> OrdersOut: marks them as taken out
* unapprove, close_approved, match_candidates(transfers=True), confirm_match and undo as for orders.
"""

from collections.abc import Mapping, Sequence
from datetime import date

import pandas as pd

from data import approvals as orders
from data import decisions, pins, transfers
from data.acting import decide, imported_of, is_of_sample, tables_of
from data.catalog import Decision
from data.orders_out import OrdersOut, transfer_sheet, transfers_file
from data.visitor import Visitor
from planning.errors import InputError

Frames = Mapping[str, pd.DataFrame]


def planned(visitor: Visitor, snapshot_id: str, tables: Frames) -> dict[str, pd.DataFrame | None]:
    """Return the tables that decisions about transfers give a plan: `transfer_pins` and `approved_transfers`."""
    log, sample = visitor.workspace.decisions(), is_of_sample(visitor, snapshot_id)
    return {
        "transfer_pins": transfers.read_sent(log, sample=sample).pins(tables.get("transfer_pins"), left=True),
        "approved_transfers": _ways(visitor, snapshot_id, tables).table(tables),
    }


def _ways(visitor: Visitor, snapshot_id: str, tables: Frames) -> transfers.Ways:
    log, sample = visitor.workspace.decisions(), is_of_sample(visitor, snapshot_id)
    state = orders.read_approved(log, sample=sample).only(transfers=True)
    return transfers.ways(state, tables, imported_of(visitor, snapshot_id))


def pin_transfer(
    visitor: Visitor,
    snapshot_id: str,
    *,
    item_id: str,
    source_id: str,
    destination_id: str,
    quantity: float,
    morning: date | None = None,
    reason: str = "",
    frames: Frames | None = None,
) -> None:
    """Set by hand what one location sends another; an earlier word on it gives way.

    Parameters
    ----------
    quantity : units; 0: nothing.
    morning : of the plan that it is for; None: any.

    Raises
    ------
    NotAllowedError : the visitor may not change this workspace.
    InputError : something in it cannot be used; the message says what to do.
    """
    row = {"item_id": item_id, "source_id": source_id, "destination_id": destination_id, "quantity": quantity}
    rows = pd.DataFrame([{**row, "reason": reason}], dtype=object)
    pin_transfers(visitor, snapshot_id, rows, morning=morning, frames=frames)


def pin_transfers(
    visitor: Visitor, snapshot_id: str, rows: pd.DataFrame, *, morning: date | None, frames: Frames | None = None
) -> int:
    """Set several transfers by hand, all or none, as one step, and return how many.

    Parameters
    ----------
    rows : item_id, source_id, destination_id, quantity; reason where told.

    Raises
    ------
    NotAllowedError : the visitor may not change this workspace.
    InputError : a row cannot be used; the message names it.
    """
    visitor.permit("set transfers")
    tables = tables_of(visitor, snapshot_id, frames)
    made = transfers.checked_pins(rows, tables, pins.known_names(tables), morning)
    decide(visitor, snapshot_id, decisions.TRANSFER_PIN, {"rows": made})
    visitor.log("set transfers", count=len(made))
    return len(made)


def unpin_transfer(
    visitor: Visitor,
    snapshot_id: str,
    lines: pd.DataFrame | None = None,
    *,
    morning: date | None = None,
    frames: Frames | None = None,
) -> int:
    """Let the plan decide again on transfers set by hand, and return how many.

    Parameters
    ----------
    lines : item_id, source_id, destination_id; None: all of them.
    morning : of the plan; None: of any.

    Raises
    ------
    NotAllowedError : the visitor may not change this workspace.
    """
    visitor.permit("let transfers go")
    standing = transfer_pins(visitor, snapshot_id, frames=frames)
    if morning is not None:
        standing = standing[standing["planned_on"].isna() | (standing["planned_on"] == pd.Timestamp(morning))]
    if lines is not None:
        meant = pd.MultiIndex.from_frame(lines[list(transfers.LANE)])
        standing = standing[pd.MultiIndex.from_frame(standing[list(transfers.LANE)]).isin(meant)]
    keys = [transfers.pin_key({str(n): c for n, c in row.items()}) for row in standing.to_dict("records")]
    if keys:
        decide(visitor, snapshot_id, decisions.TRANSFER_PIN_RESET, {"keys": [list(key) for key in keys]})
        visitor.log("let transfers go", count=len(keys))
    return len(keys)


def transfer_pins(visitor: Visitor, snapshot_id: str, *, frames: Frames | None = None) -> pd.DataFrame:
    """Return the transfers set by hand, as they were set, in the columns of the contract's `transfer_pins`."""
    log, sample = visitor.workspace.decisions(), is_of_sample(visitor, snapshot_id)
    given = tables_of(visitor, snapshot_id, frames).get("transfer_pins")
    found = transfers.read_sent(log, sample=sample).pins(given)
    return decisions.as_frame(transfers.PINS, []) if found is None else found


def transfer_pins_left(visitor: Visitor, snapshot_id: str, *, frames: Frames | None = None) -> pd.DataFrame:
    """Return the transfers set by hand as a plan takes them: only what was not approved since."""
    log, sample = visitor.workspace.decisions(), is_of_sample(visitor, snapshot_id)
    given = tables_of(visitor, snapshot_id, frames).get("transfer_pins")
    found = transfers.read_sent(log, sample=sample).pins(given, left=True)
    return decisions.as_frame(transfers.PINS, []) if found is None else found


def approve_transfers(
    visitor: Visitor,
    snapshot_id: str,
    lines: pd.DataFrame,
    *,
    morning: date | None = None,
    again: bool = False,
    frames: Frames | None = None,
) -> pd.DataFrame:
    """Approve transfers: they get numbers, are promised at their source and on their way to their destination.

    Parameters
    ----------
    lines : item_id, source_id, destination_id, quantity, ship_on, arrives_on, as `PlanResult.allocation`.
    morning : of the plan; None: the day of shipping.
    again : send an item once more on a lane on which it was approved for this morning already.

    Returns
    -------
    DataFrame: the lines as approved, with their transfer_number.

    Raises
    ------
    NotAllowedError : the visitor may not change this workspace.
    InputError : a line cannot be sent, or is approved already; nothing was approved then.
    """
    visitor.permit("approve transfers")
    tables = tables_of(visitor, snapshot_id, frames)
    rows = transfers.checked_transfers(lines, tables, pins.known_names(tables), morning)
    sample, taken = is_of_sample(visitor, snapshot_id), orders.order_ids(tables)

    def body(log: Sequence[Decision]) -> dict[str, object]:
        return {
            "lines": orders.numbered(rows, log, taken, sample=sample, again=again),
            "snapshot_id": snapshot_id,
        }

    line = decide(visitor, snapshot_id, decisions.APPROVE, body)
    made = pd.DataFrame(line.body["lines"]).rename(
        columns={"order_number": "transfer_number", "location_id": "destination_id", "due_on": "arrives_on"}
    )
    visitor.log("approved transfers", transfers=made["transfer_number"].nunique(), lines=len(made))
    return made[["transfer_number", *transfers.LANE, "quantity", "ship_on", "arrives_on"]]


def transfer_approvals(
    visitor: Visitor, snapshot_id: str, as_of: date | None = None, *, frames: Frames | None = None
) -> pd.DataFrame:
    """Return every approved transfer with what became of it, newest first: see `data.transfers.Ways.told`."""
    return _ways(visitor, snapshot_id, tables_of(visitor, snapshot_id, frames)).told(as_of)


def transfers_out(
    visitor: Visitor,
    snapshot_id: str,
    as_of: date,
    *,
    name: str = "",
    excel: bool = False,
    frames: Frames | None = None,
) -> OrdersOut:
    """Return the transfers approved for a morning as a file by source and destination; they count as taken out.

    Raises
    ------
    NotAllowedError : the visitor may not change this workspace.
    InputError : none is approved.
    """
    visitor.permit("take transfers out")
    tables = tables_of(visitor, snapshot_id, frames)
    lines = transfer_approvals(visitor, snapshot_id, as_of, frames=tables)
    lines = lines[(lines["approved_on"] == pd.Timestamp(as_of)) & (lines["status"] != transfers.STATUS[-1])]
    if lines.empty:
        msg = f"no transfer of {as_of} is approved: approve transfers first"
        raise InputError(msg)
    made = transfers_file(name or "transfers", as_of, transfer_sheet(lines, tables), excel=excel)
    new = sorted(lines.loc[lines["taken_at"].isna(), "transfer_number"].unique())
    if new:
        decide(visitor, snapshot_id, decisions.EXPORT, {"orders": new, "plan_id": ""})
    visitor.log("took transfers out", transfers=made.orders, lines=made.lines)
    return made
