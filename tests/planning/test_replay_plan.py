"""The plan's policy in a replay orders what the plan would have, and keeps what it promises."""

from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from planning.distribution import LEVELS, Calibration, CumulativeDemand
from planning.orders import Limits, size_orders
from planning.policy import Supply, build_need, find_levels
from planning.replay import Decision, State, World, replay
from planning.replay_measures import build_result
from planning.replay_plan import Aim, PlanRule
from planning.replay_rules import Terms
from tests.planning.made_worlds import Made, stationary

CASES = [(2, 1, 4.0), (4, 1, 4.0), (1, 2, 2.0), (2, 1, 60.0)]


@dataclass
class Beside:
    """Orders what the plan's own steps say, and notes what the quick rule says of the same states."""

    quick: PlanRule
    known: Made
    name: str = "beside"
    pairs: list[tuple[np.ndarray, np.ndarray]] = field(default_factory=list)

    def orders(self, t: int, state: State) -> Decision:
        """Return the plan's own order."""
        own = self.of_the_plan(t, state)
        self.pairs.append((self.quick.orders(t, state).quantity, own))
        return Decision(own)

    def of_the_plan(self, t: int, state: State) -> np.ndarray:
        """Need, levels and limits, as `planning.stages` puts them together."""
        aim, terms = self.quick.aim, self.quick.terms
        n = len(state.rows)
        mean, variance = (
            np.concatenate([np.zeros((n, 1)), part[t].astype(float)], axis=1)
            for part in (self.known.mean, self.known.variance)
        )
        demand = CumulativeDemand(mean, variance, self.known.wholes[0], self.known.one)
        days = np.arange(1, state.coming.shape[1])
        units = state.coming[:, 1:]
        leads = aim.leads.astype(float)
        spread = leads.std(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            shape = (leads - leads.mean(axis=1)[:, None]) / spread[:, None]
        several = leads.shape[1] > 1
        # As open orders of a plan: day by day, those without units at no day.
        day = np.sort(np.where(units > 0, days, np.inf), axis=1)
        held = np.take_along_axis(units, np.argsort(np.where(units > 0, days, np.inf), axis=1, kind="stable"), axis=1)
        supply = Supply(
            state.stock, day, held, leads.mean(axis=1), spread, terms.review.astype(float), shape if several else None
        )
        need = build_need(demand, supply, lost=aim.lost)
        levels = find_levels(need, aim.measure, aim.target, aim.ratio, aim.least_stock)
        end, review = (demand.mean_to((terms.lead + more).astype(float)) for more in (aim.coverage, terms.review))
        asked = np.where(levels.due, np.maximum(levels.order, 0) + end - review, 0.0)
        most = np.fmin(terms.max_order, np.maximum(terms.max_stock - state.position, 0))
        return size_orders(asked, Limits(terms.moq, terms.multiple, most)).order


def _compare(world: World, known: Made, aim: Aim, terms: Terms) -> tuple[np.ndarray, np.ndarray]:
    beside = Beside(PlanRule(terms, aim, known), known)
    replay(world, beside)
    quick, own = (np.concatenate(part[6:]) for part in zip(*beside.pairs, strict=True))
    return quick, own


@pytest.mark.parametrize("lost", [True, False])
@pytest.mark.parametrize(("lead", "review", "size"), CASES)
def test_the_rule_orders_what_the_plan_would(lead: int, review: int, size: float, lost: bool) -> None:  # noqa: FBT001
    world, known = stationary(150, 18 * review, lead, review, size=size, lost=lost, seed=1)
    terms = Terms.of(world, review=np.full(world.lines, review))
    quick, own = _compare(world, known, Aim.of(terms, "fill_rate", 0.95, lost=lost), terms)
    assert own.sum() > 0
    assert quick.sum() == pytest.approx(own.sum(), rel=0.01 if review == 1 else 0.02)
    apart = np.abs(quick - own)
    assert ((apart <= 1) | (apart <= 0.03 * own)).mean() >= 0.98


@pytest.mark.parametrize(("lead", "review", "size"), CASES)
def test_it_does_so_where_the_level_is_unknown(lead: int, review: int, size: float) -> None:
    world, known = stationary(150, 18 * review, lead, review, size=size, seed=5)
    common = np.random.default_rng(5).uniform(0.1, 0.5, world.lines)[:, None]
    known = replace(known, variance=(known.variance + (common * known.mean) ** 2).astype(np.float32))
    terms = Terms.of(world, review=np.full(world.lines, review))
    quick, own = _compare(world, known, Aim.of(terms, "fill_rate", 0.95, lost=True), terms)
    assert quick.sum() == pytest.approx(own.sum(), rel=0.02)
    apart = np.abs(quick - own)
    # Parts that go together are paired by few points: a line in seven is further off than where they do not.
    assert ((apart <= 1) | (apart <= 0.03 * own)).mean() >= 0.85


def test_it_does_so_with_limits_coverage_calibration_and_uncertain_lead_times() -> None:
    world, known = stationary(150, 18, 2, 1, size=8.0, seed=2)
    random = np.random.default_rng(0)
    n = world.lines
    world = replace(
        world, moq=np.where(random.random(n) < 0.3, 10, np.nan), multiple=np.where(random.random(n) < 0.3, 4.0, np.nan),
        max_stock=np.where(random.random(n) < 0.2, 40.0, np.nan),
    )  # fmt: skip
    held = np.clip(LEVELS[None, :] ** np.array([[0.9], [1.1]]), 0.005, 0.999)
    known = replace(known, one=Calibration(random.integers(0, 2, n), held))
    terms = Terms.of(world)
    aim = Aim.of(
        terms, "fill_rate", random.uniform(0.85, 0.98, n), lost=True, coverage=np.full(n, 3),
        leads=np.tile([1, 2, 2, 2, 4], (n, 1)), least_stock=np.where(random.random(n) < 0.2, 3.0, 0.0),
    )  # fmt: skip
    quick, own = _compare(world, known, aim, terms)
    assert quick.sum() == pytest.approx(own.sum(), rel=0.015)
    apart = np.abs(quick - own)
    pack = np.tile(np.where(world.multiple > 0, world.multiple, 1.0), len(own) // n)
    assert ((apart <= pack) | (apart <= 0.03 * own)).mean() >= 0.97


@pytest.mark.parametrize("measure", ["cycle_service_level", "cost"])
def test_it_does_so_by_chance_of_no_shortage(measure: str) -> None:
    world, known = stationary(150, 18, 2, 1, size=6.0, seed=3)
    terms = Terms.of(world)
    quick, own = _compare(world, known, Aim.of(terms, measure, 0.92, lost=True), terms)
    assert quick.sum() == pytest.approx(own.sum(), rel=0.03)
    apart = np.abs(quick - own)
    assert ((apart <= 1) | (apart <= 0.03 * own)).mean() >= 0.95


def test_exact_is_the_plan_to_the_last_unit() -> None:
    world, known = stationary(40, 10, 3, 1, seed=5)
    terms = Terms.of(world)
    aim = Aim.of(terms, "fill_rate", 0.95, lost=True)
    beside = Beside(PlanRule(terms, aim, known, exact=True), known)
    replay(world, beside)
    for quick, own in beside.pairs:
        np.testing.assert_array_equal(quick, own)


@pytest.mark.parametrize("lost", [True, False])
def test_what_is_promised_is_achieved(lost: bool) -> None:  # noqa: FBT001
    world, known = stationary(400, 112, 2, 1, lost=lost, seed=7)
    terms = Terms.of(world)
    rule = PlanRule(terms, Aim.of(terms, "fill_rate", 0.95, lost=lost), known)
    result = build_result(world, {"plan": replay(world, rule)}, ())
    told = result.promised("plan").iloc[0]
    assert told["promised_fill_rate"] >= 0.95
    assert told["low"] <= 0 <= told["high"]
    assert told["high"] - told["low"] < 0.01


def test_a_given_reorder_point_needs_no_forecast() -> None:
    world, known = stationary(4, 6, 1, 1, seed=8)
    terms = Terms.of(world)
    aim = Aim.of(terms, "fill_rate", 0.95, lost=True, reorder_at=np.full(4, 5.0), lot=np.full(4, 7.0))
    state = State(np.arange(4), np.array([6.0, 5.0, 2.0, 0.0]), np.zeros((4, 2)))
    assert PlanRule(terms, aim, known).orders(0, state).quantity.tolist() == [0, 7, 10, 12]


def test_an_order_that_would_last_for_ever_is_not_placed() -> None:
    moments = np.tile(0.02 * np.arange(1, 7, dtype=np.float32), (3, 2, 1))
    known = Made(moments, 2 * moments, np.ones((1, 2), bool), np.zeros(3, int))
    world = World.of(np.zeros((2, 3)), 1, whole=np.ones(2, bool), moq=np.array([100.0, np.nan]))
    terms = Terms.of(world)
    state = State(np.arange(2), np.zeros(2), np.zeros((2, 2)))
    ordered = PlanRule(terms, Aim.of(terms, "fill_rate", 0.95, lost=True), known).orders(0, state).quantity
    assert ordered[0] == 0 < ordered[1]


@pytest.mark.parametrize("lost", [True, False])
def test_a_source_counts_what_its_stores_hold(lost: bool) -> None:  # noqa: FBT001
    world, known = stationary(3, 6, 1, 1, size=20.0, lost=lost, seed=9)
    mean, variance = known.mean.copy(), known.variance.copy()
    mean[:, 0], variance[:, 0] = mean[:, 1] + mean[:, 2], variance[:, 1] + variance[:, 2]
    known = replace(known, mean=mean, variance=variance)
    terms = Terms.of(replace(world, source=np.array([-1, 0, 0])))
    rule = PlanRule(terms, Aim.of(terms, "fill_rate", 0.95, lost=lost), known)

    def bought(at_stores: float, on_way: float) -> float:
        stock = np.array([0.0, at_stores, at_stores])
        coming = np.zeros((2, 3))
        coming[1, 1:] = on_way
        return float(rule.orders(0, State(np.arange(3), stock, coming.T.copy(), stock, coming)).quantity[0])

    assert bought(0, 0) > max(bought(5, 0), bought(0, 5))
    # What is lost before it comes lets the stores' own safety stock differ a little.
    assert bought(5, 0) == pytest.approx(bought(0, 5), abs=1 if lost else 0)
    # What they hold beyond their own demand is of no use to others.
    assert bought(1_000, 0) == bought(2_000, 0)


def test_mornings_that_are_calibrated_alike_share_their_shapes_and_others_do_not() -> None:
    @dataclass(frozen=True)
    class Three(Made):
        def calibration(self, t: int) -> Calibration | None:
            held = LEVELS[None, :] ** (1.0 if t == 2 else 0.9)
            return Calibration(np.arange(4) % 1, np.clip(held, 0.005, 0.999))

    world, known = stationary(4, 6, 1, 1, seed=8)
    terms = Terms.of(world)
    moments = (known.mean, known.variance, known.wholes)
    rule = PlanRule(terms, Aim.of(terms, "fill_rate", 0.95, lost=True), Three(*moments, np.arange(len(known.mean))))
    first = rule._shapes_of(0)
    assert rule._shapes_of(1) is first
    assert rule._shapes_of(2) is not first
