"""What wrong passphrases cost a planner at work: `python -m tests.benchmarks.guesses [--guesses 1000 --tabs 20]`.

A hosted server with the sample company: a planner moves the service target on, while others guess as fast as they are
answered. All of them come from one address here, as behind a proxy; who guesses gets nothing, and is told to wait.
Target: the planner's median with the guesses within a fifth of the median without.
"""

import argparse
import os
import statistics
import sys
import tempfile
import threading
import time
from itertools import count
from pathlib import Path

from data import passphrase
from tests import wire

WORDS = "seven quiet boats at noon"
MOVES = 15


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.guesses", description=__doc__)
    parser.add_argument("--guesses", type=int, default=1000)
    parser.add_argument("--tabs", type=int, default=20)
    asked = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as home,
        wire.server(Path(home), "hosted", STOCKCAST_PASSPHRASE_HASH=passphrase.hashed(WORDS)) as (address, process),
    ):
        for line in measure(address, process.pid, asked.guesses, asked.tabs):
            sys.stdout.write(line + "\n")
            sys.stdout.flush()


def measure(address: str, pid: int, guesses: int, tabs: int) -> list[str]:
    """Return what the planner waited before and during, and what the guesses got."""
    targets = count(60)
    with wire.Tab(address) as planner:
        wire.sign_in(planner, WORDS)
        planner.go("service")
        move(planner, targets)
        before = [move(planner, targets) for _ in range(MOVES)]
        told: list[str] = []
        threads = [threading.Thread(target=guess, args=(address, n, guesses // tabs, told)) for n in range(tabs)]
        started, worked = time.perf_counter(), cpu(pid)
        for thread in threads:
            thread.start()
        during = []
        while any(thread.is_alive() for thread in threads):
            during.append(move(planner, targets))
        seconds, burnt = time.perf_counter() - started, cpu(pid) - worked
        for thread in threads:
            thread.join()
        if planner.faults:
            told.append("fault")
    return [
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}",
        f"planner before: median {statistics.median(before):.2f} s, worst {max(before):.2f} s",
        f"planner during: median {statistics.median(during):.2f} s, worst {max(during):.2f} s, {len(during)} moves",
        f"{len(told):,} guesses in {seconds:.0f} s, server {burnt / seconds:.2f} cores: "
        + ", ".join(f"{told.count(kind):,} {kind}" for kind in sorted(set(told))),
    ]


def move(planner: wire.Tab, targets: "count[int]") -> float:
    """Move the target to a place where it was not yet."""
    return planner.slide("param_service_target", 60 + (next(targets) * 7 % 390) / 10)


def guess(address: str, number: int, guesses: int, told: list[str]) -> None:
    """Guess again and again, and note how each was answered."""
    with wire.Tab(address) as tab:
        for n in range(guesses):
            wire.sign_in(tab, f"guess {n} of {number}, which is wrong")
            said = tab.said()
            kinds = [kind for kind in ("too many attempts", "not the passphrase") if kind in said.lower()]
            told.append(kinds[0] if kinds and "SKU-" not in said else "let in")


def cpu(pid: int) -> float:
    """Return the seconds of processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
