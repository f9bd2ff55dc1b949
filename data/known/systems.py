"""Stock and items of business systems and shops: Odoo, NetSuite, Cin7, WooCommerce. Known exports 8 to 11."""

import re

import numpy as np
import pandas as pd

from data.known.parts import Aside, Mask, Part, Sheet, derived, joined, locations_part, make_part, undated_part
from data.layouts import TextColumn, Texts

_OUTSIDE = re.compile(
    r"(?:partners?|partner locations?|customers?|vendors?|suppliers?|virtual locations?|inventory (?:loss|adjustment)|"
    r"production|scrap)(?:/.*)?|.*/(?:inventory (?:loss|adjustments?)|production|scrap|virtual production)",
    re.IGNORECASE,
)
_CODE = re.compile(r"\[([^\]]+)\]\s*(.*)", re.DOTALL)


def odoo_quants(sheet: Sheet) -> list[Part] | None:
    """Stock by warehouse: lots and shelves added up, only internal and transit locations."""
    if not sheet.has("product|productid", "location|locationid", "quantity"):
        return None
    marks = (
        "lotid|lot/serialnumber|reservedquantity|availablequantity|package|packageid|owner|ownerid|incomingdate|indate"
    )
    if not sheet.has(marks):
        return None
    path = sheet.texts("location|locationid")
    outside = _outside(sheet, path)
    codes, distinct = pd.factorize(sheet.texts("product|productid"))
    coded = [_CODE.fullmatch(t) for t in distinct]
    item = np.array([m[1].strip() if m else t for m, t in zip(coded, distinct, strict=True)], dtype=object)[codes]
    items = derived(sheet.heading("product|productid"), item)
    place = np.array([_warehouse(t) for t in path], dtype=object)
    heading = sheet.heading("location|locationid")
    notes = ["lots, packages and shelves were added up by item and warehouse (the first part of the location)"]
    if any(coded):
        notes.append("the code in brackets names the item: '[00012] Cup' is 00012")
    if outside.any():
        notes.append(f"set aside, partner, loss, scrap and production locations: {int(outside.sum()):,}")
    aside = [
        Aside(outside, heading, path, "a partner, loss, scrap or production location, not an internal or transit one")
    ]
    columns = {
        "item_id": items,
        "on_hand": sheet.column("quantity"),
        "location_id": derived(heading, place),
        "allocated": sheet.column("reservedquantity"),
    }
    return [
        make_part(sheet, "stock", columns, aside=aside, notes=notes, adds_up=True),
        locations_part(sheet, place, heading, ~outside),
    ]


def _outside(sheet: Sheet, path: Texts) -> Mask:
    """Which rows lie in no internal or transit location: by its usage where the export tells it, else by its path."""
    usage = np.char.lower(sheet.texts("location/usage|location/locationtype|locationtype|usage").astype(str))
    by_path = np.array([_OUTSIDE.fullmatch(t) is not None for t in path], dtype=bool)
    told = usage != ""
    return np.where(told, ~np.isin(usage, ("internal", "internal location", "transit", "transit location")), by_path)


def _warehouse(path: str) -> str:
    parts = [part.strip() for part in path.split("/")]
    if len(parts) > 1 and parts[0].casefold() == "physical locations":
        parts = parts[1:]
    return parts[0]


def netsuite(sheet: Sheet) -> list[Part] | None:
    """A saved search on items: stock by location, lead times, and what is on order without a date."""
    signs = ("committed", "onorder", "backordered", "reorderpoint", "preferredstocklevel", "purchaseleadtime")
    if not sheet.has("item|name", "onhand|locationonhand") or sum(sign in sheet.at for sign in signs) < 2:
        return None
    items = sheet.column("item|name")
    if items is None:
        return None
    place = sheet.column("location|inventorylocation")
    unread = [sheet.heading(s) for s in ("reorderpoint", "preferredstocklevel") if s in sheet.at]
    notes = [f"{' and '.join(map(repr, unread))}: not read, because the plan computes its own levels"] if unread else []
    columns = {
        "item_id": items,
        "on_hand": sheet.column("onhand|locationonhand"),
        "location_id": place,
        "allocated": sheet.column("committed"),
        "backorders": sheet.column("backordered"),
    }
    parts = [make_part(sheet, "stock", columns, notes=notes)]
    if sheet.has("item", "name"):
        named = ~pd.Series(sheet.texts("item")).duplicated().to_numpy()
        master = {"item_id": items, "item_name": sheet.column("name")}
        parts.append(make_part(sheet, "items", master, keep=named, spare=True))
    days = sheet.column("purchaseleadtime")
    if days is not None:
        told = {"item_id": items, "location_id": place, "lead_time_days": days}
        table = "items" if place is None else "item_locations"
        parts.append(make_part(sheet, table, told, keep=sheet.texts("purchaseleadtime") != ""))
    if place is not None:
        where = sheet.texts("location|inventorylocation")
        parts.append(locations_part(sheet, where, place.heading, where != ""))
    coming = undated_part(sheet, items, sheet.numbers("onorder"), sheet.heading("onorder"), place)
    return parts if coming is None else [*parts, coming]


def cin7_products(sheet: Sheet) -> list[Part] | None:
    """Master data of the items."""
    if not sheet.has("productname", "supplier", "code", "costprice", "retailprice"):
        return None
    name = joined(sheet.texts("productname"), sheet.texts("option1"))
    columns = {
        "item_id": sheet.column("code"),
        "item_name": derived(sheet.heading("productname"), name),
        "category": sheet.column("category"),
        "unit_cost": sheet.column("costprice"),
        "unit_price": sheet.column("retailprice"),
        "supplier_id": sheet.column("supplier"),
    }
    return [make_part(sheet, "items", columns)]


def woocommerce_products(sheet: Sheet) -> list[Part] | None:
    """Products and variations: a variable product is a parent without stock of its own."""
    if not sheet.has("id", "type", "sku", "name", "stock", "regularprice"):
        return None
    sku, number, parent = sheet.texts("sku"), sheet.texts("id"), sheet.texts("parent")
    kind = sheet.texts("type")
    head = np.array(["variable" in t.casefold() or "grouped" in t.casefold() for t in kind], dtype=bool)
    lacking = (sku == "") & ~head
    items = derived(sheet.heading("sku"), np.where(sku == "", number, sku))
    notes = []
    if lacking.any():
        notes.append(f"rows without a SKU, where the ID names the item: {int(lacking.sum()):,}")
    if head.any():
        notes.append(f"variable or grouped products, parents without stock and no items: {int(head.sum()):,}")
    category = dict(zip(sku, sheet.texts("categories"), strict=True))
    category |= {f"id:{n}": c for n, c in zip(number, sheet.texts("categories"), strict=True)}
    own = sheet.texts("categories")
    inherited = np.array([o or (category.get(p, "") if p else "") for o, p in zip(own, parent, strict=True)], object)
    master = {
        "item_id": items,
        "item_name": sheet.column("name"),
        "category": derived(sheet.heading("categories"), inherited) if sheet.has("categories") else None,
        "unit_cost": sheet.column("costofgoods|cost|purchaseprice"),
        "unit_price": sheet.column("regularprice"),
    }
    counted: Texts = sheet.texts("stock")
    stock: dict[str, TextColumn | None] = {"item_id": items, "on_hand": sheet.column("stock")}
    untracked = int(((counted == "") & ~head).sum())
    said = [f"rows with an empty, untracked stock, which give no stock row: {untracked:,}"] if untracked else []
    return [
        make_part(sheet, "items", master, keep=~head, notes=notes),
        make_part(sheet, "stock", stock, keep=~head & (counted != ""), notes=said),
    ]
