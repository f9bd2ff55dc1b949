"""Import: bring sales and stock, see what was understood and accepted, what the data leaves open, and go back."""

import streamlit as st

from data import service
from pages.components import import_records, imports, imports_judged, quality_views, session, widgets


def main() -> None:
    """Draw the page."""
    st.title("Import")
    session.banner(way_out=False)
    if session.kept("imported"):
        _welcome()
    found = session.kept("preview")
    if found is not None:
        imports_judged.preview(*found)
        return
    records = service.history(session.visitor())
    current = next((r for r in records if r.snapshot_id == session.snapshot_id()), None)
    if current is None:
        imports.bring()
        return
    if not session.is_sample():
        import_records.facts(current)
    # The tab in view tells the page, so that what takes a while is worked out where it is looked at.
    new, use, quality, earlier = st.tabs(
        ["Bring data", "In use", "Data quality", "History"], key="import_tabs", on_change="rerun"
    )
    with new:
        imports.bring()
    with use:
        import_records.in_use(current)
        import_records.all_data(current)
        widgets.text("currency", "Currency", "Shown beside money, such as € or USD; it changes no number")
    if quality.open:
        with quality:
            quality_views.show(current.snapshot_id)
    with earlier:
        import_records.history(records)
        import_records.ways_out(records)


def _welcome() -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(":green[:material/check_circle:] **Your data are in use.** The first plan takes a moment.")
        if st.button("See the plan", type="primary", icon=":material/space_dashboard:"):
            session.keep("imported", None)
            session.go("pages/overview.py")


main()
