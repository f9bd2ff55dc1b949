"""Import: bring sales and stock, see what was accepted, go back."""

import streamlit as st

from data import service
from pages.components import imports, session, widgets


def main() -> None:
    """Draw the page."""
    st.title("Import")
    session.banner(way_out=False)
    if session.kept("imported"):
        _welcome()
    found = session.kept("preview")
    if found is not None:
        imports.preview(*found)
        return
    records = service.history(session.visitor())
    current = next((r for r in records if r.snapshot_id == session.snapshot_id()), None)
    if current is None or session.is_sample():
        _bring()
        _manage(records, current)
        return
    imports.facts(current)
    use, new, earlier = st.tabs(["Data in use", "Bring new data", "Earlier imports"], key="import_tabs")
    with use:
        imports.in_use(current)
        widgets.text("currency", "Currency", "Shown beside money, such as € or USD; it changes no number")
    with new:
        _bring()
    with earlier:
        imports.history(records)
    _manage([], current)


def _bring() -> None:
    st.markdown(
        "Export **sales** and **stock** from your ERP, shop or warehouse and drop the files here as they are: "
        "CSV or Parquet, from Excel saved as CSV. You see what was understood before anything is used.",
    )
    imports.bring()


def _manage(records: list[service.ImportRecord], current: service.ImportRecord | None) -> None:
    if records and any(not r.sample for r in records):
        st.header("Earlier imports")
        imports.history(records)
    with st.container(horizontal=True):
        imports.examples()
        if current is None or not session.is_sample():
            st.button(
                "Open the sample company", icon=":material/storefront:", type="tertiary", on_click=session.use_sample
            )
        if current is not None and not session.is_sample():
            st.button("Delete everything", icon=":material/delete:", on_click=imports.confirm_delete, type="tertiary")


def _welcome() -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(":green[:material/check_circle:] **Your data are in use.** The first plan takes a moment.")
        if st.button("See the plan", type="primary", icon=":material/space_dashboard:"):
            session.keep("imported", None)
            session.go("pages/overview.py")


main()
