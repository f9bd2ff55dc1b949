"""Excel and OpenDocument sheets as text, parsed in a child process with little memory and little time.

A workbook of a few kilobytes can claim more cells than any machine has memory for, and the parser then ends its
process; so it is looked at first, and parsed where nobody else is.
"""

import json
import re
import resource
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import islice
from pathlib import Path

import pyarrow as pa

from data.archive import check_archive, chunks
from data.preamble import SAMPLE_ROWS, header_at, known_headings
from planning.errors import InputError

MAX_SHEET_CELLS = 30_000_000
MAX_TEXT = 1024**3
MEMORY = 3 * 1024**3
SECONDS = 8
BYTES_A_SECOND = 512 * 1024
"""A larger workbook may take longer: a second more for so many bytes of the file."""

_ROOT = Path(__file__).parents[1]
_CHUNK_ROWS = 5_000
_SHEETS_LOOKED_AT = 20
_PROLOGUE = 64 * 1024
_TAIL = 256
_SHEET_PART = re.compile(r"xl/worksheets/[^/]+\.xml")
# Cells and rows without content (<c r="A1"/>) claim no room. Other spellings of the attribute are legal and unused;
# what hides behind them meets the limits of the child.
_CELL = re.compile(rb' r="([A-Z]{1,3})[0-9]{1,7}"[^>/]*>')
_ROW = re.compile(rb' r="([0-9]{1,7})"[^>/]*>')
_DECLARES_ENTITIES = re.compile(rb"<!(?:DOCTYPE|ENTITY)")
_WAY_OUT = "save the sheet as CSV (UTF-8) and bring that"


@dataclass(frozen=True)
class Grid:
    """The cells of a sheet.

    sheet    its name
    others   the names of the other sheets
    columns  one array of text a column, the first of the sheet first
    """

    sheet: str
    others: tuple[str, ...]
    columns: tuple[pa.ChunkedArray, ...]


def read_workbook(name: str, payload: bytes, sheet: str | None = None) -> Grid:
    """Read one sheet of a workbook.

    Parameters
    ----------
    name : the file, as shown.
    payload : an xlsx, xlsb, ods or xls workbook.
    sheet : which sheet; None: the one with the most known headings.

    Returns
    -------
    Its cells as text, from the first row and column of the sheet on: dates as yyyy-mm-dd, whole numbers without a
    decimal sign, nothing as "".

    Raises
    ------
    InputError : damaged, protected, too large, or without such a sheet.
    """
    if payload[:2] == b"PK":
        check_archive(name, payload, MAX_TEXT)
    seconds = SECONDS + len(payload) // BYTES_A_SECOND
    with tempfile.TemporaryDirectory(prefix="stockcast-") as folder:
        (Path(folder) / "workbook").write_bytes(payload)
        asked = json.dumps({"name": name, "folder": folder, "sheet": sheet, "seconds": seconds})
        told = _told_by_child(name, asked, seconds)
        if "fault" in told:
            raise InputError(str(told["fault"]))
        with pa.OSFile(str(Path(folder) / "cells")) as cells:
            table = pa.ipc.open_file(cells).read_all()
    return Grid(told["sheet"], tuple(told["others"]), tuple(table.columns))


def _told_by_child(name: str, asked: str, seconds: float) -> dict[str, str]:
    command = [sys.executable, "-m", "data.workbook"]
    try:
        done = subprocess.run(
            command, input=asked.encode(), capture_output=True, timeout=seconds, cwd=_ROOT, check=False
        )
    except subprocess.TimeoutExpired:
        msg = f"{name} takes longer to read than {seconds:.0f} seconds; {_WAY_OUT}"
        raise InputError(msg) from None
    with suppress(ValueError):
        told = json.loads(done.stdout)
        if isinstance(told, dict):
            return told
    msg = f"{name} is a damaged workbook, or takes more memory than a workbook may; {_WAY_OUT}"
    raise InputError(msg)


# --- in the child -----------------------------------------------------------------------------------------------------


def _main() -> None:
    asked = json.load(sys.stdin)
    for limit, most in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, int(asked["seconds"]) + 1),
        (resource.RLIMIT_FSIZE, MAX_TEXT),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (most, most))
    try:
        told: dict[str, object] = _read(asked["name"], Path(asked["folder"]), asked["sheet"])
    except InputError as fault:
        told = {"fault": str(fault)}
    json.dump(told, sys.stdout)


def _read(name: str, folder: Path, wanted: str | None) -> dict[str, object]:
    import python_calamine

    path = folder / "workbook"
    if zipfile.is_zipfile(path):
        _look_into(name, path)
    try:
        with python_calamine.load_workbook(str(path)) as workbook:
            sheets = [s.name for s in workbook.sheets_metadata if s.typ == python_calamine.SheetTypeEnum.WorkSheet]
            shown = [s.name for s in workbook.sheets_metadata if s.visible == python_calamine.SheetVisibleEnum.Visible]
            chosen = _chosen(name, workbook, [s for s in sheets if s in shown] or sheets, wanted)
            _write(_sheet_rows(workbook.get_sheet_by_name(chosen)), folder / "cells")
    except python_calamine.PasswordError:
        msg = f"{name} is protected by a password; save it without one"
        raise InputError(msg) from None
    except (python_calamine.CalamineError, OSError, ValueError):
        msg = f"{name} is a damaged workbook; save it again, or {_WAY_OUT}"
        raise InputError(msg) from None
    return {"sheet": chosen, "others": [s for s in sheets if s != chosen]}


def _look_into(name: str, path: Path) -> None:
    """Refuse sheets that claim too many cells, and parts that declare entities."""
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if not info.filename.endswith((".xml", ".rels")):
                continue
            is_sheet = _SHEET_PART.fullmatch(info.filename) is not None
            rows, width, tail = 0, 0, b""
            for n, step in enumerate(chunks(name, archive, info)):
                if n == 0 and _DECLARES_ENTITIES.search(step[:_PROLOGUE]):
                    msg = f"{name} declares entities, which no spreadsheet does; {_WAY_OUT}"
                    raise InputError(msg)
                if not is_sheet:
                    continue
                text = tail + step
                rows = max(rows, *map(int, _ROW.findall(text)), 0)
                width = max(width, *map(_column_number, set(_CELL.findall(text))), 0)
                tail = text[-_TAIL:]
            if rows * width > MAX_SHEET_CELLS:
                msg = (
                    f"{name} has a sheet of {rows:,} rows and {width:,} columns, more than {MAX_SHEET_CELLS:,} cells; "
                    "delete what stands far below or to the right of the table, or save the sheet as CSV"
                )
                raise InputError(msg)


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number


def _chosen(name: str, workbook: object, sheets: Sequence[str], wanted: str | None) -> str:
    if wanted is not None:
        hits = [sheet for sheet in sheets if sheet.casefold() == wanted.casefold()]
        if hits:
            return hits[0]
        msg = f"{name} has no sheet {wanted[:80]!r}; its sheets are {', '.join(repr(s[:40]) for s in sheets[:12])}"
        raise InputError(msg)
    if not sheets:
        msg = f"{name} holds no sheet of cells; put the table into a sheet"
        raise InputError(msg)
    if len(sheets) == 1:
        return sheets[0]
    return max(sheets[:_SHEETS_LOOKED_AT], key=lambda sheet: _promise(workbook, sheet))


def _promise(workbook: object, sheet: str) -> tuple[int, bool]:
    """How well a sheet begins: known headings, and whether there is anything at all."""
    rows = list(islice(_sheet_rows(workbook.get_sheet_by_name(sheet)), SAMPLE_ROWS))  # type: ignore[attr-defined]
    header = header_at(rows)
    return (0, False) if header is None else (known_headings(rows[header]), True)


def _sheet_rows(sheet: object) -> Iterator[list[str]]:
    """The rows from the first row and column of the sheet on."""
    start = sheet.start  # type: ignore[attr-defined]
    if start is None:
        return
    rows = sheet.iter_rows()  # type: ignore[attr-defined]
    for row in rows:
        yield [_text(cell) for cell in row]


def _text(cell: object) -> str:
    """A cell as it is shown."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, int):
        return str(cell)
    if isinstance(cell, float):
        return f"{cell:.0f}" if cell.is_integer() and abs(cell) < 1e21 else f"{cell:.15g}"
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(" ", "seconds")
    if isinstance(cell, date | time):
        return cell.isoformat()
    return str(cell) if isinstance(cell, timedelta) else ""


def _write(rows: Iterator[list[str]], path: Path) -> None:
    first = next(rows, [])
    schema = pa.schema([(str(n), pa.string()) for n in range(len(first))])
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, schema) as writer:
        held = [first] if first else []
        while held:
            writer.write_batch(pa.record_batch([pa.array(c, pa.string()) for c in zip(*held, strict=True)], schema))
            held = list(islice(rows, _CHUNK_ROWS))


if __name__ == "__main__":
    _main()
