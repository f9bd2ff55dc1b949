"""Real data as tables of the contract, for the measurements beside this file. Nothing of it is kept."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from data.read import read_inputs
from data.upload import Source

UCI = {
    "InvoiceNo": "order_id",
    "StockCode": "item_id",
    "Quantity": "quantity",
    "InvoiceDate": "date",
    "UnitPrice": "unit_price",
}
KEY = ["item_id", "location_id"]


def _long(keys: pd.DataFrame, days: np.ndarray, values: np.ndarray, name: str) -> pd.DataFrame:
    """Return a row a value that is known."""
    rows, columns = np.nonzero(~np.isnan(values))
    out = {column: keys[column].to_numpy()[rows] for column in KEY}
    return pd.DataFrame(out | {"date": days[columns], name: values[rows, columns]})


@dataclass(frozen=True)
class Weeks:
    """n item-locations over T weeks in the order of their keys.

    keys : item_id, location_id.
    starts : first day of each week, datetime64[D], (T,).
    units : sales by week, NaN before the first, (n, T).
    in_stock : whether the shelf was full all week; where False the sales tell less than was wanted, (n, T).
    items : contract's table, where the data tell of categories.
    """

    keys: pd.DataFrame
    starts: np.ndarray
    units: np.ndarray
    in_stock: np.ndarray
    items: pd.DataFrame

    def day(self, week: int) -> date:
        """Return the morning of a week, which may be the one after the last."""
        first: date = (self.starts[0] + np.timedelta64(7 * week, "D")).astype(object)
        return first

    def history(self, before: int) -> dict[str, pd.DataFrame]:
        """Return sales and availability of the weeks before one, and the items, as tables."""
        days = self.starts[:before].astype("datetime64[s]")
        tables = {"sales": _long(self.keys, days, self.units[:, :before], "quantity"), "items": self.items}
        if not self.in_stock.all():
            tables["availability"] = _long(self.keys, days, self.in_stock[:, :before].astype(float), "in_stock")
        return tables

    def on_hand(self, units: np.ndarray) -> pd.DataFrame:
        """Return a stock table of these units, (n,)."""
        return self.keys.assign(on_hand=np.asarray(units, float))


def vn2(folder: Path) -> Weeks:
    """Read the inventory competition: 599 store-items, 157 weeks, flags of availability, departments."""
    place = ["Product", "Store"]
    sales, flags, master = (
        pd.read_csv(folder / "vn2" / f"Week 0 - {name}.csv", dtype=dict.fromkeys([*place, "Department"], str))
        for name in ("2024-04-08 - Sales", "In Stock", "Master")
    )
    sales = sales.sort_values(place).set_index(place)
    flags = flags.set_index(place).loc[sales.index, sales.columns]
    keys = sales.index.to_frame(index=False).set_axis(KEY, axis=1).astype(object)
    items = master.drop_duplicates("Product")[["Product", "Department"]].set_axis(["item_id", "category"], axis=1)
    return Weeks(
        keys,
        pd.to_datetime(sales.columns).to_numpy().astype("datetime64[D]"),
        sales.to_numpy(float),
        flags.to_numpy(bool),
        items.reset_index(drop=True),
    )


@dataclass(frozen=True)
class Days:
    """n item-locations over T days: keys, days datetime64[D] (T,), units with NaN before the first sale (n, T)."""

    keys: pd.DataFrame
    days: np.ndarray
    units: np.ndarray
    items: pd.DataFrame

    def weeks(self, end: date) -> Weeks:
        """Return the whole weeks before a day, and the three from it on where the data reach so far."""
        at = int(np.searchsorted(self.days, np.datetime64(end, "D")))
        first, last = at % 7, at + (len(self.days) - at) // 7 * 7
        units = self.units[:, first:last]
        units = units.reshape(len(units), -1, 7).sum(axis=2)
        return Weeks(self.keys, self.days[first:last:7], units, np.ones(units.shape, bool), self.items)

    def history(self, before: int) -> dict[str, pd.DataFrame]:
        """Return sales of the first `before` days, and the items, as tables."""
        days = self.days[:before].astype("datetime64[s]")
        return {"sales": _long(self.keys, days, self.units[:, :before], "quantity"), "items": self.items}


def m5(folder: Path) -> Days:
    """Read 2,906 series of daily sales in ten stores; the category is the department in the item's name."""
    names = ["item_id", "store_id", "ds", "y"]
    told = pd.read_parquet(folder / "m5" / "m5_daily_to_2016-04-24.parquet", columns=names)
    days = told["ds"].to_numpy().astype("datetime64[D]")
    series = told.groupby(["item_id", "store_id"], sort=True)
    rows, columns = series.ngroup().to_numpy(), (days - days.min()).astype(int)
    units = np.full((series.ngroups, columns.max() + 1), np.nan)
    units[rows, columns] = told["y"].to_numpy(float)
    keys = told.drop_duplicates(["item_id", "store_id"])[["item_id", "store_id"]].set_axis(KEY, axis=1)
    keys = keys.sort_values(KEY).reset_index(drop=True)
    items = keys[["item_id"]].drop_duplicates().reset_index(drop=True)
    items["category"] = items["item_id"].str.rsplit("_", n=1).str[0]
    return Days(keys, days.min() + np.arange(units.shape[1]), units, items)


def uci(folder: Path) -> pd.DataFrame:
    """Read the shop's transactions, as the product reads them."""
    path = folder / "uci_online_retail" / "uci_online_retail.parquet"
    return read_inputs({"sales": [Source(path.name, path)]}, {"sales": UCI}).frames["sales"]
