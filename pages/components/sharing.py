"""What the Allocation page tells of a plan: its transfers line by line, why each, fair against best. No Streamlit."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pandas as pd

from pages.components.formats import known, units
from planning.result import PlanResult

LANE = ("item_id", "source_id", "destination_id")
BEST = "optimal"
MEASURES: Mapping[str, tuple[str, str, str]] = MappingProxyType(
    {
        "days": ("Days of cover", "days_before", "days_after"),
        "fill_rate": ("Expected fill rate", "fill_rate_before", "fill_rate_after"),
        "at_risk": ("Value at risk", "at_risk_before", "at_risk_after"),
    }
)
"""What can be compared before and after: its name, and the two columns."""
BEFORE_MONEY = "there the locations' priorities, and what must be on show, come before margin."
"""Why a fair rule can gain more than the best split."""
BOUND: Mapping[str, str] = MappingProxyType(
    {
        "": "Nothing: all of the need is met.",
        "source": "The sources have no more.",
        "reserve": "What is left at the source is kept back there.",
        "pack": "Less than a pack is left.",
        "lane": "The lane is full.",
        "room": "There is no more room.",
        "shipment": "A shipment would cost more than it gains.",
        "worth": "One more would gain less than it costs.",
        "least": "The least quantity of a transfer.",
        "fixed": "It was set by hand.",
        "route": "No source that may give has a lane to it.",
    }
)
"""What kept a transfer below the need, by the codes of `planning.allocate.what_bound`."""


@dataclass(frozen=True)
class Price:
    """What another rule gives up against the best split: margin (None where unknown) and units lost more."""

    rule: str
    money: float | None
    lost_units: float


def measures(before_after: pd.DataFrame) -> list[str]:
    """The measures that are known of these lines."""
    return [
        name
        for name, (_, *columns) in MEASURES.items()
        if all(c in before_after and before_after[c].notna().any() for c in columns)
    ]


def lines(plan: PlanResult, pins: pd.DataFrame, done: pd.DataFrame | None = None) -> pd.DataFrame:
    """Today's transfers with names, the most useful first, and what was set by hand among them, at zero too.

    Parameters
    ----------
    pins : the transfers set by hand, in the columns of `transfer_pins`: they are for what leaves today.
    done : the transfers approved this morning; what was set by hand and is approved in full is no line any more.

    Returns
    -------
    DataFrame: the columns of `allocation`, item_name, by_hand (units that were set, NaN: none).
    """
    names = plan.items.drop_duplicates("item_id").set_index("item_id")["item_name"]
    set_here = pins.sort_values("made_at", na_position="first").drop_duplicates(list(LANE), keep="last")
    shown = set_here[_ends(set_here).isin(_known(plan)) & ~_approved_in_full(set_here, done)]
    shown = shown[[*LANE, "quantity"]].rename(columns={"quantity": "by_hand"})
    shown = shown.assign(ship_on=pd.Timestamp(plan.as_of))
    out = plan.allocation.merge(shown, on=[*LANE, "ship_on"], how="outer")
    out = out.assign(
        item_name=out["item_id"].map(names),
        quantity=out["quantity"].astype(float).fillna(0.0),
        reason=out["reason"].where(out["reason"].notna(), "Set by hand: nothing is sent."),
        by_hand=out["by_hand"].astype(float),
    )
    order = ["value", *LANE, "ship_on"]
    return out.sort_values(order, ascending=[False, *[True] * 4], na_position="last").reset_index(drop=True)


def _approved_in_full(pins: pd.DataFrame, done: pd.DataFrame | None) -> np.ndarray:
    if done is None or done.empty:
        return np.zeros(len(pins), bool)
    units = done.groupby(list(LANE))["quantity"].sum().reindex(pd.MultiIndex.from_frame(pins[list(LANE)]))
    set_to = pins["quantity"].to_numpy(float)
    return np.asarray((set_to > 0) & (np.nan_to_num(units.to_numpy(float)) >= set_to - 1e-6))


def of_plan(plan: PlanResult, rows: pd.DataFrame) -> pd.DataFrame:
    """The transfers among `rows` that lead to a line of the plan: the filters hold for them as well."""
    return rows[_ends(rows).isin(_known(plan))]


def _ends(frame: pd.DataFrame) -> pd.MultiIndex:
    return pd.MultiIndex.from_arrays([frame["item_id"], frame["destination_id"]])


def _known(plan: PlanResult) -> pd.MultiIndex:
    return pd.MultiIndex.from_frame(plan.items[["item_id", "location_id"]])


def short_lines(plan: PlanResult) -> pd.DataFrame:
    """The lines that stay short, the most first, with names."""
    rows = plan.before_after[plan.before_after["short"] > 0].sort_values("short", ascending=False)
    names = plan.items[["item_id", "location_id", "item_name"]]
    return rows.merge(names, on=["item_id", "location_id"], how="left")


def asked(plan: PlanResult) -> pd.DataFrame:
    """The lines that ask for stock or are sent some, those sent the most first."""
    rows = plan.before_after[(plan.before_after["requested"] > 0) | (plan.before_after["transferred"] > 0)]
    names = plan.items[["item_id", "location_id", "item_name"]]
    rows = rows.merge(names, on=["item_id", "location_id"], how="left")
    return rows.sort_values(["transferred", "requested"], ascending=False, kind="stable").reset_index(drop=True)


def bound(line: pd.Series) -> str:
    """What kept a line below its need, in words."""
    code = line.get("bound", "")
    return BOUND.get(code, "") if isinstance(code, str) else ""


def limits_of(plan: PlanResult, item_id: str, location_id: str) -> pd.DataFrame:
    """The limits that may bind a line, those of the most worth first: kind, place, other, one_more_worth, exact.

    The source's stock of the item, the room of the location, and the lanes that lead to it.
    """
    rows = plan.limits
    if rows.empty:
        return rows
    fed = plan.allocation[(plan.allocation["item_id"] == item_id) & (plan.allocation["destination_id"] == location_id)]
    mine = plan.items[(plan.items["item_id"] == item_id) & (plan.items["location_id"] == location_id)]
    sources = {*fed["source_id"], *mine["fed_by"].dropna()}
    kind = rows["kind"]
    hit = (
        ((kind == "source") & (rows["item_id"] == item_id) & rows["place"].isin(sources))
        | ((kind == "room") & (rows["place"] == location_id))
        | ((kind == "lane") & (rows["other"] == location_id) & rows["place"].isin(sources))
    )
    return rows[hit & (rows["one_more_worth"] > 0)].sort_values("one_more_worth", ascending=False)


def compared(plan: PlanResult) -> pd.DataFrame:
    """The rules of sharing, the best first, with what each gives up against the best split.

    Returns
    -------
    DataFrame: the columns of `sharing` and given_up (money, NaN where unknown), lost_more (units).
    """
    rows = plan.sharing
    best = rows[rows["method"] == BEST]
    if best.empty:
        return rows.assign(given_up=np.nan, lost_more=np.nan)
    out = rows.assign(
        given_up=best["value_money"].iloc[0] - rows["value_money"],
        lost_more=rows["expected_lost_units"] - best["expected_lost_units"].iloc[0],
    )
    first = (out["method"] != BEST).astype(int)
    return out.assign(_first=first).sort_values(["_first", "given_up"], kind="stable").drop(columns="_first")


def price_of_fairness(plan: PlanResult) -> Price | None:
    """What the fair rule in force gives up against the best split; None where that is not known."""
    rows = compared(plan)
    fair = rows[rows["method"] == plan.params.fair_rule]
    if fair.empty or not known(fair["lost_more"].iloc[0]):
        return None
    row = fair.iloc[0]
    money = float(row["given_up"]) if known(row["given_up"]) else None
    return Price(str(row["label"]), money, float(row["lost_more"]))


def parts_asked(line: pd.Series) -> str:
    """What a line asked for, in its parts; empty where they are not known."""
    need, wanted = line.get("need_units"), float(line["requested"])
    if not known(need) or wanted <= 0:
        return ""
    rest = f"safety stock and whole packs {units(round(wanted - need, 1))}"
    if need <= 0:
        return f"Asked for {units(wanted)}: {rest}, less {units(round(-need, 1))} there beyond the expected demand."
    return f"Asked for {units(wanted)}: expected demand beyond what is there {units(round(need, 1))}, {rest}."


def against_best(lost_units: float, digits: int = 0) -> str:
    """What a rule loses beside the best split, in words: the best split serves margin, so that it may lose units."""
    more = round(lost_units, digits)
    return f"loses {units(abs(more))} {'more' if more >= 0 else 'less'} than" if more else "loses as many units as"
