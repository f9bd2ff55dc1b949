"""The parameters of a plan: frozen, checked when made, one JSON form.

Each field carries its default, its range and its meaning; the pages and the command line read them here.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any

from planning.errors import ParameterError
from planning.what_if import Change, read_changes

SERVICE_MEASURES = ("fill_rate", "cycle_service_level", "cost")
UNMET_DEMAND = ("lost", "backordered")
BUCKETS = ("auto", "day", "week")
ALLOCATION_METHODS = ("optimal", "fair_share")
FAIR_RULES = ("equal_days", "proportional", "equal_service")
FORECAST_MODELS = (
    "auto",
    "Combination",
    "SESOptimized",
    "WindowAverage13",
    "WindowAverage52",
    "CrostonSBA",
    "TSB",
    "IMAPA",
    "DynamicOptimizedTheta",
    "AutoETS",
    "MSTL",
    "AutoARIMA",
)
ABC_CLASSES = ("A", "B", "C")
POLICIES = ("R,S", "R,s,S", "s,Q", "min/max")
MOST_NAME = 200
"""Letters of a category or supplier that a target names."""


def _param(default: Any, meaning: str, **rule: Any) -> Any:
    """A field with its meaning and its rule (low, high, above_low, choices, nullable, unit)."""
    metadata = {"meaning": meaning, **rule}
    if isinstance(default, Mapping):
        return field(default_factory=lambda: default, metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Params:
    """Every parameter of a plan. Units stand in the names; fractions are 0.95, never 95.

    Raises
    ------
    ParameterError : a value is of the wrong type or out of range; the message names it and what is allowed.
    """

    bucket: str = _param("auto", "Length of a forecast bucket", choices=BUCKETS)
    horizon_days: int = _param(182, "How far the forecast reaches", low=7, high=1095, unit="days")
    review_period_days: int = _param(
        7, "Days between ordering occasions, where the supplier gives none", low=1, high=365, unit="days"
    )
    coverage_days: int | None = _param(
        None,
        "Days after its arrival that an order must last; empty: the review period",
        low=1,
        high=730,
        nullable=True,
        unit="days",
    )
    plan_days: int = _param(28, "The window over which lost units and cash out are told", low=1, high=365, unit="days")
    lead_time_days: float = _param(
        14.0, "Days from order to usable receipt, where nothing else tells", low=0, high=730, unit="days"
    )
    lead_time_sd_fraction: float = _param(
        0.25,
        "Spread of the lead time where receipts give none, as a share of it (at least 1 day); 0: certain",
        low=0,
        high=2,
    )
    transit_days: float = _param(2.0, "Days between locations, where lanes give none", low=0, high=365, unit="days")
    service_measure: str = _param("fill_rate", "What the service target measures", choices=SERVICE_MEASURES)
    service_target: float = _param(0.95, "The service to reach", low=0.0, high=0.9999, above_low=True, fraction=True)
    service_target_by_class: Mapping[str, float] = _param(
        MappingProxyType({}), "Service targets by ABC class, where they differ", targets_of=ABC_CLASSES
    )
    service_target_by_category: Mapping[str, float] = _param(
        MappingProxyType({}), "Service targets by category, before those by class", targets_of=()
    )
    service_target_by_supplier: Mapping[str, float] = _param(
        MappingProxyType({}), "Service targets by supplier, before those by category", targets_of=()
    )
    policy: str = _param(
        "R,S",
        "How items are reordered: up to a level at each review, up to it from a reorder point on, by a fixed "
        "quantity, or between the minimum and maximum stock of the item",
        choices=POLICIES,
    )
    shortage_cost_per_unit: float | None = _param(
        None, "Cost of a unit short; empty: price less cost", low=0, high=1e9, nullable=True, unit="money"
    )
    holding_cost_per_unit_day: float | None = _param(
        None,
        "Cost of holding a unit for a day; empty: from the yearly rate",
        low=0,
        high=1e9,
        nullable=True,
        unit="money",
    )
    holding_rate_per_year: float = _param(
        0.25, "Cost of holding stock for a year, as a share of its cost", low=0, high=5
    )
    unmet_demand: str = _param("lost", "What becomes of demand that is not met", choices=UNMET_DEMAND)
    budget: float | None = _param(
        None, "Money for the purchases of today; empty: no limit", low=0, high=1e15, nullable=True, unit="money"
    )
    forecast_model: str = _param("auto", "The forecast model, or auto: the best by class", choices=FORECAST_MODELS)
    library_fits: int = _param(
        500,
        "How often models are fitted that must be fitted anew at each past morning, A items first",
        low=0,
        high=10**6,
    )
    history_days: int | None = _param(
        None, "Use only so much of the past; empty: all", low=28, high=7300, nullable=True, unit="days"
    )
    stockout_correction: bool = _param(default=True, meaning="Do not take an empty shelf for absent demand")
    outlier_correction: bool = _param(default=True, meaning="Keep single extreme sales out of the mean")
    demand_multiplier: float = _param(1.0, "What if demand were this many times as large", low=0, high=100)
    lead_time_multiplier: float = _param(1.0, "What if lead times were this many times as long", low=0, high=10)
    lead_time_added_days: float = _param(
        0.0, "What if every supplier were this many days later", low=0, high=365, unit="days"
    )
    delay_open_orders: bool = _param(default=False, meaning="Let the added days hit open orders too")
    what_if: tuple[Change, ...] = _param(
        (), "What if demand, suppliers, lanes, costs or prices were different: a list of changes", changes=True
    )
    allocation_method: str = _param("optimal", "How scarce stock is shared", choices=ALLOCATION_METHODS)
    allocation_sources: tuple[str, ...] | None = _param(
        None, "Locations that give stock; empty: the warehouses", ids=True, nullable=True
    )
    reserve_fraction: float = _param(0.0, "Share of a source's stock kept back", low=0, high=1, fraction=True)
    reserve_value: float = _param(
        0.0,
        "What a unit kept at its source is worth, as a share of a unit served: the chance to send it later",
        low=0,
        high=1,
        fraction=True,
    )
    allocation_inbound_days: int = _param(
        0, "Orders that reach a source within so many days are shared too", low=0, high=365, unit="days"
    )
    fair_rule: str = _param(
        "equal_days",
        "What a fair share makes equal: the days of supply, the share of the request, or the service expected",
        choices=FAIR_RULES,
    )
    service_floor: float | None = _param(
        None,
        "Service that each location gets first, before the rest goes where it is worth most; empty: none",
        low=0,
        high=0.9999,
        above_low=True,
        fraction=True,
        nullable=True,
    )
    rebalance: bool = _param(default=False, meaning="Let stores send what they have too much of to each other")
    rebalance_cost_per_unit: float = _param(
        0.0, "Freight of a unit between stores that have no lane", low=0, high=1e9, unit="money"
    )
    rebalance_least_value: float = _param(
        0.0, "What a transfer between stores must gain at least", low=0, high=1e9, unit="money"
    )
    currency: str = _param("", "Shown beside money", max_length=8)
    seed: int = _param(0, "Seed of every random draw", low=0, high=2**31 - 1)

    def __post_init__(self) -> None:
        for f in fields(self):
            object.__setattr__(self, f.name, _checked(f.name, getattr(self, f.name), f.default, dict(f.metadata)))
        if self.coverage_days is not None and self.coverage_days < self.review_period_days:
            msg = (
                f"coverage_days is {self.coverage_days}, less than review_period_days {self.review_period_days}: "
                "an order must last at least until the next one; give review_period_days or more, or null"
            )
            raise ParameterError(msg)

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> "Params":
        """Parameters from a flat mapping; an unknown key is refused by name."""
        if not isinstance(values, Mapping):
            msg = f"parameters must be one flat JSON object, not {type(values).__name__}"
            raise ParameterError(msg)
        known = {f.name for f in fields(cls)}
        for key in values:
            if key not in known:
                hint = {"service_level": "service_target", "coverage": "coverage_days"}.get(str(key))
                more = f" Did you mean {hint!r}?" if hint else ""
                msg = f"unknown parameter {str(key)[:80]!r}.{more} Known: {', '.join(sorted(known))}"
                raise ParameterError(msg)
        return cls(**{str(k): v for k, v in values.items()})

    @classmethod
    def from_json(cls, text: str) -> "Params":
        """Parameters from their JSON form."""
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as fault:
            msg = f"the parameters are not valid JSON: {fault}"
            raise ParameterError(msg) from fault
        return cls.from_mapping(values)

    def to_dict(self) -> dict[str, Any]:
        """All parameters, in order, as JSON types."""
        return {f.name: _plain(getattr(self, f.name)) for f in fields(self)}

    def to_json(self) -> str:
        """The one JSON form: same parameters, same text."""
        return json.dumps(self.to_dict(), sort_keys=True)

    def but(self, **changes: Any) -> "Params":
        """The same parameters with some of them changed (and checked)."""
        return Params.from_mapping({**self.to_dict(), **changes})


def meaning(name: str) -> str:
    """What a parameter means, for help texts."""
    return str(Params.__dataclass_fields__[name].metadata["meaning"])


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, tuple):
        return [one.to_dict() if isinstance(one, Change) else one for one in value]
    return value


def _checked(name: str, value: Any, default: Any, rule: dict[str, Any]) -> Any:
    if value is None and rule.get("nullable"):
        return None
    if "targets_of" in rule:
        return _checked_targets(name, value, rule["targets_of"])
    if rule.get("changes"):
        return read_changes(value)
    if rule.get("ids"):
        return _checked_ids(name, value)
    if isinstance(default, bool):
        if not isinstance(value, bool):
            _refuse(name, value, "true or false")
        return value
    if isinstance(default, str):
        return _checked_text(name, value, rule)
    whole = Params.__annotations__[name] in (int, int | None)
    return _checked_number(name, value, rule, whole=whole)


def _checked_text(name: str, value: Any, rule: dict[str, Any]) -> str:
    if not isinstance(value, str):
        _refuse(name, value, "a text")
    if "choices" in rule and value not in rule["choices"]:
        _refuse(name, value, "one of " + ", ".join(rule["choices"]))
    if len(value) > rule.get("max_length", 80):
        _refuse(name, value, f"a text of at most {rule['max_length']} characters")
    return str(value)


def _checked_number(name: str, value: Any, rule: dict[str, Any], *, whole: bool) -> float | int:
    low, high = rule["low"], rule["high"]
    allowed = (
        f"{'a whole number' if whole else 'a number'} {'above' if rule.get('above_low') else 'from'} {low} to {high}"
    )
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        _refuse(name, value, allowed)
    if rule.get("fraction") and 1 < value <= 100:
        _refuse(name, value, f"a fraction: write {value / 100:g} for {value:g} %")
    if value < low or value > high or (rule.get("above_low") and value <= low):
        _refuse(name, value, allowed)
    if not whole:
        return float(value)
    if value != int(value):
        _refuse(name, value, allowed)
    return int(value)


def _checked_targets(name: str, value: Any, groups: tuple[str, ...]) -> Mapping[str, float]:
    """Check targets by group: the named ones, or any text where none is named."""
    if not isinstance(value, Mapping):
        example = '{"A": 0.98, "B": 0.95, "C": 0.90}' if groups else '{"Tea": 0.98}'
        _refuse(name, value, f"an object such as {example}")
    rule = {"low": 0.0, "high": 0.9999, "above_low": True, "fraction": True}
    targets = {}
    for key in sorted(value, key=str):
        if groups and key not in groups:
            _refuse(name, key, "the classes A, B and C")
        if not isinstance(key, str) or not 0 < len(key) <= MOST_NAME:
            _refuse(name, key, f"names of 1 to {MOST_NAME} letters")
        targets[key] = float(_checked_number(f"{name}.{key[:80]}", value[key], rule, whole=False))
    return MappingProxyType(targets)


def _checked_ids(name: str, value: Any) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, list | tuple) or not all(isinstance(v, str) for v in value):
        _refuse(name, value, 'a list of location ids, such as ["WH1"], or null')
    return tuple(sorted(set(value)))


def _refuse(name: str, value: Any, allowed: str) -> None:
    shown = repr(value)
    msg = f"{name} is {shown if len(shown) <= 80 else shown[:77] + '...'}; allowed: {allowed}"
    raise ParameterError(msg)
