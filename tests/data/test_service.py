"""What a person can do, may not do, and never sees of others."""

import gc
import logging
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from data import jobs, service
from data import visitor as visitors
from data.store import Workspace
from data.upload import Source
from planning.errors import InputError
from planning.params import Params

AS_OF = date(2026, 1, 12)
SALES = "date,item_id,quantity,location_id\n2026-01-05,A,3,S1\n2026-01-06,A,2,S1\n2026-01-06,A,1,S2\n"
STOCK = "item_id,on_hand,location_id,as_of\nA,7,S1,2026-01-12\nA,4,S2,2026-01-12\n"
ITEMS = "item_id,item_name\nA,Apple\n"

FITS = """
import os, sys
with open(sys.argv[1] + "/draft", "w") as file:
    file.write("fits")
os.replace(sys.argv[1] + "/draft", sys.argv[1] + "/result")
"""
SLEEPS = "import time; time.sleep(600)"


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOCKCAST_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("STOCKCAST_CATALOG", raising=False)


@pytest.fixture
def owner() -> service.Visitor:
    return service.Visitor.arriving("local")


def read(**tables: str) -> service.Import:
    return service.preview_import({name: [Source(f"{name}.csv", text.encode())] for name, text in tables.items()})


def sold(frames: Mapping[str, pd.DataFrame]) -> list[tuple[str, str | None, float]]:
    sales = frames["sales"]
    rows = zip(sales["date"].dt.strftime("%d"), sales["location_id"], sales["quantity"], strict=True)
    return sorted(rows, key=str)


# --- who is here ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "configured", "expected"),
    [
        ("localhost", None, "local"),
        ("LOCALHOST", "", "local"),
        ("127.0.0.1", None, "local"),
        ("127.8.9.1", None, "local"),
        ("::1", None, "local"),
        ("[::1]", None, "local"),
        (None, None, "demo"),
        ("", None, "demo"),
        ("0.0.0.0", None, "demo"),
        ("::", None, "demo"),
        ("192.168.1.4", None, "demo"),
        ("localhost.example.com", None, "demo"),
        ("127.0.0.1.example.com", None, "demo"),
        (None, "local", "local"),
        ("0.0.0.0", " Local ", "local"),
        ("localhost", "demo", "demo"),
        ("localhost", "hosted", "demo"),
        ("localhost", "lokal", "demo"),
    ],
)
def test_a_server_is_local_only_on_loopback_or_when_told(
    address: str | None, configured: str | None, expected: str
) -> None:
    assert service.mode(address, configured) == expected


def test_a_local_workspace_is_kept_and_demo_workspaces_are_apart() -> None:
    made = service.confirm_import(service.Visitor.arriving("local"), read(sales=SALES, stock=STOCK))
    assert service.current_snapshot(service.Visitor.arriving("local")) == made
    one, two = service.Visitor.arriving("demo"), service.Visitor.arriving("demo")
    assert service.current_snapshot(one) is None
    kept = service.confirm_import(one, read(sales=SALES, stock=STOCK, items=ITEMS))
    assert service.current_snapshot(two) is None
    assert service.imported_at(two, kept) is None
    for foreign in (kept, made):
        with pytest.raises(InputError):
            service.inputs(two, foreign)
        with pytest.raises(InputError):
            service.go_back(two, foreign)
    service.delete_everything(two)
    assert service.inputs(one, kept)


def test_the_dashboard_shows_the_workspace_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    nightly = service.Visitor("local", Workspace("nightly"))
    made = service.confirm_import(nightly, read(sales=SALES, stock=STOCK))
    assert service.current_snapshot(service.Visitor.arriving("local")) is None
    monkeypatch.setenv("STOCKCAST_WORKSPACE", "nightly")
    assert service.current_snapshot(service.Visitor.arriving("local")) == made
    assert service.current_snapshot(service.Visitor.arriving("demo")) is None


def test_a_demo_workspace_goes_with_its_visitor(tmp_path: Path) -> None:
    visitor = service.Visitor.arriving("demo")
    root = visitor.workspace.root
    assert root.is_relative_to(tmp_path)
    service.confirm_import(visitor, read(sales=SALES, stock=STOCK))
    job = jobs.start(visitor.jobs, "ab" * 16, lambda _: [sys.executable, "-c", SLEEPS])
    process = int((job.folder / jobs.PROCESS).read_text())
    del visitor
    gc.collect()
    assert not root.exists()
    wait(lambda: not alive(process))


def test_a_demo_workspace_that_was_left_behind_goes_by_age() -> None:
    left = service.Visitor.arriving("demo")
    used = service.Visitor.arriving("demo")
    for visitor in (left, used):
        os.utime(visitor.workspace.root, (0, 0))
    service.current_snapshot(used)
    service.Visitor.arriving("demo")
    assert not left.workspace.root.exists()
    assert used.workspace.root.exists()


def test_the_catalog_of_a_team_never_holds_a_demo_visitor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shared = tmp_path / "team.sqlite"
    monkeypatch.setenv("STOCKCAST_CATALOG", f"sqlite:///{shared}")
    service.confirm_import(service.Visitor.arriving("demo"), read(sales=SALES, stock=STOCK))
    assert not shared.exists()


def test_who_may_only_look_changes_nothing(owner: service.Visitor) -> None:
    made = service.confirm_import(owner, read(sales=SALES, stock=STOCK))
    guest = service.Visitor("local", owner.workspace, may_change=False)
    forbidden: list[Callable[[], object]] = [
        lambda: service.confirm_import(guest, read(sales=SALES, stock=STOCK, items=ITEMS)),
        lambda: service.use_sample(guest),
        lambda: service.go_back(guest, made),
        lambda: service.delete_everything(guest),
        lambda: service.start_fit(guest, made, AS_OF, Params()),
    ]
    for act in forbidden:
        with pytest.raises(service.NotAllowedError, match="read only"):
            act()
    assert [r.snapshot_id for r in service.history(guest)] == [made]
    assert service.inputs(guest, made)


# --- data in ----------------------------------------------------------------------------------------------------------


def test_a_preview_keeps_nothing(owner: service.Visitor) -> None:
    assert read(sales=SALES, stock=STOCK).rows["sales"]["accepted"] == 3
    assert service.history(owner) == []


def test_an_import_is_kept_with_its_report(owner: service.Visitor) -> None:
    found = read(sales=SALES + "2026-01-07,A,ten,S1\n", stock=STOCK)
    made = service.confirm_import(owner, found, files=("sales.csv", "stock.csv"))
    (record,) = service.history(owner)
    assert (record.snapshot_id, record.files, record.sample) == (made, ("sales.csv", "stock.csv"), False)
    assert record.rows == {"sales": {"read": 4, "accepted": 3, "rejected": 1}, "stock": found.rows["stock"]}
    assert service.rejected(owner, made)["value"].tolist() == ["ten"]
    at = service.imported_at(owner, made)
    assert at is not None
    assert abs((datetime.now(UTC) - at).total_seconds()) < 60


def test_what_was_not_given_stays(owner: service.Visitor) -> None:
    service.confirm_import(owner, read(sales=SALES, stock=STOCK, items=ITEMS))
    made = service.confirm_import(owner, read(stock="item_id,on_hand\nA,99\n"))
    frames = service.inputs(owner, made)
    assert frames["stock"]["on_hand"].tolist() == [99.0]
    assert len(frames["sales"]) == 3
    assert frames["items"]["item_name"].tolist() == ["Apple"]
    assert any("items" in note for note in service.history(owner)[0].notes)


def test_new_sales_replace_their_locations_and_dates_alone(owner: service.Visitor) -> None:
    service.confirm_import(owner, read(sales=SALES, stock=STOCK))
    header = "date,item_id,quantity,location_id\n"
    made = service.confirm_import(owner, read(sales=f"{header}2026-01-06,A,5,S1\n2026-01-07,A,6,S1\n"))
    assert sold(service.inputs(owner, made)) == [
        ("05", "S1", 3.0),
        ("06", "S1", 5.0),
        ("06", "S2", 1.0),
        ("07", "S1", 6.0),
    ]
    again = service.confirm_import(owner, read(sales=f"{header}2026-01-06,A,5,S1\n2026-01-07,A,6,S1\n"))
    assert again == made


def test_sales_without_locations_replace_by_date_so_that_nothing_counts_twice(owner: service.Visitor) -> None:
    service.confirm_import(owner, read(sales=SALES, stock=STOCK))
    made = service.confirm_import(owner, read(sales="date,item_id,quantity\n2026-01-06,A,3\n"))
    assert sold(service.inputs(owner, made)) == [("05", "S1", 3.0), ("06", None, 3.0)]


def test_replacing_everything_starts_from_nothing(owner: service.Visitor) -> None:
    service.confirm_import(owner, read(sales=SALES, stock=STOCK, items=ITEMS))
    made = service.confirm_import(owner, read(sales=SALES, stock=STOCK), replace_everything=True)
    assert set(service.inputs(owner, made)) == {"sales", "stock"}
    with pytest.raises(InputError, match="stock is missing"):
        service.confirm_import(owner, read(sales=SALES), replace_everything=True)
    assert service.current_snapshot(owner) == made


def test_a_first_import_needs_sales_and_stock(owner: service.Visitor) -> None:
    with pytest.raises(InputError, match="sales is missing"):
        service.confirm_import(owner, read(stock=STOCK))
    assert service.history(owner) == []


# --- the sample -------------------------------------------------------------------------------------------------------


@pytest.fixture
def _small_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    def sources() -> dict[str, list[Source]]:
        tables = {"sales": SALES, "stock": STOCK, "items": ITEMS}
        return {name: [Source(f"{name}.csv", text.encode())] for name, text in tables.items()}

    monkeypatch.setattr(service, "sample_sources", sources)


@pytest.mark.usefixtures("_small_sample")
def test_the_sample_is_never_mixed_with_real_data(owner: service.Visitor) -> None:
    sample = service.use_sample(owner)
    assert service.is_sample(owner)
    assert service.base_of_import(owner) is None
    with pytest.raises(InputError, match="missing"):
        service.confirm_import(owner, read(stock=STOCK))
    made = service.confirm_import(owner, read(sales=SALES, stock=STOCK))
    assert set(service.inputs(owner, made)) == {"sales", "stock"}
    assert not service.is_sample(owner)
    assert service.use_sample(owner) == sample
    later = service.confirm_import(owner, read(stock="item_id,on_hand\nA,1\n"))
    assert set(service.inputs(owner, later)) == {"sales", "stock"}


@pytest.mark.usefixtures("_small_sample")
def test_the_sample_is_read_once_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    first = service.use_sample(service.Visitor.arriving("demo"))
    monkeypatch.setattr(service, "read_inputs", lambda *_: pytest.fail("read again"))
    visitor = service.Visitor.arriving("demo")
    assert service.use_sample(visitor) == first
    assert service.inputs(visitor, first)["items"]["item_name"].tolist() == ["Apple"]
    service.delete_everything(visitor)
    assert Workspace(service.SAMPLE).load(first)


def test_a_missing_sample_is_said(owner: service.Visitor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(service, "sample_sources", lambda: {"sales": [Source("a.csv", tmp_path / "none.csv")]})
    with pytest.raises(InputError, match="files are missing"):
        service.use_sample(owner)


# --- dates, going back, leaving ---------------------------------------------------------------------------------------


def test_the_suggested_morning_is_the_latest_count_else_the_day_after_the_last_sale() -> None:
    frames = read(sales=SALES, stock=STOCK).frames
    assert service.default_as_of(frames) == date(2026, 1, 12)
    assert service.default_as_of(read(sales=SALES, stock="item_id,on_hand\nA,1\n").frames) == date(2026, 1, 7)
    today = datetime.now().astimezone().date()
    assert abs((service.default_as_of({}) - today).days) <= 1


def test_one_can_go_back_and_leave(owner: service.Visitor) -> None:
    first = service.confirm_import(owner, read(sales=SALES, stock=STOCK))
    second = service.confirm_import(owner, read(stock="item_id,on_hand\nA,1\n"))
    service.go_back(owner, first)
    assert service.current_snapshot(owner) == first
    assert [r.snapshot_id for r in service.history(owner)] == [second, first]
    service.delete_everything(owner)
    assert service.current_snapshot(owner) is None
    assert service.history(owner) == []
    assert service.confirm_import(owner, read(sales=SALES, stock=STOCK)) == first


def test_the_log_names_actions_and_no_data(owner: service.Visitor, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "stockcast")
    secret = read(sales=SALES, stock=STOCK.replace("S2", "secret\tplace"))
    service.confirm_import(owner, secret, files=("secret.csv\n2026 deleted everything",))
    service.delete_everything(owner)
    assert ["imported" in caplog.text, "deleted everything mode=local" in caplog.text] == [True, True]
    assert "secret" not in caplog.text


# --- the heavy stage --------------------------------------------------------------------------------------------------


class StandIn:
    """Fits as bytes alone."""

    def __init__(self, kept: bytes) -> None:
        self.kept = kept

    @classmethod
    def from_bytes(cls, kept: bytes) -> "StandIn":
        return cls(kept)


def runs(script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def command(snapshot: Path, as_of: date, processes: int) -> Callable[[Path], Sequence[str]]:  # noqa: ARG001
        assert (snapshot / "sales.parquet").is_file()
        return lambda folder: [sys.executable, "-c", script, str(folder)]

    monkeypatch.setattr(jobs, "fit_command", command)
    monkeypatch.setattr(service.pipeline, "Fits", StandIn)


def alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait(until: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not until():
        assert time.monotonic() < end
        time.sleep(0.02)


def kept(visitor: service.Visitor, snapshot_id: str, params: Params | None = None) -> Any:
    found: Any = service.fits(visitor, snapshot_id, AS_OF, params or Params())
    return None if found is None else found.kept


def test_a_forecast_is_made_once_and_kept(owner: service.Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    runs(FITS, monkeypatch)
    made = service.confirm_import(owner, read(sales=SALES, stock=STOCK))
    assert kept(owner, made) is None
    job = service.start_fit(owner, made, AS_OF, Params(service_target=0.9))
    wait(lambda: job.status() != "running")
    assert kept(owner, made) == b"fits"
    assert not job.folder.exists()
    assert kept(service.Visitor.arriving("local"), made, Params(budget=5.0)) == b"fits"
    assert kept(owner, made, Params(history_days=30)) is None


def test_a_page_change_finds_the_forecast_that_runs(owner: service.Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    runs(SLEEPS, monkeypatch)
    made = service.confirm_import(owner, read(sales=SALES, stock=STOCK))
    first = service.start_fit(owner, made, AS_OF, Params())
    second = service.start_fit(service.Visitor.arriving("local"), made, AS_OF, Params())
    assert second == first
    assert kept(owner, made) is None
    service.delete_everything(owner)
    wait(lambda: first.status() == "absent")


@pytest.mark.usefixtures("_small_sample")
def test_a_forecast_of_the_sample_serves_every_visitor(monkeypatch: pytest.MonkeyPatch) -> None:
    runs(FITS, monkeypatch)
    one, two = service.Visitor.arriving("demo"), service.Visitor.arriving("demo")
    sample = service.use_sample(one)
    job = service.start_fit(one, sample, AS_OF, Params())
    wait(lambda: job.status() != "running")
    assert kept(one, sample) == b"fits"
    assert service.use_sample(two) == sample
    assert kept(two, sample) == b"fits"


def test_a_forecast_of_ones_own_data_serves_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    runs(FITS, monkeypatch)
    one, two = service.Visitor.arriving("demo"), service.Visitor.arriving("demo")
    made = [service.confirm_import(visitor, read(sales=SALES, stock=STOCK)) for visitor in (one, two)]
    assert made[0] == made[1]
    job = service.start_fit(one, made[0], AS_OF, Params())
    wait(lambda: job.status() != "running")
    assert kept(two, made[1]) is None
    assert kept(one, made[0]) == b"fits"
    assert kept(two, made[1]) is None


def test_a_demo_server_runs_only_so_many_forecasts_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    runs(SLEEPS, monkeypatch)
    guests = [service.Visitor.arriving("demo") for _ in range(service.DEMO_JOBS + 1)]
    made = [service.confirm_import(guest, read(sales=SALES, stock=STOCK)) for guest in guests]
    started = [service.start_fit(g, m, AS_OF, Params()) for g, m in zip(guests[:-1], made, strict=False)]
    with pytest.raises(jobs.JobError, match="try again"):
        service.start_fit(guests[-1], made[-1], AS_OF, Params())
    assert service.start_fit(guests[0], made[0], AS_OF, Params()) == started[0]
    started[0].cancel()
    assert service.start_fit(guests[-1], made[-1], AS_OF, Params()).status() == "running"
    for guest in guests:
        service.delete_everything(guest)
    assert visitors.private_jobs() == []


def test_what_an_export_tells_on_the_side_replaces_nothing_known(owner: service.Visitor) -> None:
    known = "location_id,location_name\nS1,Harbour\n"
    service.confirm_import(owner, read(sales=SALES, stock=STOCK, locations=known))
    bare = replace(read(stock=STOCK, locations="location_id\nS1\nS2\n"), spare=("locations",))
    kept, _ = service.joined(owner, bare)
    assert kept["locations"]["location_name"].tolist() == ["Harbour"]
