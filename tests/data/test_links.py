"""Share links: what they show stays, what they do not show cannot be had, and their end is at once."""

import io
import json
import re
import string
import threading
import zipfile
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import date, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from data import links, service, visitor
from data.frozen import freeze, thaw
from data.store import Workspace
from planning import pipeline
from planning.errors import InputError, ParameterError
from planning.kpi_form import Kpi, kpi
from planning.params import Params
from planning.result import PlanResult
from tests.data import sharing
from tests.pages.fake_replay import fake_curve, fake_result


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOCKCAST_HOME", str(tmp_path / "home"))
    for name in ("STOCKCAST_CATALOG", "STOCKCAST_WORKSPACE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def owner() -> service.Visitor:
    return sharing.planner()


@pytest.fixture
def snapshot(owner: service.Visitor) -> str:
    return sharing.load(owner)


@pytest.fixture
def result(owner: service.Visitor, snapshot: str) -> PlanResult:
    return sharing.plan(owner, snapshot)


def refused(token: object, mode: str = "hosted") -> str:
    with pytest.raises(service.LinkError) as fault:
        service.open_link(mode, token)
    return str(fault.value)


def same(one: PlanResult, two: PlanResult) -> None:
    for f in fields(one):
        before, after = getattr(one, f.name), getattr(two, f.name)
        if isinstance(before, pd.DataFrame):
            pd.testing.assert_frame_equal(before.reset_index(drop=True), after, check_exact=True)
        elif f.name == "projection":
            for g in fields(before):
                if g.name != "keys":
                    np.testing.assert_array_equal(getattr(before, g.name), getattr(after, g.name))
        elif f.name != "snapshot_id":
            assert before == after, f.name


# --- what is shown ----------------------------------------------------------------------------------------------------


def test_a_viewer_sees_the_very_figures_and_where_the_link_opens(
    owner: service.Visitor, snapshot: str, result: PlanResult
) -> None:
    view = {"category": ["Food"], "search": [sharing.HOSTILE], "set": ['{"budget":1}'], "as_of": ["2026-06-01"]}
    made = service.make_link(
        owner, snapshot, result, page="overview", view=view, scenario=sharing.HOSTILE, name="for Ann", hide_costs=False
    )
    viewer = service.open_link("hosted", made.token)
    assert viewer.role == "viewer"
    grant = service.check_link(viewer)
    assert (grant.page, grant.scenario, grant.name) == ("overview", sharing.HOSTILE, "for Ann")
    assert grant.view == {"category": ["Food"], "search": [sharing.HOSTILE]}
    assert grant.as_of == sharing.AS_OF
    assert grant.data_from == service.imported_at(owner, snapshot)
    seen = service.shared_plan(viewer)
    same(result, seen)
    assert seen.snapshot_id == ""


def test_a_link_stays_as_it_was_after_new_data_and_another_version(
    owner: service.Visitor, snapshot: str, result: PlanResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = service.make_link(owner, snapshot, result, page="overview")
    before = freeze(service.shared_plan(service.open_link("hosted", made.token)))
    new = sharing.load(owner, more=3)
    assert new != snapshot
    monkeypatch.setattr("planning.pipeline.METHOD_VERSION", "99")
    service.override(
        owner, new, kind="percent", value=50, starts_on=sharing.AS_OF, ends_on=sharing.AS_OF, reason="more"
    )
    assert freeze(service.shared_plan(service.open_link("hosted", made.token))) == before


def test_a_plan_that_an_earlier_version_froze_opens_with_what_it_had(
    result: PlanResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = replace(result, orders=result.orders.drop(columns="arrives_on"))
    with monkeypatch.context() as patched:
        patched.setattr(Params, "to_json", lambda self: json.dumps({**self.to_dict(), "gone_since": 1}))
        payload = freeze(old)
    parts = thaw(payload)
    assert parts["params"] == result.params
    assert parts["orders"]["arrives_on"].isna().all()
    assert list(parts["orders"]["quantity"]) == list(result.orders["quantity"])
    for damaged in (b"", b"PK\3\4", payload[:500], payload[:-30]):
        with pytest.raises(InputError, match="new link"):
            thaw(damaged)


def test_a_supplier_sees_his_lines_without_a_cost_and_filters_that_name_nobody_else(
    owner: service.Visitor, snapshot: str, result: PlanResult
) -> None:
    view = {
        "supplier": ["SUP-1", "SUP-2"],
        "item": ["PAN"],
        "at": ["S1"],
        "search": ["secret of SUP-2"],
        "risk": ["red"],
    }
    made = service.make_link(owner, snapshot, result, page="overview", view=view, supplier="SUP-1")
    viewer = service.open_link("hosted", made.token)
    assert viewer.grant is not None
    assert viewer.grant.view == {"supplier": ["SUP-1"], "at": ["S1"], "risk": ["red"]}
    seen = service.shared_plan(viewer)
    assert set(seen.items["item_id"]) == {"TEA"}
    assert seen.items[["unit_cost", "unit_price"]].isna().all().all()
    kept = viewer.grant.holder.shared(viewer.grant.result_key)
    for canary in (b"PAN", b"SUP-2", b"Iron", b"3.0719", np.float64(3.0719).tobytes(), np.float64(17.0313).tobytes()):
        assert canary not in _unpacked(kept)


def _unpacked(payload: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(payload)) as archive:
        return b"".join(archive.read(name) for name in archive.namelist())


def test_costs_are_hidden_unless_they_are_meant_to_be_seen(
    owner: service.Visitor, snapshot: str, result: PlanResult
) -> None:
    made = service.make_link(owner, snapshot, result, page="overview")
    seen = service.shared_plan(service.open_link("hosted", made.token))
    assert made.record.opens["hide_costs"] is True
    assert seen.items["unit_cost"].isna().all()
    assert np.float64(17.0313).tobytes() in _unpacked(freeze(result))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"days": 0}, "1 to 366"),
        ({"days": 367}, "1 to 366"),
        ({"days": True}, "1 to 366"),
        ({"days": 1.5}, "1 to 366"),
        ({"page": "../../etc"}, "no page"),
        ({"page": "https://evil.example"}, "no page"),
        ({"view": {"search": ["x" * 30_000]}}, "too long"),
        ({"name": "x" * 201}, "201 characters"),
        ({"scenario": "a\0b"}, "no character"),
        ({"supplier": "SUP-9"}, "no supplier"),
        ({"location": ""}, "no location"),
    ],
)
def test_a_link_that_cannot_be_made_is_refused(
    owner: service.Visitor, snapshot: str, result: PlanResult, more: dict[str, object], said: str
) -> None:
    with pytest.raises((InputError, ParameterError), match=said):
        service.make_link(owner, snapshot, result, **more)
    assert service.list_links(owner) == []


# --- tokens -----------------------------------------------------------------------------------------------------------


def test_every_character_of_a_token_changed_is_refused_in_the_same_words(
    owner: service.Visitor, snapshot: str, result: PlanResult
) -> None:
    token = service.make_link(owner, snapshot, result, page="overview").token
    assert len(token) == 43
    other = [token[:n] + next(c for c in "Aa" if c != token[n]) + token[n + 1 :] for n in range(len(token))]
    # The last character holds four bits alone: every other spelling of it is another token, too.
    other += [token[:-1] + c for c in string.ascii_letters + string.digits + "-_" if c != token[-1]]
    odd = [
        token[:-1],
        token + "A",
        token.swapcase(),
        f" {token}",
        f"{token}\n",
        token + "=",
        "",
        "\ud800" * 43,
        "é" * 43,
    ]
    hostile = ["' OR 1=1 --", "%", "_" * 43, "*" * 43, "../" * 20, "1e999", "x" * 100_000, None, 7, b"bytes", [token]]
    assert {refused(one) for one in [*other, *odd, *hostile]} == {links.GONE}
    assert service.open_link("hosted", token).role == "viewer"


def test_wrong_expired_and_withdrawn_links_look_the_same_and_end_at_the_next_action(
    owner: service.Visitor, snapshot: str, result: PlanResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = (service.make_link(owner, snapshot, result, page="overview", days=d) for d in (1, 9))
    viewers = [service.open_link("hosted", made.token) for made in (one, two)]
    assert all(service.shared_plan(viewer) for viewer in viewers)

    class Later(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:
            return datetime.now(tz) + timedelta(days=1, seconds=1)

    with monkeypatch.context() as patched:
        patched.setattr(links, "datetime", Later)
        assert refused(one.token) == links.GONE
        for ask in (service.check_link, service.shared_plan):
            with pytest.raises(service.LinkError, match="Ask whoever sent it"):
                ask(viewers[0])
        service.check_link(viewers[1])
    service.revoke_link(owner, two.record.link_id)
    assert refused(two.token) == links.GONE
    for ask in (service.check_link, service.shared_plan):
        with pytest.raises(service.LinkError, match="Ask whoever sent it"):
            ask(viewers[1])
    service.check_link(viewers[0])
    service.revoke_link(owner, two.record.link_id)  # once more does no harm
    with pytest.raises(InputError, match="no such link"):
        service.revoke_link(owner, "ghost")


def test_the_token_is_told_once_and_kept_nowhere(
    owner: service.Visitor, snapshot: str, result: PlanResult, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    made = service.make_link(owner, snapshot, result, page="overview")
    viewer = service.open_link("hosted", made.token)
    service.shared_plan(viewer)
    refused(made.token[:-1] + ("A" if made.token[-1] != "A" else "E"))
    service.revoke_link(owner, made.record.link_id)
    told = [caplog.text, repr(made), repr(viewer), repr(made.record), str(service.activity(owner).to_dict())]
    assert not any(made.token in one or made.token[:20] in one for one in told)
    written = [path.read_bytes() + str(path).encode() for path in tmp_path.rglob("*") if path.is_file()]
    assert written
    assert not any(made.token.encode() in one or made.token[:20].encode() in one for one in written)


def test_the_list_tells_the_last_use_and_the_log_who_made_and_withdrew(
    owner: service.Visitor, snapshot: str, result: PlanResult
) -> None:
    first = service.make_link(owner, snapshot, result, page="overview", name="for the bank")
    second = service.make_link(owner, snapshot, result, page="item")
    assert [one.link_id for one in service.list_links(owner)] == [second.record.link_id, first.record.link_id]
    viewer = service.open_link("hosted", first.token)
    used = service.list_links(owner)[1].used_at
    assert used is not None
    service.check_link(viewer)
    assert service.list_links(owner)[1].used_at == used  # within a minute it is not written again
    assert service.list_links(owner)[0].used_at is None
    service.revoke_link(owner, first.record.link_id)
    log = service.activity(owner)
    assert log[log["about"] == "for the bank"]["what"].tolist() == ["Link withdrawn", "Link made"]
    assert set(log["by"]) == {"Kim"}


def test_two_links_of_the_same_figures_keep_them_once_and_one_outlives_the_other(
    owner: service.Visitor, snapshot: str, result: PlanResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = (service.make_link(owner, snapshot, result, page="overview") for _ in range(2))
    kept = owner.workspace.folder / "shared"
    assert one.record.result_key == two.record.result_key
    assert len(list(kept.iterdir())) == 1
    monkeypatch.setattr("data.store.INTERRUPTED_AFTER", -1.0)
    service.revoke_link(owner, one.record.link_id)
    assert service.shared_plan(service.open_link("hosted", two.token))
    service.revoke_link(owner, two.record.link_id)
    assert list(kept.iterdir()) == []


def test_damaged_figures_are_not_shown(owner: service.Visitor, snapshot: str, result: PlanResult) -> None:
    made = service.make_link(owner, snapshot, result, page="overview")
    viewer = service.open_link("hosted", made.token)
    path = owner.workspace.folder / "shared" / made.record.result_key
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(InputError, match="new link"):
        service.shared_plan(viewer)


def test_links_of_one_workspace_are_limited_and_unknown_elsewhere(
    owner: service.Visitor, snapshot: str, result: PlanResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(links, "MOST_LINKS", 2)
    tokens = [service.make_link(owner, snapshot, result, page="overview").token for _ in range(2)]
    with pytest.raises(InputError, match="withdraw some"):
        service.make_link(owner, snapshot, result, page="overview")
    monkeypatch.setenv("STOCKCAST_WORKSPACE", "another")
    assert refused(tokens[0]) == links.GONE
    other = service.Visitor("hosted", Workspace("another"))
    assert service.list_links(other) == []
    with pytest.raises(InputError):
        service.revoke_link(other, service.list_links(owner)[0].link_id)
    service.delete_everything(owner)
    monkeypatch.delenv("STOCKCAST_WORKSPACE")
    assert refused(tokens[0]) == links.GONE


def test_withdrawn_while_many_look_nobody_sees_more(owner: service.Visitor, snapshot: str, result: PlanResult) -> None:
    made = service.make_link(owner, snapshot, result, page="overview")
    viewers = [service.open_link("hosted", made.token) for _ in range(6)]
    gone, after = threading.Event(), []

    def look(viewer: service.Visitor) -> None:
        for _ in range(20):
            was_gone = gone.is_set()
            try:
                service.shared_plan(viewer)
                after.append("seen after" if was_gone else "seen")
            except service.LinkError:
                after.append("refused")

    threads = [threading.Thread(target=look, args=(viewer,)) for viewer in viewers]
    for thread in threads:
        thread.start()
    service.revoke_link(owner, made.record.link_id)
    gone.set()
    for thread in threads:
        thread.join()
    assert "seen after" not in after
    assert after.count("refused") > 0


# --- sliders of a viewer ----------------------------------------------------------------------------------------------


def make_base(_: str, make: Callable[[], pipeline.Base]) -> pipeline.Base:
    return make()


def kept_forecast(owner: service.Visitor, snapshot: str) -> None:
    frames = service.planned_inputs(owner, snapshot)
    made = pipeline.fit(frames, sharing.AS_OF, sharing.PARAMS)
    owner.workspace.keep(service.fit_key(owner, snapshot, sharing.AS_OF, sharing.PARAMS), made.to_bytes())


def test_a_viewer_tries_other_parameters_on_what_was_decided_then_and_saves_nothing(
    owner: service.Visitor, snapshot: str, result: PlanResult
) -> None:
    kept_forecast(owner, snapshot)
    made = service.make_link(owner, snapshot, result, page="overview", supplier="SUP-1", hide_costs=False, trials=True)
    viewer = service.open_link("hosted", made.token)
    shown = service.shared_plan(viewer)
    service.override(
        owner, snapshot, kind="percent", value=400, starts_on=sharing.AS_OF, ends_on=date(2026, 7, 1), reason="later"
    )
    log = owner.workspace.decisions()
    same_again = service.try_out(viewer, {}, keep=make_base)
    assert same_again is not None
    assert freeze(same_again) == freeze(shown)
    more = service.try_out(viewer, {"demand_multiplier": 2.0}, keep=make_base)
    assert more is not None
    assert set(more.items["item_id"]) == {"TEA"}
    assert more.orders["quantity"].sum() > shown.orders["quantity"].sum()
    assert freeze(service.shared_plan(viewer)) == freeze(shown)
    assert owner.workspace.decisions() == log
    for changes in ({"budget": 5}, {"what_if": []}, {"service_measure": "cost"}, {"service_target": 0.9, "seed": 1}):
        with pytest.raises(service.NotAllowedError):
            service.try_out(viewer, changes, keep=make_base)
    with pytest.raises(ParameterError):
        service.try_out(viewer, {"service_target": 95}, keep=make_base)
    service.revoke_link(owner, made.record.link_id)
    with pytest.raises(service.LinkError):
        service.try_out(viewer, {}, keep=make_base)


def test_nothing_is_tried_where_the_maker_did_not_say_so_or_costs_are_hidden(
    owner: service.Visitor, snapshot: str, result: PlanResult
) -> None:
    plain = service.make_link(owner, snapshot, result, page="overview", hide_costs=False)
    with pytest.raises(service.NotAllowedError):
        service.try_out(service.open_link("hosted", plain.token), {}, keep=make_base)
    with pytest.raises(InputError, match="costs hidden"):
        service.make_link(owner, snapshot, result, page="overview", trials=True)
    gone = service.make_link(owner, snapshot, result, page="overview", hide_costs=False, trials=True)
    assert service.try_out(service.open_link("hosted", gone.token), {}, keep=make_base) is None  # no forecast is kept


# --- a server that keeps nothing --------------------------------------------------------------------------------------


def test_a_link_of_a_demo_outlives_its_tab_with_nothing_but_what_it_shows() -> None:
    owner = service.Visitor.arriving("demo")
    snapshot = sharing.load(owner)
    token = service.make_link(owner, snapshot, sharing.plan(owner, snapshot), page="overview").token
    root = owner.workspace.root
    assert refused(token, "hosted") == refused(token, "local") == links.GONE
    viewer = service.open_link("demo", token)
    with pytest.raises(service.NotAllowedError):
        service.inputs(viewer, snapshot)
    visitor._leave(root)
    assert service.shared_plan(viewer).orders.shape
    assert service.open_link("demo", token).role == "viewer"
    assert {path.name for path in root.glob("workspaces/*/*") if path.is_dir()} == {"shared", "links"}
    visitor._end(root)
    with pytest.raises(service.LinkError):
        service.shared_plan(viewer)
    assert refused(token, "demo") == links.GONE


def test_a_demo_without_links_leaves_nothing() -> None:
    owner = service.Visitor.arriving("demo")
    snapshot = sharing.load(owner)
    made = service.make_link(owner, snapshot, sharing.plan(owner, snapshot), page="overview")
    service.revoke_link(owner, made.record.link_id)
    root = owner.workspace.root
    visitor._leave(root)
    assert not root.exists()


# --- plans side by side -----------------------------------------------------------------------------------------------


def beside(owner: service.Visitor, snapshot: str, result: PlanResult) -> dict[str, PlanResult]:
    other = sharing.plan(owner, snapshot, sharing.PARAMS.but(service_target=0.99))
    cut = sharing.plan(owner, snapshot, sharing.PARAMS.but(budget=50.0))
    return {"Today's plan": result, sharing.HOSTILE: other, "Budget of 50": cut}


def test_a_comparison_shows_each_plan_to_the_last_digit_and_stays_as_it_was(
    owner: service.Visitor, snapshot: str, result: PlanResult
) -> None:
    plans = beside(owner, snapshot, result)
    shown = plans[sharing.HOSTILE]
    made = service.make_link(owner, snapshot, shown, page="scenarios", compared=plans, hide_costs=False)
    sharing.load(owner, more=3)
    viewer = service.open_link("hosted", made.token)
    assert viewer.grant is not None
    assert viewer.grant.compared == tuple(plans)
    seen = service.shared_comparison(viewer)
    assert list(seen) == list(plans)
    for name, plan in plans.items():
        same(plan, seen[name])
    same(shown, service.shared_plan(viewer))
    alone = service.open_link("hosted", service.make_link(owner, snapshot, result).token)
    assert service.shared_comparison(alone) == {}
    service.revoke_link(owner, made.record.link_id)
    with pytest.raises(service.LinkError):
        service.shared_comparison(viewer)


@pytest.mark.parametrize("limit", [{"supplier": "SUP-1"}, {"location": "S1"}, {}])
def test_a_comparison_is_limited_like_any_link_in_every_plan_and_name(
    owner: service.Visitor, snapshot: str, result: PlanResult, limit: dict[str, str]
) -> None:
    plans = beside(owner, snapshot, result)
    made = service.make_link(owner, snapshot, result, compared=plans, **limit)
    viewer = service.open_link("hosted", made.token)
    seen = service.shared_comparison(viewer)
    second = "Scenario 1" if limit else sharing.HOSTILE
    assert list(seen) == ["Today's plan", second, "Scenario 2"]
    for plan in seen.values():
        assert plan.items["unit_cost"].isna().all()
        assert plan.totals["order_value"] is None
        assert plan.params.budget is None
        if "supplier" in limit:
            assert set(plan.items["item_id"]) == {"TEA"}
    for canary in ("3.0719", "17.0313", "Budget of 50"):
        assert canary not in repr(viewer.grant)
        for plan in seen.values():
            for f in fields(plan):
                if f.type is pd.DataFrame:
                    assert not re.search(rf"(?<![\d.]){re.escape(canary)}0*(?!\d)", getattr(plan, f.name).to_csv()), (
                        f.name
                    )


def test_a_comparison_of_too_few_too_many_or_others_is_refused(
    owner: service.Visitor, snapshot: str, result: PlanResult
) -> None:
    plans = beside(owner, snapshot, result)
    many = {str(n): result for n in range(5)}
    for compared in ({"Today's plan": result}, many, dict(list(plans.items())[1:])):
        with pytest.raises(InputError, match="side by side"):
            service.make_link(owner, snapshot, result, compared=compared)


def test_a_damaged_comparison_is_not_shown(owner: service.Visitor, snapshot: str, result: PlanResult) -> None:
    made = service.make_link(owner, snapshot, result, compared=beside(owner, snapshot, result))
    kept = owner.workspace.folder / "shared" / made.record.result_key
    whole = kept.read_bytes()
    viewer = service.open_link("hosted", made.token)
    for damaged in (b"", whole[:-40], whole[: len(whole) // 2]):
        kept.write_bytes(damaged)
        with pytest.raises(InputError, match="new link"):
            service.shared_comparison(viewer)


# --- the past ---------------------------------------------------------------------------------------------------------


def test_a_link_keeps_the_past_of_its_own_lines(owner: service.Visitor, snapshot: str, result: PlanResult) -> None:
    fits = pipeline.fit(service.planned_inputs(owner, snapshot), sharing.AS_OF, sharing.PARAMS)
    past = pipeline.recorded(fits)
    other = sharing.plan(owner, snapshot, sharing.PARAMS.but(service_target=0.99))
    for limit, items in (({}, {"TEA", "PAN"}), ({"supplier": "SUP-1"}, {"TEA"})):
        for compared in ({}, {"Today's plan": result, "More": other}):
            made = service.make_link(owner, snapshot, result, past=past, compared=compared, **limit)
            viewer = service.open_link("hosted", made.token)
            seen = service.shared_history(viewer)
            assert seen is not None
            assert set(seen.keys["item_id"]) == items
            for item in items:
                pd.testing.assert_frame_equal(seen.line(item, "S1"), pipeline.history(fits, item, "S1"))
            assert len(seen.line("PAN", "S1")) == (0 if limit else len(pipeline.history(fits, "PAN", "S1")))
            same(service.shared_plan(viewer), service.shared_plan(viewer))
    assert service.shared_history(service.open_link("hosted", service.make_link(owner, snapshot, result).token)) is None


# --- what stands beside the plan --------------------------------------------------------------------------------------


def figures_of(asked: list[pd.DataFrame | None]) -> Callable[[pd.DataFrame | None], dict[str, Kpi]]:
    """A maker of key figures that notes of which lines it was asked."""
    rows = pd.DataFrame(
        {"item_id": ["PAN", "TEA"], "location_id": "S1", "demand_units": [7.0, 9.0], "unit_cost": 17.0313}
    )

    def make(keys: pd.DataFrame | None) -> dict[str, Kpi]:
        asked.append(keys)
        return {key: kpi(key, 0.5, "today", items=rows) for key in ("stock_value", "forecast_accuracy", "turnover")}

    return make


@pytest.mark.parametrize(
    ("limit", "seen", "items"),
    [
        ({"hide_costs": False}, {"stock_value", "forecast_accuracy", "turnover"}, {"TEA", "PAN"}),
        ({}, {"forecast_accuracy"}, {"TEA", "PAN"}),
        ({"supplier": "SUP-1", "hide_costs": False}, {"stock_value", "forecast_accuracy"}, {"TEA"}),
        ({"supplier": "SUP-1"}, {"forecast_accuracy"}, {"TEA"}),
    ],
)
def test_key_figures_and_a_replay_are_limited_like_the_plan_and_end_with_the_link(
    owner: service.Visitor,
    snapshot: str,
    result: PlanResult,
    limit: dict[str, Any],
    seen: set[str],
    items: set[str],
) -> None:
    asked: list[pd.DataFrame | None] = []
    past = fake_result(result.items[["item_id", "location_id"]])
    made = service.make_link(
        owner, snapshot, result, page="replay", figures=figures_of(asked), replay=(past, fake_curve(past)), **limit
    )
    viewer = service.open_link("hosted", made.token)
    assert viewer.grant is not None
    assert viewer.grant.replay
    narrow = "supplier" in limit
    assert (set(asked[0]["item_id"]) if asked[0] is not None else None) == (items if narrow else None)
    told = service.shared_figures(viewer)
    assert set(told) == seen
    for one in told.values():
        assert set(one.items["item_id"]) == items
        assert ("unit_cost" in one.items) == (limit.get("hide_costs") is False)
    replayed = service.shared_replay(viewer)
    assert replayed is not None
    assert replayed.lines == len(items)
    assert replayed.totals["average_stock_value"].notna().all() == (limit.get("hide_costs") is False)
    assert replayed.curve.empty == narrow
    service.revoke_link(owner, made.record.link_id)
    for ask in (service.shared_figures, service.shared_replay):
        with pytest.raises(service.LinkError):
            ask(viewer)


def test_a_link_without_either_shows_neither(owner: service.Visitor, snapshot: str, result: PlanResult) -> None:
    viewer = service.open_link("hosted", service.make_link(owner, snapshot, result).token)
    assert viewer.grant is not None
    assert not viewer.grant.replay
    assert service.shared_figures(viewer) == {}
    assert service.shared_replay(viewer) is None


def test_what_a_comparison_shows_beside_is_of_the_plan_on_screen(
    owner: service.Visitor, snapshot: str, result: PlanResult
) -> None:
    asked: list[pd.DataFrame | None] = []
    made = service.make_link(
        owner, snapshot, result, compared=beside(owner, snapshot, result), figures=figures_of(asked)
    )
    assert set(service.shared_figures(service.open_link("hosted", made.token))) == {"forecast_accuracy"}
    assert len(asked) == 1
