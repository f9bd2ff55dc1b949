"""The score and its parts; counts against records, by hand."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.quality import PARTS, TOLERANCES, record_accuracy, score


@dataclass(frozen=True)
class Told:
    part: str
    share: float


def parts(*issues: Told, **more: Any) -> dict[str, float]:
    made = score(issues, **more)
    return dict(zip(made.parts["part"], made.parts["score"], strict=True))


def test_nothing_found_is_a_full_score() -> None:
    assert score([]).overall == 1
    assert set(parts()) == {"complete", "consistent", "current", "plausible"}


def test_a_part_is_what_its_issues_leave() -> None:
    told = score([Told("complete", 0.5), Told("complete", 0.2), Told("current", 1.0), Told("summary", 1.0)])
    by_part = told.parts.set_index("part")
    assert by_part["score"].to_dict() == pytest.approx({"complete": 0.4, "consistent": 1, "current": 0, "plausible": 1})
    assert by_part["issues"].to_dict() == {"complete": 2, "consistent": 0, "current": 1, "plausible": 0}
    assert told.overall == pytest.approx(0.6)


def test_rows_set_aside_and_counts_are_parts_where_they_are_told() -> None:
    rows = {"sales": {"read": 90, "accepted": 80, "rejected": 10}, "stock": {"read": 10, "accepted": 10, "rejected": 0}}
    assert parts(rows=rows)["readable"] == 0.9
    assert "readable" not in parts(rows={})
    assert parts(accuracy=record_accuracy({"counts": COUNTS}))["counted"] == 0.75  # without sales all are C
    assert "counted" not in parts(accuracy=record_accuracy({}))


@given(st.lists(st.builds(Told, st.sampled_from([*PARTS, "summary"]), st.floats(-1, 2)), max_size=8))
def test_one_issue_more_never_makes_the_data_better(issues: list[Told]) -> None:
    whole = score(issues).overall
    assert 0 <= whole <= 1
    assert all(whole <= score(issues[:n] + issues[n + 1 :]).overall + 1e-12 for n in range(len(issues)))


COUNTS = pd.DataFrame(
    {
        "item_id": ["A", "B", "C", "A"],
        "location_id": ["S1", "S1", "S1", "S2"],
        "counted_on": pd.to_datetime(["2026-02-01"] * 4),
        "counted": [199.0, 98.0, 96.0, 5.0],
        "book": [200.0, 100.0, 100.0, np.nan],
    }
).assign(book=lambda frame: frame["book"].where(frame["item_id"] != "B", 100.0))
COUNTS = pd.concat([COUNTS, COUNTS.head(1).assign(item_id="D", counted=10.0, book=20.0)], ignore_index=True)
SALES = pd.DataFrame(
    {
        "date": pd.to_datetime(["2026-01-10"] * 4 + ["2024-01-10"]),
        "item_id": ["A", "B", "C", "D", "A"],
        "location_id": ["S1"] * 5,
        "quantity": [790.0, 150.0, 30.0, 30.0, 999.0],
    }
)
ITEMS = pd.DataFrame({"item_id": ["A", "B", "C", "D"], "unit_cost": [2.0, 2.0, 2.0, 2.0]})


def test_counts_agree_within_the_tolerance_of_their_class() -> None:
    told = record_accuracy({"counts": COUNTS, "sales": SALES.iloc[:4], "items": ITEMS})
    rows = told.rows.set_index("item_id")
    assert rows["abc_class"].to_dict() == {"A": "A", "B": "A", "C": "B", "D": "C"}
    # A: 1 of 200 within 0.5 %; B: 2 of 100 beyond; C: 4 of 100 beyond 1 %; D: 10 of 20 beyond 5 %.
    assert rows["agrees"].to_dict() == {"A": True, "B": False, "C": False, "D": False}
    assert (told.counts, told.unmatched, told.share) == (4, 1, 0.25)
    assert rows["tolerance"].to_dict() == pytest.approx(
        {"A": 200 * TOLERANCES["A"], "B": 100 * TOLERANCES["A"], "C": 100 * TOLERANCES["B"], "D": 20 * TOLERANCES["C"]}
    )
    assert told.value_share == pytest.approx(1 - 2 * 17 / (2 * 420))
    assert told.rows["item_id"].iloc[0] == "D"  # the largest difference in money first


def test_shrinkage_is_book_less_count_at_cost_against_what_sold_of_it_in_a_year() -> None:
    told = record_accuracy({"counts": COUNTS, "sales": SALES, "items": ITEMS})
    assert told.shrinkage_units == 17
    assert told.shrinkage_value == 34
    assert told.shrinkage_share == pytest.approx(34 / 2000)


def test_a_count_without_a_book_takes_that_of_the_stock_of_its_day() -> None:
    stock = pd.DataFrame(
        {
            "item_id": ["A", "A", "A"],
            "location_id": ["S2"] * 3,
            "as_of": pd.to_datetime(["2026-02-01", "2026-02-01", "2026-02-02"]),
            "on_hand": [2.0, 4.0, 50.0],
            "unit_cost": [3.0, 3.0, 3.0],
        }
    )
    told = record_accuracy({"counts": COUNTS, "stock": stock})
    row = told.rows[told.rows["location_id"] == "S2"].iloc[0]
    assert (row["book"], row["difference"], row["value"]) == (6.0, -1.0, -3.0)
    assert told.unmatched == 0


def test_nothing_is_made_up_where_nothing_is_known() -> None:
    told = record_accuracy({})
    assert told.counts == 0
    assert np.isnan([told.share, told.value_share, told.shrinkage_value, told.shrinkage_share]).all()
    units = record_accuracy({"counts": COUNTS})
    assert units.shrinkage_units == 17
    assert np.isnan([units.value_share, units.shrinkage_value]).all()
