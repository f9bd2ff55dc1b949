"""New items start like items like them, told or found, and hear their own first weeks; ending ones run out."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.launch import LAUNCH_REASONS, Launch, gamma_poisson_level, launch_level, on_sale, shrunk_shares

PERIODS = 60
STEADY = [1.0] * 8


def launched(level: float, curve: list[float] | None = None, age: int = 40, periods: int = PERIODS) -> list[float]:
    """A history that began `age` buckets ago by the curve, at a level since."""
    shape = [*(curve or STEADY), *[1.0] * periods][:age]
    return [np.nan] * (periods - age) + [level * x for x in shape]


def found(rows: list[tuple], horizon: int = 4, **columns: object) -> Launch:
    """Launch of rows of (item, location, history); columns of the items by item."""
    names = list(dict.fromkeys(row[0] for row in rows))
    wanted = ("category", "unit_price", "unit_cost", "like_item_id")
    items = pd.DataFrame({c: [columns.get(c, {}).get(n) for n in names] for c in wanted}).assign(item_id=names)
    keys = pd.DataFrame([row[:2] for row in rows], columns=["item_id", "location_id"])
    return launch_level(np.array([row[2] for row in rows], float), keys, items, horizon)


def test_a_level_hears_its_own_buckets_by_what_the_profile_expects_of_them():
    # a / b = 10, b = 4; 6 and 9 units where 0.5 and 0.75 of the level were expected: (40 + 15) / (4 + 1.25).
    assert gamma_poisson_level(np.array([10.0]), np.array([15.0]), np.array([1.25])) == pytest.approx([10.476190])
    assert gamma_poisson_level(np.array([10.0]), np.array([0.0]), np.array([0.0])).tolist() == [10]


def test_the_told_like_item_gives_curve_and_level():
    # Half of 99 in the first week, drawn to 1 by a unit: (49 + 1) / (99 + 1) = 0.5.
    old = launched(99, [49 / 99, *[1.0] * 7])
    new = found([("a", "S1", old), ("n", "S1", launched(60, [0.5], age=2))], like_item_id={"n": "a"})
    assert new.rows.tolist() == [1]
    assert new.reason.tolist() == ["LIKE_ITEM"]
    assert new.prior == pytest.approx([99])
    assert new.past == pytest.approx([1.5])
    assert new.level == pytest.approx([(4 * 99 + 90) / 5.5])
    # Two weeks old: the launch is over but for its flat rest.
    assert new.profile.tolist() == [[1, 1, 1, 1]]
    unborn = found([("a", "S1", old), ("n", "S1", [np.nan] * PERIODS)], like_item_id={"n": "a"})
    assert unborn.profile[0] == pytest.approx([0.5, 1, 1, 1])
    assert unborn.level == pytest.approx([99])


def test_the_like_items_level_is_that_of_the_same_location_and_else_its_mean():
    rows = [("a", "S1", launched(10)), ("a", "S2", launched(30)), ("n", "S2", launched(1, age=1)),
            ("n", "S3", launched(1, age=1))]  # fmt: skip
    assert found(rows, like_item_id={"n": "a"}).prior == pytest.approx([30, 20])


def test_an_item_known_elsewhere_starts_as_it_did_there():
    new = found([("a", "S1", launched(10)), ("a", "S2", launched(20)), ("a", "S3", [np.nan] * PERIODS)])
    assert (new.reason.tolist(), new.prior.tolist()) == (["OTHER_LOCATIONS"], [15])


def category(count: int, visible: int) -> tuple[list[tuple], dict]:
    """Items of one category at prices 1, 2, 4 ... and levels 10, 20 ...; the first so many have a visible launch."""
    names = [f"i{k}" for k in range(count)]
    rows = [(n, "S1", launched(10.0 * (k + 1), age=40 if k < visible else PERIODS)) for k, n in enumerate(names)]
    return rows, {"unit_price": {n: 2.0**k for k, n in enumerate(names)}, "category": dict.fromkeys([*names, "n"], "x")}


def test_the_five_nearest_in_price_give_their_median():
    rows, columns = category(9, 9)
    columns["unit_price"]["n"] = 2.0**6.4
    new = found([*rows, ("n", "S1", [np.nan] * PERIODS)], **columns)
    # i4 to i8: 50, 60, 70, 80, 90.
    assert (new.reason.tolist(), new.prior.tolist()) == (["NEAREST_ITEMS"], [70])


def test_the_curve_is_the_median_of_the_nearest_believed_half():
    curves = [[99 * f / 99] + [1.0] * 7 for f in (0.2, 0.4, 0.6)]
    rows = [(f"i{k}", "S1", launched(99, c)) for k, c in enumerate(curves)]
    new = found([*rows, ("n", "S1", [np.nan] * PERIODS)], category=dict.fromkeys(["i0", "i1", "i2", "n"], "x"))
    assert new.profile[0] == pytest.approx([((99 * 0.4 + 1) / 100) ** 0.5, 1, 1, 1])


def test_with_fewer_than_three_launches_to_be_seen_the_category_gives_its_mean():
    rows, columns = category(6, 2)
    columns["unit_price"]["n"] = 2.0
    new = found([*rows, ("n", "S1", [np.nan] * PERIODS), ("z", "S2", launched(500))], **columns)
    assert (new.reason.tolist(), new.prior.tolist()) == (["CATEGORY_MEAN"], [35])
    assert new.profile.tolist() == [[1, 1, 1, 1]]


def test_where_nothing_tells_its_own_mean_is_its_level():
    new = found([("a", "S1", launched(8, age=3)), ("b", "S1", [np.nan] * PERIODS)])
    assert new.reason.tolist() == ["NO_PRIOR", "NO_PRIOR"]
    assert new.level.tolist() == [8, 0]


def test_a_like_item_that_is_new_itself_tells_nothing():
    rows, columns = category(4, 4)
    new = found([*rows, ("m", "S1", launched(9, age=2)), ("n", "S1", launched(9, age=2))], like_item_id={"n": "m"},
                **columns)  # fmt: skip
    assert new.reason.tolist() == ["CATEGORY_MEAN", "NEAREST_ITEMS"]


def nearest_by_loop(prices: list[float], price: float, names: list[str]) -> list[str]:
    away = [(abs(np.log(p) - np.log(price)), n) for p, n in zip(prices, names, strict=True)]
    return [n for _, n in sorted(away)[:5]]


@given(st.lists(st.sampled_from([1.0, 2.0, 4.0, 8.0, 16.0]), min_size=3, max_size=14), st.sampled_from([1.0, 4.0, 3.0]))
def test_the_nearest_equal_a_plain_loop(prices, price):
    names = [f"i{k:02}" for k in range(len(prices))]
    levels = {n: 10.0 * (k + 1) ** 1.7 for k, n in enumerate(names)}
    rows = [(n, "S1", launched(levels[n])) for n in names] + [("n", "S1", [np.nan] * PERIODS)]
    new = found(
        rows,
        unit_price=dict(zip([*names, "n"], [*prices, price], strict=True)),
        category=dict.fromkeys([*names, "n"], "x"),
    )
    assert new.prior == pytest.approx([np.median([levels[n] for n in nearest_by_loop(prices, price, names)])])


def test_a_prior_that_was_found_weighs_by_how_well_such_priors_do():
    # Levels of 1 to 30 tell next to nothing of each other, and all have the same noise: var 2 each, as of Poisson 2.
    rng = np.random.default_rng(2)
    noise = rng.choice([-1.5, 1.5], (30, 40))
    spread = [(f"i{k:02}", "S1", [np.nan] * 20 + [40 + 30 * (k % 7) + x for x in noise[k]]) for k in range(30)]
    alike = [(f"i{k:02}", "S1", [np.nan] * 20 + [40 + x for x in noise[k]]) for k in range(30)]
    new, columns = (
        ("n", "S1", launched(100, age=4)),
        {"category": dict.fromkeys([f"i{k:02}" for k in range(30)] + ["n"], "x")},
    )
    one, other = found([*spread, new], **columns), found([*alike, new], **columns)
    assert one.weight[0] < 0.01
    assert one.level == pytest.approx([100], rel=0.01)
    assert other.weight.tolist() == [4]
    assert other.level == pytest.approx([(4 * 40 + 400) / 8], rel=0.02)


def test_a_future_launch_keeps_its_curve_until_it_begins():
    keys = pd.DataFrame({"item_id": ["a", "n"], "location_id": "S1"})
    items = pd.DataFrame(
        {"item_id": ["a", "n"], "category": "x", "unit_price": 1.0, "unit_cost": 1.0, "like_item_id": [None, "a"]}
    )
    clean = np.array([launched(99, [49 / 99, *[1.0] * 7]), [np.nan] * PERIODS])
    new = launch_level(clean, keys, items, 4, launch_in=np.array([0, 2]))
    assert new.profile[0] == pytest.approx([0.5, 0.5, 0.5, 1])


def test_a_models_level_speaks_where_it_is_given():
    keys = pd.DataFrame({"item_id": ["a", "n"], "location_id": "S1"})
    items = pd.DataFrame({"item_id": ["a", "n"], "like_item_id": [None, "a"], "category": None, "unit_price": None,
                          "unit_cost": None})  # fmt: skip
    clean = np.array([launched(10), [np.nan] * PERIODS])
    assert launch_level(clean, keys, items, 1, level=np.array([12.5, 0.0])).prior.tolist() == [12.5]


def test_shares_are_those_of_the_specification():
    prior = np.array([0.5, 0.3, 0.2])
    assert shrunk_shares(np.array([6.0, 3, 1]), prior) == pytest.approx([0.55, 0.30, 0.15])
    assert shrunk_shares(np.zeros(3), prior) == pytest.approx(prior)


@given(st.lists(st.floats(0, 1e6), min_size=2, max_size=6))
def test_shares_sum_to_one(units):
    prior = np.full(len(units), 1 / len(units))
    assert shrunk_shares(np.array([units, units]), prior).sum(axis=1) == pytest.approx([1, 1], abs=1e-9)


def test_an_ending_item_runs_out_and_a_launch_begins_on_its_day():
    starts = np.datetime64("2026-06-01") + 7 * np.arange(3)
    keys = pd.DataFrame({"item_id": ["a", "b", "c", "d"], "location_id": "S1"})
    items = pd.DataFrame(
        {
            "launch_on": pd.to_datetime([None, "2026-06-10", None, None]),
            "ends_on": pd.to_datetime(["2026-06-09", None, None, None]),
            "life_cycle": [None, None, "dead", "ending"],
        },
        index=list("abcd"),
    )
    expected = [[1, 2 / 7, 0], [0, 5 / 7, 1], [0, 0, 0], [1, 1, 1]]
    np.testing.assert_allclose(on_sale(keys, items, starts, 7), expected)


def test_five_thousand_items_of_one_category_all_new_or_not():
    rng = np.random.default_rng(1)
    n = 5000
    clean = rng.poisson(4, (n, PERIODS)).astype(float)
    clean[np.arange(PERIODS) < rng.integers(0, PERIODS + 1, n)[:, None]] = np.nan
    keys = pd.DataFrame({"item_id": [f"i{k}" for k in range(n)], "location_id": "S1"})
    items = keys[["item_id"]].assign(
        category="x", unit_price=rng.choice([np.nan, 0, 1, 5, 9.5], n), unit_cost=np.nan, like_item_id=None
    )
    new = launch_level(clean, keys, items, 26)
    assert len(new.rows) > 100
    for values in (new.prior, new.level, new.profile, new.past):
        assert np.isfinite(values).all()
        assert (values >= 0).all()
    assert set(new.reason) <= set(LAUNCH_REASONS)
    assert np.isfinite(launch_level(clean[:, -5:], keys, items, 3).level).all()
    assert launch_level(clean[:0], keys[:0], items, 3).profile.shape == (0, 3)
    assert launch_level(clean[:, :0], keys, items, 3).level.tolist() == [0] * n
