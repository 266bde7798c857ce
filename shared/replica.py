"""A second Postgres that follows the first (streaming replication), for what may be read some seconds behind.

Whether it is near enough is known without a table or a privilege: the place that the first had reached in its log at an
instant is remembered, and what the second has replayed up to there is no older than that instant. So a replica that
lost its connection counts as far behind, however sure it is of itself.
"""

import asyncio
import time
from collections import deque

import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from .metrics import REPLICA_READS

_log = structlog.get_logger()
_LOOK_SECONDS = 1.0
_PATIENCE_SECONDS = 1.0
"""How long the two may take to answer; the driver would wait a minute for a server that swallows what it is sent."""
_RESTS = 10
"""After a look in vain, so many times what it took: whoever reads waits a tenth of the time at most."""

_REACHED = text("select cast(pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') as bigint)")
_REPLAYED = text(
    "select case when pg_is_in_recovery() then cast(pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0') as bigint) end"
)


class Replica:
    """Knows whether the replica of a database is at most so many seconds behind it."""

    def __init__(self, primary: AsyncEngine, engine: AsyncEngine, *, most_seconds: float) -> None:
        self.engine = engine
        self._primary = primary
        self._most_seconds = most_seconds
        self._marks: deque[tuple[float, int]] = deque()
        self._current_at = float("-inf")
        self._look_at = float("-inf")
        self._looking = asyncio.Lock()

    async def is_near(self) -> bool:
        """Whether what is read there now is no older than `most_seconds`; the two are asked once a second at most."""
        async with self._looking:
            if time.monotonic() >= self._look_at:
                await self._look()
        near = time.monotonic() - self._current_at <= self._most_seconds
        REPLICA_READS.labels("replica" if near else "primary").inc()
        return near

    async def _look(self) -> None:
        """Note where the first is, and how far the second has come by the marks noted so far."""
        now, often = time.monotonic(), min(_LOOK_SECONDS, self._most_seconds)
        self._look_at = now + often
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                async with self._primary.connect() as connection:
                    reached: int = (await connection.execute(_REACHED)).scalar_one()
                self._marks.append((now, reached))
                async with self.engine.connect() as connection:
                    replayed: int | None = (await connection.execute(_REPLAYED)).scalar_one()
        except (SQLAlchemyError, OSError) as error:
            self._current_at = float("-inf")
            vain = time.monotonic()
            self._look_at = vain + max(often, _RESTS * (vain - now))
            _log.warning("replica_away", error=repr(error))
            return
        if replayed is None:  # no replica: it was made a primary of its own, and goes its own way
            self._current_at = float("-inf")
            _log.warning("replica_away", error="the address of the replica is that of a primary")
            return
        while self._marks and self._marks[0][1] <= replayed:
            self._current_at, _ = self._marks.popleft()
        while self._marks and now - self._marks[0][0] > self._most_seconds:
            self._marks.popleft()

    async def close(self) -> None:
        """Give all connections back."""
        await self.engine.dispose()
