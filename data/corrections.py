"""Rows that were set aside, as they stood in their file: to correct, and to bring again.

A file of corrections has the headings of the file that it comes from, so that it is understood in the same way.
Brought again, its rows come beside the earlier ones (`data.merge`: "append").
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import pandas as pd
import pyarrow as pa

from data.export import correctable_csv, workbook
from data.privacy import without_personal
from data.understand import sheet_names
from data.upload import Source, TextTable, read_text_table, shown, unpacked
from planning.errors import InputError

ROW = "Row set aside"
REASON = "Reason set aside"
"""Headings of the two columns that are added; they mean nothing to the reader."""


def rows_to_correct(sources: Sequence[Source], rejected: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the rows that were set aside, by file, in its own columns, as text, with their row and reasons.

    Totals are left out, and personal data too. A row that had more or fewer cells than the header stands empty, with
    its reason.

    Parameters
    ----------
    sources : the files that were read.
    rejected : what was set aside of them (`RESULT_TABLES["rejected"]`).

    Raises
    ------
    InputError : two of the files have one name, so that their rows cannot be told apart.
    """
    wanted = rejected[~rejected["reason"].str.startswith("a total,")]
    told: dict[str, pd.DataFrame] = {}
    names = set(wanted["file"])
    for name, source in _by_name(unpacked(sources, [])):
        if name not in names:
            continue
        if name in told:
            msg = f"two files are called {shown(name)!r}: rename one of them to get its rows for correction"
            raise InputError(msg)
        text, _ = without_personal(read_text_table(source))
        told[name] = _rows(text, wanted[wanted["file"] == name])
    return {name: frame for name, frame in told.items() if len(frame)}


def corrections_csv(rows: pd.DataFrame) -> bytes:
    """Return the rows of one file as CSV, for correction; texts that a spreadsheet would run are shown instead."""
    return correctable_csv(rows)


def corrections_workbook(rows: Mapping[str, pd.DataFrame]) -> bytes:
    """Return the rows of all files as an Excel workbook, a sheet each: all cells are text, to the letter.

    Raises
    ------
    InputError : a file has more such rows than a sheet holds.
    """
    return workbook(rows)


def _by_name(sources: Sequence[Source]) -> Iterator[tuple[str, Source]]:
    """Return each file, and each sheet of a workbook, under the name that messages give it."""
    for source in sources:
        yield source.name, source
        for sheet in sheet_names(source) if source.sheet is None else ():
            yield f"{source.name}, sheet {shown(sheet, 40)}", replace(source, sheet=sheet)


def _rows(text: TextTable, rejected: pd.DataFrame) -> pd.DataFrame:
    reasons = (rejected["column"] + ": " + rejected["reason"]).str.removeprefix(": ")
    by_row = reasons.groupby(rejected["row"]).agg("; ".join)
    at = pd.Index(text.rows).get_indexer(pd.Index(by_row.index))
    taken = pa.array([None if n < 0 else n for n in at.tolist()], pa.int64())
    columns = [column.take(taken).to_pandas().astype(object) for column in text.cells]
    frame = pd.concat(columns, axis=1) if columns else pd.DataFrame(index=range(len(by_row)))
    frame.columns = pd.Index(text.columns)
    return frame.assign(**{ROW: by_row.index.to_numpy(), REASON: by_row.to_numpy()})
