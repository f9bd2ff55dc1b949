"""The digest: what the Overview tells, as a workbook without a formula and a page that needs nothing but itself."""

import io
import json
import zipfile
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from data import report_book, service
from data.store import Workspace
from pages.components import digest, overview_alerts, overview_changes, overview_work
from pages.components.digest_html import digest_html
from planning.__main__ import main
from tests.pages.fake_kpi import fake_kpis
from tests.pages.fake_plan import fake_plan
from tests.pages.test_report import HOSTILE, read, sheets

ALERT = overview_alerts.Alert("k", 2, f"2 orders {HOSTILE[1]}", f"Ask {HOSTILE[2]}", 500.0, "p", units=7.0)


def about(plan, name="Digest of Monday"):
    return report_book.report_about(plan, name=name, method_version="7", made_on=date(2026, 5, 4))


def changed(item_id="A"):
    causes = dict.fromkeys(overview_changes.CAUSES, 0.0)
    row = {"item_id": item_id, "location_id": "S", "item_name": None, "supplier_id": None, "before": 1.0, "after": 5.0}
    return pd.DataFrame([row | {"change": 4.0, "value_change": 8.0, "cause": "demand"} | causes | {"demand": 4.0}])


@pytest.fixture(scope="module")
def plan():
    return fake_plan()


@pytest.fixture(scope="module")
def told(plan):
    return digest.build_digest(plan, fake_kpis(), [ALERT], changes=changed(), since="Plan of 27 April")


@pytest.fixture(scope="module")
def hostile(plan):
    """The same with markup and formulas wherever a user may write."""
    renamed = {name: f"{HOSTILE[n % len(HOSTILE)]}{n}" for n, name in enumerate(plan.items["item_id"].unique())}
    frames = {
        name: frame.assign(item_id=frame["item_id"].map(renamed))
        for name in ("replenishment", "orders", "planned_orders", "allocation", "exceptions", "policy", "items")
        if len(frame := getattr(plan, name))
    }
    frames["items"] = frames["items"].assign(item_name=HOSTILE[0])
    keys = plan.projection.keys.assign(item_id=plan.projection.keys["item_id"].map(renamed))
    odd = replace(plan, **frames, projection=replace(plan.projection, keys=keys), notes=HOSTILE)
    return digest.build_digest(odd, fake_kpis(), [ALERT], changes=changed(HOSTILE[0]), since=HOSTILE[3])


def test_the_page_tells_numbers_work_changes_alerts_and_figures(plan, told):
    text = " ".join(read(digest_html(told, about(plan))).said)
    for word in ("Digest of Monday", "Margin at risk", "Orders due today", "What changed since Plan of 27 April"):
        assert word in text
    assert "1 order line changed" in text
    assert "Inventory turnover" in text
    assert "Bring availability" in text
    assert "Parameter service_target" in text
    for why in told.work["why"].head(5):
        assert why in text


def test_the_workbook_holds_the_same_numbers(plan, told):
    book = sheets(digest.digest_book(told, about(plan)))
    assert {"numbers", "work list", "changes", "alerts", "key figures", "orders", "about"} <= set(book)
    rows = overview_work.work_rows(plan)
    assert book["work list"]["item"].astype(str).tolist() == rows["item_id"].tolist()
    stake = next(name for name in book["work list"] if name.startswith("at stake"))
    known = rows["stake"].notna().to_numpy()
    assert book["work list"][stake].astype(float)[known].to_numpy() == pytest.approx(
        rows["stake"][known].to_numpy(float)
    )
    assert book["numbers"]["value"].astype(float).to_numpy() == pytest.approx(
        [plan.lines["lost_margin"].sum(), plan.lines["excess_value"].sum(), plan.orders["line_value"].sum()]
    )
    assert set(book["numbers"]["date"]) == {plan.as_of.isoformat()}
    figures = book["key figures"].set_index("figure")
    assert figures.loc["Inventory turnover", "value"] == pytest.approx(7.98)
    # What is not known is empty and says what to bring; it is no zero.
    assert pd.isna(figures.loc["Stock-out rate", "value"])
    assert "Bring availability" in figures.loc["Stock-out rate", "to bring"]
    assert book["changes"]["why"].tolist() == ["demand +4"]


def test_no_text_of_a_user_becomes_markup_a_script_or_an_address(hostile):
    for words in HOSTILE:
        page = read(digest_html(hostile, about(hostile.plan, words)))
        assert page.points == []
        assert {"iframe", "img", "link", "object", "embed", "form", "a", "base", "i"}.isdisjoint(page.tags)
        assert words in " ".join(page.said)


def test_no_cell_of_the_workbook_is_a_formula_or_a_link(hostile):
    payload = digest.digest_book(hostile, about(hostile.plan, HOSTILE[0]))
    with zipfile.ZipFile(io.BytesIO(payload)) as parts:
        found = [parts.read(name).decode() for name in parts.namelist() if name.startswith("xl/worksheets/sheet")]
        assert not [name for name in parts.namelist() if "externalLink" in name or "hyperlink" in name.lower()]
        assert HOSTILE[0].replace('"', "&quot;").split("(")[0] in parts.read("xl/sharedStrings.xml").decode()
    assert found
    assert not any("<f>" in sheet or "<f " in sheet or "<hyperlink" in sheet for sheet in found)


def test_a_plan_without_work_costs_figures_or_a_plan_before_has_a_digest(plan):
    poor = replace(
        plan,
        replenishment=plan.lines.assign(
            order_quantity=0.0, transfer_quantity=0.0, excess_units=0.0, action="none", lost_margin=np.nan
        ),
        orders=plan.orders.iloc[:0],
        exceptions=plan.exceptions.iloc[:0],
        items=plan.items.assign(unit_cost=np.nan, unit_price=np.nan),
    )
    told = digest.build_digest(poor, {}, [])
    text = " ".join(read(digest_html(told, about(poor))).said)
    assert "Nothing calls for action today." in text
    assert "What changed" not in text
    book = sheets(digest.digest_book(told, about(poor)))
    assert "alerts" not in book
    assert set(book["numbers"]["unit"]) <= {"units", plan.params.currency or "money"}


# --- the command ------------------------------------------------------------------------------------------------------


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.setenv("STOCKCAST_HOME", str(tmp_path / "home"))
    days = pd.date_range("2026-01-01", "2026-05-31")
    sales, stock = tmp_path / "sales.csv", tmp_path / "stock.csv"
    pd.DataFrame({"date": days, "item_id": "=1+1", "quantity": 10}).to_csv(sales, index=False)
    stock.write_text("item_id,on_hand,as_of\n=1+1,40,2026-05-01\n", encoding="utf-8")
    return ["--sales", str(sales), "--stock", str(stock)]


def test_the_command_writes_both_files_of_files(files, tmp_path, capsys):
    out = tmp_path / "out"
    rest = ["--as-of", "2026-06-01", "--processes", "1", "--out", str(out)]
    assert main(["digest", *files, *rest, "--name", "<b>June"]) == 0
    page = (out / "digest.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;June" in page
    text = " ".join(read(page).said)
    # Counted a month before: the first thing to be told of.
    assert "Stale stock" in text
    assert "=1+1" in text
    book = sheets((out / "digest.xlsx").read_bytes())
    assert book["work list"]["do"].tolist() == ["Order"]
    assert "changes" not in book
    assert main(["digest", "--stock", files[3], *rest]) == 2
    assert "--sales is missing" in capsys.readouterr().err


def test_the_command_tells_what_changed_since_the_plan_of_a_workspace(files, tmp_path):
    assert main(["import", "--workspace", "main", *files]) == 0
    assert main(["plan", "--workspace", "main", "--as-of", "2026-06-01", "--processes", "1"]) == 0
    params = tmp_path / "params.json"
    params.write_text(json.dumps({"demand_multiplier": 2.0}), encoding="utf-8")
    out = tmp_path / "out"
    rest = ["--workspace", "main", "--as-of", "2026-06-01", "--processes", "1", "--out", str(out)]
    assert main(["digest", *rest, "--params", str(params)]) == 0
    book = sheets((out / "digest.xlsx").read_bytes())
    row = book["changes"].iloc[0]
    assert row["after (units)"] > row["before (units)"] > 0
    assert row["why"].startswith("demand +")
    assert "What changed since Plan of 2026-06-01" in (out / "digest.html").read_text(encoding="utf-8")
    # The plan of record itself is no change.
    assert main(["digest", *rest]) == 0
    assert "changes" not in sheets((out / "digest.xlsx").read_bytes())
    assert len(service.plans(service.Visitor("local", Workspace("main")))) == 1
