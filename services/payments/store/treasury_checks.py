"""SQL that compares our books with the treasury's day checks: of vouchers (3122) and of refunds (3123).

Each comparison is of one pool, for a list and for an alarm.
"""

from collections.abc import Sequence

from shared.database import Reader, Row

from ..rules.tax import POOLLESS
from ..rules.treasury import Message


async def list_collection_differences(tx: Reader, pool: str, *, after: str, limit: int) -> Sequence[Row]:
    """Vouchers on which the treasury's accepted checks (3122) and our books disagree; `limit` + 1 rows."""
    return await tx.rows(
        f"{COLLECTION_DIFFERENCES} and voucher_no > :after order by voucher_no limit :limit",
        pool=pool,
        after=after,
        limit=limit + 1,
    )


async def list_refund_differences(tx: Reader, pool: str) -> Sequence[Row]:
    """Refunds on which the treasury's accepted checks (3123) and our books disagree."""
    return await tx.rows(f"{REFUND_DIFFERENCES} order by entrust_date, pack_no, tra_no", pool=pool)


def pools_with(message: Message) -> str:
    """The pools to which the treasury sends this check."""
    return f"select distinct pool from treasury_package where message_no = '{message}' and state = 'accepted'"


COLLECTION_DIFFERENCES = f"""
with checked as (
    select t.voucher_no, cast(sum(t.amount_fen) filter (where t.success) as bigint) as treasury_fen,
        max(p.day) as checked_on
    from treasury_row as t join treasury_package as p on p.pool = t.pool and p.package_id = t.package_id
        and p.message_no = '3122' and p.state = 'accepted'
    where t.pool = :pool group by t.voucher_no),
days as (
    select min(day) as first, max(day) as last from treasury_package
    where pool = :pool and message_no = '3122' and state = 'accepted'),
ours as (
    select l.voucher_no, cast(sum(l.amount_fen) as bigint) as our_fen, bool_or(l.pool <> '{POOLLESS}') as known,
        max(coalesce(v.handed_on, cast(c.paid_at at time zone 'Asia/Shanghai' as date))) as day
    from collection_voucher as l join collection as c on c.pool = l.pool and c.collection_id = l.collection_id
        and c.reversed_at is null
    left join treasury_voucher as v on v.pool = l.pool and v.voucher_id = l.voucher_id
    where l.live and l.pool in (:pool, '{POOLLESS}') group by l.voucher_no),
compared as (
    select coalesce(c.voucher_no, o.voucher_no) as voucher_no, coalesce(c.checked_on, o.day) as day,
        c.treasury_fen, o.our_fen,
        case when o.our_fen is null and c.treasury_fen is not null then 'ours_missing'
            when c.treasury_fen <> o.our_fen then 'amount_differs'
            when c.treasury_fen is null and c.checked_on is not null and o.our_fen is not null then 'treasury_missing'
            when c.checked_on is null and o.known and o.day >= days.first and o.day < days.last
                then 'treasury_missing' end as kind
    from checked as c full join ours as o on o.voucher_no = c.voucher_no cross join days)
select * from compared where kind is not null
"""
"""Vouchers of which 3122 says something else than our books, many to one and to the fen.

A check holds the vouchers of its day; of the last minutes of a day they may stand in the next one. What stands in none
is missing once a check of a later day has come, and where checks had begun by then.
"""

REFUND_DIFFERENCES = """
with checked as (
    select t.pool, p.office, t.entrust_date, t.order_pack, t.order_no, t.amount_fen, t.success
    from treasury_row as t join treasury_package as p on p.pool = t.pool and p.package_id = t.package_id
        and p.message_no = '3123' and p.state = 'accepted'
    where t.pool = :pool),
ours as (
    select i.pool, g.office, to_char(g.entrust_date, 'YYYYMMDD') as entrust_date, g.pack_no, i.tra_no, i.refund_id,
        i.amount_fen, r.state, cast(r.settled_at at time zone 'Asia/Shanghai' as date) as settled_on
    from refund_package_item as i
    join refund_package as g on g.pool = i.pool and g.refund_package_id = i.refund_package_id
    join refund as r on r.pool = i.pool and r.refund_id = i.refund_id where i.pool = :pool),
compared as (
    select coalesce(c.entrust_date, o.entrust_date) as entrust_date, coalesce(c.order_pack, o.pack_no) as pack_no,
        coalesce(c.order_no, o.tra_no) as tra_no, o.refund_id, c.amount_fen as treasury_fen, o.amount_fen as our_fen,
        case when c.success and o.state is distinct from 'settled' then 'ours_missing'
            when o.state = 'settled' and not c.success then 'treasury_missing'
            when o.state = 'settled' and c.success is null and exists (
                select 1 from treasury_package as p where p.pool = :pool and p.message_no = '3123'
                and p.state = 'accepted' and p.office = o.office and p.day >= o.settled_on) then 'treasury_missing'
            when c.success and o.state = 'settled' and c.amount_fen <> o.amount_fen then 'amount_differs' end as kind
    from checked as c full join ours as o on o.office = c.office and o.entrust_date = c.entrust_date
        and o.pack_no = c.order_pack and o.tra_no = c.order_no)
select * from compared where kind is not null
"""
