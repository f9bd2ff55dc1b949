"""What each purchase is made of, also where nothing is ordered: what two plans are compared by."""

import numpy as np
import pandas as pd

from planning.inputs import KEY
from planning.stages import Stages


def purchase_steps(stages: Stages) -> pd.DataFrame:
    """Return the steps of the waterfall of every line that buys, before limits, in one row each.

    Returns
    -------
    DataFrame, units: item_id, location_id, expected_demand (to the end of coverage), buffer (safety stock, and what is
    kept for that of the locations it feeds), stock (usable less committed, with that of the locations it feeds),
    receipts (counted, with what was approved this morning), lost_before (demand lost before arrival),
    coverage_end_days. The need is expected_demand + buffer - stock - receipts - lost_before: below zero where there is
    more than enough.
    """
    positions = stages.positions
    need, lost = stages.asked + stages.surplus, stages.lost_before
    buffer = stages.buffer + stages.kept
    steps = {
        "expected_demand": need - buffer + stages.held + stages.counted_receipts + lost,
        "buffer": buffer,
        "stock": stages.held,
        "receipts": stages.counted_receipts,
        "lost_before": lost,
        "coverage_end_days": positions.column("lead_time_days") + positions.column("coverage_days"),
    }
    rows = np.flatnonzero(positions.buys)
    keys = stages.network.keys[list(KEY)].iloc[rows].reset_index(drop=True)
    return keys.assign(**{name: np.nan_to_num(values[rows]).round(6) for name, values in steps.items()})
