"""What the Allocation page shows beside its lists: before and after, why a line gets so many, fair against best."""

import pandas as pd
import streamlit as st

from pages.components import charts, panel, session, sharing, tables
from pages.components.formats import count, literal, money, units
from planning.result import PlanResult

MOST_LINES = 500


def before_after(plan: PlanResult) -> None:
    """Draw what the transfers change, by the measure that is chosen."""
    names = sharing.measures(plan.before_after)
    measure = names[0] if names else "days"
    if len(names) > 1:
        measure = st.segmented_control(
            "Measure",
            names,
            default=measure,
            format_func=lambda name: sharing.MEASURES[name][0],
            label_visibility="collapsed",
            required=True,
            key="sharing_measure",
        )
    title = f"{sharing.MEASURES[measure][0]} before and after, by location"
    if measure == "days":
        figure = charts.allocation_before_after(plan.before_after)
    else:
        figure = charts.sharing_before_after(plan.before_after, measure, plan.params.currency)
    panel.chart(figure, title, key="cover")


# --- why so many ------------------------------------------------------------------------------------------------------


def why(plan: PlanResult) -> None:
    """Draw the reason of one line: what it asked for, what it got, what bound, and what one more would be worth."""
    rows = sharing.asked(plan).head(MOST_LINES)
    if rows.empty:
        st.caption("No line asks for stock today.")
        return
    at = st.selectbox(
        "Line",
        range(len(rows)),
        format_func=lambda n: _called(rows.iloc[n]),
        key=f"why_line_{len(rows)}",
        help="Those that are sent the most first.",
    )
    line = rows.iloc[at or 0]
    _figures(line, plan.params.currency)
    parts = sharing.parts_asked(line)
    if parts:
        st.caption(parts)
    told = sharing.bound(line)
    if told:
        st.markdown(f"**What bound:** {told}")
    sent = plan.allocation
    mine = sent[(sent["item_id"] == line["item_id"]) & (sent["destination_id"] == line["location_id"])]
    for row in mine.itertuples():
        st.text(f"From {row.source_id}: {row.reason}")
    _limits(plan, line)


def _called(line: pd.Series) -> str:
    name = f" {line['item_name']}" if isinstance(line["item_name"], str) else ""
    return f"{line['item_id']}{name} → {line['location_id']}"[:90]


def _figures(line: pd.Series, currency: str) -> None:
    shown = [
        ("Asked for", units(round(line["requested"], 1)), "What its policy asks for, in whole packs."),
        ("Sent", units(line["transferred"]), "Today, from all sources, what was approved this morning included."),
        ("Last one given", money(line.get("last_worth"), currency), "What the last unit sent gains, after freight."),
        ("First one refused", money(line.get("next_worth"), currency), "What one more would gain, after freight."),
    ]
    if session.costs_hidden():
        shown = shown[:2]
    with st.grid(4, min_column_width=120, gap="small"):
        for label, value, about in shown:
            st.metric(label, value, help=about)


def _limits(plan: PlanResult, line: pd.Series) -> None:
    """What one more of each limit would be worth."""
    rows = sharing.limits_of(plan, line["item_id"], line["location_id"])
    words = {
        "source": lambda row: f"One more unit at {literal(row.place)}",
        "room": lambda row: f"One more unit of space at {literal(row.place)}",
        "lane": lambda row: f"One more shipment from {literal(row.place)} to {literal(row.other)}",
    }
    for row in rows.itertuples():
        sure = "" if row.exact else ", about"
        st.markdown(
            f"- {words[row.kind](row)} would be worth{sure} "
            f"**{money(row.one_more_worth, literal(plan.params.currency))}**."
        )


# --- fair against best ------------------------------------------------------------------------------------------------


def fair_or_best(plan: PlanResult) -> None:
    """Draw the rules of sharing side by side, and the price of fairness."""
    rows = sharing.compared(plan)
    if rows.empty:
        st.caption("The rules are compared once something is shared.")
        return
    if not rows["units_moved"].any():
        st.caption("Nothing is left to share today, so that no rule differs from another.")
        return
    price = sharing.price_of_fairness(plan)
    if price is not None:
        st.markdown(_in_words(price, literal(plan.params.currency)))
    panel.chart(charts.sharing_rules(rows, plan.params.currency), "What each rule of sharing gains", key="rules")
    number, sign = st.column_config.NumberColumn, plan.params.currency
    unit = f" ({sign})" if sign else ""
    st.dataframe(
        rows,
        hide_index=True,
        column_order=tables.seen(
            ["label", "value_money", "given_up", "expected_lost_units", "lost_margin", "units_moved", "fill_rate"]
        ),
        column_config={
            "label": st.column_config.TextColumn("Rule", width="medium"),
            "value_money": number(f"Gains{unit}", format="%,.0f", help="Margin of what is sent, less freight."),
            "given_up": number(f"Given up{unit}", format="%,.0f", help="Against the split for the most value."),
            "expected_lost_units": number("Expected lost (units)", format="%,.0f"),
            "lost_margin": number(f"Lost margin{unit}", format="%,.0f"),
            "units_moved": number("Moved (units)", format="%,.0f"),
            "fill_rate": number("Fill rate", format="percent"),
        },
        placeholder="–",
        alt="The rules of sharing side by side",
    )  # fmt: skip
    st.caption(f"{count(len(rows), 'rule')}, each on the same stock, for all lines whatever the filters show.")


def _in_words(price: sharing.Price, currency: str) -> str:
    lost = sharing.against_best(price.lost_units, 1)
    if price.money is None:
        return f"**The price of fairness:** {literal(price.rule)} {lost} the best split."
    if price.money < 0:
        return (
            f"**The price of priorities:** {literal(price.rule)} gains **{money(-price.money, currency)}** more and "
            f"{lost} the split for the most value: {sharing.BEFORE_MONEY}"
        )
    return (
        f"**The price of fairness:** {literal(price.rule)} gives up **{money(price.money, currency)}** and {lost} "
        "the split for the most value."
    )
