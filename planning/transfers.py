"""Transfers that people decided: those approved, which are on their way, and those set by hand for this morning."""

from datetime import date

import numpy as np
import pandas as pd

from planning.inputs import Inputs, rows_of
from planning.network import Network

PURCHASE, ELSEWHERE = -1, -2
"""What stands for the source of a receipt that is bought, and of one from a location that the plan does not know."""


def approved_transfers(inputs: Inputs, keys: pd.DataFrame, as_of: date, notes: list[str]) -> pd.DataFrame:
    """Return the transfers approved until `as_of`; what the stock tells of already is told in `notes`.

    Returns
    -------
    DataFrame in the columns of open orders (order_id, item_id, location_id of the destination, quantity, due_on,
    ordered_on) and: row of the destination and source (rows of `keys`, ELSEWHERE where unknown), ship_on,
    today (approved on `as_of`), leaves (the source's stock still holds it), comes (the destination's does not yet).
    """
    frame = inputs["approved_transfers"]
    frame = frame.assign(approved_on=frame["approved_on"].fillna(frame["ship_on"]))
    frame = frame[(frame["approved_on"] <= pd.Timestamp(as_of)) & (frame["quantity"] > 0)]
    ends = {name: rows_of(frame.assign(location_id=frame[f"{name}_id"]), keys) for name in ("source", "destination")}
    counted = _counted_on(inputs["stock"], as_of)
    left = _shown(frame["shipped"], frame["source_id"].map(counted) > frame["ship_on"])
    came = _shown(frame["received"], frame["destination_id"].map(counted) > frame["arrives_on"])
    _tell(frame, left, came, ends, notes)
    return frame.assign(
        order_id=frame["transfer_number"],
        location_id=frame["destination_id"],
        supplier_id=pd.Series(None, index=frame.index, dtype=object),
        due_on=frame["arrives_on"],
        ordered_on=frame["approved_on"],
        row=ends["destination"],
        source=np.where(ends["source"] >= 0, ends["source"], ELSEWHERE),
        today=frame["approved_on"] == pd.Timestamp(as_of),
        leaves=~left,
        comes=~came,
    ).reset_index(drop=True)


def promised(transfers: pd.DataFrame, rows: int) -> np.ndarray:
    """Return the units that each row has promised to others and still holds, (rows,)."""
    some = transfers[transfers["leaves"] & (transfers["source"] >= 0)]
    return np.bincount(some["source"], some["quantity"], minlength=rows).astype(float)


def hand_transfers(pins: pd.DataFrame, keys: pd.DataFrame, as_of: date, notes: list[str]) -> pd.DataFrame:
    """Return the transfers set by hand for this morning, the latest word on each.

    Parameters
    ----------
    pins : the contract's `transfer_pins`.

    Returns
    -------
    DataFrame: source, destination (rows of `keys`), quantity (units, 0: none). What the plan does not know is told.
    """
    some = pins[(pins["planned_on"].isna() | (pins["planned_on"] == pd.Timestamp(as_of))) & (pins["quantity"] >= 0)]
    some = some.assign(
        source=rows_of(some.assign(location_id=some["source_id"]), keys),
        destination=rows_of(some.assign(location_id=some["destination_id"]), keys),
    )
    unknown = (some["source"] < 0) | (some["destination"] < 0) | (some["source"] == some["destination"])
    if unknown.any():
        notes.append(
            f"Transfers set by hand without an effect: {int(unknown.sum()):,}. "
            "They name no item and two locations of the plan."
        )
    some = some[~unknown].sort_values("made_at", kind="stable", na_position="first")
    some = some.drop_duplicates(["source", "destination"], keep="last").sort_values(["source", "destination"])
    return some[["source", "destination", "quantity"]].reset_index(drop=True)


def pooled_receipts(receipts: pd.DataFrame, network: Network) -> tuple[pd.DataFrame, np.ndarray]:
    """Return the receipts of each row and all that it feeds, and the units on their way between these.

    What a location sends to one that it feeds is no receipt of both together: it was theirs before.

    Parameters
    ----------
    receipts : row, day, quantity, today, source.

    Returns
    -------
    (DataFrame: row, day, quantity, today; the units on their way within each row's pool, (n,)).
    """
    own = receipts[["row", "day", "quantity", "today", "source"]]
    row, source = own["row"].to_numpy(int), own["source"].to_numpy(int)
    parts, within = [own], np.zeros(len(network.keys))
    for step in network.ancestors():
        above = step[row]
        inner = (above >= 0) & _feeds(network, above, source)
        np.add.at(within, above[inner], own["quantity"].to_numpy(float)[inner])
        up = (above >= 0) & ~inner
        parts.append(own[up].assign(row=above[up]))
    whole = pd.concat(parts, ignore_index=True) if len(own) else own
    return whole.drop(columns="source"), within


def _feeds(network: Network, above: np.ndarray, source: np.ndarray) -> np.ndarray:
    """Whether a source is the row above, or one that it feeds; False for none, (k,)."""
    known = np.maximum(source, 0)
    out = above == known
    for step in network.ancestors():
        out |= (above == step[known]) & (above >= 0)
    return np.asarray(out & (source >= 0))


def _counted_on(stock: pd.DataFrame, as_of: date) -> pd.Series:
    """Return the day of each location's latest count not after `as_of`, by location; undated ones say nothing."""
    dated = stock[stock["as_of"] <= pd.Timestamp(as_of)]
    return dated.groupby("location_id")["as_of"].max()


def _shown(told: pd.Series, counted_after: pd.Series) -> pd.Series:
    """Whether the stock shows it: as told, else by the day of the count."""
    return (told > 0).where(told.notna(), counted_after).astype(bool)


def _tell(frame: pd.DataFrame, left: pd.Series, came: pd.Series, ends: dict[str, np.ndarray], notes: list[str]) -> None:
    def units(some: pd.Series) -> str:
        return f"{int(some.sum()):,}, {frame.loc[some, 'quantity'].sum():,.0f} units"

    if (left & ~came).any():
        notes.append(
            f"Approved transfers that a newer count at their source shows already: {units(left & ~came)}. "
            "They take nothing more from its stock, and are still on their way."
        )
    if came.any():
        notes.append(
            f"Approved transfers that the data show at their destination already: {units(came)}. "
            "They are no longer on their way."
        )
    unknown = pd.Series(ends["source"] < 0, index=frame.index) & ~left
    if unknown.any():
        notes.append(
            f"Approved transfers from no item and location of the plan: {units(unknown)}. They take from no stock."
        )
