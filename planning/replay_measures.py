"""The result of a replay: totals by policy and group, differences with their intervals, an item's own weeks."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from planning.replay import Ledger, World
from planning.replay_sums import SUMS, by_bucket, measure, rates

ENDS = (0.025, 0.975)
"""The ends of the intervals."""
GROUPS = ("abc_class", "demand_class", "category", "supplier_id", "location_id")
COMPARED = (
    "fill_rate",
    "lost_units",
    "stockout_buckets",
    "average_stock_units",
    "average_stock_value",
    "turns",
    "orders",
    "lost_margin",
    "waste_units",
    "waste_value",
    "holding_cost",
    "order_cost",
    "total_cost",
)
MISSED = ("lost_units", "cycles", "short_cycles", "stockout_buckets", "lost_margin", "total_cost")
"""What cannot be told where it is not known what was short."""
UNTOLD = 0.01
"""Share of demand of lines of which it is not known what was short, beyond which the others do not speak for all."""
AT_ONCE = 64
"""Draws of the bootstrap that are made together."""


@dataclass(frozen=True)
class ReplayResult:
    """What each policy would have done, over the buckets that count.

    span : first and last day that count.
    bucket_days : days of a bucket.
    names : of the policies, the plan's first.
    lines : one row a policy and item-location (see `planning.replay_sums.measure`).
    weeks : one row a policy and bucket (see `planning.replay_sums.by_bucket`).
    ledgers : all that was written down, by policy.
    groups : category, abc_class, demand_class, supplier_id of each line.
    notes : what was assumed, what is left out and why, and what a replay cannot know.
    world : what happened.
    """

    span: tuple[date, date]
    bucket_days: int
    names: tuple[str, ...]
    lines: pd.DataFrame
    weeks: pd.DataFrame
    ledgers: Mapping[str, Ledger]
    groups: pd.DataFrame
    notes: tuple[str, ...]
    world: World

    def totals(self, by: str | None = None, *, common: bool = False) -> pd.DataFrame:
        """Return the measures by policy, and by group of lines where one is named.

        Units and money are sums, rates those of the sums. Money is of the lines whose money is known:
        `stock_units_without_cost` and `lost_units_without_margin` tell the units of the others. Service and total cost
        are not told where it is not known of all lines what was short: the shelves of the others were never empty.

        Parameters
        ----------
        by : of `GROUPS`; None: all lines together.
        common : only the lines that are known under every policy, so that policies can be compared.
        """
        lines = self._grouped(by)
        if common:
            known = lines["buckets"].notna().groupby([lines["item_id"], lines["location_id"]]).transform("all")
            lines = lines[known]
        lines = self._promised_once(lines[lines["buckets"].notna()])
        lines = lines.assign(
            stock_units_without_cost=lines["average_stock_units"].where(lines["average_stock_value"].isna(), 0.0),
            lost_units_without_margin=lines["lost_units"].where(lines["lost_margin"].isna(), 0.0),
        )
        keys = ["policy"] if by is None else ["policy", by]
        columns = [*SUMS, "stock_units_without_cost", "lost_units_without_margin"]
        grouped = lines.groupby(keys, sort=True, dropna=False)
        table = _told(grouped[columns].sum(min_count=1))
        table = table.where(~_partly(grouped[columns].count(), grouped.size()))
        table.insert(0, "lines", grouped.size())
        table = table.assign(**rates(table), turns=_turns(table)).reset_index()
        place = table["policy"].map({name: k for k, name in enumerate(self.names)})
        return table.iloc[np.argsort(place.to_numpy(), kind="stable")].reset_index(drop=True)

    def against(self, policy: str, other: str, *, draws: int = 1000, seed: int = 0) -> pd.DataFrame:
        """Return how much more `policy` has than `other`: measure, value, other, difference, low, high.

        Only lines that both know. low, high : 95 % interval of the difference by paired bootstrap over items: each
        draw takes whole items, the same for both policies. Source: Efron & Tibshirani (1993), ch. 13.
        """
        pair, own = self._sums_by_item(policy, other)
        alone = [_compared(_whole(each)).iloc[0] for each in own]
        found = [_compared(_whole(each)).iloc[0] for each in pair]
        drawn = [[], []]  # type: list[list[pd.DataFrame]]
        for weights in _draws(len(pair[0]), draws, seed):
            for out, each in zip(drawn, pair, strict=True):
                sums = weights @ each.fillna(0.0).to_numpy()
                sums[:, _whole(each).isna().to_numpy()[0]] = np.nan
                out.append(_compared(pd.DataFrame(sums, columns=each.columns)))
        apart = pd.concat(drawn[0]) - pd.concat(drawn[1]) if drawn[0] else pd.DataFrame(columns=list(COMPARED))
        low, high = (apart.quantile(end) for end in ENDS)
        mine, theirs = (both.fillna(one) for both, one in zip(found, alone, strict=True))
        return pd.DataFrame(
            {
                "measure": COMPARED,
                "value": mine[list(COMPARED)].to_numpy(float),
                "other": theirs[list(COMPARED)].to_numpy(float),
                "difference": (found[0] - found[1])[list(COMPARED)].to_numpy(float),
                "low": low[list(COMPARED)].to_numpy(float),
                "high": high[list(COMPARED)].to_numpy(float),
            }
        )

    def promised(self, policy: str, by: str | None = None, *, draws: int = 1000, seed: int = 0) -> pd.DataFrame:
        """Return the fill rate that a policy promised and the one it achieved, by group of lines where one is named.

        policy, group, lines, demand_units, promised_fill_rate, fill_rate, difference (achieved less promised), low,
        high (95 % interval of the difference, bootstrap over items).
        """
        lines = self._promised_once(self._grouped(by))
        lines = lines[(lines["policy"] == policy) & (lines["promised_demand_units"] > 0) & (lines["demand_units"] > 0)]
        names = ["lost_units", "demand_units", "promised_short_units", "promised_demand_units"]
        groups = [("", lines)] if by is None else list(lines.groupby(by, sort=True))
        rows = []
        for name, some in groups:
            sums = some.groupby("item_id")[names].sum().to_numpy(float)
            parts = [_apart(weights @ sums) for weights in _draws(len(sums), draws, seed)]
            apart = np.concatenate(parts) if parts else np.full(1, np.nan)
            lost, demand, short, asked = sums.sum(axis=0) if len(sums) else np.full(4, np.nan)
            low, high = np.quantile(apart, ENDS)
            promise, reached = 1 - short / asked, 1 - lost / demand
            rows.append((policy, name, len(some), demand, promise, reached, reached - promise, low, high))
        columns = ["policy", "group", "lines", "demand_units", "promised_fill_rate", "fill_rate", "difference"]
        return pd.DataFrame(rows, columns=[*columns, "low", "high"])

    def item(self, item_id: str, location_id: str) -> pd.DataFrame:
        """Return one line, bucket by bucket, under each policy.

        policy, starts_on, counted, start_units, received_units, ordered_units, demand_units, sold_units, lost_units,
        sent_units, waste_units, end_units, owed_units.

        Raises
        ------
        KeyError : there is no such line.
        """
        keys = self.world.keys
        rows = np.flatnonzero((keys["item_id"] == item_id) & (keys["location_id"] == location_id))
        if not len(rows):
            msg = f"no line {item_id!r} at {location_id!r} in this replay"
            raise KeyError(msg)
        names = ("start", "received", "ordered", "demand", "sold", "lost", "sent", "waste", "end", "owed")
        head = {"starts_on": self.world.starts, "counted": self.world.counted}
        parts = []
        for policy in self.names:
            own = {f"{name}_units": getattr(self.ledgers[policy], name)[rows[0]] for name in names}
            parts.append(pd.DataFrame({"policy": policy, **head, **own}))
        return pd.concat(parts, ignore_index=True)

    def gained_and_lost(self, policy: str, other: str, n: int = 10) -> pd.DataFrame:
        """Return the n lines that gained most from `policy` instead of `other`, and the n that lost most, best first.

        item_id, location_id, gained (money: the total cost saved; units: those served more, where money is not known),
        unit ("money" or "units"), fill_rate, other_fill_rate, average_stock_units, other_average_stock_units.
        """
        columns = ["total_cost", "lost_units", "fill_rate", "average_stock_units"]
        mine, theirs = (
            self.lines[self.lines["policy"] == name].set_index(["item_id", "location_id"])[columns]
            for name in (policy, other)
        )
        saved = theirs - mine
        money = saved["total_cost"].notna().any()
        table = pd.DataFrame(
            {
                "gained": saved["total_cost"] if money else saved["lost_units"],
                "unit": "money" if money else "units",
                "fill_rate": mine["fill_rate"],
                "other_fill_rate": theirs["fill_rate"],
                "average_stock_units": mine["average_stock_units"],
                "other_average_stock_units": theirs["average_stock_units"],
            }
        ).reset_index()
        table = table[table["gained"].notna()].sort_values("gained", ascending=False, kind="stable")
        best, worst = table[table["gained"] > 0].head(n), table[table["gained"] < 0].tail(n)
        return pd.concat([best, worst], ignore_index=True)

    def _promised_once(self, lines: pd.DataFrame) -> pd.DataFrame:
        """Return the lines with what was promised to customers alone: a line that feeds others promises theirs too."""
        feeds = np.zeros(len(self.world.source), bool)
        feeds[self.world.source[self.world.source >= 0]] = True
        again = feeds[lines.index.to_numpy() % len(feeds)]
        named = ("promised_short_units", "promised_demand_units")
        return lines.assign(**{name: lines[name].where(~again, 0.0) for name in named})

    def _grouped(self, by: str | None) -> pd.DataFrame:
        if by is None or by == "location_id":
            return self.lines
        if by not in GROUPS:
            msg = f"no group {by!r}; there are {', '.join(GROUPS)}"
            raise KeyError(msg)
        return self.lines.assign(**{by: np.tile(self.groups[by].to_numpy(object), len(self.names))})

    def _sums_by_item(self, policy: str, other: str) -> tuple[list[pd.DataFrame], list[pd.DataFrame]]:
        """Return the sums of both policies by item, of lines of which both know the measure; and whatever each knows.

        A measure of which one of them does not tell enough is NaN for both.
        """
        lines = self.lines.set_index("policy")
        two = [lines.loc[[name]].reset_index(drop=True) for name in (policy, other)]
        both = two[0]["buckets"].notna() & two[1]["buckets"].notna()
        own = [each.loc[both, list(SUMS)] for each in two]
        pair = [own[0].where(own[1].notna()), own[1].where(own[0].notna())]
        untold = [_whole(each).isna() for each in own]
        items = two[0].loc[both, "item_id"]
        sums = [[one.groupby(items).sum(min_count=1) for one in each] for each in (pair, own)]
        for each in sums[0]:
            each.loc[:, (untold[0] | untold[1]).to_numpy()[0]] = np.nan
        return sums[0], sums[1]


def build_result(
    world: World, ledgers: Mapping[str, Ledger], notes: tuple[str, ...], span: tuple[date, date] | None = None
) -> ReplayResult:
    """Measure what the policies did.

    Parameters
    ----------
    ledgers : by policy, the plan's first.
    span : first and last day that count; None: those of the world's buckets that count.
    """
    names = tuple(ledgers)
    at = np.flatnonzero(world.counted)
    ends = (world.starts[at[0]], world.starts[at[-1]] + np.timedelta64(world.bucket_days - 1, "D"))
    first, last = (pd.Timestamp(day).date() for day in ends)
    return ReplayResult(
        span=span or (first, last),
        bucket_days=world.bucket_days,
        names=names,
        lines=pd.concat([measure(world, ledgers[name]) for name in names], ignore_index=True),
        weeks=pd.concat([by_bucket(world, ledgers[name]) for name in names], ignore_index=True),
        ledgers=dict(ledgers),
        groups=world.groups,
        notes=notes,
        world=world,
    )


def _whole(sums: pd.DataFrame) -> pd.DataFrame:
    """Return the sum of all, one row."""
    return _told(sums.sum(axis=0, min_count=1).to_frame().T)


def _partly(told: pd.DataFrame, lines: pd.Series) -> pd.DataFrame:
    """Return of which sums too little is known: what was sent, or thrown away, of some lines is not that of all."""
    out = pd.DataFrame(False, told.index, told.columns)
    out["sent_units"] = told["sent_units"] < lines
    out["waste_units"] = out["waste_value"] = out["total_cost"] = told["waste_units"] < lines
    return out


def _told(sums: pd.DataFrame) -> pd.DataFrame:
    """Return the sums without what is missed, where that is not known of nearly all demand."""
    untold = sums["told_demand_units"].fillna(0.0) < (1 - UNTOLD) * sums["demand_units"]
    return sums.assign(**{name: sums[name].mask(untold) for name in MISSED})


def _turns(sums: pd.DataFrame) -> np.ndarray:
    value = sums["average_stock_value"].to_numpy(float)
    return np.asarray(sums["yearly_sold_value"].to_numpy(float) / np.where(value > 0, value, np.nan))


def _compared(sums: pd.DataFrame) -> pd.DataFrame:
    table = sums.assign(fill_rate=rates(sums)["fill_rate"], turns=_turns(sums))
    return table[list(COMPARED)].astype(float)


def _apart(sums: np.ndarray) -> np.ndarray:
    """Return the share served less the share promised of each draw, (draws,)."""
    lost, demand, short, asked = sums.T
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(short / asked - lost / demand)


def _draws(items: int, draws: int, seed: int) -> Iterator[np.ndarray]:
    """Tell how often each item is drawn, in pieces of (draws, items)."""
    random = np.random.default_rng(seed)
    for first in range(0, draws if items else 0, AT_ONCE):
        size = (min(AT_ONCE, draws - first), items)
        drawn = random.integers(0, items, size) + items * np.arange(size[0])[:, None]
        yield np.bincount(drawn.ravel(), minlength=size[0] * items).reshape(size).astype(float)
