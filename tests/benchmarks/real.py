"""Real data as tables of the contract, for the measurements beside this file. Nothing of it is kept."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

KEY = ["item_id", "location_id"]


@dataclass(frozen=True)
class Weeks:
    """n item-locations over T weeks in the order of their keys.

    keys : item_id, location_id.
    starts : first day of each week, datetime64[D], (T,).
    units : sales by week, (n, T).
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
        tables = {"sales": self._long(self.units, before, "quantity"), "items": self.items}
        if not self.in_stock.all():
            tables["availability"] = self._long(self.in_stock, before, "in_stock")
        return tables

    def on_hand(self, units: np.ndarray) -> pd.DataFrame:
        """Return a stock table of these units, (n,)."""
        return self.keys.assign(on_hand=np.asarray(units, float))

    def _long(self, values: np.ndarray, before: int, name: str) -> pd.DataFrame:
        days = self.starts[:before].astype("datetime64[s]")
        out = {column: np.repeat(self.keys[column].to_numpy(), before) for column in KEY}
        out["date"] = np.tile(days, len(self.keys))
        out[name] = values[:, :before].astype(float).ravel()
        return pd.DataFrame(out)


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
