"""A file that nobody told about is guessed with a confidence, asked about where in doubt, and remembered."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.guess import TableGuess, guess_tables
from data.mapping import Choice, NeedsAnswer, mapping_key
from data.read import read_any
from data.templates import example_frames, template
from data.understand import understand
from data.upload import Source, read_text_table
from planning.errors import InputError
from planning.tables import INPUT_TABLES

OTHER = st.recursive(st.none() | st.text(), lambda s: st.lists(s) | st.dictionaries(st.text(), s))


def source(text: str, name: str = "a.csv") -> Source:
    return Source(name, text.encode())


def guesses(text: str) -> list[TableGuess]:
    return guess_tables(read_text_table(source(text)))


@pytest.mark.parametrize("name", INPUT_TABLES)
def test_a_table_in_the_words_of_the_contract_is_recognised(name: str) -> None:
    example = example_frames()[name]
    found = guesses(example.to_csv(index=False))
    likeliest = {g.table for g in found if g.score == found[0].score}
    assert name in likeliest
    assert found[0].confidence == 1


@pytest.mark.parametrize(
    ("header", "row", "table", "columns"),
    [
        ("Date,SKU,Qty", "2026-01-31,A,1", "sales", {"Date": "date", "SKU": "item_id", "Qty": "quantity"}),
        ("Product,Location,Quantity", "A,S1,1", "stock", {"Product": "item_id", "Quantity": "on_hand"}),
        ("SKU,Unit cost,Lead time", "A,1,7", "items", {"Unit cost": "unit_cost", "Lead time": "lead_time_days"}),
        ("Vendor,Lead time", "V,7", "suppliers", {"Vendor": "supplier_id"}),
        (
            "SKU,Order Date,Receipt Date,Units Received",
            "A,2026-01-01,2026-01-09,5",
            "receipts",
            {"Order Date": "ordered_on"},
        ),
        ("PO Number,SKU,Qty,Due", "P1,A,5,2026-01-09", "open_orders", {"Due": "due_on"}),
        ("Artikel,Verkaufsdatum,Menge", "A,31.12.2025,5", "sales", {"Artikel": "item_id", "Menge": "quantity"}),
        ("sku,End Inventory,Start Inventory", "A,5,6", "stock", {"End Inventory": "on_hand"}),
        ("Store,Product,2024-01-01,2024-01-08", "1,A,5,7", "sales", {"Store": "location_id"}),
        ("Store,Product,2024-01-01,2024-01-08", "1,A,True,False", "availability", {"Product": "item_id"}),
        ("Item,Forecast plan,2024-01,2024-02", "A,x,5,6", "forecasts", {"Item": "item_id"}),
        ("Item,SKU,On hand", "Mug,A,5", "stock", {"SKU": "item_id", "On hand": "on_hand"}),
        ("SKU,Title,Nord,Süd", "A,Mug,5,6", "stock", {"SKU": "item_id"}),
    ],
)
def test_a_file_is_guessed_by_its_headings_and_cells(
    header: str, row: str, table: str, columns: dict[str, str]
) -> None:
    best = guesses(f"{header}\n{row}\n")[0]
    assert best.table == table
    assert columns.items() <= best.mapping.items()


def test_several_other_names_of_one_column_make_it_less_sure() -> None:
    (one,) = guesses("Item,SKU,On hand\nMug,A,5\n")[:1]
    assert (one.confidence, one.mapping["SKU"]) == (0.7, "item_id")
    found = read_any([source("Item,SKU,On hand\nMug,A,5\n")])
    assert found.frames["stock"]["item_id"].tolist() == ["A"]


def test_names_are_surer_than_other_names_words_and_cells() -> None:
    sure = {g.column: (g.confidence, g.reason) for g in guesses("date,SKU,Pieces,x\n2026-01-31,A,1,\n")[0].columns}
    assert sure == {"date": (1.0, "name"), "item_id": (0.9, "other name"), "quantity": (0.6, "word")}
    (found,) = understand([source("date,SKU,Pieces,x\n2026-01-31,A,1,\n")])
    assert (found.table, found.confidence, found.ignored) == ("sales", 0.6, ("x",))


@pytest.mark.parametrize("text", ["a,b\nx,y\n", "id,number\nA,1\n", "item_id,quantity,due_on\nA,1,2026-01-31\n"])
def test_what_a_file_holds_is_asked_where_it_is_in_doubt(text: str) -> None:
    with pytest.raises(NeedsAnswer) as asked:
        read_any([source(text)])
    (question,) = asked.value.questions
    assert (question.file, question.about) == ("a.csv", "table")
    assert set(question.choices) == set(INPUT_TABLES)


def test_supply_is_not_taken_for_demand() -> None:
    text = source("item_id,quantity,due_on\nA,1,2026-01-31\n")
    with pytest.raises(NeedsAnswer) as asked:
        read_any([text])
    assert set(asked.value.questions[0].choices[:2]) == {"open_orders", "customer_orders"}
    for table in ("open_orders", "customer_orders"):
        assert read_any([text], {"a.csv": Choice(table)}).rows[table]["accepted"] == 1


def test_a_choice_overrides_table_and_columns_and_may_leave_a_file_out() -> None:
    text = source("code,a,b\nA,1,2\n")
    choice = Choice("stock", {"code": "item_id", "b": "on_hand", "a": ""})
    found = read_any([text, source("date,item_id,quantity\n2026-01-31,A,1\n", "b.csv")], {"a.csv": choice})
    assert found.frames["stock"][["item_id", "on_hand"]].to_numpy().tolist() == [["A", 2.0]]
    assert [u.table for u in found.understood] == ["stock", "sales"]
    without = read_any([text, source("date,item_id,quantity\n2026-01-31,A,1\n", "b.csv")], {"a.csv": Choice(skip=True)})
    assert set(without.frames) == {"sales"}


def test_a_mapping_is_remembered_by_the_header_however_it_is_written() -> None:
    key = mapping_key(["Code", "On hand"])
    assert key == mapping_key([" code", "ON_HAND"])
    assert key != mapping_key(["On hand", "Code"])
    kept = Choice("stock", {"Code": "item_id"}, "dd/mm/yyyy", due_on="2026-01-31").as_json()
    assert Choice.from_json(kept) == Choice("stock", {"Code": "item_id"}, "dd/mm/yyyy")
    (told,) = understand([source("Code,On hand\nA,1\n")])
    assert told.key == key


@given(st.text() | OTHER.map(json.dumps))
def test_a_remembered_mapping_that_is_something_else_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        Choice.from_json(text)


@pytest.mark.parametrize(
    "fields",
    [
        {"table": "customers"},
        {"table": "stock", "mapping": {"a": "quantity"}},
        {"date_order": "yyyy/dd/mm"},
        {"due_on": "tomorrow"},
    ],
)
def test_a_choice_that_means_nothing_is_refused_with_what_is_allowed(fields: dict[str, object]) -> None:
    with pytest.raises(InputError, match="is no"):
        Choice(**fields)  # type: ignore[arg-type]


def test_the_template_is_understood_sheet_by_sheet() -> None:
    found = read_any([Source("t.xlsx", template())])
    assert {name: told["accepted"] for name, told in found.rows.items()} == dict.fromkeys(INPUT_TABLES, 2)


def test_a_file_that_cannot_be_read_tells_its_fault_beside_the_others() -> None:
    found = understand([source(""), source("item_id,on_hand\nA,1\n", "b.csv")])
    assert [(u.table, bool(u.fault)) for u in found] == [("", True), ("stock", False)]


def test_what_is_said_of_nothing_hides_nothing() -> None:
    found = read_any([Source("t.xlsx", template())], {"t.xlsx": Choice(), "t.xlsx, sheet customer_orders": Choice()})
    assert found.rows["customer_orders"]["accepted"] == 2
    assert understand([Source("t.xlsx", template())], {"t.xlsx": Choice(skip=True)}) == []


def test_headings_that_could_be_both_dates_are_asked_too() -> None:
    text = source("item_id,01/02/2026,01/03/2026\nA,1,2\n")
    with pytest.raises(NeedsAnswer, match="the headings: is '01/02/2026'") as asked:
        read_any([text], {"a.csv": Choice("sales")})
    assert asked.value.questions[0].about == "date_order"
    found = read_any([text], {"a.csv": Choice("sales", date_order="dd/mm/yyyy")})
    assert found.frames["sales"]["date"].dt.strftime("%m-%d").tolist() == ["02-01", "03-01"]
