"""The lines that are in view, with what a plan knows about them."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from planning.errors import PlanningError
from planning.inputs import KEY
from planning.kpi_form import Floats, said_share
from planning.kpi_past import PastFigures
from planning.kpi_rows import Rows
from planning.phrases import said_day
from planning.result import PlanResult

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class View:
    """Some lines of a plan, or all, and their past; n lines in the order of `plan.items`.

    chosen : which are in view, (n,). everything : whether no selection was asked for.
    source : the line that feeds each, -1: none, (n,). rows : looks lines up.
    """

    past: PastFigures
    plan: PlanResult
    chosen: Mask
    everything: bool
    source: NDArray[np.int64]
    rows: Rows

    @cached_property
    def keys(self) -> pd.DataFrame:
        """item_id, location_id of every line."""
        return self.past.keys

    @cached_property
    def cost(self) -> Floats:
        """Unit cost, NaN unknown, (n,)."""
        return self.plan.items["unit_cost"].to_numpy(float)

    @cached_property
    def price(self) -> Floats:
        """Unit price, NaN unknown, (n,)."""
        return self.plan.items["unit_price"].to_numpy(float)

    @cached_property
    def on_hand(self) -> Floats:
        """Units on hand on the morning of the plan, (n,)."""
        return self.plan.lines["on_hand"].to_numpy(float).clip(min=0)

    @cached_property
    def feeds(self) -> Mask:
        """Whether each line feeds another, (n,)."""
        out = np.zeros(len(self.source), bool)
        out[self.source[self.source >= 0]] = True
        return out

    @cached_property
    def selling(self) -> Mask:
        """Lines in view that serve customers; all in view, where every one feeds others."""
        mine = self.chosen & ~self.feeds
        return mine if mine.any() else self.chosen

    @property
    def today(self) -> str:
        """The period of what is told of this morning."""
        return f"on {said_day(self.past.as_of)}"

    def below(self, rows: Mask) -> Mask:
        """Return the lines that these feed, directly or not."""
        out, at = np.zeros(len(rows), bool), self.source
        while (at >= 0).any():
            out |= np.where(at >= 0, rows[at], False)
            at = np.where(at >= 0, self.source[at], -1)
        return out

    def sold_for(self, rows: Mask) -> Mask:
        """Return the lines whose sales are those of these lines: their own, and of what they feed out of view."""
        return rows | (self.below(rows) & ~self.chosen)

    def outermost(self, rows: Mask) -> Mask:
        """Return those of these lines that none of them feeds: together they hold pooled demand once."""
        return rows & ~self.below(rows)

    def table(self, rows: Mask, **columns: NDArray[Any]) -> pd.DataFrame:
        """Return item_id, location_id of these lines with columns, each given for all n lines."""
        at = np.flatnonzero(rows)
        out = {name: self.keys[name].to_numpy(object)[at] for name in KEY}
        return pd.DataFrame(out | {name: np.asarray(values)[at] for name, values in columns.items()})

    def said_cost(self, rows: Mask, units: Floats) -> str:
        """Say of how many lines with units the cost is known, empty where of all."""
        some = rows & (np.nan_to_num(units) > 0)
        told = said_share(some & ~np.isnan(self.cost), some)
        bare = float(units[some & np.isnan(self.cost)].sum())
        return f"{told} have a cost; the others hold {bare:,.0f} units" if told else ""


def build_view(past: PastFigures, plan: PlanResult, keys: pd.DataFrame | None) -> View:
    """Return the lines of `keys` (item_id, location_id; None: all of the plan) with their past.

    Raises
    ------
    PlanningError : the past was worked out for other lines than the plan's.
    """
    mine = plan.items[list(KEY)].reset_index(drop=True)
    if len(mine) != len(past.keys) or not all((mine[k].to_numpy() == past.keys[k].to_numpy()).all() for k in KEY):
        msg = "the figures of the past are of other lines than the plan: work them out for the plan's own inputs"
        raise PlanningError(msg)
    rows = Rows(mine)
    chosen = np.ones(len(mine), bool)
    if keys is not None:
        at = rows.of(keys)
        chosen[:] = False
        chosen[at[at >= 0]] = True
    above = pd.DataFrame({"item_id": mine["item_id"], "location_id": plan.items["fed_by"].to_numpy(object)})
    fed = above["location_id"].notna().to_numpy()
    source = np.full(len(mine), -1)
    source[fed] = rows.of(above[fed])
    return View(past, plan, chosen, keys is None, source, rows)


def nothing_known(values: Floats) -> bool:
    """Whether not one of these is known."""
    return bool(np.isnan(values).all())


def known_sum(values: Floats) -> float:
    """Return the sum of what is known; not a number where something was asked and nothing is known."""
    return float(np.nansum(values)) if not len(values) or not nothing_known(values) else float("nan")


__all__ = ["Mask", "View", "build_view", "known_sum", "nothing_known"]
