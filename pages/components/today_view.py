"""What to do this morning: the lines with the most at stake, what the budget buys of them, the one in view."""

from datetime import timedelta
from typing import Any

import pandas as pd
import streamlit as st

from pages.components import charts, headline, item_view, ordering, panel, session, tables, work
from pages.components.formats import count, literal, money, short_day, units
from pages.components.lines import KEYS, pairs
from pages.components.sidebar import RISK_LABELS
from planning.result import PlanResult

WORK = (
    "item_id",
    "location_id",
    "quantity",
    "stake",
    "risk",
    "value",
    "action",
    "item_name",
    "stockout_on",
    "note",
    "reason",
)
MOST_ROWS = 500
"""So many are sent to the browser; the filters and the downloads reach the rest."""
SNOOZE_DAYS = 7
LONGEST_NOTE = 500
BUDGET = "budget_slider"


def show(plan: PlanResult, whole: PlanResult) -> None:
    """Draw the tab."""
    if session.may_act():
        _budget(whole)
    every = work.work_list(plan)
    asleep = ordering.snoozed(plan)
    sleeping = pairs(every).isin(pairs(asleep)) if len(asleep) else pd.Series(data=False, index=every.index).to_numpy()
    told = int(sleeping.sum())
    with st.container(horizontal=True, vertical_alignment="center", key="work_told"):
        tick = "Tick lines to act on them; click" if session.may_act() else "Click"
        st.caption(f"The most at stake first. {tick} one to see why, below.", width="content")
        if told:
            st.toggle(f"Show {count(told, 'snoozed line')}", key="work_snoozed")
    rows = every if session.widget("work_snoozed") else every[~sleeping]
    if rows.empty:
        st.success("Nothing calls for action today: every line in view is covered.", icon=":material/task_alt:")
        return
    rows = _noted(rows.reset_index(drop=True), asleep)
    shown = headline.with_reasons(rows.head(MOST_ROWS), plan)
    chosen, at = _list(shown, plan)
    if len(rows) > len(shown):
        st.caption(f"The first {len(shown):,} of {len(rows):,} lines; filters and downloads reach the rest.")
    if session.may_act():
        _act(rows if not len(chosen) else rows.iloc[chosen], plan, asleep, every=not len(chosen))
    line = rows.iloc[at]
    item_id, location_id = str(line["item_id"]), str(line["location_id"])
    with st.container(border=True):
        item_view.heading(plan, item_id, location_id, key="work_item")
        if line["note"]:
            st.caption(f"Note: {literal(line['note'])}")
        item_view.stock_and_reason(plan, item_id, location_id, key="work")
    tables.downloads(rows, "replenishment", plan, key="work_all", whole=lambda: headline.with_reasons(rows, plan))


def _budget(plan: PlanResult) -> None:
    """The budget as a slider over what all wanted purchases cost, and where it cuts."""
    budget = plan.params.budget
    drawer = st.expander(
        "What the budget buys", icon=":material/content_cut:", expanded=budget is not None, on_change="rerun", key="cut"
    )
    with drawer:
        if not drawer.open:
            return
        ranked, currency = work.ranked(plan), plan.params.currency
        if ranked.rows.empty:
            st.caption("No purchase with a known cost is wanted today: a budget has nothing to cut.")
            return
        paid = ordering.approved_today(plan)
        top = _round_up(ranked.value + paid)
        session.seed(BUDGET, float(top if budget is None else min(budget, top)))
        st.slider(
            f"Budget for today's orders ({currency})" if currency else "Budget for today's orders",
            0.0,
            float(top),
            step=float(top) / 100,
            format="localized",
            key=BUDGET,
            help="For all lines, whatever the filters show. At the right end there is no limit.",
            on_change=_set_budget,
            args=(float(top),),
        )
        left = None if budget is None else max(budget - paid, 0.0)
        panel.chart(charts.cut_line(ranked, left, currency), "Purchases by return, and the cut", key="cut_line")
        st.markdown(_cut_in_words(ranked, budget, paid, currency))
        _cut_list(ranked, plan)


def _set_budget(top: float) -> None:
    told = float(session.widget(BUDGET))
    session.change_params(budget=None if told >= top else told)


def _round_up(total: float) -> int:
    """The total, rounded up to two leading digits, so that the slider has round steps."""
    unit = 10 ** max(len(str(int(total))) - 2, 0)
    return int((total // unit + 1) * unit)


def _cut_in_words(ranked: work.Ranked, budget: float | None, paid: float, currency: str) -> str:
    rows, sign = ranked.rows, literal(currency)

    def amount(value: float) -> str:
        return money(value, sign) if ranked.in_money else units(round(value))

    said = f"All {count(len(rows), 'line')} cost **{money(ranked.value, sign)}** and save {amount(rows['saved'].sum())}"
    lost = rows["wanted"] - rows["ordered"]
    cut = rows[lost > 1e-9]
    if budget is not None and len(cut):
        kept = float((rows["saved"] * rows["ordered"] / rows["wanted"]).sum())
        said += (
            f". The budget buys {money(max(budget - paid, 0.0), sign)} of it and saves about **{amount(kept)}**; "
            f"**{count(len(cut), 'line')}** fall short by {units(round(lost.sum()))}"
        )
    if budget is not None and paid:
        said += f". {money(paid, sign)} of the budget went to orders approved this morning"
    if ranked.unpriced:
        said += f". {count(ranked.unpriced, 'line')} without a cost stand in no ranking"
    return f"{said}."


def _cut_list(ranked: work.Ranked, plan: PlanResult) -> None:
    """The lines around the cut, best return first."""
    rows = ranked.rows.assign(bought=ranked.rows["ordered"] >= ranked.rows["wanted"] - 1e-9)
    at = int(rows["bought"].sum())
    near = rows.iloc[max(at - 4, 0) : at + 20] if plan.params.budget is not None else rows.head(24)
    near = near.assign(rate=near["rate"].round(3))
    number, sign = st.column_config.NumberColumn, plan.params.currency
    unit = f" ({sign})" if sign else ""
    st.dataframe(
        near,
        hide_index=True,
        column_order=["bought", "item_id", "location_id", "supplier_id", "ordered", "wanted", "value", "rate", "spent"],
        column_config=tables.columns("replenishment", sign, near)
        | {
            "bought": st.column_config.CheckboxColumn("Bought", help="Whether the budget buys all that is wanted."),
            "ordered": number("Ordered (units)", format="%,.0f"),
            "wanted": number("Wanted (units)", format="%,.0f", help="The order as it would be without a budget."),
            "value": number(f"Costs{unit}", format="%,.0f"),
            "rate": number("Return", format="percent", help="What the order saves, as a share of what it costs."),
            "spent": number(f"Spent so far{unit}", format="%,.0f", help="This line and all of a better return."),
        },
        height=min(36 + 33 * len(near), 267),
        placeholder="–",
        alt="The lines around the cut, by return",
        key="cut_list",
    )


def _noted(rows: pd.DataFrame, asleep: pd.DataFrame) -> pd.DataFrame:
    """The rows with the last note on each; a snoozed one says until when."""
    notes = ordering.notes()
    texts = {(n.item_id, n.location_id): str(n.text) for n in notes.itertuples()} if len(notes) else {}
    until = {(n.item_id, n.location_id): n.until for n in asleep.itertuples()} if len(asleep) else {}
    told = []
    for key in zip(rows["item_id"], rows["location_id"], strict=True):
        parts = [f"until {short_day(until[key])}"] if key in until else []
        told.append("; ".join([*parts, *([texts[key]] if key in texts else [])]))
    return rows.assign(note=told)


def _list(rows: pd.DataFrame, plan: PlanResult) -> tuple[list[int], int]:
    """Show the work list; return the ticked rows, and the one in view."""
    columns = [c for c in tables.seen(WORK) if c in rows and (c != "item_name" or rows[c].notna().any())]
    columns = [c for c in columns if c != "note" or rows[c].any()]
    lean = rows[columns].assign(
        risk=rows["risk"].map(lambda r: [RISK_LABELS[r]]), action=rows["action"].str.capitalize()
    )
    event = st.dataframe(
        lean,
        key=ordering.list_key("work"),
        hide_index=True,
        column_config=tables.columns("replenishment", plan.params.currency, rows) | _columns(plan, rows),
        alt="What to do today, line by line",
        height=min(36 + 33 * len(rows), 399),
        on_select="rerun",
        selection_mode=["multi-row", "single-cell"],
        placeholder="–",
    )
    ticked = [r for r in event.selection.rows if r < len(rows)]
    cells = [c[0] for c in event.selection.cells if c[0] < len(rows)]
    return ticked, int(cells[0] if cells else ticked[-1] if ticked else 0)


def _columns(plan: PlanResult, rows: pd.DataFrame) -> dict[str, Any]:
    number, sign = st.column_config.NumberColumn, plan.params.currency
    in_money = work.priced(plan)
    whole = (rows["quantity"].dropna() % 1 == 0).all()
    return {
        "risk": st.column_config.MultiselectColumn(
            "Risk", options=list(RISK_LABELS.values()), color=["red", "orange", "green"], width=95
        ),
        "item_id": st.column_config.TextColumn("Item", width="small", pinned=True),
        "location_id": st.column_config.TextColumn("Location", width=84),
        "item_name": st.column_config.TextColumn("Name", width="medium"),
        "quantity": number("Units", format="%,.0f" if whole else "%,.1f", help="To order or to send.", width=60),
        "value": number(f"Costs ({sign})" if sign else "Costs", format="%,.0f", help="The order, at cost.", width=90),
        "stake": number(
            (f"At stake ({sign})" if sign else "At stake") if in_money else "At stake (units)",
            format="%,.0f",
            width=94,
            help="Margin, not sales, expected to be lost if nothing is done today: before an order of today can "
            "arrive, and what that order saves after it. Exceptions tell what moving an open order saves.",
        ),
        "note": st.column_config.TextColumn("Note", width="small"),
        "reason": st.column_config.TextColumn("Reason", width="large"),
    }


def _act(rows: pd.DataFrame, plan: PlanResult, asleep: pd.DataFrame, *, every: bool) -> None:
    """What can be done with the ticked lines; with none ticked, approving speaks of all of the list."""
    due = rows[rows["order_quantity"] > 0]
    value = due["order_value"].sum(min_count=1)
    worth = f" ({money(value, plan.params.currency)})" if pd.notna(value) else ""
    with st.container(horizontal=True, vertical_alignment="center", key="work_actions"):
        pressed = st.button(
            f"Approve {'all ' if every and len(due) > 1 else ''}{count(len(due), 'order line')}{worth}",
            key="work_approve",
            type="primary",
            icon=":material/check:",
            disabled=due.empty,
            help="They get order numbers and count as open orders from now on. Undo takes them back.",
        )
        if pressed and ordering.approve(lines_to_approve(due, plan)):
            ordering.untick("work")
            st.rerun()
        _snooze(rows, plan, disabled=every)
        _wake(rows, asleep, disabled=every)
        _note(rows, disabled=every)
        ordering.undo_button("work", ticked="work")


def lines_to_approve(due: pd.DataFrame, plan: PlanResult) -> pd.DataFrame:
    """The orders of these lines: the columns of `plan.orders`."""
    return plan.orders[pairs(plan.orders).isin(pairs(due))]


def _snooze(rows: pd.DataFrame, plan: PlanResult, *, disabled: bool) -> None:
    with st.popover("Snooze", icon=":material/snooze:", disabled=disabled, help=_hint(disabled)):
        until = st.date_input(
            "Until",
            plan.as_of + timedelta(days=SNOOZE_DAYS),
            min_value=plan.as_of + timedelta(days=1),
            max_value=plan.as_of + timedelta(days=365),
            format="YYYY-MM-DD",
            key="snooze_until",
        )
        why = st.text_input("Reason", key="snooze_why", max_chars=LONGEST_NOTE)
        if st.button(f"Snooze {count(len(rows), 'line')}", key="snooze_do", type="primary") and ordering.snooze(
            rows[[*KEYS, "risk"]], until, why
        ):
            ordering.untick("work")
            st.rerun()


def _wake(rows: pd.DataFrame, asleep: pd.DataFrame, *, disabled: bool) -> None:
    """The way back for snoozed lines, where they are shown."""
    if asleep.empty or not session.widget("work_snoozed"):
        return
    some = rows[pairs(rows).isin(pairs(asleep))]
    idle = disabled or some.empty
    pressed = st.button(
        "Wake" if idle else f"Wake {count(len(some), 'line')}",
        key="work_wake",
        icon=":material/alarm:",
        disabled=idle,
        help="Tick snoozed lines first." if idle else "They stand in the list again from now on.",
    )
    if pressed and ordering.wake(some[list(KEYS)]):
        ordering.untick("work")
        st.rerun()


def _note(rows: pd.DataFrame, *, disabled: bool) -> None:
    with st.popover("Note", icon=":material/sticky_note_2:", disabled=disabled, help=_hint(disabled)):
        text = st.text_area("Note", key="note_text", max_chars=LONGEST_NOTE, height=90)
        if st.button(f"Keep on {count(len(rows), 'line')}", key="note_do", type="primary") and ordering.note(
            rows[list(KEYS)], text
        ):
            st.rerun()


def _hint(disabled: bool) -> str | None:  # noqa: FBT001
    return "Tick lines first." if disabled else None
