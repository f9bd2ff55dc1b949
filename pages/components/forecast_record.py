"""The record of the forecast on past mornings, summed by class, category or location. No Streamlit.

Only mornings count that had no part in choosing the model. Sums are over units, so that a line weighs what it sells;
what is not known of a group is NaN.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
import pandas as pd

from pages.components import lines
from pages.components.formats import known
from planning.result import PlanResult

GROUPS: Mapping[str, str] = MappingProxyType(
    {
        "demand_class": "Demand class",
        "abc_class": "ABC class",
        "category": "Category",
        "location_id": "Location",
    }
)
STEPS: Mapping[str, str] = MappingProxyType(
    {
        "naive_error_units": "Naive: as last time",
        "mean13_error_units": "Mean of 13 weeks",
        "error_units": "This forecast",
        "corrected_error_units": "With corrections",
    }
)
"""Sums of absolute errors, units, from the simplest forecast to the one that is used."""
HELD: Mapping[float, str] = MappingProxyType({0.8: "held_80", 0.9: "held_90", 0.95: "held_95", 0.98: "held_98"})
_SUMS = (
    "scored",
    "demand_units",
    "bias_units",
    *STEPS,
    "pinball_95_units",
    "naive_pinball_95_units",
    *HELD.values(),
    "error_value",
)
NEEDED = ("scored", "demand_units", "error_units", "naive_error_units")


def measured(plan: PlanResult) -> pd.DataFrame:
    """The selling lines whose forecast was measured, with what they are grouped by and all sums (NaN: not known).

    Empty where the plan was made before these sums were kept, or history is too short.
    """
    rows = lines.keep(plan.accuracy, lines.selling(plan))
    if not set(NEEDED) <= set(rows):
        rows = rows.iloc[:0]
    about = ["item_name", "category", "abc_class", "demand_class", "unit_cost"]
    rows = rows.drop(columns=[c for c in about if c in rows]).merge(
        plan.items[[*lines.KEYS, *about]], on=list(lines.KEYS), how="left"
    )
    rows = rows.reindex(columns=list(dict.fromkeys([*rows.columns, *_SUMS, "rmsse", "bias", "drift"])))
    numbers = [*_SUMS, "rmsse", "bias"]
    rows[numbers] = rows[numbers].astype(float)
    return rows[(rows["scored"] > 0) & rows["error_units"].notna()].reset_index(drop=True)


def by_group(rows: pd.DataFrame, by: str | None = None) -> pd.DataFrame:
    """The record by group, the group with the most demand first; `by` None: one row for all.

    Parameters
    ----------
    rows : what `measured` returned.
    by : one of `GROUPS`.

    Returns
    -------
    DataFrame: group, lines, scored (points), wape, naive_wape, mean13_wape, corrected_wape, bias (shares of demand),
    rmsse (mean of the lines), pinball, naive_pinball (at 0.95, shares of demand), held_80 to held_98 (shares of
    points), error_value (money a year), error_units.
    """
    name = pd.Series("all", rows.index) if by is None else rows[by].astype("object").where(rows[by].notna(), "none")
    grouped = rows.groupby(name.rename("group"), sort=True)
    sums = grouped[list(_SUMS)].sum(min_count=1)
    demand, scored = sums["demand_units"].where(sums["demand_units"] > 0), sums["scored"]
    shares = {
        "wape": "error_units",
        "naive_wape": "naive_error_units",
        "mean13_wape": "mean13_error_units",
        "corrected_wape": "corrected_error_units",
        "bias": "bias_units",
        "pinball": "pinball_95_units",
        "naive_pinball": "naive_pinball_95_units",
    }
    table = pd.DataFrame({name: sums[column] / demand for name, column in shares.items()})
    table = table.assign(
        lines=grouped.size(),
        scored=scored,
        rmsse=grouped["rmsse"].mean(),
        error_value=sums["error_value"],
        error_units=sums["error_units"],
        demand_units=sums["demand_units"],
        **{column: sums[column] / scored for column in HELD.values()},
    )
    return table.sort_values("demand_units", ascending=False, kind="stable").reset_index()


def value_added(rows: pd.DataFrame) -> pd.DataFrame:
    """What each step from the naive forecast on takes off the error: step, wape, gain (points off the step before).

    A step that was not measured on every line is left out, so that all are compared on the same demand.
    """
    demand = rows["demand_units"].sum()
    kept = [c for c in STEPS if len(rows) and rows[c].notna().all()]
    kept = kept if demand > 0 else []
    wape = pd.Series([rows[c].sum() / demand for c in kept], dtype=float)
    return pd.DataFrame(
        {"step": [STEPS[c] for c in kept], "wape": wape, "gain": np.r_[np.nan, -np.diff(wape)][: len(kept)]}
    )


def worst(rows: pd.DataFrame, most: int = 50) -> pd.DataFrame:
    """The lines whose error costs most a year; by units where no cost is known."""
    by = "error_value" if rows["error_value"].notna().any() else "error_units"
    return rows.sort_values([by, "error_units"], ascending=False, na_position="last").head(most).reset_index(drop=True)


def drifting(rows: pd.DataFrame) -> pd.DataFrame:
    """The lines whose forecast has kept missing to the same side, the dearest first."""
    return worst(rows[rows["drift"].isin(["over", "under"])], len(rows))


def hit_rate(rows: pd.DataFrame, nominal: float = 0.95) -> float | None:
    """How often demand stayed at or below the quantile; None where it was not measured."""
    points = rows["scored"].sum()
    held = rows[HELD[nominal]].sum(min_count=1)
    return float(held / points) if points > 0 and known(held) else None


def chance(nominal: np.ndarray, points: Sequence[float] | np.ndarray) -> np.ndarray:
    """How far a hit rate strays from its nominal value by chance alone in 19 of 20 cases, if points are independent.

    Normal approximation of the binomial: 1.96 sqrt(p (1 - p) / n).
    """
    p = np.asarray(nominal, float)
    return 1.96 * np.sqrt(p * (1 - p) / np.maximum(np.asarray(points, float), 1.0))
