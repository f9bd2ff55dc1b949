"""Each warning is found where it is, stays silent where it is not, and tells what is at stake."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from data.findings import FINDERS, Finding, find_warnings
from data.sample import sample_sources
from data.service import preview_import, warnings
from planning.params import Params
from planning.quality import PARTS
from planning.tables import INPUT_TABLES

AS_OF = date(2026, 3, 2)
DAYS = pd.date_range("2026-01-01", "2026-03-01", freq="D").astype("datetime64[s]")


def table(name: str, **columns: Any) -> pd.DataFrame:
    """Return a contract frame: dates from text, the columns that are not given left out."""
    frame = pd.DataFrame({k: np.atleast_1d(np.array(v, dtype=object)) for k, v in columns.items()})
    for column in INPUT_TABLES[name].columns:
        if column.name not in frame:
            continue
        if column.kind == "date":
            frame[column.name] = pd.to_datetime(frame[column.name]).astype("datetime64[s]")
        elif column.kind not in ("id", "text"):
            frame[column.name] = frame[column.name].astype(float)
    return frame


def daily(item: str = "A", place: str | None = "S1", units: float = 2.0, price: float | None = 5.0) -> pd.DataFrame:
    n = len(DAYS)
    return table(
        "sales",
        date=list(DAYS),
        item_id=[item] * n,
        quantity=[units] * n,
        location_id=[place] * n,
        unit_price=[price] * n,
    )


def sound() -> dict[str, pd.DataFrame]:
    """Tables that give no warning."""
    return {
        "sales": daily(),
        "stock": table("stock", item_id="A", on_hand=7, location_id="S1", as_of="2026-03-02"),
        "items": table("items", item_id="A", unit_cost=3, unit_price=5, lead_time_days=7, supplier_id="SUP"),
    }


def found(frames: Mapping[str, pd.DataFrame], **params: Any) -> dict[str, Finding]:
    return {finding.key: finding for finding in find_warnings(frames, AS_OF, Params(**params))}


def only(frames: Mapping[str, pd.DataFrame], key: str) -> Finding:
    told = found(frames)
    assert set(told) - {"planned_on_assumptions"} == {key}
    return told[key]


def test_sound_tables_give_no_warning() -> None:
    assert found(sound()) == {}


def test_the_sample_company_gives_few_warnings_and_all_are_whole() -> None:
    told = warnings(preview_import(sample_sources()).frames)
    assert len(told) < len(FINDERS)
    for finding in told:
        assert finding.count > 0
        assert len(finding.rows) > 0
        assert 0 <= finding.share <= 1
        assert finding.part in {*PARTS, "summary"}
        assert all((finding.title, finding.effect, finding.remedy, finding.of))


@pytest.mark.parametrize("missing", [["sales"], ["stock"], ["sales", "stock", "items"]])
def test_any_table_may_be_absent(missing: list[str]) -> None:
    find_warnings({name: frame for name, frame in sound().items() if name not in missing}, AS_OF)


@pytest.mark.parametrize("name", list(INPUT_TABLES))
def test_any_table_may_be_empty(name: str) -> None:
    find_warnings({**sound(), name: pd.DataFrame(columns=list(INPUT_TABLES[name].names))}, AS_OF)


def test_an_item_in_stock_without_master_data_is_told_with_its_units_and_cost() -> None:
    stock = table(
        "stock",
        item_id=["A", "X"],
        on_hand=[7, 9],
        location_id=["S1", "S1"],
        as_of=["2026-03-02"] * 2,
        unit_cost=[3, 2],
    )
    told = found({**sound(), "stock": stock})["unknown_item_in_stock"]
    assert (told.count, told.units, told.value, told.share) == (1, 9.0, 18.0, 9 / 16)
    assert told.rows["item_id"].tolist() == ["X"]


def test_a_location_that_never_sells_is_told_unless_it_is_a_warehouse() -> None:
    stock = table(
        "stock", item_id=["A", "A"], on_hand=[7, 30], location_id=["S1", "W"], as_of=["2026-03-02", "2026-03-02"]
    )
    told = only({**sound(), "stock": stock}, "location_never_sells")
    assert (told.count, told.units, told.value) == (1, 30.0, 90.0)
    places = table("locations", location_id=["S1", "W"], kind=["store", "warehouse"])
    assert found({**sound(), "stock": stock, "locations": places}) == {}


def test_sales_that_stop_before_the_count_are_told_by_location() -> None:
    early = daily("A", "S2")
    early = early[early["date"] < "2026-02-01"]
    stock = table("stock", item_id=["A", "A"], on_hand=[7, 7], location_id=["S1", "S2"], as_of=["2026-03-02"] * 2)
    told = only(
        {**sound(), "sales": pd.concat([daily(), early], ignore_index=True), "stock": stock}, "sales_stop_early"
    )
    assert told.rows["location_id"].tolist() == ["S2"]
    assert told.rows["days"].tolist() == [30.0]  # after 31 January until the morning of 2 March: 29 days, and one
    assert told.units == 60.0
    assert "too low" in told.effect


def test_a_missing_cost_is_told_with_the_sales_that_it_touches() -> None:
    frames = {**sound(), "items": sound()["items"].drop(columns="unit_cost")}
    told = only(frames, "cost_missing")
    assert (told.count, told.units, told.value, told.share) == (1, 120.0, 600.0, 1.0)
    assert found(frames)["planned_on_assumptions"].share == 1.0
    stock = sound()["stock"].assign(unit_cost=2.0)
    assert found({**frames, "stock": stock}) == {}


def test_a_missing_lead_time_is_told_with_the_days_that_are_assumed() -> None:
    frames = {**sound(), "items": sound()["items"].drop(columns="lead_time_days")}
    assert "9 days" in found(frames, lead_time_days=9.0)["lead_time_missing"].effect
    receipt = table("receipts", item_id="A", ordered_on="2026-01-02", received_on="2026-01-09", quantity=5)
    supplier = table("suppliers", supplier_id="SUP", lead_time_days=4)
    place = table("item_locations", item_id="A", location_id="S1", lead_time_days=4)
    for name, frame in (("receipts", receipt), ("suppliers", supplier), ("item_locations", place)):
        assert found({**frames, name: frame}) == {}


def test_two_spellings_of_one_item_are_told_and_kept_apart() -> None:
    both = pd.concat([daily("ab 1"), daily("AB1", units=1)], ignore_index=True)
    told = found({"sales": both})["spelled_twice"]
    assert (told.count, told.units) == (1, 60.0)
    assert sorted(told.rows["item_id"]) == ["AB1", "ab 1"]
    assert told.rows["alike"].nunique() == 1


def test_a_sale_taken_back_whole_on_its_day_is_told_once_with_both_rows() -> None:
    more = table(
        "sales",
        date=["2026-02-03"] * 4,
        item_id=["A"] * 4,
        quantity=[80995, -80995, -80995, -1],
        location_id=["S1"] * 4,
        unit_price=[1, 1, 1, 1],
    )
    told = only({**sound(), "sales": pd.concat([daily(), more], ignore_index=True)}, "cancelled_pairs")
    assert (told.count, told.units, told.value) == (1, 80995.0, 80995.0)
    assert sorted(told.rows["quantity"]) == [-80995.0, 80995.0]


def test_a_gap_like_a_closure_is_told_unless_an_event_says_so() -> None:
    sales = daily()
    closed = sales[~sales["date"].between(pd.Timestamp("2026-02-03"), pd.Timestamp("2026-02-14"))]
    frames = {**sound(), "sales": closed}
    told = only(frames, "looks_closed")
    assert told.count == 1
    row = told.rows.iloc[0]
    assert (row["starts_on"], row["ends_on"], row["days"]) == (
        pd.Timestamp("2026-02-03"),
        pd.Timestamp("2026-02-14"),
        12,
    )
    event = table("events", starts_on="2026-02-03", ends_on="2026-02-14", uplift=0)
    assert found({**frames, "events": event}) == {}
    few = sales[sales["date"].dt.weekday == 0]
    assert "looks_closed" not in found({**sound(), "sales": few})


def test_prices_of_zero_are_told() -> None:
    free = daily(price=0.0).head(3)
    told = only({**sound(), "sales": pd.concat([daily(), free], ignore_index=True)}, "price_zero")
    assert (told.count, told.units) == (1, 6.0)
    assert only({**sound(), "items": sound()["items"].assign(unit_price=0.0)}, "price_zero").count == 1


def test_what_sells_without_a_stock_row_is_told_with_the_units_it_sold() -> None:
    items = table("items", item_id=["A", "B"], unit_cost=[3, 3], lead_time_days=[7, 7])
    both = pd.concat([daily(), daily("B", units=4)], ignore_index=True)
    told = only({**sound(), "sales": both, "items": items}, "sells_without_stock")
    assert (told.count, told.units, told.value, told.share) == (1, 240.0, 1200.0, 2 / 3)
    # A count of before does not stand for the latest one.
    stock = table(
        "stock", item_id=["B", "A"], on_hand=[1, 7], location_id=["S1"] * 2, as_of=["2026-02-01", "2026-03-02"]
    )
    assert only({**sound(), "sales": both, "items": items, "stock": stock}, "sells_without_stock").count == 1


def test_open_orders_that_look_received_are_told_with_what_still_counts() -> None:
    orders = table(
        "open_orders",
        item_id=["A"] * 5,
        quantity=[10, 20, 30, 40, 50],
        due_on=["2026-03-09", "2026-02-20", "2025-12-01", "2026-02-25", "2026-03-20"],
        location_id=["S1"] * 5,
        order_id=["P1", None, "P3", "P4", "P5"],
        ordered_on=["2026-02-20", "2026-02-01", "2025-11-01", "2026-02-01", "2026-03-01"],
    )
    receipts = table(
        "receipts",
        item_id=["A", "A"],
        quantity=[10, 20],
        ordered_on=["2026-02-20", "2026-02-01"],
        received_on=["2026-03-01", "2026-02-21"],
        location_id=["S1"] * 2,
        order_id=["P1", None],
    )
    told = only({**sound(), "open_orders": orders, "receipts": receipts}, "open_orders_look_received")
    assert told.rows["quantity"].tolist() == [10.0, 20.0, 30.0]
    assert told.rows["counted"].tolist() == [False, True, False]
    assert (told.count, told.units, told.value, told.share) == (3, 60.0, 180.0, 0.4)


def test_sales_without_a_location_are_told_while_the_stock_has_several() -> None:
    stock = table("stock", item_id=["A", "A"], on_hand=[7, 7], location_id=["S1", "S2"], as_of=["2026-03-02"] * 2)
    frames = {**sound(), "stock": stock, "sales": daily(place=None)}
    told = only(frames, "sales_without_location")
    assert (told.count, told.units, told.share) == (60, 120.0, 1.0)
    assert "MAIN" in told.effect
    assert "sales_without_location" not in found({**frames, "stock": sound()["stock"]})


def test_the_heaviest_warning_comes_first() -> None:
    frames = {**sound(), "items": sound()["items"].drop(columns="unit_cost")}
    frames["sales"] = pd.concat([daily(), daily(price=0.0).head(1)], ignore_index=True)
    told = find_warnings(frames, AS_OF)
    assert [f.share for f in told] == sorted((f.share for f in told), reverse=True)
    assert told[-1].key == "price_zero"


def test_half_a_million_rows_are_looked_at_in_seconds() -> None:
    import time

    rng = np.random.default_rng(0)
    n = 540_000
    sales = pd.DataFrame(
        {
            "date": pd.Timestamp("2026-03-01") - pd.to_timedelta(rng.integers(0, 400, n), unit="D"),
            "item_id": np.array([f"SKU-{k}" for k in range(4000)], dtype=object)[rng.integers(0, 4000, n)],
            "quantity": rng.integers(-3, 20, n).astype(float),
            "location_id": np.array(["S1", "S2", "S3"], dtype=object)[rng.integers(0, 3, n)],
            "unit_price": rng.random(n),
        }
    )
    start = time.process_time()
    find_warnings({**sound(), "sales": sales}, AS_OF)
    assert time.process_time() - start < 5
