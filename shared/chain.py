"""Two append-only chains per pool: the events that others pull, and the audit lines that inspectors read.

Every record carries a number and a hash that covers the record before it. Both come from the pool's **head row**
(`chain_head`), which a transaction takes last, just before its commit: numbers are gap-free and in commit order, a
follower's cursor is one integer, and whoever edits, removes or adds a row behind the services' back breaks the chain.
The row is held only for the commit, and one transaction takes it once for all its records.
"""

import hashlib
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy.ext.asyncio import AsyncConnection

from .ids import new_id
from .statements import statement

Record = dict[str, Any]

PAGE = 5_000
LONG = 100
"""Rows of a list in which columns that say the same in every row are worth a statement of its own."""

NOTHING_BEFORE = b"\x00" * 32


@dataclass(frozen=True)
class Chain:
    """One of the two chains: its table and the columns that its hash covers, in the order of the insert."""

    name: str
    columns: tuple[tuple[str, str], ...]


EVENTS = Chain(
    "event",
    (
        ("pool", "text"),
        ("seq", "bigint"),
        ("event_id", "uuid"),
        ("type", "text"),
        ("subject", "text"),
        ("version", "integer"),
        ("occurred_at", "timestamptz"),
        ("data", "jsonb"),
    ),
)
AUDIT = Chain(
    "audit_line",
    (
        ("pool", "text"),
        ("seq", "bigint"),
        ("action", "text"),
        ("client_id", "text"),
        ("actor", "text"),
        ("occurred_at", "timestamptz"),
        ("persons", "jsonb"),
        ("detail", "jsonb"),
    ),
)


@dataclass(frozen=True)
class Break:
    """The first place where a chain does not hold."""

    chain: str
    pool: str
    seq: int
    reason: str


def event_record(pool: str, kind: str, subject: str, version: int, at: datetime, data: Mapping[str, Any]) -> Record:
    """A record of the event chain, still without number."""
    return {
        "pool": pool,
        "seq": 0,
        "event_id": new_id(),
        "type": kind,
        "subject": subject,
        "version": version,
        "occurred_at": at.astimezone(UTC),
        "data": dict(data),
    }


def audit_record(
    pool: str,
    action: str,
    client_id: str,
    actor: str,
    at: datetime,
    persons: Sequence[UUID],
    detail: Mapping[str, Any],
) -> Record:
    """A record of the audit chain, still without number."""
    return {
        "pool": pool,
        "seq": 0,
        "action": action,
        "client_id": client_id,
        "actor": actor,
        "occurred_at": at.astimezone(UTC),
        "persons": [str(person) for person in persons],
        "detail": dict(detail),
    }


async def append(connection: AsyncConnection, chain: Chain, records: Sequence[Record]) -> None:
    """Number, hash and store records; pools in ascending order, so that two transactions never wait in a ring."""
    by_pool: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        by_pool[record["pool"]].append(record)
    for pool in sorted(by_pool):
        seq, previous = await _take_head(connection, chain, pool)
        for record in by_pool[pool]:
            seq += 1
            record["seq"] = seq
            previous = record["hash"] = digest(previous, record)
        await _store(connection, chain, by_pool[pool])


def digest(previous: bytes, record: Mapping[str, Any]) -> bytes:
    """SHA-256 over the hash before and the record, the record as JSON with sorted keys and UTC instants."""
    return hashlib.sha256(previous + orjson.dumps(record, default=str, option=orjson.OPT_SORT_KEYS)).digest()


async def verify(connection: AsyncConnection) -> list[Break]:
    """Re-read both chains of every pool; the first break of each that does not hold."""
    breaks = []
    for chain in (EVENTS, AUDIT):
        pools = await connection.execute(
            statement(
                f"select pool from chain_head where chain = :chain union select pool from {chain.name} order by pool"
            ),
            {"chain": chain.name},
        )
        for pool in pools.scalars().all():
            found = await _first_break(connection, chain, pool)
            if found:
                breaks.append(found)
    return breaks


async def read_anchor(connection: AsyncConnection, chain: Chain, pool: str) -> tuple[int, bytes]:
    """The last record that was moved into an archive (`deploy/archive`), and its hash; 0 where none was."""
    row = (
        await connection.execute(
            statement("select seq, hash from chain_head where pool = :pool and chain = :chain"),
            {"pool": pool, "chain": _anchor_of(chain).name},
        )
    ).one_or_none()
    return (row.seq, row.hash) if row else (0, NOTHING_BEFORE)


async def take_anchor(connection: AsyncConnection, chain: Chain, pool: str) -> tuple[int, bytes]:
    """The same, for this transaction alone until it ends. What is appended meanwhile does not wait."""
    return await _take_head(connection, _anchor_of(chain), pool)


async def set_anchor(connection: AsyncConnection, chain: Chain, pool: str, seq: int, hash_: bytes) -> None:
    """Have the anchor, taken before, stand there from now on."""
    await connection.execute(
        statement("update chain_head set seq = :seq, hash = :hash where pool = :pool and chain = :chain"),
        {"pool": pool, "chain": _anchor_of(chain).name, "seq": seq, "hash": hash_},
    )


async def remove_to(connection: AsyncConnection, chain: Chain, pool: str, seq: int, hash_: bytes) -> None:
    """Remove the records up to `seq`, which an archive holds; the anchor, taken before, stands there from now on."""
    await set_anchor(connection, chain, pool, seq, hash_)
    await connection.execute(
        statement(f"delete from {chain.name} where pool = :pool and seq <= :seq"), {"pool": pool, "seq": seq}
    )


def _anchor_of(chain: Chain) -> Chain:
    return Chain(f"{chain.name}/archived", chain.columns)


async def _first_break(connection: AsyncConnection, chain: Chain, pool: str) -> Break | None:
    anchor, previous = await read_anchor(connection, chain, pool)
    expected = anchor + 1
    async for row in read(connection, chain, pool, anchor):
        stored = row.pop("hash")
        if row["seq"] != expected:
            return Break(chain.name, pool, expected, "missing")
        previous = digest(previous, row)
        if previous != stored:
            return Break(chain.name, pool, expected, "altered")
        expected += 1
    head = (
        await connection.execute(
            statement("select seq, hash from chain_head where pool = :pool and chain = :chain"),
            {"pool": pool, "chain": chain.name},
        )
    ).one_or_none()
    if head is None or head.seq > expected - 1:
        return Break(chain.name, pool, expected, "missing")
    if head.seq < expected - 1:
        return Break(chain.name, pool, head.seq + 1, "added behind the head row")
    return None if head.hash == previous else Break(chain.name, pool, head.seq, "head row altered")


async def read(connection: AsyncConnection, chain: Chain, pool: str, after: int) -> AsyncIterator[Record]:
    """The records of a chain behind a number, each with its hash, read in pages."""
    names = ", ".join(name for name, _ in chain.columns)
    while True:
        page = (
            (
                await connection.execute(
                    statement(
                        f"select {names}, hash from {chain.name} "
                        "where pool = :pool and seq > :after order by seq limit :limit"
                    ),
                    {"pool": pool, "after": after, "limit": PAGE},
                )
            )
            .mappings()
            .all()
        )
        for row in page:
            yield dict(row)
        if len(page) < PAGE:
            return
        after = page[-1]["seq"]


def array_parameter(name: str, kind: str) -> str:
    """A column of rows as one parameter: `cast(:name as kind[])`; JSON travels as text, see `array_values`."""
    return f"cast(cast(:{name} as text[]) as jsonb[])" if kind.lower() == "jsonb" else f"cast(:{name} as {kind}[])"


def array_values(kind: str, values: list[Any]) -> list[Any]:
    """The values for `array_parameter`. A JSON list among array elements would be read as one more dimension."""
    return [orjson.dumps(value, default=str).decode() for value in values] if kind.lower() == "jsonb" else values


def selected_rows(kinds: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> tuple[str, dict[str, Any]]:
    """A select of the rows' columns, given with their types, and its values: an array for each column.

    In a long list a column in which all rows say the same is one value: the driver looks at every element of an array.
    """
    given: dict[str, Any] = {name: array_values(kind, [row[name] for row in rows]) for name, kind in kinds.items()}
    same = {name for name, values in given.items() if len(rows) >= LONG and _all_equal(values)}
    listed = [name for name in kinds if name not in same] or list(kinds)[-1:]
    arrays = ", ".join(array_parameter(name, kinds[name]) for name in listed)
    if len(listed) == len(kinds):
        return f"select * from unnest({arrays})", given
    shown = ", ".join(f'"{name}"' if name in listed else _parameter(name, kind) for name, kind in kinds.items())
    names = ", ".join(f'"{name}"' for name in listed)
    given |= {name: given[name][0] for name in same.difference(listed)}
    return f"select {shown} from unnest({arrays}) as given ({names})", given


def _all_equal(values: Sequence[Any]) -> bool:
    return bool(values[0] == values[-1]) and values.count(values[0]) == len(values)


def _parameter(name: str, kind: str) -> str:
    return f"cast(cast(:{name} as text) as jsonb)" if kind.lower() == "jsonb" else f"cast(:{name} as {kind})"


async def _take_head(connection: AsyncConnection, chain: Chain, pool: str) -> tuple[int, bytes]:
    which = {"pool": pool, "chain": chain.name}
    take = statement("select seq, hash from chain_head where pool = :pool and chain = :chain for update")
    head = (await connection.execute(take, which)).one_or_none()
    if head is None:
        await connection.execute(
            statement(
                "insert into chain_head (pool, chain, seq, hash) values (:pool, :chain, 0, :hash) "
                "on conflict (pool, chain) do nothing"
            ),
            which | {"hash": NOTHING_BEFORE},
        )
        head = (await connection.execute(take, which)).one()
    return head.seq, head.hash


async def _store(connection: AsyncConnection, chain: Chain, records: Sequence[Record]) -> None:
    kinds = {**dict(chain.columns), "hash": "bytea"}
    selected, values = selected_rows(kinds, records)
    await connection.execute(
        statement(
            f"with stored as (insert into {chain.name} ({', '.join(kinds)}) {selected}) "
            "update chain_head set seq = :last_seq, hash = :last_hash where pool = :head_pool and chain = :chain"
        ),
        values
        | {
            "last_seq": records[-1]["seq"],
            "last_hash": records[-1]["hash"],
            "head_pool": records[0]["pool"],
            "chain": chain.name,
        },
    )
