"""Dates and long times as sentences of a plan tell them."""

from typing import Any

import pandas as pd

MOST_YEARS = 1000.0
"""Years beyond which nobody counts them."""


def said_day(day: Any) -> str:
    """Return a date as a sentence tells it: `2 Dec 2026`."""
    moment = pd.Timestamp(day)
    return f"{moment.day} {moment:%b %Y}"


def said_years(years: float) -> str:
    """Return how long something lasts: `12 years`, `more than 1,000 years`."""
    return "more than 1,000 years" if years > MOST_YEARS else f"{years:,.0f} years"
