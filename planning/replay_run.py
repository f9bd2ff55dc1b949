"""From the tables of a plan to a replay: what happened, on which terms, under which policies."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import date
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from planning import replay_times
from planning.distribution import Calibration
from planning.errors import ParameterError
from planning.fits import Fits
from planning.inputs import Inputs, empty_table, read_tables
from planning.network import build_network
from planning.params import Params
from planning.policy import lead_time_points
from planning.positions import LEAD_SHAPE, build_positions, with_choices, with_demand
from planning.replay import Ledger, Progress, Rule, World, replay, silent
from planning.replay_known import Known
from planning.replay_measures import ReplayResult, build_result
from planning.replay_plan import Aim, PlanRule
from planning.replay_rules import CoverWeeks, History, MinMax, Terms, Textbook
from planning.replay_sums import measure
from planning.replay_world import HISTORY, SETTLES, Past, blanked, build_world, happened
from planning.stages import critical_ratios

POLICIES = ("plan", "history", "min_max", "cover", "cover_equal_fill", "textbook")
NAMES: Mapping[str, str] = MappingProxyType(
    {
        "plan": "plan",
        "history": HISTORY,
        "min_max": "min/max",
        "cover": "cover, equal stock",
        "cover_equal_fill": "cover, equal fill rate",
        "textbook": "textbook",
    }
)
LEAD_TIMES = replay_times.LEAD_TIMES
TARGETS = (0.80, 0.90, 0.95, 0.98, 0.99)
FEW = 2000
"""So many lines are enough to choose the weeks of cover by."""
MOST_WEEKS = 52.0
USUAL_WEEKS = 4.0
"""Weeks of cover where there is no span before the replay to choose them by."""
LIMITS = (
    "A replay cannot know what was not sold for want of stock, nor what other prices and promotions would have sold.",
    "Master data (costs, minimum orders, packs, lead times where receipts before the replay do not tell them) are "
    "those of today.",
    "Suppliers' minimum order values, containers, budgets and orders set by hand are not replayed.",
)


@dataclass(frozen=True)
class _Span:
    """Which of the kept buckets are replayed, `first` to `last`, and which before them, `train` to first - 1, teach."""

    train: int
    first: int
    last: int


def run_replay(
    inputs: Mapping[str, pd.DataFrame],
    as_of: date,
    params: Params,
    *,
    fits: Fits,
    known: Known,
    span: tuple[date, date] | None = None,
    policies: Sequence[str] = ("plan", "history", "min_max", "cover"),
    rules: Callable[[Past, World], Sequence[Rule]] | Sequence[Rule] = (),
    scenarios: Mapping[str, Params] | None = None,
    lead_times: str = "usual",
    estimated: bool = False,
    past: Past | None = None,
    progress: Progress = silent,
) -> ReplayResult:
    """Replay policies on the past of these tables.

    Parameters
    ----------
    inputs : contract tables, as `planning.pipeline.plan` takes them.
    as_of : the morning of the plan; the past ends before it.
    fits : of the same tables; known : forecasts as they were known on each past morning, in the buckets of the fits.
    span : first and last day to replay, warm-up included; None: the last two thirds of what `known` reaches. What it
        reaches before the span chooses the weeks of cover.
    policies : of `POLICIES`. rules : others, or what makes them of the past and its world.
    scenarios : other parameters by name; they are replayed on the same forecasts.
    lead_times : "usual", as the plan takes them; "drawn" from receipts known before, the same for all policies;
        "receipts": the actual one of the receipt nearest in time.
    estimated : whether demand before an empty shelf is estimated; else it counts for nothing.
    past : what `read_span` made of the same tables, where it is at hand; service targets may differ.

    Raises
    ------
    ParameterError : nothing of the span can be replayed, or a policy or kind of lead times has no such name.
    """
    _check(policies, lead_times)
    at = _span(known, span)
    past = _chosen(past, params) if past else read_past(inputs, as_of, params, fits, known, at.first)[0]
    notes: list[str] = []
    world = build_world(past, at.first, at.last, lead_times, notes, estimated=estimated)
    made = list(rules(past, world) if callable(rules) else rules)
    made += [plan_rule(past, world, at.first, lead_times, one, name) for name, one in (scenarios or {}).items()]
    ledgers: dict[str, Ledger] = {}
    for policy in ["plan", *(each for each in policies if each != "plan")]:
        if policy == "history":
            _with_history(past, world, at.first, ledgers, notes)
        elif policy == "min_max":
            _with_min_max(past, world, ledgers, notes, progress)
        else:
            rule = _rule(policy, past, world, at, lead_times, notes)
            ledgers[rule.name] = replay(world, rule, progress)
    for rule in made:
        ledgers[rule.name] = replay(world, rule, progress)
    notes.extend([*_short_sources(world, ledgers[NAMES["plan"]]), *_newcomers(world)])
    return build_result(world, ledgers, tuple(dict.fromkeys([*notes, *known.notes, *LIMITS])))


def _newcomers(world: World) -> list[str]:
    """Say how much was wanted of lines of which nothing was known before: no promise for them is worth much."""
    wanted = np.nansum(np.where(world.counted, world.demand, 0.0), axis=1)
    new = np.asarray(world.groups["demand_class"] == "none") & (wanted > 0)
    if not new.any():
        return []
    return [
        f"Lines that had sold nothing before the replay: {new.sum():,}, with {wanted[new].sum() / wanted.sum():.1%} of "
        'the demand (class "none"). Nothing told what they would want, so what is promised for them is hardly kept.'
    ]


def _short_sources(world: World, ledger: Ledger) -> list[str]:
    """Say how much of what fed lines asked for was there: what they promise counts on all of it."""
    sent, asked = ledger.sent[:, world.counted].sum(), ledger.ordered[world.source >= 0][:, world.counted].sum()
    if not asked > 0:
        return []
    return [
        f"Of what locations asked for from others under the plan, {sent / asked:.0%} could be sent at once; what was "
        "short was asked for again. A promised fill rate counts on all of it, so that what is achieved can lie below."
    ]


def exchange_curve(
    inputs: Mapping[str, pd.DataFrame],
    as_of: date,
    params: Params,
    *,
    fits: Fits,
    known: Known,
    targets: Sequence[float] = TARGETS,
    span: tuple[date, date] | None = None,
    lead_times: str = "usual",
    estimated: bool = False,
    past: Past | None = None,
    progress: Progress = silent,
) -> pd.DataFrame:
    """Return what service takes in stock, one row a policy and target.

    policy, target (of the plan: the service target of every line; of "cover": weeks; of the textbook: z), fill_rate,
    promised_fill_rate, average_stock_units, average_stock_value, total_cost.

    Parameters are those of `run_replay`; targets : fractions.
    """
    _check((), lead_times)
    at = _span(known, span)
    past = _chosen(past, params) if past else read_past(inputs, as_of, params, fits, known, at.first)[0]
    notes: list[str] = []
    world = build_world(past, at.first, at.last, lead_times, notes, estimated=estimated)
    terms, history = terms_of(past, world), _history(past, at.first, at.last)
    rows = []

    def tell(policy: str, target: float, rule: Rule) -> None:
        total = build_result(world, {policy: replay(world, rule, progress)}, ()).totals()
        names = ["fill_rate", "promised_fill_rate", "average_stock_units", "average_stock_value", "total_cost"]
        rows.append((policy, target, *(float(total[name].iloc[0]) for name in names)))

    plan = plan_rule(past, world, at.first, lead_times, params, NAMES["plan"])
    for target in targets:
        measure_ = "cycle_service_level" if plan.aim.measure == "cost" else plan.aim.measure
        level = np.full(world.lines, float(target))
        tell("plan", target, replace(plan, aim=replace(plan.aim, measure=measure_, target=level)))
    for weeks in (0.0, 1.0, 2.0, 4.0, 8.0):
        tell("cover", weeks, CoverWeeks(terms, history, weeks))
    for z in (0.5, 1.0, 1.5, 2.0, 3.0):
        tell("textbook", z, Textbook(terms, history, z))
    names = ["fill_rate", "promised_fill_rate", "average_stock_units", "average_stock_value", "total_cost"]
    return pd.DataFrame(rows, columns=["policy", "target", *names])


def read_span(
    inputs: Mapping[str, pd.DataFrame],
    as_of: date,
    params: Params,
    *,
    fits: Fits,
    known: Known,
    span: tuple[date, date] | None = None,
) -> Past:
    """Return the tables as a replay of this span reads them, for `run_replay` and `exchange_curve`."""
    return read_past(inputs, as_of, params, fits, known, _span(known, span).first)[0]


def read_past(
    inputs: Mapping[str, pd.DataFrame] | Inputs, as_of: date, params: Params, fits: Fits, known: Known, first: int = 0
) -> tuple[Past, list[str]]:
    """Return the tables as a replay from bucket `first` of `known` on reads them, and what was assumed."""
    tables = inputs if isinstance(inputs, Inputs) else read_tables(inputs, as_of)
    network = build_network(tables, params, [])
    if not known.keys.equals(network.keys.astype(known.keys.dtypes)) or known.bucket_days != fits.calendar.bucket_days:
        msg = "the kept forecasts are of other lines or buckets than these tables: make them anew"
        raise ParameterError(msg)
    positions = build_positions(_delivered(tables, known.starts[first]), network, fits, as_of, params, [])
    # Targets by class follow the classes as they were.
    positions.table["abc_class"] = known.abc_class
    return _chosen(Past(tables, network, fits, known, positions, params), params), []


def _delivered(tables: Inputs, morning: np.datetime64) -> Inputs:
    """Return the tables with the deliveries that had come by a morning; what came later, or is late, tells nothing."""
    came = tables["receipts"]["received_on"].to_numpy("datetime64[D]") <= morning
    receipts = tables["receipts"][came].reset_index(drop=True)
    return Inputs({**tables.tables, "receipts": receipts, "open_orders": empty_table("open_orders")}, tables.notes)


def _chosen(past: Past, params: Params) -> Past:
    """Return the past under these quick parameters."""
    known, days = past.known, past.bucket_days
    interval = np.clip(past.lead + np.maximum(past.review, 1), 1, known.buckets)
    rate = known.mean[0, np.arange(len(interval)), interval - 1].astype(float) / (interval * days)
    told = with_demand(past.positions, np.zeros(len(interval)), rate, np.asarray(known.whole, bool))
    return replace(past, positions=with_choices(told, params, []), params=params)


def terms_of(past: Past, world: World) -> Terms:
    """Return what every order of a world must obey: lines delisted since are ordered as they were."""
    return Terms.of(world, past.lead, past.review)


def plan_rule(past: Past, world: World, first: int, lead_times: str, params: Params, name: str) -> PlanRule:
    """Return the plan's policy under these parameters.

    Parameters
    ----------
    first : the kept forecasts' bucket that is the world's first.
    """
    past = _chosen(past, params)
    positions, terms = past.positions, terms_of(past, world)
    leads = terms.lead[:, None]
    if lead_times != "usual":
        shape = positions.table[list(LEAD_SHAPE)].to_numpy(float)
        points = lead_time_points(positions.column("lead_time_days"), positions.column("lead_time_sd_days"), shape)
        leads = np.sort(past.whole_buckets(points), axis=1)
    kind = positions.table["policy_type"].to_numpy(object)
    aim = Aim(
        measure=params.service_measure,
        target=positions.column("service_target"),
        ratio=critical_ratios(positions, params),
        least_stock=positions.column("least_stock"),
        coverage=np.maximum(past.buckets("coverage_days"), terms.review),
        leads=leads,
        life=world.shelf_life_buckets,
        lot=positions.column("lot"),
        fixed=kind == "s,Q",
        reorder_at=positions.column("reorder_at"),
        margin=positions.column("shortage_cost"),
        holding_per_bucket=world.holding_per_bucket,
        lost=world.lost,
    )
    multiple = positions.column("order_multiple")
    multiple = np.where(multiple > 0, multiple, np.where(world.whole, 1.0, 0.0))
    return PlanRule(replace(terms, multiple=multiple), aim, past.known, first, name=name)


def _rule(policy: str, past: Past, world: World, at: _Span, lead_times: str, notes: list[str]) -> Rule:
    terms, history = terms_of(past, world), _history(past, at.first, at.last)
    if policy == "plan":
        if lead_times == "usual":
            notes.append("Each order takes its usual lead time, in whole buckets, and every policy knows it.")
        return plan_rule(past, world, at.first, lead_times, past.params, NAMES["plan"])
    name = NAMES[policy]
    if policy == "textbook":
        from statistics import NormalDist

        z = NormalDist().inv_cdf(float(np.clip(past.params.service_target, 0.01, 0.9999)))
        return Textbook(terms, history, z, name)
    equal = "fill_rate" if policy == "cover_equal_fill" else "average_stock_units"
    weeks = _weeks_of_cover(past, at, lead_times, equal, notes)
    return CoverWeeks(terms, history, weeks, name)


def _weeks_of_cover(past: Past, at: _Span, lead_times: str, equal: str, notes: list[str]) -> float:
    """Return the weeks of cover whose stock, or fill rate, would have been the plan's before the replay."""
    what = "average stock" if equal == "average_stock_units" else "fill rate"
    if at.first - at.train <= SETTLES * 2:
        notes.append(f"Cover of {USUAL_WEEKS:g} weeks: no span before the replay tells of an equal {what}.")
        return USUAL_WEEKS
    world = build_world(past, at.train, at.first - 1, lead_times, [], estimated=True)
    rule = plan_rule(past, world, at.train, lead_times, past.params, "plan")
    history = _history(past, at.train, at.first - 1)
    terms = terms_of(past, world)
    n = world.lines
    if n > FEW and not world.feeds.any():
        rows = np.unique(np.linspace(0, n - 1, FEW).astype(int))
        world, terms, history = (_some(each, rows, n) for each in (world, terms, history))
        kept = _Kept.of(rule.known, rows)
        rule = replace(rule, terms=_some(rule.terms, rows, n), aim=_some(rule.aim, rows, n), known=kept)
    wanted = _reached(world, rule, equal)
    # No level below half of what has to be covered: then nothing is ordered, and stock tells nothing.
    low, high = -float(np.min(terms.lead + terms.review)) * past.bucket_days / 14, MOST_WEEKS
    for _ in range(10):
        middle = (low + high) / 2
        enough = _reached(world, CoverWeeks(terms, history, middle), equal) >= wanted
        low, high = (low, middle) if enough else (middle, high)
    weeks = round((low + high) / 2, 1)
    notes.append(f"Cover of {weeks:g} weeks: its {what} would have equalled the plan's before the replay.")
    return weeks


def _reached(world: World, rule: Rule, name: str) -> float:
    lines = measure(world, replay(world, rule))
    if name == "fill_rate":
        return 1 - float(lines["lost_units"].sum() / max(float(lines["demand_units"].sum()), 1e-9))
    value = lines["average_stock_value"]
    return float((lines[name] if value.isna().all() else value).sum())


def _with_history(past: Past, world: World, first: int, ledgers: dict[str, Ledger], notes: list[str]) -> None:
    ledger, told = happened(past, world, first)
    if not told.any():
        notes.append(
            "What really happened is not shown: there is no stock history in this span. Import past stock counts."
        )
        return
    unknown = told & np.isnan(ledger.lost).any(axis=1)
    notes.append(
        f"What really happened is told of {int(told.sum()):,} of {len(told):,} lines, those with stock counts in the "
        f"span; what was short is not known of {int(unknown.sum()):,} of them, whose shelf was empty."
    )
    bought = told & ~np.isnan(ledger.received).any(axis=1)
    notes.append(
        f"Orders and receipts of what happened are of the {int(bought.sum()):,} lines with receipts; what was sent to "
        "other locations, and thrown away of what perishes, is not known."
    )
    ledgers[HISTORY] = ledger


def _with_min_max(past: Past, world: World, ledgers: dict[str, Ledger], notes: list[str], progress: Progress) -> None:
    rule = MinMax(terms_of(past, world), world.min_stock, world.max_stock, NAMES["min_max"])
    if not rule.covers.any():
        notes.append("Minimum and maximum stock are not replayed: no line has both. Give min_stock and max_stock.")
        return
    if not rule.covers.all():
        notes.append(
            f"Lines without both a minimum and a maximum stock: {int((~rule.covers).sum()):,}; left out there."
        )
    ledgers[rule.name] = blanked(replay(world, rule, progress), ~rule.covers)


def _history(past: Past, first: int, last: int) -> History:
    """Return demand as the simple policies read it, pooled where a line feeds others."""
    begin, end = past.offset + first, past.offset + last + 1
    demand = past.fits.demand[:, :end].astype(float)
    if past.network.feeds.any():
        demand = past.network.pool(np.nan_to_num(demand))
    return History(demand, begin)


def _span(known: Known, span: tuple[date, date] | None) -> _Span:
    starts = known.starts
    count = len(starts)
    if span is None:
        at = _Span(0, count // 3, count - 1)
    else:
        inside = np.flatnonzero((starts >= np.datetime64(span[0], "D")) & (starts <= np.datetime64(span[1], "D")))
        if not len(inside):
            msg = f"the replay's span {span[0]} to {span[1]} holds no bucket of the kept forecasts: these go from "
            msg += f"{starts[0]} to {starts[-1]}"
            raise ParameterError(msg)
        at = _Span(0, int(inside[0]), int(inside[-1]))
    if at.last - at.first < 2:
        msg = "a replay needs three buckets at least: choose a longer span"
        raise ParameterError(msg)
    return at


def _check(policies: Sequence[str], lead_times: str) -> None:
    for name in policies:
        if name not in POLICIES:
            msg = f"unknown policy {str(name)[:80]!r}; there are {', '.join(POLICIES)}"
            raise ParameterError(msg)
    if lead_times not in LEAD_TIMES:
        msg = f"lead times are {str(lead_times)[:80]!r}; allowed: {', '.join(LEAD_TIMES)}"
        raise ParameterError(msg)


@dataclass(frozen=True)
class _Kept:
    """Kept forecasts of some lines."""

    mean: np.ndarray
    variance: np.ndarray
    wholes: np.ndarray
    learned: np.ndarray
    calibrations: tuple[Calibration | None, ...]

    @classmethod
    def of(cls, known: Any, rows: np.ndarray) -> "_Kept":
        """Take some lines."""
        calibrations = tuple(
            None if one is None else Calibration(one.code[rows], one.realised)
            for one in (known.calibration(int(np.argmax(known.learned == k))) for k in range(len(known.wholes)))
        )
        return cls(known.mean[:, rows], known.variance[:, rows], known.wholes[:, rows], known.learned, calibrations)

    def calibration(self, t: int) -> Calibration | None:
        """Return how levels are read on the morning of bucket `t`."""
        return self.calibrations[int(self.learned[t])]


def _some(whole: Any, rows: np.ndarray, n: int) -> Any:
    """Return the same of some of its n lines."""
    if isinstance(whole, World):
        return whole.of_lines(rows)
    assert is_dataclass(whole)
    parts = {f.name: getattr(whole, f.name) for f in fields(whole)}
    taken = {name: value[rows] for name, value in parts.items() if isinstance(value, np.ndarray) and len(value) == n}
    return replace(whole, **taken)  # type: ignore[type-var]
