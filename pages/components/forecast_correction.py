"""What a correction of the forecast says, and what it would change before it is kept. No Streamlit."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from types import MappingProxyType

import numpy as np
import pandas as pd

from pages.components import lines
from pages.components.formats import day, known, short_day, units
from planning.overrides import corrected
from planning.result import PlanResult
from planning.tables import INPUT_TABLES

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


def effect(
    plan: PlanResult,
    draft: Correction,
    statistical: np.ndarray | None = None,
    standing: pd.DataFrame | None = None,
) -> Effect:
    """Tell what a correction would do beside those that stand.

    Parameters
    ----------
    plan : the plan of all lines, whatever the filters show.
    statistical : mean by line and bucket before all corrections, in the order of `plan.forecast`; None: not known, so
        that the draft is laid on the forecast as it stands.
    standing : the corrections in force, in the columns of the contract.
    """
    starts, keys, mean = _laid_out(plan)
    known_before = statistical is not None and statistical.shape == mean.shape
    path = np.asarray(statistical, float) if known_before else mean
    sells = lines.pairs(keys).isin(lines.pairs(lines.selling(plan)))
    items = keys[sells].merge(plan.items, on=list(lines.KEYS), how="left")
    before = standing if known_before and standing is not None else _rows().iloc[:0]
    nothing = Correction(**(asdict(draft) | {"kind": "percent", "value": 0.0, "locked": False}))
    now, told = _corrected(path[sells], items, starts, before, nothing)
    then, asked = _corrected(path[sells], items, starts, before, draft)
    change, cost = (then - now).sum(axis=1), items["unit_cost"].to_numpy(float)
    touched = _touched(items, draft)
    priced = np.isfinite(cost) & touched
    value = float((change * np.nan_to_num(cost))[priced].sum()) if priced.any() else None
    return Effect(float(told["before"]), float(asked["after"]), value, int(touched.sum()), str(asked["message"]))


def _laid_out(plan: PlanResult) -> tuple[np.ndarray, pd.DataFrame, np.ndarray]:
    """The first days of the buckets, (H,), the keys of the lines, and their mean by bucket, (n, H)."""
    starts = np.sort(plan.forecast["starts_on"].unique())
    buckets = max(len(starts), 1)
    keys = plan.forecast[list(lines.KEYS)].iloc[::buckets].reset_index(drop=True)
    return starts, keys, plan.forecast["mean"].to_numpy(float).reshape(len(keys), buckets)


def _corrected(
    path: np.ndarray, items: pd.DataFrame, starts: np.ndarray, standing: pd.DataFrame, draft: Correction
) -> tuple[np.ndarray, pd.Series]:
    """The mean after all corrections, the draft as the last made, and what the draft did."""
    step = int((starts[1] - starts[0]) / np.timedelta64(1, "D")) if len(starts) > 1 else 7
    both = pd.concat([standing[list(_COLUMNS)], _rows(draft)], ignore_index=True) if len(standing) else _rows(draft)
    categories = items["category"].to_numpy(object)
    moved, applied = corrected(path, items[list(lines.KEYS)], categories, starts, step, both)
    return moved, applied.iloc[-1]


_COLUMNS = INPUT_TABLES["overrides"].names
_LAST = "2200-01-01T00:00:00"
"""The draft counts as made after all others."""


def _rows(*drafts: Correction) -> pd.DataFrame:
    """Drafts as rows of the contract's table."""
    told = [asdict(d) | {"override_id": "draft", "made_at": _LAST, "locked": float(d.locked)} for d in drafts]
    return pd.DataFrame(told, columns=list(_COLUMNS))


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
