"""A process killed at any moment leaves the old snapshot or the new one, never a half one."""

import subprocess
import sys
from pathlib import Path

from tests.data.killed_saves import ROUNDS

ROOT = Path(__file__).parents[2]


def test_a_hundred_kills_leave_the_old_or_the_new_snapshot_every_time(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.data.killed_saves", str(tmp_path), str(ROUNDS)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.startswith(f"{ROUNDS} kills")
