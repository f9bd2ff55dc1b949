"""A plan as bytes that no later version and no new data change: what a share link opens.

An archive of plain parts (Parquet, arrays, JSON), never of objects that run when they are read.
"""

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from planning.errors import InputError, PlanningError
from planning.params import Params
from planning.tables import RESULT_TABLES

HEAD = "head.json"
ORDER = "compared.json"
"""Says which plans stand side by side, and which of them is shown alone."""
UNREADABLE = "what this link keeps cannot be shown by this version: ask for a new link"


HISTORY = "history"
"""The part that holds the past which a plan stands on; links of earlier versions have none."""
FIGURES, REPLAY = "figures", "replay"
"""The parts that hold key figures, and what a replay told: tables and mappings of plain values; they may be missing."""
NOTHING: Mapping[str, Mapping[str, Any]] = MappingProxyType({})


def freeze(result: Any, history: Any = None, beside: Mapping[str, Mapping[str, Any]] = NOTHING) -> bytes:
    """Return a plan (`planning.result.PlanResult`) as an archive; the same plan gives the same bytes.

    Parameters
    ----------
    history : the past of its lines (`planning.result.Recorded`); None: it is not kept.
    beside : further parts by name, each a mapping of tables and of mappings of plain values.

    Raises
    ------
    TypeError : it has a part of a kind that is not known here.
    """
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        head = {f.name: _put(archive, f.name, getattr(result, f.name)) for f in fields(result)}
        if history is not None:
            head[HISTORY] = _put(archive, HISTORY, history)
        for name, parts in beside.items():
            inside = {part: _put(archive, f"{name}/{part}", held) for part, held in parts.items()}
            head[name] = {"kind": "parts", "parts": inside}
        _write(archive, HEAD, json.dumps(head, sort_keys=True).encode())
    return target.getvalue()


def freeze_compared(
    plans: Mapping[str, Any], shown: str, history: Any = None, beside: Mapping[str, Mapping[str, Any]] = NOTHING
) -> bytes:
    """Return plans that stand side by side as an archive of archives.

    Parameters
    ----------
    plans : by name, in their order; `shown` is the name of the one that `thaw` returns.
    history, beside : of that one, as `freeze` takes them.
    """
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for n, (name, plan) in enumerate(plans.items()):
            # Packed already.
            mine = freeze(plan, history, beside) if name == shown else freeze(plan)
            archive.writestr(zipfile.ZipInfo(f"{n}.zip"), mine)
        names = list(plans)
        _write(archive, ORDER, json.dumps({"names": names, "shown": names.index(shown)}).encode())
    return target.getvalue()


def thaw_compared(payload: bytes) -> dict[str, dict[str, Any]]:
    """Return the parts of each plan that stands side by side, by name in their order; empty where one stands alone.

    Raises
    ------
    InputError : it is damaged, or of a version that is not known here.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(payload)) as archive:
            if ORDER not in archive.namelist():
                return {}
            names = json.loads(archive.read(ORDER))["names"]
            return {name: thaw(archive.read(f"{n}.zip")) for n, name in enumerate(names)}
    except (zipfile.BadZipFile, KeyError, TypeError, ValueError, OSError) as fault:
        raise InputError(UNREADABLE) from fault


def thaw(payload: bytes) -> dict[str, Any]:
    """Return the parts of a plan, those of its projection as a mapping in it; of several the one that is shown.

    Raises
    ------
    InputError : it is damaged, or of a version that is not known here.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(payload)) as archive:
            if ORDER in archive.namelist():
                return thaw(archive.read(f"{int(json.loads(archive.read(ORDER))['shown'])}.zip"))
            head = json.loads(archive.read(HEAD))
            return {name: _as_now(name, _take(archive, name, how)) for name, how in head.items()}
    except (zipfile.BadZipFile, KeyError, TypeError, ValueError, OSError, pa.ArrowException, PlanningError) as fault:
        raise InputError(UNREADABLE) from fault


def _as_now(name: str, part: Any) -> Any:
    """Return a table with the columns that the contract got since, empty."""
    if not isinstance(part, pd.DataFrame) or name not in RESULT_TABLES:
        return part
    return part.assign(**{column: np.nan for column in RESULT_TABLES[name].names if column not in part})


def _put(archive: zipfile.ZipFile, name: str, part: Any) -> dict[str, Any]:
    """Write a part, and return how it is read."""
    if isinstance(part, pd.DataFrame):
        _write(archive, name, _parquet(part))
        columns = [[str(column), str(part[column].dtype)] for column in part]
        return {"kind": "frame", "columns": columns, "rows": len(part)}
    if isinstance(part, np.ndarray):
        sink = io.BytesIO()
        np.save(sink, part, allow_pickle=False)
        _write(archive, name, sink.getvalue())
        return {"kind": "array"}
    if isinstance(part, Params):
        return {"kind": "params", "told": part.to_json()}
    if is_dataclass(part) and not isinstance(part, type):
        inside = {f.name: _put(archive, f"{name}/{f.name}", getattr(part, f.name)) for f in fields(part)}
        return {"kind": "parts", "parts": inside}
    if isinstance(part, date):
        return {"kind": "date", "told": part.isoformat()}
    if isinstance(part, str):
        return {"kind": "plain", "told": part}
    if isinstance(part, tuple) and all(isinstance(one, str) for one in part):
        return {"kind": "texts", "told": list(part)}
    if isinstance(part, Mapping):
        return {"kind": "plain", "told": json.loads(json.dumps(dict(part), default=float))}
    msg = f"{name} of a plan is a {type(part).__name__}, which cannot be kept"
    raise TypeError(msg)


def _take(archive: zipfile.ZipFile, name: str, how: Mapping[str, Any]) -> Any:
    kind = how["kind"]
    if kind == "frame":
        return _frame(archive.read(name), how["columns"], how["rows"])
    if kind == "array":
        return np.load(io.BytesIO(archive.read(name)), allow_pickle=False)
    if kind == "params":
        told, known = json.loads(how["told"]), Params().to_dict()
        return Params.from_mapping({name: value for name, value in told.items() if name in known})
    if kind == "parts":
        return {inside: _take(archive, f"{name}/{inside}", one) for inside, one in how["parts"].items()}
    if kind == "date":
        return date.fromisoformat(how["told"])
    if kind == "texts":
        return tuple(how["told"])
    if kind == "plain":
        return how["told"]
    raise InputError(UNREADABLE)


def _write(archive: zipfile.ZipFile, name: str, payload: bytes) -> None:
    # The hour stays out, so that the same plan is kept once; little effort, as arrays of a chain are large.
    entry = zipfile.ZipInfo(name)
    entry.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(entry, payload, compresslevel=1)


def _parquet(frame: pd.DataFrame) -> bytes:
    """Return a table, each column numbered, as names may repeat or be hostile."""
    arrays = [_arrow(frame.iloc[:, n]) for n in range(frame.shape[1])]
    table = pa.Table.from_arrays(arrays, names=[str(n) for n in range(len(arrays))])
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="none")
    return bytes(sink.getvalue().to_pybytes())


def _arrow(values: pd.Series) -> pa.Array:
    if values.dtype != object and not isinstance(values.dtype, pd.CategoricalDtype):
        return pa.array(values, from_pandas=True)
    cells = values.astype(object)
    try:
        return pa.array(cells, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.array([None if pd.isna(cell) else str(cell) for cell in cells], pa.large_string())


def _frame(payload: bytes, columns: list[list[str]], rows: int) -> pd.DataFrame:
    table = pq.read_table(io.BytesIO(payload), use_threads=False)
    series = {n: _series(table.column(n), dtype) for n, (_, dtype) in enumerate(columns)}
    frame = pd.DataFrame(series, index=pd.RangeIndex(rows))
    frame.columns = pd.Index([name for name, _ in columns], dtype=object)
    return frame


def _series(column: pa.ChunkedArray, dtype: str) -> pd.Series:
    if dtype in ("object", "category"):
        return pd.Series(column.to_pylist(), dtype=object)
    return pd.Series(column.to_pandas().astype(pd.api.types.pandas_dtype(dtype)))
