"""Transfers that people decide: quantities set by hand, and approved ones until the stock shows them.

An approved transfer is an approved order whose supplier is a location: numbers, log, undo and matching are those of
`data.approvals`. What differs is how it ends: the source has sent it once a newer count there says so, and the
destination has it once a newer count, or an order of its number, does.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from data.approvals import MOST_LINES, UNMATCHED_DAYS, Approved, Key, order_ids
from data.catalog import Decision
from data.deciding import LONGEST_REASON, checked_text
from data.decisions import APPROVE, TRANSFER_PIN, TRANSFER_PIN_RESET, UNAPPROVE, as_frame, in_force, plain
from data.pins import Known, checked_day, checked_line, checked_number
from data.upload import shown
from planning.errors import InputError
from planning.tables import INPUT_TABLES

PINS, APPROVED = INPUT_TABLES["transfer_pins"], INPUT_TABLES["approved_transfers"]
LANE = ("item_id", "source_id", "destination_id")
STATUS = ("approved", "taken out", "shipped", "found", "closed")
COUNTED = ("item_id", "on_hand", "allocated", "backorders", "as_of", "lot_id", "expiry_date")
Frames = Mapping[str, pd.DataFrame]
PinKey = tuple[str, str, str, str | None]
"""Item, source, destination and morning."""


# --- set by hand ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sent:
    """What stands of the quantities set by hand.

    made : the last word on each, None where it was taken back; with `number`, the log's line.
    bought : by item, source, destination and morning: what was approved, (the log's line, units) by transfer number.
    """

    made: Mapping[PinKey, Mapping[str, Any] | None]
    bought: Mapping[PinKey, Mapping[str, tuple[int, float]]]

    def pins(self, given: pd.DataFrame | None, *, left: bool = False) -> pd.DataFrame | None:
        """Return the quantities in force; None where there is no such table.

        Parameters
        ----------
        left : only what was not approved since: that is on its way, and the planner's word is for both together.
        """
        brought = [] if given is None else given.reindex(columns=list(PINS.names)).to_dict("records")
        plain_rows: list[Mapping[str, Any]] = [{str(n): plain(cell) for n, cell in row.items()} for row in brought]
        plain_rows.sort(key=lambda row: row["made_at"] or "")
        latest: dict[PinKey, Mapping[str, Any] | None] = {pin_key(row): row for row in plain_rows}
        latest |= self.made
        rows = [row for row in latest.values() if row is not None]
        if left:
            rows = [{**row, "quantity": self._left(row)} for row in rows]
        return None if given is None and not rows else as_frame(PINS, rows)

    def _left(self, row: Mapping[str, Any]) -> float:
        approved = self.bought.get(pin_key(row), {})
        since = sum(units for number, units in approved.values() if number > row.get("number", 0))
        return max(float(row["quantity"]) - since, 0.0)


def pin_key(row: Mapping[str, Any]) -> PinKey:
    """Return what tells quantities set by hand apart."""
    return row["item_id"], row["source_id"], row["destination_id"], plain(row["planned_on"])


def read_sent(log: Sequence[Decision], *, sample: bool) -> Sent:
    """Return what stands of the quantities set by hand on one's own data, or on the sample company's."""
    made: dict[PinKey, Mapping[str, Any] | None] = {}
    bought: dict[PinKey, dict[str, tuple[int, float]]] = {}
    for line in in_force(log, sample=sample):
        body = line.body
        if line.kind == TRANSFER_PIN:
            who = {"made_by": body.get("by") or None, "made_at": line.decided_at.isoformat(), "number": line.number}
            made |= {pin_key(row): {**row, **who} for row in body["rows"]}
        elif line.kind == TRANSFER_PIN_RESET:
            made |= dict.fromkeys((tuple(key) for key in body["keys"]), None)
        elif line.kind == APPROVE:
            for row in body["lines"]:
                if row.get("source_id"):
                    key = (row["item_id"], row["source_id"], row["location_id"], row["ordered_on"])
                    bought.setdefault(key, {})[row["order_number"]] = line.number, row["quantity"]
        elif line.kind == UNAPPROVE:
            for number, item, place in body["keys"]:
                for (other, _, where, _), at in bought.items():
                    if (other, where) == (item, place):
                        at.pop(number, None)
    return Sent(made, bought)


def checked_pins(asked: pd.DataFrame, frames: Frames, known: Known, morning: date | None) -> list[dict[str, Any]]:
    """Return the rows of quantities set by hand.

    Parameters
    ----------
    asked : item_id, source_id, destination_id, quantity; reason where told.
    morning : of the plan that it is for; None: any.

    Raises
    ------
    InputError : a row cannot be used; the message names it, counted from 1 where there are several.
    """
    if not 1 <= len(asked) <= MOST_LINES:
        msg = f"{len(asked):,} transfers to set: give 1 to {MOST_LINES:,} at once"
        raise InputError(msg)
    rows = []
    for number, told in enumerate(asked.to_dict("records"), start=1):
        try:
            rows.append(
                {
                    **_checked_lane(told, frames, known),
                    "quantity": checked_number(told.get("quantity"), "the quantity"),
                    "planned_on": None if morning is None else morning.isoformat(),
                    "reason": checked_text(told.get("reason"), "the reason", LONGEST_REASON),
                }
            )
        except InputError as fault:
            msg = f"transfer {number}: {fault}" if len(asked) > 1 else str(fault)
            raise InputError(msg) from fault
    return rows


def _checked_lane(told: Mapping[Any, Any], frames: Frames, known: Known) -> dict[str, str]:
    """Return the item and the two locations of a transfer that the data know."""
    ends = {}
    for name, what in (("source_id", "location that gives"), ("destination_id", "location that receives")):
        if plain(told.get(name)) in (None, ""):
            msg = f"the {what} is missing: name one"
            raise InputError(msg)
        line = checked_line({"item_id": told.get("item_id"), "location_id": told.get(name)}, frames, known)
        ends[name] = line["location_id"]
    if ends["source_id"] == ends["destination_id"]:
        msg = f"{shown(ends['source_id'])} cannot send to itself: name two locations"
        raise InputError(msg)
    return {"item_id": line["item_id"], **ends}


# --- approved ---------------------------------------------------------------------------------------------------------


def checked_transfers(lines: pd.DataFrame, frames: Frames, known: Known, morning: date | None) -> list[dict[str, Any]]:
    """Return the transfers that a person approves, without numbers, as the log of approved orders holds them.

    Parameters
    ----------
    lines : item_id, source_id, destination_id, quantity, ship_on, arrives_on, as `PlanResult.allocation`.
    morning : of the plan; None: the day of shipping.

    Raises
    ------
    InputError : a line cannot be sent; the message names it, counted from 1.
    """
    if not 1 <= len(lines) <= MOST_LINES:
        msg = f"{len(lines):,} transfers to approve: choose 1 to {MOST_LINES:,} at once"
        raise InputError(msg)
    counts = {
        name: count_of(frames, name)
        for column in ("source_id", "destination_id")
        for name in lines[column].dropna().unique()
    }
    rows: dict[tuple[object, ...], dict[str, Any]] = {}
    for number, told in enumerate(lines.to_dict("records"), start=1):
        try:
            row = _checked_transfer(told, frames, known, morning)
        except InputError as fault:
            msg = f"line {number}: {fault}"
            raise InputError(msg) from fault
        same = (row["item_id"], row["source_id"], row["location_id"])
        if same in rows:
            msg = f"line {number}: {shown(same[0])} from {shown(same[1])} to {shown(same[2])} stands there twice"
            raise InputError(msg)
        rows[same] = {**row, "counts": [counts[row["source_id"]], counts[row["location_id"]]]}
    return list(rows.values())


def _checked_transfer(told: Mapping[Any, Any], frames: Frames, known: Known, morning: date | None) -> dict[str, Any]:
    line = _checked_lane(told, frames, known)
    quantity = checked_number(told.get("quantity"), "the quantity")
    if quantity <= 0:
        msg = f"a quantity of {quantity:g} of {shown(line['item_id'])} is no transfer: give more than 0"
        raise InputError(msg)
    ship, arrives = (
        checked_day(told.get(name), what) for name, what in (("ship_on", "the day"), ("arrives_on", "the day"))
    )
    first = None if morning is None else morning.isoformat()
    if ship is None or arrives is None or arrives < ship or (first or ship) > ship:
        msg = f"{shown(line['item_id'])} lacks the day it is shipped or arrives, or arrives before it leaves"
        raise InputError(msg)
    return {
        "supplier_id": None,
        "source_id": line["source_id"],
        "item_id": line["item_id"],
        "location_id": line["destination_id"],
        "quantity": quantity,
        "ordered_on": first or ship,
        "ship_on": ship,
        "due_on": arrives,
        "unit_cost": None,
    }


def count_of(frames: Frames, location_id: str) -> str:
    """Return what tells the latest count of a location from another: a hash; empty where there is none."""
    rows = _latest(frames, location_id)
    if rows.empty:
        return ""
    told = pd.util.hash_pandas_object(rows.reindex(columns=list(COUNTED)).astype(str), index=False).to_numpy()
    return hashlib.sha256(np.sort(told).tobytes()).hexdigest()[:16]


def _latest(frames: Frames, location_id: str) -> pd.DataFrame:
    stock = frames["stock"] if "stock" in frames else pd.DataFrame(columns=["location_id", "as_of"])
    rows = stock[stock["location_id"] == location_id]
    days = rows["as_of"] if "as_of" in rows else pd.Series(pd.NaT, index=rows.index)
    return rows if days.isna().all() else rows[days == days.max()]


def _counted_since(frames: Frames, location_id: str, then: str, imported_at: str) -> str:
    """Return the day (ISO) of a newer count than `then`, that of the import where it has none; empty: no newer one."""
    rows = _latest(frames, location_id)
    if rows.empty or count_of(frames, location_id) == then:
        return ""
    day = rows["as_of"].max() if "as_of" in rows else pd.NaT
    return imported_at[:10] if pd.isna(day) else str(plain(day))


@dataclass(frozen=True)
class Ways:
    """How far each approved transfer is, on one import: (it has left its source, it is at its destination), by key."""

    state: Approved
    far: dict[Key, tuple[bool, bool]]

    def table(self, tables: Frames) -> pd.DataFrame | None:
        """Return the approved transfers that a plan must know; None where there is no such table.

        Those that both ends show are over; one whose number the data tell of is counted once by the plan.
        """
        given = tables.get("approved_transfers")
        told = order_ids(tables)
        brought = [] if given is None else given.reindex(columns=list(APPROVED.names)).to_dict("records")
        rows = [{str(n): plain(cell) for n, cell in row.items()} for row in brought]
        rows = [r for r in rows if (r["transfer_number"], r["item_id"], r["destination_id"]) not in self.far]
        for key, (left, came) in self.far.items():
            if key in self.state.closed or (left and came):
                continue
            line = self.state.lines[key]
            rows.append(
                {
                    **_named(line),
                    "shipped": float(left),
                    "received": float(came and key[0] not in told),
                }
            )
        return None if given is None and not rows else as_frame(APPROVED, rows)

    def told(self, as_of: date | None) -> pd.DataFrame:
        """Return every approved transfer, newest first.

        Returns
        -------
        DataFrame: transfer_number, item_id, source_id, destination_id, quantity, ship_on, arrives_on, approved_on,
        status (approved, taken out, shipped, found, closed), late (open for more than 7 days on `as_of`), found_as
        (the order in the data), reason (why closed), taken_at, approved_by, approved_at.
        """
        rows = []
        for key, (left, came) in reversed(self.far.items()):
            line, taken = self.state.lines[key], self.state.taken.get(key[0])
            at = 4 if key in self.state.closed else 3 if came else 2 if left else 1 if taken else 0
            match = self.state.found.get(key)
            rows.append(
                {
                    **_named(line),
                    "status": STATUS[at],
                    "late": at < 3 and as_of is not None and _days(line["ordered_on"], as_of) > UNMATCHED_DAYS,  # noqa: PLR2004
                    "found_as": match["order_id"] if match is not None and came else None,
                    "reason": self.state.closed.get(key, ""),
                    "taken_at": taken["at"] if taken else None,
                    "approved_by": line["approved_by"],
                    "approved_at": line["approved_at"],
                }
            )
        names = [*APPROVED.names[:8], "status", "late", "found_as", "reason", "taken_at", "approved_by", "approved_at"]
        frame = pd.DataFrame(rows, columns=names)
        for name in ("ship_on", "arrives_on", "approved_on"):
            frame[name] = pd.to_datetime(frame[name]).astype("datetime64[s]")
        return frame.astype({"quantity": float, "late": bool})


def _named(line: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "transfer_number": line["order_number"],
        **{name: line[name] for name in ("item_id", "source_id", "quantity", "ship_on")},
        "destination_id": line["location_id"],
        "arrives_on": line["due_on"],
        "approved_on": line["ordered_on"],
    }


def _days(since: str, day: date) -> int:
    return (day - date.fromisoformat(since)).days


def ways(state: Approved, tables: Frames, imported_at: str) -> Ways:
    """Return how far each approved transfer is on these tables.

    Parameters
    ----------
    state : of transfers alone.
    imported_at : when the data came, ISO.
    """
    far: dict[Key, tuple[bool, bool]] = {}
    since: dict[tuple[str, str], str] = {}
    for key, line in state.lines.items():
        ends = []
        for place, then in zip((line["source_id"], line["location_id"]), line["counts"], strict=True):
            if (place, then) not in since:
                since[place, then] = _counted_since(tables, place, then, imported_at)
            ends.append(since[place, then])
        # The goods of a day leave before it ends, but may come after its count.
        came = state.is_done(key, imported_at) or ends[1] > line["due_on"]
        far[key] = (bool(ends[0]) and ends[0] >= line["ship_on"], came)
    return Ways(state, far)
