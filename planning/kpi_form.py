"""What each key figure is: name, unit, formula, source, and which way is better; and the form in which it is told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]

YEAR_DAYS = 365
KEYS = ("item_id", "location_id")


def no_trend() -> pd.DataFrame:
    """Return a trend without points."""
    return pd.DataFrame({"date": pd.Series(dtype="datetime64[s]"), "value": pd.Series(dtype=float)})


@dataclass(frozen=True)
class Kpi:
    """One figure, with all that a person needs to trust it.

    key : its name in code and files; `name` : what a person calls it.
    value : the figure in `unit` ("money", "share", "days", "times a year", "units", "lines"); None: not known.
    period : what span or morning it is of, in words.
    formula : how it is made up; `source` : where the formula comes from, and which tables it was read from.
    missing : what to bring, empty when the value is known.
    covered : of how much it tells, where that is not everything, and what else must be known to read it.
    better : "higher", "lower", or empty where neither is.
    trend : date, value; first mornings of months or of weeks, empty when the data have none.
    items : what is behind it, the worst first: item_id, location_id (or supplier_id; or location_id alone), and the
        parts that it is the sum or the ratio of.
    """

    key: str
    name: str
    value: float | None
    unit: str
    period: str
    formula: str
    source: str
    missing: str = ""
    covered: str = ""
    better: str = ""
    trend: pd.DataFrame = field(default_factory=no_trend)
    items: pd.DataFrame = field(default_factory=pd.DataFrame)


@dataclass(frozen=True)
class Entry:
    """What of a figure no data change: see `Kpi`."""

    name: str
    unit: str
    better: str
    formula: str
    source: str


_SILVER = "Silver, Pyke & Thomas, 4th ed. (2017)"

CATALOGUE: Mapping[str, Entry] = MappingProxyType(
    {
        "margin_at_risk": Entry(
            "Margin at risk", "money", "lower",
            "Units expected to be lost before the next order can arrive x (price - cost)",
            "The plan: stock, open orders, forecast, lead times; prices and costs of items",
        ),
        "excess_value": Entry(
            "Excess stock", "money", "lower",
            "Units beyond the larger of target stock and 91 days (or lead time + coverage) of demand x unit cost",
            "The plan: stock, open orders, forecast; costs of items",
        ),
        "dead_value": Entry(
            "Dead stock", "money", "lower",
            "Stock on hand of which nothing was sold for 180 days or more, here or at any location that it feeds, or "
            "whose life cycle is dead, x unit cost",
            "Stock, sales; costs and life cycle of items",
        ),
        "order_value_today": Entry(
            "Order value due today", "money", "", "Units to purchase today x unit cost", "The plan; costs of items"
        ),
        "orders_due_today": Entry(
            "Order lines due today", "lines", "", "Lines of the purchase orders to place today", "The plan"
        ),
        "cash_out": Entry(
            "Cash out", "money", "",
            "Today's orders and those that the plan expects to place later x unit cost, by the week of the order",
            "The plan; costs of items",
        ),
        "stock_value": Entry(
            "Stock value", "money", "",
            "Units on hand x unit cost of today, each location by its latest count; expired lots are left out",
            "Stock and its history; costs of items",
        ),
        "turnover": Entry(
            "Inventory turnover", "times a year", "higher",
            "Cost of goods sold in a year / average stock at cost. Cost of goods sold: units sold less returns, of "
            "the same lines and the same months, x unit cost; of a location that feeds others, what these sold. "
            "Average: the mean of month ends",
            f"{_SILVER}; stock history, sales, costs of items",
        ),
        "days_of_inventory": Entry(
            "Days of inventory (looking back)", "days", "lower",
            "365 x average stock at cost / cost of goods sold in a year; it looks back",
            f"{_SILVER}; stock history, sales, costs of items",
        ),
        "days_of_supply": Entry(
            "Days of supply (looking forward)", "days", "",
            "Stock on hand / expected demand a day over lead time + review, both at cost; it looks forward",
            "The plan: stock, forecast; costs of items",
        ),
        "carrying_cost": Entry(
            "Carrying cost a year", "money", "lower",
            "Holding rate a year x average stock at cost (a holding cost for each unit and day, where one is set)",
            "Stock history, costs of items; the holding rate is a parameter",
        ),
        "gmroi": Entry(
            "Gross margin return on inventory", "share", "higher",
            "Gross margin in a year / average stock at cost. Gross margin: what was paid for the units sold less their "
            "cost; the list price stands in where a sale tells none",
            "The usual definition of retail; stock history, sales, prices and costs of items",
        ),
        "sell_through": Entry(
            "Sell-through (sold / received)", "share", "",
            "Units sold less returns / units received from suppliers, same items and months; of a location that feeds "
            "others, what these sold. Above 1: stock was sold off",
            "Sources disagree: this is sold / received, not sold / (sold + on hand); sales, receipts",
        ),
        "stockout_rate": Entry(
            "Stock-out rate", "share", "lower",
            "Days with an empty shelf / days of which the data tell, over items and locations, from the first day on "
            "the shelf (or the launch) to the end of sale. Availability speaks first; else a count of the stock, which "
            "stands for the days until the next one",
            "The usual definition; availability, stock history",
        ),
        "fill_rate_achieved": Entry(
            "Fill rate achieved", "share", "higher",
            "Units sold / (units sold + units estimated to be lost while the shelf was empty), in buckets of which "
            "availability or stock history tell",
            "Poisson demand with right-censored sales, Dempster, Laird & Rubin (1977); sales, availability, stock "
            "history",
        ),
        "forecast_accuracy": Entry(
            "Forecast accuracy", "share", "higher",
            "1 - sum |forecast - demand| / sum of demand, over lead time + review, on mornings that nothing was "
            "learned from",
            "1 - WAPE; the plan's record of accuracy",
        ),
        "forecast_bias": Entry(
            "Forecast bias", "share", "",
            "Sum of (forecast - demand) / sum of demand, over lead time + review; above 0: forecast too high",
            "The plan's record of accuracy",
        ),
        "drifting_forecasts": Entry(
            "Drifting forecasts", "lines", "lower",
            "Lines whose newest forecasts missed to the same side beyond noise. Tracking signal: sum of (forecast - "
            "demand) / mean absolute error",
            f"{_SILVER}, ch. 3; the plan's record of accuracy",
        ),
        "supplier_on_time": Entry(
            "Suppliers on time", "share", "higher",
            "Order lines whose first delivery came by the promised day / order lines promised for a day of the period; "
            "what is overdue and still open is late",
            "Receipts with promised_on; open orders",
        ),
        "supplier_in_full": Entry(
            "Suppliers in full", "share", "higher",
            "Order lines that came complete in one delivery / order lines promised for a day of the period. Complete: "
            "the approved order's quantity; where none is known, what came in the end. What is overdue is not",
            "Receipts, open orders, approved orders",
        ),
        "supplier_otif": Entry(
            "Suppliers on time in full", "share", "higher",
            "Order lines complete by the promised day / order lines promised for a day of the period",
            "Receipts with promised_on; open orders, approved orders",
        ),
        "lead_time_adherence": Entry(
            "Lead time against promise", "share", "lower",
            "Sum of days from order to last receipt / sum of days from order to promise; above 1: longer than promised",
            "Receipts with promised_on",
        ),
        "perfect_order": Entry(
            "Perfect orders", "share", "higher",
            "Orders on time, in full, undamaged and with right documents / orders",
            "SCOR counts orders; multiplying the four shares, as others do, differs where faults come together",
        ),
        "record_accuracy": Entry(
            "Record accuracy", "share", "higher",
            "Counts within the tolerance of the class (A 0.5 %, B 1 %, C 5 % of the book) / counts",
            f"Usual tolerances of cycle counting; {_SILVER}; cycle counts",
        ),
        "value_accuracy": Entry(
            "Value accuracy", "share", "higher",
            "1 - sum |count - book| x cost / sum of book x cost",
            "The usual definition of cycle counting; cycle counts, costs of items",
        ),
        "shrinkage": Entry(
            "Shrinkage", "money", "lower", "Sum of (book - count) x unit cost of the counts; above 0: less than booked",
            "The usual definition of cycle counting; cycle counts, costs of items",
        ),
        "space_used": Entry(
            "Space used", "share", "",
            "On hand x room of a unit / capacity of the locations; room: the volume of the item, 1 where no item has "
            "one",
            "Stock, capacity of locations, volume of items; the plan's open orders for what is inbound",
        ),
    }
)  # fmt: skip
"""All figures, in the order of display."""


def kpi(
    key: str,
    value: float | None,
    period: str,
    *,
    missing: str = "",
    covered: str = "",
    trend: pd.DataFrame | None = None,
    items: pd.DataFrame | None = None,
) -> Kpi:
    """Return the figure of this key; a value that is not a number is not known.

    Parameters
    ----------
    missing : what to bring where the value is not known; dropped where it is.
    """
    entry = CATALOGUE[key]
    known = value is not None and bool(np.isfinite(value))
    return Kpi(
        key, entry.name, float(value) if known and value is not None else None, entry.unit, period, entry.formula,
        entry.source, "" if known else missing, covered, entry.better,
        no_trend() if trend is None or not known else trend,
        pd.DataFrame() if items is None else items.reset_index(drop=True),
    )  # fmt: skip


def ratio(above: float, below: float) -> float:
    """Return a / b; not a number where b is not above 0."""
    return above / below if below > 0 else float("nan")


def said_share(known: np.ndarray, of: np.ndarray, what: str = "lines") -> str:
    """Return "412 of 480 lines" where some of those asked about are not known; empty where all are."""
    told, asked = int((known & of).sum()), int(of.sum())
    return "" if told == asked else f"{told:,} of {asked:,} {what}"


def join(parts: Sequence[str]) -> str:
    """Join what is to be said, leaving out what is empty."""
    return "; ".join(part for part in parts if part)


def over_time(dates: np.ndarray, values: Floats) -> pd.DataFrame:
    """Return a trend of the points that are known; empty where these are fewer than two."""
    some = np.isfinite(values)
    if some.sum() < 2:  # noqa: PLR2004
        return no_trend()
    return pd.DataFrame({"date": dates[some].astype("datetime64[s]"), "value": values[some]})
