"""Replay: whether this plan would have worked on your own past, and what another policy would have cost."""

import streamlit as st

from pages.components import (
    cached,
    decided,
    glossary,
    panel,
    replay_acts,
    replay_question,
    replay_runs,
    replay_shared,
    replay_view,
    session,
    share,
)
from pages.components.replay_runs import Asked
from planning.replay_measures import ReplayResult
from planning.replay_scope import narrow
from planning.replay_told import BEFORE_WEEKS, LEAST_WEEKS
from planning.result import PlanResult


def main() -> None:
    """Draw the page."""
    plan, whole = panel.open_page("Replay")
    if not session.may_act():
        replay_shared.show(session.shared_replay(), whole.params.currency)
        return
    replay_acts.used()
    fits = cached.fits(*decided.here(), session.as_of(), session.params())
    spans = [] if fits is None else replay_question.spans(fits)
    if fits is None or not spans:
        st.info(
            f"The past is too short for a replay: it takes {BEFORE_WEEKS} weeks to learn from and "
            f"{LEAST_WEEKS} to replay. Import more sales.",
            icon=":material/hourglass_empty:",
        )
        return
    known = replay_question.offered()
    question = replay_question.asked() or replay_question.usual(spans, known)
    with st.expander(question.words(known), icon=":material/tune:", expanded=not replay_runs.ready(question, fits)):
        replay_question.form(spans, known, question, len(plan.items))
    one = replay_runs.asked(question, known, fits)
    result = replay_runs.made(one, start=replay_question.asked() is not None) if one else None
    if one and result:
        _told(one, result, plan, whole)
    elif replay_question.asked() is None:
        st.info("Would this plan have worked? Run it over your own past, beside others.", icon=":material/history:")


def _told(one: Asked, whole_past: ReplayResult, plan: PlanResult, whole: PlanResult) -> None:
    result = narrow(whole_past, plan.items)
    if not result.world.lines:
        st.info("No item in view was replayed.", icon=":material/filter_alt:")
        return
    replay_view.heading(one.key, result, whole.params.currency)
    policy, other = replay_view.pair(result)
    told = replay_view.compared(one.key, result, policy, other)
    replay_view.numbers(result, told, policy, other, whole.params.currency)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        replay_acts.offer(policy, one.known, whole.params)
        share.button(whole, replay=True)
    curve = cached.exchange_curve(one.curve_key) if result is whole_past else None
    chart, below = replay_view.chart(result, curve, whole.params.currency)
    replay_view.show(result, told, policy, other, whole)
    glossary.words("Fill rate", "Lost margin", "Lead time", "Lead time + review", "Review period", "ABC class")
    if result is whole_past and curve is None:
        with below.container():
            curve = replay_runs.curve(one)
        below.empty()
        replay_view.draw_chart(chart, result, curve, whole.params.currency)


main()
