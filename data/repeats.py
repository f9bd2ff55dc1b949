"""Rows that say the same thing twice: within a file, and between the files of one table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from data.upload import shown
from data.validate import Judged, absent, rejections
from planning.tables import Table

Codes = npt.NDArray[np.int64]


@dataclass(frozen=True)
class _Stack:
    """The files of a table, one under the other; `file` and `place` tell where a row came from."""

    judged: Sequence[Judged]
    frame: pd.DataFrame
    file: Codes
    place: Codes

    def name(self, row: int) -> str:
        return self.judged[int(self.file[row])].name

    def number(self, row: int) -> int:
        return int(self.judged[int(self.file[row])].rows[self.place[row]])

    def heading(self, column: str, row: int) -> str:
        return str(self.judged[int(self.file[row])].headings(column, self.place[row : row + 1])[0])


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
    notes: list[str] = []
    kept = [np.arange(len(j.frame)) for j in judged]
    if table.name == "sales":
        kept, notes = _replaced_sales(judged)
    frame = pd.concat([j.frame.iloc[k] for j, k in zip(judged, kept, strict=True)], ignore_index=True)
    stack = _Stack(judged, frame, np.repeat(np.arange(len(judged)), [len(k) for k in kept]), np.concatenate(kept))
    ranks = {name: _ranks(frame[name]) for name in table.names}
    key = _combined([ranks[name] for name in table.key], len(frame))
    rest = _combined(
        [ranks[name] for name in (*table.key, *(n for n in table.names if n not in table.key))], len(frame)
    )
    first = _first_of(key)
    counts_each = frame[table.key[0]].isna().to_numpy() if table.repeats == "keep" else np.zeros(len(frame), bool)
    later = (first != np.arange(len(frame))) & ~counts_each
    same = later & (rest == rest[first])
    clash = np.flatnonzero(later & ~same)
    if same.any():
        notes.append(f"{table.name}: {int(same.sum()):,} rows repeat another row exactly and count once")
    rejected = _clashes(table, stack, ranks, first, clash)
    left = np.flatnonzero(~later)
    order = left[np.argsort(rest[left], kind="stable")]
    return frame.iloc[order].reset_index(drop=True), rejected, notes


def _replaced_sales(judged: Sequence[Judged]) -> tuple[list[Codes], list[str]]:
    """Which rows of each file stand, when each file replaces earlier rows of its locations and date range."""
    kept = [np.arange(len(j.frame)) for j in judged]
    notes = []
    for n, later in enumerate(judged):
        if not len(later.frame):
            continue
        low, high = later.frame["date"].min(), later.frame["date"].max()
        places = set(later.frame["location_id"].unique())
        for m in range(n):
            earlier = judged[m].frame.iloc[kept[m]]
            gone = (earlier["date"].between(low, high) & earlier["location_id"].isin(places)).to_numpy()
            kept[m] = kept[m][~gone]
            if gone.any():
                notes.append(
                    f"sales: {int(gone.sum()):,} rows of {judged[m].name} were replaced by {later.name}, which covers "
                    f"{low:%Y-%m-%d} to {high:%Y-%m-%d} in {len(places):,} locations"
                )
    return kept, notes


def _ranks(column: pd.Series) -> Codes:
    """The rank of each value in its column; a missing one comes last."""
    codes, values = pd.factorize(column, sort=True)
    return np.where(codes < 0, len(values), codes).astype(np.int64)


def _combined(ranks: Sequence[Codes], length: int) -> Codes:
    """One number a row that sorts as the ranks do, the first before the second."""
    combined = np.zeros(length, dtype=np.int64)
    room = 1
    for rank in ranks:
        size = int(rank.max(initial=0)) + 1
        if room * size >= 2**62:
            combined = np.unique(combined, return_inverse=True)[1].astype(np.int64)
            room = int(combined.max(initial=0)) + 1
        combined = combined * size + rank
        room *= size
    return combined


def _first_of(key: Codes) -> Codes:
    """For each row the first row with its key."""
    _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    return first[inverse].astype(np.int64)


def _clashes(table: Table, stack: _Stack, ranks: Mapping[str, Codes], first: Codes, clash: Codes) -> pd.DataFrame:
    """The rows whose key stands already with other values, each with the first column that differs."""
    files, rows, headings, values, whys = [], [], [], [], []
    key = " and ".join(table.key)
    for row in clash.tolist():
        earlier = int(first[row])
        column = next(name for name in table.names if ranks[name][row] != ranks[name][earlier])
        old = shown(_written(stack.frame[column].iat[earlier]), 40) or "nothing"
        files.append(stack.name(row))
        rows.append(stack.number(row))
        headings.append(stack.heading(column, row))
        values.append(_written(stack.frame[column].iat[row]))
        whys.append(
            f"the same {key} stand in row {stack.number(earlier)} of {stack.name(earlier)} with {old}; "
            "keep one of the two rows, or add them up"
        )
    return rejections(table, files, rows, headings, values, whys)


def _written(value: object) -> str:
    if isinstance(value, pd.Timestamp):
        return value.strftime("%Y-%m-%d")
    if isinstance(value, float):
        return "" if np.isnan(value) else f"{value:.15g}"
    return "" if value is None or value is pd.NaT else str(value)
