"""Which scenarios are looked at, and their plans: made one after another, with progress and a way to stop."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from data import jobs, service
from pages.components import cached, decided, session
from pages.components.formats import count, literal
from pages.components.states import STAGES
from planning import pipeline, scenario
from planning.errors import PlanningError
from planning.params import Params
from planning.result import PlanResult

LOG = logging.getLogger("stockcast")
TODAY = "Today's plan"
DRAFT = "draft"
MOST = scenario.MOST_COMPARED - 1
"""Scenarios beside today's plan."""
CHOSEN, MADE, WAITING, OWN = "scenarios_chosen", "scenarios_made", "scenario_forecast", "scenario_draft"
BEGUN = "scenario_begun"


@dataclass(frozen=True)
class Asked:
    """A scenario that can be looked at.

    key : tells it apart; scenario_id, version : of one that is kept.
    text : what it is for, in a planner's words.
    """

    key: str
    name: str
    params: Params
    text: str = ""
    scenario_id: str = ""
    version: int = 0


@dataclass(frozen=True)
class Draft:
    """A scenario that is being written: its name, text and parameters, and the version it began with (0: none)."""

    params: Params
    name: str = ""
    text: str = ""
    version: int = 0


def options(whole: PlanResult) -> dict[str, Asked]:
    """The scenarios there are, by key: the ready stresses, those that are kept, and the one being written."""
    found = [Asked(f"stress:{one.key}", one.name, one.params) for one in scenario.stresses(whole)]
    found += [_kept(one) for one in kept()]
    mine = draft()
    if mine is not None and mine.params != whole.params:
        found.append(Asked(DRAFT, f"Draft: {mine.name}" if mine.name else "Draft", mine.params, mine.text))
    return {one.key: one for one in found}


def kept() -> list[service.Scenario]:
    """The scenarios that are kept and can still be read, by name."""
    found = []
    for one in service.scenarios(*decided.here()):
        try:
            _ = one.params
        except PlanningError as fault:
            LOG.warning("a scenario cannot be read: %s", fault)
        else:
            found.append(one)
    return found


def _kept(one: service.Scenario) -> Asked:
    return Asked(f"kept:{one.scenario_id}", one.name, one.params, one.text, one.scenario_id, one.version)


def chosen(known: Mapping[str, Asked]) -> list[Asked]:
    """Those that are looked at, in the order they were chosen."""
    return [known[key] for key in session.kept(CHOSEN) or () if key in known]


def choose(key: str) -> None:
    """Look at one more; beyond the most that stand side by side the one chosen first makes room."""
    others = [one for one in session.kept(CHOSEN) or () if one != key]
    session.keep(CHOSEN, (*others, key)[-MOST:])


def choose_all(keys: Sequence[str]) -> None:
    """Look at these and no others."""
    session.keep(CHOSEN, tuple(keys)[:MOST] or None)


def draft() -> Draft | None:
    """The scenario that is being written."""
    found: Draft | None = session.kept(OWN)
    return found


def write(mine: Draft | None) -> None:
    """Keep the scenario that is being written in this tab; None drops it."""
    session.keep(OWN, mine)


def begin(mine: Draft | None) -> None:
    """Write another scenario; None: one from today's plan."""
    write(mine)
    session.keep(BEGUN, times_begun() + 1)


def times_begun() -> int:
    """How often another scenario was begun in this tab."""
    return int(session.kept(BEGUN) or 0)


def plans(asked: Sequence[Asked]) -> dict[str, PlanResult]:
    """The plans of these, by key, one after another; what is kept opens at once.

    One that needs a forecast of its own is left out until that is there; how far it is stands on the page, once.
    """
    found: dict[str, PlanResult] = {}
    made: frozenset[str] = session.kept(MADE) or frozenset()
    slot, waits = st.empty(), []
    for n, one in enumerate(asked):
        key = _key(one)
        if key not in made:
            with slot.container(horizontal=True, vertical_alignment="center"):
                st.progress(n / len(asked), text=f"Planning {literal(one.name)}, {n + 1} of {len(asked)}", width=420)
                done = [other.key for other in asked[:n]]
                st.button("Stop", key=f"scenario_stop_{n}", icon=":material/stop:", on_click=choose_all, args=(done,))
        plan = _plan(one)
        if plan is not None:
            found[one.key] = plan
            made |= {key}
        elif _needs_forecast(one):
            waits.append(one)
    slot.empty()
    session.keep(MADE, made)
    if waits:
        _wait(waits[0], len(waits))
    return found


def _key(one: Asked) -> str:
    who, snapshot = decided.here()
    return pipeline.plan_key(snapshot, service.decisions_id(who), session.as_of(), one.params)


def _plan(one: Asked) -> PlanResult | None:
    who, snapshot = decided.here()
    try:
        return cached.beside(who, snapshot, session.as_of(), session.params(), one.params)
    except PlanningError as fault:
        st.warning(f"**{literal(one.name)}** could not be planned: {literal(fault)}", icon=":material/error:")
    except Exception:
        LOG.exception("a scenario could not be planned")
        st.warning(f"**{literal(one.name)}** could not be planned. {session.UNEXPECTED}", icon=":material/error:")
    return None


def _needs_forecast(one: Asked) -> bool:
    who, snapshot = decided.here()
    try:
        return not cached.is_kept(who, snapshot, session.as_of(), one.params)
    except PlanningError:
        return False


def _wait(one: Asked, waiting: int) -> None:
    """Start the forecast that a scenario needs if it does not run yet, and show how far it is."""
    who, snapshot = decided.here()
    running = session.kept(WAITING)
    if running is None or running[0] != _key(one) or running[1].status() == "absent":
        _forget()
        try:
            job = service.start_fit(who, snapshot, session.as_of(), one.params, frames=cached.inputs(who, snapshot))
        except PlanningError as fault:
            st.warning(literal(fault), icon=":material/error:")
            return
        running = (_key(one), job)
        session.keep(WAITING, running)
    _progress(running[1], one, waiting)


def _forget() -> None:
    running = session.kept(WAITING)
    if running is not None:
        running[1].cancel()
    session.keep(WAITING, None)


def _leave_out(key: str) -> None:
    _forget()
    choose_all([other for other in session.kept(CHOSEN) or () if other != key])


@st.fragment(run_every=1.0)
def _progress(job: jobs.Job, one: Asked, waiting: int) -> None:
    status = job.status()
    if status in ("done", "absent"):
        st.rerun()
    with st.container(border=True):
        more = f" {count(waiting - 1, 'more scenario')} will follow." if waiting > 1 else ""
        st.markdown(f"**{literal(one.name)}** needs a forecast of its own.{more}")
        if status == "running":
            stage, done, total = job.progress()
            share = min(max(done / total, 0.0), 1.0) if total else 0.0
            told = STAGES.get(stage, stage.capitalize() or "Starting")
            st.progress(share, text=told + (f" · {done:,} of {total:,}" if total else ""))
        else:
            st.text(job.message() or "The forecast was stopped.")
        with st.container(horizontal=True):
            pressed = st.button("Leave it out", key="scenario_leave", on_click=_leave_out, args=(one.key,))
            if status != "running":
                pressed |= st.button("Start again", key="scenario_again", type="primary", on_click=_forget)
            if pressed:
                st.rerun()
