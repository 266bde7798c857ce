"""One Postgres database of one service: reading and writing transactions of different types.

    Database ── reading() ──► Reader   (READ ONLY: a query cannot write by accident)
             └─ writing() ──► Writer   (a Reader that also inserts, publishes events and leaves audit lines)

The commit stands in one place, at the end of `writing()`: first the chains (events, audit) take their head rows, last
of all locks, then the transaction commits. While one is open, the outgoing HTTP client refuses to send (law 8).
"""

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from datetime import datetime
from operator import itemgetter
from typing import Any, cast
from uuid import UUID

import asyncpg
import orjson
from sqlalchemy import Table, event
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.types import UserDefinedType

from . import chain
from .replica import Replica
from .statements import statement

_POSTGRESQL: Any = postgresql.dialect()  # type: ignore[no-untyped-call]

_TRUSTED_SECONDS = 1.0
"""A connection that was used so short a time ago is taken without asking; where it was lost, the answer is 503."""

open_transactions: ContextVar[int] = ContextVar("open_transactions", default=0)


Row = Mapping[str, Any]


class Json(UserDefinedType[Any]):
    """A jsonb column whose values go in and come out as Python objects; the driver's codec does the work."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """The type's name in DDL."""
        return "JSONB"


class Reader:
    """A transaction that reads. SQL is given as text with `:name` parameters; arrays as `cast(:ids as uuid[])`."""

    def __init__(self, connection: AsyncConnection) -> None:
        self.connection = connection

    async def rows(self, sql: str, **values: Any) -> Sequence[Row]:
        """All rows of a query."""
        return cast("Sequence[Row]", (await self.connection.execute(statement(sql), values)).mappings().all())

    async def row(self, sql: str, **values: Any) -> Row | None:
        """The only row, or None. Raises MultipleResultsFound."""
        return cast("Row | None", (await self.connection.execute(statement(sql), values)).mappings().one_or_none())

    async def value(self, sql: str, **values: Any) -> Any:
        """The first column of the only row, or None."""
        return (await self.connection.execute(statement(sql), values)).scalar_one_or_none()


class Writer(Reader):
    """A transaction that writes; its events and audit lines join the pool's chains just before the commit."""

    def __init__(self, connection: AsyncConnection) -> None:
        super().__init__(connection)
        self._events: list[chain.Record] = []
        self._audit: list[chain.Record] = []

    async def execute(self, sql: str, **values: Any) -> int:
        """Run a statement; the number of rows it touched."""
        return (await self.connection.execute(statement(sql), values)).rowcount

    async def insert(
        self, table: Table, rows: Sequence[Mapping[str, Any]], *, tail: str = "", **values: Any
    ) -> Sequence[Row]:
        """Insert rows set-based (one `insert … select from unnest`), the columns being the first row's keys.

        `tail` is what follows the select, such as `on conflict do nothing returning person_id`; its rows come back.
        `values` are those that the tail names, none of them after a column.
        """
        if not rows:
            return []
        names = list(rows[0])
        kinds = {name: _type_of(table, name) for name in names}
        selected, given = chain.selected_rows(kinds, rows)
        sql = f"insert into {table.name} ({', '.join(_quoted(names))}) {selected} {tail}"
        result = await self.connection.execute(statement(sql), values | given)
        return cast("Sequence[Row]", result.mappings().all()) if result.returns_rows else []

    async def copy(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Store new rows by COPY, which takes half the time of an insert; the columns are the first row's keys."""
        if not rows:
            return
        names = list(rows[0])
        values_of = itemgetter(*names)
        await self.connection.execute(statement("select 1"))  # a transaction begins with its first statement
        driver: Any = (await self.connection.get_raw_connection()).driver_connection
        try:
            await driver.copy_records_to_table(table.name, columns=names, records=map(values_of, rows))
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:  # it goes past SQLAlchemy
            raise DBAPIError("copy", None, error, connection_invalidated=driver.is_closed()) from error

    async def store(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Store new rows in the quicker way for their number.

        For tables without JSON, in which the ways differ: None is JSON's null in an insert and no value in a COPY.
        """
        await (self.copy if len(rows) >= chain.LONG else self.insert)(table, rows)

    def publish(
        self, pool: str, kind: str, subject: UUID | str, version: int, at: datetime, data: Mapping[str, Any]
    ) -> None:
        """Tell an event (`noun.participle`) about a record at its `version`; `at` is business time."""
        self._events.append(chain.event_record(pool, kind, str(subject), version, at, data))

    def audit(
        self,
        pool: str,
        action: str,
        client_id: str,
        actor: str,
        at: datetime,
        persons: Sequence[UUID],
        detail: Mapping[str, Any],
    ) -> None:
        """Leave an audit line: who (`client_id`, `actor`) did what to whom."""
        self._audit.append(chain.audit_record(pool, action, client_id, actor, at, persons, detail))

    async def _append_chains(self) -> None:
        # One order of locks for everybody: audit before events, pools ascending; nothing is locked after these.
        await chain.append(self.connection, chain.AUDIT, self._audit)
        await chain.append(self.connection, chain.EVENTS, self._events)


class Database:
    """The database of a service."""

    def __init__(self, url: str, *, pool_size: int = 10, replica_url: str = "", replica_seconds: float = 5) -> None:
        self.engine = _engine(url, pool_size)
        self._snapshots = _snapshots(self.engine)
        self._replica: Replica | None = None
        if replica_url:
            engine = _engine(replica_url, pool_size)
            self._replica = Replica(self.engine, engine, most_seconds=replica_seconds)
            self._replica_snapshots = _snapshots(engine)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Reader]:
        """A read-only transaction on one snapshot."""
        async with self._begun(self._snapshots) as connection:
            yield Reader(connection)

    @asynccontextmanager
    async def reading_behind(self) -> AsyncIterator[Reader]:
        """The same of what may be some seconds behind: on the replica, where there is one and it is near enough.

        For reports and feeds. Never for what decides about money, is compared with an If-Match, or is read by whoever
        has just written it.
        """
        near = self._replica is not None and await self._replica.is_near()
        async with self._begun(self._replica_snapshots if near else self._snapshots) as connection:
            yield Reader(connection)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Writer]:
        """A transaction that commits when the block ends and rolls back when it raises."""
        async with self._begun(self.engine) as connection:
            writer = Writer(connection)
            yield writer
            await writer._append_chains()  # noqa: SLF001 -- the only place that ends a writing transaction

    @asynccontextmanager
    async def _begun(self, engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
        async with engine.connect() as connection, connection.begin():
            mark = open_transactions.set(open_transactions.get() + 1)
            try:
                yield connection
            finally:
                open_transactions.reset(mark)

    async def close(self) -> None:
        """Give all connections back."""
        await self.engine.dispose()
        if self._replica:
            await self._replica.close()


def assert_no_transaction() -> None:
    """Law 8: no HTTP inside a transaction. Raises RuntimeError where one is open in this task."""
    if open_transactions.get():
        raise RuntimeError("an outgoing call was about to be made inside a database transaction")


def _engine(url: str, pool_size: int) -> AsyncEngine:
    engine = create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=30,
        connect_args={
            "server_settings": {
                "timezone": "UTC",
                "jit": "off",
                "idle_in_transaction_session_timeout": "60000",
            }
        },
    )
    event.listen(engine.sync_engine, "connect", _use_plain_json)
    event.listen(engine.sync_engine, "checkin", _note_rest)
    event.listen(engine.sync_engine, "checkout", _ping_after_rest)
    return engine


def _snapshots(engine: AsyncEngine) -> AsyncEngine:
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def _use_plain_json(connection: Any, _record: Any) -> None:
    async def set_codecs(driver: Any) -> None:
        await driver.set_type_codec(
            "jsonb",
            schema="pg_catalog",
            format="binary",
            encoder=lambda value: b"\x01" + orjson.dumps(value),
            decoder=lambda value: orjson.loads(value[1:]),
        )

    connection.run_async(set_codecs)


def _note_rest(_connection: Any, record: Any) -> None:
    record.info["rests_since"] = time.monotonic()


def _ping_after_rest(connection: Any, record: Any, _proxy: Any) -> None:
    """Ask a connection that has rested whether it is still there; another is taken where it is not."""
    if time.monotonic() - record.info.get("rests_since", time.monotonic()) < _TRUSTED_SECONDS:
        return
    try:
        connection.ping()
    except Exception as error:
        raise DisconnectionError from error


def _quoted(names: Sequence[str]) -> list[str]:
    return [f'"{name}"' for name in names]


def _type_of(table: Table, column: str) -> str:
    return str(table.c[column].type.compile(dialect=_POSTGRESQL))
