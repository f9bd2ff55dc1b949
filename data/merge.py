"""A new import joined with what was there before: no table is lost, no sale counts twice."""

from collections.abc import Mapping

import pandas as pd

from planning.tables import INPUT_TABLES


def merged(
    given: Mapping[str, pd.DataFrame], earlier: Mapping[str, pd.DataFrame]
) -> tuple[dict[str, pd.DataFrame], list[str]]:
    """Return the tables after an import, and notes on what came from before.

    A table that is not given is taken over; a given one replaces the earlier one. Only sales add up: those given
    replace the earlier rows of their locations within their dates, the other earlier rows stay.

    Parameters
    ----------
    given, earlier : frames by table name, in the contract's columns.
    """
    frames = {}
    notes = []
    for name in INPUT_TABLES:
        if name == "sales" and name in given and name in earlier:
            frames[name], told = _joined_sales(given[name], earlier[name])
            notes += told
        elif name in given:
            frames[name] = given[name]
        elif name in earlier:
            frames[name] = earlier[name]
    taken = [name for name in frames if name not in given and len(frames[name])]
    if taken:
        notes.append(f"taken over from the earlier import: {', '.join(taken)}")
    return frames, notes


def _joined_sales(given: pd.DataFrame, earlier: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Return the earlier sales that the given ones do not cover, and after them the given ones."""
    if given.empty or earlier.empty:
        return (given if earlier.empty else earlier), []
    low, high = given["date"].min(), given["date"].max()
    within = earlier["date"].between(low, high)
    if given["location_id"].notna().any() and earlier["location_id"].notna().any():
        # Where one of the two names no location at all, its rows may stand for any: dates alone decide.
        within &= earlier["location_id"].isin(given["location_id"].unique())
    stay = earlier[~within]
    notes = []
    if within.any():
        dates = f"{low:%Y-%m-%d} to {high:%Y-%m-%d}"
        notes.append(f"sales: {int(within.sum()):,} earlier rows were replaced by the new ones of {dates}")
    if len(stay):
        notes.append(f"sales: {len(stay):,} earlier rows stay beside the new ones")
    return pd.concat([stay, given], ignore_index=True), notes
