"""Transactions of shops and books: UCI-style invoices, QuickBooks. `formats.md`, known exports 7 and 12."""

import re

import numpy as np
import pandas as pd

from data.known.parts import Aside, Mask, Part, Sheet, derived, make_part
from data.layouts import Codes

_NO_PRODUCT = re.compile(
    r"post|postage|d|dot|m|s|b|c2|c3|amazonfee|amazon fee|bank charges?|cruk|adjust\d*|gift_.*|carriage|"
    r"discount|manual|samples?|shipping|freight|fees?|handling|test\d*",
    re.IGNORECASE,
)


def invoices(sheet: Sheet) -> list[Part] | None:
    """Invoice lines: invoices that begin with C take back; codes of postage and fees are no products."""
    if not sheet.has("invoiceno|invoice", "stockcode", "quantity", "invoicedate", "unitprice|price"):
        return None
    invoice, code = sheet.texts("invoiceno|invoice"), sheet.texts("stockcode")
    units, price = sheet.numbers("quantity"), sheet.numbers("unitprice|price")
    codes, distinct = pd.factorize(code)
    fee = np.array([_NO_PRODUCT.fullmatch(c) is not None for c in distinct], dtype=bool)[codes]
    letter = invoice.astype("U1")
    cancelled = np.isin(letter, ("C", "c"))
    written_off = (units < 0) & ~cancelled & ~fee & (price == 0)
    customer = sheet.texts("customerid|customer")
    # A remark ("found", "wrongly coded") or nothing stands where a sale names the product.
    free = (units > 0) & ~fee & (price == 0) & (customer == "")
    found = free & ~_names_product(sheet, codes, price > 0) & bool((customer != "").any())
    aside = [
        Aside(fee, sheet.heading("stockcode"), code, "postage, a fee, a discount or a voucher: no product to plan"),
        Aside(np.isin(letter, ("A", "a")), sheet.heading("invoiceno|invoice"), invoice, "a correction of the books"),
        Aside(
            written_off,
            sheet.heading("quantity"),
            sheet.texts("quantity"),
            "written off at price zero on a plain invoice: a correction of stock, neither a sale nor a return",
        ),
        Aside(
            found,
            sheet.heading("quantity"),
            sheet.texts("quantity"),
            "at price zero, for no customer and not under the product's name: a correction of stock, no sale",
        ),
    ]
    notes = [
        f"lines of cancelled invoices (C...): {int(cancelled.sum()):,}",
        f"returns, lines with a negative quantity: {int(((units < 0) & ~fee & ~written_off).sum()):,}",
        f"set aside, stock written off at price zero (damaged, lost, counted): {int(written_off.sum()):,}",
        f"set aside, stock added at price zero for no customer (found, booked anew): {int(found.sum()):,}",
        f"set aside, postage, fees, discounts, samples and vouchers, no products: {int(fee.sum()):,}",
        f"lines at price zero: {int(((price == 0) & ~fee & ~written_off & ~found).sum()):,}",
        f"lines without an item: {int((code == '').sum()):,}",
    ]
    if sheet.has("customerid|customer"):
        count = int((customer == "").sum())
        notes.append(f"lines without a customer, which no plan needs: {count:,}")
    columns = {
        "date": sheet.column("invoicedate"),
        "item_id": sheet.column("stockcode"),
        "quantity": sheet.column("quantity"),
        "unit_price": sheet.column("unitprice|price"),
        "order_id": sheet.column("invoiceno|invoice"),
    }
    return [make_part(sheet, "sales", columns, aside=aside, notes=notes, adds_up=True)]


def _names_product(sheet: Sheet, codes: Codes, sold: Mask) -> Mask:
    """Whether each row's description is one under which the item was sold; all are, in a file without descriptions."""
    if not sheet.has("description"):
        return np.ones(len(sheet), dtype=bool)
    words = pd.factorize(sheet.texts("description"))
    pair = codes.astype(np.int64) * (len(words[1]) + 1) + words[0]
    told: Mask = np.isin(pair, pair[sold]) & (words[1] != "")[words[0]]
    return told


def quickbooks_sales(sheet: Sheet) -> list[Part] | None:
    """Sales by product: the item stands in a row of its own above its sales, in the first column."""
    if not sheet.has("transactiondate|date", "transactiontype", "quantity", "amount", "balance"):
        return None
    if sheet.text.columns[0].strip() and not sheet.has("product/service"):
        return None
    group = np.array([(t or "").strip() for t in sheet.text.cells[0].to_pylist()], dtype=object)
    day = sheet.texts("transactiondate|date")
    total = np.array([re.match(r"(grand\s+)?total\b", t, re.IGNORECASE) is not None for t in group], dtype=bool)
    head = (group != "") & (day == "") & ~total
    # A sub-item's rows end with its total; then those of the parent item go on.
    items = pd.Series(group, dtype=object).where(head).ffill().fillna("").to_numpy(dtype=object)
    kinds = sheet.texts("transactiontype")
    offer = np.char.lower(kinds.astype(str)) == "estimate"
    notes = [
        f"rows that name the item of the rows below: {int(head.sum()):,}",
        f"rows that are totals and no sales: {int(total.sum()):,}",
    ]
    columns = {
        "date": sheet.column("transactiondate|date"),
        "item_id": derived(sheet.text.columns[0], items),
        "quantity": sheet.column("quantity"),
        "unit_price": sheet.column("salesprice|sales price|rate"),
        "order_id": sheet.column("num|no"),
    }
    aside = [Aside(offer, sheet.heading("transactiontype"), kinds, "an estimate, no sale")]
    return [make_part(sheet, "sales", columns, keep=~head & ~total, aside=aside, notes=notes, adds_up=True)]


def quickbooks_valuation(sheet: Sheet) -> list[Part] | None:
    """Stock and its value; the item stands in the first column, or is its description."""
    if not sheet.has("onhand", "avgcost", "assetvalue"):
        return None
    named = not sheet.text.columns[0].strip()
    first = np.array([(t or "").strip() for t in sheet.text.cells[0].to_pylist()], dtype=object)
    item = first if named else sheet.texts("item|itemdescription")
    heading = sheet.text.columns[0] if named else sheet.heading("item|itemdescription")
    total = np.array([re.match(r"(grand\s+)?total\b", t, re.IGNORECASE) is not None for t in item], dtype=bool)
    group = (sheet.texts("onhand") == "") & (sheet.texts("avgcost") == "")
    items = derived(heading, item)
    keep = ~(total | group)
    notes = [] if keep.all() else [f"rows that are totals or names of groups, no items: {int((~keep).sum()):,}"]
    stock = {"item_id": items, "on_hand": sheet.column("onhand"), "unit_cost": sheet.column("avgcost")}
    master = {
        "item_id": items,
        "item_name": sheet.column("itemdescription") if named else None,
        "unit_cost": sheet.column("avgcost"),
        "unit_price": sheet.column("salesprice"),
    }
    return [
        make_part(sheet, "stock", stock, keep=keep, notes=notes),
        make_part(sheet, "items", master, keep=keep, spare=True),
    ]
