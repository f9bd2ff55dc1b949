"""Key figures of how far the stock records can be trusted, from cycle counts."""

import numpy as np
import pandas as pd

from planning.kpi_form import Floats, Kpi, join, kpi, over_time, ratio
from planning.kpi_view import View
from planning.phrases import said_day

COUNTS = "Bring counts: item, location, day, units found, and book (what the record said)."


def record_kpis(view: View) -> list[Kpi]:
    """Return record accuracy, value accuracy and shrinkage, of the counts of the last year."""
    at, every = view.past.count_rows, view.past.counts
    rows = every.rows[np.where(at >= 0, view.chosen[at], view.everything)] if len(at) else every.rows
    period = f"12 months to {said_day(view.past.as_of)}"
    agrees, book, units = (rows[name].to_numpy(float) for name in ("agrees", "book", "difference"))
    cost = _cost_of(view, rows["item_id"])
    off, priced = units * cost, ~np.isnan(cost)
    rows = rows.assign(value=off)
    month = rows["counted_on"].to_numpy("datetime64[M]")
    months = np.unique(month)
    share = np.array([agrees[month == one].mean() for one in months], float)
    lost = np.array([-off[(month == one) & priced].sum() for one in months], float)
    booked = float((np.maximum(book, 0) * cost)[priced].sum())
    told = join([
        f"{len(rows):,} counts of {int(rows[['item_id', 'location_id']].drop_duplicates().shape[0]):,} lines"
        if len(rows) else "",
        f"{every.unmatched:,} counts without a book are left out" if every.unmatched and view.everything else "",
    ])  # fmt: skip
    bare = f"{int((~priced).sum()):,} counts have no cost" if len(rows) and not priced.all() else ""
    bring = COUNTS if every.rows.empty or view.everything else "None of these lines was counted: count some of them."
    missing = bring if rows.empty else "Bring unit_cost in items (or in stock)."
    wrong = rows[rows["difference"] != 0]
    return [
        kpi("record_accuracy", ratio(float(agrees.sum()), float(len(rows))), period, missing=bring, covered=told,
            trend=over_time(months.astype("datetime64[D]"), share),
            items=rows[~rows["agrees"].astype(bool)]),
        kpi("value_accuracy", 1 - ratio(float(np.abs(off[priced]).sum()), booked), period, missing=missing,
            covered=join([told, bare]), items=wrong),
        kpi("shrinkage", 0.0 - float(off[priced].sum()) if priced.any() else None, period, missing=missing,
            covered=join([told, bare, f"{0.0 - units.sum():,.0f} units" if len(rows) else ""]),
            trend=over_time(months.astype("datetime64[D]"), lost),
            items=wrong.assign(shrinkage=-wrong["value"]).sort_values("shrinkage", ascending=False, kind="stable")),
    ]  # fmt: skip


def _cost_of(view: View, items: pd.Series) -> Floats:
    """Return the unit cost of each item, not a number where it is unknown."""
    costs = pd.Series(view.cost).groupby(view.keys["item_id"].to_numpy(object)).mean()
    return np.asarray(items.map(costs), float)
