"""The need at arrival, and the order that reaches a service measure: by hand, against simulation, laws."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.distribution import CumulativeDemand, expected_shortage, quantile
from planning.policy import LEAD_TIMES, POINTS, Need, Supply, build_need, critical_ratio, find_levels

DAYS = 120
NO_LEAST = np.zeros(1)
COLUMNS = ("stock", "receipt_day", "receipt_units", "lead_time", "lead_time_sd", "review")


def steady(per_day: float, variance_per_day: float, *, whole: bool = False) -> CumulativeDemand:
    day = np.arange(DAYS + 1.0)[None, :]
    return CumulativeDemand(per_day * day, variance_per_day * day, np.array([whole]))


def supply(
    stock: float, lead: float, review: float, sd: float = 0.0, receipts: tuple[tuple[float, float], ...] = ()
) -> Supply:
    days, units = zip(*sorted(receipts), strict=True) if receipts else ((np.inf,), (0.0,))
    return Supply(
        *(np.array(a, float) for a in ([stock], [days], [units], [lead], [sd], [review])),
    )


def order(need: Need, measure: str, target: float) -> float:
    return float(find_levels(need, measure, np.array([target]), np.array([target]), NO_LEAST).order[0])


# The worked order of the contract: demand 10 a day for certain, on hand 40, L 14, R 7.


@pytest.mark.parametrize(("lost", "quantity"), [(True, 70), (False, 170)])
@pytest.mark.parametrize("measure", ["fill_rate", "cycle_service_level", "cost"])
def test_certain_demand_needs_the_worked_order_of_the_contract(lost, quantity, measure):
    need = build_need(steady(10, 0), supply(40, 14, 7), lost=lost)
    assert order(need, measure, 0.95) == pytest.approx(quantity)
    assert find_levels(need, measure, np.array([0.95]), np.array([0.95]), NO_LEAST).due[0]


def test_what_was_lost_before_the_arrival_is_told():
    need = build_need(steady(10, 0), supply(40, 14, 7), lost=True)
    assert (need.lost_before, need.arriving_stock, need.between) == (100, 0, 70)


def test_receipts_before_and_after_the_arrival_cover_demand_in_their_time():
    # 40 last four days, so six days (60) are lost until the 50 of day 10 arrive; they last five days, to day 15.
    need = build_need(steady(10, 0), supply(40, 14, 7, receipts=((10, 50),)), lost=True)
    assert (need.lost_before, need.arriving_stock) == (60, 10)
    assert order(need, "fill_rate", 0.95) == pytest.approx(60)
    # A receipt on the last day before the next arrival comes too late for the six days before it.
    late = build_need(steady(10, 0), supply(40, 14, 7, receipts=((20, 70),)), lost=True)
    assert order(late, "cycle_service_level", 0.95) == pytest.approx(60)


@pytest.mark.parametrize("measure", ["fill_rate", "cycle_service_level", "cost"])
def test_a_receipt_between_this_arrival_and_the_next_is_not_ordered_again(measure):
    # Lost sales, the shelf empty on day 14: 70 come on day 20, so only the six days before it are to be covered.
    late = build_need(steady(10, 0), supply(40, 14, 7, receipts=((20, 70),)), lost=True)
    assert order(late, measure, 0.95) == pytest.approx(60)
    # Stock for 14 days, and 70 on day 15: only day 14 is to be covered.
    next_day = build_need(steady(10, 0), supply(140, 14, 7, receipts=((15, 70),)), lost=True)
    assert order(next_day, measure, 0.95) == pytest.approx(10)
    # Backordered, nothing in stock: 210 are owed by the next arrival, 70 of them come anyway.
    owed = build_need(steady(10, 0), supply(0, 14, 7, receipts=((15, 70),)), lost=False)
    assert order(owed, measure, 0.95) == pytest.approx(140)
    assert find_levels(owed, measure, np.array([0.95]), np.array([0.95]), NO_LEAST).due[0]


def test_more_stock_than_the_interval_takes_needs_no_order():
    need = build_need(steady(10, 0), supply(500, 14, 7), lost=True)
    levels = find_levels(need, "fill_rate", np.array([0.95]), np.array([0.95]), NO_LEAST)
    assert levels.order[0] < 0
    assert not levels.due[0]


def test_at_exactly_the_reorder_point_the_mean_is_covered_and_the_stock_is_not_short():
    need = build_need(steady(10, 0), supply(210, 14, 7), lost=True)
    assert order(need, "fill_rate", 0.95) == pytest.approx(0)


def test_the_critical_ratio_weighs_a_unit_short_against_holding_it_until_the_next_order():
    ratio = critical_ratio(
        np.array([4.0, 0.7, 0.0, 0.0]), np.array([1.0, 0.18, 1.0, 0.0]), np.array([1.0, 1.0, 7.0, 7.0])
    )
    assert ratio == pytest.approx([0.8, 0.7 / 0.88, 0, 0])


def test_the_newsvendor_order_is_that_of_snyder_shen_example_4_7():
    # Poisson 6 a day, h = 1, p = 4, no lead time, review daily: 8. The grid of points must land on it.
    need = build_need(steady(6, 6, whole=True), supply(0, 0, 1), lost=True)
    assert order(need, "cost", 4 / 5) == 8


def test_the_backordered_base_stock_level_of_snyder_shen_example_4_4_holds_for_its_gamma():
    # N(50, 8) a period, L = 4, R = 1, critical ratio .7 / .88; the book's normal level is 264.7669 and the gamma's
    # with the same mean 250 and variance 320 is 264.59.
    need = build_need(steady(50, 64), supply(0, 4, 1), lost=False)
    exact = quantile(0.7 / 0.88, 250, 320, False)
    assert exact == pytest.approx(264.7669, abs=0.5)
    assert order(need, "cost", 0.7 / 0.88) == pytest.approx(exact, abs=0.15)


def test_the_exact_fill_rate_of_a_periodic_review_is_that_of_the_specification():
    # science, 3.2: Poisson 0.5 a day, L = 3, R = 2, S = 5: .943634 (the traditional formula gives .938050).
    need = build_need(steady(0.5, 0.5, whole=True), supply(0, 3, 2), lost=False)
    assert need.fill_rate(np.array([5.0])) == pytest.approx(0.943634, abs=0.004)


def test_the_need_spreads_with_the_lead_time_as_specified():
    # science, 3.4: 20 a day, sd 6, L 7.166667 with sd 2.639444, R 7: mean 283.3333, sd 57.416606.
    need = build_need(steady(20, 36), supply(0, 7.166667, 7, sd=2.639444), lost=False)
    assert need.need.mean() == pytest.approx(283.3333, rel=0.002)
    assert need.need.std() == pytest.approx(57.416606, rel=0.02)


@pytest.mark.parametrize(("mean", "sd"), [(14, 3.5), (7.166667, 2.639444), (2, 1), (30, 0)])
def test_lead_times_keep_the_mean_and_the_spread_that_was_asked_for(mean, sd):
    # With certain demand of one a day and no stock, the backordered need is the lead time plus the review.
    need = build_need(steady(1, 0), supply(0, mean, 5), lost=False)
    spread = build_need(steady(1, 0), supply(0, mean, 5, sd=sd), lost=False)
    assert [need.need.mean(), spread.need.mean()] == pytest.approx([mean + 5, mean + 5])
    assert spread.need.std() == pytest.approx(sd)


@pytest.mark.parametrize("sd", [1e-16, 1e-9, 1e-300])
def test_a_lead_time_spread_of_a_rounding_error_is_none(sd):
    once, then = (build_need(steady(3, 3), supply(40, 14, 7, sd=s), lost=True) for s in (0.0, sd))
    assert order(then, "fill_rate", 0.95) == pytest.approx(order(once, "fill_rate", 0.95))


def simulated(stock: float, lead: int, review: int, per_day: float, receipts: dict[int, float], paths: int = 40_000):
    """Stock at arrival, units lost before it, and the need after it, day by day with Poisson demand (lost sales)."""
    draw = np.random.default_rng(5).poisson(per_day, size=(lead + review, paths)).astype(float)
    held, lost = np.full(paths, float(stock)), np.zeros(paths)
    for day in range(lead):
        held += receipts.get(day, 0.0)
        lost += np.maximum(draw[day] - held, 0)
        held = np.maximum(held - draw[day], 0)
    held += receipts.get(lead, 0.0)
    balance, most = held.copy(), np.full(paths, -np.inf)
    for day in range(lead, lead + review):
        balance += receipts.get(day, 0.0) if day > lead else 0.0
        balance -= draw[day]
        most = np.maximum(most, -balance)
    return held.mean(), lost.mean(), most


@pytest.mark.parametrize(
    ("stock", "receipts"), [(10, {}), (30, {}), (10, {2: 12.0, 6: 5.0}), (25, {6: 10.0, 10: 15.0}), (0, {7: 20.0})]
)
def test_the_need_under_lost_sales_agrees_with_a_simulation_day_by_day(stock, receipts):
    held, lost, most = simulated(stock, 7, 7, 3.0, receipts)
    need = build_need(steady(3, 3, whole=True), supply(stock, 7, 7, receipts=tuple(receipts.items())), lost=True)
    assert need.arriving_stock[0] == pytest.approx(held, abs=0.35)
    assert need.lost_before[0] == pytest.approx(lost, abs=0.35)
    assert need.need.mean() == pytest.approx(most.mean(), abs=0.35)
    for p in (0.5, 0.8, 0.95):
        assert order(need, "cycle_service_level", p) == pytest.approx(np.quantile(most, p), abs=1.5)
    quantity = need.order_for_fill_rate(np.array([0.95]))
    truly_short = np.maximum(most - quantity, 0).mean() / (7 * 3.0)
    assert 1 - truly_short == pytest.approx(0.95, abs=0.01)


def reached_fill_rate(lost: bool, lead: int, sd: float, items: int = 250, reviews: int = 34, warm: int = 10) -> float:
    """Fill rate of the policy itself, ordering every 7 days for a target of 0.95, Poisson demand of 3 a day."""
    rng = np.random.default_rng(3)
    day = np.arange(DAYS + 1.0)
    law = CumulativeDemand(np.tile(3 * day, (items, 1)), np.tile(3 * day, (items, 1)), np.ones(items, bool))
    due = np.zeros((items, 7 * reviews + 200))
    held, wanted, served = np.full(items, 3.0 * (lead + 7)), 0.0, 0.0
    target, everyone = np.full(items, 0.95), np.arange(items)
    for today in range(7 * reviews):
        held += due[:, today]
        if today % 7 == 0:
            ahead = due[:, today + 1 : today + 100]
            slots = max(1, int((ahead > 0).sum(axis=1).max()))
            first = np.argsort(ahead <= 0, axis=1, kind="stable")[:, :slots]
            units = np.take_along_axis(ahead, first, axis=1)
            days = np.where(units > 0, first + 1.0, np.inf)
            place = [np.full(items, value) for value in (float(lead), sd, 7.0)]
            levels = find_levels(
                build_need(law, Supply(held.copy(), days, units, *place), lost=lost),
                "fill_rate", target, target, np.zeros(items),
            )  # fmt: skip
            order_ = np.where(levels.due, np.ceil(np.round(np.maximum(levels.order, 0), 6)), 0)
            took = rng.gamma((lead / sd) ** 2, sd**2 / lead, items) if sd else np.full(items, float(lead))
            np.add.at(due, (everyone, today + np.maximum(np.round(took), 1).astype(int)), order_)
        demand = rng.poisson(3.0, items)
        sold = np.minimum(demand, np.maximum(held, 0))
        held = held - (sold if lost else demand)
        if today >= 7 * warm:
            wanted, served = wanted + demand.sum(), served + sold.sum()
    return served / wanted


@pytest.mark.parametrize(
    ("lost", "lead", "sd"), [(True, 10, 0), (True, 10, 3), (True, 21, 5), (False, 10, 0), (False, 10, 3)]
)
def test_the_fill_rate_that_was_asked_for_is_reached_in_a_simulation(lost, lead, sd):
    # Whole units, and orders that may overtake each other, only help.
    assert 0.94 <= reached_fill_rate(lost, lead, float(sd)) <= 0.985


PER_DAY = st.floats(0.05, 30)
SPREAD = st.floats(1.0, 5.0)
TARGET = st.floats(0.5, 0.999)
LEAD = st.integers(0, 40).map(float)
REVIEW = st.integers(1, 21).map(float)
MEASURE = st.sampled_from(["fill_rate", "cycle_service_level", "cost"])


@st.composite
def situations(draw: st.DrawFn) -> tuple[CumulativeDemand, Supply, bool]:
    per_day, lead, lost = draw(PER_DAY), draw(LEAD), draw(st.booleans())
    demand = steady(per_day, per_day * draw(SPREAD), whole=draw(st.booleans()))
    stock = per_day * draw(st.floats(0, 60))
    due = draw(st.lists(st.tuples(st.integers(0, 60), st.floats(0, 20 * per_day)), max_size=3))
    return (
        demand,
        supply(stock, lead, draw(REVIEW), sd=draw(st.sampled_from([0.0, 0.1, 0.25, 0.4])) * lead, receipts=tuple(due)),
        lost,
    )


@given(situations(), MEASURE, TARGET, TARGET)
def test_more_service_never_needs_less(situation, measure, one, other):
    demand, held, lost = situation
    need = build_need(demand, held, lost=lost)
    low, high = sorted((one, other))
    assert order(need, measure, low) <= order(need, measure, high) + 1e-6


@given(situations(), MEASURE, TARGET)
def test_an_order_reaches_the_target_that_it_was_made_for(situation, measure, target):
    demand, held, lost = situation
    need = build_need(demand, held, lost=lost)
    quantity = np.array([order(need, measure, target)])
    if measure == "fill_rate":
        assert need.fill_rate(quantity)[0] >= target - 1e-6
    else:
        assert need.cycle_service_level(quantity)[0] >= target - 1e-6


@given(situations(), TARGET)
def test_the_fill_rate_order_is_no_larger_than_it_must_be(situation, target):
    demand, held, lost = situation
    need = build_need(demand, held, lost=lost)
    raw = need.order_for_fill_rate(np.array([target]))
    assert need.fill_rate(raw - 1e-3)[0] < target + 1e-9


@given(situations(), MEASURE, TARGET, st.floats(0, 100))
def test_more_stock_never_needs_a_larger_order(situation, measure, target, more):
    demand, held, lost = situation
    fuller = Supply(
        held.stock + more, held.receipt_day, held.receipt_units, held.lead_time, held.lead_time_sd, held.review
    )
    once, then = (order(build_need(demand, s, lost=lost), measure, target) for s in (held, fuller))
    assert then <= once + 1e-6
    if not lost:
        # Backordered, every unit in stock saves one of the order.
        assert then == pytest.approx(once - more, abs=1e-4 * (1 + abs(once)))


@given(situations(), MEASURE, TARGET, st.floats(1.0, 3.0))
def test_more_demand_never_needs_a_smaller_order(situation, measure, target, factor):
    demand, held, lost = situation
    more = CumulativeDemand(demand.mean * factor, demand.variance * factor**2, demand.whole)
    once, then = (order(build_need(d, held, lost=lost), measure, target) for d in (demand, more))
    # Levels of whole units may round the other way by one.
    assert then >= once - 1 - 1e-6


@given(situations(), TARGET, st.sampled_from([0.25, 8.0, 1000.0]))
def test_orders_of_measured_goods_scale_with_their_unit(situation, target, scale):
    demand, held, lost = situation
    demand = CumulativeDemand(demand.mean, demand.variance, np.array([False]))
    scaled = CumulativeDemand(demand.mean * scale, demand.variance * scale**2, demand.whole)
    bigger = Supply(
        held.stock * scale, held.receipt_day, held.receipt_units * scale, held.lead_time, held.lead_time_sd, held.review
    )
    once = order(build_need(demand, held, lost=lost), "fill_rate", target)
    assert order(build_need(scaled, bigger, lost=lost), "fill_rate", target) == pytest.approx(
        once * scale, rel=1e-5, abs=1e-5 * scale
    )


@given(PER_DAY, SPREAD, st.floats(0, 60), LEAD, REVIEW, TARGET)
def test_backorders_never_need_less_than_lost_sales(per_day, spread, days_held, lead, review, target):
    demand, held = steady(per_day, per_day * spread), supply(per_day * days_held, lead, review)
    lost, owed = (order(build_need(demand, held, lost=lost), "cycle_service_level", target) for lost in (True, False))
    # Lost sales draw demand before and after the arrival apart, which spreads their sum a little differently.
    assert owed >= lost - 0.05 * per_day * (lead + review) - 1


@given(st.lists(st.tuples(PER_DAY, SPREAD, st.floats(0, 300), LEAD, REVIEW), min_size=2, max_size=6), MEASURE, TARGET)
def test_each_item_is_planned_as_if_it_stood_alone(items, measure, target):
    per_day, spread, stock, lead, review = (np.array(column) for column in zip(*items, strict=True))
    day = np.arange(DAYS + 1.0)
    demand = CumulativeDemand(np.outer(per_day, day), np.outer(per_day * spread, day), np.arange(len(items)) % 2 == 0)
    held = Supply(stock, np.full((len(items), 1), np.inf), np.zeros((len(items), 1)), lead, lead / 4, review)

    def orders(rows: np.ndarray) -> np.ndarray:
        need = build_need(
            CumulativeDemand(demand.mean[rows], demand.variance[rows], demand.whole[rows]),
            Supply(*(getattr(held, name)[rows] for name in COLUMNS)),
            lost=True,
        )
        ratio = np.full(len(rows), target)
        return find_levels(need, measure, ratio, ratio, np.zeros(len(rows))).order

    everything = np.arange(len(items))
    together = orders(everything)
    np.testing.assert_allclose(orders(everything[::-1])[::-1], together, rtol=1e-12)
    np.testing.assert_allclose([orders(np.array([row]))[0] for row in everything], together, rtol=1e-12)


@given(situations())
def test_the_need_is_a_distribution_in_order(situation):
    demand, held, lost = situation
    need = build_need(demand, held, lost=lost)
    assert need.need.shape == (1, LEAD_TIMES * POINTS)
    assert np.isfinite(need.need).all()
    assert (np.diff(need.need, axis=1) >= 0).all()
    assert need.lost_before >= 0
    assert need.between >= 0


@given(situations())
def test_under_lost_sales_stock_and_losses_balance(situation):
    demand, held, _ = situation
    need = build_need(demand, held, lost=True)
    received = np.where(held.receipt_day <= held.lead_time[:, None], held.receipt_units, 0).sum()
    # stock + received - demand + lost = stock at arrival, where no lead time varies.
    if held.lead_time_sd[0] == 0:
        wanted = demand.mean_to(held.lead_time)[0]
        balance = held.stock[0] + received - wanted + need.lost_before[0]
        assert need.arriving_stock[0] == pytest.approx(balance, rel=0.02, abs=0.05 * wanted + 0.05)


@given(situations(), TARGET, st.floats(0, 50))
def test_a_least_stock_is_held_beyond_mean_demand(situation, target, least):
    demand, held, lost = situation
    need = build_need(demand, held, lost=lost)
    for measure in ("fill_rate", "cycle_service_level"):
        levels = find_levels(need, measure, np.array([target]), np.array([target]), np.array([least]))
        after = levels.order[0] - need.mean[0]
        if least > 0 or measure == "fill_rate":
            assert after >= least - 1e-6


def test_without_demand_nothing_is_ordered_for_a_service_target():
    need = build_need(steady(0, 0), supply(0, 14, 7), lost=True)
    for measure in ("fill_rate", "cycle_service_level", "cost"):
        levels = find_levels(need, measure, np.array([0.99]), np.array([0.99]), NO_LEAST)
        assert levels.order[0] <= 0
        assert not levels.due[0]


@given(PER_DAY, SPREAD, LEAD, REVIEW, TARGET)
def test_the_backordered_order_agrees_with_the_closed_formula(per_day, spread, lead, review, target):
    # beta = 1 - [n_{L+R}(S) - n_L(S)] / (mu R), science, 3.2, at the S that was found.
    demand = steady(per_day, per_day * spread)
    need = build_need(demand, supply(0, lead, review), lost=False)
    level = need.order_for_fill_rate(np.array([target]))[0]
    over_all, before = (
        expected_shortage(level, per_day * days, per_day * spread * days, False) for days in (lead + review, lead)
    )
    exact = 1 - (over_all - before) / (per_day * review)
    assert exact == pytest.approx(target, abs=0.02)


@given(PER_DAY, SPREAD, st.lists(st.integers(0, 30).map(float), min_size=2, max_size=2), REVIEW, TARGET)
def test_more_lead_time_or_review_never_lowers_the_target_stock(per_day, spread, leads, review, target):
    # (R, S), backorders, cycle service, science, 11.
    demand = steady(per_day, per_day * spread)
    short, long = sorted(leads)
    longer_lead = [
        order(build_need(demand, supply(0, lead, review), lost=False), "cycle_service_level", target)
        for lead in (short, long)
    ]
    longer_review = [
        order(build_need(demand, supply(0, short, r), lost=False), "cycle_service_level", target)
        for r in (review, review + 5)
    ]
    for low, high in (longer_lead, longer_review):
        assert high >= low - 1e-6


def test_lead_times_come_as_receipts_tell_them():
    # science, 3.4: N(20, 36) a day, 5 days (.8) or 15 (.2); a review of a day is part of the interval here.
    plain = supply(0, 7, 1e-9, sd=4)
    told = Supply(*(getattr(plain, name) for name in COLUMNS), lead_shape=np.array([[-0.5, -0.5, -0.5, -0.5, 2.0]]))
    need = build_need(steady(20, 36), told, lost=False)
    assert order(need, "cycle_service_level", 0.95) == pytest.approx(315.674, abs=3)
    assert order(need, "cycle_service_level", 0.70) == pytest.approx(115.434, abs=1)
