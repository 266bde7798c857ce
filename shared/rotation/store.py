"""SQL of key changes. A sealed value and a named hash begin with the length of their key's name and the name."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.dialects import postgresql

from ..chain import array_parameter
from ..database import Reader, Row, Writer
from ..sealing import Sealer
from .columns import SealedColumn

_HASH_BYTES = 32
_POSTGRESQL: Any = postgresql.dialect()  # type: ignore[no-untyped-call]


def stale(column: SealedColumn, sealer: Sealer, row: str) -> str:
    """The condition that a row (by its alias) is not under the current keys."""
    found = f"{_is_sealed(column, row)} and {_key(f'{row}.{column.column}')} <> {_name(sealer.current)}"
    if column.hashed:
        hashed = f"{row}.{column.hashed.column}"
        found = f"({found} or {hashed} is null or {_hash_key(hashed)} <> {_name(sealer.lookup_current)})"
    return found


def unknown(column: SealedColumn, sealer: Sealer, row: str) -> str:
    """The condition that a row is under a key that the process does not know."""
    found = f"{_is_sealed(column, row)} and {_key(f'{row}.{column.column}')} not in ({_names(sealer.names)})"
    return f"({found} or {_unknown_hash(column, sealer, row)})" if column.hashed else found


async def has_unknown_hash(tx: Reader, column: SealedColumn, sealer: Sealer) -> bool:
    """Whether any row would not be found, because its hash is under a key that the process does not know."""
    # No `exists (select from …)` over all pools: Citus cannot hand on a result without columns.
    condition = _unknown_hash(column, sealer, "t")
    return await tx.value(f"select 1 from {column.table.name} t where {condition} limit 1") is not None


async def pools(tx: Reader) -> Sequence[str]:
    """Every pool in which anything was ever done."""
    return [row["pool"] for row in await tx.rows("select distinct pool from chain_head order by pool")]


async def walks(tx: Reader) -> Sequence[Row]:
    """How far every column is."""
    return await tx.rows("select * from key_walk order by pool, subject")


async def lock_walk(tx: Writer, pool: str, subject: str) -> Row | None:
    """A column's walk, its row locked; None where another worker is at it."""
    return await tx.row(
        "select * from key_walk where pool = :pool and subject = :subject for update skip locked",
        pool=pool,
        subject=subject,
    )


async def open_walk(tx: Writer, pool: str, subject: str, sealer: Sealer, now: datetime) -> None:
    """Begin the first walk through a column, unless there was one."""
    await tx.execute(
        "insert into key_walk (pool, subject, key, lookup_key, since, begun_at, position, seen, changed, passed_over) "
        "values (:pool, :subject, :key, :lookup_key, :now, :now, '[]', 0, 0, 0) on conflict (pool, subject) do nothing",
        pool=pool,
        subject=subject,
        key=sealer.current,
        lookup_key=sealer.lookup_current,
        now=now,
    )


async def set_walk(tx: Writer, walk: Mapping[str, Any]) -> None:
    """Store a locked walk as it stands now."""
    await tx.execute(
        "update key_walk set key = :key, lookup_key = :lookup_key, since = :since, begun_at = :begun_at, "
        "position = :position, seen = :seen, changed = :changed, passed_over = :passed_over, "
        "finished_at = :finished_at where pool = :pool and subject = :subject",
        **walk,
    )


async def read_rows(
    tx: Reader, pool: str, column: SealedColumn, sealer: Sealer, position: Sequence[Any]
) -> Sequence[Row]:
    """The next rows after a position, in the order of their keys: `stale`, and their values where they are."""
    names = [*column.key, *column.also]
    taken = [column.column, *([column.hashed.column] if column.hashed else [])]
    after = ""
    if position:
        given = [f"cast(:position_{at} as {_kind(column, name)})" for at, name in enumerate(column.key)]
        after = f"and ({', '.join(column.key)}) > ({', '.join(given)}) "
    values = ", ".join(f"case when stale then {name} end as {name}" for name in taken)
    return await tx.rows(
        f"select {', '.join(names)}, stale, {values} from (select *, coalesce({column.only} and "
        f"{stale(column, sealer, 't')}, false) as stale from {column.table.name} t where pool = :pool {after}"
        f"order by {', '.join(column.key)} limit :limit) as chunk order by {', '.join(column.key)}",
        pool=pool,
        limit=column.chunk,
        **{f"position_{at}": value for at, value in enumerate(position)},
    )


async def replace(
    tx: Writer, pool: str, column: SealedColumn, rows: Sequence[Mapping[str, Any]]
) -> Sequence[tuple[Any, ...]]:
    """Store values sealed anew (`new_sealed`, `new_hash`) where the old one stands unchanged; the keys of rows that
    were changed. Rows that somebody else has locked are passed over."""
    key, table = column.key, column.table.name
    hashed = column.hashed.column if column.hashed else None
    kinds = {name: _kind(column, name) for name in key} | {"old_sealed": "bytea", "new_sealed": "bytea"}
    if hashed:
        kinds["new_hash"] = "bytea"
    given = (
        f"unnest({', '.join(array_parameter(name, kind) for name, kind in kinds.items())}) as n ({', '.join(kinds)})"
    )
    same = " and ".join(f"t.{name} = n.{name}" for name in key)
    found = await tx.rows(
        f"with free as materialized (select n.* from {given} join {table} t on t.pool = :pool and {same} "
        f"and t.{column.column} = n.old_sealed for update of t skip locked) "
        f"update {table} as t set {column.column} = n.new_sealed{f', {hashed} = n.new_hash' if hashed else ''} "
        f"from free as n where t.pool = :pool and {same} returning {', '.join(f't.{name}' for name in key)}",
        pool=pool,
        **{name: [row[name] for row in rows] for name in kinds},
    )
    return [tuple(row[name] for name in key) for row in found]


async def keys_in_use(tx: Reader, column: SealedColumn) -> Sequence[Row]:
    """Under which keys the values of a column lie: kind (data, lookup), key, how many."""
    value = _key(f"t.{column.column}")
    sealed = f"{column.only} and {_is_sealed(column, 't')}"
    counts = [f"select 'data' as kind, {value} as key from {column.table.name} t where {sealed}"]
    if column.hashed:
        hashed = f"t.{column.hashed.column}"
        counts.append(
            f"select 'lookup', {_hash_key(hashed)} from {column.table.name} t where {column.only} "
            f"and {hashed} is not null"
        )
    return await tx.rows(
        "select kind, convert_from(key, 'UTF8') as key, count(*) as count "
        f"from ({' union all '.join(counts)}) as found group by 1, 2 order by 1, 2"
    )


def _unknown_hash(column: SealedColumn, sealer: Sealer, row: str) -> str:
    """The condition that a row would not be found, because its hash is under a key that the process does not know."""
    assert column.hashed is not None
    return f"{_hash_key(f'{row}.{column.hashed.column}')} not in ({_names(sealer.lookup_names)})"


def _is_sealed(column: SealedColumn, row: str) -> str:
    # What names no key lies under a key of its own, which is sealed beside it.
    return f"{row}.{column.column} is not null and get_byte({row}.{column.column}, 0) > 0"


def _key(value: str) -> str:
    return f"substring({value} from 2 for get_byte({value}, 0))"


def _hash_key(value: str) -> str:
    return f"case when octet_length({value}) = {_HASH_BYTES} then '\\x'::bytea else {_key(value)} end"


def _name(name: str) -> str:
    return f"decode('{name.encode().hex()}', 'hex')"


def _names(names: Sequence[str]) -> str:
    return ", ".join(_name(name) for name in names)


def _kind(column: SealedColumn, name: str) -> str:
    return str(column.table.c[name].type.compile(dialect=_POSTGRESQL))
