"""Rows that say the same thing twice: within a file, and between the files of one table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from data.upload import shown
from data.validate import Coded, Judged, absent, rejections
from planning.tables import Table

Codes = npt.NDArray[np.int64]
Ranks = npt.NDArray[np.int32]


@dataclass(frozen=True)
class _Stack:
    """The files of a table, one under the other; `file` and `place` tell where a row came from."""

    table: Table
    judged: Sequence[Judged]
    columns: Mapping[str, Coded]
    file: npt.NDArray[np.int32]
    place: Codes

    def __len__(self) -> int:
        return len(self.file)

    def name(self, row: int) -> str:
        return self.judged[int(self.file[row])].name

    def number(self, row: int) -> int:
        return int(self.judged[int(self.file[row])].rows[self.place[row]])

    def heading(self, column: str, row: int) -> str:
        return str(self.judged[int(self.file[row])].headings(column, self.place[row : row + 1])[0])

    def written(self, column: str, row: int) -> str:
        return _written(self.series(column, np.array([row])).iat[0])

    def series(self, column: str, rows: Codes) -> pd.Series:
        contract = self.table.by_name[column]
        return self.columns[column].series(contract, rows) if column in self.columns else absent(contract, len(rows))


def settle(table: Table, judged: Sequence[Judged]) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Join the files of a table: later sales replace earlier ones, a key stands once, rows in key order.

    Parameters
    ----------
    table : the contract.
    judged : its files, in the order they were added.

    Returns
    -------
    The frame; the rows rejected because their key stands already with other values; notes.
    """
    if not judged:
        return pd.DataFrame({c.name: absent(c, 0) for c in table.columns}), rejections(), []
    kept, notes = _replaced_sales(judged) if table.name == "sales" else (_everything(judged), [])
    stack = _stacked(table, judged, kept)
    ranks = {name: _ranks(column) for name, column in stack.columns.items()}
    others = [name for name in table.names if name not in table.key]
    rest = _combined([ranks[name] for name in (*table.key, *others) if name in ranks], len(stack))
    rejected = rejections()
    left: Codes | None = None
    if table.repeats != "keep" or table.key[0] in ranks:
        later, first = _later(table, stack, ranks)
        same = later & (rest == rest[first])
        if same.any():
            notes.append(f"{table.name}: {int(same.sum()):,} rows repeat another row exactly and count once")
        rejected = _clashes(stack, ranks, first, np.flatnonzero(later & ~same))
        left = np.flatnonzero(~later)
    del ranks
    # Rows that tie here are alike in every column, so their order does not show.
    order = np.argsort(rest) if left is None else left[np.argsort(rest[left])]
    return pd.DataFrame({name: stack.series(name, order) for name in table.names}, copy=False), rejected, notes


def _everything(judged: Sequence[Judged]) -> list[Codes]:
    return [np.arange(len(j.rows), dtype=np.int64) for j in judged]


def _stacked(table: Table, judged: Sequence[Judged], kept: Sequence[Codes]) -> _Stack:
    """Put the kept rows of all files under one another."""
    lengths = [len(k) for k in kept]
    file, place = np.repeat(np.arange(len(judged), dtype=np.int32), lengths), np.concatenate(kept)
    if len(judged) == 1 and lengths[0] == len(judged[0].rows):
        return _Stack(table, judged, judged[0].columns, file, place)
    columns = {}
    for name in table.names:
        if not any(name in j.columns for j in judged):
            continue
        parts = [j.columns.get(name) or _missing(table, name, len(j.rows)) for j in judged]
        # Each file's last value stands for "no cell", which its codes reach as -1.
        starts = np.cumsum([0, *(len(part.values) for part in parts)])
        codes = [
            np.where(part.codes[k] < 0, start + len(part.values) - 1, part.codes[k] + start)
            for part, k, start in zip(parts, kept, starts[:-1], strict=True)
        ]
        columns[name] = Coded(np.concatenate([part.values for part in parts]), np.concatenate(codes))
    return _Stack(table, judged, columns, file, place)


def _missing(table: Table, name: str, length: int) -> Coded:
    is_text = table.by_name[name].kind in ("id", "text")
    nothing: npt.NDArray[np.generic] = np.array([None], dtype=object) if is_text else np.array([np.nan])
    return Coded(nothing, np.zeros(length, dtype=np.int64))


def _later(table: Table, stack: _Stack, ranks: Mapping[str, Ranks]) -> tuple[npt.NDArray[np.bool_], Codes]:
    """Tell which rows have a key that stands already, and for each row the first row with its key."""
    here = np.arange(len(stack), dtype=np.int64)
    counts_each = np.zeros(len(stack), dtype=bool)
    if table.repeats == "keep":
        counts_each = stack.series(table.key[0], here).isna().to_numpy()
    first = _first_of(_combined([ranks[name] for name in table.key if name in ranks], len(stack)))
    return (first != here) & ~counts_each, first


def _replaced_sales(judged: Sequence[Judged]) -> tuple[list[Codes], list[str]]:
    """Which rows of each file stand, when each file replaces earlier rows of its locations and date range."""
    kept = _everything(judged)
    notes: list[str] = []
    if len(judged) == 1:
        return kept, notes
    dates = [j.column("date") for j in judged]
    places = [j.column("location_id") for j in judged]
    for n, later in enumerate(judged):
        if not len(later.rows):
            continue
        low, high = dates[n].min(), dates[n].max()
        here = set(places[n].unique())
        for m in range(n):
            covered = (dates[m].between(low, high) & places[m].isin(here)).to_numpy()
            gone = covered[kept[m]]
            kept[m] = kept[m][~gone]
            if gone.any():
                notes.append(
                    f"sales: {int(gone.sum()):,} rows of {judged[m].name} were replaced by {later.name}, which covers "
                    f"{low:%Y-%m-%d} to {high:%Y-%m-%d} in {len(here):,} locations"
                )
    return kept, notes


def _ranks(column: Coded) -> Ranks:
    """The rank of each row's value in its column; a missing one comes last."""
    ranks, values = pd.factorize(pd.Series(column.values), sort=True)
    return np.where(ranks < 0, len(values), ranks).astype(np.int32)[column.codes]


def _combined(ranks: Sequence[Ranks], length: int) -> Codes:
    """One number a row that sorts as the ranks do, the first before the second."""
    combined = np.zeros(length, dtype=np.int64)
    room = 1
    for rank in ranks:
        size = int(rank.max(initial=0)) + 1
        if room * size >= 2**62:
            combined = np.unique(combined, return_inverse=True)[1].astype(np.int64)
            room = int(combined.max(initial=0)) + 1
        combined *= size
        combined += rank
        room *= size
    return combined


def _first_of(key: Codes) -> Codes:
    """For each row the first row with its key."""
    _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    return first[inverse].astype(np.int64)


def _clashes(stack: _Stack, ranks: Mapping[str, Ranks], first: Codes, clash: Codes) -> pd.DataFrame:
    """The rows whose key stands already with other values, each with the first column that differs."""
    files, rows, headings, values, whys = [], [], [], [], []
    key = " and ".join(stack.table.key)
    for row in clash.tolist():
        earlier = int(first[row])
        column = next(n for n in stack.table.names if n in ranks and ranks[n][row] != ranks[n][earlier])
        old = shown(stack.written(column, earlier), 40) or "nothing"
        files.append(stack.name(row))
        rows.append(stack.number(row))
        headings.append(stack.heading(column, row))
        values.append(stack.written(column, row))
        whys.append(
            f"the same {key} stand in row {stack.number(earlier)} of {stack.name(earlier)} with {old}; "
            "keep one of the two rows, or add them up"
        )
    return rejections(stack.table, files, rows, headings, values, whys)


def _written(value: object) -> str:
    if isinstance(value, pd.Timestamp):
        return value.strftime("%Y-%m-%d")
    if isinstance(value, float):
        return "" if np.isnan(value) else f"{value:.15g}"
    return "" if value is None or value is pd.NaT else str(value)
