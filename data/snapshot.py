"""What one import is once it is kept: canonical rows, the hash of them, and a folder of Parquet files.

The canonical form of a table has the contract's columns in order, one type a kind, and its rows sorted
by key, then by every other column. Two frames with the same rows therefore have one id and load alike,
whatever their row order, their numpy types or the machine.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data.atomic import sync
from planning.errors import InputError
from planning.tables import INPUT_TABLES, Column, Table

FORM = b"stockcast snapshot 1"
"""Names the canonical form; it changes when the form does, so that old ids are never mistaken for new ones."""

TEXT_KINDS = ("id", "text")


@dataclass(frozen=True)
class Snapshot:
    """Canonical tables by name, and their id (64 hexadecimal digits)."""

    id: str
    tables: Mapping[str, pa.Table]


def snapshot_id(frames: Mapping[str, pd.DataFrame]) -> str:
    """Return the hash of the canonical rows of these tables.

    Raises
    ------
    InputError : a table or column is not in the contract, or a cell is not of its kind.
    """
    return build_snapshot(frames).id


def build_snapshot(frames: Mapping[str, pd.DataFrame]) -> Snapshot:
    """Return the canonical form of the tables, with its id.

    Parameters
    ----------
    frames : by name in `INPUT_TABLES`; columns of the contract, absent ones count as empty.

    Raises
    ------
    InputError : a table or column is not in the contract, or a cell is not of its kind.
    """
    unknown = sorted(set(frames) - set(INPUT_TABLES))
    if unknown:
        msg = f"unknown table {unknown[0][:80]!r}; known: {', '.join(INPUT_TABLES)}"
        raise InputError(msg)
    digest = hashlib.sha256(FORM)
    tables = {}
    for name, table in INPUT_TABLES.items():
        if name in frames:
            tables[name] = _canonical(frames[name], table, digest)
    return Snapshot(digest.hexdigest(), tables)


def write_snapshot(snapshot: Snapshot, folder: Path) -> None:
    """Write one Parquet file a table into a new folder, each down to the disk.

    Raises
    ------
    OSError : the folder is there already, or the disk refused.
    """
    folder.mkdir(parents=True)
    for name, rows in snapshot.tables.items():
        path = folder / f"{name}.parquet"
        pq.write_table(rows, path, compression="zstd")
        sync(path)
    sync(folder)


def read_snapshot(folder: Path) -> dict[str, pd.DataFrame]:
    """Return the tables of a snapshot folder, as they were kept.

    Returns
    -------
    Frames by table name, in the contract's order: text as object (None: unknown), dates as
    datetime64[s], everything else as float64 (NaN: unknown); rows in key order.

    Raises
    ------
    InputError : the folder is not there, holds no table, or a file is damaged.
    """
    frames = {}
    for name, table in INPUT_TABLES.items():
        path = folder / f"{name}.parquet"
        if not path.is_file():
            continue
        try:
            # A column that came into the contract after this was kept is empty: the id says the same.
            kept = set(pq.read_schema(path).names) | set(table.required_names)
            rows = pq.read_table(path, columns=[c for c in table.names if c in kept], partitioning=None)
            columns = {c.name: rows[c.name] if c.name in kept else _nothing(len(rows), c) for c in table.columns}
            frames[name] = pd.DataFrame({c.name: _series(columns[c.name], c) for c in table.columns})
        except (OSError, pa.ArrowException) as fault:
            msg = f"the kept table {name!r} of snapshot {folder.name[:12]} is damaged: import the data again"
            raise InputError(msg) from fault
    if not frames:
        msg = f"there is no snapshot {folder.name[:12]!r}: import the data, or go back to another one"
        raise InputError(msg)
    return frames


def _canonical(frame: pd.DataFrame, table: Table, digest: "hashlib._Hash") -> pa.Table:
    """Sort the rows of one table, and add them to the digest."""
    unknown = [str(c) for c in frame.columns if c not in table.by_name]
    if unknown:
        msg = f"table {table.name!r} has no column {unknown[0][:80]!r}; known: {', '.join(table.names)}"
        raise InputError(msg)
    arrays = {c.name: _array(frame, c, table.name) for c in table.columns}
    ranked = {name: _ranked(array) for name, array in arrays.items()}
    first = [*table.key, *(name for name in table.names if name not in table.key)]
    # A column with one value in every row cannot change the order; most optional ones are empty.
    keys = [ranked[name][1] for name in first if len(ranked[name][0]) + bool(arrays[name].null_count) > 1]
    order = np.lexsort(keys[::-1]) if keys else np.arange(len(frame))
    _add(digest, table.name.encode(), len(frame).to_bytes(8, "little"))
    for name in table.names:
        values, ranks = ranked[name]
        if len(values):
            _add(digest, name.encode(), *_spelled(values), ranks[order].astype("<i4").tobytes())
    return pa.table({name: array.take(pa.array(order)) for name, array in arrays.items()})


def _array(frame: pd.DataFrame, column: Column, table: str) -> pa.Array:
    """Return one column in the type of its kind; unknown is null, never NaN or an empty date."""
    if column.name not in frame.columns:
        return pa.nulls(len(frame), _type(column))
    values = frame[column.name]
    try:
        if column.kind in TEXT_KINDS:
            array = pa.array(values.astype(object), pa.large_string(), from_pandas=True)
        elif column.kind == "date":
            array = pa.array(values.astype("datetime64[s]").to_numpy().astype("datetime64[D]"))
        else:
            # Adding zero turns -0.0 into 0.0: one number, one spelling.
            numbers = values.to_numpy(dtype="float64", na_value=np.nan) + 0.0
            array = pa.array(numbers, from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as fault:
        msg = f"table {table!r}, column {column.name!r}: a value is not of the kind {column.kind!r}"
        raise InputError(msg) from fault
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def _type(column: Column) -> pa.DataType:
    if column.kind in TEXT_KINDS:
        return pa.large_string()
    return pa.date32() if column.kind == "date" else pa.float64()


def _nothing(length: int, column: Column) -> pa.ChunkedArray:
    return pa.chunked_array([pa.nulls(length, _type(column))])


def _series(rows: pa.ChunkedArray, column: Column) -> pd.Series:
    """Return a kept column as pandas holds it in a contract frame."""
    values: pd.Series = rows.cast(pa.timestamp("s") if column.kind == "date" else _type(column)).to_pandas()
    return values


def _ranked(array: pa.Array) -> tuple[pa.Array, np.ndarray]:
    """Return the distinct values in order, and each row's place among them (-1: unknown)."""
    encoded = array.dictionary_encode()
    order = pc.sort_indices(encoded.dictionary)
    ranks = np.full(len(order) + 1, -1, dtype=np.int32)
    ranks[order.to_numpy()] = np.arange(len(order), dtype=np.int32)
    # The added last place, which index -1 reaches, stands for the unknown.
    return encoded.dictionary.take(order), ranks[pc.fill_null(encoded.indices, -1).to_numpy()]


def _spelled(values: pa.Array) -> tuple[bytes, bytes]:
    """Return the lengths and the bytes of the values, the same on every machine."""
    if pa.types.is_large_string(values.type):
        lengths = pc.binary_length(values).to_numpy().astype("<i8")
        return lengths.tobytes(), "".join(values.to_pylist()).encode()
    stored = values.cast(pa.int32()) if pa.types.is_date32(values.type) else values
    spelled = stored.to_numpy().astype("<i4" if pa.types.is_integer(stored.type) else "<f8")
    return len(spelled).to_bytes(8, "little"), spelled.tobytes()


def _add(digest: "hashlib._Hash", *parts: bytes) -> None:
    """Add parts, each with its length, so that no two lists of parts spell alike."""
    for part in parts:
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
