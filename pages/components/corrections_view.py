"""What people know better than the forecast: a correction and its effect before it is kept, those in force, undo."""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any

import pandas as pd
import streamlit as st

from pages.components import (
    decided,
    forecast_correction,
    forecast_level,
    forecast_lines,
    lines,
    lookups,
    records,
    session,
    tables,
)
from pages.components.forecast_correction import KINDS, Correction, Effect
from pages.components.formats import count, literal, money, units
from planning.result import PlanResult

FIELDS = MappingProxyType({"category": "category", "location": "location_id", "item": "item_id", "line": "item_id"})
"""What a level fills in."""
PERIOD_DAYS = 28
"""How long a correction lasts unless told otherwise."""
LONGEST_REASON = 500
ORDER = ("whom", "period", "change", "before", "after", "message", "reason", "locked", "made_by", "made_at")


def show(plan: PlanResult, whole: PlanResult) -> None:
    """Draw the tab."""
    with st.container(border=True):
        draft = _form(plan, whole)
        standing = decided.corrections()
        told = None
        if draft.starts_on <= draft.ends_on:
            told = forecast_correction.effect(whole, draft, lookups.statistical(), standing)
        st.markdown(
            "The last day lies before the first." if told is None else _in_words(draft, told, plan.params.currency)
        )
        with st.container(horizontal=True, vertical_alignment="center", key="correct_save_row"):
            # No callback: it would be given what the fields said before the last one was left.
            pressed = st.button("Correct the forecast", key="correct_save", type="primary", icon=":material/edit:")
            st.checkbox("Lock", key="correct_locked", help="Nothing else may move what it sets.", width="content")
        if pressed and decided.correct(draft):
            session.keep("corrected", "Kept. Every page counts with it from now on.")
        if pressed:
            # What was refused is told at the top of the page.
            st.rerun()
    _in_force(whole, standing)


def _form(plan: PlanResult, whole: PlanResult) -> Correction:
    """The fields; two stand side by side on a telephone."""
    rows = records.by_error(plan)
    first = (str(rows["item_id"].iloc[0]), str(rows["location_id"].iloc[0]))
    if session.kept("corrected"):
        session.seed("correct_reason", "")
        session.seed("correct_locked", value=False)
        session.seed(f"correct_value_{session.widget('correct_kind')}", 0.0)
    narrow = forecast_level.NARROW
    with st.container(horizontal=True, vertical_alignment="bottom", key="correct_form"):
        name, of, at = forecast_level.choose(lines.selling(plan), first, compact=True)
        kind = st.selectbox("Change", list(KINDS), key="correct_kind", format_func=KINDS.__getitem__, width=narrow)
        value = st.number_input(
            "By (%)" if kind == "percent" else "Units", step=5.0, format="%g", key=f"correct_value_{kind}", width=narrow
        )
        starts, ends = (
            st.date_input(label, whole.as_of + timedelta(days=late), key=key, format="YYYY-MM-DD", width=narrow)
            for label, late, key in (
                ("First day", 0, "correct_from"),
                ("Last day", PERIOD_DAYS - 1, "correct_until"),
            )
        )
        reason = st.text_input(
            "Reason",
            key="correct_reason",
            max_chars=LONGEST_REASON,
            placeholder="Reason: what does it rest on?",
            label_visibility="collapsed",
            width=2 * narrow,
        )
    # Its box stands below, beside the button.
    locked = bool(session.widget("correct_locked"))
    speaks = {FIELDS[name]: of} if name in FIELDS else {}
    speaks |= {"location_id": at} if name == "line" else {}
    return Correction(starts, ends, str(kind), float(value), **speaks, reason=reason or "", locked=locked)


def _in_words(draft: Correction, told: Effect, currency: str) -> str:
    """What the correction would change, before it is kept."""
    lot = f"in {count(told.lines, 'line')}"
    if told.message and told.before == told.after:
        return f"It would change nothing: {literal(told.message)}."
    if draft.kind != "set_units" and not draft.value:
        return f"**{units(round(told.before))}** are expected {lot}. How much more or less?"
    said = f"**{units(round(told.before))}** would become **{units(round(told.after))}** {lot}"
    if told.value is not None:
        more = "more" if told.value >= 0 else "less"
        said += f": {money(abs(told.value), literal(currency))} {more} to have, at cost"
    return f"{said}." + (f" Note: {literal(told.message)}." if told.message else "")


def _in_force(plan: PlanResult, standing: pd.DataFrame) -> None:
    said = session.kept("corrected")
    if said:
        st.success(said, icon=":material/check:")
        session.keep("corrected", None)
    st.header("Corrections in force")
    rows = _told(standing)
    if rows.empty:
        st.caption("None: the plan stands on the statistical forecast alone.")
    else:
        _list(rows, plan)
    last = decided.last(decided.log())
    with st.container(horizontal=True, vertical_alignment="center", key="correct_undo_row"):
        st.button("Undo", key="correct_undo", icon=":material/undo:", disabled=not last, on_click=decided.undo)
        st.caption(literal(last) or "Nothing was decided here yet.", width="content")


def _told(rows: pd.DataFrame) -> pd.DataFrame:
    """The corrections in words, the newest first."""
    told = rows.to_dict("records")
    shown = rows.assign(
        whom=[forecast_correction.whom(r) for r in told],
        period=[forecast_correction.period(r["starts_on"], r["ends_on"]) for r in told],
        change=[forecast_correction.change(r["kind"], r["value"]) for r in told],
        locked=rows["locked"] == 1,
        made_at=pd.to_datetime(rows["made_at"], format="ISO8601", errors="coerce", utc=True),
        message=rows["message"].replace({"": None}),
    )
    return shown.sort_values("made_at", ascending=False, kind="stable", na_position="last").reset_index(drop=True)


def _list(rows: pd.DataFrame, plan: PlanResult) -> None:
    event = st.dataframe(
        rows,
        key="corrections",
        hide_index=True,
        column_order=[c for c in ORDER if rows[c].notna().any()],
        column_config=_columns(),
        height=forecast_lines.height(rows),
        on_select="rerun",
        selection_mode="single-row",
        selection_default={"selection": {"rows": [0]}},
        placeholder="–",
        alt="The corrections in force",
    )
    tables.downloads(rows[list(ORDER)], "overrides", plan, key="corrections")
    chosen = event.selection.rows
    row: Mapping[str, Any] = rows.iloc[chosen[0] if chosen and chosen[0] < len(rows) else 0].to_dict()
    st.markdown(f"**{literal(row['whom'])}**, {literal(row['period'])}: {literal(row['change'])}")
    if row["locked"]:
        st.caption(f"Locked{_by(row['locked_by'])}: {literal(row['locked_reason'] or 'no reason told')}")
    _act(str(row["override_id"]), locked=bool(row["locked"]))


def _act(override_id: str, *, locked: bool) -> None:
    """The ways to change one correction."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="correct_one"):
        st.button(
            "Take back",
            key="correct_reset",
            icon=":material/restart_alt:",
            disabled=locked,
            help="The forecast is again what it was without it. A locked one is unlocked first.",
            on_click=decided.reset,
            args=(override_id,),
        )
        way = "Unlock" if locked else "Lock"
        why = st.text_input(
            f"Reason to {way.lower()}", key=f"correct_why_{override_id}_{locked}", max_chars=LONGEST_REASON, width=280
        )
        if st.button(way, key="correct_lock", icon=f":material/lock{'_open' if locked else ''}:"):
            decided.lock(override_id, why, locked=not locked)
            st.rerun()


def _by(who: object) -> str:
    return f" by {literal(who)}" if who else ""


def _columns() -> dict[str, Any]:
    text, number = st.column_config.TextColumn, st.column_config.NumberColumn
    return {
        "whom": text("Whose demand", width="medium"),
        "period": text("Period"),
        "change": text("Change"),
        "before": number("Before (units)", format="%,.0f", help="Units of its lines in its period, before its turn."),
        "after": number("After (units)", format="%,.0f", help="Units of its lines in its period, after its turn."),
        "message": text("Note", help="Why it did not, or not wholly, do what was asked."),
        "reason": text("Reason", width="medium"),
        "locked": st.column_config.CheckboxColumn("Locked"),
        "made_by": text("By"),
        "made_at": st.column_config.DatetimeColumn("When", format="D MMM YYYY, HH:mm"),
    }
