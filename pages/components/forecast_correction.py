"""What a correction of the forecast says, and what it would change before it is kept. No Streamlit."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

import numpy as np
import pandas as pd

from pages.components import lines
from pages.components.formats import day, known, short_day, units
from planning.overrides import corrected
from planning.result import PlanResult

KINDS: Mapping[str, str] = MappingProxyType({"percent": "± %", "add_units": "± units", "set_units": "= units"})
"""percent: more or less by a share; add_units: by so many units over the period; set_units: so many units in all."""


@dataclass(frozen=True)
class Correction:
    """One correction; `item_id`, `category` and `location_id` are None where it speaks of all of them."""

    starts_on: date
    ends_on: date
    kind: str
    value: float
    item_id: str | None = None
    category: str | None = None
    location_id: str | None = None
    reason: str = ""
    locked: bool = False


@dataclass(frozen=True)
class Effect:
    """What a correction does: units of its lines in its period, before and after; money at cost, None where unknown.

    message : why it does not, or not wholly, do what is asked; else empty.
    """

    before: float
    after: float
    value: float | None
    lines: int
    message: str


def effect(plan: PlanResult, draft: Correction) -> Effect:
    """Tell what a correction would do on top of the forecast as it stands.

    Parameters
    ----------
    plan : the plan of all lines, whatever the filters show.
    """
    items, path, starts = _path(plan)
    told = {name: getattr(draft, name) for name in Correction.__dataclass_fields__}
    row = pd.DataFrame([told | {"override_id": "new", "made_at": "", "locked": False}])
    step = int((starts[1] - starts[0]) / np.timedelta64(1, "D")) if len(starts) > 1 else 7
    keys = items[list(lines.KEYS)]
    moved, applied = corrected(path, keys, items["category"].to_numpy(object), starts, step, row)
    change, cost = (moved - path).sum(axis=1), items["unit_cost"].to_numpy(float)
    touched = _touched(items, draft)
    priced = np.isfinite(cost) & touched
    value = float((change * np.nan_to_num(cost))[priced].sum()) if priced.any() else None
    one = applied.iloc[0]
    return Effect(float(one["before"]), float(one["after"]), value, int(touched.sum()), str(one["message"]))


def _path(plan: PlanResult) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """The lines that sell, their mean by bucket, and the first days of the buckets."""
    ahead = lines.keep(plan.forecast, lines.selling(plan)).sort_values([*lines.KEYS, "starts_on"])
    starts = np.sort(ahead["starts_on"].unique())
    keys = ahead[list(lines.KEYS)].drop_duplicates()
    items = keys.merge(plan.items, on=list(lines.KEYS), how="left")
    return items, ahead["mean"].to_numpy(float).reshape(len(items), len(starts)), starts


def _touched(items: pd.DataFrame, draft: Correction) -> np.ndarray:
    touched = np.ones(len(items), bool)
    for name in ("item_id", "category", "location_id"):
        wanted = getattr(draft, name)
        if wanted is not None:
            touched &= (items[name] == wanted).to_numpy()
    return touched


def whom(row: Mapping[str, object]) -> str:
    """Whom a correction speaks of, as user text: `00012 at LEEDS`, `Kitchen`, `all items`."""
    item, category, location = (row.get(name) for name in ("item_id", "category", "location_id"))
    what = str(item) if known(item) else str(category) if known(category) else "all items"
    return f"{what} at {location}" if known(location) else what


def change(kind: object, value: object) -> str:
    """What a correction asks for: `+20 %`, `−40 units`, `= 300 units`."""
    if not known(value):
        return "–"
    number = float(value)  # type: ignore[arg-type]
    sign = "+" if number >= 0 else "−"
    if kind == "percent":
        return f"{sign}{abs(number):g} %"
    return f"= {units(number)}" if kind == "set_units" else f"{sign}{units(abs(number))}"


def period(starts_on: object, ends_on: object) -> str:
    """From when to when."""
    if not known(starts_on) or not known(ends_on):
        return "–"
    return f"{short_day(starts_on)} to {day(ends_on)}"  # type: ignore[arg-type]
