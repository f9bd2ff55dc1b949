"""The events: what each is told to do to demand, what it did, and edits that ask for a new forecast."""

from typing import Any

import pandas as pd
import streamlit as st

from pages.components import cached, decided, forecast_lines, lookups, session
from pages.components.formats import count
from planning.tables import INPUT_TABLES

TOLD = ("event_name", "starts_on", "ends_on", "uplift", "item_id", "category", "location_id")
EFFECT = ("event_name", "starts_on", "ends_on", "told", "measured", "observations", "used")
LONGEST_NAME = 200


def show() -> None:
    """Draw the tab."""
    events = decided.events()
    st.caption(
        "Promotions, holidays, closures. Past ones are taken out of the history by what they did, coming ones are "
        "added to the forecast by what you tell. An empty item, category or location means all."
    )
    shown = in_percent(events)
    edited = st.data_editor(
        shown,
        key=f"events_{decided.decisions_id()[:12]}",
        num_rows="dynamic",
        hide_index=True,
        column_order=list(TOLD),
        column_config=_columns(),
        placeholder="–",
        alt="Events, to be edited",
        height=360 if len(shown) > forecast_lines.MOST_ROWS else "auto",
    )
    with st.container(horizontal=True, vertical_alignment="center", key="events_save_row"):
        pressed = st.button(
            "Save and forecast again", key="events_save", type="primary", icon=":material/model_training:"
        )
        st.caption("Saving makes a new forecast, which takes a while; until then nothing changes.", width="content")
    if pressed:
        _save(shown, edited)
    _measured()


def _save(shown: pd.DataFrame, edited: pd.DataFrame) -> None:
    if edited.equals(shown):
        st.info("Nothing was changed.", icon=":material/info:")
        return
    decided.edit_events(in_factors(edited))
    # A refusal is told at the top of the page, where the edits still stand.
    st.rerun()


def _measured() -> None:
    """What past events did, beside what they were told to do."""
    effects = lookups.event_effects()
    past = effects[effects["measured"].notna()] if len(effects) else effects
    st.header("Told and measured")
    if past.empty:
        st.caption("No past event had buckets to itself in the history, so that none could be measured yet.")
        return
    st.caption(
        f"{count(len(past), 'event')} could be measured against the calm weeks around. What is used leans to what was "
        "told as long as there is little evidence; a closure counts as told."
    )
    percent = past.assign(**{name: _percent(past[name]) for name in ("told", "measured", "used")})
    number = st.column_config.NumberColumn
    st.dataframe(
        percent,
        key="events_measured",
        hide_index=True,
        column_order=list(EFFECT),
        column_config=_texts()
        | {
            "told": number("Told", format="%+.0f %%"),
            "measured": number("Measured", format="%+.0f %%", help="Demand in its weeks against the weeks around."),
            "observations": number("Weeks seen", format="%,d", help="Item-locations × buckets that it had to itself."),
            "used": number("Used", format="%+.0f %%", help="Measured, drawn to what was told by lack of evidence."),
        },
        height=forecast_lines.height(percent),
        placeholder="–",
        alt="Events, told and measured uplift",
    )


def in_percent(events: pd.DataFrame) -> pd.DataFrame:
    """The events as they are edited: an uplift of 1.3 stands as 30 %; the latest first."""
    rows = events.reindex(columns=list(TOLD)).sort_values(["starts_on", "ends_on"], ascending=False, kind="stable")
    days = {name: pd.to_datetime(rows[name]) for name in ("starts_on", "ends_on")}
    return rows.assign(uplift=_percent(rows["uplift"]), **days).reset_index(drop=True)


def in_factors(edited: pd.DataFrame) -> pd.DataFrame:
    """The edited rows in the columns of the contract."""
    told = pd.to_numeric(edited["uplift"], errors="coerce")
    blank = edited.replace({"": None})
    return blank.assign(uplift=(1 + told / 100).round(6))[list(INPUT_TABLES["events"].names)]


def _percent(factor: pd.Series) -> pd.Series:
    return (100 * (factor.astype(float) - 1)).round(4)


def _texts() -> dict[str, Any]:
    day = st.column_config.DateColumn
    return {
        "event_name": st.column_config.TextColumn("Name", width="medium", max_chars=LONGEST_NAME),
        "starts_on": day("First day", format="D MMM YYYY"),
        "ends_on": day("Last day", format="D MMM YYYY"),
    }


def _columns() -> dict[str, Any]:
    facets, snapshot = None, session.snapshot_id()
    if snapshot is not None:
        facets = cached.facets(session.visitor(), snapshot)
    choice = st.column_config.SelectboxColumn
    return _texts() | {
        "uplift": st.column_config.NumberColumn(
            "Demand (± %)",
            format="%+.0f %%",
            min_value=-100.0,
            max_value=9900.0,
            help="30 is 30 % more; −100 is closed.",
        ),
        # Ids are typed: a list of all items would be sent with every edit. The save checks them.
        "item_id": st.column_config.TextColumn("Item", help="Only this item, by its id; empty: all."),
        "category": choice("Category", options=list(facets.category) if facets else [], help="Empty: all."),
        "location_id": choice("Location", options=list(facets.location) if facets else [], help="Empty: all."),
    }
