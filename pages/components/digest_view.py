"""The Overview as a workbook and as one page to take along."""

from datetime import datetime

import streamlit as st

from data import export, report_book
from pages.components import digest, kpi_view, ordering, overview_changes_view, overview_view, session
from pages.components.digest import Digest, build_digest, digest_book
from pages.components.digest_html import digest_html
from pages.components.report_page import EXCEL
from planning.pipeline import METHOD_VERSION
from planning.result import PlanResult

NAME = "Digest"


def button(whole: PlanResult) -> None:
    """The way to the two files, for who decides here; nothing is made before it is asked for."""
    snapshot = session.snapshot_id()
    if snapshot is None or not session.may_act():
        return
    drawer = st.popover(NAME, icon=":material/download:", on_change="rerun", key="digest")
    with drawer:
        if not drawer.open:
            return
        st.caption("This page to take along: numbers, alerts, work list, changes and key figures.")
        plan = session.filters().narrow(whole)
        told, about = _digest(plan, whole, snapshot), _about(whole)
        for label, make, suffix, mime in (
            ("Excel", lambda: digest_book(told, about), "xlsx", EXCEL),
            ("HTML", lambda: digest_html(told, about).encode(), "html", "text/html"),
        ):
            st.download_button(
                f"Digest ({label})",
                session.while_shown(make),
                export.download_name("stockcast", plan.as_of, "digest", suffix),
                mime=mime,
                on_click="ignore",
                icon=":material/download:",
                width="stretch",
                key=f"digest_{suffix}",
            )


def _digest(plan: PlanResult, whole: PlanResult, snapshot: str) -> Digest:
    record, rows = overview_changes_view.changes(plan, snapshot)
    since = "" if record is None else digest.since(record)
    figures = kpi_view.figures(plan, whole)
    alerts = overview_view.alerts(plan)
    return build_digest(plan, figures, alerts, asleep=ordering.snoozed(plan), changes=rows, since=since)


def _about(whole: PlanResult) -> dict[str, object]:
    return report_book.report_about(
        whole,
        name=f"{NAME} of {whole.as_of:%-d %B %Y}",
        method_version=METHOD_VERSION,
        made_on=datetime.now().astimezone().date(),
    )
