"""The plan week by week: the lines in view by one measure, and one line whose orders may be edited in place."""

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from pages.components import charts, decided, headline, item_view, ordering, panel, session, tables, weeks
from pages.components.formats import count, day, literal, money, short_day, units
from pages.components.lines import KEYS
from pages.components.weeks import MEASURES, ByWeek
from pages.components.wording import starting_stock
from planning.grid import build_grid
from planning.result import PlanResult

EVERYTHING = "everything"
MOST_ROWS, MOST_LINES = 500, 60
"""So many rows are sent of one measure; so many lines where all measures are shown."""
LONGEST_REASON = 500
UNITS, DAYS = "units", "days"
SHORT: Mapping[str, str] = MappingProxyType(
    {
        "starting_stock": "Start",
        "sales": "Sales",
        "receipts": "Receipts",
        "orders": "Arriving",
        "closing_stock": "Close",
        "unmet": "Unmet",
        "days_of_supply": "Days",
        "safety_stock": "Safety",
    }
)
"""Headings that let a line stand in one view."""
LEAST = 0.5
"""Units below which nothing is told as missing."""


def show(plan: PlanResult) -> None:
    """Draw the tab."""
    found = weeks.by_week(plan)
    if not len(found.starts):
        st.info("The plan looks less than a week ahead: there are no weeks to show.", icon=":material/event_busy:")
        return
    order = weeks.worst_first(plan, found)
    with st.container(horizontal=True, vertical_alignment="bottom", key="week_bar"):
        session.seed("week_measure", session.widget("week_measure") or "closing_stock")
        measure = st.segmented_control(
            "Show",
            [*MEASURES, EVERYTHING],
            format_func=lambda name: MEASURES.get(name, "All of it"),
            key="week_measure",
            required=True,
            wrap=True,
            label_visibility="collapsed",
        )
    row = _grid(plan, found, order, str(measure))
    with st.container(border=True):
        _line(plan, found, row)


def _grid(plan: PlanResult, found: ByWeek, order: np.ndarray, measure: str) -> int:
    """The lines by week, those first that miss most; return the row in view."""
    whole = measure == EVERYTHING
    rows = order[: MOST_LINES if whole else MOST_ROWS]
    frame = weeks.everything(found, rows) if whole else weeks.table(found, measure, rows)
    unit = "units and days" if whole else DAYS if measure == "days_of_supply" else UNITS
    to = "edit its orders" if session.may_act() else "see its orders"
    st.caption(
        f"In {unit}, by the first day of the week. Lines with the most unmet demand first; click one to {to} below."
    )
    shown = headline.with_names(frame, plan)
    event = st.dataframe(
        shown,
        key="week_grid",
        hide_index=True,
        column_order=["item_id", *_named(shown), "location_id", *(["measure"] if whole else []), *_weeks(found)],
        column_config=_columns(found),
        height=_height(len(shown), 12),
        on_select="rerun",
        selection_mode="single-row",
        selection_default={"selection": {"rows": [0]}},
        placeholder="–",
        alt="The plan by item and week",
    )
    if len(order) > len(rows):
        st.caption(f"The first {len(rows):,} of {count(len(order), 'line')}; filters reach the rest.")
    chosen = event.selection.rows[0] if event.selection.rows else 0
    at = chosen // len(MEASURES) if whole else chosen
    tables.downloads(weeks.everything(found, rows), "weeks", plan, key="weeks")
    return int(rows[at if at < len(rows) else 0])


def _height(rows: int, most: int) -> int:
    """As high as its rows, or the most that are shown at once."""
    return 36 + 33 * min(rows, most)


def _named(frame: pd.DataFrame) -> list[str]:
    return ["item_name"] if frame["item_name"].notna().any() else []


def _weeks(found: ByWeek) -> list[str]:
    return weeks.headings(found)


def _columns(found: ByWeek) -> dict[str, Any]:
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    named = {
        name: number(short_day(start), format="%,.0f", help=f"The week from {day(start)}.", width=72)
        for name, start in zip(weeks.headings(found), found.starts, strict=True)
    }
    return named | {
        "item_id": text("Item", pinned=True, width="small"),
        "item_name": text("Name", width=150),
        "location_id": text("Location"),
        "measure": text("Measure", width="small"),
    }


# --- one line --------------------------------------------------------------------------------------------------------


def _line(plan: PlanResult, found: ByWeek, row: int) -> None:
    """The line in view: its weeks, orders to be edited, its projected stock."""
    item_id, location_id = (str(found.keys[k].iloc[row]) for k in KEYS)
    item_view.heading(plan, item_id, location_id, key="week_item")
    told = build_grid(plan, item_id, location_id, weeks.WEEKS)
    pinned = ordering.pinned_orders(plan, item_id, location_id)
    placed = _placed(plan, item_id, location_id, told["starts_on"], pinned)
    may = session.may_act()
    buys = not plan.items.loc[_is(plan.items, item_id, location_id), "supplier_id"].isna().all()
    st.markdown(_in_words(told, plan, item_id, location_id))
    start = starting_stock(plan, item_id, location_id, float(told["starting_stock"].iloc[0]))
    if start:
        st.caption(start)
    edited = _editor(told.assign(placed=placed["quantity"].to_numpy()), item_id, location_id, editable=buys and may)
    if buys and may:
        _save(edited, placed, pinned, plan, {"item_id": item_id, "location_id": location_id})
    elif not buys:
        st.caption("No supplier is known: what comes here is sent from another location, see Allocation.")
    figure = charts.projected_stock(plan, item_id, location_id, height=340)
    panel.chart(figure, f"Projected stock of {item_id} at {location_id} over 13 weeks", key="week_stock")


def _is(frame: pd.DataFrame, item_id: str, location_id: str) -> pd.Series:
    return (frame["item_id"] == item_id) & (frame["location_id"] == location_id)


def _placed(plan: PlanResult, item_id: str, location_id: str, starts: pd.Series, pinned: pd.DataFrame) -> pd.DataFrame:
    """What is ordered by week of the order: quantity (units), order_on (the morning on which it is placed)."""
    columns = ["quantity", "order_on"]
    parts = [f.loc[_is(f, item_id, location_id), columns] for f in (plan.orders, plan.planned_orders)]
    orders = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
    by_week = orders.groupby(_week(orders["order_on"], starts)).agg(
        quantity=("quantity", "sum"), order_on=("order_on", "first")
    )
    out = by_week.reindex(range(len(starts)))
    # What was set by hand keeps its morning, so that it can be changed and taken back.
    mornings = pinned.groupby(_week(pinned["order_on"], starts))["order_on"].first().reindex(out.index)
    return out.assign(quantity=out["quantity"].fillna(0.0), order_on=mornings.fillna(out["order_on"]).fillna(starts))


def _week(days: pd.Series, starts: pd.Series) -> pd.Series:
    """In which of the weeks a day lies."""
    return (pd.to_datetime(days, cache=False) - starts.iloc[0]).dt.days // 7


def _in_words(told: pd.DataFrame, plan: PlanResult, item_id: str, location_id: str) -> str:
    """What these weeks come to."""
    missed, asked = float(told["unmet"].sum()), float(told["demand"].sum())
    late = float(told["past_due"].sum())
    said = f"**{units(round(asked))}** are expected to be asked for in {count(len(told), 'week')}"
    if missed < LEAST:
        return f"{said}, and all are there."
    share = f" ({missed / asked:.0%})" if asked else ""
    items = plan.items.loc[_is(plan.items, item_id, location_id)]
    price = items["unit_price"].iloc[0] if len(items) else np.nan
    worth = f", {money(missed * price, literal(plan.params.currency))} at sales prices" if pd.notna(price) else ""
    first = told.loc[told["unmet"] >= LEAST, "starts_on"]
    since = f"; the first in the week from {short_day(first.iloc[0])}" if len(first) else ""
    verb = "lost" if plan.params.unmet_demand == "lost" else "owed"
    past = f" {units(round(late))} should have been ordered before today." if late >= LEAST else ""
    return f"{said}; **{units(round(missed))}**{share} are {verb}{worth}{since}.{past}"


def _editor(told: pd.DataFrame, item_id: str, location_id: str, *, editable: bool) -> pd.DataFrame:
    number = st.column_config.NumberColumn
    columns = {
        "starts_on": st.column_config.DateColumn("Week from", format="D MMM", pinned=True),
        "placed": number(
            "To order",
            format="%,.0f",
            min_value=0,
            step=1,
            help="Units ordered in this week. Type another quantity; an empty cell lets the plan decide again.",
        ),
        **{
            name: number(SHORT[name], format="%,.1f" if name == "days_of_supply" else "%,.0f", help=title)
            for name, title in {**MEASURES, "safety_stock": "Safety stock"}.items()
        },
    }
    order = ["starts_on", "placed", *MEASURES, "safety_stock"]
    lean = told[order].round(dict.fromkeys(order[2:], 1))
    return pd.DataFrame(
        st.data_editor(
            lean,
            key=f"week_edit_{item_id}_{location_id}_{decided.decisions_id()[:12]}",
            hide_index=True,
            column_order=order,
            column_config=columns,
            disabled=[c for c in order if c != "placed" or not editable],
            height=_height(len(lean), weeks.WEEKS),
            placeholder="–",
            alt="The weeks of this line; orders can be edited",
        )
    )


def _save(
    edited: pd.DataFrame, placed: pd.DataFrame, pinned: pd.DataFrame, plan: PlanResult, line: Mapping[str, str]
) -> None:
    """Keep the edited orders as pins; take pins back, one or all."""
    now, before = edited["placed"], placed["quantity"].reset_index(drop=True)
    changed = np.flatnonzero(now.isna() | ((now - before).abs() > weeks.ALMOST_NOTHING))
    with st.container(horizontal=True, vertical_alignment="bottom", key="week_save_row"):
        reason = st.text_input(
            "Reason", key="week_reason", max_chars=LONGEST_REASON, placeholder="What do you know?", width=280
        )
        pressed = st.button(
            f"Order as edited ({count(len(changed), 'week')})" if len(changed) else "Order as edited",
            key="week_save",
            type="primary",
            icon=":material/push_pin:",
            help="Your quantity replaces the plan's on that morning; everything after it is worked out anew.",
        )
        if len(pinned) > 1:
            st.button(
                "Reset all",
                key="week_reset_all",
                icon=":material/restart_alt:",
                on_click=ordering.reset_pins,
                args=(pinned["pin_id"].tolist(),),
            )
        ordering.undo_button("week")
    _pinned(pinned)
    if pressed and not len(changed):
        st.info("Nothing was changed.", icon=":material/info:")
    elif pressed:
        _keep(changed, now, placed, pinned, {**line, "reason": reason or ""}, plan.as_of)
        # A refusal is told at the top of the page, where the edits still stand.
        st.rerun()


def _keep(
    changed: np.ndarray,
    now: pd.Series,
    placed: pd.DataFrame,
    pinned: pd.DataFrame,
    told: Mapping[str, str],
    today: date,
) -> None:
    """Keep each edited week; an emptied cell takes its pin back."""
    emptied = [week for week in changed if pd.isna(now.iloc[week])]
    mornings = placed["order_on"].iloc[emptied]
    gone = pinned.loc[pinned["order_on"].isin(mornings), "pin_id"].tolist()
    typed = [week for week in changed if pd.notna(now.iloc[week])]
    if gone:
        ordering.reset_pins(gone)
    if typed:
        rows = pd.DataFrame({"order_on": placed["order_on"].iloc[typed], "value": now.iloc[typed].to_numpy(float)})
        ordering.pin_orders(rows.assign(**told), today)


def _pinned(rows: pd.DataFrame) -> None:
    """The pins of the line, each with the way back."""
    if rows.empty:
        return
    st.caption("Set by hand; take one back and the plan decides again:")
    with st.container(horizontal=True, key="week_pins"):
        for pin in rows.itertuples():
            st.button(
                f"{short_day(pin.order_on)}: {units(pin.value)}",
                key=f"week_reset_{pin.pin_id}",
                icon=":material/restart_alt:",
                help=literal(pin.reason) if pin.reason else None,
                on_click=ordering.reset_pins,
                args=([pin.pin_id],),
            )
