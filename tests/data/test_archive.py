"""Each file of an archive is a file of its own; its names are never paths, its size is known before it is unpacked."""

import pytest

from data import archive
from data.read import read_inputs
from data.upload import Source, read_text_table, unpacked
from planning.errors import InputError
from tests.data.workbooks import packed, xlsx

STOCK = "item_id,on_hand\nA,1\n"


def names(payload: bytes) -> list[str]:
    faults: list[str] = []
    found = unpacked([Source("a.zip", payload)], faults)
    assert not faults
    return [source.name for source in found]


def test_each_member_is_a_file_of_its_own() -> None:
    payload = packed(
        {"x/a.csv": STOCK, "b.csv": STOCK.replace("A", "B"), "c.xlsx": xlsx({"S": [["item_id", "on_hand"]]})}
    )
    assert names(payload) == ["a.csv", "b.csv", "c.xlsx"]
    result = read_inputs({"stock": [Source("a.zip", payload)]})
    assert result.rows["stock"] == {"read": 2, "accepted": 2, "rejected": 0}


def test_what_systems_leave_behind_is_no_file() -> None:
    assert names(packed({"__MACOSX/._a.csv": "x", "a.csv": STOCK, ".DS_Store": "x", "folder/": ""})) == ["a.csv"]


def test_a_plain_file_and_a_workbook_are_themselves() -> None:
    sources = [Source("a.csv", STOCK.encode()), Source("b.xlsx", xlsx({"S": [["item_id"]]}), "S")]
    assert unpacked(sources, []) == sources


def test_an_archive_with_one_file_reads_as_that_file() -> None:
    table = read_text_table(Source("a.zip", packed({"b.csv": STOCK})))
    assert (table.name, table.columns) == ("b.csv", ("item_id", "on_hand"))


def test_a_fault_of_one_archive_stops_no_other_file() -> None:
    faults: list[str] = []
    good = Source("b.csv", STOCK.encode())
    assert unpacked([Source("a.zip", packed({"c.zip": packed({"d.csv": STOCK})})), good], faults) == [good]
    assert faults == ["a.zip holds another archive ('c.zip'); unpack that one and bring its files"]


@pytest.mark.parametrize(
    ("limit", "value", "files", "says"),
    [
        ("MAX_MEMBERS", 2, 3, "holds 3 files, more than 2"),
        ("MAX_ENTRIES", 2, 3, "more than 2 parts"),
        ("SMALL", 10, 1, "would unpack to"),
    ],
)
def test_limits_are_told(monkeypatch: pytest.MonkeyPatch, limit: str, value: int, files: int, says: str) -> None:
    monkeypatch.setattr(archive, limit, value)
    payload = packed({f"{n}.csv": STOCK + "A,1\n" * 100_000 for n in range(files)})
    with pytest.raises(InputError, match=says):
        archive.members("a.zip", payload, 1 << 30)


def test_together_they_may_not_be_too_large() -> None:
    with pytest.raises(InputError, match="at most 30 and"):
        archive.members("a.zip", packed({"a.csv": STOCK, "b.csv": STOCK}), 30)
