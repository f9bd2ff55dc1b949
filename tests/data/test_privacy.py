"""Personal data is told by its heading or its cells, dropped while reading, and said to be dropped."""

import pytest

from data.headings import normalised
from data.privacy import is_personal, masked, personal_columns, without_personal
from data.read import read_any, read_inputs
from data.upload import Source, TextTable, read_text_table
from data.validate import rejections
from planning.tables import INPUT_TABLES

PERSONAL = [
    "Email", "E-mail", "Customer e-mail", "CustomerID", "customer_name", "Customer full name", "Billing Name",
    "Billing Phone", "Shipping Address1", "Shipping Zip", "Shipping Province", "Phone", "Notes", "Note Attributes",
    "First Name", "Buyer Name", "recipient-name", "ship-to address", "Employee", "Accepts Marketing", "Client No",
    "IP address", "Kundennummer",
]  # fmt: skip

PLAIN = [
    "Name", "Lineitem name", "Product Name", "Ship Date", "Shipping", "Shipping Method", "Vendor", "Supplier",
    "Company", "Location", "Country", "Customer Order", "Title", "Type", "Tags", "SKU", "item_name", "Member",
    "Order Number", "Delivered to Client Date", "State",
]  # fmt: skip


def table(text: str) -> TextTable:
    return read_text_table(Source("a.csv", text.encode()))


@pytest.mark.parametrize(
    "heading",
    PERSONAL,
)
def test_headings_that_name_a_person(heading: str) -> None:
    assert is_personal(heading)


@pytest.mark.parametrize(
    "heading",
    PLAIN,
)
def test_headings_that_do_not(heading: str) -> None:
    assert not is_personal(heading)


def test_no_column_of_the_contract_is_personal() -> None:
    assert not [name for t in INPUT_TABLES.values() for name in t.names if is_personal(name)]


def test_a_column_of_addresses_is_personal_whatever_its_heading() -> None:
    text = table("item_id,on_hand,by\nA,1,ada@example.test\nB,2,\nC,3,bob@example.test\n")
    assert personal_columns(text) == [2]
    bare, dropped = without_personal(text)
    assert (bare.columns, dropped) == (("item_id", "on_hand"), ("by",))


def test_what_a_person_maps_by_hand_is_kept() -> None:
    text = table("customer,item_id,quantity,due_on\nC1,A,1,2026-01-31\n")
    assert without_personal(text, frozenset({normalised("Customer")}))[1] == ()
    assert without_personal(text)[1] == ("customer",)


@pytest.mark.parametrize("told", [True, False])
def test_dropped_columns_are_said_and_stand_nowhere(told: bool) -> None:  # noqa: FBT001
    text = (
        "Date,SKU,Qty,Customer Name,Phone\n2026-01-31,A,1,Ada Example,555 0100\n2026-02-31,B,2,Bob Example,555 0101\n"
    )
    source = Source("a.csv", text.encode())
    found = read_inputs({"sales": [source]}) if told else read_any([source])
    assert any("dropped as personal data" in note and "Customer Name" in note for note in found.notes)
    shown = found.rejected.to_string() + found.frames["sales"].to_string() + "".join(found.notes)
    assert "Example" not in shown
    assert "555" not in shown


def test_an_address_that_slipped_into_another_column_is_masked_among_the_rejected() -> None:
    given = rejections(INPUT_TABLES["sales"], "a.csv", [2, 3], "Qty", ["ask ada@example.test now", "x"], "no number")
    assert masked(given)["value"].tolist() == ["ask (personal data) now", "x"]
    found = read_any([Source("a.csv", b"date,item_id,quantity\n2026-01-31,A,ada@example.test\n2026-01-31,B,1\n")])
    assert found.rejected["value"].tolist() == ["(personal data)"]
