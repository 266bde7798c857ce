"""SQL about refunds through the treasury: accounts of payees, packages and their lines, answers, the check."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from shared.database import Reader, Row, Writer

from ..tables import refund_account, refund_package, refund_package_item
from .leasing import TURN

PACKAGE = (
    "pool, refund_package_id, office, entrust_date, pack_no, message_id, items_count, total_fen, state, detail, "
    "built_at, asked_at, tries, version"
)


ACCOUNT = "pool, application_id, sealed, recorded_by, recorded_at, confirmed_by, confirmed_at, version"


async def insert_account(tx: Writer, row: Mapping[str, Any]) -> bool:
    """Record an application's first account; False where there is one."""
    tail = "on conflict (pool, application_id) do nothing returning application_id"
    return bool(await tx.insert(refund_account, [row], tail=tail))


async def change_account(tx: Writer, row: Mapping[str, Any]) -> None:
    """Change a locked account, or who recorded and confirmed it."""
    await tx.execute(
        "update refund_account set sealed = :sealed, recorded_by = :recorded_by, recorded_at = :recorded_at, "
        "confirmed_by = :confirmed_by, confirmed_at = :confirmed_at, version = version + 1 "
        "where pool = :pool and application_id = :application_id",
        **{name: row[name] for name in ACCOUNT.split(", ") if name != "version"},
    )


async def find_account(tx: Reader, pool: str, application_id: UUID) -> Row | None:
    """An application's account, sealed."""
    return await tx.row(
        f"select {ACCOUNT} from refund_account where pool = :pool and application_id = :id",
        pool=pool,
        id=application_id,
    )


async def lock_account(tx: Writer, pool: str, application_id: UUID) -> Row | None:
    """An application's account, which nobody changes or pays to meanwhile."""
    return await tx.row(
        f"select {ACCOUNT} from refund_account where pool = :pool and application_id = :id for update",
        pool=pool,
        id=application_id,
    )


_WAITING = (
    "r.method = 'treasury' and r.state = 'submitted' and not exists (select 1 from refund_package_item as i "
    "where i.pool = r.pool and i.refund_id = r.refund_id)"
)


async def pools_with_waiting(tx: Reader) -> Sequence[str]:
    """The pools with refunds that stand in no package yet."""
    rows = await tx.rows(f"select distinct r.pool from refund as r where {_WAITING} order by r.pool")
    return [row["pool"] for row in rows]


async def lock_waiting(tx: Writer, pool: str, treasury_pools: Sequence[str], limit: int) -> Sequence[Row]:
    """Refunds of a pool that stand in no package, with voucher, office and confirmed account; one worker has them.

    `treasury_pools`: where the treasury's lines about the pool's money stand.
    """
    joined = (
        "from refund as r join refund_account as a on a.pool = r.pool and a.application_id = r.application_id "
        "and a.confirmed_by is not null "
        "join collection_voucher as l on l.pool = r.pool and l.collection_id = r.collection_id and l.live "
        f"where r.pool = :pool and {_WAITING}"
    )
    wanted = await tx.rows(f"select distinct l.voucher_no {joined}", pool=pool)
    # The treasury may post for several pools, so it is asked about the vouchers apart from the rows that are locked.
    posted = await tx.rows(
        "select t.voucher_no, min(p.office) as office from treasury_row as t join treasury_package as p "
        "on p.pool = t.pool and p.package_id = t.package_id and p.state = 'accepted' and p.message_no = '3126' "
        "where t.pool = any(cast(:treasury_pools as text[])) and t.voucher_no = any(cast(:vouchers as text[])) "
        "and t.success and t.amount_fen > 0 group by t.voucher_no",
        treasury_pools=list(treasury_pools),
        vouchers=[row["voucher_no"] for row in wanted],
    )
    offices = {row["voucher_no"]: row["office"] for row in posted}
    rows = await tx.rows(
        "select r.refund_id, r.application_id, r.amount_fen, r.paid_by, l.voucher_no, a.sealed, "
        f"a.recorded_by as account_by, a.confirmed_by {joined} and l.voucher_no = any(cast(:vouchers as text[])) "
        "order by r.refund_id limit :limit for update of r skip locked",
        pool=pool,
        vouchers=list(offices),
        limit=limit,
    )
    return [{**row, "office": offices[row["voucher_no"]]} for row in rows]


async def insert_package(tx: Writer, row: Mapping[str, Any], items: Sequence[Mapping[str, Any]]) -> None:
    """Store a package before it is sent."""
    await tx.insert(refund_package, [row])
    await tx.insert(refund_package_item, items)


async def lease_package(tx: Writer, now: datetime, seconds: float, most_seconds: float) -> Row | None:
    """Take the package that has waited longest to be sent or asked about; it counts as asked from `now` on."""
    turn = {"now": now, "seconds": seconds, "most_seconds": most_seconds}
    waiting = f"from refund_package where state in ('built', 'sent') and {TURN}"
    pool = await tx.value(f"select pool {waiting} order by asked_at limit 1", **turn)
    return pool and await tx.row(
        "update refund_package set asked_at = :now, tries = tries + 1 where pool = :pool and refund_package_id = ("
        f"select refund_package_id {waiting} and pool = :pool "
        f"order by asked_at limit 1 for update skip locked) returning {PACKAGE}",
        pool=pool,
        **turn,
    )


async def find_package(tx: Reader, pool: str, refund_package_id: UUID) -> Row | None:
    """One package of refunds."""
    return await tx.row(
        f"select {PACKAGE} from refund_package where pool = :pool and refund_package_id = :id",
        pool=pool,
        id=refund_package_id,
    )


async def lock_package(tx: Writer, pool: str, refund_package_id: UUID) -> Row:
    """One package of refunds, locked."""
    row = await tx.row(
        f"select {PACKAGE} from refund_package where pool = :pool and refund_package_id = :id for update",
        pool=pool,
        id=refund_package_id,
    )
    assert row is not None
    return row


async def list_packages(tx: Reader, pool: str, *, after: UUID | None, limit: int, state: str | None) -> Sequence[Row]:
    """Packages of refunds in the order in which they were built; `limit` + 1 rows."""
    return await tx.rows(
        f"select {PACKAGE} from refund_package where pool = :pool "
        "and (cast(:after as uuid) is null or refund_package_id > :after) "
        "and (cast(:state as text) is null or state = :state) order by refund_package_id limit :limit",
        pool=pool,
        after=after,
        limit=limit + 1,
        state=state,
    )


async def find_by_number(tx: Reader, pool: str, entrust_date: date, pack_no: str) -> Row | None:
    """The package of refunds that an answer names; numbers of a day are used once over all offices."""
    return await tx.row(
        f"select {PACKAGE} from refund_package where pool = :pool and entrust_date = :day and pack_no = :pack_no",
        pool=pool,
        day=entrust_date,
        pack_no=pack_no,
    )


async def items_of(tx: Reader, pool: str, refund_package_id: UUID) -> Sequence[Row]:
    """The lines of a package of refunds, by number."""
    return await tx.rows(
        "select tra_no, refund_id, amount_fen, draw_back_no, voucher_no, sealed from refund_package_item "
        "where pool = :pool and refund_package_id = :id order by tra_no",
        pool=pool,
        id=refund_package_id,
    )


async def items_in_lock_order(tx: Reader, pool: str, refund_package_id: UUID) -> Sequence[Row]:
    """The refunds of a package, in the order in which their money is locked."""
    return await tx.rows(
        "select i.refund_id from refund_package_item as i join refund as r on r.pool = i.pool "
        "and r.refund_id = i.refund_id where i.pool = :pool and i.refund_package_id = :id "
        "order by r.collection_id, i.refund_id",
        pool=pool,
        id=refund_package_id,
    )


async def move_package(tx: Writer, pool: str, refund_package_id: UUID, state: str, detail: str | None = None) -> None:
    """Record what became of a locked package."""
    await tx.execute(
        "update refund_package set state = :state, detail = :detail, version = version + 1 "
        "where pool = :pool and refund_package_id = :id",
        pool=pool,
        id=refund_package_id,
        state=state,
        detail=detail,
    )


async def note_package(tx: Writer, pool: str, refund_package_id: UUID, detail: str) -> None:
    """Keep what was said of a package on which nothing has changed."""
    await tx.execute(
        "update refund_package set detail = :detail where pool = :pool and refund_package_id = :id",
        pool=pool,
        id=refund_package_id,
        detail=detail,
    )


async def mark_processing(tx: Writer, pool: str, refund_package_id: UUID) -> None:
    """The treasury has a package: its refunds are in its hands."""
    await tx.execute(
        "update refund set state = 'processing', version = version + 1 where pool = :pool and state = 'submitted' "
        "and refund_id in (select refund_id from refund_package_item where pool = :pool and refund_package_id = :id)",
        pool=pool,
        id=refund_package_id,
    )


async def answered_packages(tx: Reader) -> Sequence[Row]:
    """Packages of refunds whose answer (9110) has come and was not acted on, with the answer of the whole.

    Whatever their state: a corrected answer comes after one that was acted on. `has_lines`: the answer says something
    of each refund, not of the whole.
    """
    return await tx.rows(
        f"select {', '.join(f'r.{name.strip()}' for name in PACKAGE.split(','))}, p.package_id, p.result, "
        "p.detail as answer, exists (select 1 from treasury_row as t where t.pool = p.pool "
        "and t.package_id = p.package_id) as has_lines from treasury_package as p join refund_package as r "
        "on r.pool = p.pool and r.office = p.office and r.entrust_date = p.day and r.pack_no = p.pack_no "
        "where p.message_no = '9110' and p.state = 'accepted' and p.acted_at is null order by p.pool, p.package_id"
    )


async def mark_acted(tx: Writer, pool: str, package_id: UUID, at: datetime) -> None:
    """An answer was acted on."""
    await tx.execute(
        "update treasury_package set acted_at = :at where pool = :pool and package_id = :id",
        pool=pool,
        id=package_id,
        at=at,
    )


async def is_open(tx: Reader, pool: str, refund_package_id: UUID) -> bool:
    """Whether the treasury has still to say something of a refund of a package."""
    found = await tx.value(
        "select 1 from refund_package_item as i join refund as r on r.pool = i.pool and r.refund_id = i.refund_id "
        "where i.pool = :pool and i.refund_package_id = :id and r.state in ('submitted', 'processing') limit 1",
        pool=pool,
        id=refund_package_id,
    )
    return found is not None


async def answers_to(tx: Reader, pool: str, package_id: UUID, refund_package_id: UUID) -> Sequence[Row]:
    """What an answer says of each refund of a package, in the order in which their money is locked."""
    return await tx.rows(
        "select i.refund_id, i.tra_no, i.amount_fen as our_fen, t.amount_fen as treasury_fen, t.success, t.content "
        "from refund_package_item as i join refund as r on r.pool = i.pool and r.refund_id = i.refund_id "
        "join treasury_row as t on t.pool = i.pool and t.package_id = :package_id and t.order_no = i.tra_no "
        "where i.pool = :pool and i.refund_package_id = :id order by r.collection_id, i.refund_id",
        pool=pool,
        package_id=package_id,
        id=refund_package_id,
    )
