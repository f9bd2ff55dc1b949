"""The Import page: what is dropped, understood, judged and kept, as a person meets it."""

import re

import pytest

from data import corrections, service, templates
from data.read import read_any
from data.upload import Source
from pages.components.mapping_editor import file_key
from tests.pages.test_pages import SALES, STOCK, opened, said, widget

HOSTILE = "<img src=x onerror=alert(1)>![](http://example.org/x.png)"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("STOCKCAST_HOME", str(tmp_path))
    monkeypatch.setenv("STOCKCAST_MODE", "local")
    return tmp_path


def press(app, label):
    next(b for b in app.button if b.label == label).click()
    return app.run()


def checked(**files):
    """The page after these files were dropped and checked."""
    return press(dropped(**files), "Check the files")


def dropped(**files):
    """The page after these files were dropped; a name ends in .csv."""
    app = opened("pages/import_data.py")
    for name, content in files.items():
        widget(app, "drop_0").upload(f"{name}.csv", content.encode())
    return app.run()


def metric(app, label):
    return next(m.value for m in app.metric if label in m.label)


def test_rows_read_are_those_accepted_and_those_set_aside():
    app = checked(sales=SALES + "2026-05-01,x,many\n", stock=STOCK)
    assert not app.exception
    assert metric(app, "Rows read") == "115"
    assert metric(app, "Accepted") == "114"
    assert metric(app, "Set aside") == "1"
    assert {b.label for b in app.get("download_button")} >= {"Rows set aside (CSV)", "Rows set aside (Excel)"}


def test_what_would_change_the_plan_stands_first_with_its_effect_and_remedy():
    app = checked(sales=SALES, stock=STOCK)
    assert not app.exception
    told = said(app)
    assert "What would change the plan" in told
    assert "have no unit cost" in told
    assert "The plan:" in told
    assert "To mend it:" in told


def test_hostile_text_is_shown_to_the_letter():
    app = checked(sales=SALES.replace("A-1 <b>", HOSTILE), stock=STOCK + f"{HOSTILE},many,2026-05-01\n")
    assert not app.exception
    assert "![](http" not in said(app)
    assert "<img" not in "".join(m.value for m in app.markdown)


def card(name, n=0):
    return f"{n}_{file_key(name)}"


DOUBTFUL = "day,sku,units\n" + "".join(f"0{d}/0{m}/2026,{i},2\n" for m in (1, 2, 3) for d in (1, 2, 3) for i in "ab")
COUNTS = "item_id,location_id,on_hand,as_of\na,N,5,2026-05-01\nb,S,7,2026-05-01\n"


def test_day_or_month_first_is_asked_where_the_file_cannot_tell():
    app = dropped(sales=DOUBTFUL, stock=COUNTS)
    assert "Day or month first?" in said(app)
    assert "cannot be used as they are" in said(press(app, "Check the files"))
    key = next(w.key for w in app.get("button_group") if str(w.key).startswith("order_0"))
    widget(app, key).set_value("dd/mm/yyyy").run()
    assert not app.exception
    app = press(app, "Check the files")
    assert "sales from Thu 1 Jan 2026 to Tue 3 Mar 2026" in said(app)


def test_which_location_serves_is_asked_before_the_data_are_used():
    app = checked(sales=_iso(DOUBTFUL), stock=COUNTS)
    assert "Which location serves the sales?" in said(app)
    use = next(b for b in app.button if b.label == "Use these data")
    assert use.disabled
    widget(app, "place_-1").set_value("N").run()
    app = press(app, "Use these data")
    assert not app.exception
    visitor = service.Visitor.arriving("local")
    kept = service.inputs(visitor, service.current_snapshot(visitor))
    assert set(kept["sales"]["location_id"]) == {"N"}


def _iso(text):
    return re.sub(r"(\d\d)/(\d\d)/2026", r"2026-\2-\1", text)


def test_a_mapping_made_by_hand_is_remembered_for_the_next_file_with_that_header():
    odd = "alpha,beta,gamma\n2026-05-01,00012,3\n2026-05-02,A-1,4\n"
    app = dropped(odd=odd, stock=STOCK)
    assert "What does this file hold?" in said(app)
    key = card("odd.csv")
    widget(app, f"table_{key}").set_value("sales").run()
    for column, heading in (("date", "alpha"), ("item_id", "beta"), ("quantity", "gamma")):
        widget(app, f"match_{key}_sales_{column}").set_value(heading).run()
    app = press(press(app, "Check the files"), "Use these data")
    assert "Your data are in use" in said(app)
    widget(app, "drop_1").upload("again.csv", odd.encode())
    app.run()
    assert "What does this file hold?" not in said(app)
    assert "**Sales** · 2 rows" in said(app)


def test_a_file_can_be_left_out_and_brought_back():
    app = dropped(sales=SALES, stock=STOCK, odd="alpha,beta\nx,y\n")
    widget(app, f"table_{card('odd.csv', 2)}").set_value("").run()
    assert "is left out" in said(app)
    app = press(app, "Check the files")
    assert "What the files hold" in said(app)


def test_what_is_missing_is_said_before_anything_is_read():
    app = dropped(sales=SALES)
    assert "Still needed: stock" in said(app)
    assert next(b for b in app.button if b.label == "Check the files").disabled


def test_rows_set_aside_come_back_corrected_beside_the_others():
    bad = SALES + "2026-05-01,00012,many\n"
    app = checked(sales=bad, stock=STOCK)
    app = press(app, "Use these data")
    found = read_any([Source("sales.csv", bad.encode())])
    rows = corrections.rows_to_correct([Source("sales.csv", bad.encode())], found.rejected)["sales.csv"]
    fixed = corrections.corrections_csv(rows).decode("utf-8-sig").replace("many", "9")
    widget(app, "drop_1").upload("fixed.csv", fixed.encode())
    app.run()
    app = press(app, "Check the files")
    assert "Corrected rows" in said(app)
    app = press(app, "Use these data")
    visitor = service.Visitor.arriving("local")
    sales = service.inputs(visitor, service.current_snapshot(visitor))["sales"]
    assert len(sales) == 113
    assert (sales["quantity"] == 9).sum() == 1


def test_the_history_names_who_and_when_and_leads_back():
    app = press(checked(sales=SALES, stock=STOCK), "Use these data")
    told = said(app)
    assert re.search(r"Data of \d+ \w+, \d\d:\d\d", told)
    assert "sales.csv, stock.csv" in told.replace("\\", "")
    app = press(app, "Go back to this")
    assert "Sample company" in said(app)


def test_the_template_and_the_example_files_import_as_they_are():
    app = opened("pages/import_data.py")
    widget(app, "drop_0").upload("template.xlsx", templates.template())
    app.run(timeout=180)
    assert not app.exception
    app = press(app, "Check the files")
    assert "What the files hold" in said(app)
    assert metric(app, "Set aside") == "0"


def test_the_tab_of_quality_scores_the_sample_company():
    app = opened("pages/import_data.py")
    app.session_state["import_tabs"] = "Data quality"
    app.run()
    assert not app.exception
    told = said(app)
    assert "How suppliers deliver" in told
    assert "What empty shelves hid" in told
    assert 0 < int(metric(app, "Quality of the data")) <= 100
    assert len(app.get("plotly_chart")) == 2
