"""Histories that are hard: a finite plan and a reason for each, and no item spoils another."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from planning import pipeline
from planning.fits import Fits
from planning.params import Params
from planning.reason_codes import REASON_CODES
from planning.result import PlanResult

AS_OF = date(2026, 6, 1)
MORNING = pd.Timestamp(AS_OF)
WEEKS = 80


def day(number: float) -> pd.Timestamp:
    return MORNING + pd.Timedelta(days=number)


def weekly(name: str, quantities: np.ndarray | list[float]) -> pd.DataFrame:
    n = len(quantities)
    dates = [day(-7 * (n - k)) for k in range(n)]
    return pd.DataFrame(
        {"date": dates, "item_id": name, "location_id": "S1", "quantity": np.asarray(quantities, float)}
    )


def usual(items: int = 6, weeks: int = WEEKS) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    return pd.concat([weekly(f"ok{k}", rng.poisson(3.0 * k + 1, weeks) + 1.0) for k in range(items)])


def shelf(name: str, weeks: list[int], in_stock: float) -> pd.DataFrame:
    return pd.DataFrame(
        {"date": [day(-7 * k) for k in weeks], "item_id": name, "location_id": "S1", "in_stock": in_stock}
    )


def bad() -> dict[str, tuple[pd.DataFrame, pd.DataFrame, str]]:
    """Sales, availability and the reason that is due, by kind of fault."""
    none, always = usual().iloc[:0], list(range(1, WEEKS + 1))
    rng = np.random.default_rng(7)
    steady = rng.poisson(5.0, WEEKS) + 1.0
    before = np.arange(WEEKS) < WEEKS - 13
    return {
        "no history": (none, shelf("bad", [], 1.0), "NO_HISTORY"),
        "all zeros": (none, shelf("bad", always, 1.0), "NO_DEMAND"),
        "zeros told": (weekly("bad", np.zeros(WEEKS)), shelf("bad", always, 1.0), "NO_DEMAND"),
        "one sale": (weekly("bad", np.eye(WEEKS)[40] * 7), shelf("bad", always, 1.0), "ONE_SALE"),
        "all censored": (weekly("bad", steady), shelf("bad", always, 0.0), "ALL_CENSORED"),
        "mostly censored": (weekly("bad", steady), shelf("bad", always[:60], 0.0), "CENSORED_OVER_HALF"),
        "only returns": (weekly("bad", -steady), shelf("bad", [], 1.0), "NO_HISTORY"),
        "returns between": (weekly("bad", np.where(np.arange(WEEKS) % 3, steady, -50)), shelf("bad", [], 1.0), ""),
        "up a hundred times": (weekly("bad", np.where(before, steady, steady * 100)), none, "LEVEL_SHIFT"),
        "down a hundred times": (weekly("bad", np.where(before, steady * 100, steady)), none, "LEVEL_SHIFT"),
        "three weeks of data": (weekly("bad", [4.0, 3.0, 5.0]), none, "NEW"),
        "one typing error": (weekly("bad", np.where(np.arange(WEEKS) == 50, 1e9, steady)), none, ""),
        "very large": (weekly("bad", steady * 1e9), none, ""),
        "very small": (weekly("bad", steady * 1e-6), none, ""),
        "a quarter off the shelf": (weekly("bad", steady), shelf("bad", always[:14], 0.0), ""),
    }  # fmt: skip


def inputs(kind: str | None) -> dict[str, pd.DataFrame]:
    names = [f"ok{k}" for k in range(6)]
    tables = {"sales": usual()}
    if kind:
        sales, told, _ = bad()[kind]
        tables["sales"] = pd.concat([tables["sales"], sales], ignore_index=True)
        if "in_stock" in told and len(told):
            tables["availability"] = told
        names.append("bad")
    tables["stock"] = pd.DataFrame({"item_id": names, "location_id": "S1", "on_hand": 4.0, "unit_cost": 2.0})
    return tables


def planned(tables: dict[str, pd.DataFrame], params: Params) -> tuple[Fits, PlanResult]:
    fits = pipeline.fit(tables, AS_OF, params)
    return fits, pipeline.plan(tables, AS_OF, params, fits=fits)


def finite(fits: Fits, plan: PlanResult) -> None:
    assert np.isfinite(fits.levels[..., -1]).all()
    assert (fits.levels[..., -1] >= 0).all()
    assert np.isfinite(fits.index()).all()
    assert set(fits.reason) <= set(REASON_CODES)
    values = plan.forecast.select_dtypes("number")
    assert np.isfinite(values.to_numpy(float)).all()
    assert (values["mean"] >= 0).all()
    for frame in (plan.policy, plan.replenishment, plan.orders, plan.planned_orders):
        numbers = frame.select_dtypes("number").to_numpy(float)
        assert not np.isinf(numbers).any()
    order = plan.replenishment["order_quantity"].to_numpy(float)
    assert np.isfinite(order).all()
    assert (order >= 0).all()


@pytest.mark.parametrize("kind", bad())
def test_a_hard_history_has_a_finite_plan_and_its_reason(kind):
    fits, plan = planned(inputs(kind), Params(library_fits=0))
    finite(fits, plan)
    assert fits.reason[list(fits.keys["item_id"]).index("bad")] == bad()[kind][2]
    assert (fits.reason[fits.keys["item_id"].to_numpy() != "bad"] == "").all()


@pytest.mark.parametrize("kind", bad())
def test_a_hard_history_spoils_no_other(kind):
    # Within two years of weeks no season is shared; a category's trend and the choice of models are, by design.
    apart, among = (pipeline.fit(inputs(k), AS_OF, Params(library_fits=0)) for k in (None, kind))
    others = among.keys["item_id"].to_numpy() != "bad"
    assert among.keys["item_id"][others].tolist() == apart.keys["item_id"].tolist()
    for name in ("sales", "demand", "active", "outlier", "reason", "demand_class", "whole"):
        np.testing.assert_array_equal(getattr(among, name)[others], getattr(apart, name), err_msg=name)
    own = [k for k, member in enumerate(among.members) if member != "CategoryTrend"]
    np.testing.assert_array_equal(among.levels[others][:, own], apart.levels[:, own])
    moved = among.levels[others][:, -1] / apart.levels[:, -1]
    assert among.members[-1] == "CategoryTrend"
    assert ((moved > 0.25) & (moved < 4)).all()
    np.testing.assert_array_equal(among.origins, apart.origins)


def test_all_of_them_at_once_with_models_of_the_library():
    tables = inputs(None)
    shelves = []
    for kind, (sales, told, _) in bad().items():
        tables["sales"] = pd.concat([tables["sales"], sales.assign(item_id=kind)], ignore_index=True)
        shelves += [told.assign(item_id=kind)] if len(told) and "in_stock" in told else []
    names = [*tables["stock"]["item_id"], *bad()]
    tables["stock"] = pd.DataFrame({"item_id": names, "location_id": "S1", "on_hand": 4.0, "unit_cost": 2.0})
    tables["availability"] = pd.concat(shelves)
    fits, plan = planned(tables, Params(library_fits=300))
    finite(fits, plan)
    assert len(fits.library.rows) > 4
    found = dict(zip(fits.keys["item_id"], fits.reason, strict=True))
    assert {kind: found[kind] for kind in bad()} == {kind: reason for kind, (_, _, reason) in bad().items()}


@pytest.mark.parametrize("kind", ["all zeros", "all censored", "no history", "only returns"])
def test_a_plan_of_nothing_but_a_hard_history_is_finite(kind):
    sales, told, _ = bad()[kind]
    stock = pd.DataFrame({"item_id": ["bad"], "location_id": "S1", "on_hand": 4.0})
    tables = {"sales": sales, "stock": stock} | ({"availability": told} if len(told) else {})
    finite(*planned(tables, Params()))


def test_twenty_years_of_days_are_planned():
    dates = pd.date_range(day(-20 * 365), day(-1))
    rng = np.random.default_rng(5)
    sold = [pd.DataFrame({"date": dates, "item_id": k, "quantity": rng.poisson(4.0, len(dates)) * 1.0}) for k in "ab"]
    sales = pd.concat(sold).assign(location_id="S1")
    late = pd.DataFrame({"date": dates[-30:], "item_id": "c", "location_id": "S1", "quantity": 2.0})
    stock = pd.DataFrame({"item_id": list("abc"), "location_id": "S1", "on_hand": 3.0})
    tables = {"sales": pd.concat([sales, late]), "stock": stock}
    fits, plan = planned(tables, Params(bucket="day", library_fits=30))
    assert fits.periods == 20 * 365
    finite(fits, plan)
    assert plan.forecast.loc[plan.forecast["item_id"] != "c", "mean"].mean() == pytest.approx(4, rel=0.1)


def many(categories: int | None) -> dict[str, pd.DataFrame]:
    """Five thousand items, half a year, in so many categories; the first one sells a hundred times as much."""
    rng = np.random.default_rng(9)
    names = [f"i{k:04d}" for k in range(5000)]
    sold = rng.poisson(2.0, (5000, 30)).astype(float)
    sold[0] *= 100
    rows, weeks = np.nonzero(sold)
    dates = MORNING - pd.to_timedelta(7 * (30 - weeks), unit="D")
    sales = pd.DataFrame({"date": dates, "item_id": np.array(names)[rows], "quantity": sold[rows, weeks]})
    sales["location_id"] = "S1"
    stock = pd.DataFrame({"item_id": names, "location_id": "S1", "on_hand": 4.0})
    items = pd.DataFrame({"item_id": names})
    items["category"] = [f"c{k % categories}" if categories else None for k in range(5000)]
    return {"sales": sales, "stock": stock, "items": items}


@pytest.mark.parametrize("categories", [1, 5000, None])
def test_five_thousand_items_of_one_category_or_each_in_its_own(categories):
    fits, plan = planned(many(categories), Params(library_fits=0))
    finite(fits, plan)
    assert len(fits.keys) == 5000
    mean = plan.forecast.groupby("item_id")["mean"].mean()
    assert mean.iloc[0] == pytest.approx(200, rel=0.15)
    assert mean.iloc[1:].mean() == pytest.approx(2, rel=0.05)
