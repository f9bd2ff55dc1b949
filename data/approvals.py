"""Approved orders: their lines and numbers, what became of them, and what in the data may be them.

What pages call, all of it through `data.service` (v: Visitor, s: snapshot id; each checks permission and logs):

* pin(v, s, *, item_id, location_id, kind, value, order_on=None, reason="", frames=None) -> pin_id
* pin_many(v, s, rows, *, today=None, frames=None) -> [pin_id]: one step of undo; rows: item_id, location_id, kind,
  value, order_on, reason
* reset_pin(v, s, pin_ids=None, *, item_id=None, location_id=None, kind=None, order_on=None, frames=None) -> count
* pins(v, s, *, frames=None) -> DataFrame of the contract's table `pins`
* approve(v, s, lines, *, again=False, frames=None) -> DataFrame of the new lines with their order_number;
  lines: as `PlanResult.orders` (supplier_id, location_id, item_id, quantity, order_on, arrives_on, unit_cost)
* unapprove(v, s, lines): order_number, item_id, location_id; until the order is taken out
* approvals(v, s, as_of=None) -> DataFrame, newest first: see `approvals_table`
* match_candidates(v, s, *, frames=None) -> DataFrame: see `candidates`
* confirm_match(v, s, order_number, item_id, location_id, candidate_id, *, frames=None)
* close_approved(v, s, lines, *, reason): cancelled, or arrived without a trace
* of transfers: see `data.moving`; unapprove, close_approved, confirm_match and undo serve both
* snooze(v, s, lines, until, *, reason="", frames=None); wake(v, s, lines, *, frames=None); lines: item_id,
  location_id, risk where known
* snoozed(v, s, as_of) -> DataFrame; work_list(v, s, as_of, replenishment) -> the lines that are not away
* note(v, s, text, *, item_id=None, location_id=None, order_number=None, frames=None) -> note_id
* remove_note(v, s, note_id); notes(v, s) -> DataFrame
* create_plan(v, s, result, *, name, kind="replenishment", locations=(), categories=(), suppliers=()) -> plan_id;
  check_plan(name, kind) answers the first of the two steps. Coverage and horizon are those of `result.params`.
* rebuild_plan(v, plan_id, s, result) -> plan_id; plans(v) -> [PlanRecord]; adopt_plan(v, plan_id)
* plan_lines(v, plan_id, *, all_lines=False) -> DataFrame; changes(v, old, new) -> DataFrame: see `data.plans`
* orders_out(v, plan_id, *, excel=False) -> OrdersOut(name, payload, orders, lines): marks them as taken out
* activity(v) -> DataFrame, newest first: at, by, what, about, reason, undone
* undo(v, s): the last step, of these too; decisions_log(v, s)
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import pandas as pd

from data.catalog import Decision
from data.decisions import APPROVE, CLOSE, EXPORT, MATCH, UNAPPROVE, as_frame, in_force, plain
from data.pins import Known, checked_day, checked_line, checked_number
from data.upload import shown
from planning.errors import InputError
from planning.tables import INPUT_TABLES

APPROVED = INPUT_TABLES["approved_orders"]
MOST_LINES = 50_000
UNMATCHED_DAYS = 7
"""After so many days an approved order should be among the open orders or receipts, as `planning.inputs` warns."""
LIKE_QUANTITY = 0.2
"""A row of the data may be an approved line where its quantity differs by no more than this share."""
LIKE_DAYS = 14
"""And its dates by no more than so many days."""

Key = tuple[str, str, str]
"""Order number, item and location."""
KEY = ("order_number", "item_id", "location_id")
PURCHASE, TRANSFER = "PO", "TR"
"""How the numbers of orders, and of transfers, begin."""
Group = tuple[str, str, str, str]
"""What one number stands for: its beginning, the supplier or source, the location and the morning."""
STATUS = ("approved", "taken out", "found", "closed")


@dataclass(frozen=True)
class Approved:
    """What stands of the approvals.

    lines : in the order approved; in the columns of the contract, with approved_by, approved_at, snapshot_id; those
        of transfers with source_id, ship_on and counts (see `data.transfers`).
    taken : when and by whom an order was taken out, by number.
    found : what row of the data a line is: order_id, quantity, on, imported_at (empty: confirmed by a person).
    closed : why a line was closed.
    """

    lines: dict[Key, Mapping[str, Any]] = field(default_factory=dict)
    taken: dict[str, Mapping[str, str]] = field(default_factory=dict)
    found: dict[Key, Mapping[str, Any]] = field(default_factory=dict)
    closed: dict[Key, str] = field(default_factory=dict)

    def only(self, *, transfers: bool) -> "Approved":
        """Return what stands of the transfers, or of the purchases."""
        mine = {key: line for key, line in self.lines.items() if bool(line.get("source_id")) == transfers}
        return Approved(mine, self.taken, self.found, self.closed)

    def is_done(self, key: Key, imported_at: str) -> bool:
        """Tell whether a line counts no more beside data of this import.

        What an import told of itself holds for that data and later ones; earlier data know nothing of it.
        """
        match = self.found.get(key)
        return key in self.closed or (match is not None and match["imported_at"] <= imported_at)

    def orders(self, tables: Mapping[str, pd.DataFrame], imported_at: str) -> pd.DataFrame | None:
        """Return the approved orders that a plan must know; None where there is no such table.

        Those that the data tell of by number stay, and the plan counts them once; done ones are left out, so that
        they do not count again when the data tell of them no more.

        Parameters
        ----------
        tables : of the snapshot, with its own approved orders; of what was approved here the log decides.
        imported_at : when the data came, ISO.
        """
        given = tables.get("approved_orders")
        if not self.lines:
            return given
        told = order_ids(tables)
        brought = [] if given is None else given.reindex(columns=list(APPROVED.names)).to_dict("records")
        rows = [{str(n): plain(cell) for n, cell in row.items()} for row in brought]
        rows = [row for row in rows if (row["order_number"], row["item_id"], row["location_id"]) not in self.lines]
        for key, row in self.lines.items():
            by_number = key in self.found and bool(self.found[key]["imported_at"]) and key[0] in told
            if not self.is_done(key, imported_at) or (by_number and key not in self.closed):
                rows.append(dict(row))
        return None if given is None and not rows else as_frame(APPROVED, rows)


def read_approved(log: Sequence[Decision], *, sample: bool) -> Approved:
    """Return what stands of the approvals on one's own data, or on the sample company's."""
    state = Approved()
    for line in in_force(log, sample=sample):
        body, at = line.body, line.decided_at.isoformat()
        if line.kind == APPROVE:
            who = {"approved_by": body["by"], "approved_at": at, "snapshot_id": body["snapshot_id"]}
            state.lines.update({_key(row): {**row, **who} for row in body["lines"]})
        elif line.kind == UNAPPROVE:
            for key in body["keys"]:
                for kept in (state.lines, state.found, state.closed):
                    kept.pop(tuple(key), None)
        elif line.kind == EXPORT:
            for number in body["orders"]:
                state.taken.setdefault(number, {"by": body["by"], "at": at})
        elif line.kind == MATCH:
            state.found.update({_key(match): match for match in body["matches"]})
        elif line.kind == CLOSE:
            state.closed.update({tuple(key): body["reason"] for key in body["keys"]})
    return state


def _key(row: Mapping[str, Any]) -> Key:
    return row["order_number"], row["item_id"], row["location_id"]


def approvals_table(state: Approved, as_of: date | None, imported_at: str) -> pd.DataFrame:
    """Return every approved line, newest first.

    Returns
    -------
    DataFrame: order_number, supplier_id, location_id, item_id, quantity, unit_cost, value, ordered_on, due_on, status
    (approved, taken out, found, closed), late (open for more than 7 days on `as_of`), found_as (the order in the
    data), reason (why closed), taken_at, approved_by, approved_at.
    """
    rows = []
    for key, line in reversed(state.lines.items()):
        done = state.is_done(key, imported_at)
        taken = state.taken.get(key[0])
        status = STATUS[3] if key in state.closed else STATUS[2] if done else STATUS[1] if taken else STATUS[0]
        rows.append(
            {
                **line,
                "status": status,
                "found_as": state.found[key]["order_id"] if status == STATUS[2] else None,
                "reason": state.closed.get(key, ""),
                "taken_at": taken["at"] if taken else None,
            }
        )
    first = ("order_number", "supplier_id", "location_id", "item_id", "quantity", "unit_cost", "ordered_on", "due_on")
    names = [*first, "status", "found_as", "reason", "taken_at", "approved_by", "approved_at"]
    frame = pd.DataFrame(rows, columns=names)
    for name in ("ordered_on", "due_on"):
        frame[name] = pd.to_datetime(frame[name]).astype("datetime64[s]")
    for name in ("quantity", "unit_cost"):
        frame[name] = frame[name].astype(float)
    frame.insert(6, "value", frame["quantity"] * frame["unit_cost"])
    waiting = frame["status"].isin(STATUS[:2])
    since = pd.Timestamp(as_of or date.min if as_of else "1970-01-01") - frame["ordered_on"]
    frame.insert(10, "late", waiting & (since > pd.Timedelta(days=UNMATCHED_DAYS)))
    return frame


# --- approving --------------------------------------------------------------------------------------------------------


def checked_orders(lines: pd.DataFrame, frames: Mapping[str, pd.DataFrame], known: Known) -> list[dict[str, Any]]:
    """Return the lines that a person approves, without numbers.

    Parameters
    ----------
    lines : supplier_id, location_id, item_id, quantity, order_on, arrives_on, unit_cost.

    Raises
    ------
    InputError : a line cannot be ordered; the message names it, counted from 1.
    """
    if not 1 <= len(lines) <= MOST_LINES:
        msg = f"{len(lines):,} lines to approve: choose 1 to {MOST_LINES:,} at once"
        raise InputError(msg)
    rows: dict[tuple[object, ...], dict[str, Any]] = {}
    for number, told in enumerate(lines.to_dict("records"), start=1):
        try:
            row = _checked_order(told, frames, known)
        except InputError as fault:
            msg = f"line {number}: {fault}"
            raise InputError(msg) from fault
        same = (row["supplier_id"], row["item_id"], row["location_id"], row["ordered_on"])
        if same in rows:
            msg = f"line {number}: {shown(row['item_id'])} for {shown(row['location_id'])} stands there twice"
            raise InputError(msg)
        rows[same] = row
    return list(rows.values())


def _checked_order(told: Mapping[Any, Any], frames: Mapping[str, pd.DataFrame], known: Known) -> dict[str, Any]:
    line = checked_line(told, frames, known)
    quantity = checked_number(told.get("quantity"), "the quantity")
    if quantity <= 0:
        msg = f"a quantity of {quantity:g} of {shown(line['item_id'])} is no order: give more than 0"
        raise InputError(msg)
    days = [
        checked_day(told.get(name), what) for name, what in (("order_on", "the morning"), ("arrives_on", "the day"))
    ]
    if days[0] is None or days[1] is None or days[1] < days[0]:
        msg = f"{shown(line['item_id'])} lacks the morning of its order or the day it arrives, or arrives before it"
        raise InputError(msg)
    cost, supplier = plain(told.get("unit_cost")), plain(told.get("supplier_id"))
    return {
        "supplier_id": None if supplier is None else str(supplier)[:200],
        **line,
        "quantity": quantity,
        "ordered_on": days[0],
        "due_on": days[1],
        "unit_cost": None if cost is None else checked_number(cost, "the cost of a unit"),
    }


def numbered(
    rows: Sequence[Mapping[str, Any]],
    log: Sequence[Decision],
    taken: Iterable[str],
    *,
    sample: bool,
    again: bool,
) -> list[dict[str, Any]]:
    """Return the lines with their order's number: one a supplier (or source), location and morning, never used twice.

    A line joins the order of its supplier, location and morning while that was not taken out; else it begins a new one.

    Parameters
    ----------
    log : as it stands at the moment of approval.
    taken : order ids of the data, which no number may equal.
    again : let an item be ordered once more on a morning on which it was.

    Raises
    ------
    InputError : an item is approved already for this morning.
    """
    state = read_approved(log, sample=sample)
    if not again:
        _refuse_twice(rows, state)
    open_ones = {
        _group(line): key[0]
        for key, line in state.lines.items()
        if key[0] not in state.taken and key not in state.found
    }
    used = {line["order_number"] for one in log if one.kind == APPROVE for line in one.body["lines"]}
    forbidden = used | set(taken)
    numbers: dict[Group, str] = {}
    counters: dict[str, int] = {}
    wanted: dict[Group, list[str]] = {}
    for row in rows:
        wanted.setdefault(_group(row), []).append(row["item_id"])
    for group, items in sorted(wanted.items()):
        number = open_ones.get(group)
        if number is not None and any((number, item, group[2]) in state.lines for item in items):
            number = None  # once more on the same morning: an order of its own
        series = f"{group[0]}-{group[3][:4]}"
        counters.setdefault(series, _highest(used, series))
        while number is None:
            counters[series] += 1
            name = f"{series}-{counters[series]:04d}"
            number = None if name in forbidden else name
        numbers[group] = number
    return [{"order_number": numbers[_group(row)], **row} for row in rows]


def _group(row: Mapping[str, Any]) -> Group:
    source = row.get("source_id")
    who = (TRANSFER, source) if source else (PURCHASE, row["supplier_id"] or "")
    return *who, row["location_id"], row["ordered_on"]


def _highest(used: Iterable[str], series: str) -> int:
    found = (re.fullmatch(rf"{series}-(\d+)", name) for name in used)
    return max((int(match[1]) for match in found if match), default=0)


def _refuse_twice(rows: Sequence[Mapping[str, Any]], state: Approved) -> None:
    def same(row: Mapping[str, Any]) -> tuple[Any, ...]:
        return row["item_id"], row["location_id"], row.get("source_id"), row["ordered_on"]

    there = {same(line): key[0] for key, line in state.lines.items()}
    for row in rows:
        number = there.get(same(row))
        if number is not None:
            msg = (
                f"{shown(row['item_id'])} for {shown(row['location_id'])} is approved already for {row['ordered_on']}, "
                f"as {number}: take that back first, or say that it is to be ordered again"
            )
            raise InputError(msg)


def order_ids(frames: Mapping[str, pd.DataFrame]) -> set[str]:
    """Return the order ids of the data's open orders and receipts."""
    tables = [frames[name]["order_id"] for name in ("open_orders", "receipts") if name in frames]
    return {str(name) for column in tables for name in column.dropna().unique()}


def chosen(lines: pd.DataFrame, state: Approved) -> list[Key]:
    """Return the keys of approved lines; an order's number alone, without item_id, means all of its lines.

    Transfers may call their number and place transfer_number and destination_id.

    Raises
    ------
    InputError : one of them does not stand.
    """
    keys: dict[Key, None] = {}
    lines = lines.rename(columns={"transfer_number": "order_number", "destination_id": "location_id"})
    for row in lines.to_dict("records"):
        asked = tuple(plain(row.get(name)) for name in KEY)
        mine = [k for k in state.lines if k[0] == asked[0] and (asked[1] is None or k == asked)]
        if not mine:
            msg = f"{shown(asked[0])!r} has no such line: it may have been taken back already"
            raise InputError(msg)
        keys |= dict.fromkeys(mine)
    if not keys:
        msg = "no line is meant: choose one"
        raise InputError(msg)
    return list(keys)


def refuse_taken(keys: Iterable[Key], state: Approved) -> None:
    """Refuse to take back what was taken out.

    Raises
    ------
    InputError : an order is out; the message says since when and the way out.
    """
    for number, _, _ in keys:
        taken = state.taken.get(number)
        if taken is not None:
            by = f" by {shown(taken['by'])}" if taken["by"] else ""
            msg = f"{number} was taken out{by} on {taken['at'][:10]} and stands: close its lines where it was cancelled"
            raise InputError(msg)


# --- what in the data it is -------------------------------------------------------------------------------------------


def found_by_number(state: Approved, frames: Mapping[str, pd.DataFrame], imported_at: str) -> list[dict[str, Any]]:
    """Return the approved lines that the data tell of by number, item and location, as the log notes them."""
    waiting = [key for key in state.lines if not state.is_done(key, imported_at)]
    told = _rows_of_data(frames, waiting)
    if not waiting or told.empty:
        return []
    by_number: dict[tuple[str, str], list[dict[Any, Any]]] = {}
    for row in told[told["order_id"].isin({key[0] for key in waiting})].to_dict("records"):
        by_number.setdefault((row["order_id"], row["item_id"]), []).append(row)
    found = []
    for key in waiting:
        rows = [r for r in by_number.get(key[:2], ()) if plain(r["location_id"]) in (key[2], None)]
        if rows:
            found.append(match_of(key, rows[0], imported_at))
    return found


def match_of(key: Key, row: Mapping[Any, Any], imported_at: str) -> dict[str, Any]:
    """Return what the log notes of a match."""
    told = {name: plain(row[name]) for name in ("order_id", "quantity", "on", "table", "candidate_id")}
    return {**dict(zip(KEY, key, strict=True)), **told, "imported_at": imported_at}


def candidates(
    state: Approved,
    frames: Mapping[str, pd.DataFrame],
    imported_at: str,
    before: Mapping[str, pd.DataFrame],
) -> pd.DataFrame:
    """Return rows of the data that may be approved lines: same item and location, like supplier, quantity and date.

    Parameters
    ----------
    before : the tables on which the lines were approved: what stood there already is another order.

    Returns
    -------
    DataFrame, the likeliest of each line first: order_number, item_id, location_id, supplier_id, quantity, ordered_on,
    due_on of the approved line; candidate_id, table, order_id, found_quantity, found_on of the row.
    """
    names = [*KEY, "supplier_id", "quantity", "ordered_on", "due_on"]
    more = ["candidate_id", "table", "order_id", "found_quantity", "found_on"]
    lines = [{**row} for key, row in state.lines.items() if not state.is_done(key, imported_at)]
    told, there = (_rows_of_data(tables, map(_key, lines)) for tables in (frames, before))
    gone = {match.get("candidate_id") for match in state.found.values()} | set(there["candidate_id"])
    told = told[~told["candidate_id"].isin(gone)]
    if not lines or told.empty:
        return pd.DataFrame(columns=[*names, *more])
    mine = pd.DataFrame(lines)[names]
    for name in ("ordered_on", "due_on"):
        mine[name] = pd.to_datetime(mine[name]).astype("datetime64[s]")
    both = mine.merge(
        told.rename(columns={"quantity": "found_quantity", "on": "found_on"}), on="item_id", suffixes=("", "_told")
    )
    place, supplier = both["location_id_told"], both["supplier_id_told"]
    fits = (place.isna() | (place == both["location_id"])) & (
        supplier.isna() | both["supplier_id"].isna() | (supplier == both["supplier_id"])
    )
    apart = (both["found_quantity"] / both["quantity"] - 1).abs()
    days = _days_apart(both)
    fits &= (apart <= LIKE_QUANTITY) & (days <= LIKE_DAYS)
    both = both.assign(apart=apart, days=days)[fits]
    both = both.sort_values([*KEY, "apart", "days", "candidate_id"], kind="stable")
    return both[[*names, *more]].reset_index(drop=True)


def _days_apart(both: pd.DataFrame) -> pd.Series:
    """Days between the order and the row: of the mornings where both tell them, else of the arrivals."""
    ordered = (both["ordered_on_told"] - both["ordered_on"]).abs()
    arrives = (both["found_on"] - both["due_on"]).abs()
    return pd.Series(ordered.where(ordered.notna(), arrives).dt.total_seconds() / 86_400)


def _rows_of_data(frames: Mapping[str, pd.DataFrame], keys: Iterable[Key]) -> pd.DataFrame:
    """Return open orders and receipts of these lines' items, each row with an id of its content."""
    parts, items = [], {item for _, item, _ in keys}
    for name, day in (("open_orders", "due_on"), ("receipts", "received_on")):
        columns = list(INPUT_TABLES[name].names)
        frame = frames.get(name, pd.DataFrame(columns=columns)).reindex(columns=columns)
        frame = frame[frame["item_id"].isin(items)]
        parts.append(frame.assign(table=name, on=frame[day]))
    parts = [part for part in parts if len(part)]
    names = ["item_id", "location_id", "supplier_id", "order_id", "quantity", "ordered_on", "on", "table"]
    if not parts:
        return pd.DataFrame(columns=[*names, "candidate_id"])
    rows = pd.concat([part[names] for part in parts], ignore_index=True)
    for name in ("ordered_on", "on"):
        rows[name] = pd.to_datetime(rows[name]).astype("datetime64[s]")
    told = [json.dumps([plain(cell) for cell in row]) for row in rows.itertuples(index=False)]
    ids = [hashlib.sha256(text.encode()).hexdigest()[:16] for text in told]
    return rows.assign(candidate_id=pd.Series(ids, dtype=object))


def at_import(imported_at: datetime | None) -> str:
    """Return the moment of an import as the log tells it; empty where it is not known."""
    return imported_at.isoformat() if imported_at is not None else ""


__all__ = [
    "Approved",
    "Key",
    "approvals_table",
    "at_import",
    "candidates",
    "checked_orders",
    "chosen",
    "found_by_number",
    "match_of",
    "numbered",
    "order_ids",
    "read_approved",
    "refuse_taken",
]
