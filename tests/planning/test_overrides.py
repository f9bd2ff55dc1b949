"""The planner's corrections: by hand, laws, and the plan that follows them."""

import time
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planning import pipeline
from planning.overrides import corrected, in_order, level_of, moved_variance
from planning.params import Params
from planning.tables import INPUT_TABLES

START = np.datetime64("2026-06-01")
KEYS = pd.DataFrame({"item_id": ["a", "a", "b", "b", "c"], "location_id": ["S1", "S2", "S1", "S2", "S1"]}, dtype=object)
CATEGORIES = np.array(["x", "x", "x", "x", None], object)
WEEKS = START + 7 * np.arange(4)
PATH = np.array([[7.0, 14, 7, 7], [21, 7, 7, 7], [0, 0, 0, 0], [7, 7, 7, 7], [70, 70, 70, 70]])


def row(kind: str = "percent", value: float = 0.0, first: int = 0, days: int = 28, **more: object) -> dict:
    """A correction of everything, of `days` days from day `first` on."""
    day = pd.Timestamp(START) + pd.Timedelta(days=first)
    return {
        "override_id": "1",
        "starts_on": day,
        "ends_on": day + pd.Timedelta(days=days - 1),
        "kind": kind,
        "value": float(value),
        "locked": 0.0,
        "made_at": None,
        **more,
    }


def frame(*rows: dict) -> pd.DataFrame:
    """The table of the contract."""
    columns = {name: [r.get(name) for r in rows] for name in INPUT_TABLES["overrides"].names}
    out = pd.DataFrame(columns, dtype=object)
    for name in ("starts_on", "ends_on"):
        out[name] = pd.to_datetime(out[name]).astype("datetime64[s]")
    return out.astype({"value": float, "locked": float})


def after(*rows: dict, path: np.ndarray = PATH, starts: np.ndarray = WEEKS, days: int = 7) -> np.ndarray:
    return corrected(path, KEYS, CATEGORIES, starts, days, frame(*rows))[0]


def told(*rows: dict, path: np.ndarray = PATH) -> list[tuple[float, float, str]]:
    applied = corrected(path, KEYS, CATEGORIES, WEEKS, 7, frame(*rows))[1]
    return list(applied[["before", "after", "message"]].itertuples(index=False, name=None))


# --- by hand ----------------------------------------------------------------------------------------------------------


def test_a_percent_counts_for_the_share_of_a_buckets_days():
    # Three of the seven days of the first week: 7 x (4 + 3 x 1.5) / 7 = 8.5.
    new = after(row("percent", 50, days=3, item_id="a", location_id="S1"))
    assert new[0].tolist() == [8.5, 14, 7, 7]
    assert (new[1:] == PATH[1:]).all()


def test_a_total_is_spread_by_what_each_row_had():
    # Item a has 28 in its first week at both locations, 7 of it at S1: of 56 units S1 gets 14, S2 42.
    new = after(row("set_units", 56, days=7, item_id="a"))
    assert new[:2, 0].tolist() == [14, 42]
    assert (new[:, 1:] == PATH[:, 1:]).all()


def test_units_are_added_on_top():
    # All rows have 105 in the first week: 21 more are a fifth more of each.
    new = after(row("add_units", 21, days=7))
    assert new[:, 0] == pytest.approx(PATH[:, 0] * 1.2)
    assert new[2].tolist() == [0, 0, 0, 0]


def test_a_group_without_demand_gets_equal_parts_by_days():
    # 20 units over ten days: 14 fall into the first week, 6 into three days of the second.
    assert after(row("set_units", 20, days=10, item_id="b", location_id="S1"))[2] == pytest.approx([14, 6, 0, 0])
    nothing = np.zeros_like(PATH)
    assert after(row("add_units", 35, days=7), path=nothing)[:, 0] == pytest.approx([7] * 5)


def test_parts_of_buckets_add_up_to_the_total_of_the_period():
    # Days 3 to 9 of a at S1: 4 days of 1 and 3 days of 2 are 10; set to 20 the weeks gain 4 and 6.
    override = row("set_units", 20, first=3, days=7, item_id="a", location_id="S1")
    assert after(override)[0] == pytest.approx([11, 20, 7, 7])
    assert told(override) == [(10.0, 20.0, "")]
    # The same once more finds it there, and moves nothing.
    assert after(override, {**override, "override_id": "2"})[0] == pytest.approx([11, 20, 7, 7])


@pytest.mark.parametrize(
    ("where", "rows"),
    [
        ({"item_id": "a"}, [0, 1]),
        ({"item_id": "a", "location_id": "S2"}, [1]),
        ({"category": "x"}, [0, 1, 2, 3]),
        ({"category": "x", "location_id": "S1"}, [0, 2]),
        ({"location_id": "S1"}, [0, 2, 4]),
        ({}, [0, 1, 2, 3, 4]),
    ],
)
def test_each_level_moves_its_own_rows(where, rows):
    new = after(row("percent", 100, **where))
    assert np.array_equal(new[rows], 2 * PATH[rows])
    rest = np.setdiff1d(np.arange(5), rows)
    assert np.array_equal(new[rest], PATH[rest])


def test_nothing_falls_below_zero():
    assert (after(row("percent", -100)) == 0).all()
    assert (after(row("add_units", -1e6)) == 0).all()
    assert told(row("add_units", -1e6))[0][1:] == (0.0, "it cannot fall below zero")


def test_the_later_of_two_open_ones_comes_on_top():
    twice = row("percent", 100, made_at="2026-05-01T08:00:00")
    set_to = row("set_units", 10, override_id="2", made_at="2026-05-02T08:00:00+02:00")
    assert after(twice, set_to).sum() == pytest.approx(10)
    assert after({**set_to, "made_at": "2026-04-30T08:00:00"}, twice).sum() == pytest.approx(20)


def test_a_wider_total_is_reached_through_what_is_open():
    lock = row("set_units", 30, days=7, item_id="a", location_id="S1", locked=1.0)
    wide = row("set_units", 40, days=7, item_id="a", override_id="2")
    for rows in ([lock, wide], [wide, lock]):
        assert after(*rows)[:2, 0] == pytest.approx([30, 10])


def test_a_total_below_what_is_locked_goes_as_near_as_it_can_and_says_so():
    lock = row("set_units", 30, days=7, item_id="a", location_id="S1", locked=1.0)
    wide = row("set_units", 20, days=7, item_id="a", override_id="2")
    assert after(lock, wide)[:2, 0].tolist() == [30, 0]
    assert told(lock, wide)[1] == (51.0, 30.0, "other corrections lock 30 units of it: it cannot fall below that")


def test_a_total_that_only_rows_without_demand_could_reach_is_told():
    lock = row("set_units", 30, days=7, item_id="b", location_id="S2", locked=1.0)
    before, now, message = told(lock, row("set_units", 50, days=7, item_id="b", override_id="2"))[1]
    assert (before, now) == (30, 30)
    assert "nothing else of it has demand to move" in message


def test_locked_ones_come_the_narrowest_first():
    levels = [{}, {"location_id": "S1"}, {"category": "x"}, {"category": "x", "location_id": "S1"}, {"item_id": "a"}]
    levels.append({"item_id": "a", "location_id": "S1"})
    rows = frame(*(row(locked=1.0, **level) for level in levels), row(item_id="a", location_id="S1"))
    assert in_order(rows) == [5, 4, 3, 2, 1, 0, 6]
    assert [level_of(r) for r in rows.to_dict("records")][:6] == [
        "total",
        "location",
        "category",
        "category and location",
        "item",
        "item and location",
    ]
    wide = row("percent", 100, locked=1.0)
    narrow = row("percent", -50, item_id="c", locked=1.0, override_id="2")
    assert after(wide, narrow)[4].tolist() == [35, 35, 35, 35]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"item_id": "z"}, "no item and location of the plan is meant"),
        ({"item_id": "c", "location_id": "S2"}, "no item and location of the plan is meant"),
        ({"first": -9, "days": 9}, "its period is over"),
        ({"first": 28, "days": 9}, "begins after the last day of the forecast"),
        ({"days": -3}, "ends before it begins"),
        ({"value": np.nan}, "none that can be used"),
        ({"kind": "times"}, "none that can be used"),
    ],
)
def test_what_cannot_be_done_is_told_and_moves_nothing(change, message):
    override = row(**{"kind": "percent", "value": 10, **change})
    assert np.array_equal(after(override), PATH)
    assert message in told(override)[0][2]


def test_each_says_where_it_was():
    levels = [{}, {"item_id": "a"}, {"item_id": "a", "location_id": "S1"}, {"category": "x"}, {"location_id": "S1"}]
    rows = frame(*(row(**level) for level in levels))
    told = corrected(PATH, KEYS, CATEGORIES, WEEKS, 7, rows)[1]["where"].tolist()
    assert told == ["everything", "a", "a at S1", "x", "everything at S1"]


def test_what_is_all_locked_is_told():
    lock = row("percent", 10, item_id="a", locked=1.0)
    assert (
        told(lock, row("percent", 10, item_id="a", override_id="2"))[1][2] == "all of it is locked by other corrections"
    )


def test_of_a_period_that_began_already_the_days_to_come_count():
    # 14 days, seven of them to come: half of the 56 units.
    override = row("set_units", 56, first=-7, days=14, item_id="a")
    assert after(override)[:2, 0].tolist() == [7, 21]
    assert told(override)[0] == (
        28.0,
        28.0,
        "50% of its period lies in the days of the forecast: so much of its units counts",
    )


def test_nothing_unknown_becomes_known_by_itself():
    path = PATH.copy()
    path[0, 0] = np.nan
    new = after(row("percent", 100), path=path)
    assert np.isnan(new[0, 0])
    assert np.array_equal(new[1:], 2 * PATH[1:])


def test_no_pile_of_corrections_is_infinite():
    rows = [row("percent", 1e9, override_id=str(n)) for n in range(200)]
    assert np.isfinite(after(*rows)).all()
    assert np.isfinite(after(row("set_units", 1e9), path=np.full_like(PATH, 1e-320))).all()


def test_no_forecast_and_no_corrections_are_fine():
    assert after(row(), path=np.zeros((5, 0)), starts=WEEKS[:0]).shape == (5, 0)
    assert np.array_equal(after(), PATH)


# --- laws -------------------------------------------------------------------------------------------------------------

LEVELS = st.sampled_from(
    [
        {},
        {"item_id": "a"},
        {"item_id": "b"},
        {"item_id": "a", "location_id": "S1"},
        {"item_id": "b", "location_id": "S1"},
        {"category": "x"},
        {"category": "x", "location_id": "S2"},
        {"location_id": "S1"},
    ]
)


@st.composite
def overrides(draw, locked=None, most=6):
    rows = []
    for n in range(draw(st.integers(1, most))):
        kind = draw(st.sampled_from(["percent", "add_units", "set_units"]))
        low, high = {"percent": (-100, 300), "add_units": (-50, 200), "set_units": (0, 300)}[kind]
        lock = draw(st.booleans()) if locked is None else locked
        rows.append(
            row(
                kind,
                draw(st.integers(low, high)),
                draw(st.integers(0, 20)),
                draw(st.integers(1, 20)),
                override_id=str(n),
                locked=float(lock),
                made_at=f"2026-05-01T08:00:{n:02d}",
                **draw(LEVELS),
            )
        )
    return rows


PATHS = st.lists(st.sampled_from([0.0, 0.25, 1.0, 7.0, 33.3, 1e6]), min_size=20, max_size=20).map(
    lambda cells: np.array(cells).reshape(5, 4)
)


@settings(max_examples=150, deadline=None)
@given(PATHS, overrides())
def test_children_add_up_to_what_their_parent_was_set_to(path, rows):
    new, applied = corrected(path, KEYS, CATEGORIES, WEEKS, 7, frame(*rows))
    assert (new >= 0).all()
    assert np.isfinite(new).all()
    # What all corrections together say that they moved is what moved.
    assert new.sum() - path.sum() == pytest.approx((applied["after"] - applied["before"]).sum(), rel=1e-9, abs=1e-6)
    for asked, did in zip(rows, applied.itertuples(), strict=True):
        if did.message == "" and asked["kind"] != "percent":
            target = asked["value"] + (did.before if asked["kind"] == "add_units" else 0)
            inside = (
                min(28, (asked["ends_on"] - pd.Timestamp(START)).days + 1)
                - (asked["starts_on"] - pd.Timestamp(START)).days
            )
            assert inside == (asked["ends_on"] - asked["starts_on"]).days + 1
            assert did.after == pytest.approx(target, rel=1e-9, abs=1e-9)


@settings(max_examples=100, deadline=None)
@given(PATHS, overrides(locked=True, most=3), overrides(locked=False))
def test_what_is_locked_is_moved_by_nothing_open_to_the_last_bit(path, locks, others):
    alone = after(*locks, path=path)
    both = after(*others, *locks, path=path)
    firsts = [(r["starts_on"].to_datetime64().astype("datetime64[D]") - START).astype(int) for r in locks]
    for lock, first in zip(locks, firsts, strict=True):
        last = first + (lock["ends_on"] - lock["starts_on"]).days
        weeks = [w for w in range(4) if first <= 7 * w and 7 * w + 6 <= last]
        mine = np.ones(5, bool)
        for name, values in (
            ("item_id", KEYS["item_id"]),
            ("category", CATEGORIES),
            ("location_id", KEYS["location_id"]),
        ):
            mine &= (np.asarray(values) == lock[name]) if name in lock else True
        cells = np.ix_(mine, weeks)
        assert np.array_equal(alone[cells], both[cells])


@settings(max_examples=50, deadline=None)
@given(PATHS, LEVELS, st.integers(0, 27), st.integers(1, 40), st.booleans())
def test_no_percent_changes_nothing(path, level, first, days, lock):
    assert after(row("percent", 0, first, days, locked=float(lock), **level), path=path).tobytes() == path.tobytes()


@settings(max_examples=50, deadline=None)
@given(PATHS, st.permutations(range(4)), st.integers(0, 20))
def test_the_order_of_independent_ones_does_not_matter(path, order, value):
    rows = [
        row("set_units", value, days=7, item_id="a", override_id="0"),
        row("percent", value, days=7, item_id="b", override_id="1"),
        row("add_units", value, first=7, days=7, item_id="a", override_id="2"),
        row("set_units", value, first=14, days=9, override_id="3"),
    ]
    stamped = [{**rows[n], "made_at": f"2026-05-01T08:00:0{at}"} for at, n in enumerate(order)]
    assert after(*stamped, path=path).tobytes() == after(*rows, path=path).tobytes()


@settings(max_examples=50, deadline=None)
@given(PATHS, overrides(locked=False, most=1))
def test_one_correction_equals_a_plain_loop_over_days(path, rows):
    asked = rows[0]
    new, applied = corrected(path, KEYS, CATEGORIES, WEEKS, 7, frame(asked))
    daily = np.repeat(path / 7, 7, axis=1)
    first = int((asked["starts_on"].to_datetime64().astype("datetime64[D]") - START).astype(int))
    last = min(27, first + (asked["ends_on"] - asked["starts_on"]).days)
    cells = []
    for n, key in enumerate(KEYS.itertuples()):
        values = {"item_id": key.item_id, "category": CATEGORIES[n], "location_id": key.location_id}
        if all(asked.get(name) in (None, value) for name, value in values.items()):
            cells += [(n, d) for d in range(first, last + 1)]
    total = sum(daily[cell] for cell in cells)
    share = (last - first + 1) / ((asked["ends_on"] - asked["starts_on"]).days + 1)
    target = {
        "percent": total * (1 + asked["value"] / 100),
        "add_units": total + asked["value"] * share,
        "set_units": asked["value"] * share,
    }[asked["kind"]]
    for cell in cells:
        daily[cell] = daily[cell] / total * max(target, 0) if total else max(target, 0) / len(cells)
    assert new == pytest.approx(daily.reshape(5, 4, 7).sum(axis=2), rel=1e-9, abs=1e-9)
    assert applied["before"][0] == pytest.approx(total)


def test_thirty_thousand_rows_and_fifty_corrections_take_no_time():
    n = 30_000
    rng = np.random.default_rng(0)
    keys = pd.DataFrame({"item_id": [f"i{k // 10}" for k in range(n)], "location_id": [f"s{k % 10}" for k in range(n)]})
    categories = np.array([f"c{k // 10 % 40}" for k in range(n)], object)
    starts = START + 7 * np.arange(26)
    levels = [{"item_id": "i7"}, {"category": "c3"}, {"location_id": "s2"}, {}, {"item_id": "i9", "location_id": "s1"}]
    kinds = ("percent", "add_units", "set_units")
    rows = [
        row(kinds[k % 3], 10, first=k, days=60, override_id=str(k), locked=float(k % 10 == 0), **levels[k % 5])
        for k in range(50)
    ]
    begun = time.perf_counter()
    corrected(rng.gamma(1, 2, (n, 26)), keys, categories, starts, 7, frame(*rows))
    assert time.perf_counter() - begun < 1.5  # a fifth of a second on an idle machine


# --- the spread that goes with it -------------------------------------------------------------------------------------


def test_variance_goes_with_the_square_of_the_mean():
    before = np.array([[10.0, 20.0], [5.0, 5.0]])
    variance = np.array([[16.0, 25.0], [9.0, 9.0]])
    new = moved_variance(variance, before, np.array([[20.0, 30.0], [5.0, 5.0]]), np.array(["x", "x"]), np.ones(2, bool))
    assert new.tolist() == [[64.0, 64.0], [9.0, 9.0]]  # 25 x 1.5^2 = 56.25, but it never falls as days go by


def test_what_had_no_mean_gets_the_law_of_its_class():
    # The class holds v = 3 m^1.5 exactly.
    mean = np.concatenate([np.arange(1.0, 21.0), [0.0]])[:, None]
    new = mean.copy()
    new[-1] = 9.0
    classes = np.full(21, "smooth")
    found = moved_variance(3 * mean**1.5, mean, new, classes, np.ones(21, bool))
    assert found[-1, 0] == pytest.approx(3 * 9**1.5)
    assert np.array_equal(found[:-1], 3 * mean[:-1] ** 1.5)
    lone = moved_variance(np.zeros((1, 1)), np.zeros((1, 1)), np.full((1, 1), 9.0), classes[:1], np.ones(1, bool))
    assert lone[0, 0] == pytest.approx(9 + (0.3 * 9) ** 2)


def test_a_mean_of_next_to_nothing_is_none():
    tiny = np.full((1, 2), 1e-300)
    found = moved_variance(np.zeros((1, 2)), tiny, np.array([[5.0, 1e-300]]), np.array(["x"]), np.zeros(1, bool))
    assert found.tolist() == [[2.25, 2.25]]


# --- the plan ---------------------------------------------------------------------------------------------------------

AS_OF = date(2026, 6, 1)


def company() -> dict[str, pd.DataFrame]:
    """Two items of one category in two stores, 140 days of Poisson demand, and one that never sold."""
    rng = np.random.default_rng(3)
    days = pd.date_range(pd.Timestamp(AS_OF) - pd.Timedelta(days=140), periods=140)
    sales = pd.concat(
        pd.DataFrame({"date": days, "item_id": i, "location_id": s, "quantity": rng.poisson(m, 140).astype(float)})
        for i, s, m in (("a", "S1", 8), ("a", "S2", 3), ("b", "S1", 5))
    )
    stock = pd.DataFrame({"item_id": ["a", "a", "b", "n"], "location_id": ["S1", "S2", "S1", "S1"], "on_hand": 10.0})
    items = pd.DataFrame({"item_id": ["a", "b", "n"], "category": ["x", "x", "y"], "unit_cost": 1.0})
    return {"sales": sales[sales["quantity"] > 0], "stock": stock, "items": items}


@pytest.fixture(scope="module")
def fits():
    return pipeline.fit(company(), AS_OF, Params())


def base(fits, *rows: dict) -> pipeline.Base:
    given = company() | ({"overrides": frame(*rows)} if rows else {})
    return pipeline.prepare(given, AS_OF, Params(), fits=fits)


def test_a_plan_follows_the_corrections_and_shows_what_they_did(fits):
    plain, moved = base(fits), base(fits, row("set_units", 1000, days=28))
    assert moved.demand.mean[:, 28].sum() == pytest.approx(1000)
    assert plain.corrections is None
    assert moved.corrections["after"].tolist() == pytest.approx([1000])
    assert np.array_equal(moved.statistical, plain.statistical)
    ratio = moved.demand.mean[:, 28] / np.where(plain.demand.mean[:, 28] > 0, plain.demand.mean[:, 28], 1)
    sold = plain.demand.mean[:, 28] > 0
    assert moved.demand.variance[sold, 28] == pytest.approx((plain.demand.variance[:, 28] * ratio**2)[sold])
    orders = [pipeline.finish(b, AS_OF, Params()).replenishment["order_quantity"].sum() for b in (plain, moved)]
    assert orders[1] > orders[0]


def test_a_correction_gives_demand_to_what_never_sold(fits):
    moved = base(fits, row("set_units", 56, days=28, item_id="n"))
    at = moved.network.keys["item_id"].tolist().index("n")
    assert moved.demand.mean[at, 28] == pytest.approx(56)
    assert moved.demand.variance[at, 28] >= 56
    assert np.isfinite(moved.demand.variance).all()


def test_a_warehouse_buys_for_what_its_stores_were_corrected_to():
    given = company()
    given["stock"] = pd.concat(
        [given["stock"], pd.DataFrame({"item_id": ["a"], "location_id": ["W"], "on_hand": [0.0]})], ignore_index=True
    )
    given["overrides"] = frame(row("set_units", 700, days=28, item_id="a", location_id="S1"))
    made = pipeline.prepare(given, AS_OF, Params())
    at = made.network.keys.apply(tuple, axis=1).tolist()
    day = made.demand.mean[:, 28]
    assert day[at.index(("a", "S1"))] == pytest.approx(700)
    assert day[at.index(("a", "W"))] == pytest.approx(700 + day[at.index(("a", "S2"))])


def test_taking_a_correction_back_gives_the_same_bytes(fits):
    def spelled(made: pipeline.Base) -> bytes:
        return made.demand.mean.tobytes() + made.demand.variance.tobytes() + made.forecast.to_csv().encode()

    assert spelled(base(fits, row("percent", 20))) != spelled(base(fits))
    empty = company() | {"overrides": frame()}
    assert spelled(pipeline.prepare(empty, AS_OF, Params(), fits=fits)) == spelled(base(fits))


def test_what_could_not_be_done_stands_in_the_notes(fits):
    notes = base(fits, row("percent", 20), row("percent", 20, item_id="<b>z</b>", override_id="=1+1")).notes
    assert any(note.startswith("Corrections of the forecast: 2") for note in notes)
    assert any("=1+1 of <b>z</b>: no item and location of the plan is meant" in note for note in notes)


def test_a_correction_never_forecasts_again():
    plain, moved = company(), company() | {"overrides": frame(row("percent", 20))}
    params = Params()
    keys = [pipeline.fit_key(tables, "s", "d", AS_OF, params) for tables in (plain, moved)]
    assert keys[0] == keys[1]
