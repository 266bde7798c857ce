"""SQL about the treasury: when money was posted there and under which voucher; its packages, part by part.

Whether money is posted is asked, not stored: a day that is sent again, a confirmation that comes late or money that is
taken back needs no second step to count.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from shared.database import Reader, Row, Writer

from ..rules.tax import POOLLESS
from ..rules.treasury import Times
from ..tables import collection_voucher, treasury_package, treasury_part, treasury_row

PACKAGE = (
    "pool, package_id, message_no, office, day, pack_no, issue, parts, told_count, told_fen, result, detail, state, "
    "received_at, version"
)

_POSTED = (
    "select r.voucher_no, max(p.day) as posted_on, max(p.office) as office, max(r.pool) as treasury_pool, "
    "cast(sum(r.amount_fen) as bigint) as treasury_fen from treasury_row as r "
    "join treasury_package as p on p.pool = r.pool and p.package_id = r.package_id "
    "and p.state = 'accepted' and p.message_no = '3126' "
    "where r.pool = any(cast(:treasury_pools as text[])) and r.success and r.amount_fen > 0"
)
_OURS = (
    "select l.voucher_no, cast(sum(l.amount_fen) as bigint) as our_fen, count(*) as collections_count, "
    "min(c.paid_at) as paid_at, string_agg(distinct c.channel, ',') as channels, "
    f"bool_or(l.pool <> '{POOLLESS}') as known from collection_voucher as l "
    "join collection as c on c.pool = l.pool and c.collection_id = l.collection_id and c.reversed_at is null "
    "where l.live and l.pool = any(cast(:our_pools as text[]))"
)
_BOTH_SIDES = (
    f"with posted as ({_POSTED} group by r.voucher_no), ours as ({_OURS} group by l.voucher_no), "
    "both_sides as (select coalesce(posted.voucher_no, ours.voucher_no) as voucher_no, posted_on, office, "
    "treasury_fen, our_fen, coalesce(collections_count, 0) as collections_count, channels, known, "
    "cast(paid_at at time zone 'Asia/Shanghai' as date) as paid_on, "
    "case when treasury_fen is null and cast(paid_at at time zone 'Asia/Shanghai' as date) > :due then null "
    "when treasury_fen is null then 'treasury_missing' when our_fen is null then 'ours_missing' "
    "when treasury_fen = our_fen then 'matched' else 'amount_differs' end as result "
    "from posted full join ours on ours.voucher_no = posted.voucher_no)"
)
_ARRIVED = (
    "coalesce("
    "(select cast(min(t.occurred_at) at time zone 'Asia/Shanghai' as date) from transfer as t where t.pool = :pool "
    "and t.kind = 'clear' and t.subject = cast(c.collection_id as text)), "
    "(select case when c.method = 'cash' and s.deposit_fen <> 0 then (select m.paid_on from remittance_shift as i "
    "join remittance as m on m.pool = i.pool and m.remittance_id = i.remittance_id and m.status = 'confirmed' "
    "where i.pool = :pool and i.shift_id = s.shift_id and i.live) "
    "else cast(s.closed_at at time zone 'Asia/Shanghai' as date) end from shift as s "
    "where s.pool = :pool and s.shift_id = c.shift_id), "
    "(select case when m.to_account = 'special_account' then m.paid_on else (select up.paid_on "
    "from remittance_part as part join remittance as up on up.pool = part.pool "
    "and up.remittance_id = part.remittance_id and up.status = 'confirmed' "
    "where part.pool = :pool and part.part_id = m.remittance_id and part.live) end "
    "from remittance_receipt as item join remittance as m on m.pool = item.pool "
    "and m.remittance_id = item.remittance_id and m.status = 'confirmed' "
    "where item.pool = :pool and item.collection_id = c.collection_id and item.live))"
)


async def times_of(tx: Reader, pool: str, collection_ids: Sequence[UUID]) -> dict[UUID, Times]:
    """When money of a pool arrived, was posted to the treasury and remitted up, and under which voucher; set-based.

    Unknown collections are left out. Posted is what stands under a voucher whose sum is that of the money under it.
    """
    treasury_pools, our_pools = await pools_about(tx, pool)
    rows = await tx.rows(
        "with mine as (select l.collection_id, l.voucher_no from collection_voucher as l "
        "where l.pool = :pool and l.live and l.collection_id = any(cast(:ids as uuid[]))), "
        f"posted as materialized ({_POSTED} and r.voucher_no in (select voucher_no from mine) group by r.voucher_no), "
        f"ours as materialized ({_OURS} and l.voucher_no in (select voucher_no from mine) group by l.voucher_no), "
        "remitted as materialized (select pool, office, posted_on, remitted_on from treasury_remitted "
        "where pool = any(cast(:treasury_pools as text[])) and withdrawn_at is null "
        "and posted_on in (select posted_on from posted)) "
        f"select c.collection_id, mine.voucher_no, {_ARRIVED} as arrived_on, posted.posted_on, remitted.remitted_on "
        "from collection as c "
        "left join mine on mine.collection_id = c.collection_id "
        "left join ours on ours.voucher_no = mine.voucher_no "
        "left join posted on posted.voucher_no = mine.voucher_no and posted.treasury_fen = ours.our_fen "
        "left join remitted on remitted.pool = posted.treasury_pool "
        "and remitted.office = posted.office and remitted.posted_on = posted.posted_on "
        "where c.pool = :pool and c.collection_id = any(cast(:ids as uuid[]))",
        pool=pool,
        ids=list(collection_ids),
        treasury_pools=treasury_pools,
        our_pools=our_pools,
    )
    return {
        row["collection_id"]: Times(row["arrived_on"], row["posted_on"], row["remitted_on"], row["voucher_no"])
        for row in rows
    }


async def list_vouchers(
    tx: Reader,
    pool: str,
    *,
    after: str,
    limit: int,
    due: date,
    result: str | None = None,
    posted_on: date | None = None,
    voucher_no: str | None = None,
) -> Sequence[Row]:
    """Vouchers with what was posted under each, what money of ours is under it and what both come to; `limit` + 1.

    Money paid after `due` need not be posted yet: of its voucher the result is null.
    """
    treasury_pools, our_pools = await pools_about(tx, pool)
    return await tx.rows(
        f"{_BOTH_SIDES} select * from both_sides where voucher_no > :after "
        "and (cast(:result as text) is null or result = :result) "
        "and (cast(:posted_on as date) is null or posted_on = :posted_on) "
        "and (cast(:voucher_no as text) is null or voucher_no = :voucher_no) order by voucher_no limit :limit",
        treasury_pools=treasury_pools,
        our_pools=our_pools,
        after=after,
        limit=limit + 1,
        due=due,
        result=result,
        posted_on=posted_on,
        voucher_no=voucher_no,
    )


async def voucher_news(tx: Reader, pool: str, *, due: date, limit: int) -> Sequence[Row]:
    """Vouchers that agree no more and have no break, and breaks (`break_id`) that something has answered, those first.

    One query over a pool: each side's rows are found by the pool's index and summed up once, breaks by their own.
    A voucher over nothing but money of no known pool is nobody's until the treasury has posted it somewhere.
    """
    treasury_pools, our_pools = await pools_about(tx, pool)
    return await tx.rows(
        f"{_BOTH_SIDES}, broken as (select voucher_no, coalesce(posted_on, paid_on) as day, treasury_fen, our_fen "
        "from both_sides where result <> 'matched' and (treasury_fen is not null or known)), "
        "told as (select break_id, institution as voucher_no, coalesce(channel_fen, 0) as treasury_fen, "
        "coalesce(our_fen, 0) as our_fen, state from statement_break "
        "where pool = :pool and kind = 'treasury_differs' and state <> 'superseded') "
        "select told.break_id, broken.* from broken full join told on told.voucher_no = broken.voucher_no "
        "and told.treasury_fen = coalesce(broken.treasury_fen, 0) and told.our_fen = coalesce(broken.our_fen, 0) "
        "where told.break_id is null or (broken.voucher_no is null and told.state in ('open', 'proposed')) "
        "order by broken.voucher_no nulls first, told.break_id limit :limit",
        pool=pool,
        treasury_pools=treasury_pools,
        our_pools=our_pools,
        due=due,
        limit=limit,
    )


async def link_vouchers(tx: Writer, rows: Sequence[Mapping[str, Any]]) -> int:
    """Put money under vouchers; how much of it was under none before."""
    tail = "on conflict (pool, collection_id) where live do nothing returning link_id"
    return len(await tx.insert(collection_voucher, rows, tail=tail))


# --- packages ---------------------------------------------------------------------------------------------------------


async def next_number(tx: Writer, pool: str, name: str) -> int:
    """Take the next number of a series, which is held until the commit."""
    number: int = await tx.value(
        "insert into treasury_counter (pool, name, last_number) values (:pool, :name, 1) "
        "on conflict (pool, name) do update set last_number = treasury_counter.last_number + 1 returning last_number",
        pool=pool,
        name=name,
    )
    return number


async def packages_of_day(tx: Reader, pool: str, message_no: str, office: str, day: date) -> Sequence[Row]:
    """The packages of a message and day, the oldest first. Who holds the day's number is alone with them."""
    return await tx.rows(
        f"select {PACKAGE} from treasury_package where pool = :pool and message_no = :message_no "
        "and office = :office and day = :day order by package_id",
        pool=pool,
        message_no=message_no,
        office=office,
        day=day,
    )


async def parts_of(tx: Reader, pool: str, package_ids: Sequence[UUID]) -> Sequence[Row]:
    """The parts of packages."""
    return await tx.rows(
        "select package_id, part_no, sha256, rows_count, amount_fen, received_by, received_at from treasury_part "
        "where pool = :pool and package_id = any(cast(:ids as uuid[])) order by package_id, part_no",
        pool=pool,
        ids=list(package_ids),
    )


async def insert_package(tx: Writer, row: Mapping[str, Any]) -> None:
    """Begin a package."""
    await tx.insert(treasury_package, [row])


async def insert_part(tx: Writer, part: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep a part and its lines."""
    await tx.insert(treasury_part, [part])
    await tx.insert(treasury_row, rows)


async def move_packages(tx: Writer, pool: str, package_ids: Sequence[UUID], state: str) -> None:
    """Record what became of packages of a day that is held."""
    if package_ids:
        await tx.execute(
            "update treasury_package set state = :state, version = version + 1 "
            "where pool = :pool and package_id = any(cast(:ids as uuid[]))",
            pool=pool,
            ids=list(package_ids),
            state=state,
        )


_SHOWN = (
    f"select {', '.join(f'p.{name.strip()}' for name in PACKAGE.split(','))}, "
    "coalesce(a.arrived, '{}') as parts_arrived, coalesce(a.found_count, 0) as found_count, "
    "coalesce(a.found_fen, 0) as found_fen from treasury_package as p left join lateral ("
    "select array_agg(part_no order by part_no) as arrived, sum(rows_count) as found_count, "
    "cast(sum(amount_fen) as bigint) as found_fen from treasury_part as t "
    "where t.pool = :pool and t.package_id = p.package_id"
    ") as a on true"
)


async def find_package(tx: Reader, pool: str, package_id: UUID) -> Row | None:
    """One package, with what has come of it."""
    return await tx.row(f"{_SHOWN} where p.pool = :pool and p.package_id = :id", pool=pool, id=package_id)


async def list_packages(
    tx: Reader,
    pool: str,
    *,
    after: UUID | None,
    limit: int,
    message_no: str | None,
    state: str | None,
    day: date | None,
) -> Sequence[Row]:
    """Packages in the order in which they began; `limit` + 1 rows."""
    return await tx.rows(
        f"{_SHOWN} where p.pool = :pool and (cast(:after as uuid) is null or p.package_id > :after) "
        "and (cast(:message_no as text) is null or p.message_no = :message_no) "
        "and (cast(:state as text) is null or p.state = :state) and (cast(:day as date) is null or p.day = :day) "
        "order by p.package_id limit :limit",
        pool=pool,
        after=after,
        limit=limit + 1,
        message_no=message_no,
        state=state,
        day=day,
    )


async def posted_total(tx: Reader, pool: str, office: str, posted_on: date) -> int | None:
    """What an office's accepted package of a day comes to; None where there is none."""
    total: int | None = await tx.value(
        "select sum(t.amount_fen) from treasury_package as p join treasury_part as t on t.pool = p.pool "
        "and t.package_id = p.package_id where p.pool = :pool and p.message_no = '3126' and p.office = :office "
        "and p.day = :day and p.state = 'accepted'",
        pool=pool,
        office=office,
        day=posted_on,
    )
    return None if total is None else int(total)


async def pools_about(tx: Reader, pool: str) -> tuple[list[str], list[str]]:
    """In which pools the treasury's lines and our money about a pool may stand: money of no known pool is anybody's."""
    if pool != POOLLESS:
        return [pool], [pool, POOLLESS]
    rows = await tx.rows("select distinct pool from treasury_package")
    pools = [row["pool"] for row in rows]
    return pools, [*pools, POOLLESS]
