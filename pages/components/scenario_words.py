"""The numbers of scenarios side by side as a person reads them. No Streamlit."""

from typing import Any

import pandas as pd

from pages.components.formats import DASH, known, money, percent
from planning.scenario import Comparison, differences

NONE = 1e-9
"""A difference of less is none."""


def signed(value: Any, digits: int = 1) -> str:
    """A number with its sign, `±0` where there is no difference."""
    if not known(value):
        return DASH
    shown = f"{abs(float(value)):,.{digits}f}"
    if not shown.strip("0.,"):
        return "±0"
    return ("+" if value > 0 else "−") + shown


def signed_money(value: Any, currency: str = "") -> str:
    """An amount with its sign."""
    told = money(value, currency)
    if not known(value):
        return told
    return f"+{told}" if value > 0.005 else "±0" if value > -0.005 else told


def supposed(told: Comparison) -> tuple[str, ...]:
    """What each plan beside the first changes, in words; with its name where there are several."""
    first, *others = told.plans
    said = {name: differences(told.plans[first].params, told.plans[name].params) for name in others}
    if len(others) == 1:
        return said[others[0]]
    return tuple(f"{name}: {'; '.join(words) or 'nothing differs'}" for name, words in said.items())


def measure_table(told: Comparison, currency: str) -> pd.DataFrame:
    """A row a measure, each scenario with its value and what differs from the first, in words."""
    rows = []
    for measure, some in told.measures.groupby("measure", sort=False):
        unit = str(some["unit"].iloc[0])
        row = {"measure": measure}
        for n, one in enumerate(some.itertuples()):
            value = _value(one.value, unit, currency)
            apart = n and known(one.difference) and abs(one.difference) > NONE
            row[one.scenario] = f"{value} ({_apart(one.difference, unit, currency)})" if apart else value
        rows.append(row)
    return pd.DataFrame(rows)


def _value(value: Any, unit: str, currency: str) -> str:
    if not known(value):
        return DASH
    if unit == "money":
        return money(value, currency)
    return percent(value, 2) if unit == "fraction" else f"{value:,.0f}"


def _apart(value: float, unit: str, currency: str) -> str:
    if unit == "fraction":
        return f"{signed(100 * value, 2)} points"
    return signed_money(value, currency) if unit == "money" else signed(value, 0)
