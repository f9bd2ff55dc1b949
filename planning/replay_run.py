"""From the tables of a plan to a replay: what happened, on which terms, under which policies."""

from collections.abc import Mapping, Sequence
from datetime import date

import pandas as pd

from planning import engine
from planning.fits import Fits
from planning.params import Params
from planning.replay import Progress, Rule, World, silent
from planning.replay_measures import ReplayResult

LEAD_TIMES = ("usual", "drawn", "receipts")
POLICIES = ("plan", "history", "min_max", "cover", "cover_equal_fill", "textbook")


def run_replay(
    inputs: Mapping[str, pd.DataFrame],
    as_of: date,
    params: Params,
    *,
    fits: Fits,
    known: "Known",
    span: tuple[date, date] | None = None,
    policies: Sequence[str] = ("plan", "history", "min_max", "cover"),
    rules: Sequence[Rule] = (),
    lead_times: str = "usual",
    progress: Progress = silent,
) -> ReplayResult:
    """Replay policies on the past of these tables.

    Parameters
    ----------
    inputs : contract tables, as `planning.pipeline.plan` takes them.
    as_of : the morning of the plan; the past ends before it.
    fits : of the same tables; known : forecasts as they were known on each past morning, in the buckets of the fits.
    span : first and last day to replay, warm-up included; None: all that `known` reaches.
    policies : of `POLICIES`; rules : others, made for the world that `build_world` returns.
    lead_times : "usual", as the plan takes them; "drawn" from receipts known before, the same for all policies;
        "receipts": the actual one of the receipt nearest in time.

    Raises
    ------
    InputError : there is nothing to replay in this span.
    """
    raise NotImplementedError


def exchange_curve(
    inputs: Mapping[str, pd.DataFrame],
    as_of: date,
    params: Params,
    *,
    fits: Fits,
    known: "Known",
    targets: Sequence[float] = (0.80, 0.90, 0.95, 0.98, 0.99),
    span: tuple[date, date] | None = None,
    lead_times: str = "usual",
    progress: Progress = silent,
) -> pd.DataFrame:
    """Return what service takes in stock, one row a policy and target.

    policy, target, fill_rate, promised_fill_rate, average_stock_units, average_stock_value, total_cost: the plan's
    rule at each target, "cover N weeks" and the textbook's at levels of theirs.
    """
    raise NotImplementedError
