"""Whatever lawful tables hold, warnings, lead times and counts are told without a fault."""

import math
from datetime import date
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from data.findings import find_warnings
from data.merge import merged
from data.placing import place_question
from planning.delivery import lead_time_distribution, lead_time_table, overdue_orders
from planning.quality import record_accuracy, score
from planning.tables import INPUT_TABLES, Column
from tests.data.test_store import contract_frame

AS_OF = date(2026, 3, 2)
NAMES = st.sampled_from(["A", "B", "a", "00A", "S1", "=1+1", " "])
FEW = ("sales", "stock", "items", "locations", "open_orders", "receipts", "events", "counts")


def cells(column: Column) -> st.SearchStrategy[Any]:
    """Lawful cells: nothing unknown where the contract asks for a value."""
    if column.choices:
        told: st.SearchStrategy[Any] = st.sampled_from(column.choices)
    elif column.kind in ("id", "text"):
        told = NAMES
    elif column.kind == "date":
        told = st.dates(date(2025, 12, 1), date(2026, 4, 1)) | st.sampled_from([date(1900, 1, 1), date(2999, 12, 31)])
    else:
        least = -5.0 if column.minimum is None else column.minimum
        most = 5.0 if column.maximum is None else column.maximum
        told = st.floats(least, max(most, least + 1)).map(lambda x: round(x, 1)) | st.just(max(least, 0.0))
    return told if column.required else st.none() | told


def lawful(name: str) -> st.SearchStrategy[pd.DataFrame]:
    table = INPUT_TABLES[name]
    row = st.fixed_dictionaries({c.name: cells(c) for c in table.columns})
    return st.lists(row, max_size=5).map(
        # A key stands once: what is read is settled.
        lambda rows: contract_frame(table, rows).drop_duplicates(list(table.key), ignore_index=True)
    )


TABLES = st.fixed_dictionaries({}, optional={name: lawful(name) for name in FEW})


@settings(
    max_examples=60, deadline=None, phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck)
)
@given(TABLES)
def test_no_lawful_table_is_too_odd(frames: dict[str, pd.DataFrame]) -> None:
    told = find_warnings(frames, AS_OF)
    for finding in told:
        assert finding.count > 0
        assert 0 <= finding.share <= 1
        assert math.isnan(finding.value) or math.isfinite(finding.value)
    place_question(frames)
    accuracy = record_accuracy(frames)
    assert 0 <= score(told, accuracy=accuracy).overall <= 1
    receipts, orders = (
        frames.get(name, contract_frame(INPUT_TABLES[name], [])) for name in ("receipts", "open_orders")
    )
    table = lead_time_table(receipts, orders, AS_OF, frames.get("items"))
    spread = lead_time_distribution(receipts, orders, AS_OF, frames.get("items"))
    overdue_orders(receipts, orders, AS_OF)
    assert not table["supplier_id"].duplicated().any()
    assert spread.groupby("supplier_id", dropna=False)["share"].sum().to_numpy() == pytest.approx(1)


@settings(
    max_examples=40, deadline=None, phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck)
)
@given(TABLES, TABLES)
def test_what_is_added_twice_is_there_once(new: dict[str, pd.DataFrame], earlier: dict[str, pd.DataFrame]) -> None:
    once, _ = merged(new, earlier)
    twice, _ = merged(new, once)
    for name, frame in once.items():
        assert len(twice[name]) == len(frame)
