"""A new import beside an earlier one: nothing counts twice, nothing is lost unless it is told anew."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.merge import default_how, merged
from planning.errors import InputError
from planning.tables import INPUT_TABLES


def table(name: str, *rows: tuple[Any, ...], columns: tuple[str, ...]) -> pd.DataFrame:
    """Return a contract frame with all its columns."""
    given = pd.DataFrame(list(rows), columns=list(columns))
    out = {}
    for c in INPUT_TABLES[name].columns:
        values = given[c.name] if c.name in given else pd.Series([None] * len(given))
        if c.kind == "date":
            out[c.name] = pd.to_datetime(values).astype("datetime64[s]")
        else:
            out[c.name] = values.astype(object if c.kind in ("id", "text") else "float64")
    return pd.DataFrame(out)


def sales(*rows: tuple[Any, ...]) -> pd.DataFrame:
    return table("sales", *rows, columns=("date", "item_id", "quantity", "location_id", "order_id"))


def stock(*rows: tuple[Any, ...]) -> pd.DataFrame:
    return table("stock", *rows, columns=("as_of", "item_id", "on_hand", "location_id", "lot_id"))


def told(frame: pd.DataFrame, *columns: str) -> list[tuple[Any, ...]]:
    rows = frame[list(columns)].astype(object)
    dates = [
        c for c in columns if INPUT_TABLES["sales"].by_name.get(c, INPUT_TABLES["stock"].by_name.get(c)).kind == "date"
    ]
    for c in dates:
        rows[c] = frame[c].dt.strftime("%d")
    return sorted(map(tuple, rows.to_numpy().tolist()), key=str)


DAY1 = stock(("2026-01-05", "A", 5, "S1", None), ("2026-01-05", "B", 2, "S1", None), ("2026-01-05", "A", 9, "S2", None))


def test_daily_stock_files_become_stock_history() -> None:
    day2 = stock(("2026-01-06", "A", 4, "S1", None), ("2026-01-06", "A", 8, "S2", None))
    both, notes = merged({"stock": day2}, {"stock": DAY1})
    assert told(both["stock"], "as_of", "item_id", "location_id", "on_hand") == [
        ("05", "A", "S1", 5.0),
        ("05", "A", "S2", 9.0),
        ("05", "B", "S1", 2.0),
        ("06", "A", "S1", 4.0),
        ("06", "A", "S2", 8.0),
    ]
    assert notes == ["stock: 3 earlier rows stay beside the new ones"]


def test_a_count_of_the_same_day_replaces_that_of_its_items_with_all_its_lots() -> None:
    lots = stock(
        ("2026-01-05", "A", 3, "S1", "L1"), ("2026-01-05", "A", 2, "S1", "L2"), ("2026-01-05", "B", 2, "S1", None)
    )
    again = stock(("2026-01-05", "A", 6, "S1", None))
    both, notes = merged({"stock": again}, {"stock": lots})
    assert told(both["stock"], "item_id", "on_hand") == [("A", 6.0), ("B", 2.0)]
    assert "2 earlier rows were replaced" in notes[0]


def test_a_count_without_a_date_replaces_all_and_is_replaced_by_a_dated_one() -> None:
    undated = stock((None, "A", 6, "S1", None), (None, "A", 1, "S3", None))
    assert told(merged({"stock": undated}, {"stock": DAY1})[0]["stock"], "on_hand") == [(1.0,), (6.0,)]
    both, _ = merged({"stock": DAY1}, {"stock": undated})
    assert told(both["stock"], "location_id", "on_hand") == [("S1", 2.0), ("S1", 5.0), ("S2", 9.0), ("S3", 1.0)]


def test_stock_can_be_replaced_wholly() -> None:
    day2 = stock(("2026-01-06", "A", 4, "S1", None))
    both, notes = merged({"stock": day2}, {"stock": DAY1}, {"stock": "replace"})
    assert len(both["stock"]) == 1
    assert notes == []


def test_other_tables_add_by_their_key_when_asked_and_an_unknown_part_equals_an_unknown_one() -> None:
    columns = ("item_id", "item_name", "unit_cost")
    earlier = table("items", ("A", "Apple", 1), ("B", "Bread", 2), columns=columns)
    new = table("items", ("B", "Brown bread", 3), ("C", "Cake", 4), columns=columns)
    both, _ = merged({"items": new}, {"items": earlier}, {"items": "add"})
    assert told_items(both["items"]) == [("A", 1.0), ("B", 3.0), ("C", 4.0)]
    assert told_items(merged({"items": new}, {"items": earlier})[0]["items"]) == [("B", 3.0), ("C", 4.0)]
    names = ("item_id", "ordered_on", "received_on", "quantity")
    receipts = table("receipts", ("A", "2026-01-01", "2026-01-05", 3), columns=names)
    assert len(merged({"receipts": receipts}, {"receipts": receipts})[0]["receipts"]) == 1


def told_items(frame: pd.DataFrame) -> list[tuple[Any, ...]]:
    return sorted(zip(frame["item_id"], frame["unit_cost"], strict=True))


def test_what_tells_events_adds_and_what_tells_a_state_replaces() -> None:
    assert {name for name in INPUT_TABLES if default_how(name) == "add"} == {
        "sales",
        "stock",
        "receipts",
        "availability",
        "counts",
    }


def test_appended_sales_leave_the_others_of_their_dates() -> None:
    earlier = sales(("2026-01-05", "A", 3, "S1", "o1"), ("2026-01-06", "A", 2, "S1", None))
    new = sales(("2026-01-05", "A", 4, "S1", "o1"), ("2026-01-06", "B", 1, "S1", None))
    both, _ = merged({"sales": new}, {"sales": earlier}, {"sales": "append"})
    assert told(both["sales"], "date", "item_id", "quantity") == [("05", "A", 4.0), ("06", "A", 2.0), ("06", "B", 1.0)]
    again, notes = merged({"sales": new}, both, {"sales": "append"})
    assert len(again["sales"]) == 3
    assert "nothing was added" in notes[0]


@pytest.mark.parametrize(
    ("how", "fault"),
    [({"salse": "add"}, "is no table"), ({"sales": "merge"}, "is none of add, replace, append")],
)
def test_a_wrong_wish_is_refused(how: dict[str, Any], fault: str) -> None:
    with pytest.raises(InputError, match=fault):
        merged({}, {}, how)


def test_an_empty_table_takes_nothing_away() -> None:
    for name, frame in (("stock", DAY1), ("sales", sales(("2026-01-05", "A", 3, "S1", None)))):
        assert len(merged({name: frame.iloc[:0]}, {name: frame})[0][name]) == len(frame)
        assert len(merged({name: frame}, {name: frame.iloc[:0]})[0][name]) == len(frame)


EXPORTS = st.lists(
    st.tuples(st.integers(0, 20), st.integers(1, 15), st.sampled_from(["S1", "S2", "both"])), min_size=1, max_size=8
)


@given(EXPORTS)
def test_overlapping_exports_of_one_truth_never_count_twice(exports: list[tuple[int, int, str]]) -> None:
    rng = np.random.default_rng(1)
    truth = pd.DataFrame(
        {
            "date": (pd.Timestamp("2026-01-01") + pd.to_timedelta(rng.integers(0, 35, 120), unit="D")),
            "item_id": pd.Series(rng.choice(["A", "B", "C"], 120), dtype=object),
            "quantity": rng.integers(1, 9, 120).astype(float),
            "location_id": pd.Series(rng.choice(["S1", "S2"], 120), dtype=object),
        }
    ).assign(order_id=None)
    frames: dict[str, pd.DataFrame] = {}
    seen = np.zeros(len(truth), dtype=bool)
    for first, days, place in exports:
        start = pd.Timestamp("2026-01-01") + pd.Timedelta(days=first)
        inside = truth["date"].between(start, start + pd.Timedelta(days=days - 1))
        inside &= truth["location_id"].eq(place) | (place == "both")
        seen |= inside.to_numpy()
        frames, _ = merged({"sales": truth[inside]}, frames)
    kept = frames["sales"].sort_values(["date", "item_id", "quantity", "location_id"], ignore_index=True)
    asked = truth[seen].sort_values(["date", "item_id", "quantity", "location_id"], ignore_index=True)
    pd.testing.assert_frame_equal(kept, asked, check_dtype=False)
