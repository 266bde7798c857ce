"""SQL about agents' devices, ledgers and lines."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.database import Reader, Row, Writer

from ..tables.agents import agent_device, ledger, ledger_line

_DEVICE = "pool, device_id, agent, public_key, label, registered_at, withdrawn_at"
_LEDGER = (
    "pool, ledger_id, scheme, unit_code, region, agency_name, agent, status, opened_at, closed_at, closed_by, "
    "payments_count, contrary_count, collected_fen, ledger_hash, version"
)


async def insert_device(tx: Writer, row: Mapping[str, Any]) -> bool:
    """Register a device; False where its key is registered already."""
    return bool(
        await tx.insert(agent_device, [row], tail="on conflict (pool, public_key) do nothing returning device_id")
    )


async def find_device(tx: Reader, pool: str, device_id: UUID) -> Row | None:
    """One device."""
    return await tx.row(
        f"select {_DEVICE} from agent_device where pool = :pool and device_id = :device_id",
        pool=pool,
        device_id=device_id,
    )


async def keys_of(tx: Reader, pool: str, agent: str) -> list[str]:
    """The public keys with which somebody signs now."""
    rows = await tx.rows(
        "select public_key from agent_device where pool = :pool and agent = :agent and withdrawn_at is null "
        "order by device_id",
        pool=pool,
        agent=agent,
    )
    return [row["public_key"] for row in rows]


async def withdraw_device(tx: Writer, pool: str, device_id: UUID, at: datetime) -> None:
    """Withdraw a device; the first withdrawal counts."""
    await tx.execute(
        "update agent_device set withdrawn_at = coalesce(withdrawn_at, :at) "
        "where pool = :pool and device_id = :device_id",
        pool=pool,
        device_id=device_id,
        at=at,
    )


async def insert_ledger(tx: Writer, row: Mapping[str, Any]) -> bool:
    """Open a ledger; False where the agent has one open for the unit."""
    tail = "on conflict (pool, scheme, unit_code, agent) where status = 'open' do nothing returning ledger_id"
    return bool(await tx.insert(ledger, [row], tail=tail))


async def find_ledger(tx: Reader, pool: str, ledger_id: UUID) -> Row | None:
    """One ledger."""
    return await tx.row(
        f"select {_LEDGER} from ledger where pool = :pool and ledger_id = :ledger_id", pool=pool, ledger_id=ledger_id
    )


async def lock_ledger(tx: Writer, pool: str, ledger_id: UUID) -> Row | None:
    """One ledger, locked: lines, slips and the closing of one book come one after the other."""
    return await tx.row(
        f"select {_LEDGER} from ledger where pool = :pool and ledger_id = :ledger_id for update",
        pool=pool,
        ledger_id=ledger_id,
    )


async def list_ledgers(
    tx: Reader,
    pool: str,
    area: str,
    *,
    after: UUID | None,
    limit: int,
    scheme: str | None,
    status: str | None,
    agent: str | None,
) -> Sequence[Row]:
    """Ledgers inside an area in the order in which they were opened; `limit` + 1 rows."""
    wanted: list[tuple[str, str, Any]] = [
        ("after", "ledger_id > :after", after),
        ("scheme", "scheme = :scheme", scheme),
        ("status", "status = :status", status),
        ("agent", "agent = :agent", agent),
        ("area", "starts_with(region, :area)", area or None),
    ]
    given = {name: value for name, _, value in wanted if value is not None}
    conditions = "".join(f" and {condition}" for name, condition, _ in wanted if name in given)
    return await tx.rows(
        f"select {_LEDGER} from ledger where pool = :pool{conditions} order by ledger_id limit :limit",
        pool=pool,
        limit=limit + 1,
        **given,
    )


async def raise_version(tx: Writer, pool: str, ledger_id: UUID) -> None:
    """A locked ledger has got new lines."""
    await tx.execute(
        "update ledger set version = version + 1 where pool = :pool and ledger_id = :ledger_id",
        pool=pool,
        ledger_id=ledger_id,
    )


async def lines_of(tx: Reader, pool: str, ledger_id: UUID, line_nos: Sequence[int]) -> dict[int, Row]:
    """Lines by number: what they say, what became of their money, and where it is now."""
    rows = await tx.rows(
        "select line.line_no, line.kind, line.line_hash, line.amount_fen, line.collection_id, "
        "line.content->>'payer_name' as payer_name, coalesce(collection.settles, collection.bill_no) as bill_no, "
        "case line.kind when 'payment' then collection.outcome when 'contrary' then 'reversed' else 'spoiled' end "
        "as outcome, case line.kind when 'payment' then collection.reason end as reason, "
        "case line.kind when 'payment' then collection.receipt_no end as receipt_no, "
        "collection.reversed_at is not null as contrary, item.collection_id is not null as handed_over, "
        "coalesce(collection.refunded_fen + collection.refunding_fen, 0) > 0 as paid_back "
        f"{_LINE_AND_MONEY} where line.pool = :pool and line.ledger_id = :ledger_id "
        "and line.line_no = any(cast(:line_nos as integer[]))",
        pool=pool,
        ledger_id=ledger_id,
        line_nos=sorted(set(line_nos)),
    )
    return {row["line_no"]: row for row in rows}


async def list_lines(
    tx: Reader, pool: str, ledger_id: UUID, *, after: int, limit: int, held: bool | None
) -> Sequence[Row]:
    """Lines of a ledger by number; `held` keeps those whose money the agent still has, or the others."""
    narrowed = "" if held is None else f" and {'' if held else 'not '}({_HELD})"
    return await tx.rows(
        "select line.line_no, line.kind, line.line_hash, line.amount_fen, line.collection_id, line.contrary_of, "
        "line.kind = 'payment' and collection.reversed_at is not null as taken_back, collection.outcome, "
        "collection.receipt_no, item.remittance_id, line.content, line.received_at "
        f"{_LINE_AND_MONEY} where line.pool = :pool and line.ledger_id = :ledger_id and line.line_no > :after"
        f"{narrowed} order by line.line_no limit :limit",
        pool=pool,
        ledger_id=ledger_id,
        after=after,
        limit=limit + 1,
    )


async def insert_lines(tx: Writer, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write lines into a locked ledger."""
    await tx.insert(ledger_line, rows)


async def line_hashes(tx: Reader, pool: str, ledger_id: UUID) -> list[tuple[int, str]]:
    """Number and hash of every line, by number: what the ledger's hash is made of."""
    rows = await tx.rows(
        "select line_no, line_hash from ledger_line where pool = :pool and ledger_id = :ledger_id order by line_no",
        pool=pool,
        ledger_id=ledger_id,
    )
    return [(row["line_no"], row["line_hash"]) for row in rows]


async def ledger_sums(tx: Reader, pool: str, ledger_id: UUID) -> Row:
    """Counts and sums of a ledger, where its money is, and the last day on which its bills may be paid."""
    row = await tx.row(
        f"select count(*) filter (where {_PAYMENT}) as payments_count, "
        f"count(*) filter (where {_CONTRARY}) as contrary_count, "
        "count(*) filter (where line.kind = 'spoiled') as spoiled_count, "
        "coalesce(max(line.line_no), 0) as last_line_no, "
        f"{_fen_where(_PAYMENT)} as payments_fen, {_fen_where(_CONTRARY)} as contrary_fen, "
        f"{_fen_where(_CONFIRMED)} as handed_over_fen, "
        f"max(cast(bill.\"window\"->>'to' as date)) as last_day {_LINE_AND_MONEY} "
        "left join remittance on remittance.pool = item.pool and remittance.remittance_id = item.remittance_id "
        "left join bill on bill.pool = collection.pool and bill.bill_no = collection.bill_no "
        "where line.pool = :pool and line.ledger_id = :ledger_id",
        pool=pool,
        ledger_id=ledger_id,
    )
    assert row is not None
    return row


async def sums_by_method(tx: Reader, pool: str, ledger_id: UUID) -> Sequence[Row]:
    """Payments that stand, by the electronic channel that the agent named."""
    return await tx.rows(
        "select collection.method, count(*) as count, cast(sum(line.amount_fen) as bigint) as amount_fen "
        f"{_LINE_AND_MONEY} where line.pool = :pool and line.ledger_id = :ledger_id and line.kind = 'payment' "
        "and collection.reversed_at is null group by collection.method order by collection.method",
        pool=pool,
        ledger_id=ledger_id,
    )


async def missing_lines(tx: Reader, pool: str, ledger_id: UUID, last_line_no: int, limit: int) -> list[int]:
    """Numbers up to the last that no line has."""
    rows = await tx.rows(
        "select number from generate_series(1, cast(:last as integer)) as number where not exists (select 1 "
        "from ledger_line where pool = :pool and ledger_id = :ledger_id and line_no = number) order by number "
        "limit :limit",
        pool=pool,
        ledger_id=ledger_id,
        last=last_line_no,
        limit=limit,
    )
    return [row["number"] for row in rows]


async def close_ledger(tx: Writer, row: Mapping[str, Any]) -> None:
    """Close a locked ledger with the head's figures and signature."""
    await tx.execute(
        "update ledger set status = 'closed', closed_at = :closed_at, closed_by = :closed_by, "
        "payments_count = :payments_count, contrary_count = :contrary_count, collected_fen = :collected_fen, "
        "ledger_hash = :ledger_hash, head_signature = :head_signature, version = version + 1 "
        "where pool = :pool and ledger_id = :ledger_id",
        **row,
    )


async def mark_remitted(tx: Writer, pool: str, ledger_id: UUID) -> None:
    """A locked ledger that is closed and of which every fen stands on a confirmed slip is remitted."""
    await tx.execute(
        "update ledger set status = 'remitted', version = version + 1 where pool = :pool and ledger_id = :ledger_id "
        f"and status = 'closed' and not exists (select 1 {_LINE_AND_MONEY} left join remittance "
        "on remittance.pool = item.pool and remittance.remittance_id = item.remittance_id "
        "where line.pool = :pool and line.ledger_id = :ledger_id and line.kind = 'payment' "
        "and collection.reversed_at is null and remittance.status is distinct from 'confirmed')",
        pool=pool,
        ledger_id=ledger_id,
    )


_LINE_AND_MONEY = (
    "from ledger_line as line left join collection on collection.pool = line.pool "
    "and collection.collection_id = line.collection_id "
    "left join remittance_receipt as item on item.pool = line.pool and item.collection_id = line.collection_id "
    "and item.live and line.kind = 'payment'"
)
_HELD = (
    "line.kind = 'payment' and collection.reversed_at is null and (item.collection_id is null or exists ("
    "select 1 from remittance where remittance.pool = :pool and remittance.remittance_id = item.remittance_id "
    "and remittance.status <> 'confirmed'))"
)
_PAYMENT = "line.kind = 'payment'"
_CONTRARY = "line.kind = 'contrary'"
_CONFIRMED = "line.kind = 'payment' and remittance.status = 'confirmed'"


def _fen_where(condition: str) -> str:
    return f"cast(coalesce(sum(line.amount_fen) filter (where {condition}), 0) as bigint)"
