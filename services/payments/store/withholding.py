"""SQL about batches of withholding (批量代扣) and their lines. Everything is done to whole sets."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from shared.database import Reader, Row, Writer

WITHHOLDING = (
    "pool, withholding_id, institution, batch_no, debit_on, state, line_count, total_fen, built_by, built_at, "
    "released_by, released_at, file_id, refusal, note, version"
)
_COUNTED = (
    "(select count(*) from withholding_line as l where l.pool = :pool and l.withholding_id = w.withholding_id "
    "and l.state = '{0}') as {0}_count"
)
_SHOWN = (
    f"select {WITHHOLDING}, "
    + ", ".join(_COUNTED.format(state) for state in ("asked", "debited", "partial", "failed", "dropped"))
    + " from withholding as w"
)
# A bill that may be asked for on a day: open, in its window, in no order that can still be paid, and of which no part
# that was debited earlier waits to be paid back or completed.
_ASKABLE = (
    "bill.status = 'open' and bill.amount_fen > 0 "
    """and cast(bill."window"->>'from' as date) <= :day and cast(bill."window"->>'to' as date) >= :day """
    """and extract(day from cast(:day as date)) between cast(bill."window"->>'first_day' as integer) """
    """and cast(bill."window"->>'last_day' as integer) """
    "and not exists (select 1 from channel_order as o where o.pool = :pool and o.bill_no = bill.bill_no "
    "and o.status in ('created', 'open', 'closing')) "
    "and not exists (select 1 from collection as c where c.pool = :pool and c.bill_no = bill.bill_no "
    "and c.method = 'withholding' and c.outcome = 'suspense' and c.reversed_at is null "
    "and c.refunded_fen < c.amount_fen)"
)
_IN_FORCE = "a.state = 'valid' and a.signed_on <= :day and (a.valid_until is null or a.valid_until >= :day)"


async def insert_withholding(tx: Writer, row: Mapping[str, Any], prefix: str) -> str:
    """Write a batch under the next free number of its day; the number. Waits for whoever takes it just now."""
    while True:
        number = await tx.value(
            "select to_char(count(*) + 1, 'FM0000') from withholding where pool = :pool "
            "and institution = :institution and batch_no like cast(:prefix as text) || '%'",
            pool=row["pool"],
            institution=row["institution"],
            prefix=prefix,
        )
        stored = await tx.row(
            "insert into withholding (pool, withholding_id, institution, batch_no, debit_on, state, line_count, "
            "total_fen, built_by, built_at, version) values (:pool, :withholding_id, :institution, :batch_no, "
            ":debit_on, :state, 0, 0, :built_by, :built_at, 1) "
            "on conflict (pool, institution, batch_no) do nothing returning batch_no",
            **row,
            batch_no=f"{prefix}{number}",
        )
        if stored:
            batch_no: str = stored["batch_no"]
            return batch_no


async def ask_for_bills(
    tx: Writer, pool: str, withholding_id: UUID, institution: str, day: date, *, scheme: str | None, limit: int
) -> int:
    """Put the open bills of everybody with an agreement in force into a batch; how many."""
    return await tx.execute(
        "insert into withholding_line (pool, withholding_id, bill_no, agreement_id, amount_fen, state) "
        "select bill.pool, :withholding_id, bill.bill_no, a.agreement_id, bill.amount_fen, 'asked' "
        "from agreement as a join agreement_person as p on p.pool = a.pool and p.agreement_id = a.agreement_id "
        "and p.standing join bill on bill.pool = p.pool and bill.person_id = p.person_id "
        f"where a.pool = :pool and a.institution = :institution and {_IN_FORCE} and {_ASKABLE} "
        "and (cast(:scheme as text) is null or bill.scheme = :scheme) "
        "and not exists (select 1 from withholding_line as live where live.pool = bill.pool "
        "and live.bill_no = bill.bill_no and live.state = 'asked') order by bill.bill_no limit :limit "
        "on conflict (pool, bill_no) where state = 'asked' do nothing",
        pool=pool,
        withholding_id=withholding_id,
        institution=institution,
        day=day,
        scheme=scheme,
        limit=limit,
    )


async def drop_lines(tx: Writer, pool: str, withholding_id: UUID, reason: str) -> int:
    """Set every bill of a locked batch free that is still asked for; how many."""
    return await tx.execute(
        "update withholding_line set state = 'dropped', message = :reason "
        "where pool = :pool and withholding_id = :withholding_id and state = 'asked'",
        pool=pool,
        withholding_id=withholding_id,
        reason=reason,
    )


async def share_bills(tx: Writer, pool: str, withholding_id: UUID) -> None:
    """Keep the bills that a locked batch asks for as they are until the end, in everybody's order: whoever orders,
    pays or voids one waits, and what was done before is seen by what is asked after this."""
    await tx.rows(
        "select bill_no from bill where pool = :pool and bill_no = any(array(select bill_no from withholding_line "
        "where pool = :pool and withholding_id = :withholding_id and state = 'asked')) order by bill_no for share",
        pool=pool,
        withholding_id=withholding_id,
    )


async def drop_settled(tx: Writer, pool: str, withholding_id: UUID, day: date, reason: str) -> int:
    """Set free the shared bills of a batch that are not to be asked for any more: paid or ordered meanwhile, or the
    agreement is gone."""
    return await tx.execute(
        "update withholding_line as l set state = 'dropped', message = :reason "
        "where l.pool = :pool and l.withholding_id = :withholding_id and l.state = 'asked' and not exists ("
        "select 1 from bill join agreement as a on a.pool = bill.pool and a.agreement_id = l.agreement_id "
        f"where bill.pool = :pool and bill.bill_no = l.bill_no and {_IN_FORCE} and {_ASKABLE})",
        pool=pool,
        withholding_id=withholding_id,
        day=day,
        reason=reason,
    )


async def number_lines(tx: Writer, pool: str, withholding_id: UUID) -> None:
    """Number the lines that are asked for, from 1 on, in the order of their bills."""
    await tx.execute(
        "update withholding_line as l set seq = numbered.seq from ("
        "select bill_no, row_number() over (order by bill_no) as seq from withholding_line "
        "where pool = :pool and withholding_id = :withholding_id and state = 'asked') as numbered "
        "where l.pool = :pool and l.withholding_id = :withholding_id and l.bill_no = numbered.bill_no",
        pool=pool,
        withholding_id=withholding_id,
    )


async def lines_to_send(tx: Reader, pool: str, withholding_id: UUID) -> Sequence[Row]:
    """The lines of the file, with sealed accounts."""
    return await tx.rows(
        "select l.seq, l.bill_no, l.amount_fen, a.agreement_id, a.agreement_no, a.payer_name, a.account "
        "from withholding_line as l join agreement as a on a.pool = l.pool and a.agreement_id = l.agreement_id "
        "where l.pool = :pool and l.withholding_id = :withholding_id and l.seq is not null order by l.seq",
        pool=pool,
        withholding_id=withholding_id,
    )


async def total_lines(tx: Writer, pool: str, withholding_id: UUID) -> Row:
    """Count a locked batch anew: the lines that are asked for, and their sum."""
    row = await tx.row(
        "update withholding as w set line_count = found.line_count, total_fen = found.total_fen from ("
        "select count(*) as line_count, cast(coalesce(sum(amount_fen), 0) as bigint) as total_fen "
        "from withholding_line where pool = :pool and withholding_id = :withholding_id and state = 'asked') as found "
        "where w.pool = :pool and w.withholding_id = :withholding_id returning w.line_count, w.total_fen",
        pool=pool,
        withholding_id=withholding_id,
    )
    assert row is not None
    return row


async def list_withholdings(
    tx: Reader, pool: str, *, after: UUID | None, limit: int, institution: str | None, state: str | None
) -> Sequence[Row]:
    """Batches in the order in which they were built; `limit` + 1 rows."""
    return await tx.rows(
        f"{_SHOWN} where pool = :pool and (cast(:after as uuid) is null or withholding_id > :after) "
        "and (cast(:institution as text) is null or institution = :institution) "
        "and (cast(:state as text) is null or state = :state) order by withholding_id limit :limit",
        pool=pool,
        after=after,
        limit=limit + 1,
        institution=institution,
        state=state,
    )


async def find_withholding(tx: Reader, pool: str, withholding_id: UUID) -> Row | None:
    """One batch, with how its lines stand."""
    return await tx.row(
        f"{_SHOWN} where pool = :pool and withholding_id = :withholding_id", pool=pool, withholding_id=withholding_id
    )


async def lock_withholding(tx: Writer, pool: str, withholding_id: UUID) -> Row | None:
    """One batch, locked: whoever changes its lines or takes its files holds this first."""
    return await tx.row(
        f"select {WITHHOLDING} from withholding where pool = :pool and withholding_id = :withholding_id for update",
        pool=pool,
        withholding_id=withholding_id,
    )


async def move_withholding(tx: Writer, pool: str, withholding_id: UUID, state: str, **changes: Any) -> None:
    """Move a locked batch; `changes` are further columns, named by our own code."""
    columns = "".join(f", {name} = :{name}" for name in changes)
    await tx.execute(
        f"update withholding set state = :state, version = version + 1{columns} "
        "where pool = :pool and withholding_id = :withholding_id",
        pool=pool,
        withholding_id=withholding_id,
        state=state,
        **changes,
    )


async def list_lines(
    tx: Reader, pool: str, withholding_id: UUID, *, after: str, limit: int, state: str | None
) -> Sequence[Row]:
    """Lines of a batch by bill, with what their money came to; `limit` + 1 rows."""
    return await tx.rows(
        "select l.bill_no, l.seq, l.agreement_id, a.payer_name, a.account_masked, l.amount_fen, l.state, "
        "l.debited_fen, l.debited_at, l.collection_id, l.message, c.outcome, c.reason, c.receipt_no "
        "from withholding_line as l join agreement as a on a.pool = l.pool and a.agreement_id = l.agreement_id "
        "left join collection as c on c.pool = l.pool and c.collection_id = l.collection_id "
        "where l.pool = :pool and l.withholding_id = :withholding_id and l.bill_no > :after "
        "and (cast(:state as text) is null or l.state = :state) order by l.bill_no limit :limit",
        pool=pool,
        withholding_id=withholding_id,
        after=after,
        limit=limit + 1,
        state=state,
    )


async def lock_lines(tx: Writer, pool: str, withholding_id: UUID, seqs: Sequence[int]) -> Mapping[int, Row]:
    """Lines of a batch by their numbers, locked in that order, with who pays and whether their money was taken back."""
    rows = await tx.rows(
        "select l.seq, l.bill_no, l.amount_fen, l.state, l.debited_fen, l.debited_at, l.collection_id, "
        "a.payer_name, a.payer_id, a.region, a.account_masked, c.reversed_at from withholding_line as l "
        "join agreement as a on a.pool = l.pool and a.agreement_id = l.agreement_id "
        "left join collection as c on c.pool = l.pool and c.collection_id = l.collection_id "
        "where l.pool = :pool and l.withholding_id = :withholding_id and l.seq = any(cast(:seqs as integer[])) "
        "order by l.seq for update of l",
        pool=pool,
        withholding_id=withholding_id,
        seqs=sorted(set(seqs)),
    )
    return {row["seq"]: row for row in rows}


async def put_lines(tx: Writer, pool: str, withholding_id: UUID, rows: Sequence[Mapping[str, Any]]) -> None:
    """Record what the bank told of locked lines: `seq`, `state`, `debited_fen`, `debited_at`, `collection_id`,
    `message`."""
    await tx.execute(
        "update withholding_line as l set state = told.state, debited_fen = told.debited_fen, "
        "debited_at = told.debited_at, collection_id = told.collection_id, message = told.message "
        "from unnest(cast(:seqs as integer[]), cast(:states as text[]), cast(:debited_fen as bigint[]), "
        "cast(:debited_at as timestamptz[]), cast(:collection_ids as uuid[]), cast(:messages as text[])) "
        "as told (seq, state, debited_fen, debited_at, collection_id, message) "
        "where l.pool = :pool and l.withholding_id = :withholding_id and l.seq = told.seq",
        pool=pool,
        withholding_id=withholding_id,
        seqs=[row["seq"] for row in rows],
        states=[row["state"] for row in rows],
        debited_fen=[row["debited_fen"] for row in rows],
        debited_at=[row["debited_at"] for row in rows],
        collection_ids=[row["collection_id"] for row in rows],
        messages=[row["message"] for row in rows],
    )


async def lock_lines_of(tx: Writer, pool: str, collection_ids: Sequence[UUID]) -> Sequence[Row]:
    """The lines that stand for collections, locked, with the batch and the collection as it was submitted."""
    return await tx.rows(
        "select l.bill_no, l.amount_fen, l.seq, w.institution, w.batch_no, c.collection_id, c.method, c.payer_name, "
        "c.payer_id, c.region, s.reference from withholding_line as l join withholding as w on w.pool = l.pool "
        "and w.withholding_id = l.withholding_id join collection as c on c.pool = l.pool "
        "and c.collection_id = l.collection_id join submission as s on s.pool = c.pool "
        "and s.submission_id = c.submission_id where l.pool = :pool "
        "and l.collection_id = any(cast(:ids as uuid[])) order by l.withholding_id, l.seq for update of l",
        pool=pool,
        ids=list(collection_ids),
    )


async def follow(tx: Writer, pool: str, collection_ids: Sequence[UUID], booked: Mapping[str, Any]) -> None:
    """Have the locked lines of reversed collections stand for what was booked in their place for the same bill."""
    await tx.execute(
        "update withholding_line set collection_id = :booked_id, debited_fen = cast(:fen as bigint), "
        "debited_at = :debited_at, "
        "state = case when amount_fen = cast(:fen as bigint) then 'debited' else 'partial' end "
        "where pool = :pool and collection_id = any(cast(:ids as uuid[])) and bill_no = :bill_no",
        pool=pool,
        ids=list(collection_ids),
        booked_id=booked["collection_id"],
        fen=booked["amount_fen"],
        debited_at=booked["paid_at"],
        bill_no=booked["bill_no"],
    )


async def lines_left(tx: Reader, pool: str, withholding_id: UUID) -> int:
    """How many lines of a batch have no word yet."""
    left: int = await tx.value(
        "select count(*) from withholding_line where pool = :pool and withholding_id = :withholding_id "
        "and state = 'asked'",
        pool=pool,
        withholding_id=withholding_id,
    )
    return left
