"""Bringing files: where they are dropped, how their headings are matched, and the step that reads them."""

import io
import zipfile
from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from data import export, service
from data.sample import sample_sources
from data.upload import Source, read_text_table
from pages.components import session
from pages.components.imports_judged import title
from planning.errors import PlanningError
from planning.tables import INPUT_TABLES, Table

_OPTIONAL_FIRST = ("items", "suppliers", "open_orders", "receipts")
_DATE_ORDERS = ("", "dd/mm/yyyy", "mm/dd/yyyy")
_AUTOMATIC = "Recognised automatically"


# --- bringing files --------------------------------------------------------------------------------------------------


def bring() -> None:
    """Uploaders for every table, the two needed ones first, and the button that reads the files."""
    files = _uploaders()
    fault = session.kept("import_fault")
    if fault:
        with st.container(border=True, key="import_fault"):
            st.markdown(":red[:material/error:] **These files cannot be used as they are**")
            # As text: it quotes what the files say.
            for line in str(fault).splitlines():
                st.text(line.partition("; rename the column, or map it")[0])
    mapping = _matching(files) if files and (fault or session.kept("matching")) else {}
    first = service.base_of_import(session.visitor()) is None
    missing = [title(n) for n, t in INPUT_TABLES.items() if t.required and n not in files] if first else []
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(
            "Check the files", type="primary", icon=":material/fact_check:", disabled=bool(missing) or not files
        ):
            _check(files, mapping)
        if files and not fault:
            st.button(
                "Match columns by hand",
                type="tertiary",
                icon=":material/table_edit:",
                on_click=session.keep,
                args=("matching", not session.kept("matching") or None),
            )
        if missing:
            st.caption(f"Still needed: {' and '.join(missing).lower()}.", width="content")


def _uploaders() -> dict[str, list[Source]]:
    needed = [t for t in INPUT_TABLES.values() if t.required]
    others = sorted((t for t in INPUT_TABLES.values() if not t.required), key=lambda t: t.name not in _OPTIONAL_FIRST)
    files: dict[str, list[Source]] = {}
    for column, table in zip(st.columns(len(needed)), needed, strict=True):
        with column.container(border=True, height="stretch"):
            _uploader(table, files)
    with (
        st.expander(
            "More tables make a better plan: costs, lead times, open orders, promotions …", icon=":material/add:"
        ),
        st.grid(2, gap="medium", min_column_width=280),
    ):
        for table in others:
            with st.container(gap="small"):
                _uploader(table, files)
    return files


def _uploader(table: Table, files: dict[str, list[Source]]) -> None:
    needed = " :orange-badge[needed]" if table.required else ""
    st.markdown(f"**{title(table.name)}**{needed}  \n:small[{table.meaning}]")
    uploaded = st.file_uploader(
        title(table.name),
        accept_multiple_files=True,
        key=f"upload_{table.name}_{session.kept('round') or 0}",
        label_visibility="collapsed",
    )
    if uploaded:
        files[table.name] = [Source(file.name, file.getvalue()) for file in uploaded]
    with st.popover("Columns", type="tertiary", icon=":material/view_column:", key=f"columns_{table.name}"):
        st.caption("Headings may differ: known exports are recognised, others can be matched by hand.")
        st.table(
            pd.DataFrame(
                {
                    "Column": [f"{c.name}{' *' if c.required else ''}" for c in table.columns],
                    "Meaning": [c.meaning for c in table.columns],
                }
            ).set_index("Column"),
            alt=f"Columns of {table.name}",
        )
        st.download_button(
            "Empty template (CSV)",
            export.safe_csv(pd.DataFrame(columns=list(table.names))),
            f"{table.name}-template.csv",
            mime="text/csv",
            type="tertiary",
            icon=":material/download:",
            key=f"template_{table.name}",
            on_click="ignore",
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


def _matching(files: Mapping[str, Sequence[Source]]) -> dict[str, dict[str, str]]:
    """Let a person say which heading means what."""
    mapping: dict[str, dict[str, str]] = {}
    with st.container(border=True, key="matching"):
        st.markdown("**Which heading is which?**")
        tabs = st.tabs([title(name) for name in files])
        for tab, (name, sources) in zip(tabs, files.items(), strict=True):
            with tab:
                mapping[name] = _match_table(INPUT_TABLES[name], _headings(sources))
    return {name: chosen for name, chosen in mapping.items() if chosen}


def _match_table(table: Table, headings: list[str]) -> dict[str, str]:
    if not headings:
        st.caption("No headings could be read from these files.")
        return {}
    chosen: dict[str, str] = {}
    order = ""
    if any(c.kind == "date" for c in table.columns):
        order = st.selectbox(
            "Dates like 03/04/2026 are",
            _DATE_ORDERS,
            format_func={"": _AUTOMATIC, "dd/mm/yyyy": "Day first", "mm/dd/yyyy": "Month first"}.__getitem__,
            key=f"match_order_{table.name}",
        )
    with st.grid(3, min_column_width=200, gap="small"):
        for column in sorted(table.columns, key=lambda c: not c.required):
            heading = st.selectbox(
                f"{column.title}{' *' if column.required else ''}",
                headings,
                index=None,
                placeholder=_AUTOMATIC,
                key=f"match_{table.name}_{column.name}",
                help=f"{column.meaning}.",
            )
            if heading:
                chosen[heading] = f"{column.name}:{order}" if order and column.kind == "date" else column.name
    return chosen


def _headings(sources: Sequence[Source]) -> list[str]:
    found: dict[str, None] = {}
    for source in sources:
        try:
            found |= dict.fromkeys(read_text_table(source).columns)
        except PlanningError:
            # What is wrong with the file is said when it is checked.
            continue
    return list(found)


def _check(files: Mapping[str, Sequence[Source]], mapping: Mapping[str, Mapping[str, str]]) -> None:
    session.keep("preview", None)
    session.keep("import_fault", None)
    try:
        with st.spinner("Reading the files …"):
            found = service.preview_import(files, mapping)
        session.keep("preview", (found, [source.name for sources in files.values() for source in sources]))
    except PlanningError as fault:
        session.keep("import_fault", str(fault))
    st.rerun()
