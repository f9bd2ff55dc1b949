"""Plans that are kept: what they hold, which one is of record, and what changed from one to the next."""

import io
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Protocol

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from data import decisions
from data.acting import decide, is_of_sample, person
from data.catalog import PlanRecord
from data.deciding import LONGEST_NAME, checked_text
from data.ordering import approvals, pins_in_force
from data.orders_out import OrdersOut, order_sheet, orders_file
from data.upload import shown
from data.visitor import Visitor
from planning.errors import InputError
from planning.params import Params

KINDS = ("replenishment", "allocation")
SCOPE: Mapping[str, str] = MappingProxyType(
    {"locations": "location_id", "categories": "category", "suppliers": "supplier_id"}
)
LINE = ("item_id", "location_id")
ROUTE = ("item_id", "source_id", "destination_id")
STEPS = ("expected_demand", "buffer", "stock", "receipts", "lost_before", "coverage_end_days")
PINNED: Mapping[str, str] = MappingProxyType(
    {"safety_stock": "pinned_stock", "service_target": "pinned_target", "order_quantity": "pinned_order"}
)
POLICY = ("service_target", "lead_time_days", "review_period_days", "policy_type")
CAUSES = ("demand", "stock", "receipts", "parameters", "target", "pin", "limits", "new or gone")
"""Why a line changed. `limits`: packs, minimums, maximums, budget, and whether it is the day to order."""


class Made(Protocol):
    """What of a plan (`planning.result.PlanResult`) is kept."""

    @property
    def as_of(self) -> date:
        """The morning of the plan."""

    @property
    def params(self) -> Params:
        """Its parameters."""

    @property
    def replenishment(self) -> pd.DataFrame:
        """Its lines."""

    @property
    def lines(self) -> pd.DataFrame:
        """The same, not always with their reasons."""

    @property
    def policy(self) -> pd.DataFrame:
        """The levels of each line."""

    @property
    def items(self) -> pd.DataFrame:
        """What pages group by."""

    @property
    def allocation(self) -> pd.DataFrame:
        """Its transfers."""

    @property
    def steps(self) -> pd.DataFrame:
        """What each purchase is made of."""


# --- keeping ----------------------------------------------------------------------------------------------------------


def check_plan(name: str, kind: str) -> str:
    """Return the name of a new plan as it is kept: the first of the two steps.

    Raises
    ------
    InputError : the name is missing or too long, or there is no such kind.
    """
    if kind not in KINDS:
        msg = f"{shown(kind)!r} is no kind of plan: take one of {', '.join(KINDS)}"
        raise InputError(msg)
    return str(checked_text(name, "the name", LONGEST_NAME, needed=True))


def checked_scope(result: Made, scope: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Return locations, categories and suppliers of a plan, each without repeats; none of one kind: all of them.

    Raises
    ------
    InputError : the plan knows one of them not.
    """
    kept = {}
    for what, column in SCOPE.items():
        names = list(dict.fromkeys(scope.get(what, ())))
        known = set(result.items[column].dropna())
        unknown = next((name for name in names if name not in known), None)
        if unknown is not None:
            msg = f"the plan knows no {shown(unknown)!r} among its {what}: choose from those of the data"
            raise InputError(msg)
        kept[what] = names
    return kept


def keep_plan(
    visitor: Visitor,
    snapshot_id: str,
    result: Made,
    plan_key: str,
    *,
    name: str,
    kind: str,
    scope: Mapping[str, Sequence[str]],
) -> PlanRecord:
    """Keep a plan as a draft and return its record.

    Raises
    ------
    NotAllowedError : the visitor may not change this workspace.
    InputError : name, kind or scope cannot be used, no line lies in the scope, or the disk is full.
    """
    visitor.permit("make plans")
    told = check_plan(name, kind)
    within = checked_scope(result, scope)
    pinned = pins_in_force(visitor, snapshot_id)
    lines = scoped(_order_lines(result, pinned) if kind == KINDS[0] else _transfer_lines(result), within)
    if lines.empty and kind == KINDS[0]:
        msg = "no line lies in this scope: choose more locations, categories or suppliers"
        raise InputError(msg)
    plan = PlanRecord(
        plan_id=secrets.token_hex(6),
        name=told,
        kind=kind,
        status="draft",
        as_of=result.as_of,
        made_at=datetime.now(UTC),
        made_by=person(visitor)[:80],
        snapshot_id=snapshot_id,
        plan_key=plan_key,
        params=result.params.to_json(),
        scope=within,
        totals=_totals(lines),
        sample=is_of_sample(visitor, snapshot_id),
    )
    visitor.workspace.keep_plan(plan, to_parquet(lines))
    visitor.log("made a plan", plan=plan.plan_id, lines=len(lines))
    return plan


def _order_lines(result: Made, pinned: pd.DataFrame, made: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return all lines of a plan, each with what it is compared by.

    Parameters
    ----------
    made : its lines; None: with their reasons, which take long to write for many.
    """
    items = result.items.drop_duplicates(list(LINE))[[*LINE, "item_name", "category", "unit_cost", "supplier_id"]]
    policy = result.policy[[*LINE, *(name for name in POLICY if name in result.policy)]]
    steps = result.steps if len(result.steps.columns) else pd.DataFrame(columns=[*LINE, *STEPS])
    made = result.replenishment if made is None else made
    lines = made.merge(items, on=list(LINE), how="left", suffixes=("", "_of_item"))
    lines["supplier_id"] = lines["supplier_id"].where(lines["supplier_id"].notna(), lines["supplier_id_of_item"])
    lines = (
        lines.drop(columns="supplier_id_of_item")
        .merge(policy, on=list(LINE), how="left")
        .merge(steps, on=list(LINE), how="left")
    )
    for kind, column in PINNED.items():
        mine = pinned[pinned["kind"] == kind]
        if kind == "order_quantity":
            mine = mine[mine["order_on"] == pd.Timestamp(result.as_of)]
        values = mine.drop_duplicates(list(LINE), keep="last").set_index(list(LINE))["value"]
        lines[column] = values.reindex(pd.MultiIndex.from_frame(lines[list(LINE)])).to_numpy(float)
    return lines


def _transfer_lines(result: Made) -> pd.DataFrame:
    items = result.items.drop_duplicates("item_id")[["item_id", "item_name", "category", "supplier_id"]]
    return result.allocation.merge(items, on="item_id", how="left")


def scoped(lines: pd.DataFrame, scope: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """Return the lines within a scope; transfers where they leave or arrive in one of its locations."""
    kept = pd.Series(data=True, index=lines.index)
    places = [name for name in ("location_id", "source_id", "destination_id") if name in lines]
    if scope.get("locations"):
        kept &= lines[places].isin(scope["locations"]).any(axis=1)
    for what, column in (("categories", "category"), ("suppliers", "supplier_id")):
        if scope.get(what):
            kept &= lines[column].isin(scope[what])
    return lines[kept].reset_index(drop=True)


def _totals(lines: pd.DataFrame) -> dict[str, float]:
    units = lines["order_quantity"] if "order_quantity" in lines else lines["quantity"]
    value = lines["order_value"] if "order_value" in lines else lines["value"]
    return {"lines": float((units > 0).sum()), "units": float(units.sum()), "value": float(value.sum())}


def to_parquet(lines: pd.DataFrame) -> bytes:
    """Return lines as a Parquet file."""
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pandas(lines, preserve_index=False), sink, compression="zstd")
    return bytes(sink.getvalue().to_pybytes())


# --- looking at them --------------------------------------------------------------------------------------------------


def plans(visitor: Visitor) -> list[PlanRecord]:
    """Return the plans of this workspace, newest first."""
    return visitor.workspace.plans()


def find_plan(visitor: Visitor, plan_id: str) -> PlanRecord:
    """Return one plan of this workspace.

    Raises
    ------
    InputError : there is none of this id.
    """
    found = next((plan for plan in visitor.workspace.plans() if plan.plan_id == plan_id), None)
    if found is None:
        msg = f"there is no plan {shown(plan_id)[:12]!r} here: choose one of the list"
        raise InputError(msg)
    return found


def adopt_plan(visitor: Visitor, plan_id: str) -> None:
    """Make a plan the one of record; the earlier one of its kind is superseded.

    Raises
    ------
    NotAllowedError : the visitor may not change this workspace.
    InputError : there is no such plan.
    """
    visitor.permit("adopt plans")
    visitor.workspace.adopt_plan(find_plan(visitor, plan_id), person(visitor)[:80])
    visitor.log("adopted a plan", plan=plan_id[:12])


def plan_lines(visitor: Visitor, plan_id: str, *, all_lines: bool = False) -> pd.DataFrame:
    """Return the lines of a kept plan: those that order or move something, or all.

    Raises
    ------
    InputError : there is no such plan.
    """
    find_plan(visitor, plan_id)
    lines: pd.DataFrame = pq.read_table(io.BytesIO(visitor.workspace.plan_lines(plan_id))).to_pandas()
    if all_lines or "order_quantity" not in lines:
        return lines
    return lines[(lines["order_quantity"] > 0) | (lines["transfer_quantity"] > 0)].reset_index(drop=True)


def orders_out(visitor: Visitor, plan_id: str, *, excel: bool = False) -> OrdersOut:
    """Return the approved orders of a plan's morning within its scope as a file, and mark them as taken out.

    Raises
    ------
    NotAllowedError : the visitor may not change this workspace.
    InputError : there is no such plan, or nothing of it is approved.
    """
    visitor.permit("take orders out")
    plan = find_plan(visitor, plan_id)
    frames = visitor.workspace.load(plan.snapshot_id)
    lines = approvals(visitor, plan.snapshot_id, plan.as_of)
    lines = lines[(lines["ordered_on"] == pd.Timestamp(plan.as_of)) & (lines["status"] != "closed")]
    if "items" in frames:
        category = frames["items"].drop_duplicates("item_id").set_index("item_id")["category"]
    else:
        category = pd.Series(dtype=object)
    lines = scoped(lines.assign(category=lines["item_id"].map(category)), plan.scope)
    made = orders_file(plan, order_sheet(lines, frames), excel=excel)
    new = sorted(lines.loc[lines["taken_at"].isna(), "order_number"].unique())
    if new:
        decide(visitor, plan.snapshot_id, decisions.EXPORT, {"orders": new, "plan_id": plan_id})
    visitor.log("took orders out", plan=plan_id, orders=made.orders, lines=made.lines)
    return made


# --- what changed -----------------------------------------------------------------------------------------------------


def changes(visitor: Visitor, old: str, new: str) -> pd.DataFrame:
    """Return every line that changed from one kept plan to another, and why, the largest change first.

    Returns
    -------
    DataFrame: item_id, location_id (of transfers source_id, destination_id), item_name, supplier_id, before, after,
    change (units), value_change (money, NaN where no cost is known), cause (the main one), and a column for each of
    `CAUSES` in units: they add up to the change.

    Raises
    ------
    InputError : there is no such plan, or the two are of different kinds.
    """
    first, second = find_plan(visitor, old), find_plan(visitor, new)
    if first.kind != second.kind:
        msg = "the two plans are of different kinds: compare a plan with one of its own kind"
        raise InputError(msg)
    before, after = (plan_lines(visitor, plan, all_lines=True) for plan in (old, new))
    if first.kind != KINDS[0]:
        return compare_transfers(before, after)
    told = [Params.from_json(plan.params) for plan in (first, second)]
    other = any(getattr(told[0], name) != getattr(told[1], name) for name in ("service_measure", "unmet_demand"))
    return compare(before, after, other_measure=other)


def changes_since(visitor: Visitor, snapshot_id: str, old: str, result: Made) -> pd.DataFrame:
    """Return every order line of a plan that is not kept which differs from a kept one, as `changes` does.

    Within the scope of the kept one: what it did not look at is no news.

    Raises
    ------
    InputError : there is no such plan, or it is one of transfers.
    """
    first = find_plan(visitor, old)
    if first.kind != KINDS[0]:
        msg = "the kept plan is one of transfers: compare with a replenishment plan"
        raise InputError(msg)
    told = Params.from_json(first.params)
    other = any(getattr(told, name) != getattr(result.params, name) for name in ("service_measure", "unmet_demand"))
    after = scoped(_order_lines(result, pins_in_force(visitor, snapshot_id), result.lines), first.scope)
    return compare(plan_lines(visitor, old, all_lines=True), after, other_measure=other)


def compare(before: pd.DataFrame, after: pd.DataFrame, *, other_measure: bool = False) -> pd.DataFrame:
    """Return what changed between the lines of two plans, as `changes` says.

    Each step of the waterfall is exchanged for the new one in turn, and what the order moves by is that step's; done
    in both directions, the mean of the two depends on no order. What no step explains are limits, or a pin.

    Parameters
    ----------
    other_measure : whether service is measured otherwise than before.
    """
    both = before.merge(after, on=list(LINE), how="outer", suffixes=("_0", "_1"), indicator="there")
    both = both[both["order_quantity_0"].fillna(0).round(6) != both["order_quantity_1"].fillna(0).round(6)]
    both = both.reset_index(drop=True)
    old, new = (both["order_quantity" + side].fillna(0).to_numpy(float) for side in ("_0", "_1"))
    change = (new - old).round(6)
    alone = (both["there"] != "both").to_numpy()
    parts = _steps_moved(both, other_measure=other_measure)
    for name in parts:
        parts[name] = np.where(alone, 0.0, parts[name]).round(6)
    rest = np.where(alone, 0.0, change - sum(parts.values())).round(6)
    held = ~(both["pinned_order_0"].isna() & both["pinned_order_1"].isna()).to_numpy()
    parts["pin"] = parts["pin"] + np.where(held, rest, 0.0)
    parts["limits"] = np.where(held, 0.0, rest)
    parts["new or gone"] = np.where(alone, change, 0.0)
    first, second = ({n: both[n + side] for n in ("item_name", "supplier_id", "unit_cost")} for side in ("_1", "_0"))
    about = {name: first[name].where(first[name].notna(), second[name]) for name in first}
    out = pd.DataFrame(
        {
            **{name: both[name] for name in list(LINE)},
            "item_name": about["item_name"],
            "supplier_id": about["supplier_id"],
            "before": old,
            "after": new,
            "change": change,
            "value_change": change * about["unit_cost"].astype(float),
            "cause": _main(parts, alone, old),
            **{name: parts[name] for name in CAUSES},
        }
    )
    rank = out["value_change"].abs().fillna(-1.0)
    order = np.lexsort((out["location_id"], out["item_id"], -out["change"].abs(), -rank))
    return out.iloc[order].reset_index(drop=True)


def _steps_moved(both: pd.DataFrame, *, other_measure: bool) -> dict[str, np.ndarray]:
    """Return what each cause moves the need by, as far as the need is above zero, units."""

    def of(name: str, side: int) -> np.ndarray:
        return np.asarray(both[f"{name}_{side}"].astype(float).fillna(0.0))

    def differs(name: str) -> np.ndarray:
        if f"{name}_0" not in both or f"{name}_1" not in both:
            return np.zeros(len(both), bool)
        one, two = both[f"{name}_0"], both[f"{name}_1"]
        return np.asarray((one != two) & ~(one.isna() & two.isna()))

    days = [of("coverage_end_days", side) for side in (0, 1)]
    known = (days[0] > 0) & (days[1] > 0)
    rates = [of("expected_demand", side) / np.where(known, days[side], 1.0) for side in (0, 1)]
    # At the mean of both rates: what lasts longer is told from what sells faster the same way back and forth.
    longer = np.where(known, (rates[0] + rates[1]) / 2 * (days[1] - days[0]), 0.0)
    more = of("expected_demand", 1) - of("expected_demand", 0) - longer
    extra = of("buffer", 1) - of("buffer", 0)
    pinned = differs("pinned_stock") | differs("pinned_target")
    target = ~pinned & differs("service_target")
    times = differs("lead_time_days") | differs("review_period_days") | differs("policy_type") | other_measure
    times &= ~pinned & ~target
    owed = of("lost_before", 0) - of("lost_before", 1)
    moves = {
        "demand": more + np.where(pinned | target | times, 0.0, extra),
        "stock": of("stock", 0) - of("stock", 1) + owed,
        "receipts": of("receipts", 0) - of("receipts", 1),
        "parameters": longer + np.where(times, extra, 0.0),
        "target": np.where(target, extra, 0.0),
        "pin": np.where(pinned, extra, 0.0),
    }
    need = of("expected_demand", 0) + of("buffer", 0) - of("stock", 0) - of("receipts", 0) - of("lost_before", 0)
    forward, backward = _along(need, moves, list(moves)), _along(need, moves, list(moves)[::-1])
    return {name: (forward[name] + backward[name]) / 2 for name in moves}


def _along(need: np.ndarray, moves: Mapping[str, np.ndarray], order: Sequence[str]) -> dict[str, np.ndarray]:
    parts, at = {}, need
    for name in order:
        after = at + moves[name]
        parts[name] = np.maximum(after, 0) - np.maximum(at, 0)
        at = after
    return parts


def _main(parts: Mapping[str, np.ndarray], alone: np.ndarray, old: np.ndarray) -> np.ndarray:
    """Return the cause that moved most; limits only where nothing else moved at all."""
    names = [name for name in CAUSES if name != "limits"]
    sizes = np.abs(np.stack([parts[name] for name in names])) if len(old) else np.zeros((len(names), 0))
    main = np.array(names, dtype=object)[sizes.argmax(axis=0)]
    main = np.where(sizes.max(axis=0, initial=0.0) > 0, main, "limits")
    return np.asarray(np.where(alone, np.where(old > 0, "gone", "new"), main))


def between(before: Made, after: Made, pinned: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the order lines and the transfers that differ between two plans of the same data, as `changes` does.

    Parameters
    ----------
    pinned : the pins in force, as `data.service.pins` returns them.
    """
    measures = [(one.params.service_measure, one.params.unmet_demand) for one in (before, after)]
    orders = compare(
        _order_lines(before, pinned), _order_lines(after, pinned), other_measure=measures[0] != measures[1]
    )
    return orders, compare_transfers(_transfer_lines(before), _transfer_lines(after))


def compare_transfers(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Return which transfers changed between two plans: new, gone, or of another quantity."""
    both = before.merge(after, on=list(ROUTE), how="outer", suffixes=("_0", "_1"), indicator="there")
    old, new = (both["quantity" + side].fillna(0.0).astype(float) for side in ("_0", "_1"))
    cause = both["there"].astype(object).replace({"left_only": "gone", "right_only": "new", "both": "quantity"})
    name = both["item_name_1"].where(both["item_name_1"].notna(), both["item_name_0"])
    out = both[list(ROUTE)].assign(item_name=name, before=old, after=new, change=(new - old).round(6), cause=cause)
    out = out[out["change"] != 0]
    return out.iloc[np.argsort(-out["change"].abs().to_numpy(), kind="stable")].reset_index(drop=True)


def scope_left(scope: Mapping[str, Sequence[str]], result: Made) -> dict[str, list[str]]:
    """Return what of a scope a new plan still knows.

    Raises
    ------
    InputError : nothing is left of its locations, categories or suppliers.
    """
    left = {}
    for what, column in SCOPE.items():
        known = set(result.items[column].dropna())
        left[what] = [name for name in scope.get(what, ()) if name in known]
        if scope.get(what) and not left[what]:
            msg = f"none of the plan's {what} is in the data any more: make a new plan"
            raise InputError(msg)
    return left
