"""What needs a person today: what to order, expedite, transfer and reduce, those with the most money first.

No Streamlit. Each line stands in one list by what the plan does about it; an open order to be hurried stands beside the
order of its line, as it is another thing to do.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from pages.components import work
from pages.components.formats import DASH, day, days, known, money, short_day, units
from pages.components.headline import with_names
from pages.components.lines import KEYS, pairs
from planning.result import PlanResult

KINDS: Mapping[str, str] = MappingProxyType(
    {"order": "Order", "expedite": "Expedite", "transfer": "Transfer", "reduce": "Reduce"}
)
FIRST = 5
"""So many stand on top, each with its reason and its action."""
COLUMNS = ("kind", *KEYS, "item_name", "risk", "stake", "quantity", "value", "stockout_on", "order_id", "line")
_AT_STAKE: Mapping[str, str] = MappingProxyType({"reduce": "tied up"})


@dataclass(frozen=True)
class Segment:
    """One of the lists.

    lines : how many rows. stake : what is at stake in them, in money (margin; of what is to be reduced, its cost), or
    in units where no price is known; None where no amount is known of any. value : what its orders cost, money.
    """

    kind: str
    lines: int
    stake: float | None
    value: float | None


def work_rows(plan: PlanResult, asleep: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return everything to do, what would lose sales first, then what lies idle, each by what is at stake.

    Parameters
    ----------
    asleep : item_id, location_id of the lines that somebody snoozed; they are left out.

    Returns
    -------
    DataFrame with `COLUMNS`: stake is money, or units where `work.priced` says that no price is known (NaN: not
    known); quantity in units to order, move, hurry, or beyond any need; line is the position in `plan.lines`.
    """
    in_money = work.priced(plan)
    lines = plan.lines.reset_index(drop=True).assign(stake=work.at_stake(plan).to_numpy(float))
    lines["line"] = np.arange(len(lines))
    found = [_ordered(lines), _moved(lines), *_hurried(lines, plan, in_money=in_money), _idle(lines, plan)]
    rows = pd.concat([part.reindex(columns=list(COLUMNS)) for part in found if len(part)] or [_none()])
    if asleep is not None and len(asleep):
        rows = rows[~pairs(rows).isin(pairs(asleep))]
    rows = with_names(rows.drop(columns="item_name"), plan)
    rows = rows.assign(_idle=rows["kind"] == "reduce", _next=rows["value"].fillna(0.0))
    order = ["_idle", "stake", "_next", *KEYS]
    rows = rows.sort_values(order, ascending=[True, False, False, True, True], kind="stable", na_position="last")
    return rows.reindex(columns=list(COLUMNS)).reset_index(drop=True)


def _none() -> pd.DataFrame:
    return pd.DataFrame(columns=list(COLUMNS))


def _ordered(lines: pd.DataFrame) -> pd.DataFrame:
    rows = lines[lines["order_quantity"] > 0]
    return rows.assign(kind="order", quantity=rows["order_quantity"], value=rows["order_value"])


def _moved(lines: pd.DataFrame) -> pd.DataFrame:
    rows = lines[(lines["transfer_quantity"] > 0) & ~(lines["order_quantity"] > 0)]
    return rows.assign(kind="transfer", quantity=rows["transfer_quantity"])


def _hurried(lines: pd.DataFrame, plan: PlanResult, *, in_money: bool) -> list[pd.DataFrame]:
    """Open orders to be hurried, and lines that only a hurried order helps although none is told."""
    told = plan.exceptions[plan.exceptions["kind"] == "expedite"]
    at = pd.Series(np.arange(len(lines)), index=pairs(lines)).reindex(pairs(told)).to_numpy()
    told, at = told[~np.isnan(at)], at[~np.isnan(at)].astype(int)
    # What has no price keeps its units: an amount of another unit would be no amount.
    hurried = told.assign(
        kind="expedite",
        stake=(told["value"] if in_money else told["units_at_stake"]).to_numpy(float),
        line=at,
        risk=lines["risk"].to_numpy(object)[at],
        stockout_on=lines["stockout_on"].to_numpy()[at],
        value=np.nan,
    )
    rest = lines[(lines["action"] == "expedite") & ~pairs(lines).isin(pairs(told))]
    return [hurried, rest.assign(kind="expedite", quantity=rest["on_order"])]


def _idle(lines: pd.DataFrame, plan: PlanResult) -> pd.DataFrame:
    rows = lines[lines["excess_units"] > 0]
    priced = plan.items["unit_cost"].notna().any()
    stake = rows["excess_value"] if priced else rows["excess_units"]
    return rows.assign(kind="reduce", quantity=rows["excess_units"], value=rows["excess_value"], stake=stake)


def segments(rows: pd.DataFrame) -> dict[str, Segment]:
    """Sum up each list, also one without rows, by its kind."""
    return {kind: _segment(kind, rows[rows["kind"] == kind]) for kind in KINDS}


def _segment(kind: str, rows: pd.DataFrame) -> Segment:
    sums = [float(rows[name].sum()) if rows.empty or rows[name].notna().any() else None for name in ("stake", "value")]
    return Segment(kind, len(rows), *sums)


def amount(value: float | None, plan: PlanResult, kind: str, currency: str) -> str:
    """What is at stake, with its unit: money where any is known, else units."""
    if not known(value):
        return DASH
    in_money = plan.items["unit_cost"].notna().any() if kind == "reduce" else work.priced(plan)
    return money(value, currency) if in_money else units(round(float(value or 0.0)))


def at_stake(kind: str) -> str:
    """What the amount of a list is, in two words."""
    return _AT_STAKE.get(kind, "at stake")


def why(rows: pd.DataFrame, plan: PlanResult) -> list[str]:
    """Return why each row stands in the list, a sentence each: what happens when, and what doing it saves."""
    if rows.empty:
        return []
    lines = plan.lines.iloc[rows["line"].to_numpy(int)].to_dict("records")
    told = plan.exceptions
    hurried = told[told["kind"] == "expedite"].set_index([*KEYS, "order_id"])["reason"]
    spare = told[told["kind"].isin(["cancel", "postpone"])].drop_duplicates(list(KEYS)).set_index(list(KEYS))
    sources = plan.allocation.groupby(["item_id", "destination_id"])["source_id"].agg(
        lambda s: ", ".join(sorted(set(s)))
    )
    daily = pd.Series(plan.policy["demand_mean_per_day"].to_numpy(float), pairs(plan.policy))
    said = []
    for row, line in zip(rows.to_dict("records"), lines, strict=True):
        key = (row["item_id"], row["location_id"])
        if row["kind"] == "expedite" and known(row["order_id"]):
            said.append(str(hurried.loc[(*key, row["order_id"])]) if (*key, row["order_id"]) in hurried.index else "")
        elif row["kind"] == "transfer":
            said.append(_why_move(line, str(sources.get(key, "another location"))))
        elif row["kind"] == "reduce":
            said.append(_why_reduce(line, float(daily.get(key, np.nan))) + _spare(spare, key))
        elif row["kind"] == "order" and line["risk"] != "green" and known(line["stockout_on"]):
            said.append(_why_order(line))
        else:
            said.append(str(plan.reasons(np.array([row["line"]], int))[0]))
    return said


def _why_order(line: Mapping[str, Any]) -> str:
    out, saved = short_day(line["stockout_on"]), round(float(line.get("units_saved") or 0.0))
    if line["risk"] == "red":
        lost = round(float(line["expected_lost_units"] or 0.0))
        arrives = f", today's order arrives {short_day(line['arrives_on'])}" if known(line["arrives_on"]) else ""
        return f"Runs out {out}{arrives}: {units(lost)} missed" + (f", {saved:,} more without it." if saved else ".")
    more = f": {units(saved)} missed without it" if saved else ""
    return f"Runs out {out}, before the order after today's can arrive{more}."


def _why_move(line: Mapping[str, Any], source: str) -> str:
    lost = round(float(line["expected_lost_units"] or 0.0))
    missed = f", {units(lost)} would be missed" if lost else ""
    out = f"Runs out {short_day(line['stockout_on'])}{missed}: " if known(line["stockout_on"]) else ""
    return f"{out}{source} can send {line['transfer_quantity']:,.0f} today."


def _why_reduce(line: Mapping[str, Any], daily: float) -> str:
    held = float(line["on_hand"] or 0.0) + float(line["on_order"] or 0.0)
    extra = f"{units(round(float(line['excess_units'])))} more than any need in sight"
    if not daily > 0:
        return f"No demand is expected: {extra}."
    return f"{extra[:1].upper()}{extra[1:]}: {units(held)} held and on order last {days(round(held / daily))}."


def _spare(spare: pd.DataFrame, key: tuple[object, object]) -> str:
    """The open order that would be the first to go."""
    if key not in spare.index:
        return ""
    row = spare.loc[key]
    order = f"order {row['order_id']}" if known(row["order_id"]) else "the open order"
    until = f" until {day(row['move_to'])}" if known(row["move_to"]) else ""
    return f" {str(row['kind']).capitalize()} {order}{until}."
