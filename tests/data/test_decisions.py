"""What people decide: kept apart, over new data, checked at the door, undone and locked."""

import io
import json
import zipfile
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data import deciding, decisions, jobs, service
from data.catalog import NO_DECISIONS
from data.export import input_files
from data.store import Workspace
from data.upload import Source
from planning import pipeline
from planning.errors import InputError
from planning.inputs import MAIN
from planning.params import Params
from planning.tables import INPUT_TABLES

AS_OF = date(2026, 1, 12)
SALES = "date,item_id,quantity,location_id\n2026-01-05,00012,3,S1\n2026-01-06,00012,2,S1\n2026-01-06,TEA-250,1,S2\n"
STOCK = "item_id,on_hand,location_id,as_of\n00012,7,S1,2026-01-12\nTEA-250,4,S2,2026-01-12\n"
ITEMS = "item_id,item_name,category\n00012,Biscuits,Snacks\nTEA-250,Tea,Tea\n"
EVENTS = "starts_on,ends_on,uplift,category,event_name\n2026-02-01,2026-02-07,1.3,Snacks,Fair\n"
HOSTILE = "=1+1<script>'; DROP TABLE decisions;-- [x](http://x) \N{SNOWMAN}"


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOCKCAST_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("STOCKCAST_CATALOG", raising=False)
    monkeypatch.setattr(service, "_person", lambda _: "kim")


@pytest.fixture
def owner() -> service.Visitor:
    return service.Visitor("local", Workspace())


def read(**tables: str) -> service.Import:
    return service.preview_import({name: [Source(f"{name}.csv", text.encode())] for name, text in tables.items()})


@pytest.fixture
def made(owner: service.Visitor) -> str:
    return service.confirm_import(owner, read(sales=SALES, stock=STOCK, items=ITEMS, events=EVENTS))


def correct(visitor: service.Visitor, snapshot: str, **more: Any) -> str:
    asked: dict[str, Any] = {
        "kind": "percent",
        "value": 20,
        "starts_on": date(2026, 1, 12),
        "ends_on": date(2026, 2, 8),
        "reason": "New shop next door",
        **more,
    }
    return service.override(visitor, snapshot, **asked)


def standing(visitor: service.Visitor, snapshot: str) -> list[str]:
    return list(service.overrides(visitor, snapshot)["override_id"])


def events(visitor: service.Visitor, snapshot: str) -> pd.DataFrame:
    return service.planned_inputs(visitor, snapshot)["events"]


# --- corrections ------------------------------------------------------------------------------------------------------


def test_a_correction_is_kept_with_who_when_and_why(owner: service.Visitor, made: str) -> None:
    name = correct(owner, made, item_id="00012", location_id="S1", locked=True, reason=f"  {HOSTILE}\n")
    (row,) = service.overrides(owner, made).to_dict("records")
    assert (row["override_id"], row["item_id"], row["category"], row["location_id"]) == (name, "00012", None, "S1")
    assert (row["kind"], row["value"], row["locked"], row["reason"]) == ("percent", 20.0, 1.0, HOSTILE)
    assert (row["made_by"], row["locked_by"], row["locked_reason"]) == ("kim", "kim", HOSTILE)
    assert row["starts_on"] == pd.Timestamp(2026, 1, 12)
    assert pd.Timestamp(row["made_at"]).tzinfo is not None
    assert np.isnan(row["before"])


def test_the_plans_input_has_the_corrections_in_the_form_of_the_contract(owner: service.Visitor, made: str) -> None:
    assert "overrides" not in service.planned_inputs(owner, made)
    correct(owner, made)
    tables = service.planned_inputs(owner, made)
    assert list(tables["overrides"].columns) == list(INPUT_TABLES["overrides"].names)
    for column in INPUT_TABLES["overrides"].columns:
        kind = {"id": "object", "text": "object", "date": "datetime64[s]"}.get(column.kind, "float64")
        assert str(tables["overrides"][column.name].dtype) == kind
    assert "overrides" not in service.inputs(owner, made)
    again = service.planned_inputs(owner, made, frames=tables)
    pd.testing.assert_frame_equal(again["overrides"], tables["overrides"])


def test_what_was_decided_outlives_new_data(owner: service.Visitor, made: str) -> None:
    name = correct(owner, made)
    later = service.confirm_import(owner, read(stock="item_id,on_hand\n00012,99\n"))
    assert later != made
    assert standing(owner, later) == [name]
    assert standing(service.Visitor("local", Workspace()), later) == [name]


def test_two_visitors_decide_apart() -> None:
    one, two = service.Visitor.arriving("demo"), service.Visitor.arriving("demo")
    snapshots = [service.confirm_import(v, read(sales=SALES, stock=STOCK)) for v in (one, two)]
    assert snapshots[0] == snapshots[1]
    correct(one, snapshots[0])
    service.edit_events(one, snapshots[0], table(closed()))
    assert standing(two, snapshots[1]) == []
    assert "events" not in service.planned_inputs(two, snapshots[1])
    assert service.decisions_log(two, snapshots[1]).empty
    with pytest.raises(InputError, match="nothing was decided"):
        service.undo(two, snapshots[1])


def test_what_was_decided_on_the_sample_holds_for_it_alone(owner: service.Visitor, made: str) -> None:
    frames = read(sales=SALES, stock=STOCK).frames
    sample = owner.workspace.save(frames, sample=True)
    assert sample != made
    correct(owner, sample)
    assert standing(owner, made) == []
    mine = correct(owner, made)
    assert standing(owner, made) == [mine]
    service.undo(owner, sample)
    assert (standing(owner, sample), standing(owner, made)) == ([], [mine])


def test_taking_back_gives_the_same_tables_and_keys(owner: service.Visitor, made: str) -> None:
    before = service.planned_inputs(owner, made)
    names = [correct(owner, made, item_id="00012"), correct(owner, made, category="Tea")]
    assert service.reset_override(owner, made, names) == 2
    after = service.planned_inputs(owner, made)
    assert list(after) == list(before)
    assert all(after[name].equals(before[name]) for name in before)
    with pytest.raises(InputError, match="taken back already"):
        service.reset_override(owner, made, names)


def test_all_of_a_level_are_taken_back_at_once(owner: service.Visitor, made: str) -> None:
    item = {"item_id": "00012"}
    correct(owner, made, **item)
    correct(owner, made, **item, starts_on=date(2026, 1, 20))
    other = correct(owner, made, **item, location_id="S1")
    whole = correct(owner, made)
    assert service.reset_override(owner, made, **item) == 2
    assert standing(owner, made) == [other, whole]
    assert service.reset_override(owner, made) == 1
    assert service.reset_override(owner, made) == 0
    assert standing(owner, made) == [other]


def test_a_lock_stands_until_it_is_opened(owner: service.Visitor, made: str) -> None:
    name = correct(owner, made, item_id="00012")
    service.lock_override(owner, made, [name], reason="Agreed with sales")
    told = rf"locked by kim on \d{{4}}-\d\d-\d\d \(Agreed with sales\): unlock correction {name} first"
    with pytest.raises(InputError, match=told):
        service.reset_override(owner, made, [name])
    with pytest.raises(InputError, match=told):
        correct(owner, made, item_id="00012", value=5)
    correct(owner, made, item_id="00012", value=5, ends_on=date(2026, 2, 7))
    service.lock_override(owner, made, [name], reason="Sales changed it", locked=False)
    assert service.reset_override(owner, made, [name]) == 1
    born = correct(owner, made, location_id="S1", locked=True)
    with pytest.raises(InputError, match="New shop next door"):
        service.reset_override(owner, made, location_id="S1")
    service.lock_override(owner, made, [born], reason="x", locked=False)
    assert service.reset_override(owner, made, location_id="S1") == 1


def test_of_several_one_that_is_locked_keeps_all(owner: service.Visitor, made: str) -> None:
    names = [correct(owner, made, item_id="00012"), correct(owner, made, category="Tea", locked=True)]
    with pytest.raises(InputError, match="is locked"):
        service.reset_override(owner, made, names)
    assert standing(owner, made) == names


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"value": -101}, "out of range: percent takes -100"),
        ({"kind": "set_units", "value": -1}, "out of range"),
        ({"value": 1e12}, "out of range"),
        ({"value": float("nan")}, "no number"),
        ({"value": float("inf")}, "no number"),
        ({"value": True}, "no number"),
        ({"value": "20"}, "no number"),
        ({"kind": "times"}, "'times' is no kind of correction"),
        ({"reason": ""}, "reason is missing"),
        ({"reason": " \n"}, "reason is missing"),
        ({"reason": None}, "reason is missing"),
        ({"reason": "x" * 501}, "501 characters"),
        ({"reason": "\ud800"}, "no character"),
        ({"reason": "a\0b"}, "no character"),
        ({"starts_on": None}, "first day is missing"),
        ({"ends_on": pd.NaT}, "last day is missing"),
        ({"starts_on": "soon"}, "first day is missing"),
        ({"starts_on": "0026-12-31"}, "first day lies in the year 26, outside 1900 to 2199"),
        ({"ends_on": date(9999, 12, 31)}, "last day lies in the year 9999"),
        ({"ends_on": date(2026, 1, 11)}, "lies before the first"),
        ({"item_id": "0012"}, "no item '0012': the nearest are 00012"),
        ({"item_id": "<b>"}, "no item '<b>': none is named like it"),
        ({"item_id": 12}, "no item '12'"),
        ({"category": "snacks"}, "no category 'snacks': the nearest are Snacks"),
        ({"location_id": "S3"}, "no location 'S3': the nearest are S"),
        ({"item_id": "00012", "category": "Snacks"}, "either the item or the whole category"),
    ],
)
def test_what_cannot_be_used_is_refused(
    owner: service.Visitor, made: str, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message.replace("(", r"\(")):
        correct(owner, made, **change)
    assert owner.workspace.decisions() == []


def test_data_without_locations_have_the_one_that_their_plan_names(owner: service.Visitor, made: str) -> None:
    assert deciding.UNPLACED == MAIN
    with pytest.raises(InputError, match="no location 'MAIN'"):
        correct(owner, made, location_id=MAIN)
    bare = read(sales="date,item_id,quantity\n2026-01-05,00012,3\n", stock="item_id,on_hand\n00012,7\n")
    snapshot = service.confirm_import(owner, bare, replace_everything=True)
    correct(owner, snapshot, item_id="00012", location_id=MAIN)
    assert service.overrides(owner, snapshot)["location_id"].tolist() == [MAIN]


def test_only_so_many_are_in_force_at_once(owner: service.Visitor, made: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deciding, "MOST_OVERRIDES", 2)
    first = correct(owner, made)
    correct(owner, made)
    with pytest.raises(InputError, match="the most there may be"):
        correct(owner, made)
    service.reset_override(owner, made, [first])
    correct(owner, made)


def test_corrections_that_came_with_the_data_can_be_taken_back_and_locked(owner: service.Visitor) -> None:
    header = "override_id,starts_on,ends_on,kind,value,locked,reason,made_by,made_at\n"
    first = "1,2026-01-12,2026-01-18,percent,5,,spring,ann,2026-01-01T08:00:00\n"
    second = "2,2026-01-12,2026-01-18,add_units,5,true,,,\n"
    came = service.confirm_import(owner, read(sales=SALES, stock=STOCK, overrides=header + first + second))
    assert standing(owner, came) == ["1", "2"]
    with pytest.raises(InputError, match="correction 2 is locked: unlock correction 2 first"):
        service.reset_override(owner, came, ["2"])
    service.lock_override(owner, came, ["2"], reason="mine", locked=False)
    service.lock_override(owner, came, ["1"], reason="mine")
    assert service.overrides(owner, came)["locked"].tolist() == [1.0, 0.0]
    service.reset_override(owner, came, ["2"])
    assert standing(owner, came) == ["1"]
    # Later data call another correction 2: that one was neither unlocked nor taken back.
    other = "2,2026-03-01,2026-03-07,percent,9,true,,,\n"
    later = service.confirm_import(owner, read(overrides=header + first + other))
    assert standing(owner, later) == ["1", "2"]
    assert service.overrides(owner, later)["locked"].tolist() == [1.0, 1.0]


def test_corrections_that_are_taken_away_and_brought_again_count_once(owner: service.Visitor, made: str) -> None:
    names = [correct(owner, made), correct(owner, made, item_id="00012", locked=True)]
    files = {name: frame for name, frame in service.planned_inputs(owner, made).items() if name == "overrides"}
    text = zipfile.ZipFile(io.BytesIO(input_files(files))).read("overrides.csv").decode()
    later = service.confirm_import(owner, read(overrides=text))
    assert len(service.inputs(owner, later)["overrides"]) == 2
    assert standing(owner, later) == names
    service.reset_override(owner, later, names[:1])
    assert standing(owner, later) == names[1:]
    # Elsewhere they are corrections of the data.
    other = service.Visitor("local", Workspace("other"))
    there = service.confirm_import(other, read(sales=SALES, stock=STOCK, items=ITEMS, overrides=text))
    assert sorted(standing(other, there)) == sorted(names)
    assert service.overrides(other, there)["locked"].sum() == 1


def test_nobody_signed_in_is_nobody(owner: service.Visitor, made: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "_person", lambda _: "")
    name = correct(owner, made, locked=True)
    assert service.overrides(owner, made)["made_by"].tolist() == [None]
    with pytest.raises(InputError, match=rf"{name} is locked on \d{{4}}-\d\d-\d\d \(New shop"):
        service.reset_override(owner, made, [name])


def test_the_list_tells_what_each_did(owner: service.Visitor, made: str) -> None:
    first, second = correct(owner, made), correct(owner, made, item_id="00012")
    applied = pd.DataFrame({"override_id": [second], "before": [10.0], "after": [12.0], "message": [""]})
    told = service.overrides(owner, made, applied=applied)
    assert told["override_id"].tolist() == [first, second]
    assert told["after"].fillna(-1).tolist() == [-1, 12]
    assert told["message"].tolist() == ["", ""]


# --- events -----------------------------------------------------------------------------------------------------------


def closed(**more: object) -> dict[str, Any]:
    return {"starts_on": date(2026, 3, 1), "ends_on": date(2026, 3, 2), "uplift": 0, "event_name": "Closed", **more}


def table(*rows: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=list(INPUT_TABLES["events"].names))


def edited(visitor: service.Visitor, snapshot: str, *rows: dict[str, Any]) -> pd.DataFrame:
    return pd.concat([events(visitor, snapshot).astype(object), table(*rows)], ignore_index=True)


def test_events_are_added_changed_removed_and_brought_back(owner: service.Visitor, made: str) -> None:
    came = events(owner, made)
    assert service.edit_events(owner, made, edited(owner, made, closed(), {})) == 1
    assert events(owner, made)["event_name"].tolist() == ["Fair", "Closed"]
    assert events(owner, made).dtypes.equals(came.dtypes)

    changed = events(owner, made).assign(uplift=[1.5, 0.0])
    assert service.edit_events(owner, made, changed) == 1
    assert events(owner, made)["uplift"].tolist() == [1.5, 0.0]
    assert service.edit_events(owner, made, changed) == 0

    assert service.edit_events(owner, made, changed[:0]) == 2
    assert events(owner, made).empty
    assert service.edit_events(owner, made, came) == 1
    assert events(owner, made).equals(came)
    assert pipeline_key(owner, made) == pipeline.fit_key(
        service.inputs(owner, made), made, NO_DECISIONS, AS_OF, Params()
    )


def test_edited_events_outlive_new_data(owner: service.Visitor, made: str) -> None:
    service.edit_events(owner, made, edited(owner, made, closed(location_id="S1"))[1:])
    later = service.confirm_import(owner, read(events=EVENTS + "2026-04-01,2026-04-02,2,,Easter\n"))
    assert events(owner, later)["event_name"].tolist() == ["Closed", "Easter"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"uplift": -1}, "event 2: an uplift of -1 is out of range"),
        ({"uplift": 101}, "out of range"),
        ({"uplift": None}, "event 2: the uplift is missing"),
        ({"starts_on": None}, "event 2: the first day is missing"),
        ({"starts_on": date(26, 12, 31)}, "event 2: the first day lies in the year 26, outside 1900 to 2199"),
        ({"ends_on": date(2026, 2, 1)}, "lies before the first"),
        ({"item_id": "TEA-25"}, "the nearest are TEA-250"),
        ({"category": "Te"}, "no category 'Te'"),
        ({"location_id": "Mars"}, "no location 'Mars'"),
        ({"event_name": "x" * 201}, "201 characters"),
    ],
)
def test_a_bad_event_changes_nothing(owner: service.Visitor, made: str, change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        service.edit_events(owner, made, edited(owner, made, closed(**change), closed()))
    assert owner.workspace.decisions() == []


def test_the_same_event_twice_with_different_uplifts_is_refused(owner: service.Visitor, made: str) -> None:
    with pytest.raises(InputError, match="event 3: the same event stands there twice"):
        service.edit_events(owner, made, edited(owner, made, closed(), closed(uplift=1)))
    with pytest.raises(InputError, match="lacks uplift"):
        service.edit_events(owner, made, edited(owner, made).drop(columns="uplift"))


def test_events_of_the_data_are_not_judged_again(owner: service.Visitor) -> None:
    strange = EVENTS + "2026-04-01,2026-04-02,2,Nobody's,Easter\n"
    snapshot = service.confirm_import(owner, read(sales=SALES, stock=STOCK, items=ITEMS, events=strange))
    assert service.edit_events(owner, snapshot, edited(owner, snapshot, closed(event_name=HOSTILE))) == 1
    assert HOSTILE in events(owner, snapshot)["event_name"].tolist()


def test_edited_events_pass_through_a_file(owner: service.Visitor, made: str) -> None:
    service.edit_events(owner, made, edited(owner, made, closed(event_name=HOSTILE, uplift=0.1 + 0.2)))
    frame = events(owner, made)
    assert decisions.events_from_json(decisions.events_to_json(frame)).equals(frame)
    assert decisions.events_from_json("[]").empty
    for text in ("", "{", "[1]", '[{"uplift": 1}]', '{"a": 1}'):
        with pytest.raises(InputError, match="edited events"):
            decisions.events_from_json(text)


# --- undo and the log -------------------------------------------------------------------------------------------------


def test_undo_goes_back_step_by_step_and_an_edit_of_events_is_one(owner: service.Visitor, made: str) -> None:
    name = correct(owner, made)
    service.lock_override(owner, made, [name], reason="x")
    service.edit_events(owner, made, edited(owner, made, closed(), closed(event_name="Late"))[1:])
    assert "Closed" in service.undo(owner, made)
    assert events(owner, made)["event_name"].tolist() == ["Fair"]
    assert service.undo(owner, made) == f"Correction locked: {name}"
    service.reset_override(owner, made, [name])
    service.undo(owner, made)
    assert standing(owner, made) == [name]
    assert service.undo(owner, made) == "Correction made: everything, 2026-01-12 to 2026-02-08: +20 %"
    assert standing(owner, made) == []
    with pytest.raises(InputError, match="nothing was decided"):
        service.undo(owner, made)


def test_the_log_tells_all_of_it_newest_first(owner: service.Visitor, made: str) -> None:
    name = correct(owner, made, item_id="00012", kind="set_units", value=1234.5)
    service.lock_override(owner, made, [name], reason=HOSTILE)
    service.undo(owner, made)
    owner.workspace.decide("of_another_kind", {"text": "of another part of the product"})
    log = service.decisions_log(owner, made)
    assert log["what"].tolist() == ["Undone", "Correction locked", "Correction made"]
    assert log["undone"].tolist() == [False, True, False]
    assert log["about"].tolist()[::2] == ["no. 2", "00012, 2026-01-12 to 2026-02-08: 1,234.5 units"]
    assert log["reason"].tolist() == ["", HOSTILE, "New shop next door"]
    assert log["by"].tolist() == ["kim"] * 3


def test_the_servers_log_holds_nothing_people_wrote(
    owner: service.Visitor, made: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "stockcast")
    name = correct(owner, made, item_id="TEA-250", reason="secret")
    service.lock_override(owner, made, [name], reason="secret")
    service.edit_events(owner, made, edited(owner, made, closed(event_name="secret")))
    service.undo(owner, made)
    assert len(caplog.records) == 4
    assert "secret" not in caplog.text
    assert "TEA-250" not in caplog.text


def test_who_may_only_look_decides_nothing(owner: service.Visitor, made: str) -> None:
    name = correct(owner, made)
    guest = service.Visitor("local", owner.workspace, may_change=False)
    forbidden: list[Callable[[], object]] = [
        lambda: correct(guest, made),
        lambda: service.reset_override(guest, made, [name]),
        lambda: service.lock_override(guest, made, [name], reason="x"),
        lambda: service.edit_events(guest, made, table()),
        lambda: service.undo(guest, made),
    ]
    for act in forbidden:
        with pytest.raises(service.NotAllowedError, match="read only"):
            act()
    assert standing(guest, made) == [name]
    assert len(service.decisions_log(guest, made)) == 1


def test_leaving_takes_all_decisions_along(owner: service.Visitor, made: str) -> None:
    correct(owner, made)
    service.delete_everything(owner)
    assert owner.workspace.decisions() == []


# --- keys and jobs ----------------------------------------------------------------------------------------------------


def pipeline_key(visitor: service.Visitor, snapshot: str) -> str:
    return service.fit_key(visitor, snapshot, AS_OF, Params())


def test_a_correction_never_forecasts_again_but_an_event_does(owner: service.Visitor, made: str) -> None:
    before, plan = pipeline_key(owner, made), service.decisions_id(owner)
    assert before == pipeline.fit_key(service.inputs(owner, made), made, NO_DECISIONS, AS_OF, Params())
    correct(owner, made)
    assert pipeline_key(owner, made) == before
    assert service.decisions_id(owner) != plan
    service.edit_events(owner, made, edited(owner, made, closed()))
    with_event = pipeline_key(owner, made)
    assert with_event != before
    service.undo(owner, made)
    assert pipeline_key(owner, made) == before
    service.edit_events(owner, made, edited(owner, made, closed()))
    assert pipeline_key(owner, made) == with_event


@pytest.mark.parametrize("edit", [False, True])
def test_a_forecast_is_started_with_the_events_as_they_were_edited(
    owner: service.Visitor, made: str, monkeypatch: pytest.MonkeyPatch, edit: bool
) -> None:
    told: dict[str, Any] = {}

    def start(*asked: object, **more: object) -> None:
        told.update(key=asked[1], files=more["files"])

    monkeypatch.setattr(jobs, "start", start)
    correct(owner, made)
    if edit:
        service.edit_events(owner, made, edited(owner, made, closed()))
    service.start_fit(owner, made, AS_OF, Params())
    assert told["key"] == pipeline_key(owner, made)
    assert set(told["files"]) == {jobs.PARAMS, *([jobs.EVENTS] if edit else [])}
    if edit:
        assert decisions.events_from_json(told["files"][jobs.EVENTS]).equals(events(owner, made))


def test_the_command_of_a_forecast_names_the_edited_events_where_there_are_any(tmp_path: Path) -> None:
    command = jobs.fit_command(tmp_path, AS_OF, 1)
    assert "--events" not in command(tmp_path)
    (tmp_path / jobs.EVENTS).touch()
    assert list(command(tmp_path))[-2:] == ["--events", str(tmp_path / jobs.EVENTS)]


def test_a_forecast_of_the_sample_with_ones_own_events_serves_nobody_else(
    owner: service.Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = owner.workspace.save(read(sales=SALES, stock=STOCK).frames, sample=True)
    key = pipeline_key(owner, sample)
    Workspace(service.SAMPLE).keep(key, b"for all")
    monkeypatch.setattr(service.pipeline.Fits, "from_bytes", lambda payload: payload)
    assert service.fits(owner, sample, AS_OF, Params()) == b"for all"
    service.edit_events(owner, sample, table(closed()))
    Workspace(service.SAMPLE).keep(pipeline_key(owner, sample), b"of another")
    assert service.fits(owner, sample, AS_OF, Params()) is None


# --- laws -------------------------------------------------------------------------------------------------------------

DAY = st.dates(date(2020, 1, 1), date(2030, 1, 1))
EVENT = st.fixed_dictionaries(
    {
        "starts_on": DAY,
        "ends_on": DAY,
        "uplift": st.floats(0, 100),
        "item_id": st.none() | st.sampled_from(["00012", "TEA-250"]),
        "category": st.none() | st.just("Tea"),
        "location_id": st.none() | st.just("S1"),
        "event_name": st.none()
        | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=9),
    }
).map(lambda row: {**row, "ends_on": row["starts_on"] + timedelta(days=row["uplift"] // 9)})
FRAMES = read(sales=SALES, stock=STOCK, items=ITEMS, events=EVENTS).frames


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(EVENT, max_size=4, unique_by=lambda row: decisions.event_key(row)), min_size=1, max_size=4))
def test_whatever_is_edited_the_table_then_holds(versions: list[list[dict[str, Any]]]) -> None:
    log: list[decisions.Decision] = []
    for rows in versions:
        decided = decisions.read_log(log, sample=False)
        wanted = table(*rows)
        given_names = {deciding.checked_text(row["event_name"], "", 200) for row in rows}
        if len({(row["starts_on"], deciding.checked_text(row["event_name"], "", 200)) for row in rows}) < len(rows):
            continue  # the same event twice is refused
        for kind, row in deciding.checked_events(wanted, FRAMES["events"], FRAMES, decided):
            body = json.loads(json.dumps({"row": row, "by": "", "sample": False}))
            log.append(decisions.Decision(len(log) + 1, pd.Timestamp(0, tz="UTC").to_pydatetime(), kind, body))
        now = decisions.read_log(log, sample=False).events(FRAMES["events"])
        assert now is not None
        assert sorted(now["uplift"]) == sorted(row["uplift"] for row in rows)
        assert set(now["event_name"]) == given_names
