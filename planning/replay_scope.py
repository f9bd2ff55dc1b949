"""A replay looked at through a filter: some of its lines, under the same policies."""

from dataclasses import replace

import numpy as np
import pandas as pd

from planning.replay_measures import ReplayResult
from planning.replay_sums import by_bucket

KEYS = ("item_id", "location_id")


def narrow(result: ReplayResult, keys: pd.DataFrame) -> ReplayResult:
    """Return the replay of some lines; what each of them did stays as it was, its part of shared orders too.

    Parameters
    ----------
    keys : item_id, location_id of the lines to keep; those that were not replayed are passed over.
    """
    wanted = pd.MultiIndex.from_frame(keys[list(KEYS)])
    rows = np.flatnonzero(pd.MultiIndex.from_frame(result.world.keys[list(KEYS)]).isin(wanted))
    if len(rows) == result.world.lines:
        return result
    place = np.full(result.world.lines, -1)
    place[rows] = np.arange(len(rows))
    source = result.world.source[rows]
    world = replace(result.world.of_lines(rows), source=np.where(source >= 0, place[source], -1))
    ledgers = {name: ledger.of(rows) for name, ledger in result.ledgers.items()}
    kept = pd.MultiIndex.from_frame(result.lines[list(KEYS)]).isin(wanted)
    return replace(
        result,
        lines=result.lines[kept].reset_index(drop=True),
        weeks=pd.concat([by_bucket(world, ledgers[name]) for name in result.names], ignore_index=True),
        ledgers=ledgers,
        groups=result.groups.iloc[rows].reset_index(drop=True),
        world=world,
    )
