"""What people say beside the numbers of a plan: pinned values, snoozed lines and notes, as the log tells them."""

import hashlib
import json
import math
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from data.catalog import Decision
from data.deciding import LONGEST_REASON, WHERE, checked_name, checked_text
from data.decisions import (
    APPROVE,
    NOTE,
    NOTE_REMOVED,
    PIN,
    PIN_RESET,
    SNOOZE,
    UNAPPROVE,
    WAKE,
    as_frame,
    in_force,
    plain,
)
from data.upload import shown
from planning.errors import InputError
from planning.tables import INPUT_TABLES

PINS = INPUT_TABLES["pins"]
MOST_PINS = 50_000
LONGEST_NOTE = 2_000
MOST_UNITS = 1e9
KINDS = ("safety_stock", "service_target", "order_quantity")
NOTES = ("note_id", "text", "item_id", "location_id", "order_number", "scenario_id", "made_by", "made_at")
Line = tuple[str, str]
"""Item and location."""
Known = Mapping[str, frozenset[str]]
"""The items and the locations of the data, by column."""


@dataclass(frozen=True)
class Said:
    """What stands of it.

    made : every pin made here, by its id, in the order made.
    gone : references (see `reference`) of pins that were taken back, of the data's own too.
    bought : by item, location and morning, what was approved: by order number, the log's line and the units.
    snoozed : by item and location: until (ISO), red (whether it was red then), by, at, reason.
    notes : by id.
    """

    made: Mapping[str, Mapping[str, Any]]
    gone: frozenset[str]
    bought: Mapping[tuple[str, str, str], Mapping[str, tuple[int, float]]]
    snoozed: Mapping[Line, Mapping[str, Any]]
    notes: Mapping[str, Mapping[str, Any]]

    def pins(self, given: pd.DataFrame | None) -> pd.DataFrame | None:
        """Return the pins in force, the last of a kind for each line; None where there is no such table."""
        rows = self._rows(given)
        return None if given is None and not rows else as_frame(PINS, rows)

    def left(self, given: pd.DataFrame | None) -> pd.DataFrame | None:
        """Return the pins in force as a plan takes them: of a pinned order only what was not approved since.

        What was approved stands as an open order: the planner's word is for both together.
        """
        rows = [{**row, "value": self._left(row)} for row in self._rows(given)]
        return None if given is None and not rows else as_frame(PINS, rows)

    def _rows(self, given: pd.DataFrame | None) -> list[Mapping[str, Any]]:
        brought = [] if given is None else given.reindex(columns=list(PINS.names)).to_dict("records")
        rows: list[Mapping[str, Any]] = [{str(name): plain(cell) for name, cell in row.items()} for row in brought]
        rows.sort(key=lambda row: row["made_at"] or "")
        latest: dict[tuple[Any, ...], Mapping[str, Any]] = {}
        for row in [*(row for row in rows if row["pin_id"] not in self.made), *self.made.values()]:
            line = (row["item_id"], row["location_id"], row["kind"], row["order_on"])
            # Taken back, a pin does not bring back the one before it.
            latest.pop(line, None)
            if self.reference(row) not in self.gone:
                latest[line] = row
        return list(latest.values())

    def _left(self, row: Mapping[str, Any]) -> float:
        if row["kind"] != "order_quantity":
            return float(row["value"])
        approved = self.bought.get((row["item_id"], row["location_id"], row["order_on"]), {})
        since = sum(units for number, units in approved.values() if number > row.get("number", 0))
        return max(float(row["value"]) - since, 0.0)

    def reference(self, row: Mapping[str, Any]) -> str:
        """Return what a pin is called in the log: its id; with its content where it came with the data."""
        name = str(row["pin_id"])
        if name in self.made:
            return name
        told = json.dumps([plain(row[column]) for column in PINS.names])
        return f"{name} {hashlib.sha256(told.encode()).hexdigest()[:16]}"


def read_said(log: Sequence[Decision], *, sample: bool) -> Said:
    """Return what stands of pins, snoozes and notes."""
    made: dict[str, Mapping[str, Any]] = {}
    gone: set[str] = set()
    bought: dict[tuple[str, str, str], dict[str, tuple[int, float]]] = {}
    snoozed: dict[Line, Mapping[str, Any]] = {}
    notes: dict[str, Mapping[str, Any]] = {}
    for line in in_force(log, sample=sample):
        body, who = line.body, {"made_by": line.body.get("by") or None, "made_at": line.decided_at.isoformat()}
        if line.kind == PIN:
            made |= {row["pin_id"]: {**row, **who, "number": line.number} for row in body["rows"]}
        elif line.kind == PIN_RESET:
            gone |= set(body["ids"])
        elif line.kind == APPROVE:
            for row in body["lines"]:
                at = bought.setdefault((row["item_id"], row["location_id"], row["ordered_on"]), {})
                at[row["order_number"]] = line.number, row["quantity"]
        elif line.kind == UNAPPROVE:
            for number, item, place in body["keys"]:
                for (other, where, _), at in bought.items():
                    if (other, where) == (item, place):
                        at.pop(number, None)
        elif line.kind == SNOOZE:
            told = {"until": body["until"], "reason": body["reason"], **who}
            snoozed |= {(item, place): {**told, "red": red} for item, place, red in body["lines"]}
        elif line.kind == WAKE:
            for item, place in body["lines"]:
                snoozed.pop((item, place), None)
        elif line.kind == NOTE:
            notes[body["note_id"]] = {**{name: body.get(name) for name in NOTES}, **who}
        elif line.kind == NOTE_REMOVED:
            notes.pop(body["note_id"], None)
    return Said(made, frozenset(gone), bought, snoozed, notes)


# --- pins -------------------------------------------------------------------------------------------------------------


def checked_pins(asked: pd.DataFrame, frames: Mapping[str, pd.DataFrame], today: date) -> list[dict[str, Any]]:
    """Return the rows of new pins, each with an id of its own.

    Parameters
    ----------
    asked : item_id, location_id, kind, value; order_on (of order_quantity; missing: `today`), reason where told.

    Raises
    ------
    InputError : a row cannot be used; the message names it, counted from 1 where there are several.
    """
    if not 1 <= len(asked) <= MOST_PINS:
        msg = f"{len(asked):,} values to pin: give 1 to {MOST_PINS:,} at once"
        raise InputError(msg)
    rows, known = [], known_names(frames)
    for number, told in enumerate(asked.to_dict("records"), start=1):
        try:
            rows.append(_checked_pin(told, frames, known, today))
        except InputError as fault:
            msg = f"pin {number}: {fault}" if len(asked) > 1 else str(fault)
            raise InputError(msg) from fault
    return rows


def _checked_pin(
    told: Mapping[Any, Any], frames: Mapping[str, pd.DataFrame], known: Known, today: date
) -> dict[str, Any]:
    kind = told.get("kind")
    if kind not in KINDS:
        msg = f"{shown(kind)!r} is nothing that can be pinned: take one of {', '.join(KINDS)}"
        raise InputError(msg)
    value = checked_number(told.get("value"), "the value")
    if kind == "service_target" and not 0 < value < 1:
        msg = f"a service target of {value:,.10g} is out of range: give it between 0 and 1, as 0.95"
        raise InputError(msg)
    day = checked_day(told.get("order_on"), "the morning of the order") if kind == "order_quantity" else None
    return {
        "pin_id": secrets.token_hex(6),
        **checked_line(told, frames, known),
        "kind": kind,
        "value": value,
        "order_on": (day or today.isoformat()) if kind == "order_quantity" else None,
        "reason": checked_text(told.get("reason"), "the reason", LONGEST_REASON),
    }


def pins_of_ids(pins: pd.DataFrame | None, ids: Sequence[str]) -> pd.DataFrame:
    """Return the pins with these ids.

    Raises
    ------
    InputError : one of them is not in force.
    """
    known = set() if pins is None else set(pins["pin_id"])
    unknown = [name for name in ids if name not in known]
    if unknown or pins is None or not ids:
        msg = f"no pin {shown(unknown[0] if unknown else '')!r} is in force: it may have been taken back already"
        raise InputError(msg)
    return pins[pins["pin_id"].isin(set(ids))]


# --- snoozes and notes ------------------------------------------------------------------------------------------------


def snoozed_table(said: Said, as_of: date) -> pd.DataFrame:
    """Return the lines that are away on this morning: item_id, location_id, until, red, reason, made_by, made_at."""
    rows = [
        {"item_id": item, "location_id": place, **told}
        for (item, place), told in said.snoozed.items()
        if told["until"] > as_of.isoformat()
    ]
    names = ["item_id", "location_id", "until", "red", "reason", "made_by", "made_at"]
    frame = pd.DataFrame(rows, columns=names)
    return frame.assign(until=pd.to_datetime(frame["until"]).astype("datetime64[s]"))


def without_snoozed(lines: pd.DataFrame, snoozed: pd.DataFrame) -> pd.DataFrame:
    """Return a table of lines without those that are away; one that turned red since comes back.

    Parameters
    ----------
    lines : item_id, location_id and risk, as `replenishment` of a plan.
    snoozed : what `snoozed_table` returned.
    """
    if snoozed.empty:
        return lines
    at = pd.MultiIndex.from_frame(snoozed[["item_id", "location_id"]])
    was_red = pd.Series(snoozed["red"].to_numpy(bool), index=at)
    mine = pd.MultiIndex.from_frame(lines[["item_id", "location_id"]])
    away = mine.isin(at)
    turned = (lines["risk"] == "red").to_numpy() & ~was_red.reindex(mine, fill_value=False).to_numpy(bool)
    left: pd.DataFrame = lines[~away | turned]
    return left


def checked_lines(lines: pd.DataFrame, frames: Mapping[str, pd.DataFrame]) -> list[tuple[str, str, bool]]:
    """Return item, location and whether it is red of lines that a person means.

    Raises
    ------
    InputError : there is none, or the data do not know one.
    """
    if lines.empty:
        msg = "no line is meant: choose one"
        raise InputError(msg)
    known = known_names(frames)
    rows = [(checked_line(row, frames, known), row.get("risk") == "red") for row in lines.to_dict("records")]
    return [(line["item_id"], line["location_id"], red) for line, red in rows]


def checked_note(
    text: str,
    frames: Mapping[str, pd.DataFrame],
    names: Mapping[str, str | None],
    orders: set[str],
    scenarios: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, Any]:
    """Return the body of a note.

    Parameters
    ----------
    names : item_id, location_id, order_number, scenario_id: what it is about, one of them at least.
    orders : numbers that were ever given here.
    scenarios : the names of the scenarios that stand, by id.

    Raises
    ------
    InputError : it is empty or too long, or about nothing that is known.
    """
    number = names.get("order_number")
    if number and number not in orders:
        msg = f"there is no order {shown(number)!r}: choose one of the approved orders"
        raise InputError(msg)
    scenario = names.get("scenario_id")
    if scenario and scenario not in scenarios:
        msg = "there is no such scenario: choose one of the list"
        raise InputError(msg)
    told = {name: checked_name(names.get(name), name, frames) for name in ("item_id", "location_id")}
    if not number and not scenario and not any(told.values()):
        msg = "a note is about an item, a location, an order or a scenario: name one"
        raise InputError(msg)
    kept = checked_text(text, "the note", LONGEST_NOTE, needed=True)
    body = {"note_id": secrets.token_hex(6), "text": kept, **told, "order_number": number or None}
    return body | {"scenario_id": scenario, "scenario": scenarios[scenario]} if scenario else body


def notes_table(said: Said) -> pd.DataFrame:
    """Return the notes, newest first, in the columns `NOTES`."""
    return pd.DataFrame(list(said.notes.values())[::-1], columns=list(NOTES))


# --- cells ------------------------------------------------------------------------------------------------------------


def known_names(frames: Mapping[str, pd.DataFrame]) -> Known:
    """Return the items and locations that the data know; asked once, as sales may have millions of rows."""
    return {
        column: frozenset(
            name
            for table in tables
            if table in frames and column in frames[table]
            for name in frames[table][column].dropna().unique()
        )
        for column, tables in WHERE.items()
        if column != "category"
    }


def checked_line(told: Mapping[Any, Any], frames: Mapping[str, pd.DataFrame], known: Known) -> dict[str, str]:
    """Return the item and location of a line that the data know.

    Parameters
    ----------
    known : what `known_names` said of the frames.

    Raises
    ------
    InputError : one of them is missing or not known.
    """
    found = {}
    for name in ("item_id", "location_id"):
        told_name = told.get(name)
        if not (isinstance(told_name, str) and told_name in known[name]):
            told_name = checked_name(told_name, name, frames)
        if told_name is None:
            msg = f"the {name.removesuffix('_id')} is missing: name one"
            raise InputError(msg)
        found[name] = told_name
    return found


def checked_number(value: object, what: str, least: float = 0.0) -> float:
    """Return a number of a person.

    Raises
    ------
    InputError : it is none, or out of range.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not math.isfinite(value):
        msg = f"{what} is missing or no number: give one"
        raise InputError(msg)
    if not least <= value <= MOST_UNITS:
        msg = f"{what} of {float(value):,.10g} is out of range: give {least:,.10g} to {MOST_UNITS:,.0f}"
        raise InputError(msg)
    return float(value)


def checked_day(day: object, what: str) -> str | None:
    """Return a day in ISO; None where nothing is told.

    Raises
    ------
    InputError : it is no date.
    """
    told = plain(day)
    if told is None or told == "":
        return None
    try:
        return date.fromisoformat(str(told)).isoformat()
    except ValueError as fault:
        msg = f"{what}, {shown(told)!r}, is no date: give one as 2026-11-02"
        raise InputError(msg) from fault
