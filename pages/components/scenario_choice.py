"""Choosing scenarios, and what can be done with one: adopt, keep, plan with it, note, delete, take along."""

from collections.abc import Mapping, Sequence

import streamlit as st

from pages.components import report_page, scenario_acts, scenario_runs, session
from pages.components.formats import literal
from pages.components.scenario_runs import MOST, Asked
from planning.result import PlanResult
from planning.scenario import Comparison


def stresses(known: Mapping[str, Asked]) -> None:
    """A button for each ready stress: one click tries it on today's plan."""
    chosen = {one.key for one in scenario_runs.chosen(known)}
    st.caption(
        "What would today's plan cost and serve if …? One click makes it and holds it beside today's; nothing changes "
        "until you adopt it."
    )
    with st.container(horizontal=True, key="stresses"):
        for one in known.values():
            if one.key.startswith("stress:"):
                st.button(
                    literal(one.name),
                    key=f"try_{one.key}",
                    icon=":material/check:" if one.key in chosen else ":material/bolt:",
                    on_click=scenario_runs.choose,
                    args=(one.key,),
                )


def beside(known: Mapping[str, Asked]) -> list[Asked]:
    """Let choose what stands beside today's plan; return what was chosen."""
    now = [one.key for one in scenario_runs.chosen(known)]
    session.seed("scenario_beside", now)
    st.multiselect(
        "Beside today's plan",
        list(known),
        format_func=lambda key: known[key].name if key in known else "",
        max_selections=MOST,
        placeholder="Up to three scenarios",
        key="scenario_beside",
        on_change=lambda: scenario_runs.choose_all(session.widget("scenario_beside") or ()),
    )
    return scenario_runs.chosen(known)


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


def actions(one: Asked, plan: PlanResult, whole: PlanResult, told: Comparison) -> None:
    """What can be done with a scenario.

    Parameters
    ----------
    told : all lines of the plans side by side, for the report.
    """
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
        report_page.files(plan, one.name, one.text, told)
