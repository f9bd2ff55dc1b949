"""A made-up company of any size: stores that buy from suppliers, weekly sales, stock, prices, packs. Seeded."""

from datetime import date

import numpy as np
import pandas as pd

from data.read import Import
from data.service import Visitor, confirm_import
from data.validate import REJECTED_COLUMNS
from planning.tables import INPUT_TABLES

AS_OF = date(2026, 5, 4)
WEEKS, SEED = 104, 7
PLACES, SUPPLIERS, CATEGORIES = 10, 40, 12


def tables(lines: int, weeks: int = WEEKS, seed: int = SEED) -> dict[str, pd.DataFrame]:
    """Return sales, stock, items and suppliers of about that many item-locations, in the contract's columns."""
    chance = np.random.default_rng(seed)
    count = max(1, round(lines / PLACES))
    items = _items(count, chance)
    keys = pd.DataFrame(
        {
            "item_id": np.repeat(items["item_id"].to_numpy(object), PLACES),
            "location_id": np.tile(np.array([f"S{n:02d}" for n in range(PLACES)], object), count),
        }
    )
    weekly = np.repeat(chance.lognormal(1.0, 1.2, count), PLACES) * chance.lognormal(0.0, 0.4, len(keys))
    season = 1 + 0.3 * np.sin(np.arange(weeks) * 2 * np.pi / 52 + chance.uniform(0, 6, count).repeat(PLACES)[:, None])
    sold = chance.poisson(weekly[:, None] * season * chance.gamma(4, 0.25, (len(keys), weeks))).astype(float)
    row, week = np.nonzero(sold)
    starts = np.datetime64(AS_OF, "D") - 7 * np.arange(weeks, 0, -1)
    sales = pd.DataFrame(
        {
            "date": starts[week].astype("datetime64[s]"),
            "item_id": keys["item_id"].to_numpy(object)[row],
            "location_id": keys["location_id"].to_numpy(object)[row],
            "quantity": sold[row, week],
        }
    )
    stock = keys.assign(on_hand=np.floor(weekly * chance.uniform(0, 8, len(keys))), as_of=np.datetime64(AS_OF, "s"))
    suppliers = pd.DataFrame(
        {
            "supplier_id": [f"V{n:02d}" for n in range(SUPPLIERS)],
            "lead_time_days": chance.integers(5, 29, SUPPLIERS).astype(float),
            "lead_time_sd_days": chance.integers(1, 6, SUPPLIERS).astype(float),
            "review_period_days": 7.0,
        }
    )
    return {"sales": sales, "stock": stock, "items": items, "suppliers": suppliers}


def _items(count: int, chance: np.random.Generator) -> pd.DataFrame:
    cost = chance.lognormal(2.0, 0.9, count).round(2) + 0.05
    number = np.arange(count)
    return pd.DataFrame(
        {
            "item_id": [f"{n:05d}" for n in number],
            "item_name": [f"Article {n}" for n in number],
            "category": [f"Group {n % CATEGORIES:02d}" for n in number],
            "supplier_id": [f"V{n % SUPPLIERS:02d}" for n in number],
            "unit_cost": cost,
            "unit_price": (cost * chance.uniform(1.2, 2.2, count)).round(2),
            "order_multiple": chance.choice([1.0, 6.0, 12.0], count),
        }
    )


def workspace(visitor: Visitor, lines: int) -> str:
    """Keep such a company in the visitor's workspace, as an import does, and return its snapshot's id."""
    frames = {name: frame.reindex(columns=list(INPUT_TABLES[name].names)) for name, frame in tables(lines).items()}
    rows = {name: {"read": len(f), "accepted": len(f), "rejected": 0} for name, f in frames.items()}
    read = Import(frames, pd.DataFrame(columns=list(REJECTED_COLUMNS)), rows, ["A made-up company."])
    return confirm_import(visitor, read, replace_everything=True)
