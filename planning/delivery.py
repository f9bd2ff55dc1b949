"""How suppliers deliver: the lead times of their receipts, told by supplier, with what is still open.

An open order that is overdue tells that its lead time is longer than it has waited so far. Left out, a supplier
looks the faster the later it delivers; counted as a right-censored observation, it does not.
Source: Kaplan & Meier, Journal of the American Statistical Association 53 (1958) 457-481.
"""

from datetime import date

import numpy as np
import pandas as pd

from planning.inputs import OVERDUE_LIMIT_DAYS, empty_table
from planning.lead_time import ENOUGH, order_lines

CROSSOVER_LIMIT = 0.05
"""Share of lines that overtake an earlier order from which orders are said to cross."""

POINTS = 5
"""Equally likely lead times that stand for a distribution."""

UNKNOWN = ""
"""Stands for a supplier that is not told, within this module."""


def lead_time_table(
    receipts: pd.DataFrame, open_orders: pd.DataFrame, as_of: date, items: pd.DataFrame | None = None
) -> pd.DataFrame:
    """What each supplier's deliveries tell of its lead time, in calendar days from order to receipt.

    Parameters
    ----------
    receipts, open_orders : the input tables of these names; may be empty, and lack optional columns.
    as_of : the morning of the plan; later receipts are not known.
    items : the input table, for the supplier of a row that names none; None: not used.

    Returns
    -------
    DataFrame, one row a supplier (None: not told), the most lines first: supplier_id, lines (order lines), set_aside
    (lines left out as typing errors), lead_time_days (mean), lead_time_sd_days (n - 1; missing for one line),
    median_days, q95_days, promised_days (mean), share_late (of the lines with a promise), overdue (open order lines
    that are late), lead_time_with_overdue_days (mean with these as censored observations; a lower bound where the
    longest is still open), share_crossed (lines that overtook an earlier order of the same item), crossover (flag:
    more than `CROSSOVER_LIMIT`; the plan then holds more safety stock than it needs).

    Source: mean, spread and share late as in Silver, Pyke & Thomas, 4th ed. (2017), ch. 6; crossover: Robinson &
    Bradley (2005).
    """
    known = _with_suppliers(receipts, "receipts", items)
    lines = order_lines(known, as_of)
    waits = overdue_orders(known, open_orders, as_of, items)
    by = lines.groupby("supplier_id")
    days = by["lead_time_days"]
    late = (lines["lead_time_days"] > lines["promised_days"]).where(lines["promised_days"].notna()).astype(float)
    suppliers = pd.Index(np.union1d(_distinct(lines), _distinct(waits)), name="supplier_id")
    distribution = _survival(lines, waits)
    mean = (distribution["days"] * distribution["share"]).groupby(distribution["supplier_id"]).sum()
    crossed = _crossed(known, as_of)
    table = pd.DataFrame(
        {
            "lines": days.size().reindex(suppliers, fill_value=0),
            "set_aside": (_raw_lines(known, as_of).reindex(suppliers, fill_value=0) - days.size()).clip(lower=0),
            "lead_time_days": days.mean(),
            "lead_time_sd_days": days.std(ddof=1),
            "median_days": days.median(),
            "q95_days": days.quantile(0.95),
            "promised_days": by["promised_days"].mean(),
            "share_late": late.groupby(lines["supplier_id"]).mean(),
            "overdue": waits.groupby("supplier_id").size(),
            "lead_time_with_overdue_days": mean,
            "share_crossed": crossed,
        },
        index=suppliers,
    )
    counts = ["lines", "set_aside", "overdue"]
    table[counts] = table[counts].fillna(0).astype(int)
    table["crossover"] = (table["share_crossed"] > CROSSOVER_LIMIT).astype(bool)
    return _named(table.reset_index().sort_values(["lines", "supplier_id"], ascending=[False, True]))


def lead_time_distribution(
    receipts: pd.DataFrame, open_orders: pd.DataFrame, as_of: date, items: pd.DataFrame | None = None
) -> pd.DataFrame:
    """The empirical distribution of the lead time by supplier, overdue open orders as censored observations.

    Parameters are those of `lead_time_table`.

    Returns
    -------
    DataFrame: supplier_id (None: not told), days, share (probability of that lead time), arrived (share of orders
    that arrived within so many days). Where the longest observation is still open, its share stands at the days it
    has waited so far.
    """
    known = _with_suppliers(receipts, "receipts", items)
    found = _survival(order_lines(known, as_of), overdue_orders(known, open_orders, as_of, items))
    found["arrived"] = found.groupby("supplier_id")["share"].cumsum().clip(upper=1.0)
    return _named(found)


def lead_time_shapes(
    keys: pd.DataFrame,
    receipts: pd.DataFrame,
    open_orders: pd.DataFrame,
    as_of: date,
    items: pd.DataFrame | None = None,
) -> np.ndarray:
    """Return five equally likely lead times of each row, less their mean and by their spread, ascending, (n, 5).

    Each is the mean of a fifth of the empirical distribution, overdue orders counted as censored: that of the item at
    its location, of the item where receipts name no location, else of its supplier, the first with `ENOUGH` lines.
    NaN where none has, or where all take equally long.

    Parameters
    ----------
    keys : item_id, location_id, supplier_id, n rows. The others are those of `lead_time_table`.
    """
    known = _with_suppliers(receipts, "receipts", items)
    lines, waits = order_lines(known, as_of), overdue_orders(known, open_orders, as_of, items)
    out = np.full((len(keys), POINTS), np.nan)
    for by in (["supplier_id"], ["item_id"], ["item_id", "location_id"]):
        # Lines of an item count for all its locations only where they name none.
        some, still = (f[f["location_id"].isna()] if by == ["item_id"] else f for f in (lines, waits))
        found = _shapes(some, still, keys, by)
        out = np.where(np.isnan(found), out, found)
    return out


def _shapes(lines: pd.DataFrame, waits: pd.DataFrame, keys: pd.DataFrame, by: list[str]) -> np.ndarray:
    """Return the shape of the group of each key, NaN where it has none, (n, 5)."""
    everything = pd.concat([lines[by], waits[by], keys[by]], ignore_index=True).astype(object)
    lacking = everything.isna().any(axis=1) | (everything == UNKNOWN).any(axis=1)
    group = everything.groupby(by, dropna=False, sort=False).ngroup().where(~lacking, -1).to_numpy(int)
    of_line, of_wait, of_key = np.split(group, [len(lines), len(lines) + len(waits)])
    enough = np.append(np.bincount(of_line[of_line >= 0], minlength=max(group.max(initial=-1) + 1, 1)) >= ENOUGH, False)
    seen = _survival(
        lines.assign(supplier_id=of_line)[enough[of_line]], waits.assign(supplier_id=of_wait)[enough[of_wait]]
    )
    which, days, share = (seen[name].to_numpy() for name in ("supplier_id", "days", "share"))
    points = fifths(which.astype(int), days.astype(float), share.astype(float), len(enough))
    spread = points.std(axis=1)
    told = spread > 1e-9
    shape = (points - points.mean(axis=1)[:, None]) / np.where(told, spread, 1.0)[:, None]
    return np.where(told[of_key][:, None], shape[of_key], np.nan)


def fifths(group: np.ndarray, days: np.ndarray, share: np.ndarray, groups: int) -> np.ndarray:
    """Return the mean of each fifth of the distribution of each group, (groups, 5): together they have its mean.

    Parameters
    ----------
    group : ascending, from 0. days : ascending in each. share : the probability of each, 1 in all by group.
    """
    if not len(group):
        return np.zeros((groups, POINTS))
    reached = pd.Series(share).groupby(group).cumsum().to_numpy()
    before = reached - share
    edges = np.arange(POINTS + 1) / POINTS
    parts = [
        np.clip(np.minimum(reached, b) - np.maximum(before, a), 0, None) for a, b in zip(edges, edges[1:], strict=False)
    ]
    return np.stack([np.bincount(group, POINTS * days * part, groups) for part in parts], axis=1)


def overdue_orders(
    receipts: pd.DataFrame, open_orders: pd.DataFrame, as_of: date, items: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Open order lines that are late and were not received; those overdue for over 60 days are no orders any more.

    Returns
    -------
    DataFrame: supplier_id ("": not told), order_id, item_id, location_id, quantity, due_on, days_late, days (waited
    since the order; missing where its day is not told).
    """
    orders = _with_suppliers(open_orders, "open_orders", items)
    morning = pd.Timestamp(as_of)
    key = ["order_id", "item_id", "location_id"]
    arrived = _with_suppliers(receipts, "receipts", None)
    arrived = arrived[arrived["order_id"].notna() & (arrived["received_on"] <= morning)]
    told = pd.MultiIndex.from_frame(arrived[key].astype(object).fillna(""))
    closed = pd.MultiIndex.from_frame(orders[key].astype(object).fillna("")).isin(told)
    late = (morning - orders["due_on"]).dt.days
    rows = orders[~closed & (orders["quantity"] > 0) & (late > 0) & (late <= OVERDUE_LIMIT_DAYS)]
    rows = rows.assign(days_late=late[rows.index], days=(morning - rows["ordered_on"]).dt.days.astype(float))
    shown = ["supplier_id", *key, "quantity", "due_on", "days_late", "days"]
    order = ["supplier_id", "days_late", *key]
    return pd.DataFrame(rows[shown]).sort_values(order, ascending=[True, False, True, True, True])


def _with_suppliers(frame: pd.DataFrame, name: str, items: pd.DataFrame | None) -> pd.DataFrame:
    """Complete the columns of a table, and its suppliers from the master data."""
    empty = empty_table(name)
    columns = {c: frame.get(c, pd.Series(index=frame.index, dtype=object)).astype(empty[c].dtype) for c in empty}
    supplier = columns["supplier_id"].astype(object)
    if items is not None and "supplier_id" in items:
        usual = items.drop_duplicates("item_id").set_index("item_id")["supplier_id"]
        supplier = supplier.where(supplier.notna(), columns["item_id"].map(usual))
    out = pd.DataFrame(columns, index=frame.index)
    out["supplier_id"] = supplier.where(supplier.notna(), UNKNOWN)
    return out.reset_index(drop=True)


def _distinct(frame: pd.DataFrame) -> np.ndarray:
    return np.asarray(frame["supplier_id"].unique(), dtype=object)


def _named(table: pd.DataFrame) -> pd.DataFrame:
    """Let a supplier that is not told be None."""
    names = [None if name == UNKNOWN else name for name in table["supplier_id"]]
    return table.assign(supplier_id=pd.Series(names, index=table.index, dtype=object)).reset_index(drop=True)


def _raw_lines(receipts: pd.DataFrame, as_of: date) -> pd.Series:
    """Count order lines by supplier before anything is left out."""
    known = receipts[(receipts["received_on"] <= pd.Timestamp(as_of)) & (receipts["quantity"] > 0)]
    line = ["supplier_id", "item_id", "location_id", "order_id", "ordered_on"]
    return known.drop_duplicates(line).groupby("supplier_id").size()


def _survival(lines: pd.DataFrame, waits: pd.DataFrame) -> pd.DataFrame:
    """Return the Kaplan-Meier distribution of each supplier: supplier_id, days, share."""
    done = lines[["supplier_id"]].assign(days=lines["lead_time_days"], open=False)
    still = waits.loc[waits["days"] >= 0, ["supplier_id", "days"]].assign(open=True)
    # A supplier of whom nothing arrived yet has no distribution.
    still = still[still["supplier_id"].isin(done["supplier_id"])]
    seen = pd.concat([done, still], ignore_index=True) if len(still) else done
    seen = seen.sort_values(["supplier_id", "days", "open"], ignore_index=True)
    by = seen.groupby("supplier_id")
    at_risk = by["days"].transform("size") - by.cumcount()
    survive = 1 - (~seen["open"]) / at_risk
    after = survive.groupby(seen["supplier_id"]).cumprod()
    before = after.groupby(seen["supplier_id"]).shift(fill_value=1.0)
    last = ~seen.duplicated("supplier_id", keep="last")
    # What is still open at the end has at least the longest time: its share stands there.
    share = np.where(last, before, before - after)
    told = seen.assign(share=share)[share > 0]
    return told.groupby(["supplier_id", "days"])["share"].sum().reset_index()


def _crossed(receipts: pd.DataFrame, as_of: date) -> pd.Series:
    """Return by supplier the share of lines that arrived before one of the same item ordered earlier."""
    known = receipts[(receipts["received_on"] <= pd.Timestamp(as_of)) & (receipts["quantity"] > 0)]
    known = known[known["received_on"] >= known["ordered_on"]]
    place = ["supplier_id", "item_id", "location_id"]
    lines = known.groupby([*place, "order_id", "ordered_on"], dropna=False, as_index=False)["received_on"].min()
    by_day = lines.groupby([*place, "ordered_on"], dropna=False, as_index=False)["received_on"].max()
    by_day["so_far"] = by_day.groupby(place, dropna=False)["received_on"].cummax()
    by_day["before"] = by_day.groupby(place, dropna=False)["so_far"].shift()
    lines = lines.merge(by_day[[*place, "ordered_on", "before"]], on=[*place, "ordered_on"])
    crossed: pd.Series = (lines["received_on"] < lines["before"]).groupby(lines["supplier_id"]).mean()
    return crossed
