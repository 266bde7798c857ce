"""Who waits for a lock: seen on one Postgres, or on whichever node of a cluster the row lies."""

import asyncio
import os

from sqlalchemy import text

from shared.database import Database

# What a connection asks of a worker waits there, and stands under the connection's own number.
_PID, _ACTIVITY = (
    ("global_pid", "citus_stat_activity where is_worker_query")
    if os.environ.get("TEST_CITUS_URL")
    else ("pid", "pg_stat_activity where true")
)
_WAITING = f"{_ACTIVITY} and datname = current_database() and wait_event_type = 'Lock'"


async def waiting(database: Database) -> int:
    """How many transactions wait for a lock."""
    async with database.reading() as tx:  # a transaction of its own: within one, what others do is seen once
        return int(await tx.value(f"select count(*) from {_WAITING}"))


async def wait_for(database: Database, count: int) -> None:
    """Wait until so many transactions wait for a lock."""
    while await waiting(database) < count:  # noqa: ASYNC110 -- it is the database that knows
        await asyncio.sleep(0.02)


async def end_waiting(database: Database, table: str = "") -> bool:
    """End the connections that wait for a lock, or for a row of a table; whether there was one."""
    async with database.engine.connect() as connection:
        ended = f"select pg_terminate_backend({_PID}) from {_WAITING} and query like '%{table}%'"
        return bool((await connection.execute(text(ended))).all())
