"""A replay: three numbers, the exchange curve, policies side by side and by group, weeks, and what it cannot know."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.components import (
    cached,
    charts_replay,
    glossary,
    panel,
    replay_files,
    replay_groups,
    replay_item,
    replay_verdict,
    session,
)
from pages.components.formats import DASH, count, day, known, literal, money, percent, units
from pages.components.replay_groups import named
from pages.components.replay_words import (
    CANNOT_KNOW,
    difference,
    interval,
    interval_table,
    measure_table,
    shown,
    verdict,
)
from planning.replay_measures import ReplayResult
from planning.replay_told import key_of
from planning.result import PlanResult

TABS = ("Policies", "By group", "By week", replay_item.TAB, "What it cannot know")
USUAL_OTHERS = ("plan", "cover", "textbook")
"""What a policy is held against where nobody chose."""
TAB = "replay_tab"


def pair(result: ReplayResult) -> tuple[str, str]:
    """Let choose whose numbers are told, and against which policy; return both names."""
    names = list(result.names)
    if len(names) == 1:
        return names[0], names[0]
    left, right = st.columns(2, gap="medium")
    if session.widget("replay_of") not in names:
        session.seed("replay_of", names[0])
    policy = left.selectbox("Numbers of", names, format_func=shown, key="replay_of")
    others = [name for name in names if name != policy]
    if session.widget("replay_against") not in others:
        session.seed("replay_against", _usual(others))
    other = right.selectbox("Against", others, format_func=shown, key="replay_against")
    return str(policy), str(other)


def _usual(others: list[str]) -> str:
    """The policy that one is held against where nobody chose."""
    return next((name for key in USUAL_OTHERS for name in others if key_of(name) == key), others[0])


def compared(key: str, result: ReplayResult, policy: str, other: str) -> pd.DataFrame:
    """What one policy has more than the other, by measure; `key` names the replay of all lines."""
    return cached.replay_difference(key, result, policy, other).set_index("measure", drop=False)


def numbers(result: ReplayResult, told: pd.DataFrame, policy: str, other: str, currency: str) -> None:
    """Service achieved against promised, stock saved, margin saved: each against the other policy."""
    mine = result.totals().set_index("policy").loc[policy]
    name, currency = literal(shown(other)), literal(currency)
    alone = policy == other
    first, second, third = st.columns(3)
    with first:
        apart = _against(told.loc["fill_rate"], name, currency)
        promised = f"Promised {percent(mine['promised_fill_rate'])}. " if known(mine["promised_fill_rate"]) else ""
        panel.number(
            "Service achieved",
            percent(mine["fill_rate"]),
            promised + ("" if alone else apart),
            glossary.term("Fill rate") + " Achieved in the replay, beside what the policy promised at each order.",
        )
    stock = "average_stock_value" if known(told.loc["average_stock_value", "value"]) else "average_stock_units"
    with second:
        row = told.loc[stock]
        held = money(row["value"], currency) if stock == "average_stock_value" else units(round(row["value"]))
        panel.number(
            "Stock saved",
            held if alone else _saved(row, currency),
            "Held on average." if alone else f"Holds {held} on average. {_saved_interval(row, name, currency)}",
            "Average stock at the end of a bucket, at cost: what the other policy holds more.",
        )
    with third:
        row = told.loc["lost_margin" if known(told.loc["lost_margin", "value"]) else "lost_units"]
        margin = str(row["measure"]) == "lost_margin"
        lost = money(row["value"], currency) if margin else units(round(row["value"]) if known(row["value"]) else None)
        panel.number(
            "Margin saved" if margin else "Units saved",
            lost if alone else _saved(row, currency),
            f"Lost over {_span(result)}." if alone else f"Loses {lost}. {_saved_interval(row, name, currency)}",
            f"Price less cost of what was asked for and not there, {_span(result)}: what the other policy loses more.",
        )


def _against(row: pd.Series, name: str, currency: str) -> str:
    return (
        f"Against {name}: {difference(str(row['measure']), row['difference'], currency)} ({interval(row, currency)})"
        f"{_said(row)}."
    )


def _saved(row: pd.Series, currency: str) -> str:
    return difference(str(row["measure"]), -row["difference"], currency)


def _saved_interval(row: pd.Series, name: str, currency: str) -> str:
    turned = {"measure": row["measure"], "difference": row["difference"], "low": -row["high"], "high": -row["low"]}
    return _unbroken(f"Against {name}: {_saved(row, currency)} ({interval(turned, currency)}){_said(row)}.")


def _said(row: Mapping[str, Any]) -> str:
    """What to make of a difference, where that can be told."""
    told = verdict(row)
    return "" if told == DASH else f": {'may be chance' if told == 'not clear' else told}"


def _unbroken(text: str) -> str:
    """The text with signs and percent signs held to their numbers."""
    return text.replace(" %", "\N{NO-BREAK SPACE}%").replace("+", "+\N{WORD JOINER}").replace("−", "−\N{WORD JOINER}")


def _span(result: ReplayResult) -> str:
    return f"{day(result.span[0])} to {day(result.span[1])}"


def heading(key: str, result: ReplayResult, currency: str) -> None:
    """Say which days and lines the figures are of, and what they come to in words; `key` names the whole replay."""
    weeks = replay_verdict.counted(result.bucket_days, int(result.world.counted.sum()), len(result.world.counted))
    st.caption(f"{_span(result)} · {weeks} · {count(result.world.lines, 'item-location')}")
    _answer(key, result, currency)


def answer_box(said: Sequence[str], where: str) -> None:
    """Draw the answer in words; `where` says where its limits are told."""
    with st.container(border=True, gap="xsmall", key="replay_answer"):
        for sentence in filter(None, said):
            st.markdown(_unbroken(sentence))
        st.caption(f"A past is one of many that could have been. {where}")


def _answer(key: str, result: ReplayResult, currency: str) -> None:
    """Say in words which policy would have been better, and whether the plan keeps what it promises."""
    totals, plan = result.totals(), result.names[0]
    ranked = replay_verdict.cheapest(totals)
    apart = None if len(ranked) < 2 else compared(key, result, *ranked[:2]).loc["total_cost"].to_dict()  # noqa: PLR2004
    promise = result.promised(plan)
    said = [
        replay_verdict.best(totals, apart, currency),
        replay_verdict.kept(promise.iloc[0].to_dict() if len(promise) else None, plan),
    ]
    answer_box(said, "The last tab says what no replay can know.")


def chart(result: ReplayResult, curve: pd.DataFrame | None, currency: str) -> tuple[DeltaGenerator, DeltaGenerator]:
    """Draw where the policies stand; return its place and one below, as what more or less stock gives takes longer.

    Parameters
    ----------
    curve : what more or less stock would give, where that is known already.
    """
    with st.container(border=True):
        st.header("Service against stock")
        slot, below = st.empty(), st.empty()
        st.caption(read_chart(result.totals()))
    draw_chart(slot, result, pd.DataFrame() if curve is None else curve, currency)
    return slot, below


def read_chart(totals: pd.DataFrame) -> str:
    """How the chart of service against stock is read."""
    return (
        "Which policy serves more from less stock? Higher and further left is better. Filled: achieved. Open: "
        "promised. A line: the same policy with more or less stock (without filters)."
    ) + "".join(_of_history(row) for row in totals.to_dict("records"))


def _of_history(row: Mapping[str, Any]) -> str:
    """What the chart shows of what really happened."""
    if key_of(str(row["policy"])) != "history":
        return ""
    if not known(row["fill_rate"]):
        return " What really happened is not on it: where a shelf was empty nobody knows what was lost."
    return " What happened looks better than it was: weeks with an empty shelf do not tell what was lost."


def draw_chart(slot: DeltaGenerator, result: ReplayResult, curve: pd.DataFrame, currency: str) -> None:
    """Draw service against stock into its place."""
    names = [shown(name) for name in result.names]
    with slot.container():
        panel.chart(
            charts_replay.exchange(_points(result), named(curve), names, currency),
            "Service achieved and promised against average stock, by policy",
            key="replay_curve" if len(curve) else "replay_points",
        )


def show(result: ReplayResult, told: pd.DataFrame, policy: str, other: str, whole: PlanResult) -> None:
    """Draw what is looked at below the chart; only the tab that is open is worked out."""
    wanted = session.kept(replay_item.OPENED)
    if wanted in TABS:
        session.seed(TAB, wanted)
        session.keep(replay_item.OPENED, None)
    opened = st.tabs(TABS, key=TAB, on_change="rerun")
    draws = (
        lambda: _policies(result, told, policy, other, whole),
        lambda: replay_groups.show(result, whole),
        lambda: _weeks(result, whole),
        lambda: replay_item.show(result, policy, other, whole),
        lambda: limits(result.notes),
    )
    for tab, draw in zip(opened, draws, strict=True):
        with tab:
            if tab.open:
                draw()


def _points(result: ReplayResult) -> pd.DataFrame:
    """The totals of the policies that were replayed on the same lines as the first."""
    totals = result.totals()
    return named(totals[totals["lines"] == totals["lines"].max()])


def policies_table(totals: pd.DataFrame, names: Sequence[str], currency: str, bucket_days: int, *, key: str) -> None:
    """Draw what each policy comes to, a row a measure and a column a policy in the order of `names`."""
    places = {name: f"p{n}" for n, name in enumerate(names)}
    text = st.column_config.TextColumn
    st.dataframe(
        measure_table(totals, currency, bucket_days).rename(columns=places),
        key=key,
        hide_index=True,
        column_config={"measure": text("Measure", pinned=True, width="medium")}
        | {places[name]: text(shown(name)[:60]) for name in names},
        height="content",
        alt="Measures of each policy",
    )


def _policies(result: ReplayResult, told: pd.DataFrame, policy: str, other: str, whole: PlanResult) -> None:
    totals = result.totals()
    policies_table(totals, result.names, whole.params.currency, result.bucket_days, key="replay_measures")
    text = st.column_config.TextColumn
    partly = totals[totals["lines"] < totals["lines"].max()]
    for row in partly.to_dict("records"):
        st.caption(
            f"{literal(shown(row['policy']))} is known of {row['lines']:,} of {totals['lines'].max():,} "
            "item-locations: its sums do not compare with the others'. Differences are of those that both know."
        )
    replay_files.downloads(
        {"replay_policies": named(totals), "replay": named(result.lines)},
        "replay",
        whole,
        key="replay_policies_all",
        what="by policy, item and location",
    )
    if policy == other:
        return
    st.markdown(f"**{literal(shown(policy))}** against **{literal(shown(other))}**")
    st.dataframe(
        interval_table(told, whole.params.currency, result.bucket_days),
        key="replay_intervals",
        hide_index=True,
        column_config={
            "measure": text("Measure", pinned=True, width="medium"),
            "value": text(shown(policy)[:60]),
            "other": text(shown(other)[:60]),
            "difference": text("Difference"),
            "interval": text(
                "95 % interval", help="Paired bootstrap over items: each draw takes the same items of both."
            ),
            "verdict": text("Verdict"),
        },
        height="content",
        alt="Differences between two policies with their intervals",
    )
    replay_files.downloads(
        {"replay_differences": told.reset_index(drop=True)}, "replay-differences", whole, key="replay_intervals_all"
    )


def _weeks(result: ReplayResult, whole: PlanResult) -> None:
    rows = named(result.weeks)
    panel.chart(
        charts_replay.weeks(rows, [shown(name) for name in result.names], whole.params.currency),
        "Stock value and lost units by week and policy",
        key="replay_weeks_chart",
    )
    replay_files.downloads({"replay_weeks": rows}, "replay-weeks", whole, key="replay_weeks_all")


def limits(notes: Sequence[str]) -> None:
    """What this replay assumed and left out, and what no replay can know."""
    with st.container(border=True, key="replay_limits"):
        st.subheader("What a replay cannot know")
        st.markdown("\n".join(f"- {text}" for text in CANNOT_KNOW))
        if notes:
            st.subheader("What this one assumed and left out")
            st.markdown("\n".join(f"- {literal(text)}" for text in notes))
