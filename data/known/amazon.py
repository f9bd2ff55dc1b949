"""Exports of Amazon FBA: manage inventory, inventory planning, restock. `formats.md`, known exports 4 to 6."""

import numpy as np

from data.known.parts import Numbers, Part, Sheet, make_part, undated_part
from data.layouts import TextColumn


def manage(sheet: Sheet) -> list[Part] | None:
    """Fulfillable units are on hand; what is shipped to Amazon or being received is on order."""
    if not sheet.has("sku", "fnsku", "afnfulfillablequantity"):
        return None
    items = _sku(sheet, "sku")
    notes = []
    own = np.nansum(sheet.numbers("mfnfulfillablequantity"))
    if own > 0:
        notes.append(f"units that the merchant fulfils, not Amazon, and that are not read: {own:,.0f}")
    notes += _planned(sheet, "afninboundworkingquantity")
    columns = {"item_id": items, "on_hand": sheet.column("afnfulfillablequantity")}
    if "store" in sheet.at and (sheet.texts("store") != "").any():
        columns["location_id"] = sheet.column("store")
    stock = make_part(sheet, "stock", columns, notes=notes, adds_up=True)
    return _with_inbound(sheet, stock, items, ("afninboundshippedquantity", "afninboundreceivingquantity"))


def planning(sheet: Sheet) -> list[Part] | None:
    """The available units of the snapshot's date."""
    if not sheet.has("snapshotdate", "sku", "fnsku", "available"):
        return None
    items = _sku(sheet, "sku")
    notes = _planned(sheet, "inboundworking")
    if sheet.has("unitsshippedt30"):
        notes.append("units shipped in the last 7 to 90 days are sums, no history of sales, and not read")
    columns = {"item_id": items, "on_hand": sheet.column("available"), "as_of": sheet.column("snapshotdate")}
    if "marketplace" in sheet.at and len(set(sheet.texts("marketplace"))) > 1:
        columns["location_id"] = sheet.column("marketplace")
    stock = make_part(sheet, "stock", columns, notes=notes, adds_up=True)
    return _with_inbound(sheet, stock, items, ("inboundshipped", "inboundreceived|inboundreceiving"))


def restock(sheet: Sheet) -> list[Part] | None:
    """The available units, the items' names and suppliers, and what is on its way."""
    if not sheet.has("merchantsku", "fnsku", "available", "totalunits"):
        return None
    items = _sku(sheet, "merchantsku")
    notes = _planned(sheet, "working")
    if sheet.has("unitssoldlast30days"):
        notes.append("units sold in the last 30 days are a sum, no history of sales, and not read")
    several = len(set(sheet.texts("country"))) > 1
    place = sheet.column("country") if several else None
    columns = {"item_id": items, "on_hand": sheet.column("available"), "location_id": place}
    first = make_part(sheet, "stock", columns, notes=notes, adds_up=True)
    told = {
        "item_id": items,
        "item_name": sheet.column("productname"),
        "unit_price": None if several else sheet.column("price"),
        "supplier_id": sheet.column("supplier"),
    }
    parts = _with_inbound(sheet, first, items, ("shipped", "receiving"), place)
    return [*parts, make_part(sheet, "items", told, keep=_first_of(sheet), spare=True)]


def _sku(sheet: Sheet, name: str) -> TextColumn:
    found = sheet.column(name)
    if found is None:
        raise KeyError(name)
    return found


def _first_of(sheet: Sheet) -> np.ndarray:
    seen = np.unique(sheet.texts("merchantsku").astype(str), return_index=True)[1]
    first = np.zeros(len(sheet), dtype=bool)
    first[seen] = True
    return first


def _planned(sheet: Sheet, name: str) -> list[str]:
    """Inbound shipments that have not left yet are plans, no orders."""
    units = np.nansum(sheet.numbers(name))
    return [f"{sheet.heading(name)}, units that have not left yet and do not count: {units:,.0f}"] if units > 0 else []


def _with_inbound(
    sheet: Sheet, stock: Part, items: TextColumn, names: tuple[str, ...], place: TextColumn | None = None
) -> list[Part]:
    units: Numbers = np.sum([np.nan_to_num(sheet.numbers(name)) for name in names], axis=0)
    heading = " + ".join(filter(None, (sheet.heading(name) for name in names)))
    coming = undated_part(sheet, items, units, heading, place)
    return [stock] if coming is None else [stock, coming]
