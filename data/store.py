"""The workspace: immutable snapshots of the data, the results made from them, and the catalog of both."""

import hashlib
import os
import re
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from data.atomic import copy_folder, remove_folder, sweep, sync, unfinished, write_whole
from data.catalog import Body, Catalog, Decision, ImportRecord, PlanRecord
from data.snapshot import build_snapshot, read_snapshot, snapshot_id, write_snapshot
from planning.errors import InputError
from planning.tables import RESULT_TABLES

__all__ = ["ImportRecord", "Workspace", "home", "read_snapshot", "snapshot_id"]

MAIN = "main"
"""The workspace of one person on one machine."""

NAME = re.compile(r"\w[\w .-]{0,59}")
KEY = re.compile(r"[0-9a-f]{16,128}")
PLAN = re.compile(r"[0-9a-f]{12}")
SNAPSHOT = re.compile(r"[0-9a-f]{64}")

SHARED, LINKS = "shared", "links"
"""The folders of what share links show, by its hash, and of the hashes of their tokens."""

LEAVING = "deleted"
"""Stands in the folder of a workspace that is being deleted."""

INTERRUPTED_AFTER = 3600.0
"""Seconds after which something unfinished is taken for the rest of a crash."""

NO_ROOM = "the data could not be kept: make room on the disk and import again; the earlier data stands"

REMEMBERED_CHARACTERS = 1_000_000
"""The longest text that a workspace remembers."""

RESULT_BYTES = 4 * 1024**3
"""Room for kept results; beyond it those that were used longest ago go."""


def home() -> Path:
    """Return the folder that holds every workspace: STOCKCAST_HOME, by default `~/.stockcast`."""
    return Path(os.environ.get("STOCKCAST_HOME") or "~/.stockcast").expanduser()


class Workspace:
    """One person's or team's data: snapshots, results and decisions, apart from everybody else's.

    Parameters
    ----------
    name : letters, digits, spaces, dots, hyphens; the folder is named by its hash, never by itself.
    root : where the workspaces lie; None: `home()`.
    address : of the catalog: a SQLite file or a URL; None: STOCKCAST_CATALOG, else a SQLite file in the root.

    Raises
    ------
    InputError : the name is not allowed, or the place cannot be written.
    """

    def __init__(self, name: str = MAIN, *, root: Path | None = None, address: Path | str | None = None) -> None:
        if not NAME.fullmatch(name):
            msg = f"workspace name {name[:80]!r}: give 1 to 60 letters, digits, spaces, dots or hyphens"
            raise InputError(msg)
        self.name = name
        self.root = root = root or home()
        self.folder = root / "workspaces" / hashlib.sha256(name.encode()).hexdigest()[:24]
        try:
            root.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as fault:
            msg = "the workspace cannot be written: let STOCKCAST_HOME name a folder of yours with room"
            raise InputError(msg) from fault
        self._catalog = Catalog(address or os.environ.get("STOCKCAST_CATALOG") or root / "catalog.sqlite")
        if (self.folder / LEAVING).exists():
            self.delete()

    def save(
        self,
        frames: Mapping[str, pd.DataFrame],
        *,
        files: Sequence[str] = (),
        rows: Mapping[str, Mapping[str, int]] | None = None,
        notes: Sequence[str] = (),
        rejected: pd.DataFrame | None = None,
        sample: bool = False,
        imported_by: str = "",
    ) -> str:
        """Keep these tables as a snapshot, make it the current one, and return its id.

        Parameters
        ----------
        frames : by table name, in the contract's columns.
        files, rows, notes, rejected : the report of the import, kept beside the snapshot.
        sample : whether this is the sample company.
        imported_by : who brings it, for the history.

        Raises
        ------
        InputError : a table breaks the contract, or the disk is full. Nothing is changed then.
        """
        snapshot = build_snapshot(frames)
        try:
            self._place(snapshot.id, lambda draft: write_snapshot(snapshot, draft))
            write_whole(self._rejected_path(snapshot.id), _parquet(rejected))
        except OSError as fault:
            raise InputError(NO_ROOM) from fault
        at = datetime.now(UTC)
        record = ImportRecord(snapshot.id, at, tuple(files), rows, tuple(notes), sample, imported_by[:80])
        self._catalog.record(self.name, record)
        return snapshot.id

    def take(self, source: Path, record: ImportRecord, rejected: pd.DataFrame | None = None) -> None:
        """Keep a folder that is a snapshot already, and make it the current one.

        Raises
        ------
        InputError : the disk is full.
        """
        try:
            self._place(record.snapshot_id, lambda draft: copy_folder(source, draft))
            write_whole(self._rejected_path(record.snapshot_id), _parquet(rejected))
        except OSError as fault:
            raise InputError(NO_ROOM) from fault
        self._catalog.record(self.name, replace(record, imported_at=datetime.now(UTC)))

    def adopt(self, other: "Workspace", snapshot_id: str) -> None:
        """Take over a snapshot of another workspace with its report, and make it the current one.

        Raises
        ------
        InputError : the other workspace has no such snapshot, or the disk is full.
        """
        record = other.find(snapshot_id)
        if record is None:
            msg = f"there is no snapshot {snapshot_id[:12]!r} to take over"
            raise InputError(msg)
        self.take(other.path(snapshot_id), record, other.rejected(snapshot_id))

    def load(self, snapshot_id: str) -> dict[str, pd.DataFrame]:
        """Return the tables of a kept snapshot, as `data.snapshot.read_snapshot` says.

        Raises
        ------
        InputError : there is no such snapshot in this workspace, or it is damaged.
        """
        return read_snapshot(self.path(snapshot_id))

    def path(self, snapshot_id: str) -> Path:
        """Return the folder of a kept snapshot: one Parquet file a table.

        Raises
        ------
        InputError : the id is not one.
        """
        if not SNAPSHOT.fullmatch(snapshot_id):
            msg = f"{snapshot_id[:80]!r} names no snapshot: it takes 64 hexadecimal digits"
            raise InputError(msg)
        return self.folder / "snapshots" / snapshot_id

    def rejected(self, snapshot_id: str) -> pd.DataFrame:
        """Return the rows that were set aside when this snapshot was imported (`RESULT_TABLES["rejected"]`)."""
        self.path(snapshot_id)
        try:
            rows: pd.DataFrame = pq.read_table(self._rejected_path(snapshot_id)).to_pandas()
        except (OSError, pa.ArrowException):
            return pd.DataFrame(columns=list(RESULT_TABLES["rejected"].names))
        return rows

    def history(self) -> list[ImportRecord]:
        """Return every kept snapshot, the newest import first."""
        return self._catalog.records(self.name)

    def find(self, snapshot_id: str) -> ImportRecord | None:
        """Return what is known of a snapshot, or None where it was never imported here."""
        return next((record for record in self.history() if record.snapshot_id == snapshot_id), None)

    def current(self) -> ImportRecord | None:
        """Return the snapshot in use, or None where nothing was imported."""
        return self._catalog.current(self.name)

    def restore(self, snapshot_id: str) -> None:
        """Make an earlier snapshot the current one again.

        Raises
        ------
        InputError : it was never imported into this workspace.
        """
        if self.find(snapshot_id) is None:
            msg = f"there is no snapshot {snapshot_id[:12]!r} here: choose one of the history"
            raise InputError(msg)
        self._catalog.point(self.name, snapshot_id)

    def delete(self) -> None:
        """Remove everything of this workspace for good: data, results, decisions, history, what it remembers.

        Interrupted, it is finished when the workspace is opened next.
        """
        with suppress(OSError):  # a full disk keeps nobody from leaving
            (self.folder / LEAVING).touch()
        self._catalog.forget(self.name)
        remove_folder(self.folder)

    def keep(self, key: str, payload: bytes) -> None:
        """Keep a result under its key; results used longest ago make room for it.

        Raises
        ------
        InputError : the key is not hexadecimal, or the disk is full.
        """
        path = self._result_path(key)
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_whole(path, payload)
        except OSError as fault:
            msg = "the result could not be kept: make room on the disk"
            raise InputError(msg) from fault
        _make_room(path.parent, spare=path)

    def kept(self, key: str) -> bytes | None:
        """Return the result kept under this key, or None.

        Raises
        ------
        InputError : the key is not hexadecimal.
        """
        path = self._result_path(key)
        try:
            payload = path.read_bytes()
            path.touch()
        except OSError:
            return None
        return payload

    def remember(self, key: str, text: str) -> None:
        """Keep a text of this workspace under a key, such as how the columns of a file with this header are mapped.

        A later text replaces the earlier one; it goes with the workspace.

        Raises
        ------
        InputError : the key has no letter or more than 200, or the text more than `REMEMBERED_CHARACTERS`.
        """
        if not 1 <= len(key) <= 200 or len(text) > REMEMBERED_CHARACTERS:
            msg = f"a key has 1 to 200 characters and its text at most {REMEMBERED_CHARACTERS:,}: shorten it"
            raise InputError(msg)
        self._catalog.remember(self.name, key, text)

    def remembered(self, key: str) -> str | None:
        """Return the text that was last kept under this key, or None."""
        return self._catalog.remembered(self.name, key)

    def keep_plan(self, plan: PlanRecord, lines: bytes) -> None:
        """Keep a plan and its lines. They stay: a plan is not made again, as a result is.

        Raises
        ------
        InputError : the disk is full.
        """
        path = self._plan_path(plan.plan_id)
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_whole(path, lines)
        except OSError as fault:
            msg = "the plan could not be kept: make room on the disk"
            raise InputError(msg) from fault
        self._catalog.add_plan(self.name, plan)

    def plans(self) -> list[PlanRecord]:
        """Return the plans of this workspace, newest first."""
        return self._catalog.plans(self.name)

    def plan_lines(self, plan_id: str) -> bytes:
        """Return the lines of a plan as they were kept.

        Raises
        ------
        InputError : there is no such plan.
        """
        try:
            return self._plan_path(plan_id).read_bytes()
        except OSError as fault:
            msg = f"there is no plan {plan_id[:12]!r} here: choose one of the list"
            raise InputError(msg) from fault

    def adopt_plan(self, plan: PlanRecord, adopted_by: str) -> None:
        """Make a plan the one of record of its kind; the earlier one is superseded."""
        self._catalog.adopt_plan(self.name, plan, adopted_by)

    @property
    def catalog(self) -> Catalog:
        """The catalog in which this workspace stands under its name."""
        return self._catalog

    def keep_shared(self, payload: bytes, digest: str) -> str:
        """Keep what a share link shows, and return its key, the hash of its content.

        Parameters
        ----------
        digest : the hash of the link's token; the link is found by it where there is no common catalog.

        Raises
        ------
        InputError : the disk is full.
        """
        key = hashlib.sha256(payload).hexdigest()
        try:
            for folder in (SHARED, LINKS):
                (self.folder / folder).mkdir(mode=0o700, parents=True, exist_ok=True)
            write_whole(self.folder / SHARED / key, payload)
            write_whole(self.folder / LINKS / digest, key.encode())
        except OSError as fault:
            msg = "the link could not be made: make room on the disk"
            raise InputError(msg) from fault
        return key

    def drop_shared(self, digests: Collection[str]) -> None:
        """Remove the marks of links that open nothing any more, and what no link shows."""
        folder = self.folder / LINKS
        for digest in digests:
            (folder / digest).unlink(missing_ok=True)
        with suppress(OSError):  # another process is at it
            wanted = {mark.read_text(encoding="ascii") for mark in folder.glob("[0-9a-f]*")}
            for path in (self.folder / SHARED).glob("[0-9a-f]*"):
                # What is young may belong to a link that is being made at this moment.
                if path.name not in wanted and path.stat().st_mtime < time.time() - INTERRUPTED_AFTER:
                    path.unlink(missing_ok=True)

    def shared(self, key: str) -> bytes:
        """Return what a share link shows.

        Raises
        ------
        InputError : it is not there, or not what was kept.
        """
        payload = b""
        if SNAPSHOT.fullmatch(key):
            with suppress(OSError):
                payload = (self.folder / SHARED / key).read_bytes()
        if hashlib.sha256(payload).hexdigest() != key:
            msg = "what this link shows is not there any more: ask for a new link"
            raise InputError(msg)
        return payload

    def decide(self, kind: str, body: Mapping[str, Any] | Body) -> Decision:
        """Add a line to the decisions log of this workspace; `body` may be made of the log as it stands then."""
        return self._catalog.append(self.name, kind, body)

    def decisions(self) -> list[Decision]:
        """Return the decisions log, oldest line first."""
        return self._catalog.decisions(self.name)

    def decisions_id(self) -> str:
        """Return the hash of the decisions log."""
        return self._catalog.decisions_id(self.name)

    def _place(self, snapshot_id: str, write: Callable[[Path], object]) -> None:
        """Write the folder under a passing name, then give it its own: there whole, or not at all."""
        target = self.path(snapshot_id)
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in (target.parent, self.folder.parent):
            sweep(folder, before=time.time() - INTERRUPTED_AFTER)
        if target.is_dir():
            return
        draft = unfinished(target.parent)
        try:
            write(draft)
            draft.rename(target)
        except OSError:
            if not target.is_dir():  # else the same data was kept by somebody at the same moment
                raise
        finally:
            remove_folder(draft)
        sync(target.parent)

    def _rejected_path(self, snapshot_id: str) -> Path:
        folder = self.folder / "rejected"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder / f"{snapshot_id}.parquet"

    def _plan_path(self, plan_id: str) -> Path:
        if not PLAN.fullmatch(plan_id):
            msg = f"{plan_id[:80]!r} names no plan: choose one of the list"
            raise InputError(msg)
        return self.folder / "plans" / f"{plan_id}.parquet"

    def _result_path(self, key: str) -> Path:
        if not KEY.fullmatch(key):
            msg = f"{key[:80]!r} is no key of a result: it takes 16 to 128 hexadecimal digits"
            raise InputError(msg)
        return self.folder / "results" / key


def _parquet(rejected: pd.DataFrame | None) -> bytes:
    """Return the rejected rows as a Parquet file: texts, and the row's number."""
    table = RESULT_TABLES["rejected"]
    frame = pd.DataFrame(columns=list(table.names)) if rejected is None else rejected
    arrays = {}
    for column in table.columns:
        number = column.kind == "integer"
        values = frame[column.name].astype("float64" if number else object)
        array = pa.array(values, pa.float64() if number else pa.large_string(), from_pandas=True)
        arrays[column.name] = array.cast(pa.int64()) if number else array
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(arrays), sink, compression="zstd")
    return bytes(sink.getvalue().to_pybytes())


def _make_room(folder: Path, spare: Path) -> None:
    """Remove the results used longest ago while all together take more than their room."""
    sweep(folder, before=time.time() - INTERRUPTED_AFTER)
    found = []
    for path in folder.iterdir():
        try:
            found.append((path.stat().st_mtime, path.stat().st_size, path))
        except FileNotFoundError:
            continue  # another process removed it
    total = sum(size for _, size, _ in found)
    for _, size, path in sorted(found):
        if total <= RESULT_BYTES:
            return
        if path != spare:
            path.unlink(missing_ok=True)
            total -= size
