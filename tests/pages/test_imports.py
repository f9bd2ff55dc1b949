"""The Import page: what is dropped, understood, judged and kept, as a person meets it."""

import pytest

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
