"""What wrong passphrases cost a planner at work: `python -m tests.benchmarks.guesses [--guesses 1000 --tabs 20]`.

A hosted server with the sample company: a planner moves the service target on, while others guess as fast as they are
answered. All of them come from one address here, as behind a proxy; who guesses gets nothing, and is told to wait.
The guessing itself stands back on this machine, as elsewhere it would be done on another.
Target: the planner's median with the guesses within a fifth of the median without.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from itertools import count
from pathlib import Path

from data import passphrase
from tests import wire

WORDS = "seven quiet boats at noon"
ANSWERS = ("many attempts", "not the passphrase")
MOVES = 15


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.guesses", description=__doc__)
    parser.add_argument("--guesses", type=int, default=1000)
    parser.add_argument("--tabs", type=int, default=20)
    parser.add_argument("--at", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.at:
        os.nice(19)
        guess_on(asked.at, asked.guesses, asked.tabs)
        return
    with (
        tempfile.TemporaryDirectory() as home,
        wire.server(Path(home), "hosted", STOCKCAST_PASSPHRASE_HASH=passphrase.hashed(WORDS)) as (address, process),
    ):
        for line in measure(address, process.pid, asked.guesses, asked.tabs):
            sys.stdout.write(line + "\n")


def measure(address: str, pid: int, guesses: int, tabs: int) -> list[str]:
    """Return what the planner waited before and during, and what the guesses got."""
    targets = count(60)
    command = [sys.executable, "-m", "tests.benchmarks.guesses", "--at", address]
    command += ["--guesses", str(guesses), "--tabs", str(tabs)]
    with wire.Tab(address) as planner:
        wire.sign_in(planner, WORDS)
        planner.go("service")
        for _ in range(3):
            move(planner, targets)
        before = [move(planner, targets) for _ in range(MOVES)]
        started, worked = time.perf_counter(), cpu(pid)
        with subprocess.Popen(command, cwd=wire.ROOT, stdout=subprocess.PIPE, text=True) as others:
            during = []
            while others.poll() is None:
                during.append(move(planner, targets))
            told = json.loads(others.stdout.read() if others.stdout else "{}")
        seconds, burnt = time.perf_counter() - started, cpu(pid) - worked
        after = [move(planner, targets) for _ in range(MOVES)]
        faults = planner.faults
    lines = [f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; faults of the planner: {faults}"]
    for name, times in (("before", before), ("during", during), ("after", after)):
        lines.append(
            f"planner {name}: median {statistics.median(times):.2f} s, worst {max(times):.2f} s, {len(times)} moves"
        )
    got = ", ".join(f"{number:,} {kind}" for kind, number in sorted(told.items()))
    return [*lines, f"{sum(told.values()):,} guesses in {seconds:.0f} s, server {burnt / seconds:.2f} cores: {got}"]


def guess_on(address: str, guesses: int, tabs: int) -> None:
    """Guess from many tabs at once, and print how often each answer came."""
    told: list[str] = []
    threads = [threading.Thread(target=guess, args=(address, n, guesses // tabs, told)) for n in range(tabs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.stdout.write(json.dumps(Counter(told)))


def move(planner: wire.Tab, targets: "count[int]") -> float:
    """Move the target to a place where it was not yet."""
    return planner.slide("param_service_target", 60 + (next(targets) * 7 % 390) / 10)


def guess(address: str, number: int, guesses: int, told: list[str]) -> None:
    """Guess again and again, and note how each was answered."""
    with wire.Tab(address, keep=True) as tab:
        for n in range(guesses):
            tab.frames.clear()
            wire.sign_in(tab, f"guess {n} of {number}, which is wrong")
            kinds = [kind for kind in ANSWERS if tab.received(kind)]
            told.append(kinds[0] if kinds and not tab.received("SKU-") else "let in")


def cpu(pid: int) -> float:
    """Return the seconds of processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
