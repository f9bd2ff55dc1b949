"""The kind of an item's demand (smooth, intermittent, erratic, lumpy) and its class by value (A, B, C).

The classes choose candidates and labels only; which model forecasts an item is decided by its measured errors.
They depend on the length of a bucket.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Labels = NDArray[np.str_]

ADI_LIMIT = 1.32
CV2_LIMIT = 0.49
A_SHARE = 0.80
B_SHARE = 0.95


def adi(demand: Floats) -> Floats:
    """Return the average inter-demand interval of each item: buckets per bucket with demand.

    Buckets before the first demand are not counted (the item was not sold yet), nor are unknown ones.

    Parameters
    ----------
    demand : items x buckets, units a bucket, NaN where unknown.

    Returns
    -------
    Array of items, buckets, >= 1; NaN where there was no demand at all.

    Source: Syntetos, Boylan & Croston, Journal of the Operational Research Society 56 (2005) 495-503.
    """
    counted = _since_first_demand(demand) & ~np.isnan(demand)
    return _ratio(counted.sum(axis=1), (demand > 0).sum(axis=1))


def cv2(demand: Floats) -> Floats:
    """Return the squared coefficient of variation of each item's demand sizes, buckets without demand left out.

    Parameters
    ----------
    demand : items x buckets, units a bucket, NaN where unknown.

    Returns
    -------
    Array of items, >= 0, with the sample variance (n - 1); NaN with fewer than two buckets with demand.

    Source: Syntetos, Boylan & Croston, Journal of the Operational Research Society 56 (2005) 495-503.
    """
    sold = demand > 0
    n = sold.sum(axis=1)
    mean = _ratio(np.where(sold, demand, 0.0).sum(axis=1), n)
    squares = (np.where(sold, demand - mean[:, None], 0.0) ** 2).sum(axis=1)
    return _ratio(squares, n - 1) / mean**2


def classify_demand(demand: Floats) -> Labels:
    """Return the class of each item's demand.

    Smooth: ADI < 1.32 and CV2 < 0.49; erratic: CV2 from 0.49 on; intermittent: ADI from 1.32 on; lumpy: both.
    A single demand has no spread yet and counts as CV2 = 0.

    Parameters
    ----------
    demand : items x buckets, units a bucket, NaN where unknown.

    Returns
    -------
    Array of items: "smooth", "intermittent", "erratic", "lumpy", or "none" without any demand.

    Source: Syntetos, Boylan & Croston, Journal of the Operational Research Society 56 (2005) 495-503.
    """
    interval = adi(demand)
    rare = interval >= ADI_LIMIT
    varied = cv2(demand) >= CV2_LIMIT
    kinds = ["none", "lumpy", "intermittent", "erratic"]
    return np.select([np.isnan(interval), rare & varied, rare, varied], kinds, "smooth")


def classify_abc(value: Floats) -> Labels:
    """Return the class of each item by its share of the total value.

    From the most valuable item on: A while the items before it hold less than 80 % of the value, B while they
    hold less than 95 %, else C; so the item that crosses a line belongs to the upper class. Items of equal value
    stand in the order given.

    Parameters
    ----------
    value : items, value a year; unknown, zero and negative values are C.

    Returns
    -------
    Array of items: "A", "B" or "C".
    """
    worth = np.where(value > 0, value, 0.0)
    ranked = np.argsort(-worth, kind="stable")
    running = np.cumsum(worth[ranked])
    before = np.empty_like(worth)
    before[ranked] = running - worth[ranked]
    total = running[-1] if len(running) else 0.0
    # Sums of decimals miss a line by their last digit; shares are told apart down to this.
    slack = 1e-9 * total
    return np.select(
        [worth <= 0, before < A_SHARE * total - slack, before < B_SHARE * total - slack], ["C", "A", "B"], "C"
    )


def _since_first_demand(demand: Floats) -> NDArray[np.bool_]:
    return np.logical_or.accumulate(demand > 0, axis=1)


def _ratio(numerator: NDArray[np.generic], denominator: NDArray[np.generic]) -> Floats:
    """Quotient by item, NaN where the denominator is not positive."""
    quotient = np.full(len(numerator), np.nan)
    np.divide(numerator, denominator, out=quotient, where=np.asarray(denominator) > 0)
    return quotient
