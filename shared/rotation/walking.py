"""The job that brings sealed values and hashes under the current keys, and what it says about itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError

from .. import metrics
from ..clock import Clock
from ..database import Database, Row, Writer
from ..jobs import in_turn
from ..sealing import Sealer
from . import store
from .columns import SealedColumn

_SOON = timedelta(minutes=5)
_LATER = timedelta(days=1)

_log = structlog.get_logger()


@dataclass(frozen=True)
class Rotation:
    """The keys of one service and where they are used."""

    service: str
    database: Database
    clock: Clock
    keys: Sealer | None
    columns: Sequence[SealedColumn]
    within: timedelta
    """How long values may lie under an earlier key before that is an alarm."""

    async def require_known_lookup_keys(self) -> None:
        """Refuse to begin with settings under which somebody who is registered would not be found, and be registered
        once more. Raises RuntimeError. Where the database does not answer nothing is said: nothing is written either.
        """
        if self.keys is None:
            return
        for column in self.columns:
            if not column.hashed:
                continue
            try:
                async with self.database.reading() as tx:
                    found = await store.has_unknown_hash(tx, column, self.keys)
            except (OSError, SQLAlchemyError) as error:
                _log.warning("keys_not_checked", error=str(error))
                return
            if found:
                raise RuntimeError(
                    f"{column.table.name}.{column.hashed.column} has hashes under a look-up key that "
                    f"{self.service.upper()}_SEALING_KEYS does not hold: keep the key until GET /v1/sealing-keys "
                    "shows it as unused"
                )

    async def walk(self) -> bool:
        """Go through every column that is due; whether anything was done."""
        if self.keys is None or self.keys.announces or self.keys.only_one:
            return False
        now = self.clock.now()
        async with self.database.reading() as tx:
            known = {(row["pool"], row["subject"]): row for row in await store.walks(tx)}
            found = [(pool, column) for pool in await store.pools(tx) for column in self.columns]
        due = [one for one in found if _is_due(known.get((one[0], one[1].subject)), self.keys, now)]
        return await in_turn(due, partial(self._through, self.keys))

    async def _through(self, sealer: Sealer, what: tuple[str, SealedColumn]) -> bool:
        worked = False
        while await self._chunk(sealer, *what):
            worked = True
        return worked

    async def _chunk(self, sealer: Sealer, pool: str, column: SealedColumn) -> bool:
        """One chunk and the new position, in one transaction; False at the end, or where another worker is at it."""
        now = self.clock.now()
        async with self.database.writing() as tx:
            await store.open_walk(tx, pool, column.subject, sealer, now)
            row = await store.lock_walk(tx, pool, column.subject)
            if row is None or not _is_due(row, sealer, now):
                return False
            walk = _begun(row, sealer, now)
            rows = await store.read_rows(tx, pool, column, sealer, walk["position"])
            old = [one for one in rows if one["stale"]]
            changed = await self._seal_anew(tx, sealer, pool, column, old)
            walk |= {
                "position": [_plain(rows[-1][name]) for name in column.key] if rows else walk["position"],
                "seen": walk["seen"] + len(rows),
                "changed": walk["changed"] + changed,
                "passed_over": walk["passed_over"] + len(old) - changed,
            }
            at_end = len(rows) < column.chunk
            if at_end:
                walk["finished_at"] = now
                if walk["changed"]:
                    self._tell(tx, walk)
            await store.set_walk(tx, walk)
        metrics.RESEALED.labels(column.subject).inc(changed)
        return not at_end

    async def _seal_anew(self, tx: Writer, sealer: Sealer, pool: str, column: SealedColumn, old: Sequence[Row]) -> int:
        """How many of the rows are under the current keys now."""
        if not old:
            return 0
        rows = []
        for one in old:
            context = column.context(one)
            plain = sealer.open(one[column.column], context)
            row = {**one, "old_sealed": one[column.column], "new_sealed": sealer.seal(plain, context)}
            if column.hashed:
                row["new_hash"] = column.hashed.make(sealer, one, plain)
            rows.append(row)
        changed = set(await store.replace(tx, pool, column, rows))
        if column.hashed and column.hashed.after:
            moved = [row for row in rows if row["new_hash"] != row[column.hashed.column]]
            await column.hashed.after(
                tx, pool, self.clock.now(), [row for row in moved if tuple(row[name] for name in column.key) in changed]
            )
        return len(changed)

    def _tell(self, tx: Writer, walk: Mapping[str, Any]) -> None:
        names = ("subject", "key", "lookup_key", "seen", "changed", "passed_over")
        detail = {name: walk[name] for name in names}
        tx.audit(walk["pool"], "key.changed", self.service, self.service, walk["finished_at"], [], detail)


def _is_due(walk: Row | None, sealer: Sealer, now: datetime) -> bool:
    if walk is None or walk["finished_at"] is None or _target(walk) != (sealer.current, sealer.lookup_current):
        return True
    found_some = walk["changed"] or walk["passed_over"]
    return bool(now - walk["finished_at"] >= (_SOON if found_some else _LATER))


def _begun(walk: Row, sealer: Sealer, now: datetime) -> dict[str, Any]:
    """A walk that is under way as it is, one that was ended or went to other keys from its beginning."""
    target = (sealer.current, sealer.lookup_current)
    if walk["finished_at"] is None and _target(walk) == target:
        return dict(walk)
    since = walk["since"] if _target(walk) == target else now
    nothing = {"seen": 0, "changed": 0, "passed_over": 0, "position": [], "finished_at": None}
    return {**walk, **nothing, "key": target[0], "lookup_key": target[1], "since": since, "begun_at": now}


def _target(walk: Row) -> tuple[str, str]:
    return walk["key"], walk["lookup_key"]


def _plain(value: Any) -> Any:
    return value if isinstance(value, int) else str(value)
