"""Allocation: what to send where today, what it gains, and what stays short."""

import streamlit as st

from pages.components import charts, controls, glossary, headline, lookups, panel, promise, session, tables
from pages.components.formats import count, money, units
from planning.result import PlanResult

TRANSFERS = ("item_id", "item_name", "source_id", "destination_id", "quantity", "arrives_on", "value", "reason")
COVER = ("item_id", "location_id", "requested", "transferred", "short", "days_before", "days_after")


def main() -> None:
    """Draw the page."""
    plan, whole = panel.open_page("Allocation")
    if whole.before_after.empty:
        st.info("Stock lies at one location only, or nothing feeds anything: there is nothing to share. Name a "
                "location that gives under Sharing rules, or import locations and lanes.", icon=":material/call_split:")
        _rules()
        return
    _three_numbers(plan)
    _rules()
    left, right = st.columns([3, 2], gap="medium")
    with left, st.container(border=True, height="stretch"):
        st.subheader("Cover by location, before and after")
        panel.chart(charts.allocation_before_after(plan.before_after), "Days of supply before and after", key="cover")
    with right, st.container(border=True, height="stretch"):
        st.subheader("From where to where")
        panel.chart(charts.transfers_flow(plan.allocation), "Units sent by lane", key="lanes")
    sent, short = st.tabs([f"Transfers of today ({len(plan.allocation):,})", "What stays short"])
    with sent:
        st.caption("Approve by downloading: the file is what the warehouse picks.")
        tables.show(_named(plan), "allocation", plan=plan, key="transfers", order=TRANSFERS, alt="Transfers of today",
                    more={"item_name": st.column_config.TextColumn("Name", width="medium")},
                    empty="No transfer is worth its freight today.")
    with short:
        _short(plan)


def _three_numbers(plan: PlanResult) -> None:
    now = promise.moves(plan)
    first, second, third = st.columns(3)
    with first:
        panel.number("Units moved", units(now.units), f"{count(now.lines, 'transfer')} on {count(now.lanes, 'lane')}."
                     if now.lines else "Every location is as well off as it can be.")
    with second:
        panel.number("Gain over moving nothing", _gain(now, plan), _against_fair_share(plan, now),
                     "Expected margin that the transfers save, less their freight.")
    with third:
        panel.number("Short everywhere", count(now.short_items, "item"),
                     f"{units(round(now.short_units))} asked for that no location can give: buy or expedite."
                     if now.short_items else "All that was asked for could be sent.",
                     "Items of which all locations together ask for more than the sources can give.")


def _gain(now: promise.Moves, plan: PlanResult) -> str:
    return money(now.gain, plan.params.currency) if now.in_money else units(now.gain)


def _against_fair_share(plan: PlanResult, now: promise.Moves) -> str:
    if plan.params.allocation_method == "fair_share":
        return "Shared in proportion to need. Sharing for the most value is under Sharing rules."
    fair = lookups.plan_with(allocation_method="fair_share")
    if fair is None:
        return "Shared for the most value."
    more = now.gain - promise.moves(session.filters().narrow(fair)).gain
    told = money(more, plan.params.currency) if now.in_money else units(more)
    return f"{told} more than a fair share would gain." if more > 0 else "As much as a fair share would gain."


def _rules() -> None:
    with st.container(horizontal=True):
        with st.popover("Sharing rules", icon=":material/tune:"):
            controls.allocation_params()
        glossary.words("Allocation", "Fair share", "Days of supply", "Lost margin")


def _named(plan: PlanResult) -> object:
    names = plan.items.drop_duplicates("item_id")[["item_id", "item_name"]]
    return plan.allocation.merge(names, on="item_id", how="left").sort_values("value", ascending=False)


def _short(plan: PlanResult) -> None:
    rows = plan.before_after[plan.before_after["short"] > 0].sort_values("short", ascending=False)
    if rows.empty:
        st.success("Nothing stays short.", icon=":material/task_alt:")
        return
    whole, tenth = st.column_config.NumberColumn, st.column_config.NumberColumn
    st.dataframe(headline.with_names(rows, plan), hide_index=True, column_order=("item_name", *COVER),
                 alt="Lines that stay short", column_config={
        "item_name": "Name", "item_id": "Item", "location_id": "Location",
        "requested": whole("Asked for (units)", format="%,.0f"), "transferred": whole("Sent (units)", format="%,.0f"),
        "short": whole("Still short (units)", format="%,.0f"),
        "days_before": tenth("Cover before (days)", format="%,.1f"),
        "days_after": tenth("Cover after (days)", format="%,.1f")})


main()
