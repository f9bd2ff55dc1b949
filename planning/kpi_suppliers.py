"""Key figures of how suppliers keep their word."""

import numpy as np
import pandas as pd

from planning.kpi_form import Floats, Kpi, join, kpi, over_time, ratio
from planning.kpi_view import View
from planning.phrases import said_day

PROMISES = "Bring receipts with promised_on, the day that the supplier promised."
ORDERED = (
    "Bring what was ordered: approve orders here, or keep the deliveries of one order apart in receipts (one row a "
    "delivery). Nothing tells yet that any order came in parts."
)

NOT_HERE = "No supplier delivered to these lines: look at the locations that buy."


def supplier_kpis(view: View) -> list[Kpi]:
    """Return on time, in full, both, lead time against promise, and perfect orders."""
    lines = _in_view(view, view.past.orders)
    period = f"12 months to {said_day(np.datetime64(view.past.as_of, 'D') - 1)}"
    promised = lines[lines["promised"].astype(bool)]
    told = join([
        f"{len(promised):,} of {len(lines):,} order lines have a promise" if len(promised) < len(lines)
        else f"{len(lines):,} order lines" if len(lines) else "",
    ])  # fmt: skip
    # Where every line came in one delivery and nobody knows what was ordered, all would look complete.
    parts = bool((lines["ordered_known"].astype(bool) | (lines["deliveries"] > 1) | (lines["still_open"] > 0)).any())
    known = int(lines["ordered_known"].sum())
    # Where others were delivered to, it is the view that has none.
    elsewhere = len(view.past.orders) > 0 and lines.empty
    promises, ordered = (NOT_HERE, NOT_HERE) if elsewhere else (PROMISES, ORDERED)
    full = join([told, f"what was ordered is known of {known:,}; of the others what came in the end stands for it"])
    return [
        _share("supplier_on_time", promised, "on_time", period, told, promises),
        _share("supplier_in_full", lines if parts else lines.iloc[:0], "in_full", period, full, ordered),
        _share("supplier_otif", promised if parts else promised.iloc[:0], "on_time_in_full", period, full,
               promises if promised.empty else ordered),
        _lead_time(view, period, promises),
        kpi("perfect_order", None, period,
            missing="Bring damage and wrong papers by order: none of the tables tells of them. "
                    "Suppliers on time in full is the most that it can be."),
    ]  # fmt: skip


def _in_view(view: View, lines: pd.DataFrame) -> pd.DataFrame:
    """Return the order lines of the lines in view; those that name no line of the plan only where all is in view."""
    at = lines["row"].to_numpy(int)
    return lines[np.where(at >= 0, view.chosen[at], view.everything)] if len(lines) else lines


def _share(key: str, lines: pd.DataFrame, flag: str, period: str, covered: str, missing: str) -> Kpi:
    good = lines[flag].to_numpy(float)
    month = lines["due_on"].to_numpy("datetime64[M]")
    months = np.unique(month)
    trend = np.array([good[month == one].mean() for one in months], float)
    by = lines.assign(good=good).groupby("supplier_id", dropna=False)
    table = pd.DataFrame({
        "order_lines": by.size(), flag: by["good"].sum(), "failed": by.size() - by["good"].sum(),
        "still_open_units": by["still_open"].sum(),
    }).reset_index()  # fmt: skip
    table["share"] = table[flag] / table["order_lines"]
    return kpi(
        key, ratio(float(good.sum()), float(len(good))), period, missing=missing, covered=covered if len(good) else "",
        trend=over_time(months.astype("datetime64[D]"), trend),
        items=table.sort_values(["failed", "supplier_id"], ascending=[False, True], kind="stable"),
    )  # fmt: skip


def _lead_time(view: View, period: str, missing: str) -> Kpi:
    lines = _in_view(view, view.past.leads)
    actual, promised = (lines[name].to_numpy(float) for name in ("lead_time_days", "promised_days"))
    by = lines.groupby("supplier_id", dropna=False)
    table = pd.DataFrame({
        "order_lines": by.size(), "lead_time_days": by["lead_time_days"].mean(),
        "promised_days": by["promised_days"].mean(),
        "days_over": by["lead_time_days"].sum() - by["promised_days"].sum(),
    }).reset_index()  # fmt: skip
    table["share"] = _over(table["lead_time_days"].to_numpy(float), table["promised_days"].to_numpy(float))
    covered = (
        f"{actual.mean():.1f} days instead of {promised.mean():.1f}, {len(lines):,} order lines" if len(lines) else ""
    )
    return kpi(
        "lead_time_adherence", ratio(float(actual.sum()), float(promised.sum())), period, missing=missing,
        covered=covered, items=table.sort_values("days_over", ascending=False, kind="stable"),
    )  # fmt: skip


def _over(above: Floats, below: Floats) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(below > 0, above / below, np.nan)
