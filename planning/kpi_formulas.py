"""The formulas of key figures, on sums or on arrays of lines; not a number where they say nothing."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from planning.kpi_form import YEAR_DAYS


def _over(above: Any, below: Any) -> Any:
    above, below = np.asarray(above, float), np.asarray(below, float)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(below > 0, above / below, np.nan)[()]


def turnover(cost_of_goods: Any, average_stock: Any) -> Any:
    """Return how often the stock was sold in the year, times a year.

    Turnover = cost of goods sold in a year / average stock at cost, both money.

    Source: the usual definition; Walmart, fiscal year 2014: 358.1 / 44.9 = 7.9755 (on the stock at the year's end).
    """
    return _over(cost_of_goods, average_stock)


def days_of_inventory(cost_of_goods: Any, average_stock: Any) -> Any:
    """Return how many days of past sales the stock held, days: 365 x average stock / cost of goods sold in a year."""
    return _over(YEAR_DAYS * np.asarray(average_stock, float), cost_of_goods)


def gmroi(gross_margin: Any, average_stock: Any) -> Any:
    """Return the gross margin of a year for each unit of money in stock, share.

    Source: the usual definition of retail; 50,000 of margin on 25,000 of stock give 200 %.
    """
    return _over(gross_margin, average_stock)


def tracking_signal(sum_of_errors: Any, sum_of_absolute_errors: Any, points: Any) -> Any:
    """Return by how many mean absolute errors the forecast has gone astray in all: sum e / (sum |e| / points).

    Errors are forecast - demand: above 0, the forecast was too high; it lies within plus and minus `points`.

    Source: Silver, Pyke & Thomas, 4th ed. (2017), ch. 3.
    """
    return _over(np.asarray(sum_of_errors, float) * np.asarray(points, float), sum_of_absolute_errors)


def perfect_order_product(shares: Sequence[float]) -> float:
    """Return the perfect order rate as APQC multiplies it from the shares of its parts.

    It is the share of perfect orders only where faults are independent; where they come together, more orders are
    perfect than it says.

    Source: APQC; 0.98 x 0.97 x 0.99 x 0.82 = 0.7717.
    """
    return float(np.prod(np.asarray(shares, float)))
