"""The parts of the Import page: what to bring, what was understood of it, what is in use, what came before."""

import io
import zipfile
from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from data import export, service
from data.read import Import
from data.sample import sample_sources
from data.upload import Source, read_text_table
from pages.components import cached, session, tables, widgets
from pages.components.formats import count, day, literal
from planning.errors import PlanningError
from planning.tables import INPUT_TABLES, Table

_OPTIONAL_FIRST = ("items", "suppliers", "open_orders", "receipts")
_DATE_ORDERS = ("", "dd/mm/yyyy", "mm/dd/yyyy")
_AUTOMATIC = "Recognised automatically"


def title(name: str) -> str:
    """A table's name as people say it."""
    return name.replace("_", " ").capitalize()


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


# --- what was understood ---------------------------------------------------------------------------------------------


def preview(found: Import, files: Sequence[str]) -> None:
    """What the files hold, what was set aside and why; then use them, or not."""
    st.header("What the files hold")
    st.markdown(in_short(found.frames))
    counts(found.rows)
    remarks(found.notes)
    rejected(found.rejected, "preview")
    if not session.params().currency or session.is_sample():
        widgets.text("currency", "Currency", "Shown beside money, such as € or USD; it changes no number")
    base = service.base_of_import(session.visitor())
    if base is not None:
        st.toggle(
            "Replace everything that was imported before",
            key="replace_everything",
            help="Off: a table given now replaces the earlier one, sales only for their own locations and dates, and "
            "tables not given now stay. On: only these files count.",
        )
    with st.container(horizontal=True):
        st.button("Use these data", type="primary", icon=":material/check:", on_click=_confirm, args=(found, files))
        st.button("Not now", icon=":material/close:", on_click=_discard)


def in_short(frames: Mapping[str, pd.DataFrame]) -> str:
    """The size and the dates of the tables in a line, to see at a glance whether they are the right ones."""
    told = []
    both = [frames[name] for name in ("sales", "stock") if name in frames]
    if both:
        told.append(f"**{count(pd.concat([f['item_id'] for f in both]).nunique(), 'item')}**")
        places = pd.concat([f["location_id"] for f in both]).dropna().nunique()
        told[0] += f" at **{count(places, 'location')}**" if places else ""
    for name, column, said in (("sales", "date", "sales from"), ("stock", "as_of", "stock of")):
        dates = frames[name][column].dropna() if name in frames else pd.Series(dtype="datetime64[s]")
        if not dates.empty:
            first, last = day(dates.min()), day(dates.max())
            told.append(f"{said} {last}" if first == last or name == "stock" else f"{said} {first} to {last}")
    return " · ".join(told)


def _confirm(found: Import, files: Sequence[str]) -> None:
    # What the field shows is what the person agreed to, the sample's currency too.
    currency = session.params().currency
    try:
        service.confirm_import(session.visitor(), found, replace_everything=_replaces(), files=files)
    except PlanningError as fault:
        session.complain(str(fault))
        return
    session.change_params(currency=currency)
    session.forget_view()
    _discard()
    session.keep("imported", True)


def _replaces() -> bool:
    return bool(session.widget("replace_everything"))


def _discard() -> None:
    session.keep("preview", None)
    session.keep("import_fault", None)
    session.keep("matching", None)
    # A new key empties the uploaders.
    session.keep("round", (session.kept("round") or 0) + 1)


def counts(rows: Mapping[str, Mapping[str, int]]) -> None:
    """Rows read, accepted and rejected, by table."""
    frame = pd.DataFrame(
        [{"table": title(n), **{k: c.get(k, 0) for k in ("read", "accepted", "rejected")}} for n, c in rows.items()]
    )
    number = {k: st.column_config.NumberColumn(k.capitalize(), format="%,d") for k in ("read", "accepted", "rejected")}
    st.dataframe(
        frame,
        hide_index=True,
        width="content",
        height="content",
        column_config={"table": st.column_config.TextColumn("Table", width=200), **number},
        alt="Rows read, accepted and rejected by table",
    )


def remarks(notes: Sequence[str]) -> None:
    """What a person should know about the import."""
    if notes:
        with st.expander(f"{count(len(notes), 'remark')} on these files", icon=":material/info:"):
            st.markdown("\n".join(f"- {literal(note)}" for note in notes))


def rejected(frame: pd.DataFrame, key: str) -> None:
    """The rows set aside, each with its fault and remedy, and their download."""
    if frame.empty:
        st.caption(":green[:material/check_circle:] Every row was accepted.")
        return
    st.markdown(f":orange[:material/warning:] **{count(len(frame), 'row')} set aside**; the rest is used without them.")
    st.dataframe(
        frame.head(1000),
        hide_index=True,
        column_config=tables.columns("rejected"),
        key=f"{key}_rejected",
        alt="Rows set aside, with reasons",
    )
    if len(frame) > 1000:
        st.caption("The first 1,000 are shown; the download has them all.")
    st.download_button(
        "Download the rows set aside (CSV)",
        lambda: export.safe_csv(frame),
        "stockcast-rejected.csv",
        mime="text/csv",
        icon=":material/download:",
        type="tertiary",
        key=f"{key}_rejected_csv",
        on_click="ignore",
    )


# --- what is in use, and what came before ----------------------------------------------------------------------------


def in_use(record: service.ImportRecord) -> None:
    """The data that every page shows: how many rows, what was set aside, how they are priced."""
    counts(record.rows or {})
    remarks(record.notes)
    try:
        rejected(service.rejected(session.visitor(), record.snapshot_id), "in_use")
    except PlanningError as fault:
        st.caption(literal(fault))


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
        st.metric("Items with a known cost", f"{100 * priced:.0f} %")
        st.caption("Without a cost the plan tells units, never zero money.")


def history(records: Sequence[service.ImportRecord]) -> None:
    """Earlier imports, newest first, each with the way back to it."""
    current = session.snapshot_id()
    for n, record in enumerate(records):
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            rows = sum(r.get("accepted", 0) for r in (record.rows or {}).values())
            st.markdown(
                f"**{record.imported_at.astimezone():%d %b %Y, %H:%M}** · {count(rows, 'row')}", width="stretch"
            )
            st.caption("Sample company" if record.sample else literal(", ".join(record.files)[:120]), width="stretch")
            if record.snapshot_id == current:
                st.badge("In use", icon=":material/check:", color="green")
            else:
                st.button("Go back to this", key=f"back_{n}", icon=":material/undo:", on_click=_go_back, args=(record,))


def _go_back(record: service.ImportRecord) -> None:
    try:
        service.go_back(session.visitor(), record.snapshot_id)
    except PlanningError as fault:
        session.complain(str(fault))
        return
    session.forget_view()


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
                _discard()
            st.rerun()
        if st.button("Keep it"):
            st.rerun()
