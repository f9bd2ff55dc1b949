"""A made-up frontier, for tests of its chart and words: policy at 90 % with 100, the best 95 %, enough 70."""

import numpy as np
import pandas as pd

from planning.frontier import MEASURES, TARGETS, Frontier


def fake_frontier(value: str = "units", *, in_money: bool = True) -> Frontier:
    """A frontier through (70, 90 %) and (100, 95 %)."""
    stock = np.linspace(30, 300, 60)
    served = np.interp(stock, [30, 70, 100, 150, 300], [0.7, 0.9, 0.95, 0.98, 0.999])
    policy = _points(np.linspace(50, 260, len(TARGETS)), np.linspace(0.72, 0.99, len(TARGETS)))
    return Frontier(
        value=value,
        in_money=in_money,
        curve=_points(stock, served),
        policy=policy.assign(service_target=TARGETS)[["service_target", *MEASURES]],
        today=_points(np.array([140.0]), np.array([0.85])).iloc[0],
        proposed=_points(np.array([100.0]), np.array([0.9])).iloc[0],
        best=_points(np.array([100.0]), np.array([0.95])).iloc[0],
        least_stock=70.0,
        lines=20,
    )


def _points(stock: np.ndarray, served: np.ndarray) -> pd.DataFrame:
    told = {"stock": stock, "fill_rate": served, "kept": served, "lost_units_per_year": 1000 * (1 - served)}
    return pd.DataFrame(told | {"lost_margin_per_year": 4000 * (1 - served)})[list(MEASURES)]
