"""A replay by class, category, location or supplier, and where the plan keeps its promise of service."""

from typing import Any

import pandas as pd
import streamlit as st

from pages.components import replay_files, session, tables
from pages.components.formats import DASH, literal, percent
from pages.components.replay_words import MEASURES, measure_name, shown
from pages.components.scenario_words import signed
from planning.replay_measures import ReplayResult
from planning.result import PlanResult

GROUPS = ("abc_class", "demand_class", "category", "location_id", "supplier_id")
GROUP_NAMES = ("ABC class", "Demand class", "Category", "Location", "Supplier")
GROUPED = (
    "lines",
    "fill_rate",
    "promised_fill_rate",
    "stockout_buckets",
    "average_stock_value",
    "turns",
    "lost_margin",
    "total_cost",
)
"""Measures by group."""
MOST_OPEN = 16
"""Rows that are shown without a scroll bar."""


def show(result: ReplayResult, whole: PlanResult) -> None:
    """Draw the measures by group and policy, and where the plan breaks its promise."""
    session.seed("replay_by", session.widget("replay_by") or GROUPS[0])
    names = dict(zip(GROUPS, GROUP_NAMES, strict=True))
    by = st.segmented_control("By", GROUPS, format_func=names.__getitem__, key="replay_by", required=True)
    rows = named(result.totals(str(by)))
    rows = rows.assign(**{str(by): rows[str(by)].astype(object).where(rows[str(by)].notna(), "none")})
    rows = rows.sort_values([str(by)], kind="stable")
    rates = {name: 100 * rows[name] for name in ("fill_rate", "promised_fill_rate")}
    st.dataframe(
        rows.assign(**rates),
        key="replay_groups",
        hide_index=True,
        column_order=tables.seen([str(by), "policy", *GROUPED]),
        column_config=columns(whole.params.currency, result.bucket_days)
        | {str(by): st.column_config.TextColumn(names[str(by)], pinned=True)},
        height="content" if len(rows) <= MOST_OPEN else 560,
        placeholder=DASH,
        alt="Measures by group and policy",
    )
    replay_files.downloads({"replay_groups": rows}, f"replay-{by}", whole, key="replay_groups_all")
    _promises(result, str(by))


def _promises(result: ReplayResult, by: str) -> None:
    """Where the plan's promise holds, and where it does not."""
    told = result.promised(result.names[0], by)
    told = told[told["promised_fill_rate"].notna()]
    off = told[(told["low"] > 0) | (told["high"] < 0)]
    if told.empty:
        return
    worst = off.loc[off["difference"].abs().sort_values(ascending=False, kind="stable").index].head(3)
    if worst.empty:
        st.success(
            "In every group the plan keeps its promise of service, as far as chance lets tell.",
            icon=":material/task_alt:",
        )
    for row in worst.to_dict("records"):
        said = "more" if row["difference"] > 0 else "less"
        st.caption(
            f"**{literal(row['group'])}**: the plan promised {percent(row['promised_fill_rate'])} and served "
            f"{percent(row['fill_rate'])}, {abs(100 * row['difference']):.1f} points {said} "
            f"(95 %: {signed(100 * row['low'])} to {signed(100 * row['high'])})."
        )


def columns(currency: str, bucket_days: int) -> dict[str, Any]:
    """`st.column_config` of the measures."""
    number = st.column_config.NumberColumn
    formats = {"fraction": "%.1f %%", "rate": "%,.1f"}
    found: dict[str, Any] = {}
    for key, (_, unit, _) in MEASURES.items():
        name = measure_name(key, bucket_days) + (f" ({currency})" if unit == "money" and currency else "")
        found[key] = number(name, format=formats.get(unit, "%,.0f"))
    return found | {"policy": st.column_config.TextColumn("Policy", width="medium")}


def named(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows with policies as they are called on the page."""
    return frame.assign(policy=frame["policy"].map(shown).astype(object)) if len(frame) else frame
