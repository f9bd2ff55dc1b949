"""Scenarios: kept in versions, renamed, deleted, undone, noted, by several people at once."""

import threading
from pathlib import Path

import pytest

from data import service
from data.store import Workspace
from planning.errors import InputError, ParameterError
from planning.params import Params
from tests.data import sharing

LATE = Params(what_if=[{"kind": "late_supplier", "days": 21}])


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOCKCAST_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("STOCKCAST_CATALOG", raising=False)


@pytest.fixture
def owner() -> service.Visitor:
    return sharing.planner()


@pytest.fixture
def made(owner: service.Visitor) -> str:
    return sharing.load(owner)


def names(owner: service.Visitor, snapshot: str) -> list[tuple[str, int]]:
    return [(one.name, one.version) for one in service.scenarios(owner, snapshot)]


def test_a_scenario_is_kept_with_all_its_parameters_and_each_save_is_a_version(
    owner: service.Visitor, made: str
) -> None:
    before = service.decisions_id(owner)
    first = service.save_scenario(owner, made, "  Late summer ", LATE, text=sharing.HOSTILE)
    assert (first.name, first.version, first.text, first.made_by) == ("Late summer", 1, sharing.HOSTILE, "Kim")
    assert first.params == LATE
    second = service.save_scenario(owner, made, "LATE SUMMER", LATE.but(service_target=0.9))
    assert (second.scenario_id, second.version) == (first.scenario_id, 2)
    assert service.find_scenario(owner, made, first.scenario_id).params.service_target == 0.9
    old = service.find_scenario(owner, made, first.scenario_id, 1)
    assert (old.params, old.text) == (LATE, sharing.HOSTILE)
    assert [one.version for one in service.scenario_versions(owner, made, first.scenario_id)] == [2, 1]
    assert [one.versions for one in service.scenarios(owner, made)] == [2]
    assert service.decisions_id(owner) == before  # no plan moves


def test_rename_delete_and_save_are_undone_in_turn_and_logged(owner: service.Visitor, made: str) -> None:
    one = service.save_scenario(owner, made, "One", LATE)
    service.save_scenario(owner, made, "One", Params())
    service.rename_scenario(owner, made, one.scenario_id, "Uno")
    service.delete_scenario(owner, made, one.scenario_id)
    assert service.scenarios(owner, made) == []
    with pytest.raises(InputError, match="no such scenario"):
        service.find_scenario(owner, made, one.scenario_id)
    told = []
    for expected in ([("Uno", 2)], [("One", 2)], [("One", 1)], []):
        told.append(service.undo(owner, made))
        assert names(owner, made) == expected
    assert told == [
        "Scenario deleted: Uno",
        "Scenario renamed: One, now Uno",
        "Scenario kept: One, version 2",
        "Scenario kept: One, version 1",
    ]
    # A number means one version for good, undone or not.
    log = service.decisions_log(owner, made)
    assert set(log["by"]) == {"Kim"}
    assert "Scenario deleted" in service.activity(owner)["what"].tolist()


def test_a_version_that_was_undone_gives_its_number_to_no_other(owner: service.Visitor, made: str) -> None:
    service.save_scenario(owner, made, "One", LATE)
    service.save_scenario(owner, made, "One", Params(service_target=0.9))
    service.undo(owner, made)
    assert service.save_scenario(owner, made, "One", Params(service_target=0.8)).version == 3


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [("", "", "name is missing"), (" \n", "", "name is missing"), ("x" * 201, "", "201 characters"),
     ("a\0", "", "no character"), ("a", "x" * 2001, "2,001 characters"), ("a", "\ud800", "no character")],
)  # fmt: skip
def test_a_scenario_that_cannot_be_kept_is_refused(
    owner: service.Visitor, made: str, name: str, text: str, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        service.save_scenario(owner, made, name, LATE, text=text)
    assert owner.workspace.decisions() == []


def test_names_stay_apart(owner: service.Visitor, made: str) -> None:
    one, two = (service.save_scenario(owner, made, name, LATE) for name in ("One", "Two"))
    with pytest.raises(InputError, match="another scenario is called"):
        service.rename_scenario(owner, made, two.scenario_id, "ONE")
    service.rename_scenario(owner, made, one.scenario_id, "one")  # its own name in other letters
    assert names(owner, made) == [("one", 1), ("Two", 1)]
    for ghost in ("", "ghost", "'; DROP TABLE scenarios;--"):
        with pytest.raises(InputError, match="no such scenario"):
            service.rename_scenario(owner, made, ghost, "x")
        with pytest.raises(InputError, match="no such scenario"):
            service.delete_scenario(owner, made, ghost)


def test_who_saved_meanwhile_is_not_overwritten_unseen(owner: service.Visitor, made: str) -> None:
    service.save_scenario(owner, made, "One", LATE)
    service.save_scenario(owner, made, "One", Params(), after=1)
    with pytest.raises(InputError, match="at version 2"):
        service.save_scenario(owner, made, "One", LATE, after=1)
    with pytest.raises(InputError, match="at version 2"):
        service.save_scenario(owner, made, "One", LATE, after=0)
    assert names(owner, made) == [("One", 2)]


def test_many_who_save_at_once_get_a_version_each_and_lose_none(made: str) -> None:
    got, faults = [], []

    def save(n: int) -> None:
        mine = sharing.planner()
        try:
            targets = [Params(service_target=0.5 + n / 100 + k / 1000) for k in range(3)]
            got.extend([service.save_scenario(mine, made, "Shared", params) for params in targets])
        except InputError as fault:
            faults.append(fault)

    threads = [threading.Thread(target=save, args=(n,)) for n in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert sorted(one.version for one in got) == list(range(1, 16))
    assert len({one.scenario_id for one in got}) == 1
    owner = sharing.planner()
    kept = service.scenario_versions(owner, made, got[0].scenario_id)
    told = {one.version: one.params.service_target for one in got}
    assert {one.version: one.params.service_target for one in kept} == told


def test_the_sample_and_other_workspaces_have_scenarios_of_their_own(owner: service.Visitor, made: str) -> None:
    mine = service.save_scenario(owner, made, "Mine", LATE)
    other = service.Visitor("hosted", Workspace("other"))
    assert service.scenarios(other, made) == []
    with pytest.raises(InputError):
        service.find_scenario(other, made, mine.scenario_id)
    service.delete_everything(owner)
    again = sharing.load(owner)
    assert service.scenarios(owner, again) == []
    assert owner.workspace.catalog.scenarios("main", ["x"]) == {}


def test_a_parameter_of_another_version_is_refused_by_name_and_the_list_still_opens(
    owner: service.Visitor, made: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(Params, "to_json", lambda _: '{"gone": 1}')
        service.save_scenario(owner, made, "Old", LATE)
    old = service.scenarios(owner, made)[0]
    assert old.name == "Old"
    with pytest.raises(ParameterError, match="gone"):
        _ = old.params


def test_notes_on_a_scenario_carry_who_and_when(owner: service.Visitor, made: str) -> None:
    one = service.save_scenario(owner, made, "One", LATE)
    name = service.note(owner, made, sharing.HOSTILE, scenario_id=one.scenario_id)
    found = service.notes(owner, made)
    assert found[["text", "scenario_id", "made_by"]].iloc[0].tolist() == [sharing.HOSTILE, one.scenario_id, "Kim"]
    assert service.decisions_log(owner, made)["about"].iloc[0] == "One"
    with pytest.raises(InputError, match="no such scenario"):
        service.note(owner, made, "x", scenario_id="ghost")
    with pytest.raises(InputError, match="or a scenario"):
        service.note(owner, made, "x")
    service.remove_note(owner, made, name)
    assert service.notes(owner, made).empty
    assert service.undo(owner, made)
    assert len(service.notes(owner, made)) == 1
