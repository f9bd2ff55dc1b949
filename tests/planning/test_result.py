"""A plan whose parts are made when they are asked for tells the same as one that is made whole."""

from dataclasses import fields, replace

import numpy as np
import pandas as pd
import pytest

from planning import pipeline
from planning.params import Params
from planning.result import PlanResult
from tests.planning.test_pipeline import AS_OF, company

ROWS = np.array([1, 4])


@pytest.fixture(scope="module")
def base():
    return pipeline.prepare(company(), AS_OF, Params())


@pytest.fixture
def plan(base):
    return pipeline.finish(base, AS_OF, Params(service_target=0.9))


def test_a_plan_is_made_without_what_nobody_has_asked_for(plan):
    assert not {"replenishment", "waterfall", "exceptions", "planned_orders", "projection"} & set(vars(plan))
    assert "reason" not in plan.lines
    assert "reason" in plan.replenishment
    assert plan.lines is plan.replenishment


def test_what_is_made_once_is_kept(plan):
    assert plan.exceptions is plan.exceptions


def test_lines_are_the_replenishment_but_for_the_reasons(plan):
    quick = plan.lines
    pd.testing.assert_frame_equal(quick, plan.replenishment.drop(columns="reason")[list(quick)], check_exact=True)


def test_reasons_of_some_rows_are_those_of_all(plan):
    few = plan.reasons(ROWS)
    assert few.tolist() == plan.replenishment["reason"].iloc[ROWS].tolist()
    assert plan.reasons(ROWS).tolist() == few.tolist()


def test_a_plan_near_some_rows_tells_them_as_the_whole_does(plan):
    near = plan.near(ROWS)
    keys = pd.MultiIndex.from_frame(near.lines[["item_id", "location_id"]])
    assert len(near.projection.keys) == len(keys) == len(ROWS)
    for name in ("replenishment", "policy", "items", "waterfall"):
        whole = getattr(plan, name)
        mine = whole[pd.MultiIndex.from_frame(whole[["item_id", "location_id"]]).isin(keys)].reset_index(drop=True)
        pd.testing.assert_frame_equal(getattr(near, name), mine, check_exact=True, obj=name)
    for each in fields(near.projection):
        if each.name not in ("keys", "days"):
            found, wanted = getattr(near.projection, each.name), getattr(plan.projection, each.name)[ROWS]
            assert np.array_equal(found, wanted), each.name
    assert near.exceptions is plan.exceptions
    assert near.reasons(np.array([1])).tolist() == plan.reasons(ROWS[1:]).tolist()


def test_a_plan_of_which_a_part_is_replaced_has_all_others(plan):
    other = replace(plan, notes=())
    for each in fields(PlanResult):
        if isinstance(getattr(plan, each.name), pd.DataFrame):
            assert getattr(other, each.name) is getattr(plan, each.name)
    assert other.near(ROWS) is other
    assert other.reasons(ROWS).tolist() == plan.reasons(ROWS).tolist()


def test_a_plan_has_no_part_that_it_does_not_know(plan):
    with pytest.raises(AttributeError, match="nonsense"):
        plan.nonsense  # noqa: B018
