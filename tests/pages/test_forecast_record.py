"""The record of the forecast, summed; corrections before they are kept."""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from pages.components import forecast_correction, forecast_level, forecast_record, lines, records, wording
from pages.components.forecast_correction import Correction
from tests.pages.fake_plan import AS_OF, fake_plan

PLAN = fake_plan()
ROWS = forecast_record.measured(PLAN)


def two_lines():
    """By hand: 10 of demand 100 missed, and 30 of 100; naive 20 and 20; one above, one below."""
    return pd.DataFrame(
        {
            "item_id": ["1", "2"],
            "location_id": "A",
            "category": ["x", None],
            "demand_class": "smooth",
            "scored": [4.0, 6.0],
            "demand_units": [100.0, 100.0],
            "error_units": [10.0, 30.0],
            "bias_units": [10.0, -30.0],
            "naive_error_units": [20.0, 20.0],
            "mean13_error_units": [20.0, np.nan],
            "corrected_error_units": np.nan,
            "pinball_95_units": [2.0, 2.0],
            "naive_pinball_95_units": [3.0, 3.0],
            "held_80": [4.0, 4.0],
            "held_90": [4.0, 5.0],
            "held_95": [4.0, 5.0],
            "held_98": [4.0, 6.0],
            "error_value": [np.nan, 7.0],
            "rmsse": [0.5, 0.7],
            "drift": ["", "under"],
        }
    )


def test_groups_add_units_up():
    whole = forecast_record.by_group(two_lines()).iloc[0]
    assert (whole["lines"], whole["scored"]) == (2, 10)
    assert whole["wape"] == pytest.approx(0.2)
    assert whole["naive_wape"] == pytest.approx(0.2)
    assert whole["bias"] == pytest.approx(-0.1)
    assert whole["rmsse"] == pytest.approx(0.6)
    assert whole["pinball"] == pytest.approx(0.02)
    assert whole["held_80"] == pytest.approx(0.8)
    assert whole["error_value"] == 7.0
    assert forecast_record.hit_rate(two_lines()) == pytest.approx(0.9)


def test_a_line_without_category_has_a_group_of_its_own():
    assert set(forecast_record.by_group(two_lines(), "category")["group"]) == {"x", "none"}


def test_a_step_that_was_not_measured_everywhere_is_left_out():
    steps = forecast_record.value_added(two_lines())
    assert steps["step"].tolist() == ["Naive: as last time", "This forecast"]
    assert steps["gain"].iloc[1] == pytest.approx(0.0)
    full = forecast_record.value_added(two_lines().assign(mean13_error_units=[14.0, 20.0]))
    assert full["gain"].iloc[1:].tolist() == pytest.approx([0.03, -0.03])


def test_the_parts_of_every_grouping_are_the_whole():
    for by in forecast_record.GROUPS:
        table = forecast_record.by_group(ROWS, by)
        assert table["error_units"].sum() == pytest.approx(ROWS["error_units"].sum())
        assert table["lines"].sum() == len(ROWS)


def test_warehouses_that_serve_no_customer_are_not_measured():
    assert set(ROWS["location_id"]) == {"HULL", "LEEDS", "YORK"}


def test_an_earlier_plan_without_the_sums_has_no_record():
    bare = PLAN.accuracy[["item_id", "location_id", "wape", "bias", "rmsse", "naive_wape"]]
    rows = forecast_record.measured(replace(PLAN, accuracy=bare))
    assert rows.empty
    assert forecast_record.value_added(rows).empty
    assert forecast_record.by_group(rows).empty
    assert forecast_record.hit_rate(rows) is None


def test_the_worst_are_the_dearest_and_by_units_where_no_cost_is_known():
    assert forecast_record.worst(ROWS)["error_value"].is_monotonic_decreasing
    unpriced = forecast_record.worst(ROWS.assign(error_value=np.nan))
    assert unpriced["error_units"].is_monotonic_decreasing


def test_chance_is_wider_with_fewer_points():
    # By hand: 1.96 sqrt(0.95 x 0.05 / 100) = 0.0427.
    few, many = forecast_record.chance(np.array([0.95, 0.95]), [100, 400])
    assert few == pytest.approx(0.0427, abs=1e-4)
    assert many == pytest.approx(few / 2)


# --- levels ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "of", "at"),
    [("total", "", ""), ("category", "Kitchen", ""), ("item", "00001", ""), ("location", "LEEDS", "")],
)
def test_a_level_counts_each_unit_once(name, of, at):
    level = forecast_level.level_of(PLAN, PLAN, name, of, at)
    assert not lines.pairs(level.keys).has_duplicates
    fed = PLAN.items[PLAN.items["fed_by"].notna()]
    assert not set(lines.pairs(fed, "fed_by")) & set(lines.pairs(level.keys)) or name != "location"
    both = level.keys.merge(fed, on=["item_id", "location_id"]).merge(
        level.keys, left_on=["item_id", "fed_by"], right_on=["item_id", "location_id"]
    )
    assert both.empty


def test_the_past_of_a_warehouse_is_that_of_what_it_feeds():
    level = forecast_level.level_of(PLAN, PLAN, "line", "00001", "DC")
    assert len(level.keys) == 1
    assert set(level.behind["location_id"]) == {"DC", "HULL", "LEEDS", "YORK"}


def test_what_the_plan_uses_is_told_in_a_sentence():
    level = forecast_level.level_of(PLAN, PLAN, "line", "00001", "LEEDS")
    row = PLAN.policy[(PLAN.policy["item_id"] == "00001") & (PLAN.policy["location_id"] == "LEEDS")].iloc[0]
    said = wording.plan_uses(PLAN, level.keys)
    assert f"{row['demand_mean_per_day'] * 9:.0f}" in said.replace(",", "")
    assert "93.0 %" in said
    assert "nan" not in wording.plan_uses(PLAN, forecast_level.level_of(PLAN, PLAN, "total").keys)
    assert "no line" in wording.plan_uses(PLAN, level.keys.iloc[:0])


# --- corrections -----------------------------------------------------------------------------------------------------


def weeks(item_id, location_id, number):
    rows = PLAN.forecast[(PLAN.forecast["item_id"] == item_id) & (PLAN.forecast["location_id"] == location_id)]
    return rows.sort_values("starts_on")["mean"].head(number).sum()


def test_a_percentage_moves_the_units_of_its_period_and_their_cost():
    draft = Correction(AS_OF, date(2026, 5, 31), "percent", 20.0, item_id="00002", location_id="LEEDS")
    told = forecast_correction.effect(PLAN, draft)
    before = weeks("00002", "LEEDS", 4)
    assert (told.before, told.after) == (pytest.approx(before), pytest.approx(1.2 * before))
    assert told.value == pytest.approx(0.2 * before * 5.7)
    assert told.lines == 1


def test_what_is_locked_stays_and_what_stands_counts_first():
    keys = PLAN.forecast[["item_id", "location_id"]].drop_duplicates()
    statistical = PLAN.forecast["mean"].to_numpy().reshape(len(keys), -1)
    standing = forecast_correction._rows(
        Correction(AS_OF, date(2026, 5, 31), "percent", 100.0, item_id="00002", location_id="LEEDS", locked=True)
    )
    before = {place: weeks("00002", place, 4) for place in ("HULL", "LEEDS", "YORK")}
    draft = Correction(AS_OF, date(2026, 5, 31), "percent", 50.0, item_id="00002")
    told = forecast_correction.effect(PLAN, draft, statistical, standing)
    # By hand: Leeds is doubled and stays so, the others rise by half.
    assert told.before == pytest.approx(before["HULL"] + 2 * before["LEEDS"] + before["YORK"])
    assert told.after == pytest.approx(1.5 * before["HULL"] + 2 * before["LEEDS"] + 1.5 * before["YORK"])
    assert told.value == pytest.approx(0.5 * (before["HULL"] + before["YORK"]) * 5.7)
    assert "lock" in told.message


def test_units_are_set_for_the_whole_group():
    draft = Correction(AS_OF, date(2026, 5, 10), "set_units", 500.0, category="Kitchen")
    told = forecast_correction.effect(PLAN, draft)
    assert told.after == pytest.approx(500.0)
    assert told.lines == 15


def test_a_correction_says_why_it_cannot_do_what_is_asked():
    late = Correction(date(2040, 1, 1), date(2040, 1, 2), "percent", 20.0)
    assert "after the last day" in forecast_correction.effect(PLAN, late).message
    nobody = Correction(AS_OF, AS_OF, "percent", 20.0, item_id="absent")
    told = forecast_correction.effect(PLAN, nobody)
    assert told.lines == 0
    assert told.value is None


def test_unknown_cost_is_no_money():
    draft = Correction(AS_OF, date(2026, 5, 31), "percent", 20.0, item_id="00020")
    assert forecast_correction.effect(PLAN, draft).value is None


def test_a_correction_in_words():
    assert forecast_correction.change("percent", 20.0) == "+20 %"
    assert forecast_correction.change("add_units", -40) == "−40 units"
    assert forecast_correction.change("set_units", 300) == "= 300 units"
    assert forecast_correction.change("percent", np.nan) == "–"
    assert forecast_correction.whom({"item_id": "1", "location_id": "A", "category": None}) == "1 at A"
    assert forecast_correction.whom({"item_id": None, "category": "K", "location_id": np.nan}) == "K"
    assert forecast_correction.whom({}) == "all items"
    assert forecast_correction.period(AS_OF, date(2026, 5, 31)) == "4 May to Sun 31 May 2026"


# --- the list of lines -----------------------------------------------------------------------------------------------


def test_lines_are_ranked_by_what_was_missed_at_cost():
    # By hand: 12 units missed at 2 mornings over 21 days are 2 a week; at a cost of 5.70 that is 11.40.
    told = PLAN.accuracy.copy()
    mine = (told["item_id"] == "00002") & (told["location_id"] == "LEEDS")
    told.loc[mine, ["error_units", "scored", "horizon_days", "wape"]] = [12.0, 2.0, 21.0, 33.5]
    rows = records.by_error(replace(PLAN, accuracy=told)).set_index(["item_id", "location_id"])
    assert rows["error_at_cost"].loc[("00002", "LEEDS")] == pytest.approx(11.4)
    assert rows["error_at_cost"].dropna().is_monotonic_decreasing
    bare = records.by_error(replace(PLAN, accuracy=PLAN.accuracy.drop(columns="scored")))
    assert bare["error_at_cost"].notna().any()
