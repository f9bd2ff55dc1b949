"""The light stage: from kept forecasts to levels, orders and transfers. Seconds at 30,000 items, no forecast."""

from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pandas as pd

from planning.allocate import Allocation, Question, allocate, build_question, what_bound
from planning.choice import choose_models
from planning.distribution import CumulativeDemand
from planning.fits import Fits
from planning.inputs import Inputs
from planning.network import Network
from planning.orders import Limits, Sized, build_limits, cut_to_budget, reach_supplier_minimum, size_orders
from planning.outlook import accuracy_tables, forecast_table, rivals_table
from planning.overrides import tell_unapplied
from planning.params import Params
from planning.past import Choice, Past
from planning.policy import Levels, Need, Supply, build_need, critical_ratio, find_levels
from planning.positions import Positions, build_positions, build_supply, with_choices, with_demand
from planning.replenish import Netting, Spreads, coming_spreads
from planning.spread import build_distribution, corrected_path
from planning.supplier_terms import raise_to_terms
from planning.timeline import (
    HandOrders,
    Timeline,
    as_set,
    build_safety,
    build_timeline,
    days_without,
    hand_orders,
    tell_broken_limits,
)


@dataclass(frozen=True)
class Base:
    """What does not depend on service, cover, budget or allocation; n item-locations as in the network's keys.

    suppliers : the contract's table.
    choice : which models forecast each row.
    usable : stock that covers demand: a location that feeds others counts theirs too, units, (n,).
    on_way : of a location that feeds others, what these sell while a transfer is on its way: `usable` is less that.
    forecast, accuracy, calibration, rivals : result tables that are ready already.
    statistical : mean demand by bucket before the planner's corrections, units, (n, H).
    corrections : what each of these did (see `planning.overrides.corrected`); None where there are none.
    hand : orders that the planner has set.
    without : the days to come without new orders.
    spreads : how the spread of demand runs on.
    """

    suppliers: pd.DataFrame
    network: Network
    fits: Fits
    positions: Positions
    choice: Choice
    demand: CumulativeDemand
    supply: Supply
    need: Need
    usable: np.ndarray
    on_way: np.ndarray
    forecast: pd.DataFrame
    accuracy: pd.DataFrame
    calibration: pd.DataFrame
    rivals: pd.DataFrame
    statistical: np.ndarray
    corrections: pd.DataFrame | None
    hand: HandOrders
    without: Netting
    spreads: Spreads
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Stages(Base):
    """Everything between the input and the report; `positions` now with what quick parameters decide.

    position : usable and what is on order for it, but for what was approved this morning, units, (n,).
    approved, covered : units approved this morning, and what of them the order needs no more, (n,).
    asked : the unrounded order or transfer, units, (n,); what was approved this morning is off already.
    raised, filled, cut : units added for the supplier's minimum and order cost, for its container, and lost to the
        budget, (n,).
    order, transfer : units to buy, and to send here, today, (n,).
    timeline : the days to come.
    bound : what kept a transfer below its request (see `planning.allocate.what_bound`), (n,).
    ratio : chance of need at which one more unit saves as much as it costs to hold, (n,).
    """

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
    order: np.ndarray
    transfer: np.ndarray
    question: Question
    allocation: Allocation
    timeline: Timeline
    bound: np.ndarray
    ratio: np.ndarray

    @property
    def with_orders(self) -> Netting:
        """Net of the days to come with today's and later orders."""
        return self.timeline.with_orders

    @property
    def is_set(self) -> np.ndarray:
        """Whether today's order or request is set by hand, (n,)."""
        return self.hand.is_set

    @property
    def surplus(self) -> np.ndarray:
        """What the sum of needs leaves where nothing is due, units, at most 0 unless only the trigger says no, (n,)."""
        interval = self.positions.interval
        end = self.positions.column("lead_time_days") + self.positions.column("coverage_days")
        beyond = self.demand.mean_to(end) - self.demand.mean_to(interval)
        return np.asarray(np.where(self.asked > 0, 0.0, self.levels.order + beyond - self.covered))

    @property
    def wanted(self) -> np.ndarray:
        """Mean demand to the end of coverage, and of the days on the way to whom it feeds, units, (n,)."""
        end = self.positions.column("lead_time_days") + self.positions.column("coverage_days")
        return np.asarray(self.demand.mean_to(end) + self.on_way)

    @property
    def buffer(self) -> np.ndarray:
        """What an order brings beyond the mean need, the safety stock of the waterfall, units, (n,)."""
        return np.asarray(self.levels.order - self.need.mean)

    @property
    def lost_before(self) -> np.ndarray:
        """Mean demand that is lost before today's order can arrive, units, (n,); none where it waits."""
        return self.need.lost_before if self.need.before is None else np.zeros(len(self.order))

    @property
    def held(self) -> np.ndarray:
        """Stock that counts, that of the locations it feeds included, units, (n,)."""
        return np.asarray(self.usable + self.on_way)

    @property
    def counted_receipts(self) -> np.ndarray:
        """Open orders that arrive before the one after today's, and approved ones of this morning, units, (n,)."""
        return np.asarray(self.supply.received_before(self.positions.interval) + self.covered)

    @property
    def worth(self) -> np.ndarray:
        """Value of a unit served: its margin, or one where that is unknown, (n,)."""
        return self.positions.worth


def build_base(tables: Inputs, network: Network, fits: Fits, as_of: date, params: Params, notes: list[str]) -> Base:
    """Work out demand and the need at arrival of every item-location; what was assumed is told in `notes`."""
    positions = build_positions(tables, network, fits, as_of, params, notes)
    interval = positions.interval
    past = Past(fits)
    choice = choose_models(fits, interval, params, past)
    categories = _categories(tables, network)
    statistical, planned, corrections = corrected_path(fits, choice, fits.horizon, tables["overrides"], categories)
    days = fits.horizon * fits.calendar.bucket_days
    usual = float(np.median(interval))
    demand = build_distribution(fits, network, choice, days, params, (statistical, planned), usual, past)
    tell_unapplied(corrections, notes)
    accuracy, calibration = accuracy_tables(past, network, choice, interval, demand, positions.column("unit_cost"))
    usable, on_way = _usable_stock(network, positions, demand, interval)
    position = usable + network.pool(positions.column("on_order") - positions.approved)
    positions = with_demand(positions, position, demand.mean_to(interval) / interval, demand.whole)
    farthest = float(interval.max()) + 3 * float(positions.column("lead_time_sd_days").max())
    supply = build_supply(positions, network, usable, farthest)
    need = build_need(demand, supply, lost=params.unmet_demand == "lost")
    return Base(
        suppliers=tables["suppliers"],
        network=network,
        fits=fits,
        positions=positions,
        choice=choice,
        demand=demand,
        supply=supply,
        need=need,
        usable=usable,
        on_way=on_way,
        forecast=forecast_table(fits, network.keys, demand),
        accuracy=accuracy,
        calibration=calibration,
        rivals=rivals_table(choice),
        statistical=network.pool(statistical) * params.demand_multiplier,
        corrections=corrections,
        hand=hand_orders(tables.tables.get("pins"), network.keys, as_of),
        without=days_without(network, positions, demand, usable, params),
        spreads=coming_spreads(demand, interval, demand.days),
        notes=tuple(notes),
    )


def _categories(tables: Inputs, network: Network) -> np.ndarray:
    """Return the category of each row, None where it has none, (n,)."""
    items = tables["items"].drop_duplicates("item_id").set_index("item_id")["category"]
    return np.asarray(network.keys["item_id"].map(items).to_numpy(object))


def run_stages(base: Base, params: Params, notes: list[str]) -> Stages:
    """Read levels, orders and transfers off the base; what was cut is told in `notes`."""
    network, demand, need, usable = base.network, base.demand, base.need, base.usable
    positions = with_choices(base.positions, params, notes)
    lead, review = positions.column("lead_time_days"), positions.column("review_period_days")
    coverage = positions.column("coverage_days")
    levels = policy_levels(positions, need, params, positions.column("service_target"))
    approved = network.pool(positions.approved)
    position = usable + network.pool(positions.column("on_order")) - approved
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
    sized = size_orders(asked, limits)
    hand = base.hand
    tell_broken_limits(hand, limits, positions, notes)
    wish = np.where(hand.is_set, hand.today, sized.order)
    _tell_impossible(positions, limits, asked, notes)
    raised, filled, cut = _purchases(
        base, positions, replace(sized, order=wish), limits, levels, asked, approved, params, notes
    )
    order = np.where(positions.buys, wish + raised + filled + cut, 0.0)
    rate = demand.mean_to(lead + review) / (lead + review)
    question = build_question(
        network,
        positions,
        need,
        np.where(positions.buys, 0.0, wish),
        _own_need(network, demand, lead + review),
        rate,
        params,
    )
    allocation = allocate(question, params.allocation_method, demand.whole)
    _tell_unreachable(question, notes)
    transfer = np.bincount(question.routes["destination"], allocation.units, minlength=len(order))
    routes, ratio = question.routes, critical_ratios(positions, params)
    sent = (routes["destination"].to_numpy(), np.ceil(routes["transit_days"].to_numpy(float)), allocation.units)
    safety = build_safety(positions, base.spreads, np.maximum(levels.order - need.mean, 0), params, ratio, demand.days)
    as_of, lot = base.fits.calendar.as_of, np.where(by_lot, levels.lot, np.nan)
    lost = params.unmet_demand == "lost"
    timeline = build_timeline(
        positions, demand, usable, base.without, safety, limits, order, sent, hand, lot, as_of, lost=lost
    )
    return Stages(
        **(vars(base) | {"positions": positions}),
        levels=levels,
        position=position,
        approved=approved,
        covered=covered,
        asked=asked,
        limits=limits,
        sized=sized,
        raised=raised,
        filled=filled,
        cut=cut,
        order=order,
        transfer=transfer,
        question=question,
        allocation=allocation,
        timeline=timeline,
        bound=what_bound(question, allocation, np.maximum(positions.net_stock, 0) * params.reserve_fraction),
        ratio=ratio,
    )


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
        pinned=positions.column("pinned_safety_stock"),
        missing=positions.column("reorder_at") - positions.column("inventory_position"),
    )


def _usable_stock(
    network: Network, positions: Positions, demand: CumulativeDemand, interval: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the stock that covers each row's demand, and what is kept for the way to its stores, units, (n,) each.

    A warehouse counts what its stores hold, but not what they hold beyond their own demand over its
    interval, and less what will be on its way to them.
    """
    net = positions.net_stock
    reach = np.where(network.source >= 0, interval[network.source], interval)
    needed = demand.mean_to(reach) + 2 * np.sqrt(demand.variance_to(reach))
    counted = np.where(network.source >= 0, np.minimum(net, needed), net)
    on_way = np.where(network.source >= 0, demand.mean_to(network.transit_days), 0.0)
    kept = np.where(network.feeds, network.pool(on_way) - on_way, 0.0)
    below = np.where(network.feeds, network.pool(counted) - counted, 0.0)
    return net + below - kept, kept


def _own_need(network: Network, demand: CumulativeDemand, reach: np.ndarray) -> np.ndarray:
    """Return what a location that feeds others keeps for its own sales, units, (n,)."""
    whole = demand.mean_to(reach)
    fed = network.source >= 0
    above = np.where(fed, network.source, 0)
    passed_on = np.zeros(len(whole))
    np.add.at(passed_on, above[fed], demand.mean_to(reach[above])[fed])
    return np.maximum(whole - passed_on, 0)


def _purchases(
    base: Base,
    positions: Positions,
    sized: Sized,
    limits: Limits,
    levels: Levels,
    asked: np.ndarray,
    approved: np.ndarray,
    params: Params,
    notes: list[str],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what suppliers' minimums and order costs add, what containers add, and what the budget takes, (n,) each.

    Orders set by hand count for all, but are neither raised nor cut; so do those approved this morning for the budget.
    """
    need, hand, demand = base.need, base.hand, base.demand
    buys, cost = positions.buys, positions.column("unit_cost")
    bought = replace(sized, order=np.where(buys, sized.order, 0.0))
    terms = raise_to_terms(
        base.suppliers, positions, need, base.supply, levels, bought.order, approved, hand.is_set, limits, demand, notes
    )
    least = base.suppliers.drop_duplicates("supplier_id").set_index("supplier_id")["min_order_value"]
    minimum = positions.table["supplier_id"].map(least).astype(float).fillna(0).to_numpy()
    per_day = np.where(hand.is_set, 0.0, demand.mean_to(positions.interval) / positions.interval)
    wanted = np.where(hand.is_set, bought.order, asked)
    free = as_set(limits, hand.is_set)
    # What coverage cannot reach is reached as far as days of demand do.
    missing = np.where(terms.settled, 0.0, minimum)
    raised = terms.by_value + reach_supplier_minimum(wanted, bought, free, positions, missing, per_day, notes)
    filled = terms.by_container
    ordered = bought.order + raised + filled
    if params.budget is None:
        return raised, filled, np.zeros(len(ordered))
    gain = positions.worth * (need.short(np.zeros(len(ordered))) - need.short(ordered))
    fixed = np.where(hand.is_set, ordered, 0.0)
    left = params.budget - float(np.nansum((fixed + positions.approved) * cost))
    if left < 0:
        notes.append(
            f"Orders set by hand or approved this morning are {-left:,.2f} beyond the budget: nothing else is ordered."
        )
    cut = cut_to_budget(ordered - fixed, limits, cost, gain, max(left, 0.0), notes)
    _tell_cut_orders(positions, ordered + cut, minimum, notes)
    return raised, filled, cut


def _tell_cut_orders(positions: Positions, order: np.ndarray, minimum: np.ndarray, notes: list[str]) -> None:
    value = pd.Series(order * positions.column("unit_cost"))
    groups = [positions.table["supplier_id"], positions.table["location_id"]]
    total = value.groupby(groups).sum()
    least = pd.Series(minimum).groupby(groups).max()
    short = total[(total > 0) & (total < least - 1e-6)]
    if len(short):
        some = ", ".join(f"{supplier} for {place}" for supplier, place in short.index[:3])
        notes.append(
            f"The budget leaves orders below their supplier's minimum: {len(short):,} ({some}). "
            "They may be refused: raise the budget, or leave these suppliers out."
        )


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
