"""The three numbers that head each page, each with its unit and what it means in a sentence."""

import pandas as pd
import streamlit as st

from pages.components import glossary, headline, lookups, ordering, panel, promise, session, sharing, transferring
from pages.components.formats import count, day, days, known, literal, money, money_in_full, percent, short_day, units
from pages.components.wording import last_call
from planning.result import PlanResult

UNBIASED = 0.02
"""A bias of less than this is told as none."""
NO_DIFFERENCE = 0.005
"""A gain within this share of another is told as the same."""


def replenishment(plan: PlanResult, whole: PlanResult) -> None:
    """What to order today, what an order cannot save, and what is left of the budget of the whole plan."""
    due, state = headline.due_today(plan), headline.health(plan)
    red = plan.lines[plan.lines["risk"] == "red"]
    risk = headline.amount(red, "expected_lost_units", "lost_margin")
    currency = literal(plan.params.currency)
    first, second, third = st.columns(3)
    with first:
        source = f" from {count(state.suppliers, 'supplier')}" if state.suppliers else ""
        told = f"{units(due.units)} in {count(due.lines, 'line')}{source}."
        panel.number(
            "Value to order today" if not session.costs_hidden() else "To order today",
            money(due.money, currency) if due.money is not None else units(due.units),
            told if due.lines else "Nothing needs to be ordered today.",
            "Purchases of this morning at cost, after minimum quantities, packs and budget.",
        )
    with second:
        stake = f"{money(risk.money, currency)} of margin" if risk.money is not None else units(round(risk.units))
        panel.number(
            "A normal order cannot save",
            count(state.red, "line"),
            f"They run out before an order of today can arrive: {stake} at stake. Expedite or move stock."
            if state.red
            else "Nothing runs out before an order of today can arrive.",
            glossary.term("Red"),
        )
    with third:
        if session.may_act() or whole.params.budget is not None:
            _budget(whole)
        else:
            panel.number("To transfer today", units(state.moved_units), "Sent from a location that has more.")


def _budget(plan: PlanResult) -> None:
    budget = plan.params.budget
    spent = (headline.due_today(plan).money or 0.0) + ordering.approved_today(plan)
    about = "The budget covers all purchases of today, approved and proposed, whatever the filters show."
    if budget is None:
        told = "Set a budget to see what would fall below the line."
        panel.number("Cash left in the budget", "No limit", told, about)
        return
    cut = plan.waterfall[(plan.waterfall["step"] == "budget") & (plan.waterfall["units"] < 0)]
    told = "nothing had to be cut"
    if len(cut):
        told = f"{count(len(cut), 'line')} cut by {units(round(-cut['units'].sum()))}"
    panel.number(
        "Cash left in the budget",
        money(budget - spent, literal(plan.params.currency)),
        f"of {money_in_full(budget, literal(plan.params.currency))}; {told}.",
        about,
    )


def allocation(plan: PlanResult, whole: PlanResult) -> None:
    """What moves today, what it gains over a fair share, and what stays short everywhere."""
    now, price = promise.moves(plan), sharing.price_of_fairness(whole)
    done = transferring.approved_today(plan)
    first, second, third = st.columns(3)
    with first:
        panel.number(
            "To move today",
            units(now.units),
            _moves_in_words(now, done),
        )
    with second:
        gain = money(now.gain, literal(plan.params.currency)) if now.in_money else units(round(now.gain))
        if session.costs_hidden():
            fed = plan.allocation["destination_id"].nunique()
            panel.number("Sent to", count(fed, "location"), "What they hold before and after stands below.")
        elif not now.lines:
            left = "All that was to move is approved." if len(done) else "There is nothing to move."
            panel.number("Gain over moving nothing", "–", left, _GAIN)
        elif price is None:
            panel.number("Gain over moving nothing", gain, _against_fair_share(plan, now), _GAIN)
        else:
            size = money(abs(now.gain), literal(plan.params.currency)) if now.in_money else units(round(abs(now.gain)))
            _fairness(plan, price, f"{size} {'less' if now.gain < 0 else 'more'} than moving nothing")
    with third:
        panel.number(
            "Short everywhere",
            count(now.short_items, "item"),
            f"{units(round(now.short_units))} asked for that no source can give: buy or expedite."
            if now.short_items
            else "All that was asked for can be sent.",
            "Items of which the locations together ask for more than their sources can give.",
        )


def _moves_in_words(now: promise.Moves, done: pd.DataFrame) -> str:
    """What is still proposed, and what of this morning is approved already."""
    approved = f"{units(round(float(done['quantity'].sum())))} in {count(len(done), 'transfer')}"
    if not now.lines:
        return f"All approved this morning: {approved}." if len(done) else "No source can give what a line asks for."
    also = f" Approved this morning: {approved}." if len(done) else ""
    return f"{count(now.lines, 'transfer')} on {count(now.lanes, 'lane')}.{also}"


_GAIN = "Expected margin that the transfers save, less their freight."


def _fairness(plan: PlanResult, price: sharing.Price, nothing: str) -> None:
    """What the split in force gains over the fair rule, or what that gives up; and over moving nothing, in words."""
    best = plan.params.allocation_method == "optimal"
    more = units(round(price.lost_units)) if price.money is None else money(price.money, literal(plan.params.currency))
    rule, lost = literal(price.rule), sharing.against_best(price.lost_units)
    if price.money is not None and price.money < 0:
        panel.number(
            "The price of priorities",
            money(-price.money, literal(plan.params.currency)),
            f"{rule} would gain so much more: {sharing.BEFORE_MONEY} It is {nothing}.",
            f"{_GAIN} Of all lines, whatever the filters show.",
        )
        return
    panel.number(
        "Gained over a fair share" if best else "The price of fairness",
        more,
        f"{rule} {lost} {'this split' if best else 'the best split'}; {nothing}.",
        f"{_GAIN} Of all lines, whatever the filters show.",
    )


def _against_fair_share(plan: PlanResult, now: promise.Moves) -> str:
    if plan.params.allocation_method == "fair_share":
        return "Shared in proportion to need; Sharing rules offers sharing for the most value."
    fair = lookups.plan_with(allocation_method="fair_share")
    if fair is None:
        return "Shared for the most value."
    more = now.gain - promise.moves(session.filters().narrow(fair)).gain
    if abs(more) < NO_DIFFERENCE * max(abs(now.gain), 1.0):
        return "As much as a fair share would gain."
    told = money(abs(more), literal(plan.params.currency)) if now.in_money else units(round(abs(more)))
    if more < 0:
        return f"{told} less than a fair share would gain, as the locations' priorities weigh too."
    return f"{told} more than a fair share would gain."


def service(plan: PlanResult) -> None:
    """What the policy promises, the stock it needs, and what it expects to lose."""
    now, state, currency = promise.promise(plan), headline.health(plan), literal(plan.params.currency)
    first, second, third = st.columns(3)
    with first:
        cost = plan.params.service_measure == "cost" or now.target is None
        # The number and its sign stay on one line.
        target = "at least cost" if cost else f"against a target of {percent(now.target)}".replace(" %", "\u00a0%")
        panel.number(
            "Service promised",
            percent(now.fill_rate),
            f"of demand served from the shelf, {target}.",
            "The fill rate that the policy expects, weighted by demand, before minimum quantities and packs.",
        )
    with second:
        held = f", at cost; today it is {money(state.stock_value, currency)}" if state.stock_value is not None else ""
        value = money(now.stock_value, currency) if now.stock_value is not None else units(round(now.stock_units))
        panel.number(
            "Stock the policy needs",
            value,
            f"on hand on average in all locations{held}.",
            "Safety stock, and half of what is used up between two orders.",
        )
    with third:
        lost, lost_units = now.lost_margin_per_year, units(round(now.lost_units_per_year))
        panel.number(
            "Expected lost margin a year" if lost is not None else "Expected lost sales a year",
            money(lost, currency) if lost is not None else lost_units,
            f"{lost_units} a year will find an empty shelf, in {count(len(plan.policy), 'line')}.",
            glossary.term("Lost margin"),
        )


def forecast(now: promise.Outlook) -> None:
    """What to expect in the next four weeks, how far off the forecast was, and to which side."""
    unknown = "Too little history to measure."
    first, second, third = st.columns(3)
    with first:
        told = "The history does not reach back a year."
        if session.grant() is not None:
            told = "The history is not part of this view."
        if now.last_year_units:
            change = now.next_units / now.last_year_units - 1
            told = (
                f"{percent(abs(change))} {'more' if change >= 0 else 'less'} than the "
                f"{units(round(now.last_year_units))} sold in the same weeks last year."
            )
        panel.number("Expected in the next 4 weeks", units(round(now.next_units)), told)
    with second:
        told = unknown
        if now.wape is not None and now.naive_wape:
            better = 1 - now.wape / now.naive_wape
            told = (
                f"{percent(abs(better), 0)} {'less' if better >= 0 else 'more'} than the naive forecast "
                f"({percent(now.naive_wape)}), over {count(now.measured, 'line')}."
            )
        panel.number("Error over lead time + review", percent(now.wape), told, glossary.term("WAPE"))
    with third:
        bias, told = now.bias, unknown
        if bias is not None:
            told = (
                "Neither too high nor too low, on the whole."
                if abs(bias) < UNBIASED
                else f"Forecasts run too {'high' if bias > 0 else 'low'}, on the whole."
            )
        panel.number(
            "Bias", "–" if bias is None else f"{100 * bias:+.1f} %".replace("-", "−"), told, glossary.term("Bias")
        )


def accuracy(plan: PlanResult, record: pd.Series, held: float | None) -> None:
    """What errors cost, how far off the forecast was beside simpler ones, and whether its 95 % quantile held.

    Parameters
    ----------
    record : the row of all lines of `forecast_record.by_group`.
    held : share of cases in which demand stayed at or below the 95 % quantile.
    """
    first, second, third = st.columns(3)
    with first:
        priced = known(record["error_value"])
        panel.number(
            "Cost of error a year" if priced else "Missed in all",
            money(record["error_value"], literal(plan.params.currency))
            if priced
            else units(round(record["error_units"])),
            f"in {count(int(record['lines']), 'line')}; below stands where a better forecast would pay."
            if priced
            else "over all past mornings measured; no cost is known.",
            glossary.term("Cost of error"),
        )
    with second:
        told = ", ".join(
            f"{percent(record[column])} {words}"
            for column, words in (("naive_wape", "for the naive forecast"), ("mean13_wape", "for the mean of 13 weeks"))
            if known(record[column])
        )
        panel.number("Error over lead time + review", percent(record["wape"]), told, glossary.term("WAPE"))
    with third:
        told = "Too little history to measure." if held is None else "of cases; 95 % were promised."
        panel.number(
            "The 95 % quantile held in", percent(held), told, "On past mornings not used to measure the spread."
        )


def item(plan: PlanResult, line: pd.Series) -> None:
    """How long it lasts, when it runs out, what to order."""
    first, second, third = st.columns(3)
    with first:
        supply = days(round(line["days_of_supply"], 1)) if known(line["days_of_supply"]) else "Beyond the horizon"
        panel.number(
            "Days of supply",
            supply,
            f"{units(line['on_hand'])} on hand, {units(line['on_order'])} on order.",
            glossary.term("Days of supply"),
        )
    with second:
        told = "Stock and open orders last as far as the plan looks."
        if known(line["stockout_on"]):
            told = f"{day(line['stockout_on'])}; {last_call(line['order_by'], plan.as_of)}."
        panel.number(
            "Runs out on",
            short_day(line["stockout_on"]) if known(line["stockout_on"]) else "Not in sight",
            told,
            "The first day on which mean demand is not met without a new order, counting open orders by their dates.",
        )
    with third:
        bought, moved = float(line["order_quantity"]), float(line["transfer_quantity"])
        told = "Nothing to order today."
        if bought:
            told = f"Arrives {day(line['arrives_on'])}."
            if known(line["order_value"]):
                told = (
                    f"{money(line['order_value'], literal(plan.params.currency))}, arrives {day(line['arrives_on'])}."
                )
        elif moved:
            told = "Sent today from the location that feeds this one."
        panel.number("Transfer today" if moved and not bought else "Order today", units(bought or moved), told)
