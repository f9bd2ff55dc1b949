"""Demand that an empty shelf hid: buckets in which sales tell only what was left, and what was likely wanted.

Source: availability scaling where the share on the shelf is known; else the Poisson likelihood with sales as a lower
bound (right-censored), the mean found by expectation and maximisation.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import gammainc, log_ndtr

from planning.calendar import build_calendar
from planning.demand import Demand, build_demand
from planning.inputs import read_tables
from planning.network import build_network
from planning.params import Params

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

MOST_CORRECTION = 3.0
"""An estimate is cut to so many times the mean of the buckets that are not censored."""

STEPS = 500
TOLERANCE = 1e-9


def lost_demand(inputs: Mapping[str, pd.DataFrame], as_of: date, params: Params, bucket: str = "week") -> pd.DataFrame:
    """Estimate what was wanted and not sold because the shelf was empty, from availability and stock history.

    Parameters
    ----------
    inputs : contract tables by name; sales and stock at least.
    as_of : the morning of the plan; later sales are not used.
    params : history_days and network defaults; `stockout_correction` is taken as on.
    bucket : "week" or "day".

    Returns
    -------
    DataFrame, one row an item-location with such buckets, the most lost first: item_id, location_id, buckets (in its
    history), censored (of them with a shelf empty in whole or in part), units_sold (in these), lost_units (estimate;
    missing where no other bucket tells a mean), demand_mean (estimate, units a bucket).

    Raises
    ------
    PlanningError : the input does not allow a plan; the message says why.
    """
    tables = read_tables(inputs, as_of)
    keys = build_network(tables, params, []).keys
    calendar = build_calendar(tables["sales"], as_of, bucket, params.history_days)
    demand = build_demand(tables, keys, calendar, 0, replace(params, stockout_correction=True), [])
    lost, mean = _estimate(demand)
    touched = (demand.censored | (demand.demand > demand.sales)) & demand.active
    rows = touched.any(axis=1)
    table = keys[["item_id", "location_id"]].assign(
        buckets=demand.active.sum(axis=1),
        censored=touched.sum(axis=1),
        units_sold=np.where(touched, demand.sales, 0.0).sum(axis=1),
        lost_units=lost,
        demand_mean=mean,
    )
    order = ["lost_units", "item_id", "location_id"]
    return pd.DataFrame(table[rows]).sort_values(order, ascending=[False, True, True], ignore_index=True)


def censored_poisson_mean(sales: Floats, censored: Mask) -> Floats:
    """The mean of Poisson demand, where the sales of some buckets are only a lower bound of it.

    Maximises sum(x ln m - m) over buckets that are known + sum(ln P(D >= x)) over the censored ones.

    Parameters
    ----------
    sales : items x buckets, units a bucket; NaN: no bucket of the item.
    censored : same shape, whether the shelf was empty.

    Returns
    -------
    Array of items, units a bucket; NaN where every bucket is censored or there is none.

    Source: Poisson regression with right-censored counts; the steps are those of Dempster, Laird & Rubin, JRSS B 39
    (1977) 1-38. Computed: [5, 7, 4, 6, 3, 4, 8, 5] with the 4th, 5th and 8th censored give 6.190149.
    """
    known = ~np.isnan(sales) & ~censored
    count, total = known.sum(axis=1), np.where(known, sales, 0.0).sum(axis=1)
    # Where nothing was sold any demand is possible: such a bucket tells nothing of the mean.
    rows, columns = np.nonzero(censored & (sales > 0) & (count > 0)[:, None])
    at_least = sales[rows, columns]
    every = count + np.bincount(rows, minlength=len(sales))
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(count > 0, total / count, np.nan)
        start = np.maximum(mean, np.bincount(rows, at_least, minlength=len(sales)) / np.maximum(every, 1))
    mean = np.where(np.isnan(mean), np.nan, start)
    for _ in range(STEPS if len(rows) else 0):
        wanted = np.bincount(rows, mean_at_least(mean[rows], at_least), minlength=len(sales))
        better = np.where(count > 0, (total + wanted) / np.maximum(every, 1), np.nan)
        moved = np.nanmax(np.abs(better - mean) / np.maximum(mean, 1e-12), initial=0.0)
        mean = better
        if moved < TOLERANCE:
            break
    return mean


def mean_at_least(mean: Floats, least: Floats) -> Floats:
    """E[D | D >= least] of Poisson demand: mean x P(D >= least - 1) / P(D >= least); units, never below `least`."""
    beyond = gammainc(least, mean)
    before = np.where(least > 1, gammainc(np.maximum(least - 1, 1e-12), mean), 1.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        found = mean * before / beyond
    return np.asarray(np.where(beyond > 0, np.maximum(found, least), least))


def censored_normal(sales: Floats, censored: Mask) -> tuple[Floats, Floats]:
    """Mean and standard deviation of normal demand, where the sales of some buckets are only a lower bound of it.

    Parameters
    ----------
    sales : items x buckets, units a bucket; NaN: no bucket of the item.
    censored : same shape, whether the shelf was empty.

    Returns
    -------
    Two arrays of items, units a bucket, the deviation with divisor n; NaN where every bucket is censored or there is
    none.

    Source: expectation and maximisation (Dempster, Laird & Rubin 1977) with E[D | D >= x] = m + s h and
    E[D^2 | D >= x] = m^2 + s^2 + s (x + m) h, h the hazard of the normal at (x - m) / s. Computed:
    [52, 61, 47, 55, 40, 58, 66, 49] with the 4th and 5th censored give 56.28238 and 6.69642.
    """
    there = ~np.isnan(sales)
    count = np.maximum(there.sum(axis=1), 1)
    units, hidden = np.where(there, sales, 0.0), there & censored
    told = (there & ~censored).any(axis=1)
    mean = units.sum(axis=1) / count
    sd = np.sqrt((np.where(there, units - mean[:, None], 0.0) ** 2).sum(axis=1) / count)
    least = 1e-9 * (1 + np.abs(mean))
    for _ in range(STEPS):
        m, s = mean[:, None], np.maximum(sd, least)[:, None]
        beyond = np.where(hidden, (units - m) / s, 0.0)
        hazard = np.exp(-(beyond**2) / 2 - log_ndtr(-beyond)) / np.sqrt(2 * np.pi)
        first = np.where(hidden, np.maximum(m + s * hazard, units), units)
        second = np.where(hidden, m**2 + s**2 + s * (units + m) * hazard, units**2)
        better = first.sum(axis=1) / count
        spread = np.sqrt(np.maximum(second.sum(axis=1) / count - better**2, 0.0))
        moved = np.max(np.abs(np.concatenate([better - mean, spread - sd])) / np.tile(1 + np.abs(mean), 2), initial=0.0)
        mean, sd = better, spread
        if moved < TOLERANCE:
            break
    return np.where(told, mean, np.nan), np.where(told, sd, np.nan)


def hidden_units(sales: Floats, demand: Floats, censored: Mask, active: Mask) -> tuple[Floats, Floats]:
    """Estimate by bucket what an empty shelf hid, and the mean of each item's demand.

    Parameters
    ----------
    sales, demand : items x buckets, units; demand is NaN where unknown.
    censored : whether the shelf was empty, so that demand is not known; active : whether the item was stocked.

    Returns
    -------
    Units hidden, items x buckets, NaN in the censored buckets of an item of which no other bucket tells a mean; and
    the mean by item, units a bucket.
    """
    partly = np.where(active & ~censored, np.maximum(np.nan_to_num(demand) - sales, 0.0), 0.0)
    mean = censored_poisson_mean(np.where(censored, sales, demand), censored)
    with np.errstate(invalid="ignore", divide="ignore"):
        usual = np.nansum(demand, axis=1) / (~np.isnan(demand)).sum(axis=1)
    rows, columns = np.nonzero(censored)
    sold = sales[rows, columns]
    wanted = np.where(sold > 0, mean_at_least(mean[rows], np.maximum(sold, 1e-12)), mean[rows])
    # An estimate far beyond what was ever seen is cut; what was sold was wanted for certain.
    partly[rows, columns] = np.maximum(np.minimum(wanted, MOST_CORRECTION * usual[rows]) - sold, 0.0)
    return partly, mean


def _estimate(demand: Demand) -> tuple[Floats, Floats]:
    """Return the units lost by item-location, and the mean of its demand a bucket."""
    hidden, mean = hidden_units(demand.sales, demand.demand, demand.censored, demand.active)
    return hidden.sum(axis=1), mean
