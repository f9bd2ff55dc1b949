"""What the customers of the sample company want, day by day, whether it is on the shelf or not."""

from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import pandas as pd

from data import sample_company as company

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

AHEAD = 220
"""Days after the last one for which the season is known: buyers look ahead."""

_DAY_CLUMPS = MappingProxyType({"smooth": 10.0, "erratic": 4.0})
_WEEK_CLUMPS = 0.95
_BASKET = MappingProxyType({"intermittent": 1.2, "lumpy": 6.0})


@dataclass(frozen=True)
class Demand:
    """True demand: `level` [item, store], units a day; `season` [day, item], about 1; `units` [day, item, store]."""

    level: Floats
    season: Floats
    units: Ints


def draw_demand(rng: np.random.Generator, items: pd.DataFrame, stores: pd.DataFrame, ranged: Flags) -> Demand:
    """Draw what is wanted: level x weekday x season x trend x life x events, spread by the item's pattern.

    Parameters
    ----------
    rng : the source of chance.
    items, stores : as in `data.sample_company`; launch and end are dates.
    ranged : [item, store], whether the store sells it.
    """
    taste = rng.lognormal(0, 0.25, ranged.shape)
    level = items["per_day"].to_numpy()[:, None] * stores["size"].to_numpy() * taste * ranged
    days = np.arange(company.DAYS + AHEAD)
    season = np.stack([company.season(c, days) for c in items["category"]], axis=1)
    trend = np.exp(rng.normal(0.02, 0.07, len(items)) * days[: company.DAYS, None] / 365)
    weekday = np.array([company.PROFILES[p] for p in stores["profile"]]).T[days[: company.DAYS] % 7]
    rate = level * (season[: company.DAYS] * trend * _life(items))[:, :, None] * weekday[:, None, :]
    rate *= _uplift(items, stores)
    return Demand(level, season, _draw(rng, rate, items["pattern"].to_numpy()))


def _life(items: pd.DataFrame) -> Floats:
    """Share of full demand [day, item]: none before the launch, eight weeks of growth, none after the end."""
    day = np.arange(company.DAYS)[:, None]
    launch, ends = life_span(items)
    grown = np.where(launch < 0, 1.0, np.clip(0.5 + (day - launch) / 112, 0.5, 1.0))
    return grown * ((day >= launch) & (day <= ends))


def life_span(items: pd.DataFrame) -> tuple[Ints, Ints]:
    """Return the first and the last day of sale, by item; far outside the books where there is none."""
    first = [company.day_of(d) if pd.notna(d) else -999 for d in items["launch_on"]]
    last = [company.day_of(d) if pd.notna(d) else 9999 for d in items["ends_on"]]
    return np.array(first), np.array(last)


def _uplift(items: pd.DataFrame, stores: pd.DataFrame) -> Floats:
    uplift = np.ones((company.DAYS, len(items), len(stores)))
    for starts, ends, factor, item, category, store, _ in company.EVENTS:
        rows = np.ones(len(items), dtype=bool)
        if item or category:
            rows = (items["item_id"] == item).to_numpy() | (items["category"] == category).to_numpy()
        columns = (stores["location_id"] == store).to_numpy() if store else np.ones(len(stores), dtype=bool)
        window = slice(company.day_of(starts), company.day_of(ends) + 1)
        uplift[window] *= np.where(rows[:, None] & columns, factor, 1.0)
    return uplift


def _draw(rng: np.random.Generator, rate: Floats, pattern: npt.NDArray[np.object_]) -> Ints:
    """Negative binomial days; weeks that swing; rare customers who take one or two, or many at once."""
    units = np.zeros(rate.shape, dtype=np.int64)
    for name, clumps in _DAY_CLUMPS.items():
        rows = pattern == name
        mean = rate[:, rows]
        if name == "erratic":
            weeks = rng.gamma(_WEEK_CLUMPS, 1 / _WEEK_CLUMPS, (company.WEEKS, *mean.shape[1:]))
            mean = mean * np.repeat(weeks, 7, axis=0)
        units[:, rows] = rng.poisson(mean * rng.gamma(clumps, 1 / clumps, mean.shape))
    for name, basket in _BASKET.items():
        rows = pattern == name
        customers = rng.poisson(rate[:, rows] / basket)
        more = rng.negative_binomial(np.maximum(customers, 1), 1 / basket)
        units[:, rows] = customers + np.where(customers > 0, more, 0)
    return units
