"""A replay that takes no time: three simple policies over the keys of some lines, in the form of the engine's."""

from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from planning.replay import Decision, World, replay
from planning.replay_measures import ReplayResult, build_result
from planning.replay_rules import BaseStock

AS_OF = date(2026, 11, 16)


class Promising(BaseStock):
    """A base stock that promises 95 %."""

    def orders(self, t: int, state: Any) -> Decision:
        told = super().orders(t, state)
        asked = np.full(len(state.rows), 4.0)
        return Decision(told.quantity, 0.05 * asked, asked)


def fake_result(keys: pd.DataFrame | None = None, weeks: int = 20, names: tuple[str, ...] = ()) -> ReplayResult:
    """The result of a replay of these lines, or of ten made up, under as many policies as are named."""
    keys = pd.DataFrame({"item_id": [f"I{n}" for n in range(10)], "location_id": "S1"}) if keys is None else keys
    keys = keys[["item_id", "location_id"]].reset_index(drop=True)
    n, names = len(keys), names or ("plan", "cover", "textbook")
    demand = np.random.default_rng(1).poisson(4, (n, weeks)).astype(float)
    starts = np.datetime64(AS_OF - timedelta(weeks=weeks), "D") + 7 * np.arange(weeks)
    groups = pd.DataFrame(
        {"category": "Tea", "abc_class": np.resize(["A", "B", "C"], n), "demand_class": "smooth", "supplier_id": None}
    )
    counted = np.arange(weeks) >= 4
    money = {"unit_cost": np.full(n, 2.0), "margin": np.full(n, 1.5), "holding_per_bucket": np.full(n, 0.01)}
    world = World.of(demand, 2, 12.0, keys=keys, starts=starts, groups=groups, counted=counted, **money)
    rules = [
        (Promising if name == "plan" else BaseStock)(np.full(n, 17.0 - 2 * k), name=name)
        for k, name in enumerate(names)
    ]
    ledgers = {rule.name: replay(world, rule) for rule in rules}
    return build_result(world, ledgers, ("Lead times are whole <b>weeks</b>.",))


def fake_curve(result: ReplayResult) -> pd.DataFrame:
    """What the plan's policy gets at five targets."""
    targets = np.array([0.8, 0.9, 0.95, 0.98, 0.99])
    stock = result.totals()["average_stock_value"].iloc[0]
    return pd.DataFrame(
        {
            "policy": "plan",
            "target": targets,
            "fill_rate": targets,
            "promised_fill_rate": targets,
            "average_stock_units": stock / 2 * np.linspace(0.7, 1.5, 5),
            "average_stock_value": stock * np.linspace(0.7, 1.5, 5),
            "total_cost": np.nan,
        }
    )
