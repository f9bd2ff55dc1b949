"""Key figures of the stock: what each is, how it is made up, from which tables, and what is missing where it is not.

A figure that the data cannot tell has no value and says what to bring; it is never zero for unknown. What no parameter
changes is worked out once by `past_figures`; a selection of lines is then a matter of sums.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import pandas as pd

from planning.fits import Fits
from planning.result import PlanResult


@dataclass(frozen=True)
class Kpi:
    """One figure, with all that a person needs to trust it.

    key : its name in code and files; `name` : what a person calls it.
    value : the figure in `unit` ("money", "share", "days", "times a year", "units", "lines"); None: not known.
    period : what span or morning it is of, in words.
    formula : how it is made up; `source` : where the formula comes from, and which tables it was read from.
    missing : what to bring, empty when the value is known.
    covered : of how much it tells, where that is not everything.
    better : "higher", "lower", or empty where neither is.
    trend : date, value; month ends or first days of weeks, empty when the data have none.
    items : what is behind it, the worst first: item_id, location_id (or supplier_id; or location_id alone), and the
        parts that it is the sum or the ratio of.
    """

    key: str
    name: str
    value: float | None
    unit: str
    period: str
    formula: str
    source: str
    missing: str = ""
    covered: str = ""
    better: str = ""
    trend: pd.DataFrame = field(default_factory=lambda: pd.DataFrame({"date": [], "value": []}))
    items: pd.DataFrame = field(default_factory=pd.DataFrame)


@dataclass(frozen=True)
class PastFigures:
    """What the past tells, by line, order line and count: the sums that the figures are made of."""


def past_figures(inputs: Mapping[str, pd.DataFrame], fits: Fits, *, as_of: date) -> PastFigures:
    """Work out what no parameter changes; it may be kept with the snapshot and the fits.

    Parameters
    ----------
    inputs : contract tables by name, as for `planning.pipeline.plan`.
    fits : what `planning.pipeline.fit` returned for them.
    as_of : the morning of the plan; nothing after it is used.
    """
    raise NotImplementedError


def build_kpis(
    inputs: Mapping[str, pd.DataFrame],
    plan: PlanResult,
    fits: Fits,
    *,
    as_of: date,
    keys: pd.DataFrame | None = None,
    past: PastFigures | None = None,
) -> Mapping[str, Kpi]:
    """Return all figures by key, in the order of display, of some lines or of all.

    Parameters
    ----------
    keys : item_id, location_id of the lines in view; None: all of the plan.
    past : what `past_figures` returned for the same inputs and fits; None: it is worked out here.

    Returns
    -------
    Keys, in order: margin_at_risk, excess_value, dead_value, order_value_today, orders_due_today, cash_out, stock_value,
    turnover, days_of_inventory, days_of_supply, carrying_cost, gmroi, sell_through, stockout_rate, fill_rate_achieved,
    forecast_accuracy, forecast_bias, drifting_forecasts, supplier_on_time, supplier_in_full, supplier_otif,
    lead_time_adherence, perfect_order, record_accuracy, value_accuracy, shrinkage, space_used.
    """
    raise NotImplementedError
