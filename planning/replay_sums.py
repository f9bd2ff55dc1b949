"""What a replay showed, line by line: service, stock and money over the buckets that count."""

import numpy as np
import pandas as pd

from planning.replay import SHORT, Ledger, World

YEAR_DAYS = 365
SUMS = (
    "demand_units",
    "told_demand_units",
    "sold_units",
    "lost_units",
    "sent_units",
    "promised_short_units",
    "promised_demand_units",
    "cycles",
    "short_cycles",
    "stockout_buckets",
    "average_stock_units",
    "average_stock_value",
    "yearly_sold_value",
    "orders",
    "ordered_units",
    "lost_margin",
    "waste_units",
    "waste_value",
    "holding_cost",
    "order_cost",
    "total_cost",
    "start_units",
    "received_units",
    "end_units",
)
"""What adds up over lines."""


def measure(world: World, ledger: Ledger) -> pd.DataFrame:
    """Return the measures of one policy, one row a line.

    Where demand is not known, a bucket counts for no measure but the sums of what moved. A stockout bucket is one in
    which something was short. A cycle is the time between two receipts. An order of several lines of a supplier costs
    once, each line an equal part. Average stock is that of the buckets whose end was counted, and is held in the others
    too. A line is NaN throughout where nothing is known of it.

    Returns
    -------
    DataFrame: policy, item_id, location_id, buckets (that count, with demand known), the columns of `SUMS`
    (told_demand_units: the demand of lines of which it is known what was short), fill_rate,
    promised_fill_rate, cycle_service_level, turns.
    """
    seen = ~np.isnan(ledger.end[:, world.counted]).all(axis=1)
    known = world.counted & ~np.isnan(ledger.demand)
    counted = known & ~np.isnan(ledger.end)
    short = np.where(known, np.nan_to_num(ledger.lost), 0.0)
    buckets = known.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        average = _sum(ledger.end, counted) / counted.sum(axis=1)
        years = buckets * world.bucket_days / YEAR_DAYS
        sold = np.where(np.isnan(average), np.nan, _sum(ledger.sold, known) / years)
        given = _moved(ledger.sent, known) / years
    # Of what really happened it may not be known what was short, or thrown away.
    untold = (known & np.isnan(ledger.lost)).any(axis=1)
    cycles, failed = _cycles(ledger, world, short > SHORT)
    lost = np.where(untold, np.nan, short.sum(axis=1, dtype=float))
    waste, sent = _moved(ledger.waste, world.counted), _moved(ledger.sent, world.counted)
    came, ordered = _moved(ledger.received, world.counted), _moved(ledger.ordered, world.counted)
    paid = np.where(np.isnan(ordered) & (world.source < 0), np.nan, _order_costs(world, ledger))
    # What was not counted each bucket was held as on average.
    holding = world.holding_per_bucket * np.where(buckets > 0, average * buckets, 0.0)
    margin, wasted = world.margin * lost, world.unit_cost * waste
    wasted = np.where(waste == 0, 0.0, wasted)
    promised = world.counted & ~np.isnan(ledger.promised_demand)
    first = int(np.argmax(world.counted))
    last = len(world.counted) - 1 - int(np.argmax(world.counted[::-1]))
    columns: dict[str, np.ndarray] = {
        "buckets": buckets.astype(float),
        "demand_units": _sum(ledger.demand, known),
        "told_demand_units": np.where(untold, np.nan, _sum(ledger.demand, known)),
        "sold_units": _sum(ledger.sold, world.counted),
        "lost_units": lost,
        "sent_units": sent,
        "promised_short_units": _sum(ledger.promised_short, promised),
        "promised_demand_units": _sum(ledger.promised_demand, promised),
        "cycles": np.where(untold | np.isnan(came), np.nan, cycles),
        "short_cycles": np.where(untold | np.isnan(came), np.nan, failed),
        "stockout_buckets": np.where(untold, np.nan, (short > SHORT).sum(axis=1)),
        "average_stock_units": average,
        "average_stock_value": average * world.unit_cost,
        "yearly_sold_value": sold * world.unit_cost,
        "orders": np.where(np.isnan(ordered), np.nan, _sum(ledger.ordered > 0, world.counted)),
        "ordered_units": ordered,
        "lost_margin": margin,
        "waste_units": waste,
        "waste_value": wasted,
        "holding_cost": holding,
        "order_cost": paid,
        # An order cost that nobody told adds nothing; the result's notes say so.
        "total_cost": holding + np.nan_to_num(paid) + margin + wasted,
        "start_units": ledger.start[:, first].astype(float),
        "received_units": came,
        "end_units": ledger.end[:, last].astype(float),
    }
    table = pd.DataFrame(columns)
    # A line that sends has turned what it sent.
    table = table.assign(
        **rates(table),
        turns=(sold + given) / np.where(average > 0, average, np.nan),
    )
    table[~seen] = np.nan
    head = {"policy": ledger.name, "item_id": world.keys["item_id"], "location_id": world.keys["location_id"]}
    return pd.concat([pd.DataFrame(head).reset_index(drop=True), table], axis=1)


def rates(sums: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return fill_rate, promised_fill_rate and cycle_service_level of sums; NaN where nothing was asked for."""

    def kept(missed: str, all_: str) -> np.ndarray:
        whole = sums[all_].to_numpy(float)
        part = sums[missed].to_numpy(float) / np.where(whole > 0, whole, np.nan)
        return np.asarray(np.clip(1 - part, 0, 1))

    return {
        "fill_rate": kept("lost_units", "told_demand_units"),
        "promised_fill_rate": kept("promised_short_units", "promised_demand_units"),
        "cycle_service_level": kept("short_cycles", "cycles"),
    }


def by_bucket(world: World, ledger: Ledger) -> pd.DataFrame:
    """Return the sums of all lines by bucket, one row a bucket that counts.

    policy, starts_on, demand_units, sold_units, lost_units, received_units, ordered_units, sent_units, waste_units,
    end_units, stock_value, lost_margin; money of the lines where it is known; what was short, and stock, NaN where it
    is not known of all.
    """
    at = np.flatnonzero(world.counted)
    known = ~np.isnan(ledger.demand)
    # What a policy was not asked about counts no more than in `measure`: neither its sales nor its demand.
    seen = ~np.isnan(ledger.end[:, world.counted]).all(axis=1)
    names = ("demand", "sold", "lost", "received", "ordered", "sent", "waste", "end")
    units = {f"{name}_units": np.nansum(getattr(ledger, name)[seen], axis=0, dtype=float)[at] for name in names}
    lost = np.where(known, np.nan_to_num(ledger.lost), 0.0)
    money = {
        "stock_value": (np.nan_to_num(world.unit_cost) @ np.nan_to_num(ledger.end))[at],
        "lost_margin": (np.nan_to_num(world.margin) @ lost)[at],
    }
    # What was short is not nothing where nobody knows it.
    untold = (known & np.isnan(ledger.lost) & ~np.isnan(ledger.sold)).any(axis=0)[at]
    units["lost_units"][untold] = money["lost_margin"][untold] = np.nan
    # Nor is stock that was not counted that day.
    told = ~np.isnan(ledger.end).all(axis=1)
    uncounted = np.isnan(ledger.end[told]).any(axis=0)[at]
    units["end_units"][uncounted] = money["stock_value"][uncounted] = np.nan
    if np.isnan(world.unit_cost).all():
        money["stock_value"][:] = np.nan
    if np.isnan(world.margin).all():
        money["lost_margin"][:] = np.nan
    return pd.DataFrame({"policy": ledger.name, "starts_on": world.starts[at], **units, **money})


def _sum(values: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Return the sum over the buckets that count, (n,)."""
    return np.asarray(np.where(where, np.nan_to_num(values), 0).sum(axis=1, dtype=float))


def _moved(values: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Return the sum over the buckets that count, NaN where one of them is not told, (n,)."""
    return np.where((np.isnan(values) & where).any(axis=1), np.nan, _sum(values, where))


def _cycles(ledger: Ledger, world: World, short: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return how many cycles the counted buckets touch, and in how many of them something was short, (n,) each."""
    columns = np.flatnonzero(world.counted)
    came, short = np.nan_to_num(ledger.received[:, columns]) > 0, short[:, columns]
    came[:, 0] = True
    place = np.arange(len(columns))
    began = np.maximum.accumulate(np.where(came, place, 0), axis=1)
    before = np.maximum.accumulate(np.where(short, place, -1), axis=1)
    last = np.concatenate([np.full((len(short), 1), -1), before[:, :-1]], axis=1)
    return came.sum(axis=1).astype(float), (short & (last < began)).sum(axis=1).astype(float)


def _order_costs(world: World, ledger: Ledger) -> np.ndarray:
    """Return what orders cost each line, money, (n,): an order is all that a supplier brings to a place in a bucket."""
    buys = world.source < 0
    # Whose supplier is not known orders alone.
    named = world.groups["supplier_id"].reset_index(drop=True)
    place = world.keys["location_id"].reset_index(drop=True)
    code = named.groupby([named, place], dropna=False).ngroup().to_numpy()
    code = np.where(named.isna(), world.lines + np.arange(world.lines), code)
    total = np.zeros(world.lines)
    for t in np.flatnonzero(world.counted):
        rows = np.flatnonzero((ledger.ordered[:, t] > 0) & buys)
        total[rows] += 1 / np.bincount(code[rows])[code[rows]]
    return np.asarray(np.where(total > 0, total * world.order_cost, 0.0))
