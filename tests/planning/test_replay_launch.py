"""A successor in a replay: what its predecessor sold before it began is nobody's demand of it."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from planning import pipeline
from planning.params import Params
from planning.replay_known import build_known
from planning.replay_run import run_replay

AS_OF = date(2026, 6, 1)
STARTS = pd.Timestamp(AS_OF) - pd.to_timedelta(7 * np.arange(60, 0, -1), unit="D")
PARAMS = Params.from_mapping({"lead_time_days": 7})
HANDOVER = 50


def tables(launch: pd.Timestamp | None) -> dict[str, pd.DataFrame]:
    """OLD sells 20 a week, then NEW does; FIRM sells 5 throughout."""
    sold = [("OLD", STARTS[:HANDOVER], 20.0), ("NEW", STARTS[HANDOVER:], 20.0), ("FIRM", STARTS, 5.0)]
    sales = [pd.DataFrame({"date": days, "item_id": item, "quantity": units}) for item, days, units in sold]
    names = ["OLD", "NEW", "FIRM"]
    items = pd.DataFrame(
        {
            "item_id": names,
            "predecessor_id": [None, "OLD", None],
            "launch_on": pd.to_datetime([None, launch, None]),
        }
    )
    stock = pd.DataFrame({"item_id": names, "on_hand": 40.0})
    return {"sales": pd.concat(sales, ignore_index=True), "stock": stock, "items": items}


@pytest.mark.parametrize("launch", [STARTS[HANDOVER], STARTS[HANDOVER + 2], None])
def test_an_heir_is_asked_for_nothing_before_it_is_sold(launch: pd.Timestamp | None) -> None:
    given = tables(launch)
    fits = pipeline.fit(given, AS_OF, PARAMS)
    known = build_known(given, AS_OF, PARAMS, first=STARTS[30].date(), fits=fits)
    span = (STARTS[40].date(), date(2026, 5, 31))
    result = run_replay(given, AS_OF, PARAMS, fits=fits, known=known, span=span, policies=("plan",))
    rows = {item: result.item(item, "MAIN")["demand_units"].to_numpy() for item in ("OLD", "NEW", "FIRM")}
    before = HANDOVER - 40
    assert np.isnan(rows["NEW"][:before]).all()
    assert (rows["NEW"][before:] == 20).all()
    assert (rows["OLD"][:before] == 20).all()
    assert (rows["FIRM"] == 5).all()
