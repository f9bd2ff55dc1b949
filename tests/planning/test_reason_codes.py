"""Why a forecast stands on weak ground: the most severe reason of each row, in words that say what to do."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from planning.reason_codes import REASON_CODES, life_told, reason_codes

NAN = np.nan


def code(history: list[float], active: list[bool] | None = None, **told: bool) -> str:
    demand = np.array([history], float)
    listed = np.ones_like(demand, bool) if active is None else np.array([active])
    masks = {name: np.array([value]) for name, value in told.items()}
    return str(reason_codes(demand, listed, 7, **masks)[0])


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        ([NAN] * 20, "ALL_CENSORED"),
        ([0.0] * 20, "NO_DEMAND"),
        ([0.0] * 9 + [3] + [0.0] * 9, "ONE_SALE"),
        ([3.0] * 7, "SHORT_HISTORY"),
        ([3.0] * 9 + [NAN] * 10, "CENSORED_OVER_HALF"),
        ([3.0] * 10 + [NAN] * 10, ""),
        ([3.0] * 30 + [17.0] * 13, "LEVEL_SHIFT"),
        ([17.0] * 30 + [3.0] * 13, "LEVEL_SHIFT"),
        ([17.0] * 30 + [0.0] * 13, "LEVEL_SHIFT"),
        ([3.0] * 30 + [14.0] * 13, ""),
        # One large sale is no level.
        ([3.0] * 42 + [900.0], ""),
        ([0.0, 1] * 13 + [0.0, 0, 0, 9] * 3 + [0.0], ""),
    ],
)
def test_each_history_has_its_reason(history, expected):
    assert code(history) == expected


def test_what_was_never_listed_has_no_history_unless_it_is_told_to_be_new():
    assert code([NAN] * 20, [False] * 20) == "NO_HISTORY"
    assert code([NAN] * 20, [False] * 20, new=True) == "NEW"
    assert code([NAN] * 15 + [2.0] * 5, [False] * 15 + [True] * 5) == "NEW"
    assert code([3.0] * 20, ending=True) == "ENDING"
    assert code([0.0] * 20, ending=True) == "NO_DEMAND"


def test_a_closed_location_is_no_empty_shelf():
    demand, listed = np.array([[3.0] * 10 + [NAN] * 12]), np.ones((1, 22), bool)
    assert reason_codes(demand, listed, 7).tolist() == ["CENSORED_OVER_HALF"]
    assert reason_codes(demand, listed, 7, closed=np.isnan(demand)).tolist() == [""]


def test_without_a_bucket_nothing_is_known():
    assert reason_codes(np.zeros((2, 0)), np.zeros((2, 0), bool), 7).tolist() == ["NO_HISTORY"] * 2
    assert reason_codes(np.zeros((0, 5)), np.zeros((0, 5), bool), 7).tolist() == []


def test_life_is_read_off_the_items():
    items = pd.DataFrame(
        {
            "item_id": list("abcd"),
            "life_cycle": ["new", "ending", None, None],
            "launch_on": pd.to_datetime([None, None, "2026-05-20", "2025-01-01"]),
            "ends_on": pd.to_datetime([None, None, None, "2026-08-01"]),
        }
    )
    keys = pd.DataFrame({"item_id": list("abcde"), "location_id": "S1"})
    new, ending = life_told(keys, items, date(2026, 6, 1), 7)
    assert new.tolist() == [True, False, True, False, False]
    assert ending.tolist() == [False, True, False, True, False]


def test_every_code_has_words_that_say_what_to_do():
    assert all(words for code_, words in REASON_CODES.items() if code_)
    assert REASON_CODES[""] == ""
