"""A plan as a viewer sees it: no line of others, and no money from which a cost could be worked out."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from data.frozen import freeze, thaw
from planning import pipeline
from planning.errors import ParameterError
from planning.limited import FURTHER, harmless_columns, limited
from planning.params import Params
from planning.result import PlanResult
from planning.tables import RESULT_TABLES

AS_OF = date(2026, 6, 1)
ITEMS = ("tea", "jam", "pan", "pot", "cup", "lid")
STORES = ("NORTH", "SOUTH")
PARAMS = {"bucket": "day", "horizon_days": 56, "library_fits": 0}
MEASURES = ("fill_rate", "cycle_service_level", "cost")


def company(money: float = 1.0, spread: float = 0.0) -> dict[str, pd.DataFrame]:
    """Two suppliers, a warehouse and two stores; each cost and price is a number that stands nowhere else.

    money : what all of them are multiplied by; `spread` moves each of them differently.
    """
    rng = np.random.default_rng(3)
    days = pd.date_range(end=pd.Timestamp(AS_OF) - pd.Timedelta(days=1), periods=120)
    sales = [
        pd.DataFrame({"date": days, "item_id": item, "location_id": place, "quantity": rng.poisson(4.0 + n, 120) * 1.0})
        for n, item in enumerate(ITEMS)
        for place in STORES
    ]
    own = [1 + spread * ((n * 7) % 5) for n in range(len(ITEMS))]
    cost = [money * own[n] * (3.0719 + 1.1313 * n) for n in range(len(ITEMS))]
    stock = [
        {"item_id": item, "location_id": place, "on_hand": float(held), "as_of": pd.Timestamp(AS_OF)}
        for n, item in enumerate(ITEMS)
        for place, held in (("DEPOT", 30 + 25 * n), ("NORTH", 8 * n), ("SOUTH", 400 if n == 2 else 20))
    ]
    items = {
        "item_id": ITEMS,
        "item_name": [f"the {item}" for item in ITEMS],
        "category": ["food", "food", "iron", "iron", "clay", "iron"],
        "supplier_id": ["SUP-FOOD", "SUP-FOOD", *["SUP-HARD"] * 4],
        "unit_cost": cost,
        "unit_price": [c * 1.731 for c in cost],
        "lead_time_days": 9.0,
        "order_multiple": 6.0,
        "max_stock": [np.nan, np.nan, 90.0, np.nan, np.nan, np.nan],
    }
    links = [{"item_id": i, "location_id": p, "source_id": "DEPOT"} for i in ITEMS for p in STORES]
    orders = {"item_id": ["pan", "jam"], "location_id": ["SOUTH", "DEPOT"], "quantity": [60.0, 40.0]}
    orders |= {"due_on": [pd.Timestamp("2026-06-20"), pd.Timestamp("2026-05-20")], "order_id": ["PO-PAN", "PO-JAM"]}
    lanes = {"source_id": "DEPOT", "destination_id": list(STORES), "transit_days": 2.0}
    lanes |= {"cost_per_unit": 0.0113 * money, "cost_per_shipment": 1.9171 * money}
    terms = {"supplier_id": ["SUP-FOOD", "SUP-HARD"], "min_order_value": [911.37 * money, 4177.93 * money]}
    return {
        "sales": pd.concat(sales, ignore_index=True),
        "stock": pd.DataFrame(stock),
        "items": pd.DataFrame(items),
        "item_locations": pd.DataFrame(links),
        "open_orders": pd.DataFrame(orders),
        "lanes": pd.DataFrame(lanes),
        "suppliers": pd.DataFrame(terms).assign(order_cost=13.717 * money),
    }


def plan(tables: dict[str, pd.DataFrame], **params: object) -> PlanResult:
    return pipeline.plan(tables, AS_OF, Params.from_mapping({**PARAMS, **params}), snapshot_id="5e" * 32)


@pytest.fixture(scope="module")
def whole() -> PlanResult:
    return plan(company(), budget=2777.77, currency="EUR")


def cells(part: object, where: str = "") -> Iterator[tuple[str, object]]:
    """Each number and text of a plan, wherever it stands."""
    if isinstance(part, pd.DataFrame):
        for column in part:
            yield from ((f"{where}.{column}", value) for value in part[column])
    elif isinstance(part, np.ndarray):
        yield from ((where, value) for value in part.ravel())
    elif isinstance(part, dict):
        for name, value in part.items():
            yield f"{where} keys", name
            yield from cells(value, f"{where}.{name}")
    elif isinstance(part, tuple | list):
        for value in part:
            yield from cells(value, where)
    elif isinstance(part, Params):
        yield from cells(part.to_dict(), f"{where}.params")
    elif is_dataclass(part):
        for f in fields(part):
            yield from cells(getattr(part, f.name), f"{where}.{f.name}")
    else:
        yield where, part


def amounts(result: PlanResult, tables: dict[str, pd.DataFrame]) -> set[float]:
    """Every amount of money that went in or came out, but for zero."""
    given = [tables[t][c] for t in tables for c in tables[t] if "cost" in c or "price" in c or "min_order_value" in c]
    made = [
        part[c]
        for name, part in ((f.name, getattr(result, f.name)) for f in fields(result))
        if isinstance(part, pd.DataFrame)
        for c in part
        if c not in harmless_columns(name)
    ]
    totals = [result.totals[name] for name in ("order_value", "lost_margin", "excess_value", "cash_out")]
    told = [*totals, result.solver["objective"], result.params.budget, *(v for one in (*given, *made) for v in one)]
    return {float(value) for value in told if isinstance(value, int | float) and np.isfinite(value) and value}


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("limit", [{}, {"supplier": "SUP-FOOD"}, {"location": "NORTH"}, {"location": "DEPOT"}])
def test_no_canary_amount_stands_in_any_column_total_parameter_or_text(measure: str, limit: dict) -> None:
    tables = company()
    result = plan(tables, budget=2777.77, service_measure=measure, holding_rate_per_year=0.3137)
    known = np.sort(np.array([*amounts(result, tables), 0.3137]))
    spelled = {form.format(v) for v in known for form in ("{:.2f}", "{:,.2f}", "{:.4f}", "{:g}") if v % 1 and v > 1}
    found = []
    for where, value in cells(limited(result, **limit)):
        if isinstance(value, str):
            found += [(where, value) for form in spelled if form in value]
            assert "critical ratio" not in value
        elif isinstance(value, int | float | np.number) and np.isfinite(value) and value:
            near = known[np.searchsorted(known, value - 1e-9).clip(0, len(known) - 1)]
            found += [(where, value)] if abs(near - value) < 1e-9 and value % 1 else []
    assert found == []


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("limit", [{}, {"supplier": "SUP-HARD"}, {"location": "SOUTH"}])
def test_twice_the_money_shows_the_viewer_the_very_same_bytes(measure: str, limit: dict) -> None:
    # All amounts doubled change no decision, so that any byte that differs tells of money.
    seen = [
        freeze(limited(plan(company(money), budget=2777.77 * money, service_measure=measure), **limit))
        for money in (1.0, 2.0)
    ]
    assert seen[0] == seen[1]


def test_other_costs_change_nothing_but_the_class_by_value() -> None:
    # One location and no supplier's minimum: nothing is decided by money, so that nothing may follow it.
    seen = []
    for spread in (0.0, 0.61):
        tables = company(spread=spread)
        tables = {name: tables[name] for name in ("sales", "stock", "items", "open_orders")}
        one = limited(plan(tables))
        seen.append(replace(one, policy=one.policy.assign(abc_class=""), items=one.items.assign(abc_class="")))
    assert freeze(seen[0]) == freeze(seen[1])


def test_hidden_amounts_leave_empty_columns_and_every_unit_as_it_was(whole: PlanResult) -> None:
    seen = limited(whole)
    for name in RESULT_TABLES.keys() - {"rejected"}:
        before, after = getattr(whole, name), getattr(seen, name)
        assert list(before) == list(after)
        if name != "exceptions":
            same = sorted(harmless_columns(name) & set(before) - {"reason"})
            pd.testing.assert_frame_equal(before[same].reset_index(drop=True), after[same])
    for frame, column in (("items", "unit_cost"), ("items", "unit_price"), ("orders", "line_value")):
        assert getattr(whole, frame)[column].notna().any()
        assert getattr(seen, frame)[column].isna().all()
    assert seen.accuracy["error_value"].isna().all()
    assert seen.totals["order_value"] is None
    assert seen.totals["order_lines"] == whole.totals["order_lines"]
    assert seen.params.budget is None
    assert any("2,777.77" in note for note in whole.notes)
    assert not any("2,777.77" in note for note in seen.notes)
    assert set(seen.notes) < set(whole.notes)
    assert seen.exceptions["units_at_stake"].is_monotonic_decreasing
    assert whole.snapshot_id != seen.snapshot_id == ""


def test_every_column_of_a_plan_is_either_known_as_harmless_or_emptied(whole: PlanResult) -> None:
    seen = limited(whole)
    for f in fields(seen):
        part = getattr(seen, f.name)
        if isinstance(part, pd.DataFrame):
            for column in set(part) - harmless_columns(f.name):
                assert part[column].isna().all(), f"{f.name}.{column}"
    assert not {"unit_cost", "unit_price", "error_value", "stock_value"} & {c for cs in FURTHER.values() for c in cs}
    later = replace(whole, steps=whole.steps.assign(margin_lost=3.25))
    assert limited(later).steps["margin_lost"].isna().all()


@pytest.mark.parametrize("hide", [True, False])
def test_a_supplier_sees_the_names_of_no_other_item_supplier_or_category(whole: PlanResult, hide: bool) -> None:
    told = replace(
        whole,
        params=whole.params.but(
            service_target_by_supplier={"SUP-FOOD": 0.97, "SUP-HARD": 0.93},
            service_target_by_category={"food": 0.96, "iron": 0.92},
            what_if=[
                {"kind": "late_supplier", "supplier_id": "SUP-HARD", "days": 9},
                {"kind": "demand", "item_id": "pan", "factor": 2},
                {"kind": "demand", "item_id": "jam", "factor": 2},
                {"kind": "cost", "supplier_id": "SUP-FOOD", "factor": 2},
            ],
        ),
    )
    seen = limited(told, supplier="SUP-FOOD", hide_costs=hide)
    others = ("SUP-HARD", "iron", "clay", "pan", "pot", "cup", "lid", "PO-PAN")
    words = [(where, value) for where, value in cells(seen) if isinstance(value, str)]
    assert [told for told in words if told[1] in others or any(f"the {o}" in told[1] for o in others)] == []
    assert not [told for told in words if "SUP-HARD" in told[1] or "PO-PAN" in told[1]]
    assert set(seen.items["item_id"]) == {"tea", "jam"}
    assert seen.params.service_target_by_supplier == {"SUP-FOOD": 0.97}
    kinds = [change.kind for change in seen.params.what_if]
    assert kinds == (["demand"] if hide else ["demand", "cost"])
    for name in ("service_curve", "calibration", "rivals"):
        assert len(getattr(whole, name))
        assert getattr(seen, name).empty
    assert seen.notes == ()


def test_a_location_sees_its_own_lines_and_the_other_end_of_its_transfers_alone(whole: PlanResult) -> None:
    seen = limited(whole, location="NORTH")
    assert set(seen.items["location_id"]) == {"NORTH"}
    assert len(seen.allocation)
    assert set(seen.allocation["destination_id"]) == {"NORTH"}
    assert set(seen.allocation["reason"]) == {""}
    where = {w for w, value in cells(seen) if isinstance(value, str) and "SOUTH" in value}
    assert where == set()


def test_a_projection_keeps_the_rows_of_its_lines(whole: PlanResult) -> None:
    seen = limited(whole, supplier="SUP-FOOD", location="NORTH")
    mine = (whole.projection.keys["location_id"] == "NORTH") & whole.projection.keys["item_id"].isin(["tea", "jam"])
    rows = np.flatnonzero(mine)
    assert len(rows) == len(seen.projection.keys) == 2
    for f in fields(whole.projection):
        before, after = getattr(whole.projection, f.name), getattr(seen.projection, f.name)
        if f.name == "days":
            assert (before == after).all()
        elif f.name != "keys":
            np.testing.assert_array_equal(before[rows], after)


def test_totals_of_all_suppliers_together_are_those_of_the_plan() -> None:
    whole = plan(company())
    parts = [limited(whole, supplier=name, hide_costs=False).totals for name in ("SUP-FOOD", "SUP-HARD")]
    assert set(parts[0]) == set(whole.totals)
    for name, value in whole.totals.items():
        assert sum(part[name] for part in parts) == pytest.approx(value, abs=1e-5), name
    nothing = limited(whole, hide_costs=False)
    assert nothing.totals == whole.totals
    assert nothing.solver == whole.solver


def test_who_is_not_known_is_refused_and_a_new_kind_of_part_too(whole: PlanResult) -> None:
    with pytest.raises(ParameterError, match="no supplier"):
        limited(whole, supplier="SUP-GHOST")
    with pytest.raises(ParameterError, match="no location"):
        limited(whole, location="")
    later = replace(whole)
    object.__setattr__(later, "steps", ["something new"])
    with pytest.raises(TypeError, match="steps"):
        limited(later)


def test_a_frozen_plan_is_the_same_to_the_last_digit(whole: PlanResult) -> None:
    for result in (whole, limited(whole), limited(whole, supplier="SUP-FOOD")):
        parts = thaw(freeze(result))
        assert freeze(result) == freeze(result)
        for f in fields(result):
            before, after = getattr(result, f.name), parts[f.name]
            if isinstance(before, pd.DataFrame):
                pd.testing.assert_frame_equal(before.reset_index(drop=True), after, check_exact=True)
            elif f.name == "projection":
                pd.testing.assert_frame_equal(before.keys.reset_index(drop=True), after["keys"])
                np.testing.assert_array_equal(before.with_orders, after["with_orders"])
                assert before.with_orders.dtype == after["with_orders"].dtype
            else:
                assert before == after
