"""The workbook to fill in: every table and column is there, and it imports as it is."""

import io
import zipfile
from datetime import date
from xml.sax.saxutils import unescape

import pandas as pd
import pytest

from data.export import input_files, input_workbook
from data.read import Import, read_any, read_inputs
from data.sample import sample_sources
from data.snapshot import snapshot_id
from data.templates import FILE_NAME, example_frames, template
from data.understand import sheet_names
from data.upload import Source
from planning import pipeline
from planning.params import Params
from planning.tables import INPUT_TABLES


def from_workbook(payload: bytes) -> Import:
    return read_any([Source(FILE_NAME, payload)])


def from_files(payload: bytes) -> Import:
    with zipfile.ZipFile(io.BytesIO(payload)) as archive:
        return read_inputs({name[:-4]: [Source(name, archive.read(name))] for name in archive.namelist()})


def test_the_template_has_a_sheet_a_table_with_every_column_and_its_meaning() -> None:
    payload = template()
    assert set(sheet_names(Source(FILE_NAME, payload))) == set(INPUT_TABLES)
    with zipfile.ZipFile(io.BytesIO(payload)) as book:
        parts = {name: unescape(book.read(name).decode()) for name in book.namelist()}
    notes = "".join(text for name, text in parts.items() if "comments" in name)
    assert all(column.meaning in notes for table in INPUT_TABLES.values() for column in table.columns)
    assert not any("<f>" in text for text in parts.values())


def test_each_table_has_two_rows_and_fills_what_is_needed() -> None:
    for name, frame in example_frames().items():
        table = INPUT_TABLES[name]
        assert list(frame) == list(table.names)
        assert len(frame) == 2
        assert frame[list(table.required_names)].notna().all(axis=None)
        filled = frame.notna().any()
        assert filled.sum() >= len(table.required_names)


def test_the_template_imports_as_it_is_and_gives_a_plan() -> None:
    read = from_workbook(template())
    assert read.rejected.empty
    assert {name: counts["accepted"] for name, counts in read.rows.items()} == dict.fromkeys(INPUT_TABLES, 2)
    assert snapshot_id(read.frames) == snapshot_id(example_frames())
    assert read.frames["sales"]["item_id"].tolist() == ["00012", "TEA-250"]
    assert len(pipeline.plan(read.frames, date(2026, 11, 2), Params()).replenishment)


def test_a_sheet_that_nobody_filled_in_is_left_out() -> None:
    frames = {name: frame.iloc[: 0 if name == "events" else 2] for name, frame in example_frames().items()}
    assert set(INPUT_TABLES) - set(from_workbook(input_workbook(frames)).frames) == {"events"}


def awkward() -> dict[str, pd.DataFrame]:
    """Identifiers that look like numbers, dates and formulas, and numbers with every digit."""
    names = ["00012", "1E5", "NA", "1-2", "#N/A", "=1+1", "-7", "+cmd", "@a", "a,b", 'say "x"', "é", "'quoted", "TRUE"]
    n = len(names)
    days = pd.Series(pd.date_range("2026-01-05", periods=n, freq="D")).astype("datetime64[s]")
    numbers = [0.1 + 0.2, 1 / 3, 1e-7, 123456789.125, 5e-324 * 0, -2.5, 1e9, 7, 0, 1e-3, 2, 3, 4, 5]
    sales = pd.DataFrame({"date": days, "item_id": pd.Series(names, dtype=object), "quantity": numbers})
    stock = pd.DataFrame({"item_id": pd.Series(names, dtype=object), "on_hand": [float(k) for k in range(n)]})
    return {"sales": sales.astype({"quantity": float}), "stock": stock}


def test_what_is_exported_as_files_imports_to_the_same_snapshot() -> None:
    assert snapshot_id(awkward()) != snapshot_id(example_frames())
    for frames in (awkward(), example_frames()):
        made = read_inputs_complete(frames)
        assert snapshot_id(from_files(input_files(made)).frames) == snapshot_id(made)


@pytest.mark.parametrize("frames", [awkward(), example_frames()], ids=["awkward", "examples"])
def test_what_is_exported_as_a_workbook_imports_to_the_same_snapshot(frames: dict[str, pd.DataFrame]) -> None:
    made = read_inputs_complete(frames)
    made["sales"]["quantity"] = made["sales"]["quantity"].map(lambda x: float(f"{x:.15g}"))
    assert snapshot_id(from_workbook(input_workbook(made)).frames) == snapshot_id(made)


def test_the_sample_company_goes_out_and_comes_in_as_the_same_snapshot() -> None:
    frames = read_inputs(sample_sources()).frames
    assert snapshot_id(from_files(input_files(frames)).frames) == snapshot_id(frames)


def test_the_same_data_give_the_same_files() -> None:
    assert input_files(awkward()) == input_files(awkward())
    assert input_workbook(awkward()) == input_workbook(awkward())


def read_inputs_complete(frames: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Return the frames as an import would hold them."""
    made = from_files(input_files(frames))
    assert made.rejected.empty, made.rejected.to_string()
    return made.frames
