"""How suppliers kept their promises, by order line: what came when, against what was promised and ordered."""

from datetime import date

import numpy as np
import pandas as pd

from planning.delivery import overdue_orders
from planning.inputs import Inputs
from planning.kpi_rows import Rows
from planning.lead_time import order_lines

LINE = ("item_id", "location_id", "supplier_id", "ordered_on", "promised_on")
SMALL = 1e-6
"""Share of a line's units by which it may fall short and still be in full."""
YEAR = pd.Timedelta(days=365).as_unit("s")


def supplier_lines(inputs: Inputs, rows: Rows, as_of: date) -> pd.DataFrame:
    """Return the order lines that were due in the year before `as_of`.

    One line is all that was ordered of an item for a location from a supplier on one day for one promised day,
    whatever the numbers: what comes later often has a number of its own. What was ordered is the quantity of the
    approved orders of these numbers; where none is known, what came in the end and what is overdue and still open (by
    up to 60 days; beyond that it is no order any more).

    Returns
    -------
    DataFrame: row (-1: no line of the plan), item_id, location_id, supplier_id (None: not told), due_on (the promised
    day, else that of the last delivery), promised (whether there was a promise), units (received), ordered,
    ordered_known (an approved order tells), deliveries (days of receipt), on_time (the first delivery came by the
    promised day), in_full (it held all that was ordered), on_time_in_full (all of it came by the promised day),
    still_open (units).
    """
    morning = pd.Timestamp(as_of)
    parts = _deliveries(inputs, as_of)
    by = parts.groupby(list(LINE), dropna=False, sort=True)
    lines = by.agg(
        units=("units", "sum"), still_open=("still_open", "sum"), first_on=("received_on", "min"),
        last_on=("received_on", "max"), deliveries=("received_on", "nunique"),
    )  # fmt: skip
    lines = lines.assign(asked=by["asked"].sum(min_count=1)).reset_index()
    line = by.ngroup().to_numpy()
    at_first, in_time = (
        np.bincount(
            line, parts["units"].to_numpy(float) * (parts["received_on"] <= lines[on].to_numpy()[line]), len(lines)
        )
        for on in ("first_on", "promised_on")
    )
    known, promised = lines["asked"].notna(), lines["promised_on"].notna()
    ordered = lines["asked"].where(known, lines["units"] + lines["still_open"])
    enough = ordered * (1 - SMALL)
    lines = lines.assign(
        row=rows.of(lines),
        due_on=lines["promised_on"].where(promised, lines["last_on"]),
        promised=promised,
        ordered=ordered,
        ordered_known=known,
        on_time=promised & (lines["first_on"] <= lines["promised_on"]),
        in_full=at_first >= enough,
        on_time_in_full=promised & (in_time >= enough),
    )
    lines = lines[(lines["due_on"] >= morning - YEAR) & (lines["due_on"] < morning)]
    return lines.drop(columns=["ordered_on", "promised_on", "first_on", "last_on", "asked"]).reset_index(drop=True)


def _deliveries(inputs: Inputs, as_of: date) -> pd.DataFrame:
    """Return what came, and what is overdue: the columns of `LINE`, received_on, units, still_open, asked."""
    receipts = inputs["receipts"]
    known = (receipts["received_on"] < pd.Timestamp(as_of)) & (receipts["quantity"] > 0)
    came = receipts[known & (receipts["received_on"] >= receipts["ordered_on"])]
    came = came.assign(units=came["quantity"], still_open=0.0)
    waiting = overdue_orders(inputs["receipts"], inputs["open_orders"], as_of, inputs["items"])
    ordered_on = inputs["open_orders"]["ordered_on"].reindex(waiting.index)
    waiting = waiting.assign(
        ordered_on=ordered_on, promised_on=waiting["due_on"], units=0.0, still_open=waiting["quantity"],
        received_on=pd.Series(pd.NaT, waiting.index, "datetime64[s]"),
    )  # fmt: skip
    columns = ["order_id", *LINE, "received_on", "units", "still_open"]
    some = [frame[columns] for frame in (came, waiting) if len(frame)]
    parts = pd.concat(some, ignore_index=True) if some else came[columns]
    return _supplied(parts, inputs).assign(asked=_approved(inputs, parts))


def _supplied(frame: pd.DataFrame, inputs: Inputs) -> pd.DataFrame:
    """Complete the suppliers from the master data; None: not told."""
    usual = inputs["items"].drop_duplicates("item_id").set_index("item_id")["supplier_id"]
    told = frame["supplier_id"].astype(object)
    told = told.where(told.notna() & (told != ""), frame["item_id"].map(usual))
    names = told.to_numpy(object, copy=True)
    names[told.isna().to_numpy(bool)] = None
    return frame.assign(supplier_id=pd.Series(names, frame.index, dtype=object))


def _approved(inputs: Inputs, parts: pd.DataFrame) -> np.ndarray:
    """Return the units of the approved order behind each part, told once an order; NaN: none is known."""
    approved = inputs["approved_orders"]
    if approved.empty or parts.empty:
        return np.full(len(parts), np.nan)
    key = ["order_id", "item_id", "location_id"]
    asked = approved.rename(columns={"order_number": "order_id"}).groupby(key, dropna=False)["quantity"].sum()
    found = asked.reindex(pd.MultiIndex.from_frame(parts[key])).to_numpy(float)
    return np.where(parts["order_id"].isna() | parts.duplicated(key), np.nan, found)


def lead_lines(inputs: Inputs, rows: Rows, as_of: date) -> pd.DataFrame:
    """Return the order lines received in the year before `as_of` with their lead time and that promised.

    Typing errors are left out as in `planning.lead_time.order_lines`.

    Returns
    -------
    DataFrame: row, item_id, location_id, supplier_id, lead_time_days, promised_days (days).
    """
    receipts = inputs["receipts"]
    recent = receipts[receipts["received_on"] >= pd.Timestamp(as_of) - YEAR]
    lines = order_lines(_supplied(recent, inputs), as_of)
    lines = lines[lines["promised_days"].notna()].reset_index(drop=True)
    return lines.assign(row=rows.of(lines))
