"""What a person looks at: location, supplier, category, class, risk, search. No Streamlit.

A filter comes from a widget or from a URL, and neither is trusted: every value is checked again here, and what does
not fit is dropped.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from planning.params import ABC_CLASSES
from planning.result import Late, PlanResult, Projection

RISKS = ("red", "amber", "green")
MOST_VALUES = 50
LONGEST = 120
_FIXED: Mapping[str, Any] = MappingProxyType({"abc": ABC_CLASSES, "risk": RISKS})
_COLUMNS: Mapping[str, Any] = MappingProxyType(
    {"location": "location_id", "supplier": "supplier_id", "category": "category", "abc": "abc_class"}
)

_FRAMES = (
    "forecast",
    "policy",
    "replenishment",
    "orders",
    "planned_orders",
    "allocation",
    "waterfall",
    "items",
    "exceptions",
    "steps",
    "accuracy",
    "before_after",
)
_ARRAYS = tuple(f.name for f in fields(Projection) if f.name not in ("keys", "days"))


@dataclass(frozen=True)
class Filters:
    """An empty filter lets everything through; several values of one filter are alternatives."""

    location: tuple[str, ...] = ()
    supplier: tuple[str, ...] = ()
    category: tuple[str, ...] = ()
    abc: tuple[str, ...] = ()
    risk: tuple[str, ...] = ()
    search: str = ""

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> "Filters":
        """Filters from widgets or a URL: name -> text or texts; unknown names and unfit values are dropped."""
        known = {name: _checked(name, values[name]) for name in names() if name in values}
        search = next(iter(_texts(values.get("search", ()))), "")
        return cls(**known, search=search)

    def to_values(self) -> dict[str, Any]:
        """The filters in use, as a URL carries them."""
        used = {name: list(getattr(self, name)) for name in names() if getattr(self, name)}
        return used | ({"search": self.search} if self.search else {})

    def but(self, **changes: Any) -> "Filters":
        """The same filters with some changed (and checked)."""
        return replace(self, **{k: getattr(Filters.from_values({k: v}), k) for k, v in changes.items()})

    @property
    def count(self) -> int:
        """How many of the filters are in use."""
        return len(self.to_values())

    def keep(self, frame: pd.DataFrame, plan: PlanResult) -> pd.DataFrame:
        """The rows of a result table that pass, in their order.

        A table without `location_id` (transfers) is kept by its item and by either end.
        """
        if not self.count or frame.empty:
            return frame
        passing = self.lines(plan)
        if "location_id" in frame:
            wanted = pd.MultiIndex.from_frame(passing[["item_id", "location_id"]])
            return frame[pd.MultiIndex.from_frame(frame[["item_id", "location_id"]]).isin(wanted)]
        ends = [c for c in ("destination_id", "source_id") if c in frame]
        if not ends:
            return frame[frame["item_id"].isin(passing["item_id"])]
        pairs = set(zip(passing["item_id"], passing["location_id"], strict=True))
        near = [[(i, e) in pairs for i, e in zip(frame["item_id"], frame[c], strict=True)] for c in ends]
        return frame[pd.DataFrame(near).T.any(axis=1).to_numpy()]

    def narrow(self, plan: PlanResult) -> PlanResult:
        """The plan of the lines that pass; its totals, solver and notes stay those of the whole."""
        if not self.count:
            return plan
        parts: dict[str, Callable[[], Any]] = {
            each.name: partial(getattr, plan, each.name) for each in fields(PlanResult)
        }
        parts |= {name: partial(self._kept, plan, name) for name in _FRAMES}
        parts |= {"figures": partial(self._kept, plan, "lines"), "projection": lambda: self._ahead(plan)}

        def rows(some: np.ndarray) -> np.ndarray:
            return self.keep(plan.lines.reset_index(drop=True), plan).index.to_numpy()[some]

        late = Late(parts, lambda some: plan.reasons(rows(some)), lambda some: plan.near(rows(some)))
        return PlanResult.made_late({}, late)

    def _kept(self, plan: PlanResult, name: str) -> pd.DataFrame:
        return self.keep(getattr(plan, name), plan)

    def _ahead(self, plan: PlanResult) -> Projection:
        rows = self.keep(plan.projection.keys.reset_index(drop=True), plan).index.to_numpy()
        keys = plan.projection.keys.iloc[rows].reset_index(drop=True)
        arrays = {name: getattr(plan.projection, name)[rows] for name in _ARRAYS}
        return replace(plan.projection, keys=keys, **arrays)

    def lines(self, plan: PlanResult) -> pd.DataFrame:
        """The rows of `plan.items` (one an item-location) that pass."""
        items = plan.items
        passing = pd.Series(data=True, index=items.index)
        for name, column in _COLUMNS.items():
            chosen = getattr(self, name)
            if chosen and column in items:
                passing &= items[column].isin(chosen)
        if self.risk:
            risky = plan.lines.loc[plan.lines["risk"].isin(self.risk), ["item_id", "location_id"]]
            passing &= pd.MultiIndex.from_frame(items[["item_id", "location_id"]]).isin(pd.MultiIndex.from_frame(risky))
        if self.search:
            found = pd.Series(data=False, index=items.index)
            for column in ("item_id", "item_name", "category", "supplier_id", "location_id"):
                if column in items:
                    text = items[column].astype("string").fillna("")
                    found |= text.str.contains(self.search, case=False, regex=False).to_numpy(bool)
            passing &= found
        return items[passing]


def names() -> tuple[str, ...]:
    """The filters that hold a choice of values."""
    return tuple(f.name for f in fields(Filters) if f.name != "search")


def _checked(name: str, value: Any) -> tuple[str, ...]:
    texts = list(dict.fromkeys(_texts(value)))[:MOST_VALUES]
    return tuple(t for t in texts if name not in _FIXED or t in _FIXED[name])


def _texts(value: Any) -> Iterable[str]:
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list | tuple):
        return
    for text in values:
        if isinstance(text, str) and text.strip() and len(text) <= LONGEST and text.isprintable():
            yield text if text == text.strip() else text.strip()
