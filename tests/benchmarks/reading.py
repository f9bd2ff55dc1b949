"""Reading a large file beside DuckDB's bare reading: `python -m tests.benchmarks.reading FILE.csv [--table sales]`.

A Parquet file of daily sales (unique_id, item_id, store_id, ds, y) is first written out as such a CSV file. Both ways
run in this process, so that its start counts for neither; the peak memory is that of our way alone, which runs first.
"""

import argparse
import resource
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from data import duck
from data.read import read_inputs
from data.upload import Source

TIMES = 3


def main() -> None:
    """Print the seconds of both ways, their ratio, and the peak memory."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.reading", description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--table", default="sales")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = asked.file
        if path.suffix == ".parquet":
            path = Path(folder) / "long.csv"
            _write_out(asked.file, path)
        _measure(path.resolve(), asked.table)


def _write_out(source: Path, target: Path) -> None:
    with closing(duck.connect([source.parent, target.parent])) as connection:
        connection.execute(
            "COPY (SELECT strftime(ds, '%Y-%m-%d') AS date, item_id, store_id AS location_id, y AS quantity "
            f"FROM read_parquet('{source.resolve()}')) TO '{target}' (HEADER)"
        )


def _measure(path: Path, table: str) -> None:
    began = time.perf_counter()
    read = read_inputs({table: [Source(path.name, path)]})
    ours = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    bare = min(_bare(path) for _ in range(TIMES))
    counts = read.rows[table]
    sys.stdout.write(
        f"{path.stat().st_size / 1e6:.0f} MB, {counts['read']:,} rows read = {counts['accepted']:,} accepted + "
        f"{counts['rejected']:,} rejected\n"
        f"imported in {ours:.2f} s, DuckDB bare {bare:.2f} s: {ours / bare:.1f} times; peak {peak:.2f} GB\n"
    )


def _bare(path: Path) -> float:
    with closing(duck.connect([path.parent])) as connection:
        began = time.perf_counter()
        connection.execute("CREATE TABLE bare AS FROM read_csv(?)", [str(path)])
        return time.perf_counter() - began


if __name__ == "__main__":
    main()
