"""The strip of key figures by group; each opens what is behind it: formula, source, trend, and its items."""

import html
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pandas as pd
import streamlit as st

from data import export
from pages.components import cached, charts_kpi, kpi_words, panel, session, tables
from pages.components.formats import DASH, count, literal
from planning.errors import PlanningError
from planning.kpi import Kpi
from planning.result import PlanResult
from planning.tables import INPUT_TABLES, RESULT_TABLES

OPEN = "kpi_open"
MOST_ROWS = 200
_IDS: Mapping[str, str] = MappingProxyType({"item_id": "Item", "location_id": "Location", "supplier_id": "Supplier"})

_SMALL = "font-size:.75rem;opacity:.75"


def figures(plan: PlanResult, whole: PlanResult) -> Mapping[str, Kpi]:
    """The key figures of the lines in view, through a link those that were kept; none where they cannot be made."""
    snapshot = session.snapshot_id()
    if session.grant() is not None:
        return cached.shared_figures(session.visitor())
    if snapshot is None:
        return {}
    keys = None if plan is whole else plan.items[["item_id", "location_id"]]
    try:
        return cached.figures(session.visitor(), snapshot, session.as_of(), session.params(), keys)
    except PlanningError as fault:
        # As text: it may quote what a file said.
        st.text(str(fault))
        return {}


def strip(told: Mapping[str, Kpi], plan: PlanResult) -> None:
    """Draw the groups side by side, and what is behind the figure that was asked for."""
    st.header("Key figures")
    unknown = sum(kpi.value is None for kpi in told.values())
    more = f" {count(unknown, 'figure')} cannot be told yet: each says what to bring." if unknown else ""
    if session.grant() is not None:
        more = " They are of all lines of this link, whatever the filters."
    st.caption(f"Choose one to see how it is made up and the lines behind it.{more}")
    for group, mine in kpi_words.grouped(told):
        with st.container(border=True, gap="xsmall", key=f"kpis_{group.lower()}"):
            st.markdown(f"**{group}**")
            with st.grid(5, min_column_width=140, gap="small"):
                for kpi in mine:
                    _tile(kpi, plan.params.currency)
    chosen = told.get(str(session.kept(OPEN)))
    if chosen is not None:
        st.dialog(chosen.name, width="large", on_dismiss=_close)(_behind)(chosen, plan)


def _tile(kpi: Kpi, currency: str) -> None:
    with st.container(gap="xxsmall"):
        svg = kpi_words.spark(kpi.trend)
        alt = html.escape(kpi_words.trend_in_words(kpi, currency), quote=True)
        image = f'<img src="{kpi_words.picture(svg)}" alt="{alt}" title="{alt}">' if svg else ""
        value, period = (html.escape(text, quote=True) for text in (kpi_words.said(kpi, currency), kpi.period))
        st.html(
            '<div style="display:flex;align-items:center;gap:.7rem;line-height:1.3">'
            f'<span style="font-weight:600;font-size:1.1rem;white-space:nowrap">{value}</span>{image}</div>'
            f'<div style="{_SMALL}" title="{period}">{period}</div>'
        )
        st.button(
            kpi_words.short(kpi),
            key=f"kpi_{kpi.key}",
            type="tertiary",
            icon=":material/help:" if kpi.value is None else ":material/chevron_right:",
            icon_position="right",
            on_click=session.keep,
            args=(OPEN, kpi.key),
        )


def _close() -> None:
    session.keep(OPEN, None)


def _behind(kpi: Kpi, plan: PlanResult) -> None:
    """All that a person needs to trust a figure, and its lines, the worst first."""
    currency = plan.params.currency
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        unit = kpi_words.unit_of(kpi, currency)
        st.metric(f"{unit[:1].upper()}{unit[1:]}, {kpi.period}", kpi_words.said(kpi, currency), width="content")
        better = {"higher": "Higher is better", "lower": "Lower is better"}.get(kpi.better, "")
        st.caption(". ".join(part for part in (literal(kpi.covered), better) if part))
    if kpi.missing:
        st.info(literal(kpi.missing), icon=":material/upload_file:")
        if session.may_act() and st.button("Bring data", key="kpi_import", icon=":material/arrow_forward:"):
            _leave("pages/import_data.py")
    if len(kpi.trend) > 1:
        panel.chart(charts_kpi.trend(kpi, currency), kpi_words.trend_in_words(kpi, currency), key="kpi_trend")
    st.markdown(f"**How it is made up:** {literal(kpi.formula)}  \n**From:** {literal(kpi.source)}")
    if len(kpi.items):
        _items(kpi, plan)


def _items(kpi: Kpi, plan: PlanResult) -> None:
    rows = kpi.items.head(MOST_ROWS).reset_index(drop=True)
    leads = {"item_id", "location_id"} <= set(rows)
    st.caption(
        f"{'The first ' + format(MOST_ROWS, ',') + ' of ' if len(kpi.items) > MOST_ROWS else ''}"
        f"{count(len(kpi.items), 'row')}, the worst first.{' Select one to see the item.' if leads else ''}"
    )
    event = st.dataframe(
        rows,
        key="kpi_items",
        hide_index=True,
        column_config=columns(rows, plan.params.currency),
        height=min(38 + 35 * len(rows), 318),
        placeholder=DASH,
        alt=f"What is behind {kpi.name}",
        **({"on_select": "rerun", "selection_mode": "single-row"} if leads else {}),
    )
    chosen = event.selection.rows if leads else []
    if chosen and chosen[0] < len(rows):
        session.keep(OPEN, None)
        tables.open_item(str(rows["item_id"].iloc[chosen[0]]), str(rows["location_id"].iloc[chosen[0]]))
    st.download_button(
        "Excel",
        session.while_shown(lambda: export.workbook({kpi.key: kpi.items}, tables.about(plan))),
        export.download_name("stockcast", plan.as_of, kpi.key, "xlsx"),
        mime="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        on_click="ignore",
        type="tertiary",
        icon=":material/download:",
        key="kpi_xlsx",
    )


def _leave(page: str) -> None:
    session.keep(OPEN, None)
    session.go(page)


def columns(rows: pd.DataFrame, currency: str) -> dict[str, Any]:
    """A title and a format for each column: named as in the contract where it knows the column."""
    known = {c.name: c for table in (*RESULT_TABLES.values(), *INPUT_TABLES.values()) for c in table.columns}
    config: dict[str, Any] = {}
    for name in rows:
        title = _IDS.get(name) or (known[name].title if name in known else name.replace("_", " ").capitalize())
        if name in _IDS:
            config[name] = st.column_config.TextColumn(title, pinned=name == "item_id" or None)
        elif pd.api.types.is_bool_dtype(rows[name]):
            config[name] = st.column_config.CheckboxColumn(title)
        elif pd.api.types.is_numeric_dtype(rows[name]):
            config[name] = st.column_config.NumberColumn(_unit(name, title, currency), format=_format(name))
        elif pd.api.types.is_datetime64_any_dtype(rows[name]):
            config[name] = st.column_config.DateColumn(title, format="D MMM YYYY")
        else:
            config[name] = st.column_config.TextColumn(title)
    return config


def _unit(name: str, title: str, currency: str) -> str:
    unit = "units" if name.endswith("units") else "days" if name.endswith("days") else ""
    unit = currency if _is_money(name) else unit
    return f"{title} ({unit})" if unit and unit not in title.lower() else title


def _is_money(name: str) -> bool:
    return name.endswith(("value", "cost", "margin", "price", "revenue")) or name in tables.MONEY


def _format(name: str) -> str:
    if name.endswith(("share", "rate", "accuracy", "bias", "gmroi")):
        return "percent"
    return "%,.2f" if name in ("unit_cost", "unit_price", "turnover") else "%,.1f" if name.endswith("days") else "%,.0f"
