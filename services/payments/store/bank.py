"""SQL about the bank's journal and its day-end checks."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from shared.database import Reader, Row, Writer

from ..rules.bank import Standing
from ..tables import bank_check, bank_journal

_JOURNAL = (
    "pool, journal_id, institution, bank_date, bank_seq, kind, original_date, original_seq, bill_no, amount_fen, "
    "payer_name, account_masked, sub_channel, paid_at, third_state, our_state, host_state, collection_id, "
    "content_hash, answer, evidence_id, received_at, checked_on, version"
)
_SERIAL = "pool = :pool and institution = :institution and bank_date = :bank_date and bank_seq = :bank_seq"
_ASKED = 'bill_no, person_id, scheme, amount_fen, status, "window", name_masked'


async def claim(tx: Writer, row: Mapping[str, Any]) -> bool:
    """Insert a row of the journal; False where its serial is there. Waits for whoever inserts the same just now."""
    stored = await tx.insert(
        bank_journal,
        [row],
        tail="on conflict (pool, institution, bank_date, bank_seq) do nothing returning journal_id",
    )
    return bool(stored)


async def unclaim(tx: Writer, row: Mapping[str, Any]) -> None:
    """Take back a row that this transaction inserted: its serial is free again for whoever waits for it."""
    await tx.execute(
        "delete from bank_journal where pool = :pool and journal_id = :journal_id",
        pool=row["pool"],
        journal_id=row["journal_id"],
    )


async def find_serial(tx: Reader, pool: str, institution: str, bank_date: date, bank_seq: str) -> Row | None:
    """The row of a serial."""
    return await tx.row(
        f"select {_JOURNAL} from bank_journal where {_SERIAL}",
        pool=pool,
        institution=institution,
        bank_date=bank_date,
        bank_seq=bank_seq,
    )


async def lock_serial(tx: Writer, pool: str, institution: str, bank_date: date, bank_seq: str) -> Row | None:
    """The row of a serial, locked: a payment and its reversal take turns here."""
    return await tx.row(
        f"select {_JOURNAL} from bank_journal where {_SERIAL} for update",
        pool=pool,
        institution=institution,
        bank_date=bank_date,
        bank_seq=bank_seq,
    )


async def lock_booked(tx: Writer, pool: str, collection_id: UUID) -> Row | None:
    """The payment's row that a collection was booked for, locked."""
    return await tx.row(
        f"select {_JOURNAL} from bank_journal where pool = :pool and collection_id = :collection_id "
        "and kind = 'pay' for update",
        pool=pool,
        collection_id=collection_id,
    )


async def put(tx: Writer, pool: str, journal_id: UUID, standing: Standing, **changes: Any) -> None:
    """Move a row to where it stands now; `changes` are further columns, named by our own code."""
    columns = "".join(f", {name} = :{name}" for name in changes)
    await tx.execute(
        "update bank_journal set third_state = :third, our_state = :ours, host_state = :host, "
        f"version = version + 1{columns} where pool = :pool and journal_id = :journal_id",
        pool=pool,
        journal_id=journal_id,
        third=standing.third,
        ours=standing.ours,
        host=standing.host,
        **changes,
    )


async def reversal_of(tx: Reader, pool: str, institution: str, original_date: date, original_seq: str) -> Row | None:
    """The reversal that took effect, or that waits for its original."""
    return await tx.row(
        f"select {_JOURNAL} from bank_journal where pool = :pool and institution = :institution "
        "and original_date = :original_date and original_seq = :original_seq and kind = 'reverse' "
        "and our_state in ('pending', 'done') and answer is not null",
        pool=pool,
        institution=institution,
        original_date=original_date,
        original_seq=original_seq,
    )


async def bills_of_key(tx: Reader, pool: str, *, bill_no: str | None, person_id: UUID | None) -> Sequence[Row]:
    """What a bank may know of a bill, or of all bills of a person."""
    key = "bill_no = :bill_no" if bill_no is not None else "person_id = :person_id"
    values: dict[str, Any] = {"bill_no": bill_no} if bill_no is not None else {"person_id": person_id}
    return await tx.rows(
        f"select {_ASKED} from bill where pool = :pool and {key} order by bill_no", pool=pool, **values
    )


async def lock_day(tx: Writer, pool: str, institution: str, bank_date: date) -> None:
    """Keep the rows of a day from being reversed until this transaction ends."""
    await tx.execute(
        "select 1 from bank_journal where pool = :pool and institution = :institution and bank_date = :bank_date "
        "order by journal_id for update",
        pool=pool,
        institution=institution,
        bank_date=bank_date,
    )


async def check_day(
    tx: Writer, pool: str, institution: str, bank_date: date, theirs: Mapping[str, int], checked_on: date
) -> Row:
    """Our totals of an accounting day: what was booked, and what of it was reversed; rows that agree are marked.

    One statement, so that a payment that comes meanwhile is neither counted nor marked. A payment whose reversal came
    before it was never booked: it counts neither as the one nor as the other.
    """
    row = await tx.row(
        "with ours as (select count(*) as pay_count, cast(coalesce(sum(amount_fen), 0) as bigint) as pay_fen, "
        "count(*) filter (where host_state = 'reversed') as reverse_count, "
        "cast(coalesce(sum(amount_fen) filter (where host_state = 'reversed'), 0) as bigint) as reverse_fen "
        "from bank_journal where pool = :pool and institution = :institution and bank_date = :bank_date "
        "and kind = 'pay' and our_state in ('done', 'reversed')), "
        "marked as (update bank_journal set checked_on = :checked_on, version = version + 1 from ours "
        "where bank_journal.pool = :pool and institution = :institution and bank_date = :bank_date "
        "and checked_on is null and (ours.pay_count, ours.pay_fen, ours.reverse_count, ours.reverse_fen) "
        "= (:pay_count, :pay_fen, :reverse_count, :reverse_fen)) select * from ours",
        pool=pool,
        institution=institution,
        bank_date=bank_date,
        checked_on=checked_on,
        **theirs,
    )
    assert row is not None
    return row


async def find_check(tx: Reader, pool: str, institution: str, bank_date: date, bank_seq: str) -> Row | None:
    """The answer to an earlier check under this serial."""
    return await tx.row(
        f"select content_hash, answer from bank_check where {_SERIAL}",
        pool=pool,
        institution=institution,
        bank_date=bank_date,
        bank_seq=bank_seq,
    )


async def insert_check(tx: Writer, row: Mapping[str, Any]) -> bool:
    """Remember a check; False where its serial is there."""
    stored = await tx.insert(
        bank_check, [row], tail="on conflict (pool, institution, bank_date, bank_seq) do nothing returning bank_seq"
    )
    return bool(stored)
