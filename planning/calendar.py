"""Buckets: which days belong together, where the history ends, and when a plan can be made.

A bucket is a day or a week. Weeks are counted from `as_of`, so that its weekday begins each of them and
the last bucket of the history is never a partial one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType

import numpy as np
import pandas as pd

from planning.errors import ParameterError

DAYS: Mapping[str, int] = MappingProxyType({"day": 1, "week": 7})
LEAST_WEEKS = 8
"""Weeks of a past that tell on which weekdays nothing is ever sold."""
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True)
class Calendar:
    """The buckets of a history that ends before `as_of`: `periods` of them, `bucket_days` long.

    Bucket 0 starts on `starts_on`; `gap_days` lie between the end of the last one and `as_of` when the
    data stop earlier. `weekly_data` tells that each date stands for the week that begins on it.
    """

    as_of: date
    bucket_days: int
    periods: int
    gap_days: int
    weekly_data: bool

    @property
    def starts_on(self) -> date:
        """First day of the first bucket."""
        return self.as_of - timedelta(days=self.gap_days + self.periods * self.bucket_days)

    def starts(self) -> np.ndarray:
        """First days of the buckets of the history, datetime64[D], shape (periods,)."""
        return np.datetime64(self.starts_on, "D") + np.arange(self.periods) * self.bucket_days

    def future_starts(self, count: int) -> np.ndarray:
        """First days of the next `count` buckets from `as_of` on, datetime64[D]."""
        return np.datetime64(self.as_of, "D") + np.arange(count) * self.bucket_days

    def index(self, dates: pd.Series) -> np.ndarray:
        """Bucket number of each date; below 0 or from `periods` on: outside the history."""
        days = dates.to_numpy().astype("datetime64[D]") - np.datetime64(self.starts_on, "D")
        return np.floor_divide(days.astype(np.int64), self.bucket_days)


def is_weekly(dates: pd.Series) -> bool:
    """Whether the dates are first days of weeks: at least two of them, all on one weekday."""
    days = np.unique(dates.to_numpy().astype("datetime64[D]").astype(np.int64))
    return len(days) > 1 and len(np.unique(days % 7)) == 1


def is_monthly(dates: pd.Series) -> bool:
    """Whether the dates tell months: three of them or more, all the first day of a month, or all the last."""
    days = pd.DatetimeIndex(dates.unique())
    return len(days) > 2 and bool(days.is_month_start.all() or days.is_month_end.all())  # noqa: PLR2004


def build_calendar(sales: pd.DataFrame, as_of: date, bucket: str, history_days: int | None) -> Calendar:
    """Lay the buckets over the sales before `as_of`; partial buckets at either end are dropped.

    Raises
    ------
    ParameterError : the data are weekly and `as_of` is not on their weekday.
    """
    past = sales.loc[sales["date"] < pd.Timestamp(as_of), "date"]
    if past.empty:
        return Calendar(as_of, DAYS[bucket], 0, 0, weekly_data=False)
    weekly = is_weekly(past)
    if weekly and past.iloc[0].weekday() != as_of.weekday():
        day = WEEKDAYS[past.iloc[0].weekday()]
        msg = (
            f"as_of {as_of} is a {WEEKDAYS[as_of.weekday()]}, but the sales are weekly and their weeks begin on "
            f"{day}: give an as_of that is a {day}"
        )
        raise ParameterError(msg)
    first, last = past.min().date(), past.max().date()
    covered_to = last + timedelta(days=7 if weekly else 1)
    # Who never sells on a weekend has told the whole week by Friday: its newest week is no partial one.
    idle = set() if weekly else _never_sold_on(past)
    while covered_to < as_of and covered_to.weekday() in idle:
        covered_to += timedelta(days=1)
    # Days that do not make two weeks tell more as days.
    short = (covered_to - first).days < 2 * DAYS["week"]
    length = DAYS["week" if weekly else "day" if short else bucket]
    gap = max(0, -(-(as_of - covered_to).days // length) * length)
    periods = (as_of - first).days - gap
    # Only a first bucket that is covered whole counts, unless it is all there is.
    count = periods // length if periods >= length else 1
    if history_days is not None:
        count = min(count, max(1, history_days // length))
    return Calendar(as_of, length, int(count), int(gap), weekly_data=weekly)


def _never_sold_on(dates: pd.Series) -> set[int]:
    """Return the weekdays without a sale in all of the past, Monday 0; none in less than eight weeks of it."""
    if (dates.max() - dates.min()).days < LEAST_WEEKS * DAYS["week"]:
        return set()
    return set(range(7)) - set(pd.DatetimeIndex(dates.unique()).weekday)


def suggested_as_of(stock: pd.DataFrame, sales: pd.DataFrame) -> date | None:
    """Return the morning to plan for: the latest stock date, else the day (week) after the last sale."""
    dates = stock["as_of"].dropna() if "as_of" in stock else pd.Series(dtype="datetime64[s]")
    past = sales["date"].dropna()
    if past.empty:
        return None if dates.empty else dates.max().date()
    weekly = is_weekly(past)
    if dates.empty:
        return (past.max() + pd.Timedelta(days=7 if weekly else 1)).date()  # type: ignore[no-any-return]
    # Weekly data are planned on their weekday, and not before the stock was counted.
    wait = (past.iloc[0].weekday() - dates.max().weekday()) % 7 if weekly else 0
    return (dates.max() + pd.Timedelta(days=wait)).date()  # type: ignore[no-any-return]
