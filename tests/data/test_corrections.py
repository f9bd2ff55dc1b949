"""Rows set aside go out as they stood, are corrected, and come in again beside the others."""

import io
from pathlib import Path

import pandas as pd
import pytest

from data import service
from data.corrections import REASON, ROW, corrections_csv, corrections_workbook, rows_to_correct
from data.export import workbook
from data.read import read_any
from data.templates import example_frames
from data.upload import Source
from planning.errors import InputError

SALES = "date;Artikel;item_id;quantity;location_id\n2026-01-05;x;A;3;S1\n2026-01-06;x;A;ten;S1\n2026-01-07;x;=B;-x;S1\n"
STOCK = "item_id,on_hand\nA,7\nA,\nTotal,7\n"


@pytest.fixture
def owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> service.Visitor:
    monkeypatch.setenv("STOCKCAST_HOME", str(tmp_path / "home"))
    return service.Visitor.arriving("local")


def files() -> dict[str, list[Source]]:
    return {"sales": [Source("s.csv", SALES.encode())], "stock": [Source("k.csv", STOCK.encode())]}


def set_aside() -> dict[str, pd.DataFrame]:
    read = service.preview_import(files())
    return rows_to_correct([s for group in files().values() for s in group], read.rejected)


def test_the_rows_stand_as_in_their_file_with_row_and_reason() -> None:
    rows = set_aside()
    assert list(rows) == ["s.csv", "k.csv"]
    sales = rows["s.csv"]
    assert list(sales) == ["date", "Artikel", "item_id", "quantity", "location_id", ROW, REASON]
    assert sales["quantity"].tolist() == ["ten", "-x"]
    assert sales[ROW].tolist() == [3, 4]
    assert sales[REASON].str.contains("is not a number").all()
    assert len(rows["k.csv"]) == 1  # the total is nothing to correct


def test_corrected_rows_come_beside_the_others_and_only_once(owner: service.Visitor) -> None:
    service.confirm_import(owner, service.preview_import(files()))
    rows = set_aside()["s.csv"].assign(quantity=["10", "4"])
    corrected = {"sales": [Source("corrected.csv", corrections_csv(rows))]}
    for _ in range(2):
        made = service.confirm_import(owner, service.preview_import(corrected), how={"sales": "append"})
        sales = service.inputs(owner, made)["sales"]
        assert sales["quantity"].sum() == 17
        assert len(sales) == 3
    assert any("stand there already" in note for note in service.history(owner)[0].notes)


def test_the_workbook_keeps_the_letters() -> None:
    rows = {"s.csv": set_aside()["s.csv"].assign(quantity=["10", "4"])}
    read = service.preview_import({"sales": [Source("corrected.xlsx", corrections_workbook(rows))]})
    assert sorted(read.frames["sales"]["item_id"]) == ["=B", "A"]
    assert read.rejected.empty


def test_rows_of_a_sheet_are_found_under_its_name() -> None:
    frames = {name: frame for name, frame in example_frames().items() if name in ("sales", "stock")}
    frames["sales"] = frames["sales"].astype({"quantity": object}).assign(quantity=["many", 1])
    book = Source("b.xlsx", workbook(frames))
    rows = rows_to_correct([book], read_any([book]).rejected)
    assert list(rows) == ["b.xlsx, sheet sales"]
    assert rows["b.xlsx, sheet sales"][ROW].tolist() == [2]


def test_no_cell_of_the_csv_begins_a_formula_and_negative_numbers_stay() -> None:
    frame = pd.DataFrame({"a": ["=1+1", "-5", "+1.234,5", "-x", None]}, dtype=object)
    shown = pd.read_csv(io.BytesIO(corrections_csv(frame)), dtype=str, skip_blank_lines=False)["a"]
    assert shown.tolist()[:4] == ["'=1+1", "-5", "+1.234,5", "'-x"]


def test_two_files_of_one_name_are_told_apart_by_nobody() -> None:
    twice = [Source("s.csv", SALES.encode()), Source("s.csv", SALES.encode())]
    with pytest.raises(InputError, match=r"two files are called 's.csv'"):
        rows_to_correct(twice, service.preview_import({"sales": twice[:1]}).rejected)


def test_torn_rows_stand_empty_with_their_reason() -> None:
    torn = Source("t.csv", b"date,item_id,quantity\n2026-01-05,A,1\n2026-01-06,A,1,9,9\n")
    rows = rows_to_correct([torn], service.preview_import({"sales": [torn]}).rejected)["t.csv"]
    assert rows[ROW].tolist() == [3]
    assert "cells" in rows[REASON].iloc[0]
    assert rows["item_id"].isna().all()
