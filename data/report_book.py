"""A plan, or several side by side, as one Excel workbook: a sheet a table, the last with data, method and date."""

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Any, Protocol

import pandas as pd

from data.export import workbook
from data.plans import Made, between
from planning.params import Params
from planning.tables import INPUT_TABLES

SHEETS = (
    "replenishment",
    "orders",
    "planned_orders",
    "allocation",
    "exceptions",
    "policy",
    "forecast",
)
"""The tables of a report, in the order of their sheets; those of the plan that are empty are left out."""


CHANGES = (
    "scenario", "item_id", "item_name", "location_id", "source_id", "destination_id",
    "before_units", "after_units", "change_units", "value_change", "cause",
)  # fmt: skip
"""What is told of a line that differs, where it is known."""


class Compared(Protocol):
    """What of plans side by side (`planning.scenario.Comparison`) a report tells."""

    @property
    def plans(self) -> Mapping[str, Made]:
        """The plans by name, the first what the others are held against."""

    @property
    def measures(self) -> pd.DataFrame:
        """Each measure of each plan."""

    @property
    def weeks(self) -> pd.DataFrame:
        """Cash out and stock value by week."""

    @property
    def risks(self) -> pd.DataFrame:
        """The lines whose risk differs."""


class Reported(Protocol):
    """What of a plan (`planning.result.PlanResult`) a report tells."""

    @property
    def as_of(self) -> date:
        """The morning of the plan."""

    @property
    def params(self) -> Params:
        """Its parameters."""

    @property
    def snapshot_id(self) -> str:
        """The data it was made of."""

    @property
    def totals(self) -> Mapping[str, Any]:
        """What it comes to."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What it assumes."""


def report_about(
    plan: Reported, *, name: str, method_version: str, made_on: date, text: str = "", changes: tuple[str, ...] = ()
) -> dict[str, object]:
    """Return what the reader of a report should know: name, date, data, method, what is supposed, each parameter.

    Parameters
    ----------
    changes : in words, what a scenario supposes.
    """
    told: dict[str, object] = {
        "Report": name,
        "Plan for the morning of": plan.as_of.isoformat(),
        "Report made on": made_on.isoformat(),
        "Data": plan.snapshot_id or "files",
        "Method version": method_version,
    }
    if text:
        told["What it is for"] = text
    told |= {f"Supposed {n}": words for n, words in enumerate(changes, start=1)}
    for key, value in plan.params.to_dict().items():
        told[f"Parameter {key}"] = "" if value is None else str(value)
    return told | {f"Assumed {n}": note for n, note in enumerate(plan.notes, start=1)}


def compared_sheets(told: Compared, pinned: pd.DataFrame | None) -> dict[str, pd.DataFrame]:
    """Return plans side by side by the name of their sheets: measures, weeks, and the lines that differ, and why.

    Parameters
    ----------
    pinned : the pins in force, as `data.service.pins` returns them; None: there are none.
    """
    if pinned is None:
        pinned = pd.DataFrame({name: pd.Series(dtype=object) for name in INPUT_TABLES["pins"].names})
    first, *others = told.plans
    moves = [(name, between(told.plans[first], told.plans[name], pinned)) for name in others]
    sheets = {"measures": told.measures, "weeks": told.weeks, "risk_changes": told.risks}
    for n, name in enumerate(("order_changes", "transfer_changes")):
        rows = pd.concat([found[n].assign(scenario=other) for other, found in moves], ignore_index=True)
        rows = rows.rename(columns={column: f"{column}_units" for column in ("before", "after", "change")})
        sheets[name] = rows[[column for column in CHANGES if column in rows]]
    return sheets


def report_book(
    plan: Reported, about: Mapping[str, object], further: Mapping[str, pd.DataFrame] = MappingProxyType({})
) -> bytes:
    """Return the workbook; nothing in it is a formula or a link.

    Parameters
    ----------
    about : what `report_about` returned.
    further : more tables by the name of their sheet, before those of the plan.

    Raises
    ------
    InputError : a table has more rows than a sheet holds.
    """
    totals = pd.DataFrame({"what": list(plan.totals), "value": [_number(value) for value in plan.totals.values()]})
    tables = {"totals": totals, **further}
    tables |= {name: frame for name in SHEETS if len(frame := getattr(plan, name))}
    return workbook(tables, about)


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else float("nan")
