"""Exports: the contract's files to the letter, and downloads that no cell can turn on their reader."""

import csv
import io
import math
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data import export
from planning.errors import InputError
from planning.tables import RESULT_TABLES, WATERFALL_STEPS

DANGEROUS = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", '=HYPERLINK("http://x")', "=cmd|' /C calc'!A0"]


def orders(*rows: dict[str, Any]) -> pd.DataFrame:
    frame = pd.DataFrame([{"order_number": "1", "supplier_id": "S", "location_id": "L", **row} for row in rows])
    frame = frame.reindex(columns=RESULT_TABLES["orders"].names)
    for name in ("order_on", "arrives_on"):
        frame[name] = pd.to_datetime(frame[name]).astype("datetime64[s]")
    return frame.astype(dict.fromkeys(("quantity", "unit_cost", "line_value"), "float64"))


def lines(payload: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(payload.decode("utf-8-sig"), newline="")))


def sheets(payload: bytes, name: str = "1") -> str:
    with zipfile.ZipFile(io.BytesIO(payload)) as book:
        return book.read(f"xl/worksheets/sheet{name}.xml").decode()


# --- the contract's files ---------------------------------------------------------------------------------------------


def test_a_result_file_is_written_as_the_contract_says() -> None:
    frame = orders(
        {"item_id": "B", "quantity": 1 / 3, "order_on": "2026-11-02", "unit_cost": 1e-7, "line_value": math.nan},
        {"item_id": "00012", "quantity": 70.0, "order_on": "2026-11-02", "arrives_on": "2026-11-16", "unit_cost": 2.5},
    )
    assert export.plan_csv(frame, "orders").decode() == (
        "order_number,supplier_id,location_id,item_id,quantity,order_on,arrives_on,unit_cost,line_value\n"
        "1,S,L,00012,70,2026-11-02,2026-11-16,2.5,\n"
        "1,S,L,B,0.333333,2026-11-02,,0,\n"
    )


def test_identifiers_stay_to_the_letter_in_a_result_file() -> None:
    awkward = [*DANGEROUS, " x ", 'a"b', "a,b", "a\r\nb", "é", "'x", "00", "nan"]
    frame = orders(*({"item_id": item, "quantity": 1.0} for item in awkward))
    told = [row[3] for row in lines(export.plan_csv(frame, "orders"))[1:]]
    assert told == sorted(awkward)


def test_rows_stand_in_key_order_and_steps_in_theirs() -> None:
    keys = [(item, step) for item in ("b", "B", "a") for step in WATERFALL_STEPS]
    frame = pd.DataFrame(keys, columns=["item_id", "step"]).assign(location_id="L", units=1.0)
    told = lines(export.plan_csv(frame.sample(frac=1, random_state=1), "waterfall"))[1:]
    assert [(row[0], row[2]) for row in told] == [(i, s) for i in ("B", "a", "b") for s in WATERFALL_STEPS]


def test_rejected_rows_sort_by_number_and_not_by_letter() -> None:
    frame = pd.DataFrame({"table": "sales", "file": "a.csv", "row": [10, 9], "column": "x", "value": "", "reason": "r"})
    assert [row[2] for row in lines(export.plan_csv(frame, "rejected"))[1:]] == ["9", "10"]


def test_an_empty_table_is_a_header_alone_and_more_columns_stay_out() -> None:
    frame = orders()
    frame["more"] = 1
    names = ",".join(RESULT_TABLES["orders"].names)
    assert export.plan_csv(frame, "orders").decode() == f"{names}\n"
    with pytest.raises(KeyError):
        export.plan_csv(frame, "nothing")


@given(st.lists(st.floats(), min_size=1, max_size=20))
def test_numbers_are_rounded_to_six_places_without_noise(values: list[float]) -> None:
    frame = orders(*({"item_id": f"{n:03}", "quantity": v} for n, v in enumerate(values)))
    for text, value in zip((row[4] for row in lines(export.plan_csv(frame, "orders"))[1:]), values, strict=True):
        if not math.isfinite(value):
            assert text == ""
            continue
        assert "e" not in text
        assert text != "-0"
        assert len(text.partition(".")[2]) <= 6
        assert not text.endswith(".")
        assert not ("." in text and text.endswith("0"))
        assert math.isclose(float(text), value, rel_tol=1e-12, abs_tol=5.1e-7)


def test_a_file_reads_back_as_it_was() -> None:
    random = np.random.default_rng(0)
    frame = orders(
        *({"item_id": f"{n:05}", "quantity": random.random() * 10**p} for n in range(300) for p in (-3, 0, 8))
    )
    frame["order_number"] = [f"{n:04}" for n in range(len(frame))]
    back = pd.read_csv(io.BytesIO(export.plan_csv(frame, "orders")), dtype={"item_id": str})
    assert np.allclose(back["quantity"], frame["quantity"], rtol=1e-12, atol=5.1e-7)
    assert list(back["item_id"]) == list(frame["item_id"])


# --- CSV for people ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", DANGEROUS)
def test_a_text_that_would_run_is_shown_instead(text: str) -> None:
    told = lines(export.safe_csv(pd.DataFrame({text: [text, "plain"], "n": [-1.5, 2.0]})))
    assert told == [[f"'{text}", "n"], [f"'{text}", "-1.5"], ["plain", "2"]]


@given(st.lists(st.tuples(st.text(st.characters(exclude_categories=("Cs",))), st.floats(-1e6, 1e6)), max_size=8))
def test_no_text_cell_ever_begins_a_formula_and_no_number_is_touched(rows: list[tuple[str, float]]) -> None:
    frame = pd.DataFrame(rows, columns=["text", "number"]).astype({"text": object, "number": "float64"})
    told = lines(export.safe_csv(frame))[1:]
    assert len(told) == len(rows)
    for (text, number), (shown, figure) in zip(rows, told, strict=True):
        assert shown[:1] not in tuple("=+-@\t\r\n")
        assert shown.removeprefix("'") == text.removeprefix("'")
        assert math.isclose(float(figure), number, abs_tol=5.1e-7)


def test_every_kind_of_column_is_written() -> None:
    frame = pd.DataFrame(
        {
            "day": pd.to_datetime(["2026-11-02", None]),
            "moment": pd.to_datetime(["2026-11-02 05:30", None]),
            "flag": [True, False],
            "whole": pd.array([3, None], dtype="Int64"),
            "class": pd.Categorical(["=A", None]),
            "mixed": [date(2026, 11, 2), None],
        }
    )
    assert lines(export.safe_csv(frame))[1:] == [
        ["2026-11-02", "2026-11-02 05:30:00", "true", "3", "'=A", "2026-11-02"],
        ["", "", "false", "", "", ""],
    ]


def test_a_lone_empty_cell_is_still_a_row() -> None:
    assert len(lines(export.safe_csv(pd.DataFrame({"a": ["", None, "x"]})))) == 4
    assert export.safe_csv(pd.DataFrame()).decode("utf-8-sig") == "\n"


# --- Excel ------------------------------------------------------------------------------------------------------------


def test_a_workbook_holds_no_formula_and_no_link_and_keeps_the_letters() -> None:
    texts = [*DANGEROUS, "http://example.com", "mailto:a@example.com", "00012", "{=1}"]
    book = export.workbook({"orders": orders(*({"item_id": text, "quantity": 1.0} for text in texts))})
    sheet = sheets(book)
    assert "<f>" not in sheet
    assert "hyperlink" not in sheet.lower()
    with zipfile.ZipFile(io.BytesIO(book)) as parts:
        shared = parts.read("xl/sharedStrings.xml").decode()
        assert 'quotePrefix="1"' in parts.read("xl/styles.xml").decode()
        assert not [name for name in parts.namelist() if "external" in name.lower()]
    assert "=1+1" in shared
    assert "00012" in shared


def test_a_workbook_has_a_sheet_a_table_with_titles_and_formats() -> None:
    frame = orders({"item_id": "A", "quantity": 3.0, "order_on": "2026-11-02", "unit_cost": 1.5, "line_value": 4.5})
    book = export.workbook({"orders": frame, "planned_orders": frame}, {"plan": "=1+1", "as_of": date(2026, 11, 2)})
    with zipfile.ZipFile(io.BytesIO(book)) as parts:
        names = parts.read("xl/workbook.xml").decode()
        shared = parts.read("xl/sharedStrings.xml").decode()
        styles = parts.read("xl/styles.xml").decode()
    assert [f'name="{name}"' in names for name in ("orders", "planned_orders", "about")] == [True] * 3
    assert "Units to order" not in shared
    assert "Quantity" in shared
    assert "yyyy-mm-dd" in styles
    assert "<f>" not in sheets(book, "3")


def test_the_same_tables_give_the_same_workbook() -> None:
    frame = orders({"item_id": "A", "quantity": 3.0})
    assert export.workbook({"orders": frame}) == export.workbook({"orders": frame})


def test_what_excel_cannot_hold_is_cut_left_empty_or_said(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = pd.DataFrame(
        {
            "text": ["x" * 40_000, "a\x00\x1b"],
            "number": [math.inf, math.nan],
            "day": pd.Series(np.array(["0001-01-01", "9999-12-31"], dtype="datetime64[s]")),
        }
    )
    assert sheets(export.workbook({"odd": frame})).count("<row ") == 3
    monkeypatch.setattr(export, "EXCEL_ROWS", 1)
    with pytest.raises(InputError, match="CSV"):
        export.workbook({"odd": frame})


@pytest.mark.parametrize(
    "names", [["a/b:c*[d]?\\", "a b c  d   "], ["x" * 40, "X" * 40], ["", "'"], ["History of a long table name…", "h"]]
)
def test_any_table_name_makes_a_sheet(names: list[str]) -> None:
    book = export.workbook({name: pd.DataFrame({"a": [1]}) for name in names})
    assert sheets(book, "2")


# --- names ------------------------------------------------------------------------------------------------------------


@given(st.text(), st.text())
def test_a_download_name_is_safe_everywhere(plan: str, what: str) -> None:
    name = export.download_name(plan, date(2026, 11, 2), what, "csv")
    assert Path(name).name == name
    assert "-2026-11-02-" in name
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-.")
    assert len(name) < 110


def test_a_download_is_named_by_plan_date_and_table() -> None:
    assert export.download_name("Über Plan", date(2026, 11, 2), "planned_orders", "xlsx") == (
        "uber-plan-2026-11-02-planned-orders.xlsx"
    )
