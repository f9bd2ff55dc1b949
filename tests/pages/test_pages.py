"""Every page, found by globbing, opens on an empty, a sample and a broken workspace; what one sets holds on all."""

import re
import time
from pathlib import Path

import pytest
import sqlalchemy
from streamlit.testing.v1 import AppTest

from data import service
from pages.components.mapping_editor import file_key
from planning.params import Params

ROOT = Path(__file__).parents[2]
PAGES = sorted(p.relative_to(ROOT).as_posix() for p in (ROOT / "pages").glob("*.py") if p.name != "__init__.py")
PLANS = [page for page in PAGES if page != "pages/import_data.py"]
WAIT = 180
READS = 5
"""Questions to the catalog, at most, in one run of a page."""


@pytest.fixture(scope="module")
def sample_home(tmp_path_factory):
    """A kept workspace with the sample company and its forecast."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STOCKCAST_HOME", str(home))
        patch.setenv("STOCKCAST_MODE", "local")
        visitor = service.Visitor.arriving("local")
        snapshot = service.use_sample(visitor)
        frames = service.inputs(visitor, snapshot)
        as_of = service.default_as_of(frames)
        if service.fits(visitor, snapshot, as_of, Params(), frames=frames) is None:
            job = service.start_fit(visitor, snapshot, as_of, Params(), frames=frames)
            until = time.monotonic() + WAIT
            while job.status() == "running" and time.monotonic() < until:
                time.sleep(0.2)
            assert job.status() == "done", job.message()
            assert service.fits(visitor, snapshot, as_of, Params(), frames=frames) is not None
    return home


@pytest.fixture
def on_sample(sample_home, monkeypatch):
    monkeypatch.setenv("STOCKCAST_HOME", str(sample_home))
    monkeypatch.setenv("STOCKCAST_MODE", "local")
    return sample_home


@pytest.fixture
def empty_home(tmp_path, monkeypatch):
    """A kept workspace with nothing in it, on a machine without the sample's files."""
    monkeypatch.setenv("STOCKCAST_HOME", str(tmp_path))
    monkeypatch.setenv("STOCKCAST_MODE", "local")
    monkeypatch.setattr(service, "sample_sources", _no_sample)
    return tmp_path


def _no_sample():
    msg = "the sample company's files are missing"
    raise FileNotFoundError(msg)


def opened(page: str = "", **query: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=90)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    return app.switch_page(page).run() if page else app


def said(app: AppTest) -> str:
    kinds = (
        app.markdown,
        app.caption,
        app.text,
        app.error,
        app.warning,
        app.info,
        app.header,
        app.subheader,
        app.title,
    )
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def widget(app: AppTest, key: str):
    return app.get_by_key(key)


def test_there_are_the_pages_that_the_router_names():
    named = re.findall(r'"(pages/\w+\.py)"', (ROOT / "app.py").read_text(encoding="utf-8"))
    assert sorted(named) == PAGES


@pytest.mark.usefixtures("empty_home")
@pytest.mark.parametrize("page", PAGES)
def test_a_page_opens_on_nothing_and_shows_the_way_out(page):
    app = opened(page)
    assert not app.exception
    if page != "pages/import_data.py":
        assert "No data yet" in said(app)
        assert any("sample company" in button.label for button in app.button)


@pytest.mark.usefixtures("on_sample")
@pytest.mark.parametrize("page", PAGES)
def test_a_page_opens_on_the_sample_company_and_says_so(page):
    app = opened(page)
    assert not app.exception
    assert not app.error
    assert "Sample company" in said(app)
    if page in PLANS:
        assert "Plan for the morning of" in said(app)
        assert "could not be made" not in said(app)


@pytest.mark.usefixtures("on_sample")
@pytest.mark.parametrize("page", PAGES)
def test_a_page_asks_the_catalog_each_question_once(page):
    app = opened(page)
    asked = []

    def note(_connection, _cursor, statement, parameters, *_rest):
        asked.append((statement, str(parameters)))

    sqlalchemy.event.listen(sqlalchemy.Engine, "before_cursor_execute", note)
    try:
        app.run()
    finally:
        sqlalchemy.event.remove(sqlalchemy.Engine, "before_cursor_execute", note)
    assert not app.exception
    assert asked
    assert len(asked) == len(set(asked)) <= READS


@pytest.mark.parametrize("page", PAGES)
def test_a_page_opens_on_a_broken_workspace_without_a_traceback(page, sample_home, tmp_path, monkeypatch):
    import shutil

    home = tmp_path / "home"
    shutil.copytree(sample_home, home)
    for path in home.rglob("*.parquet"):
        path.write_bytes(b"PAR1 no longer a table PAR1")
    monkeypatch.setenv("STOCKCAST_HOME", str(home))
    monkeypatch.setenv("STOCKCAST_MODE", "local")
    from pages.components import cached

    cached.forget_all()
    app = opened(page)
    assert not app.exception
    assert "Traceback" not in said(app)
    cached.forget_all()


@pytest.mark.usefixtures("on_sample")
def test_a_parameter_changed_on_one_page_holds_on_all():
    app = opened("pages/service.py")
    widget(app, "param_service_target").set_value(98.0).run()
    assert not app.exception
    app.switch_page("pages/replenishment.py").run()
    assert widget(app, "param_service_target").value == 98.0
    assert '"service_target":0.98' in app.query_params["set"]


@pytest.mark.usefixtures("on_sample")
def test_a_filter_is_kept_from_page_to_page():
    app = opened()
    widget(app, "filter_abc").set_value(["A"]).run()
    app.switch_page("pages/replenishment.py").run()
    assert not app.exception
    assert widget(app, "filter_abc").value == ["A"]
    assert app.query_params["abc"] in ("A", ["A"])


@pytest.mark.usefixtures("on_sample")
@pytest.mark.parametrize(
    "query",
    [
        {"abc": "Z", "location": "<script>alert(1)</script>", "risk": "none", "search": "\x00" * 9},
        {"as_of": "1e999", "set": '{"service_target": 1e999}'},
        {"set": '{"service_target": 0.3, "demand_multiplier": 100, "horizon_days": 1095}'},
        {"item": "no such item", "at": "![](http://example.org/x.png)"},
    ],
)
@pytest.mark.parametrize("page", ["", "pages/item.py"])
def test_a_hostile_url_does_no_harm(page, query):
    app = opened(page, **query)
    assert not app.exception
    assert "alert(1)" not in said(app)
    assert "![](http" not in said(app)


@pytest.mark.usefixtures("on_sample")
def test_a_parameter_that_does_not_fit_is_refused_in_plain_words():
    app = opened("pages/service.py")
    widget(app, "param_review_period_days").set_value(14).run()
    widget(app, "param_coverage_days").set_value(10).run()
    assert not app.exception
    assert any("coverage_days is 10, less than review_period_days 14" in error.value for error in app.error)
    assert widget(app, "param_coverage_days").value is None


@pytest.mark.usefixtures("on_sample")
def test_a_supposed_plan_is_marked_and_the_way_back_is_one_click():
    app = opened("", set='{"demand_multiplier": 1.2}')
    assert "demand × 1.2" in said(app)
    next(button for button in app.button if button.label == "Back to reality").click().run()
    assert "demand × 1.2" not in said(app)
    assert "set" not in app.query_params


SALES = "date,item_id,quantity\n" + "".join(
    f"2026-{3 + n // 28:02d}-{1 + n % 28:02d},{item},{5 + n % 3}\n" for n in range(56) for item in ("00012", "A-1 <b>")
)
STOCK = "item_id,on_hand,as_of\n00012,40,2026-05-01\nA-1 <b>,3,2026-05-01\n"


def test_two_files_make_a_plan(tmp_path, monkeypatch):
    monkeypatch.setenv("STOCKCAST_HOME", str(tmp_path))
    monkeypatch.setenv("STOCKCAST_MODE", "local")
    app = opened("pages/import_data.py")
    widget(app, "drop_0").upload("sales.csv", SALES.encode())
    widget(app, "drop_0").upload("../../e<b>.csv", (STOCK + "00012,many,2026-05-01\n").encode())
    app.run()
    next(b for b in app.button if b.label == "Check the files").click().run()
    assert not app.exception
    assert "1 row set aside" in said(app)
    next(b for b in app.button if b.label == "Use these data").click().run()
    assert "Your data are in use" in said(app)
    app.switch_page("pages/overview.py").run()
    until = time.monotonic() + WAIT
    while "Forecasting your assortment" in said(app) and time.monotonic() < until:
        time.sleep(0.5)
        app.run()
    assert not app.exception
    assert "Sample company" not in said(app)
    assert len(app.metric) >= 3


@pytest.mark.usefixtures("empty_home")
def test_a_file_that_nobody_can_guess_is_matched_by_hand():
    app = opened("pages/import_data.py")
    widget(app, "drop_0").upload("a.csv", b"alpha,beta,gamma\n2026-05-01,a,3\n")
    widget(app, "drop_0").upload("stock.csv", STOCK.encode())
    app.run()
    next(b for b in app.button if b.label == "Check the files").click().run()
    assert not app.exception
    assert "cannot be used as they are" in said(app)
    key = f"0_{file_key('a.csv')}"
    widget(app, f"table_{key}").set_value("sales").run()
    widget(app, f"match_{key}_sales_item_id").set_value("beta").run()
    widget(app, f"match_{key}_sales_date").set_value("alpha").run()
    widget(app, f"match_{key}_sales_quantity").set_value("gamma").run()
    assert not app.exception
    next(b for b in app.button if b.label == "Check the files").click().run()
    assert "What the files hold" in said(app)
