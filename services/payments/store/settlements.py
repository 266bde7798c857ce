"""SQL about settlements: what is owed the special account, the lines that brought it, and breaks on the way."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from shared.database import Reader, Row, Writer

from ..tables import settlement, settlement_line

_SETTLEMENT = (
    "s.pool, s.settlement_id, s.channel, s.institution, s.day, s.subject, s.reference, s.expected_fen, s.state, "
    "s.version"
)
_WITH_LINES = (
    f"select {_SETTLEMENT}, coalesce(come.arrived_fen, 0) as arrived_fen, coalesce(come.fee_fen, 0) as fee_fen, "
    "coalesce(come.lines, 0) as lines from settlement as s left join lateral ("
    "select cast(sum(line.amount_fen) filter (where part = 'arrived') as bigint) as arrived_fen, "
    "cast(sum(line.amount_fen) filter (where part = 'fee') as bigint) as fee_fen, count(*) as lines "
    "from settlement_line as line join statement on statement.pool = line.pool "
    "and statement.statement_id = line.statement_id and statement.state = 'accepted' "
    "where line.pool = :pool and line.settlement_id = s.settlement_id) as come on true "
)


async def hold(tx: Writer, pool: str) -> None:
    """Keep the settlements of a pool, the new ones too, until the end: each is brought by the first line that fits.

    What has come is asked in a statement of its own after this: only that sees what was written while we waited.
    """
    await tx.execute(
        "insert into settlement_turn (pool) values (:pool) on conflict (pool) do update set pool = excluded.pool",
        pool=pool,
    )


async def owed(tx: Reader, pool: str, without: Sequence[str], since: date) -> Sequence[Row]:
    """What accepted statements, slips and claims say is coming and no settlement tells so yet; layouts in `without`
    promise nothing. A newer version of a statement says it anew."""
    return await tx.rows(
        "select told.*, s.settlement_id from ("
        "select pool, channel, institution, day, statement_id as subject, cast(null as text) as reference, "
        "(select cast(coalesce(sum(case r.kind when 'payment' then r.amount_fen else -r.amount_fen end), 0) as bigint) "
        "from statement_row as r where r.pool = :pool and r.statement_id = statement.statement_id "
        "and r.status = 'success') as expected_fen from statement where pool = :pool and state = 'accepted' "
        "and channel <> 'account' and layout <> all(cast(:without as text[])) and day >= :since "
        "union all select pool, case when from_account like 'held/counter/%' then 'counter' else 'agent' end, "
        "cast(remittance_id as text), paid_on, remittance_id, bank_reference, "
        "total_fen + interest_fen from remittance where pool = :pool and status = 'confirmed' "
        "and to_account = 'special_account' and paid_on >= :since "
        "union all select pool, 'claim', cast(claim_receipt_id as text), received_on, claim_receipt_id, "
        "bank_reference, amount_fen from claim_receipt where pool = :pool and status = 'confirmed' "
        "and received_on >= :since) as told "
        "left join settlement as s on s.pool = :pool and s.channel = told.channel "
        "and s.institution = told.institution and s.day = told.day "
        "where s.settlement_id is null or s.subject <> told.subject order by told.day, told.channel, told.institution",
        pool=pool,
        without=sorted(without),
        since=since,
    )


async def expect(tx: Writer, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write down settlements; one that is known says what the newer statement says."""
    await tx.insert(
        settlement,
        rows,
        tail="on conflict (pool, channel, institution, day) do update set subject = excluded.subject, "
        "expected_fen = excluded.expected_fen, changed_at = excluded.changed_at, version = settlement.version + 1",
    )


async def standing(tx: Reader, pool: str, since: date) -> Sequence[Row]:
    """The settlements of a pool with what has come of each."""
    return await tx.rows(
        f"{_WITH_LINES} where s.pool = :pool and s.day >= :since order by s.day", pool=pool, since=since
    )


async def of_day(tx: Reader, pool: str, first: date, last: date) -> Sequence[Row]:
    """The settlements of some days with what has come of each."""
    return await tx.rows(
        f"{_WITH_LINES} where s.pool = :pool and s.day between :first and :last "
        "order by s.day, s.channel, s.institution",
        pool=pool,
        first=first,
        last=last,
    )


async def find(tx: Reader, pool: str, channel: str, institution: str, day: date) -> Row | None:
    """The settlement of a day."""
    return await tx.row(
        f"{_WITH_LINES} where s.pool = :pool and s.channel = :channel and s.institution = :institution "
        "and s.day = :day",
        pool=pool,
        channel=channel,
        institution=institution,
        day=day,
    )


async def move(tx: Writer, pool: str, states: Mapping[UUID, str], at: datetime) -> None:
    """Bring settlements into states."""
    if states:
        await tx.execute(
            "update settlement set state = moved.state, changed_at = :at, version = version + 1 "
            "from unnest(cast(:ids as uuid[]), cast(:states as text[])) as moved (settlement_id, state) "
            "where pool = :pool and settlement.settlement_id = moved.settlement_id",
            pool=pool,
            ids=list(states),
            states=list(states.values()),
            at=at,
        )


async def look_again(tx: Writer, pool: str, today: date) -> None:
    """Have lines of accounts that wait for what they brought judged once more today."""
    waiting = await tx.rows(
        "select statement_id from statement where pool = :pool and channel = 'account' and state = 'accepted' "
        "and look_on is not null and exists (select 1 from statement_row as r where r.pool = statement.pool "
        "and r.statement_id = statement.statement_id and r.result = 0) order by statement_id for update",
        pool=pool,
    )
    ids = [row["statement_id"] for row in waiting]
    for change in (
        "update statement_row set judged_on = null where result = 0",
        "update statement set look_on = :today where true",
    ):
        given = {"today": today} if ":today" in change else {}
        await tx.execute(
            f"{change} and pool = :pool and statement_id = any(cast(:ids as uuid[]))", pool=pool, ids=ids, **given
        )


async def add_lines(tx: Writer, rows: Sequence[Mapping[str, Any]]) -> None:
    """Say what lines have brought."""
    await tx.insert(
        settlement_line,
        rows,
        tail="on conflict (pool, statement_id, row_no, settlement_id) do nothing",
    )


# --- what a line of an account stands for -----------------------------------------------------------------------------


async def traded(tx: Reader, pool: str, references: Sequence[str]) -> Mapping[str, int]:
    """What lines of WeChat's accepted trade bills with these numbers come to, in fen."""
    rows = await tx.rows(
        "select r.reference, cast(sum(r.amount_fen) as bigint) as amount_fen from statement_row as r join statement "
        "on statement.pool = r.pool and statement.statement_id = r.statement_id and statement.state = 'accepted' "
        "and statement.channel = 'wechat' where r.pool = :pool and r.status in ('success', 'open') "
        "and r.reference = any(cast(:references as text[])) group by r.reference",
        pool=pool,
        references=sorted(set(references)),
    )
    return {row["reference"]: row["amount_fen"] for row in rows}


async def paid_back(tx: Reader, pool: str, words: Sequence[str]) -> Mapping[str, int]:
    """Refunds that are paid, by the channel's number or our own, in fen."""
    rows = await tx.rows(
        "select f.amount_fen, each.word from unnest(cast(:words as text[])) as each (word) join refund as f "
        "on f.pool = :pool and f.state = 'settled' and each.word in (f.reference, cast(f.refund_id as text))",
        pool=pool,
        words=sorted(set(words)),
    )
    return {row["word"]: row["amount_fen"] for row in rows}


# --- breaks on the way ------------------------------------------------------------------------------------------------


async def breaks_on_the_way(tx: Reader, pool: str, kind: str) -> Sequence[Row]:
    """Breaks of a kind about whole settlements or vouchers that are not superseded, with what was suspended by them."""
    return await tx.rows(
        "select b.break_id, b.channel, b.institution, b.day, b.state, b.our_fen, b.channel_fen, "
        "t.transfer_id is not null and back.transfer_id is null as suspended, t.debit_account, t.credit_account, "
        "t.amount_fen from statement_break as b left join transfer as t on t.pool = b.pool and t.kind = 'suspend' "
        "and t.subject = cast(b.break_id as text) left join transfer as back on back.pool = b.pool "
        "and back.kind = 'suspend_reversed' and back.subject = cast(b.break_id as text) "
        "where b.pool = :pool and b.kind = :kind and b.state <> 'superseded' order by b.break_id",
        pool=pool,
        kind=kind,
    )
