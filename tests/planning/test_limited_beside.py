"""Key figures and a replay as a viewer sees them: nothing of other lines, and no money where it is hidden."""

from dataclasses import fields, replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from data.frozen import FIGURES, REPLAY, freeze, thaw
from planning.kpi import CATALOGUE
from planning.kpi_form import Kpi, kpi
from planning.limited import (
    figures_as_parts,
    figures_of_parts,
    limited_figures,
    replay_as_parts,
    replay_of_parts,
    told_replay,
)
from planning.limited_beside import HARMLESS, MONEY_MEASURES, OF_OWN_LINES, WITHOUT_MONEY
from planning.replay_scope import narrow
from tests.pages.fake_replay import fake_curve, fake_result
from tests.planning.test_limited import company, plan

KEYS = pd.DataFrame({"item_id": ["tea", "jam"], "location_id": ["NORTH", "NORTH"]})
MONEY_COLUMNS = ("unit_cost", "stock_value", "lost_margin", "line_value", "error_value", "value", "gross_margin")


def figures() -> dict[str, Kpi]:
    """Each figure with a row for a line that is shown, one of another, and every column there may be."""
    rows = pd.DataFrame(
        {"item_id": ["pan", "tea"], "location_id": ["SOUTH", "NORTH"], "supplier_id": ["SUP-HARD", "SUP-FOOD"]}
    ).assign(**dict.fromkeys([*sorted(HARMLESS - {"item_id", "location_id", "supplier_id"}), *MONEY_COLUMNS], 17.03))
    trend = pd.DataFrame({"date": pd.to_datetime(["2026-05-01", "2026-06-01"]), "value": [1.0, 2.0]})
    return {
        key: kpi(key, 7.25, "on 1 Jun 2026", covered="2 lines have a cost", items=rows, trend=trend)
        for key in CATALOGUE
    }


def test_every_allowed_figure_and_no_other_exists():
    assert set(CATALOGUE) >= WITHOUT_MONEY | OF_OWN_LINES


def test_without_costs_no_figure_of_money_and_no_column_of_it_stays():
    told = limited_figures(figures(), KEYS, narrow=False, hide_costs=True)
    assert set(told) == WITHOUT_MONEY
    for one in told.values():
        assert one.unit != "money"
        assert not set(one.items) & set(MONEY_COLUMNS)
        assert set(one.items) <= HARMLESS
        assert one.covered == ""
        # The order told of money: it is that of the lines now.
        assert list(one.items["item_id"]) == ["pan", "tea"]


def test_of_some_lines_nothing_of_others_stays():
    told = limited_figures(figures(), KEYS, narrow=True, hide_costs=False)
    assert set(told) == OF_OWN_LINES
    for one in told.values():
        assert set(one.items["item_id"]) == {"tea"}
        assert "SUP-HARD" not in one.items.to_csv()
    by_supplier = {"stock_value": replace(figures()["stock_value"], items=pd.DataFrame({"supplier_id": ["SUP-HARD"]}))}
    assert limited_figures(by_supplier, KEYS, narrow=True, hide_costs=False)["stock_value"].items.empty


def test_with_everything_to_see_all_figures_stay_and_unknown_ones_go():
    mine = figures() | {"gmroi": replace(figures()["gmroi"], value=None)}
    told = limited_figures(mine, KEYS, narrow=False, hide_costs=False)
    assert set(told) == set(CATALOGUE) - {"gmroi"}
    assert told["stock_value"].covered == "2 lines have a cost"
    assert "unit_cost" in told["stock_value"].items


# --- a replay ---------------------------------------------------------------------------------------------------------


def result(names=("plan", "cover", "Margin of 3.17 first", "Late tea")):
    keys = pd.DataFrame({"item_id": ["tea", "jam", "pan", "pot"], "location_id": "NORTH"})
    return fake_result(keys, names=names)


def everything(told) -> str:
    frames = [getattr(told, f.name) for f in fields(told) if isinstance(getattr(told, f.name), pd.DataFrame)]
    return repr(told) + "".join(frame.to_csv() for frame in frames)


def test_a_replay_is_told_to_the_last_digit_where_nothing_is_hidden():
    made = result()
    told = told_replay(made, fake_curve(made), made.world.keys, narrow=False, hide_costs=False)
    assert told is not None
    totals = made.totals()
    for name in ("fill_rate", "average_stock_value", "total_cost"):
        np.testing.assert_array_equal(told.totals[name], totals[name])
    assert told.names == made.names
    assert told.notes == made.notes
    assert (told.counted, told.buckets, told.lines) == (16, 20, 4)
    assert len(told.curve) == 5
    ranked = totals.sort_values("total_cost")["policy"].tolist()
    row = made.against(ranked[0], ranked[1]).set_index("measure").loc["total_cost"]
    assert told.apart["difference"].tolist() == [row["difference"]]
    assert told.promised["fill_rate"].tolist() == made.promised("plan")["fill_rate"].tolist()


def test_without_costs_a_replay_tells_units_alone():
    made = result()
    told = told_replay(made, fake_curve(made), made.world.keys, narrow=False, hide_costs=True)
    assert told is not None
    assert told.totals[list(MONEY_MEASURES)].isna().all(axis=None)
    assert told.totals["average_stock_units"].notna().all()
    assert told.curve["average_stock_value"].isna().all()
    assert told.curve["average_stock_units"].notna().all()
    assert told.apart.empty
    assert told.names == ("plan", "cover", "Scenario 2", "Late tea")
    assert "3.17" not in everything(told)


def test_of_some_lines_a_replay_tells_what_it_would_tell_of_them_alone():
    made = result()
    told = told_replay(made, fake_curve(made), KEYS, narrow=True, hide_costs=False)
    assert told is not None
    alone = narrow(made, KEYS).totals()
    np.testing.assert_array_equal(told.totals["lost_units"], alone["lost_units"])
    assert told.lines == 2
    # The curve and the notes are of all lines; a name may name others.
    assert told.curve.empty
    assert told.notes == ()
    assert told.names == ("plan", "cover", "Scenario 2", "Scenario 3")
    assert told_replay(made, fake_curve(made), KEYS.assign(item_id="cup"), narrow=True, hide_costs=False) is None


# --- kept, and read again ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hide", [True, False])
def test_what_stands_beside_a_plan_is_frozen_and_thawed_to_the_last_digit(hide):
    made = result()
    shown = limited_figures(figures(), KEYS, narrow=False, hide_costs=hide)
    told = told_replay(made, fake_curve(made), made.world.keys, narrow=False, hide_costs=hide)
    assert told is not None
    base = plan(company())
    payload = freeze(base, beside={FIGURES: figures_as_parts(shown), REPLAY: replay_as_parts(told)})
    parts = thaw(payload)
    again = figures_of_parts(parts[FIGURES])
    assert list(again) == list(shown)
    for key, one in shown.items():
        assert replace(again[key], items=None, trend=None) == replace(one, items=None, trend=None)
        pd.testing.assert_frame_equal(again[key].items, one.items, check_exact=True)
        pd.testing.assert_frame_equal(again[key].trend, one.trend, check_exact=True, check_dtype=False)
    back = replay_of_parts(parts[REPLAY])
    assert (back.span, back.notes, back.names) == (told.span, told.notes, told.names)
    assert isinstance(back.span[0], date)
    pd.testing.assert_frame_equal(back.totals, told.totals, check_exact=True, check_dtype=False)
    pd.testing.assert_frame_equal(back.curve, told.curve, check_exact=True, check_dtype=False)
    assert freeze(base) == freeze(base, beside={})
