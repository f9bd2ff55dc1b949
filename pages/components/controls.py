"""The groups of widgets that pages show: widgets -> parameters.

A parameter changed on one page holds on all. Cheap ones act at once; those that start a new forecast stand in a form
with one button.
"""

from collections.abc import Mapping
from types import MappingProxyType

import streamlit as st

from pages.components import session, widgets
from pages.components.sidebar import sidebar
from planning.params import FORECAST_MODELS, Params

MEASURES: Mapping[str, str] = MappingProxyType(
    {"fill_rate": "Units served", "cycle_service_level": "Cycles in stock", "cost": "Least cost"}
)
MEASURE_HELP = (
    "**Units served** (fill rate): the share of demand met from the shelf.  \n"
    "**Cycles in stock**: the share of order cycles without any stock-out.  \n"
    "**Least cost**: weighs the margin of a lost unit against the cost of holding one; needs costs and prices."
)
UNMET: Mapping[str, str] = MappingProxyType({"lost": "Lost", "backordered": "Waits"})
BUCKETS: Mapping[str, str] = MappingProxyType({"auto": "Automatic", "day": "Days", "week": "Weeks"})
FAIR_RULES: Mapping[str, str] = MappingProxyType(
    {"equal_days": "Days of supply", "proportional": "Share of the request", "equal_service": "Service"}
)
_ALLOCATION = (
    "allocation_method",
    "fair_rule",
    "service_floor",
    "allocation_sources",
    "reserve_fraction",
    "reserve_value",
    "allocation_inbound_days",
    "rebalance",
    "rebalance_least_value",
)
METHODS: Mapping[str, str] = MappingProxyType({"optimal": "For the most value", "fair_share": "Fair share"})
MODELS: Mapping[str, str] = MappingProxyType(
    {
        "auto": "Best by class",
        "SESOptimized": "Exponential smoothing",
        "WindowAverage13": "Average of 13 weeks",
        "WindowAverage52": "Average of 52 weeks",
        "CrostonSBA": "Croston (SBA)",
        "TSB": "TSB (fading demand)",
        "IMAPA": "IMAPA (rare demand)",
        "DynamicOptimizedTheta": "Theta",
        "AutoETS": "ETS",
        "MSTL": "MSTL (several seasons)",
        "AutoARIMA": "ARIMA (slow)",
        "Combination": "Combination of models",
    }
)

__all__ = ["allocation_params", "forecast_params", "lead_time_params", "policy_params", "sidebar", "what_if"]

_WHAT_IF = ("demand_multiplier", "lead_time_multiplier", "lead_time_added_days", "delay_open_orders")
_POLICY = (
    "service_measure",
    "service_target",
    "service_target_by_class",
    "coverage_days",
    "review_period_days",
    "unmet_demand",
    "budget",
    "shortage_cost_per_unit",
    "holding_rate_per_year",
)
_FORECAST = (
    "bucket",
    "horizon_days",
    "history_days",
    "forecast_model",
    "library_fits",
    "stockout_correction",
    "outlier_correction",
)
"""The parameters that the form of `forecast_params` holds."""


def policy_params() -> Params:
    """Service, coverage and review: cheap, each acts at once."""
    measure = session.params().service_measure
    widgets.segments("service_measure", "Service measure", MEASURES, about=MEASURE_HELP)
    if measure != "cost":
        widgets.percent("service_target", "Target", low=50.0, high=99.9, step=0.1)
        widgets.targets_by_class()
    else:
        widgets.money("shortage_cost_per_unit", "Cost of a unit short", "Price less cost")
    widgets.whole("review_period_days", "Review every (days)", 1, 365)
    widgets.whole("coverage_days", "An order lasts (days)", 1, 730, empty="The review period")
    widgets.segments("unmet_demand", "Unmet demand is", UNMET)
    widgets.money("budget", "Budget for today's orders", "No limit")
    widgets.percent("holding_rate_per_year", "Holding cost a year", low=0.0, high=100.0, step=1.0, slider=False)
    widgets.defaults("policy", *_POLICY)
    return session.params()


def lead_time_params() -> Params:
    """Lead times where the data gives none: cheap, each acts at once."""
    widgets.number("lead_time_days", "Lead time (days)", 0.0, 730.0, 1.0)
    widgets.percent("lead_time_sd_fraction", "Its spread", low=0.0, high=200.0, step=5.0, slider=False)
    widgets.number("transit_days", "Transit between locations (days)", 0.0, 365.0, 1.0)
    widgets.defaults("lead", "lead_time_days", "lead_time_sd_fraction", "transit_days")
    return session.params()


def what_if() -> Params:
    """Supposed demand and lead times: cheap, each acts at once, marked at the top of every page."""
    widgets.slider("demand_multiplier", "Demand ×", 0.0, 3.0, 0.05)
    widgets.slider("lead_time_multiplier", "Lead times ×", 0.0, 3.0, 0.05)
    widgets.slider("lead_time_added_days", "Suppliers late by (days)", 0.0, 90.0, 1.0)
    widgets.switch("delay_open_orders", "Open orders late too")
    widgets.defaults("what_if", *_WHAT_IF, label="Back to reality")
    return session.params()


def allocation_params() -> Params:
    """How scarce stock is shared: cheap, each acts at once."""
    params = session.params()
    widgets.segments("allocation_method", "Share stock", METHODS)
    widgets.segments("fair_rule", "A fair share gives all the same", FAIR_RULES)
    widgets.optional_percent("service_floor", "Service for everybody first", "None")
    widgets.ids("allocation_sources", "Give from", session.facets().location, "The warehouses")
    widgets.percent("reserve_fraction", "Keep back at the source", low=0.0, high=100.0, step=5.0)
    widgets.percent("reserve_value", "Worth of a unit kept there", low=0.0, high=100.0, step=5.0, slider=False)
    widgets.whole("allocation_inbound_days", "Share what arrives within (days)", 0, 365)
    widgets.switch("rebalance", "Let stores send to each other")
    if params.rebalance:
        widgets.number("rebalance_least_value", "A transfer between stores gains at least", 0.0, 1e9, 1.0)
    widgets.defaults("allocation", *_ALLOCATION)
    return session.params()


def forecast_params() -> Params:
    """What a new forecast needs: in a form, since it takes a while; nothing changes before its button."""
    with st.form("forecast_form", border=False):
        models = {name: MODELS.get(name, name) for name in FORECAST_MODELS}
        widgets.segments("forecast_model", "Model", models, live=False, long=True)
        widgets.segments("bucket", "Periods", BUCKETS, live=False)
        widgets.whole("horizon_days", "Horizon (days)", 7, 1095, live=False)
        widgets.whole("history_days", "History used (days)", 28, 7300, empty="All", live=False)
        widgets.whole("library_fits", "Fits of slow models, at most", 0, 1_000_000, live=False)
        widgets.switch("stockout_correction", "Correct for empty shelves", live=False)
        widgets.switch("outlier_correction", "Tame single extreme sales", live=False)
        st.form_submit_button(
            "Forecast again", type="primary", icon=":material/model_training:", on_click=_submit_forecast
        )
    return session.params()


def _submit_forecast() -> None:
    session.change_params(**{name: session.widget(f"param_{name}") for name in _FORECAST})
