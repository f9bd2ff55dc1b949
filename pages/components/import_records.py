"""What is in use and what came before: facts on the data, the history of imports, going back, deleting."""

from collections.abc import Sequence
from datetime import UTC, datetime

import streamlit as st

from data import export, service
from pages.components import cached, imports_judged, session
from pages.components.formats import count, literal, percent
from planning.errors import PlanningError

_FILES_SHOWN = 4


def in_use(record: service.ImportRecord) -> None:
    """The data that every page shows: how many rows, what was set aside, what was said of them."""
    st.markdown(f"**{data_of(record)}** · {_files(record)}")
    imports_judged.counts(record.rows or {})
    imports_judged.remarks(record.notes)
    try:
        imports_judged.rejected(service.rejected(session.visitor(), record.snapshot_id), "in_use")
    except PlanningError as fault:
        st.caption(literal(fault))


def all_data(record: service.ImportRecord) -> None:
    """Offer the data in use as files that can be imported again."""
    visitor = session.visitor()
    st.download_button(
        "All data (CSV files)",
        lambda: export.input_files(cached.inputs(visitor, record.snapshot_id)),
        f"stockcast-data-{record.imported_at:%Y-%m-%d}.zip",
        mime="application/zip",
        icon=":material/download:",
        type="tertiary",
        key="all_data",
        on_click="ignore",
        help="One file a table, to the letter, for programs. Dropped here again, they give the same data.",
    )


def facts(record: service.ImportRecord) -> None:
    """Three numbers on the data in use."""
    rows = (record.rows or {}).values()
    accepted, refused = (sum(r.get(k, 0) for r in rows) for k in ("accepted", "rejected"))
    try:
        known = cached.facts(session.visitor(), record.snapshot_id, session.as_of())
        priced = cached.priced_share(session.visitor(), record.snapshot_id)
    except PlanningError as fault:
        st.error(literal(fault), icon=":material/error:")
        return
    first, second, third = st.columns(3)
    with first.container(border=True, height="stretch"):
        st.metric("Rows in use", f"{accepted:,}")
        st.caption(f"{count(refused, 'row')} set aside." if refused else "No row was set aside.")
    with second.container(border=True, height="stretch"):
        age = (session.as_of() - known.stock_on).days if known.stock_on else None
        st.metric("Age of the stock", "–" if age is None else count(max(age, 0), "day"))
        st.caption("The count carries no date." if age is None else "Between the count and the plan's date.")
    with third.container(border=True, height="stretch"):
        st.metric("Items with a known cost", percent(priced, 0))
        st.caption("Without a cost the plan tells units, never zero money.")


def data_of(record: service.ImportRecord) -> str:
    """The name of an import as people say it: `Data of 5 May, 07:10`."""
    at = record.imported_at.astimezone()
    year = f" {at:%Y}" if at.year != datetime.now(UTC).astimezone().year else ""
    return f"Data of {at.day} {at:%b}{year}, {at:%H:%M}"


def history(records: Sequence[service.ImportRecord]) -> None:
    """Earlier imports, newest first: when, who, files and counts, each with the way back to it."""
    current = session.snapshot_id()
    for n, record in enumerate(records):
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            rows = list((record.rows or {}).values())
            told = [count(sum(r.get("accepted", 0) for r in rows), "row")]
            refused = sum(r.get("rejected", 0) for r in rows)
            told += [f"{refused:,} set aside"] if refused else []
            told += [f"by {literal(record.imported_by[:60])}"] if record.imported_by else []
            with st.container(gap="xxsmall"):
                st.markdown(f"**{data_of(record)}** · {' · '.join(told)}")
                st.caption(_files(record))
            if record.snapshot_id == current:
                st.badge("In use", icon=":material/check:", color="green")
            else:
                st.button("Go back to this", key=f"back_{n}", icon=":material/undo:", on_click=_go_back, args=(record,))


def _files(record: service.ImportRecord) -> str:
    if record.sample:
        return "Sample company"
    more = len(record.files) - _FILES_SHOWN
    shown = ", ".join(literal(name[:60]) for name in record.files[:_FILES_SHOWN])
    return f"{shown} and {more} more" if more > 0 else shown


def _go_back(record: service.ImportRecord) -> None:
    try:
        service.go_back(session.visitor(), record.snapshot_id)
    except PlanningError as fault:
        session.complain(str(fault))
        return
    session.forget_view()


def ways_out(records: Sequence[service.ImportRecord]) -> None:
    """Back to the sample company, or everything deleted."""
    with st.container(horizontal=True):
        if not session.is_sample():
            st.button(
                "Open the sample company", icon=":material/storefront:", type="tertiary", on_click=session.use_sample
            )
        if any(not record.sample for record in records):
            st.button("Delete everything", icon=":material/delete:", on_click=confirm_delete, type="tertiary")


@st.dialog("Delete everything?")
def confirm_delete() -> None:
    """Ask once more before all that the workspace holds is deleted."""
    st.markdown("All imports, forecasts and decisions of this workspace go, for good.")
    with st.container(horizontal=True):
        if st.button("Delete everything", type="primary", icon=":material/delete_forever:"):
            try:
                service.delete_everything(session.visitor())
            except PlanningError as fault:
                session.complain(str(fault))
            else:
                session.forget_forecast()
                session.forget_view()
                imports_judged.discard()
            st.rerun()
        if st.button("Keep it"):
            st.rerun()
