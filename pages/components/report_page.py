"""The actions on a scenario: adopt it, keep it, plan with it, take it along as a report; notes and versions."""

from collections.abc import Sequence
from datetime import datetime

import streamlit as st

from data import export, report_book
from pages.components import scenario_acts, session
from pages.components.formats import literal
from pages.components.report_html import report_html
from pages.components.scenario_runs import TODAY, Asked
from planning import scenario
from planning.pipeline import METHOD_VERSION
from planning.result import PlanResult

EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def focus(there: Sequence[Asked]) -> Asked:
    """The scenario that the numbers speak of: the one chosen last, or the one picked."""
    keys = [one.key for one in there]
    if len(keys) == 1:
        return there[0]
    shown = {one.key: one.name for one in there}
    now = session.widget("scenario_focus")
    latest = keys[-1]
    if now not in keys or session.kept("scenario_latest") != latest:
        session.seed("scenario_focus", latest)
        session.keep("scenario_latest", latest)
    picked = st.segmented_control(
        "Numbers of", keys, format_func=lambda key: literal(shown[key]), key="scenario_focus", required=True
    )
    return next((one for one in there if one.key == picked), there[-1])


def actions(one: Asked, plan: PlanResult, whole: PlanResult) -> None:
    """What can be done with a scenario."""
    with st.container(horizontal=True, vertical_alignment="center", key="scenario_actions"):
        st.button(
            "Adopt",
            key="scenario_adopt",
            type="primary",
            icon=":material/star:",
            help="Its plan becomes the plan of record, and every page plans with its settings. It can be undone.",
            on_click=scenario_acts.adopt,
            args=(one, plan, whole),
        )
        if one.key.startswith("stress:"):
            st.button(
                "Keep", key="scenario_keep_ready", icon=":material/save:", on_click=scenario_acts.keep_as, args=(one,)
            )
        st.button(
            "Plan with it",
            key="scenario_use",
            icon=":material/science:",
            help="Every page plans with these settings, and can be shared so. No plan is adopted.",
            on_click=scenario_acts.use,
            args=(one.params,),
        )
        if one.scenario_id:
            with st.popover("Notes", icon=":material/comment:"):
                scenario_acts.notes(one)
            with st.popover("Versions", icon=":material/history:"):
                scenario_acts.versions(one)
                st.button(
                    "Delete the scenario",
                    key=f"delete_{one.scenario_id}",
                    icon=":material/delete:",
                    help="Undo brings it back.",
                    on_click=scenario_acts.delete,
                    args=(one.scenario_id,),
                )
        _files(plan, one.name, one.text, whole)


def downloads(plan: PlanResult, name: str) -> None:
    """Take today's plan along as a report."""
    with st.container(horizontal=True, vertical_alignment="center", key="report_downloads"):
        _files(plan, name, "", None)


def _files(plan: PlanResult, name: str, text: str, whole: PlanResult | None) -> None:
    """The report as workbook and as page, made when it is asked for."""

    def about() -> dict[str, object]:
        changes = () if whole is None else scenario.differences(whole.params, plan.params)
        return report_book.report_about(
            plan,
            name=name,
            method_version=METHOD_VERSION,
            made_on=datetime.now().astimezone().date(),
            text=text,
            changes=changes,
        )

    def told() -> scenario.Comparison | None:
        other = f"{name} (scenario)" if name == TODAY else name
        return None if whole is None else scenario.compare({TODAY: whole, other: plan})

    def book() -> bytes:
        beside = told()
        return report_book.report_book(plan, about(), {} if beside is None else {"measures": beside.measures})

    def page() -> bytes:
        return report_html(plan, about(), told()).encode()

    for label, make, suffix, mime in (
        ("Report (Excel)", book, "xlsx", EXCEL),
        ("Report (HTML)", page, "html", "text/html"),
    ):
        st.download_button(
            label,
            session.while_shown(make),
            export.download_name(name, plan.as_of, "report", suffix),
            mime=mime,
            on_click="ignore",
            type="tertiary",
            icon=":material/download:",
            key=f"report_{suffix}",
        )
