"""Pins laid on a base that was prepared without them give the very plan of one prepared with them."""

import numpy as np
import pandas as pd

from planning import pipeline
from planning.params import Params
from planning.tables import INPUT_TABLES
from tests.benchmarks import made

PARAMS = Params(library_fits=0)


def test_pins_on_a_prepared_base_are_those_of_a_new_one():
    tables = made.tables(40, weeks=60)
    fits = pipeline.fit(tables, made.AS_OF, PARAMS)
    told = [
        ("00000", "S00", "safety_stock", 25.0),
        ("00001", "S01", "service_target", 0.8),
        ("00002", "S02", "order_quantity", 37.0),
        ("nobody", "S02", "safety_stock", 5.0),
    ]
    pins = pd.DataFrame(told, columns=["item_id", "location_id", "kind", "value"]).assign(
        pin_id=[f"p{n}" for n in range(4)], made_at="2026-05-04T08:00:00", order_on=pd.NaT
    )
    pins = pins.reindex(columns=list(INPUT_TABLES["pins"].names))
    pins["order_on"] = pd.to_datetime(pins["order_on"]).astype("datetime64[s]")
    plain = pipeline.prepare(tables, made.AS_OF, PARAMS, fits=fits)
    laid = pipeline.finish(pipeline.with_pins(plain, pins), made.AS_OF, PARAMS)
    anew = pipeline.plan(tables | {"pins": pins}, made.AS_OF, PARAMS, fits=fits)
    for name in ("policy", "replenishment", "orders", "waterfall"):
        pd.testing.assert_frame_equal(getattr(laid, name), getattr(anew, name))
    assert set(laid.notes) == set(anew.notes)
    untouched = pipeline.finish(plain, made.AS_OF, PARAMS)
    assert not np.allclose(laid.policy["safety_stock"], untouched.policy["safety_stock"])
