"""From contract tables to the positions that a plan starts from; every default that was used is said."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from planning.errors import InputError, NothingToPlanError
from planning.tables import INPUT_TABLES

MAIN = "MAIN"
OVERDUE_LIMIT_DAYS = 60
UNMATCHED_DAYS = 7
"""After so many days an approved order should be among the open orders or receipts."""
KEY = ("item_id", "location_id")

_DTYPES: Mapping[str, Any] = MappingProxyType({"id": "object", "text": "object", "date": "datetime64[s]"})


@dataclass(frozen=True)
class Inputs:
    """All contract tables, complete in their columns, with every location told; and what was assumed."""

    tables: Mapping[str, pd.DataFrame]
    notes: tuple[str, ...]

    def __getitem__(self, name: str) -> pd.DataFrame:
        """One table, by its contract name."""
        return self.tables[name]


def empty_table(name: str) -> pd.DataFrame:
    """Return the named contract table without rows."""
    columns = INPUT_TABLES[name].columns
    return pd.DataFrame({c.name: pd.Series(dtype=_DTYPES.get(c.kind, "float64")) for c in columns})


def read_tables(given: Mapping[str, pd.DataFrame], as_of: date) -> Inputs:
    """Complete the tables, place what has no location, and set aside what lies outside the plan.

    Raises
    ------
    InputError : `sales` or `stock` is missing.
    NothingToPlanError : neither names an item.
    """
    for name in ("sales", "stock"):
        if name not in given:
            msg = f"the table {name} is required: give a {name} file"
            raise InputError(msg)
    tables = {name: _complete(given[name], name) if name in given else empty_table(name) for name in INPUT_TABLES}
    if tables["sales"].empty and tables["stock"].empty:
        msg = "neither sales nor stock hold a row: there is nothing to plan"
        raise NothingToPlanError(msg)
    notes: list[str] = []
    late = tables["sales"]["date"] >= pd.Timestamp(as_of)
    if late.any():
        notes.append(f"Sales rows on or after {as_of}: {int(late.sum()):,}. They were accepted, but not used.")
        tables["sales"] = tables["sales"][~late]
    tables = _place(tables, as_of, notes)
    return Inputs(tables, tuple(notes))


def _complete(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """Give a table all its columns, each of its kind."""
    columns = {}
    for column in INPUT_TABLES[name].columns:
        kind = _DTYPES.get(column.kind, "float64")
        if column.name in frame:
            columns[column.name] = frame[column.name].astype(kind, copy=False)
        else:
            columns[column.name] = pd.Series(None if kind == "object" else np.nan, index=frame.index).astype(kind)
    # The rows are not copied: a table of sales may have millions, and nothing here changes one in place.
    out = pd.DataFrame(columns, index=frame.index, copy=False)
    out.index = pd.RangeIndex(len(out))
    return out


def _place(tables: dict[str, pd.DataFrame], as_of: date, notes: list[str]) -> dict[str, pd.DataFrame]:
    """Give every row of the location-bound tables a location, by the contract's rules."""
    sold = set(tables["sales"]["location_id"].dropna())
    held = set(tables["stock"]["location_id"].dropna())
    no_sales_place = not tables["sales"].empty and not sold
    no_stock_place = not tables["stock"].empty and not held
    out = dict(tables)
    if (no_sales_place and held) or (no_stock_place and sold):
        everywhere = sorted(sold | held)
        if len(everywhere) == 1:
            return _fill_places(out, everywhere[0])
        lacking = "Sales" if no_sales_place else "Stock"
        notes.insert(
            0,
            f"{lacking} name no location while the other table names {len(everywhere)}: everything was pooled "
            f"into one location, {MAIN}. Add location_id to plan each location.",
        )
        out["stock"] = _latest_counts(out["stock"], as_of).assign(as_of=pd.Series(dtype="datetime64[s]"))
        for name, frame in out.items():
            if "location_id" in frame and name not in ("locations", "item_locations", "events", "overrides"):
                out[name] = frame.assign(location_id=MAIN)
        for name in ("locations", "item_locations", "lanes"):
            out[name] = empty_table(name)
        return out
    places = sorted(sold | held)
    return _fill_places(out, places[0] if len(places) == 1 else MAIN)


def _fill_places(tables: dict[str, pd.DataFrame], place: str) -> dict[str, pd.DataFrame]:
    for name in ("sales", "stock"):
        frame = tables[name]
        if frame["location_id"].isna().any():
            tables[name] = frame.assign(location_id=frame["location_id"].where(frame["location_id"].notna(), place))
    return tables


def _latest_counts(stock: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """Return the rows of each location's latest count not after `as_of`; a count without a date is of that morning."""
    dated = stock["as_of"].fillna(pd.Timestamp(as_of))
    known = dated.where(dated <= pd.Timestamp(as_of))
    return stock[known.eq(known.groupby(stock["location_id"], dropna=False).transform("max"))]


def current_stock(stock: pd.DataFrame, as_of: date, notes: list[str]) -> pd.DataFrame:
    """Return on hand, allocated, backorders and unit cost by item and location, lots added up.

    Only the latest count of each location not after `as_of` speaks; expired lots are not on hand;
    a negative on hand is a booking error and counts as zero.
    """
    day = pd.Timestamp(as_of)
    later = stock["as_of"] > day
    if later.any():
        notes.append(f"Stock rows after {as_of}: {int(later.sum()):,}. They were not used.")
    latest = _latest_counts(stock, as_of)
    expired = latest["expiry_date"] < day
    if expired.any():
        gone = latest.loc[expired, "on_hand"].sum()
        notes.append(f"Expired lots: {int(expired.sum()):,}, {gone:,.0f} units. They are not counted as on hand.")
    on_hand = latest["on_hand"].where(~expired, 0.0)
    if (on_hand < 0).any():
        notes.append(f"Stock rows below zero: {int((on_hand < 0).sum()):,}. They count as zero.")
    latest = latest.assign(
        on_hand=on_hand.clip(lower=0),
        allocated=latest["allocated"].fillna(0),
        backorders=latest["backorders"].fillna(0),
    )
    return latest.groupby(list(KEY), sort=True).agg(
        on_hand=("on_hand", "sum"),
        allocated=("allocated", "sum"),
        backorders=("backorders", "sum"),
        unit_cost=("unit_cost", "mean"),
    )


def stock_history(stock: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """Return on hand by item, location and day of the counts before the latest: they show stock-outs."""
    dated = stock[stock["as_of"].notna() & (stock["as_of"] < pd.Timestamp(as_of))]
    return dated.groupby([*KEY, "as_of"], sort=True)["on_hand"].sum().reset_index()


def scheduled_receipts(
    inputs: Inputs, keys: pd.DataFrame, as_of: date, delay_days: float | np.ndarray, notes: list[str]
) -> pd.DataFrame:
    """Return the open orders that count as cover: the first of what `open_orders` returns."""
    return open_orders(inputs, keys, as_of, delay_days, notes)[0]


def open_orders(
    inputs: Inputs,
    keys: pd.DataFrame,
    as_of: date,
    delay_days: float | np.ndarray,
    notes: list[str],
    transfers: pd.DataFrame | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return open orders that count as cover, and those overdue for too long to count.

    Received ones are closed; overdue ones are planned for `as_of`; those more than 60 days overdue are
    no cover. Orders that were approved here stand beside those of the data until these tell of them; one
    approved after `as_of` is not known yet. Each exception is told in `notes`.

    Parameters
    ----------
    delay_days : how much later than due the orders of each row arrive, days, (n,) or the same for all.
    transfers : approved ones that are still to come, as `planning.transfers.approved_transfers` returns them.

    Returns
    -------
    Frames: row (into `keys`), day (from `as_of`), quantity, order_id, due_on, today (approved on `as_of`), source (the
    row that sends it, -1: it is bought).
    """
    approved = _approved_before(inputs, keys, as_of).assign(source=-1)
    if transfers is not None and len(transfers):
        approved = pd.concat([approved, transfers], ignore_index=True) if len(approved) else transfers
    orders = inputs["open_orders"].assign(row=lambda frame: rows_of(frame, keys, sole_location(keys)))
    orders["source"] = _sources(orders, approved)
    # The order of this morning stays that, when the data tell of it on the same morning.
    orders["today"] = _numbers(orders).isin(_numbers(approved[approved["today"]]))
    closed = _received(orders, inputs["receipts"], as_of)
    if closed.any():
        notes.append(f"Open orders that were received already: {int(closed.sum()):,}. They count no more.")
    orders = orders[~closed]
    approved = _still_to_come(approved, inputs, keys, as_of, notes)[list(orders.columns)]
    if len(approved):
        orders = pd.concat([orders, approved], ignore_index=True) if len(orders) else approved
    unknown = orders["row"] < 0
    if unknown.any():
        notes.append(
            f"Open orders for no item and location of the plan: {int(unknown.sum()):,}, "
            f"{orders.loc[unknown, 'quantity'].sum():,.0f} units. They count as no cover."
        )
    orders = orders[~unknown & (orders["quantity"] > 0)]
    day = (orders["due_on"] - pd.Timestamp(as_of)).dt.days
    stale = day < -OVERDUE_LIMIT_DAYS
    if stale.any():
        notes.append(
            f"Open orders more than {OVERDUE_LIMIT_DAYS} days overdue: {int(stale.sum()):,}, "
            f"{orders.loc[stale, 'quantity'].sum():,.0f} units. They count as no cover: close or confirm them."
        )
    overdue = (day < 0) & ~stale
    if overdue.any():
        notes.append(
            f"Overdue open orders: {int(overdue.sum()):,}, {orders.loc[overdue, 'quantity'].sum():,.0f} units. "
            f"They are planned for {as_of}."
        )
    late = np.where(orders["source"] == -1, np.broadcast_to(delay_days, len(keys))[orders["row"]], 0.0)
    orders = orders.assign(day=(day.clip(lower=0) + late).astype(float))
    columns = ["row", "day", "quantity", "order_id", "due_on", "today", "source"]
    return orders.loc[~stale, columns].reset_index(drop=True), orders.loc[stale, columns].reset_index(drop=True)


def _approved_before(inputs: Inputs, keys: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """Return the orders approved until `as_of` in the columns of open orders; `row` (into `keys`), `today` (on it)."""
    approved = inputs["approved_orders"].rename(columns={"order_number": "order_id"})
    approved = approved[~(approved["ordered_on"] > pd.Timestamp(as_of))]
    today = approved["ordered_on"] == pd.Timestamp(as_of)
    return approved.assign(row=rows_of(approved, keys, sole_location(keys)), today=today)


def _numbers(orders: pd.DataFrame) -> pd.MultiIndex:
    """Return what tells lines of orders apart: number, item, and row of the plan."""
    return pd.MultiIndex.from_frame(orders[["order_id", "item_id", "row"]])


def _sources(orders: pd.DataFrame, approved: pd.DataFrame) -> np.ndarray:
    """Return the row that sends each order, -1 where it is bought: what was approved here knows it by its number."""
    moved = approved[approved["source"] != -1]
    moved = moved[~_numbers(moved).duplicated()]
    at = _numbers(moved).get_indexer(_numbers(orders)) if len(moved) else np.full(len(orders), -1)
    return np.where(at >= 0, moved["source"].to_numpy(int)[at], -1) if len(moved) else at


def _still_to_come(
    approved: pd.DataFrame, inputs: Inputs, keys: pd.DataFrame, as_of: date, notes: list[str]
) -> pd.DataFrame:
    """Return the approved orders that no open order and no receipt of the same number, item and location tells of."""
    if approved.empty:
        return approved
    receipts = inputs["receipts"]
    arrived = receipts[receipts["received_on"] <= pd.Timestamp(as_of)]
    told = pd.concat([table[["order_id", "item_id", "location_id"]] for table in (inputs["open_orders"], arrived)])
    told = told[told["order_id"].notna()]
    told = told.assign(row=rows_of(told, keys, sole_location(keys)))
    standing = approved[~_numbers(approved).isin(_numbers(told)) & (approved["quantity"] > 0).to_numpy()]
    waiting = standing[standing["ordered_on"] < pd.Timestamp(as_of) - pd.Timedelta(days=UNMATCHED_DAYS)]
    if len(waiting):
        numbers = waiting["order_id"].drop_duplicates()
        some = f"{', '.join(numbers.head(3))}{' ...' if len(numbers) > 3 else ''}"
        notes.append(
            f"Approved orders that the data do not tell of after {UNMATCHED_DAYS} days: {len(numbers):,} ({some}), "
            f"{waiting['quantity'].sum():,.0f} units. They still count as open: import the open orders, confirm what "
            "matches them, or close them."
        )
    return standing


def _received(orders: pd.DataFrame, receipts: pd.DataFrame, as_of: date) -> pd.Series:
    done = receipts[receipts["order_id"].notna() & (receipts["received_on"] <= pd.Timestamp(as_of))]
    if done.empty or orders.empty:
        return pd.Series(data=False, index=orders.index)
    known = pd.MultiIndex.from_frame(done[["order_id", *KEY]].fillna("")).unique()
    asked = pd.MultiIndex.from_frame(orders[["order_id", *KEY]].fillna(""))
    return pd.Series(asked.isin(known), index=orders.index) & orders["order_id"].notna()


def sole_location(keys: pd.DataFrame) -> str | None:
    """Return the one location of the plan, where there is no other."""
    places = keys["location_id"].unique()
    return str(places[0]) if len(places) == 1 else None


def rows_of(frame: pd.DataFrame, keys: pd.DataFrame, sole: str | None = None) -> np.ndarray:
    """Return the row of `keys` for each row of `frame`, -1 where there is none.

    A missing location means the plan's only one, or the item's only one.
    """
    place = frame["location_id"].astype("object")
    if place.isna().any():
        alone = keys.drop_duplicates("item_id", keep=False).set_index("item_id")["location_id"]
        filled = frame["item_id"].map(alone) if sole is None else pd.Series(sole, index=frame.index)
        place = place.where(place.notna(), filled)
    wanted = pd.MultiIndex.from_arrays([frame["item_id"], place])
    return np.asarray(pd.MultiIndex.from_frame(keys[list(KEY)]).get_indexer(wanted))
