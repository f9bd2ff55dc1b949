"""Key figures of what is at stake now, how well customers were served, and how far forecasts can be believed."""

import numpy as np
import pandas as pd

from planning.kpi_form import Floats, Kpi, join, kpi, over_time, ratio, said_share
from planning.kpi_formulas import tracking_signal
from planning.kpi_rows import Rows
from planning.kpi_stock import COSTS, YEAR_MONTHS
from planning.kpi_view import View, known_sum
from planning.phrases import said_day

WEEKS = 13
"""How many weeks ahead cash out is told."""
SHELVES = "Bring availability (was it on the shelf?), or stock of past days: the stock table with as_of."


def today_kpis(view: View) -> list[Kpi]:
    """Return margin at risk, what is due today, and cash out by week."""
    return [_margin_at_risk(view), *_due_today(view), _cash_out(view)]


def _margin_at_risk(view: View) -> Kpi:
    units, money = (view.plan.lines[name].to_numpy(float) for name in ("expected_lost_units", "lost_margin"))
    some = view.chosen & (np.nan_to_num(units) > 0)
    told = said_share(some & ~np.isnan(money), some)
    bare = float(units[some & np.isnan(money)].sum())
    return kpi(
        "margin_at_risk", known_sum(money[some]), view.today, missing="Bring unit_price and unit_cost in items.",
        covered=f"{told} have a margin; {bare:,.0f} units of the others are at risk, too" if told else "",
        items=view.table(some, expected_lost_units=units, lost_margin=money).sort_values(
            ["lost_margin", "expected_lost_units"], ascending=False, kind="stable"
        ),
    )  # fmt: skip


def _in_view(view: View, frame: pd.DataFrame) -> pd.DataFrame:
    at = view.rows.of(frame) if len(frame) else np.zeros(0, int)
    return frame[(at >= 0) & view.chosen[at]]


def _due_today(view: View) -> list[Kpi]:
    orders = _in_view(view, view.plan.orders)
    columns = ["item_id", "location_id", "supplier_id", "order_number", "quantity", "line_value"]
    table = orders[columns].sort_values("line_value", ascending=False, kind="stable")
    value = orders["line_value"].to_numpy(float)
    bare = np.isnan(value)
    told = said_share(~bare, np.ones(len(value), bool))
    units = float(orders["quantity"].to_numpy(float)[bare].sum())
    numbers, suppliers = orders["order_number"].nunique(), orders["supplier_id"].nunique()
    return [
        kpi("order_value_today", known_sum(value), view.today, missing=COSTS, items=table,
            covered=f"{told} have a cost; the others are {units:,.0f} units" if told else ""),
        kpi("orders_due_today", float(len(orders)), view.today, items=table,
            covered=f"{numbers:,} orders to {suppliers:,} suppliers" if numbers else ""),
    ]  # fmt: skip


def _cash_out(view: View) -> Kpi:
    today, later = _in_view(view, view.plan.orders), _in_view(view, view.plan.planned_orders)
    columns = ["item_id", "location_id", "order_on", "quantity"]
    rows = pd.concat([frame[columns] for frame in (today, later) if len(frame)] or [today[columns]], ignore_index=True)
    start = np.datetime64(view.past.as_of, "D")
    week = (rows["order_on"].to_numpy("datetime64[D]") - start).astype(int) // 7
    soon = (week >= 0) & (week < WEEKS)
    week, at = week[soon], view.rows.of(rows)[soon]
    units = rows["quantity"].to_numpy(float)[soon]
    value = units * view.cost[at]
    known, n = ~np.isnan(value), len(view.cost)
    by_week = np.bincount(week[known], value[known], WEEKS).astype(float)
    by_line = np.bincount(at, np.nan_to_num(value), n)
    table = view.table(
        np.bincount(at, minlength=n) > 0, quantity=np.bincount(at, units, n),
        value=np.where(np.isnan(view.cost), np.nan, by_line),
    )  # fmt: skip
    told = said_share(known, np.ones(len(known), bool), "orders")
    return kpi(
        "cash_out", known_sum(value), f"{WEEKS} weeks from {said_day(start)}", missing=COSTS,
        covered=f"{told} have a cost" if told else "",
        trend=over_time(start + 7 * np.arange(WEEKS), by_week),
        items=table.sort_values("value", ascending=False, kind="stable"),
    )  # fmt: skip


def service_kpis(view: View) -> list[Kpi]:
    """Return stock-out rate and fill rate achieved."""
    return [_stockout_rate(view), _fill_rate(view)]


def _year(view: View) -> tuple[slice, str]:
    """Return the months of the last year or less, and the period in words."""
    mornings = view.past.mornings
    months = min(YEAR_MONTHS, max(len(mornings) - 1, 0))
    if not months:
        return slice(0, 0), view.today
    return slice(-months, None), f"{months} months to {said_day(mornings[-1] - 1)}"


def _stockout_rate(view: View) -> Kpi:
    shelf, (year, period) = view.past.shelf, _year(view)
    told, empty = shelf.told[:, year].sum(axis=1), shelf.empty[:, year].sum(axis=1)
    mine = view.chosen & (told > 0)
    by_month = [part[view.chosen].sum(axis=0) for part in (shelf.empty, shelf.told)]
    with np.errstate(invalid="ignore", divide="ignore"):
        trend = np.where(by_month[1] > 0, by_month[0] / by_month[1], np.nan)
        share = np.where(told > 0, empty / told, np.nan)
    counted = mine & (shelf.told_by == "counts")
    table = view.table(
        mine & (empty > 0), days_empty=empty, days_told=told, stockout_rate=share, told_by=shelf.told_by
    ).sort_values("days_empty", ascending=False, kind="stable")
    return kpi(
        "stockout_rate", ratio(float(empty[mine].sum()), float(told[mine].sum())), period, missing=SHELVES,
        covered=join([
            said_share(mine, view.chosen),
            f"{int(counted.sum()):,} of them by counts of their stock alone" if counted.any() else "",
        ]),
        trend=over_time(view.past.mornings[:-1], trend), items=table,
    )  # fmt: skip


def _fill_rate(view: View) -> Kpi:
    shelf, (year, period) = view.past.shelf, _year(view)
    if not view.plan.params.stockout_correction:
        return kpi("fill_rate_achieved", None, period, missing="Switch on the correction of stock-outs.")
    served, lost = shelf.served[:, year].sum(axis=1), shelf.lost[:, year].sum(axis=1)
    sells = view.chosen & (served + np.nan_to_num(lost, nan=1.0) > 0)
    mine = sells & ~np.isnan(lost)
    told_elsewhere = view.past.shelf.told.any() and not (view.chosen & ~view.feeds).any()
    wanted = served + np.nan_to_num(lost)
    by_month = [np.nansum(part[mine], axis=0) for part in (shelf.served, shelf.lost)]
    with np.errstate(invalid="ignore", divide="ignore"):
        trend = np.where(by_month[0] > 0, by_month[0] / (by_month[0] + by_month[1]), np.nan)
        share = np.where(wanted > 0, served / wanted, np.nan)
    margin = lost * (view.price - view.cost).clip(min=0)
    table = view.table(
        mine & (np.nan_to_num(lost) > 0), sold=served, lost=lost, fill_rate=share, lost_margin=margin
    ).sort_values(["lost_margin", "lost"], ascending=False, kind="stable")
    asked = view.chosen & (np.nan_to_num(view.past.sold[:, year]).sum(axis=1) > 0)
    return kpi(
        "fill_rate_achieved", ratio(float(served[mine].sum()), float(wanted[mine].sum())), period,
        missing="These lines sell to no customer: look at the locations that they feed." if told_elsewhere else SHELVES,
        covered=join([
            said_share(mine & asked, asked, "lines that sold"),
            f"{np.nansum(lost[mine]):,.0f} units lost by estimate" if mine.any() else "",
        ]),
        trend=over_time(view.past.mornings[:-1], trend), items=table,
    )  # fmt: skip


def forecast_kpis(view: View) -> list[Kpi]:
    """Return forecast accuracy and bias over lead time + review, and forecasts that drift."""
    record = view.plan.accuracy
    columns = ("demand_units", "error_units", "bias_units", "scored", "error_value")
    demand, error, bias, points, money = (
        record[name].to_numpy(float) if name in record else np.full(len(record), np.nan) for name in columns
    )
    at = Rows(record[["item_id", "location_id"]]).of(view.keys)
    demand, error, bias, points, money = (_at(part, at) for part in (demand, error, bias, points, money))
    side = record["drift"].to_numpy(object) if "drift" in record else np.full(len(record), "")
    drift = np.where(at >= 0, side[at], "") if len(side) else np.full(len(at), "")
    mine = view.selling & (np.nan_to_num(points) > 0) & ~np.isnan(error)
    signal = tracking_signal(bias, error, points)
    days = _at(record["horizon_days"].to_numpy(float), at)[mine] if "horizon_days" in record else np.zeros(0)
    span = sorted({f"{length:,.0f}" for length in (days.min(), days.max())}) if len(days) else []
    period = f"over {' to '.join(span)} days, {view.today}" if span else view.today
    shares = {"wape": error / np.where(demand > 0, demand, np.nan), "bias": bias / np.where(demand > 0, demand, np.nan)}
    table = view.table(
        mine, demand_units=demand, error_units=error, bias_units=bias, **shares, tracking_signal=signal,
        drift=drift, error_value=money,
    )  # fmt: skip
    missing = "Bring sales of a longer past: no morning is left to judge the forecast by."
    covered = said_share(mine, view.selling)
    total = float(demand[mine].sum())
    drifting = table["drift"].isin(["over", "under"])
    worst = ["error_value", "error_units"]
    by_bias = table.assign(size=table["bias_units"].abs()).sort_values("size", ascending=False, kind="stable")
    return [
        kpi("forecast_accuracy", 1 - ratio(float(error[mine].sum()), total), period, missing=missing, covered=covered,
            items=table.sort_values(worst, ascending=False, kind="stable")),
        kpi("forecast_bias", ratio(float(bias[mine].sum()), total), period, missing=missing, covered=covered,
            items=by_bias.drop(columns="size")),
        kpi("drifting_forecasts", float(drifting.sum()) if mine.any() else None, period, missing=missing,
            covered=covered, items=table[drifting].sort_values(worst, ascending=False, kind="stable")),
    ]  # fmt: skip


def _at(values: Floats, at: np.ndarray) -> Floats:
    """Return the values at these rows, not a number where there is none."""
    return np.where(at >= 0, values[at], np.nan) if len(values) else np.full(len(at), np.nan)
