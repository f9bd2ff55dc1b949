"""The downloads of a plan or scenario as a report: one workbook, and one page that needs nothing but itself."""

from datetime import datetime

import streamlit as st

from data import export, report_book
from pages.components import session
from pages.components.report_html import report_html
from pages.components.scenario_runs import TODAY
from planning import scenario
from planning.pipeline import METHOD_VERSION
from planning.result import PlanResult

EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def downloads(plan: PlanResult, name: str) -> None:
    """Take today's plan along as a report."""
    with st.container(horizontal=True, vertical_alignment="center", key="report_downloads"):
        files(plan, name, "", None)


def files(plan: PlanResult, name: str, text: str, whole: PlanResult | None) -> None:
    """The report as workbook and as page, made when it is asked for."""

    def about() -> dict[str, object]:
        changes = () if whole is None else scenario.differences(whole.params, plan.params)
        return report_book.report_about(
            plan,
            name=name,
            method_version=METHOD_VERSION,
            made_on=datetime.now().astimezone().date(),
            text=text,
            changes=changes,
        )

    def told() -> scenario.Comparison | None:
        other = f"{name} (scenario)" if name == TODAY else name
        return None if whole is None else scenario.compare({TODAY: whole, other: plan})

    def book() -> bytes:
        beside = told()
        return report_book.report_book(plan, about(), {} if beside is None else {"measures": beside.measures})

    def page() -> bytes:
        return report_html(plan, about(), told()).encode()

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
