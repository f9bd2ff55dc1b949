"""Made-up key figures in the form of the true ones."""

import numpy as np
import pandas as pd

from planning.kpi import Kpi

MONTHS = pd.date_range("2025-12-31", periods=12, freq="ME")


def fake_kpis() -> dict[str, Kpi]:
    """One figure of each unit, one that is not known, one by supplier."""
    lines = pd.DataFrame({"item_id": ["<b>A", "B"], "location_id": ["S1", "S2"], "stock_value": [900.0, 100.0]})
    suppliers = pd.DataFrame({"supplier_id": ["=SUP"], "lines": [40], "late_share": [0.25]})

    def trend(low: float, high: float) -> pd.DataFrame:
        return pd.DataFrame({"date": MONTHS, "value": np.linspace(low, high, 12)})

    made = [
        Kpi("margin_at_risk", "Margin at risk", 100.0, "money", "on 16 Nov 2026", "units x margin", "the plan"),
        Kpi(
            "stock_value", "Stock value", 1000.0, "money", "on 16 Nov 2026", "units x cost", "stock, items",
            covered="2 of 3 lines", trend=trend(800, 1000), items=lines,
        ),
        Kpi("turnover", "Inventory turnover", 7.98, "times a year", "12 months to 31 Oct 2026", "cogs / stock", "book"),
        Kpi("days_of_supply", "Days of supply (looking forward)", 18.7, "days", "on 16 Nov 2026", "stock/demand", "p"),
        Kpi(
            "stockout_rate", "Stock-out rate", None, "share", "12 months to 31 Oct 2026", "empty days / days",
            "availability", missing="Bring availability: one row a day of <i>empty</i> shelf.",
        ),
        Kpi("drifting_forecasts", "Drifting forecasts", 3.0, "lines", "on 16 Nov 2026", "counted", "accuracy"),
        Kpi(
            "supplier_on_time", "Suppliers on time", 0.75, "share", "12 months to 31 Oct 2026", "lines / lines",
            "receipts", better="higher", trend=trend(0.9, 0.75), items=suppliers,
        ),
        Kpi("shrinkage", "Shrinkage", 12.5, "money", "12 months to 31 Oct 2026", "book - count", "counts"),
    ]  # fmt: skip
    return {one.key: one for one in made}
