"""Lead times by supplier: published numbers, what is still open, what crossed."""

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.delivery import fifths, lead_time_distribution, lead_time_shapes, lead_time_table, overdue_orders
from planning.inputs import empty_table
from planning.lead_time import learn, order_lines

AS_OF = date(2026, 3, 2)
NONE = empty_table("open_orders")


def receipts(days: list[int], promised: int | None = 6, supplier: str | None = "S", **more: Any) -> pd.DataFrame:
    """Return one order line each, ordered a day apart so that none of one item overtakes another."""
    n = len(days)
    ordered = pd.Series(pd.Timestamp("2026-01-01") + pd.to_timedelta(np.zeros(n), unit="D"))
    frame = pd.DataFrame(
        {
            "item_id": [f"I{k}" for k in range(n)],
            "ordered_on": ordered,
            "received_on": ordered + pd.to_timedelta(days, unit="D"),
            "quantity": 1.0,
            "supplier_id": pd.Series([supplier] * n, dtype=object),
            "order_id": [f"o{k}" for k in range(n)],
            "location_id": pd.Series([None] * n, dtype=object),
        }
    )
    if promised is not None:
        frame["promised_on"] = ordered + pd.Timedelta(days=promised)
    return frame.assign(**more)


def open_orders(waited: list[int], late: int = 10, supplier: str | None = "S", **more: Any) -> pd.DataFrame:
    morning = pd.Timestamp(AS_OF)
    n = len(waited)
    return pd.DataFrame(
        {
            "item_id": [f"P{k}" for k in range(n)],
            "quantity": 1.0,
            "due_on": morning - pd.Timedelta(days=late),
            "ordered_on": morning - pd.to_timedelta(pd.Series(waited), unit="D"),
            "supplier_id": pd.Series([supplier] * n, dtype=object),
            "order_id": [f"p{k}" for k in range(n)],
            "location_id": pd.Series([None] * n, dtype=object),
        }
    ).assign(**more)


def test_the_table_has_the_numbers_of_the_specification() -> None:
    row = lead_time_table(receipts([5, 7, 6, 12, 5, 8]), NONE, AS_OF).iloc[0]
    assert row["lines"] == 6
    assert row["lead_time_days"] == pytest.approx(7.166667, abs=5e-7)
    assert row["lead_time_sd_days"] == pytest.approx(2.639444, abs=5e-7)
    assert row["median_days"] == 6.5
    assert row["share_late"] == 0.5
    assert row["q95_days"] == pytest.approx(11.0)
    assert row["promised_days"] == 6
    assert row["lead_time_with_overdue_days"] == pytest.approx(row["lead_time_days"])
    assert not row["crossover"]


def test_the_table_agrees_with_what_the_plan_learns() -> None:
    given_rows = receipts([5, 7, 6, 12, 5, 8, 400])
    plan = learn(order_lines(given_rows, AS_OF), ("supplier_id",)).loc["S"]
    row = lead_time_table(given_rows, NONE, AS_OF).iloc[0]
    for name in ("lines", "lead_time_days", "lead_time_sd_days", "share_late"):
        assert row[name] == plan[name]


def test_typing_errors_are_set_aside_and_counted() -> None:
    early = receipts([5, 7, 6, 5, 55])
    early.loc[0, "received_on"] = pd.Timestamp("2025-12-01")
    early["promised_on"] = early["ordered_on"] - pd.Timedelta(days=30)  # so that 60 days later is not late enough
    row = lead_time_table(early, NONE, AS_OF).iloc[0]
    assert (row["lines"], row["set_aside"]) == (3, 2)


def test_an_overdue_order_counts_as_at_least_so_long() -> None:
    # Times 5, 7 (still open) and 10: a third arrived at 5, the rest at 10, as nothing is at risk but one.
    told = lead_time_distribution(receipts([5, 10]), open_orders([7]), AS_OF)
    assert told["days"].tolist() == [5, 10]
    assert told["share"].tolist() == pytest.approx([1 / 3, 2 / 3])
    assert told["arrived"].tolist() == pytest.approx([1 / 3, 1])
    row = lead_time_table(receipts([5, 10]), open_orders([7]), AS_OF).iloc[0]
    assert row["overdue"] == 1
    assert row["lead_time_days"] == 7.5
    assert row["lead_time_with_overdue_days"] == pytest.approx(5 / 3 + 20 / 3)


def test_the_longest_still_open_keeps_its_share_at_what_it_waited() -> None:
    told = lead_time_distribution(receipts([5, 5]), open_orders([30]), AS_OF)
    assert told["days"].tolist() == [5, 30]
    assert told["share"].tolist() == pytest.approx([2 / 3, 1 / 3])


def plain_kaplan_meier(done: list[int], still: list[int]) -> dict[int, float]:
    """The textbook product, time by time."""
    survival, shares = 1.0, {}
    for time in sorted({*done, *still}):
        at_risk = sum(d >= time for d in done) + sum(s >= time for s in still)
        events = done.count(time)
        if events:
            shares[time] = survival * events / at_risk
            survival *= 1 - events / at_risk
    if survival > 1e-12:
        last = max(*done, *still)
        shares[last] = shares.get(last, 0.0) + survival
    return shares


@given(st.lists(st.integers(1, 12), min_size=1, max_size=8), st.lists(st.integers(1, 12), max_size=6))
def test_the_distribution_is_that_of_a_plain_loop(done: list[int], still: list[int]) -> None:
    told = lead_time_distribution(receipts(done), open_orders(still) if still else NONE, AS_OF)
    expected = plain_kaplan_meier(done, still)
    assert dict(zip(told["days"], told["share"], strict=True)) == pytest.approx(expected)
    assert told["share"].sum() == pytest.approx(1)


def test_which_open_orders_are_overdue() -> None:
    orders = pd.concat(
        [
            open_orders([40]),
            open_orders([50], order_id="o0", item_id="I0"),  # arrived
            open_orders([200], late=100),  # no order any more
            open_orders([3], late=-5),  # not due yet
            open_orders([20], quantity=0.0),
            open_orders([20], ordered_on=pd.NaT, order_id="q"),
        ],
        ignore_index=True,
    )
    told = overdue_orders(receipts([5]), orders, AS_OF)
    assert told["order_id"].tolist() == ["p0", "q"]
    assert told["days_late"].tolist() == [10, 10]
    assert told["days"].iloc[0] == 40
    assert np.isnan(told["days"].iloc[1])


def test_orders_that_overtake_are_flagged_beyond_a_twentieth() -> None:
    both = receipts([20, 5], item_id="A", ordered_on=pd.to_datetime(["2026-01-01", "2026-01-10"]))
    both["received_on"] = pd.to_datetime(["2026-01-21", "2026-01-15"])
    row = lead_time_table(both, NONE, AS_OF).iloc[0]
    assert row["share_crossed"] == 0.5
    assert row["crossover"]
    apart = both.assign(item_id=["A", "B"])  # two items do not overtake each other
    assert lead_time_table(apart, NONE, AS_OF)["share_crossed"].iloc[0] == 0
    many = pd.concat([both, *(receipts([5], item_id=f"N{k}", order_id=f"n{k}") for k in range(18))], ignore_index=True)
    row = lead_time_table(many, NONE, AS_OF).iloc[0]
    assert row["share_crossed"] == 0.05
    assert not row["crossover"]


def test_a_missing_supplier_is_that_of_the_item_else_told_as_none() -> None:
    items = pd.DataFrame({"item_id": ["I0"], "supplier_id": ["T"]})
    table = lead_time_table(receipts([5, 7, 9], supplier=None), NONE, AS_OF, items)
    assert dict(zip(table["supplier_id"], table["lines"], strict=True)) == {None: 2, "T": 1}
    assert table["supplier_id"].iloc[0] is None


def test_a_supplier_of_whom_nothing_arrived_is_told_with_what_is_late() -> None:
    table = lead_time_table(receipts([5]), open_orders([40], supplier="NEW"), AS_OF)
    row = table.set_index("supplier_id").loc["NEW"]
    assert (row["lines"], row["overdue"]) == (0, 1)
    assert np.isnan(row["lead_time_days"])


def test_nothing_tells_nothing() -> None:
    bare = pd.DataFrame({"item_id": pd.Series(dtype=object)})
    for frame in (bare, empty_table("receipts")):
        assert lead_time_table(frame, bare, AS_OF).empty
        assert lead_time_distribution(frame, bare, AS_OF).empty
        assert overdue_orders(frame, bare, AS_OF).empty
    later = receipts([5]).assign(received_on=pd.Timestamp("2026-04-01"))
    assert lead_time_table(later, NONE, AS_OF).empty


def test_five_equally_likely_lead_times_keep_the_mean_and_the_shape():
    first = fifths(np.array([0, 0]), np.array([5.0, 15.0]), np.array([0.8, 0.2]), 1)
    np.testing.assert_allclose(first, [[5, 5, 5, 5, 15]])
    other = fifths(np.repeat([0, 2], 10), np.tile(np.arange(1.0, 11.0), 2), np.full(20, 0.1), 3)
    np.testing.assert_allclose(other[[0, 2]], [[1.5, 3.5, 5.5, 7.5, 9.5]] * 2)


def test_a_supplier_that_is_late_now_and_then_is_no_gamma():
    ordered = pd.Timestamp("2026-01-01") + pd.to_timedelta(np.arange(10) * 7, unit="D")
    receipts = pd.DataFrame({"item_id": "a", "supplier_id": "V", "ordered_on": ordered, "quantity": 1.0})
    receipts["received_on"] = ordered + pd.to_timedelta([5] * 8 + [15] * 2, unit="D")
    receipts["order_id"] = [f"o{n}" for n in range(10)]
    keys = pd.DataFrame({"item_id": ["a", "b", "c"], "location_id": "S", "supplier_id": ["V", "V", "W"]})
    found = lead_time_shapes(keys, receipts, NONE, date(2026, 6, 1))
    np.testing.assert_allclose(found[:2], [[-0.5, -0.5, -0.5, -0.5, 2.0]] * 2)
    assert np.isnan(found[2]).all()
    # Fewer than eight lines tell no shape, and neither do lead times that are all alike.
    for few in (receipts.head(7), receipts.head(8)):
        assert np.isnan(lead_time_shapes(keys, few, NONE, date(2026, 6, 1))).all()
