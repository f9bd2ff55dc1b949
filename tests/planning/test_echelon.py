"""What a warehouse orders for the safety stock of its stores: by hand, by loop, as a law, and kept in a replay."""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planning import pipeline
from planning.echelon import days_until_sent, kept_for_stores, safety_below, with_kept
from planning.params import Params
from planning.policy import Levels
from planning.replay import State, World, replay
from planning.replay_measures import build_result
from planning.replay_plan import Aim, PlanRule
from planning.replay_rules import Terms
from planning.result import PlanResult
from tests.planning.made_worlds import Made

AS_OF = date(2026, 6, 1)
MORNING = pd.Timestamp(AS_OF)
STORES = {"S1": 10.0, "S2": 5.0}


def table(*rows: dict) -> pd.DataFrame:
    return pd.DataFrame(list(rows))


def company(spread: int = 0, stores: dict[str, float] = STORES, shown: float = 0, held: float = 100) -> dict:
    """A warehouse with 400 that feeds stores; each sells its rate a day, on every second `spread` more, else less."""
    days = pd.date_range(MORNING - pd.Timedelta(days=140), MORNING - pd.Timedelta(days=1))
    swing = spread * np.where(np.arange(len(days)) % 2, 1.0, -1.0)
    sales = pd.concat(
        pd.DataFrame({"date": days, "item_id": "a", "location_id": place, "quantity": rate + swing})
        for place, rate in stores.items()
    )
    stock = [{"item_id": "a", "location_id": place, "on_hand": held, "as_of": MORNING} for place in stores]
    places = [{"item_id": "a", "location_id": place, "presentation_stock": shown} for place in stores]
    return {
        "sales": sales,
        "stock": table(*stock, {"item_id": "a", "location_id": "DC", "on_hand": 400.0, "as_of": MORNING}),
        "items": table({"item_id": "a", "unit_cost": 2.0, "unit_price": 5.0}),
        "item_locations": table(*places),
    }


def planned(inputs: dict, **params: object) -> PlanResult:
    usual = {"lead_time_sd_fraction": 0, "bucket": "day", "transit_days": 2, "lead_time_days": 21}
    return pipeline.plan(inputs, AS_OF, Params(**{**usual, **params}))


def steps_of(result: PlanResult, place: str = "DC") -> dict[str, float]:
    told = result.waterfall[result.waterfall["location_id"] == place]
    return dict(zip(told["step"], told["units"], strict=True))


@pytest.mark.parametrize("unmet", ["lost", "backordered"])
@pytest.mark.parametrize(("shown", "order"), [(0, -150), (20, -110), (100, 50)])
def test_a_warehouse_orders_for_what_its_stores_must_show(unmet, shown, order):
    # For certain S1 sells 10 and S2 5 a day; transfers take 2 days, the warehouse's supplier 21, all review weekly.
    # Until the warehouse's next order arrives both sell 15 x 28 = 420, and 15 x 2 = 30 while a transfer is on its way.
    # Held are 400 + 100 + 100: 150 more than that. Each store shows 20 (100): 40 (200) are no cover of the sales.
    told = planned(company(shown=shown), unmet_demand=unmet)
    line = told.replenishment.set_index("location_id").loc["DC"]
    policy = told.policy.set_index("location_id").loc["DC"]
    assert policy["kept_units"] == pytest.approx(2 * shown, abs=1e-6)
    assert policy["order_up_to_level"] == pytest.approx(420 + 2 * shown)
    assert policy["buffer_units"] == pytest.approx(2 * shown, abs=1e-6)
    assert policy["safety_stock"] == pytest.approx(2 * shown, abs=1e-6)
    assert line["order_quantity"] == max(order, 0)
    # What runs out, and what is lost, is as it was: the stores' stock still serves their customers.
    assert line["days_of_supply"] == pytest.approx(570 / 15)
    assert (line["expected_lost_units"], line["risk"]) == (0, "amber" if order > 0 else "green")


def test_the_waterfall_and_the_sentence_tell_what_is_kept():
    told = planned(company(shown=100))
    steps = {step: units for step, units in steps_of(told).items() if units}
    assert steps == {
        "expected demand to the end of coverage": pytest.approx(450),
        "stores' safety stock": pytest.approx(200),
        "usable on hand": pytest.approx(-600),
        "need": pytest.approx(50),
        "order": 50,
    }
    reason = told.replenishment.set_index("location_id").loc["DC", "reason"]
    assert reason == (
        "Order 50 = 450 expected in 28 days and while in transit + 200 kept for the stores' safety stock - 600 held "
        "with the locations it feeds, to serve 95% of demand from stock."
    )
    made = told.steps.set_index("location_id").loc["DC"]
    assert made["buffer"] == pytest.approx(200)
    assert made["expected_demand"] + made["buffer"] - made["stock"] == pytest.approx(50)


@pytest.mark.parametrize("unmet", ["lost", "backordered"])
def test_a_warehouse_covers_the_days_until_stores_are_next_sent_any(unmet):
    # Ordered on day 0 and 7, it comes on days 19 and 26; stores are sent what is there on days 0, 7, ... 28, and have
    # it on day 30. So today's order must last until then: 15 x 30 = 450, 26 x 15 of them until the next one arrives.
    told = planned(company(shown=100), unmet_demand=unmet, lead_time_days=19)
    steps = {step: units for step, units in steps_of(told).items() if units}
    assert steps == {
        "expected demand to the end of coverage": pytest.approx(450),
        "stores' safety stock": pytest.approx(200),
        "usable on hand": pytest.approx(-600),
        "need": pytest.approx(50),
        "order": 50,
    }
    line = told.replenishment.set_index("location_id").loc["DC"]
    assert line["reason"].startswith("Order 50 = 450 expected in 26 days and until the stores have it + 200 kept")
    assert line["days_of_supply"] == pytest.approx(570 / 15)
    assert told.policy.set_index("location_id").loc["DC", ["buffer_units", "kept_units"]].tolist() == [230, 200]


def test_days_until_sent_by_a_loop_over_days():
    for interval in range(1, 40):
        for review in (1, 2, 7, 14):
            day = next(day for day in range(interval, 100) if day % review == 0)
            told = days_until_sent(np.array([-1, 0]), np.array([interval, 9]), np.array([7, review]))
            assert told.tolist() == [0, day - interval]


def test_what_the_stores_own_levels_hold_is_kept():
    told = planned(company(spread=4))
    policy = told.policy.set_index("location_id")
    stores = policy.loc[list(STORES), "buffer_units"]
    assert stores.min() > 0
    assert policy.loc["DC", "kept_units"] == pytest.approx(stores.sum())
    assert (policy.loc[list(STORES), "kept_units"] == 0).all()
    # What is told of the warehouse's own service is that of its own level.
    usual = Levels(*(np.zeros(1),) * 3, np.zeros(1), np.zeros(1, bool), np.zeros(1, bool))
    more = with_kept(usual, np.full(1, 7.0), np.full(1, 2.0))
    assert (more.order.tolist(), more.own.tolist(), more.due.tolist()) == ([9.0], [0.0], [True])


def test_a_service_target_of_a_store_moves_its_warehouse():
    kept = [
        planned(company(spread=4), service_target=target).policy.set_index("location_id").loc["DC", "kept_units"]
        for target in (0.8, 0.9, 0.98)
    ]
    assert kept[0] <= kept[1] < kept[2]


def test_who_feeds_nobody_orders_as_before():
    inputs = company(spread=4)
    inputs["stock"] = inputs["stock"][inputs["stock"]["location_id"] != "DC"]
    told = planned(inputs)
    assert (told.policy["kept_units"] == 0).all()
    assert (told.waterfall.loc[told.waterfall["step"] == "stores' safety stock", "units"] == 0).all()


def test_what_is_set_by_hand_at_the_warehouse_is_the_word_on_all_of_it():
    inputs = company(shown=100)
    pin = {"item_id": "a", "location_id": "DC", "kind": "safety_stock", "value": 30.0}
    told = planned({**inputs, "pins": table(pin)})
    # 450 expected and 30 in all: 600 are enough.
    assert "order" not in steps_of(told)
    assert told.policy.set_index("location_id").loc["DC", ["buffer_units", "kept_units"]].tolist() == [30, 0]
    days = told.projection.safety[told.projection.keys["location_id"].eq("DC")]
    assert days == pytest.approx(30)
    given = table({"item_id": "a", "location_id": "DC", "policy": "min/max", "min_stock": 600.0, "max_stock": 900.0})
    inputs["item_locations"] = pd.concat([inputs["item_locations"], given], ignore_index=True)
    # The position, 600 less 30 on the way, is below the point: an order fills up to 900.
    told = planned(inputs)
    assert (steps_of(told)["stores' safety stock"], steps_of(told)["order"]) == (0, 330)
    assert told.policy.set_index("location_id").loc["DC", "reorder_point"] == 600


def test_what_a_budget_leaves_of_it_saves_what_it_brings():
    # Of the 50 that are needed a budget of 60 buys 30 at 2 each; each unit earns 3.
    told = planned(company(shown=100), budget=60)
    steps = steps_of(told)
    assert (steps["budget"], steps["order"]) == (-20, 30)
    assert any("What is ordered saves 90.00" in note for note in told.notes)


def test_an_order_that_is_approved_is_not_proposed_again():
    inputs = company(shown=100)
    approved = {"order_number": "PO-1", "item_id": "a", "location_id": "DC", "quantity": 50.0, "ordered_on": MORNING}
    inputs["approved_orders"] = table({**approved, "due_on": MORNING + pd.Timedelta(days=21)})
    told = planned(inputs).replenishment.set_index("location_id").loc["DC"]
    assert told["order_quantity"] == 0


def test_later_orders_keep_it_too():
    # What the stores' 200 leave sells until the next order comes; without any, all that counts does: 570 in 38 days.
    told = planned(company(shown=100))
    row = int(np.flatnonzero(told.projection.keys["location_id"] == "DC")[0])
    assert told.projection.safety[row] == pytest.approx(200)
    assert told.projection.with_orders[row, 28:120].min() == pytest.approx(200)
    assert np.flatnonzero(told.projection.without_orders[row] <= 1e-6)[0] == 38 - 1


def test_a_store_keeps_no_more_than_it_may_hold_and_none_where_it_is_not_stocked():
    safety, room = np.array([50.0, 50.0, -5.0, 50.0, 50.0]), np.array([np.inf, 20.0, np.inf, -3.0, np.inf])
    stocked = np.array([True, True, True, True, False])
    assert safety_below(safety, room, stocked).tolist() == [50, 20, 0, 0, 0]


@given(data=st.data(), n=st.integers(1, 12))
def test_what_is_kept_as_a_loop(data: st.DataObject, n: int):
    source = np.array([data.draw(st.integers(-1, row - 1)) for row in range(n)])
    safety = np.array(data.draw(st.lists(st.floats(0, 100), min_size=n, max_size=n)))
    given_ = np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    terms = Terms.of(World.of(np.zeros((n, 2)), 1, source=source))
    expected = np.zeros(n)
    for row in range(n):
        at = source[row]
        while at >= 0:
            expected[at] += safety[row]
            at = source[at]
    expected[given_] = 0
    np.testing.assert_allclose(kept_for_stores(terms.pool, terms.feeds, safety, given_), expected, atol=1e-9)


# In a replay: items with one warehouse and several stores; row 0 of each is the warehouse.


def network(
    stores: int,
    lead: int,
    transit: int,
    review: int,
    spread: float,
    *,
    lost: bool,
    items: int = 40,
    buckets: int = 90,
    each: int = 1,
) -> tuple[World, Made, Terms]:
    """Return demand of stores, Poisson or (spread above 1) negative binomial, and the forecasts that know its law.

    Stores are sent something every `each` buckets.
    """
    random = np.random.default_rng(11)
    rows = np.arange(items * (stores + 1))
    above = rows - rows % (stores + 1)
    source = np.where(rows == above, -1, above)
    mean = np.where(source >= 0, np.exp(random.normal(np.log(6), 0.8, len(rows))), 0.0)
    rate = np.broadcast_to(mean[:, None], (len(rows), buckets))
    if spread > 1:
        rate = random.gamma(np.maximum(rate, 1e-9) / (spread - 1), spread - 1)
    demand = np.where(source[:, None] >= 0, random.poisson(rate), 0).astype(float)
    pooled = mean + np.where(source < 0, np.bincount(above, mean, minlength=len(rows)), 0.0)
    lead_times, reviews = np.where(source < 0, lead, transit), np.where(source < 0, review, each)
    ahead = np.arange(1, 2 * int((lead_times + reviews).max()) + 3)
    moments = [
        np.broadcast_to((moment[:, None] * ahead).astype(np.float32), (buckets, len(rows), len(ahead)))
        for moment in (pooled, pooled * spread)
    ]
    world = World.of(
        demand, lead_times, np.round(pooled * (lead_times + reviews)), lost=lost, whole=np.ones(len(rows), bool),
        source=source, counted=np.arange(buckets) >= lead + transit + review + 8,
        review=(np.arange(buckets)[None, :] % reviews[:, None]) == 0,
        keys=pd.DataFrame({"item_id": above.astype(str), "location_id": (rows - above).astype(str)}),
    )  # fmt: skip
    made = Made(*moments, np.ones((1, len(rows)), bool), np.zeros(buckets, int))
    return world, made, Terms.of(world, review=reviews)


class Careless(PlanRule):
    """The same policy, which counts the stores' safety stock as cover, and lets them wait for nothing."""

    def _kept(self, t: int, state: State, told: np.ndarray) -> np.ndarray:  # noqa: ARG002
        return np.zeros(len(self.terms.lead))

    def _waits(self, t: int) -> np.ndarray:  # noqa: ARG002
        return np.zeros(len(self.terms.lead))


def gap(world: World, known: Made, terms: Terms, rule: type[PlanRule]) -> float:
    aim = Aim.of(terms, "fill_rate", 0.95, lost=world.lost)
    result = build_result(world, {"plan": replay(world, rule(terms, aim, known))}, ())
    return float(result.promised("plan", draws=2)["difference"].iloc[0])


@pytest.mark.parametrize(
    ("stores", "lead", "transit", "review", "spread", "lost", "each"),
    [
        (2, 4, 1, 1, 4.0, True, 1), (4, 2, 0, 1, 4.0, True, 1), (8, 4, 1, 1, 4.0, True, 1), (4, 4, 1, 4, 4.0, True, 1),
        (2, 2, 1, 1, 1.0, False, 1), (4, 2, 0, 1, 4.0, False, 1), (4, 4, 1, 4, 4.0, False, 1),
        (4, 1, 3, 1, 4.0, False, 1), (3, 9, 2, 7, 2.0, True, 7), (3, 12, 2, 7, 6.0, False, 7),
        (3, 4, 1, 2, 2.0, True, 4),
    ],
)  # fmt: skip
def test_stores_get_what_they_are_promised(stores, lead, transit, review, spread, lost, each):
    made = network(stores, lead, transit, review, spread, lost=lost, each=each, buckets=90 if each == 1 else 180)
    assert abs(gap(*made, PlanRule)) <= 0.02
    # Were the stores' safety stock counted as cover, they would not.
    assert gap(*made, Careless) < -0.025


@pytest.mark.parametrize("lost", [True, False])
def test_the_quick_rule_keeps_what_the_exact_one_does(lost):
    world, known, terms = network(3, 3, 1, 1, 4.0, lost=lost, items=60, buckets=6)
    quick = PlanRule(terms, Aim.of(terms, "fill_rate", 0.95, lost=lost), known)
    exact = replace(quick, exact=True)
    random = np.random.default_rng(3)
    stock = np.round(random.uniform(0, 2, len(world.source)) * known.mean[0, :, 1])
    coming = np.round(random.uniform(0, 1, (4, len(stock))) * known.mean[0, :, 0])
    every = np.arange(len(stock))
    state = State(every, stock, coming.T.copy(), stock, coming)
    one, other = (rule.orders(0, state).quantity[terms.feeds] for rule in (quick, exact))
    without = Careless(terms, quick.aim, known).orders(0, state).quantity[terms.feeds]
    assert other.sum() > 1.2 * without.sum() > 0
    # The stores' own orders are told as nearly.
    assert one.sum() == pytest.approx(other.sum(), rel=0.05 if lost else 0.01)
    assert (np.abs(one - other) <= np.maximum(3, 0.05 * other)).mean() >= 0.95


@pytest.mark.parametrize("lost", [True, False])
@pytest.mark.parametrize("shown", [0.0, 9.0])
def test_asked_alone_a_warehouse_orders_what_it_does_among_its_stores(lost, shown):
    world, known, terms = network(3, 3, 1, 1, 4.0, lost=lost, items=6)
    aim = Aim.of(terms, "fill_rate", 0.95, lost=lost, least_stock=np.where(world.source >= 0, shown, 0.0))
    rule = PlanRule(terms, aim, known)
    stock, coming = np.round(0.5 * known.mean[0, :, 0]), np.zeros((4, len(world.source)))
    every = np.arange(len(stock))
    houses = np.flatnonzero(terms.feeds)
    among, alone = (
        rule.orders(0, State(rows, stock[rows], coming[:, rows].T.copy(), stock, coming)) for rows in (every, houses)
    )
    np.testing.assert_allclose(among.quantity[houses], alone.quantity, atol=1)
    # Three stores to each: what they must show comes on top of what it would order for their sales.
    careless = Careless(terms, aim, known).orders(0, State(houses, stock[houses], coming[:, houses].T, stock, coming))
    assert (alone.quantity >= careless.quantity + 3 * shown - 1).all()


@settings(max_examples=25, deadline=None)
@given(
    stores=st.integers(1, 4), spread=st.floats(1.0, 6.0), more=st.floats(0.0, 5.0), shown=st.floats(0, 10),
    lost=st.booleans(), held=st.floats(0, 1), measure=st.sampled_from(["fill_rate", "cycle_service_level"]),
)  # fmt: skip
def test_more_variance_at_the_stores_never_lowers_the_order_of_their_warehouse(
    stores, spread, more, shown, lost, held, measure
):
    quantities = []
    for each in (spread, spread + more):
        world, known, terms = network(stores, 2, 1, 1, 1.0, lost=lost, items=3, buckets=3)
        mean = known.mean[0, :, 0].astype(float)
        # The warehouse's own spread stays: only that of the stores' demand grows.
        times = np.where(world.source >= 0, each, 1.0).astype(np.float32)
        known = replace(known, variance=known.variance * times[None, :, None])
        least = np.where(world.source >= 0, shown, 0.0)
        # No store holds more than counts, whatever its spread.
        stock = np.round(held * mean)
        coming = np.zeros((3, len(mean)))
        aim = Aim.of(terms, measure, 0.9, lost=lost, least_stock=least)
        every = np.arange(len(mean))
        told = PlanRule(terms, aim, known).orders(0, State(every, stock, coming.T.copy(), stock, coming))
        quantities.append(told.quantity[terms.feeds])
    assert (quantities[1] >= quantities[0] - 1).all()


@pytest.mark.parametrize("lost", [True, False])
def test_where_demand_is_certain_nothing_is_kept(lost):
    world, known, terms = network(4, 3, 1, 2, 1.0, lost=lost, items=5)
    known = replace(known, variance=np.zeros_like(known.variance))
    aim = Aim.of(terms, "fill_rate", 0.95, lost=lost)
    some = [replay(world, rule(terms, aim, known)) for rule in (PlanRule, Careless)]
    np.testing.assert_array_equal(some[0].ordered, some[1].ordered)
