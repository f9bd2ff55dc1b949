"""A hosted server for tests: its workspace, its planner, and a plan that can be shown."""

from datetime import date

import pandas as pd

from data import passphrase, service
from data.store import Workspace
from data.upload import Source
from planning import pipeline
from planning.params import Params
from planning.result import PlanResult

AS_OF = date(2026, 6, 1)
PARAMS = Params(bucket="day", horizon_days=28, library_fits=0)
WORDS = "seven quiet boats at noon"
HOSTILE = "=1+1<script>'; DROP TABLE links;-- [x](http://x) \N{SNOWMAN}"


def planner() -> service.Visitor:
    return service.Visitor("hosted", Workspace(), name="Kim")


def load(visitor: service.Visitor, more: float = 0.0) -> str:
    days = pd.date_range("2026-02-01", "2026-05-31").strftime("%Y-%m-%d")
    sold = [f"{d},{item},S1,{n + more}" for d in days for item, n in (("TEA", 4), ("PAN", 2))]
    tables = {
        "sales": "\n".join(["date,item_id,location_id,quantity", *sold]),
        "stock": "item_id,location_id,on_hand,as_of\nTEA,S1,10,2026-06-01\nPAN,S1,5,2026-06-01\n",
        "items": "item_id,item_name,category,supplier_id,unit_cost,unit_price,lead_time_days\n"
        "TEA,Tea,Food,SUP-1,3.0719,6.13,7\nPAN,Pan,Iron,SUP-2,17.0313,29.7,7\n",
    }
    read = service.preview_import({n: [Source(f"{n}.csv", text.encode())] for n, text in tables.items()})
    return service.confirm_import(visitor, read)


def plan(visitor: service.Visitor, snapshot: str, params: Params = PARAMS) -> PlanResult:
    return pipeline.plan(service.planned_inputs(visitor, snapshot), AS_OF, params, snapshot_id=snapshot)


def quick_hash() -> str:
    return passphrase.hashed(WORDS)
