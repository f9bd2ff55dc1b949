"""What a person does with an import: see it joined, answer, confirm, go back, take the data away."""

import getpass
import io
import sqlite3
import zipfile
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from data import service, store
from data.catalog import Catalog, ImportRecord
from data.read import read_any
from data.store import REMEMBERED_CHARACTERS, Workspace
from data.upload import Source
from planning.errors import InputError
from planning.params import Params

SALES = "date,item_id,quantity,channel\n2026-01-05,A,3,web\n2026-01-06,A,2,shop\n2026-01-06,A,1,\n"
STOCK = "item_id,on_hand,location_id,as_of\nA,7,S1,2026-01-12\nA,4,S2,2026-01-12\n"


@pytest.fixture
def owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> service.Visitor:
    monkeypatch.setenv("STOCKCAST_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("STOCKCAST_CATALOG", raising=False)
    return service.Visitor.arriving("local")


def read(**tables: str) -> service.Import:
    return service.preview_import({name: [Source(f"{name}.csv", text.encode())] for name, text in tables.items()})


def test_what_would_be_kept_can_be_seen_before(owner: service.Visitor) -> None:
    service.confirm_import(owner, read(sales=SALES, stock=STOCK))
    new = read(stock="item_id,on_hand,location_id,as_of\nA,6,S1,2026-01-13\n")
    frames, notes = service.joined(owner, new)
    assert len(frames["stock"]) == 3
    assert len(frames["sales"]) == 3
    assert any("taken over" in note for note in notes)
    assert len(service.history(owner)) == 1
    made = service.confirm_import(owner, new)
    assert len(service.inputs(owner, made)["stock"]) == 3
    replaced, _ = service.joined(owner, new, how={"stock": "replace"})
    assert len(replaced["stock"]) == 1
    alone, _ = service.joined(owner, new, replace_everything=True)
    assert set(alone) == {"stock"}


def test_the_question_is_asked_and_its_answer_kept(owner: service.Visitor) -> None:
    found = read(sales=SALES, stock=STOCK)
    asked = service.question(owner, found)
    assert asked is not None
    assert asked.locations == ("S1", "S2")
    assert [w.key for w in service.warnings(found.frames)][0] == "sales_without_location"
    made = service.confirm_import(owner, found, places={"web": "S2", None: "S1"})
    frames = service.inputs(owner, made)
    assert frames["sales"]["location_id"].tolist() == ["S2", "S1", "S1"]
    assert "sales_without_location" not in {w.key for w in service.warnings(frames)}


def test_the_answer_counts_for_the_earlier_sales_and_with_the_earlier_stock(owner: service.Visitor) -> None:
    service.confirm_import(owner, read(sales=SALES, stock=STOCK))
    new = read(sales="date,item_id,quantity,channel\n2026-01-06,A,9,web\n")
    assert service.question(owner, new) is not None
    made = service.confirm_import(owner, new, places={"web": "S2", None: "S1"})
    sales = service.inputs(owner, made)["sales"]
    # The new web sales replace those of their location alone.
    kept = sorted(zip(sales["date"].dt.day, sales["location_id"], sales["quantity"], strict=True))
    assert kept == [(5, "S2", 3.0), (6, "S1", 1.0), (6, "S1", 2.0), (6, "S2", 9.0)]
    with pytest.raises(InputError, match="no stock lies at 'S9'"):
        service.confirm_import(owner, new, places={None: "S9"})


def test_warnings_follow_the_morning_and_the_parameters() -> None:
    frames = read(sales=SALES, stock=STOCK).frames
    told = {w.key: w for w in service.warnings(frames, date(2026, 1, 12), Params(lead_time_days=33))}
    assert "33 days" in told["lead_time_missing"].effect
    assert service.warnings({}) == []


def test_the_history_says_who_brought_the_data(owner: service.Visitor) -> None:
    service.confirm_import(owner, read(sales=SALES, stock=STOCK), files=("a.csv",))
    assert service.history(owner)[0].imported_by == getpass.getuser()
    demo = service.Visitor.arriving("demo")
    service.confirm_import(demo, read(sales=SALES, stock=STOCK))
    assert service.history(demo)[0].imported_by == ""


def test_a_catalog_of_the_first_version_is_completed(tmp_path: Path) -> None:
    path = tmp_path / "old.sqlite"
    with closing(sqlite3.connect(path)) as old, old:
        old.execute(
            "CREATE TABLE snapshots (workspace VARCHAR(80), snapshot_id VARCHAR(64), imported_at VARCHAR(40) NOT NULL,"
            " files JSON NOT NULL, rows JSON NOT NULL, notes JSON NOT NULL, sample BOOLEAN NOT NULL,"
            " PRIMARY KEY (workspace, snapshot_id))"
        )
        old.execute("INSERT INTO snapshots VALUES ('main', 'a', '2026-01-05T07:10:00+00:00', '[]', '{}', '[]', 0)")
    for _ in range(2):
        (record,) = Catalog(path).records("main")
        assert (record.snapshot_id, record.imported_by) == ("a", "")
    Catalog(path).record("main", ImportRecord("b", record.imported_at, imported_by="Ann"))
    assert {r.imported_by for r in Catalog(path).records("main")} == {"", "Ann"}


def test_a_workspace_remembers_until_it_is_deleted(owner: service.Visitor) -> None:
    assert service.remembered(owner, "mapping:ab") is None
    service.remember(owner, "mapping:ab", '{"Artikel": "item_id"}')
    service.remember(owner, "mapping:ab", '{"Artikel": "item_name"}')
    assert service.remembered(service.Visitor.arriving("local"), "mapping:ab") == '{"Artikel": "item_name"}'
    assert Workspace("other").remembered("mapping:ab") is None
    service.delete_everything(owner)
    assert service.remembered(owner, "mapping:ab") is None
    for key, text in (("", "x"), ("k" * 201, "x"), ("k", "x" * (REMEMBERED_CHARACTERS + 1))):
        with pytest.raises(InputError, match="shorten it"):
            service.remember(owner, key, text)
    guest = service.Visitor("local", owner.workspace, may_change=False)
    with pytest.raises(service.NotAllowedError):
        service.remember(guest, "k", "x")


def test_the_data_go_out_and_come_in_as_the_same_snapshot(owner: service.Visitor) -> None:
    made = service.confirm_import(owner, read(sales=SALES, stock=STOCK))
    book = read_any([Source("data.xlsx", service.data_files(owner, made, excel=True))])
    assert service.confirm_import(owner, book, replace_everything=True) == made
    with zipfile.ZipFile(io.BytesIO(service.data_files(owner, made))) as archive:
        tables = {name[:-4]: archive.read(name).decode() for name in archive.namelist()}
    assert service.confirm_import(owner, read(**tables), replace_everything=True) == made


def test_the_template_is_the_first_import_of_a_beginner(owner: service.Visitor) -> None:
    found = read_any([Source("filled.xlsx", service.template())])
    assert service.confirm_import(owner, found) == service.current_snapshot(owner)


def test_what_is_deleted_is_gone_from_every_file(owner: service.Visitor) -> None:
    service.confirm_import(owner, read(sales=SALES, stock=STOCK), files=("secret-customer.csv",))
    service.remember(owner, "mapping:secret-customer", "secret-customer")
    service.delete_everything(owner)
    left = [path for path in owner.workspace.root.rglob("*") if path.is_file()]
    assert left
    assert [path.name for path in left if b"secret-customer" in path.read_bytes()] == []
    assert list((owner.workspace.root / "workspaces").rglob("*.parquet")) == []


def test_an_interrupted_deletion_is_finished_when_the_workspace_is_opened(
    owner: service.Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = service.confirm_import(owner, read(sales=SALES, stock=STOCK))

    def killed(_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(store, "remove_folder", killed)
        with pytest.raises(KeyboardInterrupt):
            service.delete_everything(owner)
    assert owner.workspace.path(made).is_dir()
    again = service.Visitor.arriving("local")
    assert service.history(again) == []
    assert not again.workspace.path(made).exists()
    assert service.confirm_import(again, read(sales=SALES, stock=STOCK)) == made
    assert service.current_snapshot(service.Visitor.arriving("local")) == made
