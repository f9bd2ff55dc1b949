"""A replay in three sentences: which policy would have been better, and whether it can be believed. No Streamlit."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from pages.components.formats import count, known, literal, money, percent
from pages.components.replay_words import interval, shown
from pages.components.scenario_words import signed
from planning.limited import cheapest

COSTED = "margin lost, stock held, orders placed and waste"


def best(totals: pd.DataFrame, apart: Mapping[str, Any] | None, currency: str) -> str:
    """Which policy would have cost least, and whether that can be told from chance; empty where no two costs are known.

    Parameters
    ----------
    totals : as `ReplayResult.totals` returns them.
    apart : how much more the cheapest costs than the next, a row of `ReplayResult.against`; None: not known.
    """
    ranked = cheapest(totals)
    if len(ranked) < 2:  # noqa: PLR2004
        return ""
    first, second = ranked[0], ranked[1]
    cost = totals.set_index("policy")["total_cost"]
    told = (
        f"**Which would have been better?** {_named(first)} would have cost least: "
        f"{money(cost[first], literal(currency))} ({COSTED}). Next comes {_named(second)} with "
        f"{money(cost[second], literal(currency))}"
    )
    if apart is None or not known(apart["low"]) or not known(apart["high"]):
        return f"{told}."
    chance = "may be chance" if apart["low"] <= 0 <= apart["high"] else "is beyond chance"
    return f"{told}; the difference {chance} ({interval(apart, literal(currency))})."


def kept(promise: Mapping[str, Any] | None, policy: str) -> str:
    """Whether a policy kept its promise of service, beyond chance; empty where it made none.

    Parameters
    ----------
    promise : a row of `ReplayResult.promised`; None: there is none.
    """
    if promise is None or not known(promise["difference"]):
        return ""
    points = 100 * float(promise["difference"])
    told = (
        f"**Can it be believed?** {_named(policy)} promised {percent(promise['promised_fill_rate'])} of demand and "
        f"served {percent(promise['fill_rate'])}"
    )
    low, high = 100 * float(promise["low"]), 100 * float(promise["high"])
    if abs(points) < 0.05:  # noqa: PLR2004
        return f"{told}: kept."
    side = "more" if points > 0 else "less"
    span = f"95 %: {signed(low, 1)} to {signed(high, 1)} points"
    return f"{told}: {abs(points):.1f} points {side}, which {_chance(low, high)} ({span})."


def _chance(low: float, high: float) -> str:
    """Whether an interval of points holds nothing at all."""
    if low <= 0 <= high:
        return "may be chance"
    return "is just beyond chance" if min(abs(low), abs(high)) < 0.05 else "is beyond chance"  # noqa: PLR2004


def counted(bucket_days: int, some: int, there: int) -> str:
    """Which weeks count, and why not all.

    Parameters
    ----------
    some, there : buckets that count, of all.
    """
    unit = "week" if bucket_days == 7 else "day"  # noqa: PLR2004
    if some == there:
        return f"{count(some, unit)} count"
    return f"{count(some, unit)} of {there:,} count, as the first {there - some:,} let each policy settle"


def _named(policy: str) -> str:
    return f"**{literal(shown(policy))}**"


__all__ = ["best", "cheapest", "counted", "kept"]
