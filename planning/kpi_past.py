"""What the past tells for key figures: stock at month ends, sales, receipts, empty shelves, order lines and counts.

All of it is in units, by line and month, so that no parameter and no cost changes it; a selection of lines is a sum.
A month goes from its first morning to that of the next one; stock on a first morning is that of the month's end before.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from planning.fits import Fits
from planning.inputs import KEY, Inputs, read_tables
from planning.kpi_form import Floats
from planning.kpi_orders import lead_lines, supplier_lines
from planning.kpi_rows import Rows, first_day, last_day, summed
from planning.kpi_shelf import Shelf, Span, read_shelf, stock_by_day
from planning.quality import Accuracy, record_accuracy

Days = NDArray[np.datetime64]

MONTHS = 24
"""How far back figures are told: a year, and the same a year before."""
NEAR_DAYS = 7
"""Data that begin so few days after a month's first morning tell of all of it."""
YEAR = pd.Timedelta(days=365).as_unit("s")


@dataclass(frozen=True)
class PastFigures:
    """What the past tells. n lines, those of the plan; B first mornings of months, so B - 1 whole months.

    keys : item_id, location_id.
    as_of : the morning of the plan; covered_to : the morning up to which sales are known.
    mornings : first mornings of months, (B,).
    stock : units on hand by line and morning, (n, B); NaN: its location was not counted in the month before.
    sold : units sold less returns, (n, B - 1); NaN in all lines: before the first sale that is told.
    paid, unpriced : what was paid for them, money, and units of which no sale tells that, (n, B - 1).
    received : units received from suppliers, (n, B - 1); NaN in all lines: before the first receipt that is told.
    unplaced_receipts : of them units that name no line of the plan.
    shelf : what is told of empty shelves.
    stock_told : whether there is any stock at all to go by.
    last_sold, first_held : last day with a sale, first count with stock, NaT: none, (n,).
    sales_from : first day with a sale, None: none.
    launch_on, life_cycle : of the item, (n,). volume : of a unit, NaN unknown. capacity : of the location, (n,).
    orders, leads : order lines of suppliers (`planning.kpi_orders`).
    counts : cycle counts of the last year; count_rows : their lines, -1: none of the plan.
    """

    keys: pd.DataFrame
    as_of: date
    covered_to: date
    mornings: Days
    stock: Floats
    sold: Floats
    paid: Floats
    unpriced: Floats
    received: Floats
    unplaced_receipts: float
    shelf: Shelf
    stock_told: bool
    last_sold: Days
    first_held: Days
    sales_from: date | None
    launch_on: Days
    life_cycle: NDArray[np.object_]
    volume: Floats
    capacity: Floats
    orders: pd.DataFrame
    leads: pd.DataFrame
    counts: Accuracy
    count_rows: NDArray[np.int64]


def past_figures(inputs: Mapping[str, pd.DataFrame] | Inputs, fits: Fits, *, as_of: date) -> PastFigures:
    """Work out what no parameter changes; it may be kept with the snapshot and the fits.

    Parameters
    ----------
    inputs : contract tables by name, as for `planning.pipeline.plan`, or what `read_tables` made of them.
    fits : what `planning.pipeline.fit` returned for them.
    as_of : the morning of the plan; nothing on or after it is used but the stock of that morning.
    """
    tables = inputs if isinstance(inputs, Inputs) else read_tables(inputs, as_of)
    rows = Rows(fits.keys)
    covered_to = as_of - timedelta(days=fits.calendar.gap_days)
    sales = tables["sales"]
    sold_on, sold_at = sales["date"].to_numpy("datetime64[D]"), rows.of(sales)
    mornings = _mornings(tables, sold_on, covered_to)
    sold, paid, unpriced = _sales(sales, sold_on, sold_at, mornings, len(rows))
    received, unplaced = _received(tables, rows, mornings)
    by_day = stock_by_day(tables["stock"], rows, as_of)
    counts = _counts(tables, sold_at, sold_on, rows, as_of)
    items = tables["items"].drop_duplicates("item_id").set_index("item_id")
    launch_on, ends_on = (_of_item(items, rows, name).to_numpy("datetime64[D]") for name in ("launch_on", "ends_on"))
    life_cycle = _of_item(items, rows, "life_cycle").to_numpy(object)
    first_sold, last_sold = _first_and_last(sales, sold_on, sold_at, len(rows))
    ended = np.where(np.isnat(ends_on) & (life_cycle == "dead"), last_sold, ends_on)
    span = Span(launch_on, first_sold, ended)
    room = tables["locations"].drop_duplicates("location_id").set_index("location_id")["capacity"]
    return PastFigures(
        keys=fits.keys[list(KEY)].reset_index(drop=True),
        as_of=as_of,
        covered_to=covered_to,
        mornings=mornings,
        stock=by_day.at(mornings),
        sold=sold,
        paid=paid,
        unpriced=unpriced,
        received=received,
        unplaced_receipts=unplaced,
        shelf=read_shelf(tables, fits, rows, by_day, mornings, span),
        stock_told=not tables["stock"].empty,
        last_sold=last_sold,
        first_held=by_day.first_held(),
        sales_from=sold_on.min().item() if len(sold_on) else None,
        launch_on=launch_on,
        life_cycle=life_cycle,
        volume=_of_item(items, rows, "volume").to_numpy(float),
        capacity=rows.keys["location_id"].map(room).to_numpy(float),
        orders=supplier_lines(tables, rows, as_of),
        leads=lead_lines(tables, rows, as_of),
        counts=counts,
        count_rows=rows.of(counts.rows),
    )


def _mornings(tables: Inputs, sold_on: Days, covered_to: date) -> Days:
    """Return the first mornings of months of which the data tell, the last not after `covered_to`."""
    counted = tables["stock"]["as_of"].dropna().to_numpy("datetime64[D]")
    begins = [days.min() for days in (sold_on, counted) if len(days)]
    last = np.datetime64(covered_to, "M")
    if not begins:
        return np.zeros(0, "datetime64[D]")
    first = max((min(begins) - NEAR_DAYS).astype("datetime64[M]") + 1, last - MONTHS)
    return np.asarray(np.arange(first, last + 1).astype("datetime64[D]"))


def _sales(
    sales: pd.DataFrame, day: Days, at: NDArray[np.int64], mornings: Days, lines: int
) -> tuple[Floats, Floats, Floats]:
    """Return units sold less returns, what was paid for them, and those without a price, by line and month."""
    months = max(len(mornings) - 1, 0)
    month = np.searchsorted(mornings, day, side="right") - 1
    inside = (at >= 0) & (month >= 0) & (month < months)
    cell = at[inside] * months + month[inside]
    units, price = (sales[name].to_numpy(float)[inside] for name in ("quantity", "unit_price"))
    priced = price > 0
    parts = (units, np.where(priced, units * price, 0.0), np.where(priced, 0.0, units))
    sold, paid, unpriced = (summed(cell, part, (lines, months)) for part in parts)
    sold[:, _before(mornings, day)] = np.nan
    return sold, paid, unpriced


def _before(mornings: Days, days: Days) -> NDArray[np.bool_]:
    """Whether each month begins before the data do, (B - 1,)."""
    if not len(days):
        return np.ones(max(len(mornings) - 1, 0), bool)
    return np.asarray(mornings[:-1] < days.min() - NEAR_DAYS)


def _received(tables: Inputs, rows: Rows, mornings: Days) -> tuple[Floats, float]:
    receipts = tables["receipts"]
    day, units = receipts["received_on"].to_numpy("datetime64[D]"), receipts["quantity"].to_numpy(float)
    at = rows.of(receipts)
    months = max(len(mornings) - 1, 0)
    month = np.searchsorted(mornings, day, side="right") - 1
    inside = (month >= 0) & (month < months) & ~np.isnat(day)
    some = inside & (at >= 0)
    received = summed(at[some] * months + month[some], units[some], (len(rows), months))
    received[:, _before(mornings, day[~np.isnat(day)])] = np.nan
    return received, float(units[inside & (at < 0)].sum())


def _first_and_last(sales: pd.DataFrame, day: Days, at: NDArray[np.int64], lines: int) -> tuple[Days, Days]:
    """Return the first and the last day with a sale of each line, NaT: none."""
    some = (at >= 0) & (sales["quantity"].to_numpy(float) > 0)
    return first_day(at[some], day[some], lines), last_day(at[some], day[some], lines)


def _counts(tables: Inputs, sold_at: NDArray[np.int64], sold_on: Days, rows: Rows, as_of: date) -> Accuracy:
    """Return what the cycle counts of the last year tell."""
    counts, morning = tables["counts"], pd.Timestamp(as_of)
    counts = counts[(counts["counted_on"] <= morning) & (counts["counted_on"] > morning - YEAR)]
    at, place = rows.of(counts), rows.keys["location_id"].to_numpy(object)
    counts = counts.assign(location_id=np.where(at >= 0, place[at], counts["location_id"].to_numpy(object)))
    # Of the stock only what may stand for a book, or tell a cost, is asked for.
    stock = tables["stock"]
    bare = counts.loc[counts["book"].isna(), "counted_on"].unique()
    stock = stock[stock["as_of"].isin(bare) | stock["unit_cost"].notna()]
    given = {"counts": counts, "items": tables["items"], "stock": stock, "sales": tables["sales"].iloc[:0]}
    if counts.empty:
        return record_accuracy(given)
    # Classes and shrinkage ask for sums alone: those by line are fewer rows than the sales.
    units = tables["sales"]["quantity"].to_numpy(float).clip(min=0)
    last = counts["counted_on"].to_numpy("datetime64[D]").max()
    year = (sold_on <= last) & (sold_on > last - 365)
    known = sold_at >= 0
    parts = [
        rows.keys.assign(date=on, quantity=np.bincount(sold_at[some], units[some], len(rows)))
        for on, some in ((last, known & year), (last - 365, known & ~year))
    ]
    sums = pd.concat(parts, ignore_index=True).astype({"date": "datetime64[s]"})
    return record_accuracy({**given, "sales": sums})


def _of_item(items: pd.DataFrame, rows: Rows, name: str) -> pd.Series:
    return rows.keys["item_id"].map(items[name])
