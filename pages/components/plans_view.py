"""What changed since the last plan, and why; plans made, adopted and superseded."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pandas as pd
import streamlit as st

from pages.components import cached, ordering, session, tables
from pages.components.formats import count, literal, money
from pages.components.lines import KEYS, pairs
from planning.result import PlanResult

TYPES: Mapping[str, str] = MappingProxyType({"replenishment": "Replenishment", "allocation": "Allocation"})
STATES: Mapping[str, str] = MappingProxyType(
    {"draft": "✎ Draft", "record": "★ Plan of record", "superseded": "↷ Superseded"}
)
CHANGES = ("item_id", "item_name", "location_id", "before", "after", "difference", "value", "cause")
PLANS = ("state", "name", "type", "scope", "as_of", "made_by", "made_at", "order_value", "order_lines")
MOST_ROWS, LONGEST_NAME = 500, 80
STEP, NAME, TYPE = "plan_step", "plan_name", "plan_type"


def show(plan: PlanResult) -> None:
    """Draw the tab."""
    _changes(plan)
    st.header("Plans")
    rows = ordering.plans()
    if rows.empty:
        st.caption("No plan is kept yet. Keep this one, and next week's will be told apart from it, line by line.")
    else:
        _plans(rows, plan)
    with st.container(border=True):
        _create(plan)


def _changes(plan: PlanResult) -> None:
    st.header("What changed")
    rows = ordering.changes(plan)
    if rows is None:
        st.caption("There is no earlier plan to compare with. Keep one below; the next is compared with it.")
        return
    since = rows.attrs.get("since", "the last plan")
    rows = rows[pairs(rows).isin(pairs(plan.items))] if len(rows) else rows
    if rows.empty:
        st.success(f"Nothing changed since {literal(since)}.", icon=":material/task_alt:")
        return
    rows = rows.merge(plan.items[[*KEYS, "item_name"]], on=list(KEYS), how="left")
    causes = rows["cause"].value_counts()
    told = ", ".join(f"{literal(cause)} ({n:,})" for cause, n in causes.head(4).items())
    st.markdown(f"Since **{literal(since)}** {count(len(rows), 'line')} changed: {told}.")
    shown = [c for c in CHANGES if c in rows and rows[c].notna().any()]
    st.dataframe(
        rows[shown].head(MOST_ROWS),
        key="changes",
        hide_index=True,
        column_config=_change_columns(plan.params.currency),
        height=min(38 + 35 * min(len(rows), MOST_ROWS), 400),
        placeholder="–",
        alt="Lines that changed since the last plan, with the cause",
    )
    tables.downloads(rows[shown], "changes", plan, key="changes_all")


def _change_columns(currency: str) -> dict[str, Any]:
    text, number = st.column_config.TextColumn, st.column_config.NumberColumn
    return {
        "item_id": text("Item", pinned=True),
        "item_name": text("Name", width="medium"),
        "location_id": text("Location"),
        "before": number("Order then (units)", format="%,.0f"),
        "after": number("Order now (units)", format="%,.0f"),
        "difference": number("Change (units)", format="%+,.0f"),
        "value": number(f"Change ({currency})" if currency else "Change in money", format="%+,.0f"),
        "cause": text("Cause", width="large"),
    }


def _plans(rows: pd.DataFrame, plan: PlanResult) -> None:
    shown = rows.assign(state=rows["state"].map(STATES).fillna(rows["state"]))
    event = st.dataframe(
        shown.reindex(columns=list(PLANS)),
        key="plans",
        hide_index=True,
        column_order=[c for c in PLANS if c in rows and rows[c].notna().any()],
        column_config=_plan_columns(plan.params.currency),
        height=min(38 + 35 * len(rows), 330),
        on_select="rerun",
        selection_mode="single-row",
        selection_default={"selection": {"rows": [0]}},
        placeholder="–",
        alt="Plans that are kept",
    )
    at = event.selection.rows[0] if event.selection.rows and event.selection.rows[0] < len(rows) else 0
    row = rows.iloc[at]
    with st.container(horizontal=True, vertical_alignment="center", key="plan_actions"):
        st.button(
            f"Adopt {str(row['name'])[:40]}",
            key="plan_adopt",
            type="primary",
            icon=":material/star:",
            disabled=row["state"] != "draft",
            help="It becomes the plan of record; the one before is superseded.",
            on_click=ordering.adopt_plan,
            args=(str(row["plan_id"]),),
        )
        if _known(row.get("order_value")):
            st.caption(f"Orders of {money(row['order_value'], literal(plan.params.currency))}", width="content")


def _known(value: object) -> bool:
    """Whether a cell holds something."""
    return value is not None and not pd.isna(value)


def _plan_columns(currency: str) -> dict[str, Any]:
    text, number = st.column_config.TextColumn, st.column_config.NumberColumn
    return {
        "state": text("State", width="small"),
        "name": text("Plan", width="medium"),
        "type": text("Type"),
        "scope": text("Scope", width="medium"),
        "as_of": st.column_config.DateColumn("For the morning of", format="D MMM YYYY"),
        "made_by": text("By"),
        "made_at": st.column_config.DatetimeColumn("Made", format="D MMM YYYY, HH:mm"),
        "order_value": number(f"Orders ({currency})" if currency else "Orders", format="%,.0f"),
        "order_lines": number("Lines", format="%,d"),
    }


def _create(plan: PlanResult) -> None:
    """A plan in two steps: its name and type, then its scope."""
    step = session.kept(STEP) or 1
    st.subheader(f"New plan, step {step} of 2: {'name and type' if step == 1 else 'scope'}")
    if step == 1:
        _first_step(plan)
    else:
        _second_step(plan)


def _first_step(plan: PlanResult) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", key="plan_first"):
        session.seed(NAME, session.widget(NAME) or session.kept(NAME) or f"Plan of {plan.as_of:%-d %B %Y}")
        name = st.text_input("Name", key=NAME, max_chars=LONGEST_NAME, width=280)
        kind = st.segmented_control(
            "Type",
            list(TYPES),
            format_func=TYPES.__getitem__,
            default=session.kept(TYPE) or "replenishment",
            key=TYPE,
            required=True,
        )
        st.button("Next: scope", key="plan_next", icon=":material/arrow_forward:", on_click=_go, args=(2, name, kind))


def _go(step: int, name: str, kind: str) -> None:
    session.keep(STEP, step)
    session.keep(NAME, name)
    session.keep(TYPE, kind)


def _second_step(plan: PlanResult) -> None:
    name, kind = str(session.kept(NAME) or ""), str(session.kept(TYPE) or "replenishment")
    snapshot, now = session.snapshot_id(), session.filters()
    facets = cached.facets(session.visitor(), snapshot) if snapshot else cached.Facets((), (), ())
    st.caption(f"**{literal(name)}**, {TYPES[kind].lower()}. Empty: all. It begins with what the filters show.")
    with st.container(horizontal=True, vertical_alignment="bottom", key="plan_second"):
        scope = {
            field: st.multiselect(
                label,
                options,
                default=[v for v in getattr(now, field) if v in options],
                placeholder="All",
                key=f"plan_{field}",
                width=200,
            )
            for field, label, options in (
                ("location", "Locations", facets.location),
                ("category", "Categories", facets.category),
                ("supplier", "Suppliers", facets.supplier),
            )
        }
        coverage = st.number_input(
            "An order lasts (days)",
            1,
            730,
            value=plan.params.coverage_days,
            placeholder="The review period",
            key="plan_coverage",
            width=200,
        )
    st.caption("It stands on the forecast and the settings in force now; both are kept with it.")
    with st.container(horizontal=True, key="plan_buttons"):
        st.button("Back", key="plan_back", icon=":material/arrow_back:", on_click=_go, args=(1, name, kind))
        if st.button("Create the draft", key="plan_create", type="primary", icon=":material/add:"):
            if ordering.create_plan(name, kind, scope, coverage, plan):
                _go(1, "", "replenishment")
            st.rerun()
