"""Fits made by hand or drawn at random: what the heavy stage keeps, without the heavy stage."""

from datetime import date

import numpy as np
import pandas as pd

from planning.calendar import Calendar
from planning.classify import classify_demand
from planning.fits import Fits, Library
from planning.network import Network
from planning.past import LEAST_KNOWN, Choice
from planning.season import Season
from planning.smoothing import FAMILY, family_levels

AS_OF = date(2026, 6, 1)
AHEAD = 26
FAMILY_MEMBERS = tuple(m for m in FAMILY[7] if m.kind != "trend")
"""All that an item's own demand tells, without what it has from its category."""
MEMBERS = tuple(m.name for m in FAMILY_MEMBERS)
ORIGINS = 26


def keys(n: int) -> pd.DataFrame:
    return pd.DataFrame({"item_id": [f"{k:04d}" for k in range(n)], "location_id": "S1"})


def no_season(n: int, buckets: int) -> Season:
    return Season(np.zeros((0, n), int), np.zeros((0, buckets), int), ())


def origins_of(periods: int, step: int = 2) -> np.ndarray:
    return np.arange(periods - 1, 3, -step)[:ORIGINS]


def fits_of(demand: np.ndarray, level: np.ndarray | float, *, step: int = 2, **more: object) -> Fits:
    """Fits over weeks in which every member says `level`, shape (n, members, origins + 1) or less."""
    n, periods = demand.shape
    origins = origins_of(periods, step)
    level = np.asarray(level, np.float32)
    shape = (n, len(MEMBERS), len(origins) + 1)
    known = ~np.isnan(demand)
    made = {
        "keys": keys(n),
        "calendar": Calendar(AS_OF, 7, periods, 0, weekly_data=True),
        "sales": np.nan_to_num(demand).astype(np.float32),
        "demand": demand.astype(np.float32),
        "active": np.ones(demand.shape, bool),
        "outlier": np.zeros(demand.shape, bool),
        "event": np.zeros(demand.shape, bool),
        "closed": np.zeros(demand.shape, bool),
        "season": no_season(n, periods + AHEAD),
        "factor": np.ones((n, periods + AHEAD), np.float32),
        "members": MEMBERS,
        "levels": np.broadcast_to(level.reshape(*level.shape, *[1] * (3 - level.ndim)), shape).copy(),
        "origins": origins,
        "cut": np.zeros(len(origins), int),
        "demand_class": classify_demand(demand).astype("U12"),
        "reason": np.full(n, "", "U20"),
        "whole": np.array([bool((row[k] == np.round(row[k])).all()) for row, k in zip(demand, known, strict=True)]),
        **{name: np.zeros((n, AHEAD), np.float32) for name in ("own", "own_share", "firm")},
        "notes": (),
        "effects": pd.DataFrame(),
    }
    return Fits(**{**made, **more})


def learned(demand: np.ndarray, *, step: int = 2, **more: object) -> Fits:
    """Fits over weeks in which every member of the family says what it would have said."""
    known = [*origins_of(demand.shape[1], step), demand.shape[1]]
    return fits_of(demand, np.nan_to_num(family_levels(demand, known, FAMILY_MEMBERS, 7)), step=step, **more)


def only(n: int, member: str = "WindowAverage52") -> Choice:
    """Every row takes one member."""
    return shared(np.tile(np.eye(len(MEMBERS))[MEMBERS.index(member)], (n, 1)))


def shared(weights: np.ndarray) -> Choice:
    n = len(weights)
    return Choice(weights, np.zeros(n), np.zeros(n, int), np.full(n, "made", "U60"), np.full(n, "", "U160"))


def network(n: int, source: np.ndarray | None = None) -> Network:
    """Rows of which each is fed by its source (-1: it buys)."""
    source = np.full(n, -1) if source is None else source
    nothing = np.zeros(n)
    return Network(keys(n), source, nothing, nothing, pd.DataFrame(), (), np.ones(n), np.full(n, np.inf))


def drawn(items: int, periods: int, seed: int = 1, mean: np.ndarray | float = 30.0, size: float = 4.0) -> np.ndarray:
    """Negative binomial demand, of one mean or one mean a row."""
    mean = np.broadcast_to(mean, (items,))[:, None]
    return np.random.default_rng(seed).negative_binomial(size, size / (size + mean), (items, periods)).astype(float)


def any_past(seed: int, unknown: float, periods: int) -> Fits:
    """Demand with gaps, levels, seasons at three cuts, events and models of the library, all at random."""
    rng = np.random.default_rng(seed)
    n = 4
    demand = rng.poisson(5, (n, periods)).astype(float)
    demand[rng.uniform(size=demand.shape) < unknown] = np.nan
    fits = fits_of(demand, 1.0)
    k, buckets = len(fits.origins), periods + AHEAD
    columns = np.arange(0, k, 3)
    changed = {
        "levels": rng.gamma(2, 2, fits.levels.shape).astype(np.float32),
        "factor": rng.uniform(0.5, 2, (n, buckets)).astype(np.float32),
        "season": Season(
            np.array([rng.integers(0, 2, n), np.zeros(n, int)]),
            np.array([np.arange(buckets) % 5, np.arange(buckets) % 3]),
            (rng.uniform(0.5, 2, (4, 2, 5)), rng.uniform(0.5, 2, (4, 1, 3))),
        ),
        "cut": np.arange(k) * 3 // max(k, 1),
        "library": Library(np.array([3, 1]), ("AutoETS", "IMAPA"), columns,
                           rng.gamma(2, 2, (2, 2, len(columns) + 1, AHEAD)).astype(np.float32)),
    }  # fmt: skip
    return Fits(**{name: getattr(fits, name) for name in Fits.__dataclass_fields__} | changed)


def season_by_hand(fits: Fits, row: int, bucket: int, cut: int) -> float:
    factor = float(fits.factor[row, bucket])
    for codes, position, table in zip(fits.season.codes, fits.season.position, fits.season.tables, strict=True):
        factor *= table[cut, codes[row], position[bucket]]
    return factor


def errors_by_loop(fits: Fits, choice: Choice, horizon: int) -> tuple[np.ndarray, np.ndarray]:
    """Return error and actual of cumulative demand, row by row and bucket by bucket."""
    n, periods = fits.demand.shape
    error, actual = np.full((2, n, len(fits.origins)), np.nan)
    for row in range(n):
        for k, origin in enumerate(fits.origins):
            if origin + horizon > periods:
                continue
            cut, share = int(fits.cut[k]), choice.library[row]
            level = float(choice.weights[row] @ fits.levels[row, :, k].astype(float))
            sold = forecast = told = whole = 0.0
            count = 0
            for t in range(origin, origin + horizon):
                shape = season_by_hand(fits, row, t, cut)
                whole += shape
                if not np.isnan(fits.demand[row, t]):
                    count, sold, told = count + 1, sold + fits.demand[row, t], told + shape
                    forecast += (1 - share) * level * shape + (share * library_by_hand(fits, choice, row, k, t)
                                                               if share else 0.0)  # fmt: skip
            if count >= LEAST_KNOWN * horizon:
                actual[row, k] = sold
                error[row, k] = (sold - forecast) * (whole / told) ** 0.5
    return error, actual


def library_by_hand(fits: Fits, choice: Choice, row: int, k: int, bucket: int) -> float:
    library = fits.library
    if row not in library.rows or k not in library.columns:
        return np.nan
    path = library.paths[list(library.rows).index(row), choice.library_model[row], list(library.columns).index(k)]
    return float(path[bucket - fits.origins[k]]) * season_by_hand(fits, row, bucket, int(fits.cut[k]))
