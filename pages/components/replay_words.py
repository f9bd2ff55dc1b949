"""A replay in words: what policies and measures are called, and what no replay can know. No Streamlit."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pandas as pd

from pages.components.formats import DASH, known, money, percent
from pages.components.scenario_words import signed, signed_money
from planning.replay_told import key_of

NAMES: Mapping[str, str] = MappingProxyType(
    {
        "plan": "This plan",
        "history": "What really happened",
        "min_max": "Min/max of your data",
        "cover": "Cover weeks, equal stock",
        "cover_equal_fill": "Cover weeks, equal service",
        "textbook": "Textbook safety stock",
    }
)
"""What the policies of the engine are called on the page."""

MEANINGS: Mapping[str, str] = MappingProxyType(
    {
        "plan": "How this plan orders, with the settings in force.",
        "history": "Stock and sales as they were, of the lines whose past stock was counted.",
        "min_max": "Up to the maximum when stock falls to the minimum, as your items say today.",
        "cover": "Lead time, review and a number of weeks of the last 13 weeks' mean demand; the number was chosen on "
        "the weeks before these, so that it holds as much stock as the plan.",
        "cover_equal_fill": "The same, with the number chosen so that it serves as much as the plan.",
        "textbook": "Mean demand of 13 weeks, and z times its spread times the square root of lead time and review.",
    }
)

MEASURES: Mapping[str, tuple[str, str, str]] = MappingProxyType(
    {
        "lines": ("Item-locations", "number", ""),
        "fill_rate": ("Service achieved", "fraction", "higher"),
        "promised_fill_rate": ("Service promised", "fraction", ""),
        "cycle_service_level": ("Cycles without a stock-out", "fraction", "higher"),
        "stockout_buckets": ("Stock-outs (item-weeks)", "number", "lower"),
        "average_stock_value": ("Average stock value", "money", "lower"),
        "average_stock_units": ("Average stock (units)", "units", "lower"),
        "turns": ("Stock turns a year", "rate", "higher"),
        "orders": ("Order lines", "number", "lower"),
        "ordered_units": ("Ordered (units)", "units", ""),
        "lost_units": ("Lost (units)", "units", "lower"),
        "lost_margin": ("Lost margin", "money", "lower"),
        "waste_units": ("Waste (units)", "units", "lower"),
        "waste_value": ("Waste value", "money", "lower"),
        "holding_cost": ("Holding cost", "money", "lower"),
        "order_cost": ("Ordering cost", "money", "lower"),
        "total_cost": ("Total cost", "money", "lower"),
    }
)
"""Of each measure: what it is called, its unit, and which way is better."""

CANNOT_KNOW = (
    "**Demand that an empty shelf hid.** Such weeks count for nobody: they sell nothing and lose nothing here, so "
    "every policy looks a little better than it would have been.",
    "**What customers would have done.** Nobody comes back for another item, and no shelf that was full more often "
    "wins a customer.",
    "**Prices and promotions as they were.** Money is counted at today's costs and prices; sales that a price cut made "
    "are demand like any other.",
    "**Yesterday's master data.** Order minimums, packs, maximums, suppliers and lead times are those of today.",
    "**The days inside a bucket.** Lead times are rounded up to whole buckets, and demand of a bucket comes after what "
    "arrives in it.",
    "**Suppliers' and your own limits.** No budget, no minimum of a whole order, no shortage at the supplier, no "
    "planner who knew better.",
)
"""What holds for any replay; what holds for one stands in its notes."""


def shown(name: str) -> str:
    """What a policy is called, by its key or by the name that its results carry."""
    return NAMES.get(key_of(name), name)


def measure_name(measure: str, bucket_days: int = 7) -> str:
    """What a measure is called where a bucket has so many days."""
    name = MEASURES[measure][0]
    return name if bucket_days == 7 else name.replace("item-weeks", "item-days")


def value(measure: str, amount: Any, currency: str = "") -> str:
    """A measure as a person reads it."""
    if not known(amount):
        return DASH
    unit = MEASURES[measure][1]
    if unit == "money":
        return money(amount, currency)
    if unit == "fraction":
        return percent(amount, 1)
    return f"{amount:,.1f}" if unit == "rate" else f"{amount:,.0f}"


def difference(measure: str, amount: Any, currency: str = "") -> str:
    """How much more, with its sign and unit."""
    unit = MEASURES[measure][1]
    if unit == "money":
        return signed_money(amount, currency)
    if unit == "fraction":
        return f"{signed(100 * amount, 1)} points" if known(amount) else DASH
    return signed(amount, 1 if unit == "rate" else 0)


def interval(row: Mapping[str, Any], currency: str = "") -> str:
    """The 95 % interval of a difference in words."""
    measure = str(row["measure"])
    if "difference" in row and not known(row["difference"]):
        return "not known of both"
    if not known(row["low"]) or not known(row["high"]):
        return "too few items for an interval"
    low, high = (difference(measure, row[end], currency) for end in ("low", "high"))
    return f"95 %: {low.removesuffix(' points') if high.endswith(' points') else low} to {high}"


def verdict(row: Mapping[str, Any]) -> str:
    """Whether a difference is better, worse, or cannot be told from chance."""
    if not known(row["low"]) or not known(row["high"]):
        return DASH
    if row["low"] <= 0 <= row["high"]:
        return "not clear"
    better = MEASURES[str(row["measure"])][2]
    if not better:
        return "more" if row["low"] > 0 else "less"
    return "better" if (row["low"] > 0) == (better == "higher") else "worse"


def measure_table(totals: pd.DataFrame, currency: str, bucket_days: int = 7) -> pd.DataFrame:
    """A row a measure, a column a policy, in words; measures of which nothing is known are left out."""
    by = totals.set_index("policy")
    rows = [
        {
            "measure": measure_name(key, bucket_days),
            **{str(name): value(key, by.loc[name, key], currency) for name in by.index},
        }
        for key in MEASURES
        if key in by and by[key].notna().any()
    ]
    return pd.DataFrame(rows)


def interval_table(told: pd.DataFrame, currency: str, bucket_days: int = 7) -> pd.DataFrame:
    """A row a measure: both values, the difference with its interval, and what to make of it."""
    rows = [
        {
            "measure": measure_name(row["measure"], bucket_days),
            "value": value(row["measure"], row["value"], currency),
            "other": value(row["measure"], row["other"], currency),
            "difference": difference(row["measure"], row["difference"], currency),
            "interval": interval(row, currency).removeprefix("95 %: "),
            "verdict": verdict(row),
        }
        for row in told.to_dict("records")
        if row["measure"] in MEASURES and known(row["difference"])
    ]
    return pd.DataFrame(rows, columns=["measure", "value", "other", "difference", "interval", "verdict"])
