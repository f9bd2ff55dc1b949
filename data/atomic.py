"""Files that are there whole or not at all, whatever is interrupted."""

import os
import secrets
import shutil
from pathlib import Path

UNFINISHED = ".unfinished-"
"""Prefix of what is still being written, or on its way out; never read, removed when it is old."""


def unfinished(folder: Path) -> Path:
    """Return a fresh name inside the folder for something that is not yet whole."""
    return folder / f"{UNFINISHED}{secrets.token_hex(8)}"


def sync(path: Path) -> None:
    """Have a file, or the names in a folder, written to the disk itself.

    Raises
    ------
    OSError : the disk refused.
    """
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_whole(path: Path, payload: bytes) -> None:
    """Write a file so that a reader, or a crash, sees the old content or the new, never a part.

    Raises
    ------
    OSError : the disk refused.
    """
    draft = unfinished(path.parent)
    try:
        with draft.open("wb") as file:
            file.write(payload)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    sync(path.parent)


def copy_folder(source: Path, target: Path) -> None:
    """Copy a folder of files into a new one, each down to the disk.

    Raises
    ------
    OSError : the target is there already, or the disk refused.
    """
    for path in Path(shutil.copytree(source, target)).iterdir():
        sync(path)
    sync(target)


def remove_folder(folder: Path) -> None:
    """Remove a folder: first its name, in one step, then what it held."""
    going = unfinished(folder.parent)
    try:
        folder.rename(going)
    except FileNotFoundError:
        return
    shutil.rmtree(going, ignore_errors=True)


def sweep(folder: Path, before: float) -> None:
    """Remove what interrupted work left in a folder, where it is older than that time (seconds since 1970)."""
    for path in folder.glob(f"{UNFINISHED}*"):
        try:
            if path.stat().st_mtime >= before:
                continue
            path.unlink() if path.is_file() else shutil.rmtree(path, ignore_errors=True)
        except FileNotFoundError:
            continue  # another process swept it
