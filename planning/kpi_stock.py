"""Key figures of what the stock is worth, how fast it turns, what it earns and the room that it takes."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from planning.kpi_form import YEAR_DAYS, Floats, Kpi, join, kpi, over_time, ratio, said_share
from planning.kpi_formulas import days_of_inventory, gmroi, turnover
from planning.kpi_view import Mask, View, known_sum
from planning.phrases import said_day

YEAR_MONTHS = 12
ENDS = YEAR_MONTHS + 1
"""Month ends that a year's average asks for: two would hide the season."""
DEAD_DAYS = 180
OF_STOCK = ("stock_value", "excess_value", "dead_value", "days_of_supply", "carrying_cost", "space_used")
"""Figures of the stock of today."""
COSTS = "Bring unit_cost in items (or in stock)."
HISTORY = (
    "Bring stock of past days: the stock table with as_of, at least of each month's end, better 13 of them (and sales "
    "of the same months)."
)


@dataclass(frozen=True)
class Year:
    """What the lines in view held and sold over a year or less of month ends, at today's cost; n lines.

    known : lines in view whose stock and cost are known; average : mean stock of month ends, units.
    cost_of_goods, margin : money a year, of all lines (NaN unknown); sold_by : those whose sales are of `known`.
    ends : how many month ends the average is of, the fewest of any line; period : in words.
    """

    known: Mask
    average: Floats
    cost_of_goods: Floats
    margin: Floats
    sold_by: Mask
    ends: int
    period: str

    @property
    def said(self) -> str:
        """Say where month ends are missing."""
        return "" if self.ends >= ENDS else f"{self.ends} month ends instead of {ENDS}, taken to a year"


def year_until(view: View, last: int) -> Year | None:
    """Return the year that ends on a month's first morning, by its number; None: nothing is known of it."""
    past = view.past
    begin = max(0, last - YEAR_MONTHS)
    months: Mask = np.asarray(~np.isnan(past.sold[:, begin:last]).any(axis=0))
    # Stock is set against the sales of the same months alone.
    begin += len(months) - int(np.cumprod(months[::-1]).sum())
    if last - begin < 1:
        return None
    there = ~np.isnan(past.stock[:, begin : last + 1])
    since = np.logical_or.accumulate(there, axis=1)
    until = np.logical_or.accumulate(there[:, ::-1], axis=1)[:, ::-1]
    count = there.sum(axis=1)
    within = np.where(count[:, None] > 1, since[:, :-1] & until[:, 1:], True)  # noqa: FBT003
    length = np.diff(past.mornings[begin : last + 1]).astype(int)
    scale = YEAR_DAYS / (within @ length)
    sold, paid, unpriced = (
        np.where(within, part[:, begin:last], 0.0).sum(axis=1) * scale for part in (past.sold, past.paid, past.unpriced)
    )
    average = np.where(count > 1, np.nansum(past.stock[:, begin : last + 1], axis=1) / np.maximum(count, 1), np.nan)
    known = view.chosen & (count > 1) & ~np.isnan(view.cost)
    goods = np.where(sold == 0, 0.0, sold * view.cost)
    listed = np.where(unpriced == 0, 0.0, unpriced * view.price)
    if not (view.chosen & (count > 1)).any():
        return None
    return Year(
        known, average, goods, paid + listed - goods, view.sold_for(known), int(count[known].min(initial=ENDS)),
        f"{last - begin} months to {said_day(past.mornings[last] - 1)}",
    )  # fmt: skip


def stock_kpis(view: View) -> list[Kpi]:
    """Return stock value, excess and dead stock, turnover, days, carrying cost, GMROI, sell-through and space."""
    last = len(view.past.mornings) - 1
    year = year_until(view, last) if last > 0 else None
    found = [
        _stock_value(view),
        _excess(view),
        _dead(view),
        *_turns(view, year),
        _days_of_supply(view),
        _carrying_cost(view, year),
        _gmroi(view, year),
        _sell_through(view),
        _space(view),
    ]
    if view.past.stock_told:
        return found
    # The plan takes what no count tells for nothing; a figure of it would be a guess.
    return [kpi(one.key, None, one.period, missing="Bring stock.") if one.key in OF_STOCK else one for one in found]


def _stock_value(view: View) -> Kpi:
    mine = view.chosen
    value = view.on_hand * view.cost
    priced = mine & ~np.isnan(view.cost)
    # A month end at which some locations were not counted would look like a fall: it is not told.
    past = (view.past.stock[priced] * view.cost[priced][:, None]).sum(axis=0)
    today = np.datetime64(view.past.as_of, "D")
    before = view.past.mornings < today
    days = np.append(view.past.mornings[before], today)
    items = view.table(mine & (view.on_hand > 0), on_hand=view.on_hand, unit_cost=view.cost, stock_value=value)
    total = known_sum(value[mine & (view.on_hand > 0)])
    return kpi(
        "stock_value", total, view.today, missing=COSTS, covered=view.said_cost(mine, view.on_hand),
        trend=over_time(days, np.append(past[before], total)),
        items=items.sort_values("stock_value", ascending=False, kind="stable"),
    )  # fmt: skip


def _excess(view: View) -> Kpi:
    units, money = (view.plan.lines[name].to_numpy(float) for name in ("excess_units", "excess_value"))
    some = view.chosen & (np.nan_to_num(units) > 0)
    return kpi(
        "excess_value", known_sum(money[some]), view.today, missing=COSTS, covered=view.said_cost(view.chosen, units),
        items=view.table(some, excess_units=units, excess_value=money).sort_values(
            "excess_value", ascending=False, kind="stable"
        ),
    )  # fmt: skip


def dead_lines(view: View) -> tuple[Mask, Mask]:
    """Return lines with stock of which nothing was sold for `DEAD_DAYS`, and those of which that is known, both (n,).

    What a location feeds sells for it. A line that never sold is dead where it was in stock so long ago; launched
    since, it is new. What the life cycle calls dead is so from the first day.
    """
    past = view.past
    edge = np.datetime64(past.covered_to, "D") - DEAD_DAYS
    held, told_dead = view.on_hand > 0, past.life_cycle == "dead"
    long_enough = past.sales_from is not None and np.datetime64(past.sales_from, "D") <= edge
    recent, ever = (_or_fed(view, some) for some in (past.last_sold >= edge, ~np.isnat(past.last_sold)))
    new = (past.launch_on >= edge) | (past.life_cycle == "new")
    old = ever | (past.first_held < edge)
    dead = held & (told_dead | (long_enough & ~recent & old & ~new))
    return dead, held & (told_dead | recent | new | (long_enough & old))


def _or_fed(view: View, some: Mask) -> Mask:
    """Whether this is so of each line, or of one that it feeds."""
    out, at = some.copy(), view.source
    while (at >= 0).any():
        np.logical_or.at(out, at[at >= 0], some[at >= 0])
        at = np.where(at >= 0, view.source[at], -1)
    return out


def _dead(view: View) -> Kpi:
    dead, known = dead_lines(view)
    some, held = view.chosen & dead, view.chosen & (view.on_hand > 0)
    value = view.on_hand * view.cost
    items = view.table(some, on_hand=view.on_hand, last_sold=view.past.last_sold, dead_value=value)
    told = known_sum(value[some]) if (known & held).any() or not held.any() else float("nan")
    return kpi(
        "dead_value", told, view.today, missing=f"Bring sales of more than {DEAD_DAYS} days, and unit costs.",
        covered=join([
            said_share(known & held, held, "lines in stock can be judged"), view.said_cost(some, view.on_hand),
        ]),
        items=items.sort_values("dead_value", ascending=False, kind="stable"),
    )  # fmt: skip


def _needs(view: View) -> str:
    costs = ~np.isnan(view.cost[view.chosen])
    return HISTORY if costs.any() else f"{HISTORY} {COSTS}"


def _totals(view: View, year: Year) -> tuple[float, float]:
    """Return average stock at cost and cost of goods sold in a year of the lines in view, money."""
    stock = float((year.average * view.cost)[year.known].sum())
    return stock, float(np.nansum(year.cost_of_goods[year.sold_by]))


def _turns(view: View, year: Year | None) -> list[Kpi]:
    if year is None or not year.known.any():
        missing, period = _needs(view), year.period if year else view.today
        return [kpi(key, None, period, missing=missing) for key in ("turnover", "days_of_inventory")]
    stock, goods = _totals(view, year)
    dates, turns = _past_turns(view)
    goods_of, held = _with_fed(view, np.nan_to_num(year.cost_of_goods)), year.average * view.cost
    table = view.table(
        year.known & ((held > 0) | (goods_of > 0)), average_stock_value=held, cost_of_goods=goods_of,
        turnover=turnover(goods_of, held), days_of_inventory=days_of_inventory(goods_of, held),
        tied_up=held - goods_of * ratio(stock, goods),
    )  # fmt: skip
    # The worst are those that tie up the most money beyond what their sales would at the common pace.
    by = "tied_up" if goods > 0 else "average_stock_value"
    table = table.sort_values(by, ascending=False, kind="stable").drop(columns="tied_up")
    asked = view.chosen & ((view.on_hand > 0) | (np.nan_to_num(year.average) > 0))
    covered = join([said_share(year.known, asked | year.known, "lines have stock history and a cost"), year.said])
    days = np.where(turns > 0, YEAR_DAYS / np.where(turns > 0, turns, 1.0), np.nan)
    none = "Nothing was held in these months." if stock <= 0 else "Nothing was sold in these months."
    return [
        kpi("turnover", turnover(goods, stock), year.period, missing=none, covered=covered,
            trend=over_time(dates, turns), items=table),
        kpi("days_of_inventory", days_of_inventory(goods, stock), year.period, missing=none, covered=covered,
            trend=over_time(dates, days), items=table),
    ]  # fmt: skip


def _past_turns(view: View) -> tuple[np.ndarray, Floats]:
    """Return the turnover of each whole year that ended on a month's first morning."""
    past, found = view.past, []
    counted: Mask = np.asarray((~np.isnan(past.stock)).any(axis=0))
    for last in range(YEAR_MONTHS, len(past.mornings)):
        year = year_until(view, last) if counted[last - YEAR_MONTHS : last + 1].all() else None
        whole = year is not None and year.known.any() and year.ends >= ENDS
        found.append(turnover(*_totals(view, year)[::-1]) if whole and year is not None else np.nan)
    return past.mornings[YEAR_MONTHS:], np.array(found, float)


def _days_of_supply(view: View) -> Kpi:
    per_day = view.plan.policy["demand_mean_per_day"].to_numpy(float)
    priced = ~np.isnan(view.cost[view.chosen])
    weight = view.cost if priced.any() else np.ones(len(view.cost))
    mine = view.chosen & ~np.isnan(weight)
    top = view.outermost(mine)
    use = np.nansum((per_day * weight)[top])
    held = view.on_hand * weight
    with np.errstate(invalid="ignore", divide="ignore"):
        days = np.where(per_day > 0, view.on_hand / per_day, np.nan)
    over = held - per_day * weight * ratio(float(held[mine].sum()), float(use))
    table = view.table(
        mine & (view.on_hand > 0), on_hand=view.on_hand, demand_mean_per_day=per_day, days_of_supply=days, over=over
    )
    return kpi(
        "days_of_supply", ratio(float(held[mine].sum()), float(use)), view.today,
        missing="No demand is expected of these lines.",
        covered=join([view.said_cost(view.chosen, view.on_hand) if priced.any() else "in units: no cost is known"]),
        items=table.sort_values("over", ascending=False, kind="stable", na_position="first").drop(columns="over"),
    )  # fmt: skip


def _carrying_cost(view: View, year: Year | None) -> Kpi:
    params = view.plan.params
    rate = view.cost * params.holding_rate_per_year
    if params.holding_cost_per_unit_day is not None:
        rate = np.full(len(rate), params.holding_cost_per_unit_day * YEAR_DAYS)
    known = None if year is None else view.chosen & ~np.isnan(year.average) & ~np.isnan(rate)
    if year is None or known is None or not known.any():
        # Without a history the stock of today is all there is to go by, and that is said.
        known, units, period = view.chosen & ~np.isnan(rate), view.on_hand, f"at the stock {view.today}"
        covered = join(["at today's stock, for want of past month ends", view.said_cost(view.chosen, units)])
    else:
        units, period = year.average, year.period
        asked = view.chosen & ((view.on_hand > 0) | (np.nan_to_num(units) > 0))
        covered = join([said_share(known, asked | known, "lines have stock history and a cost"), year.said])
    cost = np.where(known, units * rate, np.nan)
    some = known & (units > 0)
    value = float(np.nansum(cost[known])) if known.any() else None
    return kpi(
        "carrying_cost", value, period, missing=COSTS, covered=covered,
        items=view.table(some, average_units=units, carrying_cost=cost).sort_values(
            "carrying_cost", ascending=False, kind="stable"
        ),
    )  # fmt: skip


def _gmroi(view: View, year: Year | None) -> Kpi:
    if year is None or not year.known.any():
        return kpi("gmroi", None, year.period if year else view.today, missing=f"{_needs(view)} Prices, too.")
    # Stock of what has no price would weigh without its margin.
    priced = year.known & ~np.isnan(year.margin)
    fed = view.below(priced) & year.sold_by & ~year.known
    told = (priced | fed) & ~np.isnan(year.margin)
    held = year.average * view.cost
    stock, margin = float(held[priced].sum()), float(np.nansum(year.margin[told]))
    earned = _with_fed(view, np.nan_to_num(year.margin))
    table = view.table(
        priced & ((held > 0) | (earned != 0)), gross_margin=earned, average_stock_value=held, gmroi=gmroi(earned, held),
        short=held * ratio(margin, stock) - earned,
    )  # fmt: skip
    return kpi(
        "gmroi", gmroi(margin, stock) if (told & (np.nan_to_num(year.cost_of_goods) != 0)).any() else None, year.period,
        missing="Bring unit_price in sales or items.",
        covered=join([said_share(priced, year.known, "lines have a price"), year.said]),
        items=table.sort_values("short", ascending=False, kind="stable").drop(columns="short"),
    )  # fmt: skip


def _sell_through(view: View) -> Kpi:
    past = view.past
    months: Mask = np.asarray(~np.isnan(past.received).any(axis=0) & ~np.isnan(past.sold).any(axis=0))
    months[: max(0, len(months) - YEAR_MONTHS)] = False
    missing = "Bring receipts with their quantities, of the same months as sales."
    if not months.any():
        return kpi("sell_through", None, view.today, missing=missing)
    received, sold = past.received[:, months].sum(axis=1), past.sold[:, months].sum(axis=1)
    mine = view.chosen & (received > 0)
    first, last = np.flatnonzero(months)[[0, -1]]
    told = float(sold[mine | view.below(mine)].sum())
    each = np.where(mine, received, 0.0)
    table = view.table(mine, received=received, sold=_with_fed(view, sold), over=each - _with_fed(view, sold))
    table = table.assign(sell_through=table["sold"] / table["received"])
    return kpi(
        "sell_through", ratio(told, float(each.sum())),
        f"{int(months.sum())} months to {said_day(past.mornings[last + 1] - 1)}",
        missing="Nothing was received at these lines: transfers are no receipts. Look at the locations that buy.",
        covered=join([
            f"since {said_day(past.mornings[first])}, when receipts begin" if months.sum() < YEAR_MONTHS else "",
            f"{past.unplaced_receipts:,.0f} units received name no line of the plan" if past.unplaced_receipts else "",
        ]),
        items=table.sort_values("over", ascending=False, kind="stable").drop(columns="over"),
    )  # fmt: skip


def _with_fed(view: View, units: Floats) -> Floats:
    """Return the units of each line and of all that it feeds, (n,)."""
    out, at = units.astype(float, copy=True), view.source
    while (at >= 0).any():
        np.add.at(out, at[at >= 0], units[at >= 0])
        at = np.where(at >= 0, view.source[at], -1)
    return out


def _space(view: View) -> Kpi:
    past = view.past
    volume = past.volume
    known = volume[~np.isnan(volume)]
    in_volume = len(known) > 0
    room = volume if in_volume else np.ones(len(volume))
    coming = view.plan.lines["on_order"].to_numpy(float)
    here = view.chosen & ~np.isnan(past.capacity)
    missing = "Bring capacity in locations."
    if not here.any():
        return kpi("space_used", None, view.today, missing=missing)
    rows = pd.DataFrame({
        "location_id": view.keys["location_id"].to_numpy(object), "capacity": past.capacity,
        "used": view.on_hand * room, "inbound": np.nan_to_num(coming) * room,
        "unknown_units": np.where(np.isnan(room), view.on_hand, 0.0),
    })[here]  # fmt: skip
    table = rows.groupby("location_id", as_index=False).agg(
        capacity=("capacity", "first"), used=("used", "sum"), inbound=("inbound", "sum"),
        unknown_units=("unknown_units", "sum"),
    )  # fmt: skip
    with np.errstate(invalid="ignore", divide="ignore"):
        table["share_used"] = np.where(table["capacity"] > 0, table["used"] / table["capacity"], np.nan)
        table["share_with_inbound"] = np.where(
            table["capacity"] > 0, (table["used"] + table["inbound"]) / table["capacity"], np.nan
        )
    total, used, inbound = (float(table[name].sum()) for name in ("capacity", "used", "inbound"))
    over = table.loc[table["share_with_inbound"] > 1, "location_id"]
    places = view.keys["location_id"]
    asked = int(places[view.chosen].nunique())
    return kpi(
        "space_used", ratio(used, total), view.today, missing=missing,
        covered=join([
            f"{ratio(used + inbound, total):.0%} with what is inbound",
            f"over its room once all has come: {', '.join(map(str, over.head(3)))}" if len(over) else "",
            f"{len(table):,} of {asked:,} locations have a capacity" if len(table) < asked else "",
            f"{rows['unknown_units'].sum():,.0f} units without a volume" if rows["unknown_units"].sum() > 0 else "",
            "" if in_volume else "in units: no item has a volume",
            "" if view.everything else "of the lines in view alone",
        ]),
        items=table.sort_values("share_with_inbound", ascending=False, kind="stable"),
    )  # fmt: skip
