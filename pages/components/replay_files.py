"""What of a replay is taken along: a workbook of its tables, and the one that is shown as CSV."""

import pandas as pd
import streamlit as st

from data import export
from pages.components import session, tables
from pages.components.formats import count
from planning.result import PlanResult


def downloads(sheets: dict[str, pd.DataFrame], name: str, whole: PlanResult, *, key: str, what: str = "") -> None:
    """Offer what is shown as a workbook, and its last sheet, whose rows are `what`, as CSV."""
    last = list(sheets.values())[-1]
    with st.container(horizontal=True, vertical_alignment="center", key=f"{key}_downloads"):
        st.caption(f"{count(len(last), 'row')}{' ' if what else ''}{what} · quantities in units", width="content")
        for label, suffix, mime, file in (
            (
                "Excel",
                "xlsx",
                "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
                lambda: export.workbook(sheets, tables.about(whole)),
            ),
            ("CSV", "csv", "text/csv", lambda: export.safe_csv(last)),
        ):
            st.download_button(
                label,
                session.while_shown(file),
                export.download_name("stockcast", whole.as_of, name, suffix),
                mime=mime,
                on_click="ignore",
                type="tertiary",
                icon=":material/download:",
                key=f"{key}_{suffix}",
            )
