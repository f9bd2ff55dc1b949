"""What a replay says in words: which policy would have been better, and whether to believe it."""

import numpy as np
import pandas as pd
import pytest

from pages.components import replay_verdict


def totals(**costs):
    return pd.DataFrame({"policy": list(costs), "lines": 10, "total_cost": list(costs.values())}).astype(
        {"total_cost": float}
    )


def apart(low, high):
    return {"measure": "total_cost", "difference": (low + high) / 2, "low": low, "high": high}


def test_the_cheapest_comes_first_and_the_next_is_named():
    told = replay_verdict.best(totals(plan=300, cover=200, textbook=250), apart(-90.0, -10.0), "€")
    assert "**Cover weeks, equal stock** would have cost least: €\N{NO-BREAK SPACE}200" in told
    assert "Next comes **Textbook safety stock** with €\N{NO-BREAK SPACE}250" in told
    assert "beyond chance" in told
    assert "This plan" not in told


def test_what_may_be_chance_is_not_sold_as_a_win():
    told = replay_verdict.best(totals(plan=300, cover=310), apart(-90.0, 70.0), "€")
    assert "may be chance" in told
    assert "beyond chance" not in told


def test_a_policy_of_fewer_lines_or_of_unknown_cost_is_no_rival():
    few = totals(plan=300, cover=10, textbook=400).assign(lines=[10, 9, 10])
    assert replay_verdict.cheapest(few) == ["plan", "textbook"]
    assert replay_verdict.cheapest(totals(plan=300, history=np.nan)) == ["plan"]
    assert replay_verdict.best(totals(plan=300, history=np.nan), None, "€") == ""


@pytest.mark.parametrize(
    ("reached", "low", "high", "words"),
    [
        (0.94, -0.02, -0.004, "1.0 points less, which is beyond chance (95 %: −2.0 to −0.4 points)"),
        (0.96, -0.001, 0.02, "1.0 points more, which may be chance (95 %: −0.1 to +2.0 points)"),
        (0.94, -0.02, -0.0002, "which is just beyond chance (95 %: −2.0 to ±0 points)"),
        (0.9501, -0.01, 0.01, "served 95.0 %: kept."),
    ],
)
def test_a_promise_is_kept_or_not_and_chance_is_named(reached, low, high, words):
    row = {"promised_fill_rate": 0.95, "fill_rate": reached, "difference": reached - 0.95, "low": low, "high": high}
    assert words in replay_verdict.kept(row, "plan")


def test_who_promised_nothing_broke_nothing():
    assert replay_verdict.kept(None, "plan") == ""
    row = {"promised_fill_rate": np.nan, "fill_rate": 0.9, "difference": np.nan, "low": np.nan, "high": np.nan}
    assert replay_verdict.kept(row, "plan") == ""


def test_a_name_of_a_user_is_no_markup():
    told = replay_verdict.best(totals(**{"*x* <b>": 1.0, "plan": 2.0}), None, "€")
    assert "\\*x\\*" in told
    assert "<b>" not in told.replace("\\<b\\>", "")


def test_weeks_that_settle_are_told():
    assert replay_verdict.counted(7, 16, 20) == "16 weeks of 20 count, as the first 4 let each policy settle"
    assert replay_verdict.counted(1, 30, 30) == "30 days count"
