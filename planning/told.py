"""Demand that is told: the user's own forecast, and orders that customers have placed."""

import numpy as np
import pandas as pd

from planning.calendar import Calendar
from planning.inputs import Inputs, rows_of


def told_demand(
    inputs: Inputs, keys: pd.DataFrame, calendar: Calendar, horizon: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the user's own forecast, the share of days it covers, and customers' orders by future bucket, (n, H)."""
    told = _spread_by_day(inputs["forecasts"], calendar)
    own = _units_by_bucket(told, keys, calendar, horizon)
    days = _units_by_bucket(told.assign(quantity=1.0), keys, calendar, horizon)
    orders = inputs["customer_orders"].rename(columns={"due_on": "date"})
    past = orders["date"] < pd.Timestamp(calendar.as_of)
    orders = orders.assign(date=orders["date"].where(~past, pd.Timestamp(calendar.as_of)))
    return own, np.minimum(days / calendar.bucket_days, 1), _units_by_bucket(orders, keys, calendar, horizon)


def _spread_by_day(told: pd.DataFrame, calendar: Calendar) -> pd.DataFrame:
    """Spread each period's forecast evenly over its days: a period lasts until the next one begins."""
    if told.empty:
        return told
    place = ["item_id", "location_id"]
    # Locations that were pooled into one tell the same period more than once.
    told = told.groupby([*place, "date"], dropna=False)["quantity"].sum().reset_index()
    following = told.groupby(place, dropna=False)["date"].shift(-1)
    days = (following - told["date"]).dt.days
    usual = days.groupby([told["item_id"], told["location_id"]], dropna=False).transform("last")
    days = days.fillna(usual).fillna(calendar.bucket_days).astype(int)
    daily = told.loc[told.index.repeat(days)]
    offset = daily.groupby(level=0).cumcount()
    return daily.assign(
        date=daily["date"] + pd.to_timedelta(offset, unit="D"), quantity=daily["quantity"] / days.loc[daily.index]
    )


def _units_by_bucket(told: pd.DataFrame, keys: pd.DataFrame, calendar: Calendar, horizon: int) -> np.ndarray:
    out = np.zeros((len(keys), horizon), np.float32)
    if told.empty:
        return out
    rows = rows_of(told, keys)
    days = told["date"].to_numpy().astype("datetime64[D]") - np.datetime64(calendar.as_of, "D")
    columns = np.floor_divide(days.astype(np.int64), calendar.bucket_days)
    inside = (rows >= 0) & (columns >= 0) & (columns < horizon)
    np.add.at(out, (rows[inside], columns[inside]), told["quantity"].to_numpy(float)[inside])
    return out
