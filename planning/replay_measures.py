"""What a replay showed: service, stock and money of each policy, and how sure the difference between two is."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from planning.replay import SHORT, Ledger, World

YEAR_DAYS = 365
LEVELS = (0.025, 0.975)
"""The ends of the intervals."""
GROUPS = ("abc_class", "demand_class", "category", "supplier_id", "location_id")
RATES = ("fill_rate", "promised_fill_rate", "cycle_service_level", "turns")
MONEY = ("average_stock_value", "lost_margin", "waste_value", "holding_cost", "order_cost", "total_cost")


@dataclass(frozen=True)
class ReplayResult:
    """What each policy would have done, over the buckets that count.

    span : first and last day that count.
    bucket_days : days of a bucket.
    names : of the policies, the plan's first.
    lines : one row a policy and item-location: see `measure`.
    weeks : one row a policy and bucket: see `by_bucket`.
    ledgers : all that was written down, by policy.
    groups : category, abc_class, demand_class, supplier_id of each line.
    notes : what was assumed, what is left out and why, and what a replay cannot know.
    world : what happened.
    """

    span: tuple[date, date]
    bucket_days: int
    names: tuple[str, ...]
    lines: pd.DataFrame
    weeks: pd.DataFrame
    ledgers: Mapping[str, Ledger]
    groups: pd.DataFrame
    notes: tuple[str, ...]
    world: World

    def totals(self, by: str | None = None) -> pd.DataFrame:
        """Return the measures by policy, and by "abc_class", "demand_class", "category", "supplier_id", "location_id".

        Sums of units and money; rates of the sums. Money is of the lines whose money is known: `unknown_cost_units` and
        `unknown_margin_units` tell the demand of the others.
        """
        raise NotImplementedError

    def against(self, policy: str, other: str, *, draws: int = 1000, seed: int = 0) -> pd.DataFrame:
        """Return how much more `policy` has than `other`: measure, value, other, difference, low, high.

        low, high : 95 % interval, paired bootstrap over items: each draw takes all locations of an item together.
        """
        raise NotImplementedError

    def item(self, item_id: str, location_id: str) -> pd.DataFrame:
        """Return policy x bucket of one line: policy, starts_on, counted, start_units, received_units, ordered_units,
        demand_units, sold_units, lost_units, sent_units, waste_units, end_units, owed_units.

        Raises
        ------
        KeyError : no such line.
        """  # noqa: D205
        raise NotImplementedError

    def gained_and_lost(self, policy: str, other: str, n: int = 10) -> pd.DataFrame:
        """Return the n lines that gained most from `policy` instead of `other`, and the n that lost most.

        item_id, location_id, gained (total cost saved; units served more where money is not known), unit ("money" or
        "units"), fill_rate, other_fill_rate, average_stock_units, other_average_stock_units; the best first.
        """
        raise NotImplementedError
