"""In one piece of work the catalog reads each thing once, sees what is written, and hides nothing from the next."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from data.catalog import Catalog, ImportRecord
from data.once import forget, read, reading_once

NOW = datetime(2026, 5, 4, 7, tzinfo=UTC)


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return Catalog(tmp_path / "catalog.sqlite")


@pytest.fixture
def asked() -> Iterator[list[str]]:
    told: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        told.append(statement)

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    yield told
    sa.event.remove(sa.Engine, "before_cursor_execute", note)


def entry(name: str) -> ImportRecord:
    return ImportRecord(name, NOW, rows={})


def look(catalog: Catalog) -> tuple[object, ...]:
    return catalog.current("main"), catalog.records("main"), catalog.decisions("main"), catalog.plans("main")


def test_what_is_asked_again_is_not_read_again(catalog: Catalog, asked: list[str]) -> None:
    catalog.record("main", entry("a"))
    asked.clear()
    with reading_once():
        first = look(catalog)
        assert all(look(catalog) == first for _ in range(5))
    assert len(asked) == 4
    look(catalog)
    look(catalog)
    assert len(asked) == 12


def test_what_is_written_meanwhile_is_seen_at_once(catalog: Catalog) -> None:
    with reading_once():
        assert catalog.current("main") is None
        catalog.record("main", entry("a"))
        assert catalog.current("main") == entry("a")
        assert catalog.decisions("main") == []
        made = catalog.append("main", "note", {"text": "seen"})
        assert catalog.decisions("main") == [made]
        catalog.record("main", entry("b"))
        catalog.point("main", "a")
        assert catalog.current("main") == entry("a")
        assert {one.snapshot_id for one in catalog.records("main")} == {"a", "b"}
        catalog.forget("main")
        assert look(catalog) == (None, [], [], [])


def test_what_others_write_is_seen_by_the_next(catalog: Catalog, tmp_path: Path) -> None:
    def other() -> None:
        Catalog(tmp_path / "catalog.sqlite").record("main", entry("b"))

    catalog.record("main", entry("a"))
    with reading_once():
        assert catalog.current("main") == entry("a")
        writing = threading.Thread(target=other)
        writing.start()
        writing.join()
        assert catalog.current("main") == entry("a")
    with reading_once():
        assert catalog.current("main") == entry("b")


def test_a_list_that_was_handed_out_may_be_changed(catalog: Catalog) -> None:
    catalog.append("main", "note", {"text": "one"})
    with reading_once():
        catalog.decisions("main").clear()
        assert len(catalog.decisions("main")) == 1


def test_workspaces_and_catalogs_are_told_apart(catalog: Catalog, tmp_path: Path) -> None:
    other = Catalog(tmp_path / "other.sqlite")
    catalog.record("main", entry("a"))
    catalog.record("team", entry("b"))
    with reading_once():
        told = [one and one.snapshot_id for one in map(catalog.current, ("main", "team"))]
        assert told == ["a", "b"]
        assert other.current("main") is None


def test_another_thread_and_what_comes_later_know_nothing_of_it() -> None:
    numbers = iter(range(10))
    seen: list[int] = []
    with reading_once():
        assert [read("n", lambda: next(numbers)) for _ in range(2)] == [0, 0]
        thread = threading.Thread(target=lambda: seen.append(read("n", lambda: next(numbers))))
        thread.start()
        thread.join()
        forget()
        assert read("n", lambda: next(numbers)) == 2
    assert seen == [1]
    assert [read("n", lambda: next(numbers)) for _ in range(2)] == [3, 4]


def test_what_cannot_be_read_is_asked_again() -> None:
    def fail() -> None:
        msg = "no"
        raise OSError(msg)

    with reading_once():
        with pytest.raises(OSError, match="no"):
            read("n", fail)
        assert read("n", lambda: 1) == 1
