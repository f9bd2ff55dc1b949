"""A new import joined with what was there before: nothing is lost, nothing counts twice."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, get_args

import pandas as pd

from planning.errors import InputError
from planning.tables import INPUT_TABLES

How = Literal["add", "replace", "append"]
"""What a new table does to the earlier one; "append" is for rows that were set aside and are corrected."""

ADDED = ("sales", "stock", "receipts", "availability", "counts")
"""Tables that tell what happened: a new file adds to them, unless a person says otherwise."""

STOCK_COUNT = ("item_id", "location_id", "as_of")
"""A new count of an item replaces the earlier one of that day with all its lots."""

_NOTHING: Mapping[str, How] = MappingProxyType({})


def merged(
    given: Mapping[str, pd.DataFrame],
    earlier: Mapping[str, pd.DataFrame],
    how: Mapping[str, How] = _NOTHING,
) -> tuple[dict[str, pd.DataFrame], list[str]]:
    """Return the tables after an import, and notes on what came from before.

    A table that is not given is taken over. A given one adds to the earlier one, or replaces it; `default_how` says
    which, where `how` does not. What is appended comes beside all earlier rows, but for those of its own key; appended
    a second time it changes nothing. What is added replaces only what it tells anew: sales the earlier rows of their
    locations within their dates, stock the counts of the same item, location and day, other tables the rows of the
    same key. Daily counts thus become stock history. A count without a date has no place in a history: it replaces
    all earlier counts.

    Parameters
    ----------
    given, earlier : frames by table name, in the contract's columns.
    how : "add", "replace" or "append" by table.

    Raises
    ------
    InputError : `how` names no table, or none of these.
    """
    _check(how)
    frames = {}
    notes: list[str] = []
    for name in INPUT_TABLES:
        what = how.get(name) or default_how(name)
        if name in given and name in earlier and what != "replace":
            frames[name] = _joined(name, given[name], earlier[name], what, notes)
        elif name in given:
            frames[name] = given[name]
        elif name in earlier:
            frames[name] = earlier[name]
    taken = [name for name in frames if name not in given and len(frames[name])]
    if taken:
        notes.append(f"taken over from the earlier import: {', '.join(taken)}")
    return frames, notes


def default_how(name: str) -> How:
    """Return what a new file of this table does to the earlier rows where nobody says: tables of events add up."""
    return "add" if name in ADDED else "replace"


def _check(how: Mapping[str, How]) -> None:
    for name, what in how.items():
        if name not in INPUT_TABLES:
            msg = f"{name[:80]!r} is no table; the tables are {', '.join(INPUT_TABLES)}"
            raise InputError(msg)
        if what not in get_args(How):
            msg = f"{name}: {str(what)[:40]!r} is none of {', '.join(get_args(How))}"
            raise InputError(msg)


def _joined(name: str, given: pd.DataFrame, earlier: pd.DataFrame, what: How, notes: list[str]) -> pd.DataFrame:
    """Return the earlier rows that the given ones do not tell anew, and after them the given ones."""
    if given.empty or earlier.empty:
        return given if earlier.empty else earlier
    if what == "append" and _all_there(given, earlier):
        notes.append(f"{name}: all {len(given):,} rows stand there already; nothing was added")
        return earlier
    within, where = _told_anew(name, given, earlier, what)
    stay = earlier[~within]
    if within.any():
        notes.append(f"{name}: {int(within.sum()):,} earlier rows were replaced by the new ones{where}")
    if len(stay):
        notes.append(f"{name}: {len(stay):,} earlier rows stay beside the new ones")
    return pd.concat([stay, given], ignore_index=True)


def _told_anew(name: str, given: pd.DataFrame, earlier: pd.DataFrame, what: How) -> tuple[pd.Series, str]:
    """Tell which earlier rows the given ones replace, and within which dates."""
    key = list(INPUT_TABLES[name].key)
    if name == "sales" and what == "append":
        # Without an order a sale has no key: each row is a sale of its own.
        return _same_key(given, earlier, key) & earlier["order_id"].notna(), ""
    if name == "sales":
        dates = f" of {given['date'].min():%Y-%m-%d} to {given['date'].max():%Y-%m-%d}"
        return _same_dates(given, earlier), dates
    if name == "stock" and what == "add":
        return _counted_again(given, earlier), ""
    return _same_key(given, earlier, key), ""


def _all_there(given: pd.DataFrame, earlier: pd.DataFrame) -> bool:
    """Tell whether every given row stands among the earlier ones, as often."""
    asked = _comparable(given).value_counts()
    first = given.columns[0]
    near = earlier[earlier[first].isin(given[first].unique())]
    return bool((_comparable(near[given.columns]).value_counts().reindex(asked.index, fill_value=0) >= asked).all())


def _same_dates(given: pd.DataFrame, earlier: pd.DataFrame) -> pd.Series:
    within = earlier["date"].between(given["date"].min(), given["date"].max())
    if given["location_id"].notna().any() and earlier["location_id"].notna().any():
        # Where one of the two names no location at all, its rows may stand for any: dates alone decide.
        within &= earlier["location_id"].isin(given["location_id"].unique())
    return within


def _counted_again(given: pd.DataFrame, earlier: pd.DataFrame) -> pd.Series:
    undated = given["as_of"].isna()
    if undated.any():
        return pd.Series(data=True, index=earlier.index)
    placed = given["location_id"].notna().any() and earlier["location_id"].notna().any()
    key = list(STOCK_COUNT) if placed else [name for name in STOCK_COUNT if name != "location_id"]
    # Without a date the earlier count was of its own day, which is not known: the dated one is taken for the later.
    older = earlier["as_of"].isna()
    if placed:
        older &= earlier["location_id"].isin(given["location_id"].unique())
    return older | _same_key(given, earlier, key)


def _same_key(given: pd.DataFrame, earlier: pd.DataFrame, key: list[str]) -> pd.Series:
    told = pd.MultiIndex.from_frame(_comparable(given[key]))
    return pd.Series(pd.MultiIndex.from_frame(_comparable(earlier[key])).isin(told), index=earlier.index)


def _comparable(key: pd.DataFrame) -> pd.DataFrame:
    """Let an unknown part of a key equal an unknown one."""
    known: pd.DataFrame = key.apply(lambda column: column.astype(object).where(column.notna(), ""))
    return known
