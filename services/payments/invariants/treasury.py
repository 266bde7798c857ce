"""Of the treasury: a day is posted once and whole; what waits for it, or disagrees with it, is told."""

from shared.invariants import Invariant, alarm

from ..rules.treasury import PACKAGE_PATIENCE, REFUND_PACKAGE_PATIENCE, Message
from ..store.treasury_checks import COLLECTION_DIFFERENCES, REFUND_DIFFERENCES, pools_with

INVARIANTS = (
    Invariant(
        "posted_day_is_whole",
        "A treasury package that counts has all its parts, and as many lines and as much money as it says itself",
        """
        select p.pool, p.package_id as subject
        from treasury_package as p left join (
            select r.pool, r.package_id, count(distinct part_no) as parts, count(*) as lines, sum(amount_fen) as fen
            from treasury_row as r group by r.pool, r.package_id) as r
            on r.pool = p.pool and r.package_id = p.package_id
        where p.state = 'accepted' and (coalesce(r.lines, 0) <> p.told_count
            or (p.told_fen is not null and coalesce(r.fen, 0) <> p.told_fen)
            or p.parts <> (select count(*) from treasury_part as t where t.pool = p.pool
                and t.package_id = p.package_id))
        """,
    ),
    Invariant(
        "voucher_has_its_money",
        "A voucher that the agency recorded has the payments and the sum that it was recorded with",
        """
        select v.pool, v.voucher_id as subject
        from treasury_voucher as v left join (
            select pool, voucher_id, count(*) as links, sum(amount_fen) as fen from collection_voucher
            where live group by pool, voucher_id) as l on l.pool = v.pool and l.voucher_id = v.voucher_id
        where (v.withdrawn_at is null and (coalesce(l.links, 0), coalesce(l.fen, 0))
                <> (v.collections_count, v.amount_fen))
            or (v.withdrawn_at is not null and l.links is not null)
        """,
    ),
    Invariant(
        "refund_package_has_its_refunds",
        "A package of refunds holds as many as it says, and of each the sum of the refund",
        """
        select g.pool, g.refund_package_id as subject
        from refund_package as g left join refund_package_item as i on i.pool = g.pool
            and i.refund_package_id = g.refund_package_id
        left join refund as r on r.pool = i.pool and r.refund_id = i.refund_id
        group by g.pool, g.refund_package_id, g.items_count, g.total_fen
        having count(i.refund_id) <> g.items_count or sum(i.amount_fen) <> g.total_fen
            or bool_or(r.amount_fen <> i.amount_fen or r.method <> 'treasury')
        """,
    ),
)

ALARMS = (
    Invariant(
        "tax_event_ids_agree",
        "An event id of the tax bureau that came with another content is explained by somebody",
        "select pool, event_id as subject from tax_conflict where explained_at is null "
        "and first_at <= cast(:now as timestamptz)",
    ),
    alarm(
        "treasury_package_is_whole",
        "Every part of a treasury package comes, and one that differs from its own figures is sent again",
        "select pool, package_id as subject from treasury_package where state in ('incomplete', 'differs')",
        since="received_at",
        limit=PACKAGE_PATIENCE,
    ),
    Invariant(
        "voucher_sums_agree",
        "What the treasury posted under a voucher is the sum of the money under it (many to one)",
        """
        with posted as materialized (
            select r.pool, r.voucher_no, sum(r.amount_fen) as fen
            from treasury_row as r join treasury_package as p on p.pool = r.pool and p.package_id = r.package_id
                and p.state = 'accepted' and p.message_no = '3126'
            where r.success and r.amount_fen > 0 and cast(:now as timestamptz) > p.received_at
            group by r.pool, r.voucher_no),
        ours as materialized (
            select l.pool, l.voucher_no, sum(l.amount_fen) as fen
            from collection_voucher as l join collection as c on c.pool = l.pool
                and c.collection_id = l.collection_id and c.reversed_at is null
            where l.live group by l.pool, l.voucher_no)
        select posted.pool, posted.voucher_no as subject
        from posted left join ours on ours.voucher_no = posted.voucher_no and ours.pool in (posted.pool, '000000')
        group by posted.pool, posted.voucher_no, posted.fen having sum(ours.fen) is distinct from posted.fen
        """,
    ),
    Invariant(
        "treasury_collections_agree",
        "The treasury's day check of vouchers (3122) and our books agree",
        f"select cast(:pool as text) as pool, voucher_no as subject from ({COLLECTION_DIFFERENCES}) as differing",
        pools=pools_with(Message.COLLECTION_CHECK),
    ),
    Invariant(
        "treasury_refunds_agree",
        "The treasury's day check of refunds (3123) and our books agree",
        "select cast(:pool as text) as pool, concat_ws('/', entrust_date, pack_no, tra_no) as subject "
        f"from ({REFUND_DIFFERENCES}) as differing",
        pools=pools_with(Message.REFUND_CHECK),
    ),
    *(
        alarm(
            f"refund_package_{state.value}",
            "The treasury takes and answers packages of refunds in time",
            f"select pool, refund_package_id as subject from refund_package where state = '{state.value}'",
            since="built_at",
            limit=limit,
        )
        for state, limit in REFUND_PACKAGE_PATIENCE.items()
    ),
)
