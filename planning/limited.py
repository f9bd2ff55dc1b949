"""A plan as somebody else may see it: only the lines of one supplier or location, and without money.

What is not known to be harmless is left out: a column, total or parameter that comes later shows nothing here
until it is named below.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from planning.errors import ParameterError
from planning.limited_beside import (
    MONEY_SAID,
    ToldReplay,
    cheapest,
    figures_as_parts,
    figures_of_parts,
    limited_figures,
    replay_as_parts,
    replay_of_parts,
    told_replay,
)
from planning.params import Params
from planning.result import Late, PlanResult, Projection
from planning.tables import RESULT_TABLES

LINE = ("item_id", "location_id")
ENDS = ("source_id", "destination_id")

FURTHER: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "policy": ("buffer_units", "kept_units", "mean_stock_units"),
        "replenishment": ("order_wanted", "units_saved"),
        "items": (
            *LINE,
            "item_name",
            "category",
            "supplier_id",
            "abc_class",
            "demand_class",
            "fed_by",
            "feeds",
        ),
        "accuracy": (
            *LINE,
            "horizon_days",
            "wape",
            "bias",
            "rmsse",
            "naive_wape",
            "mean13_wape",
            "demand_units",
            "error_units",
            "bias_units",
            "naive_error_units",
            "mean13_error_units",
            "pinball_95_units",
            "naive_pinball_95_units",
            "held_80",
            "held_90",
            "held_95",
            "held_98",
            "scored",
            "drift",
            "reason_code",
            "reason",
        ),
        "calibration": ("demand_class", "nominal", "realised", "points"),
        "rivals": ("demand_class", "model", "score", "weight", "chosen", "reason"),
        "service_curve": ("service_target", "stock_units", "expected_fill_rate", "lost_units_per_year"),
        "before_after": (
            *LINE,
            "stock_before",
            "transferred",
            "stock_after",
            "demand_mean_per_day",
            "days_before",
            "days_after",
            "requested",
            "short",
            "bound",
            "need_units",
            "fill_rate_before",
            "fill_rate_after",
        ),
        "steps": (
            *LINE,
            "expected_demand",
            "buffer",
            "stock",
            "receipts",
            "lost_before",
            "coverage_end_days",
        ),
    }
)
"""Columns beyond the contract's that hold no money."""

MIXED: Mapping[str, frozenset[str]] = MappingProxyType({"allocation": frozenset({"value"})})
"""Columns of the contract that may hold money although their kind does not say so."""

RATIO: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "policy": frozenset({"expected_fill_rate", "expected_cycle_service_level", "implied_service"}),
        "before_after": frozenset({"fill_rate_after"}),
    }
)
"""Where service is measured by cost, these follow margin against holding cost."""

UNIT_TOTALS = ("order_lines", "allocated_units", "items_at_risk", "expected_lost_units")

ADDED = ("as_of", "params", "orders", "planned_orders", "items", "allocation")
"""What totals are added up of, besides the lines."""

RATES = ("holding_rate_per_year",)
"""Parameters about money whose unit is another."""


def limited(
    result: PlanResult, *, supplier: str | None = None, location: str | None = None, hide_costs: bool = True
) -> PlanResult:
    """Return the plan with the lines of one supplier and at one location alone, and without money.

    Every frame keeps its columns; where money is hidden they are empty, and nothing is sorted by it. What sums up
    all lines (service curve, calibration, rivals, notes, the solver's objective) goes where lines are left out;
    totals are added up anew. Transfers name their other end, and items what feeds them. Which data it was made of
    (`snapshot_id`) is never told.

    Parameters
    ----------
    supplier, location : whose lines stay; None: all.
    hide_costs : whether costs, prices, and what follows from them go. The ABC class stays: it ranks, coarsely.

    Raises
    ------
    ParameterError : the plan knows no such supplier or location.
    """
    items = result.items
    keep = np.ones(len(items), bool)
    for column, wanted in (("supplier_id", supplier), ("location_id", location)):
        if wanted is not None:
            mine = (items[column] == wanted).to_numpy(bool)
            if not mine.any():
                msg = f"the plan knows no {column.removesuffix('_id')} {wanted[:80]!r}: choose one of the data"
                raise ParameterError(msg)
            keep &= mine
    narrow = supplier is not None or location is not None
    lines = pd.MultiIndex.from_frame(items.loc[keep, list(LINE)])
    parts: dict[str, Any] = {f.name: getattr(result, f.name) for f in fields(result)}
    for name, part in parts.items():
        if isinstance(part, pd.DataFrame):
            own = _own_rows(part, lines, supplier, location) if narrow else part
            parts[name] = _without_money(own, name, result.params) if hide_costs else own.reset_index(drop=True)
    if location is not None:
        # How much the others asked for stands in them.
        parts["allocation"] = parts["allocation"].assign(reason="")
    parts["projection"] = _projection(result.projection, lines) if narrow else result.projection
    parts["params"] = _params(result.params, items[keep], narrow=narrow, hide_costs=hide_costs)
    parts["totals"] = _totals(result, parts, narrow=narrow, hide_costs=hide_costs)
    parts["solver"] = _solver(result.solver, narrow=narrow, hide_costs=hide_costs)
    parts["notes"] = () if narrow else tuple(n for n in result.notes if not (hide_costs and MONEY_SAID.search(n)))
    parts["snapshot_id"] = ""
    _refuse_unknown(parts)
    return PlanResult(**parts)


def of_lines(result: PlanResult, keys: pd.DataFrame) -> PlanResult:
    """Return the plan of some lines, with its money: their rows, their totals; what sums up all lines is empty.

    Parameters
    ----------
    keys : item_id, location_id of the lines; of a transfer one end is enough.
    """
    lines = pd.MultiIndex.from_frame(keys[list(LINE)])

    def own(name: str) -> pd.DataFrame:
        return _own_rows(getattr(result, name), lines, None, None)

    def rows(some: np.ndarray) -> np.ndarray:
        return np.asarray(np.flatnonzero(_among(result.lines[list(LINE)], lines))[some])

    parts: dict[str, Callable[[], Any]] = {
        f.name: partial(own if f.type is pd.DataFrame else partial(getattr, result), f.name) for f in fields(PlanResult)
    }
    parts |= {
        "figures": partial(own, "lines"),
        "projection": lambda: _projection(result.projection, lines),
        "totals": lambda: _added_up({name: getattr(plan, name) for name in ADDED} | {"replenishment": plan.lines}),
    }
    late = Late(parts, lambda some: result.reasons(rows(some)), lambda some: result.near(rows(some)))
    plan: PlanResult = PlanResult.made_late({}, late)
    return plan


def _refuse_unknown(parts: Mapping[str, Any]) -> None:
    """Stop where a plan has a part that nobody has thought of here."""
    known = {"as_of", "params", "projection", "totals", "solver", "notes", "snapshot_id"}
    for name, part in parts.items():
        if name not in known and not isinstance(part, pd.DataFrame):
            msg = f"a plan's {name} cannot be limited: say in planning.limited what of it may be seen"
            raise TypeError(msg)


# --- lines ------------------------------------------------------------------------------------------------------------


def _own_rows(frame: pd.DataFrame, lines: pd.MultiIndex, supplier: str | None, location: str | None) -> pd.DataFrame:
    """Return the rows that speak of these lines; none where a table sums up all."""
    if set(LINE) <= set(frame):
        mine = _among(frame[list(LINE)], lines)
    elif {"item_id", *ENDS} <= set(frame):
        ends = [_among(frame[["item_id", end]], lines) for end in ENDS]
        mine = ends[0] | ends[1]
        if location is not None:
            mine &= (frame[list(ENDS)] == location).any(axis=1).to_numpy(bool)
    else:
        return frame.iloc[:0].reset_index(drop=True)
    if supplier is not None and "supplier_id" in frame:
        other = frame["supplier_id"].notna() & (frame["supplier_id"] != supplier)
        mine &= ~other.to_numpy(bool)
    return frame[mine].reset_index(drop=True)


def _among(keys: pd.DataFrame, lines: pd.MultiIndex) -> np.ndarray:
    return np.asarray(pd.MultiIndex.from_frame(keys).isin(lines))


def _projection(projection: Projection, lines: pd.MultiIndex) -> Projection:
    mine = _among(projection.keys[list(LINE)], lines)
    parts: dict[str, Any] = {f.name: getattr(projection, f.name) for f in fields(projection)}
    for name, part in parts.items():
        if name != "days":
            parts[name] = part[mine].reset_index(drop=True) if isinstance(part, pd.DataFrame) else part[mine]
    return Projection(**parts)


# --- money ------------------------------------------------------------------------------------------------------------


def harmless_columns(name: str) -> frozenset[str]:
    """Return the columns of a part of a plan that are known to hold no money."""
    table = RESULT_TABLES.get(name)
    told = {column.name for column in table.columns if column.kind != "money"} if table else set()
    return frozenset(told - MIXED.get(name, frozenset()) | set(FURTHER.get(name, ())))


def _without_money(frame: pd.DataFrame, name: str, params: Params) -> pd.DataFrame:
    """Return a table with empty cells where money stood, or may have."""
    empty = set(frame) - harmless_columns(name)
    if params.service_measure == "cost":
        empty |= RATIO.get(name, frozenset()) & set(frame)
    out = frame.assign(**{str(column): np.nan for column in empty}).reset_index(drop=True)
    if "reason" in out:
        said = out["reason"].astype(object).map(lambda told: isinstance(told, str) and bool(MONEY_SAID.search(told)))
        out["reason"] = out["reason"].mask(said.astype(bool), "")
    if name == "exceptions":
        by = ["units_at_stake", *(key for key in RESULT_TABLES[name].key if key in out)]
        out = out.sort_values(by, ascending=[False, *[True] * (len(by) - 1)], kind="stable", ignore_index=True)
    return out


def _totals(result: PlanResult, parts: Mapping[str, Any], *, narrow: bool, hide_costs: bool) -> dict[str, Any]:
    told = _added_up(parts) if narrow else dict(result.totals)
    if not hide_costs:
        return told
    return {name: value if name in UNIT_TOTALS else None for name, value in told.items()}


def _added_up(parts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the totals of `planning.report` of these lines; cash out without later orders set by hand apart."""
    orders, lines, later = parts["orders"], parts["replenishment"], parts["planned_orders"]
    soon = later["order_on"] < pd.Timestamp(parts["as_of"]) + pd.Timedelta(days=parts["params"].plan_days)
    cost = parts["items"].drop_duplicates(list(LINE)).set_index(list(LINE))["unit_cost"]
    mine = later[soon]
    coming = mine["quantity"] * cost.reindex(pd.MultiIndex.from_frame(mine[list(LINE)])).to_numpy(float)
    return {
        "order_value": _known(orders["line_value"]),
        "order_lines": len(orders),
        "allocated_units": round(float(parts["allocation"]["quantity"].sum()), 6),
        "items_at_risk": int(lines["risk"].isin(["red", "amber"]).sum()),
        "expected_lost_units": round(float(lines["expected_lost_units"].sum()), 6),
        "lost_margin": _known(lines["lost_margin"]),
        "excess_value": _known(lines["excess_value"]),
        "cash_out": _known(pd.Series([*orders["line_value"].astype(float), *coming], dtype=float)),
    }


def _known(values: pd.Series) -> float | None:
    known = values.astype(float).dropna()
    return None if known.empty and len(values) else round(float(known.sum()), 6)


def _solver(told: Mapping[str, Any], *, narrow: bool, hide_costs: bool) -> dict[str, Any]:
    if not narrow and not hide_costs:
        return dict(told)
    return {"status": told.get("status", ""), "objective": None, "gap": None}


# --- parameters -------------------------------------------------------------------------------------------------------


def _params(params: Params, items: pd.DataFrame, *, narrow: bool, hide_costs: bool) -> Params:
    """Return the parameters without amounts of money, and without what names others."""
    plain, told = Params().to_dict(), params.to_dict()
    known = {name: set(items[name].dropna()) for name in (*LINE, "category", "supplier_id")}
    for f in fields(params):
        if hide_costs and (f.metadata.get("unit") == "money" or f.name in RATES):
            told[f.name] = plain[f.name]
        if narrow and f.metadata.get("targets_of") == ():
            names = known["supplier_id"] | known["category"]
            told[f.name] = {name: value for name, value in told[f.name].items() if name in names}
        if narrow and f.metadata.get("ids") and told[f.name] is not None:
            told[f.name] = [name for name in told[f.name] if name in known["location_id"]] or None
        if f.metadata.get("changes"):
            told[f.name] = [
                change
                for change in told[f.name]
                if not (hide_costs and change["kind"] in ("cost", "price"))
                and not (narrow and _names_others(change, known))
            ]
    return Params.from_mapping(told)


def _names_others(change: Mapping[str, Any], known: Mapping[str, set[str]]) -> bool:
    places = known["location_id"]
    held = {**known, "source_id": places, "destination_id": places}
    return any(name in held and value not in held[name] for name, value in change.items())


__all__ = [
    "FURTHER",
    "MIXED",
    "MONEY_SAID",
    "ToldReplay",
    "cheapest",
    "figures_as_parts",
    "figures_of_parts",
    "harmless_columns",
    "limited",
    "limited_figures",
    "of_lines",
    "replay_as_parts",
    "replay_of_parts",
    "told_replay",
]
