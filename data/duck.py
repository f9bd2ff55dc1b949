"""The only door to DuckDB: a locked connection, and Parquet read as text."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

MEMORY_LIMIT = "2GB"
SPILL_LIMIT = "4GB"

DuckError = duckdb.Error
"""What DuckDB raises, so that nobody else needs to import it."""


def connect(allowed: Sequence[Path] = ()) -> duckdb.DuckDBPyConnection:
    """Open an in-memory database that reaches no file outside `allowed`, no network and no extension.

    Several threads never share a connection: take `connection.cursor()` for each call.

    Parameters
    ----------
    allowed : the folders whose files may be read and written. The first also holds what does not fit in memory;
        without any, nothing is spilled.

    Returns
    -------
    The connection; its settings are locked.
    """
    folders = [Path(folder).resolve() for folder in allowed]
    connection = duckdb.connect(
        config={
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "memory_limit": MEMORY_LIMIT,
            "max_temp_directory_size": SPILL_LIMIT,
            "temp_directory": str(folders[0] / ".spill") if folders else "",
        }
    )
    # The order matters: once external access is off, the folders can no longer be named.
    connection.execute(f"SET allowed_directories = [{', '.join(_literal(str(folder)) for folder in folders)}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


@contextmanager
def private_copy(payload: bytes, suffix: str) -> Iterator[Path]:
    """Hold a payload, while the context lasts, as a file with a name of ours in a folder only we can read.

    A user's path never reaches DuckDB, where `[`, `*` and `?` would be patterns.
    """
    with tempfile.TemporaryDirectory(prefix="stockcast-") as folder:
        path = Path(folder) / f"payload{suffix}"
        path.write_bytes(payload)
        yield path


@dataclass(frozen=True)
class ParquetShape:
    """What a Parquet footer promises: read before the data, because small files can hold very many rows."""

    rows: int
    columns: int
    unpacked_bytes: int


def parquet_shape(path: Path) -> ParquetShape:
    """Read the size of a Parquet file from its footer alone.

    Raises
    ------
    DuckError : the file is no Parquet file, or is damaged.
    """
    with closing(connect([path.parent])) as connection:
        rows = connection.execute("SELECT num_rows FROM parquet_file_metadata(?)", [str(path)]).fetchone()
        chunks = connection.execute(
            "SELECT count(DISTINCT column_id), coalesce(sum(total_uncompressed_size), 0) FROM parquet_metadata(?)",
            [str(path)],
        ).fetchone()
    return ParquetShape(*(int(value) for value in (*(rows or (0,)), *(chunks or (0, 0)))))


def parquet_text_bytes(path: Path) -> int:
    """Measure a Parquet file as text, in bytes, without holding it: a footer does not tell how often a text repeats.

    Raises
    ------
    DuckError : the file is damaged.
    """
    with closing(connect([path.parent])) as connection:
        query = "SELECT sum(strlen(CAST(COLUMNS(*) AS VARCHAR))) FROM read_parquet(?)"
        sums = connection.execute(query, [str(path)]).fetchone()
    return sum(int(size or 0) for size in sums or ())


def parquet_text(path: Path) -> pa.Table:
    """Read a Parquet file with every column as text, in the order of its rows.

    Raises
    ------
    DuckError : the file is damaged.
    """
    with closing(connect([path.parent])) as connection:
        query = "SELECT CAST(COLUMNS(*) AS VARCHAR) FROM read_parquet($path)"
        return connection.sql(query, params={"path": str(path)}).to_arrow_table()
