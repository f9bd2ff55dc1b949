"""A link of plans side by side: the figures of the planner, nothing to act on, no cost where costs are hidden."""

import re

import pytest
import streamlit as st

from data import service
from pages.components import cached
from tests.pages.hosting import HASH, PARAMS, WORDS, link, opened, planner, said, sample_plan
from tests.pages.test_viewing import CHANGING, inside, pressed, sign_in
from tests.planning.test_limited import company
from tests.planning.test_limited import plan as plan_of

PAGE = "pages/scenarios.py"
TABS = ("Measures", "By week", "Risk", "Orders", "Transfers")
MAY_PRESS = {"Close this view", "Reset to defaults", "Clear the filters", "Service promised", "Orders due today"}


@pytest.fixture(autouse=True, scope="module")
def _hosted(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STOCKCAST_HOME", str(tmp_path_factory.mktemp("hosted")))
        patch.setenv("STOCKCAST_MODE", "hosted")
        patch.setenv("STOCKCAST_PASSPHRASE_HASH", HASH)
        cached.forget_all()
        yield
        cached.forget_all()


def numbers(app):
    return {metric.label: metric.value for metric in app.metric}


def shared(app, *, hide: bool, beside: bool = True) -> str:
    """Press Share on Scenarios, and return the token."""
    app.get_by_key("share_open").click().run()
    if not hide:
        app.get_by_key("share_hide").set_value(False).run()
    if not beside:
        app.get_by_key("share_beside").set_value(False).run()
    app.get_by_key("share_make").click().run()
    assert not app.exception
    return app.code[0].value.partition("share=")[2]


@pytest.fixture
def acting(_hosted):
    app = sign_in(WORDS)
    app.switch_page(PAGE).run()
    app.get_by_key("try_stress:demand_up").click().run()
    app.get_by_key("try_stress:service_98").click().run()
    assert not app.exception
    return app


def test_the_viewer_finds_the_comparison_with_the_planners_figures_and_nothing_to_press(acting):
    before = numbers(acting)
    token = shared(acting, hide=False)
    viewer = opened(token)
    assert not viewer.exception
    assert [title.value for title in viewer.title] == ["Scenarios"]
    assert "Read only" in said(viewer)
    assert pressed(viewer) - MAY_PRESS == set()
    viewer.get_by_key("shared_focus").set_value("Service 98 % for all").run()
    assert numbers(viewer) == before
    for tab in TABS:
        for app in (acting, viewer):
            app.session_state["scenario_tab"] = tab
            app.run()
            assert not app.exception
        theirs = [frame.value for frame in acting.dataframe]
        mine = [frame.value for frame in viewer.dataframe]
        assert len(theirs) == len(mine)
        assert all(one.astype(str).equals(two.astype(str)) for one, two in zip(theirs, mine, strict=True)), tab
        assert pressed(viewer) - MAY_PRESS == set()
    record = service.list_links(planner())[0]
    assert record.opens["compared"] == ["Today's plan", "Demand 20 % up", "Service 98 % for all"]
    viewer.switch_page("pages/service.py").run()
    assert "against a target of 98.0\u00a0%" in said(viewer)


def test_the_viewer_narrows_it_by_filters_of_his_own(acting):
    viewer = opened(shared(acting, hide=False))
    whole = numbers(viewer)
    some = opened(shared(acting, hide=False), category="Chilled")
    assert "that pass the filters" in said(some)
    assert "adopted" not in said(some)
    assert numbers(some) != whole


def test_a_scenario_can_be_shared_without_the_others(acting):
    viewer = opened(shared(acting, hide=True, beside=False))
    assert [title.value for title in viewer.title] == ["Overview"]
    with pytest.raises(ValueError, match="Could not find a navigation page"):
        viewer.switch_page(PAGE).run()


def test_a_supplier_sees_his_lines_alone_and_no_name_of_a_scenario():
    who = planner()
    snapshot, plan = sample_plan(who)
    other = cached.plan(who, snapshot, plan.as_of, PARAMS.but(service_target=0.98))
    token = service.make_link(
        who, snapshot, other, page="scenarios", supplier="SUP-CHILL", compared={"Today's plan": plan, "Secret": other}
    ).token
    viewer = opened(token)
    for tab in ("Measures", "Risk", "Orders", "Transfers"):
        viewer.session_state["scenario_tab"] = tab
        viewer.run()
        assert not viewer.exception
        assert "Secret" not in said(viewer)
        assert "Scenario 1" in said(viewer)
        assert "€" not in "".join(str(metric.value) for metric in viewer.metric)
        mine = set(plan.items.loc[plan.items["supplier_id"] == "SUP-CHILL", "item_id"])
        shown = {item for frame in viewer.dataframe if "item_id" in frame.value for item in frame.value["item_id"]}
        assert shown <= mine


def of_money(money: float, monkeypatch) -> tuple[dict[str, str], list[bytes]]:
    """What the page says and lets take along of three plans whose amounts are all multiplied by `money`."""
    who = planner()
    snapshot = service.use_sample(who)
    plans = {
        "Today's plan": plan_of(company(money), currency="EUR"),
        "Less": plan_of(company(money), currency="EUR", budget=1777.77 * money),
        "More": plan_of(company(money), currency="EUR", service_target=0.99),
    }
    token = service.make_link(who, snapshot, plans["Less"], page="scenarios", compared=plans).token
    taken: list[bytes] = []
    real = st.download_button

    def take(label, data, *args, **kwargs):
        taken.append(data() if callable(data) else data)
        return real(label, data, *args, **kwargs)

    told = {}
    with monkeypatch.context() as patch:
        patch.setattr(st, "download_button", take)
        for tab in ("Measures", "Risk", "Orders", "Transfers"):
            app = opened(token, PAGE)
            app.session_state["scenario_tab"] = tab
            app.run()
            assert not app.exception
            told[tab] = said(app)
    return told, taken


def test_with_costs_hidden_twice_the_money_leaves_the_comparison_as_it_was(monkeypatch):
    (one, files), (two, others) = (of_money(money, monkeypatch) for money in (1.0, 2.0))
    for tab, text in one.items():
        assert CHANGING.sub("", re.sub(r"link=\w+|[0-9a-f]{12}", "", text)) == CHANGING.sub(
            "", re.sub(r"link=\w+|[0-9a-f]{12}", "", two[tab])
        ), tab
    parts = [[part for taken in some for part in inside(taken)] for some in (files, others)]
    assert len(parts[0]) >= 8
    assert parts[0] == parts[1]
    for text in (*one.values(), *(part.decode("utf-8", "replace") for part in parts[0])):
        assert "1,777" not in text
        assert "1777.77" not in text
        assert not re.search(r"Order value today|Cash out|Mean stock value|Lost margin<|Excess stock value", text)


def test_a_plain_link_offers_no_scenarios():
    with pytest.raises(ValueError, match="Could not find a navigation page"):
        opened(link(), PAGE)
