"""Sales that name no location while the stock has several: which location serves them, by channel."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from data.upload import shown
from planning.errors import InputError

ANY = None
"""Stands for every channel that is not named, and for sales without one."""


@dataclass(frozen=True)
class PlaceQuestion:
    """What to ask: which of these locations serves the sales of each channel.

    locations : where stock lies, in order.
    channels : the channels of the sales that name no location, the largest first; None: no channel is told.
    units : sold by each channel.
    rows : sales rows that name no location.
    """

    locations: tuple[str, ...]
    channels: tuple[str | None, ...]
    units: tuple[float, ...]
    rows: int


def place_question(frames: Mapping[str, pd.DataFrame]) -> PlaceQuestion | None:
    """Return the question, or None where nothing is to be asked: every sale has its place, or stock has only one."""
    places = _places(frames)
    sales = _unplaced(frames)
    if len(places) < 2 or sales.empty:
        return None
    channel = _channel(sales)
    units = sales["quantity"].clip(lower=0).groupby(channel, dropna=False).sum()
    units = units.sort_index().sort_values(ascending=False, kind="stable")
    names = tuple(None if pd.isna(name) else str(name) for name in units.index)
    return PlaceQuestion(tuple(places), names, tuple(float(n) for n in units), len(sales))


def assign_location(frames: Mapping[str, pd.DataFrame], by: Mapping[str | None, str]) -> dict[str, pd.DataFrame]:
    """Return the tables with a location for the sales that name none.

    Parameters
    ----------
    frames : contract frames by table.
    by : {channel: location_id}; the key None stands for every channel that is not named, and for sales without one;
        a channel without sales is no fault, so that the same answer serves the next file too.

    Raises
    ------
    InputError : a location holds no stock.
    """
    sales = _unplaced(frames)
    if sales.empty or not by:
        return dict(frames)
    places = _places(frames)
    unknown = [place for place in by.values() if place not in places]
    if unknown:
        known = ", ".join(shown(place, 40) for place in places[:20]) or "none is told"
        msg = f"no stock lies at {shown(unknown[0], 40)!r}: choose one of these locations: {known}"
        raise InputError(msg)
    place = _channel(sales).map({name: place for name, place in by.items() if name is not None}).astype(object)
    if ANY in by:
        place = place.where(place.notna(), by[ANY])
    everything = frames["sales"]
    new = everything.get("location_id", pd.Series(None, everything.index)).astype(object).copy()
    new.loc[place.index] = [None if missing else name for name, missing in zip(place, place.isna(), strict=True)]
    return {**frames, "sales": everything.assign(location_id=new)}


def _places(frames: Mapping[str, pd.DataFrame]) -> list[str]:
    stock = frames.get("stock")
    if stock is None or "location_id" not in stock:
        return []
    return sorted(stock["location_id"].dropna().unique())


def _unplaced(frames: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    sales = frames.get("sales", pd.DataFrame({"quantity": []}))
    return sales[sales["location_id"].isna()] if "location_id" in sales else sales


def _channel(sales: pd.DataFrame) -> pd.Series:
    return sales.get("channel", pd.Series(None, sales.index)).astype(object)
