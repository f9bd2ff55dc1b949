"""The states of a page that are not the plan: nothing yet, on its way, a fault; and the line at its top."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

import streamlit as st

from data import jobs
from data.visitor import Grant
from pages.components import formats
from pages.components.cached import Facts

STAGES: Mapping[str, str] = MappingProxyType(
    {"demand": "Cleaning the history", "forecast": "Forecasting, and measuring past errors"}
)
"""What the stages that a job reports are called."""


def nothing_yet(use_sample: Callable[[], None]) -> None:
    """Say that there is no data, and offer the two ways on."""
    with st.container(border=True, horizontal_alignment="center", gap="small"):
        st.space("small")
        st.header("No data yet", icon=":material/inventory_2:", width="content")
        st.markdown(
            "Two files are enough for a first plan: **what was sold** and **what is on hand**. "
            "Or look around in the sample company first.",
            width=520,
            text_alignment="center",
        )
        with st.container(horizontal=True, horizontal_alignment="center"):
            if st.button("Import your data", type="primary", icon=":material/upload_file:"):
                st.switch_page("pages/import_data.py")
            st.button("Open the sample company", icon=":material/storefront:", on_click=use_sample)
        st.space("small")


def fault(
    message: str,
    reset_date: Callable[[], None],
    reset_params: Callable[[], None],
    undo: Callable[[], None] | None = None,
) -> None:
    """Say in plain words why there is no plan, and offer the ways back; `undo` takes back what was decided last."""
    with st.container(border=True):
        st.markdown("**The plan could not be made**")
        # As text: the message may quote what a user's file said.
        st.text(message)
        with st.container(horizontal=True, vertical_alignment="center"):
            _ways_back(reset_date, reset_params, undo)


def fault_of_link(message: str, back: Callable[[], None] | None) -> None:
    """Say why what a link shows cannot be shown; `back` forgets what was tried."""
    with st.container(border=True):
        st.markdown("**This view cannot be shown**")
        st.text(message)
        if back is not None:
            st.button("Back to what was shared", icon=":material/undo:", on_click=back)


def shared_banner(grant: Grant, tried: Mapping[str, Any], reset: Callable[..., None]) -> None:
    """Say what a viewer looks at: whose plan of which morning, what of it, until when; and what he tries of it."""
    data = f" · data of {_moment(grant.data_from)}" if grant.data_from else ""
    st.caption(f"Plan for the morning of **{formats.day(grant.as_of)}**{data}")
    parts = [f"frozen on {formats.short_day(grant.made_at.astimezone())}"]
    if grant.name:
        parts.insert(0, f"“{formats.literal(grant.name)}”")
    if grant.scenario:
        parts.append(f"scenario: {formats.literal(grant.scenario)}")
    for name, what in ((grant.supplier, "supplier"), (grant.location, "location")):
        if name is not None:
            parts.append(f"{what} {formats.literal(name)} only")
    if grant.hide_costs:
        parts.append("without costs and prices")
    parts.append(f"open until {formats.short_day(grant.expires_at.astimezone())}")
    with st.container(horizontal=True, vertical_alignment="center", key="shared_banner"):
        st.badge("Read only", icon=":material/visibility:", color="blue")
        st.caption(" · ".join(parts), width="stretch")
    if tried:
        with st.container(horizontal=True, vertical_alignment="center", key="tried_banner"):
            st.badge("What if", icon=":material/science:", color="violet")
            st.caption("You are trying other settings; nobody else sees it, and nothing is kept.", width="content")
            st.button("Back to what was shared", type="tertiary", icon=":material/undo:", on_click=reset)


def _moment(when: datetime) -> str:
    # Kept in UTC; a person reads the clock on the wall.
    here = when.astimezone()
    return f"{formats.short_day(here)}, {here:%H:%M}"


def _ways_back(
    reset_date: Callable[[], None], reset_params: Callable[[], None], undo: Callable[[], None] | None
) -> bool:
    """Offer what may help where there is no plan; tell whether one of the buttons was pressed."""
    pressed = undo is not None and st.button("Undo the last decision", icon=":material/undo:", on_click=undo)
    pressed |= st.button("Back to the suggested date", icon=":material/event:", on_click=reset_date)
    pressed |= st.button("Back to the default settings", icon=":material/restart_alt:", on_click=reset_params)
    st.page_link("pages/import_data.py", label="Check the data", icon=":material/fact_check:")
    return pressed


@st.fragment(run_every=1.0)
def progress(
    job: jobs.Job,
    give_up: Callable[[], None],
    reset_date: Callable[[], None],
    reset_params: Callable[[], None],
    undo: Callable[[], None] | None,
) -> None:
    """Show how far a forecast is, once a second; the page starts anew when it is done.

    Parameters
    ----------
    undo : takes back what was decided last, which may be what asked for this forecast; None where nothing was.
    """
    status = job.status()
    if status in ("done", "absent"):
        st.rerun()
    with st.container(border=True):
        if status != "running":
            st.markdown("**The forecast was stopped**" if status == "cancelled" else "**The forecast failed**")
            # As text: it may quote what a user's file said.
            st.text(job.message() or "Start it again, or go back to what was forecast before.")
            with st.container(horizontal=True, vertical_alignment="center"):
                pressed = st.button("Start again", type="primary", icon=":material/refresh:", on_click=give_up)
                pressed |= _ways_back(reset_date, reset_params, undo)
            if pressed:
                st.rerun()
            return
        st.markdown("**Forecasting your assortment**")
        st.caption("Once for these data and this date. Changing service, costs or orders afterwards takes no time.")
        stage, done, total = job.progress()
        share = min(max(done / total, 0.0), 1.0) if total else 0.0
        counted = f" · {done:,} of {total:,}" if total else ""
        st.progress(share, text=f"{STAGES.get(stage, stage.capitalize() or 'Starting')}{counted}")
        if st.button("Cancel", icon=":material/close:", key="cancel_forecast"):
            job.cancel()
            st.rerun(scope="fragment")


def banner(
    *,
    as_of: date,
    facts: Facts,
    sample: bool,
    way_out: bool,
    demo: bool,
    changed: Mapping[str, Any],
    reset: Callable[..., None],
) -> None:
    """One quiet line with data and date; below it only what a person must not overlook."""
    parts = [f"Plan for the morning of **{formats.day(as_of)}**"]
    if facts.stock_on:
        parts.append(f"stock of {formats.short_day(facts.stock_on)}")
    else:
        parts.append("stock without a date")
    if facts.imported_at:
        # Kept in UTC; a person reads the clock on the wall.
        came = facts.imported_at.astimezone()
        parts.append(f"data of {formats.short_day(came)}, {came:%H:%M}")
    st.caption(" · ".join(parts))
    if sample:
        with st.container(horizontal=True, vertical_alignment="center", key="sample_banner"):
            st.badge("Sample company", icon=":material/storefront:", color="blue")
            st.caption("Made-up data to look around in.", width="content")
            if way_out:
                st.page_link("pages/import_data.py", label="Use your own", icon=":material/upload_file:")
    if demo and not sample:
        st.caption(":material/lock_clock: Demo: your data is private to this browser tab and goes when you leave.")
    if facts.stale and facts.stock_on:
        late = (as_of - facts.stock_on).days
        st.warning(
            f"The stock was counted {formats.days(late)} before the plan's date: what was sold or received since "
            "is not in it. Import a newer count or choose an earlier date.",
            icon=":material/history:",
        )
    _what_if(changed, reset)


def _what_if(changed: Mapping[str, Any], reset: Callable[..., None]) -> None:
    """Mark a plan that stands on supposed demand or lead times, so that nobody takes it for the real one."""
    told = {
        "demand_multiplier": lambda v: f"demand × {v:g}",
        "lead_time_multiplier": lambda v: f"lead times × {v:g}",
        "lead_time_added_days": lambda v: f"suppliers {v:g} days late",
        "delay_open_orders": lambda _: "open orders late too",
    }
    supposed = [name for name in told if name in changed]
    if not supposed:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="what_if_banner"):
        st.badge("What if", icon=":material/science:", color="violet")
        st.caption(" · ".join(told[name](changed[name]) for name in supposed), width="content")
        st.button("Back to reality", type="tertiary", icon=":material/undo:", on_click=reset, args=tuple(supposed))
