"""One supplier's orders over some buckets: what is asked, what a set of orders costs, and which rules it breaks.

Plain arithmetic on arrays: neither the greedy answer nor the model is trusted, both are costed and checked here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any

import numpy as np

SMALL = 1e-6


@dataclass(frozen=True)
class Instance:
    """The lines of one supplier, n items by T buckets; an order stands in the bucket in which it arrives.

    Order of events in a bucket: receive, demand, count. Unmet demand is lost; what can be served is.

    stock : on hand before the first bucket, units, (n,).
    demand, receipts, safety_stock : units by bucket, (n, T).
    pack : orders are multiples of it, units, (n,); 0: any quantity.
    moq, max_order, max_stock : least and most units of one line in one order, most at the end of a bucket, (n,).
    unit_cost, volume : of one unit, (n,).
    holding, lost_penalty, safety_penalty : money for a unit and bucket in stock, lost, below the safety stock, (n,).
    line_cost : money for each line of an order, (n,).
    order_cost : money for an order, (T,).
    minimum_value, budget : least and most value of an order, money, (T,).
    price_share : share of the purchase value that counts as a cost, (T,); 0 where all must be bought anyway.
    firm : units of the first bucket's order that stand already, (n,).
    open_buckets : whether an order may arrive in the bucket, (T,) flags.
    container_volume, container_cost, most_containers : of one, money for one, most in an order; inf, 0, inf where
        there are none.
    least_fill : least share of the containers of an order that is filled, (T,).
    """

    stock: np.ndarray
    demand: np.ndarray
    receipts: np.ndarray
    safety_stock: np.ndarray
    pack: np.ndarray
    moq: np.ndarray
    max_order: np.ndarray
    max_stock: np.ndarray
    unit_cost: np.ndarray
    volume: np.ndarray
    holding: np.ndarray
    lost_penalty: np.ndarray
    safety_penalty: np.ndarray
    line_cost: np.ndarray
    order_cost: np.ndarray
    minimum_value: np.ndarray
    budget: np.ndarray
    price_share: np.ndarray
    firm: np.ndarray
    open_buckets: np.ndarray
    container_volume: float
    container_cost: float
    most_containers: float
    least_fill: np.ndarray

    @property
    def least(self) -> np.ndarray:
        """The MOQ in whole packs, units, (n,)."""
        return _up(self.moq, self.pack)


DEFAULTS: Mapping[str, float | bool] = MappingProxyType(
    {
        "receipts": 0.0,
        "safety_stock": 0.0,
        "pack": 1.0,
        "moq": 0.0,
        "max_order": np.inf,
        "max_stock": np.inf,
        "volume": 0.0,
        "safety_penalty": 0.0,
        "line_cost": 0.0,
        "order_cost": 0.0,
        "minimum_value": 0.0,
        "budget": np.inf,
        "price_share": 0.0,
        "firm": 0.0,
        "open_buckets": True,
        "container_volume": np.inf,
        "container_cost": 0.0,
        "most_containers": np.inf,
        "least_fill": 0.0,
    }
)
_BY_CELL = ("demand", "receipts", "safety_stock")
_BY_BUCKET = ("order_cost", "minimum_value", "budget", "price_share", "open_buckets", "least_fill")
_ONE = ("container_volume", "container_cost", "most_containers")


def build_instance(**told: Any) -> Instance:
    """Return an instance from what is told, spread over items and buckets; the rest stands in `DEFAULTS`.

    `stock`, `demand`, `unit_cost`, `holding` and `lost_penalty` must be told. A value of an item counts for all
    buckets.

    Raises
    ------
    ValueError : a name is unknown, or a value is no number, below zero, or of another shape.
    """
    unknown = set(told) - {f.name for f in fields(Instance)}
    if unknown:
        msg = f"an instance has no {', '.join(sorted(unknown))}"
        raise ValueError(msg)
    n, buckets = np.shape(told["demand"])
    out: dict[str, Any] = {}
    for name, given in {**DEFAULTS, **told}.items():
        values = np.asarray(given, dtype=bool if name == "open_buckets" else float)
        if np.isnan(values).any() or (values < 0).any():
            msg = f"{name} must be numbers of 0 or more"
            raise ValueError(msg)
        if name in _ONE:
            out[name] = float(values)
            continue
        if name in _BY_CELL and values.ndim == 1:
            values = values[:, None]
        shape = (n, buckets) if name in _BY_CELL else (buckets,) if name in _BY_BUCKET else (n,)
        out[name] = np.broadcast_to(values, shape)
    return Instance(**out)


@dataclass(frozen=True)
class Course:
    """What a set of orders leads to: stock, lost and below safety stock at the end of each bucket, units, (n, T)."""

    stock: np.ndarray
    lost: np.ndarray
    below: np.ndarray


def run_course(instance: Instance, units: np.ndarray) -> Course:
    """Follow the stock under orders of `units`, (n, T): the last word on what they lead to."""
    stock, lost = np.zeros(units.shape), np.zeros(units.shape)
    now = instance.stock.astype(float)
    for t in range(units.shape[1]):
        now = now + instance.receipts[:, t] + units[:, t]
        served = np.minimum(instance.demand[:, t], now)
        lost[:, t] = instance.demand[:, t] - served
        now = now - served
        stock[:, t] = now
    return Course(stock, lost, np.maximum(instance.safety_stock - stock, 0.0))


def containers(instance: Instance, units: np.ndarray) -> np.ndarray:
    """Return the containers that orders of `units` take, (T,); none where containers are not told."""
    if not np.isfinite(instance.container_volume):
        return np.zeros(units.shape[1])
    return np.asarray(np.ceil(instance.volume @ units / instance.container_volume - SMALL))


def total_cost(instance: Instance, units: np.ndarray) -> float:
    """Return what orders of `units`, (n, T), cost: orders, lines, containers, purchase, holding, lost, below safety."""
    placed = (units > SMALL).any(axis=0)
    whole = float(instance.order_cost @ placed) + instance.container_cost * float(containers(instance, units).sum())
    return whole + float(line_costs(instance, units).sum())


def line_costs(instance: Instance, units: np.ndarray) -> np.ndarray:
    """Return what each line costs by itself under orders of `units`, money, (n,): all but orders and containers."""
    course = run_course(instance, units)
    own = instance.line_cost * (units > SMALL).sum(axis=1) + instance.unit_cost * (units @ instance.price_share)
    own = own + instance.holding * course.stock.sum(axis=1) + instance.lost_penalty * course.lost.sum(axis=1)
    return np.asarray(own + instance.safety_penalty * course.below.sum(axis=1))


def held_most(instance: Instance) -> np.ndarray:
    """Return the most to hold at the end of each bucket, units, (n, T): what is there without orders is allowed."""
    firm = np.zeros(instance.demand.shape)
    firm[:, 0] = instance.firm
    return np.asarray(np.maximum(instance.max_stock[:, None], run_course(instance, firm).stock))


def most_useful(instance: Instance) -> np.ndarray:
    """Return the most units of each line in each bucket's order, (n, T): the big-M of the model, and a rule.

    No more than what still serves demand or safety stock to the end, on top of what is there without further
    orders; at least the MOQ, in whole packs, within the most of an order and of the stock. More only costs, unless
    a minimum value or a container must be filled: then, too, nothing is bought beyond the last bucket.
    """
    n, buckets = instance.demand.shape
    firm = np.zeros((n, buckets))
    firm[:, 0] = instance.firm
    alone = run_course(instance, firm).stock
    room = held_most(instance)
    before = np.concatenate([instance.stock[:, None], alone[:, :-1]], axis=1)
    out = np.zeros((n, buckets))
    for t in np.flatnonzero(instance.open_buckets):
        ahead = np.cumsum(instance.demand[:, t:] - instance.receipts[:, t:], axis=1)
        need = (ahead + instance.safety_stock[:, t:]).max(axis=1) - before[:, t]
        wanted = _up(np.maximum(need, instance.moq), instance.pack)
        space = room[:, t] - before[:, t] - instance.receipts[:, t] + instance.demand[:, t]
        most = _down(np.minimum(instance.max_order, space), instance.pack)
        useful = np.minimum(wanted, most)
        out[:, t] = np.where((need > SMALL) & (useful >= instance.least - SMALL), np.maximum(useful, 0), 0.0)
    out[:, 0] = np.maximum(out[:, 0], instance.firm)
    return out


def broken_rules(instance: Instance, units: np.ndarray, most: np.ndarray | None = None) -> list[str]:
    """Return the rules that orders of `units`, (n, T), break, in words; empty: none.

    Parameters
    ----------
    most : what `most_useful` returns, where it is known already.
    """
    most = most_useful(instance) if most is None else most
    extra = units.copy()
    extra[:, 0] -= instance.firm
    placed = units > SMALL
    value = instance.unit_cost @ units
    packs = extra / np.where(instance.pack > 0, instance.pack, 1.0)[:, None]
    taken, used = instance.volume @ units, containers(instance, units)
    least_volume = instance.least_fill * used * instance.container_volume if used.any() else np.zeros(len(used))
    own_least = np.where(np.arange(units.shape[1]) == 0, np.minimum(instance.least, _or_inf(instance.firm))[:, None],
                         instance.least[:, None])  # fmt: skip
    rules = {
        "less than is firm": extra < -SMALL,
        "broken packs": (np.abs(packs - np.round(packs)) > 1e-6) & (instance.pack > 0)[:, None],
        "below the MOQ": placed & (units < own_least - SMALL),
        "more than is useful or allowed": units > most + SMALL,
        "above the most to hold": placed.any() & (run_course(instance, units).stock > held_most(instance) + 1e-5),
        "below the least value of an order": placed.any(axis=0) & (value < instance.minimum_value - 1e-4),
        "above the budget": value > instance.budget + 1e-4,
        "more containers than there are": used > instance.most_containers,
        "a container not full enough": taken < least_volume - 1e-4,
    }
    return [rule for rule, hit in rules.items() if np.any(hit)]


def _or_inf(firm: np.ndarray) -> np.ndarray:
    return np.where(firm > 0, firm, np.inf)


def _up(units: np.ndarray, pack: np.ndarray) -> np.ndarray:
    u = np.where(pack > 0, pack, 1.0)
    return np.where(pack > 0, np.ceil(np.round(units / u, 9)) * u, units)


def _down(units: np.ndarray, pack: np.ndarray) -> np.ndarray:
    u = np.where(pack > 0, pack, 1.0)
    with np.errstate(invalid="ignore"):
        return np.where((pack > 0) & np.isfinite(units), np.floor(np.round(units / u, 9)) * u, units)
