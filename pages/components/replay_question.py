"""What is to be replayed: over which weeks, under which policies, with which lead times and forecasts."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import pandas as pd
import streamlit as st

from pages.components import decided, scenario_runs, session
from pages.components.formats import count
from pages.components.replay_words import MEANINGS, NAMES
from planning import replay_run
from planning.fits import Fits
from planning.params import Params
from planning.replay_told import LEAST_WEEKS, USUAL_WEEKS, longest

ASKED, STOPPED = "replay_asked", "replay_stopped"
SPANS = (LEAST_WEEKS, 13, 26, 39, 52, 78, 104)
MOST = 6
"""Policies beside the plan's own."""
LEAD_TIMES: Mapping[str, str] = MappingProxyType(
    {"usual": "Usual", "drawn": "Drawn from receipts", "receipts": "As received"}
)
FORECASTS: Mapping[str, str] = MappingProxyType({"kept": "Kept from each morning", "refitted": "Made anew (slow)"})
REFIT_MOST = 100_000
"""Item-locations times mornings up to which all is learned anew on each past morning."""


@dataclass(frozen=True)
class Policy:
    """A policy that can be replayed beside the plan's own.

    key : of the engine, or of a kept scenario.
    params : of a scenario; None: the engine's own policy of this key.
    """

    key: str
    name: str
    params: Params | None = None


@dataclass(frozen=True)
class Question:
    """What is replayed: the last weeks, keys of policies beside the plan's, lead times, and how forecasts are taken."""

    weeks: int
    policies: tuple[str, ...]
    lead_times: str = "usual"
    forecasts: str = "kept"

    def told(self, known: Mapping[str, Policy]) -> str:
        """Everything in it that moves a figure, as text."""
        some = [(one.key, one.name, one.params.to_json() if one.params else "") for one in self.chosen(known)]
        return json.dumps([self.weeks, some, self.lead_times, self.forecasts])

    def words(self, known: Mapping[str, Policy]) -> str:
        """The question in a line."""
        others = count(len(self.chosen(known)), "other policy", "other policies")
        lead, taken = LEAD_TIMES[self.lead_times].lower(), FORECASTS[self.forecasts].lower()
        return f"Last {self.weeks} weeks, this plan and {others}; lead times {lead}; forecasts {taken}"

    def chosen(self, known: Mapping[str, Policy]) -> list[Policy]:
        """The policies beside the plan's own that still exist."""
        return [known[key] for key in self.policies if key in known]


def offered() -> dict[str, Policy]:
    """The policies that can stand beside the plan's own, by key: those the data allow, and the kept scenarios."""
    frames = decided.frames()
    there = {"history": _counted_before(frames["stock"]), "min_max": _has_levels(frames)}
    found = [Policy(key, name) for key, name in NAMES.items() if key != "plan" and there.get(key, True)]
    taken = {*NAMES.values(), *NAMES, *replay_run.NAMES.values()}
    for one in scenario_runs.kept():
        name, n = one.name, 2
        while name in taken:
            name, n = f"{one.name} ({n})", n + 1
        taken.add(name)
        found.append(Policy(f"kept:{one.scenario_id}", name, one.params))
    return {one.key: one for one in found}


def _counted_before(stock: pd.DataFrame) -> bool:
    """Whether stock was counted on more than one day."""
    days = stock["as_of"] if "as_of" in stock else pd.Series(dtype="datetime64[s]")
    return bool(days.notna().any() and days.min() < days.max())


def _has_levels(frames: Mapping[str, pd.DataFrame]) -> bool:
    """Whether any item has both a minimum and a maximum stock."""
    both = ["min_stock", "max_stock"]
    tables = [frames[name] for name in ("items", "item_locations") if name in frames and set(both) <= set(frames[name])]
    return any(table[both].notna().all(axis=1).any() for table in tables)


def spans(fits: Fits) -> list[int]:
    """The numbers of weeks that the past allows, the shortest first; empty: it is too short."""
    return [span for span in SPANS if span <= longest(fits)]


def usual(some: Sequence[int], known: Mapping[str, Policy]) -> Question:
    """What is replayed where nobody asked for anything else."""
    weeks = max((span for span in some if span <= USUAL_WEEKS), default=some[-1])
    return Question(weeks, tuple(key for key in ("cover", "history", "min_max", "textbook") if key in known))


def asked() -> Question | None:
    """What was asked for in this tab."""
    found: Question | None = session.kept(ASKED)
    return found


def form(some: Sequence[int], known: Mapping[str, Policy], now: Question, lines: int) -> None:
    """Ask what to replay; the button keeps what the form holds.

    Parameters
    ----------
    some : spans to choose from, weeks. now : what is shown at first. lines : item-locations in view.
    """
    session.seed("replay_weeks", now.weeks if now.weeks in some else some[-1])
    session.seed("replay_policies", [one.key for one in now.chosen(known)])
    session.seed("replay_leads", now.lead_times)
    session.seed("replay_forecasts", now.forecasts)
    with st.form("replay_form", border=True):
        left, right = st.columns([1, 3], gap="medium")
        left.selectbox("Span", some, format_func=lambda weeks: f"Last {weeks} weeks", key="replay_weeks")
        right.multiselect(
            "Beside this plan",
            list(known),
            format_func=lambda key: known[key].name if key in known else "",
            max_selections=MOST,
            key="replay_policies",
            help="  \n".join(f"**{NAMES[key]}**: {MEANINGS[key]}" for key in known if key in MEANINGS),
        )
        first, second = st.columns(2, gap="medium")
        first.segmented_control(
            "Lead times",
            list(LEAD_TIMES),
            format_func=LEAD_TIMES.__getitem__,
            key="replay_leads",
            required=True,
            wrap=True,
            help="Usual: as the plan takes them. Drawn: from receipts known before, the same for all policies. "
            "As received: of the receipt nearest in time.",
        )
        second.segmented_control(
            "Forecasts",
            list(FORECASTS),
            format_func=FORECASTS.__getitem__,
            key="replay_forecasts",
            required=True,
            wrap=True,
            help="Kept: levels of each past morning, models and errors learned anew every four weeks, always from what "
            "was known by then. Made anew: all of it on each morning, as if you had forecast then; slow, for small "
            "assortments.",
        )
        with st.container(horizontal=True, vertical_alignment="center"):
            st.form_submit_button(
                "Run the replay", type="primary", icon=":material/play_arrow:", on_click=_ask, args=(now,)
            )
            st.caption(
                f"{count(lines, 'item-location')} in view; filters narrow what is shown, not what is replayed.",
                width="content",
            )


def _ask(now: Question) -> None:
    """Keep what the form holds."""
    session.keep(ASKED, _filled(now))
    session.keep(STOPPED, None)


def _filled(now: Question) -> Question:
    return Question(
        weeks=int(session.widget("replay_weeks") or now.weeks),
        policies=tuple(session.widget("replay_policies") or ()),
        lead_times=str(session.widget("replay_leads") or "usual"),
        forecasts=str(session.widget("replay_forecasts") or "kept"),
    )
