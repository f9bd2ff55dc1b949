"""Deliveries and forecasts: sell-in files, purchase order histories, forecasts by channel. Known export 13."""

import numpy as np

from data.cells import CellError, date_order, day, is_date
from data.headings import listed
from data.known.parts import Aside, Part, Sheet, derived, make_part
from data.layouts import LongTable, TextColumn, Texts, encoded


def sell_in(sheet: Sheet) -> list[Part] | None:
    """Shipments to a customer or store: receipts, their lead time counted from shipping."""
    if not sheet.has("ponumber", "shipdate", "receiptdate", "sku", "unitsshipped"):
        return None
    notes = ["no day of order: lead times count from 'Ship Date', so they leave out what passed before shipping"]
    ordered, shipped = sheet.numbers("unitsordered"), sheet.numbers("unitsshipped")
    short = ordered > shipped
    if short.any():
        missing = (ordered - shipped)[short].sum()
        notes.append(f"rows that shipped less than was ordered: {int(short.sum()):,}, {missing:,.0f} units in all")
    open_rows = sheet.texts("receiptdate") == ""
    aside = [
        Aside(
            open_rows,
            sheet.heading("receiptdate"),
            sheet.texts("receiptdate"),
            "is empty: shipped and not received yet; bring it as an open order with the day on which it is due",
        )
    ]
    columns = {
        "item_id": sheet.column("sku"),
        "ordered_on": sheet.column("orderdate|shipdate"),
        "received_on": sheet.column("receiptdate"),
        "quantity": sheet.column("unitsshipped"),
        "location_id": sheet.column("destination"),
        "order_id": sheet.column("ponumber"),
    }
    if sheet.has("orderdate"):
        notes = notes[1:]
    return [make_part(sheet, "receipts", columns, aside=aside, notes=notes, adds_up=True)]


def order_history(sheet: Sheet) -> list[Part] | None:
    """Purchase order lines with the days they were ordered, promised and delivered."""
    ordered, got = "posenttovendordate", "deliveredtoclientdate"
    if not sheet.has("po/so", ordered, "scheduleddeliverydate", got, "vendor", "lineitemquantity"):
        return None
    sent, came = sheet.texts(ordered), sheet.texts(got)
    from_stock = np.char.startswith(np.char.lower(sent.astype(str)), "n/a")
    uncaptured = np.char.lower(sent.astype(str)) == "date not captured"
    early = _earlier(came, sent)
    heading = sheet.heading(ordered)
    aside = [
        Aside(from_stock, heading, sent, "delivered from stock, not ordered from a vendor: it tells no lead time"),
        Aside(uncaptured, heading, sent, "the day of the order was not captured, so it tells no lead time"),
        Aside(early, sheet.heading(got), came, "was delivered before it was ordered; correct one of the days"),
    ]
    counts = (
        ("lines delivered from stock ('N/A - From RDC'), not ordered from a vendor", from_stock),
        ("lines without a captured day of order ('Date Not Captured')", uncaptured),
        ("lines delivered before they were ordered (a negative lead time)", early),
    )
    notes = [f"set aside, {what}: {int(rows.sum()):,}" for what, rows in counts if rows.any()]
    columns = {
        "item_id": sheet.column("itemdescription"),
        "ordered_on": sheet.column(ordered),
        "received_on": sheet.column(got),
        "quantity": sheet.column("lineitemquantity"),
        "location_id": sheet.column("country"),
        "supplier_id": sheet.column("vendor"),
        "order_id": sheet.column("po/so"),
        "promised_on": sheet.column("scheduleddeliverydate"),
    }
    return [make_part(sheet, "receipts", columns, aside=aside, notes=notes, adds_up=True)]


def _earlier(later: Texts, earlier: Texts) -> np.ndarray:
    """Where both are dates and the first lies before the second."""
    days = []
    for texts in (later, earlier):
        try:
            order = date_order(set(texts))
        except CellError:
            return np.zeros(len(later), dtype=bool)
        known: dict[str, float] = {}
        for text in set(texts):
            try:
                known[text] = float(day(text, order))
            except CellError:
                known[text] = np.nan
        days.append(np.array([known[t] for t in texts]))
    return days[0] < days[1]


def channel_forecast(sheet: Sheet) -> list[Part] | None:
    """Forecasts by channel, one column a month: channels are added up; one plan counts."""
    if not sheet.has("channelid", "itemid", "scenarioplanid"):
        return None
    months = [n for n, heading in enumerate(sheet.text.columns) if is_date(heading)]
    if not months:
        return None
    plans = sheet.texts("scenarioplanid")
    first = plans[0] if len(plans) else ""
    other = plans != first
    reason = f"of another plan than {first!r}, the first of the file; bring a file of one plan"
    flat = make_part(
        sheet,
        "forecasts",
        {"item_id": sheet.column("itemid")},
        aside=[Aside(other, sheet.heading("scenarioplanid"), plans, reason)],
    )
    at = np.flatnonzero(~other)
    cells = np.stack([np.array([(t or "").strip() for t in sheet.text.cells[n].to_pylist()], object) for n in months])
    month, line = np.nonzero(cells[:, at] != "")
    names = np.array([sheet.text.columns[n] for n in months], dtype=object)
    notes = [
        f"read as a wide table, one column a month: {listed(names.tolist())}; a month counts on its first day",
        f"channels added up: {len(set(sheet.texts('channelid')[at])):,}",
    ]
    items, lead = flat.text.columns["item_id"], encoded(sheet.text.columns[0], sheet.text.cells[0])
    across = TextColumn("", names, month.astype(np.int64))
    long = LongTable(
        sheet.text.name,
        {
            "item_id": TextColumn(items.heading, items.texts, items.codes[line]),
            "date": across,
            "quantity": derived("", cells[:, at][month, line]),
        },
        sheet.text.rows[at][line],
        TextColumn(lead.heading, lead.texts, lead.codes[at][line]),
        headings=across,
        notes=tuple(f"{sheet.text.name}: {note}" for note in notes),
    )
    return [Part("forecasts", long, flat.aside, adds_up=True)]
