"""Which lines stand for others: a warehouse's line pools the stock and demand of the locations that it feeds.

Sums over a plan must count each unit once. No Streamlit.
"""

import numpy as np
import pandas as pd

from planning.result import PlanResult

KEYS = ("item_id", "location_id")


def pairs(frame: pd.DataFrame, place: str = "location_id") -> pd.MultiIndex:
    """The item-locations of a frame, as an index to look up."""
    return pd.MultiIndex.from_frame(frame[["item_id", place]], names=list(KEYS))


def feeding(plan: PlanResult) -> pd.Series:
    """Whether each row of `plan.items` feeds another location of the plan."""
    fed = plan.items[plan.items["fed_by"].notna()]
    if fed.empty:
        return pd.Series(data=False, index=plan.items.index)
    return pd.Series(pairs(plan.items).isin(pairs(fed, "fed_by")), index=plan.items.index)


def outermost(plan: PlanResult) -> pd.DataFrame:
    """The rows of `plan.items` whose feeder is not in the plan: together they hold all stock and demand once."""
    feeder = pairs(plan.items, "fed_by")
    return plan.items[plan.items["fed_by"].isna().to_numpy() | ~feeder.isin(pairs(plan.items))]


def selling(plan: PlanResult) -> pd.DataFrame:
    """The rows of `plan.items` that serve customers: those that feed nothing; all, where every one feeds."""
    feeds = feeding(plan)
    return plan.items if feeds.all() else plan.items[~feeds]


def near(plan: PlanResult, item_id: str, location_id: str) -> PlanResult:
    """The plan as far as one line is looked at, and what it feeds: the quick way where there are many."""
    rows = plan.lines
    mine = (rows["item_id"] == item_id).to_numpy()
    fed = fed_by(plan, item_id, location_id)["location_id"]
    return plan.near(np.flatnonzero(mine)[rows["location_id"][mine].isin([location_id, *fed]).to_numpy()])


def fed_by(plan: PlanResult, item_id: str, location_id: str) -> pd.DataFrame:
    """The keys of the item-locations that this one feeds."""
    hit = (plan.items["item_id"] == item_id) & (plan.items["fed_by"] == location_id)
    return plan.items.loc[hit, list(KEYS)]


def keep(frame: pd.DataFrame, lines: pd.DataFrame) -> pd.DataFrame:
    """The rows of a result frame that belong to the given lines."""
    return frame[pairs(frame).isin(pairs(lines))]
