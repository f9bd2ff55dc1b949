"""Reports: a workbook without a formula, a page that needs nothing but itself, and the command that writes both."""

import io
import json
import re
import zipfile
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser

import pandas as pd
import pytest

from data import report_book
from pages.components.report_html import report_html
from pages.components.scenario_words import supposed
from planning import scenario
from planning.__main__ import main
from planning.params import Params
from tests.pages.fake_plan import fake_plan

HOSTILE = (
    '=HYPERLINK("http://evil.example","x")',
    "<script>fetch('http://evil.example')</script>",
    "</script><img src=x onerror=alert(1)>",
    '"><iframe src=http://evil.example>',
    "@SUM(A1)\t+1",
    "%{x}<b>bold",
)


class Page(HTMLParser):
    """The tags of a page, what they point to, and its text outside of scripts and styles."""

    def __init__(self) -> None:
        super().__init__()
        self.tags, self.points, self.said, self._inside = [], [], [], ""

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self._inside = tag
        self.points += [value for name, value in attrs if name in ("src", "href", "action", "data")]
        self.points += [name for name, _ in attrs if name.startswith("on")]

    def handle_endtag(self, _):
        self._inside = ""

    def handle_data(self, data):
        if self._inside not in ("script", "style"):
            self.said.append(data)


def read(text: str) -> Page:
    page = Page()
    page.feed(text)
    return page


def sheets(payload):
    return pd.read_excel(io.BytesIO(payload), sheet_name=None, engine="calamine", dtype=object)


def about(plan, **more):
    told = {"name": "Plan of Monday", "method_version": "7", "made_on": date(2026, 5, 4), **more}
    return report_book.report_about(plan, **told)


@pytest.fixture(scope="module")
def plan():
    return fake_plan()


@pytest.fixture(scope="module")
def hostile(plan):
    """The same with markup and formulas wherever a user may write."""
    names = plan.items["item_id"].unique()
    renamed = {name: f"{HOSTILE[n % len(HOSTILE)]}{n}" for n, name in enumerate(names)}
    frames = {
        name: frame.assign(item_id=frame["item_id"].map(renamed).fillna(frame["item_id"]))
        for name in (
            "replenishment",
            "orders",
            "planned_orders",
            "allocation",
            "exceptions",
            "policy",
            "forecast",
            "items",
        )
        if "item_id" in (frame := getattr(plan, name))
    }
    keys = plan.projection.keys.assign(item_id=plan.projection.keys["item_id"].map(renamed))
    projection = replace(plan.projection, keys=keys)
    params = Params(currency="<b>€", what_if=[{"kind": "demand", "factor": 1.1, "category": HOSTILE[2]}])
    return replace(plan, **frames, projection=projection, params=params, notes=HOSTILE)


def test_a_report_tells_data_parameters_method_and_date(plan):
    told = about(plan, text="For Tuesday", changes=("Demand +15 %",))
    text = " ".join(read(report_html(plan, told)).said)
    for word in (
        "Plan of Monday",
        "2026-05-04",
        "fake",
        "Method version",
        "7",
        "service_target",
        "0.95",
        "For Tuesday",
    ):
        assert word in text, word
    book = sheets(report_book.report_book(plan, told))
    assert {"totals", "replenishment", "orders", "about"} <= set(book)
    rows = {str(key): str(value) for key, value in book["about"].itertuples(index=False)}
    assert rows["Method version"] == "7"
    assert rows["Data"] == "fake"
    assert rows["Parameter service_target"] == "0.95"
    assert rows["Supposed 1"] == "Demand +15 %"


def other_than(plan):
    """The same with more ordered, and other risks."""
    lines = plan.replenishment.copy()
    lines["order_quantity"] += 6.0
    lines["risk"] = lines["risk"].map({"red": "green", "green": "red", "amber": "amber"})
    sent = plan.allocation.assign(quantity=plan.allocation["quantity"] + 2.0)
    return replace(plan, replenishment=lines, allocation=sent, params=plan.params.but(service_target=0.98))


def test_a_report_of_several_tells_each_beside_the_first_and_the_lines_that_differ(plan):
    plans = {"Today's plan": plan, "More": other_than(plan), "Same": replace(plan)}
    beside = scenario.compare(plans)
    words = supposed(beside)
    assert words == ("More: Service target: 95 % → 98 %", "Same: nothing differs")
    assert supposed(scenario.compare({"a": plan, "b": plans["More"]})) == ("Service target: 95 % → 98 %",)
    told, changes = about(plan, changes=words), report_book.compared_sheets(beside, None)
    book = sheets(report_book.report_book(plan, told, changes))
    assert {"measures", "weeks", "risk_changes", "order_changes", "transfer_changes", "about"} <= set(book)
    assert set(book["measures"]["scenario"]) == set(plans)
    assert len(book["order_changes"]) == len(plan.replenishment)
    assert set(book["order_changes"]["scenario"]) == {"More"}
    assert (book["order_changes"]["change_units"].astype(float) == 6).all()
    assert (book["transfer_changes"]["change_units"].astype(float) == 2).all()
    moved = int((plan.replenishment["risk"] != "amber").sum())
    assert len(book["risk_changes"]) == moved
    text = " ".join(read(report_html(plan, told, beside, changes)).said)
    for word in (
        "Side by side",
        "More",
        "Same",
        "Orders that differ",
        "Transfers that differ",
        "Change (units)",
        "Change in money (€)",
        words[0],
    ):
        assert word in text, word
    assert f"{moved} rows" in text


def test_no_text_of_a_user_becomes_markup_a_script_or_an_address(hostile):
    for words in HOSTILE:
        told = about(hostile, name=words, text=words, changes=(words,))
        beside = scenario.compare({"Today's plan": hostile, words: other_than(hostile)})
        changes = report_book.compared_sheets(beside, None)
        assert all(len(changes[name]) for name in ("risk_changes", "order_changes"))
        text = report_html(hostile, told, beside, changes)
        page = read(text)
        assert page.points == []
        assert {"iframe", "img", "link", "object", "embed", "form", "a", "base"}.isdisjoint(page.tags)
        assert "default-src 'none'" in text
        assert words in " ".join(page.said)
        # Outside of the library's own code nothing else runs.
        own = re.findall(r"<script[^>]*>(.*?)</script>", text, flags=re.S)[1:]
        assert own
        assert all("Plotly.newPlot" in script or "PlotlyConfig" in script for script in own)
        assert all("<" not in script.replace("<=", "") or "evil" not in script for script in own)


def test_no_cell_of_a_workbook_is_a_formula_or_a_link(hostile):
    changes = report_book.compared_sheets(
        scenario.compare({HOSTILE[0]: hostile, HOSTILE[4]: other_than(hostile)}), None
    )
    payload = report_book.report_book(hostile, about(hostile, name=HOSTILE[0], text=HOSTILE[4]), changes)
    with zipfile.ZipFile(io.BytesIO(payload)) as parts:
        sheets = [parts.read(name).decode() for name in parts.namelist() if name.startswith("xl/worksheets/sheet")]
        assert not [name for name in parts.namelist() if "externalLink" in name or "hyperlink" in name.lower()]
    assert sheets
    assert not any("<f>" in sheet or "<f " in sheet or "<hyperlink" in sheet for sheet in sheets)


def test_a_plan_without_orders_or_costs_has_a_report(plan):
    poor = replace(
        plan,
        orders=plan.orders.iloc[:0],
        allocation=plan.allocation.iloc[:0],
        exceptions=plan.exceptions.iloc[:0],
        items=plan.items.assign(unit_cost=float("nan"), unit_price=float("nan")),
        totals={**plan.totals, "order_value": None},
    )
    text = report_html(poor, about(poor))
    assert "None." in text
    assert report_book.report_book(poor, about(poor))


def test_the_command_writes_both_and_compares_a_scenario(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("STOCKCAST_HOME", str(tmp_path / "home"))
    days = pd.date_range("2026-01-01", "2026-05-31")
    sales, stock, params = tmp_path / "sales.csv", tmp_path / "stock.csv", tmp_path / "params.json"
    pd.DataFrame({"date": days, "item_id": "a", "quantity": 10}).to_csv(sales, index=False)
    stock.write_text("item_id,on_hand\na,40\n", encoding="utf-8")
    params.write_text(json.dumps({"what_if": [{"kind": "demand", "factor": 1.2}]}), encoding="utf-8")
    files = ["--sales", str(sales), "--stock", str(stock), "--as-of", "2026-06-01", "--processes", "1"]
    out = tmp_path / "out"
    assert main(["report", *files, "--params", str(params), "--out", str(out), "--name", "<b>June"]) == 0
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;June" in page
    assert "demand" in page
    assert next(iter(sheets((out / "report.xlsx").read_bytes()))) == "totals"
    assert main(["report", *files, "--scenario", "Summer", "--out", str(out)]) == 2
    assert "--workspace" in capsys.readouterr().err
