"""Kills a process that keeps one snapshot after the other, again and again, and looks at what it left.

Run as a script: it forks from a process without threads, so that a hundred rounds take seconds.
"""

import os
import random
import select
import signal
import struct
import sys
import time
import traceback
from pathlib import Path

import pandas as pd

from data.snapshot import read_snapshot, snapshot_id
from data.store import Workspace

ROUNDS = 100
LONGEST = 0.12
"""Seconds; a save takes some hundredths of one."""

NUMBER = struct.Struct("<q")


def frames(number: int) -> dict[str, pd.DataFrame]:
    """Tables of which each cell tells the same number."""
    days = pd.Series(pd.date_range("2026-01-05", periods=200, freq="D")).astype("datetime64[s]")
    sales = pd.DataFrame({"date": days, "item_id": "A", "quantity": float(number)})
    return {"sales": sales, "stock": pd.DataFrame({"item_id": ["A"], "on_hand": [float(number)]})}


def told(tables: dict[str, pd.DataFrame]) -> set[float]:
    """The numbers that a snapshot tells: one, if it is whole."""
    return {*tables["sales"]["quantity"], *tables["stock"]["on_hand"]}


def keep_saving(root: Path, first: int, report: int) -> None:
    """Keep one snapshot after the other, each announced before it is begun."""
    workspace = Workspace(root=root)
    for number in range(first, first + 10_000):
        os.write(report, NUMBER.pack(number))
        workspace.save(frames(number), files=(f"{number}.csv",), notes=(str(number),))


def check(root: Path, allowed: tuple[int, ...], everything: bool, report: int) -> None:
    """Report the number of the snapshot in use (0: none), once what is there was found whole."""
    workspace = Workspace(root=root)
    records = workspace.history()
    for record in records if everything else records[:5]:
        tables = workspace.load(record.snapshot_id)
        assert snapshot_id(tables) == record.snapshot_id
        assert told(tables) == {float(record.notes[0])}
    if everything:
        for folder in (workspace.folder / "snapshots").glob("[0-9a-f]*"):
            assert snapshot_id(read_snapshot(folder)) == folder.name
    current = workspace.current()
    number = 0 if current is None else int(*told(workspace.load(current.snapshot_id)))
    assert number in allowed, f"{number} is in use, not one of {allowed}"
    os.write(report, NUMBER.pack(number))


def forked(work: object, *arguments: object) -> int:
    """Run in a child; the exit status is 0, or 1 after a fault."""
    child = os.fork()
    if child:
        return child
    try:
        work(*arguments)  # type: ignore[operator]
    except BaseException:  # noqa: BLE001 - the child must end here, whatever happened
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def last_told(pipe: int) -> int:
    """The last number that came through; 0: none."""
    number = 0
    while select.select([pipe], [], [], 0)[0]:
        piece = os.read(pipe, NUMBER.size)
        if len(piece) < NUMBER.size:
            break
        number = NUMBER.unpack(piece)[0]
    return number


def main(root: Path, rounds: int) -> int:
    """Kill so many times; 0: every time the old or the new snapshot was there, whole."""
    chance = random.Random(7)
    begun, in_use, cut_short = 0, 0, 0
    for n in range(rounds):
        out, into = os.pipe()
        child = forked(keep_saving, root, begun + 1, into)
        select.select([out], [], [], 30)  # wait for the first save to begin
        time.sleep(chance.uniform(0, LONGEST))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        latest = last_told(out)
        before = in_use if latest == begun + 1 else latest - 1
        looked = forked(check, root, (before, latest), n == rounds - 1, into)
        if os.waitpid(looked, 0)[1]:
            sys.stderr.write(f"round {n}: not the old and not the new one\n")
            return 1
        begun, in_use = latest, last_told(out)
        cut_short += in_use != latest
        os.close(into)
        os.close(out)
    sys.stdout.write(f"{rounds} kills, {begun} saves begun, {cut_short} of them cut short\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2])))
