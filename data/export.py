"""Tables out: the plan's files to the letter for machines, CSV and Excel for people, which no cell can turn on them.

`plan_csv` is the contract's form: identifiers exactly as they came. `safe_csv` and `workbook` are what a
person opens: there a text that a spreadsheet would run as a formula is shown instead. `input_files` and
`input_workbook` hold the data themselves, to the letter and to the last digit: imported again they are the same data.
"""

import io
import re
import unicodedata
import zipfile
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from planning.errors import InputError
from planning.tables import INPUT_TABLES, RESULT_TABLES, Column, Kind, Table

DECIMALS = 6

FORMULA = "^[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]"
"""What makes a spreadsheet take a text for a formula, in full width too, or look behind white space for one."""

NUMBER = r"^[+-]?[0-9][0-9.,' ]*$"
"""What a spreadsheet takes for a number, whatever sign it begins with."""

EXCEL_ROWS = 1_048_575
"""Rows of one sheet, its header left out."""

EXCEL_TEXT = 32_767
"""Characters of one cell."""

NUMBER_FORMATS: Mapping[Kind, str] = MappingProxyType(
    {
        "id": "@",
        "text": "General",
        "date": "yyyy-mm-dd",
        "units": "#,##0.00",
        "money": "#,##0.00",
        "days": "#,##0.0",
        "number": "#,##0.00",
        "fraction": "0.0%",
        "share": "0.0%",
        "flag": "General",
        "integer": "0",
    }
)
WHOLE = "#,##0"
"""Units, days and numbers of a column that has no decimals."""

_FIRST_DAY = date(1900, 3, 1)
"""Before it spreadsheets disagree about dates, as some count a 29 February 1900."""


def plan_csv(frame: pd.DataFrame, table_name: str) -> bytes:
    """Return a result table as its file of the contract.

    UTF-8, comma, header, line feeds; ISO dates; decimals rounded to 6 places; unknown is an empty cell; the
    table's columns in its order, rows in the order of its key.

    Raises
    ------
    KeyError : no such result table, or the frame lacks one of its columns.
    """
    table = RESULT_TABLES[table_name]
    rows = frame[list(table.names)].iloc[_key_order(frame, table)]
    return _csv(list(table.names), [_written(rows[name]) for name in table.names])


def exact_csv(frame: pd.DataFrame, columns: Sequence[str]) -> bytes:
    """Return these columns of a table for machines, written as `plan_csv` writes, rows as they stand."""
    return _csv(list(columns), [_written(frame[name]) for name in columns])


def safe_csv(frame: pd.DataFrame) -> bytes:
    """Return a table as CSV for people: as it is shown, with a mark that tells spreadsheets it is UTF-8.

    Texts, headings too, that a spreadsheet would run begin with an apostrophe; numbers stay numbers.
    """
    columns = [_written(frame.iloc[:, n], defuse=True) for n in range(frame.shape[1])]
    header = _defused(pa.array([str(name) for name in frame.columns], pa.large_string())).to_pylist()
    return "\N{BYTE ORDER MARK}".encode() + _csv(header, columns)


def correctable_csv(frame: pd.DataFrame) -> bytes:
    """Return texts as CSV that a person corrects and brings again: as `safe_csv`, but numbers among them stay."""
    columns = [_written(frame.iloc[:, n]) for n in range(frame.shape[1])]
    safe = [pc.if_else(pc.match_substring_regex(c, NUMBER), c, _defused(c)) for c in columns]
    header = _defused(pa.array([str(name) for name in frame.columns], pa.large_string())).to_pylist()
    return "\N{BYTE ORDER MARK}".encode() + _csv(header, safe)


def workbook(tables: Mapping[str, pd.DataFrame], about: Mapping[str, object] = MappingProxyType({})) -> bytes:
    """Return tables as an Excel workbook, one sheet each: nothing in it is a formula or a link.

    Parameters
    ----------
    tables : by name; formats and headings come from the contract where the name is one of its tables.
    about : what the reader should know of the plan (name, date, version, data), on a last sheet.

    Raises
    ------
    InputError : a table has more rows than a sheet holds.
    """
    _check_rows(tables)
    sheets = dict(tables)
    if about:
        sheets["about"] = pd.DataFrame({"what": list(about), "value": [_plain(v) for v in about.values()]})
    target = io.BytesIO()
    with _book(target) as book:
        taken: list[str] = []
        for name, frame in sheets.items():
            taken.append(_sheet_name(name, taken))
            _write_sheet(book, book.add_worksheet(taken[-1]), name, frame)
    return target.getvalue()


def input_files(frames: Mapping[str, pd.DataFrame]) -> bytes:
    """Return input tables as a ZIP of CSV files, one each, that import again to the same data.

    For machines: identifiers and numbers are exact, so that a text may begin like a formula.

    Raises
    ------
    KeyError : no such input table.
    """
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, frame in frames.items():
            columns = [column for column in INPUT_TABLES[name].names if column in frame]
            text = _csv(columns, [_written(frame[column], exact=True) for column in columns])
            # The same data give the same bytes: the hour of the download stays out.
            entry = zipfile.ZipInfo(f"{name}.csv")
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, text)
    return target.getvalue()


def input_workbook(frames: Mapping[str, pd.DataFrame]) -> bytes:
    """Return input tables as an Excel workbook, one sheet each, that imports again to the same data.

    Each heading is the contract's name and carries its meaning as a note. No cell is a formula or a
    link. Excel keeps 15 digits of a number.

    Raises
    ------
    KeyError : no such input table.
    InputError : a table has more rows than a sheet holds.
    """
    _check_rows(frames)
    target = io.BytesIO()
    with _book(target) as book:
        for name, frame in frames.items():
            _write_input(book, book.add_worksheet(name), INPUT_TABLES[name], frame)
    return target.getvalue()


def download_name(plan: str, as_of: date, what: str, suffix: str) -> str:
    """Return a file name such as `monday-plan-2026-11-02-orders.csv`, safe on every system.

    Parameters
    ----------
    plan, what : any text; letters and digits of them stay, the rest becomes hyphens.
    suffix : the ending without its dot.
    """
    parts = [_slug(plan) or "plan", as_of.isoformat(), _slug(what) or "table"]
    return f"{'-'.join(parts)}.{_slug(suffix) or 'txt'}"


# --- CSV --------------------------------------------------------------------------------------------------------------


def _csv(header: list[str], columns: list[pa.Array]) -> bytes:
    """Join columns of text, null for an empty cell, into a file."""
    first = ",".join(_quoted(pa.array(header, pa.large_string())).to_pylist())
    if not columns or not len(columns[0]):
        return f"{first}\n".encode()
    if len(columns) == 1:
        # A line with nothing on it would be no row at all.
        columns = [pc.replace_substring_regex(pc.fill_null(_quoted(columns[0]), ""), "^$", '""')]
    else:
        columns = [_quoted(column) for column in columns]
    lines = pc.binary_join_element_wise(
        *columns, pa.scalar(",", pa.large_string()), null_handling="replace", null_replacement=""
    )
    return "\n".join([first, *lines.to_pylist(), ""]).encode()


def _written(values: pd.Series, *, defuse: bool = False, exact: bool = False) -> pa.Array:
    """Return a column as text; only what is text already is ever defused, and only numbers are rounded."""
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        return _dates(values)
    if pd.api.types.is_bool_dtype(values.dtype):
        return pa.array(np.where(values.to_numpy(), "true", "false"), pa.large_string())
    if pd.api.types.is_numeric_dtype(values.dtype):
        numbers = values.to_numpy(dtype="float64", na_value=np.nan)
        return _digits(numbers) if exact else _decimals(numbers)
    cells = values.astype(object)
    unknown = cells.isna().to_numpy()
    texts = pa.array([None if no else str(cell) for cell, no in zip(cells, unknown, strict=True)], pa.large_string())
    return _defused(texts) if defuse else texts


def _dates(values: pd.Series) -> pa.Array:
    """Return ISO dates, with the time of day only where the column has one."""
    if values.dt.tz is not None:
        values = values.dt.tz_localize(None)
    seconds = pa.array(values.astype("datetime64[s]").to_numpy(), from_pandas=True)
    days = seconds.cast(pa.date32(), safe=False)
    return (days if days.cast(pa.timestamp("s")).equals(seconds) else seconds).cast(pa.large_string())


def _decimals(values: np.ndarray) -> pa.Array:
    """Return numbers rounded to 6 places, as short as they can be written, never with an exponent."""
    with np.errstate(over="ignore", invalid="ignore"):
        rounded = np.where(np.abs(values) < 1e9, np.round(values, DECIMALS), values) + 0.0
    rounded[~np.isfinite(values)] = np.nan
    texts = pc.cast(pa.array(rounded, from_pandas=True), pa.large_string())
    odd = np.flatnonzero((np.abs(rounded) >= 1e9) | ((rounded != 0) & (np.abs(rounded) < 1e-3)))
    if not len(odd):
        return texts
    spelled = np.array(texts.to_pylist(), dtype=object)
    for n in odd:
        # Very large and very small numbers would else be spelled with an exponent.
        spelled[n] = f"{rounded[n]:.{DECIMALS}f}".rstrip("0").rstrip(".")
    return pa.array(spelled, pa.large_string(), from_pandas=True)


def _digits(values: np.ndarray) -> pa.Array:
    """Return numbers with as many digits as it takes to read the same number again, never with an exponent."""
    distinct, codes = np.unique(values + 0.0, return_inverse=True)
    spelled = [format(Decimal(repr(value)), "f").removesuffix(".0") for value in distinct.tolist()]
    known = pa.array([text if text != "NaN" else None for text in spelled], pa.large_string())
    return known.take(pa.array(codes))


def _defused(texts: pa.Array) -> pa.Array:
    """Put an apostrophe before texts that a spreadsheet would run."""
    return pc.if_else(pc.match_substring_regex(texts, FORMULA), _between("'", texts, ""), texts)


def _quoted(texts: pa.Array) -> pa.Array:
    """Quote the texts that would break a line or a cell."""
    quoted = _between('"', pc.replace_substring(texts, '"', '""'), '"')
    return pc.if_else(pc.match_substring_regex(texts, '[",\\r\\n]'), quoted, texts)


def _between(before: str, texts: pa.Array, after: str) -> pa.Array:
    ends = [pa.scalar(end, pa.large_string()) for end in (before, after, "")]
    return pc.binary_join_element_wise(ends[0], texts, ends[1], ends[2])


def _key_order(frame: pd.DataFrame, table: Table) -> np.ndarray:
    """Return the order of the rows by key: texts by their letters, choices as the contract lists them."""
    keys: list[np.ndarray] = []
    for name in table.key:
        values, column = frame[name], table.by_name[name]
        if column.choices:
            values = pd.Series(pd.Categorical(values, categories=column.choices, ordered=True))
        elif column.kind in ("id", "text"):
            values = values.astype(object)
        keys.append(pd.factorize(values, sort=True)[0])
    return np.lexsort(keys[::-1])


# --- Excel ------------------------------------------------------------------------------------------------------------


def _check_rows(tables: Mapping[str, pd.DataFrame]) -> None:
    for name, frame in tables.items():
        if len(frame) > EXCEL_ROWS:
            msg = f"{name} has {len(frame):,} rows, more than the {EXCEL_ROWS:,} of an Excel sheet: take the CSV"
            raise InputError(msg)


def _book(target: io.BytesIO) -> xlsxwriter.Workbook:
    """Begin a workbook in which no text becomes a formula, a link or a number."""
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = xlsxwriter.Workbook(target, options)
    # The same tables give the same bytes: the hour of the download stays out.
    book.set_properties({"created": datetime(2000, 1, 1)})  # noqa: DTZ001 - the format knows no time zones
    return book


def _write_input(book: xlsxwriter.Workbook, sheet: Worksheet, table: Table, frame: pd.DataFrame) -> None:
    """Write one table of the contract as it is imported: names, exact numbers, a note on each heading."""
    shown_as_text = book.add_format({"quote_prefix": True, "num_format": "@"})
    for n, name in enumerate(column for column in table.names if column in frame):
        column, values = table.by_name[name], frame[name]
        needed = "Needed. " if column.required else ""
        head = book.add_format({"bold": True, "bottom": 1, "bg_color": "#DDEBF7" if column.required else "#F2F2F2"})
        sheet.write_string(0, n, name, head)
        sheet.write_comment(0, n, f"{needed}{column.meaning}{_allowed(column)}.", {"author": "", "x_scale": 1.6})
        form = "General" if column.kind not in ("id", "text", "date") else NUMBER_FORMATS[column.kind]
        form = "@" if column.kind == "text" else form
        sheet.set_column(n, n, _width(name, values), book.add_format({"num_format": form}))
        _write_column(sheet, n, values, shown_as_text, exact=True)
    sheet.freeze_panes(1, 0)


def _allowed(column: Column) -> str:
    """Return what a cell may hold, where the meaning does not tell."""
    if column.kind == "date":
        return " (a date)"
    if column.kind == "flag":
        return " (true or false)"
    return f" ({', '.join(column.choices)})" if column.choices and column.choices[0] not in column.meaning else ""


def _write_sheet(book: xlsxwriter.Workbook, sheet: Worksheet, name: str, frame: pd.DataFrame) -> None:
    table = RESULT_TABLES.get(name) or INPUT_TABLES.get(name)
    head = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1})
    shown_as_text = book.add_format({"quote_prefix": True})
    for n, label in enumerate(frame.columns):
        column = table.by_name.get(str(label)) if table else None
        values = frame.iloc[:, n]
        title = column.title if column else str(label)
        sheet.write_string(0, n, title[:EXCEL_TEXT], head)
        sheet.set_column(n, n, _width(title, values), book.add_format({"num_format": _number_format(values, column)}))
        _write_column(sheet, n, values, shown_as_text)
    sheet.freeze_panes(1, 0)
    if len(frame) and frame.shape[1]:
        sheet.autofilter(0, 0, len(frame), frame.shape[1] - 1)


def _write_column(sheet: Worksheet, n: int, values: pd.Series, shown_as_text: object, *, exact: bool = False) -> None:
    """Write one column; unknown stays an empty cell."""
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        for row, text in enumerate(_dates(values).to_pylist(), start=1):
            if text is not None:
                _write_date(sheet, row, n, text)
    elif pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_bool_dtype(values.dtype):
        numbers = values.to_numpy(dtype="float64", na_value=np.nan)
        numbers = numbers if exact else np.round(numbers, DECIMALS)
        for row in np.flatnonzero(np.isfinite(numbers)).tolist():
            sheet.write_number(row + 1, n, numbers[row])
    else:
        for row, text in enumerate(_written(values).to_pylist(), start=1):
            if text:
                # The cell is a text already; the prefix keeps it one when it is edited.
                risky = re.match(FORMULA, text) is not None
                sheet.write_string(row, n, text[:EXCEL_TEXT], *([shown_as_text] if risky else []))


def _write_date(sheet: Worksheet, row: int, n: int, text: str) -> None:
    moment = datetime.fromisoformat(text)
    if moment.date() < _FIRST_DAY:
        sheet.write_string(row, n, text)
    else:
        sheet.write_datetime(row, n, moment)


def _number_format(values: pd.Series, column: Column | None) -> str:
    """Return how a column's numbers look."""
    if column is None and pd.api.types.is_datetime64_any_dtype(values.dtype):
        return NUMBER_FORMATS["date"]
    numeric = pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_bool_dtype(values.dtype)
    kind: Kind = column.kind if column else ("number" if numeric else "text")
    if numeric and kind in ("units", "days", "number"):
        numbers = values.to_numpy(dtype="float64", na_value=np.nan)
        if (np.round(numbers[np.isfinite(numbers)], 2) % 1 == 0).all():
            return WHOLE
    return NUMBER_FORMATS[kind]


def _width(title: str, values: pd.Series) -> float:
    """Return a width, in characters, that shows most of the column without filling the screen."""
    first = values.iloc[:200]
    widest = max((len(text) for text in _written(first).to_pylist() if text), default=0)
    longest_word = max((len(word) for word in title.split()), default=0)
    return float(min(max(widest, longest_word, 7), 60) + 2)


def _sheet_name(name: str, taken: list[str]) -> str:
    """Return a name that Excel allows and no other sheet has."""
    plain = re.sub(r"[\[\]:*?/\\\x00-\x1f]", " ", name)[:28].strip(" '") or "table"
    choices = (plain, *(f"{plain} {n}" for n in range(2, 100)))
    return next(choice for choice in choices if choice.lower() not in {t.lower() for t in taken})


def _slug(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain)[:40].strip("-")


def _plain(value: object) -> str:
    return "" if value is None else str(value)
