"""Replay: whether this plan would have worked on your own past, and what another policy would have cost."""

from collections.abc import Mapping

import streamlit as st

from pages.components import (
    cached,
    decided,
    glossary,
    panel,
    replay_acts,
    replay_question,
    replay_runs,
    replay_view,
    session,
)
from pages.components.cached import Replayed
from pages.components.replay_question import Policy
from planning.replay_scope import narrow
from planning.replay_told import BEFORE_WEEKS, LEAST_WEEKS
from planning.result import PlanResult


def main() -> None:
    """Draw the page."""
    plan, whole = panel.open_page("Replay")
    if not session.may_act():
        st.info("A replay is made by planners; a link shows the plan that was shared.", icon=":material/lock:")
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
    with st.expander("What is replayed", icon=":material/tune:", expanded=not replay_runs.ready(question, fits)):
        replay_question.form(spans, known, question, len(plan.items))
    replayed = replay_runs.made(question, known, fits, start=replay_question.asked() is not None)
    if replayed is not None:
        _told(replayed, known, plan, whole)
    elif replay_question.asked() is None:
        st.info(
            "Would this plan have worked? Run it over your own past, beside other policies.",
            icon=":material/history:",
        )


def _told(replayed: Replayed, known: Mapping[str, Policy], plan: PlanResult, whole: PlanResult) -> None:
    result = narrow(replayed.result, plan.items)
    if not result.world.lines:
        st.info("No item in view was replayed.", icon=":material/filter_alt:")
        return
    policy, other = replay_view.pair(result)
    told = replay_view.compared(result, policy, other)
    replay_view.heading(result)
    replay_view.numbers(result, told, policy, other, whole.params.currency)
    replay_acts.offer(policy, replay_view.targets(replayed), known, whole.params)
    replay_view.show(replayed, result, told, policy, other, whole)
    glossary.words("Fill rate", "Lost margin", "Lead time", "Lead time + review", "Review period", "ABC class")


main()
