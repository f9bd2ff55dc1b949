"""What is to be shared today: the ways from source to destination, what each may give, and what each asks for.

A location that is fed asks for what its policy would order. With rebalancing, stores may also send each other what
they hold beyond their own need; one that buys then asks for what it would lose before a normal order can arrive.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from planning.network import Network
from planning.params import Params
from planning.policy import Need
from planning.positions import Positions

PRIORITY_WEIGHT = 10.0
"""How much more a unit counts at a location one priority ahead."""
SURPLUS_CHANCE = 0.9
"""A store may give what it holds beyond its own need with this chance."""
MISSING_WORTH = 1.0
"""A unit missing of what a location must show counts as so many units served, on top of what it serves."""
MOST_DATES = 6
UNPRICED = 1e-6
"""What money weighs against units where no price or cost is known: it only decides between equal ways."""


@dataclass(frozen=True)
class Question:
    """What is to be shared; n rows of the plan, r routes, T shipping dates of which the first is today.

    routes : one row a possible way: item_id, source_id, destination_id, source, destination (rows of the network's
        keys), lane (row of lanes), freight (money a unit), transit_days, main (whether it is the usual way), date (of
        shipping, 0 ... T - 1), ship_day (days from today), lateral (whether between stores).
    lanes : source_id, destination_id, capacity (units), cost_per_shipment (money).
    request : what each row would take, in whole packs, units, (n,); 0 where it takes nothing.
    pack : units in a pack, 0 where any quantity will do, (n,).
    available : what each row can give in all up to each date, units, (n,) for today alone, or (n, T).
    worth : value of a unit served, money (1 where unknown), (n,).
    holding : cost of a unit left over at the next delivery, money, (n,).
    rate : mean demand a day, (n,).
    need : the need at arrival of each row, to the end of its coverage.
    room : room left at each row's location before any transfer, in the measure of `bulk`, inf: no limit, (n,).
    bulk : room that a unit takes, (n,).
    keep_worth : money that a unit kept at its source is worth, (n,).
    gives_own : whether what a row gives is taken off its own curve, (n,) flags.
    least, least_price : units wanted at least, and money that a unit missing of them counts, (n,).
    fixed : units set by hand on each route, NaN where free, (r,).
    least_value : money that a transfer between stores must gain.
    """

    routes: pd.DataFrame
    lanes: pd.DataFrame
    request: np.ndarray
    pack: np.ndarray
    available: np.ndarray
    worth: np.ndarray
    holding: np.ndarray
    rate: np.ndarray
    need: Need
    room: np.ndarray | None = None
    bulk: np.ndarray | None = None
    keep_worth: np.ndarray | None = None
    gives_own: np.ndarray | None = None
    least: np.ndarray | None = None
    least_price: np.ndarray | None = None
    fixed: np.ndarray | None = None
    least_value: float = 0.0

    @property
    def cover(self) -> np.ndarray:
        """Stock at the arrival that a request starts from, units, (n,)."""
        return self.need.arriving_stock

    @property
    def by_date(self) -> np.ndarray:
        """Return what each row can give up to each date, units, (n, T)."""
        return self.available.reshape(len(self.request), -1)

    @property
    def by_hand(self) -> np.ndarray:
        """Return the units set by hand on each route, NaN where it is free, (r,)."""
        return np.full(len(self.routes), np.nan) if self.fixed is None else self.fixed

    def or_none(self, values: np.ndarray | None, default: float = 0.0) -> np.ndarray:
        """Return the values, or the default for all where there are none, (n,)."""
        return np.full(len(self.request), default) if values is None else values


@dataclass(frozen=True)
class Asked:
    """What each row asks for and holds, units, (n,) each.

    request : in whole packs.  own_need : what a source keeps for its own sales.  rate : mean demand a day.
    extra : mean demand from the next delivery to the end of coverage.
    urgent : what a row that buys loses before a normal order arrives, and the need of those days; None: not asked.
    """

    request: np.ndarray
    own_need: np.ndarray
    rate: np.ndarray
    extra: np.ndarray
    urgent: Need | None = None


def build_question(
    network: Network,
    positions: Positions,
    need: Need,
    asked: Asked,
    by_hand: pd.DataFrame,
    params: Params,
    notes: list[str],
) -> Question:
    """Collect the ways, requests and stocks.

    Parameters
    ----------
    by_hand : transfers set by hand: source, destination (rows), quantity (units).
    notes : those of them that have no effect are told here.
    """
    # What was approved this morning comes first: one more is worth what it adds to that.
    need = need.after(positions.approved)
    need, request = _need_to_cover(need, asked, positions.buys), asked.request
    if asked.urgent is not None:
        request = np.where(positions.buys & ~network.feeds, _urgent_request(asked.urgent, positions), request)
    lanes = _lanes_left(network.lanes.reset_index(drop=True), positions.transfers)
    by_hand = _hand_left(by_hand, positions.transfers)
    surplus = _surplus(network, positions, need, request, asked) if params.rebalance else np.zeros(len(request))
    gives_own = surplus > 0
    stock = np.maximum(positions.stock_before, 0) * (1 - params.reserve_fraction) - positions.column("promised")
    usual = stock - asked.own_need
    available = np.where(gives_own, np.minimum(surplus, np.maximum(stock, 0)), np.maximum(usual, 0))
    inbound, days = _inbound(network, positions, usual, available, params)
    told = by_hand
    by_hand = by_hand if params.rebalance else by_hand[_has_lane(by_hand, lanes, network.keys)]
    request = _with_hand(request, by_hand)
    routes = _routes(network, request, lanes, by_hand, params)
    if params.rebalance:
        routes, lanes = _with_laterals(network, routes, lanes, request, gives_own, params)
    routes, lanes = _in_units_where_unpriced(routes, lanes, np.isfinite(positions.column("shortage_cost")))
    _tell_unlaned(told, routes, network.keys, notes)
    routes = _on_dates(routes, days, inbound)
    last = network.priority.max() if len(network.priority) else 1.0
    worth = positions.worth * PRIORITY_WEIGHT ** (last - network.priority)
    shown = np.maximum(positions.column("least_stock") - np.maximum(need.arriving_stock, 0), 0)
    return Question(
        routes=routes,
        lanes=lanes,
        request=request,
        pack=np.nan_to_num(positions.column("order_multiple")),
        available=inbound,
        worth=worth,
        holding=np.nan_to_num(positions.column("holding_cost_per_day")) * positions.column("review_period_days"),
        rate=asked.rate,
        need=need,
        keep_worth=params.reserve_value * positions.worth,
        gives_own=gives_own,
        least=shown,
        least_price=MISSING_WORTH * worth,
        fixed=_fixed(routes, by_hand),
        least_value=params.rebalance_least_value,
        **_rooms(network, positions, need),
    )


def _need_to_cover(need: Need, asked: Asked, buys: np.ndarray) -> Need:
    """Return the need to the end of coverage of those that are fed; of those that buy, before an order arrives."""
    points, extra = need.need, np.where(buys, 0.0, asked.extra)
    between, cover = need.between + extra, need.arriving_stock
    if (extra > 0).any():
        points = points + extra[:, None]
    if asked.urgent is not None:
        points = np.where(buys[:, None], asked.urgent.need, points)
        between = np.where(buys, asked.urgent.between, between)
        cover = np.where(buys, asked.urgent.arriving_stock, cover)
    return Need(points, None, between, cover, need.lost_before)


def _urgent_request(urgent: Need, positions: Positions) -> np.ndarray:
    """Return what a row that buys asks of other stores: what it needs to reach its service until an order comes."""
    wanted = np.maximum(urgent.order_for_fill_rate(positions.column("service_target")), 0)
    wanted = np.where((urgent.between > 0) & (urgent.missed(np.arange(len(wanted)), 0 * wanted) > 0.5), wanted, 0.0)
    return np.asarray(np.where(positions.table["whole"].to_numpy(bool), np.floor(wanted + 0.5), wanted))


def _lanes_left(lanes: pd.DataFrame, transfers: pd.DataFrame) -> pd.DataFrame:
    """Return the lanes with the room that this morning's approved transfers leave; their shipment leaves anyway."""
    if transfers.empty or not transfers["today"].any():
        return lanes
    key = ["source_id", "destination_id"]
    loaded = transfers[transfers["today"]].groupby(key)["quantity"].sum()
    units = loaded.reindex(pd.MultiIndex.from_frame(lanes[key])).to_numpy(float)
    runs = ~np.isnan(units)
    return lanes.assign(
        capacity=np.maximum(lanes["capacity"] - np.nan_to_num(units), 0.0),
        cost_per_shipment=np.where(runs, 0.0, lanes["cost_per_shipment"]),
    )


def _hand_left(by_hand: pd.DataFrame, transfers: pd.DataFrame) -> pd.DataFrame:
    """Return what is set by hand less what of it was approved this morning: that is on its way already."""
    done = transfers[transfers["today"]] if len(transfers) else transfers
    if by_hand.empty or done.empty:
        return by_hand
    sent = done.groupby(["source", "row"])["quantity"].sum()
    ways = pd.MultiIndex.from_frame(by_hand[["source", "destination"]])
    units = np.nan_to_num(sent.reindex(ways).to_numpy(float))
    return by_hand.assign(quantity=np.maximum(by_hand["quantity"] - units, 0.0))


def _surplus(network: Network, positions: Positions, need: Need, request: np.ndarray, asked: Asked) -> np.ndarray:
    """Return what a store may give, units, (n,): what it holds beyond its own need, if it asks for nothing itself."""
    m = need.need.shape[1]
    spare = np.floor(-need.need[:, min(int(SURPLUS_CHANCE * m), m - 1)])
    gives = ~network.feeds & (request <= 0) & (asked.request <= 0) & (positions.net_stock > 0)
    return np.asarray(np.where(gives, np.maximum(spare, 0), 0.0))


def _with_hand(request: np.ndarray, by_hand: pd.DataFrame) -> np.ndarray:
    """A line set by hand is asked for, whatever the policy says."""
    set_for = np.bincount(by_hand["destination"], by_hand["quantity"], minlength=len(request))
    return np.asarray(np.maximum(request, set_for))


def _routes(
    network: Network, request: np.ndarray, lanes: pd.DataFrame, by_hand: pd.DataFrame, params: Params
) -> pd.DataFrame:
    keys = network.keys.assign(row=np.arange(len(network.keys)))
    hand = np.isin(keys["row"], by_hand["destination"])
    fed = keys[((network.source >= 0) & (request > 0)) | hand].rename(
        columns={"location_id": "destination_id", "row": "destination"}
    )
    usable = lanes.assign(lane=np.arange(len(lanes)))
    if params.allocation_sources is not None:
        usable = usable[usable["source_id"].isin(params.allocation_sources)]
    routes = fed.merge(usable, on="destination_id").merge(
        keys.rename(columns={"location_id": "source_id", "row": "source"}), on=["item_id", "source_id"]
    )
    routes["main"] = network.source[routes["destination"]] == routes["source"]
    routes["freight"] = routes["cost_per_unit"].astype(float)
    routes["lateral"] = False
    return routes.sort_values(
        ["destination", "main", "freight", "transit_days", "source_id"],
        ascending=[True, False, True, True, True],
        kind="stable",
    ).reset_index(drop=True)


def _with_laterals(
    network: Network,
    routes: pd.DataFrame,
    lanes: pd.DataFrame,
    request: np.ndarray,
    gives: np.ndarray,
    params: Params,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Add the ways between stores: by their lane where there is one, else in `transit_days` at the usual cost."""
    keys = network.keys.assign(row=np.arange(len(network.keys)))
    givers = keys[gives].rename(columns={"location_id": "source_id", "row": "source"})
    takers = keys[(request > 0) & ~network.feeds].rename(
        columns={"location_id": "destination_id", "row": "destination"}
    )
    pairs = takers.merge(givers, on="item_id")
    pairs = pairs[pairs["source_id"] != pairs["destination_id"]]
    there = pd.MultiIndex.from_frame(routes[["source", "destination"]])
    pairs = pairs[~pd.MultiIndex.from_frame(pairs[["source", "destination"]]).isin(there)]
    known = lanes.assign(lane=np.arange(len(lanes)))
    asked = pairs[["source_id", "destination_id"]].drop_duplicates()
    new = asked[~pd.MultiIndex.from_frame(asked).isin(pd.MultiIndex.from_frame(known[["source_id", "destination_id"]]))]
    new = new.sort_values(["source_id", "destination_id"]).assign(
        transit_days=params.transit_days,
        cost_per_unit=params.rebalance_cost_per_unit,
        cost_per_shipment=0.0,
        capacity=np.nan,
        lane=len(lanes) + np.arange(len(new)),
    )
    every = pd.concat([known, new], ignore_index=True) if len(known) else new.reset_index(drop=True)
    lateral = pairs.merge(every, on=["source_id", "destination_id"])
    lateral = lateral.assign(main=False, freight=lateral["cost_per_unit"].astype(float), lateral=True)
    lateral = lateral.sort_values(["destination", "freight", "transit_days", "source_id"], kind="stable")
    joined = pd.concat([routes, lateral[list(routes.columns)]], ignore_index=True) if len(lateral) else routes
    return joined.astype({"lateral": bool, "main": bool}), every.drop(columns="lane")


def _in_units_where_unpriced(
    routes: pd.DataFrame, lanes: pd.DataFrame, priced: np.ndarray
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Hold no freight in money against units whose worth nobody knows; a lane's own cost, where none is known."""
    freight = np.where(priced[routes["destination"].to_numpy(int)], 1.0, UNPRICED) * routes["freight"]
    if not priced.any():
        lanes = lanes.assign(cost_per_shipment=lanes["cost_per_shipment"] * UNPRICED)
    return routes.assign(freight=freight), lanes


def _inbound(
    network: Network, positions: Positions, usual: np.ndarray, today: np.ndarray, params: Params
) -> tuple[np.ndarray, np.ndarray]:
    """Return what each row can give up to each date, units, (n, T), and the days of these dates from today, (T,).

    What a source owes or keeps for its own sales comes off what arrives, too.
    """
    some = positions.receipts
    some = some[(some["day"] <= params.allocation_inbound_days) & (some["day"] > 0) & (some["quantity"] > 0)]
    some = some[network.feeds[some["row"].to_numpy(int)]]
    if params.allocation_inbound_days <= 0 or some.empty:
        return today[:, None], np.zeros(1)
    days = np.unique(some["day"].to_numpy(float))
    # With many dates those that lie close together leave on the latest of them.
    days = (
        days if len(days) < MOST_DATES else np.unique(np.quantile(days, np.linspace(0, 1, MOST_DATES), method="higher"))
    )
    at = np.searchsorted(days, some["day"].to_numpy(float))
    comes = np.zeros((len(today), len(days)))
    np.add.at(comes, (some["row"].to_numpy(int), at), some["quantity"].to_numpy(float))
    later = np.maximum(usual[:, None] + np.cumsum(comes, axis=1), today[:, None])
    return np.column_stack([today, later]), np.concatenate([[0.0], days])


def _on_dates(routes: pd.DataFrame, days: np.ndarray, available: np.ndarray) -> pd.DataFrame:
    """Each way once for each date on which its source has more than before; the first date first."""
    today = routes.assign(date=0, ship_day=0.0)
    if len(days) == 1 or routes.empty:
        return today
    parts = [today]
    for date in range(1, len(days)):
        more = (available[:, date] > available[:, date - 1] + 1e-9)[routes["source"].to_numpy(int)]
        parts.append(routes[more & ~routes["lateral"].to_numpy(bool)].assign(date=date, ship_day=days[date]))
    every = pd.concat(parts).reset_index(names="way")
    return every.sort_values(["way", "date"], kind="stable").drop(columns="way").reset_index(drop=True)


def _has_lane(by_hand: pd.DataFrame, lanes: pd.DataFrame, keys: pd.DataFrame) -> np.ndarray:
    """Whether a lane leads where a transfer set by hand goes, (rows of by_hand,) flags."""
    places = keys["location_id"].to_numpy(object)
    ends = [places[by_hand[name].to_numpy(int)] for name in ("source", "destination")]
    known = pd.MultiIndex.from_frame(lanes[["source_id", "destination_id"]])
    return np.asarray(pd.MultiIndex.from_arrays(ends, names=known.names).isin(known))


def _tell_unlaned(by_hand: pd.DataFrame, routes: pd.DataFrame, keys: pd.DataFrame, notes: list[str]) -> None:
    """Tell which transfers set by hand are on a way that the plan does not have."""
    ways = pd.MultiIndex.from_frame(routes[["source", "destination"]])
    stray = by_hand[
        ~pd.MultiIndex.from_frame(by_hand[["source", "destination"]]).isin(ways) & (by_hand["quantity"] > 0)
    ]
    if stray.empty:
        return
    places, items = keys["location_id"].to_numpy(object), keys["item_id"].to_numpy(object)
    ends = zip(stray["source"].head(3), stray["destination"].head(3), strict=True)
    some = ", ".join(f"{items[d]} {places[s]} → {places[d]}" for s, d in ends)
    notes.append(
        f"Transfers set by hand without an effect: {len(stray):,} ({some}{' ...' if len(stray) > 3 else ''}). "
        "No lane leads that way, or its source may not give: add the lane, or choose another source."
    )


def _fixed(routes: pd.DataFrame, by_hand: pd.DataFrame) -> np.ndarray | None:
    """Return what is set by hand on each way today, units, NaN where it is free, (r,)."""
    if by_hand.empty:
        return None
    told = by_hand.set_index(["source", "destination"])["quantity"]
    ways = pd.MultiIndex.from_frame(routes[["source", "destination"]])
    units = told.reindex(ways).to_numpy(float)
    return np.where(routes["date"].to_numpy(int) == 0, units, np.where(np.isnan(units), np.nan, 0.0))


def _rooms(network: Network, positions: Positions, need: Need) -> dict[str, np.ndarray]:
    """Return the room left at each row's location once what is there at the arrival stands in it."""
    bulk = positions.column("volume")
    known = bulk[~np.isnan(bulk)]
    bulk = np.where(np.isnan(bulk), np.median(known) if len(known) else 1.0, bulk)
    place = pd.factorize(network.keys["location_id"])[0]
    coming = np.maximum(need.arriving_stock, 0)
    own = np.where(network.feeds, np.maximum(positions.net_stock, 0), coming)
    taken = np.bincount(place, bulk * own)
    return {"room": np.maximum(network.capacity - taken[place], 0), "bulk": bulk}
