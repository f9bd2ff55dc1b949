"""The plan's own policy at each past review, by the forecasts as they were known then."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from planning.distribution import Calibration, CumulativeDemand
from planning.echelon import days_until_sent, kept_for_stores, safety_below
from planning.least_order import DOUBTFUL_YEARS, LONGEST_YEARS
from planning.policy import Need, Supply, build_need, find_levels
from planning.positions import YEAR_DAYS
from planning.replay import Decision, State
from planning.replay_need import Moments, QuickNeed, Shapes, quick_need
from planning.replay_rules import Terms

BLOCK = 4096
"""Lines told together: enough that the steps between the sums cost little, few enough for the cache.

Of several lead times each has sums of its own, so that as many lines fewer fit.
"""
LEAST_BLOCK = 1024
THREADS = 2
ALONE = 4096
"""So few lines are not worth sharing out."""


class Forecasts(Protocol):
    """What the rule reads of `planning.replay_known.Known`."""

    @property
    def mean(self) -> np.ndarray:
        """Of cumulative demand of the first 1 ... H buckets from each morning, units, (T, n, H)."""
        ...

    @property
    def variance(self) -> np.ndarray:
        """Its variance, units squared, (T, n, H)."""
        ...

    @property
    def wholes(self) -> np.ndarray:
        """Whether demand is in whole units, by learning, (B, n)."""
        ...

    @property
    def learned(self) -> np.ndarray:
        """Which learning each morning stands on, (T,)."""
        ...

    def calibration(self, t: int) -> Calibration | None:
        """Return how levels are read on the morning of bucket `t`."""
        ...


@dataclass(frozen=True)
class Aim:
    """What the plan's policy wants, n lines.

    measure : "fill_rate", "cycle_service_level" or "cost".
    target : fraction, (n,); of the first two measures. ratio : critical ratio, (n,); of "cost".
    least_stock : units held at least beyond mean demand, (n,).
    coverage : buckets after its arrival that an order lasts, whole, (n,), at least the review.
    leads : equally likely lead times as the plan believes them, whole buckets, ascending, (n, J), J = 1 or 5.
    life : buckets in which an arrival must sell, whole, (n,); NaN: no end.
    lot : what an order brings beyond its reorder point, (n,), 0: nothing, it fills up to the level.
    fixed : whether only whole lots come, (n,). reorder_at : a reorder point that is given, (n,), NaN elsewhere.
    margin, holding_per_bucket : money, (n,), NaN unknown.
    lost : whether unmet demand is lost.
    """

    measure: str
    target: np.ndarray
    ratio: np.ndarray
    least_stock: np.ndarray
    coverage: np.ndarray
    leads: np.ndarray
    life: np.ndarray
    lot: np.ndarray
    fixed: np.ndarray
    reorder_at: np.ndarray
    margin: np.ndarray
    holding_per_bucket: np.ndarray
    lost: bool

    @classmethod
    def of(cls, terms: Terms, measure: str, target: float | np.ndarray, *, lost: bool, **more: Any) -> "Aim":
        """Return an aim without limits: (R, S), coverage the review, lead times for certain."""
        n = len(terms.lead)
        empty = np.full(n, np.nan)
        given: dict[str, Any] = {
            "target": np.broadcast_to(np.asarray(target, float), (n,)),
            "ratio": np.broadcast_to(np.asarray(target, float), (n,)),
            "least_stock": np.zeros(n),
            "coverage": terms.review,
            "leads": terms.lead[:, None],
            "life": empty,
            "lot": np.zeros(n),
            "fixed": np.zeros(n, bool),
            "reorder_at": empty,
            "margin": empty,
            "holding_per_bucket": empty,
        }
        return cls(measure=measure, lost=lost, **(given | more))


@dataclass(frozen=True)
class PlanRule:
    """The plan's policy: what was known then, the need at arrival, the service asked for, and the plan's limits.

    known : forecasts of each morning. first : the morning of `known` that is the replay's first bucket.
    exact : work the need out as the plan does, 100 times as slow; else on a few unequal points.
    """

    terms: Terms
    aim: Aim
    known: Forecasts
    first: int = 0
    exact: bool = False
    name: str = "plan"
    _shapes: dict[bytes, Shapes] = field(default_factory=dict, repr=False, compare=False)

    def orders(self, t: int, state: State) -> Decision:
        """Return what the lines order, and the service that this promises."""
        t += self.first
        if not self.exact:
            self._shapes_of(t)
        rows = state.rows
        above = self.terms.feeds[rows]
        if not above.any() or state.all_stock is None:
            return Decision(*self._told(t, state, np.zeros(len(rows)))[:3])
        told = np.zeros((4, len(rows)))
        # Who feeds others waits for what these keep; in a chain it is asked for its own safety stock first.
        first = ~above | (self.terms.source[rows] >= 0)
        told[:, first] = self._told(t, _of_rows(state, rows[first]), np.zeros(int(first.sum())))
        more = (self._kept(t, state, told) + self._waits(t))[rows[above]]
        told[:, above] = self._told(t, _of_rows(state, rows[above]), more)
        return Decision(told[0], told[1], told[2])

    def _told(self, t: int, state: State, more: np.ndarray) -> np.ndarray:
        """Return what the lines that are asked order, its promise, and their safety stock, units, (4, k).

        Parameters
        ----------
        more : ordered for those that a line feeds beyond its own need, units, (k,).
        """
        rows, coming = state.rows, state.coming
        stock = self._usable(t, state)
        position = stock + coming[:, 1:].sum(axis=1)
        given = _Given(self, t, self._calibration(t))
        out = np.empty((4, len(rows)))
        leads = self.aim.leads[rows]
        block = max(BLOCK // leads.shape[1], LEAST_BLOCK)
        pieces = list(_pieces(coming, leads.max(axis=1) + self.terms.review[rows], block))

        def settle(piece: "tuple[np.ndarray, np.ndarray, np.ndarray]") -> None:
            some, day, units = piece
            out[:, some] = given.decide(rows[some], stock[some], position[some], more[some], day, units)

        _each(settle, pieces, [len(piece[0]) for piece in pieces])
        return out

    def _kept(self, t: int, state: State, told: np.ndarray) -> np.ndarray:
        """Return what lines keep for the safety stock of those that they feed, as the plan does, units, (n,).

        Parameters
        ----------
        told : what the lines that are asked were told already, (4, k).
        """
        terms = self.terms
        safety = np.zeros(len(terms.lead))
        safety[state.rows] = told[3]
        rest = np.setdiff1d(np.flatnonzero(terms.source >= 0), state.rows)
        if len(rest):
            safety[rest] = self._told(t, _of_rows(state, rest), np.zeros(len(rest)))[3]
        return kept_for_stores(terms.pool, terms.feeds, safety, ~np.isnan(self.aim.reorder_at))

    def _waits(self, t: int) -> np.ndarray:
        """Return what those whom each line feeds sell until they are sent what arrives there, units, (n,)."""
        terms = self.terms
        interval = terms.lead + terms.review
        wait = days_until_sent(terms.source, interval, terms.review)
        units = np.zeros(len(wait))
        rows = np.flatnonzero(wait > 0)
        if not len(rows):
            return units
        demand, end = self.moments(t, rows), interval[terms.source[rows]]
        units[rows] = demand.mean_to(end + wait[rows]) - demand.mean_to(end)
        return np.where(terms.feeds & np.isnan(self.aim.reorder_at), terms.pool(units) - units, 0.0)

    def _calibration(self, t: int) -> Calibration | None:
        return self.known.calibration(t)

    def _shapes_of(self, t: int) -> Shapes:
        """Return the shapes as they are read on that morning, each calibration's but once."""
        calibration = self._calibration(t)
        key = b"" if calibration is None else calibration.realised.tobytes()
        if key not in self._shapes:
            self._shapes.clear()
            self._shapes[key] = Shapes.build(calibration)
        return self._shapes[key]

    def moments(self, t: int, rows: np.ndarray) -> Moments:
        """Return the demand of some lines as it was known on the morning of `known`'s bucket `t`."""
        whole, calibration = self.known.wholes[self.known.learned[t]][rows], self._calibration(t)
        code = np.zeros(len(rows), int) if calibration is None else calibration.code[rows]
        mean, variance = (_from_nothing(table[t], rows) for table in (self.known.mean, self.known.variance))
        return Moments(mean, variance, np.asarray(whole), code)

    def _usable(self, t: int, state: State) -> np.ndarray:
        """Return the stock that covers demand, as `planning.base` counts it, units, (k,).

        A line that feeds others counts what they hold, but not what they hold beyond their own demand over its
        interval, and what is on its way to them; less what will be on its way.
        """
        terms = self.terms
        feeds = terms.feeds
        if not feeds[state.rows].any() or state.all_stock is None or state.all_coming is None:
            return state.stock
        fed = np.flatnonzero(terms.source >= 0)
        demand = self.moments(t, fed)
        above = terms.source[fed]
        reach = (terms.lead + terms.review)[above]
        needed = demand.mean_to(reach) + 2 * np.sqrt(demand.variance_to(reach))
        coming = state.all_coming[1:].sum(axis=0)
        below, on_way = np.zeros((2, len(terms.lead)))
        below[fed] = np.minimum(state.all_stock[fed], needed) + coming[fed]
        on_way[fed] = demand.mean_to(terms.lead[fed])
        more = (terms.pool(below) - below) - (terms.pool(on_way) - on_way)
        return np.asarray(state.stock + np.where(feeds, more, 0.0)[state.rows])


@dataclass(frozen=True)
class _Given:
    """A rule on one morning."""

    rule: PlanRule
    t: int
    calibration: Calibration | None

    def decide(
        self,
        rows: np.ndarray,
        stock: np.ndarray,
        position: np.ndarray,
        more: np.ndarray,
        day: np.ndarray,
        units: np.ndarray,
    ) -> np.ndarray:
        """Return quantity, expected units short and demanded, and safety stock of some lines, (4, k)."""
        rule, aim, terms = self.rule, self.rule.aim, self.rule.terms
        demand = rule.moments(self.t, rows)
        lead, review = terms.lead[rows], terms.review[rows]
        lot, given = aim.lot[rows], ~np.isnan(aim.reorder_at[rows])
        need: QuickNeed | Need
        if rule.exact or (lot[~given] > 0).any():
            need = self._exact(rows, stock, day, units, demand)
            levels = find_levels(
                need, aim.measure, aim.target[rows], aim.ratio[rows], aim.least_stock[rows], lot=lot,
                fixed=aim.fixed[rows], missing=aim.reorder_at[rows] - position,
            )  # fmt: skip
            order, raw, due = levels.order, levels.raw_order, levels.due
        else:
            shapes = rule._shapes_of(self.t)  # noqa: SLF001
            need = quick_need(shapes, demand, stock, day, units, aim.leads[rows], review, lost=aim.lost)
            order, raw, due = self._quick_levels(need, rows, position)
        safety = safety_below(order - need.mean, terms.max_stock[rows] - position - need.mean, terms.allowed[rows])
        order, due = order + more, np.where(more > 0, raw + more > 1e-9, due)
        asked = self._asked(order, due, demand, rows)
        cap = np.full(len(rows), np.inf)
        life = aim.life[rows]
        if not np.isnan(life).all():
            sells = demand.mean_to(lead + np.nan_to_num(life).astype(int)) - demand.mean_to(lead)
            cap = np.where(np.isnan(life), np.inf, np.maximum(sells - need.arriving_stock, 0))
        cap = np.where(self._withheld(demand, rows), 0.0, cap)
        quantity = terms.sized(asked, rows, position, cap)
        return np.stack([quantity, need.short(quantity), need.between, safety])

    def _asked(self, order: np.ndarray, due: np.ndarray, demand: Moments, rows: np.ndarray) -> np.ndarray:
        """Return the order with what it brings beyond the service, to the end of its coverage, units, (k,)."""
        aim, terms = self.rule.aim, self.rule.terms
        lead, review, coverage = terms.lead[rows], terms.review[rows], aim.coverage[rows]
        beyond = np.zeros(len(rows))
        if (coverage > review).any():
            beyond = demand.mean_to(lead + coverage) - demand.mean_to(lead + review)
        lot = np.where(aim.fixed[rows], 0.0, aim.lot[rows])
        beyond = np.where(lot > 0, lot, beyond)
        return np.asarray(np.where(due, np.maximum(order, 0) + beyond, 0.0))

    def _quick_levels(
        self, need: QuickNeed, rows: np.ndarray, position: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return order, raw order and whether it is due, as `planning.policy.find_levels` does, (k,) each."""
        aim = self.rule.aim
        least, mean_need = aim.least_stock[rows], need.mean
        if aim.measure == "fill_rate":
            raw = need.order_for_fill_rate(aim.target[rows])
            floor = mean_need + least
        else:
            level = aim.target if aim.measure == "cycle_service_level" else aim.ratio
            raw = need.order_for_cycle_service(level[rows])
            floor = np.where(least > 0, mean_need + least, -np.inf)
        raw = np.where(least > 0, np.maximum(raw, mean_need + least), raw)
        raw = np.where((need.between > 0) | (least > 0), raw, np.minimum(raw, 0))
        order, due = np.maximum(raw, floor), raw > 1e-9
        missing = aim.reorder_at[rows] - position
        given = ~np.isnan(missing)
        if given.any():
            at_point = (missing >= -1e-9) & (missing + aim.lot[rows] > 1e-9)
            order, due = np.where(given, missing, order), np.where(given, at_point, due)
        return order, raw, due

    def _withheld(self, demand: Moments, rows: np.ndarray) -> np.ndarray:
        """Return whose least order would last too long to be placed without a person, (k,)."""
        aim, terms = self.rule.aim, self.rule.terms
        multiple, least = terms.multiple[rows], terms.moq[rows]
        out = np.zeros(len(rows), bool)
        some = np.flatnonzero((multiple > 1) | (least > 1))
        if not len(some):
            return out
        packs = np.maximum(np.ceil(least / np.where(multiple > 0, multiple, 1.0) - 1e-9), 1.0)
        units = np.where(multiple > 0, packs * multiple, least)
        interval = (terms.lead + terms.review)[rows]
        last = demand.mean.shape[1] - 1
        pace = np.maximum(demand.mean_to(interval) / interval, demand.mean[:, last] / max(last, 1))
        with np.errstate(divide="ignore", invalid="ignore"):
            buckets = np.nan_to_num(units / pace, nan=np.inf, posinf=np.inf)
            years = buckets * terms.bucket_days / YEAR_DAYS
            held = aim.holding_per_bucket[rows] * buckets / 2
            in_vain = (years > DOUBTFUL_YEARS) & (aim.margin[rows] > 0) & (held > aim.margin[rows])
        wished = (aim.least_stock[rows] > 0) | ~np.isnan(aim.reorder_at[rows]) | (terms.source[rows] >= 0)
        out[some] = (((years > LONGEST_YEARS) | in_vain) & ~wished)[some]
        return out

    def _exact(self, rows: np.ndarray, stock: np.ndarray, day: np.ndarray, units: np.ndarray, demand: Moments) -> Need:
        leads = self.rule.aim.leads[rows].astype(float)
        mean, spread = leads.mean(axis=1), leads.std(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            shape = (leads - mean[:, None]) / spread[:, None]
        supply = Supply(
            stock=stock,
            receipt_day=np.where(units > 0, day, np.inf).astype(float),
            receipt_units=units,
            lead_time=mean,
            lead_time_sd=spread,
            review=self.rule.terms.review[rows].astype(float),
            lead_shape=shape if leads.shape[1] > 1 else None,
        )
        calibration = self.calibration
        own = None if calibration is None else Calibration(calibration.code[rows], calibration.realised)
        told = CumulativeDemand(demand.mean, demand.variance, demand.whole, own)
        return build_need(told, supply, lost=self.rule.aim.lost)


def _of_rows(state: State, rows: np.ndarray) -> State:
    """Return what other lines see on the same morning."""
    assert state.all_stock is not None
    assert state.all_coming is not None
    return State(rows, state.all_stock[rows], state.all_coming[:, rows].T.copy(), state.all_stock, state.all_coming)


def _from_nothing(table: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return the moments of some lines with those of no bucket before them, (k, H + 1)."""
    out = np.zeros((len(rows), table.shape[1] + 1))
    out[:, 1:] = table[rows]
    return out


def _pieces(coming: np.ndarray, reach: np.ndarray, block: int) -> Iterable[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Tell lines in blocks with as many receipts to come: which they are, and day and units of these, (k, s) each.

    Parameters
    ----------
    reach : later receipts do not matter, buckets, (k,). block : so many lines at most.
    """
    ahead = coming[:, 1:]
    due = (ahead > 0) & (np.arange(1, coming.shape[1])[None, :] <= reach[:, None])
    count = due.sum(axis=1)
    for receipts in np.unique(count):
        rows = np.flatnonzero(count == receipts)
        for some in np.array_split(rows, max(-(-len(rows) // block), THREADS if len(rows) > ALONE else 1)):
            day = np.nonzero(due[some])[1].reshape(len(some), receipts)
            yield some, day + 1, np.take_along_axis(ahead[some], day, axis=1)


def _each(work: Callable[[Any], None], pieces: list[Any], lines: list[int]) -> None:
    """Do each piece of work, of so many lines; two at once, where more than one is worth a thread. They share nothing.

    Beside many other threads one of its own waits longer for its turn than it works.
    """
    if sum(size > ALONE // THREADS for size in lines) < THREADS:
        for piece in pieces:
            work(piece)
        return
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(work, pieces))
