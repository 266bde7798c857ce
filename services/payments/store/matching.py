"""SQL that finds what of ours a statement's rows stand for. Everything is asked for a chunk of rows at once."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from shared.codes import Channel
from shared.database import Reader, Row, Writer

from ..rules.tax import POOLLESS
from ..tables import statement_match

# The number of the order, as its channel names it: WeChat Pay, UnionPay.
ORDER_NO = "coalesce(s.message->>'out_trade_no', s.message->>'orderId')"
_COLLECTION = (
    "c.pool, c.collection_id, c.amount_fen, c.bill_no, c.payer_name, c.paid_at, c.reversed_at, c.booked_at, "
    f"s.reference, {ORDER_NO} as order_no "
)
# No row in force stands for the collection; one of a replaced version does not count. Asked of each collection by the
# key, or of all by one hash: `is not true` keeps the planner from joining, which without statistics of the day's rows,
# and they have come this minute, compares every collection with every row.
_FREE = (
    "exists (select 1 from statement_match as m join statement as in_force on in_force.pool = m.pool "
    "and in_force.statement_id = m.statement_id and in_force.state = 'accepted' "
    "where m.pool = :pool and m.subject_kind = 'collection' and m.subject_pool = :pool "
    "and m.subject_id = c.collection_id) is not true"
)
# A reference without its last part: that of the slip on which several bills were paid (index submission_parent).
_PARENT = "regexp_replace(s.reference, '/[^/]*$', '')"
_OF_SUBMISSION = "join collection as c on c.pool = s.pool and c.submission_id = s.submission_id "
_WITH_SUBMISSION = "join submission as s on s.pool = c.pool and s.submission_id = c.submission_id "
# The day that the channel counts a payment to: a bank's own accounting day stands in its reference.
CHANNEL_DAY = (
    "case when c.channel = 'bank' then to_date(split_part(s.reference, '/', 2), 'YYYYMMDD') "
    "else cast(c.paid_at at time zone 'Asia/Shanghai' as date) end"
)


async def collections_by_reference(tx: Reader, pool: str, channel: str, references: Sequence[str]) -> Sequence[Row]:
    """Our collections under the channel's references (`wanted`), those included whose pool nobody could tell.

    A slip of the counter pays for several bills: its collections have the slip's reference and their bill's number.
    What two people booked anew after it was taken back, before a statement told of it, stands in its place, and what
    they booked after that was taken back, too.
    """
    wanted = _PARENT if channel == Channel.COUNTER else "s.reference"
    pools = [pool, POOLLESS]
    found = await tx.rows(
        f"select {wanted} as wanted, {_COLLECTION} from submission as s {_OF_SUBMISSION}"
        "where s.pool = any(cast(:pools as text[])) and s.channel = :channel "
        f"and {wanted} = any(cast(:references as text[]))",
        pools=pools,
        channel=channel,
        references=sorted(set(references)),
    )
    standing = list(found)
    while gone := {row["collection_id"]: row for row in found if row["reversed_at"] is not None}:
        anew = await tx.rows(
            "select b.collection_id as instead_of, c.pool, c.collection_id, c.amount_fen, c.bill_no, c.payer_name, "
            "c.paid_at, c.reversed_at, c.booked_at from statement_break as b "
            "join collection as c on c.pool = b.pool and c.collection_id = b.booked_id "
            "where b.pool = any(cast(:pools as text[])) and b.collection_id = any(cast(:gone as uuid[])) "
            "and b.row_no is null",
            pools=pools,
            gone=list(gone),
        )
        found = [{**gone[row["instead_of"]], **row} for row in anew]
        standing += found
    return sorted(standing, key=lambda row: (row["booked_at"], row["collection_id"]))


async def standing(tx: Reader, pool: str, kind: str, ids: Sequence[UUID]) -> Sequence[Row]:
    """Which rows of accepted statements stand for collections or refunds already."""
    return await tx.rows(
        "select m.subject_pool, m.subject_id, m.statement_id, m.row_no from statement_match as m "
        "join statement as s on s.pool = m.pool and s.statement_id = m.statement_id and s.state = 'accepted' "
        "where m.pool = :pool and m.subject_kind = :kind and m.subject_id = any(cast(:ids as uuid[]))",
        pool=pool,
        kind=kind,
        ids=list(ids),
    )


async def collections_by_order(
    tx: Reader, pool: str, statement_id: UUID, channel: str, day: date, order_nos: Sequence[str]
) -> Sequence[Row]:
    """Our live collections of a day for these orders or bills that no row of any statement stands for yet.

    Left out is what the file names by its reference: that finds its own row.
    """
    return await tx.rows(
        "with named as (select collection_id from collection where pool = :pool "
        "and bill_no = any(cast(:orders as text[])) union select c.collection_id from submission as s "
        f"{_OF_SUBMISSION} where s.pool = :pool and s.channel = :channel "
        f"and {ORDER_NO} is not null and {ORDER_NO} = any(cast(:orders as text[]))) "
        f"select {_COLLECTION} from named join collection as c on c.pool = :pool "
        f"and c.collection_id = named.collection_id {_WITH_SUBMISSION}"
        f"where c.channel = :channel and c.reversed_at is null and {_FREE} and {_NEAR} and {CHANNEL_DAY} = :day "
        f"and {_NOT_IN_FILE} order by c.paid_at, c.collection_id",
        pool=pool,
        statement_id=statement_id,
        channel=channel,
        day=day,
        window=1,
        orders=sorted(set(order_nos)),
    )


async def unclaimed_of_agent(
    tx: Reader, pool: str, institution: str, day: date, window: int, amounts: Sequence[int]
) -> Sequence[Row]:
    """What an agent's ledger has taken electronically in the days around a day and no row stands for yet."""
    ledger, _, method = institution.partition("/")
    return await tx.rows(
        f"select {_COLLECTION} from collection as c {_WITH_SUBMISSION}"
        f"where c.pool = :pool and c.channel = 'agent' and c.reversed_at is null and {_FREE} "
        f"and {_NEAR} and c.amount_fen = any(cast(:amounts as bigint[])) and split_part(s.reference, '/', 1) = :ledger "
        "and (c.method = :method or (:method = '' and c.method <> 'cash')) order by c.paid_at, c.collection_id",
        pool=pool,
        day=day,
        window=window,
        amounts=sorted(set(amounts)),
        ledger=ledger,
        method=method,
    )


async def shifts_by_id(tx: Reader, pool: str, shift_ids: Sequence[UUID]) -> Sequence[Row]:
    """Shifts with the day on which they were opened."""
    return await tx.rows(
        "select shift_id, counter_code, cast(opened_at at time zone 'Asia/Shanghai' as date) as day from shift "
        "where pool = :pool and shift_id = any(cast(:ids as uuid[]))",
        pool=pool,
        ids=list(shift_ids),
    )


async def cash_of_shifts(tx: Reader, pool: str, shift_ids: Sequence[UUID]) -> Sequence[Row]:
    """The cash that shifts took, `wanted` being the reference that a shift report gives them."""
    return await tx.rows(
        f"select c.shift_id, 'shift/' || cast(c.shift_id as text) as wanted, {_COLLECTION} from collection as c "
        f"{_WITH_SUBMISSION}"
        "where c.pool = :pool and c.shift_id = any(cast(:ids as uuid[])) and c.method = 'cash' "
        "and c.reversed_at is null order by c.booked_at, c.collection_id",
        pool=pool,
        ids=list(shift_ids),
    )


async def refunds_by_id(tx: Reader, pool: str, refund_ids: Sequence[UUID]) -> Sequence[Row]:
    """Our refunds by their identifiers."""
    return await tx.rows(
        f"select {_REFUND} from refund as f "
        "where f.pool = :pool and f.refund_id = any(cast(:ids as uuid[])) order by f.refund_id",
        pool=pool,
        ids=list(refund_ids),
    )


async def card_refunds(tx: Reader, pool: str, day: date, references: Sequence[str]) -> Sequence[Row]:
    """Money put back on the card of a slip, that of a day first; `wanted` is the slip's reference."""
    return await tx.rows(
        f"select {_PARENT} as wanted, {_REFUND} from submission as s "
        f"{_OF_SUBMISSION} join refund as f on f.pool = c.pool and f.collection_id = c.collection_id "
        "and f.method = 'pos_return' "
        "where s.pool = :pool and s.channel = 'counter' "
        f"and {_PARENT} = any(cast(:references as text[])) "
        "order by abs(cast(f.submitted_at at time zone 'Asia/Shanghai' as date) - :day), f.refund_id",
        pool=pool,
        day=day,
        references=sorted(set(references)),
    )


async def refer_to_originals(tx: Writer, pool: str, statement_id: UUID, institution: str) -> None:
    """Have the reversal rows of a bank's statement name what they reversed, where they name themselves.

    Our journal knows it, or, where the reversal never reached us, the payment in the file for the same bill and amount.
    """
    about: dict[str, Any] = {"pool": pool, "statement_id": statement_id, "institution": institution}
    known = await tx.rows(
        "select r.row_no, j.institution || '/' || to_char(j.original_date, 'YYYYMMDD') || '/' || j.original_seq "
        "as reference from bank_journal as j join statement_row as r on r.pool = :pool "
        "and r.statement_id = :statement_id and r.kind = 'reversal' "
        "and split_part(r.reference, '/', 1) = j.institution and j.bank_seq = split_part(r.reference, '/', 3) "
        "and split_part(r.reference, '/', 2) = to_char(j.bank_date, 'YYYYMMDD') "
        "where j.pool = :pool and j.institution = :institution and j.kind = 'reverse'",
        **about,
    )
    await tx.execute(
        "update statement_row as r set reference = known.reference "
        "from unnest(cast(:row_nos as integer[]), cast(:references as text[])) as known (row_no, reference) "
        "where r.pool = :pool and r.statement_id = :statement_id and r.row_no = known.row_no",
        pool=pool,
        statement_id=statement_id,
        row_nos=[row["row_no"] for row in known],
        references=[row["reference"] for row in known],
    )
    strange = await tx.rows(
        "select r.row_no, r.order_no from statement_row as r where r.pool = :pool and r.statement_id = :statement_id "
        "and r.kind = 'reversal' and r.amount_fen is not null "
        "and not exists (select 1 from statement_row as p where p.pool = r.pool and p.statement_id = r.statement_id "
        "and p.reference = r.reference and p.kind = 'payment') "
        "and not exists (select 1 from bank_journal as j where j.pool = :pool and j.institution = :institution "
        "and j.kind = 'reverse' and j.original_seq = split_part(r.reference, '/', 3) "
        "and to_char(j.original_date, 'YYYYMMDD') = split_part(r.reference, '/', 2))",
        **about,
    )
    if strange:
        await tx.execute(
            f"with {_PAIRED} update statement_row as r set reference = paired.reference from paired "
            "where r.pool = :pool and r.statement_id = :statement_id and r.row_no = paired.row_no",
            pool=pool,
            statement_id=statement_id,
            row_nos=[row["row_no"] for row in strange],
            orders=sorted({row["order_no"] for row in strange if row["order_no"]}),
        )


async def share_collections(tx: Writer, pool: str, collection_ids: Sequence[UUID]) -> Mapping[UUID, Row]:
    """Keep collections from being reversed while we write that a statement has them; as they stand now."""
    if not collection_ids:
        return {}
    rows = await tx.rows(
        "select pool, collection_id, scheme, amount_fen, bill_no, reversed_at from collection where pool = :pool "
        "and collection_id = any(cast(:ids as uuid[])) order by collection_id for share",
        pool=pool,
        ids=list(collection_ids),
    )
    return {row["collection_id"]: row for row in rows}


async def insert_matches(tx: Writer, rows: Sequence[Mapping[str, Any]]) -> int:
    """Say which rows stand for what; how many could be said.

    What stood for a row of a version that was replaced since stands for the new row. What another statement in force
    has is not taken from it.
    """
    if not rows:
        return 0
    # Asked before and not within: what is in force stays so or is replaced, but never comes back into force.
    replaced: list[UUID] = await tx.value(
        "select coalesce(array_agg(distinct m.statement_id), '{}') from statement_match as m "
        "join statement as s on s.pool = m.pool and s.statement_id = m.statement_id and s.state <> 'accepted' "
        "where m.pool = :pool and m.subject_id = any(cast(:ids as uuid[]))",
        pool=rows[0]["pool"],
        ids=[row["subject_id"] for row in rows],
    )
    if replaced:  # a statement of its own: Citus takes no parameter within `on conflict` of a set
        await tx.execute(
            "update statement_match as m set statement_id = given.statement_id, row_no = given.row_no "
            "from unnest(cast(:kinds as text[]), cast(:ids as uuid[]), cast(:statements as uuid[]), "
            "  cast(:row_nos as int[])) as given (subject_kind, subject_id, statement_id, row_no) "
            "where m.pool = :pool and m.subject_kind = given.subject_kind and m.subject_id = given.subject_id "
            "and m.statement_id = any(cast(:replaced as uuid[]))",
            pool=rows[0]["pool"],
            kinds=[row["subject_kind"] for row in rows],
            ids=[row["subject_id"] for row in rows],
            statements=[row["statement_id"] for row in rows],
            row_nos=[row["row_no"] for row in rows],
            replaced=replaced,
        )
    stored = await tx.insert(
        statement_match,
        rows,
        tail="on conflict (pool, subject_kind, subject_pool, subject_id) do update "
        "set row_no = excluded.row_no, cleared_at = coalesce(statement_match.cleared_at, excluded.cleared_at) "
        "where statement_match.statement_id = excluded.statement_id returning subject_id",
    )
    return len(stored)


async def unaccounted(tx: Reader, scope: Mapping[str, Any], limit: int) -> Sequence[Row]:
    """Live collections of a statement's scope that no row stands for or names, and about which there is no break."""
    conditions = _SCOPES[scope["layout"]]
    return await tx.rows(
        "select c.pool, c.collection_id, c.amount_fen from collection as c "
        f"{_WITH_SUBMISSION}"
        f"where c.pool = :pool and c.channel = :channel and {_NEAR} and {CHANNEL_DAY} = :day "
        f"and c.reversed_at is null and {_FREE} {conditions} "
        "and exists (select 1 from statement_break as b where b.pool = :pool "
        "and b.collection_id = c.collection_id and b.state <> 'superseded') is not true "
        "and exists (select 1 from statement_row as r where r.pool = :pool and r.statement_id = :statement_id "
        f"and r.reference = {_NAMED_BY.get(scope['layout'], 's.reference')}) is not true "
        "order by c.collection_id limit :limit",
        pool=scope["pool"],
        statement_id=scope["statement_id"],
        channel=scope["channel"],
        day=scope["day"],
        window=1,
        limit=limit,
        **({"institution": scope["institution"]} if ":institution" in conditions else {}),
    )


async def unaccounted_days(tx: Reader, channels: Sequence[str], before: date, since: datetime) -> Sequence[Row]:
    """Days before `before` of which we have money that no row stands for and no break tells of.

    With the statement in force for the day, if any, and when that is looked over next. A day whose file has come, but
    is not read to its end or not accepted yet, waits for that.
    """
    return await tx.rows(
        "with money as (select c.pool, c.channel, case when c.channel = 'bank' then split_part(s.reference, '/', 1) "
        f"else '' end as institution, {CHANNEL_DAY} as day, c.amount_fen from collection as c "
        "join submission as s on s.pool = c.pool and s.submission_id = c.submission_id "
        "where c.channel = any(cast(:channels as text[])) and c.reversed_at is null and c.paid_at >= :since "
        "and c.pool <> :poolless and not exists (select 1 from statement_match as m where m.pool = c.pool "
        "and m.subject_kind = 'collection' and m.subject_pool = c.pool and m.subject_id = c.collection_id) "
        "and not exists (select 1 from statement_break as b where b.pool = c.pool "
        "and b.collection_id = c.collection_id and b.state <> 'superseded')) "
        "select money.pool, money.channel, money.institution, money.day, "
        "cast(sum(money.amount_fen) as bigint) as amount_fen, statement.statement_id, statement.look_on from money "
        "left join statement on statement.pool = money.pool and statement.channel = money.channel "
        "and statement.institution = money.institution and statement.day = money.day and statement.state = 'accepted' "
        "where money.day < :before and not exists (select 1 from statement as come where come.pool = money.pool "
        "and come.channel = money.channel and come.institution = money.institution and come.day = money.day "
        "and come.state in ('received', 'differs')) "
        "group by money.pool, money.channel, money.institution, money.day, "
        "statement.statement_id, statement.look_on order by money.pool, money.channel, money.institution, money.day",
        channels=list(channels),
        poolless=POOLLESS,
        before=before,
        since=since,
    )


_REFUND = "f.pool, f.refund_id, f.collection_id, f.amount_fen, f.state, f.submitted_at as paid_at"
_NEAR = (
    "c.paid_at >= cast(cast(:day as date) - cast(:window as integer) as timestamp) at time zone 'Asia/Shanghai' "
    "and c.paid_at < cast(cast(:day as date) + cast(:window as integer) + 1 as timestamp) at time zone 'Asia/Shanghai'"
)
_NOT_IN_FILE = (
    "not exists (select 1 from statement_row as r where r.pool = :pool and r.statement_id = :statement_id "
    "and r.reference = s.reference)"
)
# Reversals and the payments of the same bill and amount that no reversal names, in the order of their times.
_PAIRED = """
    file as (
        select row_no, kind, reference, order_no, amount_fen,
            row_number() over (partition by kind, order_no, amount_fen order by paid_at, digest, row_no) as place
        from statement_row as r
        where r.pool = :pool and r.statement_id = :statement_id and r.status = 'success'
            and (r.row_no = any(cast(:row_nos as integer[])) or (r.kind = 'payment'
                and r.order_no = any(cast(:orders as text[])) and not exists (
                    select 1 from statement_row as back where back.pool = :pool
                        and back.statement_id = r.statement_id and back.reference = r.reference
                        and back.kind = 'reversal')))),
    paired as (
        select back.row_no, pay.reference from file as back join file as pay on pay.kind = 'payment'
            and pay.order_no = back.order_no and pay.amount_fen = back.amount_fen and pay.place = back.place
        where back.kind = 'reversal')
"""

_NAMED_BY: Mapping[str, str] = {
    "pos_settlement": _PARENT,
    "shift_report": "'shift/' || cast(c.shift_id as text)",
}
"""The reference by which a row would name a collection, where it is not the collection's own."""

_SCOPES: Mapping[str, str] = {
    "wechat_trade_bill": "",
    "tax_day_list": "",
    "bank_check_file": "and split_part(s.reference, '/', 1) = :institution",
    "unionpay_day_file": "and split_part(s.reference, '/', 1) = :institution",
    "pos_settlement": "and c.method = 'pos'",
    "shift_report": "and c.method = 'cash'",
    "receipt_list": "and split_part(s.reference, '/', 1) = split_part(:institution, '/', 1) "
    "and (c.method = split_part(:institution, '/', 2) "
    "or (split_part(:institution, '/', 2) = '' and c.method <> 'cash'))",
}
"""What of a channel's money a layout speaks of."""
