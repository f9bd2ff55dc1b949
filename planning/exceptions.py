"""What a planner should move: open orders that come too late, too early or for nothing, and stock beyond its maximum.

Judged on mean demand day by day. An expedite saves sales that today's and later orders cannot; a postponement or
a cancellation frees stock that is not needed before another order could come. Each open order is asked for one thing,
and each shortage is told once: what an expedite saves is not told as past due too.
"""

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from planning.inputs import KEY
from planning.params import Params
from planning.phrases import said_day, said_years
from planning.replenish import LEAST, Closed, LaterOrders, demand_of, first_shortage, project
from planning.stages import Stages
from planning.tables import RESULT_TABLES
from planning.timeline import limits_of
from planning.transfers import PURCHASE

NEVER = 10**9
SHORT_UNITS = 1.0
"""Of whole goods, less than this is no shortage that anybody can do something about."""
LEAST_MOVE_DAYS = 14
"""An order is not postponed by less: that is within what suppliers' dates are worth."""


@dataclass(frozen=True)
class _Orders:
    """Open orders inside the days told, by row and day: row, day, units, order_id, due_on, (k,) each."""

    row: np.ndarray
    day: np.ndarray
    units: np.ndarray
    order_id: np.ndarray
    due_on: np.ndarray

    def only(self, some: np.ndarray) -> "_Orders":
        return _Orders(*(getattr(self, name)[some] for name in ("row", "day", "units", "order_id", "due_on")))


def find_exceptions(stages: Stages, as_of: date, params: Params) -> pd.DataFrame:
    """Return one row an exception, that with the most money first; unknown money last, by units.

    Returns
    -------
    DataFrame with the columns of `RESULT_TABLES["exceptions"]`.
    """
    orders = _open_orders(stages.positions.receipts, stages.without.stock.shape[1])
    movable = orders.only(~_stands(stages.positions.receipts)[_inside(stages)])
    hurried, early = _expedite(stages, movable, as_of, params), _too_early(stages, movable, as_of)
    # An order that is overdue already is told once: that it is not needed yet is good news.
    overdue = (early["due_on"] < pd.Timestamp(as_of)).to_numpy(bool)
    found = [
        hurried,
        early[~overdue],
        _overdue(stages, as_of, early[overdue]),
        _too_late_to_order(stages, as_of, hurried),
        _above_maximum(stages, orders, as_of),
        _least_orders(stages, params),
    ]
    columns = list(RESULT_TABLES["exceptions"].names)
    some = [frame for frame in found if len(frame)]
    out = pd.concat(some, ignore_index=True) if some else _frame(stages, np.zeros(0, int), "")
    order = ["value", "units_at_stake", *KEY, "kind", "due_on", "order_id"]
    out = out.sort_values(order, ascending=[False, False, *[True] * 5], kind="stable", na_position="last")
    return out[columns].reset_index(drop=True)


def _inside(stages: Stages) -> np.ndarray:
    days = np.floor(stages.positions.receipts["day"].to_numpy(float))
    return np.flatnonzero(days < stages.without.stock.shape[1])


def _stands(receipts: pd.DataFrame) -> np.ndarray:
    """Whether a receipt is to be left as it is: it was set this morning, or is on its way between locations."""
    return np.asarray(receipts["today"].to_numpy(bool) | (receipts["source"] != PURCHASE).to_numpy(bool))


def _open_orders(receipts: pd.DataFrame, days: int) -> _Orders:
    some = receipts[np.floor(receipts["day"]) < days]
    return _Orders(
        some["row"].to_numpy(int),
        np.floor(some["day"].to_numpy(float)).astype(int),
        some["quantity"].to_numpy(float),
        some["order_id"].to_numpy(object),
        some["due_on"].to_numpy(),
    )


def _frame(stages: Stages, rows: np.ndarray, kind: str, **columns: Any) -> pd.DataFrame:
    """Return rows of one kind; what is not given is not known."""
    keys = stages.network.keys.iloc[rows]
    given: dict[str, Any] = {
        "order_id": None,
        "quantity": np.nan,
        "due_on": np.datetime64("NaT", "s"),
        "move_to": np.datetime64("NaT", "s"),
        "units_at_stake": np.nan,
        "value": np.nan,
        "reason": "",
    }
    out = keys[list(KEY)].reset_index(drop=True).assign(kind=kind, **(given | columns))
    out["order_id"] = pd.Series([one if isinstance(one, str) else None for one in out["order_id"]], dtype=object)
    for name in ("due_on", "move_to"):
        out[name] = pd.to_datetime(out[name], cache=False).astype("datetime64[s]")
    return out


def _dates(as_of: date, day: np.ndarray) -> np.ndarray:
    return np.datetime64(as_of, "s") + np.asarray(day, int).astype("timedelta64[D]")


def _units(value: float) -> str:
    return f"{value:,.0f}" if abs(value - round(value)) < 0.05 or abs(value) >= 100 else f"{value:,.1f}"


def _expedite(stages: Stages, orders: _Orders, as_of: date, params: Params) -> pd.DataFrame:
    """Open orders that come after the stock has run out, where no new order can come before them."""
    first = first_shortage(stages.with_orders)[orders.row] if len(orders.row) else np.zeros(0)
    late = orders.only(np.isfinite(first) & (orders.day > first))
    rows = np.unique(late.row)
    if not len(rows):
        return _frame(stages, rows, "expedite")
    # The earliest orders first, until what is short before them is covered.
    short = np.cumsum(stages.with_orders.lost, axis=1)[late.row, late.day - 1]
    late, saved = _shared_out(late, short)
    target = np.maximum(first_shortage(stages.with_orders)[late.row].astype(int) - 1, 0)
    gain = _saved_by_moving(stages, late, target, params)
    total = np.bincount(late.row, saved, minlength=len(stages.order))
    units = np.minimum(saved, gain[late.row] * saved / np.maximum(total[late.row], LEAST))
    keep = units > LEAST
    late, target, units = late.only(keep), target[keep], units[keep]
    out_on, move_to = _dates(as_of, first_shortage(stages.with_orders)[late.row].astype(int)), _dates(as_of, target)
    reasons = [
        f"Runs out on {said_day(out)}, before order {_name(order)} of {_units(q)} comes on {said_day(due)}: "
        f"have it by {said_day(to)}, which saves {_units(u)} from being short."
        for out, order, q, due, to, u in zip(
            out_on, late.order_id, late.units, _dates(as_of, late.day), move_to, units, strict=True
        )
    ]
    worth = stages.positions.column("shortage_cost")[late.row]
    return _frame(
        stages, late.row, "expedite", order_id=late.order_id, quantity=late.units, due_on=late.due_on,
        move_to=move_to, units_at_stake=units, value=units * worth, reason=reasons,
    )  # fmt: skip


def _name(order_id: object) -> str:
    return str(order_id) if isinstance(order_id, str) and order_id else "without a number"


def _shared_out(orders: _Orders, short: np.ndarray) -> tuple[_Orders, np.ndarray]:
    """Return the orders that cover what is short before them, the earliest first, and what each covers."""
    by = np.lexsort((orders.day, orders.row))
    orders, short = orders.only(by), short[by]
    covered = np.zeros(len(by))
    done: dict[int, float] = {}
    for k, row in enumerate(orders.row):
        covered[k] = max(min(orders.units[k], short[k] - done.get(int(row), 0.0)), 0.0)
        done[int(row)] = done.get(int(row), 0.0) + covered[k]
    keep = covered > LEAST
    return orders.only(keep), covered[keep]


def _saved_by_moving(stages: Stages, orders: _Orders, target: np.ndarray, params: Params) -> np.ndarray:
    """Return the units that are no longer short once all these orders come on their `target` day, (n,).

    The days are netted again, as an order that comes earlier is missing later.
    """
    rows = np.unique(orders.row)
    out = np.zeros(len(stages.order))
    if not len(rows):
        return out
    at = np.searchsorted(rows, orders.row)
    receipts = np.array(stages.without.receipts[rows])
    np.add.at(receipts, (at, orders.day), -orders.units)
    np.add.at(receipts, (at, target), orders.units)
    demand, later = demand_of(stages.demand, rows), _later_of(stages.timeline.later, rows)
    moved = project(
        demand, stages.usable[rows], receipts, stages.timeline.placed[rows], later,
        lost=params.unmet_demand == "lost",
    )  # fmt: skip
    out[rows] = stages.with_orders.lost[rows].sum(axis=1) - moved.lost.sum(axis=1)
    return np.maximum(out, 0)


def _later_of(later: LaterOrders, rows: np.ndarray) -> LaterOrders:
    """Return how later orders of some rows are proposed."""
    own: dict[str, Any] = {
        name: None if getattr(later, name) is None else getattr(later, name)[rows]
        for name in ("lead_time", "review", "coverage", "buffer", "allowed", "first", "ceiling", "life", "lot")
    }
    limits = limits_of(later.limits, rows)
    closed = later.closed
    if closed is not None:
        mine = np.isin(closed.row, rows)
        closed = Closed(np.searchsorted(rows, closed.row[mine]), closed.first[mine], closed.last[mine])
    return replace(later, **own, limits=limits, closed=closed)


def _too_early(stages: Stages, orders: _Orders, as_of: date) -> pd.DataFrame:
    """Open orders without which stock stays above its safety stock until another order could come.

    The last to come is judged first; what is taken away or moved counts for those before it. One that would be
    needed on some later day is postponed to it, one that never is within the days told is cancelled. None is
    postponed beyond the next planned order, which would only take its place, nor where an order is placed today.
    """
    orders = orders.only((stages.order + stages.transfer)[orders.row] <= LEAST)
    lead, review = (stages.positions.column(name) for name in ("lead_time_days", "review_period_days"))
    line = stages.timeline.safety
    stock = np.array(stages.without.stock)
    found = []
    by = np.lexsort((-orders.day, orders.row))
    rank = pd.Series(orders.row[by]).groupby(orders.row[by]).cumcount().to_numpy()
    days = np.arange(stock.shape[1])
    planned = stages.with_orders.planned > LEAST
    for turn in range(int(rank.max()) + 1 if len(rank) else 0):
        some = orders.only(by[rank == turn])
        after = days[None, :] >= some.day[:, None]
        bare = stock[some.row] - np.where(after, some.units[:, None], 0.0)
        short = after & (bare < line[some.row] - LEAST)
        needed = np.where(short.any(axis=1), short.argmax(axis=1), NEVER)
        replaced = after & planned[some.row]
        needed = np.minimum(needed, np.where(replaced.any(axis=1), replaced.argmax(axis=1), NEVER))
        ahead = np.maximum(some.day + np.maximum(review[some.row], LEAST_MOVE_DAYS), lead[some.row])
        idle = needed >= ahead
        some, needed = some.only(idle), needed[idle]
        back = np.where(days[None, :] >= needed[:, None], some.units[:, None], 0.0)
        stock[some.row] = bare[idle] + back
        found.append((some, needed))
    parts = [_postponed(stages, some, needed, as_of) for some, needed in found if len(some.row)]
    return pd.concat(parts, ignore_index=True) if parts else _frame(stages, np.zeros(0, int), "cancel")


def _postponed(stages: Stages, orders: _Orders, needed: np.ndarray, as_of: date) -> pd.DataFrame:
    never = needed >= NEVER
    cost = stages.positions.column("unit_cost")[orders.row]
    move_to = np.where(never, np.datetime64("NaT", "s"), _dates(as_of, np.where(never, 0, needed)))
    last = _dates(as_of, np.full(1, stages.without.stock.shape[1] - 1))[0]
    reasons = [
        f"Order {_name(order)} of {_units(q)} is not needed before {said_day(last)}: stock stays above its safety "
        "stock without it. Cancel it."
        if gone
        else f"Order {_name(order)} of {_units(q)}, due {said_day(due)}, is not needed before {said_day(to)}: "
        "postpone it."
        for order, q, due, to, gone in zip(orders.order_id, orders.units, orders.due_on, move_to, never, strict=True)
    ]
    out = _frame(
        stages, orders.row, "postpone", order_id=orders.order_id, quantity=orders.units, due_on=orders.due_on,
        move_to=move_to, units_at_stake=orders.units, value=orders.units * cost, reason=reasons,
    )  # fmt: skip
    out["kind"] = np.where(never, "cancel", "postpone")
    return out


def _overdue(stages: Stages, as_of: date, early: pd.DataFrame) -> pd.DataFrame:
    """Open orders that should have come already: they count for today, or no more.

    Parameters
    ----------
    early : those among them that are not needed yet, as `_too_early` tells them.
    """
    receipts, stale = stages.positions.receipts, stages.positions.stale
    late = receipts[receipts["due_on"] < pd.Timestamp(as_of)].assign(counts=True)
    both = pd.concat([late, stale.assign(counts=False)], ignore_index=True) if len(stale) else late
    rows = both["row"].to_numpy(int)
    days = (pd.Timestamp(as_of) - both["due_on"]).dt.days
    lines = stages.network.keys[list(KEY)].iloc[rows]
    keys = pd.MultiIndex.from_frame(lines.assign(order_id=list(both["order_id"])))
    spare = early.drop_duplicates([*KEY, "order_id"]).set_index([*KEY, "order_id"])
    free, move_to = keys.isin(spare.index), spare["move_to"].reindex(keys).to_numpy()
    reasons = [
        f"Order {_name(order)} of {_units(q)} is {late:,} {'day' if late == 1 else 'days'} overdue. "
        + _about_overdue(counts, idle, to)
        for order, q, late, counts, idle, to in zip(
            both["order_id"], both["quantity"], days, both["counts"], free, move_to, strict=True
        )
    ]
    units = both["quantity"].to_numpy(float)
    cost = stages.positions.column("unit_cost")[rows]
    return _frame(
        stages, rows, "past_due", order_id=both["order_id"].to_numpy(object), quantity=units,
        due_on=both["due_on"].to_numpy(), move_to=move_to, units_at_stake=units, value=units * cost, reason=reasons,
    )  # fmt: skip


def _about_overdue(counts: bool, idle: bool, move_to: np.datetime64) -> str:  # noqa: FBT001
    if not counts:
        return "It counts as no cover: ask the supplier, or close it."
    if not idle:
        return "It is planned for today: ask the supplier, or close it."
    until = "at all in sight: cancel it" if np.isnat(move_to) else f"before {said_day(move_to)}: agree on that day"
    return f"It is planned for today, but not needed {until}."


def _too_late_to_order(stages: Stages, as_of: date, hurried: pd.DataFrame) -> pd.DataFrame:
    """What should have been ordered before this morning: demand that is short before a new order can come.

    Parameters
    ----------
    hurried : the expedites; what they save is not told again.
    """
    table = stages.positions.table
    kept = (table["ranged"] & ~table["dead"]).to_numpy(bool)
    lead = stages.positions.column("lead_time_days")
    days = np.arange(stages.with_orders.lost.shape[1])
    units = np.where(days[None, :] < lead[:, None], stages.with_orders.lost, 0.0).sum(axis=1)
    saved = hurried.groupby(list(KEY))["units_at_stake"].sum()
    units -= saved.reindex(pd.MultiIndex.from_frame(stages.network.keys[list(KEY)])).fillna(0.0).to_numpy(float)
    first = first_shortage(stages.with_orders)
    least = np.where(table["whole"].to_numpy(bool), SHORT_UNITS - LEAST, LEAST)
    rows = np.flatnonzero(kept & ~stages.least_order.withheld & (units > least) & (first < lead))
    needed = _dates(as_of, first[rows].astype(int))
    order_on = needed - lead[rows].astype(int).astype("timedelta64[D]")
    reasons = [
        f"{_units(u)} will be short before a new order can come: it would have had to be placed by {said_day(day)}, "
        f"to be here on {said_day(on)}."
        for u, day, on in zip(units[rows], order_on, needed, strict=True)
    ]
    worth = stages.positions.column("shortage_cost")[rows]
    return _frame(
        stages, rows, "past_due", quantity=units[rows], due_on=needed, units_at_stake=units[rows],
        value=units[rows] * worth, reason=reasons,
    )  # fmt: skip


def _above_maximum(stages: Stages, orders: _Orders, as_of: date) -> pd.DataFrame:
    """Stock that is, or will be once open orders come, above the most to hold."""
    most = stages.positions.column("max_stock")
    rows = np.flatnonzero(~np.isnan(most))
    if not len(rows):
        return _frame(stages, rows, "above_maximum")
    net = stages.without
    day = np.arange(net.stock.shape[1])
    # At its highest a day's stock is that after its receipts, before its demand.
    before = np.concatenate([stages.usable[rows, None], net.stock[rows, :-1]], axis=1)
    over = before + net.receipts[rows] - most[rows, None]
    worst, on = over.max(axis=1), over.argmax(axis=1)
    hit = worst > LEAST
    rows, units, on = rows[hit], worst[hit], day[on[hit]]
    arriving = pd.Series(orders.order_id, index=pd.MultiIndex.from_arrays([orders.row, orders.day]))
    arriving = arriving[~arriving.index.duplicated(keep="last")]
    order_id = arriving.reindex(pd.MultiIndex.from_arrays([rows, on])).to_numpy(object)
    reasons = [
        f"{_units(u)} above the most to hold, {_units(m)}, on {said_day(d)}"
        + (f", when order {_name(order)} comes." if isinstance(order, str) else ".")
        for u, m, d, order in zip(units, most[rows], _dates(as_of, on), order_id, strict=True)
    ]
    cost = stages.positions.column("unit_cost")[rows]
    return _frame(
        stages, rows, "above_maximum", order_id=order_id, quantity=units, due_on=_dates(as_of, on),
        units_at_stake=units, value=units * cost, reason=reasons,
    )  # fmt: skip


def _least_orders(stages: Stages, params: Params) -> pd.DataFrame:
    """Orders that are due but not proposed: the least that can be ordered lasts too long."""
    least = stages.least_order
    rows = np.flatnonzero(least.withheld)
    cost = least.units[rows] * stages.positions.column("unit_cost")[rows]
    short = stages.with_orders.lost[rows].sum(axis=1)
    reasons = [
        f"The least order of {_units(q)} lasts {said_years(years)}"
        + ("" if np.isnan(worth) else f", worth {f'{params.currency} {worth:,.2f}'.strip()}")
        + ": decide. Set an order by hand where it is wanted."
        for q, years, worth in zip(least.units[rows], least.years[rows], cost, strict=True)
    ]
    worth = stages.positions.column("shortage_cost")[rows]
    return _frame(
        stages, rows, "least_order", quantity=least.units[rows], units_at_stake=short, value=short * worth,
        reason=reasons,
    )  # fmt: skip
