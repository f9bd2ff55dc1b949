"""Long work in a process of its own: started, watched, cancelled; its state lies on disk, whatever page is open.

A job is a folder named by its key. Its process holds a lock on a file in that folder for as long as it
lives, and the kernel lets go of it however the process ends: so any thread, page or restarted server
can tell whether it still runs, and no key runs twice.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from threading import Thread
from types import MappingProxyType
from typing import Literal

from data.atomic import remove_folder, write_whole
from planning.errors import PlanningError

Command = Callable[[Path], Sequence[str]]
"""Given the folder of a job, what to run: it writes `result` there, whole, and `progress.json`."""
State = Literal["absent", "running", "done", "failed", "cancelled"]

PROJECT = Path(__file__).resolve().parent.parent
"""Where `python -m planning` is found."""

LOCK, PROCESS, EXIT, CANCELLED = "lock", "process", "exit", "cancelled"
PROGRESS, RESULT, PARAMS, ERRORS = "progress.json", "result", "params.json", "errors.txt"
EVENTS, FITS = "events.json", "fits"

PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "LD_LIBRARY_PATH", "OMP_NUM_THREADS")
"""The environment of a job: what it takes to start Python. No address, no password."""

GRACE = 3.0
"""Seconds between asking a cancelled job to stop and making it stop."""

LEFT_AFTER = 24 * 3600.0
"""Seconds after which a job that nobody asked for again is cleared away."""

REFUSED = (2, 3)
"""Exit statuses whose standard error is written for people."""

GENERAL = "the run ended without a result: start it again; if it fails again, plan less data at a time"
INTERRUPTED = "the run was interrupted: start it again"
TOO_LONG = "the run took longer than is allowed here: plan less data at a time, or use the command line"

LONGEST = 4000
"""Characters of a fault that are shown."""

KEY = re.compile(r"[0-9a-f]{16,128}")


class JobError(PlanningError):
    """A job cannot be started, or has no result; the message says why."""


@dataclass(frozen=True)
class Job:
    """A piece of long work, known by its folder; any process may look at it or cancel it."""

    folder: Path

    def status(self) -> State:
        """Return where the job stands now."""
        if not (self.folder / LOCK).exists():
            return "absent"
        if _is_locked(self.folder / LOCK):
            return "running"
        if (self.folder / CANCELLED).exists():
            return "failed" if _text(self.folder / CANCELLED) else "cancelled"
        return "done" if (self.folder / RESULT).is_file() else "failed"

    def progress(self) -> tuple[str, int, int]:
        """Return the stage that the work reported last, how much of it is done, and of how much."""
        try:
            told = json.loads(_text(self.folder / PROGRESS))
            return str(told["stage"]), int(told["done"]), int(told["total"])
        except (ValueError, KeyError, TypeError):
            return "", 0, 0

    def message(self) -> str:
        """Return why the job failed, for a person; empty where it did not."""
        if self.status() != "failed":
            return ""
        return _text(self.folder / CANCELLED) or self._fault()

    def cancel(self) -> None:
        """End the job's process and all that it started; a job that does not run stays as it is."""
        self._stop("")

    def result(self) -> bytes:
        """Return what the job wrote.

        Raises
        ------
        JobError : it did not finish; the message says why.
        """
        state = self.status()
        if state != "done":
            raise JobError(self.message() or f"there is no result: the run is {state}")
        try:
            return (self.folder / RESULT).read_bytes()
        except FileNotFoundError as fault:
            msg = "there is no result: it was taken already"
            raise JobError(msg) from fault

    def clear(self) -> None:
        """Remove what a job that does not run left on disk."""
        if not _is_locked(self.folder / LOCK):
            remove_folder(self.folder)

    def _stop(self, reason: str) -> None:
        """End the process group: asked first, then made to."""
        if not _is_locked(self.folder / LOCK):
            return
        write_whole(self.folder / CANCELLED, reason.encode())
        try:
            group = int(_text(self.folder / PROCESS))
        except ValueError:
            return  # it is only just starting
        _signal(group, signal.SIGTERM)
        until = time.monotonic() + GRACE
        while time.monotonic() < until and _is_locked(self.folder / LOCK):
            time.sleep(0.02)
        _signal(group, signal.SIGKILL)

    def _fault(self) -> str:
        """Return why the process ended without a result, for a person."""
        code = _exit_status(self.folder)
        if code is None:
            return INTERRUPTED
        if code not in REFUSED:
            return GENERAL
        return _text(self.folder / ERRORS).strip()[-LONGEST:] or GENERAL


def start(
    root: Path,
    key: str,
    command: Command,
    *,
    files: Mapping[str, str | bytes] = MappingProxyType({}),
    time_limit: float | None = None,
) -> Job:
    """Start a job, or attach to the one of this key that runs or is done already.

    Parameters
    ----------
    root : the folder of jobs of one workspace.
    key : names the work; the same key is the same work.
    command : given the job's folder, the command; it writes `result` there, whole, and `progress.json`.
    files : what to lay into the folder before it starts, by file name.
    time_limit : seconds after which the job is ended; None: never.

    Raises
    ------
    JobError : the key is not hexadecimal, or no process can be started.
    """
    if not KEY.fullmatch(key):
        msg = f"{key[:80]!r} is no key of a job: it takes 16 to 128 hexadecimal digits"
        raise JobError(msg)
    if os.name != "posix":
        msg = "long runs in the background need Linux or macOS: use the command line, python -m planning plan"
        raise JobError(msg)
    job = Job(root / key)
    try:
        job.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _clean(root, spare=job.folder)
        handle = _take(job.folder / LOCK)
        if handle is None:
            return job
        try:
            if _is_done(job):
                return job
            _launch(job, handle, command, files, time_limit)
        finally:
            os.close(handle)
    except OSError as fault:
        msg = "the run could not be started: the machine has no room or no processes left; try again later"
        raise JobError(msg) from fault
    return job


def fit_command(snapshot: Path, as_of: date, processes: int) -> Command:
    """Return the command that makes the heavy stage of a plan, for `start` with the file `params.json`.

    Where a file `events.json` was laid in too, its events stand for those of the snapshot.

    Parameters
    ----------
    snapshot : folder of the snapshot's Parquet files.
    as_of : the morning for which the plan is made.
    processes : how many processes may work at once.
    """

    def command(folder: Path) -> Sequence[str]:
        return (
            sys.executable, "-m", "planning", "fit",
            "--snapshot", str(snapshot.resolve()),
            "--as-of", as_of.isoformat(),
            "--params", str(folder / PARAMS),
            "--out", str(folder / RESULT),
            "--progress", str(folder / PROGRESS),
            "--processes", str(processes),
            *(("--events", str(folder / EVENTS)) if (folder / EVENTS).exists() else ()),
        )  # fmt: skip

    return command


def known_command(snapshot: Path, as_of: date, first: date, every: int, processes: int) -> Command:
    """Return the command that forecasts on each past morning by what was known then, for `start` with `params.json`.

    Where `events.json` or `fits` were laid in too, they stand for the snapshot's events and spare one forecast.

    Parameters
    ----------
    first : the first past morning. every : buckets after which all is learned anew.
    """

    def command(folder: Path) -> Sequence[str]:
        return (
            sys.executable, "-m", "planning", "known",
            "--snapshot", str(snapshot.resolve()),
            "--as-of", as_of.isoformat(),
            "--first", first.isoformat(),
            "--every", str(every),
            "--params", str(folder / PARAMS),
            "--out", str(folder / RESULT),
            "--progress", str(folder / PROGRESS),
            "--processes", str(processes),
            *(("--events", str(folder / EVENTS)) if (folder / EVENTS).exists() else ()),
            *(("--fits", str(folder / FITS)) if (folder / FITS).exists() else ()),
        )  # fmt: skip

    return command


def running(*roots: Path) -> list[Job]:
    """Return the jobs of these folders of jobs that run now."""
    return [Job(lock.parent) for root in roots for lock in sorted(root.glob(f"*/{LOCK}")) if _is_locked(lock)]


def _is_done(job: Job) -> bool:
    """Tell whether the result lies there."""
    return (job.folder / RESULT).is_file() and not (job.folder / CANCELLED).exists()


def _launch(
    job: Job,
    handle: int,
    command: Command,
    files: Mapping[str, str | bytes],
    time_limit: float | None,
) -> None:
    """Clear what an earlier try left, start the process, and have a thread wait for its end."""
    folder = job.folder.resolve()
    for path in folder.iterdir():
        if path.name != LOCK:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for name, text in files.items():
        (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    with (folder / ERRORS).open("wb") as errors:
        process = subprocess.Popen(  # noqa: S603 - our own command, no shell, no user text but checked ids
            list(command(folder)),
            cwd=PROJECT,
            env={name: os.environ[name] for name in PASSED_ON if name in os.environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            pass_fds=(handle,),
            start_new_session=True,
        )
    write_whole(folder / PROCESS, str(process.pid).encode())
    Thread(target=_wait, args=(Job(folder), process, time_limit), daemon=True).start()


def _wait(job: Job, process: subprocess.Popen[bytes], time_limit: float | None) -> None:
    """Wait for the end of the process and note its exit status."""
    try:
        code = process.wait(time_limit)
    except subprocess.TimeoutExpired:
        job._stop(TOO_LONG)
        code = process.wait()
    try:
        write_whole(job.folder / f"{EXIT}-{process.pid}", str(code).encode())
    except OSError:
        return  # the folder was cleared meanwhile, or the disk is full: the job then counts as interrupted


def _take(path: Path) -> int | None:
    """Lock the file and return its handle, or None where a job holds it."""
    import fcntl

    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    # Somebody who looks at the status holds the lock for an instant: that is not a running job.
    for _ in range(10):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.01)
        else:
            return handle
    os.close(handle)
    return None


def _is_locked(path: Path) -> bool:
    """Tell whether a living process holds the file's lock."""
    if os.name != "posix":
        return False
    import fcntl

    try:
        handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def _exit_status(folder: Path) -> int | None:
    """Return the noted exit status; None where the server that waited for it is gone."""
    # By process: whoever waited for an earlier try of this job may note its end late.
    path = folder / f"{EXIT}-{_text(folder / PROCESS)}"
    # The lock falls an instant before the waiting thread has noted the status.
    for _ in range(50):
        if path.exists():
            text = _text(path)
            return int(text) if text else None
        time.sleep(0.02)
    with suppress(FileNotFoundError):  # the folder was cleared meanwhile
        path.touch()
    return None


def _text(path: Path) -> str:
    """Return what a small file says; nothing where it is not there."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""


def _signal(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):  # it has ended already
        os.killpg(group, number)


def _clean(root: Path, spare: Path) -> None:
    """Clear jobs that nobody asked for since yesterday."""
    for folder in root.iterdir():
        if folder == spare or not folder.is_dir():
            continue
        if folder.stat().st_mtime < time.time() - LEFT_AFTER:
            Job(folder).clear()
