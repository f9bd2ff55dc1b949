"""The lines of a plan with the record of their forecasts."""

from typing import Any

import pandas as pd
import streamlit as st

from pages.components import glossary, lines
from pages.components.lines import KEYS
from pages.components.wording import in_plain_words
from planning.result import PlanResult

COLUMNS = (
    "item_id",
    "location_id",
    "error_at_cost",
    "item_name",
    "weekly",
    "wape",
    "naive_wape",
    "bias",
    "abc_class",
    "demand_class",
    "model",
    "reason",
)


def by_error(plan: PlanResult) -> pd.DataFrame:
    """The lines, those first whose forecast error weighs most in money (in units where no cost is known)."""
    rows = (
        plan.policy[[*KEYS, "abc_class", "demand_class", "model", "demand_mean_per_day"]]
        .merge(plan.accuracy, on=list(KEYS), how="left")
        .merge(plan.items[[*KEYS, "item_name", "unit_cost"]], on=list(KEYS), how="left")
    )
    rows = lines.keep(rows, lines.selling(plan))
    weekly = 7 * rows["demand_mean_per_day"]
    cost = rows["unit_cost"] if rows["unit_cost"].notna().any() else 1.0
    model = rows["model"].map(in_plain_words, na_action="ignore")
    reason = rows["reason"].replace({"": None}) if "reason" in rows else None
    rows = rows.assign(model=model, reason=reason, weekly=weekly, error_at_cost=_missed(rows, weekly) * cost)
    return rows.sort_values(["error_at_cost", "weekly"], ascending=False).reset_index(drop=True)


def _missed(rows: pd.DataFrame, weekly: pd.Series) -> pd.Series:
    """Units missed a week: as measured, or, of a plan that does not tell, the share missed of the demand expected."""
    if not {"error_units", "scored", "horizon_days"} <= set(rows):
        return rows["wape"] * weekly
    # Of a line that hardly sold while it was measured the share alone would be beyond all measure.
    return 7 * rows["error_units"] / (rows["scored"] * rows["horizon_days"]).where(lambda days: days > 0)


def columns(plan: PlanResult) -> dict[str, Any]:
    """`st.column_config` of what `by_error` adds."""
    number = st.column_config.NumberColumn
    priced = plan.items["unit_cost"].notna().any()
    unit = (plan.params.currency or "at cost") if priced else "units"
    return {
        "item_name": st.column_config.TextColumn("Name", width="medium"),
        "weekly": number("Demand a week", format="%,.1f", help="Expected units a week over lead time + review."),
        "wape": number("Error", format="percent", help=glossary.term("WAPE")),
        "naive_wape": number("Naive error", format="percent", help="The error of taking the last period for the next."),
        "bias": number("Bias", format="percent", help=glossary.term("Bias")),
        "reason": st.column_config.TextColumn(
            "Look twice", width="large", help="Why the forecast stands on weak ground, and what can be done about it."
        ),
        "error_at_cost": number(
            f"Error a week ({unit})",
            format="%,.0f",
            help="Units missed a week × cost: where a better forecast would pay.",
        ),
    }
