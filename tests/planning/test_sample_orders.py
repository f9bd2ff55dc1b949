"""What the plan orders for the sample company stays within what its items ever sold."""

import pandas as pd

from data.sample import SAMPLE_AS_OF, SAMPLE_FOLDER
from data.snapshot import read_snapshot
from planning import pipeline
from planning.params import Params

DAYS = 90
"""Longer than any lead time and review of the sample."""


def test_no_item_is_ordered_beyond_twice_what_it_ever_sold_in_a_quarter():
    folder = next(path for path in (SAMPLE_FOLDER / "kept").iterdir() if path.is_dir())
    frames = read_snapshot(folder)
    plan = pipeline.plan(frames, SAMPLE_AS_OF, Params())
    sold = frames["sales"].assign(date=pd.to_datetime(frames["sales"]["date"]))
    by_day = sold.pivot_table(index="date", columns="item_id", values="quantity", aggfunc="sum").asfreq("D").fillna(0)
    most = by_day.rolling(DAYS).sum().max()
    # A launch sells as the item that it is like.
    like = frames["items"].dropna(subset="like_item_id").set_index("item_id")["like_item_id"]
    most = most.add(like.map(most), fill_value=0)
    ordered = plan.replenishment.groupby("item_id")["order_quantity"].sum()
    ordered = ordered[ordered > 0]
    assert len(ordered) > 10
    beyond = ordered[ordered > 2 * most.reindex(ordered.index).fillna(0)]
    assert beyond.empty
