"""The sample company's files, as a user would bring them.

`python -m data.sample` writes them again, byte for byte. The company stands in `data.sample_company`,
its days in `data.sample_simulation`.
"""

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from data import sample_company as company
from data.atomic import remove_folder
from data.sample_demand import Floats, Ints
from data.sample_simulation import SEED, WAREHOUSES, Simulation, simulate
from data.upload import Source

SAMPLE_AS_OF: date = company.AS_OF
"""The Monday morning for which the sample company is planned; its last day of sales is the day before."""

SAMPLE_FOLDER = Path(__file__).with_name("sample")
FORECAST, KNOWN, KEPT, REPORT = "forecast.kept", "known.kept", "kept", "report.json"
_RECEIPT_DAYS = 420
_STORES = slice(WAREHOUSES, None)


def sample_sources() -> dict[str, list[Source]]:
    """Return the sample company's files by table name, ready to be read like an upload.

    Returns
    -------
    table name -> its one file.

    Raises
    ------
    FileNotFoundError : the installation lacks the folder of sample files.
    """
    return {name: [Source(f"{name}.csv", SAMPLE_FOLDER / f"{name}.csv")] for name in _BUILDERS}


def kept_forecast(key: str) -> bytes | None:
    """Return the forecast of the sample, or those of its past mornings, that come with the project, if of this key.

    It saves a first visitor the wait; with other data, parameters or methods the key differs and it is not used.
    """
    for path in (SAMPLE_FOLDER / FORECAST, SAMPLE_FOLDER / KNOWN):
        with suppress(FileNotFoundError), path.open("rb") as file:
            if file.readline().rstrip(b"\n") == key.encode():
                return file.read()
    return None


def keep_forecast(key: str, payload: bytes, name: str = FORECAST) -> None:
    """Put the forecast of the sample, or (`KNOWN`) those of its past mornings, beside its files."""
    (SAMPLE_FOLDER / name).write_bytes(key.encode() + b"\n" + payload)


def kept_snapshot(fingerprint: str) -> tuple[Path, dict[str, Any]] | None:
    """Return the snapshot folder that comes with the project, with its report, if it was made of these files.

    It saves a first visitor the reading of the files.
    """
    try:
        told = json.loads((SAMPLE_FOLDER / KEPT / REPORT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    folder = SAMPLE_FOLDER / KEPT / str(told["snapshot_id"])
    return (folder, told) if told["fingerprint"] == fingerprint and folder.is_dir() else None


def keep_snapshot(fingerprint: str, snapshot_id: str, report: Mapping[str, Any]) -> Path:
    """Make room for the sample's snapshot beside its files, and return the folder to write it to."""
    remove_folder(SAMPLE_FOLDER / KEPT)
    (SAMPLE_FOLDER / KEPT).mkdir()
    told = {"fingerprint": fingerprint, "snapshot_id": snapshot_id, **report}
    (SAMPLE_FOLDER / KEPT / REPORT).write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    return SAMPLE_FOLDER / KEPT / snapshot_id


def build_tables(days: Simulation) -> dict[str, pd.DataFrame]:
    """Return every file of the sample company as a frame of text; an empty text is an empty cell.

    Parameters
    ----------
    days : what happened, from `simulate`.

    Returns
    -------
    table name -> frame with the columns of the contract, or (sales, availability) one column a date.
    """
    return {name: _as_text(build(days)) for name, build in _BUILDERS.items()}


def write_sample(folder: Path = SAMPLE_FOLDER, seed: int = SEED) -> list[Path]:
    """Write the files of the sample company (UTF-8, comma, LF) and return their paths, in table order."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, table in build_tables(simulate(seed)).items():
        path = folder / f"{name}.csv"
        path.write_bytes(table.to_csv(index=False, lineterminator="\n").encode())
        paths.append(path)
    return paths


def _date(day: int) -> date:
    return company.FIRST_DAY + timedelta(days=int(day))


def _as_text(table: pd.DataFrame) -> pd.DataFrame:
    return table.astype(object).map(_cell)


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if pd.isna(value):
        return ""
    if isinstance(value, date):
        return value.isoformat()[:10]
    return f"{value:.10g}"


def _wide(cells: Floats) -> pd.DataFrame:
    """One row an item and store, one column a date; pairs without any statement are left out."""
    items, places = company.build_items()["item_id"], company.build_locations()["location_id"][_STORES]
    keys = pd.MultiIndex.from_product([items, places], names=["item_id", "location_id"])
    dates = [_date(d).isoformat() for d in range(company.DAYS)]
    table = pd.DataFrame(cells.reshape(company.DAYS, -1).T, index=keys, columns=dates)
    return table.dropna(how="all").reset_index()


def _sales(days: Simulation) -> pd.DataFrame:
    return _wide(np.where(np.isnan(days.on_shelf), np.nan, days.sales))


def _availability(days: Simulation) -> pd.DataFrame:
    return _wide(days.on_shelf)


def _stock(days: Simulation) -> pd.DataFrame:
    """Today's stock by lot where items perish; before it, the first of each of the last 13 months."""
    listed = _listed()
    months = pd.date_range(end=company.AS_OF, periods=13, freq="MS")
    history = pd.concat(
        [
            listed.assign(on_hand=days.closing[company.day_of(m) - 1][listed["i"], listed["p"]], as_of=m.date())
            for m in months
        ]
    )
    last = listed.assign(as_of=company.AS_OF)
    perishes = company.build_items()["shelf_life_days"].notna().to_numpy()
    rows = [
        {**row, "on_hand": units, **lot}
        for row in last.to_dict("records")
        for units, lot in _lots(days.lots[row["i"], row["p"]], perishes=bool(perishes[row["i"]]))
    ]
    promised = pd.DataFrame(company.PROMISED, columns=["item_id", "location_id", "allocated", "backorders"])
    today = pd.DataFrame(rows).merge(promised, how="left", on=["item_id", "location_id"])
    again = today.duplicated(["item_id", "location_id"])
    today.loc[again, ["allocated", "backorders"]] = np.nan
    columns = ["item_id", "location_id", "as_of", "on_hand", "allocated", "backorders", "lot_id", "expiry_date"]
    return pd.concat([history, today]).reindex(columns=columns)


def _listed() -> pd.DataFrame:
    """Every item and place that may hold stock, with their positions `i` and `p` in the simulation."""
    items, places = company.build_items()["item_id"].tolist(), company.build_locations()["location_id"].tolist()
    return pd.DataFrame(
        [
            {"item_id": item, "location_id": place, "i": i, "p": p}
            for i, item in enumerate(items)
            for p, place in enumerate(places)
            if item not in company.NOT_RANGED.get(place, ())
        ]
    )


def _lots(lots: Ints, *, perishes: bool) -> list[tuple[int, dict[str, object]]]:
    if not perishes or not lots.any():
        return [(int(lots.sum()), {})]
    expiry = {left: _date(company.DAYS - 1 + int(left)) for left in np.flatnonzero(lots)}
    return [(int(lots[n]), {"lot_id": f"L{day:%y%m%d}", "expiry_date": day}) for n, day in expiry.items()]


def _items(_: Simulation) -> pd.DataFrame:
    columns = [
        "item_id",
        "item_name",
        "category",
        "unit_cost",
        "unit_price",
        "supplier_id",
        "lead_time_days",
        "moq",
        "order_multiple",
        "max_order",
        "max_stock",
        "shelf_life_days",
        "volume",
        "life_cycle",
        "launch_on",
        "ends_on",
        "like_item_id",
        "predecessor_id",
    ]
    return company.build_items()[columns]


def _item_locations(_: Simulation) -> pd.DataFrame:
    items, places = company.build_items(), company.build_locations()
    stores = places[_STORES].to_dict("records")
    packs, display = company.store_packs(items), company.presentation_stock(items)
    return pd.DataFrame(
        [
            {
                "item_id": item,
                "location_id": store["location_id"],
                "source_id": store["source"],
                "order_multiple": packs[i],
                "presentation_stock": display[i],
                "ranged": item not in company.NOT_RANGED.get(str(store["location_id"]), ()),
            }
            for i, item in enumerate(items["item_id"])
            for store in stores
        ]
    )


def _locations(_: Simulation) -> pd.DataFrame:
    return company.build_locations()[["location_id", "location_name", "kind", "capacity", "priority"]]


def _suppliers(_: Simulation) -> pd.DataFrame:
    return company.build_suppliers().drop(columns=["late_by", "late_sd"])


def _named(lines: pd.DataFrame) -> pd.DataFrame:
    items = company.build_items()
    return lines.assign(
        item_id=items["item_id"].to_numpy()[lines["item"]], supplier_id=items["supplier_id"].to_numpy()[lines["item"]]
    )


def _open_orders(days: Simulation) -> pd.DataFrame:
    bought = _named(days.purchases[days.purchases["arrives"] >= company.DAYS]).rename(columns={"promised": "due"})
    sent = _named(days.transfers).drop(columns="supplier_id")
    item, place, ordered, due, units = company.NEVER_DELIVERED
    supplier = company.build_items().set_index("item_id").loc[item, "supplier_id"]
    lost = pd.DataFrame(
        [
            {
                "item_id": item,
                "location_id": place,
                "supplier_id": supplier,
                "order_id": "PO-MANUAL-7",
                "quantity": units,
                "ordered": company.DAYS - ordered,
                "due": company.DAYS - due,
            }
        ]
    )
    lines = pd.concat([lost, bought, sent])
    lines = lines.assign(ordered_on=lines["ordered"].map(_date), due_on=lines["due"].map(_date))
    return lines[["order_id", "item_id", "location_id", "supplier_id", "quantity", "ordered_on", "due_on"]]


def _receipts(days: Simulation) -> pd.DataFrame:
    since = company.DAYS - _RECEIPT_DAYS
    lines = _named(days.purchases[days.purchases["arrives"].between(since, company.DAYS - 1)])
    lines = lines.sort_values(["arrives", "order_id", "item"])
    lines = lines.assign(
        **{
            name: lines[day].map(_date)
            for name, day in (("ordered_on", "ordered"), ("promised_on", "promised"), ("received_on", "arrives"))
        }
    )
    kept = ["order_id", "item_id", "location_id", "supplier_id", "quantity", "ordered_on", "promised_on", "received_on"]
    return lines[kept]


def _lanes(_: Simulation) -> pd.DataFrame:
    stores = company.build_locations()[_STORES]
    lanes = stores.rename(columns={"source": "source_id", "location_id": "destination_id"})
    return lanes.assign(cost_per_unit=0.02 + 0.01 * lanes["transit_days"])[
        ["source_id", "destination_id", "transit_days", "cost_per_unit"]
    ]


def _events(_: Simulation) -> pd.DataFrame:
    columns = ["starts_on", "ends_on", "uplift", "item_id", "category", "location_id", "event_name"]
    return pd.DataFrame(company.EVENTS, columns=columns)


def _counts(days: Simulation) -> pd.DataFrame:
    """Forty shelves counted in the last weeks; most books are right, some are a little too high."""
    rng = np.random.default_rng(SEED + 1)
    listed = _listed()
    chosen = listed.iloc[np.sort(rng.choice(len(listed), 40, replace=False))]
    day = rng.integers(company.DAYS - 60, company.DAYS, len(chosen))
    book = days.closing[day, chosen["i"], chosen["p"]]
    gone = np.minimum(rng.poisson(0.25 + 0.004 * book) * (rng.random(len(chosen)) < 0.4), book)
    counts = chosen.assign(counted_on=[_date(d) for d in day], counted=book - gone, book=book)
    return counts[["item_id", "location_id", "counted_on", "counted", "book"]]


def _customer_orders(_: Simulation) -> pd.DataFrame:
    orders = pd.DataFrame(company.CUSTOMER_ORDERS, columns=["item_id", "location_id", "quantity", "due_on"])
    return orders.assign(order_id=[f"CO-{n:03d}" for n in range(1, len(orders) + 1)])


_BUILDERS: Mapping[str, Callable[[Simulation], pd.DataFrame]] = MappingProxyType(
    {
        "sales": _sales,
        "stock": _stock,
        "items": _items,
        "item_locations": _item_locations,
        "locations": _locations,
        "suppliers": _suppliers,
        "open_orders": _open_orders,
        "receipts": _receipts,
        "availability": _availability,
        "customer_orders": _customer_orders,
        "lanes": _lanes,
        "events": _events,
        "counts": _counts,
    }
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the sample files, by default where the program looks for them."""
    parser = argparse.ArgumentParser(prog="python -m data.sample", description="Write the sample company's files.")
    parser.add_argument("--out", type=Path, default=SAMPLE_FOLDER, help="folder to write to")
    write_sample(parser.parse_args(arguments).out)


if __name__ == "__main__":
    main()
