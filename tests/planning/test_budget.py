"""A budget: packs by what they save for their money, least order values, a bound that holds."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.budget import STEPS, Share, share_budget
from planning.orders import Limits, size_orders
from tests.planning.test_pipeline import certain, planned, table

ANY = (0.0, 1.0, np.inf)


def limits(*rows: tuple[float, float, float]) -> Limits:
    return Limits(*(np.array(column, float) for column in zip(*rows, strict=True)))


def shared(
    order: list[float],
    rules: Limits,
    cost: list[float],
    gain: list[float],
    budget: float,
    group: list[int] | None = None,
    least: list[float] | None = None,
) -> Share:
    """Share a budget where the first unit saves most: q of Q units save gain * (2 q / Q - (q / Q)^2)."""
    orders, worth = np.array(order, float), np.array(gain, float)

    def saved(units: np.ndarray) -> np.ndarray:
        part = units / np.where(orders > 0, orders, 1.0)
        return worth * (2 * part - part**2)

    of = np.array(group if group is not None else [0] * len(order))
    return share_budget(
        orders, rules, np.array(cost, float), saved, budget, of, np.array(least or [0.0] * (of.max() + 1))
    )


def test_enough_money_cuts_nothing_and_none_cuts_all():
    assert shared([10, 3], limits(ANY, ANY), [1, 2], [1, 1], 16).order.tolist() == [10, 3]
    assert shared([10, 3], limits(ANY, ANY), [1, 2], [1, 1], 0).order.tolist() == [0, 0]


def test_the_first_packs_of_two_lines_come_before_the_last_of_one():
    # Line by line the first would take all of the 8; the marginal unit of both is worth the same at half each.
    found = shared([8, 8], limits(ANY, ANY), [1, 1], [10, 9.9], 8)
    assert found.order.tolist() == [4, 4]
    assert found.saved == pytest.approx(19.9 * 0.75)
    assert found.gap == pytest.approx(0, abs=1e-9)


def test_what_fits_is_no_order_below_the_moq():
    assert shared([50], limits((40, 10, np.inf)), [1], [5], 45).order.tolist() == [40]
    assert shared([50], limits((40, 10, np.inf)), [1], [5], 39).order.tolist() == [0]


def test_a_line_without_a_cost_is_not_ordered():
    assert shared([10, 10], limits(ANY, ANY), [1, np.nan], [1, 100], 100).order.tolist() == [10, 0]


def test_an_order_reaches_its_least_value_or_is_left_out_whole_and_its_money_goes_to_others():
    # Two suppliers with 10 units at 1 each; the first is worth more but wants 8.
    found = shared([10, 10], limits(ANY, ANY), [1, 1], [20, 10], 12, [0, 1], [8, 0])
    assert found.order[0] >= 8
    assert not found.dropped.any()
    found = shared([10, 10], limits(ANY, ANY), [1, 1], [20, 10], 7, [0, 1], [8, 0])
    assert found.order.tolist() == [0, 7]
    assert found.dropped.tolist() == [True, False]
    # What would not reach it with all the money there is is not held to it.
    assert shared([10, 10], limits(ANY, ANY), [1, 1], [20, 10], 7, [0, 1], [99, 0]).order[0] > 0


CASES = st.lists(
    st.tuples(st.integers(0, 6), st.sampled_from([0.0, 12.0]), st.sampled_from([1.0, 6.0]),
              st.sampled_from([0.0, 0.5, 2.0, 9.0]), st.floats(0, 99), st.integers(0, 1)), min_size=1, max_size=4,
)  # fmt: skip


@given(CASES, st.floats(0, 300), st.sampled_from([0.0, 15.0, 60.0]))
def test_budget_limits_and_least_values_hold_and_no_choice_saves_more_than_the_bound(lines, budget, minimum):
    packs, least, multiple, cost, gain, group = (np.array(column, float) for column in zip(*lines, strict=True))
    rules = Limits(least, multiple, np.full(len(packs), np.inf))
    order = size_orders(packs * multiple, rules).order
    of = group.astype(int)
    found = shared(list(order), rules, list(cost), list(gain), budget, list(of), [minimum, 0.0][: of.max() + 1])
    left = found.order
    assert left @ cost <= budget + 1e-6
    assert found.spent == pytest.approx(left @ cost, abs=1e-6)
    assert ((left >= 0) & (left <= order)).all()
    assert ((left == 0) | (left >= least)).all()
    assert left / multiple == pytest.approx(np.round(left / multiple))
    first = (left * cost)[of == 0].sum()
    assert (
        first <= 1e-6
        or first >= min(minimum, (order * cost)[of == 0].sum()) - 1e-6
        or ((order * cost)[of == 0].sum() < minimum)
    )
    assert found.saved <= found.most + 1e-9
    if (order / multiple).max() <= STEPS:
        ways = [[n * u for n in range(int(o / u) + 1) if n == 0 or n * u >= k] for o, u, k in
                zip(order, multiple, least, strict=True)]  # fmt: skip
        part = np.array(list(itertools.product(*ways)))
        part = part[part @ cost <= budget]
        some = part / np.where(order > 0, order, 1.0)
        assert ((2 * some - some**2) @ gain).max() <= found.most + 1e-6


def two_suppliers(minimum: float) -> dict[str, object]:
    items = table(
        {"item_id": "a", "unit_cost": 2.0, "unit_price": 4.0, "supplier_id": "v"},
        {"item_id": "b", "unit_cost": 2.0, "unit_price": 9.0, "supplier_id": "w"},
    )
    suppliers = table(
        *({"supplier_id": s, "lead_time_days": 14.0, "lead_time_sd_days": 0.0, "min_order_value": m}
          for s, m in (("v", minimum), ("w", 0.0)))
    )  # fmt: skip
    both = certain(items=items, suppliers=suppliers)
    for name in ("sales", "stock"):
        both[name] = pd.concat([both[name], both[name].assign(item_id="b")], ignore_index=True)
    return both


def test_in_a_plan_the_supplier_whose_minimum_does_not_fit_is_left_out_and_named():
    free = planned(two_suppliers(0.0), budget=200)
    assert free.replenishment.set_index("item_id")["order_quantity"].to_dict() == {"a": 30, "b": 70}
    bound = planned(two_suppliers(100.0), budget=200)
    assert bound.replenishment.set_index("item_id")["order_quantity"].to_dict() == {"a": 0, "b": 70}
    assert any("left out whole" in note and "v for" in note for note in bound.notes)
    assert any("gap" in note for note in bound.notes)
    steps = bound.waterfall.groupby(["item_id", "step"])["units"].sum()
    assert steps["a", "budget"] == -70
    assert bound.orders["line_value"].sum() <= 200
