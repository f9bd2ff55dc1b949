"""The exact engine in a replay: the whole plan made anew at each past review, from the tables as they stood then."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pandas as pd

from planning import engine, pipeline
from planning.inputs import KEY, Inputs, current_stock, read_tables, rows_of
from planning.params import Params
from planning.replay import Decision, State
from planning.replay_then import known_then


@dataclass(frozen=True)
class RefitRule:
    """The plan of each morning, with the stock and the open orders of the replay: exact, and as slow as planning is.

    tables : of today, complete; each morning sees its own part of them.
    keys, starts, bucket_days : of the world that is replayed.
    unit_cost : by item and location, as the stock tells it today.
    event_notice_days : an event was told so many days before it began.
    run : where the fits of a morning run.
    """

    tables: Inputs
    params: Params
    keys: pd.DataFrame
    starts: np.ndarray
    bucket_days: int
    unit_cost: np.ndarray
    name: str = "plan, refitted"
    event_notice_days: int = 0
    run: engine.Runner = engine.serial

    @classmethod
    def of(
        cls,
        inputs: Mapping[str, pd.DataFrame],
        as_of: date,
        params: Params,
        keys: pd.DataFrame,
        starts: np.ndarray,
        bucket_days: int,
        name: str = "plan, refitted",
    ) -> "RefitRule":
        """Return the rule for contract tables of today, by name.

        What is supposed of demand (`what_if`, `demand_multiplier`) is of the future: it is left out.
        """
        tables = read_tables(inputs, as_of)
        costs = current_stock(tables["stock"], as_of, [])["unit_cost"]
        cost = costs.reindex(pd.MultiIndex.from_frame(keys[list(KEY)])).to_numpy(float)
        then = replace(params, what_if=(), demand_multiplier=1.0)
        return cls(tables, then, keys, starts, bucket_days, cost, name)

    def orders(self, t: int, state: State) -> Decision:
        """Return what the plan of that morning orders, and what it expects short until the next order comes.

        A line that is fed asks for what the plan sends it.
        """
        morning: date = self.starts[t].astype("datetime64[D]").astype(object)
        given = self._tables(morning, state)
        base = pipeline.prepare(given, morning, self.params, run=self.run)
        result = pipeline.finish(base, morning, self.params, run=self.run).replenishment
        told = result[["order_quantity", "transfer_quantity"]].sum(axis=1).to_numpy(float)
        own = rows_of(result, self.keys)
        units = np.zeros(len(self.keys))
        units[own[own >= 0]] = told[own >= 0]
        short, between = np.full((2, len(self.keys)), np.nan)
        planned = rows_of(base.network.keys, self.keys)
        order = units[planned]
        known = planned >= 0
        short[planned[known]] = base.need.short(order)[known]
        between[planned[known]] = base.need.between[known]
        rows = state.rows
        return Decision(units[rows], short[rows], between[rows])

    def _tables(self, morning: date, state: State) -> dict[str, pd.DataFrame]:
        tables = dict(known_then(self.tables, morning, self.event_notice_days).tables)
        day = pd.Timestamp(morning)
        stock, coming = state.all_stock, state.all_coming
        if stock is None or coming is None:
            msg = "a plan needs the stock and the arrivals of all lines"
            raise ValueError(msg)
        held = self.keys[list(KEY)].assign(
            on_hand=np.maximum(stock, 0), backorders=np.maximum(-stock, 0), as_of=day, unit_cost=self.unit_cost
        )
        before = tables["stock"]
        tables["stock"] = pd.concat([before[before["as_of"] < day], held], ignore_index=True)
        ahead, rows = np.nonzero(coming[1:] > 0)
        tables["open_orders"] = pd.DataFrame(
            {
                "item_id": self.keys["item_id"].to_numpy(object)[rows],
                "location_id": self.keys["location_id"].to_numpy(object)[rows],
                "quantity": coming[1:][ahead, rows],
                "due_on": (day + pd.to_timedelta((ahead + 1) * self.bucket_days, unit="D")).to_numpy("datetime64[s]"),
                "order_id": [f"arrives in {buckets + 1}" for buckets in ahead],
            }
        )
        return tables
