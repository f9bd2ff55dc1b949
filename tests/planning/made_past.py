"""A year of a small company, made by hand, and the parts of a plan that key figures read."""

from datetime import date, timedelta
from types import SimpleNamespace

import numpy as np
import pandas as pd

from planning.fits import Fits
from planning.params import Params
from tests.planning.made_fits import AS_OF, fits_of

WEEKS = 60
MORNINGS = np.arange(np.datetime64("2025-06"), np.datetime64("2026-07")).astype("datetime64[s]")
"""First mornings of 13 months, the last that of the plan."""
YEAR = pd.date_range("2025-06-01", "2026-05-31", unit="s")


def lines_of(*pairs: tuple[str, str]) -> pd.DataFrame:
    return pd.DataFrame(pairs, columns=["item_id", "location_id"]).astype(object)


def sales_of(item: str, place: str, units: float, days: pd.DatetimeIndex = YEAR, **more: object) -> pd.DataFrame:
    """So many units on each day."""
    return pd.DataFrame({"date": days, "item_id": item, "location_id": place, "quantity": units, **more})


def stock_of(item: str, place: str, units: object, mornings: np.ndarray = MORNINGS) -> pd.DataFrame:
    """So much on each morning."""
    return pd.DataFrame({"item_id": item, "location_id": place, "as_of": mornings, "on_hand": units})


def receipt(item: str, place: str, ordered: str, promised: str | None, received: str, units: float,
            supplier: str = "V", order: str = "P1") -> dict[str, object]:  # fmt: skip
    days = {"ordered_on": ordered, "promised_on": promised, "received_on": received}
    told = {name: pd.Timestamp(day) if day else pd.NaT for name, day in days.items()}
    return {
        "item_id": item,
        "location_id": place,
        "quantity": units,
        "supplier_id": supplier,
        "order_id": order,
        **told,
    }


def table(rows: list[dict[str, object]]) -> pd.DataFrame:
    """Rows with their dates as the tables have them."""
    frame = pd.DataFrame(rows)
    for name in ("ordered_on", "promised_on", "received_on", "due_on", "counted_on", "date"):
        if name in frame:
            frame[name] = frame[name].astype("datetime64[s]")
    return frame


def fits_for(keys: pd.DataFrame, sales: pd.DataFrame, empty: np.ndarray | None = None) -> Fits:
    """Fits whose weeks hold these sales; where the shelf was `empty`, (n, weeks), demand is not known."""
    first = AS_OF - timedelta(days=7 * WEEKS)
    week = (sales["date"] - pd.Timestamp(first)).dt.days // 7
    at = pd.MultiIndex.from_frame(keys).get_indexer(pd.MultiIndex.from_frame(sales[["item_id", "location_id"]]))
    units = np.zeros((len(keys), WEEKS))
    inside = (week >= 0) & (week < WEEKS) & (at >= 0)
    np.add.at(units, (at[inside], week[inside]), sales["quantity"].to_numpy(float)[inside].clip(min=0))
    demand = units if empty is None else np.where(empty, np.nan, units)
    made = fits_of(demand, 1.0)
    parts = {name: getattr(made, name) for name in Fits.__dataclass_fields__}
    return Fits(**{**parts, "keys": keys, "sales": units.astype(np.float32)})


def plan_for(keys: pd.DataFrame, **more: object) -> SimpleNamespace:
    """What key figures read of a plan; each of `more` is a column for all lines, or a table by its name."""
    n = len(keys)
    tables = {name: more.pop(name) for name in ("orders", "planned_orders", "accuracy", "params") if name in more}
    columns = {
        "items": {"unit_cost": np.nan, "unit_price": np.nan, "fed_by": None},
        "lines": {"on_hand": 0.0, "on_order": 0.0, "excess_units": 0.0, "excess_value": np.nan,
                  "expected_lost_units": 0.0, "lost_margin": np.nan},
        "policy": {"demand_mean_per_day": 0.0},
    }  # fmt: skip
    known = {name for part in columns.values() for name in part}
    assert set(more) <= known, set(more) - known
    frames = {
        name: keys.assign(**{c: pd.Series(more.get(c, default), index=range(n)) for c, default in part.items()})
        for name, part in columns.items()
    }
    nothing = {
        "orders": ["item_id", "location_id", "supplier_id", "order_number", "quantity", "order_on", "line_value"],
        "planned_orders": ["item_id", "location_id", "supplier_id", "quantity", "order_on"],
        "accuracy": ["item_id", "location_id", "demand_units", "error_units", "bias_units", "scored", "drift"],
    }
    empty = {name: pd.DataFrame({c: pd.Series(dtype=_kind(c)) for c in names}) for name, names in nothing.items()}
    return SimpleNamespace(**frames, **{**empty, "params": Params(), **tables})


def _kind(name: str) -> str:
    units = ("quantity", "line_value", "demand_units", "error_units", "bias_units", "scored")
    return "datetime64[s]" if name == "order_on" else "float64" if name in units else "object"


def day(text: str) -> date:
    return date.fromisoformat(text)
