"""The light stage: from kept forecasts to levels, orders and transfers. Seconds at 30,000 items, no forecast."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property

import numpy as np

from planning import engine
from planning.allocate import Allocation, allocate, what_bound
from planning.base import Base
from planning.distribution import CumulativeDemand
from planning.echelon import kept_for_stores, safety_below, with_kept
from planning.least_order import LeastOrder, judge_least_orders, tell_withheld
from planning.network import Network
from planning.orders import Limits, Sized, build_limits, size_orders
from planning.params import Params
from planning.policy import Levels, Need, build_need, critical_ratio, find_levels
from planning.positions import Positions, with_choices
from planning.purchases import settle_purchases
from planning.question import Asked, Question, build_question
from planning.replenish import Netting, demand_of
from planning.timeline import (
    Timeline,
    build_safety,
    build_timeline,
    hand_orders_of,
    limits_of,
    tell_broken_limits,
)


@dataclass(frozen=True)
class Stages(Base):
    """Everything between the input and the report; `positions` now with what quick parameters decide.

    position : usable and what is on order for it, but for what was approved this morning, units, (n,).
    approved, covered : units approved this morning, and what of them the order needs no more, (n,).
    asked : the unrounded order or transfer, units, (n,); what was approved this morning is off already.
    raised, filled, cut : units added for the supplier's minimum and order cost, for its container, and lost to the
        budget, (n,).
    purchases : how suppliers' orders were solved; empty: none had to be.
    order, transfer : units to buy, and to send here, today, (n,).
    lot : what an order brings beyond what is short, NaN: the demand of its coverage, units, (n,).
    bound : what kept a transfer below its request (see `planning.allocate.what_bound`), (n,).
    ratio : chance of need at which one more unit saves as much as it costs to hold, (n,).
    least_order : what can be ordered at least, and where that is too much to be placed without a person.
    """

    params: Params
    levels: Levels
    position: np.ndarray
    approved: np.ndarray
    covered: np.ndarray
    asked: np.ndarray
    limits: Limits
    sized: Sized
    raised: np.ndarray
    filled: np.ndarray
    cut: np.ndarray
    purchases: Mapping[str, object]
    order: np.ndarray
    transfer: np.ndarray
    question: Question
    allocation: Allocation
    lot: np.ndarray
    bound: np.ndarray
    ratio: np.ndarray
    least_order: LeastOrder

    @cached_property
    def timeline(self) -> Timeline:
        """The days to come, netted when they are first looked at."""
        return self.days_of(np.arange(len(self.order)))

    def days_of(self, rows: np.ndarray) -> Timeline:
        """Net the days to come of some rows, ascending: no row's days depend on another's."""
        whole = len(rows) == len(self.order)
        some: np.ndarray | slice = slice(None) if whole else rows
        positions = self.positions if whole else replace(self.positions, table=self.positions.table.iloc[rows])
        demand = self.demand if whole else demand_of(self.demand, rows)
        buffer, params = np.maximum(self.levels.order - self.need.mean, 0), self.params
        spreads = self.spreads.of(some)
        safety = build_safety(positions, spreads, buffer[some], params, self.ratio[some], demand.days)
        to, days, units = self._sent
        mine = np.isin(to, rows)
        sent = np.searchsorted(rows, to[mine]), days[mine], units[mine]
        as_of, lost = self.fits.calendar.as_of, params.unmet_demand == "lost"
        return build_timeline(
            positions, demand, self.usable[some], self.without.of(some), safety, limits_of(self.limits, some),
            self.order[some], sent, hand_orders_of(self.hand, rows), self.lot[some], as_of, lost=lost,
            barred=self.least_order.withheld[some],
        )  # fmt: skip

    @cached_property
    def _sent(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Row, day and units of what transfers bring and, below zero, of what they take from another store."""
        routes, units = self.question.routes, self.allocation.units
        ship = routes["ship_day"].to_numpy(float)
        arrive = np.ceil(routes["transit_days"].to_numpy(float) + ship)
        # What a warehouse sends to those that it feeds stays in its pool.
        away = routes["lateral"].to_numpy(bool)
        return (
            np.concatenate([routes["destination"].to_numpy(int), routes["source"].to_numpy(int)[away]]),
            np.concatenate([arrive, np.ceil(ship)[away]]),
            np.concatenate([units, -units[away]]),
        )

    @property
    def with_orders(self) -> Netting:
        """Net of the days to come with today's and later orders."""
        return self.timeline.with_orders

    @property
    def is_set(self) -> np.ndarray:
        """Whether today's order or request is set by hand, (n,)."""
        return self.hand.is_set

    @cached_property
    def surplus(self) -> np.ndarray:
        """What the sum of needs leaves where nothing is due, units, at most 0 unless only the trigger says no, (n,)."""
        interval = self.positions.interval
        end = self.positions.column("lead_time_days") + self.positions.column("coverage_days")
        beyond = self.demand.mean_to(end) - self.demand.mean_to(interval)
        return np.asarray(np.where(self.asked > 0, 0.0, self.levels.order + beyond - self.covered))

    @cached_property
    def wanted(self) -> np.ndarray:
        """Mean demand to the end of coverage, and of the days until it is with whom it feeds, units, (n,)."""
        end = self.positions.column("lead_time_days") + self.positions.column("coverage_days")
        return np.asarray(self.demand.mean_to(end) + self.on_way + self.levels.waits)

    @cached_property
    def buffer(self) -> np.ndarray:
        """What an order brings beyond the mean need, the safety stock of the waterfall, units, (n,)."""
        return np.asarray(self.levels.own - self.need.mean)

    @cached_property
    def kept(self) -> np.ndarray:
        """What an order brings beyond that for the safety stock of the locations that a row feeds, units, (n,)."""
        return np.broadcast_to(self.levels.kept, self.order.shape)

    @cached_property
    def lost_before(self) -> np.ndarray:
        """Mean demand that is lost before today's order can arrive, units, (n,); none where it waits."""
        return self.need.lost_before if self.need.before is None else np.zeros(len(self.order))

    @cached_property
    def held(self) -> np.ndarray:
        """Stock that counts, that of the locations it feeds included, units, (n,)."""
        return np.asarray(self.usable + self.on_way)

    @cached_property
    def counted_receipts(self) -> np.ndarray:
        """Open orders that arrive before the one after today's, and approved ones of this morning, units, (n,)."""
        return np.asarray(self.supply.received_before(self.positions.interval) + self.covered)

    @property
    def worth(self) -> np.ndarray:
        """Value of a unit served: its margin, or one where that is unknown, (n,)."""
        return self.positions.worth


def run_stages(base: Base, params: Params, notes: list[str], run: engine.Runner = engine.serial) -> Stages:
    """Read levels, orders and transfers off the base; `run` plans suppliers; what was cut is told in `notes`."""
    network, demand, need, usable = base.network, base.demand, base.need, base.usable
    positions = with_choices(base.positions, params, notes)
    lead, review = positions.column("lead_time_days"), positions.column("review_period_days")
    coverage = positions.column("coverage_days")
    levels = echelon_levels(base, positions, params, positions.column("service_target"))
    approved = positions.pooled_approved
    position = usable + positions.pooled_open
    extra = demand.mean_to(lead + coverage) - demand.mean_to(lead + review)
    by_lot = positions.table["policy_type"].isin(["R,s,S", "min/max"]).to_numpy(bool)
    asked = np.where(levels.due, np.maximum(levels.order, 0) + np.where(by_lot, levels.lot, extra), 0.0)
    # What was approved this morning is this plan's own order: it counts in full, however late it may come.
    covered = np.minimum(asked, approved)
    asked = asked - covered
    levels = replace(levels, due=levels.due & (asked > 1e-6))
    asked = np.where(levels.due, asked, 0.0)
    life = positions.days_to_sell
    sells = demand.mean_to(lead + np.nan_to_num(life)) - demand.mean_to(lead)
    cap = np.where(np.isnan(life), np.inf, np.maximum(sells - need.arriving_stock - approved, 0))
    limits = build_limits(positions, position + approved, cap, demand.whole)
    hand = base.hand
    least = judge_least_orders(positions, demand, limits, levels.due, hand.is_set)
    tell_withheld(least, positions, notes)
    levels = replace(levels, due=levels.due & ~least.withheld)
    # Nor do they join an order of their supplier's.
    limits = replace(limits, most=np.where(least.withheld, 0.0, limits.most))
    asked = np.where(levels.due, asked, 0.0)
    sized = size_orders(asked, limits)
    tell_broken_limits(hand, limits, positions, notes)
    wish = np.where(hand.is_set, hand.today, sized.order)
    _tell_impossible(positions, limits, asked, notes)
    settled: list[str] = []
    bought = settle_purchases(
        base, positions, replace(sized, order=wish), limits, levels, asked, approved, params, settled, run
    )
    notes += _before_the_budget(settled) if (bought.cut < 0).any() else settled
    order = np.where(positions.buys, wish + bought.raised + bought.filled + bought.cut, 0.0)
    asks = Asked(
        request=np.where(positions.buys, 0.0, wish),
        own_need=_own_need(network, demand, lead + review),
        rate=demand.mean_to(lead + review) / (lead + review),
        extra=np.where(by_lot, 0.0, extra),
        urgent=_urgent_need(base, lead, params) if params.rebalance else None,
    )
    question = build_question(network, positions, need, asks, base.sent_by_hand, params, notes)
    allocation = allocate(
        question,
        params.allocation_method,
        demand.whole,
        rule=params.fair_rule,
        floor=params.service_floor,
        run=run,
    )
    if allocation.answer is not None:
        notes.extend(allocation.answer.notes)
    _tell_unreachable(question, notes)
    transfer = np.bincount(question.routes["destination"], allocation.units, minlength=len(order))
    return Stages(
        **({each.name: getattr(base, each.name) for each in fields(Base)} | {"positions": positions}),
        params=params,
        levels=levels,
        position=position,
        approved=approved,
        covered=covered,
        asked=asked,
        limits=limits,
        sized=sized,
        raised=bought.raised,
        filled=bought.filled,
        cut=bought.cut,
        purchases=bought.solved,
        order=order,
        transfer=transfer,
        question=question,
        allocation=allocation,
        lot=np.where(by_lot, levels.lot, np.nan),
        bound=what_bound(question, allocation, np.maximum(positions.stock_before, 0) * params.reserve_fraction),
        ratio=critical_ratios(positions, params),
        least_order=least,
    )


def _urgent_need(base: Base, lead: np.ndarray, params: Params) -> Need:
    """Return the need from when a transfer between stores could arrive to when a normal order does."""
    transit = np.full(len(lead), params.transit_days)
    days = replace(
        base.supply,
        lead_time=transit,
        lead_time_sd=np.zeros(len(lead)),
        review=np.maximum(lead - transit, 1.0),
        lead_shape=None,
    )
    return build_need(base.demand, days, lost=params.unmet_demand == "lost")


def critical_ratios(positions: Positions, params: Params) -> np.ndarray:
    """Return the chance of need at which one more unit saves as much as it costs to hold, (n,)."""
    holding = positions.column("holding_cost_per_day")
    holding = np.where(np.isnan(holding), params.holding_rate_per_year / 365, holding)
    with np.errstate(divide="ignore", invalid="ignore"):
        lasts = np.nan_to_num(positions.column("lot") / positions.column("demand_per_day"), posinf=0.0)
    return critical_ratio(positions.worth, holding, np.maximum(positions.column("review_period_days"), lasts))


def policy_levels(positions: Positions, need: Need, params: Params, target: np.ndarray) -> Levels:
    """Return the levels at a service target, (n,), read off the kept needs."""
    ratio = critical_ratios(positions, params)
    return find_levels(
        need,
        params.service_measure,
        target,
        ratio,
        positions.column("least_stock"),
        lot=positions.column("lot"),
        fixed=(positions.table["policy_type"] == "s,Q").to_numpy(bool),
        pinned=positions.column("pinned_safety_stock"),
        missing=positions.column("reorder_at") - positions.column("inventory_position"),
    )


def echelon_levels(base: Base, positions: Positions, params: Params, target: np.ndarray) -> Levels:
    """Return `policy_levels`, with what rows that feed others order for these beyond their own need."""
    levels, network = policy_levels(positions, base.need, params, target), base.network
    if not network.feeds.any():
        return levels
    table, mean = positions.table, base.need.mean
    room = np.nan_to_num(positions.column("max_stock"), nan=np.inf) - positions.column("inventory_position") - mean
    stocked = (table["ranged"] & ~table["dead"]).to_numpy(bool)
    by_hand = (table["pinned_safety_stock"].notna() | table["reorder_at"].notna()).to_numpy(bool)
    safety = safety_below(levels.order - mean, room, stocked)
    kept = kept_for_stores(network.pool, network.feeds, safety, by_hand)
    return with_kept(levels, kept, np.where(by_hand, 0.0, base.waits))


def _own_need(network: Network, demand: CumulativeDemand, reach: np.ndarray) -> np.ndarray:
    """Return what a location that feeds others keeps for its own sales, units, (n,)."""
    whole = demand.mean_to(reach)
    fed = network.source >= 0
    above = np.where(fed, network.source, 0)
    passed_on = np.zeros(len(whole))
    np.add.at(passed_on, above[fed], demand.mean_to(reach[above])[fed])
    return np.maximum(whole - passed_on, 0)


def _before_the_budget(told: list[str]) -> list[str]:
    """Mark what is told of suppliers' orders as they were before the budget cut some of them."""
    of_orders = ("The order of ", "The last container of ")
    return [f"Before the budget: {note}" if note.startswith(of_orders) else note for note in told]


def _tell_impossible(positions: Positions, limits: Limits, asked: np.ndarray, notes: list[str]) -> None:
    hit = np.flatnonzero((asked > 0) & (limits.most > 0) & (limits.most < limits.least))
    if len(hit):
        some = ", ".join(positions.table["item_id"].iloc[hit].drop_duplicates().head(3))
        notes.append(
            f"Items whose least order is above their maximum: {len(hit):,} ({some}{' ...' if len(hit) > 3 else ''}). "
            "They cannot be ordered: correct moq, max_order or max_stock."
        )


def _tell_unreachable(question: Question, notes: list[str]) -> None:
    asked = np.flatnonzero(question.request > 0)
    routed = np.unique(question.routes["destination"])
    stuck = np.setdiff1d(asked, routed)
    if len(stuck):
        notes.append(
            f"Item-locations that ask for a transfer, but to which no source that may give has a lane: {len(stuck):,}."
        )
