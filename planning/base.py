"""What every slider reads: positions, distribution and need at arrival, worked out once a plan."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
import pandas as pd

from planning.choice import choose_models
from planning.distribution import CumulativeDemand
from planning.echelon import days_until_sent
from planning.fits import Fits
from planning.inputs import Inputs
from planning.network import Network
from planning.outlook import accuracy_tables, forecast_table, rivals_table
from planning.overrides import tell_unapplied
from planning.params import Params
from planning.past import Choice, Past, interval_buckets
from planning.policy import Need, Supply, build_need
from planning.positions import Positions, build_supply, with_demand
from planning.replenish import Netting, Spreads, coming_spreads
from planning.spread import build_distribution, corrected_path
from planning.timeline import (
    HandOrders,
    days_without,
    hand_orders,
)
from planning.transfers import hand_transfers
from planning.what_if import Change, demand_factors

Curves = dict[str, dict[float, tuple[float, ...]]]
"""Points of service curves by the parameters that they depend on, then by target."""

NOT_OF_POSITIONS = ("demand_multiplier", "unmet_demand", "forecast_model", "transit_days", "what_if")
"""Slow parameters that positions do not read, or only by way of the network and of `what_if` itself."""
CLOSED, MONEY, DEMAND = ("closed",), ("cost", "price"), ("demand",)
"""Kinds of changes: of the network, of what positions are worth, of demand. All others are the positions' own."""


@dataclass(frozen=True)
class Ground:
    """What a base was made of, so that the next one, under other parameters, works out only what these change.

    tables : as they were read, without the changes of a what-if.
    params : those it was made for; quick : the names of those that it does not depend on.
    network_notes, positions_notes : what was assumed in making these.
    positions : before demand joined them.
    """

    tables: Inputs
    params: Params
    quick: tuple[str, ...]
    network_notes: tuple[str, ...]
    positions_notes: tuple[str, ...]
    positions: Positions

    def same(self, params: Params, kinds: Sequence[str]) -> bool:
        """Whether the changes of these kinds are the same."""
        return _of_kinds(self.params, kinds) == _of_kinds(params, kinds)

    def same_network(self, params: Params) -> bool:
        """Whether the network would be the same."""
        return self.params.transit_days == params.transit_days and self.same(params, CLOSED)

    def same_positions(self, params: Params) -> bool:
        """Whether the positions would be the same on the same network."""
        before, after = self.params.to_dict(), params.to_dict()
        read = [name for name in after if name not in (*self.quick, *NOT_OF_POSITIONS)]
        others = [kind for kind in Change.ASKS if kind not in (*CLOSED, *DEMAND)]
        return all(before[name] == after[name] for name in read) and self.same(params, others)


def _of_kinds(params: Params, kinds: Sequence[str]) -> list[Change]:
    return [change for change in params.what_if if change.kind in kinds]


@dataclass(frozen=True)
class Base:
    """What does not depend on service, cover, budget or allocation; n item-locations as in the network's keys.

    suppliers : the contract's table.
    choice : which models forecast each row.
    usable : stock that covers demand: a location that feeds others counts theirs too, units, (n,).
    on_way : of a location that feeds others, what these sell while a transfer is on its way: `usable` is less that.
    waits : of a location that feeds others, what these sell until they are sent what arrives (see `planning.echelon`).
    told : result tables that follow from all this alone.
    statistical : mean demand by bucket before the planner's corrections, units, (n, H).
    corrections : what each of these did (see `planning.overrides.corrected`); None where there are none.
    hand : orders that the planner has set.
    sent_by_hand : transfers that the planner has set (see `planning.transfers.hand_transfers`).
    without : the days to come without new orders.
    spreads : how the spread of demand runs on.
    ground : what all this was made of.
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
    waits: np.ndarray
    told: "Told"
    statistical: np.ndarray
    corrections: pd.DataFrame | None
    hand: HandOrders
    sent_by_hand: pd.DataFrame
    without: Netting
    spreads: Spreads
    notes: tuple[str, ...]
    ground: Ground

    @cached_property
    def curves(self) -> Curves:
        """Points of service curves that are known already; `planning.report` adds to them."""
        return {}

    @property
    def forecast(self) -> pd.DataFrame:
        """The result table."""
        return self.told.forecast


@dataclass(frozen=True)
class Told:
    """Result tables on demand and on past errors, each made when it is first asked for.

    interval : lead time + review, days, (n,).
    unit_cost : money, NaN where unknown, (n,).
    """

    fits: Fits
    network: Network
    choice: Choice
    demand: CumulativeDemand
    interval: np.ndarray
    unit_cost: np.ndarray

    @cached_property
    def forecast(self) -> pd.DataFrame:
        """Demand by bucket."""
        return forecast_table(self.fits, self.network.keys, self.demand)

    @cached_property
    def errors(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Past errors by line, and how often quantiles held by demand class."""
        return accuracy_tables(Past(self.fits), self.network, self.choice, self.interval, self.demand, self.unit_cost)

    @cached_property
    def rivals(self) -> pd.DataFrame:
        """What each model scored by demand class."""
        return rivals_table(self.choice)


def build_base(
    tables: Inputs,
    network: Network,
    fits: Fits,
    ground: Ground,
    notes: list[str],
    *,
    like: Base | None = None,
) -> Base:
    """Work out demand and the need at arrival of every item-location; what was assumed is told in `notes`.

    Parameters
    ----------
    ground : of the same tables, network and fits.
    like : a base of the same tables, fits and morning; what these parameters leave as it is there is taken from it.
    """
    params, positions, as_of = ground.params, ground.positions, fits.calendar.as_of
    by_hand = hand_transfers(tables["transfer_pins"], network.keys, as_of, notes)
    interval = positions.interval
    past = Past(fits)
    choice = _choice(fits, interval, params, past, like)
    near = like if like is not None and _same_errors(like, network, choice, interval) else None
    known = near if near is not None and _same_demand(near.ground, params) else None
    if known is None:
        held = None if near is None else near.demand
        demand, statistical, corrections = _demand(tables, network, fits, choice, params, interval, past, held)
    else:
        demand, statistical, corrections = known.demand, known.statistical, known.corrections
    tell_unapplied(corrections, notes)
    usable, on_way = _usable_stock(network, positions, demand, interval)
    position = usable + positions.pooled_open
    positions = with_demand(positions, position, demand.mean_to(interval) / interval, demand.whole)
    farthest = float(interval.max()) + 3 * float(positions.column("lead_time_sd_days").max())
    supply = build_supply(positions, usable, farthest)
    lost = params.unmet_demand == "lost"
    if known is not None and known.ground.params.unmet_demand == params.unmet_demand and _same(supply, known.supply):
        need = known.need
    else:
        need = build_need(demand, supply, lost=lost)
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
        waits=_until_sent(network, positions, demand),
        told=Told(fits, network, choice, demand, interval, positions.column("unit_cost")),
        statistical=statistical,
        corrections=corrections,
        hand=hand_orders(tables.tables.get("pins"), network.keys, as_of),
        sent_by_hand=by_hand,
        without=days_without(positions, demand, usable, params),
        spreads=coming_spreads(demand, interval, demand.days),
        notes=tuple(notes),
        ground=ground,
    )


def _choice(fits: Fits, interval: np.ndarray, params: Params, past: Past, like: Base | None) -> Choice:
    """Choose models, which depends on nothing but the intervals in whole buckets and on what is asked for."""
    if like is not None and like.ground.params.forecast_model == params.forecast_model:
        before = interval_buckets(fits, like.positions.interval)
        if np.array_equal(before, interval_buckets(fits, interval)):
            return like.choice
    return choose_models(fits, interval, params, past)


def _same_errors(like: Base, network: Network, choice: Choice, interval: np.ndarray) -> bool:
    """Whether past errors would be those of `like`, at the interval over which quantiles are held against the past."""
    usual = float(np.median(like.positions.interval)) == float(np.median(interval))
    return like.network is network and like.choice is choice and usual


def _same_demand(ground: Ground, params: Params) -> bool:
    return ground.params.demand_multiplier == params.demand_multiplier and ground.same(params, DEMAND)


def _same(one: Supply, other: Supply) -> bool:
    pairs = ((getattr(one, f.name), getattr(other, f.name)) for f in fields(Supply))
    return all(a is b or (a is not None and b is not None and np.array_equal(a, b, equal_nan=True)) for a, b in pairs)


def _demand(
    tables: Inputs,
    network: Network,
    fits: Fits,
    choice: Choice,
    params: Params,
    interval: np.ndarray,
    past: Past,
    held: CumulativeDemand | None,
) -> tuple[CumulativeDemand, np.ndarray, pd.DataFrame | None]:
    """Return the distribution of demand, its mean by bucket before corrections, and what each of these did."""
    categories = _categories(tables, network)
    statistical, planned, corrections = corrected_path(fits, choice, fits.horizon, tables["overrides"], categories)
    days = fits.horizon * fits.calendar.bucket_days
    if params.what_if:
        starts = fits.calendar.future_starts(fits.horizon)
        factors = demand_factors(params.what_if, network.keys, categories, starts, fits.calendar.bucket_days)
        statistical, planned = statistical * factors, planned * factors
    usual = float(np.median(interval))
    demand = build_distribution(fits, network, choice, days, params, (statistical, planned), usual, past, held)
    return demand, network.pool(statistical) * params.demand_multiplier, corrections


def _categories(tables: Inputs, network: Network) -> np.ndarray:
    """Return the category of each row, None where it has none, (n,)."""
    items = tables["items"].drop_duplicates("item_id").set_index("item_id")["category"]
    return np.asarray(network.keys["item_id"].map(items).to_numpy(object))


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
    return net + below + positions.within - kept, kept


def _until_sent(network: Network, positions: Positions, demand: CumulativeDemand) -> np.ndarray:
    """Return what those whom each row feeds sell until they are sent what arrives there, units, (n,)."""
    days = days_until_sent(network.source, positions.interval, positions.column("review_period_days"))
    if not days.any():
        return np.zeros(len(days))
    end = np.where(network.source >= 0, positions.interval[network.source], 0.0)
    units = demand.mean_to(end + days) - demand.mean_to(end)
    return np.where(network.feeds, network.pool(units) - units, 0.0)
