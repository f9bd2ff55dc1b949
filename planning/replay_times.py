"""Lead times of a replay: the usual, drawn from receipts known before, or those of the receipts nearest in time."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from planning.inputs import rows_of, sole_location
from planning.lead_time import ENOUGH

LEAD_TIMES = ("usual", "drawn", "receipts")


@dataclass(frozen=True)
class Delivery:
    """Receipts that tell a lead time, sorted by group and day.

    group : of each receipt. ordered, received : days, datetime64[D]. days : from order to receipt.
    """

    group: np.ndarray
    ordered: np.ndarray
    received: np.ndarray
    days: np.ndarray


def bucket_leads(
    usual: np.ndarray,
    buys: np.ndarray,
    keys: pd.DataFrame,
    suppliers: np.ndarray,
    receipts: pd.DataFrame,
    starts: np.ndarray,
    bucket_days: int,
    how: str,
    seed: int,
) -> tuple[np.ndarray, int]:
    """Return lead times of orders, whole buckets, by line and bucket, (n, T), and of how many lines receipts tell it.

    Receipts of the item at its location tell it from `ENOUGH` of them on, else those of its supplier; where there are
    none, it is the usual one. A part of a bucket counts as a whole one.

    Parameters
    ----------
    usual : days, (n,). buys : whether the line buys; a fed line's transit is as usual, (n,).
    suppliers : id or None, (n,). receipts : the input table. starts : of the buckets, (T,).
    how : of `LEAD_TIMES`. seed : of the draws, which no policy changes.
    """
    days = np.repeat(usual[:, None], len(starts), axis=1)
    own = np.zeros(len(keys), bool)
    if how != "usual":
        chance = np.random.default_rng(seed).random(days.shape)
        for lines, group in _groups(keys, suppliers, receipts):
            rows = lines[buys[lines] & ~own[lines]]
            told = _told(group, starts, how, chance[rows])
            days[rows] = np.where(np.isnan(told), days[rows], told)
            own[rows] = ~np.isnan(told).all(axis=1) if len(rows) else own[rows]
    return np.ceil(np.maximum(days, 0) / bucket_days - 1e-9).astype(np.int32), int(own.sum())


def _groups(keys: pd.DataFrame, suppliers: np.ndarray, receipts: pd.DataFrame) -> list[tuple[np.ndarray, pd.DataFrame]]:
    """Return lines and the receipts that tell their lead times: item-locations with enough of them, then suppliers."""
    told = receipts[(receipts["quantity"] > 0) & receipts["ordered_on"].notna() & receipts["received_on"].notna()]
    told = told.assign(days=(told["received_on"] - told["ordered_on"]).dt.days.astype(float))
    told = told[told["days"] >= 0]
    at = rows_of(told, keys, sole_location(keys)) if len(told) else np.zeros(0, int)
    told = told.assign(row=at).sort_values("received_on", kind="stable")
    found = []
    for row, some in told[told["row"] >= 0].groupby("row", sort=True):
        if len(some) >= ENOUGH:
            found.append((np.array([int(str(row))]), some))
    named = told["supplier_id"].where(told["supplier_id"].notna(), pd.Series(_of(suppliers, told["row"]), told.index))
    for supplier, some in told.groupby(named, sort=True):
        found.append((np.flatnonzero(suppliers == supplier), some))
    return found


def _of(suppliers: np.ndarray, row: pd.Series) -> np.ndarray:
    at = row.to_numpy(int)
    return np.array([suppliers[row] if row >= 0 else None for row in at], object)


def _told(group: pd.DataFrame, starts: np.ndarray, how: str, chance: np.ndarray) -> np.ndarray:
    """Return the days that receipts tell for orders of each bucket, NaN where none does, (k, T)."""
    days = group["days"].to_numpy(float)
    if how == "drawn":
        known = np.searchsorted(group["received_on"].to_numpy("datetime64[D]"), starts, side="left")
        at = np.minimum((chance * known).astype(int), np.maximum(known - 1, 0))
        return np.where(known > 0, days[at], np.nan)
    ordered = group["ordered_on"].to_numpy("datetime64[D]").astype(np.int64)
    apart = np.abs(starts.astype("datetime64[D]").astype(np.int64)[:, None] - ordered[None, :])
    return np.repeat(days[apart.argmin(axis=1)][None, :], len(chance), axis=0)
