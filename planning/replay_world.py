"""What really happened, from the tables of a plan: the world of a replay, and the history itself as a ledger."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from planning.fits import Fits
from planning.inputs import Inputs, rows_of, sole_location
from planning.network import Network
from planning.params import Params
from planning.positions import Positions
from planning.replay import Ledger, World
from planning.replay_known import Known
from planning.replay_times import bucket_leads

SETTLES = 4
"""Buckets beyond lead time and review before anything counts."""
HISTORY = "history"


@dataclass(frozen=True)
class Past:
    """The tables of a plan, read for a replay; n lines as in the network.

    positions : with what quick parameters decide, by today's master data and the classes known at the first morning.
    """

    tables: Inputs
    network: Network
    fits: Fits
    known: Known
    positions: Positions
    params: Params

    @property
    def bucket_days(self) -> int:
        """Days of a bucket."""
        return self.known.bucket_days

    @property
    def offset(self) -> int:
        """The bucket of the fits' history on whose morning the first of the kept forecasts was made."""
        return int(np.searchsorted(self.fits.calendar.starts(), self.known.starts[0]))

    def buckets(self, name: str) -> np.ndarray:
        """Return a column of days in whole buckets, rounded up, at least one where it is a review, (n,)."""
        return self.whole_buckets(self.positions.column(name))

    def whole_buckets(self, days: np.ndarray) -> np.ndarray:
        """Return days in whole buckets, rounded up."""
        return np.asarray(np.ceil(np.maximum(np.nan_to_num(days), 0) / self.bucket_days - 1e-9), int)

    @property
    def review(self) -> np.ndarray:
        """From one ordering occasion to the next, whole buckets, (n,)."""
        return np.asarray(np.maximum(self.buckets("review_period_days"), 1))

    @property
    def lead(self) -> np.ndarray:
        """The usual lead time, whole buckets, (n,)."""
        return self.buckets("lead_time_days")


def build_world(past: Past, first: int, last: int, lead_times: str, notes: list[str], *, estimated: bool) -> World:
    """Return the world from bucket `first` to `last` of the kept forecasts.

    Parameters
    ----------
    lead_times : of `planning.replay_times.LEAD_TIMES`. estimated : whether demand before an empty shelf is what was
        expected that morning (at least what was sold); else it is not known.
    """
    known, positions, network, days = past.known, past.positions, past.network, past.bucket_days
    starts = known.starts[first : last + 1]
    demand = _demand(past, first, last, estimated=estimated)
    suppliers = positions.table["supplier_id"].to_numpy(object)
    lead, own = bucket_leads(
        positions.column("lead_time_days"), positions.buys, network.keys, suppliers, past.tables["receipts"],
        starts, days, lead_times, past.params.seed,
    )  # fmt: skip
    if lead_times != "usual":
        notes.append(
            f"Lines whose lead times come from receipts: {own:,} of {len(lead):,}; the others take their usual. "
            "When an order will come is known once it is placed."
        )
    review = _occasions(past, starts)
    stock, coming = _start(past, first, len(starts), notes)
    groups = positions.table[["category", "supplier_id"]].reset_index(drop=True)
    groups = groups.assign(abc_class=known.abc_class, demand_class=known.demand_class)
    return World(
        keys=network.keys,
        starts=starts,
        bucket_days=days,
        demand=demand,
        counted=_counted(past, len(starts), notes),
        lead=lead,
        review=review,
        stock=stock,
        coming=coming,
        unit_cost=positions.column("unit_cost"),
        unit_price=positions.column("unit_price"),
        margin=positions.column("shortage_cost"),
        holding_per_bucket=positions.column("holding_cost_per_day") * days,
        order_cost=np.where(positions.buys, positions.column("order_cost"), 0.0),
        moq=positions.column("moq"),
        multiple=positions.column("order_multiple"),
        max_order=positions.column("max_order"),
        max_stock=positions.column("max_stock"),
        min_stock=positions.column("min_stock"),
        whole=np.asarray(known.whole, bool),
        shelf_life_buckets=np.floor(positions.column("shelf_life_days") / days),
        source=network.source,
        lost=past.params.unmet_demand == "lost",
        groups=groups,
    )


def _demand(past: Past, first: int, last: int, *, estimated: bool) -> np.ndarray:
    at = slice(past.offset + first, past.offset + last + 1)
    there = _on_sale(past, past.known.starts[first : last + 1])
    demand = past.fits.demand[:, at].astype(float)
    # Of what only feeds others customers want nothing: that is known, whatever was on its shelf, and its stock counts.
    no_customers = past.network.feeds & ~(past.fits.sales > 0).any(axis=1)
    demand = np.where(there, np.where(no_customers[:, None], 0.0, demand), np.nan)
    if not estimated:
        return demand
    expected = past.known.mean[first : last + 1, :, 0].T.astype(float)
    # What is expected of a line that feeds others is that of its pool.
    expected = np.where(past.network.feeds[:, None], 0.0, expected)
    expected = np.where(past.known.whole[:, None], np.rint(expected), expected)
    return np.where(np.isnan(demand) & there, np.maximum(past.fits.sales[:, at], expected), demand)


def _on_sale(past: Past, starts: np.ndarray) -> np.ndarray:
    """Whether an item was on sale in a bucket: an heir is told its predecessor's past, which nobody asked of it."""
    items, keys = past.tables["items"].set_index("item_id"), past.network.keys["item_id"]
    sales = past.tables["sales"]
    own = sales[sales["quantity"] > 0].groupby("item_id")["date"].min()
    heir = keys.map(items["predecessor_id"]).notna().to_numpy()
    launch = keys.map(items["launch_on"]).to_numpy().astype("datetime64[D]")
    sold = keys.map(own).to_numpy().astype("datetime64[D]")
    # Whatever was told, what was sold was on sale.
    begins = np.where(heir | ~np.isnat(launch), np.fmin(launch, sold), np.datetime64("NaT"))
    return np.asarray(np.isnat(begins)[:, None] | (starts[None, :] + past.bucket_days > begins[:, None]))


def _counted(past: Past, buckets: int, notes: list[str]) -> np.ndarray:
    """Leave out as many buckets as nearly all lines need to settle, but no more than a third."""
    usual = int(np.quantile(past.lead + past.review, 0.9, method="higher")) + SETTLES if len(past.lead) else SETTLES
    warm = min(usual, buckets // 3)
    each = "week" if past.bucket_days == 7 else "day"
    notes.append(
        f"The first {warm:,} {each}s let each policy settle and count for nothing: lead time, review and {SETTLES} more"
        + ("." if warm == usual else f"; {usual:,} would be needed, but the span is short.")
    )
    return np.array(np.arange(buckets) >= warm, bool)


def _occasions(past: Past, starts: np.ndarray) -> np.ndarray:
    """Return when each line is ordered: on its supplier's weekday where buckets are days, else each review, (n, T)."""
    review = past.review[:, None]
    place = np.arange(len(starts))[None, :]
    weekday = past.positions.column("order_weekday")[:, None]
    if past.bucket_days > 1:
        return np.asarray(place % review == 0)
    today = (starts.astype("datetime64[D]").astype(np.int64) + 3) % 7
    weeks = np.maximum(review // 7, 1) * 7
    first = (np.nan_to_num(weekday) - today[0]) % 7
    return np.array(np.where(np.isnan(weekday), place % review == 0, (place - first) % weeks == 0), bool)


def _start(past: Past, first: int, buckets: int, notes: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return stock and open orders on the first morning, as they were, or else as a policy would hold them."""
    known, lead, review = past.known, past.lead, past.review
    n, whole = len(lead), np.asarray(known.whole, bool)
    mean, variance = known.mean[first].astype(float), known.variance[first].astype(float)
    last = mean.shape[1] - 1
    rows = np.arange(n)
    fed = past.network.feeds

    def to(bucket: np.ndarray, table: np.ndarray) -> np.ndarray:
        return np.asarray(np.where(bucket > 0, table[rows, np.clip(bucket - 1, 0, last)], 0.0))

    level = to(review, mean) + np.sqrt(to(np.minimum(lead + review, last + 1), variance))
    per_review = to(review, mean)
    if fed.any():
        # What its stores hold is theirs: a line that feeds others starts with what they sell until its next order.
        level = np.where(fed, per_review, level)
    stock = np.where(whole, np.rint(level), level)
    coming = np.zeros((n, buckets))
    for bucket in range(1, min(int(lead.max(initial=0)), buckets)):
        due = (bucket < lead) & ((lead - bucket) % review == 0) & (past.network.source < 0)
        coming[:, bucket] = np.where(due, np.where(whole, np.rint(per_review), per_review), 0.0)
    counted = _on_hand(past, first, 1)[:, 0]
    told = ~np.isnan(counted)
    stock = np.where(told, counted, stock)
    opened = _opened(past, first, buckets)
    with_orders = told & _has_receipts(past)
    coming[with_orders] = opened[with_orders]
    notes.append(
        f"Lines that start with the stock that was counted then: {int(told.sum()):,} of {n:,}; with the orders open "
        f"then: {int(with_orders.sum()):,}. The others start with the demand of a review, and of one spread more, "
        "and an order of each review before."
    )
    return stock, coming


def _on_hand(past: Past, first: int, buckets: int) -> np.ndarray:
    """Return on hand on the morning of each bucket, NaN where it was not counted in the one before, (n, buckets)."""
    table, keys, days = past.tables["stock"], past.network.keys, past.bucket_days
    table = table[table["as_of"].notna()]
    out = np.full((len(keys), buckets), np.nan)
    if table.empty:
        return out
    day = table["as_of"].to_numpy("datetime64[D]").astype(np.int64)
    start = past.known.starts[first].astype("datetime64[D]").astype(np.int64)
    # A count of a day is of its morning: it belongs to the bucket that begins on it or after it.
    bucket = -(-(day - start) // days)
    inside = (bucket >= 0) & (bucket < buckets)
    some = table[inside].assign(bucket=bucket[inside], row=rows_of(table[inside], keys, sole_location(keys)))
    some = some[some["row"] >= 0]
    sums = some.groupby(["row", "bucket", "as_of"])["on_hand"].sum().clip(lower=0).reset_index()
    latest = sums.sort_values("as_of").drop_duplicates(["row", "bucket"], keep="last")
    out[latest["row"].to_numpy(int), latest["bucket"].to_numpy(int)] = latest["on_hand"]
    return out


def _received(past: Past, first: int, buckets: int, *, opened: bool) -> np.ndarray:
    """Return units received by bucket, (n, buckets); `opened`: only of orders placed before the first."""
    table, keys = past.tables["receipts"], past.network.keys
    out = np.zeros((len(keys), buckets))
    if table.empty:
        return out
    start = past.known.starts[first].astype("datetime64[D]")
    ordered, came = (table[name].to_numpy("datetime64[D]") for name in ("ordered_on", "received_on"))
    bucket = (came - start).astype(np.int64) // past.bucket_days
    row = rows_of(table, keys, sole_location(keys))
    inside = (row >= 0) & (bucket >= 0) & (bucket < buckets) & ((ordered < start) | (not opened))
    np.add.at(out, (row[inside], bucket[inside]), table["quantity"].to_numpy(float)[inside])
    return out


def _opened(past: Past, first: int, buckets: int) -> np.ndarray:
    return _received(past, first, buckets, opened=True)


def _has_receipts(past: Past) -> np.ndarray:
    out = np.zeros(len(past.network.keys), bool)
    table = past.tables["receipts"]
    if len(table):
        at = rows_of(table, past.network.keys, sole_location(past.network.keys))
        out[at[at >= 0]] = True
    return out


def happened(past: Past, world: World, first: int) -> tuple[Ledger, np.ndarray]:
    """Return what really happened, from stock history, sales and receipts, and which lines have such a history.

    The stock at the end of a bucket is what was counted on the next morning. Stock of a bucket without a count is not
    known, nor is a line without any. What was short is demand less sales; it is known only where the demand of every
    bucket that counts is. What came is what receipts tell. Reality also knows corrections, so that its stocks need not
    add up.
    """
    n, buckets = world.demand.shape
    stock = _on_hand(past, first, buckets + 1)
    first_stock, end = stock[:, 0], stock[:, 1:]
    at = slice(past.offset + first, past.offset + first + buckets)
    sold = past.fits.sales[:, at].astype(float)
    known = ~np.isnan(end[:, world.counted]).all(axis=1)
    short = np.maximum(world.demand - sold, 0.0)
    unknown = np.isnan(world.demand[:, world.counted]).any(axis=1)
    perishes = np.isfinite(world.shelf_life_buckets)
    empty = np.full((n, buckets), np.nan, np.float32)
    # Without a receipt ever, what came to a line, or was sent to it, is not told.
    untold = np.where(_has_receipts(past), 0.0, np.nan)[:, None]
    nothing = np.zeros((n, buckets), np.float32)
    ledger = Ledger(
        name=HISTORY,
        first=first_stock,
        received=_received(past, first, buckets, opened=False) + untold,
        ordered=_ordered(past, first, buckets) + untold,
        demand=world.demand,
        sold=sold,
        lost=np.where(unknown[:, None], np.nan, short),
        sent=np.where(past.network.feeds[:, None], np.nan, nothing),
        waste=np.where(perishes[:, None], np.nan, nothing),
        end=end,
        owed=nothing,
        promised_short=empty,
        promised_demand=empty,
    )
    return blanked(ledger, ~known), known


def _ordered(past: Past, first: int, buckets: int) -> np.ndarray:
    """Return units ordered by bucket, of what has come since, (n, buckets)."""
    table, keys = past.tables["receipts"], past.network.keys
    out = np.zeros((len(keys), buckets))
    if len(table):
        start = past.known.starts[first].astype("datetime64[D]")
        bucket = (table["ordered_on"].to_numpy("datetime64[D]") - start).astype(np.int64) // past.bucket_days
        row = rows_of(table, keys, sole_location(keys))
        inside = (row >= 0) & (bucket >= 0) & (bucket < buckets)
        np.add.at(out, (row[inside], bucket[inside]), table["quantity"].to_numpy(float)[inside])
    return out


def blanked(ledger: Ledger, rows: np.ndarray) -> Ledger:
    """Return the ledger with nothing known of these lines, a mask (n,)."""
    if not rows.any():
        return ledger
    names = [name for name in ledger.__dataclass_fields__ if name not in ("name", "demand")]
    parts: dict[str, Any] = {}
    for name in names:
        parts[name] = np.array(getattr(ledger, name), np.float32)
        parts[name][rows] = np.nan
    return replace(ledger, **parts)
