"""Which location feeds which: who buys, who is supplied by transfers, and from where."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from planning.inputs import KEY, Inputs
from planning.params import Params
from planning.what_if import closed_days


@dataclass(frozen=True)
class Network:
    """The item-locations of a plan and how they hang together.

    keys : one row an item-location: item_id, location_id; sorted.
    source : shape (n,), row of the same item at the location that feeds this one, -1 where it buys.
    transit_days : shape (n,), days from that source, 0 where it buys.
    freight : shape (n,), cost of a unit from that source.
    lanes : source_id, destination_id, transit_days, cost_per_unit, cost_per_shipment, capacity.
    warehouses : ids of the warehouses.
    priority : shape (n,), 1 is served first.
    capacity : shape (n,), room at the row's location, in volume where items have one, else units; inf: not told.
    """

    keys: pd.DataFrame
    source: np.ndarray
    transit_days: np.ndarray
    freight: np.ndarray
    lanes: pd.DataFrame
    warehouses: tuple[str, ...]
    priority: np.ndarray
    capacity: np.ndarray

    def ancestors(self) -> list[np.ndarray]:
        """Return, step by step upwards, the row that feeds each row (-1: none left)."""
        steps, at = [], self.source.copy()
        while (at >= 0).any():
            steps.append(at)
            at = np.where(at >= 0, self.source[at], -1)
        return steps

    def pool(self, values: np.ndarray) -> np.ndarray:
        """Add to each row the values of all rows that it feeds, directly or not. Shape kept."""
        out = values.astype(float, copy=True)
        for at in self.ancestors():
            fed = at >= 0
            np.add.at(out, at[fed], values[fed])
        return out

    @property
    def feeds(self) -> np.ndarray:
        """Return whether each row feeds another, shape (n,)."""
        out = np.zeros(len(self.keys), bool)
        out[self.source[self.source >= 0]] = True
        return out


def build_network(inputs: Inputs, params: Params, notes: list[str]) -> Network:
    """Read the lanes (or assume them), add the rows that warehouses need, and find each row's source."""
    warehouses, priorities = _kinds(inputs, notes)
    held = _pairs(inputs["stock"])
    pairs = held.union(_pairs(inputs["sales"]))
    lanes = _lanes(inputs, warehouses, params, notes)
    lanes = lanes[lanes["source_id"] != lanes["destination_id"]]
    _tell_unknown_ends(inputs, pairs, notes)
    told: list[str] = []
    complete = pairs
    while True:
        told.clear()
        choice = _choose_sources(inputs, complete, lanes, held, told)
        asked = pd.MultiIndex.from_frame(choice[["item_id", "source_id"]].drop_duplicates(), names=KEY)
        added = asked.difference(complete)
        if not len(added):
            break
        complete = complete.union(added)
    notes.extend(told)
    if len(complete) > len(pairs):
        notes.append(
            f"{len(complete) - len(pairs):,} items are sold at stores but have no stock row at the warehouse "
            "that feeds them; it is taken to hold none."
        )
    keys = complete.sortlevel()[0].to_frame(index=False)
    at = pd.MultiIndex.from_frame(keys)
    source = np.full(len(keys), -1)
    transit, freight = np.zeros(len(keys)), np.zeros(len(keys))
    rows = at.get_indexer(pd.MultiIndex.from_frame(choice[list(KEY)]))
    source[rows] = at.get_indexer(pd.MultiIndex.from_frame(choice[["item_id", "source_id"]]))
    transit[rows], freight[rows] = choice["transit_days"], choice["cost_per_unit"]
    source = _without_cycles(source, keys, notes)
    # Who feeds whom stays as it is: what is closed for some days only comes later.
    lanes = lanes.assign(
        transit_days=lanes["transit_days"] + _closed(params, lanes["source_id"], lanes["destination_id"])
    )
    above = keys["location_id"].to_numpy(object)[np.maximum(source, 0)]
    transit = transit + _closed(params, above, keys["location_id"])
    priority = keys["location_id"].map(priorities).fillna(1).to_numpy(float)
    room = inputs["locations"].drop_duplicates("location_id").set_index("location_id")["capacity"]
    capacity = keys["location_id"].map(room).astype(float).fillna(np.inf).to_numpy()
    return Network(
        keys,
        source,
        np.where(source >= 0, transit, 0.0),
        np.where(source >= 0, freight, 0.0),
        lanes,
        tuple(warehouses),
        priority,
        capacity,
    )


def _closed(params: Params, source: Any, destination: Any) -> np.ndarray:
    return closed_days(params.what_if, np.asarray(source, object), np.asarray(destination, object))


def _pairs(frame: pd.DataFrame) -> pd.MultiIndex:
    return pd.MultiIndex.from_frame(frame[list(KEY)].drop_duplicates(), names=KEY)


def _kinds(inputs: Inputs, notes: list[str]) -> tuple[list[str], dict[str, float]]:
    locations = inputs["locations"]
    kinds = dict(zip(locations["location_id"], locations["kind"], strict=True))
    priorities = dict(zip(locations["location_id"], locations["priority"].fillna(1), strict=True))
    sold = set(inputs["sales"].loc[inputs["sales"]["quantity"] != 0, "location_id"])
    seen = sorted(sold | set(inputs["stock"]["location_id"]))
    guessed = [place for place in seen if not isinstance(kinds.get(place), str)]
    warehouses = [p for p in seen if kinds.get(p) == "warehouse" or (p in guessed and p not in sold and len(seen) > 1)]
    told = [p for p in warehouses if p in guessed]
    if told and sold:
        notes.append(
            f"{', '.join(told[:5])} held stock but sold nothing and was taken for a warehouse. "
            "A locations file can say otherwise."
        )
    return (warehouses if sold else [p for p in warehouses if p not in guessed]), priorities


def _lanes(inputs: Inputs, warehouses: list[str], params: Params, notes: list[str]) -> pd.DataFrame:
    given = inputs["lanes"]
    if not given.empty:
        return given.fillna({"transit_days": params.transit_days, "cost_per_unit": 0.0, "cost_per_shipment": 0.0})
    stores = sorted((set(inputs["stock"]["location_id"]) | set(inputs["sales"]["location_id"])) - set(warehouses))
    if warehouses and stores:
        notes.append(
            f"No lanes were given: every warehouse feeds every store in {params.transit_days:g} days at no cost."
        )
    grid = pd.MultiIndex.from_product([warehouses, stores], names=["source_id", "destination_id"]).to_frame(index=False)
    return grid.assign(transit_days=params.transit_days, cost_per_unit=0.0, cost_per_shipment=0.0, capacity=np.nan)


def _tell_unknown_ends(inputs: Inputs, pairs: pd.MultiIndex, notes: list[str]) -> None:
    """Tell of lanes to or from places of which no stock, no sales and no location are known: they carry nothing."""
    known = set(pairs.get_level_values("location_id")) | set(inputs["locations"]["location_id"])
    given = inputs["lanes"]
    strange = ~given["source_id"].isin(known), ~given["destination_id"].isin(known)
    count = int((strange[0] | strange[1]).sum())
    if count:
        places = sorted({*given.loc[strange[0], "source_id"], *given.loc[strange[1], "destination_id"]})
        some = ", ".join(places[:5]) + (" ..." if len(places) > 5 else "")
        notes.append(
            f"Lanes to or from places without stock, sales or a row among the locations: {count:,} ({some}). "
            "Correct the name, or import the place's stock."
        )


def _choose_sources(
    inputs: Inputs, pairs: pd.MultiIndex, lanes: pd.DataFrame, held: pd.MultiIndex, notes: list[str]
) -> pd.DataFrame:
    """Return, for each fed item-location, its one source: as told, else who holds the item, cheapest, nearest."""
    options = pairs.to_frame(index=False).merge(lanes, left_on="location_id", right_on="destination_id")
    told = (
        inputs["item_locations"].dropna(subset=["source_id"])[[*KEY, "source_id"]].rename(columns={"source_id": "told"})
    )
    options = options.merge(told, on=list(KEY), how="left")
    hit = (options["told"] == options["source_id"]).groupby([options["item_id"], options["location_id"]]).any()
    named = options["told"].notna().groupby([options["item_id"], options["location_id"]]).any()
    stray = named & ~hit
    if stray.any():
        notes.append(f"{int(stray.sum()):,} item-locations name a source without a lane to them; their lanes decide.")
    holds = pd.MultiIndex.from_frame(options[["item_id", "source_id"]]).isin(held)
    options = options.assign(rank=np.where(options["told"] == options["source_id"], 0, np.where(holds, 1, 2)))
    order = [*KEY, "rank", "cost_per_unit", "transit_days", "source_id"]
    return options.sort_values(order, kind="stable").drop_duplicates(list(KEY))


def _without_cycles(source: np.ndarray, keys: pd.DataFrame, notes: list[str]) -> np.ndarray:
    """Cut lanes that lead back to where they began: such a location buys."""
    source = source.copy()
    at = source.copy()
    for _ in range(len(np.unique(keys["location_id"])) + 1):
        if not (at >= 0).any():
            return source
        at = np.where(at >= 0, source[at], -1)
    rounds = np.zeros(len(source), bool)
    for row in np.flatnonzero(at >= 0):
        seen, here = set(), int(row)
        while source[here] >= 0 and here not in seen:
            seen.add(here)
            here = int(source[here])
        if source[here] >= 0:
            rounds[here] = True
            source[here] = -1
    notes.append(
        f"The lanes of {int(rounds.sum()):,} item-locations run in a circle; there the circle is cut and it buys."
    )
    return source
