"""What people decide about orders: pins, approvals and their numbers, matches, snoozes, notes, undo."""

import io
import zipfile
from datetime import date
from pathlib import Path


import pandas as pd
import pytest

from data import acting, service
from data.store import Workspace
from data.upload import Source
from planning import pipeline
from planning.errors import InputError
from planning.params import Params
from planning.result import PlanResult

AS_OF = date(2026, 6, 1)
PARAMS = Params(service_target=0.95, bucket="day")
HOSTILE = "=1+1<script>'; DROP TABLE decisions;-- [x](http://x) \N{SNOWMAN}"


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOCKCAST_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("STOCKCAST_CATALOG", raising=False)
    monkeypatch.setattr(acting, "person", lambda _: "kim")


@pytest.fixture
def owner() -> service.Visitor:
    return service.Visitor("local", Workspace())


def files(**more: str) -> dict[str, str]:
    days = pd.date_range("2026-01-01", "2026-05-31").strftime("%Y-%m-%d")
    sold = [f"{day},{item},S1,{n}" for day in days for item, n in (("00012", 10), ("TEA", 4), ("JAM", 2))]
    return {
        "sales": "\n".join(["date,item_id,location_id,quantity", *sold]),
        "stock": "item_id,location_id,on_hand,as_of\n00012,S1,40,2026-06-01\nTEA,S1,10,2026-06-01\nJAM,S1,500,2026-06-01\n",
        "items": "item_id,item_name,category,supplier_id,unit_cost,unit_price,lead_time_days,moq,order_multiple\n"
        f'00012,"{HOSTILE}",Snacks,SUP-1,2,4,7,12,6\nTEA,Tea,Tea,SUP-2,3,6,7,,\nJAM,Jam,Tea,SUP-2,1,2,7,,\n',
        "suppliers": "supplier_id,supplier_name\nSUP-1,=cmd|'/c calc'!A1\nSUP-2,Tea Trading\n",
        **more,
    }


def load(visitor: service.Visitor, **more: str) -> str:
    read = service.preview_import({n: [Source(f"{n}.csv", text.encode())] for n, text in files(**more).items()})
    return service.confirm_import(visitor, read)


@pytest.fixture
def made(owner: service.Visitor) -> str:
    return load(owner)


def plan(visitor: service.Visitor, snapshot: str, as_of: date = AS_OF, params: Params = PARAMS) -> PlanResult:
    return pipeline.plan(service.planned_inputs(visitor, snapshot), as_of, params)


def test_smoke(owner: service.Visitor, made: str) -> None:
    result = plan(owner, made)
    assert len(result.orders)
    first = service.create_plan(owner, made, result, name="Monday")
    service.adopt_plan(owner, first)
    lines = service.approve(owner, made, result.orders)
    assert list(lines["order_number"]) == ["PO-2026-0001", "PO-2026-0002"]
    again = plan(owner, made)
    assert again.orders.empty
    second = service.rebuild_plan(owner, first, made, again)
    told = service.changes(owner, first, second)
    print(told.to_string())
    print(service.approvals(owner, made, AS_OF).to_string())
    print(service.activity(owner).to_string())
    out = service.orders_out(owner, first)
    print(out.name, zipfile.ZipFile(io.BytesIO(out.payload)).namelist())
    service.orders_out(owner, first, excel=True)
    with pytest.raises(InputError, match="taken out"):
        service.undo(owner, made)
