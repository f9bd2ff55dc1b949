"""How good the data are: a score with its parts, how far the stock records can be trusted, and what shrank."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

import numpy as np
import pandas as pd

from planning.classify import classify_abc
from planning.inputs import empty_table

PARTS: Mapping[str, str] = MappingProxyType(
    {
        "readable": "Rows that could be read and used",
        "complete": "Costs, lead times and locations are there",
        "consistent": "The tables speak of the same items and places",
        "current": "Sales, stock and open orders are of the same days",
        "plausible": "No gaps, prices or pairs that look wrong",
        "counted": "Cycle counts agree with the stock records",
    }
)
"""The sides of quality, and what each asks. `readable` and `counted` are told only where there is something to tell."""

TOLERANCES: Mapping[str, float] = MappingProxyType({"A": 0.005, "B": 0.01, "C": 0.05})
"""By how much of the book a count may differ and still agree, by class of value.

Source: the usual tolerances of cycle counting, e.g. Silver, Pyke & Thomas, 4th ed. (2017).
"""


class Issue(Protocol):
    """What a warning must tell to be weighed: its part, and the share (0 to 1) of what is planned that it touches."""

    @property
    def part(self) -> str:
        """One of `PARTS`; any other is not weighed."""

    @property
    def share(self) -> float:
        """The share of sales or stock that it touches."""


@dataclass(frozen=True)
class Score:
    """How good the data are, 0 to 1.

    overall : the mean of the parts.
    parts : one row a part: part, meaning, score (0 to 1), issues (count).
    """

    overall: float
    parts: pd.DataFrame


@dataclass(frozen=True)
class Accuracy:
    """What cycle counts tell of the stock records.

    rows : one row a count with a known book: item_id, location_id, counted_on, counted, book, difference (counted -
        book, units), tolerance (units), agrees (flag), abc_class, value (difference at cost; missing without cost).
    counts : how many rows; unmatched : counts without a book, which are left out.
    share : of the rows that agree; value_share : 1 - sum(|difference| x cost) / sum(book x cost); NaN: not known.
    shrinkage_units : sum(book - counted); shrinkage_value : at cost; shrinkage_share : of what sold of it, at cost.
    """

    rows: pd.DataFrame
    counts: int
    unmatched: int
    share: float
    value_share: float
    shrinkage_units: float
    shrinkage_value: float
    shrinkage_share: float


def score(
    issues: Sequence[Issue],
    rows: Mapping[str, Mapping[str, int]] | None = None,
    accuracy: Accuracy | None = None,
) -> Score:
    """Weigh the issues: each part is what is left of 1 after the share that each of its issues touches.

    score of a part = product over its issues of (1 - share); the overall score is the mean of the parts.

    Parameters
    ----------
    issues : the warnings, such as `data.findings.Finding`.
    rows : by table, rows read and accepted, as the import reported; None: not told.
    accuracy : of the stock records; None, or without counts: not told.

    Source: house rule.
    """
    told: dict[str, list[float]] = {part: [] for part in PARTS if part not in ("readable", "counted")}
    for issue in issues:
        if issue.part in told:
            told[issue.part].append(min(max(issue.share, 0.0), 1.0))
    values = {part: float(np.prod([1 - share for share in shares])) for part, shares in told.items()}
    read = sum(table.get("read", 0) for table in (rows or {}).values())
    if read:
        values["readable"] = sum(table.get("accepted", 0) for table in (rows or {}).values()) / read
    if accuracy is not None and accuracy.counts:
        values["counted"] = accuracy.share
    parts = [part for part in PARTS if part in values]
    table = pd.DataFrame(
        {
            "part": parts,
            "meaning": [PARTS[part] for part in parts],
            "score": [values[part] for part in parts],
            "issues": [len(told.get(part, ())) for part in parts],
        }
    )
    return Score(float(table["score"].mean()), table)


def record_accuracy(inputs: Mapping[str, pd.DataFrame]) -> Accuracy:
    """How far cycle counts agree with the records, and what shrank.

    A count agrees within the tolerance of its class of value (`TOLERANCES`, a share of the book). Where the count
    names no book, the stock row of the same item, location and day is the book. Shrinkage is set against the sales
    of the counted items, at the counted locations, in the year before the last count.

    Parameters
    ----------
    inputs : contract tables by name; counts, and for book, cost and class stock, items and sales; any may be absent.

    Source: stock accuracy, value accuracy and shrinkage as in the usual definitions of cycle counting.
    """
    counts, stock, items, sales = (_table(inputs, name) for name in ("counts", "stock", "items", "sales"))
    booked = counts["book"].fillna(_stock_of_that_day(counts, stock))
    rows = counts.assign(book=booked)[booked.notna()].reset_index(drop=True)
    cost = rows["item_id"].map(_costs(items, stock)).astype(float)
    classes = rows["item_id"].map(_classes(sales, _costs(items, stock))).fillna("C")
    difference = rows["counted"] - rows["book"]
    tolerance = classes.map(dict(TOLERANCES)).astype(float) * rows["book"].abs()
    told = rows[["item_id", "location_id", "counted_on", "counted", "book"]].assign(
        difference=difference,
        tolerance=tolerance,
        agrees=(difference.abs() <= tolerance + 1e-9),
        abc_class=classes,
        value=difference * cost,
    )
    booked_value = float((rows["book"].clip(lower=0) * cost).sum())
    shrunk = -float(told["value"].sum()) if cost.notna().any() else float("nan")
    sold = _sold_at_cost(sales, counts, _costs(items, stock))
    worst = told.assign(size=told["value"].abs().fillna(0)).sort_values(
        ["size", "item_id", "counted_on"], ascending=[False, True, True]
    )
    return Accuracy(
        rows=worst.drop(columns="size").reset_index(drop=True),
        counts=len(told),
        unmatched=len(counts) - len(told),
        share=float(told["agrees"].mean()) if len(told) else float("nan"),
        value_share=1 - float(told["value"].abs().sum()) / booked_value if booked_value > 0 else float("nan"),
        shrinkage_units=float((rows["book"] - rows["counted"]).sum()),
        shrinkage_value=shrunk,
        shrinkage_share=shrunk / sold if sold > 0 else float("nan"),
    )


def _table(inputs: Mapping[str, pd.DataFrame], name: str) -> pd.DataFrame:
    empty = empty_table(name)
    frame = inputs.get(name, empty)
    columns = {c: frame[c] if c in frame else pd.Series(index=frame.index, dtype=empty[c].dtype) for c in empty}
    return pd.DataFrame(columns, index=frame.index)


def _stock_of_that_day(counts: pd.DataFrame, stock: pd.DataFrame) -> pd.Series:
    place = ["item_id", "location_id"]
    by_day = stock.dropna(subset=["as_of"]).groupby([*place, "as_of"], dropna=False)["on_hand"].sum()
    asked = pd.MultiIndex.from_frame(counts[[*place, "counted_on"]])
    return pd.Series(by_day.reindex(asked).to_numpy(dtype=float), index=counts.index)


def _costs(items: pd.DataFrame, stock: pd.DataFrame) -> pd.Series:
    own = items.drop_duplicates("item_id").set_index("item_id")["unit_cost"]
    return own.combine_first(stock.groupby("item_id")["unit_cost"].mean())


def _classes(sales: pd.DataFrame, costs: pd.Series) -> pd.Series:
    """Return the class of each item by the value sold; without costs, by units."""
    units = sales.assign(quantity=sales["quantity"].clip(lower=0)).groupby("item_id")["quantity"].sum()
    value = units * (costs.reindex(units.index) if costs.notna().any() else 1.0)
    return pd.Series(classify_abc(value.fillna(0.0).to_numpy(dtype=float)), index=units.index, dtype=object)


def _sold_at_cost(sales: pd.DataFrame, counts: pd.DataFrame, costs: pd.Series) -> float:
    last = counts["counted_on"].max()
    year = sales[(sales["date"] <= last) & (sales["date"] > last - pd.Timedelta(days=365).as_unit("s"))]
    place = ["item_id", "location_id"] if counts["location_id"].notna().any() else ["item_id"]
    year = year[pd.MultiIndex.from_frame(year[place]).isin(pd.MultiIndex.from_frame(counts[place]))]
    return float((year["quantity"].clip(lower=0) * year["item_id"].map(costs)).sum())
