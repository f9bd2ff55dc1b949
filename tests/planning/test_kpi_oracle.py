"""Key figures of part of the sample company, worked out again in plain Python from its files."""

import csv
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from functools import lru_cache

import pytest

from data.sample import SAMPLE_AS_OF, SAMPLE_FOLDER
from data.snapshot import read_snapshot
from planning import pipeline
from planning.kpi import build_kpis
from planning.params import Params

ITEMS = ("SKU-0001", "SKU-0005", "SKU-0008", "SKU-0013", "SKU-0020", "SKU-0043", "SKU-0056")
FIRST, LAST = date(2025, 11, 1), date(2026, 10, 31)


def rows(name: str) -> list[dict[str, str]]:
    with (SAMPLE_FOLDER / f"{name}.csv").open(encoding="utf-8-sig", newline="") as file:
        return [row for row in csv.DictReader(file) if row.get("item_id", ITEMS[0]) in ITEMS]


def by_day(name: str) -> Iterator[tuple[str, date, float]]:
    """Item, day and number of a table that has a column a day."""
    for row in rows(name):
        for column, cell in row.items():
            if column[:2] == "20" and cell:
                yield row["item_id"], date.fromisoformat(column), float(cell)


@lru_cache(maxsize=1)
def figures() -> dict[str, float | None]:
    folder = next(path for path in (SAMPLE_FOLDER / "kept").iterdir() if path.is_dir())
    frames = {
        name: frame[frame["item_id"].isin(ITEMS)] if "item_id" in frame and name != "events" else frame
        for name, frame in read_snapshot(folder).items()
    }
    frames = {name: frame.reset_index(drop=True) for name, frame in frames.items()}
    fits = pipeline.fit(frames, SAMPLE_AS_OF, Params())
    plan = pipeline.plan(frames, SAMPLE_AS_OF, Params())
    return {key: kpi.value for key, kpi in build_kpis(frames, plan, fits, as_of=SAMPLE_AS_OF).items()}


def master() -> tuple[dict[str, float], dict[str, float], dict[str, float]]:
    items = {row["item_id"]: row for row in rows("items")}
    cost, price, volume = (
        {key: float(row[name]) for key, row in items.items()} for name in ("unit_cost", "unit_price", "volume")
    )
    return cost, price, volume


def stock(morning: date) -> dict[str, float]:
    """Units of each item in all places; what has expired is no stock any more."""
    out: dict[str, float] = defaultdict(float)
    for row in rows("stock"):
        expired = row["expiry_date"] and date.fromisoformat(row["expiry_date"]) < morning
        if date.fromisoformat(row["as_of"]) == morning and not expired:
            out[row["item_id"]] += float(row["on_hand"])
    return out


def test_stock_sales_and_what_they_earn() -> None:
    cost, price, volume = master()
    told, now = figures(), stock(SAMPLE_AS_OF)
    firsts = [date(2025 + (10 + m) // 12, (10 + m) % 12 + 1, 1) for m in range(13)]
    average = sum(units * cost[item] for day in firsts for item, units in stock(day).items()) / 13
    sold = [(item, units) for item, day, units in by_day("sales") if FIRST <= day <= LAST]
    spent = sum(units * cost[item] for item, units in sold)
    came = [(date.fromisoformat(row["received_on"]), float(row["quantity"])) for row in rows("receipts")]
    received = sum(units for day, units in came if FIRST <= day <= LAST)
    capacity = sum(float(row["capacity"]) for row in rows("locations") if row["capacity"])
    expected = {
        "stock_value": sum(units * cost[item] for item, units in now.items()),
        "turnover": spent / average,
        "days_of_inventory": 365 * average / spent,
        "carrying_cost": 0.25 * average,
        "gmroi": sum(units * (price[item] - cost[item]) for item, units in sold) / average,
        "sell_through": sum(units for _, units in sold) / received,
        "space_used": sum(units * volume[item] for item, units in now.items()) / capacity,
    }
    for name, value in expected.items():
        assert told[name] == pytest.approx(value, rel=1e-9), name


def test_suppliers_over_the_whole_year() -> None:
    lines = defaultdict(list)
    since = SAMPLE_AS_OF - timedelta(days=365)
    for row in rows("receipts"):
        days = (row[f"{name}_on"] for name in ("ordered", "promised", "received"))
        ordered, promised, came = (date.fromisoformat(day) for day in days)
        lines[row["item_id"], row["location_id"], row["supplier_id"], ordered, promised].append(came)
    for row in rows("open_orders"):
        ordered, due = date.fromisoformat(row["ordered_on"]), date.fromisoformat(row["due_on"])
        if SAMPLE_AS_OF - timedelta(days=60) <= due < SAMPLE_AS_OF:
            lines[row["item_id"], row["location_id"], row["supplier_id"], ordered, due].extend([])
    due = {key: came for key, came in lines.items() if since <= key[-1] < SAMPLE_AS_OF}
    punctual = sum(bool(came) and min(came) <= key[-1] for key, came in due.items())
    assert figures()["supplier_on_time"] == pytest.approx(punctual / len(due), rel=1e-9)


def test_counts() -> None:
    cost = master()[0]
    since = SAMPLE_AS_OF - timedelta(days=365)
    counts = [
        (row["item_id"], float(row["book"]), float(row["counted"]))
        for row in rows("counts")
        if date.fromisoformat(row["counted_on"]) > since
    ]
    assert len(counts) > 2
    missing = sum((book - found) * cost[item] for item, book, found in counts)
    apart = sum(abs(book - found) * cost[item] for item, book, found in counts)
    assert figures()["shrinkage"] == pytest.approx(missing, abs=1e-9)
    assert figures()["value_accuracy"] == pytest.approx(1 - apart / sum(b * cost[i] for i, b, _ in counts), rel=1e-9)


def test_lead_times_over_the_whole_year() -> None:
    taken, promised, first = 0, 0, 0
    since = SAMPLE_AS_OF - timedelta(days=365)
    for row in rows("receipts"):
        ordered, due, came = (date.fromisoformat(row[f"{name}_on"]) for name in ("ordered", "promised", "received"))
        if since <= came < SAMPLE_AS_OF:
            taken, promised = taken + (came - ordered).days, promised + (due - ordered).days
            first += came == since
    assert first > 0
    assert figures()["lead_time_adherence"] == pytest.approx(taken / promised, rel=1e-9)
