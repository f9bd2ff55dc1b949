"""The loop over the past: worked replays, the identity of stock, a plain loop, and no look ahead."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planning.replay import Decision, Rule, State, World, replay
from planning.replay_measures import build_result
from planning.replay_plan import Aim, PlanRule
from planning.replay_rules import BaseStock, CoverWeeks, History, MinMax, Terms, Textbook
from tests.planning.made_worlds import random_world, stationary

DEMAND = np.array([[4, 0, 6, 3, 5, 2, 7, 0, 4, 8, 1, 3.0]])
SEEDS = st.integers(0, 2**32 - 1)


def test_order_up_to_a_level_as_worked_by_hand() -> None:
    ledger = replay(World.of(DEMAND, 2, 15.0), BaseStock(np.array([15.0])))
    assert ledger.end[0].tolist() == [11, 11, 5, 6, 1, 5, 1, 6, 4, 3, 2, 3]
    assert ledger.ordered[0].tolist() == [0, 4, 0, 6, 3, 5, 2, 7, 0, 4, 8, 1]
    line = build_result(World.of(DEMAND, 2, 15.0), {"S": ledger}, ()).lines.iloc[0]
    assert line["fill_rate"] == 1.0
    assert line["average_stock_units"] == pytest.approx(4.8333, abs=5e-5)
    assert (line["orders"], line["ordered_units"]) == (9, 40)


def test_reorder_point_as_worked_by_hand() -> None:
    world = World.of(DEMAND, 2, 12.0)
    ledger = replay(world, BaseStock(np.array([18.0]), np.array([8.0])))
    assert ledger.end[0].tolist() == [8, 8, 2, 9, 4, 2, 0, 14, 10, 2, 1, 0]
    assert {t + 1: int(q) for t, q in enumerate(ledger.ordered[0]) if q} == {2: 10, 6: 14, 11: 16}
    assert {t + 1: int(q) for t, q in enumerate(ledger.lost[0]) if q} == {7: 5, 12: 2}
    line = build_result(world, {"s,S": ledger}, ()).lines.iloc[0]
    assert line["fill_rate"] == pytest.approx(0.8372093, abs=5e-8)
    assert line["stockout_buckets"] == 2
    assert line["average_stock_units"] == 5.0


def test_base_stock_costs_what_the_textbook_says() -> None:
    # Snyder & Shen, example 4.4: L = 4, R = 1, h = 0.18, p = 0.70, demand N(50, 8). Over 200,000 periods the mean cost
    # has a standard error of its tolerance, as neighbours are alike: each draw is taken with its mirror image too.
    half = np.random.default_rng(4).normal(0, 8, (1000, 1010))
    demand = 50 + np.concatenate([half, -half])
    level = np.full(2000, 264.7668944)
    ledger = replay(World.of(demand, 4, level, lost=False), BaseStock(level))
    held, owed = ledger.end[:, 10:].astype(float), ledger.owed[:, 10:].astype(float)
    assert (0.18 * held + 0.70 * owed).mean() == pytest.approx(4.47, abs=0.02)
    assert (owed <= 0).mean() == pytest.approx(0.795, abs=0.003)


@settings(max_examples=60, deadline=None)
@given(SEEDS)
def test_stock_adds_up_in_every_bucket(seed: int) -> None:
    random = np.random.default_rng(seed)
    world = random_world(random)
    for rule in _rules(world, random):
        ledger = replay(world, rule)
        after = ledger.start + ledger.received - ledger.sold - ledger.sent - ledger.waste
        np.testing.assert_allclose(after, ledger.end, atol=1e-4)
        assert (ledger.end >= 0).all()
        assert (ledger.waste >= 0).all()
        # What a source sends is what its stores get, sooner or later: never more.
        fed = world.source >= 0
        bought = ledger.ordered[~fed].sum() + world.coming.sum()
        assert ledger.received.sum() <= bought + ledger.sent.sum() + 1e-3
        if not world.lost:
            known = np.where(np.isnan(world.demand), 0, world.demand)
            waits = np.maximum(-world.stock, 0) + known.sum(axis=1) - ledger.sold.sum(axis=1)
            np.testing.assert_allclose(waits, ledger.owed[:, -1], atol=1e-3)


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_orders_obey_their_limits(seed: int) -> None:
    random = np.random.default_rng(seed)
    world = random_world(random)
    for rule in _rules(world, random):
        ordered = replay(world, rule).ordered
        placed = ordered > 0
        least = np.nan_to_num(world.moq)[:, None]
        assert (ordered >= least)[placed].all()
        pack = np.where(world.multiple > 0, world.multiple, 1.0)[:, None]
        assert np.allclose((ordered / pack)[placed], np.rint((ordered / pack)[placed]))
        assert (ordered <= np.nan_to_num(world.max_order, nan=np.inf)[:, None] + 1e-6).all()


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_one_line_as_a_plain_loop(seed: int) -> None:
    random = np.random.default_rng(seed)
    world = replace(random_world(random, n=3), source=np.full(3, -1))
    levels = random.integers(5, 30, 3).astype(float)
    ledger = replay(world, BaseStock(levels))
    for row in range(3):
        for name, expected in _by_hand(world, row, levels[row]).items():
            np.testing.assert_allclose(getattr(ledger, name)[row], expected, atol=1e-4, err_msg=name)


def _by_hand(world: World, row: int, level: float) -> dict[str, list[float]]:
    """Replay one line in plain Python: units one pile an age."""
    life = world.shelf_life_buckets[row]
    piles = [[max(world.stock[row], 0.0), life]]
    owed = max(-world.stock[row], 0.0)
    due = list(world.coming[row]) + [0.0] * 10
    out: dict[str, list[float]] = {name: [] for name in ("ordered", "sold", "lost", "waste", "end", "owed")}

    def take(units: float) -> float:
        taken = 0.0
        for pile in sorted(piles, key=lambda each: each[1] if each[1] == each[1] else np.inf):
            part = min(pile[0], units - taken)
            pile[0] -= part
            taken += part
        return taken

    for t in range(world.buckets):
        piles.append([due[t], life])
        sold = take(owed)
        owed -= sold
        order = 0.0
        if world.review[row, t]:
            position = sum(units for units, _ in piles) - owed + sum(due[t + 1 :])
            order = max(level - position, 0.0)
            lead = int(world.lead[row, t])
            if lead:
                due[t + lead] += order
            else:
                piles.append([order, life])
                late = take(owed)
                owed, sold = owed - late, sold + late
        known = not np.isnan(world.demand[row, t])
        wanted = world.demand[row, t] if known else 0.0
        served = take(wanted)
        if not world.lost:
            owed += wanted - served
        for pile in piles:
            pile[1] -= 1
        waste = sum(units for units, left in piles if left == 0)
        piles = [pile for pile in piles if pile[1] != 0]
        told = (order, sold + served, wanted - served if known else np.nan, waste, sum(u for u, _ in piles), owed)
        for name, value in zip(out, told, strict=True):
            out[name].append(value)
    return out


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.integers(1, 10))
def test_the_future_changes_no_order_before_it(seed: int, t: int) -> None:
    random = np.random.default_rng(seed)
    world = random_world(random)
    later = world.demand.copy()
    later[:, t:] = random.integers(0, 50, later[:, t:].shape)
    other = replace(world, demand=later)
    for one, two in zip(
        _rules(world, np.random.default_rng(seed)), _rules(other, np.random.default_rng(seed)), strict=True
    ):
        before, after = replay(world, one).ordered, replay(other, two).ordered
        assert before[:, : t + 1].tobytes() == after[:, : t + 1].tobytes()


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_the_order_of_lines_does_not_matter(seed: int) -> None:
    random = np.random.default_rng(seed)
    world = replace(random_world(random), source=np.full(8, -1))
    turned = random.permutation(8)
    moved = world.of_lines(turned)
    for one, two in zip(
        _rules(world, np.random.default_rng(1)), _rules(moved, np.random.default_rng(1), turned), strict=True
    ):
        np.testing.assert_array_equal(replay(world, one).end[turned], replay(moved, two).end)


def test_no_rule_is_told_what_is_asked_for_today() -> None:
    world, _ = stationary(3, 10, 2, 1)
    seen: list[State] = []

    class Watch:
        name = "watch"

        def orders(self, t: int, state: State) -> Decision:  # noqa: ARG002
            seen.append(state)
            assert not state.all_stock.flags.writeable if state.all_stock is not None else False
            return Decision(np.ones(len(state.rows)))

    replay(world, Watch())
    assert len(seen) == 10
    # Three of one a bucket are on their way, of which the next is due in the next bucket.
    assert seen[5].coming[0].tolist() == [1, 1, 0]
    assert seen[5].position[0] == seen[5].stock[0] + 1


def test_a_source_shares_what_it_has_in_proportion() -> None:
    world = World.of(
        np.array([[0.0, 0, 0], [5, 5, 5], [5, 5, 5]]), 1, np.array([9.0, 0, 0]), source=np.array([-1, 0, 0]),
        whole=np.ones(3, bool),
    )  # fmt: skip
    ledger = replay(world, BaseStock(np.array([0.0, 8.0, 4.0])))
    assert ledger.sent[0].tolist() == [9, 0, 0]
    assert ledger.received[1:, 1].tolist() == [6, 3]
    assert ledger.end[0].tolist() == [0, 0, 0]


def _rules(world: World, random: np.random.Generator, rows: np.ndarray | None = None) -> list[Rule]:
    """Return one of each kind, of these terms; `rows`: which lines of a larger world these are."""
    n = world.lines
    rows = np.arange(n) if rows is None else rows
    terms = Terms.of(world, np.full(n, 2), np.ones(n, int))
    levels = random.integers(5, 30, len(rows)).astype(float)[rows]
    history = History(world.demand, 0)
    mean = random.uniform(0.2, 5, len(rows))[rows].astype(np.float32)
    ahead = np.arange(1, 9, dtype=np.float32)
    moments = np.broadcast_to(mean[:, None] * ahead, (world.buckets, n, 8))
    from tests.planning.made_worlds import Made

    known = Made(moments, 2 * moments, np.ones((1, n), bool), np.zeros(world.buckets, int))
    return [
        BaseStock(levels, levels / 2, terms=terms),
        MinMax(terms, levels / 3, levels),
        CoverWeeks(terms, history, 1.5),
        Textbook(terms, history, 1.64),
        PlanRule(terms, Aim.of(terms, "fill_rate", 0.95, lost=world.lost), known),
        PlanRule(terms, Aim.of(terms, "cycle_service_level", 0.9, lost=world.lost), known),
    ]
