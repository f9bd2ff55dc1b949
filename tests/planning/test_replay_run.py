"""From tables to a replay: what happened, on which terms, and nothing of what came later."""

from datetime import date
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

from planning import pipeline
from planning.errors import ParameterError
from planning.fits import Fits
from planning.params import Params
from planning.replay_known import Known, build_known
from planning.replay_run import exchange_curve, read_span, run_replay
from planning.replay_times import bucket_leads

AS_OF = date(2026, 6, 1)
PARAMS = Params.from_mapping({"lead_time_days": 14, "review_period_days": 7, "lead_time_sd_fraction": 0.2})
STARTS = pd.Timestamp(AS_OF) - pd.to_timedelta(7 * np.arange(60, 0, -1), unit="D")


def company(later_than: int = 60) -> dict[str, pd.DataFrame]:
    """Six items at one shop, sold by week, counted each week; after week `later_than` ten times as much."""
    random = np.random.default_rng(5)
    units = random.negative_binomial(3, 3 / (3 + 2 + 3 * np.arange(6)[:, None]), (6, 60)).astype(float)
    units[:, later_than:] = 10 * units[:, later_than:] + 7
    names = [f"I{k}" for k in range(6)]
    sales = [
        pd.DataFrame({"date": STARTS, "item_id": n, "location_id": "S", "quantity": u})
        for n, u in zip(names, units, strict=True)
    ]
    days = [*STARTS, pd.Timestamp(AS_OF)]
    stock = [
        pd.DataFrame({"item_id": n, "location_id": "S", "as_of": days, "on_hand": 20.0 + k})
        for k, n in enumerate(names)
    ]
    receipts = pd.DataFrame(
        {"item_id": "I0", "location_id": "S", "ordered_on": STARTS[:50], "quantity": 4.0,
         "received_on": STARTS[:50] + pd.to_timedelta(np.tile([7, 14, 21, 28], 13)[:50], unit="D")}
    )  # fmt: skip
    items = pd.DataFrame({"item_id": names, "category": "tea", "unit_cost": 2.0, "unit_price": 3.0, "min_stock": 10.0})
    items["max_stock"] = [30.0, 30.0, 30.0, 30.0, 30.0, np.nan]
    return {
        "sales": pd.concat(sales, ignore_index=True), "stock": pd.concat(stock, ignore_index=True),
        "items": items, "receipts": receipts,
    }  # fmt: skip


@lru_cache(maxsize=2)
def _made(later_than: int = 60) -> tuple[dict[str, pd.DataFrame], Fits, Known]:
    tables = company(later_than)
    fits = pipeline.fit(tables, AS_OF, PARAMS)
    return tables, fits, build_known(tables, AS_OF, PARAMS, first=STARTS[24].date(), fits=fits)


def _run(later_than: int = 60, **more: Any) -> Any:
    tables, fits, known = _made(later_than)
    return run_replay(tables, AS_OF, PARAMS, **({"fits": fits, "known": known} | more))


def test_all_policies_are_replayed_and_told() -> None:
    policies = ("plan", "history", "min_max", "cover", "cover_equal_fill", "textbook")
    result = _run(policies=policies)
    assert result.names == ("plan", "history", "min/max", "cover, equal stock", "cover, equal fill rate", "textbook")
    assert len(result.lines) == 6 * 6
    totals = result.totals().set_index("policy")
    assert 0.8 < totals.loc["plan", "fill_rate"] <= 1
    assert totals.loc["min/max", "lines"] == 5
    assert any("without both a minimum" in note for note in result.notes)
    assert any("prices and promotions" in note for note in result.notes)
    for name in ("plan", "cover, equal stock", "textbook"):
        ledger = result.ledgers[name]
        after = ledger.start + ledger.received - ledger.sold - ledger.sent - ledger.waste
        np.testing.assert_allclose(after, ledger.end, atol=1e-3)


def test_the_stock_of_a_warehouse_that_sells_nothing_counts_without_any_count_of_it() -> None:
    tables = company()
    here = pd.DataFrame({"item_id": [f"I{k}" for k in range(6)], "location_id": "W", "on_hand": 40.0})
    # Only today's stock is known: no count of the past tells that the warehouse ever had anything on its shelf.
    today = tables["stock"][tables["stock"]["as_of"] == pd.Timestamp(AS_OF)].drop(columns="as_of")
    lanes = pd.DataFrame({"source_id": ["W"], "destination_id": ["S"], "transit_days": [7.0]})
    tables = {**tables, "stock": pd.concat([today, here], ignore_index=True), "lanes": lanes}
    fits = pipeline.fit(tables, AS_OF, PARAMS)
    known = build_known(tables, AS_OF, PARAMS, first=STARTS[24].date(), fits=fits)
    result = run_replay(tables, AS_OF, PARAMS, policies=("plan",), fits=fits, known=known)
    lines = result.lines.set_index("location_id").loc["W"]
    counted = result.ledgers["plan"].end[result.world.feeds][:, result.world.counted]
    assert (counted > 0).any()
    np.testing.assert_allclose(lines["average_stock_units"], counted.mean(axis=1), rtol=1e-6)
    assert (lines["holding_cost"] > 0).any()
    assert (lines[["demand_units", "lost_units"]] == 0).all().all()
    weeks = result.weeks
    np.testing.assert_allclose(weeks["stock_value"].mean(), result.lines["average_stock_value"].sum(), rtol=1e-6)
    start = weeks["end_units"].shift()
    left = start + weeks["received_units"] - weeks["sold_units"] - weeks["sent_units"] - weeks["waste_units"]
    np.testing.assert_allclose(left[1:], weeks["end_units"][1:], atol=1e-3)


def test_lines_that_had_sold_nothing_before_are_told() -> None:
    tables = _made()[0]
    assert not any("sold nothing before" in note for note in _run(policies=("plan",)).notes)
    sales = tables["sales"]
    late = sales[(sales["item_id"] != "I5") | (sales["date"] >= STARTS[40])]
    tables = {**tables, "sales": late}
    fits = pipeline.fit(tables, AS_OF, PARAMS)
    known = build_known(tables, AS_OF, PARAMS, first=STARTS[24].date(), fits=fits)
    result = run_replay(tables, AS_OF, PARAMS, policies=("plan",), fits=fits, known=known)
    wanted = result.lines.set_index("item_id")["demand_units"]
    share = wanted["I5"] / wanted.sum()
    assert [note for note in result.notes if f"nothing before the replay: 1, with {share:.1%} of the demand" in note]


def test_it_starts_with_the_stock_and_the_orders_of_that_morning() -> None:
    result = _run(policies=("plan", "history"))
    plan, past = result.ledgers["plan"], result.ledgers["history"]
    assert plan.first.tolist() == [20, 21, 22, 23, 24, 25]
    assert past.end[:, 3].tolist() == [20, 21, 22, 23, 24, 25]
    # Of I0, orders of four were on their way: all that were placed before and came in or after that week.
    tables = _made()[0]["receipts"]
    first = pd.Timestamp(result.world.starts[0])
    open_ = tables[(tables["ordered_on"] < first) & (tables["received_on"] >= first)]
    assert result.world.coming[0].sum() == open_["quantity"].sum() > 0


def test_what_comes_later_changes_no_order_before_it() -> None:
    for name in ("plan", "cover, equal stock", "textbook"):
        before, after = (
            _run(later, policies=("plan", "cover", "textbook")).ledgers[name].ordered for later in (60, 52)
        )
        first = int(np.searchsorted(_run(policies=()).world.starts, np.datetime64(STARTS[52], "D")))
        assert before[:, : first + 1].tobytes() == after[:, : first + 1].tobytes()
        assert (before[:, first + 1 :] != after[:, first + 1 :]).any()


def test_drawn_lead_times_are_known_before_and_the_same_for_all() -> None:
    one, two = (_run(policies=("plan",), lead_times="drawn") for _ in range(2))
    np.testing.assert_array_equal(one.world.lead, two.world.lead)
    assert set(np.unique(one.world.lead[0])) <= {1, 2, 3, 4}
    assert len(np.unique(one.world.lead[0])) > 1
    # Without a supplier, only the line with receipts of its own has other lead times than the usual.
    assert (one.world.lead[1:] == 2).all()


def test_lead_times_of_the_nearest_receipt_and_of_none_known_yet() -> None:
    keys = pd.DataFrame({"item_id": ["a"] * 1, "location_id": ["S"]})
    ordered = pd.to_datetime([f"2026-01-{day:02d}" for day in range(1, 9)])
    receipts = pd.DataFrame(
        {"item_id": "a", "location_id": "S", "supplier_id": None, "ordered_on": ordered, "quantity": 1.0,
         "received_on": ordered + pd.to_timedelta([3, 3, 3, 3, 9, 9, 9, 9], unit="D")}
    )  # fmt: skip
    starts = np.array(["2026-01-01", "2026-01-08", "2026-03-01"], "datetime64[D]")
    given = (np.array([5.0]), np.array([True]), keys, np.array([None], object), receipts, starts, 1)
    assert bucket_leads(*given, "receipts", 0)[0].tolist() == [[3, 9, 9]]
    assert bucket_leads(*given, "usual", 0)[0].tolist() == [[5, 5, 5]]
    drawn = bucket_leads(*given, "drawn", 0)[0][0]
    # On the first of January nothing had come, a week later only the fast ones.
    assert drawn[:2].tolist() == [5, 3]


def test_a_scenario_is_replayed_on_the_same_forecasts() -> None:
    result = _run(policies=("plan",), scenarios={"more service": PARAMS.but(service_target=0.99)})
    totals = result.totals().set_index("policy")
    assert totals.loc["more service", "average_stock_units"] > totals.loc["plan", "average_stock_units"]
    # Their maximum stock keeps lines below the target: the promise is of what is ordered, not of what is asked for.
    assert 0.99 > totals.loc["more service", "promised_fill_rate"] > totals.loc["plan", "promised_fill_rate"]


def test_the_curve_rises_with_its_target() -> None:
    tables, fits, known = _made()
    curve = exchange_curve(tables, AS_OF, PARAMS, fits=fits, known=known, targets=(0.7, 0.9, 0.98))
    plan = curve[curve["policy"] == "plan"]
    assert plan["target"].tolist() == [0.7, 0.9, 0.98]
    for name in ("fill_rate", "average_stock_units", "average_stock_value"):
        assert plan[name].is_monotonic_increasing


@pytest.mark.parametrize("lead_times", ["usual", "drawn"])
def test_no_service_target_moves_the_curve_or_what_is_read_of_the_past(lead_times: str) -> None:
    tables, fits, known = _made()
    one, other = PARAMS.but(service_target=0.8, service_target_by_class={"A": 0.99}), PARAMS.but(service_target=0.97)
    ground: Any = {"fits": fits, "known": known}
    past = read_span(tables, AS_OF, one, **ground)
    ground["lead_times"] = lead_times
    curve = exchange_curve(tables, AS_OF, one, **ground)
    pd.testing.assert_frame_equal(exchange_curve(tables, AS_OF, other, **ground), curve)
    pd.testing.assert_frame_equal(exchange_curve(tables, AS_OF, other, past=past, **ground), curve)
    anew, kept = (run_replay(tables, AS_OF, other, past=read, **ground) for read in (None, past))
    pd.testing.assert_frame_equal(kept.lines, anew.lines)
    assert kept.notes == anew.notes
    assert not kept.lines.equals(run_replay(tables, AS_OF, one, past=past, **ground).lines)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"policies": ("luck",)}, "unknown policy 'luck'"),
        ({"lead_times": "none"}, "allowed: usual"),
        ({"span": (date(2001, 1, 1), date(2001, 2, 1))}, "holds no bucket"),
        ({"span": (date(2026, 5, 20), date(2026, 6, 1))}, "three buckets"),
    ],
)
def test_what_cannot_be_replayed_is_refused_by_name(more: dict[str, Any], told: str) -> None:
    with pytest.raises(ParameterError, match=told):
        _run(**more)


@pytest.mark.parametrize("lead_times", ["usual", "drawn"])
def test_later_receipts_tell_no_earlier_order_how_long_it_takes(lead_times: str) -> None:
    tables, fits, known = _made()
    late = tables["receipts"].copy()
    first = known.starts[len(known.starts) // 3]
    later = late["ordered_on"].to_numpy("datetime64[D]") > first
    assert 0 < later.sum() < len(late)
    late.loc[later, "received_on"] += pd.Timedelta(days=60)
    one, two = (
        run_replay(each, AS_OF, PARAMS, fits=fits, known=known, policies=("plan", "textbook"), lead_times=lead_times)
        for each in (tables, tables | {"receipts": late})
    )
    assert one.ledgers["plan"].first.tobytes() == two.ledgers["plan"].first.tobytes()
    # Of the one line with receipts, orders drawn from later ones differ later.
    same = slice(0, 2) if lead_times == "drawn" else slice(None)
    for name in one.names:
        assert one.ledgers[name].ordered[1:].tobytes() == two.ledgers[name].ordered[1:].tobytes()
        assert one.ledgers[name].ordered[0, same].tobytes() == two.ledgers[name].ordered[0, same].tobytes()
