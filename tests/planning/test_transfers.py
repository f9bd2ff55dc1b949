"""Approved transfers in the next plan: promised at their source, coming at their destination, never both or twice."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from planning import pipeline
from planning.inputs import read_tables
from planning.network import build_network
from planning.params import Params
from planning.policy import Need
from planning.result import PlanResult
from planning.transfers import approved_transfers, hand_transfers, pooled_receipts

AS_OF = date(2026, 6, 1)
MORNING = pd.Timestamp(AS_OF)


def day(number: float) -> pd.Timestamp:
    return MORNING + pd.Timedelta(days=number)


def table(*rows: dict) -> pd.DataFrame:
    return pd.DataFrame(list(rows))


def company(warehouse: float = 100, **more: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """A warehouse that sells nothing feeds three stores that sell 10 a day each."""
    days, chance = pd.date_range(day(-140), day(-1)), np.random.default_rng(5)
    sales = pd.concat(
        pd.DataFrame({
            "date": days, "item_id": "a", "location_id": place, "quantity": chance.poisson(10, len(days)).astype(float),
        })
        for place in ("S1", "S2", "S3")
    )  # fmt: skip
    stock = table(
        *({"item_id": "a", "location_id": place, "on_hand": float(units), "as_of": MORNING}
          for place, units in (("S1", 0), ("S2", 20), ("S3", 200), ("WH", warehouse)))
    )  # fmt: skip
    items = table({"item_id": "a", "unit_cost": 2.0, "unit_price": 5.0})
    return {"sales": sales, "stock": stock, "items": items, **more}


def approve(result: PlanResult, on: float = 0) -> pd.DataFrame:
    sent = result.allocation
    return pd.DataFrame({
        "transfer_number": "TR-2026-0001", "item_id": sent["item_id"], "source_id": sent["source_id"],
        "destination_id": sent["destination_id"], "quantity": sent["quantity"], "ship_on": sent["ship_on"],
        "arrives_on": sent["arrives_on"], "approved_on": day(on),
    })  # fmt: skip


def planned(inputs: dict[str, pd.DataFrame], as_of: date = AS_OF, **params: object) -> PlanResult:
    return pipeline.plan(inputs, as_of, Params(**{"lead_time_sd_fraction": 0, "bucket": "day", **params}))


def of(result: PlanResult, place: str) -> pd.Series:
    return result.replenishment.set_index("location_id").loc[place]


@pytest.mark.parametrize("unmet", ["lost", "backordered"])
@pytest.mark.parametrize("transit", [0, 2])
@pytest.mark.parametrize("warehouse", [100, 400])
@pytest.mark.parametrize("reserve", [0, 0.2])
def test_a_second_run_of_the_morning_proposes_nothing_twice(unmet, transit, warehouse, reserve):
    asked = {"unmet_demand": unmet, "transit_days": transit, "reserve_fraction": reserve}
    first = planned(company(warehouse), **asked)
    assert first.allocation["quantity"].sum() > 50
    again = planned(company(warehouse, approved_transfers=approve(first)), **asked)
    assert again.allocation.empty
    # No purchase is proposed that was not, and none is left out.
    np.testing.assert_allclose(again.replenishment["order_quantity"], first.replenishment["order_quantity"])
    sent = first.allocation.set_index("destination_id")["quantity"]
    for place, units in sent.items():
        assert of(again, place)["on_order"] == units
    # The days to come are the same, whether it is proposed or on its way.
    was, told = first.projection, again.projection
    np.testing.assert_allclose(told.with_orders, was.with_orders, atol=1e-6)


def test_what_is_approved_in_part_leaves_the_rest():
    first = planned(company())
    some = approve(first).head(1)
    again = planned(company(approved_transfers=some))
    both = pd.concat([some, again.allocation])
    assert both["quantity"].sum() == pytest.approx(first.allocation["quantity"].sum())
    assert both["quantity"].sum() <= 100


def test_the_next_morning_it_is_still_promised_and_on_its_way():
    sent = approve(planned(company()))
    result = planned(company(approved_transfers=sent), date(2026, 6, 2))
    assert result.allocation.empty
    assert of(result, "S1")["on_order"] == sent.set_index("destination_id")["quantity"]["S1"]


def moves(stock: list[tuple[str, float, object]], as_of: float = 3, **more: object) -> tuple[pd.DataFrame, list[str]]:
    """A transfer of 30 from the warehouse, shipped at once, here two days later, on the counts that are given."""
    rows = table(*({"item_id": "a", "location_id": p, "on_hand": u, "as_of": on} for p, u, on in stock))
    sent = table({
        "transfer_number": "TR-1", "item_id": "a", "source_id": "WH", "destination_id": "S1", "quantity": 30.0,
        "ship_on": MORNING, "arrives_on": day(2), "approved_on": MORNING, **more,
    })  # fmt: skip
    inputs = read_tables(
        {"sales": table({"date": day(-1), "item_id": "a", "location_id": "S1", "quantity": 1.0}), "stock": rows,
         "approved_transfers": sent}, day(as_of).date())  # fmt: skip
    notes: list[str] = []
    keys = build_network(inputs, Params(), []).keys
    return approved_transfers(inputs, keys, day(as_of).date(), notes), notes


@pytest.mark.parametrize(
    ("warehouse", "store", "leaves", "comes"),
    [
        (MORNING, MORNING, True, True),  # the counts that it was approved on
        (day(1), MORNING, False, True),
        (day(1), day(2), False, True),  # counted on the day of arrival: nobody knows before or after
        (day(3), day(3), False, False),
        (MORNING, day(3), True, False),
        (pd.NaT, pd.NaT, True, True),  # nobody knows when
        (day(9), day(9), True, True),  # after the plan's morning: not used
    ],
)
def test_a_newer_count_at_either_end_is_believed(warehouse, store, leaves, comes):
    told, notes = moves([("WH", 70.0, warehouse), ("S1", 5.0, store)])
    assert (told["leaves"].tolist(), told["comes"].tolist()) == ([leaves], [comes])
    assert any("count at their source shows already: 1, 30 units" in n for n in notes) == (not leaves and comes)
    assert any("data show at their destination already: 1, 30 units" in n for n in notes) == (not comes)


def test_what_is_told_of_the_counts_goes_before_their_days():
    counts = [("WH", 70.0, MORNING), ("S1", 5.0, MORNING)]
    told, _ = moves(counts, shipped=1.0, received=0.0)
    assert (told["leaves"].item(), told["comes"].item()) == (False, True)


def test_a_transfer_approved_later_is_not_known_yet_and_one_from_nowhere_takes_from_no_stock():
    assert moves([("WH", 70.0, MORNING), ("S1", 5.0, MORNING)], as_of=-1)[0].empty
    told, notes = moves([("WH", 70.0, MORNING), ("S1", 5.0, MORNING)], source_id="??")
    assert told["row"].tolist() == [0]
    assert any("from no item and location of the plan: 1, 30 units" in n for n in notes)
    unknown = approve(planned(company())).assign(source_id="?", destination_id="!")
    assert "Approved transfers from no item" in " ".join(planned(company(approved_transfers=unknown)).notes)


def test_an_open_order_of_its_number_counts_instead_of_it():
    sent = approve(planned(company()))
    place, units = sent["destination_id"].iloc[0], sent["quantity"].iloc[0]
    order = table({
        "item_id": "a", "location_id": place, "order_id": "TR-2026-0001", "quantity": units, "due_on": day(2),
    })  # fmt: skip
    result = planned(company(approved_transfers=sent, open_orders=order))
    assert of(result, place)["on_order"] == units
    assert result.allocation.empty
    done = table({
        "item_id": "a", "location_id": place, "order_id": "TR-2026-0001", "quantity": units,
        "ordered_on": day(-3), "received_on": day(-1),
    })  # fmt: skip
    assert of(planned(company(approved_transfers=sent, receipts=done)), place)["on_order"] == 0


def test_one_that_no_data_tell_of_for_a_week_is_warned_of():
    sent = approve(planned(company()), on=-8)
    result = planned(company(approved_transfers=sent.assign(ship_on=MORNING)))
    assert any("do not tell of after 7 days: 1 (TR-2026-0001)" in note for note in result.notes)


def test_transfers_use_up_no_budget_and_are_not_to_be_moved():
    first = planned(company(), budget=300)
    sent = approve(first)
    assert planned(company(approved_transfers=sent), budget=300).orders["line_value"].sum() == pytest.approx(
        first.orders["line_value"].sum()
    )
    late = planned(company(approved_transfers=sent), date(2026, 6, 9))
    assert set(late.exceptions.loc[late.exceptions["order_id"] == "TR-2026-0001", "kind"]) <= {"past_due"}


@pytest.mark.parametrize("backordered", [False, True])
def test_what_is_on_its_way_comes_before_one_more(backordered):
    chance = np.random.default_rng(2)
    need = np.sort(chance.normal(10, 5, (3, 50)), axis=1)
    whole = Need(need, need - 8 if backordered else None, np.full(3, 10.0), np.zeros(3), np.zeros(3))
    sent, more = np.array([0.0, 4.0, 12.0]), np.array([3.0, 3.0, 3.0])
    np.testing.assert_allclose(whole.after(sent).short(more), whole.short(sent + more))
    np.testing.assert_allclose(whole.after(sent).mean, whole.mean - sent)
    assert whole.after(np.zeros(3)) is whole


def test_between_two_stores_of_one_warehouse_nothing_changes_for_it():
    inputs = read_tables(company(), AS_OF)
    network = build_network(inputs, Params(), [])
    at = {place: row for row, place in enumerate(network.keys["location_id"])}
    receipts = pd.DataFrame({
        "row": [at["S1"], at["S1"], at["S2"]], "day": 2.0, "quantity": [7.0, 5.0, 3.0], "today": False,
        "source": [at["S3"], at["WH"], -1],
    })  # fmt: skip
    pooled, within = pooled_receipts(receipts, network)
    assert within[at["WH"]] == 12
    assert pooled.groupby("row")["quantity"].sum().to_dict() == {at["S1"]: 12, at["S2"]: 3, at["WH"]: 3}


def test_of_what_was_set_by_hand_the_latest_word_for_this_morning_counts():
    inputs = read_tables(company(), AS_OF)
    keys, notes = build_network(inputs, Params(), []).keys, []
    line = {"item_id": "a", "source_id": "WH", "destination_id": "S1", "planned_on": MORNING}
    pins = table(
        {**line, "quantity": 30.0, "made_at": "2026-06-01T08:00:00"},
        {**line, "quantity": 20.0, "made_at": "2026-06-01T09:00:00"},
        {**line, "quantity": 99.0, "planned_on": day(-1), "made_at": "2026-06-02T09:00:00"},
        {**line, "quantity": 0.0, "destination_id": "S2", "planned_on": pd.NaT, "made_at": None},
        {**line, "quantity": 5.0, "destination_id": "S9"},
    )
    found = hand_transfers(pins, keys, AS_OF, notes)
    at = {place: row for row, place in enumerate(keys["location_id"])}
    assert found.to_numpy().tolist() == [[at["WH"], at["S1"], 20.0], [at["WH"], at["S2"], 0.0]]
    assert notes == ["Transfers set by hand without an effect: 1. They name no item and two locations of the plan."]
