"""What changed since the last plan, and why; plans made, adopted and superseded."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import pandas as pd
import streamlit as st

from pages.components import cached, lookups, ordering, session, tables
from pages.components.formats import count, literal, short_day
from pages.components.lines import pairs
from planning.result import PlanResult

TYPES: Mapping[str, str] = MappingProxyType({"replenishment": "Replenishment", "allocation": "Allocation"})
STATES: Mapping[str, str] = MappingProxyType(
    {"draft": "✎ Draft", "plan of record": "★ Plan of record", "superseded": "↷ Superseded"}
)
CHANGES = (
    "item_id",
    "item_name",
    "location_id",
    "source_id",
    "destination_id",
    "before",
    "after",
    "change",
    "value_change",
    "cause",
    "parts",
)
CAUSES: Mapping[str, str] = MappingProxyType(
    {
        "demand": "demand",
        "stock": "stock",
        "receipts": "open orders",
        "parameters": "times and settings",
        "target": "service target",
        "pin": "set by hand",
        "limits": "packs, limits, order day",
        "new or gone": "new or gone",
        "new": "new line",
        "gone": "line gone",
        "quantity": "quantity",
    }
)
MOST_ROWS, LONGEST_NAME = 500, 80
LEAST_MOVED = 0.5
STEP, NAME, TYPE = "plan_step", "plan_name", "plan_type"


def show(plan: PlanResult, whole: PlanResult) -> None:
    """Draw the tab."""
    kept = ordering.plans()
    _changes(kept, plan, whole)
    st.header("Plans")
    if kept:
        _plans(kept, plan)
    else:
        st.caption("No plan is kept yet. Keep this one, and next week's will be told apart from it, line by line.")
    with st.container(border=True):
        _create(plan)


def _changes(kept: Sequence[Any], plan: PlanResult, whole: PlanResult) -> None:
    st.header("What changed")
    if not kept:
        st.caption("There is no earlier plan to compare with. Keep one below; the next is compared with it.")
        return
    names = {record.plan_id: _called(record) for record in kept}
    ids = list(names)
    with st.container(horizontal=True, vertical_alignment="bottom", key="changes_bar"):
        rebuilt = session.kept("rebuilt")
        session.keep("rebuilt", None)
        for key, first in (("changes_since", ids[min(1, len(ids) - 1)]), ("changes_to", ids[0])):
            if rebuilt or session.widget(key) not in ids:
                session.seed(key, first)
        since = st.selectbox("Since", ids, format_func=names.__getitem__, key="changes_since", width=300)
        until = st.selectbox("To", ids, format_func=names.__getitem__, key="changes_to", width=300)
        newest = kept[0]
        current = ordering.is_current(newest)
        pressed = st.button(
            "Rebuild on the data of now",
            key="plan_rebuild",
            icon=":material/refresh:",
            type="secondary" if current else "primary",
            disabled=current,
            help="The newest plan is up to date." if current else f"Keeps {newest.name} again, to be compared with it.",
        )
        if pressed and ordering.rebuild_plan(newest.plan_id, whole):
            session.keep("rebuilt", value=True)
            st.rerun()
    if since == until:
        st.caption("One and the same plan: rebuild it on the data of now, or choose two.")
        return
    rows = ordering.changes(str(since), str(until))
    if "location_id" in rows:
        rows = rows[pairs(rows).isin(pairs(plan.items))]
    if rows.empty:
        st.success("Nothing changed between the two.", icon=":material/task_alt:")
        return
    rows = rows.assign(
        parts=[_parts(row) for row in rows.to_dict("records")], cause=rows["cause"].replace(dict(CAUSES))
    )
    told = ", ".join(f"{literal(cause)} ({n:,})" for cause, n in rows["cause"].value_counts().head(4).items())
    st.markdown(f"**{count(len(rows), 'line')}** changed: {told}.")
    shown = [c for c in CHANGES if c in rows and rows[c].notna().any()]
    st.dataframe(
        rows[shown].head(MOST_ROWS),
        key="changes",
        hide_index=True,
        column_config=_change_columns(plan.params.currency),
        height=min(36 + 33 * min(len(rows), MOST_ROWS), 400),
        placeholder="–",
        alt="Lines that changed between two plans, with the cause",
    )
    tables.downloads(rows[shown], "changes", plan, key="changes_all")


def _parts(row: Mapping[str, Any]) -> str:
    """What moved the line, the largest first, in units that add up to the change."""
    moved = {CAUSES[name]: row[name] for name in CAUSES if name in row and abs(row[name]) >= LEAST_MOVED}
    largest = sorted(moved.items(), key=lambda part: -abs(part[1]))
    return ", ".join(f"{name} {units:+,.0f}".replace("-", "−") for name, units in largest)


def _called(record: Any) -> str:
    return f"{short_day(record.made_at)} {record.made_at:%H:%M}, {record.name}"


def _change_columns(currency: str) -> dict[str, Any]:
    text, number = st.column_config.TextColumn, st.column_config.NumberColumn
    return {
        "item_id": text("Item", pinned=True),
        "item_name": text("Name", width="medium"),
        "location_id": text("Location"),
        "before": number("Order then (units)", format="%,.0f"),
        "after": number("Order now (units)", format="%,.0f"),
        "source_id": text("From"),
        "destination_id": text("To"),
        "change": number("Change (units)", format="%+,.0f"),
        "value_change": number(f"Change ({currency})" if currency else "Change in money", format="%+,.0f"),
        "cause": text("Main cause"),
        "parts": text("What moved it (units)", width="large", help="They add up to the change."),
    }


def _plans(kept: Sequence[Any], plan: PlanResult) -> None:
    rows = pd.DataFrame([_row(record) for record in kept])
    event = st.dataframe(
        rows,
        key="plans",
        hide_index=True,
        column_config=_plan_columns(plan.params.currency),
        height=min(36 + 33 * len(rows), 330),
        on_select="rerun",
        selection_mode="single-row",
        selection_default={"selection": {"rows": [0]}},
        placeholder="–",
        alt="Plans that are kept",
    )
    at = event.selection.rows[0] if event.selection.rows and event.selection.rows[0] < len(rows) else 0
    record = kept[at]
    st.button(
        f"Adopt {record.name[:40]}",
        key="plan_adopt",
        type="primary",
        icon=":material/star:",
        disabled=record.status != "draft",
        help="It becomes the plan of record; the one before is superseded.",
        on_click=ordering.adopt_plan,
        args=(record.plan_id,),
    )


def _row(record: Any) -> dict[str, Any]:
    parts = [f"{name}: {', '.join(values)}" for name, values in record.scope.items() if values]
    return {
        "state": STATES.get(record.status, record.status),
        "name": record.name,
        "type": TYPES.get(record.kind, record.kind),
        "scope": "; ".join(parts) or "everything",
        "as_of": pd.Timestamp(record.as_of),
        "made_by": record.made_by,
        "made_at": record.made_at,
        **{name: record.totals.get(name) for name in ("value", "lines")},
    }


def _plan_columns(currency: str) -> dict[str, Any]:
    text, number = st.column_config.TextColumn, st.column_config.NumberColumn
    return {
        "state": text("State"),
        "name": text("Plan", width="medium"),
        "type": text("Type"),
        "scope": text("Scope", width="medium"),
        "as_of": st.column_config.DateColumn("For the morning of", format="D MMM YYYY"),
        "made_by": text("By"),
        "made_at": st.column_config.DatetimeColumn("Made", format="D MMM YYYY, HH:mm"),
        "value": number(f"Worth ({currency})" if currency else "Worth", format="%,.0f"),
        "lines": number("Lines", format="%,d"),
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
        st.button("Next: scope", key="plan_next", icon=":material/arrow_forward:", on_click=_next, args=(name, kind))


def _next(name: str, kind: str) -> None:
    if ordering.check_plan(name, kind):
        _go(2, name, kind)


def _go(step: int, name: str, kind: str) -> None:
    session.keep(STEP, step)
    session.keep(NAME, name)
    session.keep(TYPE, kind)


def _second_step(plan: PlanResult) -> None:
    name, kind = str(session.kept(NAME) or ""), str(session.kept(TYPE) or "replenishment")
    snapshot, now = session.snapshot_id(), session.filters()
    chosen = {"locations": now.location, "categories": now.category, "suppliers": now.supplier}
    facets = cached.facets(session.visitor(), snapshot) if snapshot else cached.Facets((), (), ())
    st.caption(f"**{literal(name)}**, {TYPES[kind].lower()}. Empty: all. It begins with what the filters show.")
    with st.container(horizontal=True, vertical_alignment="bottom", key="plan_second"):
        scope = {
            field: st.multiselect(
                label,
                options,
                default=[v for v in chosen[field] if v in options],
                placeholder="All",
                key=f"plan_{field}",
                width=200,
            )
            for field, label, options in (
                ("locations", "Locations", facets.location),
                ("categories", "Categories", facets.category),
                ("suppliers", "Suppliers", facets.supplier),
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
            # What the plan counts with is the whole of it under this coverage; the scope picks its lines.
            result = lookups.plan_with(coverage_days=coverage)
            if result is not None and ordering.create_plan(result, name, kind, scope):
                _go(1, "", "replenishment")
            st.rerun()
