"""What the record says: every column by plain loops, sums that add up, whose origins are reported, drift, rivals."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from planning.choice import choose_models
from planning.distribution import LEVELS, Calibration, CumulativeDemand
from planning.fits import Fits, Library
from planning.outlook import HELD, NOMINAL, accuracy_tables, forecast_table, rivals_of, rivals_table
from planning.params import Params
from planning.past import Choice, Past
from planning.reason_codes import REASON_CODES
from planning.spread import OWN_POWER, PRIOR_WEIGHT, UNKNOWN_SPREAD, build_distribution
from tests.planning.made_fits import (
    AHEAD,
    FAMILY_MEMBERS,
    MEMBERS,
    any_past,
    drawn,
    errors_by_loop,
    fits_of,
    keys,
    learned,
    network,
    only,
    shared,
)

WEEKS = 3
OVERLAP = 1 + (WEEKS - 1) / 2
COST = 2.5
LEVEL_OF = np.array([25.0, 9.0, 35.0])
COLUMNS = (
    "item_id", "location_id", "horizon_days", "wape", "bias", "rmsse", "naive_wape", "mean13_wape", "demand_units",
    "error_units", "bias_units", "naive_error_units", "mean13_error_units", "pinball_95_units",
    "naive_pinball_95_units", "held_80", "held_90", "held_95", "held_98", "scored", "error_value", "drift",
    "reason_code", "reason",
)  # fmt: skip


def told(
    fits: Fits,
    *,
    days: float | np.ndarray = 21.0,
    source: np.ndarray | None = None,
    choice: Choice | None = None,
    cost: float = COST,
    calibration: Calibration | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Accuracy and calibration of fits whose rows take the mean of 52 weeks, quantiles as the law says."""
    n = len(fits.keys)
    lines, choice = network(n, source), choice or only(n)
    demand = build_distribution(fits, lines, choice, 91, Params())
    demand = replace(demand, calibration=calibration)
    return accuracy_tables(
        Past(fits), lines, choice, np.broadcast_to(days, (n,)).astype(float), demand, np.full(n, cost)
    )


def three(seed: int = 1, periods: int = 60) -> tuple[np.ndarray, Fits]:
    demand = drawn(3, periods, seed=seed, mean=np.array([24.0, 9.0, 40.0]))
    return demand, fits_of(demand, LEVEL_OF)


def kept(error: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    usable = np.flatnonzero(~np.isnan(error).all(axis=0))
    return usable[:2], usable[2:]


# Errors.


def test_the_columns_are_those_of_the_contract():
    table, calibration = told(three()[1])
    assert set(table) == set(COLUMNS)
    assert list(calibration) == ["demand_class", "nominal", "realised", "points"]
    assert table["horizon_days"].tolist() == [21] * 3


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_errors_and_their_sums_equal_a_plain_loop_with_unknown_weeks(seed):
    fits = any_past(seed, 0.25, 60)
    choice = replace(only(4), library=np.zeros(4))
    table, _ = told(fits, choice=choice)
    error, sold = errors_by_loop(fits, choice, WEEKS)
    newest, _ = kept(error)
    window = Past(fits).window(WEEKS)
    actual = sold * window.scale
    for row in range(4):
        e, a = error[row, newest], actual[row, newest]
        known = ~np.isnan(e)
        found = table.iloc[row]
        assert found["scored"] == known.sum()
        if not known.any():
            assert np.isnan(found[["wape", "bias", "demand_units", "error_units"]].astype(float)).all()
            continue
        e, a = e[known], a[known]
        assert found["wape"] == pytest.approx(np.abs(e).sum() / a.sum(), rel=1e-5)
        assert found["bias"] == pytest.approx(-e.sum() / a.sum(), rel=1e-4, abs=1e-6)
        assert found["demand_units"] == pytest.approx(a.sum(), rel=1e-5)
        assert found["error_units"] == pytest.approx(np.abs(e).sum(), rel=1e-4)
        assert found["bias_units"] == pytest.approx(-e.sum(), rel=1e-4, abs=1e-4)
        cost = np.abs(e).mean() * COST * 365 / 21
        assert found["error_value"] == pytest.approx(cost, rel=1e-4)


def test_simple_forecasts_equal_a_plain_loop():
    demand, fits = three()
    table, _ = told(fits)
    error, actual = errors_by_loop(fits, only(3), WEEKS)
    newest, _ = kept(error)
    for row in range(3):
        a = actual[row, newest]
        for name, weeks in (("naive", WEEKS), ("mean13", 13)):
            told_ = np.array([demand[row, o - weeks : o].mean() * WEEKS for o in fits.origins[newest]])
            off = np.abs(a - told_).sum()
            assert table[f"{name}_error_units"][row] == pytest.approx(off, rel=1e-6)
            assert table[f"{name}_wape"][row] == pytest.approx(off / a.sum(), rel=1e-6)


def test_rmsse_is_that_of_single_weeks_at_the_newest_two_origins():
    demand, fits = three()
    table, _ = told(fits)
    for row in range(3):
        squares = [(demand[row, o] - LEVEL_OF[row]) ** 2 for o in fits.origins[:2]]
        # Scaled by the history before what is scored.
        steps = np.diff(demand[row, : fits.origins[1]]) ** 2
        first = np.flatnonzero(demand[row])[0]
        expected = np.sqrt(np.mean(squares) / steps[first:].mean())
        assert table["rmsse"][row] == pytest.approx(expected, rel=1e-5)


def test_intervals_of_their_own_are_measured_each_over_its_own():
    demand, fits = three()
    table, _ = told(fits, days=np.array([7.0, 21.0, 42.0]))
    assert table["horizon_days"].tolist() == [7, 21, 42]
    for row, weeks in enumerate((1, 3, 6)):
        origins = [o for o in fits.origins if o + weeks <= 60][:2]
        off = [abs(demand[row, o : o + weeks].sum() - weeks * LEVEL_OF[row]) for o in origins]
        assert table["error_units"][row] == pytest.approx(sum(off), rel=1e-5)
        assert table["error_value"][row] == pytest.approx(np.mean(off) * COST * 365 / (7 * weeks), rel=1e-5)


def test_without_a_cost_an_error_has_no_value():
    assert told(three()[1], cost=np.nan)[0]["error_value"].isna().all()


def test_a_warehouse_is_measured_on_the_sum_of_its_stores():
    demand = drawn(3, 60, mean=np.array([0.01, 20.0, 30.0]))
    demand[0] = 0
    table, calibration = told(fits_of(demand, np.array([0, 22.0, 29.0])), source=np.array([-1, 0, 0]))
    summed = demand[1:].sum(axis=0)
    off = [summed[o : o + WEEKS].sum() - WEEKS * 51 for o in (57, 55)]
    assert table["error_units"][0] == pytest.approx(np.abs(off).sum(), rel=1e-5)
    assert table["demand_units"][0] == pytest.approx(table["demand_units"][1:].sum(), rel=1e-6)
    naive = [summed[o : o + WEEKS].sum() - summed[o - WEEKS : o].sum() for o in (57, 55)]
    assert table["naive_error_units"][0] == pytest.approx(np.abs(naive).sum(), rel=1e-6)
    assert set(calibration["demand_class"]) >= {"pooled", "all"}


def test_simple_forecasts_are_scored_on_the_weeks_that_are_known():
    demand = np.full((3, 60), 10.0)
    demand[:, ::3] = np.nan
    table, _ = told(fits_of(demand, 10.0))
    np.testing.assert_allclose(table[["wape", "naive_wape", "mean13_wape"]], 0, atol=1e-6)


def test_a_store_that_is_unknown_is_in_no_forecast_of_its_warehouse():
    demand = np.full((3, 60), 10.0)
    demand[0], demand[2, 50:] = 0, np.nan
    table, _ = told(fits_of(demand, np.array([0, 10.0, 10.0])), source=np.array([-1, 0, 0]))
    np.testing.assert_allclose(table.loc[0, ["wape", "mean13_wape"]].astype(float), 0, atol=1e-6)


def test_sums_over_lines_add_up():
    fits = fits_of(drawn(12, 60, mean=np.linspace(2, 60, 12)), 20.0)
    table, calibration = told(fits)
    assert table["error_units"].sum() / table["demand_units"].sum() == pytest.approx(
        np.average(table["wape"], weights=table["demand_units"])
    )
    assert table["bias_units"].sum() / table["demand_units"].sum() == pytest.approx(
        np.average(table["bias"], weights=table["demand_units"])
    )
    whole = calibration[calibration["demand_class"] == "all"].set_index("nominal")
    for level in HELD:
        assert table[f"held_{level * 100:.0f}"].sum() / table["scored"].sum() == pytest.approx(
            whole.loc[level, "realised"]
        )
    by_class = calibration[calibration["demand_class"] != "all"]
    assert by_class.groupby("nominal")["points"].sum().tolist() == whole["points"].tolist()
    held = (by_class["realised"] * by_class["points"]).groupby(by_class["nominal"]).sum()
    np.testing.assert_allclose(held, whole["realised"] * whole["points"])


# Origins.


def changed_at(demand: np.ndarray, first: int) -> np.ndarray:
    out = demand.copy()
    out[:, first:] = out[:, first:][:, ::-1] * 3 + 40
    return out


def test_what_is_reported_are_the_newest_two_origins_alone():
    demand, fits = three()
    table, _ = told(fits)
    # Over three weeks the newest origins know 57 and 55 of sixty weeks: before those nothing moves the units reported.
    before = demand.copy()
    before[:, :40] += 5
    units = ["demand_units", "error_units", "bias_units", "scored", "naive_error_units", "mean13_error_units"]
    pd.testing.assert_frame_equal(table[units], told(fits_of(before, LEVEL_OF))[0][units])
    assert not table[units].equals(told(fits_of(changed_at(demand, 55), LEVEL_OF))[0][units])


def test_what_is_reported_chose_no_model_and_made_no_spread():
    demand = drawn(12, 60, mean=np.linspace(3, 50, 12))
    # The newest window before those reported ends with week 55 of sixty.
    fits, other = (learned(d) for d in (demand, changed_at(demand, 56)))
    chosen, then = (choose_models(f, np.full(12, 21.0), Params()) for f in (fits, other))
    np.testing.assert_array_equal(chosen.weights, then.weights)
    assert chosen.name.tolist() == then.name.tolist()
    error, _ = errors_by_loop(fits, only(12), WEEKS)
    newest, older = kept(error)
    assert fits.origins[newest].tolist() == [57, 55]
    assert (fits.origins[older] + WEEKS <= 56).all()


def test_the_quantile_that_is_scored_was_learned_before():
    demand, fits = three()
    far = demand.copy()
    far[:, 58:] = 1000.0
    # With an actual far beyond it, a quantile's loss is 0.95 (actual - quantile): the quantile itself can be told.
    table, more = (told(fits_of(d, LEVEL_OF))[0] for d in (far, np.where(far == 1000, 2000.0, far)))
    gain = (more["pinball_95_units"] - table["pinball_95_units"]) / 0.95
    np.testing.assert_allclose(gain, more["demand_units"] - table["demand_units"], rtol=1e-6)


def law_by_loop(error: np.ndarray, forecast: np.ndarray, newest: list[int], older: list[int]) -> list[float]:
    """The variance at the newest origins of one line without a class, by the older ones."""
    usual = float(np.mean(forecast[older]))
    ratio = np.clip(usual / forecast[older], 0.25, 4) ** OWN_POWER
    count = len(older) / OVERLAP
    prior = usual + (UNKNOWN_SPREAD * usual) ** 2
    learned_ = (count * float(np.mean(error[older] ** 2 * ratio)) + PRIOR_WEIGHT * prior) / (count + PRIOR_WEIGHT)
    return [max(learned_ * (forecast[k] / usual) ** OWN_POWER, 1.05 * forecast[k]) for k in newest]


def pinball(actual: float, level: float) -> float:
    return 0.95 * (actual - level) if actual > level else 0.05 * (level - actual)


@pytest.mark.parametrize("seed", [1, 4])
def test_the_loss_of_the_95_percent_quantile_equals_a_plain_loop(seed):
    demand = drawn(3, 60, seed=seed, mean=np.array([4.0, 9.0, 14.0]))
    fits = fits_of(demand, np.array([4.0, 9.0, 14.0]))
    table, _ = told(fits)
    error, actual = errors_by_loop(fits, only(3), WEEKS)
    newest, older = (list(k) for k in kept(error))
    for row in range(3):
        forecast = actual[row] - error[row]
        simple = np.array([demand[row, o - WEEKS : o].sum() for o in fits.origins])
        for name, mean in (("pinball_95_units", forecast), ("naive_pinball_95_units", simple)):
            loss = 0.0
            for k, v in zip(newest, law_by_loop(actual[row] - mean, mean, newest, older), strict=True):
                level = stats.gamma.ppf(0.95, mean[k] ** 2 / v, scale=v / mean[k])
                loss += pinball(actual[row, k], level)
            assert table[name][row] == pytest.approx(loss, rel=1e-4), name


@pytest.mark.parametrize("calibrated", [False, True])
def test_how_often_quantiles_held_equals_a_plain_loop(calibrated):
    demand = drawn(4, 60, seed=2, mean=np.array([1.0, 4.0, 9.0, 14.0]))
    fits = fits_of(demand, np.array([1.0, 4.0, 9.0, 14.0]))
    # A map that says: below the law's quantiles lies the square of what it promises.
    calibration = Calibration(np.zeros(4, int), LEVELS[None, :] ** 2) if calibrated else None
    table, by_class = told(fits, calibration=calibration)
    error, actual = errors_by_loop(fits, only(4), WEEKS)
    newest, older = (list(k) for k in kept(error))
    total = dict.fromkeys(NOMINAL, 0.0)
    for row in range(4):
        forecast = actual[row] - error[row]
        held = dict.fromkeys({*HELD, *NOMINAL}, 0.0)
        for k, v in zip(newest, law_by_loop(error[row], forecast, newest, older), strict=True):
            law = stats.nbinom(forecast[k] ** 2 / (v - forecast[k]), forecast[k] / v)
            low, high = law.cdf(round(actual[row, k]) - 1), law.cdf(round(actual[row, k]))
            if calibration is not None:
                low, high = (float(np.interp(p, [0, *LEVELS], [0, *LEVELS**2])) for p in (low, high))
            for level in held:
                held[level] += min(max((level - low) / (high - low), 0), 1)
        for level in HELD:
            assert table[f"held_{level * 100:.0f}"][row] == pytest.approx(held[level], abs=2e-3)
        total = {level: total[level] + held[level] for level in NOMINAL}
    whole = by_class[by_class["demand_class"] == "all"]
    assert whole["nominal"].tolist() == list(NOMINAL)
    assert whole["points"].tolist() == [8] * len(NOMINAL)
    np.testing.assert_allclose(whole["realised"], [total[level] / 8 for level in NOMINAL], atol=1e-3)


# What is unknown.


@pytest.mark.parametrize("periods", [0, 1, 3, 4])
def test_without_origins_nothing_is_measured_and_nothing_fails(periods):
    table, calibration = told(fits_of(np.ones((2, periods)), 1.0))
    assert (table["scored"] == 0).all()
    assert table[["wape", "error_units", "rmsse", "held_95", "error_value"]].isna().all(axis=None)
    assert calibration.empty
    assert set(table) == set(COLUMNS)


@given(st.integers(0, 300), st.floats(0, 1), st.integers(4, 70))
def test_any_past_has_a_record_without_infinity_and_within_its_bounds(seed, unknown, periods):
    fits = any_past(seed, unknown, periods)
    weights = np.random.default_rng(seed).dirichlet(np.ones(len(MEMBERS)), 4)
    library = np.array([0, 0.5, 0, 0.5])
    table, calibration = told(fits, choice=replace(shared(weights), library=library), source=np.array([-1, 0, 0, -1]))
    assert not np.isinf(table.select_dtypes("number").to_numpy(float)).any()
    some = table[table["scored"] > 0]
    assert (some["scored"] <= 2).all()
    assert (some[["error_units", "naive_error_units", "pinball_95_units"]].fillna(0) >= 0).all(axis=None)
    held = some[[f"held_{level * 100:.0f}" for level in HELD]].dropna()
    assert (np.diff(held.to_numpy(), axis=1) >= -1e-9).all()
    assert (held.le(some.loc[held.index, "scored"] + 1e-9, axis=0)).all(axis=None)
    assert calibration["realised"].between(0, 1).all()
    assert calibration["points"].gt(0).all()


def test_every_reason_is_told_by_code_and_in_words():
    codes = list(REASON_CODES)
    fits = fits_of(drawn(len(codes), 60), 30.0, reason=np.array(codes, "U20"))
    table, _ = told(fits)
    assert table["reason_code"].tolist() == codes
    assert table["reason"].tolist() == list(REASON_CODES.values())
    assert all(text.endswith(".") for code, text in zip(codes, table["reason"], strict=True) if code)


# Drift.


def test_a_planted_drift_is_found_on_its_side_and_noise_is_not():
    demand = drawn(410, 60, seed=3, mean=30.0, size=20.0)
    level = np.full(410, 30.0)
    level[:5], level[5:10] = 45.0, 18.0
    drift = told(fits_of(demand, level))[0]["drift"]
    assert (drift[:5] == "over").all()
    assert (drift[5:10] == "under").all()
    assert (drift[10:] != "").mean() <= 0.06


def test_a_past_that_is_too_short_has_no_drift():
    demand = drawn(4, 18, mean=30.0, size=20.0)
    assert (told(fits_of(demand, 90.0))[0]["drift"] == "").all()


def test_a_forecast_that_is_right_for_certain_does_not_drift():
    assert (told(fits_of(np.full((2, 60), 7.0), 7.0))[0]["drift"] == "").all()


# Buckets of the horizon.


def test_the_forecast_has_a_row_each_line_and_week_that_adds_up_to_the_mean():
    _, fits = three()
    demand = build_distribution(fits, network(3), only(3), 91, Params())
    found = forecast_table(fits, keys(3), demand)
    assert len(found) == 3 * 13
    assert found["item_id"].tolist() == [f"{k:04d}" for k in range(3) for _ in range(13)]
    np.testing.assert_allclose(found.groupby("item_id")["mean"].sum(), demand.mean[:, 91], rtol=1e-9)
    fan = found[["q50", "q80", "q90", "q95"]].to_numpy()
    assert (np.diff(fan, axis=1) >= 0).all()


def test_less_than_a_bucket_ahead_is_shown_as_one():
    demand = CumulativeDemand(np.arange(8.0)[None], np.arange(8.0)[None], np.array([True]))
    assert len(forecast_table(three()[1], keys(1), demand)) == 1


# Rivals.


def test_rivals_of_a_line_equal_a_plain_loop():
    demand = drawn(2, 60, seed=5, mean=12.0)
    fits = learned(demand)
    weights = np.zeros((2, len(MEMBERS)))
    weights[:, 0], weights[:, 3] = 0.25, 0.75
    choice = replace(shared(weights), name=np.array(["Combination"] * 2))
    found = rivals_of(Past(fits), network(2), choice, 1, 21.0).set_index("model")
    assert found.index.tolist() == ["Combination", *MEMBERS]
    assert found["chosen"].tolist() == [True] + [False] * len(MEMBERS)
    np.testing.assert_allclose(found["weight"].iloc[1:].astype(float), weights[1])
    paths = {"Combination": weights[1] @ fits.levels[1].astype(float)}
    paths |= {m.name: fits.levels[1, k].astype(float) for k, m in enumerate(FAMILY_MEMBERS)}
    for name, level in paths.items():
        off, total = [], 0.0
        for k, origin in enumerate(fits.origins):
            if origin + WEEKS <= 60:
                came = demand[1, origin : origin + WEEKS].sum()
                off.append(WEEKS * level[k] - came)
                total += came
        assert found.loc[name, "error"] == pytest.approx(np.abs(off).sum() / total, rel=1e-5)
        assert found.loc[name, "bias"] == pytest.approx(np.sum(off) / total, rel=1e-4, abs=1e-6)


def test_a_line_with_a_model_of_the_library_gives_the_family_the_rest():
    fits = learned(drawn(2, 60, mean=12.0))
    columns = np.arange(6)
    library = Library(np.array([1]), ("AutoETS",), columns, np.full((1, 1, 7, AHEAD), 12.0, np.float32))
    choice = replace(only(2), library=np.array([0, 0.5]), name=np.array(["WindowAverage52", "AutoETS"]))
    found = rivals_of(Past(replace(fits, library=library)), network(2), choice, 1, 21.0)
    assert found["model"].iloc[0] == "AutoETS"
    assert found["weight"].iloc[1:].sum() == pytest.approx(0.5)
    assert found["error"].notna().all()


def test_a_line_without_demand_has_rivals_without_errors():
    found = rivals_of(Past(fits_of(np.zeros((1, 60)), 0.0)), network(1), only(1), 0, 21.0)
    assert found[["error", "bias"]].isna().all(axis=None)
    assert len(found) == 1 + len(MEMBERS)


def test_a_warehouse_has_no_rivals_but_the_sum_of_what_it_feeds():
    demand = drawn(3, 60, mean=20.0)
    demand[0] = 0
    choice = only(3)
    found = rivals_of(Past(fits_of(demand, 20.0)), network(3, np.array([-1, 0, 0])), choice, 0, 21.0)
    assert len(found) == 1
    assert found["chosen"].tolist() == [True]


def test_rivals_of_a_class_are_told_in_the_contracts_columns():
    columns = ["demand_class", "model", "score", "weight", "chosen", "reason"]
    assert list(rivals_table(only(1))) == columns
    assert rivals_table(only(1)).empty
    choice = choose_models(learned(drawn(12, 60, mean=np.linspace(3, 50, 12))), np.full(12, 21.0), Params())
    table = rivals_table(choice)
    assert list(table) == columns
    assert table.groupby("demand_class")["chosen"].sum().eq(1).all()
    assert (table["reason"] != "").all()


def test_the_fan_of_a_steady_line_neither_swells_nor_collapses():
    # Cumulative variance measured at few horizons has kinks; a single week is as uncertain as the first one.
    days = np.arange(183.0)
    variance = np.interp(days, [0, 7, 14, 21, 28, 91, 182], [0, 40, 60, 200, 200, 900, 3000])[None]
    demand = CumulativeDemand((3 * days)[None], variance, np.array([True]))
    found = forecast_table(three()[1], keys(1), demand)
    assert found["q95"].nunique() == 1
    assert found["q95"].iloc[0] > found["mean"].iloc[0]


def test_what_nobody_buys_at_a_warehouse_is_no_doubt_about_it():
    codes = np.array(["NO_DEMAND", "NO_DEMAND", "SHORT_HISTORY"], "U20")
    fits = fits_of(drawn(3, 60), 30.0, reason=codes)
    table, _ = told(fits, source=np.array([-1, 0, -1]))
    # The first feeds the second: only what it sells itself is told of it.
    assert table["reason_code"].tolist() == ["", "NO_DEMAND", "SHORT_HISTORY"]
    assert table["reason"].iloc[0] == ""
