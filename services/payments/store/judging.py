"""SQL about the rows of a statement as they are judged: which come next, beside which others, what they come to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from uuid import UUID

from shared.database import Reader, Row, Writer

_NO_TIME = datetime(9999, 12, 31, tzinfo=UTC)
ORDER = "coalesce(r.paid_at, '9999-12-31 00:00+00'), r.digest, r.row_no"  # the index statement_row_pending
AFTER = (
    "and (r.judged_on is null or r.judged_on < :today) "
    f"and ({ORDER}) > (cast(:at as timestamptz), cast(:digest as bytea), cast(:row_no as integer)) "
    f"order by {ORDER} limit :limit"
)
_JUDGED = (
    "r.row_no, r.digest, r.kind, r.status, r.reference, r.order_no, r.amount_fen, r.paid_at, r.payer_name, r.result"
)


@dataclass(frozen=True)
class Place:
    """A row's place in the order of judging, which does not depend on the file's: by time, then by content."""

    at: datetime
    digest: bytes
    row_no: int


START = Place(datetime.min.replace(tzinfo=UTC), b"", 0)


def place_of(row: Row) -> Place:
    """The place of a row."""
    return Place(row["paid_at"] or _NO_TIME, row["digest"], row["row_no"])


async def rows_to_judge(
    tx: Reader, pool: str, statement_id: UUID, today: date, limit: int, after: Place
) -> Sequence[Row]:
    """The next rows after a place that are pending or have an open break and were not judged today.

    Pending ones come out of their index in the order of judging, so that a chunk costs the same in a file of any size.
    """
    return await tx.rows(
        f"select {_JUDGED}, b.break_id from ("
        f"(select {_JUDGED} from statement_row as r where r.pool = :pool and r.statement_id = :statement_id "
        f"and r.result = 0 {AFTER}) union all "
        f"(select {_JUDGED} from statement_break as b join statement_row as r on r.pool = b.pool "
        "and r.statement_id = b.statement_id and r.row_no = b.row_no and r.result <> 0 "
        "where b.pool = :pool and b.statement_id = :statement_id and b.row_no is not null "
        f"and b.state in ('open', 'proposed') {AFTER})) as r "
        "left join statement_break as b on b.pool = :pool and b.statement_id = :statement_id and b.row_no = r.row_no "
        f"and b.state in ('open', 'proposed') order by {ORDER} limit :limit",
        pool=pool,
        statement_id=statement_id,
        today=today,
        limit=limit,
        at=after.at,
        digest=after.digest,
        row_no=after.row_no,
    )


async def siblings(tx: Reader, pool: str, statement_id: UUID, references: Sequence[str]) -> Sequence[Row]:
    """The successful rows of a statement under these references, in the order of judging."""
    return await tx.rows(
        "select r.row_no, r.kind, r.reference, r.amount_fen "
        "from unnest(cast(:references as text[])) as named (reference) "
        "join statement_row as r on r.pool = :pool and r.statement_id = :statement_id "
        "and r.reference = named.reference and r.status = 'success' and r.amount_fen is not null "
        "order by r.paid_at, r.digest, r.row_no",
        pool=pool,
        statement_id=statement_id,
        references=list(references),
    )


async def set_results(tx: Writer, pool: str, statement_id: UUID, results: Mapping[int, int], today: date) -> None:
    """Write what rows come to, a statement for each result that occurs."""
    for result in sorted(set(results.values())):
        await tx.execute(
            "update statement_row set result = :result, judged_on = :today where pool = :pool "
            "and statement_id = :statement_id and row_no = any(cast(:row_nos as integer[]))",
            pool=pool,
            statement_id=statement_id,
            result=result,
            today=today,
            row_nos=[row_no for row_no, each in results.items() if each == result],
        )
