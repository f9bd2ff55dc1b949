"""What the URL carries of a view, so that it can be kept and passed on. No Streamlit.

Filters, the level and the item in view, the plan's date where chosen, and the parameters that differ from the
defaults. Whatever a URL says is checked before it counts; what does not fit is dropped.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from pages.components.filters import LONGEST, Filters, names
from planning.errors import ParameterError
from planning.params import Params

KEYS = frozenset({*names(), "search", "item", "at", "level", "of", "as_of", "set"})
"""The names in a URL that are ours."""
EARLIEST, LATEST = date(1990, 1, 1), date(2100, 12, 31)
LEVELS = ("total", "category", "location", "item", "line")
"""How much a demand that is looked at sums up; of a category, location or item the address also says which."""
_LONGEST_PARAMS = 4000


@dataclass(frozen=True)
class View:
    """What a person looks at: date (None: the one that the data suggests), parameters, filters, item and location.

    `level` is one of `LEVELS`; `of` the category, location or item, empty where the level needs none.
    """

    as_of: date | None = None
    params: Params = field(default_factory=Params)
    filters: Filters = field(default_factory=Filters)
    selected: tuple[str, str] | None = None
    level: str = LEVELS[0]
    of: str = ""


def read(url: Mapping[str, list[str]]) -> View:
    """The view that a URL describes, as far as it can be believed; the rest is as on a first visit."""
    last = {key: values[-1] for key, values in url.items() if values}
    item, at, level = last.get("item", ""), last.get("at", ""), last.get("level", "")
    return View(
        as_of=_date(last.get("as_of", "")),
        params=_params(last.get("set", "")),
        filters=Filters.from_values(url),
        selected=(item, at) if item and at and max(len(item), len(at)) <= LONGEST else None,
        level=level if level in LEVELS else LEVELS[0],
        of=_of(level, last.get("of", "")),
    )


def write(view: View) -> dict[str, list[str]]:
    """The URL that describes a view; empty for a first visit."""
    url: dict[str, Any] = {k: v if isinstance(v, list) else [v] for k, v in view.filters.to_values().items()}
    if view.selected:
        url["item"], url["at"] = [view.selected[0]], [view.selected[1]]
    if view.level != LEVELS[0]:
        url["level"] = [view.level]
        if view.of:
            url["of"] = [view.of]
    if view.as_of:
        url["as_of"] = [view.as_of.isoformat()]
    if changes := changed(view.params):
        url["set"] = [json.dumps(changes, separators=(",", ":"), sort_keys=True)]
    return url


def changed(params: Params) -> dict[str, Any]:
    """The parameters that differ from the defaults, as JSON types."""
    plain = Params().to_dict()
    return {name: value for name, value in params.to_dict().items() if value != plain[name]}


def _params(text: str) -> Params:
    if not text or len(text) > _LONGEST_PARAMS:
        return Params()
    try:
        return Params.from_json(text)
    except ParameterError:
        return Params()


def _of(level: str, text: str) -> str:
    return text if level in LEVELS[1:-1] and len(text) <= LONGEST else ""


def _date(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if EARLIEST <= day <= LATEST else None
