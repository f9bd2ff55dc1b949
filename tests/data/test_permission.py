"""Everything that the service offers, asked for by those who may not: a viewer of a link, and nobody."""

import inspect
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from data import service
from data.attempts import Attempts
from planning.params import Params
from tests.data import sharing

WITHOUT_VISITOR = {
    # What was given in, and nothing that is kept.
    "check_plan": "a name and a kind",
    "corrections_csv": "rows",
    "corrections_workbook": "rows",
    "default_as_of": "tables",
    "default_how": "the name of a table",
    "fingerprint": "files",
    "preview_import": "files",
    "rows_to_correct": "files",
    "template": "nothing",
    "warnings": "tables",
    # Who is here, and a link's own check of its token.
    "mode": "settings",
    "passphrase_hash": "settings",
    "open_link": "a token",
}
"""Functions that take no visitor, and what they read: none of it is anybody's."""

FOR_ALL = {"sign_in", "sign_out"}
"""Functions for those who are nobody yet, or want to be nobody."""
FOR_VIEWERS = {
    "check_link", "shared_comparison", "shared_figures", "shared_history", "shared_plan", "shared_replay", "try_out",
}  # fmt: skip
"""Functions that read what the link grants."""


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOCKCAST_HOME", str(tmp_path / "home"))
    for name in ("STOCKCAST_CATALOG", "STOCKCAST_WORKSPACE", "STOCKCAST_PASSPHRASE_HASH"):
        monkeypatch.delenv(name, raising=False)


def functions() -> dict[str, Any]:
    """Every function that a page can reach in the service, told in `__all__` or not."""
    found = {name: one for name, one in vars(service).items() if inspect.isfunction(one) and not name.startswith("_")}
    imported_for_itself = {name for name in found if name not in service.__all__}
    ours = {name for name in imported_for_itself if found[name].__module__ == "data.service"}
    assert not ours, f"{ours} of data.service are not in __all__"
    return {name: one for name, one in found.items() if name in service.__all__}


def with_visitor() -> list[str]:
    return sorted(name for name, one in functions().items() if "visitor" in inspect.signature(one).parameters)


def arguments(function: Any, visitor: service.Visitor, known: dict[str, Any]) -> dict[str, Any]:
    """An argument for each parameter that must be given, a true one where that matters."""
    told = {"visitor": visitor}
    for name, one in inspect.signature(function).parameters.items():
        if name != "visitor" and (one.default is inspect.Parameter.empty or name in ("frames", "replace_everything")):
            assert name in known, f"say in this test what {name} is"
            told[name] = known[name]
    return told


@pytest.fixture
def known() -> dict[str, Any]:
    """True arguments, as whoever looked at the planner's screen would know them."""
    owner = sharing.planner()
    snapshot = sharing.load(owner)
    result = sharing.plan(owner, snapshot)
    made = service.create_plan(owner, snapshot, result, name="Plan")
    service.adopt_plan(owner, made)
    line = pd.DataFrame({"item_id": ["TEA"], "location_id": ["S1"], "kind": ["safety_stock"], "value": [9.0]})
    number = service.approve(owner, snapshot, result.orders)["order_number"].iloc[0]
    correction = service.override(
        owner, snapshot, kind="percent", value=5, starts_on=sharing.AS_OF, ends_on=sharing.AS_OF, reason="why"
    )
    scenario = service.save_scenario(owner, snapshot, "Base", Params())
    link = service.make_link(owner, snapshot, result, page="overview")
    read = service.preview_import({})
    return {
        "snapshot_id": snapshot,
        "result": result,
        "read": read,
        "replace_everything": True,
        "frames": service.inputs(owner, snapshot),
        "plan_id": made,
        "old": made,
        "new": made,
        "name": "another",
        "lines": line,
        "rows": line,
        "replenishment": result.replenishment,
        "edited": pd.DataFrame(),
        "as_of": sharing.AS_OF,
        "until": date(2026, 7, 1),
        "params": Params(),
        "kind": "percent",
        "value": 7.0,
        "starts_on": sharing.AS_OF,
        "ends_on": sharing.AS_OF,
        "reason": "because",
        "text": "a text",
        "key": "a key",
        "item_id": "TEA",
        "location_id": "S1",
        "source_id": "S1",
        "destination_id": "S2",
        "quantity": 3.0,
        "morning": sharing.AS_OF,
        "order_number": number,
        "candidate_id": "x",
        "override_ids": [correction],
        "note_id": service.note(owner, snapshot, "a note", item_id="TEA"),
        "scenario_id": scenario.scenario_id,
        "link_id": link.record.link_id,
        "token": link.token,
        "changes": {},
        "first": date(2026, 3, 2),
        "every": 4,
        "keep": lambda _, make: make(),
    }


def everything(home: Path) -> list[tuple[str, bytes]]:
    """Every file of the server, but for what SQLite writes beside its own, and when a link was last used."""
    return sorted((str(p), p.read_bytes()) for p in home.rglob("*") if p.is_file() and "catalog.sqlite" not in p.name)


def test_every_function_of_the_service_has_a_rule() -> None:
    without = set(functions()) - set(with_visitor())
    assert without == set(WITHOUT_VISITOR)
    assert set(with_visitor()) >= FOR_ALL | FOR_VIEWERS


def test_all_functions_refuse_a_viewer_and_nobody_and_change_nothing(known: dict[str, Any], tmp_path: Path) -> None:
    owner = sharing.planner()
    viewer = service.open_link("hosted", known["token"])
    # Costs are hidden in it: nothing may be tried.
    with pytest.raises(service.NotAllowedError):
        service.try_out(viewer, {}, keep=known["keep"])
    log, links, files = owner.workspace.decisions(), service.list_links(owner), everything(tmp_path)
    refused = set()
    for visitor in (viewer, service.Visitor.arriving("hosted")):
        for name in with_visitor():
            if name in FOR_ALL or (name in FOR_VIEWERS and visitor is viewer):
                continue
            function = functions()[name]
            with pytest.raises(service.NotAllowedError):
                function(**arguments(function, visitor, known))
            refused.add(name)
        for attribute in ("workspace", "jobs"):
            with pytest.raises(service.NotAllowedError):
                getattr(visitor, attribute)
    assert len(refused) > 60
    assert owner.workspace.decisions() == log
    assert service.list_links(owner) == links
    assert everything(tmp_path) == files
    assert service.current_snapshot(owner) == known["snapshot_id"]
    assert [plan.status for plan in service.plans(owner)] == ["plan of record"]


def test_a_planner_is_refused_none_of_them(known: dict[str, Any]) -> None:
    # Else the refusals above would prove nothing.
    for name in with_visitor():
        if name in FOR_ALL | FOR_VIEWERS | {"delete_everything", "start_fit", "start_known_then"}:
            continue
        function = functions()[name]
        try:
            function(**arguments(function, sharing.planner(), known))
        except service.NotAllowedError:
            pytest.fail(f"{name} refused a planner")
        except (service.PlanningError, AttributeError, KeyError):
            continue  # the argument was not fit for it


def test_a_read_only_planner_reads_and_changes_nothing(known: dict[str, Any]) -> None:
    guest = replace(sharing.planner(), may_change=False)
    assert service.current_snapshot(guest) == known["snapshot_id"]
    assert len(service.scenarios(guest, known["snapshot_id"])) == 1
    for name in ("save_scenario", "delete_scenario", "rename_scenario", "make_link", "revoke_link", "undo"):
        function = functions()[name]
        with pytest.raises(service.NotAllowedError):
            function(**arguments(function, guest, known))


def test_a_viewer_made_up_with_a_workspace_is_still_no_planner(known: dict[str, Any]) -> None:
    viewer = service.open_link("hosted", known["token"])
    both = replace(viewer, own=sharing.planner().workspace, may_change=True)
    assert both.role == "viewer"
    with pytest.raises(service.NotAllowedError):
        service.current_snapshot(both)
    with pytest.raises(service.NotAllowedError):
        service.undo(both, known["snapshot_id"])


def test_nobody_signs_in_where_there_is_no_sign_in() -> None:
    for mode in ("local", "demo"):
        visitor = service.Visitor.arriving(mode)
        with pytest.raises(service.SignInError):
            service.sign_in(visitor, sharing.WORDS, attempts=Attempts(), address=None, secret=sharing.quick_hash())
    nobody = service.Visitor.arriving("hosted")
    for secret in (None, "", "scrypt:1:1:1:x:y"):
        with pytest.raises(service.SignInError):
            service.sign_in(nobody, sharing.WORDS, attempts=Attempts(), address=None, secret=secret)


@pytest.mark.parametrize(
    ("configured", "whole", "expected"),
    [
        ("hosted", True, "hosted"),
        (" HOSTED ", True, "hosted"),
        ("hosted", False, "demo"),
        ("host", True, "demo"),
        ("local", True, "local"),
        (None, True, "demo"),
        ("", True, "demo"),
        ("demo", True, "demo"),
    ],
)
def test_a_server_is_hosted_only_when_told_with_a_whole_hash(
    configured: str | None, whole: bool, expected: str
) -> None:
    made = sharing.quick_hash() if whole else "scrypt:15:8:3:short"
    assert service.mode("0.0.0.0", configured, made) == expected
    if configured and "hosted" in configured.lower() and not whole:
        assert service.mode("127.0.0.1", configured, made) == "demo"


def test_the_hash_comes_from_the_environment_or_the_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    assert service.passphrase_hash(None) is None
    assert service.passphrase_hash(" file ") == "file"
    monkeypatch.setenv("STOCKCAST_PASSPHRASE_HASH", "environment")
    assert service.passphrase_hash("file") == "environment"
