"""The headings of a file -> the contract's columns: by the mapping, by name, by a plain other name."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from data.upload import TextTable, shown
from planning.errors import InputError
from planning.tables import INPUT_TABLES, Table

_OTHER_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "item_id": "item sku product article material item_code item_number item_no sku_id sku_code product_id "
        "product_code article_id article_code article_number stock_code",
        "location_id": "location store warehouse site shop branch location_code store_id store_code warehouse_id "
        "warehouse_code site_id",
        "quantity": "qty units sold quantity_sold qty_sold units_sold quantity_received qty_received units_received",
        "on_hand": "stock soh on_hand_qty on_hand_quantity qty_on_hand quantity_on_hand stock_on_hand stock_level qty "
        "quantity units",
        "date": "day week sale_date sales_date order_date invoice_date transaction_date",
        "unit_price": "price sales_price selling_price",
        "unit_cost": "cost cost_price avg_cost cost_per_item",
        "order_id": "order order_number order_no invoice invoice_id invoice_no po_number",
        "supplier_id": "supplier vendor vendor_id supplier_code",
        "supplier_name": "vendor_name",
        "item_name": "name description title product_name",
        "category": "product_group product_type",
        "in_stock": "availability",
        "as_of": "snapshot_date stock_date date",
        "lot_id": "lot batch batch_id lot_number serial_number",
        "expiry_date": "expiry expires_on best_before",
        "due_on": "due due_date expected_on expected_date eta",
        "ordered_on": "ordered order_date",
        "received_on": "received receipt_date received_date delivered_on",
        "promised_on": "promised promised_date",
        "lead_time_days": "lead_time purchase_lead_time",
        "moq": "min_order_qty min_order_quantity minimum_order_quantity",
        "order_multiple": "case_pack pack_size case_size",
        "shelf_life_days": "shelf_life",
        "starts_on": "start start_date",
        "ends_on": "end end_date",
        "source_id": "source from_location",
        "destination_id": "destination to_location",
        "counted_on": "count_date",
    }
)
ALIASES: Mapping[str, tuple[str, ...]] = MappingProxyType({c: tuple(n.split()) for c, n in _OTHER_NAMES.items()})
"""Other names of a contract column that mean plainly the same; they count only in tables that have the column."""

KNOWN = frozenset(
    re.sub(r"[\s\-_.#]+", "", name.casefold())
    for table in INPUT_TABLES.values()
    for column in table.names
    for name in (column, *ALIASES.get(column, ()))
)
"""Every heading, normalised, that means a column of some table of the contract."""

_SHOWN = 12


@dataclass(frozen=True)
class Headings:
    """Which column of the file is which of the contract, which ones are left, and how slashed dates are written."""

    found: dict[str, int]
    left: list[int]
    date_order: str | None = None


def normalised(name: str) -> str:
    """A heading without case, spaces, hyphens, underscores, dots and `#`."""
    return re.sub(r"[\s\-_.#]+", "", name.casefold())


def recognise(table: Table, text: TextTable, mapping: Mapping[str, str]) -> Headings:
    """Find the contract's columns among a file's headings.

    Parameters
    ----------
    table : what the file should hold.
    text : the file.
    mapping : {heading in the file: contract column}; it goes before every guess. An empty target leaves a column out;
        "date:dd/mm/yyyy" or "date:mm/dd/yyyy" (any date column) also tells how slashed dates are written.

    Returns
    -------
    What was found; nothing is said yet of what is missing.

    Raises
    ------
    InputError : two columns could be the same one; one line a fault.
    """
    faults: list[str] = []
    names = [normalised(heading) for heading in text.columns]
    found: dict[str, int] = {}
    left_out: set[int] = set()
    date_order = None
    wishes = {normalised(heading): target for heading, target in mapping.items()}
    for n, name in enumerate(names):
        target, _, order = wishes.get(name, ":").partition(":")
        date_order = order or date_order
        if not target:
            left_out |= {n} if name in wishes else set()
        elif target in found:
            faults.append(f"{text.name}, row 1: two columns are mapped to {target!r}; map one of them")
        else:
            found[target] = n
    for guesses in ({c: (c,) for c in table.names}, ALIASES):
        for column in table.names:
            wanted = {normalised(guess) for guess in guesses.get(column, ())}
            hits = [n for n, name in enumerate(names) if name in wanted and n not in {*left_out, *found.values()}]
            if column in found or not hits:
                continue
            if len(hits) > 1 and (table.by_name[column].required or table.by_name[column].kind == "id"):
                faults.append(_ambiguous(table, text, column, hits))
            found[column] = hits[0]
    if faults:
        raise InputError("\n".join(faults))
    return Headings(found, [n for n in range(len(names)) if n not in found.values()], date_order)


def _ambiguous(table: Table, text: TextTable, column: str, hits: Sequence[int]) -> str:
    which = [shown(text.columns[n], 30) for n in hits]
    return (
        f"{text.name}, row 1: {' and '.join(map(repr, which))} could each be {column!r}; "
        f"map one: {{{table.name!r}: {{{which[0]!r}: {column!r}}}}}"
    )


def missing_column(table: Table, text: TextTable, name: str) -> str:
    """Say that a required column is missing, and what to do."""
    return (
        f"{text.name}, row 1: no column {name!r} ({table.by_name[name].meaning.lower()}), which {table.name} needs; "
        f"found {_listed(text, range(len(text.columns)))}; rename the column, or map it: "
        f"{{{table.name!r}: {{'<heading>': {name!r}}}}}"
    )


def ignored_columns(text: TextTable, ignored: Sequence[int]) -> list[str]:
    """Say which columns of a file are not used."""
    return [f"{text.name}: ignored columns: {_listed(text, ignored)}"] if ignored else []


def _listed(text: TextTable, columns: Sequence[int]) -> str:
    return listed([text.columns[n] or f"unnamed column {n + 1}" for n in columns])


def listed(headings: Sequence[str]) -> str:
    """Headings in a line, the first dozen of them."""
    more = f" and {len(headings) - _SHOWN} more" if len(headings) > _SHOWN else ""
    return ", ".join(repr(shown(heading, 30)) for heading in headings[:_SHOWN]) + more
