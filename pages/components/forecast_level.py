"""How much of the demand is looked at: all of it, a category, a location, an item, or an item at a location."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import pandas as pd
import streamlit as st

from pages.components import item_choice, lines, session
from pages.components.formats import count, known, literal
from planning.result import PlanResult

NAMES: Mapping[str, str] = MappingProxyType(
    {
        "total": "Total",
        "category": "Category",
        "location": "Location",
        "item": "Item",
        "line": "Item at location",
    }
)
NARROW, WIDE = 150, 280
TABS = "forecast_tab"
"""The key of the page's tabs."""
COLUMNS: Mapping[str, str] = MappingProxyType({"category": "category", "location": "location_id", "item": "item_id"})


@dataclass(frozen=True)
class Level:
    """What is looked at.

    name, of : as in `session.level`; `of` is the item of a line too, `at` the location of a line.
    title : what it is called; user text, not yet made literal.
    keys : item_id, location_id of the lines whose forecasts add up to it, each unit once.
    behind : item_id, location_id of all lines whose past adds up to it.
    """

    name: str
    of: str
    at: str
    title: str
    keys: pd.DataFrame
    behind: pd.DataFrame

    @property
    def is_line(self) -> bool:
        """Whether it is one item at one location."""
        return self.name == "line"


def level_of(plan: PlanResult, whole: PlanResult, name: str, of: str = "", at: str = "") -> Level:
    """Gather the lines of a level.

    Parameters
    ----------
    plan : the plan of the lines in view, from which the level is taken.
    whole : the plan of all lines, which knows what a location feeds.
    """
    items = plan.items
    if name == "line":
        rows = items[(items["item_id"] == of) & (items["location_id"] == at)]
        title = f"{_name(items, of)} at {at}"
    elif name == "total":
        rows, title = lines.outermost(plan), f"all {count(len(lines.selling(plan)), 'line')} in view"
    else:
        part = items if name == "location" else lines.outermost(plan)
        rows = part[part[COLUMNS[name]] == of]
        title = _name(items, of) if name == "item" else of
    keys = rows[list(lines.KEYS)].reset_index(drop=True)
    return Level(name, of, at, title, keys, behind(whole, keys))


def behind(plan: PlanResult, keys: pd.DataFrame) -> pd.DataFrame:
    """The given lines and those that they feed: their past adds up to that of the given."""
    mine = lines.pairs(plan.items).isin(lines.pairs(keys))
    fed = plan.items["fed_by"].notna().to_numpy() & lines.pairs(plan.items, "fed_by").isin(lines.pairs(keys))
    return plan.items.loc[mine | fed, list(lines.KEYS)].reset_index(drop=True)


@dataclass(frozen=True)
class _Widgets:
    """How the widgets of a choice are drawn; apart by place, as one that changes its kind forgets its value."""

    prefix: str
    width: int


def choose(items: pd.DataFrame, first: tuple[str, str], *, compact: bool = False) -> tuple[str, str, str]:
    """The choice of a level and of what at that level; kept in the address. Return name, of and at as in `Level`.

    Parameters
    ----------
    items : the rows of `plan.items` to choose among.
    first : the item and location to begin with where a line is asked for and none is chosen.
    compact : in a drop-down list, where room is scarce.
    """
    name, of = session.level()
    offered = [n for n in NAMES if n != "category" or items["category"].notna().any()]
    name = name if name in offered else "total"
    look = _Widgets("level_compact", NARROW) if compact else _Widgets("level", WIDE)
    key = f"{look.prefix}_name"
    session.seed(key, name)
    more = {"key": key, "on_change": _choose_name, "args": (key,), "format_func": NAMES.__getitem__}
    if compact:
        st.selectbox("Level", offered, width=NARROW, **more)
    else:
        st.segmented_control("Level", offered, required=True, wrap=True, **more)
    if name == "line":
        return name, *_line(items, first, look)
    return name, "" if name == "total" else _which(items, name, of, first, look), ""


def _choose_name(key: str) -> None:
    session.choose_level(session.widget(key))


def _which(items: pd.DataFrame, name: str, of: str, first: tuple[str, str], look: _Widgets) -> str:
    options = sorted({str(v) for v in items[COLUMNS[name]].dropna().unique()})[: item_choice.MOST_ITEMS]
    begin = first[0] if name == "item" and first[0] in options else options[0]
    of = of if of in set(items[COLUMNS[name]]) else begin
    key = f"{look.prefix}_{name}"
    session.seed(key, of)
    st.selectbox(
        NAMES[name],
        options if of in options else [of, *options],
        key=key,
        width=look.width,
        format_func=_names(items) if name == "item" else str,
        on_change=lambda: session.choose_level(name, session.widget(key)),
    )
    return of


def _line(items: pd.DataFrame, first: tuple[str, str], look: _Widgets) -> tuple[str, str]:
    chosen = session.selected() or first
    item_id, location_id = chosen if chosen in lines.pairs(items) else first
    options = sorted({item_id, *sorted(items["item_id"].unique())[: item_choice.MOST_ITEMS]})
    item_key, place_key = f"{look.prefix}_line_item", f"{look.prefix}_line_at"
    session.seed(item_key, item_id)
    st.selectbox(
        "Item",
        options,
        key=item_key,
        width=look.width,
        format_func=_names(items),
        on_change=lambda: _choose_item(items, session.widget(item_key), location_id),
    )
    session.seed(place_key, location_id)
    st.selectbox(
        "Location",
        _places(items, item_id),
        key=place_key,
        width=NARROW,
        on_change=lambda: session.select(item_id, session.widget(place_key)),
    )
    return item_id, location_id


def _places(items: pd.DataFrame, item_id: str) -> list[str]:
    return sorted(items.loc[items["item_id"] == item_id, "location_id"])


def _choose_item(items: pd.DataFrame, item_id: str, location_id: str) -> None:
    places = _places(items, item_id)
    session.select(item_id, location_id if location_id in places else places[0])


def open_line(item_id: str, location_id: str) -> None:
    """Bring the forecast of one line into view."""
    session.select(item_id, location_id)
    session.choose_level("line")
    session.seed(TABS, "Forecast")


def _names(items: pd.DataFrame) -> Callable[[str], str]:
    names = items.drop_duplicates("item_id").set_index("item_id")["item_name"]
    return lambda v: f"{v} · {names[v]}" if known(names.get(v)) else v


def _name(items: pd.DataFrame, item_id: str) -> str:
    names = items.loc[items["item_id"] == item_id, "item_name"]
    return str(names.iloc[0]) if len(names) and known(names.iloc[0]) else item_id


def titled(level: Level) -> str:
    """What is looked at, as Markdown shows it to the letter."""
    return literal(level.title)
