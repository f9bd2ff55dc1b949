"""What the decisions log of a workspace says now: the corrections in force, and the events as they were edited.

The log is only ever added to. Nothing of it lies in a snapshot, so that what people decided outlives new data;
what was decided on the sample company holds for the sample company alone.
"""

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from numbers import Real
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from data.catalog import NO_DECISIONS, Decision
from planning.errors import InputError
from planning.tables import INPUT_TABLES, Table

OVERRIDE, RESET, LOCK, UNLOCK = "override", "override_reset", "override_lock", "override_unlock"
EVENT_SET, EVENT_REMOVED, EVENT_RESTORED = "event_set", "event_removed", "event_restored"
PIN, PIN_RESET = "pin", "pin_reset"
TRANSFER_PIN, TRANSFER_PIN_RESET = "transfer_pin", "transfer_pin_reset"
APPROVE, UNAPPROVE, EXPORT, MATCH, CLOSE = "approve", "unapprove", "export", "match", "close"
SNOOZE, WAKE, NOTE, NOTE_REMOVED = "snooze", "snooze_end", "note", "note_removed"
SCENARIO, SCENARIO_RENAMED, SCENARIO_REMOVED = "scenario", "scenario_renamed", "scenario_removed"
UNDO = "undo"
KINDS: Mapping[str, str] = MappingProxyType(
    {
        OVERRIDE: "Correction made",
        RESET: "Correction taken back",
        LOCK: "Correction locked",
        UNLOCK: "Correction unlocked",
        EVENT_SET: "Event added or changed",
        EVENT_REMOVED: "Event removed",
        EVENT_RESTORED: "Event as in the data again",
        PIN: "Pinned",
        PIN_RESET: "Pin taken back",
        TRANSFER_PIN: "Transfer set by hand",
        TRANSFER_PIN_RESET: "Transfer left to the plan again",
        APPROVE: "Approved",
        UNAPPROVE: "Approval taken back",
        EXPORT: "Orders taken out",
        MATCH: "Order found in the data",
        CLOSE: "Order closed",
        SNOOZE: "Snoozed",
        WAKE: "Snooze ended",
        NOTE: "Note",
        NOTE_REMOVED: "Note removed",
        SCENARIO: "Scenario kept",
        SCENARIO_RENAMED: "Scenario renamed",
        SCENARIO_REMOVED: "Scenario deleted",
        UNDO: "Undone",
    }
)
"""The kinds of lines that are read here, and what a person calls them."""

BESIDE_THE_PLAN = frozenset({EXPORT, SNOOZE, WAKE, NOTE, NOTE_REMOVED, SCENARIO, SCENARIO_RENAMED, SCENARIO_REMOVED})
"""Kinds that move no plan."""

OVERRIDES, EVENTS = INPUT_TABLES["overrides"], INPUT_TABLES["events"]
EventKey = tuple[str, ...]


@dataclass(frozen=True)
class Lock:
    """Who locked a correction, when (ISO, UTC) and why."""

    by: str
    at: str
    reason: str


@dataclass(frozen=True)
class Decided:
    """What a log says in the end.

    made : every correction made here, by its id, in the order made, in force or not.
    gone : references (see `reference`) of those that were taken back, of the data's own too.
    locks : of corrections that were locked or unlocked, by reference: the lock, None for unlocked.
    edits : events by their key: the row that stands, None where it was removed.
    """

    made: Mapping[str, Mapping[str, Any]]
    gone: frozenset[str]
    locks: Mapping[str, Lock | None]
    edits: Mapping[EventKey, Mapping[str, Any] | None]

    def overrides(self, given: pd.DataFrame | None) -> pd.DataFrame | None:
        """Return the corrections in force: those that came with the data, then those made here.

        Parameters
        ----------
        given : the snapshot's own table, None where it has none. Where it holds an id that was made here, as data
            that were taken away and brought again may, the log decides.
        """
        if not (self.made or self.gone or self.locks):
            return given
        brought = [] if given is None else plain_rows(OVERRIDES, given)
        rows = [*(row for row in brought if row["override_id"] not in self.made), *self.made.values()]
        standing = [(row, reference) for row in rows if (reference := self.reference(row)) not in self.gone]
        if given is None and not standing:
            return None
        return as_frame(OVERRIDES, [self._locked(row, reference) for row, reference in standing])

    def reference(self, row: Mapping[Any, Any]) -> str:
        """Return what a correction is called in the log: its id; with its content where it came with the data.

        Later data may give the same id to another correction: that was neither locked nor taken back.
        """
        name = str(row["override_id"])
        if name in self.made:
            return name
        told = [plain(row[column]) for column in OVERRIDES.names if column != "locked"]
        return f"{name} {hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]}"

    def _locked(self, row: Mapping[str, Any], reference: str) -> Mapping[str, Any]:
        return {**row, "locked": float(self.locks[reference] is not None)} if reference in self.locks else row

    def lock_of(self, override: Mapping[Any, Any]) -> Lock | None:
        """Return the lock on a row of `overrides`, or None where it is open."""
        if override["locked"] != 1:
            return None
        own = Lock(*(plain(override[name]) or "" for name in ("made_by", "made_at", "reason")))
        return self.locks.get(self.reference(override)) or own

    def events(self, given: pd.DataFrame | None) -> pd.DataFrame | None:
        """Return the events as they were edited; the very table of the data where nothing was."""
        if not self.edits:
            return given
        rows: dict[EventKey, Mapping[str, Any]] = {} if given is None else dict(events_by_key(given))
        for key, row in self.edits.items():
            rows.pop(key, None)
            if row is not None:
                rows[key] = row
        return as_frame(EVENTS, [rows[key] for key in sorted(rows)])

    @property
    def events_id(self) -> str:
        """Return the hash of the edited events: the heavy stage reads nothing else of what was decided."""
        if not self.edits:
            return NO_DECISIONS
        told = [[list(key), self.edits[key]] for key in sorted(self.edits)]
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def read_log(log: Sequence[Decision], *, sample: bool) -> Decided:
    """Return what the log says of one's own data, or of the sample company; lines of other kinds are passed over."""
    made: dict[str, Mapping[str, Any]] = {}
    gone: set[str] = set()
    locks: dict[str, Lock | None] = {}
    edits: dict[EventKey, Mapping[str, Any] | None] = {}
    for line in in_force(log, sample=sample):
        body, at = line.body, line.decided_at.isoformat()
        if line.kind == OVERRIDE:
            made[body["row"]["override_id"]] = {**body["row"], "made_by": body["by"] or None, "made_at": at}
        elif line.kind == RESET:
            gone |= set(body["ids"])
        elif line.kind in (LOCK, UNLOCK):
            lock = Lock(body["by"], at, body["reason"]) if line.kind == LOCK else None
            locks |= dict.fromkeys(body["ids"], lock)
        elif line.kind == EVENT_SET:
            edits[event_key(body["row"])] = body["row"]
        elif line.kind == EVENT_REMOVED:
            edits[event_key(body["row"])] = None
        elif line.kind == EVENT_RESTORED:
            edits.pop(event_key(body["row"]), None)
    return Decided(made, frozenset(gone), locks, edits)


def in_force(log: Sequence[Decision], *, sample: bool) -> list[Decision]:
    """Return the lines that were not undone, without the undoing itself."""
    mine = [line for line in log if line.kind in KINDS and bool(line.body.get("sample")) == sample]
    undone = undone_numbers(mine)
    return [line for line in mine if line.kind != UNDO and line.number not in undone]


def undone_numbers(log: Iterable[Decision]) -> set[int]:
    """Return the numbers of the lines that were undone."""
    return {number for line in log if line.kind == UNDO for number in line.body["numbers"]}


def plan_id(log: Sequence[Decision], *, without: Collection[str] = ()) -> str:
    """Return the hash of what stands and moves a plan, but for some kinds: the same again once a step is undone."""
    undone = undone_numbers(log)
    lines = [line for line in log if line.kind in KINDS and line.kind not in {UNDO, *BESIDE_THE_PLAN, *without}]
    told = [[line.number, line.decided_at.isoformat(), line.kind, line.body] for line in lines]
    standing = [one for one in told if one[0] not in undone]
    return hashlib.sha256(json.dumps(standing, sort_keys=True).encode()).hexdigest() if standing else NO_DECISIONS


def last_step(log: Sequence[Decision], *, sample: bool) -> list[Decision]:
    """Return the lines of what was done last and is not undone: one, or all of one edit of a table.

    What nobody did (a match found at an import), and a file that is out already, cannot be undone: passed over.
    """
    lines = [one for one in in_force(log, sample=sample) if one.kind != EXPORT and not one.body.get("automatic")]
    if not lines:
        return []
    step = lines[-1].body.get("step")
    return [line for line in lines if line is lines[-1] or (step is not None and line.body.get("step") == step)]


def log_table(log: Sequence[Decision], *, sample: bool) -> pd.DataFrame:
    """Return the log for people, newest first: number, decided_at, what, by, about, reason, undone."""
    undone = undone_numbers(log)
    rows = [
        {
            "number": line.number,
            "decided_at": line.decided_at,
            "what": KINDS[line.kind],
            "by": line.body.get("by", ""),
            "about": about(line),
            "reason": _why(line.body),
            "undone": line.number in undone,
        }
        for line in reversed(log)
        if line.kind in KINDS and bool(line.body.get("sample")) == sample
    ]
    return pd.DataFrame(rows, columns=["number", "decided_at", "what", "by", "about", "reason", "undone"])


def _why(body: Mapping[str, Any]) -> str:
    """Return the words that a person gave with a decision."""
    rows = [body, body.get("row") or {}, *(body.get("rows") or [])]
    return next((str(told) for row in rows for name in ("reason", "text") if (told := row.get(name))), "")


def about(line: Decision) -> str:
    """Say in a line what a decision was about; texts of people stand in it as they wrote them."""
    if line.kind == UNDO:
        return ", ".join(f"no. {number}" for number in line.body["numbers"])
    if line.kind in _TOLD:
        return _TOLD[line.kind](line.body)
    row = line.body.get("row")
    if row is None:
        return ", ".join(line.body["ids"])
    where = ", ".join(row[name] for name in ("item_id", "category", "location_id") if row.get(name)) or "everything"
    effect = _EFFECTS[row["kind"]].format(row["value"]) if "kind" in row else ""
    if line.kind == EVENT_SET:
        effect = f"demand x {row['uplift']:g} {row.get('event_name') or ''}".rstrip()
    elif not effect:
        effect = row.get("event_name") or ""
    return f"{where}, {row['starts_on']} to {row['ends_on']}" + (f": {effect}" if effect else "")


def _named(names: Iterable[str], most: int = 5) -> str:
    """Return the first names in a line, and how many more there are."""
    whole = list(dict.fromkeys(names))
    return ", ".join(whole[:most]) + (f" and {len(whole) - most:,} more" if len(whole) > most else "")


def _of_lines(keys: Sequence[Sequence[Any]]) -> str:
    """Say which lines of orders: numbers, and how many lines."""
    return f"{_named(key[0] for key in keys)}: {len(keys):,} line{'s' * (len(keys) != 1)}"


def _pinned(body: Mapping[str, Any]) -> str:
    return _named(
        f"{row['item_id']}, {row['location_id']}: {row['kind'].replace('_', ' ')} {row['value']:,.10g}"
        for row in body["rows"]
    )


def _noted(body: Mapping[str, Any]) -> str:
    named = [body[n] for n in ("order_number", "item_id", "location_id") if body.get(n)]
    return ", ".join([*named, body.get("scenario") or body.get("scenario_id") or ""]).removesuffix(", ")


def _sent(body: Mapping[str, Any]) -> str:
    return _named(
        f"{row['item_id']}, {row['source_id']} to {row['destination_id']}: {row['quantity']:,.10g}"
        for row in body["rows"]
    )


_TOLD: Mapping[str, Callable[[Mapping[str, Any]], str]] = MappingProxyType(
    {
        PIN: _pinned,
        PIN_RESET: lambda body: _named(body["about"]),
        TRANSFER_PIN: _sent,
        TRANSFER_PIN_RESET: lambda body: _named(f"{key[0]}, {key[1]} to {key[2]}" for key in body["keys"]),
        APPROVE: lambda body: _of_lines([[line["order_number"]] for line in body["lines"]]),
        UNAPPROVE: lambda body: _of_lines(body["keys"]),
        EXPORT: lambda body: _named(body["orders"]),
        MATCH: lambda body: _of_lines([[match["order_number"]] for match in body["matches"]]),
        CLOSE: lambda body: _of_lines(body["keys"]),
        SNOOZE: lambda body: f"{_named(f'{one[0]}, {one[1]}' for one in body['lines'])} until {body['until']}",
        WAKE: lambda body: _named(f"{one[0]}, {one[1]}" for one in body["lines"]),
        NOTE: _noted,
        NOTE_REMOVED: _noted,
        SCENARIO: lambda body: f"{body['name']}, version {body['version']}",
        SCENARIO_RENAMED: lambda body: f"{body['before']}, now {body['name']}",
        SCENARIO_REMOVED: lambda body: str(body["name"]),
    }
)

_EFFECTS: Mapping[str, str] = MappingProxyType(
    {"percent": "{:+g} %", "add_units": "{:+,.10g} units", "set_units": "{:,.10g} units"}
)


# --- rows and frames --------------------------------------------------------------------------------------------------


def event_key(row: Mapping[Any, Any]) -> EventKey:
    """Return what tells an event apart: its key of the contract as text, empty where nothing is told."""
    return tuple(plain(row[name]) or "" for name in EVENTS.key)


def events_by_key(frame: pd.DataFrame) -> dict[EventKey, dict[str, Any]]:
    """Return the rows of a table of events as plain values, by key."""
    rows = plain_rows(EVENTS, frame)
    return {event_key(row): row for row in rows}


def plain_rows(table: Table, frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a contract table as JSON holds them: dates in ISO, None where nothing is told."""
    whole = frame.reindex(columns=list(table.names))
    return [{str(name): plain(cell) for name, cell in row.items()} for row in whole.to_dict("records")]


def as_frame(table: Table, rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return plain rows as a table of the contract, each column of its kind."""
    columns = {}
    for column in table.columns:
        cells = [row.get(column.name) for row in rows]
        if column.kind == "date":
            columns[column.name] = pd.Series(np.array([cell or "NaT" for cell in cells], "datetime64[s]"))
        elif column.kind in ("id", "text"):
            columns[column.name] = pd.Series(cells, dtype=object)
        else:
            columns[column.name] = pd.Series([np.nan if cell is None else cell for cell in cells], dtype="float64")
    return pd.DataFrame(columns)


def events_to_json(frame: pd.DataFrame) -> str:
    """Return a table of events as text, for `events_from_json`."""
    return json.dumps(plain_rows(EVENTS, frame), ensure_ascii=False, allow_nan=False)


def events_from_json(text: str) -> pd.DataFrame:
    """Read what `events_to_json` wrote.

    Raises
    ------
    InputError : it is something else.
    """
    try:
        rows = json.loads(text)
        return as_frame(EVENTS, [{name: row[name] for name in EVENTS.names} for row in rows])
    except (ValueError, KeyError, TypeError) as fault:
        msg = "the file of edited events cannot be read: start the forecast again"
        raise InputError(msg) from fault


def plain(cell: Any) -> Any:
    """Return a cell as JSON holds it."""
    if cell is None or cell is pd.NaT or (isinstance(cell, float) and np.isnan(cell)):
        return None
    if isinstance(cell, str):
        return cell
    if isinstance(cell, pd.Timestamp):
        return cell.date().isoformat()
    if isinstance(cell, date):
        return cell.isoformat()[:10]
    return float(cell) if isinstance(cell, Real) else str(cell)
