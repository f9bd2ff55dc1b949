"""The replay against a second one, plain Python written from what is promised: a network, measures, intervals."""

import math
from collections import defaultdict
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planning.replay import Decision, Ledger, State, World, replay
from planning.replay_measures import ReplayResult, build_result
from planning.replay_rules import BaseStock, MinMax, Terms
from planning.replay_told import LINE_COLUMNS, WEEK_COLUMNS
from tests.planning.made_worlds import random_world

SEEDS = st.integers(0, 2**32 - 1)
NAMES = ("received", "ordered", "sold", "lost", "sent", "waste", "end", "owed", "promised_short", "promised_demand")


class Asked:
    """Orders that were written down before, whatever the state, and a promise with each."""

    name = "asked"

    def __init__(self, world: World, random: np.random.Generator) -> None:
        size = (world.buckets, world.lines)
        step = np.where(world.multiple > 0, world.multiple, 1)
        self.units = random.integers(0, 4, size) * step * (random.random(size) < 0.6)
        self.promise = random.uniform(0, 5, size)

    def orders(self, t: int, state: State) -> Decision:
        units, promise = self.units[t, state.rows], self.promise[t, state.rows]
        return Decision(units, promise / 10, promise)


class Shop:
    """One line: piles of units with the buckets that each can still be sold in, and who waits."""

    def __init__(self, stock: float, life: float, *, lost: bool) -> None:
        self.life = max(math.floor(life), 1) if life == life else math.inf
        self.piles = [[max(stock, 0.0), self.life]]
        self.owed = 0.0 if lost else max(-stock, 0.0)

    @property
    def stock(self) -> float:
        return sum(units for units, _ in self.piles)

    def take(self, units: float) -> float:
        """Hand out at most so many, the oldest first; return how many there were."""
        given = 0.0
        for pile in self.piles:
            part = min(pile[0], units - given)
            pile[0] -= part
            given += part
        return given

    def put(self, units: float) -> float:
        """Lay units on the shelf and hand them to who waits; return how many left at once."""
        self.piles.append([units, self.life])
        served = self.take(self.owed)
        self.owed -= served
        return served

    def age(self) -> float:
        """Let a bucket end; return what must be thrown away."""
        for pile in self.piles:
            pile[1] -= 1
        waste = sum(units for units, left in self.piles if left <= 0)
        self.piles = [pile for pile in self.piles if pile[1] > 0]
        return waste


def plainly(world: World, decide) -> dict[str, np.ndarray]:
    """Receive, review and order, demand, count: `decide(t, row, stock, position)` says what a row asks for."""
    n, buckets = world.demand.shape
    shops = [Shop(world.stock[i], world.shelf_life_buckets[i], lost=world.lost) for i in range(n)]
    due = defaultdict(float, {(t, i): float(world.coming[i, t]) for i in range(n) for t in range(buckets)})
    book = {name: np.zeros((n, buckets)) for name in NAMES}
    book["promised_short"][:] = book["promised_demand"][:] = np.nan
    for t in range(buckets):
        for i, shop in enumerate(shops):
            book["received"][i, t] = due[t, i]
            book["sold"][i, t] = shop.put(due[t, i])
        asked = {}
        for i, shop in enumerate(shops):
            if world.review[i, t]:
                coming = sum(units for (day, row), units in due.items() if row == i and day > t)
                asked[i], short, demand = decide(t, i, shop.stock - shop.owed + coming)
                book["ordered"][i, t] = asked[i]
                book["promised_short"][i, t], book["promised_demand"][i, t] = short, demand
        _hand_out(world, shops, asked, book["sent"][:, t])
        for i, units in asked.items():
            lead = int(world.lead[i, t])
            if lead:
                due[t + lead, i] += units
            elif units > 0:
                book["received"][i, t] += units
                book["sold"][i, t] += shops[i].put(units)
        for i, shop in enumerate(shops):
            demand = world.demand[i, t]
            served = shop.take(0.0 if demand != demand else demand)
            book["sold"][i, t] += served
            book["lost"][i, t] = demand - served
            shop.owed += 0.0 if world.lost or demand != demand else demand - served
            book["waste"][i, t] = shop.age()
            book["end"][i, t], book["owed"][i, t] = shop.stock, shop.owed
    return book


def _hand_out(world: World, shops: list[Shop], asked: dict[int, float], sent: np.ndarray) -> None:
    """Cut what fed rows ask for to what their source holds: in proportion, in packs, the rest to the worst rounded."""
    given = {}
    for source in {int(world.source[i]) for i in asked} - {-1}:
        wants = {i: units for i, units in asked.items() if world.source[i] == source and units > 0}
        held = max(shops[source].stock - shops[source].owed, 0.0)
        if sum(wants.values()) <= held:
            given |= wants
            continue
        steps = {i: world.multiple[i] if world.multiple[i] > 0 else 1.0 if world.whole[i] else 0.0 for i in wants}
        fair = {i: units * held / sum(wants.values()) for i, units in wants.items()}
        parts = {i: math.floor(f / steps[i] + 1e-9) * steps[i] if steps[i] else f for i, f in fair.items()}
        missed = {i: round((fair[i] - parts[i]) / steps[i], 9) for i in wants if steps[i]}
        for i in sorted(missed, key=lambda i: (-missed[i], i)):
            fits = parts[i] + steps[i] <= wants[i] and sum(parts.values()) + steps[i] <= held + 1e-9
            parts[i] += steps[i] if missed[i] > 0 and fits else 0.0
        given |= parts
    for i, units in given.items():
        sent[world.source[i]] += shops[world.source[i]].take(units)
        asked[i] = units


def _same(ledger: Ledger, book: dict[str, np.ndarray]) -> None:
    for name, values in book.items():
        np.testing.assert_allclose(getattr(ledger, name), values, atol=2e-4, rtol=1e-5, err_msg=name)


def _chain(random: np.random.Generator) -> World:
    """A random world whose first line feeds the second, and each of these some of the others."""
    world = random_world(random, n=9, buckets=14)
    source = np.array([-1, 0, *random.integers(-1, 2, 7)])
    life = np.where(random.random(9) < 0.5, random.integers(1, 16, 9) + 0.5, np.nan)
    return replace(world, source=source, whole=random.random(9) < 0.7, shelf_life_buckets=life)


@settings(max_examples=80, deadline=None)
@given(SEEDS)
def test_a_network_as_a_plain_loop(seed: int) -> None:
    random = np.random.default_rng(seed)
    for world in (random_world(random), _chain(random)):
        rule = Asked(world, random)

        def decide(t: int, i: int, position: float, rule: Asked = rule) -> tuple[float, float, float]:  # noqa: ARG001
            return rule.units[t, i], rule.promise[t, i] / 10, rule.promise[t, i]

        _same(replay(world, rule), plainly(world, decide))


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_a_network_with_levels_as_a_plain_loop(seed: int) -> None:
    random = np.random.default_rng(seed)
    world = _chain(random)
    high = random.integers(5, 40, world.lines).astype(float)
    low = np.floor(high / 2)

    def decide(t: int, i: int, position: float) -> tuple[float, float, float]:  # noqa: ARG001
        need = high[i] - position if position <= low[i] else 0.0
        return _sized(world, i, need, position), math.nan, math.nan

    _same(replay(world, MinMax(Terms.of(world), low, high)), plainly(world, decide))


def _sized(world: World, i: int, need: float, position: float) -> float:
    """At most the maximum, cut to whole packs; at least the MOQ, raised to whole packs; nothing where they cross."""
    if need <= 1e-9:
        return 0.0
    moq = world.moq[i] if world.moq[i] > 0 else 0.0
    pack = world.multiple[i] if world.multiple[i] > 0 else 1.0 if world.whole[i] else 0.0
    room = world.max_stock[i] - position if world.max_stock[i] == world.max_stock[i] else math.inf
    most = min(world.max_order[i] if world.max_order[i] == world.max_order[i] else math.inf, max(room, 0.0))
    units = max(min(need, most), moq)
    if pack:
        units = math.ceil(round(units / pack, 6)) * pack
        if units > most:
            units = math.floor(most / pack + 1e-9) * pack
    return units if 0 < units <= most + 1e-9 and units >= moq else 0.0


def _priced(world: World, random: np.random.Generator) -> World:
    n = world.lines

    def some(low: float, high: float) -> np.ndarray:
        return np.where(random.random(n) < 0.8, random.uniform(low, high, n), np.nan)

    keys = pd.DataFrame({"item_id": [f"I{i % 5}" for i in range(n)], "location_id": [f"L{i // 5}" for i in range(n)]})
    groups = pd.DataFrame(
        {"category": random.choice(["a", "b"], n), "abc_class": "A", "demand_class": "smooth",
         "supplier_id": random.choice(np.array(["X", "Y", None], object), n)}
    )  # fmt: skip
    counted = np.arange(world.buckets) >= random.integers(0, 5)
    return replace(
        world, unit_cost=some(1, 9), margin=some(1, 5), holding_per_bucket=some(0.01, 0.1), order_cost=some(3, 20),
        keys=keys, groups=groups, counted=counted,
    )  # fmt: skip


def _line(world: World, ledger: Ledger, i: int) -> dict[str, float]:
    """Every column of `replay.csv` of one line by its meaning."""
    counted = [t for t in range(world.buckets) if world.counted[t]]
    known = [t for t in counted if not math.isnan(ledger.demand[i, t])]
    cost, margin, holding = world.unit_cost[i], world.margin[i], world.holding_per_bucket[i]
    lost = sum(float(ledger.lost[i, t]) for t in known)
    demand = sum(float(ledger.demand[i, t]) for t in known)
    stock = sum(float(ledger.end[i, t]) for t in known)
    waste = sum(float(ledger.waste[i, t]) for t in counted)
    cycles, failed, missed = 0, 0, False
    for t in counted:
        if t == counted[0] or ledger.received[i, t] > 0:
            failed += missed
            cycles, missed = cycles + 1, False
        missed = missed or (t in known and ledger.lost[i, t] > 1e-6)
    failed += missed
    paid = 0.0
    for t in counted:
        if ledger.ordered[i, t] > 0 and world.source[i] < 0:
            paid += world.order_cost[i] / _together(world, ledger, i, t)
    promised = [t for t in counted if not math.isnan(ledger.promised_demand[i, t])]
    asked = sum(float(ledger.promised_demand[i, t]) for t in promised)
    short = sum(float(ledger.promised_short[i, t]) for t in promised)
    moved = sum(float(ledger.sold[i, t] + ledger.sent[i, t]) for t in known)
    years = len(known) * world.bucket_days / 365
    average = stock / len(known) if known else math.nan
    wasted = 0.0 if waste == 0 else waste * cost
    return {
        "demand_units": demand,
        "sold_units": sum(float(ledger.sold[i, t]) for t in counted),
        "lost_units": lost,
        "fill_rate": 1 - lost / demand if demand else math.nan,
        "promised_fill_rate": 1 - short / asked if asked else math.nan,
        "cycle_service_level": 1 - failed / cycles,
        "stockout_buckets": sum(ledger.lost[i, t] > 1e-6 for t in known),
        "average_stock_units": average,
        "average_stock_value": average * cost,
        "turns": moved / years / average if average and average > 0 else math.nan,
        "orders": sum(ledger.ordered[i, t] > 0 for t in counted),
        "ordered_units": sum(float(ledger.ordered[i, t]) for t in counted),
        "lost_margin": margin * lost,
        "waste_units": waste,
        "waste_value": wasted,
        "holding_cost": holding * stock,
        "order_cost": paid,
        "total_cost": holding * stock + (0 if math.isnan(paid) else paid) + margin * lost + wasted,
        "start_units": float(ledger.start[i, counted[0]]),
        "received_units": sum(float(ledger.received[i, t]) for t in counted),
        "end_units": float(ledger.end[i, counted[-1]]),
        "sent_units": sum(float(ledger.sent[i, t]) for t in counted),
    }


def _together(world: World, ledger: Ledger, i: int, t: int) -> int:
    """How many lines share the order of line `i` in bucket `t`."""
    supplier, place = world.groups["supplier_id"], world.keys["location_id"]
    if supplier[i] is None:
        return 1
    return sum(
        ledger.ordered[j, t] > 0 and world.source[j] < 0 and supplier[j] == supplier[i] and place[j] == place[i]
        for j in range(world.lines)
    )


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_every_column_of_the_lines_as_a_plain_loop(seed: int) -> None:
    random = np.random.default_rng(seed)
    world = _priced(_chain(random), random)
    ledger = replay(world, Asked(world, random))
    lines = build_result(world, {"asked": ledger}, ()).lines
    assert set(LINE_COLUMNS) == {"policy", "item_id", "location_id", *_line(world, ledger, 0)}
    for i in range(world.lines):
        assert (lines["item_id"][i], lines["location_id"][i]) == tuple(world.keys.iloc[i])
        for name, value in _line(world, ledger, i).items():
            assert lines[name][i] == pytest.approx(value, rel=1e-5, abs=1e-4, nan_ok=True), (name, i)


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_every_column_of_the_weeks_as_a_plain_loop(seed: int) -> None:
    random = np.random.default_rng(seed)
    world = _priced(_chain(random), random)
    ledger = replay(world, Asked(world, random))
    weeks = build_result(world, {"asked": ledger}, ()).weeks
    counted = np.flatnonzero(world.counted)
    assert set(WEEK_COLUMNS) <= set(weeks.columns)
    assert weeks["starts_on"].tolist() == [pd.Timestamp(world.starts[t]) for t in counted]
    for place, t in enumerate(counted):
        units = ("demand", "sold", "lost", "received", "ordered", "waste", "end")
        expected = {f"{name}_units": _of(getattr(ledger, name)[:, t]) for name in units}
        expected["stock_value"] = _of(ledger.end[:, t] * world.unit_cost)
        expected["lost_margin"] = _of(ledger.lost[:, t] * world.margin)
        for name, value in expected.items():
            assert weeks[name][place] == pytest.approx(value, rel=1e-5, abs=1e-4), (name, t)


def _of(values: np.ndarray) -> float:
    """The sum of what is known."""
    return sum(float(value) for value in values if not math.isnan(value))


def test_intervals_are_those_of_a_plain_bootstrap() -> None:
    random = np.random.default_rng(11)
    demand = random.poisson(random.uniform(1, 6, (60, 1)), (60, 30)).astype(float)
    keys = pd.DataFrame({"item_id": [f"I{i // 2:02d}" for i in range(60)], "location_id": ["a", "b"] * 30})
    money = {"unit_cost": random.uniform(1, 9, 60), "margin": np.ones(60), "holding_per_bucket": np.full(60, 0.02)}
    world = replace(World.of(demand, 2, 12.0, whole=np.ones(60, bool), keys=keys), **money)
    ledgers = {
        name: replay(world, BaseStock(np.full(60, level), name=name)) for name, level in (("hi", 16), ("lo", 12))
    }
    result = build_result(world, ledgers, ())
    told = result.against("hi", "lo", draws=1000).set_index("measure")
    plain = _plain_bootstrap(result, "hi", "lo", 4000)
    for name, values in plain.items():
        row, spread = told.loc[name], np.std(values)
        low, high = np.quantile(values, [0.025, 0.975])
        assert row["low"] == pytest.approx(low, abs=0.3 * spread), name
        assert row["high"] == pytest.approx(high, abs=0.3 * spread), name
        assert low < row["difference"] < high


def _plain_bootstrap(result: ReplayResult, one: str, other: str, draws: int) -> dict[str, list[float]]:
    """Whole items are drawn with both policies, and the difference of the rates of the sums is kept."""
    random = np.random.default_rng(99)
    by_policy = {name: result.lines[result.lines["policy"] == name].groupby("item_id") for name in (one, other)}
    parts = {name: [lines.sum(numeric_only=True) for _, lines in items] for name, items in by_policy.items()}
    columns = ["demand_units", "lost_units", "average_stock_value", "total_cost", "yearly_sold_value"]
    tables = {name: [[float(part[c]) for c in columns] for part in found] for name, found in parts.items()}
    out: dict[str, list[float]] = {"fill_rate": [], "average_stock_value": [], "total_cost": [], "turns": []}
    for _ in range(draws):
        drawn = random.integers(0, 30, 30)
        mine, theirs = ([sum(tables[name][i][c] for i in drawn) for c in range(5)] for name in (one, other))
        out["fill_rate"].append(theirs[1] / theirs[0] - mine[1] / mine[0])
        out["average_stock_value"].append(mine[2] - theirs[2])
        out["total_cost"].append(mine[3] - theirs[3])
        out["turns"].append(mine[4] / mine[2] - theirs[4] / theirs[2])
    return out
