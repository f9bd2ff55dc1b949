"""Exports of Shopify: inventory, orders, products. Facts on their headers: `formats.md`, known exports 1 to 3."""

import numpy as np

from data.cells import is_number
from data.headings import listed
from data.known.parts import (
    Aside,
    Numbers,
    Part,
    Sheet,
    as_numbers,
    derived,
    joined,
    locations_part,
    make_part,
    undated_part,
)
from data.layouts import Codes, LongTable, TextColumn, Texts, encoded

_ON_HAND = "onhand(current)|onhand"
_AVAILABLE = "available(noteditable)|available"
_INCOMING = "incoming(noteditable)|incoming"
_COMMITTED = "committed(noteditable)|committed"
_UNAVAILABLE = "unavailable(noteditable)|unavailable"
_SKU = "variantsku|sku"
_HANDLE = "handle|urlhandle"


def inventory(sheet: Sheet) -> list[Part] | None:
    """Stock by location, the locations, and what is on its way without a date."""
    if not sheet.has("handle", "sku", "location", f"{_ON_HAND}|{_AVAILABLE}"):
        return _wide_inventory(sheet)
    items, notes = _items(sheet)
    places = sheet.texts("location")
    place = derived(sheet.heading("location"), places)
    on_hand, said = _usable(sheet)
    stocked = np.char.lower(sheet.texts(f"{_ON_HAND}|{_AVAILABLE}").astype(str)) != "not stocked"
    if not stocked.all():
        notes.append(f"'not stocked', which is not zero and gives no stock row: {int((~stocked).sum()):,}")
    columns = {"item_id": items, "on_hand": on_hand, "location_id": place, "allocated": sheet.column(_COMMITTED)}
    stock = make_part(sheet, "stock", columns, keep=stocked, notes=[*notes, *said])
    coming = undated_part(sheet, items, sheet.numbers(_INCOMING), sheet.heading(_INCOMING), place)
    parts = [stock, locations_part(sheet, places, place.heading, stocked)]
    return parts if coming is None else [*parts, coming]


def _usable(sheet: Sheet) -> tuple[TextColumn, list[str]]:
    """On hand less what is unavailable (damaged, held back): what can be used."""
    texts, gone = sheet.texts(f"{_ON_HAND}|{_AVAILABLE}"), sheet.numbers(_UNAVAILABLE)
    heading, notes = sheet.heading(f"{_ON_HAND}|{_AVAILABLE}"), []
    if sheet.has("onhand(new)"):
        notes.append("'On hand (new)' is for changes and not read; 'On hand (current)' counts")
    if not sheet.has(_ON_HAND):
        committed = np.nan_to_num(sheet.numbers(_COMMITTED))
        if committed.any():
            notes.append("'Available' has the committed units taken off already; they are added back to on hand")
            return _changed(heading, texts, sheet.numbers(_AVAILABLE) + committed), notes
        return derived(heading, texts), notes
    taken = np.nan_to_num(gone) != 0
    if not taken.any():
        return derived(heading, texts), notes
    notes.append(f"unavailable and not counted as on hand: {np.nansum(gone):,.0f} units, rows: {int(taken.sum()):,}")
    return _changed(heading, texts, sheet.numbers(_ON_HAND) - np.nan_to_num(gone)), notes


def _changed(heading: str, texts: Texts, values: Numbers) -> TextColumn:
    """The values where they are numbers, else the text, so that it can be told what stood there."""
    written = derived(heading, values)
    told = written.texts[written.codes]
    return derived(heading, np.where(told == "", texts, told))


def _items(sheet: Sheet) -> tuple[TextColumn, list[str]]:
    """The SKU; where it is blank or a dash, the handle and the option values."""
    sku = sheet.texts(_SKU)
    lacking = (sku == "") | (sku == "-")
    handle = sheet.texts(_HANDLE)
    options = [sheet.texts(f"option{n}value") for n in (1, 2, 3)]
    other = joined(handle, *(np.where(option == "Default Title", "", option) for option in options))
    count = int((lacking & (other != "")).sum())
    notes = [f"rows without a SKU, where handle and option values name the item: {count:,}"] if count else []
    return derived(sheet.heading(_SKU) or sheet.heading(_HANDLE), np.where(lacking, other, sku)), notes


def _wide_inventory(sheet: Sheet) -> list[Part] | None:
    """The oldest form: one column a location after the item's own columns."""
    if not sheet.has("handle", "title", "sku", "hscode", "coo") or sheet.has("location"):
        return None
    after = max(sheet.at[name] for name in ("sku", "hscode", "coo")) + 1
    wide = [n for n in range(after, len(sheet.text.columns)) if sheet.text.columns[n]]
    wide = [n for n in wide if _is_place(sheet, n)]
    if not wide:
        return None
    items, notes = _items(sheet)
    names = np.array([sheet.text.columns[n] for n in wide], dtype=object)
    cells = np.stack([np.array([(t or "").strip() for t in sheet.text.cells[n].to_pylist()], object) for n in wide])
    stocked = (np.char.lower(cells.astype(str)) != "not stocked") & (cells != "")
    notes.append(f"read as a wide table, one column a location: {listed(names.tolist())}")
    if empty := int((~stocked).sum()):
        notes.append(f"cells empty or 'not stocked', which is not zero and gives no stock row: {empty:,}")
    cell, line = np.nonzero(stocked)
    place = TextColumn("", names, cell.astype(np.int64))
    long = LongTable(
        sheet.text.name,
        {
            "item_id": TextColumn(items.heading, items.texts, items.codes[line]),
            "on_hand": derived("", cells[cell, line]),
            "location_id": place,
        },
        sheet.text.rows[line],
        _first_cells(sheet, line),
        headings=place,
        notes=tuple(f"{sheet.text.name}: {note}" for note in notes),
    )
    at = np.unique(cell, return_index=True)[1]
    places = LongTable(
        sheet.text.name,
        {"location_id": TextColumn("", names, cell[at].astype(np.int64))},
        np.ones(len(at), dtype=np.int64),
        TextColumn("", names, cell[at].astype(np.int64)),
    )
    return [Part("stock", long), Part("locations", places, spare=True)]


def _first_cells(sheet: Sheet, line: Codes) -> TextColumn:
    column = encoded(sheet.text.columns[0], sheet.text.cells[0])
    return TextColumn(column.heading, column.texts, column.codes[line])


def _is_place(sheet: Sheet, n: int) -> bool:
    texts = [t.strip() for t in sheet.text.cells[n].slice(0, 500).to_pylist() if t and t.strip()]
    return all(t.casefold() == "not stocked" or is_number(t) for t in texts)


def orders(sheet: Sheet) -> list[Part] | None:
    """Sales lines: order fields, which stand on an order's first line only, filled down by the order's name."""
    if not sheet.has("name", "createdat", "lineitemquantity", "lineitemname", "lineitemsku"):
        return None
    name = sheet.texts("name")
    sku, title = sheet.texts("lineitemsku"), sheet.texts("lineitemname")
    lacking = (sku == "") & (title != "")
    cancelled = sheet.filled_down("cancelledat", name)
    status = sheet.filled_down("financialstatus", name)
    refunded = np.nan_to_num(as_numbers(sheet.filled_down("refundedamount", name))) > 0
    notes = ["order fields stand on the first line of an order and were filled down by 'Name'"]
    if lacking.any():
        notes.append(f"lines without a SKU, where the line item's name names the item: {int(lacking.sum()):,}")
    gone, void = cancelled != "", np.char.lower(status.astype(str)) == "voided"
    if gone.any():
        notes.append(f"set aside, cancelled orders: {len(set(name[gone])):,}, lines: {int(gone.sum()):,}")
    back = refunded & ~gone & ~void
    if back.any():
        notes.append(
            f"orders refunded in full or in part: {len(set(name[back])):,}; their lines stay sales, because they were "
            "demand and the export does not tell what came back"
        )
    aside = [
        Aside(gone, sheet.heading("cancelledat"), cancelled, "the order was cancelled, so it is no sale"),
        Aside(void, sheet.heading("financialstatus"), status, "the order was voided, so it is no sale"),
    ]
    columns = {
        "date": derived(sheet.heading("createdat"), sheet.filled_down("createdat", name)),
        "item_id": derived(sheet.heading("lineitemsku"), np.where(lacking, title, sku)),
        "quantity": sheet.column("lineitemquantity"),
        "location_id": _filled(sheet, "location", name),
        "unit_price": sheet.column("lineitemprice"),
        "order_id": sheet.column("name"),
        "channel": _filled(sheet, "source", name),
    }
    return [make_part(sheet, "sales", columns, aside=aside, notes=notes, adds_up=True)]


def _filled(sheet: Sheet, heading: str, name: Texts) -> TextColumn | None:
    texts = sheet.filled_down(heading, name)
    return derived(sheet.heading(heading), texts) if (texts != "").any() else None


def products(sheet: Sheet) -> list[Part] | None:
    """Master data of the variants, and their stock where no other file gives any."""
    if not sheet.has(_HANDLE, "title", "vendor", _SKU, "variantprice|price|costperitem"):
        return None
    handle = sheet.texts(_HANDLE)
    items, notes = _items(sheet)
    price, options = "variantprice|price", [sheet.texts(f"option{n}value") for n in (1, 2, 3)]
    variant = (sheet.texts(_SKU) != "") | (sheet.texts(price) != "") | (joined(*options) != "")
    if not variant.all():
        notes.append(f"rows with only an image or text of a product, no items: {int((~variant).sum()):,}")
    shown_options = [np.where(option == "Default Title", "", option) for option in options]
    titles = sheet.filled_down("title", handle)
    columns = {
        "item_id": items,
        "item_name": derived(sheet.heading("title"), joined(titles, *shown_options)),
        "category": derived(sheet.heading("type"), sheet.filled_down("type", handle)) if sheet.has("type") else None,
        "unit_cost": sheet.column("costperitem"),
        "unit_price": sheet.column(price),
        "supplier_id": derived(sheet.heading("vendor"), sheet.filled_down("vendor", handle)),
    }
    parts = [make_part(sheet, "items", columns, keep=variant, notes=notes)]
    stock = "variantinventoryqty|inventoryquantity"
    counted = sheet.texts(stock) != ""
    if counted.any():
        has = {"item_id": items, "on_hand": sheet.column(stock), "unit_cost": sheet.column("costperitem")}
        parts.append(make_part(sheet, "stock", has, keep=variant & counted, spare=True))
    return parts
