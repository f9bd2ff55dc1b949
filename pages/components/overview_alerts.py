"""What should make one doubt the plan, or act before it: each with its number, its money, and where it is mended.

No Streamlit. What gives no cause for alarm is not told at all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pandas as pd

from data.findings import Finding
from pages.components.formats import count, day, days, known, money, units
from pages.components.lines import KEYS
from planning import delivery
from planning.inputs import read_tables
from planning.result import PlanResult

STALE_DAYS = 2
"""Stock counted longer before the morning of the plan than this is told."""
LATE_SHARE, LATE_BY, LEAST_LINES = 0.5, 0.1, 10
"""A supplier is late when half of its lines are, by a tenth of the promised time on average, over so many lines."""
MOST_NAMED = 3
_THOUSANDS, _MILLION = 10_000, 999_500


@dataclass(frozen=True)
class Alert:
    """One thing to look at.

    key : its name. number : how many of `unit` it counts. title : both, in words. told : what it means, a sentence.
    money : at stake; None: not known. units : the units behind it; None: it is not about units.
    page, tab, where : the page that mends it, the key of its tabs and the one to open.
    rows : what is behind it.
    """

    key: str
    number: int
    title: str
    told: str
    money: float | None
    page: str
    units: float | None = None
    tab: tuple[str, str] | None = None
    choice: tuple[str, tuple[str, ...]] | None = None
    rows: pd.DataFrame = field(default_factory=pd.DataFrame)


@dataclass(frozen=True)
class DataState:
    """What the data themselves tell on a morning; no parameter changes it.

    counted : location_id, counted_on (the newest count there), age_days.
    suppliers : as `planning.delivery.lead_time_table`. coming : supplier_id, units, value on open order (money).
    findings : what is odd about the data. rejected : rows that were set aside when they were read.
    """

    counted: pd.DataFrame
    suppliers: pd.DataFrame
    coming: pd.DataFrame
    findings: Sequence[Finding]
    rejected: int = 0


def data_state(
    tables: Mapping[str, pd.DataFrame], as_of: date, findings: Sequence[Finding], rejected: int = 0
) -> DataState:
    """Work out what the data tell of their own age and of the suppliers.

    Raises
    ------
    PlanningError : the data do not allow a plan.
    """
    receipts, orders, items = (tables.get(name, pd.DataFrame()) for name in ("receipts", "open_orders", "items"))
    return DataState(
        _counted(read_tables(tables, as_of)["stock"], as_of),
        delivery.lead_time_table(receipts, orders, as_of, items),
        _coming(orders, items),
        findings,
        rejected,
    )


def _counted(stock: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """The newest count of each location not after the morning."""
    when = stock["as_of"].where(stock["as_of"] <= pd.Timestamp(as_of))
    seen = when.groupby(stock["location_id"]).max().dropna().rename("counted_on").reset_index()
    return seen.assign(age_days=(pd.Timestamp(as_of) - seen["counted_on"]).dt.days)


def _coming(orders: pd.DataFrame, items: pd.DataFrame) -> pd.DataFrame:
    if orders.empty:
        return pd.DataFrame(columns=["supplier_id", "units", "value"])
    by_item = items.drop_duplicates("item_id").set_index("item_id") if "item_id" in items else pd.DataFrame()

    def of(name: str) -> pd.Series:
        own = orders[name] if name in orders else pd.Series(np.nan, orders.index, dtype=object)
        return own.where(own.notna(), orders["item_id"].map(by_item[name])) if name in by_item else own

    rows = orders.assign(supplier_id=of("supplier_id"), value=orders["quantity"] * of("unit_cost").astype(float))
    grouped = rows.groupby("supplier_id")
    return pd.DataFrame({"units": grouped["quantity"].sum(), "value": grouped["value"].sum(min_count=1)}).reset_index()


def find_alerts(plan: PlanResult, data: DataState | None) -> list[Alert]:
    """Return what there is cause for, the first to look at first.

    Parameters
    ----------
    plan : the lines in view. data : None where the data are not this person's to see.
    """
    found = [_overdue(plan), _too_early(plan), _drifting(plan)]
    if data is not None:
        found = [_stale(plan, data), found[0], *_late(plan, data), *found[1:], _quality(data)]
    return [alert for alert in found if alert is not None]


def worth(alert: Alert, currency: str, *, hidden: bool = False) -> str:
    """What an alert is about, in money, or in units where that is not known or not to be seen."""
    if alert.money is not None and not hidden:
        lead = f"{currency}\u00a0" if currency else ""
        return (
            f"{lead}{alert.money / 1000:,.0f} k"
            if _THOUSANDS <= alert.money < _MILLION
            else money(alert.money, currency)
        )
    return units(round(alert.units)) if alert.units else ""


def _sum(values: pd.Series) -> float | None:
    return float(values.sum()) if values.notna().any() else None


def _stale(plan: PlanResult, data: DataState) -> Alert | None:
    old = data.counted[data.counted["age_days"] > STALE_DAYS]
    lines = plan.lines
    mine = lines["location_id"].isin(old["location_id"]).to_numpy()
    if not mine.any():
        return None
    cost = plan.items.set_index(list(KEYS))["unit_cost"].reindex(pd.MultiIndex.from_frame(lines[list(KEYS)]))
    held = lines["on_hand"].clip(lower=0)
    old = old[old["location_id"].isin(lines["location_id"])].sort_values("age_days", ascending=False)
    oldest = old.iloc[0]
    return Alert(
        "stale_stock",
        len(old),
        f"Stale stock, {count(len(old), 'place')}",
        f"The oldest count is {days(int(oldest['age_days']))} old, of {day(oldest['counted_on'])}: what was sold and "
        "received since is not in the plan. Import the stock of today.",
        _sum((held * cost.to_numpy(float))[mine]),
        "pages/import_data.py",
        units=float(held[mine].sum()),
        rows=old,
    )


def _overdue(plan: PlanResult) -> Alert | None:
    rows = plan.exceptions
    rows = rows[(rows["kind"] == "past_due") & rows["order_id"].notna()]
    if rows.empty:
        return None
    orders = rows["order_id"].nunique()
    return Alert(
        "overdue_orders",
        orders,
        f"{count(orders, 'order')} overdue",
        f"{count(len(rows), 'line')} should have come before {day(plan.as_of)}, the oldest on "
        f"{day(rows['due_on'].min())}. Ask the suppliers for new dates, or close the orders.",
        _sum(rows["value"]),
        "pages/replenishment.py",
        units=float(rows["quantity"].sum()),
        tab=("replenishment_tab", "Exceptions"),
        choice=("exception_kinds", ("past_due",)),
        rows=rows,
    )


def _too_early(plan: PlanResult) -> Alert | None:
    rows = plan.exceptions
    rows = rows[rows["kind"].isin(["postpone", "cancel"])]
    if rows.empty:
        return None
    kinds = tuple(kind for kind in ("postpone", "cancel") if (rows["kind"] == kind).any())
    orders = max(rows["order_id"].nunique(), 1)
    return Alert(
        "early_orders",
        orders,
        f"{count(orders, 'order')} early",
        f"{count(len(rows), 'line')} come before they are needed: stock stays above its safety stock without them. "
        "Postpone or cancel them.",
        _sum(rows["value"]),
        "pages/replenishment.py",
        units=float(rows["quantity"].sum()),
        tab=("replenishment_tab", "Exceptions"),
        choice=("exception_kinds", kinds),
        rows=rows,
    )


def _late(plan: PlanResult, data: DataState) -> list[Alert]:
    table = data.suppliers
    if table.empty:
        return []
    late = table[
        (table["share_late"] >= LATE_SHARE)
        & (table["lead_time_days"] > table["promised_days"] * (1 + LATE_BY))
        & (table["lines"] >= LEAST_LINES)
        & table["supplier_id"].isin(plan.items["supplier_id"])
    ]
    if late.empty:
        return []
    coming = data.coming[data.coming["supplier_id"].isin(late["supplier_id"])]
    said = "; ".join(
        f"{row.supplier_id}: {100 * row.share_late:.0f} % of {count(row.lines, 'line')} late, {row.lead_time_days:.0f} "
        f"days instead of {row.promised_days:.0f}"
        for row in late.sort_values("share_late", ascending=False).head(MOST_NAMED).itertuples()
    )
    return [
        Alert(
            "late_suppliers",
            len(late),
            f"{count(len(late), 'supplier')} late",
            f"{said}. The plan counts with what they really took; the amount is what is on order with them.",
            _sum(coming["value"]),
            "pages/import_data.py",
            units=float(coming["units"].sum()),
            tab=("import_tabs", "Data quality"),
            rows=late.merge(coming, on="supplier_id", how="left"),
        )
    ]


def _drifting(plan: PlanResult) -> Alert | None:
    rows = plan.accuracy
    if "drift" not in rows:
        return None
    rows = rows[rows["drift"].isin(["over", "under"])]
    if rows.empty:
        return None
    over = int((rows["drift"] == "over").sum())
    sides = [f"{n:,} too {side}" for n, side in ((over, "high"), (len(rows) - over, "low")) if n]
    value = _sum(rows["error_value"]) if "error_value" in rows else None
    amount = " The amount is what missing costs in a year." if value is not None else ""
    return Alert(
        "drifting_forecasts",
        len(rows),
        f"{count(len(rows), 'forecast')} drifting",
        f"On the newest mornings all to one side, beyond chance: {', '.join(sides)}.{amount} Look at them, and "
        "correct them.",
        value,
        "pages/forecast.py",
        tab=("forecast_tab", "Accuracy"),
        rows=rows,
    )


def _quality(data: DataState) -> Alert | None:
    if not data.findings and not data.rejected:
        return None
    values = [one.value for one in data.findings if known(one.value)]
    said = [one.title.rstrip(".") for one in data.findings[:MOST_NAMED]]
    if data.rejected:
        said.append(f"{count(data.rejected, 'row')} set aside when the files were read")
    number = len(data.findings) + bool(data.rejected)
    amounts = [one.units for one in data.findings if known(one.units)]
    return Alert(
        "data_quality",
        number,
        f"{count(number, 'data issue')}",
        f"{'; '.join(said)}.",
        float(sum(values)) if values else None,
        "pages/import_data.py",
        units=float(sum(amounts)) if amounts else None,
        tab=("import_tabs", "Data quality"),
        rows=pd.DataFrame({"issue": said}),
    )
