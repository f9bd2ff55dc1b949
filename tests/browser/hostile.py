"""A workspace in which everything that people name carries markup or a formula, and what must never come of it."""

import csv
import io
import re
import time
import zipfile
from datetime import date
from types import SimpleNamespace

import pandas as pd

from data import service
from data.store import Workspace
from data.upload import Source
from planning import pipeline
from planning.params import Params

AS_OF = date(2026, 6, 1)
PARAMS = Params(library_fits=0)
FAR = "http://evil.invalid"
"""No request may go there."""

PAYLOADS = (
    "<script>window.hit=0</script>",
    "<img src=/pwned-1 onerror=window.hit=1>",
    '"><svg onload=window.hit=2>',
    f"<iframe src={FAR}/3></iframe>",
    "[4](javascript:window.hit=4)",
    f"![5]({FAR}/5.png)",
    f"<a href={FAR}/6>6</a>",
    "</script><script>window.hit=7</script>",
    "{{constructor.constructor('window.hit=8')()}}",
    "%{customdata[0]}<b>9</b>%{y}",
    f"$\\href{{{FAR}/10}}{{x}}$",
    ":material/bug_report: :red[11] **x** :balloon:",
    f"<style>@import'{FAR}/12';</style>",
    "`</code><img src=/pwned-13 onerror=window.hit=13>",
    "&lt;img src=/pwned-14 onerror=window.hit=14&gt;",
    f'=HYPERLINK("{FAR}/15","x")',
    "=1+1 of 16",
    "+cmd|'/c calc'!A17",
    "-2+3+cmd|' /C calc'!A18",
    "@SUM(1+1)*19",
    f'=WEBSERVICE("{FAR}/20")',
    f'=IMPORTXML("{FAR}/21","//a")',
    "|=1+1 of 22",
    ";=1+1 of 23",
    "',=1+1 of 24",
    '","=1+1 of 25',
    "\N{FULLWIDTH EQUALS SIGN}1+1 of 26",
    '=DDE("cmd";"/C calc";"27")',
    "@import 28",
    '"=1+1" of 29',
)
SUPPLIERS, CATEGORIES = PAYLOADS[7:] + PAYLOADS[:7], PAYLOADS[13:] + PAYLOADS[:13]
NAMES, PLACES = PAYLOADS[19:] + PAYLOADS[:19], PAYLOADS[25:] + PAYLOADS[:25]
WAREHOUSE, FED = PLACES[0], PLACES[1:5]
ALLOWED = re.compile(r"[+-]?[\d.,]+")
RUNS = re.compile("^[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")


def place_of(n: int) -> str:
    """Where an item is sold; the warehouse sells nothing."""
    return PLACES[1 + n % (len(PLACES) - 1)]


def csv_of(rows: list[list[object]]) -> bytes:
    """Return rows as the bytes of a CSV file."""
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()


def files() -> dict[str, dict[str, bytes]]:
    """The files of the company by table and name: the sales of each item in a file with a name as bad as its own."""
    days = [f"{day:%Y-%m-%d}" for day in pd.date_range("2026-02-02", "2026-05-31")]
    head = ["date", "item_id", "location_id", "quantity"]
    sales = {
        f"{name}.csv": csv_of([head, *([day, name, place_of(n), 3 + (n + k) % 5] for k, day in enumerate(days))])
        for n, name in enumerate(PAYLOADS)
    }
    stock: list[list[object]] = [["item_id", "location_id", "on_hand", "as_of"]]
    stock += [[name, place_of(n), 400 if n % 7 == 6 else 5 * (n % 4), AS_OF] for n, name in enumerate(PAYLOADS)]
    stock += [[name, WAREHOUSE, 90, AS_OF] for n, name in enumerate(PAYLOADS) if place_of(n) in FED]
    item = ["item_id", "item_name", "category", "supplier_id", "unit_cost", "unit_price", "lead_time_days"]
    items = [
        [i, *more, 2 + n % 5, 6 + n % 5, 7]
        for n, (i, *more) in enumerate(zip(PAYLOADS, NAMES, CATEGORIES, SUPPLIERS, strict=True))
    ]
    places = [[p, PAYLOADS[n], "warehouse" if p == WAREHOUSE else "store"] for n, p in enumerate(PLACES)]
    events = [["2026-06-08", "2026-06-14", 1.2, name, name] for name in PAYLOADS]
    tables = {
        "stock": stock,
        "items": [item, *items],
        "locations": [["location_id", "location_name", "kind"], *places],
        "suppliers": [["supplier_id", "supplier_name"], *zip(SUPPLIERS, PAYLOADS, strict=True)],
        "lanes": [["source_id", "destination_id", "transit_days"], *([WAREHOUSE, p, 2] for p in FED)],
        "events": [["starts_on", "ends_on", "uplift", "event_name", "item_id"], *events],
        "open_orders": [
            ["item_id", "quantity", "due_on", "location_id", "supplier_id", "order_id"],
            *(
                [p, 6, "2026-06-05", place_of(n), SUPPLIERS[n], f"{p} {n}"]
                for n, p in enumerate(PAYLOADS)
                if n % 3 == 0
            ),
        ],
        "receipts": [
            ["item_id", "ordered_on", "received_on", "quantity", "location_id", "supplier_id", "order_id"],
            *(
                [p, "2026-03-02", "2026-03-11", 9, place_of(n), SUPPLIERS[n], f"{p} {n}"]
                for n, p in enumerate(PAYLOADS)
            ),
        ],
    }
    return {"sales": sales, **{table: {f"{table}.csv": csv_of(rows)} for table, rows in tables.items()}}


def build() -> SimpleNamespace:
    """Fill the kept workspace of STOCKCAST_HOME: data, decisions, plans, scenarios and links, each name a payload."""
    who = service.Visitor("local", Workspace())
    told = files()
    read = service.preview_import({t: [Source(n, c) for n, c in some.items()] for t, some in told.items()})
    snapshot = service.confirm_import(who, read, files=[name for some in told.values() for name in some])
    frames = service.inputs(who, snapshot)
    params = PARAMS
    for n, name in enumerate(PAYLOADS):
        at = {"item_id": PAYLOADS[-n], "location_id": place_of(len(PAYLOADS) - n if n else 0)}
        service.note(who, snapshot, name, item_id=at["item_id"])
        service.override(
            who, snapshot, kind="percent", value=2.0 + n, starts_on=AS_OF, ends_on=date(2026, 6, 30), reason=name,
            item_id=at["item_id"],
        )  # fmt: skip
    plan = _plan(who, snapshot, frames, params)
    approved = service.approve(who, snapshot, plan.orders.iloc[::2])
    for number, name in zip(dict.fromkeys(approved["order_number"]), PAYLOADS, strict=False):
        service.note(who, snapshot, name, order_number=number)
    service.approve_transfers(who, snapshot, plan.allocation.iloc[::2])
    plan = _plan(who, snapshot, frames, params)
    kept = [service.create_plan(who, snapshot, plan, name=name[:80]) for name in PAYLOADS]
    for n, name in enumerate(PAYLOADS):
        saved = service.save_scenario(who, snapshot, name, params.but(demand_multiplier=1.0 + n / 100), text=name)
        service.note(who, snapshot, name, scenario_id=saved.scenario_id)
        service.make_link(who, snapshot, plan, scenario=name, name=name[:80])
    for name in PAYLOADS:
        service.pin(
            who, snapshot, item_id=name, location_id=place_of(PAYLOADS.index(name)), kind="safety_stock", value=9.0,
            reason=name,
        )  # fmt: skip
    return SimpleNamespace(who=who, snapshot=snapshot, plan=plan, plans=kept, read=read, params=params)


def _plan(who, snapshot, frames, params):
    as_of = service.default_as_of(frames)
    assert as_of == AS_OF
    fits = service.fits(who, snapshot, as_of, params, frames=frames)
    if fits is None:
        job = service.start_fit(who, snapshot, as_of, params, frames=frames)
        until = time.monotonic() + 120
        while job.status() == "running" and time.monotonic() < until:
            time.sleep(0.1)
        fits = service.fits(who, snapshot, as_of, params, frames=frames)
    return pipeline.plan(
        service.planned_inputs(who, snapshot, frames=frames), as_of, params, fits=fits, snapshot_id=snapshot
    )


def formulas_of(payload: bytes, name: str = "") -> list[str]:
    """What a spreadsheet would run, or fetch, of a file for people: a workbook, a CSV, or a ZIP of them."""
    if not payload.startswith(b"PK"):
        rows = csv.reader(io.StringIO(payload.decode("utf-8-sig")))
        return [f"{name}: {cell}" for row in rows for cell in row if RUNS.match(cell) and not ALLOWED.fullmatch(cell)]
    with zipfile.ZipFile(io.BytesIO(payload)) as archive:
        parts = {part: archive.read(part) for part in archive.namelist()}
    if "[Content_Types].xml" not in parts:
        return [fault for part, told in parts.items() for fault in formulas_of(told, part)]
    odd = [part for part in parts if re.search(r"externalLink|connections|vba|embeddings|hyperlink", part)]
    for part, told in parts.items():
        if re.search(rb"<f[ >]|<hyperlink|TargetMode=\"External\"|<ddeLink", told):
            odd.append(f"{name}/{part}")
    return odd
