"""Warnings that change a plan: what was found, what is at stake, what the plan does about it, the rows behind it."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from data import export
from data.findings import Finding
from pages.components import session, tables
from pages.components.formats import count, known, literal, money, percent, units
from planning.tables import INPUT_TABLES

_ROWS_SHOWN = 500
_HEAVY = 0.2
_FIRST = 4


def warnings(findings: Sequence[Finding], key: str, *, first: int = _FIRST) -> None:
    """Show the findings, the heaviest in full view, the others behind a fold.

    Parameters
    ----------
    findings : the heaviest first.
    key : unique on the page.
    """
    for finding in findings[:first]:
        _warning(finding, key)
    rest = findings[first:]
    if rest:
        with st.expander(f"{count(len(rest), 'smaller issue')}", icon=":material/unfold_more:"):
            for finding in rest:
                _warning(finding, key)


def _warning(finding: Finding, key: str) -> None:
    heavy = finding.share >= _HEAVY
    mark = ":red[:material/error:]" if heavy else ":orange[:material/warning:]"
    with st.container(border=True, gap="small", key=f"{key}_{finding.key}"):
        st.markdown(f"{mark} **{literal(finding.title)}**")
        st.caption(at_stake(finding))
        st.markdown(f"**The plan:** {literal(finding.effect)}  \n**To mend it:** {literal(finding.remedy)}")
        if len(finding.rows):
            _behind(finding, f"{key}_{finding.key}")


def at_stake(finding: Finding) -> str:
    """What a finding touches, in money where it is known."""
    told = [f"touches {percent(finding.share, 0)} of what is planned"] if finding.share >= 0.005 else []
    if known(finding.value):
        told.append(f"value {literal(money(finding.value, session.params().currency))}")
    if known(finding.units) and finding.units:
        told.append(units(finding.units))
    return " · ".join(told) or "nothing at stake that could be told"


def _behind(finding: Finding, key: str) -> None:
    # Drawn when it is opened: there may be thousands of rows.
    fold = st.expander(
        f"The {count(len(finding.rows), 'row')} behind it", key=f"{key}_open", on_change="rerun", type="compact"
    )
    if not fold.open:
        return
    with fold:
        st.dataframe(
            finding.rows.head(_ROWS_SHOWN),
            hide_index=True,
            column_config=headings(finding.rows),
            key=f"{key}_rows",
            placeholder="–",
            alt=f"Rows behind: {finding.key.replace('_', ' ')}",
        )
        st.download_button(
            "All rows (CSV)",
            lambda: export.safe_csv(finding.rows),
            f"stockcast-{finding.key}.csv",
            mime="text/csv",
            type="tertiary",
            icon=":material/download:",
            key=f"{key}_csv",
            on_click="ignore",
        )


def headings(frame: pd.DataFrame) -> dict[str, object]:
    """`st.column_config` of a table made of the contract's columns and a few of its own."""
    known_columns: dict[str, object] = {}
    for table in INPUT_TABLES:
        known_columns = tables.columns(table, session.params().currency, frame) | known_columns
    config: dict[str, object] = {}
    for name in frame:
        plain = str(name).replace("_", " ").capitalize()
        if str(name) in known_columns:
            config[str(name)] = known_columns[str(name)]
        elif pd.api.types.is_datetime64_any_dtype(frame[name]):
            config[str(name)] = st.column_config.DateColumn(plain, format="D MMM YYYY")
        elif pd.api.types.is_bool_dtype(frame[name]):
            config[str(name)] = st.column_config.CheckboxColumn(plain)
        elif pd.api.types.is_numeric_dtype(frame[name]):
            config[str(name)] = st.column_config.NumberColumn(plain, format="%,.0f")
        else:
            config[str(name)] = st.column_config.TextColumn(plain)
    return config
