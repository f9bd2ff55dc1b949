"""Snapshots come back as they were kept, ids follow content alone, and a crash leaves old or new."""

import math
import os
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data import atomic, store
from data.snapshot import build_snapshot, read_snapshot
from data.store import Workspace, snapshot_id
from planning.errors import InputError
from planning.tables import INPUT_TABLES, Column, Table

KEY = "0123456789abcdef"

AWKWARD = st.sampled_from(
    ["", " ", "00012", "A-1", "=1+1", "a\x00b", "\r\n", "é", "e\u0301", "\U0001f600", "nan", "None"]
)
TEXTS = st.none() | AWKWARD | st.text(st.characters(exclude_categories=("Cs",)), max_size=6)
DATES = st.none() | st.dates()
NUMBERS = st.none() | st.floats() | st.integers(-5, 5).map(float)


def cells(column: Column) -> st.SearchStrategy[Any]:
    if column.kind in ("id", "text"):
        return TEXTS
    return DATES if column.kind == "date" else NUMBERS


def contract_frame(table: Table, rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Return rows as the readers hand them over: object with None, datetime64[s], float64."""
    columns = {}
    for c in table.columns:
        values = [row.get(c.name) for row in rows]
        if c.kind in ("id", "text"):
            columns[c.name] = pd.Series(values, dtype=object)
        elif c.kind == "date":
            columns[c.name] = pd.Series(np.array(values, dtype="datetime64[s]"))
        else:
            columns[c.name] = pd.Series([math.nan if v is None else v for v in values], dtype="float64")
    return pd.DataFrame(columns)


def frames_of(*names: str) -> st.SearchStrategy[dict[str, pd.DataFrame]]:
    def one(table: Table) -> st.SearchStrategy[pd.DataFrame]:
        row = st.fixed_dictionaries({c.name: cells(c) for c in table.columns})
        return st.lists(row, max_size=6).map(lambda rows: contract_frame(table, rows))

    return st.fixed_dictionaries({name: one(INPUT_TABLES[name]) for name in names})


def small() -> dict[str, pd.DataFrame]:
    sales = [
        {"date": "2026-01-05", "item_id": "00012", "quantity": 3.0, "location_id": "S1"},
        {"date": "2026-01-05", "item_id": "00012", "quantity": 3.0, "location_id": "S1"},
        {"date": "2026-01-06", "item_id": "B", "quantity": -1.0, "unit_price": 2.5},
    ]
    stock = [{"item_id": "00012", "on_hand": 7.0}, {"item_id": "B", "on_hand": 0.0, "as_of": "2026-01-07"}]
    return {
        "sales": contract_frame(INPUT_TABLES["sales"], sales),
        "stock": contract_frame(INPUT_TABLES["stock"], stock),
    }


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(root=tmp_path)


def sorted_alike(frame: pd.DataFrame) -> list[tuple[str, ...]]:
    # Adding zero: -0.0 is kept as 0.0.
    told = frame.apply(lambda c: c + 0.0 if c.dtype == "float64" else c)
    return sorted(tuple(repr(v) for v in row) for row in told.astype(object).itertuples(index=False))


# --- the round trip ---------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(frames=frames_of("sales", "stock", "availability", "events"))
def test_what_is_kept_comes_back_to_the_letter(tmp_path_factory: pytest.TempPathFactory, frames: Any) -> None:
    workspace = Workspace(root=tmp_path_factory.mktemp("home"))
    back = workspace.load(workspace.save(frames))
    assert list(back) == [name for name in INPUT_TABLES if name in frames]
    for name, frame in frames.items():
        assert back[name].dtypes.to_dict() == frame.dtypes.to_dict()
        assert sorted_alike(back[name]) == sorted_alike(frame)


def test_every_table_of_the_contract_can_be_kept_empty(workspace: Workspace) -> None:
    frames = {name: contract_frame(table, []) for name, table in INPUT_TABLES.items()}
    back = workspace.load(workspace.save(frames))
    for name, frame in frames.items():
        pd.testing.assert_frame_equal(back[name], frame)


def test_rows_come_back_in_key_order_whatever_order_they_came_in(workspace: Workspace) -> None:
    frames = small()
    turned = {name: frame.iloc[::-1] for name, frame in frames.items()}
    assert workspace.save(frames) == workspace.save(turned)
    back = workspace.load(snapshot_id(turned))
    assert list(back["stock"]["item_id"]) == ["00012", "B"]


def test_the_report_of_an_import_is_kept_beside_it(workspace: Workspace) -> None:
    rejected = pd.DataFrame(
        {"table": ["sales"], "file": ["a.csv"], "row": [7], "column": ["quantity"], "value": ["ten"], "reason": ["no"]}
    )
    counts = {"sales": {"read": 4, "accepted": 3, "rejected": 1}}
    made = workspace.save(small(), files=["a.csv"], rows=counts, notes=["one"], rejected=rejected)
    pd.testing.assert_frame_equal(workspace.rejected(made), rejected)
    record = workspace.current()
    assert record is not None
    assert (record.snapshot_id, record.files, record.rows, record.notes) == (made, ("a.csv",), counts, ("one",))
    assert workspace.rejected("0" * 64).empty


# --- ids --------------------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(frames=frames_of("sales", "locations"), seed=st.integers(0, 999))
def test_row_order_never_changes_the_id(frames: Any, seed: int) -> None:
    mixed = {name: frame.sample(frac=1, random_state=seed) for name, frame in reversed(frames.items())}
    assert snapshot_id(mixed) == snapshot_id(frames)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(frames=frames_of("sales"), data=st.data())
def test_any_changed_cell_changes_the_id(frames: Any, data: st.DataObject) -> None:
    frame = frames["sales"]
    if frame.empty:
        return
    row = data.draw(st.integers(0, len(frame) - 1))
    column = data.draw(st.sampled_from(INPUT_TABLES["sales"].columns))
    before = frame.at[row, column.name]
    changed = frame.copy()
    if column.kind in ("id", "text"):
        changed.at[row, column.name] = "" if before is None else f"{before}x"
    elif column.kind == "date":
        other = np.datetime64("2020-01-01") if pd.isna(before) else None
        changed[column.name] = changed[column.name].where(changed.index != row, other)
    else:
        changed.at[row, column.name] = 1.0 if math.isnan(before) else math.nan
    assert snapshot_id({"sales": changed}) != snapshot_id(frames)


def test_the_id_follows_rows_and_not_types() -> None:
    frames = small()
    sales = frames["sales"]
    assert snapshot_id(frames) == snapshot_id(
        {
            "stock": frames["stock"].drop(columns=["lot_id", "expiry_date"]),
            "sales": sales.assign(
                quantity=sales["quantity"].astype("Int64"),
                date=sales["date"].astype("datetime64[ns]") + pd.Timedelta(hours=5),
                item_id=sales["item_id"].astype("category"),
                location_id=sales["location_id"].astype("string"),
                channel=math.nan,
            ),
        }
    )


def test_the_id_is_the_same_in_every_release() -> None:
    # Kept results and share links are found by it: change `FORM` where it must change.
    assert snapshot_id(small()) == "3defb9e45cab71a21b16d984612faaabb8edcb2323fe946862ad88f75a796f86"


def test_cells_never_run_together() -> None:
    def one(item: str, location: str) -> str:
        row = {"item_id": item, "location_id": location, "on_hand": 1.0}
        return snapshot_id({"stock": contract_frame(INPUT_TABLES["stock"], [row])})

    assert len({one("ab", "c"), one("a", "bc"), one("a\x00b", "c"), one("a", "b\x00c")}) == 4


def test_a_row_more_or_twice_is_another_snapshot() -> None:
    frames = small()
    once = frames | {"sales": frames["sales"].drop_duplicates()}
    assert snapshot_id(once) != snapshot_id(frames)
    assert snapshot_id(frames | {"items": contract_frame(INPUT_TABLES["items"], [])}) != snapshot_id(frames)


@pytest.mark.parametrize(
    ("frames", "fault"),
    [
        ({"../sales": pd.DataFrame()}, "unknown table"),
        ({"stock": pd.DataFrame({"weight": [1.0]})}, "no column 'weight'"),
        ({"stock": pd.DataFrame({"item_id": [12], "on_hand": [1.0]})}, "item_id"),
        ({"stock": pd.DataFrame({"item_id": ["a\ud800"], "on_hand": [1.0]})}, "item_id"),
        ({"stock": pd.DataFrame({"item_id": ["a"], "on_hand": ["x"]})}, "on_hand"),
        ({"stock": pd.DataFrame({"item_id": ["a"], "as_of": ["soon"]})}, "as_of"),
    ],
)
def test_what_breaks_the_contract_is_refused(workspace: Workspace, frames: Any, fault: str) -> None:
    with pytest.raises(InputError, match=fault):
        workspace.save(frames)
    assert workspace.current() is None


# --- history ----------------------------------------------------------------------------------------------------------


def test_the_history_goes_back_and_forth(workspace: Workspace) -> None:
    first = workspace.save(small())
    later = small()
    later["stock"].loc[0, "on_hand"] = 8.0
    second = workspace.save(later)
    assert [r.snapshot_id for r in workspace.history()] == [second, first]
    workspace.restore(first)
    current = workspace.current()
    assert current is not None
    assert current.snapshot_id == first
    assert len(workspace.history()) == 2
    with pytest.raises(InputError, match="no snapshot"):
        workspace.restore("0" * 64)


def test_the_same_data_twice_is_one_snapshot_with_the_later_report(workspace: Workspace) -> None:
    workspace.save(small(), notes=["first"])
    workspace.save(small(), notes=["second"])
    assert [r.notes for r in workspace.history()] == [("second",)]


def test_what_one_workspace_keeps_another_never_sees(tmp_path: Path) -> None:
    mine, yours = Workspace("mine", root=tmp_path), Workspace("yours", root=tmp_path)
    made = mine.save(small())
    mine.keep(KEY, b"result")
    mine.decide("note", {"text": "mine"})
    assert yours.current() is None
    assert yours.history() == []
    assert yours.kept(KEY) is None
    assert yours.decisions() == []
    with pytest.raises(InputError):
        yours.load(made)
    with pytest.raises(InputError):
        yours.restore(made)
    yours.delete()
    assert mine.load(made)


def test_deleting_removes_all_and_the_workspace_begins_anew(tmp_path: Path) -> None:
    workspace = Workspace("mine", root=tmp_path)
    workspace.save(small())
    workspace.keep(KEY, b"result")
    workspace.decide("note", {})
    workspace.delete()
    assert not workspace.folder.exists()
    assert workspace.current() is None
    assert workspace.kept(KEY) is None
    assert workspace.decisions() == []
    workspace.delete()
    assert workspace.load(workspace.save(small()))


@pytest.mark.parametrize("name", ["", ".", "../x", "a/b", "a\x00", "x" * 61, "-rf", " a", "a\n"])
def test_a_workspace_name_is_checked(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="workspace name"):
        Workspace(name, root=tmp_path)


def test_no_name_reaches_the_disk(tmp_path: Path) -> None:
    Workspace("Läger 7", root=tmp_path).save(small())
    assert not [p for p in tmp_path.rglob("*") if "7" in p.name and "L" in p.name]


@pytest.mark.parametrize("bad", ["", "..", "../../etc/passwd", "0" * 63, "G" * 64])
def test_only_an_id_names_a_snapshot(workspace: Workspace, bad: str) -> None:
    for ask in (workspace.load, workspace.rejected, workspace.path):
        with pytest.raises(InputError):
            ask(bad)


def test_the_home_folder_is_the_one_that_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOCKCAST_HOME", str(tmp_path / "kept"))
    assert store.home() == tmp_path / "kept"
    assert Workspace().folder.is_relative_to(tmp_path / "kept")
    monkeypatch.delenv("STOCKCAST_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert store.home() == tmp_path / ".stockcast"


def test_a_catalog_that_cannot_be_opened_is_said_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="STOCKCAST_CATALOG") as fault:
        Workspace(root=tmp_path, address="sqlite:////no/such/folder/secret.sqlite")
    assert "secret" not in str(fault.value)
    with pytest.raises(InputError):
        Workspace(root=tmp_path, address="nonsense")


def test_any_folder_can_hold_a_workspace(tmp_path: Path) -> None:
    root = tmp_path / "a?b=c&d #e%20é"
    made = Workspace(root=root).save(small())
    assert Workspace(root=root).load(made)
    assert (root / "catalog.sqlite").is_file()


def test_a_catalog_that_fails_later_is_said(workspace: Workspace) -> None:
    workspace.save(small())
    for path in workspace.root.glob("catalog.sqlite*"):
        path.unlink()
    for ask in (workspace.current, workspace.history, workspace.decisions):
        with pytest.raises(InputError, match="catalog"):
            ask()


# --- crashes ----------------------------------------------------------------------------------------------------------


class PowerCutError(BaseException):
    """Ends the program here, as a crash would: nothing catches it."""


def cut(*_: object, **__: object) -> None:
    raise PowerCutError


@pytest.mark.parametrize(
    "where",
    [
        "data.snapshot.pq.write_table",
        "data.snapshot.sync",
        "data.store.write_snapshot",
        "pathlib.Path.rename",
        "data.store.sync",
        "data.store.write_whole",
        "data.catalog.Catalog.record",
    ],
)
def test_a_crash_leaves_the_old_data_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    workspace = Workspace(root=tmp_path)
    old = workspace.save(small())
    later = small()
    later["stock"].loc[0, "on_hand"] = 8.0
    with monkeypatch.context() as broken:
        broken.setattr(where, cut)
        with pytest.raises(PowerCutError):
            workspace.save(later)
    after = Workspace(root=tmp_path)
    current = after.current()
    assert current is not None
    assert current.snapshot_id == old
    assert after.load(old)["stock"].loc[0, "on_hand"] == 7.0
    for folder in (after.folder / "snapshots").glob("[!.]*"):
        assert snapshot_id(read_snapshot(folder)) == folder.name
    new = after.save(later)
    assert after.load(new)["stock"].loc[0, "on_hand"] == 8.0


def test_a_full_disk_is_said_and_changes_nothing(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("data.snapshot.pq.write_table", full)
    with pytest.raises(InputError, match="room on the disk"):
        workspace.save(small())
    assert workspace.current() is None
    assert not list((workspace.folder / "snapshots").iterdir())


def test_what_a_crash_left_is_swept_once_it_is_old(workspace: Workspace) -> None:
    workspace.save(small())
    folder = workspace.folder / "snapshots"
    old, fresh = folder / f"{atomic.UNFINISHED}old", folder / f"{atomic.UNFINISHED}fresh"
    old.mkdir()
    (old / "sales.parquet").write_bytes(b"half")
    fresh.mkdir()
    os.utime(old, (0, 0))
    later = small()
    later["stock"].loc[0, "on_hand"] = 8.0
    workspace.save(later)
    assert not old.exists()
    assert fresh.exists()


def test_a_damaged_file_is_said(workspace: Workspace) -> None:
    made = workspace.save(small())
    (workspace.path(made) / "sales.parquet").write_bytes(b"PAR1 nonsense PAR1")
    with pytest.raises(InputError, match="damaged"):
        workspace.load(made)


def test_the_same_import_at_the_same_moment_is_kept_once(tmp_path: Path) -> None:
    made: list[str] = []

    def save() -> None:
        made.append(Workspace(root=tmp_path).save(small()))

    in_parallel(save, 6)
    assert made == [snapshot_id(small())] * 6
    assert len(Workspace(root=tmp_path).history()) == 1


# --- results ----------------------------------------------------------------------------------------------------------


def test_results_are_kept_and_replaced_whole(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    assert workspace.kept(KEY) is None
    workspace.keep(KEY, b"old")
    with monkeypatch.context() as broken:
        broken.setattr("pathlib.Path.replace", cut)
        with pytest.raises(PowerCutError):
            workspace.keep(KEY, b"new")
    assert workspace.kept(KEY) == b"old"
    workspace.keep(KEY, b"new")
    assert workspace.kept(KEY) == b"new"


@pytest.mark.parametrize("key", ["", "../../x", "short", KEY.upper(), "g" * 32, "a" * 129])
def test_only_a_hexadecimal_key_names_a_result(workspace: Workspace, key: str) -> None:
    with pytest.raises(InputError, match="key"):
        workspace.keep(key, b"")
    with pytest.raises(InputError, match="key"):
        workspace.kept(key)


def test_results_used_longest_ago_make_room(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "RESULT_BYTES", 25)
    for number, key in enumerate(("a" * 16, "b" * 16)):
        workspace.keep(key, b"x" * 10)
        os.utime(workspace.folder / "results" / key, (number, number))
    workspace.kept("a" * 16)
    workspace.keep("c" * 16, b"x" * 10)
    assert [workspace.kept(k * 16) is not None for k in "abc"] == [True, False, True]
    workspace.keep("d" * 16, b"x" * 99)
    assert [workspace.kept(k * 16) is not None for k in "acd"] == [False, False, True]


# --- decisions --------------------------------------------------------------------------------------------------------


def test_decisions_are_only_added_and_each_changes_the_id(workspace: Workspace) -> None:
    ids = [workspace.decisions_id()]
    for body in ({"item_id": "00012", "units": 3}, {"item_id": "00012", "units": 3}, {"text": "é\u0000"}):
        workspace.decide("override", body)
        ids.append(workspace.decisions_id())
    assert len(set(ids)) == 4
    log = workspace.decisions()
    assert [d.number for d in log] == [1, 2, 3]
    assert log[2].body == {"text": "é\u0000"}


def test_decisions_of_the_same_moment_all_count(tmp_path: Path) -> None:
    workspace = Workspace(root=tmp_path)
    in_parallel(lambda: workspace.decide("note", {"text": "x"}), 4)
    assert [d.number for d in workspace.decisions()] == [1, 2, 3, 4]


def in_parallel(work: Callable[[], object], times: int) -> None:
    threads = [Thread(target=work) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_a_snapshot_is_canonical_before_it_is_written() -> None:
    tables = build_snapshot(small()).tables
    assert tables["sales"].column_names == list(INPUT_TABLES["sales"].names)
    assert tables["stock"]["lot_id"].null_count == 2


def test_a_snapshot_that_was_kept_before_a_column_came_is_read_with_it_empty(workspace: Workspace) -> None:
    made = workspace.save(small())
    path = workspace.path(made) / "sales.parquet"
    kept = pq.read_table(path)
    pq.write_table(kept.drop_columns(["channel"]), path)
    sales = workspace.load(made)["sales"]
    assert sales["channel"].isna().all()
    assert list(sales.columns) == list(INPUT_TABLES["sales"].names)
    pq.write_table(kept.drop_columns(["item_id"]), path)
    with pytest.raises(InputError, match="damaged"):
        workspace.load(made)
