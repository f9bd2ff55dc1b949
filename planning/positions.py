"""The position of each item-location on the morning of the plan: stock, orders, money, limits, targets."""

from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np
import pandas as pd

from planning.classify import classify_abc
from planning.delivery import POINTS, lead_time_shapes, lead_time_table
from planning.fits import Fits
from planning.inputs import Inputs, current_stock, open_orders
from planning.lead_time import lead_times
from planning.network import Network
from planning.params import Params
from planning.policy import Supply
from planning.reorder import join_policy
from planning.targets import PIN_COLUMNS, join_targets, pinned_values, unused_pins
from planning.transfers import PURCHASE, approved_transfers, pooled_receipts, promised
from planning.what_if import added_days

YEAR_DAYS = 365
LEAD_SHAPE = tuple(f"lead_shape_{n}" for n in range(POINTS))
"""The columns of the shape of a line's lead times (see `planning.delivery.lead_time_shapes`)."""
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True)
class Delivered:
    """What receipts and overdue orders tell of lead times, whatever a parameter supposes of them.

    shapes : of each row's lead times (see `planning.delivery.lead_time_shapes`), (n, 5).
    longer : by supplier, how many times longer its lead time is with what is overdue.
    """

    shapes: np.ndarray
    longer: pd.Series


@dataclass(frozen=True)
class Positions:
    """What a plan starts from, one row an item-location in the order of the network's keys.

    The columns after the semicolon follow from quick parameters: see `with_choices`.

    table : item_id, location_id, item_name, category, supplier_id, on_hand, allocated, backorders, on_order,
        promised (approved transfers that have not left yet), unit_cost, unit_price, lead_time_days,
        lead_time_sd_days, lead_time_from, LEAD_SHAPE, review_period_days, volume, moq, order_multiple, max_order,
        min_stock, max_stock, least_stock, shelf_life_days, ends_in_days,
        ranged, dead, buys, abc_class, order_cost, place_policy, item_policy, place_target, item_target,
        pinned_safety_stock, pinned_service_target, inventory_position, demand_per_day, whole (see `with_demand`);
        coverage_days, service_target, service_target_from, target_source, shortage_cost, holding_cost_per_day,
        policy_type, lot, reorder_at.
        Quantities in units, missing limits NaN, money NaN where unknown. order_weekday: 0 is Monday, NaN any.
    receipts : row, day, quantity, order_id, due_on of the open orders that count; today: approved this morning;
        source: the row that sends it, -1 where it is bought.
    stale : the same of open orders that are overdue for too long to count.
    pooled : row, day, quantity, today of the receipts of each row and of all that it feeds.
    within : units on their way between the locations of each row's pool, (n,): they were theirs before.
    transfers : approved ones, as `planning.transfers.approved_transfers` returns them.
    delivered : what the lead times stand on; None: nothing is kept of it.
    """

    table: pd.DataFrame
    receipts: pd.DataFrame
    stale: pd.DataFrame = field(default_factory=pd.DataFrame)
    pooled: pd.DataFrame = field(default_factory=pd.DataFrame)
    within: np.ndarray = field(default_factory=lambda: np.zeros(0))
    transfers: pd.DataFrame = field(default_factory=pd.DataFrame)
    delivered: Delivered | None = None

    @property
    def approved(self) -> np.ndarray:
        """Units of the orders and transfers approved this morning, shape (n,): part of what this plan proposes."""
        return self._summed(self.receipts[self.receipts["today"]])

    @property
    def bought(self) -> np.ndarray:
        """Units of the purchases that were approved this morning, shape (n,)."""
        return self._summed(self.receipts[self.receipts["today"] & (self.receipts["source"] == PURCHASE)])

    @property
    def pooled_approved(self) -> np.ndarray:
        """`approved` of each row and of all that it feeds, but for what these send each other, shape (n,)."""
        return self._summed(self.pooled[self.pooled["today"]])

    @property
    def pooled_open(self) -> np.ndarray:
        """Units on order before this morning of each row and of all that it feeds, shape (n,)."""
        return self._summed(self.pooled[~self.pooled["today"]])

    def _summed(self, receipts: pd.DataFrame) -> np.ndarray:
        return np.bincount(receipts["row"], receipts["quantity"], minlength=len(self.table)).astype(float)

    def column(self, name: str) -> np.ndarray:
        """One column of the table as an array of floats, shape (n,)."""
        return self.table[name].to_numpy(float)

    @property
    def buys(self) -> np.ndarray:
        """Whether each row buys from a supplier (else it is fed by transfers), shape (n,)."""
        return self.table["buys"].to_numpy(bool)

    @property
    def interval(self) -> np.ndarray:
        """Lead time + review, days, shape (n,): what one order must cover."""
        return np.asarray(self.column("lead_time_days") + self.column("review_period_days"))

    @property
    def worth(self) -> np.ndarray:
        """Value of a unit served: its margin, or one where that is unknown, shape (n,)."""
        cost = self.column("shortage_cost")
        return np.where(np.isnan(cost), 1.0, cost)

    @property
    def days_to_sell(self) -> np.ndarray:
        """Days from its arrival in which an order must sell: shelf life, or what is left of the item, NaN: no end.

        An item that is ending, nobody knows when, is not kept beyond the coverage of its order.
        """
        left = self.column("ends_in_days")
        after = np.where(left > 0, np.maximum(left - self.column("lead_time_days"), 0), self.column("coverage_days"))
        return np.asarray(np.fmin(self.column("shelf_life_days"), np.where(np.isnan(left), np.nan, after)))

    @property
    def net_stock(self) -> np.ndarray:
        """On hand less committed, backorders and what was promised to others, units, (n,); below zero: owed."""
        return np.asarray(self.stock_before - self.column("promised"))

    @property
    def stock_before(self) -> np.ndarray:
        """On hand less committed and backorders, before approved transfers leave, units, (n,); below zero: owed."""
        return np.asarray(self.column("on_hand") - self.column("allocated") - self.column("backorders"))


def build_positions(
    inputs: Inputs,
    network: Network,
    fits: Fits,
    as_of: date,
    params: Params,
    notes: list[str],
    delivered: Delivered | None = None,
) -> Positions:
    """Join stock, master data, suppliers and lead times; each default is told in `notes`.

    Parameters
    ----------
    delivered : of the same tables and network, where it is known already.
    """
    table = network.keys.copy()
    stock = current_stock(inputs["stock"], as_of, notes)
    at = pd.MultiIndex.from_frame(table)
    missing = ~at.isin(stock.index)
    if missing.any():
        notes.append(f"Item-locations without a stock row: {int(missing.sum()):,}. They are taken to hold none.")
    for name in ("on_hand", "allocated", "backorders", "unit_cost"):
        values = stock[name].reindex(at).to_numpy()
        table[name] = values if name == "unit_cost" else np.nan_to_num(values)
    _join_master_data(table, inputs, as_of)
    table["buys"] = network.source < 0
    _join_prices(table, inputs)
    delivered = delivered or _delivered(table, inputs, as_of)
    _join_times(table, inputs, network, as_of, params, delivered, notes)
    delay = added_days(params.what_if, table["supplier_id"], of_open_orders=True)
    delay += params.lead_time_added_days if params.delay_open_orders else 0.0
    transfers = approved_transfers(inputs, network.keys, as_of, notes)
    table["promised"] = promised(transfers, len(table))
    receipts, stale = open_orders(inputs, network.keys, as_of, delay, notes, transfers[transfers["comes"]])
    pooled, within = pooled_receipts(receipts, network)
    table["on_order"] = np.bincount(receipts["row"], receipts["quantity"], minlength=len(table))
    _join_classes(table, fits)
    tell_pins(inputs["pins"], network.keys, notes)
    return with_pins(Positions(table, receipts, stale, pooled, within, transfers, delivered), inputs["pins"])


def with_pins(positions: Positions, pins: pd.DataFrame) -> Positions:
    """Return the same positions with these pins of safety stock and service target, and no others.

    Parameters
    ----------
    pins : the contract's table.
    """
    table = positions.table.copy()
    for kind, name in PIN_COLUMNS.items():
        table[name] = pinned_values(pins, table, kind)
    return replace(positions, table=table)


def with_demand(positions: Positions, position: np.ndarray, per_day: np.ndarray, whole: np.ndarray) -> Positions:
    """Return the positions with their inventory position (units), mean demand a day, and whether it is whole units."""
    told = positions.table.assign(inventory_position=position, demand_per_day=per_day, whole=whole)
    return replace(positions, table=told)


def tell_pins(pins: pd.DataFrame, keys: pd.DataFrame, notes: list[str]) -> None:
    """Note the pins that name no line of the plan, or hold a value that cannot be used."""
    unused = unused_pins(pins, keys)
    if len(unused):
        some = ", ".join(str(name)[:40] for name in unused["pin_id"].head(3))
        notes.append(
            f"Pins without an effect: {len(unused):,} ({some}). They name no item and location of the plan, "
            "or hold a value that cannot be used."
        )


def with_choices(positions: Positions, params: Params, notes: list[str]) -> Positions:
    """Add what quick parameters decide: costs of shortage and holding, coverage, service targets."""
    table = positions.table.copy()
    _join_costs(table, params, notes)
    table["coverage_days"] = np.maximum(params.coverage_days or 0, table["review_period_days"])
    join_targets(table, params)
    join_policy(table, params, notes)
    return replace(positions, table=table)


def _join_master_data(table: pd.DataFrame, inputs: Inputs, as_of: date) -> None:
    items = inputs["items"].drop_duplicates("item_id").set_index("item_id")
    local = inputs["item_locations"].drop_duplicates(["item_id", "location_id"]).set_index(["item_id", "location_id"])
    at = pd.MultiIndex.from_frame(table[["item_id", "location_id"]])

    def of_item(name: str) -> pd.Series:
        return table["item_id"].map(items[name])

    def of_place(name: str) -> pd.Series:
        return pd.Series(local[name].reindex(at).to_numpy(), index=table.index)

    for name in ("item_name", "category", "unit_price", "max_order", "shelf_life_days", "volume"):
        table[name] = of_item(name)
    own_cost = of_item("unit_cost")
    table["unit_cost"] = own_cost.where(own_cost.notna(), table["unit_cost"]).astype(float)
    for name in ("supplier_id", "moq", "min_stock", "max_stock"):
        place = of_place(name)
        table[name] = place.where(place.notna(), of_item(name))
    table["place_multiple"] = of_place("order_multiple").astype(float)
    table["item_multiple"] = of_item("order_multiple").astype(float)
    table["place_lead"] = of_place("lead_time_days").astype(float)
    table["item_lead"] = of_item("lead_time_days").astype(float)
    shown = pd.to_numeric(of_place("presentation_stock")).fillna(0)
    table["min_stock"] = pd.to_numeric(table["min_stock"])
    table["least_stock"] = np.maximum(table["min_stock"].fillna(0), shown)
    table["place_policy"], table["item_policy"] = of_place("policy"), of_item("policy")
    table["place_target"] = of_place("service_target").astype(float)
    table["item_target"] = of_item("service_target").astype(float)
    table["ranged"] = of_place("ranged").fillna(1.0).astype(float) > 0
    table["dead"] = of_item("life_cycle") == "dead"
    table["ends_in_days"] = _days_left(of_item("ends_on"), of_item("life_cycle") == "ending", as_of)


def _days_left(ends_on: pd.Series, ending: pd.Series, as_of: date) -> np.ndarray:
    """Return the days on which an item is still sold, NaN: no end; 0: it ends, but nobody said when."""
    left = (pd.to_datetime(ends_on, cache=False) - pd.Timestamp(as_of)).dt.days + 1.0
    return np.where(left.notna(), left.clip(lower=0), np.where(ending, 0.0, np.nan))


def _join_prices(table: pd.DataFrame, inputs: Inputs) -> None:
    sales = inputs["sales"]
    priced = sales[(sales["unit_price"] > 0) & (sales["quantity"] > 0)]
    if not priced.empty:
        turnover = (priced["unit_price"] * priced["quantity"]).groupby(priced["item_id"]).sum()
        paid = (turnover / priced["quantity"].groupby(priced["item_id"]).sum()).round(9)
        table["unit_price"] = table["unit_price"].where(table["unit_price"].notna(), table["item_id"].map(paid))
    table["unit_price"] = table["unit_price"].astype(float)


def _join_costs(table: pd.DataFrame, params: Params, notes: list[str]) -> None:
    margin = table["unit_price"] - table["unit_cost"]
    if params.shortage_cost_per_unit is not None:
        table["shortage_cost"] = params.shortage_cost_per_unit
    else:
        table["shortage_cost"] = margin.clip(lower=0)
        sold_below = table.loc[margin < 0, "item_id"].nunique()
        if sold_below:
            notes.append(f"Items sold below their cost: {sold_below:,}. A unit short of them is taken to cost nothing.")
        unknown = table.loc[margin.isna(), "item_id"].nunique()
        if unknown:
            notes.append(
                f"Items without a cost or a price: {unknown:,}. Their margin is left empty, and a unit counts as one."
            )
    held = table["unit_cost"] * params.holding_rate_per_year / YEAR_DAYS
    table["holding_cost_per_day"] = (
        held if params.holding_cost_per_unit_day is None else params.holding_cost_per_unit_day
    )


def _delivered(table: pd.DataFrame, inputs: Inputs, as_of: date) -> Delivered:
    shapes = lead_time_shapes(table, inputs["receipts"], inputs["open_orders"], as_of, inputs["items"])
    return Delivered(shapes, _still_waiting(inputs, as_of))


def _join_times(
    table: pd.DataFrame,
    inputs: Inputs,
    network: Network,
    as_of: date,
    params: Params,
    delivered: Delivered,
    notes: list[str],
) -> None:
    suppliers = inputs["suppliers"].drop_duplicates("supplier_id").set_index("supplier_id")

    def of_supplier(name: str) -> pd.Series:
        return table["supplier_id"].map(suppliers[name]).astype(float)

    asked = table.assign(
        item_location_lead=table.pop("place_lead"),
        item_lead=table.pop("item_lead"),
        supplier_lead=of_supplier("lead_time_days"),
        supplier_sd=of_supplier("lead_time_sd_days"),
    )
    found = lead_times(asked, inputs["receipts"], as_of, params)
    learned = found["lead_time_from"].isin(["receipts", "supplier receipts"])
    longer = table["supplier_id"].map(delivered.longer).astype(float).fillna(1.0)
    found["lead_time_days"] *= longer.where(learned, 1.0)
    found["lead_time_days"] += added_days(params.what_if, table["supplier_id"])
    table[list(LEAD_SHAPE)] = np.where(learned.to_numpy(bool)[:, None], delivered.shapes, np.nan)
    buys = table["buys"].to_numpy(bool)
    assumed = buys & (found["lead_time_from"] == "assumed").to_numpy()
    if assumed.any():
        worth = (table["on_hand"] * table["unit_cost"])[assumed].sum(min_count=1)
        money = "" if np.isnan(worth) else f", {worth:,.0f} of stock value"
        notes.append(
            f"Item-locations without a lead time: {int(assumed.sum()):,}{money}. "
            f"{params.lead_time_days:g} days are assumed."
        )
    spread = buys & ~learned.to_numpy(bool) & asked["supplier_sd"].isna().to_numpy()
    if spread.any() and params.lead_time_sd_fraction > 0:
        notes.append(
            f"Item-locations whose lead time no receipts tell, nor its spread: {int(spread.sum()):,}. "
            f"{params.lead_time_sd_fraction:.0%} of the lead time is assumed as its standard deviation, which adds to "
            "their safety stock."
        )
    table["lead_time_days"] = np.floor(np.where(buys, found["lead_time_days"], network.transit_days) + 0.5)
    table["lead_time_sd_days"] = np.where(buys, found["lead_time_sd_days"], 0.0)
    table["lead_time_from"] = np.where(buys, found["lead_time_from"], "transit")
    weekday = table["supplier_id"].map(suppliers["order_weekday"]).astype("string").str.lower()
    table["order_weekday"] = weekday.map({day: n for n, day in enumerate(WEEKDAYS)}).astype(float).where(buys)
    table["order_cost"] = np.where(buys, of_supplier("order_cost"), np.nan)
    review = of_supplier("review_period_days").fillna(params.review_period_days)
    table["review_period_days"] = np.where(buys, review, params.review_period_days)
    # A case pack is the supplier's; a location that is fed has one only where it is told for that location.
    table["order_multiple"] = np.where(
        buys, table["place_multiple"].fillna(table["item_multiple"]), table["place_multiple"]
    )
    table["moq"] = pd.to_numeric(table["moq"]).where(buys).fillna(0.0)
    table.drop(columns=["place_multiple", "item_multiple"], inplace=True)


def _still_waiting(inputs: Inputs, as_of: date) -> pd.Series:
    """Return by supplier how many times longer its lead time is once its overdue orders are counted, 1 at least.

    Receipts alone make a late supplier look fast: what has not come yet is not among them.
    """
    told = lead_time_table(inputs["receipts"], inputs["open_orders"], as_of, inputs["items"])
    told = told[told["supplier_id"].notna() & (told["overdue"] > 0) & (told["lead_time_days"] > 0)]
    times = told["lead_time_with_overdue_days"] / told["lead_time_days"]
    return pd.Series(times.clip(lower=1.0).to_numpy(float), index=told["supplier_id"])


def _join_classes(table: pd.DataFrame, fits: Fits) -> None:
    """ABC by the item's yearly value over all locations."""
    buckets = max(1, YEAR_DAYS // fits.calendar.bucket_days)
    recent = np.nansum(fits.demand[:, -buckets:], axis=1)
    span = min(buckets, max(1, fits.demand.shape[1])) * fits.calendar.bucket_days
    units = pd.Series(recent * YEAR_DAYS / span).groupby(table["item_id"].to_numpy()).sum()
    worth = table.groupby("item_id")["unit_cost"].mean()
    if worth.isna().all():
        worth = table.groupby("item_id")["unit_price"].mean()
    if worth.isna().all():
        worth = worth.fillna(1.0)
    by_item = pd.Series(classify_abc((units * worth.reindex(units.index)).to_numpy(float)), index=units.index)
    table["abc_class"] = table["item_id"].map(by_item)


def build_supply(positions: Positions, usable: np.ndarray, horizon: float) -> Supply:
    """Return what covers demand: of a location that feeds others, what it and they hold and expect.

    What was approved this morning is no cover yet: it is part of the order that the need asks for.

    Parameters
    ----------
    usable : stock that counts, units, (n,), already pooled.
    horizon : later open orders do not matter, days.
    """
    receipts = positions.pooled
    receipts = receipts[(receipts["day"] <= horizon) & ~receipts["today"]]
    rows, days, units = (receipts[c].to_numpy() for c in ("row", "day", "quantity"))
    totals = pd.Series(units, dtype=float).groupby([pd.Series(rows, dtype=int), pd.Series(days, dtype=float)]).sum()
    row = totals.index.get_level_values(0).to_numpy()
    slot = totals.groupby(level=0).cumcount().to_numpy()
    width = int(slot.max()) + 1 if len(slot) else 0
    day_table = np.full((len(usable), width), np.inf)
    unit_table = np.zeros((len(usable), width))
    day_table[row, slot] = totals.index.get_level_values(1)
    unit_table[row, slot] = totals.to_numpy()
    return Supply(
        stock=usable,
        receipt_day=day_table,
        receipt_units=unit_table,
        lead_time=positions.column("lead_time_days"),
        lead_time_sd=positions.column("lead_time_sd_days"),
        review=positions.column("review_period_days"),
        lead_shape=positions.table[list(LEAD_SHAPE)].to_numpy(float),
    )
