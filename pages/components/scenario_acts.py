"""What people do with scenarios, asked of `data.service`; a refusal is told, never raised."""

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from data import service
from pages.components import decided, ordering, scenario_runs, session
from pages.components.formats import literal, short_day
from pages.components.scenario_runs import DRAFT, Asked, Draft
from planning.params import Params
from planning.result import PlanResult

ADOPTED = "scenario_adopted"
LONGEST_NOTE = 1_000
KIND = "replenishment"


@dataclass(frozen=True)
class Adopted:
    """What an adoption replaced: the plan of record before, and the settings that were in force."""

    name: str
    earlier: str
    params: Params


def keep(mine: Draft, name: str, text: str) -> None:
    """Keep the scenario that is being written, as a new version where its name is known."""
    # Only who began with a kept scenario has looked at it: another name is another scenario.
    after = mine.version if mine.version and name.strip().casefold() == mine.name.casefold() else None
    if _save(mine.params, name, text, DRAFT, after):
        scenario_runs.begin(None)


def keep_as(one: Asked) -> None:
    """Keep a ready stress under its own name."""
    _save(one.params, one.name, "", one.key, None)


def _save(params: Params, name: str, text: str, key: str, after: int | None) -> bool:
    """Keep a scenario, and look at it instead of the one of this key; tell whether it was kept."""
    made: list[service.Scenario] = []
    done = decided.attempt(
        lambda who, snapshot: made.append(service.save_scenario(who, snapshot, name, params, text=text, after=after))
    )
    if done:
        others = [other for other in session.kept(scenario_runs.CHOSEN) or () if other != key]
        scenario_runs.choose_all(others)
        scenario_runs.choose(f"kept:{made[0].scenario_id}")
    return done


def delete(scenario_id: str) -> None:
    """Take a kept scenario out of the list; undo brings it back."""
    decided.attempt(lambda who, snapshot: service.delete_scenario(who, snapshot, scenario_id))


def adopt(one: Asked, plan: PlanResult, whole: PlanResult) -> None:
    """Make a scenario's plan the one of record, and plan with its settings from now on."""
    earlier = _of_record()
    if earlier is None:
        # What is replaced can be gone back to, and the change told line by line.
        earlier = _keep_plan(whole, f"Plan of {whole.as_of:%-d %B %Y}")
        if earlier is None or not ordering.adopt_plan(earlier):
            return
    made = _keep_plan(plan, one.name[:80])
    if made is None or not ordering.adopt_plan(made):
        return
    session.keep(ADOPTED, Adopted(one.name, earlier, session.params()))
    use(plan.params)


def _of_record() -> str | None:
    found = [one for one in ordering.plans() if one.status == "plan of record" and one.kind == KIND]
    return str(found[0].plan_id) if found else None


def _keep_plan(plan: PlanResult, name: str) -> str | None:
    made: list[str] = []
    decided.attempt(lambda who, snapshot: made.append(service.create_plan(who, snapshot, plan, name=name, kind=KIND)))
    return made[0] if made else None


def use(params: Params) -> None:
    """Plan with these settings on every page."""
    session.change_params(**{**params.to_dict(), "currency": session.params().currency})


def undo() -> None:
    """Go back to the plan of record and the settings before the last adoption."""
    told: Adopted | None = session.kept(ADOPTED)
    if told is not None and ordering.adopt_plan(told.earlier):
        use(told.params)
        session.keep(ADOPTED, None)


def adopted() -> None:
    """Say what was adopted in this tab, with the way back."""
    told: Adopted | None = session.kept(ADOPTED)
    if told is None:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="scenario_adopted_row"):
        st.badge("Plan of record", icon=":material/star:", color="green")
        st.caption(f"**{literal(told.name)}** was adopted; every page plans with its settings.", width="content")
        st.button("Undo", key="scenario_undo", type="tertiary", icon=":material/undo:", on_click=undo)


# --- notes and versions -----------------------------------------------------------------------------------------------


def notes(one: Asked) -> None:
    """The notes on a kept scenario, newest first, and a field for one more."""
    rows = service.notes(*decided.here())
    rows = rows[rows["scenario_id"] == one.scenario_id]
    for row in rows.to_dict("records"):
        when = pd.Timestamp(row["made_at"])
        said = f"{short_day(when)} {when:%H:%M}" + (f", {row['made_by']}" if row["made_by"] else "")
        st.markdown(f"{literal(row['text'])}  \n:gray[{literal(said)}]")
    if rows.empty:
        st.caption("No note yet.")
    with st.form(f"scenario_note_{one.scenario_id}", border=False, clear_on_submit=True):
        text = st.text_area("Note", max_chars=LONGEST_NOTE, key=f"note_{one.scenario_id}", height=80)
        if st.form_submit_button("Add the note", icon=":material/add_comment:"):
            decided.attempt(lambda who, snapshot: service.note(who, snapshot, text or "", scenario_id=one.scenario_id))
            st.rerun()


def versions(one: Asked) -> None:
    """The versions of a kept scenario, each with a way to look at it again."""
    for version in service.scenario_versions(*decided.here(), one.scenario_id):
        with st.container(horizontal=True, vertical_alignment="center"):
            by = f", {version.made_by}" if version.made_by else ""
            told = f"Version {version.version}: {short_day(version.made_at)} {version.made_at:%H:%M}{by}"
            st.caption(literal(told), width="content")
            if version.version != one.version:
                st.button(
                    "Edit from it",
                    key=f"version_{one.scenario_id}_{version.version}",
                    type="tertiary",
                    on_click=_look_at,
                    args=(version, one.version),
                )


def _look_at(version: service.Scenario, latest: int) -> None:
    def read(*_: object) -> None:
        scenario_runs.begin(Draft(version.params, version.name, version.text, latest))
        scenario_runs.choose(DRAFT)

    decided.attempt(read)
