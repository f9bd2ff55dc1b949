"""The door to DuckDB is locked: no other folder, no network, no extension, no way to open it again."""

from pathlib import Path

import pytest

from data import duck


def test_only_the_allowed_folders_can_be_reached(tmp_path: Path) -> None:
    allowed, other = tmp_path / "it's [allowed]", tmp_path / "other"
    for folder in (allowed, other):
        folder.mkdir()
        (folder / "a.csv").write_text("x\n1\n")
    connection = duck.connect([allowed])
    connection.execute("COPY (SELECT 1 AS x) TO '" + str(allowed / "b.parquet").replace("'", "''") + "'")
    assert (allowed / "b.parquet").exists()
    with pytest.raises(duck.DuckError):
        connection.execute("SELECT * FROM read_csv(?)", [str(other / "a.csv")])
    with pytest.raises(duck.DuckError):
        connection.execute("SELECT * FROM read_csv(?)", [str(allowed / ".." / "other" / "a.csv")])


@pytest.mark.parametrize(
    "statement",
    [
        "SET enable_external_access = true",
        "SET memory_limit = '100GB'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SELECT * FROM read_csv('http://127.0.0.1/a.csv')",
        "ATTACH '/tmp/other.db'",
    ],
)
def test_nothing_can_be_unlocked(statement: str) -> None:
    with pytest.raises(duck.DuckError):
        duck.connect().execute(statement)


def test_a_payload_is_held_under_a_name_of_ours_and_only_as_long_as_it_is_needed() -> None:
    with duck.private_copy(b"PAR1", ".parquet") as path:
        assert path.read_bytes() == b"PAR1"
        assert path.name == "payload.parquet"
        assert path.parent.stat().st_mode & 0o077 == 0
    assert not path.parent.exists()
