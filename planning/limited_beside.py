"""What a link shows beside its plan, as somebody else may see it: key figures, and what a replay told.

As in `planning.limited`, what is not known to be harmless is left out: a figure or column that comes later shows
nothing here until it is named below.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from planning.kpi_form import CATALOGUE, Kpi
from planning.replay_measures import ReplayResult
from planning.replay_run import NAMES
from planning.replay_scope import narrow as narrowed

LINE = ("item_id", "location_id")

MONEY_SAID = re.compile(
    r"critical ratio|margin|price|cost|money|worth|value|budget of|minimum of|beyond the budget|[€$£¥]|"
    r"\d[.,]\d\d(?!\d|\s?%)",
    re.IGNORECASE,
)
"""What a sentence holds that tells of money; two decimals are how amounts are written."""

WITHOUT_MONEY = frozenset(
    {
        "orders_due_today", "sell_through", "fill_rate_achieved", "stockout_rate", "forecast_accuracy",
        "forecast_bias", "drifting_forecasts", "supplier_on_time", "supplier_in_full", "supplier_otif",
        "lead_time_adherence", "record_accuracy", "space_used",
    }
)  # fmt: skip
"""Key figures from which no cost and no price can be worked out."""

OF_OWN_LINES = frozenset(
    {
        "margin_at_risk", "excess_value", "order_value_today", "orders_due_today", "cash_out", "stock_value",
        "days_of_supply", "carrying_cost", "fill_rate_achieved", "stockout_rate", "forecast_accuracy", "forecast_bias",
        "drifting_forecasts", "record_accuracy", "value_accuracy", "shrinkage",
    }
)  # fmt: skip
"""Key figures of some lines that tell nothing of others: of what a warehouse feeds, of who else delivers."""

HARMLESS = frozenset(
    {
        *LINE, "supplier_id", "order_number", "quantity", "on_hand", "received", "sold", "sell_through", "lost",
        "fill_rate", "days_empty", "days_told", "stockout_rate", "told_by", "demand_units", "error_units", "bias_units",
        "wape", "bias", "tracking_signal", "drift", "order_lines", "on_time", "in_full", "on_time_in_full", "failed",
        "still_open_units", "share", "lead_time_days", "promised_days", "days_over", "counted_on", "counted", "book",
        "difference", "tolerance", "agrees", "capacity", "used", "inbound", "unknown_units", "share_used",
        "share_with_inbound",
    }
)  # fmt: skip
"""Columns behind a key figure that hold no money."""

UNIT_MEASURES = (
    "policy", "lines", "fill_rate", "promised_fill_rate", "cycle_service_level", "stockout_buckets",
    "average_stock_units", "orders", "ordered_units", "lost_units", "waste_units",
)  # fmt: skip
MONEY_MEASURES = (
    "average_stock_value", "turns", "lost_margin", "waste_value", "holding_cost", "order_cost", "total_cost",
)  # fmt: skip
CURVE_UNITS = ("policy", "target", "fill_rate", "average_stock_units")
CURVE_MONEY = ("average_stock_value",)


def limited_figures(
    figures: Mapping[str, Kpi], keys: pd.DataFrame, *, narrow: bool, hide_costs: bool
) -> dict[str, Kpi]:
    """Return the key figures that may be seen, by key in their order; those without a value are left out.

    Parameters
    ----------
    figures : of these lines alone. keys : item_id, location_id of the lines that are shown.
    narrow : whether they are not all lines of the plan.
    hide_costs : whether costs, prices, and what follows from them go.
    """
    lines = pd.MultiIndex.from_frame(keys[list(LINE)])
    told = {}
    for key, one in figures.items():
        shown = (not hide_costs or key in WITHOUT_MONEY) and (not narrow or key in OF_OWN_LINES)
        if shown and one.value is not None:
            told[key] = _limited_figure(one, lines, narrow=narrow, hide_costs=hide_costs)
    return told


def _limited_figure(one: Kpi, lines: pd.MultiIndex, *, narrow: bool, hide_costs: bool) -> Kpi:
    rows = one.items
    if narrow:
        own = set(LINE) <= set(rows)
        rows = rows[pd.MultiIndex.from_frame(rows[list(LINE)]).isin(lines)] if own else rows.iloc[:0]
    if hide_costs:
        rows = rows[[column for column in rows if column in HARMLESS]]
        # The order in which they stood told of money.
        rows = rows.sort_values([column for column in (*LINE, "supplier_id") if column in rows], kind="stable")
    covered = "" if hide_costs and MONEY_SAID.search(one.covered) else one.covered
    return replace(one, items=rows.reset_index(drop=True), covered=covered, missing="")


@dataclass(frozen=True)
class ToldReplay:
    """What a replay showed, without what each policy did each week.

    span : first and last day that count. bucket_days : days of a bucket. counted, buckets : how many count, of all.
    lines : item-locations.
    totals : `UNIT_MEASURES` and `MONEY_MEASURES` by policy, the plan's first; without money these are empty.
    curve : policy, target, fill_rate, average_stock_units, average_stock_value; none where lines are left out.
    promised : one row of `ReplayResult.promised`, of the plan's policy. apart : that row of `ReplayResult.against`
        which tells how much more the cheapest costs than the next, or no row.
    notes : what was assumed and left out; none where lines are left out.
    """

    span: tuple[date, date]
    bucket_days: int
    counted: int
    buckets: int
    lines: int
    totals: pd.DataFrame
    curve: pd.DataFrame
    promised: pd.DataFrame
    apart: pd.DataFrame
    notes: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The policies, the plan's first."""
        return tuple(str(name) for name in self.totals["policy"])


def told_replay(
    result: ReplayResult, curve: pd.DataFrame, keys: pd.DataFrame, *, narrow: bool, hide_costs: bool
) -> ToldReplay | None:
    """Return what a replay showed of some lines; None where none of them was replayed.

    Parameters
    ----------
    curve : as `planning.replay_run.exchange_curve` returns it, of all lines.
    keys : item_id, location_id of the lines that are shown. narrow, hide_costs : as in `limited_figures`.
    """
    result = narrowed(result, keys)
    if not result.world.lines:
        return None
    shown = _names_seen(result.names, all_hidden=narrow, money_hidden=hide_costs)
    totals = result.totals()
    money: tuple[str, ...] = () if hide_costs else (*CURVE_MONEY,)
    notes = () if narrow else tuple(note for note in result.notes if not (hide_costs and MONEY_SAID.search(note)))
    return ToldReplay(
        span=result.span,
        bucket_days=result.bucket_days,
        counted=int(result.world.counted.sum()),
        buckets=len(result.world.counted),
        lines=result.world.lines,
        totals=_measures(totals, hide_costs=hide_costs).replace({"policy": shown}),
        curve=_columns(curve.iloc[:0] if narrow else curve, (*CURVE_UNITS, *money), CURVE_MONEY).replace(
            {"policy": shown}
        ),
        promised=result.promised(result.names[0]),
        apart=_apart(result, totals).iloc[: 0 if hide_costs else None],
        notes=notes,
    )


def cheapest(totals: pd.DataFrame) -> list[str]:
    """Return the policies that were replayed on the same lines and whose cost is known, the cheapest first.

    Parameters
    ----------
    totals : policy, lines, total_cost, as `ReplayResult.totals` returns them.
    """
    same = totals[(totals["lines"] == totals["lines"].max()) & totals["total_cost"].notna()]
    return [str(name) for name in same.sort_values("total_cost", kind="stable")["policy"]]


def _apart(result: ReplayResult, totals: pd.DataFrame) -> pd.DataFrame:
    ranked = cheapest(totals)
    if len(ranked) < 2:  # noqa: PLR2004
        return pd.DataFrame(columns=["measure", "value", "other", "difference", "low", "high"])
    rows = result.against(ranked[0], ranked[1])
    return rows[rows["measure"] == "total_cost"].reset_index(drop=True)


def _measures(totals: pd.DataFrame, *, hide_costs: bool) -> pd.DataFrame:
    return _columns(totals, UNIT_MEASURES if hide_costs else (*UNIT_MEASURES, *MONEY_MEASURES), MONEY_MEASURES)


def _columns(frame: pd.DataFrame, kept: tuple[str, ...], empty: tuple[str, ...]) -> pd.DataFrame:
    """Return these columns, and others empty."""
    some = frame.reindex(columns=list(kept)).reset_index(drop=True)
    return some.assign(**{name: np.nan for name in empty if name not in some})


def _names_seen(names: tuple[str, ...], *, all_hidden: bool, money_hidden: bool) -> dict[str, str]:
    """Return what policies are called for a viewer: kept scenarios by number where a name may tell too much."""
    known = set(NAMES.values()) | set(NAMES)
    return {
        name: f"Scenario {n}"
        for n, name in enumerate(names)
        if name not in known and (all_hidden or (money_hidden and MONEY_SAID.search(name)))
    }


# --- as plain parts, to be kept ---------------------------------------------------------------------------------------


def figures_as_parts(figures: Mapping[str, Kpi]) -> dict[str, Any]:
    """Return key figures as tables and one mapping of plain values: what `figures_of_parts` reads."""
    heads = {key: {name: getattr(one, name) for name in _PLAIN} for key, one in figures.items()}
    parts: dict[str, Any] = {"heads": heads}
    for key, one in figures.items():
        parts |= {f"trend {key}": one.trend, f"items {key}": one.items}
    return parts


def figures_of_parts(parts: Mapping[str, Any]) -> dict[str, Kpi]:
    """Return the key figures of such parts.

    Raises
    ------
    KeyError, TypeError : they are of another version.
    """
    place = {key: n for n, key in enumerate(CATALOGUE)}
    return {
        key: Kpi(key=key, trend=parts[f"trend {key}"], items=parts[f"items {key}"], **head)
        for key, head in sorted(parts["heads"].items(), key=lambda told: place.get(told[0], len(place)))
    }


def replay_as_parts(told: ToldReplay) -> dict[str, Any]:
    """Return what a replay told as tables and one mapping of plain values: what `replay_of_parts` reads."""
    head = {name: getattr(told, name) for name in ("bucket_days", "counted", "buckets", "lines")}
    head |= {"span": [day.isoformat() for day in told.span], "notes": list(told.notes)}
    return {"head": head} | {name: getattr(told, name) for name in _TABLES}


def replay_of_parts(parts: Mapping[str, Any]) -> ToldReplay:
    """Return what a replay told of such parts.

    Raises
    ------
    KeyError, TypeError, ValueError : they are of another version.
    """
    head = dict(parts["head"])
    first, last = (date.fromisoformat(day) for day in head.pop("span"))
    notes = tuple(head.pop("notes"))
    return ToldReplay(span=(first, last), notes=notes, **head, **{name: parts[name] for name in _TABLES})


_PLAIN = ("name", "value", "unit", "period", "formula", "source", "missing", "covered", "better")
_TABLES = ("totals", "curve", "promised", "apart")
