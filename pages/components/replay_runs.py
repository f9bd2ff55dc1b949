"""From the question to the replay: forecasts of past mornings first, made once, then the policies, quickly."""

import hashlib
import json
import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from data import jobs, service
from pages.components import cached, decided, replay_question, session
from pages.components.formats import count, literal
from pages.components.replay_question import REFIT_MOST, Policy, Question
from pages.components.replay_words import shown
from planning import replay_run
from planning.errors import ParameterError, PlanningError
from planning.fits import Fits
from planning.params import Params
from planning.replay_known import Known
from planning.replay_measures import ReplayResult
from planning.replay_told import known_from

LOG = logging.getLogger("stockcast")
WAITING = "replay_waiting"
LEARN_WEEKS = 4
"""Weeks after which a replay learns models and errors anew."""
TARGETS = ("service_target", "service_target_by_class", "service_target_by_category", "service_target_by_supplier")
CURVE = ("policy", "target", "fill_rate", "average_stock_units", "average_stock_value")
TOLD_EVERY = 0.25
"""Seconds between two words on how far it is."""


@dataclass(frozen=True)
class Asked:
    """A question on these data and settings.

    key : names its answer. curve_key : what more or less stock gives, which no service target moves.
    known : the policies it speaks of, by key.
    """

    key: str
    curve_key: str
    question: Question
    known: Mapping[str, Policy]
    fits: Fits


def asked(question: Question, known: Mapping[str, Policy], fits: Fits) -> Asked | None:
    """A question in the form that is kept by; None, and why, where it cannot be answered."""
    try:
        return Asked(*_keys(question, known, fits), question, known, fits)
    except PlanningError as fault:
        st.warning(literal(fault), icon=":material/error:")
    return None


def made(one: Asked, *, start: bool) -> ReplayResult | None:
    """The replay that answers a question: kept, made now, or None while what it stands on is made.

    Parameters
    ----------
    start : whether long work may be started for it; else None is returned where it would be.
    """
    found = cached.replayed(one.key)
    if found is not None or session.kept(replay_question.STOPPED) == one.key:
        return found
    try:
        then = _known(one.question, one.fits)
        if then is not None:
            return cached.keep_replayed(one.key, _run(one, then))
        if start:
            _wait(one.question, one.fits)
    except PlanningError as fault:
        st.warning(literal(fault), icon=":material/error:")
    except Exception:
        LOG.exception("a replay could not be made")
        st.warning(f"The replay could not be made. {session.UNEXPECTED}", icon=":material/error:")
    return None


def curve(one: Asked) -> pd.DataFrame:
    """What the policies get from more or less stock, as `planning.replay_run.exchange_curve` tells it; or no rows."""
    found = cached.exchange_curve(one.curve_key)
    if found is not None:
        return found
    try:
        then = _known(one.question, one.fits)
        if then is not None:
            told = _Progress(st.progress(0.0, text="Drawing what more or less stock would give", width=420), "Drawing")
            return cached.keep_exchange_curve(
                one.curve_key, replay_run.exchange_curve(*_tables(), **_ground(one, then, told))
            )
    except Exception:
        LOG.exception("an exchange curve could not be made")
    return pd.DataFrame(columns=list(CURVE))


def newest() -> tuple[str, ReplayResult, pd.DataFrame] | None:
    """The replay that this tab shows of the plan in force: in words, what it found, its exchange curve; or None."""
    try:
        fits = cached.fits(*decided.here(), session.as_of(), session.params())
        spans = [] if fits is None else replay_question.spans(fits)
        if fits is None or not spans:
            return None
        known = replay_question.offered()
        question = replay_question.asked() or replay_question.usual(spans, known)
        key, curve_key = _keys(question, known, fits)
    except PlanningError:
        return None
    result, line = cached.replayed(key), cached.exchange_curve(curve_key)
    if result is None:
        return None
    return question.words(known), result, pd.DataFrame(columns=list(CURVE)) if line is None else line


def ready(question: Question, fits: Fits) -> bool:
    """Whether what a question stands on is there, so that its answer takes moments."""
    try:
        return _known(question, fits) is not None
    except PlanningError:
        return False


def _first(question: Question) -> date:
    """The first past morning that is replayed."""
    return session.as_of() - timedelta(weeks=question.weeks)


def _then(question: Question, fits: Fits) -> dict[str, Any]:
    """From which morning on, and how often learned anew, forecasts of the past are needed."""
    if question.forecasts == "refitted":
        every = 1
        if len(fits.keys) * question.weeks * 7 / fits.calendar.bucket_days > REFIT_MOST:
            msg = (
                "so many item-locations take too long to refit on each morning: choose fewer weeks, or the kept ones, "
            )
            msg += "or the command line"
            raise ParameterError(msg)
    else:
        every = max(1, LEARN_WEEKS * 7 // fits.calendar.bucket_days)
    return {"first": known_from(fits, session.as_of(), _first(question)), "every": every}


def _keys(question: Question, known: Mapping[str, Policy], fits: Fits) -> tuple[str, str]:
    """Name the answer to a question, and the curve beside it."""
    who, snapshot = decided.here()
    params = session.params()
    then = service.known_then_key(who, snapshot, session.as_of(), params, **_then(question, fits))
    # The curve goes through targets of its own: one for all who differ in theirs alone.
    plain = Params().to_dict()
    aside = params.but(**{name: plain[name] for name in TARGETS})
    span = json.dumps([question.weeks, question.lead_times])
    told = [then, params.to_json(), question.told(known)], [then, aside.to_json(), span]
    answer, curve = (hashlib.sha256("\n".join(one).encode()).hexdigest() for one in told)
    return answer, curve


def _known(question: Question, fits: Fits) -> Known | None:
    return cached.known_then(*decided.here(), session.as_of(), session.params(), **_then(question, fits))


def _run(one: Asked, then: Known) -> ReplayResult:
    """Run the policies one after another; a button stops it."""
    slot = st.empty()
    with slot.container(horizontal=True, vertical_alignment="center"):
        told = _Progress(st.progress(0.0, text="Replaying", width=420), "Replaying")
        st.button(
            "Stop",
            key="replay_stop",
            icon=":material/stop:",
            on_click=session.keep,
            args=(replay_question.STOPPED, one.key),
        )
    chosen = one.question.chosen(one.known)
    own = ("plan", *(policy.key for policy in chosen if policy.params is None))
    scenarios = {policy.name: policy.params for policy in chosen if policy.params is not None}
    ground = _ground(one, then, told)
    result = replay_run.run_replay(*_tables(), policies=own, scenarios=scenarios, **ground)
    slot.empty()
    return result


def _tables() -> tuple[Mapping[str, pd.DataFrame], date, Params]:
    who, snapshot = decided.here()
    tables = service.planned_inputs(who, snapshot, frames=cached.inputs(who, snapshot))
    return tables, session.as_of(), session.params()


def _ground(one: Asked, then: Known, told: "_Progress") -> dict[str, Any]:
    span = (_first(one.question), session.as_of() - timedelta(days=1))
    read = {"fits": one.fits, "known": then, "span": span}
    past = cached.replayed_past(one.curve_key, lambda: replay_run.read_span(*_tables(), **read))
    return {**read, "past": past, "lead_times": one.question.lead_times, "progress": told}


class _Progress:
    """Says how far the policies are; only in the thread that draws the page, and not more often than can be read."""

    def __init__(self, bar: DeltaGenerator, verb: str) -> None:
        self._bar, self._verb = bar, verb
        self._thread, self._next = threading.current_thread(), 0.0

    def __call__(self, stage: str, done: int, total: int) -> None:
        if threading.current_thread() is not self._thread or time.monotonic() < self._next:
            return
        self._next = time.monotonic() + TOLD_EVERY
        words = f"{self._verb} {literal(shown(stage))} · {done:,} of {total:,}"
        self._bar.progress(min(max(done / total, 0.0), 1.0) if total else 0.0, text=words)


# --- the long part ----------------------------------------------------------------------------------------------------


def _wait(question: Question, fits: Fits) -> None:
    """Start what was known on past mornings if it is not being made yet, and show how far it is."""
    who, snapshot = decided.here()
    day, params, then = session.as_of(), session.params(), _then(question, fits)
    key = service.known_then_key(who, snapshot, day, params, **then)
    running = session.kept(WAITING)
    if running is None or running[0] != key or running[1].status() == "absent":
        _forget()
        tables = cached.inputs(who, snapshot)
        job = service.start_known_then(who, snapshot, day, params, frames=tables, **then)
        running = (key, job)
        session.keep(WAITING, running)
    _progress(running[1], count(question.weeks, "week"))


def _forget() -> None:
    running = session.kept(WAITING)
    if running is not None:
        running[1].cancel()
    session.keep(WAITING, None)


def _leave() -> None:
    _forget()
    session.keep(replay_question.ASKED, None)


@st.fragment(run_every=1.0)
def _progress(job: jobs.Job, weeks: str) -> None:
    status = job.status()
    # A cancelled one is forgotten by its button; this part of the page alone would go on showing it.
    if status in ("done", "absent") or session.kept(WAITING) is None:
        st.rerun()
    with st.container(border=True):
        if status == "running":
            st.markdown(f"**Forecasting as it would have been on each morning of {weeks}**")
            st.caption("Once for these data and this span. Another policy, target or filter then takes no time.")
            _, done, total = job.progress()
            share = min(max(done / total, 0.0), 1.0) if total else 0.0
            st.progress(share, text=f"Past mornings · {done:,} of {total:,}" if total else "Starting")
        else:
            st.markdown("**The replay was stopped**" if status == "cancelled" else "**The replay failed**")
            # As text: it may quote what a user's file said.
            st.text(job.message() or "Start it again, or ask for another span.")
        with st.container(horizontal=True):
            if status == "running":
                pressed = st.button("Cancel", key="replay_cancel", icon=":material/close:", on_click=_leave)
            else:
                pressed = st.button("Start again", key="replay_again", type="primary", on_click=_forget)
                pressed |= st.button("Leave it", key="replay_leave", on_click=_leave)
            if pressed:
                st.rerun()
