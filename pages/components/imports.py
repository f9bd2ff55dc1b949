"""Bringing files: where they are dropped, what was understood of them, and the step that reads and judges them."""

import io
import zipfile
from collections.abc import Collection, Mapping
from dataclasses import replace

import pandas as pd
import streamlit as st

from data import service, templates
from data.mapping import Choice, NeedsAnswer
from data.read import read_any
from data.sample import sample_sources
from data.upload import Source
from pages.components import session, understanding_view, understood
from pages.components.formats import literal
from pages.components.imports_judged import title
from planning.errors import PlanningError
from planning.tables import INPUT_TABLES

_LARGE = 5 * 1024**2
"""Bytes from which on a file is read under a bar."""

_FIRST = ("sales", "stock", "items", "suppliers", "open_orders", "receipts")


def bring() -> None:
    """One place to drop any files, what was understood of each, and the button that reads them."""
    st.markdown(
        "Export **sales** and **stock** from your shop, ERP or warehouse and drop the files here as they are. "
        "You see what was understood before anything is used."
    )
    dropped = st.file_uploader(
        "Drop any export",
        accept_multiple_files=True,
        key=f"drop_{session.kept('round') or 0}",
        help="Shopify, Amazon, Odoo, QuickBooks, WooCommerce, NetSuite, Cin7 or a table of your own: CSV, Excel, "
        "Parquet, or a ZIP of those. Personal data are dropped while reading.",
    )
    if not dropped:
        _starters()
        return
    sources = understood.sources(dropped)
    st.subheader("What was understood", anchor=False)
    choices, tables = understanding_view.show(sources)
    about, fault = session.kept("import_fault") or ((), "")
    if fault and about == tuple(sources):
        with st.container(border=True, key="import_fault"):
            st.markdown(":red[:material/error:] **These files cannot be used as they are**")
            # As text: it quotes what the files say.
            st.text(fault)
    first = service.base_of_import(session.visitor()) is None
    missing = [title(n).lower() for n, t in INPUT_TABLES.items() if t.required and n not in tables] if first else []
    # A file that is not known yet may hold what is missing: the check asks.
    missing = [] if "" in tables else missing
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Check the files", type="primary", icon=":material/fact_check:", disabled=bool(missing)):
            _check(sources, choices)
        if missing:
            st.caption(f"Still needed: {' and '.join(missing)}. Drop it too.", width="content")


def _check(sources: Mapping[str, Source], choices: Mapping[str, Choice]) -> None:
    session.keep("preview", None)
    session.keep("import_fault", None)
    try:
        with st.spinner("Reading and judging every row …", show_time=True):
            found = read_any(_watched(sources.values()), choices)
    except NeedsAnswer as asked:
        session.keep("import_fault", (tuple(sources), f"Answer these first:\n{asked}"))
    except PlanningError as fault:
        session.keep("import_fault", (tuple(sources), str(fault)))
    else:
        session.keep("preview", (found, list(sources.values())))
        session.keep("said", {**choices})
        session.keep("dropped", list(sources))
    st.rerun()


def _watched(sources: Collection[Source]) -> list[Source]:
    """The files, the large ones with a bar that tells how far they are read."""
    watched = []
    for source in sources:
        if isinstance(source.payload, bytes) and len(source.payload) > _LARGE:
            bar = st.progress(0.0, text=f"Reading {literal(source.name)}")
            source = replace(source, progress=lambda done, all_, bar=bar: bar.progress(min(1.0, done / max(all_, 1))))
        watched.append(source)
    return watched


# --- before anything is dropped --------------------------------------------------------------------------------------


def _starters() -> None:
    """What may be brought, and what such files look like."""
    with st.container(horizontal=True):
        with st.popover("What can I bring?", type="tertiary", icon=":material/list:"):
            _tables()
        st.download_button(
            "Template (Excel)",
            templates.template,
            templates.FILE_NAME,
            mime="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            type="tertiary",
            icon=":material/table_view:",
            on_click="ignore",
            help="One sheet a table, the meaning of each column, two rows of example. Fill it in and drop it here.",
        )
        examples()
        if session.snapshot_id() is None:
            st.button(
                "Open the sample company", icon=":material/storefront:", type="tertiary", on_click=session.use_sample
            )


def _tables() -> None:
    st.markdown("**Sales** and **stock** are enough for a first plan. More tables make a better one; names may differ.")
    names = [*_FIRST, *(name for name in INPUT_TABLES if name not in _FIRST)]
    st.table(
        pd.DataFrame(
            {
                "Table": [title(name) for name in names],
                "Holds": [INPUT_TABLES[name].meaning for name in names],
                "Needed columns": [
                    ", ".join(c.title for c in INPUT_TABLES[name].columns if c.required) for name in names
                ],
            }
        ).set_index("Table"),
        alt="Tables that can be imported",
    )


def examples() -> None:
    """Offer the sample company's files, to see what such files look like."""
    st.download_button(
        "Example files",
        _example_files,
        "stockcast-example-files.zip",
        mime="application/zip",
        type="tertiary",
        icon=":material/folder_zip:",
        on_click="ignore",
        help="The sample company's files, as they would be imported.",
    )


def _example_files() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for sources in sample_sources().values():
            for source in sources:
                content = source.payload
                archive.writestr(source.name, content if isinstance(content, bytes) else content.read_bytes())
    return packed.getvalue()
