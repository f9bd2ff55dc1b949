"""Made worlds for replays: stationary demand whose law is known, and random ones with every limit."""

from dataclasses import dataclass, replace

import numpy as np

from planning.distribution import Calibration
from planning.replay import World


@dataclass(frozen=True)
class Made:
    """Forecasts as `planning.replay_known.Known` keeps them."""

    mean: np.ndarray
    variance: np.ndarray
    wholes: np.ndarray
    learned: np.ndarray
    one: Calibration | None = None

    def calibration(self, t: int) -> Calibration | None:  # noqa: ARG002
        """Return the same on every morning."""
        return self.one


def stationary(
    n: int, buckets: int, lead: int, review: int, *, size: float = 4.0, lost: bool = True, seed: int = 0
) -> tuple[World, Made]:
    """Return negative binomial demand that never changes, and the forecasts that know its law."""
    random = np.random.default_rng(seed)
    mean = np.exp(random.normal(np.log(size), 1.0, n))
    shape = mean / (random.gamma(2.0, 1.0, n) + 0.3)
    demand = random.poisson(random.gamma(shape[:, None], (mean / shape)[:, None], (n, buckets))).astype(float)
    ahead = np.arange(1, 2 * (lead + review) + 3)
    variance = mean + mean**2 / shape
    moments = [
        np.broadcast_to((each[:, None] * ahead).astype(np.float32), (buckets, n, len(ahead)))
        for each in (mean, variance)
    ]
    reviewed = np.zeros((n, buckets), bool)
    reviewed[:, ::review] = True
    world = World.of(
        demand,
        lead,
        np.round(mean * (lead + review)),
        lost=lost,
        whole=np.ones(n, bool),
        review=reviewed,
        counted=np.arange(buckets) >= lead + review + 4,
        unit_cost=np.full(n, 2.0),
        margin=np.ones(n),
        holding_per_bucket=np.full(n, 0.01),
    )
    return world, Made(*moments, np.ones((1, n), bool), np.zeros(buckets, int))


def random_world(random: np.random.Generator, n: int = 8, buckets: int = 12) -> World:
    """Return a small world with MOQ, packs, maxima, gaps, lead times that vary, shelf life, and perhaps a warehouse."""
    demand = random.poisson(random.uniform(0, 6, (n, 1)), (n, buckets)).astype(float)
    demand[random.random((n, buckets)) < 0.1] = np.nan
    some = random.random((6, n)) < 0.5
    source = np.full(n, -1)
    if random.random() < 0.5:
        source[n // 2 :] = random.integers(0, n // 2, n - n // 2)
    lost = bool(random.random() < 0.5)
    world = World.of(
        demand,
        random.integers(0, 4, (n, buckets)),
        random.integers(-3 if not lost else 0, 20, n).astype(float),
        lost=lost,
        source=source,
        review=random.random((n, buckets)) < 0.8,
        coming=random.integers(0, 5, (n, buckets)) * (random.random((n, buckets)) < 0.2),
        whole=np.ones(n, bool),
    )
    return replace(
        world,
        moq=np.where(some[0], random.integers(0, 9, n), np.nan),
        multiple=np.where(some[1], random.integers(2, 7, n), np.nan),
        max_order=np.where(some[2], random.integers(1, 30, n), np.nan),
        max_stock=np.where(some[3], random.integers(5, 40, n), np.nan),
        shelf_life_buckets=np.where(some[4], random.integers(1, 6, n), np.nan),
        min_stock=np.where(some[5], random.integers(0, 5, n), np.nan),
    )
