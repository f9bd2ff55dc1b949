"""The downloads of a plan or scenario as a report: one workbook, and one page that needs nothing but itself."""

from datetime import datetime

import pandas as pd
import streamlit as st

from data import export, report_book, service
from pages.components import cached, decided, scenario_words, session
from pages.components.report_html import report_html
from planning import scenario
from planning.pipeline import METHOD_VERSION
from planning.result import PlanResult

EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def downloads(plan: PlanResult, name: str) -> None:
    """Take today's plan along as a report."""
    with st.container(horizontal=True, vertical_alignment="center", key="report_downloads"):
        files(plan, name, "", None)


def files(plan: PlanResult, name: str, text: str, told: scenario.Comparison | None) -> None:
    """The report as workbook and as page, made when it is asked for.

    Parameters
    ----------
    told : the plan beside today's and others; None: it stands alone.
    """

    def about() -> dict[str, object]:
        changes = () if told is None else scenario_words.supposed(told)
        return report_book.report_about(
            plan,
            name=name,
            method_version=METHOD_VERSION,
            made_on=datetime.now().astimezone().date(),
            text=text,
            changes=changes,
        )

    # Asked now: what makes a download runs outside of the page, where nobody is known.
    here = decided.here()

    def sheets() -> dict[str, pd.DataFrame]:
        if told is None:
            return {}
        return report_book.compared_sheets(told, service.pins(*here, frames=cached.inputs(*here)))

    def book() -> bytes:
        return report_book.report_book(plan, about(), sheets())

    def page() -> bytes:
        return report_html(plan, about(), told, sheets()).encode()

    for label, make, suffix, mime in (
        ("Report (Excel)", book, "xlsx", EXCEL),
        ("Report (HTML)", page, "html", "text/html"),
    ):
        st.download_button(
            label,
            session.while_shown(make),
            export.download_name(name, plan.as_of, "report", suffix),
            mime=mime,
            on_click="ignore",
            type="tertiary",
            icon=":material/download:",
            key=f"report_{suffix}",
        )
