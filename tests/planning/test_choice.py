"""Which models forecast which items: planted winners, plain loops, what must not matter, and bounded influence."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.choice import CANDIDATES, COMBINATION, JUDGED_SHARE, choose_models
from planning.fits import Fits, Library
from planning.params import FORECAST_MODELS, Params
from planning.past import Choice, Past, forecasts, interval_buckets
from tests.planning.made_fits import AHEAD, MEMBERS, drawn, errors_by_loop, fits_of, learned, only

THREE_WEEKS = 21.0
COMBINED = Params(forecast_model=COMBINATION)
EQUAL = np.array([member != "CrostonSBA" for member in MEMBERS]) / (len(MEMBERS) - 1)


def chosen(fits: Fits, days: float | np.ndarray = THREE_WEEKS, params: Params | None = None) -> Choice:
    return choose_models(fits, np.broadcast_to(days, (len(fits.keys),)).astype(float), params or Params())


def of_class(fits: Fits, kind: str = "smooth") -> Fits:
    return replace(fits, demand_class=np.full(len(fits.keys), kind, "U12"))


def share(choice: Choice, member: str) -> np.ndarray:
    return choice.weights[:, MEMBERS.index(member)]


def mixed(seed: int, periods: int, items: int = 8) -> Fits:
    """Fast and slow movers, some buckets unknown."""
    rng = np.random.default_rng(seed)
    demand = np.concatenate([drawn(items, periods, seed), drawn(items, periods, seed + 1, mean=0.4, size=1)])
    demand[rng.uniform(size=demand.shape) < 0.1] = np.nan
    return learned(demand)


def planted(good: str, items: int = 40, seed: int = 1, periods: int = 80) -> Fits:
    """All members are off at each origin by the same chance, so that no combination helps, but one is not."""
    demand = drawn(items, periods, seed)
    fits = of_class(fits_of(demand, 30.0))
    rng = np.random.default_rng(seed)
    levels = np.broadcast_to(30 * rng.gamma(3, 1 / 3, fits.levels[:, :1].shape), fits.levels.shape).copy()
    levels[:, MEMBERS.index(good)] = 30
    return replace(fits, levels=levels.astype(np.float32))


# Shares.


@given(st.integers(0, 2**20), st.integers(0, 60), st.sampled_from([1.0, 7.0, 18.0, 60.0, 900.0]))
def test_shares_are_never_negative_and_add_up_to_one(seed, periods, days):
    choice = chosen(mixed(seed, periods, 3), days)
    assert (choice.weights >= 0).all()
    np.testing.assert_allclose(choice.weights.sum(axis=1), 1, rtol=1e-9)
    assert set(choice.name) <= {COMBINATION, *MEMBERS}
    assert (choice.reason != "").all()


def test_constants_are_forecast_exactly():
    fits = learned(np.repeat([[1.0], [7], [1000]], 60, axis=1))
    found = forecasts(Past(fits), chosen(fits), Past(fits).window(3))
    known = ~np.isnan(found)
    assert known.any()
    np.testing.assert_allclose(found[known], np.broadcast_to([[3], [21], [3000]], found.shape)[known], rtol=1e-6)


@pytest.mark.parametrize("good", MEMBERS)
def test_a_planted_best_member_gets_the_share(good):
    choice = chosen(planted(good))
    assert (share(choice, good) > 0.85).all()
    assert (share(chosen(planted(good), params=COMBINED), good) > 0.85).all()


def test_two_members_whose_faults_cancel_share():
    fits = of_class(fits_of(drawn(40, 80), 90.0))
    levels = fits.levels.copy()
    levels[:, MEMBERS.index("SES0.1")] = 20
    levels[:, MEMBERS.index("TSB")] = 40
    choice = chosen(replace(fits, levels=levels))
    assert share(choice, "SES0.1")[0] == pytest.approx(0.5, abs=0.1)
    assert share(choice, "TSB")[0] == pytest.approx(0.5, abs=0.1)


def test_little_data_gives_equal_shares_without_sba():
    few = chosen(learned(drawn(1, 10)), params=COMBINED)
    np.testing.assert_allclose(few.weights[0], EQUAL, atol=0.01)
    none = chosen(learned(np.zeros((2, 30))), params=COMBINED)
    np.testing.assert_allclose(none.weights, np.tile(EQUAL, (2, 1)))
    # The more there is, the further they may go.
    away = [np.abs(chosen(planted("TSB", n), params=COMBINED).weights[0] - EQUAL).max() for n in (1, 4, 40)]
    assert away == sorted(away)


def test_a_small_class_is_drawn_to_all_and_a_large_one_stands_on_its_own():
    many, one = planted("TSB", 60), planted("SES0.1", 1, seed=2)
    small = shares_of_last_class(many, one)
    large = shares_of_last_class(many, planted("SES0.1", 60, seed=2))
    assert small["TSB"] > 0.5 > small["SES0.1"]
    assert large["SES0.1"] > 0.8 > large["TSB"]


def shares_of_last_class(smooth: Fits, erratic: Fits) -> dict[str, float]:
    both = fits_of(np.concatenate([smooth.demand, erratic.demand]), 1.0)
    kinds = np.repeat(["smooth", "erratic"], [len(smooth.keys), len(erratic.keys)]).astype("U12")
    levels = np.concatenate([smooth.levels, erratic.levels])
    choice = chosen(replace(both, demand_class=kinds, levels=levels), params=COMBINED)
    return dict(zip(MEMBERS, choice.weights[-1].tolist(), strict=True))


def test_a_class_takes_a_single_model_that_beats_the_combination_beyond_its_noise():
    # At the older origins all are as good; at the newer ones, on which candidates are judged, one knows it all.
    demand = drawn(40, 120)
    fits = of_class(learned(demand))
    levels = fits.levels.copy()
    total = np.cumsum(np.pad(demand, ((0, 0), (1, 0))), axis=1)
    for k, origin in enumerate(fits.origins[:12]):
        end = min(origin + 3, 120)
        levels[:, MEMBERS.index("SES0.1"), k] = (total[:, end] - total[:, origin]) / 3
    choice = chosen(replace(fits, levels=levels))
    assert (share(choice, "SES0.1") == 1).all()
    assert (choice.name == "SES0.1").all()
    assert "errs least for smooth demand" in choice.reason[0]


def test_a_combination_that_a_single_model_beats_within_its_noise_does_not_claim_to_err_least():
    reasons = {chosen(of_class(learned(drawn(12, 60, seed)))).reason[0] for seed in range(12)}
    assert all("-" not in reason.split("%")[0] for reason in reasons)


# What is kept for reporting.


def kept_columns(fits: Fits, horizon: int) -> np.ndarray:
    return np.flatnonzero(fits.origins + horizon <= fits.periods)[:2]


@pytest.mark.parametrize("days", [7.0, 14.0, 28.0, np.repeat([7.0, 14.0, 56.0], 8)])
def test_what_happens_at_the_origins_for_reporting_changes_no_choice(days):
    rng = np.random.default_rng(4)
    fits = learned(drawn(24, 80))
    once = chosen(fits, days)
    horizons = interval_buckets(fits, np.broadcast_to(days, (24,)))
    levels, demand = fits.levels.copy(), fits.demand.copy()
    for row, horizon in enumerate(horizons):
        kept = kept_columns(fits, horizon)
        levels[row, :, : kept[-1] + 1] = rng.gamma(1, 300, (len(MEMBERS), kept[-1] + 1))
        # What no other window knows: with longer intervals than the step, windows have buckets in common.
        after = fits.origins[kept[-1] + 1] + horizon
        demand[row, max(after, fits.origins[kept[-1]]) :] = rng.gamma(1, 300, fits.periods)[
            : fits.periods - max(after, fits.origins[kept[-1]])
        ]
    then = chosen(replace(fits, levels=levels, demand=demand), days)
    np.testing.assert_array_equal(then.weights, once.weights)
    assert (then.name == once.name).all()
    assert (then.reason == once.reason).all()
    assert repr(then.rivals) == repr(once.rivals)


def test_what_happens_at_the_other_origins_does_change_it():
    fits = learned(drawn(24, 80))
    levels = fits.levels.copy()
    levels[:, :, 3] *= np.random.default_rng(1).gamma(1, 1, levels[:, :, 3].shape).astype(np.float32)
    assert (chosen(replace(fits, levels=levels)).weights != chosen(fits).weights).any()


# A single item.


@pytest.mark.parametrize("days", [7.0, 21.0, 84.0])
@pytest.mark.parametrize("moving", [0.0, 0.05])
def test_by_chance_hardly_any_item_differs_from_its_class(days, moving):
    rng = np.random.default_rng(3)
    walk = np.exp(np.cumsum(rng.normal(0, moving, (400, 120)), axis=1))
    mean = (rng.gamma(1.2, 6, 400)[:, None] + 0.3) * walk
    fits = learned(rng.negative_binomial(3, 3 / (3 + mean)).astype(float))
    choice = chosen(fits, days)
    assert own_winners(choice).mean() < 0.02


def own_winners(choice: Choice) -> np.ndarray:
    return np.char.startswith(choice.reason, "errs less for this item")


@pytest.mark.parametrize("days", [7.0, 21.0, 56.0])
def test_an_item_of_which_only_one_member_knows_the_level_takes_it(days):
    demand = drawn(40, 120)
    demand[7] = drawn(1, 120, mean=80, size=20)[0]
    levels = np.full((40, len(MEMBERS), 27), 30, np.float32)
    levels[:, MEMBERS.index("SES0.5")] = 80
    fits = of_class(fits_of(demand, levels))
    choice = chosen(fits, days)
    assert own_winners(choice).nonzero()[0].tolist() == [7]
    assert choice.name[7] == "SES0.5"
    assert share(choice, "SES0.5")[7] == 1
    # One that is asked for has no exceptions.
    assert not own_winners(chosen(fits, days, COMBINED)).any()


# What must not matter.


@given(st.integers(0, 2**20), st.sampled_from([7.0, 21.0, 42.0]))
def test_the_same_fits_give_the_same_choice_and_the_order_of_items_does_not_matter(seed, days):
    fits = mixed(seed, 50)
    once, again = chosen(fits, days), chosen(fits, days)
    np.testing.assert_array_equal(once.weights, again.weights)
    assert repr(once.rivals) == repr(again.rivals)
    order = np.random.default_rng(seed).permutation(len(fits.keys))
    names = ("demand", "levels", "factor", "outlier", "demand_class")
    moved = replace(
        fits,
        season=replace(fits.season, codes=fits.season.codes[:, order]),
        **{name: getattr(fits, name)[order] for name in names},
    )
    then = chosen(moved, days)
    np.testing.assert_allclose(then.weights, once.weights[order], atol=1e-6)
    assert (then.name == once.name[order]).all()


@pytest.mark.parametrize("unit", [10.0, 1e3, 1e6])
def test_shares_do_not_depend_on_the_unit_of_large_demand(unit):
    demand = drawn(30, 80)
    demand[3, 40] *= 50
    fits = learned(demand)
    scaled = replace(fits, demand=fits.demand * np.float32(unit), levels=fits.levels * np.float32(unit))
    np.testing.assert_allclose(chosen(scaled).weights, chosen(fits).weights, atol=1e-4)


@pytest.mark.parametrize("spike", [3e3, 1e5, 1e9])
def test_one_spike_does_not_choose_for_a_class(spike):
    # As the engine has it: levels without the extreme, which stays in the demand.
    demand = drawn(100, 104)
    fits = of_class(learned(demand))
    spiked, outlier = fits.demand.copy(), fits.outlier.copy()
    spiked[0, 60], outlier[0, 60] = spike, True
    with_spike = replace(fits, demand=spiked, outlier=outlier)
    for params in (Params(), COMBINED):
        assert (
            np.abs(chosen(with_spike, params=params).weights[1:] - chosen(fits, params=params).weights[1:]).max() < 0.03
        )


def test_even_in_the_levels_the_influence_of_a_spike_ends_somewhere():
    def of(spike: float) -> np.ndarray:
        demand = drawn(100, 104)
        demand[0, 60] = spike
        fits = of_class(learned(demand))
        return chosen(replace(fits, outlier=demand == spike), params=COMBINED).weights[1]

    np.testing.assert_allclose(of(1e7), of(1e10), atol=1e-3)


# By hand.


@pytest.mark.parametrize("name", [m for m in FORECAST_MODELS if m in MEMBERS])
def test_a_named_member_is_taken(name):
    choice = chosen(learned(drawn(2, 30)), params=Params(forecast_model=name))
    assert (share(choice, name) == 1).all()
    assert choice.name.tolist() == [name] * 2
    assert choice.reason.tolist() == ["chosen by hand"] * 2


@pytest.mark.parametrize(("items", "periods"), [(2, 0), (0, 30), (0, 0), (2, 3)])
def test_without_a_history_the_choice_is_no_fault(items, periods):
    choice = chosen(fits_of(np.ones((items, periods)), 1.0))
    assert choice.weights.shape == (items, len(MEMBERS))
    assert (choice.reason == "too little history to compare models").all()


# Rivals.


def rivals_by_loop(fits: Fits, kind: str, horizon: int, combined: np.ndarray) -> dict[str, float]:
    """Mean over items of the mean squared error, in usual spreads, at the judged origins, over the naive one's."""
    rows = np.flatnonzero(fits.demand_class == kind)
    usable = [k for k, origin in enumerate(fits.origins) if origin + horizon <= fits.periods]
    kept, rest = (usable[:2], usable[2:]) if len(usable) >= 8 else ([], usable)
    judged = rest[: round(JUDGED_SHARE * len(rest))]
    until = fits.origins[kept[-1]] if kept else fits.periods
    squares: dict[str, list[float]] = {}
    for name in (*CANDIDATES[kind], "naive"):
        weights = (
            combined if name == COMBINATION else np.eye(len(MEMBERS))[MEMBERS.index(name)] if name in MEMBERS else EQUAL
        )
        error, actual = errors_by_loop(
            fits, replace(only(len(fits.keys)), weights=np.tile(weights, (len(fits.keys), 1))), horizon
        )
        for row in rows:
            size = np.nanmean(fits.demand[row, :until]) * horizon
            usual = max(size, 0.3) ** 1.5
            most = max(25, 4 * size**2 / usual)
            each = []
            for k in judged:
                off = error[row, k]
                before = fits.demand[row, max(0, fits.origins[k] - horizon) : fits.origins[k]]
                if np.isnan(off) or (name == "naive" and np.isnan(before).all()):
                    continue
                if name == "naive":
                    after = fits.demand[row, fits.origins[k] : fits.origins[k] + horizon]
                    told = horizon / (~np.isnan(after)).sum()
                    off = (actual[row, k] - np.nanmean(before) * horizon / told) * told**0.5
                each.append(min(off**2 / usual, most))
            squares.setdefault(name, []).append(float(np.mean(each)))
    return {name: float(np.mean(found) / np.mean(squares["naive"])) for name, found in squares.items()}


@given(st.integers(0, 2**20), st.sampled_from([7.0, 18.0]), st.booleans())
def test_what_rivals_scored_equals_a_plain_loop(seed, days, gaps):
    demand = drawn(12, 60, seed)
    if gaps:
        demand[::3, 37:60:5] = np.nan
    fits = of_class(learned(demand))
    choice = chosen(fits, days)
    scores = {str(r["model"]): r["score"] for r in choice.rivals}
    expected = rivals_by_loop(fits, "smooth", round(days / 7), EQUAL)
    for name in set(CANDIDATES["smooth"]) - {COMBINATION}:
        assert scores[name] == pytest.approx(expected[name], rel=1e-4)


def test_rivals_tell_shares_places_and_who_was_chosen():
    choice = chosen(mixed(1, 60))
    for kind in {str(r["demand_class"]) for r in choice.rivals}:
        told = [r for r in choice.rivals if r["demand_class"] == kind]
        assert sum(r["chosen"] for r in told) == 1
        assert sum(r["weight"] for r in told) == pytest.approx(1)
        assert {r["model"] for r in told} >= set(CANDIDATES[kind])
        assert all(r["reason"] for r in told)


# Models of the library.


def with_library(fits: Fits, rows: np.ndarray, good: float, off: float = 0.0) -> Fits:
    """The first of two models knows this share of what will come, and is off by so much each week."""
    models = ("AutoETS", "IMAPA")
    columns = np.arange(0, len(fits.origins), 3)[:8]
    paths = np.full((len(rows), len(models), len(columns) + 1, AHEAD), 300, np.float32)
    for at, row in enumerate(rows):
        for column, k in enumerate(columns):
            ahead = fits.demand[row, fits.origins[k] : fits.origins[k] + AHEAD]
            paths[at, 0, column, : len(ahead)] = good * ahead + (1 - good) * 30 + off
    return replace(fits, library=Library(rows, models, columns, paths))


def test_a_fitted_model_is_mixed_in_for_its_rows_where_it_errs_less():
    fits, rows = of_class(learned(drawn(40, 100))), np.arange(5, 35)
    good = chosen(with_library(fits, rows, 1.0))
    assert (good.library[rows] == 1).all()
    assert (good.library_model[rows] == 0).all()
    assert set(good.name[rows]) == {"AutoETS"}
    assert (np.delete(good.library, rows) == 0).all()
    # Off by 10 a week it is no better than the family, and half of both is better than each.
    half = chosen(with_library(fits, rows, 0.8, off=10))
    assert set(half.library[rows]) == {0.5}
    assert half.name[5].startswith("AutoETS + ")
    bad = chosen(with_library(fits, rows, 0.0, off=40))
    assert (bad.library == 0).all()
    np.testing.assert_array_equal(bad.weights, chosen(fits).weights)


def test_few_rows_never_take_a_fitted_model_unless_it_is_asked_for():
    fits, rows = of_class(learned(drawn(40, 100))), np.arange(5)
    library = with_library(fits, rows, 1.0)
    assert (chosen(library).library == 0).all()
    asked = chosen(library, params=Params(forecast_model="IMAPA"))
    assert (asked.library[rows] == 1).all()
    assert (asked.library_model[rows] == 1).all()
    assert set(asked.reason[rows]) == {"chosen by hand"}
    assert (asked.library[5:] == 0).all()


def test_a_row_whose_fit_failed_today_keeps_the_family():
    fits, rows = of_class(learned(drawn(40, 100))), np.arange(5, 35)
    library = with_library(fits, rows, 1.0).library
    library.paths[3, 0, -1] = np.nan
    choice = chosen(replace(fits, library=library))
    assert choice.library[8] == 0
    assert choice.name[8] != "AutoETS"
    assert choice.library[rows].sum() == len(rows) - 1
