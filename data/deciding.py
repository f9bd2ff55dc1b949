"""What a person wants to decide, checked against the data and what is decided already."""

import difflib
import math
import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

import pandas as pd

from data.cells import FIRST_YEAR, LAST_YEAR
from data.decisions import (
    EVENT_REMOVED,
    EVENT_RESTORED,
    EVENT_SET,
    EVENTS,
    Decided,
    EventKey,
    event_key,
    events_by_key,
    plain_rows,
)
from data.upload import shown
from planning.errors import InputError
from planning.tables import INPUT_TABLES

MOST_OVERRIDES = 1_000
LONGEST_REASON, LONGEST_NAME = 500, 200
UNPLACED = "MAIN"
"""The one location of data that name none, as a plan calls it."""
LEVEL = ("item_id", "category", "location_id")
WHERE: Mapping[str, Sequence[str]] = MappingProxyType(
    {
        "item_id": ("items", "stock", "sales"),
        "category": ("items",),
        "location_id": ("locations", "stock", "sales"),
    }
)
"""The tables that know an item, a category or a location."""
NOUNS: Mapping[str, str] = MappingProxyType({"item_id": "item", "category": "category", "location_id": "location"})


def checked_override(
    asked: Mapping[str, Any], frames: Mapping[str, pd.DataFrame], standing: pd.DataFrame | None, decided: Decided
) -> dict[str, Any]:
    """Return the row of a new correction, with an id of its own.

    Parameters
    ----------
    asked : item_id, category, location_id (None: all), starts_on, ends_on, kind, value, locked, reason.
    frames : the tables of the snapshot.
    standing : the corrections in force.

    Raises
    ------
    InputError : something in it cannot be used, or a lock stands against it; the message says what to do.
    """
    if standing is not None and len(standing) >= MOST_OVERRIDES:
        msg = f"{MOST_OVERRIDES:,} corrections are in force, the most there may be: take some back first"
        raise InputError(msg)
    if asked.get("item_id") and asked.get("category"):
        msg = "an item and a category are both given: correct either the item or the whole category"
        raise InputError(msg)
    starts_on, ends_on = checked_period(asked.get("starts_on"), asked.get("ends_on"))
    row = {
        "override_id": secrets.token_hex(6),
        **{name: checked_name(asked.get(name), name, frames) for name in LEVEL},
        "starts_on": starts_on,
        "ends_on": ends_on,
        "kind": str(asked.get("kind")),
        "value": _checked_value(asked.get("kind"), asked.get("value")),
        "locked": 1.0 if asked.get("locked") else 0.0,
        "reason": checked_text(asked.get("reason"), "the reason", LONGEST_REASON, needed=True),
    }
    _refuse_beside_lock(row, standing, decided)
    return row


def _checked_value(kind: object, value: object) -> float:
    column = INPUT_TABLES["overrides"].by_name["value"]
    kinds = INPUT_TABLES["overrides"].by_name["kind"].choices
    if kind not in kinds:
        msg = f"{shown(kind)!r} is no kind of correction: take one of {', '.join(kinds)}"
        raise InputError(msg)
    number = _number(value, "the value")
    least = {"percent": -100.0, "set_units": 0.0}.get(str(kind), float(column.minimum or -math.inf))
    most = float(column.maximum or math.inf)
    if not least <= number <= most:
        msg = f"a value of {number:,.10g} is out of range: {kind} takes {least:,.10g} to {most:,.10g}"
        raise InputError(msg)
    return number


def _refuse_beside_lock(row: Mapping[str, Any], standing: pd.DataFrame | None, decided: Decided) -> None:
    """Refuse what speaks of exactly the level and period of a locked correction."""
    for other in () if standing is None else standing.to_dict("records"):
        same = all((other[name] or None) == row[name] for name in LEVEL)
        days = [f"{pd.Timestamp(other[name]):%Y-%m-%d}" for name in ("starts_on", "ends_on")]
        if same and days == [row["starts_on"], row["ends_on"]] and decided.lock_of(other):
            msg = f"the same is corrected already, and locked{told_lock(other, decided)}"
            raise InputError(msg)


def told_lock(override: Mapping[Any, Any], decided: Decided) -> str:
    """Say who locked a correction, when and why, and the way out."""
    lock = decided.lock_of(override)
    if lock is None:
        return ""
    by = f" by {shown(lock.by)}" if lock.by else ""
    on = f" on {shown(lock.at[:10])}" if lock.at else ""
    why = f" ({shown(lock.reason, LONGEST_REASON)})" if lock.reason else ""
    return f"{by}{on}{why}: unlock correction {shown(override['override_id'])} first"


# --- events -----------------------------------------------------------------------------------------------------------


def checked_events(
    edited: pd.DataFrame, given: pd.DataFrame | None, frames: Mapping[str, pd.DataFrame], decided: Decided
) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the lines that make the events what an edited table holds: kind and row, in the order of their keys.

    Parameters
    ----------
    edited : all events as they are to be, in the columns of the contract; rows with nothing in them are passed over.
    given : the events of the snapshot, None where it has none.

    Raises
    ------
    InputError : a row cannot be used; the message names it, counted from 1.
    """
    origin = {} if given is None else events_by_key(given)
    now = decided.events(given)
    standing = {} if now is None else events_by_key(now)
    wanted = _checked_rows(edited, standing, frames)
    lines: list[tuple[str, Mapping[str, Any]]] = []
    for key in sorted(standing.keys() | wanted.keys()):
        if standing.get(key) == wanted.get(key):
            continue
        if key not in wanted:
            # What only the log knows goes by the log; a row of the data must be said to be gone.
            lines.append((EVENT_REMOVED if key in origin else EVENT_RESTORED, standing[key]))
        elif wanted[key] == origin.get(key):
            lines.append((EVENT_RESTORED, wanted[key]))
        else:
            lines.append((EVENT_SET, wanted[key]))
    return lines


def _checked_rows(
    edited: pd.DataFrame, standing: Mapping[EventKey, Mapping[str, Any]], frames: Mapping[str, pd.DataFrame]
) -> dict[EventKey, Mapping[str, Any]]:
    """Return the rows as they are to be; one that stands so already is not judged again."""
    missing = [name for name in EVENTS.required_names if name not in edited]
    if missing:
        msg = f"the table of events lacks {', '.join(missing)}: add it"
        raise InputError(msg)
    rows: dict[EventKey, Mapping[str, Any]] = {}
    for number, plain in enumerate(plain_rows(EVENTS, edited), start=1):
        if not any(value is not None for value in plain.values()):
            continue
        row: Mapping[str, Any] = plain
        if standing.get(event_key(plain)) != plain:
            try:
                row = _checked_event(plain, frames)
            except InputError as fault:
                msg = f"event {number}: {fault}"
                raise InputError(msg) from fault
        key = event_key(row)
        if key in rows and rows[key] != row:
            msg = f"event {number}: the same event stands there twice with different uplifts; leave one of them out"
            raise InputError(msg)
        rows[key] = row
    return rows


def _checked_event(told: Mapping[str, Any], frames: Mapping[str, pd.DataFrame]) -> dict[str, Any]:
    starts_on, ends_on = checked_period(told["starts_on"], told["ends_on"])
    uplift = _number(told["uplift"], "the uplift")
    column = EVENTS.by_name["uplift"]
    if not float(column.minimum or 0) <= uplift <= float(column.maximum or math.inf):
        msg = f"an uplift of {uplift:,.10g} is out of range: 1.3 is 30 % more, 0 closed, {column.maximum:g} the most"
        raise InputError(msg)
    return {
        "starts_on": starts_on,
        "ends_on": ends_on,
        "uplift": uplift,
        **{name: checked_name(told[name], name, frames) for name in LEVEL},
        "event_name": checked_text(told["event_name"], "the name", LONGEST_NAME),
    }


# --- cells ------------------------------------------------------------------------------------------------------------


def checked_period(starts_on: object, ends_on: object) -> tuple[str, str]:
    """Return first and last day in ISO.

    Raises
    ------
    InputError : one of them is no date or beyond the years that files may speak of, or the last lies before the first.
    """
    days = []
    for told, which in ((starts_on, "first"), (ends_on, "last")):
        day = _day(told) if isinstance(told, str) else told
        if _is_nothing(day) or not isinstance(day, date):
            msg = f"the {which} day is missing or no date: give one"
            raise InputError(msg)
        if not FIRST_YEAR <= day.year <= LAST_YEAR:
            msg = f"the {which} day lies in the year {day.year}, outside {FIRST_YEAR} to {LAST_YEAR}: correct it"
            raise InputError(msg)
        days.append(day.date() if isinstance(day, datetime) else day)
    if days[1] < days[0]:
        msg = f"the last day, {days[1]}, lies before the first, {days[0]}: correct one of them"
        raise InputError(msg)
    return days[0].isoformat(), days[1].isoformat()


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def checked_text(text: object, what: str, longest: int, *, needed: bool = False) -> str | None:
    """Return a text of a person to the letter, but for white space around it; None where it is empty.

    Raises
    ------
    InputError : it is missing, too long, or holds what is no character.
    """
    kept = "" if _is_nothing(text) else str(text).strip()
    if needed and not kept:
        msg = f"{what} is missing: say in 1 to {longest} characters what it rests on"
        raise InputError(msg)
    if len(kept) > longest:
        msg = f"{what} has {len(kept):,} characters, more than {longest}: shorten it"
        raise InputError(msg)
    if any("\ud800" <= letter <= "\udfff" or letter == "\0" for letter in kept):
        msg = f"{what} holds something that is no character: type it again"
        raise InputError(msg)
    return kept or None


def checked_name(name: object, column: str, frames: Mapping[str, pd.DataFrame]) -> str | None:
    """Return the id of an item or location, or a category, that the data know; None where nothing is told.

    Raises
    ------
    InputError : the data do not know it; the message names what comes nearest.
    """
    if _is_nothing(name) or name == "":
        return None
    tables = [frames[table][column] for table in WHERE[column] if table in frames and column in frames[table]]
    if isinstance(name, str) and any((values == name).any() for values in tables):
        return name
    if column == "location_id" and name == UNPLACED and any(_lacks_places(frames, n) for n in ("sales", "stock")):
        return UNPLACED
    known = sorted({str(value) for values in tables for value in values.dropna().unique()})
    near = difflib.get_close_matches(str(name)[:LONGEST_NAME], known, n=3, cutoff=0.5)
    way = f"the nearest are {', '.join(shown(value) for value in near)}" if near else "none is named like it"
    msg = f"the data know no {NOUNS[column]} {shown(name)!r}: {way}"
    raise InputError(msg)


def _lacks_places(frames: Mapping[str, pd.DataFrame], table: str) -> bool:
    frame = frames.get(table)
    return frame is not None and ("location_id" not in frame or bool(frame["location_id"].isna().any()))


def _number(value: object, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        msg = f"{what} is missing or no number: give one"
        raise InputError(msg)
    return float(value)


def _is_nothing(cell: object) -> bool:
    return cell is None or cell is pd.NaT or (isinstance(cell, float) and math.isnan(cell))


def rows_of_level(standing: pd.DataFrame, level: Mapping[str, str | None]) -> pd.DataFrame:
    """Return the corrections that speak of exactly this level."""
    mine = pd.Series(data=True, index=standing.index)
    for name in LEVEL:
        wanted = level.get(name)
        mine &= standing[name].isna() if wanted is None else standing[name] == wanted
    return standing[mine]


def rows_of_ids(standing: pd.DataFrame | None, ids: Iterable[str]) -> pd.DataFrame:
    """Return the corrections with these ids.

    Raises
    ------
    InputError : one of them is not in force.
    """
    wanted = list(dict.fromkeys(ids))
    known = [] if standing is None else standing["override_id"].tolist()
    unknown = [name for name in wanted if name not in known]
    if unknown or standing is None or not wanted:
        msg = f"no correction {shown(unknown[0] if unknown else '')!r} is in force: it may have been taken back already"
        raise InputError(msg)
    return standing[standing["override_id"].isin(wanted)]
