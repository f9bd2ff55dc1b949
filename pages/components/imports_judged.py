"""What the files hold, judged: rows accepted and set aside, what is worth knowing, and the step to use them."""

import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import pandas as pd
import streamlit as st

from data import corrections, export, service
from data.read import Import
from data.upload import Source
from pages.components import joining, session, tables, understood, warnings_view, widgets
from pages.components.formats import count, day, literal
from planning.errors import PlanningError

_SHOWN = 1000
_FAULTS_SHOWN = 8
_MIMES: Mapping[str, str] = MappingProxyType(
    {
        "csv": "text/csv",
        "zip": "application/zip",
        "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    }
)


def title(name: str) -> str:
    """A table's name as people say it."""
    return name.replace("_", " ").capitalize()


def preview(found: Import, sources: Sequence[Source]) -> None:
    """What the files hold; what would change a plan, first; what was set aside and why; then use them, or not."""
    st.header("What the files hold")
    st.markdown(in_short(found.frames))
    _reconciled(found.rows)
    joining.choose(found)
    judged = joining.judged(found)
    answered = joining.ask_places(judged.question)
    if judged.findings:
        st.subheader("What would change the plan", anchor=False)
        warnings_view.warnings(judged.findings, "preview", first=3)
    rejected(found.rejected, "preview", sources)
    remarks(found.notes)
    counts(found.rows)
    if not session.params().currency or session.is_sample():
        widgets.text("currency", "Currency", "Shown beside money, such as € or USD; it changes no number")
    with st.container(horizontal=True):
        st.button(
            "Use these data",
            type="primary",
            icon=":material/check:",
            on_click=_confirm,
            args=(found, [source.name for source in sources]),
            disabled=not answered,
            help=None if answered else "Say first which location serves the sales.",
        )
        st.button("Not now", icon=":material/close:", on_click=discard)


def _reconciled(rows: Mapping[str, Mapping[str, int]]) -> None:
    """Rows read, accepted and set aside, and that nothing is missing in between."""
    read, accepted, refused = (sum(r.get(k, 0) for r in rows.values()) for k in ("read", "accepted", "rejected"))
    with st.container(horizontal=True):
        for label, value, sign in (("Rows read", read, ""), ("Accepted", accepted, "="), ("Set aside", refused, "+")):
            with st.container(border=True, key=f"reconciled_{label.split()[0].lower()}"):
                st.metric(f"{sign} {label}".strip(), f"{value:,}")


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
        service.confirm_import(
            session.visitor(),
            found,
            replace_everything=joining.replaces(),
            files=files,
            how=joining.how(),
            places=joining.places(),
        )
    except PlanningError as fault:
        session.complain(str(fault))
        return
    understood.remember(found.understood, session.kept("said") or {})
    session.change_params(currency=currency)
    session.forget_view()
    discard()
    session.keep("imported", True)


def discard() -> None:
    """Forget what was read and dropped."""
    understood.forget(session.kept("dropped") or ())
    for name in ("preview", "judged", "import_fault", "said", "dropped"):
        session.keep(name, None)
    # A new key empties the uploaders.
    session.keep("round", (session.kept("round") or 0) + 1)


def counts(rows: Mapping[str, Mapping[str, int]]) -> None:
    """Rows read, accepted and rejected, by table."""
    frame = pd.DataFrame(
        [{"table": title(n), **{k: c.get(k, 0) for k in ("read", "accepted", "rejected")}} for n, c in rows.items()],
        columns=["table", "read", "accepted", "rejected"],
    )
    number = {
        k: st.column_config.NumberColumn(said, format="%,d")
        for k, said in (("read", "Read"), ("accepted", "Accepted"), ("rejected", "Set aside"))
    }
    st.dataframe(
        frame,
        hide_index=True,
        width="content",
        height="content",
        column_config={"table": st.column_config.TextColumn("Table"), **number},
        alt="Rows read, accepted and set aside by table",
    )


def remarks(notes: Sequence[str]) -> None:
    """What a person should know about the import."""
    if notes:
        with st.expander(f"{count(len(notes), 'remark')} on these files", icon=":material/info:"):
            st.markdown("\n".join(f"- {literal(note)}" for note in notes))


def rejected(frame: pd.DataFrame, key: str, sources: Sequence[Source] = ()) -> None:
    """The rows set aside, each with its fault and remedy; their download, and as they stood, to be corrected.

    Parameters
    ----------
    frame : rows as in `RESULT_TABLES["rejected"]`.
    key : unique on the page.
    sources : the files they come from, where they are at hand.
    """
    if frame.empty:
        st.caption(":green[:material/check_circle:] Every row was accepted.")
        return
    st.markdown(f":orange[:material/warning:] **{count(len(frame), 'row')} set aside**; the rest is used without them.")
    with st.expander("The rows set aside, each with its reason", expanded=len(frame) <= _FAULTS_SHOWN):
        st.dataframe(
            frame.head(_SHOWN),
            hide_index=True,
            column_config=tables.columns("rejected"),
            key=f"{key}_rejected",
            alt="Rows set aside, with reasons",
        )
        if len(frame) > _SHOWN:
            st.caption(f"The first {_SHOWN:,} are shown; the download has them all.")
    with st.container(horizontal=True):
        _download("Rows set aside (CSV)", lambda: export.safe_csv(frame), "rejected.csv", key)
        _download("Rows set aside (Excel)", lambda: export.workbook({"rejected": frame}), "rejected.xlsx", key)
    if sources:
        st.caption("To bring them all the same: correct these files, which have your own headings, and drop them here.")
        with st.container(horizontal=True):
            _download("To correct (CSV)", lambda: to_correct(sources, frame, "csv"), "to-correct.zip", key)
            _download("To correct (Excel)", lambda: to_correct(sources, frame, "xlsx"), "to-correct.xlsx", key)


def to_correct(sources: Sequence[Source], frame: pd.DataFrame, kind: str) -> bytes:
    """The rows set aside as they stood in their files: a workbook, or an archive of CSV files; both can be dropped."""
    try:
        rows = corrections.rows_to_correct(sources, frame)
        if kind == "xlsx":
            return corrections.corrections_workbook(rows)
    except PlanningError:
        # They cannot be told apart by their files: what was set aside is still told.
        return export.workbook({"rejected": frame}) if kind == "xlsx" else _packed({"rejected.csv": frame})
    return _packed({f"{n}-to-correct.csv": part for n, part in enumerate(rows.values(), 1)})


def _packed(rows: Mapping[str, pd.DataFrame]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, frame in rows.items():
            archive.writestr(name, corrections.corrections_csv(frame))
    return packed.getvalue()


def _download(label: str, make: Callable[[], bytes], name: str, key: str) -> None:
    st.download_button(
        label,
        make,
        f"stockcast-{name}",
        mime=_MIMES[name.rpartition(".")[2]],
        icon=":material/download:",
        type="tertiary",
        key=f"{key}_{name}",
        on_click="ignore",
    )
