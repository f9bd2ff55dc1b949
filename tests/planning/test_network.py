"""Who buys and who is fed: warehouses, lanes, sources, chains, circles; pooled sums by loop."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.inputs import read_tables
from planning.network import Network, build_network
from planning.params import Params

AS_OF = date(2026, 6, 1)


def table(*rows: dict) -> pd.DataFrame:
    return pd.DataFrame(list(rows))


def sold(*pairs: tuple[str, str]) -> pd.DataFrame:
    day = pd.Timestamp("2026-05-20")
    return pd.DataFrame([(day, i, p, 2.0) for i, p in pairs], columns=["date", "item_id", "location_id", "quantity"])


def held(*pairs: tuple[str, str]) -> pd.DataFrame:
    return pd.DataFrame([(i, p, 5.0) for i, p in pairs], columns=["item_id", "location_id", "on_hand"])


def lane(source: str, destination: str, **more: object) -> dict:
    return {"source_id": source, "destination_id": destination, **more}


def built(sales: pd.DataFrame, stock: pd.DataFrame, *, notes: list[str] | None = None, **more: pd.DataFrame) -> Network:
    inputs = read_tables({"sales": sales, "stock": stock, **more}, AS_OF)
    return build_network(inputs, Params(transit_days=3), [] if notes is None else notes)


def sources(network: Network) -> dict[tuple[str, str], str | None]:
    """The location that feeds each item-location, None where it buys."""
    at = [tuple(row) for row in network.keys.itertuples(index=False)]
    return {key: at[s][1] if s >= 0 else None for key, s in zip(at, network.source, strict=True)}


STORES = sold(("a", "S1"), ("a", "S2"))
STOCK = held(("a", "S1"), ("a", "S2"), ("a", "DC"))


def test_a_location_that_holds_stock_and_sells_nothing_is_a_warehouse_and_feeds_every_store():
    notes: list[str] = []
    network = built(STORES, STOCK, notes=notes)
    assert network.warehouses == ("DC",)
    assert sources(network) == {("a", "DC"): None, ("a", "S1"): "DC", ("a", "S2"): "DC"}
    assert network.transit_days.tolist() == [0, 3, 3]
    assert network.freight.tolist() == [0, 0, 0]
    assert network.feeds.tolist() == [True, False, False]
    assert any("DC held stock but sold nothing" in note for note in notes)
    assert any("No lanes were given" in note and "3 days" in note for note in notes)


def test_what_the_locations_file_says_is_not_guessed():
    kinds = table({"location_id": "DC", "kind": "store"}, {"location_id": "S2", "kind": "warehouse"})
    notes: list[str] = []
    network = built(STORES, STOCK, notes=notes, locations=kinds)
    # DC is a store that sold nothing yet; S2 sells and is a warehouse all the same.
    assert network.warehouses == ("S2",)
    assert sources(network) == {("a", "DC"): "S2", ("a", "S1"): "S2", ("a", "S2"): None}
    assert not any("taken for a warehouse" in note for note in notes)


@pytest.mark.parametrize("stock", [held(("a", "S1")), held(("a", "S1"), ("a", "S2"))])
def test_without_a_warehouse_every_location_buys(stock):
    network = built(STORES, stock)
    assert network.warehouses == ()
    assert (network.source == -1).all()
    assert network.lanes.empty


def test_one_location_that_sold_nothing_is_no_warehouse():
    nothing = STORES.iloc[:0]
    for stock in (held(("a", "S1")), STOCK):
        assert built(nothing, stock).warehouses == ()


def test_a_sale_of_none_is_no_sale_and_a_return_is_one():
    zero = sold(("a", "DC")).assign(quantity=0.0)
    assert built(pd.concat([STORES, zero]), STOCK).warehouses == ("DC",)
    back = sold(("a", "DC")).assign(quantity=-1.0)
    assert built(pd.concat([STORES, back]), STOCK).warehouses == ()


def test_lanes_that_are_given_are_the_only_ones():
    lanes = table(lane("DC", "S1", transit_days=5.0, cost_per_unit=0.25), lane("DC", "S1x"))
    network = built(STORES, STOCK, lanes=lanes)
    assert sources(network) == {("a", "DC"): None, ("a", "S1"): "DC", ("a", "S2"): None}
    assert network.transit_days.tolist() == [0, 5, 0]
    assert network.freight.tolist() == [0, 0.25, 0]


def test_a_lane_without_a_time_takes_the_default_and_one_to_itself_is_none():
    lanes = table(lane("DC", "S1"), lane("S2", "S2"), lane("DC", "S2", transit_days=0.0))
    network = built(STORES, STOCK, lanes=lanes)
    assert sources(network)[("a", "S2")] == "DC"
    assert network.transit_days.tolist() == [0, 3, 0]


def test_a_store_can_feed_another():
    network = built(STORES, held(("a", "S1"), ("a", "S2")), lanes=table(lane("S1", "S2", transit_days=1.0)))
    assert sources(network) == {("a", "S1"): None, ("a", "S2"): "S1"}


@pytest.mark.parametrize(
    ("lanes", "source"),
    [
        ([lane("W1", "S1", cost_per_unit=2.0), lane("W2", "S1", cost_per_unit=1.0)], "W2"),
        ([lane("W1", "S1", transit_days=4.0), lane("W2", "S1", transit_days=2.0)], "W2"),
        ([lane("W1", "S1", cost_per_unit=1.0, transit_days=9.0), lane("W2", "S1", cost_per_unit=2.0)], "W1"),
        ([lane("W2", "S1"), lane("W1", "S1")], "W1"),
        # The one that holds the item, whatever it costs.
        ([lane("W1", "S1", cost_per_unit=9.0), lane("W0", "S1")], "W1"),
    ],
)
def test_of_several_sources_the_one_that_holds_the_item_then_the_cheapest_then_the_nearest_feeds(lanes, source):
    network = built(sold(("a", "S1")), held(("a", "W1"), ("a", "W2")), lanes=table(*lanes))
    assert sources(network)[("a", "S1")] == source


def test_the_source_that_an_item_location_names_is_respected():
    told = table({"item_id": "a", "location_id": "S1", "source_id": "W2"})
    lanes = table(*(lane(w, s, cost_per_unit=c) for w, c in (("W1", 1.0), ("W2", 9.0)) for s in ("S1", "S2")))
    network = built(STORES, held(("a", "W1"), ("a", "W2")), lanes=lanes, item_locations=told)
    assert sources(network)[("a", "S1")] == "W2"
    assert sources(network)[("a", "S2")] == "W1"


def test_a_source_without_a_lane_is_said_and_the_lanes_decide():
    told = table({"item_id": "a", "location_id": "S1", "source_id": "W9"})
    notes: list[str] = []
    network = built(STORES, STOCK, notes=notes, item_locations=told)
    assert sources(network)[("a", "S1")] == "DC"
    assert "1 item-locations name a source without a lane to them; their lanes decide." in notes


def test_a_warehouse_buys_for_its_stores_also_what_it_does_not_hold_yet():
    notes: list[str] = []
    network = built(sold(("a", "S1"), ("b", "S1"), ("b", "S2")), held(("a", "DC")), notes=notes)
    assert sources(network) == {
        ("a", "DC"): None, ("a", "S1"): "DC", ("b", "DC"): None, ("b", "S1"): "DC", ("b", "S2"): "DC",
    }  # fmt: skip
    assert any(note.startswith("1 items are sold at stores but have no stock row at the warehouse") for note in notes)


def test_a_chain_of_warehouses_passes_demand_up():
    lanes = table(lane("W1", "W2", transit_days=7.0), lane("W2", "S1", transit_days=2.0))
    notes: list[str] = []
    network = built(sold(("a", "S1"), ("a", "S2")), held(("a", "W2")), notes=notes, lanes=lanes)
    assert sources(network) == {("a", "S1"): "W2", ("a", "S2"): None, ("a", "W1"): None, ("a", "W2"): "W1"}
    # W1 was added, as the middle one needs it.
    assert network.keys["location_id"].tolist() == ["S1", "S2", "W1", "W2"]
    assert network.pool(np.array([1.0, 10, 100, 1000])).tolist() == [1, 10, 1101, 1001]
    steps = [step.tolist() for step in network.ancestors()]
    assert steps == [[3, -1, -1, 2], [2, -1, -1, -1]]


@pytest.mark.parametrize("places", [("A", "B"), ("A", "B", "C"), ("A", "B", "C", "D")])
def test_a_circle_is_cut_once_and_said(places):
    lanes = table(*(lane(a, b) for a, b in zip(places, (*places[1:], places[0]), strict=True)), lane(places[0], "S1"))
    notes: list[str] = []
    network = built(sold(("a", "S1")), held(*(("a", p) for p in places)), notes=notes, lanes=lanes)
    found = sources(network)
    assert sum(source is None for source in found.values()) == 1
    assert found[("a", "S1")] == places[0]
    assert any(note.startswith("The lanes of 1 item-locations run in a circle") for note in notes)
    assert network.pool(np.ones(len(found))).max() == len(found)


def test_priority_and_room_are_the_locations_and_missing_ones_are_first_and_without_limit():
    places = table({"location_id": "S1", "priority": 2.0, "capacity": 80.0}, {"location_id": "S2"})
    network = built(STORES, STOCK, locations=places)
    assert network.priority.tolist() == [1, 2, 1]
    assert network.capacity.tolist() == [np.inf, 80, np.inf]


def test_rows_are_sorted_by_item_and_location_and_unique():
    network = built(sold(("b", "S2"), ("b", "S2"), ("a", "S9")), held(("b", "S1"), ("00012", "S2"), ("12", "S2")))
    pairs = [tuple(row) for row in network.keys.itertuples(index=False)]
    assert pairs == sorted(set(pairs))
    assert {"00012", "12"} <= {item for item, _ in pairs}


# Laws.

PLACES = ("P0", "P1", "P2", "P3", "P4")


@st.composite
def networks(draw: st.DrawFn) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    pairs = [(item, place) for item in "ab" for place in PLACES]
    stock = draw(st.lists(st.sampled_from(pairs), min_size=1, max_size=8, unique=True))
    sales = draw(st.lists(st.sampled_from(pairs), min_size=1, max_size=8, unique=True))
    roads = draw(st.lists(st.tuples(st.sampled_from(PLACES), st.sampled_from(PLACES)), max_size=8, unique=True))
    lanes = pd.DataFrame([lane(*road) for road in roads], columns=["source_id", "destination_id"])
    return sold(*sales), held(*stock), lanes


@given(networks())
def test_every_network_ends_at_buyers_and_feeds_along_its_lanes(drawn):
    sales, stock, lanes = drawn
    network = built(sales, stock, **({} if lanes.empty else {"lanes": lanes}))
    found = sources(network)
    roads = set(zip(network.lanes["source_id"], network.lanes["destination_id"], strict=True))
    for (item, place), source in found.items():
        seen = {place}
        while source is not None:
            assert (source, place) in roads
            assert (item, source) in found
            assert source not in seen
            seen.add(source)
            place, source = source, found[(item, source)]
    # Whoever has an inbound lane buys only where a circle was cut.
    wanted = {tuple(p) for p in pd.concat([sales, stock])[["item_id", "location_id"]].itertuples(index=False)}
    assert wanted <= set(found)


@given(networks(), st.integers(0, 2**20))
def test_pooled_sums_equal_a_plain_loop(drawn, seed):
    sales, stock, lanes = drawn
    network = built(sales, stock, **({} if lanes.empty else {"lanes": lanes}))
    values = np.random.default_rng(seed).integers(0, 100, (len(network.keys), 3)).astype(float)
    expected = values.copy()
    for row in range(len(values)):
        above = network.source[row]
        while above >= 0:
            expected[above] += values[row]
            above = network.source[above]
    pooled = network.pool(values)
    np.testing.assert_array_equal(pooled, expected)
    np.testing.assert_array_equal(network.pool(values[:, 0]), expected[:, 0])
    # Nothing is lost: what buyers serve is all there is.
    np.testing.assert_allclose(pooled[network.source < 0].sum(axis=0), values.sum(axis=0))
    assert (network.feeds == np.isin(np.arange(len(values)), network.source)).all()


@given(networks(), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_changes_nothing(drawn, random):
    sales, stock, lanes = drawn
    given_ = {} if lanes.empty else {"lanes": lanes}
    shuffled = [frame.iloc[random.sample(range(len(frame)), len(frame))] for frame in (sales, stock, lanes)]
    once, then = built(sales, stock, **given_), built(*shuffled[:2], **({} if lanes.empty else {"lanes": shuffled[2]}))
    assert sources(once) == sources(then)
