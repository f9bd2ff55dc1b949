"""A policy run over the past: stock, orders and demand of every item-location, bucket by bucket.

Order of events in a bucket, as in the plan: receive, review and order, demand, count. An order placed in bucket t with
lead time L can be sold from bucket t + L on. A rule sees the state and what it knew by then, never the demand to come.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import pandas as pd

Progress = Callable[[str, int, int], None]
"""Told the stage, how much of it is done, and of how much."""

SHORT = 1e-6
"""Units below which nothing is short."""


def silent(stage: str, done: int, total: int) -> None:  # noqa: ARG001
    """Tell nobody how far it is."""


@dataclass(frozen=True)
class World:
    """What really happened, and the terms. n lines, T buckets; quantities in units.

    keys : item_id, location_id, sorted as the network's.
    starts : first day of each bucket, datetime64[D], (T,).
    bucket_days : days of a bucket.
    demand : (n, T); NaN: not known (an empty shelf), it sells nothing and counts nothing.
    counted : (T,); False: warm-up, left out of every figure.
    lead : whole buckets from an order of that bucket to when it can be sold, (n, T).
    review : whether the bucket is an ordering occasion, (n, T).
    stock : on hand at the start, (n,); below zero: owed to customers.
    coming : orders open at the start by bucket of arrival, (n, T).
    unit_cost, unit_price, margin, holding_per_bucket, order_cost : money, (n,), NaN unknown; holding: of a unit and a
        bucket; order_cost: of one order of a supplier for a location, however many lines it has.
    moq, multiple, max_order, max_stock, min_stock : (n,); NaN or 0: no least and no pack; NaN or inf: no maximum.
    whole : whether the item is counted in whole units, (n,).
    shelf_life_buckets : buckets in which an arrival can be sold, (n,); NaN or inf: no end.
    source : row that feeds this one, -1: it buys, (n,).
    lost : whether unmet demand is lost; else it waits.
    groups : category, abc_class, demand_class, supplier_id of each line, as known before the span where estimated.
    """

    keys: pd.DataFrame
    starts: np.ndarray
    bucket_days: int
    demand: np.ndarray
    counted: np.ndarray
    lead: np.ndarray
    review: np.ndarray
    stock: np.ndarray
    coming: np.ndarray
    unit_cost: np.ndarray
    unit_price: np.ndarray
    margin: np.ndarray
    holding_per_bucket: np.ndarray
    order_cost: np.ndarray
    moq: np.ndarray
    multiple: np.ndarray
    max_order: np.ndarray
    max_stock: np.ndarray
    min_stock: np.ndarray
    whole: np.ndarray
    shelf_life_buckets: np.ndarray
    source: np.ndarray
    lost: bool
    groups: pd.DataFrame

    @classmethod
    def of(cls, demand: np.ndarray, lead: int | np.ndarray, stock: float | np.ndarray = 0.0, **terms: Any) -> "World":
        """Return a world of these demands, (n, T), where all that is not told sets no limit and costs nothing known."""
        n, buckets = demand.shape
        empty = np.full(n, np.nan)
        money = ("unit_cost", "unit_price", "margin", "holding_per_bucket", "order_cost")
        limits = ("moq", "multiple", "max_order", "max_stock", "min_stock", "shelf_life_buckets")
        given: dict[str, Any] = dict.fromkeys(money + limits, empty)
        lines = pd.DataFrame({"item_id": [f"{row:06d}" for row in range(n)], "location_id": "MAIN"})
        given |= {
            "keys": lines,
            "starts": np.datetime64("2024-01-01") + 7 * np.arange(buckets),
            "bucket_days": 7,
            "counted": np.ones(buckets, bool),
            "review": np.ones((n, buckets), bool),
            "coming": np.zeros((n, buckets)),
            "whole": np.zeros(n, bool),
            "source": np.full(n, -1),
            "lost": True,
            "groups": pd.DataFrame(index=range(n), columns=["category", "abc_class", "demand_class", "supplier_id"]),
        }
        given |= {
            "lead": np.broadcast_to(np.asarray(lead, int).reshape(-1, 1), (n, buckets)) if np.ndim(lead) < 2 else lead
        }
        given |= {"stock": np.broadcast_to(np.asarray(stock, float), (n,))}
        return cls(demand=demand, **(given | terms))

    @property
    def lines(self) -> int:
        """How many item-locations there are."""
        return int(self.demand.shape[0])

    @property
    def buckets(self) -> int:
        """How many buckets there are."""
        return int(self.demand.shape[1])

    @property
    def feeds(self) -> np.ndarray:
        """Whether each line feeds another, (n,)."""
        out = np.zeros(self.lines, bool)
        out[self.source[self.source >= 0]] = True
        return out

    def of_lines(self, rows: np.ndarray) -> "World":
        """Return the world of some lines, which neither feed nor are fed by others."""
        parts: dict[str, Any] = {}
        for name in self.__dataclass_fields__:
            value = getattr(self, name)
            if isinstance(value, pd.DataFrame):
                parts[name] = value.iloc[rows].reset_index(drop=True)
            elif isinstance(value, np.ndarray) and name not in ("starts", "counted"):
                parts[name] = value[rows]
        return replace(self, **parts)


@dataclass(frozen=True)
class State:
    """What is seen at a review, once what was due has come.

    rows : the lines that are asked, (k,).
    stock : on hand less what is owed to customers, units, (k,).
    coming : arrivals in this bucket, the next one, ..., (k, W); those of this bucket are in `stock` already.
    all_stock, all_coming : the same of every line, (n,) and (W, n), for those that look at whom they feed; read only.
    """

    rows: np.ndarray
    stock: np.ndarray
    coming: np.ndarray
    all_stock: np.ndarray | None = None
    all_coming: np.ndarray | None = None

    @property
    def position(self) -> np.ndarray:
        """On hand, less what is owed, and all that is on its way, units, (k,)."""
        return np.asarray(self.stock + self.coming[:, 1:].sum(axis=1))


@dataclass(frozen=True)
class Decision:
    """What a rule orders.

    quantity : after MOQ, multiple and maximum, units, (k,).
    promised_short, promised_demand : expected units short and demanded from the arrival to the next one, given that
        quantity, (k,); NaN where the rule promises nothing.
    """

    quantity: np.ndarray
    promised_short: np.ndarray | None = None
    promised_demand: np.ndarray | None = None


class Rule(Protocol):
    """A policy. It may hold forecasts that were kept; it never looks at the demand of this bucket or a later one."""

    @property
    def name(self) -> str:
        """What the policy is called in results."""
        ...

    def orders(self, t: int, state: State) -> Decision:
        """Return what the lines that are asked order in bucket `t`."""
        ...


@dataclass(frozen=True)
class Ledger:
    """What a policy did, units, (n, T) each: start + received - sold - sent - waste = end in every bucket.

    sent : what a line gave to those that it feeds; `ordered`: what it asked for (a fed line gets it when it is sent).
    sold : what left to customers, served backorders among them.
    lost : demand of the bucket that the shelf did not meet, whether it is lost or waits; NaN where demand is not known.
    owed : what customers wait for at the end of the bucket; never part of `end`.
    promised_short, promised_demand : what the rule expected of the order of that bucket, NaN where it did not say.
    """

    name: str
    first: np.ndarray
    received: np.ndarray
    ordered: np.ndarray
    demand: np.ndarray
    sold: np.ndarray
    lost: np.ndarray
    sent: np.ndarray
    waste: np.ndarray
    end: np.ndarray
    owed: np.ndarray
    promised_short: np.ndarray
    promised_demand: np.ndarray

    @cached_property
    def start(self) -> np.ndarray:
        """On hand before anything happened in the bucket, (n, T)."""
        return np.concatenate([self.first[:, None], self.end[:, :-1]], axis=1)

    def of(self, rows: np.ndarray) -> "Ledger":
        """Return the ledger of some lines."""
        parts = {f: getattr(self, f)[rows] for f in self.__dataclass_fields__ if f != "name"}
        return replace(self, **parts)


def replay(world: World, rule: Rule, progress: Progress = silent) -> Ledger:
    """Run a policy over the past.

    Parameters
    ----------
    world : what happened. rule : who orders. progress : told after each bucket.
    """
    shelf = _Shelf(world)
    reviewed = np.ascontiguousarray(world.review.T)
    for t in range(world.buckets):
        shelf.receive(t)
        rows = np.flatnonzero(reviewed[t])
        if len(rows):
            shelf.place(t, rows, rule.orders(t, shelf.state(t, rows)))
        shelf.serve(t)
        progress(rule.name, t + 1, world.buckets)
    return shelf.ledger(rule.name)


@dataclass
class _Shelf:
    """The stock of all lines while time passes; what is written down lies bucket by bucket in memory."""

    world: World
    now: np.ndarray = field(init=False)
    owed: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        world = self.world
        n, buckets = world.lines, world.buckets
        self.now = np.maximum(world.stock, 0.0).astype(float)
        self.owed = np.maximum(-world.stock, 0.0) if not world.lost else np.zeros(n)
        self.first = self.now.copy()
        self.demand = np.ascontiguousarray(world.demand.T, np.float64)
        self.lead = np.ascontiguousarray(world.lead.T)
        named = ("received", "ordered", "sold", "lost", "sent", "waste", "end", "owing")
        self.book = {name: np.zeros((buckets, n), np.float32) for name in named}
        self.promised = np.full((2, buckets, n), np.nan, np.float32)
        ahead = np.flatnonzero(world.coming.any(axis=0))
        self.width = int(max(world.lead.max(initial=0), ahead.max(initial=0))) + 1
        self.due = np.zeros((buckets + self.width, n))
        self.due[:buckets] = world.coming.T
        life = world.shelf_life_buckets
        self.perishing = np.flatnonzero(np.isfinite(life) & (life < buckets + 1))
        self.life = np.maximum(life[self.perishing], 1).astype(int)
        self.ages = np.zeros((int(self.life.max(initial=0)), len(self.perishing)))
        self._stack(self.now)
        self.fed = np.flatnonzero(world.source >= 0)

    def receive(self, t: int) -> None:
        """Put what has come on the shelf, and serve who waits."""
        self._add(t, self.due[t])

    def _add(self, t: int, units: np.ndarray) -> None:
        self.now += units
        self.book["received"][t] += units
        self._stack(units)
        if not self.world.lost:
            served = np.minimum(self.owed, self.now)
            self.owed -= served
            self._take(served)
            self.now -= served
            self.book["sold"][t] += served

    def state(self, t: int, rows: np.ndarray) -> State:
        """Return what the lines that are asked can see."""
        whole = len(rows) == len(self.now)
        stock = self.now - self.owed
        coming = self.due[t : t + self.width]
        seen = coming if whole else coming[:, rows]
        return State(rows, stock if whole else stock[rows], seen.T.copy(), _sealed(stock), _sealed(coming))

    def place(self, t: int, rows: np.ndarray, decision: Decision) -> None:
        """Write orders down and lay them where they arrive; those that are fed get what their source can give."""
        units = np.zeros(len(self.now))
        units[rows] = decision.quantity
        self.book["ordered"][t] = units
        told = (decision.promised_short, decision.promised_demand)
        for kept, promise in zip(self.promised, told, strict=True):
            if promise is not None:
                kept[t, rows] = promise
        if len(self.fed):
            self._send(t, units)
        ordered = np.flatnonzero(units > 0)
        at_once = self.lead[t, ordered] == 0
        later, now = ordered[~at_once], ordered[at_once]
        self.due[t + self.lead[t, later], later] += units[later]
        if len(now):
            some = np.zeros(len(units))
            some[now] = units[now]
            self._add(t, some)

    def _send(self, t: int, units: np.ndarray) -> None:
        """Cut what the fed lines ask for to what their sources hold, in proportion, and take it off these."""
        world, fed = self.world, self.fed
        source = world.source[fed]
        held = self.now - self.owed
        asked = np.bincount(source, units[fed], minlength=len(units))
        with np.errstate(invalid="ignore", divide="ignore"):
            share = np.where(asked > 0, np.clip(held / asked, 0, 1), 0.0)
        part = units[fed] * share[source]
        step = np.where(world.multiple[fed] > 0, world.multiple[fed], np.where(world.whole[fed], 1.0, 0.0))
        cut = np.flatnonzero((share[source] < 1) & (step > 0))
        if len(cut):
            left = held - np.bincount(source, np.where(step > 0, 0.0, part), minlength=len(held))
            part[cut] = _in_packs(part[cut], units[fed][cut], step[cut], source[cut], left)
        units[fed] = part
        sent = np.bincount(source, part, minlength=len(units))
        self._take(sent)
        self.now -= sent
        self.book["sent"][t] = sent

    def serve(self, t: int) -> None:
        """Meet demand, throw away what has passed its life, and count."""
        asked = self.demand[t]
        known = ~np.isnan(asked)
        wanted = np.where(known, asked, 0.0)
        sold = np.minimum(wanted, self.now)
        short = wanted - sold
        self._take(sold)
        self.now -= sold
        if not self.world.lost:
            self.owed += short
        if len(self.perishing):
            waste = self.ages[0].copy()
            self.ages[:-1] = self.ages[1:]
            self.ages[-1] = 0.0
            self.now[self.perishing] = np.maximum(self.now[self.perishing] - waste, 0.0)
            self.book["waste"][t, self.perishing] = waste
        self.book["sold"][t] += sold
        self.book["lost"][t] = np.where(known, short, np.nan)
        self.book["end"][t] = self.now
        self.book["owing"][t] = self.owed

    def _stack(self, units: np.ndarray) -> None:
        """Lay arrivals beside what is as old; row j of `ages` can be sold for j + 1 buckets more."""
        if len(self.perishing):
            self.ages[self.life - 1, np.arange(len(self.life))] += units[self.perishing]

    def _take(self, units: np.ndarray) -> None:
        """Take units off the oldest first."""
        if len(self.perishing):
            wanted = units[self.perishing]
            before = np.cumsum(self.ages, axis=0) - self.ages
            self.ages -= np.clip(wanted - before, 0.0, self.ages)

    def ledger(self, name: str) -> Ledger:
        """Return what was written down."""
        book = {key: value.T for key, value in self.book.items()}
        return Ledger(
            name=name,
            first=self.first.astype(np.float32),
            demand=self.world.demand.astype(np.float32),
            owed=book.pop("owing"),
            promised_short=self.promised[0].T,
            promised_demand=self.promised[1].T,
            **book,
        )


def _in_packs(
    part: np.ndarray, asked: np.ndarray, step: np.ndarray, source: np.ndarray, left: np.ndarray
) -> np.ndarray:
    """Return the parts in whole packs: rounded down, and what is left over goes to whom rounding took most from.

    part, asked, step : units, (k,). source : which row gives it, (k,). left : what each row can give, (n,).
    """
    whole = np.floor(part / step + 1e-9) * step
    left = np.maximum(left - np.bincount(source, whole, minlength=len(left)), 0.0)
    missed = np.round((part - whole) / step, 9)
    lacks = np.flatnonzero((missed > 0) & (whole + step <= asked + 1e-9))
    for row in lacks[np.argsort(-missed[lacks], kind="stable")]:
        if step[row] <= left[source[row]] + 1e-9:
            whole[row] += step[row]
            left[source[row]] -= step[row]
    return np.asarray(whole)


def _sealed(values: np.ndarray) -> np.ndarray:
    out = values.view()
    out.flags.writeable = False
    return out
