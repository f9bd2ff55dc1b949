"""From a need to an order: MOQ, packs, maximum, the supplier's minimum, the budget."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.orders import Limits, Sized, purchase_orders, reach_supplier_minimum, size_orders
from planning.positions import Positions


def limits(*rows: tuple[float, float, float]) -> Limits:
    return Limits(*(np.array(column, float) for column in zip(*rows, strict=True)))


@pytest.mark.parametrize(
    ("need", "least", "multiple", "most", "order"),
    [
        (70, 0, 0, np.inf, 70),
        (70.4, 0, 1, np.inf, 71),
        (70, 0, 12, np.inf, 72),
        (72, 0, 12, np.inf, 72),
        (5, 50, 25, np.inf, 50),
        # science, 4.1: ceil(max(NR, MOQ) / mult) * mult.
        (45, 50, 25, np.inf, 50),
        (5, 10, 12, np.inf, 12),
        (0, 50, 25, np.inf, 0),
        (-30, 50, 25, np.inf, 0),
        (200, 0, 12, 100, 96),
        (200, 0, 0, 100, 100),
        (200, 120, 12, 100, 0),
        (200, 0, 12, 5, 0),
        (200, 0, 0, 0, 0),
        # Packs of a tenth: three of them are 0.3, not four.
        (0.3, 0, 0.1, np.inf, 0.3),
        (0.1 + 0.2, 0, 0.1, np.inf, 0.3),
    ],
)
def test_an_order_fits_its_limits(need, least, multiple, most, order):
    assert size_orders(np.array([float(need)]), limits((least, multiple, most))).order == pytest.approx(order)


NEEDS = st.floats(-100, 500)
LEAST = st.sampled_from([0.0, 1.0, 30.0, 100.0])
MULTIPLE = st.sampled_from([0.0, 1.0, 6.0, 24.0, 2.5])
MOST = st.sampled_from([0.0, 20.0, 130.0, np.inf])


@given(NEEDS, LEAST, MULTIPLE, MOST)
def test_an_order_is_none_or_within_all_limits_and_its_steps_add_up(need, least, multiple, most):
    sized = size_orders(np.array([need]), limits((least, multiple, most)))
    order = sized.order[0]
    assert order == pytest.approx(max(need, 0) + sized.maximum[0] + sized.moq[0] + sized.multiple[0], abs=1e-8)
    assert sized.maximum[0] <= 0
    assert sized.moq[0] >= 0
    assert sized.multiple[0] >= -1e-9
    if order > 0:
        assert least <= order <= most
        if multiple:
            assert order / multiple == pytest.approx(round(order / multiple))
    elif need > 1e-6:
        # Nothing is ordered only where the limits leave no lawful order.
        step = multiple or 1e-9
        smallest = max(np.ceil(least / step - 1e-9), 1) * step
        assert smallest > most


@given(NEEDS, NEEDS, LEAST, MULTIPLE, MOST)
def test_more_need_never_orders_less(one, other, least, multiple, most):
    low, high = (
        size_orders(np.array([need]), limits((least, multiple, most))).order[0] for need in sorted((one, other))
    )
    assert low <= high + 1e-9


@given(st.floats(0.01, 500), LEAST, MULTIPLE)
def test_the_order_covers_the_need_and_is_the_smallest_that_does(need, least, multiple):
    order = size_orders(np.array([need]), limits((least, multiple, np.inf))).order[0]
    assert order >= need - 1e-5
    if multiple:
        smaller = order - multiple
        assert smaller < max(need, least) or smaller <= 0


def positions(cost: list[float], supplier: str = "acme") -> Positions:
    table = pd.DataFrame({"supplier_id": supplier, "location_id": "S1", "unit_cost": cost})
    return Positions(table, pd.DataFrame())


def raised(need: list[float], rules: Limits, cost: list[float], minimum: float, per_day: list[float]):
    notes: list[str] = []
    wanted = np.array(need, float)
    sized = size_orders(wanted, rules)
    added = reach_supplier_minimum(
        wanted, sized, rules, positions(cost), np.full(len(need), minimum), np.array(per_day, float), notes
    )
    return sized.order, added, notes


def test_an_order_below_its_suppliers_minimum_is_raised_by_the_same_days_for_all_lines():
    # 10 at 4 and 20 at 2 are worth 80; 160 takes 8 days of 1 at 4 and 3 at 2 a day: 8 and 24 more.
    order, added, notes = raised([10, 20], limits((0, 0, np.inf), (0, 0, np.inf)), [4, 2], 160, [1, 3])
    assert order @ [4, 2] == 80
    assert added == pytest.approx([8, 24])
    assert notes == []


def test_an_order_at_its_minimum_is_left_alone():
    _, added, notes = raised([10, 20], limits((0, 1, np.inf), (0, 1, np.inf)), [4, 2], 80, [1, 3])
    assert not added.any()
    assert notes == []


def test_an_order_that_cannot_reach_the_minimum_is_left_and_said():
    _, added, notes = raised([10], limits((0, 1, np.inf)), [4], 1e6, [1])
    assert not added.any()
    assert "stays below the minimum" in notes[0]


def test_a_minimum_that_cannot_be_checked_without_costs_is_said():
    _, added, notes = raised([10, 5], limits((0, 1, np.inf), (0, 1, np.inf)), [4, np.nan], 100, [1, 1])
    assert not added.any()
    assert "without a cost" in notes[0]


@given(
    st.lists(st.tuples(st.floats(1, 80), st.sampled_from([1.0, 6.0]), st.floats(0.5, 20), st.floats(0.1, 5)),
             min_size=1, max_size=4),
    st.floats(1, 2000),
)  # fmt: skip
def test_a_raised_order_reaches_the_minimum_within_its_limits(lines, minimum):
    need, multiple, cost, per_day = (list(column) for column in zip(*lines, strict=True))
    order, added, notes = raised(need, limits(*((0, u, np.inf) for u in multiple)), cost, minimum, per_day)
    assert (added >= -1e-9).all()
    assert (((order + added) / multiple) == pytest.approx(np.round((order + added) / multiple))) or not order.any()
    assert (order + added) @ cost >= minimum - 1e-6 or notes


def test_order_lines_are_numbered_by_supplier_and_location():
    frame = pd.DataFrame(
        {
            "item_id": ["b", "a", "c", "d", "e"],
            "location_id": ["S1", "S1", "S2", "S1", "S1"],
            "supplier_id": ["y", "y", "y", "x", None],
            "order_quantity": [1.0, 2.0, 3.0, 4.0, 0.0],
            "order_on": pd.Timestamp("2026-06-01"),
            "arrives_on": pd.Timestamp("2026-06-15"),
        }
    )
    found = purchase_orders(frame, np.array([10.0, 1.0, 1.0, np.nan, 1.0]), "2026-06-01")
    assert found["order_number"].tolist() == ["PO-20260601-001", *["PO-20260601-002"] * 2, "PO-20260601-003"]
    assert found["item_id"].tolist() == ["d", "a", "b", "c"]
    assert found["line_value"].tolist()[1:] == [2, 10, 3]
    assert np.isnan(found["line_value"][0])


def test_sized_keeps_what_each_limit_did():
    sized = size_orders(np.array([130.0, 5.0]), limits((0, 12, 100), (10, 4, np.inf)))
    assert isinstance(sized, Sized)
    assert sized.maximum.tolist() == [-34, 0]
    assert sized.moq.tolist() == [0, 5]
    assert sized.multiple.tolist() == [0, 2]
