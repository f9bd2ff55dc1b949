"""The days of the sample company, one after the other: receive -> review and order -> demand -> count.

Stock-outs, excess, waste and late orders come out of the simulation, so that sales, stock, open orders and
receipts agree with each other to the unit.
"""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from data import sample_company as company
from data.sample_demand import AHEAD, Flags, Floats, Ints, draw_demand, life_span

SEED = 20261116
WAREHOUSES = 2
"""Places 0 and 1 are the warehouses; the stores follow."""

_LIFE = 61
"""Columns of a lot array: days of life left, today's last. What never expires stays in the last column."""
_RING = 8
"""Days of transfers under way that are kept at a time: more than the longest way."""
_SHIPPING_WEEKDAYS = (1, 4)
_SPREAD = MappingProxyType({"smooth": 1.6, "erratic": 6.0, "intermittent": 1.5, "lumpy": 11.0})
"""Variance over mean of demand, as the buyers see it."""
_PARTIAL_EVERY = 15
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True)
class Simulation:
    """What happened. Units; axes are day, item, place (stores: [d, i, 6]; warehouses first: [d, i, 8]).

    `opening` [i, 8] and `lots` [i, 8, life] are the stock before the first and after the last day.
    `closing`, `waste` are [d, i, 8]; `demand`, `sales`, `on_shelf` (fraction of the day, nan: not sold there),
    `shipped`, `landed` are [d, i, 6]; `received` is [d, i, 2]. `purchases` has a row a line, `transfers` a row
    a line still on its way; their `item` is a position, their days are counted from the first one.
    """

    opening: Ints
    demand: Ints
    sales: Ints
    on_shelf: Floats
    closing: Ints
    waste: Ints
    shipped: Ints
    landed: Ints
    received: Ints
    lots: Ints
    purchases: pd.DataFrame
    transfers: pd.DataFrame


def simulate(seed: int = SEED) -> Simulation:
    """Live all days of the sample company. The same seed gives the same days."""
    chain = _Chain(np.random.default_rng(seed))
    for day in range(company.DAYS):
        chain.receive(day)
        chain.supply_stores(day)
        chain.buy(day)
        chain.sell(day)
    return chain.history()


def take_oldest(lots: Ints, quantity: Ints) -> Ints:
    """Return what a withdrawal takes from each lot, shortest life first.

    Parameters
    ----------
    lots : units by days of life left, on the last axis.
    quantity : units withdrawn, without that axis; at most what there is.
    """
    before = lots.cumsum(-1) - lots
    taken: Ints = np.clip(quantity[..., None] - before, 0, lots)
    return taken


class _Chain:
    """The warehouses and stores between two days."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.items, places = company.build_items(), company.build_locations()
        self.suppliers = company.build_suppliers().to_dict("records")
        self.stores = places.iloc[WAREHOUSES:].reset_index(drop=True)
        self.warehouses = places["location_id"].iloc[:WAREHOUSES].tolist()
        self.row = {item: i for i, item in enumerate(self.items["item_id"])}
        self.column = {store: s for s, store in enumerate(self.stores["location_id"])}
        self.feeder = np.array([self.warehouses.index(w) for w in self.stores["source"]])
        self.transit = self.stores["transit_days"].to_numpy(np.int64)
        self._set_terms(rng)
        self._set_stories()
        self.demand = draw_demand(rng, self.items, self.stores, self.ranged)
        # Drawn beforehand, so that a story about one item leaves the luck of all others as it is.
        self.luck = rng.standard_normal((company.DAYS, len(self.suppliers), WAREHOUSES))
        self._open_books()

    def _set_terms(self, rng: np.random.Generator) -> None:
        """Who delivers what, how fast, in which packs; and how well each buyer judges each item."""
        items = self.items
        self.supplier = items["supplier_id"].to_numpy()
        terms = pd.DataFrame(self.suppliers).set_index("supplier_id").loc[self.supplier].reset_index()
        self.lead = items["lead_time_days"].fillna(terms["lead_time_days"]).to_numpy(np.int64)
        self.between = terms["review_period_days"].to_numpy(np.int64)
        self.case = items["order_multiple"].to_numpy(np.int64)
        self.moq = items["moq"].to_numpy(np.int64)
        self.most = items["max_order"].fillna(10**6).to_numpy(np.int64)
        self.cost = items["unit_cost"].to_numpy(np.float64)
        self.perishes = items["shelf_life_days"].notna().to_numpy()
        self.life = items["shelf_life_days"].fillna(_LIFE - 1).to_numpy(np.int64)
        self.spread = items["pattern"].map(_SPREAD).to_numpy(np.float64)
        self.pack = company.store_packs(items)[:, None]
        self.on_display = company.presentation_stock(items)[:, None]
        self.ranged = ~np.array(
            [[i in company.NOT_RANGED.get(s, ()) for s in self.stores["location_id"]] for i in items["item_id"]]
        )
        self.launch, self.ends = life_span(items)
        self.judgement = rng.uniform(0.75, 1.25, (len(items), WAREHOUSES))
        self.asleep = _lapses(rng, self.ranged.shape, times=2, most=35)
        self.buyer_asleep = _lapses(rng, self.judgement.shape, times=1, most=60)

    def _set_stories(self) -> None:
        days, warehouse = company.DAYS, self.warehouses.index
        self.ships_until = np.full(self.ranged.shape, days)
        self.buys_until = np.full((len(self.items), WAREHOUSES), days)
        for item, store, ago in company.STORES_FORGOTTEN:
            self.ships_until[self.row[item], self.column[store]] = days - ago
        for item, place, ago in company.BUYING_STOPPED:
            self.buys_until[self.row[item], warehouse(place)] = days - ago
        self.extra_purchases = [
            (days - ordered, days - arrived, self.row[item], warehouse(place), units)
            for item, place, ordered, arrived, units in company.EXTRA_PURCHASES
        ]
        self.extra_transfers = [
            (days - sent, self.row[item], self.column[store], units)
            for item, store, sent, units in company.EXTRA_TRANSFERS
        ]

    def _open_books(self) -> None:
        n, s, days = len(self.items), len(self.stores), company.DAYS
        self.lots = np.zeros((n, WAREHOUSES + s, _LIFE), dtype=np.int64)
        self.landing = np.zeros((_RING, n, s, _LIFE), dtype=np.int64)
        self.arriving = np.zeros((days + AHEAD, n, WAREHOUSES), dtype=np.int64)
        self.memory = self.demand.level.copy()
        self.sales, self.shipped, self.landed = (np.zeros((days, n, s), dtype=np.int64) for _ in range(3))
        self.on_shelf = np.full((days, n, s), np.nan)
        self.received = np.zeros((days, n, WAREHOUSES), dtype=np.int64)
        self.closing, self.waste = (np.zeros((days, n, WAREHOUSES + s), dtype=np.int64) for _ in range(2))
        self.purchases: list[dict[str, Any]] = []
        self.transfers: list[dict[str, Any]] = []
        self.orders = 0
        started = (self.launch < 0)[:, None]
        levels = np.concatenate([self._warehouse_levels(0), self._store_levels(0)], axis=2)
        half = (levels.sum(0) / 2).astype(np.int64) * started
        # On the first day perishables have most of their life still before them.
        left = np.where(self.perishes, self.life - 6, _LIFE - 1)
        self.lots[np.arange(n), :, left] = half
        self.opening = self.lots.sum(-1)

    def _expected(self, day: int, ahead: int) -> Floats:
        """What the buyers expect a day, [item, store]: their memory of sales, with most of the season seen."""
        seen = self.demand.season[day + ahead // 2] ** 0.85
        expected: Floats = self.memory * seen[:, None]
        return expected

    def _store_levels(self, day: int) -> Floats:
        """Minimum and maximum of each store, [2, item, store], whole units."""
        mean = self._expected(day, 14)
        cover = np.where(self.perishes, 13, 15)[:, None]
        band = np.where(self.perishes, 4, 12)[:, None]
        low = np.ceil(mean * cover + 1.1 * np.sqrt(self.spread[:, None] * mean * 10) + self.on_display)
        levels: Floats = np.stack([low, low + np.maximum(np.ceil(mean * band), 1)]) * self.ranged
        return levels

    def _warehouse_levels(self, day: int) -> Floats:
        """Minimum and maximum of each warehouse, orders under way included, [2, item, warehouse]."""
        mean = np.stack([self._expected(day, 60)[:, self.feeder == w].sum(1) for w in range(WAREHOUSES)], axis=1)
        window = (self.lead + self.between + np.where(self.perishes, 2, 5))[:, None]
        low = mean * window * self.judgement + 0.8 * np.sqrt(self.spread[:, None] * mean * window)
        return np.stack([low, low + mean * np.where(self.perishes, 5, np.maximum(self.between, 14))[:, None]])

    def receive(self, day: int) -> None:
        """Throw out what expired, then put arrivals on the shelf."""
        if day:
            fresh = self.lots[self.perishes]
            self.waste[day][self.perishes] = fresh[:, :, 0]
            self.lots[self.perishes] = np.pad(fresh[:, :, 1:], ((0, 0), (0, 0), (0, 1)))
        landing = self.landing[day % _RING]
        self.lots[:, WAREHOUSES:] += landing
        self.landed[day] = landing.sum(-1)
        landing[:] = 0
        self.received[day] = self.arriving[day]
        self.lots[np.arange(len(self.items)), :WAREHOUSES, self.life] += self.arriving[day]

    def supply_stores(self, day: int) -> None:
        """Send to the stores on shipping days, what is at or below its minimum up to its maximum."""
        if day % 7 in _SHIPPING_WEEKDAYS:
            position = self.lots[:, WAREHOUSES:].sum(-1) + self.landing.sum((0, -1))
            low, high = self._store_levels(day).astype(np.int64)
            want = np.where(position <= low, -(-(high - position) // self.pack) * self.pack, 0)
            selling = (day >= self.launch[:, None] - 5) & (day <= self.ends[:, None] - 4)
            self._send(day, want * (selling & (day < self.ships_until) & self.ranged & ~self.asleep[day]))
        for sent, i, s, units in self.extra_transfers:
            if sent == day:
                want = np.zeros(self.ranged.shape, dtype=np.int64)
                want[i, s] = units
                self._send(day, want)

    def _send(self, day: int, want: Ints) -> None:
        """Ship what is wanted; where a warehouse has too little, each store gets its share in whole packs."""
        for w in range(WAREHOUSES):
            fed = np.flatnonzero(self.feeder == w)
            held = self.lots[:, w].sum(-1)
            asked = want[:, fed].sum(1)
            share = np.where(asked > held, held / np.maximum(asked, 1), 1.0)[:, None]
            sent = np.floor(want[:, fed] * share / self.pack + 1e-9).astype(np.int64) * self.pack
            for s, units in zip(fed.tolist(), sent.T, strict=True):
                taken = take_oldest(self.lots[:, w], units)
                self.lots[:, w] -= taken
                due = day + int(self.transit[s])
                self.landing[due % _RING, :, s] += self._aged(taken, int(self.transit[s]))
                self.shipped[day, :, s] += units
                self._note_transfers(day, due, s, units)

    def _aged(self, taken: Ints, days: int) -> Ints:
        """The lots as they land: so many days of life are gone."""
        aged = taken.copy()
        fresh = taken[self.perishes]
        aged[self.perishes] = np.pad(fresh[:, days:], ((0, 0), (0, days)))
        aged[self.perishes, 0] += fresh[:, :days].sum(1)
        return aged

    def _note_transfers(self, day: int, due: int, s: int, units: Ints) -> None:
        if due < company.DAYS:
            return
        store = self.stores["location_id"].iloc[s]
        for i in np.flatnonzero(units).tolist():
            self.transfers.append(
                {
                    "order_id": f"TR-{day:04d}-{s + 1}",
                    "item": i,
                    "location_id": store,
                    "quantity": int(units[i]),
                    "ordered": day,
                    "due": due,
                }
            )

    def buy(self, day: int) -> None:
        """Order from the suppliers whose day it is, what is at or below its minimum up to its maximum."""
        low, high = self._warehouse_levels(day)
        position = self.lots[:, :WAREHOUSES].sum(-1) + self.arriving[day + 1 :].sum(0)
        wanted = (day >= self.launch - self.lead - 10) & (day + self.lead <= self.ends - 14)
        short = (position <= low) & (day < self.buys_until) & wanted[:, None] & ~self.buyer_asleep[day]
        for k, terms in enumerate(self.suppliers):
            if not _is_review(day, terms["order_weekday"], terms["review_period_days"]):
                continue
            for w in range(WAREHOUSES):
                rows = np.flatnonzero(short[:, w] & (self.supplier == terms["supplier_id"]))
                units = np.maximum(np.ceil(high[rows, w] - position[rows, w]).astype(np.int64), self.moq[rows])
                units = np.minimum(-(-units // self.case[rows]) * self.case[rows], self.most[rows])
                if (units * self.cost[rows]).sum() >= terms["min_order_value"]:
                    late = round(terms["late_by"] + terms["late_sd"] * self.luck[day, k, w])
                    self._place(day, w, rows, units, late)
        for ordered, arrives, i, w, quantity in self.extra_purchases:
            if ordered == day:
                self._place(day, w, np.array([i]), np.array([quantity]), arrives - day - int(self.lead[i]))

    def _place(self, day: int, w: int, rows: Ints, units: Ints, late: int) -> None:
        """One order: its lines come late together, and of some the rest follows days later."""
        self.orders += 1
        order = f"PO-{self.orders:05d}"
        for i, quantity in zip(rows.tolist(), units.tolist(), strict=True):
            lead, case = int(self.lead[i]), int(self.case[i])
            arrives = day + max(lead + late, -(-lead // 2))
            partial = (day // 7 + 7 * i) % _PARTIAL_EVERY == 0 and quantity > case
            first = max(int(quantity * 0.7) // case, 1) * case if partial else quantity
            self._note_purchase(order, day, w, i, first, arrives)
            if partial:
                self._note_purchase(f"{order}-B", day, w, i, quantity - first, arrives + 3 + (day + i) % 7)

    def _note_purchase(self, order: str, day: int, w: int, i: int, quantity: int, arrives: int) -> None:
        self.arriving[arrives, i, w] += quantity
        self.purchases.append(
            {
                "order_id": order,
                "item": i,
                "location_id": self.warehouses[w],
                "quantity": quantity,
                "ordered": day,
                "promised": day + int(self.lead[i]),
                "arrives": arrives,
            }
        )

    def sell(self, day: int) -> None:
        """Serve the day's demand from the shelf, count, and remember what sold from a full shelf."""
        wanted = self.demand.units[day]
        shelf = self.lots[:, WAREHOUSES:]
        held = shelf.sum(-1)
        sold = np.minimum(wanted, held)
        shelf -= take_oldest(shelf, sold)
        self.sales[day] = sold
        self.closing[day] = self.lots.sum(-1)
        part = np.clip((sold / np.maximum(wanted, 1)).round(1), 0.1, 0.9)
        part = np.where(wanted <= held, 1.0, part) * (held > 0)
        listed = self.ranged & (day >= self.launch)[:, None]
        self.on_shelf[day] = np.where(listed, part, np.nan)
        learns = listed & (part == 1.0) & (day <= self.ends)[:, None]
        surprise = sold / self.demand.season[day][:, None] - self.memory
        self.memory += np.where(learns, surprise / 42, 0.0)

    def history(self) -> Simulation:
        """Everything that happened, for the books."""
        return Simulation(
            self.opening,
            self.demand.units,
            self.sales,
            self.on_shelf,
            self.closing,
            self.waste,
            self.shipped,
            self.landed,
            self.received,
            self.lots,
            pd.DataFrame(self.purchases),
            pd.DataFrame(self.transfers),
        )


def _is_review(day: int, weekday: str, every: int) -> bool:
    """Weeks are counted back from as_of, so that the morning of the plan is an ordering occasion."""
    return day % 7 == _WEEKDAYS.index(weekday) and (every == 7 or (company.DAYS - day) % 14 < 7)


def _lapses(rng: np.random.Generator, shape: tuple[int, ...], times: int, most: int) -> Flags:
    """Days [day, item, place] on which nobody looked: so often in the books, for up to so many days."""
    days = np.arange(company.DAYS)[:, None, None]
    asleep = np.zeros((company.DAYS, *shape), dtype=bool)
    for _ in range(times):
        start = rng.integers(60, company.DAYS - most - 60, shape)
        asleep |= (days >= start) & (days < start + rng.integers(7, most, shape))
    return asleep
