"""Which line each row of a long table speaks of, quickly."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from planning.inputs import KEY, rows_of, sole_location


class Rows:
    """The lines of a plan, to be looked up by millions of rows; `keys` : item_id, location_id."""

    def __init__(self, keys: pd.DataFrame) -> None:
        self.keys = keys[list(KEY)].reset_index(drop=True)
        self._items, self._places = (pd.Index(pd.unique(self.keys[name].to_numpy(object))) for name in KEY)
        self._index = pd.Index(self._code(self.keys))

    def __len__(self) -> int:
        return len(self.keys)

    def of(self, frame: pd.DataFrame) -> NDArray[np.int64]:
        """Return the line of each row, -1 where there is none; a missing location is the only one there can be."""
        if frame["location_id"].isna().any():
            return np.asarray(rows_of(frame, self.keys, sole_location(self.keys)), np.int64)
        code = self._code(frame)
        found = self._index.get_indexer(pd.Index(code))
        return np.where(code < 0, -1, found).astype(np.int64)

    def _code(self, frame: pd.DataFrame) -> NDArray[np.int64]:
        item, place = (
            index.get_indexer(pd.Index(frame[name].to_numpy(object)))
            for index, name in ((self._items, "item_id"), (self._places, "location_id"))
        )
        return np.where((item < 0) | (place < 0), -1, item.astype(np.int64) * len(self._places) + place)


NONE = np.datetime64("NaT").astype("datetime64[D]").astype(np.int64)


def summed(cell: NDArray[np.int64], values: NDArray[np.float64], shape: tuple[int, int]) -> NDArray[np.float64]:
    """Return the sums of values by cell, numbered row by row, in this shape."""
    return np.bincount(cell, values, shape[0] * shape[1]).astype(float).reshape(shape)


def first_day(at: NDArray[np.int64], day: NDArray[np.datetime64], lines: int) -> NDArray[np.datetime64]:
    """Return the first of the days of each line, NaT where it has none, (lines,)."""
    late = np.iinfo(np.int64).max
    out = np.full(lines, late)
    np.minimum.at(out, at, day.astype("datetime64[D]").astype(np.int64))
    return np.where(out == late, NONE, out).view("datetime64[D]")


def last_day(at: NDArray[np.int64], day: NDArray[np.datetime64], lines: int) -> NDArray[np.datetime64]:
    """Return the last of the days of each line, NaT where it has none, (lines,)."""
    out = np.full(lines, NONE)
    np.maximum.at(out, at, day.astype("datetime64[D]").astype(np.int64))
    return out.view("datetime64[D]")
