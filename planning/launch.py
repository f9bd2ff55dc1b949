"""New items from items like them, ending items until they end: what a short history of its own cannot tell."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from planning.analogs import CURVE, LAUNCH_REASONS, PRIOR_BUCKETS, Analogs, latest_level

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

LEAST_BUCKETS = 8
"""With fewer known buckets an item is new: there is no model to fit."""

SHARE_WEIGHT = 10.0


@dataclass(frozen=True)
class Launch:
    """What is expected of new rows before their own demand is heard, one entry a new row.

    rows : the new rows of the demand it was made from.
    prior : mature level that items like it lead one to expect, units a bucket, >= 0.
    weight : what that weighs, in buckets of the row's own: 4 where it was told, else by how well such priors did for
        rows with a history, at most 4; 0 where there is none.
    past : sum of the profile over the row's own known buckets.
    own : units of the row's own known buckets.
    profile : its next buckets relative to the mature level, (len(rows), H).
    reason : a key of `LAUNCH_REASONS`.
    """

    rows: Whole
    prior: Floats
    weight: Floats
    past: Floats
    own: Floats
    profile: Floats
    reason: NDArray[np.str_]

    @property
    def level(self) -> Floats:
        """Mature level with the row's own buckets heard, units a bucket, >= 0; 0 where nothing tells one."""
        return gamma_poisson_level(self.prior, self.own, self.past, self.weight)


def gamma_poisson_level(prior: Floats, own: Floats, profile: Floats, weight: Floats | float = PRIOR_BUCKETS) -> Floats:
    """Return the level of demand after a few buckets of its own: (a + own) / (b + profile), b = weight, a = b prior.

    Parameters
    ----------
    prior : expected level, units a bucket.
    own : sum of the own buckets, units.
    profile : sum of what the profile expects of them, in buckets of the level.
    weight : what the prior weighs, buckets.

    Source: mean of a gamma prior updated by Poisson counts; prior 10, own 6 + 9 at profile 0.5 + 0.75 give
    (40 + 15) / (4 + 1.25) = 10.476190.
    """
    heard = np.asarray(weight + profile, float)
    return np.asarray(np.where(heard > 0, (weight * prior + own) / np.where(heard > 0, heard, 1.0), 0.0))


def shrunk_shares(units: Floats, prior: Floats, kappa: float = SHARE_WEIGHT) -> Floats:
    """Return the shares of a total, drawn to the prior ones by the lack of units: (n + kappa prior) / (sum n + kappa).

    Parameters
    ----------
    units : units of each part along the last axis, >= 0; NaN counts as none.
    prior : expected shares, which sum to 1 along the last axis.
    kappa : what the prior weighs, units.

    Source: Dirichlet prior; n = (6, 3, 1), prior (.5, .3, .2), kappa 10 give (.55, .30, .15).
    """
    counted = np.nan_to_num(units)
    return np.asarray((counted + kappa * prior) / (counted.sum(axis=-1, keepdims=True) + kappa))


def launch_level(
    clean: Floats,
    keys: pd.DataFrame,
    items: pd.DataFrame,
    horizon: int,
    *,
    level: Floats | None = None,
    launch_in: Whole | None = None,
) -> Launch:
    """Return the prior level and the launch profile of all new rows: those with fewer than eight known buckets.

    The first that can tell speaks: the item told as like it, its curve and level; the item itself at other locations;
    the five items of the category nearest in price where at least three have a launch to be seen, the median of their
    levels and the square root of that of their curves; the mean level of the category.

    Parameters
    ----------
    clean : items x buckets, demand without season, events and extremes, NaN where unknown.
    keys : item_id, location_id, one row a row of `clean`.
    items : the contract's items.
    horizon : buckets from `as_of` on.
    level : today's level by row, units a bucket, where a model gives it; else the mean of the last 13 known buckets.
    launch_in : buckets from `as_of` until the launch of each row, 0 or less where it has begun.

    Source: like-item curves with a gamma-Poisson update; how much a found prior weighs is Buehlmann's credibility,
    noise within a row over spread around the prior. The other numbers are house rules.
    """
    known = ~np.isnan(clean)
    seen = known.sum(axis=1)
    first = np.where(seen > 0, known.argmax(axis=1) if clean.shape[1] else 0, clean.shape[1])
    today = latest_level(clean) if level is None else np.where(seen > 0, level, np.nan)
    today = np.where(seen >= LEAST_BUCKETS, today, np.nan)
    analogs = Analogs(clean, first, today, keys, items)
    rows = np.flatnonzero(seen < LEAST_BUCKETS)
    prior, curve, reason, weight = analogs.of(rows)
    age = clean.shape[1] - first[rows]
    wait = np.zeros(len(rows), int) if launch_in is None else np.maximum(launch_in[rows], 0)
    own_age = np.arange(clean.shape[1]) - first[rows][:, None]
    past = np.where(known[rows], _at_age(curve, own_age), 0.0).sum(axis=1)
    ahead = age[:, None] + np.arange(horizon) - wait[:, None]
    return Launch(rows, prior, weight, past, np.nansum(clean[rows], axis=1), _at_age(curve, ahead), reason)


def on_sale(keys: pd.DataFrame, items: pd.DataFrame, starts: NDArray[np.datetime64], bucket_days: int) -> Floats:
    """Return the share of each future bucket in which an item is sold: from its launch to its end.

    Dead items never are; so demand runs out with the item.

    Parameters
    ----------
    keys : item_id, location_id.
    items : the contract's items, indexed by item_id.
    starts : first days of the buckets.
    """

    def column(name: str) -> NDArray[np.generic]:
        return np.asarray(keys["item_id"].map(items[name]).to_numpy())

    launch, end = (column(name).astype("datetime64[D]")[:, None] for name in ("launch_on", "ends_on"))
    dead = (column("life_cycle") == "dead")[:, None]
    stops = starts[None, :] + bucket_days
    last = np.where(np.isnat(end), stops, np.minimum(end + 1, stops))
    begins = np.where(np.isnat(launch), starts[None, :], np.maximum(launch, starts[None, :]))
    share = np.clip((last - begins).astype("timedelta64[D]").astype(float) / bucket_days, 0, 1)
    return np.asarray(np.where(dead, 0.0, share))


def _at_age(curve: Floats, age: Whole) -> Floats:
    """The profile of each row at the given ages: its curve, then 1."""
    during = np.take_along_axis(curve, np.clip(age, 0, CURVE - 1), axis=1)
    return np.asarray(np.where(age < CURVE, during, 1.0))


__all__ = ["LAUNCH_REASONS", "Launch", "gamma_poisson_level", "launch_level", "on_sale", "shrunk_shares"]
