"""The work list by money, what stands in it and why; what changed since a plan; alerts."""

from dataclasses import replace
from datetime import date
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from data.findings import Finding
from pages.components import overview_alerts, overview_changes, overview_view, overview_work, work
from planning.params import Params
from tests.pages.fake_plan import fake_plan

KEY = ["item_id", "location_id"]


@pytest.fixture(scope="module")
def plan():
    return fake_plan()


@pytest.fixture(scope="module")
def rows(plan):
    return overview_work.work_rows(plan)


# --- the work list ----------------------------------------------------------------------------------------------------


def test_each_list_holds_what_a_plain_loop_finds_with_its_amount(plan, rows):
    stake = work.at_stake(plan)
    told = {kind: {} for kind in overview_work.KINDS}
    for at, line in enumerate(plan.lines.to_dict("records")):
        key = (line["item_id"], line["location_id"])
        if line["order_quantity"] > 0:
            told["order"][key] = (stake.iloc[at], line["order_quantity"])
        elif line["transfer_quantity"] > 0:
            told["transfer"][key] = (stake.iloc[at], line["transfer_quantity"])
        if line["excess_units"] > 0:
            told["reduce"][key] = (line["excess_value"], line["excess_units"])
    for kind in ("order", "transfer", "reduce"):
        mine = rows[rows["kind"] == kind]
        found = {(r["item_id"], r["location_id"]): (r["stake"], r["quantity"]) for r in mine.to_dict("records")}
        assert found.keys() == told[kind].keys()
        for key, (amount, quantity) in told[kind].items():
            assert found[key][0] == pytest.approx(amount, nan_ok=True)
            assert found[key][1] == pytest.approx(quantity)
        known = [a for a, _ in told[kind].values() if not np.isnan(a)]
        assert overview_work.segments(rows)[kind].lines == len(told[kind])
        assert overview_work.segments(rows)[kind].stake == pytest.approx(sum(known))
    assert all(len(told[kind]) for kind in ("order", "reduce"))


def test_what_loses_sales_stands_before_what_lies_idle_and_each_the_dearest_first(rows):
    idle = (rows["kind"] == "reduce").to_numpy()
    assert list(idle) == sorted(idle)
    for part in (rows[~idle], rows[idle]):
        assert part["stake"].dropna().is_monotonic_decreasing
        assert not part["stake"].isna().any() or part["stake"].isna().to_numpy()[-1]
    assert rows["item_name"].notna().all()


def test_each_line_is_its_own_in_the_plan(plan, rows):
    lines = plan.lines.iloc[rows["line"].to_numpy(int)]
    assert (lines[KEY].to_numpy() == rows[KEY].to_numpy()).all()


def test_an_open_order_to_hurry_stands_beside_the_order_of_its_line(plan):
    line = plan.lines[plan.lines["order_quantity"] > 0].iloc[0]
    told = plan.exceptions.iloc[:0].copy()
    told.loc[0] = {
        **dict.fromkeys(told.columns), **{k: line[k] for k in KEY}, "kind": "expedite", "order_id": "PO-1",
        "quantity": 7.0, "units_at_stake": 3.0, "value": 1e6, "reason": "Runs out before order PO-1 comes.",
    }  # fmt: skip
    hurried = replace(plan, exceptions=told)
    rows = overview_work.work_rows(hurried)
    first = rows.iloc[0]
    assert (first["kind"], first["order_id"], first["stake"]) == ("expedite", "PO-1", 1e6)
    assert overview_work.why(rows.head(1), hurried) == ["Runs out before order PO-1 comes."]
    mine = rows[(rows[KEY] == first[KEY]).all(axis=1)]
    assert {"expedite", "order"} <= set(mine["kind"])


def test_a_line_that_only_a_hurried_order_helps_is_told_although_no_order_is(plan):
    lines = plan.lines.copy()
    at = int(np.flatnonzero((lines["order_quantity"] == 0) & (lines["transfer_quantity"] == 0))[0])
    lines.loc[lines.index[at], "action"] = "expedite"
    rows = overview_work.work_rows(replace(plan, replenishment=lines))
    mine = rows[(rows["kind"] == "expedite") & (rows["line"] == at)]
    assert len(mine) == 1


def test_what_somebody_snoozed_is_left_out(plan, rows):
    asleep = rows.head(2)[KEY]
    left = overview_work.work_rows(plan, asleep)
    gone = pd.MultiIndex.from_frame(asleep)
    assert not pd.MultiIndex.from_frame(left[KEY]).isin(gone).any()
    assert len(left) == len(rows) - int(pd.MultiIndex.from_frame(rows[KEY]).isin(gone).sum())


def test_without_prices_the_stakes_are_units_and_never_zero_money(plan):
    blind = replace(plan, items=plan.items.assign(unit_price=np.nan, unit_cost=np.nan))
    blind = replace(blind, replenishment=plan.lines.assign(excess_value=np.nan, lost_margin=np.nan, order_value=np.nan))
    rows = overview_work.work_rows(blind)
    for kind, part in overview_work.segments(rows).items():
        if part.lines:
            assert overview_work.amount(part.stake, blind, kind, "€").endswith(("unit", "units"))
    idle = rows[rows["kind"] == "reduce"]
    assert idle["stake"].to_numpy() == pytest.approx(idle["quantity"].to_numpy(float))


def test_every_line_says_why_in_a_sentence(plan, rows):
    said = overview_work.why(rows, plan)
    assert len(said) == len(rows)
    assert all(text.endswith(".") and len(text) > 10 for text in said)
    red = rows[(rows["kind"] == "order") & (rows["risk"] == "red") & rows["stockout_on"].notna()]
    assert len(red)
    assert all(text.startswith("Runs out ") for text in overview_work.why(red, plan))


def test_what_nobody_asks_for_is_told_apart_from_what_lasts_long(plan, rows):
    idle = rows[rows["kind"] == "reduce"].head(1)
    key = tuple(idle[KEY].iloc[0])
    mine = (plan.policy[KEY] == list(key)).all(axis=1)
    dead = replace(
        plan, policy=plan.policy.assign(demand_mean_per_day=plan.policy["demand_mean_per_day"].where(~mine, 0))
    )
    slow = replace(
        plan, policy=plan.policy.assign(demand_mean_per_day=plan.policy["demand_mean_per_day"].where(~mine, 2))
    )
    line = plan.lines.iloc[int(idle["line"].iloc[0])]
    assert overview_work.why(idle, dead)[0].startswith("No demand is expected")
    lasts = round((line["on_hand"] + line["on_order"]) / 2)
    assert f"last {lasts:,} day" in overview_work.why(idle, slow)[0]


def test_a_plan_of_nothing_has_no_work(plan):
    none = replace(
        plan, **{n: getattr(plan, n).iloc[:0] for n in ("replenishment", "items", "policy", "allocation", "exceptions")}
    )
    rows = overview_work.work_rows(none)
    assert rows.empty
    assert overview_work.why(rows, none) == []
    assert {part.lines for part in overview_work.segments(rows).values()} == {0}


# --- what changed -----------------------------------------------------------------------------------------------------


def record(**told):
    plain = {"plan_key": "x", "kind": "replenishment", "status": "draft", "as_of": date(2026, 11, 9)}
    return SimpleNamespace(**(plain | told))


MORNING = date(2026, 11, 16)


def test_the_last_plan_is_that_of_record_else_the_newest_of_an_earlier_morning():
    drafts = [record(plan_id=1, as_of=MORNING), record(plan_id=2), record(plan_id=3, as_of=date(2026, 11, 2))]
    of_record = record(plan_id=4, status="plan of record", as_of=date(2026, 10, 26))
    assert overview_changes.last_plan([*drafts, of_record], "now", MORNING).plan_id == 4
    assert overview_changes.last_plan(drafts, "now", MORNING).plan_id == 2
    assert overview_changes.last_plan(drafts[:1], "now", MORNING).plan_id == 1
    assert overview_changes.last_plan([], "now", MORNING) is None


def test_todays_own_plan_transfers_and_later_mornings_are_no_last_plan():
    kept = [
        record(plan_key="now", status="plan of record"),
        record(kind="allocation"),
        record(as_of=date(2026, 11, 23)),
    ]
    assert overview_changes.last_plan(kept, "now", MORNING) is None


def test_changes_are_summed_in_money_by_cause():
    # 10 units more at 2 each, 8 for demand and 2 for stock; 5 fewer at 3 each, all for stock.
    rows = pd.DataFrame(
        {
            "change": [10.0, -5.0], "value_change": [20.0, -15.0], "demand": [8.0, 0.0], "stock": [2.0, -5.0],
            **{name: [0.0, 0.0] for name in overview_changes.CAUSES if name not in ("demand", "stock")},
        }
    )  # fmt: skip
    told = overview_changes.told_changes(rows)
    assert (told.lines, told.money, told.units) == (2, 5.0, 5.0)
    assert told.causes == (("demand", 16.0), ("stock", -11.0))
    assert overview_changes.in_words(told, "€") == (
        "2 order lines changed, +€\u00a05.00 in all: demand +€\u00a016.00; stock −€\u00a011.00."
    )
    assert overview_changes.parts_in_words(rows) == ["demand +8, stock +2", "stock −5"]


def test_changes_without_costs_are_told_in_units():
    rows = pd.DataFrame(
        {"change": [10.0], "value_change": [np.nan], **{n: [0.0] for n in overview_changes.CAUSES}, "demand": [10.0]}
    )
    told = overview_changes.told_changes(rows)
    assert told.money is None
    assert overview_changes.in_words(told, "€") == "1 order line changed, +10 units in all: demand +10 units."


# --- alerts -----------------------------------------------------------------------------------------------------------


def state(plan, **told):
    calm = {
        "counted": pd.DataFrame(
            {"location_id": plan.lines["location_id"].unique(), "counted_on": pd.Timestamp(plan.as_of), "age_days": 0}
        ),
        "suppliers": pd.DataFrame(columns=["supplier_id", "lines", "lead_time_days", "promised_days", "share_late"]),
        "coming": pd.DataFrame(columns=["supplier_id", "units", "value"]),
        "findings": [],
    }
    return overview_alerts.DataState(**(calm | told))


@pytest.fixture(scope="module")
def calm(plan):
    return replace(plan, exceptions=plan.exceptions.iloc[:0], accuracy=plan.accuracy.assign(drift=""))


def test_without_cause_there_is_no_alert(calm):
    assert overview_alerts.find_alerts(calm, state(calm)) == []
    assert overview_alerts.find_alerts(calm, None) == []


def test_stock_counted_three_days_ago_is_stale_at_its_location_alone(calm):
    place = calm.lines["location_id"].iloc[0]
    data = state(calm)
    data.counted.loc[data.counted["location_id"] == place, "age_days"] = 3
    (alert,) = overview_alerts.find_alerts(calm, data)
    mine = calm.lines.merge(calm.items[[*KEY, "unit_cost"]], on=KEY).query("location_id == @place")
    assert (alert.key, alert.number, alert.page) == ("stale_stock", 1, "pages/import_data.py")
    assert alert.money == pytest.approx((mine["on_hand"].clip(lower=0) * mine["unit_cost"]).sum())
    data.counted["age_days"] = overview_alerts.STALE_DAYS
    assert overview_alerts.find_alerts(calm, data) == []


def test_overdue_and_early_orders_are_counted_with_their_money_and_open_where_they_are_moved(calm):
    line = calm.lines.iloc[0]
    plain = {**dict.fromkeys(calm.exceptions.columns), **{k: line[k] for k in KEY}, "reason": "."}
    day = pd.Timestamp("2026-05-01")
    told = pd.DataFrame(
        [
            plain | {"kind": "past_due", "order_id": "A", "quantity": 3.0, "value": 30.0, "due_on": day},
            plain | {"kind": "past_due", "order_id": "A", "quantity": 4.0, "value": np.nan, "due_on": day},
            plain | {"kind": "past_due", "order_id": None, "quantity": 9.0, "value": 90.0, "due_on": day},
            plain | {"kind": "postpone", "order_id": "B", "quantity": 5.0, "value": 50.0, "due_on": day},
        ]
    )
    late, early = overview_alerts.find_alerts(replace(calm, exceptions=told), None)
    assert (late.key, late.number, late.money, late.units) == ("overdue_orders", 1, 30.0, 7.0)
    assert (early.key, early.number, early.money) == ("early_orders", 1, 50.0)
    assert late.tab == early.tab == ("replenishment_tab", "Exceptions")
    assert late.choice == ("exception_kinds", ("past_due",))
    assert early.choice == ("exception_kinds", ("postpone",))


@pytest.mark.parametrize(
    ("share", "took", "lines", "late"),
    [(0.5, 11.5, 10, True), (0.49, 11.5, 10, False), (0.9, 10.9, 10, False), (0.9, 20.0, 9, False)],
)
def test_a_supplier_is_late_by_share_days_and_enough_lines(calm, share, took, lines, late):
    name = calm.items["supplier_id"].dropna().iloc[0]
    suppliers = pd.DataFrame(
        {
            "supplier_id": [name],
            "lines": [lines],
            "lead_time_days": [took],
            "promised_days": [10.0],
            "share_late": [share],
        }
    )
    coming = pd.DataFrame({"supplier_id": [name, "other"], "units": [5.0, 9.0], "value": [50.0, 90.0]})
    found = overview_alerts.find_alerts(calm, state(calm, suppliers=suppliers, coming=coming))
    assert [(a.key, a.number, a.money) for a in found] == ([("late_suppliers", 1, 50.0)] if late else [])


def test_drifting_forecasts_are_counted_by_side(calm):
    drift = ["over", "under", "over"] + [""] * (len(calm.accuracy) - 3)
    accuracy = calm.accuracy.assign(drift=drift, error_value=10.0)
    (alert,) = overview_alerts.find_alerts(replace(calm, accuracy=accuracy), None)
    assert (alert.number, alert.money) == (3, 30.0)
    assert "2 too high, 1 too low" in alert.told


def test_faults_of_the_data_and_rows_set_aside_are_one_alert(calm):
    one = Finding("k", "complete", "3 items have no cost.", 3, "item", 5.0, np.nan, 0.1, "", "", pd.DataFrame())
    (alert,) = overview_alerts.find_alerts(calm, state(calm, findings=[one], rejected=4))
    assert (alert.number, alert.money, alert.units) == (2, None, 5.0)
    assert "3 items have no cost; 4 rows set aside" in alert.told
    assert overview_alerts.worth(alert, "€") == "5 units"


def test_what_an_alert_is_about_is_short_and_never_money_where_costs_are_hidden():
    alert = overview_alerts.Alert("k", 1, "t", "t", 12_345.0, "p", units=7.0)
    assert overview_alerts.worth(alert, "€") == "€\u00a012 k"
    assert overview_alerts.worth(alert, "€", hidden=True) == "7 units"


def test_the_state_of_the_data_is_that_of_the_morning():
    stock = pd.DataFrame(
        {
            "item_id": "A",
            "location_id": ["S", "S", "T"],
            "as_of": pd.to_datetime(["2026-11-10", "2026-11-14", "2026-11-20"]),
        }
    )
    orders = pd.DataFrame(
        {
            "order_id": ["1", "2"], "item_id": ["A", "B"], "location_id": "S", "quantity": [10.0, 5.0],
            "due_on": pd.Timestamp("2026-12-01"), "supplier_id": [None, "X"],
        }
    )  # fmt: skip
    items = pd.DataFrame({"item_id": ["A", "B"], "supplier_id": ["X", "X"], "unit_cost": [2.0, np.nan]})
    sales = pd.DataFrame({"date": [pd.Timestamp("2026-11-01")], "item_id": "A", "location_id": "S", "quantity": 1.0})
    told = overview_alerts.data_state(
        {"sales": sales, "stock": stock.assign(on_hand=1.0), "open_orders": orders, "items": items}, MORNING, []
    )
    # What was counted after the morning is not known on it.
    assert told.counted.to_dict("records") == [
        {"location_id": "S", "counted_on": pd.Timestamp("2026-11-14"), "age_days": 2}
    ]
    assert told.coming.to_dict("records") == [{"supplier_id": "X", "units": 15.0, "value": 20.0}]
    assert told.suppliers.empty


def test_the_cash_in_words_is_that_of_all_orders_of_thirteen_weeks(plan):
    cost = plan.items.set_index(KEY)["unit_cost"]
    until = pd.Timestamp(plan.as_of) + pd.Timedelta(days=91)
    total = 0.0
    for orders in (plan.orders, plan.planned_orders):
        for row in orders.to_dict("records"):
            each = cost[row["item_id"], row["location_id"]]
            if pd.Timestamp(row["order_on"]) < until and not np.isnan(each):
                total += row["quantity"] * each
    from pages.components.formats import money

    assert money(total, plan.params.currency) in overview_view.in_words(plan, plan.params.currency)
    blind = replace(plan, items=plan.items.assign(unit_cost=np.nan), params=Params())
    assert overview_view.in_words(blind, "") == ""
