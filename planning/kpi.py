"""Key figures of the stock: what each is, how it is made up, from which tables, and what is missing where it is not.

A figure that the data cannot tell has no value and says what to bring; it is never zero for unknown. What no parameter
changes is worked out once by `past_figures`; a selection of lines is then a matter of sums.
"""

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType

import pandas as pd

from planning.fits import Fits
from planning.inputs import Inputs
from planning.kpi_form import CATALOGUE, Kpi
from planning.kpi_past import PastFigures, past_figures
from planning.kpi_records import record_kpis
from planning.kpi_service import forecast_kpis, service_kpis, today_kpis
from planning.kpi_stock import stock_kpis
from planning.kpi_suppliers import supplier_kpis
from planning.kpi_view import build_view
from planning.result import PlanResult


def build_kpis(
    inputs: Mapping[str, pd.DataFrame] | Inputs,
    plan: PlanResult,
    fits: Fits,
    *,
    as_of: date,
    keys: pd.DataFrame | None = None,
    past: PastFigures | None = None,
) -> Mapping[str, Kpi]:
    """Return all figures by key, in the order of `CATALOGUE`, of some lines or of all.

    Money is that of the plan: its unit costs, prices and parameters.

    Parameters
    ----------
    inputs : contract tables by name, those that the plan was made of, or what `read_tables` made of them.
    keys : item_id, location_id of the lines in view; None: all of the plan.
    past : what `past_figures` returned for the same inputs and fits; None: it is worked out here.

    Raises
    ------
    PlanningError : the plan is of other lines than the fits.
    """
    return kpis_of(past_figures(inputs, fits, as_of=as_of) if past is None else past, plan, keys)


def kpis_of(past: PastFigures, plan: PlanResult, keys: pd.DataFrame | None = None) -> Mapping[str, Kpi]:
    """Return all figures from a past that is worked out already: see `build_kpis`."""
    view = build_view(past, plan, keys)
    found = [
        *today_kpis(view),
        *stock_kpis(view),
        *service_kpis(view),
        *forecast_kpis(view),
        *supplier_kpis(view),
        *record_kpis(view),
    ]
    told = {one.key: one for one in found}
    return MappingProxyType({key: told[key] for key in CATALOGUE})


__all__ = ["CATALOGUE", "Kpi", "PastFigures", "build_kpis", "kpis_of", "past_figures"]
