"""A plan that takes from another what its parameters leave as it is there is the very plan from scratch."""

from dataclasses import fields
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from planning import pipeline
from planning.base import Base
from planning.params import Params
from planning.result import PlanResult, Projection
from tests.planning.test_pipeline import company

AS_OF = date(2026, 6, 1)
START = Params(bucket="day", library_fits=0, what_if=[{"kind": "demand", "factor": 1.1, "item_id": "003"}])
SUPPOSED: tuple[dict[str, Any], ...] = (
    {"kind": "demand", "factor": 1.3},
    {"kind": "demand", "factor": 0.5, "item_id": "001", "location_id": "S1"},
    {"kind": "cost", "factor": 1.4},
    {"kind": "price", "factor": 0.9},
    {"kind": "late_supplier", "days": 21},
    {"kind": "late_supplier", "days": 9, "open_orders": True},
    {"kind": "closed", "days": 14, "source_id": "DC"},
    {"kind": "closed", "days": 14, "source_id": "no such place"},
)
OTHER: dict[str, Any] = {
    "review_period_days": 9,
    "lead_time_days": 20.0,
    "lead_time_sd_fraction": 0.5,
    "transit_days": 4.0,
    "unmet_demand": "backordered",
    "forecast_model": "SESOptimized",
    "demand_multiplier": 1.3,
    "lead_time_multiplier": 2.0,
    "lead_time_added_days": 6.0,
    "delay_open_orders": True,
    "seed": 3,
}
"""Another value of each slow parameter that needs no new forecast."""


@pytest.fixture(scope="module")
def tables() -> dict[str, pd.DataFrame]:
    given = company()
    due = pd.date_range("2026-02-02", periods=16, freq="7D")
    came = pd.DataFrame(
        {
            "item_id": "000",
            "location_id": "DC",
            "supplier_id": "V0",
            "ordered_on": due,
            "received_on": due + pd.to_timedelta(np.arange(16) % 5 + 6, unit="D"),
            "quantity": 20.0,
        }
    )
    return {**given, "receipts": came}


@pytest.fixture(scope="module")
def fits(tables: dict[str, pd.DataFrame]) -> pipeline.Fits:
    return pipeline.fit(tables, AS_OF, START)


@pytest.fixture(scope="module")
def base(tables: dict[str, pd.DataFrame], fits: pipeline.Fits) -> Base:
    return pipeline.prepare(tables, AS_OF, START, fits=fits)


def assert_same(one: PlanResult, other: PlanResult) -> None:
    """Every frame, array, total and note is the same to the last digit."""
    for f in fields(PlanResult):
        a, b = getattr(one, f.name), getattr(other, f.name)
        if isinstance(a, pd.DataFrame):
            pd.testing.assert_frame_equal(a, b, check_exact=True, obj=f.name)
        elif isinstance(a, Projection):
            for part in fields(Projection):
                np.testing.assert_array_equal(np.asarray(getattr(a, part.name)), np.asarray(getattr(b, part.name)))
        else:
            assert a == b, f.name


def both(tables: Any, fits: pipeline.Fits, base: Base, params: Params) -> tuple[PlanResult, PlanResult]:
    anew = pipeline.prepare(tables, AS_OF, params, fits=fits)
    reused = pipeline.prepare(tables, AS_OF, params, fits=fits, like=base)
    return pipeline.finish(anew, AS_OF, params), pipeline.finish(reused, AS_OF, params)


def test_every_slow_parameter_is_tried() -> None:
    heavy = {*pipeline.HEAVY, "bucket"}
    assert set(OTHER) == set(Params().to_dict()) - set(pipeline.QUICK) - heavy - {"what_if"}


@pytest.mark.parametrize("name", OTHER)
def test_a_changed_parameter_gives_the_plan_from_scratch(
    name: str, tables: Any, fits: pipeline.Fits, base: Base
) -> None:
    params = START.but(**{name: OTHER[name]})
    assert_same(*both(tables, fits, base, params))


@pytest.mark.parametrize("change", SUPPOSED, ids=lambda change: f"{change['kind']} {len(change)}")
def test_a_supposed_change_gives_the_plan_from_scratch(
    change: dict[str, Any], tables: Any, fits: pipeline.Fits, base: Base
) -> None:
    assert_same(*both(tables, fits, base, START.but(what_if=[change])))
    assert_same(*both(tables, fits, base, START.but(what_if=[*START.to_dict()["what_if"], change], budget=500.0)))


def test_what_did_not_change_is_taken_as_it_is(tables: Any, fits: pipeline.Fits, base: Base) -> None:
    def made(**changes: Any) -> Base:
        return pipeline.prepare(tables, AS_OF, START.but(**changes), fits=fits, like=base)

    same = made()
    assert same.need is base.need
    assert same.demand is base.demand
    more = made(what_if=[{"kind": "demand", "factor": 1.2}])
    assert more.ground.positions is base.ground.positions
    assert more.choice is base.choice
    assert more.demand is not base.demand
    dearer = made(what_if=[*START.to_dict()["what_if"], {"kind": "cost", "factor": 2}])
    assert dearer.network is base.network
    assert dearer.need is base.need
    assert dearer.positions.column("unit_cost").sum() == pytest.approx(2 * base.positions.column("unit_cost").sum())


def test_a_base_of_other_fits_is_not_looked_at(tables: Any, base: Base) -> None:
    other = pipeline.fit(tables, AS_OF, START)
    made = pipeline.prepare(tables, AS_OF, START, fits=other, like=base)
    assert made.network is not base.network
    assert_same(pipeline.finish(made, AS_OF, START), pipeline.finish(base, AS_OF, START))
