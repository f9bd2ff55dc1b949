"""What every slider reads: positions, distribution and need at arrival, worked out once a plan."""

from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import pandas as pd

from planning.choice import choose_models
from planning.distribution import CumulativeDemand
from planning.fits import Fits
from planning.inputs import Inputs
from planning.network import Network
from planning.outlook import accuracy_tables, forecast_table, rivals_table
from planning.overrides import tell_unapplied
from planning.params import Params
from planning.past import Choice, Past
from planning.policy import Need, Supply, build_need
from planning.positions import Positions, build_positions, build_supply, with_demand
from planning.replenish import Netting, Spreads, coming_spreads
from planning.spread import build_distribution, corrected_path
from planning.timeline import (
    HandOrders,
    days_without,
    hand_orders,
)
from planning.transfers import hand_transfers
from planning.what_if import demand_factors

Curves = dict[str, dict[float, tuple[float, ...]]]
"""Points of service curves by the parameters that they depend on, then by target."""


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
    sent_by_hand : transfers that the planner has set (see `planning.transfers.hand_transfers`).
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
    sent_by_hand: pd.DataFrame
    without: Netting
    spreads: Spreads
    notes: tuple[str, ...]

    @cached_property
    def curves(self) -> Curves:
        """Points of service curves that are known already; `planning.report` adds to them."""
        return {}


def build_base(tables: Inputs, network: Network, fits: Fits, as_of: date, params: Params, notes: list[str]) -> Base:
    """Work out demand and the need at arrival of every item-location; what was assumed is told in `notes`."""
    positions = build_positions(tables, network, fits, as_of, params, notes)
    by_hand = hand_transfers(tables["transfer_pins"], network.keys, as_of, notes)
    interval = positions.interval
    past = Past(fits)
    choice = choose_models(fits, interval, params, past)
    categories = _categories(tables, network)
    statistical, planned, corrections = corrected_path(fits, choice, fits.horizon, tables["overrides"], categories)
    days = fits.horizon * fits.calendar.bucket_days
    if params.what_if:
        starts = fits.calendar.future_starts(fits.horizon)
        factors = demand_factors(params.what_if, network.keys, categories, starts, fits.calendar.bucket_days)
        statistical, planned = statistical * factors, planned * factors
    usual = float(np.median(interval))
    demand = build_distribution(fits, network, choice, days, params, (statistical, planned), usual, past)
    tell_unapplied(corrections, notes)
    accuracy, calibration = accuracy_tables(past, network, choice, interval, demand, positions.column("unit_cost"))
    usable, on_way = _usable_stock(network, positions, demand, interval)
    position = usable + positions.pooled_open
    positions = with_demand(positions, position, demand.mean_to(interval) / interval, demand.whole)
    farthest = float(interval.max()) + 3 * float(positions.column("lead_time_sd_days").max())
    supply = build_supply(positions, usable, farthest)
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
        sent_by_hand=by_hand,
        without=days_without(positions, demand, usable, params),
        spreads=coming_spreads(demand, interval, demand.days),
        notes=tuple(notes),
    )


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
