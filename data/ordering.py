"""What a person does about orders: pin, approve, match, snooze, note; plans, and orders out.

Each action asks for permission, checks what it was given, adds one line to the decisions log, and says so in the
server's log. `data.approvals` lists them all; pages call them through `data.service`.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

import pandas as pd

from data import approvals as orders
from data import decisions, pins
from data.acting import decide, imported_of, is_of_sample, tables_of
from data.catalog import Decision
from data.deciding import LONGEST_REASON, checked_text
from data.pins import Said
from data.scenarios import scenario_names
from data.upload import shown
from data.visitor import Visitor
from planning.errors import InputError

Frames = Mapping[str, pd.DataFrame]


def planned(visitor: Visitor, snapshot_id: str, tables: Frames) -> dict[str, pd.DataFrame | None]:
    """Return the tables that decisions about orders give a plan: `pins` and `approved_orders`."""
    log, sample = visitor.workspace.decisions(), is_of_sample(visitor, snapshot_id)
    state = orders.read_approved(log, sample=sample)
    return {
        "pins": pins.read_said(log, sample=sample).left(tables.get("pins")),
        "approved_orders": state.only(transfers=False).orders(tables, imported_of(visitor, snapshot_id)),
    }


def _said(visitor: Visitor, snapshot_id: str) -> Said:
    return pins.read_said(visitor.workspace.decisions(), sample=is_of_sample(visitor, snapshot_id))


def _approved(visitor: Visitor, snapshot_id: str) -> orders.Approved:
    return orders.read_approved(visitor.workspace.decisions(), sample=is_of_sample(visitor, snapshot_id))


# --- pins -------------------------------------------------------------------------------------------------------------


def pin(
    visitor: Visitor,
    snapshot_id: str,
    *,
    item_id: str,
    location_id: str,
    kind: str,
    value: float,
    order_on: date | None = None,
    reason: str = "",
    frames: Frames | None = None,
) -> str:
    """Set a value of one line by hand and return the pin's id; an earlier pin of the same gives way.

    Parameters
    ----------
    kind, value : "safety_stock" (units), "service_target" (between 0 and 1) or "order_quantity" (units, of one order).
    order_on : the morning of that order; None: today. Give the plan's morning.

    Raises
    ------
    NotAllowedError : the visitor may not change this workspace.
    InputError : something in it cannot be used; the message says what to do.
    """
    row = {"item_id": item_id, "location_id": location_id, "kind": kind, "value": value}
    row |= {"order_on": order_on, "reason": reason}
    return pin_many(visitor, snapshot_id, pd.DataFrame([row], dtype=object), frames=frames)[0]


def pin_many(
    visitor: Visitor, snapshot_id: str, rows: pd.DataFrame, *, today: date | None = None, frames: Frames | None = None
) -> list[str]:
    """Set values of several lines by hand, all or none, as one step, and return the pins' ids.

    Parameters
    ----------
    rows : item_id, location_id, kind, value; order_on and reason where told.
    today : the morning of orders that tell none; None: the calendar's.

    Raises
    ------
    NotAllowedError : the visitor may not change this workspace.
    InputError : a row cannot be used; the message names it.
    """
    visitor.permit("pin values")
    morning = today or datetime.now().astimezone().date()
    made = pins.checked_pins(rows, tables_of(visitor, snapshot_id, frames), morning)
    decide(visitor, snapshot_id, decisions.PIN, {"rows": made})
    visitor.log("pinned", count=len(made))
    return [row["pin_id"] for row in made]


def reset_pin(
    visitor: Visitor,
    snapshot_id: str,
    pin_ids: Sequence[str] | None = None,
    *,
    item_id: str | None = None,
    location_id: str | None = None,
    kind: str | None = None,
    order_on: date | None = None,
    frames: Frames | None = None,
) -> int:
    """Take pins back and return how many.

    Parameters
    ----------
    pin_ids : which; None: all of what the other arguments name, and None of them means any.

    Raises
    ------
    NotAllowedError : the visitor may not change this workspace.
    InputError : one of them is not in force.
    """
    visitor.permit("take pins back")
    said = _said(visitor, snapshot_id)
    standing = said.pins(tables_of(visitor, snapshot_id, frames).get("pins"))
    if pin_ids is None:
        wanted = {"item_id": item_id, "location_id": location_id, "kind": kind}
        found = pd.DataFrame() if standing is None else standing
        for name, value in wanted.items():
            found = found if value is None or found.empty else found[found[name] == value]
        if order_on is not None and not found.empty:
            found = found[found["order_on"] == pd.Timestamp(order_on)]
        if found.empty:
            return 0
    else:
        found = pins.pins_of_ids(standing, pin_ids)
    rows = found.to_dict("records")
    told = [f"{row['item_id']}, {row['location_id']}: {row['kind'].replace('_', ' ')}" for row in rows]
    ids = [said.reference({str(name): cell for name, cell in row.items()}) for row in rows]
    decide(visitor, snapshot_id, decisions.PIN_RESET, {"ids": ids, "about": told})
    visitor.log("took pins back", count=len(rows))
    return len(rows)


def pins_in_force(visitor: Visitor, snapshot_id: str, *, frames: Frames | None = None) -> pd.DataFrame:
    """Return the pins in force, in the columns of the contract's `pins`."""
    found = _said(visitor, snapshot_id).pins(tables_of(visitor, snapshot_id, frames).get("pins"))
    return decisions.as_frame(pins.PINS, []) if found is None else found


def pins_left(visitor: Visitor, snapshot_id: str, *, frames: Frames | None = None) -> pd.DataFrame:
    """Return the pins as a plan takes them: of a pinned order only what was not approved since."""
    found = _said(visitor, snapshot_id).left(tables_of(visitor, snapshot_id, frames).get("pins"))
    return decisions.as_frame(pins.PINS, []) if found is None else found


# --- approvals --------------------------------------------------------------------------------------------------------


def approve(
    visitor: Visitor, snapshot_id: str, lines: pd.DataFrame, *, again: bool = False, frames: Frames | None = None
) -> pd.DataFrame:
    """Approve order lines: they get numbers and stand as open orders until the data tell of them.

    Parameters
    ----------
    lines : supplier_id, location_id, item_id, quantity, order_on, arrives_on, unit_cost, as `PlanResult.orders`.
    again : order an item once more on a morning on which it was approved already.

    Returns
    -------
    DataFrame: the lines as approved, with their order_number.

    Raises
    ------
    NotAllowedError : the visitor may not change this workspace.
    InputError : a line cannot be ordered, or is approved already; nothing was approved then.
    """
    visitor.permit("approve orders")
    tables = tables_of(visitor, snapshot_id, frames)
    rows = orders.checked_orders(lines, tables, pins.known_names(tables))
    sample, taken = is_of_sample(visitor, snapshot_id), orders.order_ids(tables)

    def body(log: Sequence[Decision]) -> dict[str, object]:
        made = orders.numbered(rows, log, taken, sample=sample, again=again)
        return {"lines": made, "snapshot_id": snapshot_id}

    line = decide(visitor, snapshot_id, decisions.APPROVE, body)
    made = pd.DataFrame(line.body["lines"])
    visitor.log("approved", orders=made["order_number"].nunique(), lines=len(made))
    return made


def unapprove(visitor: Visitor, snapshot_id: str, lines: pd.DataFrame) -> int:
    """Take approvals back until the order is taken out, and return how many lines.

    Parameters
    ----------
    lines : order_number; item_id and location_id too, else all lines of the order are meant.

    Raises
    ------
    NotAllowedError : the visitor may not change this workspace.
    InputError : a line does not stand, or its order was taken out.
    """
    visitor.permit("take approvals back")
    sample = is_of_sample(visitor, snapshot_id)

    def body(log: Sequence[Decision]) -> dict[str, object]:
        state = orders.read_approved(log, sample=sample)
        keys = orders.chosen(lines, state)
        orders.refuse_taken(keys, state)
        return {"keys": keys}

    line = decide(visitor, snapshot_id, decisions.UNAPPROVE, body)
    visitor.log("took approvals back", lines=len(line.body["keys"]))
    return len(line.body["keys"])


def close_approved(visitor: Visitor, snapshot_id: str, lines: pd.DataFrame, *, reason: str) -> int:
    """Let approved lines count no more, as they were cancelled or came without a trace, and return how many.

    Raises
    ------
    NotAllowedError : the visitor may not change this workspace.
    InputError : a line does not stand, or the reason is missing or longer than 500 characters.
    """
    visitor.permit("close orders")
    keys = orders.chosen(lines, _approved(visitor, snapshot_id))
    told = checked_text(reason, "the reason", LONGEST_REASON, needed=True)
    decide(visitor, snapshot_id, decisions.CLOSE, {"keys": keys, "reason": told})
    visitor.log("closed orders", lines=len(keys))
    return len(keys)


def approvals(visitor: Visitor, snapshot_id: str, as_of: date | None = None) -> pd.DataFrame:
    """Return every approved line with what became of it, newest first: see `data.approvals.approvals_table`."""
    state = _approved(visitor, snapshot_id).only(transfers=False)
    return orders.approvals_table(state, as_of, imported_of(visitor, snapshot_id))


def match_candidates(
    visitor: Visitor, snapshot_id: str, *, transfers: bool = False, frames: Frames | None = None
) -> pd.DataFrame:
    """Return rows of the data that may be approved lines under another number: see `data.approvals.candidates`.

    Parameters
    ----------
    transfers : of transfers instead of purchases.
    """
    state = _approved(visitor, snapshot_id).only(transfers=transfers)
    tables, imported = tables_of(visitor, snapshot_id, frames), imported_of(visitor, snapshot_id)
    waiting = {key: line for key, line in state.lines.items() if not state.is_done(key, imported)}
    parts = []
    for source in dict.fromkeys(str(line["snapshot_id"]) for line in waiting.values()):
        mine = {key: line for key, line in waiting.items() if line["snapshot_id"] == source}
        part = orders.Approved(mine, state.taken, state.found, state.closed)
        parts.append(orders.candidates(part, tables, imported, _earlier(visitor, source)))
    found = [part for part in parts if len(part)]
    return pd.concat(found, ignore_index=True) if found else orders.candidates(orders.Approved(), tables, imported, {})


def _earlier(visitor: Visitor, snapshot_id: str) -> Frames:
    """Return the tables of an earlier import, none where they are gone."""
    try:
        return visitor.workspace.load(snapshot_id)
    except InputError:
        return {}


def confirm_match(
    visitor: Visitor,
    snapshot_id: str,
    order_number: str,
    item_id: str,
    location_id: str,
    candidate_id: str,
    *,
    frames: Frames | None = None,
) -> None:
    """Say that an approved line is this row of the data: from now on only that one counts.

    Raises
    ------
    NotAllowedError : the visitor may not change this workspace.
    InputError : the row is no candidate of this line any more.
    """
    visitor.permit("match orders")
    key = (order_number, item_id, location_id)
    moved = bool(_approved(visitor, snapshot_id).lines.get(key, {}).get("source_id"))
    found = match_candidates(visitor, snapshot_id, transfers=moved, frames=frames)
    mine = found[(found[list(orders.KEY)] == list(key)).all(axis=1) & (found["candidate_id"] == candidate_id)]
    if mine.empty:
        msg = f"{shown(order_number)} has no such match: look at the candidates anew"
        raise InputError(msg)
    row = mine.rename(columns={"quantity": "asked", "found_quantity": "quantity", "found_on": "on"}).iloc[0].to_dict()
    match = orders.match_of(key, row, "")
    decide(visitor, snapshot_id, decisions.MATCH, {"matches": [match], "automatic": False})
    visitor.log("matched an order")


def note_found(visitor: Visitor, snapshot_id: str, tables: Frames) -> int:
    """Note which approved lines new data tell of by number, so that they count no more once these are gone, too."""
    imported = imported_of(visitor, snapshot_id)
    matches = orders.found_by_number(_approved(visitor, snapshot_id), tables, imported)
    if matches:
        decide(visitor, snapshot_id, decisions.MATCH, {"matches": matches, "automatic": True})
        visitor.log("found orders in the data", lines=len(matches))
    return len(matches)


def refuse_undo(step: Sequence[Decision], log: Sequence[Decision], *, sample: bool) -> None:
    """Refuse to undo the approval of an order that was taken out.

    Raises
    ------
    InputError : it was; the message names it.
    """
    state = orders.read_approved(log, sample=sample)
    for line in step:
        if line.kind == decisions.APPROVE:
            orders.refuse_taken([(row["order_number"], "", "") for row in line.body["lines"]], state)


# --- snoozes and notes ------------------------------------------------------------------------------------------------


def snooze(
    visitor: Visitor,
    snapshot_id: str,
    lines: pd.DataFrame,
    until: date,
    *,
    reason: str = "",
    frames: Frames | None = None,
) -> int:
    """Put lines out of the work list until a day, unless they turn red before, and return how many.

    Parameters
    ----------
    lines : item_id, location_id; risk where it is known: a line that is red already stays away.

    Raises
    ------
    NotAllowedError : the visitor may not change this workspace.
    InputError : a line is not known, or the day is none.
    """
    visitor.permit("snooze lines")
    chosen = pins.checked_lines(lines, tables_of(visitor, snapshot_id, frames))
    day = pins.checked_day(until, "the day")
    if day is None:
        msg = "the day until which to snooze is missing: give one"
        raise InputError(msg)
    told = checked_text(reason, "the reason", LONGEST_REASON) or ""
    decide(visitor, snapshot_id, decisions.SNOOZE, {"lines": chosen, "until": day, "reason": told})
    visitor.log("snoozed", lines=len(chosen))
    return len(chosen)


def wake(visitor: Visitor, snapshot_id: str, lines: pd.DataFrame, *, frames: Frames | None = None) -> int:
    """Bring snoozed lines back and return how many were meant.

    Raises
    ------
    NotAllowedError : the visitor may not change this workspace.
    InputError : a line is not known.
    """
    visitor.permit("snooze lines")
    chosen = pins.checked_lines(lines, tables_of(visitor, snapshot_id, frames))
    decide(visitor, snapshot_id, decisions.WAKE, {"lines": [line[:2] for line in chosen]})
    visitor.log("ended a snooze", lines=len(chosen))
    return len(chosen)


def snoozed(visitor: Visitor, snapshot_id: str, as_of: date) -> pd.DataFrame:
    """Return the lines that are away on this morning: item_id, location_id, until, red, reason, made_by, made_at."""
    return pins.snoozed_table(_said(visitor, snapshot_id), as_of)


def work_list(visitor: Visitor, snapshot_id: str, as_of: date, replenishment: pd.DataFrame) -> pd.DataFrame:
    """Return the lines of a plan (item_id, location_id, risk, ...) that are not snoozed; those that turned red are."""
    return pins.without_snoozed(replenishment, snoozed(visitor, snapshot_id, as_of))


def note(
    visitor: Visitor,
    snapshot_id: str,
    text: str,
    *,
    item_id: str | None = None,
    location_id: str | None = None,
    order_number: str | None = None,
    scenario_id: str | None = None,
    frames: Frames | None = None,
) -> str:
    """Keep a note on an item, a location, an order or a scenario, and return its id.

    Raises
    ------
    NotAllowedError : the visitor may not change this workspace.
    InputError : it is empty, too long, or about nothing that is known.
    """
    visitor.permit("write notes")
    names = {"item_id": item_id, "location_id": location_id, "order_number": order_number, "scenario_id": scenario_id}
    log, sample = visitor.workspace.decisions(), is_of_sample(visitor, snapshot_id)
    known = {key[0] for key in orders.read_approved(log, sample=sample).lines}
    scenarios = scenario_names(log, sample=sample)
    body = pins.checked_note(text, tables_of(visitor, snapshot_id, frames), names, known, scenarios)
    decide(visitor, snapshot_id, decisions.NOTE, body)
    visitor.log("noted")
    return str(body["note_id"])


def remove_note(visitor: Visitor, snapshot_id: str, note_id: str) -> None:
    """Remove a note.

    Raises
    ------
    NotAllowedError : the visitor may not change this workspace.
    InputError : there is no such note.
    """
    visitor.permit("remove notes")
    found = _said(visitor, snapshot_id).notes.get(note_id)
    if found is None:
        msg = "there is no such note: it may have been removed already"
        raise InputError(msg)
    about = {name: found[name] for name in ("note_id", "item_id", "location_id", "order_number", "scenario_id")}
    decide(visitor, snapshot_id, decisions.NOTE_REMOVED, about)
    visitor.log("removed a note")


def notes(visitor: Visitor, snapshot_id: str) -> pd.DataFrame:
    """Return the notes, newest first.

    Returns
    -------
    DataFrame: note_id, text, item_id, location_id, order_number, scenario_id, made_by, made_at.
    """
    return pins.notes_table(_said(visitor, snapshot_id))


# --- who did what -----------------------------------------------------------------------------------------------------


def activity(visitor: Visitor) -> pd.DataFrame:
    """Return who did what in this workspace, newest first: at, by, what, about, reason, undone.

    Decisions on one's own data and on the sample company, imports, plans and share links, each with its moment (UTC).
    """
    log = visitor.workspace.decisions()
    tables = [decisions.log_table(log, sample=sample) for sample in (False, True)]
    rows = [{**row, "at": row["decided_at"]} for table in tables for row in table.to_dict("records")]
    for record in visitor.workspace.history():
        names = ", ".join(record.files[:5])
        what = "Sample company opened" if record.sample else "Data imported"
        rows.append({"at": record.imported_at, "by": record.imported_by, "what": what, "about": names})
    for plan in visitor.workspace.plans():
        rows.append({"at": plan.made_at, "by": plan.made_by, "what": "Plan made", "about": plan.name})
        if plan.adopted_at is not None:
            rows.append({"at": plan.adopted_at, "by": plan.adopted_by, "what": "Plan adopted", "about": plan.name})
    for link in visitor.workspace.catalog.links(visitor.workspace.name):
        told = link.opens.get("name") or link.opens.get("scenario") or link.opens.get("page") or ""
        rows.append({"at": link.made_at, "by": link.made_by, "what": "Link made", "about": told})
        if link.revoked_at is not None:
            rows.append({"at": link.revoked_at, "by": link.revoked_by, "what": "Link withdrawn", "about": told})
    rows.sort(key=lambda row: row["at"], reverse=True)
    table = [{"reason": "", "undone": False, **{str(name): cell for name, cell in row.items()}} for row in rows]
    return pd.DataFrame(table, columns=["at", "by", "what", "about", "reason", "undone"])
