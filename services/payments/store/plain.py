"""SQL about the plain rows of a statement: those that nobody has to think about, matched and posted set by set.

What is plain is said here and nowhere else. It is narrower than what `rules.reconciling.judge` calls matched: a row
that is not plain loses nothing, it is judged by itself. That both come to the same is tried by
tests/test_plain_rows.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from shared.database import Row, Writer

from .judging import AFTER, ORDER, Place, place_of
from .matching import CHANNEL_DAY, ORDER_NO

_CHUNK = (
    "select r.row_no, r.digest, r.kind, r.status, r.reference, r.order_no, r.amount_fen, r.paid_at "
    "from statement_row as r where r.pool = :pool and r.statement_id = :statement_id and r.result = 0 " + AFTER
)
# A payment that has come, alone under its reference in the file and without a break; one live collection under that
# reference, of the pool, of that amount, of the bill or order that the row names, if any, and of the day. That no row
# of any version stands for it is seen when it is matched. `is not true`: asked row by row, whatever the planner takes
# the tables of this minute for. Collections are locked in the order of their ids, which is everybody's.
_PLAIN = f"""
    select r.row_no, c.collection_id, c.amount_fen, c.scheme, c.bill_no from chunk as r
    join submission as s on s.pool = :pool and s.channel = :channel and s.reference = r.reference
    join collection as c on c.pool = s.pool and c.submission_id = s.submission_id
    where r.kind = 'payment' and r.status = 'success' and r.amount_fen = c.amount_fen and c.reversed_at is null
        and (coalesce(r.order_no, '') in ('', c.bill_no) or r.order_no = {ORDER_NO}) and {CHANNEL_DAY} = :day
        and exists (select 1 from statement_row as other where other.pool = :pool
            and other.statement_id = :statement_id and other.reference = r.reference
            and other.row_no <> r.row_no) is not true
        and exists (select 1 from statement_break as b where b.pool = :pool and b.statement_id = :statement_id
            and b.row_no = r.row_no and b.state in ('open', 'proposed')) is not true
    order by c.collection_id for share of c
"""
_COLUMNS = "row_no, collection_id, amount_fen, scheme, bill_no"
_ARRAYS = ", ".join(f"array_agg({name.strip()}) as {name.strip()}" for name in _COLUMNS.split(","))


@dataclass(frozen=True)
class Plain:
    """The plain rows of a chunk, a list for each column as the driver brings and takes it, and the place reached."""

    place: Place
    row_nos: list[int]
    collection_ids: list[UUID]
    amounts: list[int]
    schemes: list[str | None]
    bill_nos: list[str]

    def only(self, row_nos: Sequence[int]) -> "Plain":
        """Those of some rows; nearly always all."""
        if len(row_nos) == len(self.row_nos):
            return self
        kept = set(row_nos)
        at = [at for at, row_no in enumerate(self.row_nos) if row_no in kept]
        return replace(
            self,
            row_nos=[self.row_nos[n] for n in at],
            collection_ids=[self.collection_ids[n] for n in at],
            amounts=[self.amounts[n] for n in at],
            schemes=[self.schemes[n] for n in at],
            bill_nos=[self.bill_nos[n] for n in at],
        )


async def lock_plain(tx: Writer, statement: Row, after: Place, today: date, limit: int) -> Plain | None:
    """The plain ones among the next pending rows after a place of a locked, accepted statement, their collections kept
    from being reversed; None where no row is left."""
    row = await tx.row(
        f"with chunk as materialized ({_CHUNK}), plain as materialized ({_PLAIN}) "
        "select last.paid_at, last.digest, last.row_no as last_no, found.* from "
        f"(select r.paid_at, r.digest, r.row_no from chunk as r order by ({ORDER}) desc limit 1) as last "
        f"cross join (select {_ARRAYS} from plain) as found",
        pool=statement["pool"],
        statement_id=statement["statement_id"],
        channel=statement["channel"],
        day=statement["day"],
        today=today,
        at=after.at,
        digest=after.digest,
        row_no=after.row_no,
        limit=limit,
    )
    if row is None:
        return None
    place = place_of({"paid_at": row["paid_at"], "digest": row["digest"], "row_no": row["last_no"]})
    return Plain(place, *(row[name] or [] for name in ("row_no", "collection_id", "amount_fen", "scheme", "bill_no")))


async def match_plain(tx: Writer, statement: Row, found: Plain, now: datetime) -> Plain:
    """Say that rows stand for their collections, cleared at this moment; those for which no other row stands."""
    rows = await tx.rows(
        "insert into statement_match "
        "(pool, subject_kind, subject_pool, subject_id, statement_id, row_no, amount_fen, cleared_at) "
        "select :pool, 'collection', :pool, given.id, :statement_id, given.row_no, given.amount_fen, "
        "cast(:now as timestamptz) from unnest(cast(:ids as uuid[]), cast(:row_nos as integer[]), "
        "cast(:amounts as bigint[])) as given (id, row_no, amount_fen) "
        "on conflict (pool, subject_kind, subject_pool, subject_id) do nothing returning row_no",
        pool=statement["pool"],
        statement_id=statement["statement_id"],
        now=now,
        ids=found.collection_ids,
        row_nos=found.row_nos,
        amounts=found.amounts,
    )
    return found.only([row["row_no"] for row in rows])


async def post_plain(
    tx: Writer, pool: str, matched: Plain, *, posting: str, debit: str, credit: str, made: UUID, now: datetime
) -> None:
    """Move the money of matched rows from the `credit` to the `debit` account, each collection once.

    The id of a transfer is a UUIDv7 of the moment in which `made` was made (`shared.ids`); the rest of it is chance.
    """
    await tx.execute(
        "insert into transfer (pool, transfer_id, kind, debit_account, credit_account, amount_fen, scheme, subject, "
        "bill_no, occurred_at) select :pool, cast(:moment || substr(cast(gen_random_uuid() as text), 16) as uuid), "
        "cast(:posting as text), cast(:debit as text), cast(:credit as text), given.amount_fen, "
        "coalesce(given.scheme, ''), cast(given.id as text), given.bill_no, cast(:now as timestamptz) "
        "from unnest(cast(:ids as uuid[]), cast(:amounts as bigint[]), cast(:schemes as text[]), "
        "cast(:bill_nos as text[])) as given (id, amount_fen, scheme, bill_no) "
        "on conflict (pool, kind, subject, debit_account, credit_account) do nothing",
        pool=pool,
        moment=str(made)[:15],
        posting=posting,
        debit=debit,
        credit=credit,
        now=now,
        ids=matched.collection_ids,
        amounts=matched.amounts,
        schemes=matched.schemes,
        bill_nos=matched.bill_nos,
    )
