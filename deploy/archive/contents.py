"""What is archived of a scheme-year: records that are large, over, and book nothing.

Bills, collections, transfers, receipts and events stay: refunds, revisions and followers come back to them. A kind says
which of its records are due, takes some of them for one archive, and removes them when that is on disk.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import accumulate
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import Table

from deploy.citus.tables import metadata_of
from shared.clock import SHANGHAI
from shared.database import Reader, Row, Writer
from shared.statements import statement

MOST_RECORDS = 5_000
MOST_BYTES = 64 * 1024 * 1024
"""An archive holds so many records or so many bytes, and one file at least: a transaction of some seconds."""

_FIRST = UUID(int=0)


@dataclass(frozen=True)
class SchemeYear:
    """A scheme-year of a pool: over after `last_day`; what is dated by days alone is archived up to `until`."""

    pool: str
    scheme: str
    benefit_year: int
    last_day: date
    until: date

    @property
    def values(self) -> dict[str, Any]:
        """What the queries of this package name."""
        end = datetime.combine(self.until + timedelta(days=1), datetime.min.time(), SHANGHAI)
        return {"pool": self.pool, "scheme": self.scheme, "until": self.until, "end": end}


@dataclass(frozen=True)
class Chunk:
    """The records of one archive, locked. `seen` is where the next chunk begins; there may be none left of it."""

    records: Sequence[Row]
    seen: Any
    rows: Sequence[Row] = field(default=())


class Kind(Protocol):
    """A kind of records."""

    @property
    def name(self) -> str:
        """As archives are named."""
        ...

    @property
    def table(self) -> Table:
        """Whose rows are moved."""
        ...

    async def count(self, tx: Reader, year: SchemeYear) -> int:
        """How many records are due."""
        ...

    async def take(self, tx: Writer, year: SchemeYear, seen: Any, most: int) -> Chunk | None:
        """The next records behind `seen` (None: from the beginning), locked; None where there are no more."""
        ...

    def rows(self, tx: Reader, pool: str, chunk: Chunk, /) -> AsyncIterator[Row]:
        """The rows to be moved."""
        ...

    async def remove(self, tx: Writer, pool: str, chunk: Chunk, archive: str, /) -> None:
        """Remove the rows, which the archive has."""
        ...

    async def known(self, tx: Reader, pool: str, archive: str, /) -> Mapping[UUID, str]:
        """The records that the database takes to lie in an archive, with the hash of the file that each is of."""
        ...

    async def bring_back(
        self, tx: Writer, pool: str, archive: str, record: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], /
    ) -> bool:
        """Put a record's rows back; False where it does not lie in this archive any more."""
        ...


@dataclass(frozen=True)
class Files:
    """The sealed bytes of files that were handed in. Hash, size, name and the file's own key stay in `evidence`.

    `due` selects `evidence_id` and what it belongs to (`about`), of those that nobody reads for work any more.
    """

    table: Table
    due: str
    name: str = "files"

    @property
    def _due(self) -> str:
        return (
            f"from ({self.due}) as due join evidence as e on e.pool = :pool and e.evidence_id = due.evidence_id "
            "where e.archived_in is null and e.erased_at is null and e.key_sealed is not null "
        )

    async def count(self, tx: Reader, year: SchemeYear) -> int:
        """Files of before envelopes lie under the service's own key and are left where they are."""
        return int(await tx.value(f"select count(*) {self._due}", **_named(self.due, year)))

    async def take(self, tx: Writer, year: SchemeYear, seen: Any, most: int) -> Chunk | None:
        """As many as fit one archive."""
        found = await tx.rows(
            "select e.evidence_id, e.sha256, e.file_name, e.size_bytes, e.received_at, due.about "
            f"{self._due} and e.evidence_id > :after order by e.evidence_id limit :limit",
            **_named(self.due, year),
            after=seen or _FIRST,
            limit=most,
        )
        if not found:
            return None
        sizes = accumulate(row["size_bytes"] for row in found)
        fitting = found[: max(1, sum(size <= MOST_BYTES for size in sizes))]
        held = await tx.rows(
            "select evidence_id from evidence where pool = :pool and evidence_id = any(cast(:ids as uuid[])) "
            "and archived_in is null and erased_at is null for update",
            pool=year.pool,
            ids=[row["evidence_id"] for row in fitting],
        )
        ours = {row["evidence_id"] for row in held}
        return Chunk([row for row in fitting if row["evidence_id"] in ours], fitting[-1]["evidence_id"])

    async def rows(self, tx: Reader, pool: str, chunk: Chunk) -> AsyncIterator[Row]:
        """The parts, a few at a time: one is up to a MiB."""
        answer = await tx.connection.stream(
            statement(
                "select evidence_id, part_no, sealed from evidence_part where pool = :pool "
                "and evidence_id = any(cast(:ids as uuid[])) order by evidence_id, part_no"
            ),
            {"pool": pool, "ids": _ids(chunk)},
            execution_options={"yield_per": 16},
        )
        async for row in answer.mappings():
            yield dict(row)

    async def remove(self, tx: Writer, pool: str, chunk: Chunk, archive: str) -> None:
        """The parts; each file says where they are."""
        which = {"pool": pool, "ids": _ids(chunk)}
        await tx.execute(
            "delete from evidence_part where pool = :pool and evidence_id = any(cast(:ids as uuid[]))", **which
        )
        await tx.execute(
            "update evidence set archived_in = :archive where pool = :pool and evidence_id = any(cast(:ids as uuid[]))",
            archive=archive,
            **which,
        )

    async def known(self, tx: Reader, pool: str, archive: str) -> Mapping[UUID, str]:
        """The files that say so."""
        rows = await tx.rows(
            "select evidence_id, sha256 from evidence where pool = :pool and archived_in = :archive",
            pool=pool,
            archive=archive,
        )
        return {row["evidence_id"]: row["sha256"] for row in rows}

    async def bring_back(
        self, tx: Writer, pool: str, archive: str, record: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]
    ) -> bool:
        """One that was erased since has no key any more, and stays where it is."""
        changed = await tx.execute(
            "update evidence set archived_in = null where pool = :pool and evidence_id = :evidence_id "
            "and archived_in = :archive and erased_at is null",
            pool=pool,
            evidence_id=UUID(record["evidence_id"]),
            archive=archive,
        )
        if changed:
            await tx.insert(self.table, [{"pool": pool, **row} for row in rows])
        return bool(changed)


@dataclass(frozen=True)
class Messages:
    """Messages of channels that were acted upon, whole: after that nobody reads them.

    Should a channel send one again after years, it is judged anew, and its money is known by the channel's number.
    """

    table: Table
    name: str = "messages"

    async def count(self, tx: Reader, year: SchemeYear) -> int:
        """Those of the days of the scheme-year and before."""
        return int(await tx.value(f"select count(*) {_MESSAGES}", **_named(_MESSAGES, year)))

    async def take(self, tx: Writer, year: SchemeYear, seen: Any, most: int) -> Chunk | None:
        """By channel and number."""
        channel, message_id = seen or ("", "")
        columns = ", ".join(column.name for column in self.table.columns if column.name != "pool")
        rows = await tx.rows(
            f"select {columns} {_MESSAGES} and (channel, message_id) > (:channel, :message_id) "
            "order by channel, message_id limit :limit for update",
            **_named(_MESSAGES, year),
            channel=channel,
            message_id=message_id,
            limit=most,
        )
        if not rows:
            return None
        named = ("channel", "message_id", "reference", "received_at")
        return Chunk([{name: row[name] for name in named} for row in rows], _place(rows[-1]), rows)

    async def rows(self, _tx: Reader, _pool: str, chunk: Chunk) -> AsyncIterator[Row]:
        """As they were taken."""
        for row in chunk.rows:
            yield row

    async def remove(self, tx: Writer, pool: str, chunk: Chunk, _archive: str) -> None:
        """The rows; nothing of them is left."""
        await tx.execute(
            "delete from channel_message as m using unnest(cast(:channels as text[]), cast(:ids as text[])) "
            "as gone (channel, message_id) where m.pool = :pool and m.channel = gone.channel "
            "and m.message_id = gone.message_id",
            pool=pool,
            channels=[row["channel"] for row in chunk.rows],
            ids=[row["message_id"] for row in chunk.rows],
        )

    async def known(self, _tx: Reader, _pool: str, _archive: str) -> Mapping[UUID, str]:
        """None: no row is left that could say so."""
        return {}

    async def bring_back(
        self, tx: Writer, pool: str, _archive: str, _record: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]
    ) -> bool:
        """One that came again since stays as it is. It comes in and is judged, as every message is."""
        tail = "on conflict (pool, channel, message_id) do nothing returning message_id"
        came = [{"pool": pool, **row, "status": "received"} for row in rows]
        if not await tx.insert(self.table, came, tail=tail):
            return False
        for row in rows:
            await tx.execute(
                "update channel_message set status = :status where pool = :pool and channel = :channel "
                "and message_id = :message_id",
                pool=pool,
                **{name: row[name] for name in ("status", "channel", "message_id")},
            )
        return True


_MESSAGES = "from channel_message where pool = :pool and status in ('applied', 'kept') and received_at < :end"

_FILES_OF_PAYMENTS = """
    select evidence_id, concat_ws(' ', 'statement', day, channel, nullif(institution, ''), statement_id) as about
    from statement where pool = :pool and day <= :until and look_on is null
        and state in ('accepted', 'rejected', 'replaced')
    union all
    select evidence_id, concat_ws(' ', 'bank message', bank_date, institution, bank_seq) from bank_journal
    where pool = :pool and bank_date <= :until and our_state <> 'pending'
    union all
    select evidence_id, concat_ws(' ', 'bank check', check_date, institution, bank_seq) from bank_check
    where pool = :pool and check_date <= :until
    union all
    select evidence_id, concat_ws(' ', 'ledger batch', batch_no, batch_id) from ledger_batch as b
    where pool = :pool and state = 'taken' and taken_at < :end
        and not exists (select from ledger_batch_line as l where l.pool = :pool and l.batch_id = b.batch_id
            and l.result = 'refused')
    union all
    select part.evidence_id, concat_ws(' ', 'treasury', p.day, p.message_no, p.pack_no, p.package_id)
    from treasury_part as part join treasury_package as p on p.pool = :pool and p.package_id = part.package_id
    where part.pool = :pool and p.day <= :until and p.state in ('accepted', 'replaced')
        and (p.message_no <> '9110' or p.acted_at is not null)
    union all
    select file_id, concat_ws(' ', 'withholding', debit_on, institution, batch_no, withholding_id) from withholding
    where pool = :pool and debit_on <= :until and state in ('closed', 'refused', 'cancelled') and file_id is not null
    union all
    select r.evidence_id, concat_ws(' ', 'withholding return', w.debit_on, w.institution, w.batch_no, w.withholding_id)
    from withholding_return as r join withholding as w on w.pool = :pool and w.withholding_id = r.withholding_id
    where r.pool = :pool and w.debit_on <= :until and w.state in ('closed', 'refused')
        and r.state in ('taken', 'rejected')
"""
"""Batches of agents with refused lines stay: the agent may send them again."""

_FILES_OF_REGISTRATION = """
    select evidence_id, concat_ws(' ', 'roster', unit_code, roster_id) as about from roster
    where pool = :pool and scheme = :scheme and state = 'taken'
"""

_FILES_OF_ELIGIBILITY = """
    select evidence_id, concat_ws(' ', 'list', list_day, supplier, feed_id) as about from feed
    where pool = :pool and received_at < :end and state in ('taken', 'declined', 'withdrawn')
"""

_FILES: Mapping[str, str] = {
    "eligibility": _FILES_OF_ELIGIBILITY,
    "registration": _FILES_OF_REGISTRATION,
    "payments": _FILES_OF_PAYMENTS,
}


def kinds_of(service: str) -> Sequence[Kind]:
    """What is archived of a service; refunds has nothing that is large."""
    tables = metadata_of(service).tables
    kinds: list[Kind] = []
    if service in _FILES:
        kinds.append(Files(tables["evidence_part"], _FILES[service]))
    if service == "payments":
        kinds.append(Messages(tables["channel_message"]))
    return kinds


def _named(sql: str, year: SchemeYear) -> dict[str, Any]:
    """The values that a query names: the driver takes no others."""
    return {name: value for name, value in year.values.items() if f":{name}" in sql}


def _ids(chunk: Chunk) -> list[UUID]:
    return [row["evidence_id"] for row in chunk.records]


def _place(row: Row) -> tuple[str, str]:
    return row["channel"], row["message_id"]
