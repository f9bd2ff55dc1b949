"""What a replay told, as a link shows it: the answer, three numbers, the chart, the table, and its limits."""

import streamlit as st

from pages.components import charts_replay, glossary, panel, replay_verdict, replay_view
from pages.components.formats import count, day, known, literal, money, percent, units
from pages.components.replay_groups import named
from pages.components.replay_words import shown
from planning.limited import ToldReplay


def show(told: ToldReplay | None, currency: str) -> None:
    """Draw what was frozen, or say that nothing was; filters narrow nothing of it."""
    if told is None:
        st.info("A replay is made by planners; a link shows the plan that was shared.", icon=":material/lock:")
        return
    weeks = replay_verdict.counted(told.bucket_days, told.counted, told.buckets)
    st.caption(
        f"{day(told.span[0])} to {day(told.span[1])} · {weeks} · {count(told.lines, 'item-location')}, all that this "
        "link shows, whatever the filters"
    )
    apart = told.apart.iloc[0].to_dict() if len(told.apart) else None
    promise = told.promised.iloc[0].to_dict() if len(told.promised) else None
    replay_view.answer_box(
        [replay_verdict.best(told.totals, apart, currency), replay_verdict.kept(promise, told.names[0])],
        "What no replay can know stands below.",
    )
    _numbers(told, currency)
    with st.container(border=True):
        st.header("Service against stock")
        panel.chart(
            charts_replay.exchange(
                named(told.totals), named(told.curve), [shown(name) for name in told.names], currency
            ),
            "Service achieved and promised against average stock, by policy",
            key="replay_shared_chart",
        )
        st.caption(replay_view.read_chart(told.totals))
    replay_view.policies_table(told.totals, told.names, currency, told.bucket_days, key="replay_shared_measures")
    replay_view.limits(told.notes)
    glossary.words("Fill rate", "Lost margin")


def _numbers(told: ToldReplay, currency: str) -> None:
    """Three numbers of the plan's own policy."""
    mine, span = told.totals.iloc[0], f"{day(told.span[0])} to {day(told.span[1])}"
    promised = mine["promised_fill_rate"]
    first, second, third = st.columns(3)
    with first:
        panel.number(
            "Service achieved",
            percent(mine["fill_rate"]),
            f"{literal(shown(told.names[0]))}, {span}."
            + (f" Promised: {percent(promised)}." if known(promised) else ""),
            glossary.term("Fill rate"),
        )
    with second:
        priced = known(mine["average_stock_value"])
        panel.number(
            "Average stock",
            money(mine["average_stock_value"], literal(currency)) if priced else units(mine["average_stock_units"]),
            f"Held on average, {span}" + (", at cost." if priced else "."),
        )
    with third:
        priced = known(mine["lost_margin"])
        panel.number(
            "Lost margin" if priced else "Lost",
            money(mine["lost_margin"], literal(currency)) if priced else units(mine["lost_units"]),
            f"Asked for and not there, {span}.",
        )
