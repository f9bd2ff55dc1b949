"""Items like a new one: told, the same elsewhere, nearest in price; what their launches looked like."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Whole = NDArray[np.int64]

CURVE = 8
"""Buckets of a launch; what follows is the mature level."""

_CURVE_LIMITS = (0.2, 5.0)

LEAST_HISTORY = 13
"""A launch is visible in an item with so many buckets of history, its first sale inside it."""

MATURE = 26
"""Buckets after the launch that tell the mature level it led to."""

LATEST = 13
"""Known buckets that tell today's level, where no model's is given."""

PRIOR_BUCKETS = 4.0
"""What a told like item weighs, in buckets of the new item's own; a prior that was found weighs at most that."""

LEAST_TRIED = 10
MOST_OF_MEDIAN = 10.0
_SAMPLE = 4000

NEIGHBOURS = 5
LEAST_NEIGHBOURS = 3

LAUNCH_REASONS: Mapping[str, str] = MappingProxyType(
    {
        "LIKE_ITEM": "starts like the item told as like it",
        "OTHER_LOCATIONS": "starts as the item did at other locations",
        "NEAREST_ITEMS": "starts like the items of its category nearest in price",
        "CATEGORY_MEAN": "starts at the mean level of its category",
        "NO_PRIOR": "no item tells how it starts: give like_item_id",
    }
)


class Analogs:
    """What rows with a history tell of new ones: today's level by row, launch curve by item.

    Parameters
    ----------
    clean : items x buckets, units, NaN where unknown.
    first : first known bucket of each row.
    today : today's level of each row, units a bucket; NaN where it is new itself.
    keys : item_id, location_id, one row a row of `clean`.
    items : the contract's items.
    """

    def __init__(self, clean: Floats, first: Whole, today: Floats, keys: pd.DataFrame, items: pd.DataFrame) -> None:
        self.item, names = pd.factorize(keys["item_id"], sort=True)
        self.place = pd.factorize(keys["location_id"])[0]
        self.count = len(names)
        told = items.drop_duplicates("item_id").set_index("item_id").reindex(names)
        self.category = pd.factorize(told["category"].fillna(""))[0]
        self.price = np.log(np.where(told["unit_price"] > 0, told["unit_price"], told["unit_cost"]).astype(float))
        self.like = pd.Index(names).get_indexer(told["like_item_id"])
        self.today, self.known = today, ~np.isnan(today)
        self.mean = _mean_by(self.item[self.known], today[self.known], self.count)
        self.curve, self.visible = self._curves(clean, first)
        self.noise = latest_variance(clean)

    def _curves(self, clean: Floats, first: Whole) -> tuple[Floats, Mask]:
        """Demand by age relative to the mature level by item, drawn to 1 by a unit; and whose launch is to be seen."""
        curve = np.ones((self.count, CURVE))
        rows = np.flatnonzero((first > 0) & (clean.shape[1] - first >= LEAST_HISTORY) & self.known)
        if not len(rows):
            return curve, np.zeros(self.count, bool)
        columns = first[rows][:, None] + np.arange(CURVE + MATURE)
        inside = columns < clean.shape[1]
        aligned = np.where(inside, clean[rows[:, None], np.where(inside, columns, 0)], np.nan)
        mature = _mean(aligned[:, CURVE:])
        told = ~np.isnan(aligned[:, :CURVE]) & ~np.isnan(mature)[:, None]
        sold, usual = np.zeros((2, self.count, CURVE))
        np.add.at(sold, self.item[rows], np.where(told, aligned[:, :CURVE], 0.0))
        np.add.at(usual, self.item[rows], np.where(told, mature[:, None], 0.0))
        visible = usual.sum(axis=1) > 0
        return np.clip((sold + 1) / (usual + 1), *_CURVE_LIMITS), visible

    def of(self, rows: Whole) -> tuple[Floats, Floats, NDArray[np.str_], Floats]:
        """Return prior level, curve and reason of each row, and what the prior weighs in buckets."""
        near = self._nearest(self.item[rows])
        shapes = {
            "LIKE_ITEM": self.curve[self.like[self.item[rows]]],
            # Where other locations sell it already, no launch is left to be seen.
            "OTHER_LOCATIONS": np.ones((len(rows), CURVE)),
            # Items that were only found like it are believed half, in logs: more of it missed the mean further.
            "NEAREST_ITEMS": np.sqrt(
                _median(np.where((near >= 0)[..., None], self.curve[near], np.nan).transpose(0, 2, 1))
            ),
            "CATEGORY_MEAN": np.ones((len(rows), CURVE)),
        }
        prior, weight, curve = np.zeros(len(rows)), np.zeros(len(rows)), np.ones((len(rows), CURVE))
        reason = np.full(len(rows), "NO_PRIOR", dtype="U15")
        trust = self._trust()
        for name, level in reversed(self._levels(rows, near).items()):
            tells = ~np.isnan(level)
            prior, reason = np.where(tells, level, prior), np.where(tells, name, reason)
            weight = np.where(tells, trust[name], weight)
            curve = np.where(tells[:, None], shapes[name], curve)
        return prior, curve, reason, weight

    def _levels(self, rows: Whole, near: Whole) -> dict[str, Floats]:
        """What each kind of analog says of the level of each row, NaN where it says nothing; the best first."""
        like = self.like[self.item[rows]]
        found = (near >= 0).sum(axis=1) >= LEAST_NEIGHBOURS
        middle = _median(np.where(near >= 0, self._level_of(near, rows[:, None]), np.nan))
        return {
            "LIKE_ITEM": np.where(like >= 0, self._level_of(like, rows), np.nan),
            "OTHER_LOCATIONS": self._elsewhere(rows),
            "NEAREST_ITEMS": np.where(found, middle, np.nan),
            "CATEGORY_MEAN": self._category_mean(rows),
        }

    def _trust(self) -> dict[str, float]:
        """What each kind of prior weighs, in buckets: the noise of a bucket over how far such priors miss.

        Measured on rows with a history, as if they were new; at most `PRIOR_BUCKETS`, which is what a told one weighs.
        """
        mature = np.flatnonzero(self.known & ~np.isnan(self.noise))
        rows = mature[:: max(1, len(mature) // _SAMPLE)]
        out = {"LIKE_ITEM": PRIOR_BUCKETS}
        for name, level in self._levels(rows, self._nearest(self.item[rows])).items():
            tells = ~np.isnan(level)
            scale = (1 + level[tells]) ** -2
            miss = (scale * (self.today[rows][tells] - level[tells]) ** 2).sum()
            noise = (scale * self.noise[rows][tells]).sum()
            enough = tells.sum() >= LEAST_TRIED and miss > 0
            out.setdefault(name, min(PRIOR_BUCKETS, float(noise / miss)) if enough else PRIOR_BUCKETS)
        return out

    def _elsewhere(self, rows: Whole) -> Floats:
        """Mean of today's level of the item at other locations, NaN where there is none."""
        number = np.bincount(self.item[self.known], minlength=self.count)[self.item[rows]] - self.known[rows]
        total = np.bincount(self.item[self.known], self.today[self.known], minlength=self.count)[self.item[rows]]
        rest = np.maximum(total - np.where(self.known[rows], self.today[rows], 0.0), 0.0)
        return np.asarray(np.where(number > 0, rest / np.maximum(number, 1), np.nan))

    def _level_of(self, item: Whole, rows: Whole) -> Floats:
        """Today's level of items at the locations of the given rows; where they are not, their mean elsewhere."""
        place = np.broadcast_to(self.place[rows], item.shape)
        code = item.astype(np.int64) * (self.place.max(initial=0) + 1) + place
        own = self.item.astype(np.int64) * (self.place.max(initial=0) + 1) + self.place
        order = np.argsort(own, kind="stable")
        at = np.minimum(np.searchsorted(own[order], code), len(order) - 1)
        here = np.where(own[order][at] == code, self.today[order[at]], np.nan)
        return np.asarray(np.where(np.isnan(here), self.mean[item], here))

    def _category_mean(self, rows: Whole) -> Floats:
        """Mean level of the category at the location; else of the category; else of the location; else of all."""
        place, category = self.place, self.category[self.item]
        width = int(category.max(initial=0)) + 1
        out = np.full(len(rows), np.nan)
        told = self.today[self.known]
        # One item that sells a hundred times what others do is no measure for a new one.
        told = np.minimum(told, MOST_OF_MEDIAN * np.median(told)) if len(told) and np.median(told) > 0 else told
        for group in (place * width + category, category, place, np.zeros_like(place)):
            means = _mean_by(group[self.known], told, int(group.max(initial=0)) + 1)
            out = np.where(np.isnan(out), means[group[rows]], out)
        return out

    def _nearest(self, item: Whole) -> Whole:
        """The items of the same category nearest in log price with a launch to be seen, -1 where there are too few.

        Sorted by price they lie side by side: five above and five below hold the nearest five.
        """
        tells = np.flatnonzero(self.visible & ~np.isnan(self.mean))
        price = np.where(np.isnan(self.price), np.inf, self.price)
        up = tells[np.lexsort((tells, price[tells], self.category[tells]))]
        down = tells[np.lexsort((-tells, price[tells], self.category[tells]))]
        at = _place_among(self.category[up], price[up], self.category[item], price[item])
        # One more than needed above: the item itself may lie among them.
        steps = np.arange(NEIGHBOURS + 1)
        found = np.concatenate([_taken(up, at[:, None] + steps), _taken(down, at[:, None] - 1 - steps)], axis=1)
        fits = (found >= 0) & (self.category[found] == self.category[item][:, None]) & (found != item[:, None])
        with np.errstate(invalid="ignore"):
            away = np.abs(price[found] - price[item][:, None])
        # Without a price all are as near as each other.
        away = np.where(fits, np.where(np.isnan(away), 0.0, away), np.inf)
        order = np.lexsort((found, away, ~fits), axis=1)[:, :NEIGHBOURS]
        return np.where(np.take_along_axis(fits, order, axis=1), np.take_along_axis(found, order, axis=1), -1)


def _place_among(groups: Whole, values: Floats, group: Whole, value: Floats) -> Whole:
    """How many of the sorted (groups, values) lie before each (group, value)."""
    n, m = len(groups), len(group)
    kind = np.concatenate([np.ones(n), np.zeros(m)])
    order = np.lexsort((kind, np.concatenate([values, value]), np.concatenate([groups, group])))
    before = np.cumsum(kind[order])
    out = np.empty(n + m, int)
    out[order] = before.astype(int)
    return out[n:]


def _taken(values: Whole, at: Whole) -> Whole:
    inside = (at >= 0) & (at < len(values))
    return np.asarray(np.where(inside, values[np.where(inside, at, 0)], -1)) if len(values) else np.full(at.shape, -1)


def latest_level(clean: Floats) -> Floats:
    """Mean of the last 13 known buckets of each row, units a bucket; NaN without one."""
    return _mean(_latest(clean, LATEST))


def latest_variance(clean: Floats) -> Floats:
    """Sample variance of the last 26 known buckets of each row, NaN with fewer than eight."""
    last = _latest(clean, MATURE)
    count = (~np.isnan(last)).sum(axis=1)
    squares = np.nansum((last - _mean(last)[:, None]) ** 2, axis=1)
    return np.asarray(np.where(count >= CURVE, squares / np.maximum(count - 1, 1), np.nan))


def _latest(clean: Floats, count: int) -> Floats:
    known = ~np.isnan(clean)
    from_end = np.cumsum(known[:, ::-1], axis=1)[:, ::-1]
    return np.asarray(np.where(known & (from_end <= count), clean, np.nan))


def _mean(values: Floats) -> Floats:
    count = (~np.isnan(values)).sum(axis=1)
    return np.asarray(np.where(count > 0, np.nansum(values, axis=1) / np.maximum(count, 1), np.nan))


def _mean_by(groups: Whole, values: Floats, count: int) -> Floats:
    """Mean of the values of each group, NaN for those without one."""
    number = np.bincount(groups, minlength=count)
    total = np.bincount(groups, values, minlength=count)
    return np.asarray(np.where(number > 0, total / np.maximum(number, 1), np.nan))


def _median(values: Floats) -> Floats:
    """Median of the known values along the last axis, NaN without one."""
    ranked = np.sort(values, axis=-1)
    count = (~np.isnan(ranked)).sum(axis=-1, keepdims=True)
    low = np.take_along_axis(ranked, np.maximum(count - 1, 0) // 2, axis=-1)
    high = np.take_along_axis(ranked, np.minimum(count // 2, ranked.shape[-1] - 1), axis=-1)
    return np.asarray(((low + high) / 2)[..., 0])
