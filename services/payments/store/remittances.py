"""SQL about slips, what stands in them, and who holds money too long."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.database import Reader, Row, Writer

from ..rules.remittances import Items

_SLIP = (
    "pool, remittance_id, from_account, to_account, ledger_id, region, scheme, items_count, total_fen, interest_fen, "
    "paid_on, bank_reference, status, submitted_by, submitted_at, checked_by, checked_at, note, version"
)


async def agent_money(tx: Reader, pool: str, receipts: Sequence[str], collections: Sequence[UUID]) -> Sequence[Row]:
    """Money of agents by receipt or by collection: of which ledger, and whether it stands in a slip."""
    return await tx.rows(
        "select line.ledger_id, collection.collection_id, collection.receipt_no, "
        "collection.reversed_at is not null as reversed, item.collection_id is not null as in_slip "
        "from collection join ledger_line as line on line.pool = collection.pool "
        "and line.collection_id = collection.collection_id and line.kind = 'payment' "
        "left join remittance_receipt as item on item.pool = collection.pool "
        "and item.collection_id = collection.collection_id and item.live "
        "where collection.pool = :pool and collection.collection_id in ("
        "select receipt.collection_id from receipt "
        "where receipt.pool = :pool and receipt.receipt_no = any(cast(:receipts as text[])) "
        "union all select unnest(cast(:collections as uuid[])))",
        pool=pool,
        receipts=list(receipts),
        collections=list(collections),
    )


async def lock_slips(tx: Writer, pool: str, remittance_ids: Sequence[UUID]) -> Sequence[Row]:
    """Lock slips in the order of their ids, with whether each stands in a further slip."""
    await tx.rows(
        "select remittance_id from remittance where pool = :pool and remittance_id = any(cast(:ids as uuid[])) "
        "order by remittance_id for update",
        pool=pool,
        ids=list(remittance_ids),
    )
    # A statement of its own: what another transaction did while we waited is seen only by the next snapshot.
    return await tx.rows(
        f"select {_SLIP}, exists (select 1 from remittance_part as part where part.pool = :pool "
        "and part.part_id = remittance.remittance_id and part.live) as in_slip "
        "from remittance where pool = :pool and remittance_id = any(cast(:ids as uuid[])) order by remittance_id",
        pool=pool,
        ids=list(remittance_ids),
    )


async def insert_slip(tx: Writer, row: Mapping[str, Any], item_ids: Sequence[UUID], items: Items) -> bool:
    """Write a slip over what stands in it; its total is what that comes to.

    False, and nothing written, where that is not the stated `total_fen`, or the bank's number stands for another slip.
    """
    of = _OF[items]
    sums = await tx.row(
        f"select count(*) as count, cast(sum({of.amount}) as bigint) as total_fen from {of.table} "
        f"where pool = :pool and {of.key} = any(cast(:item_ids as uuid[]))",
        pool=row["pool"],
        item_ids=list(item_ids),
    )
    if sums is None or sums["total_fen"] != row["total_fen"]:
        return False
    stored = await tx.rows(
        "insert into remittance (pool, remittance_id, from_account, to_account, ledger_id, region, scheme, "
        "items_count, total_fen, interest_fen, paid_on, bank_reference, status, submitted_by, submitted_at, version) "
        "values (:pool, :remittance_id, :from_account, :to_account, :ledger_id, :region, :scheme, "
        ":items_count, :total_fen, :interest_fen, :paid_on, :bank_reference, 'submitted', :submitted_by, "
        ":submitted_at, 1) "
        "on conflict (pool, bank_reference, paid_on) where status <> 'rejected' do nothing returning remittance_id",
        **row,
        items_count=sums["count"],
    )
    if not stored:
        return False
    await tx.execute(
        f"{of.insert} from {of.table} where pool = :pool and {of.key} = any(cast(:item_ids as uuid[])) "
        f"order by {of.key}",
        pool=row["pool"],
        remittance_id=row["remittance_id"],
        item_ids=list(item_ids),
    )
    return True


async def total_of(tx: Reader, pool: str, item_ids: Sequence[UUID], items: Items) -> int:
    """What the items of a slip come to."""
    of = _OF[items]
    sql = f"select sum({of.amount}) from {of.table} where pool = :pool and {of.key} = any(cast(:ids as uuid[]))"
    return int(await tx.value(sql, pool=pool, ids=list(item_ids)) or 0)


async def find_slip(tx: Reader, pool: str, remittance_id: UUID) -> Row | None:
    """One slip."""
    return await tx.row(
        f"select {_SLIP} from remittance where pool = :pool and remittance_id = :remittance_id",
        pool=pool,
        remittance_id=remittance_id,
    )


async def list_slips(
    tx: Reader,
    pool: str,
    area: str,
    *,
    after: UUID | None,
    limit: int,
    status: str | None,
    from_account: str | None,
    to_account: str | None,
) -> Sequence[Row]:
    """Slips inside an area in the order in which they were written; `limit` + 1 rows."""
    wanted: list[tuple[str, str, Any]] = [
        ("after", "remittance_id > :after", after),
        ("status", "status = :status", status),
        ("from_account", "from_account = :from_account", from_account),
        ("to_account", "to_account = :to_account", to_account),
        ("area", "starts_with(region, :area)", area or None),
    ]
    given = {name: value for name, _, value in wanted if value is not None}
    conditions = "".join(f" and {condition}" for name, condition, _ in wanted if name in given)
    return await tx.rows(
        f"select {_SLIP} from remittance where pool = :pool{conditions} order by remittance_id limit :limit",
        pool=pool,
        limit=limit + 1,
        **given,
    )


async def list_slip_items(
    tx: Reader, pool: str, remittance_id: UUID, *, after: UUID | None, limit: int
) -> Sequence[Row]:
    """What stands in a slip, by identifier; `limit` + 1 rows."""
    return await tx.rows(
        "select item_id, receipt_no, amount_fen from ("
        "select collection_id as item_id, receipt_no, amount_fen from remittance_receipt "
        "where pool = :pool and remittance_id = :remittance_id "
        "union all select part_id, null, amount_fen from remittance_part "
        "where pool = :pool and remittance_id = :remittance_id "
        "union all select shift_id, null, amount_fen from remittance_shift "
        "where pool = :pool and remittance_id = :remittance_id) as item "
        "where cast(:after as uuid) is null or item_id > :after order by item_id limit :limit",
        pool=pool,
        remittance_id=remittance_id,
        after=after,
        limit=limit + 1,
    )


async def check_slip(tx: Writer, row: Mapping[str, Any]) -> None:
    """Confirm or reject a locked slip; what stood in a rejected one is free for another."""
    await tx.execute(
        "update remittance set status = :status, checked_by = :checked_by, checked_at = :checked_at, note = :note, "
        "version = version + 1 where pool = :pool and remittance_id = :remittance_id",
        **row,
    )
    if row["status"] == "rejected":
        for items in ("remittance_receipt", "remittance_part", "remittance_shift"):
            await tx.execute(
                f"update {items} set live = false where pool = :pool and remittance_id = :remittance_id",
                pool=row["pool"],
                remittance_id=row["remittance_id"],
            )


async def list_overdue(
    tx: Reader, pool: str, area: str, *, as_of: datetime, before: datetime, after: str, limit: int
) -> Sequence[Row]:
    """Who held money at `as_of` that they had taken before `before`, by account; `limit` + 1 rows."""
    return await tx.rows(
        f"with held as ({_HELD_BY_AGENTS} union all {_HELD_BY_TOWNS} union all {_HELD_BY_SHIFTS} "
        f"union all {_HELD_BY_COUNTERS}) "
        "select account, holder, held_by, agency_name, unit_code, region, min(since) as held_since, "
        "cast(sum(amount_fen) filter (where since < :before) as bigint) as overdue_fen, "
        "cast(sum(amount_fen) as bigint) as held_fen, "
        "cast(coalesce(sum(amount_fen) filter (where waiting), 0) as bigint) as submitted_fen, "
        "count(distinct person_id) filter (where since < :before) as persons "
        "from held where account > :after and starts_with(region, :area) "
        "group by account, holder, held_by, agency_name, unit_code, region "
        "having sum(amount_fen) filter (where since < :before) > 0 order by account limit :limit",
        pool=pool,
        area=area,
        as_of=as_of,
        before=before,
        after=after,
        limit=limit + 1,
    )


@dataclass(frozen=True)
class _Of:
    """Where the items of a slip stand, and how they are written down."""

    table: str
    key: str
    amount: str
    insert: str


_OF = {
    Items.COLLECTIONS: _Of(
        "collection",
        "collection_id",
        "amount_fen",
        "insert into remittance_receipt (pool, remittance_id, collection_id, receipt_no, amount_fen, live) "
        "select pool, :remittance_id, collection_id, receipt_no, amount_fen, true",
    ),
    Items.SLIPS: _Of(
        "remittance",
        "remittance_id",
        "total_fen",
        "insert into remittance_part (pool, remittance_id, part_id, amount_fen, live) "
        "select pool, :remittance_id, remittance_id, total_fen, true",
    ),
    Items.SHIFTS: _Of(
        "shift",
        "shift_id",
        "deposit_fen",
        "insert into remittance_shift (pool, remittance_id, shift_id, amount_fen, live) "
        "select pool, :remittance_id, shift_id, deposit_fen, true",
    ),
}
_HELD_BY_AGENTS = """
    select 'held/agent/' || ledger.ledger_id as account, 'agent' as holder, ledger.agent as held_by,
        ledger.agency_name, ledger.unit_code, ledger.region, collection.person_id, collection.amount_fen,
        collection.paid_at as since, slip.status is not null as waiting
    from ledger join ledger_line as line on line.pool = ledger.pool and line.ledger_id = ledger.ledger_id
        and line.kind = 'payment'
    join collection on collection.pool = line.pool and collection.collection_id = line.collection_id
    left join remittance_receipt as item on item.pool = collection.pool
        and item.collection_id = collection.collection_id and item.live
    left join remittance as slip on slip.pool = item.pool and slip.remittance_id = item.remittance_id
        and slip.submitted_at <= :as_of
    where ledger.pool = :pool and collection.booked_at <= :as_of
        and (collection.reversed_at is null or collection.reversed_at > :as_of)
        and (slip.status is distinct from 'confirmed' or slip.checked_at > :as_of)
    """
_HELD_BY_TOWNS = """
    select slip.to_account, 'town', null, null, null, substr(slip.to_account, 11), collection.person_id,
        item.amount_fen, slip.checked_at, parent.status is not null
    from remittance as slip join remittance_receipt as item on item.pool = slip.pool
        and item.remittance_id = slip.remittance_id
    join collection on collection.pool = item.pool and collection.collection_id = item.collection_id
    left join remittance_part as part on part.pool = slip.pool and part.part_id = slip.remittance_id and part.live
    left join remittance as parent on parent.pool = part.pool and parent.remittance_id = part.remittance_id
        and parent.submitted_at <= :as_of
    where slip.pool = :pool and starts_with(slip.to_account, 'held/town/')
        and slip.status = 'confirmed' and slip.checked_at <= :as_of
        and (parent.status is distinct from 'confirmed' or parent.checked_at > :as_of)
    """
_HELD_BY_SHIFTS = """
    select 'held/shift/' || shift.shift_id, 'shift', shift.clerk, null, shift.counter_code, shift.region,
        cast(null as uuid),
        case when debit_account = 'held/shift/' || shift.shift_id then amount_fen else -amount_fen end,
        shift.opened_at, false
    from shift join transfer on transfer.pool = shift.pool
        and 'held/shift/' || shift.shift_id in (debit_account, credit_account) and occurred_at <= :as_of
    where shift.pool = :pool and shift.opened_at <= :as_of and (shift.closed_at is null or shift.closed_at > :as_of)
    """
_HELD_BY_COUNTERS = """
    select 'held/counter/' || shift.counter_code, 'counter', null, null, shift.counter_code, shift.region,
        cast(null as uuid), shift.deposit_fen, shift.closed_at, slip.status is not null
    from shift left join remittance_shift as item on item.pool = shift.pool and item.shift_id = shift.shift_id
        and item.live
    left join remittance as slip on slip.pool = item.pool and slip.remittance_id = item.remittance_id
        and slip.submitted_at <= :as_of
    where shift.pool = :pool and shift.closed_at <= :as_of and shift.deposit_fen <> 0
        and (slip.status is distinct from 'confirmed' or slip.checked_at > :as_of)
    """
