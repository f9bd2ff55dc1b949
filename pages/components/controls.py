"""Widgets -> parameters and filters.

Each widget shows the parameter as it stands (so a page finds it again, and every page shows the same), and writes a
changed value back through `session.change_params`, where it is checked. Cheap parameters act at once; those that
start a new forecast stand in a form with one button.
"""

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from pages.components import cached, glossary, session
from planning.errors import PlanningError
from planning.params import ABC_CLASSES, FORECAST_MODELS, Params, meaning

MEASURES = {"fill_rate": "Units served", "cycle_service_level": "Cycles in stock", "cost": "Least cost"}
MEASURE_HELP = (
    "**Units served** (fill rate): the share of demand met from the shelf.  \n"
    "**Cycles in stock**: the share of order cycles without any stock-out.  \n"
    "**Least cost**: weighs the margin of a lost unit against the cost of holding one; needs costs and prices."
)
UNMET = {"lost": "Lost", "backordered": "Waits"}
BUCKETS = {"auto": "Automatic", "day": "Days", "week": "Weeks"}
METHODS = {"optimal": "For the most value", "fair_share": "Fair share"}
MODELS = {
    "auto": "Best by class",
    "SESOptimized": "Exponential smoothing",
    "WindowAverage13": "Average of 13 periods",
    "WindowAverage52": "Average of 52 periods",
    "CrostonSBA": "Croston (SBA)",
    "DynamicOptimizedTheta": "Theta",
}

RISK_LABELS = {"red": "▲ Red", "amber": "◆ Amber", "green": "● Green"}
"""Colour never stands alone: a shape and a word beside it."""

_WHAT_IF = ("demand_multiplier", "lead_time_multiplier", "lead_time_added_days", "delay_open_orders")
_POLICY = (
    "service_measure", "service_target", "service_target_by_class", "coverage_days", "review_period_days",
    "unmet_demand", "budget", "shortage_cost_per_unit", "holding_rate_per_year",
)
_FORECAST = (
    "bucket", "horizon_days", "history_days", "forecast_model", "stockout_correction", "outlier_correction",
)
"""The parameters that the form of `forecast_params` holds."""


# --- sidebar: date and filters ---------------------------------------------------------------------------------------


def sidebar() -> None:
    """The plan's date and the filters; drawn on every page that shows a plan, before the plan is asked for."""
    snapshot = session.snapshot_id()
    if snapshot is None:
        return
    with st.sidebar:
        try:
            _as_of()
            _filters(cached.facets(session.visitor(), snapshot))
        except PlanningError:
            # The page itself says what is wrong with the data.
            return


def _as_of() -> None:
    session.seed("as_of_widget", session.as_of())
    st.date_input(
        "Plan for the morning of",
        key="as_of_widget",
        format="YYYY-MM-DD",
        required=True,
        help="Sales before this day are history; stock is taken as counted last before it. Weekly data keep their "
        "weekday.",
        on_change=lambda: session.choose_as_of(session.widget("as_of_widget")),
    )


def _filters(facets: cached.Facets) -> None:
    chosen = session.filters()
    session.seed("filter_search", chosen.search)
    st.text_input(
        "Search", key="filter_search", type="search", placeholder="Item, name, supplier …", max_chars=100,
        on_change=lambda: session.change_filters(search=session.widget("filter_search") or ""),
    )
    for name, label, options in (
        ("location", "Location", facets.location),
        ("supplier", "Supplier", facets.supplier),
        ("category", "Category", facets.category),
    ):
        if len(options) > 1:
            _choice(name, label, options, getattr(chosen, name))
    _pills("abc", "Class", {c: c for c in ABC_CLASSES}, chosen.abc, glossary.term("ABC class"))
    _pills("risk", "Risk", RISK_LABELS, chosen.risk, "  \n".join(glossary.term(r) for r in ("Red", "Amber", "Green")))
    if chosen.count:
        st.button(
            f"Clear {chosen.count} filter{'s' if chosen.count > 1 else ''}", icon=":material/filter_alt_off:",
            type="tertiary", on_click=session.clear_filters,
        )


def _choice(name: str, label: str, options: tuple[str, ...], chosen: tuple[str, ...]) -> None:
    # A value from the URL that the data does not know would break the widget.
    session.seed(f"filter_{name}", [v for v in chosen if v in set(options)])
    st.multiselect(
        label, options, key=f"filter_{name}", placeholder="All",
        on_change=lambda: session.change_filters(**{name: session.widget(f"filter_{name}")}),
    )


def _pills(name: str, label: str, options: Mapping[str, str], chosen: tuple[str, ...], about: str) -> None:
    session.seed(f"filter_{name}", list(chosen))
    st.pills(
        label, list(options), selection_mode="multi", key=f"filter_{name}", format_func=options.__getitem__, help=about,
        on_change=lambda: session.change_filters(**{name: session.widget(f"filter_{name}")}),
    )


# --- parameters ------------------------------------------------------------------------------------------------------


def policy_params() -> Params:
    """Service, coverage and review: cheap, each acts at once."""
    measure = session.params().service_measure
    _segments("service_measure", "Service measure", MEASURES, about=MEASURE_HELP)
    if measure != "cost":
        _percent("service_target", "Target", low=50.0, high=99.9, step=0.1)
        _targets_by_class()
    else:
        _money("shortage_cost_per_unit", "Cost of a unit short", "Price less cost")
    _whole("review_period_days", "Review every (days)", 1, 365)
    _whole("coverage_days", "An order lasts (days)", 1, 730, empty="The review period")
    _segments("unmet_demand", "Unmet demand is", UNMET)
    _money("budget", "Budget for today's orders", "No limit")
    _percent("holding_rate_per_year", "Holding cost a year", low=0.0, high=100.0, step=1.0, slider=False)
    _defaults("policy", *_POLICY)
    return session.params()


def lead_time_params() -> Params:
    """Lead times where the data gives none: cheap, each acts at once."""
    _number("lead_time_days", "Lead time (days)", 0.0, 730.0, 1.0)
    _percent("lead_time_sd_fraction", "Its spread", low=0.0, high=200.0, step=5.0, slider=False)
    _number("transit_days", "Transit between locations (days)", 0.0, 365.0, 1.0)
    _defaults("lead", "lead_time_days", "lead_time_sd_fraction", "transit_days")
    return session.params()


def what_if() -> Params:
    """Supposed demand and lead times: cheap, each acts at once, marked at the top of every page."""
    _slider("demand_multiplier", "Demand ×", 0.0, 3.0, 0.05)
    _slider("lead_time_multiplier", "Lead times ×", 0.0, 3.0, 0.05)
    _slider("lead_time_added_days", "Suppliers late by (days)", 0.0, 90.0, 1.0)
    _switch("delay_open_orders", "Open orders late too")
    _defaults("what_if", *_WHAT_IF, label="Back to reality")
    return session.params()


def allocation_params() -> Params:
    """How scarce stock is shared: cheap, each acts at once."""
    _segments("allocation_method", "Share stock", METHODS)
    _percent("reserve_fraction", "Keep back at the source", low=0.0, high=100.0, step=5.0)
    snapshot = session.snapshot_id()
    locations = cached.facets(session.visitor(), snapshot).location if snapshot else ()
    chosen = session.params().allocation_sources or ()
    session.seed("param_allocation_sources", [v for v in chosen if v in set(locations)])
    st.multiselect(
        "Give from", locations, key="param_allocation_sources", placeholder="The warehouses",
        help=meaning("allocation_sources"), on_change=_changed,
        args=("allocation_sources", lambda v: list(v) or None),
    )
    _defaults("allocation", "allocation_method", "reserve_fraction", "allocation_sources")
    return session.params()


def forecast_params() -> Params:
    """What a new forecast needs: in a form, since it takes a while; nothing changes before its button."""
    with st.form("forecast_form", border=False):
        _segments("forecast_model", "Model", {m: MODELS.get(m, m) for m in FORECAST_MODELS}, live=False, long=True)
        _segments("bucket", "Periods", BUCKETS, live=False)
        _whole("horizon_days", "Horizon (days)", 7, 1095, live=False)
        _whole("history_days", "History used (days)", 28, 7300, empty="All", live=False)
        _switch("stockout_correction", "Correct for empty shelves", live=False)
        _switch("outlier_correction", "Tame single extreme sales", live=False)
        st.form_submit_button(
            "Forecast again", type="primary", icon=":material/model_training:", on_click=_submit_forecast
        )
    return session.params()


def _submit_forecast() -> None:
    session.change_params(**{name: session.widget(f"param_{name}") for name in _FORECAST})


# --- one widget a parameter ------------------------------------------------------------------------------------------


def _changed(name: str, read: Callable[[Any], Any]) -> None:
    session.change_params(**{name: read(session.widget(f"param_{name}"))})


def _bound(
    name: str, read: Callable[[Any], Any] = lambda v: v, *, live: bool = True, about: str = ""
) -> dict[str, Any]:
    """Key, help and (outside a form) the way back of the widget of a parameter."""
    kept = {"key": f"param_{name}", "help": about or f"{meaning(name)}."}
    return kept | ({"on_change": _changed, "args": (name, read)} if live else {})


def _segments(
    name: str, label: str, choices: Mapping[str, str], *, live: bool = True, long: bool = False, about: str = ""
) -> None:
    session.seed(f"param_{name}", getattr(session.params(), name))
    bound = _bound(name, live=live, about=about)
    if long:
        st.selectbox(label, list(choices), format_func=choices.__getitem__, **bound)
    else:
        st.segmented_control(label, list(choices), format_func=choices.__getitem__, required=True, **bound)


def _percent(name: str, label: str, *, low: float, high: float, step: float, slider: bool = True) -> None:
    """A fraction, shown in percent."""
    shown = round(100 * getattr(session.params(), name), 4)
    session.seed(f"param_{name}", shown)
    # A value from the URL may lie outside of what the widget offers.
    bound = _bound(name, lambda v: round(v / 100, 6)) | {"step": step, "format": "%.1f %%" if slider else "%.1f"}
    (st.slider if slider else st.number_input)(
        label if slider else f"{label} (%)", min_value=min(low, shown), max_value=max(high, shown), **bound
    )


def _slider(name: str, label: str, low: float, high: float, step: float) -> None:
    shown = float(getattr(session.params(), name))
    session.seed(f"param_{name}", shown)
    st.slider(label, min_value=min(low, shown), max_value=max(high, shown), step=step, **_bound(name))


def _number(name: str, label: str, low: float, high: float, step: float) -> None:
    session.seed(f"param_{name}", float(getattr(session.params(), name)))
    st.number_input(label, min_value=low, max_value=high, step=step, format="%.1f", **_bound(name))


def _whole(name: str, label: str, low: int, high: int, *, empty: str = "", live: bool = True) -> None:
    session.seed(f"param_{name}", getattr(session.params(), name))
    more = {"value": None, "placeholder": empty} if empty else {}
    st.number_input(label, min_value=low, max_value=high, step=1, **more, **_bound(name, live=live))


def _money(name: str, label: str, empty: str) -> None:
    currency = session.params().currency
    session.seed(f"param_{name}", getattr(session.params(), name))
    st.number_input(
        f"{label} ({currency})" if currency else label, min_value=0.0, value=None, placeholder=empty, **_bound(name)
    )


def _switch(name: str, label: str, *, live: bool = True) -> None:
    session.seed(f"param_{name}", getattr(session.params(), name))
    st.toggle(label, **_bound(name, live=live))


def _targets_by_class() -> None:
    """Targets that differ by ABC class: three sliders behind a switch."""
    targets = dict(session.params().service_target_by_class)
    session.seed("param_by_class", bool(targets))
    st.toggle(
        "Differs by class", key="param_by_class", on_change=_toggle_classes,
        help=f"{meaning('service_target_by_class')}.",
    )
    for name in ABC_CLASSES if targets else ():
        shown = round(100 * targets.get(name, session.params().service_target), 4)
        session.seed(f"param_class_{name}", shown)
        st.slider(
            f"Class {name}", min_value=min(50.0, shown), max_value=max(99.9, shown), step=0.1, format="%.1f %%",
            key=f"param_class_{name}", on_change=_change_class, args=(name,),
        )


def _toggle_classes() -> None:
    target = session.params().service_target
    # A spread around the one target that costs about the same stock: a start to work from.
    spread = {"A": min(0.999, target + 0.02), "B": target, "C": max(0.5, target - 0.05)}
    session.change_params(service_target_by_class=spread if session.widget("param_by_class") else {})


def _change_class(name: str) -> None:
    targets = dict(session.params().service_target_by_class)
    targets[name] = round(session.widget(f"param_class_{name}") / 100, 6)
    session.change_params(service_target_by_class=targets)


def _defaults(group: str, *names: str, label: str = "Reset to defaults") -> None:
    if any(name in session.changed_params() for name in names):
        st.button(
            label, key=f"reset_{group}", type="tertiary", icon=":material/restart_alt:", on_click=session.reset_params,
            args=names,
        )
