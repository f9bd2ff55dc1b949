"""What the tables told on a past morning: nothing of what came after it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from types import MappingProxyType

import numpy as np
import pandas as pd

from planning.forecast import LIBRARY
from planning.inputs import Inputs, empty_table
from planning.params import Params

BEFORE: Mapping[str, str] = MappingProxyType({"sales": "date", "availability": "date"})
"""What happened in the course of a day: known of the days before the morning."""
UNTIL: Mapping[str, str] = MappingProxyType({"stock": "as_of", "receipts": "received_on", "counts": "counted_on"})
"""What was found on a morning: known of that one too; a count without a date is of today."""
UNDATED = ("open_orders", "customer_orders", "forecasts", "overrides", "pins", "transfer_pins")
"""What is told today, and not since when."""
NOTES = (
    "Master data (suppliers, lead times, packs, prices, the network) are those of today on every past morning.",
    "Own forecasts, customers' orders, corrections and pins are left out: nothing tells since when they were known.",
    "Models that must be fitted anew at each morning are left out; those of the smoothing family stand in for them.",
)


def known_then(inputs: Inputs, morning: date, event_notice_days: int = 0) -> Inputs:
    """Return the tables as they stood on a past morning.

    Parameters
    ----------
    inputs : as `planning.inputs.read_tables` returns them for today.
    morning : nothing of this day has been sold yet; its stock was counted and its deliveries are in.
    event_notice_days : an event was told so many days before it began; no table says when. 0: on its first day.

    Source: a replay must not know what came later; the test moves all later sales and finds the same forecasts.
    """
    day = pd.Timestamp(morning)
    tables = dict(inputs.tables)
    for name, column in BEFORE.items():
        tables[name] = _rows(tables[name], tables[name][column] < day)
    for name, column in UNTIL.items():
        tables[name] = _rows(tables[name], tables[name][column] <= day)
    for name in tables:
        if name in UNDATED or name.startswith("approved_"):
            tables[name] = empty_table(name)
    told = tables["events"]["starts_on"] - pd.to_timedelta(event_notice_days, unit="D")
    tables["events"] = _rows(tables["events"], told <= day)
    # Whether an item is new, ending or dead is said of today; its first and last day of sale are plain dates.
    tables["items"] = tables["items"].assign(life_cycle=None)
    return Inputs(tables, ())


def _rows(frame: pd.DataFrame, keep: pd.Series) -> pd.DataFrame:
    return frame if bool(keep.all()) else frame[np.asarray(keep, bool)].reset_index(drop=True)


def params_then(params: Params) -> Params:
    """Return the parameters for past mornings: nothing supposed of the future, no models fitted anew."""
    model = "auto" if params.forecast_model in LIBRARY else params.forecast_model
    return replace(params, demand_multiplier=1.0, what_if=(), library_fits=0, forecast_model=model)
