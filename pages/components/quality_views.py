"""The tab for data quality: the score, each issue, how suppliers deliver, how true the records are, what was missed."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pandas as pd
import streamlit as st

from data import export
from pages.components import cached, charts, session, warnings_view
from pages.components.cached import Quality
from pages.components.formats import DASH, count, known, literal, money, percent, units
from planning.errors import PlanningError

_GOOD, _FAIR = 0.9, 0.7
_ROWS_SHOWN = 500
_LEAD_TIME_COLUMNS: Mapping[str, tuple[str, str, str]] = MappingProxyType(
    {
        "supplier_id": ("Supplier", "", "Who delivers."),
        "lines": ("Lines", "%,d", "Order lines received."),
        "lead_time_days": ("Mean (days)", "%,.1f", "From order to receipt, in calendar days."),
        "lead_time_sd_days": ("Spread (days)", "%,.1f", "Standard deviation."),
        "q95_days": ("95 % within (days)", "%,.0f", "So many days were enough for 95 of 100 lines."),
        "promised_days": ("Promised (days)", "%,.1f", "Mean of what was promised."),
        "share_late": ("Late", "percent", "Of the lines with a promise, those that came after it."),
        "overdue": ("Overdue now", "%,d", "Open order lines past their date, not received."),
        "lead_time_with_overdue_days": ("Mean with overdue (days)", "%,.1f", "With open orders as not yet delivered."),
        "share_crossed": ("Overtaken", "percent", "Lines that arrived before an earlier order of the same item."),
        "set_aside": ("Set aside", "%,d", "Lines left out as typing errors: received before the order, or far beyond."),
    }
)
"""Title, format and meaning of each column of the table."""


def show(snapshot_id: str) -> None:
    """Everything that is known of the quality of the data in use."""
    try:
        with st.spinner("Looking through the data …", show_time=True):
            found = cached.quality(session.visitor(), snapshot_id, session.as_of(), session.params())
    except PlanningError as fault:
        # As text: it may quote what a file said.
        st.text(str(fault))
        return
    _score(found)
    _issues(found)
    with st.container(border=True):
        _lead_times(found)
    left, right = st.columns(2)
    with left.container(border=True, height="stretch"):
        _records(found)
    with right.container(border=True, height="stretch"):
        _lost(found)


# --- the score --------------------------------------------------------------------------------------------------------


def _score(found: Quality) -> None:
    score = found.score
    with st.container(border=True):
        whole, parts = st.columns([1, 4], vertical_alignment="center")
        with whole:
            st.metric(
                "Quality of the data",
                f"{100 * score.overall:.0f}",
                help="Out of 100: the mean of the parts beside. Each part is what is left after the share of sales "
                "or stock that its issues touch.",
            )
        with parts, st.grid(3, min_column_width=170, gap="small"):
            for part in score.parts.itertuples():
                with st.container(gap="xxsmall"):
                    st.markdown(f"{_mark(part.score)} **{part.part.capitalize()}** {100 * part.score:.0f}")
                    st.caption(f"{part.meaning}." + (f" {count(part.issues, 'issue')}." if part.issues else ""))


def _mark(score: float) -> str:
    if score >= _GOOD:
        return ":green[:material/check_circle:]"
    return ":orange[:material/warning:]" if score >= _FAIR else ":red[:material/error:]"


def _issues(found: Quality) -> None:
    st.subheader("What would change the plan", anchor=False)
    if not found.findings:
        st.caption(":green[:material/check_circle:] Nothing was found.")
        return
    frame = pd.DataFrame(
        [{"title": f.title, "value": f.value, "count": f.count} for f in found.findings],
        columns=["title", "value", "count"],
    )
    if (frame["value"].fillna(0) > 0).any():
        st.plotly_chart(
            charts.issues_by_value(frame, session.params().currency),
            config=dict(charts.CONFIG),
            key="issues_by_value",
            alt="Quality issues by the value they affect",
        )
    warnings_view.warnings(found.findings, "quality")


# --- lead times -------------------------------------------------------------------------------------------------------


def _lead_times(found: Quality) -> None:
    st.subheader("How suppliers deliver", anchor=False)
    table = found.lead_times
    if table.empty:
        st.caption("No receipts yet. With them the plan learns each supplier's lead time and its spread.")
        return
    st.caption("Learned from receipts; an overdue open order counts as not yet delivered, so that late suppliers show.")
    st.dataframe(
        table.assign(supplier_id=table["supplier_id"].fillna("not told")),
        hide_index=True,
        column_order=list(_LEAD_TIME_COLUMNS),
        column_config={name: _column(*said) for name, said in _LEAD_TIME_COLUMNS.items()},
        height="content" if len(table) <= 8 else 320,
        placeholder=DASH,
        key="lead_times",
        alt="Lead times by supplier",
    )
    _download(table, "lead-times")
    names = [None if pd.isna(name) else str(name) for name in table["supplier_id"]]
    chosen = st.selectbox(
        "Supplier",
        range(len(names)),
        format_func=lambda n: names[n] or "not told",
        key="lead_time_supplier",
        width=320,
    )
    _distribution(found, table.iloc[chosen or 0])


def _column(title: str, form: str, meaning: str) -> Any:
    if not form:
        return st.column_config.TextColumn(title, help=meaning, pinned=True)
    return st.column_config.NumberColumn(title, format=form, help=meaning)


def _distribution(found: Quality, row: pd.Series) -> None:
    supplier = row["supplier_id"]
    of = found.distribution
    mine = of[of["supplier_id"].isna() if pd.isna(supplier) else of["supplier_id"] == supplier]
    waits = found.overdue
    open_days = waits.loc[waits["supplier_id"] == ("" if pd.isna(supplier) else supplier), "days"].dropna()
    st.plotly_chart(
        charts.lead_time_distribution(
            mine["days"].tolist(),
            mine["share"].tolist(),
            mean=row["lead_time_days"],
            promised=row["promised_days"],
            overdue=open_days.tolist(),
        ),
        config=dict(charts.CONFIG),
        key="lead_time_distribution",
        alt="Distribution of the lead time of one supplier",
    )
    if row["crossover"]:
        st.caption(
            ":orange[:material/warning:] Orders overtake each other: the plan holds more safety stock than it needs."
        )


# --- records and what was missed --------------------------------------------------------------------------------------


def _records(found: Quality) -> None:
    st.subheader("How true the records are", anchor=False)
    told = found.accuracy
    if not told.counts:
        st.caption("No cycle counts with a book quantity yet. They show how far the stock on record can be trusted.")
        return
    currency = session.params().currency
    with st.container(horizontal=True):
        st.metric("Counts that agree", percent(told.share, 0), help="Within the usual tolerance of the item's class.")
        shrunk = money(told.shrinkage_value, currency) if known(told.shrinkage_value) else units(told.shrinkage_units)
        st.metric("Shrinkage", shrunk, help="Booked but not found, at cost where it is known.")
    more = [f"{percent(told.value_share)} of the value agrees"] if known(told.value_share) else []
    more += [f"shrinkage is {percent(told.shrinkage_share, 2)} of sales at cost"] if known(told.shrinkage_share) else []
    more += [f"{count(told.unmatched, 'count')} without a book left out"] if told.unmatched else []
    st.caption(literal(" · ".join([count(told.counts, "count"), *more])))
    _rows(told.rows, "counts", "Counts, the largest differences first")


def _lost(found: Quality) -> None:
    st.subheader("What empty shelves hid", anchor=False)
    rows = found.lost
    if rows.empty:
        st.caption("No week with an empty shelf is known. Availability, or stock of several days, would show them.")
        return
    sold, lost = rows["units_sold"].sum(), rows["lost_units"].sum()
    with st.container(horizontal=True):
        st.metric(
            "Censored weeks", f"{int(rows['censored'].sum()):,}", help="Weeks with a shelf empty in part or whole."
        )
        st.metric("Estimated lost demand", units(round(lost)), help="Wanted, and not sold because the shelf was empty.")
    st.caption(
        f"In {count(len(rows), 'item and location', 'items and locations')}, where {units(round(sold))} were sold in "
        "those weeks. The plan counts the demand, not the sales."
    )
    _rows(rows, "lost", "Where, the most lost first")


def _rows(frame: pd.DataFrame, key: str, title: str) -> None:
    fold = st.expander(title, type="compact", key=f"{key}_fold", on_change="rerun")
    if fold.open:
        with fold:
            st.dataframe(
                frame.head(_ROWS_SHOWN),
                hide_index=True,
                column_config=warnings_view.headings(frame),
                placeholder=DASH,
                key=f"{key}_rows",
                alt=title,
            )
            _download(frame, key)


def _download(frame: pd.DataFrame, what: str) -> None:
    st.download_button(
        "All rows (CSV)",
        lambda: export.safe_csv(frame),
        f"stockcast-{what}.csv",
        mime="text/csv",
        type="tertiary",
        icon=":material/download:",
        key=f"{what}_csv",
        on_click="ignore",
    )
