"""A made-up but coherent plan of 20 items, one warehouse and three stores, for tests of charts and pages.

Every frame follows from one small simulation, so that stock, orders, waterfall and projection agree.
"""

from datetime import date, timedelta

import numpy as np
import pandas as pd

from planning.params import Params
from planning.result import PlanResult, Projection
from planning.tables import RESULT_TABLES, WATERFALL_STEPS

AS_OF = date(2026, 5, 4)
HORIZON = 182
REVIEW = 7
STORES = ("HULL", "LEEDS", "YORK")
LOCATIONS = ("DC", *STORES)
CATEGORIES = ("Kitchen", "Garden", "Lighting", "Bath")
HOSTILE_NAME = "Lamp <script>alert(1)</script>"
Z95 = 1.645


def fake_plan() -> PlanResult:
    """A plan with the shape of a real one, the same each time."""
    items = _items()
    lines = pd.DataFrame([_line(n, row) for n, row in enumerate(items.itertuples())])
    projection = _projection(lines)
    replenishment = _replenishment(lines, projection)
    return PlanResult(
        as_of=AS_OF,
        params=Params(currency="€"),
        snapshot_id="fake",
        forecast=_forecast(lines),
        policy=_policy(lines),
        replenishment=replenishment,
        orders=_orders(lines),
        planned_orders=_planned_orders(lines, projection),
        allocation=_allocation(lines),
        waterfall=_waterfall(lines),
        items=items,
        accuracy=_accuracy(lines),
        calibration=fake_calibration(),
        rivals=fake_rivals(),
        service_curve=_service_curve(lines),
        before_after=_before_after(lines),
        projection=projection,
        totals=_totals(replenishment),
        solver={"status": "optimal", "objective": 0.0, "gap": 0.0},
        notes=("4 items take a lead time of 14 days: neither receipts nor suppliers give one",),
        exceptions=_exceptions(lines),
        sharing=fake_sharing(),
        limits=_limits(lines),
    )


def fake_rollup(plan: PlanResult, keys: pd.DataFrame) -> pd.DataFrame:
    """The forecast of some lines together: spreads add up as if they were independent."""
    mine = plan.forecast.merge(keys[["item_id", "location_id"]], on=["item_id", "location_id"])
    mine = mine.assign(spread=((mine["q95"] - mine["mean"]) / Z95) ** 2)
    summed = mine.groupby("starts_on", as_index=False)[["mean", "spread"]].sum()
    mean, sd = summed["mean"], np.sqrt(summed["spread"])
    quantiles = {"q50": mean, "q80": mean + 0.8416 * sd, "q90": mean + 1.2816 * sd, "q95": mean + Z95 * sd}
    return summed[["starts_on", "mean"]].assign(statistical_mean=mean, **quantiles)


def fake_calibration() -> pd.DataFrame:
    """Quantiles that hold, but for lumpy demand, whose upper ones are too low."""
    nominal = np.array([0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98])
    parts = [
        pd.DataFrame({"demand_class": name, "nominal": nominal, "realised": nominal - low * nominal**4, "points": n})
        for name, low, n in (("all", 0.004, 480), ("smooth", 0.0, 120), ("lumpy", 0.05, 90))
    ]
    return pd.concat(parts, ignore_index=True)


def fake_rivals() -> pd.DataFrame:
    """Three models for each demand class; two share the weight."""
    return pd.DataFrame(
        [
            {
                "demand_class": name,
                "model": model,
                "score": round(score + 0.01 * n, 3),
                "weight": weight,
                "chosen": weight > 0,
                "reason": reason,
            }
            for n, name in enumerate(("smooth", "erratic", "intermittent", "lumpy"))
            for model, score, weight, reason in (
                ("SES 0.1", 0.61, 0.7, "least error"),
                ("Mean of 13 weeks", 0.64, 0.3, "helps the first"),
                ("Naive", 1.0, 0.0, ""),
            )
        ]
    )


def fake_history(item_id: str = "00001", location_id: str = "LEEDS", weeks: int = 104) -> pd.DataFrame:
    """Weekly history with three weeks of empty shelf, one outlier and one event."""
    rng = np.random.default_rng(sum(map(ord, item_id + location_id)))
    starts = pd.date_range(end=pd.Timestamp(AS_OF) - pd.Timedelta(days=7), periods=weeks, freq="7D")
    season = 1 + 0.3 * np.sin(np.arange(weeks) * 2 * np.pi / 52)
    demand = rng.poisson(212 * season).astype(float)
    frame = pd.DataFrame(
        {"starts_on": starts, "sales": demand, "demand": demand, "known": True, "outlier": False, "event": False}
    )
    frame.loc[weeks - 20 : weeks - 18, "sales"] = 0.0
    frame.loc[weeks - 20 : weeks - 18, "known"] = False
    frame.loc[weeks - 9, "sales"] = 520.0
    frame.loc[weeks - 9, "outlier"] = True
    frame.loc[weeks - 30, "event"] = True
    return frame


def _items() -> pd.DataFrame:
    rows = [
        {
            "item_id": f"{n + 1:05d}",
            "location_id": location,
            "item_name": HOSTILE_NAME if n == 3 else f"{CATEGORIES[n % 4]} article {n + 1}",
            "category": CATEGORIES[n % 4],
            "supplier_id": f"SUP{n % 3 + 1}",
            "abc_class": "A" if n < 4 else "B" if n < 10 else "C",
            "demand_class": ("smooth", "erratic", "intermittent", "lumpy")[n % 4],
            "unit_cost": np.nan if n == 19 else round(3 + 2.7 * n, 2),
            "unit_price": np.nan if n == 19 else round((3 + 2.7 * n) * 1.7, 2),
            "fed_by": None if location == "DC" else "DC",
        }
        for n in range(20)
        for location in LOCATIONS
    ]
    return pd.DataFrame(rows)


def _line(n: int, item: object) -> dict[str, object]:
    """What the other frames derive from: one item-location's demand, stock, levels and order."""
    rng = np.random.default_rng(n)
    warehouse = item.location_id == "DC"
    per_day = round(float(120 / (int(item.item_id) + 2)) * (3 if warehouse else rng.uniform(0.5, 1.5)), 3)
    lead = (21 if item.supplier_id == "SUP1" else 14) if warehouse else 2
    sd = per_day * rng.uniform(0.4, 0.9)
    safety = round(Z95 * sd * np.sqrt(lead + REVIEW), 2)
    need = per_day * (lead + REVIEW) + safety
    on_hand = float(round(need * rng.choice([0.05, 0.35, 0.8, 1.3, 6.0], p=[0.15, 0.3, 0.3, 0.15, 0.1])))
    on_order = float(round(need * 0.4)) if warehouse and n % 8 == 0 else 0.0
    short = max(0.0, need - on_hand - on_order)
    packed = float(np.ceil(short / 6) * 6) if short > 0 else 0.0
    return {
        "item_id": item.item_id,
        "location_id": item.location_id,
        "supplier_id": item.supplier_id,
        "abc_class": item.abc_class,
        "demand_class": item.demand_class,
        "unit_cost": item.unit_cost,
        "unit_price": item.unit_price,
        "warehouse": warehouse,
        "per_day": per_day,
        "sd": sd,
        "lead": lead,
        "safety": safety,
        "need": need,
        "on_hand": on_hand,
        "on_order": on_order,
        "due": lead // 2,
        "short": short,
        "moq_step": max(0.0, 24 - short) if short > 0 and n % 12 == 0 else 0.0,
        "order": (max(packed, 24.0) if short > 0 and n % 12 == 0 else packed) if warehouse else 0.0,
        "transfer": 0.0 if warehouse else float(np.ceil(short)),
    }


def _projection(lines: pd.DataFrame) -> Projection:
    shape = (len(lines), HORIZON)
    demand = np.repeat(lines.per_day.to_numpy()[:, None], HORIZON, axis=1)
    receipts, orders = np.zeros(shape), np.zeros(shape)
    rows = np.arange(len(lines))
    receipts[rows, lines.due] += lines.on_order
    orders[rows, lines.lead] += lines.order + lines.transfer
    without = _roll(lines.on_hand.to_numpy(), demand, receipts)
    for day in range(REVIEW, HORIZON, REVIEW):
        for i, line in enumerate(lines.itertuples()):
            if day + line.lead >= HORIZON:
                continue
            coming = receipts[i, day:].sum() + orders[i, day:].sum()
            held = _roll(np.array([line.on_hand]), demand[i : i + 1], (receipts + orders)[i : i + 1])[0, day - 1]
            orders[i, day + line.lead] += max(0.0, np.ceil((line.need - held - coming) / 6) * 6)
    with_orders = _roll(lines.on_hand.to_numpy(), demand, receipts + orders)
    ahead = np.minimum(np.arange(1, HORIZON + 1), (lines.lead.to_numpy() + REVIEW)[:, None])
    band = 1.2816 * lines.sd.to_numpy()[:, None] * np.sqrt(ahead)
    return Projection(
        keys=lines[["item_id", "location_id"]].copy(),
        days=np.arange(np.datetime64(AS_OF), np.datetime64(AS_OF) + HORIZON),
        demand=demand,
        receipts=receipts,
        orders=orders,
        without_orders=without,
        with_orders=with_orders,
        low=np.maximum(with_orders - band, 0.0),
        high=with_orders + band,
        safety=np.repeat(lines.safety.to_numpy()[:, None], HORIZON, axis=1),
        starting_stock=lines.on_hand.to_numpy(float),
        unmet=_unmet(lines, demand, receipts + orders, with_orders),
    )


def _unmet(lines: pd.DataFrame, demand: np.ndarray, incoming: np.ndarray, stock: np.ndarray) -> np.ndarray:
    """Demand that the stock of each day does not meet."""
    before = np.concatenate([lines.on_hand.to_numpy(float)[:, None], stock[:, :-1]], axis=1)
    return np.maximum(demand - before - incoming, 0.0)


def _roll(on_hand: np.ndarray, demand: np.ndarray, incoming: np.ndarray) -> np.ndarray:
    """Stock after each day's demand, lost sales."""
    stock = np.zeros(demand.shape)
    level = on_hand.astype(float).copy()
    for day in range(demand.shape[1]):
        level = np.maximum(level + incoming[:, day] - demand[:, day], 0.0)
        stock[:, day] = level
    return stock


def _forecast(lines: pd.DataFrame) -> pd.DataFrame:
    weeks = pd.date_range(AS_OF, periods=26, freq="7D")
    rows = []
    for line in lines.itertuples():
        mean = line.per_day * 7 * (1 + 0.2 * np.sin(np.arange(26) / 4))
        spread = line.sd * np.sqrt(7) * np.sqrt(1 + np.arange(26) / 26)
        rows.append(
            pd.DataFrame(
                {
                    "item_id": line.item_id,
                    "location_id": line.location_id,
                    "starts_on": weeks,
                    "mean": mean,
                    "q50": mean,
                    "q80": mean + 0.8416 * spread,
                    "q90": mean + 1.2816 * spread,
                    "q95": mean + Z95 * spread,
                }
            )
        )
    return pd.concat(rows, ignore_index=True)


def _policy(lines: pd.DataFrame) -> pd.DataFrame:
    frame = lines[["item_id", "location_id", "abc_class", "demand_class"]].assign(
        model="SESOptimized",
        forecast_reason="",
        demand_mean_per_day=lines.per_day,
        demand_sd_per_day=lines.sd,
        lead_time_days=lines.lead.astype(float),
        lead_time_sd_days=lines.lead * 0.25,
        lead_time_from=np.where(lines.warehouse, "receipts (14)", "default"),
        review_period_days=float(REVIEW),
        protection_interval_days=lines.lead + float(REVIEW),
        service_target=0.95,
        service_target_from="all items",
        target_source="default",
        policy_type="R,S",
        pinned_safety_stock=np.nan,
        implied_service=0.952,
        safety_stock=lines.safety,
        reorder_point=lines.need - lines.per_day * REVIEW,
        order_up_to_level=lines.need,
        expected_fill_rate=0.952,
        expected_cycle_service_level=0.93,
        buffer_units=lines.safety,
        kept_units=0.0,
        mean_stock_units=lines.safety + lines.per_day * REVIEW / 2,
    )
    return frame[[*RESULT_TABLES["policy"].names, "buffer_units", "kept_units", "mean_stock_units"]]


def _replenishment(lines: pd.DataFrame, projection: Projection) -> pd.DataFrame:
    out = projection.without_orders <= 0
    first = np.where(out.any(axis=1), out.argmax(axis=1), -1)
    supply = np.where(first < 0, HORIZON, first).astype(float)
    protect = lines.lead + REVIEW
    risk = np.where(supply < lines.lead, "red", np.where(supply < protect, "amber", "green"))
    lost = np.maximum(lines.lead - supply, 0) * lines.per_day
    excess = np.maximum(lines.on_hand + lines.on_order - 3 * lines.need, 0.0)
    action = np.select(
        [lines.transfer > 0, (risk == "red") & (lines.order > 0), lines.order > 0, excess > 0],
        ["transfer", "expedite", "order", "reduce"],
        "none",
    )
    quantity = np.where(lines.warehouse, lines.order, lines.transfer)
    reason = [
        f"{'Order' if w else 'Send'} {q:.0f} because stock of {s:.0f} misses 95 % over {p} days."
        if q > 0
        else f"Nothing to do: stock of {s:.0f} covers {p} days."
        for w, q, s, p in zip(lines.warehouse, quantity, lines.on_hand, protect, strict=True)
    ]
    day = [pd.NaT if f < 0 else pd.Timestamp(AS_OF) + pd.Timedelta(days=int(f)) for f in first]
    ordered = lines.order > 0
    frame = lines[["item_id", "location_id", "supplier_id", "on_hand", "on_order"]].assign(
        order_quantity=lines.order,
        transfer_quantity=lines.transfer,
        order_on=pd.Series(pd.Timestamp(AS_OF), lines.index).where(ordered),
        arrives_on=(pd.Timestamp(AS_OF) + pd.to_timedelta(lines.lead, unit="D")).where(ordered),
        risk=risk,
        action=action,
        stockout_on=day,
        order_by=pd.Series(day) - pd.to_timedelta(lines.lead, unit="D"),
        days_of_supply=supply,
        expected_lost_units=lost,
        lost_margin=lost * (lines.unit_price - lines.unit_cost),
        excess_units=excess,
        excess_value=excess * lines.unit_cost,
        order_value=lines.order * lines.unit_cost,
        reason=reason,
        order_wanted=lines.order,
        units_saved=np.minimum(lines.order, lines.per_day * REVIEW) * 0.5,
    )
    return frame[[*RESULT_TABLES["replenishment"].names, "order_wanted", "units_saved"]]


def _orders(lines: pd.DataFrame) -> pd.DataFrame:
    due = lines[lines.order > 0].sort_values(["supplier_id", "location_id", "item_id"])
    frame = due[["supplier_id", "location_id", "item_id", "unit_cost"]].assign(
        order_number="PO-20260504-" + due.supplier_id,
        quantity=due.order,
        order_on=pd.Timestamp(AS_OF),
        arrives_on=pd.Timestamp(AS_OF) + pd.to_timedelta(due.lead, unit="D"),
        line_value=due.order * due.unit_cost,
    )
    return frame[list(RESULT_TABLES["orders"].names)].reset_index(drop=True)


def _planned_orders(lines: pd.DataFrame, projection: Projection) -> pd.DataFrame:
    rows = []
    for i, line in enumerate(lines.itertuples()):
        for day in np.flatnonzero(projection.orders[i]) if line.warehouse else ():
            if day > line.lead:
                arrives = AS_OF + timedelta(days=int(day))
                rows.append(
                    {
                        "supplier_id": line.supplier_id,
                        "location_id": line.location_id,
                        "item_id": line.item_id,
                        "quantity": projection.orders[i, day],
                        "order_on": pd.Timestamp(arrives - timedelta(days=int(line.lead))),
                        "arrives_on": pd.Timestamp(arrives),
                    }
                )
    return pd.DataFrame(rows, columns=list(RESULT_TABLES["planned_orders"].names))


def _allocation(lines: pd.DataFrame) -> pd.DataFrame:
    sent = lines[lines.transfer > 0]
    frame = pd.DataFrame(
        {
            "item_id": sent.item_id,
            "source_id": "DC",
            "destination_id": sent.location_id,
            "quantity": sent.transfer,
            "ship_on": pd.Timestamp(AS_OF),
            "arrives_on": pd.Timestamp(AS_OF + timedelta(days=2)),
            "value": sent.transfer * (sent.unit_price - sent.unit_cost).fillna(0.0) * 0.3,
            "reason": "All of the need is met.",
        }
    )
    return frame.sort_values(["item_id", "source_id", "destination_id"]).reset_index(drop=True)


def _waterfall(lines: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for line in lines.itertuples():
        final = line.order if line.warehouse else 0.0
        need = line.short if line.warehouse else 0.0
        covered = line.need - line.on_hand - line.on_order
        pack = final - need - line.moq_step if final else 0.0
        units = {
            "expected demand to the end of coverage": line.need - line.safety,
            "safety stock": line.safety,
            "stores' safety stock": 0.0,
            "usable on hand": -line.on_hand,
            "committed and backorders": 0.0,
            "receipts counted": -line.on_order,
            "demand lost before arrival": need - covered,
            "need": need,
            "maximum": 0.0,
            "moq": line.moq_step if final else 0.0,
            "order multiple": pack,
            "supplier minimum": 0.0,
            "container": 0.0,
            "budget": 0.0,
            "pinned": 0.0,
            "order": final,
        }
        rows += [
            {"item_id": line.item_id, "location_id": line.location_id, "step": step, "units": units[step]}
            for step in WATERFALL_STEPS
        ]
    return pd.DataFrame(rows)


def _exceptions(lines: pd.DataFrame) -> pd.DataFrame:
    """One exception of each kind on the lines with something on order, the dearest first."""
    some = lines[lines.on_order > 0].head(4)
    kinds = ["expedite", "postpone", "cancel", "past_due", "above_maximum"][: len(some)]
    due = pd.Timestamp(AS_OF) + pd.to_timedelta(some.due, unit="D")
    frame = some[["item_id", "location_id"]].assign(
        kind=kinds,
        order_id=[f"PO-{n}" for n in range(len(some))],
        quantity=some.on_order,
        due_on=due,
        move_to=(due - pd.Timedelta(days=3)).where(np.isin(kinds, ["expedite", "postpone"])),
        units_at_stake=some.on_order * 0.5,
        value=some.on_order * 0.5 * some.unit_cost,
        reason=[f"{kind} because of <b>the plan</b>." for kind in kinds],
    )
    return frame.sort_values("value", ascending=False).reset_index(drop=True)


def _accuracy(lines: pd.DataFrame) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    points, spread = 6, rng.uniform(0.15, 0.6, len(lines))
    horizon = lines.lead + float(REVIEW)
    demand = lines.per_day * horizon * points
    error, missed = spread * demand, rng.normal(0.02, 0.08, len(lines)) * demand
    naive, mean13 = error * rng.uniform(0.9, 1.6, len(lines)), error * rng.uniform(0.95, 1.3, len(lines))
    drift = np.where(np.abs(missed) > 0.14 * demand, np.where(missed > 0, "over", "under"), "")
    return lines[["item_id", "location_id"]].assign(
        horizon_days=horizon,
        wape=error / demand,
        bias=missed / demand,
        rmsse=2 * error / demand,
        naive_wape=naive / demand,
        mean13_wape=mean13 / demand,
        scored=float(points),
        demand_units=demand,
        error_units=error,
        bias_units=missed,
        naive_error_units=naive,
        mean13_error_units=mean13,
        pinball_95_units=0.2 * error,
        naive_pinball_95_units=0.2 * naive,
        held_80=0.81 * points,
        held_90=0.9 * points,
        held_95=0.94 * points,
        held_98=0.985 * points,
        error_value=error * lines.unit_cost,
        drift=drift,
        reason_code=np.where(lines.item_id == "00011", "NEW", ""),
        reason=np.where(lines.item_id == "00011", "It is new: its forecast starts from items like it.", ""),
    )


def _service_curve(lines: pd.DataFrame) -> pd.DataFrame:
    targets = np.array([0.8, 0.85, 0.9, 0.925, 0.95, 0.97, 0.98, 0.99, 0.995])
    units = float(lines.need.sum()) * (0.6 + 0.12 / (1.08 - targets))
    return pd.DataFrame(
        {
            "service_target": targets,
            "stock_value": units * 14,
            "stock_units": units,
            "expected_fill_rate": targets + 0.002,
            "lost_margin_per_year": 900_000 * (1 - targets),
            "lost_units_per_year": 90_000 * (1 - targets),
        }
    )


def _before_after(lines: pd.DataFrame) -> pd.DataFrame:
    given = lines.groupby("item_id").transfer.sum()
    moved = np.where(lines.warehouse, -lines.item_id.map(given), lines.transfer)
    after = lines.on_hand + moved
    requested = np.where(lines.warehouse, 0.0, np.maximum(lines.short, 0))
    short = np.maximum(requested - lines.transfer, 0.0)
    margin = (lines.unit_price - lines.unit_cost).clip(lower=0)
    days = [lines.on_hand / lines.per_day, np.maximum(after, 0.0) / lines.per_day]
    return lines[["item_id", "location_id"]].assign(
        stock_before=lines.on_hand,
        transferred=moved,
        stock_after=np.maximum(after, 0.0),
        demand_mean_per_day=lines.per_day,
        days_before=days[0],
        days_after=days[1],
        requested=requested,
        short=short,
        fill_rate_before=np.clip(days[0] / 21, 0, 0.99),
        fill_rate_after=np.clip(days[1] / 21, 0, 0.99),
        at_risk_before=requested * margin,
        at_risk_after=short * margin,
        need_units=np.where(lines.warehouse, 0.0, lines.need),
        last_worth=np.where(lines.transfer > 0, 0.6 * margin, np.nan),
        next_worth=np.where(short > 0, 0.5 * margin, np.nan),
        bound=np.where(short > 0, "source", ""),
    )


def fake_sharing() -> pd.DataFrame:
    """What each rule would make of the same stock, made up so that the best is the best."""
    rules = {
        "equal_days": ("Equal days of supply", 880.0, 74.0),
        "equal_service": ("Equal service", 905.0, 70.0),
        "optimal": ("For the most value", 1_000.0, 60.0),
        "proportional": ("In proportion to need", 820.0, 81.0),
    }
    rows = [
        {
            "method": method,
            "label": label,
            "value_money": value,
            "expected_lost_units": lost,
            "lost_margin": 9 * lost,
            "units_moved": 500.0,
            "fill_rate": 1 - lost / 1_000,
        }
        for method, (label, value, lost) in rules.items()
    ]
    return pd.DataFrame(rows, columns=list(RESULT_TABLES["sharing"].names))


def _limits(lines: pd.DataFrame) -> pd.DataFrame:
    """One more of each limit: units at the warehouse, space at a store, a shipment between them."""
    sources = [("source", "DC", None, item, 4.5, True) for item in lines.item_id.drop_duplicates()]
    rows = [("lane", "DC", "LEEDS", None, 31.0, False), ("room", "LEEDS", None, None, 2.25, True), *sources]
    return pd.DataFrame(rows, columns=list(RESULT_TABLES["limits"].names))


def _totals(replenishment: pd.DataFrame) -> dict[str, float]:
    return {
        "order_value": float(replenishment.order_value.sum()),
        "order_lines": int((replenishment.order_quantity > 0).sum()),
        "allocated_units": float(replenishment.transfer_quantity.sum()),
        "items_at_risk": int((replenishment.risk != "green").sum()),
        "expected_lost_units": float(replenishment.expected_lost_units.sum()),
        "excess_value": float(replenishment.excess_value.sum()),
    }
