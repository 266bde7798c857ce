"""SQL that moves money from a bill to the one that takes its place, and owes the rest back."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from shared.database import Reader, Row, Writer

from .bills import BILL
from .settling import COLLECTION


async def lock_standing(tx: Writer, pool: str, persons: Sequence[tuple[str, UUID]]) -> dict[tuple[str, UUID], Row]:
    """Lock the bills that stand for persons (scheme, person), in the order of their numbers; one each at most."""
    rows = await tx.rows(
        f"select {', '.join(f'bill.{name.strip()}' for name in BILL.split(','))} from bill "
        "join unnest(cast(:schemes as text[]), cast(:persons as uuid[])) as asked (scheme, person_id) "
        "on bill.scheme = asked.scheme and bill.person_id = asked.person_id "
        "where bill.pool = :pool and bill.status <> 'voided' order by bill.bill_no for update of bill",
        pool=pool,
        schemes=[scheme for scheme, _ in persons],
        persons=[person_id for _, person_id in persons],
    )
    return {(row["scheme"], row["person_id"]): row for row in rows}


async def lock_money(tx: Writer, pool: str, bill_nos: Sequence[str]) -> dict[str, Row]:
    """Lock the collections that pay these locked bills, in the order of their ids; by bill."""
    rows = await tx.rows(
        f"select {COLLECTION} from collection where pool = :pool and settles = any(cast(:bill_nos as text[])) "
        "order by collection_id for update",
        pool=pool,
        bill_nos=list(bill_nos),
    )
    return {row["settles"]: row for row in rows}


async def void_bills(tx: Writer, pool: str, voided: Sequence[tuple[str, datetime, str]]) -> None:
    """Void locked bills, each at its instant and for its reason."""
    if voided:
        await tx.execute(
            "update bill set status = 'voided', paid_on = null, voided_at = news.voided_at, "
            "void_reason = news.reason, version = version + 1 "
            "from unnest(cast(:bill_nos as text[]), cast(:instants as timestamptz[]), cast(:reasons as text[])) "
            "as news (bill_no, voided_at, reason) where bill.pool = :pool and bill.bill_no = news.bill_no",
            pool=pool,
            bill_nos=[bill_no for bill_no, _, _ in voided],
            instants=[at for _, at, _ in voided],
            reasons=[reason for _, _, reason in voided],
        )


async def move_money(tx: Writer, pool: str, moved: Sequence[tuple[UUID, str | None, int]]) -> None:
    """Let locked collections pay another bill (None: none any more) and owe so much more of them back."""
    if moved:
        await tx.execute(
            "update collection set settles = news.settles, "
            "released_fen = collection.released_fen + news.released_fen, version = collection.version + 1 "
            "from unnest(cast(:ids as uuid[]), cast(:bill_nos as text[]), cast(:released as bigint[])) "
            "as news (collection_id, settles, released_fen) "
            "where collection.pool = :pool and collection.collection_id = news.collection_id",
            pool=pool,
            ids=[collection_id for collection_id, _, _ in moved],
            bill_nos=[bill_no for _, bill_no, _ in moved],
            released=[released_fen for _, _, released_fen in moved],
        )


async def standing_claims(tx: Reader, pool: str, bill_nos: Sequence[str]) -> Sequence[Row]:
    """What other payers owe for bills, by bill and payer: the claims posted less those reversed."""
    return await tx.rows(
        "select pool, 'claim' as kind, scheme, bill_no, debit_account, credit_account, "
        "cast(sum(amount_fen) as bigint) as amount_fen "
        "from (select pool, scheme, bill_no, debit_account, credit_account, amount_fen from transfer "
        "where pool = :pool and bill_no = any(cast(:bill_nos as text[])) and kind = 'claim' "
        "union all select pool, scheme, bill_no, credit_account, debit_account, -amount_fen from transfer "
        "where pool = :pool and bill_no = any(cast(:bill_nos as text[])) and kind = 'claim_reversed') as posted "
        "group by pool, scheme, bill_no, debit_account, credit_account having sum(amount_fen) <> 0 "
        "order by bill_no, debit_account",
        pool=pool,
        bill_nos=list(bill_nos),
    )
