"""Changes that a scenario makes to the world: demand, late suppliers, closed lanes, costs and prices.

They are parameters: one list of plain objects, part of the plan's key, told in words, and applied to the
tables before anything is worked out. None of them asks for a new forecast.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date
from types import MappingProxyType
from typing import Any, ClassVar, NoReturn

import numpy as np
import pandas as pd

from planning.errors import ParameterError

MOST_CHANGES = 50
MOST_TEXT = 200
FACTOR = (0.0, 100.0)
DAYS = (1, 365)
YEARS = (date(1990, 1, 1), date(2199, 12, 31))

Tables = Mapping[str, pd.DataFrame]


@dataclass(frozen=True)
class Change:
    """One change of the world; each kind says which of the fields it reads.

    kind : one of `KINDS`.
    factor : what demand, cost or price is multiplied by.
    days : how much later a supplier delivers, or for how long a lane or location sends nothing.
    open_orders : whether a late supplier's open orders are late too.
    item_id, category, location_id, supplier_id : what it speaks of; None: all.
    source_id, destination_id : the lane that is closed; destination None: all lanes from there.
    starts_on, ends_on : first and last day of changed demand; None: from the plan's morning, to its horizon.
    """

    kind: str
    factor: float | None = None
    days: int | None = None
    open_orders: bool | None = None
    item_id: str | None = None
    category: str | None = None
    location_id: str | None = None
    supplier_id: str | None = None
    source_id: str | None = None
    destination_id: str | None = None
    starts_on: date | None = None
    ends_on: date | None = None

    ASKS: ClassVar[Mapping[str, tuple[str, ...]]] = MappingProxyType(
        {
            "demand": ("factor",),
            "cost": ("factor",),
            "price": ("factor",),
            "late_supplier": ("days",),
            "closed": ("days", "source_id"),
        }
    )
    MAY: ClassVar[Mapping[str, tuple[str, ...]]] = MappingProxyType(
        {
            "demand": ("item_id", "category", "location_id", "starts_on", "ends_on"),
            "cost": ("item_id", "category", "supplier_id"),
            "price": ("item_id", "category", "supplier_id"),
            "late_supplier": ("supplier_id", "open_orders"),
            "closed": ("destination_id",),
        }
    )

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            _refuse("kind", self.kind, "one of " + ", ".join(KINDS))
        needed, known = self.ASKS[self.kind], (*self.ASKS[self.kind], *self.MAY[self.kind], "kind")
        for f in fields(self):
            value = getattr(self, f.name)
            if value is None and f.name in needed:
                _refuse(f.name, value, f"{_allowed(f.name)}; a change of {self.kind} needs it")
            if value is not None and f.name not in known:
                _refuse(f.name, value, f"nothing: a change of {self.kind} does not read it")
            if value is not None and f.name != "kind":
                object.__setattr__(self, f.name, _checked(f.name, value))
        if self.starts_on and self.ends_on and self.ends_on < self.starts_on:
            _refuse("ends_on", self.ends_on, f"a date not before starts_on, {self.starts_on}")

    @classmethod
    def from_mapping(cls, told: Any) -> "Change":
        """One change from its JSON form; an unknown key is refused by name."""
        if not isinstance(told, Mapping):
            _refuse("a change", told, 'an object such as {"kind": "demand", "factor": 1.15, "category": "Tea"}')
        names = {f.name for f in fields(cls)}
        for key in told:
            if key not in names:
                _refuse(str(key)[:80], told[key], "nothing: the name is unknown. Known: " + ", ".join(sorted(names)))
        if "kind" not in told:
            _refuse("kind", None, "one of " + ", ".join(KINDS))
        return cls(**{str(key): value for key, value in told.items()})

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form: what is told, nothing else."""
        told = {f.name: getattr(self, f.name) for f in fields(self)}
        return {k: v.isoformat() if isinstance(v, date) else v for k, v in told.items() if v is not None}

    def words(self) -> str:
        """Return the change in one line, such as "Demand of Tea +15 % from 1 June 2026"."""
        return _WORDS[self.kind](self)


KINDS = tuple(Change.ASKS)


def read_changes(told: Any) -> tuple[Change, ...]:
    """Return the changes of a list of their JSON forms, in its order.

    Raises
    ------
    ParameterError : one is not what it should be; the message counts which.
    """
    if isinstance(told, str | Mapping) or not isinstance(told, Iterable):
        _refuse("what_if", told, "a list of changes")
    given = list(told)
    if len(given) > MOST_CHANGES:
        _refuse("what_if", f"{len(given)} changes", f"at most {MOST_CHANGES}")
    out = []
    for number, one in enumerate(given, start=1):
        try:
            out.append(one if isinstance(one, Change) else Change.from_mapping(one))
        except ParameterError as fault:
            msg = f"what_if, change {number}: {fault}"
            raise ParameterError(msg) from fault
    return tuple(out)


def revalued(tables: Tables, changes: tuple[Change, ...]) -> dict[str, pd.DataFrame]:
    """Return the contract's tables with the unit costs and prices that the changes make, wherever they stand."""
    out = dict(tables)
    for change in changes:
        if change.kind in ("cost", "price"):
            _revalue(out, change)
    return out


def demand_factors(
    changes: tuple[Change, ...], keys: pd.DataFrame, categories: np.ndarray, starts: np.ndarray, bucket_days: int
) -> np.ndarray:
    """Return what each row's mean demand is multiplied by in each future bucket, (n, H).

    Of a bucket that is changed on some of its days, the share by days counts.

    Parameters
    ----------
    keys : item_id, location_id, n rows.
    categories : of each row, None where it has none, (n,).
    starts : first day of each bucket, datetime64[D], (H,).
    """
    out = np.ones((len(keys), len(starts)))
    columns = {"item_id": keys["item_id"], "location_id": keys["location_id"], "category": pd.Series(categories)}
    for change in changes:
        if change.kind != "demand":
            continue
        rows = np.ones(len(keys), bool)
        for name, values in columns.items():
            wanted = getattr(change, name)
            if wanted is not None:
                rows &= (values == wanted).to_numpy(bool)
        first = np.datetime64(change.starts_on or YEARS[0], "D")
        beyond = np.datetime64(change.ends_on or YEARS[1], "D") + 1
        days = np.minimum(starts + bucket_days, beyond) - np.maximum(starts, first)
        share = np.clip(days.astype("timedelta64[D]").astype(float), 0, bucket_days) / bucket_days
        out *= np.where(rows[:, None], 1 + (float(change.factor or 0.0) - 1) * share, 1.0)
    return out


def added_days(changes: tuple[Change, ...], supplier: pd.Series, *, of_open_orders: bool = False) -> np.ndarray:
    """Return how many days later each row's supplier (ids, (n,)) delivers new orders, or open ones, (n,)."""
    out = np.zeros(len(supplier))
    for change in changes:
        if change.kind == "late_supplier" and (change.open_orders or not of_open_orders):
            told = supplier.notna() if change.supplier_id is None else supplier.eq(change.supplier_id)
            out += np.where(told, float(change.days or 0), 0.0)
    return out


def closed_days(changes: tuple[Change, ...], source: np.ndarray, destination: np.ndarray) -> np.ndarray:
    """Return for how many days each lane (ids, (k,)) sends nothing yet, (k,)."""
    out = np.zeros(len(source))
    for change in changes:
        if change.kind == "closed":
            hit = source == change.source_id
            if change.destination_id is not None:
                hit = hit & (destination == change.destination_id)
            out = np.maximum(out, np.where(hit, float(change.days or 0), 0.0))
    return out


def unused(changes: tuple[Change, ...], known: Mapping[str, Iterable[object]]) -> list[str]:
    """Return in words the changes that speak of what the data do not hold.

    Parameters
    ----------
    known : by column (item_id, category, ...) what the data hold.
    """
    held = {name: set(values) for name, values in known.items()}
    lost = []
    for change in changes:
        for f in fields(change):
            value = getattr(change, f.name)
            if isinstance(value, str) and f.name in held and value not in held[f.name]:
                lost.append(f"{change.words()}: the data hold no {f.name} {value[:40]!r}")
    return lost


def _revalue(tables: dict[str, pd.DataFrame], change: Change) -> None:
    """Multiply the unit costs or prices of the items that the change names, wherever they stand."""
    column = "unit_cost" if change.kind == "cost" else "unit_price"
    items = tables["items"]
    hit = pd.Series(data=True, index=items.index)
    for name in ("item_id", "category", "supplier_id"):
        wanted = getattr(change, name)
        if wanted is not None:
            hit &= items[name] == wanted
    everything = change.item_id is None and change.category is None and change.supplier_id is None
    named = set(items.loc[hit, "item_id"]) | ({change.item_id} if change.item_id else set())
    for table in ("items", "stock", "sales"):
        frame = tables[table]
        if column in frame and frame[column].notna().any():
            rows = frame["item_id"].isin(named) | everything
            tables[table] = frame.assign(
                **{column: frame[column].where(~rows, frame[column] * float(change.factor or 0.0))}
            )


def _checked(name: str, value: Any) -> Any:
    if name in ("starts_on", "ends_on"):
        return _checked_date(name, value)
    if name == "open_orders":
        if not isinstance(value, bool):
            _refuse(name, value, _allowed(name))
        return value
    if name in ("factor", "days"):
        low, high = FACTOR if name == "factor" else DAYS
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            _refuse(name, value, _allowed(name))
        if name == "days" and value != int(value):
            _refuse(name, value, _allowed(name))
        return float(value) if name == "factor" else int(value)
    if not isinstance(value, str) or not 0 < len(value) <= MOST_TEXT:
        _refuse(name, value, _allowed(name))
    return value


def _checked_date(name: str, value: Any) -> date:
    try:
        day = value if isinstance(value, date) else date.fromisoformat(value)
    except (TypeError, ValueError):
        _refuse(name, value, _allowed(name))
    if not YEARS[0] <= day <= YEARS[1]:
        _refuse(name, value, _allowed(name))
    return day


def _allowed(name: str) -> str:
    if name == "factor":
        return f"a number from {FACTOR[0]:g} to {FACTOR[1]:g}, such as 1.15 for 15 % more"
    if name == "days":
        return f"a whole number from {DAYS[0]} to {DAYS[1]}"
    if name == "open_orders":
        return "true or false"
    if name in ("starts_on", "ends_on"):
        return f"a date from {YEARS[0]} to {YEARS[1]}, such as 2026-06-01"
    return f"a text of 1 to {MOST_TEXT} characters"


def _refuse(name: str, value: Any, allowed: str) -> NoReturn:
    shown = repr(value)
    msg = f"{name} is {shown if len(shown) <= 80 else shown[:77] + '...'}; allowed: {allowed}"
    raise ParameterError(msg)


def _percent(change: Change) -> str:
    more = round((float(change.factor or 0.0) - 1) * 100, 1)
    return f"{'+' if more > 0 else '−' if more < 0 else '±'}{abs(more):g} %"


def _scope(change: Change) -> str:
    told = change.item_id or change.category or "everything"
    place = f" at {change.location_id}" if change.location_id else ""
    owner = f" from {change.supplier_id}" if change.supplier_id else ""
    return f"{told}{owner}{place}"


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def _demand_words(change: Change) -> str:
    when = f" from {_day(change.starts_on)}" if change.starts_on else ""
    when += f" until {_day(change.ends_on)}" if change.ends_on else ""
    return f"Demand of {_scope(change)} {_percent(change)}{when}"


def _late_words(change: Change) -> str:
    who = change.supplier_id or "Every supplier"
    return f"{who} {change.days} days late" + (", open orders too" if change.open_orders else "")


def _closed_words(change: Change) -> str:
    to = f" to {change.destination_id}" if change.destination_id else ""
    return f"{change.source_id} sends nothing{to} for {change.days} days"


_WORDS: Mapping[str, Callable[[Change], str]] = MappingProxyType(
    {
        "demand": _demand_words,
        "cost": lambda c: f"Costs of {_scope(c)} {_percent(c)}",
        "price": lambda c: f"Prices of {_scope(c)} {_percent(c)}",
        "late_supplier": _late_words,
        "closed": _closed_words,
    }
)
