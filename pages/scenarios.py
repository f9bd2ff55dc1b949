"""Scenarios: what if, tried with one click, written, kept, held side by side, adopted."""

import streamlit as st

from pages.components import (
    glossary,
    panel,
    report_page,
    scenario_acts,
    scenario_choice,
    scenario_editor,
    scenario_runs,
    scenario_view,
    session,
    share,
)
from pages.components.formats import literal
from pages.components.scenario_runs import Asked
from planning import scenario
from planning.result import PlanResult


def main() -> None:
    """Draw the page."""
    _, whole = panel.open_page("Scenarios")
    if not session.may_act():
        plans = session.compared()
        if plans:
            scenario_view.viewed(plans)
            glossary.words("Fill rate", "Red", "Amber", "Green", "Lost margin")
        else:
            st.info("Scenarios are tried by planners; a link shows the plan that was shared.", icon=":material/lock:")
        return
    scenario_acts.adopted()
    known = scenario_runs.options(whole)
    scenario_choice.stresses(known)
    with st.expander("Write a scenario", icon=":material/edit_note:", expanded=scenario_runs.draft() is not None):
        scenario_editor.show(whole, known)
    asked = scenario_choice.beside(known)
    if not asked:
        st.info(
            "Nothing is supposed yet: one click above tries a stress, or write a scenario of your own.",
            icon=":material/science:",
        )
        report_page.downloads(whole, scenario_runs.TODAY)
        return
    found = scenario_runs.plans(asked)
    if found:
        _told(whole, asked, found)


def _told(whole: PlanResult, asked: list[Asked], found: dict[str, PlanResult]) -> None:
    there = [one for one in asked if one.key in found]
    focus = scenario_choice.focus(there)
    every = scenario_view.compared(whole, there, found)
    told = scenario_view.in_view(every)
    scenario_view.numbers(told, scenario_view.names(there)[focus.key], whole.params.currency)
    said = scenario.differences(whole.params, focus.params)
    st.markdown(f"**{literal(focus.name)}**: {literal('; '.join(said) or 'nothing differs from today')}.")
    scenario_choice.actions(focus, found[focus.key], whole, every)
    share.button(found[focus.key], scenario=focus.name, compared=every.plans)
    scenario_view.show(told, whole)
    glossary.words("Fill rate", "Red", "Amber", "Green", "Lost margin", "Coverage")


main()
