"""The small SQL catalog beside the snapshots: workspaces, imports, the decisions log, plans, scenarios, share links."""

import hashlib
import json
import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, OperationalError, SQLAlchemyError
from sqlalchemy.pool import NullPool
from sqlalchemy.schema import CreateTable

from data import once
from planning.errors import InputError

NO_DECISIONS = hashlib.sha256(b"").hexdigest()
"""The id of an empty decisions log."""

TRIES = 20
"""How often an append is tried when somebody else appends at the same moment."""

_METADATA = sa.MetaData()
_WORKSPACES = sa.Table(
    "workspaces",
    _METADATA,
    sa.Column("name", sa.String(80), primary_key=True),
    sa.Column("current_snapshot", sa.String(64)),
)
_SNAPSHOTS = sa.Table(
    "snapshots",
    _METADATA,
    sa.Column("workspace", sa.String(80), primary_key=True),
    sa.Column("snapshot_id", sa.String(64), primary_key=True),
    sa.Column("imported_at", sa.String(40), nullable=False),
    sa.Column("files", sa.JSON, nullable=False),
    sa.Column("rows", sa.JSON, nullable=False),
    sa.Column("notes", sa.JSON, nullable=False),
    sa.Column("sample", sa.Boolean, nullable=False),
    sa.Column("imported_by", sa.String(80), nullable=False, server_default=""),
)
_REMEMBERED = sa.Table(
    "remembered",
    _METADATA,
    sa.Column("workspace", sa.String(80), primary_key=True),
    sa.Column("name", sa.String(200), primary_key=True),
    sa.Column("text", sa.Text, nullable=False),
)
_DECISIONS = sa.Table(
    "decisions",
    _METADATA,
    sa.Column("workspace", sa.String(80), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("decided_at", sa.String(40), nullable=False),
    sa.Column("kind", sa.String(40), nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
)
_PLANS = sa.Table(
    "plans",
    _METADATA,
    sa.Column("workspace", sa.String(80), primary_key=True),
    sa.Column("plan_id", sa.String(32), primary_key=True),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("status", sa.String(20), nullable=False),
    sa.Column("as_of", sa.String(10), nullable=False),
    sa.Column("made_at", sa.String(40), nullable=False),
    sa.Column("made_by", sa.String(80), nullable=False),
    sa.Column("adopted_at", sa.String(40), nullable=False),
    sa.Column("adopted_by", sa.String(80), nullable=False),
    sa.Column("snapshot_id", sa.String(64), nullable=False),
    sa.Column("plan_key", sa.String(128), nullable=False),
    sa.Column("params", sa.Text, nullable=False),
    sa.Column("scope", sa.JSON, nullable=False),
    sa.Column("totals", sa.JSON, nullable=False),
    sa.Column("sample", sa.Boolean, nullable=False),
)
"""A table of its own: a catalog of an earlier version gets it when it is opened, and nothing else of it changes."""
_SCENARIOS = sa.Table(
    "scenarios",
    _METADATA,
    sa.Column("workspace", sa.String(80), primary_key=True),
    sa.Column("content_id", sa.String(64), primary_key=True),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("params", sa.Text, nullable=False),
)
"""What versions of scenarios hold, by its hash; the decisions log says which version of which scenario it is."""
_LINKS = sa.Table(
    "links",
    _METADATA,
    sa.Column("workspace", sa.String(80), primary_key=True),
    sa.Column("link_id", sa.String(32), primary_key=True),
    sa.Column("token_hash", sa.String(64), nullable=False, unique=True),
    sa.Column("made_at", sa.String(40), nullable=False),
    sa.Column("made_by", sa.String(80), nullable=False),
    sa.Column("expires_at", sa.String(40), nullable=False),
    sa.Column("revoked_at", sa.String(40), nullable=False),
    sa.Column("revoked_by", sa.String(80), nullable=False),
    sa.Column("used_at", sa.String(40), nullable=False),
    sa.Column("result_key", sa.String(64), nullable=False),
    sa.Column("opens", sa.JSON, nullable=False),
)


@dataclass(frozen=True)
class ImportRecord:
    """What is known of one kept snapshot.

    `rows` counts, for each table, read, accepted and rejected rows; `notes` say what was assumed;
    `sample` is true for the sample company, which real data is never mixed with; `imported_by` is who brought it,
    empty where nobody signed in.
    """

    snapshot_id: str
    imported_at: datetime
    files: tuple[str, ...] = ()
    rows: Mapping[str, Mapping[str, int]] | None = None
    notes: tuple[str, ...] = ()
    sample: bool = False
    imported_by: str = ""


PlanStatus = Literal["draft", "plan of record", "superseded"]


@dataclass(frozen=True)
class PlanRecord:
    """What is known of one kept plan.

    `kind` is replenishment or allocation; `scope` names locations, categories and suppliers (none: all); `params` is
    the JSON of `planning.params.Params`; `totals` counts its lines, units and money; `adopted_by` made it the plan of
    record, at `adopted_at` (None: never). `plan_key` is `planning.pipeline.plan_key` of what it was made from.
    """

    plan_id: str
    name: str
    kind: str
    status: PlanStatus
    as_of: date
    made_at: datetime
    made_by: str
    snapshot_id: str
    plan_key: str
    params: str
    scope: Mapping[str, list[str]]
    totals: Mapping[str, float]
    sample: bool
    adopted_at: datetime | None = None
    adopted_by: str = ""


@dataclass(frozen=True)
class LinkRecord:
    """What is known of one share link; of its token the hash alone.

    `opens` says what it shows, as `data.links` writes it; `result_key` names the kept result. `used_at` is when it was
    last looked at, to the minute (None: never).
    """

    link_id: str
    token_hash: str
    made_at: datetime
    made_by: str
    expires_at: datetime
    result_key: str
    opens: Mapping[str, Any]
    revoked_at: datetime | None = None
    revoked_by: str = ""
    used_at: datetime | None = None

    def is_live(self, now: datetime) -> bool:
        """Tell whether it still opens something."""
        return self.revoked_at is None and now < self.expires_at


@dataclass(frozen=True)
class Decision:
    """One line of the decisions log; `number` counts from 1."""

    number: int
    decided_at: datetime
    kind: str
    body: Mapping[str, Any]


Body = Callable[[Sequence[Decision]], Mapping[str, Any]]
T = TypeVar("T")


class Catalog:
    """The catalog in a SQLite file, or at a database address (SQLAlchemy's form, `postgresql://...`).

    Every call opens and closes its own connection, so that any thread may call.

    Raises
    ------
    InputError : the catalog cannot be opened, or, from any method, not be read or written now.
    """

    def __init__(self, address: Path | str) -> None:
        try:
            # A path is no URL: a question mark in it is a letter.
            url = sa.URL.create("sqlite", database=str(address)) if isinstance(address, Path) else address
            self._engine = sa.create_engine(url, poolclass=NullPool)
            if self._engine.dialect.name == "sqlite":
                sa.event.listen(self._engine, "connect", _prepare_sqlite)
            with self._engine.begin() as connection:
                for table in _METADATA.sorted_tables:
                    connection.execute(CreateTable(table, if_not_exists=True))
            _complete(self._engine)
        except (SQLAlchemyError, ImportError) as fault:
            # The address may hold a password: it is never repeated.
            msg = "the catalog cannot be opened: check STOCKCAST_CATALOG, STOCKCAST_HOME and the room on the disk"
            raise InputError(msg) from fault

    def record(self, workspace: str, entry: ImportRecord) -> None:
        """Note a snapshot and make it the current one, both or neither."""
        values = {
            "imported_at": entry.imported_at.isoformat(),
            "files": list(entry.files),
            "rows": {name: dict(counts) for name, counts in (entry.rows or {}).items()},
            "notes": list(entry.notes),
            "sample": entry.sample,
            "imported_by": entry.imported_by,
        }
        key = {"workspace": workspace, "snapshot_id": entry.snapshot_id}
        with self._write() as connection:
            connection.execute(sa.delete(_SNAPSHOTS).filter_by(**key))
            connection.execute(sa.insert(_SNAPSHOTS).values(**key, **values))
            _point(connection, workspace, entry.snapshot_id)

    def point(self, workspace: str, snapshot_id: str) -> None:
        """Make a recorded snapshot the current one."""
        with self._write() as connection:
            _point(connection, workspace, snapshot_id)

    def records(self, workspace: str) -> list[ImportRecord]:
        """Return what was imported, newest first."""
        query = sa.select(_SNAPSHOTS).filter_by(workspace=workspace).order_by(_SNAPSHOTS.c.imported_at.desc())
        return list(self._once("records", workspace, query, _record))

    def current(self, workspace: str) -> ImportRecord | None:
        """Return the current snapshot's record, or None where nothing was imported."""
        query = sa.select(_SNAPSHOTS).join(
            _WORKSPACES,
            (_WORKSPACES.c.name == _SNAPSHOTS.c.workspace)
            & (_WORKSPACES.c.current_snapshot == _SNAPSHOTS.c.snapshot_id),
        )
        found = self._once("current", workspace, query.where(_WORKSPACES.c.name == workspace), _record)
        return found[0] if found else None

    def forget(self, workspace: str) -> None:
        """Remove everything that is known of a workspace."""
        with self._write() as connection:
            connection.execute(sa.delete(_WORKSPACES).filter_by(name=workspace))
            connection.execute(sa.delete(_SNAPSHOTS).filter_by(workspace=workspace))
            connection.execute(sa.delete(_DECISIONS).filter_by(workspace=workspace))
            connection.execute(sa.delete(_REMEMBERED).filter_by(workspace=workspace))
            connection.execute(sa.delete(_PLANS).filter_by(workspace=workspace))
            connection.execute(sa.delete(_SCENARIOS).filter_by(workspace=workspace))
            connection.execute(sa.delete(_LINKS).filter_by(workspace=workspace))

    def remember(self, workspace: str, name: str, text: str) -> None:
        """Keep a text under a name; a later one replaces it."""
        key = {"workspace": workspace, "name": name}
        with self._write() as connection:
            changed = connection.execute(sa.update(_REMEMBERED).filter_by(**key).values(text=text)).rowcount
            if not changed:
                connection.execute(sa.insert(_REMEMBERED).values(**key, text=text))

    def remembered(self, workspace: str, name: str) -> str | None:
        """Return the text kept under this name, or None."""
        query = sa.select(_REMEMBERED.c.text).filter_by(workspace=workspace, name=name)
        with self._open() as connection:
            found: str | None = connection.execute(query).scalar()
        return found

    def add_plan(self, workspace: str, plan: PlanRecord) -> None:
        """Note a new plan."""
        values = {
            **vars(plan),
            "as_of": plan.as_of.isoformat(),
            "made_at": plan.made_at.isoformat(),
            "adopted_at": plan.adopted_at.isoformat() if plan.adopted_at else "",
            "scope": dict(plan.scope),
            "totals": dict(plan.totals),
        }
        with self._write() as connection:
            connection.execute(sa.insert(_PLANS).values(workspace=workspace, **values))

    def plans(self, workspace: str) -> list[PlanRecord]:
        """Return the plans, newest first."""
        query = sa.select(_PLANS).filter_by(workspace=workspace)
        query = query.order_by(_PLANS.c.made_at.desc(), _PLANS.c.plan_id)
        return list(self._once("plans", workspace, query, _plan))

    def adopt_plan(self, workspace: str, plan: PlanRecord, adopted_by: str) -> None:
        """Make a plan the one of record; the earlier one of its kind is superseded, both or neither."""
        own = {"workspace": workspace, "kind": plan.kind, "sample": plan.sample}
        adopted = {"status": "plan of record", "adopted_by": adopted_by, "adopted_at": datetime.now(UTC).isoformat()}
        with self._write() as connection:
            earlier = sa.update(_PLANS).filter_by(**own, status="plan of record")
            connection.execute(earlier.values(status="superseded"))
            mine = sa.update(_PLANS).filter_by(workspace=workspace, plan_id=plan.plan_id)
            connection.execute(mine.values(**adopted))

    def add_scenario(self, workspace: str, content_id: str, text: str, params: str) -> None:
        """Keep what a version of a scenario holds; the same content is kept once."""
        values = {"workspace": workspace, "content_id": content_id, "text": text, "params": params}
        # Another may keep the same at this moment.
        with suppress(IntegrityError), self._write() as connection:
            connection.execute(sa.insert(_SCENARIOS).values(**values))

    def scenarios(self, workspace: str, content_ids: Collection[str]) -> dict[str, tuple[str, str]]:
        """Return text and parameters of versions of scenarios, by the hash of their content."""
        query = sa.select(_SCENARIOS).filter_by(workspace=workspace)
        query = query.where(_SCENARIOS.c.content_id.in_(list(content_ids)))
        with self._open() as connection:
            return {row.content_id: (row.text, row.params) for row in connection.execute(query)}

    def add_link(self, workspace: str, link: LinkRecord) -> None:
        """Note a new share link."""
        values = {
            **vars(link),
            "made_at": link.made_at.isoformat(),
            "expires_at": link.expires_at.isoformat(),
            "revoked_at": "",
            "used_at": "",
            "opens": dict(link.opens),
        }
        with self._write() as connection:
            connection.execute(sa.insert(_LINKS).values(workspace=workspace, **values))

    def links(self, workspace: str) -> list[LinkRecord]:
        """Return all share links, newest first."""
        query = sa.select(_LINKS).filter_by(workspace=workspace)
        query = query.order_by(_LINKS.c.made_at.desc(), _LINKS.c.link_id)
        with self._open() as connection:
            return [_link(row) for row in connection.execute(query)]

    def link(self, workspace: str, **by: str) -> LinkRecord | None:
        """Return the share link of this `link_id` or `token_hash`, or None."""
        query = sa.select(_LINKS).filter_by(workspace=workspace, **by)
        with self._open() as connection:
            row = connection.execute(query).first()
        return None if row is None else _link(row)

    def revoke_link(self, workspace: str, link_id: str, revoked_by: str) -> None:
        """Let a share link open nothing any more; the first who did it stays on record."""
        values = {"revoked_at": datetime.now(UTC).isoformat(), "revoked_by": revoked_by}
        with self._write() as connection:
            mine = sa.update(_LINKS).filter_by(workspace=workspace, link_id=link_id, revoked_at="")
            connection.execute(mine.values(**values))

    def use_link(self, workspace: str, link_id: str, at: datetime) -> None:
        """Note that a share link was looked at."""
        with self._write() as connection:
            mine = sa.update(_LINKS).filter_by(workspace=workspace, link_id=link_id)
            connection.execute(mine.values(used_at=at.isoformat()))

    def append(self, workspace: str, kind: str, body: Mapping[str, Any] | Body) -> Decision:
        """Add a line to the decisions log; lines are never changed.

        Parameters
        ----------
        body : what was decided; or what makes it of the log as it stands, so that nothing comes between.

        Raises
        ------
        InputError : others append so fast that no place in the log was found.
        """
        for _ in range(TRIES):
            lines = self._lines(workspace)
            told = body([_decision(line) for line in lines]) if callable(body) else body
            spelled = json.dumps(dict(told), sort_keys=True, ensure_ascii=False, allow_nan=False)
            number, before = (lines[-1].number + 1, lines[-1].digest) if lines else (1, NO_DECISIONS)
            at = datetime.now(UTC)
            text = json.dumps([before, number, at.isoformat(), kind, spelled])
            digest = hashlib.sha256(text.encode()).hexdigest()
            line = {"workspace": workspace, "number": number, "decided_at": at.isoformat(), "kind": kind}
            try:
                with self._write() as connection:
                    connection.execute(sa.insert(_DECISIONS).values(**line, body=spelled, digest=digest))
            except IntegrityError:
                continue  # somebody else took this number
            return Decision(number, at, kind, json.loads(spelled))
        msg = "the decision was not kept, because others are deciding at this moment: try again"
        raise InputError(msg)

    def decisions(self, workspace: str) -> list[Decision]:
        """Return the decisions log, oldest line first."""
        return list(self._once("decisions", workspace, _log(workspace), _decision))

    def decisions_id(self, workspace: str) -> str:
        """Return the hash of the decisions log: each line's digest holds the one before it."""
        lines = self._lines(workspace)
        return str(lines[-1].digest) if lines else NO_DECISIONS

    @contextmanager
    def _write(self) -> Iterator[sa.Connection]:
        """Open one transaction that changes something: what was read before it is read anew after it."""
        try:
            with self._open() as connection:
                yield connection
        finally:
            once.forget()

    @contextmanager
    def _open(self) -> Iterator[sa.Connection]:
        """Open one transaction; nothing of it stays where anything in it fails."""
        try:
            with self._engine.begin() as connection:
                yield connection
        except OperationalError as fault:
            msg = "the catalog cannot be read or written now: make sure that the disk has room, and try again"
            raise InputError(msg) from fault

    def _lines(self, workspace: str) -> Sequence[sa.Row[Any]]:
        with self._open() as connection:
            return connection.execute(_log(workspace)).all()

    def _once(self, what: str, workspace: str, query: sa.Select[Any], read: Callable[[sa.Row[Any]], T]) -> Sequence[T]:
        """Read some rows, in one piece of work once (`data.once`)."""

        def rows() -> Sequence[T]:
            with self._open() as connection:
                return tuple(read(row) for row in connection.execute(query))

        return once.read((self, what, workspace), rows)


def _log(workspace: str) -> sa.Select[Any]:
    return sa.select(_DECISIONS).filter_by(workspace=workspace).order_by(_DECISIONS.c.number)


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    """Let readers read while one writes, have writers wait for each other, and leave nothing of what was deleted."""
    for pragma in ("busy_timeout = 10000", "journal_mode = WAL", "synchronous = FULL", "secure_delete = ON"):
        connection.execute(f"PRAGMA {pragma}")


def _complete(engine: sa.Engine) -> None:
    """Add the column that catalogs of the first version lack."""
    if _knows_who(engine):
        return
    try:
        with engine.begin() as connection:
            connection.execute(sa.text("ALTER TABLE snapshots ADD COLUMN imported_by VARCHAR(80) NOT NULL DEFAULT ''"))
    except SQLAlchemyError:
        if not _knows_who(engine):  # else another process added it at the same moment
            raise


def _knows_who(engine: sa.Engine) -> bool:
    with engine.connect() as connection:
        columns = sa.inspect(connection).get_columns(_SNAPSHOTS.name)
    return any(column["name"] == _SNAPSHOTS.c.imported_by.name for column in columns)


def _point(connection: sa.Connection, workspace: str, snapshot_id: str) -> None:
    found = connection.execute(
        sa.update(_WORKSPACES).filter_by(name=workspace).values(current_snapshot=snapshot_id)
    ).rowcount
    if not found:
        connection.execute(sa.insert(_WORKSPACES).values(name=workspace, current_snapshot=snapshot_id))


def _decision(line: sa.Row[Any]) -> Decision:
    return Decision(line.number, datetime.fromisoformat(line.decided_at), line.kind, json.loads(line.body))


def _plan(row: sa.Row[Any]) -> PlanRecord:
    told = {name: value for name, value in row._mapping.items() if name != "workspace"}  # noqa: SLF001 - its public name
    return PlanRecord(
        **{
            **told,
            "as_of": date.fromisoformat(row.as_of),
            "made_at": datetime.fromisoformat(row.made_at),
            "adopted_at": datetime.fromisoformat(row.adopted_at) if row.adopted_at else None,
        }
    )


def _link(row: sa.Row[Any]) -> LinkRecord:
    told = {name: value for name, value in row._mapping.items() if name != "workspace"}  # noqa: SLF001 - its public name
    moments = ("made_at", "expires_at", "revoked_at", "used_at")
    return LinkRecord(
        **{**told, **{name: datetime.fromisoformat(told[name]) if told[name] else None for name in moments}}
    )


def _record(row: sa.Row[Any]) -> ImportRecord:
    return ImportRecord(
        snapshot_id=row.snapshot_id,
        imported_at=datetime.fromisoformat(row.imported_at),
        files=tuple(row.files),
        rows=row.rows,
        notes=tuple(row.notes),
        sample=row.sample,
        imported_by=row.imported_by,
    )
