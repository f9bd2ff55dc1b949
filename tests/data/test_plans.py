"""Kept plans: made in two steps, adopted, superseded, compared; orders out, safe to open; catalogs of before."""

import io
import sqlite3
import zipfile
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data import service
from data.export import download_name
from data.plans import CAUSES, compare
from data.store import Workspace
from planning.errors import InputError
from planning.params import Params
from tests.data import test_ordering
from tests.data.test_ordering import AS_OF, HOSTILE, PARAMS, files, load, pin, plan

_own_home, owner, made = test_ordering._own_home, test_ordering.owner, test_ordering.made  # noqa: SLF001 - fixtures


def keep(visitor: service.Visitor, snapshot: str, name: str = "Monday", **more: Any) -> str:
    asked = {key: more.pop(key) for key in ("as_of", "params") if key in more}
    return service.create_plan(visitor, snapshot, plan(visitor, snapshot, **asked), name=name, **more)


# --- keeping ----------------------------------------------------------------------------------------------------------


def test_a_plan_is_a_draft_then_of_record_then_superseded(owner: service.Visitor, made: str) -> None:
    first, second = keep(owner, made), keep(owner, made, "Tuesday")
    third = keep(owner, made, "Stores", kind="allocation")
    assert {plan.status for plan in service.plans(owner)} == {"draft"}
    service.adopt_plan(owner, first)
    service.adopt_plan(owner, third)
    service.adopt_plan(owner, second)
    told = {plan.plan_id: plan for plan in service.plans(owner)}
    assert [told[name].status for name in (first, second, third)] == ["superseded", "plan of record", "plan of record"]
    kept = told[second]
    assert (kept.name, kept.kind, kept.as_of, kept.made_by, kept.adopted_by) == (
        "Tuesday", "replenishment", AS_OF, "kim", "kim",
    )  # fmt: skip
    assert Params.from_json(kept.params) == PARAMS
    assert kept.totals["lines"] == 2
    assert kept.snapshot_id == made


def test_a_plan_keeps_its_lines_whatever_comes_after(owner: service.Visitor, made: str) -> None:
    result = plan(owner, made)
    name = keep(owner, made)
    service.approve(owner, made, result.orders)
    load(owner, stock="item_id,location_id,on_hand,as_of\n00012,S1,999,2026-06-01\n")
    lines = service.plan_lines(owner, name)
    assert dict(zip(lines["item_id"], lines["order_quantity"], strict=True)) == dict(
        zip(result.orders["item_id"], result.orders["quantity"], strict=True)
    )
    assert len(service.plan_lines(owner, name, all_lines=True)) == 3
    assert lines["item_name"].tolist() == [HOSTILE, "Tea"]


def test_a_scope_leaves_out_the_rest_and_names_only_what_is_there(owner: service.Visitor, made: str) -> None:
    name = keep(owner, made, categories=["Tea"], suppliers=["SUP-2"], locations=["S1"])
    assert service.plan_lines(owner, name, all_lines=True)["item_id"].tolist() == ["JAM", "TEA"]
    for scope, said in (
        ({"suppliers": ["SUP-9"]}, "'SUP-9' among its suppliers"),
        ({"locations": [HOSTILE]}, "among its locations"),
        ({"categories": ["Snacks"], "suppliers": ["SUP-2"]}, "no line lies in this scope"),
        ({"kind": "guess"}, "no kind of plan"),
        ({"name": " "}, "name is missing"),
        ({"name": "x" * 201}, "201 characters"),
    ):
        with pytest.raises(InputError, match=said):
            keep(owner, made, **scope)
    assert len(service.plans(owner)) == 1
    assert service.check_plan("  Autumn ", "allocation") == "Autumn"


def test_a_rebuilt_plan_has_its_name_and_what_is_left_of_its_scope(owner: service.Visitor, made: str) -> None:
    name = keep(owner, made, suppliers=["SUP-1", "SUP-2"])
    items = "\n".join(line for line in files()["items"].splitlines() if "SUP-1" not in line)
    later = load(owner, items=items)
    again = service.rebuild_plan(owner, name, later, plan(owner, later))
    kept = next(plan for plan in service.plans(owner) if plan.plan_id == again)
    assert (kept.name, kept.status, kept.scope["suppliers"]) == ("Monday", "draft", ["SUP-2"])
    only = keep(owner, made, suppliers=["SUP-1"])
    with pytest.raises(InputError, match="none of the plan's suppliers"):
        service.rebuild_plan(owner, only, later, plan(owner, later))


def test_a_catalog_of_an_earlier_version_gets_the_table_and_keeps_the_rest(owner: service.Visitor, made: str) -> None:
    service.note(owner, made, "x", item_id="TEA")
    path = owner.workspace.root / "catalog.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE plans")
    again = service.Visitor("local", Workspace())
    assert service.plans(again) == []
    assert len(service.notes(again, made)) == 1
    service.adopt_plan(again, keep(again, made))
    assert [plan.status for plan in service.plans(again)] == ["plan of record"]


def test_leaving_takes_the_plans_along(owner: service.Visitor, made: str) -> None:
    name = keep(owner, made)
    service.delete_everything(owner)
    assert service.plans(owner) == []
    with pytest.raises(InputError, match="no plan"):
        service.plan_lines(owner, name)


# --- what changed -----------------------------------------------------------------------------------------------------


def whole(told: pd.DataFrame) -> None:
    """The causes of each line add up to its change."""
    np.testing.assert_allclose(told[list(CAUSES)].sum(axis=1), told["change"], atol=1e-5)
    np.testing.assert_allclose(told["after"] - told["before"], told["change"], atol=1e-5)
    assert (told["change"] != 0).all()


def test_the_same_plan_has_no_changes(owner: service.Visitor, made: str) -> None:
    assert service.changes(owner, keep(owner, made), keep(owner, made)).empty


def test_each_change_names_its_cause(owner: service.Visitor, made: str) -> None:
    old = keep(owner, made)

    def cause(new: str) -> dict[str, str]:
        told = service.changes(owner, old, new)
        whole(told)
        return dict(zip(told["item_id"], told["cause"], strict=True))

    stock = files()["stock"].replace("TEA,S1,10,", "TEA,S1,40,")
    assert cause(keep(owner, load(owner, stock=stock))) == {"TEA": "stock"}
    sales = files()["sales"].replace(",TEA,S1,4", ",TEA,S1,8")
    assert cause(keep(owner, load(owner, stock=files()["stock"], sales=sales))) == {"TEA": "demand"}
    service.go_back(owner, made)
    assert cause(keep(owner, made, params=Params(service_target=0.999, bucket="day"))).get("TEA", "target") == "target"
    longer = cause(keep(owner, made, params=Params(service_target=0.95, bucket="day", coverage_days=21)))
    assert longer == {"00012": "parameters", "TEA": "parameters"}
    orders = "item_id,quantity,due_on,location_id,order_id\nTEA,20,2026-06-09,S1,X-1\n"
    assert cause(keep(owner, load(owner, open_orders=orders))) == {"TEA": "receipts"}
    service.go_back(owner, made)
    pin(owner, made, item_id="TEA", kind="order_quantity", value=3.0, order_on=AS_OF)
    assert cause(keep(owner, made)) == {"TEA": "pin"}
    service.undo(owner, made)
    pin(owner, made, item_id="TEA", value=30.0)
    assert cause(keep(owner, made)) == {"TEA": "pin"}
    service.undo(owner, made)
    service.approve(owner, made, plan(owner, made).orders)
    assert cause(keep(owner, made)) == {"00012": "receipts", "TEA": "receipts"}


def test_lines_that_came_or_went_are_told_so(owner: service.Visitor, made: str) -> None:
    everything, tea = keep(owner, made), keep(owner, made, categories=["Tea"])
    told = service.changes(owner, everything, tea)
    whole(told)
    assert told[["item_id", "cause"]].to_numpy().tolist() == [["00012", "gone"]]
    assert service.changes(owner, tea, everything)["cause"].tolist() == ["new"]
    with pytest.raises(InputError, match="different kinds"):
        service.changes(owner, tea, keep(owner, made, kind="allocation"))


UNITS = st.floats(-500, 500).map(lambda units: round(units, 3))


def side(draw: st.DrawFn, names: list[str]) -> pd.DataFrame:
    rows = []
    for name in names:
        row = {step: draw(UNITS) for step in ("expected_demand", "buffer", "stock", "receipts", "lost_before")}
        row |= {"item_id": name, "location_id": "S1", "item_name": name, "supplier_id": "S", "unit_cost": 2.0}
        row |= {"coverage_end_days": draw(st.sampled_from([7.0, 14.0, 0.0])), "order_quantity": abs(draw(UNITS))}
        row |= {
            "service_target": draw(st.sampled_from([0.9, 0.95])),
            "lead_time_days": draw(st.sampled_from([3.0, 7.0])),
        }
        row |= {"review_period_days": 7.0, "policy_type": "R,S"}
        row |= {
            name: draw(st.sampled_from([np.nan, 4.0])) for name in ("pinned_stock", "pinned_target", "pinned_order")
        }
        rows.append(row)
    return pd.DataFrame(rows)


@settings(max_examples=25, deadline=None)
@given(st.data(), st.booleans())
def test_whatever_changed_the_causes_add_up(data: st.DataObject, other: bool) -> None:  # noqa: FBT001 - drawn
    one = st.lists(st.sampled_from("abcdef"), min_size=1, max_size=6, unique=True)
    before, after = (side(data.draw, data.draw(one)) for _ in range(2))
    told = compare(before, after, other_measure=other)
    whole(told)
    back = compare(after, before, other_measure=other)
    both = told.merge(back, on=["item_id", "location_id"])
    assert len(both) == len(told)
    for name in CAUSES:  # the way back is the way there, turned round
        np.testing.assert_allclose(both[f"{name}_x"], -both[f"{name}_y"], atol=1e-5)
    assert compare(before, before).empty


# --- orders out -------------------------------------------------------------------------------------------------------


def texts(out: service.OrdersOut) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(out.payload)) as archive:
        return {name: archive.read(name).decode("utf-8-sig") for name in archive.namelist()}


def test_orders_go_out_by_supplier_with_its_item_data(owner: service.Visitor, made: str) -> None:
    result, name = plan(owner, made), keep(owner, made)
    with pytest.raises(InputError, match="no order of 2026-06-01 is approved"):
        service.orders_out(owner, name)
    service.approve(owner, made, result.orders)
    out = service.orders_out(owner, name)
    assert (out.name, out.orders, out.lines) == (download_name("Monday", AS_OF, "orders", "zip"), 2, 2)
    told = texts(out)
    assert list(told) == ["PO-2026-0001-SUP-1-S1.csv", "PO-2026-0002-SUP-2-S1.csv"]
    sheet = pd.read_csv(io.StringIO(told["PO-2026-0001-SUP-1-S1.csv"]), dtype={"item_id": str})
    row = sheet.iloc[0]
    assert row["item_id"] == "00012"
    assert (row["moq"], row["pack"], row["packs"]) == (12, 6, row["quantity"] / 6)
    assert row["value"] == row["quantity"] * 2
    assert (row["due_on"], row["order_number"]) == ("2026-06-08", "PO-2026-0001")
    # Nothing of people's text runs in a spreadsheet.
    assert row["supplier_name"] == "'=cmd|'/c calc'!A1"
    assert row["item_name"] == "'" + HOSTILE
    assert service.approvals(owner, made)["status"].tolist() == ["taken out", "taken out"]
    assert texts(service.orders_out(owner, name)) == told  # again, and as Excel: the same orders
    assert service.decisions_log(owner, made)["what"].tolist().count("Orders taken out") == 1


def test_the_workbook_has_a_sheet_a_supplier_and_no_formula(owner: service.Visitor, made: str) -> None:
    result, name = plan(owner, made), keep(owner, made, "../=1+1")
    hostile = ["[x]:*?/\\" + "y" * 40, "[x]:*?/\\" + "y" * 41]
    service.approve(owner, made, result.orders.assign(supplier_id=[hostile[0], None]))
    more = result.orders[:1].assign(item_id="JAM", supplier_id=hostile[1])
    service.approve(owner, made, more)
    out = service.orders_out(owner, name, excel=True)
    assert out.name == "1-1-2026-06-01-orders.xlsx"
    with zipfile.ZipFile(io.BytesIO(out.payload)) as book:
        parts = {part: book.read(part).decode() for part in book.namelist()}
    assert sum(part.startswith("xl/worksheets/sheet") for part in parts) == 4
    assert not any("<f>" in text for text in parts.values())
    assert "no supplier" in parts["xl/workbook.xml"]
    for part in texts(service.orders_out(owner, name)):
        assert "/" not in part
        assert ".." not in part


def test_a_plan_takes_out_only_what_lies_in_its_scope_and_morning(owner: service.Visitor, made: str) -> None:
    result = plan(owner, made)
    tea = keep(owner, made, categories=["Tea"])
    service.approve(owner, made, result.orders)
    later = result.orders.assign(order_on=pd.Timestamp("2026-06-02"), arrives_on=pd.Timestamp("2026-06-09"))
    service.approve(owner, made, later)
    out = service.orders_out(owner, tea)
    assert (out.orders, out.lines) == (1, 1)
    told = service.approvals(owner, made)
    assert told[told["status"] == "taken out"]["item_id"].tolist() == ["TEA"]
    assert date(2026, 6, 2) in set(told["ordered_on"].dt.date)
