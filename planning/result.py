"""What a plan holds once it is made."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from planning.params import Params
from planning.tables import RESULT_TABLES


@dataclass(frozen=True)
class Projection:
    """Expected stock by day, one row an item-location, columns are mornings from `as_of` on.

    Arrays are items x days, in units, after the day's demand; below zero only for backordered demand.
    `without_orders` counts stock and open orders; `with_orders` also today's orders and transfers and
    the planned orders after them; `low` and `high` hold the 10 % and 90 % band of `with_orders`;
    `demand` is expected demand of the day, `receipts` open orders by due day, `orders` today's and
    planned orders by arrival day; `safety` is the line below which an order is late. `starting_stock`, one an
    item-location, is what counts on the morning of `as_of` (of a location that feeds others, theirs too), and `unmet`
    the demand of the day that `with_orders` does not meet: lost, or owed.
    """

    keys: pd.DataFrame
    days: np.ndarray
    demand: np.ndarray
    receipts: np.ndarray
    orders: np.ndarray
    without_orders: np.ndarray
    with_orders: np.ndarray
    low: np.ndarray
    high: np.ndarray
    safety: np.ndarray
    starting_stock: np.ndarray
    unmet: np.ndarray


@dataclass(frozen=True)
class Recorded:
    """The past that a plan stands on: one row an item-location, one column a bucket.

    keys : item_id, location_id, n rows.
    starts : first day of each bucket, datetime64[D], (T,).
    active : whether the line was there already, (n, T).
    sales, demand : units, (n, T); demand NaN where an empty shelf or a closure hid it.
    outlier, event, closed : what the bucket was, (n, T).
    """

    keys: pd.DataFrame
    starts: np.ndarray
    active: np.ndarray
    sales: np.ndarray
    demand: np.ndarray
    outlier: np.ndarray
    event: np.ndarray
    closed: np.ndarray

    def of(self, keys: pd.DataFrame) -> "Recorded":
        """Return the past of some lines, in the order of these rows."""
        wanted = pd.MultiIndex.from_frame(keys[["item_id", "location_id"]])
        rows = np.flatnonzero(pd.MultiIndex.from_frame(self.keys[["item_id", "location_id"]]).isin(wanted))
        parts = (self.active, self.sales, self.demand, self.outlier, self.event, self.closed)
        keys = self.keys[["item_id", "location_id"]].iloc[rows].reset_index(drop=True)
        return Recorded(keys, self.starts, *(part[rows] for part in parts))

    def line(self, item_id: str, location_id: str) -> pd.DataFrame:
        """Return one line by bucket, from its first one on: starts_on, sales, demand, known, outlier, event, closed."""
        mine = self.of(pd.DataFrame({"item_id": [item_id], "location_id": [location_id]}))
        if not len(mine.keys):
            mine = Recorded(self.keys, self.starts[:0], *np.zeros((6, 1, 0)))
        frame = pd.DataFrame(
            {
                "starts_on": pd.to_datetime(mine.starts),
                "sales": mine.sales[0].astype(float),
                "demand": mine.demand[0].astype(float),
                "known": ~np.isnan(mine.demand[0]),
                "outlier": mine.outlier[0].astype(bool),
                "event": mine.event[0].astype(bool),
                "closed": mine.closed[0].astype(bool),
            }
        )
        told: pd.DataFrame = frame[mine.active[0].astype(bool)].reset_index(drop=True)
        return told


@dataclass(frozen=True)
class Late:
    """The parts of a plan that are made when they are first asked for.

    parts : what makes each, by its name; `figures` among them.
    reasons : makes the reasons of some rows of `figures`, (k,) of text.
    near : makes a plan that tells at least these rows of `figures`.
    """

    parts: Mapping[str, Callable[[], Any]]
    reasons: Callable[[np.ndarray], np.ndarray]
    near: Callable[[np.ndarray], "PlanResult"]


@dataclass(frozen=True)
class PlanResult:
    """A plan: the result tables of `planning.tables`, the summary, and what the charts need.

    A part that takes long and is not always looked at may be made when it is first asked for (see `made_late`); to
    the reader it makes no difference.

    Every frame has the columns of its table in `RESULT_TABLES` (more may follow), sorted by key.
    `policy` also holds buffer_units, what an order brings beyond mean demand until the next one (the safety
    stock of the waterfall, and what is ordered for stores; that of the contract is less what will be lost before),
    kept_units, what of it is for the safety stock of stores (see `planning.echelon`), and mean_stock_units, the mean
    stock on hand under the policy; of a location that feeds others, what it holds beyond theirs.
    `replenishment` also holds order_wanted, today's order before the budget, and units_saved, what that order keeps
    from being lost, units.
    `items` holds one row an item-location with what pages group and filter by: item_id, location_id,
    item_name, category, supplier_id, abc_class, demand_class, unit_cost, unit_price, fed_by.
    `accuracy` holds one row an item-location, measured on rolling origins over lead time + review:
    wape, bias (forecast - actual, share of demand), rmsse, naive_wape, and sums that may be added up over lines
    (see `planning.outlook.accuracy_tables`); `calibration`: how often demand stayed within its quantiles by demand
    class; `rivals`: what each candidate model scored by demand class.
    `service_curve` holds the assortment's stock value and expected fill rate at a range of targets:
    service_target, stock_value, stock_units, expected_fill_rate, lost_margin_per_year
    (money, NaN where no price is known), lost_units_per_year.
    `exceptions` is sorted by value instead.
    `before_after` holds one row a fed item-location, and those that give to others: item_id, location_id,
    stock_before, transferred, stock_after, demand_mean_per_day, days_before, days_after, requested, short (units that
    stay missing), bound (what kept the transfer below the request, see `planning.allocate.what_bound`); where they are
    known also fill_rate_before, fill_rate_after (fractions), at_risk_before, at_risk_after (money: the margin of what
    is expected to be lost), need_units (mean need, below zero: more is there), last_worth and next_worth (money: of the
    last unit given, and of the first refused).
    `steps` holds what each purchase is made of, also where nothing is ordered (see `planning.steps`).
    """

    as_of: date
    params: Params
    snapshot_id: str
    forecast: pd.DataFrame
    policy: pd.DataFrame
    replenishment: pd.DataFrame
    orders: pd.DataFrame
    planned_orders: pd.DataFrame
    allocation: pd.DataFrame
    waterfall: pd.DataFrame
    exceptions: pd.DataFrame
    items: pd.DataFrame
    accuracy: pd.DataFrame
    calibration: pd.DataFrame
    rivals: pd.DataFrame
    service_curve: pd.DataFrame
    before_after: pd.DataFrame
    projection: Projection
    totals: Mapping[str, Any]
    solver: Mapping[str, Any]
    notes: tuple[str, ...]
    steps: pd.DataFrame = field(default_factory=pd.DataFrame)
    sharing: pd.DataFrame = field(default_factory=lambda: empty_result("sharing"))
    limits: pd.DataFrame = field(default_factory=lambda: empty_result("limits"))

    @classmethod
    def made_late(cls, ready: Mapping[str, Any], late: Late) -> "PlanResult":
        """Return a plan of which some parts are ready, and the others are made when they are first asked for."""
        plan = object.__new__(cls)
        vars(plan).update(ready, _late=late)
        return plan

    def __getattr__(self, name: str) -> Any:
        """Make a part that is not there yet."""
        late: Late | None = vars(self).get("_late")
        if late is None or name not in late.parts:
            msg = f"{type(self).__name__!r} object has no attribute {name!r}"
            raise AttributeError(msg, name=name, obj=self)
        # Made twice by two who ask at once, it is the same.
        vars(self)[name] = part = late.parts[name]()
        return part

    @property
    def lines(self) -> pd.DataFrame:
        """The columns of `replenishment`, but not always the reasons, which take long to write for many lines."""
        late = "_late" in vars(self) and "replenishment" not in vars(self)
        found: pd.DataFrame = self.figures if late else self.replenishment
        return found

    def reasons(self, rows: np.ndarray) -> np.ndarray:
        """Return the reasons of some rows of `lines`, by position, (k,) of text."""
        late: Late | None = vars(self).get("_late")
        if late is None or "replenishment" in vars(self):
            return np.asarray(self.replenishment["reason"].to_numpy(object)[rows])
        return late.reasons(rows)

    def near(self, rows: np.ndarray) -> "PlanResult":
        """Return a plan that tells at least these rows of `lines`, by position, the quick way to look at a few."""
        late: Late | None = vars(self).get("_late")
        return self if late is None else late.near(rows)


_DTYPES: Mapping[str, str] = MappingProxyType(
    {"id": "object", "text": "object", "flag": "bool", "date": "datetime64[s]", "integer": "int64"}
)


def empty_result(name: str) -> pd.DataFrame:
    """Return the named result table without rows."""
    columns = RESULT_TABLES[name].columns
    return pd.DataFrame({c.name: pd.Series(dtype=_DTYPES.get(c.kind, "float64")) for c in columns})
