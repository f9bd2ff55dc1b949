"""Approved orders as files for suppliers, and transfers for warehouses: one order a supplier (source) and location."""

import io
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import pandas as pd

from data.catalog import PlanRecord
from data.export import download_name, safe_csv, workbook
from planning.errors import InputError

COLUMNS = (
    "order_number",
    "supplier_id",
    "supplier_name",
    "location_id",
    "item_id",
    "item_name",
    "moq",
    "pack",
    "packs",
    "quantity",
    "unit_cost",
    "value",
    "ordered_on",
    "due_on",
)

TRANSFER_COLUMNS = (
    "transfer_number",
    "source_id",
    "source_name",
    "destination_id",
    "destination_name",
    "item_id",
    "item_name",
    "quantity",
    "ship_on",
    "arrives_on",
)


@dataclass(frozen=True)
class OrdersOut:
    """A file of orders: its name, its bytes, and how many orders and lines stand in it."""

    name: str
    payload: bytes
    orders: int
    lines: int


def order_sheet(lines: pd.DataFrame, frames: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return approved lines with what the supplier knows of the item, in the order of number and item.

    Parameters
    ----------
    lines : order_number, supplier_id, location_id, item_id, quantity, unit_cost, value, ordered_on, due_on.
    frames : the tables of the data.

    Returns
    -------
    DataFrame with the columns `COLUMNS`; pack: units of a case pack, packs: how many of them (NaN: none is told).
    """
    items = _by(frames.get("items"), ["item_id"], ["item_name", "moq", "order_multiple"])
    places = _by(frames.get("item_locations"), ["item_id", "location_id"], ["moq", "order_multiple"])
    names = _by(frames.get("suppliers"), ["supplier_id"], ["supplier_name"])
    # Without a supplier's name a key of None would meet every other one.
    out = lines.merge(items, on="item_id", how="left").merge(
        places, on=["item_id", "location_id"], how="left", suffixes=("", "_here")
    )
    out["supplier_name"] = out["supplier_id"].map(names.set_index("supplier_id")["supplier_name"])
    out["moq"] = out["moq_here"].astype(float).fillna(out["moq"].astype(float))
    out["pack"] = out["order_multiple_here"].astype(float).fillna(out["order_multiple"].astype(float))
    out["packs"] = out["quantity"] / out["pack"].where(out["pack"] > 0)
    return out.sort_values(["order_number", "item_id"], kind="stable")[list(COLUMNS)].reset_index(drop=True)


def _by(frame: pd.DataFrame | None, key: list[str], columns: list[str]) -> pd.DataFrame:
    whole = pd.DataFrame(columns=[*key, *columns]) if frame is None else frame.reindex(columns=[*key, *columns])
    whole = whole.astype(dict.fromkeys(key, object))
    return whole[whole[key].notna().all(axis=1)].drop_duplicates(key)


def orders_file(plan: PlanRecord, sheet: pd.DataFrame, *, excel: bool) -> OrdersOut:
    """Return the orders as a file: a ZIP with a CSV an order, or a workbook with a sheet a supplier.

    Parameters
    ----------
    sheet : what `order_sheet` returned.

    Raises
    ------
    InputError : there is no line, or a sheet would have more rows than Excel takes.
    """
    if sheet.empty:
        msg = f"no order of {plan.as_of} is approved within this plan: approve lines first"
        raise InputError(msg)
    about = {"plan": plan.name, "morning": plan.as_of.isoformat(), "orders": sheet["order_number"].nunique()}
    ends = ("supplier_id", "location_id")
    payload = _workbook(sheet, ends[0], "no supplier", about) if excel else _archive(sheet, "order_number", ends)
    name = download_name(plan.name, plan.as_of, "orders", "xlsx" if excel else "zip")
    return OrdersOut(name, payload, sheet["order_number"].nunique(), len(sheet))


def transfer_sheet(lines: pd.DataFrame, frames: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return approved transfers with the names of item and locations, in the order of number and item.

    Parameters
    ----------
    lines : transfer_number, item_id, source_id, destination_id, quantity, ship_on, arrives_on.
    frames : the tables of the data.

    Returns
    -------
    DataFrame with the columns `TRANSFER_COLUMNS`.
    """
    items = _by(frames.get("items"), ["item_id"], ["item_name"]).set_index("item_id")["item_name"]
    places = _by(frames.get("locations"), ["location_id"], ["location_name"]).set_index("location_id")["location_name"]
    out = lines.assign(
        item_name=lines["item_id"].map(items),
        source_name=lines["source_id"].map(places),
        destination_name=lines["destination_id"].map(places),
    )
    out = out.sort_values(["transfer_number", "item_id"], kind="stable")
    return out[list(TRANSFER_COLUMNS)].reset_index(drop=True)


def transfers_file(plan: str, as_of: date, sheet: pd.DataFrame, *, excel: bool) -> OrdersOut:
    """Return transfers as a file: a ZIP with a CSV a source and destination, or a workbook with a sheet a source.

    Parameters
    ----------
    sheet : what `transfer_sheet` returned, not empty.

    Raises
    ------
    InputError : a sheet would have more rows than Excel takes.
    """
    number, ends = "transfer_number", ("source_id", "destination_id")
    about = {"plan": plan, "morning": as_of.isoformat(), "transfers": sheet[number].nunique()}
    payload = _workbook(sheet, ends[0], "no source", about) if excel else _archive(sheet, number, ends)
    name = download_name(plan, as_of, "transfers", "xlsx" if excel else "zip")
    return OrdersOut(name, payload, sheet[number].nunique(), len(sheet))


def _archive(sheet: pd.DataFrame, by: str, ends: tuple[str, str]) -> bytes:
    """Return a ZIP with a CSV a number, named by it and by both its ends."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, lines in sheet.groupby(by, sort=True):
            supplier, place = (_told(lines[name].iloc[0]) for name in ends)
            # The same orders give the same bytes: the hour of the download stays out.
            entry = zipfile.ZipInfo(
                "-".join(part for part in (_file(number), _file(supplier), _file(place)) if part) + ".csv"
            )
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, safe_csv(lines))
    return target.getvalue()


def _workbook(sheet: pd.DataFrame, by: str, none: str, about: Mapping[str, object]) -> bytes:
    """Return a workbook with a sheet a supplier or source, called `none` where nobody is told."""
    names = sheet[by].map(_told)
    tables = {}
    for n, (name, lines) in enumerate(sheet.groupby(names.where(names != "", none), sort=True), 1):
        # A number makes every name a sheet of its own, however alike they are.
        tables[f"{n} {name}"] = lines
    return workbook(tables, about)


def _told(cell: object) -> str:
    return cell if isinstance(cell, str) else ""


def _file(text: object) -> str:
    """Return the letters and digits of an id, fit for a file's name; the number before it tells files apart."""
    return re.sub(r"[^A-Za-z0-9]+", "-", str(text))[:40].strip("-")
