"""What the warnings look at: the tables of an import, completed, and what is known of each item of the plan."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

from data.validate import absent
from planning.params import Params
from planning.tables import INPUT_TABLES

RECENT_DAYS = 91
"""The days before the last sale whose units weigh an item."""

RECEIVED_WITHIN_DAYS = 30
"""A receipt of the same item and quantity so near to the due date is taken for the open order."""

CLOSED_BELOW = 0.3
"""An event with a smaller uplift says that the place was all but closed: the plan leaves its days out."""

PLACE = ("item_id", "location_id")


@dataclass(frozen=True)
class Evidence:
    """The tables, all columns of the contract in each, and what follows from them.

    as_of        the morning of the plan
    params       what is assumed where the data are silent
    sales        rows before `as_of`
    stock        all counts not after `as_of`
    latest       the rows of each location's latest count
    recent       sales of the last `RECENT_DAYS` days with sales: item_id, location_id, recent_units, returns left out
    planned      one row an item in sales or stock: item_id, supplier_id, unit_cost, unit_price, recent_units, on_hand,
                 lead_time_known
    bucket_days  1, or 7 where every sale stands on one weekday
    """

    as_of: date
    params: Params
    sales: pd.DataFrame
    stock: pd.DataFrame
    latest: pd.DataFrame
    items: pd.DataFrame
    locations: pd.DataFrame
    open_orders: pd.DataFrame
    receipts: pd.DataFrame
    events: pd.DataFrame
    recent: pd.DataFrame
    planned: pd.DataFrame
    bucket_days: int

    @property
    def recent_units(self) -> float:
        """Units sold lately, all together."""
        return float(self.recent["recent_units"].sum())

    def item_ids(self) -> set[str]:
        """Every item that any table names."""
        frames = (self.sales, self.stock, self.items, self.open_orders, self.receipts)
        return {item for frame in frames for item in frame["item_id"].dropna().unique()}

    def revenue(self, sales: pd.DataFrame) -> float:
        """What these sales brought, as far as prices are known; NaN where none is."""
        price = sales["unit_price"].fillna(sales["item_id"].map(self._known("unit_price")))
        return _worth(sales["quantity"].clip(lower=0), price)

    def sales_value(self, rows: pd.DataFrame) -> float:
        """The recent sales of these items at their price, else their cost; NaN where neither is known of any."""
        price = rows["item_id"].map(self._known("unit_price")).fillna(rows["item_id"].map(self._known("unit_cost")))
        return _worth(rows["recent_units"], price)

    def stock_value(self, rows: pd.DataFrame) -> float:
        """These stock rows at cost, as far as costs are known; NaN where none is."""
        cost = rows["unit_cost"].fillna(rows["item_id"].map(self._known("unit_cost")))
        return _worth(rows["on_hand"].clip(lower=0), cost)

    def order_value(self, rows: pd.DataFrame) -> float:
        """These open orders at cost, as far as costs are known; NaN where none is."""
        return _worth(rows["quantity"], rows["item_id"].map(self._known("unit_cost")))

    def stock_share(self, rows: pd.DataFrame) -> float:
        """The share of all units on hand in these rows."""
        return _share(rows["on_hand"].clip(lower=0).sum(), self.latest["on_hand"].clip(lower=0).sum())

    def item_share(self, rows: pd.DataFrame) -> float:
        """The share of recent units in these items; without recent sales, of the items."""
        if self.recent_units:
            return _share(rows["recent_units"].sum(), self.recent_units)
        return _share(len(rows), len(self.planned))

    def sales_share(self, mask: pd.Series, sales: pd.DataFrame) -> float:
        """The share of units in the masked sales."""
        units = sales["quantity"].clip(lower=0)
        return _share(units[mask].sum(), units.sum())

    def daily_units(self, places: pd.Series) -> pd.Series:
        """Mean units a day of each of these locations, between its first and its last sale."""
        sales = self.sales.assign(
            units=self.sales["quantity"].clip(lower=0), place=self.sales["location_id"].fillna("")
        )
        told = sales.groupby("place")
        days = (told["date"].max() - told["date"].min()).dt.days + self.bucket_days
        return places.fillna("").map(told["units"].sum() / days).astype(float)

    def told_closed(self, gaps: pd.DataFrame) -> pd.Series:
        """Tell which of these gaps (location_id, starts_on, ends_on) an event says to be a closure."""
        closed = self.events[(self.events["uplift"] < CLOSED_BELOW) & self.events["item_id"].isna()]
        closed = closed[closed["category"].isna()]
        told = pd.Series(data=False, index=gaps.index)
        for event in closed.itertuples(index=False):
            here = gaps["location_id"].eq(event.location_id) | pd.isna(event.location_id)
            told |= here & (gaps["starts_on"] >= event.starts_on) & (gaps["ends_on"] <= event.ends_on)
        return told

    def cancelled_sales(self) -> pd.DataFrame:
        """Return the sales taken back whole on the same day, and the rows that take them back."""
        sales = self.sales
        back = sales["quantity"] < 0
        if not back.any():
            return sales.iloc[:0]
        day = ["item_id", "location_id", "date"]
        pair = sales[day].assign(units=sales["quantity"].abs())
        # Only days with a return can hold a pair: that leaves few rows to match.
        at = (
            pair.merge(pair[back].drop_duplicates(), how="left", on=[*day, "units"], indicator=True)["_merge"] == "both"
        )
        pair, back = pair[at.to_numpy()], back[at.to_numpy()]
        turn = pair.assign(back=back).groupby([*pair.columns, "back"], dropna=False).cumcount()
        same = pd.MultiIndex.from_frame(pair.assign(turn=turn))
        found = np.where(back, same.isin(same[~back]), same.isin(same[back]))
        return sales.loc[pair.index[found]].sort_values([*day, "quantity"])

    def selling_without_stock(self) -> pd.DataFrame:
        """Return the item-locations that sold lately and have no row in the latest count of their location."""
        sold = self.recent[self.recent["recent_units"] > 0]
        if self.stock.empty or sold.empty:
            return sold.iloc[:0]
        by_place = self.latest["location_id"].notna().any() and sold["location_id"].notna().any()
        by = list(PLACE) if by_place else ["item_id"]
        known = pd.MultiIndex.from_frame(self.latest[by])
        rows = sold[~pd.MultiIndex.from_frame(sold[by]).isin(known)]
        # A location without any count is told as one, not item by item.
        counted = self.latest["location_id"].dropna().unique()
        rows = rows[rows["location_id"].isin(counted)] if by_place else rows
        return rows.sort_values(["recent_units", *PLACE], ascending=[False, True, True], ignore_index=True)

    def doubtful_orders(self, late_days: int) -> pd.DataFrame:
        """Return open orders that were received by number, look received, or are overdue for very long."""
        orders = self.open_orders[self.open_orders["quantity"] > 0]
        arrived = self.receipts[self.receipts["received_on"] <= pd.Timestamp(self.as_of)]
        by_number = _in(orders, arrived.dropna(subset=["order_id"]), ["order_id", *PLACE])
        by_number &= orders["order_id"].notna().to_numpy()
        overdue = (pd.Timestamp(self.as_of) - orders["due_on"]).dt.days.to_numpy()
        alike = _look_received(orders, arrived) & ~by_number & (overdue > 0)
        stale = (overdue > late_days) & ~by_number & ~alike
        why = np.select(
            [by_number, alike, stale],
            ["received by its number", "a receipt of the same quantity came", f"over {late_days} days overdue"],
            "",
        )
        told = orders.assign(why=why, counted=alike & (overdue <= late_days))[why != ""]
        shown = ["order_id", *PLACE, "supplier_id", "quantity", "due_on", "why", "counted"]
        return pd.DataFrame(told[shown]).reset_index(drop=True)

    def _known(self, column: str) -> pd.Series:
        return self.planned.set_index("item_id")[column]


def gather(frames: Mapping[str, pd.DataFrame], as_of: date, params: Params) -> Evidence:
    """Complete the tables and work out what the warnings ask of them.

    Parameters
    ----------
    frames : contract frames by table; any table or optional column may be absent.
    as_of : the morning of the plan; later sales and counts are left out.
    """
    tables = {name: _complete(frames.get(name), name) for name in INPUT_TABLES}
    morning = pd.Timestamp(as_of)
    sales = tables["sales"][tables["sales"]["date"] < morning].reset_index(drop=True)
    stock = tables["stock"][~(tables["stock"]["as_of"] > morning)].reset_index(drop=True)
    counted = stock["as_of"].fillna(morning)
    latest = stock[counted.eq(counted.groupby(stock["location_id"], dropna=False).transform("max"))]
    since = sales["date"].max() - pd.Timedelta(days=RECENT_DAYS).as_unit("s")
    lately = sales[(sales["date"] > since) & (sales["quantity"] > 0)]
    recent = lately.groupby(list(PLACE), dropna=False, as_index=False)["quantity"].sum()
    recent = recent.rename(columns={"quantity": "recent_units"})
    weekly = sales["date"].nunique() > 1 and sales["date"].drop_duplicates().dt.weekday.nunique() == 1
    return Evidence(
        as_of=as_of,
        params=params,
        sales=sales,
        stock=stock,
        latest=latest,
        items=tables["items"],
        locations=tables["locations"],
        open_orders=tables["open_orders"],
        receipts=tables["receipts"],
        events=tables["events"],
        recent=recent,
        planned=_planned(tables, sales, latest, recent),
        bucket_days=7 if weekly else 1,
    )


def _complete(frame: pd.DataFrame | None, name: str) -> pd.DataFrame:
    """Give a table every column of the contract."""
    columns = INPUT_TABLES[name].columns
    if frame is None or frame.empty:
        return pd.DataFrame({c.name: absent(c, 0) for c in columns})
    lacking = {c.name: absent(c, len(frame)).set_axis(frame.index) for c in columns if c.name not in frame}
    return frame.assign(**lacking) if lacking else frame


def _planned(
    tables: Mapping[str, pd.DataFrame], sales: pd.DataFrame, latest: pd.DataFrame, recent: pd.DataFrame
) -> pd.DataFrame:
    """Return what is known of every item that sold or is held."""
    ids = pd.Index(np.union1d(_ids(sales), _ids(latest)), name="item_id")
    items = tables["items"].drop_duplicates("item_id").set_index("item_id").reindex(ids)
    out = pd.DataFrame(index=ids)
    at_location = tables["item_locations"].groupby("item_id")[["supplier_id", "lead_time_days"]].first().reindex(ids)
    named = items["supplier_id"].astype(object)  # without any row it would come as numbers
    out["supplier_id"] = named.where(named.notna(), at_location["supplier_id"])
    out["unit_cost"] = items["unit_cost"].fillna(latest.groupby("item_id")["unit_cost"].mean().reindex(ids))
    out["unit_price"] = items["unit_price"].fillna(_paid(sales).reindex(ids))
    out["recent_units"] = recent.groupby("item_id")["recent_units"].sum().reindex(ids).fillna(0.0)
    out["on_hand"] = latest.groupby("item_id")["on_hand"].sum().reindex(ids).fillna(0.0)
    told = tables["suppliers"].dropna(subset=["lead_time_days"])["supplier_id"]
    delivered = tables["receipts"]["supplier_id"].dropna()
    out["lead_time_known"] = (
        items["lead_time_days"].notna()
        | at_location["lead_time_days"].notna()
        | ids.isin(tables["receipts"]["item_id"])
        | out["supplier_id"].isin({*told, *delivered})
    )
    return out.reset_index()


def _paid(sales: pd.DataFrame) -> pd.Series:
    """Return what a unit of each item brought on average."""
    priced = sales[(sales["unit_price"] > 0) & (sales["quantity"] > 0)]
    turnover = (priced["unit_price"] * priced["quantity"]).groupby(priced["item_id"]).sum()
    paid: pd.Series = turnover / priced.groupby("item_id")["quantity"].sum()
    return paid


def _ids(frame: pd.DataFrame) -> npt.NDArray[np.object_]:
    return np.asarray(frame["item_id"].dropna().unique(), dtype=object)


def _in(frame: pd.DataFrame, other: pd.DataFrame, by: list[str]) -> npt.NDArray[np.bool_]:
    known = pd.MultiIndex.from_frame(other[by].fillna(""))
    return np.asarray(pd.MultiIndex.from_frame(frame[by].fillna("")).isin(known))


def _look_received(orders: pd.DataFrame, arrived: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Tell which orders have a receipt of their item, place and quantity near the due date, after the order."""
    by = [*PLACE, "quantity"]
    numbered = orders.assign(row=np.arange(len(orders)))[[*by, "due_on", "ordered_on", "row", "order_id"]]
    numbered, came = (f.assign(location_id=f["location_id"].fillna("")) for f in (numbered, arrived))
    pairs = numbered.merge(came[[*by, "received_on", "order_id"]], on=by, suffixes=("", "_of_receipt"))
    near = (pairs["received_on"] - pairs["due_on"]).dt.days.abs() <= RECEIVED_WITHIN_DAYS
    after = ~(pairs["received_on"] < pairs["ordered_on"])
    # A receipt with a number of its own belongs to another order.
    free = pairs["order_id_of_receipt"].isna() | pairs["order_id"].isna()
    out = np.zeros(len(orders), dtype=bool)
    out[pairs.loc[near & after & free, "row"].unique()] = True
    return out


def _worth(units: pd.Series, price: pd.Series) -> float:
    known = units.gt(0) & price.notna()
    if units.gt(0).any() and not known.any():
        return float("nan")
    return float((units[known] * price[known]).sum())


def _share(part: float, whole: float) -> float:
    return float(min(1.0, part / whole)) if whole > 0 else 0.0
