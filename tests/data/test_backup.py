"""Backup and restore: whole, private, made while the server works, and never over something else."""

import json
import sqlite3
import stat
import threading
import zipfile
from pathlib import Path

import pytest

from data import backup, service
from data.frozen import freeze
from planning import __main__ as command_line
from planning.errors import InputError
from planning.params import Params
from tests.data import sharing


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOCKCAST_HOME", str(tmp_path / "home"))
    for name in ("STOCKCAST_CATALOG", "STOCKCAST_WORKSPACE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def fill() -> tuple[str, str, bytes]:
    """A workspace with everything that is kept; its snapshot, a link's token, and what the link shows."""
    owner = sharing.planner()
    snapshot = sharing.load(owner)
    result = sharing.plan(owner, snapshot)
    service.create_plan(owner, snapshot, result, name="Plan")
    service.save_scenario(owner, snapshot, "One", Params(service_target=0.9))
    service.note(owner, snapshot, sharing.HOSTILE, item_id="TEA")
    token = service.make_link(owner, snapshot, result, page="overview").token
    return snapshot, token, freeze(service.shared_plan(service.open_link("hosted", token)))


def test_what_comes_back_is_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot, token, shown = fill()
    before = sharing.planner()
    told = [service.plans(before), service.scenarios(before, snapshot), service.list_links(before)]
    file = tmp_path / "backup.zip"
    assert command_line.main(["backup", "--out", str(file)]) == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    monkeypatch.setenv("STOCKCAST_HOME", str(tmp_path / "new"))
    assert command_line.main(["restore", str(file)]) == 0
    after = sharing.planner()
    assert service.current_snapshot(after) == snapshot
    assert [service.plans(after), service.scenarios(after, snapshot), service.list_links(after)] == told
    for name, frame in service.inputs(before, snapshot).items():
        assert frame.equals(service.inputs(after, snapshot)[name])
    assert len(service.plan_lines(after, told[0][0].plan_id, all_lines=True)) == 2
    assert service.notes(after, snapshot)["text"].tolist() == [sharing.HOSTILE]
    assert freeze(service.shared_plan(service.open_link("hosted", token))) == shown
    assert token.encode() not in file.read_bytes()
    assert {path.name for path in (tmp_path / "new").iterdir()} >= {"catalog.sqlite", "workspaces"}
    assert not [path for path in (tmp_path / "new").rglob("*") if ".unfinished" in path.name]


def test_what_stands_in_the_log_of_sqlite_alone_is_in_the_backup(home: Path, tmp_path: Path) -> None:
    fill()
    # A reader that stays keeps what is written now out of the main file.
    reader = sqlite3.connect(home / "catalog.sqlite", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM decisions").fetchall()
    owner = sharing.planner()
    service.note(owner, str(service.current_snapshot(owner)), "only in the log", item_id="TEA")
    assert b"only in the log" not in (home / "catalog.sqlite").read_bytes()
    backup.back_up(home, tmp_path / "backup.zip")
    reader.close()
    backup.restore(tmp_path / "backup.zip", tmp_path / "new")
    assert b"only in the log" in (tmp_path / "new" / "catalog.sqlite").read_bytes()


def test_a_backup_made_while_people_work_holds_all_it_speaks_of(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill()
    stop, faults = threading.Event(), []

    def work() -> None:
        mine = sharing.planner()
        n = 0
        try:
            while not stop.is_set():
                n += 1
                made = sharing.load(mine, more=float(n))
                service.save_scenario(mine, made, f"Scenario {n % 3}", Params(service_target=0.5 + n / 1000))
        except InputError as fault:
            faults.append(fault)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        for n in range(4):
            backup.back_up(home, tmp_path / f"{n}.zip")
    finally:
        stop.set()
        thread.join()
    assert faults == []
    for n in range(4):
        backup.restore(tmp_path / f"{n}.zip", tmp_path / f"new{n}")
        monkeypatch.setenv("STOCKCAST_HOME", str(tmp_path / f"new{n}"))
        owner = sharing.planner()
        for record in service.history(owner):
            assert len(service.inputs(owner, record.snapshot_id)["sales"])
        snapshot = str(service.current_snapshot(owner))
        assert all(one.params for one in service.scenarios(owner, snapshot))


def test_nothing_is_written_over(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill()
    file = tmp_path / "backup.zip"
    backup.back_up(home, file)
    with pytest.raises(InputError, match="there already"):
        backup.back_up(home, file)
    with pytest.raises(InputError, match="not empty"):
        backup.restore(file, home)
    with pytest.raises(InputError, match="no workspace"):
        backup.back_up(tmp_path / "nowhere", tmp_path / "b.zip")
    monkeypatch.setenv("STOCKCAST_CATALOG", "postgresql://user:secret@host/db")
    with pytest.raises(InputError, match="kept elsewhere") as fault:
        backup.back_up(home, tmp_path / "c.zip")
    assert "secret" not in str(fault.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backup.zip", "home"]


def _altered(source: Path, target: Path, change: dict[str, bytes], extra: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            new.writestr(name, change.get(name, old.read(name)))
        for name, payload in extra.items():
            new.writestr(name, payload)
    return target


def test_a_file_that_is_no_whole_backup_changes_nothing(home: Path, tmp_path: Path) -> None:
    fill()
    file = tmp_path / "backup.zip"
    backup.back_up(home, file)
    with zipfile.ZipFile(file) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        some = next(name for name in manifest["files"] if "snapshots" in name)
    outside = {**manifest, "files": {**manifest["files"], "../../evil": "0" * 64}}
    other = {**manifest, "form": 2}
    bad = [
        _altered(file, tmp_path / "1.zip", {some: b"other bytes"}, {}),
        _altered(file, tmp_path / "2.zip", {"catalog.sqlite": b"SQLite format 3\0" + b"x" * 5000}, {}),
        _altered(file, tmp_path / "3.zip", {}, {"workspaces/../../evil": b"x"}),
        _altered(file, tmp_path / "4.zip", {"manifest.json": json.dumps(outside).encode()}, {"../../evil": b"x"}),
        _altered(file, tmp_path / "5.zip", {"manifest.json": json.dumps(other).encode()}, {}),
        _altered(file, tmp_path / "6.zip", {"manifest.json": b"[1, 2]"}, {}),
    ]
    cut = tmp_path / "7.zip"
    cut.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    for one in (*bad, cut):
        with pytest.raises(InputError, match="no whole backup"):
            backup.restore(one, tmp_path / "new")
        assert list((tmp_path / "new").iterdir()) == []
    assert not (tmp_path.parent / "evil").exists()
    assert command_line.main(["restore", str(tmp_path / "missing.zip")]) == 2


def test_private_workspaces_of_visitors_stay_out(home: Path, tmp_path: Path) -> None:
    guest = service.Visitor.arriving("demo")
    sharing.load(guest)
    fill()
    backup.back_up(home, tmp_path / "backup.zip")
    with zipfile.ZipFile(tmp_path / "backup.zip") as archive:
        assert not [name for name in archive.namelist() if "demo" in name or "results" in name]
