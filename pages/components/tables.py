"""Tables as the house shows them: titles, units and formats from `planning.tables`, downloads, the way to an item."""

import json
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import pandas as pd
import streamlit as st

from data import export
from pages.components import session
from pages.components.address import changed
from pages.components.formats import count
from pages.components.sidebar import RISK_LABELS
from planning.pipeline import METHOD_VERSION
from planning.result import PlanResult
from planning.tables import INPUT_TABLES, RESULT_TABLES, Column

_BADGE_COLOURS = ("red", "orange", "green")
_MOST_BADGES = 20_000
"""Above so many rows the risk is plain text: lists are slow to send."""
_NAMES: Mapping[str, Any] = MappingProxyType(
    {
        "item_name": st.column_config.TextColumn("Name", width="medium", help="Name of the item."),
        "category": st.column_config.TextColumn("Category", help="Product group."),
        "abc_class": st.column_config.TextColumn("ABC", help="A, B or C by yearly value."),
    }
)
"""Columns that pages add from `plan.items`."""
_OPTIONAL = frozenset({"item_name", "category", "supplier_id"})
"""Columns that are left out where nothing is known in them."""
_WIDE_TEXT = frozenset({"reason", "item_name"})


MONEY = frozenset(c.name for t in RESULT_TABLES.values() for c in t.columns if c.kind == "money") | {
    "error_value",
    "given_up",
    "rate",
    "spent",
    "stock_value",
    "value",
    "value_money",
}
"""Columns that tell of money, also those that pages work out."""


def seen(order: Sequence[str]) -> list[str]:
    """The columns that may be looked at: all, or those without money where costs are hidden."""
    return [name for name in order if name not in MONEY or not session.costs_hidden()]


def columns(table: str, currency: str = "", frame: pd.DataFrame | None = None) -> dict[str, Any]:
    """`st.column_config` of a table: title with unit, format, and the column's meaning as help.

    With the frame at hand, quantities that are whole throughout are shown without decimals.
    """
    known = RESULT_TABLES.get(table) or INPUT_TABLES[table]
    return {c.name: _config(c, currency, frame) for c in known.columns}


def show(
    frame: pd.DataFrame,
    table: str,
    *,
    plan: PlanResult,
    key: str,
    order: Sequence[str] | None = None,
    more: Mapping[str, Any] | None = None,
    height: int | str = "auto",
    to_item: bool = True,
    download: bool = True,
    empty: str = "Nothing to show with these filters.",
    alt: str = "",
) -> None:
    """Show a result table with its downloads; a click on a row leads to that item.

    Parameters
    ----------
    frame : rows of the result table `table`, as filtered and sorted by the page.
    plan : the plan they belong to; names the downloads and the currency.
    key : unique on the page.
    order : the columns shown, in order; the rest stay in the downloads.
    more : `st.column_config` of further columns.
    """
    if frame.empty:
        st.caption(empty)
        return
    shown = frame.reset_index(drop=True)
    badges = "risk" in shown and len(shown) <= _MOST_BADGES
    display = shown.assign(risk=shown["risk"].map(lambda r: [RISK_LABELS[r]])) if badges else shown
    if "action" in shown:
        display = display.assign(action=shown["action"].str.capitalize())
    if order is None and session.costs_hidden():
        order = list(shown)
    if order is not None:
        order = seen(order)
        order = [c for c in order if c in shown and (c not in _OPTIONAL or shown[c].notna().any())]
    config = columns(table, plan.params.currency, shown) | dict(_NAMES) | dict(more or {})
    if badges:
        config["risk"] = _risk_badges()
    leads = to_item and {"item_id", "location_id"} <= set(shown)
    event = st.dataframe(
        display,
        key=key,
        hide_index=True,
        column_order=order,
        column_config=config,
        height=height,
        placeholder="–",
        alt=alt or None,
        **({"on_select": "rerun", "selection_mode": "single-row"} if leads else {}),
    )
    rows = event.selection.rows if leads else []
    if rows:
        open_item(str(shown["item_id"].iloc[rows[0]]), str(shown["location_id"].iloc[rows[0]]))
    if download:
        downloads(shown, table, plan, key=key)


def open_item(item_id: str, location_id: str) -> None:
    """Go to the page of one item."""
    session.select(item_id, location_id)
    session.go("pages/item.py")


def downloads(
    frame: pd.DataFrame,
    table: str,
    plan: PlanResult,
    *,
    key: str,
    whole: Callable[[], pd.DataFrame] | None = None,
) -> None:
    """Offer the rows as Excel and as CSV, named by table, date and data.

    Parameters
    ----------
    whole : makes what is taken along, where that takes long; None: the rows as they are.
    """

    def name(suffix: str) -> str:
        return export.download_name("stockcast", plan.as_of, table, suffix)

    # Settled here, as what is taken along is made outside of the page.
    hidden = MONEY if session.costs_hidden() else frozenset()

    def rows() -> pd.DataFrame:
        told = whole() if whole else frame
        return told[[name for name in told if name not in hidden]] if hidden else told

    with st.container(horizontal=True, vertical_alignment="center", key=f"{key}_downloads"):
        st.caption(f"{count(len(frame), 'row')} · quantities in units", width="content")
        st.download_button(
            "Excel",
            session.while_shown(lambda: export.workbook({table: rows()}, about(plan))),
            name("xlsx"),
            mime="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            on_click="ignore",
            type="tertiary",
            icon=":material/download:",
            key=f"{key}_xlsx",
        )
        st.download_button(
            "CSV",
            session.while_shown(lambda: export.safe_csv(rows())),
            name("csv"),
            mime="text/csv",
            on_click="ignore",
            type="tertiary",
            icon=":material/download:",
            key=f"{key}_csv",
        )


def about(plan: PlanResult) -> dict[str, object]:
    """What a reader of a download should know of the plan behind it."""
    return {
        "Plan for the morning of": plan.as_of.isoformat(),
        "Method version": METHOD_VERSION,
        "Data": plan.snapshot_id[:12],
        "Changed settings": json.dumps(changed(plan.params), sort_keys=True),
    }


def _config(column: Column, currency: str, frame: pd.DataFrame | None) -> Any:
    title = _title(column, currency)
    about = {"help": f"{column.meaning}."}
    if column.kind == "date":
        return st.column_config.DateColumn(title, format="D MMM YYYY", **about)
    if column.kind == "flag":
        return st.column_config.CheckboxColumn(title, **about)
    if column.kind in ("id", "text"):
        width = "large" if column.name in _WIDE_TEXT else None
        return st.column_config.TextColumn(title, width=width, pinned=column.name == "item_id" or None, **about)
    return st.column_config.NumberColumn(title, format=_format(column, frame), **about)


def _title(column: Column, currency: str) -> str:
    unit = {"money": currency, "days": "days"}.get(column.kind, "")
    return f"{column.title} ({unit})" if unit and unit not in column.title.lower() else column.title


def _format(column: Column, frame: pd.DataFrame | None) -> str:
    if column.kind in ("fraction", "share"):
        return "percent"
    if column.kind == "integer":
        return "%,d"
    if column.kind == "money" and column.name not in ("unit_cost", "unit_price"):
        return "%,.0f"
    if column.kind == "units":
        return "%,.0f" if frame is not None and _whole(frame, column.name) else "%,.1f"
    return "%,.1f" if column.kind == "days" else "%,.2f"


def _whole(frame: pd.DataFrame, name: str) -> bool:
    if name not in frame:
        return True
    values = pd.to_numeric(frame[name], errors="coerce").dropna()
    return bool((values == values.round()).all())


def _risk_badges() -> Any:
    known = RESULT_TABLES["replenishment"].by_name["risk"]
    return st.column_config.MultiselectColumn(
        known.title, help=f"{known.meaning}.", options=list(RISK_LABELS.values()), color=list(_BADGE_COLOURS), width=95
    )


def taken_out(what: str, file: Callable[..., Any], plan: PlanResult, *, name: str, key: str, **more: Any) -> None:
    """Draw the two files, Excel and CSV, of what was approved this morning; `file(plan, excel=)` makes one."""
    for label, suffix, mime in (
        ("Excel", "xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        ("CSV", "zip", "application/zip"),
    ):
        st.download_button(
            f"{label} of {what}",
            file(plan, excel=suffix == "xlsx"),
            export.download_name("stockcast", plan.as_of, name, suffix),
            mime=mime,
            on_click="ignore",
            icon=":material/download:",
            type="primary" if suffix == "xlsx" else "secondary",
            key=f"{key}_{suffix}",
            **more,
        )
