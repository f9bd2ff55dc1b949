"""Jobs: finished, failed, cancelled, attached to, and nothing left behind."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import psutil
import pytest

from data import jobs

KEY = "ab" * 16

FINISHES = """
import json, os, sys
folder = sys.argv[1]
open(folder + "/progress.json", "w").write(json.dumps({"stage": "forecast", "done": 3, "total": 4}))
open(folder + "/draft", "w").write(open(folder + "/params.json").read())
os.replace(folder + "/draft", folder + "/result")
"""
REFUSES = "import sys; sys.stderr.write('sales.csv, row 7, quantity: ten is not a number\\n'); sys.exit(2)"
BREAKS = "raise RuntimeError('/secret/path')"
SLEEPS = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
open(sys.argv[1] + "/child", "w").write(str(child.pid))
time.sleep(600)
"""
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)\nopen('{}', 'w')\ntime.sleep(600)"
TELLS_ENVIRONMENT = """
import os, sys
open(sys.argv[1] + "/result", "w").write(" ".join(sorted(os.environ)) + "|" + os.getcwd())
"""


def python(script: str) -> Callable[[Path], Sequence[str]]:
    return lambda folder: [sys.executable, "-c", script, str(folder)]


def wait(until: Callable[[], bool], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.02)


def ended(job: jobs.Job) -> str:
    wait(lambda: job.status() != "running")
    return job.status()


def test_a_job_that_finishes_hands_over_what_it_wrote_and_tells_how_far_it_came(tmp_path: Path) -> None:
    job = jobs.start(tmp_path, KEY, python(FINISHES), files={"params.json": "{}"})
    assert ended(job) == "done"
    assert job.result() == b"{}"
    assert job.progress() == ("forecast", 3, 4)
    assert job.message() == ""


def test_a_refusal_is_shown_as_it_was_written(tmp_path: Path) -> None:
    job = jobs.start(tmp_path, KEY, python(REFUSES))
    assert ended(job) == "failed"
    assert job.message() == "sales.csv, row 7, quantity: ten is not a number"
    with pytest.raises(jobs.JobError, match="row 7"):
        job.result()


def test_a_crash_says_what_to_do_and_shows_no_traceback(tmp_path: Path) -> None:
    job = jobs.start(tmp_path, KEY, python(BREAKS))
    assert ended(job) == "failed"
    assert job.message() == jobs.GENERAL


def test_cancelling_ends_the_process_and_its_children(tmp_path: Path) -> None:
    job = jobs.start(tmp_path, KEY, python(SLEEPS))
    wait(lambda: (job.folder / "child").exists() and (job.folder / "child").read_text() != "")
    assert job.status() == "running"
    job.cancel()
    assert job.status() == "cancelled"
    child = int((job.folder / "child").read_text())
    wait(lambda: not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE)
    with pytest.raises(jobs.JobError, match="cancelled"):
        job.result()


def test_a_process_that_does_not_listen_is_ended_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "GRACE", 0.2)
    job = jobs.start(tmp_path, KEY, python(STUBBORN.format(tmp_path / "deaf")))
    wait((tmp_path / "deaf").exists)
    job.cancel()
    assert ended(job) == "cancelled"


def test_cancelling_what_does_not_run_changes_nothing(tmp_path: Path) -> None:
    jobs.Job(tmp_path / KEY).cancel()
    job = jobs.start(tmp_path, KEY, python(FINISHES), files={"params.json": "{}"})
    assert ended(job) == "done"
    job.cancel()
    assert job.status() == "done"


def test_the_same_key_attaches_to_the_running_job_and_to_the_finished_one(tmp_path: Path) -> None:
    once = f"import os, time\nopen('{tmp_path}/starts', 'a').write('x')\ntime.sleep(0.3)\n" + FINISHES
    first = jobs.start(tmp_path, KEY, python(once), files={"params.json": "{}"})
    second = jobs.start(tmp_path, KEY, python(once), files={"params.json": "{}"})
    assert second == first
    assert ended(second) == "done"
    assert jobs.start(tmp_path, KEY, python(once)).result() == b"{}"
    assert (tmp_path / "starts").read_text() == "x"


def test_a_failed_or_cancelled_job_can_be_started_again_and_keeps_nothing_of_the_first_try(tmp_path: Path) -> None:
    job = jobs.start(tmp_path, KEY, python(REFUSES))
    assert ended(job) == "failed"
    job = jobs.start(tmp_path, KEY, python(SLEEPS))
    wait((job.folder / "child").exists)
    job.cancel()
    job = jobs.start(tmp_path, KEY, python(FINISHES), files={"params.json": "{}"})
    assert ended(job) == "done"
    assert not (job.folder / "child").exists()


def test_a_job_outlives_who_started_it_and_one_that_vanished_counts_as_interrupted(tmp_path: Path) -> None:
    starter = (
        "import sys; from pathlib import Path; from data import jobs\n"
        "command = lambda folder: [sys.executable, '-c', 'import time; time.sleep(600)']\n"
        f"jobs.start(Path({str(tmp_path)!r}), {KEY!r}, command)"
    )
    subprocess.run([sys.executable, "-c", starter], check=True, cwd=jobs.PROJECT)
    job = jobs.Job(tmp_path / KEY)
    assert job.status() == "running"
    os.kill(int((job.folder / jobs.PROCESS).read_text()), 9)
    assert ended(job) == "failed"
    assert job.message() == jobs.INTERRUPTED
    assert job.message() == jobs.INTERRUPTED


def test_a_time_limit_ends_the_job_and_says_so(tmp_path: Path) -> None:
    job = jobs.start(tmp_path, KEY, python("import time; time.sleep(600)"), time_limit=0.3)
    wait(lambda: job.status() == "failed")
    assert job.message() == jobs.TOO_LONG


def test_a_job_gets_no_secret_and_starts_in_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOCKCAST_CATALOG", "postgresql://u:password@host/db")
    job = jobs.start(tmp_path, KEY, python(TELLS_ENVIRONMENT))
    assert ended(job) == "done"
    names, folder = job.result().decode().split("|")
    assert "STOCKCAST_CATALOG" not in names
    assert Path(folder) == jobs.PROJECT


@pytest.mark.parametrize("told", ["", "{", "[1]", '{"stage": "x"}', '{"stage": "x", "done": "many", "total": 1}'])
def test_unreadable_progress_is_no_progress(tmp_path: Path, told: str) -> None:
    (tmp_path / jobs.PROGRESS).write_text(told)
    assert jobs.Job(tmp_path).progress() == ("", 0, 0)


@pytest.mark.parametrize("key", ["", "../../etc", "AB" * 16, "xyz" * 8, "ab"])
def test_only_a_hexadecimal_key_names_a_job(tmp_path: Path, key: str) -> None:
    with pytest.raises(jobs.JobError):
        jobs.start(tmp_path, key, python(FINISHES))


def test_old_jobs_are_cleared_and_running_ones_spared(tmp_path: Path) -> None:
    old = jobs.start(tmp_path, "01" * 16, python(BREAKS))
    runs = jobs.start(tmp_path, "02" * 16, python("import time; time.sleep(600)"))
    assert ended(old) == "failed"
    assert jobs.running(tmp_path) == [runs]
    for job in (old, runs):
        os.utime(job.folder, (0, 0))
    last = jobs.start(tmp_path, KEY, python(BREAKS))
    assert old.status() == "absent"
    assert runs.status() == "running"
    runs.cancel()
    assert ended(last) == "failed"
    last.clear()
    assert not last.folder.exists()


def test_the_fit_command_names_its_files_and_nothing_of_the_user(tmp_path: Path) -> None:
    words = jobs.fit_command(tmp_path / "snapshot", date(2026, 11, 2), 2)(tmp_path / "job")
    assert words[:4] == (sys.executable, "-m", "planning", "fit")
    assert dict(zip(words[4::2], words[5::2], strict=True)) == {
        "--snapshot": str(tmp_path / "snapshot"),
        "--as-of": "2026-11-02",
        "--params": str(tmp_path / "job" / "params.json"),
        "--out": str(tmp_path / "job" / "result"),
        "--progress": str(tmp_path / "job" / "progress.json"),
        "--processes": "2",
    }
