"""A hosted workspace in one file, made while the server runs, and put back where none is yet.

The catalog is copied first, in one step that waits for no writer (SQLite's own backup reads its log too); what it
speaks of lies in files that never change and were there before it spoke of them. Kept forecasts are left out: they
are made again. The file holds everything that was imported: guard it as you guard the data.
"""

import hashlib
import json
import os
import re
import sqlite3
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from data.atomic import UNFINISHED, remove_folder, sync, unfinished
from data.store import LINKS, SHARED
from planning.errors import InputError

CATALOG = "catalog.sqlite"
MANIFEST = "manifest.json"
FORM = 1
FOLDERS = ("snapshots", "rejected", "plans", SHARED, LINKS)
"""Folders of a workspace that are kept; results and jobs are not."""
MEMBER = re.compile(
    rf"{re.escape(CATALOG)}|workspaces/[0-9a-f]{{24}}/(?:{'|'.join(FOLDERS)})/[0-9a-f]{{12,64}}(?:\.parquet|/[\w-]+\.\w+)?",
    re.ASCII,
)
"""What a backup may hold: no other path is ever written."""
CHUNK = 1024**2
MOST_BYTES = 1024**4


def back_up(home: Path, target: Path) -> dict[str, int]:
    """Write the catalog and the workspaces of a home into a new file, and return how many files and bytes.

    Parameters
    ----------
    home : as STOCKCAST_HOME names it; private workspaces of a demo are not in it.
    target : must not be there yet.

    Raises
    ------
    InputError : there is nothing to back up, the target is there, or the catalog is kept elsewhere.
    OSError : a file cannot be read or written.
    """
    if os.environ.get("STOCKCAST_CATALOG"):
        msg = "the catalog is kept elsewhere (STOCKCAST_CATALOG): back up that database, and the folder workspaces"
        raise InputError(msg)
    if not (home / CATALOG).is_file():
        msg = "there is no workspace to back up: let STOCKCAST_HOME name the folder of the server"
        raise InputError(msg)
    if target.exists():
        msg = f"{target.name} is there already: give the backup another name"
        raise InputError(msg)
    draft = unfinished(target.parent)
    try:
        # Nobody else may read it, from the first byte on.
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            told = _write(home, file)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(target)
    finally:
        draft.unlink(missing_ok=True)
    sync(target.parent)
    return told


def restore(source: Path, home: Path) -> dict[str, int]:
    """Put a backup into an empty home, whole or not at all, and return how many files and bytes.

    Raises
    ------
    InputError : the home holds something, or the file is no whole backup.
    OSError : a file cannot be read or written.
    """
    if home.exists() and any(path.name != "lost+found" for path in home.iterdir()):
        msg = "the folder that STOCKCAST_HOME names is not empty: let it name a new one, or move the old one away"
        raise InputError(msg)
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = unfinished(home)
    draft.mkdir(mode=0o700)
    try:
        told = _unpack(source, draft)
        _check_catalog(draft / CATALOG)
        # The catalog last: without it the rest is nothing that a server would show.
        for name in ("workspaces", CATALOG):
            if (draft / name).exists():
                (draft / name).rename(home / name)
    finally:
        remove_folder(draft)
    sync(home)
    return told


def _write(home: Path, file: IO[bytes]) -> dict[str, int]:
    manifest: dict[str, str] = {}
    size = 0
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / CATALOG
            _copy_catalog(home / CATALOG, copy)
            manifest[CATALOG], size = _add(archive, copy, CATALOG)
        for path in _files(home):
            name = path.relative_to(home).as_posix()
            try:
                manifest[name], more = _add(archive, path, name)
            except FileNotFoundError:
                continue  # the workspace was deleted, or a link withdrawn, at this moment
            size += more
        head = {"form": FORM, "made_at": datetime.now(UTC).isoformat(), "files": manifest}
        archive.writestr(MANIFEST, json.dumps(head, sort_keys=True))
    return {"files": len(manifest), "bytes": size}


def _files(home: Path) -> Iterator[Path]:
    for folder in FOLDERS:
        for path in sorted(home.glob(f"workspaces/*/{folder}/**/*")):
            inside = path.relative_to(home).as_posix()
            if path.is_file() and UNFINISHED not in inside and MEMBER.fullmatch(inside):
                yield path


def _copy_catalog(source: Path, target: Path) -> None:
    """Copy a SQLite file with what stands in its log only, while others read and write."""
    with closing(sqlite3.connect(source, timeout=30)) as live, closing(sqlite3.connect(target)) as copy:
        live.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")


def _add(archive: zipfile.ZipFile, path: Path, name: str) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as source, archive.open(zipfile.ZipInfo(name), "w", force_zip64=True) as target:
        while part := source.read(CHUNK):
            digest.update(part)
            target.write(part)
            size += len(part)
    return digest.hexdigest(), size


def _unpack(source: Path, folder: Path) -> dict[str, int]:
    try:
        with zipfile.ZipFile(source) as archive:
            head = json.loads(archive.read(MANIFEST))
            files: dict[str, str] = dict(head["files"]) if head["form"] == FORM else {}
            if CATALOG not in files or set(archive.namelist()) != {*files, MANIFEST}:
                raise InputError(_unfit(source))
            total = sum(archive.getinfo(name).file_size for name in files)
            if total > MOST_BYTES:
                raise InputError(_unfit(source))
            for name, digest in files.items():
                _take(archive, name, digest, folder, source)
    except (zipfile.BadZipFile, KeyError, TypeError, ValueError, AttributeError, NotImplementedError) as fault:
        raise InputError(_unfit(source)) from fault
    return {"files": len(files), "bytes": total}


def _take(archive: zipfile.ZipFile, name: str, digest: str, folder: Path, source: Path) -> None:
    if not MEMBER.fullmatch(name):
        raise InputError(_unfit(source))
    path, found = folder / name, hashlib.sha256()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with archive.open(name) as packed, path.open("wb") as target:
        while part := packed.read(CHUNK):
            found.update(part)
            target.write(part)
        target.flush()
        os.fsync(target.fileno())
    if found.hexdigest() != digest:
        raise InputError(_unfit(source))


def _check_catalog(path: Path) -> None:
    try:
        with closing(sqlite3.connect(path)) as copy:
            sound = copy.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    except sqlite3.DatabaseError:
        sound = False
    if not sound:
        raise InputError(_unfit(path))


def _unfit(source: Path) -> str:
    return f"{source.name} is no whole backup of a workspace: take another one; nothing was changed"
