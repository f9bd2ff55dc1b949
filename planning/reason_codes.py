"""Why a forecast stands on weak ground: one code a row, and what a planner can do about it."""

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

LEAST_BUCKETS = 8
QUARTER_DAYS = 91
SHIFT = 5.0
"""A quarter's level over so many times, or under one in so many, of the quarter before is another level."""

SHIFT_BUCKETS = 4
"""The evidence of a shift: so many buckets with demand in the larger quarter, none of them half of it or more."""

REASON_CODES: Mapping[str, str] = MappingProxyType(
    {
        "NO_HISTORY": "Nothing is known of its demand. Give a like item, or its own forecast.",
        "ALL_CENSORED": "Its shelf was empty whenever it was listed: what was wanted is unknown. Check availability or "
        "give a like item.",
        "NO_DEMAND": "It was on the shelf and never sold. Check that it is still listed; the forecast is zero.",
        "ONE_SALE": "It sold in one bucket only. Decide by hand whether to keep stock of it.",
        "NEW": "It is new: its forecast starts from items like it. Give a like item if you know a better one.",
        "SHORT_HISTORY": "Fewer than 8 buckets are known: its forecast is a mean. Bring a longer history.",
        "CENSORED_OVER_HALF": "Its shelf was empty in most buckets: the forecast stands on the few others. Check stock "
        "records; more stock will show more demand.",
        "LEVEL_SHIFT": "Its last quarter is over five times, or under a fifth of, the one before. Check for a new "
        "customer, a new unit of measure or a lost listing, and correct the forecast if it does not last.",
        "ENDING": "It is ending: demand runs out on its last day. Orders stop in time.",
        "": "",
    }
)
"""Words by code, the most severe first; an empty code is in order."""


def reason_codes(
    demand: Floats,
    active: Mask,
    bucket_days: int,
    *,
    closed: Mask | None = None,
    new: Mask | None = None,
    ending: Mask | None = None,
) -> NDArray[np.str_]:
    """Return by row the most severe reason to look twice at its forecast, a key of `REASON_CODES`.

    Parameters
    ----------
    demand : items x buckets, units a bucket, NaN where unknown.
    active : same shape, whether the item was stocked.
    bucket_days : 1 or 7.
    closed : same shape, buckets in which the location was closed: they hide demand, but not by an empty shelf.
    new, ending : by row, what is told of its life; also new is a row with a short history that began inside the data.
    """
    rows, periods = demand.shape
    nobody = np.zeros(rows, bool)
    told_new, told_ending = (nobody if told is None else told for told in (new, ending))
    known = ~np.isnan(demand)
    listed = active if closed is None else active & ~closed
    seen, sales, on_list = known.sum(axis=1), (demand > 0).sum(axis=1), listed.sum(axis=1)
    short = seen < LEAST_BUCKETS
    began = ~active[:, 0] if periods else nobody
    found = {
        "NO_HISTORY": (on_list == 0) & ~told_new,
        "ALL_CENSORED": (on_list > 0) & (seen == 0),
        "NO_DEMAND": (seen > 0) & (sales == 0),
        "ONE_SALE": sales == 1,
        "NEW": told_new | (short & began & (on_list < LEAST_BUCKETS)),
        "SHORT_HISTORY": short,
        "CENSORED_OVER_HALF": 2 * (listed & ~known).sum(axis=1) > on_list,
        "LEVEL_SHIFT": _level_shift(demand, max(1, QUARTER_DAYS // bucket_days)),
        "ENDING": told_ending,
    }
    return np.select(list(found.values()), list(found), "").astype("U18")


def life_told(keys: pd.DataFrame, items: pd.DataFrame, as_of: date, bucket_days: int) -> tuple[Mask, Mask]:
    """Return which rows are told to be new (launched in the last eight buckets or ahead), and which to be ending.

    Parameters
    ----------
    keys : item_id, location_id.
    items : the contract's items.
    """
    told = items.drop_duplicates("item_id").set_index("item_id").reindex(keys["item_id"])
    launch, end = (told[name].to_numpy().astype("datetime64[D]") for name in ("launch_on", "ends_on"))
    life = told["life_cycle"].to_numpy()
    recent = np.datetime64(as_of, "D") - LEAST_BUCKETS * bucket_days
    return (life == "new") | (launch > recent), (life == "ending") | (life == "dead") | ~np.isnat(end)


def _level_shift(demand: Floats, quarter: int) -> Mask:
    """Whether the last quarter stands on another level than the one before, with evidence for it."""
    if demand.shape[1] < 2 * quarter:
        return np.zeros(len(demand), bool)
    two = demand[:, -2 * quarter :].reshape(len(demand), 2, quarter)
    count = (~np.isnan(two)).sum(axis=2)
    level = np.nansum(two, axis=2) / np.maximum(count, 1)
    larger = two[np.arange(len(two)), level.argmax(axis=1)]
    total, largest = np.nansum(larger, axis=1), np.fmax.reduce(larger, axis=1, initial=0.0)
    clear = ((larger > 0).sum(axis=1) >= SHIFT_BUCKETS) & (largest < total / 2) & (2 * count >= quarter).all(axis=1)
    return np.asarray(clear & (level.max(axis=1) > SHIFT * level.min(axis=1)))
