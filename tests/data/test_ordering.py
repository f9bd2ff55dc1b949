"""What people decide about orders: pins, approvals and their numbers, matches, snoozes, notes, undo."""

from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from data import acting, plans, service
from data.store import Workspace
from data.upload import Source
from planning import pipeline
from planning.errors import InputError
from planning.params import Params
from planning.result import PlanResult

AS_OF = date(2026, 6, 1)
PARAMS = Params(service_target=0.95, bucket="day")
HOSTILE = "=1+1<script>'; DROP TABLE decisions;-- [x](http://x) \N{SNOWMAN}"


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOCKCAST_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("STOCKCAST_CATALOG", raising=False)
    for module in (acting, plans):
        monkeypatch.setattr(module, "person", lambda _: "kim")


@pytest.fixture
def owner() -> service.Visitor:
    return service.Visitor("local", Workspace())


def files(**more: str) -> dict[str, str]:
    days = pd.date_range("2026-01-01", "2026-05-31").strftime("%Y-%m-%d")
    sold = [f"{day},{item},S1,{n}" for day in days for item, n in (("00012", 10), ("TEA", 4), ("JAM", 2))]
    return {
        "sales": "\n".join(["date,item_id,location_id,quantity", *sold]),
        "stock": "item_id,location_id,on_hand,as_of\n"
        "00012,S1,40,2026-06-01\nTEA,S1,10,2026-06-01\nJAM,S1,500,2026-06-01\n",
        "items": "item_id,item_name,category,supplier_id,unit_cost,unit_price,lead_time_days,moq,order_multiple\n"
        f'00012,"{HOSTILE}",Snacks,SUP-1,2,4,7,12,6\nTEA,Tea,Tea,SUP-2,3,6,7,,\nJAM,Jam,Tea,SUP-2,1,2,7,,\n',
        "suppliers": "supplier_id,supplier_name\nSUP-1,=cmd|'/c calc'!A1\nSUP-2,Tea Trading\n",
        **more,
    }


def load(visitor: service.Visitor, **more: str) -> str:
    read = service.preview_import({n: [Source(f"{n}.csv", text.encode())] for n, text in files(**more).items()})
    return service.confirm_import(visitor, read)


@pytest.fixture
def made(owner: service.Visitor) -> str:
    return load(owner)


def plan(visitor: service.Visitor, snapshot: str, as_of: date = AS_OF, params: Params = PARAMS) -> PlanResult:
    return pipeline.plan(service.planned_inputs(visitor, snapshot), as_of, params)


def pin(visitor: service.Visitor, snapshot: str, **more: object) -> str:
    asked: dict[str, Any] = {"item_id": "00012", "location_id": "S1", "kind": "safety_stock", "value": 25.0, **more}
    return service.pin(visitor, snapshot, **asked)


def keys(lines: pd.DataFrame) -> pd.DataFrame:
    return lines[["order_number", "item_id", "location_id"]]


def pinned(visitor: service.Visitor, snapshot: str) -> pd.DataFrame:
    return service.planned_inputs(visitor, snapshot)["pins"]


def quantities(result: PlanResult) -> dict[str, float]:
    return dict(zip(result.orders["item_id"], result.orders["quantity"], strict=True))


# --- pins -------------------------------------------------------------------------------------------------------------


def test_a_pin_reaches_the_plan_and_the_latest_of_a_kind_counts(owner: service.Visitor, made: str) -> None:
    before = service.decisions_id(owner)
    pin(owner, made, value=25.0)
    name = pin(owner, made, value=30.0, reason=HOSTILE)
    found = pinned(owner, made)
    assert found["value"].tolist() == [30.0]
    assert found[["pin_id", "reason", "made_by"]].iloc[0].tolist() == [name, HOSTILE, "kim"]
    assert service.decisions_id(owner) != before
    assert service.reset_pin(owner, made, [name]) == 1
    assert service.pins(owner, made).empty  # the earlier one does not come back


def test_pins_of_several_lines_are_one_step_and_all_or_none(owner: service.Visitor, made: str) -> None:
    rows = pd.DataFrame(
        {"item_id": ["TEA", "JAM"], "location_id": "S1", "kind": "service_target", "value": [0.9, 0.99]}
    )
    assert len(service.pin_many(owner, made, rows)) == 2
    assert service.reset_pin(owner, made, item_id="TEA", kind="service_target") == 1
    service.undo(owner, made)
    assert len(pinned(owner, made)) == 2
    service.undo(owner, made)
    assert "pins" not in service.planned_inputs(owner, made)
    with pytest.raises(InputError, match="pin 2: the data know no item 'TEE'"):
        service.pin_many(owner, made, rows.assign(item_id=["TEA", "TEE"]))
    assert service.decisions_log(owner, made)["what"].tolist().count("Pinned") == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"item_id": "ghost"}, "know no item"),
        ({"location_id": HOSTILE}, "know no location"),
        ({"item_id": None}, "item is missing"),
        ({"kind": "price"}, "safety_stock"),
        ({"value": float("nan")}, "no number"),
        ({"value": True}, "no number"),
        ({"value": -1.0}, "out of range"),
        ({"value": 1e12}, "out of range"),
        ({"kind": "service_target", "value": 95.0}, "between 0 and 1"),
        ({"kind": "order_quantity", "order_on": "soon"}, "no date"),
        ({"reason": "x" * 501}, "501 characters"),
    ],
)
def test_a_pin_that_cannot_be_used_is_refused(
    owner: service.Visitor, made: str, change: dict[str, object], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        pin(owner, made, **change)
    assert owner.workspace.decisions() == []


def test_a_pinned_order_is_ordered_and_approved_once(owner: service.Visitor, made: str) -> None:
    pin(owner, made, kind="order_quantity", value=5.0, order_on=AS_OF)
    first = plan(owner, made)
    assert quantities(first)["00012"] == 5
    approved = service.approve(owner, made, first.orders)
    # 5 was the word for this morning: neither 5 again, nor what the plan would have ordered.
    assert plan(owner, made).orders.empty
    assert service.pins(owner, made)["value"].tolist() == [5.0]
    service.unapprove(owner, made, keys(approved))
    assert quantities(plan(owner, made)) == quantities(first)


# --- approvals --------------------------------------------------------------------------------------------------------


def test_a_second_run_of_the_day_proposes_nothing_twice(owner: service.Visitor, made: str) -> None:
    first = plan(owner, made)
    assert set(quantities(first)) == {"00012", "TEA"}
    some = first.orders[first.orders["item_id"] == "TEA"]
    service.approve(owner, made, some)
    left = plan(owner, made)
    assert quantities(left) == {"00012": quantities(first)["00012"]}
    service.approve(owner, made, left.orders)
    assert plan(owner, made).orders.empty
    for stale in (some, first.orders):  # a page of before
        with pytest.raises(InputError, match="is approved already for 2026-06-01, as PO-2026-000"):
            service.approve(owner, made, stale)
    # The next morning's plan counts them too: a day's demand, not the order again.
    assert sum(quantities(plan(owner, made, date(2026, 6, 2))).values()) < sum(quantities(first).values()) / 2


def test_numbers_are_one_a_supplier_and_morning_and_never_used_twice(owner: service.Visitor, made: str) -> None:
    orders = plan(owner, made).orders
    other = orders[orders["item_id"] == "TEA"].assign(item_id="JAM")
    first = service.approve(owner, made, orders)
    assert first["order_number"].tolist() == ["PO-2026-0001", "PO-2026-0002"]
    assert service.approve(owner, made, other)["order_number"].tolist() == ["PO-2026-0002"]
    service.unapprove(owner, made, pd.DataFrame({"order_number": ["PO-2026-0001"]}))
    again = service.approve(owner, made, orders[orders["item_id"] == "00012"])
    assert again["order_number"].tolist() == ["PO-2026-0003"]
    service.undo(owner, made)
    again = service.approve(owner, made, orders[orders["item_id"] == "00012"])
    assert again["order_number"].tolist() == ["PO-2026-0004"]
    twice = service.approve(owner, made, orders[orders["item_id"] == "00012"], again=True)
    assert twice["order_number"].tolist() == ["PO-2026-0005"]
    later = orders.assign(order_on=pd.Timestamp("2027-01-04"), arrives_on=pd.Timestamp("2027-01-11"))
    assert service.approve(owner, made, later)["order_number"].tolist() == ["PO-2027-0001", "PO-2027-0002"]


def test_a_number_of_the_data_is_not_given(owner: service.Visitor) -> None:
    made = load(owner, open_orders="item_id,quantity,due_on,location_id,order_id\nJAM,5,2026-06-03,S1,PO-2026-0001\n")
    assert service.approve(owner, made, plan(owner, made).orders)["order_number"].tolist()[0] == "PO-2026-0002"


def test_two_people_approve_at_the_same_moment_only_once(owner: service.Visitor, made: str) -> None:
    orders = plan(owner, made).orders
    tell = owner.workspace.decide

    def meanwhile(kind: str, body: Any) -> Any:
        object.__delattr__(owner.workspace, "decide")
        service.approve(owner, made, orders)
        return tell(kind, body)

    object.__setattr__(owner.workspace, "decide", meanwhile)
    with pytest.raises(InputError, match="approved already"):
        service.approve(owner, made, orders)
    assert len(service.approvals(owner, made)) == 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"quantity": 0.0}, "line 1: .*no order"),
        ({"quantity": float("inf")}, "no number"),
        ({"item_id": "ghost"}, "know no item"),
        ({"order_on": None}, "lacks the morning"),
        ({"arrives_on": date(2026, 5, 1)}, "arrives before it"),
        ({"unit_cost": -1.0}, "out of range"),
    ],
)
def test_a_line_that_cannot_be_ordered_is_refused_and_nothing_approved(
    owner: service.Visitor, made: str, change: dict[str, object], said: str
) -> None:
    bad = plan(owner, made).orders.astype(object).assign(**change)
    with pytest.raises(InputError, match=said):
        service.approve(owner, made, bad)
    with pytest.raises(InputError, match="0 lines"):
        service.approve(owner, made, bad[:0])
    assert service.approvals(owner, made).empty


def test_what_was_taken_out_is_not_taken_back_but_closed(owner: service.Visitor, made: str) -> None:
    result = plan(owner, made)
    name = service.create_plan(owner, made, result, name="Monday")
    lines = service.approve(owner, made, result.orders)
    service.orders_out(owner, name)
    with pytest.raises(InputError, match="was taken out by kim"):
        service.unapprove(owner, made, keys(lines))
    with pytest.raises(InputError, match="was taken out"):
        service.undo(owner, made)
    more = service.approve(owner, made, result.orders[:1].assign(item_id="JAM"))
    assert more["order_number"].iloc[0] not in set(lines["order_number"])  # what is out is not added to
    service.close_approved(owner, made, keys(lines)[:1], reason="Supplier refused")
    told = service.approvals(owner, made).set_index("item_id")
    assert told["status"].to_dict() == {"JAM": "approved", "TEA": "taken out", "00012": "closed"}
    assert told["reason"]["00012"] == "Supplier refused"
    assert quantities(plan(owner, made)) == {"00012": quantities(result)["00012"]}
    service.undo(owner, made)
    assert plan(owner, made).orders.empty


def test_an_approval_is_undone_and_the_plan_is_as_before(owner: service.Visitor, made: str) -> None:
    first, before = plan(owner, made), service.decisions_id(owner)
    service.approve(owner, made, first.orders)
    assert service.undo(owner, made) == "Approved: PO-2026-0001, PO-2026-0002: 2 lines"
    assert service.decisions_id(owner) == before
    assert quantities(plan(owner, made)) == quantities(first)


# --- the data tell of them --------------------------------------------------------------------------------------------


def open_orders(*rows: str) -> str:
    return "\n".join(["item_id,quantity,due_on,location_id,supplier_id,order_id,ordered_on", *rows, ""])


def test_what_comes_with_its_number_counts_once_and_for_good(owner: service.Visitor, made: str) -> None:
    lines = service.approve(owner, made, plan(owner, made).orders).set_index("item_id")
    quantity, number = lines["quantity"]["00012"], lines["order_number"]["00012"]
    arrived = load(owner, open_orders=open_orders(f"00012,{quantity},2026-06-08,S1,SUP-1,{number},2026-06-01"))
    result = plan(owner, arrived)
    assert result.orders.empty
    assert result.replenishment.set_index("item_id")["on_order"]["00012"] == quantity
    told = service.approvals(owner, arrived).set_index("item_id")
    assert told["status"].to_dict() == {"00012": "found", "TEA": "approved"}
    # Received, and out of the open orders: it is on the shelf, and not still to come.
    gone = load(owner, open_orders=open_orders("JAM,1,2026-06-20,S1,SUP-2,X-1,2026-06-01"))
    assert service.planned_inputs(owner, gone)["approved_orders"]["item_id"].tolist() == ["TEA"]
    # The data of before know nothing of it: there it is still to come.
    service.go_back(owner, made)
    assert len(service.planned_inputs(owner, made)["approved_orders"]) == 2


def test_what_comes_under_another_number_is_proposed_and_confirmed_by_the_planner(
    owner: service.Visitor, made: str
) -> None:
    lines = service.approve(owner, made, plan(owner, made).orders).set_index("item_id")
    quantity = lines["quantity"]["00012"]
    rows = [
        f"00012,{quantity},2026-06-09,S1,SUP-1,ERP-7,2026-06-01",
        f"00012,{quantity},2026-06-09,S1,SUP-2,ERP-8,2026-06-01",  # of another supplier
        f"00012,{quantity * 2},2026-06-09,S1,SUP-1,ERP-9,2026-06-01",  # of another quantity
        f"00012,{quantity},2026-09-09,S1,SUP-1,ERP-10,2026-09-01",  # of another month
    ]
    arrived = load(owner, open_orders=open_orders(*rows))
    found = service.match_candidates(owner, arrived)
    assert found["order_id"].tolist() == ["ERP-7"]
    assert "approved" in set(service.approvals(owner, arrived)["status"])
    one = found.iloc[0]
    asked = (one["order_number"], one["item_id"], one["location_id"])
    with pytest.raises(InputError, match="no such match"):
        service.confirm_match(owner, arrived, *asked, "0" * 16)
    service.confirm_match(owner, arrived, *asked, one["candidate_id"])
    assert service.planned_inputs(owner, arrived)["approved_orders"]["item_id"].tolist() == ["TEA"]
    assert service.approvals(owner, arrived).set_index("item_id")["found_as"]["00012"] == "ERP-7"
    assert service.match_candidates(owner, arrived).empty
    service.undo(owner, arrived)
    assert len(service.match_candidates(owner, arrived)) == 1


def test_an_order_that_was_there_before_is_no_candidate(owner: service.Visitor) -> None:
    there = open_orders("TEA,40,2026-06-08,S1,SUP-2,OLD-1,2026-06-01")
    made = load(owner, open_orders=there)
    line = {"supplier_id": "SUP-2", "location_id": "S1", "item_id": "TEA", "quantity": 40.0, "unit_cost": 3.0}
    days = {"order_on": pd.Timestamp(AS_OF), "arrives_on": pd.Timestamp("2026-06-08")}
    service.approve(owner, made, pd.DataFrame([{**line, **days}]))
    assert service.match_candidates(owner, made).empty
    both = load(owner, open_orders=there + "TEA,40,2026-06-08,S1,SUP-2,ERP-1,2026-06-02\n")
    assert service.match_candidates(owner, both)["order_id"].tolist() == ["ERP-1"]


def test_a_receipt_may_be_the_order_too(owner: service.Visitor, made: str) -> None:
    lines = service.approve(owner, made, plan(owner, made).orders).set_index("item_id")
    arrived = load(
        owner,
        receipts="item_id,ordered_on,received_on,quantity,location_id\n"
        f"TEA,2026-06-02,2026-06-07,{lines['quantity']['TEA'] * 0.9},S1\n",
    )
    found = service.match_candidates(owner, arrived)
    assert found[["item_id", "table"]].to_numpy().tolist() == [["TEA", "receipts"]]
    service.confirm_match(owner, arrived, *found.iloc[0][["order_number", "item_id", "location_id", "candidate_id"]])
    assert service.planned_inputs(owner, arrived)["approved_orders"]["item_id"].tolist() == ["00012"]


def test_what_nothing_tells_of_is_warned_of_after_seven_days(owner: service.Visitor, made: str) -> None:
    service.approve(owner, made, plan(owner, made).orders)
    for day, late in ((8, False), (9, True)):
        notes = " ".join(plan(owner, made, date(2026, 6, day)).notes)
        assert ("Approved orders that the data do not tell of after 7 days: 2" in notes) is late
        assert service.approvals(owner, made, date(2026, 6, day))["late"].tolist() == [late, late]


def test_what_was_decided_on_the_sample_stays_there(owner: service.Visitor, made: str) -> None:
    service.approve(owner, made, plan(owner, made).orders)
    sample = service.use_sample(owner)
    assert service.approvals(owner, sample).empty
    assert "approved_orders" not in service.planned_inputs(owner, sample)


# --- snoozes and notes ------------------------------------------------------------------------------------------------


def test_a_snoozed_line_is_away_until_its_day_unless_it_turns_red(owner: service.Visitor, made: str) -> None:
    key = service.decisions_id(owner)
    lines = pd.DataFrame({"item_id": ["00012", "TEA"], "location_id": "S1", "risk": ["amber", "red"]})
    service.snooze(owner, made, lines, date(2026, 6, 10), reason="Meeting them on Wednesday")

    def left(day: int, *risks: str) -> list[str]:
        return service.work_list(owner, made, date(2026, 6, day), lines.assign(risk=risks))["item_id"].tolist()

    assert left(1, "amber", "red") == []
    assert left(9, "red", "red") == ["00012"]  # it turned red; the other was red when it was put away
    assert left(10, "amber", "amber") == ["00012", "TEA"]
    service.wake(owner, made, lines[:1])
    assert left(1, "amber", "red") == ["00012"]
    service.undo(owner, made)
    assert service.snoozed(owner, made, AS_OF)["item_id"].tolist() == ["00012", "TEA"]
    assert service.decisions_id(owner) == key  # no plan moves
    with pytest.raises(InputError, match="no line"):
        service.snooze(owner, made, lines[:0], date(2026, 6, 10))
    with pytest.raises(InputError, match="no date"):
        service.snooze(owner, made, lines, "next week")  # type: ignore[arg-type]


def test_notes_are_text_about_something_known(owner: service.Visitor, made: str) -> None:
    number = service.approve(owner, made, plan(owner, made).orders)["order_number"].iloc[0]
    service.note(owner, made, HOSTILE, item_id="TEA", location_id="S1")
    name = service.note(owner, made, "Called them", order_number=number)
    told = service.notes(owner, made)
    assert told["text"].tolist() == ["Called them", HOSTILE]
    assert told["order_number"].tolist() == [number, None]
    service.remove_note(owner, made, name)
    assert len(service.notes(owner, made)) == 1
    service.undo(owner, made)
    assert len(service.notes(owner, made)) == 2
    for text, about, said in (
        (" ", {"item_id": "TEA"}, "missing"),
        ("x" * 2_001, {"item_id": "TEA"}, "2,001 characters"),
        ("x", {}, "name one"),
        ("x", {"order_number": "PO-1"}, "no order"),
        ("x", {"location_id": "S9"}, "know no location"),
    ):
        with pytest.raises(InputError, match=said):
            service.note(owner, made, text, **about)
    with pytest.raises(InputError, match="no such note"):
        service.remove_note(owner, made, "00")


# --- who may, and who did ---------------------------------------------------------------------------------------------


def test_every_action_is_refused_for_who_may_only_look(owner: service.Visitor, made: str) -> None:
    result = plan(owner, made)
    lines = keys(service.approve(owner, made, result.orders))
    name = service.create_plan(owner, made, result, name="Monday")
    viewer = service.Visitor("local", owner.workspace, may_change=False)
    count = len(owner.workspace.decisions())
    row = pd.DataFrame({"item_id": ["TEA"], "location_id": ["S1"]})
    actions = (
        lambda: pin(viewer, made),
        lambda: service.pin_many(viewer, made, row),
        lambda: service.reset_pin(viewer, made),
        lambda: service.approve(viewer, made, result.orders),
        lambda: service.unapprove(viewer, made, lines),
        lambda: service.close_approved(viewer, made, lines, reason="x"),
        lambda: service.confirm_match(viewer, made, "a", "b", "c", "d"),
        lambda: service.snooze(viewer, made, row, AS_OF),
        lambda: service.wake(viewer, made, row),
        lambda: service.note(viewer, made, "x", item_id="TEA"),
        lambda: service.remove_note(viewer, made, "x"),
        lambda: service.create_plan(viewer, made, result, name="x"),
        lambda: service.rebuild_plan(viewer, name, made, result),
        lambda: service.adopt_plan(viewer, name),
        lambda: service.orders_out(viewer, name),
    )
    for action in actions:
        with pytest.raises(service.NotAllowedError):
            action()
    assert len(owner.workspace.decisions()) == count
    assert len(service.plans(viewer)) == 1


def test_two_visitors_stay_apart(owner: service.Visitor, made: str) -> None:
    other = service.Visitor("local", Workspace("other"))
    result = plan(owner, made)
    service.approve(owner, made, result.orders)
    name = service.create_plan(owner, made, result, name="Mine")
    theirs = load(other)
    assert theirs == made
    assert service.approvals(other, made).empty
    assert service.plans(other) == []
    for look in (
        lambda: service.plan_lines(other, name),
        lambda: service.adopt_plan(other, name),
        lambda: service.orders_out(other, name),
        lambda: service.changes(other, name, name),
        lambda: service.plan_lines(other, "../" + name),
    ):
        with pytest.raises(InputError, match="no plan"):
            look()
    assert len(plan(other, made).orders) == len(result.orders)


def test_the_log_tells_who_did_what_and_holds_no_words_of_people(
    owner: service.Visitor, made: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="stockcast")
    result = plan(owner, made)
    service.approve(owner, made, result.orders)
    service.note(owner, made, HOSTILE, item_id="TEA")
    service.adopt_plan(owner, service.create_plan(owner, made, result, name=HOSTILE))
    service.undo(owner, made)
    told = service.activity(owner)
    assert sorted(told["what"][:4]) == ["Note", "Plan adopted", "Plan made", "Undone"]
    assert told["what"].tolist()[4:] == ["Approved", "Data imported"]
    assert told.set_index("what")["by"]["Approved"] == "kim"
    assert told.set_index("what")["undone"]["Note"]
    assert told.set_index("what")["reason"]["Note"] == HOSTILE
    assert told["at"].is_monotonic_decreasing
    assert "DROP" not in caplog.text
    assert "approved mode=local" in caplog.text
