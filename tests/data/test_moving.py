"""What people decide about transfers: set by hand, approved, on their way, found in newer counts, taken out, undone."""

import io
import zipfile
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from data import acting, service
from data.store import Workspace
from data.upload import Source
from planning import pipeline
from planning.errors import InputError
from planning.params import Params
from planning.result import PlanResult

AS_OF = date(2026, 6, 1)
HOSTILE = "=1+1<script>'; DROP TABLE decisions;-- \N{SNOWMAN}"
LANE = {"item_id": "TEA", "source_id": "WH", "destination_id": "S1"}


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOCKCAST_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("STOCKCAST_CATALOG", raising=False)
    monkeypatch.setattr(acting, "person", lambda _: "kim")


@pytest.fixture
def owner() -> service.Visitor:
    return service.Visitor("local", Workspace())


def load(visitor: service.Visitor, counts: str = "2026-06-01", stores: str = "", **more: str) -> str:
    """Import a warehouse and two stores, counted on a day (the stores on another)."""
    days = pd.date_range("2026-03-01", "2026-05-31").strftime("%Y-%m-%d")
    sold = [f"{day},TEA,{place},10" for day in days for place in ("S1", "S2")]
    at = stores or counts
    # A count of another day finds something else.
    held = 100 - 40 * (counts != "2026-06-01")
    files = {
        "sales": "\n".join(["date,item_id,location_id,quantity", *sold]),
        "stock": f"item_id,location_id,on_hand,as_of\nTEA,WH,{held},{counts}\nTEA,S1,{len(at[8:10].lstrip('0'))},{at}\n"
        f"TEA,S2,5,{at}\n",
        "items": f'item_id,item_name,unit_cost,unit_price\nTEA,"{HOSTILE}",2,6\n',
        "locations": "location_id,location_name\nWH,=cmd|'/c calc'!A1\nS1,High Street\nS2,Market\n",
        **more,
    }
    read = service.preview_import({name: [Source(f"{name}.csv", text.encode())] for name, text in files.items()})
    return service.confirm_import(visitor, read)


@pytest.fixture
def made(owner: service.Visitor) -> str:
    return load(owner)


def plan(visitor: service.Visitor, snapshot: str, as_of: date = AS_OF) -> PlanResult:
    params = Params(bucket="day", lead_time_sd_fraction=0)
    return pipeline.plan(service.planned_inputs(visitor, snapshot), as_of, params)


def sent(visitor: service.Visitor, snapshot: str) -> pd.DataFrame:
    return service.planned_inputs(visitor, snapshot)["approved_transfers"]


def status(visitor: service.Visitor, snapshot: str) -> list[str]:
    return service.transfer_approvals(visitor, snapshot, AS_OF)["status"].tolist()


# --- set by hand ------------------------------------------------------------------------------------------------------


def test_a_transfer_set_by_hand_reaches_the_plan_and_the_latest_word_counts(owner: service.Visitor, made: str) -> None:
    before, ground = service.decisions_id(owner), service.ground_id(owner)
    service.pin_transfer(owner, made, **LANE, quantity=30, morning=AS_OF)
    service.pin_transfer(owner, made, **LANE, quantity=20, morning=AS_OF, reason=HOSTILE)
    found = service.planned_inputs(owner, made)["transfer_pins"]
    assert found[["quantity", "reason", "made_by"]].to_numpy().tolist() == [[20.0, HOSTILE, "kim"]]
    assert found["planned_on"].tolist() == [pd.Timestamp(AS_OF)]
    assert service.decisions_id(owner) != before
    assert service.ground_id(owner) == ground  # nothing is prepared anew
    service.undo(owner, made)
    assert service.transfer_pins(owner, made)["quantity"].tolist() == [30.0]
    assert service.decisions_log(owner, made)["about"].iloc[-1] == "TEA, WH to S1: 30"


def test_transfers_set_by_hand_are_left_to_the_plan_again_one_by_one_or_all(owner: service.Visitor, made: str) -> None:
    rows = pd.DataFrame([{**LANE, "quantity": 30.0}, {**LANE, "destination_id": "S2", "quantity": 0.0}])
    assert service.pin_transfers(owner, made, rows, morning=AS_OF) == 2
    assert service.unpin_transfer(owner, made, rows[:1], morning=AS_OF) == 1
    assert service.transfer_pins(owner, made)["destination_id"].tolist() == ["S2"]
    assert service.unpin_transfer(owner, made, morning=date(2026, 6, 2)) == 0
    assert service.unpin_transfer(owner, made, morning=AS_OF) == 1
    assert service.unpin_transfer(owner, made) == 0
    service.undo(owner, made)
    service.undo(owner, made)
    assert len(service.transfer_pins(owner, made)) == 2
    service.undo(owner, made)
    assert "transfer_pins" not in service.planned_inputs(owner, made)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"item_id": "ghost"}, "know no item"),
        ({"source_id": HOSTILE}, "know no location"),
        ({"destination_id": None}, "location that receives is missing"),
        ({"destination_id": "WH"}, "cannot send to itself"),
        ({"quantity": float("nan")}, "no number"),
        ({"quantity": -1}, "out of range"),
        ({"reason": "x" * 501}, "501 characters"),
    ],
)
def test_a_transfer_that_cannot_be_set_is_refused(
    owner: service.Visitor, made: str, change: dict[str, object], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        service.pin_transfer(owner, made, **{**LANE, "quantity": 5, "morning": AS_OF, **change})
    assert owner.workspace.decisions() == []


# --- approved ---------------------------------------------------------------------------------------------------------


def test_approved_transfers_get_numbers_by_lane_and_are_not_proposed_again(owner: service.Visitor, made: str) -> None:
    first = plan(owner, made)
    told = service.approve_transfers(owner, made, first.allocation, morning=AS_OF)
    assert dict(zip(told["destination_id"], told["transfer_number"], strict=True)) == {
        "S1": "TR-2026-0001", "S2": "TR-2026-0002",
    }  # fmt: skip
    assert sent(owner, made)[["shipped", "received"]].to_numpy().tolist() == [[0, 0], [0, 0]]
    again = plan(owner, made)
    assert again.allocation.empty
    pd.testing.assert_series_equal(again.replenishment["order_quantity"], first.replenishment["order_quantity"])
    assert service.approvals(owner, made).empty  # they are no purchases
    with pytest.raises(InputError, match="approved already for 2026-06-01, as TR-2026-0001"):
        service.approve_transfers(owner, made, first.allocation, morning=AS_OF)
    service.undo(owner, made)
    pd.testing.assert_frame_equal(plan(owner, made).allocation, first.allocation)


def test_what_was_set_by_hand_and_approved_is_not_sent_again(owner: service.Visitor, made: str) -> None:
    service.pin_transfer(owner, made, **LANE, quantity=30, morning=AS_OF)
    line = pd.DataFrame([{**LANE, "quantity": 20.0, "ship_on": AS_OF, "arrives_on": date(2026, 6, 3)}])
    told = service.approve_transfers(owner, made, line, morning=AS_OF)
    assert service.planned_inputs(owner, made)["transfer_pins"]["quantity"].tolist() == [10.0]
    assert service.transfer_pins(owner, made)["quantity"].tolist() == [30.0]
    service.unapprove(owner, made, told)
    assert service.planned_inputs(owner, made)["transfer_pins"]["quantity"].tolist() == [30.0]
    assert "approved_transfers" not in service.planned_inputs(owner, made)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"quantity": 0}, "no transfer"),
        ({"item_id": "ghost"}, "know no item"),
        ({"source_id": "S1"}, "cannot send to itself"),
        ({"arrives_on": date(2026, 5, 30)}, "before it leaves"),
        ({"ship_on": None}, "lacks the day"),
    ],
)
def test_a_line_that_cannot_be_sent_is_refused(
    owner: service.Visitor, made: str, change: dict[str, object], said: str
) -> None:
    line = {**LANE, "quantity": 5.0, "ship_on": AS_OF, "arrives_on": date(2026, 6, 3), **change}
    with pytest.raises(InputError, match=f"line 1: .*{said}"):
        service.approve_transfers(owner, made, pd.DataFrame([line]), morning=AS_OF)
    assert owner.workspace.decisions() == []


def test_newer_counts_end_a_transfer_at_each_end(owner: service.Visitor, made: str) -> None:
    service.approve_transfers(owner, made, plan(owner, made).allocation, morning=AS_OF)
    # Other data, but the same counts: nothing has left.
    same = load(owner, suppliers="supplier_id\nV\n")
    assert same != made
    assert status(owner, same) == ["approved", "approved"]
    left = load(owner, "2026-06-02", "2026-06-01")
    assert status(owner, left) == ["shipped", "shipped"]
    told = plan(owner, left, date(2026, 6, 2))
    assert any("newer count at their source shows already: 2" in note for note in told.notes)
    came = load(owner, "2026-06-04", "2026-06-14")
    assert status(owner, came) == ["found", "found"]
    assert "approved_transfers" not in service.planned_inputs(owner, came)
    service.go_back(owner, made)
    assert status(owner, made) == ["approved", "approved"]


def test_an_order_of_its_number_counts_instead_of_it(owner: service.Visitor, made: str) -> None:
    told = service.approve_transfers(owner, made, plan(owner, made).allocation, morning=AS_OF).set_index(
        "destination_id"
    )
    number, units = told.loc["S1", ["transfer_number", "quantity"]]
    coming = load(
        owner, open_orders=f"item_id,location_id,quantity,due_on,order_id\nTEA,S1,{units},2026-06-03,{number}\n"
    )
    rows = service.transfer_approvals(owner, coming).set_index("destination_id")
    assert rows["status"].to_dict() == {"S1": "found", "S2": "approved"}
    lines = plan(owner, coming).replenishment.set_index("location_id")
    assert lines.loc["S1", "on_order"] == units
    assert plan(owner, coming).allocation.empty
    # Once it is gone from the open orders it does not count again.
    gone = load(owner, open_orders="item_id,location_id,quantity,due_on,order_id\nTEA,S2,1,2026-07-03,X\n")
    assert plan(owner, gone).replenishment.set_index("location_id").loc["S1", "on_order"] == 0


def test_a_closed_transfer_counts_no_more_and_one_that_nobody_finds_is_late(owner: service.Visitor, made: str) -> None:
    told = service.approve_transfers(owner, made, plan(owner, made).allocation, morning=AS_OF)
    for day, late in ((8, False), (9, True)):
        assert service.transfer_approvals(owner, made, date(2026, 6, day))["late"].tolist() == [late, late]
    service.close_approved(owner, made, told[:1], reason="The truck broke down")
    assert sorted(status(owner, made)) == ["approved", "closed"]
    assert len(sent(owner, made)) == 1


def test_who_may_only_look_may_not_decide(owner: service.Visitor, made: str) -> None:
    lines = plan(owner, made).allocation
    viewer = service.Visitor("local", owner.workspace, may_change=False)
    for action in (
        lambda: service.pin_transfer(viewer, made, **LANE, quantity=1),
        lambda: service.unpin_transfer(viewer, made),
        lambda: service.approve_transfers(viewer, made, lines),
        lambda: service.transfers_out(viewer, made, AS_OF),
    ):
        with pytest.raises(service.NotAllowedError):
            action()
    assert owner.workspace.decisions() == []


# --- taken out --------------------------------------------------------------------------------------------------------


def test_transfers_are_taken_out_by_source_and_destination_and_stand_then(owner: service.Visitor, made: str) -> None:
    with pytest.raises(InputError, match="no transfer of 2026-06-01 is approved"):
        service.transfers_out(owner, made, AS_OF)
    told = service.approve_transfers(owner, made, plan(owner, made).allocation, morning=AS_OF)
    out = service.transfers_out(owner, made, AS_OF, name=HOSTILE)
    assert (out.orders, out.lines) == (2, 2)
    with zipfile.ZipFile(io.BytesIO(out.payload)) as archive:
        assert archive.namelist() == ["TR-2026-0001-WH-S1.csv", "TR-2026-0002-WH-S2.csv"]
        text = archive.read("TR-2026-0001-WH-S1.csv").decode("utf-8-sig")
    assert "'=1+1<script>" in text
    assert "'=cmd|" in text
    assert status(owner, made) == ["taken out", "taken out"]
    with pytest.raises(InputError, match="was taken out by kim"):
        service.unapprove(owner, made, told)
    with pytest.raises(InputError, match="was taken out"):
        service.undo(owner, made)
    excel = service.transfers_out(owner, made, AS_OF, excel=True)
    assert excel.name.endswith("transfers.xlsx")
    with zipfile.ZipFile(io.BytesIO(excel.payload)) as book:
        sheets = [book.read(name) for name in book.namelist() if name.startswith("xl/worksheets/sheet")]
    assert len(sheets) == 2  # one a source, and what the reader should know
    assert not any(b"<f>" in sheet or b"hyperlink" in sheet for sheet in sheets)
