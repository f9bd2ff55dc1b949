"""Planning on with a policy that was replayed, and the way back."""

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st

from pages.components import scenario_acts, session
from pages.components.formats import literal, percent
from pages.components.replay_question import Policy
from pages.components.replay_words import shown
from planning.params import Params
from planning.replay_run import TARGETS
from planning.replay_told import key_of

USED = "replay_used"


@dataclass(frozen=True)
class Used:
    """What was taken over from a replay, and the settings that were in force before."""

    name: str
    before: Params


def offer(policy: str, known: Mapping[str, Policy], params: Params) -> None:
    """Offer to plan with a policy that was replayed; of the plan's own, with another target.

    Parameters
    ----------
    policy : whose numbers are told. params : in force.
    """
    with st.container(horizontal=True, vertical_alignment="bottom", width="content", key="replay_actions"):
        if key_of(policy) == "plan":
            _offer_target(params)
            return
        scenario = next((one.params for one in known.values() if one.params and one.name == policy), None)
        wanted = params.but(policy="min/max") if key_of(policy) == "min_max" else scenario
        if wanted is None:
            st.caption(
                f"**{literal(shown(policy))}** is there to compare with: no plan orders like that.", width="content"
            )
            return
        st.button(
            "Use this policy",
            key="replay_use",
            type="primary",
            icon=":material/check:",
            disabled=wanted == params,
            help="Every page plans with its settings. It can be undone.",
            on_click=use,
            args=(shown(policy), wanted),
        )


def _offer_target(params: Params) -> None:
    if params.service_measure == "cost":
        st.caption("This is how the plan orders already.", width="content")
        return
    target = st.selectbox(
        "Plan with another target",
        TARGETS,
        index=None,
        format_func=lambda share: percent(share, 0 if round(100 * share, 6) % 1 == 0 else 1),
        placeholder="Choose a target",
        key="replay_target",
        width=220,
        help="The service target for all lines that have none of their own by class, category or supplier.",
    )
    if target is not None:
        st.button(
            "Use this target",
            key="replay_use",
            type="primary",
            icon=":material/check:",
            on_click=use,
            args=(f"target {percent(target)}", params.but(service_target=float(target))),
        )


def use(name: str, params: Params) -> None:
    """Plan with these settings on every page; the earlier ones can be brought back."""
    before = session.params()
    scenario_acts.use(params)
    if session.params() != before:
        session.keep(USED, Used(name, before))


def undo() -> None:
    """Go back to the settings before."""
    told: Used | None = session.kept(USED)
    if told is not None:
        scenario_acts.use(told.before)
        session.keep(USED, None)


def used() -> None:
    """Say which policy was taken over in this tab, with the way back."""
    told: Used | None = session.kept(USED)
    if told is None:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="replay_used_row"):
        st.badge("In use", icon=":material/check:", color="green")
        st.caption(f"Every page plans with the settings of **{literal(told.name)}**.", width="content")
        st.button("Undo", key="replay_undo", type="tertiary", icon=":material/undo:", on_click=undo)
