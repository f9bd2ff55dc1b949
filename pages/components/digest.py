"""The Overview to take along: its numbers, figures, work, changes and alerts as tables. No Streamlit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from data import service
from data.export import workbook
from pages.components import headline, kpi_words, overview_alerts, overview_changes, overview_work
from pages.components.formats import day
from pages.components.lines import pairs
from pages.components.overview_alerts import Alert
from pages.components.overview_work import Segment
from pages.components.work import priced
from planning.fits import Fits
from planning.kpi import Kpi, build_kpis
from planning.pipeline import plan_key
from planning.result import PlanResult

MOST_WORK = 500
"""So many lines are told; the rest stand in the report of the plan."""
SAID_CHANGES = ("item_id", "item_name", "location_id", "before", "after", "change", "value_change", "why")


@dataclass(frozen=True)
class Digest:
    """What is told of a plan on one morning.

    figures : key figures by key; may be empty. alerts : the first to look at first.
    work : the first of `overview_work.work_rows`, with why; segments : what all of them come to.
    changes : what differs from the plan before, with why, or None where none is kept; since : its name and date.
    """

    plan: PlanResult
    figures: Mapping[str, Kpi]
    alerts: Sequence[Alert]
    work: pd.DataFrame
    segments: Mapping[str, Segment]
    changes: pd.DataFrame | None = None
    since: str = ""


def build_digest(
    plan: PlanResult,
    figures: Mapping[str, Kpi],
    alerts: Sequence[Alert],
    *,
    asleep: pd.DataFrame | None = None,
    changes: pd.DataFrame | None = None,
    since: str = "",
) -> Digest:
    """Put together what the Overview shows of the lines of a plan.

    Parameters
    ----------
    asleep : lines that somebody snoozed. changes : as `data.plans.changes` says; since : which plan they are from.
    """
    rows = overview_work.work_rows(plan, asleep)
    some = rows.head(MOST_WORK)
    some = some.assign(do=some["kind"].map(overview_work.KINDS), why=overview_work.why(some, plan))
    if changes is not None:
        changes = changes.assign(why=overview_changes.parts_in_words(changes))
    return Digest(plan, figures, alerts, some, overview_work.segments(rows), changes, since)


def digest_of(
    tables: Mapping[str, pd.DataFrame],
    plan: PlanResult,
    fits: Fits,
    *,
    visitor: service.Visitor | None = None,
    rejected: int = 0,
) -> Digest:
    """Put together what the Overview shows of a plan, from what it was made of.

    Parameters
    ----------
    visitor : whose workspace the data are of, for what is snoozed there and the plan kept before; None: files.
    rejected : rows that were set aside when the files were read.
    """
    findings = service.warnings(tables, plan.as_of, plan.params)
    alerts = overview_alerts.find_alerts(plan, overview_alerts.data_state(tables, plan.as_of, findings, rejected))
    figures = build_kpis(tables, plan, fits, as_of=plan.as_of)
    if visitor is None:
        return build_digest(plan, figures, alerts)
    asleep = service.snoozed(visitor, plan.snapshot_id, plan.as_of)
    awake = service.work_list(visitor, plan.snapshot_id, plan.as_of, plan.lines)
    asleep = asleep[~pairs(asleep).isin(pairs(awake))] if len(asleep) else asleep
    key = plan_key(plan.snapshot_id, service.decisions_id(visitor), plan.as_of, plan.params)
    sample = service.is_sample(visitor)
    kept = [record for record in service.plans(visitor) if record.sample == sample]
    record = overview_changes.last_plan(kept, key, plan.as_of)
    if record is None:
        return build_digest(plan, figures, alerts, asleep=asleep)
    rows = service.changes_since(visitor, plan.snapshot_id, record.plan_id, plan)
    return build_digest(plan, figures, alerts, asleep=asleep, changes=rows, since=since(record))


def since(record: service.PlanRecord) -> str:
    """What a kept plan is called, and its morning."""
    return f"{record.name}, for {day(record.as_of)}"


def numbers(digest: Digest) -> pd.DataFrame:
    """The three numbers: number, value, unit, date, what it means."""
    plan, rows = digest.plan, []
    for one in headline.three(plan):
        label, _ = one.said(plan.params.currency)
        in_money = one.amount.money is not None
        rows.append(
            {
                "number": label,
                "value": one.amount.money if in_money else one.amount.units,
                "unit": (plan.params.currency or "money") if in_money else "units",
                "date": plan.as_of.isoformat(),
                "what it means": one.told,
            }
        )
    return pd.DataFrame(rows)


def work(digest: Digest) -> pd.DataFrame:
    """The work list as it is read: do, item, name, location, at stake, units, cost, runs out, why."""
    rows = digest.work
    unit = digest.plan.params.currency or "money"
    return pd.DataFrame(
        {
            "do": rows["do"],
            "item": rows["item_id"],
            "name": rows["item_name"],
            "location": rows["location_id"],
            f"at stake ({_stake_unit(digest)})": rows["stake"].astype(float),
            "units": rows["quantity"].astype(float),
            f"costs ({unit})": rows["value"].astype(float),
            "runs out on": pd.to_datetime(rows["stockout_on"]),
            "why": rows["why"],
        }
    )


def _stake_unit(digest: Digest) -> str:
    return (digest.plan.params.currency or "money") if priced(digest.plan) else "units"


def alerts(digest: Digest) -> pd.DataFrame:
    """The alerts: alert, number, at stake, units, what it means; what is not known is empty."""
    currency = digest.plan.params.currency
    rows = [
        {
            "alert": one.title,
            "number": one.number,
            f"at stake ({currency or 'money'})": np.nan if one.money is None else one.money,
            "units": np.nan if one.units is None else one.units,
            "what it means": one.told,
        }
        for one in digest.alerts
    ]
    return pd.DataFrame(rows)


def changes(digest: Digest) -> pd.DataFrame:
    """The changed lines: item, name, location, order before and after, change in units and money, why."""
    rows = digest.changes
    if rows is None:
        return pd.DataFrame()
    unit = digest.plan.params.currency or "money"
    names = ("item", "name", "location", "before (units)", "after (units)", "change (units)", f"change ({unit})", "why")
    return rows[list(SAID_CHANGES)].set_axis(list(names), axis=1)


def digest_book(digest: Digest, about: Mapping[str, object]) -> bytes:
    """Return the workbook: a sheet each for numbers, figures, work, changes and alerts; no cell is a formula or a link.

    Parameters
    ----------
    about : what `data.report_book.report_about` returned.
    """
    sheets = {
        "numbers": numbers(digest),
        "work list": work(digest),
        "changes": changes(digest),
        "alerts": alerts(digest),
        "key figures": kpi_words.table(digest.figures, digest.plan.params.currency),
        "orders": digest.plan.orders,
        "allocation": digest.plan.allocation,
    }
    return workbook({name: frame for name, frame in sheets.items() if len(frame)}, about)
