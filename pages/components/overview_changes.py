"""What changed since the plan before, and why, in money. No Streamlit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Protocol, TypeVar

import pandas as pd

from pages.components.formats import count, money, units

CAUSES: Mapping[str, str] = MappingProxyType(
    {
        "demand": "demand",
        "stock": "stock",
        "receipts": "open orders",
        "parameters": "times and settings",
        "target": "service target",
        "pin": "set by hand",
        "limits": "packs, limits, order day",
        "new or gone": "lines new or gone",
    }
)
"""What moves an order, in the words of the pages; `data.plans.CAUSES`."""
LEAST_MOVED = 0.5
MOST_CAUSES = 4


class Kept(Protocol):
    """What is known of a kept plan (`data.catalog.PlanRecord`)."""

    @property
    def plan_key(self) -> str:
        """What it was made from."""

    @property
    def kind(self) -> str:
        """Replenishment or allocation."""

    @property
    def status(self) -> str:
        """Draft, plan of record, or superseded."""

    @property
    def as_of(self) -> date:
        """Its morning."""


Record = TypeVar("Record", bound=Kept)


@dataclass(frozen=True)
class Change:
    """What all changes come to: lines that differ, their worth (money; None: not known), and by cause, largest first.

    causes : words and money, or units where no cost is known.
    """

    lines: int
    money: float | None
    units: float
    causes: tuple[tuple[str, float], ...]


def last_plan(kept: Sequence[Record], key: str, as_of: date) -> Record | None:
    """Return the plan that today's is told apart from.

    The plan of record, where it is not today's own; else the newest one of an earlier morning; else the newest other
    one. None: there is no other.

    Parameters
    ----------
    kept : plans, the newest first. key : `pipeline.plan_key` of the plan in view.
    """
    others = [one for one in kept if one.kind == "replenishment" and one.plan_key != key and one.as_of <= as_of]
    of_record = [one for one in others if one.status == "plan of record"]
    earlier = [one for one in others if one.as_of < as_of]
    return next(iter([*of_record, *earlier, *others]), None)


def told_changes(rows: pd.DataFrame) -> Change:
    """Sum up changed lines, as `data.plans.changes` tells them."""
    cost = (rows["value_change"] / rows["change"].where(rows["change"] != 0)).astype(float)
    priced = bool(cost.notna().any())
    weight = cost if priced else 1.0
    causes = [(words, float((rows[name] * weight).sum())) for name, words in CAUSES.items() if name in rows]
    moved = sorted((part for part in causes if abs(part[1]) >= LEAST_MOVED), key=lambda part: -abs(part[1]))
    worth = float(rows["value_change"].sum()) if rows["value_change"].notna().any() else None
    return Change(len(rows), worth, float(rows["change"].sum()), tuple(moved[:MOST_CAUSES]))


def signed(value: float, told: str) -> str:
    """A change with its sign."""
    return told if value < 0 else f"+{told}"


def in_words(change: Change, currency: str) -> str:
    """What changed in a sentence: how many lines, what they come to, and what moved them."""

    def amount(value: float) -> str:
        return signed(value, money(value, currency) if change.money is not None else units(round(value)))

    total = amount(change.units if change.money is None else change.money)
    causes = "; ".join(f"{words} {amount(value)}" for words, value in change.causes)
    return f"{count(change.lines, 'order line')} changed, {total} in all{': ' + causes if causes else ''}."


def parts_in_words(rows: pd.DataFrame) -> list[str]:
    """What moved each line, the largest first, in units that add up to its change."""
    names = [name for name in CAUSES if name in rows]
    told = []
    for row in rows[names].to_dict("records"):
        moved = sorted(((CAUSES[n], row[n]) for n in names if abs(row[n]) >= LEAST_MOVED), key=lambda p: -abs(p[1]))
        told.append(", ".join(f"{name} {value:+,.0f}".replace("-", "−") for name, value in moved))
    return told
