"""Warnings that change a plan: accepted data that make it wrong, with what is at stake and what becomes of it.

A row that breaks the contract is rejected where it is read. What stands here is lawful and still worth a look:
each finding counts, weighs, shows its rows, and says what the plan does and what would mend it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd

from data.evidence import RECENT_DAYS, Evidence, gather
from planning.params import Params

STALE_DAYS = 14
"""Days between a location's last sale and its count from which its sales are taken to have stopped."""

LEAST_GAP_DAYS = 7
GAP_MULTIPLE = 3
LEAST_DATES = 30
"""A gap is told from the usual ones from so many dates with sales on."""

LATE_DAYS = 60
"""Overdue so long, an open order is no cover (the contract)."""


@dataclass(frozen=True)
class Finding:
    """One warning.

    key     its name for programs
    part    the side of quality it belongs to: complete, consistent, current or plausible; summary: of several
    title   what was found, in one sentence
    count   how many items, rows, locations or orders
    of      what is counted, in the singular
    units   units at stake; NaN: cannot be told
    value   money at stake, as far as prices or costs are known; NaN: none is
    share   of all recent sales (or of all stock), 0 to 1, that it touches
    effect  what the plan does about it
    remedy  what a person can do
    rows    the rows behind
    """

    key: str
    part: str
    title: str
    count: int
    of: str
    units: float
    value: float
    share: float
    effect: str
    remedy: str
    rows: pd.DataFrame


Finder = Callable[[Evidence], Finding | None]


def find_warnings(frames: Mapping[str, pd.DataFrame], as_of: date, params: Params | None = None) -> list[Finding]:
    """Return what would change a plan made of these tables, the heaviest first.

    Parameters
    ----------
    frames : contract frames by table; any may be absent.
    as_of : the morning of the plan.
    params : for the lead time that is assumed; None: the defaults.

    Returns
    -------
    Findings, by share of sales or stock touched, then by count.
    """
    evidence = gather(frames, as_of, params or Params())
    found = [finding for look in FINDERS if (finding := look(evidence)) is not None]
    return sorted(found, key=lambda finding: (-finding.share, -finding.count, finding.key))


def _unplaced_sales(seen: Evidence) -> Finding | None:
    places = seen.stock["location_id"].dropna().nunique()
    rows = seen.sales[seen.sales["location_id"].isna()]
    if places < 2 or rows.empty:
        return None
    by_channel = rows.assign(channel=rows["channel"].fillna("")).groupby("channel")
    table = by_channel.agg(rows=("item_id", "size"), quantity=("quantity", "sum")).reset_index()
    every = len(rows) == len(seen.sales)
    return Finding(
        "sales_without_location",
        "complete",
        f"{len(rows):,} sales rows name no location, while the stock lies in {places:,}",
        len(rows),
        "sales row",
        float(rows["quantity"].clip(lower=0).sum()),
        seen.revenue(rows),
        len(rows) / len(seen.sales),
        "All stock and sales are pooled into one location, MAIN: no location gets a plan of its own."
        if every
        else "They are planned at a location of their own, MAIN, which holds no stock.",
        "Say which location serves them, or which serves each channel.",
        table,
    )


def _unknown_in_stock(seen: Evidence) -> Finding | None:
    listed = len(seen.items) > 0
    known = set(seen.items["item_id"]) if listed else set(seen.sales["item_id"].unique())
    rows = seen.latest[~seen.latest["item_id"].isin(known) & (seen.latest["on_hand"] > 0)]
    if rows.empty or (not listed and seen.sales.empty):
        return None
    items = rows["item_id"].nunique()
    missing = "master data" if listed else "sales and no master data"
    return Finding(
        "unknown_item_in_stock",
        "consistent",
        f"{items:,} items in stock have no {missing}",
        items,
        "item",
        float(rows["on_hand"].sum()),
        seen.stock_value(rows),
        seen.stock_share(rows),
        "They are planned without supplier, pack or cost of their own; without sales nothing is ordered for them.",
        "Add them to the items file, or correct their code in the stock file.",
        rows[["item_id", "location_id", "on_hand", "unit_cost", "as_of"]],
    )


def _never_sells(seen: Evidence) -> Finding | None:
    sold = set(seen.sales["location_id"].dropna().unique())
    held = seen.latest.dropna(subset=["location_id"])
    told = seen.locations.dropna(subset=["kind"]).set_index("location_id")["kind"]
    warehouses = set(told.index[told == "warehouse"])
    rows = held[~held["location_id"].isin(sold | warehouses)]
    if rows.empty or not sold:
        return None
    places = rows.groupby("location_id").agg(items=("item_id", "nunique"), on_hand=("on_hand", "sum")).reset_index()
    places["kind"] = places["location_id"].map(told)
    assumed = int(places["kind"].isna().sum())
    return Finding(
        "location_never_sells",
        "consistent",
        f"{len(places):,} locations hold stock and never sell",
        len(places),
        "location",
        float(rows["on_hand"].sum()),
        seen.stock_value(rows),
        seen.stock_share(rows),
        f"{assumed:,} are taken for warehouses, which feed the stores; the others for stores without demand.",
        "Say in the locations file which are warehouses, or add the sales that are missing.",
        places,
    )


def _stopped_sales(seen: Evidence) -> Finding | None:
    """Compare each location's last sale with its count; a location without sales at all is another finding."""
    if seen.sales.empty or seen.latest.empty:
        return None
    past = seen.sales
    last = past.groupby("location_id", dropna=False)["date"].agg(["max", "size"])
    counted = seen.latest.assign(as_of=seen.latest["as_of"].fillna(pd.Timestamp(seen.as_of)))
    counts = counted.groupby("location_id", dropna=False)["as_of"].max()
    both = last.reset_index().rename(columns={"max": "last_sale", "size": "sales_rows"})
    both["stock_of"] = both["location_id"].map(counts).fillna(counts.max())
    both["days"] = (both["stock_of"] - both["last_sale"]).dt.days - seen.bucket_days + 1
    rows = both[both["days"] > STALE_DAYS].reset_index(drop=True)
    if rows.empty:
        return None
    rows["units_missing"] = seen.daily_units(rows["location_id"]) * rows["days"]
    every = len(rows) == len(both)
    return Finding(
        "sales_stop_early",
        "current",
        f"Sales stop up to {int(rows['days'].max()):,} days before the stock's date in {len(rows):,} locations",
        len(rows),
        "location",
        float(rows["units_missing"].sum()),
        float("nan"),
        seen.sales_share(past["location_id"].isin(set(rows["location_id"])), past),
        "The history ends with the last sale and the forecast bridges the days without data."
        if every
        else "Their missing days count as days without demand, so that their forecast and orders come out too low.",
        "Export the sales up to the day of the count, and import again.",
        rows,
    )


def _no_cost(seen: Evidence) -> Finding | None:
    rows = seen.planned[seen.planned["unit_cost"].isna()]
    if rows.empty:
        return None
    return Finding(
        "cost_missing",
        "complete",
        f"{len(rows):,} of {len(seen.planned):,} items have no unit cost",
        len(rows),
        "item",
        float(rows["recent_units"].sum()),
        seen.sales_value(rows),
        seen.item_share(rows),
        "They are planned in units: their money cells stay empty and they weigh by units, not by value.",
        "Add unit_cost to the items file or to the stock file.",
        rows[["item_id", "recent_units", "on_hand", "unit_price"]],
    )


def _no_lead_time(seen: Evidence) -> Finding | None:
    rows = seen.planned[~seen.planned["lead_time_known"]]
    if rows.empty:
        return None
    return Finding(
        "lead_time_missing",
        "complete",
        f"{len(rows):,} of {len(seen.planned):,} items have no lead time",
        len(rows),
        "item",
        float(rows["recent_units"].sum()),
        seen.sales_value(rows),
        seen.item_share(rows),
        f"They are planned with the assumed {seen.params.lead_time_days:g} days, and an assumed spread.",
        "Add receipts, or lead_time_days to the items or the suppliers file.",
        rows[["item_id", "supplier_id", "recent_units", "on_hand"]],
    )


def _assumed(seen: Evidence) -> Finding | None:
    rows = seen.planned[seen.planned["unit_cost"].isna() | ~seen.planned["lead_time_known"]]
    if rows.empty or seen.item_share(rows) == 0:
        return None
    told = rows.assign(cost=rows["unit_cost"].isna(), lead_time=~rows["lead_time_known"])
    return Finding(
        "planned_on_assumptions",
        "summary",
        f"{100 * seen.item_share(rows):.0f} % of recent sales are planned on an assumed lead time or without a cost",
        len(rows),
        "item",
        float(rows["recent_units"].sum()),
        seen.sales_value(rows),
        seen.item_share(rows),
        "Orders of these items are only as good as the assumption.",
        "Begin with the items at the top: they sell the most.",
        told[["item_id", "recent_units", "cost", "lead_time"]].sort_values(
            ["recent_units", "item_id"], ascending=[False, True], ignore_index=True
        ),
    )


def _spellings(seen: Evidence) -> Finding | None:
    """Find codes that differ only in case, inner spaces or leading zeros."""
    ids = pd.Series(sorted(seen.item_ids()), dtype=object)
    if ids.empty:
        return None
    plain = ids.str.casefold().str.replace(r"\s+", "", regex=True).str.lstrip("0")
    rows = pd.DataFrame({"alike": plain, "item_id": ids})[plain.duplicated(keep=False)]
    if rows.empty:
        return None
    rows = rows.merge(seen.planned[["item_id", "recent_units", "on_hand"]], how="left", on="item_id")
    rows = rows.sort_values(["alike", "item_id"], ignore_index=True)
    most = rows.groupby("alike")["recent_units"].transform("max")
    fewer = rows[rows["recent_units"].fillna(0) < most.fillna(0)]
    codes = rows["alike"].nunique()
    return Finding(
        "spelled_twice",
        "consistent",
        f"{codes:,} items seem to be spelled in several ways",
        codes,
        "item",
        float(fewer["recent_units"].sum()),
        seen.sales_value(seen.planned[seen.planned["item_id"].isin(set(fewer["item_id"]))]),
        seen.item_share(seen.planned[seen.planned["item_id"].isin(set(rows["item_id"]))]),
        "Each spelling is planned as an item of its own, with its own stock, sales and order.",
        "Where they are one item, write it in one way in every file.",
        rows,
    )


def _cancelled(seen: Evidence) -> Finding | None:
    rows = seen.cancelled_sales()
    if rows.empty:
        return None
    sold = rows[rows["quantity"] > 0]
    return Finding(
        "cancelled_pairs",
        "plausible",
        f"{len(sold):,} sales were taken back whole on the same day",
        len(sold),
        "pair",
        float(sold["quantity"].sum()),
        seen.revenue(sold),
        float(sold["quantity"].sum() / max(seen.sales["quantity"].clip(lower=0).sum(), 1e-9)),
        "Neither row counts as demand.",
        "Nothing, unless they were real sales that came back.",
        rows,
    )


def _closures(seen: Evidence) -> Finding | None:
    """Find stretches in which a whole location sold nothing, far longer than its usual ones."""
    days = seen.sales[["location_id", "date"]].drop_duplicates().sort_values(["location_id", "date"])
    places = days.groupby("location_id", dropna=False)["date"]
    step = places.diff().dt.days
    usual = step.groupby(days["location_id"], dropna=False).transform(lambda gaps: gaps.quantile(0.95))
    enough = places.transform("size") >= LEAST_DATES
    long = enough & (step > (GAP_MULTIPLE * usual).clip(lower=LEAST_GAP_DAYS))
    if not long.any():
        return None
    rows = pd.DataFrame(
        {
            "location_id": days.loc[long, "location_id"],
            "starts_on": days.loc[long, "date"] - pd.to_timedelta(step[long] - seen.bucket_days, unit="D"),
            "ends_on": days.loc[long, "date"] - timedelta(days=1),
            "days": step[long] - seen.bucket_days,
        }
    )
    rows = rows[~seen.told_closed(rows)].reset_index(drop=True)
    if rows.empty:
        return None
    rows["units_missing"] = seen.daily_units(rows["location_id"]) * rows["days"]
    lost = float(rows["units_missing"].sum())
    return Finding(
        "looks_closed",
        "plausible",
        f"{len(rows):,} gaps of up to {int(rows['days'].max()):,} days look like closures",
        len(rows),
        "gap",
        lost,
        float("nan"),
        lost / (lost + max(float(seen.sales["quantity"].clip(lower=0).sum()), 1e-9)),
        "They count as days without demand, which lowers the forecast.",
        "Where the location was closed, add an event with uplift 0 for these dates; they are then left out.",
        rows,
    )


def _zero_prices(seen: Evidence) -> Finding | None:
    free = seen.sales[(seen.sales["unit_price"] == 0) & (seen.sales["quantity"] > 0)]
    priced = seen.items[(seen.items["unit_price"] == 0) | (seen.items["unit_cost"] == 0)]
    rows = pd.concat(
        [
            free.groupby("item_id").agg(sales_rows=("quantity", "size"), quantity=("quantity", "sum")),
            priced.drop_duplicates("item_id").set_index("item_id")[["unit_price", "unit_cost"]],
        ],
        axis=1,
    ).reset_index(names="item_id")
    if rows.empty:
        return None
    return Finding(
        "price_zero",
        "plausible",
        f"{len(rows):,} items were sold for nothing, or have a price or cost of zero",
        len(rows),
        "item",
        float(free["quantity"].sum()),
        float("nan"),
        float(free["quantity"].sum() / max(seen.sales["quantity"].clip(lower=0).sum(), 1e-9)),
        "Their units count as demand. A sale at zero tells no price; a price or cost of zero is taken as it is.",
        "Leave gifts, samples and write-offs out of the sales, and empty the cells where the price is not known.",
        rows,
    )


def _no_stock_row(seen: Evidence) -> Finding | None:
    rows = seen.selling_without_stock()
    if rows.empty:
        return None
    return Finding(
        "sells_without_stock",
        "consistent",
        f"{len(rows):,} items sold in the last {RECENT_DAYS} days have no row in the latest count",
        len(rows),
        "item and location",
        float(rows["recent_units"].sum()),
        seen.sales_value(rows),
        float(rows["recent_units"].sum() / max(seen.recent_units, 1e-9)),
        "They are taken to have nothing on hand, so that the whole target stock is ordered.",
        "Export the stock with the rows that are zero, or correct the item's code.",
        rows,
    )


def _received(seen: Evidence) -> Finding | None:
    rows = seen.doubtful_orders(LATE_DAYS)
    if rows.empty:
        return None
    units = float(rows["quantity"].sum())
    counted = rows[rows["counted"]]
    all_units = max(float(seen.open_orders["quantity"].sum()), 1e-9)
    return Finding(
        "open_orders_look_received",
        "current",
        "1 open order looks received or forgotten"
        if len(rows) == 1
        else f"{len(rows):,} open orders look received or forgotten",
        len(rows),
        "open order",
        units,
        seen.order_value(rows),
        min(1.0, units / all_units),
        _still_to_come(counted, len(rows)),
        "Close those that arrived in your system, and import the open orders again.",
        rows,
    )


def _still_to_come(counted: pd.DataFrame, orders: int) -> str:
    """What the plan still counts on, of so many open orders."""
    if counted.empty:
        return "Nothing of it counts as stock to come any more."
    left = f"; {orders - len(counted):,} of {orders:,} are left out" if len(counted) < orders else ""
    return f"{counted['quantity'].sum():,.0f} units of it still count as stock to come{left}."


FINDERS: tuple[Finder, ...] = (
    _unplaced_sales,
    _unknown_in_stock,
    _never_sells,
    _stopped_sales,
    _no_cost,
    _no_lead_time,
    _assumed,
    _spellings,
    _cancelled,
    _closures,
    _zero_prices,
    _no_stock_row,
    _received,
)
