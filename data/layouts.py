"""A table of text -> the contract's columns: names recognised, wide tables made long.

A row of the contract is one row of a long file, or one cell of a wide one; it keeps the row and column it came from.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from data.cells import is_date, is_number
from data.upload import MAX_CELLS, TextTable, shown
from planning.errors import InputError
from planning.tables import Table

Codes = npt.NDArray[np.int64]
Texts = npt.NDArray[np.object_]

ALIASES: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "item_id": (
        "item", "sku", "product", "article", "item_code", "item_number", "item_no", "sku_id", "sku_code", "product_id",
        "product_code", "article_id", "article_code", "article_number", "stock_code", "material",
    ),
    "location_id": (
        "location", "store", "warehouse", "site", "shop", "branch", "location_code", "store_id", "store_code",
        "warehouse_id", "warehouse_code", "site_id",
    ),
    "quantity": ("qty", "units", "quantity_sold", "qty_sold", "units_sold", "sold", "units_received", "qty_received"),
    "on_hand": (
        "stock", "on_hand_qty", "qty_on_hand", "quantity_on_hand", "on_hand_quantity", "stock_on_hand", "stock_level",
        "soh", "qty", "quantity", "units",
    ),
    "date": ("day", "week", "sale_date", "sales_date", "order_date", "invoice_date", "transaction_date"),
    "unit_price": ("price", "sales_price", "selling_price"),
    "unit_cost": ("cost", "cost_price", "avg_cost", "cost_per_item"),
    "order_id": ("order", "order_number", "order_no", "invoice", "invoice_id", "invoice_no", "po_number"),
    "supplier_id": ("supplier", "vendor", "vendor_id", "supplier_code"),
    "supplier_name": ("vendor_name",),
    "item_name": ("name", "description", "title", "product_name"),
    "category": ("product_group", "product_type"),
    "in_stock": ("availability",),
    "as_of": ("snapshot_date", "stock_date", "date"),
    "lot_id": ("lot", "batch", "batch_id", "lot_number", "serial_number"),
    "expiry_date": ("expiry", "expires_on", "best_before"),
    "due_on": ("due", "due_date", "expected_on", "expected_date", "eta"),
    "ordered_on": ("ordered", "order_date"),
    "received_on": ("received", "receipt_date", "received_date", "delivered_on"),
    "promised_on": ("promised", "promised_date"),
    "lead_time_days": ("lead_time", "purchase_lead_time"),
    "moq": ("min_order_qty", "min_order_quantity", "minimum_order_quantity"),
    "order_multiple": ("case_pack", "pack_size", "case_size"),
    "shelf_life_days": ("shelf_life",),
    "starts_on": ("start", "start_date", "from_date"),
    "ends_on": ("end", "end_date", "to_date"),
    "source_id": ("source", "from_location"),
    "destination_id": ("destination", "to_location"),
    "counted_on": ("count_date",),
})
"""Other names of a column that mean plainly the same."""

_WIDE_BY_DATE: Mapping[str, str] = MappingProxyType(
    {"sales": "quantity", "forecasts": "quantity", "availability": "in_stock"}
)
_NO_LOCATION = frozenset(
    "available availability inventory total qty quantity price value code reserved committed incoming transit count days "
    "units amount weight sales sold cost min max minimum maximum".split()
)
DATE_ORDERS = ("dd/mm/yyyy", "mm/dd/yyyy")


@dataclass(frozen=True)
class TextColumn:
    """One contract column of a file: each distinct text once, and which of them stands in each row (-1: none)."""

    heading: str
    texts: Texts
    codes: Codes

    def at(self, rows: Codes) -> Texts:
        """The texts that stand in these rows; none is None."""
        return np.append(self.texts, None)[self.codes[rows]]


@dataclass(frozen=True)
class LongTable:
    """A file in the contract's columns, still text.

    name          the file, as shown
    columns       by contract name; a column that the file lacks is absent
    rows          for each row of the contract, its row in the file
    first_cell    what stands first in that row of the file
    cell_columns  contract columns whose heading in the file differs by row (a wide table); it is `headings`
    headings      the heading of the cell a row came from, or None in a long file
    date_order    "dd/mm/yyyy" or "mm/dd/yyyy" where the mapping says so
    notes         what a person should know
    """

    name: str
    columns: Mapping[str, TextColumn]
    rows: npt.NDArray[np.int64]
    first_cell: TextColumn
    cell_columns: tuple[str, ...] = ()
    headings: TextColumn | None = None
    date_order: str | None = None
    notes: tuple[str, ...] = ()

    def heading(self, column: str, rows: Codes) -> Texts:
        """What the file calls this column, for each of these rows."""
        if self.headings is not None and column in self.cell_columns:
            return self.headings.at(rows)
        name = self.columns[column].heading if column in self.columns else column
        return np.full(len(rows), name, dtype=object)


def normalised(name: str) -> str:
    """A heading without case, spaces, hyphens, underscores, dots and `#`."""
    return re.sub(r"[\s\-_.#]+", "", name.casefold())


def to_contract(table: Table, text: TextTable, mapping: Mapping[str, str] | None = None) -> LongTable:
    """Find the contract's columns in a file, long or wide.

    Parameters
    ----------
    table : what the file should hold.
    text : the file.
    mapping : {heading in the file: contract column}; it goes before every guess. An empty target leaves the column out;
        "date:dd/mm/yyyy" or "date:mm/dd/yyyy" (any date column) also tells how slashed dates are written.

    Returns
    -------
    The file in the contract's columns; empty cells of a wide file say nothing and are no rows.

    Raises
    ------
    InputError : a required column is missing, or two columns could be the same one; one line a fault.
    """
    found, ignored, date_order = _recognise(table, text, dict(mapping or {}))
    missing = [name for name in table.required_names if name not in found]
    wide: list[int] = []
    if missing:
        wide = _wide_columns(table, text, found, missing)
    if missing and not wide:
        raise InputError("\n".join(_missing(table, text, name) for name in missing))
    notes = list(text.notes)
    notes += _ignored_note(text, [n for n in ignored if n not in wide])
    if wide:
        return _from_wide(table, text, found, wide, date_order, notes)
    columns = {name: _encode(text.columns[n], text.cells[n]) for name, n in found.items()}
    return LongTable(text.name, columns, text.rows, _first_cells(text), date_order=date_order, notes=tuple(notes))


def _missing(table: Table, text: TextTable, name: str) -> str:
    headings = ", ".join(repr(shown(c, 30)) for c in text.columns[:12]) + (", ..." if len(text.columns) > 12 else "")
    return (
        f"{text.name}, row 1: no column {name!r} ({table.by_name[name].meaning.lower()}), which {table.name} needs; "
        f"found {headings}; rename the column, or map it: {{{table.name!r}: {{'<heading>': {name!r}}}}}"
    )


def _ignored_note(text: TextTable, ignored: Sequence[int]) -> list[str]:
    if not ignored:
        return []
    names = [repr(shown(text.columns[n], 30)) if text.columns[n] else f"unnamed column {n + 1}" for n in ignored]
    more = f" and {len(names) - 12} more" if len(names) > 12 else ""
    return [f"{text.name}: ignored columns: {', '.join(names[:12])}{more}"]


def _recognise(
    table: Table, text: TextTable, mapping: dict[str, str]
) -> tuple[dict[str, int], list[int], str | None]:
    """Which column of the file is which of the contract; the rest; the order of day and month if it was told."""
    found: dict[str, int] = {}
    left_out: set[int] = set()
    date_order = None
    wishes = {normalised(heading): target for heading, target in mapping.items()}
    faults = []
    for n, heading in enumerate(text.columns):
        target = wishes.get(normalised(heading))
        if target is None or not heading:
            continue
        target, _, order = target.partition(":")
        date_order = order or date_order
        if not target:
            left_out.add(n)
        elif target in found:
            faults.append(f"{text.name}, row 1: two columns are mapped to {target!r}; map one of them")
        else:
            found[target] = n
    names = {n: normalised(heading) for n, heading in enumerate(text.columns)}
    taken = left_out | set(found.values())
    for known in (lambda column: [normalised(column)], lambda column: [normalised(a) for a in ALIASES.get(column, ())]):
        for column in table.names:
            if column in found:
                continue
            hits = [n for n, name in names.items() if n not in taken and name in known(column)]
            if len(hits) > 1 and (table.by_name[column].required or table.by_name[column].kind == "id"):
                which = " and ".join(repr(shown(text.columns[n], 30)) for n in hits)
                faults.append(
                    f"{text.name}, row 1: {which} could each be {column!r}; "
                    f"map one: {{{table.name!r}: {{{text.columns[hits[0]]!r}: {column!r}}}}}"
                )
            if hits:
                found[column] = hits[0]
                taken.add(hits[0])
    if faults:
        raise InputError("\n".join(faults))
    return found, [n for n in names if n not in set(found.values())], date_order


# --- long and wide ----------------------------------------------------------------------------------------------


def _encode(heading: str, cells: pa.ChunkedArray) -> TextColumn:
    encoded = cells.combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    codes = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    return TextColumn(heading, np.array(encoded.dictionary.to_pylist(), dtype=object), codes)


def _first_cells(text: TextTable) -> TextColumn:
    return _encode(text.columns[0], text.cells[0])


def _wide_columns(table: Table, text: TextTable, found: Mapping[str, int], missing: Sequence[str]) -> list[int]:
    """Find the columns of a wide table that are one date or one location each; none: it is not wide."""
    free = [n for n, name in enumerate(text.columns) if name and n not in found.values()]
    value = _WIDE_BY_DATE.get(table.name)
    if value and set(missing) in ({"date"}, {"date", value}):
        return [n for n in free if is_date(text.columns[n])]
    if table.name == "stock" and list(missing) == ["on_hand"] and "location_id" not in found:
        return [n for n in free if not _is_measure(text.columns[n]) and _holds_numbers(text.cells[n])]
    return []


def _is_measure(heading: str) -> bool:
    """Whether a heading names a quantity, so that it cannot be taken for a location."""
    return not _NO_LOCATION.isdisjoint(re.split(r"[^a-z]+", heading.casefold()))


def _holds_numbers(cells: pa.ChunkedArray) -> bool:
    texts = [t for t in pc.unique(cells).to_pylist() if t and t.strip()]
    return bool(texts) and 2 * sum(is_number(t) for t in texts) >= len(texts)


def _from_wide(
    table: Table, text: TextTable, found: Mapping[str, int], wide: Sequence[int], date_order: str | None, notes: list[str]
) -> LongTable:
    """Make one row of each cell that says something, column after column."""
    value = _WIDE_BY_DATE.get(table.name, "on_hand")
    across = "date" if table.name in _WIDE_BY_DATE else "location_id"
    height = len(text.rows)
    if height * len(wide) > MAX_CELLS:
        msg = f"{text.name} holds {height * len(wide):,} cells, more than {MAX_CELLS:,}; split it"
        raise InputError(msg)
    chunks = [chunk for n in wide for chunk in text.cells[n].chunks]
    cells = _encode(value, pa.chunked_array(chunks, pa.string()))
    says = np.append([bool(t.strip()) for t in cells.texts], False).astype(bool)[cells.codes]
    at = np.flatnonzero(says)
    line, cell = at % height, at // height
    headings = TextColumn(across, np.array([text.columns[n] for n in wide], dtype=object), cell)

    def repeated(name: str, n: int) -> TextColumn:
        column = _encode(name, text.cells[n])
        return TextColumn(name, column.texts, column.codes[line])

    columns = {c: repeated(text.columns[n], n) for c, n in found.items() if c not in (across, value)}
    columns |= {across: headings, value: TextColumn(value, cells.texts, cells.codes[at])}
    kind = "date" if across == "date" else "location"
    names = f"{shown(text.columns[wide[0]], 30)!r} to {shown(text.columns[wide[-1]], 30)!r}"
    notes.append(f"{text.name}: read as a wide table, one column a {kind}: {len(wide)} columns, {names}")
    return LongTable(
        text.name,
        columns,
        text.rows[line],
        repeated(text.columns[0], 0),
        cell_columns=(across, value),
        headings=headings,
        date_order=date_order,
        notes=tuple(notes),
    )
