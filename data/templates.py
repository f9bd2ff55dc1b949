"""A workbook to fill in: one sheet a table of the contract, the meaning of each column, two rows of example.

The examples are one small company, so that the workbook imports as it is and gives a plan.
"""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd

from data.export import input_workbook
from data.validate import absent
from planning.tables import INPUT_TABLES, Column

Pair = tuple[object, object]

FILE_NAME = "stockcast-template.xlsx"

_EXAMPLES: Mapping[str, Pair] = MappingProxyType(
    {
        "item_id": ("00012", "TEA-250"),
        "location_id": ("STORE-1", "STORE-2"),
        "supplier_id": ("SUP-1", "SUP-2"),
        "source_id": ("WAREHOUSE", "WAREHOUSE"),
        "destination_id": ("STORE-1", "STORE-2"),
        "order_id": ("1001", "1002"),
        "date": ("2026-10-26", "2026-10-27"),
        "as_of": ("2026-11-02", "2026-11-02"),
        "due_on": ("2026-11-09", "2026-11-11"),
        "ship_on": ("2026-11-02", "2026-11-02"),
        "arrives_on": ("2026-11-03", "2026-11-04"),
        "approved_on": ("2026-11-02", "2026-11-02"),
        "ordered_on": ("2026-10-12", "2026-10-14"),
        "received_on": ("2026-10-22", "2026-10-28"),
        "promised_on": ("2026-10-21", "2026-10-28"),
        "counted_on": ("2026-10-30", "2026-10-30"),
        "starts_on": ("2026-12-01", "2026-12-24"),
        "ends_on": ("2026-12-14", "2026-12-26"),
        "expiry_date": ("2027-03-31", None),
        "launch_on": (None, "2026-03-02"),
        "ends_on of items": (None, None),
        "date of forecasts": ("2026-11-02", "2026-11-09"),
        "order_id of open_orders": ("PO-77", "PO-78"),
        "order_id of receipts": ("PO-70", "PO-71"),
        "order_id of customer_orders": ("C-5", "C-6"),
        "location_id of locations": ("WAREHOUSE", "STORE-1"),
        "quantity": (3, 1),
        "quantity of open_orders": (48, 24),
        "quantity of receipts": (60, 24),
        "quantity of forecasts": (21, 18),
        "unit_price": (4.5, 12.9),
        "unit_cost": (2.1, 7.25),
        "channel": ("shop", "online"),
        "on_hand": (40, 12),
        "allocated": (2, 0),
        "backorders": (0, 0),
        "lot_id": ("L-1", None),
        "item_name": ("Biscuits 200 g", "Green tea 250 g"),
        "category": ("Snacks", "Tea"),
        "category of events": ("Snacks", None),
        "item_id of events": (None, "TEA-250"),
        "location_id of events": (None, None),
        "event_name": ("December promotion", "Closed for the holidays"),
        "uplift": (1.3, 0),
        "lead_time_days": (10, 14),
        "lead_time_sd_days": (2, 3),
        "moq": (12, 0),
        "order_multiple": (12, 6),
        "min_stock": (6, 3),
        "shelf_life_days": (180, None),
        "volume": (0.8, 0.4),
        "life_cycle": ("active", "new"),
        "presentation_stock": (2, 1),
        "ranged": (1.0, 1.0),
        "location_name": ("Central warehouse", "High Street"),
        "kind": ("warehouse", "store"),
        "priority": (2, 1),
        "supplier_name": ("Bakers & Co", "Tea Trading"),
        "review_period_days": (7, 14),
        "order_weekday": ("monday", "tuesday"),
        "min_order_value": (150, None),
        "order_cost": (20, 35),
        "in_stock": (1.0, 0.5),
        "transit_days": (1, 2),
        "cost_per_unit": (0.1, 0.15),
        "override_id": ("C-1", "C-2"),
        "item_id of overrides": (None, "TEA-250"),
        "category of overrides": ("Snacks", None),
        "location_id of overrides": (None, "STORE-1"),
        "kind of overrides": ("percent", "set_units"),
        "value": (10, 24),
        "locked": (0.0, 1.0),
        "reason": ("New recipe", "Ordered by a club"),
        "policy": (None, "R,S"),
        "service_target": (None, 0.98),
        "order_number": ("PO-2026-0001", "PO-2026-0002"),
        "quantity of approved_orders": (48, 24),
        "transfer_number": ("TR-2026-0001", "TR-2026-0001"),
        "quantity of approved_transfers": (24, 12),
        "quantity of transfer_pins": (30, 0),
        "planned_on": (None, None),
        "reason of transfer_pins": ("The shop window is being filled", "Closed next week"),
        "pin_id": ("P-1", "P-2"),
        "kind of pins": ("safety_stock", "service_target"),
        "value of pins": (18, 0.99),
        "reason of pins": ("Delivered late last winter", "Must never run out"),
        "made_by": ("Kim", "Kim"),
        "made_at": ("2026-11-02T08:15:00", "2026-11-02T08:20:00"),
        "counted": (39, 12),
        "book": (40, 12),
    }
)
"""Two cells by column, or by "column of table"; a column without is left empty."""


def template() -> bytes:
    """Return the Excel workbook: one sheet a table, the meaning of each column as a note, two rows of example."""
    return input_workbook(example_frames())


def example_frames() -> dict[str, pd.DataFrame]:
    """Return the examples as contract frames, two rows a table."""
    return {
        name: pd.DataFrame({column.name: _cells(column, name) for column in table.columns})
        for name, table in INPUT_TABLES.items()
    }


def _cells(column: Column, table: str) -> pd.Series:
    pair = _EXAMPLES.get(f"{column.name} of {table}", _EXAMPLES.get(column.name))
    if pair is None:
        return absent(column, 2)
    if column.kind == "date":
        return pd.Series(np.array(pair, dtype="datetime64[s]"))
    return pd.Series(pair, dtype=object if column.kind in ("id", "text") else "float64")
